"""The contract of all detectors."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from sknoisy._evidence import (
    Evidence,
    check_reusable,
    is_continuous,
    take_rows,
)
from sknoisy._evidence._arrays import container, explained, foreign_as_numpy
from sknoisy._evidence._fitting import IsModel, asked_by, check_kind, check_meaning, seeded_clone
from sknoisy._evidence._knowledge import knowledge, no_more_than_chance
from sknoisy._evidence._responses import blocks, is_judged, likeliest
from sknoisy._evidence._table import default_model
from sknoisy._fitted import PlainState, replace_fitted, seen_features
from sknoisy._limits import untouchable_rows
from sknoisy._notebook import NotebookView
from sknoisy._progress import CallbackSupportMixin, fit_of, whole_fit
from sknoisy._report import noise_report
from sknoisy._typing import Array, ArrayLike, BoolArray, FloatArray, IntArray, MatrixLike
from sknoisy.exceptions import NothingJudgedWarning, NothingKnownWarning
from sknoisy.threshold import ConfidentJointCount, FixedRate, MixturePosterior, NoiseCount
from sknoisy.threshold._base import checked_verdict, verdict_sentence

HARDLY = 1e-3  # of its probability of being wrong is left to a row of which nothing is known
MUCH = 1e100  # beyond it, sums of squares of scores are at risk


@dataclass
class Finding:
    """What a detector's method says, before any threshold: what `_find` of a detector returns.

    Parameters
    ----------
    score : ndarray of shape (n,)
        Higher is more suspect; NaN means not judged.
    suggestion : ndarray of shape (n, K) or (n,), default=None
        Out-of-sample class probabilities, or numbers: what the target should be by the evidence.
        A row of NaN where there is no evidence. None when the row is suspected rather than its
        target: every row keeps the given one.
    noise_proba, mask : ndarray of shape (n,), default=None
        The method's own rule, used with `contamination="auto"`.
    label_proba : ndarray of shape (n, K), default=None
        The method's own posterior, used with `contamination="auto"`.
    chosen : bool, default=False
        Whether the rule of `mask` is one that the user asked for by a parameter of the method, so
        that it holds whatever the class says of `contamination="auto"`.
    known_by : ndarray, default=None
        Out-of-sample predictions which tell whether anything is known of the targets; None means
        those of `suggestion`.
    attributes : dict, default={}
        Further fitted attributes of the detector, by name.

    See Also
    --------
    BaseDetector : What a detector is made of, with an example.
    """

    score: np.ndarray
    suggestion: np.ndarray | None = None
    noise_proba: np.ndarray | None = None
    mask: np.ndarray | None = None
    label_proba: np.ndarray | None = None
    chosen: bool = False
    known_by: np.ndarray | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Which rows are suspect, and how that was decided.

    Attributes
    ----------
    proba, mask : ndarray of shape (n,)
    reason : str
    label_proba : ndarray of shape (n, K), optional
    attributes : dict
        Fitted attributes of the detector that come of it.
    """

    proba: np.ndarray
    mask: np.ndarray
    reason: str
    label_proba: np.ndarray | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


CONTAMINATION = [
    StrOptions({"auto", "own"}),
    Interval(Real, 0, 0.5, closed="both"),
    HasMethods(["fit"]),
]
MAX_SAMPLES = [
    Interval(Integral, 2, None, closed="left"),
    Interval(RealNotInt, 0, 1, closed="right"),
    None,
]
CV = [Interval(Integral, 2, None, closed="left"), HasMethods(["split"]), "array-like", None]


