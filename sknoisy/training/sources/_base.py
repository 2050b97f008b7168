"""The whole of `fit`, for methods that fit one clone to each source and choose among them."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import _num_samples, check_is_fitted

from sknoisy._evidence._evidence import check_groups
from sknoisy._evidence._regions import read_regions
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import last_fit, whole_fit
from sknoisy._typing import Array, ArrayLike, BoolArray, MatrixLike
from sknoisy._wrapper import BaseWrapper, predicted_column
from sknoisy.detection._base import CV
from sknoisy.training._base import PARAMETERS, open_evidence
from sknoisy.training.sources._batches import Batches


@dataclass
class Sources:
    """Which batches each clone is fitted to.

    Attributes
    ----------
    member : ndarray of shape (K, B) of bool
    chosen : int
        The clone that predicts.
    attributes : dict
        The method's own trace.
    """

    member: np.ndarray
    chosen: int
    attributes: dict[str, Any] = field(default_factory=dict)


class BaseSources(BaseWrapper, ABC):
    """Base class of meta-estimators that fit clones to batches: `_find(batches)` says to which."""

    __metadata_request__fit = {"groups": True, "trusted": True}  # noqa: RUF012
    _task: str
    _parameter_constraints: dict = {
        **PARAMETERS,
        "by": [str, callable, None],
        "cv": CV,
    }

    estimators_: list[Any]
    chosen_: int
    batches_: Array
    n_iter_: int
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
        """Find the sources of the batches, and fit a clone of the estimator to each.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Given labels or numbers.
        sample_weight : array-like of shape (n,), default=None
            Passed to every fit, and weighs the rows' losses.
        groups : array-like of shape (n,), default=None
            The batch (episode, file, annotator, ...) of each row: all of its rows come from one
            source, and they stay together in the folds. None means that `by` says it, or else that
            each row is a batch.
        trusted : array-like of shape (n,) of bool, default=None
            Rows known to be right.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        evidence = open_evidence(
            self,
            X,
            y,
            self._task,
            sample_weight=sample_weight,
            trusted=trusted,
            fit_params=fit_params,
        )
        batch, names = self._read_batches(evidence.inputs.X, groups)
        with whole_fit(self, X, y):
            how = {"cv": self.cv, "random_state": self._seed(), "n_jobs": self.n_jobs}
            batches = Batches(evidence, batch, self.estimator, **how)
            found = self._find(batches)
            with last_fit():
                models = batches.fit(found.member)
            fitted = {
                "estimators_": models,
                "estimator_": models[found.chosen],
                "chosen_": found.chosen,
                "batches_": names,
                "noise_mask_": ~found.member[found.chosen][batch] & ~evidence.trusted,
                **found.attributes,
            }
            if evidence.target.is_labels:
                fitted["classes_"] = evidence.target.classes
            fitted |= self._after(models, batches, found)
            # Only now, when nothing can fail any more, is this object changed.
            replace_fitted(self, fitted | model_attributes(models[found.chosen]))
        return self

    def _read_batches(self, X, groups):
        if self.by is not None and groups is not None:
            raise ValueError("Both by and groups say which rows are a batch: give one of them.")
        n = _num_samples(X)
        if groups is not None:
            return read_regions(check_groups(groups, n), X, name="groups", missing="error")
        if self.by is not None:
            return read_regions(self.by, X, name="by", missing="error")
        return np.arange(n), np.arange(n)

    @abstractmethod
    def _find(self, batches):
        """`Sources`."""

    def _after(self, models, batches, found):
        """Attributes that need the fitted clones."""
        return {}

    def predict_all(self, X: MatrixLike, **params: Any) -> Array:
        """What each clone predicts.

        Parameters
        ----------
        X : as in `fit`
        **params : dict
            Passed to the models' `predict`.

        Returns
        -------
        ndarray of shape (n_samples, K)
            Columns in the order of `estimators_`.
        """
        check_is_fitted(self)
        return np.column_stack([predicted_column(model, X, params) for model in self.estimators_])


def warn_of_single_rows(owner):
    warnings.warn(
        f"Each row is a batch of its own, so that {owner} cannot bear out which belong together, "
        "and this is the plain model: pass fit(X, y, groups=...), or by=, with the batch of each "
        "row.",
        UserWarning,
        stacklevel=5,
    )


def best_on_trusted(loss, batches):
    """The clone of least mean loss (n, K) on trusted rows; None where there are none."""
    weight = batches.weight * batches.evidence.trusted
    if not weight.any():
        return None
    return int(np.argmin(weight @ loss))
