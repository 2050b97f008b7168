"""Rows between rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import issparse, vstack

from sknoisy._evidence import is_table, take_rows


def are_numbers(X):
    """Whether rows are numbers: an array or sparse matrix of two dimensions, or a table of them."""
    if isinstance(X, pd.DataFrame):
        return all(isinstance(t, np.dtype) and t.kind in "fiu" for t in X.dtypes)
    if is_table(X):
        return False
    try:
        X = X if issparse(X) else np.asarray(X)
    except ValueError:  # rows of unequal length
        return False
    return X.ndim == 2 and X.dtype.kind in "fiu"


def n_columns(X):
    """How many columns such rows have."""
    return (X if hasattr(X, "shape") else np.asarray(X)).shape[1]


def stacked(X, more):
    """X and, below it, other rows of numbers, in a container like X."""
    if issparse(X):
        return vstack([X, more], format="csr")
    if isinstance(X, pd.DataFrame):
        more = pd.DataFrame(np.asarray(more), columns=X.columns)
        return pd.concat([X, more], ignore_index=True)
    return np.concatenate([np.asarray(X), more])


class Mixup:
    """Pairs of rows that are mixed, each with a share drawn from Beta(alpha, alpha).

    The pairs stay the same, and their labels are mixed anew whenever those of the rows change.
    """

    def __init__(self, n, alpha, seed):
        rng = np.random.RandomState(seed)
        self.n = n
        self.second = rng.permutation(n)
        self.share = rng.beta(alpha, alpha, size=n)

    def rows(self, rows):
        """`SoftRows` of the rows and, below them, of the mixed ones."""
        a, b = rows.X, take_rows(rows.X, self.second)
        if issparse(a):
            share = self.share.reshape(-1, 1)
            mixed = a.multiply(share) + b.multiply(1.0 - share)
        else:
            share = self.share[:, None]
            mixed = share * np.asarray(a) + (1.0 - share) * np.asarray(b)
        return rows.replaced(stacked(rows.X, mixed), np.tile(np.arange(self.n), 2))

    def labels(self, proba):
        """(2 n, K): both halves have half of the weight; of a row without a label nothing comes."""
        has_label = proba.sum(axis=1) > 0
        both = (has_label & has_label[self.second])[:, None]
        share = self.share[:, None]
        mixed = share * proba + (1.0 - share) * proba[self.second]
        return 0.5 * np.concatenate([proba, np.where(both, mixed, 0.0)])

    def folds(self, folds):
        """Folds in which a mixed row is learnt from where neither of its parents is judged."""
        out = []
        for train, test in folds:
            known = np.zeros(self.n, dtype=bool)
            known[train] = True
            mixed = np.flatnonzero(known & known[self.second])
            out.append((np.concatenate([train, self.n + mixed]), test))
        return out
