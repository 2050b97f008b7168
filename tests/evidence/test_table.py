"""Tables as people have them: columns by place, each kind read as what it is, or named."""

import datetime
import decimal
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.datasets import make_classification

from sknoisy import RobustClassifier, RobustRegressor
from sknoisy.detection import (
    AreaUnderMargin,
    ConfidentLearning,
    MetadataArchaeology,
    NeighborDisagreement,
)
from sknoisy.exceptions import ColumnLeftOutWarning

N = 150
X, Y = make_classification(
    N, 4, n_informative=4, n_redundant=0, class_sep=1.5, flip_y=0.1, random_state=0
)
TABLE = pd.DataFrame(X, columns=list("abcd"))
SCORE = NeighborDisagreement().fit(X, Y).noise_score_


def score(table):
    return NeighborDisagreement().fit(table, Y).noise_score_


@pytest.mark.parametrize(
    "names",
    [
        range(1, 5),
        pd.date_range("2020", periods=4),
        pd.MultiIndex.from_product([["min", "max"], [1, 2]]),
        list("abca"),
        [None, np.nan, 1, "x"],
        [("a", 1), "a", 2.5, b"b"],
    ],
    ids=["whole numbers", "dates", "two levels", "twice", "missing", "mixed"],
)
def test_names_of_columns_do_not_matter(names):
    table = TABLE.copy()
    table.columns = names
    np.testing.assert_array_equal(score(table), SCORE)
    fast = {"effort": "fast", "random_state": 0}
    named = RobustClassifier(**fast).fit(TABLE, Y)
    other = RobustClassifier(**fast).fit(table, Y)
    np.testing.assert_allclose(other.noise_proba_, named.noise_proba_)
    RobustRegressor(**fast).fit(table, X[:, 0] + 1)


def as_decimals(table):
    return table.map(lambda value: decimal.Decimal(repr(value)))


@pytest.mark.parametrize(
    "form",
    [
        lambda t: t.astype(object),
        as_decimals,
        lambda t: t.convert_dtypes(),
        lambda t: t.astype(pd.SparseDtype(float, 0.0)),
        lambda t: t.to_dict("records"),
        lambda t: pd.DataFrame({"v": list(t.to_numpy())}),
        lambda t: t.assign(empty=np.nan, nothing=None),
        lambda t: t.set_axis([f"r{i % 7}" for i in range(N)], axis=0),
        lambda t: t.to_numpy().tolist(),
        lambda t: t.map(repr),
        lambda t: t.map(repr).astype("string"),
    ],
    ids=[
        "objects",
        "decimals",
        "nullable",
        "sparse columns",
        "dicts",
        "vectors",
        "empty columns",
        "row labels",
        "lists",
        "texts",
        "nullable texts",
    ],
)
def test_numbers_are_numbers_in_any_form(form):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(score(form(TABLE)), SCORE)


@pytest.mark.parametrize("backend", ["arrow table", "arrow columns", "arrow decimals", "polars"])
def test_other_libraries_tables(backend):
    pa = pytest.importorskip("pyarrow")
    if backend == "polars":
        table = pytest.importorskip("polars").from_pandas(TABLE)
    elif backend == "arrow table":
        table = pa.Table.from_pandas(TABLE)
    elif backend == "arrow columns":
        table = TABLE.astype("double[pyarrow]")
    else:
        dtype = pd.ArrowDtype(pa.decimal128(30, 20))
        table = TABLE.map(lambda v: decimal.Decimal(f"{v:.15f}")).astype(dtype)
    np.testing.assert_allclose(score(table), SCORE)


@pytest.mark.parametrize("seed", range(2))
def test_an_array_and_a_table_of_the_same_numbers_are_the_same(seed):
    for kind in (ConfidentLearning, AreaUnderMargin, MetadataArchaeology):
        scores = [kind(random_state=seed).fit(Z, Y).noise_score_ for Z in (X, TABLE)]
        np.testing.assert_array_equal(*scores)


DAYS = np.arange(N) % 50


