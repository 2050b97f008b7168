"""Mixup: less is learnt by heart, and what holds for any model and any rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sknoisy.datasets import symmetric_noise
from sknoisy.training.mixing import MixupClassifier, MixupRegressor
from sknoisy.training.mixing._pairs import random_pairs

from ...helpers import fits, noisy_labels, noisy_numbers, recording

SEEDS = range(3)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def network(n_epochs):
    how = {"tol": 0, "n_iter_no_change": 1000, "batch_size": 32, "random_state": 0}
    return MLPClassifier((64,), max_iter=n_epochs, **how)


# ------------------------------------------------------------------ the paper's claims


@pytest.mark.parametrize("seed", SEEDS)
def test_a_network_trained_for_long_learns_less_by_heart(seed):
    X, y = load_digits(return_X_y=True)
    order = np.random.RandomState(seed).permutation(len(y))
    X, y, n = X[order] / 16, y[order], 400
    noisy, wrong = symmetric_noise(y[:n], rate=0.4, random_state=seed)
    plain = network(200).fit(X[:n], noisy)
    how = {"n_mixed": 20, "weight_strategy": "resample", "random_state": 0}  # as many steps in all
    mixed = MixupClassifier(network(5), alpha=32, **how).fit(X[:n], noisy)
    little = MixupClassifier(network(5), alpha=0.2, **how).fit(X[:n], noisy)
    score = {m: m.score(X[n:], y[n:]) for m in (plain, mixed, little)}
    assert score[mixed] > score[plain] + 0.07
    assert score[mixed] > score[little] + 0.03  # large alpha for wrong labels
    by_heart = [(m.predict(X[:n]) == noisy)[wrong].mean() for m in (plain, mixed)]
    assert by_heart[1] < 0.4 * by_heart[0]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("model", "at_most"),
    [
        (DecisionTreeRegressor(random_state=0), 0.85),
        (KNeighborsRegressor(1), 0.85),
        (HistGradientBoostingRegressor(max_iter=50, random_state=0), 0.9),
    ],
    ids=["tree", "neighbour", "boosting"],
)
def test_noise_is_averaged_where_numbers_run_straight(model, at_most, seed):
    rng = np.random.RandomState(seed)
    X = rng.randn(1400, 4)
    truth = X @ [1.0, 2.0, -1.0, 0.5]
    y = truth[:400] + 2 * rng.randn(400)

    def error(fitted):
        return np.sqrt(np.mean((fitted.predict(X[400:]) - truth[400:]) ** 2))

    mixed = MixupRegressor(clone(model), random_state=0).fit(X[:400], y)
    assert error(mixed) < at_most * error(clone(model).fit(X[:400], y))


# ------------------------------------------------------------------ what is fitted


def test_the_fit_is_to_the_mixtures_that_are_told():
    X, y = noisy_labels(60)
    model, calls = recording(LogisticRegression())
    mixed = MixupClassifier(model, n_mixed=3, alpha=1.0, random_state=0).fit(X, y)
    [call] = fits(calls)
    first, second = mixed.pairs_.T
    share = mixed.share_[:, None]
    assert len(first) == 180
    assert (share >= 0.5).all()
    # each label once, with its share; twice the same label is one row
    n_labels = 1 + (y[first] != y[second])
    rows = np.repeat(np.arange(180), n_labels)
    np.testing.assert_allclose(call.X, (share * X[first] + (1 - share) * X[second])[rows])
    for row in (0, 7):
        at = rows == row
        weight = dict(zip(call.y[at], call.sample_weight[at] * 3, strict=True))
        wanted = {y[first[row]]: 0.0, y[second[row]]: 0.0}
        wanted[y[first[row]]] += mixed.share_[row]
        wanted[y[second[row]]] += 1 - mixed.share_[row]
        assert weight == pytest.approx(wanted)
    assert call.sample_weight.sum() == pytest.approx(60)  # as much as the given rows
    assert not mixed.noise_mask_.any()


def test_numbers_are_mixed_with_the_rows_and_need_no_weights():
    X, y = noisy_numbers(60)
    model, calls = recording(KNeighborsRegressor(3).fit(X, y))
    mixed = MixupRegressor(model, keep_original=True, n_mixed=2, random_state=0).fit(X, y)
    [call] = fits(calls)
    first, second = mixed.pairs_.T
    np.testing.assert_array_equal(call.X[:60], X)
    np.testing.assert_array_equal(call.y[:60], y)
    np.testing.assert_allclose(call.y, mixed.share_ * y[first] + (1 - mixed.share_) * y[second])
    assert call.sample_weight is None
    line = LinearRegression().fit(X, X @ np.arange(6.0))
    on_line = MixupRegressor(LinearRegression(), random_state=0).fit(X, X @ np.arange(6.0))
    np.testing.assert_allclose(on_line.estimator_.coef_, line.coef_, atol=1e-8)


def test_trusted_rows_are_fitted_as_they_are():
    X, y = noisy_numbers(40)
    trusted = np.arange(40) % 4 == 0
    mixed = MixupRegressor(Ridge(), n_mixed=1, random_state=0).fit(X, y, trusted=trusted)
    as_they_are = mixed.share_ == 1
    np.testing.assert_array_equal(mixed.pairs_[as_they_are, 0], np.flatnonzero(trusted))


def test_weights_go_with_the_rows():
    X, y = noisy_labels(90)
    weight = np.random.RandomState(0).randint(0, 4, 90).astype(float)
    model, calls = recording(LogisticRegression())
    mixed = MixupClassifier(model, n_mixed=4, random_state=0).fit(X, y, sample_weight=weight)
    assert fits(calls)[0].sample_weight.sum() == pytest.approx(weight.sum())
    assert (weight[mixed.pairs_[:, 1]] > 0).all()  # no partner of weight zero
    drawn = np.bincount(mixed.pairs_[:, 1], minlength=90) / 4
    np.testing.assert_allclose(drawn, weight / weight.mean(), atol=1.0)
    twice = [
        clone(mixed.set_params(estimator=LogisticRegression())).fit(X, y, sample_weight=w)
        for w in (None, np.full(90, 1.0))
    ]
    np.testing.assert_allclose(*[m.predict_proba(X) for m in twice])
    pairs = random_pairs(5, 2, 1.0, np.random.RandomState(0))
    np.testing.assert_array_equal(np.bincount(pairs.second), [2] * 5)


def test_no_class_vanishes():
    X = np.arange(30.0)[:, None]
    y = np.array(["rare"] + ["often"] * 29)
    mixed = MixupClassifier(LogisticRegression(), alpha=1e-3, n_mixed=1, random_state=0)
    assert list(mixed.fit(X, y).classes_) == ["often", "rare"]
    assert mixed.predict_proba(X).shape == (30, 2)


# ------------------------------------------------------------------ any rows, any model


def table(n=200, seed=0):
    rng = np.random.RandomState(seed)
    color = pd.Categorical(rng.choice(["red", "blue", "green"], n))
    x = rng.randn(n)
    x[::10] = np.nan
    y = (np.nan_to_num(x) + (color == "red") + 0.3 * rng.randn(n) > 0.5).astype(int)
    frame = pd.DataFrame({"x": x, "count": rng.poisson(3, n), "color": color})
    return frame.set_index(pd.Index(rng.permutation(n))), y


def test_mixed_tables_and_their_categories():
    X, y = table()
    boosting = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=20)
    mixed = MixupClassifier(boosting, random_state=0, n_mixed=2).fit(X, y)
    assert mixed.score(X, y) > 0.8
    assert list(mixed.feature_names_in_) == ["x", "count", "color"]
    encode = make_column_transformer((OneHotEncoder(), ["color"]), remainder="passthrough")
    whole = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=20))
    assert MixupClassifier(whole, random_state=0, n_mixed=2).fit(X, y).score(X, y) > 0.8


def test_texts_are_refused_and_sparse_rows_are_not():
    X, y = noisy_labels(60)
    said = pd.DataFrame({"x": X[:, 1], "said": [f"number {i} is this" for i in range(60)]})
    with pytest.raises(ValueError, match="column 'said'"):
        MixupClassifier(LogisticRegression()).fit(said, y)
    model, calls = recording(LogisticRegression())
    sparse = MixupClassifier(model, random_state=0).fit(csr_matrix(X), y)
    dense = MixupClassifier(LogisticRegression(), random_state=0).fit(X, y)
    assert fits(calls)[0].X.format == "csr"
    np.testing.assert_allclose(sparse.predict_proba(X), dense.predict_proba(X), atol=1e-6)


def test_models_without_weights():
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        MixupClassifier(KNeighborsClassifier()).fit(X, y)
    model = MixupClassifier(KNeighborsClassifier(), weight_strategy="resample", random_state=0)
    assert model.fit(X, y).score(X, y) > 0.7
    with pytest.raises(ValueError, match="takes no sample_weight"):
        MixupRegressor(KNeighborsRegressor()).fit(X, y, sample_weight=np.ones(len(y)))


def test_names_of_labels_pickles_searches_and_routing():
    X, y = noisy_labels()
    names = np.array(["x", "a", "m"])[y]
    scaled = make_pipeline(StandardScaler(), MixupClassifier(LogisticRegression(), random_state=0))
    search = GridSearchCV(scaled, {"mixupclassifier__alpha": [0.2, 8.0]}, cv=3).fit(X, names)
    assert set(search.predict(X)) == {"x", "a", "m"}
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    weight = np.linspace(0, 2, len(y))
    with config_context(enable_metadata_routing=True):
        inner, calls = recording(LogisticRegression())
        inner.set_fit_request(sample_weight=True)
        routed = MixupClassifier(inner, random_state=0).fit(X, y, sample_weight=weight)
        assert fits(calls)[0].sample_weight.sum() == pytest.approx(weight.sum())
    plain = MixupClassifier(LogisticRegression(), random_state=0)
    plain.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(routed.predict_proba(X), plain.predict_proba(X))


def test_parameters_of_fit_go_with_the_larger_part():
    class Noting(LinearRegression):
        def fit(self, X, y, sample_weight=None, number=None):
            self.number_ = number
            return super().fit(X, y, sample_weight)

    X, y = noisy_numbers(30)
    mixed = MixupRegressor(Noting(), random_state=0).fit(X, y, number=np.arange(30))
    np.testing.assert_array_equal(mixed.estimator_.number_, mixed.pairs_[:, 0])


def test_a_failed_fit_leaves_the_object_as_it_was():
    X, y = noisy_labels()
    model = MixupClassifier(LogisticRegression(), random_state=0).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="alpha"):
        model.set_params(alpha=0).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)
