"""Which rows are copies of one another, so that none is judged by a model that has seen another."""

from __future__ import annotations

import pickle
import warnings
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix, issparse
from scipy.sparse.csgraph import connected_components

from sknoisy._evidence._arrays import as_numpy

MIN_DISTINCT = 20  # fewer distinct rows, each there twice or more, are the values of a category
MANY_COPIES = 20  # so are distinct rows that are there so many times on average
MAX_SHARE = 0.1  # a row that makes up more of all rows than this is a usual one, not a copied one
MORE_THAN_CHANCE = 5.0  # pairs of equal rows over those expected of independent columns
BLOCK = 8  # columns that are looked at first; with numbers of many digits these are enough


class Copies:
    """Rows with the same features, found when first asked for.

    Not every repeated row is a copy. It is a category, or chance, where

    - there are fewer than `MIN_DISTINCT` distinct rows, twice each or more on average, or each is
      there `MANY_COPIES` times on average: a binary feature, a constant;
    - a row is there more than ten times and makes up more than `MAX_SHARE` of all rows;
    - no more pairs of rows are equal than `MORE_THAN_CHANCE` times what is expected if the columns
      of the distinct rows were independent: answers to a few questions.

    Parameters
    ----------
    X : any container with n rows
    """

    def __init__(self, X):
        self._X = X

    @cached_property
    def unit(self):
        """(n,) number of the distinct row that each row is, by appearance; None if no two agree."""
        columns = _Columns(self._X)
        self._X = None  # not needed any more
        unit = columns.equal_rows()
        return None if unit is None else _that_are_copies(unit, columns)

    @classmethod
    def none(cls):
        """No row is a copy."""
        copies = cls(None)
        copies.unit = None
        return copies

    def part(self, rows):
        """The same of some of the rows."""
        part = Copies(None)
        unit = None if self.unit is None else pd.factorize(self.unit[rows])[0]
        part.unit = None if unit is None or unit.max(initial=-1) + 1 == len(unit) else unit
        return part


def equal_rows(X):
    """(n,) number of the distinct row that each row is, whether by chance or not; None if none is.

    Without columns no row is said to equal another one.
    """
    columns = _Columns(X)
    return columns.equal_rows() if columns.width else None


def _that_are_copies(unit, columns):
    """`unit` with each row that is no copy on its own; None where none is."""
    n, size = len(unit), np.bincount(unit)
    n_distinct = len(size)
    if n >= MANY_COPIES * n_distinct or (n_distinct < MIN_DISTINCT and n >= 2 * n_distinct):
        return None
    usual = size > max(10, MAX_SHARE * n)
    pairs = (size * (size - 1.0) / 2)[~usual].sum()
    if not pairs:
        return None
    first = np.unique(unit, return_index=True)[1]
    if columns.chance_to_agree(first, 2 * pairs / (MORE_THAN_CHANCE * n * n)) is None:
        return None
    return pd.factorize(np.where(usual[unit], n_distinct + np.arange(n), unit))[0]


def join(groups, copies):
    """Numbers (n,) of what must stay together: the connected components of groups and copies.

    Either may be None. Where copies chain the groups together, so that more than half of the rows
    would be one, the groups alone count, with a warning.
    """
    if groups is None or copies is None:
        return copies if groups is None else groups
    level = np.unique(groups, return_inverse=True)[1]
    n, n_groups = len(level), level.max() + 1
    edges = coo_matrix((np.ones(n), (level, n_groups + copies)), shape=[n_groups + n] * 2)
    joined = connected_components(edges, directed=False)[1][level]
    if len(np.unique(joined)) == n_groups:  # each row has its copies in its own group
        return groups
    if np.bincount(joined).max() > max(np.bincount(level).max(), n / 2):
        warnings.warn(
            "Rows of different groups are copies of one another, and chain more than half of the "
            "rows together: groups are kept together, copies are not. Drop the copies, or make "
            "groups that hold them.",
            UserWarning,
            stacklevel=3,
        )
        return groups
    return joined


# --------------------------------------------------------------------------- columns of anything


