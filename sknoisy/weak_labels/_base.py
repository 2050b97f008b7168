"""The whole of `fit`, for all classifiers of weak labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, Self

from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _num_samples, check_consistent_length

from sknoisy._evidence._arrays import container, with_blanks
from sknoisy._evidence._evidence import check_groups, check_weight
from sknoisy._evidence._fitting import IsModel, check_kind, check_takes_weights
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import last_fit, whole_fit
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import ArrayLike, MatrixLike
from sknoisy._wrapper import WrappedClassifier


class BaseWeakClassifier(WrappedClassifier, ABC):
    """Classifier that reads weak labels, learns what they stand for, and fits soft labels.

    A subclass writes `_read(y)`, which gives whatever it needs to know of y and has `classes`, and
    `_learn(rows, labels)`.
    """

    __metadata_request__fit = {"groups": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        "estimator": [IsModel()],
        "weight_strategy": [StrOptions({"native", "resample"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }
    _min_proba = 0.01  # labels less likely than this are left out of a fit

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Learn what the labels stand for, and fit the estimator to it.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like with n rows
            What is known of the labels; see the class.
        sample_weight : array-like of shape (n,), default=None
            Multiplied with any weight computed here.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in the folds, and so do copies of a row.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        self._validate_params()
        check_kind(self.estimator, "classification", type(self).__name__)
        params, weight = self._route(sample_weight, fit_params)
        X, y = container(X), with_blanks(y, "y")
        labels = self._read(y)
        check_consistent_length(X, y)
        n = _num_samples(X)
        if weight is not None:
            weight = check_weight(weight, n)
            check_takes_weights(self.estimator, self.weight_strategy, "sample_weight was given")
        rows = SoftRows(
            X,
            labels.classes,
            sample_weight=weight,
            groups=None if groups is None else check_groups(groups, n),
            fit_params=params,
            weight_strategy=self.weight_strategy,
            min_proba=self._min_proba,
            random_state=self._seed(),
            n_jobs=self.n_jobs,
        )
        with whole_fit(self, X, y):
            proba, attributes = self._learn(rows, labels)
            with last_fit():
                model = self._fit_last(rows, labels, proba, attributes)
            fitted = {"estimator_": model, "classes_": rows.classes, **attributes}
            fitted |= model_attributes(model)
            # Only now, when nothing can fail any more, is this object changed.
            replace_fitted(self, fitted)
        return self

    @abstractmethod
    def _read(self, y):
        """What y says; an object with `classes`, ndarray of shape (K,)."""

    @abstractmethod
    def _learn(self, rows, labels):
        """(soft labels (n, K) of the last fit, fitted attributes)."""

    def _fit_last(self, rows, labels, soft_labels, attributes):
        """The model that answers `predict`."""
        return rows.fit(self.estimator, soft_labels)
