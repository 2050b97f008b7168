"""Which columns say most about a row."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

SAMPLE = 2000


def key_columns(features, target, seed):
    """Columns in the order in which they say something to a reader.

    First those whose values tell rows apart (names, texts), then the others by mutual information
    with the target, on at most 2000 rows.
    """
    names = [name for name, why in features.left_out.items() if why == "nearly all values differ"][
        :2
    ]
    names += features.names("text")
    rest = [name for name in features.kinds if name not in names]
    if len(rest) < 2:
        return names + rest
    measured = rest[:100]
    rows = np.arange(len(target.y))
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.RandomState(seed).choice(rows, SAMPLE, replace=False))
    codes = np.column_stack([_codes(features.X[name].iloc[rows]) for name in measured])
    is_label = [features.kinds[name] == "category" for name in measured]
    y = target.y[rows]
    if target.task == "classification":
        y = np.unique(y, return_inverse=True)[1]
        info = mutual_info_classif(codes, y, discrete_features=is_label, random_state=seed)
    else:
        info = mutual_info_regression(codes, y, discrete_features=is_label, random_state=seed)
    order = np.argsort(-info, kind="stable")
    return names + [measured[i] for i in order] + rest[100:]


def _codes(column):
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(dtype=float)
    return column.fillna(column.median() if column.notna().any() else 0.0).to_numpy(dtype=float)
