"""Correct suspect targets."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._evidence._own_loss import own_loss
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import (
    Array,
    Contamination,
    Detector,
    Estimator,
    FloatArray,
    MemoryLike,
    RandomStateLike,
)
from sknoisy.treatment._base import BaseTreatmentClassifier, BaseTreatmentRegressor
from sknoisy.treatment._treated import Treated


class RelabelClassifier(BaseTreatmentClassifier):
    """Classifier that is fitted with suspect labels corrected.

    Correcting is bolder than dropping, so it has a confidence bar of its own.

    Number of fits: those of the detector (`ConfidentLearning`: 5, or 1 for a forest, judged out
    of bag) plus 1, and 1 to calibrate probabilities (3 with fewer than 600 rows).

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    detector : detector object, default=None
        Finds the suspect rows; any of `sknoisy.detection`. None means
        `ConfidentLearning(bounded=True)`.
        A detector whose own `estimator` is None uses `estimator`; a cheaper one can be given for
        detection alone. A fitted one in `sklearn.frozen.FrozenEstimator` is used as it is.
    mode : {"hard", "soft"}, default="hard"
        "hard": a flagged row gets its suggested label when that is likely enough. "soft": a row
        is given once for each plausible label, weighted by its probability; the model must take
        weights then (see `weight_strategy`).
    confidence : float in [0, 1], default=0.8
        For "hard": a flagged row is relabelled only if its suggested label has at least this
        probability; else it stays as it is.
    min_proba : float in [0, 0.5], default=0.05
        For "soft": labels less likely than this are left out and the rest is rescaled.
    contamination : {"auto"}, float in [0, 0.5], threshold object or None, default=None
        How many rows are suspect; takes the place of the detector's own `contamination`. None
        leaves the detector's. 0 flags nothing, which is the plain model exactly (of the same
        seed); the detection is still made, see `memory`.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    min_per_class : int >= 1, default=5
        The least suspect rows of each class, this many, are never touched, whatever is flagged.
    calibrate : bool, default=True
        Whether `predict_proba` gets the temperature by which the treated model explains the given
        labels of held-out rows best: what is learnt from treated rows is far too sure otherwise,
        for rows that are hard to foretell are gone. The order of the classes stays. One more
        fit on two thirds of the rows (3 with fewer than 600 rows); none with fewer than 100
        rows, or where less than 2 % of them are treated.
    max_share : float in [0, 1), default=0.5
        No more than this share of the rows is relabelled; the most suspect first.
    memory : str, object with the joblib.Memory interface or None, default=None
        Where to keep what was found, so that a search over thresholds, treatments or (when the
        detector has an estimator of its own) final models does not repeat it.
    max_samples : int >= 2, float in (0, 1] or None, default=None
        Rows that each fold model of the detection is fitted on at most, or their share, where the
        detector has a `max_samples` and leaves it at None (an error where it has none): for very
        many rows, of which a part teaches a model enough. All rows are judged, and the last fit
        has all that are left.
    n_jobs : int or None, default=None
        Jobs of the detection, where the detector leaves it at None.
    random_state : int, RandomState instance or None, default=None
        Seeds the detection and every `random_state` that `estimator` or `detector` leave at None.
        Seeds that are set are kept.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted on the treated rows.
    detector_ : detector object
        The fitted detector: `noise_score_`, `y_suggested_` and more are there.
    classes_ : ndarray of shape (K,)
        All classes of y.
    temperature_ : float
        Of `predict_proba`; 1 when it is the model's own.
    noise_proba_ : ndarray of shape (n,)
        Probability that the target of a training row is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Training rows that were relabelled.
    y_relabeled_ : ndarray of shape (n,)
        The likeliest label of each training row after relabelling.
    label_proba_ : ndarray of shape (n, K)
        What the last fit was given: the share of each label in each row.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    FilterClassifier : Drops suspect rows.
    ReweightClassifier : Weighs them down.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy import RelabelClassifier
    >>> from sknoisy.datasets import symmetric_noise
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> model = RelabelClassifier(LogisticRegression(max_iter=1000), random_state=0)
    >>> y_better = model.fit(X, y_noisy).y_relabeled_
    >>> bool((y_better == y).sum() > (y_noisy == y).sum())
    True
    """

    _needs = ("y_suggested_", "label_proba_")
    _parameter_constraints: dict = {
        **BaseTreatmentClassifier._parameter_constraints,
        "mode": [StrOptions({"hard", "soft"})],
        "confidence": [Interval(Real, 0, 1, closed="both")],
        "min_proba": [Interval(Real, 0, 0.5, closed="both")],
    }

    y_relabeled_: Array
    label_proba_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        detector: Detector | None = None,
        *,
        mode: Literal["hard", "soft"] = "hard",
        confidence: float = 0.8,
        min_proba: float = 0.05,
        contamination: Contamination | None = None,
        weight_strategy: Literal["native", "resample"] = "native",
        min_per_class: int = 5,
        calibrate: bool = True,
        max_share: float = 0.5,
        memory: MemoryLike | None = None,
        max_samples: int | float | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.detector = detector
        self.mode = mode
        self.confidence = confidence
        self.min_proba = min_proba
        self.contamination = contamination
        self.weight_strategy = weight_strategy
        self.min_per_class = min_per_class
        self.calibrate = calibrate
        self.max_share = max_share
        self.memory = memory
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_before_detection(self):
        if self.mode == "soft":
            check_takes_weights(self.estimator, self.weight_strategy, "soft relabelling needs it")

    def _treat(self, case):
        target, n = case.target, len(case.target.y)
        given = np.eye(len(target.classes))[target.codes]
        posterior = np.asarray(case.detector.label_proba_, dtype=float)
        if posterior.shape != given.shape:
            raise ValueError(
                f"label_proba_ of the detector has shape {posterior.shape}, and there are "
                f"{n} rows of {len(target.classes)} classes."
            )
        if self.mode == "hard":
            suggested = target.encode(case.detector.y_suggested_, "y_suggested_ of the detector")
            mask = case.noise_mask & (suggested != target.codes)
            sure = posterior[np.arange(n), suggested] >= self.confidence
            changed = self._flagged(case, mask & sure)
            codes = np.where(changed, suggested, target.codes)
            return Treated(
                rows=None,
                y=target.classes[codes],
                sample_weight=case.sample_weight,
                noise_mask=changed,
                attributes={
                    "y_relabeled_": target.classes[codes],
                    "label_proba_": np.eye(len(target.classes))[codes],
                },
            )
        shares = np.where(posterior < self.min_proba, 0.0, posterior)
        certain = (case.noise_proba == 0) | ~(shares.sum(axis=1) > 0)
        shares = np.where(certain[:, None], given, shares)
        shares /= shares.sum(axis=1, keepdims=True)
        # where another label is likelier than the given one; a tie changes nothing
        relabeled = shares[np.arange(n), target.codes] < shares.max(axis=1)
        allowed = self._flagged(case, relabeled)
        as_given = case.untouchable | (relabeled & ~allowed)
        shares = np.where(as_given[:, None], given, shares)
        likeliest = np.where(allowed, shares.argmax(axis=1), target.codes)
        attributes = {"y_relabeled_": target.classes[likeliest], "label_proba_": shares}
        # where each row keeps its one label this is the plain model, exactly
        rows = SoftRows.of(case.evidence, min_proba=0.0)
        traced = {"noise_mask": allowed, "attributes": attributes}
        return Treated.of_soft(case.evidence, shares, rows, **traced)

    def _trace(self):
        return {"relabeled": self.y_relabeled_}


class RelabelRegressor(BaseTreatmentRegressor):
    """Regressor that is fitted with suspect targets corrected.

    The suggestion for a row is what models say that have not seen it. For a model of counts or
    amounts (Poisson, gamma, Tweedie) it is no less than the least target given; a model of a
    quantile other than the median, whose predictions are no guess of the target, is refused.

    Number of fits: those of the detector (`Residual`: 5, or 1 for a forest, judged out
    of bag) plus 1.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any scikit-learn regressor, or a Pipeline that ends in one.
    detector : detector object, default=None
        Finds the suspect rows; any of `sknoisy.detection`. None means `Residual()`.
        A detector whose own `estimator` is None uses `estimator`; a cheaper one can be given for
        detection alone. A fitted one in `sklearn.frozen.FrozenEstimator` is used as it is.
    mode : {"hard", "soft"}, default="soft"
        "soft": the given and the suggested number, mixed by the probability that the given one is
        wrong. "hard": a flagged row gets the suggested number when it is wrong with at least
        probability `confidence`.
    confidence : float in [0, 1], default=0.8
        For "hard": how probably a flagged target must be wrong to be replaced.
    contamination : {"auto"}, float in [0, 0.5], threshold object or None, default=None
        How many rows are suspect; takes the place of the detector's own `contamination`. None
        leaves the detector's. 0 flags nothing, which is the plain model exactly (of the same
        seed); the detection is still made, see `memory`.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    max_share : float in [0, 1), default=0.5
        No more than this share of the rows is mostly or wholly replaced; the most suspect first.
    memory : str, object with the joblib.Memory interface or None, default=None
        Where to keep what was found, so that a search over thresholds, treatments or (when the
        detector has an estimator of its own) final models does not repeat it.
    max_samples : int >= 2, float in (0, 1] or None, default=None
        Rows that each fold model of the detection is fitted on at most, or their share, where the
        detector has a `max_samples` and leaves it at None (an error where it has none): for very
        many rows, of which a part teaches a model enough. All rows are judged, and the last fit
        has all that are left.
    n_jobs : int or None, default=None
        Jobs of the detection, where the detector leaves it at None.
    random_state : int, RandomState instance or None, default=None
        Seeds the detection and every `random_state` that `estimator` or `detector` leave at None.
        Seeds that are set are kept.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted on the treated rows.
    detector_ : detector object
        The fitted detector: `noise_score_`, `y_suggested_` and more are there.
    noise_proba_ : ndarray of shape (n,)
        Probability that the target of a training row is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Training rows that were mostly or wholly replaced.
    y_relabeled_ : ndarray of shape (n,)
        The target of each training row that the last fit was given.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    FilterRegressor : Drops suspect rows.
    ReweightRegressor : Weighs them down.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy import RelabelRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> y_wrong = y.copy()
    >>> y_wrong[::20] *= 10  # a misplaced decimal point in every 20th row
    >>> y_better = RelabelRegressor(Ridge(), random_state=0).fit(X, y_wrong).y_relabeled_
    >>> bool(abs(y_better - y).mean() < abs(y_wrong - y).mean())
    True
    """

    _needs = ("y_suggested_",)
    _parameter_constraints: dict = {
        **BaseTreatmentRegressor._parameter_constraints,
        "mode": [StrOptions({"hard", "soft"})],
        "confidence": [Interval(Real, 0, 1, closed="both")],
    }

    y_relabeled_: Array

    def __init__(
        self,
        estimator: Estimator,
        detector: Detector | None = None,
        *,
        mode: Literal["hard", "soft"] = "soft",
        confidence: float = 0.8,
        contamination: Contamination | None = None,
        weight_strategy: Literal["native", "resample"] = "native",
        max_share: float = 0.5,
        memory: MemoryLike | None = None,
        max_samples: int | float | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.detector = detector
        self.mode = mode
        self.confidence = confidence
        self.contamination = contamination
        self.weight_strategy = weight_strategy
        self.max_share = max_share
        self.memory = memory
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_before_detection(self):
        own = own_loss(self.estimator)
        if not own.is_central:
            raise ValueError(
                f"RelabelRegressor cannot correct targets for {type(self.estimator).__name__}, "
                f"which is fitted for the {own.name}: what is predicted for a row is then no guess "
                "of its target. Use FilterRegressor or ReweightRegressor."
            )

    def _treat(self, case):
        y = case.target.y
        suggested = np.asarray(case.detector.y_suggested_)
        if self.mode == "hard":
            changed = self._flagged(case, case.noise_mask & (case.noise_proba >= self.confidence))
            share = changed.astype(float)
        else:
            share = np.where(case.untouchable, 0.0, case.noise_proba)
            mostly = share > 0.5
            share[mostly & ~self._flagged(case, mostly)] = 0.0
            changed = share > 0
        y_better = y
        if changed.any():
            y_better = np.where(changed, (1 - share) * y + share * suggested, y)
            y_better = y_better.astype(y.dtype if y.dtype.kind == "f" else np.float64)
            if own_loss(self.estimator).is_bounded:
                y_better = np.maximum(y_better, y.min())
        return Treated(
            rows=None,
            y=y_better,
            sample_weight=case.sample_weight,
            noise_mask=changed & (share > 0.5) & (suggested != y),
            attributes={"y_relabeled_": y_better},
        )

    def _trace(self):
        return {"relabeled": self.y_relabeled_}
