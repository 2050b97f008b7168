"""Responses of forests and bagging to the rows that are not in a member's bag."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cross_decomposition import PLSSVD
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, BaseEnsemble
from sklearn.feature_selection import SelectorMixin, VarianceThreshold
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_random_state, get_tags

from sknoisy._evidence._failures import explain
from sknoisy._evidence._fitting import fit_model, seeded_clone, take_rows
from sknoisy._evidence._responses import LabelResponse
from sknoisy._evidence._splits import warn_of_sole_members

LEAST_TREES = 5.0  # that are expected to know no copy of a row, for bags to serve


def has_bags(estimator, evidence):
    """Whether the members of one fitted `estimator` judge, each the rows that its bag has not.

    Bags do not keep groups together, nor hold rows that are repeated for their weight apart. A row
    that has copies is judged by the members whose bag has none of them, if there are enough.
    """
    inputs, target = evidence.inputs, evidence.target
    resampled = inputs.sample_weight is not None and inputs.weight_strategy == "resample"
    one_class = target.is_labels and len(target.classes) < 2
    if inputs.groups is not None or resampled or one_class or not has_oob(estimator):
        return False
    return spares_copies(estimator, evidence)


def spares_copies(estimator, evidence):
    """Whether enough bags of an ensemble have none of the copies of a row, for every row."""
    unit = evidence.copies.unit
    if unit is None:
        return True
    ensemble, n = last_step(estimator), len(unit)
    size = getattr(ensemble, "max_samples", None)
    size = n if size is None else size * n if isinstance(size, float) else size
    without = (1.0 - np.bincount(unit).max() / n) ** size
    return ensemble.n_estimators * without >= LEAST_TREES


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


def out_of_bag(estimator, evidence, random_state):
    """(values, method, number of tests) of each row, from one fit; see `Responses`."""
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
        values = LabelResponse(target.classes).spread(
            np.array(forest.oob_decision_function_, dtype=float),
            forest.classes_,
            0.0,
            f"the out-of-bag response of {type(forest).__name__}",
        )
        method = "predict_proba"
    if evidence.copies.unit is not None:
        _ask_again_about_copies(model, evidence, values, n_tests)
    if target.is_labels:
        # a sole member is out of bag only for trees that know nothing of its class
        n_tests[evidence.members[target.codes] == 1] = 0
        warn_of_sole_members(target.classes, evidence.members)
    values[n_tests == 0] = np.nan
    return values, method, n_tests


def _ask_again_about_copies(model, evidence, values, n_tests):
    """Write to rows that have copies what the members say whose bag has none of these."""
    unit = evidence.copies.unit
    rows = np.flatnonzero(np.bincount(unit)[unit] > 1)
    values[rows], n_tests[rows] = 0.0, 0
    for member, bag, seen in members_of(model, take_rows(evidence.inputs.X, rows)):
        out = ~np.isin(unit[rows], unit[bag])
        if not out.any():
            continue
        if not evidence.target.is_labels:
            said = member.predict(seen[out])
        elif hasattr(member, "predict_proba"):
            # members know the classes by their positions
            respond = LabelResponse(np.arange(len(evidence.target.classes)))
            said = respond(member, seen[out], None)[1]
        else:
            said = np.eye(len(evidence.target.classes))[member.predict(seen[out]).astype(int)]
        values[rows[out]] += said
        n_tests[rows[out]] += 1
    with np.errstate(invalid="ignore"):
        values[rows] /= n_tests[rows].reshape(-1, *[1] * (values.ndim - 1))


def members_of(model, X):
    """(member, rows of its bag, X as it sees it) of each member of a fitted forest or bagging."""
    ensemble = last_step(model)
    while isinstance(model, Pipeline):
        X = model[:-1].transform(X) if len(model.steps) > 1 else X
        model = model.steps[-1][1]
    X = check_array(X, accept_sparse="csr", dtype=None, ensure_all_finite=False)
    in_parts = isinstance(ensemble, BaggingClassifier | BaggingRegressor)
    for i, (member, bag) in enumerate(
        zip(ensemble.estimators_, ensemble.estimators_samples_, strict=True)
    ):
        yield member, bag, X[:, ensemble.estimators_features_[i]] if in_parts else X


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
