"""How much of what wrong targets cost a regressor is won back, and what that takes.

    python benchmarks/recovery_regression.py --out FILE.csv [--data DIR] [--quick]

Noise of known place is put into the training targets only; test targets stay clean. Every
contender fits the same rows. Each cell (data set, noise, base model, contender, seed) is appended
to the CSV file as soon as it is done, and a run that is started again skips what the file has.

`clean` is the base model on the targets before the noise, `plain` on the noisy ones, `oracle`
without exactly the wrong rows. The share won back is (plain - contender) / (plain - clean), with
root mean squared errors over the standard deviation of the test targets, summed over data sets and
seeds before dividing. `huber` is a linear model of its own, whatever the base model; RANSAC wraps
the base model, on random halves of the rows.

Data: every CSV file of DIR with a column `target`; without DIR, ../shared/data/regression next to
the project if it is there, else scikit-learn's diabetes data and openml's (with --openml).
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import sys
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from _runs import data_folder, tables_in
from _table import show_and_save
from sklearn.base import clone
from sklearn.datasets import fetch_openml, load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import HuberRegressor, RANSACRegressor, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sknoisy import FilterRegressor
from sknoisy.datasets import (
    decimal_noise,
    heavy_tail_noise,
    one_sided_noise,
    outlier_noise,
    shuffle_noise,
)
from sknoisy.metrics import average_precision, calibration_error, recovered_share
from sknoisy.robust import RobustRegressor

OPENML = {"abalone": 183, "kin8nm": 189, "cpu_act": 197, "wine_quality": 287}
NOISES = {
    "none": None,
    "shuffle": shuffle_noise,
    "outlier": outlier_noise,
    "decimal": decimal_noise,
    "one_sided": one_sided_noise,
    "heavy": heavy_tail_noise,
}
MODELS = {
    "ridge": make_pipeline(StandardScaler(), Ridge()),
    "boosting": HistGradientBoostingRegressor(random_state=0),
    "forest": RandomForestRegressor(100, random_state=0),
    "tree": DecisionTreeRegressor(min_samples_leaf=5, random_state=0),
    "knn": make_pipeline(StandardScaler(), KNeighborsRegressor()),
}
FIELDS = ["data", "noise", "model", "who", "seed", "n_train", "rmse", "seconds", "ap", "ece", "did"]
CELL = FIELDS[:5]
DEFAULTS = [  # option, usual value, with --quick
    ("rows", 3000, 400),
    ("seeds", 3, 1),
    ("models", list(MODELS), ["ridge", "tree"]),
    ("noises", list(NOISES), ["none", "shuffle", "decimal"]),
]


# --------------------------------------------------------------------------- contenders


def cleanlab(model, X, y, seed):
    from cleanlab.regression.learn import CleanLearning

    found = CleanLearning(clone(model), seed=seed, verbose=False).fit(X, y)
    return found, 1 - found.get_label_issues()["label_quality"].to_numpy(), None, ""


def filtered(model, X, y, seed):
    found = FilterRegressor(clone(model), random_state=seed).fit(X, y)
    return found, found.detector_.noise_score_, found.noise_proba_, "filter"


def robust(model, X, y, seed, effort="balanced"):
    found = RobustRegressor(clone(model), effort=effort, random_state=seed).fit(X, y)
    return found, found.detector_.noise_score_, found.noise_proba_, found.treatment_


def alone(make):
    def fit(model, X, y, seed):
        return make(model, seed).fit(X, y), None, None, ""

    return fit


CONTENDERS = {
    "plain": alone(lambda model, seed: clone(model)),
    "huber": alone(
        lambda model, seed: make_pipeline(StandardScaler(), HuberRegressor(max_iter=1000))
    ),
    "ransac": alone(
        lambda model, seed: RANSACRegressor(clone(model), min_samples=0.5, random_state=seed)
    ),
    "FilterRegressor": filtered,
    "RobustRegressor fast": lambda *args: robust(*args, effort="fast"),
    "RobustRegressor": robust,
    "RobustRegressor thorough": lambda *args: robust(*args, effort="thorough"),
    "cleanlab": cleanlab,
}
ALWAYS = ("clean", "plain", "oracle")
DEFAULT = ("huber", "ransac", "FilterRegressor", "RobustRegressor", "cleanlab")


# --------------------------------------------------------------------------- data


def data_sets(folder, openml):
    """name -> function that loads (X, y)."""
    folder = data_folder(folder, "regression")
    if folder is not None:
        paths = tables_in(folder)
        return {name: lambda path=path: read(pd.read_csv(path)) for name, path in paths.items()}
    found = {"diabetes": lambda: load_diabetes(return_X_y=True)}
    if openml:
        for name, number in OPENML.items():
            found[name] = lambda number=number: read_openml(number)
    return found


def read(table, target="target"):
    y = table.pop(target).to_numpy(dtype=float)
    X = pd.get_dummies(table, dtype=float)
    return X.fillna(X.median()).to_numpy(), y


def read_openml(number):
    bunch = fetch_openml(data_id=number, as_frame=True)
    return read(bunch.data.assign(target=bunch.target.astype(float)))


def split(X, y, seed, n_rows):
    order = np.random.default_rng(seed).permutation(len(y))
    n = min(n_rows, int(0.6 * len(y)))
    train, test = order[:n], order[n : n + 3000]
    return X[train], y[train], X[test], y[test]


# --------------------------------------------------------------------------- cells


def run_cell(who, model, rows, noise, rate, seed):
    X, y_clean, X_test, y_test = rows
    y, wrong = y_clean, np.zeros(len(y_clean), dtype=bool)
    if noise is not None:
        y, wrong = noise(y_clean, rate=rate, random_state=seed)
    start = time.perf_counter()
    score = proba = None
    did = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if who == "clean":
            fitted = clone(model).fit(X, y_clean)
        elif who == "oracle":
            fitted = clone(model).fit(X[~wrong], y[~wrong])
        else:
            fitted, score, proba, did = CONTENDERS[who](model, X, y, seed)
        seconds = time.perf_counter() - start
        error = np.sqrt(np.mean((fitted.predict(X_test) - y_test) ** 2)) / y_test.std()
    some = wrong.any() and not wrong.all()
    return {
        "n_train": len(y),
        "rmse": round(float(error), 5),
        "seconds": round(seconds, 3),
        "ap": "" if score is None or not some else round(average_precision(wrong, score), 4),
        "ece": "" if proba is None else round(calibration_error(wrong, proba), 4),
        "did": did,
    }


def done_cells(out):
    if not out.exists():
        return set()
    with out.open(newline="") as file:
        return {tuple(row[name] for name in CELL) for row in csv.DictReader(file)}


def run(options, sets, contenders):
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    done = done_cells(out)
    cells = list(product(sets, range(options.seeds), options.noises, options.models, contenders))
    loaded = {}
    start = time.perf_counter()
    with out.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if file.tell() == 0:
            writer.writeheader()
        for i, (data, seed, noise, model, who) in enumerate(cells):
            cell = (data, noise, model, who, str(seed))
            if cell in done:
                continue
            if (data, seed) not in loaded:
                loaded = {(data, seed): split(*sets[data](), seed, options.rows)}
            rows = loaded[data, seed]
            result = run_cell(who, MODELS[model], rows, NOISES[noise], options.rate, seed)
            writer.writerow(dict(zip(CELL, cell, strict=True)) | result)
            file.flush()
            passed = time.perf_counter() - start
            print(f"[{i + 1}/{len(cells)}, {passed:.0f} s] {' '.join(cell)}: {result['rmse']}")


# --------------------------------------------------------------------------- summary


def summary(table):
    """One line per contender and noise."""
    key = ["data", "noise", "model", "seed"]
    of = {who: part.set_index(key) for who, part in table.groupby("who")}
    if not set(ALWAYS) <= set(of):
        sys.exit(f"The file lacks one of {', '.join(ALWAYS)}: nothing to compare with.")
    lines = []
    for who, part in of.items():
        if who in ("clean", "plain"):
            continue
        both = part.join(of["clean"]["rmse"].rename("clean")).join(
            of["plain"][["rmse", "seconds"]].add_prefix("plain_")
        )
        for noise, cells in both.dropna(subset=["clean", "plain_rmse"]).groupby("noise"):
            line = {"who": who, "noise": noise, "cells": len(cells)}
            clean, plain, treated = cells[["clean", "plain_rmse", "rmse"]].sum()
            if noise == "none":
                change = 100 * (cells["rmse"] / cells["plain_rmse"] - 1)
                line |= {"harm_%": change.mean(), "worst_harm_%": change.max()}
            else:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    won = recovered_share(clean, plain, treated, greater_is_better=False)
                line |= {"won_back": won}
            line |= {"ap": cells["ap"].mean(), "ece": cells["ece"].mean()}
            line["times_plain_fit"] = (cells["seconds"] / cells["plain_seconds"]).median()
            lines.append(line)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of CSV files with a column `target`")
    parser.add_argument("--openml", action="store_true", help="load data from openml.org")
    parser.add_argument("--sets", nargs="+", default=None, help="only these data sets")
    parser.add_argument("--noises", nargs="+", default=None, choices=list(NOISES))
    parser.add_argument("--models", nargs="+", default=None, choices=list(MODELS))
    parser.add_argument("--who", nargs="+", default=list(DEFAULT), choices=list(CONTENDERS))
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--rows", type=int, default=None, help="training rows, at most (3000)")
    parser.add_argument("--seeds", type=int, default=None, help="number of seeds (3)")
    parser.add_argument("--quick", action="store_true", help="400 rows, one seed, ridge and tree")
    parser.add_argument("--out", default="recovery_regression.csv", help="CSV file, resumed")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the summary")
    options = parser.parse_args()
    for name, usual, quick in DEFAULTS:
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
    contenders = [*ALWAYS, *(who for who in options.who if who not in ALWAYS)]
    if "cleanlab" in contenders and importlib.util.find_spec("cleanlab") is None:
        print("cleanlab is not installed: measured without it (pip install 'sknoisy[bench]')")
        contenders.remove("cleanlab")
    sets = data_sets(options.data, options.openml)
    unknown = set(options.sets or []) - set(sets)
    if unknown:
        sys.exit(f"No such data set: {', '.join(sorted(unknown))}; there are {', '.join(sets)}.")
    sets = {name: sets[name] for name in options.sets or sets}
    run(options, sets, contenders)
    lines = summary(pd.read_csv(options.out))
    show_and_save(lines, options.summary, "Share of lost RMSE won back; harm without noise")


if __name__ == "__main__":
    main()
