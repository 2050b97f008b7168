"""A small set of trusted rows that may be asked many times."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _num_samples

from sknoisy._notebook import NotebookView
from sknoisy._typing import ArrayLike, MatrixLike, RandomStateLike


class ReusableHoldoutScorer(NotebookView, BaseEstimator):
    """Scores by noisy rows, and by trusted ones only where these say something else.

    Who tunes by a small trusted set many times fits his choice to it. Here each answer is the score
    on the (many, noisy) validation rows, unless that on the trusted rows differs by more than a
    threshold; then it is the latter, with a little noise, and one of `budget` such answers is used
    up. Only these tell anything of the trusted rows, so that their number, and not that of all
    questions, bounds how far the choice can be fitted to them.

    The threshold is blurred, too, or else the answers would tell where it lies. With the defaults
    about a fifth of the questions is answered by trusted rows though both scores are the same, and
    as many are not where they differ by twice the threshold.

    Give `scoring="accuracy"` a corrected score as `noisy_scoring` (`corrected_scorer`) where many
    labels are wrong, or else every answer is used up by the noise.

    It is a scorer: `GridSearchCV(..., scoring=ReusableHoldoutScorer(X_trusted, y_trusted))`. It
    keeps account in `answers_used_`, so take `n_jobs=1`: jobs in other processes have accounts of
    their own.

    Parameters
    ----------
    X : array-like or DataFrame of m rows
        Trusted rows, which no model may be fitted to.
    y : array-like of shape (m,)
        Their right targets.
    scoring : str or callable, default="accuracy"
        On trusted rows. If its values are not from 0 to 1, set `threshold` and `noise` in its unit.
    noisy_scoring : str or callable, default=None
        On the validation rows; None means `scoring`.
    threshold : float > 0, default=None
        Difference that is answered by trusted rows; None means 2 / sqrt(m), four times the largest
        standard error of an accuracy.
    noise : float > 0, default=None
        Scale of the Laplace noise of an answer; None means a quarter of the threshold.
    budget : int >= 1, default=100
        Answers by the trusted rows. Afterwards all are by the noisy ones, with a warning.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    answers_used_ : int
        Of the budget; there once something was asked.

    References
    ----------
    C. Dwork, V. Feldman, M. Hardt, T. Pitassi, O. Reingold, A. Roth: "The reusable holdout:
    Preserving validity in adaptive data analysis", Science 349, 2015 (Thresholdout; there the many
    rows are those of the training, and the threshold is 4 / sqrt(m) for 10,000 rows).

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sknoisy.model_selection import ReusableHoldoutScorer
    >>> X, y = make_classification(600, random_state=0)
    >>> scorer = ReusableHoldoutScorer(X[:100], y[:100], random_state=0)
    >>> search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1, 100]}, scoring=scorer)
    >>> bool(search.fit(X[100:], y[100:]).best_score_ > 0.8)
    True
    """

    _parameter_constraints: dict = {
        "X": "no_validation",
        "y": "no_validation",
        "scoring": [str, callable],
        "noisy_scoring": [str, callable, None],
        "threshold": [Interval(Real, 0, None, closed="neither"), None],
        "noise": [Interval(Real, 0, None, closed="neither"), None],
        "budget": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    answers_used_: int

    def __init__(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        scoring: str | Callable[..., Any] = "accuracy",
        noisy_scoring: str | Callable[..., Any] | None = None,
        threshold: float | None = None,
        noise: float | None = None,
        budget: int = 100,
        random_state: RandomStateLike = None,
    ) -> None:
        self.X = X
        self.y = y
        self.scoring = scoring
        self.noisy_scoring = noisy_scoring
        self.threshold = threshold
        self.noise = noise
        self.budget = budget
        self.random_state = random_state

    def __call__(self, estimator, X, y):
        """Score of a fitted estimator by validation rows and, if they disagree, trusted ones.

        Parameters
        ----------
        estimator : fitted estimator
        X, y
            Validation rows.

        Returns
        -------
        float
        """
        if not hasattr(self, "answers_used_"):
            self._validate_params()
            self.answers_used_ = 0
            self._draws = check_random_state(self.random_state)
            self._threshold = self.threshold or 2 / np.sqrt(_num_samples(self.X))
            self._noise = self.noise or self._threshold / 4
            self._cut = self._new_cut()
        noisy_scoring = self.scoring if self.noisy_scoring is None else self.noisy_scoring
        by_noisy = check_scoring(estimator, noisy_scoring)(estimator, X, y)
        if self.answers_used_ >= self.budget:
            warnings.warn(
                f"All {self.budget} answers by trusted rows are used up: scores are by noisy rows "
                "from now on. Raise budget, or take new trusted rows.",
                UserWarning,
                stacklevel=2,
            )
            return by_noisy
        by_trusted = check_scoring(estimator, self.scoring)(estimator, self.X, self.y)
        if abs(by_trusted - by_noisy) <= self._cut + self._draws.laplace(scale=4 * self._noise):
            return by_noisy
        self.answers_used_ += 1
        self._cut = self._new_cut()
        return float(by_trusted + self._draws.laplace(scale=self._noise))

    def _new_cut(self):
        return self._threshold + self._draws.laplace(scale=2 * self._noise)
