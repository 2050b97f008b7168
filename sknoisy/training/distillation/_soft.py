"""Soft labels of a last fit, in which no class vanishes."""

from __future__ import annotations

import numpy as np

from sknoisy.treatment._treated import Treated

KEPT = 5  # rows of each class that keep their label where it would vanish


def keep_classes(soft, given, sample_weight=None):
    """Soft labels (n, K) under which each class keeps at least the mass of a few of its rows.

    Where it would not, its likeliest rows keep the `given` label.
    """
    weight = np.ones(len(soft)) if sample_weight is None else sample_weight
    out = soft.copy()
    for k in range(given.shape[1]):
        mine = np.flatnonzero((given[:, k] == 1) & (weight > 0))
        n_kept = min(KEPT, len(mine))
        if weight @ out[:, k] < 0.2 * n_kept * (weight[mine].mean() if n_kept else 0.0):
            kept = mine[np.argsort(-out[mine, k], kind="stable")[:n_kept]]
            out[kept] = given[kept]
    return out


def treated_as(proba, rows, evidence, attributes):
    """`Treated`: the last fit is one to soft labels (n, K).

    Parameters
    ----------
    proba : ndarray of shape (n, K)
    rows : SoftRows
    evidence : Evidence
    attributes : dict
    """
    own = proba[np.arange(evidence.n_rows), evidence.target.codes]
    return Treated.of_soft(
        evidence,
        proba,
        rows,
        noise_mask=own < proba.max(axis=1),
        attributes={"label_proba_": proba, **attributes},
    )
