"""scikit-learn's own checks of the methods with a model of how errors come about."""

import sklearn
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

from sknoisy.training.error_models import (
    CertifiedHalfspaceClassifier,
    LocationScaleRegressor,
    NaturalParametersRegressor,
    OneSidedRegressor,
    RampHalfspaceClassifier,
)

FOLDS = "folds hold a repeated row apart, or draw other folds, where a weight is one row"
OPTIMISER = "the optimiser ends within its tolerance, but elsewhere by 1e-4"
OLD_CHECK = (
    "scikit-learn 1.6 gives the weighted rows the opposite labels where there may be two only"
)
EQUIVALENCE = [f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")]
FAILS = {
    "NaturalParametersRegressor": {"check_sample_weight_equivalence_on_dense_data": OPTIMISER},
    "LocationScaleRegressor": {
        "check_sample_weight_equivalence_on_dense_data": FOLDS,
        "check_sample_weight_equivalence_on_sparse_data": FOLDS,
    },
}
if parse_version(sklearn.__version__) < parse_version("1.7"):
    for name in ("CertifiedHalfspaceClassifier", "RampHalfspaceClassifier"):
        FAILS[name] = dict.fromkeys(EQUIVALENCE, OLD_CHECK)
ESTIMATORS = [
    CertifiedHalfspaceClassifier(LogisticRegression(max_iter=200), random_state=0),
    LocationScaleRegressor(Ridge(), cv=2, max_iter=2, random_state=0),
    NaturalParametersRegressor(),
    OneSidedRegressor(Ridge(), n_estimators=20, learning_rate=0.5, random_state=0),
    RampHalfspaceClassifier(),
]


@parametrize_with_checks(
    ESTIMATORS, expected_failed_checks=lambda estimator: FAILS.get(type(estimator).__name__, {})
)
def test_sklearn_checks(estimator, check, small_forests):
    check(estimator)
