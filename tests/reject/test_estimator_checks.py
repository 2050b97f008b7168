"""scikit-learn's own checks of models that may hold back answers."""

import pytest
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.reject import RejectClassifier, RejectRegressor

FEW_TREES = {"novelty_detector": IsolationForest(n_estimators=5)}
WEIGHT_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
HOLDOUT = "other rows are held out where a row is repeated than where it weighs twice"
SMALL = DecisionTreeClassifier(max_depth=3)
pytestmark = pytest.mark.filterwarnings("ignore:All rows will be rejected")


@parametrize_with_checks(
    [
        RejectClassifier(LogisticRegression(max_iter=200), random_state=0),
        RejectClassifier(LinearSVC(random_state=0), max_risk=0.2, holdout=0.5, random_state=0),
        RejectClassifier(LogisticRegression(), rejector=SMALL, cost=0.3, random_state=0),
        RejectClassifier(LogisticRegression(), by="both", cv=2, random_state=0, **FEW_TREES),
        RejectRegressor(Ridge(), rejector=SMALL, random_state=0),
        RejectRegressor(Ridge(), by="novelty", cv=2, random_state=0, **FEW_TREES),
    ],
    expected_failed_checks=lambda estimator: (
        dict.fromkeys(WEIGHT_CHECKS, HOLDOUT) if estimator.holdout else {}
    ),
)
def test_sklearn_checks(estimator, check):
    check(estimator)
