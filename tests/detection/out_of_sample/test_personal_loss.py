"""PersonalLoss through its public behaviour."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GroupKFold

from sknoisy import FilterRegressor
from sknoisy.detection import PersonalLoss
from sknoisy.threshold import FixedRate, MixturePosterior

from ...helpers import fits, noisy_labels, recording, row_numbers


def users(seed, n_users=20, n_each=40):
    """Numbers off by more the less typical the user, and more so where they are wrong."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_users), n_each)
    n = len(groups)
    X = rng.normal(size=(n, 3))
    offset = (np.linspace(0, 6, n_users) * rng.choice([-1, 1], n_users))[groups]
    y = X.sum(axis=1) + offset + 0.2 * rng.normal(size=n)
    wrong = rng.random(n) < 0.15
    y[wrong] += (np.where(offset < 0, -1, 1) * rng.uniform(2, 3, n))[wrong]
    return X, y, groups, wrong


class Told(ClassifierMixin, BaseEstimator):
    """The first column is the probability of class 1."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]])

    def predict(self, X):
        return self.classes_[(X[:, 0] > 0.5).astype(int)]


@pytest.mark.parametrize("seed", range(4))
def test_separates_inside_groups_what_overlaps_overall(seed):
    X, y, groups, wrong = users(seed)
    detector = PersonalLoss(
        LinearRegression(), random_state=0, contamination=MixturePosterior()
    ).fit(X, y, groups=groups)
    overall = average_precision_score(wrong, detector.loss_)
    personal = average_precision_score(wrong, detector.noise_score_)
    assert overall < 0.65
    assert personal > 0.9
    inside = [roc_auc_score(wrong[groups == g], detector.loss_[groups == g]) for g in range(20)]
    assert np.mean(inside) > 0.97 > roc_auc_score(wrong, detector.loss_) + 0.1
    found = detector.noise_mask_
    assert wrong[found].mean() > 0.9
    assert found[wrong].mean() > 0.8


@pytest.mark.filterwarnings("ignore:1 class has fewer members")
def test_labels_of_niche_users_are_spared():
    """What a niche user likes is as unlikely as what a typical user dislikes."""
    rng = np.random.default_rng(0)
    niche, wrong = np.arange(400) >= 200, np.arange(400) % 10 == 0
    typical = np.where(niche, np.where(wrong, 0.01, 0.1), np.where(wrong, 0.1, 0.9))
    proba = np.clip(typical * rng.uniform(0.8, 1.1, 400), 0, 1)
    y = np.ones(400, dtype=int)
    y[:2] = 0
    detector = PersonalLoss(Told(), personal_quantile=0.9, random_state=0)
    detector.fit(proba[:, None], y, groups=niche)
    judged = np.arange(400) >= 2
    assert average_precision_score(wrong[judged], detector.noise_score_[judged]) > 0.99
    assert average_precision_score(wrong[judged], detector.loss_[judged]) < 0.7
    np.testing.assert_array_equal(detector.noise_mask_[20:], wrong[20:])


@pytest.mark.parametrize("temperature", [0.1, 1.0, 5.0])
def test_score_is_the_papers_softmax(temperature):
    X, y = noisy_labels(90)
    groups = np.random.default_rng(0).integers(0, 7, 90)
    detector = PersonalLoss(LogisticRegression(), temperature=temperature, random_state=0)
    detector.fit(X, y, groups=groups)
    for g in range(7):
        rows = np.flatnonzero(groups == g)
        share = np.exp(-detector.loss_[rows] / temperature)
        weight = len(rows) * share / share.sum()
        np.testing.assert_allclose(detector.personal_weight_[rows], weight)
        np.testing.assert_allclose(detector.noise_score_[rows], -np.log(weight))
        assert (detector.group_size_[rows] == len(rows)).all()
        order = spearmanr(detector.loss_[rows], detector.noise_score_[rows]).statistic
        assert order == pytest.approx(1)


def test_at_temperature_one_it_is_the_probability_over_its_mean():
    X, y = noisy_labels(90)
    groups = np.arange(90) % 3
    detector = PersonalLoss(LogisticRegression(), random_state=0).fit(X, y, groups=groups)
    given = np.exp(-detector.loss_)
    for g in range(3):
        rows = groups == g
        expected = given[rows] / given[rows].mean()
        np.testing.assert_allclose(detector.personal_weight_[rows], expected)


def test_no_groups_is_an_error_that_says_what_to_do():
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="give groups.*missing_groups='one'"):
        PersonalLoss(LogisticRegression()).fit(X, y)


def test_one_group_is_the_plain_loss():
    X, y = noisy_labels()
    alone = PersonalLoss(LogisticRegression(), missing_groups="one", random_state=0).fit(X, y)
    same = PersonalLoss(LogisticRegression(), random_state=0).fit(X, y, groups=np.zeros(len(y)))
    np.testing.assert_allclose(alone.noise_score_, same.noise_score_)
    assert spearmanr(alone.noise_score_, alone.loss_).statistic == pytest.approx(1)


def test_models_have_seen_other_rows_of_the_group_unless_a_splitter_says_otherwise():
    X, y = noisy_labels(90)
    groups = np.arange(90) // 10
    for cv, shared in ((3, True), (GroupKFold(3), False)):
        model, calls = recording(LogisticRegression())
        PersonalLoss(model, cv=cv, random_state=0).fit(X, y, groups=groups)
        assert len(fits(calls)) == 3
        for call in fits(calls):
            seen = row_numbers(call.X, 90)
            unseen = np.setdiff1d(np.arange(90), seen)
            assert bool(np.intersect1d(groups[seen], groups[unseen]).size) == shared


def test_quantile_flags_that_share_of_every_group():
    X, y, groups, _ = users(0)
    detector = PersonalLoss(LinearRegression(), personal_quantile=0.9, random_state=0)
    detector.fit(X, y, groups=groups)
    np.testing.assert_array_equal(np.bincount(groups[detector.noise_mask_]), np.full(20, 4))
    none = PersonalLoss(LinearRegression(), personal_quantile=1.0, random_state=0)
    assert not none.fit(X, y, groups=groups).noise_mask_.any()
    assert not none.noise_proba_.any()


def test_the_only_row_of_a_group_is_not_judged():
    X, y = noisy_labels(60)
    groups = np.array(["big"] * 59 + ["alone"], dtype=object)
    detector = PersonalLoss(LogisticRegression(), random_state=0).fit(X, y, groups=groups)
    assert np.flatnonzero(np.isnan(detector.noise_score_)).tolist() == [59]
    assert not detector.noise_mask_[59]


def test_names_of_groups_do_not_matter():
    X, y, groups, _ = users(1)
    detector = PersonalLoss(LinearRegression(), random_state=0)
    first = detector.fit(X, y, groups=groups).noise_score_
    names = np.array([f"user {(7 * g) % 20}" for g in groups], dtype=object)
    np.testing.assert_allclose(detector.fit(X, y, groups=names).noise_score_, first)


def test_in_a_treatment_with_groups():
    X, y, groups, wrong = users(2)
    detector = PersonalLoss(contamination=FixedRate(0.15))
    model = FilterRegressor(LinearRegression(), detector, random_state=0)
    model.fit(X, y, groups=groups)
    assert wrong[model.noise_mask_].mean() > 0.8


def test_reason_and_trusted():
    X, y, groups, wrong = users(3)
    detector = PersonalLoss(LinearRegression(), random_state=0)
    detector.fit(X, y, groups=groups, trusted=wrong)
    assert not detector.noise_mask_[wrong].any()
    assert "among the 40 rows of its group" in detector.noise_report(X, y)["reason"].iloc[0]
