"""Few rows that are known to be right, and many that are not."""

from sknoisy.training.trusted._prototype_triage import PrototypeTriageClassifier
from sknoisy.training.trusted._trusted_weights import (
    TrustedWeightClassifier,
    TrustedWeightRegressor,
)

__all__ = [
    "PrototypeTriageClassifier",
    "TrustedWeightClassifier",
    "TrustedWeightRegressor",
]
