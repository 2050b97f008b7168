"""`estimator=None` for meta-estimators that wrap a model."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import clone

from sknoisy._evidence._table import behind_encoder
from sknoisy._fitted import replace_fitted
from sknoisy._progress import taking_the_place_of
from sknoisy._typing import ArrayLike, MatrixLike


class DefaultModel:
    """Mixin, in front of a treatment: with `estimator=None`, the model of `_default_model`."""

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
        """Find the suspect rows, choose what to do about them, and fit the estimator.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Given labels or numbers.
        sample_weight : array-like of shape (n,), default=None
            Reaches every fit, multiplied with any weight computed here.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together wherever rows are held out.
        trusted : array-like of shape (n,) of bool, default=None
            Rows known to be right: they are never flagged and never changed.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        given = {"sample_weight": sample_weight, "groups": groups, "trusted": trusted}
        if self.estimator is not None:
            return super().fit(X, y, **given, **fit_params)
        self._validate_params()
        whole = self._with_model()
        whole.set_params(estimator=behind_encoder(whole.estimator, X))
        with taking_the_place_of(self, whole):
            whole.fit(X, y, **given, **fit_params)
        params = whole.get_params(deep=False)
        replace_fitted(self, {k: v for k, v in vars(whole).items() if k not in params})
        return self

    def _with_model(self):
        """This object, or, when it has no model, a clone that has the default one."""
        if self.estimator is not None:
            return self
        return clone(self).set_params(estimator=self._default_model())

    def get_metadata_routing(self) -> Any:
        """Which metadata goes where, for metadata routing.

        Returns
        -------
        MetadataRouter
        """
        return super(DefaultModel, self._with_model()).get_metadata_routing()

    def __sklearn_tags__(self):
        return super(DefaultModel, self._with_model()).__sklearn_tags__()
