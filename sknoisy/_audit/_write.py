"""The verdict on every row, as a file."""

from __future__ import annotations

import csv
import gzip
import os
import re

import numpy as np
import pandas as pd

from sknoisy._audit._errors import AuditError, UsageError, one_line
from sknoisy._audit._read import PARQUET, TABS

COLUMNS = ["row", "given", "suggested", "probability", "score", "flagged", "reason"]
MOST_ON_PAGE = 20  # suspect rows, or more where --worst asks for more
ENDINGS = (".csv", ".csv.gz", *TABS, *(f"{tab}.gz" for tab in TABS), *PARQUET)
# Where a cell begins to a spreadsheet, which may part columns by something else than we do.
_BEGIN = r"(?:^|[;,|\t\r\n])"
_NUMBER = r"[+-](?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*(?:$|[;,|\t\r\n])"
_FORMULA = re.compile(rf"(^(?=[\t\r\n])|{_BEGIN}[\s\"']*(?!{_NUMBER})(?=[=+\-@＝＋－＠]))")


def check_out(path, source):
    """Refuse early what cannot be written; return the path of the file to be written."""
    if "\0" in path or not path:
        raise UsageError("--out: that is no name of a file.")
    target = os.path.realpath(path)  # a link stays, the file it names is replaced
    folder = os.path.dirname(target)
    if os.path.isdir(target):
        raise UsageError(f"--out {path} is a directory.")
    if not path.lower().endswith(ENDINGS):
        raise UsageError(f"--out {path}: the name must end in {', '.join(ENDINGS)}")
    if not os.path.isdir(folder):
        raise UsageError(f"--out {path}: there is no directory {os.path.dirname(path) or folder}")
    if os.path.exists(target):
        if not os.path.isfile(target):
            raise UsageError(f"--out {path} is not a regular file.")
        if source is not None and os.path.exists(source) and os.path.samefile(target, source):
            raise UsageError(f"--out {path} is the input file: choose another name.")
    if not os.access(folder, os.W_OK):
        raise AuditError(f"--out {path}: no permission to write in {folder}")
    _try_to_write(path, target)
    if path.lower().endswith(PARQUET):
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise AuditError("writing Parquet needs pyarrow: pip install pyarrow") from error
    return target


def check_page(option, path, source):
    """The same for a page or JSON, and whether it can be made at all."""
    ending = {"--report": ".html", "--json": ".json"}[option]
    if not path.lower().endswith((ending, ending.removesuffix("l"))):
        raise UsageError(f"{option} {path}: the name must end in {ending}")
    if source is not None and os.path.exists(path) and os.path.samefile(path, source):
        raise UsageError(f"{option} {path} is the input file: choose another name.")
    if option == "--report":
        try:
            import jinja2  # noqa: F401
        except ImportError as error:
            raise AuditError(
                "--report needs jinja2, which is not installed: pip install jinja2"
            ) from error
    try:
        with open(path, "ab"):
            pass
    except OSError as error:
        raise _not_written(option, path, error) from error


def write_page(option, text, path):
    """A page, or JSON."""
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise _not_written(option, path, error) from error


def _not_written(option, path, error):
    return AuditError(f"{option} {path} cannot be written: {error.strerror or error}")


def _try_to_write(path, target):
    """Know now rather than after all the work: too long a name, a read-only file system."""
    temporary = _temporary(target)
    try:
        with open(temporary, "xb"):
            pass
        os.remove(temporary)
    except (OSError, ValueError) as error:
        raise AuditError(
            f"--out {path} cannot be written: {getattr(error, 'strerror', error)}"
        ) from error


def _temporary(path):
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{os.getpid()}.{name}")


def verdicts(n_rows, target, report):
    """One row per row of the file, in its order; those without a target have no verdict."""
    report = report.sort_values("row", kind="stable")
    at = target.rows[report["row"].to_numpy()]
    table = pd.DataFrame({"row": np.arange(n_rows)})
    numbers = ["probability", "score"]
    if target.task == "regression":
        numbers += ["given", "suggested"]
    else:
        for name in ("given", "suggested"):  # as objects, integers stay so beside missing ones
            column = pd.Series([None] * n_rows, dtype=object)
            column.iloc[at] = report[name].tolist()
            table[name] = column
    for name in numbers:
        column = np.full(n_rows, np.nan)
        column[at] = report[name].to_numpy(dtype=float)
        table[name] = column
    flagged = np.zeros(n_rows, dtype=bool)
    flagged[at] = report["flagged"].to_numpy(dtype=bool)
    table["flagged"] = flagged
    reason = pd.Series(target.problems, dtype=object).reindex(range(n_rows))
    reason.iloc[at] = report["reason"].to_numpy(dtype=object)
    table["reason"] = reason
    return table[COLUMNS]


def write(table, path):
    """Write all or nothing: a new file first, which then takes the place of an old one."""
    temporary = _temporary(path)
    try:
        try:
            with open(temporary, "xb") as file:
                _write_to(table, file, path.lower())
            os.replace(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.remove(temporary)
    except OSError as error:
        raise AuditError(f"--out {path} cannot be written: {error.strerror or error}") from error


def _write_to(table, file, name):
    if name.endswith(PARQUET):
        try:
            table.to_parquet(file, index=False)
        except Exception as error:  # pyarrow has errors of its own
            raise AuditError(f"--out: {one_line(error)}") from error
        return
    sep = "\t" if name.removesuffix(".gz").endswith(TABS) else ","
    safe = table.copy()
    for column in ("given", "suggested", "reason"):
        safe[column] = neutralise(safe[column])
    # csv quotes a carriage return of itself only since Python 3.13
    texts = safe[["given", "suggested", "reason"]].map(str)
    has_return = texts.apply(lambda column: column.str.contains("\r", regex=False)).any(axis=None)
    quoting = csv.QUOTE_NONNUMERIC if has_return else csv.QUOTE_MINIMAL
    text = safe.to_csv(index=False, sep=sep, quoting=quoting, lineterminator="\n")
    text = text.encode("utf-8", "surrogatepass")
    if name.endswith(".gz"):
        text = gzip.compress(text, mtime=0)
    file.write(text)


def neutralise(column):
    """Put an apostrophe before texts that a spreadsheet would take for a formula.

    These begin with = + - @, a tab or a line break; numbers with a sign are none. A spreadsheet may
    part columns by other signs than this file does, so what follows ; or a line break counts, too.
    """
    if column.dtype.kind in "biuf":
        return column
    return column.map(lambda cell: _FORMULA.sub(r"\1'", cell) if isinstance(cell, str) else cell)
