"""Numbers that are too low, or too high, and never the other way."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from sknoisy.training.error_models import OneSidedRegressor
from sknoisy.training.error_models._one_sided import one_sided_gradient, one_sided_risk

TREE = DecisionTreeRegressor(max_depth=3)


def too_low(seed, *, n=1000, rate=0.35, errors="exponential", size=2.0, noise="normal"):
    """X, right curve, y of which `rate` are lower by `size` on average; which are wrong."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    curve = X[:, 0] + 0.5 * X[:, 1] - 0.5 * X[:, 2]
    wrong = rng.random(n) < rate
    lost = {
        "exponential": rng.exponential(size, n),
        "even": rng.uniform(0, 2 * size, n),
        "constant": np.full(n, size),
    }[errors]
    around = rng.normal(size=n) if noise == "normal" else rng.standard_t(4, n) / np.sqrt(2)
    return X, curve, curve + 0.5 * around - np.where(wrong, lost, 0.0), wrong


@pytest.mark.parametrize("errors", ["exponential", "even", "constant"])
@pytest.mark.parametrize("noise", ["normal", "t"])
def test_at_least_seventy_percent_of_the_bias_goes_with_a_linear_model(errors, noise):
    for seed in range(4):
        X, curve, y, _ = too_low(seed, errors=errors, noise=noise)
        plain = Ridge().fit(X, y).predict(X) - curve
        model = OneSidedRegressor(Ridge(), random_state=0).fit(X, y)
        off = model.predict(X) - curve
        assert plain.mean() < -0.5
        assert abs(off.mean()) < 0.3 * abs(plain.mean())
        assert np.sqrt(np.mean(off**2)) < 0.3 * np.sqrt(np.mean(plain**2))


@pytest.mark.parametrize("seed", range(3))
def test_the_bias_goes_with_trees(seed):
    X, curve, y, _ = too_low(seed)
    plain = GradientBoostingRegressor(random_state=0).fit(X, y).predict(X) - curve
    off = OneSidedRegressor(TREE, random_state=0).fit(X, y).predict(X) - curve
    assert abs(off.mean()) < 0.3 * abs(plain.mean())
    assert np.sqrt(np.mean(off**2)) < 0.5 * np.sqrt(np.mean(plain**2))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_where_nothing_is_wrong(seed):
    X, curve, y, _ = too_low(seed, rate=0.0)
    off = OneSidedRegressor(Ridge(), random_state=0).fit(X, y).predict(X) - curve
    assert np.sqrt(np.mean(off**2)) < 0.15  # of a noise of 0.5


def test_upper_is_lower_upside_down():
    X, _, y, _ = too_low(0)
    lower = OneSidedRegressor(TREE, random_state=0).fit(X, y)
    upper = OneSidedRegressor(TREE, side="upper", random_state=0).fit(X, -y)
    np.testing.assert_allclose(upper.predict(X), -lower.predict(X), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(upper.noise_mask_, lower.noise_mask_)


def test_trusted_rows_set_the_level_where_right_errors_are_not_normal():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(1000, 2))
        right = X[:, 0] + rng.exponential(size=1000) - 1.0  # lean to one side
        wrong = rng.random(1000) < 0.4
        y = np.where(wrong, right - rng.exponential(3.0, 1000), right)
        trusted = ~wrong & (rng.random(1000) < 0.15)
        plain = Ridge().fit(X, y).predict(X).mean() - X[:, 0].mean()
        model = OneSidedRegressor(Ridge(), random_state=0).fit(X, y, trusted=trusted)
        assert abs(model.predict(X).mean() - X[:, 0].mean()) < 0.3 * abs(plain)
        assert not model.noise_proba_[trusted].any()


def test_a_number_for_pi_up_is_the_level_and_can_be_searched():
    X, curve, y, _ = too_low(0)
    level = [
        OneSidedRegressor(Ridge(), pi_up=p).fit(X, y).predict(X).mean() for p in (0.6, 0.75, 0.9)
    ]
    assert level[0] < level[1] < level[2]

    def by_right_numbers(model, X, _):
        return -np.mean((model.predict(X) - X @ [1.0, 0.5, -0.5, 0.0]) ** 2)

    grid = {"pi_up": [0.5, 0.6, 0.7, 0.8, 0.9]}
    search = GridSearchCV(OneSidedRegressor(Ridge()), grid, scoring=by_right_numbers, cv=3)
    plain = Ridge().fit(X, y).predict(X) - curve
    off = search.fit(X, y).predict(X) - curve
    assert abs(off.mean()) < 0.5 * abs(plain.mean())


def test_wrong_rows_are_found():
    X, _, y, wrong = too_low(0, errors="constant")
    model = OneSidedRegressor(Ridge(), random_state=0).fit(X, y)
    assert model.noise_mask_[wrong].mean() > 0.9
    assert model.noise_mask_[~wrong].mean() < 0.1
    assert 0.25 < model.upper_share_ < 0.4  # half of the 65 % that are right


