"""scikit-learn's own checks of the methods whose targets, rows or peers change."""

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.training import moving_targets

QUICK = {
    "CoTeachingClassifier": {"n_draws": 1, "n_rounds": 2, "cv": 2},
    "CoTeachingRegressor": {"n_draws": 1, "n_rounds": 2, "cv": 2},
    "EarlyLearningClassifier": {"n_rounds": 2, "cv": 2},
    "EarlyLearningRegressor": {"n_rounds": 2, "cv": 2},
    "RepresentationCalibrationClassifier": {},
}


def estimators():
    for name in moving_targets.__all__:
        model = Ridge() if name.endswith("Regressor") else LogisticRegression(max_iter=200)
        yield getattr(moving_targets, name)(model, random_state=0, **QUICK[name])


FAILS = {
    "RepresentationCalibrationClassifier": {
        "check_sample_weight_equivalence_on_dense_data": (
            "outliers are told by neighbours, and a repeated row is a neighbour of itself"
        ),
    }
}


@parametrize_with_checks(
    list(estimators()),
    expected_failed_checks=lambda estimator: FAILS.get(type(estimator).__name__, {}),
)
def test_sklearn_checks(estimator, check):
    check(estimator)
