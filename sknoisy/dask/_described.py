"""What must be known of the rows before the first fit, from one pass over the partitions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.utils.validation import _num_samples

from sknoisy._evidence import check_numbers
from sknoisy._evidence._evidence import check_groups, check_trusted, check_weight
from sknoisy.dask._partitions import task, together


class JoinedByGroups(ValueError):
    """Groups leave no partition that could judge the others."""


class Described(NamedTuple):
    """One partition."""

    n_rows: int
    labels: np.ndarray | None
    has_weight: bool
    groups: np.ndarray | None  # as numbers of 64 bits


def describe(data, is_labels):
    """List of `Described`; an error names the partition, and the row in it."""
    parts = zip(data.X_parts, data.y_parts, *data.others.values(), strict=True)
    names = list(data.others)
    told = together([task(_told)(names, is_labels, *part) for part in parts])
    for p, part in enumerate(told):  # the first one, whichever worker was quickest
        if isinstance(part, Exception):
            raise type(part)(f"Partition {p} {part}")
    if data.weight is not None and not any(part.has_weight for part in told):
        raise ValueError("All sample_weight are zero: no row is left to fit on.")
    return told


def _told(names, is_labels, X, y, *others):
    """`Described`, or the error that is to be raised, to follow the name of the partition."""
    others, n = dict(zip(names, others, strict=True)), _num_samples(X)
    for name, values in {"y": y, **others}.items():
        if values is not None and len(values) != n:
            return ValueError(f"has {n} rows of X and {len(values)} of {name}.")
    others.pop("predicted")  # is checked by those who know the classes
    try:
        return _describe(n, y, is_labels, **others)
    except (TypeError, ValueError) as error:
        return type(error)(f"cannot be used: {error}")


def _describe(n, y, is_labels, *, sample_weight, groups, trusted):
    if not is_labels and n:
        check_numbers(y)
    check_trusted(trusted, n)
    return Described(
        n_rows=n,
        labels=_labels(y) if is_labels else None,
        has_weight=_has_weight(sample_weight, n),
        groups=None if groups is None else _hashed(check_groups(groups, n)),
    )


def _labels(y):
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise ValueError(f"y must have one label for each row, got shape {labels.shape}.")
    missing = np.flatnonzero(pd.isna(labels))
    if len(missing):
        raise ValueError(f"y is missing in {len(missing)} rows, first in row {missing[0]} of them.")
    return np.unique(labels)


def _has_weight(weight, n):
    if weight is None or not n:
        return True
    weight = np.asarray(weight)
    return bool(weight.any()) and bool(check_weight(weight, n).any())


def _hashed(groups):
    """Each group once."""
    return as_units(pd.unique(pd.Series(groups)))


def as_units(groups):
    """(n,) whole numbers of 64 bits that stand for groups."""
    groups = np.asarray(groups)
    groups = groups.astype(object) if groups.dtype.kind in "US" else groups
    return pd.util.hash_array(groups)


def codes_of(y, classes):
    """(n,) positions of the labels of a partition in the classes."""
    return np.searchsorted(classes, np.asarray(y))


# ---------------------------------------------------------------------------- folds


def folds_of(told, cv, rng, groups_parts):
    """(P,) fold of each partition; partitions that share a group are in one fold."""
    n_parts = len(told)
    if n_parts < 2:
        raise ValueError("X has one partition, and folds are groups of partitions: repartition it.")
    if told[0].groups is None:
        return rng.permutation(np.arange(n_parts) % min(cv, n_parts))
    unit = _joined(told)
    n_units = unit.max() + 1
    if n_units < 2:
        raise JoinedByGroups(_why_one(told, groups_parts))
    size = np.bincount(unit, [part.n_rows for part in told])
    order = rng.permutation(n_units)
    order = order[np.argsort(-size[order], kind="stable")]
    fold, total = np.empty(n_units, dtype=int), np.zeros(min(cv, n_units))
    for u in order:  # the largest first, each to the fold that has the fewest rows
        fold[u] = total.argmin()
        total[fold[u]] += size[u]
    return fold[unit]


def _joined(told):
    """(P,) number of the unit of each partition: those that groups join, if need be by others."""
    part = np.repeat(np.arange(len(told)), [len(one.groups) for one in told])
    group = np.unique(np.concatenate([one.groups for one in told]), return_inverse=True)[1]
    n = len(told) + group.max(initial=-1) + 1
    links = coo_matrix((np.ones(len(part)), (part, len(told) + group)), shape=(n, n))
    unit = connected_components(links, directed=False)[1][: len(told)]
    return np.unique(unit, return_inverse=True)[1]


def _why_one(told, groups_parts):
    """The group that is in the most partitions, by its name."""
    values, counts = np.unique(np.concatenate([one.groups for one in told]), return_counts=True)
    most = values[counts.argmax()]
    where = [p for p, one in enumerate(told) if most in one.groups]
    [name] = together([task(_name)(groups_parts[where[0]], most)])
    return (
        f"All {len(told)} partitions are joined by groups that several of them have: {name!r} is "
        f"in {len(where)}, the first ones {where[:2]}. Folds are groups of partitions, and rows of "
        "one group stay together, so bring each group into one partition first "
        "(frame.shuffle(on=column) of a Dask DataFrame does)."
    )


def _name(groups, hashed):
    names = np.asarray(pd.unique(pd.Series(np.asarray(groups))))
    return names[as_units(names) == hashed].tolist()[0]
