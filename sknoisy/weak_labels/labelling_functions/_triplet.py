"""Accuracies of labelling functions by the method of moments."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import ArrayLike
from sknoisy._votes import FUNCTIONS
from sknoisy.weak_labels.crowds._base import (
    BaseAggregator,
    LabelAggregator,
    even_errors,
    given_prior,
    label_attributes,
    normalised,
    votes_log_likelihood,
)
from sknoisy.weak_labels.labelling_functions._label_model import (
    read_functions,
    read_new_functions,
)

UNKNOWN = 0.7  # accuracy of functions where no three can be compared
MOST = 0.99  # no function is trusted further
LEAST = 0.02  # of a moment that is divided by


class TripletLabelModel(LabelAggregator):
    """Aggregator of labelling functions: accuracies from how often pairs of them agree.

    For two functions that err independently, how much more often they agree than by chance is the
    product of what each knows. So three functions give the knowledge of each, without iteration and
    without a start, and it is the median over all triplets. Each function is thought to be as
    accurate in every class, and better than chance; so functions that only ever vote for one class
    always agree, and cannot be compared by this: `LabelModel` takes those.

    Parameters
    ----------
    class_prior : {"uniform"} or array-like of shape (K,), default="uniform"
        Frequencies of the classes, in the order of the sorted classes.
    min_overlap : int >= 1, default=5
        Two functions are compared if both vote in so many rows.
    missing : object, default=None
        A value that is an abstention, besides NaN, None, pd.NA and empty texts; -1, for instance.
    allow_empty : bool, default=False
        Whether a function may abstain everywhere. By default that is an error. A row in which all
        functions abstain always gets the class prior.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        All classes that are voted for, sorted.
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
        Probability that a vote of the function is right; for one that is in no triplet the mean of
        the others, and 0.7 where there is none (with a warning).
    confusion_ : ndarray of shape (m, K, K)
        The accuracies as confusion matrices: function, true class, vote.

    References
    ----------
    D. Y. Fu, M. F. Chen, F. Sala, S. M. Hooper, K. Fatahalian, C. Ré: "Fast and three-rious:
    speeding up weak supervision with triplet methods", ICML, 2020. There of two classes, with an
    abstention as a vote of zero; here of any number of classes, from the rows in which both of a
    pair vote.

    See Also
    --------
    LabelModel : Learnt by EM, with an accuracy for each class.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.weak_labels import TripletLabelModel
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 3, 5000)
    >>> right = rng.random((5000, 4)) < [0.9, 0.8, 0.6, 0.5]
    >>> votes = np.where(right, y[:, None], (y[:, None] + rng.integers(1, 3, (5000, 4))) % 3)
    >>> TripletLabelModel().fit(votes).annotator_skill_.round(1).tolist()
    [0.9, 0.8, 0.6, 0.5]
    """

    _words = FUNCTIONS
    _parameter_constraints: dict = {
        **BaseAggregator._parameter_constraints,
        "class_prior": [StrOptions({"uniform"}), "array-like"],
        "min_overlap": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        class_prior: Literal["uniform"] | ArrayLike = "uniform",
        min_overlap: int = 5,
        missing: Any = None,
        allow_empty: bool = False,
    ) -> None:
        self.class_prior = class_prior
        self.min_overlap = min_overlap
        self.missing = missing
        self.allow_empty = allow_empty

    def _read(self, votes):
        return read_functions(votes, self)

    def _read_new(self, votes):
        return read_new_functions(votes, self)

    def _fit(self, votes, weight, row_prior=None):
        n_classes = len(votes.classes)
        prior = given_prior(self.class_prior, n_classes)
        knowledge = triplet_knowledge(agreement_moments(votes, weight, self.min_overlap))
        known = ~np.isnan(knowledge)
        if not known.any():
            warnings.warn(
                "No three labelling functions can be compared (each pair must vote in "
                f"{self.min_overlap} rows): all are taken to be right with probability {UNKNOWN}. "
                "LabelModel needs no triplets.",
                UserWarning,
                stacklevel=3,
            )
        accuracy = (1 + (n_classes - 1) * np.where(known, knowledge, 0.0)) / n_classes
        accuracy = np.minimum(accuracy, MOST)
        accuracy[~known] = accuracy[known].mean() if known.any() else UNKNOWN
        confusion = even_errors(accuracy, n_classes)
        logs = votes_log_likelihood(votes, confusion)
        posterior = normalised(logs + np.log(prior if row_prior is None else row_prior))
        return {
            **label_attributes(votes, posterior, prior),
            "annotator_skill_": accuracy,
            "confusion_": confusion,
        }


def agreement_moments(votes, weight, min_overlap):
    """(m, m): agreement of each pair beyond chance, 1 for always; NaN where they do not overlap.

    Of functions with accuracies a and b, errors being even, it is expected to be the product of
    (K a - 1) / (K - 1) and (K b - 1) / (K - 1).
    """
    n_classes, m = len(votes.classes), len(votes.annotators)
    overlap, agree, n_both = np.zeros((3, m, m))
    for k in [None, *range(n_classes)]:
        at = slice(None) if k is None else votes.answer == k
        row, by = votes.row[at], votes.annotator[at]
        votes_of = csr_matrix((np.ones(len(row)), (row, by)), shape=(votes.n_rows, m))
        both = (votes_of.T @ votes_of.multiply(weight[:, None]).tocsr()).toarray()
        if k is None:
            overlap, n_both = both, (votes_of.T @ votes_of).toarray()
        else:
            agree += both
    with np.errstate(invalid="ignore", divide="ignore"):
        moments = (n_classes * agree / overlap - 1) / (n_classes - 1)
    moments[(n_both < min_overlap) | ~(overlap > 0)] = np.nan
    np.fill_diagonal(moments, np.nan)
    return moments


def triplet_knowledge(moments):
    """(m,) what each function knows, between 0 and 1; NaN where it is in no triplet."""
    m = len(moments)
    # functions that agree no more than by chance tell nothing of a third one
    divisor = np.where(moments > LEAST, moments, np.nan)
    pairs = np.triu_indices(m, 1)
    knowledge = np.full(m, np.nan)
    for i in range(m):
        square = (np.outer(moments[i], moments[i]) / divisor)[pairs]
        square = square[~np.isnan(square)]
        if len(square):
            knowledge[i] = np.sqrt(np.clip(np.median(square), 0.0, 1.0))
    return knowledge
