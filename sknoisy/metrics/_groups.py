"""Scores of the group for which a model is worst."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, get_scorer, r2_score
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, check_consistent_length

from sknoisy._evidence._evidence import check_weight
from sknoisy._evidence._regions import read_regions
from sknoisy._typing import ArrayLike, validate_params


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "groups": ["array-like"],
        "metric": [callable],
        "by_label": ["boolean"],
        "sample_weight": ["array-like", None],
        "greater_is_better": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def worst_group_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike,
    metric: Callable[..., Any] = accuracy_score,
    by_label: bool = False,
    sample_weight: ArrayLike | None = None,
    greater_is_better: bool = True,
) -> float:
    """Score of the group with the worst one.

    Parameters
    ----------
    y_true : array-like of shape (n,)

    y_pred : array-like of shape (n,) or (n, K)
        What `metric` takes.

    groups : array-like of shape (n,)
        Group of each row; missing names are a group as well.

    metric : callable, default=accuracy_score
        ``metric(y_true, y_pred)``, also with `sample_weight` if that is given.

    by_label : bool, default=False
        Whether each class of a group is a group of its own.

    sample_weight : array-like of shape (n,), default=None
        A group of no weight has no score.

    greater_is_better : bool, default=True
        False for losses, of which the largest is the worst.

    Returns
    -------
    float
        NaN, with an `UndefinedMetricWarning`, if the metric is undefined for all groups; groups for
        which it is are left out, with the same warning.

    See Also
    --------
    WorstGroupScorer : A scorer for searches.

    Examples
    --------
    >>> from sklearn.metrics import mean_absolute_error
    >>> from sknoisy.metrics import worst_group_score
    >>> how = {"groups": ["a", "a", "b", "b"], "metric": mean_absolute_error}
    >>> worst_group_score([1, 2, 3, 4], [1, 2, 4, 6], **how, greater_is_better=False)
    1.5
    """
    y_true, y_pred = _as_array(y_true), _as_array(y_pred)
    check_consistent_length(y_true, y_pred)
    n = len(y_true)
    parts = _parts(groups, np.empty((n, 1)), y_true if by_label else None, "groups")

    def score(rows, extra):
        return metric(y_true[rows], y_pred[rows], **extra)

    return _worst(_weighted(score, sample_weight, n), parts, 1 if greater_is_better else -1)


def worst_group_accuracy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike,
    by_label: bool = False,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Accuracy in the group with the lowest one.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)

    groups : array-like of shape (n,)
        Group of each row; missing names are a group as well.

    by_label : bool, default=False
        Whether each class of a group is a group of its own.

    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float

    See Also
    --------
    WorstGroupScorer : A scorer that reads groups from X.

    Examples
    --------
    >>> from sknoisy.metrics import worst_group_accuracy
    >>> worst_group_accuracy([0, 1, 1, 0], [0, 1, 1, 1], groups=["a", "a", "b", "b"])
    0.5

    With metadata routing it is a scorer to which a search hands the groups that it is given:

    >>> from sklearn import config_context
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.metrics import make_scorer
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sknoisy.datasets import make_spurious
    >>> X, y, groups = make_spurious(500, random_state=0)
    >>> with config_context(enable_metadata_routing=True):
    ...     scorer = make_scorer(worst_group_accuracy).set_score_request(groups=True)
    ...     search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1]}, scoring=scorer)
    ...     best = search.fit(X, y, groups=groups).best_params_
    >>> best
    {'C': 1}
    """
    how = {"groups": groups, "by_label": by_label, "sample_weight": sample_weight}
    return worst_group_score(y_true, y_pred, metric=accuracy_score, **how)


