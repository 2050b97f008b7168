"""Histogram of noise scores."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_consistent_length

from sknoisy._report import flagged_rows
from sknoisy._typing import Array, ArrayLike, Axes
from sknoisy.inspection._axes import draw_on
from sknoisy.inspection._found import check_has


class NoiseScoreDisplay:
    """Histogram of the noise scores of a training set, flagged rows apart from the others.

    Whether a second hump stands apart shows at a glance whether the number of flagged rows means
    something. Create it with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    noise_score : ndarray of shape (n,)
        Scores, higher is more suspect; NaN (not judged) and infinite ones are left out of the
        picture.
    noise_mask : ndarray of shape (n,) of bool
        Flagged rows.
    mask_true : ndarray of shape (n,) of bool, default=None
        Rows that really are wrong, where that is known; drawn as a line.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the histogram was drawn.
    figure_ : matplotlib Figure
        Its figure.
    bars_ : list of matplotlib BarContainer
        Bars of the rows not flagged and of the flagged rows.
    line_ : matplotlib StepPatch or None
        Outline of the rows that really are wrong.
    cut_ : matplotlib Line2D, Polygon or Rectangle, or None
        Where flagged rows begin: a line where one score parts them from the others; where none
        does, since each class has a cut of its own for instance, the span of scores in which there
        are both. None where no row is flagged, or all are.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy import FilterClassifier
    >>> from sknoisy.inspection import NoiseScoreDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = FilterClassifier(LogisticRegression(max_iter=1000), random_state=0).fit(X, y)
    >>> display = NoiseScoreDisplay.from_estimator(model)  # doctest: +SKIP
    """

    ax_: Any
    figure_: Any
    bars_: list[Any]
    line_: Any
    cut_: Any

    def __init__(
        self, noise_score: Array, noise_mask: Array, *, mask_true: Array | None = None
    ) -> None:
        self.noise_score = noise_score
        self.noise_mask = noise_mask
        self.mask_true = mask_true

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        mask_true: ArrayLike | None = None,
        ax: Axes | None = None,
        bins: int | ArrayLike = 40,
        log: bool = False,
    ) -> Self:
        """Draw the scores of a fitted detector, or of that of a treatment.

        Which rows are flagged is what the detector says, whatever a treatment made of it.

        Parameters
        ----------
        estimator : fitted detector or treatment
        mask_true : array-like of shape (n,) of bool, default=None
            Rows that really are wrong, where that is known.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        bins : int or sequence, default=40
            Bins of the histogram.
        log : bool, default=False
            Whether rows are counted on a logarithmic scale, on which a few flagged rows are seen
            beside very many others.

        Returns
        -------
        NoiseScoreDisplay
        """
        detector, _ = check_has(cls, estimator, "noise_score_", "noise_mask_")
        return cls.from_predictions(
            detector.noise_score_,
            flagged_rows(estimator),
            mask_true=mask_true,
            ax=ax,
            bins=bins,
            log=log,
        )

    @classmethod
    def from_predictions(
        cls,
        noise_score: ArrayLike,
        noise_mask: ArrayLike,
        *,
        mask_true: ArrayLike | None = None,
        ax: Axes | None = None,
        bins: int | ArrayLike = 40,
        log: bool = False,
    ) -> Self:
        """Draw given scores.

        Parameters
        ----------
        noise_score : array-like of shape (n,)
        noise_mask : array-like of shape (n,) of bool
        mask_true : array-like of shape (n,) of bool, default=None
            Rows that really are wrong, where that is known.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        bins : int or sequence, default=40
            Bins of the histogram.
        log : bool, default=False
            Whether rows are counted on a logarithmic scale, on which a few flagged rows are seen
            beside very many others.

        Returns
        -------
        NoiseScoreDisplay
        """
        check_consistent_length(noise_score, noise_mask, mask_true)
        display = cls(
            np.asarray(noise_score, dtype=float),
            np.asarray(noise_mask, dtype=bool),
            mask_true=None if mask_true is None else np.asarray(mask_true, dtype=bool),
        )
        return display.plot(ax=ax, bins=bins, log=log)

    def plot(
        self, *, ax: Axes | None = None, bins: int | ArrayLike = 40, log: bool = False
    ) -> Self:
        """Draw the histogram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        bins : int or sequence, default=40
            Bins of the histogram.
        log : bool, default=False
            Whether rows are counted on a logarithmic scale, on which a few flagged rows are seen
            beside very many others.

        Returns
        -------
        NoiseScoreDisplay
        """
        ax = draw_on(self, ax)
        judged = np.isfinite(self.noise_score)
        edges = np.histogram_bin_edges(self.noise_score[judged], bins=bins)
        others, flagged = judged & ~self.noise_mask, judged & self.noise_mask
        # heights on a logarithmic scale do not add up: there both stand on the ground
        bottom, self.bars_ = np.zeros(len(edges) - 1), []
        for what, rows, color in (
            ("not flagged", others, "tab:blue"),
            ("flagged", flagged, "tab:orange"),
        ):
            counts, _ = np.histogram(self.noise_score[rows], bins=edges)
            how = {"color": color, "label": f"{what} ({rows.sum()})", "log": log}
            how |= {"alpha": 0.6} if log else {"bottom": bottom.copy()}
            self.bars_.append(ax.bar(edges[:-1], counts, np.diff(edges), align="edge", **how))
            bottom += counts
        self.line_ = None
        if self.mask_true is not None:
            counts, _ = np.histogram(self.noise_score[judged & self.mask_true], bins=edges)
            label = f"really wrong ({self.mask_true.sum()})"
            self.line_ = ax.stairs(counts, edges, color="black", label=label)
        self.cut_ = None
        if others.any() and flagged.any():
            self.cut_ = self._draw_cut(
                self.noise_score[others].max(), self.noise_score[flagged].min()
            )
        ax.set(xlabel="noise score (higher is more suspect)", ylabel="rows")
        ax.legend()
        return self

    def _draw_cut(self, highest_other, lowest_flagged):
        how = {"color": "tab:red", "zorder": 0}
        if highest_other < lowest_flagged:
            middle = (highest_other + lowest_flagged) / 2
            return self.ax_.axvline(middle, linestyle="--", label=f"cut at {middle:.3g}", **how)
        label = f"flagged and not, {lowest_flagged:.3g} to {highest_other:.3g}"
        return self.ax_.axvspan(lowest_flagged, highest_other, alpha=0.15, label=label, **how)
