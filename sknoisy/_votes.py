"""The one place that reads a label matrix: what several annotators, or functions, say of rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, issparse

from sknoisy._evidence import check_labels, check_numbers
from sknoisy._evidence._arrays import with_blanks


@dataclass(frozen=True)
class Votes:
    """Answers in long form, one entry for each, by row; blanks take no room.

    Attributes
    ----------
    row, annotator : ndarray of shape (N,) of int
        Who answered where.
    answer : ndarray of shape (N,)
        Position of the answer in `classes`, or the number that was given.
    n_rows : int
    annotators : ndarray of shape (m,)
        Their names: those of the columns, or their numbers.
    classes : ndarray of shape (K,) or None
        Sorted; None for numbers.
    """

    row: np.ndarray
    annotator: np.ndarray
    answer: np.ndarray
    n_rows: int
    annotators: np.ndarray
    classes: np.ndarray | None = None

    @cached_property
    def per_row(self):
        """(n,) how many answers each row has."""
        return np.bincount(self.row, minlength=self.n_rows)

    @cached_property
    def per_annotator(self):
        """(m,) how many answers each annotator gave."""
        return np.bincount(self.annotator, minlength=len(self.annotators))

    @cached_property
    def one_hot(self):
        """Sparse (n, m * K): 1 in column j * K + k where annotator j says class k."""
        n_classes = len(self.classes)
        column = self.annotator * n_classes + self.answer
        shape = self.n_rows, len(self.annotators) * n_classes
        return csr_matrix((np.ones(len(self.row)), (self.row, column)), shape=shape)

    @cached_property
    def counts(self):
        """(n, K) how many annotators say each class."""
        n_classes = len(self.classes)
        flat = np.bincount(self.row * n_classes + self.answer, minlength=self.n_rows * n_classes)
        return flat.reshape(self.n_rows, n_classes).astype(float)

    def by_row(self, values):
        """(n,) sums of `values`, one for each answer."""
        return np.bincount(self.row, weights=values, minlength=self.n_rows)

    def by_annotator(self, values):
        """(m,) sums of `values`, one for each answer."""
        return np.bincount(self.annotator, weights=values, minlength=len(self.annotators))


WRITTEN_BLANKS = {"nan", "<na>"}  # what an array of texts makes of blanks


@dataclass(frozen=True)
class Words:
    """What the table is made of, for errors that the user understands."""

    matrix: str = "votes"
    column: str = "annotator"
    answer: str = "answer"
    may_be_empty: bool = True  # whether there is a parameter that allows it


CROWD = Words()
FUNCTIONS = Words("votes", "labelling function", "vote")


def read_votes(
    votes,
    *,
    is_labels=True,
    missing=None,
    empty_rows=False,
    empty_columns=False,
    known=None,
    words=CROWD,
):
    """`Votes` from an array or DataFrame with one column for each annotator.

    Parameters
    ----------
    votes : array-like or DataFrame of shape (n, m)
        NaN, None, pd.NA and empty texts are blanks.
    is_labels : bool
        Whether the answers are classes or numbers.
    missing : object, default=None
        One more value that is a blank, such as -1.
    empty_rows, empty_columns : bool
        Whether rows without an answer, and annotators without one, are allowed.
    known : object with `classes_` (for labels) and `annotators_`, default=None
        Answers are encoded as there, and columns with names are found by them.
    words : Words

    Returns
    -------
    Votes
    """
    columns, names, n_rows = _columns(votes, words)
    if known is not None:
        columns, names = _in_known_order(columns, names, known.annotators_, words)
    parts, rows = [], []
    for values in columns:
        given = np.flatnonzero(~_is_blank(values, missing))
        rows.append(given)
        parts.append(values[given])
    row = np.concatenate(rows)
    annotator = np.repeat(np.arange(len(rows)), [len(given) for given in rows])
    if not len(row):
        raise ValueError(f"{words.matrix} has no {words.answer}: all {n_rows} rows are blank.")
    values = _plain(parts)
    order = np.argsort(row, kind="stable")
    row, annotator, values = row[order], annotator[order], values[order]
    _check_finite(values, row, names[annotator], words)
    classes = None
    if not is_labels:
        answer = check_numbers(values).y.astype(float)
    elif known is None:
        try:
            target = check_labels(values)
        except TypeError as error:
            raise TypeError(f"{error} {_how_to_pivot(words)}") from error
        classes, answer = target.classes, target.codes
        _warn_of_blanks_that_are_classes(classes, words)
        if len(classes) < 2:
            raise ValueError(
                f"All {len(row)} {words.answer}s are {classes[:1].tolist()[0]!r}: one class only, "
                "so that there is nothing to tell apart."
            )
    else:
        classes = known.classes_
        answer = _known_codes(values, classes, row, names[annotator], words)
    read = Votes(row, annotator, answer, n_rows, names, classes)
    if not empty_rows:
        _refuse_empty_rows(read, words)
    if not empty_columns:
        _refuse_empty_columns(read, words)
    return read


# --------------------------------------------------------------------------- reading


def _columns(votes, words):
    """(list of 1-D arrays, names, number of rows)."""
    if votes is None:
        raise ValueError(
            f"{words.matrix} are missing: requires y to be passed, but the target y is None"
        )
    if issparse(votes):
        raise TypeError(
            f"{words.matrix} is a sparse matrix, in which a blank cannot be told from a zero: give "
            "an array or DataFrame with blanks (NaN, None), or say missing=... of a dense one."
        )
    if hasattr(votes, "columns") and hasattr(votes, "dtypes"):  # pandas, polars
        names = list(votes.columns)
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{words.matrix} has two columns of the name {twice!r}.")
        if {str(name).lower() for name in names} & {"worker", "annotator", "worker_id"} and {
            str(name).lower() for name in names
        } & {"label", "answer", "task", "item"}:
            raise ValueError(f"{words.matrix} has the columns {names}. {_how_to_pivot(words)}")
        columns = [_as_array(votes[name]) for name in names]
        if not names:
            raise ValueError(f"{words.matrix} has no column: one per {words.column} is needed.")
        n_rows = len(columns[0])
    else:
        table = _as_array(with_blanks(votes, words.matrix))
        if table.ndim != 2:
            raise ValueError(
                f"{words.matrix} must have one column per {words.column}, got an array of shape "
                f"{table.shape}. For a single label per row use the estimator itself, or one of "
                f"sknoisy's treatments; a sole {words.column} is y.reshape(-1, 1)."
            )
        columns, names, n_rows = list(table.T), range(table.shape[1]), len(table)
        if not columns:
            raise ValueError(f"{words.matrix} has no column: one per {words.column} is needed.")
    if n_rows == 0:
        raise ValueError(f"Found array with 0 sample(s): {words.matrix} has no row.")
    labels = np.empty(len(columns), dtype=object)
    labels[:] = list(names)
    if all(isinstance(name, str) for name in labels):
        labels = labels.astype(str)
    elif all(isinstance(name, int | np.integer) for name in labels):
        labels = labels.astype(int)
    return columns, labels, n_rows


def _as_array(values):
    """A numpy array in which texts and None stay what they are."""
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype) or getattr(dtype, "na_value", None) is pd.NA:
        return values.to_numpy(dtype=object)
    plain = np.asarray(values)
    if plain.dtype.kind in "US" and not isinstance(values, np.ndarray):
        return np.asarray(values, dtype=object)
    return plain


def _how_to_pivot(words):
    return (
        f"{words.matrix} has one column per {words.column}; a long table with one line per "
        f"{words.answer} becomes one by table.pivot(index=row, columns={words.column.split()[-1]}, "
        f"values={words.answer})."
    )


def _warn_of_blanks_that_are_classes(classes, words):
    names = classes.tolist()
    written = [name for name in names if isinstance(name, str) and name.lower() in WRITTEN_BLANKS]
    if len(names) > 2 and classes.dtype.kind == "i" and names[0] == -1:
        written.append(-1)
    if written:
        warnings.warn(
            f"{written[0]!r} is read as a class of {words.matrix}. If it is a blank, say "
            f"missing={written[0]!r}.",
            UserWarning,
            stacklevel=2,
        )


def _is_blank(values, missing):
    blank = np.asarray(pd.isna(values))
    if values.dtype.kind in "OUS":
        # numbers of an object array are no texts, and pandas compares them one by one
        blank |= np.asarray(pd.Series(values, dtype=object).eq(""), dtype=bool)
    if missing is not None and not pd.isna(missing):
        if values.dtype.kind == "O":
            blank |= np.asarray(pd.Series(values, dtype=object).eq(missing), dtype=bool)
        elif (values.dtype.kind in "US") == isinstance(missing, str):
            blank |= values == missing
    return blank


def _plain(parts):
    """All answers as one array, of whole numbers where blanks only have made them decimals."""
    parts = [part for part in parts if len(part)]
    kinds = {"number" if part.dtype.kind in "iuf" else part.dtype.kind for part in parts}
    if len(kinds) > 1:
        parts = [part.astype(object) for part in parts]
    values = np.concatenate(parts)
    if values.dtype == object and pd.api.types.infer_dtype(values) in (
        "integer",
        "floating",
        "mixed-integer-float",
    ):
        values = np.array(values.tolist())
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == values.round()).all():
        if np.abs(values).max() < 2**53:
            values = values.astype(np.int64)
    return values


def _check_finite(values, row, names, words):
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        at = np.flatnonzero(~np.isfinite(values))[0]
        raise ValueError(
            f"Input {words.matrix} contains infinity, first in row {row[at]} from {words.column} "
            f"{names[at]!s}: leave it blank."
        )


# --------------------------------------------------------------------------- what is known


def _in_known_order(columns, names, known, words):
    if len(columns) != len(known):
        raise ValueError(
            f"{words.matrix} has {len(columns)} columns, and there were {len(known)} "
            f"{words.column}s in fit: leave a column blank for one who has not answered."
        )
    if names.dtype.kind in "iu" or np.array_equal(names, known):  # an array: by position
        return columns, known
    at = {name: i for i, name in enumerate(names.tolist())}
    absent = [name for name in known.tolist() if name not in at]
    if known.dtype.kind in "iu" and len(absent) == len(known):  # fitted on an array
        return columns, known
    if absent:
        raise ValueError(f"{words.matrix} has no column {absent[0]!r}, which was there in fit.")
    return [columns[at[name]] for name in known.tolist()], known


def _known_codes(values, classes, row, names, words):
    known = pd.Index(classes.tolist() if classes.dtype.kind != "O" else classes)
    codes = known.get_indexer(values)
    odd = np.flatnonzero(codes < 0)
    if len(odd):
        i = odd[0]
        raise ValueError(
            f"{words.column} {names[i]!s} says {values[i : i + 1].tolist()[0]!r} in row {row[i]}, "
            f"which was no class in fit ({', '.join(map(repr, classes.tolist()[:10]))})."
        )
    return codes


# --------------------------------------------------------------------------- empty ones


def _refuse_empty_rows(votes, words):
    empty = np.flatnonzero(votes.per_row == 0)
    if len(empty):
        some = "row has" if len(empty) == 1 else "rows have"
        raise ValueError(
            f"{len(empty)} {some} no {words.answer} at all (of {votes.n_rows}; first row "
            f"{empty[0]}): leave such rows out"
            + (
                ", or set allow_empty=True, and they get what is known without an answer."
                if words.may_be_empty
                else "."
            )
        )


def _refuse_empty_columns(votes, words):
    empty = np.flatnonzero(votes.per_annotator == 0)
    if len(empty):
        named = ", ".join(map(str, votes.annotators[empty[:5]]))
        more = f" and {len(empty) - 5} more" if len(empty) > 5 else ""
        raise ValueError(
            f"No {words.answer} from {words.column} {named}{more}: leave the column out"
            + (
                ", or set allow_empty=True (in cross-validation, for instance), and it counts as "
                "an average one."
                if words.may_be_empty
                else "."
            )
        )
