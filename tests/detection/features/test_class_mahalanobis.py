"""ClassMahalanobis through its public behaviour."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.covariance import EmpiricalCovariance, MinCovDet
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import average_precision_score

from sknoisy import FilterClassifier
from sknoisy.detection import ClassMahalanobis

PLAIN = {"support_fraction": 1.0, "covariance": EmpiricalCovariance(assume_centered=True)}


def clouds(n=400, n_classes=3, seed=0):
    """Normal classes with one covariance."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n)
    means = np.eye(n_classes, 6) * 4.0
    X = (rng.normal(size=(n, 6)) + means[y]) @ rng.normal(size=(6, 6))
    return X, y


def one_way(y, share, seed):
    """A share of class 0 is called 1."""
    noisy = y.copy()
    rows = np.flatnonzero(y == 0)
    noisy[np.random.default_rng(seed).permutation(rows)[: int(share * len(rows))]] = 1
    return noisy


def test_distances_are_those_of_the_paper():
    X, y = clouds(200)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    means = np.stack([Z[y == c].mean(axis=0) for c in range(3)])
    residual = Z - means[y]
    precision = np.linalg.inv(residual.T @ residual / len(Z))
    expected = np.array([[(z - m) @ precision @ (z - m) for m in means] for z in Z])
    detector = ClassMahalanobis(**PLAIN).fit(X, y)
    own = np.zeros((200, 3), dtype=bool)
    own[np.arange(200), y] = True
    np.testing.assert_allclose(detector.distances_[~own], expected[~own])
    # to its own class, the distance from the mean of the others of the class
    alone = [
        (z - Z[(y == c) & (np.arange(200) != i)].mean(axis=0))
        for i, (z, c) in enumerate(zip(Z, y, strict=True))
    ]
    alone = np.array([away @ precision @ away for away in alone])
    np.testing.assert_allclose(detector.distances_[own], alone)
    others = np.where(own, np.inf, expected).min(axis=1)
    np.testing.assert_allclose(detector.noise_score_, alone - others)
    outlying = ClassMahalanobis(kind="outlier", **PLAIN).fit(X, y)
    np.testing.assert_allclose(outlying.noise_score_, np.minimum(others, alone))


def test_suggestions_are_those_of_linear_discriminant_analysis():
    X, y = clouds(300)
    y = one_way(y, 0.1, 0)
    detector = ClassMahalanobis(contamination=0.0, **PLAIN).fit(X, y)
    model = LinearDiscriminantAnalysis(solver="lsqr", priors=np.bincount(y) / len(y)).fit(X, y)
    assert (model.predict(X) == detector.distances_.argmin(axis=1)).mean() > 0.97


@pytest.mark.parametrize("seed", range(4))
def test_central_rows_keep_the_means_when_many_labels_of_a_class_are_wrong(seed):
    # the claim of robust generative classifiers
    X, y = clouds(600, seed=seed)
    noisy = one_way(y, 0.4, seed)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    truth = np.stack([Z[y == c].mean(axis=0) for c in range(3)])
    error, precision = {}, {}
    for share in (0.5, 1.0):
        detector = ClassMahalanobis(support_fraction=share).fit(X, noisy)
        error[share] = np.linalg.norm(detector.location_ - truth)
        precision[share] = average_precision_score(noisy != y, detector.noise_score_)
    assert error[0.5] < 0.6 * error[1.0]
    assert precision[0.5] > precision[1.0]


@pytest.mark.parametrize("seed", range(3))
def test_finds_and_corrects_wrong_labels(seed):
    X, y = clouds(500, seed=seed)
    rng = np.random.default_rng(seed)
    noisy = y.copy()
    wrong = rng.choice(500, 75, replace=False)
    noisy[wrong] = (y[wrong] + rng.integers(1, 3, 75)) % 3
    detector = ClassMahalanobis().fit(X, noisy)
    assert average_precision_score(noisy != y, detector.noise_score_) > 0.85
    flagged = detector.noise_mask_
    assert (noisy != y)[flagged].mean() > 0.7
    assert (detector.y_suggested_ == y).mean() > (noisy == y).mean() + 0.05


def test_outliers_are_far_from_all_classes():
    X, y = clouds(300)
    X[[5, 50]] += 15.0
    detector = ClassMahalanobis(kind="outlier").fit(X, y)
    assert set(np.argsort(detector.noise_score_)[-2:]) == {5, 50}
    assert not detector.support_[[5, 50]].any()
    np.testing.assert_array_equal(detector.y_suggested_, y)
    assert "nearest class" in detector.noise_report(X, y)["reason"].iloc[0]


def test_scores_do_not_depend_on_names_nor_on_linear_maps():
    X, y = clouds(200)
    y = one_way(y, 0.2, 0)
    score = ClassMahalanobis(**PLAIN).fit(X, y).noise_score_
    renamed = np.array(["z", "a", "m"])[y]
    np.testing.assert_allclose(ClassMahalanobis(**PLAIN).fit(X, renamed).noise_score_, score)
    mixed = X @ np.random.default_rng(0).normal(size=(6, 6))
    np.testing.assert_allclose(ClassMahalanobis(**PLAIN).fit(mixed, y).noise_score_, score)


def test_any_covariance_and_sparse_features():
    X, y = clouds(200)
    y = one_way(y, 0.2, 0)
    dense = ClassMahalanobis().fit(X, y).noise_score_
    other = ClassMahalanobis(covariance=MinCovDet(random_state=0)).fit(X, y).noise_score_
    assert np.corrcoef(dense, other)[0, 1] > 0.8
    wide = sparse.random(120, 400, density=0.1, random_state=0, format="csr")
    labels = (wide[:, :50].sum(axis=1) > wide[:, 50:100].sum(axis=1)).astype(int)
    assert np.isfinite(ClassMahalanobis().fit(wide, np.ravel(labels)).noise_score_).all()


def test_rows_of_weight_zero_have_no_say():
    X, y = clouds(200)
    noisy = one_way(y, 0.3, 0)
    weight = (noisy == y).astype(float)
    detector = ClassMahalanobis(**PLAIN).fit(X, noisy, sample_weight=weight)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(detector.location_[1], Z[y == 1].mean(axis=0))
    assert average_precision_score(noisy != y, detector.noise_score_) > 0.95
    with pytest.raises(ValueError, match="class 2 have sample_weight 0"):
        ClassMahalanobis().fit(X, y, sample_weight=(y != 2).astype(float))


@pytest.mark.parametrize("kind", ["label", "outlier"])
def test_sole_members_constant_features_and_one_class(kind):
    X, y = clouds(60)
    y = y.copy()
    y[0] = 9
    X[:, 3] = 1.0
    detector = ClassMahalanobis(kind=kind).fit(X, y)
    assert np.isnan(detector.noise_score_[0])
    assert np.isfinite(detector.noise_score_[1:]).all()
    assert not detector.noise_mask_[0]
    single = ClassMahalanobis(kind=kind).fit(X, np.zeros(60, dtype=int))
    assert np.isnan(single.noise_score_).all() == (kind == "label")
    same = ClassMahalanobis(kind=kind).fit(np.ones((20, 3)), np.arange(20) % 2)
    assert not same.noise_mask_.any()


def test_works_in_a_treatment():
    X, y = clouds(300)
    noisy = one_way(y, 0.3, 0)
    model = FilterClassifier(LinearDiscriminantAnalysis(), ClassMahalanobis()).fit(X, noisy)
    assert model.score(X, y) > LinearDiscriminantAnalysis().fit(X, noisy).score(X, y)
