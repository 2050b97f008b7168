"""Reliability of the probability of being wrong."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sknoisy import FilterClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.inspection import NoiseReliabilityDisplay
from sknoisy.inspection._noise_reliability import wilson_interval
from sknoisy.metrics import calibration_error

from ..helpers import noisy_labels

pytest.importorskip("matplotlib")


def test_right_probabilities_lie_on_the_diagonal():
    rng = np.random.default_rng(0)
    proba = rng.random(50_000)
    display = NoiseReliabilityDisplay.from_predictions(rng.random(50_000) < proba, proba)
    np.testing.assert_allclose(display.share, display.proba, atol=0.02)
    assert display.n_rows.sum() == 50_000 and len(display.points_.get_offsets()) == 10


def test_bins_without_rows_and_rows_without_judgement_are_left_out():
    display = NoiseReliabilityDisplay.from_predictions(
        [True, False, True, True], [0.15, 0.15, 0.95, np.nan], name="mine", color="red"
    )
    np.testing.assert_allclose(display.line_.get_xydata(), [[0.15, 0.5], [0.95, 1.0]])
    assert display.n_rows.tolist() == [2, 1]
    assert display.line_.get_label() == f"mine (calibration error {display.error:.3f})"
    lengths = [np.ptp(segment[:, 1]) for segment in display.bars_.get_segments()]
    assert all(0 < length < 1 for length in lengths)


def test_a_treatment():
    X, y = noisy_labels(n=240, rate=0.0)
    y, wrong = symmetric_noise(y, 0.2, random_state=0)
    model = FilterClassifier(LogisticRegression(), random_state=0).fit(X, y)
    display = NoiseReliabilityDisplay.from_estimator(model, wrong, n_bins=5)
    assert display.name == "FilterClassifier"
    assert display.error == calibration_error(wrong, model.noise_proba_, 5)
    with pytest.raises(ValueError, match="mask_true has 5 rows"):
        NoiseReliabilityDisplay.from_estimator(model, wrong[:5])


def test_intervals_cover():
    rng = np.random.default_rng(0)
    low, high = wilson_interval(rng.binomial(30, 0.1, 20_000) / 30, 30)
    assert ((low <= 0.1) & (high >= 0.1)).mean() > 0.93
    assert wilson_interval(0.0, 5)[0] == pytest.approx(0) and wilson_interval(1.0, 5)[0] > 0.5
