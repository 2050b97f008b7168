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
from sknoisy.weak_labels.labelling_functions import (
    LabelModel,
    TripletLabelModel,
    WeaklySupervisedClassifier,
    apply_functions,
    lf_summary,
)

__all__ = [
    "GLAD",
    "MACE",
    "BiasVariance",
    "CrowdClassifier",
    "CrowdRegressor",
    "DawidSkene",
    "LabelModel",
    "MajorityVote",
    "OneCoin",
    "TripletLabelModel",
    "WeaklySupervisedClassifier",
    "apply_functions",
    "crowd_accuracy_score",
    "crowd_accuracy_scorer",
    "lf_summary",
]
