"""List-decodable regression over batches: the paper's claim, and what holds for any of them."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import HuberRegressor, LinearRegression, RANSACRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures
from sklearn.tree import DecisionTreeRegressor

from sknoisy.training.sources import ListDecodableRegressor
from sknoisy.training.sources._multifilter import (
    BatchRows,
    candidates,
    clipped_fit,
    clipped_gradient,
    concentrate,
    split,
)

B, D = 90, 5


def batches(seed, kind="regressions", low=10, high=20):
    """X, y, batch, genuine rows, coefficients; a third of the batches is genuine."""
    rng = np.random.RandomState(seed)
    batch = np.repeat(np.arange(B), rng.randint(low, high + 1, B))
    n = len(batch)
    X = rng.randn(n, D)
    which = (np.arange(B) % 3)[rng.permutation(B)][batch]
    coefs = rng.randn(3, D)
    coefs *= 2 / np.linalg.norm(coefs, axis=1, keepdims=True)
    noise = 0.5 * rng.randn(n)
    own = X @ coefs[0]
    others = {
        "regressions": (X * coefs[which]).sum(axis=1) + noise,
        "opposite": -own + noise,
        "shifted": own + 5 + noise,
        "noise": 2 * rng.randn(n),
        "loud": 20 * rng.randn(n),
        "wild": 1e4 * rng.standard_cauchy(n),
        "each its own": (X * rng.randn(B, D)[batch]).sum(axis=1) + noise,
    }[kind]
    genuine = which == 0
    return X, np.where(genuine, own + noise, others), batch, genuine, coefs[0]


def some_trusted(genuine, seed=0, n=5):
    chosen = np.random.RandomState(seed).choice(np.flatnonzero(genuine), n, replace=False)
    return np.isin(np.arange(len(genuine)), chosen)


def far(coef, truth):
    return np.linalg.norm(coef - truth) / np.linalg.norm(truth)


# --------------------------------------------------------------------------- the claim


@pytest.mark.parametrize("seed", range(8))
def test_a_candidate_is_near_the_truth_and_trusted_rows_say_which(seed):
    X, y, batch, genuine, truth = batches(seed)
    model = ListDecodableRegressor(LinearRegression(), random_state=0)
    model.fit(X, y, groups=batch, trusted=some_trusted(genuine, seed))
    errors = [far(candidate.coef_, truth) for candidate in model.estimators_]
    assert min(errors) < 0.1
    assert model.chosen_ == np.argmin(errors)
    assert len(errors) <= 4 / model.alpha**2
    assert np.mean(model.noise_mask_ == ~genuine) > 0.95


def test_robust_regressors_of_a_majority_fail():
    for seed in range(4):
        X, y, _, _, truth = batches(seed)
        for other in (LinearRegression(), HuberRegressor()):
            assert far(other.fit(X, y).coef_, truth) > 0.2
        ransac = RANSACRegressor(random_state=0).fit(X, y)
        assert far(ransac.estimator_.coef_, truth) > 0.1


KINDS = ["opposite", "shifted", "noise", "loud", "wild", "each its own"]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_others_are(kind):
    for seed in range(3):
        X, y, batch, genuine, truth = batches(seed, kind)
        model = ListDecodableRegressor(LinearRegression(), random_state=0)
        model.fit(X, y, groups=batch, trusted=some_trusted(genuine, seed))
        assert min(far(candidate.coef_, truth) for candidate in model.estimators_) < 0.1
        assert far(model.estimator_.coef_, truth) < 0.1


@pytest.mark.parametrize("kind", ["noise", "each its own"])
def test_others_that_do_not_agree_have_less_support(kind):
    X, y, batch, genuine, truth = batches(0, kind)
    model = ListDecodableRegressor(LinearRegression(), random_state=0).fit(X, y, groups=batch)
    assert model.chosen_ == 0
    assert (np.diff(model.support_) <= 0).all()
    assert far(model.estimator_.coef_, truth) < 0.1


def test_others_that_agree_predict_without_trusted_rows():
    X, y, batch, _, truth = batches(0, "opposite")
    model = ListDecodableRegressor(LinearRegression(), random_state=0).fit(X, y, groups=batch)
    assert far(model.estimator_.coef_, -truth) < 0.1  # two thirds say so
    assert model.support_[0] == pytest.approx(2 / 3, abs=0.05)


def test_genuine_batches_alone_are_one_candidate():
    X, y, batch, genuine, truth = batches(0)
    model = ListDecodableRegressor(LinearRegression(), random_state=0)
    model.fit(X[genuine], y[genuine], groups=batch[genuine])
    assert len(model.estimators_) == 1
    assert far(model.estimator_.coef_, truth) < 0.1
    assert model.noise_mask_.mean() < 0.2


def test_any_regressor_and_basis():
    X, _, batch, genuine, _ = batches(0, high=30)
    f = X[:, 0] ** 2 + np.abs(X[:, 1])
    z = np.where(genuine, f, 3 - f) + 0.3 * np.random.RandomState(0).randn(len(f))
    boosting = HistGradientBoostingRegressor(max_iter=40, random_state=0)
    model = ListDecodableRegressor(boosting, basis=PolynomialFeatures(2), max_iter=1)
    model.fit(X, z, groups=batch, trusted=some_trusted(genuine))
    assert np.mean(model.noise_mask_ == ~genuine) > 0.9
    assert model.score(X, f) > 0.8
    assert clone(boosting).fit(X, z).score(X, f) < 0.3


# --------------------------------------------------------------------------- the formulas


def made_rows(seed, m=10, spread=0.0):
    rng = np.random.RandomState(seed)
    Z = rng.randn(200 * m, 3)
    y = Z @ [1.0, 2.0, 3.0] + rng.randn(len(Z))
    return BatchRows(Z, y, np.repeat(np.arange(200), m), np.ones(len(Z)))


def test_clipped_fit_is_a_stationary_point():
    rows = made_rows(0)
    rows.y[::7] += 100
    coef, clip = clipped_fit(rows, np.ones(200))
    gradient = clipped_gradient(rows, coef, clip).mean(axis=0)
    np.testing.assert_allclose(gradient, 0, atol=1e-4)

    def huber(w):
        size = np.abs(rows.y - rows.Z @ w)
        return np.where(size <= clip, size**2 / 2, clip * size - clip**2 / 2).mean()

    np.testing.assert_allclose(coef, minimize(huber, np.zeros(3), tol=1e-10).x, atol=1e-3)
    size = np.abs(rows.y - rows.Z @ coef).mean()
    assert 1.5 * size <= clip * 1.001  # no less than half of what is wanted


def test_chance_is_what_genuine_batches_differ_by():
    rows = made_rows(0)
    gradient = clipped_gradient(rows, np.array([1.0, 2.0, 3.0]), 3.0)
    between = np.cov(rows.mean(gradient).T)
    np.testing.assert_allclose(rows.chance(gradient, np.ones(200)), between, atol=0.03)


def test_weights_of_rows_are_repeats():
    one = made_rows(0)
    weight = np.random.RandomState(0).randint(1, 3, len(one.y))
    at = np.repeat(np.arange(len(one.y)), weight)
    weighed = BatchRows(one.Z, one.y, one.batch, weight.astype(float))
    repeated = BatchRows(one.Z[at], one.y[at], one.batch[at], np.ones(len(at)))
    beta = np.random.RandomState(1).rand(200)
    np.testing.assert_allclose(clipped_fit(weighed, beta)[0], clipped_fit(repeated, beta)[0])


def test_splits_keep_each_heap_whole_and_squares_bounded():
    rng = np.random.RandomState(0)
    value = np.r_[rng.randn(30), rng.randn(30) + 12]
    beta = np.ones(60)
    low, high = split(value, beta, 3.0, 1.0, 2.0)
    assert low[:30].all() and high[30:].all()
    assert low.sum() ** 2 + high.sum() ** 2 <= beta.sum() ** 2


def test_far_values_lose_weight():
    value = np.r_[np.linspace(-1, 1, 58), 30.0, 50.0]
    [beta] = split(value, np.ones(60), 3.0, 1.0, 2.0)
    assert beta[-1] == 0
    assert 0 < beta[-2] < 1
    assert (beta[10:50] == 1).all()


def test_concentrate_takes_what_is_no_outlier():
    loss = np.r_[np.linspace(1, 1.5, 40), 5.0, 6.0]
    assert concentrate(loss, 20).tolist() == [True] * 40 + [False] * 2


def test_candidates_of_a_mixture():
    one, rng = made_rows(0), np.random.RandomState(0)
    other = (rng.rand(200) < 0.5)[one.batch]
    y = np.where(other, -one.y, one.y)
    cores = candidates(
        BatchRows(np.column_stack([np.ones(len(y)), one.Z]), y, one.batch, one.weight), 0.4
    )
    assert len(cores) == 2
    assert not (cores[0] & cores[1]).any()


# --------------------------------------------------------------------------- properties


def test_attributes_fit_together():
    X, y, batch, _, _ = batches(1)
    names = np.array([f"file {b:02d}" for b in batch])
    model = ListDecodableRegressor(Ridge(), random_state=0).fit(X, y, groups=names)
    K = len(model.estimators_)
    assert model.batches_.tolist() == sorted(set(names))
    assert model.batch_weight_.shape == model.batch_loss_.shape == (K, B)
    assert (model.batch_weight_.sum(axis=1) >= np.ceil(0.3 * B)).all()
    assert model.support_.sum() == pytest.approx(1)
    assert model.predict_all(X).shape == (len(X), K)
    at = np.searchsorted(model.batches_, names)
    assert (model.noise_mask_ == (model.batch_weight_[model.chosen_][at] == 0)).all()


def test_order_of_rows_does_not_matter():
    X, y, batch, _, _ = batches(2)
    model = ListDecodableRegressor(LinearRegression(), random_state=0)
    first = clone(model).fit(X, y, groups=batch)
    order = np.random.RandomState(0).permutation(len(y))
    other = clone(model).fit(X[order], y[order], groups=batch[order])
    np.testing.assert_array_equal(first.batch_weight_, other.batch_weight_)
    np.testing.assert_allclose(first.predict(X), other.predict(X))


def test_units_do_not_matter():
    X, y, batch, _, _ = batches(2)
    model = ListDecodableRegressor(LinearRegression(), random_state=0)
    first = clone(model).fit(X, y, groups=batch).batch_weight_
    other = clone(model).fit(X * [1, 10, 0.1, 1, 100], 1e7 * y - 3e8, groups=batch)
    np.testing.assert_array_equal(first, other.batch_weight_)


def test_without_batches_it_is_the_plain_model():
    X, y, _, _, _ = batches(0)
    with pytest.warns(UserWarning, match="Each row is a batch of its own"):
        model = ListDecodableRegressor(LinearRegression()).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), LinearRegression().fit(X, y).predict(X))


def test_zero_weights_and_models_without_weights():
    X, y, batch, genuine, truth = batches(0)
    trusted = some_trusted(genuine)
    weight = np.where(batch < 5, 0.0, 2.0)
    model = ListDecodableRegressor(LinearRegression(), random_state=0)
    model.fit(X, y, groups=batch, trusted=trusted, sample_weight=weight)
    assert far(model.estimator_.coef_, truth) < 0.1
    tree = ListDecodableRegressor(DecisionTreeRegressor(max_depth=6), random_state=0)
    tree.fit(X, y, groups=batch, trusted=trusted)
    assert np.mean(tree.noise_mask_ == ~genuine) > 0.9


def test_sparse_wide_and_tables():
    X, y, batch, genuine, truth = batches(0)
    trusted = some_trusted(genuine)
    model = ListDecodableRegressor(LinearRegression(), random_state=0)
    model.fit(csr_matrix(X), y, groups=batch, trusted=trusted)
    assert far(model.estimator_.coef_, truth) < 0.1
    wide = csr_matrix(np.column_stack([X, 0.01 * np.random.RandomState(0).randn(len(X), 40)]))
    model = clone(model).set_params(estimator=Ridge(10.0))
    assert model.fit(wide, y, groups=batch, trusted=trusted).predict(wide).shape == y.shape


def test_tables_with_names_and_gaps():
    _, y, batch, genuine, _ = batches(0)
    kind = np.array(["x", "y", None], dtype=object)[np.arange(len(y)) % 3]
    table = pd.DataFrame({"kind": kind, "batch": batch})
    value = np.where(genuine, 1.0, -1.0) * (np.arange(len(y)) % 3) + 0.1 * y
    pipe = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=0.01))
    how = {"groups": batch, "trusted": some_trusted(genuine)}
    model = ListDecodableRegressor(pipe, random_state=0).fit(table[["kind"]], value, **how)
    assert np.mean(model.noise_mask_ == ~genuine) > 0.9
    by = ListDecodableRegressor(pipe, by="batch", random_state=0).fit(table, value)
    assert by.predict(table).shape == y.shape


def test_no_features_and_no_spread():
    X, y, batch, _, _ = batches(0)
    constant = ListDecodableRegressor(Ridge(), random_state=0).fit(
        np.ones((len(y), 2)), np.ones(len(y)), groups=batch
    )
    np.testing.assert_allclose(constant.predict(np.ones((3, 2))), 1.0)
    few = ListDecodableRegressor(Ridge(), random_state=0).fit(X[:30], y[:30], groups=batch[:30])
    assert np.isfinite(few.predict(X)).all()
