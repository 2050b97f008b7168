"""Crowds: several people, or models, have answered for each row."""

from sknoisy.weak_labels.crowds._bias_variance import BiasVariance
from sknoisy.weak_labels.crowds._crowd_classifier import CrowdClassifier
from sknoisy.weak_labels.crowds._crowd_regressor import CrowdRegressor
from sknoisy.weak_labels.crowds._dawid_skene import DawidSkene
from sknoisy.weak_labels.crowds._glad import GLAD
from sknoisy.weak_labels.crowds._mace import MACE
from sknoisy.weak_labels.crowds._majority_vote import MajorityVote
from sknoisy.weak_labels.crowds._one_coin import OneCoin
from sknoisy.weak_labels.crowds._scoring import crowd_accuracy_score, crowd_accuracy_scorer

__all__ = [
    "GLAD",
    "MACE",
    "BiasVariance",
    "CrowdClassifier",
    "CrowdRegressor",
    "DawidSkene",
    "MajorityVote",
    "OneCoin",
    "crowd_accuracy_score",
    "crowd_accuracy_scorer",
]
