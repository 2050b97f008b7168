"""Labels of other kinds: of crowds, by rules, positive only, candidate sets, or missing."""

from sknoisy.weak_labels.partial import PartialLabelClassifier, candidate_score
from sknoisy.weak_labels.unlabelled import (
    RobustActiveDistillation,
    RobustSelfTraining,
    SoftPseudoLabelClassifier,
    SurrogateSelector,
    WeightAwareDistillation,
    robust_sampling_proba,
    selection_proba,
)

__all__ = [
    "PartialLabelClassifier",
    "RobustActiveDistillation",
    "RobustSelfTraining",
    "SoftPseudoLabelClassifier",
    "SurrogateSelector",
    "WeightAwareDistillation",
    "candidate_score",
    "robust_sampling_proba",
    "selection_proba",
]
