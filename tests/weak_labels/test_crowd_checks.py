"""scikit-learn's own checks of the crowd's estimators; a target of one column is one annotator."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.weak_labels import (
    GLAD,
    MACE,
    BiasVariance,
    CrowdClassifier,
    CrowdRegressor,
    DawidSkene,
    MajorityVote,
    OneCoin,
)

FAILED = {}

@parametrize_with_checks(
    [
        CrowdClassifier(LogisticRegression(max_iter=200), n_rounds=1, cv=3, random_state=0),
        CrowdClassifier(GaussianNB(), combine="agreement", n_rounds=1, cv=3, random_state=0),
        CrowdRegressor(Ridge(), n_rounds=1, cv=3, random_state=0),
        MajorityVote(), OneCoin(), DawidSkene(), GLAD(), MACE(), BiasVariance(),
    ],
    expected_failed_checks=lambda estimator: FAILED,
)
def test_sklearn_checks(estimator, check):
    check(estimator)
