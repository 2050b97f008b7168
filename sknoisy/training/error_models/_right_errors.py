"""Where errors that go one way leave the right ones: a mixture of normals, the right one on top."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

LEAST_RIGHT = 0.5  # share of the right rows; of fewer, nobody could say which they are
N_LOWER = 2  # normals that wrong rows have together
FIRST_ROUNDS, ROUNDS = 200, 5
TOL = 1e-5


class RightErrors:
    """Law of residuals where right ones are normal and wrong ones are lower by some amount.

    A normal of the right residuals, of at least half of the weight, and `N_LOWER` normals of the
    wrong ones, each of a mean no higher and a spread no smaller. Expectation-maximisation, which
    `update` goes on with when residuals have changed a little.

    Attributes
    ----------
    means, spreads, shares : ndarray of shape (1 + N_LOWER,)
        The right residuals first.
    wrong_proba : ndarray of shape (n,)
        Of the residuals of the last `update`.
    """

    def __init__(self):
        self.means = self.spreads = self.shares = self.wrong_proba = None
        self.floor = 0.0

    def update(self, residual, weight):
        """The law of other residuals, beginning with that of the last ones."""
        n_rounds = ROUNDS
        if self.means is None:
            self._start(residual, weight)
            n_rounds = FIRST_ROUNDS
        for _ in range(n_rounds):
            before = self.means[0]
            self._maximise(residual, weight, self._posterior(residual))
            if abs(self.means[0] - before) < TOL * self.spreads[0]:
                break
        self.wrong_proba = 1.0 - self._posterior(residual)[:, 0]
        return self

    def _start(self, residual, weight):
        order = np.argsort(residual, kind="stable")
        below = np.cumsum(weight[order])
        places = np.searchsorted(below, np.array([0.5, 0.85]) * below[-1])
        middle, high = residual[order][places]
        unit = max((high - middle) / norm.ppf(0.85), 1e-6 * np.abs(residual).max(), 1e-300)
        steps = np.arange(1 + N_LOWER)
        self.means = middle - 2.0 * unit * steps
        self.spreads = unit * np.where(steps == 0, 1.0, 2.0)
        self.shares = np.where(steps == 0, 0.6, 0.4 / N_LOWER)
        self.floor = 1e-3 * unit  # a normal of no spread has any likelihood

    def _posterior(self, residual):
        scaled = (residual[:, None] - self.means) / self.spreads
        log = np.log(self.shares / self.spreads) - 0.5 * scaled**2
        proba = np.exp(log - log.max(axis=1, keepdims=True))
        return proba / proba.sum(axis=1, keepdims=True)

    def _maximise(self, residual, weight, posterior):
        mass = posterior * weight[:, None]
        total = mass.sum(axis=0) + 1e-12 * weight.sum()
        self.means = (mass * residual[:, None]).sum(axis=0) / total
        self.means[1:] = np.minimum(self.means[1:], self.means[0])
        squares = (mass * (residual[:, None] - self.means) ** 2).sum(axis=0) / total
        self.spreads = np.maximum(np.sqrt(squares), self.floor)
        self.spreads[1:] = np.maximum(self.spreads[1:], self.spreads[0])
        right = max(total[0] / total.sum(), LEAST_RIGHT)
        wrong = total[1:] / total[1:].sum() * (1.0 - right)
        self.shares = np.maximum(np.concatenate([[right], wrong]), 1e-12)
