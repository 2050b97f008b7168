"""Predictions that were made elsewhere, from a file."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd

from sknoisy._audit._errors import AuditError, harmless, one_line
from sknoisy._audit._read import PARQUET


def read_predictions(path, n_rows, target):
    """Out-of-sample predictions for the rows that have a target.

    Parameters
    ----------
    path : str
        CSV or Parquet, one row for each of the data, in its order. For labels one column for each
        class, called like it; for numbers one column.
    n_rows : int
        Of the data.
    target : Target

    Returns
    -------
    DataFrame of shape (n, K) or ndarray of shape (n,)
    """
    name = harmless(os.path.basename(path))
    if not os.path.isfile(path):
        raise AuditError(f"no such file: {path}")
    try:
        is_parquet = path.lower().endswith(PARQUET)
        table = pd.read_parquet(path) if is_parquet else pd.read_csv(path)
    except Exception as error:  # whatever a reader of files raises
        raise AuditError(f"{name} cannot be read: {one_line(error)[:300]}") from error
    if len(table) != n_rows:
        raise AuditError(
            f"{name} has {len(table)} rows, and the data {n_rows}: give one for each row of the "
            "data, in its order."
        )
    if target.task == "regression" and table.shape[1] != 1:
        raise AuditError(
            f"{name} has {table.shape[1]} columns: for numbers, one of predicted numbers is needed."
        )
    others = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
    if others:
        raise AuditError(f"{name}: column {harmless(str(others[0]))} holds no numbers.")
    table = table.iloc[target.rows].reset_index(drop=True)
    if target.task == "regression":
        return table.iloc[:, 0].to_numpy(dtype=float)
    given = set(map(str, np.unique(target.y)))
    # a class whose rows all lack a target, or that the model knew besides, is no class here
    surplus = [c for c in table.columns if str(c) not in given]
    if surplus and table[surplus].to_numpy(dtype=float).max(initial=0.0) > 0.01:
        raise AuditError(
            f"{name} has a column {harmless(str(surplus[0]))}, and no row of the target is that: "
            "columns are to be called like the classes."
        )
    absent = sorted(given - set(map(str, table.columns)))
    if absent:
        raise AuditError(
            f"{name} has no column {harmless(absent[0])}, which is a class of the target: give a "
            "column of probabilities for each class, called like it."
        )
    return table.drop(columns=surplus).astype(float)
