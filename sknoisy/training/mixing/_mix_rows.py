"""Rows between rows, whatever they come in."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, issparse
from sklearn.utils import check_random_state

from sknoisy._evidence._table import as_floats, as_table, is_table, kind_of

NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")  # in columns of objects


def mix_rows(X, first, second, share, *, swap_columns=None, random_state=None):
    """The rows `share * X[first] + (1 - share) * X[second]`, in a container like X.

    - Numbers are mixed; integers become floats, and those of 32 bits stay so.
    - Truth values, categories, short texts, dates, times and cells of other kinds are not numbers
      to be mixed: each cell is that of the first row with probability `share`, else that of the
      second. So are the columns that `swap_columns` names, such as the codes of categories.
    - Where one of two numbers is missing, the cell is drawn in the same way, and missing if the
      missing one is drawn.
    - Sparse matrices stay sparse; all of their entries are mixed.
    - Texts of several words have no mixture: they are an error, unless `swap_columns` names them.

    A row mixed with itself is itself.

    Parameters
    ----------
    X : array, sparse matrix, DataFrame (pandas, polars) or list of rows of numbers
    first, second : ndarray of shape (m,) of int
        Rows of X.
    share : ndarray of shape (m,)
        Of the first row, in [0, 1].
    swap_columns : list of str or int, default=None
        Names or places of columns whose numbers are not mixed, or whose texts are swapped whole.
    random_state : int, RandomState instance or None
        Draws the cells that are not mixed.

    Returns
    -------
    container of m rows
        An array for a list; a DataFrame has the index 0, 1, ...
    """
    rng = check_random_state(random_state)
    pairs = _Pairs(np.asarray(first), np.asarray(second), np.asarray(share, dtype=float), rng)
    swapped = [] if swap_columns is None else list(swap_columns)
    if issparse(X):
        if swapped:
            raise ValueError(
                f"swap_columns={swapped} was given, and cells of a sparse matrix are mixed, not "
                "swapped: give X as an array or a DataFrame, or leave swap_columns out."
            )
        return pairs.of_sparse(X.tocsr())
    if isinstance(X, list) and is_table(X):
        raise TypeError("Rows that are dicts cannot be mixed: give X as a DataFrame.")
    if is_table(X):
        return _mixed_table(X, pairs, swapped)
    array = np.asarray(X)
    if array.ndim < 2:
        if array.dtype.kind in "OUST":
            raise ValueError(
                "Rows are mixed here, and X is a list of texts, of which there is no mixture: turn "
                "texts into numbers first, in a Pipeline in front of this estimator, not in the "
                "one that it wraps."
            )
        raise ValueError(
            "Expected 2D array, got 1D array instead: reshape(-1, 1) makes one feature of it."
        )
    if array.dtype.kind not in "biuf":
        mixed = _mixed_table(pd.DataFrame(array).infer_objects(), pairs, swapped)
        return mixed.to_numpy(dtype=object)
    out = pairs.of_cells(array) if array.dtype.kind == "b" else pairs.of_numbers(array)
    for at in _places(swapped, list(range(array.shape[1])), array.shape[1]):
        out[:, at] = pairs.of_cells(array[:, at])
    return out


class _Pairs:
    """Pairs of rows, and how their cells are made one."""

    def __init__(self, first, second, share, rng):
        self.first = first
        self.second = second
        self.share = share
        self.rng = rng

    def drawn(self, shape=()):
        """(m, *shape) row that each cell is taken from, where cells are not mixed."""
        of_first = self.rng.uniform(size=(len(self.share), *shape)) < self._as(self.share, shape)
        return np.where(of_first, self._as(self.first, shape), self._as(self.second, shape))

    def of_numbers(self, values):
        """(m, ...) mixtures of the rows of an array of numbers."""
        shape = values.shape[1:]
        values = values if values.dtype.kind == "f" else values.astype(float)
        a, b = values[self.first], values[self.second]
        share = self._as(self.share, shape).astype(values.dtype)
        with np.errstate(invalid="ignore"):
            mixed = share * a + (1 - share) * b
        missing = np.isnan(a) | np.isnan(b)
        if missing.any():
            of_first = self.rng.uniform(size=a.shape) < self._as(self.share, shape)
            mixed = np.where(missing, np.where(of_first, a, b), mixed)
        same = self.first == self.second
        mixed[same] = a[same]
        return mixed

    def of_cells(self, values):
        """(m, ...) cells of an array, each from one of the two rows."""
        rows = self.drawn(values.shape[1:])
        return np.take_along_axis(values, rows, axis=0)

    def of_sparse(self, X):
        share = csr_matrix(self.share[:, None])
        rest = csr_matrix(1.0 - self.share[:, None])
        return (X[self.first].multiply(share) + X[self.second].multiply(rest)).tocsr()

    @staticmethod
    def _as(values, shape):
        return values.reshape(-1, *[1] * len(shape))


# ---------------------------------------------------------------------- tables


def _mixed_table(X, pairs, swapped):
    table = as_table(X)
    places = _places(swapped, list(table.columns), table.shape[1])
    is_pandas = isinstance(X, pd.DataFrame)
    if not is_pandas and not hasattr(X, "with_columns"):
        raise TypeError(f"Rows of a {type(X).__name__} cannot be mixed: give X as a DataFrame.")
    columns = []
    for at in range(table.shape[1]):
        column = table.iloc[:, at]
        if at not in places:
            _refuse_words(column, at)
        values = None
        if at not in places and are_mixed(column):
            values = pairs.of_numbers(as_floats(column))
        own = column if is_pandas else X[X.columns[at]]
        columns.append(_like(own, values, None if values is not None else pairs.drawn()))
    if is_pandas:
        out = pd.concat(columns, axis=1)
        out.columns = table.columns
        return out
    return X[pairs.first].with_columns(**dict(zip(X.columns, columns, strict=True)))


def are_mixed(column):
    """Whether a column of a pandas DataFrame is of numbers that may be mixed."""
    dtype = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        dtype = dtype.subtype
    if pd.api.types.is_object_dtype(dtype):
        return pd.api.types.infer_dtype(column, skipna=True) in NUMBERS
    is_number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    return is_number and not pd.api.types.is_complex_dtype(dtype)


def _like(column, values, rows):
    """A column of the kind of another: of mixed values, or of its own cells of some rows."""
    if not isinstance(column, pd.Series):  # polars
        if values is None:
            return column[rows]
        return type(column)(column.name, values, nan_to_null=True)
    if values is None:
        return column.take(rows).reset_index(drop=True)
    mixed, dtype = pd.Series(values), column.dtype
    if isinstance(dtype, pd.SparseDtype):
        return mixed.astype(pd.SparseDtype(float, float(dtype.fill_value)))
    if isinstance(dtype, np.dtype):
        return mixed.astype(dtype) if dtype.kind == "f" else mixed
    return mixed.astype("Float64")  # nullable, or of Arrow


def _places(names, columns, n_columns):
    """Places of the columns that are named, or given by their places."""
    found = set()
    for name in names:
        if name in columns:
            found.update(at for at, own in enumerate(columns) if own == name)
        elif isinstance(name, (int, np.integer)) and -n_columns <= name < n_columns:
            found.add(int(name) % n_columns)
        else:
            raise ValueError(f"swap_columns names {name!r}, and X has no such column.")
    return found


def _refuse_words(column, at):
    if kind_of(column)[0] == "words":
        raise ValueError(
            f"Rows are mixed here, and column {column.name!r} (column {at}) holds texts of several "
            "words, of which there is no mixture. Turn it into numbers in a Pipeline in front of "
            "this estimator, not in the one that it wraps; or name it in swap_columns: each mixed "
            "row then has the text of one of its two rows."
        )
