"""Aggregators find out who is good, and beat the majority by it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sknoisy.weak_labels import (
    GLAD,
    MACE,
    BiasVariance,
    DawidSkene,
    LabelModel,
    MajorityVote,
    OneCoin,
    TripletLabelModel,
)

BY_SKILL = [OneCoin(), DawidSkene(), GLAD(), MACE()]
ALL = [MajorityVote(), *BY_SKILL, LabelModel(), TripletLabelModel()]


def name_of(model):
    return type(model).__name__


def crowd(accuracy, n=500, n_classes=3, share=0.7, seed=0):
    """(true codes, votes with NaN) of annotators of these accuracies, errors being even."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n)
    shape = n, len(accuracy)
    wrong = (y[:, None] + rng.integers(1, n_classes, shape)) % n_classes
    votes = np.where(rng.random(shape) < accuracy, y[:, None], wrong).astype(float)
    votes[rng.random(shape) > share] = np.nan
    votes[np.isnan(votes).all(axis=1), 0] = 0
    return y, votes


FEW_GOOD = [0.95, 0.9, 0.45, 0.45, 0.4, 0.4, 0.35]


@pytest.mark.parametrize("model", BY_SKILL, ids=name_of)
def test_skills_are_found_and_beat_the_majority(model):
    gains = []
    for seed in range(3):
        y, votes = crowd(FEW_GOOD, seed=seed)
        fitted = clone(model).fit(votes)
        majority = MajorityVote().fit(votes)
        gains.append(np.mean(fitted.labels_ == y) - np.mean(majority.labels_ == y))
        skill = fitted.annotator_skill_
        assert skill[:2].min() > skill[2:].max() + 0.1
    assert min(gains) > 0.08


def test_dawid_skene_learns_who_takes_what_for_what():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    truth = np.array([[[0.9, 0.1], [0.4, 0.6]], [[0.7, 0.3], [0.1, 0.9]], [[0.8, 0.2], [0.2, 0.8]]])
    votes = (rng.random((2000, 3)) < truth[:, y, 1].T).astype(int)
    fitted = DawidSkene().fit(votes)
    assert np.abs(fitted.confusion_ - truth).max() < 0.08


def test_mace_finds_the_spammer_and_his_habit():
    y, votes = crowd([0.8, 0.8, 0.8, 0.8, 0.8])
    votes[:, 4] = 2
    fitted = MACE().fit(votes)
    assert fitted.competence_.argmin() == 4
    assert fitted.competence_[4] < 0.2 < fitted.competence_[:4].min()
    assert fitted.strategy_[4].argmax() == 2


def test_glad_finds_the_difficult_rows():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    right = np.where(np.arange(400) < 200, 0.95, 0.55)
    votes = np.where(rng.random((400, 9)) < right[:, None], y[:, None], 1 - y[:, None])
    fitted = GLAD().fit(votes)
    assert fitted.difficulty_[:200].mean() < 0.7 * fitted.difficulty_[200:].mean()


def test_the_strength_of_the_prior_is_found():
    gains = []
    for seed in range(4):
        y, votes = crowd([0.95, 0.5, 0.5, 0.4, 0.4], n=150, share=0.8, seed=seed)
        found = DawidSkene(prior_strength="auto").fit(votes)
        gains.append(np.mean(found.labels_ == y) - np.mean(DawidSkene().fit(votes).labels_ == y))
    assert np.mean(gains) > 0.05  # errors are even: a strong prior is right
    y, votes = crowd([0.8] * 4, n=600, seed=0)
    votes[:, 3] = np.where(votes[:, 3] == 2, 1, votes[:, 3])  # takes 2 for 1
    found = DawidSkene(prior_strength="auto").fit(votes)
    assert found.confusion_[3, 2, 1] > 0.7


def test_an_adversary_counts_against_what_he_says():
    y, votes = crowd([0.9, 0.9, 0.9, 0.05], n_classes=2)
    fitted = OneCoin().fit(votes)
    assert fitted.annotator_skill_[3] < 0.2
    assert np.mean(fitted.labels_ == y) > 0.9


def test_a_prior_holds_annotators_of_few_answers():
    y, votes = crowd([0.8] * 40, n=120, share=0.08)
    weak = DawidSkene(prior_strength=0, max_iter=2000).fit(votes)
    held = DawidSkene().fit(votes)
    assert held.annotator_skill_.std() < weak.annotator_skill_.std()
    assert np.isfinite(weak.label_proba_).all()


@pytest.mark.parametrize("model", ALL, ids=name_of)
def test_what_every_aggregator_leaves(model):
    y, votes = crowd([0.9, 0.8, 0.6, 0.5])
    fitted = clone(model).fit(votes)
    n, n_classes, m = len(y), 3, 4
    assert fitted.label_proba_.shape == (n, n_classes)
    np.testing.assert_allclose(fitted.label_proba_.sum(axis=1), 1)
    np.testing.assert_allclose(fitted.class_prior_.sum(), 1)
    assert fitted.confusion_.shape == (m, n_classes, n_classes)
    assert ((fitted.annotator_skill_ >= 0) & (fitted.annotator_skill_ <= 1)).all()
    report = fitted.skill_report()
    assert report["skill"].is_monotonic_increasing
    assert report.loc[1, "n_answers"] == np.isfinite(votes[:, 1]).sum()
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(votes), fitted.predict(votes))


