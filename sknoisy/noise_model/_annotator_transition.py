"""The transition matrices of several annotators, by how they agree."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval

from sknoisy._em import run_em
from sknoisy._evidence._evidence import check_groups, check_trusted, check_weight
from sknoisy._progress import whole_fit
from sknoisy._typing import ArrayLike, FloatArray, RandomStateLike
from sknoisy._votes import Words, read_votes
from sknoisy.exceptions import NothingKnownWarning
from sknoisy.noise_model._identifiability import check_identifiability, kruskal_rank
from sknoisy.noise_model._transition import (
    BaseTransition,
    Estimate,
    half_sample_error,
    rows_to_one,
)

LEAST_PROBA = 1e-10  # of an answer, so that no logarithm is infinite


class AnnotatorTransition(BaseTransition):
    """Transition matrices of several annotators, by how their answers agree.

    Answers of different annotators to one row are independent given its true class, so that each
    annotator's matrix, the frequencies of the true classes and the true class of each row can be
    found together (expectation-maximisation, from the shares of the answers on). At least three
    annotators are needed, and rows that three have answered: see `check_identifiability`.

    Number of fits: none.

    Parameters
    ----------
    smoothing : float >= 0, default=0.1
        Answers that each annotator is taken to have given for each class besides his own, as all
        annotators together answer it.
    max_iter : int >= 1, default=200
        Steps of expectation-maximisation at most.
    n_resamples : int, 0 or >= 2, default=10
        Random halves of the rows by which standard errors are found. 0: no standard errors.
    random_state : int, RandomState instance or None, default=None
        Seeds the halves.

    Attributes
    ----------
    transition_ : ndarray of shape (K, K)
        Entry (i, j): P(answer = j | true label = i), of an answer of any annotator.
    transition_error_ : ndarray of shape (K, K)
        Its standard errors by chance alone.
    annotator_transition_ : ndarray of shape (n_annotators, K, K)
        The same of each annotator.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label of each row; the prior where nobody answered.
    class_prior_ : ndarray of shape (K,)
        Frequencies of the true classes.
    noise_rate_ : float
        Share of wrong answers.
    n_iter_ : int
        Steps that were made.
    classes_ : ndarray of shape (K,)
        All answers there are.

    References
    ----------
    A. P. Dawid, A. M. Skene: "Maximum likelihood estimation of observer error-rates using the EM
    algorithm", Applied Statistics, 1979.

    Y. Liu, H. Cheng, K. Zhang: "Identifiability of Label Noise Transition Matrix", ICML, 2023 (when
    the answers determine the matrices).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.noise_model import AnnotatorTransition
    >>> y = np.repeat(["cat", "dog"], 500)
    >>> answers = [symmetric_noise(y, rate, random_state=i)[0]
    ...            for i, rate in enumerate([0.1, 0.2, 0.3])]
    >>> model = AnnotatorTransition(random_state=0).fit(None, np.column_stack(answers))
    >>> (1 - model.annotator_transition_[:, 0, 0]).round(1)
    array([0.1, 0.2, 0.3])
    """

    _parameter_constraints: dict = {
        "smoothing": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_resamples": BaseTransition._parameter_constraints["n_resamples"],
        "random_state": ["random_state"],
    }

    annotator_transition_: FloatArray
    label_proba_: FloatArray
    n_iter_: int

    def __init__(
        self,
        *,
        smoothing: float = 0.1,
        max_iter: int = 200,
        n_resamples: int = 10,
        random_state: RandomStateLike = None,
    ) -> None:
        self.smoothing = smoothing
        self.max_iter = max_iter
        self.n_resamples = n_resamples
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
    ) -> Self:
        """Estimate the matrices from the answers of several annotators.

        Parameters
        ----------
        X : ignored
        y : array-like or DataFrame of shape (n, n_annotators)
            Answers; missing (None, NaN) where an annotator was not asked.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows.
        groups : array-like of shape (n,), default=None
            Rows of one group come together in standard errors.
        trusted : array-like of shape (n,) of bool, default=None
            Rows whose most frequent answer is known to be right.

        Returns
        -------
        self : object
        """
        self._validate_params()
        votes = read_votes(y, empty_rows=True, words=Words(matrix="y", may_be_empty=False))
        n, n_annotators, classes = votes.n_rows, len(votes.annotators), votes.classes
        check_identifiability(n_annotators, len(classes))
        if votes.per_row.max() < 3:
            raise ValueError(
                f"No row has more than {votes.per_row.max()} answers, and rows that three "
                "annotators have answered are needed to tell how often each is wrong."
            )
        weight = np.ones(n) if sample_weight is None else check_weight(sample_weight, n)
        unit = np.arange(n) if groups is None else check_groups(groups, n)
        trusted = check_trusted(trusted, n)
        total = votes.per_row[:, None]
        start = np.where(total > 0, votes.counts / np.maximum(total, 1), 1.0 / len(classes))
        known = np.where(trusted[:, None], np.eye(len(classes))[start.argmax(axis=1)], np.nan)

        def skills(rows, start, max_iter):
            return annotator_skills(
                votes.one_hot[rows],
                start,
                weight[rows],
                known[rows],
                smoothing=self.smoothing,
                max_iter=max_iter,
            )

        def of_half(rows):
            with warnings.catch_warnings():  # a few steps from where all rows have led
                warnings.simplefilter("ignore", ConvergenceWarning)
                return skills(rows, posterior[rows], 20)[0]

        with whole_fit(self, X, y):
            found = skills(np.arange(n), start, self.max_iter)
            transition, prior, each, posterior, n_iter = found
            error = half_sample_error(of_half, unit, self.n_resamples, self.random_state)
        try:
            check_identifiability(
                n_annotators, len(classes), ranks=[kruskal_rank(matrix) for matrix in each]
            )
        except ValueError as reason:
            warnings.warn(f"AnnotatorTransition: {reason}", NothingKnownWarning, stacklevel=2)
        attributes = {"annotator_transition_": each, "label_proba_": posterior, "n_iter_": n_iter}
        return self._conclude(Estimate(transition, error, prior, attributes), classes, None, None)

    def _estimate(self, evidence):
        raise TypeError(
            "AnnotatorTransition reads several answers for each row, and y has one: fit it to the "
            "answers first, and give it in sklearn.frozen.FrozenEstimator."
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.one_d_labels = False
        tags.target_tags.two_d_labels = True
        return tags


def annotator_skills(
    answers, posterior, weight, known=None, *, smoothing=0.0, max_iter=200, tol=1e-6
):
    """Matrices of annotators and posteriors of rows, by expectation-maximisation.

    Parameters
    ----------
    answers : sparse matrix of shape (n, A * K)
        1 where an annotator gave a class.
    posterior : ndarray of shape (n, K)
        Of the true classes, to start from.
    weight : ndarray of shape (n,)
    known : ndarray of shape (n, K), default=None
        Posteriors that are known; NaN in the other rows.
    smoothing : float
    max_iter : int
    tol : float
        Mean change of a posterior at which to stop.

    Returns
    -------
    transition : ndarray of shape (K, K)
        Of an answer of anyone.
    class_prior : ndarray of shape (K,)
    each : ndarray of shape (A, K, K)
    posterior : ndarray of shape (n, K)
    n_iter : int
    """
    n_classes = posterior.shape[1]
    is_known = np.zeros(len(posterior), dtype=bool)
    if known is not None:
        is_known = ~np.isnan(known[:, 0])

    def maximise(posterior, _):
        weighted = posterior * weight[:, None]
        counts = (answers.T @ weighted).reshape(-1, n_classes, n_classes)  # (A, given, true)
        whole = rows_to_one(counts.sum(axis=0).T)
        each = counts.transpose(0, 2, 1) + smoothing * whole
        total = each.sum(axis=2, keepdims=True)
        each = np.where(total > 0, each / np.where(total > 0, total, 1.0), whole)
        return whole, weighted.sum(axis=0) / weighted.sum(), each

    def expect(params):
        _, prior, each = params
        logs = np.log(np.maximum(each, LEAST_PROBA)).transpose(0, 2, 1).reshape(-1, n_classes)
        new = softmax(np.log(np.maximum(prior, LEAST_PROBA)) + answers @ logs, axis=1)
        if is_known.any():
            new[is_known] = known[is_known]
        return new

    found = run_em(
        posterior, weight, maximise, expect, max_iter=max_iter, tol=tol, who="AnnotatorTransition"
    )
    return *found.params, found.posterior, found.n_iter
