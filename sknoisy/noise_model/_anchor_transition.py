"""The transition matrix by the rows that are surest of each class."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import Array, CVLike, Estimator, IntArray, RandomStateLike
from sknoisy.noise_model._transition import (
    BaseTransition,
    Estimate,
    half_sample_error,
    no_noise,
)


class AnchorTransition(BaseTransition):
    """Transition matrix by anchor points: rows that are of one class beyond doubt.

    Where P(true=i | x) = 1, the probabilities of the given labels are row i of the matrix. The rows
    in which given label i is likeliest are taken for such anchors of class i. So each class must
    have rows that are surely of it, and must be given more often for what it is than as any other.
    A class whose anchors are mostly given as another, such as a rare one that no feature is sure
    of, has none, and its labels are taken to be right.

    Probabilities at their own maximum are too high, and those of a model that is too sure or not
    sure enough are as wrong anywhere. Therefore, by default, models only choose the anchors, and
    the given labels of these are counted, which no model that judged them has seen.

    Number of fits: `cv` (5), or 1 for a forest or bagging, which is judged out of bag.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier that makes the out-of-sample probabilities. None means the one that a
        `TransitionClassifier` wraps; alone, a random forest of 200 trees, behind an encoder for a
        DataFrame.
    read : {"labels", "proba"}, default="labels"
        What is read of the anchors. "labels": the shares of their given labels. "proba": the
        probabilities of the one anchor at `quantile`, as in the literature.
    quantile : float in [0, 1] or None, default=None
        Of P(given=i | x) among the rows given class i. Anchors of class i are the rows from there
        on ("labels"), or the likeliest one up to there ("proba": 1 is the likeliest row of all,
        0.97 leaves out what may be outliers). None means 0.8 for "labels", 0.97 for "proba".
    extrapolate : bool, default=True
        For "labels": the share of another label is lessened by what it falls from twice as many
        rows to the anchors. Where classes overlap down to the anchors, that overlap would count as
        noise; but it dies out towards rows that are surer, and noise does not.
    cv : int, splitter, iterable or None, default=None
        Folds of the out-of-sample probabilities. None means out-of-bag where the estimator can,
        else 5 stratified folds; an int always means folds.
    n_resamples : int, 0 or >= 2, default=30
        Random halves of the rows by which standard errors are found, the out-of-sample
        probabilities being as they are. 0: no standard errors.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the halves and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    transition_ : ndarray of shape (K, K)
        Entry (i, j): P(given label = j | true label = i). Where out-of-sample predictions know
        nothing of the labels, a warning says so and no label is taken to be wrong.
    transition_error_ : ndarray of shape (K, K)
        Standard errors by chance alone: anchors that are none are not in them.
    class_prior_ : ndarray of shape (K,)
        Frequencies of the true classes.
    noise_rate_ : float
        Share of wrong labels.
    n_anchors_ : ndarray of shape (K,) of int
        Rows that were taken for anchors of each class; 0 where it has none.
    classes_ : ndarray of shape (K,)
        All classes of y.
    n_features_in_, feature_names_in_
        Of X, where it has such things.

    References
    ----------
    T. Liu, D. Tao: "Classification with noisy labels by importance reweighting", IEEE Transactions
    on Pattern Analysis and Machine Intelligence, 2016 (anchors at the maximum of the probability).

    G. Patrini, A. Rozza, A. Menon, R. Nock, L. Qu: "Making deep neural networks robust to label
    noise: a loss correction approach", CVPR, 2017 (a quantile in place of the maximum; there of
    all rows, here of those given the class, so that it is as far out for a rare class as for a
    frequent one; reading the labels of several anchors is an adaptation too).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import transition_noise
    >>> from sknoisy.noise_model import AnchorTransition
    >>> X, y = load_iris(return_X_y=True)
    >>> matrix = [[1.0, 0.0, 0.0], [0.0, 0.7, 0.3], [0.0, 0.0, 1.0]]
    >>> y_noisy, wrong = transition_noise(y, matrix, random_state=0)
    >>> model = AnchorTransition(random_state=0).fit(X, y_noisy)
    >>> bool(abs(model.transition_ - matrix).max() < 0.2)
    True
    """

    _parameter_constraints: dict = {
        **BaseTransition._parameter_constraints,
        "read": [StrOptions({"labels", "proba"})],
        "quantile": [Interval(Real, 0, 1, closed="both"), None],
        "extrapolate": ["boolean"],
    }

    n_anchors_: IntArray
    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        read: Literal["labels", "proba"] = "labels",
        quantile: float | None = None,
        extrapolate: bool = True,
        cv: CVLike | None = None,
        n_resamples: int = 30,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.read = read
        self.quantile = quantile
        self.extrapolate = extrapolate
        self.cv = cv
        self.n_resamples = n_resamples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _estimate(self, evidence):
        judged = self._judged(evidence)
        n_classes = len(evidence.target.classes)
        if judged is None:
            found = no_noise(n_classes)
            found.attributes["n_anchors_"] = np.zeros(n_classes, dtype=int)
            return found
        label_proba, codes, weight, unit = judged
        quantile = self.quantile
        if quantile is None:
            quantile = 0.8 if self.read == "labels" else 0.97

        def both_of(rows):
            part = label_proba[rows], codes[rows]
            if self.read == "labels":
                return labels_of_anchors(*part, quantile, weight[rows], self.extrapolate)
            return proba_of_anchors(*part, quantile)

        transition, n_anchors = both_of(np.arange(len(codes)))
        error = half_sample_error(
            lambda rows: both_of(rows)[0], unit, self.n_resamples, self.random_state
        )
        return Estimate(transition, error, attributes={"n_anchors_": n_anchors})


def labels_of_anchors(label_proba, codes, quantile, weight=None, extrapolate=False):
    """Transition matrix by the given labels of the rows that are surest of each class.

    Parameters
    ----------
    label_proba : ndarray of shape (n, K)
        Out-of-sample probabilities of given labels.
    codes : ndarray of shape (n,) of int
        Given labels.
    quantile : float
        Of P(given=i | x) among the rows given i; rows from there on are anchors of class i.
    weight : ndarray of shape (n,), default=None
    extrapolate : bool
        Take off what the share of another label falls from twice as many rows to the anchors.

    Returns
    -------
    transition : ndarray of shape (K, K)
        A class without anchors is taken to be right.
    n_anchors : ndarray of shape (K,) of int
    """
    n_classes = label_proba.shape[1]
    weight = np.ones(len(codes)) if weight is None else weight
    transition, n_anchors = np.eye(n_classes), np.zeros(n_classes, dtype=int)
    for i in np.unique(codes):
        own = label_proba[codes == i, i]

        def shares(quantile, i=i, own=own):
            # by rank, not in between: the least of the anchors is one of the rows given the class
            chosen = label_proba[:, i] >= np.quantile(own, quantile, method="higher")
            counts = np.bincount(codes[chosen], weight[chosen], n_classes)
            return counts / counts.sum(), chosen.sum()

        found, n = shares(quantile)
        if found[i] < found.max():  # mostly given as another: these are no anchors
            continue
        if extrapolate:
            wider, _ = shares(max(2.0 * quantile - 1.0, 0.0))
            found = np.maximum(found - np.maximum(wider - found, 0.0), 0.0)
            found[i] += 1.0 - found.sum()
        transition[i], n_anchors[i] = found, n
    return transition, n_anchors


def proba_of_anchors(label_proba, codes, quantile):
    """Transition matrix by the probabilities of one anchor of each class.

    Parameters, and what is returned, are as in `labels_of_anchors`.
    """
    n_classes = label_proba.shape[1]
    transition, n_anchors = np.eye(n_classes), np.zeros(n_classes, dtype=int)
    for i in range(n_classes):
        own = label_proba[codes == i, i]
        if len(own):
            highest = np.inf if quantile == 1 else np.quantile(own, quantile, method="lower")
            anchor = np.where(label_proba[:, i] <= highest, label_proba[:, i], -1.0).argmax()
            found = label_proba[anchor] / label_proba[anchor].sum()
            if found[i] == found.max():
                transition[i], n_anchors[i] = found, 1
    return transition, n_anchors
