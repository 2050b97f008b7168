"""Conflicting sources: the paper's claim, and what holds for any of them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from sknoisy.training.sources import SubjectiveLearningClassifier, SubjectiveLearningRegressor

N_BATCHES, SIZE = 40, 10
BATCH = np.repeat(np.arange(N_BATCHES), SIZE)


def sources_of(rng, shares):
    """(B,) source of each batch: shares of all, the largest first, in a random order."""
    bounds = np.cumsum(np.array(shares) * N_BATCHES).round()
    return np.searchsorted(bounds, np.arange(N_BATCHES), side="right")[rng.permutation(N_BATCHES)]


def numbers(seed, shares=(0.65, 0.35)):
    """X, y of the largest source, y of all sources, sources of batches: the second says -f."""
    rng = np.random.RandomState(seed)
    X = rng.randn(N_BATCHES * SIZE, 5)
    coefs = rng.randn(len(shares), 5)
    coefs[1:2] = -coefs[0]
    source = sources_of(rng, shares)
    noise = 0.5 * rng.randn(len(X))
    return X, X @ coefs[0] + noise, (X * coefs[source[BATCH]]).sum(axis=1) + noise, source


def labels(seed, shares=(0.65, 0.35), n_classes=3):
    """The same for labels, which each further source knows by the next one's name."""
    X, y = make_classification(
        N_BATCHES * SIZE,
        8,
        n_informative=6,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=1.5,
        flip_y=0.02,
        random_state=seed,
    )
    source = sources_of(np.random.RandomState(seed), shares)
    return X, y, (y + source[BATCH]) % n_classes, source


# --------------------------------------------------------------------------- the claim


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("model", [LinearRegression(), DecisionTreeRegressor(max_depth=5)])
def test_sources_of_numbers_are_told_apart(seed, model):
    X, y, z, source = numbers(seed)
    two = SubjectiveLearningRegressor(model, n_sources=2, random_state=0).fit(X, z, groups=BATCH)
    assert np.mean(two.batch_source_ == source) >= 0.95
    clean = clone(model).fit(X, y)
    mine = source[BATCH] == 0
    assert two.score(X[~mine], y[~mine]) > clean.score(X[~mine], y[~mine]) - 0.35  # fewer rows
    assert clone(model).fit(X, z).score(X, y) < two.score(X, y) - 0.25
    if isinstance(model, LinearRegression):
        assert two.score(X, y) > clean.score(X, y) - 0.01
        assert two.noise_mask_.mean() == pytest.approx(0.35)


@pytest.mark.parametrize("seed", range(5))
def test_sources_of_labels_are_told_apart(seed):
    X, y, z, source = labels(seed)
    new = np.random.RandomState(seed).rand(len(y)) < 0.3  # batches lose some rows, to be judged
    of = BATCH[~new]
    model = SubjectiveLearningClassifier(LogisticRegression(), n_sources=2, random_state=0)
    model.fit(X[~new], z[~new], groups=of)
    assert np.mean(model.batch_source_ == source) >= 0.95
    clean = LogisticRegression().fit(X[~new], y[~new])
    assert model.score(X[new], y[new]) > clean.score(X[new], y[new]) - 0.04
    assert np.mean(model.noise_mask_ == (source[of] == 1)) >= 0.95


def test_plain_averages_of_labels_fail():
    for seed in range(3):
        X, y, z, _ = labels(seed, (0.55, 0.45))
        model = SubjectiveLearningClassifier(GaussianNB(), n_sources=2, random_state=0)
        plain = GaussianNB().fit(X, z).score(X, y)
        assert model.fit(X, z, groups=BATCH).score(X, y) > plain + 0.05


@pytest.mark.parametrize("shares", [(1.0,), (0.65, 0.35), (0.5, 0.3, 0.2)])
def test_the_number_of_sources_is_found(shares):
    for seed in range(3):
        X, _, z, source = numbers(seed, shares)
        model = SubjectiveLearningRegressor(LinearRegression(), n_init=2, random_state=0)
        model.fit(X, z, groups=BATCH)
        assert model.n_sources_ == len(model.estimators_) == len(shares)
        assert np.mean(model.batch_source_ == source) >= 0.95
        n_tried = min(len(shares) + 1, model.max_sources)
        assert model.held_out_loss_.shape == (n_tried,)


def test_the_number_of_sources_of_labels_is_found():
    for shares in ((1.0,), (0.6, 0.4)):
        X, _, z, _ = labels(0, shares)
        model = SubjectiveLearningClassifier(GaussianNB(), n_init=2, random_state=0)
        assert model.fit(X, z, groups=BATCH).n_sources_ == len(shares)


