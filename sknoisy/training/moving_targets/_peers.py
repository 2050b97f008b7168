"""Two fitted models whose answers are averaged."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from sknoisy._evidence._responses import LabelResponse, number_response
from sknoisy._fitted import model_attributes


def _all_have(name):
    return available_if(lambda self: all(hasattr(model, name) for model in self.estimators))


class _Peers(BaseEstimator):
    def __init__(self, estimators):
        self.estimators = estimators
        self.__dict__.update(model_attributes(estimators[0]))


class PeerClassifier(ClassifierMixin, _Peers):
    """Classes by the mean of probabilities, or of margins, or of labels."""

    @property
    def classes_(self):
        return self.estimators[0].classes_

    def predict(self, X):
        if len(self.classes_) == 1:
            return self.estimators[0].predict(X)
        answer = LabelResponse(self.classes_)
        means = np.mean([answer(model, X, None)[1] for model in self.estimators], axis=0)
        return self.classes_[means.argmax(axis=1)]

    @_all_have("predict_proba")
    def predict_proba(self, X, **params):
        return np.mean([model.predict_proba(X, **params) for model in self.estimators], axis=0)

    @_all_have("predict_proba")
    def predict_log_proba(self, X, **params):
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, **params))

    @_all_have("decision_function")
    def decision_function(self, X, **params):
        return np.mean([model.decision_function(X, **params) for model in self.estimators], axis=0)


class PeerRegressor(RegressorMixin, _Peers):
    """The mean of the predictions."""

    def predict(self, X):
        return np.mean([number_response(model, X, None)[1] for model in self.estimators], axis=0)
