"""Collections as lists of partitions, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sknoisy._evidence import take_rows


@dataclass
class Rows:
    """X and y as collections, and as lists of delayed partitions."""

    X: object
    y: object
    X_parts: list
    y_parts: list

    @classmethod
    def of(cls, X, y):
        check_collection(X, "X")
        check_collection(y, "y")
        return cls(X, y, parts_of(X), parts_of(y))


def task(function):
    """A function that is to be called on a worker, later."""
    from dask import delayed

    return delayed(function, traverse=False)


def together(tasks):
    """The results of tasks, by whichever scheduler is set."""
    import dask

    return list(dask.compute(*tasks))


def kept(tasks):
    """The same tasks, whose results stay with the workers for as long as somebody asks for them."""
    import dask

    return list(dask.persist(*tasks))


def is_collection(X):
    from dask.base import is_dask_collection

    return is_dask_collection(X)


def is_table(X):
    """Whether a collection is a Dask DataFrame or Series, rather than an array."""
    import dask.array as da

    return hasattr(X, "partitions") and not isinstance(X, da.Array)


def check_collection(X, name):
    if not is_collection(X) or not hasattr(X, "partitions"):
        raise TypeError(
            f"{name} must be a Dask DataFrame, Series or array, got {type(X).__name__}: rows that "
            "fit in memory are for sknoisy.FilterClassifier."
        )


def parts_of(X):
    """List of delayed partitions, each with all the columns of its rows."""
    if is_table(X):
        return list(X.to_delayed())
    if X.ndim > 1:
        X = X.rechunk(dict.fromkeys(range(1, X.ndim), -1))
    return list(X.to_delayed().ravel())


def some_of(X, parts):
    """The collection of some of the partitions."""
    import dask.array as da

    parts = list(map(int, parts))
    return X.partitions[parts] if is_table(X) else da.concatenate([X.blocks[p] for p in parts])


def filtered(X, parts, keep, sizes):
    """The collection of the rows that the delayed masks `keep` say; `sizes` are their numbers."""
    parts = [task(_rows)(part, mask) for part, mask in zip(parts, keep, strict=True)]
    if is_table(X):
        import dask.dataframe as dd

        return dd.from_delayed(parts, meta=X._meta, verify_meta=False)
    return as_array(parts, sizes, X.dtype, X.shape[1:])


def _rows(part, mask):
    return take_rows(part, np.flatnonzero(mask))


def as_array(parts, sizes, dtype, shape=()):
    """Dask array of delayed pieces of known lengths."""
    import dask.array as da

    pieces = zip(parts, sizes, strict=True)
    return da.concatenate(
        [da.from_delayed(part, (int(size), *shape), dtype=dtype) for part, size in pieces]
    )


def by_partition(X, function, dtype, shape=()):
    """Dask array of what a function says of each partition, one entry or line for each row."""
    import dask.array as da

    if is_table(X):
        parts = [task(function)(part) for part in parts_of(X)]
        sizes = [np.nan] * len(parts)  # of a DataFrame not known before it is read
        pieces = zip(parts, sizes, strict=True)
        return da.concatenate(
            [da.from_delayed(part, (size, *shape), dtype=dtype) for part, size in pieces],
            allow_unknown_chunksizes=True,
        )
    return as_array([task(function)(part) for part in parts_of(X)], X.chunks[0], dtype, shape)


def describe(X, y):
    """(rows of X, rows of y, labels) of a partition."""
    labels = np.asarray(y)
    missing = np.flatnonzero(pd.isna(labels))
    if len(missing):
        raise ValueError(f"y is missing in {len(missing)} rows, first in row {missing[0]} of them.")
    return len(X), len(labels), np.unique(labels)


def codes_of(y, classes):
    """(n,) positions of the labels of a partition in the classes."""
    return np.searchsorted(classes, np.asarray(y))
