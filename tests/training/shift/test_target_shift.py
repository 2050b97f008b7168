"""Numbers that are more frequent elsewhere: what weights win back, and what holds besides."""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.stats import norm
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from sknoisy._evidence import TableEncoder
from sknoisy.training.shift import TargetShiftRegressor
from sknoisy.training.shift._integral_equation import (
    Rows,
    ShiftEquation,
    choose_alpha,
    kernel_means,
    kernel_ratio,
    silverman,
)

from ...helpers import fits, recording

SEEDS = range(3)
FOREST = RandomForestRegressor(40, min_samples_leaf=5, random_state=0)


def looks(y, rng):
    noise = 0.7 * rng.randn(len(y), 3)
    return np.column_stack([y, np.sin(y), np.zeros(len(y))]) + noise


def shifted(seed, mean=1.3, scale=0.5, n=600, m=600):
    """X, y, true weights; target rows; new rows of the target and their numbers."""
    rng = np.random.RandomState(seed)
    y, y_target = rng.randn(n), mean + scale * rng.randn(m + 2000)
    X, X_target = looks(y, rng), looks(y_target, rng)
    weight = norm.pdf(y, mean, scale) / norm.pdf(y)
    return X, y, weight / weight.mean(), X_target[:m], X_target[m:], y_target[m:]


def error(model, X, y):
    return np.sqrt(np.mean((model.predict(X) - y) ** 2))


# ------------------------------------------------------------------ the paper's claims


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("model", "how"),
    [
        (LinearRegression(), {}),
        (LinearRegression(), {"smooth_over": "features"}),
        (FOREST, {}),
        (LinearRegression(), {"discriminator": make_pipeline(SplineTransformer(),
                                                             LogisticRegression())}),
    ],
    ids=["linear", "features", "forest", "discriminator"],
)  # fmt: skip
def test_half_of_what_the_shift_costs_is_won_back(model, how, seed):
    X, y, truth, X_target, X_new, y_new = shifted(seed)
    plain = error(clone(model).fit(X, y), X_new, y_new)
    oracle = error(clone(model).fit(X, y, sample_weight=truth), X_new, y_new)
    fitted = TargetShiftRegressor(clone(model), random_state=0, **how)
    fitted.fit(X, y, X_target=X_target)
    assert error(fitted, X_new, y_new) - oracle < 0.5 * (plain - oracle)
    assert np.corrcoef(fitted.sample_weight_, truth)[0, 1] > 0.7


@pytest.mark.parametrize("seed", range(5))
def test_without_a_shift_the_model_is_plain(seed):
    X, y, _, X_target, _, _ = shifted(seed, mean=0.0, scale=1.0, n=300, m=300)
    fitted = TargetShiftRegressor(LinearRegression(), random_state=0).fit(X, y, X_target=X_target)
    assert fitted.alpha_ is None
    assert (fitted.sample_weight_ == 1).all()
    np.testing.assert_array_equal(fitted.estimator_.coef_, LinearRegression().fit(X, y).coef_)


@pytest.mark.parametrize("discriminator", [None, LogisticRegression()])
def test_few_target_rows_are_no_evidence(discriminator):
    how = {"discriminator": discriminator, "cv": 2, "random_state": 0}
    for seed in range(6):
        rng = np.random.RandomState(seed)
        y, away = rng.normal(size=200), rng.normal(size=2)
        X, X_target = (v[:, None] + rng.normal(size=(len(v), 1)) for v in (y, away))
        model = TargetShiftRegressor(LinearRegression(), **how).fit(X, y, X_target=X_target)
        assert model.alpha_ is None and (model.sample_weight_ == 1).all()
    forced = TargetShiftRegressor(LinearRegression(), alpha=1.0, **how)
    assert forced.fit(X, y, X_target=X_target).alpha_ == 1.0
    if discriminator is not None:
        with pytest.raises(ValueError, match="discriminator tells 1 target rows from 200 training"):
            forced.fit(X, y, X_target=X_target[:1])


def test_weights_that_are_forced_are_near_one_without_a_shift():
    X, y, _, X_target, _, _ = shifted(0, mean=0.0, scale=1.0)
    fitted = TargetShiftRegressor(LinearRegression(), alpha=0.1, random_state=0)
    fitted.fit(X, y, X_target=X_target)
    assert np.quantile(np.abs(fitted.sample_weight_ - 1), 0.9) < 0.3


# ------------------------------------------------------------------ the equation


def test_the_solution_obeys_the_regularised_equation():
    rng = np.random.RandomState(0)
    y = rng.randn(60)
    z, z_target = (v[:, None] for v in (y + 0.5 * rng.randn(60), 1 + rng.randn(50)))
    base = rng.uniform(0.5, 2.0, 60)
    equation = ShiftEquation(Rows(y, z, base, z_target))
    T = kernel_means(z, z, base, silverman(z))
    T_star = kernel_means(y[:, None], y[:, None], base, silverman(y[:, None]))
    eta = kernel_ratio(z, z, base, z_target, silverman(z)) - 1
    rho = equation.rho(0.1)
    np.testing.assert_allclose(0.1 * rho + T_star @ (T @ rho), T_star @ eta, atol=1e-10)
    weights = equation.weights(0.1)
    assert weights.min() >= 0
    assert np.average(weights, weights=base) == pytest.approx(1.0)
    # elsewhere the same function
    np.testing.assert_allclose(equation.weights(0.1, y), weights, atol=1e-8)


