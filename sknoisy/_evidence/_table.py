"""A table as it comes, as numbers: each column by its place, read as what it holds."""

from __future__ import annotations

import datetime
import decimal
import fractions
import warnings
from numbers import Number

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted

from sknoisy.exceptions import ColumnLeftOutWarning

MAX_CATEGORIES = 50
MIN_WORDS = 3  # on average, from which texts that mostly differ are read as words
MOSTLY = 0.5  # share of distinct values from which texts differ mostly
N_TOPICS = 50  # directions that stand for the words of a column
LARGEST = np.finfo(np.float32).max  # number, since trees compute in single precision
EPOCH = datetime.date(1970, 1, 1).toordinal()
TIMES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


class TableEncoder(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Encoder of a table as it comes, column by column, by place and not by name.

    - Numbers and truth values, `Decimal` and Arrow decimals among them, and texts that are all
      numbers, of more than 50 values: missing values become the column's median plus an indicator
      column; then zero mean and unit variance. Infinite numbers, and those beyond what single
      precision holds, are missing ones.
    - Dates, times of day, durations, periods and intervals: as numbers, the same way, whatever
      their unit or range.
    - Cells that hold vectors of numbers of one length: one number for each place.
    - Texts that mostly differ and have three words or more on average: TF-IDF of their words,
      reduced to 50 directions.
    - Other texts, and categories: one-hot; missing is a category of its own, and beyond 50
      categories the rarest are one.
    - Left out, with a `ColumnLeftOutWarning` that names them: texts of one word or two that mostly
      differ (names, keys), and cells of another kind (dicts, sets, vectors of unequal length).
    - Columns with no value at all are dropped.

    Parameters
    ----------
    for_trees : bool, default=False
        Leave numbers as they are, missing ones too: a table of numbers is then to a tree what the
        array of them is.

    Attributes
    ----------
    kinds_ : list of str
        What each column was read as: "number", "vector", "words", "category", or "left out".
    """

    def __init__(self, for_trees=False):
        self.for_trees = for_trees

    def fit(self, X, y=None):
        X = as_table(X)
        kinds, left_out = [], []
        for at in range(X.shape[1]):
            kind, why = kind_of(X.iloc[:, at])
            kinds.append(kind)
            if why:
                left_out.append(f"{X.columns[at]!r} (column {at}: {why})")
        if left_out:
            if set(kinds) == {"left out"}:
                raise ValueError(
                    f"No column can be turned into numbers: {', '.join(left_out[:10])}. Wrap a "
                    "Pipeline whose first steps encode them."
                )
            more = f" and {len(left_out) - 10} more" if len(left_out) > 10 else ""
            warnings.warn(
                f"Columns left out where rows are compared by numbers: {', '.join(left_out[:10])}"
                f"{more}. Wrap a Pipeline whose first steps encode them if they matter.",
                ColumnLeftOutWarning,
                stacklevel=2,
            )
        self.n_features_in_, self.kinds_ = X.shape[1], kinds
        if all(isinstance(name, str) for name in X.columns):
            self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self._widths = {at: _width(X.iloc[:, at]) for at in self._places("vector")}
        with config_context(transform_output="default"):
            self._numbers = self._texts = None
            if self._places("number", "vector"):
                filled = SimpleImputer(strategy="median", add_indicator=True)
                comparable = make_pipeline(filled, StandardScaler())
                self._numbers = FunctionTransformer() if self.for_trees else comparable
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", message="Skipping features without any")
                    self._numbers.fit(self._as_numbers(X))
            if self._places("category"):
                one_hot = OneHotEncoder(
                    max_categories=MAX_CATEGORIES,
                    handle_unknown="infrequent_if_exist",
                    sparse_output=False,
                )
                self._texts = one_hot.fit(self._as_texts(X))
            self._words = {at: _topics(X.iloc[:, at]) for at in self._places("words")}
        return self

    def transform(self, X):
        check_is_fitted(self)
        X = as_table(X)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} columns, and the table that was fitted {self.n_features_in_}."
            )
        parts = []
        with config_context(transform_output="default"):
            if self._numbers is not None:
                with warnings.catch_warnings():  # columns of nothing, by places of its own
                    warnings.filterwarnings("ignore", message="Skipping features without any")
                    parts.append(self._numbers.transform(self._as_numbers(X)))
            if self._texts is not None:
                with warnings.catch_warnings():  # unknown ones count as rare, or as none
                    warnings.filterwarnings("ignore", message="Found unknown categories")
                    parts.append(self._texts.transform(self._as_texts(X)))
            parts += [w.transform(_plain_texts(X.iloc[:, at])) for at, w in self._words.items()]
        return np.column_stack(parts).astype(float) if parts else np.empty((len(X), 0))

    def _places(self, *kinds):
        return [at for at, kind in enumerate(self.kinds_) if kind in kinds]

    def _as_numbers(self, X):
        columns = []
        for at in self._places("number", "vector"):
            if self.kinds_[at] == "number":
                columns.append(as_floats(X.iloc[:, at]))
            else:
                columns.append(_stacked(X.iloc[:, at], self._widths[at]))
        numbers = np.column_stack(columns)
        return np.where(np.abs(numbers) > LARGEST, np.nan, numbers)

    def _as_texts(self, X):
        columns = [X.iloc[:, at] for at in self._places("category")]
        return np.column_stack([_plain_texts(c, "(missing)") for c in columns])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags


def as_table(X):
    """pandas DataFrame of a table of pandas, polars or Arrow, or of an array."""
    if isinstance(X, pd.DataFrame):
        return X
    if hasattr(X, "to_pandas"):
        return X.to_pandas()
    return pd.DataFrame(X.toarray() if issparse(X) else X)


def is_table(X):
    """Whether X has columns that need not be of one kind: pandas, polars, Arrow, list of dicts."""
    if isinstance(X, list):
        return bool(X) and isinstance(X[0], dict)
    return isinstance(X, pd.DataFrame) or (hasattr(X, "to_pandas") and len(X.shape) == 2)


# ---------------------------------------------------------------------- what a column holds


def kind_of(column):
    """(kind, why it is left out or "") of a column."""
    dtype = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        dtype = dtype.subtype
    if pd.api.types.is_complex_dtype(dtype):
        return "left out", "complex numbers"
    if isinstance(dtype, pd.CategoricalDtype):
        return "category", ""
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        return "number", ""
    if _is_dated(dtype):
        return "number", ""
    return _kind_of_objects(column.dropna().astype(object))


def _is_dated(dtype):
    datelike = (pd.DatetimeTZDtype, pd.PeriodDtype, pd.IntervalDtype)
    return isinstance(dtype, datelike) or getattr(dtype, "kind", "") in "mM"


def _kind_of_objects(values):
    if not len(values):
        return "number", ""  # all missing: dropped, as such columns of numbers are
    kinds = set(map(type, values))
    if all(issubclass(k, (*_NUMBERS, *TIMES, pd.Period, pd.Interval)) for k in kinds):
        if any(issubclass(k, (complex, np.complexfloating)) for k in kinds):
            return "left out", "complex numbers"
        return "number", ""
    if all(issubclass(k, (list, tuple, np.ndarray)) for k in kinds):
        return ("vector", "") if _width(values) else ("left out", "vectors that are not alike")
    plain = (str, bytes, bool, np.bool_, Number, *TIMES)
    if not all(issubclass(k, plain) for k in kinds):
        odd = next(k for k in kinds if not issubclass(k, plain))
        return "left out", f"cells of type {odd.__name__}"
    texts = pd.Series(_plain_texts(values), dtype=object)
    n_distinct = texts.nunique()
    if n_distinct > MAX_CATEGORIES and _are_numbers(texts):
        return "number", ""
    if n_distinct <= MOSTLY * len(texts):
        return "category", ""
    if texts.iloc[:2000].str.count(r"\S+").mean() >= MIN_WORDS:
        return "words", ""
    if n_distinct <= MAX_CATEGORIES:
        return "category", ""
    return "left out", "text of which nearly all values differ"


def _are_numbers(texts):
    """Whether all are numbers in writing, and none begins with a 0 as codes do."""
    if texts.str.match(r"[+-]?0\d").any():
        return False
    return bool(pd.to_numeric(texts, errors="coerce").notna().all())


_NUMBERS = (Number, np.bool_, decimal.Decimal, fractions.Fraction)


# ---------------------------------------------------------------------- as numbers


def as_floats(column):
    """Numbers, truth values, dates, times, durations, periods and intervals as float64."""
    dtype = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        return np.asarray(column.sparse.to_dense(), dtype=float)
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        if isinstance(dtype, np.dtype):
            return column.to_numpy().astype(float)
        if not _is_arrow_decimal(dtype):
            return column.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    if isinstance(dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if getattr(column.dtype, "kind", "") in "mM" and isinstance(column.dtype, np.dtype):
        return counts(column.to_numpy())
    return np.array([_as_float(value) for value in column.astype(object)], dtype=float)


def _is_arrow_decimal(dtype):
    return "decimal" in str(dtype)


def counts(values):
    """datetime64 or timedelta64 of any unit as days, NaN for missing."""
    if values.dtype.kind not in "mM":
        return np.array([_as_float(value) for value in values], dtype=float)
    unit, step = np.datetime_data(values.dtype)
    per_day = np.timedelta64(1, "D") / np.timedelta64(step, unit)
    return np.where(np.isnat(values), np.nan, values.astype("int64") / per_day)


def _as_float(value):
    """A single cell: days for what has to do with time."""
    if value is None or value is pd.NaT or value is pd.NA:
        return np.nan
    if isinstance(value, pd.Period):
        return float(value.ordinal)
    if isinstance(value, pd.Interval):
        return (_as_float(value.left) + _as_float(value.right)) / 2
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return float(counts(np.array([value]))[0])
    if isinstance(value, datetime.datetime):  # Timestamps are such, too
        if value.tzinfo is not None:
            value = value.astimezone(datetime.UTC)
        return value.date().toordinal() - EPOCH + _as_float(value.time())
    if isinstance(value, datetime.date):
        return float(value.toordinal() - EPOCH)
    if isinstance(value, datetime.time):
        seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
        return seconds / 86_400
    if isinstance(value, datetime.timedelta):
        return value.total_seconds() / 86_400
    try:
        return float(value)
    except OverflowError:  # a whole number that no float holds
        return np.inf
    except (TypeError, ValueError):  # a kind that the fitted rows did not have
        return np.nan


def _width(values):
    """Length of the vectors in the cells, 0 where they are not alike or not of numbers."""
    found = 0
    for value in values:
        if not isinstance(value, (list, tuple, np.ndarray)):
            if np.ndim(value) == 0 and pd.isna(value):
                continue
            return 0
        try:
            vector = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            return 0
        if vector.ndim != 1 or len(vector) == 0 or (found and len(vector) != found):
            return 0
        found = len(vector)
    return found


def _stacked(column, width):
    out = np.full((len(column), width), np.nan)
    for row, value in enumerate(column.astype(object)):
        if isinstance(value, (list, tuple, np.ndarray)) and len(value) == width:
            out[row] = np.asarray(value, dtype=float)
    return out


# ---------------------------------------------------------------------- as words and categories


def _plain_texts(column, missing=""):
    values = column.astype(object)
    texts = np.empty(len(values), dtype=object)
    texts[:] = [_plain_text(value) for value in values.where(column.notna(), missing)]
    return texts


def _plain_text(value):
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _topics(column):
    texts = _plain_texts(column)
    words = TfidfVectorizer(sublinear_tf=True, max_features=20_000, token_pattern=r"(?u)\b\w+\b")
    counts = words.fit_transform(texts)
    n_topics = min(N_TOPICS, min(counts.shape) - 1)
    if n_topics < 1:
        return Pipeline([("words", words), ("dense", FunctionTransformer(_dense).fit(counts))])
    reduce = TruncatedSVD(n_topics, random_state=0).fit(counts)
    return Pipeline([("words", words), ("topics", reduce)])


def _dense(X):
    return X.toarray()


def default_model(evidence):
    """The model that judges when none is given: a forest, judged out of bag in one fit."""
    kind = RandomForestClassifier if evidence.task == "classification" else RandomForestRegressor
    return behind_encoder(kind(n_estimators=200, min_samples_leaf=3), evidence.inputs.X)


def behind_encoder(model, X, *, for_trees=True):
    """`model`, for a table behind `TableEncoder`."""
    return make_pipeline(TableEncoder(for_trees=for_trees), model) if is_table(X) else model
