"""Responses of a model to rows it has not been fitted on."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass

import numpy as np
from joblib import cpu_count, effective_n_jobs
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from sknoisy._evidence._arrays import explained
from sknoisy._evidence._failures import explain
from sknoisy._evidence._fitting import fit_model, seeded_clone, take_params, take_rows
from sknoisy._evidence._renamed import Renamed, own_codes
from sknoisy._evidence._responses import LabelResponse, margins_to_proba, number_response
from sknoisy._evidence._splits import fewer_to_fit_on
from sknoisy._evidence.bags._out_of_bag import has_bags, out_of_bag
from sknoisy._progress import one_fit, planned_fits


@dataclass(frozen=True)
class Responses:
    """What a model says of rows it has not been fitted on.

    Attributes
    ----------
    values : ndarray of shape (n, K) or (n,)
        Class probabilities, columns in the order of all classes of y, or predicted numbers: the
        mean over all tests of the row; NaN for a row that could not be judged.
    method : {"predict_proba", "decision_function", "predict"}
        Where the values come from.
    n_tests : ndarray of shape (n,)
        How many times each row was judged.
    n_fits : int
        Number of models fitted.
    repeats : ndarray of shape (n_repeats, n) or None
        For numbers with `n_repeats` > 1: the prediction in each repeat.
    models : list of (estimator, test rows) or None
        The fold models, when they were asked for.
    """

    values: np.ndarray
    method: str
    n_tests: np.ndarray
    n_fits: int
    repeats: np.ndarray | None = None
    models: list | None = None


# --------------------------------------------------------------------------- fits


def cross_fit(
    estimator, evidence, splits, respond, *, random_state=None, n_jobs=None, purposes=None
):
    """`respond(model, X_test, test_rows)` for a clone fitted on each (train, test) of `splits`.

    `purposes` say in an error what a split is, where it is no fold.

    Seeds are drawn before any fit, so the result does not depend on `n_jobs`. With several jobs
    the threads inside each are limited, for two many-threaded learners on the same cores are
    slower than one.
    """
    rng = check_random_state(random_state)
    inputs, n = evidence.inputs, len(splits)
    # `estimator`'s own seed parameters stay as they are unless the caller asked for a seed
    seeds = [None if random_state is None else int(rng.randint(2**31 - 1)) for _ in splits]
    fits = [
        Fit(
            train,
            inputs.y[train],
            None if inputs.sample_weight is None else inputs.sample_weight[train],
            test,
            seed,
            f"for detection, fold {i + 1} of {n}" if purposes is None else purposes[i],
        )
        for i, ((train, test), seed) in enumerate(zip(splits, seeds, strict=True))
    ]
    return fit_each(estimator, inputs, fits, respond, n_jobs=n_jobs)


@dataclass(frozen=True)
class Fit:
    """What one clone of a model is fitted on, and which rows it is asked about."""

    rows: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None
    test: np.ndarray
    seed: int | None
    purpose: str


def fit_each(estimator, inputs, fits, respond, *, n_jobs=None):
    """`respond(model, X_test, test_rows)` for a clone of `estimator` fitted on each of `fits`."""
    jobs = min(effective_n_jobs(n_jobs), max(len(fits), 1))
    n_threads = None if jobs == 1 else max(1, cpu_count() // jobs)
    with planned_fits(len(fits)) as tasks:
        return Parallel(n_jobs=jobs)(
            delayed(_fit_one)(estimator, inputs, fit, respond, n_threads, task)
            for fit, task in zip(fits, tasks, strict=True)
        )


def _fit_one(estimator, inputs, fit, respond, n_threads, task):
    limits = nullcontext() if n_threads is None else threadpool_limits(n_threads)
    with limits, one_fit(task):
        try:
            with explained(inputs.X, estimator):
                model = _fitted(estimator, inputs, fit, fit.y)
                return respond(model, take_rows(inputs.X, fit.test), fit.test)
        except Exception as error:
            names = own_codes(estimator, inputs, fit.y)
            if names is not None:
                with suppress(Exception):  # then the first error is the one to tell
                    model = _fitted(estimator, inputs, fit, np.searchsorted(names, fit.y))
                    return respond(Renamed(model, names), take_rows(inputs.X, fit.test), fit.test)
            explain(
                error,
                estimator,
                fit.purpose,
                inputs.y,
                fit.y,
                n_test=len(fit.test),
                is_labels=inputs.task == "classification",
                grouped=inputs.groups is not None,
            )
            raise


def _fitted(estimator, inputs, fit, y):
    return fit_model(
        seeded_clone(estimator, fit.seed),
        take_rows(inputs.X, fit.rows),
        y,
        fit.sample_weight,
        take_params(inputs.fit_params, fit.rows, len(inputs.y)),
        weight_strategy=inputs.weight_strategy,
        random_state=fit.seed,
    )


def out_of_sample(
    estimator,
    evidence,
    *,
    cv=None,
    n_repeats=1,
    keep_models=False,
    random_state=None,
    n_jobs=None,
    unseen=None,
    max_samples=None,
):
    """`Responses` of `estimator` to each training row, from models that have not seen it.

    With `cv=None` a forest or bagging with bootstrap answers out-of-bag, in one fit (see
    `has_bags`); every other estimator, and any `cv` that is given, means cross-fitting. So does a
    mask `unseen` of rows that no model is to see, unless a training part has no others; and so does
    `max_samples`, the rows that each fold model is fitted on at most, or their share.
    """
    target = evidence.target
    cheap = cv is None and not keep_models and unseen is None and max_samples is None
    if cheap and has_bags(estimator, evidence):
        return Responses(*out_of_bag(estimator, evidence, random_state), 1)
    repeats = evidence.splits(cv, n_repeats=n_repeats, random_state=random_state)
    splits = [split for folds in repeats for split in folds]
    if unseen is not None:
        splits = [
            (train if unseen[train].all() else train[~unseen[train]], test)
            for train, test in splits
        ]
    if max_samples is not None:
        weight = evidence.inputs.sample_weight
        splits = fewer_to_fit_on(splits, max_samples, target, weight, random_state)
    respond = LabelResponse(target.classes) if target.is_labels else number_response
    if keep_models:
        respond = _KeepModel(respond)
    answers = cross_fit(
        estimator, evidence, splits, respond, random_state=random_state, n_jobs=n_jobs
    )
    models = None
    if keep_models:
        models = [(model, test) for (_, model), (_, test) in zip(answers, splits, strict=True)]
        answers = [answer for answer, _ in answers]
    repeat_of = np.repeat(np.arange(len(repeats)), [len(folds) for folds in repeats])
    return gather(answers, splits, repeat_of, target, models)


def gather(answers, splits, repeat_of, target, models):
    """`Responses` from the (method, values) of each split: the mean over the tests of a row."""
    n = len(target.y)
    method = answers[0][0] if answers else "predict_proba"
    width = (len(target.classes),) if target.is_labels else ()
    total, n_tests = np.zeros((n, *width)), np.zeros(n, dtype=int)
    n_repeats = repeat_of[-1] + 1 if len(repeat_of) else 1
    each = np.full((n_repeats, n), np.nan) if n_repeats > 1 and not target.is_labels else None
    for (_, values), (train, test), r in zip(answers, splits, repeat_of, strict=True):
        known = ~np.isnan(values if values.ndim == 1 else values.sum(axis=1))
        if target.is_labels:
            # nobody can say whether a row has its class who has never seen that class
            known &= np.isin(target.codes[test], target.codes[train])
        test, values = test[known], values[known]
        total[test] += values
        n_tests[test] += 1
        if each is not None:
            each[r, test] = values
    with np.errstate(invalid="ignore"):
        mean = total / n_tests.reshape(-1, *[1] * len(width))
    if method == "decision_function":
        mean = margins_to_proba(mean, target.codes)
    return Responses(mean, method, n_tests, len(splits), repeats=each, models=models)


class _KeepModel:
    def __init__(self, respond):
        self.respond = respond

    def __call__(self, model, X, rows):
        return self.respond(model, X, rows), model
