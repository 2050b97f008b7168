"""RelevanceWeights through its public behaviour."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestCentroid

from sknoisy.detection import RelevanceWeights


def by_loops(X, y, k, temperature=0.5):
    """Relevance from its definition, pair by pair."""
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    Z /= np.linalg.norm(Z, axis=1, keepdims=True)
    n = len(y)
    own, other = np.empty(n), np.empty(n)
    for i in range(n):
        cosine = Z @ Z[i]
        alike = np.sort(cosine[(y == y[i]) & (np.arange(n) != i)])[::-1][:k]
        unlike = np.sort(cosine[y != y[i]])[::-1][:k]
        own[i], other[i] = alike.mean(), unlike.mean()
    weight = np.empty(n)
    for label in np.unique(y):
        rows = y == label
        up, down = np.exp(own[rows] / temperature), np.exp(other[rows] / temperature)
        weight[rows] = (up / up.sum()) / (down / down.sum())
    return weight


def noisy_blobs(n=150, rate=0.2, seed=0, spread=2.0):
    X, y = make_blobs(n, 5, centers=3, cluster_std=spread, random_state=seed)
    rng = np.random.default_rng(seed)
    wrong = np.zeros(n, dtype=bool)
    wrong[rng.choice(n, int(rate * n), replace=False)] = True
    return X, np.where(wrong, (y + rng.integers(1, 3, n)) % 3, y), wrong


@pytest.mark.parametrize("k", [None, 1, 5, 200])
def test_relevance_is_that_of_the_definition(k):
    X, y, _ = noisy_blobs(60)
    detector = RelevanceWeights(n_neighbors=k).fit(X, y)
    np.testing.assert_allclose(detector.relevance_, by_loops(X, y, k))
    np.testing.assert_allclose(detector.noise_score_, -np.log(detector.relevance_))


def test_temperature_stretches_and_keeps_the_order_within_a_class():
    X, y, _ = noisy_blobs(90)
    cold = RelevanceWeights(temperature=0.1).fit(X, y)
    warm = RelevanceWeights(temperature=1.0).fit(X, y)
    assert cold.noise_score_.std() > 5 * warm.noise_score_.std()
    for label in range(3):
        order = np.argsort(cold.noise_score_[y == label])
        assert (np.diff(warm.noise_score_[y == label][order]) > -1e-9).all()


@pytest.mark.parametrize("k", [None, 10])
@pytest.mark.parametrize("seed", range(3))
def test_wrong_labels_have_little_relevance(seed, k):
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    rng = np.random.default_rng(seed)
    wrong = np.zeros(600, dtype=bool)
    wrong[rng.choice(600, 120, replace=False)] = True
    noisy = np.where(wrong, (y + rng.integers(1, 10, 600)) % 10, y)
    detector = RelevanceWeights(n_neighbors=k).fit(X, noisy)
    assert average_precision_score(wrong, detector.noise_score_) > 0.85
    assert detector.relevance_[wrong].mean() < 0.8 * detector.relevance_[~wrong].mean()


@pytest.mark.parametrize("seed", range(3))
def test_weighted_prototypes_are_nearer_to_the_clean_ones(seed):
    # the paper's claim: few rows of each class, some of them wrong
    X, y = make_blobs(60, 20, centers=5, cluster_std=4.0, random_state=seed)
    rng = np.random.default_rng(seed)
    noisy = np.where(rng.uniform(size=60) < 0.3, rng.integers(0, 5, 60), y)
    weight = RelevanceWeights(n_neighbors=None, temperature=0.1).fit(X, noisy).relevance_
    clean = NearestCentroid().fit(X, y).centroids_
    plain = NearestCentroid().fit(X, noisy).centroids_
    weighted = [np.average(X[noisy == c], axis=0, weights=weight[noisy == c]) for c in range(5)]
    assert np.linalg.norm(weighted - clean) < 0.8 * np.linalg.norm(plain - clean)


def test_blocks_are_rated_alone():
    X, y, _ = noisy_blobs(120, rate=0.0, spread=1.0)
    X = np.column_stack([X, X + 0.1])
    blocks = np.repeat([0, 7], 5)
    X[3, 5:] = X[np.flatnonzero(y != y[3])[0], 5:]  # the second block of another class
    detector = RelevanceWeights(blocks=blocks).fit(X, y)
    assert detector.block_relevance_.shape == (120, 2)
    np.testing.assert_allclose(detector.relevance_, detector.block_relevance_.mean(axis=1))
    np.testing.assert_allclose(
        detector.block_relevance_[:, 0], RelevanceWeights().fit(X[:, :5], y).relevance_
    )
    assert detector.block_relevance_[:, 1].argmin() == 3
    assert detector.block_relevance_[3, 0] > 0.5 * np.median(detector.block_relevance_[:, 0])
    with pytest.raises(ValueError, match="each of the 10 features"):
        RelevanceWeights(blocks=[0, 1]).fit(X, y)


def test_weights_names_and_jobs():
    X, y, wrong = noisy_blobs(120, spread=5.0)
    weight = (~wrong).astype(float)
    for k in (None, 5):
        plain = RelevanceWeights(n_neighbors=k).fit(X, y).noise_score_
        weighted = RelevanceWeights(n_neighbors=k).fit(X, y, sample_weight=weight).noise_score_
        found = [average_precision_score(wrong, score) for score in (plain, weighted)]
        assert found[1] > found[0]
        renamed = RelevanceWeights(n_neighbors=k).fit(X, np.array(["z", "a", "m"])[y])
        np.testing.assert_allclose(renamed.noise_score_, plain)
    np.testing.assert_array_equal(
        RelevanceWeights(n_neighbors=5, n_jobs=2).fit(X, y).noise_score_, plain
    )


@pytest.mark.parametrize("k", [None, 5])
def test_sole_members_one_class_and_odd_features(k):
    X, y, _ = noisy_blobs(40)
    y = y.copy()
    y[0] = 9
    detector = RelevanceWeights(n_neighbors=k).fit(X, y)
    assert np.isnan(detector.noise_score_[0]) and np.isfinite(detector.noise_score_[1:]).all()
    assert np.isnan(RelevanceWeights(n_neighbors=k).fit(X, np.zeros(40)).noise_score_).all()
    same = RelevanceWeights(n_neighbors=k).fit(np.ones((20, 3)), np.arange(20) % 2)
    np.testing.assert_allclose(same.relevance_, 1.0)
    wide = sparse.random(60, 30, density=0.2, random_state=0, format="csr")
    assert np.isfinite(
        RelevanceWeights(n_neighbors=k).fit(wide, np.arange(60) % 3).noise_score_
    ).all()
