"""How models train: a function for each way, which answers as it goes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from copy import copy
from functools import singledispatch
from inspect import signature
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.ensemble._forest import ForestClassifier, ForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    TweedieRegressor,
)
from sklearn.naive_bayes import (
    BernoulliNB,
    CategoricalNB,
    ComplementNB,
    GaussianNB,
    MultinomialNB,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metadata_routing import _routing_enabled, process_routing
from sklearn.utils.validation import _num_samples

from sknoisy._evidence._fitting import check_takes_weights, fit_model, take_params, take_rows
from sknoisy._evidence._responses import LabelResponse, number_response
from sknoisy._evidence._target import positions
from sknoisy._typing import ArrayLike, Estimator, FloatArray, MatrixLike

EPOCHS = 20  # of what has no number of epochs of its own


@singledispatch
def training_stages(
    estimator: Estimator,
    X: MatrixLike,
    y: ArrayLike,
    X_asked: MatrixLike,
    *,
    sample_weight: ArrayLike | None = None,
    fit_params: dict[str, Any] | None = None,
    n_stages: int = 20,
    budget: float = 1.0,
) -> Iterator[tuple[int, float, FloatArray]]:
    """Train an estimator and ask it, at several stages, about some rows.

    What counts as training, and what a step of it is:

    - boosting, anything with `staged_predict`, LightGBM, XGBoost and CatBoost: iterations, in one
      fit;
    - forests and bagging: trees, in one fit;
    - a single tree: its levels, in one fit;
    - anything with `partial_fit`: epochs over the shuffled rows. As many as `max_iter`, but where
      the estimator would stop by its `tol` 20 at most, or `n_stages` if that is more; an MLP does
      stop by it. Naive Bayes, which is complete after one pass: rows;
    - regularised linear models and SVMs, and `LinearRegression`: regularisation, in `n_stages`
      fits, from one that flattens everything to the estimator's own. Their solvers go straight to
      the optimum; the path passes through such models as training by gradient would;
    - others with `warm_start` and `max_iter`: iterations;
    - a Pipeline and a `TransformedTargetRegressor`: what the model inside does; the other steps are
      fitted once.

    For any other estimator, register a function with the same arguments.

    Parameters
    ----------
    estimator : estimator object
        Unfitted; it is trained in place.
    X, y : training rows
    X_asked : rows to respond to
    sample_weight : array-like of shape (n,), default=None
        Weights of the training rows.
    fit_params : dict, default=None
        Further parameters of `fit`.
    n_stages : int, default=20
        The most stages to give. They are spread evenly, and the end of training is one of them.
    budget : float in (0, 1], default=1.0
        The share of the training that is carried out.

    Yields
    ------
    step : int
        What has been done so far.
    share : float in (0, 1]
        The same as a share of the planned training.
    values : ndarray of shape (n_asked, K) or (n_asked,)
        Probabilities of the classes in `y`, sorted, or predicted numbers. Where an estimator only
        has a `decision_function`, the softmax of its margins (with two classes the logistic
        function); margins of more than unit root mean square are first brought to that.

    Raises
    ------
    TypeError
        If the estimator is of no type that is known here.

    References
    ----------
    On regularisation paths for training: A. Ali, J. Z. Kolter, R. J. Tibshirani: "A Continuous-Time
    View of Early Stopping for Least Squares Regression", AISTATS 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import GradientBoostingClassifier
    >>> from sknoisy.detection import training_stages
    >>> X, y = load_iris(return_X_y=True)
    >>> model = GradientBoostingClassifier(n_estimators=10)
    >>> for step, share, proba in training_stages(model, X, y, X, n_stages=3):
    ...     print(step, share, proba.shape)
    4 0.4 (150, 3)
    7 0.7 (150, 3)
    10 1.0 (150, 3)

    Nearest neighbours do not train. Should fewer and fewer neighbours be taken for it:

    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> @training_stages.register(KNeighborsClassifier)
    ... def fewer_neighbors(estimator, X, y, X_asked, *, n_stages=20, **others):
    ...     k = estimator.n_neighbors
    ...     for step in range(1, n_stages + 1):
    ...         estimator.set_params(n_neighbors=k + n_stages - step).fit(X, y)
    ...         yield step, step / n_stages, estimator.predict_proba(X_asked)
    >>> stages = training_stages(KNeighborsClassifier(), X, y, X[:7], n_stages=2)
    >>> [proba.shape for _, _, proba in stages]
    [(7, 3), (7, 3)]
    """
    for stages, serves in (
        (_lightgbm, _is_of("lightgbm", "LGBMModel")),
        (_xgboost, _is_of("xgboost", "XGBModel")),
        (_catboost, _is_of("catboost", "CatBoost")),
        (_staged, _counts_its_stages),
        (_epochs, lambda model: hasattr(model, "partial_fit")),
        (_warm_starts, lambda model: hasattr(model, "warm_start") and hasattr(model, "max_iter")),
    ):
        if serves(estimator):
            return stages(estimator, X, y, X_asked, sample_weight, fit_params, n_stages, budget)
    name = type(estimator).__name__
    raise TypeError(
        f"{name} does not train in stages that sknoisy knows of: choose a model such as gradient "
        "boosting, a forest, an SGDClassifier or a regularised linear model, or say how it trains: "
        f"@sknoisy.detection.training_stages.register({name})."
    )


def _trains(*kinds):
    """Register a trainer whose arguments are all positional."""

    def register(stages):
        def with_names(
            estimator,
            X,
            y,
            X_asked,
            *,
            sample_weight=None,
            fit_params=None,
            n_stages=20,
            budget=1.0,
        ):
            return stages(estimator, X, y, X_asked, sample_weight, fit_params, n_stages, budget)

        for kind in kinds:
            training_stages.register(kind, with_names)
        return stages

    return register


def _steps(planned, n_stages, budget):
    """At most `n_stages` evenly spread whole numbers up to the share `budget` of `planned`."""
    end = max(1, round(budget * planned))
    return np.unique(np.ceil(np.linspace(0, end, int(n_stages) + 1)[1:] - 1e-9).astype(int))


def answer_of(model, X):
    """Probabilities in the order of the model's classes, or numbers."""
    if not hasattr(model, "classes_"):
        return number_response(model, X, None)[1]
    method, values = LabelResponse(np.sort(model.classes_))(model, X, None)
    if method == "decision_function":
        values = _squash(values)
    return values


