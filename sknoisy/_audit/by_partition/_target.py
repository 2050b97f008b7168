"""The target column: labels or numbers, told by sums over pieces."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sknoisy._audit._errors import AuditError
from sknoisy._audit._names import merge_spellings
from sknoisy._audit._target import MIN_ROWS, MOST_INTEGER_LABELS, _look_at_labels
from sknoisy._audit.by_partition._columns import MISSING, as_texts
from sknoisy._audit.by_partition._files import as_numbers

MOST_LABELS = 2000  # different values from which a target holds no labels


@dataclass
class Seen:
    """What pieces say of the target: counts of its values, as long as these are not too many."""

    counts: Counter = field(default_factory=Counter)
    n: int = 0
    n_missing: int = 0
    n_infinite: int = 0
    least: float = np.inf
    most: float = -np.inf
    whole: bool = True
    is_bool: bool = True
    too_many: bool = False

    @classmethod
    def of(cls, column, kind):
        values = raw_target(column, kind)
        known = values[~pd.isna(values)]
        counts = pd.Series(known).value_counts()
        seen = cls(n=len(known), n_missing=len(values) - len(known))
        seen.too_many = len(counts) > MOST_LABELS
        seen.counts = Counter({} if seen.too_many else counts.to_dict())
        if kind != "category":
            finite = known[np.isfinite(known)]
            seen.n_infinite = len(known) - len(finite)
            seen.least, seen.most = finite.min(initial=np.inf), finite.max(initial=-np.inf)
            seen.whole = bool((finite == np.round(finite)).all())
        seen.is_bool = pd.api.types.is_bool_dtype(column.dropna().infer_objects())
        return seen

    def __add__(self, other):
        counts = self.counts + other.counts
        too_many = self.too_many or other.too_many or len(counts) > MOST_LABELS
        return Seen(
            counts=Counter() if too_many else counts,
            n=self.n + other.n,
            n_missing=self.n_missing + other.n_missing,
            n_infinite=self.n_infinite + other.n_infinite,
            least=min(self.least, other.least),
            most=max(self.most, other.most),
            whole=self.whole and other.whole,
            is_bool=self.is_bool and other.is_bool,
            too_many=too_many,
        )


def raw_target(column, kind):
    """(n,) texts or numbers; None or NaN where there is none."""
    if kind == "category":
        texts = as_texts(column)
        # as written, for what is one label is known when all pieces are
        return column.astype(object).astype(str).where(texts != MISSING, None).to_numpy(object)
    return as_numbers(column, kind)


@dataclass
class Target:
    """What is to be judged.

    Attributes
    ----------
    name, task, why : str
    labels : ndarray of shape (K,) or None
        Sorted; None for numbers.
    counts : ndarray of shape (K,) or None
    spellings : dict
        Texts that are written in another way than their label.
    kind : str
        That of the column.
    n, n_missing : int
    notes, first : list of str
    """

    name: str
    task: str
    why: str
    kind: str
    n: int
    n_missing: int
    labels: np.ndarray | None = None
    counts: np.ndarray | None = None
    spellings: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    first: list = field(default_factory=list)

    def known(self, column):
        """(rows that have a target, their codes or numbers)."""
        values = raw_target(column, self.kind)
        if self.labels is None:
            rows = np.flatnonzero(np.isfinite(values))
            return rows, values[rows]
        rows = np.flatnonzero(~pd.isna(values))
        values = values[rows]
        if self.kind == "category":
            if self.spellings:
                values = np.array([self.spellings.get(v, v) for v in values], dtype=object)
        else:
            values = values.astype(self.labels.dtype)
        return rows, pd.Index(self.labels).get_indexer(values)


def read_target(name, kind, seen, task, n_rows):
    """`Target`: the task is guessed unless it is given."""
    if kind not in ("number", "category"):
        raise AuditError(
            f"target column {name!r} is {kind}: only labels and numbers are judged."
            if kind in ("date", "time")
            else f"target column {name!r} {kind}, not labels."
        )
    if seen.n == 0:
        raise AuditError(f"target column {name!r} has no values: all {n_rows} rows are missing.")
    guess, why = _guess(kind, seen)
    why = why if task in (None, guess) else "as --task says"
    target = Target(name, task or guess, why, kind, seen.n, seen.n_missing)
    if target.task == "classification":
        _take_labels(target, seen)
    elif kind == "category":
        raise AuditError(f"target column {name!r} holds texts, and no numbers.")
    else:
        target.n -= seen.n_infinite
        target.n_missing += seen.n_infinite
        target.why = f"from {seen.least:.6g} to {seen.most:.6g} ({target.why})"
    _check(target, seen, n_rows)
    return target


def _guess(kind, seen):
    distinct = len(seen.counts)
    if kind == "category":
        return "classification", "text values"
    if seen.is_bool:
        return "classification", "codes or yes/no values"
    few = not seen.too_many and distinct <= max(2, min(MOST_INTEGER_LABELS, seen.n // 10))
    if few and seen.whole:
        return "classification", f"{distinct} distinct whole numbers"
    return "regression", "more than 2000 numbers" if seen.too_many else f"{distinct} numbers"


def _take_labels(target, seen):
    if seen.too_many:
        raise AuditError(
            f"target column {target.name!r} has more than {MOST_LABELS} different values: too many "
            "to be labels."
        )
    if target.kind == "category":
        texts = pd.Series(list(seen.counts), dtype=object)
        merged, target.spellings = merge_spellings(texts)
        counts = pd.Series(list(seen.counts.values())).groupby(merged.to_numpy()).sum()
        target.labels = counts.index.to_numpy(dtype=object)
        _look_at_labels(target.labels, counts.to_numpy(), target.notes, target.first)
    else:
        counts = pd.Series(seen.counts).sort_index()
        dtype = bool if seen.is_bool else np.int64 if seen.whole else float
        target.labels = counts.index.to_numpy().astype(dtype)
    target.counts = counts.to_numpy()


def _check(target, seen, n_rows):
    if len(seen.counts) == 1 and not seen.too_many:
        value = str(next(iter(seen.counts)))[:60]
        raise AuditError(f"target column {target.name!r} is constant: all values are {value}.")
    if target.n < MIN_ROWS:
        raise AuditError(
            f"too few rows: {target.n} of {n_rows} rows have a target, and at least {MIN_ROWS} are "
            "needed."
        )
    if target.labels is not None and len(target.labels) > target.n / 2:
        raise AuditError(
            f"target column {target.name!r} has {len(target.labels)} different values in "
            f"{target.n} rows: too many to be labels."
        )
