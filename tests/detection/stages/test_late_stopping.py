"""LateStopping through its public behaviour."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.datasets import make_friedman1
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.neural_network import MLPClassifier

from sknoisy import FilterClassifier
from sknoisy.detection import EL2N, LateStopping

from ...helpers import noisy_labels


def with_hard_group(seed, n=400):
    """X, labels with some wrong, which are wrong, which are of a small group of its own."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-3, 3, size=(n, 2))
    y = (X[:, 0] > 0).astype(int)
    hard = rng.random(n) < 0.06
    X[hard], y[hard] = rng.normal([-2, 2], 0.15, size=(hard.sum(), 2)), 1
    wrong = (rng.random(n) < 0.12) & ~hard
    return X, np.where(wrong, 1 - y, y), wrong, hard


# ------------------------------------------------------------------ the definition


@pytest.mark.parametrize("k", [1, 2, 4])
def test_learned_at_is_the_end_of_the_first_run_of_right_predictions(k):
    X, y = noisy_labels(n_classes=3)
    model = GradientBoostingClassifier(n_estimators=20, max_depth=2, learning_rate=0.3)
    model.set_params(random_state=0)
    detector = LateStopping(model, n_consecutive=k, n_lifecycles=1, drop=0.01, n_stages=20)
    detector.fit(X, y)  # of 30 rows of a class, nothing is taken out
    right = [proba.argmax(axis=1) == y for proba in model.fit(X, y).staged_predict_proba(X)]
    for row in range(len(y)):
        ends = [s + 1 for s in range(k - 1, 20) if all(r[row] for r in right[s + 1 - k : s + 1])]
        assert detector.learned_at_[row] == (min(ends) if ends else np.inf)
    assert not detector.dropped_in_.any()
    # a later stage is a higher score
    order = np.argsort(detector.noise_score_)
    assert (np.diff(np.minimum(detector.learned_at_, 99)[order]) >= 0).all()


def test_each_lifecycle_takes_out_its_share_and_starts_anew():
    X, y = noisy_labels(400, n_classes=2, rate=0.2)
    detector = LateStopping(LogisticRegression(), n_lifecycles=3, drop=0.1).fit(X, y)
    counts = np.bincount(detector.dropped_in_, minlength=4)
    left = 400
    for lifecycle in (1, 2, 3):
        assert 0 < counts[lifecycle] <= 0.1 * left
        left -= counts[lifecycle]
    for label in (0, 1):
        assert (detector.dropped_in_[y == label] == 1).sum() <= 0.1 * (y == label).sum()
    # the sooner a row was taken out, the higher its score
    means = [detector.noise_score_[detector.dropped_in_ == c] for c in (1, 2, 3, 0)]
    for sooner, later in zip(means[:-1], means[1:], strict=True):
        assert sooner.min() > later.max()


def test_rows_that_are_learnt_in_time_are_not_taken_out():
    X, y = noisy_labels(200, n_classes=2, rate=0.0)
    X = np.column_stack([X, 20.0 * y])  # learnt at once
    detector = LateStopping(GradientBoostingClassifier(max_depth=1), drop=0.2).fit(X, y)
    assert not detector.dropped_in_.any()
    assert not detector.noise_mask_.any()


# ------------------------------------------------------------------ what the paper claims


@pytest.mark.parametrize("seed", [1, 3])
def test_it_keeps_hard_right_rows_that_a_small_loss_loses(seed):
    X, y, wrong, hard = with_hard_group(seed)
    model = MLPClassifier((50,), max_iter=200, learning_rate_init=0.003)
    detector = LateStopping(model, drop=0.04, random_state=0).fit(X, y)
    out = detector.dropped_in_ > 0
    early = EL2N(model, n_seeds=1, budget=0.1, random_state=0).fit(X, y).noise_score_
    large = np.argsort(-early)[: out.sum()]  # as many, by the early loss
    assert hard[out].sum() < hard[large].sum() - 0.2 * hard.sum()
    assert wrong[out].mean() > wrong[large].mean() + 0.05
    assert wrong[detector.noise_mask_].mean() > 0.65


# ------------------------------------------------------------------ what comes of it


