"""Rows that are equal but for the target."""

from __future__ import annotations

import numpy as np
import pandas as pd


def describe_copies(X, y):
    """How many rows have the features of another one, and how many of these differ in the target.

    Returns None where there is none.
    """
    rows = pd.util.hash_pandas_object(X, index=False).to_numpy()
    _, row = np.unique(rows, return_inverse=True)
    n_rows = np.bincount(row)[row]
    n_copies = int((n_rows > 1).sum())
    if n_copies == 0:
        return None
    targets = np.unique(y, return_inverse=True)[1]
    n_equal = pd.Series(1, index=row).groupby([row, targets]).transform("size").to_numpy()
    n_conflicts = int((n_equal < n_rows).sum())
    text = f"{n_copies} of {len(y)} rows have exactly the features of another row"
    if n_conflicts == 0:
        return f"{text}, all with its target"
    return f"{text}; {n_conflicts} of these are in groups whose targets differ"
