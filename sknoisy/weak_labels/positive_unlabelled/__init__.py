"""Labels that say only yes: some rows are labelled positive, and nothing is known of the rest."""

from sknoisy.weak_labels.positive_unlabelled._bagging import BaggingPUClassifier
from sknoisy.weak_labels.positive_unlabelled._elkan_noto import ElkanNotoClassifier
from sknoisy.weak_labels.positive_unlabelled._prior import ClassPrior, estimate_class_prior
from sknoisy.weak_labels.positive_unlabelled._weighted import WeightedPUClassifier

__all__ = [
    "BaggingPUClassifier",
    "ClassPrior",
    "ElkanNotoClassifier",
    "WeightedPUClassifier",
    "estimate_class_prior",
]
