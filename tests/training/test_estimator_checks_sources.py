"""scikit-learn's own checks of the methods for conflicting sources."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.training import sources

QUICK = {"n_init": 1, "max_iter": 2, "cv": 2}
pytestmark = pytest.mark.filterwarnings("ignore:Each row is a batch")


def estimators():
    for name in sources.__all__:
        model = Ridge() if name.endswith("Regressor") else LogisticRegression(max_iter=200)
        how = {"random_state": 0}
        if name.startswith("Subjective"):
            yield getattr(sources, name)(model, n_sources=2, **how, **QUICK)
            how |= QUICK
        yield getattr(sources, name)(model, **how)


WEIGHTS = "each row is a batch, and one that is there twice is two batches"
SCORE = "two sources of single rows part them by their labels"
FAILS = {
    "check_sample_weight_equivalence_on_dense_data": WEIGHTS,
    "check_sample_weight_equivalence_on_sparse_data": WEIGHTS,
    "check_classifiers_train": SCORE,
}


def fails(estimator):
    return FAILS if getattr(estimator, "n_sources", None) == 2 else {}


@parametrize_with_checks(list(estimators()), expected_failed_checks=fails)
def test_sklearn_checks(estimator, check):
    check(estimator)
