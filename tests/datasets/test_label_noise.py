"""Labels that are made wrong: rates, masks, containers, errors."""

import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, make_blobs
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from sknoisy import datasets
from sknoisy.datasets import (
    boundary_noise,
    confusion_noise,
    dissenting_noise,
    group_noise,
    instance_noise,
    one_way_noise,
    pair_noise,
    region_noise,
    symmetric_noise,
    transition_noise,
)


def _X(y):
    return np.random.RandomState(len(y)).normal(size=(len(y), 2))


def _uniform_transitions(y, rate, **kwargs):
    """transition_noise with a matrix that has the given rate."""
    n_classes = pd.Series(y).nunique()
    matrix = np.full((n_classes, n_classes), rate / (n_classes - 1))
    np.fill_diagonal(matrix, 1 - rate)
    return transition_noise(y, matrix, **kwargs)


def _of_all_groups(y, rate, **kwargs):
    """group_noise with the same rate in two groups."""
    groups = np.arange(len(y)) % 2
    return group_noise(y, groups, dict.fromkeys(set(groups), rate), **kwargs)


# All of them as f(y, rate, random_state=...).
GENERATORS = {
    "symmetric": symmetric_noise,
    "pair": pair_noise,
    "one_way": one_way_noise,
    "transition": _uniform_transitions,
    "boundary": lambda y, rate, **kwargs: boundary_noise(_X(y), y, rate, cv=2, **kwargs),
    "region": lambda y, rate, **kwargs: region_noise(_X(y), y, rate, **kwargs),
    "confusion": lambda y, rate, **kwargs: confusion_noise(_X(y), y, rate, cv=2, **kwargs),
    "instance": lambda y, rate, **kwargs: instance_noise(_X(y), y, rate, **kwargs),
    "dissenting label": dissenting_noise,
    "dissenting annotator": lambda y, rate, **kwargs: dissenting_noise(
        y, rate, by="annotator", **kwargs
    ),
    "group": _of_all_groups,
}
all_generators = pytest.mark.parametrize("noise", GENERATORS.values(), ids=GENERATORS)

ODD_INDEX = [7, 7, -1, 30, 2, 99, 5, 4]
LABELS = {
    "list of str": ["a", "b", "c", "a", "b", "c", "a", "b"],
    "tuple of int": (3, 7, 9, 3, 7, 9, 3, 7),
    "str array": np.array(["a", "long", "c", "a", "long", "c", "a", "long"]),
    "object array": np.array(["a", "b", "c", "a", "b", "c", "a", "b"], dtype=object),
    "int8 array": np.array([3, 7, 9, 3, 7, 9, 3, 7], dtype=np.int8),
    "float array": np.array([0.0, -1.0, 0.0, -1.0, 0.0, -1.0, 0.0, -1.0]),
    "bool array": np.array([True, False] * 4),
    "int Series": pd.Series([3, 7, 9, 3, 7, 9, 3, 7], index=ODD_INDEX, name="target"),
    "str Series": pd.Series(list("abcabcab"), index=ODD_INDEX, name="target"),
    "string Series": pd.Series(list("abcabcab"), dtype="string", index=ODD_INDEX),
    "Int64 Series": pd.Series([3, 7, 9, 3, 7, 9, 3, 7], dtype="Int64", index=ODD_INDEX),
    "boolean Series": pd.Series([True, False] * 4, dtype="boolean", index=ODD_INDEX),
    "category Series": pd.Series(
        pd.Categorical(list("abcabcab"), categories=["c", "b", "a", "unused"], ordered=True),
        index=ODD_INDEX,
    ),
    "dates": pd.Series(pd.to_datetime(["2020-01-01", "2021-06-01"] * 4), index=ODD_INDEX),
    "Categorical": pd.Categorical(list("abcabcab")),
}


