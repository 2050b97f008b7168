"""Train, and train again with more weight on what the first model got wrong."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._fitting import IsModel, check_kind, check_takes_weights
from sknoisy._typing import BoolArray, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.training.hidden_groups._expert import given_loss, held_out, restrained_model
from sknoisy.treatment._treated import Treated


class JustTrainTwiceClassifier(WrappedClassifier, BaseTraining):
    """Classifier that is trained again, with more weight on what a first model got wrong.

    A first, restrained model learns the shortcut; its errors are the rows against it, and each of
    them weighs `upweight` times as much in the only further fit. No group labels are needed.

    The paper stops its first network early and counts errors on the rows it was trained on. Here
    the first model is restrained by what it is, a small tree if none is given, and judges
    rows that it has not seen.

    Errors of the first model are also the rows with wrong labels, and they weigh as much: with many
    of them the mean accuracy falls far, so clean the labels first. Where there is no shortcut, the
    first model has learnt what is right, and the weights work against it: 4 points are lost on made
    data. The paper chooses the
    first model and `upweight` by the worst group of a validation part that has groups; do so by a
    search, if there are any.

    Number of fits: `cv` (5) of the first model plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`).
    first : estimator object, default=None
        The first model. It should take the shortcut and learn little else: errors of a first model
        that has learnt what is right are rows along the shortcut, which then rules all the more.
        None means a tree with as many leaves as classes, one split for two, behind the steps of a
        Pipeline if `estimator` is one.
    upweight : float >= 1 or "balanced", default="balanced"
        Weight of the errors, times that of other rows. "balanced": together as much as all others,
        but never less than one. The paper tries 20 to 100.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the first model judges rows that it has not seen; None means 5.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted with the weights.
    classes_ : ndarray of shape (K,)
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one. `sample_weight` given to `fit` comes on top.
    error_mask_ : ndarray of shape (n,) of bool
        Rows that the first model gets wrong.
    expert_proba_ : ndarray of shape (n, K)
        What the first model says of rows that it has not seen; NaN for a row that nobody judged,
        which counts as right.
    sample_loss_ : ndarray of shape (n,)
        Log-loss of the given label in `expert_proba_`.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is held to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    ProductOfExpertsClassifier : Weights by how sure a weak model is, and what the other learns.
    MemorizationAwareClassifier : Beside twins of the model that pull each other along.

    References
    ----------
    E. Z. Liu, B. Haghgoo, A. S. Chen, A. Raghunathan, P. W. Koh, S. Sagawa, P. Liang, C. Finn:
    "Just Train Twice: Improving Group Robustness without Training Group Information", ICML, 2021.

    W. Ye, G. Zheng, X. Cao, Y. Ma, A. Zhang: "Spurious Correlations in Machine Learning: A Survey",
    2024 (methods that identify rows against a shortcut, then mitigate).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.training.hidden_groups import JustTrainTwiceClassifier
    >>> rng = np.random.RandomState(0)
    >>> y = rng.randint(2, size=1000)
    >>> hint = np.where(rng.rand(1000) < 0.05, 1 - y, y)  # misleads one row in twenty
    >>> X = np.column_stack([y + 0.6 * rng.randn(1000), hint + 0.1 * rng.randn(1000)])
    >>> model = JustTrainTwiceClassifier(LogisticRegression(), random_state=0).fit(X, y)
    >>> bool((model.error_mask_ == (hint != y)).mean() > 0.99)
    True
    """

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "first": [IsModel(), None],
        "upweight": [Interval(Real, 1, None, closed="left"), StrOptions({"balanced"})],
        "cv": CV,
    }

    sample_weight_: FloatArray
    error_mask_: BoolArray
    expert_proba_: FloatArray
    sample_loss_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        first: Estimator | None = None,
        upweight: Literal["balanced"] | float = "balanced",
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.first = first
        self.upweight = upweight
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_before_training(self, **own):
        if self.first is not None:
            check_kind(self.first, self._task, f"first of {type(self).__name__}")
        if self.upweight != 1:
            why = "rows that the first model gets wrong weigh more"
            check_takes_weights(self.estimator, self.weight_strategy, why)

    def _train(self, evidence):
        codes, given = evidence.target.codes, evidence.inputs.sample_weight
        first = self.first
        if first is None:
            first = restrained_model(self.estimator, evidence)
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        said = held_out(evidence.without_fit_params(), first, self.cv, **how)
        missed = np.isfinite(said).all(axis=1) & (said.argmax(axis=1) != codes)
        weight = error_weight(missed, self.upweight, given)
        plain = given is None and np.ptp(weight) == 0
        return Treated.of(
            evidence,
            weight=None if plain else weight,
            attributes={
                "sample_weight_": weight,
                "sample_loss_": given_loss(said, codes),
                "error_mask_": missed,
                "expert_proba_": said,
            },
        )


def error_weight(missed, upweight, sample_weight=None):
    """(n,) of mean one; `upweight` times as much where `missed`.

    Balanced means as much together as the others, but never less for each.
    """
    factor, base = upweight, np.ones(len(missed)) if sample_weight is None else sample_weight
    if upweight == "balanced":
        wrong, right = base[missed].sum(), base[~missed].sum()
        factor = max(right / wrong, 1.0) if wrong > 0 else 1.0
    weight = np.where(missed, float(factor), 1.0)
    return weight / np.average(weight, weights=base)
