"""Folds that are scored on trusted rows alone."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _num_samples

from sknoisy._evidence._evidence import check_trusted
from sknoisy._notebook import NotebookView
from sknoisy._typing import ArrayLike, IntArray, MatrixLike, RandomStateLike


class TrustedKFold(NotebookView, BaseEstimator):
    """K folds whose test rows are trusted ones, and whose training rows are all others.

    A score on them is a score on right targets. What it costs is rows: with few trusted ones the
    score is uncertain, and models that are tuned by it for long are fitted to it
    (`ReusableHoldoutScorer` helps).

    Parameters
    ----------
    trusted : array-like of shape (n,) of bool
        Rows known to be right, in the order of the rows that are split.
    n_splits : int >= 2, default=5
    shuffle : bool, default=True
        Before the rows are dealt out.
    random_state : int, RandomState instance or None, default=None

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.model_selection import TrustedKFold
    >>> y = np.tile([0, 1], 50)
    >>> trusted = np.arange(100) < 20
    >>> for train, test in TrustedKFold(trusted, 4, random_state=0).split(np.zeros((100, 1)), y):
    ...     print(len(train), len(test), bool(trusted[test].all()))
    95 5 True
    95 5 True
    95 5 True
    95 5 True
    """

    _parameter_constraints: dict = {
        "trusted": ["array-like"],
        "n_splits": [Interval(Integral, 2, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        trusted: ArrayLike,
        n_splits: int = 5,
        *,
        shuffle: bool = True,
        random_state: RandomStateLike = None,
    ) -> None:
        self.trusted = trusted
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def split(
        self, X: MatrixLike, y: ArrayLike | None = None, groups: Any = None
    ) -> Iterator[tuple[IntArray, IntArray]]:
        """Indices of training and test rows.

        Parameters
        ----------
        X : array-like of n rows
        y : array-like of shape (n,), default=None
            Labels are spread evenly, where there are as many trusted rows of each as folds, on
            average: whole numbers of many values are none.
        groups : ignored

        Yields
        ------
        train, test : ndarray of int
        """
        self._validate_params()
        n = _num_samples(X)
        if np.shape(self.trusted) != (n,):
            raise ValueError(
                f"trusted must be one boolean for each of the {n} rows that are split, got an "
                f"array of shape {np.shape(self.trusted)}. (A search inside another splits a part "
                "of the rows: give the outer one this splitter.)"
            )
        rows = np.flatnonzero(check_trusted(self.trusted, n))
        if len(rows) < self.n_splits:
            raise ValueError(
                f"{len(rows)} trusted rows cannot be dealt to {self.n_splits} folds: take fewer "
                "folds, or check more rows."
            )
        seed = self.random_state if self.shuffle else None
        labels = None if y is None else np.asarray(y)[rows]
        kind = StratifiedKFold if self._are_spread(labels) else KFold
        folds = kind(self.n_splits, shuffle=self.shuffle, random_state=seed)
        for _, at in folds.split(rows, labels):
            test = rows[at]
            yield np.setdiff1d(np.arange(n), test), test

    def _are_spread(self, labels):
        if labels is None or type_of_target(labels) not in ("binary", "multiclass"):
            return False
        return len(np.unique(labels)) * self.n_splits <= len(labels)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds.

        Parameters
        ----------
        X, y, groups : ignored

        Returns
        -------
        int
        """
        return self.n_splits
