"""Numbers from several annotators, each with a bias and a variance."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sknoisy._em import run_em
from sknoisy._typing import Array, ArrayLike
from sknoisy.weak_labels.crowds._base import BaseAggregator


class BiasVariance(BaseAggregator):
    """Aggregator of numbers: each annotator has a bias and a variance, learnt by EM.

    An answer is the true number, plus the bias of the annotator, plus a normal error of his own
    variance; the true numbers are normal, too. Biases are relative to one another, with mean zero
    over all answers: nobody can tell from the answers alone that all are too high. Annotators of
    few answers are drawn to no bias and to the variance that all have together.

    Parameters
    ----------
    prior_strength : float >= 0, default=2.0
        How many answers that counts for.
    max_iter : int >= 1, default=500
        Rounds of EM at most.
    tol : float >= 0, default=1e-4
        EM stops when the numbers move by no more than this on average, in standard deviations of
        the answers.
    missing : object, default=None
        A value that is a blank, besides NaN, None and pd.NA; -999, for instance.
    allow_empty : bool, default=False
        Whether a row may have no answer at all (it gets the mean) and an annotator may have given
        none (he counts as an average one). By default both are errors.

    Attributes
    ----------
    annotators_ : ndarray of shape (m,)
        Names of the columns, or their numbers.
    n_answers_ : ndarray of shape (m,)
        Number of answers of each annotator.
    values_ : ndarray of shape (n,)
        Posterior mean of the true numbers.
    values_std_ : ndarray of shape (n,)
        Posterior standard deviation.
    annotator_bias_ : ndarray of shape (m,)
        What each annotator adds, on average.
    annotator_variance_ : ndarray of shape (m,)
        Variance of his errors about that.
    annotator_skill_ : ndarray of shape (m,)
        Correlation of his answers with the true numbers, by the model: 1 without error, 0 for
        answers by chance.
    mean_, variance_ : float
        Of the true numbers.
    unexplained_variance_ : float
        The same; in a `CrowdRegressor` that about what it predicts.
    n_iter_ : int
        Rounds of EM.

    References
    ----------
    V. C. Raykar, S. Yu, L. H. Zhao, G. H. Valadez, C. Florin, L. Bogoni, L. Moy: "Learning from
    crowds", JMLR, 2010 (its section on regression; here with a bias and a prior for each
    annotator).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.weak_labels import BiasVariance
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=300)
    >>> votes = y[:, None] + [0, 2, -2] + rng.normal(size=(300, 3)) * [0.1, 0.5, 2]
    >>> model = BiasVariance().fit(votes)
    >>> int(model.annotator_bias_.argmax()), int(model.annotator_variance_.argmax())
    (1, 2)
    """

    _is_labels = False
    _parameter_constraints: dict = {
        **BaseAggregator._parameter_constraints,
        "prior_strength": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    values_: Array
    values_std_: Array
    annotator_bias_: Array
    annotator_variance_: Array
    mean_: float
    variance_: float
    unexplained_variance_: float
    n_iter_: int

    def __init__(
        self,
        *,
        prior_strength: float = 2.0,
        max_iter: int = 500,
        tol: float = 1e-4,
        missing: Any = None,
        allow_empty: bool = False,
    ) -> None:
        self.prior_strength = prior_strength
        self.max_iter = max_iter
        self.tol = tol
        self.missing = missing
        self.allow_empty = allow_empty

    def _fit(self, votes, weight, row_prior=None):
        """`row_prior` (n,) is what is expected of each row without answers."""
        counts = weight[votes.row]
        center = np.average(votes.answer, weights=counts)
        scale = np.sqrt(np.average((votes.answer - center) ** 2, weights=counts)) or 1.0
        answer = (votes.answer - center) / scale
        expected = None if row_prior is None else (row_prior - center) / scale
        uncertainty = np.zeros(votes.n_rows)

        def maximise(values, last):
            return estimate_annotators(
                votes, answer, values, uncertainty, weight, self.prior_strength, expected
            )

        def expect(params):
            values, uncertainty[:] = posterior_values(votes, answer, *params)
            return values

        start = votes.by_row(answer) / np.maximum(votes.per_row, 1)
        how = {"max_iter": self.max_iter, "tol": self.tol, "who": type(self).__name__}
        em = run_em(start, weight, maximise, expect, **how)
        mean, unexplained, bias, noise = em.params
        values = em.posterior
        middle = np.average(values, weights=weight)
        variance = np.average((values - middle) ** 2 + uncertainty, weights=weight)
        return {
            "annotators_": votes.annotators,
            "n_answers_": votes.per_annotator,
            "n_features_in_": len(votes.annotators),
            "values_": values * scale + center,
            "values_std_": np.sqrt(uncertainty) * scale,
            "annotator_bias_": bias * scale,
            "annotator_variance_": noise * scale**2,
            "annotator_skill_": np.sqrt(variance / (variance + noise)),
            "mean_": float(middle * scale + center),
            "variance_": float(variance * scale**2),
            "unexplained_variance_": float(unexplained * scale**2),
            "n_iter_": em.n_iter,
        }

    def predict(self, votes: ArrayLike) -> Array:
        """Posterior mean of other rows, answered by the same annotators.

        Parameters
        ----------
        votes : array-like or DataFrame of shape (n_samples, m)
            Columns as in `fit`; those of a DataFrame are found by their names.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        votes = self._read_new(votes)
        return posterior_values(
            votes,
            votes.answer,
            self.mean_,
            self.variance_,
            self.annotator_bias_,
            self.annotator_variance_,
        )[0]

    def _skill_table(self):
        return {
            "n_answers": self.n_answers_,
            "skill": self.annotator_skill_,
            "bias": self.annotator_bias_,
            "std": np.sqrt(self.annotator_variance_),
        }


LEAST = 1e-4  # of the variance of all answers: nobody is trusted further


def estimate_annotators(votes, answer, values, uncertainty, weight, prior_strength, expected=None):
    """(mean, variance, bias, noise): M-step, for answers of about unit variance.

    Where numbers are `expected` (n,), mean is that, and the variance that about it.
    """
    row, by = votes.row, votes.annotator
    w = weight[row]
    n_answers = votes.by_annotator(w)
    strength = prior_strength + (n_answers + prior_strength <= 0)
    bias = votes.by_annotator(w * (answer - values[row])) / (n_answers + strength)
    bias -= np.average(bias, weights=n_answers)
    square = w * ((answer - bias[by] - values[row]) ** 2 + uncertainty[row])
    pooled = square.sum() / w.sum()
    noise = (votes.by_annotator(square) + strength * pooled) / (n_answers + strength)
    mean = np.average(values, weights=weight) if expected is None else expected
    variance = np.average((values - mean) ** 2 + uncertainty, weights=weight)
    return mean, max(variance, LEAST), bias, np.maximum(noise, LEAST)


def posterior_values(votes, answer, mean, variance, bias, noise):
    """(posterior mean, posterior variance) of the rows: E-step."""
    precision = 1 / noise[votes.annotator]
    total = votes.by_row(precision) + 1 / variance
    values = votes.by_row(precision * (answer - bias[votes.annotator])) + mean / variance
    return values / total, 1 / total
