"""How many rows are suspect: from a noise score to a probability and a mask."""

from sknoisy.threshold._base import BaseThreshold
from sknoisy.threshold._confident_joint import ConfidentJointCount
from sknoisy.threshold._fixed import FixedRate
from sknoisy.threshold._mixture import MixturePosterior

__all__ = ["BaseThreshold", "ConfidentJointCount", "FixedRate", "MixturePosterior"]
