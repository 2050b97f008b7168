"""Rows with a feature that misleads some of them, and how the groups fare."""

import numpy as np
from sklearn.base import clone


def spurious(n=1000, minority=0.05, seed=0, core_noise=0.8, spurious_noise=0.3, n_spurious=1):
    """(X, y, groups): core column, spurious ones, three of noise; groups are 2 y + attribute.

    The attribute disagrees with y in the minority; with 0.5 it has nothing to do with y.
    """
    rng = np.random.RandomState(seed)
    y = rng.randint(2, size=n)
    attribute = np.where(rng.rand(n) < minority, 1 - y, y)
    hint = (2 * attribute - 1)[:, None] + spurious_noise * rng.randn(n, n_spurious)
    core = 2 * y - 1 + core_noise * rng.randn(n)
    return np.column_stack([core, hint, rng.randn(n, 3)]), y, 2 * y + attribute


def fresh(seed, **how):
    """As many rows of each group."""
    return spurious(6000, 0.5, seed + 100, **how)


def worst_and_mean(model, X, y, groups, minority=0.05):
    """Accuracy in the worst group, and on average where the minority is as rare as in training."""
    right = np.asarray(model.predict(X)) == y
    rare = (groups == 1) | (groups == 2)
    worst = min(right[groups == g].mean() for g in np.unique(groups))
    return worst, (1 - minority) * right[~rare].mean() + minority * right[rare].mean()


def balanced_fit(model, X, y, groups):
    """What could be had if the groups were known: a plain fit in which all weigh the same."""
    weight = len(y) / (np.unique(groups).size * np.bincount(groups)[groups])
    return clone(model).fit(X, y, sample_weight=weight)


def flipped(y, rate, seed):
    """(labels of which some are wrong, which)."""
    wrong = np.random.RandomState(seed).rand(len(y)) < rate
    return np.where(wrong, 1 - y, y), wrong
