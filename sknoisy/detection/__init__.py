"""Which rows are suspect, and what should they have been?"""

from sknoisy.detection._base import BaseDetector
from sknoisy.detection._confident_joint import (
    class_thresholds,
    confident_joint,
    find_suspects,
    joint_posterior,
    label_quality,
)
from sknoisy.detection._confident_learning import ConfidentLearning
from sknoisy.detection._residual import Residual

__all__ = [
    "BaseDetector",
    "ConfidentLearning",
    "Residual",
    "class_thresholds",
    "confident_joint",
    "find_suspects",
    "joint_posterior",
    "label_quality",
]
