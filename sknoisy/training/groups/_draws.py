"""Which rows of each group: as many of each, more and more of them, a share."""

from __future__ import annotations

from numbers import Integral

import numpy as np


def expansion_stages(groups, expansion, rng, labels=None, weight=None):
    """(n,) stage with which each row comes.

    Stage 0 has as many rows of each group as the smallest one has; each further stage adds some,
    one after the other from each group that has some left.

    Parameters
    ----------
    groups : ndarray of shape (n,) of int
    expansion : int or float
        How many rows a stage adds, or their share in those that have come before.
    rng : RandomState
    labels : ndarray of shape (n,) of int, default=None
        Rows of a group come in an order in which each label keeps its share.
    weight : ndarray of shape (n,), default=None
        Rows of no weight come last.

    Returns
    -------
    ndarray of shape (n,) of int
    """
    n = len(groups)
    shuffled = rng.permutation(n)
    labels = np.zeros(n, dtype=int) if labels is None else labels
    idle = np.zeros(n, dtype=bool) if weight is None else weight == 0
    cell = np.unique(np.column_stack([groups, labels]), axis=0, return_inverse=True)[1].ravel()
    # each label is spread evenly over the order of its group
    place = (_rank_within(cell, shuffled) + 0.5) / np.bincount(cell)[cell]
    turn = np.empty(n, dtype=int)
    turn[shuffled] = np.arange(n)
    position = _rank_within(groups, np.lexsort((turn, place, idle)))
    sizes = np.bincount(groups)
    n_come = np.cumsum(np.bincount(position))  # when so many of each group have come
    n_first = n_come[sizes[sizes > 0].min() - 1]
    # rows of one turn, one of each group left, come with the same stage
    size = np.maximum(n_come[position], n_first)
    if isinstance(expansion, Integral):
        stage = np.ceil((size - n_first) / expansion)
    else:
        stage = np.ceil(np.log(size / n_first) / np.log1p(expansion) - 1e-9)
    return np.unique(stage, return_inverse=True)[1].ravel()  # without stages that add nothing


def _rank_within(codes, order):
    """(n,) how many rows of the same code come before a row in an order."""
    by_code = order[np.argsort(codes[order], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(codes))])
    rank = np.empty(len(codes), dtype=int)
    rank[by_code] = np.arange(len(codes)) - starts[codes[by_code]]
    return rank


def held_out_rows(groups, share, rng, labels=None):
    """(n,) mask of a share of the rows of each known group, at least one of each.

    Parameters
    ----------
    groups : ndarray of shape (n,) of int
        -1 where a group is not known.
    share : float
    rng : RandomState
    labels : ndarray of shape (n,) of int, default=None
        Each keeps its share.

    Returns
    -------
    ndarray of shape (n,) of bool
    """
    mask = np.zeros(len(groups), dtype=bool)
    for group in np.unique(groups[groups >= 0]):
        mine = rng.permutation(np.flatnonzero(groups == group))
        if labels is not None:
            mine = mine[np.argsort(labels[mine], kind="stable")]
        n_kept = max(1, round(share * len(mine)))
        mask[mine[np.floor((np.arange(n_kept) + 0.5) * len(mine) / n_kept).astype(int)]] = True
    return mask
