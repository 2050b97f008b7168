"""A page for people, of what came to this process: counts, and the most suspect rows."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from sknoisy._audit._print import by_reason, sentence
from sknoisy._audit._worst import cell
from sknoisy._audit.by_partition._print import FIRST
from sknoisy.dask._order import quantiles, summed
from sknoisy.dask._partitions import kept, task, together
from sknoisy.report import NoiseReport
from sknoisy.report._summary import share_of_wrong
from sknoisy.report._tables import MOST_CLASSES, N_BINS
from sknoisy.report._words import as_sentence

NEARLY_ALL = 0.995  # of the scores: a few huge ones would leave one bar for all others
KNOWN = "Predictions of rows that a model has not seen agree with the target beyond chance."
NOT_LOOKED_FOR = ["slices", "copies", "look-alikes"]  # which would need all rows at once


def score_histogram(judge, search, found):
    """(rows by score as DataFrame, lowest score of a flagged row or None), by sums over pieces."""
    each = zip(found.said, found.verdicts, search.data.others["trusted"], strict=True)
    parts = kept([task(_scores)(judge, *one) for one in each])
    cut = min(together([task(_lowest_flagged)(part) for part in parts]))
    [[low, high]] = quantiles(parts, lambda part, _: part[0], [None], [0.0, NEARLY_ALL])
    if np.isnan(low):
        return pd.DataFrame(columns=["left", "right", "others", "flagged"]), None
    high = max(high, cut) if np.isfinite(cut) else high
    edges = np.linspace(low, high if high > low else low + 1, N_BINS + 1)
    others, flagged = summed(parts, partial(_in_bins, edges=edges))
    most = max(together([task(_highest)(part) for part in parts]))
    right = [*edges[1:-1], max(edges[-1], most)]  # all higher scores are in the last one
    bins = {"left": edges[:-1], "right": right, "others": others, "flagged": flagged}
    return pd.DataFrame(bins), float(cut) if np.isfinite(cut) else None


def _scores(judge, said, verdict, trusted):
    """(scores, flagged) of the rows of a piece that were judged."""
    judged = judge.judged(said, verdict, trusted)
    known = ~np.isnan(judged["score"])
    return judged["score"][known], judged["flagged"][known]


def _lowest_flagged(part):
    score, flagged = part
    return score[flagged].min(initial=np.inf)


def _highest(part):
    return part[0].max(initial=-np.inf)


def _in_bins(part, edges):
    score, flagged = part
    inside = np.clip(score, edges[0], edges[-1])
    return [np.histogram(inside[rows], edges)[0] for rows in (~flagged, flagged)]


def report_of(summary):
    """`NoiseReport` of a `Summary`, whose `table` has the most suspect rows alone."""
    rows = summary.worst[["given", "suggested", "probability", "score", "flagged", "reason"]]
    table = summary.worst.copy()
    table.attrs["lowest_flagged"] = summary.cut
    return NoiseReport(
        table,
        _in_short(summary),
        _sizes(summary) if summary.target.labels is None else _matrix(summary),
        summary.histogram,
        pd.DataFrame(),
        [
            _row(number, row, held, summary.table.kinds)
            for number, row, held in zip(
                summary.worst["row"].tolist(),
                rows.to_dict("records"),
                summary.cells.to_dict("records"),
                strict=True,
            )
        ],
    )


def _in_short(summary):
    target = summary.target
    detector, _, decided = summary.detector_text.partition(", ")
    left_out = summary.set_aside | summary.table.left_out
    notes = [
        *(text for text in summary.first if text != summary.doubt),
        f"rows are {FIRST}",
        *([f"{target.n_missing} rows have no target, and are not judged"] * bool(target.n_missing)),
        *([f"left out: {by_reason(left_out)}"] if left_out else []),
        "copies, and where wrong rows concentrate, are not looked for by this engine",
        *summary.notes,
    ]
    return {
        "title": summary.files.source,
        "rows": target.n,
        "task": target.task,
        "detector": detector,
        "decided": decided,
        "evidence_p_value": summary.known.evidence_p_value_,
        "unknown_classes": [str(label) for label in summary.known.unknown_classes_],
        "known": as_sentence(summary.doubt) if summary.doubt else KNOWN,
        "judged": summary.n_judged,
        "flagged": summary.n_flagged,
        **share_of_wrong(summary.expected, summary.variance, summary.n_judged),
        "copies": 0,
        "conflicting_copies": 0,
        "near_copies": np.nan,
        "noise_rate_by_detector": None,
        "treatment": None,
        "treated": None,
        "notes": [sentence(note) for note in notes],
        "not_looked_for": NOT_LOOKED_FOR,
    }


def _matrix(summary):
    """Flagged rows by given and suggested label; of many labels those that are most involved."""
    involved = pd.Series(0, index=pd.Index(summary.target.labels, dtype=object))
    for pair, count in summary.pairs.items():
        for label in pair:
            involved[label] += count
    labels = involved.index
    if len(labels) > MOST_CLASSES:
        labels = involved.nlargest(MOST_CLASSES).index
    counts = [[summary.pairs[given, suggested] for suggested in labels] for given in labels]
    return pd.DataFrame(counts, index=labels, columns=labels)


def _sizes(summary):
    """The sizes of the suspected errors of numbers, given minus suggested."""
    columns = ["rows", "median", "largest"]
    found = {name: values for name, *values in summary.errors}
    return pd.DataFrame.from_dict(found, orient="index", columns=columns)


def _row(number, row, held, kinds):
    return {
        "row": number,
        "name": str(number),
        **row,
        "done": None,
        "values": {name: cell(value, kinds.get(name)) for name, value in held.items()},
        "near_row": None,
        "near_name": None,
        "near_given": None,
        "near_values": {},
        "differs": [],
    }
