"""DaskFilterRegressor: what is found in memory, on collections."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import HuberRegressor, SGDRegressor
from sklearn.model_selection import cross_val_predict

from sknoisy import FilterRegressor
from sknoisy.detection import Residual
from sknoisy.exceptions import NothingKnownWarning

pytest.importorskip("dask")
pytest.importorskip("dask.dataframe")

import dask.array as da
import dask.dataframe as dd

from sknoisy.dask import DaskFilterRegressor

SIZE, N = 200, 2000
SGD = SGDRegressor(alpha=0.001, random_state=0)


class ByParts(RegressorMixin, BaseEstimator):
    """In memory what is fed to `partial_fit` partition by partition.

    Rows that a detector leaves out make partitions smaller, as in the collection.
    """

    def __init__(self, inner, n_epochs=1):
        self.inner = inner
        self.n_epochs = n_epochs

    def fit(self, X, y, sample_weight=None):
        self.inner_ = clone(self.inner)
        part = X[:, -1]
        for p in np.tile(np.unique(part), self.n_epochs):
            rows = part == p
            weight = None if sample_weight is None else sample_weight[rows]
            self.inner_.partial_fit(X[rows][:, :-1], y[rows], sample_weight=weight)
        return self

    def predict(self, X):
        return self.inner_.predict(X[:, :-1])


def plain(rng):
    X = rng.normal(size=(N, 4))
    y = X @ [1.0, 2.0, -1.0, 0.5] + 0.5 * rng.normal(size=N)
    wrong = rng.random(N) < 0.08
    return X, np.where(wrong, y + rng.normal(scale=8, size=N), y), wrong


def skewed(rng):
    X = rng.normal(size=(N, 4))
    y = np.exp(X @ [0.3, 0.2, -0.1, 0.3] + 0.2 * rng.normal(size=N))
    wrong = rng.random(N) < 0.05
    return X, np.where(wrong, y * 10, y), wrong


def many_zeros(rng):
    X, y, wrong = plain(rng)
    y[rng.random(N) < 0.4] = 0.0
    return X, y, wrong & (y != 0)


def wild(rng):
    X, y, wrong = plain(rng)
    rows = rng.choice(N, 10, replace=False)
    y[rows] = 1e5
    wrong[rows] = True
    return X, y, wrong


def lopsided(rng):
    X = rng.normal(size=(N, 4))
    y = X @ [1.0, 2.0, -1.0, 0.5] + rng.exponential(size=N)
    wrong = rng.random(N) < 0.05
    return X, np.where(wrong, y + rng.normal(scale=15, size=N), y), wrong


def arrays(X, y):
    return da.from_array(X, chunks=(SIZE, -1)), da.from_array(y, chunks=SIZE)


def both(X, y, n_epochs=3, **fit_params):
    """(on collections, in memory with the same folds)."""
    given = {name: da.from_array(value, chunks=SIZE) for name, value in fit_params.items()}
    model = DaskFilterRegressor(SGD, n_epochs=n_epochs, random_state=0)
    model.fit(*arrays(X, y), **given)
    fold = np.repeat(model.folds_, SIZE)
    cv = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
    inner = ByParts(SGD, n_epochs)
    marked = np.column_stack([X, np.arange(N) // SIZE])
    here = FilterRegressor(inner, Residual(inner, cv=cv)).fit(marked, y, **fit_params)
    return model, here


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("make", [plain, many_zeros, wild, lopsided])
def test_the_same_rows_as_in_memory_for_the_same_folds(make, seed):
    X, y, wrong = make(np.random.default_rng(seed))
    model, here = both(X, y)
    flagged = model.noise_mask_.compute()
    np.testing.assert_array_equal(flagged, here.noise_mask_)
    np.testing.assert_allclose(model.noise_proba_.compute(), here.noise_proba_, atol=1e-3)
    assert model.n_rows_flagged_ == flagged.sum() > 0
    assert wrong[flagged].mean() > 0.6


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_scale_that_goes_with_the_prediction_is_nearly_the_same(seed):
    """At levels of the prediction, in place of the 100 nearest rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, 4))
    signal = X @ [1.0, 2.0, -1.0, 0.5]
    y = signal + np.exp(0.5 * signal) * 0.3 * rng.normal(size=N)
    wrong = rng.random(N) < 0.05
    y = np.where(wrong, y + 20 * np.exp(0.5 * signal) * rng.choice([-1, 1], N), y)
    model, here = both(X, y)
    flagged = model.noise_mask_.compute()
    both_ways = (flagged & here.noise_mask_).sum() / (flagged | here.noise_mask_).sum()
    assert both_ways > 0.9
    assert wrong[flagged].mean() > 0.8 and flagged[wrong].mean() > 0.8


