"""Training with a model of how errors come about."""

from sknoisy.training.error_models._one_sided import OneSidedRegressor

__all__ = ["OneSidedRegressor"]
