"""Scores on noisy validation targets, corrected for the noise."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import roc_auc_score
from sklearn.utils.validation import check_consistent_length

from sknoisy._evidence._responses import check_proba
from sknoisy._typing import ArrayLike, FloatArray
from sknoisy.metrics._transition import check_two_classes, codes_of, read_transition, weight_of

LEAST_PROBA = 1e-15
SLACK = 0.25  # by which the recall of a class may lie outside [0, 1]: less than that is biased
CLEARLY = 1.5  # standard errors of a share, from which on a class is there


def corrected_accuracy(
    y: ArrayLike,
    y_pred: ArrayLike,
    *,
    transition: ArrayLike,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Accuracy on true labels, estimated from noisy ones.

    Assumes that how a label is wrong depends on the true class alone, and that `transition` says
    how. Then the estimate has no bias; its variance grows as classes become harder to tell by their
    noise, and single values may lie outside [0, 1].

    Parameters
    ----------
    y : array-like of shape (n,)
        Given labels, some of them wrong.
    y_pred : array-like of shape (n,)
        Predicted labels.
    transition : array-like of shape (K, K) or DataFrame
        P(given j | true i) in row i, column j, each row summing to one.
    labels : array-like of shape (K,), default=None
        Classes of the matrix, in its order; a DataFrame, whose names say that, is brought to this
        order. None means the index of a DataFrame, else the sorted labels of y and y_pred.
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float

    References
    ----------
    N. Natarajan, I. S. Dhillon, P. Ravikumar, A. Tewari: "Learning with Noisy Labels", NeurIPS,
    2013 (the unbiased estimator, for losses of two classes).

    Examples
    --------
    A fifth of the labels is wrong, so that a model that is always right seems to be right in four
    cases of five:

    >>> import numpy as np
    >>> from sknoisy.metrics import corrected_accuracy
    >>> truth = np.tile([0, 1], 500)
    >>> given = np.where(np.arange(1000) % 10 < 2, 1 - truth, truth)
    >>> float(np.mean(given == truth))
    0.8
    >>> round(corrected_accuracy(given, truth, transition=[[0.8, 0.2], [0.2, 0.8]]), 6)
    1.0
    """
    joint = corrected_confusion(
        y, y_pred, transition=transition, labels=labels, sample_weight=sample_weight
    )
    return float(np.trace(joint))