@all_generators
@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_container_comes_back(noise, y):
    before = y.copy() if hasattr(y, "copy") else type(y)(y)
    y_noisy, mask = noise(y, 0.3, random_state=3)
    assert type(y_noisy) is type(y)
    assert len(y_noisy) == len(y)
    assert mask.shape == (len(y),) and mask.dtype == bool
    assert mask.any()
    assert_array_equal([a != b for a, b in zip(y_noisy, y, strict=True)], mask)
    assert set(y_noisy) <= set(y)
    if hasattr(y, "dtype"):
        assert y_noisy.dtype == y.dtype
    if isinstance(y, pd.Series):
        pd.testing.assert_index_equal(y_noisy.index, y.index)
        assert y_noisy.name == y.name
    # The input is as it was, and stays so when the output is written to.
    if isinstance(y_noisy, pd.Series):
        y_noisy.iloc[:] = y_noisy.iloc[0]
    elif isinstance(y_noisy, np.ndarray):
        y_noisy[:] = y_noisy[0]
    assert_array_equal(np.asarray(y), np.asarray(before))


def test_polars_series():
    pl = pytest.importorskip("polars")
    y = pl.Series("target", ["a", "b", "c"] * 10)
    y_noisy, mask = symmetric_noise(y, 0.5, random_state=0)
    assert isinstance(y_noisy, pl.Series) and y_noisy.name == "target"
    assert_array_equal((y_noisy != y).to_numpy(), mask)
    y_array, mask_array = symmetric_noise(y.to_numpy(), 0.5, random_state=0)
    assert_array_equal(y_noisy.to_numpy(), y_array)
    X = pl.DataFrame({"a": np.arange(30), "b": np.arange(30.0)})
    assert region_noise(X, y, 0.2, random_state=0)[1].sum() == 6


