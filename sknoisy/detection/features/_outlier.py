"""Broken rows by any of scikit-learn's outlier detectors."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.special import expit
from sklearn.base import is_outlier_detector
from sklearn.neighbors import LocalOutlierFactor
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods

from sknoisy._evidence import weight_parameter
from sknoisy._evidence._fitting import seeded_clone
from sknoisy._evidence.bags._out_of_bag import last_step
from sknoisy._typing import Contamination, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.exceptions import RareClassWarning

MIN_CLASS_ROWS = 5  # fewer rows do not show what is usual in a class


class Outlier(BaseDetector):
    """Broken features by an outlier detector: rows unlike all others, or unlike their class.

    It finds misplaced decimal points, failed sensors and rows of something else altogether. It is
    no detector of wrong labels: it looks at the features alone, and a mislabelled row is usually
    an ordinary one. With `per_class=True`, a row that looks like those of another class is unlike
    its own, so that some wrong labels are found too.

    It suggests no other target, since the target is not what is broken: filter or reweight by it.
    Relabelling by it changes nothing.

    Number of fits: 1 of the outlier detector, or 1 for each class.

    Parameters
    ----------
    outlier_detector : estimator object, default=None
        Any of scikit-learn's outlier detectors, another of their kind (`predict` is -1 for
        outliers, and `decision_function` negative), or a Pipeline that ends in one. PyOD's, which
        have it the other way round, are refused. None means `LocalOutlierFactor()`, which searches
        neighbours and so takes time that grows with the square of the number of rows where there
        are more than about 15 columns; an `IsolationForest` is faster then, but much blinder to a
        single broken cell in many columns.
    estimator : estimator object, default=None
        It is not fitted as a model. Where it is a Pipeline, the steps before its last one make the
        features. None means the one a treatment wraps. Without such steps: numbers, brought to
        equal spread; a DataFrame, encoded column by column (missing values filled and marked);
        texts, as TF-IDF.
    per_class : bool, default=False
        Compare each row with those given the same label rather than with all. Only for labels. A
        class of fewer than 5 rows is not judged.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" are those for which `outlier_detector` predicts -1, which
        depends on its own `contamination`, or for `OneClassSVM` on its `nu`.
    n_jobs : int or None, default=None
        Passed to `outlier_detector` when it has such a parameter and leaves it at None. The result
        does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds any `random_state` that `outlier_detector` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        How far a row lies beyond the outlier detector's border, on its own scale: above zero it is
        an outlier. NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        How probably the row is broken. With "auto": a logistic curve of the score, one half at the
        border, in units of the scores' median absolute deviation; ordered, but not calibrated.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The given target.
    label_proba_ : ndarray of shape (n, K)
        For labels: 1 for the given label.
    classes_ : ndarray of shape (K,)
        For labels: all classes of y.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    NeighborDisagreement : Wrong labels, by neighbours.
    Residual : Wrong numbers.

    Notes
    -----
    `sample_weight` reaches an outlier detector whose `fit` takes it, such as `IsolationForest`.
    Others, such as `LocalOutlierFactor`, look at all rows alike. With `per_class=True`, a class
    whose weights are all zero is not judged.

    `LocalOutlierFactor` judges each row by the others, whatever its `novelty` is.

    References
    ----------
    M. Breunig, H.-P. Kriegel, R. Ng, J. Sander: "LOF: identifying density-based local outliers",
    SIGMOD 2000 (the default outlier detector).

    F. T. Liu, K. M. Ting, Z.-H. Zhou: "Isolation forest", ICDM 2008.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import Outlier
    >>> X, y = load_iris(return_X_y=True)
    >>> X[[3, 60], 0] = [51.0, -7.0]  # a misplaced decimal point, a wrong sign
    >>> report = Outlier().fit(X, y).noise_report(X, y)
    >>> report["row"].head(2).tolist()
    [3, 60]
    """

    _task = "both"
    _assumes = "broken rows have unusual features"
    _takes = ("features",)
    _parameter_constraints: dict = {
        "outlier_detector": [HasMethods(["fit"]), None],
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "per_class": ["boolean"],
        "contamination": BaseDetector._parameter_constraints["contamination"],
        "n_jobs": BaseDetector._parameter_constraints["n_jobs"],
        "random_state": BaseDetector._parameter_constraints["random_state"],
    }

    def __init__(
        self,
        outlier_detector: Estimator | None = None,
        *,
        estimator: Estimator | None = None,
        per_class: bool = False,
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.outlier_detector = outlier_detector
        self.estimator = estimator
        self.per_class = per_class
        self.contamination = contamination
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        if self.outlier_detector is not None and not _detects_outliers(self.outlier_detector):
            raise TypeError(
                "outlier_detector must be an outlier detector of scikit-learn's kind, such as "
                f"IsolationForest, or a Pipeline that ends in one, got {self.outlier_detector!r}."
            )
        features = evidence.features(self.estimator)
        n, weight = evidence.n_rows, evidence.inputs.sample_weight
        rng = check_random_state(self.random_state)
        score, proba = np.full(n, np.nan), np.zeros(n)
        mask = np.zeros(n, dtype=bool)
        for rows in self._parts(evidence.target):
            seed = None if self.random_state is None else rng.randint(2**31 - 1)
            if weight is not None and not weight[rows].any():
                continue
            model = self._prepared(len(rows), seed)
            try:
                outlying, is_outlier = outlyingness(
                    model, features[rows], None if weight is None else weight[rows]
                )
            except Exception as error:
                of = ""
                if self.per_class:
                    of = f" of class {evidence.target.classes[evidence.target.codes[rows[0]]]!s}"
                error.add_note(
                    f"sknoisy was fitting {type(last_step(model)).__name__}, the outlier_detector, "
                    f"to the {len(rows)} rows{of}."
                )
                raise
            score[rows], mask[rows] = outlying, is_outlier
            proba[rows] = expit(outlying / _spread(outlying))
        return Finding(score=score, noise_proba=proba, mask=mask)

    def _parts(self, target):
        """Row numbers of the sets in which rows are compared."""
        n = len(target.y)
        if not self.per_class:
            if n < 2:
                raise ValueError(f"An outlier needs other rows to differ from, got n_samples={n}.")
            return [np.arange(n)]
        if not target.is_labels:
            raise ValueError("Outlier(per_class=True) compares rows of one label: y has numbers.")
        counts = np.bincount(target.codes)
        rare = np.flatnonzero(counts < MIN_CLASS_ROWS)
        if len(rare):
            named = ", ".join(f"{target.classes[j]!s} ({counts[j]})" for j in rare[:10])
            more = f" and {len(rare) - 10} more" if len(rare) > 10 else ""
            warnings.warn(
                f"{len(rare)} classes have fewer than {MIN_CLASS_ROWS} members: {named}{more}. "
                "Their rows are not judged and are kept.",
                RareClassWarning,
                stacklevel=4,
            )
        common = np.flatnonzero(counts >= MIN_CLASS_ROWS)
        return [np.flatnonzero(target.codes == j) for j in common]

    def _prepared(self, n_rows, seed):
        if self.outlier_detector is None:
            return LocalOutlierFactor(n_neighbors=min(20, n_rows - 1), n_jobs=self.n_jobs)
        model = seeded_clone(self.outlier_detector, seed)
        if model.get_params(deep=False).get("n_jobs", 1) is None:
            model.set_params(n_jobs=self.n_jobs)
        return model

    def _reason(self, row):
        score = self.noise_score_[row]
        others = "the other rows"
        if self.per_class:
            others += f" of {self.classes_[self._target.codes[row]]}"
        if score > 0:
            return f"features unlike those of {others}: {score:.3g} beyond the border"
        return f"features like those of {others}: {-score:.3g} within the border"


def _detects_outliers(model):
    try:
        return is_outlier_detector(model)
    except (AttributeError, TypeError):  # it has no tags: its verdicts will show what it is
        return hasattr(last_step(model), "decision_function") and not hasattr(model, "transform")


def outlyingness(model, X, sample_weight=None):
    """Fit `model` to X; how far each row lies beyond its border, and whether it is an outlier."""
    name = None if sample_weight is None else weight_parameter(model)
    if name is None:
        model.fit(X)
    else:  # an IsolationForest cannot draw its samples where most weights are zero
        rows = np.flatnonzero(sample_weight)
        model.fit(X[rows], **{name: sample_weight[rows]})
    last = last_step(model)
    if hasattr(last, "negative_outlier_factor_"):
        # its predictions are for other rows: a training row would be its own nearest neighbour
        score = last.offset_ - last.negative_outlier_factor_
        return score, score > 0
    if not (hasattr(model, "decision_function") and hasattr(model, "predict")):
        raise TypeError(
            f"{type(last).__name__}, the outlier_detector, must have decision_function and predict."
        )
    values, said = np.ravel(model.decision_function(X)), np.ravel(model.predict(X))
    _check_convention(values, said, type(last).__name__)
    return -values, said == -1


def _check_convention(values, said, name):
    """Refuse a detector in which high values, or other verdicts than -1, may be the outliers'."""
    known = np.unique(said).tolist()
    if not set(known) <= {-1, 1}:
        what = f"predicts {', '.join(map(str, known[:5]))}"
    elif not _by_sign(values, said == -1):
        what = "does not give the rows for which it predicts -1, and no others, values below zero"
    else:
        return
    raise ValueError(
        f"{name}, the outlier_detector, {what}, so that it is not clear which rows are outliers: "
        "predict must be -1 for them and 1 for others, and decision_function negative for them, as "
        "in scikit-learn. In PyOD it is the other way round: derive a class with "
        "decision_function = threshold_ - PyOD's, and predict by its sign."
    )


def _by_sign(values, is_outlier):
    """Whether outliers are the rows below zero; one at the border may be on either side."""
    clear = np.abs(values) > 1e-6 * np.abs(values).max()
    return bool(np.mean((values < 0) == is_outlier, where=clear) > 0.99) if clear.any() else True


def _spread(score):
    """Median absolute deviation, of all scores or, where it is zero, of the differing ones."""
    size = np.abs(score - np.median(score))
    return np.median(size) or (np.median(size[size > 0]) if size.any() else 1.0)
