"""ConfidenceDrop through its public behaviour."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import average_precision_score

from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidenceDrop

from ...helpers import fits, noisy_labels, noisy_numbers, recording, row_numbers


def labels(seed, rate=0.2):
    X, y = make_classification(
        600,
        8,
        n_informative=5,
        n_classes=3,
        n_clusters_per_class=1,
        class_sep=1.2,
        flip_y=0,
        random_state=seed,
    )
    return X, y, *symmetric_noise(y, rate=rate, random_state=seed)


def numbers(seed):
    """Wrong numbers that pull at the model: all to one side, where one feature is high."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(400, 4))
    wrong = (X[:, 0] > 0.5) & (rng.random(400) < 0.3)
    return X, X.sum(axis=1) + 0.3 * rng.normal(size=400) + 6 * wrong, wrong


@pytest.mark.parametrize("seed", range(3))
def test_confidence_drops_in_wrong_labels_and_rises_in_right_ones(seed):
    X, _, y, wrong = labels(seed)
    detector = ConfidenceDrop(LogisticRegression(), random_state=0).fit(X, y)
    dropped = detector.confidence_after_ < detector.confidence_before_
    assert dropped[wrong].mean() > 0.9
    assert dropped[~wrong].mean() < 0.15
    assert average_precision_score(wrong, detector.noise_score_) > 0.8


@pytest.mark.parametrize("seed", range(3))
def test_a_dynamic_cut_does_better_than_fixed_ones(seed):
    """The paper's claim: a fixed confidence is too strict or too lax, the difference is neither."""
    X, _, y, wrong = labels(seed)
    detector = ConfidenceDrop(LogisticRegression(), rule="drop", random_state=0).fit(X, y)

    def f1(found):
        return 2 * (found & wrong).sum() / (found.sum() + wrong.sum())

    for cut in (0.8, 0.9):  # confidence below which a row would be left out
        assert f1(detector.noise_mask_) > f1(detector.confidence_before_ < cut) + 0.03


@pytest.mark.parametrize("seed", range(3))
def test_numbers(seed):
    X, y, wrong = numbers(seed)
    detector = ConfidenceDrop(LinearRegression(), random_state=0).fit(X, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.9
    assert wrong[detector.noise_mask_].mean() > 0.9
    assert detector.noise_mask_[wrong].mean() > 0.8
    right = X.sum(axis=1)
    assert np.abs(detector.y_suggested_ - right)[wrong].max() < 1.5


def test_score_and_rules_by_definition():
    X, _, y, _ = labels(0)
    drop = ConfidenceDrop(
        LogisticRegression(), rule="drop", random_state=0, contamination="own"
    ).fit(X, y)
    before, after = drop.confidence_before_, drop.confidence_after_
    np.testing.assert_allclose(drop.noise_score_, np.log((before + 1e-3) / (after + 1e-3)))
    expected = (after < before - 1e-9) | (after < 1e-3)
    differs = drop.noise_mask_ != expected
    assert np.abs(drop.noise_score_[differs]).max(initial=0.0) < 1e-6
    spared = ConfidenceDrop(LogisticRegression(), random_state=0, contamination="own").fit(X, y)
    wanted = drop.noise_mask_ & (spared.noise_proba_ > 0.5)
    np.testing.assert_array_equal(spared.noise_mask_, wanted)


def test_posterior_spares_clean_rows_that_the_papers_rule_drops():
    X, y, _, _ = labels(0)
    model = RandomForestClassifier(50, min_samples_leaf=3)
    drop = ConfidenceDrop(model, rule="drop", random_state=0).fit(X, y)
    posterior = ConfidenceDrop(model, random_state=0).fit(X, y)
    assert drop.noise_mask_.mean() > 0.2
    assert posterior.noise_mask_.mean() < 0.15


@pytest.mark.parametrize("task", ["labels", "numbers"])
def test_second_round_is_held_out_and_fitted_on_kept_rows_only(task):
    X, y = noisy_labels(150) if task == "labels" else noisy_numbers(150)
    model, calls = recording(LogisticRegression() if task == "labels" else LinearRegression())
    detector = ConfidenceDrop(model, cv=3, random_state=0).fit(X, y)
    assert len(fits(calls)) == 6
    asked = [call for call in calls if call.method != "fit"]
    for i, (fit, ask) in enumerate(zip(fits(calls), asked, strict=True)):
        seen, judged = row_numbers(fit.X, 150), row_numbers(ask.X, 150)
        assert not np.isin(judged, seen).any()
        assert len(judged) == 50
        if i >= 3:
            assert detector.kept_[seen].all()
    assert 0 < (~detector.kept_).sum() < 60


def test_trusted_rows_are_kept():
    X, _, y, wrong = labels(0)
    detector = ConfidenceDrop(LogisticRegression(), random_state=0).fit(X, y, trusted=wrong)
    assert detector.kept_[wrong].all()
    assert not detector.noise_mask_[wrong].any()


def test_renaming_the_labels_renames_the_answer():
    X, _, y, _ = labels(1)
    folds = [(np.flatnonzero(np.arange(600) % 3 != k), np.arange(600)[k::3]) for k in range(3)]
    detector = ConfidenceDrop(LogisticRegression(tol=1e-8, max_iter=500), cv=folds)
    old = detector.fit(X, y).noise_score_
    new = detector.fit(X, np.array(["z", "m", "a"])[y]).noise_score_
    np.testing.assert_allclose(new, old, atol=1e-3)


def test_one_class_and_equal_numbers():
    X, y, _, _ = labels(0)
    assert np.isnan(ConfidenceDrop(LogisticRegression()).fit(X, y * 0).noise_score_).all()
    flat = ConfidenceDrop(LinearRegression(), random_state=0).fit(X, np.full(600, 0.5))
    assert not flat.noise_mask_.any()


def test_reason():
    X, _, y, _ = labels(0)
    report = ConfidenceDrop(LogisticRegression(), random_state=0).fit(X, y).noise_report(X, y)
    assert "drops from" in report["reason"].iloc[0]
