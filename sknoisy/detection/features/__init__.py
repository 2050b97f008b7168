"""Detectors that read the features: neighbours, distances, order."""

from sknoisy.detection.features._auxiliary_quality import AuxiliaryQuality
from sknoisy.detection.features._class_mahalanobis import ClassMahalanobis
from sknoisy.detection.features._knn_shapley import KNNShapley
from sknoisy.detection.features._neighbors import NeighborDisagreement
from sknoisy.detection.features._non_iid_order import NonIIDOrder
from sknoisy.detection.features._outlier import Outlier
from sknoisy.detection.features._relevance import RelevanceWeights
from sknoisy.detection.features._similarity_ensemble import SimilarityEnsemble

__all__ = [
    "AuxiliaryQuality",
    "ClassMahalanobis",
    "KNNShapley",
    "NeighborDisagreement",
    "NonIIDOrder",
    "Outlier",
    "RelevanceWeights",
    "SimilarityEnsemble",
]
