"""Candidates of a linear regression of which only some batches are genuine, in arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

CLIP = 3.0  # mean sizes of residuals at which gradients are clipped
OVERLAP = (2.0, 1.0, 0.5)  # deviations of a genuine batch by which the parts of a split overlap
ALIKE = 0.8  # share of the batches of two candidates that both have, for them to be one
FLOOR = 1e-6  # of the median loss: smaller ones are all the same
TINY = 1e-12


@dataclass
class BatchRows:
    """Rows of a linear regression in batches.

    Attributes
    ----------
    Z : ndarray of shape (n, d)
        Features, a column of ones among them; best without correlations, in units.
    y : ndarray of shape (n,)
    batch : ndarray of shape (n,) of int
    weight : ndarray of shape (n,)
    """

    Z: np.ndarray
    y: np.ndarray
    batch: np.ndarray
    weight: np.ndarray

    def __post_init__(self):
        self.size = np.bincount(self.batch, self.weight)
        squares = np.bincount(self.batch, self.weight**2)
        # of how many equal rows a mean is as uncertain as that of a batch
        self.n_effective = self.size**2 / np.maximum(squares, TINY)

    def mean(self, values):
        """(B,) or (B, d): means over each batch of values (n,) or (n, d)."""
        if values.ndim == 2:
            return np.stack([self.mean(column) for column in values.T], axis=1)
        total = np.bincount(self.batch, self.weight * values, len(self.size))
        return total / np.maximum(self.size, TINY)

    def chance(self, values, beta):
        """Covariance (d, d) of a batch's mean of values (n, d), by the spread of its own rows."""
        inner = values - self.mean(values)[self.batch]
        many = self.n_effective > 1.0 + 1e-9
        scale = np.zeros(len(self.size))
        scale[many] = beta[many] / (self.n_effective[many] - 1.0) / self.size[many]
        total = beta[many].sum()
        if total <= 0:
            return None
        return (inner * (self.weight * scale[self.batch])[:, None]).T @ inner / total


def candidates(rows, alpha):
    """Regressions one of which is near that of the genuine batches.

    What the multifilter finds, each fitted anew to the share `alpha` of the batches with the least
    loss until these stay the same. As long as too many batches are explained by none, it is asked
    again about those.

    Parameters
    ----------
    rows : BatchRows
    alpha : float
        Share of the batches that is genuine, at least.

    Returns
    -------
    core : ndarray of shape (K, B) of bool
        The batches that each candidate is fitted to.
    """
    left = rows.size > 0
    least = max(1, int(np.ceil(alpha * left.sum())))
    cores = []
    while 2 * left.sum() >= least:
        n_left = left.sum()
        for coef in multifilter(rows, alpha, left.astype(float)):
            core, loss = settled(rows, coef, least)
            if not any(are_alike(core, other) for other in cores):
                cores.append(core)
            left = left & ~concentrate(loss, least)
        if left.sum() == n_left:
            break
    return np.array(cores)


def multifilter(rows, alpha, start, max_steps=10_000):
    """Coefficients of regressions to heaps of batches.

    From the first weights on: fit a regression with clipped residuals, look whether the batches'
    mean gradients differ by more than chance, and if so take weight from those that lie far off,
    or, where there are several heaps of them, go on with each heap. Weights that have lost too many
    batches for the genuine ones to be among them are given up.

    Parameters
    ----------
    rows : BatchRows
    alpha : float
    start : ndarray of shape (B,)
        First weights of the batches.
    max_steps : int

    Returns
    -------
    list of ndarray of shape (d,)
    """
    unit = alpha * np.count_nonzero(rows.size)
    open_, done = [start], []
    for _ in range(max_steps):
        if not open_:
            break
        beta = open_.pop()
        coef, clip = clipped_fit(rows, beta)
        value, chance, limit = outlying(rows, beta, coef, clip)
        if weighted_variance(value, beta) <= limit * chance:
            done.append(coef)
            continue
        parts = split(value, beta, unit / 8, np.sqrt(chance), limit)
        open_ += [part for part in parts if part.sum() >= unit / 2]
    return done


def settled(rows, coef, least, max_iter=20):
    """The `least` many batches of least loss, refitted until they stay; and all losses (B,)."""
    core = None
    for _ in range(max_iter):
        loss = rows.mean((rows.y - rows.Z @ coef) ** 2)
        loss[rows.size == 0] = np.inf
        new = np.zeros(len(loss), dtype=bool)
        new[np.argsort(loss, kind="stable")[:least]] = True
        if core is not None and (new == core).all():
            break
        core = new
        coef, _ = clipped_fit(rows, core.astype(float))
    return core, loss


def are_alike(one, other):
    """Whether two sets of batches have nearly the same members."""
    return (one & other).sum() >= ALIKE * (one | other).sum()


def clipped_fit(rows, beta):
    """Coefficients that minimise the Huber loss, and where it clips: both found in turn."""
    base = rows.weight * (beta / np.maximum(rows.size, TINY))[rows.batch]
    coef = _least_squares(rows.Z, rows.y, base)
    clip = np.inf
    for _ in range(20):
        size = np.abs(rows.y - rows.Z @ coef)
        wanted = max(CLIP * np.average(size, weights=base), TINY)
        if wanted >= clip / 2:
            break
        clip = wanted
        for _ in range(20):
            pull = clip / np.maximum(np.abs(rows.y - rows.Z @ coef), clip)
            new = _least_squares(rows.Z, rows.y, base * pull)
            moved = np.abs(new - coef).max()
            coef = new
            if moved <= 1e-6 * (np.abs(coef).max() + TINY):
                break
    return coef, clip


