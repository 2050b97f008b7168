"""A halfspace that minimises a loss which each row can raise only by so much."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Self

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import issparse
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from sknoisy._evidence._arrays import all_as_numpy, foreign_as_numpy
from sknoisy._notebook import NotebookView
from sknoisy._typing import Array, ArrayLike, FloatArray
from sknoisy._wrapper import LabelScore

WIDEST = 0.5  # width of the ramp in the first round, halved in each
REACH = 2.0  # beyond which rows do not count for their square, as a share of the usual distance
ROUNDS = 20


class RampHalfspaceClassifier(LabelScore, LinearClassifierMixin, NotebookView, BaseEstimator):
    """Linear classifier of two classes that minimises the smoothed number of errors.

    The loss of a row is 1 / (1 + exp(m / `width`)), where m is its signed distance from the
    boundary, in units in which the rows, but for those far out, have variance one in all
    directions: a ramp from one to
    zero, so that no row counts for more than one error. The normal of the halfspace has length one,
    or else it would only grow. The loss is not convex: the search begins at the least-squares
    halfspace with a wide ramp, and goes on with ramps of half the width.

    Probabilities are a logistic curve of the distance, of the slope that is likeliest. Sparse rows
    are made dense in `fit`.

    Parameters
    ----------
    width : float > 0, default=0.15
        Of the last ramp. A narrow one counts errors, in few rows.
    max_iter : int >= 1, default=200
        Steps of the optimiser (L-BFGS) for each ramp, at most.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
    coef_ : ndarray of shape (1, d)
    intercept_ : ndarray of shape (1,)
    loss_ : float
        Mean loss with the last ramp.
    slope_ : float
        Of the log odds, per unit of the decision function.
    n_iter_ : int
        Steps of the optimiser, for all ramps.
    n_features_in_, feature_names_in_

    See Also
    --------
    certify_halfspace : Whether the outcome is nearly the best there is.

    References
    ----------
    A. Gollakota, A. R. Klivans, K. Stavropoulos, A. Vasilyan: "An Efficient Tester-Learner for
    Halfspaces", ICLR, 2024. There stochastic gradients find a stationary point.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.error_models import RampHalfspaceClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 3))
    >>> right = X[:, 0] > 0
    >>> y = right ^ (rng.random(1000) < 0.3)
    >>> bool(RampHalfspaceClassifier().fit(X, y).score(X, right) > 0.95)
    True
    """

    _parameter_constraints: dict = {
        "width": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    classes_: Array
    coef_: FloatArray
    intercept_: FloatArray
    loss_: float
    slope_: float
    n_iter_: int
    n_features_in_: int
    feature_names_in_: Array

    def __init__(self, *, width: float = 0.15, max_iter: int = 200) -> None:
        self.width = width
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find the halfspace.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)
            Two labels.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        self : object
        """
        self._validate_params()
        X, y, sample_weight = all_as_numpy(X=X, y=y, sample_weight=sample_weight)
        X, y = validate_data(self, X, y, dtype=np.float64, accept_sparse="csr")
        X = X.toarray() if issparse(X) else X
        check_classification_targets(y)
        check_two_classes(y)
        given = _check_sample_weight(sample_weight, X, dtype=np.float64)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has only one class, {self.classes_[0]!s}, and a halfspace has two sides."
            )
        sign, weight = 2.0 * codes - 1.0, given / given.sum()
        centre, to_white = units(X, weight)
        white = np.column_stack([(X - centre) @ to_white, np.ones(len(X))])
        best, self.loss_, self.n_iter_ = self._descend(white, sign, weight)
        self.coef_ = (to_white @ best[:-1])[None]
        self.intercept_ = np.array([best[-1] - self.coef_[0] @ centre])
        odds = LogisticRegression(C=1e6, fit_intercept=False, tol=1e-10, max_iter=1000)
        odds.fit((white @ best)[:, None], codes, given)
        self.slope_ = max(float(odds.coef_[0, 0]), 1e-6)
        return self

    def _descend(self, white, sign, weight):
        # least squares in these units, but for rows far out
        params = (weight * sign * within_reach(white[:, :-1])) @ white
        if not np.linalg.norm(params[:-1]) > 1e-12:
            params[:-1] += 1e-6
        width, n_iter = max(WIDEST, self.width), 0
        while True:
            found = minimize(
                ramp_loss,
                params / max(np.linalg.norm(params[:-1]), 1e-300),
                args=(white, sign, weight, width),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": self.max_iter},
            )
            params, n_iter = found.x, n_iter + int(found.nit)
            if width <= self.width:
                length = max(np.linalg.norm(params[:-1]), 1e-300)
                return params / length, float(found.fun), max(n_iter, 1)
            width = max(0.5 * width, self.width)

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Linear scores, positive on the side of the second class.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return super().decision_function(foreign_as_numpy(X, "X"))

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Probabilities of the two classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)

        Returns
        -------
        ndarray of shape (n_samples, 2)
        """
        check_is_fitted(self)
        odds = self.slope_ * self.decision_function(X)
        return np.column_stack([expit(-odds), expit(odds)])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = False
        return tags


def units(X, weight):
    """(centre, matrix): (X - centre) @ matrix has variance one in all directions that there are.

    Rows far out count for less: a robust estimate of scatter, by repeated weighting.
    """
    weight = weight / weight.sum()
    centre, to_white = weight @ X, np.eye(X.shape[1])
    share = weight
    for _ in range(ROUNDS):
        before, away = to_white, X - centre
        values, vectors = np.linalg.eigh((away * share[:, None]).T @ away)
        kept = values > 1e-10 * max(values.max(), 1e-300)
        to_white = vectors[:, kept] / np.sqrt(values[kept])
        reach = within_reach(away @ to_white)
        share, centre = weight * reach**2, np.average(X, axis=0, weights=weight * reach)
        if before.shape == to_white.shape and np.allclose(np.abs(before), np.abs(to_white)):
            break
    return centre, to_white


def within_reach(white):
    """What is left of the length of rows that are far out, as a share of it."""
    length = np.linalg.norm(white, axis=1)
    most = REACH * np.sqrt(max(white.shape[1], 1))
    return np.minimum(1.0, most / np.maximum(length, 1e-300))


def ramp_loss(params, rows, sign, weight, width):
    """(mean loss, gradient) of a halfspace whose normal is brought to length one.

    Parameters
    ----------
    params : ndarray of shape (d + 1,)
        Normal and offset.
    rows : ndarray of shape (n, d + 1)
        The last column is one.
    sign : ndarray of shape (n,)
        Labels, -1 or 1.
    weight : ndarray of shape (n,)
        Their sum is one.
    width : float
    """
    length = max(np.linalg.norm(params[:-1]), 1e-300)
    margin = rows @ params / length
    loss = expit(-sign * margin / width)
    slope = -sign * loss * (1.0 - loss) / width * weight
    gradient = slope @ rows / length
    gradient[:-1] -= (slope @ margin) * params[:-1] / length**2
    return weight @ loss, gradient


def check_two_classes(y):
    """Say in scikit-learn's words that a halfspace is for two classes."""
    kind = type_of_target(y, input_name="y")
    if kind != "binary":
        raise ValueError(
            f"Only binary classification is supported. The type of the target is {kind}."
        )
