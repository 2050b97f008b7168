"""What a fitted model says of some rows: checked, and in the columns of all classes."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import _num_samples

from sknoisy._evidence._arrays import as_numpy, ask, container, explained
from sknoisy._evidence._failures import name_of
from sknoisy._evidence._target import positions

TOLERANCE = 1e-3  # of what models compute in half and single precision
SUM_SLACK = 0.05  # probabilities that were rounded need not have sum one
BLOCK = 2**15  # numbers in a part of a table that stays near the processor


class LabelResponse:
    """predict_proba, else decision_function, else predict, in columns of all classes.

    Columns are told by the names in the model's `classes_`, whatever their order; a model without
    `classes_` is taken to know all of them, in the order of `classes`.
    """

    def __init__(self, classes):
        self.classes = classes

    def __call__(self, model, X, rows):
        X = container(X)
        with explained(X, model):
            return self._respond(model, X)

    def _respond(self, model, X):
        name, n = name_of(model), _num_samples(X)
        known = self._known(model, name)
        if hasattr(model, "predict_proba"):
            what = f"predict_proba of {name}"
            values = check_proba(model.predict_proba(X), n, what)
            return "predict_proba", self._place(values, known, 0.0, what)
        if hasattr(model, "decision_function"):
            what = f"decision_function of {name}"
            margin = _finite_rows(as_column(model.decision_function(X), n, what, wide=True), what)
            if margin.ndim == 1:
                margin = np.column_stack([-margin, margin])
            if margin.shape[1] == len(known):
                # a class the fold never saw is no likelier than the least likely one it saw
                lowest = margin.min(axis=1, keepdims=True)
                return "decision_function", self._place(margin, known, lowest, what)
        return "predict", np.eye(len(self.classes))[predicted_codes(model, X, self.classes)]

    def spread(self, values, labels, fill, what):
        """Columns of `labels` as columns of all classes; `fill` for those that are not there."""
        return self._place(values, self._columns(labels, what), fill, what)

    def _known(self, model, name):
        labels = getattr(model, "classes_", None)
        if labels is None:
            return np.arange(len(self.classes))
        return self._columns(labels, f"classes_ of {name}")

    def _columns(self, labels, what):
        return class_columns(labels, self.classes, what)

    def _place(self, values, known, fill, what):
        if values.shape[1] != len(known):
            raise _error(f"{what} gives {values.shape[1]} columns for {len(known)} classes.")
        if np.array_equal(known, np.arange(len(self.classes))):
            return values
        out = np.zeros((len(values), len(self.classes))) + fill
        out[:, known] = values
        return out


def class_columns(labels, classes, what):
    """Position in `classes` of each of a model's own classes, in its order."""
    labels = as_numpy(labels, what)
    if labels.ndim != 1:
        raise _error(f"{what} must be a list of the classes of one target.")
    at = positions(labels, classes)
    odd = np.flatnonzero(at < 0)
    if len(odd):
        raise _error(f"{what}: {labels[odd].tolist()[0]!r} is no class of y{_among(classes)}.")
    if len(np.unique(at)) < len(at):
        raise _error(f"{what} has a class twice: {labels.tolist()!r:.200}.")
    return at


def predicted_codes(model, X, classes):
    """(n,): positions in `classes` of the labels that a model predicts."""
    what, X = f"predict of {name_of(model)}", container(X)
    labels = as_column(ask(model, "predict", X), _num_samples(X), what, numbers=False)
    at = positions(labels, classes)
    odd = np.flatnonzero(at < 0)
    if len(odd):
        raise _error(
            f"{what} gives {labels[odd[:1]].tolist()[0]!r} for {len(odd)} of {len(labels)} rows, "
            f"which is no class of y{_among(classes)}."
        )
    return at


def _among(classes):
    return f" ({', '.join(map(repr, classes.tolist()))})" if len(classes) <= 10 else ""


def number_response(model, X, rows):
    what, X = f"predict of {name_of(model)}", container(X)
    return "predict", _finite_rows(as_column(ask(model, "predict", X), _num_samples(X), what), what)


def as_column(values, n, what, *, numbers=True, wide=False):
    """One value a row, (n,), also where a model gives a column (n, 1); if `wide`, or (n, k)."""
    values = as_numpy(values, f"what {what} gives")
    if numbers:
        if values.dtype.kind == "c":
            raise _error(f"{what} gives complex numbers.")
        try:
            values = values.astype(float)
        except (TypeError, ValueError) as error:
            raise _error(f"{what} gives no numbers (dtype {values.dtype}).") from error
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if len(values.shape) not in ((1, 2) if wide else (1,)) or values.shape[0] != n:
        raise _error(f"{what} gives an array of shape {values.shape} for {n} rows.")
    return values


