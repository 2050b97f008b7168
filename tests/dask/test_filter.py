"""DaskFilterClassifier: what is found in memory, on collections."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_blobs, make_classification
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from sknoisy import FilterClassifier
from sknoisy.detection import ConfidentLearning
from sknoisy.exceptions import NothingKnownWarning

pytest.importorskip("dask")
pytest.importorskip("dask.dataframe")

import dask
import dask.array as da
import dask.dataframe as dd

from sknoisy.dask import DaskFilterClassifier
from sknoisy.dask._order import kth_smallest, quantiles, tallies

SIZE = 200
SGD = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)


class ByParts(ClassifierMixin, BaseEstimator):
    """In memory what is fed to `partial_fit` partition by partition."""

    def __init__(self, inner):
        self.inner = inner

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.inner_ = clone(self.inner)
        for start in range(0, len(y), SIZE):
            rows = slice(start, start + SIZE)
            params = {} if sample_weight is None else {"sample_weight": sample_weight[rows]}
            if params and not params["sample_weight"].any():
                continue  # there is nothing to learn, and scikit-learn says so
            self.inner_.partial_fit(X[rows], y[rows], classes=self.classes_, **params)
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)

    def predict(self, X):
        return self.inner_.predict(X)


def noisy(n=2000, seed=0, sep=1.0):
    X, y = make_classification(
        n,
        8,
        n_informative=6,
        n_classes=3,
        n_clusters_per_class=1,
        class_sep=sep,
        flip_y=0.3,
        random_state=seed,
    )
    return X, np.array(["a", "b", "c"])[y]


def blobs(n=2000):
    X, y = make_blobs(n, centers=[[0, 0], [5, 0]], random_state=0)
    wrong = np.random.default_rng(0).random(n) < 0.15
    return X, np.where(wrong, 1 - y, y), wrong


def arrays(X, y):
    return da.from_array(X, chunks=(SIZE, -1)), da.from_array(y, chunks=SIZE)


def tables(X, y):
    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])]).assign(y=y)
    table = dd.from_pandas(table, npartitions=len(y) // SIZE, sort=False)
    return table.drop(columns="y"), table["y"]


@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("collections", [arrays, tables])
@pytest.mark.parametrize("seed, sep", [(0, 1.0), (1, 0.5), (2, 2.0)])
def test_the_same_rows_as_in_memory_for_the_same_folds(collections, bounded, seed, sep):
    X, y = noisy(seed=seed, sep=sep)
    model = DaskFilterClassifier(SGD, bounded=bounded, random_state=0).fit(*collections(X, y))
    fold = np.repeat(model.folds_, SIZE)
    cv = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]
    detector = ConfidentLearning(ByParts(SGD), bounded=bounded, cv=cv)
    here = FilterClassifier(ByParts(SGD), detector, calibrate=False).fit(X, y)
    np.testing.assert_array_equal(model.confident_joint_, here.detector_.confident_joint_)
    np.testing.assert_allclose(model.thresholds_, here.detector_.thresholds_)
    np.testing.assert_allclose(model.noise_proba_.compute(), here.noise_proba_)
    np.testing.assert_array_equal(model.noise_mask_.compute(), here.noise_mask_)
    assert model.n_rows_flagged_ == here.noise_mask_.sum() > 0
    assert model.noise_proba_.chunks == ((SIZE,) * 10,)


def in_memory(model, X, y, **fit_params):
    """The filter in memory, with the folds of one on collections."""
    fold = np.repeat(model.folds_, SIZE)
    cv = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
    detector = ConfidentLearning(ByParts(SGD), bounded=True, cv=cv)
    return FilterClassifier(ByParts(SGD), detector, calibrate=False).fit(X, y, **fit_params)


def alike(model, here):
    np.testing.assert_array_equal(model.confident_joint_, here.detector_.confident_joint_)
    np.testing.assert_allclose(model.noise_proba_.compute(), here.noise_proba_)
    np.testing.assert_array_equal(model.noise_mask_.compute(), here.noise_mask_)
    assert 0 < model.n_rows_flagged_ < 1000


@pytest.mark.parametrize("collections", [arrays, tables])
def test_weights_as_in_memory(collections):
    X, y = noisy()
    weight = np.random.default_rng(0).integers(0, 4, len(y)).astype(float)
    weight[SIZE : 2 * SIZE] = 0.0
    given = {"sample_weight": collections(weight[:, None], weight)[1]}
    model = DaskFilterClassifier(SGD, random_state=0).fit(*collections(X, y), **given)
    alike(model, in_memory(model, X, y, sample_weight=weight))
    plain = DaskFilterClassifier(SGD, random_state=0).fit(*collections(X, y))
    assert (model.noise_proba_ != plain.noise_proba_).compute().mean() > 0.9


def test_rows_of_zero_weight_hold_no_class_up():
    X, y = noisy()
    weight = np.ones(len(y))
    rare = np.flatnonzero(y == "c")
    weight[rare[:-30]] = 0.0
    given = {"sample_weight": da.from_array(weight, chunks=SIZE)}
    model = DaskFilterClassifier(SGD, min_per_class=20, random_state=0).fit(*arrays(X, y), **given)
    here = in_memory(model, X, y, sample_weight=weight)
    here = here.set_params(min_per_class=20).fit(X, y, sample_weight=weight)
    alike(model, here)
    counted = (y == "c") & (weight > 0)
    assert (~model.noise_mask_.compute() & counted).sum() >= 20


def test_trusted_rows_as_in_memory():
    X, y = noisy()
    trusted = np.random.default_rng(0).random(len(y)) < 0.3
    model = DaskFilterClassifier(SGD, random_state=0)
    model.fit(*arrays(X, y), trusted=da.from_array(trusted, chunks=SIZE))
    alike(model, in_memory(model, X, y, trusted=trusted))
    assert not model.noise_proba_.compute()[trusted].any()


class Counting(GaussianNB):
    """Counts what it is fed, in the process of the test."""

    fed = []

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.fed.append(len(y))
        return super().partial_fit(X, y, classes, sample_weight)


def test_predictions_that_were_made_elsewhere():
    X, y = noisy()
    proba = cross_val_predict(GaussianNB(), X, y, method="predict_proba")
    here = FilterClassifier(GaussianNB(), calibrate=False).fit(X, y, predicted=proba)
    named = pd.DataFrame(proba, columns=["a", "b", "c"])[["c", "a", "b"]]
    for own in (
        da.from_array(proba, chunks=(SIZE, -1)),
        dd.from_pandas(named, npartitions=10),
    ):
        Counting.fed.clear()
        model = DaskFilterClassifier(Counting(), calibrate=False, random_state=0)
        with dask.config.set(scheduler="synchronous"):
            model.fit(*arrays(X, y), predicted=own)
        alike(model, here)
        assert len(Counting.fed) == 10  # of the last fit
    with pytest.raises(ValueError, match="Partition .: predicted has 2 columns, and y has 3"):
        wrong = da.from_array(proba[:, :2], chunks=(SIZE, -1))
        DaskFilterClassifier(GaussianNB()).fit(*arrays(X, y), predicted=wrong)


def test_partitions_that_share_a_group_are_in_one_fold():
    X, y = noisy()
    groups = np.arange(len(y)) // 50
    groups[SIZE] = groups[SIZE - 1]  # of partitions 0 and 1
    groups[-1] = groups[5 * SIZE]  # of partitions 5 and 9
    for names in (groups, np.array([f"g{g}" for g in groups])):
        given = {"groups": da.from_array(names, chunks=SIZE)}
        model = DaskFilterClassifier(SGD, cv=4, random_state=0).fit(*arrays(X, y), **given)
        folds = model.folds_
        assert folds[0] == folds[1] and folds[5] == folds[9]
        assert sorted(np.bincount(folds)) == [2, 2, 3, 3]
        alike(model, in_memory(model, X, y, groups=groups))


def test_groups_that_join_all_partitions_are_refused_by_name():
    X, y = noisy()
    groups = np.array([f"g{g}" for g in np.arange(len(y)) // 50], dtype=object)
    groups[::SIZE] = "all over"
    model = DaskFilterClassifier(SGD)
    with pytest.raises(ValueError, match=r"'all over' is in 10, the first ones \[0, 1\].*shuffle"):
        model.fit(*arrays(X, y), groups=da.from_array(groups, chunks=SIZE))
    table, labels = tables(X, y)
    frame = table.assign(y=labels, group=dd.from_pandas(pd.Series(groups), npartitions=10))
    frame = frame.shuffle(on="group")
    model.fit(frame[table.columns.tolist()], frame["y"], groups=frame["group"])
    where = frame["group"].compute().to_numpy()
    fold = np.repeat(model.folds_, frame.map_partitions(len).compute())
    assert pd.Series(fold).groupby(where).nunique().max() == 1


def test_rows_of_one_class_in_a_few_partitions_are_not_judged_by_those_who_never_saw_it():
    X, y = noisy()
    y[:SIZE][y[:SIZE] == "c"] = "rare"
    model = DaskFilterClassifier(SGD, random_state=0).fit(*arrays(X, y))
    rare = y == "rare"
    assert not model.noise_proba_.compute()[rare].any()
    assert not model.noise_mask_.compute()[rare].any()


def test_the_model_learns_from_the_rows_that_are_kept():
    X, y, wrong = blobs()
    collections = arrays(X, y)
    model = DaskFilterClassifier(GaussianNB(), random_state=0).fit(*collections)
    flagged = model.noise_mask_.compute()
    assert wrong[flagged].mean() > 0.95
    assert flagged[wrong].mean() > 0.8  # 0.86, as with FilterClassifier
    assert model.estimator_.class_count_.sum() == 2000 - model.n_rows_flagged_
    np.testing.assert_array_equal(model.predict(collections[0]).compute(), model.predict(X))
    proba = model.predict_proba(collections[0])
    assert proba.shape == (2000, 2)
    np.testing.assert_array_equal(proba.compute(), model.predict_proba(X))


def test_probabilities_are_brought_in_line_with_held_out_rows():
    X, y, _ = blobs()
    A, b = arrays(X, y)
    plain = DaskFilterClassifier(GaussianNB(), calibrate=False, random_state=0).fit(A, b)
    model = DaskFilterClassifier(GaussianNB(), random_state=0).fit(A, b)
    assert plain.temperature_ == 1.0 < model.temperature_
    np.testing.assert_array_equal(model.noise_mask_.compute(), plain.noise_mask_.compute())
    np.testing.assert_array_equal(model.predict(A).compute(), plain.predict(A).compute())
    test, given, _ = blobs(1000)
    losses = [log_loss(given, one.predict_proba(test)) for one in (model, plain)]
    assert losses[0] < 0.8 * losses[1]
    here = FilterClassifier(GaussianNB(), random_state=0).fit(X, y)
    assert 0.5 < model.temperature_ / here.temperature_ < 2
    proba = model.predict_proba(A).compute()
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    boosted = DaskFilterClassifier(OnCollections(), random_state=0).fit(A, b)
    assert boosted.temperature_ > 1
    np.testing.assert_allclose(boosted.predict_proba(A).compute().sum(axis=1), 1.0)
    one_way = DaskFilterClassifier(GaussianNB(), random_state=0).fit(A, (b * 0 + (A[:, 0] > 2.5)))
    assert one_way.temperature_ == 1.0  # nearly no row is dropped


def test_a_table_to_predict():
    X, y, _ = blobs(1000)
    table, labels = tables(X, y)
    model = DaskFilterClassifier(GaussianNB(), random_state=0).fit(table, labels)
    assert model.estimator_.feature_names_in_.tolist() == ["x0", "x1"]
    assert model.predict_proba(table).compute().shape == (1000, 2)


def test_small_parquet_files(tmp_path):
    """Of which Dask would read several at a time for y, and one for X."""
    X, y, wrong = blobs()
    for start in range(0, len(y), SIZE):
        rows = slice(start, start + SIZE)
        part = pd.DataFrame({"y": y[rows], "x0": X[rows, 0], "x1": X[rows, 1]})
        for j in range(30):
            part[f"more{j}"] = "text"
        part.to_parquet(tmp_path / f"{start:04d}.parquet")
    frame = dd.read_parquet(tmp_path)
    model = DaskFilterClassifier(GaussianNB(), random_state=0).fit(frame[["x0", "x1"]], frame["y"])
    assert len(model.folds_) == 10
    assert wrong[model.noise_mask_.compute()].mean() > 0.95
    booster = DaskFilterClassifier(OnCollections(), random_state=0)
    booster.fit(frame[["x0", "x1"]], frame["y"])
    assert booster.estimator_.n_rows_ == 2000 - booster.n_rows_flagged_


class OnCollections(ClassifierMixin, BaseEstimator):
    """Stands for the models of xgboost.dask and lightgbm, which take and give collections."""

    def fit(self, X, y):
        assert isinstance(X, da.Array | dd.DataFrame)
        self.n_rows_ = len(y)
        self.inner_ = LogisticRegression().fit(np.asarray(X.compute()), np.asarray(y.compute()))
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        if isinstance(X, dd.DataFrame):
            return X.map_partitions(lambda part: pd.DataFrame(self.inner_.predict_proba(part)))
        return X.map_blocks(self.inner_.predict_proba, chunks=(X.chunks[0], (2,)), dtype=float)

    def predict(self, X):
        return X.map_blocks(self.inner_.predict, drop_axis=1, dtype=self.classes_.dtype)


def test_a_model_that_takes_collections():
    X, y, wrong = blobs()
    collections = arrays(X, y)
    model = DaskFilterClassifier(OnCollections(), random_state=0).fit(*collections)
    flagged = model.noise_mask_.compute()
    assert wrong[flagged].mean() > 0.95
    assert model.estimator_.n_rows_ == 2000 - model.n_rows_flagged_
    fold = np.repeat(model.folds_, SIZE)
    cv = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]
    detector = ConfidentLearning(LogisticRegression(), bounded=True, cv=cv)
    here = FilterClassifier(LogisticRegression(), detector, calibrate=False).fit(X, y)
    np.testing.assert_array_equal(flagged, here.noise_mask_)
    assert model.predict(collections[0]).compute().shape == (2000,)


def test_same_seed_same_folds():
    X, y, _ = blobs(1000)
    one, two, other = (
        DaskFilterClassifier(GaussianNB(), random_state=seed).fit(*arrays(X, y)).folds_
        for seed in (0, 0, 1)
    )
    assert one.tolist() == two.tolist() != other.tolist()


def test_labels_that_nobody_could_foretell():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1000, 3)), rng.integers(0, 2, 1000)
    with pytest.warns(NothingKnownWarning, match="no more of y than the shares"):
        model = DaskFilterClassifier(GaussianNB(), random_state=0).fit(*arrays(X, y))
    assert model.n_rows_flagged_ == 0


def test_the_kth_smallest_of_all_partitions():
    rng = np.random.default_rng(0)
    values = np.r_[rng.normal(size=700), np.zeros(100), -np.zeros(100), rng.normal(size=100) * 1e9]
    rng.shuffle(values)
    parts = np.split(values, 10)
    ranks = [1, 2, 300, 500, 999, 1000]
    found = kth_smallest(parts, lambda part, _: part, [0] * 6, ranks)
    np.testing.assert_array_equal(found, np.sort(values)[np.array(ranks) - 1])
    shares = [0.0, 0.25, 0.5, 0.9, 1.0]
    found = quantiles(parts, lambda part, query: part * query, [1.0, -2.0], shares)
    expected = [np.quantile(values, shares), np.quantile(-2 * values, shares)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    [(value, count)] = tallies(parts, lambda part, _: np.abs(part), [0])
    assert count.sum() == 1000 and count[0] == 200 and value[0] == 0.0
    np.testing.assert_allclose(value @ count, np.abs(values).sum())


class WithoutWeights(GaussianNB):
    """Takes no weights by partition."""

    def partial_fit(self, X, y, classes=None):
        return super().partial_fit(X, y, classes)


def test_errors():
    X, y, _ = blobs(1000)
    A, b = arrays(X, y)
    with pytest.raises(TypeError, match="y must be a Dask DataFrame, Series or array, as X is"):
        DaskFilterClassifier(GaussianNB()).fit(A, y)
    with pytest.raises(ValueError, match="X has one partition"):
        DaskFilterClassifier(GaussianNB()).fit(A.rechunk((1000, 2)), b.rechunk(1000))
    with pytest.raises(ValueError, match="X has 5 partitions and y has 10"):
        DaskFilterClassifier(GaussianNB()).fit(A, b.rechunk(100))
    with pytest.raises(ValueError, match="Partition 0 has 200 rows of X and 100 of y"):
        DaskFilterClassifier(GaussianNB()).fit(A, b.rechunk(((100, 300, 200, 200, 200),)))
    whole = {"sample_weight": -da.ones(1000, chunks=SIZE)}
    with pytest.raises(ValueError, match="Partition 0 .* Negative values in sample_weight, first"):
        DaskFilterClassifier(GaussianNB()).fit(A, b, **whole)
    with pytest.raises(ValueError, match="All sample_weight are zero"):
        DaskFilterClassifier(GaussianNB()).fit(A, b, sample_weight=da.zeros(1000, chunks=SIZE))
    with pytest.raises(ValueError, match="Partition 0 .* trusted must be boolean; row 0 has"):
        DaskFilterClassifier(GaussianNB()).fit(A, b, trusted=da.full(1000, 2, chunks=SIZE))
    missing = da.from_array(np.where(np.arange(1000) == 700, np.nan, 1.0), chunks=SIZE)
    with pytest.raises(ValueError, match="Partition 3 .* groups is missing in 1 rows"):
        DaskFilterClassifier(GaussianNB()).fit(A, b, groups=missing)
    with pytest.raises(TypeError, match="trusted must be a Dask DataFrame, Series or array"):
        DaskFilterClassifier(GaussianNB()).fit(A, b, trusted=np.zeros(1000))
    with pytest.raises(ValueError, match="partial_fit of WithoutWeights takes no sample_weight"):
        DaskFilterClassifier(WithoutWeights()).fit(A, b, sample_weight=da.ones(1000, chunks=SIZE))
    with pytest.raises(TypeError, match="LinearSVC has no predict_proba"):
        DaskFilterClassifier(LinearSVC()).fit(A, b)
    with pytest.raises(TypeError, match="LogisticRegression has no partial_fit"):
        DaskFilterClassifier(LogisticRegression(), feed="partitions").fit(A, b)
    y = y.astype(float)
    y[300] = np.nan
    with pytest.raises(ValueError, match="y is missing"):
        DaskFilterClassifier(GaussianNB()).fit(A, da.from_array(y, chunks=SIZE))
