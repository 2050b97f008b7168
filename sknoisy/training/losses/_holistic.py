"""The worst mean that the truth may have, when the rows are few and some were put there."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.optimize import brentq
from sklearn.utils._param_validation import Interval

from sknoisy._typing import Array, FloatArray
from sknoisy.training.losses._base import Round, RowLoss


class HolisticRobustLoss(RowLoss):
    """The largest mean loss under distributions that may have given these rows.

    A share `alpha` of the rows may have been put there in place of others, whose loss may be as
    large as the largest; the rest is a sample, from which the truth differs by no more than
    KL(rows, truth) <= `radius`. The worst such truth gives the weights: it takes `alpha` from the
    rows of least loss, gives it to those of the largest, and tilts all by 1 / (eta - loss). What is
    found is the optimum of the dual program, an equation in one unknown, eta.

    With losses out of sample, the last of `loss_curve_` is a bound of the loss on clean new rows.
    A model fitted to these weights cares for its hard rows: it is safe, not forgiving, and weights
    on wrong labels grow. No row is suspected (`noise_mask_`). To find wrong labels, leave them out
    first, with `TrimmedLoss` for instance.

    Adapted: weights are averaged over the rounds, so that the game between model and worst case
    settles; there a step of gradient for each batch. Perturbed features (evasion) are left out,
    since X may hold anything.

    Parameters
    ----------
    alpha : float in [0, 1), default=0.05
        Share of rows that may be corrupted.
    radius : float >= 0, default=0.05
        Of the sampling error; alpha = radius = 0 is the plain model.

    References
    ----------
    A. Bennouna, R. Lucas, B. Van Parys: "Certified Robust Neural Networks: Generalization and
    Corruption Resistance", ICML, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import HolisticRobustLoss
    >>> losses = np.array([0.0, 1.0, 2.0, 3.0])
    >>> HolisticRobustLoss(alpha=0.25, radius=0).worst_case(losses, np.ones(4))
    array([0., 1., 1., 2.])
    """

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, 1, closed="left")],
        "radius": [Interval(Real, 0, None, closed="left")],
    }
    doubts = False

    def __init__(self, alpha: float = 0.05, *, radius: float = 0.05) -> None:
        self.alpha = alpha
        self.radius = radius

    def worst_case(self, losses: Array, sample_weight: Array) -> FloatArray:
        """Weight of each row in the worst case, times that of the user.

        Parameters
        ----------
        losses, sample_weight : ndarray of shape (n,)

        Returns
        -------
        ndarray of shape (n,)
            Of the sum of `sample_weight`.
        """
        share = sample_weight / sample_weight.sum()
        moved = displaced(losses, share, self.alpha)
        return tilted(losses, moved, self.radius) * sample_weight.sum()

    def row_weight(self, losses: Array, state: Round) -> FloatArray:
        base = state.sample_weight
        worst = self.worst_case(losses, base)
        weight = np.divide(worst, base, out=np.zeros_like(worst), where=base > 0)
        # the plain model counts as one of those that are averaged
        return state.before + (weight - state.before) / (state.number + 2)

    def objective(self, values: Array, sample_weight: Array) -> float:
        """The worst mean loss."""
        return self.worst_case(values, sample_weight) @ values / sample_weight.sum()


def displaced(losses, share, alpha):
    """Shares of rows after `alpha` went from those of least loss to those of the largest."""
    order = np.argsort(losses, kind="stable")
    before = np.cumsum(share[order]) - share[order]
    taken = np.zeros(len(losses))
    taken[order] = np.clip(alpha - before, 0.0, share[order])
    top = np.where(losses >= losses.max(), share, 0.0)
    if not top.any():  # the rows of the largest loss have no weight of their own
        top = (losses >= losses.max()).astype(float)
    return share - taken + taken.sum() * top / top.sum()


def tilted(losses, share, radius):
    """The distribution p of largest mean loss with KL(share, p) <= radius.

    It is p_i proportional to share_i / (eta - loss_i), with eta above all losses.
    """
    alive = share > 0
    spread = np.ptp(losses[alive])
    if radius == 0 or spread <= 1e-12 * max(1.0, np.abs(losses[alive]).max()):
        return share
    below, q = (losses[alive].max() - losses[alive]) / spread, share[alive]

    def excess(log_gap):
        gap = below + np.exp(log_gap)
        return np.log((q / gap).sum()) + q @ np.log(gap) - radius

    low, high = -700.0, 20.0
    if excess(low) < 0:  # nearly all on the largest loss already
        low_gap = low
    elif excess(high) > 0:  # a radius of nearly nothing
        return share
    else:
        low_gap = brentq(excess, low, high)
    out = np.zeros(len(losses))
    out[alive] = q / (below + np.exp(low_gap))
    return out / out.sum()
