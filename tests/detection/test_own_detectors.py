"""A detector of somebody's own, written with what is public: `BaseDetector` and `Finding`."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

import sknoisy
from sknoisy import FilterClassifier, RelabelClassifier, ReweightRegressor
from sknoisy.detection import BaseDetector, CombinedDetector, ConfidentLearning, Finding
from sknoisy.metrics import average_precision
from sknoisy.threshold import FixedRate

from ..helpers import noisy_labels, noisy_numbers


class Margin(BaseDetector):
    """Labels, by out-of-sample predictions; the wrong ones are counted."""

    _auto, _suggests_unseen, _takes = "count", True, ("predicted",)

    def __init__(self, estimator=None, *, contamination="auto", cv=None, random_state=None):
        self.estimator, self.contamination = estimator, contamination
        self.cv, self.random_state = cv, random_state

    def _find(self, evidence):
        model = self._model(evidence)
        proba = evidence.responses(model, cv=self.cv, random_state=self.random_state).values
        rows, codes = np.arange(len(proba)), evidence.target.codes
        others = proba.copy()
        others[rows, codes] = -np.inf
        margin = others.max(axis=1) - proba[rows, codes]
        return Finding(margin, proba, attributes={"margin_": margin})

    def _reason(self, row):
        return f"another class has {self.margin_[row]:+.2f} over the given one"


class MajorityOfNeighbors(BaseDetector):
    """Labels, by the nearest rows and a rule of its own."""

    _takes = ("features",)

    def __init__(self, *, n_neighbors=5, contamination="auto"):
        self.n_neighbors, self.contamination = n_neighbors, contamination

    def _find(self, evidence):
        codes = evidence.target.codes
        near = evidence.neighbors(n_neighbors=self.n_neighbors).indices
        shares = np.eye(len(evidence.target.classes))[codes[near]].mean(axis=1)
        unlike = 1.0 - shares[np.arange(len(codes)), codes]
        return Finding(unlike, shares, noise_proba=unlike, mask=unlike > 0.5)


class FarFromNeighbors(BaseDetector):
    """Numbers, without a model."""

    _task, _takes = "regression", ("features",)
    _auto, _suggests_unseen = "count", True

    def __init__(self, *, n_neighbors=5, contamination="auto"):
        self.n_neighbors, self.contamination = n_neighbors, contamination

    def _find(self, evidence):
        y = evidence.target.y.astype(float)
        near = evidence.neighbors(n_neighbors=self.n_neighbors).indices
        usual = np.median(y[near], axis=1)
        return Finding(score=np.abs(y - usual), suggestion=usual)


@parametrize_with_checks(
    [Margin(LogisticRegression(max_iter=200), cv=2), MajorityOfNeighbors(), FarFromNeighbors()]
)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def labels():
    """(X, given names, which are wrong)."""
    X, true = noisy_labels(300, rate=0)
    _, given = noisy_labels(300, rate=0.15)
    return X[:, 1:], np.array(["ant", "bee", "cat"])[given], given != true


@pytest.mark.parametrize("detector", [Margin(cv=3, random_state=0), MajorityOfNeighbors()])
@pytest.mark.parametrize("treatment", [FilterClassifier, RelabelClassifier])
def test_it_goes_with_treatments_and_thresholds(detector, treatment, labels):
    X, given, wrong = labels
    model = treatment(LogisticRegression(), clone(detector), random_state=0).fit(X, given)
    assert average_precision(wrong, model.detector_.noise_score_) > 0.7
    assert wrong[model.noise_mask_].mean() > 0.7
    report = model.noise_report(X, given)
    assert set(report["suggested"]) <= {"ant", "bee", "cat"}
    few = clone(detector).set_params(contamination=FixedRate(0.05)).fit(X, given)
    assert 15 <= few.noise_mask_.sum() < model.noise_mask_.sum()  # more than 15 where scores tie


def test_what_is_inherited(labels):
    X, given, wrong = labels
    detector = Margin(random_state=0).fit(X, given, trusted=wrong)  # a forest, if no model is given
    assert not detector.noise_mask_[wrong].any()
    proba = detector.label_proba_
    again = Margin().fit(None, given, predicted=ConfidentLearning().fit(X, given).class_proba_)
    assert again.label_proba_.shape == proba.shape
    assert again.noise_report(X, given)["reason"].iloc[0].startswith("another class has +")
    both = CombinedDetector([("mine", Margin()), ("near", MajorityOfNeighbors())], random_state=0)
    assert average_precision(wrong, both.fit(X, given).noise_score_) > 0.7
    with pytest.raises(ValueError, match="Margin makes no use of features"):
        Margin().fit(X, given, features=X)
    with pytest.raises(ValueError, match="The 'contamination' parameter of MajorityOfNeighbors"):
        MajorityOfNeighbors(contamination=0.7).fit(X, given)


def test_numbers():
    X, y = noisy_numbers(200, rate=0.1)
    model = ReweightRegressor(Ridge(), FarFromNeighbors(), random_state=0).fit(X[:, 1:], y)
    assert model.noise_mask_[np.argsort(-np.abs(y))[:5]].all()


def test_all_of_it_is_public():
    assert {"BaseDetector", "Finding"} <= set(sknoisy.detection.__all__)
    fields = inspect.signature(Finding).parameters
    for name in fields:
        assert name in Finding.__doc__
