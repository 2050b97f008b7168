"""scikit-learn's own checks, which give rows in memory."""

import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

pytest.importorskip("dask")
pytest.importorskip("dask.dataframe")

import dask

from sknoisy.dask import DaskFilterClassifier, DaskFilterRegressor

QUICK = {"cv": 2, "random_state": 0}
MODELS = [
    DaskFilterClassifier(SGDClassifier(loss="log_loss"), **QUICK),
    DaskFilterRegressor(SGDRegressor(eta0=0.1), **QUICK),
]
WHY = "gradient descent takes two steps for a row that is there twice, and folds are others"
FAILS = {
    "check_sample_weight_equivalence_on_dense_data": WHY,
    "check_sample_weight_equivalence_on_sparse_data": WHY,
}
pytestmark = pytest.mark.filterwarnings("ignore::sknoisy.exceptions.NothingKnownWarning")


@parametrize_with_checks(MODELS, expected_failed_checks=lambda _: FAILS)
def test_sklearn_checks(estimator, check):
    with dask.config.set(scheduler="synchronous"):
        check(estimator)
