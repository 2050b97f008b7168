"""NoiseCount and plateau_joint: how many, whatever the scale of the score."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict

from sknoisy.detection import ConfidentLearning, CookDistance, KNNShapley, Tabasco
from sknoisy.noise_model import confident_joint, plateau_joint
from sknoisy.threshold import ConfidentJointCount, MixturePosterior, NoiseCount


def easy_labels(seed, rate, n=600, n_classes=3):
    """X, given labels and which are wrong, of classes that a linear model tells apart."""
    X, y = make_classification(
        n,
        8,
        n_informative=6,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=1.6,
        flip_y=0,
        random_state=seed,
    )
    rng = np.random.default_rng(seed)
    wrong = rng.random(n) < rate
    return X, np.where(wrong, (y + rng.integers(1, n_classes, n)) % n_classes, y), wrong


def predicted_labels(X, y):
    return cross_val_predict(LogisticRegression(), X, y, cv=5, method="predict_proba")


def rate_of(joint):
    return 1 - np.trace(joint) / joint.sum()


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.3])
def test_the_plateau_counts_wrong_labels(rate):
    rates = []
    for seed in range(8):
        X, y, wrong = easy_labels(seed, rate)
        joint = plateau_joint(predicted_labels(X, y), y)
        np.testing.assert_allclose(joint.sum(axis=1), np.bincount(y))
        assert (joint >= 0).all()
        rates.append(rate_of(joint) / wrong.mean())
    assert 0.65 < np.mean(rates) < 1.3, rates


def test_overlap_is_no_noise():
    """Outcomes drawn by their probability: the confident joint counts a tenth of them as wrong."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 5))
    risk = 1 / (1 + np.exp(-2.5 * X[:, 0]))
    y = (rng.random(3000) < risk).astype(int)
    proba = predicted_labels(X, y)
    assert rate_of(confident_joint(proba, y)) > 0.08
    assert rate_of(plateau_joint(proba, y)) < 0.02


def test_one_way_noise_is_counted_where_it_is():
    shares, others = [], []
    for seed in range(6):
        X, y, _ = easy_labels(seed, 0.0, n=1200)
        wrong = (y == 0) & (np.random.default_rng(seed).random(len(y)) < 0.3)
        y = np.where(wrong, 1, y)
        joint = plateau_joint(predicted_labels(X, y), y)
        shares.append(joint[1, 0] / wrong.sum())
        others.append((joint.sum() - np.trace(joint) - joint[1, 0]) / len(y))
    assert 0.7 < np.mean(shares) < 1.3, shares
    assert np.mean(others) < 0.02, others


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.permutations(range(3)))
def test_names_and_order_of_rows_do_not_matter(seed, names):
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet([0.5, 0.7, 1.0], 120).round(2)
    y = rng.integers(0, 3, 120)
    joint = plateau_joint(proba, y)
    order = rng.permutation(120)
    np.testing.assert_allclose(plateau_joint(proba[order], y[order]), joint, atol=1e-9)
    names = np.array(names)  # class j is called names[j]
    renamed = np.empty_like(proba)
    renamed[:, names] = proba
    turned = plateau_joint(renamed, names[y])
    if len(np.unique(proba, axis=0)) and (np.sort(proba)[:, -1] > np.sort(proba)[:, -2]).all():
        np.testing.assert_allclose(turned[np.ix_(names, names)], joint, atol=1e-9)


def test_random_labels_are_not_called_wrong():
    """The size of the test: at most 5 % of 200 draws act, and these on few rows."""
    acting = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(80, 3)), rng.integers(0, 2, 80)
        fitted = NoiseCount().fit(rng.random(80), y, predicted=predicted_labels(X, y))
        acting.append(fitted.noise_mask_.any())
        if not acting[-1]:
            assert "no row flagged: out-of-sample predictions know no more" in fitted.reason_ or (
                "agree" in fitted.reason_
            )
            assert not fitted.noise_proba_.any()
    assert np.mean(acting) <= 0.05


def test_random_numbers_are_not_called_wrong():
    rng = np.random.default_rng(0)
    acting = 0
    for _ in range(200):
        y = rng.standard_t(1.5, 100)  # wild, but nothing predicts them
        fitted = NoiseCount().fit(np.abs(y), y, predicted=rng.normal(size=100))
        acting += fitted.noise_mask_.any()
    assert acting <= 10
    assert "know no more of y than its mean" in fitted.reason_


