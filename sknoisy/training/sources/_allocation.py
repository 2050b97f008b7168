"""Each batch to the clone of least loss, and the clones to their batches, in turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from sknoisy.training.sources._batches import LEAST_ROWS


@dataclass
class Allocation:
    """Where the batches have gone.

    Attributes
    ----------
    source : ndarray of shape (B,) of int
        Clone of each batch, the one with most rows first; none is without a batch.
    loss : ndarray of shape (n, K)
        Of each row by clones that have not seen its batch.
    held_out : ndarray of shape (B,)
        See `Batches.held_out`.
    n_iter : int
    """

    source: np.ndarray
    loss: np.ndarray
    held_out: np.ndarray
    n_iter: int

    @property
    def member(self):
        return members(self.source, self.loss.shape[1])


def members(source, n_sources):
    """(K, B): one-hot rows of sources (B,)."""
    return source == np.arange(n_sources)[:, None]


def allocate(batches, n_sources, *, n_init=3, max_iter=20, random_state=None):
    """The best of several starts.

    Parameters
    ----------
    batches : Batches
    n_sources : int
        K, at most: clones that no batch goes to are gone.
    n_init : int
        Number of starts. The one of least held-out loss is taken.
    max_iter : int
        Rounds of a start, at most.
    random_state : int or None

    Returns
    -------
    Allocation
    """
    if n_sources == 1:
        return _ended(batches, np.zeros(batches.n_batches, dtype=int), 1)
    rng = check_random_state(random_state)
    weight = batches.size
    best, least = None, np.inf
    for _ in range(n_init):
        found = _from_start(batches, _start(batches, n_sources, rng), max_iter)
        loss = np.average(found.held_out, weights=weight)
        if best is None or loss < least:
            best, least = found, loss
    return best


def _start(batches, n_sources, rng):
    """(K, B) few batches for the first clone, and for each next one of those that fit worst so far.

    As seeds of k-means are drawn: in proportion to the loss.
    """
    B = batches.n_batches
    enough = int(np.ceil(2 * LEAST_ROWS * B / batches.evidence.n_rows))
    n_seeds = max(1, min(B // n_sources, max(B // (3 * n_sources), enough)))
    member = np.zeros((n_sources, B), dtype=bool)
    free, odds = batches.size > 0, np.ones(B)
    for k in range(n_sources):
        odds = np.where(free, odds, 0.0)
        if not odds.any():
            break
        n_drawn = min(n_seeds, np.count_nonzero(odds))
        drawn = rng.choice(B, n_drawn, replace=False, p=odds / odds.sum())
        member[k, drawn] = True
        free[drawn] = False
        if k + 1 < n_sources:
            odds = batches.mean(batches.losses(member[: k + 1])).min(axis=1)
            odds = np.where(free, odds, 0.0)
            odds = odds / (odds.max() or 1.0)
    return member


def _from_start(batches, member, max_iter):
    least, source = np.inf, None
    for number in range(max_iter):  # noqa: B007
        loss = batches.mean(batches.losses(member))
        new = _without_small(batches, loss)
        total = np.average(loss.min(axis=1), weights=batches.size)
        if source is not None and (total >= least or np.array_equal(new, source)):
            break
        least, source = total, new
        member = members(source, len(member))
    return _ended(batches, source, number + 1)


def _without_small(batches, loss):
    """(B,) source of least loss (B, K); those that would have too few rows for a fit get none."""
    source = loss.argmin(axis=1)
    has_weight = (batches.weight > 0).astype(float)
    rows = np.bincount(source[batches.batch], has_weight, loss.shape[1])
    small = rows < LEAST_ROWS
    small[rows.argmax()] = False
    return np.where(small, np.inf, loss).argmin(axis=1)


def _ended(batches, source, n_iter):
    """The outcome, with sources in the order of their weights."""
    found = np.unique(source)
    order = found[np.argsort(-np.bincount(source, batches.size)[found], kind="stable")]
    rank = np.empty(order.max() + 1, dtype=int)
    rank[order] = np.arange(len(order))
    source = rank[source]
    loss = batches.losses(members(source, len(order)))
    return Allocation(source, loss, batches.held_out(loss), n_iter)


def number_of_sources(batches, most, **how):
    """The allocation to the least number of sources that no further one improves upon.

    A further source must lower the loss of held-out halves of the batches by more than two standard
    errors of the difference, over the batches.

    Returns
    -------
    Allocation
    curve : list of float
        Held-out loss with 1, 2, ... sources.
    """
    now = allocate(batches, 1)
    weight = batches.size
    curve = [float(np.average(now.held_out, weights=weight))]
    for n_sources in range(2, most + 1):
        more = allocate(batches, n_sources, **how)
        curve.append(float(np.average(more.held_out, weights=weight)))
        gain = now.held_out - more.held_out
        mean = np.average(gain, weights=weight)
        error = np.sqrt(np.sum((weight * (gain - mean)) ** 2)) / weight.sum()
        if mean <= 2 * error:
            break
        now = more
    return now, curve
