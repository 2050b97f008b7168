"""Wrong labels as a model would choose them: by class, or by row."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, softmax
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval

from sknoisy._typing import (
    ArrayLike,
    BoolArray,
    MatrixLike,
    ProbabilisticClassifier,
    RandomStateLike,
    SameType,
    validate_params,
)
from sknoisy.datasets._classes import (
    decode,
    draw_by_class,
    encode,
    mean_confusion,
    out_of_fold_proba,
)
from sknoisy.datasets._common import check_same_length, column_spread, read_matrix


@validate_params(
    {
        "y": ["array-like"],
        "rate": [Interval(Real, 0, 1, closed="both")],
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def confusion_noise(
    X: MatrixLike,
    y: SameType,
    rate: float = 0.2,
    *,
    estimator: ProbabilisticClassifier | None = None,
    cv: int = 5,
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Flip labels between the classes that a model takes for one another.

    This is class-dependent noise whose transition matrix is not chosen, but found: a label of class
    i becomes j with a probability in proportion to the mean out-of-fold probability of j over the
    rows of class i. Classes that are hard to tell apart are mixed up often, and classes that nobody
    confuses stay clean. Within a class, all rows are equally likely to flip.

    Parameters
    ----------
    X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        The features. They go to `estimator` as they are; without one they have to be numbers
        without missing values.

    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values. Each class needs two
        rows or more.

    rate : float in [0, 1], default=0.2
        Expected share of all rows whose label is flipped. The rate of each class is in proportion
        to how much it is confused, and at most 1.

    estimator : classifier with `predict_proba`, default=None
        What confuses the classes; it is cloned. It sees them as the numbers 0, 1, ... in sorted
        order. None means ``make_pipeline(StandardScaler(), LogisticRegression())``.

    cv : int >= 2, default=5
        Number of stratified folds, and of fits of the estimator; at most `n_samples`.

    random_state : int, RandomState instance or None, default=None
        Seeds the folds and the draws, which go through the rows in order. The estimator's own
        `random_state` has to be set for the same noise again.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy labels, with the dtype, index and name of y, which is not changed.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If y has a missing value, a single class or a class with one row, if nothing is confused,
        or if there is no estimator and a column of X (which is named) is not numeric.

    Notes
    -----
    In the paper below the confusion matrix of a trained network is the transition matrix itself,
    so that the rate is the network's error. Here it is that of out-of-fold probabilities (a model
    without an error still says which classes are near), times what gives `rate`.

    References
    ----------
    M. Goswami, V. Sanil, A. Choudhry, A. Srinivasan, C. Udompanyawit, A. Dubrawski, "AQuA: A
    Benchmarking Tool for Label Quality Assessment", NeurIPS Datasets and Benchmarks 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import confusion_noise
    >>> X, y = load_iris(return_X_y=True)  # class 0 lies apart
    >>> y_noisy, mask = confusion_noise(X, y, rate=0.2, random_state=0)
    >>> [round(float(mask[y == c].mean()), 1) for c in range(3)]
    [0.0, 0.3, 0.3]
    """
    rng = check_random_state(random_state)
    codes, classes = encode(y)
    confusion = mean_confusion(out_of_fold_proba(estimator, X, codes, classes, cv, rng), codes)
    np.fill_diagonal(confusion, 0.0)
    of_class = _class_rates(confusion.sum(axis=1), np.bincount(codes) / len(codes), rate)
    flips = rng.random_sample(len(codes)) < of_class[codes]
    return decode(y, codes, np.where(flips, draw_by_class(rng, confusion, codes), codes))


