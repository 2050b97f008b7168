"""What holds for each of them: any rows, any labels, weights, folds, errors."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sknoisy.training.hidden_groups import (
    DiscoverCureClassifier,
    JustTrainTwiceClassifier,
    MemorizationAwareClassifier,
    ProductOfExpertsClassifier,
)

from ...helpers import fits, noisy_labels, recording
from .made import spurious

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
WEIGHING = {
    MemorizationAwareClassifier: {"n_rounds": 3, "max_iter": 2, "cv": 3},
    ProductOfExpertsClassifier: {"max_iter": 2, "cv": 3},
    JustTrainTwiceClassifier: {"cv": 3},
}
ALL = {**WEIGHING, DiscoverCureClassifier: {"cv": 3}}
each = pytest.mark.parametrize("kind", ALL)
each_weighing = pytest.mark.parametrize("kind", WEIGHING)


def made(kind, inner=None, **how):
    inner = LogisticRegression() if inner is None else inner
    return kind(inner, random_state=0, **{**ALL[kind], **how})


@each
@pytest.mark.parametrize("data", [spurious(500)[:2], noisy_labels()], ids=["two", "three"])
def test_same_seed_same_result_for_any_jobs(kind, data):
    X, y = data
    first = made(kind, DecisionTreeClassifier(max_depth=3)).fit(X, y).predict_proba(X)
    with parallel_config("threading"):
        model = made(kind, DecisionTreeClassifier(max_depth=3), n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), first)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), first)
    assert not model.noise_mask_.any() and model.noise_mask_.shape == y.shape


@each
def test_labels_of_any_kind(kind):
    X, y, _ = spurious(500)
    names = np.array(["no", "yes"])
    model, named = made(kind).fit(X, y), made(kind).fit(X, names[y])
    np.testing.assert_array_equal(names[model.predict(X)], named.predict(X))
    np.testing.assert_allclose(model.predict_proba(X), named.predict_proba(X))
    np.testing.assert_array_equal(named.classes_, names)


@each
def test_tables_and_sparse_rows_are_what_arrays_are(kind):
    X, y, _ = spurious(500)
    X = np.where(np.abs(X) < 0.2, 0.0, X)
    inner = LogisticRegression(tol=1e-8, max_iter=500)
    dense = made(kind, inner).fit(X, y).predict_proba(X)
    table = pd.DataFrame(X, columns=list("abcde"), index=np.arange(500)[::-1])
    model = made(kind, inner).fit(table, y)
    assert kind is not DiscoverCureClassifier or list(model.unstable_) == [1]
    np.testing.assert_allclose(model.predict_proba(table), dense, atol=1e-6)
    assert list(model.feature_names_in_) == list("abcde")
    for form in ("csr", "csc", "coo"):
        sparse = csr_matrix(X).asformat(form)
        np.testing.assert_allclose(
            made(kind, inner).fit(sparse, y).predict_proba(sparse), dense, atol=1e-4
        )


@each
def test_categories_and_texts_in_a_table(kind):
    X, y, groups = spurious(500)
    table = pd.DataFrame(
        {
            "kind": pd.Categorical(np.where(groups % 2, "water", "land")),
            "name": np.where(X[:, 2] > 0, "red", None),
            "core": X[:, 0],
        }
    )
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["kind", "name"]), remainder="passthrough"
    )
    before = table.copy()
    model = made(kind, make_pipeline(encoder, LogisticRegression())).fit(table, y)
    pd.testing.assert_frame_equal(table, before)
    assert model.predict(table.iloc[:7]).shape == (7,)


@each
def test_lists_of_texts(kind):
    texts = ["good film"] * 40 + ["bad film"] * 40
    y = [1] * 40 + [0] * 40
    inner = make_pipeline(CountVectorizer(), LogisticRegression())
    if kind is DiscoverCureClassifier:
        with pytest.raises(TypeError, match="list of texts, which has none"):
            made(kind, inner).fit(texts, y)
        behind = make_pipeline(CountVectorizer(), made(kind)).fit(texts, y)
        assert list(behind.predict(["bad"])) == [0]
    else:
        assert list(made(kind, inner).fit(texts, y).predict(["bad film"])) == [0]


# ---------------------------------------------------------------------- weights


@each_weighing
def test_weights_reach_the_last_fit(kind):
    X, y, _ = spurious(200)
    given = np.random.RandomState(0).rand(200) + 0.5
    inner, calls = recording(LogisticRegression())
    model = made(kind, inner).fit(X, y, sample_weight=given)
    assert model.sample_weight_.shape == (200,)
    assert np.average(model.sample_weight_, weights=given) == pytest.approx(1)
    # of two classes each row keeps its label
    np.testing.assert_allclose(fits(calls)[-1].sample_weight, given * model.sample_weight_)
    np.testing.assert_array_equal(fits(calls)[-1].y, y)


def test_a_cure_keeps_the_weights():
    X, y, _ = spurious(400)
    given = np.random.RandomState(0).rand(400) + 0.5
    inner, calls = recording(LogisticRegression())
    model = made(DiscoverCureClassifier, inner).fit(X, y, sample_weight=given)
    np.testing.assert_array_equal(model.unstable_, [1])
    last = fits(calls)[-1]
    np.testing.assert_array_equal(last.sample_weight, np.tile(given, 2))
    np.testing.assert_array_equal(last.y, np.tile(y, 2))
    np.testing.assert_array_equal(last.X[:, [0, 2, 3, 4]], np.tile(X[:, [0, 2, 3, 4]], (2, 1)))
    # a model without weights is as good
    KNeighborsClassifier().fit(last.X, last.y)
    made(DiscoverCureClassifier, KNeighborsClassifier()).fit(X, y)


@each_weighing
def test_models_without_weights(kind):
    X, y, _ = spurious(200)
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        made(kind, KNeighborsClassifier()).fit(X, y)
    model = made(kind, KNeighborsClassifier(), weight_strategy="resample").fit(X, y)
    assert model.score(X, y) > 0.5


@each
def test_routing_of_weights(kind):
    X, y, _ = spurious(200)
    given = np.random.RandomState(0).rand(200) + 0.5
    plain = made(kind).fit(X, y, sample_weight=given)
    with config_context(enable_metadata_routing=True):
        inner = LogisticRegression().set_fit_request(sample_weight=True)
        routed = made(kind, inner).fit(X, y, sample_weight=given)
    np.testing.assert_allclose(routed.predict_proba(X), plain.predict_proba(X))


# ---------------------------------------------------------------------- rounds, folds, edges


def test_number_of_fits():
    X, y, _ = spurious(200)
    inner, calls = recording(LogisticRegression())
    model = made(MemorizationAwareClassifier, inner, n_rounds=1, max_iter=3, tol=0).fit(X, y)
    assert len(fits(calls)) == 2 + 3 * model.n_iter_ + 1
    inner, calls = recording(LogisticRegression())
    model = made(ProductOfExpertsClassifier, inner, tol=0).fit(X, y)
    assert len(fits(calls)) == 3 * 2 + 1 and model.n_iter_ == 2
    inner, calls = recording(LogisticRegression())
    weak, weak_calls = recording(DecisionTreeClassifier(max_depth=1))
    made(JustTrainTwiceClassifier, inner, first=weak).fit(X, y)
    assert len(fits(calls)) == 1 and len(fits(weak_calls)) == 3
    inner, calls = recording(LogisticRegression())
    model = made(DiscoverCureClassifier, inner).fit(*spurious(500)[:2])
    assert len(fits(calls)) == 3 * model.n_iter_ + 1 and model.n_iter_ == 2
    inner, calls = recording(LogisticRegression())
    made(DiscoverCureClassifier, inner).fit(*spurious(500, 0.5)[:2])
    assert len(fits(calls)) == 1


def test_too_few_rounds_are_said():
    X, y, _ = spurious(200)
    with pytest.warns(ConvergenceWarning, match="raise max_iter, or tol"):
        made(ProductOfExpertsClassifier, max_iter=1, tol=0).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        made(ProductOfExpertsClassifier, max_iter=30).fit(X, y)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        (ProductOfExpertsClassifier, {"plain_share": 1.0}),
        (MemorizationAwareClassifier, {"plain_share": 1.0}),
        (JustTrainTwiceClassifier, {"upweight": 1}),
        (DiscoverCureClassifier, {"harm": 100.0}),
    ],
)
def test_each_has_a_setting_that_is_the_plain_model(kind, how):
    X, y, _ = spurious(200)
    inner, calls = recording(LogisticRegression())
    made(kind, inner, **how).fit(X, y)
    last = fits(calls)[-1]
    assert last.sample_weight is None
    np.testing.assert_array_equal(last.X, X)
    np.testing.assert_array_equal(last.y, y)


@pytest.mark.parametrize(
    ("kind", "name"), [(MemorizationAwareClassifier, "twin"), (ProductOfExpertsClassifier, "weak")]
)
def test_beside_one_that_knows_nothing_all_rows_weigh_the_same(kind, name):
    X, y, _ = spurious(300)
    X, y = np.vstack([X, -X]), np.concatenate([y, 1 - y])  # as many of each class
    model = made(kind, **{name: DummyClassifier()}, plain_share=0.0).fit(X, y)
    np.testing.assert_allclose(model.sample_weight_, 1, atol=0.05)


@each
def test_one_class_and_rows_that_nobody_judges(kind):
    X, y, _ = spurious(200)
    model = made(kind, DummyClassifier()).fit(X, np.zeros(200))
    np.testing.assert_array_equal(model.predict(X[:3]), 0)
    model = made(kind, cv=ShuffleSplit(2, test_size=0.2, random_state=0)).fit(X, y)
    if "sample_loss_" in vars(model) and kind is not MemorizationAwareClassifier:
        unseen = np.isnan(model.sample_loss_)
        assert unseen.any() and not unseen.all()
        weight = model.sample_weight_[unseen]
        assert np.ptp(weight) < 1e-9  # all as they came


@each
def test_groups_stay_together(kind):
    X, y, _ = spurious(120)
    X[:, 0] = np.arange(120)
    groups = np.arange(120) // 6
    inner, calls = recording(LogisticRegression(max_iter=1000))
    made(kind, inner).fit(X, y, groups=groups)
    for call in fits(calls)[:-1]:
        rows = np.unique(call.X[:, 0].astype(int))
        whole = [np.isin(np.flatnonzero(groups == g), rows) for g in range(20)]
        assert all(part.all() or not part.any() for part in whole)


@each
def test_rare_classes_and_decision_values(kind):
    X, y = noisy_labels(n_classes=3)
    y[:3] = 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = made(kind, LinearSVC()).fit(X, y)
    assert list(model.classes_) == [0, 1, 2, 3]
    assert set(model.predict(X)) <= {0, 1, 2, 3}


def test_missing_values_pass_to_a_model_that_takes_them():
    X, y, _ = spurious(500)
    X[::7, 1] = np.nan
    inner = DecisionTreeClassifier(max_depth=4, random_state=0)
    for kind in ALL:
        assert made(kind, inner).fit(X, y).score(X, y) > 0.6


@each
def test_searches_and_failed_fits(kind):
    X, y, _ = spurious(200)
    name = {"JustTrainTwiceClassifier": "upweight", "DiscoverCureClassifier": "harm"}
    grid = {name.get(kind.__name__, "plain_share"): [1.0, 1]}
    search = GridSearchCV(made(kind), grid, cv=2).fit(X, y)
    assert search.best_score_ > 0.5
    model = made(kind).fit(X, y)
    before = set(vars(model))
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit(X, y[:-1])
    assert set(vars(model)) == before
    with pytest.raises(TypeError, match="needs a classifier"):
        clone(model).set_params(estimator=Ridge()).fit(X, y)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (MemorizationAwareClassifier, "twin"),
        (ProductOfExpertsClassifier, "weak"),
        (JustTrainTwiceClassifier, "first"),
    ],
)
def test_the_other_model_must_be_a_classifier(kind, name):
    X, y, _ = spurious(100)
    with pytest.raises(TypeError, match=f"{name} of {kind.__name__} needs a classifier"):
        made(kind, **{name: Ridge()}).fit(X, y)


def test_twins_need_weights():
    X, y, _ = spurious(100)
    with pytest.raises(ValueError, match="labels of twins move"):
        made(MemorizationAwareClassifier, twin=KNeighborsClassifier()).fit(X, y)


def test_concepts_are_checked():
    X, y, _ = spurious(100)
    with pytest.raises(ValueError, match="no column 7"):
        made(DiscoverCureClassifier, concepts=[[0, 7]]).fit(X, y)
    only = made(DiscoverCureClassifier, concepts=[0, 2]).fit(X, y)
    assert not len(only.unstable_) and only.exceptions_.shape == (100, 2)
