"""The evidence on one training set, made once and shared by all detectors that ask."""

from __future__ import annotations

import gc
from copy import copy
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.utils.validation import _check_sample_weight, _num_samples, check_consistent_length

from sknoisy._evidence._arrays import as_numpy, container, foreign_as_numpy
from sknoisy._evidence._copies import Copies, join
from sknoisy._evidence._cross_fit import out_of_sample
from sknoisy._evidence._features import numeric_features
from sknoisy._evidence._neighbors import neighborhood
from sknoisy._evidence._own import read_own
from sknoisy._evidence._splits import make_splits
from sknoisy._evidence._stages import responses_in_stages
from sknoisy._evidence._target import HUGE, check_labels, check_numbers
from sknoisy._evidence.bags._bags import bag_responses
from sknoisy._evidence.bags._out_of_bag import has_bags
from sknoisy._evidence.numbers._wild import sober_responses

MANY_ROWS = 100_000  # from which on it is worth the time to look for memory that can be freed


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
    copies : Copies, optional
        Which rows are the same, where that is known already; None means that X tells.
    own : dict, optional
        What is known of the rows already, see `read_own`. With it X may be None.

    Attributes
    ----------
    target : Target
    copies : Copies
    trusted : ndarray of shape (n,) of bool
    inputs : Inputs
    own : OwnEvidence or None
        Where it judges, no model is fitted.
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
        copies=None,
        own=None,
    ):
        self.target = check_labels(y) if task == "classification" else check_numbers(y)
        self.own_as_given = {k: v for k, v in (own or {}).items() if v is not None}
        self.own = read_own(self.target, **self.own_as_given)
        self._has_no_X = X is None and self.own is not None
        if self._has_no_X:
            X, copies = self._without_X()
        if X is None:
            raise TypeError(
                "Expected sequence or array-like, got X=None: only with predicted, stages or "
                "features, where a method takes them, can X be left out."
            )
        X = container(X)
        check_consistent_length(X, self.target.y)
        n = _num_samples(X)
        if n == 0:
            raise ValueError("Found array with 0 sample(s): X and y have no row to fit on.")
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, n)
        if groups is not None:
            groups = check_groups(groups, n)
        self.copies = Copies(X) if copies is None else copies
        self.trusted = check_trusted(trusted, n)
        self.inputs = Inputs(
            X, self.target.y, sample_weight, groups, dict(fit_params or {}), weight_strategy, task
        )
        self._answers = {}

    def _without_X(self):
        """(X, Copies) where only own evidence is there."""
        if self.own.features is not None:
            return self.own.features, None
        return np.empty((len(self.target.y), 0)), Copies.none()

    @property
    def task(self):
        return self.target.task

    @property
    def n_rows(self):
        return len(self.target.y)

    @property
    def metadata(self):
        """What there is for each row beside X and y, as a `fit` is given it, or None."""
        return {
            "sample_weight": self.inputs.sample_weight,
            "groups": self.inputs.groups,
            "trusted": self.trusted if self.trusted.any() else None,
        }

    @property
    def together(self):
        """(n,) what no fold and no bag may part: copies of a row, joined with `groups`; or None."""
        if "together" not in self._answers:
            self._answers["together"] = join(self.inputs.groups, self.copies.unit)
        return self._answers["together"]

    @property
    def members(self):
        """(K,) how many rows each class has that are no copies of one another."""
        codes, unit = self.target.codes, self.copies.unit
        if unit is None:
            return np.bincount(codes)
        n_classes = len(self.target.classes)
        return np.bincount(np.unique(unit * n_classes + codes) % n_classes, minlength=n_classes)

    def splits(self, cv=None, *, n_repeats=1, random_state=None):
        """List, one entry per repeat, of lists of (train rows, test rows).

        With an integer `cv`, or None for 5, the rows of one group stay in one fold, and so do
        copies: rows that are equal in all features. A splitter or a list is left as it is.
        """
        return make_splits(
            cv,
            self.inputs.X,
            self.target,
            groups=self.inputs.groups,
            together=self.together,
            members=self.members if self.target.is_labels else None,
            n_repeats=n_repeats,
            random_state=random_state,
        )

    def why_nobody_is_judged(self):
        """The reason that the data give, in a few words."""
        target, groups = self.target, self.inputs.groups
        if target.is_labels and len(target.classes) < 2:
            return f"y has only one class, {target.classes[0]!s}"
        if target.is_labels and self.members.max() < 2:
            return "no class has two rows"
        if target.is_labels and groups is not None:
            group = np.unique(groups, return_inverse=True)[1]
            pairs = np.unique(np.column_stack([target.codes, group]), axis=0)
            if len(pairs) == len(target.classes):
                return (
                    "all rows of a class are in one group, so that no model that has not seen the "
                    "group knows the class"
                )
        return "no model, fitted on other rows, could say anything of a row"

    def without_fit_params(self):
        """The same rows, for models that the user's further fit parameters are not meant for."""
        other = copy(self)
        other.inputs = replace(self.inputs, fit_params={})
        other._answers = {}
        return other

    def replaced(self, **changes):
        """The same rows but for what is named here; nothing has been asked of it yet.

        Parameters
        ----------
        **changes
            As in the constructor; what is not named stays. So does which rows are copies, also
            with another X.
        """
        same = {**vars(self.inputs), "trusted": self.trusted, "copies": self.copies}
        other = Evidence(**(same | changes))
        if not changes.keys() & {"X", "y"}:
            other.own, other.own_as_given = self.own, self.own_as_given
        return other

    def responses(self, estimator, **how):
        """`Responses` of an estimator to rows it has not seen; see `out_of_sample`."""
        if self.own is not None and self.own.judges:
            return self.own.responses()
        return self._once("responses", out_of_sample, estimator, _as_asked_by_others(how))

    def sober_responses(self, estimator, **how):
        """The same, of numbers by models that saw no wild ones; see `sober_responses`."""
        if self.own is not None and self.own.judges:
            return self.own.responses()
        how = _as_asked_by_others(how)
        return self._once("sober responses", sober_responses, estimator, how)

    def stages(
        self, estimator, *, n_stages=20, budget=1.0, cv=None, random_state=None, n_jobs=None
    ):
        """`Stages`: what an estimator says of the rows while trained; see `responses_in_stages`."""
        if self.own is not None and self.own.judges:
            return self.own.within(budget, self.target)
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
        if self.own is not None and self.own.features is not None:
            return self._once("features", lambda _, evidence: self.own.numbers(evidence), None, {})
        if self._has_no_X:
            raise ValueError("X is None, and this compares rows: give X, or features in its place.")
        return self._once("features", numeric_features, estimator, {})

    def neighbors(self, estimator=None, **how):
        """`Neighborhood` of each row; see `neighborhood`."""
        return self._once("neighbors", neighborhood, estimator, how)

    def forget(self, kind=None):
        """Let go of answers of a kind, or of all, for those who need them no more, but the memory.

        Whoever asks again has them made again.
        """
        kept = {} if kind is None else self._answers
        self._answers = {key: answer for key, answer in kept.items() if key[0] != kind}
        if self.n_rows > MANY_ROWS:
            gc.collect()  # optimisers of models leave cycles behind that hold their training rows

    def _once(self, kind, make, estimator, how):
        # n_jobs does not change an answer, so it does not make a new question
        how_key = {k: v for k, v in how.items() if k != "n_jobs"}
        key = (kind, _fingerprint(estimator), _fingerprint(how_key))
        if key not in self._answers:
            # The questions are kept too: what is known by identity must not make room for another.
            self._answers[key] = make(estimator, self, **how), estimator, how_key
        return self._answers[key][0]


