"""What a model answers, how wrong that is, and how sure it is of it."""

from __future__ import annotations

import numpy as np

from sknoisy._evidence._responses import LabelResponse, number_response, predicted_codes
from sknoisy._evidence._target import positions


class LabelAnswers:
    """Columns: whether the answer is wrong, how ambiguous the row is, and the model's response.

    Parameters
    ----------
    classes : ndarray of shape (K,)
    y : ndarray of shape (n,), default=None
        Labels of all rows; without them nothing is known to be wrong.
    """

    def __init__(self, classes, y=None):
        self.respond = LabelResponse(classes)
        self.codes = None if y is None else positions(y, classes)

    def __call__(self, model, X, rows=None):
        method, response = self.respond(model, X, rows)
        loss = np.full(len(response), np.nan)
        if self.codes is not None:
            loss = (predicted_codes(model, X, self.respond.classes) != self.codes[rows]) * 1.0
        return np.column_stack([loss, ambiguity(response, method), response])


def ambiguity(response, method):
    """One minus the largest probability; of decision values, the lead of the largest, negative."""
    if method == "predict_proba":
        return 1 - response.max(axis=1)
    if method == "decision_function" and response.shape[1] > 1:
        second, first = np.partition(response, -2, axis=1)[:, -2:].T
        return second - first
    return np.full(len(response), np.nan)


class NumberAnswers:
    """Columns: how wrong the answer is, NaN, and the answer.

    Parameters
    ----------
    tolerance : float or None
        None means the absolute error, a number whether it is larger than that.
    y : ndarray of shape (n,), default=None
    """

    def __init__(self, tolerance, y=None):
        self.tolerance = tolerance
        self.y = y

    def __call__(self, model, X, rows=None):
        _, answer = number_response(model, X, rows)
        nothing = np.full(len(answer), np.nan)
        loss = nothing
        if self.y is not None:
            loss = np.abs(answer - self.y[rows])
            if self.tolerance is not None:
                loss = np.where(np.isnan(loss), np.nan, loss > self.tolerance)
        return np.column_stack([loss, nothing, answer])


def mean_of_tests(answers, folds, n):
    """(n, k): the mean of what was said of a row in the tests that it was in, NaN where in none."""
    total, n_tests = 0.0, np.zeros(n)
    for values, (_, test) in zip(answers, folds, strict=True):
        values = values if values.ndim == 2 else values[:, None]
        if n_tests.sum() == 0:
            total = np.zeros((n, values.shape[1]))
        total[test] += values
        n_tests[test] += 1
    with np.errstate(invalid="ignore"):
        return np.where(n_tests[:, None] > 0, total / n_tests[:, None], np.nan)
