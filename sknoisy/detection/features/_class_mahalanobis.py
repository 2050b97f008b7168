"""Wrong labels by Mahalanobis distances to the classes."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from scipy.linalg import pinvh
from scipy.sparse import issparse
from scipy.special import softmax
from scipy.stats import chi2
from sklearn.base import clone
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import TruncatedSVD
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._typing import Array, BoolArray, Contamination, Estimator, FloatArray
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import label_verdict

MAX_DENSE = 200  # sparse features with more columns are brought to this many components
MAX_STEPS = 20  # concentration steps; they converge in fewer
TAIL = 0.975  # quantile of chi2 beyond which a row has no say in its class, as in MinCovDet


class ClassMahalanobis(BaseDetector):
    """Wrong labels by how much nearer another class is, in Mahalanobis distance.

    Each class is a normal distribution of the features with its own mean and a covariance that all
    classes share. With d_c, the squared Mahalanobis distance of a row to class c, the score is
    that to the given class less that to the nearest other one: above zero, another class is nearer.

    Wrong labels pull means together and blow up the covariance. So means and covariance are taken
    from the most central rows of each class, found by concentration steps like those of the
    minimum covariance determinant.

    Number of fits: none of a model; up to 21 of a covariance matrix. With `contamination="auto"`, 5
    more of the model, or 1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        It is not fitted as a model. Where it is a Pipeline, the steps before its last one make the
        features. None means the one a treatment wraps. Without such steps: numbers, brought to
        equal spread; a DataFrame, encoded column by column; texts, as TF-IDF. Sparse features of
        more than 200 columns are brought to 200 components.
    kind : {"label", "outlier"}, default="label"
        What the score says. "label": the label is wrong. "outlier": the row is far from all
        classes, by the distance to the nearest one, whatever its label; no other label is
        suggested then.
    covariance : estimator object, default=None
        Covariance estimator (`fit` sets `covariance_`), fitted to the rows less the means of their
        classes. None means `LedoitWolf(assume_centered=True)`, which is never singular.
    support_fraction : float in [0.5, 1], default=0.5
        Share of each class that its mean and the covariance are first taken from; then all rows
        not implausibly far away have a say. 1 means that all rows have one, as in the paper.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model. "own" with `kind="label"`: rows for which another class is the likeliest and whose
        posterior by the confident joint is below one half; with "outlier", a `MixturePosterior`.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        The difference of distances, or the distance to the nearest class. A row's own share in the
        mean of its class is taken out. NaN for the sole member of a class, and, with
        `kind="label"`, where there is one class only.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong, or the row an outlier.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label; for a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    distances_ : ndarray of shape (n, K)
        Squared Mahalanobis distances to the classes.
    location_ : ndarray of shape (K, d)
        Means of the classes, in the encoded features.
    covariance_ : ndarray of shape (d, d)
        The covariance that all classes share.
    support_ : ndarray of shape (n,) of bool
        Rows that have a say in means and covariance.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    NeighborDisagreement : Assumes no shape of the classes.
    Outlier : Outliers of any shape, also within each class.

    Notes
    -----
    `sample_weight` weighs the rows in means and covariance; a row of weight zero has no say.

    References
    ----------
    K. Lee, K. Lee, H. Lee, J. Shin: "A simple unified framework for detecting out-of-distribution
    samples and adversarial attacks", NeurIPS 2018 (the distances, and the score of outliers). K.
    Lee, S. Yun, K. Lee, H. Lee, B. Li, J. Shin: "Robust inference via generative classifiers for
    handling noisy labels", ICML 2019 (means and covariance from central rows). [Adapted: the
    features are those of the table rather than a network's layers; the concentration steps share
    one shrunken covariance and start at the medians, so that small classes and any number of
    features do, and there is no chance in it.]

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import ClassMahalanobis
    >>> X, y = load_iris(return_X_y=True)
    >>> y[[3, 60]] = [2, 0]
    >>> detector = ClassMahalanobis().fit(X, y)
    >>> sorted(detector.noise_score_.argsort()[-2:].tolist())
    [3, 60]
    """

    _task = "classification"
    _assumes = "classes are one cloud each, of about the same shape"
    _takes = ("predicted", "features")
    _auto = "count"
    _parameter_constraints: dict = {
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "kind": [StrOptions({"label", "outlier"})],
        "covariance": [HasMethods(["fit"]), None],
        "support_fraction": [Interval(Real, 0.5, 1, closed="both")],
        "contamination": BaseDetector._parameter_constraints["contamination"],
    }

    distances_: Array
    location_: FloatArray
    covariance_: FloatArray
    support_: BoolArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        kind: Literal["label", "outlier"] = "label",
        covariance: Estimator | None = None,
        support_fraction: float = 0.5,
        contamination: Contamination = "auto",
    ) -> None:
        self.estimator = estimator
        self.kind = kind
        self.covariance = covariance
        self.support_fraction = support_fraction
        self.contamination = contamination

    def _find(self, evidence):
        X = dense_features(evidence.features(self.estimator))
        codes, n_classes = evidence.target.codes, len(evidence.target.classes)
        rows, counts = np.arange(len(X)), np.bincount(codes)
        weight = evidence.inputs.sample_weight
        weight = np.ones(len(X)) if weight is None else weight
        silent = np.flatnonzero(np.bincount(codes, weights=weight) <= 0)
        if len(silent):
            raise ValueError(
                f"All rows of class {evidence.target.classes[silent[0]]!s} have sample_weight 0, "
                "so that it has no mean: leave the class out before fit."
            )
        covariance = LedoitWolf(assume_centered=True)
        covariance = covariance if self.covariance is None else self.covariance
        means, shared, support = central_fit(
            X, codes, weight, covariance=covariance, support_fraction=self.support_fraction
        )
        distances = squared_distances(X, means, shared)
        has_say = np.where(support, weight, 0.0)
        others = np.bincount(codes, weights=has_say)[codes] - has_say
        judged = (counts[codes] > 1) & (others > 1e-12 * weight.sum())
        # The mean without the row itself is further away from it, by W / (W - w)
        away = (others + has_say) / np.where(judged, others, np.inf)
        distances[rows, codes] *= away**2

        attributes = {
            "distances_": distances,
            "location_": means,
            "covariance_": shared,
            "support_": support,
        }
        if self.kind == "outlier":
            score = np.where(judged, distances.min(axis=1), np.nan)
            return Finding(score=score, attributes=attributes)
        others = distances.copy()
        others[rows, codes] = np.inf
        judged &= n_classes > 1
        nearest = np.where(judged, others.min(axis=1), 0.0)
        score = np.where(judged, distances[rows, codes] - nearest, np.nan)
        prior = np.bincount(codes, weights=weight) / weight.sum()
        proba = softmax(np.log(prior) - distances / 2, axis=1)
        proba[~judged] = np.nan
        return Finding(
            score=score, suggestion=proba, **label_verdict(proba, codes), attributes=attributes
        )

    def _reason(self, row):
        given, distances = self._target.codes[row], self.distances_[row]
        if self.kind == "outlier":
            return f"squared distance {self.noise_score_[row]:.3g} from the nearest class"
        others = distances.copy()
        others[given] = np.inf
        best = int(np.argmin(others))
        return (
            f"squared distance {distances[given]:.3g} from {self.classes_[given]}, "
            f"{distances[best]:.3g} from {self.classes_[best]}"
        )


def dense_features(features):
    """(n, d) as an array; many sparse columns are brought to a few components."""
    if not issparse(features):
        return np.asarray(features, dtype=float)
    if min(features.shape) <= MAX_DENSE:
        return features.toarray().astype(float)
    # seeded, so that the same question has the same answer
    return TruncatedSVD(MAX_DENSE, random_state=0).fit_transform(features)


def class_means(X, codes, weight):
    """(K, d): weighted means of the classes."""
    total = np.bincount(codes, weights=weight)
    sums = np.zeros((len(total), X.shape[1]))
    np.add.at(sums, codes, X * weight[:, None])
    return sums / total[:, None]


def squared_distances(X, means, covariance):
    """(n, K): squared Mahalanobis distances of the rows to the means."""
    precision = pinvh(covariance)
    out = np.empty((len(X), len(means)))
    for j, mean in enumerate(means):  # K passes: no (n, K, d) array
        away = X - mean
        out[:, j] = np.einsum("ij,ij->i", away @ precision, away)
    return np.maximum(out, 0.0)


def central_fit(X, codes, weight, *, covariance, support_fraction):
    """(means (K, d), covariance (d, d), support (n,)) from the most central rows of each class.

    From the medians of the classes, the rows nearest to the mean of their class make the next
    means and the next covariance, until the same rows come again. In the end every row within
    the bulk of a chi-squared distribution has a say.
    """

    def fitted(support):
        say = np.where(support, weight, 0.0)
        means = class_means(X, codes, say)
        residual = (X - means[codes])[support]
        residual = residual * np.sqrt(say[support] / say[support].mean())[:, None]
        return means, clone(covariance).fit(residual).covariance_

    heard = weight > 0
    if support_fraction == 1:
        return *fitted(heard), heard
    means = np.stack([np.median(X[heard & (codes == j)], axis=0) for j in range(codes.max() + 1)])
    spread = X - means[codes]
    # a diagonal start: the median size of each column's deviation
    size = np.median(np.abs(spread[heard]), axis=0)
    mean_size = np.abs(spread[heard]).mean(axis=0)
    size = np.where(size > 0, size, np.where(mean_size > 0, mean_size, 1.0))
    shared, support = np.diag(size**2), None
    for _ in range(MAX_STEPS):
        own = own_distances(X, codes, means, shared)
        central = most_central(own, codes, heard, support_fraction)
        if support is not None and np.array_equal(central, support):
            break
        support = central
        means, shared = fitted(support)
    own = own_distances(X, codes, means, shared)
    n_features = max(1, np.linalg.matrix_rank(shared))
    # the covariance of central rows is too small, by the ratio of the medians
    unit = np.median(own[heard]) / chi2.ppf(0.5, n_features)
    support |= heard & (own <= unit * chi2.ppf(TAIL, n_features))
    return *fitted(support), support


def own_distances(X, codes, means, covariance):
    """(n,): squared Mahalanobis distance of each row to its own class."""
    away = X - means[codes]
    return np.maximum(np.einsum("ij,ij->i", away @ pinvh(covariance), away), 0.0)


def most_central(distance, codes, heard, share):
    """(n,) of bool: the nearest `share` of each class, at least one row."""
    order = np.lexsort((np.where(heard, distance, np.inf), codes))
    first = np.searchsorted(codes[order], codes[order])
    n_heard = np.bincount(codes, weights=heard)
    central = np.zeros(len(codes), dtype=bool)
    central[order] = np.arange(len(order)) - first < np.ceil(share * n_heard)[codes[order]]
    return central
