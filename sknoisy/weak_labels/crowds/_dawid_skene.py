"""A confusion matrix for each annotator."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

import numpy as np
from scipy.special import gammaln
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import ArrayLike
from sknoisy.weak_labels.crowds._base import (
    TINY,
    EMAggregator,
    drawn_accuracy,
    even_errors,
    expected_counts,
)

OWN = 2.0  # answers that the accuracy of all counts for in the accuracy of one
STRENGTHS = 2.0 ** np.arange(8)


class DawidSkene(EMAggregator):
    """Aggregator: each annotator has a confusion matrix of his own, learnt by EM.

    Answers are independent given the true class. EM starts at the shares of the answers and
    alternates between the posterior of the rows and the confusion matrices that it implies. The
    matrices are the likeliest a posteriori: each is drawn to the annotator's own accuracy with
    errors spread evenly, and he who has few answers to the accuracy that all have together.

    Parameters
    ----------
    prior_strength : {"auto"} or float >= 0, default=2.0
        How many answers that counts for, in each row of a confusion matrix. 0 is maximum
        likelihood, as in the paper; with a large one it becomes `OneCoin`. "auto" finds it, from 1
        to 128: the more the annotators are wrong in ways of their own, the weaker the prior. That
        is better for few rows, and not for many classes with few answers in each.
    class_prior : {"uniform"}, array-like of shape (K,) or None, default=None
        Frequencies of the classes; None learns them.
    max_iter : int >= 1, default=500
        Rounds of EM at most.
    tol : float >= 0, default=1e-5
        EM stops when the posteriors move by no more than this, on average over the rows.
    missing : object, default=None
        A value that is a blank, besides NaN, None, pd.NA and empty texts; -1, for instance.
    allow_empty : bool, default=False
        Whether a row may have no answer at all (it gets the class prior) and an annotator may have
        given none (he counts as an average one). By default both are errors.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        All classes that somebody answers, sorted.
    annotators_ : ndarray of shape (m,)
        Names of the columns, or their numbers.
    n_answers_ : ndarray of shape (m,)
        Number of answers of each annotator.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true class.
    labels_ : ndarray of shape (n,)
        The likeliest class.
    class_prior_ : ndarray of shape (K,)
        Frequencies of the classes.
    confusion_ : ndarray of shape (m, K, K)
        By annotator, true class and answer: probability of the answer.
    annotator_skill_ : ndarray of shape (m,)
        Probability that an annotator is right.
    n_iter_ : int
        Rounds of EM.

    References
    ----------
    A. P. Dawid, A. M. Skene: "Maximum likelihood estimation of observer error-rates using the EM
    algorithm", Applied Statistics, 1979. Here with a prior, without which annotators of few answers
    have confusion matrices of zeros and ones, and its strength by empirical Bayes.

    See Also
    --------
    OneCoin : One number per annotator, for few answers each.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.weak_labels import DawidSkene
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 200)
    >>> accuracy = np.array([0.95, 0.6, 0.6, 0.6, 0.6])
    >>> votes = np.where(rng.random((200, 5)) < accuracy, y[:, None], 1 - y[:, None])
    >>> model = DawidSkene().fit(votes)
    >>> int(model.annotator_skill_.argmax())
    0
    >>> bool((model.labels_ == y).mean() > 0.9)
    True
    """

    _parameter_constraints: dict = {
        **EMAggregator._parameter_constraints,
        "prior_strength": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        prior_strength: Literal["auto"] | float = 2.0,
        class_prior: Literal["uniform"] | ArrayLike | None = None,
        max_iter: int = 500,
        tol: float = 1e-5,
        missing: Any = None,
        allow_empty: bool = False,
    ) -> None:
        self.prior_strength = prior_strength
        self.class_prior = class_prior
        self.max_iter = max_iter
        self.tol = tol
        self.missing = missing
        self.allow_empty = allow_empty

    def _skills(self, votes, posterior, weight, last):
        counts = expected_counts(votes, posterior, weight)
        expected = even_errors(drawn_accuracy(counts, OWN), counts.shape[1])
        strength = self.prior_strength
        if isinstance(strength, str):
            strength = likeliest_strength(counts, expected)
        return {"confusion": confusion_of(counts, expected, strength)}


def confusion_of(counts, expected, strength):
    """(m, K, K) confusion matrices from counts and `strength` answers that are as expected."""
    total = counts.sum(axis=2, keepdims=True)
    # who has never met a class is taken to be as expected there, however weak the prior
    strength = strength + (total + strength <= 0)
    return (counts + strength * expected) / (total + strength)


def likeliest_strength(counts, expected):
    """Of `STRENGTHS` that under which the counts are likeliest, the matrices being drawn about
    what is expected with that strength (empirical Bayes; rows are Dirichlet-multinomial)."""
    total = counts.sum(axis=2)

    def log_likelihood(strength):
        prior = strength * np.maximum(expected, TINY)
        by_answer = gammaln(counts + prior) - gammaln(prior)
        return by_answer.sum() - (gammaln(total + strength) - gammaln(strength)).sum()

    return max(STRENGTHS, key=log_likelihood)
