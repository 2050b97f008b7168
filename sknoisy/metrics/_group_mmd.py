"""How much of a group is left in what a model says."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_array

from sknoisy._typing import ArrayLike, RandomStateLike, validate_params

CHUNK = 1000  # rows of the kernel at a time
SOME = 1000  # rows by which the bandwidth is told


@validate_params(
    {
        "y_score": ["array-like"],
        "membership": ["array-like"],
        "sample_weight": ["array-like", None],
        "bandwidth": [Interval(Real, 0, None, closed="neither"), None],
        "max_rows": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def group_mmd(
    y_score: ArrayLike,
    membership: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    bandwidth: float | None = None,
    max_rows: int = 5000,
    random_state: RandomStateLike = None,
) -> float:
    """Squared maximum mean discrepancy between what a model says of one group and of another.

    Zero if predictions are distributed alike in the groups. With several groups, the largest of
    all pairs.

    Groups may be known in some rows only: then give the memberships that
    :class:`~sknoisy.training.groups.MissingGroupReweightingClassifier` estimates, with which the
    discrepancy is right for all rows, and not only for those in which groups are known. Its
    `balanced_membership_` compares groups as if y had nothing to do with them; predictions of the
    rows should come from models that have not seen them, as from `cross_val_predict`.

    Parameters
    ----------
    y_score : array-like of shape (n,) or (n, k)
        Predicted numbers, decision values or probabilities.

    membership : array-like of shape (n,) or (n, R)
        Group of each row by name, missing where it is not known; or how much of each row belongs to
        each group, possibly negative.

    sample_weight : array-like of shape (n,), default=None

    bandwidth : float > 0 or None, default=None
        Of the Gaussian kernel ``exp(-d ** 2 / (2 * bandwidth ** 2))``; None means the median
        distance of rows.

    max_rows : int >= 2, default=5000
        Of more rows, so many are drawn: time grows with their square.

    random_state : int, RandomState instance or None, default=None
        Seeds that draw.

    Returns
    -------
    float
        Unbiased, and so a little negative at times where nothing is left. NaN with one group.

    References
    ----------
    A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schoelkopf, A. Smola: "A kernel two-sample test",
    JMLR, 2012.

    M. Goldstein, J.-H. Jacobsen, O. Chau, A. Saporta, A. Puli, R. Ranganath, A. C. Miller:
    "Learning Invariant Representations with Missing Data", CLeaR, 2022 (groups known in some rows;
    there with one term for pairs of rows, here a product of terms of rows, which has the same
    mean).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.metrics import group_mmd
    >>> rng = np.random.RandomState(0)
    >>> group = rng.randint(2, size=500)
    >>> apart, alike = group + rng.normal(size=500), rng.normal(size=500)
    >>> bool(group_mmd(apart, group) > 0.1), bool(abs(group_mmd(alike, group)) < 0.01)
    (True, True)
    """
    score = check_array(y_score, ensure_2d=False, dtype=float)
    score = score.reshape(len(score), -1)
    member = _as_membership(membership, len(score))
    if sample_weight is not None:
        member = member * np.asarray(sample_weight, dtype=float)[:, None]
    rng = check_random_state(random_state)
    rows = np.flatnonzero(member.any(axis=1))
    if len(rows) > max_rows:
        rows = np.sort(rng.choice(rows, max_rows, replace=False))
    score, member = score[rows], member[rows]
    if member.shape[1] < 2 or len(rows) < 2:
        return float("nan")
    if bandwidth is None:
        some = score[:: max(1, len(score) // SOME)]
        distance = np.sqrt(_squares(some, some)[np.triu_indices(len(some), 1)])
        bandwidth = np.median(distance) or distance.mean() or 1.0
    mean = _mean_kernel(score / bandwidth, member)
    own = np.diag(mean)
    pairs = (own[:, None] + own - 2 * mean)[np.triu_indices(len(mean), 1)]
    return float(np.nanmax(pairs)) if np.isfinite(pairs).any() else float("nan")


def _as_membership(membership, n):
    array = np.asarray(membership)
    if array.ndim == 2 and array.shape[1] > 1:
        member = check_array(array, dtype=float)
    else:
        codes, names = pd.factorize(pd.Series(list(array.ravel())), use_na_sentinel=True)
        member = np.eye(len(names) + 1)[codes][:, : len(names)]
    if len(member) != n:
        raise ValueError(f"membership has {len(member)} rows, and y_score has {n}.")
    return member


def _squares(one, two):
    """Squared distances of all pairs."""
    cross = (one**2).sum(axis=1)[:, None] + (two**2).sum(axis=1) - 2 * one @ two.T
    return np.maximum(cross, 0.0)


def _mean_kernel(score, member):
    """(R, R) mean kernel of pairs of different rows, one of each of two groups."""
    n_groups = member.shape[1]
    total = np.zeros((n_groups, n_groups))
    for start in range(0, len(score), CHUNK):
        chunk = slice(start, start + CHUNK)
        kernel = np.exp(-_squares(score[chunk], score) / 2)
        total += member[chunk].T @ (kernel @ member)
    itself = member.T @ member  # pairs of a row with itself, of which the kernel is one
    mass = np.outer(member.sum(axis=0), member.sum(axis=0)) - itself
    return (total - itself) / np.where(mass == 0, np.nan, mass)
