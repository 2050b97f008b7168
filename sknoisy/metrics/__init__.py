"""How well wrong rows were found, how much was won back, what to hold back, what groups suffer."""

from sknoisy.metrics._corrected import (
    corrected_accuracy,
    corrected_balanced_accuracy,
    corrected_confusion,
    corrected_log_loss,
    corrected_roc_auc,
)
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
from sknoisy.metrics._group_mmd import group_mmd
from sknoisy.metrics._group_report import group_report
from sknoisy.metrics._groups import (
    WorstGroupScorer,
    worst_group_accuracy,
    worst_group_r2,
    worst_group_score,
)
from sknoisy.metrics._noise_fairness import noise_fairness_curve
from sknoisy.metrics._recovery import recovered_share
from sknoisy.metrics._rejection import (
    accuracy_reject_auc,
    accuracy_reject_curve,
    risk_coverage_auc,
    risk_coverage_curve,
)
from sknoisy.metrics._replicates import replicate_mean_squared_error, replicate_r2

__all__ = [
    "WorstGroupScorer",
    "accuracy_reject_auc",
    "accuracy_reject_curve",
    "auroc",
    "average_precision",
    "calibration_error",
    "corrected_accuracy",
    "corrected_balanced_accuracy",
    "corrected_confusion",
    "corrected_log_loss",
    "corrected_roc_auc",
    "detection_report",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "group_fairness_report",
    "group_mmd",
    "group_rates",
    "group_report",
    "noise_fairness_curve",
    "precision_at_k",
    "recovered_share",
    "replicate_mean_squared_error",
    "replicate_r2",
    "risk_coverage_auc",
    "risk_coverage_curve",
    "statistical_parity_difference",
    "worst_group_accuracy",
    "worst_group_r2",
    "worst_group_score",
]
