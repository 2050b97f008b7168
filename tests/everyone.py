"""One cheap instance of every public estimator, and data that it can be fitted to."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge, SGDRegressor
from sklearn.naive_bayes import GaussianNB

import sknoisy

from .fuzzer.trials import CHEAP, CHEAP_OF
from .helpers import noisy_labels, noisy_numbers


def public_estimators():
    """Names as users import them, and their classes; the shortest name of each."""
    names = {}
    modules = [m.name for m in pkgutil.walk_packages(sknoisy.__path__, "sknoisy.")]
    for module in sorted(["sknoisy", *modules], key=lambda name: name.count(".")):
        if any(part.startswith("_") for part in module.split(".")):
            continue
        contents = importlib.import_module(module)
        for name in getattr(contents, "__all__", ()):
            kind = getattr(contents, name)
            if is_estimator(kind):
                names.setdefault(kind, f"{module}.{name}")
    return names


def that_fit():
    """The classes of those that have `fit`, in a fixed order."""
    return [kind for kind in public_estimators() if hasattr(kind, "fit")]


def is_estimator(kind):
    is_kind = inspect.isclass(kind) and issubclass(kind, BaseEstimator)
    return is_kind and not inspect.isabstract(kind)


@dataclass
class Case:
    """An estimator that is not fitted, and what its `fit` gets."""

    estimator: Any
    X: Any
    y: Any
    fit_params: dict = field(default_factory=dict)

    def fit(self, estimator=None):
        estimator = self.estimator if estimator is None else estimator
        args = (self.X,) if self.y is None else (self.X, self.y)
        return estimator.fit(*args, **self.fit_params)


N = 60
CHEAP_HERE = {"cv": 2, "max_iter": 3, "n_resamples": 2, "effort": "fast"}


def case_of(kind, estimator=None):
    """`Case` of a public estimator, around `estimator` if it wraps one."""
    numbers = kind.__name__.endswith("Regressor") or getattr(kind, "_task", "") == "regression"
    X, y = noisy_numbers(N) if numbers else noisy_labels(N, n_classes=2)
    inner = estimator or (Ridge() if numbers else LogisticRegression())
    params = {**CHEAP, **CHEAP_HERE, **CHEAP_OF.get(kind.__name__, {})}
    params |= {"estimator": inner, "random_state": 0, "treatment": sknoisy.FilterClassifier(inner)}
    if kind.__name__ == "RobustActiveDistillation":
        params["teacher"] = inner
    known = inspect.signature(kind).parameters
    model = kind(**{name: value for name, value in params.items() if name in known})
    room, fit_params = kind.__module__.split("."), {}
    if "groups" in room and "training" in room:
        fit_params["groups"] = np.arange(N) % 3
    if kind.__name__ == "TrustedTransition" or "trusted" in room:
        fit_params["trusted"] = np.arange(N) % 2 == 0
    if "threshold" in room:
        return _threshold_case(model, X, y)
    if "dask" in room:
        return _dask_case(model, X, y)
    y = _target(kind, y)
    if "votes" in inspect.signature(model.fit).parameters:  # of a crowd, without features
        return Case(model, y, None)
    return Case(model, X, y, fit_params)


def _threshold_case(model, X, y):
    score = np.random.default_rng(0).random(N)
    if type(model).__name__ == "BenjaminiHochberg":
        model.set_params(scale="1-p")
    known = inspect.signature(model.fit).parameters
    proba = np.column_stack([1 - score, score])
    given = {"X": X, "label_proba": proba, "predicted": proba, "trusted": np.arange(N) % 4 == 0}
    return Case(model, score, y, {k: v for k, v in given.items() if k in known})


def _dask_case(model, X, y):
    import dask.array as da

    numbers = isinstance(model, RegressorMixin)
    model.set_params(estimator=SGDRegressor() if numbers else GaussianNB())  # with partial_fit
    return Case(model, da.from_array(X, chunks=(15, X.shape[1])), da.from_array(y, chunks=15))


def _target(kind, y):
    """y as its class reads it: several answers a row where they are of a crowd, and so on."""
    room = kind.__module__
    if "multilabel" in room or kind.__name__ == "PUMultiOutputClassifier":
        return np.column_stack([y, y[::-1]])
    if issubclass(kind, RegressorMixin) and "crowds" in room or kind.__name__ == "BiasVariance":
        return y[:, None] + np.array([0.0, 1.0, -1.0])
    crowd = "crowds" in room or "labelling_functions" in room
    if crowd or kind.__name__ == "AnnotatorTransition":
        others = [np.roll(y, shift) for shift in (1, 2)]
        return np.column_stack([y, y, np.where(np.arange(N) % 3 == 0, others[0], y), others[1]])
    return y
