"""INFFC through its public behaviour."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, pairwise_distances
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sknoisy.detection import INFFC, Consensus
from sknoisy.exceptions import RareClassWarning

from ...helpers import fits, noisy_labels, recording, row_numbers

VOTERS = [
    ("tree", DecisionTreeClassifier(min_samples_leaf=2, random_state=0)),
    ("near", KNeighborsClassifier(3)),
    ("linear", LogisticRegression()),
]


def noise_score(X, y, noisy, k):
    """The authors' noise score, row by row."""
    far = pairwise_distances(StandardScaler().fit_transform(X))
    np.fill_diagonal(far, np.inf)
    near = np.argsort(far, axis=1)[:, :k]

    def confidence(j):
        return 1 / np.sqrt(1 + sum(j in near[i] for i in np.flatnonzero(noisy)) ** 2)

    def clean(j):
        n_noisy = noisy[near[j]].sum()
        return (k + (1 if noisy[j] else -1) * (n_noisy - k)) / (2 * k)

    def score(i):
        return np.mean([confidence(j) * clean(j) * (1 if y[j] != y[i] else -1) for j in near[i]])

    return np.array([score(i) for i in range(len(y))])


def wrong_labels(seed, n=240, rate=0.15):
    X, y = make_classification(
        n, 6, n_informative=4, n_redundant=0, class_sep=1.5, flip_y=0.0, random_state=seed
    )
    wrong = np.random.RandomState(seed).rand(n) < rate
    return X, np.where(wrong, 1 - y, y), wrong


@pytest.mark.parametrize("k", [1, 5])
def test_neighbour_score_of_one_round(k):
    X, y = noisy_labels()
    detector = INFFC(VOTERS, contamination="own", n_neighbors=k, max_iter=1, random_state=0).fit(
        X, y
    )
    noisy = 2 * detector.n_against_ > detector.n_votes_
    assert noisy.any()
    expected = noise_score(X, y, noisy, k)
    np.testing.assert_allclose(detector.neighbor_score_, expected)
    np.testing.assert_array_equal(detector.noise_mask_, noisy & (expected > 0))
    np.testing.assert_array_equal(detector.n_flagged_, [detector.noise_mask_.sum()])


def test_lower_bound_removes_more():
    X, y = noisy_labels(rate=0.3)
    n_flagged = [
        INFFC(VOTERS, contamination="own", min_score=bound, max_iter=1, random_state=0)
        .fit(X, y)
        .noise_mask_.sum()
        for bound in (-1.0, 0.0, 0.2, 1.0)
    ]
    assert sorted(n_flagged, reverse=True) == n_flagged
    assert n_flagged[0] > n_flagged[2] > n_flagged[3] == 0


def test_second_vote_is_by_models_without_the_rows_that_are_voted_down():
    X, y = noisy_labels()
    model, calls = recording(LogisticRegression())
    INFFC([("linear", model)], max_iter=1, cv=4, random_state=0).fit(X, y)
    first, second = fits(calls)[:4], fits(calls)[4:]
    assert len(second) == 4
    plain = Consensus(
        [("linear", LogisticRegression())], vote="majority", cv=4, random_state=0
    ).fit(X, y)
    for before, after in zip(first, second, strict=True):
        left_out = set(row_numbers(before.X, len(y))) - set(row_numbers(after.X, len(y)))
        assert left_out == set(row_numbers(before.X, len(y))) & set(
            np.flatnonzero(plain.noise_mask_)
        )


def test_removed_rows_are_never_fitted_again():
    X, y = noisy_labels()
    model, calls = recording(LogisticRegression())
    detector = INFFC([("linear", model)], contamination="own", cv=4, random_state=0).fit(X, y)
    assert detector.n_iter_ >= 3
    removed = set(np.flatnonzero(detector.noise_mask_))
    for call in fits(calls)[-4:]:
        assert not removed & set(row_numbers(call.X, len(y)))
    assert (np.diff(detector.n_flagged_) >= 0).all()
    assert detector.n_flagged_[-1] == len(removed)


