"""How many labels are wrong, by what is left of the others where a model is surest."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from sknoisy._typing import ArrayLike, FloatArray
from sknoisy.noise_model._confident_joint import TOLERANCE, check_proba, judged_rows

SUREST, HALF = 0.25, 0.5  # shares of the rows predicted as a class
MIN_SURE = 10  # rows at least, where there are so many
STRAY = 0.01  # of the surest rows may disagree where no label is wrong
LEVEL = 0.05  # of the tests, against knowing nothing and against no noise


def plateau_joint(label_proba: ArrayLike, codes: ArrayLike) -> FloatArray:
    """Expected number of rows of each given and each true label, by the plateau of agreement.

    Overlap of classes and wrong labels look alike but for one thing: among the rows of which
    out-of-sample predictions are surest, overlap dies out, and wrong labels stay. So the rows
    predicted as class j are ordered by how sure that is. When the others are no fewer in the surest
    quarter than in the surest half, by more than a standard error, they have reached their plateau,
    and their shares in the half stand for all rows predicted as j. Else they still fall, and those
    of the quarter are taken less what they fell. The shares bound the noise from above: where no
    row is sure, overlap is left in them.

    Nothing is counted for a class j of which predictions know no more than its share in the given
    labels (binomial test, 5 %), and nothing at all when what the surest rows disagree on is no more
    than 1 % of them, allowing for chance (binomial test, 5 %).

    Parameters
    ----------
    label_proba : array-like of shape (n, K)
        Out-of-sample class probabilities. A row with NaN was not judged.
    codes : array-like of shape (n,) of int
        Given labels as numbers 0..K-1.

    Returns
    -------
    ndarray of shape (K, K)
        Entry (i, j), i unlike j: expected number of rows given i that stand for j, not rounded and
        in all at most half of the rows given i. Row i sums to the judged rows given i.

    References
    ----------
    V. Menon, B. van Rooyen, C. S. Ong, R. Williamson: "Learning from corrupted binary labels via
    class-probability estimation", ICML 2015 (the extremes of the class probability give the rates
    of the noise).

    G. Patrini, A. Rozza, A. K. Menon, R. Nock, L. Qu: "Making deep neural networks robust to label
    noise: a loss correction approach", CVPR 2017 (anchor points; here many rows of which a model is
    sure, and the labels given to them rather than their probabilities).

    Examples
    --------
    One row in ten has the other label, however sure the predictions are:

    >>> import numpy as np
    >>> from sknoisy.noise_model import plateau_joint
    >>> sure = np.tile(np.linspace(0.6, 0.99, 100), 2)
    >>> true = np.repeat([0, 1], 100)
    >>> proba = np.where(true == 1, sure, 1 - sure)
    >>> given = np.where(np.arange(200) % 10 == 0, 1 - true, true)
    >>> plateau_joint(np.c_[1 - proba, proba], given).round()
    array([[90., 10.],
           [10., 90.]])
    """
    label_proba, codes = judged_rows(*check_proba(label_proba, codes))
    n_classes = label_proba.shape[1]
    n_given = np.bincount(codes, minlength=n_classes)
    sure = label_proba.max(axis=1)
    # a row whose likeliest classes tie is each of them in part, lest their names decide
    best = label_proba >= sure[:, None] - TOLERANCE
    part = 1.0 / np.count_nonzero(best, axis=1)
    wrong = np.zeros((n_classes, n_classes))
    n_sure = n_against = 0
    for j in np.flatnonzero(best.any(axis=0)):
        rows = np.flatnonzero(best[:, j])
        n_rows, agree = part[rows].sum(), part[rows[codes[rows] == j]].sum()
        if binom.sf(round(agree) - 1, round(n_rows), n_given[j] / len(codes)) > LEVEL:
            continue
        rows = rows[np.argsort(-sure[rows], kind="stable")]
        limit, n_quarter, n_other = _plateau(codes, sure, part, rows, j, n_classes)
        limit[j] = 0.0
        # a row that stands for j is predicted as j, or nobody could tell that it does
        wrong[:, j] = np.minimum(limit * n_rows, np.bincount(codes[rows], part[rows], n_classes))
        n_sure += n_quarter
        n_against += n_other
    if n_sure == 0 or binom.sf(n_against - 1, n_sure, STRAY) > LEVEL:
        return np.diag(n_given.astype(float))
    total = wrong.sum(axis=1)
    scale = np.divide(n_given / 2, total, out=np.ones(n_classes), where=total > n_given / 2)
    wrong *= scale[:, None]
    return wrong + np.diag(n_given - wrong.sum(axis=1))


def _plateau(codes, sure, part, rows, j, n_classes):
    """Shares of the given labels where the other labels no longer fall, of `rows` predicted as j.

    `part` is how much of each row counts.

    The rows are sorted, the surest first. Also: how many are the surest, and how many of these are
    not given j.
    """
    n_quarter, n_half = (_at_least(share, sure[rows]) for share in (SUREST, HALF))
    quarter, half = (
        np.bincount(codes[rows[:m]], part[rows[:m]], n_classes) / part[rows[:m]].sum()
        for m in (n_quarter, n_half)
    )
    other = 1.0 - half[j]
    fall = quarter[j] - half[j]
    # standard error of that: it is half the difference between the quarter and the next one
    chance = np.sqrt(max(other * (1.0 - other), 1.0 / n_half) / (2.0 * n_quarter))
    limit = half if fall <= chance else np.maximum(quarter - np.maximum(half - quarter, 0.0), 0.0)
    return limit.copy(), n_quarter, round((1.0 - quarter[j]) * n_quarter)


def _at_least(share, sure):
    """How many rows are that share, or 10; rows as sure as the last one are with it."""
    m = min(max(int(np.ceil(share * len(sure))), MIN_SURE), len(sure))
    return int((sure >= sure[m - 1] - 1e-12).sum())