def _as_asked_by_others(how):
    """The same question in the words of those who have no `max_samples`, where it is None."""
    return {k: v for k, v in how.items() if k != "max_samples" or v is not None}


def _fingerprint(thing):
    try:
        return joblib.hash(thing)
    except Exception:  # holds a lambda or the like, which cannot be hashed: known by identity
        return id(thing)


def check_weight(sample_weight, n):
    """Weights of n rows: finite, not negative, not all zero."""
    sample_weight = foreign_as_numpy(sample_weight, "sample_weight")
    try:
        weight = _check_sample_weight(sample_weight, np.empty((n, 1)), dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        values = np.asarray(sample_weight, dtype=object)
        odd = [row for row, value in enumerate(values.ravel()) if not _is_finite(value)]
        if odd and values.shape == (n,):
            raise ValueError(
                f"sample_weight must be finite numbers, and is {values[odd[0]]!r:.80} in row "
                f"{odd[0]} ({len(odd)} of {n} rows): {error}"
            ) from error
        if "non-zero" not in str(error):
            raise  # scikit-learn says what is wrong
        raise ValueError("All sample_weight are zero: no row is left to fit on.") from error
    top = weight.max(initial=0.0)
    if top > HUGE or 0 < top < 1 / HUGE:
        raise ValueError(
            f"The largest sample_weight is {top:.4g} (row {weight.argmax()}), and sums and squares "
            f"of such numbers {'overflow' if top > 1 else 'vanish'}: divide all by the largest."
        )
    negative = np.flatnonzero(weight < 0)
    if len(negative):
        raise ValueError(f"Negative values in sample_weight, first in row {negative[0]}.")
    if not weight.any():
        raise ValueError("All sample_weight are zero: no row is left to fit on.")
    return weight


def _is_finite(value):
    try:
        return bool(np.isfinite(float(value)))
    except (TypeError, ValueError, OverflowError):
        return False


def check_groups(groups, n):
    """(n,): one name for each row, of one type that can be ordered."""
    groups = _one_column(groups)
    if groups.shape != (n,):
        if groups.ndim == 1:
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: groups has "
                f"{len(groups)} entries for {n} rows."
            )
        if groups.ndim == 0:
            raise ValueError(
                f"groups must have one entry per row ({n}), got {groups.tolist()!r:.80}: give the "
                "column itself, as X['name'], not its name."
            )
        raise ValueError(
            f"groups must have one entry per row ({n}), got shape {groups.shape}: where several "
            "columns make a group, give one column that has them all."
        )
    missing = np.flatnonzero(pd.isna(groups))
    if len(missing):
        raise ValueError(
            f"groups is missing in {len(missing)} rows, first in row {missing[0]}: give "
            "rows that belong to no group a group of their own."
        )
    if groups.dtype != object:
        return groups
    try:
        codes, levels = pd.factorize(groups)
    except TypeError as error:
        raise ValueError(
            f"groups must be names or numbers; row 0 has {groups[0]!r:.80} ({error})."
        ) from error
    if _have_an_order(levels):
        return groups
    # by what is written of them
    names = [repr(level) for level in levels]
    if len(set(names)) < len(names):
        names = [f"{name} ({i})" for i, name in enumerate(names)]
    return np.array(names)[codes]


