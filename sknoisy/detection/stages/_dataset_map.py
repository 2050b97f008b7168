"""Wrong targets and outliers by where a row lies on the map of its training."""

from __future__ import annotations

from numbers import Integral
from typing import Literal

import numpy as np
from scipy.stats import rankdata
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import Array, Contamination, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import stage_verdict
from sknoisy.detection.stages._area_under_margin import calibrated, scaled_residuals
from sknoisy.detection.stages._staged_model import staged_model
from sknoisy.noise_model._wide_normal import MAD_TO_SD


class DatasetMap(BaseDetector):
    """Wrong targets and outliers by how sure a model is of a target during its training.

    Three numbers say how a row is learnt:

    - confidence: the mean over the stages of the probability of the given label;
    - variability: the standard deviation of that probability;
    - correctness: the share of stages at which the given label is the likeliest.

    Rows of high confidence are easy, of high variability ambiguous, and of low confidence and low
    variability hard: among these are the wrong labels, and outliers that no model learns.

    For numbers, `1 / (1 + z²)` is taken for the probability, where z is the residual in robust
    standard deviations of all residuals at that stage; correct is within two of them.

    Number of fits: 1; times the number of folds when `cv` is given. With `contamination="auto"`,
    `cv` (5) more of the model, or 1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that trains in stages (see `training_stages`). None means the one a
        treatment wraps; alone, histogram gradient boosting.
    rank_by : {"confidence", "hardness"}, default="confidence"
        The score: "confidence" is one minus the confidence, "hardness" that times one minus twice
        the variability (which is at most one half). The former is for wrong labels, the latter
        for outliers, groups of them included, since both factors must be high.
    per_group : bool, default=False
        Rank rows only within their source, given as `groups`: what is hard in one source may look
        easy beside another one. A share given as `contamination` is then taken of each source.
    n_stages : int >= 1, default=20
        Number of stages, at most the number of iterations.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model. "own" flags, for classes, those that are predicted otherwise by the probabilities
        averaged over the stages, and that are more likely wrong than right by the confident joint
        of these, after a logistic fit to the labels; for numbers, those that more likely belong to
        the wider one of two normals about zero. With `per_group`, joint and normals are those of
        the source.
    cv : int, splitter, iterable or None, default=None
        None means, as in the papers, that the model is trained on the rows it judges; otherwise the
        folds of cross-fitting. With `groups`, a source is then judged by models of the others.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds any `random_state` that `estimator` leaves at None, and the folds.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        See `rank_by`, in [0, 1]; with `per_group` its rank within the source, in (0, 1). NaN for a
        row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        For classes the likeliest label, for a flagged row the likeliest other one; for numbers the
        prediction. Both are means over the stages.
    label_proba_ : ndarray of shape (n, K)
        For classes: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For classes: all classes of y.
    confidence_, variability_, correctness_ : ndarray of shape (n,)
        The map; NaN for a row that could not be judged.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    AreaUnderMargin : The mean margin in place of the mean probability.
    ForgettingEvents : How often a row is learnt and forgotten.
    sknoisy.inspection.DatasetMapDisplay : Draws the map.

    References
    ----------
    S. Swayamdipta, R. Schwartz, N. Lourie, Y. Wang, H. Hajishirzi, N. A. Smith, Y. Choi: "Dataset
    cartography: mapping and diagnosing datasets with training dynamics", EMNLP 2020 (the map; there
    of language models over their epochs, with correctness as a count. Adapted: any model that
    trains in stages; the rules that flag; numbers).

    S. Karamcheti, R. Krishna, L. Fei-Fei, C. D. Manning: "Mind your outliers! Investigating the
    negative impact of outliers on active learning for visual question answering", ACL 2021
    ("hardness", adapted from the abstract and summaries: outliers are rows of low confidence and
    low variability. Of the plain product of the two, which is low for easy rows as well, the
    complements are multiplied instead).

    A. Snijders, D. Kiela, K. Margatina: "Investigating multi-source active learning for natural
    language inference", EACL 2023 (`per_group`, adapted from the abstract: outliers are found, and
    removed, per source).

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import DatasetMap
    >>> X, y = make_blobs(200, centers=[[-4, -4], [4, 4]], random_state=0)
    >>> y[:5] = 1 - y[:5]
    >>> detector = DatasetMap(LogisticRegression(), contamination="own").fit(X, y)
    >>> detector.noise_mask_.nonzero()[0].tolist()
    [0, 1, 2, 3, 4]
    >>> detector.correctness_[:7].tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    """

    _task = "both"
    _assumes = "wrong rows are never learnt, or late; right ones mostly early"
    _takes = ("predicted", "stages")
    _auto = "count"
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "rank_by": [StrOptions({"confidence", "hardness"})],
        "per_group": ["boolean"],
        "n_stages": [Interval(Integral, 1, None, closed="left")],
    }

    confidence_: Array
    variability_: Array
    correctness_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        rank_by: Literal["confidence", "hardness"] = "confidence",
        per_group: bool = False,
        n_stages: int = 20,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.rank_by = rank_by
        self.per_group = per_group
        self.n_stages = n_stages
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _default_model(self, evidence):
        return staged_model(evidence)

    def _find(self, evidence):
        target, n = evidence.target, evidence.n_rows
        sources = [np.arange(n)]
        if self.per_group:
            if evidence.inputs.groups is None:
                raise ValueError("per_group=True ranks rows within their source: give fit groups.")
            which = np.unique(evidence.inputs.groups, return_inverse=True)[1]
            sources = [np.flatnonzero(which == source) for source in range(which.max() + 1)]
        stages = evidence.stages(
            self._model(evidence),
            n_stages=self.n_stages,
            cv=self.cv,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        if target.is_labels:
            sure, right = stages.given, stages.predicted == target.codes
            suggestion = calibrated(stages.mean, target.codes)
        else:
            z, suggestion = scaled_residuals(stages, target.y) / MAD_TO_SD, stages.mean
            sure, right = 1 / (1 + z**2), z <= 2
        confidence, variability = sure.mean(axis=0), sure.std(axis=0)
        score = 1.0 - confidence
        if self.rank_by == "hardness":
            score = score * (1.0 - 2.0 * variability)
        proba, mask = np.zeros(n), np.zeros(n, dtype=bool)
        for rows in sources:
            codes = target.codes[rows] if target.is_labels else None
            size = None if target.is_labels else z[:, rows].mean(axis=0)
            proba[rows], mask[rows] = stage_verdict(codes, suggestion[rows], size)
            if self.per_group:
                score[rows] = _ranks(score[rows])
        return Finding(
            score=score,
            suggestion=suggestion,
            noise_proba=proba,
            mask=mask,
            attributes={
                "confidence_": confidence,
                "variability_": variability,
                "correctness_": np.where(np.isnan(confidence), np.nan, right.mean(axis=0)),
            },
        )

    def _reason(self, row):
        return (
            f"confidence {self.confidence_[row]:.2f}, variability {self.variability_[row]:.2f}, "
            f"correct in {self.correctness_[row]:.0%} of the stages"
        )


def _ranks(score):
    """Ranks in (0, 1); NaN stays."""
    ranks, judged = np.full(len(score), np.nan), ~np.isnan(score)
    ranks[judged] = (rankdata(score[judged]) - 0.5) / max(judged.sum(), 1)
    return ranks
