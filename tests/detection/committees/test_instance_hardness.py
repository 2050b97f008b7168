"""InstanceHardness through its public behaviour."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, pairwise_distances
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sknoisy.detection import Consensus, InstanceHardness
from sknoisy.detection.committees._instance_hardness import MEASURES

from ...helpers import noisy_labels

LEARNERS = [
    ("linear", LogisticRegression()),
    ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
    ("near", KNeighborsClassifier()),
]


def measure(name, X, y, **params):
    detector = InstanceHardness(LEARNERS, measures=[name], random_state=0, **params)
    return detector.fit(X, y).noise_score_


# ------------------------------------------------------------------ the hardness


def test_hardness_is_the_mean_doubt_of_the_learners():
    X, y = noisy_labels()
    cv = StratifiedKFold(4)
    expected = np.mean(
        [
            1 - cross_val_predict(model, X, y, cv=cv, method="predict_proba")[range(len(y)), y]
            for _, model in LEARNERS
        ],
        axis=0,
    )
    detector = InstanceHardness(LEARNERS, cv=cv).fit(X, y)
    np.testing.assert_allclose(detector.noise_score_, expected, atol=1e-12)
    np.testing.assert_allclose(detector.measures_.learners, expected, atol=1e-12)


def test_it_is_the_doubt_of_an_averaging_consensus():
    X, y = noisy_labels()
    consensus = Consensus(LEARNERS, vote="average", random_state=0).fit(X, y)
    hardness = InstanceHardness(LEARNERS, random_state=0).fit(X, y)
    np.testing.assert_array_equal(hardness.noise_score_, consensus.noise_score_)
    np.testing.assert_array_equal(hardness.n_against_, consensus.n_against_)
    assert (hardness.noise_mask_ <= consensus.noise_mask_).all()


# ------------------------------------------------------------------ the other measures


def test_disagreeing_neighbours():
    X, y = noisy_labels()
    far = pairwise_distances(StandardScaler().fit_transform(X))
    np.fill_diagonal(far, np.inf)
    near = np.argsort(far, axis=1)[:, :5]
    np.testing.assert_allclose(measure("kdn", X, y), (y[near] != y[:, None]).mean(axis=1))


def test_measures_of_a_tree():
    # one column, three runs of labels: an unpruned tree has the leaves 0-9, 10-11, 12-19
    X = np.arange(20.0)[:, None]
    y = np.r_[np.zeros(10), np.ones(2), np.zeros(8)].astype(int)
    size = np.r_[[10] * 10, [2] * 2, [8] * 8]
    np.testing.assert_allclose(measure("ds", X, y, cv=2), 1 - (size - 1) / 9)
    depth = measure("tdu", X, y, cv=2)
    assert set(depth) == {0.5, 1.0}
    assert (depth[10:12] == 1.0).all()


def test_pruned_leaves_hold_the_odd_label():
    # two clean halves, with one odd label each: a tree of two leaves predicts best
    rng = np.random.RandomState(0)
    X = np.r_[rng.uniform(0, 1, 40), rng.uniform(2, 3, 40)][:, None]
    y = np.repeat([0, 1], 40)
    y[[7, 50]] = [1, 0]
    share = measure("dcp", X, y)
    np.testing.assert_allclose(share[[7, 50]], 39 / 40)
    np.testing.assert_allclose(np.delete(share, [7, 50]), 1 / 40)
    assert set(measure("tdp", X, y)) == {1.0}
    assert len(set(measure("tdu", X, y))) > 1


def test_class_likelihood():
    X, y = noisy_labels()
    cv = StratifiedKFold(4)
    proba = cross_val_predict(GaussianNB(), X, y, cv=cv, method="predict_proba")
    proba /= np.bincount(y)
    proba /= proba.sum(axis=1, keepdims=True)
    given = proba[range(len(y)), y]
    np.testing.assert_allclose(measure("cl", X, y, cv=cv), 1 - given, atol=1e-5)
    proba[range(len(y)), y] = 0
    expected = (1 - (given - proba.max(axis=1))) / 2
    np.testing.assert_allclose(measure("cld", X, y, cv=cv), expected, atol=1e-5)


def test_minority_value():
    X, y = noisy_labels()
    keep = np.r_[np.flatnonzero(y == 0)[:10], np.flatnonzero(y == 1)[:20]]
    expected = np.repeat([0.5, 0.0], [10, 20])
    np.testing.assert_allclose(measure("mv", X[keep], y[keep]), expected)


def test_score_is_the_mean_of_all_that_are_asked_for():
    X, y = noisy_labels()
    detector = InstanceHardness(LEARNERS, measures=MEASURES, random_state=0).fit(X, y)
    assert detector.measures_.columns.tolist() == list(MEASURES)
    assert detector.measures_.to_numpy().min() >= 0
    assert detector.measures_.to_numpy().max() <= 1
    np.testing.assert_allclose(detector.noise_score_, detector.measures_.mean(axis=1))
    for name in MEASURES:
        np.testing.assert_allclose(detector.measures_[name], measure(name, X, y), atol=1e-12)


def test_measures_see_what_a_pipeline_makes():
    X, y = noisy_labels()
    stretched = X * [1, 1, 1000, 1, 1, 1]
    learners = [("linear", make_pipeline(StandardScaler(), LogisticRegression()))]
    one, two = (
        InstanceHardness(learners, measures=["kdn"], random_state=0).fit(data, y).noise_score_
        for data in (X, stretched)
    )
    np.testing.assert_array_equal(one, two)


# ------------------------------------------------------------------ the paper's claims


@pytest.mark.parametrize("seed", range(3))
def test_wrong_rows_are_harder_than_those_between_classes_and_those_than_others(seed):
    X, y = make_blobs(240, centers=[[0, 0], [4, 0]], random_state=seed)
    wrong = np.random.RandomState(seed).rand(240) < 0.08
    wrong &= np.abs(X[:, 0] - 2) > 1
    between = (np.abs(X[:, 0] - 2) < 0.7) & ~wrong
    y = np.where(wrong, 1 - y, y)
    detector = InstanceHardness(random_state=0).fit(X, y)
    score = detector.noise_score_
    assert score[wrong].mean() > score[between].mean() + 0.2
    assert score[between].mean() > score[~wrong & ~between].mean() + 0.1
    assert average_precision_score(wrong, score) > 0.8
    assert wrong[detector.noise_mask_].mean() > 0.7


@pytest.mark.parametrize("seed", range(2))
def test_overlap_of_classes_explains_hardness_best(seed):
    X, y = make_blobs(240, centers=[[0, 0], [2.5, 0], [0, 2.5]], random_state=seed)
    table = InstanceHardness(measures=MEASURES, random_state=0).fit(X, y).measures_
    with_hardness = {
        name: spearmanr(table.learners, table[name]).statistic for name in ("kdn", "cl", "cld")
    }
    assert min(with_hardness.values()) > 0.6
    assert max(with_hardness.values()) > abs(spearmanr(table.learners, table.tdp).statistic)


# ------------------------------------------------------------------ the rest


@pytest.mark.parametrize("measures", [["kDN"], [], ["kdn", "kdn"]])
def test_bad_measures_are_named(measures):
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="learners, kdn, ds, dcp, tdu, tdp, cl, cld, mv"):
        InstanceHardness(measures=measures).fit(X, y)


def test_sparse_features_have_no_class_likelihood():
    X, y = noisy_labels()
    X = sparse.csr_matrix(X)
    others = [name for name in MEASURES if name not in ("cl", "cld")]
    assert InstanceHardness(LEARNERS, measures=others, random_state=0).fit(X, y).noise_mask_.any()
    with pytest.raises(TypeError, match="dense features"):
        InstanceHardness(LEARNERS, measures=["cl"]).fit(X, y)


def test_rows_that_are_all_alike():
    X, y = np.zeros((30, 2)), np.arange(30) % 3
    detector = InstanceHardness(LEARNERS, measures=MEASURES, random_state=0).fit(X, y)
    np.testing.assert_allclose(detector.measures_.cl, 2 / 3)
    np.testing.assert_allclose(detector.measures_.cld, 1 / 2)
    np.testing.assert_allclose(detector.measures_[["ds", "tdu", "tdp"]], 0)
    np.testing.assert_allclose(detector.measures_.dcp, 2 / 3)


def test_names_of_classes_do_not_matter():
    X, y = noisy_labels()
    first = InstanceHardness(LEARNERS, measures=MEASURES, random_state=0).fit(X, y)
    second = InstanceHardness(LEARNERS, measures=MEASURES, random_state=0)
    second.fit(X, np.array(["z", "a", "k"])[y])
    np.testing.assert_allclose(first.noise_score_, second.noise_score_, atol=0.02)


def test_report_names_the_measures():
    X, y = noisy_labels()
    detector = InstanceHardness(LEARNERS, measures=["learners", "kdn"], random_state=0).fit(X, y)
    assert detector.noise_report(X, y).reason.str.contains("of 3 votes against").all()
    assert detector.noise_report(X, y).reason.str.contains("kdn").all()
