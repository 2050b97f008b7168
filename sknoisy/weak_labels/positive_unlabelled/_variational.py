"""The variational loss of positive-unlabelled labels, as weights of rows that are fitted again."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from sknoisy.weak_labels.positive_unlabelled._prior import safe_logit

LEAST = 1e-6  # of a weight, so that there are always rows to learn negatives from


def taylor_slope(mean, order=None):
    """Derivative of the logarithm, developed in a Taylor series of `order` about 1.

    T_k(z) = - sum_{i=1..k} (1 - z)^i / i has the slope sum_{i=0..k-1} (1 - z)^i, which is
    (1 - (1 - z)^k) / z. `order=None` is the logarithm itself, 1 / z.
    """
    mean = max(mean, 1e-6)
    return 1.0 / mean if order is None else (1.0 - (1.0 - mean) ** order) / mean


def variational_weights(positive, labelled, weight, *, order=None, rebalance=0.0):
    """What rows weigh so that log loss has the gradient of the variational loss.

    The loss is - mean of log f over labelled rows + mean(f)^rebalance T(mean of f over unlabelled
    rows). An unlabelled row taken for a negative has the log loss - log(1 - f), whose gradient in
    the logit is f; that of the second term is f (1 - f) T' / n, so that the row weighs
    (1 - f) T' / n. A labelled row weighs 1 / n.

    Parameters
    ----------
    positive : ndarray of shape (n,)
        f, the probability of being positive, of the model as it is now.
    labelled : ndarray of shape (n,) of bool
    weight : ndarray of shape (n,)
        Weights of the rows.
    order : int or None
        See `taylor_slope`.
    rebalance : float
        Power of the mean of f over unlabelled rows; above 0, rare positives count for more.

    Returns
    -------
    ndarray of shape (n,)
        Their mean is 1.
    """
    mean = np.average(positive[~labelled], weights=weight[~labelled])
    slope = taylor_slope(mean, order) * max(mean, 1e-6) ** rebalance
    negative = np.maximum(1.0 - positive, LEAST)
    new = np.where(
        labelled,
        1.0 / weight[labelled].sum(),
        slope * negative / weight[~labelled].sum(),
    )
    return new * weight.sum() / (new @ weight)


def sharpened(positive, spread):
    """Probabilities at a temperature below 1 where their logits differ too little.

    The temperature is `spread` times the standard deviation of the logits, 1 at most.
    """
    if spread is None:
        return positive
    logits = safe_logit(positive)
    temperature = np.clip(spread * logits.std(), 1e-2, 1.0)
    return expit(logits / temperature)


def fit_variational(
    estimator,
    rows,
    labels,
    folds,
    *,
    order=None,
    rebalance=0.0,
    spread=None,
    momentum=0.5,
    max_iter=10,
    tol=1e-3,
):
    """(weights (n,) of the last fit, out-of-sample f (n,), rounds).

    Each round fits the weights that follow from what the last ones said. `momentum` keeps a part
    of what was said before.
    """
    n = len(labels.labelled)
    given = np.ones(n) if rows.sample_weight is None else rows.sample_weight
    positive, unlabelled = np.full(n, 0.5), ~labels.labelled
    n_iter = 0
    for n_iter in range(1, max_iter + 1):  # noqa: B007
        weight = variational_weights(
            sharpened(positive, spread), labels.labelled, given, order=order, rebalance=rebalance
        )
        said = rows.out_of_sample(estimator, weighted_labels(labels, weight), folds)
        said = said[:, labels.positive_at]
        said = np.where(np.isnan(said), positive, said)
        before = positive
        positive = said if n_iter == 1 else momentum * positive + (1.0 - momentum) * said
        if np.abs(positive - before)[unlabelled].mean() < tol:
            break
    weight = variational_weights(
        sharpened(positive, spread), labels.labelled, given, order=order, rebalance=rebalance
    )
    return weight, positive, n_iter


def weighted_labels(labels, weight):
    """Labelled rows as positives and unlabelled ones as negatives, each with its weight."""
    return labels.weighted(weight * labels.labelled, weight * ~labels.labelled)
