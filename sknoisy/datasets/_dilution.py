"""Noisy rows added to clean ones, instead of clean rows made noisy."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.random import sample_without_replacement

from sknoisy._typing import (
    BoolArray,
    IntArray,
    MatrixLike,
    ProbabilisticClassifier,
    RandomStateLike,
    SameType,
    validate_params,
)
from sknoisy.datasets._classes import draw_by_class, encode, mean_confusion, out_of_fold_proba
from sknoisy.datasets._common import as_frame_or_array, check_same_length, draw_count, is_pandas

_N_FOLDS = 5  # of the model that says which classes are confused


@validate_params(
    {
        "X": "no_validation",
        "y": ["array-like"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "kind": [StrOptions({"uniform", "structured", "foreign"})],
        "structure": [Interval(Real, 0, 1, closed="both")],
        "X_outside": "no_validation",
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def dilute(
    X: MatrixLike,
    y: SameType,
    alpha: float,
    *,
    kind: Literal["uniform", "structured", "foreign"] = "uniform",
    structure: float = 0.5,
    X_outside: MatrixLike | None = None,
    estimator: ProbabilisticClassifier | None = None,
    random_state: RandomStateLike = None,
) -> tuple[Any, SameType, BoolArray, IntArray]:
    """Add `alpha` noisy rows for each clean one, which all stay as they are.

    The other generators replace what is right, so that more noise means less signal. Here the
    signal stays and is diluted: with ``alpha=20`` all but a twentieth of the rows are noise, and
    each clean row is still there.

    Parameters
    ----------
    X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        The features, of any kind. ``kind="structured"`` gives them to `estimator`.

    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values.

    alpha : float >= 0
        Noisy rows per clean row. Each clean row is diluted by equally many, up to one.

    kind : {"uniform", "structured", "foreign"}, default="uniform"
        What the noisy rows are.

        - "uniform": copies of the clean row, with a label drawn evenly from all classes, its own
          one included. The right label of a row stays the most frequent, by one.
        - "structured": the same, but wrong labels are more often those of classes that are
          confused with the right one. Once ``alpha * structure`` is more than the number of
          classes, one of them is more frequent than the right label.
        - "foreign": rows of no class, with a label drawn evenly from all classes.

    structure : float in [0, 1], default=0.5
        Only for "structured". The other classes are put in decreasing order of confusion, and
        their probabilities fall evenly, from ``(1 + structure)`` times what they have with
        "uniform" to ``(1 - structure)`` times. 0 is the same as "uniform".

    X_outside : array-like, DataFrame or sparse matrix of shape (n_outside, n_features), \
