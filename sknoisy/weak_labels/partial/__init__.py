"""Partial labels: for each row a set of candidates, of which one is the label."""

from sknoisy.weak_labels.partial._candidates import candidate_score
from sknoisy.weak_labels.partial._classifier import PartialLabelClassifier

__all__ = ["PartialLabelClassifier", "candidate_score"]
