"""Scaled errors as a mixture of two normals about zero, of right and of wrong numbers."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit
from scipy.stats import laplace, norm, t

MAD_TO_SD = 1.4826  # of normal numbers: standard deviation over median absolute deviation


def typical_size(size):
    """Median of absolute values; where that is zero the mean, and 1 where all are zero."""
    size = size[~np.isnan(size)]
    if len(size) == 0:
        return 1.0
    typical = np.median(size)
    if typical <= 1e-12 * size.max():
        typical = size.mean()
    return typical if typical > 0 else 1.0


def standardised(residual):
    """Absolute residuals about their median, in units of their usual size; NaN stays."""
    centred = residual - np.median(residual[~np.isnan(residual)], axis=0)
    size = np.abs(centred)
    return size / (MAD_TO_SD * typical_size(size))


def wide_normal_posterior(score, *, rate=None, max_iter=500, tol=1e-6):
    """P(wrong) for absolute scaled errors: that of the wider of two normals about zero.

    Parameters
    ----------
    score : ndarray of shape (n,)
        Absolute errors in comparable units; NaN was not judged.
    rate : float in (0, 1], default=None
        Share of the wider normal. None means that it is estimated, and that the answer is 0 for
        all rows when one law with tails no heavier than those of Student's t with 3 degrees of
        freedom explains the scores nearly as well, or the spreads are within a factor of 2.
    max_iter : int, default=500
        Most rounds of expectation-maximisation.
    tol : float, default=1e-6
        Stop when no probability changes by more.

    Returns
    -------
    ndarray of shape (n,)
        Rises with the score; 0 for a row that was not judged.
    """
    judged, proba = ~np.isnan(score), np.zeros(len(score))
    proba[judged] = _mixture_of_two(score[judged], rate, max_iter, tol)
    return proba


def _mixture_of_two(score, rate, max_iter, tol):
    """`wide_normal_posterior` where all rows were judged."""
    n = len(score)
    start = 0.05 if rate is None else rate
    n_wide = max(1, int(np.ceil(round(start * n, 9))))
    if n < 10 and rate is None:
        return np.zeros(n)
    if n_wide >= n:
        return np.full(n, start)
    square = np.sort(score) ** 2
    narrow, wide = np.sqrt([square[:-n_wide].mean(), square[-n_wide:].mean()])
    share, proba = start, np.full(n, start)
    for _ in range(max_iter):
        if not narrow * (1 + 1e-6) < wide:  # they cannot be told apart
            return np.full(n, 0.0 if rate is None else rate)
        narrow = max(narrow, 1e-6 * wide)
        log_ratio = norm.logpdf(score, 0, wide) - norm.logpdf(score, 0, narrow)
        old, proba = proba, expit(log_ratio + logit(share))
        if np.abs(proba - old).max() < tol:
            break
        if rate is None:
            share = np.clip(proba.mean(), 1e-6, 0.5)
        wide = np.sqrt(proba @ score**2 / (proba.sum() + 1e-12))
        narrow = np.sqrt((1 - proba) @ score**2 / ((1 - proba).sum() + 1e-12))
    if rate is None and not _worth_it(score, share, narrow, wide):
        return np.zeros(n)
    return proba


def _worth_it(score, share, narrow, wide):
    """Whether two normals explain the scores clearly better than any one law of right numbers.

    Right numbers may have heavy tails, so the rivals are a normal, a Laplace, and Student's t with
    3 degrees of freedom or more. The price is log(n), that of two parameters more, and 0.005 n,
    since no real errors follow a law exactly.
    """
    two = np.logaddexp(
        np.log(share) + norm.logpdf(score, 0, wide),
        np.log1p(-share) + norm.logpdf(score, 0, narrow),
    ).sum()
    rivals = [
        norm.logpdf(score, 0, np.sqrt(np.mean(score**2))).sum(),
        laplace.logpdf(score, 0, score.mean()).sum(),
        *(t.logpdf(score, df, 0, _scale_of_t(score, df)).sum() for df in (3, 5, 10)),
    ]
    return two - max(rivals) > np.log(len(score)) + 0.005 * len(score) and wide >= 2 * narrow


def _scale_of_t(score, df, n_iter=30):
    square, var = score**2, np.mean(score**2)
    for _ in range(n_iter):  # expectation-maximisation: t is a normal of random spread
        var = np.mean((df + 1) / (df + square / var) * square)
    return np.sqrt(var)
