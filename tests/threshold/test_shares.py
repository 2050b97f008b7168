"""Shares that are found: by a posterior, at an elbow, by the model's own score."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.tree import DecisionTreeClassifier

from sknoisy.detection import ConfidentLearning, NeighborDisagreement, Residual
from sknoisy.threshold import ContaminationPosterior, Elbow, OneStandardError

# --------------------------------------------------------------------------- posterior


def heaps(seed, n=600, share=0.08, columns=None):
    rng = np.random.default_rng(seed)
    wrong = np.arange(n) >= n - round(n * share)
    score = np.where(wrong, rng.beta(20, 2, n), rng.beta(2, 8, n))
    if columns:
        score = score[:, None] + rng.normal(0, 0.03, (n, columns))
    return score, wrong


@pytest.mark.parametrize("columns", [None, 3])
@pytest.mark.parametrize("share", [0.04, 0.08])
def test_the_share_of_a_group_of_high_scores_is_found(columns, share):
    for seed in range(2):
        score, wrong = heaps(seed, n=900, share=share, columns=columns)
        fitted = ContaminationPosterior(n_components=10, high=0.2, random_state=0).fit(score)
        low, high = fitted.contamination_interval_
        assert fitted.contamination_ == pytest.approx(share, abs=0.04)
        assert low < fitted.contamination_ < high
        assert fitted.contamination_samples_.shape == (10_000,)
        assert (fitted.contamination_samples_ == 0).mean() >= 0.01
        assert fitted.noise_proba_.mean() == pytest.approx(fitted.contamination_)
        assert fitted.noise_mask_.mean() == pytest.approx(fitted.contamination_, abs=0.002)
        assert fitted.noise_mask_[wrong].mean() > 0.85


def test_one_heap_is_left_alone():
    for seed in range(2):
        score = np.random.default_rng(seed).normal(size=300)
        fitted = ContaminationPosterior(n_components=5, random_state=0).fit(score)
        assert fitted.contamination_ < 0.06
        assert fitted.noise_mask_.mean() < 0.06


def test_quantiles_flag_fewer_or_more_and_the_prior_matters():
    score, _ = heaps(0, n=900)
    known = {"n_components": 8, "random_state": 0}
    counts = [
        ContaminationPosterior(q, **known).fit(score).noise_mask_.sum()
        for q in (0.05, "mean", 0.95)
    ]
    assert 0 < counts[0] < counts[1] < counts[2]
    many, wrong = heaps(0, share=0.25)
    # a quarter is more than the prior believes in, and stands apart all the same
    assert ContaminationPosterior(**known).fit(many).contamination_ < 0.25
    fitted = ContaminationPosterior(high=0.4, max_contamination=0.5, **known).fit(many)
    assert fitted.contamination_ == pytest.approx(0.25, abs=0.05)
    assert fitted.noise_mask_[wrong].mean() > 0.9


def test_many_rows_sharpen_the_posterior_though_a_sample_is_described():
    known = {"n_components": 6, "random_state": 0}
    few, many = (
        ContaminationPosterior(**known).fit(heaps(0, n=n)[0]).contamination_interval_
        for n in (1500, 12_000)
    )
    assert np.ptp(many) < 0.6 * np.ptp(few)


def test_the_posterior_through_a_detector_is_seeded_by_it():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = X[:, 0] + rng.normal(0, 0.1, 300)
    y[:15] += 6
    detector = Residual(
        Ridge(), contamination=ContaminationPosterior(n_components=5), random_state=0
    )
    one = detector.fit(X, y).threshold_.contamination_samples_
    two = detector.fit(X, y).threshold_.contamination_samples_
    np.testing.assert_array_equal(one, two)
    assert detector.contamination.random_state is None
    assert isinstance(detector.threshold_.random_state, int)


@pytest.mark.parametrize("score", [[0.5], [0.1, 0.9], [], [np.nan, np.nan], [1.0, np.inf, 0.0]])
def test_the_posterior_of_a_few_rows(score):
    fitted = ContaminationPosterior(n_samples=100, random_state=0).fit(score)
    assert not fitted.noise_mask_.any() or len(score) == 3
    assert 0 <= fitted.contamination_ <= 0.25


# --------------------------------------------------------------------------- elbow


def test_the_elbow_is_the_point_farthest_from_the_chord():
    rng = np.random.default_rng(0)
    for _ in range(20):
        score = rng.gamma(0.5, size=60)
        mask = Elbow(min_distance=0).fit(score).noise_mask_
        curve = np.sort(score)[::-1]
        x = np.arange(60) / 59
        distance = 1 - x - (curve - curve[-1]) / (curve[0] - curve[-1])
        assert mask.sum() == np.argmax(np.where(x * 59 <= 30, distance, -np.inf))


def test_the_elbow_finds_a_heap_and_leaves_a_line():
    rng = np.random.default_rng(0)
    score = np.r_[rng.normal(0, 0.3, 180), rng.normal(8, 0.5, 20)]
    assert Elbow().fit(score).noise_mask_[180:].all()
    assert Elbow().fit(score).noise_mask_.sum() <= 24
    line = np.linspace(0, 1, 100)
    assert not Elbow().fit(line).noise_mask_.any()
    assert not Elbow(min_distance=0).fit(line).noise_mask_.any()
    assert not Elbow().fit(1 - (1 - line) ** 3).noise_mask_.any()  # bends the other way
    assert Elbow().fit([0.0, 0, 0, 1]).noise_mask_.tolist() == [False, False, False, True]
    units = Elbow().fit(score * 1024 - 64).noise_mask_
    np.testing.assert_array_equal(units, Elbow().fit(score).noise_mask_)
    with pytest.raises(ValueError, match="min_distance"):
        Elbow(1.0).fit(score)


# --------------------------------------------------------------------------- one standard error


def noisy_classes(seed=0, n=300, share=0.2):
    rng = np.random.default_rng(seed)
    X = np.r_[rng.normal(-2, 1, (n // 2, 2)), rng.normal(2, 1, (n // 2, 2))]
    truth = np.repeat([0, 1], n // 2)
    wrong = rng.random(n) < share
    return X, np.where(wrong, 1 - truth, truth), wrong


def test_shares_are_ordered_as_the_rule_says():
    X, y, wrong = noisy_classes()
    score = wrong + np.random.default_rng(0).random(300)
    kept = {}
    for choose in ("mildest", "best", "strictest"):
        fitted = OneStandardError(DecisionTreeClassifier(), choose=choose, random_state=0)
        kept[choose] = fitted.fit(score, y, X=X)
    rates = [kept[choose].rate_ for choose in ("mildest", "best", "strictest")]
    assert rates == sorted(rates)
    assert rates[0] >= 0.05  # a tree learns wrong labels by heart, so some must go
    one = kept["strictest"]
    best = one.mean_scores_.argmax()
    good = one.mean_scores_ >= one.mean_scores_[best] - one.standard_errors_[best]
    assert one.rate_ == one.rates_[good].max()
    assert one.n_fits_ == 40
    assert one.noise_mask_.sum() == round(one.rate_ * 300)
    assert one.noise_mask_[wrong].mean() > 0.7


def test_scores_are_those_of_models_that_did_not_see_the_flagged_rows():
    """Brute force, with all rows of the test parts scored."""
    X, y, wrong = noisy_classes()
    score = wrong + np.linspace(0, 0.5, 300)
    folds = [(np.flatnonzero(np.arange(300) % 3 != k), np.arange(k, 300, 3)) for k in range(3)]

    class Folds:
        def split(self, X, y=None, groups=None):
            return iter(folds)

    fitted = OneStandardError(LogisticRegression(), rates=[0.25, 0], cv=Folds()).fit(score, y, X=X)
    flagged = score >= np.sort(score)[-75]
    for i, mask in enumerate([np.zeros(300, dtype=bool), flagged]):
        scores = []
        for train, test in folds:
            train = train[~mask[train]]
            scores.append(LogisticRegression().fit(X[train], y[train]).score(X[test], y[test]))
        assert fitted.mean_scores_[i] == pytest.approx(np.mean(scores))
        assert fitted.standard_errors_[i] == pytest.approx(np.std(scores, ddof=1) / np.sqrt(3))


def test_clean_data_mostly_lose_nothing_to_the_mildest():
    rates = []
    for seed in range(5):
        X, y, _ = noisy_classes(seed, share=0)
        rule = OneStandardError(choose="mildest", rates=[0, 0.1, 0.2])
        detector = ConfidentLearning(LogisticRegression(), contamination=rule, random_state=seed)
        rates.append(detector.fit(0.5 * X, y).threshold_.rate_)
    assert np.count_nonzero(rates) <= 1


def test_for_numbers_through_a_detector():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = X[:, 0] + 0.1 * rng.normal(size=200)
    wrong = np.arange(200) < 20
    y[wrong] += 20
    rule = OneStandardError(rates=[0, 0.05, 0.1], choose="best")
    fitted = Residual(Ridge(), contamination=rule, random_state=0).fit(X, y)
    assert fitted.threshold_.rate_ == 0.1
    np.testing.assert_array_equal(fitted.noise_mask_, wrong)
    fitted = Residual(Ridge(), contamination=rule, random_state=0)
    groups, trusted = np.arange(200) // 2, np.arange(200) == 0
    assert not fitted.fit(X, y, groups=groups, trusted=trusted).noise_mask_[0]
    with pytest.raises(ValueError, match="per_class"):
        OneStandardError(Ridge(), per_class=True).fit(y, y, X=X)


def test_a_detector_without_a_model_of_its_own():
    X, y, wrong = noisy_classes(n=120)
    rule = OneStandardError(DecisionTreeClassifier(random_state=0), rates=[0, 0.2])
    fitted = NeighborDisagreement(contamination=rule).fit(X, y)
    assert fitted.threshold_.rate_ == 0.2
    assert fitted.noise_mask_[wrong].mean() > 0.5


def test_by_trusted_rows_systematic_noise_is_seen_through():
    """One class is mostly given as the other where x > 1: only trusted rows know better."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, (600, 1))
    truth = (X[:, 0] > 0).astype(int)
    trusted = rng.random(600) < 0.3
    wrong = (X[:, 0] > 1) & ~trusted & (rng.random(600) < 0.8)
    y = np.where(wrong, 0, truth)
    score = wrong + 0.5 * rng.random(600)
    best = {}
    for score_on in ("all", "trusted"):
        rule = OneStandardError(
            DecisionTreeClassifier(max_depth=3, random_state=0),
            rates=[0, 0.4],
            choose="mildest",
            score_on=score_on,
            random_state=0,
        )
        best[score_on] = rule.fit(score, y, X=X, trusted=trusted)
    assert best["trusted"].rate_ == 0.4
    assert best["all"].rate_ == 0


