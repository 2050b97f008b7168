"""Every row below a tolerance, in place of a small mean."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._typing import Array, FloatArray
from sknoisy.training.losses._base import Round, RowLoss


class FeasibleLearning(RowLoss):
    """Asks that the loss of each row is below a tolerance; its price is the weight of the row.

    The price (dual variable) of a row rises by its excess over the tolerance, and falls below it,
    down to nothing: ``price <- max(0, price + step (loss - tolerance - price / slack))``. The last
    term is that of resilient feasible learning: a tolerance may be exceeded, where the squares of
    all slacks are as small as possible; prices end at slack times the excess, so that the price of
    a row that nobody can learn stays finite. Without it, prices of such rows grow and grow.

    This is no protection against wrong labels: these become the heaviest. The prices,
    `sample_weight_`, tell which rows are hard, wrong ones among them. No row is suspected
    (`noise_mask_`).

    Adapted: a fit to the priced rows in place of a step of gradient, and losses out of sample.
    Since only proportions of prices matter to a fit, the slack has no size here, and its steps
    shrink as slack / (round + 1), which settles the game between model and prices. Prices start
    equal for all rows (the plain model), at the mean excess; there at nothing.

    Parameters
    ----------
    tolerance : float >= 0, default=0.5
        Of cross-entropy (0.69 is a probability of one half), or of half the squared residual in
        units of the scale.
    resilient : bool, default=True
        Whether a tolerance may be exceeded.
    step : float > 0, default=0.3
        Of prices that are not resilient.

    References
    ----------
    J. Ramirez, I. Hounie, J. Elenter, J. Gallego-Posada, M. Hashemizadeh, A. Ribeiro,
    S. Lacoste-Julien: "Feasible Learning", AISTATS, 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.losses import FeasibleLearning, Round
    >>> state = Round(0, np.ones(3), np.ones(3))
    >>> FeasibleLearning(tolerance=1).row_weight(np.array([0.0, 1.0, 4.0]), state)
    array([0. , 0.5, 2. ])
    """

    _parameter_constraints: dict = {
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "resilient": ["boolean"],
        "step": [Interval(Real, 0, None, closed="neither")],
    }
    doubts = False

    def __init__(
        self, tolerance: float = 0.5, *, resilient: bool = True, step: float = 0.3
    ) -> None:
        self.tolerance = tolerance
        self.resilient = resilient
        self.step = step

    def row_weight(self, losses: Array, state: Round) -> FloatArray:
        excess, price = losses - self.tolerance, state.before
        if state.number == 0:
            price = price * np.average(np.maximum(excess, 0.0), weights=state.sample_weight)
        if self.resilient:
            return np.maximum(price + (excess - price) / (state.number + 2), 0.0)
        return np.maximum(price + self.step * excess, 0.0)
