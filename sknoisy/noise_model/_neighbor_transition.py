"""The transition matrix by the given labels of rows that lie next to each other."""

from __future__ import annotations

import warnings
from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._evidence._neighbors import NEIGHBORS
from sknoisy._typing import Array, Estimator, NeighborSearch, RandomStateLike, Transformer
from sknoisy.exceptions import NothingKnownWarning
from sknoisy.noise_model._identifiability import three_views_identify
from sknoisy.noise_model._transition import (
    BaseTransition,
    Estimate,
    counted_rows,
    half_sample_error,
    no_noise,
    units,
    weights,
)

SPARE = 8  # neighbours looked at, to have two of them in a random half of the rows, too


class NeighborTransition(BaseTransition):
    """Transition matrix by the given labels of each row and its two nearest neighbours.

    If neighbours have the same true class, their three given labels are three independent answers
    to one question, and how often which three labels come together (consensus of first, second and
    third order) tells both the matrix and the frequencies of the true classes: no row needs to be
    certain and no classifier is fitted. It fails where neighbours differ: at boundaries that are
    everywhere, and in features that say little; there the overlap counts as noise.

    A class is taken to be the one that it is given for most.

    Number of fits: none.

    Parameters
    ----------
    estimator : estimator object, default=None
        Only its steps before the last one are used, if it is a Pipeline: neighbours are sought in
        what comes of them, in standardised numbers. None means the one that a
        `TransitionClassifier` wraps.
    neighbors : object with `fit` and `kneighbors`, or `fit` and `transform`, default=None
        Where neighbours come from: `NearestNeighbors` of another metric, or a transformer in the
        manner of `KNeighborsTransformer`, whose search may be approximate. None means
        `NearestNeighbors()`.
    max_iter : int >= 1, default=500
        Steps of expectation-maximisation at most.
    n_resamples : int, 0 or >= 2, default=30
        Random halves of the rows by which standard errors are found. 0: no standard errors.
    n_jobs : int or None, default=None
        Jobs of the search for neighbours.
    random_state : int, RandomState instance or None, default=None
        Seeds the halves, and steps of `estimator` without a seed.

    Attributes
    ----------
    transition_ : ndarray of shape (K, K)
        Entry (i, j): P(given label = j | true label = i).
    transition_error_ : ndarray of shape (K, K)
        Standard errors by chance alone: neighbours that differ are not in them.
    class_prior_ : ndarray of shape (K,)
        Frequencies of the true classes.
    noise_rate_ : float
        Share of wrong labels.
    n_iter_ : int
        Steps that were made.
    classes_ : ndarray of shape (K,)
        All classes of y.
    n_features_in_, feature_names_in_
        Of X, where it has such things.

    References
    ----------
    Y. Liu, H. Cheng, K. Zhang: "Identifiability of Label Noise Transition Matrix", ICML, 2023.

    Z. Zhu, Y. Song, Y. Liu: "Clusterability as an alternative to anchor points when learning with
    noisy labels", ICML, 2021 (there the sum of the norms of the differences between counted and
    expected consensus is made small by gradient steps; here the likelihood of the triplets by
    expectation-maximisation, which is the more precise one, and needs no array of K x K x K).

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sknoisy.datasets import transition_noise
    >>> from sknoisy.noise_model import NeighborTransition
    >>> X, y = make_blobs(2000, centers=[[0, 0], [4, 0], [0, 4]], random_state=0)
    >>> matrix = [[0.7, 0.3, 0.0], [0.0, 0.9, 0.1], [0.2, 0.0, 0.8]]
    >>> y_noisy, wrong = transition_noise(y, matrix, random_state=0)
    >>> model = NeighborTransition(random_state=0).fit(X, y_noisy)
    >>> bool(abs(model.transition_ - matrix).max() < 0.1)
    True
    """

    _parameter_constraints: dict = {
        **{k: v for k, v in BaseTransition._parameter_constraints.items() if k != "cv"},
        "neighbors": NEIGHBORS,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    n_iter_: int
    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        neighbors: NeighborSearch | Transformer | None = None,
        max_iter: int = 500,
        n_resamples: int = 30,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.neighbors = neighbors
        self.max_iter = max_iter
        self.n_resamples = n_resamples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _estimate(self, evidence):
        codes, n_classes = evidence.target.codes, len(evidence.target.classes)
        unit, weight = units(evidence), weights(evidence)
        counted = np.zeros(evidence.n_rows, dtype=bool)
        counted[counted_rows(evidence)] = True
        copies = evidence.copies.unit
        n_distinct = evidence.n_rows if copies is None else copies.max() + 1
        if n_classes < 2 or n_distinct < 3 or counted.sum() < 3:
            return self._nothing(n_classes)
        near = evidence.neighbors(
            self.estimator, n_neighbors=SPARE, neighbors=self.neighbors, n_jobs=self.n_jobs
        ).indices

        def triplets(allowed):
            rows, first, second = two_nearest(near, allowed)
            return np.column_stack([codes[rows], codes[first], codes[second]]), weight[rows]

        found = triplets(counted)
        if not len(found[0]):
            return self._nothing(n_classes)
        start = 0.6 * np.eye(n_classes) + 0.4 / n_classes
        transition, prior, n_iter = transition_of_triplets(*found, start, self.max_iter)
        if not three_views_identify(transition):
            warnings.warn(
                "NeighborTransition: by the matrix that was found, given labels tell too little of "
                "the true classes for it to be the only one (its rows are nearly dependent).",
                NothingKnownWarning,
                stacklevel=4,
            )

        def of_half(rows):
            half = np.zeros(len(codes), dtype=bool)
            half[rows] = True
            return transition_of_triplets(*triplets(half & counted), transition, 50)[0]

        error = half_sample_error(of_half, unit, self.n_resamples, self.random_state)
        return Estimate(transition, error, prior, {"n_iter_": n_iter})

    def _nothing(self, n_classes):
        warnings.warn(
            f"{type(self).__name__}: less than 2 classes, or than 3 rows that differ, say nothing "
            "of noise. The labels are taken to be right.",
            NothingKnownWarning,
            stacklevel=5,
        )
        found = no_noise(n_classes)
        found.attributes["n_iter_"] = 0
        return found


def two_nearest(near, allowed):
    """(rows, first, second): allowed rows with their two nearest allowed neighbours, if they have.

    Parameters
    ----------
    near : ndarray of shape (n, k) of int
        Neighbours of each row, the nearest first.
    allowed : ndarray of shape (n,) of bool

    Returns
    -------
    rows, first, second : ndarray of int
    """
    rank = np.cumsum(allowed[near], axis=1)
    rows = np.flatnonzero(allowed & (rank[:, -1] >= 2))
    first, second = (near[rows, (rank[rows] >= k).argmax(axis=1)] for k in (1, 2))
    return rows, first, second


def transition_of_triplets(triplets, weight, start, max_iter=500, tol=1e-6):
    """(transition, class_prior, number of steps) that make triplets of given labels likeliest.

    The three labels of a triplet are independent answers, by one transition matrix T, to one true
    class: ``P(a, b, c) = sum_i p_i T_ia T_ib T_ic``.

    Parameters
    ----------
    triplets : ndarray of shape (m, 3) of int
        Given labels, as 0..K-1.
    weight : ndarray of shape (m,)
    start : ndarray of shape (K, K)
        Matrix to start from; it decides which class is which.
    max_iter : int
    tol : float
        Change of an entry at which to stop.

    Returns
    -------
    transition : ndarray of shape (K, K)
    class_prior : ndarray of shape (K,)
    n_iter : int
    """
    n_classes = len(start)
    kinds, of_row = np.unique(np.sort(triplets, axis=1), axis=0, return_inverse=True)
    counts = np.bincount(of_row.reshape(-1), weight, len(kinds))
    prior = np.bincount(kinds.reshape(-1), np.repeat(counts, 3), n_classes)
    prior = 0.99 * prior / max(prior.sum(), 1e-300) + 0.01 / n_classes
    transition = np.array(start, dtype=float)
    n_iter = 0
    for _ in range(max_iter):
        n_iter += 1
        a, b, c = (transition.T[kinds[:, k]] for k in range(3))
        share = prior * a * b * c
        total = share.sum(axis=1, keepdims=True)
        share *= np.divide(counts[:, None], total, out=np.zeros_like(total), where=total > 0)
        answers = np.zeros((n_classes, n_classes))  # (given, true)
        for k in range(3):
            np.add.at(answers, kinds[:, k], share)
        total = answers.sum(axis=0)
        new = np.where(
            total[:, None] > 0, (answers / np.where(total > 0, total, 1.0)).T, transition
        )
        change = np.abs(new - transition).max()
        transition, prior = new, share.sum(axis=0) / max(share.sum(), 1e-300)
        if change < tol:
            break
    return transition, prior, n_iter
