"""What all aggregators of a crowd's answers share: reading, EM, the posterior, new rows."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sknoisy._em import run_em
from sknoisy._evidence._arrays import foreign_as_numpy
from sknoisy._evidence._evidence import check_weight
from sknoisy._fitted import PlainState, replace_fitted
from sknoisy._notebook import NotebookView
from sknoisy._typing import Array, ArrayLike, FloatArray
from sknoisy._votes import CROWD, read_votes

TINY = 1e-10  # of a probability whose logarithm is taken
TIE = 1e-9  # what the class prior adds to the posterior where labels are named


class BaseAggregator(NotebookView, PlainState, BaseEstimator, ABC):
    """Base of those who make one label, or number, of several answers."""

    _words = CROWD
    _is_labels = True
    _parameter_constraints: dict = {"missing": "no_validation", "allow_empty": ["boolean"]}

    annotators_: Array
    n_answers_: Array
    annotator_skill_: Array

    def fit(
        self, votes: ArrayLike, y: None = None, *, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn who can be trusted, and what the rows are.

        Parameters
        ----------
        votes : array-like or DataFrame of shape (n, m)
            One column per annotator; NaN, None, pd.NA and empty texts are blanks.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            How much each row counts for skills and class prior.

        Returns
        -------
        self : object
        """
        self._validate_params()
        read = self._read(votes)
        weight = np.ones(read.n_rows)
        if sample_weight is not None:
            weight = check_weight(sample_weight, read.n_rows)
        replace_fitted(self, self._fit(read, weight))
        return self

    def _read(self, votes):
        return read_votes(
            votes,
            is_labels=self._is_labels,
            missing=self.missing,
            empty_rows=self.allow_empty,
            empty_columns=self.allow_empty,
            words=self._words,
        )

    def _read_new(self, votes):
        """Answers of the same annotators to other rows; some may have none."""
        return read_votes(
            votes,
            is_labels=self._is_labels,
            missing=self.missing,
            empty_rows=self.allow_empty,
            empty_columns=True,
            known=self,
            words=self._words,
        )

    @abstractmethod
    def _fit(self, votes, weight, row_prior=None):
        """Fitted attributes by name; `row_prior` is what is known of each row without answers."""

    def skill_report(self) -> pd.DataFrame:
        """The annotators, worst first.

        Returns
        -------
        DataFrame
            Indexed by annotator: number of answers and skill.
        """
        check_is_fitted(self)
        table = self._skill_table()
        index = pd.Index(self.annotators_, name=self._words.column)
        return pd.DataFrame(table, index=index).sort_values(list(table)[1], kind="stable")

    def _skill_table(self):
        return {"n_answers": self.n_answers_, "skill": self.annotator_skill_}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False  # a matrix of answers is no matrix of features
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags


