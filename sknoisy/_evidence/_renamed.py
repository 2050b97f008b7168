"""Models that only know classes 0, 1, ..., where the rows to fit lack one of these."""

from __future__ import annotations

import numpy as np


def own_codes(estimator, inputs, y_fit):
    """The classes in `y_fit`, where a model may get their positions in place of them, else None.

    XGBoost, for one, takes no classes but 0, 1, ...: the plain model fits, and without class 1 it
    does not. The model is the same by any names, unless classes are named elsewhere: in weights of
    classes, or in further data for `fit`.
    """
    if inputs.task != "classification" or inputs.fit_params or inputs.y.dtype.kind not in "iuf":
        return None
    classes, known = np.unique(inputs.y), np.unique(y_fit)
    in_order = np.array_equal(classes, np.arange(len(classes)))
    if not in_order or known[-1] == len(known) - 1 or not np.isin(known, classes).all():
        return None
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    for name, value in params.items():
        by_class = name.split("__")[-1] in ("class_weight", "class_weights", "classes")
        if by_class and value is not None and not isinstance(value, str):
            return None
    return known


class Renamed:
    """A model fitted on positions in `names`, answering by these."""

    def __init__(self, model, names):
        self.model = model
        self.names = names

    @property
    def classes_(self):
        known = getattr(self.model, "classes_", np.arange(len(self.names)))
        return self.names[np.asarray(known).astype(int)]

    def predict(self, X):
        return self.names[np.ravel(self.model.predict(X)).astype(int)]

    def __getattr__(self, name):
        if name in ("model", "names") or name.startswith("__"):  # still empty, while unpickled
            raise AttributeError(name)
        return getattr(self.model, name)
