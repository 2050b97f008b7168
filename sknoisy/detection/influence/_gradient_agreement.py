"""Wrong labels by gradients that point against those of other rows."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from scipy.special import softmax
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from sknoisy._typing import Array, Contamination, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.influence._linear_influence import narrow_features


class GradientAgreement(BaseDetector):
    """Wrong labels by gradients that point against those of other rows (AGRA).

    A softmax regression is trained on the features in small steps. At each step every row of the
    batch is compared to another batch, drawn from the other rows: the cosine between the gradient
    of the row's loss and the mean gradient of that batch. Rows that disagree (cosine not above
    `threshold`) do not take part in the step, so that the model is not taught by them. The score
    is one minus the mean cosine over all passes, divided by two.

    The steps are few and small on purpose: once the model fits the rows, what is left of the
    gradients is chance.

    Number of fits: none of the estimator; `n_passes` passes of stochastic gradient descent of a
    linear model, with time of `n_passes` n d K and memory of n d. With `contamination="auto"`, 5
    more of the model, or 1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        It is not fitted as a model. Where it is a Pipeline, the steps before its last one make the
        features, which are brought to equal spread and, beyond 100, down to 100 by a singular
        value decomposition. None means the one a treatment wraps; alone, X as numbers.
    n_passes : int >= 1, default=10
        Passes over all rows.
    batch_size : int >= 1, default=128
        Rows of a step, and of the batch that they are compared to; at most half of all rows.
    learning_rate : float > 0, default=0.2
        Length of a step, over the mean squared length of the feature vectors.
    threshold : float in [-1, 1], default=0.0
        Rows with a cosine above it agree.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model. "own" flags rows that disagreed in most passes. Where classes overlap, these include
        right rows on the wrong side.
    random_state : int, RandomState instance or None, default=None
        Seeds the batches.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        From 0, gradient as those of the others, to 1, opposed to them. NaN for the sole member of
        a class, which none can agree with, and where there is one class only.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong. With "own": `disagreement_`.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label by the trained model and `noise_proba_`; for a flagged row the
        likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    disagreement_ : ndarray of shape (n,)
        Share of the passes in which the row disagreed.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    SelfInfluence : The gradient in the metric of the Hessian, at the end of training.

    Notes
    -----
    There is none for numbers: near the optimum of a regression the gradients of half the rows
    point against those of the others, right or wrong.

    With `sample_weight`, a row counts in proportion to its weight in the steps and in the mean
    gradient. Trusted rows always take part.

    References
    ----------
    A. Sedova, L. Zellinger, B. Roth: "Learning with noisy labels by adaptive gradient-based
    outlier removal", ECML PKDD 2023 (there the rows are left out while a model is trained, with
    Adam, for that model's sake, perhaps with an alternative label or an F1 loss for the comparison;
    here plain steps, and the agreement is kept as a score).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import GradientAgreement
    >>> X, y = load_iris(return_X_y=True)
    >>> y[3] = 2
    >>> int(GradientAgreement(random_state=0).fit(X, y).noise_score_.argmax())
    3
    """

    _task = "classification"
    _assumes = "early in training, most rows of a class agree; a linear model is not far off"
    _takes = ("predicted", "features")
    _auto = "count"
    _parameter_constraints: dict = {
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "n_passes": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "threshold": [Interval(Real, -1, 1, closed="both")],
        "contamination": BaseDetector._parameter_constraints["contamination"],
        "random_state": BaseDetector._parameter_constraints["random_state"],
    }

    disagreement_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_passes: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.2,
        threshold: float = 0.0,
        contamination: Contamination = "auto",
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_passes = n_passes
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.threshold = threshold
        self.contamination = contamination
        self.random_state = random_state

    def _find(self, evidence):
        n, codes = evidence.n_rows, evidence.target.codes
        n_classes = len(evidence.target.classes)
        if n_classes < 2 or n < 4:  # nothing to compare
            return Finding(
                score=np.full(n, np.nan),
                suggestion=np.full((n, n_classes), np.nan),
                attributes={"disagreement_": np.full(n, np.nan)},
            )
        model = None if self.estimator is None else self._model(evidence)
        features = narrow_features(model, evidence)
        features = np.column_stack([features, np.ones(n)])
        weight = evidence.inputs.sample_weight
        weight = np.ones(n) if weight is None else weight / weight.mean()
        cosine, agreed, proba = self._train(features, codes, n_classes, weight, evidence.trusted)
        alone = np.bincount(codes)[codes] == 1
        cosine[alone], proba[alone], agreed[alone] = np.nan, np.nan, np.nan
        disagreement = 1.0 - agreed
        return Finding(
            score=(1.0 - cosine) / 2,
            suggestion=proba,
            noise_proba=np.nan_to_num(disagreement),
            mask=disagreement > 0.5,
            attributes={"disagreement_": disagreement},
        )

    def _train(self, X, codes, n_classes, weight, trusted):
        """(mean cosine, share of passes with agreement, probabilities at the end) of each row."""
        n, rng = len(X), check_random_state(self.random_state)
        length = np.linalg.norm(X, axis=1)
        step = self.learning_rate / np.mean(length**2)
        given = np.eye(n_classes)
        coef = np.zeros((n_classes, X.shape[1]))

        def off(rows):
            return softmax(X[rows] @ coef.T, axis=1) - given[codes[rows]]

        cosine, agreed = np.zeros(n), np.zeros(n)
        size = min(self.batch_size, n // 2)
        for _ in range(self.n_passes):
            order = rng.permutation(n)
            for start in range(0, n, size):
                batch = order[start : start + size]
                # the other rows in a circle behind the batch: a random start makes a random draw
                begin = start + len(batch) + rng.randint(n - len(batch))
                others = np.arange(begin, begin + n)
                others = others[(others - start) % n >= len(batch)][:size] % n
                others = order[others]
                common = (off(others) * weight[others][:, None]).T @ X[others]
                mine = off(batch)
                inner = (mine * (X[batch] @ common.T)).sum(axis=1)
                norms = np.linalg.norm(mine, axis=1) * length[batch] * np.linalg.norm(common)
                alike = inner / np.maximum(norms, np.finfo(float).tiny)
                agree = alike > self.threshold
                cosine[batch] += alike
                agreed[batch] += agree
                used = weight[batch] * (agree | trusted[batch])
                if used.any():
                    coef -= step / used.sum() * ((mine * used[:, None]).T @ X[batch])
        proba = softmax(X @ coef.T, axis=1)
        return cosine / self.n_passes, agreed / self.n_passes, proba

    def _reason(self, row):
        if np.isnan(self.noise_score_[row]):
            return "not judged"
        return (
            f"disagreed with other rows in {self.disagreement_[row]:.0%} of the passes "
            f"(mean cosine of the gradients {1 - 2 * self.noise_score_[row]:+.2f})"
        )
