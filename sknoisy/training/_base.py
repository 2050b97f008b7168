"""The whole of `fit`, for methods that make what the last fit sees out of the rows themselves."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, Self

from sklearn.utils._param_validation import StrOptions

from sknoisy._evidence import Evidence
from sknoisy._evidence._arrays import explained
from sknoisy._evidence._fitting import IsModel, check_kind, check_meaning, check_takes_weights
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import whole_fit
from sknoisy._typing import ArrayLike, BoolArray, MatrixLike
from sknoisy._wrapper import BaseWrapper
from sknoisy.treatment._treated import fit_treated

PARAMETERS = {
    "estimator": [IsModel()],
    "weight_strategy": [StrOptions({"native", "resample"})],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
}


def open_evidence(
    wrapper,
    X,
    y,
    task,
    *,
    sample_weight=None,
    groups=None,
    trusted=None,
    fit_params=None,
    check=None,
):
    """`Evidence` of what `fit` of a meta-estimator was given, once its parameters are valid.

    `check()`, if given, may refuse what is valid by itself, before the rows are looked at.
    """
    wrapper._validate_params()
    check_kind(wrapper.estimator, task, type(wrapper).__name__)
    params, weight = wrapper._route(sample_weight, fit_params or {})
    if weight is not None:
        check_takes_weights(wrapper.estimator, wrapper.weight_strategy, "sample_weight was given")
    if check is not None:
        check()
    evidence = Evidence(
        X,
        y,
        task=task,
        sample_weight=weight,
        groups=groups,
        trusted=trusted,
        fit_params=params,
        weight_strategy=wrapper.weight_strategy,
    )
    check_meaning(wrapper.estimator, evidence.target.y, params)
    return evidence


class BaseTraining(BaseWrapper, ABC):
    """Base class of meta-estimators that need no detector: a subclass writes `_train(evidence)`."""

    __metadata_request__fit = {"groups": True, "trusted": True}  # noqa: RUF012
    _task: str
    _parameter_constraints: dict = PARAMETERS

    noise_mask_: BoolArray

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Find out what to make of the rows, and fit the estimator to that.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Given labels or numbers.
        sample_weight : array-like of shape (n,), default=None
            Multiplied with any weight computed here, and passed to every fit.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in cross-fitting. So do copies of a row.
        trusted : array-like of shape (n,) of bool, default=None
            Rows known to be right.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        return self._fit(X, y, sample_weight, groups, trusted, fit_params)

    def _fit(self, X, y, sample_weight, groups, trusted, fit_params, **own):
        """`own` is what else the method's own `fit` was given."""
        evidence = open_evidence(
            self,
            X,
            y,
            self._task,
            sample_weight=sample_weight,
            groups=groups,
            trusted=trusted,
            fit_params=fit_params,
            check=lambda: self._check_before_training(**own),
        )
        with whole_fit(self, X, y), explained(X, self.estimator):
            treated = self._train(evidence, **own)
            model = self._last_fit(evidence, treated)
            fitted = {"estimator_": model, "noise_mask_": treated.noise_mask, **treated.attributes}
            if evidence.target.is_labels:
                fitted["classes_"] = evidence.target.classes
            # Only now, when nothing can fail any more, is this object changed.
            replace_fitted(self, fitted | model_attributes(model))
        return self

    def _check_before_training(self, **own):
        """A place to refuse early what the method cannot do with this estimator."""

    @abstractmethod
    def _train(self, evidence, **own):
        """`Treated`: which rows, targets and weights the last fit sees."""

    def _last_fit(self, evidence, treated):
        """The fitted model that predicts; methods of which it is no plain fit have their own."""
        return fit_treated(
            self.estimator,
            evidence,
            treated,
            weight_strategy=self.weight_strategy,
            purpose=f"to what {type(self).__name__} makes of the rows",
            random_state=self._seed(),
        )


def times(weight, evidence):
    """A computed weight times that of the user."""
    given = evidence.inputs.sample_weight
    return weight if given is None else weight * given


def has_trusted(evidence, owner):
    """Whether there are trusted rows, and others; a warning where there are none."""
    n = int(evidence.trusted.sum())
    if n == 0:
        warnings.warn(
            f"{owner} learns from trusted rows, and there are none, so this is the plain model: "
            "pass fit(X, y, trusted=mask) with True for the rows whose target was checked.",
            UserWarning,
            stacklevel=5,
        )
    return 0 < n < evidence.n_rows
