"""Detectors that ask what each row does to a model."""

from sknoisy.detection.influence._gradient_agreement import GradientAgreement
from sknoisy.detection.influence._gradient_subspace import GradientSubspace
from sknoisy.detection.influence._label_signed_kernel import LabelSignedKernel
from sknoisy.detection.influence._leave_one_out import (
    CookDistance,
    LeaveOneOutInfluence,
    SelfInfluence,
)
from sknoisy.detection.influence._representer import RepresenterPoints

__all__ = [
    "CookDistance",
    "GradientAgreement",
    "GradientSubspace",
    "LabelSignedKernel",
    "LeaveOneOutInfluence",
    "RepresenterPoints",
    "SelfInfluence",
]
