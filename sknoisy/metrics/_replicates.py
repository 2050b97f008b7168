"""Errors of numbers that were measured twice, freed of the noise of the measurements."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sknoisy._typing import ArrayLike
from sknoisy.metrics._transition import weight_of


def replicate_mean_squared_error(
    y: ArrayLike, y_pred: ArrayLike, *, replicate: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Mean squared error on true numbers, from two noisy measurements of each.

    Assumes that the errors of the two are independent of each other and of the prediction, and have
    mean zero. Then the product of the two residuals has the true squared error as its mean.

    Parameters
    ----------
    y, replicate : array-like of shape (n,)
        Two measurements. Rows whose replicate is NaN do not count.
    y_pred : array-like of shape (n,)
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float
        May be negative by chance.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.metrics import replicate_mean_squared_error
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=10_000)
    >>> first, second = truth + rng.normal(size=(2, 10_000))
    >>> bool(abs(np.mean((first - truth) ** 2) - 1) < 0.05)  # what a perfect model seems to miss
    True
    >>> bool(abs(replicate_mean_squared_error(first, truth, replicate=second)) < 0.05)
    True
    """
    y, y_pred, other = (column_or_1d(v).astype(float) for v in (y, y_pred, replicate))
    check_consistent_length(y, y_pred, other, sample_weight)
    known = ~np.isnan(other)
    if not known.any():
        raise ValueError("replicate is missing in all rows: there is nothing to compare with.")
    product = (y - y_pred) * (other - y_pred)
    return float(np.average(product[known], weights=weight_of(sample_weight, len(y))[known]))


def replicate_r2(
    y: ArrayLike, y_pred: ArrayLike, *, replicate: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """R2 on true numbers, from two noisy measurements of each.

    Assumptions and parameters are those of `replicate_mean_squared_error`; the variance of the true
    numbers is the covariance of the two measurements.

    Parameters
    ----------
    y, y_pred, replicate, sample_weight
        See `replicate_mean_squared_error`.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.metrics import replicate_r2
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=10_000)
    >>> first, second = truth + rng.normal(size=(2, 10_000))
    >>> bool(abs(replicate_r2(first, truth, replicate=second) - 1) < 0.1)
    True
    """
    error = replicate_mean_squared_error(
        y, y_pred, replicate=replicate, sample_weight=sample_weight
    )
    y, other = (column_or_1d(v).astype(float) for v in (y, replicate))
    known = ~np.isnan(other)
    weight = weight_of(sample_weight, len(y))[known]
    a, b = (v[known] - np.average(v[known], weights=weight) for v in (y, other))
    variance = np.average(a * b, weights=weight)
    if variance <= 0:
        raise ValueError(
            "The two measurements do not agree at all (their covariance is not positive), so that "
            "there is no true variance to explain."
        )
    return float(1 - error / variance)
