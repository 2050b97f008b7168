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

from .fuzzer import trials

CLASSIFIERS = [
    LogisticRegression(max_iter=200),
    RandomForestClassifier(n_estimators=2, random_state=0),
    HistGradientBoostingClassifier(max_iter=2, random_state=0),
    make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)),
    KNeighborsClassifier(),
    LinearSVC(random_state=0),
]
REGRESSORS = [
    Ridge(),
    RandomForestRegressor(n_estimators=2, random_state=0),
    HistGradientBoostingRegressor(max_iter=2, random_state=0),
    make_pipeline(StandardScaler(), Ridge()),
    KNeighborsRegressor(),
    LinearSVR(random_state=0),
]
TREATMENTS = ["Filter", "Reweight", "Relabel"]


def treatments():
    for family in TREATMENTS:
        for kind, models, detector in (
            ("Classifier", CLASSIFIERS, detection.ConfidentLearning(cv=2)),
            ("Regressor", REGRESSORS, detection.Residual(cv=2)),
        ):
            for i, model in enumerate(models):
                extra = {"detector": detector} if i else {}  # the first has the default
                if type(model).__name__.startswith("KNeighbors"):
                    extra["weight_strategy"] = "resample"
                yield getattr(sknoisy, family + kind)(model, random_state=0, **extra)


def robust():
    yield sknoisy.RobustClassifier(LogisticRegression(max_iter=200), effort="fast", random_state=0)
    yield sknoisy.RobustRegressor(Ridge(), effort="fast", random_state=0)


FOLDS = ("sknoisy.detection.out_of_sample", "sknoisy.detection.committees")


def detectors():
    """Each with settings that are cheaper than the defaults, and that need no more than X and y."""
    voters = [
        ("linear", LogisticRegression(max_iter=200)),
        ("tree", DecisionTreeClassifier(max_depth=3)),
    ]
    for name, kind in trials.detector_classes().items():
        model = Ridge() if kind._task == "regression" else LogisticRegression(max_iter=200)
        quick = {"estimator": model, "estimators": voters, "cv": 2, "random_state": 0}
        quick |= trials.CHEAP | trials.CHEAP_OF.get(name, {})
        if not kind.__module__.startswith(FOLDS):  # for others, None is one fit
            del quick["cv"]
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
def test_sklearn_checks(estimator, check, small_forests):
    check(estimator)


@pytest.mark.parametrize("module", [sknoisy, detection, threshold])
def test_every_public_class_is_checked_or_abstract(module):
    for name in module.__all__:
        kind = getattr(module, name)
        if inspect.isclass(kind):
            assert kind.__doc__
            assert kind.__module__.startswith("sknoisy")
