"""Pictures of what was found."""

from sknoisy.inspection._accuracy_reject import AccuracyRejectDisplay
from sknoisy.inspection._dataset_map import DatasetMapDisplay
from sknoisy.inspection._detector_agreement import DetectorAgreementDisplay
from sknoisy.inspection._noise_reliability import NoiseReliabilityDisplay
from sknoisy.inspection._noise_score import NoiseScoreDisplay
from sknoisy.inspection._removal_curve import RemovalCurveDisplay
from sknoisy.inspection._trajectory import TrajectoryDisplay
from sknoisy.inspection._transition_matrix import TransitionMatrixDisplay
from sknoisy.inspection._worst_rows import WorstRowsDisplay

__all__ = [
    "AccuracyRejectDisplay",
    "DatasetMapDisplay",
    "DetectorAgreementDisplay",
    "NoiseReliabilityDisplay",
    "NoiseScoreDisplay",
    "RemovalCurveDisplay",
    "TrajectoryDisplay",
    "TransitionMatrixDisplay",
    "WorstRowsDisplay",
]
