"""Tabasco through its public behaviour."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from sknoisy.detection import Tabasco
from sknoisy.detection.out_of_sample._tabasco import Directions, own_centroid_is_of_another
from sknoisy.threshold import MixturePosterior

from ...helpers import fits, noisy_labels, recording


def long_tail(seed, n_features=8):
    """Classes of 800 to 40 rows; labels flip evenly, so most labels of the tail are wrong."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(4), [800, 300, 100, 40])
    centers = rng.normal(size=(4, n_features))
    centers *= 2.5 / np.linalg.norm(centers, axis=1, keepdims=True)
    X = centers[codes] + 0.8 * rng.normal(size=(len(codes), n_features))
    wrong = rng.random(len(codes)) < 0.2
    y = np.where(wrong, (codes + rng.integers(1, 4, len(codes))) % 4, codes)
    return X, y, wrong


def high_losses(proba, y):
    """The usual cut: rows in the higher of two normals of the losses of all rows."""
    loss = -np.log(np.clip(proba[np.arange(len(y)), y], 1e-3, 1))[:, None]
    mixture = GaussianMixture(2, random_state=0).fit(loss)
    return mixture.predict(loss) == np.argmax(mixture.means_)


@pytest.mark.parametrize("kind", ["linear", "forest"])
def test_finds_noise_in_the_tail_where_a_global_cut_fails(kind):
    tail, tail_global = [], []
    for seed in range(4):
        X, y, wrong = long_tail(seed)
        model = LogisticRegression(max_iter=300)
        if kind == "forest":
            model = RandomForestClassifier(60, min_samples_leaf=3)
        detector = Tabasco(model, random_state=0, contamination="own").fit(X, y)
        found, proba = detector.noise_mask_, detector.class_proba_
        rows = y == 3
        assert wrong[rows].mean() > 0.5
        tail.append(balanced_accuracy_score(wrong[rows], found[rows]))
        cut = high_losses(proba, y)
        tail_global.append(balanced_accuracy_score(wrong[rows], cut[rows]))
    assert np.mean(tail) > 0.88
    assert np.mean(tail) > np.mean(tail_global) + 0.06


def test_measures_by_the_papers_formulas_row_by_row():
    X, y, _ = long_tail(0)
    keep = np.r_[0:800:8, 800:1240:4]
    X, y = X[keep], y[keep]
    detector = Tabasco(LogisticRegression(max_iter=300), random_state=0).fit(X, y)
    proba = detector.class_proba_
    Z = StandardScaler().fit_transform(X)
    units = (Z - Z.mean(axis=0)) / np.linalg.norm(Z - Z.mean(axis=0), axis=1, keepdims=True)
    for c in range(4):
        rows = np.flatnonzero(y == c)
        mean = proba[rows].mean(axis=0)
        label = np.argmax(mean)
        sharper = []
        for row in rows:
            p, q = proba[row], np.eye(4)[c]
            m = (p + q) / 2
            kl = [sum(a[k] * np.log(a[k] / m[k]) for k in range(4) if a[k] > 0) for a in (p, q)]
            weight = min(max(p.max() / p[c], 1), mean.max() / mean[c])
            assert detector.wjsd_[row] == pytest.approx(weight * np.mean(kl), rel=1e-6)
            sharper.append(max(p[label] / mean[label], 1) * p[label])
        bar = np.mean(sharper)
        sure = [r for r in rows if proba[r].argmax() == label and proba[r, label] > bar]
        centroid = units[sure].mean(axis=0)
        np.testing.assert_allclose(detector.acd_[rows], units[rows] @ centroid, atol=1e-9)


def test_each_class_is_cut_by_its_own_mixture():
    X, y, _ = long_tail(1)
    detector = Tabasco(LogisticRegression(max_iter=300), random_state=0, contamination="own").fit(
        X, y
    )
    assert set(detector.measures_) <= {"wjsd", "acd", "acd, far"}
    for c in range(4):
        rows = y == c
        measure = detector.wjsd_[rows] if detector.measures_[c] == "wjsd" else -detector.acd_[rows]
        if detector.measures_[c] == "acd, far":
            measure = -measure
        score = detector.noise_score_[rows]
        order = np.argsort(measure, kind="stable")
        assert (np.diff(score[order]) >= 0).all()
        np.testing.assert_array_equal(detector.noise_mask_[rows], score > 0.5)
        assert 0 < detector.noise_mask_[rows].sum() < rows.sum()
        np.testing.assert_allclose(detector.noise_proba_[rows], score)


