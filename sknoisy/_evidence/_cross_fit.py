"""Responses of a model to rows it has not been fitted on."""

from __future__ import annotations

import warnings
from contextlib import nullcontext, suppress
from dataclasses import dataclass

import numpy as np
from joblib import cpu_count, effective_n_jobs
from sklearn.cross_decomposition import PLSSVD
from sklearn.ensemble import BaseEnsemble
from sklearn.feature_selection import SelectorMixin, VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from sknoisy._evidence._failures import check_proba, explain
from sknoisy._evidence._fitting import fit_model, seeded_clone, take_params, take_rows
from sknoisy._evidence._renamed import Renamed, own_codes
from sknoisy.exceptions import RareClassWarning

DEFAULT_FOLDS = 5


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


# --------------------------------------------------------------------------- splits


def make_splits(cv, X, target, *, groups=None, n_repeats=1, random_state=None):
    """List, one entry per repeat, of lists of (train rows, test rows).

    An integer `cv` is stratified for labels, keeps groups together when they are given, and is
    shuffled. Sole members of a class are never in a test part, since no model could know their
    class without them; rare classes are named in one warning.
    """
    cv = DEFAULT_FOLDS if cv is None else cv
    if not isinstance(cv, (int, np.integer)):
        y = target.y if target.codes is None else target.codes
        splitter = check_cv(cv, y, classifier=target.is_labels)
        return [[(np.asarray(a), np.asarray(b)) for a, b in splitter.split(X, target.y, groups)]]
    rng = check_random_state(random_state)
    seeds = rng.randint(np.iinfo(np.int32).max, size=n_repeats)
    return [
        _integer_splits(int(cv), target, groups, int(s), first=i == 0) for i, s in enumerate(seeds)
    ]


def _integer_splits(k, target, groups, seed, first):
    n = len(target.y)
    rows = np.arange(n)
    alone = np.array([], dtype=int)
    codes = target.codes
    if target.is_labels:
        counts = np.bincount(codes)
        if first:
            _warn_rare(target.classes, counts, k)
        alone = np.flatnonzero(counts[codes] == 1)
        rows = np.flatnonzero(counts[codes] > 1)
        if len(rows) == 0 or len(target.classes) < 2:
            return []
        k = min(k, counts.max())
    n_units = len(rows) if groups is None else len(np.unique(np.asarray(groups)[rows]))
    k = min(k, n_units)
    if k < 2:
        raise ValueError(
            f"cv needs at least 2 {'rows' if groups is None else 'groups'} to put in different "
            f"folds, got n_samples={n}" + ("" if groups is None else f" in {n_units} group")
        )
    group_of = None if groups is None else np.asarray(groups)
    if target.is_labels:
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    else:
        kind = KFold if groups is None else GroupKFold
    with warnings.catch_warnings():  # rare classes have been named already
        warnings.filterwarnings("ignore", message="The least populated class")
        folds = kind(k, shuffle=True, random_state=seed)
        splits = list(
            folds.split(
                rows,
                None if codes is None else codes[rows],
                None if group_of is None else group_of[rows],
            )
        )
    return [(_with_alone(rows[a], rows[b], alone, group_of), rows[b]) for a, b in splits]


def _with_alone(train, test, alone, group_of):
    """Add the sole members of classes to a train part, save those of a group that is tested."""
    if group_of is not None:
        alone = alone[~np.isin(group_of[alone], group_of[test])]
    return np.sort(np.concatenate([train, alone]))


def _warn_rare(classes, counts, k):
    rare = np.flatnonzero(counts < k)
    if len(rare):
        few = "1 class has" if len(rare) == 1 else f"{len(rare)} classes have"
        _warn_of_classes(
            f"{few} fewer members than the {k} folds: {{names}}. Their rows are judged by models "
            "that saw even fewer; a sole member cannot be judged and is kept.",
            classes,
            counts,
            rare,
        )


def warn_of_sole_members(target):
    """Name the classes of one row each; where there is but one class, nothing can be judged."""
    counts = np.bincount(target.codes)
    alone = np.flatnonzero(counts == 1)
    if len(alone) and len(counts) > 1:
        _warn_of_classes(
            "Sole members of a class cannot be judged and are kept: {names}.",
            target.classes,
            counts,
            alone,
        )