def test_it_ends_after_calm_rounds():
    X, y = noisy_labels()
    for patience in (1, 3):
        n_removed = (
            INFFC(VOTERS, contamination="own", n_iter_no_change=patience, random_state=0)
            .fit(X, y)
            .n_flagged_
        )
        steps = np.diff(n_removed, prepend=0)
        assert (steps[-patience:] <= 0.01 * len(y)).all()
        assert len(steps) == patience or steps[-patience - 1] > 0.01 * len(y)
    assert INFFC(VOTERS, contamination="own", max_iter=2, random_state=0).fit(X, y).n_iter_ == 2


@pytest.mark.parametrize("seed", range(3))
def test_neighbours_make_it_more_precise(seed):
    X, y, wrong = wrong_labels(seed)
    votes_only, both = (
        INFFC(VOTERS, contamination="own", min_score=bound, max_iter=3, random_state=0).fit(X, y)
        for bound in (-1.0, 0.0)
    )
    assert wrong[both.noise_mask_].mean() > wrong[votes_only.noise_mask_].mean() + 0.02
    assert wrong[both.noise_mask_].sum() > 0.6 * wrong.sum()
    assert average_precision_score(wrong, both.noise_score_) > 3 * wrong.mean()


def test_rows_that_only_models_get_wrong_are_spared():
    # a class in two heaps, one of them small: a linear model gets the small one wrong
    heaps, n_rows = [[0.0], [6.0], [12.0]], [60, 60, 10]
    X, y = make_blobs(n_rows, centers=heaps, n_features=1, random_state=0)
    y = np.where(y == 1, 1, 0)
    linear = [("linear", LogisticRegression())]
    small = np.flatnonzero(X[:, 0] > 9.5)
    assert Consensus(linear, random_state=0).fit(X, y).noise_mask_[small].all()
    detector = INFFC(linear, contamination="own", random_state=0).fit(X, y)
    assert not detector.noise_mask_[small].any()
    assert "(kept)" in detector._reason(small[0])


def test_ranking_follows_the_verdict():
    X, y = noisy_labels(rate=0.3)
    detector = INFFC(VOTERS, contamination="own", random_state=0).fit(X, y)
    score, mask = detector.noise_score_, detector.noise_mask_
    assert score[mask].min() >= 2 / 3 > score[~mask].max()
    removed = np.flatnonzero(mask)
    by_score = removed[np.argsort(score[removed])]
    assert (np.diff(detector.neighbor_score_[by_score]) >= 0).all()
    assert ((score >= 0) & (score <= 1)).all()


def test_trusted_rows_and_rare_classes_stay():
    X, y = noisy_labels()
    flagged = INFFC(VOTERS, contamination="own", random_state=0).fit(X, y).noise_mask_
    trusted = INFFC(VOTERS, contamination="own", random_state=0).fit(X, y, trusted=flagged)
    assert not trusted.noise_mask_[flagged].any()
    y = y.copy()
    y[3] = 5
    with pytest.warns(RareClassWarning) as warned:
        detector = INFFC(VOTERS, contamination="own", random_state=0).fit(X, y)
    assert len(warned) == 1
    assert np.isnan(detector.noise_score_[3])


def test_names_of_classes_do_not_matter():
    X, y = noisy_labels()
    first = INFFC(VOTERS, contamination="own", random_state=0).fit(X, y)
    second = INFFC(VOTERS, contamination="own", random_state=0).fit(X, np.array(["z", "a", "k"])[y])
    np.testing.assert_array_equal(first.noise_mask_, second.noise_mask_)


def test_voters_are_reached_by_name():
    detector = INFFC(VOTERS, contamination="own").set_params(
        near="drop", linear__C=0.1, vote="unanimous"
    )
    X, y = noisy_labels()
    assert (detector.fit(X, y).n_votes_ == 2).all()
    assert detector.get_params()["linear__C"] == 0.1
    with pytest.raises(ValueError, match="vote"):
        detector.set_params(vote="average").fit(X, y)
