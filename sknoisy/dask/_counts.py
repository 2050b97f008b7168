"""What confident learning counts over all rows, as sums over partitions.

A part is (label_proba (n, K), codes (n,)) of one partition, or a delayed pair of them. Only what
has no entry for each row comes to the process that asks.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from sknoisy._limits import untouchable_rows
from sknoisy.dask import _order as order
from sknoisy.dask._partitions import task, together
from sknoisy.detection._base import HARDLY
from sknoisy.detection.out_of_sample._label_quality import prune_counts, unlike_given
from sknoisy.noise_model._bound import MIN_SURE, NEXT, SUREST, share_allowed, within
from sknoisy.noise_model._confident_joint import (
    confident_class,
    joint_of_counts,
    joint_posterior,
    mean_of_sums,
    proba_of_given,
)


def summed(parts, function, *args):
    """Sum over the partitions of a tuple of arrays, of the rows that were judged."""
    return order.summed(parts, _of_judged, function, *args)


def kth_smallest(parts, values, queries, ranks):
    """The same of values of the rows that were judged; see `_order.kth_smallest`."""
    return order.kth_smallest(parts, partial(_values_of_judged, values), queries, ranks)


def _values_of_judged(values, part, query):
    return _of_judged(part, values, query)


def _of_judged(part, function, *args):
    proba, codes = part
    judged = ~np.isnan(proba).any(axis=1)
    return function(proba[judged], codes[judged], *args)


def joint_and_thresholds(parts, n_classes, bounded, units=None):
    """(K, K) confident joint, thresholds (K,), and judged rows given each class (K,).

    `units`, delayed (n,) by partition, say which rows are of one group.
    """
    confidence, n_given = summed(parts, _confidence, n_classes)
    thresholds = mean_of_sums(confidence, n_given)
    [counted] = summed(parts, _confident, thresholds)
    joint = joint_of_counts(np.asfortranarray(counted), n_given)
    return (_bounded(parts, joint, units) if bounded else joint), thresholds, n_given


def _confidence(proba, codes, n_classes):
    given = proba_of_given(proba, codes)
    return np.bincount(codes, given, n_classes), np.bincount(codes, minlength=n_classes)


def _confident(proba, codes, thresholds):
    guess, n_classes = confident_class(proba, thresholds), len(thresholds)
    sure = guess >= 0
    cells = codes[sure] * n_classes + guess[sure]
    return [np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)]


def _bounded(parts, joint, units):
    """As `bounded_joint`, for rows of which none are copies."""
    n_classes = len(joint)
    [n_predicted] = summed(parts, _predicted, n_classes)
    queries, ranks, leasts = [], [], []
    for k in np.flatnonzero(n_predicted):
        n = n_predicted[k]
        for share, least in ((SUREST, MIN_SURE), (NEXT, int(MIN_SURE * NEXT / SUREST))):
            queries.append(k)
            ranks.append(max(int(np.ceil(share * n)), 1 if units else min(least, n)))
            leasts.append(least)
    cuts = -kth_smallest(parts, _sureness, queries, ranks)
    if units:
        cuts = np.minimum(cuts, _surest_units(parts, units, queries, leasts))
    n_rows, n_other = summed(parts, _among_the_surest, queries, cuts)
    n_said = _units_among(parts, units, queries, cuts) if units else n_rows
    allowed = np.zeros(n_classes)
    for at in range(0, len(queries), 2):
        rate, before = n_other[at : at + 2] / n_rows[at : at + 2]
        k = queries[at]
        allowed[k] = n_predicted[k] * share_allowed(rate, before, n_said[at])
    return within(joint, allowed)


def _predicted(proba, codes, n_classes):
    return [np.bincount(proba.argmax(axis=1), minlength=n_classes)]


def _sureness(proba, codes, k):
    """Of the rows predicted as class k, negative, so that the surest are the smallest."""
    return -proba[proba.argmax(axis=1) == k].max(axis=1)


def _among_the_surest(proba, codes, queries, cuts):
    best, sure = proba.argmax(axis=1), proba.max(axis=1)
    surest = [(best == k) & (sure >= cut) for k, cut in zip(queries, cuts, strict=True)]
    n_other = [np.count_nonzero(rows & (codes != best)) for rows in surest]
    return np.array([np.count_nonzero(rows) for rows in surest]), np.array(n_other)


def _surest_units(parts, units, queries, leasts):
    """Of each query, the sureness from which on `least` units are among the rows, or all of them.

    The surest row stands for each unit, and no partition has more of the surest units than that.
    """
    pairs = zip(parts, units, strict=True)
    answers = together([task(_best_of_units)(*pair, queries, leasts) for pair in pairs])
    cuts = []
    for answer, least in zip(zip(*answers, strict=True), leasts, strict=True):
        unit, sure = (np.concatenate(each) for each in zip(*answer, strict=True))
        best = pd.Series(sure).groupby(unit).max().nlargest(least)
        cuts.append(best.min())
    return np.array(cuts)


def _best_of_units(part, unit, queries, leasts):
    found = []
    for query, least in zip(queries, leasts, strict=True):
        rows, sure = _predicted_as(part, query)
        best = pd.Series(sure).groupby(unit[rows]).max().nlargest(least)
        found.append((best.index.to_numpy(), best.to_numpy()))
    return found


def _units_among(parts, units, queries, cuts):
    """Number of units among the surest rows of each query."""
    pairs = zip(parts, units, strict=True)
    answers = together([task(_units_of_surest)(*pair, queries, cuts) for pair in pairs])
    return [len(np.unique(np.concatenate(each))) for each in zip(*answers, strict=True)]


def _units_of_surest(part, unit, queries, cuts):
    found = []
    for query, cut in zip(queries, cuts, strict=True):
        rows, sure = _predicted_as(part, query)
        found.append(np.unique(unit[rows[sure >= cut]]))
    return found


def _predicted_as(part, k):
    """(rows that were judged and predicted as class k, their sureness)."""
    proba = np.nan_to_num(part[0], nan=-1.0)
    rows = np.flatnonzero((proba.argmax(axis=1) == k) & (proba[:, k] >= 0))
    return rows, proba[rows, k]


# ---------------------------------------------------------------------------- which are suspect


def pair_cuts(parts, joint, n_given):
    """(K, K): margin P(given) - P(other) up to which rows of each pair are suspect; -inf for none.

    As many rows as the joint counts, those of the smallest margins; a class of one row has none.
    """
    counts = prune_counts(joint, 1, 1.0)
    counts[n_given <= 1] = 0
    counts = np.minimum(counts, n_given[:, None])
    np.fill_diagonal(counts, 0)
    pairs = np.argwhere(counts > 0)
    cuts = np.full(joint.shape, -np.inf)
    cuts[tuple(pairs.T)] = kth_smallest(parts, _margin, pairs, counts[tuple(pairs.T)])
    return cuts


def _margin(proba, codes, pair):
    i, j = pair
    rows = proba[codes == i]
    return rows[:, i] - rows[:, j]


def verdict(part, trusted, joint, cuts, known):
    """(noise_proba, mask) of the rows of a partition; `known` (K,) are classes to be judged."""
    proba, codes = part
    judged = ~np.isnan(proba).any(axis=1)
    noise_proba, mask = np.zeros(len(codes)), np.zeros(len(codes), dtype=bool)
    proba, codes = proba[judged], codes[judged]
    if len(codes):
        given = proba_of_given(proba, codes)
        posterior = joint_posterior(proba, codes, joint)
        chance = 1.0 - proba_of_given(posterior, codes)
        noise_proba[judged] = np.where(known[codes], chance, HARDLY * chance)
        found = (given[:, None] - proba <= cuts[codes]).any(axis=1)
        mask[judged] = unlike_given(found, proba, codes) & known[codes]
    if trusted is not None:
        right = np.asarray(trusted).astype(bool)
        noise_proba[right], mask[right] = 0.0, False
    return noise_proba, mask


def least_suspect(part, said, weight, m):
    """(row, class, noise_proba, score) of the `m` least suspect rows of each class."""
    (proba, codes), (noise_proba, _) = part, said
    score = np.nan_to_num(1.0 - proba_of_given(proba, codes))
    weight = None if weight is None else np.asarray(weight)
    rows = np.flatnonzero(untouchable_rows(noise_proba, score, codes, m, weight))
    return rows, codes[rows], noise_proba[rows], score[rows]
