"""How well a detector found the rows that are known to be wrong."""

from __future__ import annotations

import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.utils._param_validation import Interval, RealNotInt

from sknoisy._typing import ArrayLike, validate_params

_ARRAYS = {"mask_true": ["array-like"], "noise_score": ["array-like"]}


@validate_params(_ARRAYS, prefer_skip_nested_validation=True)
def average_precision(mask_true: ArrayLike, noise_score: ArrayLike) -> float:
    """Average precision of a noise score: the mean precision at each truly wrong row.

    A random score gets the share of wrong rows, on average; the best possible score gets 1. Tied
    rows enter together.

    Parameters
    ----------
    mask_true : array-like of shape (n_samples,)
        True (or 1) for the rows that are wrong.

    noise_score : array-like of shape (n_samples,)
        Higher is more suspect, on any scale, infinite values included. NaN (a row that was not
        judged) ranks below all others.

    Returns
    -------
    average_precision : float
        In [0, 1]; NaN, with an `UndefinedMetricWarning`, if no row is wrong.

    See Also
    --------
    sklearn.metrics.average_precision_score : What is called with the ranks of the score.

    Examples
    --------
    >>> from sknoisy.metrics import average_precision
    >>> round(average_precision([True, False, True, False], [0.9, 0.8, 0.7, 0.1]), 3)
    0.833
    """
    mask_true, rank = _mask_and_rank(mask_true, noise_score)
    if not mask_true.any():
        return _undefined("average_precision", "no row of mask_true is wrong")
    return float(average_precision_score(mask_true, rank))


@validate_params(_ARRAYS, prefer_skip_nested_validation=True)
def auroc(mask_true: ArrayLike, noise_score: ArrayLike) -> float:
    """Area under the ROC curve: how often a wrong row has a higher score than a right one.

    A random score gets 0.5 on average, the best possible one 1. A tie counts half.

    Parameters
    ----------
    mask_true : array-like of shape (n_samples,)
        True (or 1) for the rows that are wrong.

    noise_score : array-like of shape (n_samples,)
        Higher is more suspect, on any scale, infinite values included. NaN (a row that was not
        judged) ranks below all others.

    Returns
    -------
    auroc : float
        In [0, 1]; NaN, with an `UndefinedMetricWarning`, if no row or every row is wrong.

    See Also
    --------
    sklearn.metrics.roc_auc_score : What is called with the ranks of the score.

    Examples
    --------
    >>> from sknoisy.metrics import auroc
    >>> auroc([True, False, True, False], [0.9, 0.8, 0.7, 0.1])
    0.75
    """
    mask_true, rank = _mask_and_rank(mask_true, noise_score)
    if mask_true.all() or not mask_true.any():
        return _undefined("auroc", "mask_true has wrong or right rows only")
    return float(roc_auc_score(mask_true, rank))


@validate_params(
    _ARRAYS
    | {
        "k": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
            None,
        ]
    },
    prefer_skip_nested_validation=True,
)
def precision_at_k(
    mask_true: ArrayLike, noise_score: ArrayLike, k: int | float | None = None
) -> float:
    """Share of truly wrong rows among the `k` most suspect ones.

    This is what a person finds who reviews the first `k` rows.

    Parameters
    ----------
    mask_true : array-like of shape (n_samples,)
        True (or 1) for the rows that are wrong.

    noise_score : array-like of shape (n_samples,)
        Higher is more suspect, on any scale, infinite values included. NaN (a row that was not
        judged) ranks below all others.

    k : int in [1, n_samples], float in (0, 1] or None, default=None
        Number of rows; a float is a share of all rows, rounded, and one row at the least. None is
        the number of truly wrong rows: then precision and recall are the same.

    Returns
    -------
    precision : float
        In [0, 1]. Where the k-th row is tied with others, it is the expected value over the orders
        that tied rows can be in. NaN, with an `UndefinedMetricWarning`, if `k` is None and no row
        is wrong.

    Examples
    --------
    >>> from sknoisy.metrics import precision_at_k
    >>> precision_at_k([True, False, True, False], [0.9, 0.8, 0.7, 0.1], k=3) == 2 / 3
    True
    >>> precision_at_k([True, False, True, False], [0.5, 0.5, 0.5, 0.5], k=1)
    0.5
    """
    mask_true, rank = _mask_and_rank(mask_true, noise_score)
    n_rows = len(rank)
    if k is None:
        k = int(mask_true.sum())
        if k == 0:
            return _undefined("precision_at_k", "no row of mask_true is wrong, and k is None")
    elif isinstance(k, Integral):
        if k > n_rows:
            raise ValueError(f"k={k} is more than the {n_rows} rows there are.")
    else:
        k = max(1, round(k * n_rows))
    cut = np.partition(rank, n_rows - k)[n_rows - k]
    above, tied = rank > cut, rank == cut
    # The places that are left go to tied rows at random.
    hits = mask_true[above].sum() + (k - above.sum()) * mask_true[tied].mean()
    return float(hits / k)


