"""Evidence that was made elsewhere, so that nothing is fitted to make it again."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import issparse
from sklearn.utils.validation import _num_samples

from sknoisy._evidence._arrays import as_numpy
from sknoisy._evidence._cross_fit import Responses
from sknoisy._evidence._features import numeric_features
from sknoisy._evidence._responses import (
    as_column,
    check_proba,
    class_columns,
    is_judged,
)
from sknoisy._evidence._stages import collect, recorder
from sknoisy._evidence._table import as_table, is_table
from sknoisy.exceptions import OwnEvidenceWarning

NAMES = ("predicted", "stages", "features")
SUSPICIOUS = 50  # rows, all of which agree with their targets: predictions that have seen them?
ENOUGH = 20_000  # rows, to see in which order the columns are
EXACT = 1e-6  # residuals over the spread of y that no unseen number has


@dataclass(frozen=True)
class OwnEvidence:
    """What the user knows of the rows, checked.

    Attributes
    ----------
    predicted : ndarray of shape (n, K) or (n,), or None
        Out-of-sample class probabilities or numbers.
    stages : ndarray of shape (n, S, K) or (n, S), or None
        Class probabilities, or numbers, that a model said of the rows while it was trained.
    features : ndarray, sparse matrix or DataFrame with n rows, or None
        The rows in another form, such as embeddings.
    names_no_label : bool
        Whether all that is known of labels is how likely the given one is.
    """

    predicted: np.ndarray | None = None
    stages: np.ndarray | None = None
    features: Any = None
    names_no_label: bool = False

    @property
    def given(self):
        """Names of what there is."""
        return tuple(name for name in NAMES if getattr(self, name) is not None)

    @property
    def judges(self):
        """Whether something says what the targets should be, so that no model is to be asked."""
        return self.predicted is not None or self.stages is not None

    def responses(self):
        """`Responses` without a fit."""
        if self.predicted is None:
            raise ValueError(
                "Only stages were given, and this takes out-of-sample predictions too (to count "
                "the wrong rows, unless contamination says how many): give predicted as well."
            )
        method = "predict_proba" if self.predicted.ndim == 2 else "predict"
        return Responses(self.predicted, method, is_judged(self.predicted).astype(int), 0)

    def within(self, budget, target):
        """`Stages` of the first part of the training, without a fit."""
        if self.stages is None:
            raise ValueError(
                "Only predictions were given, and this asks what a model said while it was "
                "trained: give stages as well."
            )
        n, n_stages = self.stages.shape[:2]
        last = max(1, int(np.ceil(budget * n_stages - 1e-9)))
        rows, record = np.arange(n), recorder(target)
        kept = [self.stages[:, s] for s in range(last)]
        steps = np.arange(1, last + 1)
        records = [record(values, target, rows) for values in kept]
        told = (steps / n_stages, steps, records, sum(kept), kept[-1])
        return replace(collect([told], [(rows, rows)], target), n_fits=0)

    def numbers(self, evidence):
        """Rows as numbers, in comparable units."""
        return numeric_features(None, evidence.replaced(X=self.features))


def read_own(target, *, predicted=None, stages=None, features=None):
    """`OwnEvidence` of a `Target`, or None where there is none."""
    if predicted is None and stages is None and features is None:
        return None
    n, no_label = len(target.y), False
    if predicted is not None:
        predicted = read_predicted(predicted, target)
    if stages is not None:
        stages, no_label = read_stages(stages, target)
    if features is not None:
        if not (issparse(features) or hasattr(features, "columns")):
            features = as_numpy(features, "features")
        if _num_samples(features) != n:
            raise ValueError(
                f"features has {_num_samples(features)} rows, and y has {n}: one is needed for "
                "each."
            )
    return OwnEvidence(predicted, stages, features, no_label and predicted is None)


def read_predicted(predicted, target):
    """Checked out-of-sample predictions; a row of NaN is one that nobody judged."""
    n, what = len(target.y), "predicted"
    if not target.is_labels:
        values = as_column(as_numpy(predicted, what), n, what)
        if np.isinf(values).any():
            raise ValueError(f"predicted is infinite, first in row {np.isinf(values).argmax()}.")
        _warn_if_seen_numbers(values, target.y.astype(float))
        return values
    classes, columns = target.classes, None
    if is_table(predicted):  # pandas, polars, Arrow
        predicted = as_table(predicted)
        names = _named_as(predicted.columns, classes)
        columns = class_columns(names, classes, "columns of predicted")
    values = _floats_of_objects(as_numpy(predicted, what))
    if values.dtype.kind not in "fiub":
        raise ValueError(
            f"predicted must be class probabilities, and holds values of dtype {values.dtype}: "
            "predicted labels do not say how sure a model was."
        )
    if values.ndim == 1 and len(classes) == 2:
        values = np.column_stack([1.0 - values.astype(float), values])
    if values.ndim == 2 and values.shape[1] != len(classes):
        shown = ", ".join(map(str, classes[:10])) + ", ..." * (len(classes) > 10)
        raise ValueError(
            f"predicted has {values.shape[1]} columns, and y has {len(classes)} classes ({shown}): "
            "give one column for each of them, in the order of the sorted labels, or a DataFrame "
            "whose columns have their names."
        )
    values = check_proba(values, n, what)
    if columns is not None:
        values = values[:, np.argsort(columns)]
    _warn_of_labels(values, target, named=columns is not None)
    return values


def _floats_of_objects(values):
    """Numbers that are objects, of nullable columns for instance, as floats; others as they are."""
    if values.dtype.kind != "O":
        return values
    try:
        return np.where(pd.isna(values), np.nan, values).astype(float)
    except (TypeError, ValueError):
        return values


def read_stages(stages, target):
    """(checked array, whether it names no label) of (n, S, K), or (n, S)."""
    values = as_numpy(stages, "stages")
    n, n_classes = len(target.y), len(target.classes) if target.is_labels else 0
    wanted = (
        "probabilities (n, stages, classes), or losses of the given label (n, stages)"
        if target.is_labels
        else "predicted numbers (n, stages)"
    )
    usable = values.dtype.kind in "fiu" and values.ndim in ((2, 3) if target.is_labels else (2,))
    only_losses = target.is_labels and values.ndim == 2
    if not usable or len(values) != n or values.shape[1] == 0:
        raise ValueError(
            f"stages has shape {values.shape}, dtype {values.dtype}, for {n} rows: give {wanted}."
        )
    if values.ndim == 3 and values.shape[2] != n_classes:
        raise ValueError(
            f"stages has shape {values.shape}, and y has {n_classes} classes: give {wanted}."
        )
    if values.ndim == 3:
        for s in range(values.shape[1]):
            check_proba(values[:, s], n, f"stages[:, {s}]")
        return values.astype(float, copy=False), False
    if np.isinf(values).any() and not only_losses:
        raise ValueError(f"stages is infinite, first in row {np.argwhere(np.isinf(values))[0][0]}.")
    odd = np.argwhere(values < 0)
    if only_losses and len(odd):
        raise ValueError(
            "stages holds losses, -log of the probability of the given label, and has "
            f"{values[tuple(odd[0])]:.3g} in row {odd[0][0]}, stage {odd[0][1]}: losses are not "
            f"negative. Or give {wanted.split(',')[0]}."
        )
    values = values.astype(float, copy=False)
    return (
        (_of_losses(values, target.codes, n_classes), n_classes > 2)
        if only_losses
        else (values, False)
    )


def _of_losses(losses, codes, n_classes):
    """(n, S, K) probabilities of which only that of the given label is known."""
    given = np.exp(-losses)
    rest = (1.0 - given) / max(n_classes - 1, 1)
    proba = np.repeat(rest[:, :, None], n_classes, axis=2)
    proba[np.arange(len(codes)), :, codes] = given
    return proba


def _named_as(columns, classes):
    """Column names, which files turn into texts, in the type of the classes."""
    names = {str(label): label for label in classes.tolist()}
    return [names.get(str(name), name) for name in columns]


# --------------------------------------------------------------------------- what looks odd


def _warn_of_labels(proba, target, *, named):
    """Columns in another order than the classes, and rows that were seen, are silently wrong."""
    n_classes, part = proba.shape[1], slice(None)
    if len(proba) > ENOUGH:
        part = np.random.RandomState(0).randint(len(proba), size=ENOUGH)
    counts = _agreement(proba[part], target.codes[part])
    if counts.sum() == np.trace(counts):  # perhaps all rows agree
        counts = _agreement(proba, target.codes)
    n, agree = counts.sum(), np.trace(counts)
    if n >= SUSPICIOUS and agree == n:
        _warn_if_seen("has the given label as the likeliest one in every row")
    if named or n_classes < 2:
        return
    order = linear_sum_assignment(-counts)[1]
    other = counts[np.arange(n_classes), order].sum()
    if other > 2 * agree and other > n / n_classes:
        names = ", ".join(str(target.classes[k]) for k in order[:10])
        warnings.warn(
            f"predicted agrees with y in {agree / n:.0%} of the rows, and would in {other / n:.0%} "
            f"if its columns were those of {names}: columns must be in the order of the sorted "
            "labels, or a DataFrame with their names.",
            OwnEvidenceWarning,
            stacklevel=6,
        )


def _agreement(proba, codes):
    """(K, K) judged rows by their likeliest and their given class."""
    judged, n_classes = is_judged(proba), proba.shape[1]
    cells = proba.argmax(axis=1)[judged] * n_classes + codes[judged]
    return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)


def _warn_if_seen_numbers(values, y):
    known, spread = ~np.isnan(values), y.std()
    away = np.abs(y - values)[known]
    if known.sum() >= SUSPICIOUS and spread > 0 and np.quantile(away, 0.9) < EXACT * spread:
        _warn_if_seen("is y itself in nine rows of ten")


def _warn_if_seen(how):
    warnings.warn(
        f"predicted {how}, as predictions of a model that was fitted to these rows do. They cannot "
        "tell what is wrong: take out-of-sample predictions, as by cross_val_predict.",
        OwnEvidenceWarning,
        stacklevel=7,
    )
