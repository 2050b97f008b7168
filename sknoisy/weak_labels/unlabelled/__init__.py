"""Rows without a label: learning from them, and choosing which to label next."""

from sknoisy.weak_labels.unlabelled._soft_pseudo_labels import SoftPseudoLabelClassifier
from sknoisy.weak_labels.unlabelled._weight_aware import WeightAwareDistillation

__all__ = ["SoftPseudoLabelClassifier", "WeightAwareDistillation"]
