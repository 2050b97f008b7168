"""How much of each row belongs to each group, and weights from that."""

from __future__ import annotations

import numpy as np


def doubly_robust_membership(one_hot, observed, proba, propensity):
    """(n, R) of each row in each group: ``d / pi * (z - m) + m``.

    Sums of rows times any function of x and y are right where either model is: the first term has
    mean zero when m is right, and is what m is off by when pi is.

    Parameters
    ----------
    one_hot : ndarray of shape (n, R)
        Group z, where it is known.
    observed : ndarray of shape (n,) of bool
        Whether it is: d.
    proba : ndarray of shape (n, R)
        P(z | x, y): m.
    propensity : ndarray of shape (n,)
        P(d | x, y): pi.

    Returns
    -------
    ndarray of shape (n, R)
    """
    known = (observed / propensity)[:, None]
    return known * (one_hot - proba) + proba


def group_shares(member, strata, base):
    """(R, S) P(group | stratum), of which none is zero or negative."""
    total = np.zeros((strata.max() + 1, member.shape[1]))
    np.add.at(total, strata, member * base[:, None])
    mass = np.bincount(strata, base)
    least = 0.5 * base.mean() / np.maximum(mass, base.mean())  # as half a row would have
    share = np.maximum(total / np.maximum(total.sum(axis=1, keepdims=True), 1e-12), least[:, None])
    return (share / share.sum(axis=1, keepdims=True)).T


def share_of(strata, base):
    """(S,) share of each stratum."""
    return np.bincount(strata, base) / base.sum()


def admissible(weight, strata, base):
    """(n,) weights without negative ones, of mean one in each stratum."""
    weight = np.maximum(weight, 0.0)
    mass = np.bincount(strata, base * weight)
    wanted = np.bincount(strata, base)
    # a stratum in which no group is known keeps its rows as they are
    weight = np.where((mass > 0)[strata], weight, 1.0)
    scale = np.divide(wanted, mass, out=np.ones_like(wanted), where=mass > 0)
    return weight * scale[strata]
