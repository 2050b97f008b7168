"""Environments within classes, and what a concept does in each of them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse
from sklearn.cluster import KMeans

from sknoisy.training.hidden_groups._columns import values_of

SEPARATION = 3.5  # of two environments, in their spread; the ends of a normal have less than 3
FEWEST = 5  # rows that are no mere outliers
MINOR = 0.3  # largest share of a class that may be the exception
LEAST_HELP = 0.5  # log-odds, below which nothing speaks for a label


def exceptions(X, concepts, codes, sample_weight=None, random_state=None):
    """(n, C) of bool: rows that stand apart from their class in a concept, and look like another.

    Of a class the end that stands furthest apart is the exception; there is none where it is not
    apart, as the ends of a normal distribution are not. Exceptions that are no nearer to the rule
    of another class than to that of their own mislead nobody.
    """
    weight = np.ones(len(codes)) if sample_weight is None else sample_weight
    X = X.tocsc() if issparse(X) else X
    classes = [np.flatnonzero((codes == k) & (weight > 0)) for k in range(codes.max() + 1)]
    out = np.zeros((len(codes), len(concepts)), dtype=bool)
    for j, columns in enumerate(concepts):
        values = values_of(X, columns)
        minor = [parted(values[mine], weight[mine], random_state) for mine in classes]
        rules = [_mean(values, weight, m[~part]) for m, part in zip(classes, minor, strict=True)]
        for k, (mine, part) in enumerate(zip(classes, minor, strict=True)):
            if part.any():
                mean = _mean(values, weight, mine[part])
                distance = [np.linalg.norm(mean - rule) for rule in rules]
                out[mine[part], j] = min(distance) < 0.5 * distance[k]
    return out


def _mean(values, weight, rows):
    """(q,) of some rows; infinitely far from all others where there are none."""
    if not len(rows):
        return np.full(values.shape[1], np.inf)
    return np.average(values[rows], axis=0, weights=weight[rows])


def parted(values, weight, random_state=None):
    """(n,) the smaller of two parts of rows (n, q) that stand apart, or none.

    Of numbers it is the end that stands furthest apart; else two means tell the direction.
    """
    none = np.zeros(len(values), dtype=bool)
    if len(values) < 2 * FEWEST or np.ptp(values, axis=0).max(initial=0.0) <= 0:
        return none
    if values.shape[1] == 1:
        along = values[:, 0]
    else:
        parts = KMeans(2, n_init=10, random_state=random_state).fit(values, sample_weight=weight)
        along = values @ (parts.cluster_centers_[1] - parts.cluster_centers_[0])
    separation, end = far_end(along, weight)
    if separation < SEPARATION:
        return none
    # the outermost rows stand furthest apart; all that are nearer to them belong to them
    means = [np.average(along[part], weights=weight[part]) for part in (end, ~end)]
    minor = np.abs(along - means[0]) < np.abs(along - means[1])
    return minor if weight[minor].sum() <= MINOR * weight.sum() else none


def far_end(values, weight):
    """(separation, (n,) of bool) of the end of numbers that stands furthest apart from the others.

    Separation is the distance of the two means in units of the spread within the two parts. Only
    ends of `FEWEST` rows and a share of `MINOR` are looked at.
    """
    order = np.argsort(values, kind="stable")
    ordered, w = values[order] - np.average(values, weights=weight), weight[order]
    left, total = np.cumsum(w)[:-1], np.cumsum(w * ordered)[:-1]
    right = w.sum() - left
    gap = -total / right - total / left
    within = (w @ ordered**2 - left * right * gap**2 / w.sum()) / w.sum()
    n_left = np.arange(1, len(values))
    low, high = left <= MINOR * w.sum(), right <= MINOR * w.sum()
    fits = (low & (n_left >= FEWEST)) | (high & (len(values) - n_left >= FEWEST))
    fits &= ordered[1:] > ordered[:-1]
    if not fits.any():
        return 0.0, np.zeros(len(values), dtype=bool)
    floor = 1e-9 * np.ptp(ordered)  # of parts in which all are the same
    separation = np.where(fits, gap / np.maximum(np.sqrt(np.maximum(within, 0.0)), floor), -1.0)
    cut = separation.argmax()
    above = values > values[order[cut]]
    return separation[cut], above if high[cut] else ~above


def candidates(exception, codes):
    """(C,) concepts that have exceptions in two classes at least: those that may be unstable."""
    classes = [exception[codes == k].any(axis=0) for k in range(codes.max() + 1)]
    return np.sum(classes, axis=0) >= 2


def sensitivities(log_odds, contributions, exception, codes):
    """(2, K, C) mean contribution to rows of a class that are the rule, and that are exceptions.

    Exceptions count where the rest of the row bears its label out. Where it does not, the label is
    as likely to be wrong as the concept.

    Parameters
    ----------
    log_odds : ndarray of shape (n,)
        Of the given label; NaN for rows that nobody judged.
    contributions : ndarray of shape (n, C)
        What each concept adds to them.
    exception : ndarray of shape (n, C) of bool
    codes : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (2, K, C)
        NaN where there are fewer than `FEWEST` such rows.
    """
    out = np.full((2, codes.max() + 1, contributions.shape[1]), np.nan)
    filled = np.nan_to_num(contributions)
    with np.errstate(invalid="ignore"):
        borne_out = log_odds[:, None] - contributions > LEAST_HELP
    known = np.isfinite(contributions)
    for k in range(out.shape[1]):
        for e, part in enumerate((~exception & known, exception & borne_out)):
            mine = part & (codes == k)[:, None]
            n_mine = mine.sum(axis=0)
            enough = n_mine >= FEWEST
            out[e, k, enough] = (filled * mine).sum(axis=0)[enough] / n_mine[enough]
    return out


def are_unstable(sensitivity, harm):
    """(C,) concepts that mislead the exceptions as they help the rule: means over the classes.

    That is of classes that have exceptions, which must be two at least. What the donors happen to
    be like adds to some classes what it takes from others.
    """
    has = np.isfinite(sensitivity).all(axis=0)
    total = np.where(has, sensitivity, 0.0).sum(axis=1)
    rule, exception = total / np.maximum(has.sum(axis=0), 1)
    return (has.sum(axis=0) >= 2) & (rule > LEAST_HELP) & (exception < -harm * rule)
