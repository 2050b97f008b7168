"""What the surest rows leave of noise: all of it, and next to nothing of overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier, RelabelClassifier, ReweightClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning
from sknoisy.noise_model._bound import at_most, bounded_joint, noise_bound


def overlap(n=4000, seed=0):
    """(P(given label), labels) of two classes that overlap widely."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-2.5 * rng.normal(size=n)))
    return p, (rng.random(n) < p).astype(int)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
def test_noise_is_left_and_overlap_is_not(rate):
    p, y = overlap()
    z = np.where(np.random.default_rng(1).random(len(y)) < rate, 1 - y, y)
    q = (1 - rate) * p + rate * (1 - p)
    bound, error = noise_bound(np.column_stack([1 - q, q]), z)
    assert bound == pytest.approx(rate, abs=0.03)
    assert error < 0.03


def test_a_bounded_joint_counts_noise_and_no_overlap():
    p, y = overlap()
    joint = np.array([[1500, 500], [500, 1500]])
    errors = bounded_joint(np.column_stack([1 - p, p]), y, joint)
    assert errors[0, 1] + errors[1, 0] < 0.02 * len(y)
    z = np.where(np.arange(len(y)) % 5 == 0, 1 - y, y)
    q = 0.8 * p + 0.2 * (1 - p)
    counted = bounded_joint(np.column_stack([1 - q, q]), z, joint)
    np.testing.assert_allclose(counted.sum(axis=1), joint.sum(axis=1))
    assert 250 < counted[0, 1] <= 500
    assert 250 < counted[1, 0] <= 500


@given(st.floats(0.001, 0.6), st.integers(0, 50))
def test_no_more_than_the_rate_in_the_same_order(rate, seed):
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet([0.5, 0.5, 1.0], size=40)
    codes = rng.integers(0, 3, 40)
    new = at_most(proba.copy(), codes, rate, np.ones(40))
    rows = np.arange(40)
    wrong, before = 1 - new[rows, codes], 1 - proba[rows, codes]
    assert wrong.mean() <= rate + 1e-6 or np.array_equal(new, proba)
    np.testing.assert_allclose(new.sum(axis=1), 1)
    assert (np.diff(wrong[np.argsort(before)]) >= -1e-12).all()


def fraud(n=6000, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    return X, (rng.random(n) < 1 / (1 + np.exp(5.2 - 1.3 * X[:, 0] - 0.8 * X[:, 1]))).astype(int)


@pytest.mark.parametrize(
    "model",
    [LogisticRegression(), HistGradientBoostingClassifier(max_iter=50, random_state=0)],
    ids=["logistic", "boosting"],
)
@pytest.mark.parametrize("kind", [FilterClassifier, RelabelClassifier, ReweightClassifier])
def test_rare_outcomes_that_are_hard_to_foretell_are_not_wrong(kind, model):
    X, y = fraud()
    treated = kind(model, random_state=0).fit(X, y)
    assert treated.noise_mask_[y == 1].mean() <= 0.05
    assert treated.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), rel=0.1)


def test_by_default_a_treatment_is_bounded_and_the_paper_is_not():
    X, y = fraud()
    paper = FilterClassifier(LogisticRegression(), ConfidentLearning(), random_state=0).fit(X, y)
    assert paper.noise_mask_[y == 1].mean() > 0.3


def test_what_is_wrong_is_found_all_the_same():
    rng = np.random.default_rng(0)
    y = np.arange(900) % 3
    X = rng.normal(size=(900, 4)) + 2.0 * np.eye(3, 4)[y]
    z, wrong = symmetric_noise(y, 0.2, random_state=0)
    tree = DecisionTreeClassifier(max_depth=4, random_state=0)
    treated = FilterClassifier(tree, random_state=0).fit(X, z)
    assert treated.noise_mask_[wrong].mean() > 0.7
    assert treated.noise_mask_[~wrong].mean() < 0.2
