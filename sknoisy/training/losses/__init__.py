"""Losses that forgive, for any model: as weights or soft targets of fits that are repeated."""

from sknoisy.training.losses._base import LabelLoss, NumberLoss, RowLoss
from sknoisy.training.losses._labels import GeneralizedCrossEntropy
from sknoisy.training.losses._numbers import HuberLoss, QGaussianLoss, TukeyLoss, WelschLoss
from sknoisy.training.losses._robust_loss import RobustLossClassifier, RobustLossRegressor
from sknoisy.training.losses._trimmed import TrimmedLoss

__all__ = [
    "GeneralizedCrossEntropy",
    "HuberLoss",
    "LabelLoss",
    "NumberLoss",
    "QGaussianLoss",
    "RobustLossClassifier",
    "RobustLossRegressor",
    "RowLoss",
    "TrimmedLoss",
    "TukeyLoss",
    "WelschLoss",
]
