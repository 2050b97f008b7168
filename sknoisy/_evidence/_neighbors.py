"""What the nearest rows say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import gen_batches


@dataclass(frozen=True)
class Neighborhood:
    """The k nearest other rows of each row.

    Attributes
    ----------
    indices : ndarray of shape (n, k)
    distances : ndarray of shape (n, k)
    """

    indices: np.ndarray
    distances: np.ndarray


CHUNK_ROWS = 4096


def neighborhood(estimator, evidence, *, n_neighbors=10, neighbors=None, n_jobs=None):
    """`Neighborhood` of every training row in `numeric_features`, the row itself left out.

    `neighbors` is any estimator with scikit-learn's `fit` and `kneighbors` (an approximate index,
    for instance); None means `NearestNeighbors`. Asked in chunks, so no n x n array is built.
    """
    features = evidence.features(estimator)
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
