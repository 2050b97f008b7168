"""Labels that say only yes: some rows are labelled positive, and nothing is known of the rest."""

from sknoisy.weak_labels.positive_unlabelled._bagging import BaggingPUClassifier
from sknoisy.weak_labels.positive_unlabelled._elkan_noto import ElkanNotoClassifier
from sknoisy.weak_labels.positive_unlabelled._multi_output import PUMultiOutputClassifier
from sknoisy.weak_labels.positive_unlabelled._prior import ClassPrior, estimate_class_prior
from sknoisy.weak_labels.positive_unlabelled._propensity import PropensityPUClassifier
from sknoisy.weak_labels.positive_unlabelled._scores import (
    lee_liu_score,
    make_pu_scorer,
    pu_f1_score,
    pu_f1_scorer,
    pu_precision_score,
    pu_roc_auc_score,
)
from sknoisy.weak_labels.positive_unlabelled._taylor import TaylorPUClassifier
from sknoisy.weak_labels.positive_unlabelled._weighted import WeightedPUClassifier

__all__ = [
    "BaggingPUClassifier",
    "ClassPrior",
    "ElkanNotoClassifier",
    "PUMultiOutputClassifier",
    "PropensityPUClassifier",
    "TaylorPUClassifier",
    "WeightedPUClassifier",
    "estimate_class_prior",
    "lee_liu_score",
    "make_pu_scorer",
    "pu_f1_score",
    "pu_f1_scorer",
    "pu_precision_score",
    "pu_roc_auc_score",
]
