"""The transition matrix by rows whose true label is known."""

from __future__ import annotations

from numbers import Real
from typing import Literal, Self

import numpy as np
import pandas as pd
from scipy.stats import binom
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence import check_labels, take_rows
from sknoisy._evidence._arrays import container, foreign_as_numpy
from sknoisy._evidence._evidence import check_trusted, check_weight
from sknoisy._progress import whole_fit
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    Estimator,
    MatrixLike,
    RandomStateLike,
    validate_params,
)
from sknoisy.noise_model._confident_joint import unmixed
from sknoisy.noise_model._transition import (
    BaseTransition,
    Estimate,
    check_transition,
    true_frequency,
    weights,
)

STEPS = 10  # from P(given | x) to P(true | x), as where the matrix is used
PARTS = np.linspace(1.0, 0.0, 21)  # of the errors foretold, that may be noise
LEAST_PROBA = 1e-3  # in a logarithm: one trusted row must not rule all others


class TrustedTransition(BaseTransition):
    """Transition matrix by rows whose true label is known.

    With `y_true`, the given and the true label of the same rows are counted: of the `n_i` trusted
    rows of class i, the share that was given j. No model is fitted and X is not looked at. How far
    such a matrix is from the truth is known beforehand: see `expected_error_` and `n_trusted_for`.

    Without it, the labels in y of the `trusted` rows are their true ones, and what they would have
    been given is foretold: row i is the mean, over the trusted rows of class i, of the
    probabilities of given labels by models of the other rows. That is blurred by all that these
    models are unsure of, so only a part of it is taken for noise: the part under which what the
    models say, freed from the noise, foretells the true labels of the trusted rows best
    (`deblurred`). Trusted rows are better used with both labels, where these are known.

    Number of fits: none with `y_true`; else `cv` (5).

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier that foretells given labels where there is no `y_true`. None means the one that
        a `TransitionClassifier` wraps; alone, a random forest of 200 trees, behind an encoder for
        a DataFrame.
    smoothing : float >= 0, default=1.0
        Rows that each class is taken to have besides its trusted ones, of which as many are wrong
        as of all trusted rows, evenly among the other classes. 0: none; a class without a trusted
        row is then still guessed like this.
    deblurred : bool, default=True
        Whether without `y_true` the matrix is mixed with that of no noise, as above. False: the
        matrix as the paper has it.
    cv : int, splitter, iterable or None, default=None
        Folds of the models that foretell given labels. None means 5 stratified folds.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    transition_ : ndarray of shape (K, K)
        Entry (i, j): P(given label = j | true label = i).
    transition_error_ : ndarray of shape (K, K)
        Standard errors, from the variance of a share or a mean.
    expected_error_ : float
        Expected sum of squared errors of all entries; without `y_true` by chance alone.
    n_trusted_ : ndarray of shape (K,)
        Trusted rows of each class (their weight, where rows have weights).
    class_prior_ : ndarray of shape (K,)
        Frequencies of the true classes: what explains those of all given labels by the matrix.
    noise_rate_ : float
        Share of wrong labels.
    classes_ : ndarray of shape (K,)
        All classes of y and of `y_true`.
    n_features_in_, feature_names_in_
        Of X, where it has such things.

    References
    ----------
    M. A. Hedderich, D. Zhu, D. Klakow: "Analysing the Noise Model Error for Realistic Noisy Label
    Data", AAAI, 2021 (the matrix of paired labels and its expected error; smoothing, and the
    exact mean over random numbers of rows of each class, are of this package).

    D. Hendrycks, M. Mazeika, D. Wilson, K. Gimpel: "Using trusted data to train deep networks on
    labels corrupted by severe noise", NeurIPS, 2018 (without `y_true`; `deblurred` is of this
    package).

    Examples
    --------
    Of 300 rows whose labels were checked, one in five had been given the wrong one:

    >>> import numpy as np
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.noise_model import TrustedTransition
    >>> y_true = np.repeat(["cat", "dog"], 150)
    >>> y_given, wrong = symmetric_noise(y_true, rate=0.2, random_state=0)
    >>> model = TrustedTransition(smoothing=0).fit(None, y_given, y_true=y_true)
    >>> model.transition_.round(1)
    array([[0.8, 0.2],
           [0.2, 0.8]])
    >>> bool(model.n_trusted_for(0.001) > 600)
    True
    """

    _parameter_constraints: dict = {
        **{k: v for k, v in BaseTransition._parameter_constraints.items() if k != "n_resamples"},
        "smoothing": [Interval(Real, 0, None, closed="left")],
        "deblurred": ["boolean"],
    }

    expected_error_: float
    n_trusted_: Array
    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        smoothing: float = 1.0,
        deblurred: bool = True,
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.smoothing = smoothing
        self.deblurred = deblurred
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike | None,
        y: ArrayLike,
        *,
        y_true: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
    ) -> Self:
        """Estimate the transition matrix from the rows whose true label is known.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows, or None
            Not looked at with `y_true`.
        y : array-like of shape (n,)
            Given labels. Without `y_true`, those of trusted rows are the true ones.
        y_true : array-like of shape (n,), default=None
            True labels; only those of trusted rows count. Missing (None, NaN) where not known.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, in the counts and in the models.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in cross-fitting.
        trusted : array-like of shape (n,) of bool, default=None
            Rows whose true label is known. None means all that have a `y_true`.

        Returns
        -------
        self : object
        """
        if y_true is None:
            return super().fit(X, y, sample_weight=sample_weight, groups=groups, trusted=trusted)
        self._validate_params()
        X, given, y_true = container(X), check_labels(y), foreign_as_numpy(y_true, "y_true")
        n = len(given.y)
        if len(y_true) != n:
            raise ValueError(f"y_true has {len(y_true)} entries, and y has {n}: one for each row.")
        known = ~np.asarray(pd.isna(pd.Series(list(y_true))))
        rows = np.flatnonzero(known if trusted is None else check_trusted(trusted, n))
        if len(rows) == 0:
            raise ValueError("No row has a true label: y_true is missing in all of them.")
        if not known[rows].all():
            row = rows[~known[rows]][0]
            raise ValueError(f"Row {row} is trusted, and its y_true is missing.")
        weight = np.ones(n) if sample_weight is None else check_weight(sample_weight, n)
        true = check_labels(take_rows(y_true, rows))
        classes = check_labels([*given.classes.tolist(), *true.classes.tolist()]).classes
        to_all = type(given)(given.y, classes)
        codes = to_all.encode(given.y, "y")
        with whole_fit(self, X, y):
            counts = np.zeros((len(classes), len(classes)))
            np.add.at(counts, (to_all.encode(true.y, "y_true"), codes[rows]), weight[rows])
            frequency = np.bincount(codes, weight, len(classes)) / weight.sum()
            found = self._from_counts(counts)
            return self._conclude(found, classes, frequency, X)

    def n_trusted_for(
        self, error: float, *, sampling: Literal["random", "balanced"] = "random"
    ) -> int:
        """How many trusted rows a matrix like this one needs to be as precise as wanted.

        Parameters
        ----------
        error : float > 0
            Expected sum of squared errors of all entries.
        sampling : {"random", "balanced"}, default="random"
            "random": rows are drawn from all, so that a class has as many as it is frequent.
            "balanced": as many rows of each class.

        Returns
        -------
        int
            Rows of all classes together.
        """
        check_is_fitted(self)
        prior = self.class_prior_ if sampling == "random" else None
        return n_trusted_for(self.transition_, error, prior, smoothing=self.smoothing)

    def _estimate(self, evidence):
        trusted, codes = evidence.trusted, evidence.target.codes
        if not trusted.any():
            raise ValueError(
                "TrustedTransition learns from rows whose true label is known, and fit got none: "
                "give y_true (the true labels, missing where not known), or say by trusted which "
                "labels of y are the true ones."
            )
        if trusted.all():
            raise ValueError(
                "All rows are trusted, so that no label shows how others are given: give y_true "
                "for rows whose given label is known too, or rows that are not trusted."
            )
        proba = self._label_proba(evidence)
        of_part = getattr(evidence, "counted", True)
        judged = ~np.isnan(proba).any(axis=1)
        rows = np.flatnonzero(trusted & of_part & judged & (weights(evidence) > 0))
        if len(rows) == 0:
            raise ValueError(
                "No trusted row could be judged, so that nobody knows what they would have been "
                f"given: {evidence.why_nobody_is_judged()}."
            )
        weight, n_classes = weights(evidence)[rows], len(evidence.target.classes)
        counts, squares = np.zeros((2, n_classes, n_classes))
        np.add.at(counts, codes[rows], weight[:, None] * proba[rows])
        np.add.at(squares, codes[rows], weight[:, None] * proba[rows] ** 2)
        found = self._from_counts(counts)
        n = counts.sum(axis=1, keepdims=True)
        spread = np.divide(squares, n, out=np.zeros_like(squares), where=n > 0)
        spread -= np.divide(counts, n, out=np.zeros_like(counts), where=n > 0) ** 2
        variance = np.maximum(spread, 0.0) * n / np.maximum(n + self.smoothing, 1e-300) ** 2
        found.error = np.where(n > 1, np.sqrt(variance), found.error)
        if self.deblurred:
            part = part_of_noise(
                found.transition, self._given_frequency(evidence), proba[rows], codes[rows], weight
            )
            found.transition = part * found.transition + (1.0 - part) * np.eye(n_classes)
            found.error = part * found.error
        found.attributes["expected_error_"] = float(np.nansum(found.error**2))
        return found

    def _from_counts(self, counts):
        """`Estimate` from the counts (K, K) of true and given labels."""
        n = counts.sum(axis=1)
        guess = even_errors(1.0 - counts.trace() / counts.sum(), len(counts))
        total = n + self.smoothing
        smoothed = counts + self.smoothing * guess
        transition = np.divide(smoothed, total[:, None], out=guess.copy(), where=total[:, None] > 0)
        error = np.full(counts.shape, np.nan)
        has = n > 0
        variance = transition[has] * (1.0 - transition[has]) * n[has, None]
        error[has] = np.sqrt(variance) / total[has, None]
        expected = expected_transition_error(transition, n, smoothing=self.smoothing)
        attributes = {"n_trusted_": n, "expected_error_": expected}
        return Estimate(transition, error, attributes=attributes)