class BaseDetector(CallbackSupportMixin, NotebookView, PlainState, BaseEstimator, ABC):
    """Base class of detectors.

    A subclass writes `_find(evidence)`, which returns a `Finding`, and, if it likes,
    `_reason(row)`, a short sentence. Everything else, from the checks to the threshold, is here.

    See Also
    --------
    Finding : What `_find` returns.

    Examples
    --------
    Numbers that are far from those of the nearest rows:

    >>> import numpy as np
    >>> from sknoisy.detection import BaseDetector, Finding
    >>> class FarFromNeighbors(BaseDetector):
    ...     _task, _takes = "regression", ("features",)
    ...     _auto, _suggests_unseen = "count", True
    ...     def __init__(self, *, n_neighbors=5, contamination="auto"):
    ...         self.n_neighbors, self.contamination = n_neighbors, contamination
    ...     def _find(self, evidence):
    ...         y = evidence.target.y.astype(float)
    ...         near = evidence.neighbors(n_neighbors=self.n_neighbors).indices
    ...         usual = np.median(y[near], axis=1)
    ...         return Finding(score=np.abs(y - usual), suggestion=usual)
    >>> X = np.linspace(0, 1, 200)[:, None]
    >>> y = np.sin(5 * X[:, 0]) + 0.05 * np.random.default_rng(0).normal(size=200)
    >>> y[[30, 150]] += 2
    >>> FarFromNeighbors().fit(X, y).noise_mask_.nonzero()[0].tolist()
    [30, 150]
    """

    _task = "classification"  # or "regression", or "both"
    # What `contamination="auto"` means: the method's own rule, or `NoiseCount` where the paper has
    # none or one that does not hold
    _auto = "own"
    # Whether `Finding.suggestion` is of models that have not seen the row, and so can be counted by
    _suggests_unseen = False
    # whether the score of numbers is in their unit, or its square, rather than in no unit at all
    _score_has_unit = False
    # what that was made elsewhere it can do with, so that nothing is fitted
    _takes: tuple = ()
    _assumes = ""  # what must hold for the method to work, in a few words; for the table of methods
    # `estimator` is the only parameter that every detector with a model has; None is filled in
    _parameter_constraints: dict = {
        "estimator": [IsModel(), None],
        "contamination": CONTAMINATION,
        "cv": CV,
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    noise_score_: FloatArray
    noise_proba_: FloatArray
    noise_mask_: BoolArray
    y_suggested_: Array
    reason_: str
    label_proba_: FloatArray
    classes_: Array
    n_features_in_: int
    feature_names_in_: Array
    threshold_: Any
    evidence_p_value_: float
    unknown_classes_: Array

    # ------------------------------------------------------------------ public

    def fit(
        self,
        X: MatrixLike | None,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        predicted: ArrayLike | None = None,
        stages: ArrayLike | None = None,
        features: MatrixLike | None = None,
    ) -> Self:
        """Find the suspect rows of a training set.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows, or None
            Whatever the estimator takes; it is only row-indexed here. None where what is needed of
            it was made elsewhere.
        y : array-like of shape (n,)
            Given labels or numbers.
        sample_weight : array-like of shape (n,), default=None
            Weights of the models that make the evidence. Counts and thresholds are unweighted.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in cross-fitting. So do copies, rows that are equal in
            all features, whether groups are given or not.
        trusted : array-like of shape (n,) of bool, default=None
            Rows known to be right: they are never flagged.
        predicted : array-like of shape (n, K) or (n,), or DataFrame, default=None
            Class probabilities or numbers that were predicted elsewhere, by models that have not
            seen the row. Columns are in the order of the sorted labels, or have their names. A row
            of NaN was not judged. With `predicted` or `stages`, no model is fitted here.
        stages : array-like of shape (n, S, K) or (n, S), default=None
            What a model that was trained elsewhere said of each row at S stages (epochs) of its
            training: class probabilities, or losses of the given label (natural logarithm); or
            predicted numbers.
        features : array-like or sparse matrix of shape (n, d), default=None
            The rows in another form, such as embeddings, where rows are compared.

        Returns
        -------
        self : object
        """
        self._validate_params()
        with whole_fit(self, X, y):
            evidence = Evidence(
                X,
                y,
                task=self._which_task(y),
                sample_weight=sample_weight,
                groups=groups,
                trusted=trusted,
                own={"predicted": predicted, "stages": stages, "features": features},
            )
            return self._conclude(evidence, self._look(evidence))

    def fit_resample(self, X: MatrixLike, y: ArrayLike, **fit_params: Any) -> tuple[Any, Any]:
        """Find the suspect rows and return the others.

        This is the interface of imbalanced-learn's samplers. The least suspect row of each class
        is kept in any case.

        Parameters
        ----------
        X, y, **fit_params
            As in `fit`.

        Returns
        -------
        X_kept, y_kept : the rows that are not flagged, in containers of the given types
        """
        self.fit(X, y, **fit_params)
        return take_rows(X, self.sample_indices_), take_rows(y, self.sample_indices_)

    @property
    def sample_indices_(self) -> IntArray:
        """Rows that `fit_resample` keeps."""
        check_is_fitted(self)
        codes = self._target.codes
        keep = untouchable_rows(self.noise_proba_, self.noise_score_, codes, 1)
        return np.flatnonzero(~self.noise_mask_ | keep)

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
            `suggested`, `probability` (that the given target is wrong), `score`, `flagged` and
            `reason`.
        """
        check_is_fitted(self)
        return noise_report(self, container(X), foreign_as_numpy(y, "y"))

    # ------------------------------------------------------------------ for subclasses

    @abstractmethod
    def _find(self, evidence):
        """The method itself: `Evidence` to `Finding`."""

    def _look(self, evidence, *, alone=True):
        """`_find`, if this method can do with what was made elsewhere.

        One of several detectors (not `alone`) need not make use of all of it.
        """
        own = evidence.own
        if own is not None:
            taken = [name for name in own.given if name in self._takes]
            if not taken or (alone and len(taken) < len(own.given)):
                others = " and ".join(name for name in own.given if name not in self._takes)
                takes = " and ".join(self._takes) or "nothing that was made elsewhere"
                raise ValueError(
                    f"{type(self).__name__} makes no use of {others}: it takes {takes}. Of the "
                    "other detectors, ConfidentLearning (labels) and Residual (numbers) take "
                    "predicted, DatasetMap stages, and NeighborDisagreement features."
                )
        with explained(evidence.inputs.X, self):
            finding = self._find(evidence)
        if own is not None and own.names_no_label:
            finding.suggestion = finding.label_proba = None
        return finding

    def _reason(self, row):
        """Why a row is suspect, in one short sentence."""
        return f"score {self.noise_score_[row]:.3g}"

    def _model(self, evidence):
        """The estimator that makes the evidence."""
        if self.estimator is None:
            return self._default_model(evidence)
        check_kind(self.estimator, evidence.task, type(self).__name__)
        check_meaning(self.estimator, evidence.target.y, None)
        return self.estimator

    def _predicted(self, evidence):
        """What is said of rows by models that have not seen them, to count the wrong ones by."""
        how = {name: getattr(self, name, None) for name in ("cv", "max_samples", "n_jobs")}
        # a method that draws nothing has no seed, and its verdict is to be the same each time
        how["random_state"] = getattr(self, "random_state", 0)
        model = self._model(evidence) if hasattr(self, "estimator") else default_model(evidence)
        return evidence.responses(model, **how).values

    def _default_model(self, evidence):
        """The model when none is given."""
        return default_model(evidence)

    def _with_estimator(self, estimator):
        """Clone in which `estimator` takes the place of a model left at None."""
        detector = clone(self)
        if "estimator" in detector.get_params(deep=False) and detector.estimator is None:
            detector.set_params(estimator=clone(estimator))
        return detector

    def _which_task(self, y):
        if self._task != "both":
            return self._task
        estimator = getattr(self, "estimator", None)
        if estimator is not None and is_classifier(estimator):
            return "classification"
        if estimator is not None and is_regressor(estimator):
            return "regression"
        return "regression" if is_continuous(y) else "classification"

    # ------------------------------------------------------------------ from score to verdict

    def _conclude(self, evidence, finding):
        """Apply the threshold to a finding and set the fitted attributes, all at once."""
        target = evidence.target
        score = np.asarray(finding.score, dtype=float)
        if np.isnan(score).all():
            warnings.warn(
                f"{type(self).__name__} could judge no row, and flags none: "
                f"{evidence.why_nobody_is_judged()}.",
                NothingJudgedWarning,
                stacklevel=3,
            )
        predicted = finding.suggestion if self._suggests_unseen else None
        if self._by_own_rule(finding) and finding.mask is not None:
            verdict = _own_verdict(finding, score, evidence.trusted)
        else:
            threshold = self._threshold(finding, target)
            if predicted is None and has_fit_parameter(threshold, "predicted"):
                predicted = self._predicted(evidence)
            verdict = self._verdict_of(threshold, evidence, score, finding, predicted)
        if predicted is not None and not np.isnan(score).all():
            judges = predicted if finding.known_by is None else finding.known_by
            verdict = self._where_known(verdict, evidence, judges, finding.chosen)
        proba, mask, label_proba = verdict.proba, verdict.mask, verdict.label_proba
        fitted = finding.attributes | verdict.attributes | {"reason_": verdict.reason}
        if target.is_labels:
            if finding.suggestion is None:
                label_proba = np.eye(len(target.classes))[target.codes]
            elif label_proba is None:
                label_proba = _posterior(proba, finding.suggestion, target)
            else:
                label_proba = _or_given(label_proba, evidence.trusted, target)
            fitted["classes_"] = target.classes
            fitted["label_proba_"] = label_proba
            fitted["y_suggested_"] = (
                target.y.copy()
                if finding.suggestion is None
                else _suggest_labels(label_proba, mask, target)
            )
        else:
            suggested = np.full(len(score), np.nan) if finding.suggestion is None else None
            suggested = finding.suggestion if suggested is None else suggested
            dtype = target.y.dtype if target.y.dtype.kind == "f" else np.float64
            suggested = np.where(np.isnan(suggested), target.y, suggested)
            fitted["y_suggested_"] = suggested.astype(dtype)
        fitted |= {"noise_score_": score, "noise_proba_": proba, "noise_mask_": mask}
        fitted |= seen_features(evidence.inputs.X)
        # Only now, when nothing can fail any more, is this object changed.
        replace_fitted(self, {**fitted, "_target": target})
        return self

    def _verdict_of(self, threshold, evidence, score, finding, predicted):
        """`Verdict` by a threshold, which may be somebody else's."""
        unsure = np.where(evidence.trusted, np.nan, score)
        self._fit_threshold(threshold, evidence, unsure, finding, predicted)
        proba, mask = checked_verdict(threshold, ~np.isnan(unsure))
        by = f"by {type(threshold).__name__}"  # a threshold of someone else may not say
        n_judged = int((~np.isnan(unsure)).sum())
        reason = getattr(threshold, "reason_", None)
        reason = reason or verdict_sentence(mask, n_judged, by, f"none is {by}")
        return Verdict(proba, mask, reason, attributes={"threshold_": threshold})

    def _where_known(self, verdict, evidence, predicted, chosen):
        """The verdict, less what it says of targets that nobody could foretell.

        What is unpredictable looks wrong to any detector that judges by predictions. Where the user
        asks for a share of the rows, or for the method's own rule by name, he gets it all the same.
        """
        target = evidence.target
        known = knowledge(predicted, target, evidence.inputs.sample_weight)
        attributes = verdict.attributes | {"evidence_p_value_": known.p_value}
        if target.is_labels:
            attributes["unknown_classes_"] = target.classes[known.unknown_classes]
        nothing = no_more_than_chance(target.is_labels)
        if known.is_none:
            warnings.warn(
                f"{type(self).__name__}: {nothing} (p = {known.p_value:.2g}): no row can be called "
                "wrong for being unlike them. Other features or another model may know more; or y "
                "is random.",
                NothingKnownWarning,
                stacklevel=4,
            )
        verdict, asked = replace(verdict, attributes=attributes), (Real, FixedRate)
        if chosen or self.contamination == "own" or isinstance(self.contamination, asked):
            return verdict
        if known.is_none:
            rows, reason = np.ones(len(verdict.proba), dtype=bool), f"no row flagged: {nothing}"
        elif len(known.unknown_classes):
            rows = np.isin(target.codes, known.unknown_classes)
            names = [str(name) for name in attributes["unknown_classes_"]]
            shown = ", ".join(names[:10]) + (" and others" if len(names) > 10 else "")
            but = ", less" if (verdict.mask & rows).any() else "; never"
            reason = (
                f"{verdict.reason}{but} those given {shown}, of which predictions know no more "
                "than the share"
            )
        else:
            return verdict
        label_proba = verdict.label_proba
        if label_proba is not None:
            label_proba = label_proba.copy()
            label_proba[rows] *= HARDLY
            label_proba[rows, target.codes[rows]] += 1.0 - HARDLY
        return replace(
            verdict,
            proba=np.where(rows, HARDLY * verdict.proba, verdict.proba),
            mask=verdict.mask & ~rows,
            label_proba=label_proba,
            reason=reason,
        )

    def __sklearn_clone__(self):
        check_reusable(getattr(self, "cv", None), type(self).__name__)
        return super().__sklearn_clone__()

    def _validate_params(self):
        check_reusable(getattr(self, "cv", None), type(self).__name__)
        super()._validate_params()
        if isinstance(getattr(self, "estimator", None), type):
            check_kind(self.estimator, self._task, type(self).__name__)
        if isinstance(self.contamination, type) or hasattr(self.contamination, "predict"):
            raise TypeError(
                f"contamination of {type(self).__name__} must be 'auto', a share in [0, 0.5] or a "
                f"threshold object such as FixedRate(0.1), got {self.contamination!r}."
            )

    def _by_own_rule(self, finding):
        """Whether `contamination` asks for the rule that comes with the method, if it has one."""
        if not isinstance(self.contamination, str):
            return False
        return self._auto == "own" or finding.chosen or self.contamination == "own"

    def _threshold(self, finding, target):
        """The threshold that `contamination` asks for."""
        threshold = self._threshold_asked_for(finding)
        if not target.is_labels and isinstance(threshold, ConfidentJointCount):
            raise ValueError(
                "ConfidentJointCount is for class labels, and here y holds numbers: use "
                "another threshold, such as FixedRate."
            )
        if not target.is_labels and getattr(threshold, "per_class", False):
            raise ValueError(
                f"{type(threshold).__name__}(per_class=True) is for class labels, and here y "
                "holds numbers: set per_class=False."
            )
        return threshold

    def _threshold_asked_for(self, finding):
        if isinstance(self.contamination, str):
            if self.contamination == "own":
                raise ValueError(
                    f'{type(self).__name__} has no rule of its own for contamination="own": use '
                    '"auto", a share in [0, 0.5] or a threshold object.'
                )
            # without a suggestion the row is suspected, not its target, of which the count is
            counts = self._auto == "count" and finding.suggestion is not None
            return NoiseCount() if counts else MixturePosterior()
        if isinstance(self.contamination, Real):
            return FixedRate(float(self.contamination))
        seed = getattr(self, "random_state", None)
        if seed is not None:
            seed = deepcopy(seed) if isinstance(seed, np.random.RandomState) else seed
            seed = int(check_random_state(seed).randint(2**31 - 1))
        return seeded_clone(self.contamination, seed)

    def _fit_threshold(self, threshold, evidence, unsure, finding, predicted):
        """Fit a threshold, with as much of what is known here as its `fit` asks for."""
        target, trusted = evidence.target, evidence.trusted
        score, suggestion = np.asarray(finding.score, dtype=float), finding.suggestion
        class_proba = None
        if target.is_labels and suggestion is not None:
            class_proba = np.where(trusted[:, None], np.nan, suggestion)
        model = None
        if has_fit_parameter(threshold, "estimator"):
            model = self._model(evidence) if hasattr(self, "estimator") else default_model(evidence)
        asked = asked_by(
            threshold,
            groups=evidence.inputs.groups,
            trusted=evidence.metadata["trusted"],
            label_proba=class_proba,
            predicted=predicted,
            evidence=evidence,
            estimator=model,
        )
        # A trusted row is right, so it is no part of a mixture, nor of a share. A threshold that
        # knows nothing of trust does not see its score.
        seen = score if "trusted" in asked else unsure
        if self._score_has_unit and not target.is_labels:
            seen = of_middling_size(seen)
        with fit_of(threshold, "threshold", hands_on=True):
            threshold.fit(seen, target.y, **asked)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        return tags


def _own_verdict(finding, score, trusted):
    """`Verdict` by the rule that comes with the method."""
    unsure = ~np.isnan(score) & ~trusted
    proba, mask = np.where(unsure, finding.noise_proba, 0.0), finding.mask & unsure
    own = "the method's own rule"
    reason = verdict_sentence(mask, int(unsure.sum()), f"by {own}", f"none is by {own}")
    return Verdict(proba, mask, reason, finding.label_proba)


def of_middling_size(score):
    """Scores that are neither all below 1, where they would be taken for shares, nor immense.

    By a power of two, so that no bit of them is lost.
    """
    size = np.abs(score[np.isfinite(score)]).max(initial=0.0)
    if size == 0.0 or 1.0 < size < MUCH:
        return score
    return np.ldexp(score, 2 - np.frexp(size)[1])


def _posterior(noise_proba, class_proba, target):
    """(n, K): 1 - noise_proba for the given label, the rest as the evidence has the others."""
    rows = np.arange(len(target.codes))
    others = np.nan_to_num(class_proba, nan=1.0)
    others[rows, target.codes] = 0.0
    others[others.sum(axis=1) <= 0] = 1.0
    others[rows, target.codes] = 0.0
    total = others.sum(axis=1, keepdims=True)
    posterior = others / np.where(total > 0, total, 1.0) * noise_proba[:, None]
    posterior[rows, target.codes] = 1.0 - posterior.sum(axis=1)
    return posterior


def _or_given(label_proba, trusted, target):
    """`label_proba`, with the given label as sure in rows that are trusted, or not judged."""
    as_given = np.flatnonzero(trusted | ~is_judged(label_proba))
    if len(as_given):
        label_proba = label_proba.copy()
        label_proba[as_given] = np.eye(label_proba.shape[1])[target.codes[as_given]]
    return label_proba


def _suggest_labels(label_proba, mask, target):
    """The likeliest label; for a flagged row the likeliest other one."""
    suggested = np.empty(len(mask), dtype=target.classes.dtype)
    for rows in blocks(label_proba):
        proba, given, flagged = label_proba[rows], target.codes[rows], np.flatnonzero(mask[rows])
        best = likeliest(proba, given)
        if proba.shape[1] > 1:
            others = proba[flagged]
            others[np.arange(len(flagged)), given[flagged]] = -1.0
            best[flagged] = np.argmax(others, axis=1)
        suggested[rows] = target.classes[best]
    return suggested
