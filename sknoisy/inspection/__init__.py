"""Pictures of what was found."""

from sknoisy.inspection._display import NoiseScoreDisplay

__all__ = ["NoiseScoreDisplay"]
