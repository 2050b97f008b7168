"""Confident learning around any classifier."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.utils._param_validation import StrOptions

from sknoisy._typing import Array, Contamination, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.detection._base import MAX_SAMPLES, BaseDetector, Finding
from sknoisy.detection.out_of_sample._label_quality import (
    PRUNE_FILTERS,
    label_noise,
    prune_counts,
    suspects_of,
)
from sknoisy.noise_model._bound import bounded_joint
from sknoisy.noise_model._confident_joint import (
    check_proba,
    confident_class,
    joint_of,
    judged_rows,
    mean_confidence,
    of_all_rows,
    posterior_of_joint,
    proba_of_given,
)


class ConfidentLearning(BaseDetector):
    """Wrong labels by the confident joint of given and true labels.

    A row counts as "confidently of class j" when its out-of-sample probability of j reaches the
    mean of that probability over the rows given j. Counting given against confident class gives
    the confident joint, which says how many rows of each class are wrong, and those with the
    lowest label quality are flagged.

    Number of fits: `cv` (5), or 1 for a forest or bagging, which is judged out of bag.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier that makes the out-of-sample probabilities. None means the one a treatment
        wraps; alone, a random forest of 200 trees, behind an encoder for a DataFrame.
    filter_by : {"prune_by_noise_rate", "prune_by_class", "both", "confident_learning", \
"predicted_neq_given"}, default="prune_by_noise_rate"
        With `contamination="auto"`, which rows are flagged: for each pair of classes as many as
        the joint counts; for each class as many as the joint counts; rows flagged by both; rows
        off the diagonal of the joint; rows whose likeliest class is not the given one.
    quality : {"self_confidence", "normalized_margin", "confidence_weighted_entropy"}, \
default="self_confidence"
        What makes a row suspect: a low probability of the given label, a low margin of it over
        the highest other one, or a high entropy relative to it.
    bounded : bool, default=False
        False: the joint as the paper counts it, which takes classes that overlap for noise. True:
        of the rows that stand for a class, no more count as wrong than there are other labels
        among the surest tenth of the rows predicted as it, for overlap dies out there and noise
        does not. Treatments of classifiers use True when no detector is given.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is the rule of `filter_by`.
    cv : int, splitter, iterable or None, default=None
        Folds of the out-of-sample probabilities. None means out-of-bag where the estimator can,
        else 5 stratified folds; an int always means folds.
    max_samples : int >= 2, float in (0, 1] or None, default=None
        Rows that each fold model is fitted on at most, or their share of the rows outside its
        fold: for very many rows, of which a part teaches a model enough. All rows are judged.
        Drawn at random, in the shares of the classes, of which each keeps 5 rows or all. None
        means all rows; else there are folds also where the estimator could be judged out of bag.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        1 minus label quality, in [0, 1]; NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong. With "auto": the posterior by the joint.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows. With "auto" they are those of `filter_by`, which counts; so a flagged row may
        have a low `noise_proba_`.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label; for a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    class_proba_ : ndarray of shape (n, K)
        Out-of-sample probabilities.
    thresholds_ : ndarray of shape (K,)
        Mean self-confidence of each class.
    confident_joint_ : ndarray of shape (K, K)
        Number of rows of given class i and true class j, as counted.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    References
    ----------
    C. Northcutt, L. Jiang, I. Chuang: "Confident learning: estimating uncertainty in dataset
    labels", Journal of Artificial Intelligence Research 70, 2021.

    C. Northcutt, A. Athalye, J. Mueller: "Pervasive label errors in test sets destabilize machine
    learning benchmarks", NeurIPS Datasets and Benchmarks, 2021.

    Notes
    -----
    The paper's probabilities come from cross-validation of a probabilistic classifier. Here an
    estimator without `predict_proba` is judged by its margins, brought to probabilities by a
    logistic fit, and one without margins by its predictions.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.detection import ConfidentLearning
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> detector = ConfidentLearning(random_state=0).fit(X, y_noisy)
    >>> bool(wrong[detector.noise_mask_].mean() > 0.6)
    True
    """

    _task = "classification"
    _assumes = "how often a label is wrong depends on the classes, not on the features"
    _takes = ("predicted",)
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "max_samples": MAX_SAMPLES,
        "filter_by": [
            StrOptions(
                {
                    "prune_by_noise_rate",
                    "prune_by_class",
                    "both",
                    "confident_learning",
                    "predicted_neq_given",
                }
            )
        ],
        "quality": [
            StrOptions({"self_confidence", "normalized_margin", "confidence_weighted_entropy"})
        ],
        "bounded": ["boolean"],
    }

    class_proba_: FloatArray
    thresholds_: Array
    confident_joint_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        filter_by: Literal[
            "prune_by_noise_rate",
            "prune_by_class",
            "both",
            "confident_learning",
            "predicted_neq_given",
        ] = "prune_by_noise_rate",
        quality: Literal[
            "self_confidence", "normalized_margin", "confidence_weighted_entropy"
        ] = "self_confidence",
        bounded: bool = False,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        max_samples: int | float | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.filter_by = filter_by
        self.quality = quality
        self.bounded = bounded
        self.contamination = contamination
        self.cv = cv
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        proba = evidence.responses(
            self._model(evidence),
            cv=self.cv,
            max_samples=self.max_samples,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        ).values
        proba, codes, judged = check_proba(proba, evidence.target.codes)
        if not judged.any():  # a single class, or nothing but sole members of classes
            return Finding(score=np.full(len(codes), np.nan), suggestion=proba)
        known, given = judged_rows(proba, codes, judged)
        thresholds = mean_confidence(known, given)
        joint = joint_of(confident_class(known, thresholds), given, len(thresholds))
        if self.bounded:
            units = evidence.together
            joint = bounded_joint(known, given, joint, None if units is None else units[judged])
        counts = prune_counts(joint) if self.filter_by in PRUNE_FILTERS else None
        mask = suspects_of(known, given, self.filter_by, self.quality, counts)
        score = label_noise(known, given, self.quality)
        posterior = posterior_of_joint(proba, codes, joint)
        posterior[~judged] = np.nan
        right = proba_of_given(posterior, codes)
        return Finding(
            score=of_all_rows(score, judged, np.nan),
            suggestion=proba,
            noise_proba=np.subtract(1.0, right, out=right),
            mask=of_all_rows(mask, judged, False),
            label_proba=posterior,
            attributes={
                "class_proba_": proba,
                "thresholds_": thresholds,
                "confident_joint_": joint,
            },
        )

    def _reason(self, row):
        proba, given = self.class_proba_[row], self._target.codes[row]
        best = int(np.searchsorted(self.classes_, self.y_suggested_[row]))
        if best == given:
            top = int(np.argmax(proba))
            if top == given:
                return f"looks like {self.classes_[given]} (p={proba[given]:.2f}), as given"
            return (
                f"looks more like {self.classes_[top]} (p={proba[top]:.2f}) than "
                f"{self.classes_[given]} (p={proba[given]:.2f}), not enough to call it wrong"
            )
        return (
            f"looks like {self.classes_[best]} (p={proba[best]:.2f}), "
            f"not {self.classes_[given]} (p={proba[given]:.2f})"
        )
