"""The methods of benchmarks/training.py: how each is made, and what it is made for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field

from sklearn.linear_model import (
    HuberRegressor,
    LogisticRegression,
    RANSACRegressor,
    TheilSenRegressor,
)

from sknoisy import FilterClassifier, FilterRegressor
from sknoisy.robust import RobustClassifier, RobustRegressor
from sknoisy.training import losses
from sknoisy.training.correction import TransitionClassifier
from sknoisy.training.distillation import (
    CalibratedProbabilityClassifier,
    SelfDistillationClassifier,
    SelfDistillationRegressor,
)
from sknoisy.training.error_models import (
    CertifiedHalfspaceClassifier,
    LocationScaleRegressor,
    OneSidedRegressor,
)
from sknoisy.training.groups import (
    GroupDROClassifier,
    LastStepRefitClassifier,
    MissingGroupReweightingClassifier,
    ProgressiveExpansionClassifier,
)
from sknoisy.training.hidden_groups import (
    DiscoverCureClassifier,
    JustTrainTwiceClassifier,
    MemorizationAwareClassifier,
    ProductOfExpertsClassifier,
)
from sknoisy.training.losses import RobustLossClassifier, RobustLossRegressor
from sknoisy.training.mixing import (
    ContradictingPairClassifier,
    MixupClassifier,
    MixupRegressor,
    NeighborMixRegressor,
)
from sknoisy.training.moving_targets import (
    CoTeachingClassifier,
    CoTeachingRegressor,
    EarlyLearningClassifier,
    EarlyLearningRegressor,
    RepresentationCalibrationClassifier,
)
from sknoisy.training.shift import TargetShiftRegressor
from sknoisy.training.sources import ListDecodableRegressor, SubjectiveLearningRegressor

PLAINLY_WRONG = {"classification": "labels at random", "regression": "shuffled numbers"}
LABELS = ("labels at random", "labels of the next class")
NUMBERS = ("shuffled numbers", "heavy tails")
ALL_LABELS = (*LABELS, "rare classes", "a spurious column", "uncertain labels")
ALL_NUMBERS = (
    *NUMBERS,
    "numbers too low",
    "unequal spread",
    "sources that conflict",
    "other numbers to predict",
)


@dataclass(frozen=True)
class Method:
    """How a method is made, and where it is at home.

    Attributes
    ----------
    task : {"classification", "regression"}
    make : callable(model) -> estimator
    made_for : tuple of str
        Scenarios.
    kind : class or None
        Of sknoisy, for the page; None for a peer.
    needs : dict
        Parameter of `fit` to the meaning of what it is given.
    package : str or None
        What must be installed.
    """

    task: str
    make: Callable
    made_for: tuple
    kind: type | None = None
    needs: dict = field(default_factory=dict)
    package: str | None = None


def is_there(method):
    return method.package is None or importlib.util.find_spec(method.package) is not None


def ours(kind, made_for, needs=None, **how):
    """A method of the library, seeded."""
    task = "classification" if kind.__name__.endswith("Classifier") else "regression"
    return Method(task, lambda m: kind(m, random_state=0, **how), made_for, kind, needs or {})


def with_losses(wrapper, names, made_for):
    return {
        f"{wrapper.__name__}, {name}": ours(wrapper, made_for, loss=getattr(losses, name)())
        for name in names
    }


LABEL_LOSSES = (
    "GeneralizedCrossEntropy",
    "SymmetricCrossEntropy",
    "BootstrappedLoss",
    "TaiLrLoss",
    "LDRKLLoss",
    "ALDRKLLoss",
    "TrimmedLoss",
    "FeasibleLearning",
    "HolisticRobustLoss",
)
NUMBER_LOSSES = (
    "HuberLoss",
    "TukeyLoss",
    "WelschLoss",
    "QGaussianLoss",
    "TrimmedLoss",
    "FeasibleLearning",
    "HolisticRobustLoss",
)

METHODS = {
    "RobustClassifier": ours(RobustClassifier, ALL_LABELS),
    "RobustRegressor": ours(RobustRegressor, ALL_NUMBERS),
    "FilterClassifier": ours(FilterClassifier, ALL_LABELS),
    "FilterRegressor": ours(FilterRegressor, ALL_NUMBERS),
    "TransitionClassifier": ours(TransitionClassifier, LABELS),
    **with_losses(RobustLossClassifier, LABEL_LOSSES, LABELS),
    **with_losses(RobustLossRegressor, NUMBER_LOSSES, NUMBERS),
    "MixupClassifier": ours(MixupClassifier, (*LABELS, "uncertain labels")),
    "MixupRegressor": ours(MixupRegressor, NUMBERS),
    "NeighborMixRegressor": ours(NeighborMixRegressor, NUMBERS),
    "ContradictingPairClassifier": ours(
        ContradictingPairClassifier,
        ("a spurious column",),
        biased_estimator=LogisticRegression(C=0.1),
    ),
    "SubjectiveLearningRegressor": ours(
        SubjectiveLearningRegressor, ("sources that conflict",), {"groups": "batches"}
    ),
    "ListDecodableRegressor": ours(
        ListDecodableRegressor, ("sources that conflict",), {"groups": "batches"}, alpha=0.3
    ),
    "TargetShiftRegressor": ours(
        TargetShiftRegressor, ("other numbers to predict",), {"X_target": "X_target"}
    ),
    "SelfDistillationClassifier": ours(SelfDistillationClassifier, LABELS),
    "SelfDistillationRegressor": ours(SelfDistillationRegressor, NUMBERS),
    "CalibratedProbabilityClassifier": ours(CalibratedProbabilityClassifier, ("uncertain labels",)),
    "OneSidedRegressor": ours(OneSidedRegressor, ("numbers too low",)),
    "LocationScaleRegressor": ours(LocationScaleRegressor, ("unequal spread",)),
    "CertifiedHalfspaceClassifier": ours(CertifiedHalfspaceClassifier, LABELS),
    "GroupDROClassifier": ours(GroupDROClassifier, ("a spurious column",), {"groups": "groups"}),
    "ProgressiveExpansionClassifier": ours(
        ProgressiveExpansionClassifier, ("a spurious column",), {"groups": "groups"}
    ),
    "LastStepRefitClassifier": ours(
        LastStepRefitClassifier, ("a spurious column",), {"groups": "groups"}
    ),
    "MissingGroupReweightingClassifier": ours(
        MissingGroupReweightingClassifier, ("a spurious column",), {"groups": "attribute"}
    ),
    "EarlyLearningClassifier": ours(EarlyLearningClassifier, LABELS),
    "EarlyLearningRegressor": ours(EarlyLearningRegressor, NUMBERS),
    "CoTeachingClassifier": ours(CoTeachingClassifier, LABELS),
    "CoTeachingRegressor": ours(CoTeachingRegressor, NUMBERS),
    "RepresentationCalibrationClassifier": ours(
        RepresentationCalibrationClassifier, ("rare classes",)
    ),
    "MemorizationAwareClassifier": ours(MemorizationAwareClassifier, ("a spurious column",)),
    "ProductOfExpertsClassifier": ours(ProductOfExpertsClassifier, ("a spurious column",)),
    "JustTrainTwiceClassifier": ours(JustTrainTwiceClassifier, ("a spurious column",)),
    "DiscoverCureClassifier": ours(DiscoverCureClassifier, ("a spurious column",)),
    # ---------------------------------------------------------------- peers
    "HuberRegressor (linear)": Method(
        "regression", lambda m: HuberRegressor(max_iter=1000), NUMBERS
    ),
    "TheilSenRegressor (linear)": Method(
        "regression", lambda m: TheilSenRegressor(random_state=0), NUMBERS
    ),
    "RANSACRegressor": Method(
        "regression",
        lambda m: RANSACRegressor(m, min_samples=0.5, random_state=0),
        (*NUMBERS, "sources that conflict"),
    ),
}
