"""Rows between rows, and targets between theirs."""

from sknoisy.training.mixing._contradicting import ContradictingPairClassifier
from sknoisy.training.mixing._mixup import MixupClassifier, MixupRegressor
from sknoisy.training.mixing._neighbor_mix import NeighborMixRegressor

__all__ = [
    "ContradictingPairClassifier",
    "MixupClassifier",
    "MixupRegressor",
    "NeighborMixRegressor",
]