@pytest.mark.parametrize(
    "detector",
    [
        CookDistance(LogisticRegression()),
        KNNShapley(),
        Tabasco(LogisticRegression(), random_state=0),
    ],
    ids=lambda d: type(d).__name__,
)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_ranking_need_not_know_its_own_scale(detector, n_classes):
    X, y, wrong = easy_labels(1, 0.2, n_classes=n_classes)
    fitted = detector.fit(X, y)
    assert 0.5 < fitted.noise_mask_.sum() / wrong.sum() < 1.5
    assert f"of {len(y)} judged rows flagged, by NoiseCount" in fitted.reason_
    assert fitted.noise_report(X, y).attrs["reason"] == fitted.reason_
    fitted = detector.fit(X, easy_labels(1, 0.0, n_classes=n_classes)[1])
    assert fitted.noise_mask_.mean() <= 0.05


def test_numbers_are_counted_by_their_residuals():
    X, y = make_regression(400, 5, noise=10, random_state=0)
    rng = np.random.default_rng(0)
    wrong = rng.random(400) < 0.15
    given = np.where(wrong, y + rng.choice([-1, 1], 400) * rng.uniform(2, 5, 400) * y.std(), y)
    for target, expected in ((given, wrong.sum()), (y, 0)):
        detector = CookDistance(Ridge()).fit(X, target)
        assert abs(detector.noise_mask_.sum() - expected) <= 0.2 * wrong.sum()
    assert detector.reason_ == "no row flagged: a single law of errors explains all residuals"


def test_the_count_shares_the_fits_of_the_detector():
    class Counting(LogisticRegression):
        fits = 0

        def fit(self, X, y, sample_weight=None):
            Counting.fits += 1
            return super().fit(X, y, sample_weight)

    X, y, _ = easy_labels(2, 0.2, n=200)
    ConfidentLearning(Counting(), contamination=NoiseCount(), random_state=0).fit(X, y)
    assert Counting.fits == 5


def test_trusted_and_unjudged_rows_are_no_part_of_it():
    X, y, wrong = easy_labels(3, 0.2)
    proba = predicted_labels(X, y)
    score = 1 - proba[np.arange(len(y)), y]
    trusted = ~wrong & (np.arange(len(y)) % 3 == 0)
    score[-5:] = np.nan
    fitted = NoiseCount().fit(score, y, predicted=proba, trusted=trusted)
    assert not fitted.noise_mask_[trusted].any()
    assert not fitted.noise_mask_[-5:].any()
    assert 0.6 < fitted.noise_mask_.sum() / wrong.sum() < 1.4


def test_each_group_has_its_own_count():
    X, y, _ = easy_labels(4, 0.0, n=1200)
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, len(y))
    wrong = (group == 1) & (rng.random(len(y)) < 0.3)
    y = np.where(wrong, (y + 1) % 3, y)
    proba = predicted_labels(X, y)
    score = 1 - proba[np.arange(len(y)), y]
    fitted = NoiseCount(per_group=True).fit(score, y, predicted=proba, groups=group)
    assert fitted.noise_mask_[group == 0].mean() < 0.03
    assert 0.6 < fitted.noise_mask_[group == 1].sum() / wrong.sum() < 1.4


def test_what_is_missing_is_said():
    score, y = np.arange(4.0), [0, 1, 0, 1]
    with pytest.raises(ValueError, match="pass y and predicted to fit"):
        NoiseCount().fit(score, y)
    with pytest.raises(ValueError, match="predicted has 3 columns, and y has 2 classes"):
        NoiseCount().fit(score, y, predicted=np.full((4, 3), 1 / 3))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        NoiseCount().fit(score, y, predicted=np.full((3, 2), 0.5))


def test_every_verdict_has_its_reason():
    X, y, _ = easy_labels(5, 0.2)
    model = RandomForestClassifier(30, random_state=0)
    for rule, words in (
        ("auto", "by the method's own rule"),
        (0.15, "by FixedRate(rate=0.15)"),
        (ConfidentJointCount(), "by ConfidentJointCount()"),
        (0, "no row flagged"),
    ):
        detector = ConfidentLearning(model, contamination=rule, random_state=0).fit(X, y)
        assert words in detector.reason_
    flat = MixturePosterior().fit(np.zeros(50))
    assert flat.reason_ == "no row flagged: no second group of scores stands apart from the first"
    unjudged = MixturePosterior().fit(np.full(5, np.nan))
    assert unjudged.reason_ == "no row flagged: none could be judged"