@settings(max_examples=40, deadline=None)
@given(
    y=st.lists(st.sampled_from(["x", "y", "z", ""]), min_size=2, max_size=40).filter(
        lambda labels: len(set(labels)) > 1
    ),
    rate=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_mask_is_where_labels_differ(y, rate, seed):
    y = np.array(y)
    movable = 1 - np.unique(y, return_counts=True)[1].max() / len(y)
    for noise, limit in [
        (symmetric_noise, 1),
        (pair_noise, 1),
        (one_way_noise, movable),
        (_uniform_transitions, 1),
        (GENERATORS["region"], movable - 1 / len(y)),
    ]:
        y_noisy, mask = noise(y, rate * max(limit, 0), random_state=seed)
        assert_array_equal(y_noisy != y, mask)
        assert set(y_noisy) <= set(y)
        again, _ = noise(y, rate * max(limit, 0), random_state=seed)
        assert_array_equal(again, y_noisy)


@all_generators
def test_rate_is_hit_on_average(noise):
    y = np.repeat(["a", "b", "c"], [4000, 3500, 2500])
    for rate in (0.03, 0.25, 0.45):
        _, mask = noise(y, rate, random_state=0)
        # Six standard deviations of independent flips.
        assert mask.mean() == pytest.approx(rate, abs=6 * np.sqrt(rate * (1 - rate) / len(y)))


@all_generators
def test_small_rates_are_hit_over_seeds(noise):
    # Below one row in expectation: the mean over seeds is what counts.
    y = ["a", "b", "a", "b", "a", "b"]
    fits = noise in (GENERATORS["boundary"], GENERATORS["confusion"])
    n_seeds = 100 if fits else 600
    changed = [noise(y, 0.1, random_state=seed)[1].mean() for seed in range(n_seeds)]
    assert np.mean(changed) == pytest.approx(0.1, abs=6 * np.sqrt(0.09 / (6 * n_seeds)))


@all_generators
def test_rate_zero_changes_nothing(noise):
    y_noisy, mask = noise(np.array([1, 2, 1, 2]), 0.0, random_state=0)
    assert_array_equal(y_noisy, [1, 2, 1, 2])
    assert not mask.any()


def test_rate_one_changes_everything():
    y = np.arange(30) % 3
    for noise in (symmetric_noise, pair_noise):
        assert noise(y, 1.0, random_state=0)[1].all()
    y_noisy, _ = one_way_noise(y, 2 / 3, target=0, random_state=0)
    assert_array_equal(y_noisy, 0)
    y_noisy, _ = region_noise(_X(y), y, 2 / 3, target=1, random_state=0)
    assert_array_equal(y_noisy, 1)


@all_generators
def test_seeds(noise):
    y = np.arange(200) % 3
    first, _ = noise(y, 0.3, random_state=1)
    assert_array_equal(noise(y, 0.3, random_state=np.random.RandomState(1))[0], first)
    assert (noise(y, 0.3, random_state=2)[0] != first).any()
    assert_array_equal(noise(y.tolist(), 0.3, random_state=1)[0], first)


def test_symmetric_spreads_over_the_other_classes():
    y = np.zeros(30000, dtype=int)
    y[:3] = [1, 2, 3]
    y_noisy, mask = symmetric_noise(y, 0.3, random_state=0)
    share = np.bincount(y_noisy[mask & (y == 0)])[1:] / mask.sum()
    assert_allclose(share, 1 / 3, atol=6 * np.sqrt(2 / 9 / mask.sum()))


def test_pair_goes_to_the_next_class():
    y = np.arange(300) % 3
    y_noisy, mask = pair_noise(y, 0.5, random_state=0)
    assert_array_equal(y_noisy[mask], (y[mask] + 1) % 3)
    # For categories, their order counts.
    y = pd.Series(pd.Categorical(["low", "mid", "high"] * 50, categories=["low", "mid", "high"]))
    y_noisy, mask = pair_noise(y, 0.5, random_state=0)
    pairs = set(zip(y[mask], y_noisy[mask], strict=True))
    assert pairs == {("low", "mid"), ("mid", "high"), ("high", "low")}


def test_pair_rate_is_that_of_each_class():
    y = np.repeat([0, 1, 2], [20000, 10000, 5000])
    _, mask = pair_noise(y, 0.3, random_state=0)
    for label, n in enumerate([20000, 10000, 5000]):
        assert mask[y == label].mean() == pytest.approx(0.3, abs=6 * np.sqrt(0.21 / n))


class TestOneWay:
    y = np.repeat(["a", "b", "c"], [5000, 3000, 2000])

    def test_source_and_target(self):
        y_noisy, mask = one_way_noise(self.y, 0.1, source="c", target="b", random_state=0)
        assert set(self.y[mask]) == {"c"} and set(y_noisy[mask]) == {"b"}
        # A tenth of all rows is half of class c.
        assert mask[self.y == "c"].mean() == pytest.approx(0.5, abs=6 * np.sqrt(0.25 / 2000))

    def test_defaults(self):
        y_noisy, mask = one_way_noise(self.y, 0.2, random_state=0)
        assert set(self.y[mask]) == {"b", "c"} and set(y_noisy[mask]) == {"a"}
        y_noisy, mask = one_way_noise(self.y, 0.2, source="a", random_state=0)
        assert set(self.y[mask]) == {"a"} and set(y_noisy[mask]) == {"b"}
        y_noisy, mask = one_way_noise(self.y, 0.2, target="c", random_state=0)
        assert set(self.y[mask]) == {"a", "b"} and set(y_noisy[mask]) == {"c"}

    def test_errors(self):
        with pytest.raises(ValueError, match=r"only 0.2 of everything is of class 'c'. Lower rate"):
            one_way_noise(self.y, 0.21, source="c")
        with pytest.raises(ValueError, match=r"only 0.5 .* a class other than 'a'"):
            one_way_noise(self.y, 0.6)
        with pytest.raises(ValueError, match="source='z' is not a class of y, which has 'a', 'b'"):
            one_way_noise(self.y, source="z")
        with pytest.raises(ValueError, match="target=3 is not a class"):
            one_way_noise(self.y, target=3)
        with pytest.raises(ValueError, match="same class, 'a'"):
            one_way_noise(self.y, source="a", target="a")

    def test_largest_rate_the_error_prints_works(self):
        y = np.array(["a", "b", "b"])
        with pytest.raises(ValueError, match="Lower rate to 0.333333 or less"):
            one_way_noise(y, 0.4, source="a")
        y = np.array(["a", "a", "b"])
        with pytest.raises(ValueError, match="Lower rate to 0.666667 or less"):
            one_way_noise(y, 0.7, source="a")
        assert_array_equal(one_way_noise(y, 0.666667, source="a")[0], "b")


class TestTransition:
    matrix = np.array([[1.0, 0.0, 0.0], [0.1, 0.7, 0.2], [0.0, 0.4, 0.6]])
    y = np.repeat(["a", "b", "c"], 10000)

    def test_frequencies(self):
        y_noisy, mask = transition_noise(self.y, self.matrix, random_state=0)
        found = pd.crosstab(self.y, y_noisy, normalize="index").to_numpy()
        assert_allclose(found, self.matrix, atol=6 * np.sqrt(0.25 / 10000))
        assert found[0, 0] == 1 and found[2, 0] == 0
        assert_array_equal(mask, y_noisy != self.y)

    def test_classes_give_the_order(self):
        y_noisy, _ = transition_noise(
            self.y, self.matrix[::-1, ::-1], classes=["c", "b", "a"], random_state=0
        )
        found = pd.crosstab(self.y, y_noisy, normalize="index").to_numpy()
        assert_allclose(found, self.matrix, atol=6 * np.sqrt(0.25 / 10000))

    def test_frame_brings_its_classes(self):
        frame = pd.DataFrame(self.matrix[::-1, ::-1], index=list("cba"), columns=list("cba"))
        y_noisy, _ = transition_noise(self.y, frame, random_state=0)
        assert set(y_noisy[self.y == "a"]) == {"a"}
        with pytest.raises(ValueError, match="index and the columns"):
            transition_noise(self.y, frame[["a", "b", "c"]])

    def test_absent_class(self):
        y = np.repeat(["a", "b"], 100)
        kwargs = {"classes": ["a", "b", "c"], "random_state": 0}
        matrix = [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]]
        y_noisy, mask = transition_noise(y, matrix, **kwargs)
        assert set(y[mask]) == {"b"}
        with pytest.raises(ValueError, match="class 'b' was flipped to 'c', which y does not have"):
            transition_noise(y, [[1, 0, 0], [0.3, 0.4, 0.3], [0, 0, 1]], **kwargs)

    @pytest.mark.parametrize(
        "matrix, classes, message",
        [
            ([[1, 0], [0, 1]], None, r"shape \(2, 2\), but 3 classes need \(3, 3\)"),
            ([[1, 0, 0], [0, 0.9, 0], [0, 0, 1]], None, "class 'b' .* sums to 0.9; it must sum"),
            ([[1, 0, 0], [0, 1, 0], [0, -0.5, 1.5]], None, "class 'c' .* negative"),
            ([[1, 0, 0], [0, np.nan, 1], [0, 0, 1]], None, "class 'b' .* missing"),
            (np.eye(2), ["a", "b"], "class 'c' of y is not among the matrix's classes, 'a', 'b'"),
            (np.eye(3), ["a", "a", "b"], "twice"),
            ([["x", 0, 0]], None, "cannot be read as numbers"),
        ],
    )
    def test_errors(self, matrix, classes, message):
        with pytest.raises(ValueError, match=message):
            transition_noise(self.y, matrix, classes=classes)