def worst_group_r2(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Coefficient of determination in the group with the lowest one.

    Each group is compared with its own mean, so that a group of few different numbers may have a
    low one; `worst_group_score` with a mean error asks how far off the worst group is.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)

    groups : array-like of shape (n,)
        Group of each row; missing names are a group as well.

    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float
        Groups of a single row, for which it is undefined, are left out with an
        `UndefinedMetricWarning`.

    Examples
    --------
    >>> from sknoisy.metrics import worst_group_r2
    >>> worst_group_r2([1, 2, 3, 4, 5, 6], [1, 2, 3, 5, 5, 5], groups=[0, 0, 0, 1, 1, 1])
    0.0
    """
    return worst_group_score(
        y_true, y_pred, metric=r2_score, groups=groups, sample_weight=sample_weight
    )


@dataclass(frozen=True)
class WorstGroupScorer:
    """Scorer for searches: the score of the group with the worst one, told by X itself.

    Without metadata routing, a search hands `groups` to its splitter alone. This scorer reads them
    from a column of X, or asks a function of X. It can be pickled if that function can.

    Parameters
    ----------
    metric : str or callable, default="accuracy"
        Name of one of scikit-learn's scorers, such as "r2" or "neg_log_loss", a scorer made by
        `make_scorer`, or a function ``metric(y_true, y_pred)`` of which more is better.
    by : str or callable, default=None
        Name of a column of X, or ``callable(X) -> (n,)``. Missing names are a group as well.
    by_label : bool, default=False
        Whether each class of a group is a group of its own, as it must be where a group is an
        attribute that goes with the label.

    See Also
    --------
    worst_group_accuracy : For groups that are at hand, and for metadata routing.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sknoisy.datasets import make_spurious
    >>> from sknoisy.metrics import WorstGroupScorer
    >>> from sknoisy.training.groups import GroupDROClassifier
    >>> X, y, groups = make_spurious(1000, random_state=0)
    >>> X = pd.DataFrame(X, columns=["core", "spurious", "u", "v", "w"]).assign(side=groups % 2)
    >>> search = GridSearchCV(
    ...     GroupDROClassifier(LogisticRegression(), by="side", by_label=True, random_state=0),
    ...     {"estimator__C": [0.001, 1]},
    ...     scoring=WorstGroupScorer("accuracy", by="side", by_label=True),
    ... )
    >>> search.fit(X, y).best_params_
    {'estimator__C': 1}
    """

    metric: str | Callable[..., Any] = "accuracy"
    by: str | Callable[..., Any] | None = None
    by_label: bool = False

    def __post_init__(self):
        if self.by is None:
            raise ValueError(
                "WorstGroupScorer needs by: a column of X, or a function of X that gives the group "
                "of each row."
            )
        if isinstance(self.metric, str):
            get_scorer(self.metric)  # refuses unknown names

    def __call__(self, estimator, X, y, sample_weight=None):
        """Score of the worst group.

        Parameters
        ----------
        estimator : fitted estimator
        X : container of n rows
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        float
        """
        parts = _parts(self.by, X, _as_array(y) if self.by_label else None, "by")
        scorer = get_scorer(self.metric) if isinstance(self.metric, str) else self.metric
        scorer = _told_all_classes(scorer, estimator)

        def score(rows, extra):
            some, true = _safe_indexing(X, rows), _safe_indexing(y, rows)
            if hasattr(scorer, "_score_func"):
                return scorer(estimator, some, true, **extra)
            return scorer(true, estimator.predict(some), **extra)

        return _worst(_weighted(score, sample_weight, _num_samples(X)), parts, 1)


def _told_all_classes(scorer, estimator):
    """A scorer of probabilities that knows whose their columns are: a group may lack a class."""
    metric = getattr(scorer, "_score_func", None)
    of_proba = metric is not None and scorer._response_method == "predict_proba"
    if not of_proba or "labels" not in inspect.signature(metric).parameters:
        return scorer
    told = copy(scorer)
    told._kwargs = {"labels": estimator.classes_} | scorer._kwargs
    return told


def _parts(by, X, labels, name):
    """Rows of each group by its name; with labels, of each class in it."""
    codes, names = read_regions(by, X, name=name)
    names = names.tolist()
    if labels is not None:
        of_label, classes = pd.factorize(labels)
        cell = codes * len(classes) + of_label
        found, codes = np.unique(cell, return_inverse=True)
        names = [(names[c // len(classes)], classes[c % len(classes)]) for c in found]
    return {names[i]: np.flatnonzero(codes.ravel() == i) for i in range(len(names))}


def _weighted(score, sample_weight, n):
    """`score(rows)` from `score(rows, parameters)`; undefined for rows of no weight."""
    if sample_weight is None:
        return lambda rows: score(rows, {})
    weight = check_weight(sample_weight, n)

    def with_weight(rows):
        mine = weight[rows]
        return score(rows, {"sample_weight": mine}) if mine.any() else np.nan

    return with_weight


def _worst(score, parts, sign):
    scores = {}
    for name, rows in parts.items():
        with warnings.catch_warnings():  # what is undefined is said once, below
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            scores[name] = float(score(rows))
    odd = [name for name, value in scores.items() if np.isnan(value)]
    if odd:
        warnings.warn(
            f"The score is undefined for {len(odd)} of {len(scores)} groups, first for "
            f"{odd[0]!r} ({len(parts[odd[0]])} rows): they are left out.",
            UndefinedMetricWarning,
            stacklevel=4,
        )
    known = [sign * value for value in scores.values() if not np.isnan(value)]
    return sign * min(known) if known else float("nan")


def _as_array(values):
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if _num_samples(array) == 0:
        raise ValueError("There are no rows to score.")
    return array