def test_the_slope_is_that_of_the_loss_on_right_numbers():
    """With nothing wrong, and pi_up the share above, it is minus the derivative itself."""
    residual = np.random.default_rng(0).normal(size=1000)
    weight, rows = np.random.default_rng(1).uniform(1, 2, 1000), np.arange(1000)
    pi_up = np.average(residual > 0, weights=weight)
    slope = one_sided_gradient(residual, pi_up, weight, rows)
    np.testing.assert_allclose(slope, np.where(residual > 0, residual, -1.0))
    # rows that are moved further down change nothing but the share, which pi_up makes good
    moved = residual - 5.0 * (np.arange(1000) % 3 == 0) * (residual < 0)
    np.testing.assert_allclose(one_sided_gradient(moved, pi_up, weight, rows), slope)


def test_the_risk_is_that_of_right_numbers():
    rng = np.random.default_rng(0)
    y, rows = rng.normal(size=200_000), np.arange(200_000)
    weight = np.ones(len(y))

    def loss(level):
        return np.mean(np.where(y > level, 0.5 * (y - level) ** 2, level - y))

    by_upper = [
        one_sided_risk(y, np.full(len(y), level), np.mean(y > level), weight, rows)
        for level in (-0.5, 0.0, 0.5)
    ]
    exact = [loss(level) for level in (-0.5, 0.0, 0.5)]
    np.testing.assert_allclose(np.diff(by_upper), np.diff(exact), atol=1e-9)


def test_a_weight_is_a_number_of_copies():
    X, _, y, _ = too_low(0, n=200)
    weight = np.random.default_rng(0).integers(0, 4, 200)
    weighted = OneSidedRegressor(Ridge()).fit(X, y, sample_weight=weight)
    repeated = OneSidedRegressor(Ridge()).fit(np.repeat(X, weight, 0), np.repeat(y, weight))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-6)
    resampled = OneSidedRegressor(
        KNeighborsRegressor(), n_estimators=3, weight_strategy="resample", random_state=0
    )
    resampled.fit(X, y, sample_weight=weight)
    with pytest.raises(ValueError, match="KNeighborsRegressor takes no sample_weight"):
        clone(resampled).set_params(weight_strategy="native").fit(X, y, sample_weight=weight)


def test_early_stopping_goes_back_to_the_best():
    X, curve, y, _ = too_low(0)
    deep = DecisionTreeRegressor(max_depth=8, random_state=0)
    every = OneSidedRegressor(deep, n_estimators=60, random_state=0).fit(X, y)
    early = OneSidedRegressor(deep, n_estimators=60, n_iter_no_change=5, random_state=0).fit(X, y)
    assert early.n_estimators_ == len(early.estimator_.models) < 60 == every.n_estimators_
    assert early.noise_mask_.shape == (1000,)


def test_order_of_rows_and_seeds():
    X, _, y, _ = too_low(0, n=300)
    order = np.random.default_rng(0).permutation(300)
    a = OneSidedRegressor(Ridge()).fit(X, y)
    b = OneSidedRegressor(Ridge()).fit(X[order], y[order])
    np.testing.assert_allclose(a.predict(X), b.predict(X), atol=1e-6)
    np.testing.assert_allclose(a.noise_proba_[order], b.noise_proba_, atol=1e-5)
    jumpy = OneSidedRegressor(
        DecisionTreeRegressor(max_features=1, max_depth=2), n_estimators=10, random_state=3
    )
    np.testing.assert_array_equal(jumpy.fit(X, y).predict(X), clone(jumpy).fit(X, y).predict(X))
    stages = [m.random_state for m in jumpy.fit(X, y).estimator_.models]
    assert len(set(stages)) == 10


def test_tables_sparse_and_steps():
    X, curve, y, _ = too_low(0, n=600)
    kind = np.array(["a", "b", "c"])[np.arange(600) % 3]
    table = pd.DataFrame({"x": curve, "kind": kind}, index=np.arange(600) + 7)
    steps = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    model = OneSidedRegressor(make_pipeline(steps, LinearRegression())).fit(table, y)
    assert list(model.feature_names_in_) == ["x", "kind"]
    assert abs(np.mean(model.predict(table) - curve)) < 0.2
    sparse = OneSidedRegressor(Ridge()).fit(csr_matrix(X), y)
    np.testing.assert_allclose(
        sparse.predict(csr_matrix(X)), OneSidedRegressor(Ridge()).fit(X, y).predict(X), atol=0.02
    )


def test_errors():
    X, _, y, _ = too_low(0, n=50)
    with pytest.raises(TypeError, match="OneSidedRegressor needs a regressor"):
        OneSidedRegressor(LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError, match="'pi_up' parameter"):
        OneSidedRegressor(Ridge(), pi_up=1.0).fit(X, y)
    with pytest.raises(NotFittedError):
        OneSidedRegressor(Ridge()).predict(X)
    model = OneSidedRegressor(Ridge()).fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="negative"):
        model.set_params(estimator=DecisionTreeRegressor(criterion="poisson")).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)