def part_of_noise(transition, given_frequency, proba, codes, weight):
    """How much of a foretold matrix is noise: what makes the true labels of trusted rows likeliest.

    Parameters
    ----------
    transition : ndarray of shape (K, K)
    given_frequency : ndarray of shape (K,)
    proba : ndarray of shape (n, K)
        P(given | x) of trusted rows.
    codes : ndarray of shape (n,) of int
        Their true labels.
    weight : ndarray of shape (n,)

    Returns
    -------
    float
        Between 0 (all of it is what the models are unsure of) and 1.
    """
    rows, likelihood = np.arange(len(codes)), []
    for part in PARTS:
        matrix = part * transition + (1.0 - part) * np.eye(len(transition))
        frequency = true_frequency(matrix, given_frequency)
        true_proba = unmixed(proba, matrix.T, frequency, STEPS)
        likelihood.append(weight @ np.log(np.maximum(true_proba[rows, codes], LEAST_PROBA)))
    return PARTS[int(np.argmax(likelihood))]


# ---------------------------------------------------------------------- the paper


def even_errors(rate, n_classes):
    """The transition matrix in which every class is wrong at one rate, evenly among the others."""
    if n_classes == 1:
        return np.eye(1)
    off = rate / (n_classes - 1)
    return np.full((n_classes, n_classes), off) + np.eye(n_classes) * (1.0 - rate - off)


