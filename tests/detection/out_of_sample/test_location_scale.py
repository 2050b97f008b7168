"""LocationScale: what is far off for one row is usual for another."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import average_precision_score
from sklearn.tree import DecisionTreeRegressor

from sknoisy import FilterRegressor
from sknoisy.detection import LocationScale, Residual
from sknoisy.noise_model._location_scale import LOG_CHI2, calibration, log_variance

from ...helpers import fits, recording


def uneven(seed, slope=0.8, n=800, size=5.0):
    """X, scale, y of which 8 % are off by `size` times their scale; which are wrong."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    scale = np.exp(slope * X[:, 1])
    y = 2 * X[:, 0] + X[:, 2] + scale * rng.normal(size=n)
    wrong = rng.random(n) < 0.08
    return X, scale, y + wrong * rng.choice([-1, 1], n) * size * scale, wrong


def precision(detector, X, y, wrong):
    return average_precision_score(wrong, detector.fit(X, y).noise_score_)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["linear", "forest"])
def test_wrong_rows_rank_higher_where_the_scale_varies(kind):
    model = Ridge() if kind == "linear" else RandomForestRegressor(20, min_samples_leaf=5)
    for seed in range(4 if kind == "linear" else 2):
        X, _, y, wrong = uneven(seed)
        own = precision(LocationScale(model, random_state=0), X, y, wrong)
        for scale in ("global", "local"):
            other = precision(Residual(model, scale=scale, random_state=0), X, y, wrong)
            assert own > other + 0.08


def test_nothing_is_lost_where_it_does_not():
    for seed in range(4):
        X, _, y, wrong = uneven(seed, slope=0.0)
        for scale in (None, DecisionTreeRegressor(random_state=0)):
            own = LocationScale(Ridge(), scale_estimator=scale, random_state=0)
            plain = precision(Residual(Ridge(), random_state=0), X, y, wrong)
            assert precision(own, X, y, wrong) > plain - 0.02


def test_the_scale_is_found_in_spite_of_wrong_numbers():
    for seed in range(4):
        X, scale, y, _ = uneven(seed)
        fitted = LocationScale(LinearRegression(), random_state=0).fit(X, y)
        ratio = fitted.scale_ / scale
        assert np.mean(np.abs(ratio / np.median(ratio) - 1)) < 0.15
        assert 0.9 < np.median(ratio) < 1.3  # wrong rows have a part in what is usual


def test_without_wrong_numbers_hardly_a_row_is_flagged():
    for seed in range(3):
        X, _, y, _ = uneven(seed, size=0.0)
        assert LocationScale(Ridge(), random_state=0).fit(X, y).noise_mask_.mean() < 0.01


def test_wild_numbers_and_filter():
    X, _, y, wrong = uneven(0, size=300.0)
    fitted = FilterRegressor(Ridge(), LocationScale(), random_state=0).fit(X, y)
    assert fitted.noise_mask_[wrong].mean() > 0.9
    assert fitted.noise_mask_[~wrong].mean() < 0.05


def test_fits_are_counted_and_weights_reach_them():
    X, _, y, _ = uneven(0, n=100)
    mean, of_mean = recording(Ridge())
    scale, of_scale = recording(Ridge())
    weight = np.random.default_rng(0).uniform(1, 2, 100)
    LocationScale(mean, scale_estimator=scale, random_state=0).fit(X, y, sample_weight=weight)
    assert len(fits(of_mean)) == len(fits(of_scale)) == 5
    assert all(call.sample_weight is not None for call in of_scale if call.method == "fit")


def test_units_and_reasons():
    X, _, y, _ = uneven(0, n=300)
    one = LocationScale(Ridge(), random_state=0).fit(X, y)
    other = LocationScale(Ridge(), random_state=0).fit(X, 1000 * y)
    np.testing.assert_allclose(one.noise_score_, other.noise_score_, rtol=1e-6)
    np.testing.assert_allclose(1000 * one.scale_, other.scale_, rtol=1e-6)
    assert "of such a row" in one.noise_report(X, y)["reason"].iloc[0]


def test_errors():
    X, _, y, _ = uneven(0, n=60)
    with pytest.raises(TypeError, match="needs a regressor, got LogisticRegression"):
        LocationScale(LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError) as failed:
        LocationScale(Ridge(), scale_estimator=PoissonRegressor()).fit(X, y)
    assert any("give another one as scale_estimator" in note for note in failed.value.__notes__)


def test_formulas():
    z = np.random.default_rng(0).normal(size=400_000)
    assert np.log(z**2).mean() == pytest.approx(LOG_CHI2, abs=0.01)
    assert log_variance(3 * z).mean() == pytest.approx(2 * np.log(3), abs=0.01)
    assert np.isfinite(log_variance(np.array([0.0, 1.0, 2.0]))).all()
    said, weight = np.arange(4.0), np.ones(4)
    assert calibration(said, 1 + 0.5 * said, weight) == pytest.approx((1.75, 1.5, 0.5))
    assert calibration(said, -said, weight)[2] == 0.0  # the contrary of what is right is nothing
    assert calibration(said, np.full(4, np.nan), weight) == (0.0, 0.0, 0.0)
