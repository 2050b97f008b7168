import warnings

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_classification, make_friedman1
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import average_precision_score
from sklearn.naive_bayes import GaussianNB

from sknoisy import FilterClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import DatasetMap


def labels(seed=0, n=400, rate=0.2):
    X, y = make_classification(
        n,
        8,
        n_informative=5,
        n_classes=3,
        n_clusters_per_class=1,
        class_sep=1.5,
        flip_y=0.0,
        random_state=seed,
    )
    return X, *symmetric_noise(y, rate=rate, random_state=seed)


def two_sources(seed=0):
    """A source whose classes are far apart, and one whose are close; a tenth of each is wrong."""
    easy = make_blobs(200, centers=[[-8, 0], [8, 0]], random_state=seed)
    hard = make_blobs(200, centers=[[-2.5, 20], [2.5, 20]], random_state=seed + 1)
    X, y = np.r_[easy[0], hard[0]], np.r_[easy[1], hard[1]]
    wrong = np.arange(400) % 10 == 0
    return X, np.where(wrong, 1 - y, y), np.repeat(["easy", "hard"], 200), wrong


def test_the_map_by_hand():
    X, y, _ = labels(n=100)
    model = GradientBoostingClassifier(n_estimators=8, random_state=0)
    detector = DatasetMap(model, n_stages=8).fit(X, y)
    staged = list(model.fit(X, y).staged_predict_proba(X))
    given = np.array([proba[np.arange(100), y] for proba in staged])
    np.testing.assert_allclose(detector.confidence_, np.mean(given, axis=0))
    np.testing.assert_allclose(detector.variability_, np.std(given, axis=0))
    right = [proba.argmax(axis=1) == y for proba in staged]
    np.testing.assert_allclose(detector.correctness_, np.mean(right, axis=0))
    np.testing.assert_allclose(detector.noise_score_, 1 - detector.confidence_)
    hardness = DatasetMap(model, n_stages=8, rank_by="hardness").fit(X, y).noise_score_
    by_hand = (1 - detector.confidence_) * (1 - 2 * detector.variability_)
    np.testing.assert_allclose(hardness, by_hand)


def test_the_map_of_numbers_by_hand():
    X, y = make_friedman1(80, random_state=0)
    model = GradientBoostingRegressor(n_estimators=5, random_state=0)
    detector = DatasetMap(model, n_stages=5).fit(X, y)
    z = []
    for prediction in model.fit(X, y).staged_predict(X):
        size = np.abs(y - prediction)
        z.append(size / (1.4826 * np.median(size)))
    np.testing.assert_allclose(detector.confidence_, np.mean(1 / (1 + np.square(z)), axis=0))
    np.testing.assert_allclose(detector.variability_, np.std(1 / (1 + np.square(z)), axis=0))
    np.testing.assert_allclose(detector.correctness_, np.mean(np.array(z) <= 2, axis=0))


@pytest.mark.parametrize("seed", range(3))
def test_wrong_labels_move_to_the_hard_region(seed):
    """Claim of the paper: flipped labels have low confidence, by which they can be found."""
    X, y, wrong = labels(seed)
    detector = DatasetMap(LogisticRegression(), random_state=0).fit(X, y)
    assert detector.confidence_[wrong].mean() < detector.confidence_[~wrong].mean() - 0.1
    assert detector.correctness_[wrong].mean() < 0.3 < 0.7 < detector.correctness_[~wrong].mean()
    assert average_precision_score(wrong, detector.noise_score_) > 0.7
    flagged = detector.noise_mask_
    assert wrong[flagged].mean() > 0.7 and flagged[wrong].mean() > 0.4


@pytest.mark.parametrize("seed", range(3))
def test_wrong_numbers(seed):
    X, y = make_friedman1(300, noise=1.0, random_state=seed)
    wrong = np.arange(300) % 10 == 0
    y = y + wrong * np.random.RandomState(seed).choice([-1, 1], 300) * 2 * y.std()
    model = GradientBoostingRegressor(max_depth=4, random_state=0)
    detector = DatasetMap(model).fit(X, y)
    end = np.abs(model.fit(X, y).predict(X) - y)
    found = average_precision_score(wrong, detector.noise_score_)
    assert found > average_precision_score(wrong, end) + 0.05


