"""Which rows are suspect, and what should they have been?"""

from sknoisy._evidence import training_stages
from sknoisy.detection._area_under_margin import AreaUnderMargin
from sknoisy.detection._auxiliary_quality import AuxiliaryQuality
from sknoisy.detection._base import BaseDetector
from sknoisy.detection._class_mahalanobis import ClassMahalanobis
from sknoisy.detection._combined import CombinedDetector
from sknoisy.detection._confidence_drop import ConfidenceDrop
from sknoisy.detection._confident_joint import (
    class_thresholds,
    confident_joint,
    find_suspects,
    joint_posterior,
    label_quality,
)
from sknoisy.detection._confident_learning import ConfidentLearning
from sknoisy.detection._consensus import Consensus
from sknoisy.detection._data_diet import EL2N, GraNd
from sknoisy.detection._data_oob import DataOOB
from sknoisy.detection._dataset_map import DatasetMap
from sknoisy.detection._excess_loss import ExcessLoss
from sknoisy.detection._forgetting import ForgettingEvents
from sknoisy.detection._gradient_agreement import GradientAgreement
from sknoisy.detection._gradient_subspace import GradientSubspace
from sknoisy.detection._inffc import INFFC
from sknoisy.detection._instance_hardness import InstanceHardness
from sknoisy.detection._iterative_partitioning import IterativePartitioning
from sknoisy.detection._knn_shapley import KNNShapley
from sknoisy.detection._label_committee import LabelCommittee
from sknoisy.detection._label_signed_kernel import LabelSignedKernel
from sknoisy.detection._late_stopping import LateStopping
from sknoisy.detection._leave_one_out import CookDistance, LeaveOneOut, SelfInfluence
from sknoisy.detection._linear_separation import LinearSeparation
from sknoisy.detection._memorization import Memorization
from sknoisy.detection._metadata_archaeology import MetadataArchaeology
from sknoisy.detection._neighbors import NeighborDisagreement
from sknoisy.detection._non_iid_order import NonIIDOrder
from sknoisy.detection._number_committee import NumberCommittee
from sknoisy.detection._outlier import Outlier
from sknoisy.detection._personal_loss import PersonalLoss
from sknoisy.detection._recov import ReCoV
from sknoisy.detection._relevance import RelevanceWeights
from sknoisy.detection._representer import RepresenterPoints
from sknoisy.detection._residual import Residual
from sknoisy.detection._selective_ensemble import SelectiveEnsemble
from sknoisy.detection._similarity_ensemble import SimilarityEnsemble
from sknoisy.detection._tabasco import Tabasco
from sknoisy.detection._tracin import TracIn
from sknoisy.detection._veracity import Veracity
from sknoisy.detection._well_representedness import WellRepresentedness

__all__ = [
    "AreaUnderMargin",
    "AuxiliaryQuality",
    "BaseDetector",
    "ClassMahalanobis",
    "CombinedDetector",
    "ConfidenceDrop",
    "ConfidentLearning",
    "Consensus",
    "CookDistance",
    "DataOOB",
    "DatasetMap",
    "EL2N",
    "ExcessLoss",
    "ForgettingEvents",
    "GraNd",
    "GradientAgreement",
    "GradientSubspace",
    "INFFC",
    "InstanceHardness",
    "IterativePartitioning",
    "KNNShapley",
    "LabelCommittee",
    "LabelSignedKernel",
    "LateStopping",
    "LeaveOneOut",
    "LinearSeparation",
    "Memorization",
    "MetadataArchaeology",
    "NeighborDisagreement",
    "NonIIDOrder",
    "NumberCommittee",
    "Outlier",
    "PersonalLoss",
    "ReCoV",
    "RelevanceWeights",
    "RepresenterPoints",
    "Residual",
    "SelectiveEnsemble",
    "SelfInfluence",
    "SimilarityEnsemble",
    "Tabasco",
    "TracIn",
    "Veracity",
    "WellRepresentedness",
    "class_thresholds",
    "confident_joint",
    "find_suspects",
    "joint_posterior",
    "label_quality",
    "training_stages",
]
