"""What a fitted model makes of rows before its last step, and models whose answers are averaged."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.neural_network._base import ACTIVATIONS
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import _num_samples, check_array

from sknoisy._evidence._arrays import as_numpy
from sknoisy._evidence._responses import as_column
from sknoisy.training._means import mean_of

KINDS = ("steps", "leaves", "hidden", "response")


def representation_of(estimator):
    """The kind of representation an unfitted estimator has, or None where it is its last step."""
    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
        return "steps"
    if hasattr(estimator, "hidden_layer_sizes"):
        return "hidden"
    if hasattr(estimator, "apply"):
        return "leaves"
    # A linear model is a last layer. What else is kept of a model, its response, is one number
    # where there are two classes, from which no other label can be learnt.
    return None


class ModelRepresentation(TransformerMixin, BaseEstimator):
    """Transformer: the leaves, the last hidden layer or the response that a fitted model gives.

    Parameters
    ----------
    model : fitted estimator
        Of a Pipeline, the last step is meant.
    kind : {"leaves", "hidden", "response"}
    """

    def __init__(self, model, kind):
        self.model = model
        self.kind = kind

    def fit(self, X, y=None):
        """Learn which leaves there are, or the scale of the other columns."""
        encoder = OneHotEncoder(handle_unknown="ignore")
        self.encoder_ = encoder if self.kind == "leaves" else StandardScaler()
        self.encoder_.fit(self._raw(X))
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.model, name):
                setattr(self, name, getattr(self.model, name))
        return self

    def transform(self, X):
        """Rows as the model sees them before its last step."""
        return self.encoder_.transform(self._raw(X))

    def _raw(self, X):
        model = self.model
        if self.kind == "response":
            return response(model, X)
        if isinstance(model, Pipeline):
            X, model = model[:-1].transform(X) if len(model.steps) > 1 else X, model.steps[-1][1]
        if self.kind == "leaves":
            leaves = np.asarray(model.apply(X))
            return leaves.reshape(_num_samples(X), -1)
        return hidden_layer(model, X)


def response(model, X):
    """(n, k) decision values, else log-odds of probabilities, else predictions."""
    n = _num_samples(X)
    if hasattr(model, "decision_function"):
        values = as_numpy(model.decision_function(X), "what it says").astype(float)
    elif hasattr(model, "predict_proba"):
        proba = as_numpy(model.predict_proba(X), "what it predicts").astype(float)
        proba = np.clip(proba, 1e-6, 1 - 1e-6)
        values = np.log(proba / (1 - proba))
        values = values[:, 1:] if values.shape[1] == 2 else values
    else:
        values = as_column(model.predict(X), n, "predict")
    return values.reshape(n, -1)


def hidden_layer(network, X):
    """(n, h) activations of the last hidden layer of scikit-learn's MLP."""
    layer = check_array(X, accept_sparse=True)
    for weights, bias in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
        layer = np.asarray(layer @ weights) + bias
        ACTIVATIONS[network.activation](layer)  # in place
    return layer


# --------------------------------------------------------------------------- means of models


def mean_model(models, target):
    """One model for several of a kind: linear ones with their mean coefficients, or `MeanOf...`."""
    if len(models) == 1:
        return models[0]
    # of its own: a property cannot be set
    shapes = {np.shape(vars(model).get("coef_")) for model in models}
    known = [getattr(model, "classes_", None) for model in models]
    same = all(np.array_equal(known[0], labels) for labels in known)
    if len(shapes) == 1 and shapes != {()} and same and hasattr(models[0], "intercept_"):
        mean = deepcopy(models[0])
        for name in ("coef_", "intercept_"):
            setattr(mean, name, np.mean([getattr(model, name) for model in models], axis=0))
        return mean
    return mean_of(models, target)
