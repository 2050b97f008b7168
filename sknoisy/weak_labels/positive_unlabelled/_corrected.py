"""Fitted models whose probability is corrected: of being labelled, or of a re-balanced part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin

from sknoisy._evidence._arrays import ask
from sknoisy._evidence._responses import LabelResponse
from sknoisy._fitted import model_attributes
from sknoisy.weak_labels.positive_unlabelled._prior import safe_logit


@dataclass(frozen=True)
class Rescale:
    """P(positive; x) = P(labelled; x) / c, at most 1."""

    label_frequency: float

    def __call__(self, proba):
        return np.minimum(proba / self.label_frequency, 1.0)


class CorrectedModel(ClassifierMixin, BaseEstimator):
    """Models that are fitted already; the mean of their probabilities is corrected.

    Parameters
    ----------
    models : list of fitted classifiers
        Their classes are `classes`.
    classes : ndarray of shape (2,)
    positive_at : {0, 1}
        Position of the positive class.
    correction : callable
        Makes a probability of being positive of the mean probability of `models`.
    """

    def __init__(self, models, classes, positive_at, correction):
        self.models = models
        self.classes = classes
        self.positive_at = positive_at
        self.correction = correction
        vars(self).update(model_attributes(models[0]))

    @property
    def classes_(self):
        return self.classes

    def fit(self, X, y):
        raise NotImplementedError("It is made of fitted models.")

    def predict_proba(self, X, **params):
        score = mean_score(self.models, X, self.classes, self.positive_at, **params)
        positive = self.correction(score)
        both = (1.0 - positive, positive) if self.positive_at else (positive, 1.0 - positive)
        return np.column_stack(both)

    def predict_log_proba(self, X, **params):
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, **params))

    def decision_function(self, X, **params):
        """Logits, of the second class."""
        return safe_logit(self.predict_proba(X, **params)[:, 1])

    def predict(self, X):
        return self.classes[self.predict_proba(X).argmax(axis=1)]


def mean_score(models, X, classes, positive_at, **params):
    """(n,) mean probability of the positive class; of decision values, by the logistic curve."""
    return np.mean([score_of(m, X, classes, positive_at, **params) for m in models], axis=0)


def score_of(model, X, classes, positive_at, **params):
    if params:
        at = np.flatnonzero(np.asarray(model.classes_) == classes[positive_at])[0]
        return ask(model, "predict_proba", X, params)[:, at]
    method, values = LabelResponse(classes)(model, X, None)
    return (
        expit(values[:, positive_at]) if method == "decision_function" else values[:, positive_at]
    )