@pytest.mark.parametrize(
    "column",
    [
        pd.to_datetime("2020-01-01") + pd.to_timedelta(DAYS, unit="D"),
        [datetime.date(2020, 1, 1) + datetime.timedelta(int(d)) for d in DAYS],
        [datetime.datetime(9999, 1, 1) + datetime.timedelta(int(d)) for d in DAYS],
        np.datetime64("1500-01-01", "s") + DAYS * np.timedelta64(1, "D"),
        pd.period_range("2020", periods=50, freq="D")[DAYS],
        pd.to_timedelta(DAYS, unit="D"),
        [datetime.time(int(d) // 10, int(d) % 10 * 6) for d in DAYS],  # tenths of an hour
        (pd.to_datetime("2020-01-01") + pd.to_timedelta(DAYS, unit="D")).tz_localize("UTC"),
        pd.IntervalIndex.from_arrays(DAYS, DAYS + 1),
    ],
    ids=["datetime", "date", "9999", "1500", "period", "duration", "time", "zone", "interval"],
)
def test_dates_and_the_like_are_numbers(column):
    np.testing.assert_allclose(
        score(TABLE.assign(when=column)), score(TABLE.assign(when=DAYS.astype(float))), atol=1e-9
    )


def test_codes_are_no_numbers():
    codes = [f"{i:05d}" for i in range(N)]
    with pytest.warns(ColumnLeftOutWarning, match="nearly all values differ"):
        np.testing.assert_array_equal(score(TABLE.assign(code=codes)), SCORE)


@pytest.mark.parametrize("huge", [np.inf, -np.inf, 1e308, -1e39, 10**400, decimal.Decimal("1e400")])
def test_numbers_too_large_to_compare_are_missing(huge):
    known = np.arange(N) % 10 > 0
    table, gaps = (TABLE.assign(b=TABLE["b"].astype(object).where(known, v)) for v in (huge, None))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(score(table), score(gaps))
        ConfidentLearning(random_state=0).fit(table, Y)  # trees compute in single precision


def array_with(value, dtype=float):
    array = X.astype(dtype)
    array[7, 2] = value
    return array


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: array_with(1e200), r"is 1e\+200 in row 7, column 2.*DataFrame"),
        (lambda: array_with(-1e300), r"is -1e\+300 in row 7, column 2"),
        (lambda: X + 0j, "Complex data not supported"),
        (lambda: TABLE.to_records(index=False), r"fields a, b, c, d: give it as pandas\.DataFrame"),
        (lambda: array_with("NaT", "datetime64[D]"), "NaN or infinity, first in row 7, column 2"),
        (lambda: ["some words"] * 7 + [None] * (N - 7), "None in row 7"),
    ],
    ids=["huge", "hugely negative", "complex", "fields", "no date", "no text"],
)
def test_what_has_no_distance_is_named(made, message):
    with pytest.raises(ValueError, match=message):
        NeighborDisagreement().fit(made(), Y)


def test_bytes_and_broken_texts_are_categories():
    """Half of a character is what programs leave that cut texts; not all bytes are texts."""
    plain = score(TABLE.assign(c=["x", "y"] * (N // 2)))
    for one, other in (("\ud83d", "y"), (b"\xff", b"\xfe"), (b"x", "y")):
        cells = np.array([one, other] * (N // 2), dtype=object)
        np.testing.assert_array_equal(score(TABLE.assign(c=pd.Series(cells, dtype=object))), plain)


def test_texts_are_read_as_words():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 240)
    wrong = rng.random(240) < 0.15
    good, bad, other = ["good", "great"], ["awful", "poor"], [f"w{i}" for i in range(200)]
    texts = [" ".join([*rng.choice(good if t else bad, 3), *rng.choice(other, 5)]) for t in truth]
    y = np.where(wrong, 1 - truth, truth)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ColumnLeftOutWarning)
        found = ConfidentLearning(random_state=0).fit(pd.DataFrame({"review": texts}), y)
    assert found.noise_mask_[wrong].mean() > 0.7
    assert found.noise_mask_[~wrong].mean() < 0.1


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ([f"key{i}" for i in range(N)], "nearly all values differ"),
        ([{"a": i} for i in range(N)], "cells of type dict"),
        ([list(range(2 + i % 2)) for i in range(N)], "vectors that are not alike"),
        (1j * DAYS, "complex numbers"),
    ],
)
def test_what_cannot_be_numbers_is_left_out_by_name(column, why):
    with pytest.warns(ColumnLeftOutWarning, match=f"'odd' \\(column 4: .*{why}"):
        np.testing.assert_array_equal(score(TABLE.assign(odd=column)), SCORE)
    with pytest.raises(ValueError, match=f"No column can be turned into numbers: 'odd'.*{why}"):
        score(pd.DataFrame({"odd": column}))


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_the_users_output_format_and_names_that_meet(output):
    if output == "polars":
        pytest.importorskip("polars")
    table = TABLE.assign(g=np.where(X[:, 0] > 0, "u", "v"), g_u=np.arange(float(N)))
    expected = score(table)
    with sklearn.config_context(transform_output=output):
        np.testing.assert_array_equal(score(table), expected)
        RobustClassifier(effort="fast").fit(table, Y)


def test_truth_values_with_gaps_and_mixed_cells():
    gaps = TABLE.assign(b=np.array([True, None, False] * (N // 3), dtype=object))
    numbers = TABLE.assign(b=[1.0, np.nan, 0.0] * (N // 3))
    np.testing.assert_allclose(score(gaps), score(numbers))
    mixed = TABLE.assign(b=np.array([1, "x", 2.5] * (N // 3), dtype=object))
    texts = TABLE.assign(b=["1", "x", "2.5"] * (N // 3))
    np.testing.assert_array_equal(score(mixed), score(texts))


def test_the_report_takes_the_y_of_fit():
    from sklearn.linear_model import Ridge

    from sknoisy import FilterRegressor

    y = pd.Series([decimal.Decimal(f"{v:.2f}") for v in 10 + 3 * X[:, 0]])
    assert len(FilterRegressor(Ridge()).fit(X, y).noise_report(X, y)) == N
