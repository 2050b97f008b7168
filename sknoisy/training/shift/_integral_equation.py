"""How much more frequent each number is elsewhere, from rows there without numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import KFold

ALPHAS = np.logspace(-3, 0, 7)
N_FOLDS = 5
EVIDENT = 2.0  # standard errors by which weights must foretell the rows elsewhere better than none
N_NODES = 200  # of the curve that gives the weight of each number
NORMAL_IQR = 1.3489795003921634


class Rows(NamedTuple):
    """What the equation is about.

    Attributes
    ----------
    y : ndarray of shape (n,)
        Numbers of the source rows.
    z : ndarray of shape (n, d)
        What they look like.
    sample_weight : ndarray of shape (n,)
    z_target : ndarray of shape (m, d)
        What the target rows look like.
    ratio : ndarray of shape (n,) or None
        Density of target rows over that of source rows where the source rows are; None means
        that of kernel densities.
    """

    y: np.ndarray
    z: np.ndarray
    sample_weight: np.ndarray
    z_target: np.ndarray
    ratio: np.ndarray | None = None

    def part(self, source, target):
        return Rows(
            self.y[source],
            self.z[source],
            self.sample_weight[source],
            self.z_target[target],
            None if self.ratio is None else self.ratio[source],
        )


def kernel_means(at, rows, sample_weight, bandwidth):
    """(k, n) of rows that sum to one: Nadaraya-Watson weights of `rows` at each point of `at`.

    Parameters
    ----------
    at : ndarray of shape (k, d)
    rows : ndarray of shape (n, d)
    sample_weight : ndarray of shape (n,)
    bandwidth : ndarray of shape (d,)
    """
    weight, _ = _kernels(at, rows, sample_weight, bandwidth)
    return weight / weight.sum(axis=1, keepdims=True)


def kernel_ratio(at, source, sample_weight, target, bandwidth):
    """(k,) kernel density of the target rows over that of the source rows."""
    of_source, low = _kernels(at, source, sample_weight / sample_weight.sum(), bandwidth)
    of_target, high = _kernels(at, target, np.full(len(target), 1 / len(target)), bandwidth)
    return np.exp(low - high) * of_target.sum(axis=1) / of_source.sum(axis=1)


def _kernels(at, rows, sample_weight, bandwidth):
    """Gaussian kernels over the largest one of each point, and half its squared distance."""
    far = np.zeros((len(at), len(rows)))
    for j, h in enumerate(bandwidth):
        far += ((at[:, j, None] - rows[:, j]) / h) ** 2
    far = 0.5 * far
    least = np.where(sample_weight > 0, far, np.inf).min(axis=1)
    return sample_weight * np.exp(least[:, None] - far), least


def silverman(values):
    """(d,) bandwidths by Silverman's rule; one for a constant column."""
    n, d = values.shape
    low, high = np.quantile(values, [0.25, 0.75], axis=0)
    spread = values.std(axis=0)
    middle = (high - low) / NORMAL_IQR
    spread = np.where(middle > 0, np.minimum(spread, middle), spread)
    spread = np.where(spread > 0, spread, 1.0)
    return spread * (4 / ((d + 2) * n)) ** (1 / (d + 4))


class ShiftEquation:
    """E[w(Y) | z] = p_target(z) / p_source(z) for what numbers weigh, solved on some rows.

    With T the mean over y given z among source rows, T* that over z given y, and w = 1 + rho:
    (alpha I + T* T) rho = T* (ratio - 1).

    Parameters
    ----------
    rows : Rows
    """

    def __init__(self, rows):
        self.rows = rows
        self.h_y, self.h_z = silverman(rows.y[:, None]), silverman(rows.z)
        y, base = rows.y[:, None], rows.sample_weight
        self.of_y_given_z = kernel_means(rows.z, rows.z, base, self.h_z)
        self.of_z_given_y = kernel_means(y, y, base, self.h_y)
        ratio = rows.ratio
        if ratio is None:
            ratio = kernel_ratio(rows.z, rows.z, base, rows.z_target, self.h_z)
        self.eta = ratio - 1.0
        self.wanted = self.of_z_given_y @ self.eta
        self.both = self.of_z_given_y @ self.of_y_given_z

    def rho(self, alpha):
        """(n,) what the weights of the rows are beyond one."""
        return np.linalg.solve(alpha * np.eye(len(self.both)) + self.both, self.wanted)

    def weights(self, alpha, y=None):
        """What each row weighs, or each number of `y`: not negative, of mean one over the rows."""
        rho = self.rho(alpha)
        own = np.maximum(1.0 + rho, 0.0)
        mean = np.average(own, weights=self.rows.sample_weight) or 1.0
        if y is None:
            return own / mean
        # the solution obeys rho = T* (eta - T rho) / alpha, at any number
        left = (self.eta - self.of_y_given_z @ rho) / alpha
        at = kernel_means(y[:, None], self.rows.y[:, None], self.rows.sample_weight, self.h_y)
        return np.maximum(1.0 + at @ left, 0.0) / mean

    def foretold(self, weights, z):
        """(q, k) density ratio at other points that each of (q, n) weights amounts to."""
        return weights @ kernel_means(z, self.rows.z, self.rows.sample_weight, self.h_z).T


def choose_alpha(rows, alphas, random_state):
    """The alpha whose weights foretell the ratio of held-out rows best, and whether they do.

    The measure is the squared error of the ratio, up to a constant: half the mean square of what
    is foretold over source rows, less its mean over target rows.

    Parameters
    ----------
    rows : Rows
    alphas : list of float
    random_state : int or None

    Returns
    -------
    alpha : float
    gain : float
        By how much the measure is lower than that of weights one.
    is_evident : bool
        Whether this is more than two standard errors.
    """
    n, m = len(rows.y), len(rows.z_target)
    of_source, of_target = np.empty((len(alphas), n)), np.empty((len(alphas), m))
    k = min(N_FOLDS, n, m)
    if k < 2:
        return float(alphas[-1]), 0.0, False
    folds = KFold(k, shuffle=True, random_state=random_state)
    for source, target in zip(folds.split(rows.y), folds.split(rows.z_target), strict=True):
        equation = ShiftEquation(rows.part(source[0], target[0]))
        weights = np.array([equation.weights(alpha) for alpha in alphas])
        of_source[:, source[1]] = equation.foretold(weights, rows.z[source[1]])
        of_target[:, target[1]] = equation.foretold(weights, rows.z_target[target[1]])
    share = rows.sample_weight / rows.sample_weight.sum()
    of_source, of_target = 0.5 * (1.0 - of_source**2), of_target - 1.0
    gains = of_source @ share + of_target.mean(axis=1)
    best = int(gains.argmax())
    spread = of_source[best] - of_source[best] @ share
    error = np.sqrt((share**2) @ spread**2 + of_target[best].var() / m)
    return float(alphas[best]), float(gains[best]), bool(gains[best] > EVIDENT * error)


def weight_curve(equation, alpha, y):
    """(k, 2) numbers and their weights, at quantiles of y: straight between them, flat beyond."""
    nodes = np.unique(np.quantile(y, np.linspace(0, 1, N_NODES)))
    return np.column_stack([nodes, equation.weights(alpha, nodes)])
