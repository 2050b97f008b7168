"""Rows in memory as partitions, one for each fold of a detector in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from sknoisy._evidence import Evidence, take_rows
from sknoisy._evidence._table import as_table, is_table
from sknoisy.dask._partitions import Rows, as_array, as_parted, is_collection, task


def deal(X, y, others, *, purpose, cv, seed, as_collections):
    """Checked `Rows` of X, y and a dict of what else has an entry for each row, or None.

    `purpose` is "classification" or "regression". `X`, `y` and `weight` of the `Rows` are
    collections where the model takes these, and as given where it is fed.
    """
    for name, values in {"y": y, **others}.items():
        if is_collection(values):
            raise TypeError(
                f"{name} is a Dask collection, and X is in memory: give both as the one or as the "
                "other."
            )
    others = dict(others)
    own = {"predicted": others.pop("predicted")}
    evidence = Evidence(X, y, task=purpose, **others, own=own)
    X, weight = evidence.inputs.X, evidence.inputs.sample_weight
    return _in_partitions(
        plain_rows(X) if as_collections else X,
        evidence.target.y,
        fold_of_rows(evidence, cv, seed),
        as_collections,
        sample_weight=weight,
        groups=evidence.together,
        trusted=evidence.metadata["trusted"],
        predicted=None if evidence.own is None else evidence.own.predicted,
    )


def _in_partitions(X, y, place, as_collections, **others):
    """`Rows`; `place` (n,) says the partition of each."""
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    given = {"X": X, "y": y} | {k: v for k, v in others.items() if v is not None}
    pieces = {name: [task(take_rows(v, m)) for m in members] for name, v in given.items()}
    whole = [given.get(name) for name in ("X", "y", "sample_weight")]
    if as_collections:
        sizes = list(map(len, members))
        whole = [
            None if name not in given else as_collection(given[name], pieces[name], sizes)
            for name in ("X", "y", "sample_weight")
        ]
    others = {name: pieces.get(name, [None] * len(members)) for name in others}
    return Rows(*whole, pieces["X"], pieces["y"], others, place)


def fold_of_rows(evidence, cv, seed):
    """(n,) fold of each row in memory: those of `Evidence.splits`, and one for rows in none.

    Such are the sole rows of a class; they stay with what is of their group.
    """
    n = evidence.n_rows
    [splits] = evidence.splits(cv, random_state=seed)
    fold = np.full(n, -1)
    for k, (_, test) in enumerate(splits):
        fold[test] = k
    unit = np.arange(n) if evidence.together is None else pd.factorize(evidence.together)[0]
    fold = pd.Series(fold).groupby(unit).transform("max").to_numpy()
    fold = np.where(fold < 0, unit % min(cv, n), fold)
    fold = np.unique(fold, return_inverse=True)[1]
    if not fold.any():
        raise ValueError(f"cv needs at least 2 rows to put in different folds, got n_samples={n}.")
    return fold


def plain_rows(X):
    """Rows in memory as a DataFrame or array, of which there can be a collection."""
    if is_table(X):
        return as_table(X)
    return X if issparse(X) else np.asarray(X)


def as_collection(X, parts, sizes):
    """The collection of partitions of X, which is in memory."""
    if isinstance(X, pd.DataFrame):
        return as_parted(X.iloc[:0], parts)
    return as_array(parts, sizes, X.dtype, X.shape[1:])
