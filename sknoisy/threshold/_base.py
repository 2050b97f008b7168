"""What all thresholds share: checks, rows that were not judged, one cut per class."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sknoisy._evidence import check_labels


class BaseThreshold(BaseEstimator, ABC):
    """Base class of thresholds.

    A subclass writes `_decide(score, expected)`, which gets finite scores of one class or of all
    rows, and returns their probabilities of being wrong and which of them are flagged.
    """

    _parameter_constraints: dict = {"per_class": ["boolean"]}

    def fit(self, score, y=None, *, label_proba=None):
        """Decide which rows are suspect.

        Parameters
        ----------
        score : array-like of shape (n,)
            Noise scores on any scale, higher is more suspect. NaN means not judged: such a row
            gets probability 0 and is not flagged.
        y : array-like of shape (n,), default=None
            Given labels; needed with `per_class=True`.
        label_proba : array-like of shape (n, K), default=None
            Out-of-sample class probabilities; only `ConfidentJointCount` needs them.

        Returns
        -------
        self : object
        """
        self._validate_params()
        score = column_or_1d(score).astype(float)
        if np.isinf(score).any():
            # infinitely suspect is allowed, but distances need numbers
            finite = score[np.isfinite(score)]
            low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
            span = (high - low) or 1.0
            score = np.clip(score, low - span, high + span)
        target = None
        if y is not None:
            check_consistent_length(score, y)
        if getattr(self, "per_class", False) or label_proba is not None:
            if y is None:
                raise ValueError(
                    f"{type(self).__name__} needs y, the given labels, with per_class=True or "
                    "label_proba."
                )
            target = check_labels(y)
        judged = np.flatnonzero(~np.isnan(score))
        proba, mask = np.zeros(len(score)), np.zeros(len(score), dtype=bool)
        parts = [judged]
        if getattr(self, "per_class", False):
            parts = [judged[target.codes[judged] == j] for j in range(len(target.classes))]
        expected = self._expected(score, target, label_proba)
        for j, rows in enumerate(parts):
            if len(rows):
                count = None if expected is None else expected[j]
                proba[rows], mask[rows] = self._decide(score[rows], count)
        self.noise_proba_, self.noise_mask_ = proba, mask
        return self

    def _expected(self, score, target, label_proba):
        """Expected number of wrong rows, one entry per part; None where `_decide` finds it."""
        return None

    @abstractmethod
    def _decide(self, score, expected):
        """(probability of being wrong, flagged), for finite scores of one part."""


def flag_top(score, count):
    """Flag about `count` of the highest scores; ties are flagged together or not at all.

    Rows with equal scores cannot be told apart, so the cut lies between two distinct scores: at
    the place that flags the number nearest to `count`, the smaller one when two are equally near,
    and never more than half of the rows, unless `count` itself is more.
    """
    if count <= 0 or len(score) == 0:
        return np.zeros(len(score), dtype=bool)
    levels, sizes = np.unique(score, return_counts=True)
    flagged_from = np.append(np.cumsum(sizes[::-1])[::-1], 0)  # rows at level j or above
    allowed = np.maximum(count, len(score) / 2)
    distance = np.where(flagged_from <= allowed, np.abs(flagged_from - count), np.inf)
    # the last of equally near places is the one that flags fewer rows
    best = len(distance) - 1 - np.argmin(distance[::-1])
    return np.zeros(len(score), dtype=bool) if best == len(levels) else score >= levels[best]
