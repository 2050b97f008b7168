"""Losses of class probabilities that give in where the given label is unlikely."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy.training.losses._base import LEAST_PROBA, LabelLoss, one_hot, own_proba

UNIT = [Interval(Real, 0, 1, closed="both")]


class GeneralizedCrossEntropy(LabelLoss):
    """Between cross-entropy and the absolute error: (1 - p^q) / q of the given label's p.

    A row weighs p^q: q = 0 is the plain model, q = 1 the absolute error, which symmetric noise
    cannot mislead but which learns slowly. It is minus Tsallis' logarithm of order 1 - q.

    Parameters
    ----------
    q : float in [0, 1], default=0.7
    truncation : float in [0, 1), default=0.0
        Rows whose label is no likelier than this weigh nothing.

    References
    ----------
    Z. Zhang, M. R. Sabuncu: "Generalized cross entropy loss for training deep neural networks with
    noisy labels", NeurIPS, 2018 (there the loss of a network; here its weights, out of sample).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import GeneralizedCrossEntropy
    >>> proba, codes = np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1])
    >>> GeneralizedCrossEntropy(q=1).weight(proba, codes)
    array([0.9, 0.1])
    """

    _parameter_constraints: dict = {
        "q": UNIT,
        "truncation": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(self, q=0.7, *, truncation=0.0):
        self.q = q
        self.truncation = truncation

    def loss(self, proba, codes):
        p = np.maximum(own_proba(proba, codes), max(self.truncation, LEAST_PROBA))
        return -np.log(p) if self.q == 0 else (1 - p**self.q) / self.q

    def weight(self, proba, codes):
        p = own_proba(proba, codes)
        kept = (p > self.truncation) | (self.truncation == 0)
        return np.where(kept, p**self.q, 0.0)
