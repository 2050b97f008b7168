"""Columns with a use of their own: groups, weights, trusted rows; and those left out."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
from pandas.api import types

from sknoisy._audit._errors import AuditError, UsageError, nearest
from sknoisy._audit._names import find_column, is_mark, matching, plain
from sknoisy._audit._numbers import read_numbers
from sknoisy._audit._target import MIN_ROWS

TRUE = {"true", "t", "yes", "y", "1", "1.0", "x"}
FALSE = {"false", "f", "no", "n", "0", "0.0", ""}


def check_columns(names, options):
    """Refuse what the options say of columns as soon as their names are known."""
    if options.target is None:
        raise UsageError(
            "which column is to be judged? Give --target COLUMN; "
            + nearest("", names, "the columns are")
        )
    table = pd.DataFrame(columns=names)
    special_columns(table, find_column(table, options.target, "--target"), options)


def special_columns(table, target, options):
    """Columns with a use of their own, by use; and all that are no features, with the reason."""
    columns, set_aside = {}, {}
    for use in ("groups", "weight", "trusted"):
        if getattr(options, use) is None:
            continue
        name = find_column(table, getattr(options, use), f"--{use}")
        columns[use] = table[name]
        if name == target:
            raise UsageError(f"--{use}: {name!r} is the target.")
        set_aside[name] = f"--{use}"
    for name in dropped_columns(table, options.drop):
        if name == target:
            raise UsageError(f"--drop: {name!r} is the target.")
        set_aside.setdefault(name, "--drop")
    return columns, set_aside


def dropped_columns(table, patterns):
    """Columns that `--drop` names: exactly, or by a pattern with * and ?, or several by commas."""
    names = []
    for given in patterns or []:
        whole = bool(matching(given, table.columns))
        for part in [given] if whole else filter(None, map(str.strip, given.split(","))):
            found = matching(part, table.columns) or [
                name for name in table.columns if fnmatchcase(plain(name), plain(part))
            ]
            names += found or [find_column(table, part, "--drop")]
    return names


def fit_parameters(columns, target, decimal, notes):
    """Parameters of `fit` from columns, for the rows that have a target."""
    metadata = {}
    if "groups" in columns:
        column = columns["groups"].iloc[target.rows]
        codes, groups = pd.factorize(_group_names(column))
        alone = np.flatnonzero(codes < 0)
        if len(alone):
            notes.append(f"{len(alone)} rows have no group: each is one of its own")
        codes[alone] = len(groups) + np.arange(len(alone))
        if len(np.unique(codes)) < 2:
            raise AuditError(f"--groups: column {column.name!r} has only one group.")
        if target.task == "classification":
            pairs = pd.DataFrame({"label": target.y, "group": codes}).drop_duplicates()
            if pairs["label"].is_unique:
                raise AuditError(
                    f"--groups: each label is in a single group of column {column.name!r}, so that "
                    "no other group can judge it: leave --groups out, or take another column."
                )
        metadata["groups"] = codes
    if "weight" in columns:
        metadata["sample_weight"] = _weights(columns["weight"], target, decimal)
    if "trusted" in columns:
        metadata["trusted"] = _truth_values(columns["trusted"], target)
    return metadata


def _group_names(column):
    """Groups as numbers, or as texts that do not differ in blanks; marks such as ? are missing."""
    if column.dtype.kind in "biufmM":
        return column
    texts = column.dropna().astype(str)
    numbers = pd.to_numeric(texts, errors="coerce")
    texts = texts.map(plain).where(~is_mark(texts)) if numbers.isna().any() else numbers
    return texts.reindex(column.index)


def _weights(column, target, decimal):
    values = column
    if not types.is_numeric_dtype(column):
        read = read_numbers(column.where(column.isna(), column.astype(str)), decimal).values
        values = pd.to_numeric(column, errors="coerce") if read is None else read
    values = values.to_numpy(dtype=float, na_value=np.nan)
    bad = target.rows[~(np.isfinite(values) & (values >= 0))[target.rows]]
    if len(bad):
        raise AuditError(
            f"--weight: row {bad[0]} of column {column.name!r} is {column.iloc[bad[0]]!s:.30}; "
            "weights must be numbers of 0 or more."
        )
    n_used = int((values[target.rows] > 0).sum())
    if n_used < MIN_ROWS:
        raise AuditError(
            f"--weight: {n_used} rows of {column.name!r} have a weight above 0, and at least "
            f"{MIN_ROWS} are needed."
        )
    return values[target.rows]


def _truth_values(column, target):
    texts = column.astype(object).where(column.notna(), "").map(plain).str.lower()
    texts = texts.mask(is_mark(texts), "")
    bad = target.rows[~texts.isin(TRUE | FALSE).to_numpy()[target.rows]]
    if len(bad):
        raise AuditError(
            f"--trusted: row {bad[0]} of column {column.name!r} is {column.iloc[bad[0]]!s:.30}; "
            "use yes/no, true/false or 1/0, nothing meaning no."
        )
    trusted = texts.isin(TRUE).to_numpy()[target.rows]
    if trusted.all():
        raise AuditError(
            f"--trusted: column {column.name!r} trusts all rows: none is to be judged."
        )
    return trusted
