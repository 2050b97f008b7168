"""How many rows are suspect: from a noise score to a probability and a mask."""

from sknoisy.threshold._base import BaseThreshold
from sknoisy.threshold._benjamini_hochberg import BenjaminiHochberg
from sknoisy.threshold._confident_joint import ConfidentJointCount
from sknoisy.threshold._conformal import ConformalFDR
from sknoisy.threshold._contamination_posterior import ContaminationPosterior
from sknoisy.threshold._elbow import Elbow
from sknoisy.threshold._fixed import FixedRate
from sknoisy.threshold._mixture import MixturePosterior
from sknoisy.threshold._noise_count import NoiseCount
from sknoisy.threshold._one_standard_error import OneStandardError

__all__ = [
    "BaseThreshold",
    "BenjaminiHochberg",
    "ConfidentJointCount",
    "ConformalFDR",
    "ContaminationPosterior",
    "Elbow",
    "FixedRate",
    "MixturePosterior",
    "NoiseCount",
    "OneStandardError",
]
