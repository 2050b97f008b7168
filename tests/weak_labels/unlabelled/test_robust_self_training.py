"""Unlabelled rows from elsewhere help, and rows are moved by the formula."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy.weak_labels import RobustSelfTraining
from sknoisy.weak_labels.unlabelled._robust_self_training import linear_shift

from ...helpers import recording

MODEL = LogisticRegression()


def two_sites(seed, n_labelled=20, n=600, n_features=30, shift=0.6, n_test=2000):
    """Two normals; the unlabelled rows are those of another site, where the means are others."""
    rng = np.random.default_rng(seed)
    mean, other = rng.normal(size=(2, n_features))
    mean *= 1.8 / np.linalg.norm(mean)
    other *= shift / np.linalg.norm(other)
    y = np.arange(n_labelled + n + n_test) % 2
    sign = np.where(y, 1.0, -1.0)[:, None]
    X = sign * mean + rng.normal(size=(len(y), n_features))
    here = n_labelled + n
    X[n_labelled:here] += sign[n_labelled:here] * other
    y_few = np.where(np.arange(here) < n_labelled, y[:here], -1)
    return X[:here], y_few, X[here:], y[here:]


@pytest.mark.parametrize("shift", ["linear", "neighbors"])
def test_out_of_domain_rows_improve_the_model(shift):
    gains = []
    for seed in range(4):
        X, y, X_test, y_test = two_sites(seed)
        alone = MODEL.fit(X[:20], y[:20]).score(X_test, y_test)
        model = RobustSelfTraining(MODEL, shift=shift, random_state=0).fit(X, y)
        assert model.shift_ == shift
        gains.append(model.score(X_test, y_test) - alone)
    assert min(gains) > 0.005
    assert np.mean(gains) > 0.015


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_linear_shift_is_the_worst_case(n_classes):
    rng = np.random.default_rng(0)
    coef = rng.normal(size=(1 if n_classes == 2 else n_classes, 4))
    intercept = rng.normal(size=len(coef))
    X, codes, gamma = rng.normal(size=(5, 4)), np.arange(5) % n_classes, 0.8
    moved = linear_shift(X, codes, coef, intercept, np.full(5, gamma))
    full = coef if n_classes > 2 else np.concatenate([0 * coef, coef])
    offset = intercept if n_classes > 2 else np.array([0.0, intercept[0]])
    steepest = max(np.linalg.norm(a - b) for a in full for b in full)
    for x, y, z in zip(X, codes, moved, strict=True):

        def price(z, x=x, y=y):
            logit = full @ z + offset
            loss = logsumexp(logit) - logit[y]
            return -(loss - gamma * steepest * np.sum((z - x) ** 2))

        best = minimize(price, x, tol=1e-10)
        assert np.allclose(z, best.x, atol=1e-3)
        assert np.linalg.norm(z - x) <= 1 / (2 * gamma)


def test_rows_that_cost_too_much_stay():
    X = np.random.default_rng(0).normal(size=(6, 3))
    still = linear_shift(
        X, np.zeros(6, dtype=int), np.ones((1, 3)), np.zeros(1), np.full(6, np.inf)
    )
    assert np.array_equal(still, X)
    flat = linear_shift(X, np.zeros(6, dtype=int), np.zeros((1, 3)), np.zeros(1), np.ones(6))
    assert np.array_equal(flat, X)


def test_neighbors_move_rows_to_other_rows():
    X, y, _, _ = two_sites(0, n=100)
    model, calls = recording(GaussianNB())
    RobustSelfTraining(model, gamma_unlabelled=0.1, max_iter=1, random_state=0).fit(X, y)
    rows = {tuple(row) for row in X}
    assert all(tuple(row) in rows for call in calls for row in call.X)


def test_no_price_is_plain_self_training():
    X, y, X_test, y_test = two_sites(0)
    model = RobustSelfTraining(MODEL, gamma_unlabelled=None, random_state=0).fit(X, y)
    assert model.shift_ == "none"
    assert model.score(X_test, y_test) > 0.85
    assert np.array_equal(model.y_suggested_[:20], y[:20])


def test_a_linear_shift_of_something_else_is_refused():
    X, y, _, _ = two_sites(0, n=100)
    for estimator in (GaussianNB(), make_pipeline(StandardScaler(), LogisticRegression())):
        with pytest.raises(ValueError, match='shift="linear" needs numbers and a model with coef_'):
            RobustSelfTraining(estimator, shift="linear").fit(X, y)
        assert RobustSelfTraining(estimator, random_state=0).fit(X, y).shift_ == "neighbors"


def test_in_a_pipeline():
    X, y, X_test, y_test = two_sites(1)
    pipe = make_pipeline(StandardScaler(), RobustSelfTraining(MODEL, random_state=0)).fit(X, y)
    assert pipe[-1].shift_ == "linear"
    assert pipe.score(X_test, y_test) > 0.85
