"""Confident learning as functions of arrays: out-of-sample probabilities and given labels.

C. Northcutt, L. Jiang, I. Chuang: "Confident learning: estimating uncertainty in dataset labels",
Journal of Artificial Intelligence Research, 2021.

No model is fitted here; any framework's probabilities will do, as long as no row was seen by the
model that judged it. In all functions i is the given label, j the true one, and a row whose
probabilities hold NaN was not judged: it counts nowhere.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "class_thresholds",
    "confident_joint",
    "find_suspects",
    "joint_posterior",
    "label_quality",
]

FILTERS = (
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "highest_score",
)
SCORES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")

# cleanlab's slack in comparing probabilities: a row at the threshold is above it, and a given label
# that ties for the largest probability is the predicted one
TOLERANCE = 1e-6


def class_thresholds(label_proba, codes):
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
    >>> from sknoisy.detection import class_thresholds
    >>> class_thresholds([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]], [0, 0, 1])
    array([0.8, 0.6])
    """
    return _thresholds(*_judged(*_check(label_proba, codes)))


def confident_joint(label_proba, codes, *, thresholds=None, calibrate=True):
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
    >>> from sknoisy.detection import confident_joint
    >>> proba = np.array([[0.9, 0.1]] * 4 + [[0.2, 0.8]] * 4)
    >>> confident_joint(proba, [0, 0, 0, 1, 1, 1, 1, 1])  # row 3 looks like class 0
    array([[3, 0],
           [1, 4]])
    """
    label_proba, codes = _judged(*_check(label_proba, codes))
    if thresholds is None:
        thresholds = _thresholds(label_proba, codes)
    else:
        thresholds = np.asarray(thresholds, dtype=float)
        n_classes = label_proba.shape[1]
        if thresholds.shape != (n_classes,) or np.isnan(thresholds).any():
            raise ValueError(
                f"thresholds must be one number per class ({n_classes}), got {thresholds!r}."
            )
    return _joint(_confident_class(label_proba, thresholds), codes, label_proba.shape[1], calibrate)


def label_quality(label_proba, codes, score="self_confidence"):
    """Score how doubtful each given label is; higher is more suspect.

    Parameters
    ----------
    label_proba : array-like of shape (n, K)
        Out-of-sample class probabilities. A row with NaN was not judged.
    codes : array-like of shape (n,) of int
        Given labels as numbers 0..K-1.
    score : {"self_confidence", "normalized_margin", "confidence_weighted_entropy"}, \
            default="self_confidence"
        With p the probability of the given label, q the largest of another one and H the entropy
        of the row over its maximum log(K):

        - "self_confidence": 1 - p. Also high for odd rows that fit no class.
        - "normalized_margin": (1 - p + q) / 2. High where one other class is clearly better.
        - "confidence_weighted_entropy": 1 - log(1 + H / p) / (H / p).

    Returns
    -------
    ndarray of shape (n,)
        Noise score in [0, 1], one minus cleanlab's label quality score (but for entropies and
        probabilities of the given label below 1e-6, which cleanlab clips); NaN for rows that were
        not judged.

    Examples
    --------
    >>> from sknoisy.detection import label_quality
    >>> label_quality([[0.75, 0.25], [0.125, 0.875]], [0, 0])
    array([0.25 , 0.875])
    >>> label_quality([[0.75, 0.25], [0.125, 0.875]], [0, 0], score="normalized_margin")
    array([0.25 , 0.875])
    """
    label_proba, codes, judged = _check(label_proba, codes)
    _check_choice("score", score, SCORES)
    noise = np.full(len(codes), np.nan)
    quality = _quality(*_judged(label_proba, codes, judged), score)
    noise[judged] = np.clip(1.0 - quality, 0.0, 1.0)
    return noise


def find_suspects(
    label_proba,
    codes,
    *,
    filter_by="prune_by_noise_rate",
    score="self_confidence",
    min_examples_per_class=1,
    frac_noise=1.0,
    joint=None,
):
    """Flag the rows whose given label is probably wrong.

    With the same probabilities these are the rows that cleanlab 2.9's `find_label_issues` flags.

    Parameters
    ----------
    label_proba : array-like of shape (n, K)
        Out-of-sample class probabilities. A row with NaN was not judged and is never flagged.
    codes : array-like of shape (n,) of int
        Given labels as numbers 0..K-1.
    filter_by : {"prune_by_noise_rate", "prune_by_class", "both", "confident_learning", \
            "predicted_neq_given", "highest_score"}, default="prune_by_noise_rate"
        - "prune_by_noise_rate": for each pair of classes i and j, as many rows given i as the joint
          has at (i, j), those of largest margin P(j | x) - P(i | x).
        - "prune_by_class": for each class, as many rows as the joint has off the diagonal, those
          of highest `score`.
        - "both": rows that the two above agree on.
        - "confident_learning": rows counted off the diagonal of the confident joint.
        - "predicted_neq_given": rows whose most probable class is not the given one.
        - "highest_score": as many rows as "confident_learning" flags, those of highest `score`,
          whatever their class (cleanlab's "low_self_confidence" and "low_normalized_margin").

        All but the last keep the rows whose given label is the most probable one.
    score : {"self_confidence", "normalized_margin", "confidence_weighted_entropy"}, \
            default="self_confidence"
        Ranking of rows in "prune_by_class" (hence in "both") and "highest_score"; see
        `label_quality`. The other filters have no use for it.
    min_examples_per_class : int, default=1
        Number of rows that the prune filters count as right in each class, whatever the joint
        says. In a class of no more than this many rows, or of one row, they flag nothing.
    frac_noise : float in [0, 1], default=1.0
        Share of the joint's errors that the prune filters flag.
    joint : array-like of shape (K, K), default=None
        Counts for the prune filters, as `confident_joint` returns them; None: estimated here. The
        other filters judge row by row and have no use for it.

    Returns
    -------
    ndarray of shape (n,) of bool
        True for suspect rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.detection import find_suspects
    >>> proba = np.array([[0.9, 0.1]] * 4 + [[0.2, 0.8]] * 4)
    >>> np.flatnonzero(find_suspects(proba, [0, 0, 0, 1, 1, 1, 1, 1]))
    array([3])
    """
    label_proba, codes, judged = _check(label_proba, codes)
    _check_choice("filter_by", filter_by, FILTERS)
    _check_choice("score", score, SCORES)
    if not 0 <= frac_noise <= 1:
        raise ValueError(f"frac_noise must be in [0, 1], got {frac_noise!r}.")
    if min_examples_per_class < 0 or min_examples_per_class != int(min_examples_per_class):
        raise ValueError(
            f"min_examples_per_class must be an integer >= 0, got {min_examples_per_class!r}."
        )
    if joint is not None:
        joint = _check_joint(joint, label_proba.shape[1])

    suspects = np.zeros(len(codes), dtype=bool)
    label_proba, codes = _judged(label_proba, codes, judged)
    if filter_by in ("prune_by_noise_rate", "prune_by_class", "both"):
        if joint is None:
            joint = confident_joint(label_proba, codes)
        counts = _prune_counts(joint, int(min_examples_per_class), frac_noise)
        members = _members(codes, len(joint), max(int(min_examples_per_class), 1))
        found = np.ones(len(codes), dtype=bool)
        if filter_by != "prune_by_noise_rate":
            found &= _prune_by_class(_quality(label_proba, codes, score), counts, members)
        if filter_by != "prune_by_class":
            found &= _prune_by_noise_rate(label_proba, counts, members)
        found = _unlike_given(found, label_proba, codes)
    elif filter_by == "predicted_neq_given":
        found = _unlike_given(np.ones(len(codes), dtype=bool), label_proba, codes)
    else:
        guess = _confident_class(label_proba, _thresholds(label_proba, codes))
        found = _unlike_given((guess >= 0) & (guess != codes), label_proba, codes)
        if filter_by == "highest_score":
            worst = _most_suspect(_quality(label_proba, codes, score), found.sum())
            found = np.zeros(len(codes), dtype=bool)
            found[worst] = True
    suspects[judged] = found
    return suspects


def joint_posterior(label_proba, codes, joint, *, max_iter=10):
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

    >>> from sknoisy.detection import joint_posterior
    >>> joint_posterior([[0.8, 0.2], [0.8, 0.2]], [0, 1], [[8, 2], [2, 8]]).round(2)
    array([[0.99, 0.01],
           [0.83, 0.17]])
    """
    label_proba, codes, judged = _check(label_proba, codes)
    if max_iter < 1 or max_iter != int(max_iter):
        raise ValueError(f"max_iter must be an integer >= 1, got {max_iter!r}.")
    joint = _check_joint(joint, label_proba.shape[1])
    if not joint.sum() > 0:
        raise ValueError("joint has no counts: all its entries are zero.")
    given_of_true = _divide(joint, joint.sum(axis=0))
    frequency = joint.sum(axis=0) / joint.sum()

    posterior = np.full(label_proba.shape, np.nan)
    label_proba, codes = _judged(label_proba, codes, judged)
    true = np.tile(frequency, (len(codes), 1))
    for _ in range(int(max_iter)):
        explained = true @ given_of_true.T
        true *= _divide(label_proba, explained) @ given_of_true
    true *= given_of_true[codes]
    total = true.sum(axis=1, keepdims=True)
    true = _divide(true, total)
    unexplained = np.flatnonzero(total[:, 0] == 0)
    true[unexplained, codes[unexplained]] = 1.0
    posterior[judged] = true
    return posterior


# ---------------------------------------------------------------------- the paper, step by step


def _thresholds(label_proba, codes):
    n_classes = label_proba.shape[1]
    members = np.bincount(codes, minlength=n_classes)
    confidence = np.bincount(codes, weights=_of_given(label_proba, codes), minlength=n_classes)
    thresholds = np.full(n_classes, np.inf)
    np.divide(confidence, members, out=thresholds, where=members > 0)
    return np.maximum(thresholds, 2 * TOLERANCE)


def _confident_class(label_proba, thresholds):
    """The class each row is confidently of, -1 for none."""
    above = label_proba >= thresholds - TOLERANCE
    n_above = np.count_nonzero(above, axis=1)
    # A quirk of cleanlab, kept because it decides which rows are flagged: of several classes above
    # their thresholds the paper takes the most probable; cleanlab takes the most probable of all
    # classes, be it above its own threshold or not. With rare classes, whose thresholds are low,
    # that is the safer choice too: a row is not counted into one of two unlikely classes.
    guess = np.where(n_above > 1, label_proba.argmax(axis=1), above.argmax(axis=1))
    guess[n_above == 0] = -1
    return guess


def _joint(guess, codes, n_classes, calibrate):
    sure = guess >= 0
    # counted as (true, given) and turned: the order in memory is that of the sum below
    cells = guess[sure] * n_classes + codes[sure]
    joint = np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes).T
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    if not calibrate:
        return joint
    counts = scaled_joint(joint, codes)
    if len(codes):
        # The sum is n already, up to rounding: this moves only the last bit, but that decides how
        # halves are rounded below, and so which row of a small class is flagged. As in cleanlab.
        counts = counts / counts.sum() * len(codes)
    return np.array([_round_keeping_sum(row) for row in counts])


