"""Explain what a weak model cannot."""

from __future__ import annotations

from typing import Literal

from sknoisy._evidence._fitting import IsModel, check_kind
from sknoisy._typing import CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier
from sknoisy.training.hidden_groups._expert import held_out, restrained_model
from sknoisy.training.hidden_groups._shifted import ShiftedTraining


class ProductOfExpertsClassifier(WrappedClassifier, ShiftedTraining):
    """Classifier that explains what a weak one cannot.

    A weak model, which has learnt the shortcuts and no more, is multiplied with the one that is
    trained: cross-entropy of softmax(log p_weak + log p). What the weak model tells need not be
    learnt again, and is left out in `predict`. No group labels are needed.

    The paper trains a network by the slope of that loss. Here any model is fitted again and again
    with the weights (of more than two classes: with weighted soft labels) at which plain
    cross-entropy has the same slope, at what the model says out of sample, until they change no
    more. A fixed point is a stationary point of the paper's loss for a model that minimises
    cross-entropy. Of two classes the weight of a row is (1 - q) / (1 - p), with p what the model
    gives its label and q what the product does: up to the odds against the label in the weak model
    where the trained one is sure, and one where it is wrong as well. One over p_weak, which is
    often taken, is no less for rows that the trained model cannot explain either, such as wrong
    labels.

    Rows that the weak model gets wrong weigh more, and so do rows with wrong labels. With many of
    them, and where there is no shortcut and the weak model tells the truth, the loss of the product
    alone unlearns what is right. `plain_share` holds against it: with a fifth of wrong labels the
    mean accuracy falls by 5 points in place of 30, without a shortcut by 2.

    Number of fits: `cv` (5) of the weak model, then `cv` in each of `n_iter_` rounds, plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`).
    weak : estimator object, default=None
        The weak model. What it cannot express is not unlearnt, and if it takes what is right for
        the shortcut, the trained model leans on the shortcut all the more: where a shortcut may be
        spread over many columns, give a model that sees them. None means a tree with as many leaves
        as classes, one split for two, behind the steps of a Pipeline if `estimator` is one.
    plain_share : float in [0, 1], default=0.3
        Share of plain cross-entropy in the loss, as in the paper's sum of both; 0 is the product
        alone: further from the shortcut, less accurate where it holds.
    max_weight : float > 1, default=100.0
        The weak model gives no label less than one over this, so that no row weighs more than this
        many times what it weighs in plain cross-entropy.
    max_iter : int >= 1, default=10
        Rounds, at most; a `ConvergenceWarning` says when they were too few. A model that jumps, as
        trees do, may go on changing a little: this is then the number of rounds.
    tol : float >= 0, default=0.02
        The weights, of mean one, have converged when their mean change is no larger.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which both models judge rows that they have not seen; None means 5.
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
        The wrapped model, fitted with the last weights. Its probabilities are meant for rows in
        which the shortcut tells nothing, not for rows like those of the training.
    classes_ : ndarray of shape (K,)
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one. `sample_weight` given to `fit` comes on top.
    label_proba_ : ndarray of shape (n, K)
        The share of each label in the last fit; of two classes the given one has all.
    expert_proba_ : ndarray of shape (n, K)
        What the weak model says of rows that it has not seen; NaN for a row that nobody judged,
        which is trained on as it is.
    sample_loss_ : ndarray of shape (n,)
        Log-loss of the given label in `expert_proba_`: high for rows against the shortcut, and for
        rows with wrong labels.
    n_iter_ : int
        Rounds.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is held to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    MemorizationAwareClassifier : Beside twins of the model that pull each other along.
    JustTrainTwiceClassifier : One refit, with more weight on the errors of a first model.
    DiscoverCureClassifier : Looks for the columns that mislead.

    References
    ----------
    V. Sanh, T. Wolf, Y. Belinkov, A. M. Rush: "Learning from others' mistakes: Avoiding dataset
    biases without modeling them", ICLR, 2021 (a small network beside a large one; it judges the
    rows it was trained on, here others).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.training.hidden_groups import ProductOfExpertsClassifier
    >>> rng = np.random.RandomState(0)
    >>> y = rng.randint(2, size=1000)
    >>> hint = np.where(rng.rand(1000) < 0.05, 1 - y, y)  # misleads one row in twenty
    >>> X = np.column_stack([y + 0.6 * rng.randn(1000), hint + 0.1 * rng.randn(1000)])
    >>> model = ProductOfExpertsClassifier(LogisticRegression(), random_state=0).fit(X, y)
    >>> misled, plain = hint != y, LogisticRegression().fit(X, y)
    >>> bool(model.score(X[misled], y[misled]) > plain.score(X[misled], y[misled]) + 0.1)
    True
    """

    _parameter_constraints: dict = {
        **ShiftedTraining._parameter_constraints,
        "weak": [IsModel(), None],
    }

    sample_weight_: FloatArray
    label_proba_: FloatArray
    expert_proba_: FloatArray
    sample_loss_: FloatArray
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        weak: Estimator | None = None,
        plain_share: float = 0.3,
        max_weight: float = 100.0,
        max_iter: int = 10,
        tol: float = 0.02,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.weak = weak
        self.plain_share = plain_share
        self.max_weight = max_weight
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_before_training(self, **own):
        super()._check_before_training()
        if self.weak is not None:
            check_kind(self.weak, self._task, f"weak of {type(self).__name__}")

    def _expert_proba(self, evidence):
        weak = self.weak
        if weak is None:
            weak = restrained_model(self.estimator, evidence)
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        return held_out(evidence.without_fit_params(), weak, self.cv, **how)
