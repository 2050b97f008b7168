"""Votes of labelling functions, and what they amount to before any model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length

from sknoisy._evidence._target import check_labels, positions
from sknoisy._typing import ArrayLike, MatrixLike
from sknoisy._votes import FUNCTIONS, read_votes


def apply_functions(
    functions: list[Callable[..., Any]] | dict[str, Callable[..., Any]], X: MatrixLike
) -> pd.DataFrame:
    """Ask every labelling function about every row.

    A labelling function is any callable that takes one row and returns a label, or None where it
    abstains: a rule, a pattern, a look-up in a list, a model for another task, or a prompt to a
    language model whose answer is mapped to a label.

    Parameters
    ----------
    functions : list or dict of callables
        By name in a dict; those of a list go by their `__name__`.
    X : DataFrame, Series, list or array with n rows
        A row of a DataFrame comes as a Series (`row.text`, `row["text"]`), one of a list or an
        array as its entry.

    Returns
    -------
    DataFrame of shape (n, m)
        One column for each function, None where it abstains; it has the index of X.

    References
    ----------
    R. Smith, J. A. Fries, B. Hancock, S. H. Bach: "Language Models in the Loop: Incorporating
    Prompting into Weak Supervision", ACM/IMS Journal of Data Science, 2024 (prompts as labelling
    functions).

    Examples
    --------
    >>> from sknoisy.weak_labels import apply_functions
    >>> def has_link(text):
    ...     return "spam" if "http" in text else None
    >>> def is_short(text):
    ...     return "ham" if len(text) < 10 else None
    >>> texts = ["win at http://x.yz", "see you", "what a good song that was"]
    >>> apply_functions([has_link, is_short], texts)
      has_link is_short
    0     spam     None
    1     None      ham
    2     None     None
    """
    named = _named(functions)
    index, rows = _rows(X)
    votes = {}
    for name, function in named.items():
        votes[name] = column = np.empty(len(rows), dtype=object)
        for i, row in enumerate(rows):
            try:
                answer = function(row)
            except Exception as error:
                error.add_note(f"raised by labelling function {name!r}, in row {i} of {len(rows)}.")
                raise
            if answer is not None and not np.isscalar(answer) and answer is not pd.NA:
                raise TypeError(
                    f"Labelling function {name!r} must return one label, or None to abstain; for "
                    f"row {i} it returns {answer!r:.80}."
                )
            column[i] = answer
    return pd.DataFrame(votes, index=index, dtype=object)


def _named(functions):
    if isinstance(functions, dict):
        named = dict(functions)
    else:
        if callable(functions):
            functions = [functions]
        names = [getattr(f, "__name__", type(f).__name__) for f in functions]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"Several labelling functions are called {twice[0]!r}: give a dict of name to "
                "function."
            )
        named = dict(zip(names, functions, strict=True))
    if not named:
        raise ValueError("There is no labelling function.")
    for name, function in named.items():
        if not callable(function):
            raise TypeError(f"Labelling function {name!r} cannot be called: {function!r:.80}.")
    return named


def _rows(X):
    """(index or None, list of rows)."""
    if isinstance(X, pd.DataFrame):
        return X.index, [row for _, row in X.iterrows()]
    if issparse(X):
        raise TypeError(
            "A sparse matrix has no rows to ask a function about: give texts or tables."
        )
    return getattr(X, "index", None) if isinstance(X, pd.Series) else None, list(X)


def lf_summary(
    votes: ArrayLike, y: ArrayLike | None = None, *, missing: Any = None
) -> pd.DataFrame:
    """What each labelling function votes for, how often, and with whom.

    Parameters
    ----------
    votes : array-like or DataFrame of shape (n, m)
        One column per function; NaN, None, pd.NA and empty texts are abstentions.
    y : array-like of shape (n,), default=None
        True labels, where they are known: how often each function is right.
    missing : object, default=None
        One more value that is an abstention, such as -1.

    Returns
    -------
    DataFrame
        Indexed by function. "classes": what it votes for. "coverage", "overlap", "conflict": share
        of the rows in which it votes, in which another one votes too, in which another one votes
        for another class. With y also "correct" and "accuracy".

    Examples
    --------
    >>> from sknoisy.weak_labels import lf_summary
    >>> votes = [["a", "a"], ["a", None], [None, "b"], ["a", "b"]]
    >>> lf_summary(votes, ["a", "a", "b", "b"])
              classes  coverage  overlap  conflict  correct  accuracy
    function
    0             [a]      0.75      0.5      0.25        2  0.666667
    1          [a, b]      0.75      0.5      0.25        3  1.000000
    """
    read = read_votes(votes, missing=missing, empty_rows=True, empty_columns=True, words=FUNCTIONS)
    n, m, n_classes = read.n_rows, len(read.annotators), len(read.classes)
    said = np.asarray(read.one_hot.sum(axis=0)).reshape(m, n_classes) > 0
    others = read.per_row[read.row] > 1
    against = read.counts[read.row, read.answer] < read.per_row[read.row]
    table = {
        "classes": [read.classes[k].tolist() for k in said],
        "coverage": read.per_annotator / n,
        "overlap": read.by_annotator(others) / n,
        "conflict": read.by_annotator(against) / n,
    }
    if y is not None:
        check_consistent_length(votes, y)
        truth = positions(check_labels(y).y, read.classes)
        right = read.by_annotator(truth[read.row] == read.answer)
        table["correct"] = right.astype(int)
        with np.errstate(invalid="ignore"):
            table["accuracy"] = right / read.per_annotator
    return pd.DataFrame(table, index=pd.Index(read.annotators, name="function"))
