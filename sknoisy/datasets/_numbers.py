"""Wrong numbers: a numeric target with errors of known place."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from scipy.stats import rankdata
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import ArrayLike, BoolArray, RandomStateLike, SameType, validate_params
from sknoisy.datasets._common import (
    check_1d,
    check_same_length,
    column_spread,
    differing_share,
    draw_rows,
    read_matrix,
    read_target,
    rebuild_target,
    shuffle_positions,
    take,
    value_codes,
)

_RATE = {
    "y": ["array-like"],
    "rate": [Interval(Real, 0, 1, closed="both")],
    "random_state": ["random_state"],
}
_STRENGTH = {"strength": [Interval(Real, 0, None, closed="neither")]}


@validate_params(_RATE | _STRENGTH, prefer_skip_nested_validation=True)
def outlier_noise(
    y: SameType, rate: float = 0.2, *, strength: float = 5.0, random_state: RandomStateLike = None
) -> tuple[SameType, BoolArray]:
    """Shift values far up or down, by `strength` to twice `strength` standard deviations.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Finite numbers, not all the same.

    rate : float in [0, 1], default=0.2
        Expected share of all rows whose value is changed.

    strength : float > 0, default=5.0
        Smallest shift, in standard deviations of y. The shift is uniform between this and its
        double, up or down with equal probability.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same y give the
        same noise, the same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy values, with the index and name of y, which is not changed. Floats keep their
        dtype, integers become float64.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If y is constant or has a value that is not a finite number (its row is named).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import outlier_noise
    >>> y = np.linspace(0, 1, 1000)
    >>> y_noisy, mask = outlier_noise(y, rate=0.1, random_state=0)
    >>> bool(np.abs(y_noisy - y)[mask].min() >= 5 * y.std())
    True
    """
    rng = check_random_state(random_state)
    numbers, spread, hit = _start(y, rate, rng)
    size = strength * spread * (1 + rng.random_sample(len(numbers)))
    sign = np.where(rng.random_sample(len(numbers)) < 0.5, -1.0, 1.0)
    return rebuild_target(y, numbers + np.where(hit, sign * size, 0.0))


@validate_params(_RATE, prefer_skip_nested_validation=True)
def shuffle_noise(
    y: SameType, rate: float = 0.2, *, random_state: RandomStateLike = None
) -> tuple[SameType, BoolArray]:
    """Shuffle the values of some rows among themselves, as when records are mixed up.

    The values stay the same as a whole; every single wrong value is plausible.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Finite numbers. With many equal values fewer rows can change: the rows that take part
        are chosen so that `rate` of all rows is expected to change nevertheless.

    rate : float in [0, 1], default=0.2
        Expected share of all rows whose value is changed, at most the probability that two random
        rows of y differ (1 if all values are different).

    random_state : int, RandomState instance or None, default=None
        Seeds the draws. The same seed and the same y give the same noise, the same rows in another
        order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy values, with the dtype, index and name of y, which is not changed.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y. A row that got an equal value is right.

    Raises
    ------
    ValueError
        If too many values are equal for `rate`, or a value is not a finite number (its row is
        named).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import shuffle_noise
    >>> y = np.arange(10)
    >>> y_noisy, mask = shuffle_noise(y, rate=0.4, random_state=0)
    >>> y_noisy
    array([0, 1, 9, 3, 8, 5, 6, 7, 2, 4])
    """
    rng = check_random_state(random_state)
    numbers = read_target(y)
    codes = value_codes(numbers)
    differing = differing_share(codes)
    if rate > differing + 1e-6:
        raise ValueError(
            f"rate={rate:.6g} cannot be reached: too many values of y are equal. Lower rate to "
            f"{differing:.6g} or less."
        )
    positions = shuffle_positions(rng, len(codes), rate / differing if rate else 0.0)
    return take(y, positions), numbers[positions] != numbers


@validate_params(_RATE, prefer_skip_nested_validation=True)
def decimal_noise(
    y: SameType,
    rate: float = 0.2,
    *,
    shifts: ArrayLike = (-1, 1),
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Misplace the decimal point: multiply values by a power of ten.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Finite numbers. A zero stays what it is wherever its point is put: only other values are
        changed, and more of them, so that `rate` of all rows is expected to change nevertheless.

    rate : float in [0, 1], default=0.2
        Expected share of all rows whose value is changed, at most the share of values that are
        not zero.

    shifts : array-like of nonzero int, default=(-1, 1)
        How many places to the right the decimal point is moved; each with equal probability. By
        default a value is a tenth or ten times what it should be.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same y give the
        same noise, the same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy values, with the index and name of y, which is not changed. Floats keep their
        dtype, integers become float64.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If too many values are zero for `rate`, `shifts` holds something else than nonzero integers,
        or a value of y is not a finite number (its row is named).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import decimal_noise
    >>> y = np.array([18.0, 21.0, 35.0, 40.0, 52.0, 67.0])
    >>> y_noisy, mask = decimal_noise(y, rate=0.5, random_state=1)
    >>> y_noisy
    array([  1.8,  21. , 350. ,   4. ,   5.2, 670. ])
    """
    rng = check_random_state(random_state)
    shifts = np.atleast_1d(np.asarray(shifts))
    if shifts.size == 0 or shifts.dtype.kind not in "iu" or (shifts == 0).any():
        raise ValueError(f"shifts must hold nonzero integers, got {shifts.tolist()}.")
    numbers = read_target(y)
    hit = draw_rows(rng, rate, numbers != 0, "a value other than zero")
    places = rng.choice(shifts, size=len(numbers))
    # Dividing by 10 is more exact than multiplying by 0.1.
    power = 10.0 ** np.abs(places)
    moved = np.where(places > 0, numbers * power, numbers / power)
    return rebuild_target(y, np.where(hit, moved, numbers))


