"""Methods that fit and clean in one, each where it is made for, and where nothing is wrong.

    python benchmarks/training.py [--data DIR] [--out FILE] [--summary FILE] [--quick]
        [--scenarios NAME ...] [--models NAME ...] [--methods NAME ...] [--all]
        [--seeds N] [--rows N]
    python benchmarks/training.py --page benchmarks/results/training.csv

A scenario is a kind of noise (`_scenarios.py`) put into open data; each is run with the noise and
without. A method is run in the scenarios that it is made for and in that of plainly wrong targets,
with `--all` in every one of its task. `--data` is a folder with `classification` and `regression`,
CSV files with a column `target`; without one, sets that come with scikit-learn.

Scores are in points, on clean rows. "gain" is the score over that of the plain model, with noise;
"won back" the sum of gains over that of "clean", which has been trained on what the scenario calls
clean rows; "without" the same gain where nothing is wrong, "worst" that of the worst set and model.
"cost" is the time of the method in plain fits. `--page` writes docs/which_training.rst from a
summary.
"""

from __future__ import annotations

import argparse
import inspect
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _runs import ROOT, Runs, timed
from _scenarios import SCENARIOS, datasets_of, make_case
from _table import show_and_save
from _training_methods import METHODS, PLAINLY_WRONG, is_there
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor

import sknoisy

PAGE = ROOT / "docs" / "which_training.rst"
KEYS = ["scenario", "noisy", "dataset", "seed", "model", "method"]
MODELS = {
    "classification": {
        "linear": LogisticRegression(max_iter=1000),
        "boosting": HistGradientBoostingClassifier(max_iter=40, random_state=0),
        "network": MLPClassifier((50,), max_iter=60, random_state=0),
    },
    "regression": {
        "linear": Ridge(),
        "boosting": HistGradientBoostingRegressor(max_iter=40, random_state=0),
        "network": MLPRegressor((50,), max_iter=200, random_state=0),
    },
}
ALWAYS = ("plain", "clean")


def jobs_of(scenario, options):
    """Names of the methods to be run in a scenario, the plain and the clean model first."""
    task = SCENARIOS[scenario].task
    names = [
        name
        for name, method in METHODS.items()
        if method.task == task
        and is_there(method)
        and (options.methods is None or name in options.methods)
        and (scenario in method.made_for or _is_asked_besides(method, scenario, options.all))
    ]
    return [*ALWAYS, *names]


def _is_asked_besides(method, scenario, everywhere):
    """Whether a method is to be run where it is not at home: if all it needs is there."""
    is_usual = everywhere or scenario == PLAINLY_WRONG[method.task]
    return is_usual and not method.needs


def run_method(name, model, case):
    """Score and seconds, or the error."""
    try:
        if name == "plain":
            fitted, seconds = timed(clone(model).fit, case.X, case.z)
        elif name == "clean":
            fitted, seconds = timed(clone(model).fit, case.X_clean, case.y_clean)
        else:
            method = METHODS[name]
            missing = set(method.needs.values()) - set(case.known)
            if missing:
                return {"error": f"needs {', '.join(missing)}"}
            told = {key: case.known[what] for key, what in method.needs.items()}
            fitted, seconds = timed(method.make(clone(model)).fit, case.X, case.z, **told)
    except (ValueError, TypeError, AttributeError, np.linalg.LinAlgError) as error:
        return {"error": repr(error)[:200]}
    return {"fitted": fitted, "seconds": seconds, "error": ""}


def run(options):
    cells = [
        (scenario, noisy, dataset, seed, model, method)
        for scenario in options.scenarios
        for dataset in datasets_of(SCENARIOS[scenario], options.data)
        for noisy in (True, False)
        for seed in range(options.seeds)
        for model in options.models
        for method in jobs_of(scenario, options)
    ]
    runs, cases = Runs(options.out, KEYS, len(cells)), {}
    for cell in cells:
        if runs.is_done(*cell):
            continue
        name, noisy, dataset, seed, model, method = cell
        scenario = SCENARIOS[name]
        at = (name, noisy, dataset, seed)
        if at not in cases:
            made = make_case(scenario, dataset, options.data, options.rows, seed, noisy=noisy)
            cases = {at: made}
        found = run_method(method, MODELS[scenario.task][model], cases[at])
        fitted = found.pop("fitted", None)
        score = np.nan if fitted is None else scenario.score(fitted, cases[at])
        runs.add(cell, [{"score": score, "seconds": found.get("seconds"), "error": found["error"]}])
    return runs.table()


