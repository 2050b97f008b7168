"""What columns hold, told by sums over pieces; and rows as models get them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sknoisy._audit._columns import _ROW_NUMBER, MAX_CATEGORIES, RARE
from sknoisy._audit._names import plain
from sknoisy._audit._numbers import NEARLY_ALL
from sknoisy._audit.by_partition._files import as_numbers
from sknoisy._evidence._table import LARGEST

MOST_COUNTED = 1000  # values of a column that a piece counts
MISSING = "(missing)"


@dataclass
class Numbers:
    """Sums over the numbers of a column."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0  # of the distances from the mean
    least: float = np.inf
    most: float = -np.inf
    n_missing: int = 0
    n_infinite: int = 0
    is_row_number: bool = True  # whole numbers that go one way, in each piece

    @classmethod
    def of(cls, values):
        infinite = np.isinf(values)
        known = values[np.isfinite(values)]
        steps = np.diff(known)
        one_way = (steps > 0).sum() >= len(steps) - 3 or (steps < 0).sum() >= len(steps) - 3
        whole = bool((known == np.round(known)).all())
        return cls(
            n=len(known),
            mean=known.mean() if len(known) else 0.0,
            squares=((known - known.mean()) ** 2).sum() if len(known) else 0.0,
            least=known.min(initial=np.inf),
            most=known.max(initial=-np.inf),
            n_missing=len(values) - len(known),
            n_infinite=int(infinite.sum()),
            is_row_number=whole and one_way,
        )

    def __add__(self, other):
        n = self.n + other.n
        apart = other.mean - self.mean
        return Numbers(
            n=n,
            mean=self.mean + (apart * other.n / n if n else 0.0),
            squares=self.squares + other.squares + (apart**2 * self.n * other.n / n if n else 0.0),
            least=min(self.least, other.least),
            most=max(self.most, other.most),
            n_missing=self.n_missing + other.n_missing,
            n_infinite=self.n_infinite + other.n_infinite,
            is_row_number=self.is_row_number and other.is_row_number,
        )

    @property
    def spread(self):
        return np.sqrt(self.squares / self.n) if self.n and self.squares > 0 else 1.0


@dataclass
class Texts:
    """Counts of the values of a column: of each piece the most frequent ones."""

    n: int = 0
    n_distinct: int = 0  # summed over pieces
    most_distinct: int = 0  # in one piece
    n_words: int = 0
    n_missing: int = 0
    counts: Counter = field(default_factory=Counter)

    @classmethod
    def of(cls, column):
        texts = as_texts(column)
        known = texts[texts != MISSING]
        counts = known.value_counts()
        words = int(known.str.count(r"\S+").sum()) if len(known) else 0
        return cls(
            n=len(known),
            n_distinct=len(counts),
            most_distinct=len(counts),
            n_words=words,
            n_missing=len(texts) - len(known),
            counts=Counter(counts.iloc[:MOST_COUNTED].to_dict()),
        )

    def __add__(self, other):
        return Texts(
            n=self.n + other.n,
            n_distinct=self.n_distinct + other.n_distinct,
            most_distinct=max(self.most_distinct, other.most_distinct),
            n_words=self.n_words + other.n_words,
            n_missing=self.n_missing + other.n_missing,
            counts=self.counts + other.counts,
        )


def as_texts(column):
    """Values as texts with one kind of blank; missing ones and empty ones are `MISSING`."""
    texts = column.astype(object)
    values = pd.Series(pd.unique(texts.dropna()), dtype=object)
    names = dict(zip(values, values.map(plain), strict=True))
    texts = texts.map(names).where(column.notna().to_numpy(), MISSING)
    return texts.where(texts != "", MISSING).astype(object)


def sums_of(frame, kinds):
    """Name to `Numbers` or `Texts`, of the columns that have a kind."""
    return {
        name: Texts.of(frame[name])
        if kind == "category"
        else Numbers.of(_comparable(frame[name], kind))
        for name, kind in kinds.items()
    }


# ---------------------------------------------------------------------------- rows for models


