"""What all generators share: draw rows at a rate, read and rebuild the user's containers."""

import numpy as np
import pandas as pd
from scipy import sparse

_ADVICE = " Encode or impute the column, or leave it out."


def draw_rows(rng, rate, eligible, who):
    """Pick each eligible entry with the one probability that makes `rate` of ALL entries expected.

    `eligible` is a boolean array of any shape, `who` says in an error what the eligible ones are.
    """
    share = float(eligible.mean())
    if rate > share + 1e-6:  # the error prints six digits, and what it prints must work
        raise ValueError(
            f"rate={rate:.6g} cannot be reached: only {share:.6g} of everything is {who}. "
            f"Lower rate to {share:.6g} or less."
        )
    probability = rate / share if share else 0.0
    return eligible & (rng.random_sample(eligible.shape) < probability)


def draw_count(rng, expected):
    """Round `expected` up or down at random, so that it is right on average."""
    return int(expected) + int(rng.random_sample() < expected - int(expected))


def shuffle_positions(rng, n_rows, share):
    """Positions that pass values on along one random cycle through `share` of the rows, expected.

    A cycle gives every chosen row the value of another random chosen row and keeps the set of
    values. A row may get a value equal to its own.
    """
    n_chosen = min(draw_count(rng, share * n_rows), n_rows)
    if n_chosen == 1:  # one row has no partner: two or none, with the same expectation
        n_chosen = 2 * draw_count(rng, 0.5)
    chosen = rng.permutation(n_rows)[:n_chosen]
    positions = np.arange(n_rows)
    positions[chosen] = np.roll(chosen, 1)
    return positions


def differing_share(codes):
    """Probability that two different random rows differ in value."""
    counts = np.bincount(codes)
    n_rows = len(codes)
    return 1.0 - float(np.sum(counts * (counts - 1.0))) / max(n_rows * (n_rows - 1.0), 1.0)


def value_codes(values):
    """Equal numbers for equal values; a missing value equals a missing value."""
    return pd.factorize(pd.Series(values), use_na_sentinel=False)[0]


def is_pandas(container):
    return isinstance(container, pd.Series | pd.DataFrame)


def is_polars(container):
    # By name, because polars is not a dependency.
    return type(container).__module__.partition(".")[0] == "polars"


def _refuse_arrow(values, name):
    if type(values).__module__.partition(".")[0] == "pyarrow":
        raise TypeError(f"{name} is of pyarrow; give {name}.to_pandas() or {name}.to_numpy().")


def take(y, positions):
    """Rows of `y` by position, in a new container of the same kind, with y's own index."""
    if is_pandas(y):
        out = y.iloc[positions]
        out.index = y.index
        return out
    if isinstance(y, list | tuple):
        return type(y)(y[i] for i in positions)
    return y[positions] if hasattr(y, "__getitem__") else np.asarray(y)[positions]


def check_same_length(X, y):
    if not hasattr(X, "shape") and not hasattr(X, "__len__") or np.ndim(X) == 0:
        raise ValueError(f"X must have one row for each of the {len(y)} of y, got {X!r}.")
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if n_rows != len(y):
        raise ValueError(f"X has {n_rows} rows and y has {len(y)}: they must be the same.")


def check_1d(y):
    _refuse_arrow(y, "y")
    if getattr(y, "ndim", 1) != 1 or (hasattr(y, "shape") and len(y.shape) != 1):
        raise ValueError(f"y must be one-dimensional, got shape {y.shape}.")
    if len(y) == 0:
        raise ValueError("y has no rows.")
    if isinstance(y, list | tuple) and isinstance(y[0], list | tuple | np.ndarray):
        raise ValueError("y must be one-dimensional, got a list of lists.")


def read_matrix(X, columns=None, advice=_ADVICE):
    """The chosen columns of X as float64, with their positions; an error names a bad column.

    Returns
    -------
    values : ndarray of shape (n_rows, n_chosen)
    positions : ndarray of shape (n_chosen,)
    """
    if is_polars(X):
        X = pd.DataFrame({name: X[name].to_numpy() for name in X.columns})
    X = as_table(X)
    positions = column_positions(X, columns)
    return read_columns(X, positions, advice), positions


def read_columns(X, positions, advice=_ADVICE):
    """Columns of a table as float64; an error ends in the advice."""
    names = column_names(X)
    columns = [get_column(X, j) for j in positions]
    return np.column_stack(
        [
            _read_numbers(column, f"column {names[j]!r} of X", advice)
            for j, column in zip(positions, columns, strict=True)
        ]
    )


def as_frame_or_array(X, name="X"):
    """The two kinds of container that come back as they are; everything else becomes an array."""
    if isinstance(X, pd.DataFrame):
        return X
    _refuse_arrow(X, name)
    if is_polars(X):
        raise TypeError(f"{name} is of polars; give {name}.to_pandas() or {name}.to_numpy().")
    if sparse.issparse(X):
        raise TypeError(f"{name} is sparse; give {name}.toarray() instead.")
    array = np.asarray(X)
    if isinstance(X, list | tuple) and array.dtype.kind in "US":
        # NumPy turned the numbers of a mixed list into text, too.
        objects = np.array(X, dtype=object)
        array = array if all(isinstance(value, str) for value in objects.flat) else objects
    return array


