"""Training with a model of how errors come about."""

from sknoisy.training.error_models._certified_halfspace import CertifiedHalfspaceClassifier
from sknoisy.training.error_models._halfspace_certificate import (
    HalfspaceCertificate,
    certify_halfspace,
)
from sknoisy.training.error_models._location_scale import LocationScaleRegressor
from sknoisy.training.error_models._natural_parameters import NaturalParametersRegressor
from sknoisy.training.error_models._one_sided import OneSidedRegressor
from sknoisy.training.error_models._ramp_halfspace import RampHalfspaceClassifier

__all__ = [
    "CertifiedHalfspaceClassifier",
    "certify_halfspace",
    "HalfspaceCertificate",
    "LocationScaleRegressor",
    "NaturalParametersRegressor",
    "OneSidedRegressor",
    "RampHalfspaceClassifier",
]
