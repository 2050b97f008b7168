"""The weights of groups under which the worst group is as good as it can be."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Folds
from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._typing import CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.training._base import times
from sknoisy.training.groups._base import GroupTraining, base_weight, row_losses
from sknoisy.treatment._treated import Treated


class _GroupDRO(GroupTraining):
    """The loop: judge the groups, give more weight to the worse ones, and fit again."""

    _parameter_constraints: dict = {
        **GroupTraining._parameter_constraints,
        "eta": [Interval(Real, 0, None, closed="left")],
        "adjustment": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "final": [StrOptions({"average", "last"})],
        "cv": CV,
    }

    def _check_before_training(self, given):
        super()._check_before_training(given)
        check_takes_weights(self.estimator, self.weight_strategy, "groups are weighed")

    def _train_groups(self, evidence, groups):
        base = base_weight(evidence)
        judge = self._judge(evidence, groups)
        margin = self.adjustment / np.sqrt(np.maximum(groups.sizes(), 1))
        q = np.full(len(groups.names), 1.0 / len(groups.names))
        shares, losses = [q], []
        for _ in range(self.max_iter):
            row_weight = group_weights(q, groups, base)
            loss = groups.means(judge(times(row_weight, evidence)), base)
            # a group that nobody could judge is taken to be as bad as the mean
            judged = np.isfinite(loss)
            losses.append(np.where(judged, loss, loss[judged].mean() if judged.any() else 0.0))
            before, q = q, raised(q, losses[-1] + margin, self.eta)
            shares.append(q)
            if np.abs(q - before).sum() / 2 <= self.tol:
                break
        if self.final == "average":
            q = np.mean(shares, axis=0)
        row_weight = group_weights(q, groups, base)
        return Treated.of(
            evidence,
            weight=row_weight,
            attributes={
                "groups_": groups.names,
                "group_weight_": q,
                "group_loss_": losses[-1],
                "group_weight_curve_": np.array(shares),
                "group_loss_curve_": np.array(losses),
                "loss_curve_": np.max(losses, axis=1),
                "sample_weight_": row_weight,
                "n_iter_": len(losses),
            },
        )

    def _judge(self, evidence, groups):
        """A function of the weights of rows that gives their losses out of sample."""
        folds = Folds()
        one_class = evidence.target.is_labels and len(evidence.target.classes) < 2
        if evidence.n_rows > 1 and not one_class:
            folds = self._folds(evidence, groups)
        how = {"cv": Folds(folds), "random_state": self._seed(), "n_jobs": self.n_jobs}

        def judge(weight):
            if not folds:
                return np.full(evidence.n_rows, np.nan)
            said = evidence.replaced(sample_weight=weight).responses(self.estimator, **how).values
            return row_losses(said, evidence.target, base_weight(evidence))

        return judge


class GroupDROClassifier(WrappedClassifier, _GroupDRO):
    """Classifier whose worst group is as good as it can be made.

    A model that minimises the mean loss may be wrong for a small group, such as the rows in which
    a feature that tells the label elsewhere misleads. Group DRO minimises the loss of the worst
    group: a player raises the share of each group by its loss, exponentially, and the model is
    fitted to the groups in these shares.

    The paper raises shares with each batch of a network's training. Here the model is fitted anew
    in each round, with row weights of q / n for a group of share q and n rows, and the losses come
    from models that have not seen the row: a flexible model has no loss left where it has seen the
    label, which is why the paper asks for strong regularisation. It helps here as well: search the
    wrapped model's regularisation with a score of the worst group, such as
    :class:`~sknoisy.metrics.WorstGroupScorer`. Losses are cross-entropy, at most 6.9 for a row; for
    a model without probabilities they come from its decision values, or its predictions.

    Number of fits: `cv` (5) in each of `n_iter_` rounds (at most 10), plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`).
    by : str, callable or None, default=None
        What tells the group of each row where `fit` gets no `groups`: a column of X, or
        ``callable(X) -> (n,)``. The model sees the column as well, unless a step before it drops
        it.
    by_label : bool, default=False
        Whether each class of a group is a group of its own, as it must be where a group is an
        attribute that goes with the label.
    eta : float >= 0, default=1.0
        Step: a group with a loss larger by one gains a factor of ``exp(eta)`` in a round. Zero
        leaves all groups the same weight.
    adjustment : float >= 0, default=0.0
        C of the paper: a loss of ``C / sqrt(n)`` is added for a group of n rows, because a model
        does worse on new rows of a small one.
    max_iter : int >= 1, default=10
        Rounds, at most.
    tol : float >= 0, default=0.01
        No further round when the shares have moved by no more, in sum.
    final : {"average", "last"}, default="average"
        Shares of the last fit: the mean over all rounds, which settles where the rounds go to and
        fro, or those of the last.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen, the same in each round. A number
        makes folds with their share of each group and class.
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
    groups_ : ndarray of shape (R,)
        Names of the groups; with `by_label`, pairs of a group and a class.
    group_weight_ : ndarray of shape (R,)
        Share of each group in the last fit; of sum one.
    group_loss_ : ndarray of shape (R,)
        Mean loss of each group out of sample, in the last round.
    group_weight_curve_ : ndarray of shape (`n_iter_` + 1, R)
    group_loss_curve_ : ndarray of shape (`n_iter_`, R)
    loss_curve_ : ndarray of shape (`n_iter_`,)
        Loss of the worst group, round by round.
    n_iter_ : int
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one. `sample_weight` given to `fit` comes on top.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is taken to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    GroupDRORegressor : For numbers.
    ProgressiveExpansionClassifier : Needs no weights.
    LastStepRefitClassifier : Keeps all of the model but its last step.

    References
    ----------
    S. Sagawa, P. W. Koh, T. B. Hashimoto, P. Liang: "Distributionally Robust Neural Networks for
    Group Shifts: On the Importance of Regularization for Worst-Case Generalization", ICLR, 2020.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.datasets import make_spurious
    >>> from sknoisy.metrics import worst_group_accuracy
    >>> from sknoisy.training.groups import GroupDROClassifier
    >>> X, y, groups = make_spurious(1500, minority=0.03, random_state=0)
    >>> X_new, y_new, groups_new = make_spurious(5000, minority=0.03, random_state=1)
    >>> plain = LogisticRegression().fit(X, y)
    >>> model = GroupDROClassifier(LogisticRegression(), random_state=0)
    >>> _ = model.fit(X, y, groups=groups)
    >>> worst = [worst_group_accuracy(y_new, m.predict(X_new), groups=groups_new)
    ...          for m in (plain, model)]
    >>> bool(worst[1] > worst[0] + 0.1)
    True
    """

    _task = "classification"

    group_weight_: FloatArray
    group_loss_: FloatArray
    group_weight_curve_: FloatArray
    group_loss_curve_: FloatArray
    loss_curve_: FloatArray
    n_iter_: int
    sample_weight_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        by: str | Callable[..., Any] | None = None,
        by_label: bool = False,
        eta: float = 1.0,
        adjustment: float = 0.0,
        max_iter: int = 10,
        tol: float = 0.01,
        final: Literal["average", "last"] = "average",
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.by = by
        self.by_label = by_label
        self.eta = eta
        self.adjustment = adjustment
        self.max_iter = max_iter
        self.tol = tol
        self.final = final
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state


class GroupDRORegressor(WrappedRegressor, _GroupDRO):
    """Regressor whose worst group is as good as it can be made.

    As `GroupDROClassifier`, with squared errors in units of the variance of y for losses.

    Number of fits: `cv` (5) in each of `n_iter_` rounds (at most 10), plus 1.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any that takes weights (see `weight_strategy`).
    by : str, callable or None, default=None
        What tells the group of each row where `fit` gets no `groups`: a column of X, or
        ``callable(X) -> (n,)``. The model sees the column as well, unless a step before it drops
        it.
    eta : float >= 0, default=1.0
        Step: a group with a loss larger by one gains a factor of ``exp(eta)`` in a round. Zero
        leaves all groups the same weight.
    adjustment : float >= 0, default=0.0
        C of the paper: a loss of ``C / sqrt(n)`` is added for a group of n rows, because a model
        does worse on new rows of a small one.
    max_iter : int >= 1, default=10
        Rounds, at most.
    tol : float >= 0, default=0.01
        No further round when the shares have moved by no more, in sum.
    final : {"average", "last"}, default="average"
        Shares of the last fit: the mean over all rounds, or those of the last.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen, the same in each round. A number
        makes folds with their share of each group.
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
    groups_ : ndarray of shape (R,)
        Names of the groups.
    group_weight_ : ndarray of shape (R,)
        Share of each group in the last fit; of sum one.
    group_loss_ : ndarray of shape (R,)
        Mean loss of each group out of sample, in the last round.
    group_weight_curve_ : ndarray of shape (`n_iter_` + 1, R)
    group_loss_curve_ : ndarray of shape (`n_iter_`, R)
    loss_curve_ : ndarray of shape (`n_iter_`,)
        Loss of the worst group, round by round.
    n_iter_ : int
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one. `sample_weight` given to `fit` comes on top.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is taken to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    References
    ----------
    S. Sagawa, P. W. Koh, T. B. Hashimoto, P. Liang: "Distributionally Robust Neural Networks for
    Group Shifts: On the Importance of Regularization for Worst-Case Generalization", ICLR, 2020.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy.datasets import make_spurious
    >>> from sknoisy.training.groups import GroupDRORegressor
    >>> X, y, groups = make_spurious(1000, task="regression", random_state=0)
    >>> model = GroupDRORegressor(Ridge(), random_state=0).fit(X, y, groups=groups)
    >>> bool(model.group_weight_[1] > 0.5)  # of a group that is a twentieth of the rows
    True
    """

    _task = "regression"

    group_weight_: FloatArray
    group_loss_: FloatArray
    group_weight_curve_: FloatArray
    group_loss_curve_: FloatArray
    loss_curve_: FloatArray
    n_iter_: int
    sample_weight_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        by: str | Callable[..., Any] | None = None,
        eta: float = 1.0,
        adjustment: float = 0.0,
        max_iter: int = 10,
        tol: float = 0.01,
        final: Literal["average", "last"] = "average",
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.by = by
        self.eta = eta
        self.adjustment = adjustment
        self.max_iter = max_iter
        self.tol = tol
        self.final = final
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state


def raised(q, loss, eta):
    """Shares after one step of exponentiated gradient: ``q * exp(eta * loss)``, of sum one.

    Parameters
    ----------
    q, loss : ndarray of shape (R,)
    eta : float

    Returns
    -------
    ndarray of shape (R,)
    """
    gain = q * np.exp(eta * (loss - loss.max()))
    return gain / gain.sum() if gain.sum() > 0 else q


def group_weights(q, groups, base):
    """(n,) weights of rows under which each group has its share q, of mean one in `base`."""
    size = groups.sizes(base)
    weight = np.divide(q, size, out=np.zeros_like(q), where=size > 0)[groups.codes]
    return weight * (base.sum() / (weight @ base))
