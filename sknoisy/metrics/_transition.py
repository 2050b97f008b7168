"""A matrix of how classes are mistaken, and labels by its order."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.utils.validation import column_or_1d

from sknoisy._evidence._evidence import check_weight

# of a matrix that is still to be turned round: beyond, chance is all that is left
MOST_CONDITION = 1e3


def read_transition(transition, labels, *ys):
    """(checked matrix, its labels as an array)."""
    if isinstance(transition, pd.DataFrame):
        labels = transition.index if labels is None else labels
        transition = by_name(transition, labels)
    if labels is None:
        labels = np.unique(np.concatenate([np.asarray(y).ravel() for y in ys]))
    labels = np.asarray(labels)
    if not pd.Index(labels).is_unique:
        raise ValueError(f"labels has a class twice: {labels.tolist()!r:.200}.")
    matrix = np.asarray(transition, dtype=float)
    if matrix.shape != (len(labels), len(labels)):
        raise ValueError(
            f"transition has shape {matrix.shape} for {len(labels)} labels: say by labels which "
            "classes its rows and columns are."
        )
    are_shares = (matrix >= 0).all(axis=1) & (np.abs(matrix.sum(axis=1) - 1) <= 1e-6)
    if not are_shares.all():
        odd = are_shares.argmin()
        raise ValueError(
            f"transition, row of {labels[odd]}: {matrix[odd]} are no probabilities that sum to one."
        )
    if np.linalg.cond(matrix) > MOST_CONDITION:
        raise ValueError(
            "transition says that some true classes give the same labels: what is true cannot be "
            "told from what is given."
        )
    return matrix, labels


def by_name(frame, labels):
    """(K, K) array of a DataFrame, its rows and columns in the order of the labels."""
    labels = np.asarray(labels).tolist()
    for what, names in (("row", frame.index), ("column", frame.columns)):
        missing = [label for label in labels if label not in names]
        if missing:
            raise ValueError(f"transition has no {what} named {missing[0]!r}.")
        if not names.is_unique:
            raise ValueError(f"transition has two {what}s of one name: {names.tolist()!r:.200}.")
    return frame.loc[labels, labels].to_numpy(dtype=float)


def check_two_classes(labels):
    if len(labels) != 2:
        raise ValueError(
            f"ROC AUC is corrected for two classes, and there are {len(labels)}: take balanced "
            "accuracy, or one class against the others."
        )


def codes_of(values, labels, name):
    codes = pd.Index(labels).get_indexer(pd.Index(column_or_1d(values)))
    odd = np.flatnonzero(codes < 0)
    if len(odd):
        raise ValueError(
            f"{name}: {np.asarray(values)[odd[:1]].tolist()[0]!r} in row {odd[0]} is no label of "
            "the matrix."
        )
    return codes


def weight_of(sample_weight, n):
    return np.ones(n) if sample_weight is None else check_weight(sample_weight, n)