def _least_squares(Z, y, weight):
    gram = (Z * weight[:, None]).T @ Z
    ridge = 1e-8 * np.trace(gram) / len(gram) + TINY
    return np.linalg.solve(gram + ridge * np.eye(len(gram)), Z.T @ (weight * y))


def clipped_gradient(rows, coef, clip):
    """(n, d) gradient of the Huber loss of each row."""
    residual = rows.Z @ coef - rows.y
    return np.clip(residual, -clip, clip)[:, None] * rows.Z


def outlying(rows, beta, coef, clip):
    """In what the batches differ most.

    First their mean absolute residuals, which must be alike for the gradients to mean anything;
    else the mean gradients along the direction in which they vary most, in units of chance.

    Returns
    -------
    value : ndarray of shape (B,)
    chance : float
        Variance of a genuine batch's value.
    limit : float
        How many times that may be seen.
    """
    n_effective = beta.sum() ** 2 / max((beta**2).sum(), TINY)
    size = np.abs(rows.Z @ coef - rows.y)[:, None]
    within = rows.chance(size, beta)
    value = rows.mean(size[:, 0])
    if within is None:  # single rows: no telling what chance does
        return value, weighted_variance(value, beta), 1.0
    limit = (1.0 + np.sqrt(1.0 / n_effective)) ** 2 + 4.0 / np.sqrt(n_effective)
    if weighted_variance(value, beta) > limit * within[0, 0] + TINY:
        return value, within[0, 0] + TINY, limit
    gradient = clipped_gradient(rows, coef, clip)
    within = rows.chance(gradient, beta)
    mean = rows.mean(gradient)
    centred = mean - np.average(mean, axis=0, weights=beta)
    between = (centred * (beta / beta.sum())[:, None]).T @ centred
    d = len(between)
    within += (1e-6 * np.trace(within) / d + TINY) * np.eye(d)
    _, axis = eigh(between, within, subset_by_index=[d - 1, d - 1])
    return mean @ axis[:, 0], 1.0, (1.0 + np.sqrt(d / n_effective)) ** 2


def split(value, beta, tail, deviation, limit):
    """One lighter weight vector, or two parts of it which overlap.

    Parameters
    ----------
    value, beta : ndarray of shape (B,)
    tail : float
        Weight at either end that may be cut off.
    deviation : float
        Of a genuine batch's value.
    limit : float
        How many times its square the variance may be.

    Returns
    -------
    list of one or two ndarray of shape (B,)
    """
    low, high = _tails(value, beta, tail)
    middle = beta * ((value >= low) & (value <= high))
    if weighted_variance(value, middle) > limit * deviation**2:
        parts = _two_parts(value, beta, deviation)
        if parts is not None:
            return parts
    far = np.maximum(np.maximum(low - value, value - high), 0.0) ** 2
    if not (far[beta > 0] > 0).any():
        far = (value - np.average(value, weights=beta)) ** 2
    return [beta * (1.0 - far / far[beta > 0].max()).clip(0.0)]


def _tails(value, beta, tail):
    """Bounds beyond which less than `tail` of the weight lies, on either side."""
    order = np.argsort(value, kind="stable")
    below = np.cumsum(beta[order])
    above = np.cumsum(beta[order][::-1])
    first = min(np.searchsorted(below, tail, side="right"), len(order) - 1)
    last = min(np.searchsorted(above, tail, side="right"), len(order) - 1)
    low, high = value[order][first], value[order][::-1][last]
    return min(low, high), max(low, high)


def _two_parts(value, beta, deviation):
    """Both sides of the best threshold, each with a margin beyond it.

    No more than one of them can lose many genuine batches, whose values lie within the margin of
    one another; and the squares of the parts' sums are no more than that of the whole, which bounds
    the number of candidates by 4 / alpha ** 2.
    """
    inside = np.unique(value[beta > 0])
    cuts = (inside[1:] + inside[:-1]) / 2
    order = np.argsort(value, kind="stable")
    below = np.r_[0.0, np.cumsum(beta[order])]
    total = below[-1]
    for margin in OVERLAP:
        wide = margin * deviation
        right = total - below[np.searchsorted(value[order], cuts - wide, side="left")]
        left = below[np.searchsorted(value[order], cuts + wide, side="left")]
        squares = left**2 + right**2
        fits = (squares <= total**2) & (np.maximum(left, right) < total)
        if fits.any():
            cut = cuts[np.argmin(np.where(fits, squares, np.inf))]
            return [beta * (value < cut + wide), beta * (value >= cut - wide)]
    return None


def weighted_variance(value, weight):
    total = weight.sum()
    if total <= 0:
        return 0.0
    mean = weight @ value / total
    return float(weight @ (value - mean) ** 2 / total)


def concentrate(loss, least):
    """(B,) of bool: the batches of a candidate, by their losses under it.

    The `least` many with the least loss, and then others as long as they are no outliers among
    these: no further than three standard deviations above their mean, in logarithms (the losses of
    small batches are skewed).
    """
    order = np.argsort(loss, kind="stable")
    finite = loss[np.isfinite(loss)]
    sorted_ = np.log(loss[order] + FLOOR * (np.median(finite) + TINY))
    n = least
    while n < len(loss):
        mine = sorted_[:n]
        bound = mine.mean() + 3.0 * mine.std()
        more = int(np.searchsorted(sorted_, bound, side="right"))
        if more <= n:
            break
        n = more
    member = np.zeros(len(loss), dtype=bool)
    member[order[:n]] = True
    return member
