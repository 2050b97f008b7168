"""Leave the worst rows out, again and again."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._typing import Array, FloatArray
from sknoisy.training.losses._base import Round, RowLoss


class TrimmedLoss(RowLoss):
    """The sum of the smallest losses: rows of the largest ones are left out, and come back if fit.

    For labels iterative trimming by cross-entropy, for numbers least trimmed squares. The model
    needs no weights.

    Parameters
    ----------
    share : float in [0, 1), default=0.1
        Of the rows (with `sample_weight`, of their weight) that is left out; no less than is wrong.

    References
    ----------
    P. J. Rousseeuw: "Least median of squares regression", Journal of the American Statistical
    Association 79, 1984 (least trimmed squares).

    P. J. Rousseeuw, K. Van Driessen: "Computing LTS regression for large data sets", Data Mining
    and Knowledge Discovery 12, 2006 (the iteration: fit to the rows of smallest residuals; there
    from many random starts and on fitted residuals, here from the plain fit, out of sample).

    Y. Shen, S. Sanghavi: "Learning with bad training data via iterative trimmed loss minimization",
    ICML, 2019 (the same for any loss).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.training.losses import RobustLossRegressor, TrimmedLoss
    >>> X = np.arange(20.0).reshape(-1, 1)
    >>> y = X[:, 0] + 0.1 * np.sin(X[:, 0])
    >>> y[[4, 11]] += 50
    >>> model = RobustLossRegressor(LinearRegression(), loss=TrimmedLoss(0.1), random_state=0)
    >>> np.flatnonzero(model.fit(X, y).noise_mask_)
    array([ 4, 11])
    """

    _parameter_constraints: dict = {"share": [Interval(Real, 0, 1, closed="left")]}
    only_leaves_out = True

    def __init__(self, share: float = 0.1) -> None:
        self.share = share

    def row_weight(self, losses: Array, state: Round) -> FloatArray:
        order = np.argsort(losses, kind="stable")
        before = np.cumsum(state.sample_weight[order]) - state.sample_weight[order]
        kept = np.zeros(len(losses))
        # rounding guards: the share of equal weights must hit the integers
        limit = (1 - self.share) * state.sample_weight.sum() * (1 - 1e-9)
        kept[order[before < limit]] = 1.0
        return kept
