"""What several test files share: estimators that keep what they were given, and noisy data.

Test folders have no `__init__.py`; pytest's importlib mode (set in pyproject.toml) makes
`from .helpers import ...` work in `tests`, and `from ..helpers import ...` one folder below.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if


@dataclass
class Call:
    """One call of a method of a recording estimator."""

    method: str
    X: Any
    y: Any = None
    sample_weight: Any = None


_CALLS: dict[str, list[Call]] = {}
_NUMBERS = count()


def recording(inner):
    """(estimator that behaves as `inner`, list of the calls that it and its clones get).

    The list is found by a name, so it survives cloning and pickling and does not change the hash
    of the estimator. With `n_jobs` > 1 only threads write to it.
    """
    log = f"calls {next(_NUMBERS)}"
    _CALLS[log] = []
    kind = RecordingClassifier if isinstance(_last(inner), ClassifierMixin) else RecordingRegressor
    return kind(inner, log), _CALLS[log]


def fits(calls):
    return [call for call in calls if call.method == "fit"]


def asks(calls):
    """The calls in which a model was asked for its response."""
    return [call for call in calls if call.method != "fit"]


def _last(model):
    return _last(model.steps[-1][1]) if isinstance(model, Pipeline) else model


class _Recording(BaseEstimator):
    def __init__(self, inner, log):
        self.inner = inner
        self.log = log

    def _note(self, *call):
        _CALLS[self.log].append(Call(*call))

    def fit(self, X, y, sample_weight=None):
        self._note("fit", X, y, sample_weight)
        weight = {}
        if sample_weight is not None:
            step = f"{self.inner.steps[-1][0]}__" if isinstance(self.inner, Pipeline) else ""
            weight = {f"{step}sample_weight": sample_weight}
        self.inner_ = clone(self.inner).fit(X, y, **weight)
        return self

    def predict(self, X):
        self._note("predict", X)
        return self.inner_.predict(X)


def _inner_has(name):
    return available_if(lambda self: hasattr(getattr(self, "inner_", self.inner), name))


class RecordingClassifier(ClassifierMixin, _Recording):
    @property
    def classes_(self):
        return self.inner_.classes_

    @_inner_has("predict_proba")
    def predict_proba(self, X):
        self._note("predict_proba", X)
        return self.inner_.predict_proba(X)

    @_inner_has("decision_function")
    def decision_function(self, X):
        self._note("decision_function", X)
        return self.inner_.decision_function(X)


class RecordingRegressor(RegressorMixin, _Recording):
    pass


def noisy_labels(n=90, n_classes=3, rate=0.15, seed=0):
    """(X, codes 0..n_classes - 1 of which `rate` are wrong); the first column is row / n."""
    X, codes = make_classification(
        n,
        5,
        n_informative=4,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=2.0,
        flip_y=0.0,
        random_state=seed,
    )
    wrong = np.random.RandomState(seed).choice(n, int(rate * n), replace=False)
    codes[wrong] = (codes[wrong] + 1) % n_classes
    return np.column_stack([np.arange(n) / n, X]), codes


def noisy_numbers(n=90, rate=0.1, seed=0, size=500.0):
    """(X, y of which `rate` are off by `size`, 500 being wild); the first column is row / n."""
    X, y = make_regression(n, 5, noise=5.0, random_state=seed)
    wrong = np.random.RandomState(seed).choice(n, int(rate * n), replace=False)
    y[wrong] += size
    return np.column_stack([np.arange(n) / n, X]), y


def row_numbers(X, n):
    """Which rows of `noisy_labels` or `noisy_numbers` an array of some of them holds."""
    return np.rint(np.asarray(X, dtype=float)[:, 0] * n).astype(int)
