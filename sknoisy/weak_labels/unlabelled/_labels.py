"""The one place that reads labels some of which are missing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sknoisy._evidence import check_labels, take_rows
from sknoisy._evidence._arrays import with_blanks


@dataclass(frozen=True)
class PartlyLabelled:
    """Checked labels.

    Attributes
    ----------
    codes : ndarray of shape (n,) of int
        Position of each label in `classes`; -1 for none.
    classes : ndarray of shape (K,)
    """

    codes: np.ndarray
    classes: np.ndarray

    @property
    def is_labelled(self):
        return self.codes >= 0

    @property
    def one_hot(self):
        """(n, K) soft labels of what is known; a row without a label has zeros."""
        return (self.codes[:, None] == np.arange(len(self.classes))).astype(float)

    def with_labels(self, rows, codes):
        """The same, where some more rows have a label."""
        new = self.codes.copy()
        new[rows] = codes
        return replace(self, codes=new)


def check_partly_labelled(y, unlabelled=-1):
    """Check labels of which some are missing; see `PartlyLabelled`.

    NaN, None, NA and empty texts are no label, and so is the value `unlabelled`; None means that no
    other value is.
    """
    if y is None:
        raise ValueError("sknoisy requires y to be passed, but the target y is None")
    missing = is_unlabelled(y, unlabelled)
    known = np.flatnonzero(~missing)
    if len(missing) and not len(known):
        raise ValueError(
            f"None of the {len(missing)} rows has a label: every value of y is missing or the "
            f"mark of no label, {unlabelled!r}. Give the labels of some rows of each class."
        )
    target = check_labels(take_rows(y, known) if missing.any() else y)
    if "nan" in target.classes.tolist():
        warnings.warn(
            "'nan' is read as a class of y, and may be what an array of texts has made of missing "
            "values: then give y as a list or an array of objects, or say unlabelled='nan'.",
            UserWarning,
            stacklevel=2,
        )
    if missing.any() and len(target.classes) < 2:
        raise ValueError(
            f"Only one class has labels, {target.classes[0]!s}: nothing tells it from others. If "
            f"the mark of no label, {unlabelled!r}, is a class, set unlabelled=None, so that only "
            "missing values (NaN, None) are no label."
        )
    codes = np.full(len(missing), -1)
    codes[known] = target.codes
    return PartlyLabelled(codes, target.classes)


def is_unlabelled(y, unlabelled=-1):
    """(n,) of bool: rows whose label is missing, or the value that stands for none."""
    values = np.asarray(with_blanks(y, "y"), dtype=object)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        return np.zeros(len(values), dtype=bool)  # `check_labels` says what is wrong
    empty = [isinstance(value, str) and value == "" for value in values]
    missing = np.asarray(pd.isna(values)) | np.array(empty, dtype=bool)
    if unlabelled is None:
        return missing
    # in an array of texts the number -1 has become the text "-1"
    texts = getattr(getattr(y, "dtype", None), "kind", "O") in "US"  # polars has kinds of its own
    mark = str(unlabelled) if texts else unlabelled
    same = [not gone and bool(value == mark) for value, gone in zip(values, missing, strict=True)]
    return missing | np.array(same, dtype=bool)
