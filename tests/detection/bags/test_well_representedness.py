"""WellRepresentedness through its public behaviour."""

import numpy as np
import pytest
from scipy.stats import entropy, rankdata, spearmanr
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, pairwise_distances
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sknoisy.detection import WellRepresentedness

from ...helpers import fits, noisy_labels, recording, row_numbers

METRICS = ["retraining", "agreement", "confidence", "boundary"]


def outputs(**params):
    """(detector, y, probabilities of each model (m, n, K), who has seen which row (m, n), X)."""
    X, y = noisy_labels()
    model, calls = recording(DecisionTreeClassifier(min_samples_leaf=4, random_state=0))
    detector = WellRepresentedness(model, n_bags=20, random_state=0, **params).fit(X, y)
    bags = [row_numbers(call.X, len(y)) for call in fits(calls)]
    trees = [DecisionTreeClassifier(min_samples_leaf=4, random_state=0) for _ in bags]
    proba = [t.fit(X[b], y[b]).predict_proba(X) for t, b in zip(trees, bags, strict=True)]
    return detector, y, np.array(proba), np.array([np.isin(range(len(y)), b) for b in bags]), X


# ------------------------------------------------------------------ the measures


def test_retraining_is_the_symmetric_divergence_of_seen_and_unseen():
    detector, y, proba, seen, _ = outputs()
    for i in range(len(y)):
        p, q = proba[seen[:, i], i].mean(axis=0), proba[~seen[:, i], i].mean(axis=0)
        p, q = (np.maximum(v, 1e-3) / np.maximum(v, 1e-3).sum() for v in (p, q))
        expected = entropy(p, q) + entropy(q, p)
        assert detector.metrics_.retraining[i] == pytest.approx(expected, abs=1e-9)


def test_agreement_is_the_jensen_shannon_divergence():
    detector, y, proba, seen, _ = outputs()
    pairs = np.zeros(len(y))
    for i in range(len(y)):
        mine = proba[~seen[:, i], i]
        expected = entropy(mine.mean(axis=0)) - entropy(mine, axis=1).mean()
        assert detector.metrics_.agreement[i] == pytest.approx(expected, abs=1e-9)
        middle = (mine[:, None] + mine[None]) / 2
        own = entropy(mine, axis=1)
        pairs[i] = (entropy(middle, axis=2) - (own[:, None] + own[None]) / 2).mean()
    # the paper has the mean over pairs of models, for which all outputs would have to be kept
    assert spearmanr(detector.metrics_.agreement, pairs).statistic > 0.95


@pytest.mark.parametrize("confidence", ["given", "any"])
def test_confidence(confidence):
    detector, y, proba, seen, _ = outputs(confidence=confidence)
    for i in range(len(y)):
        mine = proba[~seen[:, i], i]
        expected = mine[:, y[i]] if confidence == "given" else mine.max(axis=1)
        assert detector.metrics_.confidence[i] == pytest.approx(expected.mean())


def test_boundary_is_the_distance_to_the_nearest_row_of_another_class():
    detector, y, _, _, X = outputs()
    far = pairwise_distances(StandardScaler().fit_transform(X))
    expected = np.where(y[:, None] != y[None], far, np.inf).min(axis=1)
    np.testing.assert_allclose(detector.metrics_.boundary, expected)


def test_score_is_the_mean_of_the_ranks():
    detector, y, *_ = outputs()
    assert detector.metrics_.columns.tolist() == METRICS
    for name in METRICS:
        values = detector.metrics_[name].to_numpy().round(12)
        values = -values if name in ("confidence", "boundary") else values
        ranks = (rankdata(values) - 1) / (len(y) - 1)
        np.testing.assert_allclose(detector.ranks_[name], ranks)
    np.testing.assert_allclose(detector.noise_score_, detector.ranks_.mean(axis=1))


def test_some_of_the_measures():
    detector, *_ = outputs(metrics=["boundary", "retraining"])
    assert detector.ranks_.columns.tolist() == ["boundary", "retraining"]
    np.testing.assert_allclose(detector.noise_score_, detector.ranks_.mean(axis=1))


@pytest.mark.parametrize("metrics", [["adversarial"], [], ["boundary", "boundary"]])
def test_bad_measures_are_named(metrics):
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="retraining, agreement, confidence, boundary"):
        WellRepresentedness(metrics=metrics).fit(X, y)


# ------------------------------------------------------------------ the paper's claims


@pytest.mark.parametrize("seed", range(3))
def test_the_measures_agree_on_clean_data(seed):
    X, y = make_blobs(240, centers=[[0, 0], [4, 0], [0, 4]], random_state=seed)
    detector = WellRepresentedness(confidence="any", random_state=0).fit(X, y)
    of_pairs = detector.ranks_.corr().to_numpy()[np.triu_indices(4, 1)]
    assert of_pairs.min() > 0.2
    assert of_pairs.mean() > 0.5


@pytest.mark.parametrize("seed", range(3))
def test_prototypes_are_right_and_the_least_represented_often_wrong(seed):
    X, y = make_blobs(240, centers=[[0, 0], [5, 0], [0, 5]], random_state=seed)
    wrong = np.random.RandomState(seed).rand(240) < 0.1
    y = np.where(wrong, (y + 1) % 3, y)
    detector = WellRepresentedness(random_state=0).fit(X, y)
    assert not wrong[np.argsort(detector.noise_score_)[:60]].any()
    assert average_precision_score(wrong, detector.noise_score_) > 0.3
    assert wrong[detector.noise_mask_].mean() > 0.8
    # a memorised exception: training on it changes much, and the others agree on it
    ranks = detector.ranks_
    exception = (ranks.retraining > 0.9) & (ranks.agreement < ranks.agreement.median())
    assert exception.any()
    assert wrong[exception].mean() > 0.8
    assert ranks[wrong].median()[["retraining", "confidence"]].min() > 0.85


# ------------------------------------------------------------------ what must not matter


def test_names_of_classes_do_not_matter():
    X, y = noisy_labels()
    first = WellRepresentedness(LogisticRegression(), n_bags=10, random_state=0).fit(X, y)
    second = WellRepresentedness(LogisticRegression(), n_bags=10, random_state=0)
    second.fit(X, np.array(["z", "a", "k"])[y])
    np.testing.assert_allclose(first.noise_score_, second.noise_score_, atol=0.02)


def test_copies_of_a_row_are_represented_as_well():
    X, y = noisy_labels()
    X, y = np.r_[X, X[:5]], np.r_[y, y[:5]]
    detector = WellRepresentedness(metrics=["boundary"], random_state=0).fit(X, y)
    np.testing.assert_allclose(detector.noise_score_[:5], detector.noise_score_[-5:])


def test_report_names_the_measures():
    X, y = noisy_labels()
    report = WellRepresentedness(random_state=0).fit(X, y).noise_report(X, y)
    assert report.reason.str.contains("nats").all()
    assert report.reason.str.contains("another class is").all()
