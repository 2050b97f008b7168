"""The confident joint of given and true labels, from out-of-sample probabilities.

C. Northcutt, L. Jiang, I. Chuang: "Confident learning: estimating uncertainty in dataset labels",
Journal of Artificial Intelligence Research, 2021.

No model is fitted here; any framework's probabilities will do, as long as no row was seen by the
model that judged it. In all functions i is the given label, j the true one, and a row whose
probabilities hold NaN was not judged: it counts nowhere.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.sparse import csr_array

from sknoisy._evidence._responses import blocks, extremes, proba_of_given
from sknoisy._typing import ArrayLike, FloatArray, IntArray

# cleanlab's slack in comparing probabilities: a row at the threshold is above it, and a given label
# that ties for the largest probability is the predicted one
TOLERANCE = 1e-6
LEAST = 1e-200  # in place of zero, where a quotient is multiplied by zero next
NOTHING = 1e-100  # probability left by labels that some true class explains
# a matrix of that many classes, of which less than that share is not zero, is multiplied sparsely
MANY, SPARSE = 32, 0.15


def class_thresholds(label_proba: ArrayLike, codes: ArrayLike) -> FloatArray:
    """Mean self-confidence of each class.

    The threshold of class j is the mean of P(j | x) over the rows given class j. A row is
    confidently of class j when its own P(j | x) reaches it, so that a class about which the model
    is never sure has a low bar.

    Parameters
    ----------
    label_proba : array-like of shape (n, K)
        Out-of-sample class probabilities. A row with NaN was not judged.
    codes : array-like of shape (n,) of int
        Given labels as numbers 0..K-1.

    Returns
    -------
    ndarray of shape (K,)
        Thresholds. Never below 2e-6, lest each row be confidently of a class that the model never
        predicts; infinite for a class without judged rows, so that no row is counted into it.

    Examples
    --------
    >>> from sknoisy.noise_model import class_thresholds
    >>> class_thresholds([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]], [0, 0, 1])
    array([0.8, 0.6])
    """
    return mean_confidence(*judged_rows(*check_proba(label_proba, codes)))


def confident_joint(
    label_proba: ArrayLike,
    codes: ArrayLike,
    *,
    thresholds: ArrayLike | None = None,
    calibrate: bool = True,
) -> IntArray:
    """Count the rows given class i that are confidently of class j.

    Parameters
    ----------
    label_proba : array-like of shape (n, K)
        Out-of-sample class probabilities. A row with NaN was not judged.
    codes : array-like of shape (n,) of int
        Given labels as numbers 0..K-1.
    thresholds : array-like of shape (K,), default=None
        Probability from which a row is confidently of a class; None: `class_thresholds`.
    calibrate : bool, default=True
        Scale the counts to all judged rows, confident or not: row i then sums to the number of
        judged rows given class i.

    Returns
    -------
    ndarray of shape (K, K) of int
        Entry (i, j): rows given class i, confidently of class j. A row above several thresholds is
        counted into its most probable class; a row above none is not counted. At least one row of
        each class is taken to be right, as in the authors' code.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.noise_model import confident_joint
    >>> proba = np.array([[0.9, 0.1]] * 4 + [[0.2, 0.8]] * 4)
    >>> confident_joint(proba, [0, 0, 0, 1, 1, 1, 1, 1])  # row 3 looks like class 0
    array([[3, 0],
           [1, 4]])
    """
    label_proba, codes = judged_rows(*check_proba(label_proba, codes))
    if thresholds is None:
        thresholds = mean_confidence(label_proba, codes)
    else:
        thresholds = np.asarray(thresholds, dtype=float)
        n_classes = label_proba.shape[1]
        if thresholds.shape != (n_classes,) or np.isnan(thresholds).any():
            raise ValueError(
                f"thresholds must be one number per class ({n_classes}), got {thresholds!r}."
            )
    return joint_of(confident_class(label_proba, thresholds), codes, len(thresholds), calibrate)


def joint_posterior(
    label_proba: ArrayLike, codes: ArrayLike, joint: ArrayLike, *, max_iter: int = 10
) -> FloatArray:
    """Probability of each true label, given the row and its given label.

    Under class-conditional noise P(given=i | true=j, x) = P(given=i | true=j), hence ::

        P(true=j | x, given=i)  ~  P(given=i | true=j) * P(true=j | x)

    The first factor is the joint over its column sums. The second is not what the model predicts:
    it was trained on given labels, so that ``P(given=i | x) = sum_j P(given=i | true=j) P(true=j |
    x)``. This is solved for P(true | x) by expectation-maximisation in each row, from the class
    frequencies on. The first step is ``sum_i P(true=j | given=i) P(given=i | x)``, which blurs by
    the noise a second time; each further step sharpens it towards the maximum of the likelihood.
    The matrix inverse is that maximum where it is a distribution, but in practice it makes
    underestimated probabilities negative and its posteriors are nearly all zero or one; stopping
    after a few steps keeps the doubt.

    Parameters
    ----------
    label_proba : array-like of shape (n, K)
        Out-of-sample class probabilities. A row with NaN was not judged.
    codes : array-like of shape (n,) of int
        Given labels as numbers 0..K-1.
    joint : array-like of shape (K, K)
        Counts or probabilities of (given, true), such as `confident_joint`.
    max_iter : int, default=10
        Steps of expectation-maximisation.

    Returns
    -------
    ndarray of shape (n, K)
        Rows sum to one; rows that were not judged stay NaN. A true class that the joint never
        counts has probability zero. Where no true class that the row may have explains its given
        label, the given label is kept.

    References
    ----------
    A. Dempster, N. Laird, D. Rubin: "Maximum likelihood from incomplete data via the EM algorithm",
    Journal of the Royal Statistical Society B, 1977 (here the mixture proportions of one row, the
    components, columns of the noise matrix, being known).

    Examples
    --------
    Two labels in ten are wrong, so that a model of the given labels is never surer than 0.8; of two
    rows that are of class 0 by all it can tell, one is given class 1:

    >>> from sknoisy.noise_model import joint_posterior
    >>> joint_posterior([[0.8, 0.2], [0.8, 0.2]], [0, 1], [[8, 2], [2, 8]]).round(2)
    array([[0.99, 0.01],
           [0.83, 0.17]])
    """
    label_proba, codes, judged = check_proba(label_proba, codes)
    if max_iter < 1 or max_iter != int(max_iter):
        raise ValueError(f"max_iter must be an integer >= 1, got {max_iter!r}.")
    joint = check_joint(joint, label_proba.shape[1])
    if not joint.sum() > 0:
        raise ValueError("joint has no counts: all its entries are zero.")
    posterior = posterior_of_joint(label_proba, codes, joint, int(max_iter))
    posterior[~judged] = np.nan
    return posterior


def posterior_of_joint(label_proba, codes, joint, max_iter=10):
    """`joint_posterior`, unchecked; a row that was not judged keeps its given label."""
    given_of_true = _divide(joint, joint.sum(axis=0))
    frequency, ones = joint.sum(axis=0) / joint.sum(), np.ones(len(joint))
    posterior = np.empty(label_proba.shape)
    for rows, true in _unmixed_parts(label_proba, given_of_true, frequency, max_iter):
        given, part = codes[rows], posterior[rows]
        np.multiply(true.T, given_of_true[given], out=part)
        total = part @ ones
        unexplained = np.flatnonzero(~(total > 0))
        total[unexplained] = 1.0
        part /= total[:, None]
        part[unexplained] = 0.0
        part[unexplained, given[unexplained]] = 1.0
    return posterior


def unmixed(label_proba, given_of_true, frequency, max_iter):
    """(n, K) P(true | x) that explains P(given | x) = P(true | x) P(given | true), row by row.

    Steps of expectation-maximisation from `frequency` (K,) on; column j of `given_of_true` is
    P(given | true=j). A row is zero where no true class explains any label that it may have.
    """
    out = np.empty(label_proba.shape)
    for rows, true in _unmixed_parts(label_proba, given_of_true, frequency, max_iter):
        out[rows] = true.T
    return out


def _unmixed_parts(label_proba, given_of_true, frequency, max_iter):
    """Of a part of the rows at a time: which rows, and P(true | x) as an array of (K, rows)."""
    # a label that no true class explains has no factor to be divided by, and none to multiply
    factor = np.maximum(given_of_true, LEAST)
    first = _product(given_of_true.T * frequency[:, None] / (factor @ frequency))
    explained, back = _product(given_of_true, factor), _product(given_of_true.T)
    for rows in blocks(label_proba):
        proba = np.ascontiguousarray(label_proba[rows].T)
        true = first(proba)
        nowhere = np.flatnonzero(true.sum(axis=0) < NOTHING)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for _ in range(max_iter - 1):
                quotient = explained(true)
                np.divide(proba, quotient, out=quotient)
                true *= back(quotient)
        true[:, nowhere] = 0.0
        yield rows, true


def _product(matrix, positive=None):
    """Product of a matrix with others, which is never below LEAST where `positive` is given.

    `positive` is the matrix with LEAST in place of its zeros. Of very many classes most pairs are
    never taken for one another, and what is zero need not be multiplied.
    """
    if len(matrix) >= MANY and np.count_nonzero(matrix) < SPARSE * matrix.size:
        few = csr_array(matrix)
        return few.__matmul__ if positive is None else partial(_positive_product, few)
    return np.ascontiguousarray(matrix if positive is None else positive).__matmul__


def _positive_product(matrix, x):
    product = matrix @ x
    return np.maximum(product, LEAST, out=product)


# ---------------------------------------------------------------------- the paper, step by step


def mean_confidence(label_proba, codes):
    n_classes = label_proba.shape[1]
    members = np.bincount(codes, minlength=n_classes)
    confidence = np.bincount(codes, weights=proba_of_given(label_proba, codes), minlength=n_classes)
    return mean_of_sums(confidence, members)


def mean_of_sums(confidence, members):
    """(K,) thresholds from the sums of self-confidence of each class, and its numbers of rows."""
    thresholds = np.full(len(members), np.inf)
    np.divide(confidence, members, out=thresholds, where=members > 0)
    return np.maximum(thresholds, 2 * TOLERANCE)


def confident_class(label_proba, thresholds):
    """The class each row is confidently of, -1 for none."""
    # A quirk of cleanlab, kept because it decides which rows are flagged: of several classes above
    # their thresholds the paper takes the most probable; cleanlab takes the most probable of all
    # classes, be it above its own threshold or not. With rare classes, whose thresholds are low,
    # that is the safer choice too: a row is not counted into one of two unlikely classes.
    least, guess = thresholds - TOLERANCE, np.empty(len(label_proba), dtype=np.intp)
    # of what is above its threshold: how many, and their sum, which is the class where it is one
    sums = np.column_stack([np.ones(len(least)), np.arange(len(least))]).astype(np.float32)
    for rows in blocks(label_proba):
        proba, best = label_proba[rows], guess[rows]
        n_above, best[:] = ((proba >= least).astype(np.float32) @ sums).T
        best[n_above == 0] = -1
        several = np.flatnonzero(n_above > 1)
        best[several] = proba[several].argmax(axis=1)
    return guess


def shared_joint(label_proba, codes):
    """Uncalibrated confident joint in which a row counts in parts where its classes tie.

    Counting it into the first of them, as the authors' code does, makes the joint hang on the
    names of the classes, and ties are usual where probabilities are shares of a few votes.
    """
    label_proba, codes = judged_rows(*check_proba(label_proba, codes))
    thresholds, n_classes = mean_confidence(label_proba, codes), label_proba.shape[1]
    guess = confident_class(label_proba, thresholds)
    several = np.count_nonzero(label_proba >= thresholds - TOLERANCE, axis=1) > 1
    best = label_proba >= label_proba.max(axis=1, keepdims=True) - TOLERANCE
    tied = several & (np.count_nonzero(best, axis=1) > 1)
    joint = joint_of(np.where(tied, -1, guess), codes, n_classes, calibrate=False)
    if tied.any():
        parts = best[tied] / np.count_nonzero(best[tied], axis=1, keepdims=True)
        joint = joint.astype(float)
        np.add.at(joint, codes[tied], parts)
    return joint


def joint_of(guess, codes, n_classes, calibrate=True):
    """(K, K) confident joint of the classes that rows are confidently of, -1 for none."""
    # counted as (true, given) and turned: the order in memory is that of the sum below
    cells = guess + 1
    cells *= n_classes
    cells += codes
    counted = np.bincount(cells, minlength=(n_classes + 1) * n_classes)[n_classes:]
    counted = counted.reshape(n_classes, n_classes).T
    return joint_of_counts(counted, np.bincount(codes, minlength=n_classes), calibrate)


def joint_of_counts(counted, n_given, calibrate=True):
    """(K, K) confident joint of confident rows as `counted`, and of how many rows are given i."""
    joint = np.array(counted)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    if not calibrate:
        return joint
    counts, n = (joint.T / joint.sum(axis=1) * n_given).T, n_given.sum()
    if n:
        # The sum is n already, up to rounding: this moves only the last bit, but that decides how
        # halves are rounded below, and so which row of a small class is flagged. As in cleanlab.
        counts = counts / counts.sum() * n
    return np.array([_round_keeping_sum(row) for row in counts])


def scaled_joint(joint, codes):
    """Counts, not rounded, of which row i sums to the number of `codes` that are i."""
    return (joint.T / joint.sum(axis=1) * np.bincount(codes, minlength=len(joint))).T


def _round_keeping_sum(values):
    """Round to whole numbers of the same total, against the largest rounding errors."""
    rounded = values.round()
    missing = int(values.sum().round() - rounded.sum())
    if missing == 0:
        return rounded.astype(int)
    order = np.argsort(values - rounded)
    if missing > 0:
        rounded[order[::-1][:missing]] += 1
    else:
        rounded[order[:-missing]] -= 1
    return rounded.astype(int)


def _divide(counts, totals):
    """Quotient, zero where the total is."""
    shape = np.broadcast_shapes(np.shape(counts), np.shape(totals))
    return np.divide(counts, totals, out=np.zeros(shape), where=totals > 0)


# ---------------------------------------------------------------------- checks


def check_proba(label_proba, codes):
    """Arrays, and the mask of rows that were judged."""
    label_proba = np.asarray(label_proba)
    if label_proba.dtype.kind != "f":
        label_proba = label_proba.astype(float)
    codes = np.asarray(codes)
    if label_proba.ndim != 2 or label_proba.shape[1] == 0:
        raise ValueError(
            f"label_proba must have one row per example and one column per class, got shape "
            f"{label_proba.shape}."
        )
    n, n_classes = label_proba.shape
    if codes.shape != (n,):
        raise ValueError(
            f"codes must be one class number for each of the {n} rows of label_proba, got shape "
            f"{codes.shape}."
        )
    if codes.dtype.kind not in "iu":
        raise ValueError(
            f"codes must be whole numbers 0..{n_classes - 1}, got dtype {codes.dtype}; see "
            "sklearn.preprocessing.LabelEncoder."
        )
    outside = np.flatnonzero((codes < 0) | (codes >= n_classes))
    if len(outside):
        raise ValueError(
            f"codes must be in 0..{n_classes - 1}, the columns of label_proba; row {outside[0]} "
            f"has {codes[outside[0]]}."
        )
    least, most = extremes(label_proba)
    if least >= -TOLERANCE and most <= 1 + TOLERANCE:
        return label_proba, codes.astype(np.intp, copy=False), np.ones(n, dtype=bool)
    judged = ~np.isnan(label_proba).any(axis=1)
    # a NaN compares false, so that rows that were not judged pass
    odd = np.flatnonzero(((label_proba < -TOLERANCE) | (label_proba > 1 + TOLERANCE)).any(axis=1))
    if len(odd):
        raise ValueError(
            f"label_proba must be probabilities in [0, 1]; row {odd[0]} is {label_proba[odd[0]]}."
        )
    return label_proba, codes.astype(np.intp, copy=False), judged


def judged_rows(label_proba, codes, judged):
    """The rows that were judged; no copy when all were."""
    if judged.all():
        return label_proba, codes
    return label_proba[judged], codes[judged]


def of_all_rows(values, judged, missing):
    """What was found of the rows that were judged, and `missing` for the others."""
    values = np.asarray(values, dtype=type(missing))
    if judged.all():
        return values
    out = np.full(len(judged), missing)
    out[judged] = values
    return out


def check_joint(joint, n_classes):
    joint = np.asarray(joint)
    if joint.shape != (n_classes, n_classes):
        raise ValueError(
            f"joint must have one row and one column per class ({n_classes}), got shape "
            f"{joint.shape}."
        )
    if joint.dtype.kind not in "iuf" or not np.isfinite(joint).all() or (joint < 0).any():
        raise ValueError("joint must hold counts or probabilities: finite, not negative.")
    return joint
