"""Everything that was found, in one place: a DataFrame first, a page second."""

from __future__ import annotations

import json
from collections.abc import Sequence
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted, column_or_1d

from sknoisy._typing import ArrayLike, MatrixLike
from sknoisy.report._look_alikes import encode
from sknoisy.report._slices import noise_slices
from sknoisy.report._summary import summary_of
from sknoisy.report._tables import error_sizes, label_pairs, score_histogram
from sknoisy.report._worst_rows import worst_rows


class NoiseReport:
    """What a fitted detector or treatment found, for people and for programs.

    Create it with `from_estimator`. Start with `table`, the training rows, worst first; the rest is
    made of it.

    Attributes
    ----------
    table : DataFrame
        `noise_report` of the estimator: one row for each training row, worst first. `flagged` is
        what the detector says; what a treatment made of it is in the columns after `reason`.
    summary : dict
        What is known and what is not (`known`, `evidence_p_value`, `unknown_classes`); how many
        rows the detector has `flagged`, of those `judged`; the estimated share of wrong ones
        (`noise_rate`, the mean probability) with its interval (NaN where every probability is 0 or
        1), and the detector's own estimate where it has one (`noise_rate_by_detector`); `copies`;
        and of a treatment its name, how many rows it acted on (`treated`: its `noise_mask_`), and
        how all rows (`done`) and the flagged ones (`done_to_flagged`) fared.
    pairs : DataFrame
        Flagged rows by given (index) and suggested (columns) label; for numbers the sizes of the
        suspected errors.
    histogram : DataFrame
        `left`, `right`, `others`, `flagged`: rows in bins of the score, the last of which holds all
        higher ones.
    slices : DataFrame
        Where flagged rows concentrate; see `noise_slices`.
    worst : list of dict
        The most suspect rows with their values, and of each the nearest row that is not suspect;
        `differs` names the columns in which the two are unlike: other texts, or numbers further
        apart than half a standard deviation of their column.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy import FilterClassifier
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.report import NoiseReport
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> y_noisy, _ = symmetric_noise(y, 0.2, random_state=0)
    >>> model = FilterClassifier(LogisticRegression(max_iter=1000), random_state=0)
    >>> report = NoiseReport.from_estimator(model.fit(X, y_noisy), X, y_noisy)
    >>> report.summary["rows"], report.pairs.shape
    (150, (3, 3))
    >>> page = report.to_html()  # doctest: +SKIP
    """

    def __init__(
        self,
        table: pd.DataFrame,
        summary: dict[str, Any],
        pairs: pd.DataFrame,
        histogram: pd.DataFrame,
        slices: pd.DataFrame,
        worst: list[dict[str, Any]],
    ) -> None:
        self.table = table
        self.summary = summary
        self.pairs = pairs
        self.histogram = histogram
        self.slices = slices
        self.worst = worst

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: ArrayLike,
        *,
        title: str | None = None,
        n_worst: int = 20,
        random_state: int = 0,
        notes: Sequence[str] = (),
    ) -> Self:
        """Report of a fitted estimator on its training rows.

        Parameters
        ----------
        estimator : fitted detector or treatment, such as RobustClassifier
        X, y
            What its `fit` got. Where X was None, there are no values to show.
        title : str, default=None
            Of the page; None means the name of the estimator.
        n_worst : int >= 0, default=20
            Rows that are shown with their values.
        random_state : int, default=0
            Draws the rows among which look-alikes are sought, of more than 50,000.
        notes : list of str, default=()
            What else a reader should know, such as where the rows come from and which were left
            out; on the page they stand beside what is known.

        Returns
        -------
        NoiseReport
        """
        if not hasattr(estimator, "noise_report"):
            raise TypeError(
                f"A NoiseReport is of a detector or of a treatment that has one, and "
                f"{type(estimator).__name__} has no noise_report: of a Pipeline give the step, of "
                "other methods a detector that was fitted to the same rows."
            )
        if not isinstance(n_worst, Integral) or n_worst < 0:
            raise ValueError(f"n_worst must be an integer of 0 or more, got {n_worst!r}.")
        check_is_fitted(estimator)
        y = column_or_1d(y)
        X = np.empty((len(y), 0)) if X is None else X
        table = estimator.noise_report(X, y)
        features = encode(X)
        summary = summary_of(
            estimator, table, X, y, features, title=title, notes=notes, seed=random_state
        )
        flagged = np.zeros(len(table), dtype=bool)
        flagged[table["row"]] = table["flagged"]
        return cls(
            table,
            summary,
            label_pairs(table) if summary["task"] == "classification" else error_sizes(table),
            score_histogram(table),
            noise_slices(X, flagged, y=y),
            worst_rows(table, X, y, features, n_worst, random_state),
        )

    # ------------------------------------------------------------------ for people

    def to_html(self, path: str | PathLike[str] | None = None) -> str:
        """A page that needs nothing but itself: no script, no network.

        Parameters
        ----------
        path : str or Path, default=None
            Where to write it.

        Returns
        -------
        str
            The page.

        Raises
        ------
        ImportError
            If jinja2 is not installed (``pip install jinja2``).
        """
        from sknoisy.report._page import page

        text = page(self)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    # ------------------------------------------------------------------ for programs

    def to_dict(self) -> dict[str, Any]:
        """All of it as what JSON knows.

        Returns
        -------
        dict
        """
        # pandas knows how to write dates, missing values and numbers of any width
        pairs = self.pairs.rename(index=str, columns=str)
        return {
            "summary": _plain(self.summary),
            "pairs": json.loads(pairs.to_json(orient="split")),
            "histogram": json.loads(self.histogram.to_json(orient="records")),
            "slices": json.loads(self.slices.to_json(orient="records")),
            "worst": _plain(self.worst),
            "rows": json.loads(self.table.to_json(orient="records", date_format="iso")),
        }

    def __repr__(self):
        rate = self.summary["noise_rate"]
        return (
            f"<NoiseReport of {self.summary['title']}: {self.summary['flagged']} of "
            f"{self.summary['rows']} rows flagged, {rate:.1%} wrong by estimate>"
        )


def _plain(value):
    """What JSON knows: numbers of Python, texts, and None for what is no number."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)) and not isinstance(value, np.timedelta64):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return None if value is None else str(value)
