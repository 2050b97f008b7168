"""Whether out-of-sample predictions know anything of the targets."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.stats import norm, rankdata

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
    counted = np.ones(len(predicted), dtype=bool) if weight is None else weight > 0
    predicted = predicted[counted]
    if not target.is_labels:
        return Knowledge(chance_of_numbers(predicted, target.y[counted].astype(float)))
    codes = target.codes[counted]
    p_value = chance_of_labels(predicted, codes)
    unknown = [
        k
        for k in range(predicted.shape[1])
        if chance_of_labels(
            np.column_stack([1.0 - predicted[:, k], predicted[:, k]]), (codes == k).astype(int)
        )
        > CLASS_LEVEL
    ]
    return Knowledge(p_value, np.array(unknown, dtype=int))


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
    judged = ~np.isnan(label_proba).any(axis=1)
    proba, codes = label_proba[judged], codes[judged]
    n = len(codes)
    if n < 2:
        return 1.0
    share = np.bincount(codes, minlength=proba.shape[1]) / n
    # centred by column, then by row with the shares as weights: what an exchange can change
    excess = proba - proba.mean(axis=0)
    excess = excess - (excess @ share)[:, None]
    variance = n * n / (n - 1) * np.mean(excess**2 @ share)
    return _upper(excess[np.arange(n), codes].sum(), variance, n)


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
    return _upper(a @ b, (a @ a) * (b @ b) / (n - 1), n)


def _upper(total, variance, n):
    if not variance > 1e-20 * n:
        return 1.0
    return float(norm.sf(total / np.sqrt(2.0 * variance)))  # twice, see `chance_of_labels`
