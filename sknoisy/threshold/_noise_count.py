"""As many rows as the noise as a whole has, whatever the scale of the score."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.utils.validation import check_consistent_length

from sknoisy._evidence._arrays import as_numpy, foreign_as_numpy
from sknoisy._evidence._knowledge import (
    LEVEL,
    chance_of_labels,
    chance_of_numbers,
    no_more_than_chance,
)
from sknoisy._typing import ArrayLike
from sknoisy.noise_model import plateau_joint
from sknoisy.noise_model._wide_normal import judge_residuals
from sknoisy.threshold._base import BaseThreshold, flag_top
from sknoisy.threshold._mixture import two_normals


class NoiseCount(BaseThreshold):
    """Flag as many rows as out-of-sample predictions say are wrong, by any score.

    Which rows, and how many: a ranking need not know its own scale, so the number comes from
    predictions of a model that has not seen the rows, and the score says which these are.

    - Labels: `plateau_joint`, what is left of the other labels among the rows of which the
      predictions are surest. In each given class the expected number of rows is flagged.
    - Numbers: residuals over their usual size as a mixture of two normals about zero; as many rows
      as more likely belong to the wider one, and none when a single law, if need be with heavy
      tails, explains the residuals nearly as well.

    Nothing is flagged when the predictions know no more of the targets than chance allows (a test
    over exchanges of the targets, 1 %).

    Parameters
    ----------
    per_group : bool, default=False
        Count in each of the `groups` given to `fit` by itself, and flag there.

    Attributes
    ----------
    noise_proba_ : ndarray of shape (n,)
        Probability that a row is wrong: the posterior between two normals, one fitted to the
        counted share of the (transformed) scores and one to the rest, with that share as mean.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    noise_rate_ : float
        Counted share of the judged rows.
    reason_ : str
        How many rows are flagged, or why none is.

    See Also
    --------
    ConfidentJointCount : Counts by the confident joint, which takes overlap of classes for noise.
    MixturePosterior : Needs no predictions, but a score in which the wrong rows stand apart.

    References
    ----------
    J. W. Tukey: "A survey of sampling from contaminated distributions", in "Contributions to
    probability and statistics", Stanford University Press, 1960 (the mixture, for numbers; for
    labels see `sknoisy.noise_model.plateau_joint`).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.threshold import NoiseCount
    >>> proba = np.array([[0.9, 0.1]] * 100 + [[0.1, 0.9]] * 100)
    >>> y = (proba[:, 1] > 0.5).astype(int)
    >>> y[::10] = 1 - y[::10]
    >>> score = (proba.argmax(axis=1) != y) * 1e-9  # a ranking, on no scale of its own
    >>> np.flatnonzero(NoiseCount().fit(score, y, predicted=proba).noise_mask_)[:5]
    array([ 0, 10, 20, 30, 40])
    """

    noise_rate_: float

    def __init__(self, *, per_group: bool = False) -> None:
        self.per_group = per_group

    def fit(
        self,
        score: ArrayLike,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        predicted: ArrayLike | None = None,
    ) -> Self:
        """Decide which rows are suspect.

        Parameters
        ----------
        score : array-like of shape (n,)
            Noise scores on any scale, higher is more suspect. NaN means not judged: such a row
            gets probability 0 and is not flagged.
        y : array-like of shape (n,)
            Given labels or numbers.
        groups, trusted
            As for any threshold.
        predicted : array-like of shape (n, K) or (n,)
            Out-of-sample class probabilities, columns in the order of the sorted labels, or
            predicted numbers; NaN was not judged.

        Returns
        -------
        self : object
        """
        if y is None or predicted is None:
            raise ValueError(
                "NoiseCount counts by out-of-sample predictions: pass y and predicted to fit."
            )
        self._validate_params()
        score = self._check_score(score)
        predicted = as_numpy(predicted, "predicted").astype(float)
        y = foreign_as_numpy(y, "y")
        check_consistent_length(score, y, predicted)
        seen = {"label_proba": predicted if predicted.ndim == 2 else None}
        if predicted.ndim == 1:
            seen |= {"predicted": predicted, "y": np.asarray(y, dtype=float)}
        return self._fit(score, y, groups, trusted, seen)

    def _begin(self, seen):
        seen["total"], seen["unknown"] = 0.0, False
        proba = seen["label_proba"]
        if proba is not None and proba.shape[1] != len(seen["target"].classes):
            raise ValueError(
                f"predicted has {proba.shape[1]} columns, and y has "
                f"{len(seen['target'].classes)} classes: give one column for each of them."
            )

    def _decide(self, score, part, seen):
        # trusted rows are right, whatever they look like: they tell nothing of the others
        proba, mask = np.zeros(len(score)), np.zeros(len(score), dtype=bool)
        for at, count in self._counts(part.rows, seen):
            # more than half wrong would mean that the targets mean something else
            count = min(count, len(at) / 2)
            seen["total"] += count
            if count > 0:
                proba[at] = two_normals(score[at], rate=count / len(at))
                mask[at] = flag_top(score[at], round(count))
        return proba, mask

    def _counts(self, rows, seen):
        """(positions in `rows`, expected number of wrong ones), for each class or for all rows."""
        if seen["label_proba"] is None:
            predicted, y = seen["predicted"][rows], seen["y"][rows]
            if chance_of_numbers(predicted, y) > LEVEL:
                seen["unknown"] = True
                return
            _, _, wrong = judge_residuals(y - predicted, y)
            yield np.arange(len(rows)), (wrong > 0.5).sum()
            return
        proba, codes = seen["label_proba"][rows], seen["target"].codes[rows]
        if chance_of_labels(proba, codes) > LEVEL:
            seen["unknown"] = True
            return
        joint = plateau_joint(proba, codes)
        for j in np.unique(codes):
            yield np.flatnonzero(codes == j), joint[j].sum() - joint[j, j]

    def _end(self, seen, n_asked):
        self.noise_rate_ = float(seen["total"] / max(n_asked, 1))

    def _why_none(self, seen):
        by_labels = seen["label_proba"] is not None
        if seen["unknown"]:
            return no_more_than_chance(by_labels)
        if by_labels:
            return "where predictions are surest, they agree with the given labels"
        return "a single law of errors explains all residuals"
