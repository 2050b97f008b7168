"""Collections as lists of partitions, and back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sknoisy._evidence import take_rows


@dataclass
class Rows:
    """X, y and what else has an entry for each row, as collections and as lists of partitions.

    Attributes
    ----------
    X, y, weight : collection
        `weight` may be None.
    X_parts, y_parts : list of delayed
    others : dict of str to list
        Partitions of `sample_weight`, `groups` and `trusted`; a list of None for what is not given.
    place : ndarray of shape (n,), or None
        Partition of each row that was dealt from memory.
    """

    X: object
    y: object
    weight: object
    X_parts: list
    y_parts: list
    others: dict = field(default_factory=dict)
    place: np.ndarray | None = None

    @classmethod
    def of(cls, X, y, **others):
        """Collections as they are."""
        given = {"X": X, "y": y} | {k: v for k, v in others.items() if v is not None}
        parts = {}
        for name, collection in given.items():
            check_collection(collection, name)
            parts[name] = parts_of(collection)
            n, n_of_y = len(parts["X"]), len(parts[name])
            if n_of_y != n:
                raise ValueError(
                    f"X has {n} partitions and {name} has {n_of_y}: they must be the same."
                )
        none = [None] * len(parts["X"])
        others = {name: parts.get(name, none) for name in others}
        collections = given["X"], given["y"], given.get("sample_weight")
        return cls(*collections, parts["X"], parts["y"], others)

    def __len__(self):
        return len(self.X_parts)

    def joined(self, parts, sizes, dtype):
        """What delayed pieces say of each row: a Dask array, or of rows in memory one of NumPy."""
        if self.place is None:
            return as_array(parts, sizes, dtype)
        values = np.empty(len(self.place), dtype=dtype)
        values[np.argsort(self.place, kind="stable")] = np.concatenate(together(parts))
        return values


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
            f"{name} must be a Dask DataFrame, Series or array, as X is a collection, got "
            f"{type(X).__name__}."
        )


def parts_of(X, optimize_graph=True):
    """List of delayed partitions, each with all the columns of its rows."""
    if is_table(X):  # optimized, a column of small Parquet files would have fewer partitions than X
        return list(X.to_delayed(optimize_graph=False))
    if X.ndim > 1:
        X = X.rechunk(dict.fromkeys(range(1, X.ndim), -1))
    return list(X.to_delayed(optimize_graph=optimize_graph).ravel())


def parts_of_answer(values, X):
    """The same of what a model says of a collection."""
    # optimized, arrays that come of tables of delayed parts lose these
    return parts_of(values, optimize_graph=not is_table(X))


def as_parted(meta, parts):
    """A table of these partitions, which it keeps, whatever is asked of it; `meta` has no rows."""
    import dask.dataframe as dd

    return dd.from_delayed(parts, meta=meta, verify_meta=False)


def some_of(X, pieces, parts):
    """The collection of some of its partitions, which `pieces` has all of."""
    import dask.array as da

    if is_table(X):
        return as_parted(X._meta, [pieces[p] for p in parts])
    return da.concatenate([X.blocks[int(p)] for p in parts])


def filtered(X, parts, keep, sizes):
    """The collection of the rows that the delayed masks `keep` say; `sizes` are their numbers."""
    parts = [task(_rows)(part, mask) for part, mask in zip(parts, keep, strict=True)]
    if is_table(X):
        return as_parted(X._meta, parts)
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
