"""Rows with further columns, whatever they come in."""

from __future__ import annotations

from numbers import Integral

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack, issparse

from sknoisy._evidence._arrays import as_numpy
from sknoisy._evidence._table import is_table


def more_columns(X, values, names):
    """X with further columns of numbers.

    Parameters
    ----------
    X : array, sparse matrix, DataFrame (pandas, polars)
    values : ndarray of shape (n, k)
    names : list of k str
        Of the columns, where X has names.

    Returns
    -------
    of the kind of X
    """
    if isinstance(X, pd.DataFrame):
        taken = [name for name in names if name in X.columns]
        if taken:
            raise ValueError(f"X has a column {taken[0]!r} already: rename it.")
        if all(isinstance(name, Integral) for name in X.columns):  # names must be of one type
            first = 1 + max(X.columns, default=-1)
            names = list(range(first, first + len(names)))
        return pd.concat([X, pd.DataFrame(values, index=X.index, columns=names)], axis=1)
    if issparse(X):
        return hstack([X, csr_matrix(values)], format="csr")
    if is_table(X):
        if not hasattr(X, "with_columns"):
            raise TypeError(
                f"No further columns can be put on a {type(X).__name__}: give X as a DataFrame."
            )
        series = type(X[X.columns[0]])
        columns = zip(names, values.T, strict=True)
        return X.with_columns(**{name: series(name, value.copy()) for name, value in columns})
    array = as_numpy(X, "X")
    if array.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead: a further column is to be put "
            "beside. Reshape your data with X.reshape(len(X), -1)."
        )
    kind = np.result_type(array.dtype, np.int8) if array.dtype.kind in "biuf" else array.dtype
    if not (values == np.round(values)).all() and kind.kind in "iu":
        kind = np.float64
    return np.column_stack([array, values.astype(kind)])


def can_have_more_columns(X):
    return issparse(X) or is_table(X) or np.ndim(X) == 2
