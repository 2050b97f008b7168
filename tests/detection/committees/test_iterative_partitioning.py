"""IterativePartitioning through its public behaviour."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sknoisy.detection import Consensus, IterativePartitioning
from sknoisy.exceptions import RareClassWarning

from ...helpers import fits, noisy_labels, recording, row_numbers

TREE = DecisionTreeClassifier(min_samples_leaf=3, random_state=0)


def wrong_labels(seed, n=300, rate=0.15):
    X, y = make_classification(
        n, 6, n_informative=4, n_redundant=0, class_sep=2.0, flip_y=0.0, random_state=seed
    )
    wrong = np.random.RandomState(seed).rand(n) < rate
    return X, np.where(wrong, 1 - y, y), wrong


@pytest.mark.parametrize("vote", ["majority", "unanimous"])
@pytest.mark.parametrize("own_model", ["required", "counted", "ignored"])
def test_votes_of_one_round(vote, own_model):
    X, y = noisy_labels()
    folds = StratifiedKFold(5)
    detector = IterativePartitioning(
        LogisticRegression(),
        vote=vote,
        own_model=own_model,
        max_iter=1,
        cv=folds,
        contamination="own",
    ).fit(X, y)
    parts = [test for _, test in folds.split(X, y)]
    against = np.array([LogisticRegression().fit(X[p], y[p]).predict(X) != y for p in parts])
    own = np.array([np.isin(np.arange(len(y)), part) for part in parts])
    votes = against.sum(axis=0)
    n_votes = 5
    if own_model == "ignored":
        votes, n_votes = (against & ~own).sum(axis=0), 4
    np.testing.assert_array_equal(detector.n_against_, votes)
    assert (detector.n_votes_ == n_votes).all()
    expected = votes == n_votes if vote == "unanimous" else 2 * votes > n_votes
    if own_model == "required":
        expected &= (against & own).any(axis=0)
    np.testing.assert_array_equal(detector.noise_mask_, expected)
    assert expected.any()


def test_suggestions_are_by_models_of_other_parts():
    X, y = noisy_labels()
    folds = StratifiedKFold(5)
    detector = IterativePartitioning(LogisticRegression(), max_iter=1, cv=folds).fit(X, y)
    total, n_judges = np.zeros((len(y), 3)), np.zeros(len(y))
    for others, part in folds.split(X, y):
        model = LogisticRegression().fit(X[part], y[part])
        total[others] += model.predict_proba(X[others])
        n_judges[others] += 1
    np.testing.assert_allclose(detector.class_proba_, total / n_judges[:, None])


def test_models_see_one_part_and_nothing_that_is_removed():
    X, y = noisy_labels()
    model, calls = recording(LogisticRegression())
    detector = IterativePartitioning(model, cv=3, random_state=0, contamination="own").fit(X, y)
    rounds = [fits(calls)[i : i + 3] for i in range(0, len(fits(calls)), 3)]
    assert len(rounds) == detector.n_iter_
    first = [row_numbers(call.X, len(y)) for call in rounds[0]]
    np.testing.assert_array_equal(np.sort(np.concatenate(first)), np.arange(len(y)))
    n_seen = [sum(len(call.X) for call in calls) for calls in rounds]
    np.testing.assert_array_equal(n_seen[1:], len(y) - detector.n_flagged_[:-1])
    removed_first = set(range(len(y))) - set(
        np.concatenate([row_numbers(call.X, len(y)) for call in rounds[1]])
    )
    assert detector.noise_mask_[list(removed_first)].all()
    # other parts in each round
    second = [set(row_numbers(call.X, len(y))) for call in rounds[1]]
    assert all(not part <= set(before) for part in second for before in first)


def test_rounds_find_more_and_end_when_calm():
    X, y, _ = wrong_labels(0)
    detector = IterativePartitioning(TREE, random_state=0, contamination="own").fit(X, y)
    steps = np.diff(detector.n_flagged_, prepend=0)
    assert detector.n_iter_ > 3
    assert (steps[-3:] <= 0.01 * len(y)).all()
    assert steps[-4] > 0.01 * len(y)
    once = IterativePartitioning(TREE, max_iter=1, random_state=0, contamination="own").fit(X, y)
    assert (once.noise_mask_ <= detector.noise_mask_).all()
    assert once.noise_mask_.sum() < detector.noise_mask_.sum()


@pytest.mark.parametrize("model", [LogisticRegression(), TREE, LinearSVC(random_state=0)])
def test_wrong_labels_are_removed(model):
    for seed in range(2):
        X, y, wrong = wrong_labels(seed)
        detector = IterativePartitioning(
            model, max_iter=4, random_state=0, contamination="own"
        ).fit(X, y)
        assert wrong[detector.noise_mask_].mean() > 3 * wrong.mean()
        assert wrong[detector.noise_mask_].sum() > 0.6 * wrong.sum()
        assert average_precision_score(wrong, detector.noise_score_) > 3 * wrong.mean()


@pytest.mark.parametrize("seed", range(3))
def test_the_models_own_part_makes_it_more_precise(seed):
    X, y, wrong = wrong_labels(seed)
    precision = [
        wrong[
            IterativePartitioning(TREE, own_model=own, random_state=0).fit(X, y).noise_mask_
        ].mean()
        for own in ("required", "counted")
    ]
    assert precision[0] > precision[1]


def test_a_model_that_fits_every_row_needs_other_votes():
    X, y, _ = wrong_labels(0)
    full = DecisionTreeClassifier(random_state=0)
    assert (
        not IterativePartitioning(full, random_state=0, contamination="own")
        .fit(X, y)
        .noise_mask_.any()
    )
    assert (
        IterativePartitioning(full, own_model="counted", contamination="own")
        .fit(X, y)
        .noise_mask_.any()
    )


def test_default_model():
    X, y = noisy_labels()
    detector = IterativePartitioning(vote="unanimous", max_iter=1, random_state=0).fit(X, y)
    assert detector.noise_mask_.any()
    assert (detector.y_suggested_[detector.noise_mask_] != y[detector.noise_mask_]).all()


def test_unanimous_removes_less():
    X, y, _ = wrong_labels(0)
    majority, unanimous = (
        IterativePartitioning(TREE, vote=vote, max_iter=1, random_state=0, contamination="own")
        .fit(X, y)
        .noise_mask_
        for vote in ("majority", "unanimous")
    )
    assert (unanimous <= majority).all()
    assert 0 < unanimous.sum() < majority.sum()


def test_one_round_without_own_votes_is_the_partition_filter_of_consensus():
    X, y = noisy_labels()
    folds = StratifiedKFold(4)
    one = IterativePartitioning(
        TREE, own_model="ignored", max_iter=1, cv=folds, contamination="own"
    ).fit(X, y)
    two = Consensus([("tree", TREE)], train_on="part", vote="majority", cv=folds).fit(X, y)
    np.testing.assert_array_equal(one.noise_mask_, two.noise_mask_)
    np.testing.assert_array_equal(one.n_against_, two.n_against_)


def test_ranking_follows_the_verdict():
    X, y, _ = wrong_labels(0)
    detector = IterativePartitioning(TREE, random_state=0, contamination="own").fit(X, y)
    score, mask = detector.noise_score_, detector.noise_mask_
    assert score[mask].min() >= 0.5 >= score[~mask].max()


def test_trusted_rows_groups_and_rare_classes():
    X, y = noisy_labels()
    flagged = IterativePartitioning(TREE, random_state=0).fit(X, y).noise_mask_
    assert flagged.any()
    trusted = IterativePartitioning(TREE, random_state=0).fit(X, y, trusted=flagged)
    assert not trusted.noise_mask_[flagged].any()

    groups = np.arange(len(y)) // 5
    model, calls = recording(TREE)
    IterativePartitioning(model, cv=3, max_iter=1, random_state=0).fit(X, y, groups=groups)
    seen = [set(groups[row_numbers(call.X, len(y))]) for call in fits(calls)]
    assert not seen[0] & seen[1] and not seen[1] & seen[2] and not seen[0] & seen[2]

    y = y.copy()
    y[3] = 5
    with pytest.warns(RareClassWarning) as warned:
        detector = IterativePartitioning(TREE, random_state=0).fit(X, y)
    assert len(warned) == 1
    assert np.isnan(detector.noise_score_[3])


def test_names_of_classes_do_not_matter():
    X, y = noisy_labels()
    first = IterativePartitioning(LogisticRegression(), random_state=0).fit(X, y)
    second = IterativePartitioning(LogisticRegression(), random_state=0)
    second.fit(X, np.array(["z", "a", "k"])[y])
    np.testing.assert_array_equal(first.noise_mask_, second.noise_mask_)


def test_report_says_how_many_models_are_against():
    X, y = noisy_labels()
    detector = IterativePartitioning(TREE, random_state=0).fit(X, y)
    assert detector.noise_report(X, y).reason.str.contains("models of parts are against").all()