@validate_params(
    {
        "mask_true": ["array-like"],
        "noise_proba": ["array-like"],
        "n_bins": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def calibration_error(mask_true: ArrayLike, noise_proba: ArrayLike, n_bins: int = 10) -> float:
    """Expected calibration error: how far the probability of being wrong is from the truth.

    The rows are put in bins of equal width by their probability; the error is the mean, over the
    rows, of the absolute difference between their bin's mean probability and share of wrong rows.

    Parameters
    ----------
    mask_true : array-like of shape (n_samples,)
        True (or 1) for the rows that are wrong.

    noise_proba : array-like of shape (n_samples,)
        Probability in [0, 1] that a row is wrong. Rows with NaN (not judged) are left out.

    n_bins : int >= 1, default=10
        Number of bins between 0 and 1.

    Returns
    -------
    error : float
        In [0, 1], 0 is best; NaN, with an `UndefinedMetricWarning`, if no row was judged.

    References
    ----------
    M. Pakdaman Naeini, G. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using
    Bayesian binning", AAAI 2015.

    Examples
    --------
    >>> from sknoisy.metrics import calibration_error
    >>> calibration_error([True, False, False, False], [0.25, 0.25, 0.25, 0.25])
    0.0
    >>> calibration_error([True, False], [0.5, 0.0])
    0.25
    """
    mask_true = _check_mask(mask_true, "mask_true")
    noise_proba = _check_numbers(noise_proba, "noise_proba", len(mask_true))
    outside = (noise_proba < 0) | (noise_proba > 1)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(
            f"noise_proba must lie in [0, 1], but row {row} (from 0) has {noise_proba[row]}."
        )
    judged = ~np.isnan(noise_proba)
    if not judged.any():
        return _undefined("calibration_error", "no row has a probability")
    wrong, proba = mask_true[judged], noise_proba[judged]
    bins = np.minimum((proba * n_bins).astype(int), n_bins - 1)
    # Within a bin, its number of rows times the difference of the means is that of the sums.
    gap = np.bincount(bins, weights=wrong - proba)
    return float(np.abs(gap).sum() / len(proba))


@validate_params(
    _ARRAYS | {"noise_mask": ["array-like", None], "noise_proba": ["array-like", None]},
    prefer_skip_nested_validation=True,
)
def detection_report(
    mask_true: ArrayLike,
    noise_score: ArrayLike,
    noise_mask: ArrayLike | None = None,
    noise_proba: ArrayLike | None = None,
) -> pd.Series:
    """All there is to say about a detection, given the truth.

    Parameters
    ----------
    mask_true : array-like of shape (n_samples,)
        True (or 1) for the rows that are wrong.

    noise_score : array-like of shape (n_samples,)
        A detector's `noise_score_`: higher is more suspect, NaN ranks below all others.

    noise_mask : array-like of shape (n_samples,), default=None
        A detector's `noise_mask_`: the rows it flagged.

    noise_proba : array-like of shape (n_samples,), default=None
        A detector's `noise_proba_`: probabilities in [0, 1], or NaN.

    Returns
    -------
    report : Series of float
        "n_rows" and "n_wrong"; with `noise_mask` also "n_flagged", "precision", "recall" and
        "f1" of the flagged rows; "average_precision", "auroc" and "precision_at_k" (with k the
        number of wrong rows) of the score; with `noise_proba` also "calibration_error". What is
        not defined is NaN, without a warning: recall and the metrics of the score if no row is
        wrong, precision if none is flagged, f1 if both.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.metrics import detection_report
    >>> score = np.array([0.9, 0.8, 0.7, 0.1])
    >>> report = detection_report([True, False, True, False], score, score > 0.75, score)
    >>> print(report.round(3).to_string())
    n_rows               4.000
    n_wrong              2.000
    n_flagged            2.000
    precision            0.500
    recall               0.500
    f1                   0.500
    average_precision    0.833
    auroc                0.750
    precision_at_k       0.500
    calibration_error    0.325
    """
    mask_true = _check_mask(mask_true, "mask_true")
    report = {"n_rows": len(mask_true), "n_wrong": mask_true.sum()}
    if noise_mask is not None:
        noise_mask = _check_mask(noise_mask, "noise_mask", len(mask_true))
        precision, recall, f1, _ = precision_recall_fscore_support(
            mask_true, noise_mask, average="binary", zero_division=np.nan
        )
        report |= {
            "n_flagged": noise_mask.sum(),
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        for metric in (average_precision, auroc, precision_at_k):
            report[metric.__name__] = metric(mask_true, noise_score)
        if noise_proba is not None:
            report["calibration_error"] = calibration_error(mask_true, noise_proba)
    return pd.Series(report, dtype=float)


def _check_mask(mask, name, n_rows=None):
    """A mask as a boolean array; 0 and 1 are fine, other numbers are not."""
    array = np.asarray(mask)
    if array.ndim != 1:
        raise ValueError(
            f"{name} must be one-dimensional, got shape {array.shape}; for a mask of cells use "
            f"{name}.any(axis=1)."
        )
    if len(array) == 0:
        raise ValueError(f"{name} has no rows.")
    if n_rows is not None and len(array) != n_rows:
        raise ValueError(f"{name} has {len(array)} rows, mask_true has {n_rows}.")
    if array.dtype != bool:
        for row, value in enumerate(array.tolist()):
            if not (isinstance(value, Real) and value in (0, 1)):
                raise ValueError(
                    f"{name} must hold True and False, but row {row} (from 0) is {value!r}."
                )
    return array.astype(bool)


def _check_numbers(values, name, n_rows):
    """Numbers as a float array, in which NaN is allowed."""
    if np.iscomplexobj(values):
        raise ValueError(f"{name} is complex, and a rank needs an order.")
    try:
        array = (
            values.to_numpy(dtype=np.float64, na_value=np.nan)
            if isinstance(values, pd.Series)
            else np.asarray(values, dtype=np.float64)
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be read as numbers: {error}.") from error
    if array.shape != (n_rows,):
        raise ValueError(f"{name} has shape {array.shape}, but mask_true has {n_rows} rows.")
    return array


def _mask_and_rank(mask_true, noise_score):
    """The truth, and ranks that order rows as the score does, with NaN at the bottom (0)."""
    mask_true = _check_mask(mask_true, "mask_true")
    noise_score = _check_numbers(noise_score, "noise_score", len(mask_true))
    judged = ~np.isnan(noise_score)
    rank = np.zeros(len(noise_score))
    rank[judged] = np.unique(noise_score[judged], return_inverse=True)[1] + 1
    return mask_true, rank


def _undefined(metric, reason):
    message = f"{metric} is undefined and NaN, because {reason}."
    warnings.warn(message, UndefinedMetricWarning, stacklevel=4)
    return float("nan")
