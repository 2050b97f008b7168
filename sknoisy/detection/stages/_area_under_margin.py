"""Wrong targets by how clearly a model says as given, on average over its training."""

from __future__ import annotations

from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._responses import margins_to_proba
from sknoisy._typing import Array, Contamination, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import stage_verdict
from sknoisy.detection.stages._staged_model import staged_model
from sknoisy.noise_model._wide_normal import typical_size

LEAST_PROBA = 1e-6  # a lower one is taken for this, so that one stage cannot outdo all others


class AreaUnderMargin(BaseDetector):
    """Wrong targets by the margin of the given label, averaged over the training of a model.

    The margin of a row is the logit of its given label minus the highest logit among the others.
    While a model is trained, rows like it pull a wrongly labelled row towards another label, and
    only its own weight in the training pulls it towards the given one. So its margin stays low for
    long, even where it is high in the end because the model knows the row by heart.

    For numbers the margin is one minus the absolute residual, in units of the median absolute
    residual at the same stage.

    Number of fits: 1, or with `rule="threshold_samples"` and `contamination="auto"` 2; times the
    number of folds when `cv` is given. With `contamination="auto"`, `cv` (5) more of the model, or
    1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that trains in stages (see `training_stages`). None means the one a
        treatment wraps; alone, histogram gradient boosting.
    rule : {"posterior", "threshold_samples"}, default="posterior"
        With `contamination="own"`, or "auto" and "threshold_samples", which rows are flagged:

        - "posterior": for classes, those that on average over the stages are predicted otherwise,
          and that are more likely wrong than right by the confident joint of these mean
          probabilities, after a logistic fit to the labels; for numbers, those that more likely
          belong to the wider one of two normals about zero. A model that knows the rows by heart
          from the first stage on, such as a forest, needs `cv`;
        - "threshold_samples": the paper's rule, for classes only. A random n / (K + 1) of the rows
          are put into an extra class, so that their labels are wrong for certain. Rows are flagged
          whose area is below the 99th percentile of theirs. This is done twice, with other rows,
          and each row is judged where it keeps its label, on average if in both.
    n_stages : int >= 1, default=20
        Number of stages at which the margin is taken, at most the number of iterations.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model. "own" is `rule`.
    cv : int, splitter, iterable or None, default=None
        None means, as in the paper, that the model is trained on the rows it judges; otherwise the
        folds of cross-fitting.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds any `random_state` that `estimator` leaves at None, the folds, and which rows are
        threshold samples.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Minus the area under the margin; with threshold samples, how far it is below their
        percentile. NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong. With "own": for classes the posterior by the
        confident joint, for numbers that of the wider normal.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        For classes the likeliest label, for a flagged row the likeliest other one; for numbers the
        prediction. Both are means over the stages.
    label_proba_ : ndarray of shape (n, K)
        For classes: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For classes: all classes of y.
    aum_ : ndarray of shape (n,)
        The area under the margin: the mean margin over the stages.
    threshold_aum_ : ndarray of shape (2,)
        With threshold samples: the percentile in each of the runs.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    DatasetMap : The mean probability, and how much it varies.
    training_stages : What counts as the training of a model.

    Notes
    -----
    The logits are the logarithms of the probabilities. Those below one in a million count as that,
    which a network's logits in the paper do not.

    The rule of threshold samples fits many classes. With K classes, 1 in K + 1 rows has its label
    replaced: with two classes that is a third, and the model learns little else. On clean made data
    of two classes it flagged from a quarter to over four fifths of the rows, by model; of
    handwritten digits with a tenth wrong, around an eighth with a forest and a sixth with a linear
    model. The paper's own experiments are with networks and 10 to 1000 classes.

    References
    ----------
    G. Pleiss, T. Zhang, E. Elenberg, K. Q. Weinberger: "Identifying mislabeled data using the area
    under the margin ranking", NeurIPS 2020 (there of networks, trained until the learning rate
    first drops. Adapted: any model that trains in stages, its logits being log-probabilities; the
    rule "posterior"; the average over the runs in which a row keeps its label; numbers).

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import AreaUnderMargin
    >>> X, y = make_blobs(200, centers=[[-4, -4], [4, 4]], random_state=0)
    >>> y[:5] = 1 - y[:5]
    >>> detector = AreaUnderMargin(LogisticRegression(), random_state=0).fit(X, y)
    >>> detector.noise_mask_.nonzero()[0].tolist()
    [0, 1, 2, 3, 4]
    """

    _task = "both"
    _assumes = "right rows that are alike outweigh the wrong ones while the model trains"
    _takes = ("predicted", "stages")
    _auto = "count"
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "rule": [StrOptions({"posterior", "threshold_samples"})],
        "n_stages": [Interval(Integral, 1, None, closed="left")],
    }

    aum_: Array
    threshold_aum_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        rule: Literal["posterior", "threshold_samples"] = "posterior",
        n_stages: int = 20,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.rule = rule
        self.n_stages = n_stages
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _default_model(self, evidence):
        return staged_model(evidence)

    # ------------------------------------------------------------------ the method

    def _find(self, evidence):
        own_rule = isinstance(self.contamination, str)
        if own_rule and self.rule == "threshold_samples":
            return self._by_threshold_samples(evidence)
        stages = self._stages(evidence, self.random_state)
        if evidence.target.is_labels:
            aum, size = label_margins(stages).mean(axis=0), None
            suggestion = calibrated(stages.mean, evidence.target.codes)
        else:
            suggestion = stages.mean
            size = scaled_residuals(stages, evidence.target.y).mean(axis=0)
            aum = 1.0 - size
        proba, mask = stage_verdict(evidence.target.codes, suggestion, size)
        return Finding(
            score=-aum,
            suggestion=suggestion,
            noise_proba=proba,
            mask=mask,
            attributes={"aum_": aum},
        )

    def _stages(self, evidence, seed):
        return evidence.stages(
            self._model(evidence),
            n_stages=self.n_stages,
            cv=self.cv,
            random_state=seed,
            n_jobs=self.n_jobs,
        )

    def _by_threshold_samples(self, evidence):
        target, n = evidence.target, evidence.n_rows
        if not target.is_labels:
            raise ValueError(
                'rule="threshold_samples" is for class labels, and here y holds numbers: set '
                'rule="posterior".'
            )
        n_samples = n // (len(target.classes) + 1)
        if n_samples < 2:
            raise ValueError(
                f'rule="threshold_samples" takes n / (K + 1) rows for an extra class, which is '
                f'less than 2 of {n} rows in {len(target.classes)} classes: set rule="posterior".'
            )
        rng = check_random_state(self.random_state)
        rows, seeds = rng.permutation(n), rng.randint(2**31 - 1, size=2)
        aum, proba, n_runs = np.zeros(n), np.zeros((n, len(target.classes))), np.zeros(n)
        below, percentiles = np.zeros(n), np.zeros(2)
        for run in range(2):
            samples = np.zeros(n, dtype=bool)
            samples[rows[run * n_samples : (run + 1) * n_samples]] = True
            stages = self._stages(with_extra_class(evidence, samples), int(seeds[run]))
            area = label_margins(stages).mean(axis=0)
            percentiles[run] = np.nanquantile(area[samples], 0.99)
            own = ~samples
            aum[own] += area[own]
            kept = np.unique(target.codes[own])  # the extra class, the last one, is left out
            proba[np.ix_(own, kept)] += stages.mean[own, :-1]
            below[own] += percentiles[run] - area[own]
            n_runs[own] += 1
        proba[proba.sum(axis=1) == 0] = 1.0  # all went to the extra class: nothing is known
        proba = calibrated(proba / proba.sum(axis=1, keepdims=True), target.codes)
        score = below / n_runs
        return Finding(
            score=score,
            suggestion=proba,
            noise_proba=stage_verdict(target.codes, proba, None)[0],
            mask=score >= 0,
            chosen=True,
            attributes={"aum_": aum / n_runs, "threshold_aum_": percentiles},
        )

    def _reason(self, row):
        area, given = self.aum_[row], self._target.y[row]
        if self._target.is_labels:
            best = self.y_suggested_[row]
            other = "" if best == given else f"; {best} is likelier"
            return f"margin of {given} over training {area:+.2f} on average{other}"
        return (
            f"predicted {self.y_suggested_[row]:.6g} over training, off by "
            f"{1 - area:.1f} times the usual"
        )


