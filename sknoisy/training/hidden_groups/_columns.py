"""Columns of any table, which may take the values that they have in other rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, issparse, vstack

from sknoisy._evidence._table import is_table


def with_columns(X, owner):
    """X as an array, a sparse matrix or a DataFrame of two dimensions; others are refused."""
    if isinstance(X, pd.DataFrame) or issparse(X):
        return X
    if is_table(X):
        raise TypeError(
            f"{owner} swaps columns between rows, of arrays, sparse matrices and pandas tables: "
            f"give {type(X).__name__} as one of them (to_pandas(), or pd.DataFrame(X))."
        )
    array = np.asarray(X)
    if array.ndim == 2:
        return array
    if array.dtype.kind in "OUST":
        raise TypeError(
            f"{owner} swaps columns between rows, and X is a list of texts, which has none: put "
            f"it behind the vectoriser, as in make_pipeline(TfidfVectorizer(), {owner}(...))."
        )
    raise ValueError(
        f"Expected 2D array, got an array of {array.ndim} dimensions: {owner} swaps columns "
        "between rows. Reshape your data so that each row is one list of features."
    )


def read_concepts(concepts, X):
    """List of arrays of column numbers; None means each column on its own."""
    if concepts is None:
        return [np.array([j]) for j in range(X.shape[1])]
    names = {name: j for j, name in enumerate(X.columns)} if hasattr(X, "columns") else {}
    out = []
    for concept in concepts:
        members = [concept] if np.ndim(concept) == 0 else list(concept)
        at = [names.get(m, m) if isinstance(m, str) or m in names else m for m in members]
        odd = [m for m in at if not isinstance(m, (int, np.integer)) or not 0 <= m < X.shape[1]]
        if odd or not at:
            what = f"has no column {odd[0]!r}" if odd else "none is named in one of them"
            raise ValueError(f"concepts must be lists of columns of X, and X {what}.")
        out.append(np.array(at, dtype=int))
    return out


def swapped(X, rows, columns, donors):
    """Rows of X in which some columns have the values of other rows.

    Parameters
    ----------
    X : ndarray, sparse matrix or DataFrame
    rows, donors : ndarray of shape (m,) of int
    columns : ndarray of int

    Returns
    -------
    container of m rows
        Categories and other types of columns stay what they are.
    """
    if issparse(X):
        X = X.tocsr()
        kept = np.setdiff1d(np.arange(X.shape[1]), columns)
        return (_only(X[rows], kept) + _only(X[donors], columns)).tocsr()
    if isinstance(X, pd.DataFrame):
        out = X.iloc[rows].copy()
        for j in columns:
            out.isetitem(j, X.iloc[:, j].array.take(donors))
        return out
    out = X[rows].copy()
    out[:, columns] = X[np.ix_(donors, columns)]
    return out


def _only(X, columns):
    """A sparse matrix in which all other columns are empty."""
    one = np.ones(len(columns), dtype=X.dtype)
    return X @ csr_matrix((one, (columns, columns)), shape=(X.shape[1], X.shape[1]))


def stacked(top, bottom):
    """Rows of two containers of one kind."""
    if isinstance(top, pd.DataFrame):
        return pd.concat([top, bottom])
    return vstack([top, bottom]).tocsr() if issparse(top) else np.concatenate([top, bottom])
