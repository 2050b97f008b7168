"""Copies of a row are judged together, whatever the container, and nothing else changes."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier, RobustClassifier
from sknoisy.detection import (
    ConfidentLearning,
    Consensus,
    DataOOB,
    DatasetMap,
    IterativePartitioning,
    KNNShapley,
    LabelCommittee,
    Memorization,
    NeighborDisagreement,
    NumberCommittee,
    ReCoV,
    Residual,
    SelectiveEnsemble,
    Veracity,
)
from sknoisy.exceptions import RareClassWarning

from ..helpers import asks, fits, recording


def copied(n=60, times=5, seed=0, rate=0.15):
    """(X, y, which are wrong, number of the distinct row); each row is there `times` times."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    right = (X[:, 0] + X[:, 1] > 0).astype(int)
    wrong = rng.random(n) < rate
    order = rng.permutation(n * times)
    unit = np.repeat(np.arange(n), times)[order]
    return X[unit], np.where(wrong, 1 - right, right)[unit], wrong[unit], unit


def units_of(X, unit):
    """Numbers of the distinct rows that an array of some of the rows holds."""
    first = np.unique(unit, return_index=True)[1]
    known = {tuple(row): i for i, row in zip(unit[first], FEATURES[first].tolist(), strict=True)}
    return {known[tuple(row)] for row in np.asarray(X).tolist()}


FEATURES, LABELS, WRONG, UNIT = copied()
NUMBERS = FEATURES @ [3.0, 2.0, 0.0, 0.0]


def polars_frame(table):
    polars = pytest.importorskip("polars")
    return polars.DataFrame({name: table[name].astype(object).tolist() for name in table})


KINDS = ["array", "list", "DataFrame", "text and NaN", "objects", "nullable", "csr", "coo", "texts"]
KINDS += ["polars", "images"]


def containers():
    table = pd.DataFrame(FEATURES, columns=list("abcd"))
    mixed = table.assign(
        b=[f"t{value:.6f}" for value in table["b"]],
        c=table["c"].where(table["c"] > 0),
        d=pd.Categorical(np.where(table["d"] > 0, "up", "down")),
    )
    return {
        "array": FEATURES,
        "list": FEATURES.tolist(),
        "DataFrame": table,
        "text and NaN": mixed,
        "objects": mixed.astype(object),
        "nullable": table.convert_dtypes(),
        "csr": sparse.csr_array(FEATURES),
        "coo": sparse.coo_array(FEATURES),
        "texts": [" ".join(f"{value:.3f}" for value in row) for row in FEATURES],
        "polars": lambda: polars_frame(mixed),
        "images": FEATURES.reshape(-1, 2, 2),
    }


class Blind(ClassifierMixin, BaseEstimator):
    """Takes any container and looks at none."""

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.share_ = counts / len(y)
        return self

    def predict_proba(self, X):
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        return np.tile(self.share_, (n, 1))

    def predict(self, X):
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


BLIND = Blind()


def parts(X, y, cv=None, groups=None, model=BLIND):
    """The test rows of each fold, as a detector of the public base class gets them."""
    seen = []

    class Noting(ConfidentLearning):
        def _find(self, evidence):
            [folds] = evidence.splits(self.cv, random_state=self.random_state)
            seen.extend(test for _, test in folds)
            return super()._find(evidence)

    Noting(model, cv=cv, random_state=0).fit(X, y, groups=groups)
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_in_one_fold_in_any_container(kind):
    X = containers()[kind]
    X = X() if callable(X) else X
    seen = parts(X, LABELS)
    together = np.zeros(UNIT.max() + 1, dtype=int) - 1
    assert len(seen) == 5
    for fold, rows in enumerate(seen):
        assert set(together[UNIT[rows]]) == {-1}, "a copy is in two folds"
        together[UNIT[rows]] = fold
    assert sorted(np.concatenate(seen).tolist()) == list(range(len(UNIT)))
    sizes = [len(rows) for rows in seen]
    assert max(sizes) - min(sizes) <= 5
    shares = [LABELS[rows].mean() for rows in seen]
    assert max(shares) - min(shares) < 0.12  # stratified, by units of five rows


@pytest.mark.parametrize(
    "make",
    [
        lambda m: ConfidentLearning(m, random_state=0),
        lambda m: Consensus([("m", m)], cv=3, n_repeats=2, random_state=0),
        lambda m: ReCoV(m, n_repeats=3, random_state=0),
        lambda m: Consensus([("m", m)], max_iter=2, random_state=0),
        lambda m: SelectiveEnsemble(m, n_estimators=6, random_state=0),
        lambda m: DataOOB(m, n_bags=5, random_state=0),
        lambda m: Memorization(m, n_bags=5, random_state=0),
    ],
    ids=["folds", "repeats", "ReCoV", "consensus", "ensemble", "bags", "subsets"],
)
def test_no_row_is_judged_by_a_model_that_has_seen_a_copy(make):
    inner, calls = recording(DecisionTreeClassifier(max_depth=2, random_state=0))
    detector = make(inner)
    detector.fit(FEATURES, LABELS)
    if isinstance(detector, (DataOOB, Memorization)):  # asked about all; a bag holds whole units
        for call in fits(calls):
            rows = [tuple(row) for row in call.X]
            assert all(rows.count(row) % 5 == 0 for row in set(rows))
        return
    trained = None
    for call in calls:
        if call.method == "fit":
            trained = units_of(call.X, UNIT)
        else:
            assert not trained & units_of(call.X, UNIT)


