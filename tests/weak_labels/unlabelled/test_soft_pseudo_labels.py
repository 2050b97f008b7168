"""Soft pseudo-labels: less confirmation bias than hard ones, and rows that are mixed."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, csr_matrix
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

from sknoisy.weak_labels import SoftPseudoLabelClassifier
from sknoisy.weak_labels.unlabelled._base import weigh_labelled
from sknoisy.weak_labels.unlabelled._soft_pseudo_labels import sharpened, to_prior

from ...helpers import fits, recording

MODEL = LogisticRegression(max_iter=300)


def made(seed, n=600, n_labelled=20):
    """Four normal classes in 20 dimensions; the first rows have labels, as many of each class."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 4
    X = 0.75 * rng.normal(size=(4, 20))[y] + rng.normal(size=(n, 20))
    return X, y, np.where(np.arange(n) < n_labelled, y, -1)


def test_better_than_labelled_rows_alone_and_than_hard_pseudo_labels():
    gains = []
    for seed in range(4):
        X, y, y_few = made(seed)
        soft = SoftPseudoLabelClassifier(MODEL, random_state=0).fit(X, y_few).score(X, y)
        alone = MODEL.fit(X[:20], y[:20]).score(X, y)
        hard = SelfTrainingClassifier(MODEL, threshold=0.01).fit(X, y_few).score(X, y)
        gains.append(soft - max(alone, hard))
    assert min(gains) > 0.0
    assert np.mean(gains) > 0.02


def test_mixup_helps_in_many_dimensions():
    gains = []
    for seed in range(4):
        X, y = make_blobs(500, 20, centers=4, cluster_std=8.0, random_state=seed)
        X, y_few = X / 6.0, np.where(np.arange(500) < 20, y, -1)
        scores = [
            SoftPseudoLabelClassifier(MODEL, mixup_alpha=alpha, random_state=0)
            .fit(X, y_few)
            .score(X, y)
            for alpha in (4.0, 0.0)
        ]
        gains.append(scores[0] - scores[1])
    assert min(gains) > -0.01
    assert np.mean(gains) > 0.02


def test_pseudo_labels_are_probabilities_and_labels_stay():
    X, y, y_few = made(0, n=300)
    model = SoftPseudoLabelClassifier(MODEL, random_state=0).fit(X, y_few)
    assert np.allclose(model.label_proba_.sum(axis=1), 1.0)
    assert np.array_equal(model.label_proba_[:20], np.eye(4)[y[:20]])
    assert model.label_proba_[20:].max(axis=1).mean() < 0.99
    assert model.n_mixed_ == 300


def test_the_labelled_rows_keep_their_share_of_the_weight():
    proba = np.full((10, 2), 0.5)
    known = np.arange(10) < 2
    weighed = weigh_labelled(proba, known, 0.5)
    assert np.isclose(weighed[known].sum(), 5.0)
    assert np.isclose(weighed.sum(), 10.0)
    assert weigh_labelled(proba, known, 0.1) is proba
    X, _, y_few = made(0, n=200)
    X[:, 0] = np.arange(200)
    model, calls = recording(LogisticRegression(max_iter=2000))
    SoftPseudoLabelClassifier(
        model, labelled_share=0.4, mixup_alpha=0.0, max_iter=1, random_state=0
    ).fit(X, y_few)
    last = fits(calls)[-1]
    of_labelled = last.sample_weight[np.rint(last.X[:, 0]) < 20].sum()
    assert np.isclose(of_labelled / last.sample_weight.sum(), 0.4)


def test_the_mean_of_pseudo_labels_goes_to_the_prior():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet([4, 1, 1], size=2000)
    prior = np.full(3, 1 / 3)
    new = to_prior(proba, prior)
    assert np.abs(new.mean(axis=0) - prior).max() < 0.5 * np.abs(proba.mean(axis=0) - prior).max()
    assert np.allclose(to_prior(proba, prior, trust=0.0), proba)
    proba[0] = np.nan
    assert np.allclose(to_prior(proba)[0], np.nanmean(proba, axis=0))
    assert np.allclose(sharpened(np.array([[0.8, 0.2]]), 2.0), [[0.64 / 0.68, 0.04 / 0.68]])


def test_a_prior_of_the_wrong_length_is_named():
    X, _, y_few = made(0, n=100)
    with pytest.raises(ValueError, match="each of the 4 classes"):
        SoftPseudoLabelClassifier(MODEL, class_prior=[0.5, 0.5]).fit(X, y_few)
    for prior in ("uniform", [0.25] * 4, None):
        SoftPseudoLabelClassifier(MODEL, class_prior=prior, max_iter=1).fit(X, y_few)


@pytest.mark.parametrize(
    "container", [csr_matrix, csr_array, pd.DataFrame, np.ndarray.tolist, np.float32], ids=str
)
def test_numbers_of_any_container_are_mixed(container):
    X, y, y_few = made(0, n=200)
    expected = SoftPseudoLabelClassifier(MODEL, max_iter=2, random_state=0).fit(X, y_few)
    model = SoftPseudoLabelClassifier(MODEL, max_iter=2, random_state=0)
    model.fit(container(X), y_few)
    assert model.n_mixed_ == 200
    assert np.allclose(model.predict_proba(container(X)), expected.predict_proba(X), atol=1e-3)


def test_tables_of_other_things_are_not_mixed():
    X, _, y_few = made(0, n=100)
    table = pd.DataFrame(X).astype({3: "Float64"})
    assert SoftPseudoLabelClassifier(MODEL, max_iter=1).fit(table, y_few).n_mixed_ == 0
    assert SoftPseudoLabelClassifier(MODEL, max_iter=1).fit(X[:, :9], y_few).n_mixed_ == 0
    assert SoftPseudoLabelClassifier(MODEL, max_iter=1).fit(X[:, :10], y_few).n_mixed_ == 100
    assert SoftPseudoLabelClassifier(MODEL, max_iter=1).fit(X, np.arange(100) % 4).n_mixed_ == 0


def test_mixed_rows_hide_the_rows_that_are_judged():
    X, _, y_few = made(0, n=60)
    X[:, 2] = np.arange(60) == 50  # tells the row, and what is mixed of it
    model, calls = recording(LogisticRegression(max_iter=300))
    SoftPseudoLabelClassifier(model, max_iter=2, cv=3, random_state=0).fit(X, y_few)
    n_judged, judged = 0, False
    for call in reversed(calls[:-1]):  # each fold is fitted, and then asked
        if call.method != "fit":
            judged = call.X[:, 2].any()
        elif judged:
            assert not call.X[:, 2].any()
            n_judged += 1
    assert n_judged == 2
