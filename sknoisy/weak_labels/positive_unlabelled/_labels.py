"""The one reader of positive-unlabelled labels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sknoisy._evidence import check_labels
from sknoisy._evidence._arrays import foreign_as_numpy
from sknoisy._evidence._target import positions

SUREST = 0.99  # of an unlabelled row to be positive
# names that say by themselves which of two texts means positive
UNLABELLED = {"", "?", "<na>", "nan", "none", "unknown", "unlabeled", "unlabelled"}
NEGATIVE = {"0", "-1", "f", "false", "n", "neg", "negative", "no"}
POSITIVE = {"1", "+1", "labeled", "labelled", "pos", "positive", "t", "true", "y", "yes"}


@dataclass(frozen=True)
class PULabels:
    """Who is labelled positive.

    Attributes
    ----------
    classes : ndarray of shape (2,)
        The two values of y, sorted.
    positive_at : {0, 1}
        Position in `classes` of the positive class.
    labelled : ndarray of shape (n,) of bool
        Rows that are labelled positive; the others are unlabelled.
    """

    classes: np.ndarray
    positive_at: int
    labelled: np.ndarray

    @property
    def positive(self):
        return self.classes[self.positive_at]

    @property
    def codes(self):
        """(n,) position in `classes` of what is given."""
        return np.where(self.labelled, self.positive_at, 1 - self.positive_at)

    def columns(self, positive_proba):
        """(n, 2) in the order of `classes`, from the probability (n,) of the positive class."""
        return self.weighted(positive_proba, 1.0 - positive_proba)

    def posterior(self, hidden):
        """(n,) probability of being positive: 1 where labelled, else `hidden`.

        It leaves every unlabelled row a little of a negative, so that there is one to learn from.
        """
        return np.where(self.labelled, 1.0, np.minimum(hidden, SUREST))

    def check_weight(self, weight):
        """Refuse weights that leave nothing of a class."""
        if weight is None:
            return
        for rows, what in ((self.labelled, "labelled positive"), (~self.labelled, "unlabelled")):
            if not weight[rows].any():
                raise ValueError(
                    f"All rows that are {what} have sample_weight zero, which leaves one class: "
                    "positive-unlabelled learning needs rows of both."
                )

    def weighted(self, as_positive, as_negative):
        """(n, 2) in the order of `classes`: what a row weighs as either class."""
        pair = (as_negative, as_positive) if self.positive_at else (as_positive, as_negative)
        return np.column_stack(pair)


def read_pu(y, positive=None):
    """Check positive-unlabelled labels of any kind; see `PULabels`.

    Parameters
    ----------
    y : array-like of shape (n,)
        Two values, of which one marks the rows that are labelled positive. The other one may be a
        blank (None, NaN), which then becomes 0, False or "not ..." in `classes`.
    positive : scalar, default=None
        The value that means positive. None: the larger one, which is 1 of (0, 1) and of (-1, 1),
        and True; of two texts never one that says "unlabelled" or "not ...".
    """
    y, filled_with = _without_blanks(foreign_as_numpy(y, "y"))
    target = check_labels(y)
    classes = target.classes
    if len(classes) == 0:
        raise ValueError("Found array with 0 sample(s): y has no row to fit on.")
    if len(classes) > 2:
        names = ", ".join(map(repr, classes[:5].tolist()))
        raise ValueError(
            "Only binary classification is supported. The type of the target is multiclass: "
            f"positive-unlabelled labels have two values and y has {len(classes)} classes ({names}"
            f"{', ...' if len(classes) > 5 else ''}). For a row of several yes-or-no labels give a "
            "matrix to PUMultiOutputClassifier."
        )
    if positive is not None:
        [at] = positions(np.asarray([positive]), classes)
        if at < 0:
            raise ValueError(
                f"positive={positive!r} is no value of y, which has "
                f"{' and '.join(map(repr, classes.tolist()))}: no row is labelled positive."
            )
    elif filled_with is not None:
        at = int(classes[0] == filled_with)
    else:
        at = _which_is_positive(classes)
    if len(classes) < 2:
        what = "no row is unlabelled" if positive is not None else "there must be two"
        raise ValueError(
            f"y has only one class, {classes[0]!s}: {what}. Positive-unlabelled labels mark some "
            "rows as positive and leave the others unlabelled."
        )
    return PULabels(classes, int(at), target.codes == at)


def _which_is_positive(classes):
    """Position of the positive class: by its name, else the last one."""
    if len(classes) < 2 or not all(isinstance(name, str) for name in classes):
        return len(classes) - 1
    first, second = (name.strip().lower() for name in classes)
    for name, other, at in ((second, first, 0), (first, second, 1)):
        if name in UNLABELLED | NEGATIVE or other in POSITIVE or name in _denials(other):
            return at
    first, second = map(str, classes)
    warnings.warn(
        f"{second!r} is taken for the positive class, and {first!r} for unlabelled rows, by the "
        f"alphabet: say positive={second!r} or positive={first!r}.",
        UserWarning,
        stacklevel=2,
    )
    return 1


def _denials(name):
    """What means anything but `name`."""
    return {f"{no}{gap}{name}" for no in ("no", "non", "not") for gap in (" ", "-", "_")}


def _without_blanks(y):
    """(y, the value) that blanks, if they are the second value, have become; None if none have."""
    dtype = getattr(y, "dtype", None)
    if y is None or (isinstance(dtype, np.dtype) and dtype.kind in "iub"):
        return y, None
    if isinstance(y, pd.Series):
        values = y
    else:
        array = np.asarray(y, dtype=object)
        if array.ndim != 1:
            return y, None
        values = pd.Series(array)
    blank = values.isna().to_numpy(dtype=bool)
    if not blank.any():
        return y, None
    given = pd.unique(values[~blank]).tolist()
    if len(given) == 0:
        raise ValueError(
            f"Input y contains NaN or blanks in all {len(values)} rows: no row is labelled "
            "positive, which positive-unlabelled learning cannot do without."
        )
    if len(given) > 1:
        names = " and ".join(map(repr, given[:5]))
        raise ValueError(
            f"Input y contains NaN or blanks in {blank.sum()} rows, first in row "
            f"{np.flatnonzero(blank)[0]}, beside {names}: a blank means unlabelled only where the "
            "other rows have one value, the positive one. Leave such rows out before fit."
        )
    label = given[0]
    if isinstance(label, str):
        other = f"not {label}"
    elif isinstance(label, (bool, np.bool_)):
        label, other = bool(label), False
    else:
        other = type(label)(0)
    if label == other:
        raise ValueError(f"The only label in y is {label!r}: no row is labelled positive.")
    filled = np.full(len(values), label, dtype=object if isinstance(label, str) else None)
    filled[blank] = other
    return filled, other
