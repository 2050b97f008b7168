"""What every meta-estimator here shares: its metadata, and what it hands on to its model."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRequest,
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    get_routing_for_object,
    process_routing,
)
from sklearn.utils.validation import _num_samples, check_is_fitted

from sknoisy._evidence._arrays import (
    all_as_numpy,
    as_numpy,
    ask,
    container,
    foreign_as_numpy,
    is_foreign,
)
from sknoisy._evidence._responses import class_columns
from sknoisy._evidence._target import plain_labels
from sknoisy._fitted import PlainState
from sknoisy._notebook import NotebookView
from sknoisy._progress import CallbackSupportMixin
from sknoisy._temperature import at_temperature
from sknoisy._typing import Array, ArrayLike, FloatArray, MatrixLike, available_if


def inner_has(name):
    def check(self):
        getattr(getattr(self, "estimator_", self.estimator), name)
        return True

    return check


class BaseWrapper(
    CallbackSupportMixin, MetaEstimatorMixin, NotebookView, PlainState, BaseEstimator
):
    """Meta-estimator around `estimator`, which has become `estimator_` after `fit`.

    A subclass writes `fit`: it has parameters `weight_strategy` and `random_state`, asks `_route`
    which weights and parameters are for the model, and leaves `estimator_`, for labels also
    `classes_`.
    """

    estimator_: Any
    n_features_in_: int
    feature_names_in_: Array

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also those of parts, as `estimator__C`.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : object
        """
        for name in params:
            part, _, of_part = name.partition("__")
            if of_part and part not in params and getattr(self, part, self) is None:
                raise ValueError(
                    f"{name} cannot be set, since {part} of {type(self).__name__} is None: give it "
                    "the object that has this parameter first."
                )
        return super().set_params(**params)

    # ------------------------------------------------------------------ before fit

    def _route(self, sample_weight, fit_params):
        # what only has DLPack does not say how long it is, and would not be sliced with the rows
        fit_params = {
            name: container(value, name) if is_foreign(value) else value
            for name, value in fit_params.items()
        }
        if not _routing_enabled():
            return fit_params, sample_weight
        given = (
            fit_params
            if sample_weight is None
            else {
                **fit_params,
                "sample_weight": sample_weight,
            }
        )
        if self.weight_strategy == "resample":  # the weights are used here, not by the model
            given = fit_params
        routed = dict(process_routing(self, "fit", **given).estimator.fit) if given else {}
        weight = routed.pop("sample_weight", None)  # may have come under another name
        if self.weight_strategy == "resample" or not (weight is not None or self._declined()):
            weight = sample_weight
        return routed, weight

    def _declined(self):
        """Whether the model itself has said set_fit_request(sample_weight=False)."""
        asked = get_routing_for_object(self.estimator)
        if not isinstance(asked, MetadataRequest):
            return False
        return asked.fit.requests.get("sample_weight") is False

    def _seed(self):
        """A seed drawn from `random_state`, the same at each call; None when that is None."""
        if self.random_state is None:
            return None
        return int(check_random_state(deepcopy(self.random_state)).randint(2**31 - 1))

    # ------------------------------------------------------------------ after fit

    def predict(self, X: MatrixLike, **params: Any) -> Array:
        """Predict with the wrapped model; no row is ever dropped.

        Parameters
        ----------
        X : as in `fit`
        **params : dict
            Passed to the model's `predict`.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return one_column(self._ask("predict", X, params), X)

    def _ask(self, method, X, params):
        """What the wrapped model says of rows to be judged."""
        return ask(self.estimator_, method, X, params, for_model=self._for_model)

    def _for_model(self, X):
        """Rows to be judged, as the wrapped model is to see them."""
        return X

    def get_metadata_routing(self) -> Any:
        """Which metadata goes where, for metadata routing.

        Returns
        -------
        MetadataRouter
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = deepcopy(inner.input_tags)
        tags.non_deterministic = inner.non_deterministic
        tags.target_tags.required = True
        tags.target_tags.positive_only = inner.target_tags.positive_only
        if tags.classifier_tags is not None and inner.classifier_tags is not None:
            tags.classifier_tags = deepcopy(inner.classifier_tags)
        if tags.regressor_tags is not None and inner.regressor_tags is not None:
            tags.regressor_tags = deepcopy(inner.regressor_tags)
        return tags


