"""X reaches the wrapped model untouched, in every container; labels stay the user's own."""

import datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import DataConversionWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import check_array

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    RelabelRegressor,
    ReweightClassifier,
    ReweightRegressor,
)
from sknoisy.detection import ConfidentLearning, Residual

from .helpers import asks, fits, noisy_labels, noisy_numbers, recording, row_numbers

N = 60
X_LABELS, CODES = noisy_labels(N)
X_NUMBERS, NUMBERS = noisy_numbers(N, size=250.0)


def optional(name):
    """An optional library, or a skipped test where it is absent or does not fit numpy."""
    return pytest.importorskip(name, exc_type=ImportError)


# --------------------------------------------------------------------------- containers of X


def frame(X, index=None):
    """All kinds of columns that a table from real life has."""
    n = np.arange(len(X))
    return pd.DataFrame(
        {
            "row": n,
            **{f"x{j}": X[:, j] for j in range(1, X.shape[1])},
            "gaps": np.where(n % 7 == 0, np.nan, X[:, 1]),
            "colour": pd.Categorical(np.array(["red", "green", "blue"])[n % 3]),
            "town": np.where(n % 5 == 0, None, np.array(["Ulm", "Bonn"], dtype=object)[n % 2]),
            "text": pd.array(["some", "words"] * (len(X) // 2), dtype="string"),
            "count": pd.array(np.where(n % 4 == 0, 0, n), dtype="Int64"),
            "maybe": pd.array([True, False, None] * (len(X) // 3), dtype="boolean"),
            "day": pd.Timestamp("2024-02-28") + pd.to_timedelta(n, unit="D"),
        },
        index=index,
    )


def frame_with_gaps(X):
    table = frame(X)
    table.loc[::4, "count"] = pd.NA
    return table


def polars_frame(X):
    polars = optional("polars")
    return polars.DataFrame(
        {
            "row": np.arange(len(X)),
            **{f"x{j}": X[:, j] for j in range(1, X.shape[1])},
            "town": [None if i % 5 == 0 else "Bonn" for i in range(len(X))],
        }
    )


def texts(X):
    """A row number, and a word for each large value."""
    words = np.array(["one", "two", "three", "four", "five"])
    return [f"row{i} " + " ".join(words[row > 0]) for i, row in enumerate(X[:, 1:])]


def read_only(X):
    X = X.copy()
    X.setflags(write=False)
    return X


SHUFFLED = np.random.RandomState(0).permutation(N)
CONTAINERS = {
    "array": lambda X: X,
    "array in columns": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "objects": lambda X: X.astype(object),
    "read-only": read_only,
    "lists": lambda X: X.tolist(),
    "DataFrame": frame,
    "DataFrame with gaps": frame_with_gaps,
    "DataFrame, index doubled": lambda X: frame(X, np.arange(N) % 2),
    "DataFrame, index of texts": lambda X: frame(X, [f"id{i}" for i in range(N)]),
    "DataFrame, index shuffled": lambda X: frame(X, SHUFFLED),
    "polars": polars_frame,
    "csr_matrix": sparse.csr_matrix,
    "csr_array": sparse.csr_array,
    "csc_matrix": sparse.csc_matrix,
    "csc_array": sparse.csc_array,
    "coo_matrix": sparse.coo_matrix,
    "coo_array": sparse.coo_array,
    "lil_matrix": sparse.lil_matrix,
    "texts in a list": texts,
    "texts in an array": lambda X: np.array(texts(X)),
    "texts as objects": lambda X: np.array(texts(X), dtype=object),
    "texts in a Series": lambda X: pd.Series(texts(X), index=SHUFFLED),
    "3-D array": lambda X: X.reshape(len(X), 2, -1),
}


def to_numbers(X):
    """What a model that was written for X would begin with."""
    if not sparse.issparse(X):
        X = np.asarray(X, dtype=float).reshape(len(X), -1)
    return check_array(X, accept_sparse=True)


def polars_numbers(X):
    return X.select("row", "x1", "x2", "x3", "x4", "x5").to_numpy()


def wrapped(name, last):
    """A model for that container, ending in `last`."""
    if name == "polars":
        return make_pipeline(FunctionTransformer(polars_numbers), StandardScaler(), last)
    if name.startswith("texts"):
        return make_pipeline(TfidfVectorizer(), last)
    if name.startswith("DataFrame"):
        table = make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), ["row", "gaps", "x1", "x2", "x3"]),
            (OneHotEncoder(handle_unknown="ignore"), make_column_selector("colour|town")),
        )
        return make_pipeline(table, last)
    return make_pipeline(FunctionTransformer(to_numbers, accept_sparse=True), last)


def rows_of(name, X):
    """Row numbers, read from the data themselves."""
    if name.startswith("texts"):
        return np.array([int(text.split()[0][3:]) for text in X])
    if name.startswith("DataFrame") or name == "polars":
        return X["row"].to_numpy()
    if sparse.issparse(X):
        return row_numbers(X.toarray(), N)
    if name == "3-D array":
        return row_numbers(X[:, 0, :], N)
    return row_numbers(X, N)


def take(X, rows):
    """The rows, taken in the plainest way there is."""
    if isinstance(X, pd.DataFrame | pd.Series):
        return X.iloc[rows]
    if isinstance(X, list):
        return [X[i] for i in rows]
    if sparse.issparse(X) and X.format == "coo":  # cannot be indexed
        return X.tocsr()[rows]
    return X[rows]


def assert_same(got, expected):
    assert type(got) is type(expected)
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(got, expected)
    elif isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(got, expected)
    elif isinstance(expected, list):
        assert got == expected
    elif sparse.issparse(expected):
        assert (got.format, got.dtype, got.shape) == (
            expected.format,
            expected.dtype,
            expected.shape,
        )
        assert (got != expected).nnz == 0
    elif hasattr(expected, "equals"):  # polars
        assert got.schema == expected.schema
        assert got.equals(expected)
    else:
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


# --------------------------------------------------------------------------- X


TREATMENTS = {
    "filter": (FilterClassifier, FilterRegressor, {}),
    "reweight": (ReweightClassifier, ReweightRegressor, {}),
    "relabel hard": (RelabelClassifier, RelabelRegressor, {"mode": "hard", "confidence": 0.0}),
    "relabel soft": (RelabelClassifier, RelabelRegressor, {"mode": "soft"}),
}


@pytest.fixture(params=["classes", "numbers"])
def task(request):
    """(X, y, last step of a model, detector, position of the treatment in a pair)."""
    if request.param == "classes":
        return X_LABELS, CODES, LogisticRegression(), ConfidentLearning(cv=2), 0
    return X_NUMBERS, NUMBERS, Ridge(), Residual(cv=2), 1


def check_detection(name, X, calls):
    """Two folds of untouched rows; each row is judged by the model that has not seen it."""
    trained = [rows_of(name, call.X) for call in fits(calls)[:2]]
    judged = [rows_of(name, call.X) for call in asks(calls)[:2]]
    for call, rows in zip(calls[:4], [trained[0], judged[0], trained[1], judged[1]], strict=True):
        assert_same(call.X, take(X, rows))
    for train, test in zip(trained, judged, strict=True):
        np.testing.assert_array_equal(np.sort(np.r_[train, test]), np.arange(N))


FEW = ["array", "DataFrame, index doubled", "coo_matrix"]
CASES = [
    *product(CONTAINERS, ["filter"], ["classes", "numbers"]),  # some rows to the last fit
    *product(CONTAINERS, ["relabel soft"], ["classes"]),  # some rows twice
    *product(FEW, ["reweight", "relabel hard"], ["classes", "numbers"]),  # X on whole
    *product(FEW, ["relabel soft"], ["numbers"]),
]


@pytest.mark.parametrize(("name", "treatment", "task"), CASES, indirect=["task"])
def test_treatments_leave_X_as_it_is(name, treatment, task):
    X_plain, y, last, detector, twin = task
    X = CONTAINERS[name](X_plain)
    inner, calls = recording(wrapped(name, last))
    kind, extra = TREATMENTS[treatment][twin], TREATMENTS[treatment][2]
    model = kind(inner, detector, contamination=0.2, random_state=0, **extra).fit(X, y)

    assert 0 < model.detector_.noise_mask_.sum() < N / 2
    check_detection(name, X, calls)
    assert len(fits(calls)) == 3
    final = calls[-1]
    rows = rows_of(name, final.X)
    if treatment == "filter":
        np.testing.assert_array_equal(rows, model.sample_indices_)
        np.testing.assert_array_equal(rows, np.flatnonzero(~model.noise_mask_))
        np.testing.assert_array_equal(final.y, y[rows])
    elif treatment == "reweight":
        np.testing.assert_array_equal(final.sample_weight, model.sample_weight_)
        np.testing.assert_array_equal(final.y, y)
    elif treatment == "relabel soft" and twin == 0:
        assert len(rows) > N
        np.testing.assert_array_equal(np.unique(rows), np.arange(N))
        np.testing.assert_allclose(np.bincount(rows, final.sample_weight), 1.0)
    else:
        np.testing.assert_array_equal(final.y, model.y_relabeled_)
    if len(rows) == N:  # all rows: the very object that was given
        assert final.X is X
    else:
        assert_same(final.X, take(X, rows))

    calls.clear()
    assert model.predict(X).shape == (N,)
    assert [call.X is X for call in calls] == [True]


@pytest.mark.parametrize("name", CONTAINERS)
def test_detectors_leave_X_as_it_is(name, task):
    X_plain, y, last, detector, _ = task
    X = CONTAINERS[name](X_plain)
    inner, calls = recording(wrapped(name, last))
    detector.set_params(estimator=inner, contamination=0.2, random_state=0)
    X_kept, y_kept = detector.fit_resample(X, y)

    check_detection(name, X, calls)
    assert len(calls) == 4
    assert 0 < detector.noise_mask_.sum() == N - len(detector.sample_indices_)
    assert_same(X_kept, take(X, detector.sample_indices_))
    assert_same(y_kept, y[detector.sample_indices_])


@pytest.mark.parametrize(
    "name",
    ["array in columns", "objects", "read-only", "lists", "csr_array", "coo_matrix", "3-D array"],
)
def test_the_container_does_not_change_the_verdict(name, task):
    X_plain, y, last, detector, _ = task

    def verdict(name):
        detector.set_params(estimator=wrapped(name, last), random_state=0)
        return detector.fit(CONTAINERS[name](X_plain), y).noise_proba_

    np.testing.assert_allclose(verdict(name), verdict("array"), atol=1e-6)


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_nothing_is_written_into_what_was_given(treatment, task):
    X, y, last, detector, twin = task
    X, y, weight, groups = X.copy(), y.copy(), np.ones(N), np.arange(N) // 2
    trusted = np.arange(N) < 5
    for array in (X, y, weight, groups, trusted):
        array.setflags(write=False)
    kind, extra = TREATMENTS[treatment][twin], TREATMENTS[treatment][2]
    model = kind(last, detector, contamination=0.2, **extra)
    model.fit(X, y, sample_weight=weight, groups=groups, trusted=trusted)
    assert model.predict(X).shape == (N,)


@pytest.mark.parametrize("kind", [ConfidentLearning, Residual])
@pytest.mark.parametrize("make", [frame_with_gaps, polars_frame])
def test_detectors_take_tables_without_being_given_a_model(kind, make):
    if make is polars_frame:
        optional("pyarrow")
    X, y = (X_LABELS, CODES) if kind is ConfidentLearning else (X_NUMBERS, NUMBERS)
    table = make(X)
    detector = kind(contamination=0.2, random_state=0).fit(table, y)
    assert detector.noise_mask_.any()
    assert detector.n_features_in_ == table.shape[1]
    if isinstance(table, pd.DataFrame) or parse_version(sklearn.__version__) >= parse_version(
        "1.9"
    ):
        # an older scikit-learn may not see the column names of a newer polars
        assert list(detector.feature_names_in_) == list(table.columns)


class OfAnyTable(ClassifierMixin, BaseEstimator):
    """A model of someone who does not mind how columns are named."""

    def fit(self, X, y):
        self.model_ = LogisticRegression().fit(X.to_numpy(), y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X.to_numpy())


def test_columns_named_by_numbers_and_texts_are_up_to_the_model():
    X = pd.DataFrame(X_LABELS, columns=["row", 1, "b", 3, "d", 5])
    model = FilterClassifier(OfAnyTable(), random_state=0).fit(X, CODES)
    assert model.predict(X).shape == (N,)
    with pytest.raises(TypeError, match="names"):
        FilterClassifier(LogisticRegression()).fit(X, CODES)


# --------------------------------------------------------------------------- labels


def polars_series(values):
    return optional("polars").Series(values)


def arrow(values):
    return pd.Series(values, dtype=pd.ArrowDtype(optional("pyarrow").string()))


TEXTS, NUMBERS_3, TRUTH = ["cat", "dog", "eel"], [3, 7, 9], [False, True]
LABELS = {
    "texts in a list": (TEXTS, list),
    "array of texts": (TEXTS, np.array),
    "objects": (TEXTS, lambda v: np.array(v, dtype=object)),
    "texts of several lengths": (["", "a b", "äöü"], np.array),
    "Series of texts": (TEXTS, lambda v: pd.Series(v, index=SHUFFLED)),
    "string[python]": (TEXTS, lambda v: pd.Series(v, dtype="string[python]")),
    "StringArray": (TEXTS, lambda v: pd.array(v, dtype="string")),
    "arrow": (TEXTS, arrow),
    "Index": (TEXTS, pd.Index),
    "categories": (TEXTS, pd.Categorical),
    "categories, one unused": (
        TEXTS,
        lambda v: pd.Series(pd.Categorical(v, [*TEXTS[::-1], "ant"], ordered=True)),
    ),
    "categories of numbers": (NUMBERS_3, lambda v: pd.Series(v, dtype="category")),
    "categories of truth": (TRUTH, lambda v: pd.Series(v, dtype="category")),
    "truth in a list": (TRUTH, list),
    "array of truth": (TRUTH, np.array),
    "truth as objects": (TRUTH, lambda v: pd.Series(v, dtype=object)),
    "nullable truth": (TRUTH, lambda v: pd.Series(v, dtype="boolean")),
    "{3, 7, 9}": (NUMBERS_3, np.array),
    "{3, 7, 9} in a list": (NUMBERS_3, list),
    "{3, 7, 9} as objects": (NUMBERS_3, lambda v: pd.Series(v, dtype=object)),
    "{3, 7, 9}, nullable": (NUMBERS_3, lambda v: pd.Series(v, dtype="Int64", index=SHUFFLED)),
    "{-1, 0, 1}": ([-1, 0, 1], np.array),
    "{-9, -5, -1}": ([-9, -5, -1], lambda v: np.array(v, dtype=np.int8)),
    "floats": ([1.0, 2.0, 4.0], np.array),
    "decimals": (NUMBERS_3, lambda v: np.array([Decimal(label) for label in v])),
    "texts of NumPy's own": (TEXTS, lambda v: numpy_texts(v)),
    "polars texts": (TEXTS, polars_series),
    "polars numbers": (NUMBERS_3, polars_series),
    "polars truth": (TRUTH, polars_series),
    "read-only": (NUMBERS_3, lambda v: read_only(np.array(v))),
}


def numpy_texts(values):
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("before NumPy 2")
    return np.array(values, dtype=np.dtypes.StringDType())


def coded(n_classes):
    return (X_LABELS, CODES) if n_classes == 3 else noisy_labels(N, n_classes=2)


def treated(treatment, estimator, X, y):
    kind, _, extra = TREATMENTS[treatment]
    model = kind(estimator, ConfidentLearning(cv=2), contamination=0.2, random_state=0, **extra)
    return model.fit(X, y)


@cache
def treated_codes(treatment, n_classes):
    return treated(treatment, LogisticRegression(), *coded(n_classes))


@pytest.mark.parametrize("treatment", ["filter", "relabel hard", "relabel soft"])
@pytest.mark.parametrize("name", LABELS)
def test_labels_are_the_users_own(name, treatment):
    values, container = LABELS[name]
    X, codes = coded(len(values))
    given = [values[code] for code in codes]
    y = container(given)
    inner, calls = recording(LogisticRegression())
    fitted = treated(treatment, inner, X, y)
    plain = treated_codes(treatment, len(values))

    def decoded(codes):
        return [values[code] for code in codes]

    assert fitted.classes_.tolist() == values
    assert fitted.detector_.classes_.tolist() == values
    assert fitted.noise_mask_.tolist() == plain.noise_mask_.tolist()
    assert fitted.detector_.y_suggested_.tolist() == decoded(plain.detector_.y_suggested_)
    assert fitted.predict(X).tolist() == decoded(plain.predict(X))
    assert fitted.score(X, y) == plain.score(X, codes)
    assert {type(label) for label in fitted.predict(X).tolist()} == {type(values[0])}
    for call in fits(calls):
        assert set(call.y.tolist()) == set(values)
    if treatment != "filter":
        assert fitted.y_relabeled_.tolist() == decoded(plain.y_relabeled_)
        assert (fitted.y_relabeled_ != np.array(given)).tolist() == fitted.noise_mask_.tolist()
    report = fitted.noise_report(X, y).sort_values("row")
    assert report["given"].tolist() == given
    assert report["suggested"].tolist() == fitted.detector_.y_suggested_.tolist()


@pytest.mark.parametrize("name", LABELS)
def test_resampled_labels_stay_in_their_container(name):
    values, container = LABELS[name]
    X, codes = coded(len(values))
    y = container([values[code] for code in codes])
    detector = ConfidentLearning(LogisticRegression(), contamination=0.2, cv=2, random_state=0)
    _, y_kept = detector.fit_resample(X, y)
    assert type(y_kept) is type(y)
    assert getattr(y_kept, "dtype", None) == getattr(y, "dtype", None)
    assert list(y_kept) == [values[code] for code in codes[detector.sample_indices_]]


@pytest.mark.parametrize(
    "container",
    [
        list,
        np.array,
        lambda v: np.array(v, dtype=object),
        lambda v: pd.Series(v, index=SHUFFLED),
        lambda v: pd.Series(v, dtype="Float64"),
        lambda v: read_only(np.array(v)),
        polars_series,
    ],
)
@pytest.mark.parametrize("kind", [FilterRegressor, ReweightRegressor, RelabelRegressor])
def test_numbers_in_any_container(kind, container):
    y = container(NUMBERS.tolist())
    model = kind(Ridge(), random_state=0).fit(X_NUMBERS, y)
    plain = kind(Ridge(), random_state=0).fit(X_NUMBERS, NUMBERS)
    np.testing.assert_array_equal(model.predict(X_NUMBERS), plain.predict(X_NUMBERS))
    assert model.noise_report(X_NUMBERS, y).sort_values("row")["given"].tolist() == list(NUMBERS)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool, np.float32, "Int64", "boolean"])
