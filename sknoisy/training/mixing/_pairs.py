"""Which rows are mixed with which, and how much of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sknoisy._evidence._fitting import resample_by_weight


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows that are to be mixed.

    Attributes
    ----------
    first, second : ndarray of shape (m,) of int
    share : ndarray of shape (m,)
        Of the first row.
    """

    first: np.ndarray
    second: np.ndarray
    share: np.ndarray

    def part(self, kept):
        """Some of the pairs."""
        return Pairs(self.first[kept], self.second[kept], self.share[kept])

    def after(self, rows):
        """These pairs, and before them rows as they are: pairs of a row with itself."""
        return Pairs(
            np.concatenate([rows, self.first]),
            np.concatenate([rows, self.second]),
            np.concatenate([np.ones(len(rows)), self.share]),
        )


def beta_shares(alpha, m, rng):
    """(m,) shares of at least one half: the larger part of a draw from Beta(alpha, alpha).

    The law of the mixtures is the same as without this, for pairs come in both orders; but each row
    is the larger part of one of them, so that no class vanishes.
    """
    share = rng.beta(alpha, alpha, size=m)
    return np.maximum(share, 1.0 - share)


def random_pairs(n, n_mixed, alpha, rng, sample_weight=None):
    """`Pairs` in which each row is `n_mixed` times the first, and others in proportion to weight.

    Parameters
    ----------
    n, n_mixed : int
    alpha : float
    rng : RandomState
    sample_weight : ndarray of shape (n,), default=None
        Rows are the second as often as this says, rounded up or down; without, `n_mixed` times.

    Returns
    -------
    Pairs
    """
    weight = np.ones(n) if sample_weight is None else sample_weight
    parts = [rng.permutation(resample_by_weight(weight, rng)) for _ in range(n_mixed)]
    share = beta_shares(alpha, n * n_mixed, rng)
    return Pairs(np.tile(np.arange(n), n_mixed), np.concatenate(parts), share)


def mixed_labels(pairs, codes, n_classes):
    """(m, K) share of each label in each mixed row."""
    rows = np.arange(len(pairs.share))
    out = np.zeros((len(rows), n_classes))
    out[rows, codes[pairs.first]] = pairs.share
    out[rows, codes[pairs.second]] += 1.0 - pairs.share
    return out


def mixed_numbers(pairs, y):
    """(m,) numbers of the mixed rows."""
    rest = np.where(pairs.first == pairs.second, 0.0, 1.0 - pairs.share)
    return (1.0 - rest) * y[pairs.first] + rest * y[pairs.second]
