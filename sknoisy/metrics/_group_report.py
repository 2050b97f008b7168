"""What a treatment did to each group."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import hypergeom
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _num_samples

from sknoisy._evidence._regions import read_regions
from sknoisy._typing import ArrayLike, MatrixLike, validate_params
from sknoisy.exceptions import UnevenRemovalWarning

LEAST_PROBA = 1e-3  # a label counts as no less likely


@validate_params(
    {
        "times": [Interval(Real, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def group_report(
    fitted: Any,
    groups: ArrayLike | str | Callable[..., Any],
    X: MatrixLike | None = None,
    y: ArrayLike | None = None,
    *,
    times: float = 3.0,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Rows, loss, weight and share removed of each group of the training rows.

    Noise is not the only thing that makes rows suspect: those of a group that is rare, or that a
    model understands badly, look wrong as well. Call this after any treatment, such as
    `FilterClassifier` or `RobustClassifier`: it says, with a warning and in a column, when one
    group's rows are removed several times as often as another's. That may be right, where a
    group's labels are worse; have a look at the rows first (`noise_report`).

    Chance is allowed for: two groups of few rows may differ by much. So a pair of groups only
    counts when Fisher's exact test tells their shares apart, at the level `alpha` over all pairs.

    Parameters
    ----------
    fitted : fitted estimator
        Any treatment, training method or detector of sknoisy: what has a `noise_mask_`,
        `sample_indices_` or `sample_weight_`. Of a Pipeline, its last step is meant.

    groups : array-like of shape (n,), str or callable
        Group of each training row; or the name of a column of X, or ``callable(X) -> (n,)``.
        Rows without a name are a group as well.

    X, y : what `fit` got, default=None
        For the column `loss`; X also for `groups` that it tells.

    times : float >= 1, default=3.0
        How many times as often is too often.

    alpha : float in (0, 1), default=0.05
        How often, with even shares, there may be a warning all the same.

    Returns
    -------
    DataFrame
        Index: names of the groups, those removed most often first. Columns:

        - `rows`: how many, and `share`: of all;
        - `loss`: mean cross-entropy or squared error of the fitted model, where X and y are
          given (the rows were fitted: that of new rows is larger); else that which a method for
          groups has found out of sample (`group_loss_`), if its groups are these; else NaN;
        - `weight`: mean of the computed weights (`sample_weight_`); where there are none, the
          share of rows that are left;
        - `removed`: rows left out, weighed down or relabelled (`noise_mask_`), or left out by
          `sample_indices_`, and `removed_share`: of the group's rows;
        - `times_others`: `removed_share` over that of all other rows;
        - `p_value`: of the test against the group from which it differs most clearly, times the
          number of pairs;
        - `uneven`: whether it is removed `times` times as often as some other group, and chance
          does not explain it.

    Warns
    -----
    UnevenRemovalWarning
        If any group is.

    References
    ----------
    R. A. Fisher: "Statistical Methods for Research Workers", 1925 (the exact test).

    Examples
    --------
    >>> import warnings
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy import FilterClassifier
    >>> from sknoisy.datasets import make_spurious
    >>> from sknoisy.metrics import group_report
    >>> X, y, groups = make_spurious(2000, minority=0.04, core_noise=0.7, random_state=0)
    >>> model = FilterClassifier(LogisticRegression(), contamination=0.05, random_state=0).fit(X, y)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     report = group_report(model, groups)
    >>> report["uneven"].to_dict()  # nothing is wrong in those in which the feature misleads
    {2: True, 1: True, 0: False, 3: False}
    """
    fitted = fitted.steps[-1][1] if isinstance(fitted, Pipeline) else fitted
    removed, weight = _what_was_done(fitted)
    if X is None and (isinstance(groups, str) or callable(groups)):
        raise ValueError("groups is told by X: call group_report(fitted, groups, X).")
    n = len(removed)
    is_told = isinstance(groups, str) or callable(groups)
    n_given = _num_samples(X if is_told else groups)
    if n_given != n:
        raise ValueError(
            f"{'X' if is_told else 'groups'} has {n_given} rows, and fit got {n}: the report is "
            "about training rows."
        )
    codes, names = read_regions(groups, X if is_told else np.empty((n, 1)), name="groups")
    rows = np.bincount(codes)
    gone = np.bincount(codes, removed).astype(int)
    p_value, uneven = uneven_shares(gone, rows, times, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        others = (gone.sum() - gone) / (n - rows)
        ratio = np.where(gone > 0, gone / rows / others, np.where(others > 0, 0.0, np.nan))
    table = pd.DataFrame(
        {
            "rows": rows,
            "share": rows / n,
            "loss": _losses(fitted, X, y, codes, names),
            "weight": np.bincount(codes, weight) / rows,
            "removed": gone,
            "removed_share": gone / rows,
            "times_others": ratio,
            "p_value": p_value,
            "uneven": uneven,
        },
        index=pd.Index(_index(names), name="group", tupleize_cols=False),
    )
    table = table.sort_values("removed_share", ascending=False, kind="stable")
    if uneven.any():
        _warn(fitted, table, times)
    return table


def uneven_shares(gone, rows, times, alpha):
    """(R,) adjusted p-values, and which groups are removed too often to be chance.

    Parameters
    ----------
    gone, rows : ndarray of shape (R,) of int
        Rows of each group that were removed, and all of them.
    times : float
    alpha : float

    Returns
    -------
    p_value : ndarray of shape (R,)
        One-sided of Fisher's test, the least over other groups, times the number of ordered pairs.
    uneven : ndarray of shape (R,) of bool
    """
    n_groups = len(rows)
    more, less = np.arange(n_groups)[:, None], np.arange(n_groups)
    both, both_gone = rows[more] + rows[less], gone[more] + gone[less]
    p = hypergeom.sf(gone[more] - 1, both, both_gone, np.broadcast_to(rows[more], both.shape))
    p = np.minimum(p * max(n_groups * (n_groups - 1), 1), 1.0)
    np.fill_diagonal(p, 1.0)
    share = gone / rows
    often = share[more] >= times * share[less] - 1e-12
    return p.min(axis=1), ((p <= alpha) & often).any(axis=1)


def _what_was_done(fitted):
    """(rows removed (n,), their weights (n,)) by what a fit has left."""
    weight = getattr(fitted, "sample_weight_", None)
    mask = getattr(fitted, "noise_mask_", None)
    if mask is None and weight is None:
        raise TypeError(
            f"{type(fitted).__name__} has neither noise_mask_ nor sample_weight_: group_report "
            "needs a fitted treatment, training method or detector of sknoisy."
        )
    removed = np.zeros(len(weight), dtype=bool) if mask is None else np.array(mask, dtype=bool)
    kept = getattr(fitted, "sample_indices_", None)
    if kept is not None and hasattr(fitted, "estimator_"):  # of a treatment, not of a detector
        left = np.ones(len(removed), dtype=bool)
        left[kept] = False
        removed |= left
    if weight is None or np.shape(weight) != removed.shape:
        weight = 1.0 - removed
    return removed, np.asarray(weight, dtype=float)


def _losses(fitted, X, y, codes, names):
    """(R,) mean loss of each group."""
    own, theirs = getattr(fitted, "group_loss_", None), getattr(fitted, "groups_", None)
    if X is None or y is None:
        if own is not None and np.array_equal(np.asarray(theirs), names):
            return own
        return np.full(len(names), np.nan)
    y = np.asarray(y).reshape(-1)
    if len(y) != len(codes):
        raise ValueError(f"y has {len(y)} rows, and fit got {len(codes)}.")
    if hasattr(fitted, "predict_proba"):
        proba = np.asarray(fitted.predict_proba(X))
        at = pd.Index(fitted.classes_).get_indexer(y)
        own = np.where(at >= 0, proba[np.arange(len(y)), at], 0.0)
        loss = -np.log(np.clip(own, LEAST_PROBA, 1.0))
    elif hasattr(fitted, "classes_"):
        loss = (np.asarray(fitted.predict(X)) != y).astype(float)
    else:
        loss = (np.asarray(fitted.predict(X), dtype=float) - y.astype(float)) ** 2
    return np.bincount(codes, loss) / np.bincount(codes)


def _index(names):
    out = np.empty(len(names), dtype=object)
    out[:] = names.tolist()
    return out


def _warn(fitted, table, times):
    share = table["removed_share"]  # from the largest to the least
    worst, n_uneven = int(np.argmax(table["uneven"])), int(table["uneven"].sum())
    warnings.warn(
        f"{type(fitted).__name__} removes {share.iloc[worst]:.1%} of the rows of group "
        f"{table.index[worst]!r} and {share.iloc[-1]:.1%} of those of group {table.index[-1]!r}: "
        f"{times:g} times as often or more, for {n_uneven} of {len(table)} groups. Look at its "
        "rows before you trust this: a group that is rare or hard is not therefore wrong.",
        UnevenRemovalWarning,
        stacklevel=4,
    )