class TestBoundary:
    def test_rows_near_the_boundary_flip(self):
        X = np.linspace(-5, 5, 4000).reshape(-1, 1)
        y = (X.ravel() > 0).astype(int)
        _, mask = boundary_noise(X, y, 0.1, random_state=0)
        assert np.abs(X[mask]).mean() < 0.5 * np.abs(X[~mask]).mean()
        # Even on the boundary no more than one half of the rows flips.
        near = np.abs(X.ravel()) < 0.5
        assert 0.2 < mask[near].mean() < 0.5 + 6 * np.sqrt(0.25 / near.sum())

    def test_rows_on_the_boundary(self):
        # All probabilities are 1/2, so all margins are exactly zero.
        X, y = np.zeros((1000, 1)), np.arange(1000) % 2
        estimator = DummyClassifier(strategy="uniform")
        for rate in (0.0, 0.1, 0.5):
            _, mask = boundary_noise(X, y, rate, estimator=estimator, random_state=0)
            assert mask.mean() == pytest.approx(rate, abs=6 * np.sqrt(rate * (1 - rate) / 1000))

    def test_flips_go_to_the_class_next_to_it(self):
        # Three blobs in a row: the outer two have no boundary with each other.
        X, y = make_blobs(900, centers=[[0, 0], [4, 0], [8, 0]], random_state=0)
        y_noisy, mask = boundary_noise(X, y, 0.2, random_state=0)
        assert set(y_noisy[mask & (y == 0)]) == {1}
        assert set(y_noisy[mask & (y == 2)]) == {1}
        assert set(y_noisy[mask & (y == 1)]) == {0, 2}

    @pytest.mark.parametrize(
        "estimator",
        [KNeighborsClassifier(3), RandomForestClassifier(5, random_state=0)],
        ids=["kNN", "forest"],
    )
    def test_saturated_probabilities(self, estimator):
        # Probabilities of exactly 0 and 1 leave every row some chance: the rate is hit.
        X, y = make_blobs(4000, centers=[[-9, 0], [9, 0]], random_state=0)
        for rate in (0.2, 0.5):
            _, mask = boundary_noise(X, y, rate, estimator=estimator, random_state=0)
            assert mask.mean() == pytest.approx(rate, abs=6 * np.sqrt(0.25 / 4000))

    def test_estimator_gets_X_as_it_is(self):
        X = pd.DataFrame({"colour": ["red", "blue", None, "green"] * 25})
        y = np.where(X["colour"] == "red", "yes", "no")
        y[::10] = "no"
        estimator = make_pipeline(OneHotEncoder(), LogisticRegression())
        y_noisy, mask = boundary_noise(X, y, 0.2, estimator=estimator, random_state=0)
        assert_array_equal(y_noisy != y, mask)
        with pytest.raises(ValueError, match="column 'colour' of X .* Give an `estimator`"):
            boundary_noise(X, y)
        texts = ["good film", "bad film"] * 20
        estimator = make_pipeline(CountVectorizer(), LogisticRegression())
        _, mask = boundary_noise(texts, [1, 0] * 20, 0.3, estimator=estimator, random_state=0)
        assert mask.any()

    def test_rare_classes(self):
        X, y = load_iris(return_X_y=True)
        keep = np.r_[0:50, 50:52, 100:103]  # classes of 50, 2 and 3 rows
        _, mask = boundary_noise(X[keep], y[keep], 0.3, random_state=0)
        assert mask.any()
        keep = np.r_[0:50, 50:51]
        with pytest.raises(ValueError, match="class 1 has a single row"):
            boundary_noise(X[keep], y[keep])

    def test_errors(self):
        X, y = load_iris(return_X_y=True)
        with pytest.raises(ValueError, match="'estimator' parameter of boundary_noise"):
            boundary_noise(X, y, estimator=LinearSVC())
        with pytest.raises(ValueError, match="'rate' parameter of boundary_noise"):
            boundary_noise(X, y, rate=0.6)
        with pytest.raises(ValueError, match="X has 149 rows and y has 150"):
            boundary_noise(X[1:], y)


