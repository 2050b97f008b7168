"""Pairs that contradict a bias: the worst group gains, and what holds besides."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from sknoisy.training.mixing import ContradictingPairClassifier
from sknoisy.training.mixing._contradicting import (
    known_contradictions,
    least_and_most_alike,
    pair_weight,
)
from sknoisy.training.mixing._pairs import Pairs

from ...helpers import fits, noisy_labels, recording

SEEDS = range(4)
FOREST = RandomForestClassifier(30, random_state=0)


def biased(seed, n=1000, aligned=0.95):
    """A background that mostly goes with the class, in new rows by chance: two times (X, y, it)."""
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 2, n + 3000)
    is_aligned = rng.uniform(size=len(y)) < np.where(np.arange(len(y)) < n, aligned, 0.5)
    background = np.where(is_aligned, y, 1 - y)
    X = rng.randn(len(y), 7)
    X[:, 0] = 0.6 * X[:, 0] + 0.8 * (2 * y - 1)
    X[:, 1] = 0.4 * X[:, 1] + 1.0 * (2 * background - 1)
    return (X[:n], y[:n], background[:n]), (X[n:], y[n:], background[n:])


def worst_group(model, X, y, background):
    right = model.predict(X) == y
    return min(right[(y == i) & (background == j)].mean() for i in (0, 1) for j in (0, 1))


# ------------------------------------------------------------------ the paper's claims


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("model", "how"),
    [
        (LogisticRegression(), {}),
        (FOREST, {"biased_estimator": LogisticRegression(C=0.1)}),
    ],
    ids=["linear", "forest"],
)
def test_the_worst_group_gains(model, how, seed):
    (X, y, _), new = biased(seed)
    plain = clone(model).fit(X, y)
    fitted = ContradictingPairClassifier(clone(model), random_state=0, **how).fit(X, y)
    assert worst_group(fitted, *new) > worst_group(plain, *new) + 0.15
    assert fitted.score(*new[:2]) > plain.score(*new[:2])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bias_that_is_known_helps_more(seed):
    (X, y, background), new = biased(seed)
    plain = LogisticRegression().fit(X, y)
    known = ContradictingPairClassifier(LogisticRegression(), by=background, random_state=0)
    assert worst_group(known.fit(X, y), *new) > worst_group(plain, *new) + 0.2
    assert known.biased_proba_ is None


def test_mixtures_are_mostly_of_rows_that_contradict():
    (X, y, background), _ = biased(0)
    fitted = ContradictingPairClassifier(LogisticRegression(), random_state=0).fit(X, y)
    mixed = fitted.share_ < 1
    partner = fitted.pairs_[mixed, 1]
    assert (background != y).mean() < 0.08
    assert (background != y)[partner].mean() > 0.5
    likely = fitted.biased_proba_[np.arange(1000), y]
    assert likely[background != y].mean() + 0.2 < likely[background == y].mean()


# ------------------------------------------------------------------ what is fitted


def test_partners_by_likeness():
    angle = np.array([0.0, 0.1, 1.0, 1.1, 1.5])
    features, codes = np.column_stack([np.cos(angle), np.sin(angle)]), np.array([0, 0, 0, 1, 1])
    rng = np.random.RandomState(0)
    same = least_and_most_alike(features, codes, np.ones(5, dtype=bool), rng)
    np.testing.assert_array_equal(same, [2, 2, 0, 4, 3])
    other = least_and_most_alike(features, codes, np.zeros(5, dtype=bool), rng)
    np.testing.assert_array_equal(other, [3, 3, 3, 2, 2])
    alone = least_and_most_alike(features, np.zeros(5, int), np.zeros(5, dtype=bool), rng)
    np.testing.assert_array_equal(alone, np.arange(5))


def test_partners_by_what_is_known():
    values, codes = np.array([0, 0, 1, 1, -1]), np.array([0, 1, 0, 1, 0])
    rng = np.random.RandomState(0)
    same = known_contradictions(values, codes, np.ones(5, dtype=bool), rng)
    np.testing.assert_array_equal(same, [2, 3, 0, 1, 4])
    other = known_contradictions(values, codes, np.zeros(5, dtype=bool), rng)
    np.testing.assert_array_equal(other, [1, 0, 3, 2, 4])


def test_the_partner_gives_the_label_and_most_of_the_row():
    (X, y, background), _ = biased(1, n=300)
    model, calls = recording(LogisticRegression())
    by = ContradictingPairClassifier(model, by=background, n_mixed=2, random_state=0).fit(X, y)
    first, second = by.pairs_.T
    [call] = fits(calls)
    share = by.share_[:, None]
    assert len(first) == 900
    np.testing.assert_allclose(call.X, share * X[first] + (1 - share) * X[second])
    np.testing.assert_array_equal(call.y, y[second])
    assert call.sample_weight is None
    mixed = first != second
    assert (by.share_[mixed] <= 0.5).all()
    assert ((y[first] == y[second]) != (background[first] == background[second]))[mixed].all()
    # both kinds of pairs, for each row
    kinds = y[first[300:]] == y[second[300:]]
    np.testing.assert_array_equal(np.bincount(first[300:], minlength=300), 2)
    assert abs(kinds.mean() - 0.5) < 0.1


def test_weights_of_pairs():
    pairs = Pairs(np.array([0, 1, 2]), np.array([0, 2, 1]), np.array([1.0, 0.3, 0.2]))
    weight = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(pair_weight(pairs, weight), [1.0, 3.0, 3.0])
    assert pair_weight(pairs, None) is None
    (X, y, background), _ = biased(2, n=200)
    weight = (np.arange(200) % 3 > 0).astype(float)
    fitted = ContradictingPairClassifier(LogisticRegression(), random_state=0)
    fitted.fit(X, y, sample_weight=weight)
    assert (weight[fitted.pairs_[fitted.share_ < 1]] > 0).all()


def test_no_class_vanishes():
    X, y = noisy_labels(40, 2)
    y[:] = 0
    y[0] = 1
    fitted = ContradictingPairClassifier(
        LogisticRegression(), by=np.arange(40) % 2, keep_original=False, random_state=0
    )
    assert list(fitted.fit(X, y).classes_) == [0, 1]
    assert fitted.predict_proba(X).shape == (40, 2)


# ------------------------------------------------------------------ any rows, any model


def test_a_column_a_function_and_values_name_the_bias():
    (X, y, background), _ = biased(3, n=300)
    names = np.array(["grass", "water"])[background]
    table = pd.DataFrame(X, columns=list("abcdefg"))
    base = ContradictingPairClassifier(LogisticRegression(), random_state=0)
    of_values = clone(base).set_params(by=names).fit(table, y)
    of_rows = clone(base).set_params(by=lambda X: np.where(X["a"] > 0, "p", None)).fit(table, y)
    unknown = np.flatnonzero(table["a"] <= 0)
    alone = of_rows.pairs_[np.isin(of_rows.pairs_[:, 0], unknown)]
    np.testing.assert_array_equal(alone[:, 0], alone[:, 1])
    assert not np.isin(of_rows.pairs_[of_rows.share_ < 1, 1], unknown).any()
    of_array = clone(base).set_params(by=background).fit(X, y)
    np.testing.assert_array_equal(of_values.pairs_, of_array.pairs_)
    with pytest.raises(ValueError, match="by names the column 'place'"):
        clone(base).set_params(by="place").fit(table, y)
    with pytest.raises(ValueError, match="by gives 3 labels"):
        clone(base).set_params(by=[1, 2, 3]).fit(table, y)


def test_models_without_weights_sparse_rows_and_names():
    (X, y, background), _ = biased(0, n=200)
    names = np.array(["no", "yes"])[y]
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        ContradictingPairClassifier(KNeighborsClassifier()).fit(X, names)
    simple = ContradictingPairClassifier(
        KNeighborsClassifier(), biased_estimator=LogisticRegression(), random_state=0
    )
    assert set(simple.fit(X, names).predict(X)) == {"no", "yes"}
    linear = ContradictingPairClassifier(LogisticRegression(), random_state=0)
    dense = clone(linear).fit(X, names)
    sparse = clone(linear).fit(csr_matrix(X), names)
    np.testing.assert_allclose(dense.predict_proba(X), sparse.predict_proba(X), atol=1e-3)
    again = clone(linear).fit(X, names)
    np.testing.assert_array_equal(dense.predict_proba(X), again.predict_proba(X))


def test_no_array_of_all_pairs():
    import tracemalloc

    (X, y, _), _ = biased(0, n=20_000)
    model = ContradictingPairClassifier(LogisticRegression(), n_rounds=1, cv=2, random_state=0)
    tracemalloc.start()
    model.fit(X, y)
    assert tracemalloc.get_traced_memory()[1] < 100e6  # of 3.2e9 bytes for n x n
    tracemalloc.stop()
