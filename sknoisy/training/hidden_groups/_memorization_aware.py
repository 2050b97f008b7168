"""Train beside what others have learnt the easy way, so that exceptions are not learnt by heart."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

from sklearn.utils._param_validation import Interval

from sknoisy._evidence._fitting import IsModel, check_kind, check_takes_weights
from sknoisy._typing import CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier
from sknoisy.training.hidden_groups._expert import calibrated, twin_proba
from sknoisy.training.hidden_groups._shifted import ShiftedTraining


class MemorizationAwareClassifier(WrappedClassifier, ShiftedTraining):
    """Classifier that is trained beside what twins have learnt the easy way.

    Where a spurious feature tells most labels, a model takes this shortcut and learns the
    exceptions by heart, if at all. Here the shortcut is added to its logits during training, row by
    row, and not in `predict`: what is left to learn is what the shortcut does not tell. No group
    labels are needed.

    - The shortcut: twins of the model, each fitted on one half of the rows, predict the other half.
      Round by round each label moves to the class that the other twin predicts, the further the
      surer it is, and classes weigh the same. So what twins have in common grows, and exceptions
      vanish.
    - Calibrated: the shift of a row is log sum_k p(k) P(label | k), of the twins' sharpened
      predictions p and the share of each given label among rows with such a prediction. Wrong
      labels lower all these shares, and bound the weights.
    - Trained: cross-entropy with the shift added to the logits is realised for any model by refits
      with the weights (of more than two classes: with weighted soft labels) at which plain
      cross-entropy has the same slope, at what the model says out of sample. A fixed point is a
      stationary point of the paper's loss for a model that minimises cross-entropy.

    Rows against the shortcut weigh more, and so do rows with wrong labels, which are against it,
    too: with a fifth of them the mean accuracy falls by 30 points where the worst group gains 40.
    Clean the labels first, or raise `plain_share`. Where there is no shortcut, what the twins have
    in common is the truth, and a part of it is unlearnt: 8 points are lost on made data, 2 with
    `plain_share=0.2`. So use this where a shortcut is suspected, and compare on rows in which it
    tells nothing.

    Number of fits: two on half of the rows in each of at most `n_rounds`, then `cv` (5) in each of
    `n_iter_` rounds, plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`).
    twin : estimator object, default=None
        The model of the twins, which takes weights. It should take the shortcut and learn little
        else. None means the wrapped model, as in the paper, whose networks take shortcuts first; so
        do linear models. For trees, forests and boosting give a restrained one, such as a linear
        model or a tree of one split.
    n_rounds : int >= 1, default=10
        In which labels move, at most.
    temperature : float > 0, default=0.01
        The twins' log-probabilities are divided by it; near 0 only the predicted class counts.
    plain_share : float in [0, 1], default=0.0
        Share of plain cross-entropy in the loss.
    max_weight : float > 1, default=100.0
        The shortcut gives no label less than one over this, so that no row weighs more than this
        many times what it weighs in plain cross-entropy.
    max_iter : int >= 1, default=10
        Rounds, at most; a `ConvergenceWarning` says when they were too few. A model that jumps, as
        trees do, may go on changing a little: this is then the number of rounds.
    tol : float >= 0, default=0.02
        The weights, of mean one, have converged when their mean change is no larger.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen, the same in each round; None
        means 5.
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
        The calibrated predictions of the twins; NaN for a row that nobody judged, which is trained
        on as it is.
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
    ProductOfExpertsClassifier : Beside one weak model.
    JustTrainTwiceClassifier : One refit, with more weight on the errors of a first model.
    DiscoverCureClassifier : Looks for the columns that mislead.

    References
    ----------
    R. Bayat, M. Pezeshki, E. Dohmatob, D. Lopez-Paz, P. Vincent: "The Pitfalls of Memorization:
    When Memorization Hurts Generalization", ICLR, 2025 (a network trained with the shift; here
    refits of any model).

    M. Pezeshki, D. Bouchacourt, M. Ibrahim, N. Ballas, P. Vincent, D. Lopez-Paz: "Discovering
    environments with XRM", ICML, 2024 (the twins; there labels are flipped at random in each step
    of the training, here in expectation after each fit).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.training.hidden_groups import MemorizationAwareClassifier
    >>> rng = np.random.RandomState(0)
    >>> y = rng.randint(2, size=1000)
    >>> hint = np.where(rng.rand(1000) < 0.05, 1 - y, y)  # misleads one row in twenty
    >>> X = np.column_stack([y + 0.6 * rng.randn(1000), hint + 0.1 * rng.randn(1000)])
    >>> model = MemorizationAwareClassifier(LogisticRegression(), random_state=0).fit(X, y)
    >>> misled, plain = hint != y, LogisticRegression().fit(X, y)
    >>> bool(model.score(X[misled], y[misled]) > plain.score(X[misled], y[misled]) + 0.2)
    True
    """

    _parameter_constraints: dict = {
        **ShiftedTraining._parameter_constraints,
        "twin": [IsModel(), None],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
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
        twin: Estimator | None = None,
        n_rounds: int = 10,
        temperature: float = 0.01,
        plain_share: float = 0.0,
        max_weight: float = 100.0,
        max_iter: int = 10,
        tol: float = 0.02,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.twin = twin
        self.n_rounds = n_rounds
        self.temperature = temperature
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
        if self.twin is not None:
            check_kind(self.twin, self._task, f"twin of {type(self).__name__}")
            check_takes_weights(self.twin, self.weight_strategy, "labels of twins move")

    def _expert_proba(self, evidence):
        rows = evidence if self.twin is None else evidence.without_fit_params()
        twin = self.estimator if self.twin is None else self.twin
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        held = twin_proba(rows, twin, self.n_rounds, **how)
        weight = evidence.inputs.sample_weight
        return calibrated(held, evidence.target.codes, weight, self.temperature)