def test_weights_and_trusted_rows_as_in_memory():
    rng = np.random.default_rng(0)
    X, y, _ = wild(rng)
    weight = rng.integers(0, 3, N).astype(float)
    trusted = rng.random(N) < 0.3
    model, here = both(X, y, sample_weight=weight, trusted=trusted)
    np.testing.assert_array_equal(model.noise_mask_.compute(), here.noise_mask_)
    np.testing.assert_allclose(model.noise_proba_.compute(), here.noise_proba_, atol=1e-3)
    assert not model.noise_mask_.compute()[trusted].any()


def test_predictions_that_were_made_elsewhere():
    X, y, _ = wild(np.random.default_rng(0))
    said = cross_val_predict(HuberRegressor(), X, y)
    model = DaskFilterRegressor(SGD, random_state=0)
    model.fit(*arrays(X, y), predicted=da.from_array(said, chunks=SIZE))
    here = FilterRegressor(SGD).fit(X, y, predicted=said)
    np.testing.assert_array_equal(model.noise_mask_.compute(), here.noise_mask_)


def test_skewed_numbers_are_not_wrong_for_that():
    X, y, wrong = skewed(np.random.default_rng(0))
    model, here = both(X, y)
    flagged = model.noise_mask_.compute()
    assert (flagged != here.noise_mask_).mean() < 0.01
    assert wrong[flagged].mean() > 0.5


def test_the_model_learns_from_the_rows_that_are_kept():
    X, y, _ = wild(np.random.default_rng(0))
    A, b = arrays(X, y)
    model = DaskFilterRegressor(SGD, n_epochs=5, random_state=0).fit(A, b)
    np.testing.assert_allclose(model.estimator_.coef_, [1.0, 2.0, -1.0, 0.5], atol=0.15)
    np.testing.assert_array_equal(model.predict(A).compute(), model.predict(X))
    frame = dd.from_pandas(pd.DataFrame(X, columns=list("abcd")).assign(y=y), npartitions=10)
    frame = DaskFilterRegressor(SGD, random_state=0).fit(frame[list("abcd")], frame["y"])
    assert frame.n_rows_flagged_ > 100


def test_numbers_that_nobody_could_foretell():
    rng = np.random.default_rng(0)
    with pytest.warns(NothingKnownWarning, match="no more of y than its mean"):
        model = DaskFilterRegressor(SGD, random_state=0)
        model.fit(*arrays(rng.normal(size=(N, 4)), rng.normal(size=N)))
    assert model.n_rows_flagged_ == 0


def test_few_rows_and_a_number_that_nearly_all_share():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4))
    y = np.where(rng.random(N) < 0.997, 0.0, X[:, 0])
    model, here = both(X, y)
    np.testing.assert_array_equal(model.noise_mask_.compute(), here.noise_mask_)
    X, y = X[:12], X[:12] @ [1.0, 2.0, -1.0, 0.5]
    collections = da.from_array(X, chunks=(3, -1)), da.from_array(y, chunks=3)
    model = DaskFilterRegressor(SGD, cv=2, n_epochs=20, random_state=0).fit(*collections)
    assert model.noise_proba_.compute().shape == (12,)


def test_errors():
    X, y, _ = plain(np.random.default_rng(0))
    A, b = arrays(X, y)
    with pytest.raises(TypeError, match="y is a Dask collection, and X is in memory"):
        DaskFilterRegressor(SGD).fit(X, b)
    with pytest.raises(ValueError, match="Partition 1 .* contains NaN or infinity"):
        DaskFilterRegressor(SGD).fit(A, da.where(da.arange(N, chunks=SIZE) == 205, np.nan, b))


@pytest.mark.slow
def test_boosting_on_a_cluster():
    distributed = pytest.importorskip("distributed")
    booster = pytest.importorskip("xgboost.dask").DaskXGBRegressor(n_estimators=30, max_depth=3)
    X, y, wrong = plain(np.random.default_rng(0))
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**how) as cluster, distributed.Client(cluster):
        model = DaskFilterRegressor(booster, cv=2, random_state=0).fit(*arrays(X, y))
        flagged = model.noise_mask_.compute()
    assert wrong[flagged].mean() > 0.8
