"""What classifiers make of labelled positives and unlabelled rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sknoisy.weak_labels.positive_unlabelled import (
    BaggingPUClassifier,
    ElkanNotoClassifier,
    PropensityPUClassifier,
    PUMultiOutputClassifier,
    TaylorPUClassifier,
    WeightedPUClassifier,
)
from sknoisy.weak_labels.positive_unlabelled._base import hidden_proba
from sknoisy.weak_labels.positive_unlabelled._variational import (
    taylor_slope,
    variational_weights,
)
from sknoisy.weak_labels.positive_unlabelled._weighted import unbiased_weight

from ...helpers import fits, recording

KINDS = [
    ElkanNotoClassifier,
    WeightedPUClassifier,
    BaggingPUClassifier,
    PropensityPUClassifier,
    TaylorPUClassifier,
]
WITH_WEIGHTS = [ElkanNotoClassifier, WeightedPUClassifier, PropensityPUClassifier]


def made(n=1500, seed=0, by_chance=0.3):
    """(X, truth, labelled as 0 and 1), labelled at random."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.4
    X = rng.normal(size=(n, 3)) + np.outer(y, [2.5, 1.0, 0.0])
    return X, y.astype(int), (y & (rng.random(n) < by_chance)).astype(int)


X, TRUE, LABELLED = made()
X_NEW, TRUE_NEW, _ = made(seed=1)


def quick(kind, model=None, **how):
    return kind(LogisticRegression() if model is None else model, random_state=0, **how)


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_positives_are_predicted_positive(kind):
    model = quick(kind).fit(X, LABELLED)
    plain = LogisticRegression().fit(X, LABELLED)
    truth = f1_score(TRUE_NEW, LogisticRegression().fit(X, TRUE).predict(X_NEW))
    assert f1_score(TRUE_NEW, plain.predict(X_NEW)) < 0.7
    assert f1_score(TRUE_NEW, model.predict(X_NEW)) > truth - 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_probability_is_of_being_positive_and_not_of_being_labelled(kind):
    proba = quick(kind).fit(X, LABELLED).predict_proba(X_NEW)[:, 1]
    assert proba.mean() == pytest.approx(TRUE_NEW.mean(), abs=0.07)
    assert proba.mean() > LABELLED.mean() + 0.15


def test_rescaled_needs_no_weights_and_divides_by_the_label_frequency():
    model = quick(ElkanNotoClassifier, KNeighborsClassifier(50), mode="rescaled", class_prior=0.4)
    model.fit(X, LABELLED)
    c = LABELLED.mean() / 0.4
    assert model.label_frequency_ == pytest.approx(c)
    plain = KNeighborsClassifier(50).fit(X, LABELLED).predict_proba(X_NEW)[:, 1]
    np.testing.assert_allclose(model.predict_proba(X_NEW)[:, 1], np.minimum(plain / c, 1.0))
    with pytest.raises(ValueError, match="LinearSVC has no predict_proba"):
        quick(ElkanNotoClassifier, LinearSVC(), mode="rescaled").fit(X, LABELLED)


def test_a_known_prior_is_used_and_an_impossible_one_refused():
    model = quick(ElkanNotoClassifier, class_prior=0.4).fit(X, LABELLED)
    assert model.class_prior_ == pytest.approx(0.4)
    assert model.standard_error_ == 0.0
    with pytest.raises(ValueError, match="less than the share of rows that are labelled"):
        quick(ElkanNotoClassifier, class_prior=0.01).fit(X, LABELLED)


def test_propensities_help_where_some_positives_are_labelled_more_than_others():
    rng = np.random.default_rng(0)
    y = rng.random(3000) < 0.5
    data = rng.normal(size=(3000, 2)) + np.outer(y, [2.5, 0.0])
    chance = 1 / (1 + np.exp(-3 * data[:, 1]))
    given = (y & (rng.random(3000) < chance)).astype(int)
    model = quick(PropensityPUClassifier, propensity_features=[1], n_refits=3).fit(data, given)
    at_random = quick(ElkanNotoClassifier).fit(data, given)
    assert model.score(data, y) > at_random.score(data, y) + 0.05
    assert np.corrcoef(model.propensity_, chance)[0, 1] > 0.9
    np.testing.assert_allclose(model.predict_propensity(data), model.propensity_)