def scaled_joint(joint, codes):
    """Counts, not rounded, of which row i sums to the number of `codes` that are i."""
    return (joint.T / joint.sum(axis=1) * np.bincount(codes, minlength=len(joint))).T


def _round_keeping_sum(values):
    """Round to whole numbers of the same total, against the largest rounding errors."""
    rounded = values.round()
    missing = int(values.sum().round() - rounded.sum())
    order = np.argsort(values - rounded)
    if missing > 0:
        rounded[order[::-1][:missing]] += 1
    else:
        rounded[order[:-missing]] -= 1
    return rounded.astype(int)


def _prune_counts(joint, min_examples, frac_noise):
    """How many rows given i to flag as j; on the diagonal, how many rows of i to keep."""
    right = np.diagonal(joint)
    kept = np.maximum(right, min_examples)
    # what the diagonal gains, the errors of its row lose in equal parts
    n_errors = np.maximum(np.count_nonzero(joint, axis=1) - 1, 1)
    errors = np.maximum(joint - ((kept - right) / n_errors)[:, None], 0)
    np.fill_diagonal(errors, 0)
    flagged = errors * frac_noise
    np.fill_diagonal(flagged, kept + (errors - flagged).sum(axis=1))
    return flagged.astype(int)


def _members(codes, n_classes, min_examples):
    """Rows of each class, in order; none of a class too small to be pruned."""
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=n_classes))
    members = np.split(order, ends[:-1])
    return [rows if len(rows) > min_examples else rows[:0] for rows in members]


