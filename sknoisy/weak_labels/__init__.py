"""Labels of other kinds: of crowds, by rules, positive only, candidate sets, or missing."""

from sknoisy.weak_labels.partial import PartialLabelClassifier, candidate_score
from sknoisy.weak_labels.unlabelled import SoftPseudoLabelClassifier, WeightAwareDistillation

__all__ = [
    "PartialLabelClassifier",
    "SoftPseudoLabelClassifier",
    "WeightAwareDistillation",
    "candidate_score",
]
