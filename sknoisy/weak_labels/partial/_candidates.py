"""The one place that reads candidate sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from sknoisy._evidence import check_labels
from sknoisy._evidence._arrays import as_numpy
from sknoisy._typing import ArrayLike


@dataclass(frozen=True)
class Candidates:
    """Checked candidate sets.

    Attributes
    ----------
    mask : ndarray of shape (n, K) of bool
        Which classes may be the label of a row.
    classes : ndarray of shape (K,)
        Sorted, as everywhere.
    """

    mask: np.ndarray
    classes: np.ndarray

    @property
    def shares(self):
        """(n, K): each candidate of a row is as likely as the others."""
        return self.mask / self.mask.sum(axis=1, keepdims=True)

    @property
    def strata(self):
        """(n,) the candidate of each row that is the rarest over all rows, for folds."""
        rarity = np.where(self.mask, -self.mask.sum(axis=0), -np.inf)
        return rarity.argmax(axis=1)


def check_candidates(y):
    """Check candidate sets: a binary (n, K) table, or one label a row; see `Candidates`.

    The columns of a DataFrame are named after the classes; those of an array are classes 0 to
    K - 1. A one-dimensional y has labels, each a set of one.
    """
    if y is None:
        raise ValueError("sknoisy requires y to be passed, but the target y is None")
    if isinstance(y, list | tuple | pd.Series) and any(
        isinstance(one, set | frozenset) or (isinstance(one, list | tuple) and _has_text(one))
        for one in y
    ):
        raise ValueError(
            "y must be a binary table with one column for each class, and its rows are sets of "
            "labels. sklearn.preprocessing.MultiLabelBinarizer makes the table: "
            "pd.DataFrame(sets.fit_transform(y), columns=sets.classes_)."
        )
    values = _as_array(y)
    if values.ndim < 2 or values.shape[1:] == (1,):
        target = check_labels(y)
        one_hot = target.codes[:, None] == np.arange(len(target.classes))
        return Candidates(one_hot, target.classes)
    if values.ndim != 2:
        raise ValueError(
            f"y should have one row for each row of X and one column for each class, got shape "
            f"{values.shape}."
        )
    mask = _binary(values)
    names = getattr(y, "columns", None)
    classes = np.arange(mask.shape[1]) if names is None else np.asarray(list(names))
    levels, order = np.unique(classes, return_index=True)
    if len(levels) < len(classes):
        twice = pd.Index(classes)[pd.Index(classes).duplicated()][0]
        raise ValueError(f"Two columns of y have the name {twice!s}: join them into one class.")
    empty = np.flatnonzero(~mask.any(axis=1))
    if len(empty):
        raise ValueError(
            f"{len(empty)} rows of y have no candidate, first row {empty[0]}: a row of which "
            "nothing is known has all classes as candidates, or is left out before fit."
        )
    nobody = np.flatnonzero(~mask.any(axis=0))
    if len(nobody):
        which = ", ".join(str(classes[k]) for k in nobody[:5])
        raise ValueError(
            f"Nobody's candidate: class {which} is in the set of no row, so that nothing can be "
            "learnt of it: leave its column out of y."
        )
    return Candidates(mask[:, order], levels)


def _has_text(labels):
    return any(isinstance(label, str) for label in labels)


def _as_array(y):
    return y.toarray() if issparse(y) else as_numpy(y, "y")


def _binary(values):
    """(n, K) of bool, of numbers or truth values that are 0 and 1."""
    if values.dtype.kind not in "fiub":  # of objects or texts, some of which may be numbers
        cells = pd.to_numeric(pd.Series(values.ravel(), dtype=object), errors="coerce")
        numbers = cells.to_numpy(dtype=float, na_value=np.nan).reshape(values.shape)
    else:
        numbers = values.astype(float)
    odd = np.argwhere(~np.isin(numbers, (0.0, 1.0)))
    if len(odd):
        row, column = odd[0]
        raise ValueError(
            f"y must be binary, 1 where a class may be the label and 0 where not: row {row}, "
            f"column {column} has {values[row, column]!r}."
        )
    return numbers == 1.0


def candidate_score(
    y_candidates: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of predictions that are among the candidates of their row.

    Where the true label is always a candidate, and wrong ones are added regardless of the
    prediction, this rises with the accuracy, and no true label is needed. So it can choose between
    models; it is above the accuracy, as some wrong predictions are candidates too.

    Parameters
    ----------
    y_candidates : array-like or DataFrame of shape (n, K) of {0, 1}, or array-like of shape (n,)
        Candidate sets, as in `PartialLabelClassifier`; or labels, and this is then the accuracy.
    y_pred : array-like of shape (n,)
        Predicted classes. The columns of an array of candidates are classes 0 to K - 1.
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float

    Examples
    --------
    >>> from sknoisy.weak_labels import candidate_score
    >>> candidate_score([[1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 0]], [1, 2, 1, 1])
    0.75
    """
    values = _as_array(y_candidates)
    y_pred = np.asarray(y_pred)
    if values.ndim == 1 or values.shape[1] == 1:
        inside = values.reshape(-1) == y_pred
    else:
        mask = _binary(values)
        names = getattr(y_candidates, "columns", range(mask.shape[1]))
        place = {name: k for k, name in enumerate(names)}
        at = np.array([place.get(label, -1) for label in y_pred.tolist()])
        inside = (at >= 0) & mask[np.arange(len(mask)), at]
    return float(np.average(inside, weights=sample_weight))