def as_table(X):
    """X as a DataFrame or a 2-D array with rows and columns."""
    X = as_frame_or_array(X)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"X must have rows and columns, got shape {X.shape}.")
    return X


def column_names(X):
    return list(X.columns) if isinstance(X, pd.DataFrame) else list(range(X.shape[1]))


def get_column(X, j):
    return X.iloc[:, j] if isinstance(X, pd.DataFrame) else X[:, j]


def column_positions(X, columns):
    """Positions of the columns with these names, or of all."""
    names = column_names(X)
    if columns is None:
        return np.arange(len(names))
    if isinstance(columns, str) or not np.iterable(columns):
        columns = [columns]
    missing = [column for column in columns if column not in names]
    if missing:
        raise ValueError(f"column {missing[0]!r} is not in X; its columns are {names[:20]}.")
    if not len(columns):
        raise ValueError("columns is empty; give at least one column, or None for all.")
    return np.array([names.index(column) for column in columns])


def read_target(y):
    """A numeric target as float64; an error names the first row that is no finite number."""
    check_1d(y)
    return _read_numbers(y, "y")


def _read_numbers(values, what, advice=""):
    """One column of numbers as float64."""
    if is_pandas(values) or isinstance(values, pd.api.extensions.ExtensionArray):
        is_number = pd.api.types.is_numeric_dtype(values.dtype)
        # An object column may still hold numbers; a category or a string never counts as one.
        if not is_number and values.dtype != object:
            raise ValueError(f"{what} is of type {values.dtype}, but numbers are needed.{advice}")
        missing = np.asarray(values.isna(), dtype=bool)
        if missing.any():
            row = int(np.argmax(missing))
            raise ValueError(f"{what} has a missing value in row {row} (from 0).{advice}")
    array = np.asarray(values)
    if array.dtype.kind not in "biufO":
        raise ValueError(f"{what} is of type {array.dtype}, but numbers are needed.{advice}")
    if array.dtype == object and any(isinstance(value, str) for value in array):
        raise ValueError(f"{what} holds text, but numbers are needed.{advice}")
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} cannot be read as numbers ({error}).{advice}") from error
    bad = ~np.isfinite(numbers)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{what} has the value {numbers[row]} in row {row} (from 0).{advice}")
    return numbers


def rebuild_target(y, numbers):
    """`numbers` in y's container; floats keep their dtype, everything else becomes float64.

    Also returns where the value differs from y's, after rounding to that dtype.
    """
    if isinstance(y, pd.Series):
        out = pd.Series(numbers, index=y.index, name=y.name).astype(float_dtype(y.dtype))
    elif is_polars(y):
        out = type(y)(y.name, numbers)
        out = out.cast(y.dtype) if y.dtype.is_float() else out
    elif isinstance(y, list | tuple):
        out = type(y)(numbers.tolist())
    elif isinstance(y, pd.Index):
        out = pd.Index(numbers, name=y.name)
    elif isinstance(y, pd.api.extensions.ExtensionArray):
        out = pd.array(numbers, dtype=float_dtype(y.dtype))
    else:
        with np.errstate(over="ignore"):  # an error follows
            out = numbers.astype(float_dtype(np.asarray(y).dtype))
    back = np.asarray(out, dtype=np.float64)
    if not np.isfinite(back).all():
        row = int(np.argmin(np.isfinite(back)))
        raise ValueError(f"the noisy value of row {row} (from 0) is too large for y's type.")
    return out, back != read_target(y)


def float_dtype(dtype):
    """The type a column of `dtype` has after noise was added to it."""
    if isinstance(dtype, np.dtype):
        return dtype if dtype.kind == "f" else np.dtype(np.float64)
    if pd.api.types.is_float_dtype(dtype):
        return dtype
    return pd.Float64Dtype() if hasattr(dtype, "numpy_dtype") else np.dtype(np.float64)


def rebuild_matrix(X, positions, values):
    """X with `values` in the columns at `positions`; integer columns become float64.

    Also returns which of these cells differ from X's, after rounding to the column's dtype.
    """
    if isinstance(X, pd.DataFrame):
        out = X.copy()
        for j, column in zip(positions, values.T, strict=True):
            dtype = float_dtype(X.dtypes.iloc[j])
            out.isetitem(j, pd.Series(column, index=X.index).astype(dtype))
    else:
        out = X.astype(float_dtype(X.dtype))
        out[:, positions] = values
    return out, read_columns(out, positions) != read_columns(X, positions)


def column_spread(values):
    """Standard deviation of each column, exactly 0 for a constant one."""
    constant = (values == values[0]).all(axis=0)
    return np.where(constant, 0.0, values.std(axis=0))
