"""Matrices of regions: they are found where regions differ, and drawn to one where they do not."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.datasets import transition_noise
from sknoisy.noise_model import (
    AnchorTransition,
    AnnotatorTransition,
    ConfidentJointTransition,
    NeighborTransition,
    RegionTransition,
    TrustedTransition,
)
from sknoisy.noise_model._region_transition import own_share
from sknoisy.training.correction import TransitionClassifier

MATRICES = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.4, 0.6]], [[0.7, 0.3], [0.0, 1.0]]])
LINEAR = LogisticRegression()
BASES = [
    AnchorTransition(LINEAR),
    ConfidentJointTransition(LINEAR),
    NeighborTransition(),
]


def wards(n=3000, seed=0, matrices=MATRICES, centers=((0, 0), (4, 0))):
    """(table with a column ward, true labels, given labels)."""
    X, y = make_blobs(n, centers=np.array(centers, dtype=float), random_state=seed)
    ward = np.random.default_rng(seed).integers(0, len(matrices), n)
    given = y.copy()
    for r, T in enumerate(matrices):
        given[ward == r] = transition_noise(y[ward == r], T, random_state=seed + r)[0]
    table = pd.DataFrame(X, columns=["a", "b"]).assign(ward=np.array(["n", "s", "w"])[ward])
    return table, y, given


def coded(table):
    return table[["a", "b"]].to_numpy(), lambda X: table["ward"].to_numpy()


@pytest.mark.parametrize("base", BASES, ids=str)
def test_the_matrices_are_found(base):
    table, _, given = wards()
    X, ward = coded(table)
    found = RegionTransition(base, by=ward, random_state=0).fit(X, given)
    assert sorted(found.regions_) == ["n", "s", "w"]
    order = np.argsort(found.regions_)
    assert np.abs(found.transitions_[order] - MATRICES).max() < 0.12
    assert np.allclose(found.transitions_.sum(axis=2), 1)
    np.testing.assert_array_equal(found.regions_[found.region_], table["ward"])
    whole = clone(base).set_params(random_state=0).fit(X, given)
    np.testing.assert_array_equal(found.transition_, whole.transition_)
    assert found.class_priors_.shape == (3, 2)


def test_regions_that_do_not_differ_have_the_matrix_of_all():
    table, _, given = wards(matrices=np.tile(MATRICES[1], (3, 1, 1)))
    X, ward = coded(table)
    errors = {}
    for shrinkage in ("auto", 0.0):
        model = RegionTransition(BASES[0], by=ward, shrinkage=shrinkage, random_state=0)
        found = model.fit(X, given)
        errors[shrinkage] = np.abs(found.transitions_ - MATRICES[1]).mean()
        if shrinkage == "auto":
            assert found.own_share_.mean() < 0.6
        else:
            assert (found.own_share_ == 1).all()
    assert errors["auto"] < errors[0.0]
    far = RegionTransition(BASES[0], by=ward, shrinkage=1e12, random_state=0).fit(X, given)
    assert np.abs(far.transitions_ - far.transition_).max() < 1e-6


@pytest.mark.parametrize("seen", [False, True], ids=["unseen", "seen"])
def test_training_corrects_each_row_by_its_region(seen):
    gains = []
    for seed in range(3):
        T = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.4, 0.6]], [[0.6, 0.4], [0, 1]]])
        table, y, given = wards(seed=seed, matrices=T, centers=((0, 0), (2, 0)))
        X, ward = coded(table)
        if seen:  # slopes for each region: the model tells them apart
            X = np.hstack(
                [np.column_stack([X, np.ones(len(X))]) * (ward(X) == k)[:, None] for k in "nsw"]
            )
        both = {
            name: TransitionClassifier(LINEAR, transition, random_state=0).fit(X, given)
            for name, transition in (("whole", "auto"), ("regions", RegionTransition(by=ward)))
        }
        right = {k: (m.label_proba_.argmax(axis=1) == y).mean() for k, m in both.items()}
        gains.append(right["regions"] - right["whole"])
    assert min(gains) > 0
    assert np.mean(gains) > 0.01


@pytest.mark.parametrize("method", ["forward", "backward", "importance"])
def test_one_region_is_no_region(method):
    table, _, given = wards(600)
    X, _ = coded(table)
    how = {"method": method, "random_state": 0}
    one = RegionTransition(BASES[0], by=lambda X: np.zeros(len(X)))
    plain = TransitionClassifier(LINEAR, BASES[0], **how).fit(X, given)
    same = TransitionClassifier(LINEAR, one, **how).fit(X, given)
    np.testing.assert_allclose(same.label_proba_, plain.label_proba_)
    np.testing.assert_allclose(same.predict_proba(X), plain.predict_proba(X))


def test_columns_clusters_sparse_and_trusted_rows():
    table, y, given = wards(900)
    knn = NeighborTransition(n_resamples=2)  # needs no model, which would have to read names
    by_name = RegionTransition(knn, by="ward", random_state=0).fit(table, given)
    assert set(by_name.regions_) == {"n", "s", "w"}
    X, ward = coded(table)
    quick = AnchorTransition(LINEAR, n_resamples=2)
    for data in (X, csr_matrix(X)):
        for by in (None, KMeans(3, n_init=2)):
            found = RegionTransition(quick, by=by, random_state=0).fit(data, given)
            assert len(found.transitions_) == (4 if by is None else 3)
            again = RegionTransition(quick, by=by, random_state=0).fit(data, given)
            np.testing.assert_array_equal(found.transitions_, again.transitions_)
    trusted = np.arange(900) % 6 == 0
    told = np.where(trusted, y, given)
    base = TrustedTransition(LINEAR)
    found = RegionTransition(base, by=ward, random_state=0).fit(X, told, trusted=trusted)
    south, north = (found.transitions_[list(found.regions_).index(k)] for k in "sn")
    assert south[1, 0] >= north[1, 0]


def test_a_region_of_which_nothing_is_known_has_the_matrix_of_all():
    table, _, given = wards(900)
    X, _ = coded(table)
    ward = np.where(np.arange(900) == 5, "alone", table["ward"])
    ward[6] = None  # missing is a region, too
    found = RegionTransition(BASES[0], by=lambda X: ward, random_state=0).fit(X, given)
    alone = list(found.regions_).index("alone")
    np.testing.assert_allclose(found.transitions_[alone], found.transition_, atol=0.02)
    assert len(found.regions_) == 5


def test_the_share_is_that_of_empirical_bayes():
    found = np.array([[[0.9, 0.1]], [[0.7, 0.3]]])
    whole, n = np.array([[0.8, 0.2]]), np.ones((2, 1))
    # squared distances .02 each: half of it chance
    np.testing.assert_allclose(own_share(found, np.full((2, 1), 0.01), whole, n), 0.5)
    np.testing.assert_allclose(own_share(found, np.full((2, 1), 0.05), whole, n), 0.0)
    unknown = np.array([[0.01], [np.inf]])
    np.testing.assert_allclose(own_share(found, unknown, whole, n), [[0.5], [0.0]])


def test_errors():
    X, _, given = wards(60)
    with pytest.raises(ValueError, match="column 'nurse'"):
        RegionTransition(by="nurse").fit(X, given)
    with pytest.raises(ValueError, match="3 labels, and X has 60 rows"):
        RegionTransition(by=lambda X: [1, 2, 3]).fit(X, given)
    with pytest.raises(TypeError, match="reads one label a row"):
        RegionTransition(RegionTransition()).fit(X, given)
    with pytest.raises(TypeError, match="reads one label a row"):
        RegionTransition(AnnotatorTransition()).fit(X, given)
    with pytest.raises(ValueError, match="shrinkage"):
        RegionTransition(shrinkage=-1.0).fit(X, given)


@pytest.mark.filterwarnings("ignore::sknoisy.exceptions.NothingKnownWarning")
@pytest.mark.filterwarnings("ignore::sknoisy.exceptions.RareClassWarning")
@parametrize_with_checks(
    [RegionTransition(AnchorTransition(LINEAR, n_resamples=2), by=KMeans(2, n_init=1))]
)
def test_sklearn_checks(estimator, check):
    check(estimator)
