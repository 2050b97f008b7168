"""Numbers that remember what the model said early, before it knew the errors by heart."""

from __future__ import annotations

import numpy as np

from sknoisy._typing import Array, FloatArray
from sknoisy._wrapper import WrappedRegressor
from sknoisy.training.moving_targets._early_learning import EarlyLearning
from sknoisy.treatment._treated import Treated

FAR = 3.0  # standard deviations of what is left to its target, from which a number is suspect
MAD_TO_SD = 1.4826  # of normal numbers


class EarlyLearningRegressor(WrappedRegressor, EarlyLearning):
    """Regressor whose training is held to what it said of the rows early on.

    A flexible model learns the law first, and knows the errors of the numbers by heart later. So
    the loss is the squared error plus `strength` times the squared distance to the running mean `t`
    of what was said of the row before. Its slope is, times a constant, that of the squared error to
    the target (y + strength t) / (1 + strength), which is what the next round is given. The
    strength grows with the running mean, which starts with nothing, so that the numbers count for
    all in the beginning.

    The paper is about labels, and where its loss asks how surely a row is known, this has one
    strength for all rows. Models that err by smoothing, such as neighbours, become smoother still
    and lose where numbers are right: choose a lower strength for them.

    A model that can be trained on, by `partial_fit`, is trained by epochs, and is asked about the
    rows of its training. Any other is fitted anew in each round, and rows are judged by models that
    have not seen them.

    Number of fits: 1 by epochs; else `cv` (5) in each of `n_iter_` rounds, plus 1.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any, or a Pipeline that ends in one.
    strength : float >= 0, default=3.0
        Of the second part of the loss; 0 is the plain model.
    momentum : float in [0, 1), default=0.7
        How much of the running mean stays in each round.
    training : {"auto", "epochs", "refits"}, default="auto"
        "epochs" needs a model with `partial_fit`, such as `MLPRegressor` or `SGDRegressor`; also as
        last step of a Pipeline, whose other steps are fitted once. "auto" takes epochs where they
        are possible, but refits for linear models.
    n_rounds : int >= 1 or None, default=None
        Epochs (None: the `max_iter` of the model, at most 100, and 20 if it has none), or rounds of
        refits (None: 10). What ends a training early is not asked.
    cv : int >= 2, splitter, iterable or None, default=5
        For refits: folds in which rows are judged, the same in each round.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` reaches the model: as its own (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the order of rows in an epoch and every `random_state` that `estimator`
        leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, trained by epochs or fitted to the last targets.
    targets_ : ndarray of shape (n,)
        The running mean of what was said of each row; of one that nobody judged, its number.
    y_relabeled_ : ndarray of shape (n,)
        The targets after the last round.
    loss_curve_ : ndarray of shape (`n_iter_`,)
        Mean squared error of what is said, to the targets that it was trained on, round by round.
    agreement_curve_ : ndarray of shape (`n_iter_`,)
        Correlation of the given numbers with the running mean.
    n_iter_ : int
    noise_mask_ : ndarray of shape (n,) of bool
        Rows whose number is farther from the running mean than three standard deviations, by the
        median of these distances.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    EarlyLearningClassifier : For labels.

    References
    ----------
    S. Liu, J. Niles-Weed, N. Razavian, C. Fernandez-Granda: "Early-Learning Regularization Prevents
    Memorization of Noisy Labels", NeurIPS, 2020 (of labels).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from sknoisy.training.moving_targets import EarlyLearningRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = rng.randn(300, 2)
    >>> y = 3 * X[:, 0] + 2 * rng.randn(300)
    >>> model = EarlyLearningRegressor(DecisionTreeRegressor(), random_state=0).fit(X, y)
    >>> plain = DecisionTreeRegressor(random_state=0).fit(X, y)
    >>> errors = [np.mean((m.predict(X) - 3 * X[:, 0]) ** 2) for m in (model, plain)]
    >>> bool(errors[0] < 0.5 * errors[1])
    True
    """

    _task = "regression"

    targets_: Array
    y_relabeled_: Array
    loss_curve_: FloatArray
    agreement_curve_: FloatArray
    n_iter_: int

    def _train(self, evidence):
        y = evidence.target.y.astype(float)
        model, now, running, times_judged, trace = self._rounds(evidence, y)
        seen = times_judged > 0
        share = 1.0 - self.momentum**times_judged
        targets = np.divide(running, share, out=y.copy(), where=seen)
        away = np.abs(y - targets)
        usual = MAD_TO_SD * np.median(away[seen]) if seen.any() else 0.0
        return Treated(
            rows=None,
            y=now,
            sample_weight=evidence.inputs.sample_weight,
            noise_mask=(away > FAR * usual) & ~evidence.trusted & (usual > 0),
            model=model,
            attributes={
                "targets_": targets,
                "y_relabeled_": now,
                "loss_curve_": trace[:, 0],
                "agreement_curve_": trace[:, 1],
                "n_iter_": len(trace),
            },
        )

    def _fit_rows(self, now, evidence):
        return np.arange(len(now)), now, np.ones(len(now))

    def _next_targets(self, said, running, times_judged, y):
        """Between the number and the running mean, which starts at zero and so has a share."""
        share = 1.0 - self.momentum**times_judged
        return (y + self.strength * running) / (1.0 + self.strength * share)

    def _note(self, said, running, now, weight, evidence):
        seen = weight > 0
        loss = np.average((said - now)[seen] ** 2, weights=weight[seen])
        return loss, _correlation(evidence.target.y[seen], running[seen])


def _correlation(y, said):
    if len(y) < 2 or np.ptp(y) == 0 or np.ptp(said) == 0:
        return 0.0
    return np.corrcoef(y, said)[0, 1]
