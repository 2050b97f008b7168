"""Detectors that read what a model says of rows it has not seen."""

from sknoisy.detection.out_of_sample._confidence_drop import ConfidenceDrop
from sknoisy.detection.out_of_sample._confident_learning import ConfidentLearning
from sknoisy.detection.out_of_sample._excess_loss import ExcessLoss
from sknoisy.detection.out_of_sample._label_quality import find_suspects, label_quality
from sknoisy.detection.out_of_sample._linear_separation import LinearSeparation
from sknoisy.detection.out_of_sample._location_scale import LocationScale
from sknoisy.detection.out_of_sample._personal_loss import PersonalLoss
from sknoisy.detection.out_of_sample._recov import ReCoV
from sknoisy.detection.out_of_sample._residual import Residual
from sknoisy.detection.out_of_sample._selective_ensemble import SelectiveEnsemble
from sknoisy.detection.out_of_sample._tabasco import Tabasco
from sknoisy.detection.out_of_sample._veracity import Veracity

__all__ = [
    "ConfidenceDrop",
    "ConfidentLearning",
    "ExcessLoss",
    "find_suspects",
    "label_quality",
    "LinearSeparation",
    "LocationScale",
    "PersonalLoss",
    "ReCoV",
    "Residual",
    "SelectiveEnsemble",
    "Tabasco",
    "Veracity",
]
