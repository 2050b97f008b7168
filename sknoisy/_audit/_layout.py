"""Where the table in a text begins, and what parts its columns."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from sknoisy._audit._names import matching

SEPARATORS = ",;\t|"
BLANKS = r"\s+"
MOST_LINES = 50  # above the header
LONGEST = 100_000  # what the csv module takes as one field
_SEP_LINE = re.compile(r'"?sep=(.|\\t)"?\1*\s*', re.I)


@dataclass
class Layout:
    """How to read the text.

    Attributes
    ----------
    n_above : int
        Lines above the header.
    sep : str
        What parts the columns.
    """

    n_above: int
    sep: str


def find_layout(lines, target, sep, default, notes):
    """Layout of a text that begins with these lines.

    The header is the first line that is neither blank nor a comment (#). Where it lacks the
    target, a line further down that has it and more fields than all above it is the header: titles
    and comments of any kind may stand above.
    """
    n_above = 0
    told = _SEP_LINE.fullmatch(lines[0]) if lines else None
    if told:  # as spreadsheets tell each other
        n_above, sep = 1, sep or told[1].replace("\\t", "\t")
        notes.append(f"columns are separated by {sep!r}, as the first line says")
    filled = [i for i, line in enumerate(lines) if i >= n_above and line.strip()]
    at = next((i for i in filled if not lines[i].startswith("#")), filled[0] if filled else 0)
    if target is not None and filled:
        at = _with_target(lines, filled, at, target, sep, default)
    used = sep or (best_separator(lines[at], target, default) if filled else default)
    if sep is None and used != default:
        notes.append(f"columns are separated by {'blanks' if used == BLANKS else repr(used)}")
    above = sum(n_above <= i < at for i in filled)
    if above:
        notes.append(f"{above} line{'s' * (above > 1)} above the header left out")
    return Layout(at, used)


def _with_target(lines, filled, at, target, sep, default):
    def fields(i):
        return fields_of(lines[i], sep or best_separator(lines[i], target, default))

    if matching(target, fields(at)):
        return at
    most = 1
    for i in filled:
        if matching(target, fields(i)) and len(fields(i)) > most:
            return i
        if not lines[i].startswith("#"):
            most = max(most, len(fields(i)))
    return at


def fields_of(line, sep):
    line = line.rstrip("\r\n")[:LONGEST]
    if sep == BLANKS:
        return line.split()
    return next(csv.reader([line], delimiter=sep, skipinitialspace=True), [])


def best_separator(line, target, default):
    """The separator by which the line has the target among its fields, or else most fields."""
    found = []
    for sep in (default, *SEPARATORS.replace(default, ""), BLANKS):
        fields = fields_of(line, sep)
        has_target = target is not None and bool(matching(target, fields))
        if len(fields) > 1 and (sep != BLANKS or has_target and default not in line):
            found.append((has_target, len(fields), sep))
    return max(found, key=lambda item: item[:2], default=(False, 1, default))[2]
