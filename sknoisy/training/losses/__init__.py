"""Losses that forgive, for any model: as weights or soft targets of fits that are repeated."""

from sknoisy.training.losses._base import LabelLoss, NumberLoss, Round, RowLoss
from sknoisy.training.losses._feasible import FeasibleLearning
from sknoisy.training.losses._holistic import HolisticRobustLoss
from sknoisy.training.losses._label_distribution import ALDRKLLoss, LDRKLLoss
from sknoisy.training.losses._labels import (
    BootstrappedLoss,
    GeneralizedCrossEntropy,
    SymmetricCrossEntropy,
    TaiLrLoss,
)
from sknoisy.training.losses._numbers import HuberLoss, QGaussianLoss, TukeyLoss, WelschLoss
from sknoisy.training.losses._robust_loss import RobustLossClassifier, RobustLossRegressor
from sknoisy.training.losses._trimmed import TrimmedLoss

__all__ = [
    "ALDRKLLoss",
    "BootstrappedLoss",
    "FeasibleLearning",
    "GeneralizedCrossEntropy",
    "HolisticRobustLoss",
    "HuberLoss",
    "LDRKLLoss",
    "LabelLoss",
    "NumberLoss",
    "QGaussianLoss",
    "RobustLossClassifier",
    "RobustLossRegressor",
    "Round",
    "RowLoss",
    "SymmetricCrossEntropy",
    "TaiLrLoss",
    "TrimmedLoss",
    "TukeyLoss",
    "WelschLoss",
]
