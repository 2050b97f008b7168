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


def plain_labels(y):
    """Class labels of any container as an array of one type, in which models take them."""
    y = _plain_column(y)
    return _one_type(y) if y.dtype == object else y


def check_labels(y):
    """Check class labels of any kind and encode them; see `Target`."""
    y = plain_labels(y)
    _check_finite(y)
    classes, codes = _unsorted(y)
    if codes is None or len(classes) > len(y) / 2:  # else there is nothing to say of such labels
        _check_are_labels(y)
    if codes is None:
        classes, codes = np.unique(y, return_inverse=True)
    return Target(y=y, classes=classes, codes=codes)


def _check_are_labels(y):
    try:
        check_classification_targets(y)
    except ValueError as error:
        row = 0
        if y.dtype.kind == "f":
            row = int(np.argmax(y != np.floor(y)))
        raise ValueError(
            f"{error} Row {row} of y is {_shown(y, row)}: use the Regressor twin, or write names "
            "as texts."
        ) from error


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
    if kind == "decimal":  # as databases give numbers
        whole = all(label.is_finite() and label == int(label) for label in y)
        y, kind = np.array([int(label) if whole else float(label) for label in y]), "number"
    elif kind in ("integer", "boolean", "floating", "mixed-integer-float"):
        y, kind = np.array(y.tolist()), "number"
    if kind in ("string", "empty") or y.dtype != object:
        return y
    kinds = [type(label).__name__ for label in y]
    if len(set(kinds)) > 1:
        other = next(row for row, name in enumerate(kinds) if name != kinds[0])
        raise TypeError(
            f"y mixes labels that cannot be ordered ({', '.join(sorted(set(kinds)))}), such as "
            f"{_shown(y, 0)} in row 0 and {_shown(y, other)} in row {other}: convert them to one "
            "type, e.g. y.astype(str)."
        )
    raise TypeError(
        f"y has labels of type {kinds[0]}, such as {_shown(y, 0)} in row 0, and models take texts, "
        "truth values and numbers of 64 bits as labels: convert them, e.g. y.astype(str)."
    )


def _shown(y, row):
    """A value of y in an error, of bearable length, as Python and not NumPy writes it."""
    return f"{y[row : row + 1].tolist()[0]!r:.80}"


def check_numbers(y):
    """Check a numeric target; see `Target`."""
    y = _plain_column(y)
    if y.dtype.kind in "mM":
        raise ValueError(
            f"y is not numeric (dtype {y.dtype}): regression needs numbers. Convert dates and "
            "durations to the unit you mean, e.g. days since the first one."
        )
    if y.dtype.kind not in "fiub":
        y = _as_floats(y)
    if y.dtype.kind == "f" and y.dtype.itemsize > 8:  # what no model computes in
        y = y.astype(np.float64)
    _check_finite(y)
    _check_size(y)
    return Target(y=y)


def _refuse_complex(y):
    kind = getattr(y.dtype, "kind", "")
    if kind == "c" or kind == "O" and pd.api.types.infer_dtype(y) == "complex":
        raise ValueError(
            "Complex data not supported: y has complex numbers. Give labels or real numbers."
        )


def _as_floats(y):
    """Texts and objects as numbers, or an error that names the first one that is none."""
    try:
        return y.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        row, error = _first_odd(y)
    if isinstance(error, OverflowError):
        raise ValueError(
            f"y is {_shown(y, row)} in row {row}, which no floating point number holds: give y in "
            "a larger unit, or leave such rows out."
        )
    raise ValueError(
        f"y is not numeric (dtype {y.dtype}, {_shown(y, row)} in row {row}): regression needs "
        "numbers; for class labels use the Classifier twin."
    )


def _first_odd(y):
    """(row, error) of the first value that is no number, or too large for one."""
    for row, value in enumerate(y):
        try:
            float(value)
        except (TypeError, ValueError, OverflowError) as error:
            return row, error
    return 0, None


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
        y = _as_array(y)
    if getattr(y.dtype, "kind", "") == "T":  # NumPy's own texts, which no model takes
        y = np.asarray(y, dtype=object)
    if getattr(y.dtype, "kind", "") == "V":
        raise TypeError(
            f"y has the dtype {y.dtype}, which is neither a label nor a number: give one field of "
            "it, as y['name'], or convert it."
        )
    _refuse_complex(y)
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


def _as_array(y):
    """A list or the like as an array; of objects where it has texts, so that None is not one."""
    try:
        plain = np.asarray(y)
    except ValueError as error:
        sizes = [np.size(entry) for entry in y]
        row = next((row for row, size in enumerate(sizes) if size != sizes[0]), 0)
        raise ValueError(
            f"y must have one label or number in each row, and its entries are of several sizes: "
            f"{sizes[0]} in row 0, {sizes[row]} in row {row}."
        ) from error
    if plain.ndim == 0:
        raise ValueError(
            f"y should be a 1d array, got a {type(y).__name__}: give a list, an array or a Series, "
            "with one entry for each row in their order."
        )
    return np.asarray(y, dtype=object) if plain.dtype.kind in "US" else plain


def _check_finite(y):
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        missing = np.isnan(y)
        if missing.any():
            _refuse(missing, "missing (NaN)")
        _refuse(np.isinf(y), "infinite")


def _refuse(bad, what):
    rows = np.flatnonzero(bad)
    raise ValueError(
        f"Input y contains NaN or infinity: it is {what} in {len(rows)} of {len(bad)} rows, first "
        f"in row {rows[0]}. Leave such rows out before fit."
    )
