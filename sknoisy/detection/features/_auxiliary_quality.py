"""What added rows are worth: synthetic, transferred, or labelled by weak means."""

from __future__ import annotations

from numbers import Integral
from typing import Literal

import numpy as np
from scipy.stats import beta
from sklearn.metrics import pairwise_distances
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import cross_fit
from sknoisy._evidence._responses import LabelResponse, margins_to_proba
from sknoisy._typing import Array, Contamination, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.features._class_mahalanobis import dense_features

CHUNK_CELLS = 4_000_000  # distances that are held at a time


class AuxiliaryQuality(BaseDetector):
    """Quality of auxiliary rows by the expected posterior of their label.

    Rows added to a training set, by oversampling, simulation, transfer or weak labels, help when
    they are both realistic and of the class they are said to be. Their quality is the posterior
    probability of their label, where the probability p by a model of the real rows is trusted the
    more, the denser real rows are around: the mean over random subsets of the real rows of
    ``(prior + n d p) / (1 + n d)``. The density d is one over the radius of the smallest ball of
    a real row that holds the added row; a ball reaches to the row's k-th neighbour. Where no ball
    does, the quality is the prior, the share of the class in real rows.

    `fit` is told the real rows as `trusted`; all others are auxiliary, and rated. Without trusted
    rows every row is rated by those subsets of the others that it is not in. The score is one minus
    the quality.

    Number of fits: `n_subsets`. With `contamination="auto"`, 5 more of the model, or 1 for a forest
    or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier of the real rows. None means the one a treatment wraps; alone, a random forest of
        200 trees, behind an encoder for a DataFrame. Where it is a Pipeline, the steps before its
        last one make the features that distances are taken in. Without such steps: numbers, brought
        to equal spread; a DataFrame, encoded column by column; texts, as TF-IDF.
    n_subsets : int >= 1, default=25
        Number of random subsets.
    n_neighbors : int >= 1, default=5
        k of the balls.
    reference : {"all", "others"}, default="all"
        The rows that have balls: all real ones, or those of other classes than the rated row's. The
        latter is the paper's setting, where auxiliary anomalies are rated by the normal rows around
        them; k is then raised until the balls hold most real rows of the class as well.
    max_samples : int >= 2, default=2000
        Most real rows in a subset. Time and memory per subset grow with its square.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model.
    n_jobs : int or None, default=None
        Fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the subsets and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        One minus the quality; NaN for trusted rows, for rows of a class that has no real row to
        learn it from, for one that happens to be in every subset, and where there is one class
        only.
    noise_proba_ : ndarray of shape (n,)
        Probability that the row is no good.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label; for a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    quality_ : ndarray of shape (n,)
        The expected posterior of the given label, which can be used as a weight.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    ConfidentLearning : The posterior of the label alone, for rows of one origin.

    Notes
    -----
    `sample_weight` reaches the models. With `groups` and without trusted rows, a row is not rated
    by subsets that hold others of its group.

    References
    ----------
    L. Perini, M. Rudolph, S. Schmedding, C. Qiu: "Uncertainty-aware evaluation of auxiliary
    anomalies with the expected anomaly posterior", Transactions on Machine Learning Research, 2024
    (formula, density and the choice of k as in the authors' code). [Adapted: any number of
    classes, each rated in its own right; the subsets have a largest size, and 25 of them are the
    default where the paper has 100.]

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import AuxiliaryQuality
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(110, 2)) + np.repeat([[0.0, 0.0], [6.0, 0.0]], [70, 40], axis=0)
    >>> y = np.repeat(["normal", "anomaly"], [70, 40])
    >>> real = np.ones(113, dtype=bool)
    >>> real[110:] = False  # a realistic anomaly, a normal row called one, an impossible one
    >>> X = np.vstack([X, [[6.0, 0.0], [0.0, 0.0], [99.0, 99.0]]])
    >>> y = np.append(y, ["anomaly"] * 3)
    >>> detector = AuxiliaryQuality(LogisticRegression(), random_state=0)
    >>> quality = detector.fit(X, y, trusted=real).quality_[110:]
    >>> bool(quality[0] > quality[2] > quality[1])
    True
    """

    _task = "classification"
    _assumes = "rows given as trusted are real and right; distances have a meaning"
    _auto = "count"
    _parameter_constraints: dict = {
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "n_subsets": [Interval(Integral, 1, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "reference": [StrOptions({"all", "others"})],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "contamination": BaseDetector._parameter_constraints["contamination"],
        "n_jobs": BaseDetector._parameter_constraints["n_jobs"],
        "random_state": BaseDetector._parameter_constraints["random_state"],
    }

    quality_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_subsets: int = 25,
        n_neighbors: int = 5,
        reference: Literal["all", "others"] = "all",
        max_samples: int = 2000,
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_subsets = n_subsets
        self.n_neighbors = n_neighbors
        self.reference = reference
        self.max_samples = max_samples
        self.contamination = contamination
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        codes, n_classes = evidence.target.codes, len(evidence.target.classes)
        n, trusted = evidence.n_rows, evidence.trusted
        real = np.flatnonzero(trusted) if trusted.any() else np.arange(n)
        prior = np.bincount(codes[real], minlength=n_classes) / len(real)
        posterior = np.full((n, n_classes), np.nan)
        splits = self._subsets(evidence, real)
        if len(splits) and n_classes > 1:
            X = dense_features(evidence.features(self.estimator))
            model_seed = None
            if self.random_state is not None:
                model_seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            answers = cross_fit(
                self._model(evidence),
                evidence,
                splits,
                LabelResponse(evidence.target.classes),
                random_state=model_seed,
                n_jobs=self.n_jobs,
            )
            total, times = np.zeros((n, n_classes)), np.zeros(n)
            for (subset, rated), (method, proba) in zip(splits, answers, strict=True):
                if method == "decision_function":
                    proba = margins_to_proba(proba, codes[rated])
                size = self._density(X, codes, subset, rated, real)[:, None]
                total[rated] += (prior + size * proba) / (1.0 + size)
                times[rated] += 1
            rated = times > 0
            posterior[rated] = total[rated] / times[rated, None]
        quality = posterior[np.arange(n), codes]
        return Finding(
            score=1.0 - quality,
            suggestion=posterior,
            attributes={"quality_": quality},
        )

    def _subsets(self, evidence, real):
        """List of (real rows, rated rows)."""
        rng = check_random_state(self.random_state)
        codes, n = evidence.target.codes, evidence.n_rows
        trusted, groups = evidence.trusted, evidence.together
        unit = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
        weight = evidence.inputs.sample_weight
        known = real if weight is None else real[weight[real] > 0]
        if len(known) < 2:
            return []
        top = min(0.99, self.max_samples / len(known))
        low = min((self.n_neighbors + 1 + len(np.unique(codes[known]))) / len(known), top)
        splits = []
        for share in rng.uniform(low, top, size=self.n_subsets):
            lot = rng.uniform(size=unit.max() + 1)[unit]
            subset = known[lot[known] < share]
            # no model can do without a class; the row that came nearest to being drawn stands in
            for label in np.setdiff1d(codes[known], codes[subset]):
                members = known[codes[known] == label]
                subset = np.append(subset, members[np.argmin(lot[members])])
            if len(subset) > self.max_samples:
                subset = rng.permutation(np.sort(subset))[: self.max_samples]
            subset = np.sort(subset)
            if trusted.any():
                rated = np.flatnonzero(~trusted)
            else:
                rated = np.flatnonzero(~np.isin(unit, unit[subset]))
            # nobody can rate a label who has never seen it
            rated = rated[np.isin(codes[rated], codes[subset])]
            if len(rated) and len(np.unique(codes[subset])) > 1:
                splits.append((subset, rated))
        return splits

    def _density(self, X, codes, subset, rated, real):
        """(len(rated),): n times the density of the reference rows of `subset` at rated rows."""
        if self.reference == "all":
            return relative_density(X[subset], X[rated], self.n_neighbors)
        out = np.zeros(len(rated))
        for label in np.unique(codes[rated]):
            rows = codes[rated] == label
            others = X[subset[codes[subset] != label]]
            members = X[real[codes[real] == label][: self.max_samples]]
            k = ball_size(others, members, self.n_neighbors)
            out[rows] = relative_density(others, X[rated[rows]], k)
        return out

    def _reason(self, row):
        given = self.classes_[self._target.codes[row]]
        return f"expected posterior of {given} among real rows is {self.quality_[row]:.2f}"


def relative_density(reference, points, k):
    """(m,): n d, for n reference rows and the inverse-rarity density d of them at each point.

    The rarity of a point is the radius of the smallest ball that holds it, of those around the
    reference rows to their k-th neighbour. Its inverse is 0 where no ball does, and is divided by
    the sum over the reference rows and the point.
    """
    n = len(reference)
    if n < 2:
        return np.zeros(len(points))
    k = min(k, n - 1)
    distances = pairwise_distances(reference)
    radius = np.partition(distances, k, axis=1)[:, k]  # the row itself is the one at 0
    # transposed, so that rounding cannot put a k-th neighbour inside the ball
    at_reference = _inverse_rarity(distances.T, radius).sum()
    inverse = np.concatenate(
        [
            _inverse_rarity(pairwise_distances(points[part], reference), radius)
            for part in gen_batches(len(points), max(1, CHUNK_CELLS // n))
        ]
    )
    total = inverse + at_reference
    return n * np.divide(inverse, total, out=np.zeros(len(points)), where=total > 0)


def _inverse_rarity(distances, radius):
    smallest = np.where(distances < radius, radius, np.inf).min(axis=1)
    return 1.0 / smallest


def ball_size(reference, members, least):
    """k, so large that the balls of the reference rows probably hold rows such as `members`."""
    most = len(reference) - 1
    if most <= least + 1 or len(members) == 0:
        return max(1, min(most, least))
    sorted_own = np.sort(pairwise_distances(reference), axis=1)
    to_members = pairwise_distances(reference, members)
    needed = np.full(len(members), most)
    for own, far in zip(sorted_own, to_members, strict=True):
        # the first k whose radius is above the distance
        needed = np.minimum(needed, np.searchsorted(own, far, side="right"))
    share = (np.clip(needed, least, most) - least) / (most - least)
    # the upper end of what is known of the share, from a uniform prior
    upper = beta.ppf(0.95, 1 + share.sum(), 1 + len(share) - share.sum())
    return int(np.clip(int(upper * (most - least) + least), least, most))
