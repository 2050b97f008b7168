"""Which rows are suspect, and what should they have been?"""

from sknoisy.detection._base import BaseDetector
from sknoisy.detection._confident_joint import (
    class_thresholds,
    confident_joint,
    find_suspects,
    joint_posterior,
    label_quality,
)
from sknoisy.detection._confident_learning import ConfidentLearning
from sknoisy.detection._consensus import Consensus
from sknoisy.detection._label_committee import LabelCommittee
from sknoisy.detection._neighbors import NeighborDisagreement
from sknoisy.detection._number_committee import NumberCommittee
from sknoisy.detection._outlier import Outlier
from sknoisy.detection._recov import ReCoV
from sknoisy.detection._residual import Residual
from sknoisy.detection._veracity import Veracity

__all__ = [
    "BaseDetector",
    "ConfidentLearning",
    "Consensus",
    "LabelCommittee",
    "NeighborDisagreement",
    "NumberCommittee",
    "Outlier",
    "ReCoV",
    "Residual",
    "Veracity",
    "class_thresholds",
    "confident_joint",
    "find_suspects",
    "joint_posterior",
    "label_quality",
]
