"""Models that do not answer where they would probably be wrong."""

from sknoisy.reject._classifier import RejectClassifier
from sknoisy.reject._regressor import RejectRegressor

__all__ = ["RejectClassifier", "RejectRegressor"]
