"""Losses of class probabilities that give in where the given label is unlikely."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import Array, FloatArray
from sknoisy.training.losses._base import LEAST_PROBA, LabelLoss, Round, one_hot, own_proba

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

    def __init__(self, q: float = 0.7, *, truncation: float = 0.0) -> None:
        self.q = q
        self.truncation = truncation

    def loss(self, proba: Array, codes: Array) -> FloatArray:
        p = np.maximum(own_proba(proba, codes), max(self.truncation, LEAST_PROBA))
        return -np.log(p) if self.q == 0 else (1 - p**self.q) / self.q

    def weight(self, proba: Array, codes: Array) -> FloatArray:
        p = own_proba(proba, codes)
        kept = (p > self.truncation) | (self.truncation == 0)
        return np.where(kept, p**self.q, 0.0)


class SymmetricCrossEntropy(LabelLoss):
    """Cross-entropy plus reverse cross-entropy, in which the label is what must be foretold.

    The loss is -alpha log p - beta log_zero (1 - p) of the given label's p; a row weighs
    alpha - beta log_zero p. beta = 0 is the plain model.

    Parameters
    ----------
    alpha : float >= 0, default=0.1
        Share of cross-entropy, which learns fast.
    beta : float >= 0, default=1.0
        Share of reverse cross-entropy, which tolerates noise.
    log_zero : float < 0, default=-4.0
        What stands for the logarithm of zero.

    References
    ----------
    Y. Wang, X. Ma, Z. Chen, Y. Luo, J. Yi, J. Bailey: "Symmetric cross entropy for robust learning
    with noisy labels", ICCV, 2019 (there the loss of a network; here its weights, out of sample).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import SymmetricCrossEntropy
    >>> proba, codes = np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1])
    >>> SymmetricCrossEntropy().weight(proba, codes)
    array([3.7, 0.5])
    """

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "log_zero": [Interval(Real, None, 0, closed="neither")],
    }

    def __init__(self, alpha: float = 0.1, beta: float = 1.0, *, log_zero: float = -4.0) -> None:
        self.alpha = alpha
        self.beta = beta
        self.log_zero = log_zero

    def loss(self, proba: Array, codes: Array) -> FloatArray:
        reverse = -self.log_zero * (1 - own_proba(proba, codes))
        return self.alpha * super().loss(proba, codes) + self.beta * reverse

    def weight(self, proba: Array, codes: Array) -> FloatArray:
        return self.alpha - self.beta * self.log_zero * own_proba(proba, codes)


class BootstrappedLoss(LabelLoss):
    """Cross-entropy to a mixture of the given label and of what the model says itself.

    Parameters
    ----------
    beta : float in [0, 1], default=0.8
        Share of the given label; 1 is the plain model.
    kind : {"hard", "soft"}, default="hard"
        Whether the rest is the likeliest label, or the probabilities of all.

    References
    ----------
    S. Reed, H. Lee, D. Anguelov, C. Szegedy, D. Erhan, A. Rabinovich: "Training deep neural
    networks on noisy labels with bootstrapping", ICLR workshop, 2015 (there 0.8 for hard and 0.95
    for soft targets, by the network in training; here out of sample).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import BootstrappedLoss
    >>> proba, codes = np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1])
    >>> BootstrappedLoss(beta=0.8).targets(proba, codes, None)
    array([[1. , 0. ],
           [0.2, 0.8]])
    """

    _parameter_constraints: dict = {"beta": UNIT, "kind": [StrOptions({"hard", "soft"})]}

    def __init__(self, beta: float = 0.8, *, kind: Literal["hard", "soft"] = "hard") -> None:
        self.beta = beta
        self.kind = kind

    def loss(self, proba: Array, codes: Array) -> FloatArray:
        wanted = self.targets(proba, codes, None)
        return -(wanted * np.log(np.maximum(proba, LEAST_PROBA))).sum(axis=1)

    def targets(self, proba: Array, codes: Array, state: Round) -> FloatArray:
        n_classes = proba.shape[1]
        said = proba if self.kind == "soft" else one_hot(proba.argmax(axis=1), n_classes)
        return one_hot(codes, n_classes, self.beta) + (1 - self.beta) * said


class TaiLrLoss(LabelLoss):
    """Between cross-entropy and total variation: -log(gamma + (1 - gamma) p) / (1 - gamma).

    A row weighs p / (gamma + (1 - gamma) p) of the given label's p: gamma = 1 is the total
    variation distance, gamma = 0 the plain model.

    Parameters
    ----------
    gamma : float in [0, 1], default=0.5
        For texts with many words to choose from much smaller values serve.
    min_weight : float in [0, 1], default=0.0
        No row weighs less.

    References
    ----------
    H. Ji, P. Ke, Z. Hu, R. Zhang, M. Huang: "Tailoring language generation models under total
    variation distance", ICLR, 2023 (there of each word of a text; here of each row, out of sample).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import TaiLrLoss
    >>> proba, codes = np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1])
    >>> TaiLrLoss(gamma=0.5).weight(proba, codes).round(3)
    array([0.947, 0.182])
    """

    _parameter_constraints: dict = {"gamma": UNIT, "min_weight": UNIT}

    def __init__(self, gamma: float = 0.5, *, min_weight: float = 0.0) -> None:
        self.gamma = gamma
        self.min_weight = min_weight

    def loss(self, proba: Array, codes: Array) -> FloatArray:
        p = np.maximum(own_proba(proba, codes), LEAST_PROBA)
        if self.gamma == 1:
            return 1 - p
        return -np.log(self.gamma + (1 - self.gamma) * p) / (1 - self.gamma)

    def weight(self, proba: Array, codes: Array) -> FloatArray:
        p = np.maximum(own_proba(proba, codes), 1e-12)
        return np.maximum(p / (self.gamma + (1 - self.gamma) * p), self.min_weight)
