"""What methods for known groups share: how groups are told, folds, losses, weights."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.utils.metadata_routing import UNUSED

from sknoisy._evidence import Evidence
from sknoisy._evidence._regions import read_regions
from sknoisy._typing import Array, ArrayLike, MatrixLike
from sknoisy.training._base import BaseTraining

LEAST_PROBA = 1e-3  # a label counts as no less likely, so that no single row makes a group's loss


@dataclass(frozen=True)
class Groups:
    """To which group each row belongs.

    Attributes
    ----------
    codes : ndarray of shape (n,) of int
        Position in `names`; -1 for a row whose group is unknown.
    names : ndarray of shape (R,)
    """

    codes: np.ndarray
    names: np.ndarray

    def sizes(self, weight=None):
        """(R,) rows of each group, or their weight."""
        known = self.codes >= 0
        weight = None if weight is None else weight[known]
        return np.bincount(self.codes[known], weight, minlength=len(self.names))

    def means(self, values, weight):
        """(R,) mean of the values of each group, without NaN; NaN where none is left."""
        known = np.isfinite(values) & (self.codes >= 0)
        codes, weight = self.codes[known], weight[known]
        n = len(self.names)
        total = np.bincount(codes, weight, minlength=n)
        with np.errstate(invalid="ignore"):
            return np.bincount(codes, weight * values[known], minlength=n) / total

    def by_label(self, codes, classes):
        """Each class of a group as a group of its own, named (group, class)."""
        n_classes = len(classes)
        cell = np.where(self.codes >= 0, self.codes * n_classes + codes, -1)
        found = np.unique(cell[cell >= 0])
        position = np.searchsorted(found, cell)
        names = np.empty(len(found), dtype=object)
        of_group, of_class = self.names.tolist(), classes.tolist()
        names[:] = [(of_group[c // n_classes], of_class[c % n_classes]) for c in found]
        return Groups(np.where(cell >= 0, position, -1), names)


class GroupTraining(BaseTraining):
    """Base class of methods for known groups: a subclass writes `_train_groups`.

    It has the parameters `by` and, if classes of a group may count as groups, `by_label`.
    """

    __metadata_request__fit = {"groups": True, "trusted": UNUSED}  # noqa: RUF012
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "by": [str, callable, None],
        "by_label": ["boolean"],
    }
    _missing = "error"  # what a row without a group is

    groups_: Array

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Find out what each group needs, and fit the estimator to that.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Given labels or numbers.
        sample_weight : array-like of shape (n,), default=None
            Multiplied with any weight computed here, and passed to every fit.
        groups : array-like of shape (n,), default=None
            The group of each row, by any names. Groups are parts of the population (not rows that
            belong together): each fold has its share of each. None means that `by` tells them.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        return self._fit(X, y, sample_weight, None, None, fit_params, given=groups)

    def _check_before_training(self, given):
        if given is None and self.by is None:
            raise ValueError(
                f"{type(self).__name__} needs to know the groups: call fit(X, y, groups=names), or "
                "set by= to a column of X or to a callable that gives the group of each row of X "
                "(GridSearchCV without metadata routing passes no groups on)."
            )

    def _train(self, evidence, given):
        by, name = (self.by, "by") if given is None else (given, "groups")
        if isinstance(by, str) and given is not None:
            raise ValueError(f"groups must have one name for each row, got {by!r}: see by=.")
        groups = Groups(*read_regions(by, evidence.inputs.X, name=name, missing=self._missing))
        if not len(groups.names):
            raise ValueError(f"{name} tells the group of no row: give at least some of them.")
        if getattr(self, "by_label", False) and evidence.target.is_labels:
            groups = groups.by_label(evidence.target.codes, evidence.target.classes)
        return self._train_groups(evidence, groups)

    @abstractmethod
    def _train_groups(self, evidence, groups):
        """`Treated`: which rows, targets and weights the last fit sees."""

    def _folds(self, evidence, groups):
        return group_folds(evidence, groups, self.cv, self._seed())


def group_folds(evidence, groups, cv, seed):
    """`Folds` in which each fold has its share of each group, and of each class of it."""
    if cv is not None and not isinstance(cv, (int, np.integer)):
        return evidence.splits(cv)[0]
    names = np.array(["unknown", *map(str, groups.names)], dtype=object)[groups.codes + 1]
    if evidence.target.is_labels:
        labels = evidence.target.classes.astype(str)[evidence.target.codes]
        names = np.array([f"{a}, label {b}" for a, b in zip(names, labels, strict=True)])
    X, copies = evidence.inputs.X, evidence.copies
    strata = Evidence(X, names.astype(str), task="classification", copies=copies)
    if len(strata.target.classes) < 2:
        strata = evidence
    return strata.splits(cv, random_state=seed)[0]


def base_weight(evidence):
    """(n,) the weights of the user, or ones."""
    given = evidence.inputs.sample_weight
    return np.ones(evidence.n_rows) if given is None else given


def row_losses(said, target, weight):
    """(n,) loss of each row: cross-entropy, or squares in units of the variance of y.

    Parameters
    ----------
    said : ndarray of shape (n, K) or (n,)
        Probabilities or numbers; NaN where nobody said anything.
    target : Target
    weight : ndarray of shape (n,)
    """
    if target.is_labels:
        own = said[np.arange(len(said)), target.codes]
        return -np.log(np.clip(own, LEAST_PROBA, 1.0))
    center = np.average(target.y, weights=weight)
    return (target.y - said) ** 2 / (np.average((target.y - center) ** 2, weights=weight) or 1.0)