def _prune_by_class(quality, counts, members):
    found = np.zeros(len(quality), dtype=bool)
    for i, rows in enumerate(members):
        found[rows[_most_suspect(quality[rows], len(rows) - counts[i, i])]] = True
    return found


def _prune_by_noise_rate(label_proba, counts, members):
    found = np.zeros(len(label_proba), dtype=bool)
    for i, rows in enumerate(members):
        proba = label_proba[rows]
        for j in np.flatnonzero(counts[i]):
            if j != i:
                margin = proba[:, j] - proba[:, i]
                found[rows[_most_suspect(-margin, counts[i, j])]] = True
    return found


def _most_suspect(quality, count):
    # numpy's default sort, not the stable one: only so are the same rows taken as by cleanlab where
    # several have the value at the cut, as those of small forests often do
    return np.argsort(quality)[: max(count, 0)]


def _unlike_given(found, label_proba, codes):
    """Of the rows found, those whose given label is not the most probable one."""
    rows = np.flatnonzero(found)
    proba = label_proba[rows]
    proba[np.arange(len(rows)), codes[rows]] += TOLERANCE
    unlike = np.zeros(len(found), dtype=bool)
    unlike[rows] = proba.argmax(axis=1) != codes[rows]
    return unlike


def _of_given(label_proba, codes):
    return label_proba[np.arange(len(codes)), codes]


