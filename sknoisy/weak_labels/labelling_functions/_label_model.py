"""A generative model of labelling functions that may abstain."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import Array, ArrayLike
from sknoisy._votes import FUNCTIONS, read_votes
from sknoisy.weak_labels.crowds._base import EMAggregator, even_errors, expected_counts


def read_functions(votes, model):
    """`Votes` of labelling functions: all may abstain in a row."""
    return read_votes(
        votes,
        missing=model.missing,
        empty_rows=True,
        empty_columns=model.allow_empty,
        words=FUNCTIONS,
    )


def read_new_functions(votes, model):
    return read_votes(
        votes,
        missing=model.missing,
        empty_rows=True,
        empty_columns=True,
        known=model,
        words=FUNCTIONS,
    )


class LabelModel(EMAggregator):
    """Aggregator of labelling functions: each has an accuracy and a propensity, learnt by EM.

    For each true class a function votes for each class, or abstains, with probabilities of its own;
    so a function that only ever votes for one class counts by how much oftener it does so where the
    class holds. Votes are evidence, abstentions are not: which rows the rules reach says more of
    the rules than of the rows.

    The frequencies of the classes cannot be told from the votes, for how often a class is voted for
    depends on how many rules there are for it: give `class_prior` where they are known.

    Parameters
    ----------
    class_prior : {"uniform"} or array-like of shape (K,), default="uniform"
        Frequencies of the classes, in the order of the sorted classes.
    accuracy_prior : float in (0, 1), default=0.7
        How often functions are thought to be right before anything is known. It must be better than
        chance: that is what tells the classes from one another.
    prior_strength : float > 0, default=100.0
        How many votes of each function that counts for. Functions often err together, and then
        their agreement says less of each than it seems to: hence so many.
    max_iter : int >= 1, default=500
        Rounds of EM at most.
    tol : float >= 0, default=1e-5
        EM stops when the posteriors move by no more than this, on average over the rows.
    missing : object, default=None
        A value that is an abstention, besides NaN, None, pd.NA and empty texts; -1, for instance.
    allow_empty : bool, default=False
        Whether a function may abstain everywhere. By default that is an error. A row in which all
        functions abstain always gets the class prior.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        All classes that are voted for, sorted. Nothing can be learnt of a class without votes.
    annotators_ : ndarray of shape (m,)
        Names of the functions, or the numbers of their columns.
    n_answers_ : ndarray of shape (m,)
        Number of votes of each function.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true class.
    labels_ : ndarray of shape (n,)
        The likeliest class.
    class_prior_ : ndarray of shape (K,)
        As given.
    annotator_skill_ : ndarray of shape (m,)
        Probability that a vote of the function is right.
    propensity_ : ndarray of shape (m,)
        Probability that it votes.
    confusion_ : ndarray of shape (m, K, K)
        By function, true class and vote: probability of the vote; the rest is abstention.
    n_iter_ : int
        Rounds of EM.

    References
    ----------
    A. Ratner, C. De Sa, S. Wu, D. Selsam, C. Ré: "Data programming: creating large training sets,
    quickly", NeurIPS, 2016. There one accuracy per function and Gibbs sampling; here one for each
    class, by EM, with a prior.

    J. Zhang, C.-Y. Hsieh, Y. Yu, C. Zhang, A. Ratner: "A Survey on Programmatic Weak Supervision",
    arXiv, 2022.

    See Also
    --------
    TripletLabelModel : Accuracies without iteration.
    lf_summary : What the functions vote for.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.weak_labels import LabelModel
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 500)
    >>> right = rng.random((500, 6)) < [0.9, 0.8, 0.8, 0.7, 0.7, 0.6]
    >>> votes = np.where(right, y[:, None], 1 - y[:, None])
    >>> votes[rng.random(votes.shape) < 0.5] = -1
    >>> model = LabelModel(missing=-1).fit(votes)
    >>> int(model.annotator_skill_.argmax())
    0
    >>> bool((model.labels_ == y).mean() > 0.8)
    True
    """

    _words = FUNCTIONS
    _by_comparison = False
    _parameter_constraints: dict = {
        **EMAggregator._parameter_constraints,
        "class_prior": [StrOptions({"uniform"}), "array-like"],
        "accuracy_prior": [Interval(Real, 0, 1, closed="neither")],
        "prior_strength": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    propensity_: Array

    def __init__(
        self,
        *,
        class_prior: Literal["uniform"] | ArrayLike = "uniform",
        accuracy_prior: float = 0.7,
        prior_strength: float = 100.0,
        max_iter: int = 500,
        tol: float = 1e-5,
        missing: Any = None,
        allow_empty: bool = False,
    ) -> None:
        self.class_prior = class_prior
        self.accuracy_prior = accuracy_prior
        self.prior_strength = prior_strength
        self.max_iter = max_iter
        self.tol = tol
        self.missing = missing
        self.allow_empty = allow_empty

    def _read(self, votes):
        check_better_than_chance(self.accuracy_prior, votes := read_functions(votes, self))
        return votes

    def _read_new(self, votes):
        return read_new_functions(votes, self)

    def _fit(self, votes, weight, row_prior=None):
        fitted = super()._fit(votes, weight, row_prior)
        proba = np.einsum("jkl,k->jkl", fitted["confusion_"], fitted["class_prior_"])
        propensity = proba.sum(axis=(1, 2))
        skill = np.einsum("jkk->j", proba) / propensity
        return fitted | {"annotator_skill_": skill, "propensity_": propensity}

    def _skills(self, votes, posterior, weight, last):
        counts = expected_counts(votes, posterior, weight)
        votes_of = votes.by_annotator(weight[votes.row])
        propensity = ((votes_of + 0.5) / (weight.sum() + 1))[:, None, None]
        # so many rows of each class as make `prior_strength` votes
        n_prior = self.prior_strength / propensity
        expected = even_errors([self.accuracy_prior], len(votes.classes)) * propensity
        n_rows = (weight @ posterior)[None, :, None]
        return {"confusion": (counts + n_prior * expected) / (n_rows + n_prior)}


def check_better_than_chance(accuracy, votes):
    chance = 1 / len(votes.classes)
    if accuracy <= chance:
        raise ValueError(
            f"accuracy_prior={accuracy} is no better than chance, which is {chance:.2g} for "
            f"{len(votes.classes)} classes: then nothing tells the classes from one another."
        )
