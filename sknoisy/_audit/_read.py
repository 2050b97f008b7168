"""A file as a table, with nothing changed or left out."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import os
import warnings
import zlib

import pandas as pd
from pandas.errors import EmptyDataError, ParserError, ParserWarning

from sknoisy._audit._errors import AuditError, UsageError, one_line

PARQUET = (".parquet", ".pq")
TABS = (".tsv", ".tab")
OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
OTHER_KINDS = (".xlsx", ".xls", ".ods", ".json", ".jsonl", ".feather", ".pkl", ".sqlite", ".zip")


def read_table(path, target, *, sep=None, encoding=None):
    """Read a CSV (also compressed, also separated by tabs) or Parquet file.

    Numbers and missing values are recognised as `pandas.read_csv` does it. Only the target column
    of a CSV file is read as text, so that labels are seen as they are written.

    Returns
    -------
    table : DataFrame
        Rows in the order of the file, with unique column names.
    notes : list of str
        What the user should know about the reading.
    """
    name, notes = path.lower(), []
    _check_file(path)
    if name.endswith(OTHER_KINDS):
        raise AuditError(f"{path} is not CSV or Parquet: save it as one of these first.")
    try:
        if name.endswith(PARQUET):
            table = _read_parquet(path, target)
        else:
            table = _read_csv(path, target, sep, encoding, notes)
    except MemoryError as error:
        raise AuditError(f"{path} is too large for the memory of this machine.") from error
    table.columns = _unique_names(table.columns, notes)
    if len(table) == 0:
        raise AuditError(f"{path} has a header but no rows.")
    return table, notes


def _check_file(path):
    if os.path.isdir(path):
        raise AuditError(f"{path} is a directory, not a file.")
    if not os.path.exists(path):
        raise AuditError(f"no such file: {path}")
    if not os.path.isfile(path):
        raise AuditError(f"{path} is not a regular file (it is read twice).")
    if os.path.getsize(path) == 0:
        raise AuditError(f"{path} is empty.")


def _read_parquet(path, target):
    try:
        table = pd.read_parquet(path)
    except ImportError as error:
        raise AuditError("reading Parquet needs pyarrow: pip install pyarrow") from error
    except Exception as error:  # pyarrow has errors of its own
        raise AuditError(f"{path} cannot be read as Parquet: {one_line(error)[:200]}") from error
    _refuse_twice(target, [str(name) for name in table.columns])
    return table


def _read_csv(path, target, sep, encoding, notes):
    codec = encoding or "utf-8-sig"  # with or without a byte order mark
    try:
        codecs.lookup(codec)
    except LookupError as error:
        raise UsageError(f"--encoding: {one_line(error)}") from error
    try:
        opener = _opener(path)
        with opener(path, "rb") as file:
            header, sep = _read_header(file, path, sep, codec, notes)
        _refuse_twice(target, header)
        with opener(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error", ParserWarning)
            table = pd.read_csv(
                file,
                sep=sep,
                encoding=codec,
                dtype=None if target is None else {target: str},
                skipinitialspace=True,
                low_memory=False,
            )
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise AuditError(f"{path} is damaged or cut short: {one_line(error)}") from error
    except UnicodeError as error:
        raise AuditError(
            f"{path} is not {encoding or 'UTF-8'} text: give its encoding, for instance "
            "--encoding latin-1, cp1252 or utf-16"
        ) from error
    except EmptyDataError as error:
        raise AuditError(f"{path} is empty.") from error
    except (ParserError, ParserWarning, csv.Error) as error:
        raise AuditError(
            f"{path} is not a regular table: {one_line(error)} (columns are separated by {sep!r}; "
            "--sep changes that)"
        ) from error
    except PermissionError as error:
        raise AuditError(f"no permission to read {path}") from error
    except (OSError, ValueError) as error:
        raise AuditError(f"{path} cannot be read: {one_line(error)}") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise AuditError(
            f"{path}: the rows have more fields than the header has names ({len(header)}); name "
            "all columns in the header."
        )
    for name in sorted({name for name in header if name and header.count(name) > 1}):
        notes.append(f"{header.count(name)} columns are named {name!r}: read as {name}, {name}.1")
    return table


def _opener(path):
    with open(path, "rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        raise AuditError(f"{path} is a Parquet file: give it the ending .parquet")
    if start[:2] == b"\x1f\x8b":
        return gzip.open
    return OPENERS.get(os.path.splitext(path.lower())[1], open)


def _read_header(file, path, sep, codec, notes):
    """Names in the first line that is not blank, and the separator."""
    lines = io.TextIOWrapper(file, encoding=codec, newline="")
    first = next((line for line in lines if line.strip()), "")
    if sep is None:
        stem, ending = os.path.splitext(path.lower())
        ending = os.path.splitext(stem)[1] if ending in OPENERS else ending
        sep = "\t" if ending in TABS else ","
        others = [s for s in ";\t|" if s in first]
        if sep not in first and others:
            sep = others[0]
            notes.append(f"columns are separated by {sep!r}")

    def from_first():
        yield first
        yield from lines

    names = next(csv.reader(from_first(), delimiter=sep, skipinitialspace=True), [])
    return names, sep


def _refuse_twice(target, names):
    if names.count(target) > 1:
        raise AuditError(f"{names.count(target)} columns are named {target!r}: rename all but one.")


def _unique_names(columns, notes):
    names = []
    for name in map(str, columns):
        unique, k = name, 0
        while unique in names:
            k += 1
            unique = f"{name}.{k}"
        if k:
            notes.append(f"another column named {name!r} is read as {unique!r}")
        names.append(unique)
    return names