def expected_transition_error(
    transition: ArrayLike,
    n_per_class: ArrayLike | None = None,
    *,
    n: int | None = None,
    class_prior: ArrayLike | None = None,
    smoothing: float = 0.0,
) -> float:
    """Expected sum of squared errors of a transition matrix that is estimated from paired labels.

    Of `n_i` rows of class i, the share that was given j has the variance ``T_ij (1 - T_ij) / n_i``.
    If `n` rows are drawn from all, `n_i` is binomial and the mean over it is taken. A class without
    a row, and the part of `smoothing`, is guessed as in `TrustedTransition`.

    Parameters
    ----------
    transition : array-like of shape (K, K)
        The true matrix, or a guess of it; entry (i, j) is P(given = j | true = i).
    n_per_class : array-like of shape (K,), default=None
        Trusted rows of each class.
    n : int, default=None
        Trusted rows drawn from all classes together, in place of `n_per_class`.
    class_prior : array-like of shape (K,), default=None
        Frequencies of the true classes, with `n`.
    smoothing : float >= 0, default=0.0

    Returns
    -------
    float

    References
    ----------
    M. A. Hedderich, D. Zhu, D. Klakow: "Analysing the Noise Model Error for Realistic Noisy Label
    Data", AAAI, 2021.

    Examples
    --------
    >>> from sknoisy.noise_model import expected_transition_error
    >>> matrix = [[0.8, 0.2], [0.1, 0.9]]
    >>> round(expected_transition_error(matrix, [20, 20]), 4)
    0.025
    >>> round(expected_transition_error(matrix, n=40, class_prior=[0.5, 0.5]), 4)
    0.0257
    """
    matrix = check_transition(transition, len(transition))
    n_classes = len(matrix)
    if (n_per_class is None) == (n is None or class_prior is None):
        raise ValueError("Give n_per_class, or n and class_prior.")
    if class_prior is None:
        prior = np.full(n_classes, 1.0 / n_classes)
    else:
        prior = np.asarray(foreign_as_numpy(class_prior, "class_prior"), dtype=float)
    guess = even_errors(1.0 - prior @ matrix.diagonal(), n_classes)
    variance = (matrix * (1.0 - matrix)).sum(axis=1)
    bias = ((matrix - guess) ** 2).sum(axis=1)

    def of_class(i, m):
        total = np.where(m > 0, m + smoothing, 1.0)
        error = (m * variance[i] + smoothing**2 * bias[i]) / total**2
        return np.where(m > 0, error, bias[i])

    if n_per_class is not None:
        m = np.asarray(n_per_class, dtype=float)
        if m.shape != (n_classes,) or not (m >= 0).all():
            raise ValueError(f"n_per_class must be {n_classes} numbers >= 0, got {n_per_class!r}.")
        return float(sum(of_class(i, m[i]) for i in range(n_classes)))
    total = 0.0
    for i in range(n_classes):
        # the counts that can happen; beyond them is nothing that could be told in the sum
        low, high = binom.ppf([1e-12, 1 - 1e-12], n, prior[i])
        m = np.arange(max(low, 0), min(high, n) + 1)
        total += binom.pmf(m, n, prior[i]) @ of_class(i, m)
    return float(total)


