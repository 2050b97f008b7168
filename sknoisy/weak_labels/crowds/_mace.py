"""Annotators who know the answer, or spam."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

import numpy as np
from scipy.special import digamma
from sklearn.utils._param_validation import Interval

from sknoisy._typing import Array, ArrayLike
from sknoisy.weak_labels.crowds._base import EMAggregator


class MACE(EMAggregator):
    """Aggregator: an annotator either gives the true class, or spams in a way of his own.

    Each has a competence, the probability that he looks at the row, and a strategy, the frequencies
    of his answers when he does not. So a spammer who always answers the same class is told from one
    who is wrong now and then. Learnt by variational Bayes.

    Parameters
    ----------
    competence_prior : float > 0, default=0.5
        Both parameters of the Beta prior of the competences; below 1 annotators are either good or
        spammers.
    strategy_prior : float > 0, default=10.0
        Parameter of the Dirichlet prior of the strategies; the larger, the more evenly spammers
        are thought to answer.
    class_prior : {"uniform"}, array-like of shape (K,) or None, default="uniform"
        Frequencies of the classes; None learns them.
    max_iter : int >= 1, default=500
        Rounds of EM at most.
    tol : float >= 0, default=1e-5
        EM stops when the posteriors move by no more than this, on average over the rows.
    missing : object, default=None
        A value that is a blank, besides NaN, None, pd.NA and empty texts; -1, for instance.
    allow_empty : bool, default=False
        Whether a row may have no answer at all (it gets the class prior) and an annotator may have
        given none. By default both are errors.

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
    competence_ : ndarray of shape (m,)
        Probability that an annotator looks at the row.
    strategy_ : ndarray of shape (m, K)
        What he answers when he does not.
    confusion_ : ndarray of shape (m, K, K)
        Both together: annotator, true class, answer.
    annotator_skill_ : ndarray of shape (m,)
        Probability that an annotator is right, by looking or by chance.
    n_iter_ : int
        Rounds of EM.

    References
    ----------
    D. Hovy, T. Berg-Kirkpatrick, A. Vaswani, E. Hovy: "Learning whom to trust with MACE", NAACL,
    2013. There EM starts at random and is repeated; here it starts once, at the shares of the
    answers, so that the same answers always give the same labels.

    See Also
    --------
    OneCoin : Annotators who are wrong in no way of their own.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.weak_labels import MACE
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 3, 200)
    >>> votes = np.where(rng.random((200, 4)) < 0.8, y[:, None], rng.integers(0, 3, (200, 4)))
    >>> votes[:, 3] = 2  # a spammer
    >>> model = MACE().fit(votes)
    >>> int(model.competence_.argmin())
    3
    """

    _parameter_constraints: dict = {
        **EMAggregator._parameter_constraints,
        "competence_prior": [Interval(Real, 0, None, closed="neither")],
        "strategy_prior": [Interval(Real, 0, None, closed="neither")],
    }

    competence_: Array
    strategy_: Array

    def __init__(
        self,
        *,
        competence_prior: float = 0.5,
        strategy_prior: float = 10.0,
        class_prior: Literal["uniform"] | ArrayLike | None = "uniform",
        max_iter: int = 500,
        tol: float = 1e-5,
        missing: Any = None,
        allow_empty: bool = False,
    ) -> None:
        self.competence_prior = competence_prior
        self.strategy_prior = strategy_prior
        self.class_prior = class_prior
        self.max_iter = max_iter
        self.tol = tol
        self.missing = missing
        self.allow_empty = allow_empty

    def _skills(self, votes, posterior, weight, last):
        m, n_classes = len(votes.annotators), len(votes.classes)
        by, answer = votes.annotator, votes.answer
        competence, strategy = np.full(m, 0.5), np.full((m, n_classes), 1 / n_classes)
        if last is not None:
            competence, strategy = last["competence"], last["strategy"]
        guessed = (1 - competence[by]) * strategy[by, answer]
        looked = posterior[votes.row, answer] * competence[by] / (competence[by] + guessed)
        n_looked = votes.by_annotator(weight[votes.row] * looked)
        spam = weight[votes.row] * (1 - looked)
        n_spam = np.bincount(by * n_classes + answer, weights=spam, minlength=m * n_classes)
        n_spam = n_spam.reshape(m, n_classes)
        # the probabilities of variational Bayes sum to less than one: scaled, they are as good
        looks = np.column_stack([n_looked, n_spam.sum(axis=1)]) + self.competence_prior
        competence = _variational(looks)[:, 0]
        strategy = _variational(n_spam + self.strategy_prior)
        confusion = competence[:, None, None] * np.eye(n_classes)
        confusion = confusion + ((1 - competence)[:, None] * strategy)[:, None, :]
        return {"confusion": confusion, "competence": competence, "strategy": strategy}


def _variational(counts):
    """Rows of exp(E log p) for Dirichlet posteriors with these parameters, with sum one."""
    proba = np.exp(digamma(counts) - digamma(counts.sum(axis=1, keepdims=True)))
    return proba / proba.sum(axis=1, keepdims=True)
