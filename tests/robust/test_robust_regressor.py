"""RobustRegressor wins back what noise costs, and does nothing when nothing is wrong."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from sknoisy.datasets import decimal_noise, heavy_tail_noise, outlier_noise, shuffle_noise
from sknoisy.metrics import recovered_share
from sknoisy.robust import RobustRegressor

N = 200
TREE = DecisionTreeRegressor(min_samples_leaf=5, random_state=0)


def made(noise=None, seed=0, n=N):
    X, y = make_friedman1(n, n_features=6, noise=0.5, random_state=seed)
    if noise is None:
        return X, y, np.zeros(n, dtype=bool)
    return X, *noise(y, rate=0.2, random_state=seed)


def rmse(model):
    X, y = make_friedman1(1000, n_features=6, noise=0.0, random_state=99)
    return np.sqrt(np.mean((model.predict(X) - y) ** 2))


@pytest.fixture(scope="module")
def decimal():
    X, y, wrong = made(decimal_noise)
    return X, y, wrong, RobustRegressor(Ridge(), random_state=0).fit(X, y)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("model", [Ridge(), TREE, KNeighborsRegressor()])
def test_clean_data_gives_the_plain_model(model, seed):
    X, y, _ = made(seed=seed)
    robust = RobustRegressor(model, effort="fast", random_state=0).fit(X, y)
    assert robust.treatment_ == "nothing"
    assert not robust.noise_mask_.any()
    np.testing.assert_array_equal(robust.predict(X), clone(model).fit(X, y).predict(X))


def test_real_clean_data_gives_the_plain_model():
    X, y = load_diabetes(return_X_y=True)
    robust = RobustRegressor(Ridge(), random_state=0).fit(X, y)
    assert robust.treatment_ == "nothing"
    np.testing.assert_array_equal(robust.predict(X), Ridge().fit(X, y).predict(X))


@pytest.mark.parametrize(
    ("noise", "model", "least"),
    [
        (outlier_noise, TREE, 0.8),
        (outlier_noise, Ridge(), 0.7),
        (shuffle_noise, TREE, 0.3),
    ],
)
def test_wins_back_what_noise_costs(noise, model, least):
    X, y, _ = made(noise)
    clean = rmse(clone(model).fit(*made()[:2]))
    noisy = rmse(clone(model).fit(X, y))
    robust = RobustRegressor(model, random_state=0).fit(X, y)
    won = recovered_share(clean, noisy, rmse(robust), greater_is_better=False)
    assert won > least
    assert robust.treatment_ != "nothing"


def test_tells_what_it_chose_and_why(decimal):
    X, y, wrong, robust = decimal
    assert robust.treatment_ in ("filter", "relabel", "distil")
    assert "proven" in robust.reason_
    table = robust.selection_
    assert list(table.index) == ["nothing", "filter", "relabel", "distil"]
    assert table.loc["nothing", "relative"] == 1
    assert table.loc[robust.treatment_, "t"] < -1
    assert abs(robust.noise_rate_ - wrong.mean()) < 0.05
    assert sum(robust.committee_.values()) == pytest.approx(1)
    report = robust.noise_report(X, y)
    assert set(report.columns) >= {"probability", "treatment", "treated"}
    assert (np.diff(report["flagged"].astype(int)) <= 0).all()


def test_trusted_rows_are_kept_as_they_are_and_choose(small_forests):
    X, y, wrong = made(decimal_noise, n=260)
    trusted = np.zeros(260, dtype=bool)
    trusted[np.flatnonzero(~wrong)[:60]] = True
    trusted[np.flatnonzero(wrong)[0]] = True
    robust = RobustRegressor(Ridge(), random_state=0).fit(X, y, trusted=trusted)
    assert (robust.noise_proba_[trusted] == 0).all()
    assert not robust.noise_mask_[trusted].any()
    np.testing.assert_array_equal(robust.y_treated_[trusted], y[trusted])
    assert "61 trusted rows" in robust.reason_
    assert robust.treatment_ != "nothing"


@pytest.mark.slow
def test_weights_reach_every_fit(small_forests):
    X, y, _ = made()
    weight = np.ones(N)
    y = y.copy()
    y[: N // 4] = 1000.0  # rows that count for nothing
    weight[: N // 4] = 0.0
    robust = RobustRegressor(Ridge(), random_state=0, effort="fast")
    robust.fit(X, y, sample_weight=weight)
    plain = Ridge().fit(X[N // 4 :], y[N // 4 :])
    assert abs(robust.predict(X) - plain.predict(X)).max() < 5
    with pytest.raises(ValueError, match="KNeighborsRegressor takes no sample_weight"):
        RobustRegressor(KNeighborsRegressor()).fit(X, y, sample_weight=weight)


def test_table_with_texts_and_missing_values_through_a_pipeline(small_forests):
    X, y, wrong = made(decimal_noise)
    table = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(N) + 7)
    table["kind"] = np.array(["red", "blue", None], dtype=object)[np.arange(N) % 3]
    table.iloc[::9, 1] = np.nan
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough"),
        HistGradientBoostingRegressor(max_iter=30, random_state=0),
    )
    robust = RobustRegressor(model, effort="fast", random_state=0).fit(table, y)
    assert (robust.noise_mask_ == wrong).mean() > 0.85
    assert list(robust.feature_names_in_) == list(table.columns)
    assert set(robust.noise_report(table, y).index) == set(table.index)


@pytest.mark.slow
def test_thorough_finds_suspects_anew_in_each_fold(small_forests):
    X, y, wrong = made(decimal_noise, n=120)
    robust = RobustRegressor(Ridge(), effort="thorough", random_state=0).fit(X, y)
    assert list(robust.selection_.index)[-1] == "reweight"
    assert robust.treatment_ != "nothing"
    assert (robust.noise_mask_ == wrong).mean() > 0.8


def test_default_model(small_forests):
    X, y, _ = made(n=60)
    robust = RobustRegressor(effort="fast", random_state=0).fit(X, y)
    assert robust.estimator is None
    assert isinstance(robust.estimator_, HistGradientBoostingRegressor)


@pytest.mark.slow
def test_same_result_for_any_number_of_jobs(decimal):
    X, y, _, robust = decimal
    two = RobustRegressor(Ridge(), n_jobs=2, random_state=0).fit(X, y)
    assert two.treatment_ == robust.treatment_
    np.testing.assert_allclose(two.predict(X), robust.predict(X), rtol=1e-8)


def test_pickle(decimal):
    X, _, _, robust = decimal
    again = pickle.loads(pickle.dumps(robust))
    np.testing.assert_array_equal(again.predict(X), robust.predict(X))


def test_few_rows_or_constant_y_give_the_plain_model(small_forests):
    X, y, _ = made(n=20)
    robust = RobustRegressor(Ridge(), random_state=0).fit(X, y)
    assert robust.treatment_ == "nothing"
    assert "fewer than 30 rows" in robust.reason_
    assert len(robust.selection_) == 0
    X, y, _ = made()
    assert "constant" in RobustRegressor(Ridge()).fit(X, np.ones(N)).reason_


def test_failed_fit_leaves_the_object_as_before(decimal):
    X, y, _, robust = decimal
    before = set(vars(robust))
    with pytest.raises(ValueError, match="NaN"):
        robust.fit(X, np.where(np.arange(N) == 3, np.nan, y))
    assert set(vars(robust)) == before


def test_bad_effort():
    with pytest.raises(ValueError, match="effort"):
        RobustRegressor(Ridge(), effort="huge").fit(np.eye(40), np.arange(40.0))


def test_without_a_model_a_table_is_encoded_and_reported(small_forests):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=150), "kind": rng.choice(["u", "v"], 150)})
    X.loc[::20, "kind"] = None
    y = 2 * X["size"].to_numpy()
    robust = RobustRegressor(effort="fast", random_state=0).fit(X, y)
    assert robust.score(X, y) > 0.9
    assert robust.estimator is None
    assert sorted(robust.noise_report(X, y)["row"]) == list(range(150))


@pytest.mark.parametrize(("n_wild", "effort"), [(1, "fast"), (60, "fast"), (60, "balanced")])
def test_wild_numbers_cost_next_to_nothing(n_wild, effort):
    rng = np.random.default_rng(n_wild)
    X = rng.normal(size=(N, 6))
    y = X @ rng.normal(size=6) + 0.3 * rng.normal(size=N)
    noisy = y.copy()
    noisy[:n_wild] += rng.standard_cauchy(n_wild) * 30 + 1000 * (n_wild == 1)
    robust = RobustRegressor(Ridge(), effort=effort, random_state=0).fit(X, noisy)
    best = Ridge().fit(X[n_wild:], y[n_wild:])
    assert robust.treatment_ != "nothing"
    assert "further off than any law of right ones allows" in robust.reason_
    assert robust.noise_mask_[n_wild:].mean() < 0.05
    assert np.abs(robust.predict(X) - best.predict(X)).mean() < 0.15
    assert (robust.noise_proba_[robust.detector_.wild_] == 1).all()


def test_nothing_is_wrong_where_nothing_is_known():
    rng = np.random.default_rng(0)
    for y in (rng.normal(size=100), rng.standard_t(2, size=100), rng.lognormal(size=100)):
        X = rng.normal(size=(100, 4))
        robust = RobustRegressor(Ridge(), effort="fast", random_state=0).fit(X, y)
        assert robust.treatment_ == "nothing"
        assert robust.noise_proba_.mean() < 0.01
        assert "know no more of y than its mean" in robust.reason_


def steep(seed, n=250):
    """A target with a few large right values that boosting foretells, and the committee less so."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 5, size=(n, 4)).astype(float)
    y = 0.3 + 3 * np.exp(-1.2 * X[:, 0]) * (1 + X[:, 1]) / (1 + 0.3 * X[:, 2])
    return X, y + 0.02 * rng.normal(size=n)


def test_what_is_decided_must_agree_with_the_given_numbers():
    (X, y), (X_test, y_test) = steep(2), steep(99, 2000)
    y, _ = heavy_tail_noise(y, rate=0.2, random_state=2)
    model = HistGradientBoostingRegressor(random_state=0)
    robust = RobustRegressor(model, random_state=0).fit(X, y)

    def error(fitted):
        return np.sqrt(np.mean((fitted.predict(X_test) - y_test) ** 2))

    assert error(robust) < 1.05 * error(clone(model).fit(X, y))
    assert "against the targets as given" in robust.reason_


def test_heavy_tails_are_seen_that_no_law_proves():
    X, y, _ = made(n=300)
    y, _ = heavy_tail_noise(y, rate=0.2, random_state=0)
    robust = RobustRegressor(TREE, random_state=0).fit(X, y)
    clean, noisy = (rmse(clone(TREE).fit(X, target)) for target in (made(n=300)[1], y))
    assert recovered_share(clean, noisy, rmse(robust), greater_is_better=False) > 0.4
