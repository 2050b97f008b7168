"""The target column: labels or numbers?"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sknoisy._audit._dates import read_dates
from sknoisy._audit._errors import AuditError
from sknoisy._audit._names import is_mark, look_alike, merge_spellings, plain
from sknoisy._audit._numbers import CODES, NEARLY_ALL, read_numbers

MIN_ROWS = 10
MOST_INTEGER_LABELS = 20
MOST_DATES = 50  # that may be labels, in a table of many rows


@dataclass
class Target:
    """What is to be judged.

    Attributes
    ----------
    name : str
    task : {"classification", "regression"}
    y : ndarray of shape (n,)
        Labels or numbers of the rows that have one.
    rows : ndarray of shape (n,)
        Positions of these rows in the file.
    problems : dict of int to str
        Why another row has no target.
    why : str
        How the task was found out.
    notes : list of str
    first : list of str
        What is to be put right before any verdict is believed.
    """

    name: str
    task: str
    y: np.ndarray
    rows: np.ndarray
    problems: dict
    why: str
    notes: list = field(default_factory=list)
    first: list = field(default_factory=list)


def read_target(column, task=None, decimal=None):
    """Guess the task, unless it is given, and take the rows that have a target."""
    name, n = column.name, len(column)
    missing = column.isna().to_numpy(dtype=bool, copy=True)
    missing |= column.map(lambda value: isinstance(value, str) and not plain(value)).to_numpy(bool)
    if missing.all():
        raise AuditError(f"target column {name!r} has no values: all {n} rows are missing.")
    if _is_dated(column):
        raise AuditError(f"target column {name!r} holds dates: only labels and numbers are judged.")
    values = column[~missing]
    try:
        values.nunique()
    except TypeError as error:
        kind = type(values.iloc[0]).__name__
        raise AuditError(f"target column {name!r} holds {kind} values, not labels.") from error
    notes, first = [], []
    read = _as_numbers(values, decimal)
    guess, why = _guess(values, read)
    if task is None:
        task = guess
    elif task != guess:
        why = "as --task says"
    if task == "regression":
        values, why = _without_marks(values, read, missing, why)
    problems = {int(row): "target missing" for row in np.flatnonzero(missing)}
    if task == "regression":
        y, rows = _take_numbers(name, values, read, problems, notes)
    else:
        y, rows = _take_labels(values, read, notes), np.flatnonzero(~missing)
        if y.dtype == object:
            _look_at_labels(*np.unique(y, return_counts=True), notes, first)
    _check(name, task, y, n)
    return Target(name, task, y, rows, problems, why, notes, first)


def _is_dated(column):
    kinds = pd.api.types
    return (
        kinds.is_datetime64_any_dtype(column)
        or kinds.is_timedelta64_dtype(column)
        or isinstance(column.dtype, pd.PeriodDtype)
    )


@dataclass
class _Reading:
    """A target as numbers: NaN for what is none; `values` None where these are certainly labels."""

    values: np.ndarray | None
    how: list
    is_plain: bool = True


def _as_numbers(values, decimal):
    if pd.api.types.is_bool_dtype(values):
        return _Reading(None, [])
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        return _Reading(np.where(np.isfinite(numbers), numbers, np.nan), [])
    texts = values.astype(str)
    easy = pd.to_numeric(texts, errors="coerce")
    read = read_numbers(texts, decimal)
    if CODES in read.how:  # 007 is a name
        return _Reading(None, [])
    numbers = (easy if read.values is None else read.values).to_numpy(dtype=float)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    is_plain = read.values is None or bool(easy[read.values.notna()].notna().all())
    return _Reading(numbers, read.how, is_plain)


def _guess(values, read):
    if read.values is None:
        return "classification", "codes or yes/no values"
    distinct = values.nunique()
    is_number = ~np.isnan(read.values)
    found = read.values[is_number]
    few = distinct <= max(2, min(MOST_INTEGER_LABELS, len(values) // 10))
    if few and len(found) and (found == np.round(found)).all():
        what = "whole numbers" if is_number.all() and read.is_plain else "values"
        return "classification", f"{distinct} distinct {what}"
    if len(found) and len(found) >= NEARLY_ALL * (~_marks(values)).sum():
        return "regression", f"{len(np.unique(found))} distinct numbers"
    return "classification", "text values"


def _marks(values):
    """Which values only say that there is no number."""
    if pd.api.types.is_numeric_dtype(values):
        return np.zeros(len(values), dtype=bool)
    return is_mark(values.astype(str)).to_numpy()


def _without_marks(values, read, missing, why):
    """Values without the marks of missing ones, which are then missing; and how all was read."""
    marks = _marks(values)
    missing[np.flatnonzero(~missing)[marks]] = True
    if read.values is not None:
        read.values = read.values[~marks]
    return values[~marks], ", ".join([why, *read.how])


def _take_numbers(name, values, read, problems, notes):
    numbers = read.values
    rows = np.flatnonzero(~np.isin(np.arange(len(values) + len(problems)), list(problems)))
    texts = values.astype(str).to_numpy(dtype=object)
    bad = np.arange(len(values)) if numbers is None else np.flatnonzero(np.isnan(numbers))
    if len(bad) > (1 - NEARLY_ALL) * len(values):
        why = f" ({', '.join(read.how)})" if read.how else ""
        raise AuditError(
            f"target column {name!r} is not numeric{why}: row {rows[bad[0]]} is "
            f"{texts[bad[0]]!r:.60}, and {len(bad)} of {len(values)} values are no numbers."
        )
    if len(bad):
        notes.append(
            f"{len(bad)} rows have a target that is no number, the first one {texts[bad[0]]!r} in "
            f"row {rows[bad[0]]}: they are not judged"
        )
        problems |= {int(rows[i]): f"target is no number: {texts[i]}" for i in bad}
    good = ~np.isnan(numbers)
    return numbers[good], rows[good]


def _take_labels(values, read, notes):
    """Labels of one type: truth values, whole numbers, or else texts."""
    if pd.api.types.is_bool_dtype(values):
        return values.to_numpy(dtype=bool)
    numbers = read.values
    if read.is_plain and numbers is not None and not np.isnan(numbers).any():
        if (numbers == np.round(numbers)).all() and (np.abs(numbers) < 2**53).all():
            return numbers.astype(np.int64)
    texts, changed = merge_spellings(values.astype(str))
    if changed:
        n = int(values.astype(str).isin(list(changed)).sum())
        labels = ", ".join(map(repr, list(dict.fromkeys(changed.values()))[:5]))
        notes.append(
            "labels that differ only in blanks or Unicode normal form are one: "
            f"{n} rows of {labels} were written otherwise"
        )
    return texts.to_numpy(dtype=object)


def _look_at_labels(labels, counts, notes, first):
    """What labels may look like a mistake of writing."""
    count = dict(zip(labels, counts, strict=True))
    groups = look_alike(labels)
    if groups:
        shown = [
            " / ".join(f"{text} ({count[a]} rows)" for a, text in _told_apart(group))
            for group in groups[:5]
        ]
        more = f" and {len(groups) - 5} more" if len(groups) > 5 else ""
        first.append(
            "labels that differ only in case, or in letters that look the same, are judged as "
            f"different classes: {', '.join(shown)}{more}. If they mean the same, write them alike "
            "in the file and audit it again."
        )
    marks = labels[is_mark(pd.Series(labels, dtype=object)).to_numpy()]
    if len(marks):
        shown = ", ".join(f"{mark!r} ({count[mark]} rows)" for mark in marks[:5])
        notes.append(
            f"read as a class: {shown}; if that means a missing label, add --missing {marks[0]!r}"
        )


def _told_apart(labels):
    """(label, text that shows how it differs): by the numbers of letters that look the same."""
    only_case = len({label.lower() for label in labels}) == 1
    return [(label, (repr if only_case else ascii)(label)[:40]) for label in labels]


def _check(name, task, y, n):
    if len(y) == 0:
        raise AuditError(f"target column {name!r} has no values: all {n} rows are missing.")
    distinct = np.unique(y)
    if len(distinct) == 1:
        raise AuditError(f"target column {name!r} is constant: all values are {distinct[0]!s:.60}.")
    if len(y) < MIN_ROWS:
        raise AuditError(
            f"too few rows: {len(y)} of {n} rows have a target, and at least {MIN_ROWS} are needed."
        )
    if task == "classification" and len(distinct) > min(len(y) / 2, MOST_DATES):
        _refuse_names(name, distinct, len(y), y.dtype == object)


def _refuse_names(name, distinct, n, are_texts):
    """Many values that are names, dates or numbers of some kind rather than labels."""
    texts = pd.Series(distinct).astype(str)
    what, how = "", read_numbers(texts).how
    if read_dates(texts) is not None:
        what = ", being dates: make numbers of them, such as days, and audit these"
    elif len(distinct) <= n / 2:
        return
    elif how and are_texts:
        what = f", being {how[0]}"
    raise AuditError(
        f"target column {name!r} has {len(distinct)} different values in {n} rows, such as "
        f"{distinct[0]!s:.30}: too many to be labels{what}."
    )
