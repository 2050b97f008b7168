"""Wrong labels by rows that pull a network the other way."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import Array, Contamination, Estimator
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.influence._linear_influence import narrow_features

CHUNK_NUMBERS = 1_000_000  # of the kernel that are held at a time


class LabelSignedKernel(BaseDetector):
    """Wrong labels by rows that pull a network the other way (lpNTK).

    The kernel says how far learning one row changes what is predicted for another; with a sign
    for their labels it says whether that helps or hurts: positive pairs are interchangeable,
    pairs near zero have nothing to do with each other, negative ones are contradictory. The score
    of a row is the contradictory share of its kernel to the other rows of its class and of one
    other class; that of the worst class, when there are several.

    Within each class, farthest-point clusters by the same kernel show what is redundant (large
    clusters) and what has no like in its class (clusters of one or few rows).

    Number of fits: none. Time of n² d (some 8 seconds for 20,000 rows of 20 features), memory of n
    K. With `contamination="auto"`, 5 more of the model, or 1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        It is not fitted as a model. Where it is a Pipeline, the steps before its last one make the
        features, which are brought to equal spread and, beyond 100, down to 100 by a singular
        value decomposition. None means the one a treatment wraps; alone, X as numbers.
    kernel : {"ntk", "rbf"}, default="ntk"
        "ntk": the tangent kernel of an infinitely wide network with one hidden layer of rectified
        linear units, on feature vectors with a constant, scaled to unit length. "rbf":
        `exp(-distance² / s²)`, where s is the median distance to the 10th neighbour: only near
        rows matter.
    balanced : bool, default=True
        Take the mean of the kernel over the rows of a class rather than the sum, since a row of a
        rare class is not wrong for being outnumbered.
    cluster_share : float in (0, 1], default=0.1
        Clusters of a class, as a share of its rows.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model.
    n_jobs : int or None, default=None
        Jobs of the search for neighbours of "rbf". The result does not depend on it.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Contradictory share, in [0, 1]: above one half, the row is more like the other class. NaN
        for the sole member of a class, and where there is one class only.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label by `noise_proba_` and the kernel; for a flagged row the likeliest other
        one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    cluster_labels_ : ndarray of shape (n,)
        Cluster of each row, numbered over all classes.
    cluster_sizes_ : ndarray of shape (n,)
        Number of rows in the cluster of each row.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    NeighborDisagreement : The nearest rows vote, each with the same say.

    Notes
    -----
    In the paper the sign of a pair is `s's' / K`, with s one at the label and minus one elsewhere.
    For two classes that is the sign used here, 1 for the same label and -1 for different ones;
    for more than four it would be positive for different labels too, so the former is used
    throughout.

    References
    ----------
    S. Guo, Y. Ren, S. V. Albrecht, K. Smith: "lpNTK: better generalisation with less data via
    sample interaction during learning", ICLR 2024 (there of trained networks, by their gradients;
    the clusters are used to thin redundant rows out and to drop poisonous ones of the tail; here
    the contradictory pairs, which the paper defines, make the score).

    A. Jacot, F. Gabriel, C. Hongler: "Neural tangent kernel: convergence and generalization in
    neural networks", NeurIPS 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import LabelSignedKernel
    >>> X, y = load_iris(return_X_y=True)
    >>> y[3] = 2
    >>> int(LabelSignedKernel().fit(X, y).noise_score_.argmax())
    3
    """

    _task = "classification"
    _assumes = "rows alike by their features have the same label, in most pairs"
    _takes = ("predicted", "features")
    _auto = "count"
    _parameter_constraints: dict = {
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "kernel": [StrOptions({"ntk", "rbf"})],
        "balanced": ["boolean"],
        "cluster_share": [Interval(Real, 0, 1, closed="right")],
        "contamination": BaseDetector._parameter_constraints["contamination"],
        "n_jobs": BaseDetector._parameter_constraints["n_jobs"],
    }

    cluster_labels_: Array
    cluster_sizes_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        kernel: Literal["ntk", "rbf"] = "ntk",
        balanced: bool = True,
        cluster_share: float = 0.1,
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.kernel = kernel
        self.balanced = balanced
        self.cluster_share = cluster_share
        self.contamination = contamination
        self.n_jobs = n_jobs

    def _find(self, evidence):
        codes, n = evidence.target.codes, evidence.n_rows
        n_classes = len(evidence.target.classes)
        model = None if self.estimator is None else self._model(evidence)
        X = narrow_features(model, evidence)
        if self.kernel == "ntk":
            X = np.column_stack([X, np.ones(n)])
            X /= np.linalg.norm(X, axis=1, keepdims=True)
            kernel = tangent_kernel
        else:
            X = X / self._width(model, evidence)
            kernel = gaussian_kernel
        weight = evidence.inputs.sample_weight
        weight = np.ones(n) if weight is None else weight
        positive, negative = class_kernels(kernel, X, codes, weight, n_classes, self.balanced)
        score = contradiction(positive, negative, codes)
        # a hypothetical label agrees with its own class, and with the opposite of all others
        agree = np.nan_to_num(positive)
        if n_classes > 1:
            opposed = np.nan_to_num(negative)
            agree += (opposed.sum(axis=1, keepdims=True) - opposed) / (n_classes - 1)
        total = agree.sum(axis=1, keepdims=True)
        shares = np.divide(agree, total, out=np.full_like(agree, np.nan), where=total > 0)
        shares[np.isnan(score)] = np.nan
        labels = np.empty(n, dtype=int)
        n_clusters = 0
        for k in range(n_classes):
            rows = np.flatnonzero(codes == k)
            n_heads = int(np.ceil(self.cluster_share * len(rows)))
            labels[rows] = n_clusters + farthest_point_clusters(kernel, X[rows], n_heads)
            n_clusters = labels[rows].max() + 1
        return Finding(
            score=score,
            suggestion=shares,
            attributes={
                "cluster_labels_": labels,
                "cluster_sizes_": np.bincount(labels)[labels],
            },
        )

    def _width(self, model, evidence):
        """s of the Gaussian kernel; 1 for rows that are all the same."""
        if evidence.n_rows < 2:
            return 1.0
        near = evidence.neighbors(model, n_neighbors=10, n_jobs=self.n_jobs).distances
        far = near[:, -1]
        return np.median(far) or far.mean() or 1.0

    def _reason(self, row):
        if np.isnan(self.noise_score_[row]):
            return "not judged"
        alone = " and has no like in its class" if self.cluster_sizes_[row] == 1 else ""
        return f"contradicts other rows by {self.noise_score_[row]:.0%} of its kernel{alone}"


def tangent_kernel(A, B):
    """(a, b): of a wide network with one hidden ReLU layer; rows of A and B have length one."""
    cosine = np.clip(A @ B.T, -1.0, 1.0)
    angle = np.pi - np.arccos(cosine)
    return (2.0 * cosine * angle + np.sqrt(1.0 - cosine**2)) / np.pi


def gaussian_kernel(A, B):
    """(a, b): exp(-distance²)."""
    squared = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1) - 2.0 * (A @ B.T)
    return np.exp(-np.maximum(squared, 0.0))


def class_kernels(kernel, X, codes, weight, n_classes, balanced):
    """Two (n, K): sums of the kernel to the other rows of each class, where it is positive, and
    of its size where it is negative; means with `balanced`. NaN for a class of no other row.
    """
    n = len(X)
    member = np.zeros((n, n_classes))
    member[np.arange(n), codes] = weight
    positive, negative = np.empty((n, n_classes)), np.empty((n, n_classes))
    for chunk in gen_batches(n, max(1, CHUNK_NUMBERS // n)):
        value = kernel(X[chunk], X)
        value[np.arange(len(value)), np.arange(chunk.start, chunk.stop)] = 0.0
        positive[chunk] = np.maximum(value, 0.0) @ member
        negative[chunk] = np.maximum(-value, 0.0) @ member
    others = member.sum(axis=0) - member
    size = np.where(others > 0, others if balanced else 1.0, np.nan)
    return positive / size, negative / size


def contradiction(positive, negative, codes):
    """(n,): of the pairs of a row with its class and one other class, the contradictory share of
    the kernel; for the class with the largest. NaN where the row is the only one of its class.
    """
    rows = np.arange(len(codes))
    agree = positive[rows, codes][:, None] + negative
    against = positive + negative[rows, codes][:, None]
    total = agree + against
    share = np.divide(against, total, out=np.full_like(total, 0.5), where=total > 0)
    share[rows, codes] = np.nan
    share[np.isnan(agree) | np.isnan(against)] = np.nan
    return np.fmax.reduce(share, axis=1)


def farthest_point_clusters(kernel, X, n_clusters):
    """(n,): cluster of each row, by Gonzalez' rule in the distance that the kernel induces.

    The first head is the row that is most like all others; each next one is the row farthest from
    all heads; every row belongs to its nearest head.
    """
    own = kernel(X[:1], X[:1])[0, 0]  # the same for all rows, for both kernels
    centre = X.mean(axis=0)
    head = int(np.argmin(((X - centre) ** 2).sum(axis=1)))
    labels = np.zeros(len(X), dtype=int)
    distance = 2.0 * (own - kernel(X[head : head + 1], X)[0])
    for k in range(1, n_clusters):
        head = int(np.argmax(distance))
        if not distance[head] > 1e-9 * own:
            break  # all that is left are copies of heads
        new = 2.0 * (own - kernel(X[head : head + 1], X)[0])
        labels[new < distance] = k
        distance = np.minimum(distance, new)
    return labels
