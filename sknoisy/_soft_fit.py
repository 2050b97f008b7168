"""One fit of any classifier to labels that are known by their probabilities."""

from __future__ import annotations

import numpy as np

from sknoisy._evidence import fit_model, take_rows
from sknoisy._evidence._fitting import check_takes_weights, seeded_clone, take_params


def soft_rows(proba, min_proba=0.01):
    """Rows of a fit to soft labels: each row once for each label that is likely enough.

    Parameters
    ----------
    proba : ndarray of shape (n, K)
        Probability of each label; the row sums are the weights of the rows, and a row of zeros
        is left out.
    min_proba : float, default=0.01
        Labels less likely than this share of their row are left out, and the rest is rescaled.

    Returns
    -------
    rows, codes : ndarray of int
        Row, ascending, and label.
    weight : ndarray of float
        The weights of one row sum to its sum.
    """
    total = proba.sum(axis=1, keepdims=True)
    kept = np.where(proba >= min_proba * total, proba, 0.0)
    left = kept.sum(axis=1, keepdims=True)
    kept *= np.divide(total, left, out=np.zeros_like(left), where=left > 0)
    rows, codes = np.nonzero(kept)
    return rows, codes, kept[rows, codes]


def fit_soft(
    estimator,
    X,
    proba,
    classes,
    sample_weight=None,
    fit_params=None,
    *,
    weight_strategy="native",
    min_proba=0.01,
    random_state=None,
):
    """A clone of `estimator`, fitted to soft labels.

    Where every row has one label and the same weight, this is the plain fit, without weights.

    Parameters
    ----------
    estimator : classifier
    X : container of n rows
    proba : ndarray of shape (n, K)
        See `soft_rows`.
    classes : ndarray of shape (K,)
        Their names.
    sample_weight : ndarray of shape (n,), default=None
        Times the probabilities.
    fit_params : dict, default=None
        Those with n entries are repeated with the rows.
    weight_strategy : {"native", "resample"}
    min_proba : float
    random_state : int or None
        Seeds the clone where it has no seed, and the resampling.

    Returns
    -------
    fitted estimator
    """
    rows, codes, weight = soft_rows(proba, min_proba)
    if len(rows) == 0:
        raise ValueError("No row has a label that is likely enough: there is nothing to fit.")
    if sample_weight is not None:
        weight = weight * sample_weight[rows]
    elif np.ptp(weight) <= 1e-12 * weight.max():
        weight = None
    if weight is not None:
        why = "labels that are known by their probabilities need it"
        check_takes_weights(estimator, weight_strategy, why)
    n = len(proba)
    as_it_came = np.array_equal(rows, np.arange(n))
    return fit_model(
        seeded_clone(estimator, random_state),
        X if as_it_came else take_rows(X, rows),
        np.asarray(classes)[codes],
        weight,
        fit_params if as_it_came else take_params(fit_params, rows, n),
        weight_strategy=weight_strategy,
        random_state=random_state,
    )