def test_kernels_by_hand():
    z, h = np.array([[0.0], [1.0]]), np.array([0.5])
    means = kernel_means(np.array([[0.0]]), z, np.array([1.0, 3.0]), h)
    far = 3 * np.exp(-2.0)
    np.testing.assert_allclose(means, [[1 / (1 + far), far / (1 + far)]])
    ratio = kernel_ratio(np.array([[0.0]]), z, np.ones(2), np.array([[1.0]]), h)
    np.testing.assert_allclose(ratio, np.exp(-2.0) / (0.5 * (1 + np.exp(-2.0))))
    assert np.isfinite(kernel_means(np.array([[1e6]]), z, np.ones(2), h)).all()
    np.testing.assert_allclose(silverman(np.ones((5, 1))), [(4 / 15) ** 0.2])


def test_alpha_is_chosen_by_what_it_foretells():
    rng = np.random.RandomState(1)
    y, y_target = rng.randn(200), 1.0 + 0.5 * rng.randn(200)
    z, z_target = y[:, None] + 0.3 * rng.randn(200, 1), y_target[:, None] + 0.3 * rng.randn(200, 1)
    rows = Rows(y, z, np.ones(200), z_target)
    alpha, gain, is_evident = choose_alpha(rows, [0.01, 100.0], 0)
    assert (alpha, is_evident) == (0.01, True)
    assert gain > 0.1
    assert choose_alpha(rows._replace(z_target=z), [0.01, 100.0], 0)[2] is False


def test_the_curve_gives_the_weights_of_all_rows():
    X, y, truth, X_target, _, _ = shifted(0, n=900)
    fitted = TargetShiftRegressor(LinearRegression(), max_rows=200, random_state=0)
    fitted.fit(X, y, X_target=X_target)
    assert len(fitted.sample_weight_) == 900
    assert fitted.sample_weight_.mean() == pytest.approx(1.0)
    np.testing.assert_allclose(np.interp(y, *fitted.weight_curve_.T), fitted.sample_weight_)
    assert np.corrcoef(fitted.sample_weight_, truth)[0, 1] > 0.7


def test_weights_are_repeated_rows_to_the_kernels():
    rng = np.random.RandomState(0)
    z, z_target, times = rng.randn(40, 2), rng.randn(30, 2), rng.randint(0, 4, 40)
    again, h = np.repeat(z, times, axis=0), np.array([0.5, 0.7])
    of_rows = [(z, times.astype(float)), (again, np.ones(len(again)))]
    ratios = [kernel_ratio(z, rows, weight, z_target, h) for rows, weight in of_rows]
    np.testing.assert_allclose(*ratios)
    means = kernel_means(z_target, z, times.astype(float), h) @ z
    np.testing.assert_allclose(means, kernel_means(z_target, again, np.ones(len(again)), h) @ again)


def test_weights_of_one_are_no_weights():
    X, y, _, X_target, *_ = shifted(0, n=150, m=100)
    base = TargetShiftRegressor(LinearRegression(), random_state=0)
    none, ones = (
        clone(base).fit(X, y, X_target=X_target, sample_weight=w) for w in (None, np.ones(150))
    )
    np.testing.assert_allclose(none.sample_weight_, ones.sample_weight_)
    np.testing.assert_allclose(none.estimator_.coef_, ones.estimator_.coef_)


# ------------------------------------------------------------------ how target rows are given


def stacked(X, y, X_target, seed=0):
    """The same rows in one array, in random order, y NaN for target rows."""
    both = np.concatenate([X, X_target])
    known = np.concatenate([y, np.full(len(X_target), np.nan)])
    order = np.random.RandomState(seed).permutation(len(known))
    return both[order], known[order]


def test_rows_without_a_number_are_target_rows():
    X, y, _, X_target, X_new, y_new = shifted(0, n=300, m=300)
    both, known = np.concatenate([X, X_target]), np.concatenate([y, np.full(300, np.nan)])
    base = TargetShiftRegressor(Ridge(), random_state=0)
    apart = clone(base).fit(X, y, X_target=X_target)
    weight = np.concatenate([np.ones(300), np.zeros(300)])
    for given in (known, list(known), pd.Series(known), pd.array(known, dtype="Float64")):
        together = clone(base).fit(both, given, sample_weight=weight)
        np.testing.assert_allclose(together.predict(X_new), apart.predict(X_new))
    np.testing.assert_allclose(together.sample_weight_[:300], apart.sample_weight_)
    assert (together.sample_weight_[300:] == 0).all()
    assert len(together.noise_mask_) == 600
    assert together.score(both, known) == pytest.approx(apart.score(X, y))
    with pytest.raises(ValueError, match="one of the two ways"):
        clone(base).fit(both, known, X_target=X_target)
    with pytest.raises(ValueError, match="all rows are target rows"):
        clone(base).fit(X, np.full(300, np.nan))
    with pytest.raises(ValueError, match="shuffle the folds"):
        apart.score(X, np.full(300, np.nan))


