"""Unbiased and non-negative risk from positives and unlabelled rows, by weights."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._typing import CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.weak_labels.positive_unlabelled._base import (
    PriorPUClassifier,
    positive_proba,
    prior_attributes,
)


class WeightedPUClassifier(PriorPUClassifier):
    """Classifier for positive-unlabelled labels by weights that make the risk unbiased.

    The risk on all rows is that of unlabelled rows as negatives and of labelled rows as positives,
    each for 1 / c of them (c, the label frequency), less the labelled rows that would be counted
    as negatives that way. That last part is a negative weight, which no model takes. For log loss
    its gradient is that of one more positive: together a labelled row weighs as a positive

        (1 / c - f) / (1 - f),    f = P(positive; x)

    with f by models that have not seen the row. The cap on it is what keeps the part of the risk
    that stands for negatives from becoming negative where a model is sure. Each row is used once,
    with one label.

    Number of fits: `cv` plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    class_prior : float in (0, 1] or {"plateau", "best-bin", "elkan-noto"}, default="plateau"
        Share of positives among all rows, labelled and unlabelled, or how it is estimated; see
        `estimate_class_prior`.
    max_weight : float >= 1, default=10.0
        No labelled row weighs more than this many times 1 / c.
    positive : scalar, default=None
        The value of y that means positive. None: the larger of the two, which is 1 of (0, 1) and
        of (-1, 1), and True; of two texts the one that is not "no", "unlabelled", "not ..." or the
        like, else the later one in the alphabet, with a warning.
    cv : int >= 2 or splitter, default=5
        Folds by which rows are judged by models that have not seen them.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the fits in the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted with weights.
    classes_ : ndarray of shape (2,)
        The values of y; the unlabelled value is the negative class.
    class_prior_ : float
        Share of positives among all rows.
    standard_error_ : float
        Of `class_prior_`; 0 where it was given.
    label_frequency_ : float
        Share of the positives that are labelled, c.
    unlabelled_prior_ : float
        Share of positives among the unlabelled rows.
    sample_weight_ : ndarray of shape (n,)
        The computed weight of each training row: 1 for unlabelled ones.

    References
    ----------
    M. du Plessis, G. Niu, M. Sugiyama: "Convex Formulation for Learning from Positive and
    Unlabeled Data", ICML 2015.

    R. Kiryo, G. Niu, M. du Plessis, M. Sugiyama: "Positive-Unlabeled Learning with Non-Negative
    Risk Estimator", NeurIPS 2017. Adapted: weights of rows for any model in place of a gradient
    descent, and a cap on them in place of a floor under the risk.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels.positive_unlabelled import WeightedPUClassifier
    >>> rng = np.random.default_rng(0)
    >>> y_true = rng.random(1000) < 0.4
    >>> X = rng.normal(size=(1000, 2)) + 2.0 * y_true[:, None]
    >>> y = (y_true & (rng.random(1000) < 0.3)).astype(int)  # 1: labelled, 0: unlabelled
    >>> model = WeightedPUClassifier(LogisticRegression(), random_state=0).fit(X, y)
    >>> bool((model.predict(X) == y_true).mean() > 0.9)
    True
    """

    _parameter_constraints: dict = {
        **PriorPUClassifier._parameter_constraints,
        "max_weight": [Interval(Real, 1, None, closed="left")],
    }

    sample_weight_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        class_prior: Literal["plateau", "best-bin", "elkan-noto"] | float = "plateau",
        max_weight: float = 10.0,
        positive: Any = None,
        cv: int | CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.class_prior = class_prior
        self.max_weight = max_weight
        self.positive = positive
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn_positives(self, rows, labels):
        check_takes_weights(self.estimator, self.weight_strategy, "the risk is made of weights")
        score, prior = self._first_look(rows, labels)
        c = prior.label_frequency
        f = positive_proba(score, labels, c, rows.sample_weight)
        weight = np.where(labels.labelled, unbiased_weight(f, c, self.max_weight), 1.0)
        shares = labels.weighted(weight * labels.labelled, weight * ~labels.labelled)
        return shares, {**prior_attributes(prior), "sample_weight_": weight}


def unbiased_weight(positive, label_frequency, max_weight=10.0):
    """What a labelled row weighs as a positive in the unbiased risk of log loss.

    Parameters
    ----------
    positive : ndarray of shape (n,)
        P(positive; x).
    label_frequency : float
    max_weight : float
        In units of 1 / label_frequency.
    """
    of_one = (1.0 - label_frequency * positive) / np.maximum(1.0 - positive, 1e-12)
    return np.minimum(of_one, max_weight) / label_frequency
