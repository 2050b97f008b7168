"""Mixins whose `score` also reads arrays of other libraries."""

from __future__ import annotations

from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score

from sknoisy._evidence._arrays import all_as_numpy, foreign_as_numpy
from sknoisy._typing import ArrayLike, MatrixLike


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
