"""EL2N and GraNd through their public behaviour."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.datasets import make_classification, make_friedman1
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier
from sknoisy.detection import EL2N, GraNd

from ...helpers import noisy_labels, noisy_numbers

BOTH = pytest.mark.parametrize("kind", [EL2N, GraNd])


def flipped(n=400, rate=0.15, seed=0):
    """X, labels with some wrong, the right ones, which are wrong."""
    X, y = make_classification(
        n, 6, n_informative=5, n_redundant=0, class_sep=1.5, flip_y=0.0, random_state=seed
    )
    wrong = np.random.default_rng(seed).random(n) < rate
    return X, np.where(wrong, 1 - y, y), y, wrong


# ------------------------------------------------------------------ the formulas


def test_el2n_is_the_mean_norm_of_the_error_over_the_seeds():
    X, y = noisy_labels(n_classes=3)
    model = GradientBoostingClassifier(n_estimators=20, subsample=0.5)
    detector = EL2N(model, n_seeds=3, budget=0.25, random_state=0).fit(X, y)
    # the seeds that the detector draws, and what it makes of them
    norms = []
    for seed in np.random.RandomState(0).randint(2**31 - 1, size=3):
        one = EL2N(model, n_seeds=1, budget=0.25, random_state=0)
        one.set_params(estimator=clone(model).set_params(random_state=fit_seed(seed)))
        norms.append(one.fit(X, y).noise_score_)
        early = clone(one.estimator).set_params(n_estimators=5).fit(X, y)
        error = early.predict_proba(X) - np.eye(3)[y]
        np.testing.assert_allclose(norms[-1], np.linalg.norm(error, axis=1))
    np.testing.assert_allclose(detector.noise_score_, np.mean(norms, axis=0))
    assert detector.n_fits_ == 3
    assert np.std(norms, axis=0).max() > 0.01


def fit_seed(seed):
    """The seed that an estimator without one gets in the first fit of a cross-fitting."""
    first = np.random.RandomState(seed).randint(2**31 - 1)
    return int(np.random.RandomState(first).randint(np.iinfo(np.int32).max))


def test_grand_is_the_norm_of_the_gradient_of_a_linear_model():
    # brute force: finite differences of the log loss in all weights of a softmax model
    X, y = noisy_labels(30, n_classes=3)
    Z = StandardScaler().fit_transform(X)
    model = LogisticRegression(C=0.5)
    score = GraNd(model, budget=1.0, n_seeds=1).fit(Z, y).noise_score_
    model.fit(Z, y)
    W = np.column_stack([model.coef_, model.intercept_])
    Z1 = np.column_stack([Z, np.ones(len(Z))])

    def loss(weights, row):
        margin = weights @ Z1[row]
        return np.logaddexp.reduce(margin) - margin[y[row]]

    step = 1e-5
    for row in range(0, 30, 5):
        gradient = [
            (loss(W + step * e, row) - loss(W - step * e, row)) / (2 * step)
            for e in np.eye(W.size).reshape(-1, *W.shape)
        ]
        assert score[row] == pytest.approx(np.linalg.norm(gradient), rel=1e-4)


def test_numbers_residual_and_its_gradient():
    X, y = noisy_numbers(60)
    model = make_pipeline(StandardScaler(), Ridge(2.0))
    residual = np.abs(y - model.fit(X, y).predict(X))
    el2n = EL2N(model, budget=1.0, n_seeds=1).fit(X, y)
    np.testing.assert_allclose(el2n.noise_score_, residual)
    Z = StandardScaler().fit_transform(X)
    norms = np.sqrt((Z**2).sum(axis=1) + 1)
    grand = GraNd(model, budget=1.0, n_seeds=1).fit(X, y)
    np.testing.assert_allclose(grand.noise_score_, residual * norms)
    np.testing.assert_allclose(grand.early_error_, residual)


@BOTH
def test_folds_judge_rows_that_the_model_has_not_seen(kind):
    X, y = noisy_labels()
    model = GradientBoostingClassifier(n_estimators=30, max_depth=5)
    seen = kind(model, n_seeds=2, budget=1.0, random_state=0).fit(X, y)
    unseen = kind(model, n_seeds=2, budget=1.0, cv=3, random_state=0).fit(X, y)
    assert seen.early_error_.max() < 0.2  # known by heart
    assert unseen.early_error_.max() > 1.0
    assert (seen.n_fits_, unseen.n_fits_) == (2, 6)


@BOTH
def test_a_model_without_seeds_is_trained_twice_only(kind):
    X, y = noisy_labels()
    assert kind(LogisticRegression(), n_seeds=5, random_state=0).fit(X, y).n_fits_ == 2


# ------------------------------------------------------------------ what the paper claims


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_very_highest_scores_are_noise_and_the_next_are_hard_rows(seed):
    X, y, truth, wrong = flipped(seed=seed)
    model = MLPClassifier(max_iter=60)
    detector = EL2N(model, n_seeds=3, contamination=0.1, random_state=seed).fit(X, y)
    assert wrong[detector.noise_mask_].mean() > 0.7  # 0.15 by chance
    hard = detector.hard_rows(0.3)
    assert len(hard) == 120
    assert not detector.noise_mask_[hard].any()
    assert wrong[hard].mean() < 0.35
    # right rows in the window are harder than those below it
    right = hard[~wrong[hard]]
    below = np.setdiff1d(np.flatnonzero(~wrong & ~detector.noise_mask_), hard)
    assert detector.noise_score_[right].mean() > 1.3 * detector.noise_score_[below].mean()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_early_in_training_tells_more_than_late(seed):
    X, y, _, wrong = flipped(seed=seed)
    model = GradientBoostingClassifier(n_estimators=150, max_depth=4, learning_rate=0.3)
    early, late = (
        EL2N(model, n_seeds=1, budget=budget, random_state=0).fit(X, y).noise_score_
        for budget in (0.05, 1.0)
    )
    assert average_precision_score(wrong, early) > 0.7
    assert average_precision_score(wrong, early) > average_precision_score(wrong, late) + 0.05


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_mean_over_seeds_depends_less_on_them(seed):
    X, y, _, _ = flipped(300, seed=seed)
    model = MLPClassifier((8,), max_iter=40, learning_rate_init=0.01)

    def agreement(n_seeds):
        scores = [
            EL2N(model, n_seeds=n_seeds, random_state=s).fit(X, y).noise_score_ for s in (1, 2)
        ]
        return spearmanr(*scores).statistic

    assert agreement(8) > agreement(1) + 0.05


# ------------------------------------------------------------------ what comes of it


@BOTH
def test_defaults_on_a_table(kind):
    X, y, truth, wrong = flipped(300)
    table = pd.DataFrame(X).astype({0: str}).rename(columns=str)
    names = np.array(["no", "yes"])
    detector = kind(n_seeds=2, random_state=0).fit(table, names[y])
    assert average_precision_score(wrong, detector.noise_score_) > 0.4
    np.testing.assert_allclose(detector.label_proba_.sum(axis=1), 1.0)
    flagged = detector.noise_mask_
    assert (detector.y_suggested_[flagged] != names[y][flagged]).all()
    assert "early in training" in detector.noise_report(table, names[y])["reason"].iloc[0]


@BOTH
@pytest.mark.parametrize("seed", [0, 1])
def test_a_clean_set_is_spared(kind, seed):
    X, _, y, _ = flipped(400, seed=seed)
    assert kind(n_seeds=2, random_state=0).fit(X, y).noise_mask_.mean() < 0.03
    X, y = make_friedman1(300, noise=1.0, random_state=seed)
    assert kind(n_seeds=2, random_state=0).fit(X, y).noise_mask_.mean() < 0.03


def test_wrong_numbers_are_flagged():
    X, y = make_friedman1(300, noise=1.0, random_state=0)
    y[:20] += np.where(np.arange(20) % 2, 20.0, -20.0)
    model = GradientBoostingRegressor(max_depth=2, subsample=0.5)
    detector = EL2N(model, n_seeds=2, random_state=0, contamination="own").fit(X, y)
    assert detector.noise_mask_[:20].all()
    assert detector.noise_mask_[20:].mean() < 0.05
    assert np.abs(detector.y_suggested_ - y)[:20].min() > 5


@BOTH
def test_names_and_jobs_change_nothing(kind):
    X, y = noisy_labels(n_classes=3)
    model = GradientBoostingClassifier(n_estimators=20, subsample=0.5)
    first = kind(model, n_seeds=2, cv=3, random_state=0).fit(X, y)
    again = kind(model, n_seeds=2, cv=3, random_state=0, n_jobs=2)
    with parallel_config("threading"):
        again.fit(X, np.array([*"abc"])[y])
    np.testing.assert_allclose(again.noise_score_, first.noise_score_)
    np.testing.assert_array_equal(again.noise_mask_, first.noise_mask_)


@BOTH
def test_inside_a_treatment_and_with_trusted_rows(kind):
    X, y, truth, wrong = flipped(300)
    model = GradientBoostingClassifier(n_estimators=30, max_depth=2)
    treated = FilterClassifier(model, kind(n_seeds=2, random_state=0), random_state=0)
    assert treated.fit(X, y).score(X, truth) > 0.85
    trusted = np.arange(300) < 100
    detector = kind(model, contamination=0.2, n_seeds=2).fit(X, y, trusted=trusted)
    assert detector.noise_mask_.any()
    assert not detector.noise_mask_[trusted].any()


@BOTH
def test_one_class_is_not_judged(kind):
    detector = kind(random_state=0).fit(np.arange(20.0)[:, None], ["a"] * 20)
    assert np.isnan(detector.noise_score_).all()
    assert not detector.noise_mask_.any()


@BOTH
@pytest.mark.parametrize("name, value", [("budget", 0.0), ("budget", 1.5), ("n_seeds", 0)])
def test_bad_parameters_are_named(kind, name, value):
    X, y = noisy_labels()
    with pytest.raises(ValueError, match=name):
        kind(**{name: value}).fit(X, y)


def test_bad_fraction():
    X, y = noisy_labels()
    detector = EL2N(LogisticRegression(), n_seeds=1).fit(X, y)
    with pytest.raises(ValueError, match="fraction must be in"):
        detector.hard_rows(0)
