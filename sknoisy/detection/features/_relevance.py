"""Wrong labels by how like its own class a row is, and how like the others."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from scipy.special import logsumexp, softmax
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval

from sknoisy._typing import ArrayLike, Contamination, Estimator, FloatArray
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.features._class_mahalanobis import dense_features

CHUNK_ROWS = 4096


class RelevanceWeights(BaseDetector):
    """Wrong labels by the similarity of a row to its own class relative to the other classes.

    The relevance of a row is the ratio of two softmax values among the rows of its class: of its
    mean similarity to the other rows of the class, and of its mean similarity to the rows of other
    classes. It is about 1 on average, and can be used as a weight as it is. The score is minus its
    logarithm.

    Number of fits: none of a model. With `n_neighbors=None` the time grows with the number of rows
    only, since a mean of cosines is the cosine to a sum. With `contamination="auto"`, 5 more of the
    model, or 1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        It is not fitted as a model. Where it is a Pipeline, the steps before its last one make the
        features. None means the one a treatment wraps. Without such steps: numbers, brought to
        equal spread; a DataFrame, encoded column by column; texts, as TF-IDF. Sparse features of
        more than 200 columns are brought to 200 components.
    n_neighbors : int >= 1 or None, default=10
        Similarities are to so many most similar rows, of its own class and of the other classes.
        None means to all of them, as in the paper, whose classes have ten rows.
    temperature : float > 0, default=0.5
        What mean similarities are divided by. It stretches the scores, and does not change their
        order within a class.
    blocks : array-like of shape (d,) of int, default=None
        For each feature, after encoding, the number of the block it is in. Each block is rated
        alone, and the relevance of a row is the mean over its blocks: a row whose features are
        broken in one block can still be right in others. None means one block.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model.
    n_jobs : int or None, default=None
        Jobs of the neighbour searches. The result does not depend on it.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Minus the logarithm of the relevance; NaN for the sole member of a class, and where there is
        one class only.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The most similar class; for a flagged row the most similar other one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    relevance_ : ndarray of shape (n,)
        The weights.
    block_relevance_ : ndarray of shape (n, n_blocks)
        Those of each block, in the order of their numbers.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    NeighborDisagreement : By the labels of the nearest rows, whatever their similarity.

    Notes
    -----
    Similarity is the cosine between rows, with numbers taken about their means. With
    `sample_weight`, similarities to rows of weight zero do not count, and with `n_neighbors=None`
    means are weighted.

    References
    ----------
    J. Zhang, L. Gao, X. Luo, H. Shen, J. Song: "DETA: denoised task adaptation for few-shot
    learning", ICCV 2023 (contrastive relevance aggregation, as in the authors' code). [Adapted:
    blocks of features in place of regions of an image; nearest rows in place of all, since the
    classes of a large table are no single clouds; the weights are made once, with no network that
    is adapted between rounds.]

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import RelevanceWeights
    >>> X, y = load_iris(return_X_y=True)
    >>> y[[3, 60]] = [2, 0]
    >>> detector = RelevanceWeights().fit(X, y)
    >>> sorted(detector.relevance_.argsort()[:2].tolist())
    [3, 60]
    """

    _task = "classification"
    _assumes = "rows of one class point in like directions from the centre"
    _takes = ("predicted", "features")
    _auto = "count"
    _parameter_constraints: dict = {
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "blocks": ["array-like", None],
        "contamination": BaseDetector._parameter_constraints["contamination"],
        "n_jobs": BaseDetector._parameter_constraints["n_jobs"],
    }

    relevance_: FloatArray
    block_relevance_: FloatArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_neighbors: int | None = 10,
        temperature: float = 0.5,
        blocks: ArrayLike | None = None,
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.temperature = temperature
        self.blocks = blocks
        self.contamination = contamination
        self.n_jobs = n_jobs

    def _find(self, evidence):
        X = dense_features(evidence.features(self.estimator))
        codes, n_classes = evidence.target.codes, len(evidence.target.classes)
        weight = evidence.inputs.sample_weight
        weight = np.ones(len(X)) if weight is None else weight
        block_of = self._checked_blocks(X.shape[1])
        logs, likeness = [], np.zeros((len(X), n_classes))
        for block in np.unique(block_of):
            unit = unit_rows(X[:, block_of == block])
            if self.n_neighbors is None:
                own, other, per_class = mean_similarities(unit, codes, weight)
            else:
                own, other, per_class = nearest_similarities(
                    unit, codes, weight, self.n_neighbors, n_jobs=self.n_jobs
                )
            logs.append(log_relevance(own, other, codes, self.temperature))
            likeness += per_class
        logs = np.column_stack(logs)
        log_mean = logsumexp(logs, axis=1) - np.log(logs.shape[1])
        suggestion = softmax(likeness / len(logs[0]) / self.temperature, axis=1)
        suggestion[np.isnan(log_mean)] = np.nan
        return Finding(
            score=-log_mean,
            suggestion=suggestion,
            attributes={"relevance_": np.exp(log_mean), "block_relevance_": np.exp(logs)},
        )

    def _checked_blocks(self, n_features):
        if self.blocks is None:
            return np.zeros(n_features, dtype=int)
        blocks = np.asarray(self.blocks)
        if blocks.shape != (n_features,):
            raise ValueError(
                f"blocks must have one number for each of the {n_features} features after "
                f"encoding, got shape {blocks.shape}."
            )
        return blocks

    def _reason(self, row):
        weight = self.relevance_[row]
        given = self.classes_[self._target.codes[row]]
        return f"relevance {weight:.2g} for {given}, where 1 is usual"


def unit_rows(X):
    """Rows of length 1; a row of zeros stays one."""
    length = np.linalg.norm(X, axis=1, keepdims=True)
    return np.divide(X, length, out=np.zeros_like(X), where=length > 1e-12)


def mean_similarities(unit, codes, weight):
    """((n,), (n,), (n, K)): mean cosine to the own class without the row, to the others, to each.

    NaN where there is no other row to be like.
    """
    total = np.bincount(codes, weights=weight)
    sums = np.zeros((len(total), unit.shape[1]))
    np.add.at(sums, codes, unit * weight[:, None])
    rows = np.arange(len(unit))
    to_sums = unit @ sums.T
    all_sum = to_sums.sum(axis=1)
    itself = weight * np.einsum("ij,ij->i", unit, unit)
    own_weight, other_weight = total[codes] - weight, total.sum() - total[codes]
    own_sum = to_sums[rows, codes] - itself
    other_sum = all_sum - to_sums[rows, codes]
    tiny = 1e-9 * total.sum()
    own, other = np.full(len(unit), np.nan), np.full(len(unit), np.nan)
    np.divide(own_sum, own_weight, out=own, where=own_weight > tiny)
    np.divide(other_sum, other_weight, out=other, where=other_weight > tiny)
    per_class = np.divide(to_sums, total, out=np.full(to_sums.shape, -1.0), where=total > tiny)
    per_class[rows, codes] = np.nan_to_num(own, nan=-1.0)
    return own, other, per_class


def nearest_similarities(unit, codes, weight, k, *, n_jobs=None):
    """As `mean_similarities`, of the k most similar rows of the own, other, and each class."""
    n, n_classes = len(unit), codes.max() + 1
    nearest_other = np.full((n, k), np.inf)  # squared distances of unit vectors: 2 - 2 cosine
    own, per_class = np.full(n, np.nan), np.full((n, n_classes), -1.0)
    for label in range(n_classes):
        members = np.flatnonzero((codes == label) & (weight > 0))
        if len(members) == 0:
            continue
        index = NearestNeighbors(n_jobs=n_jobs).fit(unit[members])
        place = np.full(n, -1)
        place[members] = np.arange(len(members))
        for chunk in gen_batches(n, CHUNK_ROWS):
            far, near = index.kneighbors(unit[chunk], n_neighbors=min(k + 1, len(members)))
            # a row is not like itself: its own distance goes to the end
            itself = near == place[chunk][:, None]
            squared = np.sort(np.where(itself, np.inf, far**2), axis=1)[:, :k]
            mean = _mean_cosine(squared)
            is_own = codes[chunk] == label
            rows = np.arange(chunk.start, chunk.stop)
            own[rows[is_own]] = mean[is_own]
            per_class[chunk, label] = np.nan_to_num(mean, nan=-1.0)
            both = np.concatenate([nearest_other[rows[~is_own]], squared[~is_own]], axis=1)
            nearest_other[rows[~is_own]] = np.sort(both, axis=1)[:, :k]
    return own, _mean_cosine(nearest_other), per_class


def _mean_cosine(squared):
    there = np.isfinite(squared)
    count = there.sum(axis=1)
    total = np.where(there, 1.0 - squared / 2, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(squared), np.nan), where=count > 0)


def log_relevance(own, other, codes, temperature):
    """(n,): logarithm of n_c softmax(own) / n_c softmax(other), among the rows of each class c."""
    out = np.full(len(codes), np.nan)
    judged = ~np.isnan(own) & ~np.isnan(other)
    for label in np.unique(codes[judged]):
        rows = np.flatnonzero(judged & (codes == label))
        likeness, unlikeness = own[rows] / temperature, other[rows] / temperature
        out[rows] = likeness - logsumexp(likeness) - (unlikeness - logsumexp(unlikeness))
    return out
