"""Predictions of candidates, scored where the labels that judge may be wrong as well."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sknoisy._evidence._responses import predicted_codes
from sknoisy.robust._choice import compare

BALANCED = 0.5  # part of the score in which classes are made equal


class PredictedCodes:
    """Predicted classes as positions."""

    def __init__(self, target):
        self.target = target

    def __call__(self, model, X, rows):
        return predicted_codes(model, X, self.target.classes).astype(float)


def score_rows(predicted, posterior, evidence, by_trust, balanced):
    """(score, agreement with the given label) of each row; NaN where there is no prediction."""
    known = ~np.isnan(predicted)
    codes, n_classes = evidence.target.codes, posterior.shape[1]
    at = np.where(known, predicted, 0).astype(int)
    agrees = np.where(known, at == codes, np.nan)
    if by_trust:
        return np.where(evidence.trusted, agrees, np.nan), agrees
    likely = posterior[np.arange(len(at)), at]
    frequency = np.average(posterior, axis=0, weights=evidence.inputs.sample_weight)
    equal = likely / (n_classes * np.maximum(frequency, 0.01)[at])
    score = (1.0 - balanced) * 0.5 * (agrees + likely) + balanced * equal
    return np.where(known, score, np.nan), agrees


def compare_candidates(rounds, weight):
    """Table of the candidates, from the means over `rounds`; gains over the first of them."""
    rows, to_beat = {}, next(iter(rounds[0]))
    for name in rounds[0]:
        score, agrees = (_mean([one[name][i] for one in rounds]) for i in (0, 1))
        score0, agrees0 = (_mean([one[to_beat][i] for one in rounds]) for i in (0, 1))
        gain, t = compare(score, score0, weight)
        agreement, agreement_t = compare(agrees, agrees0, weight)
        mean = compare(score, np.zeros(len(score)), weight)[0]
        rows[name] = (mean, gain, t, agreement, agreement_t)
    return selection_table(rows)


def _mean(arrays):
    """Row by row, over those that know the row."""
    known = ~np.isnan(arrays)
    total = np.where(known, arrays, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return total / known.sum(axis=0)


def selection_table(rows):
    """`selection_`, from a dict of name to values, from a table, or (None) of no candidates."""
    columns = ["score", "gain", "t", "agreement", "agreement_t"]
    if isinstance(rows, pd.DataFrame):
        return rows
    rows = {} if rows is None else rows
    index = pd.Index(list(rows), name="treatment")
    return pd.DataFrame(list(rows.values()), index=index, columns=columns, dtype=float)
