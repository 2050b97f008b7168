"""Every row below a tolerance, in place of a small mean."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy.training.losses._base import RowLoss


class FeasibleLearning(RowLoss):
    """Asks that the loss of each row is below a tolerance; its price is the weight of the row.

    The price (dual variable) of a row rises by `step` times its excess over the tolerance, and
    falls below it, down to nothing: lambda <- max(0, lambda + step (loss - tolerance
    - lambda / slack)). The last term is that of resilient feasible learning: a tolerance may be
    exceeded, by the price over `slack`, where the squares of all slacks are as small as possible.
    It keeps the price of a row that nobody can learn finite: slack times its excess.

    This is no protection against wrong labels: these become the heaviest. The prices,
    `sample_weight_`, tell which rows are hard, wrong ones among them. No row is suspected
    (`noise_mask_`).

    Adapted: a fit to the priced rows in place of a step of gradient, and losses out of sample.
    Prices start at one for all rows (the plain model), there at nothing.

    Parameters
    ----------
    tolerance : float >= 0, default=0.5
        Of cross-entropy (0.69 is a probability of one half), or of half the squared residual in
        units of the scale.
    slack : float > 0 or None, default=1.0
        None means that no tolerance may be exceeded.
    step : float > 0, default=0.3
        Of the prices in each round.

    References
    ----------
    J. Ramirez, I. Hounie, J. Elenter, J. Gallego-Posada, M. Hashemizadeh, A. Ribeiro,
    S. Lacoste-Julien: "Feasible Learning", AISTATS, 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import FeasibleLearning, Round
    >>> state = Round(0, np.ones(3), np.ones(3))
    >>> FeasibleLearning(step=0.5).row_weight(np.array([0.0, 0.5, 2.5]), state)
    array([0.25, 0.5 , 1.5 ])
    """

    _parameter_constraints: dict = {
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "slack": [Interval(Real, 0, None, closed="neither"), None],
        "step": [Interval(Real, 0, None, closed="neither")],
    }
    doubts = False

    def __init__(self, tolerance=0.5, *, slack=1.0, step=0.3):
        self.tolerance = tolerance
        self.slack = slack
        self.step = step

    def row_weight(self, losses, state):
        price = state.before
        allowed = self.tolerance if self.slack is None else self.tolerance + price / self.slack
        return np.maximum(price + self.step * (losses - allowed), 0.0)
