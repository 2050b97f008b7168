"""Rows from several sources whose answers conflict: who answers like the right one.

    python benchmarks/sources.py [--data DIR] [--out FILE] [--summary FILE] [--quick] [--seeds N]
        [--datasets NAME ...] [--models NAME ...] [--methods NAME ...] [--rows N] [--size N]

`--data` is a folder with `regression/` and `classification/` of clean sets, and to these come
"made, numbers" (linear) and "made, labels". Training rows are dealt to batches of `--size` rows.
The batches of the first source are genuine; the others have wrong answers, most of them in accord:

- "none": all batches are genuine;
- "third" and "half": that share of the batches has y mirrored at its mean, or each label taken for
  the next one;
- "two thirds" (numbers only): a third genuine, a third mirrored, and a third in the reversed
  order, on another scale;
- "anything" (numbers only): a third genuine, and each other batch has its numbers shuffled.

Every method is told the batches where it can use them. "trusted" ones are told five genuine rows,
too. "plain" is the model on all rows, "genuine" on the genuine batches alone. "gain" is the score
(accuracy or R2 on right targets of new rows) over that of "plain" in points, and "won back" the
gain over that of "genuine", where conflicts cost the model a point at least. R2 below -1 counts as
-1. "cost" is the time of a method in fits of the model.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from _runs import Runs, data_folder, table_to_numbers, tables_in, timed, train_test_rows
from _table import show_and_save
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import HuberRegressor, LogisticRegression, RANSACRegressor, Ridge

from sknoisy.robust import RobustClassifier, RobustRegressor
from sknoisy.training.sources import (
    ListDecodableRegressor,
    SubjectiveLearningClassifier,
    SubjectiveLearningRegressor,
)

KEYS = ["dataset", "conflict", "seed", "model"]
N_TEST = 2_000
N_TRUSTED = 5
COSTS = 0.01  # what conflicts must cost before a share of it means anything
MODELS = {
    "classification": {
        "linear": LogisticRegression(max_iter=1000),
        "boosting": HistGradientBoostingClassifier(max_iter=30, max_features=0.5, random_state=0),
    },
    "regression": {
        "linear": Ridge(),
        "boosting": HistGradientBoostingRegressor(max_iter=30, max_features=0.5, random_state=0),
    },
}
CONFLICTS = {
    "classification": ["none", "third", "half"],
    "regression": ["none", "third", "half", "two thirds", "anything"],
}
SHARES = {  # of the batches, by source, the genuine one first
    "none": (1.0,),
    "third": (2 / 3, 1 / 3),
    "half": (1 / 2, 1 / 2),
    "two thirds": (1 / 3, 1 / 3, 1 / 3),
    "anything": (1 / 3, 2 / 3),
}
MADE = {"made, numbers": "regression", "made, labels": "classification"}


# --------------------------------------------------------------------------- data


def load(name, path, task, n_rows, seed):
    """X, y, X_test, y_test, as numbers; labels are 0, 1, ..."""
    if path is not None:
        table = pd.read_csv(path)
        y = table.pop("target")
        train, test = train_test_rows(len(y), n_rows, N_TEST, seed)
        X, X_test = table_to_numbers(table.iloc[train], table.iloc[test])
        y = y.to_numpy(float) if task == "regression" else pd.factorize(y, sort=True)[0]
        return X, y[train], X_test, y[test]
    n = n_rows + N_TEST
    if task == "regression":
        X, y = make_regression(n, 10, n_informative=10, noise=20.0, random_state=seed)
    else:
        X, y = make_classification(
            n, 12, n_informative=8, n_classes=4, n_clusters_per_class=1, random_state=seed
        )
    return X[:n_rows], y[:n_rows], X[n_rows:], y[n_rows:]


def with_conflict(y, task, conflict, size, seed):
    """Targets, batches, and the rows of genuine batches."""
    rng = np.random.default_rng(seed)
    batch = rng.permutation(len(y)) // size
    n_batches = batch.max() + 1
    bounds = np.round(np.cumsum(SHARES[conflict]) * n_batches)
    source = np.searchsorted(bounds, np.arange(n_batches), side="right")
    source = np.minimum(source, len(bounds) - 1)[batch]
    z = y.copy()
    if task == "classification":
        z = (y + source) % (y.max() + 1)
    elif conflict == "anything":
        for number in np.unique(batch[source == 1]):
            rows = np.flatnonzero(batch == number)
            z[rows] = y[rng.permutation(len(y))[: len(rows)]]
    else:
        z = np.where(source == 1, 2 * y.mean() - y, z)
        rank = np.argsort(np.argsort(y, kind="stable"), kind="stable") / len(y)
        z = np.where(source == 2, y.mean() + 2 * y.std() * (1 - 3 * rank**2), z)
    return z, batch, source == 0


# --------------------------------------------------------------------------- the methods


def alone(make):
    return lambda m, X, z, batch, trusted: make(m).fit(X, z)


def grouped(make):
    return lambda m, X, z, batch, trusted: make(m).fit(X, z, groups=batch)


def trusting(make):
    return lambda m, X, z, batch, trusted: make(m).fit(X, z, groups=batch, trusted=trusted)


SEED = {"random_state": 0}
LEARNT = {"n_init": 2, **SEED}
CLASSIFIERS = {
    "RobustClassifier": trusting(lambda m: RobustClassifier(m, **SEED)),
    "SubjectiveLearning": grouped(lambda m: SubjectiveLearningClassifier(m, **LEARNT)),
    "SubjectiveLearning, trusted": trusting(lambda m: SubjectiveLearningClassifier(m, **LEARNT)),
}
REGRESSORS = {
    "Huber": alone(lambda m: HuberRegressor(max_iter=1000)),
    "RANSAC": alone(lambda m: RANSACRegressor(m, min_samples=0.3, max_trials=30, **SEED)),
    "RobustRegressor": trusting(lambda m: RobustRegressor(m, **SEED)),
    "SubjectiveLearning": grouped(lambda m: SubjectiveLearningRegressor(m, **LEARNT)),
    "SubjectiveLearning, trusted": trusting(lambda m: SubjectiveLearningRegressor(m, **LEARNT)),
    "ListDecodable": grouped(lambda m: ListDecodableRegressor(m, **SEED)),
    "ListDecodable, trusted": trusting(lambda m: ListDecodableRegressor(m, **SEED)),
}


def run_cell(task, model, data, conflict, size, seed, methods):
    """One row of results for each method."""
    X, y, X_test, y_test = data
    z, batch, genuine = with_conflict(y, task, conflict, size, seed)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(np.flatnonzero(genuine), N_TRUSTED, replace=False)
    trusted = np.isin(np.arange(len(y)), chosen)
    jobs = {
        "plain": lambda: clone(model).fit(X, z),
        "genuine": lambda: clone(model).fit(X[genuine], y[genuine]),
    }
    for name, fit in (CLASSIFIERS if task == "classification" else REGRESSORS).items():
        jobs[name] = lambda fit=fit: fit(clone(model), X, z, batch, trusted)
    rows = []
    for method, job in jobs.items():
        if methods and method not in (*methods, "plain", "genuine"):
            continue
        score = seconds = found = np.nan
        error = ""
        try:
            fitted, seconds = timed(job)
            score = max(fitted.score(X_test, y_test), -1.0)
            if hasattr(fitted, "noise_mask_"):
                found = np.mean(fitted.noise_mask_ == ~genuine)
        except (ValueError, TypeError) as caught:  # one that cannot do it is no reason to stop
            error = repr(caught)[:200]
        row = {"task": task, "method": method, "score": score, "rows told right": found}
        rows.append(row | {"seconds": seconds, "error": error})
    return rows


# --------------------------------------------------------------------------- what is shown


def summary(table):
    """One row for each task, model, conflict and method."""
    index, rows = ["task", "model", "conflict", "dataset", "seed"], []
    cells = table.pivot_table(index=index, columns="method", values="score", dropna=False)
    cells = cells[cells["plain"].notna()]
    right = table.pivot_table(index=index, columns="method", values="rows told right", dropna=False)
    time = table.pivot_table(index=index, columns="method", values="seconds", dropna=False)
    for (task, model, conflict), part in cells.groupby(level=["task", "model", "conflict"]):
        lost = part["genuine"] - part["plain"]
        for method in table["method"].drop_duplicates():
            if method == "plain" or part[method].isna().all():
                continue
            gain = (part[method] - part["plain"]).dropna()
            costs = lost[gain.index] >= COSTS
            of = right.loc[gain.index, method].mean() if method in right else np.nan
            rows.append(
                {
                    "task": task,
                    "model": model,
                    "conflict": conflict,
                    "method": method,
                    "cells": len(gain),
                    "plain": 100 * part["plain"].mean(),
                    "gain, points": 100 * gain.mean(),
                    "worst, points": 100 * gain.min(),
                    "won back": gain[costs].sum() / lost[gain.index][costs].sum()
                    if costs.any()
                    else np.nan,
                    "rows told right": of,
                    "cost": (time[method] / time["plain"])[gain.index].median(),
                }
            )
    return rows


def data_sets(given):
    """name -> (task, path or None)."""
    found = {}
    for task in CONFLICTS:
        folder = data_folder(given, task)
        if folder is not None:
            found |= {name: (task, path) for name, path in tables_in(folder).items()}
    return found | {name: (task, None) for name, task in MADE.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of regression/ and classification/")
    parser.add_argument("--datasets", nargs="+", default=None, help="also of the made ones")
    parser.add_argument("--models", nargs="+", default=["linear", "boosting"])
    parser.add_argument("--methods", nargs="+", default=None, help="default: all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_500, help="training rows at most")
    parser.add_argument("--size", type=int, default=15, help="rows of a batch")
    parser.add_argument("--out", default="sources.csv", help="CSV file of all cells")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the summary")
    parser.add_argument("--quick", action="store_true", help="one seed, linear models, 600 rows")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.models = 1, ["linear"]
        options.rows = min(options.rows, 600)
    sets = data_sets(options.data)
    names = options.datasets or list(sets)
    n_cells = sum(len(CONFLICTS[sets[name][0]]) for name in names)
    runs = Runs(options.out, KEYS, n_cells * options.seeds * len(options.models))
    warnings.simplefilter("ignore")
    for name in names:
        task, path = sets[name]
        for seed in range(options.seeds):
            data = load(name, path, task, options.rows, seed)
            for conflict in CONFLICTS[task]:
                for model in options.models:
                    if runs.is_done(name, conflict, seed, model):
                        continue
                    how = (conflict, options.size, seed, options.methods)
                    rows = run_cell(task, MODELS[task][model], data, *how)
                    runs.add((name, conflict, seed, model), rows)
    table = runs.table()
    wrong = table[table["error"].notna()]
    if len(wrong):
        show_and_save(wrong[[*KEYS, "method", "error"]].to_dict("records"), None, "Errors")
    show_and_save(summary(table), options.summary, "Over plain")


if __name__ == "__main__":
    main()
