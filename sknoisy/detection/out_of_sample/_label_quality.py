"""Confident learning as functions of arrays: how doubtful each label is, which rows to flag.

No model is fitted here; any framework's probabilities will do, as long as no row was seen by the
model that judged it. In all functions i is the given label, j the true one, and a row whose
probabilities hold NaN was not judged: it counts nowhere.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from sknoisy._evidence._responses import blocks
from sknoisy._typing import ArrayLike, BoolArray, FloatArray
from sknoisy.noise_model._confident_joint import (
    TOLERANCE,
    check_joint,
    check_proba,
    confident_class,
    confident_joint,
    judged_rows,
    mean_confidence,
    of_all_rows,
    proba_of_given,
)

PRUNE_FILTERS = ("prune_by_noise_rate", "prune_by_class", "both")
FILTERS = (
    *PRUNE_FILTERS,
    "confident_learning",
    "predicted_neq_given",
    "highest_score",
)
FAR = 0.25  # a margin that is seldom among the lowest
AT_ONCE = 2**18  # margins
SCORES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")


def label_quality(
    label_proba: ArrayLike,
    codes: ArrayLike,
    score: Literal[
        "self_confidence", "normalized_margin", "confidence_weighted_entropy"
    ] = "self_confidence",
) -> FloatArray:
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
    label_proba, codes, judged = check_proba(label_proba, codes)
    _check_choice("score", score, SCORES)
    noise = label_noise(*judged_rows(label_proba, codes, judged), score)
    return of_all_rows(noise, judged, np.nan)


def find_suspects(
    label_proba: ArrayLike,
    codes: ArrayLike,
    *,
    filter_by: Literal[
        "prune_by_noise_rate",
        "prune_by_class",
        "both",
        "confident_learning",
        "predicted_neq_given",
        "highest_score",
    ] = "prune_by_noise_rate",
    score: Literal[
        "self_confidence", "normalized_margin", "confidence_weighted_entropy"
    ] = "self_confidence",
    min_examples_per_class: int = 1,
    frac_noise: float = 1.0,
    joint: ArrayLike | None = None,
) -> BoolArray:
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
    label_proba, codes, judged = check_proba(label_proba, codes)
    _check_choice("filter_by", filter_by, FILTERS)
    _check_choice("score", score, SCORES)
    if not 0 <= frac_noise <= 1:
        raise ValueError(f"frac_noise must be in [0, 1], got {frac_noise!r}.")
    if min_examples_per_class < 0 or min_examples_per_class != int(min_examples_per_class):
        raise ValueError(
            f"min_examples_per_class must be an integer >= 0, got {min_examples_per_class!r}."
        )
    if joint is not None:
        joint = check_joint(joint, label_proba.shape[1])

    counts = None
    label_proba, codes = judged_rows(label_proba, codes, judged)
    if filter_by in PRUNE_FILTERS:
        joint = confident_joint(label_proba, codes) if joint is None else joint
        counts = prune_counts(joint, int(min_examples_per_class), frac_noise)
    least = max(int(min_examples_per_class), 1)
    suspects = suspects_of(label_proba, codes, filter_by, score, counts, least)
    return of_all_rows(suspects, judged, False)


def suspects_of(label_proba, codes, filter_by, score, counts=None, min_examples=1):
    """`find_suspects`, of rows that were all judged; the prune filters need `counts`."""
    found = np.ones(len(codes), dtype=bool)
    if counts is not None:
        members = _members(codes, len(counts), min_examples)
        if filter_by != "prune_by_noise_rate":
            found &= _prune_by_class(_quality(label_proba, codes, score), counts, members)
        if filter_by != "prune_by_class":
            found &= _prune_by_noise_rate(label_proba, codes, counts, members)
    elif filter_by != "predicted_neq_given":
        guess = confident_class(label_proba, mean_confidence(label_proba, codes))
        found = (guess >= 0) & (guess != codes)
    found = unlike_given(found, label_proba, codes)
    if filter_by == "highest_score":
        worst = _most_suspect(_quality(label_proba, codes, score), found.sum())
        found = np.zeros(len(codes), dtype=bool)
        found[worst] = True
    return found


def prune_counts(joint, min_examples=1, frac_noise=1.0):
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
    # the smaller the type, the faster the sort
    order = np.argsort(codes.astype(np.min_scalar_type(n_classes)), kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=n_classes))
    members = np.split(order, ends[:-1])
    return [rows if len(rows) > min_examples else rows[:0] for rows in members]


def _prune_by_class(quality, counts, members):
    found = np.zeros(len(quality), dtype=bool)
    for i, rows in enumerate(members):
        found[rows[_most_suspect(quality[rows], len(rows) - counts[i, i])]] = True
    return found


def _prune_by_noise_rate(label_proba, codes, counts, members):
    found = np.zeros(len(codes), dtype=bool)
    behind, near = _behind_and_near(label_proba, codes)
    for i, rows in enumerate(members):
        wanted = np.flatnonzero(counts[i])
        wanted = wanted[wanted != i]
        # the few rows of small margins first: they mostly suffice
        for part, limit in ((rows[behind[rows]], 0.0), (rows[near[rows]], FAR), (rows, np.inf)):
            known = np.zeros(len(wanted), dtype=bool)
            for some in _slices(len(wanted), len(part)):
                margins = _margins(label_proba, part, i, wanted[some])
                lowest, known[some] = _lowest(margins, counts[i, wanted[some]], limit)
                found[part[lowest[known[some]].any(axis=0)]] = True
            wanted = wanted[~known]
            if not len(wanted):
                break
    return found


def _behind_and_near(label_proba, codes):
    """(n,) whether a class is likelier than the given one; whether one may be near, by FAR."""
    behind, near = np.zeros((2, len(codes)), dtype=bool)
    ones = np.ones(label_proba.shape[1], dtype=label_proba.dtype)
    for rows in blocks(label_proba):
        proba = label_proba[rows]
        given = proba_of_given(proba, codes[rows])
        least = 2 * given - proba @ ones  # the margin over all others together is no larger
        near[rows] = least < 2 * FAR
        perhaps = np.flatnonzero(least < FAR)
        behind[rows][perhaps] = given[perhaps] < proba[perhaps].max(axis=1)
    return behind, near


def _slices(n_classes, n_rows):
    """Of very many rows, a few classes at a time; nothing where there are no rows."""
    step = max(1, AT_ONCE // max(1, n_rows))
    return [slice(k, k + step) for k in range(0, n_classes if n_rows else 0, step)]


def _margins(label_proba, rows, given, others):
    """(classes, rows) of the given class over others."""
    proba = label_proba[rows]
    others = proba.T[others]  # a copy
    return np.subtract(proba[:, given], others, out=others)


def _most_suspect(quality, count):
    """Rows of the `count` lowest values, in any order."""
    if count <= 0 or not len(quality):
        return np.empty(0, dtype=int)
    return np.flatnonzero(_lowest(quality[None], np.array([count]), np.inf)[0])


def _lowest(values, counts, limit):
    """Which are the `counts` (w,) lowest of each row of values (w, m), and whether it is known.

    It is not where one of them is not below `limit`, as then others may be lower, nor where several
    have the value at the cut; without a limit it always is.
    """
    n = values.shape[1]
    top = min(counts.max(), n)
    first = np.sort(np.partition(values, top - 1, axis=1)[:, :top], axis=1)
    cut = first[np.arange(len(values)), np.minimum(counts, top) - 1]
    lowest = values <= cut[:, None]
    n_lowest = np.count_nonzero(lowest, axis=1)
    if limit < np.inf:
        return lowest, (cut < limit) & (n_lowest == counts)
    for k in np.flatnonzero(n_lowest > counts):
        # Several have the value at the cut, as those of small forests often do. numpy's default
        # sort, not the stable one: only so are the same rows taken as by cleanlab.
        lowest[k] = False
        lowest[k, np.argsort(values[k])[: counts[k]]] = True
    return lowest, np.ones(len(values), dtype=bool)


def unlike_given(found, label_proba, codes):
    """Of the rows found, those whose given label is not the most probable one."""
    rows = np.flatnonzero(found)
    proba = label_proba[rows]
    proba[np.arange(len(rows)), codes[rows]] += TOLERANCE
    unlike = np.zeros(len(found), dtype=bool)
    unlike[rows] = proba.argmax(axis=1) != codes[rows]
    return unlike


def label_noise(label_proba, codes, score):
    """`label_quality`, of rows that were all judged."""
    quality = _quality(label_proba, codes, score)
    noise = np.subtract(1.0, quality, out=quality)
    return np.clip(noise, 0.0, 1.0, out=noise)


def _quality(label_proba, codes, score):
    """How well the given label fits, in [0, 1]: the reverse of `label_quality`."""
    given = proba_of_given(label_proba, codes)
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


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}.")
