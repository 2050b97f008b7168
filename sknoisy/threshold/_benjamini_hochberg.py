"""Scores that are counts, deviations or p-values: tests against chance."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from scipy.stats import binom, norm
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import ArrayLike, FloatArray
from sknoisy.threshold._base import BaseThreshold
from sknoisy.threshold._p_values import reject, wrong_proba


class BenjaminiHochberg(BaseThreshold):
    """Flag rows whose counts are higher than chance has it, with a bounded share of false alarms.

    For scores whose distribution over right rows is known: the number of times that a row was in
    the worst fold (`ReCoV`), the votes against a label (`Consensus`, `SelectiveEnsemble`),
    standard deviations, or p-values. Each is turned into a p-value, one-sided, and the procedure
    of Benjamini and Hochberg decides.

    Guarantee: with "bh" the false discovery rate is at most `alpha` when the p-values of right rows
    are right, that is, a count of theirs is binomial with `n_trials` and at most `p0`, and when
    they are independent or positively dependent. Right rows that are hard to predict get more votes
    against them than `p0` has it, and break the first condition.

    Parameters
    ----------
    alpha : float in (0, 1), default=0.05
        Level of the false discovery rate; with "each", of each test.
    scale : {"count", "share", "z", "1-p"}, default="count"
        What the score is. "count": how many of `n_trials`. "share": what part of them. "z":
        standard deviations above expectation, of the binomial distribution when `n_trials` is
        given (as in `ReCoV`), or else of the normal one. "1-p": one minus a p-value.
    n_trials : int >= 1 or array-like of shape (n,), default=None
        Number of trials, for all rows or for each. Needed for "count" and "share".
    p0 : float in (0, 1), default=None
        Probability by which a trial speaks against a right row; for `ReCoV` one over the number of
        folds. None means the share of the trials of all rows of a part that do, which is too high
        when some rows are wrong, so that fewer are flagged. With "z" and `n_trials` it is needed.
    procedure : {"bh", "storey", "each"}, default="bh"
        "storey" divides the level by Storey's estimate of the share of right rows. "each" is the
        binomial rule without regard to the number of tests: about a share `alpha` of the right rows
        is flagged.
    per_class : bool, default=False
        Decide on each class by itself.
    per_group : bool, default=False
        Decide on each of the `groups` given to `fit` by itself; with `per_class`, on each class in
        each group.

    Attributes
    ----------
    noise_proba_ : ndarray of shape (n,)
        Probability that a row is wrong: one minus the local false discovery rate.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    p_values_ : ndarray of shape (n,)
        Probability of a score at least as high by chance; NaN for rows without.

    References
    ----------
    Y. Benjamini, Y. Hochberg: "Controlling the false discovery rate: a practical and powerful
    approach to multiple testing", Journal of the Royal Statistical Society B 57, 1995.

    J. Storey, J. Taylor, D. Siegmund: "Strong control, conservative point estimation and
    simultaneous conservative consistency of false discovery rates", Journal of the Royal
    Statistical Society B 66, 2004.

    B. Efron, R. Tibshirani, J. Storey, V. Tusher: "Empirical Bayes analysis of a microarray
    experiment", Journal of the American Statistical Association 96, 2001 (the local rate).

    Examples
    --------
    Of 100 repeats with 5 folds a row is in the worst fold 20 times by chance.

    >>> from sknoisy.threshold import BenjaminiHochberg
    >>> threshold = BenjaminiHochberg(n_trials=100, p0=0.2)
    >>> threshold.fit([18, 25, 41, 15, 22]).noise_mask_
    array([False, False,  True, False, False])
    """

    _parameter_constraints: dict = {
        **BaseThreshold._parameter_constraints,
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "scale": [StrOptions({"count", "share", "z", "1-p"})],
        "n_trials": [Interval(Integral, 1, None, closed="left"), "array-like", None],
        "p0": [Interval(Real, 0, 1, closed="neither"), None],
        "procedure": [StrOptions({"bh", "storey", "each"})],
    }

    p_values_: FloatArray

    def __init__(
        self,
        alpha: float = 0.05,
        *,
        scale: Literal["count", "share", "z", "1-p"] = "count",
        n_trials: int | ArrayLike | None = None,
        p0: float | None = None,
        procedure: Literal["bh", "storey", "each"] = "bh",
        per_class: bool = False,
        per_group: bool = False,
    ) -> None:
        self.alpha = alpha
        self.scale = scale
        self.n_trials = n_trials
        self.p0 = p0
        self.procedure = procedure
        self.per_class = per_class
        self.per_group = per_group

    def _begin(self, seen):
        n = len(seen["score"])
        if self.n_trials is None and self.scale in ("count", "share"):
            raise ValueError(
                f'BenjaminiHochberg(scale="{self.scale}") needs n_trials, the number of trials. '
                'For scores that are no counts, set scale="z" (standard normal if all is right) or '
                'scale="1-p", or use another threshold.'
            )
        if self.scale == "z" and self.n_trials is not None and self.p0 is None:
            raise ValueError(
                'BenjaminiHochberg(scale="z") needs p0 with n_trials: the count cannot be told '
                "from its deviation without."
            )
        if self.n_trials is not None:
            if np.ndim(self.n_trials) and np.shape(self.n_trials) != (n,):
                raise ValueError(
                    f"n_trials must be one number, or one for each of the {n} rows; got shape "
                    f"{np.shape(self.n_trials)}."
                )
            seen["n_trials"] = np.broadcast_to(np.asarray(self.n_trials), (n,))
        self.p_values_ = np.full(n, np.nan)

    def _decide(self, score, part, seen):
        n_trials = seen["n_trials"][part.rows] if "n_trials" in seen else None
        p_values = self._p_values(score, n_trials, part)
        self.p_values_[part.rows] = p_values
        return wrong_proba(p_values), reject(p_values, self.alpha, self.procedure)

    def _p_values(self, score, n_trials, part):
        if self.scale == "1-p":
            self._check_range(score, 1.0, part)
            return 1.0 - score
        if self.scale == "z" and n_trials is None:
            return norm.sf(score)
        if self.scale == "z":
            count = n_trials * self.p0 + score * np.sqrt(n_trials * self.p0 * (1 - self.p0))
            count = np.clip(count, 0, n_trials)
        else:
            self._check_range(score, n_trials if self.scale == "count" else 1.0, part)
            count = score if self.scale == "count" else score * n_trials
        count = np.floor(count + 1e-6)  # 28 of 100 as a share must stay 28
        p0 = count.sum() / max(n_trials.sum(), 1) if self.p0 is None else self.p0
        # with an estimated p0 of 0 or 1 no count is higher than chance has it
        return binom.sf(count - 1, n_trials, p0) if 0 < p0 < 1 else np.ones(len(count))

    def _check_range(self, score, highest, part):
        odd = np.flatnonzero((score < 0) | (score > highest))
        if len(odd):
            raise ValueError(
                f'BenjaminiHochberg(scale="{self.scale}"): the score {score[odd[0]]:.6g} of row '
                f"{part.rows[odd[0]]} is not between 0 and "
                f"{np.broadcast_to(highest, score.shape)[odd[0]]:.6g}."
            )
