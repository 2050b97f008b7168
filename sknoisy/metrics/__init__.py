"""How well wrong rows were found, and how much of the lost score was won back."""

from sknoisy.metrics._detection import (
    auroc,
    average_precision,
    calibration_error,
    detection_report,
    precision_at_k,
)
from sknoisy.metrics._recovery import recovered_share

__all__ = [
    "auroc",
    "average_precision",
    "calibration_error",
    "detection_report",
    "precision_at_k",
    "recovered_share",
]
