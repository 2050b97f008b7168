"""Outcomes that are one draw each: fitted as frequencies among rows that are alike."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import Array, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.training.distillation._soft import keep_classes, treated_as
from sknoisy.training.distillation._students import (
    Students,
    folds_of,
    given_targets,
    held_out_loss,
)

MIN_PROBA = 1e-3  # soft labels less likely than this are left out
LEAST_GAIN = 1e-4  # of the loss on rows held out
GRID = 513  # probabilities at which a kernel is worked out


class CalibratedProbabilityClassifier(WrappedClassifier, BaseTraining):
    """Classifier for outcomes that are drawn by chance, fitted to how often they come about.

    Whether it rained is one draw of the chance of rain: no label is wrong, and none tells the
    chance. A flexible model learns the draws by heart, and is far too sure. Here every label is
    replaced by the frequency of its class among the rows that are given a similar probability, and
    the model is fitted to these soft labels; what it then says sorts the rows anew, and the
    outcomes are counted again. The model itself is calibrated, and needs no second one behind it.

    The paper goes on with the training of a network that was stopped early, and takes turns between
    outcomes and frequencies, which are those of rows that the network has seen. Here each round is
    a fit of its own, and the rows are sorted by models that have not seen them: among rows that a
    flexible model has seen, outcomes are as frequent as it says. Rounds are repeated as long as the
    squared error of the probabilities (the Brier score) falls on rows held out, which neither the
    model nor its frequencies know; if it never does, this is the plain model. With more than two
    classes, each is counted on its own, and the frequencies of a row are scaled to sum one.

    Number of fits: 4 * `cv` + 3 (23) for the plain model and in each round, `cv` in the last one of
    `n_rounds`; plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`).
    neighborhood : {"bins", "kernel"}, default="bins"
        Which rows are alike: those in the same bin, or all of them, by how near their probability
        is.
    n_bins : int >= 2, default=10
        Bins of equal weight, for "bins"; rows of the same probability are never parted.
    bandwidth : float > 0, default=0.05
        Standard deviation of the normal kernel, in probability, for "kernel".
    n_rounds : int >= 1, default=3
        Rounds, at most.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds that hold rows out; None means 5. The others are cut in three to be judged.
    weight_strategy : {"native", "resample"}, default="native"
        How soft labels and `sample_weight` reach the model: as its `sample_weight` (an error when
        it takes none), or by repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to `label_proba_`.
    classes_ : ndarray of shape (K,)
    label_proba_ : ndarray of shape (n, K)
        Frequencies, the soft labels of the last fit. A row that was never judged keeps its label;
        where a class would vanish, its five likeliest rows do.
    loss_curve_ : ndarray of shape (`n_iter_` + 1,)
        Brier score on rows held out, of the plain model and after each round.
    n_iter_ : int
        Rounds; zero is the plain model.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: an unlikely outcome is no error. So `trusted` rows are treated as the others.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    sklearn.calibration.CalibratedClassifierCV : Leaves the model as it is, and maps what it says.
    SelfDistillationClassifier : For labels some of which are wrong.

    References
    ----------
    S. Liu, A. Kaku, W. Zhu, M. Leibovich, S. Mohan, B. Yu, H. Huang, L. Zanna, N. Razavian,
    J. Niles-Weed, C. Fernandez-Granda: "Deep Probability Estimation", ICML, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sknoisy.training.distillation import CalibratedProbabilityClassifier
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(-1, 1, (400, 2))
    >>> chance = 1 / (1 + np.exp(-2 * X[:, 0]))
    >>> y = rng.uniform(size=400) < chance
    >>> tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
    >>> model = CalibratedProbabilityClassifier(tree, random_state=0).fit(X, y)
    >>> off = [np.mean((m.predict_proba(X)[:, 1] - chance) ** 2) for m in (model, tree.fit(X, y))]
    >>> bool(off[0] < 0.5 * off[1])
    True
    """

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "neighborhood": [StrOptions({"bins", "kernel"})],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
        "bandwidth": [Interval(Real, 0, None, closed="neither")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "cv": CV,
    }

    label_proba_: FloatArray
    loss_curve_: FloatArray
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        neighborhood: Literal["bins", "kernel"] = "bins",
        n_bins: int = 10,
        bandwidth: float = 0.05,
        n_rounds: int = 3,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.neighborhood = neighborhood
        self.n_bins = n_bins
        self.bandwidth = bandwidth
        self.n_rounds = n_rounds
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_before_training(self, **own):
        check_takes_weights(self.estimator, self.weight_strategy, "soft labels are weights of rows")

    def _train(self, evidence):
        soft, curve = self._rounds(evidence)
        treated = treated_as(
            soft,
            SoftRows.of(evidence, min_proba=MIN_PROBA),
            evidence,
            {"loss_curve_": np.array(curve), "n_iter_": max(len(curve) - 1, 0)},
        )
        treated.noise_mask = np.zeros(evidence.n_rows, dtype=bool)
        return treated

    def _rounds(self, evidence):
        """(frequencies of the best round, the given labels if none is better; loss curve)."""
        given = given_targets(evidence)
        folds = folds_of(evidence, self.cv, self._seed())
        if not folds:
            return given, []
        students = Students(
            self.estimator,
            evidence,
            folds,
            out_of_sample=True,
            min_proba=MIN_PROBA,
            random_state=self._seed(),
            n_jobs=self.n_jobs,
        )
        held, taught = students.say([given] * len(students.parts))
        best, curve = given, [held_out_loss(held, evidence, folds)]
        for left in reversed(range(self.n_rounds)):
            targets = [self._frequencies(evidence, given, said) for said in taught]
            held, taught = students.say(targets, teach=left > 0)
            loss = held_out_loss(held, evidence, folds)
            if not loss < curve[-1] * (1 - LEAST_GAIN):
                break
            best = targets[-1]
            curve.append(loss)
        return best, curve

    def _frequencies(self, evidence, given, said):
        """(n, K): how often each class comes about; a row that was not judged keeps its label."""
        judged = np.isfinite(said).all(axis=1)
        weight = evidence.inputs.sample_weight
        of_judged = None if weight is None else weight[judged]
        if not (judged.any() if weight is None else of_judged.any()):
            return given
        how = {"n_bins": self.n_bins}
        count = bin_frequencies
        if self.neighborhood == "kernel":
            count, how = kernel_frequencies, {"bandwidth": self.bandwidth}
        n_classes = given.shape[1]
        columns = [
            count(said[judged, k], given[judged, k], of_judged, **how)
            for k in range(1 if n_classes == 2 else 0, n_classes)
        ]
        if n_classes == 2:
            columns.insert(0, 1 - columns[0])
        frequencies = np.column_stack(columns)
        total = frequencies.sum(axis=1, keepdims=True)
        out = given.copy()
        out[judged] = np.divide(frequencies, total, out=out[judged], where=total > 0)
        return keep_classes(out, given, weight)


def bin_frequencies(
    proba: Array, outcome: Array, sample_weight: Array | None = None, *, n_bins: int = 10
) -> FloatArray:
    """How often an outcome comes about among rows of similar probability, by bins.

    Parameters
    ----------
    proba : ndarray of shape (n,)
        By models that have not seen the row.
    outcome : ndarray of shape (n,)
        One where it came about, else zero.
    sample_weight : ndarray of shape (n,), default=None
    n_bins : int, default=10
        Bins of equal weight; rows of the same probability are in the same bin.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.distillation import bin_frequencies
    >>> bin_frequencies(np.array([0.1, 0.9, 0.2, 0.8]), np.array([0, 1, 1, 1]), n_bins=2)
    array([0.5, 1. , 0.5, 1. ])
    """
    weight = np.ones(len(proba)) if sample_weight is None else sample_weight
    values, at = np.unique(proba, return_inverse=True)
    mass = np.bincount(at, weight)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    in_bin = np.minimum((np.round(middle * n_bins, 9)).astype(int), n_bins - 1)[at]
    total = np.bincount(in_bin, weight, n_bins)
    came = np.bincount(in_bin, weight * outcome, n_bins)
    overall = np.average(outcome, weights=weight)  # for bins that hold rows of no weight alone
    return np.divide(came, total, out=np.full(n_bins, overall), where=total > 0)[in_bin]


def kernel_frequencies(
    proba: Array, outcome: Array, sample_weight: Array | None = None, *, bandwidth: float = 0.05
) -> FloatArray:
    """How often an outcome comes about among rows of similar probability, by a normal kernel.

    The kernel is worked out at 513 probabilities from 0 to 1, and read off between them, so that
    no row is compared with each other one.

    Parameters
    ----------
    proba : ndarray of shape (n,)
        By models that have not seen the row.
    outcome : ndarray of shape (n,)
        One where it came about, else zero.
    sample_weight : ndarray of shape (n,), default=None
    bandwidth : float, default=0.05
        Standard deviation of the kernel.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.distillation import kernel_frequencies
    >>> kernel_frequencies(np.array([0.1, 0.9, 0.2, 0.8]), np.array([0, 1, 1, 1])).round(2)
    array([0.12, 1.  , 0.88, 1.  ])
    """
    weight = np.ones(len(proba)) if sample_weight is None else sample_weight
    place = np.clip(proba, 0.0, 1.0) * (GRID - 1)
    below = np.minimum(place.astype(int), GRID - 2)
    share = place - below

    def on_grid(mass):
        return np.bincount(below, mass * (1 - share), GRID) + np.bincount(
            below + 1, mass * share, GRID
        )

    points = np.linspace(0, 1, GRID)
    distance = (points[:, None] - points) / max(bandwidth, 1 / (GRID - 1))
    kernel = np.exp(-0.5 * distance**2)
    total = kernel @ on_grid(weight)
    came = kernel @ on_grid(weight * outcome)
    overall = np.average(outcome, weights=weight)
    ratio = np.divide(came, total, out=np.full(GRID, overall), where=total > 0)
    return np.interp(np.clip(proba, 0.0, 1.0), points, ratio)