def label_margins(stages):
    """(S, n): logit of the given label minus the highest other one, at each stage."""
    given, other = np.maximum(stages.given, LEAST_PROBA), np.maximum(stages.other, LEAST_PROBA)
    return np.log(given) - np.log(other)


def scaled_residuals(stages, y):
    """(S, n): absolute residuals in units of the median one at the same stage."""
    size = np.abs(y.astype(float) - stages.prediction)
    return size / np.array([typical_size(at_stage) for at_stage in size])[:, None]


def calibrated(mean_proba, codes):
    """Mean probabilities over the stages, sharpened to fit the given labels.

    Early stages are unsure of everything, and so the mean is. A logistic fit of the labels to its
    log-ratios makes probabilities of it again.
    """
    logs = np.log(np.maximum(mean_proba, LEAST_PROBA))
    return margins_to_proba(logs - logs.mean(axis=1, keepdims=True), codes)


def with_extra_class(evidence, samples):
    """The same rows, of which `samples` are in a class of their own, the last one in order."""
    target = evidence.target
    last = target.classes[-1]
    if target.classes.dtype.kind in "iuf":
        y, extra = target.y.astype(np.result_type(target.y, np.int64)), last + 1
    elif target.classes.dtype.kind == "b":
        y, extra = target.y.astype(int), int(last) + 1
    else:
        y, extra = target.y.astype(object), f"{last} (threshold sample)"
    return evidence.replaced(y=np.where(samples, np.array(extra, dtype=y.dtype), y))
