"""scikit-learn's own checks of mixtures of rows."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.training import mixing

QUICK = {
    "ContradictingPairClassifier": {"n_rounds": 2, "cv": 2},
    "NeighborMixRegressor": {"n_neighbors": [2], "cv": 2},
}
WEIGHTS = "a row that is there twice is mixed with other rows than one that weighs twice"
FAILS = {
    name: {
        "check_sample_weight_equivalence_on_dense_data": WEIGHTS,
        "check_sample_weight_equivalence_on_sparse_data": WEIGHTS,
    }
    for name in mixing.__all__
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def estimators():
    for name in mixing.__all__:
        model = Ridge() if name.endswith("Regressor") else LogisticRegression(max_iter=200)
        yield getattr(mixing, name)(model, random_state=0, **QUICK.get(name, {}))


@parametrize_with_checks(
    list(estimators()),
    expected_failed_checks=lambda estimator: FAILS[type(estimator).__name__],
)
def test_sklearn_checks(estimator, check):
    check(estimator)
