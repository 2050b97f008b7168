"""Files as pieces of rows, each of which fits in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from glob import escape, glob

import numpy as np
import pandas as pd

from sknoisy._audit._errors import AuditError, harmless, one_line
from sknoisy._audit._read import OPENERS, PARQUET, TABS

MOST_ROWS, MOST_CELLS = 250_000, 20_000_000  # of a piece
PIECES_PER_FOLD = 2  # at least, where there are as many rows
CSV = (".csv", *TABS)


@dataclass(frozen=True)
class Piece:
    """Some consecutive rows of one file.

    Attributes
    ----------
    path : str
    row_groups : tuple of int
    start, n_rows : int
        Where they begin within these row groups.
    first : int
        Number of the first one among the rows of all files.
    """

    path: str
    row_groups: tuple
    start: int
    n_rows: int
    first: int

    def read(self, names, missing=()):
        """DataFrame of some columns, cells with one of the texts `missing` being missing."""
        from pyarrow.parquet import ParquetFile

        with ParquetFile(self.path) as file:
            table = file.read_row_groups(list(self.row_groups), columns=list(names))
        table = table.slice(self.start, self.n_rows).to_pandas(ignore_metadata=True)
        for name in table.columns if missing else ():
            cells = table[name].map(lambda value: isinstance(value, str) and value in missing)
            table[name] = table[name].mask(cells.astype(bool))
        return table[list(names)]


@dataclass(frozen=True)
class Files:
    """What is audited.

    Attributes
    ----------
    source : str
        As the user names it.
    paths : list of str
    kinds : dict of str to str
        Name of each column to "number", "date", "time", "category" or why it cannot be used.
    pieces : list of Piece
    n_rows : int
    notes : list of str
        On the reading.
    """

    source: str
    paths: list
    kinds: dict
    pieces: list
    n_rows: int
    notes: list = field(default_factory=list)


def read_parquet(paths, pattern, n_folds):
    """`Files` of Parquet files that a user has named by a pattern."""
    from pyarrow.parquet import ParquetFile

    kinds, groups = {}, []
    for path in paths:
        try:
            with ParquetFile(path) as file:
                found, metadata = _kinds(file.schema_arrow), file.metadata
        except Exception as error:  # pyarrow has errors of its own
            raise AuditError(
                f"{path} cannot be read as Parquet: {one_line(error)[:200]}"
            ) from error
        _join(kinds, found, path, paths[0])
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        groups += [(path, i, size) for i, size in enumerate(sizes) if size]
    n_rows = sum(size for *_, size in groups)
    if n_rows == 0:
        raise AuditError(f"{pattern} has no rows.")
    most = min(MOST_ROWS, MOST_CELLS // len(kinds), n_rows // (PIECES_PER_FOLD * n_folds))
    most = max(most, 1)
    return Files(os.path.basename(pattern.rstrip("/")), paths, kinds, _pieces(groups, most), n_rows)


def find_paths(pattern):
    """Parquet or CSV files of a pattern with * and ?, of a folder, or one of them."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise AuditError("--engine dask needs pyarrow: pip install pyarrow") from error
    if os.path.isdir(pattern):
        paths = sorted(glob(os.path.join(escape(pattern), "*")))
        parquet = [path for path in paths if path.lower().endswith(PARQUET)]
        paths = parquet or [path for path in paths if is_csv(path)]
    else:
        paths = [pattern] if os.path.isfile(pattern) else sorted(glob(pattern))
    if not paths:
        raise AuditError(f"no such Parquet or CSV files: {pattern}")
    for path in paths:
        if not path.lower().endswith(PARQUET) and not is_csv(path):
            raise AuditError(f"{path} must end in {', '.join([*PARQUET, *CSV])}, or .csv.gz.")
    if len({is_csv(path) for path in paths}) > 1:
        raise AuditError(f"{pattern} has Parquet and CSV files: give one of the two.")
    return paths


def is_csv(path):
    """By its name, also where it is compressed."""
    stem, ending = os.path.splitext(path.lower())
    return (stem if ending in OPENERS else path.lower()).endswith(CSV)


def _join(kinds, found, path, first):
    """Columns of one more file, which must be those of the others."""
    if not kinds:
        kinds.update(found)
    check_same_columns(kinds, found, first, path)
    for name, kind in found.items():
        if kinds[name] == "no values":
            kinds[name] = kind
        elif kind not in ("no values", kinds[name]):
            raise AuditError(
                f"column {name!r} is {kinds[name]} in {first} and {kind} in {path}: write the "
                "files with one type."
            )


def check_same_columns(names, others, path, other_path):
    if differ := sorted(set(names) ^ set(others)):
        raise AuditError(
            f"{other_path} and {path} do not have the same columns: {differ[0]!r} differs."
        )


def _kinds(schema):
    """Name of each column to its kind; what pandas writes of an index is no column."""
    index = {name for name in schema.names if name.startswith("__index_level_")}
    index |= {n for n in (schema.pandas_metadata or {}).get("index_columns", []) if type(n) is str}
    return {field.name: _kind(field.type) for field in schema if field.name not in index}


def _kind(arrow):
    from pyarrow import types

    if types.is_dictionary(arrow):
        return _kind(arrow.value_type) if types.is_boolean(arrow.value_type) else "category"
    is_view = getattr(types, "is_string_view", types.is_string)  # from pyarrow 16 on
    for kind, tests in {
        "number": (types.is_boolean, types.is_integer, types.is_floating, types.is_decimal),
        "category": (types.is_string, types.is_large_string, is_view),
        "date": (types.is_timestamp, types.is_date),
        "time": (types.is_duration,),
        "no values": (types.is_null,),
    }.items():
        if any(test(arrow) for test in tests):
            return kind
    return f"holds {harmless(str(arrow))[:30]} values"


def _pieces(groups, most):
    """Row groups put together or cut, so that no piece has more rows than `most`."""
    pieces, first, at = [], 0, 0
    while at < len(groups):
        path, group, size = groups[at]
        if size > most:
            bounds = np.linspace(0, size, -(-size // most) + 1).astype(int)
            for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
                pieces.append(Piece(path, (group,), start, stop - start, first + start))
            at += 1
        else:
            members, size = [], 0
            while at < len(groups) and groups[at][0] == path and size + groups[at][2] <= most:
                members.append(groups[at][1])
                size += groups[at][2]
                at += 1
            pieces.append(Piece(path, tuple(members), 0, size, first))
        first += size
    return pieces


def as_numbers(column, kind):
    """(n,) float64 with NaN of a column of numbers, dates (days) or times (seconds)."""
    if kind == "date":
        from sknoisy._audit._dates import days

        column = days(pd.to_datetime(column, errors="coerce", utc=True))
    elif kind == "time":
        column = column.dt.total_seconds()
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
