"""Odd rows by their gradients along the direction in which gradients differ most."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.utils._param_validation import StrOptions

from sknoisy._typing import Contamination, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.influence._linear_influence import narrow_features

CLEAN_SHARE = 0.95  # of the trusted rows that lie below the threshold
MIN_TRUSTED = 20  # fewer have no such quantile


class GradientSubspace(BaseDetector):
    """Odd rows by their gradients along the direction in which gradients differ most (SAL).

    The gradient of a row is that of a last linear layer: out-of-sample class probabilities minus
    the label (or the residual of a number), times the features and a constant. From the gradients
    the mean gradient of a clean set is taken; the score is the squared projection of what is left
    on its top singular vector over the rows that are not clean. Rows of a foreign origin, which
    have something in common, pull that vector towards themselves. Wrong labels that are scattered
    over all classes have little in common, and other detectors find them better.

    Number of fits: `cv` (5), or 1 for a forest or bagging, which is judged out of bag.

    Parameters
    ----------
    estimator : estimator object, default=None
        Model of the out-of-sample probabilities or numbers; the features are X as numbers, or, of
        a Pipeline, what the steps before its last one make; brought to equal spread and, beyond
        100, down to 100 by a singular value decomposition. None means the model that a treatment
        wraps; alone, a random forest of 200 trees, behind an encoder for a DataFrame.
    labels : {"given", "predicted"}, default="given"
        For classification, the label that the loss is of: the given one, so that wrong labels are
        odd as well, or the likeliest one, as in the paper, where the rows have no labels and only
        odd features count. In a regression "predicted" would leave no residual and is refused.
    per_class : bool, default=True
        For classification, whether each class has a direction of its own, of the gradient by its
        own coefficients, as in the authors' code, or all classes have one of all coefficients
        together, as in the paper.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is, with at least 20 trusted rows, "own": rows above the
        0.95 quantile of the trusted rows' scores; without, `NoiseCount`, by the out-of-sample
        predictions.
    cv : int, splitter, iterable or None, default=None
        Folds of the out-of-sample predictions. None means out-of-bag where the estimator can,
        else 5 folds; an int always means folds.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Squared projection; NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the row is wrong. With "auto" and trusted rows: of a flagged row, the
        share of the flagged rows beyond the 5 % that a clean set would have; 0 for the others.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The out-of-sample prediction; for a flagged row the likeliest other label. With
        `labels="predicted"` the given label or number, since it is the features that are odd.
    label_proba_ : ndarray of shape (n, K)
        Classification only: posterior of the true label.
    classes_ : ndarray of shape (K,)
        Classification only: all classes of y.
    clean_set_ : {"trusted", "all"}
        Whose mean gradient is the reference: that of the trusted rows, when there are any (of a
        class, for `per_class`, for all classes); otherwise that of all rows, of which
        the wrong ones then are a part, so that fewer of them are found.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    References
    ----------
    X. Du, Z. Fang, I. Diakonikolas, Y. Li: "How does unlabeled data provably help
    out-of-distribution detection?", ICLR 2024 (there of the last layer of a network that is trained
    on the clean set alone, to filter unlabelled rows before an outlier classifier is trained;
    here of any model, out of sample, on labelled rows).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import GradientSubspace
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2)) + np.repeat([[0, 0], [4, 4]], 100, axis=0)
    >>> y = np.repeat(["a", "b"], 100)
    >>> y[:5] = "b"
    >>> detector = GradientSubspace(LogisticRegression(), random_state=0).fit(X, y)
    >>> np.sort(detector.noise_score_.argsort()[-5:]).tolist()
    [0, 1, 2, 3, 4]
    """

    _task = "both"
    _assumes = "odd rows have something in common and a clean set is known, or odd rows are few"
    _takes = ("predicted", "features")
    _auto = "count"
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "labels": [StrOptions({"given", "predicted"})],
        "per_class": ["boolean"],
    }

    clean_set_: str

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        labels: Literal["given", "predicted"] = "given",
        per_class: bool = True,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.labels = labels
        self.per_class = per_class
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        target, trusted = evidence.target, evidence.trusted
        if not target.is_labels and self.labels == "predicted":
            raise ValueError(
                'labels="predicted" of GradientSubspace is for class labels, and here y holds '
                'numbers, whose residuals it would set to zero: use labels="given".'
            )
        model = self._model(evidence)
        values = evidence.responses(
            model, cv=self.cv, n_jobs=self.n_jobs, random_state=self.random_state
        ).values
        X = narrow_features(model, evidence)
        X = np.column_stack([X, np.ones(len(X))])
        judged = ~np.isnan(values if values.ndim == 1 else values[:, 0])
        parts, off = self._parts(values, judged, target)
        has_clean = all(trusted[rows].any() for rows, _ in parts) and trusted[judged].any()
        score = np.full(len(X), np.nan)
        for rows, outputs in parts:
            clean = trusted[rows] if has_clean else np.ones(len(rows), dtype=bool)
            wild = ~trusted[rows] if has_clean else clean
            score[rows] = squared_projection(off[rows][:, outputs], X[rows], clean, wild)
        noise_proba, mask = None, None
        known = trusted & judged
        if has_clean and known.sum() >= MIN_TRUSTED:
            mask = judged & ~trusted & (score > np.quantile(score[known], CLEAN_SHARE))
            by_chance = (1 - CLEAN_SHARE) * (judged & ~trusted).sum()
            noise_proba = mask * max(0.0, 1.0 - by_chance / max(mask.sum(), 1))
        return Finding(
            score=score,
            suggestion=None if self.labels == "predicted" else values,
            noise_proba=noise_proba,
            mask=mask,
            chosen=mask is not None,
            attributes={"clean_set_": "trusted" if has_clean else "all"},
        )

    def _parts(self, values, judged, target):
        """[(rows, outputs)] that have one direction, and the derivative (n, outputs) of losses."""
        rows = np.flatnonzero(judged)
        if not target.is_labels:
            residual = values - target.y
            scale = np.nanstd(residual) if judged.any() else 1.0
            return ([(rows, slice(None))] if len(rows) else []), residual[:, None] / (scale or 1.0)
        codes = target.codes
        if self.labels == "predicted":
            codes = np.argmax(np.nan_to_num(values), axis=1)
        off = values - np.eye(len(target.classes))[codes]
        if not self.per_class:
            return ([(rows, slice(None))] if len(rows) else []), off
        classes = np.unique(codes[rows])
        return [(rows[codes[rows] == k], slice(k, k + 1)) for k in classes], off

    def _reason(self, row):
        if np.isnan(self.noise_score_[row]):
            return "not judged"
        usual = np.nanmedian(self.noise_score_)
        times = f", {self.noise_score_[row] / usual:.3g} times the median" if usual > 0 else ""
        return f"gradient far out where gradients differ most: {self.noise_score_[row]:.3g}{times}"


def squared_projection(off, X, clean, wild):
    """(n,): <g - m, v>² of gradients g = off ⊗ x, with m their mean over the rows `clean` and v
    the top singular vector of g - m over the rows `wild`.

    No gradient is written out: memory is that of `off` and `X`.
    """
    mean = off[clean].T @ X[clean] / clean.sum()
    if not wild.any():
        wild = clean
    off_wild, X_wild = off[wild], X[wild]

    def project(v, off, X):
        v = v.reshape(mean.shape)
        return (off * (X @ v.T)).sum(axis=1) - (mean * v).sum()

    def square(v):
        along = project(v, off_wild, X_wild)
        return ((off_wild * along[:, None]).T @ X_wild - along.sum() * mean).ravel()

    size = mean.size
    if size < 10:  # too small for Lanczos
        gram = np.column_stack([square(column) for column in np.eye(size)])
        direction = np.linalg.eigh((gram + gram.T) / 2)[1][:, -1]
    else:
        starts = [square(np.ones(size)), square(np.arange(1.0, size + 1))]
        starts = [start for start in starts if start.any()]
        if not starts:  # all gradients are the same
            return np.zeros(len(X))
        operator = LinearOperator((size, size), matvec=square, dtype=float)
        direction = eigsh(operator, k=1, which="LM", v0=starts[0])[1][:, 0]
    return project(direction, off, X) ** 2
