"""The transition matrix by the confident joint."""

from __future__ import annotations

import numpy as np

from sknoisy._typing import Array, CVLike, Estimator, RandomStateLike
from sknoisy.noise_model._bound import bounded_joint
from sknoisy.noise_model._confident_joint import scaled_joint, shared_joint
from sknoisy.noise_model._transition import (
    BaseTransition,
    Estimate,
    half_sample_error,
    no_noise,
    rows_to_one,
)


class ConfidentJointTransition(BaseTransition):
    """Transition matrix by counting given labels against the classes rows are confidently of.

    A row is confidently of class j when its out-of-sample probability of j reaches the mean of that
    probability over the rows given j. The joint of given and confident class, scaled to the numbers
    of given labels, is taken for that of given and true class. It needs no rows that are certain,
    but where classes overlap it takes some of the overlap for noise. `sample_weight` reaches the
    models; the joint counts every row once.

    Number of fits: `cv` (5), or 1 for a forest or bagging, which is judged out of bag.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier that makes the out-of-sample probabilities. None means the one that a
        `TransitionClassifier` wraps; alone, a random forest of 200 trees, behind an encoder for a
        DataFrame.
    bounded : bool, default=True
        No more rows stand for a class than there are other labels among the surest tenth of the
        rows predicted as it, for overlap dies out there and noise does not. False: the joint as
        the paper counts it.
    cv : int, splitter, iterable or None, default=None
        Folds of the out-of-sample probabilities. None means out-of-bag where the estimator can,
        else 5 stratified folds; an int always means folds.
    n_resamples : int, 0 or >= 2, default=30
        Random halves of the rows by which standard errors are found, the out-of-sample
        probabilities being as they are. 0: no standard errors.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the halves and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    transition_ : ndarray of shape (K, K)
        Entry (i, j): P(given label = j | true label = i). Where out-of-sample predictions know
        nothing of the labels, a warning says so and no label is taken to be wrong.
    transition_error_ : ndarray of shape (K, K)
        Standard errors by chance alone: what the model gets wrong is not in them.
    class_prior_ : ndarray of shape (K,)
        Frequencies of the true classes.
    noise_rate_ : float
        Share of wrong labels.
    classes_ : ndarray of shape (K,)
        All classes of y.
    n_features_in_, feature_names_in_
        Of X, where it has such things.

    References
    ----------
    C. Northcutt, L. Jiang, I. Chuang: "Confident learning: estimating uncertainty in dataset
    labels", Journal of Artificial Intelligence Research, 2021 (here a row counts in parts where
    its classes tie, and the joint may be bounded).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import transition_noise
    >>> from sknoisy.noise_model import ConfidentJointTransition
    >>> X, y = load_iris(return_X_y=True)
    >>> matrix = [[1.0, 0.0, 0.0], [0.0, 0.8, 0.2], [0.0, 0.0, 1.0]]
    >>> y_noisy, wrong = transition_noise(y, matrix, random_state=0)
    >>> model = ConfidentJointTransition(random_state=0).fit(X, y_noisy)
    >>> bool(abs(model.transition_ - matrix).max() < 0.15)
    True
    """

    _parameter_constraints: dict = {
        **BaseTransition._parameter_constraints,
        "bounded": ["boolean"],
    }

    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        bounded: bool = True,
        cv: CVLike | None = None,
        n_resamples: int = 30,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.bounded = bounded
        self.cv = cv
        self.n_resamples = n_resamples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _estimate(self, evidence):
        judged = self._judged(evidence)
        if judged is None:
            return no_noise(len(evidence.target.classes))
        label_proba, codes, _, unit = judged

        def joint_of(rows):
            return joint_true_given(label_proba[rows], codes[rows], self.bounded, unit[rows])

        def transition_of(rows):
            return rows_to_one(joint_of(rows))

        joint = joint_of(np.arange(len(codes)))
        error = half_sample_error(transition_of, unit, self.n_resamples, self.random_state)
        return Estimate(rows_to_one(joint), error, joint.sum(axis=1) / joint.sum())


def joint_true_given(label_proba, codes, bounded=False, unit=None):
    """(K, K) expected numbers of rows of each true and each given class, columns as given.

    Parameters
    ----------
    label_proba : ndarray of shape (n, K)
        Out-of-sample probabilities, all of them judged.
    codes : ndarray of shape (n,) of int
    bounded : bool
    unit : ndarray of shape (n,), default=None
        Rows that are copies of one another, for the bound.

    Returns
    -------
    ndarray of shape (K, K)
    """
    joint = shared_joint(label_proba, codes)
    if bounded:
        joint = bounded_joint(label_proba, codes, joint, unit)
    return scaled_joint(joint, codes).T
