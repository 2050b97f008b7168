"""Neither units nor names nor the layout of the memory decide which rows are wrong."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB

from sknoisy import FilterClassifier
from sknoisy.datasets import boundary_noise
from sknoisy.detection import (
    EL2N,
    ClassMahalanobis,
    CookDistance,
    DataOOB,
    GraNd,
    KNNShapley,
    LeaveOneOutInfluence,
    NeighborDisagreement,
    NumberCommittee,
    Residual,
    SelfInfluence,
    TracIn,
    Veracity,
)
from sknoisy.metrics import average_precision
from sknoisy.noise_model import plateau_joint
from sknoisy.threshold import FixedRate, MixturePosterior

from .helpers import noisy_labels, noisy_numbers

X_NUMBERS, NUMBERS = noisy_numbers(60)
X, CODES = noisy_labels(60)


@pytest.mark.parametrize("power", [-400, -20, 20, 400])
@pytest.mark.parametrize(
    "kind",
    [
        *(EL2N, GraNd, KNNShapley, LeaveOneOutInfluence, TracIn, CookDistance, SelfInfluence),
        *(DataOOB, Residual, Veracity),
    ],
)
def test_the_unit_of_y_does_not_matter(kind, power):
    """Scores may be in that unit; which rows are wrong, and how likely, is not."""
    detector = kind(Ridge(), contamination=MixturePosterior())
    for name, value in {"random_state": 0, "n_seeds": 2, "n_bags": 8, "n_boot": 2}.items():
        if name in detector.get_params():
            detector.set_params(**{name: value})
    expected = detector.fit(X_NUMBERS, NUMBERS).noise_proba_
    got = detector.fit(X_NUMBERS, NUMBERS * 2.0**power).noise_proba_
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("contamination", ["auto", 0.1])
def test_small_numbers_are_found_too(contamination):
    y = NUMBERS / np.abs(NUMBERS).max() / 1000  # every score is below 1
    wrong = np.abs(NUMBERS - np.median(NUMBERS)) > 400
    for kind in (LeaveOneOutInfluence, KNNShapley):
        detector = kind(Ridge(), contamination=contamination).fit(X_NUMBERS, y)
        large = kind(Ridge(), contamination=contamination).fit(X_NUMBERS, y * 2.0**40)
        np.testing.assert_array_equal(detector.noise_mask_, large.noise_mask_)
        assert large.noise_mask_[wrong].any()


def test_scores_too_large_to_square():
    score = np.append(np.linspace(-1, 1, 40), [9.0, 9.5, 10.0])
    expected = MixturePosterior(scale="identity").fit(score)
    huge = MixturePosterior(scale="identity").fit(score * 2.0**1000)
    assert expected.noise_mask_.sum() == 3
    np.testing.assert_allclose(huge.noise_proba_, expected.noise_proba_, atol=1e-9)


# --------------------------------------------------------------------------- names


def test_ties_do_not_go_to_the_first_name():
    """Shares of ten neighbours often tie; which class comes first in the alphabet is chance."""
    codes = np.tile([0, 1, 2], 20)
    proba = np.full((60, 3), 0.1)
    proba[np.arange(60), codes] = 0.8
    proba[::6] = [0.45, 0.1, 0.45]
    there = plateau_joint(proba, codes)
    back = plateau_joint(proba[:, ::-1], 2 - codes)[::-1, ::-1]
    np.testing.assert_allclose(there, back)

    grid = np.round(X * 2) / 2
    for contamination in ("auto", "own"):
        detector = NeighborDisagreement(n_neighbors=6, contamination=contamination)
        one = detector.fit(grid, CODES).noise_proba_
        two = detector.fit(grid, 2 - CODES).noise_proba_
        np.testing.assert_allclose(one, two, atol=1e-9)


class Backwards(ClassifierMixin, BaseEstimator):
    """Its classes are not sorted, its columns in the same order."""

    def fit(self, X, y):
        self.model_ = GaussianNB().fit(X, y)
        self.classes_ = self.model_.classes_[::-1]
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)[:, ::-1]


def test_boundary_noise_reads_columns_by_name():
    one, _ = boundary_noise(X, CODES, estimator=GaussianNB(), random_state=0)
    two, _ = boundary_noise(X, CODES, estimator=Backwards(), random_state=0)
    np.testing.assert_array_equal(one, two)


# --------------------------------------------------------------------------- the same each time


def test_a_method_without_a_seed_has_the_same_verdict_each_time():
    detector = ClassMahalanobis(LogisticRegression())
    one = detector.fit(X, CODES).noise_proba_
    np.testing.assert_array_equal(one, detector.fit(X, CODES).noise_proba_)
    model = FilterClassifier(LogisticRegression(), ClassMahalanobis(), random_state=0)
    one = model.fit(X, CODES).noise_proba_
    np.testing.assert_array_equal(one, model.fit(X, CODES).noise_proba_)


def test_the_layout_in_memory_does_not_matter():
    detector = NumberCommittee(random_state=0, n_rounds=1)
    one = detector.fit(X_NUMBERS, NUMBERS).noise_score_
    two = detector.fit(np.asfortranarray(X_NUMBERS), NUMBERS).noise_score_
    np.testing.assert_array_equal(one, two)


# --------------------------------------------------------------------------- verdicts of others


class Verdict(BaseEstimator):
    def __init__(self, proba=None, mask=None):
        self.proba = proba
        self.mask = mask

    def fit(self, score, y):
        n = len(score)
        self.noise_proba_ = np.zeros(n) if self.proba is None else self.proba(n)
        self.noise_mask_ = np.zeros(n, dtype=bool) if self.mask is None else self.mask(n)
        return self


class Silent(BaseEstimator):
    def fit(self, score, y):
        return self


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (Verdict(proba=lambda n: np.full(n, np.nan)), r"in \[0, 1\]; row 0 has nan"),
        (Verdict(proba=lambda n: np.arange(n)), r"in \[0, 1\]; row 2 has 2"),
        (Verdict(proba=lambda n: np.zeros(n - 1)), r"one number for each of the 60 rows"),
        (Verdict(proba=lambda n: ["low"] * n), "noise_proba_ of Verdict cannot be read"),
        (Verdict(mask=lambda n: np.full(n, "no")), "one boolean .* dtype <U2"),
        (Verdict(mask=lambda n: np.arange(n)), "one boolean .* dtype int"),
        (Verdict(mask=lambda n: np.zeros((n, 1), bool)), r"shape \(60, 1\)"),
        (Silent(), "Silent.fit is to set noise_proba_ and noise_mask_"),
    ],
)
def test_a_verdict_that_is_none_is_refused(threshold, message):
    model = FilterClassifier(LogisticRegression(), contamination=threshold)
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(X, CODES)
    assert not hasattr(model, "noise_mask_")


@pytest.mark.parametrize("score", [["high", "low"], np.array([1j, 2.0])])
def test_scores_that_are_no_numbers_are_refused(score):
    with pytest.raises(ValueError, match="score cannot be read as numbers|Complex data"):
        FixedRate(0.1).fit(score)
    with pytest.raises(ValueError, match="noise_score"):
        average_precision([True, False], score)


def test_scores_of_any_form():
    score = np.linspace(0, 1, 20)
    for form in (pd.Series(score, index=range(20, 0, -1)), pd.array(score), score[:, None]):
        np.testing.assert_array_equal(
            FixedRate(0.1).fit(score).noise_mask_, FixedRate(0.1).fit(form).noise_mask_
        )
