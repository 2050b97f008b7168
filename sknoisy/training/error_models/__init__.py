"""Training with a model of how errors come about."""

from sknoisy.training.error_models._location_scale import LocationScaleRegressor
from sknoisy.training.error_models._natural_parameters import NaturalParametersRegressor
from sknoisy.training.error_models._one_sided import OneSidedRegressor

__all__ = ["LocationScaleRegressor", "NaturalParametersRegressor", "OneSidedRegressor"]
