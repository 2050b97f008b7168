"""Rows between rows, in every container."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array, csr_matrix, issparse, random

from sknoisy.training.mixing._mix_rows import mix_rows

FIRST, SECOND = np.array([0, 1, 2, 3]), np.array([3, 2, 2, 0])
SHARE = np.array([0.25, 0.5, 0.3, 1.0])


def mixture(X, first=FIRST, second=SECOND, share=SHARE, **how):
    return mix_rows(X, first, second, share, random_state=0, **how)


def many(X, share=0.7, m=4000, **how):
    """The first row mixed with the second so many times."""
    zero = np.zeros(m, dtype=int)
    return mix_rows(X, zero, zero + 1, np.full(m, share), random_state=0, **how)


@given(
    arrays(float, (5, 3), elements=st.floats(-1e6, 1e6)),
    arrays(int, 7, elements=st.integers(0, 4)),
    arrays(int, 7, elements=st.integers(0, 4)),
    arrays(float, 7, elements=st.floats(0, 1)),
)
def test_numbers_are_convex_combinations_in_any_container(X, first, second, share):
    wanted = share[:, None] * X[first] + (1 - share[:, None]) * X[second]
    of_array = mix_rows(X, first, second, share)
    np.testing.assert_allclose(of_array, wanted, rtol=1e-12, atol=1e-9)
    assert (of_array[first == second] == X[first[first == second]]).all()
    of_sparse = mix_rows(csr_matrix(X), first, second, share)
    assert issparse(of_sparse)
    np.testing.assert_allclose(of_sparse.toarray(), wanted, rtol=1e-12, atol=1e-9)
    of_table = mix_rows(pd.DataFrame(X, columns=list("abc")), first, second, share)
    np.testing.assert_array_equal(of_table.to_numpy(), of_array)
    assert list(of_table) == list("abc")


@pytest.mark.parametrize("kind", [csr_matrix, csr_array])
def test_sparse_stays_sparse(kind):
    X = kind(random(50, 200, density=0.02, random_state=0))
    mixed = mixture(X)
    assert issparse(mixed)
    assert mixed.nnz <= 2 * X[FIRST].nnz + 2 * X[SECOND].nnz
    with pytest.raises(ValueError, match="swap_columns"):
        mixture(X, swap_columns=[0])


def test_data_types_of_arrays():
    X = np.arange(12).reshape(4, 3)
    assert mixture(X).dtype == np.float64
    assert mixture(X.astype(np.float32)).dtype == np.float32
    assert mixture(X.astype(np.int8)).dtype == np.float64
    assert mixture(X > 4).dtype == bool
    assert mixture(np.ones((4, 2, 3))).shape == (4, 2, 3)
    assert mixture(X.tolist()).shape == (4, 3)


def test_numbers_that_overflow_when_mixed_stay_where_a_row_is_itself():
    X = np.array([[np.inf], [1.0]])
    assert mix_rows(X, np.array([0]), np.array([0]), np.array([1.0]))[0, 0] == np.inf


def test_cells_are_swapped_in_proportion():
    table = pd.DataFrame(
        {
            "category": pd.Categorical(["a", "b"], categories=["a", "b", "never"]),
            "text": ["a", "b"],
            "truth": [True, False],
            "date": pd.to_datetime(["2020-01-01", "2021-01-01"]),
            "missing": [1.0, np.nan],
            "code": [1, 7],
        }
    )
    mixed = many(table, swap_columns=["code"])
    pd.testing.assert_series_equal(mixed.dtypes, table.dtypes)
    assert list(mixed["category"].cat.categories) == ["a", "b", "never"]
    for name in table:
        kept = mixed[name] == table[name][0]
        assert 0.67 < kept.mean() < 0.73
        rest = mixed[name][~kept]
        assert (rest.isna() if name == "missing" else rest == table[name][1]).all()
    # each cell is drawn on its own
    agree = (mixed["category"] == "a") == mixed["truth"]
    assert abs(agree.mean() - (0.7**2 + 0.3**2)) < 0.03


def test_missing_numbers_of_arrays_are_drawn():
    mixed = many(np.array([[1.0, np.nan], [2.0, 5.0]]))
    np.testing.assert_allclose(mixed[:, 0], 1.3)
    assert 0.67 < np.isnan(mixed[:, 1]).mean() < 0.73
    assert set(mixed[~np.isnan(mixed[:, 1]), 1]) == {5.0}


def test_columns_of_codes_in_an_array():
    mixed = many(np.array([[1.0, 3.0], [2.0, 8.0]]), swap_columns=[1])
    np.testing.assert_allclose(mixed[:, 0], 1.3)
    assert set(mixed[:, 1]) == {3.0, 8.0}
    with pytest.raises(ValueError, match="swap_columns names 'b'"):
        mixture(np.ones((4, 2)), swap_columns=["b"])


def test_kinds_of_numbers_in_tables():
    table = pd.DataFrame(
        {
            "int": [1, 3],
            "nullable": pd.array([1, 3], dtype="Int64"),
            "with NA": pd.array([None, 3], dtype="Int64"),
            "half": np.array([1, 3], dtype=np.float32),
            "sparse": pd.arrays.SparseArray([0.0, 2.0], fill_value=0.0),
            "objects": np.array([1, 3], dtype=object),
        }
    )
    mixed = many(table, 0.5, m=50)
    kinds = ["float64", "Float64", "Float64", "float32", "Sparse[float64, 0.0]", "float64"]
    assert [str(t) for t in mixed.dtypes] == kinds
    assert (mixed["int"] == 2).all()
    assert (mixed["nullable"] == 2).all()
    assert set(mixed["with NA"].dropna()) == {3}
    assert 0 < mixed["with NA"].isna().sum() < 50


def test_arrays_of_objects_and_names_that_occur_twice():
    mixed = many(np.array([[1, "a"], [3, "b"]], dtype=object), 0.5, m=40)
    assert set(mixed[:, 0]) == {2.0}
    assert set(mixed[:, 1]) == {"a", "b"}
    table = pd.DataFrame([[1, 10], [3, 30]], columns=["a", "a"], index=[5, 5])
    mixed = many(table, 0.5, m=3)
    assert list(mixed.columns) == ["a", "a"]
    np.testing.assert_allclose(mixed.to_numpy(), [[2, 20]] * 3)


def test_polars():
    pl = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    table = pl.DataFrame(
        {"number": [1, 3], "missing": [None, 4.0], "text": ["a", "b"], "truth": [True, False]}
    ).with_columns(category=pl.Series(["a", "b"], dtype=pl.Categorical))
    mixed = many(table, 0.5, m=60)
    assert isinstance(mixed, pl.DataFrame)
    assert mixed.columns == table.columns
    assert set(mixed["number"]) == {2.0}
    assert set(mixed["missing"]) == {None, 4.0}
    assert set(mixed["text"]) == {"a", "b"}
    assert mixed.dtypes[2:] == table.dtypes[2:]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (["one text here", "and another one"], ValueError, "list of texts"),
        (np.array([1.0, 2.0]), ValueError, "Expected 2D array"),
        ([{"a": 1}, {"a": 2}], TypeError, "give X as a DataFrame"),
        (
            pd.DataFrame({"n": [1, 2], "said": ["this is a text", "that is another"]}),
            ValueError,
            r"column 'said' \(column 1\) holds texts",
        ),
    ],
    ids=["texts", "one dimension", "dicts", "words"],
)
def test_what_cannot_be_mixed_is_named(X, error, message):
    with pytest.raises(error, match=message):
        mix_rows(X, np.array([0]), np.array([1]), np.array([0.5]))


def test_texts_that_are_named_are_swapped():
    said = pd.DataFrame({"n": [1, 2], "said": ["this is a text", "that is another"]})
    assert set(many(said, swap_columns=["said"], m=50)["said"]) == set(said["said"])


def test_an_arrow_table_is_refused():
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(TypeError, match="give X as a DataFrame"):
        mixture(pa.table({"a": [1.0, 2.0, 3.0, 4.0]}))
