"""Numbers whose errors are larger in some rows than in others: mean and scale by turns."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence import Folds, fit_model, take_rows
from sknoisy._evidence._arrays import ask
from sknoisy._evidence._failures import explain
from sknoisy._evidence._fitting import IsModel, check_kind, check_takes_weights, seeded_clone
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import last_fit, whole_fit
from sknoisy._typing import (
    Array,
    ArrayLike,
    BoolArray,
    CVLike,
    Estimator,
    FloatArray,
    MatrixLike,
    RandomStateLike,
)
from sknoisy._wrapper import WrappedRegressor, predicted_column
from sknoisy.detection._base import CV
from sknoisy.noise_model._location_scale import row_scale, scale_of
from sknoisy.training._base import PARAMETERS, open_evidence


class LocationScaleRegressor(WrappedRegressor):
    """Regressor that knows how far off each prediction may be, and learns most from quiet rows.

    y = f(x) + g(x) * noise, of any regressors for f and for g. By turns, both by models that have
    not seen the row: g is learnt from the logarithms of squared residuals (plus 1.27, which is what
    those of a standard normal lack on average), and f is fitted with weights 1 / g². As far as its
    predictions of unseen rows are right, and no further, g differs from row to row: where nothing
    can be foretold of it, all rows have one scale, and this is the plain model.

    The scale is that of residuals, so that what the model does not know counts as noise. It is a
    standard deviation where the noise is normal. The paper maximises one likelihood over both
    parts, which is concave for linear features (`NaturalParametersRegressor`); for other models
    that takes turns. A model that is too simple is bent by weights towards the rows of small
    scale: where the weighted one is the worse of the two, by a standard error of its squared errors
    out of sample, the mean is the plain model's.

    Number of fits: `cv` (5) of either model in each of at most `max_iter` (3) rounds, plus 2; `cv`
    more of the second where the weights are given up.

    Parameters
    ----------
    estimator : estimator object
        The regressor of the mean; any that takes weights (see `weight_strategy`).
    scale_estimator : estimator object, default=None
        Regressor for log g². None means a clone of the other one. A smooth or strongly regularised
        model is advisable, for a squared residual says little of its scale.
    max_iter : int >= 1, default=3
        Rounds, at most.
    tol : float >= 0, default=0.05
        The rounds end when the weights, of mean one, change by no more on average.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which rows are judged by models that have not seen them; None means 5.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the regressor of the mean: as its `sample_weight` (an error when it takes
        none), or by repeating and leaving out rows in proportion to weight. `sample_weight` given
        to `fit` reaches both regressors in this way; 1 / g² is for the mean only.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that the regressors leave at None.

    Attributes
    ----------
    estimator_ : regressor
        Of the mean, fitted with the last weights.
    scale_estimator_ : regressor
        Of log g², before it is brought to what was right out of sample: see `predict_scale`.
    sample_weight_ : ndarray of shape (n,)
        1 / g², of mean one; `sample_weight` given to `fit` comes on top.
    scale_ : ndarray of shape (n,)
        g of the training rows, out of sample, in units of y.
    z_score_ : ndarray of shape (n,)
        Residual over g, out of sample; NaN for a row that could not be judged.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows whose weight is below half of the mean.
    n_iter_ : int
        Rounds.
    weight_change_ : ndarray of shape (`n_iter_`,)
        Mean change of the weights in each round.
    n_features_in_, feature_names_in_
        Of the regressor of the mean, where it has them.

    See Also
    --------
    LocationScale : The same as a detector of wrong numbers.
    NaturalParametersRegressor : Both parts at once.

    References
    ----------
    A. Immer, C. Schultheiss, J. E. Vogt, B. Schölkopf, P. Bühlmann, A. Marx: "On the
    Identifiability and Estimation of Causal Location-Scale Noise Models", ICML, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy.training.error_models import LocationScaleRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 2))
    >>> scale = np.exp(X[:, 1])
    >>> y = X[:, 0] + scale * rng.normal(size=1000)
    >>> model = LocationScaleRegressor(Ridge(), random_state=0).fit(X, y)
    >>> mean, found = model.predict(X, return_std=True)
    >>> bool(np.median(np.abs(found / scale - 1)) < 0.1)
    True
    """

    __metadata_request__fit = {"groups": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        **PARAMETERS,
        "scale_estimator": [IsModel(), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "cv": CV,
    }

    scale_estimator_: Any
    sample_weight_: FloatArray
    scale_: Array
    z_score_: FloatArray
    noise_mask_: BoolArray
    n_iter_: int
    weight_change_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        scale_estimator: Estimator | None = None,
        max_iter: int = 3,
        tol: float = 0.05,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.scale_estimator = scale_estimator
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit mean and scale by turns.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the regressors take; it is only row-indexed here.
        y : array-like of shape (n,)
            Given numbers.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, in every fit of either model.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in the folds. So do copies of a row.
        **fit_params : dict
            Further parameters of the `fit` of the regressor of the mean; those with n entries are
            sliced with the rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        evidence = open_evidence(
            self,
            X,
            y,
            "regression",
            sample_weight=sample_weight,
            groups=groups,
            trusted=None,
            fit_params=fit_params,
        )
        of_scale = self._scale_model(evidence)
        why = "rows of small scale are to weigh more"
        check_takes_weights(self.estimator, self.weight_strategy, why)
        with whole_fit(self, X, y):
            predicted, rows, weight, change = self._turns(evidence, of_scale)
            residual = evidence.target.y - predicted
            with last_fit():
                model = self._fit_mean(evidence, weight)
                scale_model = self._fit_scale(evidence, of_scale, rows)
            fitted = {
                "estimator_": model,
                "scale_estimator_": scale_model,
                "sample_weight_": weight,
                "scale_": rows.scale,
                "z_score_": residual / rows.scale,
                "noise_mask_": weight < 0.5,
                "n_iter_": len(change),
                "weight_change_": np.array(change),
                "_line": rows.line,
            }
            # Only now, when nothing can fail any more, is this object changed.
            replace_fitted(self, fitted | model_attributes(model))
        return self

    def _scale_model(self, evidence):
        model = self.estimator if self.scale_estimator is None else self.scale_estimator
        check_kind(model, "regression", f"scale_estimator of {type(self).__name__}")
        if evidence.inputs.sample_weight is not None:
            why = "sample_weight was given, and scale_estimator learns from the same rows"
            check_takes_weights(model, self.weight_strategy, why)
        return model

    def _turns(self, evidence, of_scale):
        """(predictions, `RowScale`, weights, change of the weights in each round)."""
        y, n = evidence.target.y.astype(float), evidence.n_rows
        given = evidence.inputs.sample_weight
        base = np.ones(n) if given is None else given
        weight, change, folds, plain = np.ones(n), [], [], None
        if n > 1:
            [folds] = evidence.splits(self.cv, random_state=self._seed())
        how = {"cv": Folds(folds), "random_state": self._seed(), "n_jobs": self.n_jobs}
        for _ in range(self.max_iter):
            mean = evidence
            if np.ptp(weight) > 0:
                mean = evidence.replaced(sample_weight=weight * base)
            predicted = np.full(n, np.nan)
            if folds:
                predicted = mean.responses(self.estimator, **how).values
            plain = predicted if plain is None else plain
            rows = row_scale(evidence, y - predicted, of_scale, **how)
            new = rows.scale**-2.0
            new /= np.average(new, weights=base)
            change.append(float(np.average(np.abs(new - weight), weights=base)))
            weight = new
            if change[-1] <= self.tol:
                break
        if evidently_worse(y - predicted, y - plain, base):
            return plain, row_scale(evidence, y - plain, of_scale, **how), np.ones(n), change
        return predicted, rows, weight, change

    def _fit_mean(self, evidence, weight):
        inputs = evidence.inputs
        last = weight if inputs.sample_weight is None else weight * inputs.sample_weight
        if inputs.sample_weight is None and np.ptp(weight) <= 1e-12:
            last = None
        return self._fitted(self.estimator, inputs, inputs.X, inputs.y, last, inputs.fit_params)

    def _fit_scale(self, evidence, of_scale, rows):
        """The model of log g² on all rows; None where none of them could be judged."""
        inputs, judged = evidence.inputs, np.flatnonzero(np.isfinite(rows.log_variance))
        weight = inputs.sample_weight
        if len(judged) < 2 or (weight is not None and not weight[judged].any()):
            return None
        every = len(judged) == evidence.n_rows
        X = inputs.X if every else take_rows(inputs.X, judged)
        weight = None if weight is None else weight[judged]
        return self._fitted(of_scale, inputs, X, rows.log_variance[judged], weight, {})

    def _fitted(self, model, inputs, X, target, weight, params):
        seed = self._seed()
        try:
            return fit_model(
                seeded_clone(model, seed),
                X,
                target,
                weight,
                params,
                weight_strategy=self.weight_strategy,
                random_state=seed,
            )
        except Exception as error:
            explain(error, model, "to all rows", inputs.y, target)
            raise

    def predict(self, X: MatrixLike, return_std: bool = False, **params: Any) -> Any:
        """Predict the mean, and if asked the scale; no row is ever dropped.

        Parameters
        ----------
        X : as in `fit`
        return_std : bool, default=False
            Whether to give the scale, too.
        **params : dict
            Passed to the `predict` of the regressor of the mean.

        Returns
        -------
        ndarray of shape (n_samples,), or a pair of such
        """
        mean = super().predict(X, **params)
        return (mean, self.predict_scale(X)) if return_std else mean

    def predict_scale(self, X: MatrixLike) -> FloatArray:
        """Predict g: the standard deviation of normal noise, in units of y.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples,)
            No further than tenfold from the usual one.
        """
        check_is_fitted(self)
        if self.scale_estimator_ is None:
            n = len(ask(self.estimator_, "predict", X))
            return scale_of(np.full(n, np.nan), self._line)
        said = predicted_column(self.scale_estimator_, X).astype(float)
        return scale_of(said, self._line)


def evidently_worse(residual, other, weight):
    """Whether the mean square of one residual is above that of another by a standard error."""
    more = residual**2 - other**2
    known = np.isfinite(more)
    more, weight = more[known], weight[known]
    if not weight.any():
        return False
    mean = np.average(more, weights=weight)
    error = np.sqrt((weight**2 * (more - mean) ** 2).sum()) / weight.sum()
    return bool(mean > error)
