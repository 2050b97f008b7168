"""Numbers whose errors are larger in some rows than in others."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sknoisy.training.error_models import LocationScaleRegressor, NaturalParametersRegressor
from sknoisy.training.error_models._natural_parameters import natural_parameters_mle

from ...helpers import fits, recording


def uneven(seed, n=1500, slope=0.8):
    """X, mean, scale, y."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    mean, scale = X @ [1.0, 2.0, -1.0], np.exp(slope * X[:, 0] - 0.3)
    return X, mean, scale, mean + scale * rng.normal(size=n)


def test_the_scale_is_right_within_ten_percent_and_the_mean_nearer():
    errors = []
    for seed in range(6):
        X, _, _, y = uneven(seed)
        X_new, mean, scale, _ = uneven(seed + 100)
        model = LocationScaleRegressor(Ridge(), random_state=0).fit(X, y)
        predicted, found = model.predict(X_new, return_std=True)
        assert np.mean(np.abs(found / scale - 1)) < 0.1
        np.testing.assert_array_equal(found, model.predict_scale(X_new))
        plain = Ridge().fit(X, y).predict(X_new)
        errors.append([np.sqrt(np.mean((p - mean) ** 2)) for p in (predicted, plain)])
    errors = np.array(errors)
    assert (errors[:, 0] < errors[:, 1]).all()
    assert errors[:, 0].mean() < 0.6 * errors[:, 1].mean()


def test_any_regressors():
    tree, off = DecisionTreeRegressor(min_samples_leaf=20, random_state=0), []
    for seed in range(4):
        X, mean, scale, y = uneven(seed, slope=1.0)
        model = LocationScaleRegressor(tree, scale_estimator=Ridge(), random_state=0).fit(X, y)
        models = (model, clone(tree).fit(X, y))
        off.append([np.sqrt(np.mean((m.predict(X) - mean) ** 2)) for m in models])
    off = np.array(off)
    assert (off[:, 0] <= off[:, 1]).all() and off[:, 0].mean() < 0.95 * off[:, 1].mean()
    assert np.corrcoef(np.log(model.scale_), np.log(scale))[0, 1] > 0.9
    assert isinstance(model.scale_estimator_, Ridge)


