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

from sknoisy._evidence._arrays import as_numpy
from sknoisy._evidence._table import as_table, is_table
from sknoisy._typing import ArrayLike, MatrixLike
from sknoisy.report._look_alikes import (
    MOST,
    count_copies,
    encode,
    nearest_rows,
    share_of_near_copies,
    some_of,
    unlike,
    usual_spreads,
)
from sknoisy.report._slices import noise_slices
from sknoisy.report._words import as_sentence, what_is_not_known

N_BINS = 40
MOST_CLASSES = 15  # that a matrix shows


class NoiseReport:
    """What a fitted detector or treatment found, for people and for programs.

    Create it with `from_estimator`. Start with `table`, the training rows, worst first; the rest is
    made of it.

    Attributes
    ----------
    table : DataFrame
        `noise_report` of the estimator: one row for each training row, worst first.
    summary : dict
        What is known and what is not, how many rows are flagged, the estimated share of wrong ones
        with its interval, copies, and what the treatment did.
    pairs : DataFrame
        Flagged rows by given (index) and suggested (columns) label; for numbers the sizes of the
        suspected errors.
    histogram : DataFrame
        `left`, `right`, `others`, `flagged`: rows in bins of the score.
    slices : DataFrame
        Where wrong rows concentrate; see `noise_slices`.
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
        detector = getattr(estimator, "detector_", estimator)
        mask = np.zeros(len(table), dtype=bool)
        mask[table["row"]] = table["flagged"]
        features = encode(X)
        is_labels = hasattr(detector, "label_proba_")
        summary = {
            "title": title or type(estimator).__name__,
            "rows": len(table),
            "task": "classification" if is_labels else "regression",
            **_what_is_known(detector, is_labels),
            **_how_many(table),
            **_copies(X, y, features, random_state),
            **_what_was_done(estimator, table),
            "notes": [str(note) for note in notes],
        }
        return cls(
            table,
            summary,
            _label_pairs(table) if is_labels else _error_sizes(table),
            _histogram(table),
            noise_slices(X, mask, y=y),
            _worst(table, X, y, features, n_worst, random_state),
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


# --------------------------------------------------------------------------- the parts


def _what_is_known(detector, is_labels):
    """The test of the evidence, in numbers and in a sentence."""
    p_value = getattr(detector, "evidence_p_value_", None)
    if p_value is None:
        says = (
            "This detector does not judge by predictions, so there is no test of what they know. "
            "A flagged row is unusual; whether its target is wrong is for you to say."
        )
    elif not_known := what_is_not_known(detector, is_labels):
        says = as_sentence(not_known)
    else:
        what = "labels" if is_labels else "numbers"
        says = (
            f"The features know something of the {what}: predictions of rows that a model has not "
            "seen agree with them more often than chance would have it."
        )
    return {
        "evidence_p_value": p_value,
        "unknown_classes": [str(name) for name in getattr(detector, "unknown_classes_", ())],
        "known": says,
        "decided": getattr(detector, "reason_", ""),
        "detector": type(detector).__name__,
    }


def _how_many(table):
    """Flagged rows, and the estimated share of wrong ones with a 95 % interval."""
    judged = table["score"].notna()
    proba, n = table.loc[judged, "probability"].to_numpy(dtype=float), int(judged.sum())
    rate = float(proba.mean()) if n else 0.0
    # the sum of independent events with these probabilities; it is no wiser than they are
    spread = 1.96 * float(np.sqrt((proba * (1 - proba)).sum())) / max(n, 1)
    return {
        "judged": n,
        "flagged": int(table["flagged"].sum()),
        "noise_rate": rate,
        "noise_rate_low": max(rate - spread, 0.0),
        "noise_rate_high": min(rate + spread, 1.0),
    }


def _copies(X, y, features, seed):
    n_copies, n_conflicts = count_copies(X, y)
    return {
        "copies": n_copies,
        "conflicting_copies": n_conflicts,
        "near_copies": share_of_near_copies(features, seed),
    }


def _what_was_done(estimator, table):
    """By a treatment: in words, and how many rows of each label."""
    if not hasattr(estimator, "estimator_"):
        return {"treatment": None, "done": {}, "why": ""}
    name = getattr(estimator, "treatment_", None)
    done = {}
    if "treatment" in table:
        done = table["treatment"].value_counts().to_dict()
    elif "weight" in table:
        light = table["weight"] < 0.5
        done = {"weigh less than half": int(light.sum()), "others": int((~light).sum())}
    elif "relabeled" in table:
        changed = table["relabeled"].to_numpy() != table["given"].to_numpy()
        done = {"changed": int(changed.sum()), "kept": int((~changed).sum())}
    return {
        "treatment": type(estimator).__name__ if name is None else name,
        "done": {str(k): int(v) for k, v in done.items()},
        "why": getattr(estimator, "reason_", "") if name is not None else "",
    }


def _label_pairs(table):
    """Flagged rows by given and suggested label, the most frequent labels first if many."""
    flagged = table[table["flagged"]]
    labels = table["given"].value_counts().index.tolist()
    if len(labels) > MOST_CLASSES:
        involved = pd.concat([flagged["given"], flagged["suggested"]]).value_counts().index
        labels = [*involved, *(label for label in labels if label not in set(involved))]
        labels = labels[:MOST_CLASSES]
    else:
        labels = sorted(labels, key=lambda label: (str(type(label)), label))
    counts = pd.crosstab(flagged["given"], flagged["suggested"])
    counts = counts.reindex(index=labels, columns=labels, fill_value=0)
    return counts.rename_axis(index="given", columns="suggested")


def _error_sizes(table):
    """Sizes of the suspected errors of numbers, given minus suggested."""
    flagged = table[table["flagged"]]
    error = (flagged["given"] - flagged["suggested"]).to_numpy(dtype=float)
    rows = {}
    for name, part in (("too high", error[error > 0]), ("too low", error[error < 0])):
        far = part[np.argmax(np.abs(part))] if len(part) else np.nan
        middle = np.median(part) if len(part) else np.nan
        rows[name] = {"rows": len(part), "median": middle, "largest": far}
    return pd.DataFrame.from_dict(rows, orient="index")


def _histogram(table):
    score = table["score"].to_numpy(dtype=float)
    known = np.isfinite(score)
    if not known.any():
        return pd.DataFrame(columns=["left", "right", "others", "flagged"])
    # a few huge scores would leave one bar for all others
    low, high = np.quantile(score[known], [0, 0.995])
    edges = np.linspace(low, high if high > low else low + 1, N_BINS + 1)
    inside = np.clip(score, edges[0], edges[-1])
    flagged = table["flagged"].to_numpy(dtype=bool)
    return pd.DataFrame(
        {
            "left": edges[:-1],
            "right": edges[1:],
            "others": np.histogram(inside[known & ~flagged], edges)[0],
            "flagged": np.histogram(inside[known & flagged], edges)[0],
        }
    )


def _worst(table, X, y, features, n_worst, seed):
    """The most suspect rows, beside the nearest rows that are not."""
    top = table[table["score"].notna()].head(n_worst)
    rows = top["row"].to_numpy()
    nearest = np.full(len(rows), -1)
    if features is not None and len(rows):
        calm = table[~table["flagged"] & (table["probability"] < 0.5)]["row"].to_numpy()
        calm = some_of(np.sort(np.setdiff1d(calm, rows)), MOST, seed)
        if len(calm):
            nearest, _ = nearest_rows(features, rows, calm)
    given = np.asarray(y).reshape(-1)
    spreads = usual_spreads(X)
    names = dict(zip(table["row"], map(str, table.index), strict=True))
    found = []
    for line, near in zip(top.itertuples(), nearest, strict=True):
        mine = row_cells(X, line.row)
        beside = row_cells(X, near) if near >= 0 else {}
        found.append(
            {
                "row": int(line.row),
                "name": names[line.row],
                "given": line.given,
                "suggested": line.suggested,
                "probability": float(line.probability),
                "flagged": bool(line.flagged),
                "reason": line.reason,
                "values": mine,
                "near_row": int(near) if near >= 0 else None,
                "near_name": names[near] if near >= 0 else None,
                "near_given": given[near] if near >= 0 else None,
                "near_values": beside,
                "differs": unlike(mine, beside, spreads),
            }
        )
    return found


def row_cells(X, row):
    """Name to value of the columns of one row, as texts."""
    if isinstance(X, list) or np.ndim(X) == 1:
        return {"": _text(X[row] if isinstance(X, list) else as_numpy(X, "X")[row])}
    if hasattr(X, "tocsr"):
        line = X.tocsr()[[row]]
        return {f"column {j}": _text(v) for j, v in zip(line.indices, line.data, strict=True)}
    if is_table(X):
        table = as_table(X)
        # by cell, since a row is of one type: complex if one column is
        return {str(name): _text(table.iat[row, at]) for at, name in enumerate(table.columns)}
    line = as_numpy(X, "X")[row].reshape(-1)
    return {f"column {j}": _text(value) for j, value in enumerate(line)}


def _text(value):
    if isinstance(value, (float, np.floating)):
        return "missing" if np.isnan(value) else f"{value:.6g}"
    if value is None or (np.ndim(value) == 0 and pd.isna(value)):
        return "missing"
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return str(value.date())
    return str(value)[:500]
