"""Drawing rows, each with its own probability."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from scipy.special import softmax
from sklearn.utils import check_random_state

from sknoisy._evidence import take_rows
from sknoisy._evidence._responses import LabelResponse

SMALLEST_SCORE = 1e-12  # of the largest; sums of less would be rounding


def n_to_select(n_select, n):
    """How many of n rows: a number, or a share of them, one at least."""
    if isinstance(n_select, Integral):
        return min(int(n_select), n)
    return min(n, max(1, round(n_select * n)))


def inclusion_proba(score, n_select):
    """(n,) probabilities in proportion to a score, at most 1, that sum to `n_select`.

    What a cap takes from some rows goes to the others, in proportion. Rows of score 0 get what the
    others cannot take.
    """
    score = np.asarray(score, dtype=float)
    n = len(score)
    if n_select >= n:
        return np.ones(n)
    positive = score > 0
    if positive.sum() <= n_select:
        rest = (n_select - positive.sum()) / max(n - positive.sum(), 1)
        return np.where(positive, 1.0, rest)
    score = np.where(positive, np.maximum(score / score.max(), SMALLEST_SCORE), 0.0)
    order = np.argsort(-score, kind="stable")
    left = np.cumsum(score[order][::-1])[::-1]  # of this row and the ones after it
    # with the first t rows certain, the next one must have no more than probability 1
    factor = (n_select - np.arange(n_select)) / left[:n_select]
    fits = np.flatnonzero(score[order][:n_select] * factor <= 1.0)
    if not len(fits):
        return np.isin(np.arange(n), order[:n_select]).astype(float)
    proba = np.minimum(score * factor[fits[0]], 1.0)
    proba[order[: fits[0]]] = 1.0
    return proba


def draw(proba, random_state=None):
    """Rows in ascending order, each drawn with its probability; as many as these sum to.

    Systematic sampling in random order.
    """
    rng = check_random_state(random_state)
    order = rng.permutation(len(proba))
    ends = np.round(np.cumsum(proba[order]), 9)  # whole sums must be whole
    start = rng.uniform(0, 0.999999)
    return np.sort(order[np.diff(np.floor(ends + start), prepend=0.0) > 0])


def predicted_proba(model, rows, at):
    """(len(at), K) class probabilities of some of the rows."""
    method, values = LabelResponse(rows.classes)(model, take_rows(rows.X, at), at)
    return softmax(values, axis=1) if method == "decision_function" else values
