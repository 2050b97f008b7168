"""Training that starts on as many rows of each group, and goes on with more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.parallel import Parallel, delayed

from sknoisy._evidence import take_rows
from sknoisy._evidence._fitting import take_params
from sknoisy._evidence._responses import LabelResponse, number_response
from sknoisy._typing import CVLike, Estimator, FloatArray, IntArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.training.groups._base import GroupTraining, base_weight, row_losses
from sknoisy.training.groups._draws import expansion_stages
from sknoisy.training.groups._stages import models_in_stages, way_to_continue
from sknoisy.treatment._treated import Treated


class _ProgressiveExpansion(GroupTraining):
    """Which rows come when, which stage is the best, and the training up to it."""

    _parameter_constraints: dict = {
        **GroupTraining._parameter_constraints,
        "expansion": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, None, closed="neither"),
        ],
        "warmup": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "training": [StrOptions({"auto", "refit"})],
        "cv": CV,
    }

    def _train_groups(self, evidence, groups):
        n, base = evidence.n_rows, base_weight(evidence)
        rng = check_random_state(self._seed())
        stage = expansion_stages(groups.codes, self.expansion, rng, evidence.target.codes, base)
        losses = self._losses(evidence, groups, stage)
        worst = losses.max(axis=1)
        # where no fold could judge a group, all rows are taken
        best = int(np.argmin(worst)) if np.isfinite(worst).all() else int(stage.max())
        kept = self._subset(evidence, np.arange(n), stage, best)
        return Treated.of(
            evidence,
            kept,
            attributes={
                "groups_": groups.names,
                "stage_": stage,
                "best_stage_": best,
                "sample_indices_": kept,
                "group_loss_": losses[best],
                "group_loss_curve_": losses,
                "loss_curve_": worst,
            },
        )

    def _last_fit(self, evidence, treated):
        if self._way() is None:
            return super()._last_fit(evidence, treated)
        stage, best = treated.attributes["stage_"], treated.attributes["best_stage_"]
        models = self._models(evidence, np.arange(len(stage)), stage)
        return list(islice(models, best + 1))[-1]

    def _way(self):
        return way_to_continue(self.estimator) if self.training == "auto" else None

    def _losses(self, evidence, groups, stage):
        """(S, R) loss of each group out of sample, after each of the stages."""
        losses = np.full((stage.max() + 1, evidence.n_rows), np.nan)
        target, base = evidence.target, base_weight(evidence)
        if len(losses) > 1 and not (target.is_labels and len(target.classes) < 2):
            folds = self._folds(evidence, groups)
            said = Parallel(n_jobs=self.n_jobs)(
                delayed(self._judge)(evidence, train, test, stage) for train, test in folds
            )
            for (train, test), answers in zip(folds, said, strict=True):
                known = np.isin(target.codes[test], target.codes[train]) if target.is_labels else 1
                for s, answer in enumerate(answers):
                    values = np.full((evidence.n_rows, *answer.shape[1:]), np.nan)
                    values[test] = answer
                    losses[s, test] = np.where(
                        known, row_losses(values, target, base)[test], np.nan
                    )
        return np.array([groups.means(loss, base) for loss in losses])

    def _judge(self, evidence, train, test, stage):
        """What the models of all stages say of the rows `test`."""
        target = evidence.target
        respond = LabelResponse(target.classes) if target.is_labels else number_response
        X = take_rows(evidence.inputs.X, test)
        answers = []
        for model in self._models(evidence, train, stage):
            method, values = respond(model, X, test)
            if method == "decision_function":  # only which label is the likeliest
                values = np.eye(values.shape[1])[values.argmax(axis=1)]
            answers.append(values)
        return answers

    def _models(self, evidence, train, stage):
        inputs, n = evidence.inputs, evidence.n_rows
        subsets = [
            np.searchsorted(train, self._subset(evidence, train, stage, s))
            for s in range(stage.max() + 1)
        ]
        rows = (
            take_rows(inputs.X, train),
            inputs.y[train],
            None if inputs.sample_weight is None else inputs.sample_weight[train],
            take_params(inputs.fit_params, train, n),
            inputs.weight_strategy,
        )
        how = {"warmup": self.warmup, "n_epochs": self.n_epochs, "way": self._way()}
        return models_in_stages(self.estimator, rows, subsets, seed=self._seed(), **how)

    @staticmethod
    def _subset(evidence, train, stage, last):
        """Rows of `train` that have come by a stage; of a class that has none, the first ones."""
        come = stage[train] <= last
        codes = evidence.target.codes
        if codes is not None:
            for k in np.setdiff1d(codes[train], codes[train[come]]):
                mine = codes[train] == k
                come |= mine & (stage[train] == stage[train[mine]].min())
        return train[come]


class ProgressiveExpansionClassifier(WrappedClassifier, _ProgressiveExpansion):
    """Classifier that learns from as many rows of each group first, and from the others later.

    A model that has learnt a feature which misleads does not unlearn it. So training starts on a
    balanced part, every group cut to the size of the smallest, in which such a feature tells
    nothing (warm-up), and goes on with more rows, stage by stage, drawn evenly from the groups
    that have some left. The stage after which the worst group is best, on rows that are held out,
    is the last one.

    In the paper one network is trained on. Models with `partial_fit` (other than naive Bayes, that
    is: SGD, MLP) go on like it, epoch by epoch, but for the momentum, which the paper resets; so do
    forests, bagging and boosting with `warm_start`, half of whose trees are of the balanced part.
    All other models are fitted anew in each stage, on its rows; also the last steps of a Pipeline
    go on in these ways, its other steps being fitted once. The paper chooses the stage by the
    accuracy on a validation set; here it is the cross-entropy of the worst group in folds, since
    the smallest group may have few rows.

    Number of fits: (`cv` (5) + 1) trainings; where models are fitted anew, each has as many fits as
    there are stages (10, where the balanced part is a tenth of the rows).

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any. It need not take weights.
    by : str, callable or None, default=None
        What tells the group of each row where `fit` gets no `groups`: a column of X, or
        ``callable(X) -> (n,)``. The model sees the column as well, unless a step before it drops
        it.
    by_label : bool, default=False
        Whether each class of a group is a group of its own, as it must be where a group is an
        attribute that goes with the label.
    expansion : int >= 1 or float > 0, default=0.25
        How many rows a stage adds, as in the paper; a float is their share in those that have come
        before, so that there are fewer stages.
    warmup : int >= 1, default=20
        Length of the training on the balanced part, for models that go on with `partial_fit`: it
        sees as many rows as in this number of epochs over all of them.
    n_epochs : int >= 1, default=5
        Epochs in each further stage, for the same.
    training : {"auto", "refit"}, default="auto"
        "refit" fits a new model in each stage also where it could go on.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which stages are compared. A number makes folds with their share of each group and
        class.
    weight_strategy : {"native", "resample"}, default="native"
        How weights given to `fit` reach the model: as its `sample_weight` (an error when it takes
        none), or by repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds which rows come first, the folds, and every `random_state` that `estimator` leaves at
        None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, trained up to the best stage.
    classes_ : ndarray of shape (K,)
    groups_ : ndarray of shape (R,)
        Names of the groups; with `by_label`, pairs of a group and a class.
    stage_ : ndarray of shape (n,) of int
        The stage with which each row comes; 0 is the balanced part.
    best_stage_ : int
        The last stage that was trained.
    sample_indices_ : ndarray of int
        Rows that were trained on: those of stages up to the best one.
    group_loss_ : ndarray of shape (R,)
        Mean loss of each group out of sample, at the best stage.
    group_loss_curve_ : ndarray of shape (S, R)
        The same after each stage; NaN where there is only one, or a group cannot be judged.
    loss_curve_ : ndarray of shape (S,)
        Loss of the worst group.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is taken to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    ProgressiveExpansionRegressor : For numbers.
    GroupDROClassifier : Weighs the groups.

    References
    ----------
    Y. Deng, Y. Yang, B. Mirzasoleiman, Q. Gu: "Robust Learning with Progressive Data Expansion
    Against Spurious Correlation", NeurIPS, 2023.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.datasets import make_spurious
    >>> from sknoisy.metrics import worst_group_accuracy
    >>> from sknoisy.training.groups import ProgressiveExpansionClassifier
    >>> X, y, groups = make_spurious(1500, minority=0.03, random_state=0)
    >>> X_new, y_new, groups_new = make_spurious(5000, minority=0.03, random_state=1)
    >>> plain = LogisticRegression().fit(X, y)
    >>> model = ProgressiveExpansionClassifier(LogisticRegression(), random_state=0)
    >>> _ = model.fit(X, y, groups=groups)
    >>> worst = [worst_group_accuracy(y_new, m.predict(X_new), groups=groups_new)
    ...          for m in (plain, model)]
    >>> bool(worst[1] > worst[0] + 0.05)
    True
    """

    _task = "classification"

    stage_: IntArray
    best_stage_: int
    sample_indices_: IntArray
    group_loss_: FloatArray
    group_loss_curve_: FloatArray
    loss_curve_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        by: str | Callable[..., Any] | None = None,
        by_label: bool = False,
        expansion: int | float = 0.25,
        warmup: int = 20,
        n_epochs: int = 5,
        training: Literal["auto", "refit"] = "auto",
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.by = by
        self.by_label = by_label
        self.expansion = expansion
        self.warmup = warmup
        self.n_epochs = n_epochs
        self.training = training
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state


class ProgressiveExpansionRegressor(WrappedRegressor, _ProgressiveExpansion):
    """Regressor that learns from as many rows of each group first, and from the others later.

    As `ProgressiveExpansionClassifier`, with squared errors for losses. The paper has labels; a
    feature that misleads in a group misleads a regressor alike.

    Number of fits: (`cv` (5) + 1) trainings; where models are fitted anew, each has as many fits as
    there are stages (10, where the balanced part is a tenth of the rows).

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any. It need not take weights.
    by : str, callable or None, default=None
        What tells the group of each row where `fit` gets no `groups`: a column of X, or
        ``callable(X) -> (n,)``. The model sees the column as well, unless a step before it drops
        it.
    expansion : int >= 1 or float > 0, default=0.25
        How many rows a stage adds, as in the paper; a float is their share in those that have come
        before, so that there are fewer stages.
    warmup : int >= 1, default=20
        Length of the training on the balanced part, for models that go on with `partial_fit`: it
        sees as many rows as in this number of epochs over all of them.
    n_epochs : int >= 1, default=5
        Epochs in each further stage, for the same.
    training : {"auto", "refit"}, default="auto"
        "refit" fits a new model in each stage also where it could go on.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which stages are compared. A number makes folds with their share of each group.
    weight_strategy : {"native", "resample"}, default="native"
        How weights given to `fit` reach the model: as its `sample_weight` (an error when it takes
        none), or by repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds which rows come first, the folds, and every `random_state` that `estimator` leaves at
        None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, trained up to the best stage.
    groups_ : ndarray of shape (R,)
        Names of the groups.
    stage_ : ndarray of shape (n,) of int
        The stage with which each row comes; 0 is the balanced part.
    best_stage_ : int
        The last stage that was trained.
    sample_indices_ : ndarray of int
        Rows that were trained on: those of stages up to the best one.
    group_loss_ : ndarray of shape (R,)
        Mean loss of each group out of sample, at the best stage.
    group_loss_curve_ : ndarray of shape (S, R)
        The same after each stage; NaN where there is only one, or a group cannot be judged.
    loss_curve_ : ndarray of shape (S,)
        Loss of the worst group.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is taken to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    References
    ----------
    Y. Deng, Y. Yang, B. Mirzasoleiman, Q. Gu: "Robust Learning with Progressive Data Expansion
    Against Spurious Correlation", NeurIPS, 2023 (there for labels).

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy.datasets import make_spurious
    >>> from sknoisy.training.groups import ProgressiveExpansionRegressor
    >>> X, y, groups = make_spurious(1000, task="regression", random_state=0)
    >>> model = ProgressiveExpansionRegressor(Ridge(), random_state=0).fit(X, y, groups=groups)
    >>> model.best_stage_
    0
    """

    _task = "regression"

    stage_: IntArray
    best_stage_: int
    sample_indices_: IntArray
    group_loss_: FloatArray
    group_loss_curve_: FloatArray
    loss_curve_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        by: str | Callable[..., Any] | None = None,
        expansion: int | float = 0.25,
        warmup: int = 20,
        n_epochs: int = 5,
        training: Literal["auto", "refit"] = "auto",
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.by = by
        self.expansion = expansion
        self.warmup = warmup
        self.n_epochs = n_epochs
        self.training = training
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state
