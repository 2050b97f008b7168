"""Correction by a transition matrix: it wins back what the noise has cost."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.datasets import transition_noise
from sknoisy.noise_model import (
    AnchorTransition,
    AnnotatorTransition,
    ConfidentJointTransition,
    NeighborTransition,
    TrustedTransition,
)
from sknoisy.training.correction import NoiseIgnorantClassifier, TransitionClassifier
from sknoisy.training.correction._transition_classifier import (
    importance_weight,
    inverse_of,
    label_posterior,
)

from ...helpers import fits, recording

MATRIX = np.array([[0.95, 0.05], [0.45, 0.55]])
METHODS = [
    {"method": "forward"},
    {"method": "forward", "n_rounds": 0},
    {"method": "importance"},
    {"method": "backward"},
    {"method": "backward", "negative_weights": "pass"},
]


def drawn(n=2000, seed=0, matrix=MATRIX, gap=2.0):
    """(X, true labels, given labels)."""
    X, y = make_blobs(n, centers=[[0, 0], [gap, 0]], random_state=seed)
    return X, y, transition_noise(y, matrix, random_state=seed)[0]


# ---------------------------------------------------------------------- the formulas


def test_the_backward_loss_has_the_mean_of_the_true_one():
    matrix = np.array([[0.7, 0.2, 0.1], [0.0, 0.9, 0.1], [0.3, 0.1, 0.6]])
    losses = np.random.default_rng(0).normal(size=3)
    by_given = inverse_of(matrix) @ losses
    assert np.allclose(matrix @ by_given, losses)


def test_importance_weights_have_the_mean_of_the_true_loss_and_a_bound():
    matrix = np.array([[0.7, 0.2, 0.1], [0.0, 0.9, 0.1], [0.3, 0.1, 0.6]])
    rng = np.random.default_rng(0)
    true, losses = rng.dirichlet(np.ones(3)), rng.normal(size=3)
    weight = importance_weight(np.tile(true, (3, 1)), np.arange(3), matrix)
    assert (true @ matrix) @ (weight * losses) == pytest.approx(true @ losses)
    many = rng.dirichlet(np.full(3, 0.1), 500)
    codes = rng.integers(0, 3, 500)
    assert (importance_weight(many, codes, matrix) <= 1 / matrix[codes, codes] + 1e-12).all()


def test_the_posterior_is_bayes():
    proba = label_posterior(np.array([[0.5, 0.5]]), np.array([0]), MATRIX)
    assert np.allclose(proba, [[0.95 / 1.4, 0.45 / 1.4]])


# ---------------------------------------------------------------------- what is won back


@pytest.mark.parametrize("how", METHODS, ids=str)
def test_most_of_the_lost_accuracy_is_won_back(how):
    X, y, given = drawn(4000)
    X_new, y_new, _ = drawn(4000, seed=1)
    plain = LogisticRegression()
    clean, noisy = (clone(plain).fit(X, t).score(X_new, y_new) for t in (y, given))
    model = TransitionClassifier(plain, MATRIX, random_state=0, **how).fit(X, given)
    assert clean - noisy > 0.05
    assert model.score(X_new, y_new) - noisy > 0.8 * (clean - noisy)


@pytest.mark.parametrize("how", METHODS[:3], ids=str)
def test_probabilities_are_those_of_the_true_label(how):
    X, y, given = drawn(4000)
    clean = LogisticRegression().fit(X, y).predict_proba(X)
    noisy = LogisticRegression().fit(X, given).predict_proba(X)
    model = TransitionClassifier(LogisticRegression(), MATRIX, random_state=0, **how)
    said = model.fit(X, given).predict_proba(X)
    assert np.abs(said - clean).mean() < 0.35 * np.abs(noisy - clean).mean()


@pytest.mark.parametrize(
    "model",
    [
        GaussianNB(),
        RandomForestClassifier(50, min_samples_leaf=20, random_state=0),
        make_pipeline(StandardScaler(), LinearSVC(random_state=0)),
        RidgeClassifier(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_any_classifier_is_corrected(model):
    X, y, given = drawn(2000, gap=3.0)
    plain = clone(model).fit(X, given).score(X, y)
    corrected = TransitionClassifier(model, MATRIX, random_state=0).fit(X, given)
    assert corrected.score(X, y) > plain + 0.01


@pytest.mark.parametrize(
    "transition",
    [
        "auto",
        ConfidentJointTransition(random_state=0),
        AnchorTransition(LogisticRegression()),
        NeighborTransition(),
    ],
    ids=str,
)
def test_the_matrix_may_be_estimated(transition):
    X, y, given = drawn(3000, gap=4.0)
    model = TransitionClassifier(LogisticRegression(), transition, random_state=0).fit(X, given)
    assert np.abs(model.transition_ - MATRIX).max() < 0.15
    assert model.score(X, y) > LogisticRegression().fit(X, given).score(X, y)
    assert np.allclose(model.transition_estimator_.transition_, model.transition_)
    wrong = given != y
    assert model.noise_proba_[wrong].mean() > model.noise_proba_[~wrong].mean() + 0.4


@pytest.mark.parametrize("transition", ["auto", TrustedTransition()], ids=str)
def test_trusted_rows_keep_their_labels(transition):
    X, y, given = drawn(3000, gap=4.0)
    trusted = np.zeros(3000, dtype=bool)
    trusted[np.random.RandomState(0).choice(3000, 150, replace=False)] = True
    given = np.where(trusted, y, given)
    model = TransitionClassifier(LogisticRegression(), transition, random_state=0)
    model.fit(X, given, trusted=trusted)
    assert np.abs(model.transition_ - MATRIX).max() < 0.12
    assert np.array_equal(model.label_proba_[trusted], np.eye(2)[given[trusted]])
    assert model.score(X, y) > LogisticRegression().fit(X, given).score(X, y)


def test_a_fitted_estimator_of_the_matrix_is_used_as_it_is():
    X, y, given = drawn(1000)
    pairs = TrustedTransition().fit(None, given[:300], y_true=y[:300])
    model = TransitionClassifier(LogisticRegression(), FrozenEstimator(pairs), random_state=0)
    assert np.array_equal(model.fit(X, given).transition_, pairs.transition_)
    others = FrozenEstimator(TrustedTransition().fit(None, ["a", "b"], y_true=["a", "b"]))
    with pytest.raises(ValueError, match="transition knows other classes"):
        TransitionClassifier(LogisticRegression(), others).fit(X, given)


# ---------------------------------------------------------------------- contract


@pytest.mark.parametrize("how", METHODS, ids=str)
def test_without_noise_it_is_the_plain_model(how):
    X, y, _ = drawn(300)
    model = TransitionClassifier(LogisticRegression(), np.eye(2), random_state=0, **how).fit(X, y)
    assert np.array_equal(model.predict_proba(X), LogisticRegression().fit(X, y).predict_proba(X))
    assert not model.noise_proba_.any()


@pytest.mark.parametrize("how", METHODS, ids=str)
def test_names_of_classes_do_not_matter(how):
    X, _, given = drawn(400)
    names = np.array(["no", "yes"])
    model = TransitionClassifier(LogisticRegression(), MATRIX, random_state=0, **how)
    plain, named = clone(model).fit(X, given), clone(model).fit(X, names[given])
    assert np.allclose(plain.predict_proba(X), named.predict_proba(X))
    assert set(named.predict(X)) == {"no", "yes"}
    again = pickle.loads(pickle.dumps(named))
    assert np.array_equal(again.predict(X), named.predict(X))


@pytest.mark.parametrize("how", METHODS[:4], ids=str)
def test_weights_are_not_lost(how):
    X, y, given = drawn(800)
    twice = np.random.RandomState(0).randint(0, 2, 800)
    model = TransitionClassifier(LogisticRegression(), MATRIX, random_state=0, **how)
    plain = clone(model).fit(X, given)
    weighted = clone(model).fit(X, given, sample_weight=1.0 + 50 * twice * (X[:, 1] > 0))
    assert np.abs(weighted.predict_proba(X) - plain.predict_proba(X)).max() > 1e-3
    scaled = clone(model).fit(X, given, sample_weight=np.full(800, 1.0))
    assert np.allclose(scaled.predict_proba(X), plain.predict_proba(X), atol=1e-4)


def test_a_model_without_weights_is_refused_by_name_or_resampled():
    X, y, given = drawn(500)
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        TransitionClassifier(KNeighborsClassifier(), MATRIX).fit(X, given)
    model = TransitionClassifier(
        KNeighborsClassifier(15), MATRIX, weight_strategy="resample", random_state=0
    )
    plain = KNeighborsClassifier(15).fit(X, given)
    assert model.fit(X, given).score(X, y) > plain.score(X, y)


def test_tables_and_sparse_rows_pass_untouched():
    X, y, given = drawn(400)
    table = pd.DataFrame({"a": np.where(X[:, 0] > 1, "far", "near"), "b": X[:, 1]})
    table.loc[::7, "a"] = None
    inner = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    model = TransitionClassifier(inner, MATRIX, random_state=0).fit(table, given)
    assert model.feature_names_in_.tolist() == ["a", "b"]
    assert model.predict_proba(table).shape == (400, 2)
    sparse = TransitionClassifier(LogisticRegression(), MATRIX, random_state=0)
    dense = clone(sparse).fit(X, given).predict_proba(X)
    assert np.allclose(sparse.fit(csr_matrix(X), given).predict_proba(X), dense, atol=1e-4)


def test_a_table_names_the_classes_of_the_matrix():
    X, _, given = drawn(300)
    names = np.array(["no", "yes"])[given]
    table = pd.DataFrame(MATRIX[::-1, ::-1], index=["yes", "no"], columns=["yes", "no"])
    by_table = TransitionClassifier(LogisticRegression(), table, random_state=0).fit(X, names)
    assert np.allclose(by_table.transition_, MATRIX)
    with pytest.raises(ValueError, match="transition names the classes"):
        clone(by_table).fit(X, given)


@pytest.mark.parametrize(
    ("model", "how", "n_fits"),
    [
        (LogisticRegression(), {}, 11),
        (LogisticRegression(), {"n_rounds": 2}, 16),
        (LogisticRegression(), {"method": "importance", "cv": 3}, 4),
        (LogisticRegression(), {"method": "backward"}, 6),
    ],
    ids=str,
)
def test_the_number_of_fits_is_as_stated(model, how, n_fits):
    X, _, given = drawn(400, gap=4.0)
    inner, calls = recording(model)
    TransitionClassifier(inner, random_state=0, **how).fit(X, given)
    assert len(fits(calls)) == n_fits


def test_in_a_search_and_with_metadata_routing():
    X, y, given = drawn(300)
    search = GridSearchCV(
        TransitionClassifier(LogisticRegression(), MATRIX, random_state=0),
        {"estimator__C": [0.1, 1.0], "method": ["forward", "importance"]},
        cv=2,
    )
    assert search.fit(X, given).best_params_["method"] in ("forward", "importance")
    with config_context(enable_metadata_routing=True):
        inner = LogisticRegression().set_fit_request(sample_weight=True)
        model = TransitionClassifier(inner, MATRIX, random_state=0)
        routed = model.fit(X, given, sample_weight=1.0 + y).predict_proba(X)
    plain = TransitionClassifier(LogisticRegression(), MATRIX, random_state=0)
    assert np.allclose(routed, plain.fit(X, given, sample_weight=1.0 + y).predict_proba(X))


def test_errors_name_what_is_wrong_and_leave_nothing_behind():
    X, y, given = drawn(100)
    with pytest.raises(TypeError, match="write AnchorTransition"):
        TransitionClassifier(LogisticRegression(), AnchorTransition).fit(X, given)
    with pytest.raises(TypeError, match="several answers for each row"):
        TransitionClassifier(LogisticRegression(), AnnotatorTransition()).fit(X, given)
    with pytest.raises(ValueError, match="2 classes"):
        TransitionClassifier(LogisticRegression(), np.eye(3)).fit(X, given)
    with pytest.raises(ValueError, match="Row 0 of transition"):
        TransitionClassifier(LogisticRegression(), [[0.5, 0.4], [0, 1]]).fit(X, given)
    alike = TransitionClassifier(LogisticRegression(), [[0.5, 0.5], [0.5, 0.5]], method="backward")
    with pytest.raises(ValueError, match="no inverse"):
        alike.fit(X, given)
    assert not [name for name in vars(alike) if name.endswith("_")]
    both = {"negative_weights": "pass", "method": "backward", "weight_strategy": "resample"}
    with pytest.raises(ValueError, match="cannot go with"):
        TransitionClassifier(LogisticRegression(), MATRIX, **both).fit(X, given)


# ---------------------------------------------------------------------- the comparison


def test_ignoring_even_noise_is_nearly_as_good_as_clean_labels():
    even = [[0.7, 0.3], [0.3, 0.7]]
    X, y, given = drawn(3000, matrix=even)
    tree = DecisionTreeClassifier(random_state=0)
    ignorant = NoiseIgnorantClassifier(random_state=0).fit(X, given)
    assert ignorant.score(X, y) > LogisticRegression().fit(X, y).score(X, y) - 0.01
    assert ignorant.score(X, y) > clone(tree).fit(X, given).score(X, y) + 0.1


def test_the_penalty_is_chosen_by_noisy_labels():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 100))
    y = (X[:, 0] > 0).astype(int)
    given = transition_noise(y, [[0.7, 0.3], [0.3, 0.7]], random_state=0)[0]
    many = NoiseIgnorantClassifier(random_state=0).fit(X, given)
    assert many.C_ < 0.1
    assert many.scores_.argmin() == np.flatnonzero(many.Cs_ == many.C_)[0]
    by_accuracy = NoiseIgnorantClassifier(Cs=[0.01, 1], scoring="accuracy", random_state=0)
    assert by_accuracy.fit(X, given).scores_.max() <= 1


def test_the_comparison_takes_tables_weights_groups_and_routing():
    X, y, given = drawn(300)
    table = pd.DataFrame({"a": np.where(X[:, 0] > 1, "far", "near"), "b": X[:, 1]})
    table.loc[::9, "b"] = np.nan
    weight, groups = 1.0 + 9 * y, np.arange(300) // 3
    model = NoiseIgnorantClassifier(Cs=[0.1, 1.0], random_state=0)
    model.fit(table, given, sample_weight=weight, groups=groups)
    assert model.predict_proba(table).shape == (300, 2)
    with config_context(enable_metadata_routing=True):
        again = clone(model).fit(table, given, sample_weight=weight, groups=groups)
    assert np.allclose(again.predict_proba(table), model.predict_proba(table))
    with pytest.raises(ValueError, match="above 0"):
        NoiseIgnorantClassifier(Cs=[0.0, 1.0]).fit(X, given)
    raw = NoiseIgnorantClassifier("passthrough", Cs=[1.0]).fit(X, given)
    assert np.allclose(
        raw.predict_proba(X), LogisticRegression().fit(X, given).predict_proba(X), atol=1e-4
    )


# ---------------------------------------------------------------------- scikit-learn's own checks

WEIGHT_CHECKS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
CROSS_VALIDATION = "folds hold a repeated row apart, or draw other folds, where a weight is one row"


@pytest.mark.filterwarnings("ignore::sknoisy.exceptions.NothingKnownWarning")
@pytest.mark.filterwarnings("ignore::sknoisy.exceptions.RareClassWarning")
@parametrize_with_checks(
    [
        TransitionClassifier(LogisticRegression(), cv=2, random_state=0),
        TransitionClassifier(
            RandomForestClassifier(n_estimators=2, random_state=0), n_rounds=0, random_state=0
        ),
        TransitionClassifier(
            make_pipeline(StandardScaler(), LogisticRegression()),
            AnchorTransition(n_resamples=0),
            method="backward",
            cv=2,
            random_state=0,
        ),
        TransitionClassifier(
            KNeighborsClassifier(), cv=2, weight_strategy="resample", random_state=0
        ),
        NoiseIgnorantClassifier(Cs=[0.1, 10.0], cv=2, random_state=0),
    ],
    expected_failed_checks=lambda estimator: dict.fromkeys(WEIGHT_CHECKS, CROSS_VALIDATION),
)
def test_sklearn_checks(estimator, check):
    check(estimator)