class _Columns:
    """Any container as columns of 64-bit hashes; equal cells have equal ones."""

    def __init__(self, X):
        if issparse(X):
            X = X.tocsr()
            if not X.has_canonical_format or (X.data == 0).any():
                X = X.copy()
                X.sum_duplicates()
                X.eliminate_zeros()
            self.n, self.width, self.kind = X.shape[0], X.shape[1], "sparse"
        elif hasattr(X, "iloc") and hasattr(X, "columns"):
            self.n, self.width, self.kind = len(X), X.shape[1], "pandas"
        elif hasattr(X, "get_columns"):
            X = X.get_columns()
            self.n, self.width, self.kind = len(X[0]) if X else 0, len(X), "polars"
        else:
            X = _as_array(X)
            X = X.reshape(len(X), -1) if X.ndim != 1 else X[:, None]
            self.n, self.width, self.kind = len(X), X.shape[1], "array"
        self.X = X

    def equal_rows(self):
        """(n,) numbers by appearance; None where all rows differ."""
        if self.kind == "sparse":
            return _numbers(self._sparse_hash())
        # what the first columns tell apart need not be looked at any further
        unit, suspects = np.zeros(self.n, dtype=np.int64), np.arange(self.n)
        for start in range(0, self.width, BLOCK):
            total = unit[suspects].astype(np.uint64)
            for j in range(start, min(start + BLOCK, self.width)):
                total = _mixed(total ^ self._hash(j, suspects))
            found = pd.factorize(total)[0]
            unit[suspects] = found
            twice = np.bincount(found, minlength=1)[found] > 1
            unit[suspects[~twice]] = -1  # nobody is like them
            suspects = suspects[twice]
            if not len(suspects):
                return None
        alone = unit < 0
        unit[alone] = self.n + np.arange(alone.sum())
        return _numbers(unit)

    def chance_to_agree(self, rows, bound):
        """Chance that two of `rows` agree if columns are independent; None if above `bound`."""
        n = len(rows)
        chance, pairs = 1.0, n * (n - 1.0)
        if self.kind == "sparse":
            some = self.X[rows]
            empty = n - np.bincount(some.indices, minlength=self.width).astype(float)
            entry, levels = pd.factorize(_entries(some))
            column = np.empty(len(levels), dtype=np.intp)
            column[entry] = some.indices
            size = np.bincount(entry, minlength=len(levels)).astype(float)
            equal = np.bincount(column, size * (size - 1), self.width) + empty * (empty - 1)
            chance = float(np.exp(np.log(np.maximum(equal / pairs, 1e-300)).sum()))
            return chance if chance < bound else None
        for j in range(self.width):
            size = np.bincount(pd.factorize(self._hash(j, rows))[0]).astype(float)
            chance *= (size * (size - 1)).sum() / pairs
            if chance < bound:
                return chance
        return None

    def _hash(self, j, rows):
        if self.kind == "polars":
            column = self.X[j]
            column = column if len(rows) == self.n else column[rows.astype(np.uint32)]
            try:
                return column.hash().to_numpy().astype(np.uint64)
            except Exception:
                return _of_objects(column.to_list())
        if self.kind == "pandas":
            column = self.X.iloc[:, j]
            column = column if len(rows) == self.n else column.iloc[rows]
            try:
                return pd.util.hash_pandas_object(column, index=False).to_numpy()
            except Exception:  # lists, arrays and the like
                return _of_objects(list(column))
        values = self.X[:, j] if len(rows) == self.n else self.X[rows, j]
        if values.dtype.kind in "fiubc":
            return _mixed(_bits(values))
        if values.dtype.kind in "mM":
            return _mixed(values.view(np.int64).astype(np.uint64))
        try:
            return pd.util.hash_array(values.astype(object))
        except Exception:
            return _of_objects(values.tolist())

    def _sparse_hash(self):
        """(n,): the sum over the entries of a row of what hashes column and value."""
        X, out = self.X, np.zeros(self.n, dtype=np.uint64)
        filled = np.flatnonzero(np.diff(X.indptr))
        if len(filled):
            out[filled] = np.add.reduceat(_entries(X), X.indptr[filled])
        return out


def _entries(X):
    """Hashes of the column and the value of each entry that is not zero."""
    return _mixed(_mixed(X.indices.astype(np.uint64)) ^ _bits(X.data))


def _as_array(X):
    """An array of any list; one of objects where its items are of different lengths."""
    try:
        return as_numpy(X, "X")
    except ValueError:
        items = np.empty(len(X), dtype=object)
        items[:] = list(X)
        return items


def _numbers(hashes):
    """(n,) by appearance; None where all differ."""
    unit, levels = pd.factorize(hashes)
    return None if len(levels) == len(unit) else unit


def _bits(values):
    """Numbers as 64 bits; zero and minus zero are one, and so are all sorts of NaN."""
    if values.dtype.kind == "c":
        return _mixed(_bits(values.real)) ^ _bits(values.imag)
    if values.dtype.kind != "f":
        return values.astype(np.int64 if values.dtype.kind != "u" else np.uint64).view(np.uint64)
    values = values.astype(np.float64) + 0.0
    values[np.isnan(values)] = np.nan
    return values.view(np.uint64)


def _mixed(bits):
    """A one-to-one map of 64 bits in which each bit depends on all (the end of splitmix64)."""
    bits = np.array(bits, dtype=np.uint64)
    bits += np.uint64(0x9E3779B97F4A7C15)
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


def _of_objects(cells):
    return pd.util.hash_array(np.array([_key(cell) for cell in cells] + [None], dtype=object)[:-1])


def _key(cell):
    """A text that tells objects apart, lists and arrays among them."""
    if isinstance(cell, np.ndarray) and cell.dtype != object:
        return f"{cell.dtype} {cell.shape} {cell.tobytes()!r}"
    try:
        return pickle.dumps(cell).hex()
    except Exception:  # known by identity
        return f"object {id(cell)}"