def summary(table):
    """One row for each scenario, model and method."""
    index, rows = ["noisy", "dataset", "seed"], []
    for (scenario, model), part in table.groupby(["scenario", "model"], sort=False):
        score = part.pivot_table(index=index, columns="method", values="score")
        seconds = part.pivot_table(index=index, columns="method", values="seconds")
        for method in score.columns.drop(list(ALWAYS)):
            gain = (score[method] - score["plain"]).dropna()
            if not len(gain):
                continue
            row = {"scenario": scenario, "model": model, "method": method}
            for noisy, name in ((True, "gain"), (False, "without")):
                if noisy not in gain.index:
                    continue
                mine = gain.loc[noisy]
                row[name] = mine.mean()
                row[f"{name}, worst"] = mine.groupby("dataset").mean().min()
                if noisy:
                    lost = (score["clean"] - score["plain"]).loc[noisy][mine.index].sum()
                    row["won back"] = mine.sum() / lost if lost > 0 else np.nan
            row["cells"] = len(gain)
            row["cost"] = (seconds[method] / seconds["plain"])[gain.index].median()
            rows.append(row)
    columns = ["gain", "gain, worst", "won back", "without", "without, worst", "cells", "cost"]
    return pd.DataFrame(rows, columns=["scenario", "model", "method", *columns])


# --------------------------------------------------------------------------- the page

HEAD = """\
.. Written by benchmarks/training.py --page: do not edit.

Which training method when
==========================

Methods that fit and clean in one, where they are made for, beside the defaults. Start from what is
wrong with your rows; :doc:`training` says how to use each. If you do not know, take
:class:`~sknoisy.RobustClassifier` or :class:`~sknoisy.RobustRegressor`, which do
nothing where nothing is to be won.

- *Gain*: points over the plain model on clean rows, the mean over sets and seeds, and in brackets
  that of the worst set; then the share of what the noise costs that is won back. Of numbers, a
  point is a hundredth of the standard deviation, in root mean squared error.
- *Without*: the same gain where nothing is wrong, so that it is the harm.
- *Cost*: time in fits of the plain model, a median; a linear model on these rows is fitted in a few
  milliseconds.

What was run: {setup}. A method that is not in a table cannot do it, or was not run around that
model.
"""


def paper_of(kind):
    """Title of the first paper in a docstring, or nothing."""
    _, found, section = inspect.getdoc(kind).partition("References\n----------\n")
    quoted = " ".join(section.split()).split('"')
    return quoted[1] if found and len(quoted) > 2 else ""


def page(path, out=PAGE):
    """docs/which_training.rst from a summary."""
    table = pd.read_csv(path)
    setup = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    parts = [HEAD.format(setup=setup)]
    for name, scenario in SCENARIOS.items():
        mine = table[table["scenario"] == name]
        if not len(mine):
            continue
        title = name[0].upper() + name[1:]
        says = scenario.says[0].upper() + scenario.says[1:]
        line, sets = "-" * len(title), ", ".join(scenario.datasets)
        parts.append(f"{title}\n{line}\n\n{says}. Sets: {sets}.\n")
        parts.append(_as_rst(mine, scenario))
    kinds = {m.kind for m in METHODS.values() if m.kind}
    kinds = [kind for kind in kinds if kind.__module__.startswith("sknoisy.training")]
    papers = sorted((paper_of(kind), kind.__name__) for kind in kinds)
    lines = [f"- {_linked(kind)}: {title}" for title, kind in papers if title]
    parts.append("The papers\n----------\n\n" + "\n".join(lines) + "\n")
    out.write_text("\n".join(parts), encoding="utf-8")
    print(f"written: {out}")