def _warn_of_classes(message, classes, counts, rare):
    names = ", ".join(f"{classes[j]!s} ({counts[j]})" for j in rare[:10])
    more = f" and {len(rare) - 10} more" if len(rare) > 10 else ""
    warnings.warn(message.format(names=names + more), RareClassWarning, stacklevel=3)


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
    return Parallel(n_jobs=jobs)(
        delayed(_fit_one)(estimator, inputs, fit, respond, n_threads) for fit in fits
    )


def _fit_one(estimator, inputs, fit, respond, n_threads):
    with nullcontext() if n_threads is None else threadpool_limits(n_threads):
        try:
            return respond(
                _fitted(estimator, inputs, fit, fit.y), take_rows(inputs.X, fit.test), fit.test
            )
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
):
    """`Responses` of `estimator` to each training row, from models that have not seen it.

    With `cv=None` a forest or bagging with bootstrap answers out-of-bag, in one fit; every other
    estimator, and any `cv` that is given, means cross-fitting.
    """
    target = evidence.target
    if cv is None and not keep_models and _oob_serves(evidence) and has_oob(estimator):
        return _out_of_bag(estimator, evidence, random_state)
    repeats = make_splits(
        cv,
        evidence.inputs.X,
        target,
        groups=evidence.inputs.groups,
        n_repeats=n_repeats,
        random_state=random_state,
    )
    splits = [split for folds in repeats for split in folds]
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
        if target.is_labels:
            # nobody can say whether a row has its class who has never seen that class
            known = np.isin(target.codes[test], target.codes[train])
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


def number_response(model, X, rows):
    values = np.asarray(model.predict(X), dtype=float)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    return "predict", values


class LabelResponse:
    """predict_proba, else decision_function, else predict, in columns of all classes."""

    def __init__(self, classes):
        self.classes = classes

    def __call__(self, model, X, rows):
        known = getattr(model, "classes_", self.classes)
        if hasattr(model, "predict_proba"):
            values = np.asarray(model.predict_proba(X))
            check_proba(values, model)
            return "predict_proba", self._spread(values, known, 0.0)
        if hasattr(model, "decision_function"):
            margin = np.asarray(model.decision_function(X), dtype=float)
            if margin.ndim == 1:
                margin = np.column_stack([-margin, margin])
            if margin.shape[1] == len(known):
                # a class the fold never saw is no likelier than the least likely one it saw
                lowest = margin.min(axis=1, keepdims=True)
                return "decision_function", self._spread(margin, known, lowest)
        predicted = np.searchsorted(self.classes, np.asarray(model.predict(X)))
        return "predict", np.eye(len(self.classes))[predicted]

    def _spread(self, values, known, fill):
        if values.shape[1] != len(known):
            raise ValueError(
                f"predict_proba gives {values.shape[1]} columns for {len(known)} classes"
            )
        if len(known) == len(self.classes):
            return values
        out = np.zeros((len(values), len(self.classes))) + fill
        out[:, np.searchsorted(self.classes, known)] = values
        return out


class _KeepModel:
    def __init__(self, respond):
        self.respond = respond

    def __call__(self, model, X, rows):
        return self.respond(model, X, rows), model


def margins_to_proba(margins, codes):
    """Class probabilities from out-of-sample margins (n, K), by a logistic fit to the labels.

    Platt scaling, in its several-class form; rows of NaN stay NaN.
    """
    judged = np.isfinite(margins).all(axis=1)
    proba = np.full(margins.shape, np.nan)
    known = np.unique(codes[judged])
    if len(known) == 1:
        proba[judged] = np.eye(margins.shape[1])[known[0]]
    elif len(known):
        features = margins[:, 1:] if margins.shape[1] == 2 else margins
        scale = features[judged].std() or 1.0
        link = LogisticRegression(max_iter=1000).fit(features[judged] / scale, codes[judged])
        proba[judged] = 0.0
        proba[np.ix_(np.flatnonzero(judged), known)] = link.predict_proba(features[judged] / scale)
    return proba


