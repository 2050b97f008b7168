"""LabelSignedKernel through its public behaviour."""

import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier
from sknoisy.detection import LabelSignedKernel
from sknoisy.detection.influence._label_signed_kernel import farthest_point_clusters, tangent_kernel


def blobs(n=150, spread=1.5, seed=0):
    return make_blobs(n, centers=[[0, 0], [8, 0], [0, 8]], cluster_std=spread, random_state=seed)


def on_sphere(X):
    Z = np.column_stack([StandardScaler().fit_transform(X), np.ones(len(X))])
    return Z / np.linalg.norm(Z, axis=1, keepdims=True)


def full_kernel(X, kind):
    """The whole n x n kernel, by its definition, without its diagonal."""
    if kind == "ntk":
        cosine = np.clip(on_sphere(X) @ on_sphere(X).T, -1, 1)
        angle = np.arccos(cosine)
        K = cosine * (np.pi - angle) / np.pi  # derivative of the hidden units
        K += (np.sin(angle) + (np.pi - angle) * cosine) / np.pi  # and the units themselves
    else:
        Z = StandardScaler().fit_transform(X)
        squared = ((Z[:, None] - Z[None]) ** 2).sum(axis=2)
        far = NearestNeighbors(n_neighbors=11).fit(Z).kneighbors(Z)[0][:, -1]
        K = np.exp(-squared / np.median(far) ** 2)
    np.fill_diagonal(K, 0.0)
    return K


def test_kernel_is_the_limit_of_wide_networks():
    # gradients of f(x) = a'relu(Wx) / sqrt(m) by a and W, for m units drawn from a normal
    rng = np.random.default_rng(0)
    X = on_sphere(rng.normal(size=(6, 3)))
    m = 200_000
    W, a = rng.normal(size=(m, 4)), rng.normal(size=m)
    hidden = X @ W.T
    by_a = np.maximum(hidden, 0.0)
    by_W = (hidden > 0) * a
    empirical = (by_a @ by_a.T + (by_W @ by_W.T) * (X @ X.T)) / m
    # relu halves the second moment: the kernel is stated with the usual factor 2
    np.testing.assert_allclose(tangent_kernel(X, X), 2 * empirical, atol=0.03)


@pytest.mark.parametrize("kind", ["ntk", "rbf"])
def test_score_of_two_classes_is_the_contradictory_share(kind):
    X, y = make_classification(80, 4, random_state=0)
    detector = LabelSignedKernel(kernel=kind, balanced=False).fit(X, y)
    signed = full_kernel(X, kind) * np.where(y[:, None] == y, 1.0, -1.0)
    expected = np.maximum(-signed, 0).sum(axis=1) / np.abs(signed).sum(axis=1)
    np.testing.assert_allclose(detector.noise_score_, expected, rtol=1e-9)


