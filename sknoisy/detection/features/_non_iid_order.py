"""Whether the order of the rows tells something about them, and where."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from scipy.stats import false_discovery_control, gaussian_kde
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from sknoisy._evidence._neighbors import NEIGHBORS
from sknoisy._typing import (
    Array,
    Contamination,
    Estimator,
    NeighborSearch,
    RandomStateLike,
    Transformer,
)
from sknoisy.detection._base import BaseDetector, Finding


class NonIIDOrder(BaseDetector):
    """Drift, change points and autocorrelation: rows whose neighbours are near in the file, too.

    In rows drawn independently from one distribution, the nearest neighbours of a row may stand
    anywhere. The test compares the distances `|i - j|` between the positions of neighbours with
    those between all rows, by a Kolmogorov-Smirnov statistic, and its p-value comes from random
    orders.
    The score of a row is how much the positions of its own neighbours differ from chance.

    It is a check of the data set more than a detector of wrong rows: run it before anything that
    takes rows to be in random order, such as shuffled folds. Where it fires, a stretch of rows with
    high scores may have come from elsewhere; where the rows are sorted, all scores are high.
    The target is not looked at.

    Number of fits: none of a model; one search for neighbours.

    Parameters
    ----------
    estimator : estimator object, default=None
        It is not fitted as a model. Where it is a Pipeline, the steps before its last one make the
        features that distances are taken in. None means the one a treatment wraps. Without such
        steps: numbers, brought to equal spread; a DataFrame, encoded column by column; texts, as
        TF-IDF.
    n_neighbors : int >= 1, default=10
        Number of neighbours of each row.
    n_permutations : int >= 2, default=25
        Number of random orders.
    alpha : float in (0, 1), default=0.05
        With `contamination="auto"`, nothing is flagged unless `p_value_` is below it, and then the
        rows whose own p-values pass the Benjamini-Hochberg rule at that level.
    neighbors : estimator object, default=None
        Anything with the `fit` and `kneighbors` of scikit-learn's `NearestNeighbors`, or a
        transformer in the manner of `KNeighborsTransformer`. None means `NearestNeighbors()`.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is the rule of `alpha`.
    n_jobs : int or None, default=None
        Jobs of the default neighbour search. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the random orders.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Area between the distribution of the distances in position from the row to its neighbours
        and that to all rows, over the largest such distance: in [0, 1], 0 for chance.
    noise_proba_ : ndarray of shape (n,)
        With "auto", one minus the row's adjusted p-value when the test fires, 0 otherwise.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The given target.
    label_proba_ : ndarray of shape (n, K)
        For labels: 1 for the given label.
    classes_ : ndarray of shape (K,)
        For labels: all classes of y.
    p_value_ : float
        How probable a statistic as high is in random order, by a density smoothed over
        `permuted_`; where these are all equal, their share that is as high, one added to both
        counts.
    statistic_ : float
        The Kolmogorov-Smirnov statistic of the rows as they stand.
    permuted_ : ndarray of shape (n_permutations,)
        That of random orders.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Outlier : Rows unlike all others, wherever they stand.

    Notes
    -----
    `sample_weight` and `groups` are not looked at. Rows that are written twice, one after the
    other, are no longer independent, and the test fires.

    References
    ----------
    J. Cummings, E. Snorrason, J. Mueller: "Detecting dataset drift and non-IID sampling via
    k-nearest neighbors", ICML workshop on data-centric machine learning research, 2023 (test and
    scores, here as in the authors' library, cleanlab 2.9, but for a scale of the scores). [Added:
    which rows are flagged; there, only the one with the highest score.]

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.detection import NonIIDOrder
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> NonIIDOrder(random_state=0).fit(X, X[:, 0]).p_value_ > 0.05
    True
    >>> X[100:150] += 3.0  # these come from another sensor
    >>> detector = NonIIDOrder(random_state=0).fit(X, X[:, 0])
    >>> detector.p_value_ < 0.001
    True
    >>> bool(detector.noise_score_[100:150].mean() > 2 * detector.noise_score_[150:].mean())
    True
    """

    _task = "both"
    _assumes = "rows were collected independently, in the order given"
    _takes = ("features",)
    _parameter_constraints: dict = {
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "n_permutations": [Interval(Integral, 2, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "neighbors": NEIGHBORS,
        "contamination": BaseDetector._parameter_constraints["contamination"],
        "n_jobs": BaseDetector._parameter_constraints["n_jobs"],
        "random_state": BaseDetector._parameter_constraints["random_state"],
    }

    p_value_: float
    statistic_: float
    permuted_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_neighbors: int = 10,
        n_permutations: int = 25,
        alpha: float = 0.05,
        neighbors: NeighborSearch | Transformer | None = None,
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.n_permutations = n_permutations
        self.alpha = alpha
        self.neighbors = neighbors
        self.contamination = contamination
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        near = evidence.neighbors(
            self.estimator,
            n_neighbors=self.n_neighbors,
            neighbors=self.neighbors,
            with_copies=True,
            n_jobs=self.n_jobs,
        ).indices
        n, rng = evidence.n_rows, check_random_state(self.random_state)
        position = np.arange(n)
        statistic, score = order_statistic(position, near), order_scores(position, near)
        permuted, by_chance = np.empty(self.n_permutations), []
        for i in range(self.n_permutations):
            order = rng.permutation(n)
            permuted[i] = order_statistic(order, near)
            by_chance.append(order_scores(order, near))
        p_value = _p_value(statistic, permuted)
        by_chance = np.sort(np.concatenate(by_chance))
        as_high = len(by_chance) - np.searchsorted(by_chance, score - 1e-12)
        adjusted = false_discovery_control((1 + as_high) / (1 + len(by_chance)))
        fires = p_value < self.alpha
        return Finding(
            score=score,
            noise_proba=np.where(fires, 1.0 - adjusted, 0.0),
            mask=fires & (adjusted < self.alpha),
            attributes={"p_value_": p_value, "statistic_": statistic, "permuted_": permuted},
        )

    def _reason(self, row):
        return (
            f"positions of its neighbours differ by {self.noise_score_[row]:.2f} from chance; "
            f"order of all rows: p = {self.p_value_:.3g}"
        )


def order_statistic(position, near):
    """Kolmogorov-Smirnov statistic of the distances in position between neighbours.

    Parameters
    ----------
    position : ndarray of shape (n,) of int
        Where each row stands, 0 to n - 1.
    near : ndarray of shape (n, k) of int
        Neighbours of each row.
    """
    n = len(position)
    distances = np.abs(position[:, None] - position[near])
    counts = np.bincount(distances.ravel(), minlength=n)[1:]
    by_chance = n - np.arange(1.0, n)  # so many pairs of rows stand so far apart
    return float(np.abs(np.cumsum(counts / counts.sum() - by_chance / by_chance.sum())).max())


def order_scores(position, near):
    """(n,): area between the distributions of distances to neighbours and to all, in [0, 1].

    Between two neighbours' distances the areas below the two curves are subtracted, as if the
    curves did not cross there.
    """
    n, k = near.shape
    distances = np.sort(np.abs(position[:, None] - position[near]), axis=1)
    # two rows stand at each distance up to `both`, then one at each up to `one`, then none
    both = np.minimum(position, n - 1 - position)[:, None]
    one = n - 1 - both
    area, before = np.zeros(n), np.zeros((n, 1))
    bounds = np.column_stack([np.zeros(n, dtype=int), distances, np.full(n, n - 1)])
    for j in range(k + 1):
        far = bounds[:, j + 1 : j + 2]
        below = (
            np.minimum(far, both) ** 2
            + np.maximum(np.minimum(far, one) - both, 0) * (np.minimum(far, one) + 3 * both) / 2
        ) / (n - 1) + np.maximum(far - one, 0)
        own = j / k * (bounds[:, j + 1] - bounds[:, j])
        area += np.abs(own - (below - before)[:, 0])
        before = below
    return area / one[:, 0]


def _p_value(statistic, permuted):
    if np.ptp(permuted) <= 1e-12:
        return float((1 + (permuted >= statistic - 1e-12).sum()) / (1 + len(permuted)))
    return float(np.clip(gaussian_kde(permuted).integrate_box_1d(statistic, np.inf), 0.0, 1.0))