@pytest.mark.parametrize("seed", [0, 1])
def test_wrong_labels_are_flagged_and_a_clean_set_is_spared(seed):
    X, y = noisy_labels(300, n_classes=3, rate=0.15, seed=seed)
    clean = noisy_labels(300, n_classes=3, rate=0.0, seed=seed)[1]
    wrong, model = y != clean, LogisticRegression()
    detector = LateStopping(model).fit(X, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.75
    assert wrong[detector.noise_mask_].mean() > 0.75
    assert detector.noise_mask_[wrong].mean() > 0.6
    assert (detector.y_suggested_ == clean)[detector.noise_mask_ & wrong].mean() > 0.8
    assert LateStopping(random_state=0).fit(X, clean).noise_mask_.mean() < 0.04
    assert (detector.noise_proba_[detector.noise_mask_] > 0.5).all()
    assert (detector.noise_proba_[~detector.noise_mask_] <= 0.5).all()


def test_numbers():
    X, y = make_friedman1(400, noise=1.0, random_state=0)
    wrong = np.arange(400) < 40
    noisy = y + np.where(wrong, np.where(np.arange(400) % 2, 15.0, -15.0), 0.0)
    model = GradientBoostingRegressor(max_depth=2, random_state=0)
    detector = LateStopping(model).fit(X, noisy)
    assert average_precision_score(wrong, detector.noise_score_) > 0.95
    assert wrong[detector.noise_mask_].mean() > 0.85
    assert detector.noise_mask_[wrong].mean() > 0.85
    assert np.abs(detector.y_suggested_ - y)[wrong].mean() < 4
    assert LateStopping(model).fit(X, y).noise_mask_.mean() < 0.01


def test_trusted_rows_stay():
    X, y = noisy_labels(200, n_classes=2, rate=0.2)
    trusted = np.arange(200) < 100
    detector = LateStopping(LogisticRegression(), drop=0.2).fit(X, y, trusted=trusted)
    assert not detector.dropped_in_[trusted].any()
    assert detector.dropped_in_[~trusted].any()


def test_folds_and_jobs():
    X, y = noisy_labels(150, n_classes=3)
    model = GradientBoostingClassifier(n_estimators=15, max_depth=2, subsample=0.7)
    first = LateStopping(model, cv=3, n_lifecycles=2, random_state=0).fit(X, y)
    again = LateStopping(model, cv=3, n_lifecycles=2, random_state=0, n_jobs=2)
    with parallel_config("threading"):
        again.fit(X, np.array([*"abc"])[y])
    np.testing.assert_allclose(again.noise_score_, first.noise_score_)
    assert first.dropped_in_.max() == 2


def test_a_class_that_is_learnt_late_is_not_taken_out_as_a_whole():
    X, y = noisy_labels(400, n_classes=2, rate=0.0)
    y[:80] = 1  # the path begins with the larger class
    together = LateStopping(LogisticRegression(), per_class=False, drop=0.1).fit(X, y)
    apart = LateStopping(LogisticRegression(), drop=0.1).fit(X, y)
    assert (together.dropped_in_[y == 0] > 0).mean() > 0.5
    assert (apart.dropped_in_[y == 0] > 0).mean() <= 1 - 0.9**4


def test_reasons_and_treatment():
    X, y = noisy_labels(200, n_classes=2)
    report = LateStopping(LogisticRegression()).fit(X, y).noise_report(X, y)
    assert report["reason"].iloc[0].startswith("never learnt, taken out after lifecycle 1")
    assert FilterClassifier(LogisticRegression(), LateStopping()).fit(X, y).score(X, y) > 0.75


def test_one_class_is_not_judged():
    detector = LateStopping(random_state=0).fit(np.arange(20.0)[:, None], ["a"] * 20)
    assert np.isnan(detector.noise_score_).all()
    assert not detector.noise_mask_.any()


def test_bad_parameters_are_named():
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="n_consecutive=9 stages in a row"):
        LateStopping(LogisticRegression(), n_consecutive=9, n_stages=5).fit(X, y)
    with pytest.raises(ValueError, match="drop"):
        LateStopping(LogisticRegression(), drop=0.6).fit(X, y)
