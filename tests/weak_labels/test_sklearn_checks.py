"""scikit-learn's own checks of crowds and labelling functions.

A target of one column is one annotator. Most checks give it in one dimension, which these classes
refuse by design, so the checks run on subclasses that make a column of it.
"""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import column_or_1d

from sknoisy.weak_labels import (
    GLAD,
    MACE,
    BiasVariance,
    CrowdClassifier,
    CrowdRegressor,
    DawidSkene,
    LabelModel,
    MajorityVote,
    OneCoin,
    TripletLabelModel,
    WeaklySupervisedClassifier,
)


class OneColumn:
    """What a check gives as y is the only column."""

    def fit(self, X, y=None, *, sample_weight=None):
        if y is not None:
            y = np.asarray(column_or_1d(y, warn=True)).reshape(-1, 1)
        return super().fit(X, y, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        tags.target_tags.single_output = True
        return tags


class OneAnnotatorClassifier(OneColumn, CrowdClassifier):
    pass


class OneAnnotatorRegressor(OneColumn, CrowdRegressor):
    pass


class OneFunctionClassifier(OneColumn, WeaklySupervisedClassifier):
    pass


WEIGHT_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
CROSS_VALIDATION = "folds hold a repeated row apart, or draw other folds, where a weight is one row"


@parametrize_with_checks(
    [
        OneAnnotatorClassifier(LogisticRegression(), n_rounds=1, cv=3, random_state=0),
        OneAnnotatorClassifier(
            GaussianNB(), MajorityVote(), combine="agreement", n_rounds=1, cv=3, random_state=0
        ),
        OneAnnotatorClassifier(LogisticRegression(), n_rounds=0),
        OneAnnotatorRegressor(Ridge(), n_rounds=1, cv=3, random_state=0),
        OneAnnotatorRegressor(Ridge(), n_rounds=0),
        OneFunctionClassifier(LogisticRegression(), random_state=0),
        OneFunctionClassifier(GaussianNB(), MajorityVote()),
    ],
    expected_failed_checks=lambda estimator: (
        dict.fromkeys(WEIGHT_CHECKS, CROSS_VALIDATION) if getattr(estimator, "n_rounds", 0) else {}
    ),
)
def test_of_meta_estimators(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        MajorityVote(),
        OneCoin(),
        DawidSkene(),
        GLAD(),
        MACE(),
        BiasVariance(),
        LabelModel(),
        TripletLabelModel(),
    ]
)
def test_of_aggregators(estimator, check):
    """Those that apply: a matrix of answers is no matrix of features."""
    check(estimator)


@pytest.mark.parametrize("kind", [CrowdClassifier, WeaklySupervisedClassifier, CrowdRegressor])
def test_tags_say_that_y_is_two_dimensional(kind):
    tags = get_tags(kind(Ridge() if kind is CrowdRegressor else LogisticRegression()))
    assert tags.target_tags.two_d_labels or tags.target_tags.multi_output
    assert not tags.target_tags.single_output
