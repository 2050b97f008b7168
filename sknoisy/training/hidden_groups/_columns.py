"""Columns of any table, which may take the values that they have in other rows."""

from __future__ import annotations

from numbers import Integral

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, issparse, vstack

from sknoisy._evidence import TableEncoder, is_table
from sknoisy._evidence._table import as_table, kind_of


def with_columns(X, owner):
    """X as an array, a sparse matrix or a DataFrame of two dimensions; others are refused."""
    if isinstance(X, pd.DataFrame) or issparse(X):
        return X
    if is_table(X):
        raise TypeError(
            f"{owner} swaps columns between rows, of arrays, sparse matrices and pandas tables: "
            f"give the {type(X).__name__} as one of them (to_pandas(), or pd.DataFrame(X))."
        )
    array = np.asarray(X)
    if array.ndim == 2:
        return array
    if array.ndim == 1 and array.dtype.kind in "OUST":
        raise TypeError(
            f"{owner} swaps columns between rows, and X is a list of texts, which has none: put "
            f"it behind the vectoriser, as in make_pipeline(TfidfVectorizer(), {owner}(...))."
        )
    raise ValueError(
        f"Expected 2D array, got an array of {array.ndim} dimensions: {owner} swaps columns "
        "between rows. Reshape your data: reshape(-1, 1) makes one feature of a single column, "
        "reshape(1, -1) one row of a single sample."
    )


def read_concepts(concepts, X):
    """List of arrays of column numbers; None means each column on its own."""
    if concepts is None:
        return [np.array([j]) for j in range(X.shape[1])]
    names = {name: j for j, name in enumerate(X.columns)} if hasattr(X, "columns") else {}
    out = []
    for concept in concepts:
        members = [concept] if np.ndim(concept) == 0 else list(concept)
        at = [names.get(member, member) for member in members]
        odd = [m for m in at if not (isinstance(m, Integral) and 0 <= m < X.shape[1])]
        if odd or not at:
            what = f"X has no column {odd[0]!r}" if odd else "one of them is empty"
            raise ValueError(
                f"concepts must be columns of X, or lists of such, by name or number; {what}."
            )
        out.append(np.array(at, dtype=int))
    return out


def values_of(X, columns):
    """(n, q) columns of a table as numbers in comparable units; q is 0 where they cannot be."""
    if isinstance(X, pd.DataFrame):
        part = X.iloc[:, columns]
    else:
        part = X[:, columns].toarray() if issparse(X) else X[:, columns]
        if part.dtype.kind in "fiub" and np.isfinite(part).all():
            spread = part.std(axis=0)
            return (part - part.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        part = as_table(part)
    if all(kind_of(part.iloc[:, j])[0] == "left out" for j in range(part.shape[1])):
        return np.empty((len(part), 0))
    return TableEncoder().fit_transform(part)


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
    out = X[rows]
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
