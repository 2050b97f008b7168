"""What is known about the noise as a whole: how often which label stands for which.

Entry (i, j) of a transition matrix is P(given label = j | true label = i).
"""

from sknoisy.noise_model._anchor_transition import AnchorTransition
from sknoisy.noise_model._annotator_transition import AnnotatorTransition
from sknoisy.noise_model._confident_joint import (
    class_thresholds,
    confident_joint,
    joint_posterior,
)
from sknoisy.noise_model._confident_joint_transition import ConfidentJointTransition
from sknoisy.noise_model._identifiability import check_identifiability
from sknoisy.noise_model._neighbor_transition import NeighborTransition
from sknoisy.noise_model._plateau import plateau_joint
from sknoisy.noise_model._region_transition import RegionTransition
from sknoisy.noise_model._signal_strength import (
    CorrectionOutlook,
    correction_outlook,
    relative_signal_strength,
)
from sknoisy.noise_model._trusted_transition import (
    TrustedTransition,
    expected_transition_error,
    n_trusted_for,
)

__all__ = [
    "AnchorTransition",
    "AnnotatorTransition",
    "ConfidentJointTransition",
    "CorrectionOutlook",
    "NeighborTransition",
    "RegionTransition",
    "TrustedTransition",
    "check_identifiability",
    "class_thresholds",
    "confident_joint",
    "correction_outlook",
    "expected_transition_error",
    "joint_posterior",
    "n_trusted_for",
    "plateau_joint",
    "relative_signal_strength",
]
