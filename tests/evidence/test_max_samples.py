"""`max_samples`: fold models that are fitted on a part of the rows, and judge all of them."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge

from sknoisy import FilterClassifier, FilterRegressor, RelabelClassifier, ReweightClassifier
from sknoisy.detection import ConfidentLearning, NeighborDisagreement, Residual

from ..helpers import asks, fits, noisy_labels, noisy_numbers, recording, row_numbers


def test_none_is_all_rows():
    X, y = noisy_labels(120)
    model, calls = recording(LogisticRegression())
    whole = ConfidentLearning(model, random_state=0).fit(X, y)
    assert [len(call.X) for call in fits(calls)] == [96] * 5
    ample = ConfidentLearning(model, max_samples=1.0, random_state=0).fit(X, y)
    np.testing.assert_array_equal(whole.noise_score_, ample.noise_score_)


@pytest.mark.parametrize("max_samples, size", [(30, 30), (0.25, 24)])
def test_folds_are_fitted_on_a_part_and_judge_every_row(max_samples, size):
    X, y = noisy_labels(120)
    model, calls = recording(LogisticRegression())
    detector = ConfidentLearning(model, max_samples=max_samples, random_state=0).fit(X, y)
    assert not np.isnan(detector.noise_score_).any()
    assert sum(len(call.X) for call in asks(calls)) == 120
    for fit, ask in zip(fits(calls), asks(calls), strict=True):
        assert len(fit.X) == size
        assert not set(row_numbers(fit.X, 120)) & set(row_numbers(ask.X, 120))
        shares = np.bincount(fit.y, minlength=3) / size
        assert np.abs(shares - np.bincount(y) / 120).max() < 2 / size


def test_a_rare_class_keeps_five_rows():
    X, y = noisy_labels(400, n_classes=2, rate=0.0)
    y = np.where(np.cumsum(y == 1) <= 12, y, 0)
    model, calls = recording(LogisticRegression())
    ConfidentLearning(model, max_samples=20, random_state=0).fit(X, y)
    for fit in fits(calls):
        assert (fit.y == 1).sum() == 5
        assert len(fit.y) <= 25


def test_rows_of_zero_weight_are_not_drawn():
    X, y = noisy_labels(120)
    weight = np.arange(120) % 2
    model, calls = recording(LogisticRegression())
    ConfidentLearning(model, max_samples=30, random_state=0).fit(X, y, sample_weight=weight)
    assert all(fit.sample_weight.all() for fit in fits(calls))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_same_seed_same_rows(n_jobs):
    X, y = noisy_labels(120)
    how = {"max_samples": 30, "random_state": 3}
    one = ConfidentLearning(LogisticRegression(), **how).fit(X, y)
    two = ConfidentLearning(LogisticRegression(), n_jobs=n_jobs, **how).fit(X, y)
    np.testing.assert_array_equal(one.noise_proba_, two.noise_proba_)


def test_a_part_of_many_rows_finds_what_all_find():
    X, y = make_blobs(4000, centers=[[0, 0], [5, 0]], random_state=0)
    wrong = np.random.default_rng(0).random(4000) < 0.15
    y = np.where(wrong, 1 - y, y)
    model = LogisticRegression()
    found = [
        ConfidentLearning(model, max_samples=m, random_state=0).fit(X, y).noise_mask_
        for m in (None, 400)
    ]
    assert (found[0] == found[1]).mean() > 0.99
    assert wrong[found[1]].mean() > 0.9


def test_a_forest_is_judged_by_folds_then():
    X, y = noisy_labels(120)
    model, calls = recording(RandomForestClassifier(10, random_state=0))
    ConfidentLearning(model, max_samples=30, random_state=0).fit(X, y)
    assert [len(call.X) for call in fits(calls)] == [30] * 5


def test_numbers_and_their_rounds_without_wild_ones():
    X, y = noisy_numbers(200)
    model, calls = recording(Ridge())
    detector = Residual(model, max_samples=50, random_state=0).fit(X, y)
    assert {len(call.X) for call in fits(calls)} == {50}
    assert not np.isnan(detector.noise_score_).any()
    wrong = np.random.RandomState(0).choice(200, 20, replace=False)
    assert detector.noise_mask_[wrong].mean() > 0.9


@pytest.mark.parametrize("treatment", [FilterClassifier, ReweightClassifier, RelabelClassifier])
def test_a_treatment_hands_it_down(treatment):
    X, y = noisy_labels(200)
    model, calls = recording(LogisticRegression())
    fitted = treatment(model, max_samples=40, calibrate=False, random_state=0).fit(X, y)
    assert fitted.detector_.max_samples == 40
    sizes = [len(call.X) for call in fits(calls)]
    assert sizes[:5] == [40] * 5
    assert sizes[-1] > 100
    own = treatment(model, ConfidentLearning(max_samples=60), max_samples=40, random_state=0)
    assert own.fit(X, y).detector_.max_samples == 60


def test_a_treatment_of_numbers_hands_it_down():
    X, y = noisy_numbers(200)
    model, calls = recording(Ridge())
    FilterRegressor(model, max_samples=40, random_state=0).fit(X, y)
    assert {len(call.X) for call in fits(calls)[:-1]} == {40}


def test_a_detector_without_it_is_named():
    X, y = noisy_labels()
    model = FilterClassifier(LogisticRegression(), NeighborDisagreement(), max_samples=40)
    with pytest.raises(ValueError, match="NeighborDisagreement has no parameter max_samples"):
        model.fit(X, y)


@pytest.mark.parametrize("max_samples", [0, 1, 0.0, 1.5, "many"])
def test_nonsense_is_refused(max_samples):
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="max_samples"):
        ConfidentLearning(LogisticRegression(), max_samples=max_samples).fit(X, y)
