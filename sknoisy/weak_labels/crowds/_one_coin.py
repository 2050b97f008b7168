"""One accuracy for each annotator."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

from sklearn.utils._param_validation import Interval

from sknoisy._typing import ArrayLike
from sknoisy.weak_labels.crowds._base import (
    EMAggregator,
    drawn_accuracy,
    even_errors,
    expected_counts,
)


class OneCoin(EMAggregator):
    """Aggregator: each annotator is right with a probability of his own, learnt by EM.

    Whoever is wrong answers any of the other classes, as likely one as another. With one number
    per annotator instead of a matrix this needs few answers each, and it cannot go astray where
    the annotators share a prejudice; but it does not see prejudices either. An annotator of few
    answers is drawn to the accuracy that all have together.

    Parameters
    ----------
    prior_strength : float >= 0, default=2.0
        How many answers the pooled accuracy counts for. 0 is maximum likelihood.
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
        The accuracies as confusion matrices: annotator, true class, answer.
    annotator_skill_ : ndarray of shape (m,)
        Probability that an annotator is right.
    n_iter_ : int
        Rounds of EM.

    References
    ----------
    Y. Zhang, X. Chen, D. Zhou, M. I. Jordan: "Spectral methods meet EM: a provably optimal
    algorithm for crowdsourcing", JMLR, 2016 (its one-coin model; here started at the shares of the
    answers rather than by spectral methods, and with a prior).

    See Also
    --------
    DawidSkene : A confusion matrix for each annotator.

    Examples
    --------
    >>> from sknoisy.weak_labels import OneCoin
    >>> votes = [["a", "a", "b"], ["b", "b", "a"], ["a", "a", "a"], ["b", "b", "a"]]
    >>> model = OneCoin().fit(votes)
    >>> model.labels_.tolist()
    ['a', 'b', 'a', 'b']
    >>> int(model.skill_report().index[0])  # the worst annotator
    2
    """

    _parameter_constraints: dict = {
        **EMAggregator._parameter_constraints,
        "prior_strength": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        prior_strength: float = 2.0,
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
        accuracy = drawn_accuracy(counts, self.prior_strength)
        return {"confusion": even_errors(accuracy, len(votes.classes))}
