"""The shares of the teacher and the frequencies, against brute force and repeated fits."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from sknoisy.training.distillation import (
    bin_frequencies,
    distilled_alpha,
    distilled_kernel_ridge,
    estimated_ridge_mixing,
    kernel_frequencies,
    optimal_mixing,
    optimal_ridge_mixing,
)


def ridge(X, alpha):
    """(d, n): from targets to the coefficients of ridge."""
    return np.linalg.solve(X.T @ X + alpha * np.eye(X.shape[1]), X.T)


@pytest.mark.parametrize(("noise", "alpha"), [(0.1, 1.0), (4.0, 3.0), (100.0, 20.0)])
def test_the_share_for_ridge_is_that_of_brute_force(noise, alpha):
    rng = np.random.RandomState(0)
    X, coef = rng.randn(40, 8) * np.logspace(0, -1, 8), rng.randn(8)
    fit = ridge(X, alpha)

    def expected_error(mixing):
        student = fit @ (mixing * X @ fit + (1 - mixing) * np.eye(40))
        bias = student @ X @ coef - coef
        return bias @ bias + noise * np.sum(student**2)

    best = minimize_scalar(expected_error, bracket=(-10, 10), tol=1e-10)
    found = optimal_ridge_mixing(X, coef, noise, alpha)
    assert found == pytest.approx(best.x, abs=1e-6)
    assert expected_error(found) <= best.fun * (1 + 1e-12)


def test_above_one_where_the_noise_is_large():
    rng = np.random.RandomState(1)
    X, coef = rng.randn(40, 8), rng.randn(8)
    shares = [optimal_ridge_mixing(X, coef, noise, 5.0) for noise in (0.0, 1.0, 10.0, 1000.0)]
    assert shares == sorted(shares) and shares[0] < 0 and shares[-1] > 1


@pytest.mark.parametrize("seed", range(3))
def test_the_share_for_ridge_is_estimated(seed):
    rng = np.random.RandomState(seed)
    X, coef = rng.randn(2000, 10), rng.randn(10)
    y = X @ coef + 3 * rng.randn(2000)
    for alpha in (100.0, 1000.0):
        truth = optimal_ridge_mixing(X, coef, 9.0, alpha)
        for known in (9.0, None):
            assert estimated_ridge_mixing(X, y, alpha, known) == pytest.approx(truth, abs=0.1)


def test_weights_of_ridge_are_roots_on_its_rows():
    rng = np.random.RandomState(0)
    X, y = rng.randn(50, 4), rng.randn(50)
    root = np.sqrt(rng.uniform(0.5, 2, 50))
    model = Ridge(alpha=2.0, fit_intercept=False)
    teacher = model.fit(X, y, sample_weight=root**2).predict(X)
    share = 1.7
    coef = model.fit(X, share * teacher + (1 - share) * y, sample_weight=root**2).coef_
    fit = ridge(root[:, None] * X, 2.0)
    scaled = root * y
    expected = fit @ (share * root[:, None] * X @ fit @ scaled + (1 - share) * scaled)
    np.testing.assert_allclose(coef, expected, atol=1e-10)


def test_noise_needs_more_rows_than_columns():
    X = np.random.RandomState(0).randn(5, 8)
    with pytest.raises(ValueError, match="give noise_variance"):
        estimated_ridge_mixing(X, np.arange(5.0), 1.0)
    assert np.isfinite(estimated_ridge_mixing(X, np.arange(5.0), 1.0, 2.0))


@pytest.mark.parametrize("shape", [(30,), (30, 3)])
def test_the_share_on_rows_held_out_is_that_of_a_grid(shape):
    rng = np.random.RandomState(0)
    plain, distilled, y = rng.randn(3, *shape)
    weight = rng.uniform(0, 2, 30)
    by = weight.reshape(-1, *[1] * (len(shape) - 1))

    def loss(share):
        return np.sum(by * ((1 - share) * plain + share * distilled - y) ** 2)

    found = optimal_mixing(plain, distilled, y, weight)
    grid = found + np.linspace(-2, 2, 4001)
    assert grid[np.argmin([loss(share) for share in grid])] == pytest.approx(found, abs=1e-9)
    assert optimal_mixing(plain, plain, y) == 0


def test_weights_of_rows_held_out_are_repeats():
    rng = np.random.RandomState(0)
    plain, distilled, y = rng.randn(3, 20)
    times = rng.randint(0, 4, 20)
    repeated = [np.repeat(values, times) for values in (plain, distilled, y)]
    found = optimal_mixing(plain, distilled, y, times.astype(float))
    assert found == pytest.approx(optimal_mixing(*repeated))


@pytest.mark.parametrize("mixing", [[], [1.0], [0.4, 1.5, 0.0, 0.9], [0.3] * 8])
def test_kernel_ridge_needs_no_refit(mixing):
    rng = np.random.RandomState(0)
    x, y = rng.uniform(size=(30, 2)), rng.randn(30)
    K = np.exp(-3 * ((x[:, None] - x) ** 2).sum(axis=-1))
    model = KernelRidge(alpha=0.1, kernel="precomputed")
    fitted = model.fit(K, y).predict(K)
    for share in mixing:
        fitted = model.fit(K, share * fitted + (1 - share) * y).predict(K)
    np.testing.assert_allclose(
        model.dual_coef_, distilled_kernel_ridge(K, y, 0.1, mixing), atol=1e-8
    )
    np.testing.assert_allclose(K @ distilled_kernel_ridge(K, y, 0.1, mixing), fitted, atol=1e-8)


@pytest.mark.parametrize("mixing", [0.0, 0.5, 0.8])
def test_endless_distillation_is_a_larger_penalty(mixing):
    rng = np.random.RandomState(0)
    x, y = rng.uniform(size=(30, 2)), rng.randn(30)
    K = np.exp(-3 * ((x[:, None] - x) ** 2).sum(axis=-1))
    long = distilled_kernel_ridge(K, y, 0.1, [mixing] * 200)
    limit = KernelRidge(alpha=distilled_alpha(0.1, mixing), kernel="precomputed").fit(K, y)
    np.testing.assert_allclose(K @ long, limit.predict(K), atol=1e-8)


def test_without_the_given_numbers_there_is_no_such_penalty():
    with pytest.raises(ValueError, match="less than one"):
        distilled_alpha(1.0, 1.0)


# ------------------------------------------------------------------ frequencies


@pytest.mark.parametrize("count", [bin_frequencies, kernel_frequencies])
def test_frequencies_are_the_chances(count):
    rng = np.random.RandomState(0)
    chance = rng.uniform(size=20_000)
    outcome = (rng.uniform(size=20_000) < chance).astype(float)
    said = chance**2  # sorted rightly, and wrong
    found = count(said, outcome)
    assert np.abs(found - chance).mean() < 0.05
    assert found.mean() == pytest.approx(outcome.mean(), abs=0.01)


@pytest.mark.parametrize("count", [bin_frequencies, kernel_frequencies])
def test_frequencies_heed_weights_ties_and_no_order(count):
    rng = np.random.RandomState(0)
    said = rng.randint(0, 12, 200) / 12
    outcome = (rng.uniform(size=200) < said).astype(float)
    times = rng.randint(0, 4, 200)
    weighted = count(said, outcome, times.astype(float))
    repeated = count(np.repeat(said, times), np.repeat(outcome, times))
    np.testing.assert_allclose(np.repeat(weighted, times), repeated)
    order = rng.permutation(200)
    moved = count(said[order], outcome[order], times[order].astype(float))
    np.testing.assert_allclose(moved, weighted[order])
    for value in np.unique(said):
        assert len(np.unique(weighted[said == value])) == 1


def test_bins_hold_the_same_weight():
    said, outcome = np.arange(12) / 12, np.arange(12) % 2 == 0
    np.testing.assert_allclose(bin_frequencies(said, outcome, n_bins=6), 0.5)
    np.testing.assert_allclose(bin_frequencies(said, outcome, n_bins=12), outcome)
    np.testing.assert_allclose(bin_frequencies(np.full(12, 0.3), outcome), 0.5)
