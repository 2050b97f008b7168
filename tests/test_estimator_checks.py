"""scikit-learn's own checks, over every public estimator and unlike inner models."""

import inspect

import pytest
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import sknoisy
from sknoisy import detection, threshold

CLASSIFIERS = [
    LogisticRegression(max_iter=200),
    RandomForestClassifier(n_estimators=5, random_state=0),
    HistGradientBoostingClassifier(max_iter=20, random_state=0),
    make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)),
    KNeighborsClassifier(),
    LinearSVC(random_state=0),
]
REGRESSORS = [
    Ridge(),
    RandomForestRegressor(n_estimators=5, random_state=0),
    HistGradientBoostingRegressor(max_iter=20, random_state=0),
    make_pipeline(StandardScaler(), Ridge()),
    KNeighborsRegressor(),
    LinearSVR(random_state=0),
]
TREATMENTS = ["Filter", "Reweight", "Relabel"]


def treatments():
    for family in TREATMENTS:
        for kind, models in (("Classifier", CLASSIFIERS), ("Regressor", REGRESSORS)):
            for model in models:
                no_weights = type(model).__name__.startswith("KNeighbors")
                extra = {"weight_strategy": "resample"} if no_weights else {}
                yield getattr(sknoisy, family + kind)(model, random_state=0, **extra)


def robust():
    yield sknoisy.RobustClassifier(LogisticRegression(max_iter=200), effort="fast", random_state=0)
    yield sknoisy.RobustRegressor(Ridge(), effort="fast", random_state=0)


QUICK = {  # settings that are cheaper than the defaults, or that need no more than X and y
    "AuxiliaryQuality": {"n_subsets": 3},
    "DataOOB": {"n_bags": 8},
    "ExcessLoss": {"error_model": Ridge(), "n_repeats": 2},
    "INFFC": {"n_iter_no_change": 1},
    "LabelCommittee": {"members": "few"},
    "Memorization": {"n_bags": 8},
    "PersonalLoss": {"missing_groups": "one"},
    "ReCoV": {"n_repeats": 3},
    "SelectiveEnsemble": {"n_estimators": 6, "cv": 2},
    "WellRepresentedness": {"n_bags": 8},
}


def detectors():
    voters = [
        ("linear", LogisticRegression(max_iter=200)),
        ("tree", DecisionTreeClassifier(max_depth=3)),
    ]
    for name in detection.__all__:
        kind = getattr(detection, name)
        if inspect.isclass(kind) and not inspect.isabstract(kind):
            model = Ridge() if kind._task == "regression" else LogisticRegression(max_iter=200)
            quick = {"estimator": model, "estimators": voters, "random_state": 0}
            quick |= QUICK.get(name, {})
            known = inspect.signature(kind).parameters
            yield kind(**{key: value for key, value in quick.items() if key in known})


WEIGHT_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
CROSS_VALIDATION = "folds hold a repeated row apart, or draw other folds, where a weight is one row"


def expected_failed_checks(estimator):
    return {name: CROSS_VALIDATION for name in WEIGHT_CHECKS}


@parametrize_with_checks(
    [*treatments(), *robust(), *detectors()], expected_failed_checks=expected_failed_checks
)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("module", [sknoisy, detection, threshold])
def test_every_public_class_is_checked_or_abstract(module):
    for name in module.__all__:
        kind = getattr(module, name)
        if inspect.isclass(kind):
            assert kind.__doc__
            assert kind.__module__.startswith("sknoisy")
