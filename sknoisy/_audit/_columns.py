"""The other columns: what each one holds, and how models get it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api import types

from sknoisy._audit._dates import days, read_dates
from sknoisy._audit._errors import AuditError
from sknoisy._audit._names import merge_spellings
from sknoisy._audit._numbers import NEARLY_ALL, read_numbers
from sknoisy._evidence._table import as_floats

MAX_CATEGORIES = 250  # histogram gradient boosting takes no more than 255
RARE = "(rare)"
MANY_STEPS = 10  # values, from which on it is odd that they go one way
TICKED = 0.01  # share of rows with a value, and without one, from which on that tells something
PURE = 0.995  # share of one class among the rows of a value from which on the value gives it away
_ROW_WORDS = (
    "ids?|idx|index|rows?|row ?(id|num|names?)|nr|no|key|num|number|seq|serial|record|case|obs|"
    "observation|sample|#"
)
_ROW_NUMBER = re.compile(
    rf"|(?i:unnamed: \d+|(.*(\b|_))?({_ROW_WORDS})\.?)|.*[a-z](I[dD]|Index|N[ro]|Key|Num(ber)?)"
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
    readings : dict of str to str
        Name to what was taken for what, where that is not plain.
    notes : list of str
    """

    X: pd.DataFrame
    kinds: dict
    left_out: dict
    readings: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)

    def names(self, kind):
        return [name for name, k in self.kinds.items() if k == kind]


def read_features(table, decimal=None):
    """Decide what each column is and bring it to the form that models take.

    - number: numbers, truth values, durations (in seconds), times of day (in hours); also text of
      which at least 95 % reads as numbers, the rest then being missing;
    - date: days since 1970; also text of which at least 95 % reads as dates with a year;
    - text: at least 4 words on average, and mostly different values;
    - category: all other text; beyond 250 values the rarest are one; also one value or none, each
      in at least 1 % of the rows.

    Left out: columns without values or with only one otherwise, text of which nearly all values
    differ, running numbers of rows, and values that are lists or the like.
    """
    read = Features(pd.DataFrame(), {}, {})
    columns = {}
    for name in table.columns:
        kind, values = _read_column(table[name], decimal, read)
        if values is None:
            read.left_out[name] = kind
        else:
            columns[name], read.kinds[name] = values, kind
    if not columns:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(read.left_out.items())[:5])
        raise AuditError(
            "no column is left to judge the target by" + (f" ({reasons})." if reasons else ".")
        )
    read.X = pd.DataFrame(columns, index=table.index)
    return read


def _read_column(column, decimal, read):
    """(kind, values), or (reason, None) for a column that is left out."""
    known = column.dropna()
    if len(known) == 0:
        return "no values", None
    try:
        n_distinct = known.nunique()
    except TypeError:  # lists, dicts, arrays
        return f"holds {type(known.iloc[0]).__name__} values", None
    if n_distinct == 1:
        if min(len(known), len(column) - len(known)) >= TICKED * len(column):
            marks = pd.Series(pd.Categorical([str(known.iloc[0])] * len(column)), column.index)
            read.readings[column.name] = "one value or none"
            return "category", marks.where(column.notna())
        return f"constant ({str(known.iloc[0])[:30]})", None
    if types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return _read_numbers(column, read)
    if types.is_timedelta64_dtype(column):
        return "number", column.dt.total_seconds()
    if types.is_datetime64_any_dtype(column):
        return "date", days(column)
    if isinstance(column.dtype, pd.PeriodDtype):
        return "date", days(column.dt.to_timestamp())
    if isinstance(column.dtype, pd.IntervalDtype):
        return "number", pd.Series(as_floats(column), index=column.index)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        converted = _numbers_or_dates(column, known, decimal, read)
        if converted is not None:
            return converted
    return _read_texts(column, known, read)


def _read_numbers(column, read):
    known = column.dropna()
    numbers = pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index)
    if _ROW_NUMBER.fullmatch(column.name) and (numbers.dropna() % 1 == 0).all():
        if _goes_one_way(numbers.dropna(), n_breaks=3):  # files may have been joined
            return "row number", None
    infinite = np.isinf(numbers)
    if infinite.any():
        read.notes.append(
            f"column {column.name!r}: {infinite.sum()} infinite values count as missing"
        )
    numbers = numbers.mask(infinite)
    if numbers.isna().all():
        return "no finite values", None
    if known.nunique() == 1:
        value = known.iloc[0]
        digits = ", to the 16 digits of a number" if abs(value) >= 2**53 else ""
        return f"constant ({value:.6g}{digits})", None
    return "number", numbers


def _goes_one_way(column, n_breaks):
    """Whether values go up, or down, from row to row; with gaps where rows are gone."""
    steps = np.diff(column.to_numpy(dtype=float, na_value=np.nan))
    n_steps = max((steps > 0).sum(), (steps < 0).sum())
    return len(steps) - n_steps <= min(n_breaks, (1 - NEARLY_ALL) * len(steps))


