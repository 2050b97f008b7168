"""GradientSubspace through its public behaviour."""

import numpy as np
import pytest
from joblib import parallel_backend
from sklearn.datasets import make_blobs, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from sknoisy.detection import GradientSubspace
from sknoisy.detection.influence._gradient_subspace import squared_projection

CV = KFold(5, shuffle=True, random_state=0)


def wild(n=600, share=0.15, seed=0):
    """Three classes, foreign rows from a place between them, and a mask of trusted clean rows."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(4, 8)) * 2.5
    X, y = make_blobs(n, centers=centres[:3], cluster_std=1.5, random_state=seed)
    foreign = rng.random(n) < share
    X[foreign] = centres[3] + rng.normal(size=(foreign.sum(), 8))
    y[foreign] = rng.integers(0, 3, size=foreign.sum())
    trusted = ~foreign & (rng.random(n) < 0.3)
    return X, y, foreign, trusted


def brute_force(off, X, clean, rest):
    """The definition, with the gradients written out."""
    G = (off[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    G = G - G[clean].mean(axis=0)
    return (G @ np.linalg.svd(G[rest])[2][0]) ** 2


@pytest.mark.parametrize("shape", [(1, 3), (1, 20), (3, 2), (4, 6)])
def test_projection_is_its_definition(shape):
    rng = np.random.default_rng(0)
    off, X = rng.normal(size=(60, shape[0])), rng.normal(size=(60, shape[1])) + 1.0
    clean = rng.random(60) < 0.4
    np.testing.assert_allclose(
        squared_projection(off, X, clean, ~clean), brute_force(off, X, clean, ~clean), rtol=1e-6
    )


def test_projection_of_equal_gradients_is_zero():
    everything = np.ones(20, dtype=bool)
    same = squared_projection(np.ones((20, 3)), np.ones((20, 5)), everything, everything)
    np.testing.assert_array_equal(same, 0.0)


@pytest.mark.parametrize("per_class", [True, False])
@pytest.mark.parametrize("with_trusted", [True, False])
def test_score_is_the_formula_around_any_model(per_class, with_trusted):
    X, y, _, trusted = wild(300)
    detector = GradientSubspace(LogisticRegression(), cv=CV, per_class=per_class)
    detector.fit(X, y, trusted=trusted if with_trusted else None)
    proba = cross_val_predict(LogisticRegression(), X, y, cv=CV, method="predict_proba")
    off = proba - np.eye(3)[y]
    Z = np.column_stack([StandardScaler().fit_transform(X), np.ones(300)])
    clean = trusted if with_trusted else np.ones(300, dtype=bool)
    rest = ~trusted if with_trusted else clean
    expected = np.empty(300)
    if per_class:
        for k in range(3):
            r = y == k
            expected[r] = brute_force(off[r][:, [k]], Z[r], clean[r], rest[r])
    else:
        expected = brute_force(off, Z, clean, rest)
    np.testing.assert_allclose(detector.noise_score_, expected, rtol=1e-5, atol=1e-12)
    assert detector.clean_set_ == ("trusted" if with_trusted else "all")


@pytest.mark.parametrize("seed", range(3))
def test_foreign_rows_stand_apart_from_a_clean_set(seed):
    # the paper's claim: in contaminated rows, the filter separates foreign from native ones
    X, y, foreign, trusted = wild(seed=seed)
    detector = GradientSubspace(LogisticRegression(), random_state=0, per_class=False)
    detector.fit(X, y, trusted=trusted)
    rest = ~trusted
    assert roc_auc_score(foreign[rest], detector.noise_score_[rest]) > 0.8
    flagged = detector.noise_mask_
    assert not flagged[trusted].any()
    # at most about 5 % of the native rows, by the quantile of the clean set
    assert flagged[rest & ~foreign].mean() < 0.12
    assert flagged[foreign].mean() > 4 * flagged[rest & ~foreign].mean()


def test_by_predicted_labels_the_given_ones_do_not_count():
    X, y, foreign, trusted = wild()
    noisy = y.copy()
    noisy[::7] = (y[::7] + 1) % 3
    given = GradientSubspace(LogisticRegression(), cv=CV).fit(X, noisy).noise_score_
    detector = GradientSubspace(LogisticRegression(), cv=CV, labels="predicted").fit(X, noisy)
    assert roc_auc_score(np.arange(600) % 7 == 0, given) > 0.75
    assert abs(roc_auc_score(np.arange(600) % 7 == 0, detector.noise_score_) - 0.5) < 0.15
    np.testing.assert_array_equal(detector.y_suggested_, noisy)


@pytest.mark.parametrize("seed", range(3))
def test_wrong_numbers_of_one_kind(seed):
    X, y = make_regression(300, 5, noise=5.0, random_state=seed)
    wrong = np.random.default_rng(seed).random(300) < 0.1
    y[wrong] += 500.0
    detector = GradientSubspace(Ridge(), random_state=0).fit(X, y, trusted=~wrong & (y > 0))
    assert average_precision_score(wrong, detector.noise_score_) > 0.8
    expected = cross_val_predict(Ridge(), X, y, cv=CV)
    again = GradientSubspace(Ridge(), cv=CV).fit(X, y)
    np.testing.assert_allclose(again.y_suggested_, expected)


def test_probability_of_the_flagged_is_what_exceeds_chance():
    X, y, _, trusted = wild()
    detector = GradientSubspace(LogisticRegression(), random_state=0).fit(X, y, trusted=trusted)
    flagged = detector.noise_mask_
    excess = 1 - 0.05 * (~trusted).sum() / flagged.sum()
    np.testing.assert_allclose(detector.noise_proba_, np.where(flagged, excess, 0.0))
    cut = np.quantile(detector.noise_score_[trusted], 0.95)
    np.testing.assert_array_equal(flagged, (detector.noise_score_ > cut) & ~trusted)


def test_a_class_without_trusted_rows_means_that_all_rows_stand_in():
    X, y, _, trusted = wild(200)
    trusted &= y != 2
    one_for_each = GradientSubspace(LogisticRegression(), random_state=0)
    assert one_for_each.fit(X, y, trusted=trusted).clean_set_ == "all"
    together = GradientSubspace(LogisticRegression(), random_state=0, per_class=False)
    assert together.fit(X, y, trusted=trusted).clean_set_ == "trusted"


def test_renaming_the_labels_and_jobs_change_nothing():
    X, y, _, _ = wild(200)
    names = np.array(["z", "m", "a"])
    # folds depend on the order of the classes, so they are given
    old = GradientSubspace(LogisticRegression(tol=1e-8), cv=CV).fit(X, y)
    with parallel_backend("threading"):
        new = GradientSubspace(LogisticRegression(tol=1e-8), cv=CV, n_jobs=2).fit(X, names[y])
    np.testing.assert_allclose(new.noise_score_, old.noise_score_, rtol=1e-4, atol=1e-9)


def test_one_class_and_sole_members():
    X, y, _, _ = wild(60)
    alone = GradientSubspace(LogisticRegression(), random_state=0).fit(X, np.ones(60))
    assert np.isnan(alone.noise_score_).all()
    y[5] = 9
    with pytest.warns(UserWarning):
        detector = GradientSubspace(LogisticRegression(), random_state=0).fit(X, y)
    assert np.isnan(detector.noise_score_[5])
    assert "times the median" in detector.noise_report(X, y)["reason"].iloc[0]


def test_predicted_labels_mean_nothing_for_numbers():
    X, y = make_regression(50, 3, random_state=0)
    with pytest.raises(ValueError, match='labels="predicted"'):
        GradientSubspace(Ridge(), labels="predicted").fit(X, y)
