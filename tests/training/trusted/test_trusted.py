"""Few trusted rows: what they win back, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sknoisy.datasets import pair_noise, symmetric_noise
from sknoisy.exceptions import RareClassWarning
from sknoisy.training.trusted import (
    PrototypeTriageClassifier,
    TrustedWeightClassifier,
    TrustedWeightRegressor,
)
from sknoisy.training.trusted._prototype_triage import (
    cautious_mean,
    moved,
    of_the_others,
    prototypes,
    share_of_right,
    temperature,
    triage,
)
from sknoisy.training.trusted._trusted_weights import gradient_weights, trust_odds

BOOSTING = HistGradientBoostingClassifier(max_iter=30, random_state=0)
KINDS = [
    PrototypeTriageClassifier(BOOSTING, n_rounds=2, random_state=0),
    TrustedWeightClassifier(BOOSTING, random_state=0),
    TrustedWeightClassifier(BOOSTING, method="bilevel", random_state=0),
]


def case(noise, seed, n=1500, n_trusted=150, rate=0.4):
    """X, noisy y, trusted, wrong, X_test, y_test."""
    X, y = make_classification(
        n + 2000, 12, n_informative=8, n_classes=4, class_sep=1.5, random_state=seed
    )
    trusted = np.arange(n) < n_trusted
    z = np.where(trusted, y[:n], noise(y[:n], rate, random_state=seed)[0])
    return X[:n], z, trusted, z != y[:n], X[n:], y[n:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "noise", "gain"),
    [
        (KINDS[0], pair_noise, 0.05),
        (KINDS[1], symmetric_noise, 0.03),
        (KINDS[1], pair_noise, 0.05),
        (KINDS[2], pair_noise, 0.05),
    ],
    ids=["triage", "density", "density, pairs", "bilevel"],
)
def test_more_is_right_than_when_trust_is_ignored(model, noise, gain):
    gains = []
    for seed in range(2):
        X, z, trusted, _, X_test, y_test = case(noise, seed)
        fitted = clone(model).fit(X, z, trusted=trusted)
        plain = clone(BOOSTING).fit(X, z)
        gains.append(fitted.score(X_test, y_test) - plain.score(X_test, y_test))
    assert np.mean(gains) > gain
    assert min(gains) > 0


def test_the_triage_corrects_and_drops_what_is_wrong():
    X, z, trusted, wrong, _, _ = case(pair_noise, 0)
    fitted = clone(KINDS[0]).fit(X, z, trusted=trusted)
    treated = fitted.noise_mask_
    assert wrong[treated].mean() > 1.5 * wrong.mean()
    assert not treated[trusted].any()
    assert set(fitted.triage_) <= {"trusted", "keep", "relabel", "drop"}
    np.testing.assert_array_equal(fitted.triage_ == "trusted", trusted)
    np.testing.assert_array_equal(fitted.sample_indices_, np.flatnonzero(fitted.triage_ != "drop"))
    relabeled = fitted.triage_ == "relabel"
    assert (fitted.y_relabeled_[relabeled] != z[relabeled]).all()
    assert (fitted.y_relabeled_[~relabeled] == z[~relabeled]).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "noise"), [("density", symmetric_noise), ("bilevel", pair_noise)]
)
def test_wrong_rows_weigh_less(method, noise):
    X, z, trusted, wrong, _, _ = case(noise, 1)
    model = TrustedWeightClassifier(BOOSTING, method=method, random_state=0)
    weight = model.fit(X, z, trusted=trusted).sample_weight_
    assert weight[wrong].mean() < 0.8 * weight[~wrong].mean()
    assert (weight[trusted] >= 1).all()
    assert weight.max() <= model.max_weight


def test_numbers_of_which_trusted_ones_tell_the_law():
    gains = []
    for seed in range(2):
        X, y = make_regression(1500, 6, n_informative=3, noise=20.0, random_state=seed)
        trusted = np.arange(600) < 60
        rng = np.random.default_rng(seed)
        wrong = ~trusted & (rng.random(600) < 0.3)
        z = y[:600] + wrong * 400.0
        base = HistGradientBoostingRegressor(max_iter=50, random_state=0)
        fitted = TrustedWeightRegressor(base, random_state=0).fit(X[:600], z, trusted=trusted)
        assert fitted.sample_weight_[wrong].mean() < 0.4 * fitted.sample_weight_[~wrong].mean()
        plain = clone(base).fit(X[:600], z)
        gains.append(fitted.score(X[600:], y[600:]) - plain.score(X[600:], y[600:]))
    assert min(gains) > 0.1


def test_what_trusted_rows_do_not_bear_out_is_not_done():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(600, 4))
        y = (rng.random(600) < 1 / (1 + np.exp(2 - X[:, 0]))).astype(int)  # right, and hard to tell
        trusted = rng.random(600) < 0.1
        base = LogisticRegression()
        triaged = PrototypeTriageClassifier(base, random_state=0).fit(X, y, trusted=trusted)
        assert triaged.noise_mask_.mean() < 0.02
        for method in ("density", "bilevel"):
            model = TrustedWeightClassifier(base, method=method, random_state=0)
            assert np.std(model.fit(X, y, trusted=trusted).sample_weight_) < 0.5


def test_what_trusted_rows_tell():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(60, 5)) + 2 * np.eye(5)[np.arange(60) % 5]
    Z /= np.linalg.norm(Z, axis=1, keepdims=True)
    codes = np.arange(60) % 5
    loo = of_the_others(Z, codes, prototypes(Z, codes, 5))
    for row in (0, 17):
        rest = np.arange(60) != row
        np.testing.assert_allclose(loo[row], prototypes(Z[rest], codes[rest], 5) @ Z[row])
    assert np.isnan(of_the_others(Z[:5], codes[:5], prototypes(Z[:5], codes[:5], 5))).all()
    share = np.full(5, 0.2)
    assert np.isfinite(temperature(loo, codes, share))
    assert temperature(rng.permutation(loo), codes, share) >= 0.5  # prototypes of nothing
    # of 0.7 right labels, a guess of accuracy 0.8 agrees with 0.56 and a quarter of 0.06
    agreement = 0.7 * 0.8 + 0.3 * 0.2 / 4
    assert share_of_right(0.8, agreement, 5) == pytest.approx(0.7)
    assert share_of_right(0.2, 0.2, 5) == 1.0
    assert cautious_mean(np.ones(8, dtype=bool)) == pytest.approx(0.9)


def test_the_odds_are_a_ratio_of_densities():
    rng = np.random.default_rng(0)
    trusted = np.arange(6000) < 600
    view = rng.normal(size=(6000, 1)) + trusted[:, None]
    odds = trust_odds(view, None, trusted, seed=0)
    np.testing.assert_allclose(np.log(odds), view[:, 0] - 0.5, atol=0.3)
    weight = np.where(trusted, 1.0, 3.0)  # heavier others are no less likely to be like this
    np.testing.assert_allclose(
        np.log(trust_odds(view, None, trusted, weight, 0)), np.log(odds), atol=0.2
    )
    assert (trust_odds(view[600:], None, np.arange(5400) < 1) == 1).all()


def test_formulas():
    score = np.array([[0.9, 0.05, 0.05], [0.3, 0.4, 0.3], [0.3, 0.5, 0.2]])
    codes, dropped = triage(score, np.array([1, 1, 0]), 0.8, np.full(3, 1 / 3))
    np.testing.assert_array_equal(codes, [0, 1, 0])
    np.testing.assert_array_equal(dropped, [False, False, True])
    Z = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    means = prototypes(Z, np.array([0, 1, 1]), 3)
    np.testing.assert_allclose(means[:2], [[1, 0], [0, 1]])
    assert np.isnan(means[2]).all()
    np.testing.assert_allclose(moved(means[:2], Z[:1], np.array([0]), 0.5), means[:2])
    # one row says what the trusted one says, one the contrary
    Z = np.ones((3, 1))
    wanted = np.eye(2)[[0, 0, 1]]
    weight = gradient_weights(Z, wanted, np.array([True, False, False]), np.ones(3), 5)
    assert weight[2] == 0 < weight[1]
    assert weight.mean() == pytest.approx(1)


@pytest.mark.parametrize("model", KINDS[:2], ids=["triage", "density"])
def test_names_of_classes_and_tables(model):
    X, z, trusted, _, _, _ = case(symmetric_noise, 0, n=300)
    plain = clone(model).fit(X, z, trusted=trusted)
    names = np.array(["oak", "ash", "elm", "fir"])  # in another order, too
    table = pd.DataFrame(X, index=np.arange(300)[::-1]).add_prefix("x")
    named = clone(model).fit(table, pd.Series(names[z], index=table.index), trusted=trusted)
    assert np.mean(named.predict(table) == names[plain.predict(X)]) > 0.9
    assert set(named.classes_) == set(names)


def test_texts_and_search():
    X = np.array([f"good fine {i % 7}" if i % 2 else f"bad poor {i % 5}" for i in range(120)])
    y = np.arange(120) % 2
    z, trusted = y.copy(), np.arange(120) < 20
    z[20:60:4] = 1 - z[20:60:4]
    pipe = make_pipeline(TfidfVectorizer(), LogisticRegression())
    search = GridSearchCV(
        TrustedWeightClassifier(pipe, cv=2, random_state=0),
        {"method": ["density", "bilevel"], "estimator__logisticregression__C": [1.0, 10.0]},
        cv=2,
    )
    search.fit(X, z, trusted=trusted)
    assert search.score(X, y) > 0.95
    triaged = PrototypeTriageClassifier(pipe, cv=2, random_state=0).fit(X, z, trusted=trusted)
    assert triaged.score(X, y) > 0.95


@pytest.mark.parametrize("model", KINDS, ids=["triage", "density", "bilevel"])
def test_without_trust_it_is_the_plain_model_and_says_so(model):
    X, z, _, _, _, _ = case(symmetric_noise, 0, n=200)
    with pytest.warns(UserWarning, match="there are none, so this is the plain model"):
        fitted = clone(model).fit(X, z)
    expected = clone(BOOSTING).fit(X, z).predict_proba(X)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected)


def test_what_is_refused_or_warned_of():
    X, z, trusted, _, _, _ = case(symmetric_noise, 0, n=200)
    with pytest.raises(ValueError, match="takes no sample_weight"):
        TrustedWeightClassifier(KNeighborsClassifier()).fit(X, z, trusted=trusted)
    with pytest.raises(TypeError, match="TrustedWeightRegressor needs a regressor"):
        TrustedWeightRegressor(LogisticRegression()).fit(X, z, trusted=trusted)
    few = trusted & (z < 3)
    model = PrototypeTriageClassifier(LogisticRegression(max_iter=500), cv=2, random_state=0)
    with pytest.warns(RareClassWarning, match="No trusted row has one of the classes 3"):
        model.fit(X, z, trusted=few)
    resampled = TrustedWeightRegressor(Ridge(), weight_strategy="resample", random_state=0)
    assert resampled.fit(X, X[:, 0], trusted=trusted).sample_weight_.shape == (200,)