# --------------------------------------------------------------------------- who predicts


def test_trusted_rows_say_which_source_is_right():
    X, y, z, source = numbers(0)
    of_minority = np.flatnonzero(source[BATCH] == 1)[:4]
    trusted = np.isin(np.arange(len(z)), of_minority)
    model = SubjectiveLearningRegressor(LinearRegression(), n_sources=2, random_state=0)
    model.fit(X, z, groups=BATCH, trusted=trusted)
    assert model.chosen_ == 1
    assert model.score(X, -y) > 0.9
    assert not model.noise_mask_[trusted].any()
    largest = clone(model).set_params(predict_with="largest")
    assert largest.fit(X, z, groups=BATCH, trusted=trusted).score(X, y) > 0.9
    assert not largest.noise_mask_[trusted].any()


def test_without_trusted_rows_the_largest_predicts():
    X, y, z, _ = numbers(0)
    model = SubjectiveLearningRegressor(LinearRegression(), predict_with="trusted", random_state=0)
    with pytest.warns(UserWarning, match="no trusted rows"):
        model.fit(X, z, groups=BATCH)
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("gate", [None, LogisticRegression()])
def test_a_gate_tells_the_source_from_the_row(gate):
    X, _, z, source = numbers(1)
    X = np.column_stack([X, source[BATCH] + 0.1 * np.random.RandomState(0).randn(len(X))])
    model = SubjectiveLearningRegressor(
        LinearRegression(), n_sources=2, predict_with="gate", gate=gate, random_state=0
    )
    model.fit(X, z, groups=BATCH)
    assert model.score(X, z) > 0.9
    assert not model.noise_mask_.any()
    both = model.predict_all(X)
    rows = np.arange(len(z))
    np.testing.assert_allclose(model.predict(X), both[rows, model.gate_.predict(X)])


def test_a_gate_of_labels_gives_probabilities():
    X, _, z, source = labels(1)
    X = np.column_stack([X, 3 * source[BATCH]])
    names = np.array(["one", "two", "three"])[z]
    model = SubjectiveLearningClassifier(
        LogisticRegression(), n_sources=2, predict_with="gate", random_state=0
    )
    model.fit(X, names, groups=BATCH)
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert (model.classes_[proba.argmax(axis=1)] == model.predict(X)).all()
    assert model.score(X, names) > 0.8
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(X) == model.predict(X)).all()


def test_all_clones_answer():
    X, _, z, source = labels(2)
    names = np.array(["one", "two", "three"])[z]
    model = SubjectiveLearningClassifier(LogisticRegression(), n_sources=2, random_state=0)
    both = model.fit(X, names, groups=BATCH).predict_all(X)
    assert both.shape == (len(X), 2)
    assert (both[:, 0] == model.predict(X)).all()
    own = both[np.arange(len(X)), model.source_]
    assert np.mean(own == names) > 0.85
    assert (source[BATCH] == model.source_).mean() > 0.95


# --------------------------------------------------------------------------- batches


def test_batches_may_be_a_column_or_made_of_columns():
    X, _, z, _ = numbers(0)
    table = pd.DataFrame(X, columns=list("abcde")).assign(day=BATCH)
    how = {"n_sources": 2, "random_state": 0}
    groups = SubjectiveLearningRegressor(LinearRegression(), **how).fit(table, z, groups=BATCH)
    for by in ("day", lambda frame: frame["day"].astype(str)):
        model = SubjectiveLearningRegressor(LinearRegression(), by=by, **how).fit(table, z)
        assert (model.source_ == groups.source_).all()
    with pytest.raises(ValueError, match="give one of them"):
        model.fit(table, z, groups=BATCH)
    with pytest.raises(ValueError, match="no table"):
        SubjectiveLearningRegressor(LinearRegression(), by="day").fit(X, z)
    with pytest.raises(ValueError, match="missing in 1 rows, first in row 3"):
        by = table["day"].where(np.arange(len(X)) != 3)
        SubjectiveLearningRegressor(LinearRegression(), by=lambda _: by).fit(table, z)


def test_without_batches_it_is_the_plain_model():
    X, _, z, _ = numbers(0)
    with pytest.warns(UserWarning, match="Each row is a batch of its own"):
        model = SubjectiveLearningRegressor(LinearRegression()).fit(X, z)
    np.testing.assert_array_equal(model.predict(X), LinearRegression().fit(X, z).predict(X))
    assert not model.noise_mask_.any()


