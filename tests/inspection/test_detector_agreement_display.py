"""Whether detectors suspect the same rows."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from sknoisy import FilterClassifier
from sknoisy.detection import ConfidentLearning, NeighborDisagreement
from sknoisy.inspection import DetectorAgreementDisplay
from sknoisy.inspection._detector_agreement import overlap

from ..helpers import noisy_labels

pytest.importorskip("matplotlib")


def test_rank_correlation_of_detectors_and_treatments():
    X, y = noisy_labels(n=200)
    one = ConfidentLearning(LogisticRegression(), random_state=0).fit(X, y)
    other = FilterClassifier(LogisticRegression(), NeighborDisagreement()).fit(X, y)
    display = DetectorAgreementDisplay.from_estimators([one, other, one])
    expected = spearmanr(one.noise_score_, other.detector_.noise_score_)[0]
    assert display.agreement[0, 1] == display.agreement[1, 0] == pytest.approx(expected)
    assert display.agreement[0, 2] == pytest.approx(1)
    assert display.names == ["ConfidentLearning 1", "NeighborDisagreement", "ConfidentLearning 2"]
    assert display.texts_[0, 1].get_text() == f"{expected:.2f}"
    names = DetectorAgreementDisplay.from_estimators({"a": one, "b": other}).names
    assert names == ["a", "b"]


def test_overlap_of_the_most_suspect():
    a, b = np.arange(100.0), np.arange(100.0)
    b[[98, 99]] = -1
    display = DetectorAgreementDisplay.from_predictions(
        {"a": a, "b": b, "c": -a}, measure="overlap", top=0.1
    )
    np.testing.assert_allclose(display.agreement, [[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]])
    assert display.image_.norm.vmin == 0


def test_ties_are_broken_by_chance():
    rng = np.random.default_rng(0)
    score, flat = rng.random(200), np.zeros(200)
    assert overlap(score, flat, 0.1) == pytest.approx(0.1)  # as any 20 of 200 rows would
    half = (np.arange(200) < 40) * 1.0
    assert overlap(half, half, 0.1) == pytest.approx(0.5)


def test_rows_that_one_has_not_judged_and_scores_that_rank_nothing():
    a, b = np.array([1.0, 2, 3, np.nan]), np.array([1.0, 3, 2, 99])
    scores = {"a": a, "b": b, "flat": np.ones(4)}
    display = DetectorAgreementDisplay.from_predictions(scores)
    assert display.agreement[0, 1] == pytest.approx(0.5)
    assert np.isnan(display.agreement[0, 2])
    assert display.texts_[0, 2].get_text() == "–"


def test_what_cannot_be_compared():
    draw = DetectorAgreementDisplay.from_predictions
    with pytest.raises(ValueError, match="two detectors or more"):
        draw({"a": [1, 2]})
    with pytest.raises(ValueError, match="inconsistent"):
        draw({"a": [1, 2], "b": [1]})
    with pytest.raises(ValueError, match="measure must be one of"):
        draw({"a": [1, 2], "b": [1, 2]}, measure="kappa")
    with pytest.raises(ValueError, match="top must be a share"):
        draw({"a": [1, 2], "b": [1, 2]}, top=10)
