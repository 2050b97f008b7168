"""Groups known in some rows: what depends on them once they are weighed."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict

from sknoisy.datasets import make_spurious
from sknoisy.metrics import group_mmd
from sknoisy.training.groups import (
    MissingGroupReweightingClassifier,
    MissingGroupReweightingRegressor,
)
from sknoisy.training.groups._membership import (
    admissible,
    doubly_robust_membership,
    group_shares,
)

LOGISTIC = LogisticRegression()
NOTHING = DummyClassifier(strategy="prior")  # a model of the groups that is wrong
ONLY_OBSERVED = {"method": "inverse_propensity", "missing_model": NOTHING}


def case(seed, n=4000):
    """X, y, the group of all rows, and that of those in which it is known: by x and y."""
    X, y, groups = make_spurious(
        n, minority=0.2, core_noise=0.8, spurious_noise=1.0, random_state=seed
    )
    z = (groups % 2).astype(float)
    known = np.random.RandomState(1000 + seed).rand(n) < expit(X[:, 1] * (2 * y - 1))
    return X, y, z, np.where(known, z, np.nan)


def dependence(X, y, weight):
    """Of the label on the spurious feature, which has to do with it by the group alone."""
    means = [np.average(X[y == k, 1], weights=weight[y == k]) for k in (0, 1)]
    return abs(means[1] - means[0])


def fit(X, y, z, **how):
    return MissingGroupReweightingClassifier(LOGISTIC, random_state=0, **how).fit(X, y, groups=z)


# ------------------------------------------------------------------ the paper's claim


@pytest.mark.parametrize("seed", range(4))
def test_dependence_is_removed_where_observed_rows_alone_keep_it(seed):
    X, y, _, z = case(seed)
    plain = dependence(X, y, np.ones(len(y)))
    assert plain > 1.0
    assert dependence(X, y, fit(X, y, z, **ONLY_OBSERVED).sample_weight_) > 0.6
    assert dependence(X, y, fit(X, y, z).sample_weight_) < 0.2


@pytest.mark.parametrize("seed", range(4))
def test_either_of_the_two_models_may_be_wrong(seed):
    X, y, _, z = case(seed)
    for wrong in ("group_model", "missing_model"):
        model = fit(X, y, z, **{wrong: NOTHING})
        assert dependence(X, y, model.sample_weight_) < 0.2
    both = fit(X, y, z, group_model=NOTHING, missing_model=NOTHING)
    assert dependence(X, y, both.sample_weight_) > 0.35


def test_the_worst_group_gains():
    gains = []
    for seed in range(3):
        X, y, _, z = case(seed)
        X_new, y_new, groups = make_spurious(
            8000, minority=0.5, core_noise=0.8, spurious_noise=1.0, random_state=100 + seed
        )
        scores = [
            min(m.score(X_new[groups == g], y_new[groups == g]) for g in range(4))
            for m in (LogisticRegression().fit(X, y), fit(X, y, z, **ONLY_OBSERVED), fit(X, y, z))
        ]
        gains.append([scores[2] - scores[0], scores[2] - scores[1]])
    assert np.min(gains) > 0.0
    assert np.mean(gains, axis=0)[0] > 0.04


@pytest.mark.parametrize("seed", range(4))
def test_the_discrepancy_is_that_of_all_groups(seed):
    """Of a model that follows the spurious feature, the group being known where it is middling."""
    X, y, z, _ = case(seed, n=2000)
    known = np.random.RandomState(2000 + seed).rand(2000) < expit(1 - X[:, 1] ** 2)
    some = np.where(known, z, np.nan)
    member = [
        fit(X, y, given, **how).balanced_membership_
        for given, how in ((z, {}), (some, {}), (some, ONLY_OBSERVED))
    ]
    full, robust, observed = (group_mmd(X[:, 1], m, bandwidth=1.0) for m in member)
    assert abs(robust - full) < 0.5 * abs(observed - full)
    assert observed < 0.75 * full


def test_the_discrepancy_prefers_the_model_that_leaves_the_group_aside():
    X, y, _, z = case(0, n=3000)
    model = fit(X, y, z)
    said = [
        cross_val_predict(LogisticRegression(), X[:, use], y, method="decision_function")
        for use in ([0, 1], [0])
    ]
    left = [group_mmd(answers, model.balanced_membership_) for answers in said]
    assert left[1] < 0.2 * left[0]


@pytest.mark.parametrize("seed", range(3))
def test_numbers(seed):
    rng = np.random.RandomState(seed)
    y = rng.normal(size=2000)
    z = (rng.rand(2000) < expit(2 * y)).astype(int)
    X = np.column_stack([y + rng.normal(size=2000), z + 0.5 * rng.normal(size=2000)])
    names = np.where(z, "left", "right").astype(object)
    names[rng.rand(2000) > expit(1.5 * X[:, 1])] = None
    model = MissingGroupReweightingRegressor(Ridge(), random_state=0).fit(X, y, groups=names)
    assert abs(model.estimator_.coef_[1]) < 0.3 * abs(Ridge().fit(X, y).coef_[1])


# ------------------------------------------------------------------ parts


def test_memberships_have_the_right_mean_where_either_model_is_right():
    rng = np.random.RandomState(0)
    x = rng.randn(200_000)
    true, pi = expit(2 * x + 1), expit(x - 1)
    z, known = rng.rand(200_000) < true, rng.rand(200_000) < pi
    one_hot = np.where(known[:, None], np.column_stack([~z, z]), 0.0)

    def mean(proba, propensity):
        proba = np.column_stack([1 - proba, proba])
        member = doubly_robust_membership(one_hot, known, proba, propensity)
        np.testing.assert_allclose(member.sum(axis=1), 1.0)
        return np.mean(member[:, 1] * x)

    wanted = np.mean(true * x)
    flat = np.full_like(x, 0.3)
    assert abs(mean(true, flat) - wanted) < 0.01
    assert abs(mean(flat, np.maximum(pi, 0.02)) - wanted) < 0.02
    assert abs(mean(flat, flat) - wanted) > 0.05


def test_weights_are_admissible():
    strata = np.array([0, 0, 0, 1, 1])
    weight = admissible(np.array([-1.0, 1.0, 2.0, 0.0, -3.0]), strata, np.ones(5))
    np.testing.assert_allclose(weight, [0, 1, 2, 1, 1])
    share = group_shares(np.array([[1.0, 0.0], [1.3, -0.3]]), np.zeros(2, dtype=int), np.ones(2))
    assert (share > 0).all() and share.sum() == pytest.approx(1.0)


def test_with_all_groups_known_weights_are_the_plain_ratio():
    X, y, z, _ = case(0, n=600)
    model = fit(X, y, z)
    np.testing.assert_allclose(model.observed_proba_, 1.0)
    share = np.array([[np.mean(z[y == k] == g) for k in (0, 1)] for g in (0, 1)])
    np.testing.assert_allclose(model.group_share_, share)
    ratio = np.array([np.mean(y == 0), np.mean(y == 1)]) @ share.T
    np.testing.assert_allclose(
        model.sample_weight_, (ratio[:, None] / share)[z.astype(int), y], rtol=1e-6
    )
    assert np.average(z[y == 1], weights=model.sample_weight_[y == 1]) == pytest.approx(
        np.average(z[y == 0], weights=model.sample_weight_[y == 0])
    )


def test_three_groups_and_sparse_rows():
    X, y, z, some = case(0, n=900)
    groups = np.where(np.arange(900) % 5 == 0, 2.0, some)
    model = MissingGroupReweightingClassifier(LOGISTIC, cv=3, random_state=0)
    model.fit(csr_matrix(np.abs(X)), y, groups=groups)
    assert model.group_proba_.shape == (900, 3)
    np.testing.assert_allclose(model.membership_.sum(axis=1), 1.0, atol=1e-6)
    assert (model.sample_weight_ >= 0).all()
    np.testing.assert_allclose(
        [model.sample_weight_[y == k].mean() for k in (0, 1)], 1.0, rtol=1e-6
    )


def test_a_class_in_which_no_group_is_known_keeps_its_weight():
    X, y, z, _ = case(0, n=400)
    z[y == 1] = np.nan
    model = fit(X, y, z, method="inverse_propensity", cv=3)
    np.testing.assert_allclose(model.sample_weight_[y == 1], 1.0)
