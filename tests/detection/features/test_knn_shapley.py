"""KNNShapley: against the definition, and through its public behaviour."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import make_classification, make_friedman1
from sklearn.metrics import average_precision_score

from sknoisy.detection import KNNShapley
from sknoisy.detection.features._knn_shapley import label_values, number_values


def by_definition(n, worth):
    """Shapley values of n players, over all coalitions; `worth` gets sorted players."""
    values = np.zeros(n)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for size in range(n):
            for members in combinations(others, size):
                gain = worth(sorted((*members, i))) - worth(list(members))
                values[i] += gain / (n * comb(n - 1, size))
    return values


def by_all_coalitions(X, y, k, groups=None, labels=True):
    """Values of all rows: for each test point, by the definition, and summed."""
    n = len(X)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    groups = np.arange(n) if groups is None else groups
    centred = y if labels else y - y.mean()
    values = np.zeros(n)
    for t in range(n):
        players = np.flatnonzero(groups != groups[t])
        players = players[np.argsort(((Z[players] - Z[t]) ** 2).sum(axis=1), kind="stable")]

        def worth(members, players=players, t=t):
            nearest = centred[players[members[:k]]]
            if labels:
                return (nearest == y[t]).sum() / k
            return -((nearest.sum() / k - centred[t]) ** 2)

        values[players] += by_definition(len(players), worth)
    return values


def noisy_classes(n=400, rate=0.15, seed=0):
    X, y = make_classification(
        n, 6, n_informative=5, n_redundant=0, class_sep=1.5, flip_y=0, random_state=seed
    )
    wrong = np.zeros(n, dtype=bool)
    wrong[np.random.default_rng(seed).choice(n, int(rate * n), replace=False)] = True
    return X, np.where(wrong, 1 - y, y), wrong


# ------------------------------------------------------------------ exact values


@pytest.mark.parametrize("k", [1, 2, 3, 9])
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_values_for_one_test_point_are_those_of_all_coalitions(n, k):
    rng = np.random.default_rng(n)
    agree = rng.integers(0, 2, n)
    expected = by_definition(n, lambda members: agree[members[:k]].sum() / k)
    np.testing.assert_allclose(label_values(agree[None], k)[0], expected, atol=1e-12)
    numbers = rng.normal(size=n)
    expected = by_definition(n, lambda members: -((numbers[members[:k]].sum() / k - 0.7) ** 2))
    np.testing.assert_allclose(number_values(numbers[None], [0.7], k)[0], expected, atol=1e-12)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("labels", [True, False])
def test_values_of_a_data_set_are_those_of_all_coalitions(labels, grouped):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(7, 2))
    y = np.array([0, 1, 0, 1, 1, 0, 0]) if labels else rng.normal(size=7)
    groups = np.array([0, 0, 1, 2, 2, 2, 3]) if grouped else None
    detector = KNNShapley(n_neighbors=2, max_error=0).fit(X, y, groups=groups)
    expected = by_all_coalitions(X, y, 2, groups, labels)
    np.testing.assert_allclose(detector.values_, expected, atol=1e-12)
    np.testing.assert_allclose(detector.noise_score_, -expected, atol=1e-12)


def test_values_share_out_what_all_rows_earn():
    X, y, _ = noisy_classes(150)
    detector = KNNShapley(n_neighbors=5, max_error=0).fit(X, y)
    agree = detector._target.codes  # of the k nearest other rows, how many have the label
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    distances = ((Z[:, None] - Z) ** 2).sum(axis=2) + np.diag(np.full(150, np.inf))
    near = np.argsort(distances, axis=1)[:, :5]
    assert detector.values_.sum() == pytest.approx((agree[near] == agree[:, None]).mean(1).sum())


# ------------------------------------------------------------------ the nearest rows only


def test_truncation_keeps_its_bound():
    rng = np.random.default_rng(0)
    for n, depth, k in [(40, 10, 3), (60, 20, 20), (30, 29, 1)]:
        for p in (0.1, 0.5, 1.0):
            agree = rng.uniform(size=(50, n)) < p * np.linspace(1, rng.uniform(), n)
            exact = label_values(agree, k)[:, :depth]
            share = agree[:, depth:].mean(axis=1)
            cut = label_values(agree[:, :depth], k, share=share, n_players=np.full(50, n))
            assert np.abs(cut - exact).max() <= 1 / max(depth, k) + 1e-12
            # near rows are all off by the same amount
            assert np.ptp(cut - exact, axis=1).max() < 1e-12


def test_truncated_values_are_means_over_random_orders_beyond():
    rng = np.random.default_rng(0)
    n, depth, k = 60, 6, 3
    agree, numbers = rng.integers(0, 2, n), rng.normal(size=n) + 0.5
    orders = np.stack([np.r_[:depth, depth + rng.permutation(n - depth)] for _ in range(4000)])
    exact = label_values(agree[orders], k).mean(axis=0)[:depth]
    n_players = np.array([n])
    share = np.array([agree[depth:].mean()])
    cut = label_values(agree[None, :depth], k, share=share, n_players=n_players)[0]
    np.testing.assert_allclose(cut, exact, atol=0.005)
    exact = number_values(numbers[orders], np.full(4000, 0.7), k).mean(axis=0)[:depth]
    far = numbers[depth:]
    cut = number_values(
        numbers[None, :depth],
        [0.7],
        k,
        mean=far.mean(),
        square=(far**2).mean(),
        n_players=n_players,
    )[0]
    np.testing.assert_allclose(cut, exact, atol=0.01)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("labels", [True, False])
def test_where_order_beyond_is_random_truncated_values_rank_as_exact_ones(labels, grouped):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 8))  # the target has nothing to do with X
    y = rng.integers(0, 3, 400) if labels else rng.normal(size=400)
    groups = rng.integers(0, 150, 400) if grouped else None
    exact = KNNShapley(n_neighbors=5, max_error=0).fit(X, y, groups=groups).values_
    cut = KNNShapley(n_neighbors=5, max_error=0.02).fit(X, y, groups=groups).values_
    assert spearmanr(exact, cut)[0] > 0.95
    assert abs((cut - exact).mean()) < 0.1 * exact.std()


@pytest.mark.parametrize("seed", range(3))
def test_truncated_values_find_what_exact_ones_find(seed):
    X, y, wrong = noisy_classes(600, seed=seed)
    exact, cut = KNNShapley(max_error=0).fit(X, y), KNNShapley(max_error=0.01).fit(X, y)
    assert spearmanr(exact.values_, cut.values_)[0] > 0.95
    found = [average_precision_score(wrong, d.noise_score_) for d in (exact, cut)]
    assert min(found) > 0.85


# ------------------------------------------------------------------ behaviour


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_low_value_are_harmful(seed):
    # the paper's use: what is worth least is wrong; a k-NN model is better without it
    X, y, wrong = noisy_classes(400, 0.25, seed)
    values = KNNShapley(n_neighbors=5).fit(X, y).values_
    assert values[wrong].mean() < 0 < values[~wrong].mean()


@pytest.mark.parametrize("seed", range(3))
def test_wrong_numbers_are_worth_least(seed):
    X, y = make_friedman1(500, 5, noise=0.5, random_state=seed)
    rng = np.random.default_rng(seed)
    wrong = rng.choice(500, 40, replace=False)
    y[wrong] += rng.choice([-15, 15], 40)
    detector = KNNShapley().fit(X, y)
    truth = np.isin(np.arange(500), wrong)
    assert average_precision_score(truth, detector.noise_score_) > 0.8
    assert np.abs(detector.y_suggested_ - y)[wrong].mean() > 10


def test_scaling_and_shifting_numbers_changes_no_ranks():
    X, y = make_friedman1(300, 5, noise=0.5, random_state=0)
    values = KNNShapley().fit(X, y).values_
    np.testing.assert_allclose(KNNShapley().fit(X, 10 * y + 500).values_, 100 * values, rtol=1e-6)


def test_trusted_rows_as_test_points():
    X, y, wrong = noisy_classes(300)
    trusted = ~wrong & (np.arange(300) < 100)
    detector = KNNShapley(test_points="trusted", max_error=0, n_neighbors=3)
    detector.fit(X, y, trusted=trusted)
    weighted = KNNShapley(max_error=0, n_neighbors=3).fit(X, y, sample_weight=trusted.astype(float))
    np.testing.assert_allclose(detector.values_, weighted.values_)
    assert average_precision_score(wrong, detector.noise_score_) > 0.8
    assert not detector.noise_mask_[trusted].any()
    with pytest.raises(ValueError, match="trusted"):
        detector.fit(X, y)


def test_names_jobs_and_small_data():
    X, y, _ = noisy_classes(150)
    score = KNNShapley().fit(X, y).noise_score_
    np.testing.assert_allclose(KNNShapley().fit(X, np.array(["b", "a"])[y]).noise_score_, score)
    np.testing.assert_array_equal(KNNShapley(n_jobs=2).fit(X, y).noise_score_, score)
    few = KNNShapley().fit([[0.0], [1.0], [2.0]], ["a", "b", "a"])
    assert np.isnan(few.noise_score_[1]) and np.isfinite(few.noise_score_[[0, 2]]).all()
    with pytest.raises(ValueError, match="at least 2 rows"):
        KNNShapley().fit([[0.0]], [1])
    one_group = KNNShapley().fit(X, y, groups=np.zeros(150))
    assert (one_group.values_ == 0).all()
