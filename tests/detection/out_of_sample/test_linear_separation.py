"""LinearSeparation through its public behaviour."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from sknoisy.datasets import symmetric_noise
from sknoisy.detection import LinearSeparation

from ...helpers import fits, noisy_labels, recording, row_numbers


def web(seed, n=600, n_foreign=120, n_features=8):
    """Three classes, and foreign rows with labels at random that lie off in one direction."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n + n_foreign)
    centers = 1.3 * rng.normal(size=(3, n_features))
    X = centers[y] + rng.normal(size=(n + n_foreign, n_features))
    off = rng.normal(size=n_features)
    near = centers[rng.integers(0, 3, n_foreign)]
    X[n:] = 0.5 * near + 3 * off / np.linalg.norm(off) + rng.normal(size=(n_foreign, n_features))
    return X, y, np.arange(n + n_foreign) >= n


def detector(**params):
    return LinearSeparation(LogisticRegression(max_iter=300), random_state=0, **params)


def test_features_find_foreign_rows_that_losses_miss():
    """The paper's claim: noise is linearly separable; the opinions are best alternated."""
    by_loss, by_features, by_both = [], [], []
    for seed in range(5):
        X, y, foreign = web(seed)
        found = detector(contamination="own").fit(X, y)
        by_loss.append(average_precision_score(foreign, found.loss_))
        by_features.append(average_precision_score(foreign, found.linear_proba_))
        by_both.append(average_precision_score(foreign, found.noise_score_))
        assert foreign[found.noise_mask_].mean() > 0.65
        assert found.noise_mask_[foreign].mean() > 0.6
    assert np.mean(by_features) > np.mean(by_loss) + 0.06
    assert np.mean(by_both) > np.mean(by_loss) + 0.06
    assert np.mean(by_both) > 0.9


def test_even_noise_is_left_to_the_losses():
    X, y, foreign = web(0)
    X, y = X[~foreign], y[~foreign]
    noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    by_loss = detector(detect="loss").fit(X, noisy)
    assert average_precision_score(wrong, by_loss.noise_score_) > 0.8
    assert average_precision_score(wrong, by_loss.linear_proba_) < 0.5


def test_a_round_is_the_authors_mixture_and_separator():
    X, y, _ = web(1)
    found = detector(max_iter=0).fit(X, y)
    loss = -np.log(np.clip(found.class_proba_[np.arange(len(y)), y], 1e-3, 1))
    np.testing.assert_allclose(found.loss_, loss)
    scaled = ((loss - loss.min()) / (loss.max() - loss.min()))[:, None]
    mixture = GaussianMixture(2, max_iter=10, tol=1e-2, reg_covar=5e-4, random_state=0).fit(scaled)
    high = int(np.argmax(mixture.means_))
    seeds = mixture.predict(scaled) == high
    expected = mixture.predict_proba(scaled)[:, high]
    lowest = loss < np.median(loss)  # far below, ours does not rise again
    np.testing.assert_allclose(found.loss_proba_[~lowest], expected[~lowest], atol=1e-6)
    Z = StandardScaler().fit_transform(X)
    separator = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=1000).fit(Z, seeds)
    np.testing.assert_allclose(found.linear_proba_, separator.predict_proba(Z)[:, 1], atol=1e-6)
    np.testing.assert_allclose(found.noise_score_, (found.loss_proba_ + found.linear_proba_) / 2)


@pytest.mark.parametrize("detect", ["linear", "loss"])
def test_one_opinion(detect):
    X, y, _ = web(0)
    found = detector(detect=detect, contamination="own").fit(X, y)
    np.testing.assert_array_equal(found.noise_score_, getattr(found, f"{detect}_proba_"))
    np.testing.assert_array_equal(found.noise_mask_, found.noise_score_ > 0.5)


def test_refits_leave_out_the_noise_of_the_separator():
    X, y = noisy_labels(150)
    model, calls = recording(LogisticRegression())
    first = LinearSeparation(model, cv=3, max_iter=0, random_state=0).fit(X, y)
    assert len(fits(calls)) == 3
    kept = np.flatnonzero(first.linear_proba_ <= 0.5)
    calls.clear()
    LinearSeparation(model, cv=3, max_iter=1, random_state=0).fit(X, y)
    assert len(fits(calls)) == 6
    for call in fits(calls)[3:]:
        rows = row_numbers(call.X, 150)
        assert np.isin(rows, kept).all()
    # what is left out of training is judged all the same
    judged = [row_numbers(call.X, 150) for call in calls if call.method != "fit"][3:]
    assert sorted(np.concatenate(judged)) == list(range(150))


def test_trusted_rows_stay_in_training_and_are_not_flagged():
    X, y, foreign = web(2)
    found = detector().fit(X, y, trusted=foreign)
    assert not found.noise_mask_[foreign].any()


def test_sparse_features():
    rng = np.random.default_rng(0)
    X = rng.poisson(0.4, size=(200, 10)).astype(float)
    y = (X[:, 0] + X[:, 1] > 0).astype(int)
    found = detector(C=1.0).fit(sparse.csr_array(X), y)
    assert np.isfinite(found.noise_score_).all()


def test_renaming_the_labels_renames_the_answer():
    X, y, _ = web(3, n=200, n_foreign=40)
    folds = [(np.flatnonzero(np.arange(240) % 3 != k), np.arange(240)[k::3]) for k in range(3)]
    model = LogisticRegression(max_iter=500, tol=1e-8)
    old = LinearSeparation(model, cv=folds).fit(X, y).noise_score_
    new = LinearSeparation(model, cv=folds).fit(X, np.array(["z", "m", "a"])[y]).noise_score_
    np.testing.assert_allclose(new, old, atol=1e-3)


def test_nothing_to_tell_apart():
    flat = detector().fit(np.zeros((60, 2)), np.arange(60) % 2)
    assert not flat.noise_mask_.any()
    X, y, _ = web(0)
    assert np.isnan(detector().fit(X, np.zeros_like(y)).noise_score_).all()


def test_reason():
    X, y, _ = web(0)
    reason = detector().fit(X, y).noise_report(X, y)["reason"].iloc[0]
    assert reason.startswith("noise with p=")
