"""Broken features: rows or cells of X that are not what they should be."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.metrics import pairwise_distances_argmin_min
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import ArrayLike, BoolArray, RandomStateLike, validate_params
from sknoisy.datasets._common import (
    as_frame_or_array,
    as_table,
    column_positions,
    column_spread,
    differing_share,
    draw_rows,
    get_column,
    read_columns,
    rebuild_matrix,
    shuffle_positions,
    take,
    value_codes,
)

# Making rows outside: draws per row, and rows of X that a draw is compared with.
_N_DRAWS = 20
_N_COMPARED = 1000

_RATE = {
    "X": "no_validation",
    "rate": [Interval(Real, 0, 1, closed="both")],
    "columns": "no_validation",
    "random_state": ["random_state"],
}
_STRENGTH = {"strength": [Interval(Real, 0, None, closed="neither")]}


@validate_params(_RATE | _STRENGTH, prefer_skip_nested_validation=True)
def feature_noise(
    X: ArrayLike,
    rate: float = 0.2,
    *,
    strength: float = 1.0,
    columns: Sequence[str | int] | None = None,
    random_state: RandomStateLike = None,
) -> tuple[Any, BoolArray]:
    """Add normal noise to all features of some rows.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        The features. The chosen columns must hold numbers without missing values.

    rate : float in [0, 1], default=0.2
        Expected share of all rows that are changed.

    strength : float > 0, default=1.0
        Standard deviation of the noise, in standard deviations of each column. A constant column
        stays as it is.

    columns : list of column names or int, default=None
        The columns to change: names for a DataFrame, else positions. None means all.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same X give the
        same noise, the same rows in another order do not.

    Returns
    -------
    X_noisy : ndarray or DataFrame of shape (n_samples, n_features)
        The noisy features: a DataFrame with index and columns of X, an ndarray for everything
        else. Floats keep their dtype, integers that were open to noise become float64.

    mask : ndarray of shape (n_samples,), dtype bool
        True for the rows with a changed value.

    Raises
    ------
    ValueError
        If a chosen column (it is named) is not numeric, or all of them are constant.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknoisy.datasets import feature_noise
    >>> X = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "sort": list("abca")})
    >>> X_noisy, mask = feature_noise(X, rate=0.5, columns=["size"], random_state=2)
    >>> mask
    array([ True,  True, False,  True])
    >>> (X_noisy["size"] != X["size"]).tolist(), X_noisy["sort"].equals(X["sort"])
    ([True, True, False, True], True)
    """
    rng = check_random_state(random_state)
    X, positions, values, spread = _start(X, columns)
    hit = draw_rows(rng, rate, np.ones((len(values), 1), dtype=bool), "a row")
    noise = strength * spread * rng.standard_normal(values.shape)
    X_noisy, changed = rebuild_matrix(X, positions, values + np.where(hit, noise, 0.0))
    return X_noisy, changed.any(axis=1)


@validate_params(_RATE | _STRENGTH, prefer_skip_nested_validation=True)
def gross_noise(
    X: ArrayLike,
    rate: float = 0.05,
    *,
    strength: float = 10.0,
    columns: Sequence[str | int] | None = None,
    random_state: RandomStateLike = None,
) -> tuple[Any, BoolArray]:
    """Shift single cells far up or down, by `strength` to twice `strength` standard deviations.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        The features. The chosen columns must hold numbers without missing values.

    rate : float in [0, 1], default=0.05
        Expected share of all CELLS in the chosen columns that are changed. At this rate 40 % of
        the rows of 10 columns are hit.

    strength : float > 0, default=10.0
        Smallest shift, in standard deviations of each column. The shift is uniform between this
        and its double, up or down with equal probability. A constant column stays as it is, and
        the others are hit more often.

    columns : list of column names or int, default=None
        The columns to change: names for a DataFrame, else positions. None means all.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same X give the
        same noise, the same rows in another order do not.

    Returns
    -------
    X_noisy : ndarray or DataFrame of shape (n_samples, n_features)
        The noisy features: a DataFrame with index and columns of X, an ndarray for everything
        else. Floats keep their dtype, integers that were open to noise become float64.

    mask : ndarray of shape (n_samples, n_features), dtype bool
        True exactly for the CELLS whose value differs from X. ``mask.any(axis=1)`` are the rows.

    Raises
    ------
    ValueError
        If a chosen column (it is named) is not numeric, or too many of them are constant for
        `rate`.

    References
    ----------
    F. Alqallaf, S. Van Aelst, V. Yohai, R. Zamar, "Propagation of outliers in multivariate data",
    Annals of Statistics, 2009 (cells, not rows, that go wrong independently of each other).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import gross_noise
    >>> X = np.random.RandomState(0).normal(size=(1000, 4))
    >>> X_noisy, mask = gross_noise(X, rate=0.1, random_state=0)
    >>> mask.shape, round(float(mask.mean()), 1)
    ((1000, 4), 0.1)
    >>> bool(np.abs(X_noisy - X)[mask].min() > 9)
    True
    """
    rng = check_random_state(random_state)
    X, positions, values, spread = _start(X, columns)
    open_cells = np.broadcast_to(spread > 0, values.shape)
    hit = draw_rows(rng, rate, open_cells, "a cell of a column that is not constant")
    size = strength * spread * (1 + rng.random_sample(values.shape))
    sign = np.where(rng.random_sample(values.shape) < 0.5, -1.0, 1.0)
    X_noisy, changed = rebuild_matrix(X, positions, values + np.where(hit, sign * size, 0.0))
    mask = np.zeros(np.shape(X), dtype=bool)
    mask[:, positions] = changed
    return X_noisy, mask


@validate_params(
    _RATE | {"between": [StrOptions({"rows", "columns"})]}, prefer_skip_nested_validation=True
)
def swap_noise(
    X: ArrayLike,
    rate: float = 0.05,
    *,
    between: Literal["rows", "columns"] = "rows",
    columns: Sequence[str | int] | None = None,
    random_state: RandomStateLike = None,
) -> tuple[Any, BoolArray]:
    """Swap values between rows, or between the columns of a row.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        The features. Swaps between rows take columns of any kind, missing values included; swaps
        between columns need numbers without missing values.

    rate : float in [0, 1], default=0.05
        Expected share of all CELLS in the chosen columns that are changed. Equal values cannot be
        told apart after a swap, so more cells are swapped where values repeat.

    between : {"rows", "columns"}, default="rows"
        "rows" shuffles the values of some cells within each column: every value stays plausible
        in its column. "columns" exchanges the values of two random columns within a row, as when
        fields of a form are mixed up.

    columns : list of column names or int, default=None
        The columns to change: names for a DataFrame, else positions. None means all.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws. The same seed and the same X give the same noise, the same rows in another
        order do not.

    Returns
    -------
    X_noisy : ndarray or DataFrame of shape (n_samples, n_features)
        The noisy features: a DataFrame with index and columns of X, an ndarray for everything
        else. Dtypes are X's; with ``between="columns"`` the integer columns of a DataFrame
        whose chosen columns are of several types become float64.

    mask : ndarray of shape (n_samples, n_features), dtype bool
        True exactly for the CELLS whose value differs from X. ``mask.any(axis=1)`` are the rows.

    Raises
    ------
    ValueError
        If too many values are equal for `rate`, or if swaps between columns meet a column (it is
        named) that is not numeric, or only one column.

    References
    ----------
    "Swap noise" between rows is known from denoising autoencoders on tabular data (M. Jahrer,
    winning solution of the Porto Seguro competition, Kaggle, 2017).

    Examples
    --------
    >>> import pandas as pd
    >>> from sknoisy.datasets import swap_noise
    >>> X = pd.DataFrame({"height": [1.8, 1.6, 1.7], "age": [30.0, 40.0, 50.0]})
    >>> X_noisy, mask = swap_noise(X, rate=0.4, between="columns", random_state=2)
    >>> print(X_noisy)
       height   age
    0    30.0   1.8
    1     1.6  40.0
    2    50.0   1.7
    >>> mask.any(axis=1)
    array([ True, False,  True])
    """
    rng = check_random_state(random_state)
    X = as_table(X)
    positions = column_positions(X, columns)
    swap = _swap_rows if between == "rows" else _swap_columns
    X_noisy, changed = swap(rng, X, positions, rate)
    mask = np.zeros(np.shape(X), dtype=bool)
    mask[:, positions] = changed
    return X_noisy, mask


@validate_params(
    {
        "X": "no_validation",
        "rate": [Interval(Real, 0, 1, closed="both")],
        "X_outside": "no_validation",
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def open_set_noise(
    X: ArrayLike,
    rate: float = 0.2,
    *,
    X_outside: ArrayLike | None = None,
    random_state: RandomStateLike = None,
) -> tuple[Any, BoolArray]:
    """Replace some rows by rows of no class at all, which keep the label of the row they replace.

    This is open-set label noise: whatever label such a row has, it is wrong. y stays as it is,
    which is why it is not asked for.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        The features. Without `X_outside` they must be numbers without missing values. With it,
        anything goes, arrays of more or fewer dimensions included (images, texts).

    rate : float in [0, 1], default=0.2
        Expected share of all rows that are replaced.

    X_outside : array-like or DataFrame of shape (n_outside, n_features), default=None
        Rows to put in, such as the rows of a class that was left out, with the columns of X. They
        are drawn without replacement as long as there are enough, else with.

        None makes rows: drawn evenly over the range of each column, widened by a quarter of its
        width at both ends; of 20 such draws the one farthest from all rows of X (or from 1000
        random ones) is taken. Integers are rounded, so that each column keeps its dtype.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same X give the
        same noise, the same rows in another order do not.

    Returns
    -------
    X_noisy : ndarray or DataFrame of the shape of X
        The features with foreign rows: a DataFrame with index, columns and dtypes of X, an ndarray
        for everything else.

    mask : ndarray of shape (n_samples,), dtype bool
        True for the rows that were replaced.

    Raises
    ------
    ValueError
        If `X_outside` does not have the columns of X or holds values that they cannot take, or if,
        without it, a column of X (it is named) is not numeric or X fills all of its space.

    References
    ----------
    Y. Wang, W. Liu, X. Ma, J. Bailey, H. Zha, L. Song, S.-T. Xia, "Iterative learning with open-set
    noisy labels", CVPR 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import open_set_noise
    >>> X, y = load_iris(return_X_y=True)
    >>> known = y < 2
    >>> X_noisy, mask = open_set_noise(X[known], 0.1, X_outside=X[~known], random_state=0)
    >>> X_noisy.shape, int(mask.sum())
    ((100, 4), 12)
    """
    rng = check_random_state(random_state)
    X = as_table(X) if X_outside is None else as_frame_or_array(X)
    if X.ndim == 0 or X.shape[0] == 0:
        raise ValueError(f"X must have rows, got shape {X.shape}.")
    mask = draw_rows(rng, rate, np.ones(X.shape[0], dtype=bool), "a row")
    if X_outside is None:
        made = _make_rows(rng, X, int(mask.sum()))
        return _put_rows(X, mask, made, np.arange(len(made))), mask
    X_outside = _check_outside(X, X_outside)
    n_outside = X_outside.shape[0]
    n_replaced = int(mask.sum())
    drawn = rng.choice(n_outside, size=n_replaced, replace=n_replaced > n_outside)
    return _put_rows(X, mask, X_outside, drawn), mask


def _start(X, columns):
    """X, the positions and values of the chosen columns, and their standard deviations."""
    X = as_table(X)
    positions = column_positions(X, columns)
    values = read_columns(X, positions)
    spread = column_spread(values)
    if not spread.any():
        raise ValueError("all chosen columns of X are constant: noise has no scale.")
    return X, positions, values, spread


def _swap_rows(rng, X, positions, rate):
    """Shuffle some cells within each column; also which of these cells changed."""
    codes = [value_codes(get_column(X, j)) for j in positions]
    # One probability for the cells of all columns; constant columns spend theirs for nothing.
    differing = np.mean([differing_share(column) for column in codes])
    if rate > differing + 1e-6:
        raise ValueError(
            f"rate={rate:.6g} cannot be reached: too many values of X are equal within their "
            f"columns. Lower rate to {differing:.6g} or less."
        )
    out = X.copy()
    changed = np.zeros((len(X), len(positions)), dtype=bool)
    for to, j in enumerate(positions):
        rows = shuffle_positions(rng, len(X), rate / differing if rate else 0.0)
        changed[:, to] = codes[to][rows] != codes[to]
        if isinstance(X, pd.DataFrame):
            out.isetitem(j, take(X.iloc[:, j], rows))
        else:
            out[:, j] = X[rows, j]
    return out, changed


def _swap_columns(rng, X, positions, rate):
    """Exchange random pairs of columns within rows; also which of these cells changed."""
    n_rows, n_columns = len(X), len(positions)
    if n_columns < 2:
        raise ValueError("swaps between columns need two columns or more.")
    values = read_columns(X, positions)
    order = rng.random_sample((n_rows, n_columns)).argsort(axis=1)
    left, right = order[:, 0 : n_columns - 1 : 2], order[:, 1::2]
    rows = np.arange(n_rows)[:, None]
    differ = values[rows, left] != values[rows, right]
    share = 2 * differ.sum() / values.size  # of cells, if each pair were swapped
    if rate > share + 1e-6:
        raise ValueError(
            f"rate={rate:.6g} cannot be reached: only {share:.6g} of the cells change even when "
            "all are swapped in pairs. Lower rate."
        )
    swap = differ & (rng.random_sample(differ.shape) < (rate / share if rate else 0.0))
    partner = np.broadcast_to(np.arange(n_columns), values.shape).copy()
    partner[rows, left] = np.where(swap, right, left)
    partner[rows, right] = np.where(swap, left, right)
    changed = partner != np.arange(n_columns)
    if isinstance(X, pd.DataFrame):
        dtypes = X.dtypes.iloc[positions]
        if dtypes.nunique() > 1:
            return rebuild_matrix(X, positions, values[rows, partner])
        out = X.copy()
        native = X.iloc[:, positions].to_numpy()[rows, partner]
        for to, j in enumerate(positions):
            out.isetitem(j, pd.Series(native[:, to], index=X.index, dtype=dtypes.iloc[0]))
        return out, changed
    out = X.copy()
    out[:, positions] = X[:, positions][rows, partner]
    return out, changed


def _make_rows(rng, X, n_rows):
    """Rows far from those of X, within or not far beyond the range of its columns."""
    values = read_columns(X, range(X.shape[1]))
    if n_rows == 0:
        return values[:0]
    spread = column_spread(values)
    scale = np.where(spread > 0, spread, 1.0)
    low, high = values.min(axis=0), values.max(axis=0)
    low, high = low - (high - low) / 4, high + (high - low) / 4
    compared = values[rng.permutation(len(values))[:_N_COMPARED]] / scale

    best = np.empty((n_rows, values.shape[1]))
    best_distance = np.full(n_rows, -1.0)
    for _ in range(_N_DRAWS):
        rows = low + (high - low) * rng.random_sample(best.shape)
        for j in range(rows.shape[1]):
            rows[:, j] = _round_to(rows[:, j], get_column(X, j).dtype)
        distance = pairwise_distances_argmin_min(rows / scale, compared)[1]
        better = distance > best_distance
        best[better], best_distance[better] = rows[better], distance[better]
    if (best_distance == 0).any():
        raise ValueError(
            "no rows could be made that X does not have, because its columns are constant or take "
            "few values; give X_outside."
        )
    return best


def _round_to(numbers, dtype):
    """Numbers that a column of this dtype can hold."""
    if pd.api.types.is_bool_dtype(dtype):
        return (numbers > 0.5).astype(float)
    if pd.api.types.is_integer_dtype(dtype):
        info = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
        return np.clip(np.rint(numbers), info.min, info.max)
    return numbers


def _check_outside(X, X_outside):
    """X_outside as the kind of container X is, with its columns."""
    X_outside = as_frame_or_array(X_outside, "X_outside")
    if isinstance(X, pd.DataFrame) != isinstance(X_outside, pd.DataFrame):
        raise ValueError("X and X_outside must both be DataFrames, or neither.")
    if isinstance(X, pd.DataFrame):
        columns, outside = list(X.columns), list(X_outside.columns)
        if columns != outside:
            odd = [c for c in columns + outside if (c in columns) != (c in outside)]
            what = f"column {odd[0]!r} is in one only" if odd else "the order differs"
            raise ValueError(f"X_outside must have the columns of X in their order; {what}.")
    elif X_outside.shape[1:] != X.shape[1:]:
        raise ValueError(f"X_outside has rows of shape {X_outside.shape[1:]}, X of {X.shape[1:]}.")
    if X_outside.shape[0] == 0:
        raise ValueError("X_outside has no rows.")
    return X_outside


def _put_rows(X, mask, rows, drawn):
    """X with ``rows[drawn]`` where `mask` is True, all dtypes kept.

    All rows must fit, drawn or not, so that whether there is an error is no matter of luck.
    """
    if isinstance(X, pd.DataFrame):
        out = X.copy()
        for j, name in enumerate(X.columns):
            new = rows.iloc[:, j] if isinstance(rows, pd.DataFrame) else pd.Series(rows[:, j])
            column = X.iloc[:, j].array.copy()
            column[mask] = _fit_dtype(new.reset_index(drop=True), column.dtype, name)[drawn]
            out.isetitem(j, pd.Series(column, index=X.index))
        return out
    kind = X.dtype.kind
    fits = kind == "O" or rows.dtype.kind in ("SU" if kind in "SU" else "biufc")
    if fits and kind in "biu":  # whole numbers only; floats may be rounded to X's precision
        with np.errstate(invalid="ignore"):
            fits = np.array_equal(rows.astype(X.dtype), rows)
    if not fits:
        raise ValueError(f"X_outside has values that X's type {X.dtype} cannot hold.")
    # A longer text needs a wider type.
    out = X.astype(np.result_type(X.dtype, rows.dtype)) if kind in "SU" else X.copy()
    out[mask] = rows[drawn]
    return out


def _fit_dtype(new, dtype, name):
    """Values as this dtype; an error names the column if they are others afterwards."""
    what = f"column {name!r} of X_outside does not fit X's type {dtype}"
    categories = getattr(dtype, "categories", None)
    if categories is not None:
        known = new.isna() | new.isin(categories)
    else:
        try:
            fitted = new.astype(dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{what}: {error}.") from error
        if pd.api.types.is_float_dtype(dtype) or pd.api.types.is_object_dtype(dtype):
            known = pd.Series(True, index=new.index)  # rounding to X's precision is no loss
        else:
            known = (fitted.isna() & new.isna()) | (fitted == new).fillna(False)
    known = known.to_numpy(dtype=bool)
    if not known.all():
        raise ValueError(f"{what}: it has {new.iloc[np.argmin(known)]!r}.")
    return new.astype(dtype).array
