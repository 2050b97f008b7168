"""From which score on a row is rejected: formulas over the scores and losses of held-out rows.

A row is accepted where its score is not above the threshold. Scores of infinity are never accepted.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc

N_THRESHOLDS = 100  # thresholds that a bounded risk is tested at, one for each hundredth of rows
N_STARTS = 10  # tests among them that get a share of the error probability of their own


def cost_threshold(score, loss, cost, weight=None):
    """Threshold at which rows cost least: an accepted one its loss, a rejected one `cost`.

    Parameters
    ----------
    score, loss : ndarray of shape (n,)
    cost : float
    weight : ndarray of shape (n,), default=None

    Returns
    -------
    float
        The largest of those that cost the same; -inf where accepting none costs least.
    """
    order, weight = np.argsort(score, kind="stable"), _ones(weight, score)
    score = score[order]
    total = np.concatenate([[0.0], np.cumsum((weight * (loss - cost))[order])])
    may_end = np.append(True, np.isfinite(score))
    may_end[1:-1] &= score[:-1] < score[1:]  # tied rows go together
    total[~may_end] = np.inf
    best = len(total) - 1 - np.argmin(total[::-1].round(12))
    if best == 0:
        return -np.inf
    return np.inf if best == np.isfinite(score).sum() else float(score[best - 1])


def coverage_threshold(score, coverage, weight=None):
    """Threshold that a new row stays below with probability `coverage` or more.

    The ceil((n + 1) coverage)-th smallest score: the new row's rank among n + 1 exchangeable rows
    is uniform, as in split-conformal prediction.

    Parameters
    ----------
    score : ndarray of shape (n,)
    coverage : float
    weight : ndarray of shape (n,), default=None
        Where they differ, n is the effective number of rows.

    Returns
    -------
    float
    """
    order, weight = np.argsort(score, kind="stable"), _ones(weight, score)
    share = np.cumsum(weight[order]) / weight.sum()
    n = weight.sum() ** 2 / np.square(weight).sum()
    needed = coverage * (1 + 1 / n)
    if needed > 1 + 1e-12:
        return np.inf
    at = min(np.searchsorted(share, needed - 1e-12), len(score) - 1)
    return float(score[order[at]])


def bounded_risk_threshold(score, loss, max_risk, error_probability, weight=None):
    """Largest threshold below which the share of wrong answers is bounded, surely enough.

    The thresholds are order statistics of the scores. At each, the rows below are independent
    draws of accepted rows, so that the number of wrong ones is binomial, and its distribution
    function at `max_risk` is the p-value of the hypothesis that the risk is larger (the bound of
    Clopper and Pearson, read the other way round). They are tested from the strictest on by the
    fallback procedure: `N_STARTS` of them get an equal share of the error probability, and what a
    test has had goes on to the next one if it rejects. Whatever the scores are, all thresholds that
    pass have a risk of `max_risk` at most, but for `error_probability`.

    Parameters
    ----------
    score : ndarray of shape (n,)
    loss : ndarray of shape (n,)
        Whether the answer is wrong.
    max_risk : float
    error_probability : float
    weight : ndarray of shape (n,), default=None
        Where they differ, numbers of rows are effective ones, and the bound is approximate.

    Returns
    -------
    float
        -inf where none passes.
    """
    order, weight = np.argsort(score, kind="stable"), _ones(weight, score)
    score, loss, weight = score[order], loss[order], weight[order]
    n = len(score)
    steps = np.arange(1, N_THRESHOLDS + 1)
    limits = np.append(score, np.inf)[np.ceil(steps * n / N_THRESHOLDS).astype(int)]
    below = np.searchsorted(score, limits, side="left")  # accepted: all below a limit, without it
    sums = np.cumsum(np.vstack([weight, weight**2, weight * loss]), axis=1)
    total, squares, wrong = np.hstack([np.zeros((3, 1)), sums])[:, below]
    with np.errstate(invalid="ignore", divide="ignore"):
        n_rows = total**2 / squares
        p_values = binomial_cdf(n_rows * wrong / total, n_rows, max_risk)
    best, level = -np.inf, 0.0
    for i in range(N_THRESHOLDS):
        if i % (N_THRESHOLDS // N_STARTS) == 0:
            level += error_probability / N_STARTS
        if below[i] and p_values[i] <= level:
            best = limits[i]
        else:
            level = 0.0
    is_all = best == np.inf and np.isfinite(score).all()
    return np.inf if is_all else float(np.nextafter(best, -np.inf))


def binomial_cdf(k, n, p):
    """P(B <= k) of a binomial B, also for numbers k and n that are not whole."""
    k, n = np.broadcast_arrays(k, n)
    inside = k < n
    return np.where(inside, 1 - betainc(k + 1, np.where(inside, n - k, 1.0), p), 1.0)


def _ones(weight, score):
    return np.ones(len(score)) if weight is None else weight
