"""Rows as numbers, for the parts that need distances."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import gen_batches

from sknoisy._evidence._arrays import as_numpy, foreign_as_numpy
from sknoisy._evidence._fitting import first_steps, label_free, seeded_clone
from sknoisy._evidence._table import TableEncoder, counts, is_table
from sknoisy._evidence._target import HUGE

BLOCK_ROWS = 100_000


def numeric_features(estimator, evidence):
    """Training rows as a numeric matrix (n, d), dense or sparse, in comparable units.

    See `RowEncoder`.
    """
    return RowEncoder(estimator).fit_transform(evidence.inputs.X, evidence.target.y)


class RowEncoder:
    """Rows as a numeric matrix, dense or sparse, in comparable units; new rows in the same.

    In this order:

    1. the steps before the last one of a Pipeline `estimator`, fitted on all rows, but for those
       that would let a label into the features of its own row (selection by the labels, LDA);
    2. numbers: columns brought to zero mean and unit variance (sparse: to unit maximum);
    3. a table of pandas, polars or Arrow, or a list of dicts: `TableEncoder`;
    4. a one-dimensional array or list of texts: TF-IDF.

    Missing values in a plain array are an error, since how to fill them is the user's decision.

    Parameters
    ----------
    estimator : estimator or None
        The model that the rows are for.
    """

    def __init__(self, estimator=None):
        self.steps = None
        if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
            # seeded, so that the same question has the same answer
            self.steps = seeded_clone(first_steps(label_free(estimator)), 0)

    def fit_transform(self, X, y=None):
        if self.steps is not None:
            X = self.steps.fit_transform(X, y)
        if is_table(X):
            self.encoder = TableEncoder()
        elif issparse(X):
            self.encoder = MaxAbsScaler()
        elif _are_texts(X):
            self.encoder = TfidfVectorizer(sublinear_tf=True, max_features=20_000)
            X = _texts(X)
        else:
            return self._fit_numbers(X)
        with config_context(transform_output="default"):
            return self.encoder.fit_transform(X)

    def _fit_numbers(self, X):
        X = foreign_as_numpy(X, "X")
        numbers = _numbers(X)
        self.encoder = StandardScaler().set_output(transform="default")
        for rows in gen_batches(len(numbers), BLOCK_ROWS):  # its sums take thrice the memory
            self.encoder.partial_fit(numbers[rows])
        if _is_standardized(numbers):  # they have been here before, and may be large
            return numbers
        return self.encoder.transform(numbers, copy=np.may_share_memory(numbers, X))

    def transform(self, X):
        if self.steps is not None:
            X = self.steps.transform(X)
        if isinstance(self.encoder, StandardScaler):
            return self.encoder.transform(_numbers(X), copy=True)
        if isinstance(self.encoder, TfidfVectorizer):
            X = _texts(X)
        with config_context(transform_output="default"):
            return self.encoder.transform(X)


def _are_texts(X):
    array = as_numpy(X, "X")
    return array.ndim == 1 and array.dtype.kind in "OUST"


def _texts(X):
    texts = np.asarray(X)
    odd = [row for row, text in enumerate(texts) if not isinstance(text, str | bytes)]
    if odd:
        raise ValueError(
            f"X has texts, but {texts[odd[0]]!r:.80} in row {odd[0]} ({len(odd)} of {len(texts)} "
            "rows): leave such rows out, or give an empty text."
        )
    return texts


def _is_standardized(X):
    """Whether `StandardScaler` has made it, as far as the rounding of its sums lets one see."""
    n, near = len(X), 1e-7
    if np.abs(X.mean(axis=0)).max(initial=0.0) > near:
        return False
    square = np.einsum("ij,ij->j", X, X) / n
    return bool(((np.abs(square - 1.0) < near) | (square == 0.0)).all())


def _numbers(X):
    """(n, d) finite floats, or an error that says what to do."""
    array = as_numpy(X, "X")
    if array.dtype.names:
        raise ValueError(
            f"X is a structured array with the fields {', '.join(array.dtype.names)}: give it as "
            "pandas.DataFrame(X)."
        )
    if array.ndim == 1:
        raise ValueError(
            "Expected 2D array, got 1D array instead: reshape(-1, 1) makes one feature of it."
        )
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported: give the real and the imaginary part apart.")
    if array.dtype.kind in "mM":  # in days, and no date (NaT) is no number
        array = counts(array)
    try:
        # sums run along the memory, so another layout would be another result in the last bits
        array = array.reshape(len(array), -1).astype(float, order="C", copy=False)
    except (TypeError, ValueError) as error:
        raise type(error)(
            "This method needs numeric features and X has others. Give X as a DataFrame, or wrap a "
            f"Pipeline whose first steps encode it. ({error})"
        ) from error
    if array.size and max(array.max(), -array.min()) > HUGE and np.isfinite(array).all():
        row, column = np.unravel_index(np.abs(array).argmax(), array.shape)
        raise ValueError(
            f"This method needs distances, and X is {array[row, column]:.4g} in row {row}, column "
            f"{column}: squares of numbers beyond {HUGE:g} overflow. Give this column in a larger "
            "unit, or X as a DataFrame (such numbers are then missing, as infinite ones are)."
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            "This method needs distances and X contains NaN or infinity, first in row "
            f"{bad[0][0]}, column {bad[0][1]}. Wrap a Pipeline that starts with an imputer, "
            "or give X as a DataFrame (missing values are then filled by the median and marked)."
        )
    return array
