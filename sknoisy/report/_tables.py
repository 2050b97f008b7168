"""Counts of a noise report: which label for which, by how much, and at which score."""

from __future__ import annotations

import numpy as np
import pandas as pd

N_BINS = 40
MOST_CLASSES = 15  # that a matrix shows
FAR = 4  # times the range of nearly all scores, in which the cut is still drawn


def label_pairs(table):
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


def error_sizes(table):
    """Sizes of the suspected errors of numbers, given minus suggested."""
    flagged = table[table["flagged"]]
    error = (flagged["given"] - flagged["suggested"]).to_numpy(dtype=float)
    rows = {}
    for name, part in (("too high", error[error > 0]), ("too low", error[error < 0])):
        far = part[np.argmax(np.abs(part))] if len(part) else np.nan
        middle = np.median(part) if len(part) else np.nan
        rows[name] = {"rows": len(part), "median": middle, "largest": far}
    return pd.DataFrame.from_dict(rows, orient="index")


def score_histogram(table):
    """Rows by score, in bins of equal width but for the last, which holds all higher scores."""
    judged = table["score"].notna()
    score, flagged = table.loc[judged, "score"].to_numpy(float), table.loc[judged, "flagged"]
    if not len(score):
        return pd.DataFrame(columns=["left", "right", "others", "flagged"])
    edges = _edges(score, score[flagged])
    inside = np.clip(score, edges[0], edges[-1])
    return pd.DataFrame(
        {
            "left": edges[:-1],
            "right": [*edges[1:-1], max(edges[-1], score.max())],
            "others": np.histogram(inside[~flagged], edges)[0],
            "flagged": np.histogram(inside[flagged], edges)[0],
        }
    )


def _edges(score, flagged):
    """A few huge scores would leave one bar for all others, but the cut is to be seen."""
    known = score[np.isfinite(score)]
    if not len(known):
        return np.linspace(0, 1, N_BINS + 1)
    low, high = np.quantile(known, [0, 0.995])
    cut = flagged.min(initial=np.inf)
    if high < cut <= low + FAR * (high - low):
        high = min(cut + (cut - low) / N_BINS, known.max())  # flagged rows are the last bars
    return np.linspace(low, high if high > low else low + 1, N_BINS + 1)
