"""Labels of other kinds: of crowds, by rules, positive only, candidate sets, or missing."""

from sknoisy.weak_labels.partial import PartialLabelClassifier, candidate_score

__all__ = ["PartialLabelClassifier", "candidate_score"]
