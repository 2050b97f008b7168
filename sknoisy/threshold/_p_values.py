"""From p-values to rejections and to probabilities."""

from __future__ import annotations

import numpy as np
from scipy.stats import false_discovery_control
from sklearn.isotonic import isotonic_regression

NULLS_ABOVE = 0.5  # p-values above this are taken to be those of right rows


def reject(p_values, alpha, procedure="bh"):
    """Which p-values are rejected; equal ones together.

    "bh": by Benjamini and Hochberg; "storey": by them at the level alpha / `null_share`; "each":
    those of at most alpha, whatever the others are.
    """
    if procedure == "each" or len(p_values) == 0:
        return p_values <= alpha
    if procedure == "storey":
        alpha = min(alpha / null_share(p_values), NULLS_ABOVE)
    # of a sum that rounds, 0.1 must stay 0.1
    return false_discovery_control(p_values) <= alpha * (1 + 1e-12)


def null_share(p_values):
    """Storey's estimate of the share of right rows, in (0, 1].

    One is added to the count, as the guarantee needs it.
    """
    above = 1 + np.count_nonzero(p_values > NULLS_ABOVE)
    return min(1.0, above / (len(p_values) * (1 - NULLS_ABOVE)))


def wrong_proba(p_values):
    """Probability that a row is wrong: one minus the local false discovery rate.

    That is the share of right rows, whose p-values are uniform, over the density of all p-values,
    which falls with p: its estimate is the slope of the least concave majorant of the distribution
    function (Grenander).
    """
    levels, at, counts = np.unique(p_values, return_inverse=True, return_counts=True)
    positive = np.maximum(levels, 1e-300)
    widths = np.diff(np.append(0.0, positive))
    heights = counts / len(p_values) / np.maximum(widths, 1e-300)
    if positive[-1] < 1.0:
        widths = np.append(widths, 1.0 - positive[-1])
        heights = np.append(heights, 0.0)
    heights = np.minimum(heights, 1e300)
    density = isotonic_regression(
        heights, sample_weight=np.maximum(widths, 1e-300), increasing=False
    )[: len(levels)]
    local = null_share(p_values) / np.maximum(density, 1e-300)
    proba = np.clip(1.0 - local, 0.0, 1.0)
    return np.minimum.accumulate(proba)[at.reshape(-1)]