def test_numbers_of_any_type(dtype):
    y = (
        pd.Series(np.clip(NUMBERS, 0, 200).astype(np.uint8) > 50)
        if dtype in (bool, "boolean")
        else (pd.Series(np.clip(NUMBERS, 0, 200).round()))
    )
    y = y.astype(dtype)
    model = RelabelRegressor(Ridge(), contamination=0.1, random_state=0).fit(X_NUMBERS, y)
    assert model.y_relabeled_.dtype == (np.float32 if dtype is np.float32 else np.float64)
    untouched = model.noise_proba_ == 0
    np.testing.assert_array_equal(model.y_relabeled_[untouched], y.to_numpy(dtype=float)[untouched])


# --------------------------------------------------------------------------- refused targets


def with_value(values, row, value):
    values = list(values)
    values[row] = value
    return values


MISSING = {
    "None": None,
    "NaN": np.nan,
    "pd.NA": pd.NA,
    "NaT": pd.NaT,
}


@pytest.mark.parametrize("container", [list, pd.Series, lambda v: np.array(v, dtype=object)])
@pytest.mark.parametrize("value", MISSING.values(), ids=MISSING)
@pytest.mark.parametrize("labels", [TEXTS, NUMBERS_3, TRUTH, [0.0, 1.0]], ids=str)
def test_a_missing_label_is_named_by_its_row(labels, value, container):
    y = container(with_value([labels[c % len(labels)] for c in CODES], 4, value))
    with pytest.raises(ValueError, match=rf"missing.* in 1 of {N} rows, first in row 4\."):
        FilterClassifier(LogisticRegression()).fit(X_LABELS, y)


