"""What a person reads: lines of text no wider than the terminal."""

from __future__ import annotations

import os
import sys
import textwrap

import numpy as np

from sknoisy._audit._errors import one_line
from sknoisy._audit._read import PARQUET, TABS
from sknoisy.report._words import percent

MOST_CLASSES = 12
MOST_PAIRS = 12


def shown(value, width=30):
    """One value as text that fits and cannot disturb a terminal."""
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    text = one_line(value)
    return text if len(text) <= width else text[: width - 3] + "..."


def rounded(proba):
    return ">99%" if proba > 0.99 else "<1%" if proba < 0.01 else f"{proba:.0%}"


def program():
    """How this program was called, as far as it can be called so again."""
    called = os.path.basename(sys.argv[0])
    if called in ("sknoisy", "sknoisy.exe"):
        return sys.argv[0] if os.sep in sys.argv[0] and not os.path.isabs(sys.argv[0]) else called
    python = os.path.relpath(sys.executable) if sys.prefix.startswith(os.getcwd()) else "python"
    return f"{python} -m sknoisy"


def counted(n, thing, things=None):
    return f"{n} {thing if n == 1 else things or thing + 's'}"


# --------------------------------------------------------------------------- what was done


def describe_input(result, width):
    """What was read, and by what it is judged."""
    target, features = result.target, result.features
    kinds = [
        counted(len(features.names(kind)), *forms)
        for kind, forms in {
            "number": ("number",),
            "date": ("date",),
            "category": ("category", "categories"),
            "text": ("text",),
        }.items()
        if features.names(kind)
    ]
    items = [
        (
            "file",
            f"{result.source}: {counted(result.n_rows, 'row')}, "
            f"{counted(result.n_columns, 'column')}",
        ),
        ("target", f"{shown(target.name)!r}: {_describe_target(target)}"),
    ]
    absent = _absent(result)
    if "not judged" in absent:
        items.append(("not judged", absent["not judged"]))
    items.append(("judged by", f"{counted(len(features.kinds), 'column')}: {', '.join(kinds)}"))
    if "left out" in absent:
        items.append(("left out", absent["left out"]))
    if features.readings:
        items.append(("read as", by_reason(features.readings)))
    if result.copies:
        items.append(("duplicates", result.copies))
    items += [("model", result.model_text), ("detector", result.detector_text)]
    items += [("note", note) for note in result.notes]
    return items_as_lines(items, width)


def items_as_lines(items, width):
    """Lines of (name, text)."""
    return [line for name, text in items for line in _item(name, text, width)]


def _absent(result):
    """Rows and columns of the file that have no part in the verdict."""
    n_missing, left_out = len(result.target.problems), result.set_aside | result.features.left_out
    absent = {}
    if n_missing:
        absent["not judged"] = (
            f"{counted(n_missing, 'row')} without a target: left out of all that follows, "
            f"{len(result.target.y)} remain"
        )
    if left_out:
        absent["left out"] = by_reason(left_out)
    return absent


def describe_absent(result):
    """The same as texts for a page."""
    return [f"{name}: {text}" for name, text in _absent(result).items()]


