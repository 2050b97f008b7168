"""Metrics of detection: against brute force, with ties, NaN and nothing to find."""

import warnings
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from sknoisy.metrics import (
    auroc,
    average_precision,
    calibration_error,
    detection_report,
    precision_at_k,
)

RANKING = [average_precision, auroc, precision_at_k]
all_metrics = pytest.mark.parametrize("metric", [*RANKING, calibration_error])
rankings = pytest.mark.parametrize("metric", RANKING)

# Multiples of 1/8, so that a change of scale does not round two of them to one.
scores = st.sampled_from([np.inf, -np.inf, np.nan]) | st.integers(-40, 40).map(lambda i: i / 8)
rows = st.lists(st.tuples(st.booleans(), scores), min_size=2, max_size=30).filter(
    lambda pairs: len({wrong for wrong, _ in pairs}) == 2
)


def _split(pairs):
    mask, score = map(np.array, zip(*pairs, strict=True))
    return mask, score


@settings(deadline=None)
@given(rows)
def test_auroc_is_the_share_of_ordered_pairs(pairs):
    mask, score = _split(pairs)
    key = [(not np.isnan(s), np.nan_to_num(s, posinf=99, neginf=-99)) for s in score]
    wins = [
        (key[i] > key[j]) + (key[i] == key[j]) / 2
        for i in np.flatnonzero(mask)
        for j in np.flatnonzero(~mask)
    ]
    assert auroc(mask, score) == pytest.approx(np.mean(wins))


@settings(deadline=None)
@given(rows)
def test_scikit_learn_agrees_without_missing_scores(pairs):
    mask, score = _split(pairs)
    score = np.nan_to_num(score, posinf=100, neginf=-100)
    assert average_precision(mask, score) == pytest.approx(average_precision_score(mask, score))
    assert auroc(mask, score) == pytest.approx(roc_auc_score(mask, score))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 1.0, np.nan])), min_size=1, max_size=6),
    st.integers(1, 6),
)
def test_precision_at_k_is_the_mean_over_tie_breaks(pairs, k):
    mask, score = _split(pairs)
    k = min(k, len(mask))
    key = np.nan_to_num(score, nan=-1)
    found = [
        mask[sorted(order, key=lambda i: -key[i])[:k]].mean()
        for order in permutations(range(len(mask)))
    ]
    assert precision_at_k(mask, score, k) == pytest.approx(np.mean(found))


@settings(max_examples=50, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_order_and_scale_do_not_matter(pairs, random):
    shuffled = pairs.copy()
    random.shuffle(shuffled)
    mask, score = _split(shuffled)
    for metric in RANKING:
        expected = metric(*_split(pairs))
        assert 0 <= expected <= 1
        assert metric(mask, score) == pytest.approx(expected)
        assert metric(mask, np.arctan(score / 10) * 3 - 7) == pytest.approx(expected, abs=1e-12)


@rankings
def test_perfect_and_constant(metric):
    mask = np.arange(100) < 20
    assert metric(mask, mask) == 1
    assert metric(mask, np.zeros(100)) == pytest.approx(0.5 if metric is auroc else 0.2)
    assert metric(mask, np.full(100, np.nan)) == pytest.approx(0.5 if metric is auroc else 0.2)


@rankings
def test_rows_not_judged_rank_last(metric):
    mask = [True, False, True, False]
    assert metric(mask, [5, -np.inf, 4, np.nan]) == 1
    assert metric(mask, [np.nan, 0, np.nan, -1]) == metric(mask, [-9, 0, -9, -1]) < 1


@pytest.mark.parametrize("k, expected", [(1, 1.0), (2, 0.5), (3, 2 / 3), (0.5, 0.5), (1.0, 0.5)])
def test_precision_at_k_counts(k, expected):
    assert precision_at_k([1, 0, 1, 0], [4, 3, 2, 1], k) == pytest.approx(expected)
    assert precision_at_k([1, 0, 1, 0], [4, 3, 2, 1], np.array([k])[0]) == pytest.approx(expected)


def test_precision_at_k_default_and_tiny_share():
    mask, score = [1, 0, 1, 0, 0], [4, 3, 2, 1, 0]
    assert precision_at_k(mask, score) == precision_at_k(mask, score, 2) == 0.5
    assert precision_at_k(mask, score, 1e-9) == 1


@pytest.mark.parametrize("k", [0, -1, 1.5, 0.0, "all"])
def test_bad_k(k):
    with pytest.raises(ValueError, match="'k' parameter of precision_at_k"):
        precision_at_k([True, False], [1, 2], k)


def test_k_beyond_the_rows():
    with pytest.raises(ValueError, match="k=3 is more than the 2 rows"):
        precision_at_k([True, False], [1, 2], 3)


class TestCalibrationError:
    def test_by_hand(self):
        # Two bins: (0.1, 0.3) with one wrong of two, (0.6, 0.8, 1.0) with two wrong of three.
        wrong, proba = [0, 1, 1, 0, 1], [0.1, 0.3, 0.6, 0.8, 1.0]
        expected = 2 / 5 * abs(0.5 - 0.2) + 3 / 5 * abs(2 / 3 - 0.8)
        assert calibration_error(wrong, proba, n_bins=2) == pytest.approx(expected)
        assert calibration_error(wrong, proba, n_bins=1) == pytest.approx(abs(0.6 - 0.56))

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=40),
        st.integers(1, 15),
    )
    def test_range_and_loop(self, pairs, n_bins):
        wrong, proba = _split(pairs)
        bins = np.minimum(np.floor(proba * n_bins), n_bins - 1)
        expected = sum(
            np.mean(bins == b) * abs(wrong[bins == b].mean() - proba[bins == b].mean())
            for b in set(bins)
        )
        error = calibration_error(wrong, proba, n_bins)
        assert error == pytest.approx(expected, abs=1e-12)
        assert 0 <= error <= 1

    def test_calibrated_probabilities(self):
        rng = np.random.RandomState(0)
        proba = rng.uniform(size=50000)
        wrong = rng.uniform(size=50000) < proba
        # Ten bins of 5000 rows whose means have a deviation of at most 0.5 / sqrt(5000).
        assert calibration_error(wrong, proba) < 6 * 0.5 / np.sqrt(5000)
        assert calibration_error(wrong, 1 - proba) > 0.4

    def test_rows_not_judged_are_left_out(self):
        assert calibration_error([0, 1, 1], [0.0, 1.0, np.nan]) == 0
        nullable = pd.Series([0.0, 1.0, None], dtype="Float64")
        assert calibration_error([0, 1, 1], nullable) == 0

    def test_errors(self):
        with pytest.raises(ValueError, match=r"row 1 \(from 0\) has 1.5"):
            calibration_error([0, 1], [0.5, 1.5])
        with pytest.raises(ValueError, match="'n_bins' parameter of calibration_error"):
            calibration_error([0, 1], [0.5, 0.5], n_bins=0)
        with pytest.warns(UndefinedMetricWarning, match="no row has a probability"):
            assert np.isnan(calibration_error([0, 1], [np.nan, np.nan]))


