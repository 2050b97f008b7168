"""Open-set rows weigh little."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import normalize
from sklearn.semi_supervised import SelfTrainingClassifier

from sknoisy.weak_labels import WeightAwareDistillation
from sknoisy.weak_labels.unlabelled._labels import PartlyLabelled
from sknoisy.weak_labels.unlabelled._weight_aware import class_similarity, pseudo_labels

MODEL = LogisticRegression(max_iter=300)
N_KNOWN = 3


def open_set(seed, n=1200, n_test=1200, n_unknown=4, n_labelled=3, n_features=100):
    rng = np.random.default_rng(seed)
    centre = 0.5 * rng.normal(size=(N_KNOWN + n_unknown, n_features))
    kind = rng.integers(0, len(centre), n + n_test)
    X = centre[kind] + rng.normal(size=(n + n_test, n_features))
    first = [np.flatnonzero(kind[:n] == k)[:n_labelled] for k in range(N_KNOWN)]
    y = np.full(n, -1)
    y[np.concatenate(first)] = kind[np.concatenate(first)]
    test = n + np.flatnonzero(kind[n:] < N_KNOWN)
    return X[:n], kind[:n], y, X[test], kind[test]


def test_better_than_without_the_unlabelled_rows_and_than_with_all_of_them():
    gains, aucs, ratios = [], [], []
    for seed in range(3):
        X, kind, y, X_test, y_test = open_set(seed)
        model = WeightAwareDistillation(MODEL, random_state=0).fit(X, y)
        known = y >= 0
        others = [
            MODEL.fit(X[known], y[known]).score(X_test, y_test),
            SelfTrainingClassifier(MODEL, threshold=0.01).fit(X, y).score(X_test, y_test),
        ]
        gains.append(model.score(X_test, y_test) - max(others))
        weight = model.sample_weight_
        aucs.append(roc_auc_score(kind[~known] < N_KNOWN, weight[~known]))
        is_open = ~known & (kind >= N_KNOWN)
        ratios.append(weight[is_open].mean() / weight[~known & ~is_open].mean())
    assert min(gains) > 0.0
    assert np.mean(gains) > 0.01
    assert np.mean(aucs) > 0.65
    assert np.mean(ratios) < 0.6


def test_similarity_and_weight_are_the_formula():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 4))
    labels = PartlyLabelled(np.where(np.arange(50) < 9, np.arange(50) % 3, -1), np.arange(3))
    cosine = normalize(X) @ normalize(X).T
    expected = np.stack([cosine[:, labels.codes == k].max(axis=1) for k in range(3)], axis=1)
    for features in (normalize(X), csr_array(normalize(X))):
        similarity = class_similarity(features, labels)
        assert np.allclose(similarity, np.maximum(expected, 0))
    codes, margin = pseudo_labels(similarity)
    top = np.sort(similarity, axis=1)
    assert np.array_equal(codes, expected.argmax(axis=1))
    assert np.allclose(margin, top[:, -1] * (1 - top[:, -2] / np.maximum(top[:, -1], 1e-12)))


def test_fewer_rows_join_each_time_and_join_wholly():
    X, _, y, _, _ = open_set(0)
    model = WeightAwareDistillation(MODEL, absorb=0.2, decay=0.5, max_iter=2, random_state=0)
    model.fit(X, y)
    n_unlabelled = (y < 0).sum()
    joined = int(0.2 * n_unlabelled) + int(0.1 * n_unlabelled)
    assert model.absorbed_.sum() == joined
    assert (model.sample_weight_[model.absorbed_] == 1).all()
    assert (model.sample_weight_[y >= 0] == 1).all()
    assert not model.absorbed_[y >= 0].any()
    assert np.array_equal(model.y_suggested_[y >= 0], y[y >= 0])


def test_no_rounds_and_no_weight():
    X, _, y, X_test, _ = open_set(0, n=300)
    known = y >= 0
    model = WeightAwareDistillation(MODEL, max_iter=0, unlabelled_weight=0.0).fit(X, y)
    plain = MODEL.fit(X[known], y[known])
    assert np.allclose(model.predict_proba(X_test), plain.predict_proba(X_test))


def test_missing_numbers_are_named():
    X, _, y, _, _ = open_set(0, n=100)
    X[7, 3] = np.nan
    with pytest.raises(ValueError, match="row 7, column 3"):
        WeightAwareDistillation(MODEL).fit(X, y)
