"""The EM loop of all methods here."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning


@dataclass(frozen=True)
class EM:
    """Where EM has stopped.

    Attributes
    ----------
    params : object
        Whatever the last `maximise` gave.
    posterior : ndarray of shape (n, ...)
        What `expect` makes of it.
    n_iter : int
    """

    params: Any
    posterior: np.ndarray
    n_iter: int


def run_em(posterior, weight, maximise, expect, *, max_iter, tol, who):
    """Alternate `params = maximise(posterior, params)` and `posterior = expect(params)`.

    It has converged when the posterior of a row moves by no more than `tol`, on average over the
    rows; a posterior over classes moves by the probability that changes class.

    Parameters
    ----------
    posterior : ndarray of shape (n,) or (n, K)
        Where to start. The first `maximise` gets None as the earlier parameters.
    weight : ndarray of shape (n,)
        How much each row counts for the average.
    maximise, expect : callable
    max_iter : int
    tol : float
    who : str
        Who is to be named if it does not converge.

    Returns
    -------
    EM
    """
    params = None
    share = 1.0 if posterior.ndim == 1 else 0.5  # what one class loses, another one wins
    n_iter, move = 0, np.inf
    while n_iter < max_iter and move > tol:
        n_iter += 1
        params = maximise(posterior, params)
        before, posterior = posterior, expect(params)
        moves = np.abs(posterior - before).reshape(len(posterior), -1).sum(axis=1)
        move = share * np.average(moves, weights=weight)
    if move > tol:
        warnings.warn(
            f"{who} has not converged in max_iter={max_iter} rounds (the posterior of a row still "
            f"moves by {move:.2g} on average, tol={tol:g}): raise max_iter or tol.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return EM(params, posterior, n_iter)
