"""scikit-learn's own checks of the methods for groups that are known."""

import numpy as np
import pytest
from scipy.sparse import issparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.training import groups

QUICK = {
    "GroupDROClassifier": {"max_iter": 1, "cv": 2},
    "GroupDRORegressor": {"max_iter": 1, "cv": 2},
    "LastStepRefitClassifier": {"n_draws": 2},
    "LastStepRefitRegressor": {"n_draws": 2},
    "MissingGroupReweightingClassifier": {"cv": 2},
    "MissingGroupReweightingRegressor": {"cv": 2},
    "ProgressiveExpansionClassifier": {"expansion": 1.0, "cv": 2},
    "ProgressiveExpansionRegressor": {"expansion": 1.0, "cv": 2},
}
pytestmark = pytest.mark.filterwarnings("ignore::sknoisy.exceptions.RareClassWarning")


class Sign:
    """Two groups, by the first column; with a name that is the same in each process."""

    def __call__(self, X):
        X = X.toarray() if issparse(X) else np.asarray(X)
        if X.ndim != 2 or X.shape[1] == 0:
            return np.zeros(len(X))
        return X[:, 0].astype(float) > 0.5

    def __repr__(self):
        return "sign"

    def __deepcopy__(self, memo):  # as functions do
        return self


def estimators():
    for name in groups.__all__:
        model = Ridge() if name.endswith("Regressor") else LogisticRegression(max_iter=200)
        yield getattr(groups, name)(model, by=Sign(), random_state=0, **QUICK[name])


DRAWN = "other rows are drawn where a row is repeated than where it weighs twice"
SCALED = "features are brought to units by their rows, for the models of the groups"
REASONS = {
    "LastStepRefit": DRAWN,
    "ProgressiveExpansion": DRAWN,
    "MissingGroupReweighting": SCALED,
}


def declared(estimator):
    name = type(estimator).__name__.removesuffix("Classifier").removesuffix("Regressor")
    checks = [f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")]
    return {check: REASONS[name] for check in checks if name in REASONS}


@parametrize_with_checks(
    list(estimators()),
    expected_failed_checks=declared,
)
def test_sklearn_checks(estimator, check, small_forests):
    check(estimator)
