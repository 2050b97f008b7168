"""y = f(x) + g(x) * noise: the spread g of each row, by models that have not seen it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sknoisy.noise_model._wide_normal import typical_size

LOG_CHI2 = -1.2703628454614782  # mean logarithm of the square of a standard normal
LEAST_SIZE = 1e-3  # of the usual residual: the logarithm of zero is not to be learnt
FARTHEST = 10.0  # from the usual spread, in either direction


@dataclass(frozen=True)
class RowScale:
    """Spread of each row.

    Attributes
    ----------
    scale : ndarray of shape (n,)
        g of each row, in units of y; the usual one where nothing is known of a row.
    log_variance : ndarray of shape (n,)
        What a model of the scale learns; NaN for a row that could not be judged.
    line : (float, float, float)
        See `calibration`.
    """

    scale: np.ndarray
    log_variance: np.ndarray
    line: tuple


def row_scale(evidence, residual, scale_estimator, **how):
    """`RowScale` by out-of-sample predictions of a model that is fitted to `log_variance`.

    Parameters
    ----------
    evidence : Evidence
    residual : ndarray of shape (n,)
        Out of sample; NaN was not judged.
    scale_estimator : regressor
    **how
        As in `Evidence.responses`.
    """
    given = evidence.inputs.sample_weight
    base = np.ones(len(residual)) if given is None else given
    target = log_variance(residual)
    learnt = np.isfinite(target) & (base > 0)
    expected = np.full(len(residual), np.nan)
    if learnt.any():
        sizes = evidence.replaced(y=np.where(learnt, target, 0.0)).without_fit_params()
        try:
            expected = sizes.responses(
                scale_estimator, unseen=None if learnt.all() else ~learnt, **how
            ).values
        except Exception as error:
            error.add_note(
                "sknoisy was fitting the model of the scale, to logarithms of squared residuals. "
                "If that model needs positive targets, give another one as scale_estimator."
            )
            raise
    line = calibration(expected, target, np.where(learnt, base, 0.0))
    return RowScale(scale_of(expected, line), target, line)


def log_variance(residual):
    """Logarithm of the variance that each residual speaks for, under normal noise.

    Parameters
    ----------
    residual : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        log r^2, less the mean of log z^2 for a standard normal z; NaN stays.
    """
    size = np.abs(residual)
    return 2.0 * np.log(np.maximum(size, LEAST_SIZE * typical_size(size))) - LOG_CHI2


def calibration(expected, target, weight):
    """(usual, centre, slope): log variance = usual + slope * (said - centre), by least squares.

    What is said of rows that were not seen is right on average, and spread no more than it knows:
    where it knows nothing, the slope is zero and all rows have one scale.
    """
    rows = (weight > 0) & np.isfinite(target)
    if not rows.any():
        return 0.0, 0.0, 0.0
    usual = np.average(target[rows], weights=weight[rows])
    rows &= np.isfinite(expected)
    if not rows.any():
        return float(usual), 0.0, 0.0
    weight, target, said = weight[rows] / weight[rows].sum(), target[rows], expected[rows]
    usual, centre = weight @ target, weight @ said
    square = weight @ (said - centre) ** 2
    slope = weight @ ((said - centre) * (target - usual)) / square if square > 0 else 0.0
    return float(usual), float(centre), float(np.clip(slope, 0.0, 1.0))


def scale_of(said, line):
    """Scales by what a model says, no further than tenfold from the usual one; NaN is usual."""
    usual, centre, slope = line
    away = np.nan_to_num(slope * (said - centre))
    reach = 2.0 * np.log(FARTHEST)
    return np.exp(0.5 * (usual + np.clip(away, -reach, reach)))
