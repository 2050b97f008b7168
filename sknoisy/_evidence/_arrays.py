"""Arrays of other libraries: read as NumPy's where sknoisy reads, passed on where a model does."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy.sparse import issparse

# how each is made an array of NumPy
AS_NUMPY = {
    "cupy": "cupy.asnumpy({0})",
    "jax": "numpy.asarray({0})",
    "jaxlib": "numpy.asarray({0})",
    "mlx": "numpy.array({0})",
    "tensorflow": "{0}.numpy()",
    "torch": "{0}.detach().cpu().numpy()",
}


def is_foreign(values):
    """Whether this is an array of PyTorch, JAX, CuPy or another library than NumPy."""
    kind = type(values)
    ours = (np.ndarray, np.generic, pd.api.extensions.ExtensionArray)
    # a table and its columns have types of their own, which NumPy's arrays do not
    if isinstance(values, ours) or issparse(values) or hasattr(kind, "to_pandas"):
        return False
    return hasattr(kind, "__dlpack__") or _library(values) in AS_NUMPY and hasattr(kind, "shape")


def as_numpy(values, name):
    """`np.asarray`, also of an array of another library, on whatever device; `name` is for errors.

    Numbers that NumPy knows no type for, such as bfloat16, become the next wider ones it knows.
    """
    return np.asarray(foreign_as_numpy(values, name))


def foreign_as_numpy(values, name):
    """`as_numpy` of an array of another library, or of a list of such; all else as it came.

    Masked entries are refused.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        at = np.argwhere(np.ma.getmaskarray(values))
        raise ValueError(
            f"{name} is masked in {len(at)} entries, first in row {at[0][0]}, and what is under a "
            "mask would be taken for known: fill them, or leave these rows out."
        )
    if isinstance(values, list | tuple) and len(values) and is_foreign(values[0]):
        return np.array([foreign_as_numpy(v, f"{name}[{i}]") for i, v in enumerate(values)])
    if not is_foreign(values):
        return values
    try:
        return _usual_type(_on_host(values))
    except Exception as error:
        raise TypeError(
            f"{name} is {_kind(values)}, and cannot be read as a NumPy array here ({error}): "
            f"give {_how(values, name)}."
        ) from error


def with_blanks(values, name):
    """`foreign_as_numpy` where entries may be missing: None, in an array of objects, for a mask."""
    if not isinstance(values, np.ma.MaskedArray):  # nullable arrays of pandas have masks as well
        return foreign_as_numpy(values, name)
    filled = np.array(values.data, dtype=object)
    filled[np.ma.getmaskarray(values)] = None
    return filled


def all_as_numpy(**values):
    """List of `foreign_as_numpy` of each, by the names of parameters."""
    return [foreign_as_numpy(value, name) for name, value in values.items()]


def container(X, name="X"):
    """X as it came; what has no rows of its own to be taken, but only DLPack, as a NumPy array."""
    if isinstance(X, dict | set | str | bytes) and not issparse(X):  # a DOK matrix is a dict
        raise TypeError(
            f"{name} is a {type(X).__name__}, which has no rows: give an array, a list of rows or "
            "a table, as pandas.DataFrame makes one of a dict of columns."
        )
    if hasattr(X, "collect") and hasattr(X, "sink_csv"):  # a LazyFrame of polars
        raise TypeError(f"{name} is {_kind(X)}, which has no rows yet: give {name}.collect().")
    if is_foreign(X) and not (hasattr(type(X), "__getitem__") and hasattr(X, "shape")):
        return as_numpy(X, name)
    return X


def take_foreign(X, rows):
    """Some rows of an array of another library, in its own type."""
    rows = np.arange(len(X))[rows] if isinstance(rows, slice) else np.asarray(rows)
    if rows.dtype == bool:
        rows = np.flatnonzero(rows)
    try:
        return X[rows]
    except (IndexError, TypeError, ValueError) as error:
        if not hasattr(X, "__array_namespace__"):  # as those of TensorFlow
            raise TypeError(
                f"X is {_kind(X)}, of which rows cannot be taken ({error}): give {_how(X, 'X')}."
            ) from error
        library = X.__array_namespace__()  # the array API wants indices of its own kind
        return library.take(X, library.asarray(rows), axis=0)


def ask(model, method, X, params=None, *, for_model=None):
    """What a fitted model says of X, or of `for_model(X)`; X may be of another library."""
    X = container(X)
    with explained(X, model):
        seen = X if for_model is None else for_model(X)
        return getattr(model, method)(seen, **(params or {}))


@contextmanager
def explained(X, model):
    """Add to the error of a model that X is an array of another library, and what to give."""
    try:
        yield
    except Exception as error:
        note = f"X is {_kind(X)}, and models get it as it comes"
        if is_foreign(X) and not any(said.startswith(note) for said in _notes(error)):
            error.add_note(
                f"{note}. If {type(model).__name__} takes arrays of NumPy only, give "
                f"{_how(X, 'X')}."
            )
        raise


def _notes(error):
    return getattr(error, "__notes__", [])


def _library(values):
    return type(values).__module__.split(".")[0]


def _kind(values):
    kind = f"{_library(values)}.{type(values).__name__}"
    return f"a {kind} of {values.dtype}" if hasattr(values, "dtype") else f"a {kind}"


def _how(values, name):
    how = AS_NUMPY.get(_library(values), "numpy.from_dlpack({0}), from the memory of the processor")
    if "sparse" in str(getattr(values, "layout", "")):  # of PyTorch
        name += ".to_dense()"
    how = how.format(name)
    if "bfloat16" in str(getattr(values, "dtype", "")):
        how += ", of float32 (NumPy has no bfloat16)"
    return how


def _on_host(values):
    """An array of NumPy, brought from the device where the values are."""
    if hasattr(values, "detach"):  # PyTorch
        values = values.detach().cpu()
        return (values.float() if "bfloat16" in str(values.dtype) else values).numpy()
    if _library(values) == "cupy":
        return values.get()
    if hasattr(values, "__array__"):
        return np.asarray(values)
    return np.from_dlpack(values)


def _usual_type(values):
    """Types that another library has added to NumPy's as the usual ones."""
    if values.dtype.isbuiltin == 1:
        return values
    return values.astype(np.int64 if "int" in values.dtype.name else np.float32)
