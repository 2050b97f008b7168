"""Candidate sets: the order of the methods, what fits see, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from sknoisy.weak_labels import PartialLabelClassifier, candidate_score
from sknoisy.weak_labels.partial._classifier import adjusted, outside_weight, share_outside

from ...helpers import fits, recording

MODEL = LogisticRegression(max_iter=300)
N_CLASSES = 5


def made(seed, n=1000, n_test=1500):
    X, y = make_classification(
        n + n_test,
        12,
        n_informative=10,
        n_redundant=0,
        n_classes=N_CLASSES,
        n_clusters_per_class=1,
        class_sep=1.5,
        flip_y=0.0,
        random_state=seed,
    )
    return X[:n], y[:n], X[n:], y[n:]


def candidate_sets(y, seed, more=0.3, missing=0.0, n_classes=N_CLASSES):
    """Each wrong class joins the set with probability `more`; `missing` of the truths leave it."""
    rng = np.random.default_rng(seed)
    sets = rng.random((len(y), n_classes)) < more
    misses = rng.random(len(y)) < missing
    rows = np.arange(len(y))
    sets[rows, y] = ~misses
    empty = np.flatnonzero(~sets.any(axis=1))
    sets[empty, (y[empty] + rng.integers(1, n_classes, len(empty))) % n_classes] = True
    return sets


def accuracy(sets, data, **how):
    X, _, X_test, y_test = data
    model = PartialLabelClassifier(MODEL, max_iter=7, random_state=0, **how).fit(X, sets)
    return accuracy_score(y_test, model.predict(X_test))


# ------------------------------------------------------------------ the papers' claims


def test_progressive_weights_beat_averaging():
    gains = []
    for seed in range(3):
        data = made(seed)
        sets = candidate_sets(data[1], seed, more=0.5)
        gains.append(accuracy(sets, data, method="proden") - accuracy(sets, data, method="average"))
    assert min(gains) > 0.005
    assert np.mean(gains) > 0.02


def test_alim_beats_proden_where_sets_miss_the_truth():
    gains = {"onehot": [], "scale": []}
    for seed in range(3):
        data = made(seed)
        sets = candidate_sets(data[1], seed, more=0.1, missing=0.3)
        proden = accuracy(sets, data, method="proden")
        gains["onehot"].append(accuracy(sets, data, noise_rate=0.3, onehot=True) - proden)
        gains["scale"].append(accuracy(sets, data, noise_rate=0.3) - proden)
    assert min(gains["onehot"]) > 0.0
    assert np.mean(gains["onehot"]) > 0.01
    assert np.mean(gains["scale"]) > 0.0


def test_alim_is_proden_where_no_set_misses_the_truth():
    X, y, X_test, _ = made(0, n=300)
    sets = candidate_sets(y, 0)
    models = [
        PartialLabelClassifier(MODEL, random_state=0, **how).fit(X, sets)
        for how in ({"noise_rate": 0.0}, {"method": "proden"})
    ]
    proba = [model.predict_proba(X_test) for model in models]
    assert np.array_equal(*proba)
    assert models[0].outside_weight_ == models[0].noise_rate_ == 0.0


@pytest.mark.parametrize("missing", [0.0, 0.2, 0.4])
def test_the_noise_rate_is_estimated(missing):
    X, y, _, _ = made(1)
    model = PartialLabelClassifier(MODEL, random_state=0).fit(
        X, candidate_sets(y, 1, missing=missing)
    )
    assert abs(model.noise_rate_ - missing) < 0.07


def test_nothing_is_wrong_where_nothing_is_known():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 4)), rng.integers(3, size=300)
    sets = candidate_sets(y, 0, n_classes=3)
    model = PartialLabelClassifier(MODEL, random_state=0).fit(X, sets)
    assert model.noise_rate_ == 0.0
    assert sets[np.arange(300), model.y_suggested_].all()


# ------------------------------------------------------------------ the formulas


def test_adjusted_weights_are_the_formula():
    proba = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5], [np.nan] * 3, [1.0, 0.0, 0.0]])
    mask = np.array([[0, 1, 1], [1, 1, 0], [0, 1, 1], [0, 1, 1]], dtype=bool)
    expected = np.array(
        [[0.3, 0.3, 0.1], [0.2, 0.3, 0.25], [0, 1, 1], [0.5, 0, 0]]  # outside counts half
    )
    expected /= expected.sum(axis=1, keepdims=True)
    assert np.allclose(adjusted(proba, mask, 0.5), expected)
    onehot = adjusted(proba, mask, 0.5, onehot=True)
    assert onehot[1].tolist() == [0, 1, 0]
    assert onehot[2].tolist() == [0, 0.5, 0.5]
    # a row of whose candidates none is thought possible keeps them all
    assert adjusted(proba, mask, 0.0)[3].tolist() == [0, 0.5, 0.5]


def test_the_wanted_share_of_rows_leaves_the_sets():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(4), size=1000)
    mask = rng.random((1000, 4)) < 0.5
    mask[np.arange(1000), rng.integers(4, size=1000)] = True
    weight = outside_weight(proba, mask, 0.2)
    assert 0 < weight < 1
    out = ~mask[np.arange(1000), adjusted(proba, mask, weight).argmax(axis=1)]
    assert abs(out.mean() - 0.2) < 0.005
    assert outside_weight(proba, mask, 0.0) == 0.0
    assert outside_weight(np.full((5, 4), np.nan), mask[:5], 0.5) == 0.0
    assert share_outside(proba, mask) == 0.0  # these know nothing of the sets


# ------------------------------------------------------------------ y in many forms


def test_sets_in_any_container_are_the_same():
    X, y, X_test, _ = made(2, n=200, n_test=50)
    sets = candidate_sets(y, 2)
    expected = PartialLabelClassifier(MODEL, random_state=0).fit(X, sets).predict_proba(X_test)
    for other in (sets.astype(int), sets.astype(float), sets.tolist(), sets.astype(object)):
        model = PartialLabelClassifier(MODEL, random_state=0).fit(X, other)
        assert np.allclose(model.predict_proba(X_test), expected)


def test_names_of_classes_and_their_order_do_not_matter():
    X, y, X_test, _ = made(2, n=200, n_test=50)
    sets = candidate_sets(y, 2)
    plain = PartialLabelClassifier(MODEL, random_state=0).fit(X, sets)
    names = np.array(["ant", "bee", "cat", "dog", "eel"])
    table = pd.DataFrame(sets, columns=names)[["eel", "cat", "ant", "dog", "bee"]]
    named = PartialLabelClassifier(MODEL, random_state=0).fit(X, table)
    assert named.classes_.tolist() == names.tolist()
    assert np.array_equal(named.predict(X_test), names[plain.predict(X_test)])
    assert np.allclose(named.predict_proba(X_test), plain.predict_proba(X_test), atol=1e-6)
    assert np.isclose(named.score(X, table), plain.score(X, sets))


def test_labels_are_sets_of_one():
    X, y, X_test, y_test = made(3, n=300)
    model = PartialLabelClassifier(MODEL, method="proden", random_state=0).fit(X, y.astype(str))
    plain = clone(MODEL).fit(X, y.astype(str))
    assert np.allclose(model.predict_proba(X_test), plain.predict_proba(X_test))
    assert model.score(X_test, y_test.astype(str)) == plain.score(X_test, y_test.astype(str))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.__setitem__(7, 0), "no candidate, first row 7"),
        (lambda s: s.__setitem__((slice(None), 2), 0), "class 2 is in the set of no row"),
        (lambda s: s.__setitem__((3, 1), 2), "binary.*row 3, column 1"),
    ],
)
def test_bad_sets_are_named(change, message):
    X, y, _, _ = made(0, n=50)
    sets = candidate_sets(y, 0).astype(int)
    sets[:, 0] = 1
    sets[7] = 0
    sets[7, 1] = 1
    change(sets)
    model = PartialLabelClassifier(MODEL)
    with pytest.raises(ValueError, match=message):
        model.fit(X, sets)
    assert not hasattr(model, "classes_")


def test_missing_and_text_cells_are_named():
    X, y, _, _ = made(0, n=50)
    sets = candidate_sets(y, 0).astype(float)
    sets[4, 2] = np.nan
    with pytest.raises(ValueError, match="row 4, column 2 has .*nan"):
        PartialLabelClassifier(MODEL).fit(X, sets)
    with pytest.raises(ValueError, match="binary"):
        PartialLabelClassifier(MODEL).fit(X, np.full((50, 2), "yes"))
    table = pd.DataFrame(np.ones((50, 2)), columns=["a", "a"])
    with pytest.raises(ValueError, match="name a"):
        PartialLabelClassifier(MODEL).fit(X, table)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        PartialLabelClassifier(MODEL).fit(X, candidate_sets(y, 0)[:40])


def test_candidate_score():
    assert candidate_score([[1, 1, 0], [0, 0, 1]], [1, 0]) == 0.5
    assert candidate_score([[1, 1, 0], [0, 0, 1]], [1, 0], sample_weight=[3, 1]) == 0.75
    assert candidate_score(["a", "b"], ["a", "a"]) == 0.5
    table = pd.DataFrame({"b": [1, 0], "a": [0, 1]})
    assert candidate_score(table, ["b", "b"]) == 0.5
    assert candidate_score(table, ["b", "none"]) == 0.5


# ------------------------------------------------------------------ in scikit-learn's house


def test_search_needs_no_true_label():
    X, y, X_test, y_test = made(0, n=600)
    sets = candidate_sets(y, 0, more=0.2)
    grid = {"estimator__C": [1e-5, 1.0], "method": ["average", "proden"]}
    search = GridSearchCV(PartialLabelClassifier(MODEL, max_iter=3, random_state=0), grid, cv=3)
    search.fit(X, pd.DataFrame(sets, columns=list("abcde")))
    assert search.best_params_ == {"estimator__C": 1.0, "method": "proden"}
    names = np.array(list("abcde"))
    assert (search.predict(X_test) == names[y_test]).mean() > 0.8
    assert 0.5 < cross_val_score(PartialLabelClassifier(MODEL, max_iter=2), X, sets).mean() <= 1


def test_tables_of_texts_reach_the_model_as_they_are():
    X, y, _, _ = made(1, n=300)
    table = pd.DataFrame({"x": X[:, 0], "z": X[:, 1], "text": np.array(list("uvwxz"))[y]})
    sets = pd.DataFrame(candidate_sets(y, 1), columns=["a", "b", "c", "d", "e"])
    encode = make_column_transformer((OneHotEncoder(), ["text"]), remainder=StandardScaler())
    model = PartialLabelClassifier(make_pipeline(encode, LogisticRegression()), random_state=0)
    model.fit(table, sets)
    assert (model.predict(table) == np.array(list("abcde"))[y]).mean() > 0.95
    assert model.feature_names_in_.tolist() == ["x", "z", "text"]


def test_no_row_judges_itself():
    X, y, _, _ = made(0, n=100)
    X[:, 0] = np.arange(100)
    model, calls = recording(LogisticRegression(max_iter=2000))
    PartialLabelClassifier(model, method="proden", max_iter=1, cv=4, random_state=0).fit(
        X, candidate_sets(y, 0)
    )
    seen = None
    for call in calls:
        rows = set(np.asarray(call.X)[:, 0].astype(int).tolist())
        if call.method == "fit":
            seen = rows
        else:
            assert not rows & seen
    assert len(fits(calls)) == 5


def test_weights_multiply_with_those_of_the_candidates():
    X, y, _, _ = made(0, n=100)
    X[:, 0] = np.arange(100)
    weight = np.arange(100) % 3 + 0.5
    model, calls = recording(LogisticRegression(max_iter=2000))
    model = PartialLabelClassifier(model, random_state=0, max_iter=2)
    model.fit(X, candidate_sets(y, 0), sample_weight=weight)
    last = fits(calls)[-1]
    rows = last.X[:, 0].astype(int)
    assert np.allclose(np.bincount(rows, last.sample_weight, minlength=100), weight)


def test_models_without_weights():
    X, y, X_test, y_test = made(0, n=400)
    sets = candidate_sets(y, 0)
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        PartialLabelClassifier(KNeighborsClassifier()).fit(X, sets)
    model = PartialLabelClassifier(
        KNeighborsClassifier(), weight_strategy="resample", random_state=0
    )
    assert (model.fit(X, sets).predict(X_test) == y_test).mean() > 0.7


def test_models_without_probabilities():
    X, y, X_test, y_test = made(0, n=400)
    model = PartialLabelClassifier(LinearSVC(), random_state=0).fit(X, candidate_sets(y, 0))
    assert (model.predict(X_test) == y_test).mean() > 0.75
    assert not hasattr(model, "predict_proba")


def test_metadata_is_routed():
    X, y, _, _ = made(0, n=100)
    sets, weight = candidate_sets(y, 0), np.arange(100) % 2 + 1.0
    plain = PartialLabelClassifier(MODEL, random_state=0).fit(X, sets, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        inner = clone(MODEL).set_fit_request(sample_weight=True)
        routed = PartialLabelClassifier(inner, random_state=0).fit(X, sets, sample_weight=weight)
        assert np.allclose(plain.estimator_.coef_, routed.estimator_.coef_)


def test_same_seed_same_result_for_any_number_of_jobs():
    X, y, _, _ = made(0, n=200)
    sets = candidate_sets(y, 0)
    one = PartialLabelClassifier(MODEL, random_state=3).fit(X, sets)
    with parallel_config("threading"):
        two = PartialLabelClassifier(MODEL, n_jobs=2, random_state=3).fit(X, sets)
    assert np.array_equal(one.label_proba_, two.label_proba_)
    assert np.allclose(one.label_proba_.sum(axis=1), 1.0)


def test_momentum_keeps_some_of_the_old_weights():
    X, y, _, _ = made(0, n=200)
    sets = candidate_sets(y, 0)
    change = [
        np.abs(
            PartialLabelClassifier(MODEL, method="proden", max_iter=1, momentum=m, random_state=0)
            .fit(X, sets)
            .label_proba_
            - sets / sets.sum(axis=1, keepdims=True)
        ).sum()
        for m in (0.0, 0.5)
    ]
    assert np.isclose(change[1], 0.5 * change[0])


@pytest.mark.parametrize("container", [list, pd.Series])
@pytest.mark.parametrize("one", [set, list, tuple])
def test_sets_of_names_are_refused_with_the_remedy(container, one):
    y = container([one(["ant", "bee"]), one(["bee"])] * 10)
    with pytest.raises(ValueError, match="MultiLabelBinarizer makes the table"):
        PartialLabelClassifier(MODEL).fit(np.zeros((20, 2)), y)
