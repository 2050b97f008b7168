"""Numbers are held back where they would be far off, or where nothing alike was seen."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from sknoisy.metrics import risk_coverage_auc
from sknoisy.reject import RejectRegressor

TREE = DecisionTreeClassifier(max_depth=4, min_samples_leaf=20, random_state=0)


def uneven_noise(n, seed):
    """(X, y, standard deviation of the noise): 0.1 or 2, as the second feature says."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    noise = np.where(X[:, 1] > 0.5, 2.0, 0.1)
    return X, X[:, 0] + noise * rng.normal(size=n), noise


@pytest.fixture(scope="module")
def data():
    return uneven_noise(800, 0)


def test_rows_are_rejected_where_the_expected_error_is_above_the_cost(data):
    """Which are those of much noise; 95 % of all rows or more are decided rightly."""
    X, y, _ = data
    X_new, _, noise = uneven_noise(1000, 1)
    model = RejectRegressor(LinearRegression(), rejector=TREE, cost=0.5, random_state=0).fit(X, y)
    answers, rejected = model.predict_or_reject(X_new)
    assert np.mean(rejected == (noise > 1)) > 0.95
    assert model.threshold_ == 0.5
    said = model.set_params(reject_value=np.nan).predict(X_new)
    np.testing.assert_array_equal(np.isnan(said), rejected)
    np.testing.assert_array_equal(said[~rejected], answers[~rejected])
    assert model.score(X_new, answers) == 1.0
    cheap = clone(model).set_params(cost=5.0).fit(X, y)
    assert not cheap.predict_or_reject(X_new)[1].any()


def test_error_falls_with_coverage(data):
    X, y, _ = data
    X_new, y_new, _ = uneven_noise(1000, 1)
    errors = []
    for coverage in (1.0, 0.8, 0.6):
        model = RejectRegressor(LinearRegression(), coverage=coverage, cv=2, random_state=0)
        answers, rejected = model.fit(X, y).predict_or_reject(X_new)
        assert abs((~rejected).mean() - coverage) < 0.06
        errors.append(np.abs(answers - y_new)[~rejected].mean())
    assert errors[1] < 0.75 * errors[0] and errors[2] < 0.5 * errors[1], errors
    area = risk_coverage_auc(np.abs(answers - y_new), model.rejection_score(X_new))
    assert area < 0.5 * errors[0]


def test_bounded_share_of_errors_beyond_a_tolerance():
    """At most 10 %, with confidence 0.8, in 40 samples of a frozen model."""
    model = FrozenEstimator(LinearRegression().fit(*uneven_noise(200, 99)[:2]))
    broken, answered = 0, 0
    for seed in range(40):
        X, y, _ = uneven_noise(400, seed)
        X_new, y_new, _ = uneven_noise(2000, 1000 + seed)
        bounded = RejectRegressor(
            model,
            rejector=TREE,
            max_risk=0.1,
            confidence=0.8,
            tolerance=0.4,
            holdout=0.5,
            random_state=seed,
        ).fit(X, y)
        answers, rejected = bounded.predict_or_reject(X_new)
        wrong = np.abs(answers - y_new) > 0.4
        broken += not rejected.all() and wrong[~rejected].mean() > 0.1
        answered += (~rejected).mean() / 40
    assert broken / 40 <= 0.2 + 2 * np.sqrt(0.16 / 40)
    assert answered > 0.4  # of the 0.69 that have little noise
    with pytest.raises(ValueError, match="say with tolerance"):
        RejectRegressor(LinearRegression(), max_risk=0.1).fit(X, y)


def test_novel_rows_are_rejected(data):
    X, y, _ = data
    model = RejectRegressor(LinearRegression(), by="both", rejector=TREE, random_state=0)
    model.fit(X, y)
    assert model.predict_or_reject(X[:50] + 20)[1].all()
    assert np.isposinf(model.rejection_score(X[:50] + 20)).all()
    assert model.coverage_ > 0.85


def test_missing_values_are_for_the_models_to_take(data):
    X, y, _ = data
    X = X.copy()
    X[::10, 2] = np.nan
    trees = HistGradientBoostingClassifier(max_iter=20, random_state=0)

    class Linear(LinearRegression):
        def fit(self, X, y):
            return super().fit(np.nan_to_num(X), y)

        def predict(self, X):
            return super().predict(np.nan_to_num(X))

        def __sklearn_tags__(self):
            tags = super().__sklearn_tags__()
            tags.input_tags.allow_nan = True
            return tags

    model = RejectRegressor(Linear(), rejector=trees, cv=2, random_state=0).fit(X, y)
    assert 0.8 < (~model.predict_or_reject(X)[1]).mean() < 0.98


def test_grid_search_scores_all_rows(data):
    X, y, _ = data
    model = RejectRegressor(LinearRegression(), rejector=TREE, reject_value=np.nan, cv=2)
    search = GridSearchCV(model, {"coverage": [0.5, 0.9]}, cv=2, error_score="raise").fit(X, y)
    assert np.ptp(search.cv_results_["mean_test_score"]) < 1e-12  # they answer alike
    assert np.isnan(search.predict(X)).any()