@pytest.mark.parametrize("dtype", ["string", "Int64", "boolean", "category", "Float64"])
def test_a_missing_label_of_a_nullable_type_is_named_by_its_row(dtype):
    values = {"string": TEXTS, "category": TEXTS, "boolean": TRUTH}.get(dtype, NUMBERS_3)
    y = pd.Series(
        with_value([values[c % len(values)] for c in CODES], 7, None), dtype=dtype, index=SHUFFLED
    )
    for model in (FilterClassifier(LogisticRegression()), ConfidentLearning(LogisticRegression())):
        with pytest.raises(ValueError, match=r"missing.*first in row 7\."):
            model.fit(X_LABELS, y)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("container", [list, pd.Series, lambda v: np.array(v, dtype=object)])
def test_infinity_is_named_by_its_row(value, container):
    message = r"infinite in 1 of 60 rows, first in row 4\."
    with pytest.raises(ValueError, match=message):
        FilterClassifier(LogisticRegression()).fit(X_LABELS, container(with_value(CODES, 4, value)))
    with pytest.raises(ValueError, match=message):
        FilterRegressor(Ridge()).fit(X_NUMBERS, container(with_value(NUMBERS, 4, value)))


def test_an_infinite_decimal_is_named_by_its_row():
    y = [Decimal(int(code)) for code in CODES]
    y[4] = Decimal("Infinity")
    with pytest.raises(ValueError, match=r"infinite in 1 of 60 rows, first in row 4\."):
        FilterClassifier(LogisticRegression()).fit(X_LABELS, y)


