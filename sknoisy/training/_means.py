"""Fitted models whose answers are averaged."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from sknoisy._evidence._responses import LabelResponse, number_response


def mean_of(models, target):
    """One model for several that were fitted to a `Target`."""
    if target.is_labels:
        return MeanOfClassifiers(models, target.classes)
    return MeanOfRegressors(models)


def _all_have(name):
    return available_if(lambda self: all(hasattr(model, name) for model in self.models))


class _MeanOf(BaseEstimator):
    """What they say of X is what the first of them does."""

    @property
    def n_features_in_(self):
        return self.models[0].n_features_in_

    @property
    def feature_names_in_(self):
        return self.models[0].feature_names_in_

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        """Nothing: the models are fitted."""
        return self


class MeanOfRegressors(RegressorMixin, _MeanOf):
    """Fitted regressors, whose mean is predicted."""

    def __init__(self, models):
        self.models = models

    def predict(self, X):
        """Mean prediction."""
        return np.mean([number_response(model, X, None)[1] for model in self.models], axis=0)


class MeanOfClassifiers(ClassifierMixin, _MeanOf):
    """Fitted classifiers: the mean of their probabilities, decision values or votes."""

    def __init__(self, models, classes):
        self.models = models
        self.classes = classes

    @property
    def classes_(self):
        return self.classes

    def _mean(self, X):
        respond = LabelResponse(self.classes)
        return np.mean([respond(model, X, None)[1] for model in self.models], axis=0)

    def predict(self, X):
        """Label of the largest mean."""
        return self.classes[self._mean(X).argmax(axis=1)]

    @_all_have("predict_proba")
    def predict_proba(self, X):
        """Mean probabilities."""
        return self._mean(X)

    @_all_have("predict_proba")
    def predict_log_proba(self, X):
        """Their logarithms."""
        with np.errstate(divide="ignore"):
            return np.log(self._mean(X))

    @_all_have("decision_function")
    def decision_function(self, X):
        """Mean decision values; of probabilities, where the models have these, their log-odds."""
        if hasattr(self, "predict_proba"):
            values = self.predict_log_proba(X)
            values = values[:, 1] - values[:, 0] if values.shape[1] == 2 else values
            return np.clip(values, -1e3, 1e3)
        values = self._mean(X)
        return values[:, 1] if values.shape[1] == 2 else values
