"""What was found, on a page that a person can read and believe, or not."""

from sknoisy.report._noise_report import NoiseReport
from sknoisy.report._slices import noise_slices

__all__ = ["NoiseReport", "noise_slices"]
