"""How differently a classifier treats groups of rows."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning

from sknoisy._typing import ArrayLike, validate_params

_ARRAYS = {
    "y_true": ["array-like"],
    "y_pred": ["array-like"],
    "groups": ["array-like"],
    "pos_label": "no_validation",
    "sample_weight": ["array-like", None],
}
# What a gap is the largest of, and of which rows each rate is a share.
_RATES = {
    "statistical_parity_difference": ["selection_rate"],
    "equal_opportunity_difference": ["true_positive_rate"],
    "equalized_odds_difference": ["true_positive_rate", "false_positive_rate"],
    "accuracy_gap": ["accuracy"],
}
_SHARE_OF = {
    "accuracy": "rows",
    "selection_rate": "rows",
    "true_positive_rate": "positive rows",
    "false_positive_rate": "negative rows",
}


@validate_params(_ARRAYS, prefer_skip_nested_validation=True)
def group_rates(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
) -> pd.DataFrame:
    """Accuracy and rates of positive answers of each group.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted labels, without missing values.

    groups : array-like of shape (n_samples,)
        The group of each row; missing names are a group as well.

    pos_label : label, default=None
        The class that is the favourable answer; all others count as its opposite. None means the
        second of two classes in sorted order. With more classes it has to be given, for no single
        number says how fair several answers are: ask for one after the other.

    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, not negative.

    Returns
    -------
    rates : DataFrame
        A row for each group, in sorted order, with "n_rows", "weight" (the sum), "accuracy" (of all
        classes), "selection_rate" (the share that is predicted to be `pos_label`),
        "true_positive_rate" and "false_positive_rate" (the same, of the rows that are and are not
        of that class). NaN where a group has no such row.

    Examples
    --------
    >>> from sknoisy.metrics import group_rates
    >>> rates = group_rates([1, 0, 1, 0], [1, 1, 1, 0], groups=["a", "a", "b", "b"])
    >>> print(rates.drop(columns="weight"))
       n_rows  accuracy  selection_rate  true_positive_rate  false_positive_rate
    a       2       0.5             1.0                 1.0                  1.0
    b       2       1.0             0.5                 1.0                  0.0
    """
    given = _labels(y_true, "y_true"), _labels(y_pred, "y_pred"), _labels(groups)
    y_true, y_pred, groups = given
    if not len(y_true) == len(y_pred) == len(groups):
        raise ValueError(
            f"y_true has {len(y_true)} rows, y_pred {len(y_pred)} and groups {len(groups)}: they "
            "must be the same."
        )
    weight = _weights(sample_weight, len(y_true))
    favourable = _favourable(y_true, y_pred, pos_label)
    positive = (y_true == favourable).to_numpy(dtype=bool)
    selected = (y_pred == favourable).to_numpy(dtype=bool)
    right = (y_true == y_pred).to_numpy(dtype=bool)
    codes, names = pd.factorize(groups, sort=True, use_na_sentinel=False)

    def share(what, of):
        total = np.bincount(codes, weight * of, len(names))
        part = np.bincount(codes, weight * of * what, len(names))
        return np.divide(part, total, out=np.full(len(names), np.nan), where=total > 0)

    all_rows = np.ones(len(weight))
    return pd.DataFrame(
        {
            "n_rows": np.bincount(codes, minlength=len(names)),
            "weight": np.bincount(codes, weight, len(names)),
            "accuracy": share(right, all_rows),
            "selection_rate": share(selected, all_rows),
            "true_positive_rate": share(selected, positive),
            "false_positive_rate": share(selected, ~positive),
        },
        index=pd.Index(list(names)),
    )


@validate_params(_ARRAYS, prefer_skip_nested_validation=True)
def statistical_parity_difference(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Largest difference between groups in the share that gets the favourable answer.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted labels; the true ones only count for which classes there are.
    groups : array-like of shape (n_samples,)
        The group of each row; missing names are a group as well.
    pos_label : label, default=None
        The favourable answer, see :func:`group_rates`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    difference : float
        In [0, 1], 0 is best; NaN, with an `UndefinedMetricWarning`, if there are less than two
        groups.

    References
    ----------
    C. Dwork, M. Hardt, T. Pitassi, O. Reingold, R. Zemel, "Fairness through awareness", ITCS 2012.

    Examples
    --------
    >>> from sknoisy.metrics import statistical_parity_difference
    >>> statistical_parity_difference([1, 0, 1, 0], [1, 1, 1, 0], groups=["a", "a", "b", "b"])
    0.5
    """
    rates = group_rates(
        y_true, y_pred, groups=groups, pos_label=pos_label, sample_weight=sample_weight
    )
    return _gap(rates, "statistical_parity_difference")


