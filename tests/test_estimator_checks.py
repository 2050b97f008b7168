"""scikit-learn's own checks, over every public estimator and unlike inner models."""

import inspect

import pytest
from sklearn.base import clone, is_classifier
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
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

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
    HistGradientBoostingRegressor(max_iter=3, learning_rate=0.5, random_state=0),
    make_pipeline(StandardScaler(), Ridge()),
    KNeighborsRegressor(),
    LinearSVR(random_state=0),
]
TREATMENTS = ["Filter", "Reweight", "Relabel"]


def treatments(which):
    """Those of the models in a slice of the lists."""
    for family in TREATMENTS:
        for kind, models in (("Classifier", CLASSIFIERS), ("Regressor", REGRESSORS)):
            for model in models[which]:
                no_weights = type(model).__name__.startswith("KNeighbors")
                extra = {"weight_strategy": "resample"} if no_weights else {}
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
    [*treatments(slice(1)), *robust(), *detectors()],
    expected_failed_checks=expected_failed_checks,
)
def test_sklearn_checks(estimator, check, small_forests):
    check(estimator)


# Of checks of treatments: those in which another model may make a difference.
OF_MODELS = (
    *("_train", "classes", "one_label", "1sample", "1feature", "y_2d", "decision", "n_features"),
    *("methods", "idempotent", "nan_inf", "dtypes", "pickle(", "sparse_tag", "sample_weights"),
)


def of_models():
    """(treatment of another model than the linear one, check)."""
    for treatment in treatments(slice(1, None)):
        detector = detection.ConfidentLearning if is_classifier(treatment) else detection.Residual
        for estimator, check in estimator_checks_generator(
            treatment.set_params(detector=detector(cv=2))
        ):
            said = f"{check.func.__name__}({', '.join(map(str, check.keywords.values()))})"
            if any(word in said for word in OF_MODELS):
                names = type(treatment).__name__, type(treatment.estimator).__name__, said
                yield pytest.param(estimator, check, id="-".join(names))


@pytest.mark.parametrize(("estimator", "check"), of_models())
def test_sklearn_checks_of_other_models(estimator, check):
    check(clone(estimator))


@pytest.mark.parametrize("module", [sknoisy, detection, threshold])
def test_every_public_class_is_checked_or_abstract(module):
    for name in module.__all__:
        kind = getattr(module, name)
        if inspect.isclass(kind):
            assert kind.__doc__
            assert kind.__module__.startswith("sknoisy")
