"""What is won by holding back answers, for each share of them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import is_regressor

from sknoisy._typing import Array, ArrayLike, Axes, MatrixLike
from sknoisy.inspection._axes import draw_on, plain
from sknoisy.inspection._found import check_has
from sknoisy.metrics import (
    accuracy_reject_auc,
    accuracy_reject_curve,
    risk_coverage_auc,
    risk_coverage_curve,
)


class AccuracyRejectDisplay:
    """Accuracy-reject curve: how good the answers are that are given, as more are held back.

    For numbers, the mean absolute error of the answers takes the place of the accuracy. Draw it
    with `from_estimator` or `from_predictions`; needs matplotlib (`pip install 'sknoisy[plot]'`).

    Parameters
    ----------
    rejected : ndarray of shape (n_thresholds,)
        Share of rows rejected.
    quality : ndarray of shape (n_thresholds,)
        Accuracy, or mean absolute error, of the others.
    area : float, default=None
        Under the curve.
    name : str, default=None
        Of the estimator, for the legend.
    is_error : bool, default=False
        Whether `quality` is an error, of which less is better.
    point : tuple of (float, float), default=None
        Share rejected and quality where the estimator itself rejects.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
    point_ : matplotlib PathCollection or None

    See Also
    --------
    sknoisy.metrics.accuracy_reject_curve : What is drawn.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.inspection import AccuracyRejectDisplay
    >>> from sknoisy.reject import RejectClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RejectClassifier(LogisticRegression(max_iter=1000)).fit(X[::2], y[::2])
    >>> AccuracyRejectDisplay.from_estimator(model, X[1::2], y[1::2])  # doctest: +SKIP
    """

    ax_: Any
    figure_: Any
    line_: Any
    point_: Any

    def __init__(
        self,
        rejected: Array,
        quality: Array,
        *,
        area: float | None = None,
        name: str | None = None,
        is_error: bool = False,
        point: tuple[float, float] | None = None,
    ) -> None:
        self.rejected = rejected
        self.quality = quality
        self.area = area
        self.name = name
        self.is_error = is_error
        self.point = point

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the curve of a fitted estimator that has a rejection score.

        Parameters
        ----------
        estimator : fitted RejectClassifier or RejectRegressor
            Or another with `rejection_score` and `predict_or_reject`.
        X, y : rows and targets
            Not those of `fit`, whose answers are better than new ones.
        sample_weight : array-like of shape (n_samples,), default=None
        name : str, default=None
            For the legend; None is the name of the class.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        AccuracyRejectDisplay
        """
        check_has(cls, estimator, "predict_or_reject", "rejection_score")
        answers, held_back = estimator.predict_or_reject(X)
        display = cls._of(
            y, answers, estimator.rejection_score(X), sample_weight, is_regressor(estimator)
        )
        display.name = type(estimator).__name__ if name is None else name
        share = np.average(held_back, weights=sample_weight)
        if share < 1:  # the point on the curve at that share, between the tied ones
            quality = np.interp(share, display.rejected[::-1], display.quality[::-1])
            display.point = (float(share), float(quality))
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        rejection_score: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        is_error: bool = False,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the curve of given answers and scores.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            Targets, and the answers to all rows.
        rejection_score : array-like of shape (n_samples,)
            Rows of a higher score are rejected first.
        sample_weight : array-like of shape (n_samples,), default=None
        is_error : bool, default=False
            Whether the targets are numbers, of which the mean absolute error is drawn.
        name : str, default=None
            For the legend.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        AccuracyRejectDisplay
        """
        display = cls._of(y_true, y_pred, rejection_score, sample_weight, is_error)
        display.name = name
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def _of(cls, y_true, y_pred, score, sample_weight, is_error):
        if is_error:
            loss = np.abs(np.asarray(y_true, dtype=float) - np.asarray(y_pred, dtype=float))
            coverage, quality, _ = risk_coverage_curve(loss, score, sample_weight=sample_weight)
            area = risk_coverage_auc(loss, score, sample_weight=sample_weight)
            return cls(1 - coverage, quality, area=area, is_error=True)
        given = (y_true, y_pred, score)
        rejected, quality, _ = accuracy_reject_curve(*given, sample_weight=sample_weight)
        area = accuracy_reject_auc(*given, sample_weight=sample_weight)
        return cls(rejected, quality, area=area)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        AccuracyRejectDisplay
        """
        ax = draw_on(self, ax)
        label = None if self.area is None else f"area {self.area:.3f}"
        if self.name is not None:
            label = self.name if label is None else f"{self.name} ({label})"
        [self.line_] = ax.plot(self.rejected, self.quality, **{"label": label, **kwargs})
        self.point_ = None
        if self.point is not None:
            self.point_ = ax.scatter(*self.point, color=self.line_.get_color(), zorder=3)
        ax.set(
            xlabel="share of rows rejected",
            ylabel=f"{'mean absolute error' if self.is_error else 'accuracy'} of the answers given",
        )
        if label is not None or "label" in kwargs:
            plain(ax.legend().get_texts())
        return self
