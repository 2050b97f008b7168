"""Residual: numbers that are rare, or whose errors lean to one side, are not wrong for that."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, PoissonRegressor

from sknoisy import FilterRegressor
from sknoisy.detection import CookDistance, Residual

N = 1500


def rare_numbers(kind, seed):
    """X and numbers that are all right: many are 0, or errors lean to one side."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, 3))
    if kind == "claims":
        n_claims = rng.poisson(np.exp(-2.0 + 0.5 * X[:, 0]))
        return X, np.array([rng.gamma(2, 400, size=k).sum() for k in n_claims])
    if kind == "counts":
        return X, rng.poisson(np.exp(-1.5 + 0.8 * X[:, 0])).astype(float)
    if kind == "rain":
        return X, np.maximum(0.0, X[:, 0] + rng.normal(size=N)) * 10
    return X, np.exp(3 + X[:, 1] + rng.normal(size=N))  # income


POISSON = PoissonRegressor()
BOOSTING = HistGradientBoostingRegressor(max_iter=30)


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        *((kind, model) for kind in ("claims", "counts", "rain") for model in (POISSON, BOOSTING)),
        ("income", POISSON),
    ],
)
def test_rare_numbers_are_not_wrong(kind, model):
    for seed in range(2):
        X, y = rare_numbers(kind, seed)
        fitted = FilterRegressor(model, random_state=0).fit(X, y)
        plain = model.fit(X, y)
        assert fitted.noise_mask_[y > 0].mean() < 0.06
        assert 0.9 < fitted.predict(X).sum() / plain.predict(X).sum() < 1.1


def test_wrong_numbers_among_many_zeros_are_still_found():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    y = np.where(X[:, 1] > 0.3, 5 + X[:, 0] + 0.1 * rng.normal(size=N), 0.0)
    wrong = (y > 0) & (rng.random(N) < 0.1)
    y[wrong] += rng.choice([-1, 1], wrong.sum()) * 30
    model = HistGradientBoostingRegressor(max_iter=60, min_samples_leaf=5)
    fitted = Residual(model, random_state=0).fit(X, y)
    assert fitted.noise_mask_[wrong].mean() > 0.8
    assert fitted.noise_mask_[~wrong].mean() < 0.08


def test_the_scale_is_that_of_the_side_and_of_the_kind():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 1))
    y = X[:, 0] + rng.exponential(size=N)
    fitted = Residual(LinearRegression(), random_state=0).fit(X, y)
    assert len(np.unique(fitted.scale_)) == 2  # above and below
    even = Residual(LinearRegression(), random_state=0).fit(X, X[:, 0] + rng.normal(size=N))
    assert len(np.unique(even.scale_)) == 1
    assert not CookDistance(LinearRegression()).fit(X, y).noise_mask_.any()
