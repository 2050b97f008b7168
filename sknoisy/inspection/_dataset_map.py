"""The rows on the map of their training."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sknoisy._report import detector_of, flagged_rows
from sknoisy._typing import Array, ArrayLike, Axes
from sknoisy.inspection._axes import draw_on


class DatasetMapDisplay:
    """Confidence against variability of each row, coloured by correctness.

    Easy rows lie at the top, ambiguous ones to the right and hard ones, the wrong and the outliers
    among them, at the bottom left. Flagged rows are circled. Create it with `from_estimator` or
    `from_values`.

    Parameters
    ----------
    confidence, variability, correctness : ndarray of shape (n,)
        See `DatasetMap`; rows of NaN (not judged) are left out of the picture.
    noise_mask : ndarray of shape (n,) of bool
        Flagged rows.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the map was drawn.
    figure_ : matplotlib Figure
        Its figure.
    points_, circles_ : matplotlib PathCollection
        All judged rows, and the flagged ones among them.

    References
    ----------
    S. Swayamdipta, R. Schwartz, N. Lourie, Y. Wang, H. Hajishirzi, N. A. Smith, Y. Choi: "Dataset
    cartography: mapping and diagnosing datasets with training dynamics", EMNLP 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import DatasetMap
    >>> from sknoisy.inspection import DatasetMapDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> detector = DatasetMap(LogisticRegression(max_iter=1000)).fit(X, y)
    >>> display = DatasetMapDisplay.from_estimator(detector)  # doctest: +SKIP
    """

    ax_: Any
    figure_: Any
    points_: Any
    circles_: Any

    def __init__(
        self, confidence: Array, variability: Array, correctness: Array, noise_mask: Array
    ) -> None:
        self.confidence = confidence
        self.variability = variability
        self.correctness = correctness
        self.noise_mask = noise_mask

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | None = None) -> Self:
        """Draw the map of a fitted `DatasetMap`, or of a treatment with one.

        Parameters
        ----------
        estimator : fitted detector or treatment
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        DatasetMapDisplay
        """
        check_is_fitted(estimator)
        detector, name = detector_of(estimator)
        if not hasattr(detector, "variability_"):
            raise TypeError(
                f"DatasetMapDisplay draws what a DatasetMap finds, got {name}: give it one, "
                "or a treatment with one."
            )
        return cls.from_values(
            detector.confidence_,
            detector.variability_,
            detector.correctness_,
            flagged_rows(estimator),
            ax=ax,
        )

    @classmethod
    def from_values(
        cls,
        confidence: ArrayLike,
        variability: ArrayLike,
        correctness: ArrayLike,
        noise_mask: ArrayLike,
        *,
        ax: Axes | None = None,
    ) -> Self:
        """Draw given values.

        Parameters
        ----------
        confidence, variability, correctness : array-like of shape (n,)
        noise_mask : array-like of shape (n,) of bool
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        DatasetMapDisplay
        """
        check_consistent_length(confidence, variability, correctness, noise_mask)
        values = (np.asarray(v, dtype=float) for v in (confidence, variability, correctness))
        return cls(*values, np.asarray(noise_mask, dtype=bool)).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        DatasetMapDisplay
        """
        ax = draw_on(self, ax)
        judged = ~np.isnan(self.confidence)
        flagged = judged & self.noise_mask
        self.points_ = ax.scatter(
            self.variability[judged],
            self.confidence[judged],
            c=self.correctness[judged],
            s=12,
            vmin=0,
            vmax=1,
            cmap="coolwarm_r",
        )
        self.circles_ = ax.scatter(
            self.variability[flagged],
            self.confidence[flagged],
            s=40,
            facecolors="none",
            edgecolors="black",
            label=f"flagged ({flagged.sum()})",
        )
        ax.set(xlabel="variability", ylabel="confidence", ylim=(-0.02, 1.02))
        ax.figure.colorbar(self.points_, ax=ax, label="correctness")
        ax.legend()
        return self
