"""Wrong labels, at random or where the features put them."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
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
from sknoisy.datasets._classes import class_code, decode, encode, out_of_fold_proba, show
from sknoisy.datasets._common import (
    check_same_length,
    column_spread,
    draw_count,
    draw_rows,
    read_matrix,
)

# Probabilities below this count as this: the logarithm of 0 says nothing about distance.
_SMALLEST_PROBA = 1e-6


@validate_params(
    {
        "y": ["array-like"],
        "rate": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def symmetric_noise(
    y: SameType, rate: float = 0.2, *, random_state: RandomStateLike = None
) -> tuple[SameType, BoolArray]:
    """Flip labels at random, to any other class with equal probability.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values.

    rate : float in [0, 1], default=0.2
        Expected share of all rows whose label is flipped. A flip always changes the label; the
        other convention, which also draws the old label, has a true rate of
        ``rate * (1 - 1 / n_classes)``.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same y give the
        same noise, the same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy labels, with the dtype, index and name of y, which is not changed.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If y has a missing value, a single class, or numbers that are no classes.

    References
    ----------
    D. Angluin, P. Laird, "Learning from noisy examples", Machine Learning, 1988.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import symmetric_noise
    >>> y = np.repeat(["bird", "cat", "dog"], 1000)
    >>> y_noisy, mask = symmetric_noise(y, rate=0.3, random_state=0)
    >>> bool(np.all((y_noisy != y) == mask)), round(float(mask.mean()), 1)
    (True, 0.3)
    """
    rng = check_random_state(random_state)
    codes, classes = encode(y)
    flips = rng.random_sample(len(codes)) < rate
    steps = rng.randint(1, len(classes), size=len(codes))
    return decode(y, codes, np.where(flips, (codes + steps) % len(classes), codes))


@validate_params(
    {
        "y": ["array-like"],
        "rate": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def pair_noise(
    y: SameType, rate: float = 0.2, *, random_state: RandomStateLike = None
) -> tuple[SameType, BoolArray]:
    """Flip labels to the next class: each class is taken for one other class only.

    The next class is the next in sorted order (in the order of its categories for a categorical
    y), and the first one after the last. For pairs of your own use :func:`transition_noise`.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values.

    rate : float in [0, 1], default=0.2
        Expected share of all rows whose label is flipped. It is also the expected share of each
        class.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same y give the
        same noise, the same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy labels, with the dtype, index and name of y, which is not changed.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If y has a missing value, a single class, or numbers that are no classes.

    References
    ----------
    B. Han, Q. Yao, X. Yu, G. Niu, M. Xu, W. Hu, I. Tsang, M. Sugiyama, "Co-teaching: Robust
    training of deep neural networks with extremely noisy labels", NeurIPS 2018 ("pair flipping").

    Examples
    --------
    >>> import pandas as pd
    >>> from sknoisy.datasets import pair_noise
    >>> y = pd.Series(["bird", "cat", "dog"] * 100)
    >>> y_noisy, mask = pair_noise(y, rate=0.2, random_state=0)
    >>> sorted(set(zip(y[mask], y_noisy[mask])))
    [('bird', 'cat'), ('cat', 'dog'), ('dog', 'bird')]
    """
    rng = check_random_state(random_state)
    codes, classes = encode(y)
    flips = rng.random_sample(len(codes)) < rate
    return decode(y, codes, (codes + flips) % len(classes))


@validate_params(
    {
        "y": ["array-like"],
        "rate": [Interval(Real, 0, 1, closed="both")],
        "source": "no_validation",
        "target": "no_validation",
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def one_way_noise(
    y: SameType,
    rate: float = 0.2,
    *,
    source: Any = None,
    target: Any = None,
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Flip labels in one direction only, such as positives that were missed.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values.

    rate : float in [0, 1], default=0.2
        Expected share of ALL rows whose label is flipped, as in every other generator here. It
        cannot exceed the share of rows that may flip. Papers often give the share r of the source
        class instead: that is ``rate = r * np.mean(y == source)``.

    source : label or None, default=None
        The class whose labels are flipped. None means every class other than `target`.

    target : label or None, default=None
        The class they are flipped to. None means the most frequent class (other than `source`),
        the first in sorted order if there are several.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through the rows in order: the same seed and the same y give the
        same noise, the same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy labels, with the dtype, index and name of y, which is not changed.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If y has a missing value or a single class, if `source` or `target` is not in y or both
        are the same, or if `rate` exceeds the share of rows that may flip.

    References
    ----------
    N. Natarajan, I. Dhillon, P. Ravikumar, A. Tewari, "Learning with noisy labels", NeurIPS 2013
    (class-conditional noise; here with one of the two rates at 0).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import one_way_noise
    >>> y = np.repeat(["ill", "well"], [400, 600])
    >>> y_noisy, mask = one_way_noise(y, rate=0.1, source="ill", random_state=0)
    >>> set(y[mask].tolist()), set(y_noisy[mask].tolist())
    ({'ill'}, {'well'})
    >>> y_noisy, mask = one_way_noise(y, 0.5 * np.mean(y == "ill"), source="ill", random_state=0)
    >>> round(float(mask[y == "ill"].mean()), 1)  # half of the source class
    0.5
    """
    rng = check_random_state(random_state)
    codes, classes = encode(y)
    counts = np.bincount(codes)
    source = None if source is None else class_code(classes, source, "source")
    if target is None:
        candidates = np.where(np.arange(len(classes)) == source, -1, counts)
        target = int(np.argmax(candidates))
    else:
        target = class_code(classes, target, "target")
    if source == target:
        raise ValueError(f"source and target are the same class, {show(classes[target])}.")
    if source is None:
        movable, who = codes != target, f"of a class other than {show(classes[target])}"
    else:
        movable, who = codes == source, f"of class {show(classes[source])}"
    return decode(y, codes, np.where(draw_rows(rng, rate, movable, who), target, codes))