def test_weights_that_bend_a_model_too_simple_are_given_up():
    """A line through a curve, of which the flat part has the smaller residuals."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(600, 1))
    y = np.exp(X[:, 0]) + 0.05 * rng.normal(size=600)
    trees = DecisionTreeRegressor(min_samples_leaf=30, random_state=0)
    model = LocationScaleRegressor(Ridge(), scale_estimator=trees, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), Ridge().fit(X, y).predict(X))
    np.testing.assert_array_equal(model.sample_weight_, 1.0)


def test_one_scale_is_the_plain_model():
    X, _, _, y = uneven(0, slope=0.0)
    model = LocationScaleRegressor(
        Ridge(), scale_estimator=DecisionTreeRegressor(random_state=0), random_state=0
    ).fit(X, y)
    assert model.scale_.std() / model.scale_.mean() < 0.1
    assert np.abs(model.predict(X) - Ridge().fit(X, y).predict(X)).max() < 0.05
    assert 0.9 < model.scale_.mean() / np.exp(-0.3) < 1.1
    assert not model.noise_mask_.any()
    same = LocationScaleRegressor(Ridge()).fit(X, np.ones(len(X)))
    np.testing.assert_allclose(same.predict(X), 1.0)


def test_attributes_fit_together():
    X, _, _, y = uneven(0, n=400)
    model = LocationScaleRegressor(Ridge(), random_state=0).fit(X, y)
    assert model.sample_weight_.mean() == pytest.approx(1.0)
    ratio = model.sample_weight_ * model.scale_**2
    np.testing.assert_allclose(ratio, ratio[0])
    np.testing.assert_array_equal(model.noise_mask_, model.sample_weight_ < 0.5)
    assert model.n_iter_ == len(model.weight_change_) <= 3
    assert 0.5 < np.median(np.abs(model.z_score_)) < 0.85  # 0.67 of a standard normal


def test_number_of_fits_and_weights():
    X, _, _, y = uneven(0, n=200)
    given = np.random.default_rng(0).uniform(1, 2, 200)
    mean, of_mean = recording(Ridge())
    scale, of_scale = recording(Ridge())
    model = LocationScaleRegressor(
        mean, scale_estimator=scale, cv=4, max_iter=2, tol=0.0, random_state=0
    ).fit(X, y, sample_weight=given)
    assert len(fits(of_mean)) == len(fits(of_scale)) == 2 * 4 + 1
    np.testing.assert_allclose(fits(of_mean)[-1].sample_weight, model.sample_weight_ * given)
    np.testing.assert_allclose(fits(of_scale)[-1].sample_weight, given)
    assert np.average(model.sample_weight_, weights=given) == pytest.approx(1.0)


def test_a_repeated_row_is_one_of_twice_the_weight_for_the_last_fits():
    X, _, _, y = uneven(0, n=200)
    order = np.random.default_rng(0).permutation(200)
    folds = [(np.arange(200) % 2 == i, np.arange(200) % 2 != i) for i in (0, 1)]
    folds = [(np.flatnonzero(a), np.flatnonzero(b)) for a, b in folds]
    place = np.argsort(order)
    moved = [(place[a], place[b]) for a, b in folds]
    a = LocationScaleRegressor(Ridge(), cv=folds).fit(X, y)
    b = LocationScaleRegressor(Ridge(), cv=moved).fit(X[order], y[order])
    np.testing.assert_allclose(a.predict(X), b.predict(X))
    np.testing.assert_allclose(a.scale_[order], b.scale_)


def test_groups_stay_together_and_routing():
    X, _, _, y = uneven(0, n=200)
    groups = np.arange(200) // 10
    model, calls = recording(Ridge())
    plain = LocationScaleRegressor(model, cv=5, max_iter=1, random_state=0)
    plain.fit(X, y, groups=groups)
    for call in fits(calls)[:5]:
        inside = np.isin(X[:, 0], call.X[:, 0])
        assert not np.isin(groups[inside], groups[~inside]).any()
    with config_context(enable_metadata_routing=True):
        asked = Ridge().set_fit_request(sample_weight=True)
        routed = LocationScaleRegressor(asked, random_state=0)
        routed.fit(X, y, sample_weight=np.arange(200) + 1.0)
    off = LocationScaleRegressor(Ridge(), random_state=0)
    off.fit(X, y, sample_weight=np.arange(200) + 1.0)
    np.testing.assert_allclose(routed.predict(X), off.predict(X))


def test_tables_sparse_and_searches():
    X, mean, _, y = uneven(0, n=400)
    kind = np.array(["a", "b"])[(X[:, 0] > 0).astype(int)]
    table = pd.DataFrame({"x": mean, "kind": kind}, index=np.arange(400) + 7)
    steps = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    model = LocationScaleRegressor(make_pipeline(steps, LinearRegression()), random_state=0)
    scale = model.fit(table, y).predict_scale(table)
    assert scale[kind == "b"].mean() > 1.5 * scale[kind == "a"].mean()
    sparse = LocationScaleRegressor(Ridge(), random_state=0).fit(csr_matrix(X), y)
    assert sparse.predict(csr_matrix(X)).shape == (400,)
    pipe = make_pipeline(
        StandardScaler(), LocationScaleRegressor(Ridge(), scale_estimator=Ridge(), random_state=0)
    )
    grid = {"locationscaleregressor__scale_estimator__alpha": [1.0, 100.0]}
    GridSearchCV(pipe, grid, cv=2).fit(X, y)


def test_jobs_change_nothing():
    X, _, _, y = uneven(0, n=200)
    model = LocationScaleRegressor(DecisionTreeRegressor(max_features=1), random_state=0)
    with parallel_config(backend="threading"):
        two = clone(model).set_params(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(model.fit(X, y).predict(X), two.predict(X))


def test_errors():
    X, _, _, y = uneven(0, n=100)
    with pytest.raises(ValueError, match="rows of small scale are to weigh more"):
        LocationScaleRegressor(KNeighborsRegressor()).fit(X, y)
    resampled = LocationScaleRegressor(KNeighborsRegressor(), weight_strategy="resample")
    assert resampled.fit(X, y).predict_scale(X).shape == (100,)
    with pytest.raises(TypeError, match="scale_estimator of LocationScaleRegressor needs a regres"):
        LocationScaleRegressor(Ridge(), scale_estimator=LogisticRegression()).fit(X, y)
    model = LocationScaleRegressor(Ridge(), scale_estimator=PoissonRegressor())
    with pytest.raises(ValueError) as failed:
        model.fit(X, y)
    assert any("give another one as scale_estimator" in note for note in failed.value.__notes__)
    assert not hasattr(model, "estimator_")


# --------------------------------------------------------------------------- at once


def one_column(seed, n=1000):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, size=(n, 1))
    mean, scale = np.sin(1.5 * X[:, 0]) + X[:, 0], np.exp(0.8 * X[:, 0] - 0.3)
    return X, mean, scale, mean + scale * rng.normal(size=n)


def test_natural_parameters_give_mean_and_scale():
    for seed in range(4):
        X, mean, scale, y = one_column(seed)
        predicted, found = NaturalParametersRegressor().fit(X, y).predict(X, return_std=True)
        assert np.median(np.abs(found / scale - 1)) < 0.1
        plain = np.mean((np.polyval(np.polyfit(X[:, 0], y, 5), X[:, 0]) - mean) ** 2)
        assert np.mean((predicted - mean) ** 2 / scale**2) < 0.1
        assert np.mean((predicted - mean) ** 2) < 2 * plain


def test_the_optimum_is_that_of_the_normal_likelihood_where_there_is_one_group():
    rng = np.random.default_rng(0)
    y = np.concatenate([rng.normal(1.0, 0.5, 300), rng.normal(-1.0, 2.0, 300)])
    features = np.repeat(np.eye(2), 300, axis=0)
    coef, _ = natural_parameters_mle(features, y, np.ones(600), alpha=1e-10)
    np.testing.assert_allclose(coef[0] / coef[1], [y[:300].mean(), y[300:].mean()], rtol=1e-4)
    np.testing.assert_allclose(coef[1] ** -0.5, [y[:300].std(), y[300:].std()], rtol=1e-4)


def test_one_best_pair_wherever_the_search_begins():
    X, _, _, y = one_column(0, n=300)
    a = NaturalParametersRegressor(alpha=1e-3).fit(X, y)
    b = NaturalParametersRegressor(alpha=1e-3).fit(X[::-1], 5 * y[::-1] + 7)
    np.testing.assert_allclose(5 * a.predict(X) + 7, b.predict(X), rtol=1e-3, atol=1e-2)


def test_too_few_rounds_are_said():
    X, _, _, y = one_column(0, n=300)
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        NaturalParametersRegressor(max_iter=2).fit(X, y)


def test_splines_of_constant_columns_are_a_constant():
    y = np.arange(40.0)
    for X in (np.zeros((40, 2)), np.ones((40, 1))):
        model = NaturalParametersRegressor().fit(X, y, sample_weight=np.arange(40) < 20)
        mean, scale = model.predict(X, return_std=True)
        np.testing.assert_allclose(mean, y[:20].mean())
        np.testing.assert_allclose(scale, y[:20].std(), rtol=1e-3)
