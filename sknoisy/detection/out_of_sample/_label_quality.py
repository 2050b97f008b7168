"""Confident learning as functions of arrays: how doubtful each label is, which rows to flag.

No model is fitted here; any framework's probabilities will do, as long as no row was seen by the
model that judged it. In all functions i is the given label, j the true one, and a row whose
probabilities hold NaN was not judged: it counts nowhere.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from sknoisy._typing import ArrayLike, BoolArray, FloatArray
from sknoisy.noise_model._confident_joint import (
    TOLERANCE,
    check_joint,
    check_proba,
    confident_class,
    confident_joint,
    judged_rows,
    mean_confidence,
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
    noise = np.full(len(codes), np.nan)
    noise[judged] = label_noise(*judged_rows(label_proba, codes, judged), score)
    return noise


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

    suspects = np.zeros(len(codes), dtype=bool)
    counts = None
    label_proba, codes = judged_rows(label_proba, codes, judged)
    if filter_by in PRUNE_FILTERS:
        joint = confident_joint(label_proba, codes) if joint is None else joint
        counts = prune_counts(joint, int(min_examples_per_class), frac_noise)
    least = max(int(min_examples_per_class), 1)
    suspects[judged] = suspects_of(label_proba, codes, filter_by, score, counts, least)
    return suspects


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
    found, n_classes = np.zeros(len(codes), dtype=bool), len(counts)
    # No margin of a row is less than that over all others together. Rows of which this one is large
    # are looked at only if the others do not suffice.
    least = proba_of_given(label_proba, codes)
    least *= 2
    least -= label_proba @ np.ones(n_classes, dtype=label_proba.dtype)
    near = least < 2 * FAR
    for i, rows in enumerate(members):
        wanted = {j: counts[i, j] for j in np.flatnonzero(counts[i]) if j != i}
        for part, limit in ((rows[near[rows]], FAR), (rows, np.inf)):
            proba = np.ascontiguousarray(label_proba[part].T) if wanted else None
            for j in list(wanted):
                worst = _lowest(proba[i] - proba[j], wanted[j], limit)
                if worst is not None:
                    found[part[worst]] = True
                    del wanted[j]
    return found


def _most_suspect(quality, count):
    """Rows of the `count` lowest values, in any order."""
    return np.empty(0, dtype=int) if count <= 0 else _lowest(quality, count, np.inf)


def _lowest(quality, count, limit):
    """Rows of the `count` lowest values, in any order; None if rows above `limit` may be of them.

    Without a limit there always are some.
    """
    few = quality[quality < limit]
    if 0 < count < len(few) or (count == len(few) and limit < np.inf):
        lowest = quality <= np.partition(few, count - 1)[count - 1]
        if np.count_nonzero(lowest) == count:
            return np.flatnonzero(lowest)
    # Several have the value at the cut, as those of small forests often do. numpy's default sort,
    # not the stable one: only so are the same rows taken as by cleanlab.
    return np.argsort(quality)[:count] if limit == np.inf else None


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
