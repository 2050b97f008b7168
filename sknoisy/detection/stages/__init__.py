"""Detectors that watch a model while it is trained."""

from sknoisy.detection.stages._area_under_margin import AreaUnderMargin
from sknoisy.detection.stages._data_diet import EL2N, GraNd
from sknoisy.detection.stages._dataset_map import DatasetMap
from sknoisy.detection.stages._forgetting import ForgettingEvents
from sknoisy.detection.stages._late_stopping import LateStopping
from sknoisy.detection.stages._metadata_archaeology import MetadataArchaeology
from sknoisy.detection.stages._tracin import TracIn

__all__ = [
    "AreaUnderMargin",
    "DatasetMap",
    "EL2N",
    "ForgettingEvents",
    "GraNd",
    "LateStopping",
    "MetadataArchaeology",
    "TracIn",
]
