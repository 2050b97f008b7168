"""Mean and variance of a normal at once: concave maximum likelihood in its natural parameters."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import SplineTransformer
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from sknoisy._evidence._arrays import all_as_numpy, foreign_as_numpy
from sknoisy._notebook import NotebookView
from sknoisy._typing import Array, ArrayLike, FloatArray
from sknoisy._wrapper import NumberScore

LEAST_PRECISION = 1e-3  # of that of standardised y: a spread of at most 30 times that of y


class NaturalParametersRegressor(NumberScore, NotebookView, BaseEstimator):
    """Normal numbers whose mean and scale depend on the features, by concave maximum likelihood.

    The natural parameters of a normal are its precision times its mean, f / g², and minus half its
    precision, -1 / (2 g²). In these the log likelihood is concave. The first one is linear in
    splines of the columns, the second one linear in the same, which are never negative, with
    coefficients that are never negative: so there is one best pair, and no turns are taken. With
    one column, as in the paper, any smooth f and g are of that kind; with several, the sums make a
    poor f wherever g depends on other columns than f does.

    Number of fits: none of other models.

    Parameters
    ----------
    n_knots : int >= 2, default=4
        Of the cubic splines of each column; beyond the outer ones they are constant.
    alpha : float > 0, default=1e-6
        Penalty of squared coefficients, in units of the log likelihood of a row.
    max_iter : int >= 1, default=1000
        Rounds of the optimiser, at most; a `ConvergenceWarning` says when they were too few.

    Attributes
    ----------
    splines_ : SplineTransformer
    coef_ : ndarray of shape (2, n_splines)
        Of f / g² and of 1 / g², for y of mean zero and variance one.
    n_iter_ : int
    n_features_in_, feature_names_in_

    See Also
    --------
    LocationScaleRegressor : For any regressors, by turns.

    References
    ----------
    A. Immer, C. Schultheiss, J. E. Vogt, B. Schölkopf, P. Bühlmann, A. Marx: "On the
    Identifiability and Estimation of Causal Location-Scale Noise Models", ICML, 2023. There with
    one feature, to tell causes from effects.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.error_models import NaturalParametersRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(1000, 1))
    >>> scale = np.exp(X[:, 0])
    >>> y = np.sin(2 * X[:, 0]) + scale * rng.normal(size=1000)
    >>> mean, found = NaturalParametersRegressor().fit(X, y).predict(X, return_std=True)
    >>> bool(np.median(np.abs(found / scale - 1)) < 0.1)
    True
    """

    _parameter_constraints: dict = {
        "n_knots": [Interval(Integral, 2, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    splines_: Any
    coef_: FloatArray
    n_iter_: int
    n_features_in_: int
    feature_names_in_: Array

    def __init__(self, *, n_knots: int = 4, alpha: float = 1e-6, max_iter: int = 1000) -> None:
        self.n_knots = n_knots
        self.alpha = alpha
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Maximise the penalised likelihood.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        self : object
        """
        self._validate_params()
        X, y, sample_weight = all_as_numpy(X=X, y=y, sample_weight=sample_weight)
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        seen = weight > 0
        self.splines_ = SplineTransformer(self.n_knots, extrapolation="constant").fit(X[seen])
        self._centre = np.average(y, weights=weight)
        self._unit = np.sqrt(np.average((y - self._centre) ** 2, weights=weight)) or 1.0
        self.coef_, found = natural_parameters_mle(
            self._features(X),
            (y - self._centre) / self._unit,
            weight,
            alpha=self.alpha,
            max_iter=self.max_iter,
        )
        self.n_iter_ = found.nit
        if found.nit >= self.max_iter:
            warnings.warn(
                f"The likelihood still rises after max_iter={self.max_iter} rounds: raise max_iter "
                "or alpha.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _features(self, X):
        """Splines of the columns; of columns that are all constant, which have none, a constant."""
        constant = all(np.ptp(spline.t) == 0 for spline in self.splines_.bsplines_)
        return np.ones((len(X), 1)) if constant else self.splines_.transform(X)

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict the mean, and if asked the scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
        return_std : bool, default=False

        Returns
        -------
        ndarray of shape (n_samples,), or a pair of such
        """
        check_is_fitted(self)
        X = validate_data(self, foreign_as_numpy(X, "X"), dtype=np.float64, reset=False)
        ratio, precision = self.coef_ @ self._features(X).T
        mean = self._centre + self._unit * ratio / precision
        return (mean, self._unit / np.sqrt(precision)) if return_std else mean


def natural_parameters_mle(features, y, weight, *, alpha=1e-6, max_iter=1000):
    """Coefficients of f / g² and of 1 / g², both linear in features that are not negative.

    Maximises the mean of eta y - p y² / 2 - eta² / (2 p) + log(p) / 2 less half of `alpha` times
    the squared coefficients, where eta = features @ coef[0] and p = features @ coef[1]: concave,
    since eta² / p is convex for p > 0. coef[1] is bounded from below, so that p stays positive.

    Parameters
    ----------
    features : ndarray of shape (n, k)
        Not negative, and not all zero in any row.
    y, weight : ndarray of shape (n,)
    alpha : float
    max_iter : int

    Returns
    -------
    coef : ndarray of shape (2, k)
    found : OptimizeResult
    """
    k, weight = features.shape[1], weight / weight.sum()

    def loss(coef):
        eta, precision = features @ coef[:k], features @ coef[k:]
        mean = eta / precision
        likely = eta * y - 0.5 * precision * y**2 - 0.5 * eta * mean + 0.5 * np.log(precision)
        of_eta = y - mean
        of_precision = 0.5 * (mean**2 - y**2 + 1.0 / precision)
        slope = np.concatenate([(weight * of_eta) @ features, (weight * of_precision) @ features])
        return 0.5 * alpha * coef @ coef - weight @ likely, alpha * coef - slope

    start = np.concatenate([np.zeros(k), np.full(k, 1.0 / max(features.sum(axis=1).mean(), 1e-12))])
    bounds = [(None, None)] * k + [(LEAST_PRECISION, None)] * k
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": max_iter, "maxfun": 10 * max_iter, "ftol": 1e-12, "gtol": 1e-8},
    )
    return found.x.reshape(2, k), found
