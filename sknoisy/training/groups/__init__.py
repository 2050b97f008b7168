"""Groups that are known: the worst of them made as good as it can be."""

from sknoisy.training.groups._expansion import (
    ProgressiveExpansionClassifier,
    ProgressiveExpansionRegressor,
)
from sknoisy.training.groups._group_dro import GroupDROClassifier, GroupDRORegressor
from sknoisy.training.groups._last_step import LastStepRefitClassifier, LastStepRefitRegressor
from sknoisy.training.groups._missing_groups import (
    MissingGroupReweightingClassifier,
    MissingGroupReweightingRegressor,
)

__all__ = [
    "GroupDROClassifier",
    "GroupDRORegressor",
    "LastStepRefitClassifier",
    "LastStepRefitRegressor",
    "MissingGroupReweightingClassifier",
    "MissingGroupReweightingRegressor",
    "ProgressiveExpansionClassifier",
    "ProgressiveExpansionRegressor",
]
