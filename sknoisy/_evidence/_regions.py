"""To which part of the rows each row belongs: a group, a source, a batch."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.utils.validation import _num_samples

from sknoisy._evidence._arrays import container, foreign_as_numpy


def read_regions(by, X, *, name="by", missing="part"):
    """Number of the part of each row, and the names of the parts.

    Parameters
    ----------
    by : str, callable or array-like of shape (n,)
        Name of a column of X, `callable(X) -> (n,)`, or the names themselves, of any kind.
    X : container of n rows
    name : str, default="by"
        Of the parameter, in errors.
    missing : {"part", "unknown", "error"}, default="part"
        What rows without a name are: a part of their own, of no part (-1), or an error.

    Returns
    -------
    region : ndarray of shape (n,) of int
    names : ndarray of shape (R,)
        In their order, where they have one.
    """
    if isinstance(by, str):
        columns = list(getattr(X, "columns", []))
        if by not in columns:
            shown = f": {columns!r:.200}" if columns else ""
            raise ValueError(f"{name} names the column {by!r}, and X is no table with one{shown}.")
        labels = X[by]
    else:
        labels = by(X) if callable(by) else by
    labels, n = foreign_as_numpy(labels, name), _num_samples(container(X))
    if np.ndim(labels) == 2 and np.shape(labels)[1] == 1:
        labels = np.asarray(labels)[:, 0]
    if getattr(labels, "ndim", 1) != 1:  # a list of tuples is one of names
        raise ValueError(
            f"{name} gives an array of shape {labels.shape}, and one label for each row is needed: "
            "where several columns make a part, give one column that has them all."
        )
    labels = pd.Series(list(labels))
    if len(labels) != n:
        raise ValueError(
            f"{name} gives {len(labels)} labels, and X has {n} rows: one is needed for each."
        )
    absent = np.flatnonzero(labels.isna())
    if len(absent) and missing == "error":
        raise ValueError(
            f"{name} is missing in {len(absent)} rows, first in row {absent[0]}: give these rows a "
            "name of their own, or leave them out."
        )
    region, names = pd.factorize(labels, use_na_sentinel=missing != "part")
    names = np.asarray(names)
    try:
        order = np.argsort(names, kind="stable")
    except TypeError:  # names of several types, in the order of the rows
        return region, names
    rank = np.empty(len(order) + 1, dtype=int)
    rank[order], rank[-1] = np.arange(len(order)), -1
    return rank[region], names[order]
