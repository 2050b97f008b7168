"""What a treatment decides upon, and what it decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sknoisy._evidence import Evidence


@dataclass
class Treated:
    """What the last fit sees.

    Attributes
    ----------
    rows : ndarray or None
        Training rows in the order the last fit gets them; None means all of them, as they came.
    y : ndarray
        Their targets.
    sample_weight : ndarray or None
        Their weights.
    noise_mask : ndarray of shape (n,) of bool
        Training rows that were acted on.
    attributes : dict
        The treatment's own trace.
    """

    rows: np.ndarray | None
    y: np.ndarray
    sample_weight: np.ndarray | None
    noise_mask: np.ndarray
    attributes: dict[str, Any] = field(default_factory=dict)

    def is_plain(self, case):
        """Whether the last fit sees what it would have seen without a treatment."""
        same_weight = self.sample_weight is None or np.array_equal(
            self.sample_weight,
            np.ones(len(self.y)) if case.sample_weight is None else case.sample_weight,
        )
        return self.rows is None and same_weight and np.array_equal(self.y, case.target.y)


@dataclass
class Case:
    """What a treatment decides upon."""

    evidence: Evidence
    target: Any
    sample_weight: np.ndarray | None
    detector: Any
    noise_proba: np.ndarray
    noise_mask: np.ndarray
    score: np.ndarray
    untouchable: np.ndarray
