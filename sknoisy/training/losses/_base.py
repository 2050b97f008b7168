"""What a loss is here: a small object that says how much each row may weigh."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from sknoisy._notebook import NotebookView
from sknoisy._typing import Array, FloatArray

LEAST_PROBA = 1e-3  # of a label, in a logarithm: one row must not rule a mean


class Round(NamedTuple):
    """What a loss that has a memory may ask for.

    Attributes
    ----------
    number : int
        Of the round, from 0.
    before : ndarray
        What the loss gave in the round before, unscaled; in the first, one for each row (labels:
        for its given label).
    sample_weight : ndarray of shape (n,)
        Of the user; ones where there is none.
    """

    number: int
    before: np.ndarray
    sample_weight: np.ndarray


class BaseLoss(NotebookView, BaseEstimator):
    """What losses of labels and of numbers share."""

    _parameter_constraints: dict = {}  # noqa: RUF012
    only_leaves_out = False  # whether all its weights are the same, or none
    doubts = True  # whether a light row is a suspect one

    def objective(self, values: Array, sample_weight: Array) -> float:
        """Loss of all rows: the mean unless a subclass knows better.

        Parameters
        ----------
        values : ndarray of shape (n,)
            Loss of each row.
        sample_weight : ndarray of shape (n,)

        Returns
        -------
        float
        """
        return np.average(values, weights=sample_weight)


class LabelLoss(BaseLoss):
    """A loss of class probabilities, as weights or soft targets of the next fit.

    A subclass writes `weight(proba, codes)`: the slope of its loss over that of cross-entropy,
    both in the model's scores, so that the weighted fit is stationary where the loss is. With
    `loss(proba, codes)` as well, `loss_curve_` is of that loss. A loss that is no weight of the
    given label alone writes `targets` in place of `weight`.

    Examples
    --------
    A loss of one's own, the mean absolute error of the probability of the given label:

    >>> import numpy as np
    >>> from sknoisy.training.losses import LabelLoss, RobustLossClassifier
    >>> class AbsoluteError(LabelLoss):
    ...     def loss(self, proba, codes):
    ...         return 1 - proba[np.arange(len(codes)), codes]
    ...
    ...     def weight(self, proba, codes):
    ...         return proba[np.arange(len(codes)), codes]
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RobustLossClassifier(LogisticRegression(max_iter=1000), loss=AbsoluteError())
    >>> model.fit(X, y).sample_weight_.shape
    (150,)
    """

    def loss(self, proba: Array, codes: Array) -> FloatArray:
        """Loss of each row; cross-entropy unless a subclass knows better.

        Parameters
        ----------
        proba : ndarray of shape (n, K)
            Class probabilities by models that have not seen the row.
        codes : ndarray of shape (n,)
            Column of the given label.

        Returns
        -------
        ndarray of shape (n,)
        """
        return -np.log(np.maximum(own_proba(proba, codes), LEAST_PROBA))

    def weight(self, proba: Array, codes: Array) -> FloatArray:
        """Weight of each row, up to a factor; one unless a subclass knows better.

        Parameters
        ----------
        proba : ndarray of shape (n, K)
        codes : ndarray of shape (n,)

        Returns
        -------
        ndarray of shape (n,)
        """
        return np.ones(len(codes))

    def targets(self, proba: Array, codes: Array, state: Round) -> FloatArray:
        """Soft labels of the next fit; the row sums are weights.

        Parameters
        ----------
        proba : ndarray of shape (n, K)
        codes : ndarray of shape (n,)
        state : Round

        Returns
        -------
        ndarray of shape (n, K)
        """
        return one_hot(codes, proba.shape[1], self.weight(proba, codes))


class NumberLoss(BaseLoss):
    """A loss of scaled residuals, as weights of the next fit.

    A subclass writes `weight(residual)`: the slope of its loss over the residual, the weight of
    iterated least squares. With `loss(residual)` as well, `loss_curve_` is of that loss.

    Examples
    --------
    A loss of one's own, Cauchy's:

    >>> import numpy as np
    >>> from sknoisy.training.losses import NumberLoss, RobustLossRegressor
    >>> class Cauchy(NumberLoss):
    ...     def loss(self, residual):
    ...         return np.log1p(residual**2) / 2
    ...
    ...     def weight(self, residual):
    ...         return 1 / (1 + residual**2)
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> RobustLossRegressor(Ridge(), loss=Cauchy()).fit(X, y).sample_weight_.shape
    (442,)
    """

    def loss(self, residual: Array) -> FloatArray:
        """Loss of each row; half the square unless a subclass knows better.

        Parameters
        ----------
        residual : ndarray of shape (n,)
            Of models that have not seen the row, over the scale.

        Returns
        -------
        ndarray of shape (n,)
        """
        return residual**2 / 2

    def weight(self, residual: Array) -> FloatArray:
        """Weight of each row, up to a factor; one unless a subclass knows better.

        Parameters
        ----------
        residual : ndarray of shape (n,)

        Returns
        -------
        ndarray of shape (n,)
        """
        return np.ones(len(residual))

    def weights(self, residual: Array, state: Round) -> FloatArray:
        """Weight of each row, for a loss that has a memory.

        Parameters
        ----------
        residual : ndarray of shape (n,)
        state : Round

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.weight(residual)


class RowLoss(LabelLoss, NumberLoss):
    """A weight of rows by their plain losses: cross-entropy, or half of the squared residual.

    A subclass writes `row_weight(losses, state)`. It serves labels and numbers.
    """

    def loss(self, *said: Array) -> FloatArray:
        """Plain loss of each row.

        Parameters
        ----------
        *said : ndarray
            Probabilities and codes, or residuals.

        Returns
        -------
        ndarray of shape (n,)
        """
        return LabelLoss.loss(self, *said) if len(said) == 2 else NumberLoss.loss(self, *said)

    def targets(self, proba: Array, codes: Array, state: Round) -> FloatArray:
        """One-hot labels times `row_weight`.

        Parameters
        ----------
        proba : ndarray of shape (n, K)
        codes : ndarray of shape (n,)
        state : Round

        Returns
        -------
        ndarray of shape (n, K)
        """
        of_rows = state._replace(before=state.before.sum(axis=1))
        return one_hot(codes, proba.shape[1], self.row_weight(self.loss(proba, codes), of_rows))

    def weights(self, residual: Array, state: Round) -> FloatArray:
        """`row_weight` of the losses.

        Parameters
        ----------
        residual : ndarray of shape (n,)
        state : Round

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.row_weight(self.loss(residual), state)


def own_proba(proba, codes):
    """(n,) probability of the given label."""
    return proba[np.arange(len(codes)), codes]


def one_hot(codes, n_classes, weight=1.0):
    """(n, K): the weight of a row in the column of its label."""
    out = np.zeros((len(codes), n_classes))
    out[np.arange(len(codes)), codes] = weight
    return out