def sentence(text):
    """A note that begins large and ends with a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def describe_first(result, width):
    """What must be known before any verdict is believed."""
    lines = [
        line for text in [*result.first, *result.known] for line in _item("first", text, width)
    ]
    return lines and ["Before you read on", *lines]


def by_reason(columns):
    parts = []
    for reason in dict.fromkeys(columns.values()):
        names = [shown(name) for name, why in columns.items() if why == reason]
        more = f" and {len(names) - 5} more" if len(names) > 6 else ""
        parts.append(f"{', '.join(names[: 5 if more else 6])}{more} ({reason})")
    return "; ".join(parts)


def _item(name, text, width):
    return textwrap.wrap(
        text,
        width=max(width, 40),
        initial_indent=f"{name:<11}",
        subsequent_indent=" " * 11,
        break_on_hyphens=False,
    )


def _describe_target(target):
    if target.task == "regression":
        low, middle, high = np.min(target.y), np.median(target.y), np.max(target.y)
        return f"numbers from {low:.6g} to {high:.6g}, median {middle:.6g} ({target.why})"
    labels, counts = np.unique(target.y, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    named = [f"{shown(labels[i], 20)} {counts[i]}" for i in order[:MOST_CLASSES]]
    more = f", and {len(labels) - MOST_CLASSES} more" if len(labels) > MOST_CLASSES else ""
    return f"labels, {len(labels)} classes ({target.why}): {', '.join(named)}{more}"


# --------------------------------------------------------------------------- what was found


def describe_rate(report, rule):
    """How many: the rows flagged, and the estimated number of wrong ones."""
    judged = report["score"].notna()
    expected = report.loc[judged, "probability"].sum()
    return rate_lines(len(report), int(judged.sum()), int(report["flagged"].sum()), expected, rule)


def rate_lines(n_rows, n, n_flagged, expected, rule, more="--contamination 0.02 would flag"):
    """The same by counts: of all rows, of those that were judged, of those flagged or wrong."""
    lines = [f"Flagged rows:          {n_flagged} of {n} ({percent(n_flagged / n)}), by {rule}"]
    is_own_rule = not rule.startswith("--contamination")
    if is_own_rule:  # otherwise the rate was an assumption, and is no result
        lines.append(
            f"Estimated noise rate:  {percent(expected / n)}, that is {expected:.0f} wrong targets "
            "(mean probability of being wrong)"
        )
    if n_flagged == 0 and is_own_rule:
        lines += [
            "No group of rows stands apart from the others clearly enough to be called wrong. The",
            f"order of suspicion holds all the same: {more} the first 2%.",
        ]
    if n < n_rows:
        lines.append(f"Could not be judged:   {counted(n_rows - n, 'row')}, not flagged")
    return lines


def describe_labels(report, labels, width):
    """Flagged rows by given and suggested label."""
    flagged = report[report["flagged"]]
    if len(flagged) == 0:
        return []
    if (flagged["given"] == flagged["suggested"]).all():
        counts = flagged["given"].value_counts().iloc[:MOST_CLASSES]
        lines = [f"  {shown(label)}: {count}" for label, count in counts.items()]
        return ["Flagged rows by given label (this detector suggests no other one)", *lines]
    pairs = flagged.groupby(["given", "suggested"], sort=False).size()
    return pair_lines(pairs, report.groupby("given").size(), labels, width)


def pair_lines(pairs, totals, labels, width):
    """The same by the number of rows of each pair, and of each given label."""
    pairs = pairs.sort_values(ascending=False, kind="stable")
    if len(labels) <= MOST_CLASSES:
        lines = _matrix(pairs, totals, labels)
        if max(map(len, lines)) <= width:
            return ["Flagged rows by given (down) and suggested (across) label", *lines]
    lines = [
        "Flagged rows by given and suggested label"
        + (
            f" (the {MOST_PAIRS} most frequent of {len(pairs)} pairs)"
            if len(pairs) > MOST_PAIRS
            else ""
        )
    ]
    top = pairs.iloc[:MOST_PAIRS]
    names = [(shown(a), shown(b)) for a, b in top.index]
    left, right = (max(len(pair[i]) for pair in names) for i in (0, 1))
    for (a, b), (given, _), count in zip(names, top.index, top, strict=True):
        share = percent(count / totals[given])
        lines.append(
            f"  {a:<{left}}  ->  {b:<{right}}  {count:>6}  ({share} of the rows given {a})"
        )
    return lines


def _matrix(pairs, totals, labels):
    names = [shown(label, 12) for label in labels]
    first = max(len(name) for name in names)
    widths = [max(len(name), 5) for name in names]
    head = " " * (first + 2) + "".join(f"  {n:>{w}}" for n, w in zip(names, widths, strict=True))
    lines = [f"{head}  {'flagged':>8}  of"]
    for given, name in zip(labels, names, strict=True):
        cells = ["." if given == other else str(pairs.get((given, other), 0)) for other in labels]
        row = "".join(f"  {c:>{w}}" for c, w in zip(cells, widths, strict=True))
        n = sum(pairs.get((given, other), 0) for other in labels)
        total = totals.get(given, 0)
        share = percent(n / total) if total else "0%"
        lines.append(f"  {name:<{first}}{row}  {n:>8}  {total} ({share})")
    return lines


def describe_numbers(report):
    """Sizes of the suspected errors: given minus suggested."""
    flagged = report[report["flagged"]]
    if (flagged["given"] == flagged["suggested"]).all():  # none, or nothing is suggested
        return []
    error = (flagged["given"] - flagged["suggested"]).to_numpy(dtype=float)
    sides = [
        (name, len(part), np.median(part), part[np.argmax(np.abs(part))])
        for name, part in (
            ("given too high", error[error > 0]),
            ("given too low", error[error < 0]),
        )
        if len(part)
    ]
    return error_lines(sides, np.median(np.abs(report["given"] - report["suggested"])))


def error_lines(sides, usual):
    """The same of (name, rows, median, largest) of each side, and the usual error of all rows."""
    lines = [
        "Sizes of the suspected errors (given minus suggested)",
        f"  {'':<15}  {'rows':>6}  {'median':>12}  {'largest':>12}",
    ]
    for name, n_rows, median, largest in sides:
        lines.append(f"  {name:<15}  {n_rows:>6}  {median:>+12.4g}  {largest:>+12.4g}")
    lines.append(f"  for comparison: half of all rows are off by less than {usual:.4g}")
    return lines


# --------------------------------------------------------------------------- what next


def describe_next(result, out):
    """Two lines of Python, and how to get the verdict on every row."""
    kind = "Classifier" if result.target.task == "classification" else "Regressor"
    if result.path is None:
        return [
            "What next: your own file (--report also writes a page), and your own model",
            f"  {program()} audit FILE.csv --target COLUMN --report report.html",
            f"  from sknoisy import Filter{kind}",
            f"  model = Filter{kind}(your_model).fit(X, y)",
        ]
    lines = ["What next: look at these rows; then train without the flagged ones"]
    if not result.report["flagged"].any():
        lines = ["What next: train as usual, or let each fit look again"]
    if out is not None:
        name = out.lower().removesuffix(".gz")
        reader = "read_parquet" if name.endswith(PARQUET) else "read_csv"
        keep = '~verdicts["flagged"]'
        if result.target.problems:  # rows without a target are not flagged, and train nothing
            keep += ' & verdicts["probability"].notna()'
        sep = ', sep="\\t"' if name.endswith(TABS) else ""
        return [
            *lines,
            f"  verdicts = pandas.{reader}({out!r}{sep})   # one row per row of the file",
            f"  keep = {keep}",
            "  clean = data[keep.to_numpy()]   # data: the table that is in the file",
        ]
    return [
        *lines,
        f"  from sknoisy import Filter{kind}",
        f"  model = Filter{kind}(your_model).fit(X, y)   # finds and drops them in every fit",
        "Add --out verdicts.csv to write the verdict on every row.",
    ]
