"""The most suspect rows with their values, each beside the nearest row that is not suspect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sknoisy._evidence._arrays import as_numpy
from sknoisy._evidence._table import as_table, is_table
from sknoisy.report._look_alikes import MOST, nearest_rows, some_of, unlike, usual_spreads


def worst_rows(table, X, y, features, n_worst, seed):
    """The `worst` of a `NoiseReport`."""
    top = table[table["score"].notna()].head(n_worst)
    nearest = _look_alikes(table, top["row"].to_numpy(), features, seed)
    given = np.asarray(y).reshape(-1)
    spreads = usual_spreads(X)
    names = dict(zip(table["row"], map(str, table.index), strict=True))
    found = []
    for line, near in zip(top.itertuples(), nearest, strict=True):
        mine = row_cells(X, line.row)
        beside = row_cells(X, near) if near >= 0 else {}
        found.append(
            {
                "row": int(line.row),
                "name": names[line.row],
                "given": line.given,
                "suggested": line.suggested,
                "probability": float(line.probability),
                "score": float(line.score),
                "flagged": bool(line.flagged),
                "done": _fate(line),
                "reason": line.reason,
                "values": mine,
                "near_row": int(near) if near >= 0 else None,
                "near_name": names[near] if near >= 0 else None,
                "near_given": given[near] if near >= 0 else None,
                "near_values": beside,
                "differs": unlike(mine, beside, spreads),
            }
        )
    return found


def _look_alikes(table, rows, features, seed):
    """(number of rows,) position of the nearest row that is not suspect, -1 where there is none."""
    calm = table[~table["flagged"] & (table["probability"] < 0.5)]["row"].to_numpy()
    calm = some_of(np.sort(np.setdiff1d(calm, rows)), MOST, seed)
    if features is None or not len(rows) or not len(calm):
        return np.full(len(rows), -1)
    return nearest_rows(features, rows, calm)[0]


def _fate(line):
    """What a treatment did with a row, in a few words; None if nothing, or it does not say."""
    if hasattr(line, "treatment"):
        return line.treatment
    if hasattr(line, "weight"):
        return f"weight {line.weight:.2g}"
    is_changed = hasattr(line, "relabeled") and line.relabeled != line.given
    return f"changed to {_text(line.relabeled)}" if is_changed else None


def row_cells(X, row):
    """Name to value of the columns of one row, as texts."""
    if isinstance(X, list) or np.ndim(X) == 1:
        return {"": _text(X[row] if isinstance(X, list) else as_numpy(X, "X")[row])}
    if hasattr(X, "tocsr"):
        line = X.tocsr()[[row]]
        return {f"column {j}": _text(v) for j, v in zip(line.indices, line.data, strict=True)}
    if is_table(X):
        table = as_table(X)
        # by cell, since a row is of one type: complex if one column is
        return {str(name): _text(table.iat[row, at]) for at, name in enumerate(table.columns)}
    line = as_numpy(X, "X")[row].reshape(-1)
    return {f"column {j}": _text(value) for j, value in enumerate(line)}


def _text(value):
    if isinstance(value, (float, np.floating)):
        return "missing" if np.isnan(value) else f"{value:.6g}"
    if value is None or (np.ndim(value) == 0 and pd.isna(value)):
        return "missing"
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return str(value.date())
    return str(value)[:500]