class TestReport:
    mask = np.array([1, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    score = np.array([9.0, 8, 1, 7, 6, 3, 2, np.nan])
    flagged = score > 6.5
    proba = np.array([0.9, 0.9, 0.1, 0.7, 0.3, 0.2, 0.1, np.nan])

    def test_values(self):
        report = detection_report(self.mask, self.score, self.flagged, self.proba)
        expected = {
            "n_rows": 8,
            "n_wrong": 3,
            "n_flagged": 3,
            "precision": precision_score(self.mask, self.flagged),
            "recall": recall_score(self.mask, self.flagged),
            "f1": f1_score(self.mask, self.flagged),
            "average_precision": average_precision(self.mask, self.score),
            "auroc": auroc(self.mask, self.score),
            "precision_at_k": precision_at_k(self.mask, self.score),
            "calibration_error": calibration_error(self.mask, self.proba),
        }
        pd.testing.assert_series_equal(report, pd.Series(expected, dtype=float))

    def test_only_what_can_be_said(self):
        short = ["n_rows", "n_wrong", "average_precision", "auroc", "precision_at_k"]
        assert list(detection_report(self.mask, self.score).index) == short
        report = detection_report(self.mask, self.score, noise_proba=self.proba)
        assert list(report.index) == [*short, "calibration_error"]

    def test_undefined_is_nan_without_a_warning(self):
        none = np.zeros(8, dtype=bool)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clean = detection_report(none, self.score, self.flagged, self.proba)
            unflagged = detection_report(self.mask, self.score, none)
            neither = detection_report(none, self.score, none)
            unjudged = detection_report(self.mask, self.score, none, np.full(8, np.nan))
        ranked = ["average_precision", "auroc", "precision_at_k"]
        assert set(clean.index[clean.isna()]) == {"recall", *ranked}
        assert set(unflagged.index[unflagged.isna()]) == {"precision"}
        assert set(neither.index[neither.isna()]) == {"precision", "recall", "f1", *ranked}
        assert np.isnan(unjudged["calibration_error"])

    def test_errors(self):
        with pytest.raises(ValueError, match="noise_mask has 2 rows, mask_true has 8"):
            detection_report(self.mask, self.score, [True, False])
        with pytest.raises(ValueError, match="noise_mask must hold True and False, but row 0"):
            detection_report(self.mask, self.score, self.score)


@rankings
def test_nothing_to_find(metric):
    with pytest.warns(UndefinedMetricWarning, match=f"{metric.__name__} is undefined and NaN"):
        assert np.isnan(metric([False, False], [1, 2]))
    if metric is auroc:
        with pytest.warns(UndefinedMetricWarning, match="wrong or right rows only"):
            assert np.isnan(metric([True, True], [1, 2]))
    else:
        assert metric([True, True], [1, 2]) == 1


@all_metrics
def test_containers(metric):
    mask, proba = [True, False, True], [0.9, 0.2, 0.1]
    expected = metric(mask, proba)
    assert isinstance(expected, float)
    index = [5, 5, 1]
    assert metric(np.array(mask, dtype=int), np.array(proba)) == expected
    assert metric(pd.Series(mask, index=index), pd.Series(proba)) == expected
    nullable = pd.Series(mask, dtype="boolean"), pd.Series(proba, dtype="Float64", index=index)
    assert metric(*nullable) == expected


@all_metrics
@pytest.mark.parametrize(
    "mask, score, message",
    [
        ([0, 2], [0.1, 0.2], r"mask_true must hold True and False, but row 1 \(from 0\) is 2"),
        (["a", "b"], [0.1, 0.2], "row 0 .* is 'a'"),
        ([np.nan, 1.0], [0.1, 0.2], "row 0 .* is nan"),
        (pd.Series([True, None], dtype="boolean"), [0.1, 0.2], "row 1 .* is <NA>"),
        (np.zeros((2, 2), dtype=bool), [0.1, 0.2], r"mask of cells use mask_true.any\(axis=1\)"),
        ([], [], "mask_true has no rows"),
        ([True, False], [0.1], r"has shape \(1,\), but mask_true has 2 rows"),
        ([True, False], ["a", "b"], "cannot be read as numbers"),
    ],
)
def test_bad_input(metric, mask, score, message):
    with pytest.raises(ValueError, match=message):
        metric(mask, score)
