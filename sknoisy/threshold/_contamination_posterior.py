"""The posterior distribution of the share of wrong rows, by groups of similar scores."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal, Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import beta, wishart
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import BayesianGaussianMixture
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import Array, ArrayLike, FloatArray, RandomStateLike
from sknoisy.threshold._base import BaseThreshold, clip_infinite, flag_top
from sknoisy.threshold._mixture import SEPARATION

STEEPEST = 50.0  # slope of the sigmoid, and largest offset, that the authors search
LEAST_OFFSET = -1.0
ORDER_DRAWS = 1000  # from each component, to put the components in order
ATTEMPTS = 3  # mixtures from other starts, when the first allows no solution
MAX_ROWS = 2000  # to which the mixture is fitted; the posterior has as much as all rows would give


class ContaminationPosterior(BaseThreshold):
    """Flag as many rows as a posterior distribution of their share says.

    The scores (logarithms, standardised) are described by a Dirichlet process mixture of normals.
    Its components are put in order of mean / (1 + standard deviation), the most suspect first, and
    the probability that the first k of them are the wrong rows is a product of sigmoids in that
    measure. The sigmoid is set so that by prior belief there are no wrong rows with probability
    `p_none`, and more than a share `high` with probability `p_high`. The share itself is drawn from
    the posterior of the components' weights.

    The prior matters. At the defaults, which are the paper's for anomalies, more than 15% wrong
    rows are thought next to impossible; where more labels may be wrong, raise `high` and
    `max_contamination`. Where even the first component is surely larger than `high`, no sigmoid
    fits: the scores have no small group of high ones, the share is 0 and nothing is flagged. A
    component may also cover the upper tail of the right rows: small shares come out too large, by
    some hundredths of all rows, and a few wrong rows of some hundreds may not be seen at all.

    Cost: at most 3 fits of a mixture of `n_components` to at most 2000 rows, evenly spaced
    quantiles when there is one column; no model is fitted.

    Parameters
    ----------
    estimate : "mean" or float in (0, 1), default="mean"
        Which share is flagged: the mean of the posterior, or a quantile of it. 0.05 flags only as
        many rows as are wrong with probability 0.95.
    p_none : float in (0, 1), default=0.01
        Prior probability that no row is wrong.
    high : float in (0, 1), default=0.15
        A share of wrong rows that is thought to be high.
    p_high : float in (0, 1), default=0.01
        Prior probability that the share is above `high`.
    max_contamination : float in (0, 0.5], default=0.25
        Draws above this are rejected.
    n_components : int >= 2, default=30
        Components of the mixture, at most; most of them end up empty. The authors
        have 100, which takes longer.
    n_samples : int >= 100, default=10000
        Draws from the posterior.
    per_class : bool, default=False
        Find a posterior for each class. The attributes are then about the share in all rows.
    per_group : bool, default=False
        Find one for each of the `groups` given to `fit`; with `per_class`, for each class in each
        group.
    random_state : int, RandomState instance or None, default=None
        Seeds the mixture and the draws. None means the seed of the detector that this threshold is
        used by, if that has one.

    Attributes
    ----------
    noise_proba_ : ndarray of shape (n,)
        Probability that a row is wrong: the share of the draws by which as many rows are wrong as
        reach down to it. The mean over the rows is the mean of the posterior.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    contamination_samples_ : ndarray of shape (n_samples,)
        Draws of the share of wrong rows among those that were judged.
    contamination_ : float
        Their mean.
    contamination_interval_ : ndarray of shape (2,)
        Their quantiles 0.05 and 0.95.

    References
    ----------
    L. Perini, P.-C. Bürkner, A. Klami: "Estimating the contamination factor's distribution in
    unsupervised anomaly detection", ICML 2023 (gammaGMM).

    Notes
    -----
    After the authors' code. Adapted: any noise score stands for those of the ten anomaly detectors;
    what is added before the logarithm is 0.01 of the range of the scores, not 0.01, so that their
    unit does not matter; where the logarithms, which draw out the lower tail of an even score,
    allow no solution, the scores themselves are described; the sigmoid is found by bisection, its
    offset given by `p_none`, rather than by least squares, and where none has both probabilities,
    as when the first group alone is more than `high`, the one that comes nearest is taken if that
    group stands apart (Ashman's D of 3); the authors try 100 other starts of the mixture before
    they give up. The probabilities of single rows are new. Of more than 2000 rows a sample is
    described, its counts scaled up.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.threshold import ContaminationPosterior
    >>> rng = np.random.default_rng(0)
    >>> score = np.r_[rng.normal(0.2, 0.05, 380), rng.normal(0.9, 0.02, 20)]
    >>> threshold = ContaminationPosterior(random_state=0).fit(score)
    >>> bool(0.02 < threshold.contamination_ < 0.08)
    True
    """

    _parameter_constraints: dict = {
        **BaseThreshold._parameter_constraints,
        "estimate": [StrOptions({"mean"}), Interval(Real, 0, 1, closed="neither")],
        "p_none": [Interval(Real, 0, 1, closed="neither")],
        "high": [Interval(Real, 0, 1, closed="neither")],
        "p_high": [Interval(Real, 0, 1, closed="neither")],
        "max_contamination": [Interval(Real, 0, 0.5, closed="right")],
        "n_components": [Interval(Integral, 2, None, closed="left")],
        "n_samples": [Interval(Integral, 100, None, closed="left")],
        "random_state": ["random_state"],
    }

    contamination_samples_: Array
    contamination_: float
    contamination_interval_: FloatArray

    def __init__(
        self,
        estimate: Literal["mean"] | float = "mean",
        *,
        p_none: float = 0.01,
        high: float = 0.15,
        p_high: float = 0.01,
        max_contamination: float = 0.25,
        n_components: int = 30,
        n_samples: int = 10000,
        per_class: bool = False,
        per_group: bool = False,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimate = estimate
        self.p_none = p_none
        self.high = high
        self.p_high = p_high
        self.max_contamination = max_contamination
        self.n_components = n_components
        self.n_samples = n_samples
        self.per_class = per_class
        self.per_group = per_group
        self.random_state = random_state

    def fit(
        self,
        score: ArrayLike,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        label_proba: ArrayLike | None = None,
    ) -> Self:
        """Decide which rows are suspect.

        Parameters
        ----------
        score : array-like of shape (n,) or (n, n_scores)
            Noise scores on any scale, higher is more suspect; one column, or one of each of several
            detectors. Rows are then ranked by the mean of the columns (logarithms, standardised). A
            row with NaN gets probability 0 and is not flagged.
        y, groups, trusted, label_proba
            As for any threshold.

        Returns
        -------
        self : object
        """
        return super().fit(score, y, groups=groups, trusted=trusted, label_proba=label_proba)

    def _check_score(self, score):
        if np.ndim(score) != 2 or np.shape(score)[1] == 1:
            return super()._check_score(score)
        score = check_array(score, dtype=float, ensure_all_finite=False, ensure_min_samples=0)
        return np.column_stack([clip_infinite(column) for column in score.T])

    def _begin(self, seen):
        seen["rng"] = check_random_state(self.random_state)
        self.contamination_samples_ = np.zeros(self.n_samples)

    def _decide(self, score, part, seen):
        columns = score.reshape(len(score), -1)
        views = [_standardised(_logs(columns)), _standardised(_shares_of_range(columns))]
        rank_by = score if score.ndim == 1 else views[0].mean(axis=1)
        draws = self._draw(views, seen["rng"])
        self.contamination_samples_ += draws * len(score)
        share = draws.mean() if self.estimate == "mean" else np.quantile(draws, self.estimate)
        return _proba_by_rank(rank_by, draws), flag_top(rank_by, round(share * len(score)))

    def _end(self, seen, n_asked):
        self.contamination_samples_ /= max(n_asked, 1)
        self.contamination_ = float(self.contamination_samples_.mean())
        self.contamination_interval_ = np.quantile(self.contamination_samples_, [0.05, 0.95])

    def _draw(self, views, rng):
        """Draws of the share of wrong rows, by the first of `views` of the scores that has one."""
        none = np.zeros(self.n_samples)
        if len(views[0]) < 3 or not views[0].any():
            return none
        for z in views:
            z, n = _thinned(z, rng), len(z)
            for _ in range(ATTEMPTS):
                groups = _describe(z, n, self.n_components, rng)
                slope, nearest = self._slope(groups)
                if slope is not None:
                    return self._sample(groups, slope, rng)
            if nearest is not None and groups.first_stands_apart():
                return self._sample(groups, nearest, rng)
        return none

    def _slope(self, groups):
        """Slope of the sigmoid by which more than `high` rows are wrong with `p_high`, or None.

        Also the one that comes nearest to it, as where the first group alone is more than `high`.
        """
        top = groups.place[0]
        if top <= 0:
            return None, None
        total = np.cumsum(groups.counts)
        rest = np.maximum(total[-1] - total, 0.0)
        above = np.ones(len(total))
        above[rest > 0] = beta.sf(self.high, total[rest > 0], rest[rest > 0])
        offset = logit(self.p_none)

        def excess(slope):
            first = _first_k(expit(-(offset + slope * (top - groups.place))))
            return first @ above - self.p_high

        # the offset of the sigmoid is `offset + slope * top`
        lowest = max((LEAST_OFFSET - offset) / top, 0.0)
        highest = min(STEEPEST, (STEEPEST - offset) / top)
        if not lowest < highest:
            return None, None
        slopes = np.linspace(lowest, highest, 64)
        off = np.array([excess(slope) for slope in slopes])
        change = np.flatnonzero(np.sign(off[:-1]) * np.sign(off[1:]) <= 0)
        nearest = slopes[np.argmin(np.abs(off))]
        if not len(change):
            return None, nearest
        return brentq(excess, slopes[change[0]], slopes[change[0] + 1]), nearest

    def _sample(self, groups, slope, rng):
        offset = logit(self.p_none) + slope * groups.place[0]
        n_wanted = self.n_samples - round(self.n_samples * self.p_none)
        places = groups.draw(max(100, self.n_samples // 50), rng)
        joint = _first_k(expit(slope * places - offset)).ravel()
        if not joint.sum() > 0:
            return np.zeros(self.n_samples)
        k = rng.choice(len(joint), n_wanted, p=joint / joint.sum()) % places.shape[1]
        weights = np.cumsum(rng.dirichlet(groups.counts, n_wanted), axis=1)
        draws = np.append(weights[np.arange(n_wanted), k], np.zeros(self.n_samples - n_wanted))
        fine = draws < self.max_contamination
        allowed = draws[fine & (draws > 0)]
        if not len(allowed):
            return np.zeros(self.n_samples)
        return np.where(fine, draws, rng.choice(allowed, len(draws)))


@dataclass
class _Groups:
    """Components of a mixture, the most suspect first, with their posterior distributions."""

    means: np.ndarray
    mean_sds: np.ndarray
    covariances: np.ndarray
    freedom: np.ndarray
    counts: np.ndarray
    place: np.ndarray

    def first_stands_apart(self):
        """Whether Ashman's D of the first group from the largest is at least 3 by some score."""
        largest = int(np.argmax(self.counts))
        variances = [np.diagonal(np.atleast_2d(self.covariances[k])) for k in (0, largest)]
        between = np.abs(self.means[0] - self.means[largest])
        return bool((between * np.sqrt(2 / sum(variances)) >= SEPARATION).any())

    def draw(self, size, rng):
        """(size, K): draws of mean / (1 + standard deviation), averaged over the scores."""
        drawn = np.empty((size, len(self.means)))
        for k, (mean, sd, covariance, freedom) in enumerate(
            zip(self.means, self.mean_sds, self.covariances, self.freedom, strict=True)
        ):
            centers = rng.normal(mean, sd, (size, len(mean)))
            scale = covariance / freedom
            draws = wishart.rvs(freedom, scale, size=size, random_state=rng)
            draws = np.reshape(draws, (size, len(mean), len(mean)))
            variances = np.diagonal(draws, axis1=1, axis2=2)
            drawn[:, k] = (centers / (1 + np.sqrt(variances))).mean(axis=1)
        return drawn


def _thinned(z, rng):
    """Rows in an order that does not hang on theirs, and of very many a part."""
    z = z[np.lexsort(z.T[::-1])]
    if len(z) <= MAX_ROWS:
        return z
    at = np.linspace(0, len(z) - 1, MAX_ROWS).round().astype(int)
    return z[at] if z.shape[1] == 1 else z[np.sort(rng.choice(len(z), MAX_ROWS, replace=False))]


def _describe(z, n, n_components, rng):
    """Groups of similar rows; `z` may be a sample of the n rows that counts for all of them."""
    mixture = BayesianGaussianMixture(
        n_components=min(n_components, len(z) - 1),
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=0.01,
        max_iter=1500,
        random_state=rng.randint(2**31 - 1),
    )
    with warnings.catch_warnings():
        # nearly equal scores make fewer clusters than asked for; a bound that still creeps up after
        # 1500 rounds does not change which groups there are
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(z)
    counts = mixture.weight_concentration_[0]
    filled = np.flatnonzero(counts >= 2)  # one is the prior's
    scale = n / len(z)
    groups = _Groups(
        mixture.means_[filled],
        1 / np.sqrt(mixture.mean_precision_[filled] * scale),
        mixture.covariances_[filled],
        mixture.degrees_of_freedom_[filled] * scale,
        (counts[filled] + (counts.sum() - counts[filled].sum()) / len(filled)) * scale,
        np.zeros(len(filled)),
    )
    place = groups.draw(ORDER_DRAWS, rng).mean(axis=0)
    order = np.argsort(-place, kind="stable")
    groups.place = place
    return _Groups(*(value[order] for value in vars(groups).values()))


def _first_k(proba):
    """Probability that exactly the first k components are wrong, k = 1, ..., K."""
    joint = np.cumprod(proba, axis=-1)
    joint[..., :-1] *= 1 - proba[..., 1:]
    return joint


def _logs(score):
    return np.log(_shares_of_range(score) + 0.01)


def _shares_of_range(score):
    low, high = score.min(axis=0), score.max(axis=0)
    return (score - low) / np.where(high > low, high - low, 1.0)


def _standardised(values):
    spread = values.std(axis=0)
    return np.where(spread > 1e-12, (values - values.mean(axis=0)) / np.maximum(spread, 1e-12), 0.0)


def _proba_by_rank(score, draws):
    """P(wrong rows reach down to this row); equal scores share theirs, and the mean is kept."""
    n = len(score)
    order = np.argsort(-score, kind="stable")
    reached = np.sort(draws) * n
    # E min(1, max(0, reached - rank)): the row that is reached in part is wrong in part
    total = np.concatenate([[0.0], np.cumsum(reached)])
    ranks = np.arange(n + 1)
    at = np.searchsorted(reached, ranks)
    beyond = (total[-1] - total[at] - ranks * (len(reached) - at)) / len(reached)
    proba = np.empty(n)
    proba[order] = np.clip(beyond[:-1] - beyond[1:], 0.0, 1.0)
    levels, tied = np.unique(score, return_inverse=True)
    tied = tied.reshape(-1)
    mean = np.bincount(tied, proba) / np.bincount(tied)
    return np.maximum.accumulate(mean)[tied]
