"""Targets that a model has learnt itself: self-distillation, and probabilities that hold."""

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
    "SelfDistillationClassifier",
    "SelfDistillationRegressor",
    "distilled_alpha",
    "distilled_kernel_ridge",
    "estimated_ridge_mixing",
    "optimal_mixing",
    "optimal_ridge_mixing",
]
