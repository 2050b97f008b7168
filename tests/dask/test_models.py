"""Models of other libraries that train on collections, or by partition."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs
from sklearn.linear_model import SGDClassifier

pytest.importorskip("dask")
pytest.importorskip("dask.dataframe")

import dask.array as da
import dask.dataframe as dd

from sknoisy.dask import DaskFilterClassifier

SIZE, N = 200, 2000


def blobs():
    X, y = make_blobs(N, centers=[[0, 0], [5, 0]], random_state=0)
    wrong = np.random.default_rng(0).random(N) < 0.15
    return X, np.where(wrong, 1 - y, y), wrong


def arrays(X, y):
    return da.from_array(X, chunks=(SIZE, -1)), da.from_array(y, chunks=SIZE)


def tables(X, y):
    frame = dd.from_pandas(pd.DataFrame(X, columns=["a", "b"]).assign(y=y), npartitions=N // SIZE)
    return frame[["a", "b"]], frame["y"]


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**how) as cluster, distributed.Client(cluster):
        yield cluster


@pytest.fixture(params=["xgboost", "lightgbm"])
def booster(request):
    if request.param == "xgboost":
        make = pytest.importorskip("xgboost.dask").DaskXGBClassifier
        return make(n_estimators=20, max_depth=3, random_state=0)
    make = pytest.importorskip("lightgbm").DaskLGBMClassifier
    return make(n_estimators=20, num_leaves=7, random_state=0, n_jobs=1, verbose=-1)


@pytest.mark.slow
@pytest.mark.parametrize("collections", [arrays, tables])
def test_boosting_on_a_cluster(cluster, booster, collections):
    X, y, wrong = blobs()
    A, b = collections(X, y)
    model = DaskFilterClassifier(booster, cv=2, random_state=0)
    flagged = model.fit(A, b, sample_weight=b + 1.0).noise_mask_.compute()
    there = np.asarray(model.predict(A).compute())
    np.testing.assert_array_equal(model.predict(A.compute()), there)
    assert model.predict_proba(A.compute()).shape == (N, 2)
    assert wrong[flagged].mean() > 0.9
    assert flagged[wrong].mean() > 0.7


@pytest.mark.slow
def test_incremental_of_dask_ml():
    incremental = pytest.importorskip("dask_ml.wrappers").Incremental
    X, y, wrong = blobs()
    sgd = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
    given = {"sample_weight": da.ones(N, chunks=SIZE)}
    one = DaskFilterClassifier(incremental(sgd), random_state=0).fit(*arrays(X, y), **given)
    two = DaskFilterClassifier(sgd, random_state=0).fit(*arrays(X, y), **given)
    np.testing.assert_array_equal(one.noise_mask_.compute(), two.noise_mask_.compute())
    assert wrong[one.noise_mask_.compute()].mean() > 0.9
    assert one.predict(arrays(X, y)[0]).compute().shape == (N,)
