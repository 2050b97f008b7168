"""What noise does to groups: fairness of plain and treated models, and whom a filter takes out.

    python benchmarks/fairness.py [--data DIR] [--out FILE] [--summary FILE] [--quick]
        [--datasets NAME ...] [--noises NAME ...] [--models NAME ...] [--methods NAME ...]
        [--levels L ...] [--seeds N] [--rows N]

After A. Barry, L. Han, G. Demartini, "On the Impact of Data Quality on Image Classification
Fairness", SIGIR 2023: graded noise in the labels or the features of the training rows, and accuracy
and fairness on clean rows. Images and networks there, tables with a group column here.

Noise, at each level: "label" flips labels of all groups, "label, smallest" of the smallest one
only; "overlooked" takes the favourable label from rows of the smallest group; "feature" adds normal
noise to the columns of all rows.

Gaps are the largest differences between groups: in accuracy, in the share that is answered with the
favourable label ("parity"), in the share of the favourable rows that is found ("opportunity"), and
the larger one of that and of its like for unfavourable rows ("odds"). "flagged right, smallest" is
the share of the smallest group's right rows that the treatment holds wrong, and "largest" that of
the largest group.

`--data` is a folder of CSV files; without it, only the made set is there. The group column stays a
feature. Where fairlearn is installed, its metrics are compared with those here.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings
from itertools import product

import numpy as np
import pandas as pd
from _runs import Runs, data_folder, table_to_numbers, tables_in, train_test_rows
from _table import show_and_save
from recovery import MODELS
from sklearn.base import clone
from sklearn.datasets import make_classification

from sknoisy import FilterClassifier
from sknoisy.datasets import group_noise
from sknoisy.metrics import group_fairness_report, noise_fairness_curve
from sknoisy.robust import RobustClassifier

KEYS = ["dataset", "seed", "noise", "model"]
# the group column of each set, and its favourable label
SETS = {
    "adult": ("sex", ">50K"),
    "law_school": ("race", 1.0),
    "credit_default": ("SEX", 0),
    "german_credit": ("personal_status", "good"),
}
NOISES = ("label", "label, smallest", "overlooked", "feature")
METHODS = {
    "plain": lambda model: clone(model),
    "FilterClassifier": lambda model: FilterClassifier(clone(model), random_state=0),
    "RobustClassifier": lambda model: RobustClassifier(clone(model), random_state=0),
}
GAPS = {
    "accuracy_gap": "accuracy",
    "statistical_parity_difference": "parity",
    "equal_opportunity_difference": "opportunity",
    "equalized_odds_difference": "odds",
}
PEERS = {
    "statistical_parity_difference": "demographic_parity_difference",
    "equal_opportunity_difference": "equal_opportunity_difference",
    "equalized_odds_difference": "equalized_odds_difference",
}


# --------------------------------------------------------------------------- data


def made(n_rows, seed):
    """Two groups; in the small one, a fifth of the rows, y follows other rules."""
    X, y = make_classification(n_rows, 8, n_informative=5, flip_y=0.05, random_state=seed)
    small = np.random.default_rng(seed).random(n_rows) < 0.2
    X[small, 0] *= -1
    X = np.column_stack([X, small])
    return X, y, np.where(small, "small", "large"), 1


def load(name, folder, n_rows, seed):
    """X as numbers, y, groups, the favourable label."""
    if name == "made":
        return made(n_rows, seed)
    column, favourable = SETS[name]
    table = pd.read_csv(tables_in(folder)[name]).dropna(subset=[column])
    rows, _ = train_test_rows(len(table), n_rows, 0, seed)
    table = table.iloc[rows]
    X, _ = table_to_numbers(table.drop(columns="target"), table.drop(columns="target")[:1])
    return X, table["target"].to_numpy(), table[column].astype(str).to_numpy(), favourable


def by_size(groups):
    """Names of the groups, the smallest first."""
    return list(pd.Series(groups).value_counts(ascending=True).index)


# --------------------------------------------------------------------------- one cell


def noise_of(name, groups, favourable):
    """What `noise_fairness_curve` needs to make this noise."""
    smallest = by_size(groups)[0]
    if name == "overlooked":

        def overlooked(X, y, groups, level, random_state):
            return X, *group_noise(
                y, groups, {smallest: level}, source=favourable, random_state=random_state
            )

        return {"noise": overlooked}
    if name == "label, smallest":
        return {"noise": "label", "noisy_groups": [smallest]}
    return {"noise": name}


def run_cell(data, noise, model, levels, methods, seed):
    """One row of results for each method, level and fold; columns are the same for all data."""
    X, y, groups, favourable = data
    curve = noise_fairness_curve(
        {name: METHODS[name](model) for name in methods},
        X,
        y,
        groups,
        levels,
        **noise_of(noise, groups, favourable),
        pos_label=favourable,
        random_state=seed,
    )
    order = by_size(groups)
    for place, group in (("smallest", order[0]), ("largest", order[-1])):
        for what in ("flagged", "flagged_right"):
            curve[f"{what}, {place}"] = curve[f"{what}, {group}"]
    of_groups = [f"{what}, {g}" for what in ("flagged", "flagged_right") for g in order]
    return curve.drop(columns=of_groups).to_dict("records")


# --------------------------------------------------------------------------- what is shown


def summary(table):
    """A row for each noise, method and level: means over data, models, seeds and folds."""
    rows = []
    for (noise, method, level), part in table.groupby(["noise", "estimator", "level"], sort=False):
        rows.append(
            {
                "noise": noise,
                "method": method,
                "level": level,
                "accuracy": 100 * part["accuracy"].mean(),
                "worst group": 100 * part["worst_group"].mean(),
                **{f"gap, {name}": 100 * part[gap].mean() for gap, name in GAPS.items()},
                "flagged": part["flagged"].mean(),
                "flagged right, smallest": part["flagged_right, smallest"].mean(),
                "flagged right, largest": part["flagged_right, largest"].mean(),
            }
        )
    return rows


def trends(table):
    """How much wider each gap of the plain model is at the highest level, and in how many cells."""
    cells = ["dataset", "seed", "noise", "model", "level"]
    plain = table[table["estimator"] == "plain"].groupby(cells)[[*GAPS, "accuracy"]].mean()
    levels = plain.index.unique("level")
    wider = 100 * (plain.xs(levels.max(), level="level") - plain.xs(levels.min(), level="level"))
    rows = []
    for noise, part in wider.groupby("noise", sort=False):
        row = {"noise": noise, "cells": len(part), "accuracy": part["accuracy"].mean()}
        for gap, name in GAPS.items():
            row[f"gap, {name}"] = part[gap].mean()
            row[f"wider, {name}"] = int((part[gap] > 0).sum())
        rows.append(row)
    return rows


def against_plain(table):
    """Gains over plain in points, by noise: of accuracy, the worst group's, and narrower gaps."""
    cells = ["dataset", "seed", "noise", "model", "level", "fold"]
    wide = table.set_index([*cells, "estimator"])[["accuracy", "worst_group", *GAPS]]
    wide = wide.unstack("estimator")
    rows = []
    for method in [m for m in METHODS if m in set(table["estimator"]) - {"plain"}]:
        for noise in table["noise"].unique():
            part = wide.xs(noise, level="noise")
            for what, there in (("with", True), ("without", False)):
                some = part[(part.index.get_level_values("level") > 0) == there]
                gain = {
                    m: 100 * (some[m][method] - some[m]["plain"]).mean()
                    for m in ("accuracy", "worst_group", *GAPS)
                }
                line = {"method": method, "noise": noise, "level > 0": what}
                line |= {"accuracy": gain["accuracy"], "worst group": gain["worst_group"]}
                rows.append(line | {f"narrower, {n}": -gain[gap] for gap, n in GAPS.items()})
    return rows


