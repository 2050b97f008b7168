"""A file as a table, with nothing changed or left out."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import os
import re
import warnings
import zlib
from functools import partial
from itertools import islice

import pandas as pd
from pandas.errors import EmptyDataError, ParserError, ParserWarning

from sknoisy._audit._errors import AuditError, UsageError, one_line
from sknoisy._audit._layout import BLANKS, MOST_LINES, find_layout
from sknoisy._audit._names import unique_names

PARQUET = (".parquet", ".pq")
TABS = (".tsv", ".tab")
OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
UTF_8 = "utf-8-sig"  # with or without a byte order mark
MARKED = {  # by the mark at the beginning; that of UTF-16 begins that of UTF-32
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: UTF_8,
}
OTHER_KINDS = (".xlsx", ".xls", ".ods", ".json", ".jsonl", ".feather", ".pkl", ".sqlite", ".zip")


def read_table(path, target, *, sep=None, encoding=None, missing=(), check=lambda names: None):
    """Read a CSV (also compressed, also separated by tabs) or Parquet file.

    All of a CSV file is read as text, so that labels and codes are seen as they are written; cells
    with nothing in them, or with one of the texts `missing`, are missing. `check` sees the names of
    the columns before the rows are read.

    Returns
    -------
    table : DataFrame
        Rows in the order of the file, with unique column names. `table.attrs["sep"]` is what parts
        the columns of a CSV file.
    notes : list of str
        What the user should know about the reading.
    """
    name, notes = path.lower(), []
    _check_file(path)
    if name.endswith(OTHER_KINDS):
        raise AuditError(f"{path} is not CSV or Parquet: save it as one of these first.")
    try:
        if name.endswith(PARQUET):
            table = _read_parquet(path, target, missing)
            _refuse_twice(target, table.columns)
            table.columns = unique_names(table.columns, notes)
            check(table.columns)
        else:
            table = _read_csv(path, target, sep, encoding, missing, check, notes, _whole)
    except MemoryError as error:
        raise AuditError(
            f"{path} is too large for the memory of this machine: --engine dask reads it in pieces."
        ) from error
    if len(table) == 0:
        raise AuditError(f"{path} has a header but no rows.")
    return table, notes


def read_in_pieces(path, target, take, n_rows, *, sep=None, encoding=None, missing=()):
    """Read a CSV file as `read_table` does, but no more than `n_rows` rows at a time.

    Returns
    -------
    answers : list
        Of `take(i, piece)`; a DataFrame without rows at least, from which names can be read. It may
        be called for a piece again, where the encoding turns out to be another one.
    notes : list of str
    """
    notes = []
    _check_file(path)
    parse = partial(_in_pieces, take, n_rows)
    return _read_csv(path, target, sep, encoding, missing, lambda _: None, notes, parse), notes


def _check_file(path):
    if os.path.isdir(path):
        raise AuditError(
            f"{path} is a directory, not a file; --engine dask reads a folder of files."
        )
    if path == "-":
        raise AuditError("standard input is not read, since a table is read twice: give a file.")
    if not os.path.exists(path):
        raise AuditError(f"no such file: {path}")
    if not os.path.isfile(path):
        raise AuditError(f"{path} is not a regular file (it is read twice).")
    if os.path.getsize(path) == 0:
        raise AuditError(f"{path} is empty.")


def _read_parquet(path, target, missing):
    try:
        table = pd.read_parquet(path)
    except ImportError as error:
        raise AuditError("reading Parquet needs pyarrow: pip install pyarrow") from error
    except Exception as error:  # pyarrow has errors of its own
        if "Multiple matches" in str(error):
            _refuse_names_twice(path, target)
        raise AuditError(f"{path} cannot be read as Parquet: {one_line(error)[:200]}") from error
    index = [name for name in table.index.names if name is not None]
    if index:  # what is written as the index of a table is a column of the file
        table = table.reset_index([name for name in index if name not in table.columns])
    table.columns = table.columns.map(str)
    for name in table.columns:
        if pd.api.types.infer_dtype(table[name], skipna=True) == "bytes":
            table[name] = table[name].map(_decoded, na_action="ignore")
    for name in table.columns if missing else ():
        is_missing = table[name].map(lambda value: isinstance(value, str) and value in missing)
        table[name] = table[name].mask(is_missing.astype(bool))
    return table


def _refuse_names_twice(path, target):
    """pyarrow reads no file in which two columns have one name, and says so in its own terms."""
    from pyarrow.parquet import read_schema

    names = read_schema(path).names
    for name in dict.fromkeys([target, *names]):
        _refuse_twice(name, names)


def _decoded(value):
    return value.decode(errors="backslashreplace")


def _read_csv(path, target, sep, encoding, missing, check, notes, parse):
    opener = _opener(path)
    try:
        with opener(path, "rb") as file:
            codecs_to_try = _codecs(file, path, encoding)
        for codec in codecs_to_try:
            try:
                table = _read_text(opener, path, codec, target, sep, missing, check, notes, parse)
                break
            except UnicodeError:
                notes.clear()
                if codec == codecs_to_try[-1]:
                    raise
                _refuse_damaged(opener, path)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise AuditError(f"{path} is damaged or cut short: {one_line(error)}") from error
    except UnicodeError as error:
        tried = " or ".join(codecs_to_try).replace("-sig", "")
        raise AuditError(
            f"{path} is not {tried} text, or damaged: give its encoding, for instance --encoding "
            "latin-1, cp1252 or utf-16"
        ) from error
    except EmptyDataError as error:
        raise AuditError(f"{path} is empty.") from error
    except PermissionError as error:
        raise AuditError(f"no permission to read {path}") from error
    except (OSError, ValueError) as error:
        raise AuditError(f"{path} cannot be read: {one_line(error)}") from error
    if encoding is None and codec not in (UTF_8, *MARKED.values()):
        notes.insert(0, f"not UTF-8, so read as {codec}; --encoding NAME reads it otherwise")
    return table


def _opener(path):
    with open(path, "rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        raise AuditError(f"{path} is a Parquet file: give it the ending .parquet")
    if start == b"PK\x03\x04":
        raise AuditError(f"{path} is a spreadsheet or a zip archive: save its table as CSV first.")
    if start == b"\x28\xb5\x2f\xfd":
        raise AuditError(f"{path} is packed by zstd: unpack it first, or use gzip, bz2 or xz.")
    if start[:2] == b"\x1f\x8b":
        return gzip.open
    return OPENERS.get(os.path.splitext(path.lower())[1], open)


def _codecs(file, path, encoding):
    """Encodings to be tried: as told, as the byte order mark tells, or the two most usual ones."""
    try:
        is_wide = len("a".encode(encoding or "ascii")) > 1
    except LookupError as error:
        raise UsageError(f"--encoding: {one_line(error)}") from error
    start = file.read(1 << 20)
    for mark, codec in MARKED.items():
        if start.startswith(mark):
            return [codec]
    n_lines = 1
    while start and not is_wide:
        if b"\0" in start:
            if n_lines == 1 and encoding is None:
                for codec, zeros in (("utf-16-le", start[1:4:2]), ("utf-16-be", start[:4:2])):
                    if zeros == b"\0\0":
                        raise AuditError(
                            f"{path} looks like UTF-16 without a byte order mark: add "
                            f"--encoding {codec}"
                        )
            n_lines += start[: start.index(b"\0")].count(b"\n")
            raise AuditError(
                f"{path} holds a null byte in line {n_lines}: it is no text, or damaged."
            )
        n_lines += start.count(b"\n")
        start = file.read(1 << 20)
    return [encoding] if encoding else [UTF_8, "cp1252"]


def _refuse_damaged(opener, path):
    """A text in UTF-8 but for a few bytes is damaged, and not in another encoding."""
    n_good = n_bad = first = 0
    with opener(path, "rb") as file:
        text = io.TextIOWrapper(file, encoding=UTF_8, errors="surrogateescape")
        for i, line in enumerate(text, 1):
            if not line.isascii():
                bad = sum("\udc80" <= c <= "\udcff" for c in line)
                n_good += sum(not c.isascii() for c in line) - bad
                n_bad += bad
                first = first or (i if bad else 0)
    if n_good > n_bad:
        raise AuditError(
            f"{path} is UTF-8 text, but {n_bad} bytes are not, the first in line {first}: mend "
            "them, or give another encoding, such as --encoding cp1252"
        )


def _read_text(opener, path, codec, target, sep, missing, check, notes, parse):
    with opener(path, "rb") as file:
        lines = list(islice(_lines(file, codec), MOST_LINES))
    layout = find_layout(lines, target, sep, _usual_separator(path), notes)
    names, n_lines = [], 1
    try:
        with opener(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error", ParserWarning)
            text = _lines(file, codec)
            for _ in range(layout.n_above):
                next(text)
            names, n_lines = _header(text, layout.sep)
            _refuse_twice(target, names)
            unique = unique_names(names, notes)
            check(unique)
            table = parse(
                text,
                notes,
                sep=layout.sep,
                header=None,
                names=unique,
                index_col=False,  # or else columns without a name would go there
                dtype=str,
                keep_default_na=False,  # None and NA may be classes
                na_values=["", *missing],
                skipinitialspace=True,
            )
    except (ParserError, ParserWarning, csv.Error) as error:
        message = one_line(error)
        if "Length of header" in message:
            raise AuditError(
                f"{path}: the rows have more fields than the header has names ({len(names)}); name "
                "all columns in the header, and put quotes around numbers with a comma in them."
            ) from error
        first = layout.n_above + n_lines  # the parser counts from below the header
        message = message.removeprefix("Error tokenizing data. C error: ")
        message = re.sub(
            r"EOF inside string starting at row (\d+)",
            r"a quotation mark that opens in row \1 is never closed",
            message,
        )
        message = re.sub(r"(?<=line )\d+", lambda m: str(int(m[0]) + first), message)
        raise AuditError(
            f"{path} is not a regular table: {message} (columns are separated by {layout.sep!r}; "
            "--sep changes that)"
        ) from error
    return table


def _whole(text, notes, **how):
    table = _unwrapped(pd.read_csv(text, **how), notes)
    table.attrs["sep"] = how["sep"]
    return table


def _in_pieces(take, n_rows, text, notes, **how):
    with pd.read_csv(text, chunksize=n_rows, **how) as pieces:
        return [
            take(i, _unwrapped(piece, notes if i == 0 else [])) for i, piece in enumerate(pieces)
        ]


def _lines(file, codec):
    return io.TextIOWrapper(file, encoding=codec, newline="")


def _usual_separator(path):
    stem, ending = os.path.splitext(path.lower())
    ending = os.path.splitext(stem)[1] if ending in OPENERS else ending
    return "\t" if ending in TABS else ","


def _header(text, sep):
    """Names of the columns, and the number of lines that they take."""
    if sep == BLANKS:
        return next(text, "").split(), 1
    reader = csv.reader(text, delimiter=sep, skipinitialspace=True)
    names = next((names for names in reader if any(names)), [])
    if not names:
        raise EmptyDataError
    return names, reader.line_num


def _refuse_twice(target, names):
    if (n := list(names).count(target)) > 1:
        raise AuditError(f"{n} columns are named {target!r}: rename all but one.")


def _unwrapped(table, notes):
    """Cells such as ="001", by which spreadsheets keep text as it is, without their wrapping."""
    for name in table.columns:
        column = table[name]
        if column.head(1000).str.startswith('="', na=False).any():
            known = column.dropna()
            notes.append(f"column {name!r}: cells such as {known.iloc[0]} are unwrapped")
            table[name] = column.str.replace(r'^="(.*)"$', r"\1", regex=True)
    return table
