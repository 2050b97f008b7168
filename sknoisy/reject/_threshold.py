"""From which score on a row is rejected: formulas over the scores and losses of held-out rows.

A row is accepted where its score is not above the threshold. Scores of infinity are never accepted.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc

N_THRESHOLDS = 100  # thresholds that a bounded risk is tested at
ENOUGH_ERRORS = 8  # that the strictest of them would have at the bound; with fewer, few tests pass


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
    fallback procedure: those with m, 2m, 4m, ... rows get an equal share of the error probability,
    m being enough rows to tell, and what a test has had goes on to the next one if it rejects.
    Whatever the scores are, all thresholds that pass have a risk of `max_risk` at most, but for
    `error_probability`.

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
    first = min(ENOUGH_ERRORS / max_risk, n / 2)
    n_below = np.unique(np.ceil(np.linspace(first, n, N_THRESHOLDS)).astype(int))
    doubled = first * 2.0 ** np.arange(int(np.log2(n / first)) + 1)
    share = np.zeros(len(n_below))
    share[np.searchsorted(n_below, doubled - 1e-9)] = error_probability / len(doubled)
    limits = np.append(score, np.inf)[n_below]
    below = np.searchsorted(score, limits, side="left")  # accepted: all below a limit, without it
    sums = np.cumsum(np.vstack([weight, weight**2, weight * loss]), axis=1)
    total, squares, wrong = np.hstack([np.zeros((3, 1)), sums])[:, below]
    with np.errstate(invalid="ignore", divide="ignore"):
        n_rows = total**2 / squares
        p_values = binomial_cdf(n_rows * wrong / total, n_rows, max_risk)
    best, level = -np.inf, 0.0
    for limit, rows, p_value, more in zip(limits, below, p_values, share, strict=True):
        level += more
        if rows == 0:  # ties with the lowest score: nothing is answered, and nothing is tested
            continue
        if p_value <= level:
            best = limit
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
