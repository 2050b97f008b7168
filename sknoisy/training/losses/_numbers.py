"""Losses of residuals that grow slower than their squares."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._typing import Array, FloatArray
from sknoisy.training.losses._base import NumberLoss

POSITIVE = [Interval(Real, 0, None, closed="neither")]


class HuberLoss(NumberLoss):
    """Squares in the middle, sizes outside: large residuals pull, but no stronger than k does.

    A row weighs min(1, k / abs(u)). Convex, so that there is one solution; a share of rows far on
    one side still shifts it.

    Parameters
    ----------
    k : float > 0, default=1.345
        In units of the scale; the default is 95 % efficient for normal errors.

    References
    ----------
    P. J. Huber: "Robust estimation of a location parameter", Annals of Mathematical Statistics 35,
    1964.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import HuberLoss
    >>> HuberLoss(k=1).weight(np.array([0.5, -2.0, 10.0]))
    array([1. , 0.5, 0.1])
    """

    _parameter_constraints: dict = {"k": POSITIVE}

    def __init__(self, k: float = 1.345) -> None:
        self.k = k

    def loss(self, residual: Array) -> FloatArray:
        size = np.abs(residual)
        return np.where(size <= self.k, size**2 / 2, self.k * (size - self.k / 2))

    def weight(self, residual: Array) -> FloatArray:
        return self.k / np.maximum(np.abs(residual), self.k)


class TukeyLoss(NumberLoss):
    """Tukey's biweight: what is farther than c does not pull at all.

    A row weighs (1 - (u / c)^2)^2, and nothing beyond c. Not convex: where it ends depends on the
    first fit.

    Parameters
    ----------
    c : float > 0, default=4.685
        In units of the scale; the default is 95 % efficient for normal errors.

    References
    ----------
    A. E. Beaton, J. W. Tukey: "The fitting of power series, meaning polynomials, illustrated on
    band-spectroscopic data", Technometrics 16, 1974.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import TukeyLoss
    >>> TukeyLoss(c=2).weight(np.array([0.0, 1.0, 3.0]))
    array([1.    , 0.5625, 0.    ])
    """

    _parameter_constraints: dict = {"c": POSITIVE}

    def __init__(self, c: float = 4.685) -> None:
        self.c = c

    def loss(self, residual: Array) -> FloatArray:
        inside = np.maximum(1 - (residual / self.c) ** 2, 0.0)
        return self.c**2 / 6 * (1 - inside**3)

    def weight(self, residual: Array) -> FloatArray:
        return np.maximum(1 - (residual / self.c) ** 2, 0.0) ** 2


class WelschLoss(NumberLoss):
    """Welsch's loss, also called Leclerc's or correntropy: c^2 / 2 (1 - exp(-(u / c)^2)).

    A row weighs exp(-(u / c)^2), so that the weights are those of a maximum of the Tsallis (Lq)
    likelihood of normal errors.

    Parameters
    ----------
    c : float > 0, default=2.985
        In units of the scale; the default is 95 % efficient for normal errors.

    References
    ----------
    J. E. Dennis Jr., R. E. Welsch: "Techniques for nonlinear least squares and robust regression",
    Communications in Statistics 7, 1978.

    D. Ferrari, Y. Yang: "Maximum Lq-likelihood estimation", Annals of Statistics 38, 2010 (the
    weights of rows by a power of their likelihood).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import WelschLoss
    >>> WelschLoss(c=1).weight(np.array([0.0, 1.0])).round(3)
    array([1.   , 0.368])
    """

    _parameter_constraints: dict = {"c": POSITIVE}

    def __init__(self, c: float = 2.985) -> None:
        self.c = c

    def loss(self, residual: Array) -> FloatArray:
        return -(self.c**2) / 2 * np.expm1(-((residual / self.c) ** 2))

    def weight(self, residual: Array) -> FloatArray:
        return np.exp(-((residual / self.c) ** 2))


class QGaussianLoss(NumberLoss):
    """Minus the logarithm of Tsallis' q-Gaussian density, which has heavy tails.

    A row weighs 1 / (1 + (q - 1) / (3 - q) u^2): near q = 1 the plain model, q = 2 Cauchy's loss;
    in between, that of Student's t with (3 - q) / (q - 1) degrees of freedom.

    Parameters
    ----------
    q : float in (1, 3), default=1.5

    References
    ----------
    C. Tsallis: "Possible generalization of Boltzmann-Gibbs statistics", Journal of Statistical
    Physics 52, 1988.

    K. L. Lange, R. J. A. Little, J. M. G. Taylor: "Robust statistical modeling using the t
    distribution", Journal of the American Statistical Association 84, 1989 (the weights).

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import QGaussianLoss
    >>> QGaussianLoss(q=2).weight(np.array([0.0, 1.0, 3.0]))
    array([1. , 0.5, 0.1])
    """

    _parameter_constraints: dict = {"q": [Interval(Real, 1, 3, closed="neither")]}

    def __init__(self, q: float = 1.5) -> None:
        self.q = q

    def loss(self, residual: Array) -> FloatArray:
        freedom = (3 - self.q) / (self.q - 1)
        return freedom / 2 * np.log1p(residual**2 / freedom)

    def weight(self, residual: Array) -> FloatArray:
        return 1 / (1 + residual**2 * (self.q - 1) / (3 - self.q))
