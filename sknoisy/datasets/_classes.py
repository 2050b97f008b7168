"""Labels as the numbers of classes and back, and which classes a model takes for one another."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing

from sknoisy.datasets._common import check_1d, check_same_length, is_polars, read_matrix, take


def encode(y):
    """Class numbers of the rows, and the sorted classes (in their order for a categorical y)."""
    check_1d(y)
    values = y if isinstance(y, pd.Series) else pd.Series(y.to_list() if is_polars(y) else y)
    codes, classes = pd.factorize(values, sort=True)
    if (codes < 0).any():
        row = int(np.argmin(codes))
        raise ValueError(f"y has a missing value in row {row} (from 0); drop such rows first.")
    classes = list(classes)
    if all(isinstance(label, float | np.floating) for label in classes):
        fractions = [label for label in classes if label != np.floor(label)]
        if fractions:
            row = int(np.flatnonzero(codes == classes.index(fractions[0]))[0])
            raise ValueError(
                f"y holds numbers, not classes (row {row}, from 0, is {fractions[0]}); for a "
                "numeric target use outlier_noise or another of its kind."
            )
    if len(classes) < 2:
        raise ValueError(
            f"y has a single class, {show(classes[0])}: a wrong label needs another one."
        )
    return codes, classes


def decode(y, codes, new_codes):
    """y with the new classes, and where they are new.

    A changed row takes its label from the first row of y that has it, so that y's container and
    dtype need no knowledge here.
    """
    mask = new_codes != codes
    first_row = np.unique(codes, return_index=True)[1]
    return take(y, np.where(mask, first_row[new_codes], np.arange(len(codes)))), mask


def show(label):
    """A label as the user would write it, without NumPy's type."""
    return repr(label.item() if isinstance(label, np.generic) else label)


def class_code(classes, label, parameter):
    for code, known in enumerate(classes):
        if known == label:
            return code
    known = ", ".join(show(c) for c in classes[:20])
    if parameter == "classes":
        raise ValueError(f"class {show(label)} of y is not among the matrix's classes, {known}.")
    raise ValueError(f"{parameter}={show(label)} is not a class of y, which has {known}.")


def out_of_fold_proba(estimator, X, codes, classes, cv, rng):
    """Probabilities of shape (n_samples, n_classes) from models that have not seen the row.

    Without an estimator it is a logistic regression of the scaled columns, which must be numbers.
    """
    check_same_length(X, codes)
    counts = np.bincount(codes)
    if counts.min() < 2:
        label = show(classes[np.argmin(counts)])
        raise ValueError(f"class {label} has a single row; folds need two or more.")
    if estimator is None:
        X, _ = read_matrix(X, advice=" Give an `estimator` that takes X as it is.")
        estimator = make_pipeline(StandardScaler(), LogisticRegression())

    proba = np.zeros((len(codes), len(classes)))
    # The rows, shuffled and sorted by class, are dealt out to the folds in turn: a class with two
    # rows has them in different folds, so every class is in every training part.
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    n_folds = min(cv, len(codes))
    X = X if hasattr(X, "__getitem__") or hasattr(X, "iloc") else np.asarray(X)
    for fold in range(n_folds):
        test = np.sort(order[fold::n_folds])
        train = np.setdiff1d(order, test)
        model = clone(estimator).fit(_safe_indexing(X, train), codes[train])
        known = getattr(model, "classes_", np.arange(len(classes)))
        proba[np.ix_(test, known)] = model.predict_proba(_safe_indexing(X, test))
    return proba


def mean_confusion(proba, codes):
    """Entry (i, j): the mean probability of class j over the rows of class i."""
    return np.vstack([proba[codes == i].mean(axis=0) for i in range(proba.shape[1])])


def draw_by_class(rng, weight, codes):
    """A new class for each row, by the weights in its own class's row of `weight`."""
    upper = np.cumsum(weight, axis=1)
    point = rng.random_sample(len(codes)) * upper[codes, -1]
    labels = np.empty(len(codes), dtype=int)
    for code in range(len(weight)):
        mine = codes == code
        labels[mine] = np.searchsorted(upper[code], point[mine], side="right")
    return labels.clip(max=len(weight) - 1)
