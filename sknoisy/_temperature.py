"""How sure a treated model may be: its probabilities, brought in line by one number."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

FLOOR = 1e-3  # of a probability: a zero may be wrong, and has no logarithm
LIMITS = np.log([0.25, 50.0])  # of the temperature


def fit_temperature(proba, target):
    """Temperature that brings the probabilities of a model closest to what is known of rows.

    Parameters
    ----------
    proba : ndarray of shape (n, K)
        What the model says of rows that it has not seen; NaN elsewhere.
    target : ndarray of shape (n, K)
        What is known of the labels, by others than the model; NaN where nothing is.

    Returns
    -------
    float
        That of the least cross-entropy; above 1 the model was too sure.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger: "On calibration of modern neural networks", ICML,
    2017 (temperature scaling; there against the labels).
    """
    known = ~np.isnan(proba).any(axis=1) & ~np.isnan(target).any(axis=1)
    if not known.any():
        return 1.0
    logs, target = np.log(proba[known] + FLOOR), target[known]

    def loss(log_temperature):
        return -np.mean((target * log_softmax(logs / np.exp(log_temperature), axis=1)).sum(axis=1))

    return float(np.exp(minimize_scalar(loss, bounds=LIMITS, method="bounded").x))


def at_temperature(proba, temperature):
    """Probabilities less sure by `temperature`; their order in a row stays."""
    return softmax(np.log(proba + FLOOR) / temperature, axis=1)
