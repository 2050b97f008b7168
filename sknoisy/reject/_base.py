"""The whole of `fit`, and what rejecting adds to a model's answers."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy.sparse import hstack, issparse
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence import Evidence, cross_fit, fit_model, take_rows, weight_parameter
from sknoisy._evidence._failures import explain, name_of
from sknoisy._evidence._features import RowEncoder
from sknoisy._evidence._fitting import (
    IsModel,
    check_kind,
    check_meaning,
    check_takes_weights,
    seeded_clone,
    take_params,
)
from sknoisy._evidence._splits import check_reusable
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import last_fit, whole_fit
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import Array, ArrayLike, BoolArray, FloatArray, MatrixLike
from sknoisy._wrapper import BaseWrapper
from sknoisy.exceptions import NothingJudgedWarning
from sknoisy.reject._answers import mean_of_tests
from sknoisy.reject._threshold import (
    bounded_risk_threshold,
    cost_threshold,
    coverage_threshold,
)

DEFAULT_COVERAGE = 0.9


class BaseReject(BaseWrapper, ABC):
    """Base class: a subclass says what an answer is, how wrong, and writes `predict`."""

    __metadata_request__fit = {"groups": True}  # noqa: RUF012
    _task: str
    _parameter_constraints: dict = {
        "estimator": [IsModel()],
        "by": [StrOptions({"ambiguity", "novelty", "both"})],
        "rejector": [StrOptions({"forest"}), HasMethods(["fit", "predict_proba"])],
        "novelty_detector": [HasMethods(["fit", "score_samples"]), None],
        "cost": [Interval(Real, 0, None, closed="neither"), None],
        "coverage": [Interval(Real, 0, 1, closed="right"), None],
        "max_risk": [Interval(Real, 0, 1, closed="neither"), None],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "novelty_share": [Interval(Real, 0, 1, closed="left")],
        "holdout": [Interval(Real, 0, 0.5, closed="right"), None],
        "weight_strategy": [StrOptions({"native", "resample"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    # ------------------------------------------------------------------ fit

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the estimator, and find out from held-out rows which answers to hold back.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Labels or numbers.
        sample_weight : array-like of shape (n,), default=None
            For all fits, and for the threshold.
        groups : array-like of shape (n,), default=None
            Rows of one group are held out together, and so are copies of a row.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        self._validate_params()
        check_kind(self.estimator, self._task, type(self).__name__)
        check_reusable(self.cv)
        self._check_criterion()
        frozen = isinstance(self.estimator, FrozenEstimator)
        if frozen:
            check_is_fitted(self.estimator.estimator)
        params, weight = self._route(sample_weight, fit_params)
        if weight is not None and not frozen:
            check_takes_weights(self.estimator, self.weight_strategy, "sample_weight was given")
        evidence = Evidence(
            X,
            y,
            task=self._task,
            sample_weight=weight,
            groups=groups,
            fit_params=params,
            weight_strategy=self.weight_strategy,
        )
        check_meaning(self.estimator, evidence.target.y, params)
        with whole_fit(self, X, y):
            fitted = self._own_attributes(evidence)
            answers = self._answers(fitted, evidence.target.y)
            held_out = self._held_out(evidence)
            if held_out is None:
                learnt, score, loss = self._learn(evidence, answers)
            else:
                learn, held = held_out
                part = _part(evidence, learn)
                learnt, _, _ = self._learn(part, self._answers(fitted, part.target.y))
                held_X = take_rows(X, held)
                said = answers(learnt["estimator_"], held_X, held)
                score, loss = np.full((2, evidence.n_rows), np.nan)
                score[held], loss[held] = self._score(learnt, held_X, said), said[:, 0]
            fitted |= learnt | self._decide(evidence, score, loss)
            fitted |= model_attributes(learnt["estimator_"])
            # Only now, when nothing can fail any more, is this object changed.
            replace_fitted(self, fitted)
        return self

    def _check_criterion(self):
        given = [
            name for name in ("cost", "coverage", "max_risk") if getattr(self, name) is not None
        ]
        if len(given) > 1:
            raise ValueError(
                f"{' and '.join(given)} are given, and each of them alone says where to stop "
                "answering: leave all but one at None."
            )

    @abstractmethod
    def _own_attributes(self, evidence):
        """Fitted attributes that are known before any fit."""

    @abstractmethod
    def _answers(self, fitted, y=None):
        """Function of (model, X, rows) that gives losses, ambiguities and responses."""

    def _held_out(self, evidence):
        """(rows to learn from, rows for the threshold), or None where all are for both."""
        if self.holdout is None:
            return None
        [folds] = evidence.splits(round(1 / self.holdout), random_state=self._seed())
        return folds[0] if folds else None

    # ------------------------------------------------------------------ fits

    def _learn(self, evidence, answers):
        """(fitted parts, score, loss): the last two by models that have not seen the row."""
        seed, n, inputs = self._seed(), evidence.n_rows, evidence.inputs
        frozen = isinstance(self.estimator, FrozenEstimator)
        learns = self.by != "novelty" and self.rejector is not None
        has_folds = self.holdout is None or learns or self.by == "both"
        folds = []
        if has_folds and not (frozen and self.by == "ambiguity" and not learns):
            [folds] = evidence.splits(self.cv, random_state=seed)
        if frozen:
            said = answers(self.estimator, inputs.X, np.arange(n))
        elif folds:
            said = cross_fit(
                self.estimator,
                evidence,
                folds,
                answers,
                random_state=seed,
                n_jobs=self.n_jobs,
                purposes=[
                    f"to judge rows, fold {i} of {len(folds)}" for i, _ in enumerate(folds, 1)
                ],
            )
            said = mean_of_tests(said, folds, n)
        else:
            said = np.full((n, 2), np.nan)
        with last_fit():
            parts = {"estimator_": self._fit_model(evidence, seed)}
        if self.by != "ambiguity" or (learns and isinstance(self.rejector, str)):
            parts["encoder_"] = RowEncoder(self.estimator)
            features = parts["encoder_"].fit_transform(inputs.X, evidence.target.y)
        score = said[:, 1]
        if learns:
            X = inputs.X if not isinstance(self.rejector, str) else _beside(features, said[:, 2:])
            parts["rejector_"], score = self._learn_to_reject(evidence, X, said[:, 0], folds)
        if self.by != "ambiguity":
            parts["novelty_detector_"], novelty = self._learn_novelty(evidence, features, folds)
            if self.by == "both":
                parts["novelty_threshold_"] = _novelty_threshold(novelty, self.novelty_share)
                novel = novelty > parts["novelty_threshold_"]
            score = novelty if self.by == "novelty" else np.where(novel, np.inf, score)
        return parts, score, said[:, 0]

    def _fit_model(self, evidence, seed):
        if isinstance(self.estimator, FrozenEstimator):
            return self.estimator
        inputs = evidence.inputs
        try:
            return fit_model(
                seeded_clone(self.estimator, seed),
                inputs.X,
                inputs.y,
                inputs.sample_weight,
                inputs.fit_params,
                weight_strategy=self.weight_strategy,
                random_state=seed,
            )
        except Exception as error:
            explain(error, self.estimator, "to all rows", inputs.y, inputs.y)
            raise

    def _learn_to_reject(self, evidence, X, loss, folds):
        """(rejector, its score of each row by a rejector that has not seen it)."""
        judged = ~np.isnan(loss)
        if not judged.any():
            raise ValueError(
                "A rejector learns from the errors in rows that a model has not seen, and no row "
                f"could be judged: {evidence.why_nobody_is_judged()}."
            )
        rejector = self.rejector
        if isinstance(rejector, str):
            rejector = RandomForestClassifier(min_samples_leaf=5, n_jobs=self.n_jobs)
            X = X if issparse(X) else np.nan_to_num(X)
        labels = reject_labels(np.where(judged, loss, 0.0), self._cost_to_learn(evidence, loss))
        labels[~judged] = 0.0
        rows = SoftRows(
            X,
            np.array([0, 1]),
            sample_weight=evidence.inputs.sample_weight,
            weight_strategy=self.weight_strategy,
            min_proba=0.0,
            random_state=self._seed(),
            n_jobs=self.n_jobs,
        )
        score = np.full(len(loss), np.nan)
        if self.holdout is None:
            score = rows.out_of_sample(rejector, labels, folds)[:, 1]
        return rows.fit(rejector, labels), score

    def _cost_to_learn(self, evidence, loss):
        """The cost of a rejected row; without one, the mean loss, which asks for half of them."""
        if self.cost is not None:
            return self.cost
        weight, judged = evidence.inputs.sample_weight, ~np.isnan(loss)
        mean = np.average(loss[judged], weights=None if weight is None else weight[judged])
        return mean if mean > 0 else 1.0

    def _learn_novelty(self, evidence, features, folds):
        detector = IsolationForest() if self.novelty_detector is None else self.novelty_detector
        weight, seed = evidence.inputs.sample_weight, self._seed()

        def fitted(rows):
            model, name = seeded_clone(detector, seed), weight_parameter(detector)
            if weight is None or name is None:
                return model.fit(features[rows])
            rows = rows[weight[rows] > 0]
            return model.fit(features[rows], **{name: weight[rows]})

        scores = [-fitted(train).score_samples(features[test]) for train, test in folds]
        novelty = np.full(evidence.n_rows, np.nan)
        if folds:
            novelty = mean_of_tests(scores, folds, evidence.n_rows)[:, 0]
        return fitted(np.arange(evidence.n_rows)), novelty

    # ------------------------------------------------------------------ the threshold

    def _decide(self, evidence, score, loss):
        """The threshold, and what it means for the held-out rows."""
        weight = evidence.inputs.sample_weight
        judged = ~(np.isnan(score) | np.isnan(loss))
        if weight is not None:
            judged &= weight > 0
        fitted = {"held_out_score_": score, "held_out_loss_": loss, "threshold_": np.inf}
        if not judged.any() and not np.isnan(loss).all():
            raise ValueError(
                f"{name_of(self.estimator)} gives neither probabilities nor one decision value for "
                "each class, so that it does not say how ambiguous a row is: set "
                'rejector="forest", which learns that, or by="novelty".'
            )
        if not judged.any():
            warnings.warn(
                f"{type(self).__name__} rejects nothing, for no row was judged: "
                f"{evidence.why_nobody_is_judged()}.",
                NothingJudgedWarning,
                stacklevel=3,
            )
            return fitted | {"coverage_": np.nan, "risk_": np.nan}
        weight = np.ones(judged.sum()) if weight is None else weight[judged]
        score, loss = score[judged], loss[judged]
        if self.max_risk is not None:
            threshold = bounded_risk_threshold(
                score, loss, self.max_risk, 1 - self.confidence, weight
            )
            if threshold == -np.inf:
                warnings.warn(
                    f"All rows will be rejected: {len(score)} held-out rows do not show, with "
                    f"confidence {self.confidence:g}, that any part of the answers has a risk of "
                    f"{self.max_risk:g} at most. Allow a larger max_risk, a lower confidence, or "
                    "give more rows.",
                    UserWarning,
                    stacklevel=3,
                )
        elif self.cost is not None and self.by != "novelty" and self.rejector is not None:
            threshold = 0.5  # what the rejector has learnt knows the cost already
        elif self.cost is not None:
            threshold = cost_threshold(score, loss, self.cost, weight)
        else:
            coverage = DEFAULT_COVERAGE if self.coverage is None else self.coverage
            threshold = coverage_threshold(score, coverage, weight)
        accepted = ~is_rejected(score, threshold)
        risk = np.nan
        if accepted.any():
            risk = np.average(loss[accepted], weights=weight[accepted])
        return fitted | {
            "threshold_": threshold,
            "coverage_": float(np.average(accepted, weights=weight)),
            "risk_": float(risk),
        }

    # ------------------------------------------------------------------ after fit

    def rejection_score(self, X: MatrixLike) -> FloatArray:
        """How much speaks against answering; rows above `threshold_` are rejected.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples,)
            Infinite for a row that is rejected as novel where ambiguity is judged as well.
        """
        check_is_fitted(self)
        said = self._answers(vars(self))(self.estimator_, X)
        return self._score(vars(self), X, said)

    def _score(self, parts, X, said):
        features = parts["encoder_"].transform(X) if "encoder_" in parts else None
        score = said[:, 1]
        if "rejector_" in parts:
            if isinstance(self.rejector, str):
                X = _beside(features, said[:, 2:])
            rejector = parts["rejector_"]
            score = rejector.predict_proba(X)[:, np.asarray(rejector.classes_) == 1].sum(axis=1)
        if "novelty_detector_" in parts:
            novelty = -parts["novelty_detector_"].score_samples(features)
            if "novelty_threshold_" not in parts:
                return novelty
            score = np.where(novelty > parts["novelty_threshold_"], np.inf, score)
        return score

    def predict_or_reject(self, X: MatrixLike) -> tuple[Array, BoolArray]:
        """The model's answers to all rows, and which of them to hold back.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
        rejected : ndarray of shape (n_samples,) of bool
        """
        score = self.rejection_score(X)
        return BaseWrapper.predict(self, X), is_rejected(score, self.threshold_)


def is_rejected(score, threshold):
    """Rows above the threshold, rows of infinite score, and rows that nothing is known of."""
    return ~(score <= threshold) | np.isposinf(score)


def reject_labels(loss, cost):
    """(n, 2) weights of each row as one to accept and as one to reject.

    To accept an answer costs its loss, to reject it `cost`. So a row is one to reject with its loss
    as weight, and one to accept with the cost as weight: a classifier that is wrong then pays what
    the decision costs, and whose probabilities are right says loss / (loss + cost) for "reject",
    which is above one half where the expected loss is larger than the cost.
    """
    return np.column_stack([np.full(len(loss), float(cost)), loss])


def _novelty_threshold(novelty, share):
    known = novelty[~np.isnan(novelty)]
    if not len(known):
        return np.inf
    return coverage_threshold(known, 1 - share) if share else np.inf


def _beside(features, response):
    """Features and responses as one matrix."""
    return (
        hstack([features, response]).tocsr()
        if issparse(features)
        else np.column_stack([features, response])
    )


def _part(evidence, rows):
    """Evidence on some of the rows."""
    inputs = evidence.inputs
    of_rows = {
        name: None if getattr(inputs, name) is None else getattr(inputs, name)[rows]
        for name in ("sample_weight", "groups")
    }
    return Evidence(
        take_rows(inputs.X, rows),
        inputs.y[rows],
        task=inputs.task,
        fit_params=take_params(inputs.fit_params, rows, evidence.n_rows),
        weight_strategy=inputs.weight_strategy,
        **of_rows,
    )
