"""scikit-learn's own checks of the methods for groups that nobody has named."""

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.training import hidden_groups

QUICK = {
    "DiscoverCureClassifier": {"cv": 2, "max_iter": 1},
    "JustTrainTwiceClassifier": {"cv": 2},
    "MemorizationAwareClassifier": {"n_rounds": 2, "max_iter": 2, "cv": 2},
    "ProductOfExpertsClassifier": {"max_iter": 2, "cv": 2},
}
HALVES = "twins are fitted on halves, which are others where rows are repeated or left out"
FAILS = {
    "MemorizationAwareClassifier": {
        "check_sample_weight_equivalence_on_dense_data": HALVES,
        "check_sample_weight_equivalence_on_sparse_data": HALVES,
    }
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def estimators():
    for name in hidden_groups.__all__:
        model = LogisticRegression(max_iter=200)
        yield getattr(hidden_groups, name)(model, random_state=0, **QUICK[name])


@parametrize_with_checks(
    list(estimators()),
    expected_failed_checks=lambda estimator: FAILS.get(type(estimator).__name__, {}),
)
def test_sklearn_checks(estimator, check):
    check(estimator)
