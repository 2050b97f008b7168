"""A known share of wrong rows."""

from __future__ import annotations

from numbers import Real

from sklearn.utils._param_validation import Interval

from sknoisy.threshold._base import BaseThreshold, flag_top
from sknoisy.threshold._mixture import two_normals


class FixedRate(BaseThreshold):
    """Flag a fixed share of the judged rows, those with the highest scores.

    Rows with equal scores are flagged together or not at all, so the share is hit as nearly as
    ties allow; with all scores equal nothing is flagged.

    Parameters
    ----------
    rate : float in [0, 0.5], default=0.1
        Share of the judged rows to flag. 0 flags nothing.
    per_class : bool, default=False
        Flag this share of each class rather than of all rows.
    per_group : bool, default=False
        Flag this share of each of the `groups` given to `fit`; with `per_class`, of
        each class in each group.

    Attributes
    ----------
    noise_proba_ : ndarray of shape (n,)
        Probability that a row is wrong: the posterior between two normals, one fitted to the
        flagged share of the (transformed) scores and one to the rest, with the mean `rate`.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.

    See Also
    --------
    MixturePosterior : Finds the share itself.

    Examples
    --------
    >>> from sknoisy.threshold import FixedRate
    >>> FixedRate(rate=0.25).fit([0.1, 0.9, 0.2, 0.3]).noise_mask_.tolist()
    [False, True, False, False]
    """

    _parameter_constraints: dict = {
        **BaseThreshold._parameter_constraints,
        "rate": [Interval(Real, 0, 0.5, closed="both")],
    }

    def __init__(
        self, rate: float = 0.1, *, per_class: bool = False, per_group: bool = False
    ) -> None:
        self.rate = rate
        self.per_class = per_class
        self.per_group = per_group

    def _decide(self, score, part, seen):
        return two_normals(score, rate=self.rate), flag_top(score, round(self.rate * len(score)))