def _have_an_order(levels):
    """Whether names are of one type, or all numbers, and one is always before another."""
    kinds = {type(level) for level in levels}
    if all(issubclass(kind, Real) for kind in kinds):
        return True
    if len(kinds) > 1 or kinds & {tuple, frozenset}:  # an array of tuples would be a table
        return False
    try:
        sorted(levels)
    except TypeError:
        return False
    return True


def _one_column(values):
    """An array; one-dimensional, of objects, for a list of tuples or of names and None."""
    values = foreign_as_numpy(values, "groups")
    if isinstance(values, list | tuple):
        items = np.empty(len(values), dtype=object)
        items[:] = values
        if any(isinstance(item, str | tuple) or item is None for item in items):
            return items
    try:
        values = np.asarray(values)
    except ValueError:
        if not isinstance(values, list | tuple):
            raise
        return items
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    return values


def check_trusted(trusted, n):
    """Boolean mask of n rows; None means that no row is trusted."""
    if trusted is None:
        return np.zeros(n, dtype=bool)
    mask = as_numpy(trusted, "trusted")
    if mask.shape != (n,):
        raise ValueError(
            f"trusted must be a boolean mask with one entry per row ({n}), got shape {mask.shape}."
        )
    values = mask
    if mask.dtype.kind not in "biuf":  # True among objects is one, and the text "1" is none
        values = np.array(
            [float(v) if _is_finite(v) and not isinstance(v, str) else np.nan for v in mask]
        )
    odd = np.flatnonzero(~np.isin(values, (0.0, 1.0)))
    if len(odd):
        value = mask[odd[0] : odd[0] + 1].tolist()[0]
        missing = " (missing)" * bool(pd.isna(value))
        raise ValueError(f"trusted must be boolean; row {odd[0]} has {value!r}{missing}.")
    return values == 1.0
