"""The whole of `fit`, for all treatments."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, Self

import joblib
import numpy as np
import pandas as pd
from sklearn.base import (
    clone,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_memory

from sknoisy._evidence import Evidence, check_reusable
from sknoisy._evidence._arrays import container, foreign_as_numpy
from sknoisy._evidence._failures import warn_of_part
from sknoisy._evidence._fitting import (
    IsModel,
    asked_by,
    check_kind,
    check_meaning,
    check_takes_weights,
)
from sknoisy._evidence._own import NAMES as OWN
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._limits import limit_mask, untouchable_rows
from sknoisy._progress import part_of_fit, whole_fit
from sknoisy._report import noise_report
from sknoisy._temperature import fit_temperature
from sknoisy._typing import ArrayLike, BoolArray, FloatArray, MatrixLike
from sknoisy._wrapper import BaseWrapper, WrappedClassifier, WrappedRegressor
from sknoisy.detection import ConfidentLearning, Residual
from sknoisy.detection._base import CONTAMINATION, MAX_SAMPLES, BaseDetector
from sknoisy.exceptions import RareClassWarning
from sknoisy.threshold._base import checked_verdict
from sknoisy.treatment._held_out import N_FOLDS, enough_folds, held_out_proba
from sknoisy.treatment._treated import Case, fit_treated

LEAST_ROWS = 100  # fewer cannot tell how sure a model may be
ENOUGH_FOR_ONE = 200  # rows to be held out, for the one number of a temperature
PARTS = ("detection", "treatment", "calibration", "last fit")  # of a fit, as callbacks are told
LITTLE = 0.02  # share of treated rows below which probabilities stay the model's own


class BaseTreatment(BaseWrapper, ABC):
    """Base class of treatments: a subclass writes `_treat(case)`."""

    __metadata_request__fit = dict.fromkeys(("groups", "trusted", *OWN), True)  # noqa: RUF012
    _task: str
    _needs: tuple = ()  # what `_treat` asks of a detector beyond score, probability and mask
    _parameter_constraints: dict = {
        "estimator": [IsModel()],
        "detector": [HasMethods(["fit"]), None],
        "contamination": [*CONTAMINATION, None],
        "weight_strategy": [StrOptions({"native", "resample"})],
        "max_share": [Interval(Real, 0, 1, closed="left")],
        "memory": [str, HasMethods(["cache"]), None],
        "max_samples": MAX_SAMPLES,
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    detector_: Any
    noise_proba_: FloatArray
    noise_mask_: BoolArray

    # ------------------------------------------------------------------ fit

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        predicted: ArrayLike | None = None,
        stages: ArrayLike | None = None,
        features: MatrixLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Find the suspect rows, treat them, and fit the estimator on the outcome.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Given labels or numbers.
        sample_weight : array-like of shape (n,), default=None
            Multiplied with any weight computed here, sliced with the rows, and passed to every
            fit, those of the detection included.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in the cross-fitting of the detection. So do copies,
            rows that are equal in all features, whether groups are given or not.
        trusted : array-like of shape (n,) of bool, default=None
            Rows known to be right: they are never flagged and never changed.
        predicted : array-like of shape (n, K) or (n,), or DataFrame, default=None
            Class probabilities or numbers that were predicted elsewhere, by models that have not
            seen the row. Columns are in the order of the sorted labels, or have their names. With
            `predicted` or `stages`, the detection fits no model.
        stages : array-like of shape (n, S, K) or (n, S), default=None
            What a model that was trained elsewhere said at S stages of its training; for detectors
            that watch the training, see their `fit`.
        features : array-like or sparse matrix of shape (n, d), default=None
            The rows in another form, such as embeddings, for detectors that compare rows.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        self._validate_params()
        check_kind(self.estimator, self._task, type(self).__name__)
        params, weight = self._route(sample_weight, fit_params)
        why = "sample_weight was given"
        if weight is not None:
            check_takes_weights(self.estimator, self.weight_strategy, why)
        self._check_before_detection()
        evidence = Evidence(
            X,
            y,
            task=self._task,
            sample_weight=weight,
            groups=groups,
            trusted=trusted,
            fit_params=params,
            weight_strategy=self.weight_strategy,
            own={"predicted": predicted, "stages": stages, "features": features},
        )
        check_meaning(self.estimator, evidence.target.y, params)
        with whole_fit(self, X, y, len(PARTS)):
            with part_of_fit("detection"):
                detector = self._detect(evidence)
            case = self._case(evidence, detector)
            with part_of_fit("treatment"):
                treated = self._treat(case)
            self._finish(evidence, case, treated)
        return self

    def _check_before_detection(self):
        """A place to refuse early what the treatment cannot do with this estimator."""

    # ------------------------------------------------------------------ detection

    def _make_detector(self):
        detector = self._default_detector() if self.detector is None else self.detector
        if isinstance(detector, type):
            raise TypeError(
                f"{type(self).__name__} needs a detector object, got the class "
                f"{detector.__name__}: write {detector.__name__}()."
            )
        task = getattr(detector, "_task", "both")  # also that of a detector in FrozenEstimator
        if task not in ("both", self._task):
            raise TypeError(
                f"{_name(detector)} is a detector for {task}, "
                f"{type(self).__name__} is for {self._task}."
            )
        is_ours = isinstance(detector, BaseDetector)
        own = detector.get_params(deep=False) if is_ours else {}
        if self.max_samples is not None and "max_samples" not in own:
            raise ValueError(
                f"{_name(detector)} has no parameter max_samples: leave max_samples of "
                f"{type(self).__name__} at None, or choose ConfidentLearning or Residual."
            )
        if not is_ours:  # a frozen or foreign one decides for itself
            return clone(detector)
        detector = detector._with_estimator(self.estimator)
        if self.contamination is not None:
            name = f"contamination={type(self.contamination).__name__}"
            check_reusable(getattr(self.contamination, "cv", None), name)
            detector.set_params(contamination=deepcopy(self.contamination))
        handed_down = {
            "max_samples": self.max_samples,
            "n_jobs": self.n_jobs,
            "random_state": self._seed(),
        }
        for name, value in handed_down.items():
            if name in own and own[name] is None:
                detector.set_params(**{name: value})
        return detector

    def _detect(self, evidence):
        detector = self._make_detector()
        inputs = evidence.inputs
        if not isinstance(detector, BaseDetector):
            if self.contamination is not None:
                raise ValueError(
                    f"{_name(detector)} decides for itself how many rows are suspect: "
                    "leave contamination at None."
                )
            if evidence.own is not None:
                raise ValueError(
                    f"{_name(detector)} makes its own evidence: {' and '.join(evidence.own.given)} "
                    "cannot be given to it."
                )
            return detector.fit(inputs.X, inputs.y, **asked_by(detector, **evidence.metadata))
        detector._validate_params()
        models = [getattr(self.detector, name, None) for name in ("estimator", "estimators")]
        if models != [None, None]:
            evidence = evidence.without_fit_params()  # those are for the wrapped model alone
            inputs = evidence.inputs
        # What was found does not depend on how much of it will be flagged, so the cache must not.
        finder = clone(detector).set_params(contamination="auto")
        memory = check_memory(self.memory)
        if getattr(memory, "location", memory) is None:
            finding = finder._look(evidence)
        else:
            if "n_jobs" in finder.get_params(deep=False):
                finder.set_params(n_jobs=None)
            asked = {
                "finder": finder,
                "task": self._task,
                "X": inputs.X,
                "y": inputs.y,
                "sample_weight": inputs.sample_weight,
                "groups": inputs.groups,
                "trusted": evidence.trusted,
                "fit_params": inputs.fit_params,
                "weight_strategy": inputs.weight_strategy,
                "own": evidence.own_as_given,
            }
            find = memory.cache(_find_again, ignore=["n_jobs"])
            try:
                finding = find(**asked, n_jobs=getattr(detector, "n_jobs", None))
            except Exception as error:
                _check_can_be_known(asked, error)
                raise
        return detector._conclude(evidence, finding)

    def _case(self, evidence, detector):
        needed = ["noise_proba_", "noise_mask_", "noise_score_", *self._needs]
        absent = [name for name in needed if not hasattr(detector, name)]
        if absent:
            raise TypeError(
                f"{type(self).__name__} needs {', '.join(absent)} of its detector, and "
                f"{_name(detector)} does not set that in fit."
            )
        n, target = evidence.n_rows, evidence.target
        score = np.asarray(detector.noise_score_, dtype=float)
        if score.shape != (n,):
            raise ValueError(
                f"The detector knows {len(score)} rows, fit got {n}: a frozen detector serves only "
                "the rows it was fitted on."
            )
        proba, mask = checked_verdict(detector, ~np.isnan(score), _name(detector))
        seen = getattr(detector, "_target", None)
        if seen is not None and (seen.task != target.task or not np.array_equal(seen.y, target.y)):
            raise ValueError(
                "The detector was fitted on another y: a frozen detector serves only the rows it "
                "was fitted on, in the same order."
            )
        weight = evidence.inputs.sample_weight
        proba = np.where(evidence.trusted, 0.0, proba)
        untouchable = evidence.trusted | untouchable_rows(
            proba, score, target.codes, getattr(self, "min_per_class", 0), weight
        )
        mask = mask & ~evidence.trusted
        return Case(evidence, target, weight, detector, proba, mask, score, untouchable)

    def _flagged(self, case, mask=None):
        """Rows this treatment may act on."""
        target = case.target
        return limit_mask(
            case.noise_mask if mask is None else mask,
            case.noise_proba,
            case.score,
            case.untouchable,
            self.max_share,
            target.classes,
            target.codes,
        )

    @abstractmethod
    def _treat(self, case):
        """`Case` to `Treated`: which rows, targets and weights the last fit sees."""

    # ------------------------------------------------------------------ the last fit

    def _finish(self, evidence, case, treated):
        evidence.forget()
        purpose = "to what its treatment leaves of the rows"
        how = {"weight_strategy": self.weight_strategy, "purpose": purpose}
        model = fit_treated(self.estimator, evidence, treated, random_state=self._seed(), **how)
        fitted = {
            "estimator_": model,
            "detector_": case.detector,
            "noise_proba_": case.noise_proba,
            "noise_mask_": treated.noise_mask,
            "_flagged_rows": case.noise_mask,
            **treated.attributes,
        }
        if case.target.is_labels:
            fitted["classes_"] = case.target.classes
        fitted |= model_attributes(model)
        # Only now, when nothing can fail any more, is this object changed.
        replace_fitted(self, fitted)

    # ------------------------------------------------------------------ after fit

    def noise_report(self, X: MatrixLike, y: ArrayLike) -> pd.DataFrame:
        """Table of the training rows, worst first.

        Parameters
        ----------
        X, y
            What `fit` got.

        Returns
        -------
        DataFrame
            Index: that of X, else of y, else the row number. Columns: `row` (position), `given`,
            `suggested`, `probability` (that the given target is wrong), `score`, `flagged` (by the
            detector; `noise_mask_` says on which rows the treatment acted), `reason`, and what this
            treatment did with the row.
        """
        check_is_fitted(self)
        return noise_report(
            self.detector_,
            container(X),
            foreign_as_numpy(y, "y"),
            noise_proba=self.noise_proba_,
            noise_mask=self._flagged_rows,
            **self._trace(),
        )

    def _trace(self):
        """Columns that the treatment adds to the report."""
        return {}


def _name(detector):
    """Class name of a detector, frozen or not."""
    frozen = isinstance(detector, FrozenEstimator)
    return type(detector.estimator if frozen else detector).__name__


def _check_can_be_known(asked, error):
    """Say by name what a cache cannot tell from others, if that is why it failed."""
    names = [name for name in asked if not _has_hash(asked[name])]
    if not names:
        return
    what, name = asked[names[0]], names[0]
    if name == "finder":
        what, name = _culprit(what, type(what).__name__)
    raise TypeError(
        f"memory cannot keep what was found: it knows it again by all that went in, and {name} "
        f"({str(what)[:80]}) cannot be pickled. Define it by name in a module (def in place of "
        "lambda), or leave memory at None."
    ) from error


def _culprit(thing, name):
    """(part, name of it): the innermost parameter of an estimator that cannot be pickled."""
    params = thing.get_params(deep=True) if hasattr(thing, "get_params") else {}
    parts = [key for key in params if not _has_hash(params[key])]
    if not parts:
        return thing, name
    key = max(parts, key=lambda key: key.count("__"))
    return params[key], f"{key} of {name}"


def _has_hash(thing):
    try:
        joblib.hash(thing)
    except Exception:  # PicklingError, TypeError, AttributeError, whatever a part raises
        return False
    return True


def _find_again(
    finder, task, X, y, sample_weight, groups, trusted, fit_params, weight_strategy, own, n_jobs
):
    """Detection as a function of its inputs alone, which is what a cache needs."""
    if "n_jobs" in finder.get_params(deep=False):
        finder.set_params(n_jobs=n_jobs)
    evidence = Evidence(
        X,
        y,
        task=task,
        sample_weight=sample_weight,
        groups=groups,
        trusted=trusted,
        fit_params=fit_params,
        weight_strategy=weight_strategy,
        own=own,
    )
    return finder._look(evidence)


class BaseTreatmentClassifier(WrappedClassifier, BaseTreatment):
    """What a treatment of a classifier has in addition."""

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseTreatment._parameter_constraints,
        "min_per_class": [Interval(Integral, 1, None, closed="left")],
        "calibrate": ["boolean"],
    }

    temperature_: float

    def _default_detector(self):
        return ConfidentLearning(bounded=True)

    def _finish(self, evidence, case, treated):
        if "temperature_" not in treated.attributes:
            treated.attributes["temperature_"] = self._temperature(evidence, case, treated)
        super()._finish(evidence, case, treated)

    def _temperature(self, evidence, case, treated):
        """How much less sure the treated model may be; 1 where that is not asked, or nothing is."""
        if not self.calibrate or not hasattr(self.estimator, "predict_proba"):
            return 1.0
        if evidence.n_rows < LEAST_ROWS:
            return 1.0
        weighed_down = 1.0 - np.mean(treated.attributes.get("sample_weight_", 1.0))
        if max(treated.noise_mask.mean(), weighed_down) < LITTLE:  # much like the plain model
            return 1.0
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        try:
            with part_of_fit("calibration"), warnings.catch_warnings():
                warnings.simplefilter("ignore", RareClassWarning)  # they have been named already
                [folds] = evidence.splits(N_FOLDS, random_state=how["random_state"])
                folds = enough_folds(folds, ENOUGH_FOR_ONE)
                proba = held_out_proba(self.estimator, evidence, {"treated": treated}, folds, **how)
        except Exception as error:
            consequence = "and its probabilities are not calibrated"
            warn_of_part(error, self.estimator, consequence, stacklevel=4)
            return 1.0
        given = np.eye(len(case.target.classes))[case.target.codes]
        return fit_temperature(proba["treated"], given)


class BaseTreatmentRegressor(WrappedRegressor, BaseTreatment):
    """What a treatment of a regressor has in addition."""

    _task = "regression"

    def _default_detector(self):
        return Residual()