def test_propensity_columns_by_name_and_none():
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(town=np.where(TRUE, "Ulm", "Bonn"))
    encoded = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["town"]), remainder=StandardScaler()),
        LogisticRegression(),
    )
    model = quick(PropensityPUClassifier, encoded, propensity_features=["c", "town"])
    assert model.fit(table, LABELLED).predict_propensity(table[:9]).shape == (9,)
    same = quick(PropensityPUClassifier, encoded, propensity_features=[]).fit(table, LABELLED)
    assert np.ptp(same.propensity_) == 0
    assert same.propensity_estimator_ is None
    assert same.predict_propensity(table[:9]).shape == (9,)
    with pytest.raises(ValueError, match=r"propensity_features=\['d'\] are not columns"):
        quick(PropensityPUClassifier, encoded, propensity_features=["d"]).fit(table, LABELLED)


def test_weights_have_the_gradient_of_the_taylor_loss():
    rng = np.random.default_rng(0)
    labelled = np.arange(20) < 6
    logits, given = rng.normal(size=20), rng.uniform(0.5, 2.0, 20)

    def loss(logits, order=3, rebalance=0.0):
        f = 1 / (1 + np.exp(-logits))
        mean = np.average(f[~labelled], weights=given[~labelled])
        series = -sum((1 - mean) ** i / i for i in range(1, order + 1))
        return series - np.average(np.log(f[labelled]), weights=given[labelled])

    f = 1 / (1 + np.exp(-logits))
    weight = given * variational_weights(f, labelled, given, order=3)
    by_log_loss = weight * (f - labelled)
    by_hand = [(loss(logits + 1e-6 * row) - loss(logits - 1e-6 * row)) / 2e-6 for row in np.eye(20)]
    scale = by_log_loss[0] / by_hand[0]
    np.testing.assert_allclose(by_log_loss, np.array(by_hand) * scale, rtol=1e-4)
    assert (given * variational_weights(f, labelled, given)).sum() == pytest.approx(given.sum())


def test_taylor_slope_is_that_of_the_logarithm_in_the_limit():
    assert taylor_slope(0.2) == pytest.approx(5.0)
    assert taylor_slope(0.2, order=1) == pytest.approx(1.0)
    assert taylor_slope(0.2, order=2) == pytest.approx(1.8)
    assert taylor_slope(0.2, order=200) == pytest.approx(5.0)


def test_formulas():
    # of positives a share e is labelled: P(positive; unlabelled) by Bayes
    f, e = 0.6, 0.25
    assert hidden_proba(f, e) == pytest.approx(f * (1 - e) / (f * (1 - e) + 1 - f))
    # as many labelled positives as weights say have the odds of positives to unlabelled rows
    c = 0.4
    assert c * f * unbiased_weight(f, c) / (1 - c * f) == pytest.approx(f / (1 - f))
    assert unbiased_weight(np.array([1.0]), c, max_weight=5.0) == pytest.approx(5.0 / c)


def test_bags_hold_as_many_unlabelled_rows_as_asked():
    for asked, size in ((None, LABELLED.sum()), (17, 17), (2.0, 2 * LABELLED.sum())):
        inner, calls = recording(LogisticRegression())
        quick(BaggingPUClassifier, inner, n_estimators=3, max_unlabelled=asked).fit(X, LABELLED)
        assert len(fits(calls)) == 3
        for call in fits(calls):
            assert (call.y == 1).sum() == LABELLED.sum()
            assert (call.y == 0).sum() == size


@pytest.mark.parametrize(
    ("kind", "how", "n_fits"),
    [
        (ElkanNotoClassifier, {}, 6),
        (ElkanNotoClassifier, {"mode": "rescaled", "class_prior": 0.4}, 1),
        (WeightedPUClassifier, {"cv": 3}, 4),
        (TaylorPUClassifier, {"cv": 3, "max_iter": 2, "tol": 0}, 7),
        (PropensityPUClassifier, {"cv": 3, "n_refits": 2}, 7),
    ],
)
def test_number_of_fits_is_that_of_the_docstring(kind, how, n_fits):
    inner, calls = recording(LogisticRegression())
    quick(kind, inner, **how).fit(X, LABELLED)
    assert len(fits(calls)) == n_fits


# --------------------------------------------------------------------------- manners


@pytest.mark.parametrize("kind", KINDS)
def test_whole_weights_are_rows_more_or_less(kind):
    weight = np.random.default_rng(0).integers(1, 3, len(X))
    rows = np.repeat(np.arange(len(X)), weight)
    weighted = quick(kind).fit(X, LABELLED, sample_weight=weight.astype(float))
    repeated = quick(kind).fit(X[rows], LABELLED[rows])
    proba = weighted.predict_proba(X_NEW)[:, 1]
    assert np.abs(proba - repeated.predict_proba(X_NEW)[:, 1]).mean() < 0.06


