"""ExcessLoss through its public behaviour."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import average_precision_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from sknoisy.detection import ExcessLoss

from ...helpers import fits, noisy_labels, noisy_numbers, recording


def corner(seed, n=600):
    """A logistic model is of the wrong kind in a corner of the square; labels are wrong outside."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 2))
    hard = (X[:, 0] > 0.3) & (X[:, 1] > 0.3)
    y = ((X[:, 0] > 0) & ~hard).astype(int)
    wrong = (rng.random(n) < 0.08) & ~hard
    return X, np.where(wrong, 1 - y, y), hard, wrong


def two_spreads(seed, n=600):
    """Numbers are random on one side and exact on the other, where some are wrong."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 3))
    hard = X[:, 0] > 0
    y = X.sum(axis=1) + np.where(hard, 4, 0.2) * rng.normal(size=n)
    wrong = (rng.random(n) < 0.08) & ~hard
    y[wrong] += (rng.choice([-1, 1], n) * rng.uniform(1.5, 3, n))[wrong]
    return X, y, hard, wrong


def test_tells_wrong_labels_from_those_of_a_misfit_model():
    """DEUP's claim: losses that come from the kind of model are predictable, unlike errors of y."""
    plain, excess = [], []
    for seed in range(4):
        X, y, hard, wrong = corner(seed)
        detector = ExcessLoss(LogisticRegression(C=100), random_state=0).fit(X, y)
        plain.append(average_precision_score(wrong, detector.loss_))
        excess.append(average_precision_score(wrong, detector.noise_score_))
        assert detector.expected_loss_[hard].mean() > 1.3 * detector.expected_loss_[~hard].mean()
        found = detector.noise_mask_
        assert found[hard].mean() < 0.25
        assert found[wrong].mean() > 0.4
    assert np.mean(excess) > np.mean(plain) + 0.06


def test_tells_wrong_numbers_from_random_ones():
    for seed in range(3):
        X, y, hard, wrong = two_spreads(seed)
        detector = ExcessLoss(LinearRegression(), random_state=0).fit(X, y)
        assert average_precision_score(wrong, detector.loss_) < 0.15
        assert average_precision_score(wrong, detector.noise_score_) > 0.55
        assert detector.loss_spread_[hard].mean() > 3 * detector.loss_spread_[~hard].mean()


def test_clues_are_features_density_and_variance():
    X, y = noisy_numbers(80)
    error_model, calls = recording(Ridge())
    detector = ExcessLoss(LinearRegression(), error_model=error_model, random_state=0).fit(X, y)
    assert len(fits(calls)) == 2 * 5
    Z = StandardScaler().fit_transform(X)
    distance = NearestNeighbors(n_neighbors=11).fit(Z).kneighbors(Z)[0][:, -1]
    np.testing.assert_allclose(detector.log_density_, -np.log(distance))
    assert (detector.variance_ > 0).all()
    everything = np.column_stack([Z, detector.log_density_, detector.variance_])
    for call in fits(calls):
        rows = [np.flatnonzero(np.isclose(everything, row).all(axis=1)) for row in call.X]
        assert all(len(found) == 1 for found in rows)


def test_score_by_its_definition():
    X, y = noisy_labels(150)
    detector = ExcessLoss(GaussianNB(), random_state=0).fit(X, y)
    excess = detector.loss_ - detector.expected_loss_
    np.testing.assert_allclose(detector.noise_score_, excess / detector.loss_spread_)
    assert (detector.noise_score_[detector.noise_mask_] > 1).all()
    assert (detector.noise_proba_[detector.noise_score_ <= 1] == 0).all()
    np.testing.assert_allclose(detector.label_proba_.sum(axis=1), 1)


def test_variance_and_mean_over_repeats():
    X, y = noisy_numbers(60)
    model, calls = recording(LinearRegression())
    detector = ExcessLoss(model, n_repeats=4, cv=3, error_model=Ridge(), random_state=0).fit(X, y)
    assert len(fits(calls)) == 12
    values = np.empty((4, 60))
    asked = [call for call in calls if call.method == "predict"]
    for i, (fit, ask) in enumerate(zip(fits(calls), asked, strict=True)):
        rows = np.rint(ask.X[:, 0] * 60).astype(int)
        values[i // 3, rows] = LinearRegression().fit(fit.X, fit.y).predict(ask.X)
    np.testing.assert_allclose(detector.variance_, values.var(axis=0), rtol=1e-6)
    size = np.abs(y - values.mean(axis=0))
    np.testing.assert_allclose(detector.loss_, size / np.median(size))
    once = ExcessLoss(LinearRegression(), n_repeats=1, error_model=Ridge(), random_state=0)
    assert not once.fit(X, y).variance_.any()


def test_forests_are_judged_out_of_bag():
    X, y = noisy_numbers(60)
    forest = RandomForestRegressor(20, random_state=0)
    detector = ExcessLoss(forest, error_model=forest, random_state=0).fit(X, y)
    assert np.isfinite(detector.noise_score_).all()


def test_groups_and_weights_reach_both_models():
    X, y = noisy_numbers(60)
    groups, weight = np.arange(60) // 6, np.linspace(0.5, 2, 60)
    (model, calls), (error_model, more) = recording(Ridge()), recording(Ridge())
    ExcessLoss(model, error_model=error_model, random_state=0).fit(
        X, y, groups=groups, sample_weight=weight
    )
    for call in fits(calls) + fits(more):
        left_out = np.setdiff1d(np.round(weight, 6), np.round(call.sample_weight, 6))
        assert len(left_out) % 6 == 0  # whole groups
        assert len(left_out) > 0


def test_sparse_features_and_repeated_rows():
    rng = np.random.default_rng(0)
    X = rng.poisson(0.3, size=(120, 6)).astype(float)
    y = (X[:, 0] > 0).astype(int)
    detector = ExcessLoss(LogisticRegression(), random_state=0).fit(sparse.csr_array(X), y)
    assert np.isfinite(detector.noise_score_).all()


def test_a_row_that_is_not_judged():
    X, y = noisy_labels(60)
    y[7] = 9
    with pytest.warns(UserWarning, match="9"):
        detector = ExcessLoss(GaussianNB(), error_model=Ridge(), random_state=0).fit(X, y)
    assert np.flatnonzero(np.isnan(detector.noise_score_)).tolist() == [7]
    assert not detector.noise_mask_[7]
    assert np.isnan(ExcessLoss(GaussianNB()).fit(X, np.zeros(60, dtype=int)).noise_score_).all()


def test_a_classifier_is_no_error_model():
    X, y = noisy_labels(60)
    with pytest.raises(TypeError, match="error_model needs a regressor"):
        ExcessLoss(GaussianNB(), error_model=LogisticRegression()).fit(X, y)


def test_reason():
    X, y = noisy_numbers(60)
    detector = ExcessLoss(LinearRegression(), error_model=Ridge(), random_state=0).fit(X, y)
    assert "is expected" in detector.noise_report(X, y)["reason"].iloc[0]
