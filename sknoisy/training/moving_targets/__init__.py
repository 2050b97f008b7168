"""Targets, rows and peers that change while a model learns."""

from sknoisy.training.moving_targets._early_learning import (
    EarlyLearningClassifier,
    EarlyLearningRegressor,
)

__all__ = [
    "EarlyLearningClassifier",
    "EarlyLearningRegressor",
]
