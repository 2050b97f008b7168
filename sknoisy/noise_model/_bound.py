"""How much noise the labels can hold at most: what is left where predictions are surest."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

SUREST, NEXT = 0.1, 0.25  # shares of the rows predicted as a class
MIN_SURE = 20  # rows in the first of them at least, copies as one, where there are so many
MIN_PREDICTED = 5  # rows; a class predicted for fewer has no say
STRAY = 0.01  # of all rows, or of the surest, may disagree where no label is wrong
SLACK = 0.5  # standard errors that a fall may be of chance: few rows fall and rise by themselves


def noise_bound(label_proba, codes, weight=None):
    """(bound on the share of wrong labels, its standard error), by the rows that are surest.

    Classes that overlap and labels that are wrong look alike, but overlap dies out towards the rows
    of which predictions are surest, and wrong labels do not. So, of the rows predicted as a class,
    the surest tenth is asked how many have another label, and how many are expected to by the
    probabilities; the mean of the two, less what it falls from the surest quarter to the tenth
    beyond half a standard error, stands for all rows predicted so. It is a bound only: where no row
    is sure, overlap is left.

    Parameters
    ----------
    label_proba : ndarray of shape (n, K)
        Out-of-sample probabilities of the given labels, of judged rows.
    codes : ndarray of shape (n,) of int
        Given labels.
    weight : ndarray of shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    bound, error : float
    """
    weight = np.ones(len(codes)) if weight is None else weight

    def left(rows):
        expected = np.average(1.0 - label_proba[rows].max(axis=1), weights=weight[rows])
        return 0.5 * (_others(rows, label_proba, codes, weight) + expected)

    total = bound = variance = 0.0
    for _, rows, surest, wider in _surest_of_each_class(label_proba, codes, weight):
        if len(rows) < MIN_PREDICTED:
            continue
        share, rate, before = weight[rows].sum(), left(surest), left(wider)
        chance = SLACK * np.sqrt(before * (1.0 - before) / len(surest))
        total += share
        bound += share * _less_the_fall(rate, before - chance)
        variance += share**2 * rate * (1.0 - rate) / len(surest)
    if total == 0:
        return 1.0, 0.0
    return float(bound / total), float(np.sqrt(variance) / total)


def bounded_joint(label_proba, codes, joint, units=None):
    """A joint of given and true labels with no more errors than the surest rows allow.

    For each class j, no more of the rows given another label stand for j than the share of other
    labels among the surest of the rows predicted as j (see `noise_bound`; a fall counts beyond one
    standard error), times the number of these, and none when that share is no more than 1 %; nor
    are there any where no more than 1 % of all rows are left: right labels are as odd as that. What
    is too much goes back to the diagonal.

    Parameters
    ----------
    label_proba : ndarray of shape (n, K)
        Out-of-sample class probabilities of judged rows, calibrated or not.
    codes : ndarray of shape (n,) of int
        Given labels.
    joint : ndarray of shape (K, K)
        Counts of (given, true), such as `confident_joint`.
    units : ndarray of shape (n,), default=None
        Which rows are copies of one another, and so say one thing.

    Returns
    -------
    ndarray of shape (K, K) of float
        Its rows have the sums that they had.
    """
    weight = np.ones(len(codes))
    allowed = np.zeros(len(joint))  # nothing stands for a class that is never predicted
    for j, rows, surest, wider in _surest_of_each_class(label_proba, codes, weight, units):
        rate = _others(surest, label_proba, codes, weight)
        before = _others(wider, label_proba, codes, weight)
        n_said = len(surest) if units is None else len(np.unique(units[surest]))
        allowed[j] = len(rows) * share_allowed(rate, before, n_said)
    return within(joint, allowed)


def share_allowed(rate, before, n_said):
    """Share of the rows predicted as a class that may be wrong.

    `rate` is that of other labels among the surest, who say `n_said` things, `before` the same of
    more rows.
    """
    if rate <= STRAY:
        return 0.0
    return _less_the_fall(rate, before - np.sqrt(before * (1.0 - before) / n_said))


def within(joint, allowed):
    """The joint with at most `allowed` (K,) errors in each column; its rows have their sums."""
    bounded = np.array(joint, dtype=float)
    errors = bounded * (1.0 - np.eye(len(bounded)))
    total = errors.sum(axis=0)
    kept = np.divide(np.minimum(allowed, total), total, out=np.ones(len(total)), where=total > 0)
    errors *= kept
    if errors.sum() <= STRAY * bounded.sum():
        errors[:] = 0.0
    return errors + np.diag(bounded.sum(axis=1) - errors.sum(axis=1))


def _surest_of_each_class(label_proba, codes, weight, units=None):
    """(class, rows predicted as it, the surest tenth, the surest quarter)."""
    predicted, sure = label_proba.argmax(axis=1), label_proba.max(axis=1)
    for k in np.unique(predicted):
        rows = np.flatnonzero((predicted == k) & (weight > 0))
        if len(rows) == 0:
            continue
        order, parts = rows[np.argsort(-sure[rows], kind="stable")], []
        firsts = np.arange(len(order))  # where something new is said
        if units is not None:
            firsts = np.sort(np.unique(units[order], return_index=True)[1])
        for share, least in ((SUREST, MIN_SURE), (NEXT, int(MIN_SURE * NEXT / SUREST))):
            last = max(int(np.ceil(share * len(order))) - 1, firsts[min(least, len(firsts)) - 1])
            parts.append(order[sure[order] >= sure[order[last]]])  # with those as sure as it
        yield k, rows, *parts


def _others(rows, label_proba, codes, weight):
    """Share of rows that are given another label than the one that is predicted."""
    other = codes[rows] != label_proba[rows].argmax(axis=1)
    return np.average(other, weights=weight[rows])


def _less_the_fall(surest, wider):
    return max(surest - max(wider - surest, 0.0), 0.0)


def at_most(label_proba, codes, rate, weight):
    """Posteriors (n, K) whose mean probability of a wrong label is no more than `rate`.

    The odds that a label is wrong become smaller by one factor for all rows, so that their order
    stays, and so do the odds of the other labels among themselves.
    """
    rows = np.arange(len(codes))
    wrong = 1.0 - label_proba[rows, codes]
    if np.average(wrong, weights=weight) <= rate:
        return label_proba
    right = np.maximum(1.0 - wrong, 1e-12)

    def lessened(log_factor):
        odds = np.exp(log_factor) * wrong
        return odds / (odds + right)

    least = -60.0
    if np.average(lessened(least), weights=weight) < rate:
        least = brentq(lambda x: np.average(lessened(x), weights=weight) - rate, least, 0.0)
    new = lessened(least)
    scaled = label_proba * (new / np.maximum(wrong, 1e-300))[:, None]
    scaled[rows, codes] = 1.0 - new
    return scaled
