"""TracIn through its public behaviour."""

import numpy as np
import pytest
from joblib import parallel_config
from scipy import sparse
from scipy.special import softmax
from sklearn.datasets import make_classification, make_friedman1
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from sknoisy import FilterClassifier
from sknoisy.detection import TracIn

from ...helpers import noisy_labels, noisy_numbers


def flipped(n=400, rate=0.15, seed=0):
    X, y = make_classification(
        n, 6, n_informative=5, n_redundant=0, class_sep=1.5, flip_y=0.0, random_state=seed
    )
    wrong = np.random.default_rng(seed).random(n) < rate
    return X, np.where(wrong, 1 - y, y), wrong


# ------------------------------------------------------------------ the formula


def test_self_influence_is_the_sum_of_squared_gradient_norms():
    X, y = noisy_labels(60, n_classes=3)
    model = GradientBoostingClassifier(n_estimators=10, max_depth=2, random_state=0)
    detector = TracIn(model, n_stages=5).fit(X, y)
    stages = list(model.fit(X, y).staged_predict_proba(X))[1::2]  # after 2, 4, ... iterations
    Z = StandardScaler().fit_transform(X)
    expected = np.zeros(60)
    for proba in stages:
        for row in range(60):
            gradient = np.outer(proba[row] - np.eye(3)[y[row]], np.append(Z[row], 1.0))
            expected[row] += 0.2 * np.sum(gradient**2)
    np.testing.assert_allclose(detector.noise_score_, expected)
    norms = (Z**2).sum(axis=1) + 1
    np.testing.assert_allclose(detector.error_influence_ * norms, detector.noise_score_)


def test_numbers_have_the_gradient_of_half_the_squared_residual():
    X, y = noisy_numbers(60)
    model = GradientBoostingRegressor(n_estimators=4, random_state=0)
    detector = TracIn(model, n_stages=4).fit(X, y)
    Z = StandardScaler().fit_transform(X)
    stages = model.fit(X, y).staged_predict(X)
    expected = sum(0.25 * (y - p) ** 2 for p in stages) * ((Z**2).sum(axis=1) + 1)
    np.testing.assert_allclose(detector.noise_score_, expected)


def test_a_step_on_one_row_lowers_its_loss_by_its_self_influence():
    X, y = noisy_labels(40, n_classes=3)
    Z = StandardScaler().fit_transform(X)
    model = LogisticRegression(C=0.1)
    score = TracIn(model, n_stages=1).fit(Z, y).noise_score_
    model.fit(Z, y)
    W = np.column_stack([model.coef_, model.intercept_])
    Z1 = np.column_stack([Z, np.ones(40)])

    def loss(weights, row):
        margin = weights @ Z1[row]
        return np.logaddexp.reduce(margin) - margin[y[row]]

    for row in range(0, 40, 4):
        gradient = np.outer(softmax(W @ Z1[row]) - np.eye(3)[y[row]], Z1[row])
        lowered = (loss(W, row) - loss(W - 1e-6 * gradient, row)) / 1e-6
        assert score[row] == pytest.approx(lowered, rel=1e-3)


# ------------------------------------------------------------------ what the paper claims


@pytest.mark.parametrize("seed", [0, 1])
def test_wrong_labels_have_a_high_self_influence(seed):
    # Pruthi et al.: ranked by self-influence, most wrong rows come among the first
    X, y, wrong = flipped(seed=seed)
    model = MLPClassifier(max_iter=100)
    score = TracIn(model, random_state=seed).fit(X, y).noise_score_
    first = np.argsort(-score)[: 2 * wrong.sum()]
    assert wrong[first].sum() > 0.8 * wrong.sum()  # 0.3 by chance
    assert average_precision_score(wrong, score) > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_checkpoints_tell_more_than_the_end_of_training(seed):
    X, y, wrong = flipped(seed=seed)
    model = GradientBoostingClassifier(n_estimators=200, max_depth=4, learning_rate=0.3)
    traced, at_end = (
        TracIn(model, n_stages=n, random_state=0).fit(X, y).error_influence_ for n in (20, 1)
    )
    precision = average_precision_score(wrong, traced)
    assert precision > average_precision_score(wrong, at_end) + 0.02


# ------------------------------------------------------------------ what comes of it


@pytest.mark.parametrize("seed", [0, 1])
def test_a_clean_set_is_spared(seed):
    X, y, wrong = flipped(seed=seed)
    assert TracIn(random_state=0).fit(X, np.where(wrong, 1 - y, y)).noise_mask_.mean() < 0.03
    X, y = make_friedman1(300, noise=1.0, random_state=seed)
    assert TracIn(random_state=0).fit(X, y).noise_mask_.mean() < 0.03


def test_wrong_numbers_are_flagged():
    X, y = make_friedman1(300, noise=1.0, random_state=0)
    y[:20] += np.where(np.arange(20) % 2, 25.0, -25.0)
    detector = TracIn(
        GradientBoostingRegressor(max_depth=2, random_state=0), contamination="own"
    ).fit(X, y)
    assert detector.noise_mask_[:20].mean() > 0.8
    assert detector.noise_mask_[20:].mean() < 0.05
    assert "times the usual influence" in detector.noise_report(X, y)["reason"].iloc[0]


def test_flagged_rows_are_wrong_and_get_another_label():
    X, y, wrong = flipped()
    detector = TracIn(MLPClassifier(max_iter=100), random_state=0, contamination="own").fit(X, y)
    assert wrong[detector.noise_mask_].mean() > 0.85
    assert detector.noise_mask_[wrong].mean() > 0.3
    flagged = detector.noise_mask_
    assert (detector.y_suggested_[flagged] != y[flagged]).all()
    np.testing.assert_allclose(detector.label_proba_.sum(axis=1), 1.0)


def test_sparse_rows_give_the_same_as_dense_ones():
    X, y = noisy_labels(80, n_classes=2)
    X = X / np.abs(X).max(axis=0)
    scaler = make_pipeline(MaxAbsScaler(), LogisticRegression())
    sparse_score = TracIn(LogisticRegression()).fit(sparse.csr_array(X), y).error_influence_
    dense_score = TracIn(scaler).fit(X, y).error_influence_
    np.testing.assert_allclose(sparse_score, dense_score, rtol=1e-3)
    assert TracIn(random_state=0).fit(sparse.csr_array(X), y).noise_score_.shape == (80,)


def test_folds_jobs_and_names():
    X, y = noisy_labels(n_classes=3)
    model = GradientBoostingClassifier(n_estimators=20, subsample=0.5)
    first = TracIn(model, cv=3, random_state=0).fit(X, y)
    again = TracIn(model, cv=3, random_state=0, n_jobs=2)
    with parallel_config("threading"):
        again.fit(X, np.array([*"abc"])[y])
    np.testing.assert_allclose(again.noise_score_, first.noise_score_)
    seen = TracIn(model, random_state=0).fit(X, y)
    assert seen.error_influence_.max() < first.error_influence_.max()


def test_inside_a_treatment():
    X, y, wrong = flipped()
    model = GradientBoostingClassifier(n_estimators=30, max_depth=2)
    treated = FilterClassifier(model, TracIn(contamination=0.15, random_state=0))
    assert treated.fit(X, y).score(X, np.where(wrong, 1 - y, y)) > 0.85


def test_one_class_is_not_judged():
    detector = TracIn(random_state=0).fit(np.arange(20.0)[:, None], ["a"] * 20)
    assert np.isnan(detector.noise_score_).all()


def test_bad_parameters_are_named():
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="n_stages"):
        TracIn(n_stages=0).fit(X, y)
