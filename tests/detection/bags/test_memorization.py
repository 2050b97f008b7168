"""Memorization through its public behaviour."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier

from sknoisy.detection import CombinedDetector, Memorization, WellRepresentedness
from sknoisy.exceptions import RareClassWarning

from ...helpers import fits, noisy_labels, noisy_numbers, recording, row_numbers


def seen_and_unseen(models, bags, n, answer):
    """The definition: means of `answer(model)[row]` over the models with and without the row."""
    seen, unseen = np.full(n, np.nan), np.full(n, np.nan)
    answers = np.array([answer(model) for model in models])
    has = np.array([np.isin(np.arange(n), bag) for bag in bags])
    for i in range(n):
        seen[i], unseen[i] = answers[has[:, i], i].mean(), answers[~has[:, i], i].mean()
    return seen, unseen


# ------------------------------------------------------------------ the formula


@pytest.mark.parametrize("response", ["predict_proba", "predict"])
def test_score_of_labels_is_in_bag_minus_out_of_bag(response):
    X, y = noisy_labels()
    inner = DecisionTreeClassifier(min_samples_leaf=3, random_state=0)
    model, calls = recording(inner)
    detector = Memorization(model, n_bags=20, response=response, random_state=0).fit(X, y)
    bags = [row_numbers(call.X, len(y)) for call in fits(calls)]
    assert len(bags) == 20

    def answer(model):
        proba, rows = model.predict_proba(X), np.arange(len(y))
        if response == "predict_proba":
            return proba[rows, y]
        best = proba == proba.max(axis=1, keepdims=True)
        return best[rows, y] / best.sum(axis=1)

    trees = [DecisionTreeClassifier(min_samples_leaf=3, random_state=0) for _ in bags]
    trees = [tree.fit(X[bag], y[bag]) for tree, bag in zip(trees, bags, strict=True)]
    seen, unseen = seen_and_unseen(trees, bags, len(y), answer)
    np.testing.assert_allclose(detector.seen_, seen)
    np.testing.assert_allclose(detector.unseen_, unseen)
    np.testing.assert_allclose(detector.noise_score_, seen - unseen, atol=1e-12)


def test_score_of_numbers_is_the_difference_of_errors():
    X, y = noisy_numbers()
    model, calls = recording(KNeighborsRegressor(2))
    detector = Memorization(model, n_bags=20, random_state=0).fit(X, y)
    bags = [row_numbers(call.X, len(y)) for call in fits(calls)]
    models = [KNeighborsRegressor(2).fit(X[bag], y[bag]) for bag in bags]
    seen, unseen = seen_and_unseen(models, bags, len(y), lambda m: (m.predict(X) - y) ** 2)
    score = (np.sqrt(unseen) - np.sqrt(seen)) / np.median(np.sqrt(unseen))
    np.testing.assert_allclose(detector.noise_score_, score)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_subsets_have_the_same_share_of_each_class(share):
    X, y = noisy_labels(n=100, n_classes=3)
    model, calls = recording(LogisticRegression())
    detector = Memorization(model, n_bags=30, max_samples=share, random_state=0).fit(X, y)
    for call in fits(calls):
        rows = row_numbers(call.X, len(y))
        assert len(rows) == len(set(rows))  # without replacement
        assert (np.abs(np.bincount(call.y) - share * np.bincount(y)) < 1).all()
    # every row has the same chance
    times = detector.n_seen_ / 30
    assert abs(times.mean() - share) < 0.01
    assert times.std() < 1.5 * np.sqrt(share * (1 - share) / 30)


# ------------------------------------------------------------------ the paper's claim


@pytest.mark.parametrize("seed", range(3))
def test_a_tree_memorises_wrong_labels(seed):
    X, y = make_classification(
        300, 6, n_informative=4, n_redundant=0, class_sep=2.0, flip_y=0.0, random_state=seed
    )
    wrong = np.random.RandomState(seed).rand(300) < 0.1
    y = np.where(wrong, 1 - y, y)
    detector = Memorization(DecisionTreeClassifier(), n_bags=40, random_state=0).fit(X, y)
    score = detector.noise_score_
    assert score[wrong].mean() > 0.6
    assert score[~wrong].mean() < 0.3
    assert average_precision_score(wrong, score) > 0.6


def test_a_row_of_a_long_tail_is_memorised_and_one_with_others_like_it_is_not():
    rng = np.random.RandomState(0)
    X = np.r_[rng.normal(0, 1, (60, 2)), rng.normal(8, 1, (60, 2)), [[30, -30]] * 8, [[-30, 30]]]
    X[120:128] += rng.normal(0, 0.01, (8, 2))
    y = np.r_[np.zeros(60), np.ones(60), np.ones(8), np.ones(1)].astype(int)
    detector = Memorization(KNeighborsClassifier(1), n_bags=100, random_state=0).fit(X, y)
    others, alone = detector.noise_score_[120:128], detector.noise_score_[128]
    assert np.abs(others).max() < 0.1
    # its nearest row is of the other class, or not, by chance
    assert alone > 0.1


def test_a_model_without_memory_has_none():
    X, y = noisy_labels()
    detector = Memorization(DummyClassifier(), n_bags=30, random_state=0).fit(X, y)
    assert np.abs(detector.noise_score_).max() < 0.05
    assert not detector.noise_mask_.any()


def test_what_is_not_memorised_is_not_flagged():
    X, y = noisy_labels()
    linear = Memorization(LogisticRegression(), random_state=0, contamination="own").fit(X, y)
    tree = Memorization(DecisionTreeClassifier(), random_state=0, contamination="own").fit(X, y)
    for detector in (linear, tree):
        assert (detector.noise_score_[detector.noise_mask_] > 0.25).all()
        assert (detector.noise_proba_[detector.noise_score_ <= 0.25] == 0).all()
        given = detector.label_proba_[np.arange(len(y)), y]
        np.testing.assert_allclose(given, 1 - detector.noise_proba_, atol=1e-12)
    assert tree.noise_mask_.sum() > 5 > linear.noise_mask_.sum()


# ------------------------------------------------------------------ what is shared, what is not


def test_subsets_are_shared_with_others_that_ask():
    X, y = noisy_labels()
    model, calls = recording(DecisionTreeClassifier())
    pair = [("memory", Memorization(n_bags=10)), ("usual", WellRepresentedness(n_bags=10))]
    CombinedDetector(pair, model, random_state=0).fit(X, y)
    assert len(fits(calls)) == 10


def test_groups_stay_together():
    X, y = noisy_labels()
    groups = np.arange(len(y)) // 3
    detector = Memorization(DecisionTreeClassifier(), random_state=0).fit(X, y, groups=groups)
    assert all(len(set(detector.n_seen_[groups == g])) == 1 for g in np.unique(groups))
    assert (detector.n_seen_ + detector.n_unseen_ == 50).all()


def test_a_sole_member_is_not_judged():
    X, y = noisy_labels()
    y = y.copy()
    y[3] = 5
    with pytest.warns(RareClassWarning):
        detector = Memorization(DecisionTreeClassifier(), random_state=0).fit(X, y)
    assert np.isnan(detector.noise_score_[3])
    assert detector.y_suggested_[3] == 5


def test_names_of_classes_do_not_matter():
    X, y = noisy_labels()
    tree = DecisionTreeClassifier()
    first = Memorization(tree, n_bags=20, random_state=0).fit(X, y)
    second = Memorization(tree, n_bags=20, random_state=0).fit(X, np.array(["z", "a", "k"])[y])
    np.testing.assert_allclose(first.noise_score_, second.noise_score_, atol=1e-12)


def test_wrong_numbers():
    X, y = noisy_numbers(n=200)
    detector = Memorization(KNeighborsRegressor(2), random_state=0).fit(X, y)
    wrong = np.random.RandomState(0).choice(200, 20, replace=False)
    assert average_precision_score(np.isin(np.arange(200), wrong), detector.noise_score_) > 0.8


def test_share_must_leave_rows_out():
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="max_samples"):
        Memorization(max_samples=1.0).fit(X, y)