class TestRegion:
    def test_region_is_a_ball_of_one_class(self):
        X, y = make_blobs(600, centers=3, cluster_std=3, random_state=0)
        y_noisy, mask = region_noise(X, y, 0.1, target=1, random_state=0)
        assert mask.sum() == 60
        assert set(y_noisy[mask]) == {1}
        # The changed rows, and only rows of the target class, are within some radius.
        Z = X / X.std(axis=0)
        inside = [
            np.linalg.norm(Z - Z[centre], axis=1)
            <= np.linalg.norm(Z[mask] - Z[centre], axis=1).max()
            for centre in np.flatnonzero(mask)
        ]
        assert any((y_noisy[ball] == 1).all() for ball in inside)

    def test_columns_count_alike(self):
        X, y = make_blobs(300, centers=3, random_state=0)
        expected = region_noise(X, y, 0.2, random_state=0)[1]
        scaled = np.column_stack([X * [1e6, 1e-3], np.full(300, 0.1)])
        assert_array_equal(region_noise(scaled, y, 0.2, random_state=0)[1], expected)
        frame = pd.DataFrame(X, index=np.arange(300)[::-1])
        assert_array_equal(region_noise(frame, y, 0.2, random_state=0)[1], expected)

    def test_several_regions(self):
        X = np.arange(1000.0).reshape(-1, 1)
        y = np.arange(1000) % 2
        _, mask = region_noise(X, y, 0.04, n_regions=4, target=0, random_state=1)
        assert mask.sum() == 40
        # Every second row changes within a region, so a gap of more than 2 is between regions.
        assert (np.diff(np.flatnonzero(mask)) > 2).sum() == 3

    def test_rare_class_leaves_enough_rows(self):
        # Rows to change are found whatever the seed: only the rare class can be the target.
        y = np.repeat([0, 1], [90, 10])
        for seed in range(10):
            y_noisy, mask = region_noise(_X(y), y, 0.5, n_regions=3, random_state=seed)
            assert mask.sum() == 50 and set(y_noisy[mask]) == {1}

    def test_errors(self):
        X, y = load_iris(return_X_y=True, as_frame=True)
        with pytest.raises(ValueError, match="at most 100 of 150 rows .* Lower rate to 0.666667"):
            region_noise(X, y, 0.7)
        with pytest.raises(ValueError, match="target=5 is not a class of y, which has 0, 1, 2"):
            region_noise(X, y, target=5)
        broken = X.copy()
        broken.iloc[4, 2] = np.nan
        message = r"column 'petal length \(cm\)' of X has a missing value in row 4"
        with pytest.raises(ValueError, match=message):
            region_noise(broken, y)
        with pytest.raises(ValueError, match="column 'kind' of X .* numbers are needed. Encode or"):
            region_noise(X.assign(kind="a"), y)