def test_in_pipelines_and_searches():
    X, y, _, X_target, X_new, y_new = shifted(1, n=300, m=300)
    both, known = stacked(X, y, X_target)
    pipe = make_pipeline(StandardScaler(), TargetShiftRegressor(Ridge(), random_state=0))
    folds = KFold(3, shuffle=True, random_state=0)
    grid = {"targetshiftregressor__estimator__alpha": [0.1, 10.0]}
    search = GridSearchCV(pipe, grid, cv=folds, error_score="raise").fit(both, known)
    plain = Ridge().fit(X, y)
    assert error(search, X_new, y_new) < 0.85 * error(plain, X_new, y_new)


def test_metadata_routing():
    X, y, _, X_target, X_new, _ = shifted(1, n=200, m=250)
    base = TargetShiftRegressor(Ridge(), random_state=0)
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(StandardScaler(), clone(base), transform_input=["X_target"])
        routed = pipe.fit(X, y, X_target=X_target)
        search = GridSearchCV(clone(base), {"alpha": [0.1, 0.01]}, cv=3)
        assert search.fit(X, y, X_target=X_target).best_estimator_.alpha_ in (0.1, 0.01)
    scaler = StandardScaler().fit(X)
    direct = clone(base).fit(scaler.transform(X), y, X_target=scaler.transform(X_target))
    np.testing.assert_allclose(
        routed.predict(X_new), direct.predict(scaler.transform(X_new)), rtol=1e-10
    )


def test_without_target_rows_it_is_the_plain_model():
    X, y, *_ = shifted(0, n=100)
    with pytest.warns(UserWarning, match="no target rows"):
        fitted = TargetShiftRegressor(Ridge()).fit(X, y)
    np.testing.assert_array_equal(fitted.predict(X), Ridge().fit(X, y).predict(X))
    assert fitted.alpha_ is None


# ------------------------------------------------------------------ any rows, any model


def test_parameters_of_fit_weights_and_number_of_fits():
    X, y, _, X_target, *_ = shifted(2, n=200, m=200)
    model, calls = recording(Ridge())
    weight = np.random.RandomState(0).uniform(0.5, 2, 200)
    fitted = TargetShiftRegressor(model, random_state=0)
    fitted.fit(X, y, X_target=X_target, sample_weight=weight)
    assert len(fits(calls)) == 6
    np.testing.assert_allclose(fits(calls)[-1].sample_weight, fitted.sample_weight_ * weight)
    assert np.average(fitted.sample_weight_, weights=weight) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="KNeighborsRegressor takes no sample_weight"):
        TargetShiftRegressor(KNeighborsRegressor()).fit(X, y, X_target=X_target)
    resampled = TargetShiftRegressor(KNeighborsRegressor(), weight_strategy="resample")
    assert resampled.set_params(random_state=0).fit(X, y, X_target=X_target).alpha_ is not None


def test_tables_jobs_and_pickles():
    X, y, _, X_target, *_ = shifted(0, n=200, m=150)
    names = list("abc")
    table, target = pd.DataFrame(X, columns=names), pd.DataFrame(X_target, columns=names)
    base = TargetShiftRegressor(make_pipeline(StandardScaler(), Ridge()), random_state=0)
    fitted = clone(base).fit(table, y, X_target=target)
    assert list(fitted.feature_names_in_) == names
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(table), fitted.predict(table))
    with parallel_config("threading"):
        threads = clone(base).set_params(n_jobs=2).fit(table, y, X_target=target)
    np.testing.assert_array_equal(threads.sample_weight_, fitted.sample_weight_)


@pytest.mark.parametrize("smooth_over", ["features", "predictions"])
def test_tables_of_all_kinds_with_target_rows_in_them(smooth_over):
    X, y, _, X_target, *_ = shifted(0, n=200, m=150)
    table = pd.DataFrame(np.concatenate([X, X_target]), columns=list("abc"))
    table["kind"] = np.where(table["a"] > 0, "p", "n")
    table.loc[::7, "b"] = np.nan
    known = pd.Series(np.concatenate([y, np.full(150, np.nan)]), index=table.index[::-1])
    model = make_pipeline(TableEncoder(), Ridge())
    over = TargetShiftRegressor(model, smooth_over=smooth_over, random_state=0)
    groups = np.arange(350) % 50
    fitted = over.fit(table, known, groups=groups, trusted=groups < 5)
    assert fitted.sample_weight_.shape == (350,)
    assert fitted.predict(table).shape == (350,)
