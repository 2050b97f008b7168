"""What both read and gather: a matrix of labels, column by column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length

from sknoisy._evidence import take_rows
from sknoisy._evidence._arrays import container, foreign_as_numpy
from sknoisy._evidence._evidence import check_groups, check_trusted, check_weight
from sknoisy._evidence._fitting import take_params
from sknoisy._progress import fit_of


@dataclass
class LabelMatrix:
    """Labels of several columns.

    Attributes
    ----------
    columns : list of ndarray of shape (n,)
    known : ndarray of shape (n, L) of bool
        Cells that have a label.
    names : list
        Of the columns: of a DataFrame its own, else their numbers.
    """

    columns: list
    known: np.ndarray
    names: list


def read_label_matrix(Y, X, owner):
    """`LabelMatrix` of an array, DataFrame or sparse matrix of shape (n, L)."""
    if Y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None.")
    Y = Y.toarray() if issparse(Y) else Y
    table = Y if isinstance(Y, pd.DataFrame) else None
    if table is None:
        Y = np.asarray(Y)
        if Y.ndim != 2:
            raise ValueError(
                f"{owner} takes several columns of labels, y of shape (n, L), and got "
                f"{Y.ndim}D array of shape {Y.shape}. For one column use the treatment or the "
                "detector itself, or y.reshape(-1, 1)."
            )
        table = pd.DataFrame(Y)
    if table.shape[1] == 0:
        raise ValueError(f"{owner} needs at least one column of labels, and y has none.")
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise ValueError(f"Two columns of y have the name {twice!r}: rename one of them.")
    check_consistent_length(container(X), table)
    known = table.notna().to_numpy(dtype=bool)
    known = known & table.astype(object).where(known, 0).ne("").to_numpy(dtype=bool)
    columns = []
    for j, name in enumerate(table.columns):
        column = table.iloc[:, j]
        if not known[:, j].any():
            raise ValueError(f"Column {name!r} of y has no label in any row: leave it out.")
        values = column[known[:, j]].to_numpy()
        if values.dtype.kind == "f" and (values == np.round(values)).all():
            values = values.astype(int)  # whole numbers that blanks have made fractions
        if values.dtype.kind == "f":
            row = np.flatnonzero(known[:, j])[np.flatnonzero(values != np.round(values))[0]]
            raise ValueError(
                f"Unknown label type: continuous. Column {name!r} of y has the number "
                f"{column.iloc[row]} in row {row}, and labels are classes."
            )
        columns.append(values)
    return LabelMatrix(columns, known, list(table.columns))


def indicators(labels, k):
    """(n, classes - 1) which label column k has; the shares of all rows where it has none."""
    codes = np.unique(labels.columns[k], return_inverse=True)[1]
    marks = np.eye(codes.max() + 1)[codes][:, 1:]
    out = np.tile(marks.mean(axis=0), (len(labels.known), 1))
    out[labels.known[:, k]] = marks
    return out


def cells_of(rows, values, n, fill):
    """Values of some rows as values of all of them."""
    out = np.full(n, fill, dtype=np.result_type(np.asarray(values).dtype, type(fill)))
    out[rows] = values
    return out


def check_metadata(X, labels, sample_weight, groups, trusted):
    """Checked (weight, groups, trusted (n, L))."""
    n, n_columns = labels.known.shape
    weight = None if sample_weight is None else check_weight(sample_weight, n)
    groups = None if groups is None else check_groups(groups, n)
    trusted = foreign_as_numpy(trusted, "trusted")
    if trusted is not None and np.ndim(trusted) == 2:
        if np.shape(trusted) != (n, n_columns):
            raise ValueError(
                f"trusted has shape {np.shape(trusted)}, and y has shape {(n, n_columns)}: give "
                "one entry for each cell, or one for each row."
            )
        cells = np.column_stack([check_trusted(column, n) for column in np.asarray(trusted).T])
    else:
        cells = np.tile(check_trusted(trusted, n)[:, None], n_columns)
    return weight, groups, cells


def fit_columns(make, X_of, labels, metadata, trusted, fit_params=None):
    """(fitted models, rows of each that have a label): one model for each column.

    Parameters
    ----------
    make : callable
        Gives a model that is not fitted.
    X_of : callable
        Gives what the model of a column, by its number, sees of all rows.
    labels : LabelMatrix
    metadata : dict
        Parameters of `fit` with one entry for each row, or None.
    trusted : ndarray of shape (n, L) of bool
    fit_params : dict, default=None
        Further parameters of `fit`; those with n entries are sliced.
    """
    n, models = len(labels.known), []
    rows = [np.flatnonzero(known) for known in labels.known.T]
    for j, (name, column, at) in enumerate(zip(labels.names, labels.columns, rows, strict=True)):
        model = make()
        try:
            X = X_of(j) if len(at) == n else take_rows(X_of(j), at)
            given = part(at, n, **metadata, trusted=trusted[:, j])
            with fit_of(model, "column", hands_on=True):
                models.append(model.fit(X, column, **given, **take_params(fit_params, at, n)))
        except Exception as error:
            error.add_note(f"This is of column {name!r} of y.")
            raise
    return models, rows


def part(rows, n, **metadata):
    """Metadata of some rows, those that were not given left out."""
    given = {name: value for name, value in metadata.items() if value is not None}
    if len(rows) == n:
        return given
    return {name: value[rows] for name, value in given.items()}


def cell_report(reports, labels, rows, index):
    """One table of all cells, worst first, from those of the columns."""
    tables = []
    for name, report, at in zip(labels.names, reports, rows, strict=True):
        table = report.reset_index(drop=True)
        table.insert(1, "column", [name] * len(table))
        table["row"] = at[table["row"].to_numpy()]
        tables.append(table)
    cells = pd.concat(tables, ignore_index=True)
    order = np.lexsort((cells["row"], -cells["probability"]))
    cells = cells.iloc[order]
    cells.index = index[cells["row"].to_numpy()]
    return cells