def test_a_class_most_of_which_is_of_another():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        codes = np.repeat([0, 1, 2], [900, 40, 300])
        X = (
            0.6 * rng.normal(size=(1240, 4))
            + np.array([[3, 0, 0, 0], [0, 3, 0, 0], [0, 0, 3, 0]])[codes]
        )
        y = codes.copy()
        wrong = np.zeros(1240, dtype=bool)
        wrong[:90] = True
        y[wrong] = 1
        detector = Tabasco(
            LogisticRegression(max_iter=300), random_state=0, contamination="own"
        ).fit(X, y)
        rows = y == 1
        assert balanced_accuracy_score(wrong[rows], detector.noise_mask_[rows]) > 0.9


def test_sparse_features_are_centred_without_being_formed():
    X = np.random.default_rng(0).poisson(0.5, size=(50, 6)).astype(float)
    rows = np.arange(0, 50, 3)
    dense, thin = Directions(X), Directions(sparse.csr_array(X))
    centroid = dense.centroid(rows)
    np.testing.assert_allclose(thin.centroid(rows), centroid)
    np.testing.assert_allclose(thin.cosine(centroid), dense.cosine(centroid))
    centred = X - X.mean(axis=0)
    np.testing.assert_allclose(
        dense.cosine(centroid), centred @ centroid / np.linalg.norm(centred, axis=1)
    )
    y = (X[:, 0] > 0).astype(int)
    detector = Tabasco(LogisticRegression(), random_state=0).fit(sparse.csr_array(X), y)
    assert np.isfinite(detector.acd_).all()


def test_centroid_of_another_class():
    own = np.array([1.0, 0.0])
    same, other = np.array([0.98, 0.05]), np.array([0.0, 1.0])
    assert own_centroid_is_of_another(0, np.array([own, same, other]), np.array([5, 50, 9]))
    assert not own_centroid_is_of_another(0, np.array([own, same, other]), np.array([50, 5, 9]))
    assert not own_centroid_is_of_another(0, np.array([own, other, -own]), np.array([5, 50, 50]))
    assert not own_centroid_is_of_another(0, np.array([own]), np.array([5]))


def test_number_of_fits():
    X, y = noisy_labels(90)
    model, calls = recording(LogisticRegression())
    Tabasco(model, random_state=0).fit(X, y)
    assert len(fits(calls)) == 5


def test_renaming_the_labels_renames_the_answer():
    X, y, _ = long_tail(2)
    folds = [(np.flatnonzero(np.arange(len(y)) % 3 != k), np.arange(len(y))[k::3]) for k in (0, 1)]
    detector = Tabasco(LogisticRegression(max_iter=300, tol=1e-8), cv=folds)
    old = detector.fit(X, y).noise_score_
    measures = detector.measures_
    new = detector.fit(X, np.array(["z", "m", "k", "a"])[y]).noise_score_
    np.testing.assert_allclose(new, old, atol=1e-3)
    assert detector.measures_.tolist() == measures[::-1].tolist()
    assert np.isnan(old[2::3]).all()


def test_small_and_uniform_classes():
    X, y = noisy_labels(60)
    y[:4] = 7
    detector = Tabasco(LogisticRegression(), cv=3, random_state=0).fit(X, y)
    assert np.isnan(detector.noise_score_[:4]).all()
    assert detector.measures_[-1] == "none"
    flat = Tabasco(LogisticRegression(), random_state=0).fit(np.zeros((60, 2)), np.arange(60) % 2)
    assert not flat.noise_mask_.any()
    assert np.isnan(Tabasco().fit(X, np.zeros(60, dtype=int)).noise_score_).all()


def test_a_threshold_spares_clean_classes():
    X, y, wrong = long_tail(3)
    X, y = X[~wrong], y[~wrong]
    own = Tabasco(LogisticRegression(max_iter=300), random_state=0, contamination="own").fit(X, y)
    cut = Tabasco(
        LogisticRegression(max_iter=300), contamination=MixturePosterior(), random_state=0
    ).fit(X, y)
    assert cut.noise_mask_.mean() < own.noise_mask_.mean()


def test_reason_and_trusted():
    X, y, wrong = long_tail(0)
    detector = Tabasco(LogisticRegression(max_iter=300), random_state=0)
    detector.fit(X, y, trusted=wrong)
    assert not detector.noise_mask_[wrong].any()
    assert "in the part of" in detector.noise_report(X, y)["reason"].iloc[0]
