"""Weigh suspect rows down."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._typing import (
    Contamination,
    Detector,
    Estimator,
    FloatArray,
    MemoryLike,
    RandomStateLike,
)
from sknoisy.treatment._base import BaseTreatmentClassifier, BaseTreatmentRegressor
from sknoisy.treatment._stream import PartialFitMixin
from sknoisy.treatment._treated import Treated


class _Reweight(PartialFitMixin):
    """What is done about suspect rows of either kind."""

    _own_parameters: dict = {  # noqa: RUF012
        "temper": [Interval(Real, 0, None, closed="neither")],
        "floor": [Interval(Real, 0, 1, closed="both")],
    }

    def _check_before_detection(self):
        check_takes_weights(self.estimator, self.weight_strategy, "reweighting needs it")

    def _treat(self, case):
        weight = np.maximum((1.0 - case.noise_proba) ** self.temper, self.floor)
        weight[case.untouchable] = 1.0
        given = case.sample_weight
        if not (weight if given is None else weight * given).any():
            raise ValueError(
                "Every row of positive sample_weight has been given weight zero: set floor > 0."
            )
        return Treated.of(
            case.evidence,
            # weights that are all one are no weights: the plain model, exactly
            weight=None if (weight == 1.0).all() else weight,
            noise_mask=case.noise_mask & ~case.untouchable,
            attributes={"sample_weight_": weight},
        )

    def _trace(self):
        return {"weight": self.sample_weight_}


class ReweightClassifier(_Reweight, BaseTreatmentClassifier):
    """Classifier in which rows with suspect labels weigh less.

    A row's weight is the probability that its label is right, tempered and floored.

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
    temper : float > 0, default=1.0
        Power of the weight: above 1 sharpens, below 1 softens.
    floor : float in [0, 1], default=0.0
        No row weighs less than this.
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
        Training rows that are flagged. Weights follow `noise_proba_`, of all rows alike.
    sample_weight_ : ndarray of shape (n,)
        The computed weight of each training row, in [0, 1], before it was multiplied with the
        weights given to `fit`.
    n_rows_seen_, n_rows_flagged_ : int
        After `partial_fit`: rows of all chunks so far, and those of them that were treated.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    FilterClassifier : Drops suspect rows.
    RelabelClassifier : Corrects them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy import ReweightClassifier
    >>> from sknoisy.datasets import symmetric_noise
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> model = ReweightClassifier(LogisticRegression(max_iter=1000), random_state=0)
    >>> weight = model.fit(X, y_noisy).sample_weight_
    >>> bool(weight[wrong].mean() < 0.5 < weight[~wrong].mean())
    True
    """

    _parameter_constraints: dict = {
        **BaseTreatmentClassifier._parameter_constraints,
        **_Reweight._own_parameters,
    }

    sample_weight_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        detector: Detector | None = None,
        *,
        temper: float = 1.0,
        floor: float = 0.0,
        contamination: Contamination | None = None,
        weight_strategy: Literal["native", "resample"] = "native",
        min_per_class: int = 5,
        calibrate: bool = True,
        memory: MemoryLike | None = None,
        max_samples: int | float | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.detector = detector
        self.temper = temper
        self.floor = floor
        self.contamination = contamination
        self.weight_strategy = weight_strategy
        self.min_per_class = min_per_class
        self.calibrate = calibrate
        self.memory = memory
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state


class ReweightRegressor(_Reweight, BaseTreatmentRegressor):
    """Regressor in which rows with suspect targets weigh less.

    A row's weight is the probability that its target is right, tempered and floored.

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
    temper : float > 0, default=1.0
        Power of the weight: above 1 sharpens, below 1 softens.
    floor : float in [0, 1], default=0.0
        No row weighs less than this.
    contamination : {"auto"}, float in [0, 0.5], threshold object or None, default=None
        How many rows are suspect; takes the place of the detector's own `contamination`. None
        leaves the detector's. 0 flags nothing, which is the plain model exactly (of the same
        seed); the detection is still made, see `memory`.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
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
        Training rows that are flagged. Weights follow `noise_proba_`, of all rows alike.
    sample_weight_ : ndarray of shape (n,)
        The computed weight of each training row, in [0, 1], before it was multiplied with the
        weights given to `fit`.
    n_rows_seen_, n_rows_flagged_ : int
        After `partial_fit`: rows of all chunks so far, and those of them that were treated.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    FilterRegressor : Drops suspect rows.
    RelabelRegressor : Corrects them.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy import ReweightRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> y[::20] *= 10  # a misplaced decimal point in every 20th row
    >>> weight = ReweightRegressor(Ridge(), random_state=0).fit(X, y).sample_weight_
    >>> bool(weight[::20].mean() < 0.2 < 0.8 < weight[1::20].mean())
    True
    """

    _parameter_constraints: dict = {
        **BaseTreatmentRegressor._parameter_constraints,
        **_Reweight._own_parameters,
    }

    sample_weight_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        detector: Detector | None = None,
        *,
        temper: float = 1.0,
        floor: float = 0.0,
        contamination: Contamination | None = None,
        weight_strategy: Literal["native", "resample"] = "native",
        memory: MemoryLike | None = None,
        max_samples: int | float | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.detector = detector
        self.temper = temper
        self.floor = floor
        self.contamination = contamination
        self.weight_strategy = weight_strategy
        self.memory = memory
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state
