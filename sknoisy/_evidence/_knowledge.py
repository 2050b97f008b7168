"""Whether out-of-sample predictions know anything of the targets."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.stats import norm, rankdata

from sknoisy._evidence._responses import blocks, is_judged, proba_of_given

LEVEL = 0.04  # chance that predictions which know nothing pass for ones that do
CLASS_LEVEL = 0.12  # the same for one class against the others


def no_more_than_chance(is_labels):
    """What is said where predictions know nothing."""
    what = "the shares of its classes" if is_labels else "its mean"
    return f"out-of-sample predictions know no more of y than {what}"


@dataclass
class Knowledge:
    """What out-of-sample predictions know of the targets.

    Attributes
    ----------
    p_value : float
        Of predictions that would know no more than the shares of the classes, or the mean.
    unknown_classes : ndarray of int
        Classes of which they know no more than the share, as codes; none for numbers.
    """

    p_value: float
    unknown_classes: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))

    @property
    def is_none(self):
        return self.p_value > LEVEL


def knowledge(predicted, target, weight=None):
    """`Knowledge` of out-of-sample predictions, (n, K) or (n,), of a target; NaN is not judged.

    Rows of zero weight do not count.
    """
    counted = slice(None) if weight is None or (weight > 0).all() else weight > 0
    predicted = predicted[counted]
    if not target.is_labels:
        return Knowledge(chance_of_numbers(predicted, target.y[counted].astype(float)))
    codes = target.codes[counted]
    p_value, of_classes = chances_of_labels(predicted, codes)
    return Knowledge(p_value, np.flatnonzero(of_classes > CLASS_LEVEL))


def chance_of_labels(label_proba, codes):
    """P-value of class probabilities that would know no more of the labels than their shares.

    Predictions that know nothing fit the labels no better when these change places. The statistic
    is the mean probability of the given label; over all orders of the labels its mean and its
    variance have closed forms, and with many rows it is normal. The variance counts twice: what is
    said of a row comes from the labels of the others, so that what two rows have in common counts
    in both of them.

    Parameters
    ----------
    label_proba : ndarray of shape (n, K)
        Out-of-sample class probabilities; a row with NaN was not judged.
    codes : ndarray of shape (n,) of int
        Given labels.

    Returns
    -------
    float
        One-sided p-value; 1 where nothing can be told (no judged rows, one class, equal rows).

    References
    ----------
    A. Wald, J. Wolfowitz: "Statistical tests based on permutations of the observations", The
    Annals of Mathematical Statistics, 1944 (the normal limit).
    """
    return chances_of_labels(label_proba, codes)[0]


def chances_of_labels(label_proba, codes):
    """The same of all classes, and of each of them against the others: (float, ndarray (K,))."""
    judged = is_judged(label_proba)
    n, n_classes = int(judged.sum()), label_proba.shape[1]
    if n < 2:
        return 1.0, np.ones(n_classes)
    if n < len(judged):
        label_proba, codes = label_proba[judged], codes[judged]
    size = np.bincount(codes, minlength=n_classes)
    share = size / n
    mean = np.zeros(n_classes)
    for rows in blocks(label_proba):
        part = label_proba[rows]
        mean += np.ones(len(part)) @ part / n
    # What an exchange can change is the excess over the column's mean, less, in each row, its mean
    # with the shares as weights.
    square, rows_square, total, own = np.zeros(n_classes), 0.0, 0.0, np.zeros(n_classes)
    for rows in blocks(label_proba):
        part, block = codes[rows], label_proba[rows] - mean
        given, level = proba_of_given(block, part), block @ share
        square += np.einsum("ij,ij->j", block, block)
        rows_square += level @ level
        total += given.sum() - level.sum()
        own += np.bincount(part, weights=given, minlength=n_classes)
    variance = (share @ square - rows_square) * n / (n - 1)
    # of two columns, one class and all others, the same in closed form
    variances = 4 * share * (1 - share) * square * n / (n - 1)
    return float(_upper(total, variance, n)), _upper(2 * own, variances, n)


def chance_of_numbers(predicted, y):
    """P-value of predictions that would know no more of the numbers than their mean.

    As `chance_of_labels`, with the correlation of the ranks, which one wild number cannot rule.

    Parameters
    ----------
    predicted : ndarray of shape (n,)
        Out-of-sample predictions; NaN was not judged.
    y : ndarray of shape (n,)
        Given numbers.

    Returns
    -------
    float
        One-sided p-value; 1 where nothing can be told.
    """
    judged = ~np.isnan(predicted)
    n = int(judged.sum())
    if n < 2:
        return 1.0
    a, b = (rankdata(values[judged]) for values in (predicted, y))
    a, b = a - a.mean(), b - b.mean()
    return float(_upper(a @ b, (a @ a) * (b @ b) / (n - 1), n))


def _upper(total, variance, n):
    """Of a number or of each of an array: the chance of no less; 1 where nothing varies."""
    told = variance > 1e-20 * n
    ratio = total / np.sqrt(2.0 * np.where(told, variance, 1.0))  # twice, see `chance_of_labels`
    return np.where(told, norm.sf(ratio), 1.0)