@pytest.mark.parametrize("kind", WITH_WEIGHTS)
def test_models_without_weights_say_so_or_are_given_repeated_rows(kind):
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        quick(kind, KNeighborsClassifier()).fit(X, LABELLED)
    model = quick(kind, KNeighborsClassifier(30), weight_strategy="resample").fit(X, LABELLED)
    assert f1_score(TRUE_NEW, model.predict(X_NEW)) > 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_containers_and_models_without_probabilities(kind):
    expected = quick(kind).fit(X, LABELLED).predict(X)
    for data in (sparse.csr_matrix(X), pd.DataFrame(X, columns=["a", "b", "c"])):
        model = quick(kind, LogisticRegression()).fit(data, LABELLED)
        assert np.mean(model.predict(data) == expected) > 0.99
    assert model.n_features_in_ == 3
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    svm = quick(kind, LinearSVC(random_state=0)).fit(X, LABELLED)
    assert f1_score(TRUE_NEW, svm.predict(X_NEW)) > 0.75


@pytest.mark.parametrize("kind", KINDS)
def test_clone_pickle_and_the_same_seed(kind):
    model = quick(kind, DecisionTreeClassifier(max_depth=4)).fit(X[:500], LABELLED[:500])
    again = clone(model).fit(X[:500], LABELLED[:500])
    expected = model.predict_proba(X_NEW)
    np.testing.assert_array_equal(again.predict_proba(X_NEW), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X_NEW), expected)


def test_jobs_change_nothing():
    model = quick(ElkanNotoClassifier).fit(X, LABELLED)
    again = quick(ElkanNotoClassifier, n_jobs=2).fit(X, LABELLED)
    np.testing.assert_array_equal(again.predict_proba(X_NEW), model.predict_proba(X_NEW))


@pytest.mark.parametrize("kind", [ElkanNotoClassifier, PropensityPUClassifier])
def test_weights_are_routed(kind):
    with config_context(enable_metadata_routing=True):
        inner = LogisticRegression().set_fit_request(sample_weight=True)
        model = quick(kind, inner).fit(X, LABELLED, sample_weight=np.linspace(1, 2, len(X)))
    plain = quick(kind).fit(X, LABELLED, sample_weight=np.linspace(1, 2, len(X)))
    np.testing.assert_allclose(model.predict_proba(X_NEW), plain.predict_proba(X_NEW))


def test_labels_that_nobody_can_tell_leave_both_classes():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 2))
    given = (rng.random(200) < 0.3).astype(int)
    for kind in KINDS:
        assert np.isfinite(quick(kind).fit(noise, given).predict_proba(noise)).all()


def test_a_model_that_can_learn_nothing_is_no_error():
    data, _, given = several(300)
    stiff = LogisticRegression(C=1e-6)
    proba = PUMultiOutputClassifier(stiff, random_state=0).fit(data, given).predict_proba(data)
    assert np.isfinite(proba).all()


# --------------------------------------------------------------------------- several labels


def several(n=1200, seed=0):
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(n, 4))
    truth = (data[:, :3] + 0.3 * rng.normal(size=(n, 3)) > [0.0, 0.5, 1.0]).astype(int)
    return data, truth, truth * (rng.random(truth.shape) < 0.4)


def test_missing_labels_are_found():
    data, truth, given = several()
    model = PUMultiOutputClassifier(LogisticRegression(), random_state=0).fit(data, given)
    said, proba = model.predict(data), model.predict_proba(data)
    assert said.shape == proba.shape == truth.shape
    assert f1_score(truth, said, average="macro") > f1_score(truth, given, average="macro") + 0.2
    np.testing.assert_allclose(proba.mean(axis=0), truth.mean(axis=0), atol=0.08)


def test_forms_of_the_matrix():
    data, _, given = several(300)
    expected = PUMultiOutputClassifier(LogisticRegression(), max_iter=1, random_state=0)
    expected.fit(data, given)
    for y in (
        pd.DataFrame(given, columns=["a", "b", "c"]),
        sparse.csr_matrix(given),
        given.astype(bool),
        np.where(given == 1, 1.0, np.nan),
        np.where(given == 1, 1, -1),
    ):
        model = clone(expected).fit(data, y)
        np.testing.assert_array_equal(model.predict_proba(data), expected.predict_proba(data))
        np.testing.assert_array_equal(model.predict(data) == 1, expected.predict(data) == 1)


def test_rebalance_helps_a_rare_label_to_be_found():
    data, truth, given = several(2000)
    found = [
        PUMultiOutputClassifier(
            LogisticRegression(), rebalance=power, calibrate=False, random_state=0
        )
        .fit(data, given)
        .predict(data)[:, 2]
        .mean()
        for power in (0.0, 0.5, 1.0)
    ]
    assert found[0] < found[1] < found[2]
