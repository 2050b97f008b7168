"""scikit-learn's own checks: where every row has a label, these are ordinary classifiers."""

from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.weak_labels import (
    RobustActiveDistillation,
    RobustSelfTraining,
    SoftPseudoLabelClassifier,
    SurrogateSelector,
    WeightAwareDistillation,
)

MODEL = LogisticRegression()
# -1 is a class in some of the checks
ESTIMATORS = [
    SoftPseudoLabelClassifier(MODEL, unlabelled=None, random_state=0),
    WeightAwareDistillation(MODEL, unlabelled=None, random_state=0),
    RobustSelfTraining(MODEL, unlabelled=None, random_state=0),
    RobustSelfTraining(GaussianNB(), gamma=1.0, unlabelled=None, random_state=0),
    SurrogateSelector(MODEL, n_select=0.9, unlabelled=None, random_state=0),
    RobustActiveDistillation(
        MODEL, DecisionTreeClassifier(max_depth=3), unlabelled=None, random_state=0
    ),
]
WEIGHT_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}


def expected_failed_checks(estimator):
    if not isinstance(estimator, SurrogateSelector):
        return {}
    reason = "which rows are drawn, and the folds, differ where a row is repeated"
    return {name: reason for name in WEIGHT_CHECKS}


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failed_checks)
def test_sklearn_checks(estimator, check):
    check(estimator)
