"""scikit-learn's own checks: one label a row is a candidate set of one."""

from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.weak_labels import PartialLabelClassifier


@parametrize_with_checks(
    [PartialLabelClassifier(LogisticRegression(), max_iter=4, cv=2, random_state=0)]
)
def test_sklearn_checks(estimator, check):
    check(estimator)