def test_balanced_score_of_several_classes_is_against_the_worst_one():
    X, y = make_classification(90, 4, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
    y[(y == 2) & (np.arange(90) % 3 > 0)] = 0
    K = full_kernel(X, "ntk")
    expected = np.zeros(90)
    for i in range(90):
        for other in set(range(3)) - {y[i]}:
            mine, theirs = np.flatnonzero(y == y[i]), np.flatnonzero(y == other)
            mine = mine[mine != i]
            pairs = np.r_[K[i, mine] / len(mine), -K[i, theirs] / len(theirs)]
            expected[i] = max(expected[i], np.maximum(-pairs, 0).sum() / np.abs(pairs).sum())
    np.testing.assert_allclose(LabelSignedKernel().fit(X, y).noise_score_, expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["ntk", "rbf"])
@pytest.mark.parametrize("seed", range(3))
def test_wrong_labels_are_contradictory(seed, kind):
    X, y = blobs(300, seed=seed)
    wrong = np.random.default_rng(seed).random(300) < 0.15
    detector = LabelSignedKernel(kernel=kind).fit(X, np.where(wrong, (y + 1) % 3, y))
    assert average_precision_score(wrong, detector.noise_score_) > 0.88
    assert (detector.noise_score_[wrong] > 0.5).mean() > 0.88
    assert (detector.noise_score_[~wrong] < 0.5).mean() > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_large_clusters_are_redundant_and_small_ones_hold_the_poison(seed):
    # the paper's claim: dropping nine tenths of each large cluster costs next to nothing, and
    # rows in the tail of small clusters are more often poisonous
    rng = np.random.default_rng(seed)
    X, y = blobs(600, spread=1.0, seed=seed)
    wrong = rng.random(600) < 0.03
    y_noisy = np.where(wrong, (y + 1) % 3, y)
    detector = LabelSignedKernel(kernel="rbf", cluster_share=0.1).fit(X, y_noisy)
    tail = detector.cluster_sizes_ <= np.quantile(detector.cluster_sizes_, 0.2)
    assert wrong[tail].mean() > 2 * wrong[~tail].mean()
    heads = np.unique(detector.cluster_labels_, return_index=True)[1]
    thin = np.setdiff1d(heads, np.flatnonzero(tail & wrong))
    model = LogisticRegression().fit(X[thin], y_noisy[thin])
    X_new, y_new = blobs(600, spread=1.0, seed=seed + 100)
    whole = LogisticRegression().fit(X, y_noisy).score(X_new, y_new)
    assert len(thin) < 0.15 * 600
    assert model.score(X_new, y_new) > whole - 0.03


def test_clusters_are_within_classes_and_of_farthest_points():
    X, y = blobs(90)
    detector = LabelSignedKernel(cluster_share=0.1).fit(X, y)
    for cluster in np.unique(detector.cluster_labels_):
        rows = detector.cluster_labels_ == cluster
        assert len(np.unique(y[rows])) == 1
        np.testing.assert_array_equal(detector.cluster_sizes_[rows], rows.sum())
    assert len(np.unique(detector.cluster_labels_)) == sum(-(-np.bincount(y) // 10))
    # three far groups need three heads, whatever their sizes
    groups = np.repeat(np.arange(3), [50, 5, 1])
    points = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])[groups]
    points += 0.01 * np.random.default_rng(0).normal(size=points.shape)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    labels = farthest_point_clusters(tangent_kernel, points, 3)
    assert len(np.unique(np.column_stack([labels, groups]), axis=0)) == 3


def test_a_rare_class_is_not_wrong_for_being_outnumbered():
    X, y = make_blobs([900, 60], centers=[[0, 0], [3, 3]], cluster_std=1.0, random_state=0)
    lost = {
        balanced: (LabelSignedKernel(balanced=balanced).fit(X, y).noise_score_[y == 1] > 0.5).mean()
        for balanced in (False, True)
    }
    assert lost[False] > 0.5
    assert lost[True] < 0.2


def test_neighbours_of_weight_zero_have_no_pull():
    X, y = blobs()
    y_noisy = y.copy()
    y_noisy[::3] = (y[::3] + 1) % 3
    weight = np.where(y == y_noisy, 1.0, 0.0)
    detector = LabelSignedKernel().fit(X, y_noisy, sample_weight=weight)
    assert detector.noise_score_[weight == 0].min() > detector.noise_score_[weight == 1].max()


@pytest.mark.slow
def test_memory_stays_far_below_n_times_n():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8000, 2))
    tracemalloc.start()
    LabelSignedKernel(cluster_share=0.01).fit(X, X[:, 0] > 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8000 * 8000 * 8 / 2


def test_chunks_do_not_change_the_answer(monkeypatch):
    X, y = blobs()
    whole = LabelSignedKernel().fit(X, y).noise_score_
    monkeypatch.setattr("sknoisy.detection.influence._label_signed_kernel.CHUNK_NUMBERS", 1000)
    np.testing.assert_allclose(LabelSignedKernel().fit(X, y).noise_score_, whole)


@pytest.mark.parametrize("kind", ["ntk", "rbf"])
def test_renaming_labels_and_reordering_rows(kind):
    X, y = blobs()
    names, order = np.array(["z", "m", "a"]), np.random.default_rng(0).permutation(150)
    old = LabelSignedKernel(kernel=kind).fit(X, y)
    new = LabelSignedKernel(kernel=kind).fit(X[order], names[y[order]])
    np.testing.assert_allclose(new.noise_score_, old.noise_score_[order], rtol=1e-6)
    np.testing.assert_array_equal(new.y_suggested_, names[old.y_suggested_[order]])


@pytest.mark.parametrize("kind", ["ntk", "rbf"])
def test_small_and_degenerate_sets(kind):
    rng = np.random.default_rng(0)
    for n in (2, 3, 7):
        X, y = rng.normal(size=(n, 2)), np.arange(n) % 2
        score = LabelSignedKernel(kernel=kind).fit(X, y).noise_score_
        np.testing.assert_array_equal(np.isnan(score), np.bincount(y)[y] == 1)
    same = LabelSignedKernel(kernel=kind).fit(np.ones((20, 3)), np.arange(20) % 2)
    np.testing.assert_allclose(same.noise_score_, 0.5)
    one = LabelSignedKernel(kernel=kind).fit(rng.normal(size=(20, 3)), np.ones(20))
    assert np.isnan(one.noise_score_).all()
    assert not one.noise_mask_.any()


def test_treatment_trust_and_report():
    X, y = blobs(300)
    y_noisy = y.copy()
    y_noisy[[3, 9]] = (y[[3, 9]] + 1) % 3
    detector = LabelSignedKernel(contamination=0.01)
    filtered = FilterClassifier(LogisticRegression(), detector).fit(X, y_noisy)
    assert filtered.noise_mask_[[3, 9]].all()
    assert "contradicts other rows by" in filtered.detector_.noise_report(X, y_noisy)["reason"][3]
    trusted = np.arange(300) == 3
    assert not detector.fit(X, y_noisy, trusted=trusted).noise_mask_[3]


@pytest.mark.parametrize("bad", [{"kernel": "cubic"}, {"cluster_share": 0}])
def test_bad_parameters_are_refused(bad):
    X, y = blobs()
    with pytest.raises(ValueError, match=next(iter(bad))):
        LabelSignedKernel(**bad).fit(X, y)
