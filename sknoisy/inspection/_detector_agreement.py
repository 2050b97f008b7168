"""Whether several detectors suspect the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from scipy.stats import rankdata, spearmanr
from sklearn.utils.validation import check_consistent_length

from sknoisy._report import detector_of
from sknoisy._typing import Array, Axes, Colormap
from sknoisy.inspection._axes import draw_on, heat_map, name_ticks
from sknoisy.inspection._found import check_has

MEASURES = {
    "spearman": "rank correlation of the scores",
    "overlap": "share of the most suspect rows in common",
}


class DetectorAgreementDisplay:
    """Heat map of how much several detectors agree on which rows are suspect.

    What detectors of different evidence agree on is more likely wrong; two that always agree are
    one. Create it with `from_estimators` or `from_predictions`; needs matplotlib
    (`pip install 'sknoisy[plot]'`).

    Parameters
    ----------
    agreement : ndarray of shape (m, m)
    names : sequence of m str
    measure : {"spearman", "overlap"}, default="spearman"

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
    texts_ : ndarray of shape (m, m) of matplotlib Text, or None
        None with more than 20 detectors.
    colorbar_ : matplotlib Colorbar

    Examples
    --------
    >>> from sknoisy.inspection import DetectorAgreementDisplay
    >>> scores = {"one": [0.1, 0.2, 0.9, 0.8], "other": [1, 3, 8, 9]}
    >>> display = DetectorAgreementDisplay.from_predictions(scores)  # doctest: +SKIP
    >>> display.agreement.round(2)  # doctest: +SKIP
    array([[1. , 0.8],
           [0.8, 1. ]])
    """

    ax_: Any
    figure_: Any
    image_: Any
    texts_: Any
    colorbar_: Any

    def __init__(
        self,
        agreement: Array,
        names: Sequence[str],
        *,
        measure: Literal["spearman", "overlap"] = "spearman",
    ) -> None:
        self.agreement = agreement
        self.names = names
        self.measure = measure

    @classmethod
    def from_estimators(
        cls,
        estimators: dict[str, Any] | list[Any],
        *,
        measure: Literal["spearman", "overlap"] = "spearman",
        top: float = 0.1,
        ax: Axes | None = None,
        cmap: str | Colormap | None = None,
    ) -> Self:
        """Draw the agreement of fitted detectors or treatments.

        Parameters
        ----------
        estimators : dict of str to estimator, or list of estimators
            All fitted on the same rows. A list is named by the classes.
        measure : {"spearman", "overlap"}, default="spearman"
            The rank correlation of all scores, or how many of the most suspect rows are the same.
        top : float in (0, 1), default=0.1
            For "overlap": the share of rows that are the most suspect.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            None means "RdBu" for correlations, which may be negative, and "Blues" for shares.

        Returns
        -------
        DetectorAgreementDisplay
        """
        if not isinstance(estimators, dict):
            estimators = named(list(estimators))
        scores = {}
        for name, estimator in estimators.items():
            scores[name] = check_has(cls, estimator, "noise_score_")[0].noise_score_
        return cls.from_predictions(scores, measure=measure, top=top, ax=ax, cmap=cmap)

    @classmethod
    def from_predictions(
        cls,
        scores: dict[str, Any],
        *,
        measure: Literal["spearman", "overlap"] = "spearman",
        top: float = 0.1,
        ax: Axes | None = None,
        cmap: str | Colormap | None = None,
    ) -> Self:
        """Draw the agreement of given scores.

        Parameters
        ----------
        scores : dict of str to array-like of shape (n,)
            Scores of the same rows, each on a scale of its own, higher is more suspect. A row of
            NaN (not judged) does not count where one of two has not judged it.
        measure : {"spearman", "overlap"}, default="spearman"
            See `from_estimators`.
        top : float in (0, 1), default=0.1
            For "overlap": the share of rows that are the most suspect. Of rows that tie at the
            border each counts in part.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            None means "RdBu" for correlations, which may be negative, and "Blues" for shares.

        Returns
        -------
        DetectorAgreementDisplay
        """
        if measure not in MEASURES:
            raise ValueError(f"measure must be one of {list(MEASURES)}, got {measure!r}.")
        if not 0 < top < 1:
            raise ValueError(f"top must be a share between 0 and 1, got {top}.")
        if len(scores) < 2:
            raise ValueError("DetectorAgreementDisplay compares two detectors or more.")
        arrays = [np.asarray(score, dtype=float) for score in scores.values()]
        check_consistent_length(*arrays)
        agreement = np.eye(len(arrays))
        for i, one in enumerate(arrays):
            for j in range(i):
                known = ~np.isnan(one) & ~np.isnan(arrays[j])
                pair = one[known], arrays[j][known]
                agrees = spearman(*pair) if measure == "spearman" else overlap(*pair, top)
                agreement[i, j] = agreement[j, i] = agrees
        return cls(agreement, list(scores), measure=measure).plot(ax=ax, cmap=cmap)

    def plot(self, *, ax: Axes | None = None, cmap: str | Colormap | None = None) -> Self:
        """Draw the agreement.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            None means "RdBu" for correlations, which may be negative, and "Blues" for shares.

        Returns
        -------
        DetectorAgreementDisplay
        """
        ax = draw_on(self, ax)
        least, own = (-1, "RdBu") if self.measure == "spearman" else (0, "Blues")
        cmap = own if cmap is None else cmap
        label = MEASURES[self.measure]
        heat_map(self, self.agreement, fmt=".2f", vmin=least, vmax=1, cmap=cmap, label=label)
        name_ticks(ax, self.names)
        return self


def named(estimators):
    """dict of the estimators by class, numbered where one occurs twice."""
    kinds = [detector_of(e)[1] for e in estimators]
    names = [
        f"{kind} {kinds[: i + 1].count(kind)}" if kinds.count(kind) > 1 else kind
        for i, kind in enumerate(kinds)
    ]
    return dict(zip(names, estimators, strict=True))


def spearman(one, other):
    """Rank correlation; NaN where one of the two ranks nothing."""
    if len(one) < 2 or np.ptp(rankdata(one)) == 0 or np.ptp(rankdata(other)) == 0:
        return np.nan
    return float(spearmanr(one, other)[0])


def overlap(one, other, top):
    """Expected share in common of the `top` of two scores, ties being broken by chance."""
    size = max(1, round(top * len(one)))
    return float(_belongs(one, size) @ _belongs(other, size) / size) if len(one) else np.nan


def _belongs(score, size):
    """Probability that each row is among the `size` highest."""
    border = np.sort(score)[len(score) - size]
    above, tied = score > border, score == border
    return above + tied * (size - above.sum()) / tied.sum()