@pytest.mark.parametrize(
    "detector",
    [
        ConfidentLearning(HistGradientBoostingClassifier(max_iter=30, random_state=0)),
        ConfidentLearning(RandomForestClassifier(100, random_state=0)),
        NeighborDisagreement(),
        NeighborDisagreement(weights="distance"),
        KNNShapley(),
        LabelCommittee(members="few", random_state=0),
        DataOOB(DecisionTreeClassifier(max_depth=4), n_bags=30, random_state=0),
        IterativePartitioning(KNeighborsClassifier(3), random_state=0, own_model="ignored"),
    ],
    ids=["folds", "out of bag", "kDN", "near kDN", "Shapley", "committee", "bags", "parts"],
)
def test_wrong_rows_with_copies_stand_out(detector):
    X, y, wrong, unit = copied(n=120)
    score = detector.fit(X, y).noise_score_
    score = np.where(np.isnan(score), -np.inf, score)
    better = (score[wrong][:, None] > score[~wrong]).mean()
    better += 0.5 * (score[wrong][:, None] == score[~wrong]).mean()
    assert better > 0.8
    for i in range(0, 120, 17):  # copies with one label have one score, where none is by chance
        own = score[unit == i]
        assert np.ptp(own) < 0.25 * np.ptp(score[np.isfinite(score)])


