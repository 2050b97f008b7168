"""Curves and areas of what is won by holding back answers."""

import numpy as np
import pytest

from sknoisy.metrics import (
    accuracy_reject_auc,
    accuracy_reject_curve,
    risk_coverage_auc,
    risk_coverage_curve,
)


def test_curve_by_hand():
    coverage, risk, thresholds = risk_coverage_curve([4.0, 0.0, 2.0, 2.0], [0.9, 0.1, 0.5, 0.5])
    assert coverage.tolist() == [0.25, 0.75, 1.0]
    np.testing.assert_allclose(risk, [0.0, 4 / 3, 2.0])
    assert thresholds.tolist() == [0.1, 0.5, 0.9]


def test_weights_repeat_rows_and_zero_is_no_row():
    rng = np.random.default_rng(0)
    loss, score, weight = rng.random(30), rng.integers(0, 9, 30), rng.integers(0, 4, 30)
    again = np.repeat(np.arange(30), weight)
    given = risk_coverage_curve(loss, score, sample_weight=weight)
    for weighted, repeated in zip(
        given, risk_coverage_curve(loss[again], score[again]), strict=True
    ):
        np.testing.assert_allclose(weighted, repeated)


def test_area_is_the_mean_risk_and_one_minus_it_the_accuracy():
    rng = np.random.default_rng(0)
    y, said, score = rng.integers(0, 2, 50), rng.integers(0, 2, 50), rng.random(50)
    wrong = (y != said)[np.argsort(score)]
    mean = np.mean(np.cumsum(wrong) / np.arange(1, 51))
    assert risk_coverage_auc(y != said, score) == pytest.approx(mean)
    assert accuracy_reject_auc(y, said, score) == pytest.approx(1 - mean)
    names = np.array(["no", "yes"])
    assert accuracy_reject_auc(names[y], names[said], score) == pytest.approx(1 - mean)
    rejected, accuracy, _ = accuracy_reject_curve(y, said, score)
    assert rejected[-1] == 0 and accuracy[-1] == pytest.approx(np.mean(y == said))


def test_better_scores_have_larger_areas():
    wrong = np.repeat([0, 1], [80, 20])
    best, none, worst = wrong, np.zeros(100), -wrong
    areas = [risk_coverage_auc(wrong, score) for score in (best, none, worst)]
    assert areas[0] < areas[1] < areas[2]
    assert areas[1] == pytest.approx(0.2)


def test_unknown_and_infinite_scores_go_last():
    _, risk, thresholds = risk_coverage_curve([1.0, 1.0, 0.0], [np.nan, np.inf, 3.0])
    assert risk.tolist() == [0.0, 2 / 3]
    assert thresholds.tolist() == [3.0, np.inf]


def test_errors_name_the_row():
    with pytest.raises(ValueError, match="row 1 \\(from 0\\) has nan"):
        risk_coverage_curve([0.0, np.nan], [0.1, 0.2])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        risk_coverage_auc([0.0, 1.0], [0.1])
    with pytest.raises(ValueError, match="zero"):
        risk_coverage_auc([0.0, 1.0], [0.1, 0.2], sample_weight=[0, 0])
    with pytest.raises(ValueError, match="first in row 1"):
        risk_coverage_auc([0.0, 1.0], [0.1, 0.2], sample_weight=[1, -1])
