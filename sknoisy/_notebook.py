"""How an estimator shows itself in a notebook: where it is documented, and what it has found."""

from __future__ import annotations

import sys
from html import escape
from itertools import accumulate

import numpy as np

from sknoisy._report import detector_of, flagged_rows

# Where the documentation is published; each class has a page that is named after the public module
# that lists it. The only place that knows. Empty until there is such a place: no link is better
# than one to a name that somebody else may take.
DOCUMENTATION = ""

MOST_PAIRS = 3  # of given and suggested label, that are shown
MOST_LETTERS = 60  # of a label
WHY, ALONE = "why", "the detector alone"  # what the detector's reason is the reason of
# a line of text in the colours of the notebook, light or dark
TABLE = (
    '<table class="sknoisy-found" aria-label="What the fit found" '
    'style="margin-top: 0.5em; border-collapse: collapse; text-align: left">'
)
CELL = "text-align: left; vertical-align: top; padding: 0.1em 1em 0.1em 0"
NAME = f'style="{CELL}; white-space: nowrap"'
SAID = f'style="{CELL}; white-space: pre-line; overflow-wrap: anywhere"'


class NotebookView:
    """Mixin, in front of BaseEstimator: scikit-learn's diagram links to the pages of this package,
    and is followed by what a fit has found.
    """

    _doc_link_module = "sknoisy"

    @property
    def _doc_link_template(self):
        return DOCUMENTATION and DOCUMENTATION + "/generated/{public_name}.html"

    def _doc_link_url_param_generator(self, *_):  # some versions give the estimator once more
        return {"public_name": public_name(type(self))}

    def _repr_html_inner(self):
        return super()._repr_html_inner() + found_table(self)

    def _repr_mimebundle_(self, **kwargs):
        shown = super()._repr_mimebundle_(**kwargs)
        if "text/html" in shown:
            shown["text/html"] += found_table(self)
        return shown


def public_name(kind):
    """Name of a class in the outermost module that lists it, which is where it is documented."""
    inside = accumulate(kind.__module__.split("."), "{}.{}".format)
    for name in inside:
        if kind.__name__ in getattr(sys.modules.get(name), "__all__", ()):
            return f"{name}.{kind.__name__}"
    return f"{kind.__module__}.{kind.__name__}"


def found_table(estimator):
    """What a fitted detector or treatment has found, as a table of HTML; "" where that is nothing.

    All that comes of the data is escaped.
    """
    lines = found(estimator)
    if not lines:
        return ""
    cells = (
        f'<tr><th scope="row" {NAME}>{escape(name)}</th><td {SAID}>{escape(said)}</td></tr>'
        for name, said in lines
    )
    return f"{TABLE}{''.join(cells)}</table>"


def found(estimator):
    """The same as (name, text) pairs: what the detector flags, then what the treatment did."""
    mask = getattr(estimator, "noise_mask_", None)
    if mask is None:
        return []
    detector, name = detector_of(estimator)
    flagged = flagged_rows(estimator)
    what = "rows" if np.ndim(mask) == 1 else "labels"  # of several columns of them
    lines = [(f"{what} flagged", counted(flagged))]
    score = getattr(detector, "noise_score_", None)
    if score is not None and (n_unjudged := int(np.isnan(score).sum())):
        lines.append(("not judged", f"{n_unjudged:,}"))
    lines.append(("given → suggested", most_often(detector, flagged)))
    alone = getattr(detector, "noise_mask_", flagged)  # of rows that are trusted in this fit, too
    why = WHY if np.array_equal(alone, flagged) else ALONE
    lines.append((why, getattr(detector, "reason_", "")))
    if detector is not estimator:
        lines.append(("detector", name))
    if hasattr(estimator, "_flagged_rows"):  # a treatment
        treatment = getattr(estimator, "treatment_", type(estimator).__name__)
        lines += [("treatment", treatment), (f"{what} treated", counted(mask))]
        lines.append(("why this treatment", getattr(estimator, "reason_", "")))
    return [(name, str(said)) for name, said in lines if said]


def counted(mask):
    """How many of how many, and which share."""
    return f"{np.sum(mask):,} of {np.size(mask):,} ({np.mean(mask):.1%})"


def most_often(detector, mask):
    """The pairs of given and suggested label that most flagged rows have, a line each."""
    target = getattr(detector, "_target", None)
    suggested = getattr(detector, "y_suggested_", None)
    if suggested is None or target is None or not target.is_labels or not np.any(mask):
        return ""
    codes = target.encode(suggested[mask], "y_suggested_")
    pairs = target.codes[mask] * len(target.classes) + codes
    pairs, counts = np.unique(pairs[codes != target.codes[mask]], return_counts=True)
    said = []
    for at in np.argsort(-counts, kind="stable")[:MOST_PAIRS]:
        given, other = divmod(int(pairs[at]), len(target.classes))
        names = (short(target.classes[code]) for code in (given, other))
        said.append(f"{' → '.join(names)} ({counts[at]:,})")
    return "\n".join(said)


def short(label):
    """A label as a text of bearable length."""
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in str(label))
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
