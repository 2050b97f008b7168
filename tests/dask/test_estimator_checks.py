"""scikit-learn's own checks, which give rows in memory."""

import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

pytest.importorskip("dask")
pytest.importorskip("dask.dataframe")

import dask

from sknoisy.dask import DaskFilterClassifier, DaskFilterRegressor

MODELS = [
    DaskFilterClassifier(SGDClassifier(loss="log_loss"), n_epochs=5, random_state=0),
    DaskFilterRegressor(SGDRegressor(), n_epochs=5, random_state=0),
]


@parametrize_with_checks(MODELS)
def test_sklearn_checks(estimator, check):
    with dask.config.set(scheduler="sync"):
        check(estimator)
