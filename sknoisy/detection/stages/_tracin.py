"""Wrong targets by the influence of a row on its own loss, traced through the training."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._typing import Contamination, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import stage_verdict
from sknoisy.detection.stages._data_diet import layer_norms
from sknoisy.detection.stages._staged_model import staged_model
from sknoisy.noise_model._wide_normal import typical_size


class TracIn(BaseDetector):
    """Wrong targets by how much a row has to lower its own loss, traced through the training.

    A step of gradient descent on one row lowers the loss of that row by about the step size times
    the squared norm of its gradient. The sum over the checkpoints of the training is the
    self-influence of the row (TracInCP). Rows that agree with others are learnt from these, and
    have little left to do for themselves; a wrong row has no others, and goes on for long.

    The gradient is that with respect to a linear last layer, which has a closed form: the product
    of the error (for classes the predicted probabilities minus the given label, for numbers the
    residual) and the features with a constant added. Each checkpoint stands for the share of the
    training since the one before, in place of a step size.

    Number of fits: 1; times the number of folds when `cv` is given. With `contamination="auto"`,
    `cv` (5) more of the model, or 1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that trains in stages: boosting, a neural network, stochastic
        gradient descent. None means the one a treatment wraps; alone, histogram gradient boosting.
        The steps before the last one of a Pipeline make the features; without such steps they are
        the columns, brought to equal spread (a DataFrame is encoded, texts become TF-IDF).
    n_stages : int >= 1, default=20
        Number of checkpoints, at most the number of iterations.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model. "own" flags, for classes, those that the model predicts otherwise, by the mean over
        the checkpoints, and that are more likely wrong than right by the confident joint of these
        means; for numbers, those that more likely belong to the wider one of two normals about
        zero.
    cv : int, splitter, iterable or None, default=None
        None means, as in the paper, that the model is trained on the rows it judges. Otherwise the
        folds of cross-fitting: then the sum tells what the row would do for itself if it came to
        each of the checkpoints as a new one.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds any `random_state` that `estimator` leaves at None, and the folds.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Self-influence: the sum of squared norms of the gradient, weighted with the shares of the
        training; NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        For classes the likeliest label, for a flagged row the likeliest other one; for numbers the
        prediction. Both by the mean over the checkpoints, in which a row's own target has a say
        unless `cv` is given.
    label_proba_ : ndarray of shape (n, K)
        For classes: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For classes: all classes of y.
    error_influence_ : ndarray of shape (n,)
        The same sum with the error in place of the gradient, that is, of a layer that holds a
        constant only: without regard to the size of the features.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    GraNd : The norm of the same gradient, early in training, over several seeds.

    References
    ----------
    G. Pruthi, F. Liu, S. Kale, M. Sundararajan: "Estimating training data influence by tracing
    gradient descent", NeurIPS 2020 (there for networks, whose gradient is usually taken at the
    last layer as well. Adapted: the gradient of a linear layer on the features for models of any
    kind, exact for a linear model that is trained by gradient descent; numbers).

    Notes
    -----
    The influence of a row on the loss of all others is not used: with a linear layer its sum over
    the others is a product with their mean gradient, which training brings to zero.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.neural_network import MLPClassifier
    >>> from sknoisy.detection import TracIn
    >>> X, y = make_blobs(200, centers=[[-4, -4], [4, 4]], random_state=0)
    >>> y[:5] = 1 - y[:5]
    >>> detector = TracIn(MLPClassifier(max_iter=100), random_state=0).fit(X, y)
    >>> sorted(detector.noise_score_.argsort()[-5:].tolist())
    [0, 1, 2, 3, 4]
    """

    _task = "both"
    _assumes = "a right row is learnt from others; rows with unusual features are suspect as well"
    _takes = ("predicted", "stages", "features")
    _auto = "count"
    _score_has_unit = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "n_stages": [Interval(Integral, 1, None, closed="left")],
    }

    error_influence_: FloatArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_stages: int = 20,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_stages = n_stages
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _default_model(self, evidence):
        return staged_model(evidence)

    def _find(self, evidence):
        model, target = self._model(evidence), evidence.target
        stages = evidence.stages(
            model,
            n_stages=self.n_stages,
            cv=self.cv,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        step = np.diff(stages.progress, prepend=0.0)
        error = (
            stages.error_norm if target.is_labels else stages.prediction - target.y.astype(float)
        )
        of_error = step @ error**2
        norms = layer_norms(evidence.features(model))
        score = of_error * norms**2
        # the root is in units of the error
        proba, mask = stage_verdict(target.codes, stages.mean, np.sqrt(score))
        return Finding(
            score=score,
            suggestion=stages.mean,
            noise_proba=proba,
            mask=mask,
            attributes={"error_influence_": of_error},
        )

    def _reason(self, row):
        times = self.noise_score_[row] / typical_size(self.noise_score_)
        return (
            f"needs {times:.1f} times the usual influence on its own loss, "
            f"given {self._target.y[row]}, {self.y_suggested_[row]} by the model in training"
        )
