"""Features that are made wrong: rates, masks, containers, errors."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.datasets import load_iris
from sklearn.neighbors import NearestNeighbors

from sknoisy.datasets import feature_noise, gross_noise, open_set_noise, swap_noise


def _swap_columns(X, rate=0.05, **kwargs):
    return swap_noise(X, rate, between="columns", **kwargs)


CELLS = {"gross": gross_noise, "swap rows": swap_noise, "swap columns": _swap_columns}
ROWS = {"feature": feature_noise, "open set": open_set_noise}
GENERATORS = CELLS | ROWS
all_generators = pytest.mark.parametrize("noise", GENERATORS.values(), ids=GENERATORS)


def _changed(X_noisy, X):
    """Which cells differ, where two missing values do not."""
    X_noisy, X = pd.DataFrame(X_noisy), pd.DataFrame(X)
    assert X_noisy.shape == X.shape
    return np.column_stack(
        [
            [
                pd.isna(a) != pd.isna(b) or (not pd.isna(a) and bool(a != b))
                for a, b in zip(X_noisy.iloc[:, j], X.iloc[:, j], strict=True)
            ]
            for j in range(X.shape[1])
        ]
    )


def _check_mask(noise, X_noisy, X, mask):
    changed = _changed(X_noisy, X)
    assert isinstance(mask, np.ndarray) and mask.dtype == bool
    assert_array_equal(mask, changed if noise in CELLS.values() else changed.any(axis=1))


def _numbers(n=40):
    rng = np.random.RandomState(0)
    return np.round(rng.normal([5, -3, 40], [1, 2, 10], size=(n, 3)), 3)


FRAME = pd.DataFrame(_numbers(), columns=["a", "b", 3], index=np.arange(40)[::-1] // 2)
TABLES = {  # with the dtypes after noise was added
    "list": (_numbers().tolist(), ["float64"]),
    "float64": (_numbers(), ["float64"]),
    "float32": (_numbers().astype(np.float32), ["float32"]),
    "int": (_numbers().astype(int) * 2, ["float64"]),
    "Fortran order": (np.asfortranarray(_numbers()), ["float64"]),
    "frame": (FRAME, ["float64"] * 3),
    "mixed frame": (
        FRAME.astype({"a": "float32", "b": "int64", 3: "Int64"}, errors="ignore")
        .assign(b=np.arange(40))
        .assign(**{"a": np.arange(40, dtype="float32")}),
        ["float32", "float64", "float64"],
    ),
    "nullable frame": (
        pd.DataFrame(
            {"a": pd.array(range(40), dtype="Int64"), "b": pd.array(range(5, 45), dtype="Float64")}
        ),
        ["Float64", "Float64"],
    ),
}


@all_generators
@pytest.mark.parametrize("X, dtypes", TABLES.values(), ids=TABLES)
def test_container_comes_back(noise, X, dtypes):
    before = pd.DataFrame(X).copy()
    X_noisy, mask = noise(X, 0.3, random_state=0)
    assert mask.any() and not mask.all()
    _check_mask(noise, X_noisy, X, mask)
    keeps_dtypes = noise in (swap_noise, open_set_noise)
    if isinstance(X, pd.DataFrame):
        assert isinstance(X_noisy, pd.DataFrame)
        pd.testing.assert_index_equal(X_noisy.index, X.index)
        pd.testing.assert_index_equal(X_noisy.columns, X.columns)
        expected = X.dtypes.tolist() if keeps_dtypes else dtypes
        if noise is _swap_columns and X.dtypes.nunique() == 1:
            expected = X.dtypes.tolist()
        assert [str(dtype) for dtype in X_noisy.dtypes] == [str(dtype) for dtype in expected]
        X_noisy.iloc[:, :] = X_noisy.iloc[0, 0]
    else:
        assert isinstance(X_noisy, np.ndarray)
        kept = isinstance(X, np.ndarray) and (keeps_dtypes or noise is _swap_columns)
        assert X_noisy.dtype == (X.dtype if kept else dtypes[0])
        X_noisy[:] = 0
    pd.testing.assert_frame_equal(pd.DataFrame(X), before)


@settings(max_examples=50, deadline=None)
@given(
    X=arrays(
        np.float64,
        st.tuples(st.integers(2, 12), st.integers(2, 5)),
        elements=st.integers(-2, 2).map(float) | st.floats(-1e6, 1e6, width=32),
    ),
    rate=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_mask_is_where_cells_differ(X, rate, seed):
    X = X.copy()
    X[0, 0], X[1, 0] = 7.0, 8.0  # one column at least that is not constant
    constant = (X == X[0]).all(axis=0)
    for noise, limit in [
        (feature_noise, 1.0),
        (gross_noise, np.mean(~constant)),
        (swap_noise, None),
        (_swap_columns, None),
    ]:
        try:
            X_noisy, mask = noise(X, rate * (limit or 1.0), random_state=seed)
        except ValueError as error:
            # How many cells can change depends on ties; then the error says so.
            assert limit is None and "cannot be reached" in str(error)
            X_noisy, mask = noise(X, 0.0, random_state=seed)
        _check_mask(noise, X_noisy, X, mask)


@all_generators
@pytest.mark.parametrize("kind", ["normal", "with ties and a constant column"])
def test_rate_is_hit_on_average(noise, kind):
    X = np.random.RandomState(0).normal(size=(5000, 5))
    if kind != "normal":
        X[:, 0] = X[:, 0] > 1
        X[:, 1] = np.maximum(np.round(X[:, 1]), 0)
        X[:, 2] = 0.1
    for rate in (0.02, 0.2):
        _, mask = noise(X, rate, random_state=0)
        n = len(X)  # a lower bound of the independent draws, for rows and cells
        assert mask.mean() == pytest.approx(rate, abs=6 * np.sqrt(rate * (1 - rate) / n))


@all_generators
def test_seeds_and_zero(noise):
    X = _numbers()
    first = noise(X, 0.5, random_state=1)[0]
    assert_array_equal(noise(X, 0.5, random_state=np.random.RandomState(1))[0], first)
    assert_array_equal(noise(pd.DataFrame(X), 0.5, random_state=1)[0].to_numpy(), first)
    assert (noise(X, 0.5, random_state=2)[0] != first).any()
    X_noisy, mask = noise(X, 0.0, random_state=0)
    assert_array_equal(X_noisy, X)
    assert not mask.any()


@pytest.mark.parametrize("noise", [feature_noise, gross_noise, swap_noise, _swap_columns])
def test_columns(noise):
    X = FRAME.assign(text="a", hole=np.nan, n=np.arange(40))
    X_noisy, mask = noise(X, 0.4, columns=["a", "n"], random_state=0)
    assert mask.any()
    _check_mask(noise, X_noisy, X, mask)
    pd.testing.assert_frame_equal(X_noisy[["b", 3, "text", "hole"]], X[["b", 3, "text", "hole"]])
    array = X[["a", "b", "n"]].to_numpy()
    _, mask_array = noise(array, 0.4, columns=[0, 2], random_state=0)
    if mask.ndim == 2:
        mask, mask_array = mask[:, [0, 5]], mask_array[:, [0, 2]]
    assert_array_equal(mask_array, mask)
    with pytest.raises(ValueError, match="column 'z' is not in X; its columns are"):
        noise(X, columns=["a", "z"])
    with pytest.raises(ValueError, match="columns is empty"):
        noise(X, columns=[])


@pytest.mark.parametrize(
    "noise",
    [feature_noise, gross_noise, _swap_columns, open_set_noise],
)
def test_columns_that_are_no_numbers(noise):
    for column, message in {
        "text": "column 'text' of X",
        "hole": r"column 'hole' of X has a missing value in row 0 \(from 0\)",
        "colour": "column 'colour' of X is of type category, but numbers are needed",
        "day": "column 'day' of X is of type datetime64",
    }.items():
        X = FRAME.assign(
            text="a", hole=np.nan, colour=pd.Categorical([1] * 40), day=pd.Timestamp("2020-01-01")
        )
        with pytest.raises(ValueError, match=message):
            noise(X[["a", "b", column]])
    X = _numbers()
    X[3, 1] = np.inf
    with pytest.raises(ValueError, match="column 1 of X has the value inf in row 3"):
        noise(X)
    with pytest.raises(ValueError, match="column 1 of X holds text"):
        noise([[1.0, "a"], [2.0, "b"]])


@all_generators
def test_containers_that_are_refused(noise):
    with pytest.raises(TypeError, match=r"X is sparse; give X.toarray\(\)"):
        noise(csr_matrix(_numbers()))
    with pytest.raises(ValueError, match="X must have rows"):
        noise(np.empty((0, 3)))
    with pytest.raises(ValueError, match=r"X must have rows and columns, got shape \(3,\)"):
        noise([1.0, 2.0, 3.0])
    pl = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"X is of polars; give X.to_pandas\(\)"):
        noise(pl.DataFrame(_numbers()))


def test_feature_noise_has_the_scale_of_each_column():
    X = np.random.RandomState(0).normal([0, 50, 3], [1, 100, 0], size=(20000, 3))
    X_noisy, mask = feature_noise(X, 0.3, strength=0.5, random_state=0)
    error = (X_noisy - X)[mask] / [1, 100, 1]
    assert_allclose(error.std(axis=0), [0.5, 0.5, 0], atol=6 * 0.5 / np.sqrt(mask.sum()))
    assert (X_noisy[~mask] == X[~mask]).all()


def test_gross_noise_is_gross():
    X = np.random.RandomState(0).normal([0, 50, 3], [1, 100, 0], size=(5000, 3))
    X_noisy, mask = gross_noise(X, 0.2, strength=6, random_state=0)
    assert not mask[:, 2].any()  # constant
    assert_allclose(mask[:, :2].mean(axis=0), 0.3, atol=6 * np.sqrt(0.21 / 5000))
    error = np.abs(X_noisy - X)[:, :2] / X.std(axis=0)[:2]
    assert error[mask[:, :2]].min() > 6 - 1e-9 and error.max() < 12 + 1e-9


def test_constant_columns_leave_no_scale():
    X = np.full((10, 2), 0.1)
    for noise in (feature_noise, gross_noise):
        with pytest.raises(ValueError, match="all chosen columns of X are constant"):
            noise(X)
    X[0, 0] = 1
    with pytest.raises(ValueError, match="only 0.5 of everything is a cell of a column that is"):
        gross_noise(X, 0.6)


class TestSwap:
    X = pd.DataFrame(
        {
            "colour": pd.Categorical(["red", "blue", None, "green"] * 50),
            "text": pd.Series(["a", "b", "c", None] * 50, dtype="string"),
            "n": pd.array([1, 2, 3, None] * 50, dtype="Int64"),
            "x": [0.5, np.nan, 1.5, 2.5] * 50,
            "flag": [True, False] * 100,
            "same": "s",
        },
        index=np.arange(200)[::-1],
    )

    def test_rows_of_any_kind(self):
        X_noisy, mask = swap_noise(self.X, 0.2, random_state=0)
        _check_mask(swap_noise, X_noisy, self.X, mask)
        assert mask[:, :5].any(axis=0).all() and not mask[:, 5].any()
        assert X_noisy.dtypes.tolist() == self.X.dtypes.tolist()
        for name in self.X:
            counts = [frame[name].value_counts(dropna=False) for frame in (X_noisy, self.X)]
            pd.testing.assert_series_equal(*(c.sort_index() for c in counts))

    def test_rows_of_a_mixed_list(self):
        X_noisy, mask = swap_noise([[1, "a"], [2, "b"], [3, "c"]], 1.0, random_state=0)
        assert mask.all()
        assert sorted(X_noisy[:, 0]) == [1, 2, 3] and sorted(X_noisy[:, 1]) == ["a", "b", "c"]

    def test_columns_exchange_in_pairs(self):
        X = _numbers(1000)
        X_noisy, mask = _swap_columns(X, 0.3, random_state=0)
        assert_array_equal(np.sort(X_noisy, axis=1), np.sort(X, axis=1))
        assert set(mask.sum(axis=1)) == {0, 2}
        X = np.random.RandomState(0).normal(size=(1000, 4))
        X_noisy, mask = _swap_columns(X, 1.0, random_state=0)
        assert mask.all()
        assert_array_equal(np.sort(X_noisy, axis=1), np.sort(X, axis=1))

    def test_columns_of_one_type_keep_it(self):
        big = 2**60
        X = pd.DataFrame({"a": [big + 1, big + 3], "b": [1, 2]})
        X_noisy, mask = _swap_columns(X, 1.0, random_state=0)
        assert mask.all()
        assert X_noisy["b"].tolist() == [big + 1, big + 3] and X_noisy["a"].tolist() == [1, 2]

    def test_errors(self):
        with pytest.raises(ValueError, match="equal within their columns. Lower rate to 0.3"):
            swap_noise(np.array([[1, 0], [2, 0], [2, 0]]), 0.5)
        with pytest.raises(ValueError, match="only 0.666667 of the cells change"):
            _swap_columns(_numbers(), 0.7)
        with pytest.raises(ValueError, match="two columns or more"):
            _swap_columns(_numbers(), columns=[1])
        with pytest.raises(ValueError, match="'between' parameter of swap_noise"):
            swap_noise(_numbers(), between="cells")


class TestOpenSet:
    def test_made_rows_are_outside(self):
        X, _ = load_iris(return_X_y=True)
        X_noisy, mask = open_set_noise(X, 0.2, random_state=0)
        neighbours = NearestNeighbors(n_neighbors=2).fit(X[~mask])
        inside = neighbours.kneighbors(X[~mask])[0][:, 1]
        outside = neighbours.kneighbors(X_noisy[mask])[0][:, 0]
        assert outside.min() > np.quantile(inside, 0.95)
        assert outside.mean() > 5 * inside.mean()
        # Not absurdly so: within the range of each column, widened by a quarter.
        width = np.ptp(X, axis=0)
        assert (X_noisy >= X.min(axis=0) - width / 4).all()
        assert (X_noisy <= X.max(axis=0) + width / 4).all()

    def test_one_column(self):
        X = np.linspace(0, 1, 500).reshape(-1, 1)
        X_noisy, mask = open_set_noise(X, 0.2, random_state=0)
        made = X_noisy[mask]
        assert ((made < 0) | (made > 1)).mean() > 0.95

    def test_dtypes_are_kept(self):
        X = pd.DataFrame(
            {
                "count": np.arange(100, dtype=np.uint8),
                "flag": np.arange(100) % 3 == 0,
                "x": np.linspace(0, 1, 100, dtype=np.float32),
                "n": pd.array(range(100), dtype="Int16"),
            }
        )
        X_noisy, mask = open_set_noise(X, 0.3, random_state=0)
        assert X_noisy.dtypes.tolist() == X.dtypes.tolist()
        _check_mask(open_set_noise, X_noisy, X, mask)

    def test_no_room_outside(self):
        X = np.array([[True], [False]] * 10)
        with pytest.raises(ValueError, match="no rows could be made .*; give X_outside"):
            open_set_noise(X, 0.5, random_state=0)

    def test_given_rows(self):
        X, y = load_iris(return_X_y=True, as_frame=True)
        inside, outside = X[y < 2], X[y == 2]
        X_noisy, mask = open_set_noise(inside, 0.3, X_outside=outside, random_state=0)
        pd.testing.assert_frame_equal(X_noisy[~mask], inside[~mask])
        used = [tuple(row) for row in X_noisy[mask].to_numpy()]
        available = [tuple(row) for row in outside.to_numpy()]
        assert set(used) <= set(available)
        assert all(used.count(row) <= available.count(row) for row in used)
        array, mask_array = open_set_noise(
            inside.to_numpy(), 0.3, X_outside=outside.to_numpy(), random_state=0
        )
        assert_array_equal(array, X_noisy.to_numpy())
        # Fewer rows than are needed: they are used again.
        X_noisy, mask = open_set_noise(inside, 0.3, X_outside=outside[:3], random_state=0)
        assert len(X_noisy[mask].drop_duplicates()) <= 3 < mask.sum()

    def test_given_rows_of_any_kind(self):
        X, other = TestSwap.X, TestSwap.X[::-1].reset_index(drop=True)
        other = other.assign(n=pd.array([9] * 200, dtype="Int64"), same="other", x=1)
        X_noisy, mask = open_set_noise(X, 0.5, X_outside=other, random_state=0)
        assert X_noisy.dtypes.tolist() == X.dtypes.tolist()
        assert set(X_noisy["same"][mask]) == {"other"} and set(X_noisy["same"][~mask]) == {"s"}
        pd.testing.assert_frame_equal(X_noisy[~mask], X[~mask])

    @pytest.mark.parametrize(
        "X, X_outside",
        [
            (np.zeros((20, 4, 4)), np.ones((5, 4, 4))),
            (["a text"] * 20, ["a much longer one"] * 5),
            (["a text"] * 20, np.array(["a much longer one"] * 5)),
            (np.array(["a text"] * 20), np.array(["a much longer one"] * 5)),
            (np.zeros((20, 2), dtype=np.float32), np.full((5, 2), 0.1)),
            (np.zeros((20, 2)), np.full((5, 2), np.nan)),
            (np.zeros((20, 2), dtype=int), np.full((5, 2), 3.0)),
            (np.zeros((20, 2), dtype=object), np.array([[None, "a"]])),
        ],
        ids=[
            "images",
            "texts",
            "texts and array",
            "text array",
            "float32",
            "NaN",
            "whole",
            "objects",
        ],
    )
    def test_arrays_of_any_kind(self, X, X_outside):
        X_noisy, mask = open_set_noise(X, 0.5, X_outside=X_outside, random_state=0)
        assert_array_equal(X_noisy[~mask], np.asarray(X)[~mask])
        expected = np.broadcast_to(np.asarray(X_outside)[0], X_noisy[mask].shape)
        if X_noisy.dtype == np.float32:
            expected = expected.astype(np.float32)
        assert_array_equal(X_noisy[mask], expected)
        if np.asarray(X).dtype.kind not in "SU":
            assert X_noisy.dtype == X.dtype

    @pytest.mark.parametrize(
        "column, value, message",
        [
            ("flag", 0.5, "column 'flag' of X_outside"),
            ("n", 1.5, "column 'n' of X_outside .*Int64"),
            ("n", "a", "column 'n' of X_outside .*Int64"),
            ("colour", "pink", "column 'colour' of X_outside .* it has 'pink'"),
            ("x", "a", "column 'x' of X_outside .*float64"),
        ],
    )
    def test_values_that_do_not_fit(self, column, value, message):
        outside = TestSwap.X.copy()
        outside[column] = [value] + [None] * 199
        for seed in range(3):  # whichever rows are drawn
            with pytest.raises(ValueError, match=message):
                open_set_noise(TestSwap.X, 0.01, X_outside=outside, random_state=seed)

    def test_array_values_that_do_not_fit(self):
        for X, outside in [
            (np.zeros((9, 1), dtype=int), [[0.5]]),
            (np.zeros((9, 1), dtype=int), [[np.nan]]),
            (np.zeros((9, 1), dtype=np.uint8), [[256]]),
            (np.zeros((9, 1)), [["a"]]),
        ]:
            with pytest.raises(ValueError, match="that X's type .* cannot hold"):
                open_set_noise(X, X_outside=outside)

    def test_containers_that_do_not_fit(self):
        X = _numbers()
        for outside, message in [
            (X[:, :2], r"X_outside has rows of shape \(2,\), X of \(3,\)"),
            (FRAME, "both be DataFrames, or neither"),
            (X[:0], "X_outside has no rows"),
        ]:
            with pytest.raises(ValueError, match=message):
                open_set_noise(X, X_outside=outside)
        with pytest.raises(ValueError, match="column 'b' is in one only"):
            open_set_noise(FRAME, X_outside=FRAME.rename(columns={"b": "c"}))
        with pytest.raises(ValueError, match="the order differs"):
            open_set_noise(FRAME, X_outside=FRAME[["b", "a", 3]])
        with pytest.raises(TypeError, match="X_outside is sparse"):
            open_set_noise(X, X_outside=csr_matrix(X))
