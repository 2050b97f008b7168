"""How well wrong rows were found, how much was won back, what to hold back, what groups suffer."""

from sknoisy.metrics._detection import (
    auroc,
    average_precision,
    calibration_error,
    detection_report,
    precision_at_k,
)
from sknoisy.metrics._fairness import (
    equal_opportunity_difference,
    equalized_odds_difference,
    group_fairness_report,
    group_rates,
    statistical_parity_difference,
)
from sknoisy.metrics._noise_fairness import noise_fairness_curve
from sknoisy.metrics._recovery import recovered_share
from sknoisy.metrics._rejection import (
    accuracy_reject_auc,
    accuracy_reject_curve,
    risk_coverage_auc,
    risk_coverage_curve,
)

__all__ = [
    "accuracy_reject_auc",
    "accuracy_reject_curve",
    "auroc",
    "average_precision",
    "calibration_error",
    "detection_report",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "group_fairness_report",
    "group_rates",
    "noise_fairness_curve",
    "precision_at_k",
    "recovered_share",
    "risk_coverage_auc",
    "risk_coverage_curve",
    "statistical_parity_difference",
]
