"""Labels of other kinds: of crowds, by rules, positive only, candidate sets, or missing."""

from sknoisy.weak_labels.crowds import (
    GLAD,
    MACE,
    BiasVariance,
    CrowdClassifier,
    CrowdRegressor,
    DawidSkene,
    MajorityVote,
    OneCoin,
    crowd_accuracy_score,
    crowd_accuracy_scorer,
)

__all__ = [
    "GLAD",
    "MACE",
    "BiasVariance",
    "CrowdClassifier",
    "CrowdRegressor",
    "DawidSkene",
    "MajorityVote",
    "OneCoin",
    "crowd_accuracy_score",
    "crowd_accuracy_scorer",
]