def test_auto_flags_numbers_that_are_far_off():
    X, y = make_friedman1(300, noise=1.0, random_state=0)
    wrong = np.arange(300) % 10 == 0
    y = y + wrong * np.random.RandomState(0).choice([-1, 1], 300) * 4 * y.std()
    flagged = DatasetMap(LinearRegression()).fit(X, y).noise_mask_
    assert flagged[wrong].mean() > 0.8 and flagged[~wrong].mean() < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_hardness_puts_a_group_that_is_never_learnt_above_rows_that_are_learnt_late(seed):
    """Claim of the second paper: such groups have low confidence and low variability.

    A linear model never learns a blob on the wrong side; rows near the border change their minds.
    """
    rng = np.random.RandomState(seed)
    X = rng.uniform(-3, 3, size=(500, 2))
    y = (X[:, 0] > 0).astype(int)
    group = np.arange(500) >= 480
    X[group] = [2.5, 2.5] + 0.1 * rng.normal(size=(20, 2))
    y[group] = 0
    model = SGDClassifier("log_loss", learning_rate="adaptive", eta0=0.02, random_state=0)
    detector = DatasetMap(model, rank_by="hardness").fit(X, y)
    assert average_precision_score(group, detector.noise_score_) > 0.95
    border = np.abs(X[:, 0]) < 0.3
    assert detector.variability_[group].mean() < detector.variability_[border].mean()
    assert detector.confidence_[group].max() < detector.confidence_[border].mean() - 0.2


def test_within_sources():
    """Claim of the third paper: a cut over all sources takes from one of them alone."""
    X, y, source, wrong = two_sources()
    model = GaussianNB()
    share = {"contamination": 0.1, "n_stages": 10}
    together = DatasetMap(model, **share).fit(X, y, groups=source)
    apart = DatasetMap(model, per_group=True, **share).fit(X, y, groups=source)
    flagged = {name: apart.noise_mask_[source == name].sum() for name in ("easy", "hard")}
    assert flagged == {"easy": 20, "hard": 20}
    np.testing.assert_allclose(apart.confidence_, together.confidence_)
    for name in ("easy", "hard"):
        rows = source == name
        order = np.argsort(apart.noise_score_[rows])
        assert (np.diff(together.noise_score_[rows][order]) >= -1e-12).all()
        assert apart.noise_score_[rows].min() > 0 and apart.noise_score_[rows].max() < 1
    precision = average_precision_score(wrong, apart.noise_score_)
    assert precision >= average_precision_score(wrong, together.noise_score_) - 0.1


def test_the_rule_of_each_source():
    X, y, source, wrong = two_sources()
    detector = DatasetMap(LogisticRegression(), per_group=True, contamination="own").fit(
        X, y, groups=source
    )
    easy = source == "easy"
    assert wrong[easy & detector.noise_mask_].all()
    assert detector.noise_mask_[easy & wrong].mean() > 0.9
    assert wrong[~easy & detector.noise_mask_].mean() > 0.5
    # a source of one class, and one of a single row
    odd = np.array(source, dtype=object)
    odd[(y == 0) & easy], odd[399] = "other", "alone"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = DatasetMap(LogisticRegression(), per_group=True, contamination="own").fit(
            X, y, groups=odd
        )
    assert np.isfinite(again.noise_score_).all() and np.isfinite(again.noise_proba_).all()
    numbers = DatasetMap(Ridge(), per_group=True, contamination="own").fit(
        X, X[:, 0] ** 3, groups=odd
    )
    assert np.isfinite(numbers.noise_score_).all()


def test_sources_are_needed():
    X, y, _ = labels(n=50)
    with pytest.raises(ValueError, match="give fit groups"):
        DatasetMap(GaussianNB(), per_group=True).fit(X, y)


def test_rows_that_cannot_be_judged():
    X, y, _ = labels(n=60)
    y[5] = 7
    with pytest.warns(UserWarning, match="sole member"):
        detector = DatasetMap(GaussianNB(), cv=3, random_state=0).fit(X, y)
    for values in (detector.noise_score_, detector.confidence_, detector.correctness_):
        assert np.isnan(values[5]) and np.isfinite(np.delete(values, 5)).all()
    assert detector.y_suggested_[5] == 7


def test_in_a_treatment_and_its_reason():
    X, y, wrong = labels(rate=0.1)
    model = FilterClassifier(LogisticRegression(), DatasetMap(), random_state=0).fit(X, y)
    assert wrong[model.noise_mask_].mean() > 0.5
    reason = model.detector_.noise_report(X, y)["reason"].iloc[0]
    assert reason.startswith("confidence 0.") and "of the stages" in reason