def check_proba(values, n, what):
    """(n, k) probabilities; a row of NaN is one that the model says nothing of."""
    values = as_numpy(values, f"what {what} gives")
    if values.ndim != 2 or len(values) != n:
        _refuse_proba(what, f"an array of shape {values.shape} for {n} rows", raw=True)
    if values.dtype.kind not in "fiub":
        _refuse_proba(what, f"values of dtype {values.dtype}")
    if values.dtype.kind != "f":
        values = values.astype(float)
    least, most = extremes(values)
    if not (least >= -TOLERANCE and most <= 1 + TOLERANCE):  # or something is NaN
        values = _finite_rows(values, what)
        odd = np.argwhere((values < -TOLERANCE) | (values > 1 + TOLERANCE))
        if len(odd):
            row, column = odd[0]
            _refuse_proba(
                what, f"{values[row, column]:.3g} in column {column}, row {row} of {n}", raw=True
            )
    away = values @ np.ones(values.shape[1], dtype=values.dtype)
    away -= 1
    odd = np.flatnonzero(np.abs(away, out=away) > SUM_SLACK)
    if len(odd):
        _refuse_proba(what, f"a sum of {values[odd[0]].sum():.3g} in row {odd[0]} of {n}")
    return values


def blocks(table):
    """Slices of the rows of (n, K), a part of the table at a time."""
    size = max(256, BLOCK // max(1, table.shape[1]))
    return (slice(start, start + size) for start in range(0, len(table), size))


def extremes(table):
    """(least, largest) number of a table, read once; NaN where one is, or none are there."""
    if not table.size:
        return np.nan, np.nan
    found = [(part.min(), part.max()) for part in (table[rows] for rows in blocks(table))]
    least, largest = zip(*found, strict=True)
    return np.min(least), np.max(largest)


def is_judged(values):
    """(n,) whether a row of (n, K), or (n,), finite numbers holds no NaN."""
    if values.size and not np.isnan(values.min()):
        return np.ones(len(values), dtype=bool)
    if values.ndim == 2:
        values = values @ np.ones(values.shape[1], dtype=values.dtype)
    return ~np.isnan(values)


def proba_of_given(label_proba, codes):
    """(n,) what the given label of each row has, of (n, K)."""
    given = np.empty(len(codes), dtype=label_proba.dtype)
    for rows in blocks(label_proba):
        part = label_proba[rows]
        given[rows] = part.ravel().take(np.arange(0, part.size, part.shape[1]) + codes[rows])
    return given


def likeliest(label_proba, codes):
    """(n,) `argmax` of probabilities, of which the given label often has more than half."""
    others = np.flatnonzero(~(proba_of_given(label_proba, codes) > 0.5 + SUM_SLACK))
    best = codes.copy()
    best[others] = label_proba[others].argmax(axis=1)
    return best


def _refuse_proba(what, said, raw=False):
    hint = ""
    if raw and what.startswith("predict_proba of"):
        hint = (
            " LightGBM gives raw scores when its objective is a function: derive a class whose "
            "predict_proba and predict turn them into probabilities and labels, or give the "
            "detector an estimator of its own."
        )
    raise _error(f"{what} gives no probabilities of the classes, but {said}.{hint}")


def _error(message):
    """An error in what a model says, which no other choice of rows would mend; see `explain`."""
    error = ValueError(message)
    error.is_about_rows = False
    return error


def _finite_rows(values, what):
    """`values`, of which some rows may be NaN but not all, and none infinite."""
    if np.isinf(values).any():
        row = np.flatnonzero(np.isinf(values.reshape(len(values), -1)).any(axis=1))[0]
        raise _error(f"{what} gives infinity, first for row {row} of {len(values)}.")
    if len(values) > 1 and np.isnan(values.reshape(len(values), -1)).any(axis=1).all():
        raise _error(f"{what} gives NaN for all of {len(values)} rows.")
    return values


def margins_to_proba(margins, codes, has_label=None):
    """Class probabilities from out-of-sample margins (n, K), by a logistic fit to the labels.

    Platt scaling, in its several-class form; rows of NaN stay NaN. A row without a label, where
    `has_label` (n,) says so, is only judged.
    """
    judged = np.isfinite(margins).all(axis=1)
    taught = judged if has_label is None else judged & has_label
    proba = np.full(margins.shape, np.nan)
    known = np.unique(codes[taught])
    if len(known) == 1:
        proba[judged] = np.eye(margins.shape[1])[known[0]]
    elif len(known):
        features = margins[:, 1:] if margins.shape[1] == 2 else margins
        scale = features[taught].std() or 1.0
        link = LogisticRegression(max_iter=1000).fit(features[taught] / scale, codes[taught])
        proba[judged] = 0.0
        proba[np.ix_(np.flatnonzero(judged), known)] = link.predict_proba(features[judged] / scale)
    return proba
