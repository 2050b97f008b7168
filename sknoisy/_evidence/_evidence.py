"""The evidence on one training set, made once and shared by all detectors that ask."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.utils.validation import _check_sample_weight, _num_samples, check_consistent_length

from sknoisy._evidence._bags import bag_responses, has_bags
from sknoisy._evidence._cross_fit import out_of_sample
from sknoisy._evidence._features import numeric_features
from sknoisy._evidence._neighbors import neighborhood
from sknoisy._evidence._stages import responses_in_stages
from sknoisy._evidence._target import check_labels, check_numbers


@dataclass
class Inputs:
    """What the user gave to fit, as the fold fits need it."""

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None
    groups: np.ndarray | None
    fit_params: dict
    weight_strategy: str
    task: str


class Evidence:
    """One training set and everything that detectors have asked about it so far.

    Parameters
    ----------
    X : any container with n rows
        Passed on as it is, only ever row-indexed.
    y : array-like of shape (n,)
    task : {"classification", "regression"}
    sample_weight, groups, trusted : array-like of shape (n,), optional
    fit_params : dict, optional
        Further parameters of the models' `fit`; those with n entries are sliced.
    weight_strategy : {"native", "resample"}

    Attributes
    ----------
    target : Target
    trusted : ndarray of shape (n,) of bool
    inputs : Inputs
    """

    def __init__(
        self,
        X,
        y,
        *,
        task,
        sample_weight=None,
        groups=None,
        trusted=None,
        fit_params=None,
        weight_strategy="native",
    ):
        self.target = check_labels(y) if task == "classification" else check_numbers(y)
        check_consistent_length(X, self.target.y)
        n = _num_samples(X)
        if n == 0:
            raise ValueError("Found array with 0 sample(s): X and y have no row to fit on.")
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, n)
        if groups is not None:
            groups = np.asarray(groups)
            missing = np.flatnonzero(pd.isna(groups))
            if len(missing):
                raise ValueError(
                    f"groups is missing in {len(missing)} rows, first in row {missing[0]}: give "
                    "rows that belong to no group a group of their own."
                )
            check_consistent_length(groups, self.target.y)
        self.trusted = check_trusted(trusted, n)
        self.inputs = Inputs(
            X, self.target.y, sample_weight, groups, dict(fit_params or {}), weight_strategy, task
        )
        self._answers = {}

    @property
    def task(self):
        return self.target.task

    @property
    def n_rows(self):
        return len(self.target.y)

    def without_fit_params(self):
        """The same rows, for models that the user's further fit parameters are not meant for."""
        other = copy(self)
        other.inputs = replace(self.inputs, fit_params={})
        other._answers = {}
        return other

    def replaced(self, **changes):
        """The same evidence but for what is named here; nothing has been asked of it yet.

        Parameters
        ----------
        **changes
            As in the constructor; what is not named stays.
        """
        same = {**vars(self.inputs), "trusted": self.trusted}
        return Evidence(**(same | changes))

    def responses(self, estimator, **how):
        """`Responses` of an estimator to rows it has not seen; see `out_of_sample`."""
        return self._once("responses", out_of_sample, estimator, how)

    def stages(
        self, estimator, *, n_stages=20, budget=1.0, cv=None, random_state=None, n_jobs=None
    ):
        """`Stages`: what an estimator says of the rows while trained; see `responses_in_stages`."""
        how = {
            "n_stages": n_stages,
            "budget": budget,
            "cv": cv,
            "random_state": random_state,
            "n_jobs": n_jobs,
        }
        return self._once("stages", responses_in_stages, estimator, how)

    def bags(self, estimator, **how):
        """`Bags` of an estimator fitted on parts of the rows; see `bag_responses`."""
        if has_bags(estimator, self):  # how others would be drawn makes no new question
            how = {k: v for k, v in how.items() if k in ("random_state", "n_jobs")}
        return self._once("bags", bag_responses, estimator, how)

    def features(self, estimator=None):
        """Rows as numbers (n, d); see `numeric_features`."""
        return self._once("features", numeric_features, estimator, {})

    def neighbors(self, estimator=None, **how):
        """`Neighborhood` of each row; see `neighborhood`."""
        return self._once("neighbors", neighborhood, estimator, how)

    def _once(self, kind, make, estimator, how):
        # n_jobs does not change an answer, so it does not make a new question
        how_key = {k: v for k, v in how.items() if k != "n_jobs"}
        key = (kind, _fingerprint(estimator), _fingerprint(how_key))
        if key not in self._answers:
            # The questions are kept too: what is known by identity must not make room for another.
            self._answers[key] = make(estimator, self, **how), estimator, how_key
        return self._answers[key][0]


def _fingerprint(thing):
    try:
        return joblib.hash(thing)
    except Exception:  # holds a lambda or the like, which cannot be hashed: known by identity
        return id(thing)


def check_weight(sample_weight, n):
    """Weights of n rows: finite, not negative, not all zero."""
    weight = _check_sample_weight(sample_weight, np.empty((n, 1)), dtype=np.float64)
    negative = np.flatnonzero(weight < 0)
    if len(negative):
        raise ValueError(f"Negative values in sample_weight, first in row {negative[0]}.")
    if not weight.any():
        raise ValueError("All sample_weight are zero: no row is left to fit on.")
    return weight


def check_trusted(trusted, n):
    """Boolean mask of n rows; None means that no row is trusted."""
    if trusted is None:
        return np.zeros(n, dtype=bool)
    mask = np.asarray(trusted)
    if mask.shape != (n,):
        raise ValueError(
            f"trusted must be a boolean mask with one entry per row ({n}), got shape {mask.shape}."
        )
    try:
        values = mask.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError("trusted must be boolean; it has missing or textual entries.") from error
    odd = np.flatnonzero(~np.isin(values, (0.0, 1.0)))
    if len(odd):
        raise ValueError(f"trusted must be boolean; row {odd[0]} has {mask[odd[0]]!r}.")
    return values == 1.0
