"""scikit-learn's own checks: one label a row is a candidate set of one."""

from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.weak_labels import PartialLabelClassifier

MODEL = LogisticRegression(max_iter=200)
ESTIMATORS = [
    PartialLabelClassifier(MODEL, random_state=0),
    PartialLabelClassifier(
        KNeighborsClassifier(), method="proden", weight_strategy="resample", random_state=0
    ),
]
WEIGHT_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}


def expected_failed_checks(estimator):
    if estimator.weight_strategy == "native":
        return {}
    reason = "rows are drawn by their weights"
    return {name: reason for name in WEIGHT_CHECKS}


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failed_checks)
def test_sklearn_checks(estimator, check):
    check(estimator)
