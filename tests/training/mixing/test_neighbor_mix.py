"""Mixtures of near rows: how far they may be is learnt, and what holds besides."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sknoisy.training.mixing import MixupRegressor, NeighborMixRegressor
from sknoisy.training.mixing._neighbor_mix import best_gain

from ...helpers import fits, noisy_numbers, recording

SEEDS = range(4)


def line_and_curve(seed, n=800, noise=0.2):
    """A line below zero and waves above; (X, y) and new rows with the truth."""
    rng = np.random.RandomState(seed)
    x = rng.uniform(-1, 1, n + 2000)
    truth = np.where(x < 0, 2 * x, np.sin(10 * np.pi * x))
    y = truth + noise * rng.randn(len(x))
    return x[:n, None], y[:n], x[n:, None], truth[n:]


def error(model, X, y):
    return np.sqrt(np.mean((model.predict(X) - y) ** 2))


# ------------------------------------------------------------------ the paper's claims


@pytest.mark.parametrize("seed", SEEDS)
def test_near_rows_help_where_far_ones_do_harm(seed):
    X, y, X_new, truth = line_and_curve(seed)
    tree = DecisionTreeRegressor(random_state=0)
    plain = error(clone(tree).fit(X, y), X_new, truth)
    far = MixupRegressor(clone(tree), keep_original=True, random_state=0).fit(X, y)
    near = NeighborMixRegressor(clone(tree), random_state=0).fit(X, y)
    assert error(far, X_new, truth) > 2 * plain
    assert error(near, X_new, truth) < 0.92 * plain
    reach, x = near.n_neighbors_, X[:, 0]
    assert reach[x < -0.1].mean() > 1.4 * reach[x > 0.1].mean()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("model", [KNeighborsRegressor(3), LinearRegression()])
def test_no_harm_where_there_is_nothing_to_gain(model, seed):
    X, y, X_new, truth = line_and_curve(seed, n=400)
    near = NeighborMixRegressor(clone(model), random_state=0).fit(X, y)
    assert error(near, X_new, truth) < 1.02 * error(clone(model).fit(X, y), X_new, truth)


# ------------------------------------------------------------------ what is fitted


def test_partners_are_as_near_as_is_told():
    X, y, *_ = line_and_curve(0, n=200)
    model, calls = recording(DecisionTreeRegressor(random_state=0))
    near = NeighborMixRegressor(model, n_neighbors=[3, 9], random_state=0).fit(X, y)
    first, second = near.pairs_.T
    rank = np.argsort(np.argsort(np.abs(X - X.T), axis=1), axis=1)[first, second]
    assert (rank[:200] == 0).all()
    assert (rank <= near.n_neighbors_[first]).all()
    assert set(near.n_neighbors_) <= {0, 3, 9}
    assert set(near.held_out_error_) == {0, 3, 9, "own"}
    mixed = np.bincount(first, minlength=200) - 1
    np.testing.assert_array_equal(mixed, np.where(near.n_neighbors_ > 0, 4, 0))
    last = fits(calls)[-1]
    share = near.share_[:, None]
    np.testing.assert_allclose(last.X, share * X[first] + (1 - share) * X[second])
    assert len(fits(calls)) == 5 * (2 + 2) + 1  # as the docstring says


def test_no_judge_saw_the_row_or_a_mixture_of_it():
    rng = np.random.RandomState(0)
    X, y = rng.uniform(size=(300, 1)), rng.randn(300)
    near = NeighborMixRegressor(KNeighborsRegressor(1), n_neighbors=[2, 8], random_state=0)
    # of pure noise: its own variance, and that of the nearest row or mixture
    assert min(near.fit(X, y).held_out_error_.values()) > 1.3


def test_where_nothing_gains_the_fit_is_plain():
    X, y = noisy_numbers(60)
    model, calls = recording(DummyRegressor(strategy="constant", constant=1.0))
    near = NeighborMixRegressor(model, random_state=0).fit(X, y)
    assert not near.n_neighbors_.any()
    np.testing.assert_array_equal(near.pairs_[:, 0], np.arange(60))
    last = fits(calls)[-1]
    assert last.X is X
    np.testing.assert_array_equal(last.y, y)


def test_trusted_rows_are_the_only_judges():
    X, y, *_ = line_and_curve(0, n=300)
    wrong = np.arange(300) % 2 == 0
    noisy = np.where(wrong, y + 50.0, y)
    near = NeighborMixRegressor(DecisionTreeRegressor(random_state=0), random_state=0)
    trusting = clone(near).fit(X, noisy, trusted=~wrong).held_out_error_
    rest = clone(near).fit(X, noisy).held_out_error_
    assert trusting[0] != rest[0]
    trusted_alone = near.fit(X, y, trusted=np.arange(300) < 1)  # one judge is none
    assert trusted_alone.held_out_error_ == clone(near).fit(X, y).held_out_error_


def test_the_best_gain_must_be_evident():
    gains = np.zeros((3, 4, 2))
    gains[0, :, 1] = [1.0, 1.1, 0.9, 1.0]
    gains[1, :, 0] = [5.0, -5.0, 5.0, -4.9]
    gains[2, :, 0] = [1.0, np.nan, 1.1, 1.0]
    best, evident = best_gain(gains, np.ones((3, 4)))
    np.testing.assert_array_equal(best, [1, 0, 0])
    np.testing.assert_array_equal(evident, [True, False, True])


# ------------------------------------------------------------------ any rows


def test_jobs_tables_sparse_rows_and_weights():
    X, y, *_ = line_and_curve(1, n=150)
    near = NeighborMixRegressor(DecisionTreeRegressor(), n_neighbors=[4], random_state=0)
    fitted = clone(near).fit(X, y)
    with parallel_config("threading"):
        threads = clone(near).set_params(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(fitted.predict(X), threads.predict(X))
    ones = clone(near).fit(X, y, sample_weight=np.ones(150))
    np.testing.assert_allclose(ones.held_out_error_[4], fitted.held_out_error_[4])
    assert clone(near).fit(csr_matrix(np.hstack([X, X])), y).predict(X.repeat(2, 1)).shape == (150,)
    frame = pd.DataFrame({"x": X[:, 0], "part": np.where(X[:, 0] > 0, "line", "curve")})
    encode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    whole = make_pipeline(encode, StandardScaler(), Ridge())
    assert clone(near).set_params(estimator=whole).fit(frame, y).predict(frame).shape == (150,)


def test_what_is_refused():
    X, y = noisy_numbers(30)
    with pytest.raises(ValueError, match="n_neighbors must be a list of integers"):
        NeighborMixRegressor(Ridge(), n_neighbors=[0, 3]).fit(X, y)
    said = pd.DataFrame({"x": X[:, 1], "said": [f"number {i} is this" for i in range(30)]})
    with pytest.raises(ValueError, match="column 'said'"):
        NeighborMixRegressor(Ridge()).fit(said, y)
