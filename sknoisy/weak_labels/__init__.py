"""Labels of other kinds: of crowds, by rules, positive only, candidate sets, or missing."""

from sknoisy.weak_labels.crowds import (
    GLAD,
    MACE,
    BiasVariance,
    DawidSkene,
    MajorityVote,
    OneCoin,
)

__all__ = [
    "GLAD",
    "MACE",
    "BiasVariance",
    "DawidSkene",
    "MajorityVote",
    "OneCoin",
]
