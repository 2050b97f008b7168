"""Wrong targets by a confidence that drops when doubtful rows are left out of training."""

from __future__ import annotations

from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions

from sknoisy._evidence import Folds, out_of_sample
from sknoisy._limits import without
from sknoisy._typing import Array, BoolArray, Contamination, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import disagrees, label_posterior, number_verdict
from sknoisy.noise_model._wide_normal import MAD_TO_SD, typical_size

FLOOR = 1e-3  # added to probabilities before the logarithm; a confidence below it is none
FAR_OFF = 3.0  # residuals beyond this many standard deviations are left out of the second round


class ConfidenceDrop(BaseDetector):
    """Wrong targets by a drop of confidence when the model is refitted on rows it agrees with.

    1. A first model, which has not seen the row, gives its confidence in the given target.
    2. The rows that this model agrees with are kept: those whose given label it finds the
       likeliest, or whose residual is within 3 standard deviations, by the median absolute one.
    3. A second model, which has not seen the row either, is fitted on kept rows only. Confidence
       rises in what the kept rows, the crowd, have in common, and drops elsewhere.

    The score is the drop of the log confidence. Confidence is the probability of the given label,
    to which 0.001 is added, or the density of a normal about the predicted number, relative to its
    peak.

    Number of fits: twice `cv` (10), or `cv` + 1 for a forest or bagging, which is judged out of bag
    in the first round.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor to refit. None means the one a treatment wraps; alone, a random
        forest of 200 trees, behind an encoder for a DataFrame.
    rule : {"posterior", "drop"}, default="posterior"
        With `contamination="own"`, or "auto" and "drop", which rows are flagged: "drop", the rule
        of the paper, all that the second model is less confident in than the first, or has a
        confidence below 0.001 in, which can drop no further. Right rows are often among them, near
        a border, or with a probability near one already. "posterior": those of them whose target is
        wrong by the balance of probability, given the second model.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions. "own"
        is `rule`.
    cv : int, splitter, iterable or None, default=None
        Folds. None means 5, save that a forest or bagging is judged out of bag in the first round;
        an int always means folds.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Log confidence of the first model minus that of the second; above 0 it has dropped. NaN for
        a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong. With "own": for labels the posterior by the
        confident joint of the second model's probabilities; for numbers that of the wider of two
        normals of its residuals.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label, for a flagged row the likeliest other one; or the predicted number;
        by the second model.
    label_proba_ : ndarray of shape (n, K)
        For labels: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For labels: all classes of y.
    confidence_before_, confidence_after_ : ndarray of shape (n,)
        Confidence in the given target of the first and of the second model, in [0, 1].
    kept_ : ndarray of shape (n,) of bool
        Rows that the first model agrees with. Of each class, the 5 least doubtful ones of a fold's
        training rows are fitted on in any case.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    References
    ----------
    J. Lee, D. Das, J. Choo, S. Choi: "Towards open-set test-time adaptation utilizing the wisdom of
    crowds in entropy minimization", ICCV, 2023 (there a network is adapted to unlabelled rows by
    what it predicts of them, and rows are left out whose confidence in the prediction drops. Here
    it is confidence in the given target, of models that have not seen the row; the refit on rows
    that the first model agrees with has the place of the adaptation; the paper only compares the
    two confidences, and the logarithm is taken to rank rows).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.detection import ConfidenceDrop
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> model = LogisticRegression(max_iter=200)
    >>> detector = ConfidenceDrop(model, contamination="own", random_state=3)
    >>> found = detector.fit(X, y_noisy).noise_mask_
    >>> bool(wrong[found].mean() > 0.7)
    True
    >>> bool(found[wrong].mean() > 0.8)
    True
    """

    _task = "both"
    _assumes = "wrong targets contradict what the rows that the model agrees with have in common"
    _auto = "count"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "rule": [StrOptions({"posterior", "drop"})],
    }

    confidence_before_: Array
    confidence_after_: Array
    kept_: BoolArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        rule: Literal["posterior", "drop"] = "posterior",
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.rule = rule
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        find = self._find_labels if evidence.target.is_labels else self._find_numbers
        return find(evidence, self._before(evidence))

    def _find_labels(self, evidence, first):
        codes, rows = evidence.target.codes, np.arange(evidence.n_rows)
        before = first[rows, codes]
        kept = ~disagrees(first, codes) | evidence.trusted
        second = self._after(evidence, kept, doubt=1.0 - np.nan_to_num(before))
        after = second[rows, codes]
        posterior = label_posterior(second, codes)
        noise_proba = 1.0 - posterior[rows, codes]
        score = np.log(before + FLOOR) - np.log(after + FLOOR)
        return Finding(
            score=score,
            suggestion=second,
            noise_proba=noise_proba,
            mask=self._mask(score, after, noise_proba),
            chosen=self.rule == "drop",
            label_proba=posterior,
            attributes=self._attributes(before, after, kept),
        )

    def _find_numbers(self, evidence, first):
        y = evidence.target.y.astype(float)
        size = np.abs(y - first)
        spread = MAD_TO_SD * typical_size(size)
        kept = ~(size > FAR_OFF * spread) | evidence.trusted
        second = self._after(evidence, kept, doubt=np.nan_to_num(size))
        log_before, log_after = -0.5 * (size / spread) ** 2, -0.5 * ((y - second) / spread) ** 2
        noise_proba = number_verdict(np.abs(y - second))["noise_proba"]
        score = log_before - log_after
        before, after = np.exp(log_before), np.exp(log_after)
        return Finding(
            score=score,
            suggestion=second,
            noise_proba=noise_proba,
            mask=self._mask(score, after, noise_proba),
            chosen=self.rule == "drop",
            attributes=self._attributes(before, after, kept),
        )

    def _before(self, evidence):
        return evidence.responses(
            self._model(evidence),
            cv=self.cv,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        ).values

    def _after(self, evidence, kept, doubt):
        """Out-of-sample values by models fitted on rows of `kept` only."""
        target = evidence.target
        seed = self.random_state
        if not isinstance(seed, Integral) and seed is not None:
            seed = check_random_state(seed).randint(2**31 - 1)
        folds = evidence.splits(self.cv, random_state=seed)
        splits = [split for repeat in folds for split in repeat]
        if target.is_labels:
            splits = [(without(a, ~kept, (doubt, doubt), target.codes), b) for a, b in splits]
            # who has seen one class only has no opinion
            splits = [(a, b) for a, b in splits if len(np.unique(target.codes[a])) > 1]
        else:
            splits = [(a[kept[a]] if kept[a].any() else a, b) for a, b in splits]
        return out_of_sample(
            self._model(evidence), evidence, cv=Folds(splits), random_state=seed, n_jobs=self.n_jobs
        ).values

    def _mask(self, score, after, noise_proba):
        dropped = (score > 1e-9) | (after < FLOOR)
        return dropped if self.rule == "drop" else dropped & (noise_proba > 0.5)

    def _attributes(self, before, after, kept):
        return {"confidence_before_": before, "confidence_after_": after, "kept_": kept}

    def _reason(self, row):
        before, after = self.confidence_before_[row], self.confidence_after_[row]
        if self.noise_score_[row] > 0:
            moved = "drops"
        else:
            moved = "rises" if self.noise_score_[row] < 0 else "stays"
        return (
            f"confidence in the given value {moved} from {before:.2g} to {after:.2g} when rows "
            "that disagree are left out of training"
        )
