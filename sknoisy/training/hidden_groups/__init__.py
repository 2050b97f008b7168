"""Groups that nobody has named: models that lean on a spurious feature, and what helps."""

from sknoisy.training.hidden_groups._discover_cure import DiscoverCureClassifier
from sknoisy.training.hidden_groups._just_train_twice import JustTrainTwiceClassifier
from sknoisy.training.hidden_groups._memorization_aware import MemorizationAwareClassifier
from sknoisy.training.hidden_groups._product_of_experts import ProductOfExpertsClassifier

__all__ = [
    "DiscoverCureClassifier",
    "JustTrainTwiceClassifier",
    "MemorizationAwareClassifier",
    "ProductOfExpertsClassifier",
]