@pytest.mark.parametrize("value", [None, np.nan, pd.NA])
@pytest.mark.parametrize("container", [list, pd.Series, lambda v: np.array(v, dtype=object)])
def test_a_missing_number_is_named_by_its_row(value, container):
    for model in (FilterRegressor(Ridge()), Residual(Ridge())):
        with pytest.raises(ValueError, match=r"missing.* in 1 of 60 rows, first in row 59\."):
            model.fit(X_NUMBERS, container(with_value(NUMBERS, 59, value)))


@pytest.mark.parametrize("first", [1, "a"])
@pytest.mark.parametrize("container", [list, pd.Series, lambda v: np.array(v, dtype=object)])
def test_labels_of_several_types(first, container):
    y = container(with_value(["a"] * (N // 2) + [1] * (N // 2), 0, first))
    with pytest.raises(TypeError, match=r"y mixes labels .*\(int, str\).*astype\(str\)"):
        FilterClassifier(LogisticRegression()).fit(X_LABELS, y)


def test_a_batch_of_arrow_is_a_table():
    pa = optional("pyarrow")
    X = pa.RecordBatch.from_arrays([pa.array(x) for x in X_LABELS.T], names=list("abcdef"))
    if not hasattr(X, "shape"):
        pytest.skip("models of scikit-learn miscount the columns of a batch of early pyarrow")
    model = FilterClassifier(LogisticRegression(), random_state=0).fit(X, CODES)
    expected = FilterClassifier(LogisticRegression(), random_state=0).fit(X_LABELS, CODES)
    np.testing.assert_array_equal(model.noise_proba_, expected.noise_proba_)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: {"a": X_LABELS[:, 0]}, "X is a dict, which has no rows.*pandas.DataFrame"),
        (lambda: "data.csv", "X is a str, which has no rows"),
        (lambda: polars_frame(X_LABELS).lazy(), r"LazyFrame, which has no rows yet.*collect\(\)"),
    ],
    ids=["dict", "text", "lazy"],
)
def test_what_has_no_rows(made, message):
    X = made()
    with pytest.raises(TypeError, match=message):
        FilterClassifier(LogisticRegression()).fit(X, CODES)
    with pytest.raises(TypeError, match=message):
        FilterClassifier(LogisticRegression()).fit(X_LABELS, CODES).predict(X)


