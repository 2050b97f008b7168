"""For each suspect row, the nearest rows that are not suspect, and in what they differ."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.metrics import pairwise_distances
from sklearn.utils import check_random_state

from sknoisy._evidence._copies import equal_rows
from sknoisy._evidence._features import RowEncoder
from sknoisy._evidence._table import as_table, is_table
from sknoisy.exceptions import ColumnLeftOutWarning

MOST = 50_000  # rows among which look-alikes are sought
NEAR = 0.05  # of the usual distance to the nearest row, within which a row is a near-copy
BLOCK = 10_000
FAR = 0.5  # standard deviations of a column from which on two numbers differ


def nearest_rows(features, asked, candidates):
    """(position of the nearest candidate, distance to it) of each row that is asked about.

    Parameters
    ----------
    features : ndarray or sparse matrix of shape (n, d)
    asked, candidates : ndarray of int

    Returns
    -------
    rows : ndarray of int
        -1 where there is no other candidate.
    distances : ndarray of float
    """
    best, nearest = np.full(len(asked), np.inf), np.full(len(asked), -1)
    for start in range(0, len(candidates), BLOCK):
        part = candidates[start : start + BLOCK]
        away = pairwise_distances(features[asked], features[part])
        away[asked[:, None] == part[None, :]] = np.inf
        at = away.argmin(axis=1)
        closest = away[np.arange(len(asked)), at]
        nearer = closest < best
        best[nearer], nearest[nearer] = closest[nearer], part[at[nearer]]
    return nearest, best


def encode(X):
    """Rows as numbers in comparable units, or None where they cannot be compared."""
    try:
        with warnings.catch_warnings():  # a name or an id says nothing of what looks alike
            warnings.simplefilter("ignore", ColumnLeftOutWarning)
            features = RowEncoder().fit_transform(X)
    except (TypeError, ValueError):  # NaN in an array, or what is no table at all
        return None
    return features if issparse(features) else np.asarray(features)


def some_of(rows, n_most, seed):
    """At most `n_most` of the rows, at random."""
    if len(rows) <= n_most:
        return rows
    return np.sort(check_random_state(seed).choice(rows, n_most, replace=False))


def count_copies(X, y):
    """(rows that have the features of another one, those of them in groups whose targets differ)"""
    unit = equal_rows(X)
    if unit is None:
        return 0, 0
    size = np.bincount(unit)[unit]
    target = pd.factorize(pd.Series(np.asarray(y)))[0]
    same = pd.Series(1, index=unit).groupby([unit, target]).transform("size").to_numpy()
    return int((size > 1).sum()), int((same < size).sum())


def share_of_near_copies(features, X, seed=0, n_asked=2000):
    """Share of rows that are the same as another or nearly so; NaN if nothing compares.

    Nearly so is who is far nearer to another row than rows usually are to the nearest other one.
    Of the rows that have no copy a sample is asked.
    """
    if features is None or features.shape[0] < 20:
        return np.nan
    unit = equal_rows(X)
    alone = np.ones(features.shape[0], dtype=bool) if unit is None else np.bincount(unit)[unit] == 1
    asked = some_of(np.flatnonzero(alone), n_asked, seed)
    if len(asked) < 20:
        return float(1.0 - alone.mean())
    _, away = nearest_rows(features, asked, some_of(np.arange(len(alone)), MOST, seed))
    same = away <= 1e-6 * (1 + away.max())  # some other way of writing the same values
    if same.all():
        return 1.0
    near = same | (away < NEAR * np.median(away[~same]))
    return float(1.0 - alone.mean() * np.mean(~near))


def usual_spreads(X):
    """Name to standard deviation of each column of numbers or dates."""
    if isinstance(X, list) or np.ndim(X) != 2 or hasattr(X, "tocsr"):
        return {}
    table = as_table(X) if is_table(X) else pd.DataFrame(np.asarray(X)).add_prefix("column ")
    kinds = pd.api.types
    with np.errstate(invalid="ignore"):  # infinite values have no spread
        return {
            str(name): column.std()
            for name, column in table.items()
            if kinds.is_datetime64_any_dtype(column) or kinds.is_any_real_numeric_dtype(column)
        }


def unlike(mine, beside, spreads):
    """Names of the columns in which two rows differ so much that a person should look."""
    return [
        name
        for name, value in mine.items()
        if name in beside and value != beside[name] and _far(value, beside[name], spreads.get(name))
    ]


def _far(one, other, spread):
    if spread is None or pd.isna(spread) or "missing" in (one, other):
        return True
    read = pd.Timestamp if isinstance(spread, pd.Timedelta) else float
    return abs(read(one) - read(other)) > FAR * spread
