"""The target column: labels or numbers?"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sknoisy._audit._errors import AuditError

MIN_ROWS = 10
MOST_INTEGER_LABELS = 20
NEARLY_ALL = 0.95


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
    """

    name: str
    task: str
    y: np.ndarray
    rows: np.ndarray
    problems: dict
    why: str
    notes: list = field(default_factory=list)


def read_target(column, task=None):
    """Guess the task, unless it is given, and take the rows that have a target."""
    name, n = column.name, len(column)
    missing = column.isna().to_numpy(dtype=bool)
    if missing.all():
        raise AuditError(f"target column {name!r} has no values: all {n} rows are missing.")
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        raise AuditError(f"target column {name!r} holds dates: only labels and numbers are judged.")
    values = column[~missing]
    try:
        values.nunique()
    except TypeError as error:
        kind = type(values.iloc[0]).__name__
        raise AuditError(f"target column {name!r} holds {kind} values, not labels.") from error
    numbers = _as_numbers(values)
    guess, why = _guess(values, numbers)
    if task is None:
        task = guess
    elif task != guess:
        why = "as --task says"
    problems = {int(row): "target missing" for row in np.flatnonzero(missing)}
    notes = []
    if task == "regression":
        y, rows = _take_numbers(name, values, numbers, problems, notes)
    else:
        y, rows = _take_labels(values, numbers), np.flatnonzero(~missing)
    _check(name, task, y, n, notes)
    return Target(name, task, y, rows, problems, why, notes)


def _as_numbers(values):
    """Float values, NaN for what is no number; None when these are certainly labels."""
    if pd.api.types.is_bool_dtype(values):
        return None
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if not pd.api.types.is_numeric_dtype(values):
        texts = values.astype(str)
        if texts.str.match(r"\s*[+-]?0\d").any():  # 007 is a name
            return None
        values = pd.to_numeric(texts, errors="coerce")
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _guess(values, numbers):
    if numbers is None:
        return "classification", "codes or yes/no values"
    distinct = values.nunique()
    is_number = ~np.isnan(numbers)
    found = numbers[is_number]
    few = distinct <= max(2, min(MOST_INTEGER_LABELS, len(values) // 10))
    if few and len(found) and (found == np.round(found)).all():
        what = "whole numbers" if is_number.all() else "values"
        return "classification", f"{distinct} distinct {what}"
    if is_number.mean() >= NEARLY_ALL:
        return "regression", f"{len(np.unique(found))} distinct numbers"
    return "classification", "text values"


def _take_numbers(name, values, numbers, problems, notes):
    rows = np.flatnonzero(~np.isin(np.arange(len(values) + len(problems)), list(problems)))
    texts = values.astype(str).to_numpy(dtype=object)
    bad = np.arange(len(values)) if numbers is None else np.flatnonzero(np.isnan(numbers))
    if len(bad) > (1 - NEARLY_ALL) * len(values):
        raise AuditError(
            f"target column {name!r} is not numeric: row {rows[bad[0]]} is {texts[bad[0]]!r}, and "
            f"{len(bad)} of {len(values)} values are no numbers."
        )
    if len(bad):
        notes.append(
            f"{len(bad)} rows have a target that is no number, the first one {texts[bad[0]]!r} in "
            f"row {rows[bad[0]]}: they are not judged"
        )
        problems |= {int(rows[i]): f"target is no number: {texts[i]}" for i in bad}
    good = ~np.isnan(numbers)
    return numbers[good], rows[good]


def _take_labels(values, numbers):
    """Labels of one type: truth values, whole numbers, or else texts."""
    if pd.api.types.is_bool_dtype(values):
        return values.to_numpy(dtype=bool)
    if numbers is not None and not np.isnan(numbers).any() and (np.abs(numbers) < 2**53).all():
        if (numbers == np.round(numbers)).all():
            return numbers.astype(np.int64)
    return values.astype(str).to_numpy(dtype=object)


def _check(name, task, y, n, notes):
    distinct = np.unique(y)
    if len(distinct) == 1:
        raise AuditError(f"target column {name!r} is constant: all values are {distinct[0]!s:.60}.")
    if len(y) < MIN_ROWS:
        raise AuditError(
            f"too few rows: {len(y)} of {n} rows have a target, and at least {MIN_ROWS} are needed."
        )
    if task == "regression":
        return
    if len(distinct) > len(y) / 2:
        raise AuditError(
            f"target column {name!r} has {len(distinct)} different values in {len(y)} rows, such "
            f"as {distinct[0]!s:.30}: too many to be labels."
        )
    if y.dtype == object:
        alike = pd.Series(distinct).groupby(pd.Series(distinct).str.strip().str.lower())
        for _, labels in alike:
            if len(labels) > 1:
                notes.append(
                    "labels that differ only in case or spaces: " + ", ".join(map(repr, labels))
                )