BAD_LABELS = {
    "None": (["a", "b", None, None], "missing value in row 2"),
    "NaN": (np.array([0.0, np.nan, 1.0]), "missing value in row 1"),
    "NA": (pd.Series([1, 2, 3, None], dtype="Int64", index=list("abcd")), "missing value in row 3"),
    "NaT": (pd.Series(pd.to_datetime([None, "2020-01-01"])), "missing value in row 0"),
    "one class": (["only", "only"], "single class, 'only'"),
    "numbers": (np.array([0.0, 1.0, 2.5]), r"numbers, not classes \(row 2, from 0, is 2.5\)"),
    "float32": (np.array([0.0, 0.5], dtype=np.float32), "numbers, not classes"),
    "empty": ([], "no rows"),
    "2-D": (np.zeros((3, 2)), "one-dimensional"),
    "list of lists": ([["a"], ["b"]], "one-dimensional"),
    "frame": (pd.DataFrame({"a": [1, 2]}), "one-dimensional"),
}


@all_generators
@pytest.mark.parametrize("y, message", BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_labels(noise, y, message):
    if noise is _uniform_transitions:
        noise = lambda y, rate: transition_noise(y, np.eye(2))  # noqa: E731
    of_features = {
        GENERATORS["boundary"]: boundary_noise,
        GENERATORS["region"]: region_noise,
        GENERATORS["confusion"]: confusion_noise,
        GENERATORS["instance"]: instance_noise,
    }
    if noise in of_features:
        function = of_features[noise]
        noise = lambda y, rate: function(np.zeros((len(y), 1)), y, rate)  # noqa: E731
    with pytest.raises(ValueError, match=message):
        noise(y, 0.2)


@pytest.mark.parametrize("rate", [-0.1, 1.1, np.nan, "auto", None])
def test_bad_rate(rate):
    with pytest.raises(ValueError, match="'rate' parameter of symmetric_noise"):
        symmetric_noise(["a", "b"], rate)


def test_one_convention():
    # Data first, then the rate, everything else by keyword with random_state last.
    for name in datasets.__all__:
        if name.startswith("make_"):  # data of its own
            continue
        parameters = list(inspect.signature(getattr(datasets, name)).parameters.values())
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        what = {
            "transition_noise": ["transition_matrix"],
            "group_noise": ["groups", "rates"],
            "dilute": ["alpha"],
        }.get(name, ["rate"])
        assert positional in (["X", *what], ["y", *what], ["X", "y", *what])
        assert parameters[-1].name == "random_state" and parameters[-1].default is None
        assert name.endswith("_noise") or name == "dilute"
