"""Rows that come in chunks: each is judged by the model so far, and treated before it is learnt."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any, Self

import numpy as np

from sknoisy._evidence import Evidence, take_rows
from sknoisy._evidence._arrays import as_numpy, explained
from sknoisy._evidence._fitting import check_kind, check_meaning, resample_by_weight, seeded_clone
from sknoisy._evidence._responses import LabelResponse, margins_to_proba, number_response
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._typing import Array, ArrayLike, BoolArray, FloatArray, MatrixLike, available_if
from sknoisy._wrapper import inner_has
from sknoisy.detection._base import BaseDetector
from sknoisy.exceptions import OwnEvidenceWarning

WINDOW = 1000  # rows by which, with its own, a chunk is judged


@dataclass
class Window:
    """The last rows of a stream, and what was said of them before they were learnt.

    Attributes
    ----------
    method : str
        Where `said` comes from: "predict_proba", "decision_function" or "predict".
    said : ndarray of shape (m, K) or (m,)
        In columns of all classes, or numbers; NaN for a row that was not judged.
    y : ndarray of shape (m,)
    weight : ndarray of shape (m,)
    trusted : ndarray of shape (m,) of bool
    """

    method: str
    said: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    trusted: np.ndarray

    def with_chunk(self, chunk):
        """These rows and then those of a chunk, whose alone they are if others were asked."""
        if self.method != chunk.method:
            return chunk
        both = zip(vars(self).items(), vars(chunk).values(), strict=True)
        joined = {k: np.concatenate([a, b]) for (k, a), b in both if k != "method"}
        return Window(self.method, **joined)

    def last(self, n):
        return Window(self.method, *[part[-n:] for k, part in vars(self).items() if k != "method"])


class PartialFitMixin:
    """`partial_fit` of a treatment whose model has it."""

    estimator_: Any
    detector_: Any
    noise_proba_: FloatArray
    noise_mask_: BoolArray
    n_rows_seen_: int
    n_rows_flagged_: int
    n_features_in_: int
    feature_names_in_: Array

    @available_if(inner_has("partial_fit"))
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
    ) -> Self:
        """Treat a chunk of rows and let the estimator learn what is left, by its `partial_fit`.

        A chunk is judged by the model as it is before it learns it, the first one by 5 models
        fitted on parts of it. What the detector makes of these predictions, with those of the last
        1000 rows before, decides which rows are suspect: its threshold runs along with the
        stream. Each row is learnt or left out once; nothing is kept of it but its target and its
        prediction, and that for the next 1000 rows. Of a few rows little can be told: chunks of
        dozens are too small to begin with. `predict_proba` is the model's own.

        Fitted attributes that have one entry per row are about the last chunk; those of
        `detector_` begin with the earlier rows that it was judged by.

        Parameters
        ----------
        X : as in `fit`
            Rows of the chunk.
        y : array-like of shape (n,)
            Their targets.
        classes : array-like of shape (K,), default=None
            All classes of the stream; for a classifier needed in the first call, if there was no
            `fit` before.
        sample_weight : array-like of shape (n,), default=None
            Passed to the estimator's `partial_fit`, times any weight computed here.
        trusted : array-like of shape (n,) of bool, default=None
            Rows known to be right: they are never flagged.

        Returns
        -------
        self : object
        """
        self._validate_params()
        check_kind(self.estimator, self._task, type(self).__name__)
        evidence = Evidence(
            X,
            y,
            task=self._task,
            sample_weight=sample_weight,
            trusted=trusted,
            weight_strategy=self.weight_strategy,
        )
        check_meaning(self.estimator, evidence.target.y, None)
        classes = self._all_classes(classes, evidence.target)
        chunk = self._before_it_is_learnt(evidence, classes)
        window = getattr(self, "_window", None)
        window = chunk if window is None else window.with_chunk(chunk)
        case = self._judge_last(window, evidence, classes)
        treated = self._treat(case)
        model = self._learn(treated, evidence, classes)
        n_before = [getattr(self, name, 0) for name in ("n_rows_seen_", "n_rows_flagged_")]
        fitted = {
            "estimator_": model,
            "detector_": case.detector,
            "noise_proba_": case.noise_proba,
            "noise_mask_": treated.noise_mask,
            "n_rows_seen_": n_before[0] + evidence.n_rows,
            "n_rows_flagged_": n_before[1] + int(treated.noise_mask.sum()),
            "_flagged_rows": case.noise_mask,
            "_window": window.last(WINDOW),
            **treated.attributes,
            **model_attributes(model),
        }
        if classes is not None:
            fitted |= {"classes_": classes, "temperature_": 1.0}
        replace_fitted(self, fitted)
        return self

    def _all_classes(self, classes, target):
        """(K,) all classes of the stream, or None for numbers."""
        if not target.is_labels:
            return None
        known = getattr(self, "classes_", None)
        if classes is None and known is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        named = known if classes is None else np.unique(as_numpy(classes, "classes"))
        if known is not None and not np.array_equal(named, known):
            raise ValueError(f"classes={named!r} are not those of the calls before: {known!r}.")
        odd = np.flatnonzero(~np.isin(target.y, named))
        if len(odd):
            raise ValueError(
                f"y has {target.y[odd[0]]!r} in row {odd[0]}, which is none of the classes "
                f"({', '.join(map(str, named[:10]))}): name all of them in the first call."
            )
        return named

    def _before_it_is_learnt(self, evidence, classes):
        """`Window` of the rows of a chunk alone."""
        n, target, inputs = evidence.n_rows, evidence.target, evidence.inputs
        if hasattr(self, "estimator_"):
            respond = number_response if classes is None else LabelResponse(classes)
            method, said = respond(self.estimator_, inputs.X, np.arange(n))
        elif n < 2:  # nothing could be said of the first row of all
            method, said = "", np.full((n,) if classes is None else (n, len(classes)), np.nan)
        else:
            how = {"n_jobs": self.n_jobs, "random_state": self._seed()}
            answer = evidence.sober_responses(self.estimator, **how)
            method, said = answer.method, answer.values
            if classes is not None:
                spread = LabelResponse(classes).spread
                said = spread(said, target.classes, np.where(np.isnan(said[:, :1]), np.nan, 0), "y")
            if method == "decision_function":  # these have become probabilities
                method = "of margins"
        weight = np.ones(n) if inputs.sample_weight is None else inputs.sample_weight
        return Window(method, said, target.y, weight, evidence.trusted)

    def _judge_last(self, window, evidence, classes):
        """`Case` of the last rows of a window, which are those of `evidence`."""
        detector = self._make_detector()
        if not isinstance(detector, BaseDetector):
            raise TypeError(
                f"{type(detector).__name__} cannot judge what comes in chunks: give a detector "
                "that judges by predictions and is not fitted, such as ConfidentLearning or "
                "Residual."
            )
        with warnings.catch_warnings():  # a model may agree with all of a window
            warnings.simplefilter("ignore", OwnEvidenceWarning)
            judged = Evidence(
                None,
                window.y,
                task=self._task,
                sample_weight=None if (window.weight == 1.0).all() else window.weight,
                trusted=window.trusted,
                own={"predicted": _predictions(window, classes)},
            )
        detector._validate_params()
        case = self._case(judged, detector._conclude(judged, detector._look(judged)))
        rows = {
            name: getattr(case, name)[-evidence.n_rows :]
            for name in ("noise_proba", "noise_mask", "score", "untouchable")
        }
        given = {"evidence": evidence, "target": evidence.target}
        return replace(case, sample_weight=evidence.inputs.sample_weight, **given, **rows)

    def _learn(self, treated, evidence, classes):
        """The model so far, or a new one, after it has learnt what the treatment leaves."""
        is_first, seed = not hasattr(self, "estimator_"), self._seed()
        model = seeded_clone(self.estimator, seed) if is_first else self.estimator_
        X = evidence.inputs.X
        X = X if treated.rows is None else take_rows(X, treated.rows)
        y, weight = treated.y, treated.sample_weight
        params = {"classes": classes} if is_first and classes is not None else {}
        if weight is not None and self.weight_strategy == "resample":
            rows = resample_by_weight(weight, seed, strata=None if classes is None else y)
            X, y = take_rows(X, rows), y[rows]
        elif weight is not None:
            if "sample_weight" not in signature(model.partial_fit).parameters:
                raise ValueError(
                    f"partial_fit of {type(model).__name__} takes no sample_weight, and rows have "
                    'weights here. Choose another model, or set weight_strategy="resample".'
                )
            params["sample_weight"] = weight
        with explained(X, model):
            model.partial_fit(X, y, **params)
        return model


def _predictions(window, classes):
    """Numbers, or probabilities in the columns of those classes that the window has."""
    if classes is None:
        return window.said
    codes = np.searchsorted(classes, window.y)
    said = window.said
    if window.method == "decision_function":
        said = margins_to_proba(said, codes)
    present = np.unique(codes)
    if len(present) < len(classes):
        said = said[:, present]
        total = said.sum(axis=1, keepdims=True)
        said = np.divide(said, total, out=np.full(said.shape, np.nan), where=total > 0)
    return said
