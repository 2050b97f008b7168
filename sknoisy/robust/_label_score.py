"""Predictions of candidates, scored where the labels that judge may be wrong as well."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sknoisy.treatment._held_out import compare

COLUMNS = ["score", "gain", "t", "agreement", "agreement_t"]


def score_rows(proba, posterior, evidence, by_trust):
    """(score, agreement with the given label) of each row; NaN where there is no prediction."""
    known = ~np.isnan(proba).any(axis=1)
    codes, n_classes = evidence.target.codes, posterior.shape[1]
    at = np.where(known, np.nan_to_num(proba).argmax(axis=1), 0)
    agrees = np.where(known, at == codes, np.nan)
    if by_trust:
        return np.where(evidence.trusted, agrees, np.nan), agrees
    likely = posterior[np.arange(len(at)), at]
    frequency = np.average(posterior, axis=0, weights=evidence.inputs.sample_weight)
    equal = likely / (n_classes * np.maximum(frequency, 0.01)[at])
    return np.where(known, 0.25 * (agrees + likely) + 0.5 * equal, np.nan), agrees


def compare_candidates(scores, weight):
    """Table of the candidates; gains over the first of them."""
    rows, (score0, agrees0) = {}, next(iter(scores.values()))
    for name, (score, agrees) in scores.items():
        mean = compare(score, np.zeros(len(score)), weight)[0]
        rows[name] = (mean, *compare(score, score0, weight), *compare(agrees, agrees0, weight))
    return selection_table(rows)


def selection_table(rows):
    """`selection_`, from a dict of name to values, from a table, or (None) of no candidates."""
    if isinstance(rows, pd.DataFrame):
        return rows
    rows = {} if rows is None else rows
    index = pd.Index(list(rows), name="treatment")
    return pd.DataFrame(list(rows.values()), index=index, columns=COLUMNS, dtype=float)
