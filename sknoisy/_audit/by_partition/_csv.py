"""CSV files as Parquet files, in which a column has one type throughout."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
import pandas as pd

from sknoisy._audit._errors import AuditError, one_line
from sknoisy._audit._names import find_column, is_mark
from sknoisy._audit._numbers import _CODE, NEARLY_ALL, read_numbers
from sknoisy._audit._progress import Progress
from sknoisy._audit._read import read_in_pieces
from sknoisy._audit._roles import check_columns, special_columns
from sknoisy._audit._target import MOST_INTEGER_LABELS
from sknoisy._audit.by_partition._files import (
    MOST_ROWS,
    check_same_columns,
    is_csv,
    read_parquet,
)
from sknoisy.dask._partitions import task, together

MOST_LOOKED_AT = 20_000  # rows of a piece, as long as nobody knows how many columns there are
MOST_TEXTS = 5_000_000  # cells of a piece
SOME = 0.1  # share of numbers from which on it is said that a column holds others too


@dataclass
class Cells:
    """What the texts of a column are, marks of missing values left out.

    Attributes
    ----------
    n, n_numbers, n_dates, n_marks : int
    all_whole, any_code : bool
        Whether all numbers are whole, and one begins with 0.
    some : frozenset
        Different values, until there are more than could be labels.
    odd : tuple of str
        The first text that is no number, and its file; empty if there is none.
    """

    n: int
    n_numbers: int
    n_dates: int
    n_marks: int
    all_whole: bool
    any_code: bool
    some: frozenset
    odd: tuple = ()

    @classmethod
    def of(cls, texts, decimal, path):
        texts = texts.dropna()
        numbers = as_floats(texts, decimal)
        odd = texts[numbers.isna()]
        marks = odd[is_mark(odd)]
        texts, odd, known = texts.drop(marks.index), odd.drop(marks.index), numbers.dropna()
        all_whole = bool((known % 1 == 0).all())
        return cls(
            n=len(texts),
            n_numbers=len(known),
            n_dates=int(as_dates(texts).notna().sum()) if len(odd) else 0,
            n_marks=len(marks),
            all_whole=all_whole,
            any_code=all_whole and bool(texts.str.strip().str.fullmatch(_CODE.pattern).any()),
            some=frozenset(texts.unique()[: MOST_INTEGER_LABELS + 1]),
            odd=(odd.iloc[0], path) if len(odd) else (),
        )

    def __add__(self, other):
        return Cells(
            n=self.n + other.n,
            n_numbers=self.n_numbers + other.n_numbers,
            n_dates=self.n_dates + other.n_dates,
            n_marks=self.n_marks + other.n_marks,
            all_whole=self.all_whole and other.all_whole,
            any_code=self.any_code or other.any_code,
            some=self.some | other.some if len(self.some) <= MOST_INTEGER_LABELS else self.some,
            odd=self.odd or other.odd,
        )

    def kind(self, is_target):
        """One of number, date and text; of a few labels all must be numbers, or none is."""
        are_numbers = self.n_numbers >= NEARLY_ALL * self.n and self.n > 0
        if is_target and len(self.some) <= MOST_INTEGER_LABELS and (self.odd or self.n_marks):
            are_numbers = False
        if are_numbers and not (self.all_whole and self.any_code):
            return "number"
        return "date" if not is_target and self.n_dates >= NEARLY_ALL * self.n > 0 else "text"

    def note(self, name, kind):
        """What is to be said of cells that are not like the others; empty if there is nothing."""
        if not self.odd or kind == "date":
            return ""
        text, path = self.odd
        example = f"{text!r:.40} in {path}"
        if kind == "number":
            n = self.n - self.n_numbers
            return f"column {name!r}: {n} values that are no numbers ({example}) count as missing"
        as_text = f"column {name!r} is read as text: "
        if self.n_numbers >= SOME * self.n:
            shares = f"{self.n_numbers} of {self.n} values are numbers"
            return f"{as_text}{shares}, others not ({example})"
        if read_numbers(pd.Series(sorted(self.some), dtype=object)).values is not None:
            return f"{as_text}its numbers are no plain ones ({example}); see --decimal"
        return ""


def as_floats(texts, decimal):
    """Plain numbers, NaN for others; marks between thousands and units are not understood."""
    if decimal == ",":
        has_point = texts.str.contains(".", regex=False)
        texts = texts.str.replace(",", ".", regex=False).mask(has_point.astype(bool))
    return pd.to_numeric(texts, errors="coerce").astype(float)


def as_dates(texts):
    """Dates such as 2020-01-31 and 2020-01-31T12:00, NaT for others."""
    return pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True)


@contextmanager
def files_of(paths, options, n_folds):
    """`Files` of paths that `find_paths` gives; what is made of CSV is gone in the end."""
    if not is_csv(paths[0]):
        yield read_parquet(paths, options.file, n_folds)
        return
    with tempfile.TemporaryDirectory(prefix="sknoisy-") as folder:
        with Progress("reading CSV"):
            notes = write_as_parquet(paths, folder, options)
        made = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
        yield replace(read_parquet(made, options.file, n_folds), paths=paths, notes=notes)


def write_as_parquet(paths, folder, options):
    """Write CSV files to a folder, one type for each column of all files; notes on the reading."""
    how = {"sep": options.sep, "encoding": options.encoding, "missing": options.missing or ()}
    asked = (options.target, how, options.decimal)
    looked = together([task(_look)(path, *asked) for path in paths])
    for path, (cells, _) in zip(paths, looked, strict=True):
        check_same_columns(looked[0][0], cells, paths[0], path)
    names = list(looked[0][0])
    check_columns(names, options)
    empty = pd.DataFrame(columns=names)
    target = find_column(empty, options.target, "--target")
    aside = special_columns(empty, target, options)[1]
    kinds, notes = {}, []
    for name in names:
        cells = reduce(add, [cells[name] for cells, _ in looked])
        if aside.get(name, "--weight") == "--weight":
            kinds[name] = cells.kind(name == target)
            notes.append(cells.note(name, kinds[name]))
        else:  # names of groups, yes and no: as they are written
            kinds[name] = "text"
    together([task(_write)(path, *asked, kinds, folder, i) for i, path in enumerate(paths)])
    notes += [note for _, more in looked for note in more]
    return list(dict.fromkeys(filter(None, notes)))


def _look(path, target, how, decimal):
    """({name: `Cells`}, notes) of a file."""

    def take(_, piece):
        return {name: Cells.of(piece[name], decimal, path) for name in piece.columns}

    told, notes = read_in_pieces(path, target, take, MOST_LOOKED_AT, **how)
    return {name: reduce(add, [one[name] for one in told]) for name in told[0]}, notes


def _write(path, target, how, decimal, kinds, folder, number):
    import pyarrow as pa
    from pyarrow.parquet import write_table

    types = {"number": pa.float64(), "date": pa.timestamp("us", "UTC"), "text": pa.string()}
    schema = pa.schema([(name, types[kind]) for name, kind in kinds.items()])
    read = {"number": lambda texts: as_floats(texts, decimal), "date": as_dates}

    def take(i, piece):
        columns = {name: read.get(kind, np.asarray)(piece[name]) for name, kind in kinds.items()}
        table = pa.Table.from_pandas(pd.DataFrame(columns), schema, preserve_index=False)
        try:
            write_table(table, os.path.join(folder, f"{number:06d}-{i:06d}.parquet"))
        except OSError as error:
            raise AuditError(
                f"CSV is written as Parquet to {folder} first, and that fails: {one_line(error)}. "
                "TMPDIR names another place."
            ) from error

    n_rows = min(MOST_ROWS, max(MOST_TEXTS // len(kinds), 1000))
    read_in_pieces(path, target, take, n_rows, **how)
