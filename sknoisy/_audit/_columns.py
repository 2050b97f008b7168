"""The other columns: what each one holds, and how models get it."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api import types

from sknoisy._audit._errors import AuditError

NEARLY_ALL = 0.95
MAX_CATEGORIES = 250  # histogram gradient boosting takes no more than 255
RARE = "(rare)"

_YEAR_FIRST = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
_YEAR_LAST = r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
_NAMED_MONTH = r"(?:\d{1,2}[- ]+[A-Za-z]{3,9}|[A-Za-z]{3,9} +\d{1,2}),?[- ]+\d{2,4}"
_DATE = re.compile(
    rf"\s*(?:{_YEAR_FIRST}|{_YEAR_LAST}|{_NAMED_MONTH})(?:[T ,]+\d{{1,2}}:\d{{2}}.*)?\s*"
)
_ROW_NUMBER = re.compile(
    r"(unnamed: \d+|.*\b(id|index|row|nr|no|key)|.*_(id|index|row|nr|no|key))?", re.I
)


@dataclass
class Features:
    """The columns by which the target is judged.

    Attributes
    ----------
    X : DataFrame of shape (n, d)
        Numbers as float64 with NaN, categories as `category`, texts as str with "" for missing.
    kinds : dict of str to str
        Name to "number", "date", "category" or "text".
    left_out : dict of str to str
        Name to the reason.
    notes : list of str
    """

    X: pd.DataFrame
    kinds: dict
    left_out: dict
    notes: list = field(default_factory=list)

    def names(self, kind):
        return [name for name, k in self.kinds.items() if k == kind]


def read_features(table):
    """Decide what each column is and bring it to the form that models take.

    - number: numbers, truth values, durations (in seconds); also text of which at least 95 %
      reads as numbers, the rest then being missing;
    - date: days since 1970; also text of which at least 95 % reads as dates with a year;
    - text: at least 4 words on average, and mostly different values;
    - category: all other text; beyond 250 values the rarest are one.

    Left out: columns without values or with only one, text of which nearly all values differ,
    running numbers of rows, and values that are lists or the like.
    """
    columns, kinds, left_out, notes = {}, {}, {}, []
    for name in table.columns:
        kind, values = _read_column(table[name], notes)
        if values is None:
            left_out[name] = kind
        else:
            columns[name], kinds[name] = values, kind
    if not columns:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:5])
        raise AuditError(
            "no column is left to judge the target by" + (f" ({reasons})." if reasons else ".")
        )
    return Features(pd.DataFrame(columns, index=table.index), kinds, left_out, notes)


def _read_column(column, notes):
    """(kind, values), or (reason, None) for a column that is left out."""
    known = column.dropna()
    if len(known) == 0:
        return "no values", None
    try:
        n_distinct = known.nunique()
    except TypeError:  # lists, dicts, arrays
        return f"holds {type(known.iloc[0]).__name__} values", None
    if n_distinct == 1:
        return f"constant ({str(known.iloc[0])[:30]})", None
    if types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return _read_numbers(column, known, n_distinct)
    if types.is_timedelta64_dtype(column):
        return "number", column.dt.total_seconds()
    if types.is_datetime64_any_dtype(column):
        return "date", _days(column)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        converted = _numbers_or_dates(column, known, notes)
        if converted is not None:
            return converted
    return _read_texts(column, known, n_distinct, notes)


def _read_numbers(column, known, n_distinct):
    if _ROW_NUMBER.fullmatch(column.name) and len(known) == len(column) == n_distinct:
        steps = np.diff(known.to_numpy(dtype=float))
        if (steps == 1).all():
            return "row number", None
    numbers = pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index)
    numbers = numbers.replace([np.inf, -np.inf], np.nan)
    return ("no finite values", None) if numbers.isna().all() else ("number", numbers)


def _numbers_or_dates(column, known, notes):
    """Text and objects that are numbers or dates nearly throughout; None for others."""
    holds = types.infer_dtype(known, skipna=True)
    if holds in ("date", "datetime"):
        return "date", _days(pd.to_datetime(column, errors="coerce", utc=True))
    texts = known.astype(str)
    numbers = pd.to_numeric(texts, errors="coerce").astype(float)
    if holds != "boolean" and numbers.notna().mean() >= NEARLY_ALL:
        _note_odd(column.name, "number", texts[numbers.isna()], notes)
        return _read_numbers(numbers.reindex(column.index).rename(column.name), numbers, 0)
    is_date = texts.map(lambda text: _DATE.fullmatch(text) is not None)
    if is_date.mean() < NEARLY_ALL:
        return None
    dates = _parse_dates(texts[is_date])
    if dates.notna().sum() < NEARLY_ALL * len(texts):
        return None
    _note_odd(column.name, "date", texts[~texts.index.isin(dates.dropna().index)], notes)
    return "date", _days(dates).reindex(column.index)


def _parse_dates(texts):
    """Dates in one format, with days first where that reads more; in several as a last resort."""
    best = None
    for how in ({}, {"dayfirst": True}, {"format": "mixed"}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a format was not found, or is another one
            dates = pd.to_datetime(texts, errors="coerce", utc=True, **how)
        if best is None or dates.notna().sum() > best.notna().sum():
            best = dates
        if best.notna().all():
            break
    return best


def _days(dates):
    if getattr(dates.dt, "tz", None) is not None:
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    return (dates - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)


def _note_odd(name, kind, odd, notes):
    if len(odd):
        notes.append(
            f"column {name!r}: {len(odd)} values that are no {kind}s (such as {odd.iloc[0]!r:.40}) "
            "count as missing"
        )


def _read_texts(column, known, n_distinct, notes):
    texts = known.astype(str)
    share_distinct = n_distinct / len(known)
    words = texts.iloc[:2000].str.count(r"\S+").mean()
    if words >= 4 and share_distinct > 0.3 and n_distinct > 50:
        return "text", texts.reindex(column.index).fillna("").astype(object)
    if share_distinct > NEARLY_ALL and len(known) >= 20:
        return "nearly all values differ", None
    if n_distinct > MAX_CATEGORIES:
        kept = texts.value_counts().index[: MAX_CATEGORIES - 1]
        notes.append(
            f"column {column.name!r} has {n_distinct} different values: the {len(kept)} most "
            "frequent stay, the others count as one"
        )
        texts = texts.where(texts.isin(kept), RARE)
    return "category", texts.astype(object).reindex(column.index).astype("category")


def find_twins(features, target):
    """Notes on columns that look like another form of the target, which would spoil the verdict."""
    notes = []
    for name in features.kinds:
        why = None
        if re.fullmatch(
            rf"{re.escape(target.name)}[_ .-].+|.+[_ .-]{re.escape(target.name)}", name
        ):
            why = "is named like the target"
        elif _gives_away(features.X[name], target):
            why = "nearly gives the target away"
        if why:
            notes.append(
                f"column {name!r} {why}: if it is another form of the target, leave it out "
                f"(--drop {name!r})"
            )
    return notes


def _gives_away(column, target):
    if target.task == "regression":
        if not types.is_numeric_dtype(column):
            return False
        known = column.notna().to_numpy()
        x, y = column.to_numpy()[known], target.y[known]
        if len(x) < 10 or x.std() == 0 or y.std() == 0:
            return False
        return abs(np.corrcoef(x, y)[0, 1]) > 0.97
    codes = np.unique(target.y, return_inverse=True)[1]
    values = pd.factorize(column, use_na_sentinel=False)[0]
    if values.max() + 1 > min(MAX_CATEGORIES, len(codes) / 10):
        return False
    counts = pd.crosstab(values, codes).to_numpy()
    return counts.max(axis=1).sum() > 0.99 * len(codes) > counts.sum(axis=0).max()