def one_column(predicted, X):
    """One prediction a row, (n,), also where a model gives a column (n, 1)."""
    if isinstance(predicted, tuple):  # with return_std=True, for instance
        return predicted
    shape = getattr(predicted, "shape", None) or np.shape(predicted)
    n = _num_samples(container(X))
    if not shape or shape[0] != n:
        raise ValueError(
            f"The wrapped model's predict gives an array of shape {shape} for {n} rows: one "
            "prediction for each is needed."
        )
    if len(shape) == 2 and shape[1] == 1:
        return as_numpy(predicted, "what it predicts")[:, 0]
    return predicted


def predicted_column(model, X, params=None):
    """`one_column` of what a model predicts, as an array of NumPy."""
    return as_numpy(one_column(ask(model, "predict", X, params), X), "what it predicts")


def scored(metric, y, said, sample_weight):
    """`metric` of answers to rows; all may be arrays of another library."""
    y, weight = all_as_numpy(y=y, sample_weight=sample_weight)
    return metric(y, foreign_as_numpy(said, "what it predicts"), sample_weight=weight)


class LabelScore(ClassifierMixin):
    """A classifier with an accuracy."""

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy of the predictions.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        return scored(accuracy_score, y, self.predict(X), sample_weight)


class NumberScore(RegressorMixin):
    """A regressor with an R2."""

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R2 of the predictions.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        return scored(r2_score, y, self.predict(X), sample_weight)


class WrappedClassifier(LabelScore, BaseWrapper):
    """Wrapper of a classifier: columns in the order of `classes_`, whatever the model's own."""

    classes_: Array

    @available_if(inner_has("predict_proba"))
    def predict_proba(self, X: MatrixLike, **params: Any) -> FloatArray:
        """Class probabilities of the wrapped model, at the temperature that was found if one was.

        Parameters
        ----------
        X : as in `fit`
        **params : dict
            Passed to the model's `predict_proba`.

        Returns
        -------
        ndarray of shape (n_samples, K)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        proba = self._in_order(self._ask("predict_proba", X, params), 0.0)
        temperature = getattr(self, "temperature_", 1.0)
        if temperature == 1.0:
            return proba
        return at_temperature(as_numpy(proba, "what it predicts"), temperature)

    @available_if(inner_has("predict_log_proba"))
    def predict_log_proba(self, X: MatrixLike, **params: Any) -> FloatArray:
        """Logarithms of the class probabilities of the wrapped model.

        Parameters
        ----------
        X : as in `fit`
        **params : dict
            Passed to the model's `predict_log_proba`.

        Returns
        -------
        ndarray of shape (n_samples, K)
        """
        check_is_fitted(self)
        if getattr(self, "temperature_", 1.0) != 1.0:
            return np.log(self.predict_proba(X, **params))
        return self._in_order(self._ask("predict_log_proba", X, params), -np.inf)

    @available_if(inner_has("decision_function"))
    def decision_function(self, X: MatrixLike, **params: Any) -> FloatArray:
        """Decision values of the wrapped model.

        Parameters
        ----------
        X : as in `fit`
        **params : dict
            Passed to the model's `decision_function`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, K)
        """
        check_is_fitted(self)
        return self._in_order(self._ask("decision_function", X, params), np.nan)

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy on rows of which `y` may be in any form that `fit` takes.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        return super().score(X, plain_labels(y), sample_weight)

    def _in_order(self, values, fill):
        """Columns in the order of `classes_`, whatever the order of the model's own."""
        labels = getattr(self.estimator_, "classes_", None)
        labels = foreign_as_numpy(labels, "classes_")
        if labels is None or np.array_equal(labels, self.classes_):
            return values
        at = class_columns(labels, self.classes_, f"classes_ of {type(self.estimator_).__name__}")
        array = as_numpy(values, "what it predicts")
        if array.ndim == 1 and len(at) == 2:  # decision values of the second of two classes
            return array if at[0] < at[1] else -array
        if array.ndim != 2 or array.shape[1] != len(at):  # one for each pair of classes, say
            return values
        out = np.full((len(array), len(self.classes_)), fill, dtype=array.dtype)
        out[:, at] = array
        if np.isnan(fill):  # no likelier than the least likely of those that the model knows
            out = np.where(np.isin(np.arange(out.shape[1]), at), out, array.min(axis=1)[:, None])
        return out


class WrappedRegressor(NumberScore, BaseWrapper):
    """Wrapper of a regressor."""
