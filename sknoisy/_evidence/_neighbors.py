"""What the nearest rows say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import HasMethods


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
# of a parameter `neighbors`; see `neighbor_index`
NEIGHBORS = [HasMethods(["fit", "kneighbors"]), HasMethods(["fit", "transform"]), None]


def neighborhood(
    estimator, evidence, *, n_neighbors=10, neighbors=None, with_copies=False, n_jobs=None
):
    """`Neighborhood` of every training row in `numeric_features`, the row itself left out.

    `neighbors` is an index of another kind, see `neighbor_index`.

    Copies of the row are no neighbours of it, and copies of one another are one neighbour, that
    with the label that most of them have. `with_copies` takes all rows as they are.
    """
    how = {"neighbors": neighbors, "with_copies": with_copies, "n_jobs": n_jobs}
    indices = distances = None
    for rows, near, far in near_rows(evidence.features(estimator), evidence, n_neighbors, **how):
        if indices is None:
            indices = np.empty((evidence.n_rows, near.shape[1]), dtype=np.intp)
            distances = np.empty(indices.shape)
        indices[rows], distances[rows] = near, far
    return Neighborhood(indices, distances)


def near_rows(features, evidence, n_neighbors, *, neighbors=None, with_copies=False, n_jobs=None):
    """The same part by part, for those who need not have it all at once.

    Yields
    ------
    rows : ndarray or slice
        Some of the rows; each row comes once.
    indices, distances : ndarrays of shape (rows, k)
    """
    unit = None if with_copies else evidence.copies.unit
    if unit is None or unit.max() < 1:
        yield from _nearest(features, n_neighbors, neighbors, n_jobs)
        return
    one = _one_of_each(unit, evidence.target)
    order = np.argsort(unit, kind="stable")
    starts = np.searchsorted(unit[order], np.arange(len(one) + 1))
    for units, near, far in _nearest(features[one], n_neighbors, neighbors, n_jobs):
        rows = order[starts[units.start] : starts[units.stop]]
        at = unit[rows] - units.start
        yield rows, one[near][at], far[at]


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
    """(slice, indices, distances) in chunks, so that no n x n array is built."""
    n = features.shape[0]
    k = min(n_neighbors, n - 1)
    if k < 1:
        raise ValueError(f"Neighbours need at least 2 rows, got n_samples={n}")
    index = neighbor_index(neighbors, k + 1, n_jobs).fit(features)
    for chunk in gen_batches(n, CHUNK_ROWS):
        far, near = index.kneighbors(features[chunk], n_neighbors=k + 1)
        # The row is usually, not always, its own first neighbour: duplicates may come before it.
        # A stable sort puts "is the row itself" last, or, where it is absent, drops the farthest.
        own = near == np.arange(chunk.start, chunk.stop)[:, None]
        order = np.argsort(own, axis=1, kind="stable")[:, :k]
        yield chunk, np.take_along_axis(near, order, axis=1), np.take_along_axis(far, order, axis=1)


def neighbor_index(neighbors, n_neighbors, n_jobs=None):
    """What has `fit` and `kneighbors` of scikit-learn's `NearestNeighbors`, not fitted.

    Parameters
    ----------
    neighbors : estimator object or None
        With `kneighbors`, or a transformer to the graph of nearest rows with a parameter
        `n_neighbors`, as `KNeighborsTransformer` and approximate ones are. None means
        `NearestNeighbors`.
    n_neighbors : int
        How many will be asked for at most, the row itself included.
    """
    if neighbors is None:
        return NearestNeighbors(n_jobs=n_jobs)
    index = clone(neighbors)
    return index if hasattr(index, "kneighbors") else _OfGraph(index, n_neighbors)


class _OfGraph:
    """`kneighbors` by a transformer that gives the graph of the nearest rows."""

    def __init__(self, transformer, n_neighbors):
        self.transformer = transformer.set_params(n_neighbors=n_neighbors)

    def fit(self, features):
        self.transformer.fit(features)
        return self

    def kneighbors(self, features, n_neighbors):
        graph = csr_array(self.transformer.transform(features))
        n_found = np.diff(graph.indptr)
        if n_found.min() < n_neighbors:
            name = type(self.transformer).__name__
            raise ValueError(
                f"{name} gives {n_found.min()} neighbours for a row, and {n_neighbors} are needed, "
                "the row itself included: let it search more widely."
            )
        rows = np.repeat(np.arange(graph.shape[0]), n_found)
        order = np.lexsort((graph.data, rows))
        taken = order[graph.indptr[:-1, None] + np.arange(n_neighbors)]
        return graph.data[taken], graph.indices[taken]
