"""The score as a mixture of right and wrong rows."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy.threshold._base import BaseThreshold

SEPARATION = 3.0  # Ashman's D; 2 is where two normals begin to be two, 3 leaves a gap
MUCH = 1e100  # beyond it, scores are divided before they are squared
SPREAD_FLOOR = 0.1  # of all scores' spread: a heap of equal scores is no component of its own
STARTS = (0.05, 0.2, 0.4)  # shares of wrong rows from which the mixture is sought


class MixturePosterior(BaseThreshold):
    """Flag rows that more likely belong to the upper one of two components of the score.

    Two normal components, of right and of wrong rows, are fitted by expectation-maximisation to
    the (transformed) scores, and a row's probability of being wrong is the posterior of the upper
    one, made to rise with the score.

    A skewed or heavy-tailed score of clean data is also fitted better by two normals than by one,
    so a better fit is not enough. Nothing is flagged unless all of this holds: two normals are the
    better model by BIC; they are at least an Ashman's D of 3 apart; the upper one has no more rows
    than the lower one; and there is a gap, that is, fewer rows on either side of the cut than
    around the middle of either part.

    Parameters
    ----------
    cut : float in (0, 1), default=0.5
        Flag rows whose probability of being wrong is above it.
    scale : {"auto", "identity", "log", "logit"}, default="auto"
        Transformation that makes the components nearly normal. "auto" takes "logit" when all
        scores are in [0, 1], "log" when none is negative, "identity" otherwise.
    per_class : bool, default=False
        Fit a mixture for each class rather than one for all rows.
    per_group : bool, default=False
        Fit one for each of the `groups` given to `fit`; with `per_class`, for each
        class in each group.

    Attributes
    ----------
    noise_proba_ : ndarray of shape (n,)
        Probability that a row is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.

    References
    ----------
    E. Arazo, D. Ortego, P. Albert, N. O'Connor, K. McGuinness: "Unsupervised label noise modeling
    and loss correction", ICML 2019 (the idea: a two-component mixture of losses; there of Beta
    components).

    K. Ashman, C. Bird, S. Zepf: "Detecting bimodality in astronomical datasets", The Astronomical
    Journal, 1994 (the separation D).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.threshold import MixturePosterior
    >>> rng = np.random.default_rng(0)
    >>> score = np.r_[rng.normal(0, 1, 900), rng.normal(8, 1, 100)]
    >>> int(MixturePosterior().fit(score).noise_mask_.sum())
    100
    >>> int(MixturePosterior().fit(score[:900]).noise_mask_.sum())
    0
    """

    _parameter_constraints: dict = {
        **BaseThreshold._parameter_constraints,
        "cut": [Interval(Real, 0, 1, closed="neither")],
        "scale": [StrOptions({"auto", "identity", "log", "logit"})],
    }

    def __init__(
        self,
        cut: float = 0.5,
        *,
        scale: Literal["auto", "identity", "log", "logit"] = "auto",
        per_class: bool = False,
        per_group: bool = False,
    ) -> None:
        self.cut = cut
        self.scale = scale
        self.per_class = per_class
        self.per_group = per_group

    def _decide(self, score, part, seen):
        proba = two_normals(score, scale=self.scale)
        return proba, proba > self.cut

    def _why_none(self, seen):
        return "no second group of scores stands apart from the first"


def two_normals(score, *, rate=None, scale="auto", max_iter=200, tol=1e-7):
    """Posterior of the upper one of two normal components, rising with the score.

    With `rate`, the upper component has that share, whatever the scores say. Without, the share is
    estimated, and it is 0 unless a second component stands apart.
    """
    n = len(score)
    if rate is not None and rate * n < 1e-6:
        return np.zeros(n)
    # Far out, a logit tells how sure a model is rather than whether it agrees with the label.
    z = _transform(score, scale, edge=0.01 if rate is None else min(1e-4, 0.5 / n))
    largest = np.abs(z).max()
    if largest > MUCH:  # lest squares overflow; a power of two loses no bit
        z = np.ldexp(z, -int(np.frexp(largest)[1]))
    spread = z.std()
    if n < 3 or not spread > 1e-12 * max(1.0, np.abs(z).max()):
        # rows that cannot be told apart are all as likely to be wrong
        return np.full(n, 0.0 if rate is None else float(rate))
    z = (z - z.mean()) / spread
    if rate is not None:
        return _posterior_at_rate(z, rate)
    share, means, sds, log_lik = max(
        (_expectation_maximisation(z, start, max_iter, tol) for start in STARTS),
        key=lambda fit: fit[-1],
    )
    bic_gain = 2 * (log_lik - norm.logpdf(z).sum()) - 3 * np.log(n)  # three parameters more
    distance = (means[1] - means[0]) * np.sqrt(2 / (sds**2).sum())
    if bic_gain <= 0 or distance < SEPARATION:
        return np.zeros(n)
    proba = _rising_posterior(z, share, means, sds)
    return proba if _has_gap(z, proba > 0.5) else np.zeros(n)


def _has_gap(z, upper):
    """Whether a minority `upper` is set off from the rest by a stretch with fewer rows.

    On each side, the rows next to the cut are fewer than those around the median of that side, in
    stretches of equal width, by more than one standard error.
    """
    if not 0 < upper.sum() <= len(z) / 2:
        return False
    cut = (z[~upper].max() + z[upper].min()) / 2
    for side in (z[upper] - cut, cut - z[~upper]):
        middle = np.median(side)
        near = (side < middle / 2).sum()
        central = (np.abs(side - middle) <= middle / 4).sum()
        if central - near < np.sqrt(central + near):
            return False
    return True


def _transform(score, scale, edge):
    if scale == "auto":
        low, high = score.min(), score.max()
        scale = "identity" if low < 0 else "logit" if high <= 1 else "log"
    needed = {"logit": (0, 1), "log": (0, np.inf)}.get(scale, (-np.inf, np.inf))
    odd = score[(score < needed[0]) | (score > needed[1])]
    if len(odd):
        raise ValueError(
            f'scale="{scale}" needs scores in [{needed[0]}, {needed[1]}], got {odd[0]:.6g}: use '
            '"identity", or "auto", which chooses by the range.'
        )
    if scale == "logit":
        return logit(np.clip(score, edge, 1 - edge))
    if scale == "log":
        positive = score[score > 0]
        return np.log(np.maximum(score, 1e-3 * np.median(positive) if len(positive) else 1.0))
    return score


def _posterior_at_rate(z, rate):
    """Posterior between the highest `rate` of the scores and the rest, with the mean `rate`.

    Each part makes one normal. They are not refitted: with a share that is given rather than
    found, expectation-maximisation ends with any two normals that describe the scores.
    """
    upper = z > np.quantile(z, 1 - rate)
    if not upper.any() or upper.all():
        upper = z >= z.max()
    means = np.array([z[~upper].mean(), z[upper].mean()])
    sds = np.maximum([z[~upper].std(), z[upper].std()], SPREAD_FLOOR)
    log_odds = logit(np.clip(_rising_posterior(z, rate, means, sds), 1e-12, 1 - 1e-12))
    lowest, highest = logit(rate) - log_odds.max() - 1, logit(rate) - log_odds.min() + 1
    shift = brentq(lambda b: expit(log_odds + b).mean() - rate, lowest, highest)
    return expit(log_odds + shift)


def _expectation_maximisation(z, share, max_iter, tol):
    """(share, means, sds, log-likelihood), from a start with the share `share`."""
    upper = z > np.quantile(z, 1 - share)
    if not upper.any() or upper.all():
        upper = z >= z.max()
    resp = np.where(upper, 0.95, 0.05)
    old = -np.inf
    for _ in range(max_iter):
        weight = np.stack([1 - resp, resp])
        total = weight.sum(axis=1) + 1e-12
        means = weight @ z / total
        sds = np.sqrt(
            np.maximum((weight * (z - means[:, None]) ** 2).sum(axis=1) / total, SPREAD_FLOOR**2)
        )
        share = np.clip(total[1] / len(z), 1e-6, 1 - 1e-6)
        log_parts = norm.logpdf(z, means[:, None], sds[:, None])
        log_parts += np.log([[1 - share], [share]])
        log_lik = np.logaddexp(*log_parts).sum()
        resp = expit(log_parts[1] - log_parts[0])
        if log_lik - old < tol * len(z):
            break
        old = log_lik
    if means[0] > means[1]:
        means, sds = means[::-1], sds[::-1]
        share = 1 - share
    return share, means, sds, log_lik


def _rising_posterior(z, share, means, sds):
    order = np.argsort(z, kind="stable")
    ranked = z[order]
    log_odds = norm.logpdf(ranked, means[1], sds[1]) - norm.logpdf(ranked, means[0], sds[0])
    proba = expit(log_odds + logit(share))
    # With unequal spreads the wider component wins in both tails. Below the lowest point the
    # posterior is flat, above it it may only rise.
    lowest = np.argmin(np.where(ranked <= means[1], proba, np.inf))
    proba[:lowest] = proba[lowest]
    out = np.empty(len(z))
    out[order] = np.maximum.accumulate(proba)
    return out
