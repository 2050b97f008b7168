"""What the nearest rows say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import gen_batches


@dataclass(frozen=True)
class Neighborhood:
    """The k nearest other rows of each row, none of them a copy of it.

    Attributes
    ----------
    indices : ndarray of shape (n, k)
    distances : ndarray of shape (n, k)
    """

    indices: np.ndarray
    distances: np.ndarray


CHUNK_ROWS = 4096


def neighborhood(
    estimator, evidence, *, n_neighbors=10, neighbors=None, with_copies=False, n_jobs=None
):
    """`Neighborhood` of every training row in `numeric_features`, the row itself left out.

    `neighbors` is any estimator with scikit-learn's `fit` and `kneighbors` (an approximate index,
    for instance); None means `NearestNeighbors`. Asked in chunks, so no n x n array is built.

    Copies of the row are no neighbours of it, and copies of one another are one neighbour, that
    with the label that most of them have. `with_copies` takes all rows as they are.
    """
    features = evidence.features(estimator)
    unit = None if with_copies else evidence.copies.unit
    if unit is None or unit.max() < 1:
        return _nearest(features, n_neighbors, neighbors, n_jobs)
    one = _one_of_each(unit, evidence.target)
    near = _nearest(features[one], n_neighbors, neighbors, n_jobs)
    return Neighborhood(one[near.indices][unit], near.distances[unit])


def _one_of_each(unit, target):
    """A row of each distinct one: the first with its most frequent label, if there are labels."""
    codes = np.zeros(len(unit), dtype=int) if target.codes is None else target.codes
    n_classes = codes.max() + 1
    pair = unit * n_classes + codes
    found, rows, counts = np.unique(pair, return_index=True, return_counts=True)
    # a tie goes to the label that is the more frequent one among all rows
    order = np.lexsort((-np.bincount(codes)[found % n_classes], -counts, found // n_classes))
    first = np.unique(found[order] // n_classes, return_index=True)[1]
    return rows[order][first]


def _nearest(features, n_neighbors, neighbors, n_jobs):
    n = features.shape[0]
    k = min(n_neighbors, n - 1)
    if k < 1:
        raise ValueError(f"Neighbours need at least 2 rows, got n_samples={n}")
    index = NearestNeighbors(n_jobs=n_jobs) if neighbors is None else clone(neighbors)
    index.fit(features)
    indices, distances = np.empty((n, k), dtype=np.intp), np.empty((n, k))
    for chunk in gen_batches(n, CHUNK_ROWS):
        far, near = index.kneighbors(features[chunk], n_neighbors=k + 1)
        # The row is usually, not always, its own first neighbour: duplicates may come before it.
        # A stable sort puts "is the row itself" last, or, where it is absent, drops the farthest.
        own = near == np.arange(chunk.start, chunk.stop)[:, None]
        order = np.argsort(own, axis=1, kind="stable")[:, :k]
        indices[chunk] = np.take_along_axis(near, order, axis=1)
        distances[chunk] = np.take_along_axis(far, order, axis=1)
    return Neighborhood(indices, distances)