def _quality(label_proba, codes, score):
    """How well the given label fits, in [0, 1]: the reverse of `label_quality`."""
    given = _of_given(label_proba, codes)
    if score == "self_confidence":
        return given
    if score == "normalized_margin":
        others = label_proba.copy()
        others[np.arange(len(codes)), codes] = 0
        return (given - others.max(axis=1) + 1) / 2
    log_proba = np.log(label_proba, out=np.zeros_like(label_proba), where=label_proba > 0)
    entropy = -(label_proba * log_proba).sum(axis=1) / np.log(max(label_proba.shape[1], 2))
    # The ratio and its quality have limits where cleanlab clips at 1e-6, which there turns the
    # order round: it calls a sure and right row (entropy 0) the worst of all, and one whose given
    # label is all but impossible nearly clean. No filter of cleanlab's ranks by this score.
    weighted = np.full(len(codes), np.inf)
    np.divide(entropy, given, out=weighted, where=given > 0)
    quality = np.ones(len(codes))
    np.divide(np.log1p(weighted), weighted, out=quality, where=(weighted > 0) & (given > 0))
    quality[given <= 0] = 0.0
    return quality


def _divide(counts, totals):
    """Quotient, zero where the total is."""
    shape = np.broadcast_shapes(np.shape(counts), np.shape(totals))
    return np.divide(counts, totals, out=np.zeros(shape), where=totals > 0)


# ---------------------------------------------------------------------- checks


def _check(label_proba, codes):
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
    judged = ~np.isnan(label_proba).any(axis=1)
    # a NaN compares false, so that rows that were not judged pass
    odd = np.flatnonzero(((label_proba < -TOLERANCE) | (label_proba > 1 + TOLERANCE)).any(axis=1))
    if len(odd):
        raise ValueError(
            f"label_proba must be probabilities in [0, 1]; row {odd[0]} is {label_proba[odd[0]]}."
        )
    return label_proba, codes.astype(np.intp, copy=False), judged


def _judged(label_proba, codes, judged):
    """The rows that were judged; no copy when all were."""
    if judged.all():
        return label_proba, codes
    return label_proba[judged], codes[judged]


def _check_joint(joint, n_classes):
    joint = np.asarray(joint)
    if joint.shape != (n_classes, n_classes):
        raise ValueError(
            f"joint must have one row and one column per class ({n_classes}), got shape "
            f"{joint.shape}."
        )
    if joint.dtype.kind not in "iuf" or not np.isfinite(joint).all() or (joint < 0).any():
        raise ValueError("joint must hold counts or probabilities: finite, not negative.")
    return joint


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}.")
