"""What each row is worth to a nearest-neighbour model: its Shapley value."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.metrics import pairwise_distances_chunked
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._neighbors import NEIGHBORS, neighbor_index
from sknoisy._typing import Array, Contamination, Estimator, NeighborSearch, Transformer
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.features._neighbors import label_shares

CHUNK_CELLS = 4_000_000  # neighbours that are worked on at a time


class KNNShapley(BaseDetector):
    """Wrong targets by the Shapley value of each row for nearest neighbours' predictions.

    Each row in turn is a test point, and the others are players of a game: a coalition earns how
    well its k nearest rows predict the test point. The Shapley value is the one fair division of
    what all of them earn together. A row is worth the sum of its values over all test points; one
    that misleads its neighbours is worth little, or less than nothing.

    A coalition S earns the share of the k nearest rows of S that have the label of the test point
    (fewer than k rows count as k), and for numbers `-(m - y)**2`, m the mean of the k nearest rows
    of S, where rows that are missing up to k count as the mean of all y.

    Number of fits: none of a model; one search for neighbours.

    Parameters
    ----------
    estimator : estimator object, default=None
        It is not fitted as a model. Where it is a Pipeline, the steps before its last one make the
        features that distances are taken in. None means the one a treatment wraps. Without such
        steps: numbers, brought to equal spread; a DataFrame, encoded column by column; texts, as
        TF-IDF. With y of whole numbers it also tells whether they are labels.
    n_neighbors : int >= 1, default=10
        k of the nearest-neighbour model.
    max_error : float in [0, 1), default=0.01
        Only the `max(k, 1 / max_error)` nearest rows of a test point are put in order; those beyond
        get the value that they would have on average in random order. For labels, no value for
        one test point is off by more than `max_error`; for numbers there is no bound as simple. 0
        means exact values, by sorting all rows for each test point, in time that grows with the
        square of the number of rows.
    test_points : {"all", "trusted"}, default="all"
        Rows that are predicted: each one by all others, or those given as `trusted` only.
    neighbors : estimator object, default=None
        What finds the nearest rows: anything with the `fit` and `kneighbors` of scikit-learn's
        `NearestNeighbors`, or a transformer in the manner of `KNeighborsTransformer`, whose search
        may be approximate. None means `NearestNeighbors()`. Not used where all rows are sorted,
        that is, with `max_error=0` or hardly more than `1 / max_error` rows.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions.
    n_jobs : int or None, default=None
        Jobs of the neighbour search. The result does not depend on it.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        The value with its sign changed; NaN for the sole member of a class.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        What the k nearest other rows say.
    label_proba_ : ndarray of shape (n, K)
        For labels: posterior of the true label.
    classes_ : ndarray of shape (K,)
        For labels: all classes of y.
    values_ : ndarray of shape (n,)
        Shapley values, summed over the test points. With exact values, their sum is what all rows
        earn together: for labels, the sum over the test points of the share of k neighbours that
        agree.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    NeighborDisagreement : What the neighbours say of a row; here, what a row says to others.

    Notes
    -----
    A test point counts by its `sample_weight`; as players all rows are alike. Copies of the test
    point (rows equal in all features) are no players, nor are the rows of its own group.

    Rows of a rare class are worth less, since they mislead the many rows of other classes around
    them: use a threshold with `per_class=True` where classes are of unlike sizes.

    References
    ----------
    R. Jia, D. Dao, B. Wang, F. Hubis, N. Gurel, B. Li, C. Zhang, C. Spanos, D. Song: "Efficient
    task-specific data valuation for nearest neighbor algorithms", VLDB 2019 (the exact recursions
    for labels and numbers, and the truncation). [Adapted: each training row in turn, rather than
    rows of a second set, is a test point; numbers are taken less their mean, so that an empty
    coalition predicts the mean and not zero; rows beyond the nearest have their average value in
    random order, where the paper has zero, with the same bound.]

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import KNNShapley
    >>> X, y = load_iris(return_X_y=True)
    >>> y[[3, 95]] = [2, 0]
    >>> detector = KNNShapley().fit(X, y)
    >>> sorted(detector.values_.argsort()[:2].tolist())
    [3, 95]
    """

    _task = "both"
    _assumes = "near rows have like targets"
    _takes = ("predicted", "features")
    _auto = "count"
    _score_has_unit = True
    _suggests_unseen = True
    _parameter_constraints: dict = {
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "max_error": [Interval(Real, 0, 1, closed="left")],
        "test_points": [StrOptions({"all", "trusted"})],
        "neighbors": NEIGHBORS,
        "contamination": BaseDetector._parameter_constraints["contamination"],
        "n_jobs": BaseDetector._parameter_constraints["n_jobs"],
    }

    values_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_neighbors: int = 10,
        max_error: float = 0.01,
        test_points: Literal["all", "trusted"] = "all",
        neighbors: NeighborSearch | Transformer | None = None,
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.max_error = max_error
        self.test_points = test_points
        self.neighbors = neighbors
        self.contamination = contamination
        self.n_jobs = n_jobs

    def _find(self, evidence):
        target, weight = evidence.target, evidence.inputs.sample_weight
        n, k, groups = evidence.n_rows, self.n_neighbors, evidence.together
        if n < 2:
            raise ValueError(f"Neighbours need at least 2 rows, got n_samples={n}")
        tested = np.ones(n) if weight is None else weight.astype(float)
        if self.test_points == "trusted":
            if not evidence.trusted.any():
                raise ValueError('test_points="trusted" needs rows given to fit as trusted.')
            tested = np.where(evidence.trusted, tested, 0.0)
        unit = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
        if target.is_labels:
            game = _LabelGame(target.codes, len(target.classes), k, unit)
        else:
            game = _NumberGame(target.y.astype(float), k, unit)
        values = np.zeros(n)
        suggestion = np.zeros((n, len(target.classes)) if target.is_labels else n)
        for rows, near, is_player, is_cut in self._ordered(evidence, unit):
            player = np.where(is_player, near, 0)
            worth = game.play(rows, player, is_player, is_cut) * tested[rows, None] * is_player
            values += np.bincount(player.ravel(), weights=worth.ravel(), minlength=n)
            suggestion[rows] = game.predict(player[:, :k], is_player[:, :k])
        values += game.beyond(tested)
        score = -values
        if target.is_labels:
            score[evidence.members[target.codes] == 1] = np.nan
        return Finding(
            score=score,
            suggestion=suggestion,
            attributes={"values_": values},
        )

    def _ordered(self, evidence, unit):
        """Pieces (test rows, other rows from near to far, which are players, whether more follow).

        A test point itself and the rows of its group are no players and come last.
        """
        n, largest = evidence.n_rows, np.bincount(unit).max()
        depth = n
        if self.max_error > 0:
            depth = max(self.n_neighbors, int(np.ceil(round(1 / self.max_error, 9))))
        n_near = depth + largest - 1  # so many that enough are left without the own group
        is_cut = n_near < n - 1
        if is_cut and evidence.copies.unit is not None:
            features, how = evidence.features(self.estimator), (self.neighbors, self.n_jobs)
            pieces = _near_by_size(features, unit, depth, *how)
        elif is_cut:
            near = evidence.neighbors(
                self.estimator, n_neighbors=n_near, neighbors=self.neighbors, n_jobs=self.n_jobs
            )
            pieces = gen_batches(n, max(1, CHUNK_CELLS // n_near))
            pieces = ((np.arange(p.start, p.stop), near.indices[p]) for p in pieces)
        else:
            pieces = _all_by_distance(evidence.features(self.estimator), self.n_jobs)
        for rows, near in pieces:
            own = unit[near] == unit[rows, None]
            last = np.argsort(own, axis=1, kind="stable")
            near, own = np.take_along_axis(near, last, 1), np.take_along_axis(own, last, 1)
            yield rows, near[:, :depth], ~own[:, :depth], is_cut

    def _reason(self, row):
        value = self.values_[row]
        said = "misleads" if value < 0 else "serves"
        return f"{said} nearest-neighbour predictions of other rows: worth {value:.3g} of them"


def label_values(agree, k, *, share=0.0, n_players=None):
    """(m, D): Shapley values of the D nearest players, from near to far, for m test points.

    Parameters
    ----------
    agree : array-like of shape (m, D) of bool
        Whether a player has the label of the test point; False where there is no player.
    k : int
        Neighbours of the model.
    share, n_players : ndarray of shape (m,), default=0 and None
        Share of players beyond the D nearest that have the label, and number of players in all.
        Values are then those expected if the order of these were random. None means that there are
        no more than D, and the values are exact.
    """
    agree = np.asarray(agree, dtype=float)
    following = np.column_stack([agree[:, 1:], np.broadcast_to(share, len(agree))])
    worth = _from_far((agree - following) / np.maximum(k, np.arange(1, agree.shape[1] + 1)))
    if n_players is not None:
        worth += (share / np.maximum(k, n_players))[:, None]
    return worth


def number_values(given, wanted, k, *, mean=0.0, square=0.0, n_players=None):
    """(m, D): as `label_values`, with the numbers of the players (m, D) and test points (m,).

    The number of a player is 0 where there is none. What a coalition earns is minus the squared
    error of the sum of its k nearest numbers, divided by k. `mean` and `square` are the means of
    the numbers beyond the D nearest, and of their squares.
    """
    z, wanted = np.asarray(given, dtype=float) / k, np.asarray(wanted, dtype=float)[:, None]
    depth = z.shape[1]
    mean, square = np.reshape(mean, (-1, 1)) / k, np.reshape(square, (-1, 1)) / k**2
    top = depth if n_players is None else int(np.max(n_players))
    one, two, later = _chances(top, k)
    following = np.pad(z[:, 1:], ((0, 0), (0, 1)))
    nearer = np.pad(np.cumsum(z, axis=1)[:, :-1], ((0, 0), (1, 0)))
    farther = np.pad(_from_far(z * np.diff(later[: depth + 1])), ((0, 0), (0, 2)))[:, 2:]
    if n_players is not None:
        farther += mean * (later[n_players] - later[depth])[:, None]
        farther[:, -1:] = mean * (later[n_players] - later[depth + 1])[:, None]
    one_near, two_near = one[1 : depth + 1], two[1 : depth + 1]
    rest = two_near * nearer + farther - 2 * one_near * wanted
    step = (following - z) * (one_near * (z + following) + rest)
    if n_players is None:
        return _from_far(step)
    last = z[:, -1:]
    step[:, -1:] = one_near[-1] * (square - last**2) + (mean - last) * rest[:, -1:]
    return _from_far(step) + _farthest(
        one, two, z.sum(axis=1, keepdims=True), wanted, mean, square, depth, n_players[:, None]
    )


def _farthest(one, two, near_sum, wanted, mean, square, depth, n_players):
    """Expected value of the farthest of all players, whose order is random."""
    others = near_sum + (n_players - 1 - depth) * mean
    worth = one[n_players] * (square - 2 * wanted * mean) + two[n_players] * mean * others
    return -worth


def _chances(n, k):
    """(one, two, later), by place 1 to n.

    In a coalition of random size: the chance that a player at this place would be among the k
    nearest; that it and one given nearer player are; and the sums of `two` at the place before.
    """
    place = np.arange(n + 1)
    one = np.minimum(k, place) / np.maximum(place, 1)
    two = one * np.minimum(k - 1, np.maximum(place - 1, 0)) / np.maximum(place - 1, 1)
    later = np.zeros(n + 1)
    later[1:] = np.cumsum(two[:-1])
    return one, two, later


class _LabelGame:
    """Values of near players, and what players beyond them are expected to be worth."""

    def __init__(self, codes, n_classes, k, unit):
        self.codes, self.n_classes, self.k, self.unit = codes, n_classes, k, unit
        n = len(codes)
        self.n_players = n - np.bincount(unit)[unit]
        self.own_label = unit * n_classes + codes  # rows of one group and label
        same = np.bincount(self.own_label, minlength=(unit.max() + 1) * n_classes)
        self.n_same = np.bincount(codes)[codes] - same[self.own_label]
        # the value of a player beyond the near ones: constant + slope * (labels are equal)
        self.constant, self.slope = np.zeros(n), np.zeros(n)

    def predict(self, player, is_player):
        return label_shares(self.codes[player], is_player, self.n_classes)

    def play(self, rows, player, is_player, is_cut):
        agree = (self.codes[player] == self.codes[rows, None]) & is_player
        if not is_cut:
            return label_values(agree, self.k)
        depth, n_players = agree.shape[1], self.n_players[rows]
        share = (self.n_same[rows] - agree.sum(axis=1)) / (n_players - depth)
        inverse = np.cumsum(1 / np.maximum(self.k, np.arange(n_players.max() + 1)))
        slope = (inverse[n_players] - inverse[depth]) / (n_players - depth)
        constant = share / np.maximum(self.k, n_players) - slope * share
        self.slope[rows], self.constant[rows] = slope, constant
        worth = label_values(agree, self.k, share=share, n_players=n_players)
        # `beyond` counts near players, too
        return worth - constant[:, None] - slope[:, None] * agree

    def beyond(self, tested):
        """(n,): values of each row as a player for all test points out of its group."""
        constant, slope = self.constant * tested, self.slope * tested
        by_label = np.bincount(self.codes, weights=slope)[self.codes]
        by_label -= np.bincount(self.own_label, weights=slope)[self.own_label]
        return constant.sum() - np.bincount(self.unit, weights=constant)[self.unit] + by_label


class _NumberGame:
    """As `_LabelGame`, for numbers."""

    def __init__(self, y, k, unit):
        self.centre = y.mean()
        self.y, self.k, self.unit = y - self.centre, k, unit
        self.n_players = len(y) - np.bincount(unit)[unit]
        self.total = self.y.sum() - np.bincount(unit, weights=self.y)[unit]
        self.total_square = (self.y**2).sum() - np.bincount(unit, weights=self.y**2)[unit]
        # the value of a player beyond the near ones, as a polynomial of its number
        self.powers = np.zeros((3, len(y)))

    def predict(self, player, is_player):
        count = is_player.sum(axis=1)
        total = np.where(is_player, self.y[player], 0.0).sum(axis=1)
        mean = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
        return mean + self.centre

    def play(self, rows, player, is_player, is_cut):
        k, wanted = self.k, self.y[rows]
        given = np.where(is_player, self.y[player], 0.0)
        if not is_cut:
            return number_values(given, wanted, k)
        depth, n_players = given.shape[1], self.n_players[rows]
        n_far = n_players - depth
        mean = (self.total[rows] - given.sum(axis=1)) / n_far
        square = np.maximum(self.total_square[rows] - (given**2).sum(axis=1), 0.0) / n_far
        worth = number_values(given, wanted, k, mean=mean, square=square, n_players=n_players)

        one, two, later = _chances(n_players.max(), k)
        place = np.arange(len(one))

        def average(chance):  # over the places beyond the near ones
            total = np.cumsum(chance)
            return (total[n_players] - total[depth]) / n_far

        z, z_square = mean / k, square / k**2
        near_sum, one_far = given.sum(axis=1) / k, average(one)
        after = later[n_players] - average(later[np.minimum(place + 1, len(place) - 1)])
        rest = average(two) * near_sum + (average(two * (place - 1 - depth)) + after) * z
        rest -= 2 * one_far * wanted
        last = _farthest(one, two, near_sum, wanted, z, z_square, depth, n_players)
        powers = np.stack([one_far * z_square + z * rest + last, -rest / k, -one_far / k**2])
        self.powers[:, rows] = powers
        constant, slope, bend = powers[:, :, None]
        return worth - (constant + slope * given + bend * given**2)

    def beyond(self, tested):
        """(n,): values of each row as a player for all test points out of its group."""
        out = np.zeros(len(self.y))
        for power, factor in enumerate(self.powers * tested):
            of_others = factor.sum() - np.bincount(self.unit, weights=factor)[self.unit]
            out += of_others * self.y**power
        return out


def _from_far(step):
    """Sums from each place to the last."""
    return np.cumsum(step[:, ::-1], axis=1)[:, ::-1]


def _near_by_size(features, unit, depth, neighbors, n_jobs):
    """Pieces (rows, so many near rows that `depth` are not of the own unit), by size of the unit.

    One unit of many rows would be dear if all rows had to look that far.
    """
    n, size = len(unit), np.bincount(unit)[unit]
    index = neighbor_index(neighbors, min(n, depth + size.max()), n_jobs).fit(features)
    scale = np.ceil(np.log2(size)).astype(int)
    for one in np.unique(scale):
        rows = np.flatnonzero(scale == one)
        n_near = min(n, depth + size[rows].max())
        for piece in gen_batches(len(rows), max(1, CHUNK_CELLS // n_near)):
            yield rows[piece], index.kneighbors(features[rows[piece]], n_near)[1]


def _all_by_distance(features, n_jobs):
    """Pieces (rows, all rows from near to far); equally far ones in their order."""

    def by_distance(distances, start):
        return np.argsort(distances, axis=1, kind="stable")

    start = 0
    megabytes = max(1.0, CHUNK_CELLS * 8 / 2**20)
    for near in pairwise_distances_chunked(
        features, reduce_func=by_distance, working_memory=megabytes, n_jobs=n_jobs
    ):
        yield np.arange(start, start + len(near)), near
        start += len(near)
