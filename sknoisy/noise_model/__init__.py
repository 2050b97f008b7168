"""What is known about the noise as a whole: how often which label stands for which."""

from sknoisy.noise_model._confident_joint import (
    class_thresholds,
    confident_joint,
    joint_posterior,
)
from sknoisy.noise_model._plateau import plateau_joint

__all__ = ["class_thresholds", "confident_joint", "joint_posterior", "plateau_joint"]
