"""The corner of the curve of sorted scores."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy.threshold._base import BaseThreshold
from sknoisy.threshold._mixture import two_normals


class Elbow(BaseThreshold):
    """Flag the rows before the corner of the curve of scores, sorted from the highest down.

    The curve is drawn in a square of side one, and the corner is the point farthest below the
    chord from its first to its last point. This is the difference curve of Kneedle without its
    smoothing, and the highest peak of it rather than the first.

    Nothing is estimated and nothing assumed but that there is a corner. Most curves of scores have
    one, those of clean data too, so this is a rule of thumb for data that are known to be noisy. A
    single score far above all others moves the corner next to itself.

    Parameters
    ----------
    min_distance : float in [0, 1), default=0.1
        Flag nothing when the corner is nearer to the chord than this, measured along an axis. An
        even spread of scores is at 0, a few high scores above many equal ones are nearly at 1.
    per_class : bool, default=False
        Find the corner of each class by itself.
    per_group : bool, default=False
        Find the corner of each of the `groups` given to `fit`; with `per_class`, of each class in
        each group.

    Attributes
    ----------
    noise_proba_ : ndarray of shape (n,)
        Probability that a row is wrong: the posterior between two normals, one fitted to the
        flagged share of the (transformed) scores and one to the rest, with that share as mean.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows, never more than half of those judged.

    References
    ----------
    V. Satopää, J. Albrecht, D. Irwin, B. Raghavan: "Finding a 'kneedle' in a haystack: detecting
    knee points in system behavior", ICDCS workshops, 2011.

    Examples
    --------
    >>> from sknoisy.threshold import Elbow
    >>> Elbow().fit([0.1, 0.9, 0.2, 0.05, 0.8, 0.15, 0.0, 0.1]).noise_mask_.nonzero()[0]
    array([1, 4])
    """

    _parameter_constraints: dict = {
        **BaseThreshold._parameter_constraints,
        "min_distance": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self, min_distance: float = 0.1, *, per_class: bool = False, per_group: bool = False
    ) -> None:
        self.min_distance = min_distance
        self.per_class = per_class
        self.per_group = per_group

    def _decide(self, score, part, seen):
        mask = above_corner(score, self.min_distance)
        return two_normals(score, rate=mask.mean()), mask


def above_corner(score, min_distance):
    """Rows above the corner; equal scores are on one side of it."""
    n = len(score)
    low, high = score.min(), score.max()
    if n < 3 or not high > low:
        return np.zeros(n, dtype=bool)
    levels, sizes = np.unique(score, return_counts=True)
    above = n - np.cumsum(sizes)  # rows above each level, where the level's own stretch begins
    below_chord = 1.0 - above / (n - 1) - (levels / 2 - low / 2) / (high / 2 - low / 2)
    below_chord[above > n / 2] = -np.inf
    corner = np.flatnonzero(below_chord >= below_chord.max() - 1e-12)[-1]  # flags fewer rows
    if below_chord[corner] <= max(min_distance, 1e-12):
        return np.zeros(n, dtype=bool)
    return score > levels[corner]