ONES = ["a", "b"] * (N // 2)


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        (datetime.date(2024, 1, 2), "date"),
        (pd.Timestamp("2024-01-02", tz="UTC"), "Timestamp"),
        (pd.Period("2024-01"), "Period"),
        (Fraction(1, 3), "Fraction"),
        (Enum("Colour", "RED").RED, "Colour"),
        (2**70, "int"),
        (b"a", "bytes"),
    ],
)
def test_what_models_take_for_no_label_is_named(label, kind):
    y = np.empty(N, dtype=object)
    y[:] = [label] * N
    with pytest.raises(TypeError, match=rf"labels of type {kind}, .* in row 0.*convert"):
        FilterClassifier(LogisticRegression()).fit(X_LABELS, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (set(range(N)), "got a set: give a list"),
        (dict(enumerate(ONES)), "got a dict"),
        ([[1], *[[1, 2]] * (N - 1)], "several sizes: 1 in row 0, 2 in row 1"),
        (np.ma.array(CODES, mask=np.arange(N) == 7), "y is masked in 1 entries, first in row 7"),
        (CODES + 0j, "Complex data not supported"),
        (np.array([(1.0,)] * N, dtype=[("y", float)]), "one field of it"),
    ],
    ids=str,
)
def test_what_is_no_column_of_labels(y, message, task):
    X, _, last, _, twin = task
    with pytest.raises((TypeError, ValueError), match=message):
        TREATMENTS["filter"][twin](last).fit(X, y)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("12,5", r"y is not numeric .*'12,5' in row 4\)"),
        ("nan", r"missing \(NaN\) in 1 of 60 rows, first in row 4"),
        (10**400, "y is 1000.* in row 4, which no floating point number holds"),
    ],
)
def test_the_one_value_that_is_no_number_is_named(value, message):
    y = np.array(with_value([str(v) for v in NUMBERS], 4, value), dtype=object)
    with pytest.raises(ValueError, match=message):
        FilterRegressor(Ridge()).fit(X_NUMBERS, y)


