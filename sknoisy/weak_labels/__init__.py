"""Labels of other kinds than one per row: from crowds, from labelling functions."""

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
