"""Thresholds meet their targets, by brute force and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from sknoisy.reject._base import is_rejected, reject_labels
from sknoisy.reject._threshold import (
    binomial_cdf,
    bounded_risk_threshold,
    cost_threshold,
    coverage_threshold,
)


@given(st.integers(0, 10_000), st.booleans())
def test_cost_threshold_is_the_best_of_all(seed, weighted):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 20)
    score = rng.integers(0, 8, n).astype(float)  # with ties
    score[rng.random(n) < 0.1] = np.inf  # and rows that are never answered
    loss = rng.integers(0, 2, n).astype(float)
    weight = rng.integers(1, 4, n).astype(float) if weighted else np.ones(n)

    def cost(threshold):
        return np.sum(weight * np.where(is_rejected(score, threshold), 0.3, loss))

    best = min(cost(t) for t in [-np.inf, *score, np.inf])
    found = cost_threshold(score, loss, 0.3, weight if weighted else None)
    assert cost(found) == pytest.approx(best)


@given(st.integers(0, 10_000))
def test_a_weight_is_a_repeated_row(seed):
    rng = np.random.default_rng(seed)
    score, loss = rng.random(15), rng.integers(0, 2, 15).astype(float)
    weight = rng.integers(1, 4, 15)
    again = np.repeat(np.arange(15), weight)
    assert cost_threshold(score, loss, 0.4, weight) == cost_threshold(
        score[again], loss[again], 0.4
    )


def test_coverage_holds_for_a_new_row():
    """Of 30 rows, so that the plain quantile would be 3 points short."""
    rng = np.random.default_rng(0)
    covered = [rng.random() <= coverage_threshold(rng.random(30), 0.9) for _ in range(4000)]
    assert 0.89 < np.mean(covered) < 0.95


def test_coverage_that_no_row_can_promise_rejects_nothing():
    assert coverage_threshold(np.arange(5.0), 0.9) == np.inf
    assert coverage_threshold(np.arange(9.0), 0.9) == 8.0


RISKS = {
    "a good score": lambda s: 0.3 * s**2,
    "a score that knows nothing": lambda s: 0.0505 + 0 * s,
    "a score that is upside down": lambda s: 0.12 * (1 - s),
    "a hump": lambda s: np.where((s > 0.3) & (s < 0.5), 0.15, 0.02),
}


@pytest.mark.parametrize("name", RISKS)
@pytest.mark.parametrize("n", [100, 500])
def test_bounded_risk_holds_whatever_the_score(name, n):
    """A risk above 5 % in at most 10 % of 400 samples (and two standard errors)."""
    rng, risk_at = np.random.default_rng(0), RISKS[name]
    grid = np.linspace(0, 1, 5001)
    area = np.cumsum(risk_at(grid)) / 5001
    broken = 0
    for _ in range(400):
        score = rng.random(n)
        loss = (rng.random(n) < risk_at(score)).astype(float)
        threshold = np.clip(bounded_risk_threshold(score, loss, 0.05, 0.1), 0, 1)
        broken += threshold > 0 and np.interp(threshold, grid, area) / threshold > 0.05
    assert broken / 400 <= 0.1 + 2 * np.sqrt(0.09 / 400)


def test_bounded_risk_answers_most_of_what_it_may():
    rng = np.random.default_rng(0)
    score = rng.random(2000)
    loss = (rng.random(2000) < 0.3 * score**2).astype(float)  # the bound is at 0.71
    assert 0.5 < bounded_risk_threshold(score, loss, 0.05, 0.1) < 0.71
    assert bounded_risk_threshold(score, np.zeros(2000), 0.05, 0.1) == np.inf
    assert bounded_risk_threshold(score, np.ones(2000), 0.05, 0.1) == -np.inf


def test_bounded_risk_keeps_tied_rows_together():
    score = np.repeat([0.0, 1.0], 200)
    loss = np.repeat([0.0, 1.0], [200, 200])
    threshold = bounded_risk_threshold(score, loss, 0.1, 0.1)
    assert is_rejected(score, threshold).tolist() == [False] * 200 + [True] * 200
    mostly = np.repeat([0.0, 1.0], [280, 120])  # the first tests fall into the first tie
    threshold = bounded_risk_threshold(mostly, mostly, 0.1, 0.1)
    assert is_rejected(mostly, threshold).sum() == 120


def test_binomial_cdf_is_that_of_scipy():
    k, n = np.array([0, 1, 5, 10]), np.array([4, 9, 30, 10])
    np.testing.assert_allclose(binomial_cdf(k, n, 0.2), binom.cdf(k, n, 0.2))


def test_rows_that_nothing_is_known_of_are_rejected():
    assert is_rejected(np.array([0.0, np.nan, np.inf]), np.inf).tolist() == [False, True, True]


def test_a_classifier_that_is_wrong_pays_what_the_decision_costs():
    labels = reject_labels(np.array([1.0, 0.0, 0.5]), 0.2)
    assert labels[:, 0].tolist() == [0.2, 0.2, 0.2]  # lost by rejecting
    assert labels[:, 1].tolist() == [1.0, 0.0, 0.5]  # lost by answering
