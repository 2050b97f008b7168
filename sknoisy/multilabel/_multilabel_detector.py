"""Which cells of a matrix of labels are wrong."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence import take_rows
from sknoisy._evidence._arrays import container, with_blanks
from sknoisy._fitted import PlainState, replace_fitted, seen_features
from sknoisy._more_columns import can_have_more_columns, more_columns
from sknoisy._notebook import NotebookView
from sknoisy._progress import CallbackSupportMixin, whole_fit
from sknoisy._typing import (
    Array,
    ArrayLike,
    BoolArray,
    Detector,
    FloatArray,
    MatrixLike,
    RandomStateLike,
)
from sknoisy.detection import ConfidentLearning
from sknoisy.multilabel._columns import (
    cell_report,
    cells_of,
    check_metadata,
    fit_columns,
    indicators,
    read_label_matrix,
)


class MultiLabelDetector(CallbackSupportMixin, NotebookView, PlainState, BaseEstimator):
    """Cells of a matrix of labels that are wrong, by any detector, one column after the other.

    Where a row may have several labels at once, or answers to several questions, a wrong answer to
    one of them does not make the others wrong. Each column is judged by a clone of the detector, on
    the rows that have a label there; given labels of the other columns are features of it, so that
    what goes together is known.

    Number of fits: those of the detector for each column.

    Parameters
    ----------
    detector : detector object, default=None
        Any of `sknoisy.detection` for labels. None means `ConfidentLearning(bounded=True)`.
    others : bool, default=True
        Whether the given labels of the other columns are further columns of X. Not for texts. A
        ColumnTransformer leaves them out, unless it has `remainder="passthrough"`.
    n_jobs : int or None, default=None
        Jobs of each detection, where the detector leaves it at None.
    random_state : int, RandomState instance or None, default=None
        Seeds the detector where it leaves its `random_state` at None.

    Attributes
    ----------
    detectors_ : list of L detectors
        The fitted ones.
    classes_ : list of L ndarrays
    noise_score_ : ndarray of shape (n, L)
        Higher is more suspect; NaN for a cell that could not be judged or has no label.
    noise_proba_ : ndarray of shape (n, L)
        Probability that the label of a cell is wrong; 0 where there is none.
    noise_mask_ : ndarray of shape (n, L) of bool
    y_suggested_ : ndarray of shape (n, L)
        What a label should have been; of cells without a label what they had.
    n_features_in_, feature_names_in_
        Of X, where it has such things.

    See Also
    --------
    MultiLabelClassifier : Trains without, or with corrected, cells.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sknoisy.detection import ConfidentLearning
    >>> from sknoisy.multilabel import MultiLabelDetector
    >>> X, Y = make_multilabel_classification(300, n_classes=3, n_labels=1, random_state=0)
    >>> wrong = np.random.default_rng(0).random(Y.shape) < 0.05
    >>> forest = RandomForestClassifier(random_state=0)
    >>> found = MultiLabelDetector(ConfidentLearning(forest), random_state=0).fit(X, Y ^ wrong)
    >>> found.noise_proba_.shape
    (300, 3)
    >>> bool(found.noise_score_[wrong].mean() > 2 * found.noise_score_[~wrong].mean())
    True
    """

    __metadata_request__fit = {"groups": True, "trusted": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        "detector": [HasMethods(["fit"]), None],
        "others": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    detectors_: list[Any]
    classes_: list[Any]
    noise_score_: FloatArray
    noise_proba_: FloatArray
    noise_mask_: BoolArray
    y_suggested_: Array
    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        detector: Detector | None = None,
        *,
        others: bool = True,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.detector = detector
        self.others = others
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
    ) -> Self:
        """Judge every cell.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
        y : array-like, sparse matrix or DataFrame of shape (n, L)
            Given labels; NaN, None or an empty text for a cell without one.
        sample_weight : array-like of shape (n,), default=None
        groups : array-like of shape (n,), default=None
        trusted : array-like of shape (n,) or (n, L) of bool, default=None
            Rows or cells that are known to be right.

        Returns
        -------
        self : object
        """
        self._validate_params()
        X, y = container(X), with_blanks(y, "y")
        labels = read_label_matrix(y, X, type(self).__name__)
        weight, groups, trusted = check_metadata(X, labels, sample_weight, groups, trusted)
        n = len(labels.known)
        with whole_fit(self, X, y, len(labels.columns)):
            detectors, rows = fit_columns(
                self._clone,
                lambda j: self._beside(X, labels, j),
                labels,
                {"sample_weight": weight, "groups": groups},
                trusted,
            )
        each = list(zip(rows, detectors, strict=True))
        fitted = {
            "detectors_": detectors,
            "classes_": [found.classes_ for found in detectors],
            "noise_score_": _stack([cells_of(at, d.noise_score_, n, np.nan) for at, d in each]),
            "noise_proba_": _stack([cells_of(at, d.noise_proba_, n, 0.0) for at, d in each]),
            "noise_mask_": _stack([cells_of(at, d.noise_mask_, n, False) for at, d in each]),
            "y_suggested_": suggested(y, [(at, d.y_suggested_) for at, d in each]),
            "_rows": rows,
            "_names": labels.names,
            **seen_features(X),
        }
        replace_fitted(self, fitted)
        return self

    def noise_report(self, X: MatrixLike, y: ArrayLike) -> pd.DataFrame:
        """Table of the cells, worst first.

        Parameters
        ----------
        X, y
            What `fit` got.

        Returns
        -------
        DataFrame
            As that of a detector, with a further column `column`: the name of the column of y.
        """
        check_is_fitted(self)
        X, y = container(X), with_blanks(y, "y")
        labels = read_label_matrix(y, X, type(self).__name__)
        n = len(labels.known)
        reports = [
            found.noise_report(take_rows(self._beside(X, labels, j), at), labels.columns[j])
            for j, (found, at) in enumerate(zip(self.detectors_, self._rows, strict=True))
        ]
        return cell_report(reports, labels, self._rows, index_of(X, y, n))

    def _beside(self, X, labels, j):
        """X with the given labels of the columns other than j, where it can have them."""
        if not self.others or len(labels.columns) < 2 or not can_have_more_columns(X):
            return X
        marks = [indicators(labels, k) for k in range(len(labels.columns)) if k != j]
        marks = np.column_stack(marks)
        return more_columns(X, marks, [f"sknoisy_label_{k}" for k in range(marks.shape[1])])

    def _clone(self):
        detector = ConfidentLearning(bounded=True) if self.detector is None else self.detector
        detector = clone(detector)
        own = detector.get_params(deep=False)
        seed = self.random_state
        if seed is not None:
            seed = int(check_random_state(clone(seed, safe=False)).randint(2**31 - 1))
        given = {"n_jobs": self.n_jobs, "random_state": seed}
        return detector.set_params(
            **{k: v for k, v in given.items() if k in own and own[k] is None}
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.input_tags.sparse = True
        return tags


def _stack(columns):
    return np.column_stack(columns)


def suggested(y, parts):
    """(n, L) array of labels in which those of some rows are replaced, column by column."""
    if hasattr(y, "toarray"):
        y = y.toarray()
    out = np.array(y, dtype=object) if isinstance(y, pd.DataFrame) else np.array(y)
    for j, (rows, labels) in enumerate(parts):
        out[rows, j] = labels
    return out


def index_of(X, y, n):
    """The index of X, else of y, else the row numbers."""
    for table in (X, y):
        if isinstance(table, pd.DataFrame):
            return table.index
    return pd.RangeIndex(n)