@validate_params(
    {
        "transition": ["array-like"],
        "error": [Interval(Real, 0, None, closed="neither")],
        "class_prior": ["array-like", None],
        "smoothing": [Interval(Real, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def n_trusted_for(
    transition: ArrayLike,
    error: float,
    class_prior: ArrayLike | None = None,
    *,
    smoothing: float = 0.0,
) -> int:
    """How many rows with a given and a true label a transition matrix needs.

    Parameters
    ----------
    transition : array-like of shape (K, K)
        A guess of the matrix; entry (i, j) is P(given = j | true = i).
    error : float > 0
        Expected sum of squared errors that is wanted; see `expected_transition_error`.
    class_prior : array-like of shape (K,), default=None
        Frequencies of the true classes, from which rows are drawn. None: as many of each class.
    smoothing : float >= 0, default=0.0

    Returns
    -------
    int
        The least number of rows of all classes together that has no greater expected error.

    Examples
    --------
    >>> from sknoisy.noise_model import n_trusted_for
    >>> matrix = [[0.8, 0.2], [0.1, 0.9]]
    >>> n_trusted_for(matrix, 0.005)
    200
    >>> n_trusted_for(matrix, 0.005, class_prior=[0.9, 0.1])
    439
    """
    matrix = check_transition(transition, len(transition))
    n_classes = len(matrix)

    def reached(n):
        how = {"n": n, "class_prior": class_prior}
        if class_prior is None:
            # the last of several rows of each class may be one too many: counted in full rounds
            how = {"n_per_class": np.full(n_classes, n // n_classes)}
        return expected_transition_error(matrix, smoothing=smoothing, **how) <= error

    step = n_classes if class_prior is None else 1
    high = step
    while not reached(high):
        high *= 2
        if high > 10**9:
            raise ValueError(
                f"No number of rows up to a billion has an expected error of {error}: ask for less."
            )
    low = high // 2 if high > step else 0
    while high - low > step:
        middle = (low + high) // (2 * step) * step
        low, high = (low, middle) if reached(middle) else (middle, high)
    return int(high)
