"""Wrong labels in some groups of rows more than in others."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from sknoisy._typing import ArrayLike, BoolArray, RandomStateLike, SameType, validate_params
from sknoisy.datasets._classes import class_code, decode, encode, show


@validate_params(
    {
        "y": ["array-like"],
        "groups": ["array-like"],
        "rates": [dict, pd.Series],
        "source": "no_validation",
        "target": "no_validation",
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def group_noise(
    y: SameType,
    groups: ArrayLike,
    rates: dict[Any, float] | pd.Series,
    *,
    source: Any = None,
    target: Any = None,
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Flip labels at a rate of each group's own.

    With `source`, only in one direction: such as the positives of one group who were overlooked.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values.

    groups : array-like of shape (n_samples,)
        The group of each row, without missing values.

    rates : dict or Series of group to float in [0, 1]
        Expected share of a GROUP's rows whose label is flipped; with `source`, of the group's rows
        of that class. Groups that are not named stay clean.

    source : label or None, default=None
        The class whose labels are flipped. None means every class other than `target`, and every
        class if that is None, too.

    target : label or None, default=None
        The class they are flipped to. None means any other class with equal probability.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same data give
        the same noise, the same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy labels, with the dtype, index and name of y, which is not changed.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If y or `groups` has a missing value, if a group of `rates` has no row, if a rate is not in
        [0, 1], if `source` or `target` is not in y or both are the same, or if a rate exceeds the
        share of its group's rows that may flip.

    References
    ----------
    J. Wang, Y. Liu, C. Levy, "Fair classification with group-dependent label noise", FAccT 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import group_noise
    >>> y = np.tile(["no", "yes"], 1000)
    >>> groups = np.repeat(["large", "small"], [1600, 400])
    >>> y_noisy, mask = group_noise(y, groups, {"small": 0.3}, source="yes", random_state=0)
    >>> int(mask[groups == "large"].sum()), set(y[mask].tolist())
    (0, {'yes'})
    >>> round(float(mask[(groups == "small") & (y == "yes")].mean()), 1)
    0.3
    """
    rng = check_random_state(random_state)
    codes, classes = encode(y)
    source = None if source is None else class_code(classes, source, "source")
    target = None if target is None else class_code(classes, target, "target")
    if source is not None and source == target:
        raise ValueError(f"source and target are the same class, {show(classes[target])}.")
    may_flip = codes != target if target is not None else np.ones(len(codes), dtype=bool)
    if source is not None:
        may_flip &= codes == source
    probability = _flip_proba(_read_groups(groups, len(codes)), rates, may_flip, source)
    flips = rng.random_sample(len(codes)) < probability
    steps = rng.randint(1, len(classes), size=len(codes))
    wrong = (codes + steps) % len(classes) if target is None else target
    return decode(y, codes, np.where(flips, wrong, codes))


def _read_groups(groups, n_rows):
    """The groups as a Series with the numbers of the rows as its index."""
    groups = pd.Series(list(groups), dtype=object)
    if len(groups) != n_rows:
        raise ValueError(f"groups has {len(groups)} rows and y has {n_rows}: they must be equal.")
    if groups.isna().any():
        row = int(groups.isna().to_numpy().argmax())
        raise ValueError(
            f"groups has a missing value in row {row} (from 0); give such rows a group of their "
            "own."
        )
    return groups


def _flip_proba(groups, rates, may_flip, source):
    """Probability of a flip for each row."""
    probability = np.zeros(len(groups))
    for group, rate in dict(rates).items():
        if not (isinstance(rate, Real) and 0 <= rate <= 1):
            raise ValueError(f"the rate of group {show(group)} must be in [0, 1], got {rate!r}.")
        inside = (groups == group).to_numpy(dtype=bool)
        if not inside.any():
            known = ", ".join(show(name) for name in groups.unique()[:20])
            raise ValueError(f"group {show(group)} of rates has no row; groups has {known}.")
        share = 1.0 if source is not None else may_flip[inside].mean()
        if rate > share:
            raise ValueError(
                f"the rate {rate:.6g} of group {show(group)} cannot be reached: only {share:.6g} "
                f"of its rows may flip. Lower it to {share:.6g} or less."
            )
        probability[inside & may_flip] = rate / share if share else 0.0
    return probability
