"""Write docs/methods.rst, the table of all detectors, from the code.

    python benchmarks/method_table.py [--out FILE]

Nothing in the table is typed by hand: the paper is the first reference of the docstring, the task
and the assumption are those that the class states, and evidence and fits are those of one fit on
made data with default settings, around a linear model. A test compares the file with what this
script writes.
"""

from __future__ import annotations

import argparse
import inspect
import re
import warnings
from pathlib import Path

import numpy as np
from _detectors import detector_classes, effort_of, make_detector
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge

OUT = Path(__file__).resolve().parents[1] / "docs" / "methods.rst"
N_ROWS = 100
REFERENCE = re.compile(r'^(?P<authors>[^"]+): "(?P<title>[^"]+)"(?P<where>.*?\b(?:19|20)\d\d)\b')
KINDS = {
    "responses": "what a model says of rows that it has not seen",
    "sober responses": "the same, of fits without numbers that are wild",
    "stages": "what it says while it is trained",
    "bags": "models of random parts of the rows",
    "linear influence": "how a linear model depends on each of its rows",
    "features": "rows as numbers",
    "neighbors": "the nearest rows",
    "own fits": "fits that are not shared",
}
HEAD = """\
.. Written by benchmarks/method_table.py from the code: do not edit.

All detectors
=============

What each detector asks of the data, what it costs, and what it relies on. :doc:`which_detector`
says which one to take.

- *Evidence*: what it asks of models or rows, which several detectors share when they work together
  (:class:`~sknoisy.detection.CombinedDetector`). {kinds}.
- *Fits*: how many models were fitted, with default settings around a linear model, on {n} rows. A
  random forest judges itself out of bag, so that it takes 1 fit in place of 5 `responses`.
- *Takes*: what it can be given instead, so that nothing is fitted (:doc:`own_evidence`).
- *Paper*: the first one of the docstring, which says what was adapted and names the others.
"""
ROOMS = {
    "out_of_sample": "By what a model says of rows it has not seen",
    "stages": "By watching a model while it is trained",
    "influence": "By what each row does to a model",
    "bags": "By models of random parts of the rows",
    "features": "By the features: neighbours, distances, order",
    "committees": "By several models or detectors",
}


class GivenClassifier(LogisticRegression):
    """Tells fits of the model that was given from those of a detector's own linear models."""


class GivenRegressor(Ridge):
    """As GivenClassifier."""


def paper(kind):
    """Authors, title, venue and year of the first reference in a docstring."""
    _, found, section = inspect.getdoc(kind).partition("References\n----------\n")
    first = " ".join(section.split("\n\n")[0].split())
    match = REFERENCE.match(first)
    if not found or match is None:
        raise ValueError(
            f"{kind.__name__}: the docstring's first reference must read "
            f"'Authors: \"Title\", venue, year', got {first[:80]!r}."
        )
    return f'{match["authors"]}: "{match["title"]}"{match["where"]}'


def noisy_data(task):
    """X, y: a tenth of the targets are plainly wrong."""
    if task == "classification":
        X, y = make_classification(
            N_ROWS, 5, n_informative=3, class_sep=2.0, flip_y=0.0, random_state=0
        )
    else:
        X, y = make_regression(N_ROWS, 5, noise=5.0, random_state=0)
    wrong = np.random.RandomState(0).choice(N_ROWS, N_ROWS // 10, replace=False)
    y[wrong] = 1 - y[wrong] if task == "classification" else y[wrong] + 1000
    return X, y


def row(name, kind):
    """One line of the table, as a list of cells."""
    if not kind._assumes:
        raise ValueError(f"{name} does not say what it assumes: set `_assumes` in its class.")
    task = "regression" if kind._task == "regression" else "classification"
    model = GivenRegressor() if task == "regression" else GivenClassifier(max_iter=200)
    detector = make_detector(kind, model, random_state=0)
    with warnings.catch_warnings(), effort_of(model) as effort:
        warnings.simplefilter("ignore")
        detector.fit(*noisy_data(task))
    asked = [*effort.asked, *(["own fits"] if effort.n_own else [])]
    if not set(asked) <= set(KINDS):
        raise ValueError(f"{name} asks for {asked}: say in KINDS of this script what that is.")
    fits = [str(effort.n_given)] if effort.n_given or not effort.n_other else []
    if effort.n_other:
        fits.append(f"{effort.n_other} of other models")
    return [
        f":class:`~sknoisy.detection.{name}`",
        {"both": "labels, numbers", "classification": "labels", "regression": "numbers"}[
            kind._task
        ],
        ", ".join(f"`{kind}`" for kind in KINDS if kind in asked) or "none",
        " + ".join(fits),
        ", ".join(f"`{name}`" for name in kind._takes) or "nothing",
        kind._assumes,
        paper(kind),
    ]


def as_rst(rows):
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 14 8 11 9 10 20 28", ""]
    for cells in [["Detector", "For", "Evidence", "Fits", "Takes", "Assumes", "Paper"], *rows]:
        lines += [f"   {'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(cells)]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    rooms = {room: [] for room in ROOMS}
    for name, kind in sorted(detector_classes().items()):
        rooms[kind.__module__.split(".")[2]].append(row(name, kind))
    kinds = ";\n  ".join(f"`{kind}`: {meaning}" for kind, meaning in KINDS.items())
    parts = [HEAD.format(n=N_ROWS, kinds=kinds)]
    for room, rows in rooms.items():
        title = f"{ROOMS[room]} (`detection/{room}/`)"
        parts.append(f"{title}\n{'-' * len(title)}\n\n{as_rst(rows)}")
    out.write_text("\n".join(parts), encoding="utf-8")
    print(f"{sum(map(len, rooms.values()))} detectors written to {out}")


if __name__ == "__main__":
    main()
