"""Groups that are known: the worst of them made as good as it can be."""

from sknoisy.training.groups._expansion import (
    ProgressiveExpansionClassifier,
    ProgressiveExpansionRegressor,
)
from sknoisy.training.groups._group_dro import GroupDROClassifier, GroupDRORegressor

__all__ = [
    "GroupDROClassifier",
    "GroupDRORegressor",
    "ProgressiveExpansionClassifier",
    "ProgressiveExpansionRegressor",
]
