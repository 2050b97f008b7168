"""Targets that a model has learnt itself: self-distillation, and probabilities that hold."""

from sknoisy.training.distillation._calibrated_probability import (
    CalibratedProbabilityClassifier,
    bin_frequencies,
    kernel_frequencies,
)
from sknoisy.training.distillation._mixing import (
    distilled_alpha,
    distilled_kernel_ridge,
    estimated_ridge_mixing,
    optimal_mixing,
    optimal_ridge_mixing,
)
from sknoisy.training.distillation._self_distillation import (
    SelfDistillationClassifier,
    SelfDistillationRegressor,
)

__all__ = [
    "CalibratedProbabilityClassifier",
    "SelfDistillationClassifier",
    "SelfDistillationRegressor",
    "bin_frequencies",
    "distilled_alpha",
    "distilled_kernel_ridge",
    "estimated_ridge_mixing",
    "kernel_frequencies",
    "optimal_mixing",
    "optimal_ridge_mixing",
]
