"""The score as a mixture of right and wrong rows."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy.threshold._base import BaseThreshold

SEPARATION = 2.0  # Ashman's D from which two normals are clearly two


class MixturePosterior(BaseThreshold):
    """Flag rows that more likely belong to the upper one of two components of the score.

    Two normal components, of right and of wrong rows, are fitted by expectation-maximisation to
    the (transformed) scores, and a row's probability of being wrong is the posterior of the upper
    one, made to rise with the score. Where no second component stands apart, that is, where one
    normal is the better model by BIC, or the two are closer than Ashman's D of 2, nothing is
    flagged.

    Parameters
    ----------
    cut : float in (0, 1), default=0.5
        Flag rows whose probability of being wrong is above it.
    scale : {"auto", "identity", "log", "logit"}, default="auto"
        Transformation that makes the components nearly normal. "auto" takes "logit" when all
        scores are in [0, 1], "log" when none is negative, "identity" otherwise.
    per_class : bool, default=False
        Fit a mixture for each class rather than one for all rows.

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

    def __init__(self, cut=0.5, *, scale="auto", per_class=False):
        self.cut = cut
        self.scale = scale
        self.per_class = per_class

    def _decide(self, score, expected):
        proba = two_normals(score, scale=self.scale)
        return proba, proba > self.cut


def two_normals(score, *, rate=None, scale="auto", max_iter=200, tol=1e-8):
    """Posterior of the upper one of two normal components, rising with the score.

    With `rate`, the upper component has that share, whatever the scores say. Without, the share is
    estimated, and it is 0 unless a second component stands apart.
    """
    n = len(score)
    if rate == 0:
        return np.zeros(n)
    z = _transform(score, scale)
    spread = z.std()
    if n < 3 or not spread > 1e-12 * max(1.0, np.abs(z).max()):
        # rows that cannot be told apart are all as likely to be wrong
        return np.full(n, 0.0 if rate is None else float(rate))
    z = (z - z.mean()) / spread
    share, means, sds, log_lik = _expectation_maximisation(z, rate, max_iter, tol)
    if rate is None:
        one = norm.logpdf(z).sum()
        bic_gain = 2 * (log_lik - one) - 3 * np.log(n)  # three parameters more
        distance = (means[1] - means[0]) * np.sqrt(2 / (sds**2).sum())
        if bic_gain <= 0 or distance < SEPARATION:
            return np.zeros(n)
    return _rising_posterior(z, share, means, sds)


def _transform(score, scale):
    if scale == "auto":
        low, high = score.min(), score.max()
        scale = "identity" if low < 0 else "logit" if high <= 1 else "log"
    if scale == "logit":
        # a score of exactly 0 or 1 says no more than 1 in 2 n
        edge = min(0.5 / len(score), 0.25)
        return logit(np.clip(score, max(edge, 1e-4), 1 - max(edge, 1e-4)))
    if scale == "log":
        positive = score[score > 0]
        return np.log(np.maximum(score, 1e-3 * np.median(positive) if len(positive) else 1.0))
    return score


def _expectation_maximisation(z, rate, max_iter, tol):
    share = 0.2 if rate is None else rate
    upper = z > np.quantile(z, 1 - share)
    if not upper.any() or upper.all():
        upper = z >= z.max()
    resp = np.where(upper, 0.95, 0.05)
    floor, old = 0.02, -np.inf  # in units of the standard deviation of all scores
    for _ in range(max_iter):
        weight = np.stack([1 - resp, resp])
        total = weight.sum(axis=1) + 1e-12
        means = weight @ z / total
        sds = np.sqrt(np.maximum((weight * (z - means[:, None]) ** 2).sum(axis=1) / total, floor**2))
        if rate is None:
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
        share = 1 - share if rate is None else rate
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
