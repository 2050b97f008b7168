"""Filters of collections on rows in memory."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_matrix
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import make_blobs
from sklearn.linear_model import LinearRegression, SGDClassifier, SGDRegressor
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB

from sknoisy import FilterClassifier
from sknoisy.exceptions import RareClassWarning

pytest.importorskip("dask")
pytest.importorskip("dask.dataframe")

import dask
import dask.array as da
import dask.dataframe as dd

from sknoisy.dask import DaskFilterClassifier, DaskFilterRegressor

SGD = SGDClassifier(loss="log_loss", random_state=0)


@pytest.fixture(autouse=True)
def _in_this_process():
    with dask.config.set(scheduler="synchronous"):
        yield


def blobs(n=400):
    """Sorted by label."""
    X, true = make_blobs(n, centers=[[0, 0], [4, 0], [0, 4]], random_state=0)
    order = np.argsort(true)
    X, true = X[order], true[order]
    wrong = np.random.default_rng(0).random(n) < 0.15
    return X, np.array(["a", "b", "c"])[np.where(wrong, (true + 1) % 3, true)], wrong


def others(n, rng):
    return {
        "sample_weight": rng.integers(0, 3, n).astype(float),
        "groups": np.arange(n) // 4,
        "trusted": rng.random(n) < 0.2,
    }


@pytest.mark.parametrize("given", [(), ("sample_weight", "trusted"), ("groups",)])
def test_the_flags_of_the_filter_in_memory(given):
    X, y, wrong = blobs()
    known = others(len(y), np.random.default_rng(0))
    known = {name: known[name] for name in given}
    model = DaskFilterClassifier(GaussianNB(), calibrate=False, random_state=0).fit(X, y, **known)
    here = FilterClassifier(GaussianNB(), calibrate=False, random_state=0).fit(X, y, **known)
    np.testing.assert_array_equal(model.noise_mask_, here.noise_mask_)
    np.testing.assert_allclose(model.noise_proba_, here.noise_proba_, atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(X), here.predict_proba(X), atol=1e-6)
    assert model.folds_.shape == y.shape and set(model.folds_) == set(range(5))
    assert wrong[model.noise_mask_].mean() > 0.8


def test_predictions_that_were_made_elsewhere():
    X, y, _ = blobs()
    own = cross_val_predict(GaussianNB(), X, y, method="predict_proba")
    own = pd.DataFrame(own, columns=["a", "b", "c"]).iloc[:, ::-1]  # by their names
    model = DaskFilterClassifier(GaussianNB(), calibrate=False, random_state=0)
    here = FilterClassifier(GaussianNB(), calibrate=False, random_state=0)
    for one in (model, here):
        one.fit(X, y, predicted=own)
    np.testing.assert_allclose(model.noise_proba_, here.noise_proba_)


def test_what_is_in_memory_is_answered_in_memory():
    X, y, _ = blobs()
    model = DaskFilterClassifier(SGD, n_epochs=5, random_state=0).fit(X, y)
    assert isinstance(model.noise_proba_, np.ndarray) and model.noise_mask_.dtype == bool
    assert model.temperature_ != 1.0
    A = da.from_array(X, chunks=(100, -1))
    table = dd.from_pandas(pd.DataFrame(X), npartitions=2)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        answer = getattr(model, method)
        assert isinstance(answer(X), np.ndarray)
        assert answer(A).shape == answer(X).shape and answer(A).dtype == answer(X).dtype
        np.testing.assert_allclose(*numbers(answer(A).compute(), answer(X)))
        np.testing.assert_allclose(*numbers(answer(table).compute(), answer(X)))
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))


def numbers(*answers):
    """Labels as numbers."""
    return [np.unique(a, return_inverse=True)[1] if a.dtype.kind == "U" else a for a in answers]


def test_tables_lists_and_sparse_rows():
    X, y, _ = blobs()
    model = DaskFilterClassifier(SGD, random_state=0)
    flags = model.fit(X, y).noise_mask_
    table = pd.DataFrame(X, columns=["x", "y"], index=np.arange(len(y))[::-1])
    given = table.copy()
    model.fit(table, pd.Series(y, index=table.index))
    np.testing.assert_array_equal(model.noise_mask_, flags)
    assert model.feature_names_in_.tolist() == ["x", "y"] and model.n_features_in_ == 2
    pd.testing.assert_frame_equal(table, given)
    np.testing.assert_array_equal(model.fit(X.tolist(), y.tolist()).noise_mask_, flags)
    assert model.fit(coo_matrix(X), y).predict(coo_matrix(X)).shape == y.shape


def test_the_sole_row_of_a_class_is_kept():
    X, y, _ = blobs()
    y = y.astype(object)
    y[7] = "only"
    with pytest.warns(RareClassWarning, match="only"):
        model = DaskFilterClassifier(SGD, random_state=0).fit(X, y, groups=np.arange(len(y)) // 4)
    assert "only" in model.classes_ and model.noise_proba_[7] == 0.0
    assert len(set(model.folds_[4:8])) == 1  # with its group


class OnTables(RegressorMixin, BaseEstimator):
    """Stands for models that take and give collections only."""

    def fit(self, X, y):
        assert isinstance(X, dd.DataFrame)
        self.inner_ = LinearRegression().fit(X.compute(), np.asarray(y.compute()))
        return self

    def predict(self, X):
        assert isinstance(X, dd.DataFrame)
        return X.map_partitions(self.inner_.predict, meta=np.empty(0))


@pytest.mark.parametrize("inner", [SGD, GaussianNB()])
def test_polars(inner):
    polars = pytest.importorskip("polars")
    X, y, _ = blobs()
    table = polars.DataFrame({"x": X[:, 0], "y": X[:, 1]})
    flags = [DaskFilterClassifier(inner, random_state=0).fit(A, y).noise_mask_ for A in (X, table)]
    np.testing.assert_array_equal(*flags)


@pytest.mark.parametrize("inner", [SGDRegressor(eta0=0.1, random_state=0), OnTables()])
def test_numbers_sorted_by_size(inner):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=400)
    order = np.argsort(y)
    X, y = pd.DataFrame(X[order], columns=list("abc")), y[order]
    y[::20] += 10.0
    model = DaskFilterRegressor(inner, random_state=0).fit(X, y)
    assert model.noise_mask_[::20].all() and model.n_rows_flagged_ < 25
    assert isinstance(model.predict(X), np.ndarray)
    assert model.score(X, y) > 0.5
    other = pytest.importorskip("polars").from_pandas(X)
    np.testing.assert_array_equal(model.fit(other, y).predict(other), model.fit(X, y).predict(X))


def test_errors():
    X, y, _ = blobs()
    A = da.from_array(X, chunks=(100, -1))
    model = DaskFilterClassifier(GaussianNB())
    with pytest.raises(TypeError, match="y is a Dask collection, and X is in memory"):
        model.fit(X, da.from_array(y, chunks=100))
    with pytest.raises(TypeError, match="trusted must be a Dask .* as X is a collection"):
        model.fit(A, da.from_array(y, chunks=100), trusted=y == "a")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:-1])
    with pytest.raises(ValueError, match="in 1 group"):
        model.fit(X, y, groups=np.zeros(len(y)))
    with pytest.raises(ValueError, match="n_samples=1"):
        model.fit(X[:1], y[:1])
    X[5, 0] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.fit(X, y)
    assert not vars(model).keys() & {"estimator_", "classes_"}
