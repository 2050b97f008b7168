"""The last step of a model, fitted again to rows in which all groups are as frequent."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions

from sknoisy._evidence import fit_model, take_rows
from sknoisy._evidence._fitting import (
    IsModel,
    check_takes_weights,
    first_steps,
    seeded_clone,
    take_params,
)
from sknoisy._evidence._training_stages import params_of_steps
from sknoisy._typing import BoolArray, Estimator, RandomStateLike
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.training.groups._base import GroupTraining, base_weight
from sknoisy.training.groups._draws import expansion_stages, held_out_rows
from sknoisy.training.groups._representation import (
    KINDS,
    ModelRepresentation,
    mean_model,
    representation_of,
)
from sknoisy.treatment._treated import Treated


class _LastStepRefit(GroupTraining):
    """Which rows are for what, the first fit, and the fits of the last step."""

    _missing = "unknown"
    _parameter_constraints: dict = {
        **GroupTraining._parameter_constraints,
        "last_step": [IsModel(), None],
        "representation": [StrOptions({"auto", *KINDS})],
        "held_out": [Interval(RealNotInt, 0, 1, closed="left")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
    }

    def _check_before_training(self, given):
        super()._check_before_training(given)
        kind = self._kind()
        if kind == "steps" and not (
            isinstance(self.estimator, Pipeline) and len(self.estimator.steps) > 1
        ):
            raise ValueError(
                'representation="steps" keeps all steps of a Pipeline but the last, and '
                f"{type(self.estimator).__name__} is no Pipeline of two steps or more."
            )
        model = self.estimator
        model = model.steps[-1][1] if isinstance(model, Pipeline) else model
        needed = {"leaves": "apply", "hidden": "hidden_layer_sizes"}.get(kind)
        if needed is not None and not hasattr(model, needed):
            raise ValueError(
                f"representation={kind!r} is for models with `{needed}`, and "
                f"{type(model).__name__} has none."
            )

    def _kind(self):
        """The kind of representation, or None where the model is its own last step."""
        if self.representation == "auto":
            return representation_of(self.estimator)
        return self.representation

    def _train_groups(self, evidence, groups):
        rng = check_random_state(self._seed())
        labels, base = evidence.target.codes, base_weight(evidence)
        rows, held_out = self._parts(groups.codes, labels, rng)
        mine = np.flatnonzero(held_out)
        draws = [
            mine[expansion_stages(groups.codes[mine], 1, rng, part(labels, mine), base[mine]) == 0]
            for _ in range(self.n_draws)
        ]
        attributes = {"groups_": groups.names, "held_out_": held_out, "draws_": draws}
        return Treated.of(evidence, rows, attributes=attributes)

    def _parts(self, groups, labels, rng):
        """Rows of the first fit, None for all of them, and mask of those for the last step."""
        if self._kind() is None or not self.held_out:
            return None, groups >= 0
        held_out = held_out_rows(groups, self.held_out, rng, labels)
        rows = np.flatnonzero(~held_out)
        is_lacking = not len(rows)  # of rows, or of a class that has a single one
        if labels is not None:
            is_lacking |= len(np.unique(labels[rows])) < len(np.unique(labels))
        return None if is_lacking else rows, held_out

    def _last_fit(self, evidence, treated):
        inputs, kind = evidence.inputs, self._kind()
        if kind is None:  # the model is a last step, and needs no first fit
            before, Z, params = [], inputs.X, inputs.fit_params
            name, last = "model", self.estimator
        else:
            first = super()._last_fit(evidence, treated)
            if evidence.target.is_labels and len(evidence.target.classes) < 2:
                return first  # there is nothing to tell apart
            before, Z, name, last, params = self._before(first, kind, evidence, treated)
        last = last if self.last_step is None else self.last_step
        if inputs.sample_weight is not None:
            check_takes_weights(last, self.weight_strategy, "sample_weight was given")
        models = [
            self._fitted(last, Z, evidence, rows, params) for rows in treated.attributes["draws_"]
        ]
        mean = mean_model(models, evidence.target)
        return Pipeline([*before, (name, mean)]) if before else mean

    def _before(self, first, kind, evidence, treated):
        """(fitted steps, X behind them, name of the last step, the last step, its parameters)."""
        X = evidence.inputs.X
        if kind == "steps":
            name = self.estimator.steps[-1][0]
            given, weight = evidence.inputs.fit_params, evidence.inputs.sample_weight
            params = params_of_steps(self.estimator, weight, given)[0][name]
            steps = first_steps(first)
            return steps.steps, steps.transform(X), name, self.estimator.steps[-1][1], params
        seen = X if treated.rows is None else take_rows(X, treated.rows)
        rep = ModelRepresentation(first, kind).fit(seen)
        last = LogisticRegression(max_iter=1000) if evidence.target.is_labels else Ridge()
        return [("representation", rep)], rep.transform(X), "last", last, {}

    def _fitted(self, last, Z, evidence, rows, params):
        weight = part(evidence.inputs.sample_weight, rows)
        return fit_model(
            seeded_clone(clone(last), self._seed()),
            take_rows(Z, rows),
            evidence.target.y[rows],
            weight,
            take_params(params, rows, evidence.n_rows),
            weight_strategy=self.weight_strategy,
            random_state=self._seed(),
        )


class LastStepRefitClassifier(WrappedClassifier, _LastStepRefit):
    """Classifier whose last step is fitted again, to held-out rows with as many of each group.

    A model that relies on a feature which misleads has mostly learnt the right features as well;
    it is its last step that gives them the wrong weight. So the model is fitted to a part of the
    rows as it is, all but its last step is kept, and the last step is fitted again to the rest, of
    which each group has as many rows as the smallest. There are several draws of such rows, and
    the mean of the last steps predicts: the mean coefficients where it is linear, else the mean
    probabilities (decision values, votes).

    In the paper the model is a network and the last step its last layer. Here, what is kept is
    (`representation`)

    - of a Pipeline, all steps but the last ("steps");
    - of trees, forests and gradient boosting, the leaf in which a row ends in each tree
      ("leaves");
    - of scikit-learn's MLP, the last hidden layer ("hidden");
    - of a linear model nothing: it is a last step, and X the representation. There is no first
      fit, and no row need be held out from it. So it is with all other models, of which nothing
      can be kept: they are fitted to the balanced draws, which is little where the smallest group
      is (boosting learnt nothing from 4 groups of 9 rows, and did well with 23);
    - if asked for, the decision values or the log-odds of the probabilities ("response"). With two
      classes that is one number, and all that can be won is another threshold.

    What is kept should have few columns for the rows that are held out: a forest has more leaves
    than a small group has rows.

    Groups need only be known for some rows: those without one (None, NaN) are in the first part.

    Number of fits: 1, plus `n_draws` (10) of the last step.

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
    last_step : classifier or None, default=None
        What is fitted to the representation. None means the Pipeline's last step, or the model
        itself where nothing is kept of it; for the other kinds `LogisticRegression`.
    representation : {"auto", "steps", "leaves", "hidden", "response"}, default="auto"
        What is kept of the model, see above. "leaves" and "hidden" mean the last step of a
        Pipeline.
    held_out : float in [0, 1), default=0.5
        Share of each group's rows that is kept for the last step. With 0 all rows serve for both,
        which is right where the first steps learn nothing from the labels.
    n_draws : int >= 1, default=10
        Balanced draws of these rows.
    weight_strategy : {"native", "resample"}, default="native"
        How weights given to `fit` reach the model: as its `sample_weight` (an error when it takes
        none), or by repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Without effect: there are no folds.
    random_state : int, RandomState instance or None, default=None
        Seeds which rows are held out and drawn, and every `random_state` that the models leave at
        None.

    Attributes
    ----------
    estimator_ : estimator object
        A Pipeline of what was kept and the mean of the last steps; that mean, if nothing was kept.
    classes_ : ndarray of shape (K,)
    groups_ : ndarray of shape (R,)
        Names of the groups; with `by_label`, pairs of a group and a class.
    held_out_ : ndarray of shape (n,) of bool
        Rows for the last step.
    draws_ : list of ndarray of int
        Rows of each draw.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is taken to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    LastStepRefitRegressor : For numbers.
    GroupDROClassifier : Weighs the groups, for the whole of the model.

    References
    ----------
    P. Kirichenko, P. Izmailov, A. G. Wilson: "Last layer re-training is sufficient for robustness
    to spurious correlations", ICLR, 2023.

    W. Ye, G. Zheng, X. Cao, Y. Ma, A. Zhang: "Spurious Correlations in Machine Learning: A Survey",
    2024 (where it stands among others).

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknoisy.datasets import make_spurious
    >>> from sknoisy.metrics import worst_group_accuracy
    >>> from sknoisy.training.groups import LastStepRefitClassifier
    >>> X, y, groups = make_spurious(4000, minority=0.02, random_state=0)
    >>> X_new, y_new, groups_new = make_spurious(5000, minority=0.02, random_state=1)
    >>> pipe = make_pipeline(StandardScaler(), LogisticRegression())
    >>> model = LastStepRefitClassifier(pipe, random_state=0).fit(X, y, groups=groups)
    >>> worst = [worst_group_accuracy(y_new, m.predict(X_new), groups=groups_new)
    ...          for m in (pipe.fit(X, y), model)]
    >>> bool(worst[1] > worst[0] + 0.1)
    True
    """

    _task = "classification"

    held_out_: BoolArray
    draws_: list[Any]

    def __init__(
        self,
        estimator: Estimator,
        *,
        by: str | Callable[..., Any] | None = None,
        by_label: bool = False,
        last_step: Estimator | None = None,
        representation: Literal["auto", "steps", "leaves", "hidden", "response"] = "auto",
        held_out: float = 0.5,
        n_draws: int = 10,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.by = by
        self.by_label = by_label
        self.last_step = last_step
        self.representation = representation
        self.held_out = held_out
        self.n_draws = n_draws
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state


class LastStepRefitRegressor(WrappedRegressor, _LastStepRefit):
    """Regressor whose last step is fitted again, to held-out rows with as many of each group.

    As `LastStepRefitClassifier`, which says what is kept of which model; the paper has labels.

    Number of fits: 1, plus `n_draws` (10) of the last step.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any. It need not take weights.
    by : str, callable or None, default=None
        What tells the group of each row where `fit` gets no `groups`: a column of X, or
        ``callable(X) -> (n,)``. The model sees the column as well, unless a step before it drops
        it.
    last_step : regressor or None, default=None
        What is fitted to the representation. None means the Pipeline's last step, or the model
        itself where nothing is kept of it; for the other kinds `Ridge`.
    representation : {"auto", "steps", "leaves", "hidden", "response"}, default="auto"
        What is kept of the model. "leaves" and "hidden" mean the last step of a Pipeline.
    held_out : float in [0, 1), default=0.5
        Share of each group's rows that is kept for the last step. With 0 all rows serve for both,
        which is right where the first steps learn nothing from the numbers.
    n_draws : int >= 1, default=10
        Balanced draws of these rows.
    weight_strategy : {"native", "resample"}, default="native"
        How weights given to `fit` reach the model: as its `sample_weight` (an error when it takes
        none), or by repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Without effect: there are no folds.
    random_state : int, RandomState instance or None, default=None
        Seeds which rows are held out and drawn, and every `random_state` that the models leave at
        None.

    Attributes
    ----------
    estimator_ : estimator object
        A Pipeline of what was kept and the mean of the last steps; that mean, if nothing was kept.
    groups_ : ndarray of shape (R,)
        Names of the groups.
    held_out_ : ndarray of shape (n,) of bool
        Rows for the last step.
    draws_ : list of ndarray of int
        Rows of each draw.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is taken to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    References
    ----------
    P. Kirichenko, P. Izmailov, A. G. Wilson: "Last layer re-training is sufficient for robustness
    to spurious correlations", ICLR, 2023 (there for labels).

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import SplineTransformer
    >>> from sknoisy.datasets import make_spurious
    >>> from sknoisy.training.groups import LastStepRefitRegressor
    >>> X, y, groups = make_spurious(1000, task="regression", random_state=0)
    >>> X_new, y_new, groups_new = make_spurious(2000, task="regression", random_state=1)
    >>> pipe = make_pipeline(SplineTransformer(), Ridge())
    >>> model = LastStepRefitRegressor(pipe, random_state=0).fit(X, y, groups=groups)
    >>> misled = groups_new == 1
    >>> plain = pipe.fit(X, y).score(X_new[misled], y_new[misled])
    >>> bool(model.score(X_new[misled], y_new[misled]) > plain + 0.3)
    True
    """

    _task = "regression"

    held_out_: BoolArray
    draws_: list[Any]

    def __init__(
        self,
        estimator: Estimator,
        *,
        by: str | Callable[..., Any] | None = None,
        last_step: Estimator | None = None,
        representation: Literal["auto", "steps", "leaves", "hidden", "response"] = "auto",
        held_out: float = 0.5,
        n_draws: int = 10,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.by = by
        self.last_step = last_step
        self.representation = representation
        self.held_out = held_out
        self.n_draws = n_draws
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state


def part(array, rows):
    return None if array is None else array[rows]
