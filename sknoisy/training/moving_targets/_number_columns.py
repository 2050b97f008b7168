"""The numbers in rows, and rows like others but for their numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from sknoisy._evidence import is_table, take_rows

ADVICE = "make it the last step of a Pipeline, behind steps that make"


class NumberColumns:
    """The columns of numbers of an array or a DataFrame.

    Parameters
    ----------
    X : array of shape (n, d) or DataFrame
    owner : str
        Who needs them, for errors.

    Attributes
    ----------
    values : ndarray of shape (n, d')
        Missing ones as the median of their column.
    """

    def __init__(self, X, owner):
        if issparse(X):
            raise TypeError(
                f"{owner} draws new rows, and they would not be sparse: {ADVICE} few dense "
                "columns, such as TruncatedSVD."
            )
        self._X, self._owner = X, owner
        if isinstance(X, pd.DataFrame):
            self.places = [at for at in range(X.shape[1]) if _is_number(X.dtypes.iloc[at])]
            numbers = X.iloc[:, self.places].astype("Float64").to_numpy(float, na_value=np.nan)
            self._whole = [pd.api.types.is_integer_dtype(X.dtypes.iloc[at]) for at in self.places]
        else:
            numbers = self._array(X)
            self.places = list(range(numbers.shape[1]))
            self._whole = [np.asarray(X).dtype.kind in "iu"] * len(self.places)
        if not self.places:
            raise ValueError(
                f"Found array with 0 feature(s) (shape={numbers.shape}) while a minimum of 1 is "
                f"required: {owner} draws numbers, and X has no column of them."
            )
        self._missing = np.isnan(numbers)
        if np.isinf(numbers).any():
            row = np.flatnonzero(np.isinf(numbers).any(axis=1))[0]
            raise ValueError(f"X contains infinity, first in row {row}: {owner} needs numbers.")
        seen = np.where(self._missing.all(axis=0), 0.0, numbers)
        self.values = np.where(self._missing, np.nanmedian(seen, axis=0), numbers)

    def _array(self, X):
        if is_table(X):
            raise TypeError(f"{self._owner} draws new rows: give X as a DataFrame of pandas.")
        array = np.asarray(X)
        if array.ndim != 2:
            kind = "Reshape your data" if array.dtype.kind in "biuf" else "X has texts"
            raise ValueError(
                f"Expected 2D array, got {array.ndim}D array instead. {kind}: {self._owner} draws "
                f"new rows of numbers; with texts, {ADVICE} numbers of them."
            )
        try:
            return array.astype(float)
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"{self._owner} draws new rows of numbers, and X has others ({error}): give X as a "
                f"DataFrame, or {ADVICE} numbers."
            ) from error

    def with_rows(self, rows, like, values):
        """Some of the rows, and after them rows as those of `like` but for the numbers `values`.

        A number that is missing in the row that a new one is like is missing there, too; whole
        numbers stay whole.
        """
        values = np.where(self._missing[like], np.nan, values)
        values[:, self._whole] = np.round(values[:, self._whole])
        real = take_rows(self._X, rows)
        if not isinstance(self._X, pd.DataFrame):
            real = np.asarray(real)
            kind = real.dtype if real.dtype.kind in "iuf" else float
            return np.concatenate([real, values.astype(kind)])
        new = take_rows(self._X, like).copy()
        for at, column in zip(self.places, values.T, strict=True):
            dtype = self._X.dtypes.iloc[at]
            new.isetitem(at, pd.array(column).astype(dtype))
        return pd.concat([real, new])


def _is_number(dtype):
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        return False
    return pd.api.types.is_numeric_dtype(dtype) and not isinstance(dtype, pd.SparseDtype)
