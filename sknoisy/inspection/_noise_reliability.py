"""Whether rows that are said to be wrong with probability 0.7 are wrong in seven of ten cases."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from sknoisy._typing import Array, ArrayLike, Axes
from sknoisy.inspection._axes import draw_on, plain
from sknoisy.inspection._found import check_has
from sknoisy.metrics import calibration_error


class NoiseReliabilityDisplay:
    """Reliability of `noise_proba_` where it is known which rows are wrong.

    Points lie on the diagonal where the probabilities are right; above it more rows are wrong than
    is said. The area of a point grows with the number of its rows, bars are 95 % intervals of the
    share (Wilson's). Create it with `from_estimator` or `from_predictions`; needs matplotlib
    (`pip install 'sknoisy[plot]'`).

    Parameters
    ----------
    proba, share : ndarray of shape (n_filled_bins,)
        Mean probability, and share of wrong rows, in each bin that has rows.
    n_rows : ndarray of shape (n_filled_bins,) of int
        Rows in each.
    error : float, default=None
        The expected calibration error.
    name : str, default=None
        For the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
    points_ : matplotlib PathCollection
    bars_ : matplotlib LineCollection
    diagonal_ : matplotlib Line2D

    See Also
    --------
    sknoisy.metrics.calibration_error : The same as a number.

    References
    ----------
    E. B. Wilson: "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association, 1927 (the intervals).

    Examples
    --------
    >>> from sknoisy.inspection import NoiseReliabilityDisplay
    >>> wrong, proba = [True, False, True, False], [0.9, 0.2, 0.8, 0.1]
    >>> NoiseReliabilityDisplay.from_predictions(wrong, proba)  # doctest: +SKIP
    """

    ax_: Any
    figure_: Any
    line_: Any
    points_: Any
    bars_: Any
    diagonal_: Any

    def __init__(
        self,
        proba: Array,
        share: Array,
        n_rows: Array,
        *,
        error: float | None = None,
        name: str | None = None,
    ) -> None:
        self.proba = proba
        self.share = share
        self.n_rows = n_rows
        self.error = error
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        mask_true: ArrayLike,
        *,
        n_bins: int = 10,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the reliability of a fitted detector or treatment.

        Parameters
        ----------
        estimator : fitted detector or treatment
        mask_true : array-like of shape (n,) of bool
            Training rows that really are wrong. What `sknoisy.datasets` makes comes with it.
        n_bins : int, default=10
            Bins of equal width.
        name : str, default=None
            For the legend; None is the name of the class.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        NoiseReliabilityDisplay
        """
        detector, _ = check_has(cls, estimator, "noise_score_", "noise_proba_")
        judged = ~np.isnan(detector.noise_score_)
        proba = np.where(judged, estimator.noise_proba_, np.nan)
        name = type(estimator).__name__ if name is None else name
        return cls.from_predictions(mask_true, proba, n_bins=n_bins, name=name, ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        mask_true: ArrayLike,
        noise_proba: ArrayLike,
        *,
        n_bins: int = 10,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the reliability of given probabilities.

        Parameters
        ----------
        mask_true : array-like of shape (n,) of bool
            Rows that really are wrong.
        noise_proba : array-like of shape (n,)
            Probability of being wrong; NaN (not judged) is left out.
        n_bins : int, default=10
            Bins of equal width.
        name : str, default=None
            For the legend.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        NoiseReliabilityDisplay
        """
        error = calibration_error(mask_true, noise_proba, n_bins)
        wrong, proba = np.asarray(mask_true, dtype=bool), np.asarray(noise_proba, dtype=float)
        wrong, proba = wrong[~np.isnan(proba)], proba[~np.isnan(proba)]
        bins = np.minimum((proba * n_bins).astype(int), n_bins - 1)
        n_rows = np.bincount(bins, minlength=n_bins)
        filled = n_rows > 0
        sums = (np.bincount(bins, weights=of, minlength=n_bins) for of in (proba, wrong))
        means = (total[filled] / n_rows[filled] for total in sums)
        return cls(*means, n_rows[filled], error=error, name=name).plot(ax=ax, **kwargs)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw the reliability.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        NoiseReliabilityDisplay
        """
        ax = draw_on(self, ax)
        label = None if self.error is None else f"calibration error {self.error:.3f}"
        if self.name is not None:
            label = self.name if label is None else f"{self.name} ({label})"
        [self.diagonal_] = ax.plot([0, 1], [0, 1], linestyle=":", color="gray")
        [self.line_] = ax.plot(self.proba, self.share, **{"label": label, **kwargs})
        color = self.line_.get_color()
        low, high = wilson_interval(self.share, self.n_rows)
        self.bars_ = ax.vlines(self.proba, low, high, color=color, alpha=0.5)
        size = 20 + 180 * np.sqrt(self.n_rows / max(np.max(self.n_rows, initial=1), 1))
        self.points_ = ax.scatter(self.proba, self.share, s=size, color=color, zorder=3, alpha=0.8)
        ax.set(
            xlabel="probability of being wrong",
            ylabel="share of rows that are wrong",
            xlim=(-0.05, 1.05),
            ylim=(-0.05, 1.05),
            aspect="equal",
        )
        if label is not None or "label" in kwargs:
            legend = ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13))
            plain(legend.get_texts())
        return self


def wilson_interval(share, n_rows, z=1.96):
    """(low, high) of a share of `n_rows`."""
    share, n_rows = np.asarray(share, dtype=float), np.asarray(n_rows, dtype=float)
    middle = (share + z**2 / (2 * n_rows)) / (1 + z**2 / n_rows)
    half = z / (1 + z**2 / n_rows) * np.sqrt(share * (1 - share) / n_rows + (z / (2 * n_rows)) ** 2)
    return middle - half, middle + half