@pytest.mark.parametrize(
    "model", [RandomForestRegressor(60), ExtraTreesRegressor(60, bootstrap=True)]
)
def test_forests_ask_trees_that_know_no_copy(model):
    """One row has a twin with another number: only trees without both judge either."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X[:, 0].copy()
    X[1], y[0], y[1] = X[0], 4.0, -4.0
    model.set_params(random_state=0)
    found = Residual(model).fit(X, y)
    assert np.abs(found.y_suggested_[:2]).max() < 1.0
    assert found.y_suggested_[0] == pytest.approx(found.y_suggested_[1])
    alone = type(model)(**model.get_params()).set_params(oob_score=True).fit(X, y)
    np.testing.assert_array_equal(found.y_suggested_[2:], alone.oob_prediction_[2:])


def test_without_copies_folds_are_those_of_scikit_learn():
    X, y = make_classification(80, random_state=0)
    X[3] = X[4] * (1 + 1e-15)  # nearly the same is not the same
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max, size=1)[0]
    folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y)
    for rows, (_, test) in zip(parts(X, y), folds, strict=True):
        np.testing.assert_array_equal(rows, test)


@pytest.mark.parametrize(
    "X",
    [
        np.random.default_rng(0).integers(0, 2, (200, 1)),
        np.zeros((200, 3)),
        np.random.default_rng(0).integers(0, 3, (200, 3)),
        pd.DataFrame({"colour": list("abcd") * 50, "size": list("smlxy") * 40}),
        sparse.csr_array(np.random.default_rng(0).integers(0, 2, (200, 2)).astype(float)),
        ["yes", "no"] * 100,
    ],
    ids=["binary", "constant", "27 cells", "categories", "sparse", "words"],
)
def test_few_values_are_categories_and_not_copies(X):
    y = np.arange(200) % 2
    seen = parts(X, y)
    assert [len(rows) for rows in seen] == [40] * 5
    assert [y[rows].sum() for rows in seen] == [20] * 5


def test_a_usual_row_is_not_a_copy():
    """A third of the rows are empty: they are dealt to all folds."""
    X = np.random.default_rng(0).normal(size=(150, 3))
    X[:50] = 0.0
    X[50:52] = X[60:62]  # and these are copies
    seen = parts(X, X[:, 0] > 0.1)
    assert all(5 <= (rows < 50).sum() <= 15 for rows in seen)
    for a, b in ((50, 60), (51, 61)):
        assert any({a, b} <= set(rows.tolist()) for rows in seen)


def test_the_smallest_tables():
    for n in (6, 10, 15):
        X = np.random.default_rng(n).normal(size=(n, 2))
        X[1] = X[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RareClassWarning)
            seen = parts(X, np.arange(n) % 2)
        assert any({0, 1} <= set(rows.tolist()) for rows in seen)


def test_the_only_row_of_a_class_with_its_copies_cannot_be_judged():
    X, y = FEATURES.copy(), LABELS.copy()
    y[UNIT == 7] = 2
    with pytest.warns(RareClassWarning, match=r"2 \(1\)"):
        detector = ConfidentLearning(LogisticRegression(), random_state=0).fit(X, y)
    assert np.isnan(detector.noise_score_[UNIT == 7]).all()
    assert np.isfinite(detector.noise_score_[UNIT != 7]).all()
    near = NeighborDisagreement().fit(X, y)
    assert np.isnan(near.noise_score_[UNIT == 7]).all()


def test_copies_join_groups():
    X = np.random.default_rng(0).normal(size=(60, 3))
    X[30:32] = X[0:2]
    groups = np.arange(60) // 3  # rows 30 to 32 are of one group, rows 0 to 2 of another
    seen = parts(X, X[:, 0] > 0, cv=4, groups=groups)
    for rows in seen:
        both = {0, 1, 2, 30, 31, 32} & set(rows.tolist())
        assert len(both) in (0, 6)
        assert not set(groups[rows]) & set(np.delete(groups, rows))


def test_copies_that_would_chain_all_groups_are_left_apart():
    X, y, _, _ = copied(n=40, times=4)
    groups = np.arange(160) % 8
    with pytest.warns(UserWarning, match="chain more than half"):
        seen = parts(X, y, groups=groups)
    for rows in seen:
        assert not set(groups[rows]) & set(np.delete(groups, rows))


def test_a_splitter_of_the_user_is_left_as_it_is():
    inner, calls = recording(LogisticRegression())
    folds = KFold(4, shuffle=True, random_state=0)
    ConfidentLearning(inner, cv=folds).fit(FEATURES, LABELS)
    for call, (_, test) in zip(asks(calls), folds.split(FEATURES), strict=True):
        np.testing.assert_array_equal(call.X, FEATURES[test])


@pytest.mark.slow
def test_numbers_with_copies():
    y = NUMBERS.copy()
    y[np.isin(UNIT, [3, 30, 50])] += 40.0
    for detector in (
        Residual(KNeighborsRegressor(2), random_state=0),
        Veracity(Ridge(), random_state=0),
        NumberCommittee(random_state=0),
        KNNShapley(Ridge()),
    ):
        score = detector.fit(FEATURES, y).noise_score_
        assert np.median(score[np.isin(UNIT, [3, 30, 50])]) > np.quantile(score, 0.9)


def test_stages_judged_out_of_fold():
    detector = DatasetMap(DecisionTreeClassifier(max_depth=5, random_state=0), cv=4, random_state=0)
    detector.fit(FEATURES, LABELS)
    inside = DatasetMap(DecisionTreeClassifier(max_depth=5, random_state=0)).fit(FEATURES, LABELS)
    assert detector.noise_score_[WRONG].mean() > inside.noise_score_[WRONG].mean()


def test_treatments_and_the_default_find_wrong_rows_with_copies():
    X, y, wrong, _ = copied(n=150, times=4)
    model = FilterClassifier(HistGradientBoostingClassifier(max_iter=30, random_state=0))
    assert model.fit(X, y).noise_mask_[wrong].mean() > 0.4
    robust = RobustClassifier(LogisticRegression(), effort="fast", random_state=0).fit(X, y)
    assert (robust.noise_proba_[wrong] > 0.5).mean() > 0.4


@given(
    seed=st.integers(0, 2**16),
    n=st.integers(25, 60),
    most=st.integers(2, 6),
    k=st.integers(2, 6),
)
@settings(max_examples=40)
def test_folds_keep_units_together_and_classes_apart(seed, n, most, k):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(n), rng.integers(1, most + 1, n))
    rng.shuffle(unit)
    X, y = rng.normal(size=(n, 3))[unit], rng.integers(0, 3, n)[unit]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RareClassWarning)
        seen = parts(X, y, cv=k)
    assert sorted(np.concatenate(seen)) == sorted(np.flatnonzero(counted(unit, y) > 1))
    for rows in seen:
        assert not set(unit[rows]) & set(np.delete(unit, rows))
    for label in range(3):  # distinct rows of a class differ by one at most
        each = [len(set(unit[rows][y[rows] == label])) for rows in seen]
        assert max(each) - min(each) <= 1


def counted(unit, y):
    """How many distinct rows the class of each row has."""
    size = {label: len(set(unit[y == label])) for label in set(y.tolist())}
    return np.array([size[label] for label in y.tolist()])


@given(seed=st.integers(0, 2**16))
@settings(max_examples=10)
def test_the_order_of_rows_does_not_matter_to_neighbours(seed):
    rng = np.random.default_rng(seed)
    X, y, _, _ = copied(n=30, times=3, seed=seed)
    y = np.where(rng.random(len(y)) < 0.2, 1 - y, y)  # copies disagree
    order = rng.permutation(len(y))
    a = NeighborDisagreement(n_neighbors=4).fit(X, y).noise_score_
    b = NeighborDisagreement(n_neighbors=4).fit(X[order], y[order]).noise_score_
    np.testing.assert_allclose(b, a[order])


def test_texts_that_are_repeated():
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(60)])
    texts = [" ".join(rng.choice(words, 12)) for _ in range(50)]
    unit = np.repeat(np.arange(50), 3)
    X, y = [texts[i] for i in unit], unit % 2
    seen = parts(X, y)
    for rows in seen:
        assert not set(unit[rows]) & set(np.delete(unit, rows))
