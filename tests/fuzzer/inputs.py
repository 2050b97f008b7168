"""What the fuzzer gives to `fit`: a trial is a choice from each of these tables.

The first entry of a table is the ordinary one. Entries that `PLAIN` names say the same as another
entry in another form: containers, names of classes, kinds of splitters. What comes of both must be
the same. Entries in `REFUSED` must not be accepted.
"""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)


def optional(name):
    try:
        return __import__(name)
    except ImportError:
        return None


polars, pyarrow = optional("polars"), optional("pyarrow")

# --------------------------------------------------------------------------- rows


def _plain_rows(rng, n):
    return np.round(rng.normal(size=(n, 3)) * 16) / 16


ROWS = {  # name: (number of rows, how to make them)
    "plain": (42, _plain_rows),
    "hundred": (110, _plain_rows),
    "few": (9, _plain_rows),
    "six": (6, _plain_rows),
    "four": (4, _plain_rows),
    "three": (3, _plain_rows),
    "two": (2, _plain_rows),
    "one": (1, _plain_rows),
    "none": (0, _plain_rows),
    "constant": (42, lambda rng, n: np.ones((n, 3))),
    "three times each": (42, lambda rng, n: np.repeat(_plain_rows(rng, n // 3), 3, axis=0)),
    "one column": (42, lambda rng, n: _plain_rows(rng, n)[:, :1]),
    "no column": (42, lambda rng, n: np.empty((n, 0))),
    "wide": (42, lambda rng, n: np.round(rng.normal(size=(n, 60)) * 16) / 16),
    "collinear": (42, lambda rng, n: _plain_rows(rng, n)[:, [0, 0, 1]]),
    "whole numbers": (42, lambda rng, n: rng.integers(-3, 4, size=(n, 3)).astype(float)),
    "yes and no": (42, lambda rng, n: rng.integers(0, 2, size=(n, 3)).astype(float)),
    "huge": (42, lambda rng, n: _plain_rows(rng, n) * 1e300),
    "large": (42, lambda rng, n: _plain_rows(rng, n) * 1e37),
    "tiny": (42, lambda rng, n: _plain_rows(rng, n) * 1e-300),
    "far off": (42, lambda rng, n: _plain_rows(rng, n) + 2.0**40),
    "of all scales": (42, lambda rng, n: _plain_rows(rng, n) * np.array([1e-9, 1.0, 1e9])),
    "one wild": (42, lambda rng, n: _plain_rows(rng, n) + 1e12 * np.eye(n, 3)),
    "with nan": (
        42,
        lambda rng, n: np.where(rng.random((n, 3)) < 0.1, np.nan, _plain_rows(rng, n)),
    ),
    "a column of nan": (42, lambda rng, n: _plain_rows(rng, n) * np.array([1, np.nan, 1])),
    "with inf": (42, lambda rng, n: _plain_rows(rng, n) + np.diag([np.inf] + [0] * 41)[:, :3]),
}
MANY_ROWS = ("plain", "hundred")


class ArrayLike:
    """Knows how to become an array, and how long it is."""

    def __init__(self, values):
        self.values = values
        self.shape = values.shape

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)

    def __len__(self):
        return len(self.values)


def _frame(X, columns=None, index=None):
    columns = [f"x{j}" for j in range(X.shape[1])] if columns is None else columns(X.shape[1])
    return pd.DataFrame(X, columns=columns, index=index)


def _read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


CONTAINERS = {
    "array": lambda X: X,
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2],
    "backwards": lambda X: X[::-1].copy()[::-1],
    "read-only": _read_only,
    "objects": lambda X: X.astype(object),
    "float32": lambda X: X.astype(np.float32),
    "list": lambda X: X.tolist(),
    "array-like": ArrayLike,
    "frame": _frame,
    "frame, index backwards": lambda X: _frame(X, index=np.arange(len(X))[::-1]),
    "frame, same index": lambda X: _frame(X, index=np.zeros(len(X))),
    "frame, texts as index": lambda X: _frame(X, index=[f"r{i % 7}" for i in range(len(X))]),
    "frame, two levels of index": lambda X: _frame(
        X, index=pd.MultiIndex.from_arrays([np.arange(len(X)) // 2, np.arange(len(X)) % 2])
    ),
    "frame, dates as index": lambda X: _frame(X, index=pd.date_range("2020", periods=len(X))),
    "frame, columns 1 to d": lambda X: _frame(X, lambda d: list(range(1, d + 1))),
    "frame, columns backwards": lambda X: _frame(X, lambda d: list(range(d))[::-1]),
    "frame, columns of one name": lambda X: _frame(X, lambda d: ["x"] * d),
    "frame, columns of mixed names": lambda X: _frame(X, lambda d: [0, *"abc", *range(4, d)][:d]),
    "frame, dates as columns": lambda X: _frame(X, lambda d: pd.date_range("2020", periods=d)),
    "frame, two levels of columns": lambda X: _frame(
        X, lambda d: pd.MultiIndex.from_product([["x"], range(d)])
    ),
    "frame, columns with blanks": lambda X: _frame(X, lambda d: [" " * j for j in range(d)]),
    "nullable frame": lambda X: _frame(X).convert_dtypes(),
    "matrix": np.matrix,
    "three dimensions": lambda X: X[:, :, None],
    "one dimension": lambda X: X[:, 0] if X.shape[1] else X.ravel(),
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_matrix,
    "coo": sparse.coo_matrix,
    "csr array": sparse.csr_array,
    "texts": lambda X: [" ".join(f"w{int(v)}" for v in row) for row in np.nan_to_num(X)],
    "complex": lambda X: X + 0j,
    "a number": lambda X: 5.0,
    "a dict": lambda X: {f"x{j}": column for j, column in enumerate(X.T)},
    "nothing": lambda X: None,
}
if polars is not None:
    CONTAINERS["polars"] = lambda X: polars.DataFrame(_frame(X).to_dict("list"))
if pyarrow is not None:
    CONTAINERS["arrow frame"] = lambda X: _frame(X).convert_dtypes(dtype_backend="pyarrow")

AS_ARRAY = {
    name: "array"
    for name in CONTAINERS
    if name.startswith("frame")
    or name
    in (
        *("fortran", "strided", "backwards", "read-only", "objects", "list", "array-like"),
        *("nullable frame", "polars", "arrow frame", "csr", "csc", "coo", "csr array"),
    )
}

# --------------------------------------------------------------------------- targets


def _codes(rng, X, n_classes, kind):
    """Labels that the first column foretells, one in eight of them wrong."""
    n = len(X)
    if kind == "one class":
        return np.zeros(n, dtype=int)
    if kind == "each its own":
        return np.arange(n)
    if kind == "many":
        return np.arange(n) % max(n // 2, 1)
    first = np.nan_to_num(X[:, 0] if X.ndim == 2 and X.shape[1] else np.arange(n), posinf=1)
    rank = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    codes = rank * n_classes // max(n, 1)
    wrong = rng.random(n) < 0.125
    codes = np.where(wrong, (codes + 1) % n_classes, codes)
    if kind == "one alone":
        codes = np.where(np.arange(n) == n // 2, n_classes, codes)
    if kind == "two rare":
        codes = np.where(np.isin(np.arange(n), (n // 3, n // 2)), n_classes, codes)
    return np.unique(codes, return_inverse=True)[1]


CLASSES = {
    "three": lambda rng, X: _codes(rng, X, 3, ""),
    "two": lambda rng, X: _codes(rng, X, 2, ""),
    "one class": lambda rng, X: _codes(rng, X, 1, "one class"),
    "one alone": lambda rng, X: _codes(rng, X, 2, "one alone"),
    "two rare": lambda rng, X: _codes(rng, X, 2, "two rare"),
    "many": lambda rng, X: _codes(rng, X, 3, "many"),
    "each its own": lambda rng, X: _codes(rng, X, 3, "each its own"),
    "sorted": lambda rng, X: np.sort(_codes(rng, X, 3, "")),
}


def _names(codes, make):
    return [make(code) for code in codes]


LABELS = {
    "codes": lambda c: c,
    "texts": lambda c: np.array(_names(c, lambda j: f"c{j:03d}"), dtype=str),
    "objects": lambda c: np.array(_names(c, lambda j: f"c{j:03d}"), dtype=object),
    "other numbers": lambda c: c * 4 - 9,
    "-1 and up": lambda c: c - 1,
    "large numbers": lambda c: c + 2**60,
    "uint8": lambda c: c.astype(np.uint8),
    "whole floats": lambda c: c.astype(float),
    "floats": lambda c: c * 0.5 + 0.25,
    "tiny floats": lambda c: c * 5e-324,
    "float16": lambda c: c.astype(np.float16),
    "booleans": lambda c: c.astype(bool),
    "list": lambda c: c.tolist(),
    "list of texts": lambda c: _names(c, lambda j: f"c{j:03d}"),
    "tuple": lambda c: tuple(c.tolist()),
    "texts with blanks": lambda c: np.array(_names(c, lambda j: " " * (c.max() - j + 1) + "c")),
    "texts of marks": lambda c: np.array(_names(c, lambda j: f'{j:03d}\t"=+,;\n{{é\x1b')),
    "texts that look missing": lambda c: np.array(
        _names(c, lambda j: ["", "NA", "None", "nan"][j] if c.max() < 4 else f"NA{j:03d}")
    ),
    "bytes": lambda c: np.array(_names(c, lambda j: f"c{j:03d}".encode())),
    "dates": lambda c: np.datetime64("2020-01-01") + c,
    "durations": lambda c: np.timedelta64(1, "D") * c,
    "column": lambda c: c[:, None],
    "series, index backwards": lambda c: pd.Series(c, index=np.arange(len(c))[::-1]),
    "series, same index": lambda c: pd.Series(c, index=np.zeros(len(c))),
    "series of texts": lambda c: pd.Series(_names(c, lambda j: f"c{j:03d}"), dtype="str"),
    "index": lambda c: pd.Index(c),
    "categories": lambda c: pd.Categorical(_names(c, lambda j: f"c{j:03d}")),
    "categories, backwards": lambda c: pd.Series(
        pd.Categorical(
            _names(c, lambda j: f"c{j:03d}"),
            categories=[f"c{j:03d}" for j in range(c.max(initial=0) + 2)][::-1],
            ordered=True,
        )
    ),
    "categories of numbers": lambda c: pd.Series(pd.Categorical(c * 3)),
    "nullable": lambda c: pd.array(c, dtype="Int64"),
    "nullable texts": lambda c: pd.Series(_names(c, lambda j: f"c{j:03d}"), dtype="string"),
    "read-only": lambda c: _read_only(c),
    "array-like": ArrayLike,
    "frame": lambda c: pd.DataFrame({"y": c}),
    "decimals": lambda c: np.array(_names(c, lambda j: decimal.Decimal(int(j))), dtype=object),
    # not to be accepted
    "mixed": lambda c: np.array(_names(c, lambda j: j if j else "none"), dtype=object),
    "tuples": lambda c: _tuples(c),
    "with nan": lambda c: np.where(np.arange(len(c)) == 1, np.nan, c),
    "with None": lambda c: np.array(
        [None if i == 1 else f"c{j}" for i, j in enumerate(c)], dtype=object
    ),
    "with NA": lambda c: pd.array([pd.NA if i == 1 else j for i, j in enumerate(c)], dtype="Int64"),
    "with inf": lambda c: np.where(np.arange(len(c)) == 1, np.inf, c),
    "two columns": lambda c: np.column_stack([c, c]),
    "one too few": lambda c: c[:-1],
    "a label": lambda c: 1,
    "nothing": lambda c: None,
    "complex": lambda c: c + 1j,
    "sparse": lambda c: sparse.csr_matrix(c[:, None]),
}


def _tuples(codes):
    out = np.empty(len(codes), dtype=object)
    out[:] = [(int(c), 0) for c in codes]
    return out


if polars is not None:
    LABELS["polars"] = lambda c: polars.Series(c)
    LABELS["polars texts"] = lambda c: polars.Series(_names(c, lambda j: f"c{j:03d}"))
    LABELS["polars categories"] = lambda c: polars.Series(
        _names(c, lambda j: f"c{j:03d}"), dtype=polars.Categorical
    )
if pyarrow is not None:
    LABELS["arrow"] = lambda c: pd.Series(_names(c, lambda j: f"c{j:03d}"), dtype="string[pyarrow]")
    LABELS["arrow numbers"] = lambda c: pd.Series(c, dtype="int64[pyarrow]")
    LABELS["arrow array"] = lambda c: pyarrow.array(c)

LABELS_REFUSED = (
    *("mixed", "tuples", "with nan", "with None", "with NA", "with inf", "two columns"),
    *("one too few", "a label", "nothing", "complex"),
)
# sets of labels that scikit-learn reads as numbers, or that it does not know
LABELS_MAYBE = ("floats", "tiny floats", "dates", "durations", "bytes", "decimals", "sparse")


def _numbers(rng, X):
    first = np.nan_to_num(X[:, 0] if X.ndim == 2 and X.shape[1] else np.arange(len(X)), posinf=1)
    first = first / (np.abs(first).max(initial=0) or 1)
    y = np.round((first * 3 + rng.normal(size=len(X)) * 0.2) * 64) / 64
    return np.where(rng.random(len(X)) < 0.1, y + 8, y)


NUMBERS = {
    "plain": lambda v: v,
    "list": lambda v: v.tolist(),
    "column": lambda v: v[:, None],
    "series, index backwards": lambda v: pd.Series(v, index=np.arange(len(v))[::-1]),
    "series, same index": lambda v: pd.Series(v, index=np.zeros(len(v))),
    "nullable": lambda v: pd.array(v, dtype="Float64"),
    "decimals": lambda v: np.array([decimal.Decimal(str(x)) for x in v], dtype=object),
    "objects": lambda v: v.astype(object),
    "read-only": lambda v: _read_only(v),
    "array-like": ArrayLike,
    "frame": lambda v: pd.DataFrame({"y": v}),
    "index": lambda v: pd.Index(v),
    "float32": lambda v: v.astype(np.float32),
    "float16": lambda v: v.astype(np.float16),
    "whole": lambda v: np.round(v).astype(int),
    "uint8": lambda v: np.abs(np.round(v)).astype(np.uint8),
    "booleans": lambda v: v > 0,
    "constant": lambda v: np.ones(len(v)),
    "mostly zero": lambda v: np.where(np.arange(len(v)) % 8 == 0, np.abs(v), 0.0),
    "huge": lambda v: v * 1e300,
    "largest": lambda v: np.clip(v, -1, 1) * 1.7e308,
    "tiny": lambda v: v * 1e-300,
    "subnormal": lambda v: np.round(v * 64) * 5e-324,
    "far off": lambda v: v + 2.0**45,
    "one wild": lambda v: np.where(np.arange(len(v)) == 1, 1e300, v),
    "large whole": lambda v: np.round(v * 64).astype(np.int64) * 2**50,
    # not to be accepted
    "texts": lambda v: np.array([f"about {x}" for x in v]),
    "with nan": lambda v: np.where(np.arange(len(v)) == 1, np.nan, v),
    "with inf": lambda v: np.where(np.arange(len(v)) == 1, np.inf, v),
    "with None": lambda v: np.where(np.arange(len(v)) == 1, None, v),
    "two columns": lambda v: np.column_stack([v, v]),
    "one too few": lambda v: v[:-1],
    "a number": lambda v: 1.0,
    "nothing": lambda v: None,
    "complex": lambda v: v + 1j,
    "dates": lambda v: np.datetime64("2020-01-01") + np.round(v).astype(int),
}
NUMBERS_REFUSED = (
    *("texts", "with nan", "with inf", "with None", "two columns", "one too few", "a number"),
    *("nothing", "complex", "dates"),
)
if polars is not None:
    NUMBERS["polars"] = lambda v: polars.Series(v)
if pyarrow is not None:
    NUMBERS["arrow"] = lambda v: pd.Series(v, dtype="float64[pyarrow]")

# --------------------------------------------------------------------------- weights, groups, trust


def _weights(n):
    return 0.25 + (np.arange(n) * 7 % 5) / 4


WEIGHTS = {
    "none": lambda c: None,
    "plain": lambda c: _weights(len(c)),
    "ones": lambda c: np.ones(len(c)),
    "list": lambda c: _weights(len(c)).tolist(),
    "series, index backwards": lambda c: pd.Series(_weights(len(c)), index=np.arange(len(c))[::-1]),
    "float32": lambda c: _weights(len(c)).astype(np.float32),
    "whole": lambda c: 1 + np.arange(len(c)) % 3,
    "booleans": lambda c: np.arange(len(c)) % 3 > 0,
    "a number": lambda c: 2.0,
    "some zero": lambda c: np.where(np.arange(len(c)) % 4 == 0, 0.0, _weights(len(c))),
    "one class zero": lambda c: np.where(np.asarray(c) == np.asarray(c)[:1], 0.0, 1.0),
    "one row only": lambda c: (np.arange(len(c)) == 1).astype(float),
    "times 2**900": lambda c: _weights(len(c)) * 2.0**900,
    "times 2**-900": lambda c: _weights(len(c)) * 2.0**-900,
    "largest": lambda c: np.full(len(c), 1e308),
    "subnormal": lambda c: np.full(len(c), 5e-324),
    "one wild": lambda c: np.where(np.arange(len(c)) == 1, 1e300, 1.0),
    # not to be accepted
    "all zero": lambda c: np.zeros(len(c)),
    "with nan": lambda c: np.where(np.arange(len(c)) == 1, np.nan, 1.0),
    "with inf": lambda c: np.where(np.arange(len(c)) == 1, np.inf, 1.0),
    "negative": lambda c: np.where(np.arange(len(c)) == 1, -1.0, 1.0),
    "one too few": lambda c: _weights(len(c))[:-1],
    "two columns": lambda c: np.ones((len(c), 2)),
    "texts": lambda c: np.array(["heavy"] * len(c)),
}
WEIGHTS_REFUSED = (
    *("all zero", "with nan", "with inf", "negative", "one too few", "two columns", "texts"),
)


def _groups(n):
    return np.arange(n) * 5 % 11 // 2


GROUPS = {
    "none": lambda c: None,
    "plain": lambda c: _groups(len(c)),
    "list": lambda c: _groups(len(c)).tolist(),
    "texts": lambda c: np.array([f"g{g:03d}" for g in _groups(len(c))]),
    "categories": lambda c: pd.Series(pd.Categorical([f"g{g:03d}" for g in _groups(len(c))])),
    "series, index backwards": lambda c: pd.Series(_groups(len(c)), index=np.arange(len(c))[::-1]),
    "column": lambda c: _groups(len(c))[:, None],
    "mixed": lambda c: np.array([g if g % 2 else f"g{g}" for g in _groups(len(c))], dtype=object),
    "tuples": lambda c: [(int(g), "x") for g in _groups(len(c))],
    "floats": lambda c: _groups(len(c)) + 0.5,
    "the classes": lambda c: np.asarray(c),
    "one": lambda c: np.zeros(len(c), dtype=int),
    "each its own": lambda c: np.arange(len(c)),
    "with nan": lambda c: np.where(np.arange(len(c)) == 1, np.nan, _groups(len(c))),
    "with None": lambda c: [None if i == 1 else int(g) for i, g in enumerate(_groups(len(c)))],
    "one too few": lambda c: _groups(len(c))[:-1],
    "two columns": lambda c: np.zeros((len(c), 2)),
    "a text": lambda c: "region",
}
GROUPS_REFUSED = ("with nan", "with None", "one too few", "two columns", "a text")


def _trusted(n):
    return np.arange(n) % 5 == 0


TRUSTED = {
    "none": lambda c: None,
    "plain": lambda c: _trusted(len(c)),
    "list": lambda c: _trusted(len(c)).tolist(),
    "ones and zeros": lambda c: _trusted(len(c)).astype(int),
    "series, index backwards": lambda c: pd.Series(_trusted(len(c)), index=np.arange(len(c))[::-1]),
    "nullable": lambda c: pd.array(_trusted(len(c)), dtype="boolean"),
    "nobody": lambda c: np.zeros(len(c), dtype=bool),
    "all": lambda c: np.ones(len(c), dtype=bool),
    "all but one": lambda c: np.arange(len(c)) != 1,
    "one class": lambda c: np.asarray(c) == np.asarray(c)[:1],
    "one too few": lambda c: _trusted(len(c))[:-1],
    "row numbers": lambda c: np.flatnonzero(_trusted(len(c))),
    "texts": lambda c: np.where(_trusted(len(c)), "yes", "no"),
    "halves": lambda c: _trusted(len(c)) * 0.5,
    "with NA": lambda c: pd.array([pd.NA, *_trusted(len(c))[1:]], dtype="boolean"),
    "two columns": lambda c: np.ones((len(c), 2), dtype=bool),
    "a number": lambda c: 1,
}
TRUSTED_REFUSED = (
    *("one too few", "row numbers", "texts", "halves", "with NA", "two columns", "a number"),
)

# --------------------------------------------------------------------------- folds


def _folds(n, k=3):
    rows = np.arange(n)
    return [(rows[rows % k != j], rows[rows % k == j]) for j in range(k)]


class NotASplitter:
    def split(self, X, y=None, groups=None):
        return 5


class SplitterOfOwn:
    """No more than a `split`."""

    def split(self, X, y=None, groups=None):
        yield from _folds(len(y))


CV = {
    "none": lambda c, n: None,
    "folds": lambda c, n: _folds(n),
    "2": lambda c, n: 2,
    "3": lambda c, n: 3,
    "numpy 3": lambda c, n: np.int64(3),
    "1000": lambda c, n: 1000,
    "k-fold": lambda c, n: KFold(3, shuffle=True, random_state=0),
    "stratified": lambda c, n: StratifiedKFold(2, shuffle=True, random_state=0),
    "by group": lambda c, n: GroupKFold(3),
    "leave one out": lambda c, n: LeaveOneOut(),
    "shuffle": lambda c, n: ShuffleSplit(3, random_state=0),
    "time": lambda c, n: TimeSeriesSplit(3),
    "predefined": lambda c, n: PredefinedSplit(np.arange(n) % 3),
    "of own": lambda c, n: SplitterOfOwn(),
    "generator": lambda c, n: (fold for fold in _folds(n)),
    "tuple of lists": lambda c, n: tuple((a.tolist(), b.tolist()) for a, b in _folds(n)),
    "masks": lambda c, n: [_masks(n, fold) for fold in _folds(n)],
    "floats": lambda c, n: [(a.astype(float), b.astype(float)) for a, b in _folds(n)],
    "negative": lambda c, n: [(a - n, b - n) for a, b in _folds(n)],
    "objects": lambda c, n: [(a.astype(object), b.astype(object)) for a, b in _folds(n)],
    "overlapping": lambda c, n: [(np.arange(n), np.arange(n))],
    "tests twice": lambda c, n: _folds(n) + _folds(n, 2),
    "some never tested": lambda c, n: _folds(n)[:1],
    "row twice in a test": lambda c, n: [(a, np.repeat(b, 2)) for a, b in _folds(n)],
    "one class to fit": lambda c, n: [(np.flatnonzero(np.asarray(c) == 0), np.arange(n))],
    "no test": lambda c, n: [(np.arange(n), np.array([], dtype=int))],
    "no folds": lambda c, n: [],
    "empty dict": lambda c, n: {},
    # not to be accepted
    "no train": lambda c, n: [(np.array([], dtype=int), np.arange(n))],
    "out of range": lambda c, n: [(np.arange(n), np.array([n, n + 1]))],
    "far below": lambda c, n: [(np.arange(n), np.array([-n - 1]))],
    "halves": lambda c, n: [(np.arange(n) + 0.5, np.arange(n) + 0.5)],
    "triples": lambda c, n: [(a, b, b) for a, b in _folds(n)],
    "texts": lambda c, n: [("train", "test")],
    "numbers": lambda c, n: list(range(n)),
    "1": lambda c, n: 1,
    "2.5": lambda c, n: 2.5,
    "yes": lambda c, n: True,
    "a text": lambda c, n: "5",
    "not a splitter": lambda c, n: NotASplitter(),
    "the class itself": lambda c, n: KFold,
    "shorter masks": lambda c, n: [(np.ones(n - 1, dtype=bool), np.zeros(n - 1, dtype=bool))],
}
CV_REFUSED = (
    *("no train", "out of range", "far below", "halves", "triples", "texts", "numbers", "1"),
    *("2.5", "yes", "a text", "not a splitter", "the class itself", "shorter masks"),
)


def _masks(n, fold):
    return tuple(np.isin(np.arange(n), part) for part in fold)


# --------------------------------------------------------------------------- what says the same

PLAIN = {
    "container": AS_ARRAY,
    "labels": {
        name: "codes"
        for name in LABELS
        if name not in (*LABELS_REFUSED, *LABELS_MAYBE, "codes", "booleans")
    },
    "numbers": {
        name: "plain"
        for name in (
            *("list", "column", "series, index backwards", "series, same index", "nullable"),
            *("decimals", "objects", "read-only", "array-like", "frame", "index", "polars"),
            "arrow",
        )
        if name in NUMBERS
    },
    "weight": {"list": "plain", "series, index backwards": "plain"},
    "groups": {
        name: "plain"
        for name in (
            *("list", "texts", "categories", "series, index backwards", "column"),
            *("floats", "tuples"),
        )
    },
    "trusted": {
        name: "plain" for name in ("list", "ones and zeros", "series, index backwards", "nullable")
    },
    "cv": {
        name: "folds"
        for name in (
            *("predefined", "of own", "generator", "tuple of lists", "masks", "floats"),
            *("negative", "objects"),
        )
    }
    | {"numpy 3": "3"},
}
REFUSED = {
    "rows": ("none",),
    "container": ("a number", "a dict", "nothing"),
    "labels": LABELS_REFUSED,
    "numbers": NUMBERS_REFUSED,
    "weight": WEIGHTS_REFUSED,
    "groups": GROUPS_REFUSED,
    "trusted": TRUSTED_REFUSED,
    "cv": CV_REFUSED,
    "threshold": ("-0.1", "0.9", "nan", "a text", "the class itself", "a model", "none"),
    "model": (
        *("the class itself", "a regressor", "a classifier", "a transformer", "a text"),
        *("an empty pipeline", "a pipeline without a model"),
    ),
}