def test_single_rows_of_far_sources_are_told_apart():
    rng = np.random.RandomState(0)
    X = rng.rand(300, 2)
    source = (rng.rand(300) < 0.3).astype(int)
    z = np.where(source, 20 - X[:, 0], X.sum(axis=1)) + 0.1 * rng.randn(300)
    model = SubjectiveLearningRegressor(LinearRegression(), n_sources=2, random_state=0).fit(X, z)
    assert np.mean(model.source_ == source) > 0.95


def test_batches_stay_together_in_the_folds():
    X, _, z, source = numbers(0)
    how = {"n_sources": 2, "random_state": 0}
    model = SubjectiveLearningRegressor(LinearRegression(), cv=GroupKFold(3), **how)
    assert np.mean(model.fit(X, z, groups=BATCH).batch_source_ == source) > 0.95
    with pytest.raises(ValueError, match="rows of one batch both to fit on and to judge"):
        model.set_params(cv=list(KFold(3).split(X[::-1]))).fit(X, z, groups=BATCH)


def test_more_sources_than_batches():
    X, _, z, _ = numbers(0)
    with pytest.raises(ValueError, match="n_sources=3 is more than the number of batches, 2"):
        SubjectiveLearningRegressor(Ridge(), n_sources=3).fit(X, z, groups=BATCH < 20)


def test_one_batch_is_one_source():
    X, _, z, _ = numbers(0)
    model = SubjectiveLearningRegressor(Ridge(), n_sources=1).fit(X, z, groups=np.zeros(len(z)))
    np.testing.assert_array_equal(model.predict(X), Ridge().fit(X, z).predict(X))


# --------------------------------------------------------------------------- properties


def test_order_of_rows_and_names_do_not_matter():
    X, _, z, _ = labels(0)
    how = {"n_sources": 2, "random_state": 0}
    model = SubjectiveLearningClassifier(GaussianNB(), **how).fit(X, z, groups=BATCH)
    order = np.random.RandomState(1).permutation(len(z))
    names = np.array(["a", "b", "c"])[z]
    other = clone(model).fit(X[order], names[order], groups=BATCH[order])
    assert (other.source_ == model.source_[order]).all()
    assert (other.predict(X) == np.array(["a", "b", "c"])[model.predict(X)]).all()


def test_same_seed_same_result():
    X, _, z, _ = numbers(0)
    model = SubjectiveLearningRegressor(
        DecisionTreeRegressor(max_depth=4), n_sources=2, random_state=3
    )
    first = model.fit(X, z, groups=BATCH).predict(X)
    np.testing.assert_array_equal(first, clone(model).fit(X, z, groups=BATCH).predict(X))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(first, again.predict(X))
    with parallel_config(backend="threading"):
        threads = clone(model).set_params(n_jobs=2).fit(X, z, groups=BATCH)
    np.testing.assert_array_equal(first, threads.predict(X))


def test_weights_are_repeats():
    X, _, z, _ = numbers(0)
    weight = np.random.RandomState(0).randint(0, 3, len(z))
    rows = np.repeat(np.arange(len(z)), weight)
    model = SubjectiveLearningRegressor(LinearRegression(), n_sources=2, random_state=0)
    weighed = clone(model).fit(X, z, groups=BATCH, sample_weight=weight)
    repeated = clone(model).fit(X[rows], z[rows], groups=BATCH[rows])
    assert (weighed.batch_source_ == repeated.batch_source_).all()
    np.testing.assert_allclose(weighed.predict(X), repeated.predict(X))


def test_models_without_weights():
    X, _, z, source = numbers(0)
    model = SubjectiveLearningRegressor(KNeighborsRegressor(), n_sources=2, random_state=0)
    assert np.mean(model.fit(X, z, groups=BATCH).batch_source_ == source) >= 0.95
    with pytest.raises(ValueError, match="takes no sample_weight"):
        model.fit(X, z, groups=BATCH, sample_weight=np.ones(len(z)))
    model.set_params(weight_strategy="resample")
    model.fit(X, z, groups=BATCH, sample_weight=np.ones(len(z)))
    assert np.mean(model.batch_source_ == source) >= 0.95


@pytest.mark.parametrize("model", [LinearSVC(), KNeighborsClassifier()])
def test_models_without_probabilities(model):
    X, _, z, source = labels(0)
    two = SubjectiveLearningClassifier(model, n_sources=2, random_state=0)
    assert np.mean(two.fit(X, z, groups=BATCH).batch_source_ == source) >= 0.95


