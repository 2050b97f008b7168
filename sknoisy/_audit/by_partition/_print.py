"""What a person reads of an audit by partition."""

from __future__ import annotations

import pandas as pd

from sknoisy._audit._print import (
    MOST_CLASSES,
    by_reason,
    counted,
    error_lines,
    items_as_lines,
    pair_lines,
    rate_lines,
    shown,
)
from sknoisy._audit._worst import worst_lines

FIRST = "counted through all files, from 0"


def describe(summary, options, width):
    """Lines of all that was found."""
    rule = f"the rule of {summary.detector_text.split(',')[0]}"
    counts = summary.target.n, summary.n_judged, summary.n_flagged, summary.expected
    parts = [
        _input(summary, width),
        _first(summary, width),
        rate_lines(*counts, rule, "the highest scores of --out are"),
        _pairs(summary, width) if summary.target.labels is not None else _errors(summary),
    ]
    worst = summary.worst.head(options.worst)
    if len(worst):
        cells, kinds = summary.cells, summary.table.kinds
        is_labels = summary.target.labels is not None
        found = summary.n_flagged > 0
        parts.append(worst_lines(worst, cells, kinds, is_labels, found, width, FIRST))
    parts.append(_next(summary, options.report))
    return "\n\n".join("\n".join(part) for part in parts if part).split("\n")


def _input(summary, width):
    files, target, table = summary.files, summary.target, summary.table
    kinds = pd.Series(table.kinds).replace("time", "number").value_counts()
    plural = {"category": "categories"}
    kinds = ", ".join(counted(n, kind, plural.get(kind)) for kind, n in kinds.items())
    items = [
        (
            "files",
            f"{files.source}: {counted(len(files.paths), 'file')}, {counted(files.n_rows, 'row')}, "
            f"{counted(len(files.kinds), 'column')}",
        ),
        ("target", f"{shown(target.name)!r}: {_target(target)}"),
    ]
    if target.n_missing:
        items.append(
            (
                "not judged",
                f"{counted(target.n_missing, 'row')} without a target: left out of all that "
                f"follows, {target.n} remain",
            )
        )
    items.append(("judged by", f"{counted(len(table.kinds), 'column')}: {kinds}"))
    if left_out := summary.set_aside | table.left_out:
        items.append(("left out", by_reason(left_out)))
    items += [
        ("duplicates", "not looked for by this engine: copies may be in several folds"),
        ("engine", summary.engine_text),
        ("detector", summary.detector_text),
        *(("note", note) for note in summary.notes),
    ]
    return items_as_lines(items, width)


def _first(summary, width):
    lines = items_as_lines([("first", text) for text in summary.first], width)
    return lines and ["Before you read on", *lines]


def _target(target):
    if target.labels is None:
        return f"numbers {target.why}"
    order = (-target.counts).argsort(kind="stable")
    named = [f"{shown(target.labels[i], 20)} {target.counts[i]}" for i in order[:MOST_CLASSES]]
    more = len(order) - MOST_CLASSES
    more = f", and {more} more" if more > 0 else ""
    return f"labels, {len(order)} classes ({target.why}): {', '.join(named)}{more}"


def _pairs(summary, width):
    if not summary.pairs:
        return []
    pairs = pd.Series(list(summary.pairs.values()), index=pd.MultiIndex.from_tuples(summary.pairs))
    totals = pd.Series(summary.target.counts, index=summary.target.labels)
    return pair_lines(pairs, totals, summary.target.labels, width)


def _errors(summary):
    return error_lines(summary.errors, summary.usual_error) if summary.n_flagged else []


def _next(summary, report):
    page = [f"The report for people is in {report}: open it in a browser."] if report else []
    if summary.out is None:
        return [*page, "Add --out FOLDER to write the verdict on every row."]
    return [
        *page,
        f"The verdict on each of the {summary.files.n_rows} rows is in {summary.out}, a file for "
        "each part of them.",
        f"  verdicts = dask.dataframe.read_parquet({summary.out!r})   # or pandas.read_parquet",
    ]