default=None
        Only for "foreign": rows to add, in the container of X with its columns, such as those of
        another data set. They are drawn without replacement as long as there are enough.

        None makes rows: each column of X is shuffled by itself. All values are plausible in their
        column, and nothing goes together.

    estimator : classifier with `predict_proba`, default=None
        Only for "structured": what says which classes are confused, by out-of-fold probabilities
        (5 fits); it is cloned. None means
        ``make_pipeline(StandardScaler(), LogisticRegression())``.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws. The same seed and the same data give the same noise, the same rows in
        another order do not.

    Returns
    -------
    X_diluted : ndarray, DataFrame or sparse matrix of shape (n_samples + n_added, n_features)
        The clean rows in their order, then the noisy ones in random order; sparse is in CSR format.
        A DataFrame has a new index.

    y_diluted : same type as y, of shape (n_samples + n_added,)
        Their labels; a list becomes a list, and a Series has a new index.

    mask : ndarray of shape (n_samples + n_added,), dtype bool
        True for the rows whose label is wrong: foreign ones always; copies if their label is not
        that of the clean row.

    source : ndarray of shape (n_samples + n_added,), dtype int
        The row of X that a row is (a copy of); it selects weights or groups for the new rows. Given
        as `groups` to a splitter, it keeps copies of a row out of the folds that judge it. Foreign
        rows have -1, or minus 1 minus their position in `X_outside`.

    Raises
    ------
    ValueError
        If y has a missing value or a single class, or if `X_outside` does not fit X.

    Notes
    -----
    The first two kinds and foreign images are the paper's. It has three orders of the confused
    classes, of which the decreasing one is here; the exact probabilities are ours. Where it uses
    white noise for images, columns are shuffled here, for columns of tables have scales and types.

    With data to spare, `alpha` noisy rows that are other rows than the clean ones are those of
    ``symmetric_noise(y, rate=alpha / (1 + alpha) * (1 - 1 / n_classes))``.

    References
    ----------
    D. Rolnick, A. Veit, S. Belongie, N. Shavit, "Deep Learning is Robust to Massive Label Noise",
    arXiv:1705.10694, 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import dilute
    >>> X, y = load_iris(return_X_y=True)
    >>> X_diluted, y_diluted, mask, source = dilute(X, y, 10, random_state=0)
    >>> X_diluted.shape, round(float(mask.mean()), 1)
    ((1650, 4), 0.6)
    >>> bool((mask == (y_diluted != y[source])).all())
    True
    """
    rng = check_random_state(random_state)
    codes, classes = encode(y)
    X = _as_container(X, "X")
    check_same_length(X, codes)
    if X_outside is not None and kind != "foreign":
        raise ValueError(f"X_outside is for kind='foreign', but kind is {kind!r}.")
    n_added = draw_count(rng, alpha * len(codes))
    if kind == "foreign":
        labels = rng.randint(len(classes), size=n_added)
        if X_outside is None:
            added, source = _shuffled_columns(rng, X, n_added), np.full(n_added, -1)
        else:
            X_outside = _check_outside(X, _as_container(X_outside, "X_outside"))
            rows = _cycle(rng, X_outside.shape[0], n_added)
            added, source = _rows(X_outside, rows), -1 - rows
        wrong = np.ones(n_added, dtype=bool)
    else:
        source = _cycle(rng, len(codes), n_added)
        weight = np.ones((len(classes), len(classes)))
        if kind == "structured":
            proba = out_of_fold_proba(estimator, X, codes, classes, _N_FOLDS, rng)
            weight = _structured(mean_confusion(proba, codes), structure)
        labels = draw_by_class(rng, weight, codes[source])
        added, wrong = _rows(X, source), labels != codes[source]
    first_row = np.unique(codes, return_index=True)[1]
    positions = np.concatenate([np.arange(len(codes)), first_row[labels]])
    mask = np.concatenate([np.zeros(len(codes), dtype=bool), wrong])
    source = np.concatenate([np.arange(len(codes)), source])
    return _stack(X, added), _labels(y, positions), mask, source


def _structured(confusion, structure):
    """Weights of the labels of each class: 1 for itself, falling evenly over those it is taken for.

    Row i are the weights for class i; each sums to the number of classes.
    """
    n_classes = len(confusion)
    falling = 1 + structure * np.linspace(1, -1, n_classes - 1) if n_classes > 2 else np.ones(1)
    weight = np.ones_like(confusion)
    for code, row in enumerate(confusion):
        others = np.delete(np.arange(n_classes), code)
        weight[code, others[np.argsort(-row[others], kind="stable")]] = falling
    return weight


def _cycle(rng, n_rows, n_drawn):
    """Rows in random order, each as often as any other, up to one."""
    n_rounds = -(-n_drawn // n_rows)
    rounds = [rng.permutation(n_rows) for _ in range(n_rounds)]
    return rng.permutation(np.concatenate([*rounds, np.arange(0)])[:n_drawn].astype(int))


def _shuffled_columns(rng, X, n_added):
    """Rows of values that are drawn for each column by itself."""
    if sparse.issparse(X):
        return _shuffled_sparse_columns(rng, X.tocsc(), n_added)
    if isinstance(X, pd.DataFrame):
        out = _rows(X, np.zeros(n_added, dtype=int))
        for j in range(X.shape[1]):
            drawn = X.iloc[_cycle(rng, len(X), n_added), j].reset_index(drop=True)
            out.isetitem(j, drawn)
        return out
    if X.ndim != 2:
        raise ValueError(
            f"X has {X.ndim} dimensions, and only columns can be shuffled; give X_outside."
        )
    columns = [X[_cycle(rng, len(X), n_added), j] for j in range(X.shape[1])]
    return np.column_stack(columns).astype(X.dtype)


def _shuffled_sparse_columns(rng, X, n_added):
    """The same, without a look at the zeros: each column keeps its share of other values."""
    X.sum_duplicates()
    columns, rows, values = [], [], []
    for j in range(X.shape[1]):
        stored = X.data[X.indptr[j] : X.indptr[j + 1]]
        n_stored = draw_count(rng, n_added * len(stored) / X.shape[0])
        if n_stored:
            rows.append(sample_without_replacement(n_added, n_stored, random_state=rng))
            values.append(stored[_cycle(rng, len(stored), n_stored)])
            columns.append(np.full(n_stored, j))
    empty = np.arange(0)
    where = np.concatenate([empty, *rows]), np.concatenate([empty, *columns])
    data = np.concatenate([X.data[:0], *values])
    return type(X)((data, where), shape=(n_added, X.shape[1]), dtype=X.dtype)


def _as_container(X, name):
    if sparse.issparse(X):
        return X.tocsr()
    X = as_frame_or_array(X, name)
    if X.ndim == 0 or X.shape[0] == 0:
        raise ValueError(f"{name} must have rows, got shape {X.shape}.")
    return X


def _check_outside(X, X_outside):
    """X_outside, if its rows can stand under those of X."""
    kinds = [type(c) if isinstance(c, pd.DataFrame) else sparse.issparse(c) for c in (X, X_outside)]
    if kinds[0] != kinds[1]:
        raise ValueError("X and X_outside must be of one kind: DataFrames, arrays or sparse.")
    if isinstance(X, pd.DataFrame) and list(X.columns) != list(X_outside.columns):
        raise ValueError("X_outside must have the columns of X, in their order.")
    if X.shape[1:] != X_outside.shape[1:]:
        raise ValueError(f"X_outside has rows of shape {X_outside.shape[1:]}, X of {X.shape[1:]}.")
    return X_outside


def _rows(X, rows):
    return X.iloc[rows].reset_index(drop=True) if isinstance(X, pd.DataFrame) else X[rows]


def _stack(X, added):
    """The rows of both, with the types of X wherever they can hold both."""
    if sparse.issparse(X):
        # before SciPy 1.12, vstack makes matrices of arrays
        return type(X)(sparse.vstack([X, added], format="csr"))
    if not isinstance(X, pd.DataFrame):
        return np.concatenate([X, added])
    return pd.concat([X, added], ignore_index=True) if len(added) else X.reset_index(drop=True)


def _labels(y, positions):
    """Labels by position, in a container of y's kind."""
    if is_pandas(y):
        return y.iloc[positions].reset_index(drop=True)
    if isinstance(y, list | tuple):
        return type(y)(y[i] for i in positions)
    return y[positions] if hasattr(y, "__getitem__") else np.asarray(y)[positions]
