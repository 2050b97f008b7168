"""Training rows that are not distributed as those to be judged."""

from sknoisy.training.shift._target_shift import TargetShiftRegressor

__all__ = ["TargetShiftRegressor"]