def _linked(kind):
    return f":class:`~{_PLACES.get(kind, 'sknoisy')}.{kind}`"


_PLACES = {
    m.kind.__name__: ".".join(p for p in m.kind.__module__.split(".") if not p.startswith("_"))
    for m in METHODS.values()
    if m.kind and not hasattr(sknoisy, m.kind.__name__)
}


def _named(name):
    method = METHODS.get(name)
    if method is None or method.kind is None:
        return name
    rest = name.removeprefix(method.kind.__name__).lstrip(", ")
    return _linked(method.kind.__name__) + (f", {rest}" if rest else "")


def _as_rst(table, scenario):
    """Best first by the first model; a column of gain and one of harm for each model."""
    has_noise = table["gain"].notna().any() and scenario.says.find("nothing is wrong") < 0
    models = [model for model in MODELS[scenario.task] if model in set(table["model"])]
    of = {model: table[table["model"] == model].set_index("method") for model in models}
    by = "gain" if has_noise else "without"
    first = pd.concat([of[model][by] for model in models]).groupby(level=0, sort=False).first()
    names = first.sort_values(ascending=False, kind="stable").index
    head, widths = ["Method"], [34]
    for model in models:
        head += [f"Gain, {model}"] * has_noise + [f"Without, {model}"]
        widths += [22] * has_noise + [18]
    head.append("Cost")
    widths.append(10)
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        f"   :widths: {' '.join(map(str, widths))}",
        "",
    ]
    body = [_cells(name, of, has_noise) for name in names]
    for cells in [head, *body]:
        lines += [f"   {'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(cells)]
    return "\n".join(lines) + "\n"


def _cells(name, of, has_noise):
    cells, costs = [_named(name)], []
    for table in of.values():
        row = table.loc[name] if name in table.index else None
        if has_noise:
            cells.append(_pair(row, "gain", "won back"))
        cells.append(_pair(row, "without"))
        if row is not None:
            costs.append(f"{row['cost']:.0f}" if row["cost"] >= 10 else f"{row['cost']:.1f}")
    return [*cells, ", ".join(costs)]


def _pair(row, name, share=None):
    if row is None or np.isnan(row[name]):
        return ""
    text = f"{row[name]:+.1f} ({row[f'{name}, worst']:+.1f})"
    known = share is not None and not np.isnan(row[share])
    return f"{text}; {row[share]:.2f}" if known else text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None, help="folder of the two folders")
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=SCENARIOS)
    parser.add_argument("--models", nargs="+", default=["linear", "boosting"])
    parser.add_argument("--methods", nargs="+", default=None, choices=METHODS)
    parser.add_argument("--all", action="store_true", help="every method in every scenario")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000, help="training rows at most")
    parser.add_argument("--out", default="training.csv", help="CSV file of all cells, resumed")
    parser.add_argument("--summary", type=Path, default=None, help="CSV file of the summary")
    parser.add_argument("--page", type=Path, default=None, help="summary to write the page from")
    parser.add_argument("--page-out", type=Path, default=PAGE, help="where to write it")
    parser.add_argument("--quick", action="store_true", help="one seed, linear models, 300 rows")
    options = parser.parse_args()
    if options.page is not None:
        page(options.page, options.page_out)
        return
    if options.quick:
        options.seeds, options.models, options.rows = 1, ["linear"], 300
    usual = ROOT.parent / "shared" / "data"
    if options.data is None and usual.is_dir():
        options.data = usual
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = summary(run(options))
    show_and_save(rows.to_dict("records"), options.summary, "Gain over plain, and without noise")
    if options.summary is not None:
        setup = (
            f"{' and '.join(options.models)} models, {options.rows} rows at most, "
            f"{options.seeds} seed{'s' * (options.seeds > 1)}"
        )
        options.summary.with_suffix(".json").write_text(json.dumps(setup) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