def compare_with_fairlearn(data, model):
    """Our metrics next to fairlearn's, on one model's answers."""
    if not importlib.util.find_spec("fairlearn"):
        print("fairlearn is not installed: not compared")
        return
    from fairlearn import metrics as peers

    X, y, groups, favourable = data
    y = (y == favourable).astype(int)
    half = len(y) // 2
    predicted = clone(model).fit(X[:half], y[:half]).predict(X[half:])
    ours = group_fairness_report(y[half:], predicted, groups=groups[half:], pos_label=1)
    rows = []
    for name, peer in PEERS.items():
        theirs = getattr(peers, peer)(y[half:], predicted, sensitive_features=groups[half:])
        rows.append({"metric": name, "sknoisy": ours[name], "fairlearn": theirs})
    show_and_save(rows, title="The same metrics of fairlearn")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of CSV files with a column target")
    parser.add_argument("--datasets", nargs="+", default=None, choices=["made", *SETS])
    parser.add_argument("--noises", nargs="+", default=list(NOISES), choices=NOISES)
    parser.add_argument("--models", nargs="+", default=None, choices=list(MODELS))
    parser.add_argument("--methods", nargs="+", default=None, choices=list(METHODS))
    parser.add_argument("--levels", nargs="+", type=float, default=[0, 0.1, 0.2, 0.3, 0.4])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--out", default="fairness.csv", help="CSV file of all cells")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the summary")
    parser.add_argument("--quick", action="store_true", help="made data, few and small cells")
    options = parser.parse_args()
    folder = data_folder(options.data, "classification")
    names = ["made", *(name for name in SETS if folder and name in tables_in(folder))]
    if options.quick:
        names, options.seeds, options.rows = ["made"], 1, min(options.rows, 300)
        options.levels = [0.0, 0.3]
        options.models = options.models or ["logistic"]
        options.methods = options.methods or ["FilterClassifier"]
    names = options.datasets or names
    options.models = options.models or ["logistic", "tree", "boosting"]
    methods = [m for m in METHODS if m == "plain" or m in (options.methods or METHODS)]
    levels = sorted({0.0, *options.levels})
    warnings.simplefilter("ignore")
    grid = list(product(names, range(options.seeds), options.noises, options.models))
    runs = Runs(options.out, KEYS, len(grid))
    for cell in grid:
        if not runs.is_done(*cell):
            name, seed, noise, model = cell
            data = load(name, folder, options.rows, seed)
            runs.add(cell, run_cell(data, noise, MODELS[model], levels, methods, seed))
    table = runs.table()
    show_and_save(trends(table), title="Plain, highest level less none, in points")
    if len(methods) > 1:
        show_and_save(against_plain(table), title="Over plain, in points")
    show_and_save(summary(table), options.summary, "All (gaps in points)")
    compare_with_fairlearn(load(names[0], folder, options.rows, 0), MODELS[options.models[0]])


if __name__ == "__main__":
    main()
