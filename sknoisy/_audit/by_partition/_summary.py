"""What comes of an audit by partition."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sknoisy._audit.by_partition._columns import Table


@dataclass
class Summary:
    """All that is printed, and shown on a page.

    Attributes
    ----------
    files : Files
    target : Target
    table : Table
    set_aside : dict of str to str
        Columns with another use, and which.
    model_text, detector_text, engine_text : str
    notes, first : list of str
    n_judged, n_flagged : int
    expected : float
        Sum of the probabilities.
    pairs : Counter
        Flagged rows by (given, suggested) label.
    errors : list of tuple
        Of numbers: (name, rows, median, largest) of those given too high, and too low.
    usual_error : float
        Half of all rows are off by less.
    worst : DataFrame
        The most suspect rows, in the columns of a report.
    cells : DataFrame
        What these hold in the columns that say most.
    out : str or None
        Folder of the verdicts.
    known : Knowledge
        Of the target.
    doubt : str
        Why no row, or none of some classes, can be called wrong; empty if nothing speaks against.
    variance : float
        Sum of p (1 - p) over the probabilities.
    histogram : DataFrame or None
        Rows by score, for a page.
    cut : float or None
        The lowest score of a flagged row.
    """

    files: Any
    target: Any
    table: Table
    set_aside: dict
    model_text: str = ""
    detector_text: str = ""
    engine_text: str = ""
    notes: list = field(default_factory=list)
    first: list = field(default_factory=list)
    n_judged: int = 0
    n_flagged: int = 0
    expected: float = 0.0
    pairs: Counter = field(default_factory=Counter)
    errors: list = field(default_factory=list)
    usual_error: float = 0.0
    worst: pd.DataFrame | None = None
    cells: pd.DataFrame | None = None
    out: str | None = None
    known: Any = None
    doubt: str = ""
    variance: float = 0.0
    histogram: pd.DataFrame | None = None
    cut: float | None = None
