"""Unpredictable is not wrong: where predictions know nothing, no detector calls a row wrong."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB

from sknoisy import FilterClassifier, FilterRegressor
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning, Consensus, DataOOB, NeighborDisagreement, Residual
from sknoisy.exceptions import NothingKnownWarning

pytestmark = pytest.mark.filterwarnings("ignore::sknoisy.exceptions.NothingKnownWarning")


def known(n=300, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    return rng.normal(size=(n, 4)) + 2.0 * np.eye(n_classes, 4)[y], y


def unknown(n=300, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)), rng.integers(0, n_classes, n)


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize(
    "model", [GaussianNB(), pytest.param(LogisticRegression(), marks=pytest.mark.slow)]
)
def test_random_labels_are_acted_on_no_more_often_than_chance_allows(n_classes, model):
    acts = 0
    for seed in range(200):
        X, y = unknown(120, n_classes, seed)
        found = ConfidentLearning(model, cv=3, random_state=0).fit(X, y)
        acts += found.noise_mask_.any()
        assert found.noise_mask_.any() or found.noise_proba_.max() < 0.01
    assert acts <= 10  # 5 %; 6 are expected


@pytest.mark.slow
def test_random_numbers_are_acted_on_no_more_often_than_chance_allows():
    acts = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(100, 3)), rng.standard_t(2, 100)
        acts += Residual(Ridge(), cv=3, random_state=0).fit(X, y).noise_mask_.any()
    assert acts <= 10


@pytest.mark.parametrize(
    "detector",
    [
        ConfidentLearning(GaussianNB()),
        Consensus([("nb", GaussianNB()), ("linear", LogisticRegression())]),
        DataOOB(GaussianNB(), random_state=0),
        NeighborDisagreement(),
    ],
    ids=lambda detector: type(detector).__name__,
)
def test_it_is_said_and_told(detector):
    X, y = unknown(seed=3)
    names = np.array(["ash", "birch", "cedar"])
    with pytest.warns(NothingKnownWarning, match="no more of y than the shares of its classes"):
        found = clone(detector).fit(X, names[y])
    assert found.evidence_p_value_ > 0.04
    assert not found.noise_mask_.any()
    assert found.noise_proba_.max() < 0.01
    np.testing.assert_array_equal(found.y_suggested_, names[y])
    report = found.noise_report(X, names[y])
    assert "know no more of y than the shares of its classes" in report.attrs["reason"]
    again = pickle.loads(pickle.dumps(found))
    assert again.evidence_p_value_ == found.evidence_p_value_
    X, y = known()
    with warnings.catch_warnings():
        warnings.simplefilter("error", NothingKnownWarning)
        found = clone(detector).fit(X, names[symmetric_noise(y, 0.15, random_state=0)[0]])
    assert found.evidence_p_value_ < 1e-6
    assert len(found.unknown_classes_) == 0
    assert found.noise_mask_.any()


def test_a_weak_signal_is_known():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(600, 4))
        y = (rng.random(600) < 1 / (1 + np.exp(-0.5 * X[:, 0]))).astype(int)
        found = ConfidentLearning(LogisticRegression(), random_state=0).fit(X, y)
        assert found.evidence_p_value_ < 0.04


def test_a_class_that_nobody_can_foretell_next_to_classes_that_are_known():
    X, y = known(600)
    rng = np.random.default_rng(0)
    z, wrong = symmetric_noise(y, 0.1, random_state=0)
    odd = rng.random(600) < 0.1
    names = np.array(["ash", "birch", "cedar", "odd"])[np.where(odd, 3, z)]
    found = ConfidentLearning(GaussianNB(), random_state=0).fit(X, names)
    assert found.unknown_classes_.tolist() == ["odd"]
    assert not found.noise_mask_[odd].any()
    assert found.noise_proba_[odd].max() < 0.01
    assert found.noise_mask_[wrong & ~odd].mean() > 0.6
    assert "given odd, of which predictions know no more than the share" in found.reason_


def test_who_asks_for_a_share_or_the_rule_by_name_gets_it_and_is_warned():
    X, y = unknown()
    for contamination in (0.1, "own"):
        detector = ConfidentLearning(GaussianNB(), contamination=contamination)
        with pytest.warns(NothingKnownWarning):
            assert detector.fit(X, y).noise_mask_.any()


def test_rows_of_zero_weight_are_no_evidence():
    X, y = known()
    other_X, other_y = unknown(3000)
    weight = np.r_[np.ones(300), np.zeros(3000)]
    detector = ConfidentLearning(GaussianNB(), random_state=0)
    detector.fit(np.vstack([X, other_X]), np.r_[y, other_y], sample_weight=weight)
    assert detector.evidence_p_value_ < 1e-6


def test_treatments_warn_and_are_the_plain_model():
    X, y = unknown()
    with pytest.warns(NothingKnownWarning):
        model = FilterClassifier(GaussianNB(), random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), GaussianNB().fit(X, y).predict_proba(X))
    rng = np.random.default_rng(1)
    y = rng.standard_cauchy(300)
    with pytest.warns(NothingKnownWarning, match="no more of y than its mean"):
        model = FilterRegressor(Ridge(), random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), Ridge().fit(X, y).predict(X))
