"""Neighbours by transformers that give the graph of the nearest rows."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsTransformer

from sknoisy.detection import KNNShapley, NeighborDisagreement, NonIIDOrder
from sknoisy.noise_model import NeighborTransition


class Graph(TransformerMixin, BaseEstimator):
    """Only `fit` and `transform`, columns in no order of distance."""

    def __init__(self, n_neighbors=3, too_few=0):
        self.n_neighbors = n_neighbors
        self.too_few = too_few

    def fit(self, X, y=None):
        # that of scikit-learn has one neighbour more than it is asked for: the row itself
        k = self.n_neighbors - 1 - self.too_few
        self.inner_ = KNeighborsTransformer(mode="distance", n_neighbors=k).fit(X)
        return self

    def transform(self, X):
        graph = self.inner_.transform(X)
        graph.sort_indices()
        return graph


def blobs(n=300):
    X, y = make_blobs(n, centers=[[0, 0], [6, 0], [0, 6]], random_state=0)
    y[::10] = (y[::10] + 1) % 3
    return X, y


DETECTORS = [NeighborDisagreement(), NonIIDOrder(random_state=0), KNNShapley(max_error=0.05)]


@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.parametrize("index", [Graph(), KNeighborsTransformer()])
@pytest.mark.parametrize("detector", DETECTORS)
def test_an_exact_graph_finds_the_same(detector, index, copies):
    X, y = blobs()
    if copies:
        X[:20], y[:20] = X[20:40], y[20:40]
    plain = clone(detector).fit(X, y).noise_score_
    graph = clone(detector).set_params(neighbors=index).fit(X, y).noise_score_
    if copies:  # which of two rows equally far comes first is up to the index
        plain[:20] += plain[20:40]
        graph[:20] += graph[20:40]
        plain[20:40] = graph[20:40] = 0.0
    np.testing.assert_allclose(graph, plain)


def test_a_transition_matrix_by_a_graph():
    X, y = blobs()
    plain = NeighborTransition(n_resamples=0).fit(X, y).transition_
    graph = NeighborTransition(n_resamples=0, neighbors=Graph()).fit(X, y).transition_
    np.testing.assert_allclose(graph, plain)


def test_too_few_neighbours_are_an_error():
    X, y = blobs()
    with pytest.raises(ValueError, match="Graph gives 9 neighbours for a row, and 11 are needed"):
        NeighborDisagreement(neighbors=Graph(too_few=2)).fit(X, y)


def test_the_index_given_is_left_as_it_is():
    X, y = blobs()
    index = Graph()
    NeighborDisagreement(neighbors=index).fit(X, y)
    assert index.n_neighbors == 3
    assert not hasattr(index, "inner_")


def test_what_is_no_index_is_refused():
    X, y = blobs()
    with pytest.raises(ValueError, match="neighbors"):
        NeighborDisagreement(neighbors=LogisticRegression()).fit(X, y)


@pytest.mark.slow  # numba compiles it first
def test_approximate_neighbours_of_pynndescent():
    pynndescent = pytest.importorskip("pynndescent")
    X, y = blobs(600)
    index = pynndescent.PyNNDescentTransformer(random_state=0, n_jobs=1)
    plain = NeighborDisagreement().fit(X, y)
    near = NeighborDisagreement(neighbors=index).fit(X, y)
    assert np.corrcoef(plain.noise_score_, near.noise_score_)[0, 1] > 0.97
    assert (plain.noise_mask_ == near.noise_mask_).mean() > 0.97
