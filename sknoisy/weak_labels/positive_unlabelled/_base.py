"""What classifiers of positive-unlabelled labels share."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy.weak_labels._base import BaseWeakClassifier
from sknoisy.weak_labels.positive_unlabelled._labels import read_pu
from sknoisy.weak_labels.positive_unlabelled._prior import (
    METHODS,
    estimate_class_prior,
    known_prior,
    labelled_scores,
    positive_link,
)


class BasePUClassifier(BaseWeakClassifier):
    """Classifier that is given labelled positives and unlabelled rows."""

    _min_proba = 1e-3
    _parameter_constraints: dict = {
        **BaseWeakClassifier._parameter_constraints,
        "positive": "no_validation",
        "cv": [Interval(Integral, 2, None, closed="left"), "cv_object"],
    }

    label_frequency_: float

    def _read(self, y):
        return read_pu(y, self.positive)

    def _learn(self, rows, labels):
        labels.check_weight(rows.sample_weight)
        return self._learn_positives(rows, labels)

    @abstractmethod
    def _learn_positives(self, rows, labels):
        """As `_learn`, where both classes have rows."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class PriorPUClassifier(BasePUClassifier):
    """One that needs to know how many rows are positive."""

    _parameter_constraints: dict = {
        **BasePUClassifier._parameter_constraints,
        "class_prior": [Interval(Real, 0, 1, closed="right"), StrOptions(set(METHODS))],
    }

    class_prior_: float
    standard_error_: float
    unlabelled_prior_: float

    def _prior(self, score, rows, labels):
        """`PriorEstimate`, from scores of being labelled where it is not known."""
        weight = rows.sample_weight
        if isinstance(self.class_prior, Real):
            return known_prior(self.class_prior, labels.labelled, weight)
        return estimate_class_prior(
            score,
            labels.labelled,
            method=self.class_prior,
            sample_weight=weight,
            random_state=rows.random_state,
        )

    def _first_look(self, rows, labels):
        """(probability of each row to be labelled, by models that never saw it; the prior)."""
        score = labelled_scores(self.estimator, rows, labels, rows.folds(labels.codes, self.cv))
        return score, self._prior(score, rows, labels)


def prior_attributes(prior):
    return {f"{name}_": value for name, value in vars(prior).items()}


def positive_proba(score, labels, label_frequency, weight=None):
    """(n,) P(positive; x) from scores of being labelled, at a known label frequency."""
    link = positive_link(score, labels.labelled, label_frequency, weight)
    unknown = np.isnan(score)  # nobody could judge the row: the share of positives
    share = np.average(labels.labelled, weights=weight) / label_frequency
    return np.where(unknown, share, link.of_proba(np.where(unknown, 0.5, score)))


def hidden_proba(positive, label_frequency):
    """P(positive; x, unlabelled), from P(positive; x) and the chance of a positive to be labelled.

    Of the positives a share 1 - e stays unlabelled: f (1 - e) / (1 - f e).
    """
    kept_back = positive * (1.0 - label_frequency)
    return kept_back / np.maximum(1.0 - positive * label_frequency, 1e-12)
