"""Crowds: several people, or models, have answered for each row."""

from sknoisy.weak_labels.crowds._bias_variance import BiasVariance
from sknoisy.weak_labels.crowds._dawid_skene import DawidSkene
from sknoisy.weak_labels.crowds._glad import GLAD
from sknoisy.weak_labels.crowds._mace import MACE
from sknoisy.weak_labels.crowds._majority_vote import MajorityVote
from sknoisy.weak_labels.crowds._one_coin import OneCoin

__all__ = ["GLAD", "MACE", "BiasVariance", "DawidSkene", "MajorityVote", "OneCoin"]
