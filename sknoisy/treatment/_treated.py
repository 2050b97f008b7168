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