@dataclass
class Table:
    """The columns by which the target is judged, and how models get them.

    Attributes
    ----------
    kinds : dict of str to str
        Name to "number", "date", "time" or "category".
    numbers : dict of str to Numbers
    levels : dict of str to list
        Values of a category, the most frequent one first; the last one stands for the rare and
        the unknown.
    left_out : dict of str to str
    notes : list of str
    medians : dict of str to float
        Of the columns of numbers, about: what takes the place of missing ones.
    """

    kinds: dict
    numbers: dict
    levels: dict
    left_out: dict
    notes: list
    medians: dict = field(default_factory=dict)

    @classmethod
    def of(cls, sums, kinds):
        """From what `sums_of` says of all rows together."""
        table = cls({}, {}, {}, {}, [])
        for name, kind in kinds.items():
            read = table._read_texts if kind == "category" else table._read_numbers
            why = read(name, sums[name])
            if why is None:
                table.kinds[name] = kind
            else:
                table.left_out[name] = why
        return table

    def _read_numbers(self, name, found):
        if found.n == 0:
            return "no finite values" if found.n_infinite else "no values"
        if found.least == found.most:
            return f"constant ({found.least:.6g})"
        if found.is_row_number and _ROW_NUMBER.fullmatch(name):
            return "row number"
        if found.n_infinite:
            self.notes.append(
                f"column {name!r}: {found.n_infinite} infinite values count as missing"
            )
        self.numbers[name] = found

    def _read_texts(self, name, found):
        if found.n == 0:
            return "no values"
        if len(found.counts) == 1 and found.most_distinct == 1:
            return f"constant ({next(iter(found.counts))[:30]})"
        share = found.n_distinct / found.n
        if found.n_words >= 4 * found.n and share > 0.3 and found.most_distinct > 50:
            return "text, which this engine does not read"
        if share > NEARLY_ALL and found.n >= 20:
            return "nearly all values differ"
        levels = [value for value, _ in found.counts.most_common()]
        if len(levels) > MAX_CATEGORIES:
            levels = levels[: MAX_CATEGORIES - 1]
            self.notes.append(
                f"column {name!r} has more than {MAX_CATEGORIES} values: the {len(levels)} most "
                "frequent stay, the others count as one"
            )
        if found.n_missing:
            levels = [*levels, MISSING]
        self.levels[name] = [*levels, RARE]

    def typed(self, frame):
        """DataFrame of floats with NaN, and of categories: what boosting takes as it is."""
        columns = {}
        for name, kind in self.kinds.items():
            if kind == "category":
                columns[name] = pd.Categorical(self._texts(frame[name]), self.levels[name])
            else:
                values = _comparable(frame[name], kind)
                columns[name] = np.where(np.isfinite(values), values, np.nan)
        return pd.DataFrame(columns)

    def encoded(self, frame):
        """(n, d): numbers of zero mean and unit spread, missing ones the median and marked; \
categories one-hot."""
        parts = []
        for name, kind in self.kinds.items():
            if kind == "category":
                codes = pd.Categorical(self._texts(frame[name]), self.levels[name]).codes
                parts += [codes == code for code in range(len(self.levels[name]))]
                continue
            values, found = _comparable(frame[name], kind), self.numbers[name]
            known = np.isfinite(values)
            values = np.where(known, values, self.medians.get(name, found.mean))
            parts.append((values - found.mean) / found.spread)
            if found.n_missing:
                parts.append(~known)
        return np.column_stack(parts).astype(float)

    def width(self):
        """Number of columns that `encoded` gives."""
        marks = sum(found.n_missing > 0 for found in self.numbers.values())
        return len(self.numbers) + marks + sum(map(len, self.levels.values()))

    def _texts(self, column):
        texts, levels = as_texts(column), set(self.levels[column.name])
        return texts.where(texts.isin(levels), RARE)


def _comparable(column, kind):
    """Numbers, infinite where single precision ends: squares overflow, and trees fail."""
    values = as_numbers(column, kind)
    return np.where(np.abs(values) > LARGEST, np.inf, values)