def test_a_source_of_one_label():
    X, y, _, source = labels(0)
    z = np.where(source[BATCH] == 1, 2, y)
    model = SubjectiveLearningClassifier(LogisticRegression(), n_sources=2, random_state=0)
    model.fit(X, z, groups=BATCH)
    assert isinstance(model.estimators_[1], DummyClassifier)
    assert (model.predict_all(X)[:, 1] == 2).all()
    assert np.mean(model.batch_source_ == source) >= 0.95


def test_any_container():
    X, _, z, source = numbers(0)
    how = {"n_sources": 2, "n_init": 2, "random_state": 0}
    sparse = SubjectiveLearningRegressor(Ridge(), **how).fit(csr_matrix(X), z, groups=BATCH)
    dense = SubjectiveLearningRegressor(Ridge(), **how).fit(X, z, groups=BATCH)
    assert (sparse.source_ == dense.source_).all()
    kind = np.array(["x", "y", None], dtype=object)[np.arange(len(z)) % 3]
    value = (np.arange(len(z)) % 3) + 1.0
    z = np.where(source[BATCH] == 1, -value, value)
    table = pd.DataFrame({"kind": kind})
    pipe = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=0.01))
    for predict_with in ("largest", "gate"):
        model = SubjectiveLearningRegressor(pipe, predict_with=predict_with, **how)
        model.fit(table, z, groups=BATCH)
        assert (model.batch_source_ == source).all()
        assert model.predict(table[:2]).shape == (2,)
    texts = [f"word{i % 3}" for i in range(len(z))]
    of_texts = make_pipeline(CountVectorizer(), Ridge(alpha=0.01))
    model = SubjectiveLearningRegressor(of_texts, **how).fit(texts, z, groups=BATCH)
    assert (model.batch_source_ == source).all()


def test_metadata_routing():
    X, _, z, source = numbers(0)
    weight = np.ones(len(z))
    with config_context(enable_metadata_routing=True):
        inner = LinearRegression().set_fit_request(sample_weight=True)
        model = SubjectiveLearningRegressor(inner, n_sources=2, random_state=0)
        model.set_fit_request(groups=True, sample_weight=True)
        pipe = make_pipeline(model)
        pipe.fit(X, z, groups=BATCH, sample_weight=weight)
        assert np.mean(pipe[-1].batch_source_ == source) >= 0.95


def test_in_a_search():
    X, y, z, _ = numbers(0)
    table = pd.DataFrame(X, columns=list("abcde")).assign(day=BATCH)
    model = SubjectiveLearningRegressor(Ridge(), by="day", n_init=1, random_state=0)
    grid = {"n_sources": [1, 2], "estimator__alpha": [0.1]}

    def against_right_numbers(fitted, rows, _):
        return fitted.score(rows, y[rows.index])

    search = GridSearchCV(model, grid, scoring=against_right_numbers, cv=2).fit(table, z)
    assert search.best_params_["n_sources"] == 2


@pytest.mark.parametrize("n", [2, 6, 12])
def test_few_rows(n):
    X, _, z, _ = numbers(0)
    for groups in (None, np.arange(n) // 2):
        model = SubjectiveLearningRegressor(Ridge(), n_sources=min(2, n // 2), random_state=0)
        model.fit(X[:n], z[:n], groups=groups)
        assert np.isfinite(model.predict(X)).all()
        assert model.source_.shape == (n,)


def test_batches_of_no_weight_are_judged():
    X, y, z, source = numbers(0)
    without = np.flatnonzero(source == 1)[:3]
    weight = np.where(np.isin(BATCH, without), 0.0, 1.0)
    model = SubjectiveLearningRegressor(LinearRegression(), n_sources=2, random_state=0)
    model.fit(X, z, groups=BATCH, sample_weight=weight)
    assert (model.batch_source_ == source).all()
    only = np.where(source[BATCH] == 1, 0.0, 1.0)  # all of the others have none
    model.fit(X, z, groups=BATCH, sample_weight=only)
    assert model.score(X, y) > 0.9


def test_a_failed_fit_changes_nothing():
    X, y, z, _ = numbers(0)
    model = SubjectiveLearningRegressor(LinearRegression(), random_state=0)
    before = model.fit(X, z, groups=BATCH).predict(X)
    with pytest.raises(ValueError):
        model.fit(X[:, :2], np.full(len(z), np.nan), groups=BATCH)
    np.testing.assert_array_equal(model.predict(X), before)


def test_wild_numbers_of_clones_do_not_stop_it():
    X, _, z, source = numbers(0)
    model = SubjectiveLearningRegressor(LinearRegression(), n_sources=2, random_state=0)
    model.fit(X, z * 1e130, groups=BATCH)
    assert np.mean(model.batch_source_ == source) >= 0.95
