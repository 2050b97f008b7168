"""The target: the only part of the data that sknoisy validates and encodes itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from sknoisy._evidence._arrays import as_numpy, foreign_as_numpy

HUGE = 1e140  # beyond it sums of squares overflow, and for inverse ones they vanish


@dataclass(frozen=True)
class Target:
    """A checked target.

    Attributes
    ----------
    y : ndarray of shape (n,)
        The user's own values, as a plain numpy array.
    classes : ndarray of shape (K,) or None
        Sorted labels; None for numbers.
    codes : ndarray of shape (n,) or None
        Position of each label in `classes`; None for numbers.
    """

    y: np.ndarray
    classes: np.ndarray | None = None
    codes: np.ndarray | None = None

    @property
    def is_labels(self):
        return self.classes is not None

    @property
    def task(self):
        return "classification" if self.is_labels else "regression"

    def encode(self, labels, name):
        """Positions in `classes` of labels that must be among them."""
        labels = np.asarray(labels)
        at = positions(labels, self.classes)
        odd = np.flatnonzero(at < 0)
        if len(odd):
            label = labels[odd[:1]].tolist()[0]
            raise ValueError(f"{name}: {label!r} in row {odd[0]} is no class of y.")
        return at


def positions(labels, classes):
    """(n,) position in `classes` of each label; -1 for one that is not there.

    Labels of another type, such as the texts that some models make of booleans, go by their text.
    """
    labels = as_numpy(labels, "labels")
    at, levels = pd.factorize(labels)
    known = {label: i for i, label in enumerate(classes.tolist())}
    found = [known.get(label, -1) for label in levels.tolist()]
    if -1 in found and labels.dtype.kind != classes.dtype.kind:
        known = {str(label): i for i, label in enumerate(classes.tolist())}
        if len(known) == len(classes):
            found = [known.get(str(label), -1) for label in levels.tolist()]
    return np.array([*found, -1])[at]  # the last one is for what is missing


def check_labels(y):
    """Check class labels of any kind and encode them; see `Target`."""
    y = _plain_column(y)
    if y.dtype == object:
        y = _one_type(y)
    _check_finite(y)
    classes, codes = _unsorted(y)
    if codes is None or len(classes) > len(y) / 2:  # else there is nothing to say of such labels
        check_classification_targets(y)
    if codes is None:
        classes, codes = np.unique(y, return_inverse=True)
    return Target(y=y, classes=classes, codes=codes)


def _unsorted(y):
    """`np.unique` of texts and whole numbers, without sorting all; (None, None) of other labels."""
    if y.dtype.kind in "iub" and len(y) and int(y.max()) - int(y.min()) <= len(y):
        return _counted(y)
    if y.dtype.kind == "U" or (y.dtype == object and pd.api.types.infer_dtype(y) == "string"):
        at, levels = pd.factorize(y)
        classes, place = np.unique(np.asarray(levels, dtype=y.dtype), return_inverse=True)
        return classes, place[at]
    return None, None


def _counted(y):
    low = y.min()
    place = (
        y.astype(np.intp) - int(low)
        if y.dtype.itemsize < 8
        else (y - low).astype(np.intp, copy=False)
    )
    there = np.bincount(place) > 0
    codes = place if there.all() else (np.cumsum(there) - 1)[place]
    classes = np.empty(np.count_nonzero(there), dtype=y.dtype)
    classes[codes] = y
    return classes, codes


def _one_type(y):
    """Objects that are all texts as they are; all numbers, or all booleans, as such."""
    kind = pd.api.types.infer_dtype(y, skipna=False)
    if kind in ("integer", "boolean", "floating", "mixed-integer-float"):
        return np.array(y.tolist())
    if kind.startswith("mixed"):
        kinds = sorted({type(label).__name__ for label in y})
        raise TypeError(
            f"y mixes labels that cannot be ordered ({', '.join(kinds)}): "
            "convert them to one type, e.g. y.astype(str)."
        )
    return y


def check_numbers(y):
    """Check a numeric target; see `Target`."""
    y = _plain_column(y)
    if y.dtype.kind in "mM":
        raise ValueError(
            f"y is not numeric (dtype {y.dtype}): regression needs numbers. Convert dates and "
            "durations to the unit you mean, e.g. days since the first one."
        )
    if y.dtype.kind == "c":
        raise ValueError("Complex data not supported: y has complex numbers, regression needs real")
    if y.dtype.kind not in "fiub":
        try:
            y = y.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"y is not numeric (dtype {y.dtype}, first value {y[0]!r}): regression needs "
                "numbers; for class labels use the Classifier twin."
            ) from error
    _check_finite(y)
    _check_size(y)
    return Target(y=y)


def _check_size(y):
    """Squares of the numbers, and of their differences, must be numbers again."""
    if y.dtype.kind != "f" or not len(y):
        return
    y = y.astype(np.float64)
    size = np.abs(y)
    if size.max() > HUGE:
        row = size.argmax()
        raise ValueError(
            f"y is {y[row]:.4g} in row {row}, and squares of numbers beyond {HUGE:g} overflow: "
            "give y in a larger unit, or leave such rows out."
        )
    if 0 < np.ptp(y) < 1 / HUGE:
        raise ValueError(
            f"The numbers of y differ by {np.ptp(y):.4g} at most, and squares of such numbers are "
            "zero in floating point: give y in a smaller unit."
        )


def is_continuous(y):
    """Whether any value of y is a number with decimals; says nothing about missing ones."""
    values = pd.Series(np.ravel(as_numpy(y, "y"))).infer_objects()
    if values.dtype.kind != "f":
        return False
    values = values[np.isfinite(values)]
    return bool((values != np.floor(values)).any())


def _plain_column(y):
    if y is None:
        raise ValueError("sknoisy requires y to be passed, but the target y is None")
    y = foreign_as_numpy(y, "y")
    if not hasattr(y, "dtype"):
        # a list of texts and None must not become an array of texts, "None" among them
        plain = np.asarray(y)
        y = np.asarray(y, dtype=object) if plain.dtype.kind in "US" else plain
    shape = y.shape
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {shape} instead. For several targets "
            "wrap sknoisy's estimator in MultiOutputClassifier or MultiOutputRegressor."
        )
    missing = np.asarray(pd.isna(y if isinstance(y, pd.Series) else np.asarray(y)))
    if missing.any():
        _refuse(missing.reshape(-1), "missing (NaN or None)")
    if isinstance(y.dtype, pd.CategoricalDtype):
        y = y.astype(y.dtype.categories.dtype)
    numpy_dtype = getattr(y.dtype, "numpy_dtype", None)
    if numpy_dtype is not None:  # pandas nullable: Int64, boolean, Float64, string
        y = y.to_numpy(dtype=numpy_dtype)
    return np.array(column_or_1d(y, warn=True))  # a copy: y may be corrected in place later on


def _check_finite(y):
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        _refuse(~np.isfinite(y), "infinite")


def _refuse(bad, what):
    rows = np.flatnonzero(bad)
    raise ValueError(
        f"Input y contains NaN or infinity: it is {what} in {len(rows)} of {len(bad)} rows, first "
        f"in row {rows[0]}. Leave such rows out before fit."
    )
