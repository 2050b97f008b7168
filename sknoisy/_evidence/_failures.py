"""What a model's own error does not say: on which rows it was, and what can be done there."""

from __future__ import annotations

import re
import warnings

import numpy as np
from sklearn.pipeline import Pipeline

FEW = 30  # members of a class that neighbours and folds inside a model may find too few
MAX_NAMES = 5

# what the messages of scikit-learn, imbalanced-learn, XGBoost and others have in common
UNKNOWN_CATEGORY = re.compile(
    r"unknown categor|unknown value|unseen|not in the training (set|data)|new categor", re.I
)
NEIGHBORS = re.compile(r"n_neighbors|k_neighbors|n_samples_fit|nearest neighbo", re.I)
FITTED_NEIGHBORS = re.compile(r"n_samples_fit = (\d+)")
INNER_FOLDS = re.compile(
    r"n_splits|number of splits|cross-validation|less than \d+ examples|members in each class"
    r"|fits failed|\bfolds?\b",
    re.I,
)
CLASSES = re.compile(r"\b(class(es)?|labels?)\b", re.I)


def explain(error, estimator, purpose, y, y_fit, *, n_test=None, is_labels=False, grouped=False):
    """Add to a model's error which rows it was fitted on, what they lack, and what to do.

    Parameters
    ----------
    error : Exception
        Gets the note.
    estimator : estimator object
    purpose : str
        Why it was fitted, and on which part of the rows.
    y, y_fit : ndarray
        All targets, and those that it was fitted on.
    n_test : int, default=None
        How many rows it was to judge.
    is_labels : bool, default=False
        Whether the targets are labels.
    grouped : bool, default=False
        Whether rows of a group were kept together.
    """
    judged = "" if n_test is None else f", {n_test} to judge"
    note = [
        f"sknoisy was fitting {name_of(estimator)} {purpose} ({len(y_fit)} rows to fit{judged})."
    ]
    message = f"{error} {error.__cause__ or ''}"
    if UNKNOWN_CATEGORY.search(message):
        note.append(
            "A value that only the other rows have is new to an encoder: set its handle_unknown, "
            'as in OneHotEncoder(handle_unknown="ignore") or OrdinalEncoder('
            'handle_unknown="use_encoded_value", unknown_value=-1), or join rare values before fit.'
        )
    elif (found := FITTED_NEIGHBORS.search(message)) and int(found[1]) >= len(y_fit):
        note.append(
            "The model looks for more neighbours than there are rows to fit: set n_neighbors to "
            f"{len(y_fit)} at most."
        )
    elif is_labels and getattr(error, "is_about_rows", True):
        note += _about_classes(message, purpose, _classes(y, y_fit), grouped)
    error.add_note(" ".join(note))


def with_notes(error):
    """The message of an error and what has been added to it, for where only a text is shown."""
    return " ".join([str(error), *getattr(error, "__notes__", [])])


def warn_of_part(error, estimator, consequence, *, stacklevel):
    """Warn that a model could not be fitted on a part of the rows; its error, if no rows would do.

    `stacklevel` is that of a warning in the calling function.
    """
    if not getattr(error, "is_about_rows", True):
        raise error
    warnings.warn(
        f"{type(estimator).__name__} could not be fitted on a part of the rows, {consequence}. It "
        f"said: {with_notes(error)}",
        UserWarning,
        stacklevel=stacklevel + 1,
    )


def name_of(estimator):
    """Class name, with the steps of a Pipeline."""
    estimator = getattr(estimator, "_named_by", estimator)
    # a Pipeline's own error rarely says which step it is from
    if isinstance(estimator, Pipeline):
        kinds = [s if isinstance(s, str) else type(s).__name__ for _, s in estimator.steps]
        return f"{type(estimator).__name__} ({', '.join(kinds)})"
    return type(estimator).__name__


def _classes(y, y_fit):
    """(class, members in `y_fit`, members in `y`), rarest first."""
    classes, counts = np.unique(y, return_counts=True)
    known, n_known = np.unique(y_fit, return_counts=True)
    inside = dict(zip(known.tolist(), n_known.tolist(), strict=True))
    pairs = zip(classes.tolist(), counts.tolist(), strict=True)
    table = [(name, inside.get(name, 0), count) for name, count in pairs]
    return sorted(table, key=lambda row: row[1])


def _about_classes(message, purpose, table, grouped):
    neighbors, folds = NEIGHBORS.search(message), INNER_FOLDS.search(message)
    concerned = neighbors or folds or CLASSES.search(message)
    absent = [row for row in table if row[1] == 0]
    rare = [row for row in table if 0 < row[1] <= FEW] if concerned else []
    if not (absent or rare):
        return []
    note, ways = [], []
    if absent:
        note.append(f"These rows have none of class {_listed(absent, '{0!s} ({2} in all)')}.")
    if rare:
        note.append(f"They have few rows of rare classes: {_listed(rare, '{0!s} ({1} of {2})')}.")
    if rare and (least := rare[0][1]) > 1:
        if neighbors:
            ways.append(f"set k_neighbors or n_neighbors of the model to {least - 1} at most")
        if folds:
            ways.append(f"set the model's own folds (cv) to {least} at most")
    few = absent or rare
    one, it = (f"class {few[0][0]!s}", "it") if len(few) == 1 else ("such classes", "them")
    ways.append(f"leave {one} out before fit or join {it} with another")
    if "treatment leaves" in purpose:
        ways.append("set min_per_class so that more such rows are kept as they are")
    if grouped:
        ways.append("choose groups such that no class is in a few of them only")
    if "fold" in purpose:
        ways.append("choose folds (cv) that leave more such rows to fit")
    if "detection" in purpose:
        ways.append("give the detector an estimator of its own that can do without")
    return [*note, "What can be done: " + "; or ".join(ways) + "."]


def _listed(rows, text):
    named = ", ".join(text.format(*row) for row in rows[:MAX_NAMES])
    return named + (f" and {len(rows) - MAX_NAMES} more" if len(rows) > MAX_NAMES else "")
