"""Limits on what cleaning may do: no class is removed, no fit starves."""

from __future__ import annotations

import warnings

import numpy as np

from sknoisy.exceptions import CleaningLimitWarning

MIN_CLASS_ROWS = 5  # of each class, these are never left out of a fit that makes evidence


def untouchable_rows(noise_proba, score, codes, min_per_class, sample_weight=None):
    """The least suspect `min_per_class` rows of each class, which no treatment may touch.

    Rows of zero weight do not hold a class up. Ties go to the earlier row.
    """
    n = len(noise_proba)
    keep = np.zeros(n, dtype=bool)
    if codes is None or min_per_class == 0:
        return keep
    counted = np.arange(n) if sample_weight is None else np.flatnonzero(sample_weight > 0)
    counted = counted[_near_the_least(noise_proba[counted], codes[counted], min_per_class)]
    order = counted[np.lexsort((np.nan_to_num(score[counted]), noise_proba[counted]))]
    order = order[np.argsort(codes[order], kind="stable")]
    starts = np.searchsorted(codes[order], codes[order], side="left")
    keep[order[np.arange(len(order)) - starts < min_per_class]] = True
    return keep


def _near_the_least(values, codes, m):
    """Rows in their order of which some are the `m` least of their class: the rest need no sort."""
    near = np.ones(len(values), dtype=bool)
    ends = np.cumsum(np.bincount(codes))
    for rows in np.split(np.argsort(codes, kind="stable"), ends[:-1]):
        if len(rows) > m:
            own = values[rows]
            near[rows] = ~(own > np.partition(own, m - 1)[m - 1])
    return np.flatnonzero(near)


def limit_mask(mask, noise_proba, score, untouchable, max_share, classes=None, codes=None):
    """Flagged rows that may be acted on; warns when that is not all of them."""
    allowed = mask & ~untouchable
    cap = int(np.floor(max_share * len(mask)))
    if allowed.sum() > cap:
        rows = np.flatnonzero(allowed)
        worst = rows[np.lexsort((-np.nan_to_num(score[rows]), -noise_proba[rows]))][:cap]
        allowed = np.zeros_like(mask)
        allowed[worst] = True
    spared = mask & ~allowed
    if spared.any():
        held = ""
        if codes is not None:
            names = [str(c) for c in classes[np.unique(codes[mask & untouchable])][:10]]
            held = f" (class floor: {', '.join(names)})" if names else ""
        warnings.warn(
            f"{spared.sum()} of {mask.sum()} suspect rows are left as they are, because of "
            f"min_per_class or max_share={max_share}{held}.",
            CleaningLimitWarning,
            stacklevel=4,
        )
    return allowed


def without(rows, flagged, suspicion, codes):
    """Those of `rows` that are not flagged, and in any case the least suspect of each class."""
    share, doubt = suspicion
    spared = untouchable_rows(share[rows], doubt[rows], codes[rows], MIN_CLASS_ROWS)
    return rows[spared | ~flagged[rows]]
