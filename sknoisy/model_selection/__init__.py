"""To choose among models and treatments where the labels to choose by are noisy, too."""

from sknoisy.model_selection._reusable_holdout import ReusableHoldoutScorer
from sknoisy.model_selection._scorers import TrustWeightedScorer, corrected_scorer
from sknoisy.model_selection._trusted_fold import TrustedKFold

__all__ = ["ReusableHoldoutScorer", "TrustWeightedScorer", "TrustedKFold", "corrected_scorer"]
