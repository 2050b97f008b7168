"""One model out of several: a gate says which of them answers for a row."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples

from sknoisy._evidence import fit_model, take_rows
from sknoisy._evidence._arrays import as_numpy, ask
from sknoisy._evidence._features import RowEncoder
from sknoisy._evidence._fitting import seeded_clone
from sknoisy._evidence._responses import class_columns
from sknoisy._wrapper import predicted_column


class EncodedForest:
    """The gate where none is given: a forest on rows as numbers."""

    def __init__(self, estimator, random_state=None):
        self.encoder = RowEncoder(estimator)
        self.forest = RandomForestClassifier(min_samples_leaf=5, random_state=random_state)

    def fit(self, X, y, sample_weight=None):
        self.forest.fit(self.encoder.fit_transform(X, y), y, sample_weight)
        return self

    def predict(self, X):
        return self.forest.predict(self.encoder.transform(X))


def fitted_gate(gate, estimator, X, source, sample_weight=None, random_state=None):
    """A classifier of sources (n,), fitted; `gate=None` means `EncodedForest`."""
    if gate is None:
        return EncodedForest(estimator, random_state).fit(X, source, sample_weight)
    return fit_model(seeded_clone(gate, random_state), X, source, sample_weight)


class GatedModel:
    """Each row is answered by the model that the gate names.

    Parameters
    ----------
    gate : fitted classifier
        Of classes 0 to K - 1.
    models : list of K fitted models
    classes : ndarray or None
        All labels, for classifiers.
    """

    def __init__(self, gate, models, classes=None):
        self.gate = gate
        self.models = models
        if classes is not None:
            self.classes_ = classes

    def predict(self, X, **params):
        """Of the model that the gate names for the row."""
        return self._by_gate(X, lambda model, rows: predicted_column(model, rows, params))

    @available_if(lambda self: all(hasattr(model, "predict_proba") for model in self.models))
    def predict_proba(self, X, **params):
        """Of the model that the gate names for the row, in columns of all classes."""

        def respond(model, rows):
            proba = np.zeros((_num_samples(rows), len(self.classes_)))
            at = class_columns(model.classes_, self.classes_, f"classes_ of {type(model).__name__}")
            proba[:, at] = as_numpy(ask(model, "predict_proba", rows, params), "what it predicts")
            return proba

        return self._by_gate(X, respond)

    def _by_gate(self, X, respond):
        source = as_numpy(ask(self.gate, "predict", X), "what the gate predicts").ravel()
        parts = [np.flatnonzero(source == k) for k in range(len(self.models))]
        answers = [
            respond(model, take_rows(X, rows))
            for model, rows in zip(self.models, parts, strict=True)
            if len(rows)
        ]
        return np.concatenate(answers)[np.argsort(np.concatenate(parts), kind="stable")]