class LabelAggregator(BaseAggregator):
    """Base of aggregators of class labels."""

    classes_: Array
    label_proba_: FloatArray
    labels_: Array
    class_prior_: Array
    confusion_: FloatArray

    def predict_proba(self, votes: ArrayLike) -> FloatArray:
        """Posterior over the classes for other rows, answered by the same annotators.

        Parameters
        ----------
        votes : array-like or DataFrame of shape (n_samples, m)
            Columns as in `fit`; those of a DataFrame are found by their names.

        Returns
        -------
        ndarray of shape (n_samples, K)
        """
        check_is_fitted(self)
        return self._posterior(self._read_new(votes))

    def predict(self, votes: ArrayLike) -> Array:
        """The likeliest class of other rows, answered by the same annotators.

        Parameters
        ----------
        votes : array-like or DataFrame of shape (n_samples, m)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return likeliest(self.predict_proba(votes), self.class_prior_, self.classes_)

    def _posterior(self, votes):
        logs = votes_log_likelihood(votes, self.confusion_)
        return normalised(logs + np.log(self.class_prior_ + TINY))


class EMAggregator(LabelAggregator):
    """Base of those that learn skills by EM: a subclass writes `_skills`.

    The confusion matrix of an annotator has the true class in its rows and the answer in its
    columns.
    """

    _by_comparison = True  # whether skills are known from nothing but answers to the same rows
    _parameter_constraints: dict = {
        **BaseAggregator._parameter_constraints,
        "class_prior": [StrOptions({"uniform"}), "array-like", None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    n_iter_: int

    @abstractmethod
    def _skills(self, votes, posterior, weight, last):
        """M-step: dict with the array "confusion" (m, K, K), and what else the method keeps."""

    def _log_likelihood(self, votes, skills):
        return votes_log_likelihood(votes, skills["confusion"])

    def _fit(self, votes, weight, row_prior=None):
        given = given_prior(self.class_prior, len(votes.classes))
        tol = self.tol
        if self._by_comparison and row_prior is None and votes.per_row.max() < 2:
            tol = 1.0  # one round: without comparison it would drift
            warnings.warn(
                f"No row has answers of two {self._words.column}s, so that nobody can be compared "
                "with anybody, and all are taken to be as good.",
                UserWarning,
                stacklevel=3,
            )

        def maximise(posterior, last):
            prior = given if given is not None else learnt_prior(posterior, weight)
            return prior, self._skills(votes, posterior, weight, None if last is None else last[1])

        def expect(params):
            prior, skills = params
            prior = prior if row_prior is None else row_prior
            return normalised(self._log_likelihood(votes, skills) + np.log(prior + TINY))

        em = run_em(
            vote_shares(votes, row_prior),
            weight,
            maximise,
            expect,
            max_iter=self.max_iter,
            tol=tol,
            who=type(self).__name__,
        )
        prior, skills = em.params
        return {
            **label_attributes(votes, em.posterior, prior),
            "annotator_skill_": expected_accuracy(skills["confusion"], prior),
            "n_iter_": em.n_iter,
            **{f"{name}_": values for name, values in skills.items()},
        }


# --------------------------------------------------------------------------- arrays


def given_prior(class_prior, n_classes):
    """(K,) what a parameter `class_prior` says, or None where it is to be learnt."""
    if class_prior is None:
        return None
    if isinstance(class_prior, str):
        return np.full(n_classes, 1 / n_classes)
    prior = np.asarray(foreign_as_numpy(class_prior, "class_prior"), dtype=float)
    if prior.shape != (n_classes,) or not (prior > 0).all():
        raise ValueError(
            f"class_prior must be {n_classes} positive numbers, one for each class that "
            f"somebody answers, got {class_prior!r:.100}."
        )
    return prior / prior.sum()


def vote_shares(votes, row_prior=None):
    """(n, K): share of each class among the answers of a row.

    What is known of a row otherwise counts as one more answer; where there is nothing, the shares
    are even.
    """
    counts = votes.counts if row_prior is None else votes.counts + row_prior
    counts = np.where(counts.sum(axis=1, keepdims=True) > 0, counts, 1.0)
    return counts / counts.sum(axis=1, keepdims=True)


def votes_log_likelihood(votes, confusion):
    """(n, K): log P(answers of a row | class), answers being independent given the class."""
    m, n_classes, _ = confusion.shape
    by_answer = np.log(confusion + TINY).transpose(0, 2, 1).reshape(m * n_classes, n_classes)
    return votes.one_hot @ by_answer


def expected_counts(votes, posterior, weight):
    """(m, K, K): how often each annotator gives each answer (last) in each class (middle)."""
    n_classes = posterior.shape[1]
    counts = votes.one_hot.T @ (posterior * weight[:, None])
    return counts.reshape(-1, n_classes, n_classes).transpose(0, 2, 1)


def normalised(logs):
    """Softmax over the classes."""
    proba = np.exp(logs - logs.max(axis=1, keepdims=True))
    return proba / proba.sum(axis=1, keepdims=True)


def learnt_prior(posterior, weight):
    """(K,): share of each class, to which one row is added, evenly."""
    share = weight @ posterior + 1 / posterior.shape[1]
    return share / share.sum()


def expected_accuracy(confusion, prior):
    """(m,): probability that an annotator is right."""
    return np.einsum("jkk,k->j", confusion, prior)


def even_errors(accuracy, n_classes):
    """(m, K, K): confusion of annotators of these accuracies, errors being spread evenly."""
    accuracy = np.asarray(accuracy, dtype=float)[:, None, None]
    right = np.eye(n_classes)
    return accuracy * right + (1 - accuracy) / (n_classes - 1) * (1 - right)


def pooled_accuracy(counts):
    """How often all annotators together are right, with one answer more by chance."""
    n_classes = counts.shape[1]
    return (np.einsum("jkk->", counts) + 1) / (counts.sum() + n_classes)


def drawn_accuracy(counts, strength):
    """(m,): accuracies, drawn to that of all as if by so many answers."""
    right, total = np.einsum("jkk->j", counts), counts.sum(axis=(1, 2))
    strength = strength + (total + strength <= 0)
    return (right + strength * pooled_accuracy(counts)) / (total + strength)


def likeliest(proba, prior, classes):
    """(n,): names of the likeliest classes; the more frequent one of two that are as likely."""
    return classes[(proba + TIE * prior).argmax(axis=1)]


def label_attributes(votes, posterior, prior):
    return {
        "classes_": votes.classes,
        "annotators_": votes.annotators,
        "n_answers_": votes.per_annotator,
        "n_features_in_": len(votes.annotators),
        "label_proba_": posterior,
        "labels_": likeliest(posterior, prior, votes.classes),
        "class_prior_": prior,
    }
