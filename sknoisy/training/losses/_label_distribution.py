"""Losses in which the label is the worst of a ball of label distributions."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.special import logsumexp, softmax, xlogy
from sklearn.utils._param_validation import Interval

from sknoisy._typing import Array, FloatArray
from sknoisy.training.losses._base import LabelLoss, own_proba

BOUND = 0.01  # least probability: scores must be bounded, or some of these losses have no least
N_STEPS = 20  # of the fixed point of the adaptive temperature


class LDRKLLoss(LabelLoss):
    """Label-distributionally robust loss: how much some label is worth more than the given one.

    psi = max over label distributions q of sum_k q_k (f_k - f_y + margin [k != y]) - lam KL(q, 1/K)
    ``= lam log(1/K sum_k exp((f_k - f_y + margin [k != y]) / lam))``

    of the scores f. lam near 0 is the maximal margin loss, lam = 1 without a margin cross-entropy,
    and a large lam a symmetric loss, which tolerates noise. Its slope in the score of the given
    label is q_y - 1, where that of cross-entropy is p_y - 1: a row weighs (1 - q_y) / (1 - p_y).

    Adapted: the scores are the logarithms of the model's probabilities, none below 0.01, where the
    paper normalises those of a network. With more than two classes, the pull among the labels that
    are not given stays that of cross-entropy.

    Parameters
    ----------
    lam : float > 0, default=5.0
    margin : float >= 0, default=0.0

    References
    ----------
    D. Zhu, Y. Ying, T. Yang: "Label Distributionally Robust Losses for Multi-class Classification:
    Consistency, Robustness and Adaptivity", ICML, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import LDRKLLoss
    >>> proba, codes = np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1])
    >>> LDRKLLoss(lam=1).weight(proba, codes).round(3)
    array([1., 1.])
    >>> LDRKLLoss(lam=5).weight(proba, codes).round(3)
    array([3.919, 0.676])
    """

    _parameter_constraints: dict = {
        "lam": [Interval(Real, 0, None, closed="neither")],
        "margin": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, lam: float = 5.0, *, margin: float = 0.0) -> None:
        self.lam = lam
        self.margin = margin

    def loss(self, proba: Array, codes: Array) -> FloatArray:
        return ldr_kl(np.log(bounded(proba)), codes, np.full(len(codes), self.lam), self.margin)

    def weight(self, proba: Array, codes: Array) -> FloatArray:
        p = bounded(proba)
        q = worst_labels(np.log(p), codes, np.full(len(codes), self.lam), self.margin)
        return (1 - own_proba(q, codes)) / (1 - own_proba(p, codes))


class ALDRKLLoss(LabelLoss):
    """The same with a lam of each row's own, larger where the model is not sure.

    ``lam_i = lam0 - lam0 KL(softmax(f_i / lam_i), 1/K) / (alpha log K)``, which is where the loss
    with the penalty alpha log(K) / (2 lam0) (lam_i - lam0)^2 is stationary. The paper takes one
    step of this fixed point a batch; here it is solved in each round.

    Parameters
    ----------
    lam0 : float > 0, default=5.0
    alpha : float > 1, default=2.0
        How strongly lam is held at lam0; no lam is below lam0 (1 - 1 / alpha).
    margin : float >= 0, default=0.0

    See Also
    --------
    LDRKLLoss : The loss for a given lam, and what was adapted.

    References
    ----------
    D. Zhu, Y. Ying, T. Yang: "Label Distributionally Robust Losses for Multi-class Classification:
    Consistency, Robustness and Adaptivity", ICML, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import ALDRKLLoss
    >>> ALDRKLLoss(lam0=1).lam(np.array([[0.5, 0.5], [0.6, 0.4], [0.99, 0.01]])).round(2)
    array([1.  , 0.99, 0.5 ])
    """

    _parameter_constraints: dict = {
        "lam0": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 1, None, closed="neither")],
        "margin": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, lam0: float = 5.0, *, alpha: float = 2.0, margin: float = 0.0) -> None:
        self.lam0 = lam0
        self.alpha = alpha
        self.margin = margin

    def lam(self, proba: Array) -> FloatArray:
        """Temperature of each row.

        Parameters
        ----------
        proba : ndarray of shape (n, K)

        Returns
        -------
        ndarray of shape (n,)
        """
        scores, log_k = np.log(bounded(proba)), np.log(proba.shape[1])
        lam = np.full(len(proba), float(self.lam0))
        for _ in range(N_STEPS):
            q = softmax(scores / lam[:, None], axis=1)
            lam = self.lam0 * (1 - (xlogy(q, q).sum(axis=1) + log_k) / (self.alpha * log_k))
        return lam

    def loss(self, proba: Array, codes: Array) -> FloatArray:
        lam = self.lam(proba)
        penalty = self.alpha * np.log(proba.shape[1]) / (2 * self.lam0) * (lam - self.lam0) ** 2
        return ldr_kl(np.log(bounded(proba)), codes, lam, self.margin) - penalty

    def weight(self, proba: Array, codes: Array) -> FloatArray:
        p = bounded(proba)
        q = worst_labels(np.log(p), codes, self.lam(proba), self.margin)
        return (1 - own_proba(q, codes)) / (1 - own_proba(p, codes))


def bounded(proba):
    """Probabilities of which none is below `BOUND`, nor, of two, above one minus it."""
    p = np.clip(proba, BOUND, 1 - BOUND)
    return p / p.sum(axis=1, keepdims=True)


def ldr_kl(scores, codes, lam, margin):
    """(n,) loss; `lam` is (n,)."""
    gaps = _gaps(scores, codes, margin)
    return lam * (logsumexp(gaps / lam[:, None], axis=1) - np.log(scores.shape[1]))


def worst_labels(scores, codes, lam, margin):
    """(n, K) the label distributions at which the loss is attained."""
    return softmax(_gaps(scores, codes, margin) / lam[:, None], axis=1)


def _gaps(scores, codes, margin):
    rows = np.arange(len(codes))
    gaps = scores - scores[rows, codes][:, None] + margin
    gaps[rows, codes] = 0.0
    return gaps
