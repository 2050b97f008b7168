"""How well scores tell which answers to hold back."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, column_or_1d

from sknoisy._typing import ArrayLike, FloatArray, validate_params

_LOSSES = {
    "loss": ["array-like"],
    "rejection_score": ["array-like"],
    "sample_weight": ["array-like", None],
}
_LABELS = {
    "y_true": ["array-like"],
    "y_pred": ["array-like"],
    "rejection_score": ["array-like"],
    "sample_weight": ["array-like", None],
}


@validate_params(_LOSSES, prefer_skip_nested_validation=True)
def risk_coverage_curve(
    loss: ArrayLike, rejection_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean loss of the answers that are given, for each share of rows that is answered.

    Parameters
    ----------
    loss : array-like of shape (n_samples,)
        What each answer costs, for instance its absolute error.

    rejection_score : array-like of shape (n_samples,)
        Rows of a higher score are rejected first. NaN counts as infinite.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    coverage : ndarray of shape (n_thresholds,)
        Share of rows answered, ascending up to 1.

    risk : ndarray of shape (n_thresholds,)
        Mean loss of these.

    thresholds : ndarray of shape (n_thresholds,)
        The largest score that is accepted: all scores that occur, ascending. Tied rows are accepted
        or rejected together.

    See Also
    --------
    risk_coverage_auc : The area under this curve.
    accuracy_reject_curve : The same for right and wrong answers.

    References
    ----------
    K. Hendrickx, L. Perini, D. Van der Plas, W. Meert, J. Davis, "Machine Learning with a Reject
    Option: A survey", Machine Learning, 2024.

    Examples
    --------
    >>> from sknoisy.metrics import risk_coverage_curve
    >>> coverage, risk, thresholds = risk_coverage_curve([1.0, 0.0, 3.0, 0.0], [0.5, 0.1, 0.9, 0.5])
    >>> coverage.tolist(), risk.round(3).tolist()
    ([0.25, 0.75, 1.0], [0.0, 0.333, 1.0])
    """
    loss = column_or_1d(loss, dtype=np.float64)
    score = column_or_1d(rejection_score, dtype=np.float64)
    check_consistent_length(loss, score, sample_weight)
    if len(loss) == 0:
        raise ValueError("loss has no rows.")
    bad = np.flatnonzero(~np.isfinite(loss))
    if len(bad):
        raise ValueError(f"loss must be finite, but row {bad[0]} (from 0) has {loss[bad[0]]}.")
    weight = _check_sample_weight(sample_weight, loss)
    if np.any(weight < 0):
        raise ValueError(f"Negative values in sample_weight, first in row {np.argmax(weight < 0)}.")
    rows = np.flatnonzero(weight > 0)
    if len(rows) == 0:
        raise ValueError("All sample_weight are zero.")
    score = np.where(np.isnan(score), np.inf, score)[rows]
    order = np.argsort(score, kind="stable")
    score, loss, weight = score[order], loss[rows][order], weight[rows][order]
    ends = np.append(np.flatnonzero(score[:-1] < score[1:]), len(score) - 1)
    covered = np.cumsum(weight)[ends]
    return covered / covered[-1], np.cumsum(weight * loss)[ends] / covered, score[ends]


@validate_params(_LOSSES, prefer_skip_nested_validation=True)
def risk_coverage_auc(
    loss: ArrayLike, rejection_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Area under the risk-coverage curve: the mean risk over all shares of rows answered.

    Lower is better. A score that knows nothing gets the mean loss.

    Parameters
    ----------
    loss : array-like of shape (n_samples,)
        What each answer costs.

    rejection_score : array-like of shape (n_samples,)
        Rows of a higher score are rejected first. NaN counts as infinite.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    area : float

    See Also
    --------
    accuracy_reject_auc : The same for right and wrong answers.

    Examples
    --------
    >>> from sknoisy.metrics import risk_coverage_auc
    >>> risk_coverage_auc([0.0, 0.0, 1.0, 1.0], [0.1, 0.2, 0.3, 0.4])
    0.20833333333333331
    >>> risk_coverage_auc([0.0, 0.0, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5])
    0.5
    """
    coverage, risk, _ = risk_coverage_curve(loss, rejection_score, sample_weight=sample_weight)
    return float(np.sum(np.diff(coverage, prepend=0.0) * risk))


@validate_params(_LABELS, prefer_skip_nested_validation=True)
def accuracy_reject_curve(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    rejection_score: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Accuracy of the answers that are given, for each share of rows that is rejected.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        Labels, and the answers to all rows.

    rejection_score : array-like of shape (n_samples,)
        Rows of a higher score are rejected first. NaN counts as infinite.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    rejected : ndarray of shape (n_thresholds,)
        Share of rows rejected, descending down to 0.

    accuracy : ndarray of shape (n_thresholds,)
        Of the others.

    thresholds : ndarray of shape (n_thresholds,)
        The largest score that is accepted, ascending.

    See Also
    --------
    accuracy_reject_auc : The area under this curve.
    risk_coverage_curve : The same for any loss.
    sknoisy.inspection.AccuracyRejectDisplay : The curve as a picture.

    References
    ----------
    M. S. A. Nadeem, J.-D. Zucker, B. Hanczar, "Accuracy-rejection curves (ARCs) for comparing
    classification methods with a reject option", JMLR workshop proceedings, 2010.

    Examples
    --------
    >>> from sknoisy.metrics import accuracy_reject_curve
    >>> rejected, accuracy, _ = accuracy_reject_curve(list("abba"), list("abaa"), [0, 1, 3, 2])
    >>> rejected.tolist(), accuracy.tolist()
    ([0.75, 0.5, 0.25, 0.0], [1.0, 1.0, 1.0, 0.75])
    """
    wrong = _wrong(y_true, y_pred)
    coverage, risk, thresholds = risk_coverage_curve(
        wrong, rejection_score, sample_weight=sample_weight
    )
    return 1 - coverage, 1 - risk, thresholds


@validate_params(_LABELS, prefer_skip_nested_validation=True)
def accuracy_reject_auc(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    rejection_score: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Area under the accuracy-reject curve: the mean accuracy over all shares of rows rejected.

    Higher is better, 1 is best. A score that knows nothing gets the accuracy.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        Labels, and the answers to all rows.

    rejection_score : array-like of shape (n_samples,)
        Rows of a higher score are rejected first. NaN counts as infinite.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    area : float
        In [0, 1].

    See Also
    --------
    risk_coverage_auc : The same for any loss.

    Examples
    --------
    >>> from sknoisy.metrics import accuracy_reject_auc
    >>> accuracy_reject_auc([0, 1, 1, 0], [0, 1, 0, 0], [0.0, 0.1, 0.9, 0.2])
    0.9375
    """
    wrong = _wrong(y_true, y_pred)
    return 1 - risk_coverage_auc(wrong, rejection_score, sample_weight=sample_weight)


def _wrong(y_true, y_pred):
    """Whether each answer is wrong, as numbers."""
    y_true, y_pred = column_or_1d(y_true), column_or_1d(y_pred)
    check_consistent_length(y_true, y_pred)
    return np.asarray(y_true != y_pred, dtype=float)
