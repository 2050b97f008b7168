"""A model that is trained on more and more rows: continued where it can be, else fitted anew."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags

from sknoisy._evidence import fit_model, take_rows
from sknoisy._evidence._fitting import (
    first_steps,
    resample_by_weight,
    seeded_clone,
    take_params,
)
from sknoisy._evidence._training_stages import PartialFit, fit_step, params_of_steps


def way_to_continue(estimator):
    """ "epochs", "trees" or None: how a model goes on with other rows."""
    model = last_step(estimator)
    is_counting = type(model).__module__ == "sklearn.naive_bayes"  # complete after one pass
    is_lbfgs = getattr(model, "solver", None) == "lbfgs"
    if hasattr(model, "partial_fit") and not is_counting and not is_lbfgs:
        return "epochs"
    if hasattr(model, "warm_start") and _trees_of(model) is not None:
        return "trees"
    return None


def last_step(estimator):
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def _trees_of(model):
    """Name of the parameter that says how many trees a model has, all in all."""
    if isinstance(model, (HistGradientBoostingClassifier, HistGradientBoostingRegressor)):
        return "max_iter"
    return "n_estimators" if hasattr(model, "n_estimators") else None


def fitted_steps(pipeline, X, y, params):
    """(fitted steps before the last, X as the last one sees it, what they are called)."""
    steps = clone(first_steps(pipeline)).steps
    done = []
    for name, step in steps:
        if step is not None and not isinstance(step, str):
            X = fit_step(step, X, y, params.get(name, {}))
        done.append((name, step))
    return done, X


def models_in_stages(estimator, rows, subsets, *, warmup, n_epochs, way, seed):
    """The model after each of the subsets of rows, one after the other, the same object or not.

    Parameters
    ----------
    estimator : estimator object
    rows : tuple
        (X, y, sample_weight or None, fit_params, weight_strategy) of all rows.
    subsets : list of ndarray of int
        Which rows each stage trains on.
    warmup, n_epochs : int
        For a model that has epochs: the first stage sees as many rows as in so many epochs over
        all of them; and epochs of each other stage.
    way : {"epochs", "trees"} or None
        See `way_to_continue`; None fits a new model in each stage.
    seed : int or None

    Yields
    ------
    fitted model
        It may be changed by what follows.
    """
    if way is None:
        for subset in subsets:
            yield _fitted_on(seeded_clone(estimator, seed), rows, subset, seed)
        return
    X, y, weight, params, strategy = rows
    model = seeded_clone(estimator, seed)
    before, last = [], model
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        of_steps, weight = params_of_steps(model, weight, params)
        before, X = fitted_steps(model, X, y, of_steps)
        params = of_steps[name]
    train = _epochs if way == "epochs" else _trees
    for trained in train(last, (X, y, weight, params, strategy), subsets, warmup, n_epochs, seed):
        yield Pipeline([*before, (name, trained)]) if before else trained


def _fitted_on(model, rows, subset, seed):
    X, y, weight, params, strategy = rows
    return fit_model(
        model,
        take_rows(X, subset),
        y[subset],
        None if weight is None else weight[subset],
        take_params(params, subset, len(y)),
        weight_strategy=strategy,
        random_state=seed,
    )


def _epochs(model, rows, subsets, warmup, n_epochs, seed):
    X, y, weight, params, strategy = rows
    rng = check_random_state(seed)
    drawn = weight is not None and strategy == "resample"
    learn = PartialFit(model, X, y, None if drawn else weight, params)
    strata = None if get_tags(model).estimator_type == "regressor" else y
    for stage, subset in enumerate(subsets):
        if drawn:
            mine = None if strata is None else strata[subset]
            subset = subset[resample_by_weight(weight[subset], rng, strata=mine)]
        n_turns, n_calls = n_epochs, 1
        if stage == 0:
            n_turns, n_calls = -(-len(y) // len(subset)), warmup
        for _ in range(n_calls):  # each costs time, so it is given the rows of several epochs
            learn(np.concatenate([rng.permutation(subset) for _ in range(n_turns)]))
        yield model


def _trees(model, rows, subsets, warmup, n_epochs, seed):
    """As many trees in the first stage as in all others together."""
    name = _trees_of(model)
    n_trees = getattr(model, name)
    first = max(1, (n_trees + 1) // 2) if len(subsets) > 1 else n_trees
    ends = np.rint(np.linspace(first, n_trees, len(subsets))).astype(int)
    model.set_params(warm_start=True)
    done = 0
    for end, subset in zip(ends, subsets, strict=True):
        if end > done:
            model.set_params(**{name: int(end)})
            with warnings.catch_warnings():  # that class weights do not fit other rows
                warnings.filterwarnings("ignore", message="class_weight presets")
                _fitted_on(model, rows, subset, seed)
            done = end
        yield model
