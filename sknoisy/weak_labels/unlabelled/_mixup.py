"""Rows between rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import issparse, vstack

from sknoisy._evidence import take_rows


def can_be_mixed(X):
    """Whether rows are numbers: an array or sparse matrix of two dimensions, or a table of them."""
    if isinstance(X, pd.DataFrame):
        return all(isinstance(t, np.dtype) and t.kind in "fiu" for t in X.dtypes)
    is_matrix = isinstance(X, np.ndarray) or issparse(X)
    return is_matrix and X.ndim == 2 and X.dtype.kind in "fiu"


def with_mixed_rows(X, first, second, share):
    """X and, below it, `share` of the rows `first` plus the rest of the rows `second`."""
    a, b = take_rows(X, first), take_rows(X, second)
    if issparse(a):
        scale = share.reshape(-1, 1)
        return vstack([X, a.multiply(scale) + b.multiply(1.0 - scale)], format="csr")
    values = share[:, None] * np.asarray(a) + (1.0 - share[:, None]) * np.asarray(b)
    if isinstance(X, pd.DataFrame):
        return pd.concat([X, pd.DataFrame(values, columns=X.columns)], ignore_index=True)
    return np.concatenate([X, values])


class Mixup:
    """Pairs of rows that are mixed, each with a share drawn from Beta(alpha, alpha).

    The pairs stay the same, and their labels are mixed anew whenever those of the rows change.
    """

    def __init__(self, n, alpha, seed):
        rng = np.random.RandomState(seed)
        self.n = n
        self.first = np.arange(n)
        self.second = rng.permutation(n)
        self.share = rng.beta(alpha, alpha, size=n)

    def rows(self, rows):
        """`SoftRows` of the rows and, below them, of the mixed ones."""
        X = with_mixed_rows(rows.X, self.first, self.second, self.share)
        return rows.replaced(X, np.concatenate([self.first, self.first]))

    def labels(self, proba):
        """(2 n, K): both halves have half of the weight; of a row without a label nothing comes."""
        both = (proba.sum(axis=1) > 0)[self.first] & (proba.sum(axis=1) > 0)[self.second]
        share = self.share[:, None]
        mixed = share * proba[self.first] + (1.0 - share) * proba[self.second]
        return 0.5 * np.concatenate([proba, np.where(both[:, None], mixed, 0.0)])

    def folds(self, folds):
        """Folds in which a mixed row is learnt from where neither of its parents is judged."""
        out = []
        for train, test in folds:
            known = np.zeros(self.n, dtype=bool)
            known[train] = True
            mixed = np.flatnonzero(known[self.first] & known[self.second])
            out.append((np.concatenate([train, self.n + mixed]), test))
        return out
