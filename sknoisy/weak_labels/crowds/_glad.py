"""Annotators of unlike ability, and rows of unlike difficulty."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy.special import expit, log_expit

from sknoisy._typing import Array, ArrayLike
from sknoisy.weak_labels.crowds._base import EMAggregator, even_errors

MEAN = 1.0  # of the normal priors of abilities and log easiness, of variance one, as in the paper
STEP = 1.0  # no parameter moves further in one round


class GLAD(EMAggregator):
    """Aggregator: an able annotator is right where the row is easy; both are learnt.

    The probability of a right answer is the logistic function of ability times easiness. Whoever
    is wrong answers any of the other classes, as likely one as another. A negative ability is that
    of an adversary. Learnt by EM with one step of Fisher scoring in each round.

    Parameters
    ----------
    class_prior : {"uniform"}, array-like of shape (K,) or None, default="uniform"
        Frequencies of the classes; None learns them.
    max_iter : int >= 1, default=500
        Rounds of EM at most.
    tol : float >= 0, default=1e-4
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
    ability_ : ndarray of shape (m,)
        0 for who answers by chance (of two classes), the larger the better.
    difficulty_ : ndarray of shape (n,)
        Of the rows: 1 over the easiness, which is positive.
    confusion_ : ndarray of shape (m, K, K)
        Annotator, true class and answer in a row of usual difficulty, by which other rows are
        judged.
    annotator_skill_ : ndarray of shape (m,)
        Probability that an annotator is right in a row of usual difficulty.
    n_iter_ : int
        Rounds of EM.

    References
    ----------
    J. Whitehill, P. Ruvolo, T. Wu, J. Bergsma, J. Movellan: "Whose vote should count more: optimal
    integration of labels from labelers of unknown expertise", NeurIPS, 2009. There of two classes,
    and with conjugate gradients in each M-step.

    See Also
    --------
    OneCoin : The same where all rows are as difficult.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.weak_labels import GLAD
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 200)
    >>> right = np.where(np.arange(200) < 100, 0.95, 0.6)  # the first half is easy
    >>> votes = np.where(rng.random((200, 7)) < right[:, None], y[:, None], 1 - y[:, None])
    >>> model = GLAD().fit(votes)
    >>> bool(model.difficulty_[:100].mean() < model.difficulty_[100:].mean())
    True
    """

    ability_: Array
    difficulty_: Array

    def __init__(
        self,
        *,
        class_prior: Literal["uniform"] | ArrayLike | None = "uniform",
        max_iter: int = 500,
        tol: float = 1e-4,
        missing: Any = None,
        allow_empty: bool = False,
    ) -> None:
        self.class_prior = class_prior
        self.max_iter = max_iter
        self.tol = tol
        self.missing = missing
        self.allow_empty = allow_empty

    def _skills(self, votes, posterior, weight, last):
        ability, easiness = np.full(len(votes.annotators), MEAN), np.full(votes.n_rows, MEAN)
        if last is not None:
            ability, easiness = last["ability"], -np.log(last["difficulty"])
        right = posterior[votes.row, votes.answer]
        ability = _better_ability(votes, right, weight, ability, easiness)
        easiness = _better_easiness(votes, right, ability, easiness)
        usual = np.exp(np.average(easiness, weights=weight))
        confusion = even_errors(expit(ability * usual), len(votes.classes))
        return {"confusion": confusion, "ability": ability, "difficulty": np.exp(-easiness)}

    def _log_likelihood(self, votes, skills):
        n_classes = len(votes.classes)
        power = skills["ability"][votes.annotator] / skills["difficulty"][votes.row]
        wrong = log_expit(-power) - np.log(n_classes - 1)
        surplus = log_expit(power) - wrong
        flat = votes.row * n_classes + votes.answer
        logs = np.bincount(flat, weights=surplus, minlength=votes.n_rows * n_classes)
        return logs.reshape(-1, n_classes) + votes.by_row(wrong)[:, None]


def _better_ability(votes, right, weight, ability, easiness):
    """Abilities after one step of Fisher scoring."""
    ease = np.exp(easiness)[votes.row]
    p = expit(ability[votes.annotator] * ease)
    slope = votes.by_annotator(weight[votes.row] * (right - p) * ease) - (ability - MEAN)
    information = votes.by_annotator(weight[votes.row] * p * (1 - p) * ease**2) + 1
    return ability + np.clip(slope / information, -STEP, STEP)


def _better_easiness(votes, right, ability, easiness):
    """Logarithms of the easiness of rows after one step of Fisher scoring."""
    power = ability[votes.annotator] * np.exp(easiness)[votes.row]
    p = expit(power)
    slope = votes.by_row((right - p) * power) - (easiness - MEAN)
    information = votes.by_row(p * (1 - p) * power**2) + 1
    return easiness + np.clip(slope / information, -STEP, STEP)