@validate_params(
    {
        "y": ["array-like"],
        "transition_matrix": ["array-like"],
        "classes": ["array-like", None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def transition_noise(
    y: SameType,
    transition_matrix: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Flip labels by a transition matrix, the general form of class-conditional noise.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values.

    transition_matrix : array-like of shape (n_classes, n_classes)
        Entry (i, j) is the probability in [0, 1] that a row of class i is given the label j; each
        row sums to 1. The expected share of all rows that change is
        ``1 - np.sum(class_shares * np.diag(transition_matrix))``. A DataFrame brings its classes
        along, as equal index and columns.

    classes : array-like of shape (n_classes,), default=None
        The class of each row of the matrix. None means the index of a DataFrame, else the sorted
        classes of y (in the order of its categories for a categorical y). A class that y
        does not have is allowed as long as no label is drawn to be it.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws, which go through each class's rows in order: the same seed and the same y
        give the same noise, the same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy labels, with the dtype, index and name of y, which is not changed.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If y has a missing value or a single class, if the matrix is not square, has a negative
        entry or a row that does not sum to 1 (its class is named), or if the classes do not fit.

    References
    ----------
    G. Patrini, A. Rozza, A. Menon, R. Nock, L. Qu, "Making deep neural networks robust to label
    noise: A loss correction approach", CVPR 2017 (the matrix T).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import transition_noise
    >>> y = np.repeat(["bird", "cat", "dog"], 1000)
    >>> matrix = [[1.0, 0.0, 0.0],
    ...           [0.1, 0.7, 0.2],
    ...           [0.0, 0.4, 0.6]]
    >>> y_noisy, mask = transition_noise(y, matrix, random_state=0)
    >>> [round(float(mask[y == c].mean()), 1) for c in ("bird", "cat", "dog")]
    [0.0, 0.3, 0.4]
    """
    rng = check_random_state(random_state)
    codes, y_classes = encode(y)
    matrix, matrix_classes = _check_transition_matrix(transition_matrix, classes, y_classes)

    # From a class of y to its row of the matrix, and back from a column to a class of y.
    to_row = np.array([class_code(matrix_classes, label, "classes") for label in y_classes])
    to_code = np.full(len(matrix_classes), -1)
    to_code[to_row] = np.arange(len(y_classes))

    new_codes = codes.copy()
    for code in range(len(y_classes)):
        rows = np.flatnonzero(codes == code)
        drawn = rng.choice(len(matrix_classes), size=len(rows), p=matrix[to_row[code]])
        new_codes[rows] = to_code[drawn]
        if (to_code[drawn] < 0).any():
            absent = matrix_classes[drawn[np.argmin(to_code[drawn])]]
            raise ValueError(
                f"class {show(y_classes[code])} was flipped to {show(absent)}, which y does not "
                "have; set that column of transition_matrix to 0 or leave the class out."
            )
    return decode(y, codes, new_codes)


@validate_params(
    {
        "y": ["array-like"],
        "rate": [Interval(Real, 0, 0.5, closed="both")],
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    # The estimator is the user's own: it has to validate its parameters itself.
    prefer_skip_nested_validation=False,
)
def boundary_noise(
    X: MatrixLike,
    y: SameType,
    rate: float = 0.2,
    *,
    estimator: ProbabilisticClassifier | None = None,
    cv: int = 5,
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Flip labels near the boundary between classes, to the most likely other class.

    A model's out-of-fold probabilities say how near a row is: its margin m is the absolute
    log-odds of its own class against the most likely other one, which for a linear model is the
    distance from the boundary. The probability of a flip is ``exp(-b * m) / 2`` with the b that
    makes `rate` its mean. It is 1/2 on the boundary, where one class is as likely as the other, and
    less elsewhere: a wrong label is nowhere more likely than the right one.

    Parameters
    ----------
    X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        The features. They go to `estimator` as they are; without one they have to be numbers
        without missing values.

    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values. Each class needs two
        rows or more.

    rate : float in [0, 0.5], default=0.2
        Expected share of all rows whose label is flipped.

    estimator : classifier with `predict_proba`, default=None
        What says where the boundary is; it is cloned. It sees the classes as the numbers 0, 1, ...
        in sorted order. None means ``make_pipeline(StandardScaler(), LogisticRegression())``.

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
        If y has a missing value, a single class or a class with one row, or if there is no
        estimator and a column of X (which is named) is not numeric.

    Notes
    -----
    Adapted from the "polynomial margin diminishing" noise of the paper below. There, too, a flip
    goes to the second most likely class with a probability that falls with the margin, but as a
    polynomial of the difference of probabilities, times a constant; here it falls exponentially
    with the log-odds, at a speed that follows from `rate`, and the probabilities are out-of-fold.

    References
    ----------
    Y. Zhang, S. Zheng, P. Wu, M. Goswami, C. Chen, "Learning with feature-dependent label noise: A
    progressive approach", ICLR 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import boundary_noise
    >>> X = np.linspace(-3, 3, 1000).reshape(-1, 1)
    >>> y = np.where(X.ravel() < 0, "low", "high")
    >>> y_noisy, mask = boundary_noise(X, y, rate=0.1, random_state=0)
    >>> bool(np.abs(X[mask]).mean() < np.abs(X[~mask]).mean())
    True
    """
    rng = check_random_state(random_state)
    codes, classes = encode(y)
    proba = out_of_fold_proba(estimator, X, codes, classes, cv, rng)
    rows = np.arange(len(codes))
    log_proba = np.log(np.maximum(proba, _SMALLEST_PROBA))
    proba[rows, codes] = -np.inf
    second = proba.argmax(axis=1)
    margin = np.abs(log_proba[rows, codes] - log_proba[rows, second])
    flips = rng.random_sample(len(codes)) < _boundary_flip_proba(margin, rate)
    return decode(y, codes, np.where(flips, second, codes))


@validate_params(
    {
        "y": ["array-like"],
        "rate": [Interval(Real, 0, 1, closed="both")],
        "target": "no_validation",
        "n_regions": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def region_noise(
    X: ArrayLike,
    y: SameType,
    rate: float = 0.2,
    *,
    target: Any = None,
    n_regions: int = 1,
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Give all rows in a region of feature space the same, wrong, label.

    A region is a ball around a random row, such as a subgroup that an annotator misunderstood. It
    grows until it holds its share of rows that are not of the target class, and these get that
    class: inside the region nothing contradicts the wrong labels.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Numbers without missing values. Distances are Euclidean, with each column divided by its
        standard deviation (constant columns count for nothing).

    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values.

    rate : float in [0, 1], default=0.2
        Expected share of all rows whose label is changed, over all regions. The number of changed
        rows is ``rate * n_samples``, rounded up or down at random.

    target : label or None, default=None
        The class that the rows get. None draws one for each region, among the classes that leave
        enough other rows.

    n_regions : int >= 1, default=1
        Number of regions, of equal shares of the changed rows. They do not overlap.

    random_state : int, RandomState instance or None, default=None
        Seeds the centres and classes. The same seed and the same data give the same noise, the
        same rows in another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy labels, with the dtype, index and name of y, which is not changed.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If y has a missing value or a single class, if `target` is not in y, if too few rows are of
        another class than the target, or if a column of X (which is named) is not numeric.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import region_noise
    >>> X = np.arange(100.0).reshape(-1, 1)
    >>> y = np.arange(100) % 3
    >>> y_noisy, mask = region_noise(X, y, rate=0.1, target=0, random_state=0)
    >>> np.flatnonzero(mask)
    array([85, 86, 88, 89, 91, 92, 94, 95, 97, 98])
    >>> np.unique(y_noisy[85:99])
    array([0])
    """
    rng = check_random_state(random_state)
    codes, classes = encode(y)
    check_same_length(X, y)
    values, _ = read_matrix(X)
    spread = column_spread(values)
    values = values[:, spread > 0] / spread[spread > 0]

    n_rows = len(codes)
    n_changed = draw_count(rng, rate * n_rows)
    others = n_rows - np.bincount(codes)  # how many rows could be given each class
    if target is None:
        targets = np.flatnonzero(others >= n_changed)
    else:
        targets = np.array([class_code(classes, target, "target")])
    if others[targets].max(initial=0) < n_changed:
        most = others.max() if target is None else others[targets[0]]
        raise ValueError(
            f"rate={rate:.6g} cannot be reached: at most {most} of {n_rows} rows can get one wrong "
            f"label. Lower rate to {most / n_rows:.6g} or less."
        )

    new_codes = codes.copy()
    untouched = np.ones(n_rows, dtype=bool)
    for size in np.diff(np.linspace(0, n_changed, n_regions + 1).astype(int)):
        if size == 0:
            continue
        label = rng.choice(targets)
        candidates = np.flatnonzero(untouched & (codes != label))
        centre = values[rng.choice(candidates)]
        distance = np.square(values[candidates] - centre).sum(axis=1)
        nearest = candidates[np.argsort(distance, kind="stable")[:size]]
        new_codes[nearest] = label
        untouched[nearest] = False
    return decode(y, codes, new_codes)


def _check_transition_matrix(transition_matrix, classes, y_classes):
    """The matrix as an array whose rows sum to 1, and the class of each row."""
    if classes is not None:
        classes = list(classes)
    elif isinstance(transition_matrix, pd.DataFrame):
        classes = list(transition_matrix.index)
        if classes != list(transition_matrix.columns):
            raise ValueError("the index and the columns of transition_matrix must be the same.")
    else:
        classes = y_classes
    try:
        matrix = np.asarray(transition_matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"transition_matrix cannot be read as numbers: {error}.") from error
    if matrix.shape != (len(classes), len(classes)):
        raise ValueError(
            f"transition_matrix has shape {matrix.shape}, but {len(classes)} classes need "
            f"{(len(classes), len(classes))}."
        )
    if len(set(classes)) < len(classes):
        raise ValueError("classes holds a class twice.")
    for label, row in zip(classes, matrix, strict=True):
        if not (row >= 0).all():
            raise ValueError(
                f"the row of class {show(label)} in transition_matrix has an entry that is "
                "negative or missing."
            )
        if abs(row.sum() - 1) > 1e-6:
            raise ValueError(
                f"the row of class {show(label)} in transition_matrix sums to {row.sum():.6g}; it "
                "must sum to 1."
            )
    return matrix / matrix.sum(axis=1, keepdims=True), classes


def _boundary_flip_proba(margin, rate):
    """``exp(-b * margin) / 2`` with the b that gives it the mean `rate`."""
    on_boundary = margin == 0
    share = on_boundary.mean()
    if rate <= share / 2:  # there are enough rows exactly on the boundary
        return on_boundary * (rate / share if share else 0.0)

    def excess(b):
        return np.exp(-b * margin).mean() / 2 - rate

    upper = 1.0
    while excess(upper) > 0:
        upper *= 2
    return np.exp(-brentq(excess, 0, upper) * margin) / 2
