"""Training beside a biased model: any classifier to cross-entropy with shifted logits."""

from __future__ import annotations

import warnings
from numbers import Integral, Real

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval

from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._soft_fit import SoftRows
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.training.hidden_groups._expert import given_loss
from sknoisy.treatment._treated import Treated

STEP = 0.5  # of the way to the new targets in a round: whole ones would swing to and fro
MIN_PROBA = 0.01  # soft labels less likely than this are left out


class ShiftedTraining(BaseTraining):
    """The loop: a subclass writes `_expert_proba(evidence)`, what the biased model says."""

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "plain_share": [Interval(Real, 0, 1, closed="both")],
        "max_weight": [Interval(Real, 1, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "cv": CV,
    }

    def _check_before_training(self, **own):
        why = "shifted logits are realised by weights of the rows"
        check_takes_weights(self.estimator, self.weight_strategy, why)

    def _train(self, evidence):
        codes, classes = evidence.target.codes, evidence.target.classes
        given, soft, n_iter = np.eye(len(classes))[codes], np.eye(len(classes))[codes], 0
        expert = np.full(given.shape, np.nan)
        if len(classes) > 1:
            expert = self._expert_proba(evidence)
            soft, n_iter = self._loop(evidence, given, log_expert(expert, self.max_weight))
            soft = of_mean_one(soft, evidence.inputs.sample_weight)
        weight = soft.sum(axis=1)
        return self._treated(
            evidence,
            soft,
            {
                "sample_weight_": weight,
                "label_proba_": soft / weight[:, None],
                "sample_loss_": given_loss(expert, codes),
                "expert_proba_": expert,
                "n_iter_": n_iter,
            },
        )

    def _loop(self, evidence, given, shift):
        """Soft labels, the sums of which are weights, when they change no more; rounds."""
        codes, seed = evidence.target.codes, self._seed()
        rows = SoftRows.of(evidence, min_proba=MIN_PROBA, random_state=seed, n_jobs=self.n_jobs)
        [folds] = evidence.splits(self.cv, random_state=seed)
        weight = evidence.inputs.sample_weight
        soft = given
        for number in range(self.max_iter if folds else 0):
            proba = rows.out_of_sample(self.estimator, of_mean_one(soft, weight), folds)
            judged = np.isfinite(proba).all(axis=1)
            wanted = given.copy()
            of, by = np.clip(proba[judged], 0.0, 1.0), shift[judged]
            product = shifted_targets(of, by, codes[judged])
            wanted[judged] += (1 - self.plain_share) * (product - given[judged])
            # the first targets are taken whole: what the plain model was given is no target
            new = wanted if number == 0 else soft + STEP * (wanted - soft)
            size = np.average(new.sum(axis=1), weights=weight)
            change = np.average(np.abs(wanted - soft).sum(axis=1), weights=weight) / size
            soft = new
            if change <= self.tol:
                return soft, number + 1
        if folds:
            warnings.warn(
                f"The weights still change by {change:.2g} of their mean after "
                f"max_iter={self.max_iter} rounds (tol={self.tol:g}): raise max_iter, or tol.",
                ConvergenceWarning,
                stacklevel=5,
            )
        return soft, self.max_iter if folds else 0

    def _treated(self, evidence, soft, attributes):
        """The last fit: each row once for each label that it is given."""
        rows = SoftRows.of(evidence, min_proba=MIN_PROBA)
        return Treated.of_soft(evidence, soft, rows, attributes=attributes)


def of_mean_one(soft, sample_weight):
    """Soft labels of which the sums of the rows, their weights, have mean one."""
    return soft / np.average(soft.sum(axis=1), weights=sample_weight)


def log_expert(proba, max_weight):
    """(n, K) what is added to the logits: log p, of p no less than 1 / max_weight; zero for NaN."""
    return np.where(np.isnan(proba), 0.0, np.log(np.maximum(proba, 1.0 / max_weight)))


def shifted_targets(proba, shift, codes):
    """Weighted soft labels whose cross-entropy has the slope of one with shifted logits.

    Of log-loss at softmax(f + shift), the slope in f is q - e, with q that softmax and e the given
    label as 0/1. Plain log-loss to soft labels t with weight w has the slope w (p - t). Both are
    the same for w t = w p - q + e. The smallest w that leaves no label a negative share is the
    largest q / p of the other labels; of two classes, t is then the given label, and w is
    (1 - q) / (1 - p) of its probabilities.

    Parameters
    ----------
    proba : ndarray of shape (n, K)
        p, what the model says now.
    shift : ndarray of shape (n, K)
    codes : ndarray of shape (n,)
        Given labels.

    Returns
    -------
    ndarray of shape (n, K)
        w t; the row sums are the weights w.
    """
    own = np.eye(proba.shape[1])[codes]
    factor = softmax(shift, axis=1)  # any multiple of exp(shift)
    ratio = factor / (proba * factor).sum(axis=1, keepdims=True)  # q / p, also where p is 0
    weight = np.where(own == 1, -np.inf, ratio).max(axis=1, keepdims=True)
    return np.maximum(weight * proba - ratio * proba + own, 0.0)
