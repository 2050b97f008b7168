"""The defaults that decide for themselves what to do about suspect rows."""

from sknoisy.robust._classifier import RobustClassifier
from sknoisy.robust._regressor import RobustRegressor

__all__ = ["RobustClassifier", "RobustRegressor"]
