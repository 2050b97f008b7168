"""A `NoiseReport` as a page of HTML."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from sknoisy._evidence._knowledge import LEVEL
from sknoisy.report._words import as_sentence, copies_in_words, percent

NARROW = "\u202f"  # a blank at which no line breaks
MOST_CELLS = 60  # columns of a row that are shown
LEAST = 0.01  # probability of being wrong that is told
WIDTH, HEIGHT = 640, 200  # of the histogram, in units of its own


def page(report):
    """The page, self-contained: style within, no script, every value escaped."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise ImportError(
            "NoiseReport.to_html needs jinja2: pip install jinja2. (`table`, `summary` and "
            "`to_dict` do without.)"
        ) from error
    env = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters |= {"percent": spaced_percent, "number": number, "shown": shown}
    text = (files("sknoisy.report") / "page.html.jinja").read_text(encoding="utf-8")
    summary, calm = report.summary, none_stands_apart(report.table)
    nothing_known = (summary["evidence_p_value"] or 0) > LEVEL
    copies = copies_in_words(summary["copies"], summary["conflicting_copies"], summary["rows"])
    return env.from_string(text).render(
        s=summary,
        nothing_known=nothing_known,
        none_stands_apart=calm,
        has_interval=not (calm or np.isnan(summary["noise_rate_low"])),
        last_is_wide=last_is_wide(report.histogram),
        is_doubtful=nothing_known or bool(summary["unknown_classes"]),
        copies=as_sentence(copies or "no row has exactly the features of another row"),
        bars=bars(report.histogram),
        chart={"width": WIDTH, "height": HEIGHT},
        histogram=report.histogram.to_dict("records"),
        cut=lowest_flagged(report.table),
        pairs=matrix(report.pairs, is_shaded=summary["task"] == "classification"),
        slices=report.slices.to_dict("records"),
        worst=[beside(row) | {"how_wrong": how_wrong(row, by_score=calm)} for row in report.worst],
    )


def bars(histogram):
    """Rectangles (x, y, width, height, kind) of stacked counts, on a root scale.

    Of a thousand rows a dozen are flagged, and on a linear scale they would not be seen.
    """
    if not len(histogram):
        return []
    total = np.sqrt((histogram["others"] + histogram["flagged"]).to_numpy(dtype=float))
    flagged = histogram["flagged"].to_numpy(dtype=float)
    most = total.max() or 1.0
    width = WIDTH / len(histogram)
    found = []
    for i, tall in enumerate(total):
        height = HEIGHT * tall / most
        count = flagged[i] + histogram["others"].iloc[i]
        red = height * flagged[i] / count if count else 0.0
        x = i * width
        if height > red:
            found.append((x, HEIGHT - height, width - 1, height - red, "others"))
        if red:
            found.append((x, HEIGHT - red, width - 1, red, "flagged"))
    return [tuple(round(v, 1) if not isinstance(v, str) else v for v in bar) for bar in found]


def none_stands_apart(table):
    """Whether no row is called wrong, nor likely to be."""
    return not table["flagged"].any() and bool((table["probability"] < LEAST).all())


def last_is_wide(histogram):
    """Whether the last bin holds scores that are drawn nearer than they are."""
    width = histogram["right"] - histogram["left"]
    return len(width) > 1 and bool(width.iloc[-1] > 1.5 * width.iloc[0])


def matrix(pairs, is_shaded):
    """Names and numbers of a small table as texts, and colours behind these."""
    return {
        "columns": [shown(name) for name in pairs.columns],
        "rows": [
            (shown(name), [number(v) for v in values])
            for name, values in zip(pairs.index, pairs.to_numpy().tolist(), strict=True)
        ],
        "shades": shades(pairs) if is_shaded else None,
    }


def shades(pairs):
    """Strength of the colour behind each cell of a matrix; 0.55 leaves the number legible."""
    counts = pairs.to_numpy(dtype=float)
    most = counts.max(initial=0.0) or 1.0
    return (0.55 * np.sqrt(counts / most)).round(2).tolist()


def lowest_flagged(table):
    """The score from which on rows are flagged, or None where no row is.

    A table that has not all of the rows tells it in `attrs`.
    """
    if "lowest_flagged" in table.attrs:
        return table.attrs["lowest_flagged"]
    scores = table.loc[table["flagged"], "score"]
    return float(scores.min()) if len(scores) else None


def beside(row):
    """A suspect row with its cells next to those of its look-alike."""
    names, unlike = list(row["values"]), set(row["differs"])
    cells = [
        (name, row["values"][name], row["near_values"].get(name, ""), name in unlike)
        for name in names[:MOST_CELLS]
    ]
    return row | {"cells": cells, "more": max(len(names) - MOST_CELLS, 0)}


def spaced_percent(share):
    return percent(share).replace("%", NARROW + "%")


def how_wrong(row, by_score):
    """How likely a row is wrong, never quite 0 or 1; or its score, where that says more."""
    if by_score:
        return f"score {row['score']:.4g}"
    probability = row["probability"]
    text = "<1%" if probability < LEAST else ">99%" if probability > 0.99 else f"{probability:.1%}"
    return f"wrong: {text.replace('%', NARROW + '%')}"


def number(value):
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, (int, np.integer)) else str(value)


def shown(value, most=200):
    """A value as text of bounded length."""
    text = f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)
    return text if len(text) <= most else text[: most - 1] + "…"