def test_a_number_among_labels_is_named():
    with pytest.raises(ValueError, match=r"continuous.*Row 3 of y is 1\.5: use the Regressor twin"):
        FilterClassifier(LogisticRegression()).fit(X_LABELS, with_value(CODES, 3, 1.5))


def test_complex_objects_are_not_made_real():
    with pytest.raises(ValueError, match="Complex data not supported"):
        FilterRegressor(Ridge()).fit(X_NUMBERS, np.array(NUMBERS + 1j, dtype=object))


@pytest.mark.parametrize(
    "form",
    [lambda y: y.astype(str), lambda y: y.astype(np.longdouble), lambda y: list(map(str, y))],
)
def test_the_report_takes_numbers_as_fit_does(form):
    y = form(NUMBERS.round(2))
    model = FilterRegressor(Ridge()).fit(X_NUMBERS, y)
    assert model.noise_report(X_NUMBERS, y)["given"].dtype == np.float64


@pytest.mark.parametrize(
    "column",
    [lambda y: y.reshape(-1, 1), lambda y: pd.DataFrame({"y": y}), lambda y: [[v] for v in y]],
)
def test_a_column_is_taken_with_a_warning(column, task):
    X, y, last, _, twin = task
    for name in ("filter", "reweight", "relabel hard"):
        kind = TREATMENTS[name][twin]
        model = kind(last, random_state=0)
        with pytest.warns(DataConversionWarning, match="1d array was expected"):
            model.fit(X, column(y))
        expected = kind(last, random_state=0).fit(X, y)
        np.testing.assert_array_equal(model.predict(X), expected.predict(X))
        assert len(model.noise_report(X, column(y))) == N


