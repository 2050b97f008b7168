"""Scores from labelled positives alone come close to those from the truth."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV

from sknoisy.weak_labels.positive_unlabelled import (
    ElkanNotoClassifier,
    lee_liu_score,
    make_pu_scorer,
    pu_f1_score,
    pu_f1_scorer,
    pu_precision_score,
    pu_roc_auc_score,
)

RNG = np.random.default_rng(0)
TRUE = RNG.random(20_000) < 0.3
SCORE = RNG.normal(size=20_000) + 1.5 * TRUE
LABELLED = (TRUE & (RNG.random(20_000) < 0.4)).astype(int)
PRIOR = TRUE.mean()


@pytest.mark.parametrize("threshold", [0.0, 1.0, 2.0])
def test_corrected_scores_are_those_of_the_truth(threshold):
    said = (SCORE > threshold).astype(int)
    f1 = pu_f1_score(LABELLED, said, class_prior=PRIOR)
    assert f1 == pytest.approx(f1_score(TRUE, said), abs=0.015)
    precision = pu_precision_score(LABELLED, said, class_prior=PRIOR)
    assert precision == pytest.approx(precision_score(TRUE, said), abs=0.03)


def test_corrected_auc_is_that_of_the_truth():
    found = pu_roc_auc_score(LABELLED, SCORE, class_prior=PRIOR)
    assert found == pytest.approx(roc_auc_score(TRUE, SCORE), abs=0.01)
    assert roc_auc_score(LABELLED, SCORE) < found - 0.03


def test_lee_liu_is_highest_near_the_best_threshold():
    thresholds = np.linspace(-1, 3, 41)
    by_pu = [lee_liu_score(LABELLED, (SCORE > t).astype(int)) for t in thresholds]
    by_truth = [f1_score(TRUE, SCORE > t) for t in thresholds]
    assert by_truth[int(np.argmax(by_pu))] > max(by_truth) - 0.01
    assert lee_liu_score(LABELLED, np.zeros(20_000, dtype=int)) == 0.0
    assert lee_liu_score(LABELLED, np.ones(20_000, dtype=int)) == 1.0


def test_weights_count_as_rows():
    said = (SCORE[:200] > 1).astype(int)
    given = LABELLED[:200]
    weight = RNG.integers(1, 4, 200)
    rows = np.repeat(np.arange(200), weight)
    for score in (pu_f1_score, pu_precision_score):
        repeated = score(given[rows], said[rows], class_prior=0.3)
        weighted = score(given, said, class_prior=0.3, sample_weight=weight)
        assert weighted == pytest.approx(repeated)


def test_searches_use_them():
    X = SCORE[:300, None]
    y = np.where(LABELLED[:300], "yes", "unknown")
    model = ElkanNotoClassifier(LogisticRegression(), random_state=0)
    for scorer in (
        pu_f1_scorer,
        make_pu_scorer("f1", class_prior=0.3),
        make_pu_scorer("roc_auc", class_prior=0.3),
        make_pu_scorer("precision", class_prior=0.3, positive="yes"),
    ):
        search = GridSearchCV(model, {"estimator__C": [0.1, 1.0]}, scoring=scorer, cv=3)
        search.fit(X, y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_tuned_threshold_gains_f1():
    rng = np.random.default_rng(1)
    true = rng.random(3000) < 0.15
    X = rng.normal(size=(3000, 2)) + 1.2 * true[:, None]
    y = (true & (rng.random(3000) < 0.5)).astype(int)
    model = ElkanNotoClassifier(LogisticRegression(), random_state=0)
    tuned = TunedThresholdClassifierCV(model, scoring=pu_f1_scorer, cv=3)
    plain = f1_score(true, model.fit(X, y).predict(X))
    assert f1_score(true, tuned.fit(X, y).predict(X)) > plain + 0.02


def test_errors():
    with pytest.raises(ValueError, match="needs class_prior"):
        make_pu_scorer("f1")
    with pytest.raises(ValueError, match="must be one of f1, precision"):
        make_pu_scorer("accuracy")
    with pytest.raises(ValueError, match="must be a number in"):
        pu_f1_score([1, 0], [1, 0], class_prior=1.5)
    with pytest.raises(ValueError, match="less than the share of rows"):
        pu_roc_auc_score([1, 0], [0.9, 0.1], class_prior=0.1)
