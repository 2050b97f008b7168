"""Pictures of what was found."""

from sknoisy.inspection._accuracy_reject import AccuracyRejectDisplay
from sknoisy.inspection._dataset_map import DatasetMapDisplay
from sknoisy.inspection._display import NoiseScoreDisplay

__all__ = ["AccuracyRejectDisplay", "DatasetMapDisplay", "NoiseScoreDisplay"]