@validate_params(_ARRAYS, prefer_skip_nested_validation=True)
def equal_opportunity_difference(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Largest difference between groups in the share of positive rows that are found.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted labels.
    groups : array-like of shape (n_samples,)
        The group of each row; missing names are a group as well.
    pos_label : label, default=None
        The favourable answer, see :func:`group_rates`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    difference : float
        In [0, 1], 0 is best. Groups without a positive row are left out, with an
        `UndefinedMetricWarning`; NaN if less than two are left.

    References
    ----------
    M. Hardt, E. Price, N. Srebro, "Equality of opportunity in supervised learning", NeurIPS 2016.

    Examples
    --------
    >>> from sknoisy.metrics import equal_opportunity_difference
    >>> equal_opportunity_difference([1, 1, 1, 0], [1, 0, 1, 0], groups=["a", "a", "b", "b"])
    0.5
    """
    rates = group_rates(
        y_true, y_pred, groups=groups, pos_label=pos_label, sample_weight=sample_weight
    )
    return _gap(rates, "equal_opportunity_difference")


@validate_params(_ARRAYS, prefer_skip_nested_validation=True)
def equalized_odds_difference(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The larger one of the differences between groups in true and in false positive rate.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted labels.
    groups : array-like of shape (n_samples,)
        The group of each row; missing names are a group as well.
    pos_label : label, default=None
        The favourable answer, see :func:`group_rates`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    difference : float
        In [0, 1], 0 is best. Groups without a positive (or a negative) row are left out of that
        rate, with an `UndefinedMetricWarning`; NaN if less than two are left for one of them.

    References
    ----------
    M. Hardt, E. Price, N. Srebro, "Equality of opportunity in supervised learning", NeurIPS 2016.

    Examples
    --------
    >>> from sknoisy.metrics import equalized_odds_difference
    >>> equalized_odds_difference([1, 0, 1, 0], [1, 1, 1, 0], groups=["a", "a", "b", "b"])
    1.0
    """
    rates = group_rates(
        y_true, y_pred, groups=groups, pos_label=pos_label, sample_weight=sample_weight
    )
    return _gap(rates, "equalized_odds_difference")


@validate_params(_ARRAYS, prefer_skip_nested_validation=True)
def group_fairness_report(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
) -> pd.Series:
    """All there is to say about groups, in one Series.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted labels.
    groups : array-like of shape (n_samples,)
        The group of each row; missing names are a group as well.
    pos_label : label, default=None
        The favourable answer, see :func:`group_rates`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    report : Series of float
        "n_groups"; "accuracy", that of the "worst_group" and the largest difference between groups
        ("accuracy_gap"); "statistical_parity_difference", "equal_opportunity_difference" and
        "equalized_odds_difference". What is not defined is NaN, without a warning, and groups
        without the rows that a rate needs are left out of it.

    Examples
    --------
    >>> from sknoisy.metrics import group_fairness_report
    >>> report = group_fairness_report([1, 0, 1, 0], [1, 1, 1, 0], groups=["a", "a", "b", "b"])
    >>> print(report.to_string())
    n_groups                         2.00
    accuracy                         0.75
    worst_group                      0.50
    accuracy_gap                     0.50
    statistical_parity_difference    0.50
    equal_opportunity_difference     0.00
    equalized_odds_difference        1.00
    """
    rates = group_rates(
        y_true, y_pred, groups=groups, pos_label=pos_label, sample_weight=sample_weight
    )
    known = rates[rates["weight"] > 0]
    report = {
        "n_groups": len(rates),
        "accuracy": np.average(known["accuracy"], weights=known["weight"]),
        "worst_group": known["accuracy"].min(),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        for gap in ("accuracy_gap", *(name for name in _RATES if name != "accuracy_gap")):
            report[gap] = _gap(rates, gap)
    return pd.Series(report, dtype=float)


def _gap(rates, metric):
    """The largest difference between groups in the rates that the metric is about."""
    gaps = []
    for name in _RATES[metric]:
        known = rates[name].dropna()
        left_out = rates.index.difference(known.index, sort=False)
        if len(left_out) or len(known) < 2:
            why = f"group {left_out[0]!r} has no {_SHARE_OF[name]}" if len(left_out) else ""
            why = why or "there is a single group"
            effect = "it is left out" if len(known) > 1 else "the metric is NaN"
            warnings.warn(
                f"{metric} is undefined for some groups, because {why}: {effect}.",
                UndefinedMetricWarning,
                stacklevel=3,
            )
        gaps.append(known.max() - known.min() if len(known) > 1 else np.nan)
    return float(np.max(gaps))


def _labels(values, name=None):
    """Labels of any kind as a Series with the numbers of the rows as its index.

    With a name none may be missing.
    """
    if getattr(values, "ndim", 1) != 1:
        raise ValueError(f"{name or 'groups'} must be one-dimensional, got shape {values.shape}.")
    labels = pd.Series(list(values), dtype=object)
    if not len(labels):
        raise ValueError(f"{name or 'groups'} has no rows.")
    if name and labels.isna().any():
        row = int(labels.isna().to_numpy().argmax())
        raise ValueError(f"{name} has a missing value in row {row} (from 0); leave such rows out.")
    return labels


def _favourable(y_true, y_pred, pos_label):
    """The class that counts as positive."""
    classes = pd.unique(pd.concat([y_true, y_pred]))
    if pos_label is None:
        if len(classes) != 2:
            raise ValueError(
                f"there are {len(classes)} classes: say by pos_label which one is the favourable "
                "answer, against all others."
            )
        try:
            return max(classes)
        except TypeError as error:
            raise ValueError(
                f"the classes {classes[0]!r} and {classes[1]!r} have no order: say by pos_label "
                "which one is the favourable answer."
            ) from error
    if not any(label == pos_label for label in classes):
        raise ValueError(f"pos_label={pos_label!r} is neither in y_true nor in y_pred.")
    return pos_label


def _weights(sample_weight, n_rows):
    if sample_weight is None:
        return np.ones(n_rows)
    weight = np.asarray(sample_weight, dtype=float)
    if weight.shape != (n_rows,):
        raise ValueError(f"sample_weight has shape {weight.shape}, but there are {n_rows} rows.")
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(f"sample_weight of row {row} (from 0) is {weight[row]}; it must be >= 0.")
    if not weight.any():
        raise ValueError("sample_weight is zero in all rows.")
    return weight
