"""The loss that a regressor is fitted for, where that is not the squared error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

TINY = 1e-9  # of predictions that must be above zero


@dataclass
class OwnLoss:
    """What a prediction costs, and what it is about.

    Attributes
    ----------
    name : str
    cost : callable
        (targets, predictions) to the cost of each row.
    is_central : bool
        Whether the model predicts the middle or the mean of the targets. If not, as for a quantile,
        nothing that others predict can stand for its targets.
    is_bounded : bool
        Whether targets below zero, or at it, are refused, as counts and amounts have none.
    """

    name: str
    cost: Callable[..., Any]
    is_central: bool = True
    is_bounded: bool = False


SQUARED = OwnLoss("squared error", lambda y, g: (y - g) ** 2)


def own_loss(estimator):
    """`OwnLoss` of the innermost model; the squared error where it names no other one."""
    model = _innermost(estimator)
    params = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    kind = type(model).__name__
    said = next(
        (
            value
            for value in (params.get(name) for name in ("loss", "objective", "loss_function"))
            if isinstance(value, str)
        ),
        "",
    ).lower()
    if kind == "QuantileRegressor" or "quantile" in said:
        return _quantile(_level(params, said))
    if kind == "PoissonRegressor" or "poisson" in said:
        return OwnLoss("Poisson deviance", lambda y, g: _tweedie(y, g, 1), is_bounded=True)
    if kind == "GammaRegressor" or "gamma" in said:
        return OwnLoss("gamma deviance", lambda y, g: _tweedie(y, g, 2), is_bounded=True)
    if kind == "TweedieRegressor" or "tweedie" in said:
        power = params.get("power", params.get("tweedie_variance_power"))
        if power is None:
            power = 1.5 if "tweedie" in said else 0
        if not power:
            return SQUARED
        return OwnLoss("Tweedie deviance", lambda y, g: _tweedie(y, g, power), is_bounded=True)
    if kind == "HuberRegressor" or re.search(r"absolute|mae|huber|epsilon|regression_l1|:l1", said):
        return OwnLoss("absolute error", lambda y, g: np.abs(y - g))
    return SQUARED


def _innermost(estimator):
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif isinstance(estimator, BaseSearchCV):
            estimator = estimator.estimator
        elif isinstance(estimator, TransformedTargetRegressor):
            # another transformed target has another loss: judged by what it predicts in the end
            estimator = estimator.regressor
        else:
            return estimator


def _level(params, said):
    for name in ("quantile", "quantile_alpha", "alpha"):
        value = params.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1:
            return float(value)
    found = re.search(r"alpha=([0-9.]+)", said)  # CatBoost
    return float(found[1]) if found else 0.5


def _quantile(level):
    def cost(y, g):
        return np.where(y >= g, level, 1 - level) * np.abs(y - g)

    return OwnLoss(f"pinball loss at {level:g}", cost, is_central=level == 0.5)


def _tweedie(y, g, power):
    """Unit deviance of each row."""
    g = np.maximum(g, TINY)
    if power == 1:
        log = np.log(np.maximum(y, TINY) / g)
        return 2 * (np.where(y > 0, y * log, 0.0) - y + g)
    if power == 2:
        y = np.maximum(y, TINY)
        return 2 * (y / g - np.log(y / g) - 1)
    a, b = 2 - power, 1 - power
    return 2 * (np.maximum(y, 0.0) ** a / (a * b) - y * g**b / b + g**a / a)
