"""Wrong targets by losses that are compared within groups only."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from numbers import Integral, Real
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import Contamination, CVLike, Estimator, FloatArray, IntArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.noise_model._wide_normal import typical_size
from sknoisy.threshold._mixture import two_normals

SMALLEST_PROBA = 1e-3  # one certainty that proves wrong must not outweigh everything else


class PersonalLoss(BaseDetector):
    """Wrong targets by out-of-sample losses, compared within groups only.

    What is a high loss for one user, patient or machine is an ordinary one for another. So the
    losses of right and of wrong rows overlap when all rows are put together, and may be well
    apart within each group. Each row has the personal weight `n_g * softmax(-loss / temperature)`,
    the softmax running over the `n_g` judged rows of its group, so that the mean weight of a group
    is 1. The score is minus its logarithm: the loss above the usual of its group.

    `fit` needs `groups`. They say whose losses are compared, and have no influence on the folds:
    a row is judged by models that have seen other rows of its group, as in the paper, where a
    user's interactions are part of the training set. Elsewhere in this package rows of one group
    stay in one fold; for that, give `cv` as a splitter, such as `GroupKFold()`.

    Number of fits: `cv` (5), or 1 for a forest or bagging, which is judged out of bag.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that makes the out-of-sample predictions. None means the one a
        treatment wraps; alone, a random forest of 200 trees, behind an encoder for a DataFrame.
        It learns what groups differ in only from columns of X.
    temperature : float > 0, default=1.0
        Of the softmax, in units of the loss. With 1 the weight of a labelled row is the probability
        of its label over the mean of that in its group. The lower it is, the more a row is
        compared with the lowest losses of its group alone.
    personal_quantile : float in [0.5, 1] or None, default=None
        With `contamination="auto"`: this share of each group is kept, and the rows of higher
        losses are flagged. None means a mixture of two normals of all scores, by which a group may
        have no flagged row, or many.
    missing_groups : {"error", "one"}, default="error"
        What `fit` does without `groups`: refuse, or take all rows as one group, which leaves the
        plain loss.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions. "own"
        is `personal_quantile`.
    cv : int, splitter, iterable or None, default=None
        Folds of the out-of-sample predictions. None means out-of-bag where the estimator can, else
        5 folds; an int always means folds. A splitter gets the groups.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Minus the logarithm of the personal weight; NaN for a row that could not be judged, and for
        the only judged row of a group, which has nothing to be compared with.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label, for a flagged row the likeliest other one; or the predicted number.
    label_proba_ : ndarray of shape (n, K)
        For labels: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For labels: all classes of y.
    loss_ : ndarray of shape (n,)
        For labels the cross-entropy, minus the logarithm of the probability of the given label,
        where probabilities below 0.001 count as that; for numbers the absolute residual in units
        of the median of all.
    personal_weight_ : ndarray of shape (n,)
        1 for a usual row of its group, less for one of higher loss: fit to be a `sample_weight`.
    group_size_ : ndarray of shape (n,) of int
        Judged rows of the row's group.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    Raises
    ------
    ValueError
        From `fit` without `groups`, unless `missing_groups="one"`.

    References
    ----------
    K. Zhang, Q. Cao, Y. Wu, F. Sun, H. Shen, X. Cheng: "Personalized denoising implicit feedback
    for robust recommender system", The Web Conference, 2025 (groups are users, rows their
    interactions, of which 5 at a time are drawn and one is trained on, with the probability of the
    softmax at a temperature of 0.1. Here the loss is that of any estimator, out of sample; the
    softmax runs over the whole group; and the weight serves as a score).

    Examples
    --------
    Two machines, of which the second is the noisier by far, each with a wrong number:

    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.detection import PersonalLoss
    >>> rng = np.random.default_rng(0)
    >>> machine = np.repeat(["old", "new"], 100)
    >>> X = rng.normal(size=(200, 2))
    >>> y = X.sum(axis=1) + np.where(machine == "old", 3.0, 0.1) * rng.uniform(-1, 1, 200)
    >>> y[[5, 150]] += [30.0, 2.0]
    >>> detector = PersonalLoss(LinearRegression(), personal_quantile=0.99, random_state=0)
    >>> np.flatnonzero(detector.fit(X, y, groups=machine).noise_mask_).tolist()
    [5, 150]
    """

    _task = "both"
    _assumes = "wrong rows have higher losses than the right rows of their group"
    _takes = ("predicted",)
    _auto = "count"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "personal_quantile": [Interval(Real, 0.5, 1, closed="both"), None],
        "missing_groups": [StrOptions({"error", "one"})],
    }

    loss_: FloatArray
    personal_weight_: FloatArray
    group_size_: IntArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        temperature: float = 1.0,
        personal_quantile: float | None = None,
        missing_groups: Literal["error", "one"] = "error",
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.temperature = temperature
        self.personal_quantile = personal_quantile
        self.missing_groups = missing_groups
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        groups = self._groups(evidence)
        own_folds = self.cv is None or isinstance(self.cv, Integral)
        values = (
            (_without_groups(evidence) if own_folds else evidence)
            .responses(
                self._model(evidence),
                cv=self.cv,
                n_jobs=self.n_jobs,
                random_state=self.random_state,
            )
            .values
        )
        loss = out_of_sample_loss(values, evidence.target)
        log_weight, size = personal_log_weight(loss, groups, self.temperature)
        finding = Finding(
            score=-log_weight,
            suggestion=values,
            attributes={
                "loss_": loss,
                "personal_weight_": np.exp(log_weight),
                "group_size_": size,
            },
        )
        if self.personal_quantile is not None:
            finding.chosen = True
            finding.mask = above_quantile(loss, groups, self.personal_quantile)
            finding.noise_proba = _proba_of_share(finding.score, finding.mask)
        return finding

    def _groups(self, evidence):
        """Groups as numbers."""
        groups = evidence.inputs.groups
        if groups is not None:
            return pd.factorize(groups)[0]
        if self.missing_groups == "one":
            return np.zeros(evidence.n_rows, dtype=int)
        raise ValueError(
            "PersonalLoss compares rows within groups, and fit got none: give groups, one entry "
            "for each row (its user, patient or machine), or set missing_groups='one' to compare "
            "all rows with each other."
        )

    def _reason(self, row):
        size, weight = self.group_size_[row], self.personal_weight_[row]
        return (
            f"loss {self.loss_[row]:.3g}; among the {size} rows of its group a weight of "
            f"{weight:.2g}, where 1 is usual"
        )


def out_of_sample_loss(values, target):
    """(n,): the loss of each row from out-of-sample `values`, probabilities or numbers.

    For labels the cross-entropy, for numbers the absolute residual in units of its median.
    """
    if target.is_labels:
        given = values[np.arange(len(target.codes)), target.codes]
        return -np.log(np.clip(given, SMALLEST_PROBA, 1.0))
    size = np.abs(target.y - values)
    return size / typical_size(size)


def personal_log_weight(loss, groups, temperature):
    """log(n_g * softmax(-loss / temperature)) in each group, and n_g, both of shape (n,).

    A row of NaN is no part of its group; the only row of a group has NaN.
    """
    judged = ~np.isnan(loss)
    n_groups = groups.max() + 1
    size = np.bincount(groups[judged], minlength=n_groups)
    logit, group = -loss[judged] / temperature, groups[judged]
    highest = np.full(n_groups, -np.inf)
    np.maximum.at(highest, group, logit)
    logit -= highest[group]
    total = np.bincount(group, weights=np.exp(logit), minlength=n_groups)
    log_weight = np.full(len(loss), np.nan)
    log_weight[judged] = logit - np.log(total[group] / size[group])
    log_weight[size[groups] < 2] = np.nan
    return log_weight, size[groups]


def above_quantile(loss, groups, quantile):
    """Rows with a loss above the lowest `quantile` of their group; of equal losses none is."""
    above = np.zeros(len(loss), dtype=bool)
    judged = np.flatnonzero(~np.isnan(loss))
    rows = judged[np.lexsort((loss[judged], groups[judged]))]
    starts = np.flatnonzero(np.diff(groups[rows], prepend=-1))
    for part in np.split(rows, starts[1:]):
        n_kept = int(np.ceil(round(quantile * len(part), 9)))
        if n_kept:
            above[part] = loss[part] > loss[part[n_kept - 1]]
    return above


def _proba_of_share(score, mask):
    """Posterior of a mixture in which the share of wrong rows is that of `mask`."""
    proba = np.zeros(len(score))
    judged = ~np.isnan(score)
    if judged.any():
        proba[judged] = two_normals(score[judged], rate=(mask & judged).sum() / judged.sum())
    return proba


def _without_groups(evidence):
    """The same rows; in cross-fitting, those of one group need not stay together."""
    if evidence.inputs.groups is None:
        return evidence
    other = copy(evidence)
    other.inputs = replace(evidence.inputs, groups=None)
    other._answers = {}
    return other
