"""Detectors made of several models or detectors."""

from sknoisy.detection.committees._combined import CombinedDetector
from sknoisy.detection.committees._consensus import Consensus
from sknoisy.detection.committees._inffc import INFFC
from sknoisy.detection.committees._instance_hardness import InstanceHardness
from sknoisy.detection.committees._iterative_partitioning import IterativePartitioning
from sknoisy.detection.committees._label_committee import LabelCommittee
from sknoisy.detection.committees._number_committee import NumberCommittee

__all__ = [
    "CombinedDetector",
    "Consensus",
    "INFFC",
    "InstanceHardness",
    "IterativePartitioning",
    "LabelCommittee",
    "NumberCommittee",
]
