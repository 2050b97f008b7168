"""Targets, rows and peers that change while a model learns."""

from sknoisy.training.moving_targets._co_teaching import (
    CoTeachingClassifier,
    CoTeachingRegressor,
)
from sknoisy.training.moving_targets._early_learning import (
    EarlyLearningClassifier,
    EarlyLearningRegressor,
)
from sknoisy.training.moving_targets._representation_calibration import (
    RepresentationCalibrationClassifier,
)

__all__ = [
    "CoTeachingClassifier",
    "CoTeachingRegressor",
    "EarlyLearningClassifier",
    "EarlyLearningRegressor",
    "RepresentationCalibrationClassifier",
]
