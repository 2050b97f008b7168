"""Detectors that compare models of random parts of the rows."""

from sknoisy.detection.bags._data_oob import DataOOB
from sknoisy.detection.bags._memorization import Memorization
from sknoisy.detection.bags._well_representedness import WellRepresentedness

__all__ = [
    "DataOOB",
    "Memorization",
    "WellRepresentedness",
]
