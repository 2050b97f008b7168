"""As many wrong rows as confident learning counts."""

from __future__ import annotations

import numpy as np

from sknoisy._typing import Array
from sknoisy.noise_model import confident_joint
from sknoisy.threshold._base import BaseThreshold, flag_top
from sknoisy.threshold._mixture import two_normals


class ConfidentJointCount(BaseThreshold):
    """Flag as many rows as the confident joint has off its diagonal, by any score.

    Parameters
    ----------
    per_class : bool, default=True
        Flag in each class the number counted for that class, rather than the total of all
        classes wherever the scores are highest.
    per_group : bool, default=False
        Count in each of the `groups` given to `fit` by itself, and flag there.

    Attributes
    ----------
    noise_proba_ : ndarray of shape (n,)
        Probability that a row is wrong: the posterior between two normals, one fitted to the
        counted share of the (transformed) scores and one to the rest, with that share as mean.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    confident_joint_ : ndarray of shape (K, K)
        Rows given class i and confidently of class j, calibrated to the number of rows; with
        `per_group` the sum over the groups.

    References
    ----------
    C. Northcutt, L. Jiang, I. Chuang: "Confident learning: estimating uncertainty in dataset
    labels", Journal of Artificial Intelligence Research, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.threshold import ConfidentJointCount
    >>> proba = np.array([[0.9, 0.1]] * 9 + [[0.1, 0.9]] * 10)
    >>> y = np.array([0] * 10 + [1] * 9)  # row 9 is given 0 and looks like 1
    >>> score = 1 - proba[np.arange(19), y]
    >>> np.flatnonzero(ConfidentJointCount().fit(score, y, label_proba=proba).noise_mask_)
    array([9])
    """

    confident_joint_: Array

    def __init__(self, *, per_class: bool = True, per_group: bool = False) -> None:
        self.per_class = per_class
        self.per_group = per_group

    def _begin(self, seen):
        if seen["label_proba"] is None:
            raise ValueError(
                "ConfidentJointCount counts by out-of-sample class probabilities, and there are "
                "none: use it with a detector for classification that has them, or FixedRate."
            )
        proba = np.array(seen["label_proba"], dtype=float)
        proba[seen["trusted"]] = np.nan  # right, whatever they look like
        codes, groups = seen["target"].codes, seen["groups"]
        # a class is compared with the others in its own group
        seen["joints"] = {
            group: confident_joint(proba[groups == group], codes[groups == group])
            for group in np.unique(groups)
        }
        self.confident_joint_ = sum(seen["joints"].values())

    def _decide(self, score, part, seen):
        joint = seen["joints"][seen["groups"][part.rows[0]]]
        wrong = joint.sum(axis=1) - np.diag(joint)
        expected = wrong[seen["target"].codes[part.rows[0]]] if self.per_class else wrong.sum()
        # more than half wrong would mean that the labels mean something else
        count = min(expected, len(score) / 2)
        return two_normals(score, rate=count / len(score)), flag_top(score, round(count))
