"""Labelling functions: rules, look-ups or prompts that vote for a class, or abstain."""

from sknoisy.weak_labels.labelling_functions._apply import apply_functions, lf_summary
from sknoisy.weak_labels.labelling_functions._label_model import LabelModel
from sknoisy.weak_labels.labelling_functions._triplet import TripletLabelModel
from sknoisy.weak_labels.labelling_functions._weakly_supervised import WeaklySupervisedClassifier

__all__ = [
    "LabelModel",
    "TripletLabelModel",
    "WeaklySupervisedClassifier",
    "apply_functions",
    "lf_summary",
]
