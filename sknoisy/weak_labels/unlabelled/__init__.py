"""Rows without a label: learning from them, and choosing which to label next."""

from sknoisy.weak_labels.unlabelled._active_distillation import (
    RobustActiveDistillation,
    robust_sampling_proba,
)
from sknoisy.weak_labels.unlabelled._robust_self_training import RobustSelfTraining
from sknoisy.weak_labels.unlabelled._soft_pseudo_labels import SoftPseudoLabelClassifier
from sknoisy.weak_labels.unlabelled._surrogate_selector import SurrogateSelector, selection_proba
from sknoisy.weak_labels.unlabelled._weight_aware import WeightAwareDistillation

__all__ = [
    "RobustActiveDistillation",
    "RobustSelfTraining",
    "SoftPseudoLabelClassifier",
    "SurrogateSelector",
    "WeightAwareDistillation",
    "robust_sampling_proba",
    "selection_proba",
]
