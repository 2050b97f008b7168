"""Drop suspect rows."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sknoisy._typing import Array, Contamination, Detector, Estimator, MemoryLike, RandomStateLike
from sknoisy.treatment._base import BaseTreatmentClassifier, BaseTreatmentRegressor
from sknoisy.treatment._stream import PartialFitMixin
from sknoisy.treatment._treated import Treated


class _Filter(PartialFitMixin):
    """What is done about suspect rows of either kind."""

    def _treat(self, case):
        dropped = self._flagged(case)
        kept = np.flatnonzero(~dropped)
        return Treated.of(
            case.evidence,
            kept if dropped.any() else None,
            noise_mask=dropped,
            attributes={"sample_indices_": kept},
        )

    def _trace(self):
        return {"treatment": np.where(self.noise_mask_, "dropped", "kept")}


class FilterClassifier(_Filter, BaseTreatmentClassifier):
    """Classifier that is fitted without the rows whose labels look wrong.

    `predict` is the wrapped model's own and never drops a row.

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
        No more than this share of the rows is dropped; the most suspect first.
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
        Training rows that were dropped.
    sample_indices_ : ndarray of shape (n_kept,)
        Training rows that were kept, in order.
    n_rows_seen_, n_rows_flagged_ : int
        After `partial_fit`: rows of all chunks so far, and those of them that were treated.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    ReweightClassifier : Weighs suspect rows down.
    RelabelClassifier : Corrects them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy import FilterClassifier
    >>> from sknoisy.datasets import symmetric_noise
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> model = FilterClassifier(LogisticRegression(max_iter=1000), random_state=0)
    >>> _ = model.fit(X, y_noisy)
    >>> bool(wrong[model.noise_mask_].mean() > 0.6)  # most of what it drops is wrong
    True
    """

    sample_indices_: Array

    def __init__(
        self,
        estimator: Estimator,
        detector: Detector | None = None,
        *,
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
        self.contamination = contamination
        self.weight_strategy = weight_strategy
        self.min_per_class = min_per_class
        self.calibrate = calibrate
        self.max_share = max_share
        self.memory = memory
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state


class FilterRegressor(_Filter, BaseTreatmentRegressor):
    """Regressor that is fitted without the rows whose targets look wrong.

    `predict` is the wrapped model's own and never drops a row.

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
    contamination : {"auto"}, float in [0, 0.5], threshold object or None, default=None
        How many rows are suspect; takes the place of the detector's own `contamination`. None
        leaves the detector's. 0 flags nothing, which is the plain model exactly (of the same
        seed); the detection is still made, see `memory`.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    max_share : float in [0, 1), default=0.5
        No more than this share of the rows is dropped; the most suspect first.
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
        Training rows that were dropped.
    sample_indices_ : ndarray of shape (n_kept,)
        Training rows that were kept, in order.
    n_rows_seen_, n_rows_flagged_ : int
        After `partial_fit`: rows of all chunks so far, and those of them that were treated.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    ReweightRegressor : Weighs suspect rows down.
    RelabelRegressor : Corrects them.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy import FilterRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> y[::20] *= 10  # a misplaced decimal point in every 20th row
    >>> model = FilterRegressor(Ridge(), random_state=0).fit(X, y)
    >>> bool(model.noise_mask_[::20].mean() > 0.9)
    True
    """

    sample_indices_: Array

    def __init__(
        self,
        estimator: Estimator,
        detector: Detector | None = None,
        *,
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
        self.contamination = contamination
        self.weight_strategy = weight_strategy
        self.max_share = max_share
        self.memory = memory
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state