def test_several_targets_are_refused(task):
    X, y, last, _, twin = task
    two = np.column_stack([y, y])
    for y in (two, two.tolist(), pd.DataFrame(two)):
        with pytest.raises(ValueError, match=r"shape \(60, 2\).*MultiOutput"):
            TREATMENTS["filter"][twin](last).fit(X, y)


def test_lengths_must_agree(task):
    X, y, last, detector, twin = task
    for model in (TREATMENTS["filter"][twin](last), detector):
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[60, 59\]"):
            model.fit(X, y[:-1])


def test_no_rows_at_all(task):
    X, y, last, detector, twin = task
    for model in (TREATMENTS["filter"][twin](last), detector):
        with pytest.raises(ValueError, match="0 sample"):
            model.fit(X[:0], y[:0])


def test_no_target(task):
    X, _, last, detector, twin = task
    for model in (TREATMENTS["filter"][twin](last), detector):
        with pytest.raises(ValueError, match="requires y"):
            model.fit(X, None)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["low", "high"] * (N // 2), "'low'.*Classifier twin"),
        (pd.date_range("2024", periods=N), "datetime64.*Convert dates"),
    ],
)
def test_a_regressor_needs_numbers(y, message):
    with pytest.raises(ValueError, match=f"y is not numeric.*{message}"):
        FilterRegressor(Ridge()).fit(X_NUMBERS, y)


def test_a_classifier_refuses_measurements():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        FilterClassifier(LogisticRegression()).fit(X_NUMBERS, NUMBERS)
