"""Targets, rows and peers that change while a model learns."""

from sknoisy.training.moving_targets._co_teaching_classifier import CoTeachingClassifier
from sknoisy.training.moving_targets._co_teaching_regressor import CoTeachingRegressor
from sknoisy.training.moving_targets._early_learning_classifier import EarlyLearningClassifier
from sknoisy.training.moving_targets._early_learning_regressor import EarlyLearningRegressor
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
