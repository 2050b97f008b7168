"""Rows without a label: learning from them, and choosing which to label next."""

from sknoisy.weak_labels.unlabelled._soft_pseudo_labels import SoftPseudoLabelClassifier

__all__ = ["SoftPseudoLabelClassifier"]
