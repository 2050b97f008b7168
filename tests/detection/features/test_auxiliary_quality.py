"""AuxiliaryQuality through its public behaviour."""

import numpy as np
import pytest
from joblib import parallel_config
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from sknoisy import ReweightClassifier
from sknoisy._evidence import Evidence
from sknoisy.detection import AuxiliaryQuality
from sknoisy.detection.features._auxiliary_quality import ball_size, relative_density
from sknoisy.threshold import MixturePosterior

from ...helpers import fits, recording

MODEL = LogisticRegression(max_iter=300)


def anomalies(seed=0, n=200):
    """Normal rows, a few real anomalies beside them, and three kinds of auxiliary anomalies."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(n, 2))
    beside = np.array([3.5, 0.0])
    real = beside + 0.7 * rng.normal(size=(15, 2))
    realistic = beside + 0.7 * rng.normal(size=(20, 2))
    normals = rng.normal(size=(20, 2))  # cannot be told from normal rows
    impossible = rng.uniform(20, 40, size=(20, 2)) * rng.choice([-1, 1], size=(20, 2))
    X = np.vstack([normal, real, realistic, normals, impossible])
    y = np.repeat([0, 1], [n, 75])
    kind = np.repeat(["real", "realistic", "normal", "impossible"], [n + 15, 20, 20, 20])
    return X, y, kind


# ------------------------------------------------------------------ the parts of the formula


def test_density_is_the_inverse_of_the_smallest_ball():
    rng = np.random.default_rng(0)
    reference, points, k = rng.normal(size=(30, 2)), 2 * rng.normal(size=(25, 2)), 3

    def inverse(x):
        held = []
        for a in reference:
            radius = np.sort(np.linalg.norm(reference - a, axis=1))[k]
            if np.linalg.norm(x - a) < radius - 1e-9:
                held.append(radius)
        return 1 / min(held) if held else 0.0

    total = sum(inverse(a) for a in reference)
    expected = [30 * inverse(x) / (inverse(x) + total) for x in points]
    assert 0.0 in expected and max(expected) > 0
    np.testing.assert_allclose(relative_density(reference, points, k), expected)
    assert not relative_density(reference[:1], points, k).any()


def test_balls_grow_until_they_hold_real_members():
    rng = np.random.default_rng(0)
    reference, near = rng.normal(size=(40, 2)), rng.normal(size=(6, 2))
    far = near + [4.0, 0.0]

    def needed(x):
        for k in range(5, 39):
            radius = np.sort(np.linalg.norm(reference[:, None] - reference, axis=2))[:, k]
            if (np.linalg.norm(reference - x, axis=1) < radius).any():
                return k
        return 39

    for members in (near, far):
        share = np.array([(needed(x) - 5) / 34 for x in members])
        upper = beta.ppf(0.95, 1 + share.sum(), 1 + 6 - share.sum())
        assert ball_size(reference, members, 5) == int(upper * 34 + 5)
    assert ball_size(reference, far, 5) > ball_size(reference, near, 5)
    assert ball_size(reference[:4], far, 5) == 3


def test_quality_is_the_mean_of_the_formula_over_subsets():
    X, y, kind = anomalies()
    real = kind == "real"
    one = AuxiliaryQuality(GaussianNB(), n_subsets=1, max_samples=60, random_state=0)
    [(subset, rated)] = one._subsets(
        Evidence(X, y, task="classification", trusted=real), np.flatnonzero(real)
    )
    quality = one.fit(X, y, trusted=real).quality_
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    nd = relative_density(Z[subset], Z[rated], 5)
    p = GaussianNB().fit(X[subset], y[subset]).predict_proba(X[rated])[:, 1]
    prior = 15 / 215
    np.testing.assert_array_equal(rated, np.flatnonzero(~real))
    np.testing.assert_allclose(quality[rated], (prior + nd * p) / (1 + nd))
    assert np.isnan(quality[real]).all()


# ------------------------------------------------------------------ the paper's claims


@pytest.mark.parametrize("reference", ["all", "others"])
@pytest.mark.parametrize("seed", range(3))
def test_realistic_anomalies_are_rated_highest(seed, reference):
    X, y, kind = anomalies(seed)
    detector = AuxiliaryQuality(GaussianNB(), reference=reference, random_state=seed)
    quality = detector.fit(X, y, trusted=kind == "real").quality_
    realistic, rest = kind == "realistic", (kind == "normal") | (kind == "impossible")
    assert quality[realistic].mean() > quality[rest].mean() + 0.1
    assert average_precision_score(realistic[realistic | rest], quality[realistic | rest]) > 0.85
    # too far away to be judged: the prior, however sure the model is
    np.testing.assert_allclose(quality[kind == "impossible"], 15 / 215)
    assert np.median(quality[kind == "normal"]) < 0.1


@pytest.mark.parametrize("seed", range(2))
def test_every_class_is_rated_in_its_own_right(seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 360)
    X = rng.normal(size=(360, 2)) + 4 * np.array([[0, 0], [1, 0], [0, 1]])[y]
    real = np.arange(360) < 240
    wrong = ~real & (rng.uniform(size=360) < 0.4)
    labels = np.array(["a", "b", "c"])[np.where(wrong, (y + 1) % 3, y)]
    detector = AuxiliaryQuality(MODEL, n_subsets=10, random_state=0).fit(X, labels, trusted=real)
    assert average_precision_score(wrong[~real], detector.noise_score_[~real]) > 0.9
    assert not detector.noise_mask_[real].any()
    by_evidence = AuxiliaryQuality(MODEL, n_subsets=10, contamination=0.2, random_state=0)
    by_evidence.fit(X, labels, trusted=real)
    flagged = by_evidence.noise_mask_ & wrong
    truth = np.array(["a", "b", "c"])[y]
    assert (by_evidence.y_suggested_ == truth)[flagged].mean() > 0.9


@pytest.mark.parametrize("seed", range(2))
def test_without_trusted_rows_each_is_rated_by_the_others(seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 300)
    X = rng.normal(size=(300, 2)) + 4 * y[:, None]
    wrong = rng.uniform(size=300) < 0.15
    detector = AuxiliaryQuality(MODEL, n_subsets=15, random_state=0).fit(X, y ^ wrong)
    assert np.isfinite(detector.noise_score_).all()
    assert average_precision_score(wrong, detector.noise_score_) > 0.85


# ------------------------------------------------------------------ behaviour


def test_number_of_fits_and_size_of_subsets():
    X, y, kind = anomalies()
    model, calls = recording(MODEL)
    detector = AuxiliaryQuality(
        model, n_subsets=6, max_samples=50, random_state=0, contamination=MixturePosterior()
    )
    detector.fit(X, y, trusted=kind == "real")
    assert len(fits(calls)) == 6
    for call in fits(calls):
        assert len(call.y) <= 50 and set(call.y) == {0, 1}


def test_groups_are_not_rated_by_their_own():
    X, y, _ = anomalies()
    groups = np.arange(len(y)) // 5
    detector = AuxiliaryQuality(MODEL, n_subsets=4, random_state=0)
    evidence = Evidence(X, y, task="classification", groups=groups)
    for subset, rated in detector._subsets(evidence, np.arange(len(y))):
        assert not np.isin(groups[rated], groups[subset]).any()


def test_seeds_jobs_and_decision_functions():
    X, y, kind = anomalies()
    real = kind == "real"
    detector = AuxiliaryQuality(MODEL, n_subsets=4, random_state=0)
    quality = detector.fit(X, y, trusted=real).quality_
    with parallel_config("threading"):
        again = AuxiliaryQuality(MODEL, n_subsets=4, random_state=0, n_jobs=2)
        np.testing.assert_array_equal(again.fit(X, y, trusted=real).quality_, quality)
    named = AuxiliaryQuality(MODEL, n_subsets=4, random_state=0)
    named.fit(X, np.array(["normal", "anomaly"])[y], trusted=real)
    np.testing.assert_allclose(named.quality_, quality, atol=1e-4)
    margins = AuxiliaryQuality(LinearSVC(random_state=0), n_subsets=4, random_state=0)
    quality = margins.fit(X, y, trusted=real).quality_[~real]
    assert ((quality >= 0) & (quality <= 1)).all()


def test_rows_that_nobody_can_rate():
    X, y, kind = anomalies()
    y = y.copy()
    y[-1] = 7  # no real row has this label
    detector = AuxiliaryQuality(MODEL, n_subsets=4, random_state=0)
    score = detector.fit(X, y, trusted=kind == "real").noise_score_
    assert np.isnan(score[-1]) and np.isfinite(score[kind != "real"][:-1]).all()
    assert np.isnan(detector.fit(X, np.zeros(len(y))).noise_score_).all()
    same = AuxiliaryQuality(MODEL, random_state=0).fit(np.ones((30, 2)), np.arange(30) % 2)
    assert np.isfinite(same.noise_score_).all()
    assert not same.noise_mask_.any()


def test_works_in_a_treatment():
    X, y, kind = anomalies()
    model = ReweightClassifier(MODEL, AuxiliaryQuality(n_subsets=4), random_state=0)
    model.fit(X, y, trusted=kind == "real")
    assert (model.noise_proba_[kind == "real"] == 0).all()