def _squash(margins):
    """Probabilities whose log-ratios are the margins, scaled down where they are huge.

    Two columns are -m and m: the logistic function of m is the softmax of their halves.
    """
    if margins.shape[1] == 2:
        margins = margins / 2
    size = np.sqrt(np.mean(margins**2)) if margins.size else 0.0
    return softmax(margins / max(size, 1.0), axis=1)


# --------------------------------------------------------------------------- several in one fit


def _staged(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    """Boosting that can answer as of each of its iterations."""
    name = "n_estimators" if hasattr(model, "n_estimators") else "max_iter"
    planned = getattr(model, name)
    steps = _steps(planned, n_stages, budget)
    model.set_params(**{name: int(steps[-1])})
    fit_model(model, X, y, sample_weight, fit_params)
    # one that ended sooner by its own rule has its end as its last stage
    if hasattr(model, "staged_predict_proba"):
        answers = model.staged_predict_proba(X_asked)
    else:
        answers = _staged_answers(model, X_asked)
    step, values = 0, None
    for step, values in enumerate(answers, start=1):
        if step in steps:
            yield step, step / planned, _sorted_columns(model, values)
    if values is not None and step not in steps:
        yield step, step / planned, _sorted_columns(model, values)


def _sorted_columns(model, values):
    """Columns in the order of the sorted classes, whatever the order of the model's own."""
    order = np.argsort(getattr(model, "classes_", [0]), kind="stable")
    if (np.diff(order) == 1).all():
        return values
    return np.asarray(values)[:, order]


def _counts_its_stages(model):
    counted = hasattr(model, "n_estimators") or hasattr(model, "max_iter")
    return counted and hasattr(model, "staged_predict")


def _staged_answers(model, X):
    if not hasattr(model, "classes_"):
        yield from model.staged_predict(X)
    elif hasattr(model, "staged_decision_function"):
        for margin in model.staged_decision_function(X):
            yield _squash(np.column_stack([-margin, margin]) if margin.ndim == 1 else margin)
    else:
        for predicted in model.staged_predict(X):
            at = positions(np.ravel(predicted), np.asarray(model.classes_))
            yield np.eye(len(model.classes_))[at]


def _is_of(package, base):
    def serves(model):
        return any(
            kind.__name__ == base and kind.__module__.split(".")[0] == package
            for kind in type(model).__mro__
        )

    return serves


def _lightgbm(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    planned = model.get_params()["n_estimators"]
    steps = _steps(planned, n_stages, budget)
    model.set_params(n_estimators=int(steps[-1]))
    fit_model(model, X, y, sample_weight, fit_params)
    ask = model.predict_proba if hasattr(model, "classes_") else model.predict
    for step in _until(steps, model.n_estimators_):
        yield step, step / planned, ask(X_asked, num_iteration=step)


def _xgboost(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    planned = model.get_num_boosting_rounds()
    steps = _steps(planned, n_stages, budget)
    model.set_params(n_estimators=int(steps[-1]))
    fit_model(model, X, y, sample_weight, fit_params)
    ask = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    for step in _until(steps, model.get_booster().num_boosted_rounds()):
        yield step, step / planned, ask(X_asked, iteration_range=(0, step))


def _catboost(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    given = model.get_params()
    names = ("iterations", "n_estimators", "num_boost_round", "num_trees")
    name = next((name for name in names if given.get(name) is not None), names[0])
    planned = given.get(name) or 1000  # CatBoost's own default
    steps = _steps(planned, n_stages, budget)
    model.set_params(**{name: int(steps[-1])})
    fit_model(model, X, y, sample_weight, fit_params)
    ask = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    for step in _until(steps, model.tree_count_):
        yield step, step / planned, ask(X_asked, ntree_end=step)


def _until(steps, end):
    """The steps up to `end`, which is the last of them."""
    return [int(step) for step in steps if step < end] + [int(min(end, steps[-1]))]


@_trains(ForestClassifier, ForestRegressor, BaggingClassifier, BaggingRegressor)
def _trees(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    """A forest is fitted once, and the mean of its trees is taken from the first on."""
    planned = model.n_estimators
    steps = _steps(planned, n_stages, budget)
    model.set_params(n_estimators=int(steps[-1]))
    fit_model(model, X, y, sample_weight, fit_params)
    total = 0.0
    for start, end in pairwise([0, *steps.tolist()]):
        part = copy(model)
        part.n_estimators = end - start
        part.estimators_ = model.estimators_[start:end]
        if hasattr(model, "estimators_features_"):
            part.estimators_features_ = model.estimators_features_[start:end]
        total = total + (end - start) * answer_of(part, X_asked)
        yield end, end / planned, total / end


@_trains(DecisionTreeClassifier, DecisionTreeRegressor)
def _levels(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    """A tree is fitted once, and cut at one level after the other."""
    fit_model(model, X, y, sample_weight, fit_params)
    tree = model.tree_
    parent, level = np.zeros(tree.node_count, dtype=int), np.zeros(tree.node_count, dtype=int)
    for node in range(tree.node_count):  # a parent comes before its children
        for child in (tree.children_left[node], tree.children_right[node]):
            if child >= 0:
                parent[child], level[child] = node, level[node] + 1
    planned = max(int(tree.max_depth), 1)
    leaves = model.apply(X_asked)
    for step in _steps(planned, n_stages, budget):
        nodes = leaves.copy()
        while (low := level[nodes] > step).any():
            nodes[low] = parent[nodes[low]]
        values = tree.value[nodes, 0]
        if hasattr(model, "classes_"):
            values = values / values.sum(axis=1, keepdims=True)
        else:
            values = values[:, 0]
        yield int(step), step / planned, values


# --------------------------------------------------------------------------- bit by bit


def _epochs(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    """`partial_fit` on all rows, again and again."""
    if getattr(model, "solver", None) == "lbfgs":  # an MLP whose solver has no epochs
        yield from _warm_starts(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget)
        return
    learn = PartialFit(model, X, y, sample_weight, fit_params)
    planned = getattr(model, "max_iter", None) or max(int(n_stages), EPOCHS)
    can_stall = hasattr(model, "n_iter_no_change") and getattr(model, "tol", None) is not None
    if can_stall and not hasattr(model, "batch_size"):  # an MLP has one, and a `loss_curve_`
        # `fit` would stop by a training loss that `partial_fit` does not tell
        planned = min(planned, max(int(n_stages), EPOCHS))
    steps = _steps(planned, n_stages, budget)
    shuffles = getattr(model, "shuffle", True)
    rng = check_random_state(getattr(model, "random_state", None))
    n = _num_samples(X)
    for step in range(1, steps[-1] + 1):
        learn(rng.permutation(n) if shuffles else None)
        done = can_stall and _has_stalled(model)
        if done or step in steps:
            yield step, step / planned, answer_of(model, X_asked)
        if done:
            return


class PartialFit:
    """`partial_fit` with all that `fit` would get."""

    def __init__(self, model, X, y, sample_weight, fit_params):
        known = signature(model.partial_fit).parameters
        if sample_weight is not None and "sample_weight" not in known:
            raise ValueError(
                f"partial_fit of {type(model).__name__} takes no sample_weight, but sample_weight "
                "was given: choose another model for the stages of training."
            )
        self.model, self.X, self.y, self.params = model, X, np.asarray(y), fit_params
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        self.classes = {"classes": np.unique(y)} if "classes" in known else {}
        if getattr(model, "early_stopping", False):  # `partial_fit` refuses it
            model.set_params(early_stopping=False)
        if getattr(model, "class_weight", None) == "balanced":  # it refuses that, too
            classes = np.unique(y)
            weights = compute_class_weight("balanced", classes=classes, y=y)
            model.set_params(class_weight=dict(zip(classes, weights, strict=True)))

    def __call__(self, rows=None, y=None, sample_weight=None):
        """One pass; `y` and `sample_weight` of these rows where they are not those given first."""
        n = len(self.y)
        rows = np.arange(n) if rows is None else rows
        params = take_params(self.params, rows, n) | self.classes
        if sample_weight is None and self.sample_weight is not None:
            sample_weight = self.sample_weight[rows]
        if sample_weight is not None:
            params["sample_weight"] = sample_weight
        self.model.partial_fit(take_rows(self.X, rows), self.y[rows] if y is None else y, **params)


def _has_stalled(model):
    """Whether the training loss has not fallen by `tol` for `n_iter_no_change` epochs."""
    losses = np.asarray(getattr(model, "loss_curve_", ()))
    patience = model.n_iter_no_change
    if len(losses) <= patience + 1:
        return False
    best = np.minimum.accumulate(np.concatenate([[np.inf], losses[:-1]]))
    return bool((losses[-patience - 1 :] > best[-patience - 1 :] - model.tol).all())


@_trains(GaussianNB, MultinomialNB, BernoulliNB, ComplementNB, CategoricalNB)
def _rows(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    """Counts and means are complete after one pass, so the stages are shares of the rows."""
    if isinstance(model, CategoricalNB) and model.min_categories is None:
        # the first rows need not have all categories
        model.set_params(min_categories=np.max(np.asarray(X), axis=0).astype(int) + 1)
    learn = PartialFit(model, X, y, sample_weight, fit_params)
    order = _all_classes_first(learn.y, learn.sample_weight)
    planned, n_classes = len(order), len(np.unique(learn.y[order]))
    ends = np.unique(np.maximum(_steps(planned, n_stages, budget), n_classes))
    for start, end in pairwise([0, *ends.tolist()]):
        learn(order[start:end])
        yield end, end / planned, answer_of(model, X_asked)


def _all_classes_first(y, weight):
    """A fixed random order of the rows, without those of no weight; one of each class comes first.

    A class of which nothing is known would have the logarithm of zero for its share.
    """
    order = np.random.RandomState(0).permutation(len(y))
    if weight is not None:
        order = order[weight[order] > 0]
    first = np.unique(y[order], return_index=True)[1]
    return np.concatenate([order[first], np.delete(order, first)])


def _warm_starts(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    """A few iterations at a time, each time from where the last ones ended."""
    planned = model.max_iter
    steps = _steps(planned, n_stages, budget)
    model.set_params(warm_start=True)
    for start, end in pairwise([0, *steps.tolist()]):
        model.set_params(max_iter=end - start)
        _fit_unfinished(model, X, y, sample_weight, fit_params)
        yield end, end / planned, answer_of(model, X_asked)


def _fit_unfinished(model, X, y, sample_weight, fit_params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit_model(model, X, y, sample_weight, fit_params)


# --------------------------------------------------------------------------- paths


@_trains(LogisticRegression, LinearSVC, LinearSVR, SVC, SVR)
def _path_of_C(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    strengths = _strengths(_sum_of_squares(model, X), 1 / model.C, n_stages)
    changes = [{"C": 1 / strength} for strength in strengths[:-1]]
    if getattr(model, "penalty", "") is None:
        changes = [{**change, "penalty": type(model)().penalty} for change in changes]
    yield from _path(model, changes, X, y, X_asked, sample_weight, fit_params, budget)


@_trains(Ridge, RidgeClassifier, HuberRegressor, KernelRidge)
def _path_of_alpha(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    strengths = _strengths(_sum_of_squares(model, X), model.alpha, n_stages)
    changes = [{"alpha": strength} for strength in strengths[:-1]]
    yield from _path(model, changes, X, y, X_asked, sample_weight, fit_params, budget)


@_trains(PoissonRegressor, GammaRegressor, TweedieRegressor)
def _path_of_mean_alpha(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    strong = _sum_of_squares(model, X) / _num_samples(X)
    changes = [{"alpha": a} for a in _strengths(strong, model.alpha, n_stages)[:-1]]
    yield from _path(model, changes, X, y, X_asked, sample_weight, fit_params, budget)


@_trains(ElasticNet)  # and Lasso, which is one
def _path_of_l1(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    """From the least penalty at which all coefficients are zero."""
    weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    weight = weight / weight.sum()
    scaler = StandardScaler(with_mean=False).fit(X)
    residual = weight * (y - weight @ y)
    features = X if hasattr(X, "tocsr") else np.asarray(X, dtype=float)
    slopes = residual @ features
    strong = np.abs(slopes).max(initial=0.0) / max(model.l1_ratio, 1e-3)
    strong = strong or float(np.mean(scaler.var_)) or 1.0
    changes = [{"alpha": a} for a in _strengths(strong, model.alpha, n_stages)[:-1]]
    yield from _path(model, changes, X, y, X_asked, sample_weight, fit_params, budget)


@_trains(LinearRegression)
def _path_of_ridge(model, X, y, X_asked, sample_weight, fit_params, n_stages, budget):
    """Ridge regressions of less and less penalty, then the least squares without one."""
    strengths = _strengths(_sum_of_squares(model, X), 0.0, n_stages)
    for i, share in _shares(len(strengths), budget):
        stage = model
        if i < len(strengths) - 1:
            stage = Ridge(strengths[i], fit_intercept=model.fit_intercept, positive=model.positive)
        fit_model(stage, X, y, sample_weight, fit_params)
        yield i + 1, share, answer_of(stage, X_asked)


@training_stages.register(LogisticRegressionCV)
def _no_path(estimator, X, y, X_asked, **others):
    raise TypeError(
        "LogisticRegressionCV searches its regularisation and so has no stages of training: use "
        "LogisticRegression with the C it finds."
    )


def _strengths(strong, own, n_stages):
    """Penalties from one that flattens everything to the model's own."""
    strong = max(10 * strong, 100 * own)
    weak = own if own > 0 else 1e-6 * strong
    return np.geomspace(strong, weak, int(n_stages)) if n_stages > 1 else np.array([weak])


def _shares(n_stages, budget):
    for i in range(max(1, round(budget * n_stages))):
        yield i, (i + 1) / n_stages


def _path(model, changes, X, y, X_asked, sample_weight, fit_params, budget):
    """Fit with each of `changes`, then as the model is."""
    own = model.get_params(deep=False)
    warm = {"warm_start": True} if "warm_start" in own else {}
    for i, share in _shares(len(changes) + 1, budget):
        if i < len(changes):
            model.set_params(**changes[i], **warm)
            _fit_unfinished(model, X, y, sample_weight, fit_params)
        else:  # as it would be without any path, also in where it starts
            model.set_params(**{name: own[name] for name in [*warm, *(changes or [{}])[0]]})
            fit_model(model, X, y, sample_weight, fit_params)
        yield i + 1, share, answer_of(model, X_asked)


def _sum_of_squares(model, X):
    """Of a typical column about its mean: a penalty of that size halves a coefficient."""
    if getattr(model, "kernel", "linear") != "linear":
        return float(_num_samples(X))
    scale = float(np.mean(StandardScaler(with_mean=False).fit(X).var_))
    return _num_samples(X) * (scale if np.isfinite(scale) and scale > 0 else 1.0)


# --------------------------------------------------------------------------- behind other steps


@training_stages.register(Pipeline)
def _behind_steps(
    estimator, X, y, X_asked, *, sample_weight=None, fit_params=None, n_stages=20, budget=1.0
):
    """The steps before the last are fitted once."""
    last_name, last = estimator.steps[-1]
    if last is None or isinstance(last, str):
        raise TypeError(f"A Pipeline without a model ({last!r} is its last step) trains nothing.")
    if sample_weight is not None:
        check_takes_weights(estimator, "native", "sample_weight was given")
    params, weight = params_of_steps(estimator, sample_weight, fit_params)
    for name, step in estimator.steps[:-1]:
        if step is None or isinstance(step, str):
            continue
        if hasattr(step, "fit_resample") and not hasattr(step, "transform"):  # imbalanced-learn
            X, y = step.fit_resample(X, y, **params[name])
            continue
        X = fit_step(step, X, y, params[name])
        X_asked = step.transform(X_asked)
    yield from training_stages(
        last,
        X,
        y,
        X_asked,
        sample_weight=weight,
        fit_params=params[last_name],
        n_stages=n_stages,
        budget=budget,
    )


def fit_step(step, X, y, params):
    """X behind a step of a Pipeline, which is fitted in place."""
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, y, **params)
    return step.fit(X, y, **params).transform(X)


def params_of_steps(pipeline, sample_weight, fit_params):
    """The fit parameters of each step, and the weights that the last one gets."""
    fit_params = dict(fit_params or {})
    if not fit_params and sample_weight is None:  # nothing to route
        return {name: {} for name, _ in pipeline.steps}, None
    if _routing_enabled():
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        routed = process_routing(pipeline, "fit", **fit_params, **given)
        params = {}
        for name, step in pipeline.steps[:-1]:
            method = "fit_transform" if hasattr(step, "fit_transform") else "fit"
            params[name] = dict(routed[name].get(method, {})) if name in routed else {}
        last = pipeline.steps[-1][0]
        params[last] = dict(routed[last].get("fit", {}))
        return params, params[last].pop("sample_weight", None)
    params = {name: {} for name, _ in pipeline.steps}
    for key, value in fit_params.items():
        name, _, inner = key.partition("__")
        if name not in params or not inner:
            raise ValueError(
                f"Pipeline.fit does not accept the {key} parameter: write it with the name of a "
                f"step, as in {pipeline.steps[-1][0]}__{key}."
            )
        params[name][inner] = value
    return params, sample_weight


@training_stages.register(TransformedTargetRegressor)
def _behind_target(estimator, X, y, X_asked, **how):
    """Numbers on the scale of the model, answers on that of y."""
    scale = estimator.transformer
    if scale is None:
        scale = FunctionTransformer(estimator.func, estimator.inverse_func, validate=True)
    inner = LinearRegression() if estimator.regressor is None else estimator.regressor
    scaled = np.ravel(scale.fit_transform(np.asarray(y, dtype=float)[:, None]))
    for step, share, values in training_stages(inner, X, scaled, X_asked, **how):
        yield step, share, np.ravel(scale.inverse_transform(np.reshape(values, (-1, 1))))
