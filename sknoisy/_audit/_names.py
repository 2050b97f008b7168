"""Texts that look the same: blanks and Unicode normal forms; and names of columns."""

from __future__ import annotations

import re
import unicodedata

import pandas as pd

from sknoisy._audit._errors import AuditError, UsageError, nearest

_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")  # soft hyphen, blanks without width
# What people and programs write where there is no value (casefolded).
MARKS = frozenset(
    "? - -- --- – — . .. … / na n/a n.a. n.a n/d nd nan -nan <na> #na #n/a nat null (null) none "
    "nil \\n unknown unkown missing k.a. k. a. #value! #div/0! #ref! #name? #num! #null! -1.#ind "
    "1.#qnan".split()
) | {"not available", "not applicable", "no data", "k. a.", "n. a."}
# Letters of other alphabets, small ones, that are written like Latin ones; and dashes.
_LOOKS = str.maketrans("асеорхуіјѕһԁԛԝαονρτυικ‐‑‒–—−", "aceopxyijshdqwaovptuik------")


def plain(text):
    """The text with one kind of blank, none around it, and in the composed normal form."""
    text = str(text)
    if text.isascii() and text.isalnum():
        return text
    return " ".join(unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).split())


def is_mark(texts):
    """Which texts mean that there is no value: nothing, ?, n/a, unknown, ..."""
    values = pd.Series(texts.unique(), dtype=object)
    marks = values[values.map(lambda text: plain(text).casefold() in MARKS or not plain(text))]
    return texts.isin(marks)


def merge_spellings(texts):
    """Texts that differ only in blanks or normal form as one; and how many got another spelling.

    A text of one spelling stays as it is written.
    """
    values = pd.Series(texts.unique(), dtype=object)
    keys = values.map(plain)
    other = keys.duplicated(keep=False) & (values != keys)
    if not other.any():
        return texts, {}
    changed = dict(zip(values[other], keys[other], strict=True))
    return texts.astype(object).map(lambda text: changed.get(text, text)), changed


def _look(text):
    return unicodedata.normalize("NFKC", plain(text)).lower().translate(_LOOKS)


def look_alike(labels):
    """Groups of texts that differ only in upper and lower case, or in letters that look the same.

    These are wide and narrow ones, and Cyrillic and Greek ones that are written like Latin ones.
    """
    labels = pd.Series(labels, dtype=object)
    keys = labels.map(_look)
    return [group.tolist() for _, group in labels.groupby(keys) if len(group) > 1]


# --------------------------------------------------------------------------- columns


def matching(name, columns):
    """Columns that are called so: exactly, or but for blanks and normal form, or a leading #."""
    for form in (str, plain, lambda text: plain(text).lstrip("# ")):
        found = [column for column in columns if form(column) == form(name)]
        if found:
            return found
    return []


def find_column(table, name, option):
    """Name of the column that an option means."""
    found = matching(name, table.columns)
    if len(found) == 1:
        return found[0]
    if found:
        raise AuditError(
            f"{option}: the columns {', '.join(map(ascii, found))} differ from {name!a} only in "
            "blanks or Unicode normal form: rename all but one."
        )
    text = f"{option}: no column is called {name!r}; "
    alike = [
        column
        for column in table.columns
        if _look(column) == _look(name) and column.lower() != name.lower()
    ]
    if alike:
        text += f"{alike[0]!a} looks like {name!a}, but is written in other characters: copy it"
        raise UsageError(f"{text} from the file.")
    if len(table.columns) == 1:
        only = repr(table.columns[0])[:60]
        text += f"all of a line is read as one column, {only}: --sep CHAR tells what parts columns"
        raise UsageError(text)
    raise UsageError(text + nearest(name, table.columns, "the columns are"))


def unique_names(names, notes):
    """Names for columns, none twice and none empty; what was changed is noted."""
    unique = {}
    for i, name in enumerate(names):
        name = str(name) or f"Unnamed: {i}"
        new, k = name, 0
        while new in unique:
            k += 1
            new = f"{name}.{k}"
        unique[new] = name
    for name in dict.fromkeys(unique.values()):
        alike = [new for new, old in unique.items() if old == name]
        if len(alike) > 1:
            notes.append(f"{len(alike)} columns are named {name!r}: read as {', '.join(alike)}")
    seen = {}
    for name in dict.fromkeys(unique.values()):
        seen.setdefault(plain(name), []).append(name)
    for alike in seen.values():
        if len(alike) > 1:
            notes.append(
                f"the columns {', '.join(map(ascii, alike))} differ in name only by blanks or "
                "Unicode normal form"
            )
    return list(unique)
