"""Rows as numbers, for the parts that need distances."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    OneHotEncoder,
    StandardScaler,
)

from sknoisy._evidence._fitting import seeded_clone

MAX_CATEGORIES = 50


def numeric_features(estimator, evidence):
    """Training rows as a numeric matrix (n, d), dense or sparse, in comparable units.

    In this order:

    1. the steps before the last one of a Pipeline `estimator`, fitted on all rows;
    2. numbers: columns brought to zero mean and unit variance (sparse: to unit maximum);
    3. a DataFrame: `table_encoder`;
    4. a one-dimensional array or list of texts: TF-IDF.

    Missing values in a plain array are an error, since how to fill them is the user's decision.
    """
    X, y = evidence.inputs.X, evidence.target.y
    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
        # seeded, so that the same question has the same answer
        X = seeded_clone(estimator[:-1], 0).fit_transform(X, y)
    if hasattr(X, "to_pandas"):  # polars
        X = X.to_pandas()
    if isinstance(X, pd.DataFrame):
        return np.asarray(table_encoder().fit_transform(X), dtype=float)
    if issparse(X):
        return MaxAbsScaler().fit_transform(X)
    array = np.asarray(X)
    if array.ndim == 1 and array.dtype.kind in "OUST":
        return TfidfVectorizer(sublinear_tf=True, max_features=20_000).fit_transform(array)
    if array.ndim == 1:
        raise ValueError(
            "Expected 2D array, got 1D array instead: reshape(-1, 1) makes one feature of it."
        )
    try:
        array = array.reshape(len(array), -1).astype(float)
    except (TypeError, ValueError) as error:
        raise type(error)(
            "This method needs numeric features and X has others. Give X as a DataFrame, or wrap a "
            f"Pipeline whose first steps encode it. ({error})"
        ) from error
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            "This method needs distances and X contains NaN or infinity, first in row "
            f"{bad[0][0]}, column {bad[0][1]}. Wrap a Pipeline that starts with an imputer, "
            "or give X as a DataFrame (missing values are then filled by the median and marked)."
        )
    return StandardScaler().fit_transform(array)


def table_encoder():
    """Encoder of a DataFrame as it comes, made of scikit-learn's parts.

    - numbers and booleans: missing values become the column's median plus an indicator column,
      then zero mean and unit variance;
    - dates and durations: as numbers, the same way;
    - everything else (strings, categories): one-hot; missing is a category of its own, and
      beyond 50 categories the rarest are one;
    - columns with no value at all are dropped.
    """
    numbers = make_pipeline(
        FunctionTransformer(_as_floats, feature_names_out="one-to-one"),
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
    )
    others = make_pipeline(
        FunctionTransformer(_as_texts, feature_names_out="one-to-one"),
        OneHotEncoder(
            max_categories=MAX_CATEGORIES,
            handle_unknown="infrequent_if_exist",
            sparse_output=False,
        ),
    )
    is_number = make_column_selector(
        dtype_include=["number", "bool", "boolean", "datetime", "datetimetz", "timedelta"]
    )
    is_other = make_column_selector(
        dtype_exclude=["number", "bool", "boolean", "datetime", "datetimetz", "timedelta"]
    )
    return ColumnTransformer(
        [("numbers", numbers, is_number), ("others", others, is_other)],
        verbose_feature_names_out=False,
    )


def _as_floats(X):
    def column(values):
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            return values.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        nanoseconds = values.dt.as_unit("ns").astype("int64").to_numpy().astype(float)
        return np.where(values.isna(), np.nan, nanoseconds)

    columns = {name: column(X[name]) for name in X.columns}
    floats = pd.DataFrame(columns, index=X.index, dtype=float)
    return floats.replace([np.inf, -np.inf], np.nan)


def _as_texts(X):
    return X.astype(object).where(X.notna(), "(missing)").astype(str)
