"""scikit-learn's own checks of models that may hold back answers."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.reject import RejectClassifier, RejectRegressor

SMALL = DecisionTreeClassifier(max_depth=3)
pytestmark = pytest.mark.filterwarnings("ignore:All rows will be rejected")


@parametrize_with_checks(
    [
        RejectClassifier(LogisticRegression(max_iter=200), random_state=0),
        RejectClassifier(LinearSVC(random_state=0), max_risk=0.2, holdout=0.5, random_state=0),
        RejectClassifier(LogisticRegression(), rejector=SMALL, cost=0.3, random_state=0),
        RejectRegressor(Ridge(), rejector=SMALL, random_state=0),
    ]
)
def test_sklearn_checks(estimator, check):
    check(estimator)
