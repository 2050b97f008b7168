"""The most suspect rows, and which columns say most about them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from sknoisy._audit._print import rounded, shown

SAMPLE = 2000
FIRST = "row 0 is the first one below the header"


def describe_worst(result, n, width, seed):
    """The most suspect rows, why they are, and what they hold."""
    report = result.report[result.report["score"].notna()].iloc[:n]
    if len(report) == 0:
        return []
    rows = result.target.rows[report["row"].to_numpy()]
    order = key_columns(result.features, result.target, seed)
    return worst_lines(
        report.assign(row=rows),
        result.table[order].iloc[rows],
        result.features.kinds,
        result.target.task == "classification",
        result.report["flagged"].any(),
        width,
    )


def worst_lines(report, cells, kinds, is_labels, any_flagged, width, first=FIRST):
    """The same of a report of these rows alone, and what they hold, in the same order."""
    title = f"The {len(report)} most suspect rows" if len(report) > 1 else "The most suspect row"
    none = "" if any_flagged else ", none of them flagged"
    lines = [f"{title}{none} ({first})"]
    digits = max(len(str(row)) for row in report["row"])
    for i, line in enumerate(report.itertuples()):
        head = f"  row {line.row:>{digits}}  "
        if any_flagged:
            mark = "" if line.flagged else "not flagged  "
            head += f"wrong: {rounded(line.probability):>4}  {mark}"
        given, suggested = shown(line.given), shown(line.suggested)
        if not is_labels:
            what = f"given {given}, {line.reason}"
        elif line.given == line.suggested:
            what = f"{given}: {line.reason}"
        else:
            what = f"{given} -> {suggested}: {line.reason}"
        lines.append(_cut(head + shown(what, 10_000), width))
        held = {name: cell(cells[name].iloc[i], kinds.get(name)) for name in cells}
        lines.append(" " * (digits + 8) + _joined(held, width - digits - 8))
    return lines


def cell(value, kind):
    if np.ndim(value) == 0 and pd.isna(value):
        return "missing"
    if kind == "number" and isinstance(value, str) and "." in value:
        try:  # as written in the file, unless that is long
            return shown(float(value))
        except ValueError:
            pass
    return shown(value, 200)


def _joined(cells, width):
    """Values of one row, as many as fit; only the first may be cut."""
    text = ""
    for name, value in cells.items():
        cell = f"{shown(name, 24)}={value}"
        if not text:
            text = _cut(cell, width)
        elif len(text) + 2 + len(cell) <= width:
            text += f"  {cell}"
        else:
            break
    return text


def _cut(text, width):
    return text if len(text) <= width else text[: width - 3] + "..."


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
    is_label = [
        features.kinds[name] == "category" and _repeats(values)
        for name, values in zip(measured, codes.T, strict=True)
    ]
    y = target.y[rows]
    if target.task == "classification":
        y = np.unique(y, return_inverse=True)[1]
        if not _repeats(y):
            return names + rest
        info = mutual_info_classif(codes, y, discrete_features=is_label, random_state=seed)
    else:
        info = mutual_info_regression(codes, y, discrete_features=is_label, random_state=seed)
    order = np.argsort(-info, kind="stable")
    return names + [measured[i] for i in order] + rest[100:]


def _repeats(codes):
    """Whether mutual information is defined: with each value once, there is nothing to count."""
    return len(np.unique(codes)) < len(codes)


def _codes(column):
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(dtype=float)
    return column.fillna(column.median() if column.notna().any() else 0.0).to_numpy(dtype=float)