@validate_params(
    {
        "y": ["array-like"],
        "rate": [Interval(Real, 0, 1, closed="both")],
        "spread": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def instance_noise(
    X: ArrayLike,
    y: SameType,
    rate: float = 0.2,
    *,
    spread: float = 0.1,
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Flip each label with a probability of its row's own, to a class that its features choose.

    Each row draws its probability of a flip. Where the label goes is a matter of the row's
    features: each class has a random linear map from features to scores of the classes, and the
    new label is drawn from their softmax. Rows that are alike are given the same wrong label.

    With two classes there is only one wrong label, so that nothing depends on the features; use
    :func:`boundary_noise` or :func:`region_noise` there.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Numbers without missing values. Each column is centred and divided by its standard
        deviation (constant columns count for nothing).

    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values.

    rate : float in [0, 1], default=0.2
        Expected share of all rows whose label is flipped.

    spread : float > 0, default=0.1
        Standard deviation of the rows' probabilities of a flip, before they are cut off at 0
        and 1.

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
        If y has a missing value or a single class, or if a column of X (which is named) is not
        numeric.

    Notes
    -----
    The papers draw the probabilities of a flip from a normal distribution around the rate, cut off
    at 0 and 1. That moves their mean where the rate is near 0 or 1; here they are scaled back, so
    that `rate` is the mean. The first paper has a map for each class, the second the same for all.

    References
    ----------
    X. Xia, T. Liu, B. Han, N. Wang, M. Gong, H. Liu, G. Niu, D. Tao, M. Sugiyama, "Part-dependent
    label noise: Towards instance-dependent label noise", NeurIPS 2020 (the generator).

    M. Goswami, V. Sanil, A. Choudhry, A. Srinivasan, C. Udompanyawit, A. Dubrawski, "AQuA: A
    Benchmarking Tool for Label Quality Assessment", NeurIPS Datasets and Benchmarks 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknoisy.datasets import instance_noise
    >>> X, y = load_digits(return_X_y=True)
    >>> y_noisy, mask = instance_noise(X, y, rate=0.3, random_state=0)
    >>> round(float(mask.mean()), 1)
    0.3
    """
    rng = check_random_state(random_state)
    codes, classes = encode(y)
    check_same_length(X, codes)
    values, _ = read_matrix(X)
    spread_of = column_spread(values)
    values = (values - values.mean(axis=0)) / np.where(spread_of > 0, spread_of, np.inf)
    flips = rng.random_sample(len(codes)) < _row_rates(rng, len(codes), rate, spread)
    maps = rng.standard_normal((len(classes), values.shape[1], len(classes)))
    score = np.empty((len(codes), len(classes)))
    for code, of_class in enumerate(maps):
        score[codes == code] = values[codes == code] @ of_class
    score[np.arange(len(codes)), codes] = -np.inf
    return decode(y, codes, np.where(flips, _draw(rng, softmax(score, axis=1)), codes))


def _draw(rng, weight):
    """A class for each row with a probability in proportion to its weights."""
    upper = np.cumsum(weight, axis=1)
    point = rng.random_sample(len(weight)) * upper[:, -1]
    return (point[:, None] >= upper).sum(axis=1).clip(max=weight.shape[1] - 1)


def _class_rates(confused, share, rate):
    """``min(1, s * confused)`` with the s that gives it the mean `rate` over the rows."""
    if rate == 0:
        return np.zeros(len(confused))
    reachable = float(share[confused > 0].sum())
    if rate > reachable + 1e-9:
        raise ValueError(
            f"rate={rate:.6g} cannot be reached: the estimator is sure of all rows of the other "
            f"classes. Lower rate to {reachable:.6g} or less."
        )

    def excess(scale):
        return float(share @ np.minimum(1.0, scale * confused)) - rate

    upper = 1.0 / confused[confused > 0].min()
    return np.minimum(1.0, confused * (upper if excess(upper) <= 0 else brentq(excess, 0, upper)))


def _row_rates(rng, n_rows, rate, spread):
    """Normal numbers around `rate`, cut off at 0 and 1 and scaled to have it as their mean."""
    low, high = -rate / spread, (1 - rate) / spread
    below, inside = ndtr(low), ndtr(high) - ndtr(low)
    drawn = rate + spread * ndtri(below + inside * rng.random_sample(n_rows))
    density = np.exp(-np.square([low, high]) / 2) / np.sqrt(2 * np.pi)
    mean = rate + spread * (density[0] - density[1]) / inside
    if rate <= mean:  # scaled towards 0
        return drawn * (rate / mean)
    return 1 - (1 - drawn) * ((1 - rate) / (1 - mean))
