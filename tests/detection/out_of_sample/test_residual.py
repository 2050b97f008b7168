"""Residual: numbers that are rare, or whose errors lean to one side, are not wrong for that."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, PoissonRegressor, Ridge
from sklearn.neighbors import KNeighborsRegressor

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


def test_constant_numbers_end_in_no_warning_of_numpy():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model = Residual(Ridge()).fit(np.arange(60.0)[:, None], np.full(60, 7.0))
    assert not model.noise_mask_.any()


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_of_two_numbers_the_rarer_one_is_no_error(share):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    y = np.where(X[:, 0] + rng.normal(size=600) > np.quantile(X[:, 0], 1 - share) + 0.5, 1.0, 0.0)
    for values in ([0.0, 1.0], [-1.0, 1.0], [100.0, 5000.0]):
        model = FilterRegressor(Ridge()).fit(X, np.where(y, values[1], values[0]))
        assert not model.noise_mask_.any()


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


def with_wild(seed, *, n=260, share=0.3, n_wild=None, kind="cauchy"):
    """Linear data with errors of any size: X, clean y, noisy y, which are wrong."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 7))
    y = X @ rng.normal(size=7) + 0.3 * rng.normal(size=n)
    wrong = rng.random(n) < share if n_wild is None else np.arange(n) < n_wild
    if kind == "cauchy":
        error = 30 * y.std() * rng.standard_cauchy(n)
    else:
        error = rng.choice([-1, 1], n) * 10 ** rng.uniform(2, 5, n)
    return X, y, np.where(wrong, y + error, y), wrong


class Counting(LinearRegression):
    """Counts its fits."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        Counting.n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize(
    "how", [{}, {"n_wild": 1, "kind": "sizes"}, {"n_wild": 5, "kind": "sizes"}], ids=str
)
@pytest.mark.parametrize("seed", [0, 1])
def test_wild_numbers_do_not_bend_what_judges_them(how, seed):
    X, y, noisy, wrong = with_wild(seed, **how)
    far = np.abs(noisy - y) > 3 * y.std()
    for model in (Ridge(), KNeighborsRegressor(), HistGradientBoostingRegressor(max_iter=30)):
        fitted = FilterRegressor(model, random_state=0).fit(X, noisy)
        assert fitted.noise_mask_[far].mean() > 0.9
        assert fitted.noise_mask_[~wrong].mean() < 0.05
        without = clone(model).fit(X[~wrong], noisy[~wrong])
        assert np.abs(fitted.predict(X) - without.predict(X)).mean() < 0.3 * y.std()


def test_no_fit_is_added_where_no_number_is_wild():
    X, y, *_ = with_wild(0)
    Counting.n_fits = 0
    Residual(Counting(), random_state=0).fit(X, y)
    assert Counting.n_fits == 5
    y[0] = 1e6
    Residual(Counting(), random_state=0).fit(X, y)
    assert 15 <= Counting.n_fits <= 25  # the first pass, and one or two rounds without row 0


def test_a_trusted_number_is_not_wild():
    X, y, *_ = with_wild(0)
    y[0] = 1e6
    trusted = np.arange(len(y)) == 0
    fitted = Residual(Ridge(), random_state=0).fit(X, y, trusted=trusted)
    assert not fitted.noise_mask_[0]


def test_skewed_numbers_are_not_wrong():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(600, 4))
        y = np.exp(2 + X[:, 1] + rng.normal(size=600))
        fitted = FilterRegressor(BOOSTING, random_state=0).fit(X, y)
        assert fitted.noise_mask_.mean() < 0.02
        wrong = rng.random(600) < 0.1
        fitted = FilterRegressor(BOOSTING, random_state=0).fit(X, np.where(wrong, 1000 * y, y))
        assert fitted.noise_mask_[wrong].mean() > 0.8