def corrected_balanced_accuracy(
    y: ArrayLike,
    y_pred: ArrayLike,
    *,
    transition: ArrayLike,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Balanced accuracy on true labels, estimated from noisy ones.

    Parameters and assumptions are those of `corrected_accuracy`. The mean over classes of a ratio
    of unbiased estimates. That of a class of few rows may come out as anything, so each is held
    within [-0.25, 1.25], and classes do not count whose share by estimate is less than 1.5 times
    the standard error that the noise gives it. By simulation (three classes, a tenth to a quarter
    of the labels wrong, 60 rows or more) the bias is below 0.05, where the smallest class has a
    tenth of the rows, a twentieth, or none, and falls with the rows to 0.02; without these two
    rules it is above 0.1.

    Parameters
    ----------
    y, y_pred, transition, labels, sample_weight
        See `corrected_accuracy`.

    Returns
    -------
    float

    Examples
    --------
    >>> from sknoisy.metrics import corrected_balanced_accuracy
    >>> y, y_pred = [0] * 8 + [1] * 2, [0] * 10
    >>> corrected_balanced_accuracy(y, y_pred, transition=[[1, 0], [0.5, 0.5]])
    0.5
    """
    matrix, labels = read_transition(transition, labels, y, y_pred)
    joint = corrected_confusion(
        y, y_pred, transition=matrix, labels=labels, sample_weight=sample_weight
    )
    members = joint.sum(axis=1)
    there = _classes_there(members, matrix, weight_of(sample_weight, len(y)))
    recall = np.diagonal(joint)[there] / members[there]
    return float(np.mean(np.clip(recall, -SLACK, 1.0 + SLACK)))


def _classes_there(members, matrix, weight):
    """(K,) of bool: classes of which there is more than noise alone makes of none."""
    back = np.linalg.inv(matrix)
    # variance of what a row adds to the share of each class (columns), by its own class (rows)
    of_row = matrix @ back**2 - np.eye(len(matrix))
    variance = np.maximum(np.maximum(members, 0.0) @ of_row, 0.0) * (weight**2).sum()
    there = members > np.maximum(CLEARLY * np.sqrt(variance) / weight.sum(), 1e-12)
    return there if there.any() else members > 1e-12


def corrected_confusion(
    y: ArrayLike,
    y_pred: ArrayLike,
    *,
    transition: ArrayLike,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> FloatArray:
    """Shares of rows by true and predicted label, estimated from noisy labels.

    Parameters
    ----------
    y, y_pred, transition, labels, sample_weight
        See `corrected_accuracy`.

    Returns
    -------
    ndarray of shape (K, K)
        Share of the rows of true class i that are predicted as j; the sum is one, and entries may
        be negative by chance.

    Examples
    --------
    >>> from sknoisy.metrics import corrected_confusion
    >>> T = [[0.75, 0.25], [0, 1]]
    >>> corrected_confusion([0, 0, 0, 1], [0, 0, 0, 0], transition=T).round(6)
    array([[1., 0.],
           [0., 0.]])
    """
    matrix, labels = read_transition(transition, labels, y, y_pred)
    given, predicted = codes_of(y, labels, "y"), codes_of(y_pred, labels, "y_pred")
    check_consistent_length(given, predicted, sample_weight)
    weight = weight_of(sample_weight, len(given))
    counts = np.zeros(matrix.shape)
    np.add.at(counts, (given, predicted), weight)
    return np.linalg.solve(matrix.T, counts / weight.sum())


def corrected_log_loss(
    y: ArrayLike,
    y_proba: ArrayLike,
    *,
    transition: ArrayLike,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Log loss on true labels, estimated from noisy ones.

    The loss of each given label is replaced by the combination of the losses of all labels whose
    mean over the noise is the loss of the true one. Assumptions as for `corrected_accuracy`.
    Unbiased, and of much larger variance where probabilities are near zero.

    Parameters
    ----------
    y : array-like of shape (n,)
        Given labels.
    y_proba : array-like of shape (n, K), or (n,) for two classes
        Predicted probabilities, columns in the order of `labels`.
    transition, labels, sample_weight
        See `corrected_accuracy`.

    Returns
    -------
    float

    References
    ----------
    G. Patrini, A. Rozza, A. K. Menon, R. Nock, L. Qu: "Making Deep Neural Networks Robust to Label
    Noise: A Loss Correction Approach", CVPR, 2017 (the backward correction).

    Examples
    --------
    >>> from sknoisy.metrics import corrected_log_loss
    >>> given = [0, 0, 0, 1]  # of four rows of class 0
    >>> loss = corrected_log_loss(given, [[0.5, 0.5]] * 4, transition=[[0.75, 0.25], [0, 1]])
    >>> round(loss, 4)  # log 2
    0.6931
    """
    matrix, labels = read_transition(transition, labels, y)
    given = codes_of(y, labels, "y")
    proba = np.asarray(y_proba, dtype=float)
    if proba.ndim == 1 and len(labels) == 2:
        proba = np.column_stack([1 - proba, proba])
    if proba.shape != (len(given), len(labels)):
        raise ValueError(
            f"y_proba has shape {proba.shape}, and there are {len(given)} rows and {len(labels)} "
            "classes: give one column for each class, in the order of labels."
        )
    proba = check_proba(proba, len(given), "y_proba")
    if np.isnan(proba).any():
        raise ValueError(f"y_proba is NaN, first in row {np.isnan(proba).any(axis=1).argmax()}.")
    losses = -np.log(np.clip(proba, LEAST_PROBA, 1.0))
    # sum_j T[i, j] backward[j, k] = 1 if i = k: the mean over the noise is the loss of the true one
    backward = np.linalg.inv(matrix)
    corrected = np.einsum("nk,nk->n", backward[given], losses)
    return float(np.average(corrected, weights=weight_of(sample_weight, len(given))))


def corrected_roc_auc(
    y: ArrayLike,
    y_score: ArrayLike,
    *,
    transition: ArrayLike,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Area under the ROC curve on true labels of two classes, estimated from noisy ones.

    The order of two models by AUC is that on noisy labels anyhow, for the noise only shrinks the
    distance from one half. Assumptions as for `corrected_accuracy`. The shares of the true classes
    are estimated as well, so that the bias vanishes with the number of rows; single values may lie
    outside [0, 1].

    Parameters
    ----------
    y : array-like of shape (n,)
        Given labels of two classes.
    y_score : array-like of shape (n,)
        Scores, higher for the second class.
    transition, labels, sample_weight
        See `corrected_accuracy`.

    Returns
    -------
    float
        NaN, with an `UndefinedMetricWarning`, if all rows are of one class, as given or by
        estimate.

    References
    ----------
    A. K. Menon, B. van Rooyen, C. S. Ong, R. C. Williamson: "Learning from Corrupted Binary Labels
    via Class-Probability Estimation", ICML, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.metrics import corrected_roc_auc
    >>> truth = np.tile([0, 1], 500)
    >>> given = np.where(np.arange(1000) % 10 < 2, 1 - truth, truth)
    >>> round(corrected_roc_auc(given, truth, transition=[[0.8, 0.2], [0.2, 0.8]]), 6)
    1.0
    """
    matrix, labels = read_transition(transition, labels, y)
    check_two_classes(labels)
    given = codes_of(y, labels, "y")
    weight = weight_of(sample_weight, len(given))
    share = np.bincount(given, weights=weight, minlength=2) / weight.sum()
    prior = np.linalg.solve(matrix.T, share)
    if min(*share, *prior) <= 1e-12:
        return _no_area(labels, share, prior)
    wrong = matrix[0, 1] * prior[0] / share[1] + matrix[1, 0] * prior[1] / share[0]
    area = roc_auc_score(given, y_score, sample_weight=sample_weight)
    return float(0.5 + (area - 0.5) / (1 - wrong))


def _no_area(labels, share, prior):
    given = (share == 0).any()
    label = labels[int(np.argmin(share if given else prior))]
    warnings.warn(
        f"corrected_roc_auc is undefined and NaN, because no row is "
        f"{'given' if given else 'by estimate of'} the class {label}: take more rows (in a search "
        "fewer folds).",
        UndefinedMetricWarning,
        stacklevel=3,
    )
    return np.nan
