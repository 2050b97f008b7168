"""What all thresholds share: checks, rows that have no say, one cut per class or group."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sknoisy._evidence import check_labels
from sknoisy._evidence._arrays import foreign_as_numpy
from sknoisy._evidence._evidence import check_groups, check_trusted
from sknoisy._notebook import NotebookView
from sknoisy._typing import ArrayLike, BoolArray, FloatArray


@dataclass
class Part:
    """Rows that are decided upon together: all of them, or those of one class or group.

    Attributes
    ----------
    rows : ndarray of int
        Positions of the rows that were judged and are not trusted.
    trusted : ndarray of int
        Positions of the rows that were judged and are trusted.
    name : str
        For messages: "", or which class and group.
    """

    rows: np.ndarray
    trusted: np.ndarray
    name: str = ""


class BaseThreshold(NotebookView, BaseEstimator, ABC):
    """Base class of thresholds.

    A subclass writes `_decide(score, part, seen)`, which gets the finite scores of one part of the
    rows, and returns their probabilities of being wrong and which of them are flagged. `seen` holds
    what else `fit` got: `score` of all rows, `target`, `groups`, `trusted`, `label_proba`.
    """

    _parameter_constraints: dict = {"per_class": ["boolean"], "per_group": ["boolean"]}

    noise_proba_: FloatArray
    noise_mask_: BoolArray
    reason_: str

    def fit(
        self,
        score: ArrayLike,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        label_proba: ArrayLike | None = None,
    ) -> Self:
        """Decide which rows are suspect.

        Parameters
        ----------
        score : array-like of shape (n,)
            Noise scores on any scale, higher is more suspect. NaN means not judged: such a row
            gets probability 0 and is not flagged.
        y : array-like of shape (n,), default=None
            Given labels; needed with `per_class=True`.
        groups : array-like of shape (n,), default=None
            Groups of the rows; needed with `per_group=True`, unused otherwise.
        trusted : array-like of shape (n,) of bool, default=None
            Rows known to be right: they are never flagged and are no part of a share. Only
            `ConformalFDR` and `OneStandardError` learn from them.
        label_proba : array-like of shape (n, K), default=None
            Out-of-sample class probabilities; only `ConfidentJointCount` needs them.

        Returns
        -------
        self : object
        """
        self._validate_params()
        score = self._check_score(score)
        return self._fit(score, y, groups, trusted, {"label_proba": label_proba})

    def _check_score(self, score):
        """Scores of all rows, finite or NaN."""
        score = column_or_1d(foreign_as_numpy(score, "score"))
        try:
            return clip_infinite(score.astype(float))
        except (TypeError, ValueError) as error:
            raise ValueError(f"score cannot be read as numbers: {error}.") from error

    def _fit(self, score, y, groups, trusted, seen):
        n, y, groups = len(score), foreign_as_numpy(y, "y"), foreign_as_numpy(groups, "groups")
        if "label_proba" in seen:
            seen["label_proba"] = foreign_as_numpy(seen["label_proba"], "label_proba")
        for given in (y, groups, seen.get("label_proba")):
            if given is not None:
                check_consistent_length(score, given)
        trusted = check_trusted(trusted, n)
        target = None
        if getattr(self, "per_class", False) or seen.get("label_proba") is not None:
            if y is None:
                raise ValueError(
                    f"{type(self).__name__} needs y, the given labels, with per_class=True or "
                    "label_proba."
                )
            target = check_labels(y)
        group_codes, levels = self._check_groups(groups, n)
        seen = {**seen, "score": score, "target": target, "trusted": trusted, "groups": group_codes}
        self._begin(seen)
        missing = np.isnan(score) if score.ndim == 1 else np.isnan(score).any(axis=1)
        proba, mask = np.zeros(n), np.zeros(n, dtype=bool)
        for part in self._parts(missing, seen, levels):
            if len(part.rows):
                proba[part.rows], mask[part.rows] = self._decide(score[part.rows], part, seen)
        n_asked = int((~missing & ~trusted).sum())
        self._end(seen, n_asked)
        self.noise_proba_, self.noise_mask_ = proba, mask
        self.reason_ = verdict_sentence(mask, n_asked, f"by {self}", self._why_none(seen))
        return self

    def _check_groups(self, groups, n):
        """Codes of the groups, and the groups; all rows are one unless `per_group`."""
        if not getattr(self, "per_group", False):
            return np.zeros(n, dtype=int), [""]
        if groups is None:
            raise ValueError(f"{type(self).__name__}(per_group=True) needs groups.")
        codes, levels = pd.factorize(check_groups(groups, n), sort=False)
        return codes, [f"group {level}" for level in levels]

    def _parts(self, missing, seen, levels):
        """The rows by class and group, as `per_class` and `per_group` have it."""
        keys, names, trusted = seen["groups"], levels, seen["trusted"]
        if getattr(self, "per_class", False):
            target = seen["target"]
            keys = target.codes * len(levels) + keys
            names = [f"class {label} {name}".strip() for label in target.classes for name in levels]
        judged = np.flatnonzero(~missing)
        order = judged[np.argsort(keys[judged], kind="stable")]
        found, starts = np.unique(keys[order], return_index=True)
        for key, rows in zip(found, np.split(order, starts[1:]), strict=False):
            yield Part(rows[~trusted[rows]], rows[trusted[rows]], names[key])

    def _begin(self, seen):
        """Before the first part: a place to refuse what is missing, and to start attributes."""

    def _end(self, seen, n_asked):
        """After the last part: a place to finish attributes."""

    def _why_none(self, seen):
        """Why no row is flagged, when none is."""
        return f"none is by {self}"

    @abstractmethod
    def _decide(self, score, part, seen):
        """(probability of being wrong, flagged), for the finite scores of one `Part`."""


def verdict_sentence(mask, n_judged, how, why_none):
    """How many rows are flagged, and how that was decided; or why none is."""
    if n_judged == 0:
        return "no row flagged: none could be judged"
    if not mask.any():
        return f"no row flagged: {why_none}"
    return f"{mask.sum()} of {n_judged} judged rows flagged, {how}"


def checked_verdict(judge, judged, name=None):
    """(noise_proba_, noise_mask_) of a threshold or detector, which may be somebody else's.

    Masks of texts or of row numbers would pass for boolean ones, and NaN for a probability; that
    is fine for rows that are not `judged` (a boolean mask), and these get 0.
    """
    n, name = len(judged), name or type(judge).__name__
    absent = [a for a in ("noise_proba_", "noise_mask_") if not hasattr(judge, a)]
    if absent:
        raise TypeError(f"{name}.fit is to set {' and '.join(absent)}, and does not.")
    mask = np.asarray(judge.noise_mask_)
    if mask.shape != (n,) or mask.dtype != bool:
        raise ValueError(
            f"noise_mask_ of {name} must be one boolean for each of the {n} rows, got an array of "
            f"shape {mask.shape} and dtype {mask.dtype}."
        )
    try:
        proba = np.asarray(judge.noise_proba_, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"noise_proba_ of {name} cannot be read as numbers: {error}.") from error
    if proba.shape != (n,):
        raise ValueError(
            f"noise_proba_ of {name} must be one number for each of the {n} rows, got shape "
            f"{proba.shape}."
        )
    odd = np.flatnonzero(judged & ~((proba >= 0) & (proba <= 1)))
    if len(odd):
        raise ValueError(
            f"noise_proba_ of {name} must be in [0, 1]; row {odd[0]} has {proba[odd[0]]:.6g}."
        )
    return np.where(judged, proba, 0.0), mask & judged


def clip_infinite(score):
    """Infinitely suspect is allowed, but distances need numbers."""
    if not np.isinf(score).any():
        return score
    finite = score[np.isfinite(score)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    span = (high - low) or 1.0
    return np.clip(score, low - span, high + span)


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