@pytest.mark.parametrize("model", [m for m in ALL if not isinstance(m, GLAD)], ids=name_of)
def test_the_same_rows_are_judged_as_in_fit(model):
    _, votes = crowd([0.9, 0.8, 0.6, 0.5])
    fitted = clone(model).fit(votes)
    np.testing.assert_allclose(fitted.predict_proba(votes), fitted.label_proba_, atol=1e-3)


@pytest.mark.parametrize("model", ALL, ids=name_of)
def test_order_and_names_do_not_matter(model):
    _, votes = crowd([0.9, 0.8, 0.6, 0.5], n=200)
    fitted = clone(model).fit(votes)
    order = np.random.default_rng(1).permutation(len(votes))
    shuffled = clone(model).fit(votes[order])
    np.testing.assert_allclose(shuffled.label_proba_, fitted.label_proba_[order], atol=1e-6)
    names = np.array(["z", "m", "a"], dtype=object)  # another order of the classes
    texts = pd.DataFrame(votes).map(lambda v: None if np.isnan(v) else names[int(v)])
    named = clone(model).fit(texts)
    at = [list(named.classes_).index(name) for name in names]
    np.testing.assert_allclose(named.label_proba_[:, at], fitted.label_proba_, atol=1e-6)


@pytest.mark.parametrize("model", [*ALL, BiasVariance()], ids=name_of)
def test_a_weight_is_a_row_that_often(model):
    _, votes = crowd([0.9, 0.8, 0.6, 0.5], n=120)
    weight = np.random.default_rng(0).integers(0, 3, 120)
    if not isinstance(model, MajorityVote | TripletLabelModel):
        model = clone(model).set_params(tol=1e-9, max_iter=5000)
    weighted = clone(model).fit(votes, sample_weight=weight)
    repeated = clone(model).fit(np.repeat(votes, weight, axis=0))
    np.testing.assert_allclose(
        weighted.annotator_skill_, repeated.annotator_skill_, atol=1e-4, rtol=0
    )


def test_ties_go_to_the_more_frequent_class():
    votes = [["a", "b"], ["b", "b"], ["b", "b"]]
    assert MajorityVote().fit(votes).labels_[0] == "b"


def test_class_prior_can_be_given():
    _, votes = crowd([0.7, 0.7], n=100, n_classes=2)
    low = DawidSkene(class_prior=[0.9, 0.1]).fit(votes)
    np.testing.assert_allclose(low.class_prior_, [0.9, 0.1])
    high = DawidSkene(class_prior="uniform").fit(votes)
    assert low.label_proba_[:, 0].mean() > high.label_proba_[:, 0].mean()
    with pytest.raises(ValueError, match="2 positive numbers"):
        DawidSkene(class_prior=[1, 1, 1]).fit(votes)


def test_it_is_said_when_em_has_not_converged():
    _, votes = crowd(FEW_GOOD)
    with pytest.warns(ConvergenceWarning, match=r"DawidSkene has not converged in max_iter=2"):
        DawidSkene(max_iter=2).fit(votes)


# --------------------------------------------------------------------------- numbers


def numbers(n=400, seed=0, share=0.8):
    rng = np.random.default_rng(seed)
    y = rng.normal(50, 10, n)
    bias, spread = np.array([0, 8, -8, 0]), np.array([1, 4, 4, 20])
    votes = y[:, None] + bias + rng.normal(size=(n, 4)) * spread
    votes[rng.random(votes.shape) > share] = np.nan
    votes[np.isnan(votes).all(axis=1), 1] = 50
    return y, votes, bias, spread


def test_bias_and_variance_are_found():
    for seed in range(3):
        y, votes, bias, spread = numbers(seed=seed)
        fitted = BiasVariance().fit(votes)
        assert np.abs(fitted.annotator_bias_[:3] - bias[:3]).max() < 2
        assert np.argmax(fitted.annotator_variance_) == 3
        assert np.argmin(fitted.annotator_variance_) == 0
        off = np.sqrt(np.mean((fitted.values_ - y) ** 2))
        assert off < 0.6 * np.sqrt(np.mean((np.nanmean(votes, axis=1) - y) ** 2))
        inside = np.abs(fitted.values_ - y) < 2 * fitted.values_std_
        assert 0.85 < inside.mean() <= 1
        np.testing.assert_allclose(fitted.predict(votes), fitted.values_, atol=0.05)


def test_units_do_not_matter():
    _, votes, *_ = numbers()
    fitted, scaled = BiasVariance().fit(votes), BiasVariance().fit(1e6 + 1000 * votes)
    np.testing.assert_allclose(scaled.values_, 1e6 + 1000 * fitted.values_)
    np.testing.assert_allclose(scaled.annotator_bias_, 1000 * fitted.annotator_bias_, atol=1e-3)
    assert list(fitted.skill_report()) == ["n_answers", "skill", "bias", "std"]


def test_numbers_that_are_all_the_same():
    fitted = BiasVariance().fit(np.full((5, 3), 7.0))
    np.testing.assert_allclose(fitted.values_, 7.0)