def test_odd_cases_of_one_standard_error():
    X, y, _ = noisy_classes(n=60)
    score = np.linspace(0, 1, 60)
    with pytest.raises(ValueError, match="set estimator"):
        OneStandardError().fit(score, y, X=X)
    with pytest.raises(ValueError, match="pass X and y"):
        OneStandardError(LogisticRegression()).fit(score, y)
    with pytest.raises(ValueError, match=r"shares in \[0, 0.5\]"):
        OneStandardError(LogisticRegression(), rates=[0.1, 0.7]).fit(score, y, X=X)
    with pytest.raises(ValueError, match="pass trusted"):
        OneStandardError(LogisticRegression(), score_on="trusted").fit(score, y, X=X)
    # a class is never left out of a training part, though it has the highest scores
    rare = np.r_[np.zeros(54, dtype=int), np.ones(6, dtype=int)]
    fitted = OneStandardError(LogisticRegression(), rates=[0, 0.2], random_state=0)
    assert fitted.fit(score, rare, X=X).n_fits_ == 10
    one_class = OneStandardError(DecisionTreeClassifier(), random_state=0)
    assert one_class.fit(score, np.zeros(60, dtype=int), X=X).rate_ == 0
    custom = OneStandardError(
        LogisticRegression(), scoring=make_scorer(accuracy_score), rates=[0, 0.1], random_state=0
    )
    named = OneStandardError(LogisticRegression(), rates=[0, 0.1], random_state=0)
    a, b = custom.fit(score, y, X=X), named.fit(score, y, X=X)
    np.testing.assert_array_equal(a.mean_scores_, b.mean_scores_)


@pytest.mark.slow
@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.2])
def test_a_group_that_stands_apart_is_counted(share, skewed):
    rng = np.random.default_rng(0)
    wrong = np.arange(600) < 600 * share
    score = rng.normal(size=600) + 4.0 * wrong
    fitted = ContaminationPosterior(n_samples=2000, random_state=0)
    fitted.fit(np.exp(score / 1.5) if skewed else score)
    assert abs(fitted.contamination_ - share) < 0.07
