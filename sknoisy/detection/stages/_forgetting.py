"""Wrong labels by how often a model unlearns them."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import Interval

from sknoisy._evidence import is_table
from sknoisy._evidence._table import behind_encoder
from sknoisy._typing import Array, Contamination, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import stage_verdict
from sknoisy.detection.stages._area_under_margin import calibrated


class ForgettingEvents(BaseDetector):
    """Wrong labels by how often a model predicts as given and then, later in training, no more.

    Training on other rows makes a model forget rows that do not go with them. Wrongly labelled rows
    are forgotten often, or never learnt. So are hard rows: this tells less well what is wrong than
    what can be left out. Rows that are never forgotten are redundant.

    It needs a model that is trained on the same rows again and again, such as a network or
    stochastic gradient descent. Boosting hardly forgets; `AreaUnderMargin` is for it.

    Number of fits: 1; times the number of folds when `cv` is given. With `contamination="auto"`,
    `cv` (5) more of the model, or 1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier that trains in stages (see `training_stages`). None means the one a treatment
        wraps; alone, a neural network of 100 units and 40 epochs, behind an encoder for a
        DataFrame, otherwise behind an imputer (median) and a scaler.
    n_stages : int >= 2, default=50
        Number of stages at which predictions are looked at, at most the number of epochs. The paper
        looks at each row each time that it is trained on: once in an epoch.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model. "own" flags rows that were forgotten or never learnt, are predicted otherwise by the
        probabilities averaged over the stages, and are more likely wrong than right by the
        confident joint of these, after a logistic fit to the labels. The paper has no rule for
        this.
    cv : int, splitter, iterable or None, default=None
        None means, as in the paper, that the model is trained on the rows it judges; otherwise the
        folds of cross-fitting.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds any `random_state` that `estimator` leaves at None, and the folds.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Number of times the row was forgotten; for one that was never learnt the number of stages.
        As many rows have the same number, one minus the mean probability of the given label, a
        number below 1, is added. NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong. With "own": the posterior by the confident joint
        of the mean probabilities, above one half only for rows forgotten or never learnt.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label, for a flagged row the likeliest other one, by the mean probabilities.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    n_forgotten_ : ndarray of shape (n,)
        Number of times the row was forgotten; NaN for a row that could not be judged.
    first_learned_ : ndarray of shape (n,)
        The stage, from 1, at which the row was first predicted as given; infinite for never.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    AreaUnderMargin : The margin over the stages, for any way of training.
    LateStopping : When a row is learnt for good.

    References
    ----------
    M. Toneva, A. Sordoni, R. Tachet des Combes, A. Trischler, Y. Bengio, G. J. Gordon: "An
    empirical study of example forgetting during deep neural network learning", ICLR 2019 (there of
    networks over 200 epochs, summed over 5 seeds. Adapted: any classifier that trains in stages;
    all rows are asked at the end of an epoch rather than in their mini-batch; the mean probability
    between rows forgotten equally often; the rule that flags).

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sknoisy.detection import ForgettingEvents
    >>> X, y = make_blobs(200, centers=[[-4, -4], [4, 4]], random_state=0)
    >>> y[:5] = 1 - y[:5]
    >>> detector = ForgettingEvents(random_state=0).fit(X, y)
    >>> sorted(detector.noise_score_.argsort()[-5:].tolist())
    [0, 1, 2, 3, 4]
    """

    _task = "classification"
    _assumes = "the model is trained on the same rows again and again, and forgets"
    _takes = ("predicted", "stages")
    _auto = "count"
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "n_stages": [Interval(Integral, 2, None, closed="left")],
    }

    n_forgotten_: Array
    first_learned_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_stages: int = 50,
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
        return network(evidence.inputs.X)

    def _find(self, evidence):
        codes = evidence.target.codes
        stages = evidence.stages(
            self._model(evidence),
            n_stages=self.n_stages,
            cv=self.cv,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        given = stages.given.mean(axis=0)
        judged = ~np.isnan(given)
        n_forgotten, first = forgetting(stages.predicted == codes)
        hard = (n_forgotten > 0) | np.isinf(first)
        events = np.where(np.isinf(first), len(stages.steps), n_forgotten)
        suggestion = calibrated(stages.mean, codes)
        proba, mask = stage_verdict(codes, suggestion, None)
        return Finding(
            score=events + 0.999 * (1.0 - given),
            suggestion=suggestion,
            noise_proba=np.where(hard, proba, np.minimum(proba, 0.5)),
            mask=mask & hard,
            attributes={
                "n_forgotten_": np.where(judged, n_forgotten, np.nan),
                "first_learned_": np.where(judged, first, np.nan),
            },
        )

    def _reason(self, row):
        if np.isinf(self.first_learned_[row]):
            return f"never predicted as {self._target.y[row]} in training"
        times = self.n_forgotten_[row]
        return f"forgotten {times:.0f} time{'' if times == 1 else 's'} in training"


def forgetting(right):
    """How often each column of (S, n) turns from true to false, and where, from 1, it first is."""
    n_forgotten = (right[:-1] & ~right[1:]).sum(axis=0)
    return n_forgotten, np.where(right.any(axis=0), right.argmax(axis=0) + 1.0, np.inf)


def network(X):
    """A small network, which visits all rows in each of 40 epochs."""
    model = MLPClassifier(max_iter=40, tol=0.0, n_iter_no_change=40)
    if is_table(X):
        return behind_encoder(model, X, for_trees=False)
    sparse = hasattr(X, "tocsr")
    filled = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(filled, StandardScaler(with_mean=not sparse), model)