@validate_params(
    _RATE | _STRENGTH | {"side": [StrOptions({"low", "high"})]}, prefer_skip_nested_validation=True
)
def one_sided_noise(
    y: SameType,
    rate: float = 0.2,
    *,
    strength: float = 1.0,
    side: Literal["low", "high"] = "low",
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Make values too low, never too high, as a sensor does that misses a part.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Finite numbers, not all the same.

    rate : float in [0, 1], default=0.2
        Expected share of all rows whose value is changed.

    strength : float > 0, default=1.0
        Mean of the error, in standard deviations of y. The error is uniform between half and one
        and a half times its mean. It may leave the range of y (below zero, say).

    side : {"low", "high"}, default="low"
        Whether wrong values are only ever too low or only ever too high.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same y give the
        same noise, the same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy values, with the index and name of y, which is not changed. Floats keep their
        dtype, integers become float64.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If y is constant or has a value that is not a finite number (its row is named).

    References
    ----------
    T. Katsuki, T. Osogami, "Regression with sensor data containing incomplete observations", ICML
    2023 (labels that are only ever too low).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import one_sided_noise
    >>> y = np.linspace(0, 1, 1000)
    >>> y_noisy, mask = one_sided_noise(y, rate=0.3, random_state=0)
    >>> bool(np.all(y_noisy[mask] < y[mask]))
    True
    """
    rng = check_random_state(random_state)
    numbers, spread, hit = _start(y, rate, rng)
    size = strength * spread * (0.5 + rng.random_sample(len(numbers)))
    sign = -1.0 if side == "low" else 1.0
    return rebuild_target(y, numbers + np.where(hit, sign * size, 0.0))


@validate_params(
    _RATE | _STRENGTH | {"df": [Interval(Real, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def heavy_tail_noise(
    y: SameType,
    rate: float = 0.2,
    *,
    strength: float = 1.0,
    df: float = 2.0,
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Add errors from Student's t distribution: most are small, a few are huge.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Finite numbers, not all the same.

    rate : float in [0, 1], default=0.2
        Expected share of all rows that get an error. With 1 all rows do.

    strength : float > 0, default=1.0
        Scale of the errors, in standard deviations of y.

    df : float >= 1, default=2.0
        Degrees of freedom: 1 is the Cauchy distribution, 2 has no finite variance, and from 30 on
        it is almost normal.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same y give the
        same noise, the same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy values, with the index and name of y, which is not changed. Floats keep their
        dtype, integers become float64.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y, however small the error. With ``rate=1`` it is
        True everywhere; then the size of the error, ``abs(y_noisy - y)``, is what to look at.

    Raises
    ------
    ValueError
        If y is constant or has a value that is not a finite number (its row is named).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import heavy_tail_noise
    >>> y = np.linspace(0, 1, 1000)
    >>> y_noisy, mask = heavy_tail_noise(y, rate=1.0, random_state=0)
    >>> error = np.abs(y_noisy - y) / y.std()
    >>> bool(np.median(error) < 1), bool(error.max() > 10)
    (True, True)
    """
    rng = check_random_state(random_state)
    numbers, spread, hit = _start(y, rate, rng)
    error = strength * spread * rng.standard_t(df, size=len(numbers))
    return rebuild_target(y, numbers + np.where(hit, error, 0.0))


@validate_params(
    _RATE | _STRENGTH | {"X": "no_validation", "column": "no_validation"},
    prefer_skip_nested_validation=True,
)
def spread_noise(
    X: ArrayLike,
    y: SameType,
    rate: float = 0.2,
    *,
    strength: float = 1.0,
    column: str | int | None = None,
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Add normal errors whose spread depends on the features.

    Rows are ranked by a column of X, or along a direction through it. All are equally likely to be
    hit, but the standard deviation of the error rises evenly along the ranks, from 0.2 to 1.8
    times `strength`: a large error at one end is nothing unusual at the other.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Numbers without missing values, as far as they are used.

    y : array-like of shape (n_samples,)
        Finite numbers, not all the same.

    rate : float in [0, 1], default=0.2
        Expected share of all rows that get an error. With 1 all rows do, which is the usual
        heteroscedastic noise.

    strength : float > 0, default=1.0
        Standard deviation of the errors at the middle rank, in standard deviations of y.

    column : column name, int or None, default=None
        The column of X that rows are ranked by: a name for a DataFrame, else a position. None means
        a random direction through all columns, each divided by its standard deviation.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same data give
        the same noise, the same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy values, with the index and name of y, which is not changed. Floats keep their
        dtype, integers become float64.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y, however small the error.

    Raises
    ------
    ValueError
        If y is constant or has a value that is not a finite number (its row is named), or if a
        column of X that is used (it is named) is not numeric.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import spread_noise
    >>> X = np.linspace(0, 1, 1000).reshape(-1, 1)
    >>> y = X.ravel()
    >>> y_noisy, mask = spread_noise(X, y, rate=1.0, column=0, random_state=0)
    >>> error = (y_noisy - y) / y.std()
    >>> [round(float(part.std()), 1) for part in np.split(error, 5)]
    [0.4, 0.6, 1.0, 1.3, 1.7]
    """
    rng = check_random_state(random_state)
    check_1d(y)
    check_same_length(X, y)
    values, _ = read_matrix(X, None if column is None else [column])
    column_std = column_spread(values)
    direction = rng.standard_normal(values.shape[1]) if column is None else np.ones(1)
    place = values @ np.divide(direction, column_std, out=direction * 0, where=column_std > 0)
    numbers, spread, hit = _start(y, rate, rng)
    rank = (rankdata(place) - 0.5) / len(place)
    error = strength * spread * (0.2 + 1.6 * rank) * rng.standard_normal(len(numbers))
    return rebuild_target(y, numbers + np.where(hit, error, 0.0))


def _start(y, rate, rng):
    """The values of y, their standard deviation, and the rows to hit."""
    numbers = read_target(y)
    spread = float(column_spread(numbers[:, None])[0])
    if spread == 0:
        raise ValueError(
            f"y is constant (all values are {numbers[0]:.6g}): errors are measured in its standard "
            "deviations."
        )
    return numbers, spread, draw_rows(rng, rate, np.ones(len(numbers), dtype=bool), "a row")
