"""Parts of the feature space in which flagged rows are more frequent than elsewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from scipy.stats import fisher_exact
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sknoisy._evidence._table import as_floats, as_table, is_table, kind_of
from sknoisy._typing import ArrayLike, MatrixLike

N_BINS = 5
MANY = 200  # columns that are looked at, and levels of a category
COLUMNS = ["column", "slice", "rows", "flagged", "share", "share elsewhere", "p_value"]


def noise_slices(
    X: MatrixLike,
    noise_mask: ArrayLike,
    *,
    y: ArrayLike | None = None,
    min_rows: int = 20,
    max_p: float = 0.01,
) -> pd.DataFrame:
    """Slices of the rows with more flagged rows than the others have.

    A slice is a level of a category, a fifth of the values of a number, or the rows in which a
    value is missing; with `y` also a label, or a fifth of the numbers. The p-values are those of
    Fisher's exact test, one-sided, times the number of slices that were looked at (Bonferroni).

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame with n rows
        Of texts, or of more than 200 columns, the rest is not looked at.
    noise_mask : array-like of shape (n,) of bool
        Flagged rows.
    y : array-like of shape (n,), default=None
        Given targets.
    min_rows : int, default=20
        Smaller slices are not looked at.
    max_p : float in (0, 1], default=0.01
        Slices of a larger p-value are not shown.

    Returns
    -------
    DataFrame
        Columns `column`, `slice` (in words), `rows`, `flagged`, `share` of the slice that is
        flagged, `share elsewhere`, `p_value`; the surest first.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sknoisy.report import noise_slices
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"clinic": rng.choice(["north", "south"], 1000), "age": rng.random(1000)})
    >>> flagged = rng.random(1000) < np.where(X["clinic"] == "south", 0.3, 0.02)
    >>> noise_slices(X, flagged)["slice"].tolist()
    ['south']
    """
    mask = column_or_1d(noise_mask)
    if mask.dtype != bool:
        raise ValueError(f"noise_mask must be boolean, one for each row; got dtype {mask.dtype}.")
    check_consistent_length(X, mask, y)
    rows, n_looked_at = [], 0
    total, n = int(mask.sum()), len(mask)
    for column, name, part in _slices(X, y, n, min_rows):
        n_looked_at += 1
        flagged, size = int(mask[part].sum()), int(part.sum())
        if not flagged or size == n or flagged * n <= total * size:
            continue
        cells = [[flagged, size - flagged], [total - flagged, n - size - total + flagged]]
        elsewhere = (total - flagged) / (n - size)
        p_value = float(fisher_exact(cells, alternative="greater")[1])
        rows.append([column, name, size, flagged, flagged / size, elsewhere, p_value])
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["p_value"] = np.minimum(table["p_value"] * n_looked_at, 1.0)
    table = table[table["p_value"] <= max_p]
    return table.sort_values("p_value", kind="stable").reset_index(drop=True)


def _slices(X, y, n, min_rows):
    """(column, slice, mask of its rows) of all that is looked at."""
    if y is not None:
        y = pd.Series(column_or_1d(y))
        few = y.nunique() <= MANY and not pd.api.types.is_float_dtype(y.dtype)
        yield from _of_levels("given", y, min_rows) if few else _of_numbers("given", y, min_rows)
    if issparse(X) or (not is_table(X) and np.ndim(X) != 2):
        return
    table = as_table(pd.DataFrame(X) if isinstance(X, list) else X)
    is_frame = is_table(X)
    for at in range(min(table.shape[1], MANY)):
        column = table.iloc[:, at]
        name = str(table.columns[at]) if is_frame else f"column {at}"
        kind = kind_of(column)[0]
        missing = column.isna().to_numpy()
        if min_rows <= missing.sum() < n:
            yield name, "missing", missing
        if kind == "category" or (kind == "number" and column.nunique() <= N_BINS):
            yield from _of_levels(name, column, min_rows)
        elif kind == "number":
            yield from _of_numbers(name, column, min_rows)


def _of_levels(name, column, min_rows):
    codes, levels = pd.factorize(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    for k in np.argsort(-counts, kind="stable")[:MANY]:
        if counts[k] >= min_rows:
            yield name, _level(levels[k]), codes == k


def _level(value):
    """A level as text; whole numbers beside missing ones are floats, and are not written so."""
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)


def _of_numbers(name, column, min_rows):
    values = as_floats(column)
    known = values[np.isfinite(values)]
    if len(known) < 2 * min_rows:
        return
    edges = np.unique(np.quantile(known, np.linspace(0, 1, N_BINS + 1)))
    dated = pd.api.types.is_datetime64_any_dtype(column.dtype)
    texts = [_edge(edge, column, values, dated) for edge in edges]
    for i in range(len(edges) - 1):
        last = i == len(edges) - 2
        part = (values >= edges[i]) & (
            (values <= edges[i + 1]) if last else (values < edges[i + 1])
        )
        if part.sum() >= min_rows:
            yield name, f"{texts[i]} to {texts[i + 1]}", part


def _edge(edge, column, values, dated):
    if dated:  # the nearest date that occurs
        return str(column.iloc[int(np.nanargmin(np.abs(values - edge)))])[:10]
    return f"{edge:.4g}"
