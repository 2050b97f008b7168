"""The transition matrix of label noise: what all estimators of it share.

In this package entry (i, j) of a transition matrix is P(given label = j | true label = i): rows are
true classes and sum to one, columns are given ones.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, Options

from sknoisy._evidence import Evidence
from sknoisy._evidence._arrays import foreign_as_numpy
from sknoisy._evidence._fitting import IsModel, check_kind, check_meaning
from sknoisy._evidence._knowledge import knowledge, no_more_than_chance
from sknoisy._evidence._table import default_model
from sknoisy._fitted import PlainState, replace_fitted, seen_features
from sknoisy._notebook import NotebookView
from sknoisy._progress import CallbackSupportMixin, whole_fit
from sknoisy._typing import Array, ArrayLike, FloatArray, MatrixLike
from sknoisy.exceptions import NothingKnownWarning


@dataclass
class Estimate:
    """What a method says of the transition matrix.

    Attributes
    ----------
    transition, error : ndarray of shape (K, K)
        The matrix and its standard errors.
    class_prior : ndarray of shape (K,) or None
        Of the true classes; None: what explains the frequencies of the given ones by `transition`.
    attributes : dict
        Further fitted attributes.
    """

    transition: np.ndarray
    error: np.ndarray
    class_prior: np.ndarray | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


class BaseTransition(CallbackSupportMixin, NotebookView, PlainState, BaseEstimator, ABC):
    """Base class of estimators of a transition matrix: a subclass writes `_estimate(evidence)`."""

    _parameter_constraints: dict = {
        "estimator": [IsModel(), None],
        "cv": [
            Interval(Integral, 2, None, closed="left"),
            HasMethods(["split"]),
            "array-like",
            None,
        ],
        "n_resamples": [Interval(Integral, 2, None, closed="left"), Options(Integral, {0})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    transition_: FloatArray
    transition_error_: FloatArray
    class_prior_: Array
    noise_rate_: float
    classes_: Array

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
    ) -> Self:
        """Estimate the transition matrix of the labels of a training set.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Given labels.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, in the models that make the evidence and in what is counted,
            unless the class says otherwise.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in cross-fitting and in standard errors. So do copies,
            rows that are equal in all features, whether groups are given or not.
        trusted : array-like of shape (n,) of bool, default=None
            Rows whose label is known to be right. They say nothing of the noise and are left out:
            the matrix is that of the other rows.

        Returns
        -------
        self : object
        """
        self._validate_params()
        evidence = Evidence(
            X,
            y,
            task="classification",
            sample_weight=sample_weight,
            groups=groups,
            trusted=trusted,
        )
        with whole_fit(self, X, y):
            return self._fit_to(evidence)

    def _fit_to(self, evidence):
        """`fit`, on evidence that others may share."""
        return self._conclude(
            self._estimate(evidence),
            evidence.target.classes,
            self._given_frequency(evidence),
            evidence.inputs.X,
        )

    @abstractmethod
    def _estimate(self, evidence):
        """The method itself: `Evidence` to `Estimate`."""

    # ------------------------------------------------------------------ for subclasses

    def _with_estimator(self, estimator):
        """Clone in which `estimator` takes the place of a model left at None."""
        other = clone(self)
        if "estimator" in other.get_params(deep=False) and other.estimator is None:
            other.set_params(estimator=clone(estimator))
        return other

    def _model(self, evidence):
        if self.estimator is None:
            return default_model(evidence)
        check_kind(self.estimator, "classification", type(self).__name__)
        check_meaning(self.estimator, evidence.target.y, None)
        return self.estimator

    def _label_proba(self, evidence):
        """(n, K): P(given | x) by models that saw neither the row nor a trusted one."""
        how = {"cv": self.cv, "random_state": self.random_state, "n_jobs": self.n_jobs}
        if evidence.trusted.any() and not evidence.trusted.all():
            how["unseen"] = evidence.trusted
        return evidence.responses(self._model(evidence), **how).values

    def _judged(self, evidence):
        """(label_proba, codes, weight, units) of the rows that count, or None if nothing is known.

        These are not trusted, have weight and were judged.
        """
        target = evidence.target
        label_proba = self._label_proba(evidence)
        rows = counted_rows(evidence)
        rows = rows[~np.isnan(label_proba[rows]).any(axis=1)]
        if len(rows) == 0 or knowledge(label_proba[rows], _part(target, rows)).is_none:
            reason = no_more_than_chance(True) if len(rows) else evidence.why_nobody_is_judged()
            warnings.warn(
                f"{type(self).__name__}: {reason}. The labels are taken to be right.",
                NothingKnownWarning,
                stacklevel=4,
            )
            return None
        return label_proba[rows], target.codes[rows], weights(evidence)[rows], units(evidence)[rows]

    def _given_frequency(self, evidence):
        rows, n_classes = counted_rows(evidence), len(evidence.target.classes)
        counts = np.bincount(evidence.target.codes[rows], weights(evidence)[rows], n_classes)
        return counts / max(counts.sum(), 1e-300)

    def _conclude(self, found, classes, given_frequency, X):
        prior = found.class_prior
        if prior is None:
            prior = true_frequency(found.transition, given_frequency)
        fitted = {
            "transition_": found.transition,
            "transition_error_": found.error,
            "class_prior_": prior,
            "noise_rate_": float(1.0 - prior @ found.transition.diagonal()),
            "classes_": classes,
            **found.attributes,
            **({} if X is None else seen_features(X)),
        }
        # Only now, when nothing can fail any more, is this object changed.
        replace_fitted(self, fitted)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        return tags


# ---------------------------------------------------------------------- rows


def counted_rows(evidence):
    """Rows whose labels speak of the noise: not trusted, of some weight, and of the part asked."""
    return np.flatnonzero(
        ~evidence.trusted & (weights(evidence) > 0) & getattr(evidence, "counted", True)
    )


def weights(evidence):
    weight = evidence.inputs.sample_weight
    return np.ones(evidence.n_rows) if weight is None else weight


def units(evidence):
    """(n,) rows that are one draw: copies, and rows of a group."""
    together = evidence.together
    return np.arange(evidence.n_rows) if together is None else np.asarray(together)


def no_noise(n_classes):
    """What is said where nothing is known: no verdict."""
    return Estimate(np.eye(n_classes), np.full((n_classes, n_classes), np.nan))


# ---------------------------------------------------------------------- formulas


def rows_to_one(counts):
    """Counts (true, given) as a transition matrix; a class without any is taken to be right."""
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    return np.where(total > 0, share, np.eye(len(counts)))


def true_frequency(transition, given_frequency, max_iter=1000):
    """Frequencies p of the true classes that explain those of the given ones, q = p T.

    By expectation-maximisation, which stays among frequencies where the inverse matrix leaves them.

    Parameters
    ----------
    transition : ndarray of shape (K, K)
    given_frequency : ndarray of shape (K,)

    Returns
    -------
    ndarray of shape (K,)
    """
    p = np.array(given_frequency, dtype=float)
    if not p.sum() > 0:
        return np.full(len(p), 1.0 / len(p))
    # a class that is never given may still be a true one
    p = 0.999 * p + 0.001 / len(p)
    for _ in range(max_iter):
        explained = p @ transition
        ratio = np.divide(
            given_frequency, explained, out=np.zeros_like(explained), where=explained > 0
        )
        new = p * (transition @ ratio)
        done = np.abs(new - p).max() < 1e-10
        p = new / new.sum()
        if done:
            break
    return p


def half_sample_error(estimate, unit, n_resamples, random_state):
    """Standard errors of `estimate(rows)` by how it differs between random halves of the rows.

    The variance of an estimate over halves drawn without replacement is that of the estimate from
    all rows: a half has twice the variance, half of which two halves of the same rows share.

    Parameters
    ----------
    estimate : callable
        Row numbers to an array.
    unit : ndarray of shape (n,)
        Rows of one unit come together.
    n_resamples : int
        0: the errors are NaN.
    random_state : int, RandomState instance or None

    Returns
    -------
    ndarray

    References
    ----------
    J. Shao, C. F. J. Wu: "A general theory for jackknife variance estimation", Annals of
    Statistics, 1989 (the delete-d jackknife, with d half of the rows).
    """
    number = np.unique(unit, return_inverse=True)[1]
    n_units = number.max() + 1
    if n_resamples == 0 or n_units < 4:
        return np.full(np.shape(estimate(np.arange(len(unit)))), np.nan)
    rng, found = check_random_state(random_state), []
    for _ in range(n_resamples):
        chosen = np.zeros(n_units, dtype=bool)
        chosen[rng.permutation(n_units)[: n_units // 2]] = True
        found.append(estimate(np.flatnonzero(chosen[number])))
    return np.std(found, axis=0, ddof=1)


def check_transition(transition, n_classes, name="transition"):
    """A transition matrix that was given: a float array whose rows are distributions."""
    transition = foreign_as_numpy(transition, name)
    try:
        matrix = np.asarray(transition, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be read as numbers: {error}.") from error
    if matrix.shape != (n_classes, n_classes):
        raise ValueError(
            f"{name} has shape {matrix.shape}, and there are {n_classes} classes: it needs one row "
            "for each true class and one column for each given one, in the order of the sorted "
            "classes."
        )
    for i, row in enumerate(matrix):
        if not (row >= 0).all() or abs(row.sum() - 1.0) > 1e-6:
            raise ValueError(
                f"Row {i} of {name} is {row}: it must hold probabilities that sum to one, those of "
                f"the given labels where the true one is class number {i}."
            )
    return matrix / matrix.sum(axis=1, keepdims=True)


def _part(target, rows):
    return type(target)(target.y[rows], target.classes, target.codes[rows])
