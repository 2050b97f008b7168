"""scikit-learn's own checks of the methods that train and clean in one."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.training import losses, poisoned, trusted

QUICK = {
    "PrototypeTriageClassifier": {"n_rounds": 1, "cv": 2},
    "RobustLossClassifier": {"max_iter": 2, "cv": 2},
    "RobustLossRegressor": {"max_iter": 2, "cv": 2},
}
pytestmark = pytest.mark.filterwarnings("ignore:.*there are none, so this is the plain model")


def estimators():
    for room in (losses, poisoned, trusted):
        for name in room.__all__:
            if not name.endswith(("Classifier", "Regressor")):  # a loss
                continue
            model = Ridge() if name.endswith("Regressor") else LogisticRegression(max_iter=200)
            yield getattr(room, name)(model, random_state=0, **QUICK.get(name, {}))


WEIGHTS = "a witness sees other rows where a row is repeated than where it weighs twice"
FAILS = {
    "StampDefenseClassifier": {
        "check_sample_weight_equivalence_on_dense_data": WEIGHTS,
        "check_sample_weight_equivalence_on_sparse_data": WEIGHTS,
    }
}


@parametrize_with_checks(
    list(estimators()),
    expected_failed_checks=lambda estimator: FAILS.get(type(estimator).__name__, {}),
)
def test_sklearn_checks(estimator, check, small_forests):
    check(estimator)
