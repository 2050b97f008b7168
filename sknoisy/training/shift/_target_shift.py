"""Numbers that are more or less frequent where predictions are needed."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _num_samples, check_consistent_length

from sknoisy._evidence import take_rows
from sknoisy._evidence._arrays import as_numpy, container, foreign_as_numpy, is_foreign
from sknoisy._evidence._features import RowEncoder
from sknoisy._evidence._fitting import check_takes_weights, seeded_clone, take_params
from sknoisy._evidence._responses import number_response
from sknoisy._typing import (
    ArrayLike,
    CVLike,
    Estimator,
    FloatArray,
    MatrixLike,
    ProbabilisticClassifier,
    RandomStateLike,
)
from sknoisy._wrapper import WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining, times
from sknoisy.training.shift._integral_equation import (
    ALPHAS,
    Rows,
    ShiftEquation,
    choose_alpha,
    weight_curve,
)
from sknoisy.treatment._treated import Treated

LEAST_TARGET_ROWS = 10  # of fewer, chance looks like a shift


class TargetShiftRegressor(WrappedRegressor, BaseTraining):
    """Regressor for rows whose numbers are distributed otherwise than those of the training rows.

    Patients of another hospital are sicker, houses of another year dearer: what a row with a given
    number looks like is the same, but the numbers have another distribution. Of the rows there only
    the features are known. From them it is found out how much more frequent each number is there,
    w(y) = p_target(y) / p_source(y), and the training rows are weighted by that.

    The weights obey E[w(Y) | x] = p_target(x) / p_source(x) among the training rows. Both sides are
    estimated by kernels, and the equation, whose solution would be unstable, is solved with
    Tikhonov's regularisation: (alpha I + T* T) rho = T* eta, where w = 1 + rho, eta is the ratio
    of densities less one, and T and T* are kernel-smoothed means over y given x, and over x given
    y. The paper solves this for the features and mentions that those of many dimensions may be
    replaced by what a model says of them. This is the default here, for it works with any features:
    x is the prediction of the wrapped model for rows that it has not seen; a target row is judged
    by one of the same models.

    alpha is chosen by cross-validation: held-out rows tell how well the weights foretell the ratio
    of densities, by the squared error. Where no weights do so better than weights one, by two
    standard errors, a shift is not evident, and all rows weigh one. So it is with fewer than ten
    target rows, too few to tell their standard error.

    The target rows are given in one of two ways:

    - with the others, as rows whose y is NaN. This is the one to use within a Pipeline or a
      search: steps before this one see these rows as they see all others. `score` leaves such rows
      out (scorers that are given by name do not); folds must be shuffled, so that none is without a
      number.
    - as `fit(X, y, X_target=...)`, for use on its own. A Pipeline would hand `X_target` on without
      its own steps, save with metadata routing and `Pipeline(..., transform_input=["X_target"])`.

    Number of fits: `cv` (5; none for "features") plus 1, and systems of `max_rows` equations.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any that takes weights (see `weight_strategy`).
    smooth_over : {"predictions", "features"}, default="predictions"
        What x is: out-of-sample predictions of the wrapped model, or the features themselves as
        numbers in comparable units (the wrapped Pipeline's own steps, or one column for each
        number, category, ...), which should be few.
    alpha : float > 0 or "auto", default="auto"
        Of Tikhonov's regularisation; a number is used as it is, whether a shift is evident or not.
    discriminator : classifier, default=None
        Tells target rows from training rows by x, out of sample, for the ratio of densities. It
        needs `predict_proba`. None means the ratio of two kernel densities.
    max_rows : int >= 20, default=1000
        So many rows of either kind, drawn at random, are enough for the equation, whose matrices
        have the square of this many entries; the weights of the others follow.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the rows that are drawn, and every `random_state` that `estimator` leaves
        at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted with the weights.
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one; 0 for target rows. `sample_weight` given to `fit` comes
        on top.
    weight_curve_ : ndarray of shape (k, 2)
        Numbers and their weights: `np.interp(y, *weight_curve_.T)` is what a number y weighs, for
        instance to score labelled rows as target rows would be.
    alpha_ : float or None
        None where all rows weigh one.
    gain_ : float
        By how much the weights foretell the ratio of densities better than weights one do: half the
        mean squared error, out of sample.
    noise_mask_ : ndarray of shape (n,) of bool
        No row is suspected: all False.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    References
    ----------
    H. Kim, X. Zhang, J. Zhao, Q. Tian: "ReTaSA: A Nonparametric Functional Estimation Approach for
    Addressing Continuous Target Shift", ICLR, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.training.shift import TargetShiftRegressor
    >>> rng = np.random.RandomState(0)
    >>> y = np.concatenate([rng.normal(size=600), rng.normal(1.5, 0.5, size=600)])
    >>> X = y[:, None] + rng.normal(size=(1200, 1))
    >>> known = np.where(np.arange(1200) < 600, y, np.nan)
    >>> model = TargetShiftRegressor(LinearRegression(), random_state=0).fit(X, known)
    >>> plain = LinearRegression().fit(X[:600], y[:600])
    >>> def error(model):
    ...     return np.sqrt(np.mean((model.predict(X[600:]) - y[600:]) ** 2))
    >>> bool(error(model) < 0.75 * error(plain))
    True
    """

    __metadata_request__fit = {"X_target": True}  # noqa: RUF012
    _task = "regression"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "smooth_over": [StrOptions({"predictions", "features"})],
        "alpha": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "discriminator": [HasMethods(["fit", "predict_proba"]), None],
        "max_rows": [Interval(Integral, 20, None, closed="left")],
        "cv": CV,
    }

    sample_weight_: FloatArray
    weight_curve_: FloatArray
    alpha_: float | None
    gain_: float

    def __init__(
        self,
        estimator: Estimator,
        *,
        smooth_over: Literal["predictions", "features"] = "predictions",
        alpha: Literal["auto"] | float = "auto",
        discriminator: ProbabilisticClassifier | None = None,
        max_rows: int = 1000,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.smooth_over = smooth_over
        self.alpha = alpha
        self.discriminator = discriminator
        self.max_rows = max_rows
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        X_target: MatrixLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Find out how numbers are distributed among the target rows, and fit with weights.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Numbers; NaN for target rows.
        X_target : like X, with m rows, default=None
            Target rows, where they are not among those of X. A search passes them on as they are,
            unless they happen to be as many as the rows of X: then it would slice them.
        sample_weight : array-like of shape (n,), default=None
            Multiplied with the weights computed here, and passed to every fit.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in cross-fitting. So do copies of a row.
        trusted : array-like of shape (n,) of bool, default=None
            Has no effect here.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        X, X_target, y = container(X), container(X_target, "X_target"), foreign_as_numpy(y, "y")
        if not is_foreign(X):  # so that models get both in one form
            X_target = foreign_as_numpy(X_target, "X_target")
        labelled = None if y is None else _has_number(y)
        if labelled is None or labelled.all():
            own = {"X_target": X_target, "labelled": None}
            return self._fit(X, y, sample_weight, groups, trusted, fit_params, **own)
        check_consistent_length(X, y)
        if X_target is not None:
            raise ValueError(
                f"y is NaN in {int((~labelled).sum())} rows, which makes them target rows, and "
                "X_target was given, too: give the target rows in one of the two ways."
            )
        if not labelled.any():
            raise ValueError(
                "Input y contains NaN only: all rows are target rows, and there is no number to "
                "learn from."
            )
        rows, n = np.flatnonzero(labelled), len(labelled)
        mine = {"sample_weight": sample_weight, "groups": groups, "trusted": trusted}
        mine = take_params({k: v for k, v in mine.items() if v is not None}, rows, n)
        return self._fit(
            take_rows(X, rows),
            np.asarray(y)[rows].astype(float),
            mine.get("sample_weight"),
            mine.get("groups"),
            mine.get("trusted"),
            take_params(fit_params, rows, n),
            X_target=take_rows(X, np.flatnonzero(~labelled)),
            labelled=labelled,
        )

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R² of the rows that have a number; those whose y is NaN are left out.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        float
        """
        X, y = container(X), foreign_as_numpy(y, "y")
        labelled = _has_number(y)
        if labelled.all():
            return super().score(X, y, sample_weight)
        rows = np.flatnonzero(labelled)
        if not len(rows):
            raise ValueError("y is NaN in all rows to be scored: shuffle the folds.")
        weight = None
        if sample_weight is not None:
            weight = as_numpy(sample_weight, "sample_weight")[rows]
        return super().score(take_rows(X, rows), np.asarray(y)[rows].astype(float), weight)

    def _check_before_training(self, X_target, labelled):
        why = "rows weigh by how frequent their number is among the target rows"
        check_takes_weights(self.estimator, self.weight_strategy, why)

    def _train(self, evidence, X_target, labelled):
        y = evidence.target.y
        weight, found = np.ones(len(y)), {"alpha_": None, "gain_": 0.0, "weight_curve_": None}
        if X_target is None or not _num_samples(X_target):
            warnings.warn(
                "TargetShiftRegressor was given no target rows, so this is the plain model: pass "
                "fit(X, y, X_target=...), or rows whose y is NaN.",
                UserWarning,
                stacklevel=4,
            )
        else:
            found = self._solved(evidence, X_target)
        curve = found["weight_curve_"]
        if curve is None:
            found["weight_curve_"] = np.column_stack([[y.min(), y.max()], [1.0, 1.0]])
        else:
            weight = np.interp(y, *curve.T)
            mean = np.average(weight, weights=evidence.inputs.sample_weight)
            weight, curve[:, 1] = weight / mean, curve[:, 1] / mean
        plain = curve is None and evidence.inputs.sample_weight is None
        every = np.ones(len(y), dtype=bool) if labelled is None else labelled
        of_all = np.zeros(len(every))
        of_all[every] = weight
        return Treated(
            rows=None,
            y=y,
            sample_weight=None if plain else times(weight, evidence),
            noise_mask=np.zeros(len(every), dtype=bool),
            attributes={"sample_weight_": of_all, **found},
        )

    def _solved(self, evidence, X_target):
        """Fitted attributes; no curve where a shift is not evident."""
        plain = {"alpha_": None, "gain_": 0.0, "weight_curve_": None}
        if self.alpha == "auto" and _num_samples(X_target) < LEAST_TARGET_ROWS:
            return plain
        rng = np.random.RandomState(self._seed())
        rows = self._rows(evidence, X_target, rng)
        if len(rows.y) < 2:
            return plain
        alphas = ALPHAS if self.alpha == "auto" else [self.alpha]
        alpha, gain, is_evident = choose_alpha(rows, alphas, rng.randint(2**31 - 1))
        if self.alpha == "auto" and not is_evident:
            return plain | {"gain_": gain}
        curve = weight_curve(ShiftEquation(rows), alpha, evidence.target.y)
        return {"alpha_": alpha, "gain_": gain, "weight_curve_": curve}

    def _rows(self, evidence, X_target, rng):
        """`Rows` of the equation: no more than `max_rows` of either kind."""
        given = evidence.inputs.sample_weight
        base = np.ones(evidence.n_rows) if given is None else given
        of_features = self.smooth_over == "features"
        view = self._features if of_features else self._predictions
        z, z_target = view(evidence, X_target, rng)
        known = np.flatnonzero(np.isfinite(z).all(axis=1) & (base > 0))
        known_target = np.flatnonzero(np.isfinite(z_target).all(axis=1))
        rows = Rows(evidence.target.y.astype(float), z, base, z_target, None)
        if self.discriminator is not None:
            rows = rows.part(known, known_target)
            rows = rows._replace(ratio=self._ratio(rows, rng.randint(2**31 - 1)))
            known, known_target = np.arange(len(rows.y)), np.arange(len(rows.z_target))
        return rows.part(
            rng.permutation(known)[: self.max_rows], rng.permutation(known_target)[: self.max_rows]
        )

    def _predictions(self, evidence, X_target, rng):
        """What models say of rows that they have not seen; each target row is judged by one."""
        how = {"cv": self.cv, "random_state": self._seed(), "n_jobs": self.n_jobs}
        said = evidence.responses(self.estimator, keep_models=True, **how)
        m = _num_samples(X_target)
        judge = rng.permutation(m) % len(said.models)
        of_target = np.full(m, np.nan)
        for number, (model, _) in enumerate(said.models):
            rows = np.flatnonzero(judge == number)
            if len(rows):
                of_target[rows] = number_response(model, take_rows(X_target, rows), rows)[1]
        return said.values[:, None], of_target[:, None]

    def _features(self, evidence, X_target, rng):
        encoder = RowEncoder(self.estimator)
        z = encoder.fit_transform(evidence.inputs.X, evidence.target.y)
        z_target = encoder.transform(X_target)
        return tuple(v.toarray() if issparse(v) else np.asarray(v) for v in (z, z_target))

    def _ratio(self, rows, seed):
        """(n,) odds of a source row to be a target row, over those of the numbers of rows."""
        n, m = len(rows.y), len(rows.z_target)
        if min(n, m) < 2:
            raise ValueError(
                f"discriminator tells {m} target rows from {n} training rows, and two of either "
                "are needed: give more, or set discriminator=None."
            )
        is_target = np.arange(n + m) >= n
        folds = StratifiedKFold(min(5, n, m), shuffle=True, random_state=seed)
        model = seeded_clone(clone(self.discriminator), seed)
        z = np.concatenate([rows.z, rows.z_target])
        proba = cross_val_predict(model, z, is_target, cv=folds, method="predict_proba")[:n, 1]
        proba = np.clip(proba, 0.0, 1.0 - 1.0 / (n + m))
        return proba / (1.0 - proba) * n / m


def _has_number(y):
    """(n,) where y is not missing."""
    missing = np.asarray(pd.isna(np.asarray(y)))
    return ~missing.reshape(len(missing), -1).any(axis=1) if missing.ndim else ~missing[None]
