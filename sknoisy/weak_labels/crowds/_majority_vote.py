"""The class that most annotators answer."""

from __future__ import annotations

from typing import Any

from sknoisy.weak_labels.crowds._base import (
    LabelAggregator,
    even_errors,
    expected_accuracy,
    expected_counts,
    label_attributes,
    learnt_prior,
    pooled_accuracy,
    vote_shares,
)


class MajorityVote(LabelAggregator):
    """Aggregator: each annotator counts the same.

    The yardstick for the others. The posterior of a row is the share of each class among its
    answers. Of classes with as many answers the one that is more frequent in all rows is taken.

    Parameters
    ----------
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
        Share of each class among the answers to a row.
    labels_ : ndarray of shape (n,)
        The class of most answers.
    class_prior_ : ndarray of shape (K,)
        Mean of the shares.
    annotator_skill_ : ndarray of shape (m,)
        How often each annotator answers as a random one of the row does, himself among them;
        annotators of few answers are drawn to the mean.
    confusion_ : ndarray of shape (m, K, K)
        By annotator, class by the shares, and answer.

    See Also
    --------
    DawidSkene : Learns how far each annotator can be trusted.

    Examples
    --------
    >>> from sknoisy.weak_labels import MajorityVote
    >>> votes = [["cat", "cat", "dog"], ["dog", None, "dog"], ["cat", "cat", None]]
    >>> MajorityVote().fit(votes).labels_.tolist()
    ['cat', 'dog', 'cat']
    """

    def __init__(self, *, missing: Any = None, allow_empty: bool = False) -> None:
        self.missing = missing
        self.allow_empty = allow_empty

    def _fit(self, votes, weight, row_prior=None):
        shares = vote_shares(votes, row_prior)
        answered = votes.per_row > 0
        prior = learnt_prior(shares, weight * answered)
        if row_prior is None:
            shares[~answered] = prior
        counts = expected_counts(votes, shares, weight)
        counts = counts + even_errors([pooled_accuracy(counts)], len(prior))
        confusion = counts / counts.sum(axis=2, keepdims=True)
        return {
            **label_attributes(votes, shares, prior),
            "confusion_": confusion,
            "annotator_skill_": expected_accuracy(confusion, prior),
        }

    def _posterior(self, votes):
        shares = vote_shares(votes)
        shares[votes.per_row == 0] = self.class_prior_
        return shares
