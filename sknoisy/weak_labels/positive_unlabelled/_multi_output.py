"""A matrix of yes-or-no labels, of which only the yes is believed."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sknoisy._evidence._arrays import container, foreign_as_numpy
from sknoisy._evidence._evidence import check_groups, check_weight
from sknoisy._evidence._fitting import IsModel, check_takes_weights
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import whole_fit
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    Estimator,
    FloatArray,
    IntArray,
    MatrixLike,
    RandomStateLike,
)
from sknoisy._wrapper import BaseWrapper, LabelScore
from sknoisy.detection._base import check_kind
from sknoisy.weak_labels.positive_unlabelled._corrected import CorrectedModel, score_of
from sknoisy.weak_labels.positive_unlabelled._labels import read_pu
from sknoisy.weak_labels.positive_unlabelled._prior import estimate_class_prior, positive_link
from sknoisy.weak_labels.positive_unlabelled._variational import fit_variational, weighted_labels


class PUMultiOutputClassifier(LabelScore, BaseWrapper):
    """Classifier of several yes-or-no labels at once, where a missing label does not mean no.

    y is a matrix of 0 and 1, one column a label. Negative labels are thrown away: each column is
    learnt from its ones and from all other rows as unlabelled, by the variational loss, which
    needs no class prior (see `TaylorPUClassifier`), with two things that rare labels need:

    - re-balance: the term of unlabelled rows counts mean(f)^`rebalance`, less for a rare label;
    - temperature: where the logits of f differ little, f is sharpened before weights are made of
      it, at a temperature of `spread` times the standard deviation of its logits, 1 at most.

    Number of fits: for each column `cv` times the rounds, `max_iter` at most, plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap, cloned for each column.
    order : int >= 1 or None, default=None
        Of the Taylor series; None is the logarithm itself.
    rebalance : float >= 0, default=0.5
        Power of the re-balance; 0 for none.
    spread : float > 0 or None, default=1.0
        Of the temperature; None for none.
    calibrate : bool, default=True
        Whether probabilities are corrected to those of having the label, see `TaylorPUClassifier`.
    momentum : float in [0, 1), default=0.5
        Share of what earlier rounds said in f.
    max_iter : int >= 1, default=6
        Rounds at most.
    tol : float >= 0, default=5e-3
        Rounds end when f of unlabelled rows changes less than this on average.
    positive : scalar, default=None
        The value of y that means positive. None: the larger of the two, which is 1 of (0, 1) and
        of (-1, 1), and True; of two texts the one that is not "no", "unlabelled", "not ..." or the
        like, else the later one in the alphabet, with a warning.
    cv : int >= 2 or splitter, default=5
        Folds by which rows are judged by models that have not seen them.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the fits in the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimators_ : list of estimator objects
        The model of each column.
    classes_ : list of ndarray
        The two values of each column.
    positive_at_ : ndarray of shape (L,) of int
        Which of them is the positive one.
    variational_proba_ : ndarray of shape (n, L)
        f of each training row and label, by models that have not seen the row.
    n_iter_ : ndarray of shape (L,)
        Rounds of each column.

    References
    ----------
    Z. Yuan, K. Zhang, T. Huang: "Positive Label Is All You Need for Multi-Label Classification",
    ICME 2024. Adapted: weights of rows for any model in place of a network's loss; the unlabelled
    rows are those without the label; no mixing of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels.positive_unlabelled import PUMultiOutputClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(800, 3))
    >>> y_true = (X > [0.0, 0.5, 1.0]).astype(int)
    >>> y = y_true * (rng.random(y_true.shape) < 0.4)  # most labels are missing
    >>> model = PUMultiOutputClassifier(LogisticRegression(), random_state=0).fit(X, y)
    >>> bool((model.predict(X) == y_true).mean() > 0.9 > (y == y_true).mean())
    True
    """

    __metadata_request__fit = {"groups": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        "estimator": [IsModel()],
        "order": [Interval(Integral, 1, None, closed="left"), None],
        "rebalance": [Interval(Real, 0, None, closed="left")],
        "spread": [Interval(Real, 0, None, closed="neither"), None],
        "calibrate": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "positive": "no_validation",
        "cv": [Interval(Integral, 2, None, closed="left"), "cv_object"],
        "weight_strategy": [StrOptions({"native", "resample"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    estimators_: list[Any]
    classes_: list[Any]
    positive_at_: IntArray
    variational_proba_: FloatArray
    n_iter_: Array

    def __init__(
        self,
        estimator: Estimator,
        *,
        order: int | None = None,
        rebalance: float = 0.5,
        spread: float | None = 1.0,
        calibrate: bool = True,
        momentum: float = 0.5,
        max_iter: int = 6,
        tol: float = 5e-3,
        positive: Any = None,
        cv: int | CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.order = order
        self.rebalance = rebalance
        self.spread = spread
        self.calibrate = calibrate
        self.momentum = momentum
        self.max_iter = max_iter
        self.tol = tol
        self.positive = positive
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit a model for each column of y.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : {array-like, sparse matrix, DataFrame} of shape (n, L)
            1 where a row has a label; 0, -1, False or a blank where that is not known. Any other
            two values do as well, see `positive`.
        sample_weight : array-like of shape (n,), default=None
            Multiplied with any weight computed here.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in the folds, and so do copies of a row.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        self._validate_params()
        check_kind(self.estimator, "classification", type(self).__name__)
        params, weight = self._route(sample_weight, fit_params)
        check_takes_weights(self.estimator, self.weight_strategy, "the loss is made of weights")
        X, labels = container(X), read_matrix(y, self.positive)
        check_consistent_length(X, labels[0].labelled)
        n = len(labels[0].labelled)
        rows = SoftRows(
            X,
            labels[0].classes,
            sample_weight=None if weight is None else check_weight(weight, n),
            groups=None if groups is None else check_groups(groups, n),
            fit_params=params,
            weight_strategy=self.weight_strategy,
            random_state=self._seed(),
            n_jobs=self.n_jobs,
        )
        with whole_fit(self, X, y):
            found = []
            for column in labels:
                column.check_weight(rows.sample_weight)
                rows.classes = column.classes
                found.append(self._fit_column(rows, column))
            models, f, n_iter = zip(*found, strict=True)
            fitted = {
                "estimators_": list(models),
                "classes_": [column.classes for column in labels],
                "positive_at_": np.array([column.positive_at for column in labels]),
                "variational_proba_": np.column_stack(f),
                "n_iter_": np.array(n_iter),
            }
            fitted |= model_attributes(models[0])
            replace_fitted(self, fitted)
        return self

    def _fit_column(self, rows, labels):
        """(model, f, rounds)."""
        weight, f, n_iter = fit_variational(
            self.estimator,
            rows,
            labels,
            rows.folds(labels.codes, self.cv),
            order=self.order,
            rebalance=self.rebalance,
            spread=self.spread,
            momentum=self.momentum,
            max_iter=self.max_iter,
            tol=self.tol,
        )
        model = rows.fit(self.estimator, weighted_labels(labels, weight))
        if self.calibrate and hasattr(model, "predict_proba"):
            prior = estimate_class_prior(
                f,
                labels.labelled,
                sample_weight=rows.sample_weight,
                random_state=rows.random_state,
            )
            link = positive_link(f, labels.labelled, prior.label_frequency, rows.sample_weight)
            model = CorrectedModel([model], labels.classes, labels.positive_at, link.of_proba)
        return model, f, n_iter

    # ------------------------------------------------------------------ after fit

    def predict_proba(self, X: MatrixLike) -> FloatArray:
        """Probability of each row to have each label.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples, L)
        """
        check_is_fitted(self)
        return np.column_stack(
            [
                score_of(model, X, classes, at)
                for model, classes, at in zip(
                    self.estimators_, self.classes_, self.positive_at_, strict=True
                )
            ]
        )

    def predict(self, X: MatrixLike) -> Array:
        """Labels of each row.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples, L)
            In the values of y.
        """
        yes = self.predict_proba(X) > 0.5
        return np.column_stack(
            [
                classes[np.where(column, at, 1 - at)]
                for column, classes, at in zip(yes.T, self.classes_, self.positive_at_, strict=True)
            ]
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimators_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        tags.target_tags.two_d_labels = True
        tags.target_tags.multi_output = True
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.multi_class = False
        return tags


def read_matrix(y, positive=None):
    """A `PULabels` for each column of a matrix."""
    if y is None:
        raise ValueError(
            "PUMultiOutputClassifier requires y to be passed, but the target y is None"
        )
    y = y.toarray() if issparse(y) else foreign_as_numpy(y, "y")
    if not isinstance(y, pd.DataFrame):
        y = pd.DataFrame(np.asarray(y)) if np.ndim(y) == 2 else y
    if np.ndim(y) != 2:
        raise ValueError(
            f"y must be a matrix, a column for each label, got shape {np.shape(y)}. For one label "
            "use another class, TaylorPUClassifier for instance."
        )
    columns = []
    for at, name in enumerate(y.columns):
        try:
            columns.append(read_pu(y.iloc[:, at], positive))
        except (ValueError, TypeError) as error:
            error.add_note(f"This is column {name!r} of y; leave it out if it says nothing.")
            raise
    return columns
