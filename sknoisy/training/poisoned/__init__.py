"""Rows that were spoilt with method: some of them known, or suspected by a detector."""

from sknoisy.training.poisoned._corrective_unlearning import (
    CorrectiveUnlearningClassifier,
    CorrectiveUnlearningRegressor,
)
from sknoisy.training.poisoned._stamp_defense import StampDefenseClassifier

__all__ = [
    "CorrectiveUnlearningClassifier",
    "CorrectiveUnlearningRegressor",
    "StampDefenseClassifier",
]