def _numbers_or_dates(column, known, decimal, read):
    """Text and objects that are numbers or dates nearly throughout; None for others."""
    holds = types.infer_dtype(known, skipna=True)
    if holds in ("date", "datetime"):
        return "date", days(pd.to_datetime(column, errors="coerce", utc=True))
    if holds == "boolean":
        return None
    texts = column.where(column.isna(), column.astype(str))
    truth = texts.str.strip().str.lower().map({"true": 1.0, "false": 0.0})
    if truth.notna().sum() == len(known):
        return "number", truth.astype(float)
    numbers = read_numbers(texts, decimal)
    dates = read_dates(texts) if numbers.values is None else None
    if how := numbers.how if dates is None else dates.how:
        read.readings[column.name] = ", ".join(how)
    if numbers.values is not None:
        _note_odd(column.name, "number", numbers.odd, read.notes)
        return _read_numbers(numbers.values.rename(column.name), read)
    if dates is None:
        return None
    _note_odd(column.name, "date" if dates.kind == "date" else "time", dates.odd, read.notes)
    return dates.kind, dates.values


def _note_odd(name, kind, odd, notes):
    if len(odd):
        notes.append(
            f"column {name!r}: {len(odd)} values that are no {kind}s (such as {odd.iloc[0]!r:.40}) "
            "count as missing"
        )


def _read_texts(column, known, read):
    texts, changed = merge_spellings(known.astype(str))
    n_distinct = texts.nunique()
    share_distinct = n_distinct / len(known)
    words = texts.iloc[:2000].str.count(r"\S+").mean()
    if words >= 4 and share_distinct > 0.3 and n_distinct > 50:
        return "text", texts.reindex(column.index).fillna("").astype(object)
    if n_distinct == 1:
        return f"constant ({texts.iloc[0][:30]})", None
    if share_distinct > NEARLY_ALL and len(known) >= 20:
        return "nearly all values differ", None
    if changed:
        read.readings[column.name] = "values that differ only in blanks or normal form are one"
    if n_distinct > MAX_CATEGORIES:
        kept = texts.value_counts().index[: MAX_CATEGORIES - 1]
        read.notes.append(
            f"column {column.name!r} has {n_distinct} different values: the {len(kept)} most "
            "frequent stay, the others count as one"
        )
        texts = texts.where(texts.isin(kept), RARE)
    return "category", texts.astype(object).reindex(column.index).astype("category")


def leave_out_order(features, target):
    """Leave out numbers that tell where a row stood when the table was sorted by its target.

    Other numbers and dates that go up from row to row may do so for a reason: a note.
    """
    found = []
    for name in features.names("number") + features.names("date"):
        known = features.X[name].notna().to_numpy()
        values, y = features.X.loc[known, name], target.y[known]
        is_ordered = _never_goes_back(values)
        is_number = bool((values % 1 == 0).all()) and values.is_unique
        is_number &= features.kinds[name] == "number"
        is_row = is_number and (_ROW_NUMBER.fullmatch(name) or is_ordered and _is_dense(values))
        if (is_row or is_ordered) and _is_sorted(
            y[np.argsort(values.to_numpy(), kind="stable")], target.task
        ):
            if is_row:
                found.append(name)
            else:
                features.notes.append(
                    f"column {name!r} goes one way from row to row, and the table is sorted by the "
                    f"target: if it tells no more than the order, leave it out (--drop {name!r})"
                )
    if len(found) < len(features.kinds):
        for name in found:
            features.left_out[name] = "running number of a table sorted by the target"
            del features.kinds[name]
        features.X = features.X.drop(columns=found)


def _never_goes_back(values):
    """Whether values go up, or down, and at times stay; not of a few values."""
    steps = np.diff(values.to_numpy())
    one_way = (steps >= 0).all() or (steps <= 0).all()
    return bool(one_way) and values.nunique() > MANY_STEPS


def _is_dense(values):
    return np.ptp(values.to_numpy()) < 3 * len(values)


def _is_sorted(y, task):
    if task == "regression":
        return bool((np.diff(y) >= 0).all() or (np.diff(y) <= 0).all())
    return (y[1:] != y[:-1]).sum() == len(set(y)) - 1


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
        elif given_away := _class_given_away(features.X[name], target):
            why = f"nearly gives {given_away} away"
        if why:
            notes.append(
                f"column {name!r} {why}: if it is another form of the target, or was filled in "
                f"when the target was known, leave it out (--drop {name!r})"
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


def _class_given_away(column, target):
    """The class of which most rows have a value that hardly any other row has; None if none.

    Whoever fills in a reason for leaving knows that the customer has left. Such a value follows the
    target as given, mistakes and all, which no honest feature does where there are mistakes.
    """
    if target.task == "regression" or types.is_numeric_dtype(column):
        return None
    labels, codes = np.unique(target.y, return_inverse=True)
    values = pd.factorize(column, use_na_sentinel=False)[0]
    if len(labels) < 2 or values.max() >= MAX_CATEGORIES:
        return None
    counts = pd.crosstab(values, codes).to_numpy()
    totals = counts.sum(axis=0)
    pure = (counts >= PURE * counts.sum(axis=1, keepdims=True)) & (counts >= 0.5 * totals)
    pure &= (counts >= 20) & (totals <= 0.9 * len(codes))
    found = np.flatnonzero(pure.any(axis=0))
    return repr(str(labels[found[0]])[:40]) if len(found) else None