# --------------------------------------------------------------------------- out of bag


def has_oob(estimator):
    """Whether one fit of `estimator` gives honest out-of-bag responses.

    True for scikit-learn's own forests and bagging when they bootstrap, also as the last step of
    a Pipeline whose earlier steps do not look at y.
    """
    if isinstance(estimator, Pipeline):
        if any(_may_look_at_y(step) for _, step in estimator.steps[:-1]):
            return False
        return has_oob(estimator.steps[-1][1])
    return (
        isinstance(estimator, BaseEnsemble)
        and _is_sklearns(estimator)  # others may draw their bags in other ways
        and "oob_score" in estimator.get_params(deep=False)
        and bool(getattr(estimator, "bootstrap", False))
        and not getattr(estimator, "warm_start", False)
    )


def _oob_serves(evidence):
    """Bags do not keep groups together, nor hold rows that are repeated for their weight apart."""
    inputs, target = evidence.inputs, evidence.target
    resampled = inputs.sample_weight is not None and inputs.weight_strategy == "resample"
    one_class = target.is_labels and len(target.classes) < 2
    return inputs.groups is None and not resampled and not one_class


def _is_sklearns(estimator):
    return type(estimator).__module__.split(".")[0] == "sklearn"


def _may_look_at_y(step):
    """Whether the labels may leak into what this transformer, or one inside it, gives out.

    No tag says so: selectors are not marked, and compositions do not pass marks on. Transformers
    of other projects may do anything.
    """
    if step is None or isinstance(step, str):  # "passthrough", "drop"
        return False
    if not _is_sklearns(step) and type(step).__module__.split(".")[0] != "sknoisy":
        return True
    if isinstance(step, (SelectorMixin, PLSSVD)):
        return not isinstance(step, VarianceThreshold)
    tags = get_tags(step)
    if tags.target_tags.required or tags.estimator_type in ("classifier", "regressor"):
        return True
    inner = [value for value in step.get_params(deep=True).values() if hasattr(value, "fit")]
    return any(_may_look_at_y(value) for value in inner)


def _out_of_bag(estimator, evidence, random_state):
    target = evidence.target
    with warnings.catch_warnings():  # rows that are in every bag are treated below
        warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores")
        warnings.filterwarnings(
            "ignore", message="invalid value encountered", category=RuntimeWarning
        )
        model = fit_with_bags(estimator, evidence, random_state, oob_score=True)
    forest = last_step(model)
    n_tests = _times_out_of_bag(forest, len(target.y))
    if not target.is_labels:
        values = np.array(forest.oob_prediction_, dtype=float)
        method = "predict"
    else:
        values = LabelResponse(target.classes)._spread(
            np.asarray(forest.oob_decision_function_, dtype=float), forest.classes_, 0.0
        )
        method = "predict_proba"
        # a sole member is out of bag only for trees that know nothing of its class
        n_tests[np.bincount(target.codes)[target.codes] == 1] = 0
        warn_of_sole_members(target)
    values[n_tests == 0] = np.nan
    return Responses(values, method, n_tests, 1)


def fit_with_bags(estimator, evidence, random_state, **params):
    """A forest or bagging, fitted to all rows; `params` are set at the last step of a Pipeline."""
    inputs = evidence.inputs
    seed = None if random_state is None else check_random_state(random_state).randint(2**31 - 1)
    model = seeded_clone(estimator, seed)
    last_step(model).set_params(**params)
    try:
        return fit_model(model, inputs.X, inputs.y, inputs.sample_weight, inputs.fit_params)
    except Exception as error:
        is_labels = evidence.target.is_labels
        purpose = "for detection, out of bag"
        explain(error, estimator, purpose, inputs.y, inputs.y, is_labels=is_labels)
        raise


def last_step(model):
    while isinstance(model, Pipeline):
        model = model.steps[-1][1]
    return model


def _times_out_of_bag(forest, n):
    n_tests = np.full(n, len(forest.estimators_))
    for rows in forest.estimators_samples_:
        n_tests[np.unique(rows)] -= 1
    return n_tests
