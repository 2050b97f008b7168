"""Sums over partitions, and what would need a sort of all rows: from counts, in a few passes."""

from __future__ import annotations

from functools import reduce

import numpy as np

from sknoisy.dask._partitions import task, together

DIGIT = 8  # bits of a number that one pass tells
TALLY = 13  # bits of a number, below its power of two, that a tally keeps apart
SIGN = np.uint64(1 << 63)


def summed(parts, function, *args):
    """Sum over the partitions of a tuple of arrays, `function(part, *args)`."""
    answers = together([task(function)(part, *args) for part in parts])
    return reduce(lambda a, b: [x + y for x, y in zip(a, b, strict=True)], answers)


def kth_smallest(parts, values, queries, ranks):
    """(Q,): of the values of each query in all partitions, the one of that rank (from 1 on).

    Eight bits of it are found in each of eight passes, from counts of the numbers that begin alike;
    so no more than 256 counts a query come from a partition.

    Parameters
    ----------
    parts : list
    values : callable
        `values(part, query)` gives an array of floats.
    queries : list
    ranks : list of int
    """
    begun, left = np.zeros(len(queries), dtype=np.uint64), np.array(ranks)
    for shift in range(64 - DIGIT, -1, -DIGIT):
        if len(queries) == 0:
            break
        [counts] = summed(parts, _next_digit, values, queries, begun, shift)
        total = np.cumsum(counts, axis=1)
        digit = (total < left[:, None]).sum(axis=1)
        left = left - np.where(digit > 0, total[np.arange(len(left)), digit - 1], 0)
        begun |= digit.astype(np.uint64) << np.uint64(shift)
    return _from_key(begun)


def quantiles(parts, values, queries, shares):
    """(Q, S) quantiles as numpy has them, between neighbours in proportion; NaN of no values."""
    [sizes] = summed(parts, _sizes, values, queries)
    place = (np.maximum(sizes, 1) - 1)[:, None] * np.asarray(shares)
    below = np.floor(place).astype(int)
    found = np.flatnonzero(sizes)
    asked, ranks = [], []
    for q in found:
        for s in range(len(shares)):
            asked += [queries[q]] * 2
            ranks += [below[q, s] + 1, min(below[q, s] + 2, sizes[q])]
    pairs = kth_smallest(parts, values, asked, ranks).reshape(len(found), len(shares), 2)
    answer = np.full((len(queries), len(shares)), np.nan)
    share = (place - below)[found]
    answer[found] = pairs[..., 0] + share * (pairs[..., 1] - pairs[..., 0])
    return answer


def medians(parts, values, queries):
    """(Q,): the median of each query."""
    return quantiles(parts, values, queries, [0.5])[:, 0]


def tallies(parts, values, queries):
    """Of each query, (values, counts): those that agree to one part in 8192 as one, their mean."""
    answers = together([task(_tally)(part, values, queries) for part in parts])
    found = []
    for each in zip(*answers, strict=True):
        key, count, total = (np.concatenate(column) for column in zip(*each, strict=True))
        _, at = np.unique(key, return_inverse=True)
        count, total = np.bincount(at, count), np.bincount(at, total)
        found.append((total / count, count))
    return found


def _tally(part, values, queries):
    found = []
    for query in queries:
        numbers = values(part, query)
        key, at = np.unique(_key(numbers) >> np.uint64(52 - TALLY), return_inverse=True)
        found.append((key, np.bincount(at, minlength=len(key)), np.bincount(at, numbers, len(key))))
    return found


def _sizes(part, values, queries):
    return [np.array([len(values(part, query)) for query in queries])]


def _next_digit(part, values, queries, begun, shift):
    counts, last, keys = np.zeros((len(queries), 2**DIGIT), dtype=int), None, None
    for i, query in enumerate(queries):
        if keys is None or query is not last:  # asked for neighbours, it is the same one
            last, keys = query, _key(values(part, query))
        key = keys
        if shift < 64 - DIGIT:
            done = np.uint64(shift + DIGIT)
            key = key[key >> done == begun[i] >> done]
        digit = (key >> np.uint64(shift)) & np.uint64(2**DIGIT - 1)
        counts[i] = np.bincount(digit.astype(np.intp), minlength=2**DIGIT)
    return [counts]


def _key(values):
    """Whole numbers in the order of the floats."""
    bits = (np.asarray(values, dtype=np.float64) + 0.0).view(np.uint64)  # -0.0 is 0.0
    return np.where(bits & SIGN, ~bits, bits | SIGN)


def _from_key(key):
    return np.where(key & SIGN, key ^ SIGN, ~key).view(np.float64)
