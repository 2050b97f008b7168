"""The design space of cleaning: noise x detector x base model x data, found and put to use.

    python benchmarks/design_space.py [--data DIR] [--out FILE] [--summary FILE] [--quick]
        [--datasets NAME ...] [--noises NAME ...] [--models NAME ...] [--detectors NAME ...]
        [--rate R] [--seeds N] [--rows N]

After M. Goswami, V. Sanil, A. Choudhry, A. Srinivasan, C. Udompanyawit, A. Dubrawski, "AQuA: A
Benchmarking Tool for Label Quality Assessment", NeurIPS Datasets and Benchmarks 2023. Its kinds of
noise are all here; it has networks for texts, images and series, and here are tables.

Every public detector, with default settings around each base model, sees the same noisy rows.

- Detection: average precision and AUROC of the score, F1 of the flagged rows.
- Downstream: balanced accuracy on clean rows of the base model, trained without the flagged rows.
  "gain" is that over the noisy labels, in points; "clean" was trained on clean labels, "oracle"
  without exactly the wrong rows. Without noise the gain is minus the "harm".

The ranks are over all cells (a data set, a noise and a model, mean over seeds), 1 is best, ties
share. Two detectors differ at the 5 % level if their mean ranks are farther apart than the critical
difference (Nemenyi); cells of one data set are not independent, so that it is rather too small.

A run that was stopped goes on where it was, and one with new detectors adds them.
"""

from __future__ import annotations

import argparse
import warnings
from itertools import product

import numpy as np
import pandas as pd
from _detectors import detector_classes, make_detector
from _runs import Runs, data_folder, tables_in, timed
from _table import show_and_save
from recovery import BUNDLED, MODELS, OPENML, load
from scipy.stats import friedmanchisquare, studentized_range
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from sknoisy import FilterClassifier
from sknoisy.datasets import (
    boundary_noise,
    confusion_noise,
    dissenting_noise,
    instance_noise,
    pair_noise,
    symmetric_noise,
)
from sknoisy.metrics import detection_report

KEYS = ["dataset", "seed", "noise", "model", "method"]
CELL = ["dataset", "noise", "model"]
BASELINES = ("clean", "noisy", "oracle")
MEASURES = {"ap": "ap", "auroc": "auroc", "f1": "f1", "balanced": "downstream"}
NOISES = {
    "none": lambda X, y, rate, seed: (y, np.zeros(len(y), dtype=bool)),
    "uniform": lambda X, y, rate, seed: symmetric_noise(y, rate, random_state=seed),
    "asymmetric": lambda X, y, rate, seed: pair_noise(y, rate, random_state=seed),
    "class-dependent": lambda X, y, rate, seed: confusion_noise(X, y, rate, random_state=seed),
    "instance-dependent": lambda X, y, rate, seed: instance_noise(X, y, rate, random_state=seed),
    "boundary": lambda X, y, rate, seed: boundary_noise(X, y, rate, random_state=seed),
    "dissenting label": lambda X, y, rate, seed: dissenting_noise(y, rate, random_state=seed),
    "dissenting annotator": lambda X, y, rate, seed: dissenting_noise(
        y, rate, by="annotator", random_state=seed
    ),
}
QUICK = ("AreaUnderMargin", "ConfidentLearning", "InstanceHardness", "NeighborDisagreement")
EMPTY = ("ap", "auroc", "f1", "precision", "recall", "flagged", "accuracy", "balanced", "seconds")


# --------------------------------------------------------------------------- one cell


def answers(model, X_test, y_test):
    predicted = model.predict(X_test)
    return {
        "accuracy": accuracy_score(y_test, predicted),
        "balanced": balanced_accuracy_score(y_test, predicted),
    }


def baseline(name, model, X, y, z, wrong, X_test, y_test):
    labels = y if name == "clean" else z
    kept = ~wrong if name == "oracle" else np.ones(len(z), dtype=bool)
    fitted, seconds = timed(clone(model).fit, X[kept], labels[kept])
    return answers(fitted, X_test, y_test) | {"seconds": seconds}


def detected(kind, model, X, z, wrong, X_test, y_test, seed):
    """What the detector finds, and what the model is worth without that."""
    detector = make_detector(kind, model, random_state=seed)
    detector, seconds = timed(detector.fit, X, z)
    found = detection_report(wrong, detector.noise_score_, detector.noise_mask_)
    cleaned = FilterClassifier(
        clone(model), FrozenEstimator(detector), calibrate=False, random_state=seed
    )
    cleaned.fit(X, z)
    return {
        "ap": found["average_precision"],
        "auroc": found["auroc"],
        "f1": found["f1"] if wrong.any() else np.nan,
        "precision": found["precision"],
        "recall": found["recall"],
        "flagged": found["n_flagged"] / found["n_rows"],
        "seconds": seconds,
        **answers(cleaned, X_test, y_test),
    }


def line(job, *args):
    """One line of results; a method that cannot do it is no reason to stop."""
    result = dict.fromkeys(EMPTY, np.nan)
    try:
        return result | job(*args) | {"error": ""}
    except Exception as error:
        return result | {"error": f"{type(error).__name__}: {error}"[:200].replace("\n", " ")}


def run_grid(options, names, folder, kinds):
    methods = [*BASELINES, *kinds]
    grid = list(product(names, range(options.seeds), options.noises, options.models))
    runs = Runs(options.out, KEYS, len(grid) * len(methods))
    data_of, data = None, None
    for name, seed, noise, model_name in grid:
        cells = [(name, seed, noise, model_name, method) for method in methods]
        cells = [cell for cell in cells if not runs.is_done(*cell)]
        if not cells:
            continue
        runs.n_seen -= len(cells)  # each is counted when it is run
        if data_of != (name, seed):
            data_of, data = (name, seed), load(name, folder, options.rows, seed)
        X, y, X_test, y_test = data
        z, wrong = NOISES[noise](X, y, options.rate, seed)
        model = MODELS[model_name]
        for cell in cells:
            runs.n_seen += 1
            if cell[-1] in BASELINES:
                result = line(baseline, cell[-1], model, X, y, z, wrong, X_test, y_test)
            else:
                result = line(detected, kinds[cell[-1]], model, X, z, wrong, X_test, y_test, seed)
            runs.add(cell, [{"wrong": wrong.mean(), **result}])
    return runs.table()


# --------------------------------------------------------------------------- what is shown


def wide(table, measure, none=False):
    """A cell in each row and a method in each column: means over seeds."""
    table = table[(table["noise"] == "none") == none]
    means = table.groupby([*CELL, "method"], sort=False)[measure].mean().unstack("method")
    return means.reindex(columns=[m for m in table["method"].unique() if m in means])


def mean_ranks(table, measure):
    """Mean rank of each detector, the critical difference, and the p value of Friedman's test.

    A detector without a value, which failed or flagged nothing, shares the last places.
    """
    values = wide(table, measure).drop(columns=list(BASELINES), errors="ignore")
    values = values.dropna(how="all")
    ranks = values.fillna(-np.inf).rank(axis=1, ascending=False)
    n_cells, n_methods = ranks.shape
    if n_cells < 2 or n_methods < 3:
        return ranks.mean(), np.nan, np.nan
    step = studentized_range.ppf(0.95, n_methods, np.inf) / np.sqrt(2)
    critical = step * np.sqrt(n_methods * (n_methods + 1) / (6 * n_cells))
    return ranks.mean(), critical, friedmanchisquare(*ranks.to_numpy().T).pvalue


def summary(table):
    """One row for each detector, best mean rank downstream first."""
    ranks = {name: mean_ranks(table, measure)[0] for measure, name in MEASURES.items()}
    noisy, none = wide(table, "balanced"), wide(table, "balanced", none=True)
    rows = []
    for method in [m for m in table["method"].unique() if m not in BASELINES]:
        mine = table[table["method"] == method]
        with_noise, without = mine[mine["noise"] != "none"], mine[mine["noise"] == "none"]
        gain = noisy[method] - noisy["noisy"] if method in noisy else pd.Series(dtype=float)
        harm = none["noisy"] - none[method] if method in none else pd.Series(dtype=float)
        rows.append(
            {
                "detector": method,
                **{f"rank {name}": by.get(method, np.nan) for name, by in ranks.items()},
                "ap": with_noise["ap"].mean(),
                "auroc": with_noise["auroc"].mean(),
                "f1": with_noise["f1"].mean(),
                "flagged, clean": without["flagged"].mean(),
                "gain": 100 * gain.mean(),
                "worst gain": 100 * gain.min(),
                "harm": 100 * harm.mean(),
                "worst harm": 100 * harm.max(),
                "seconds": mine["seconds"].median(),
                "failed": int((mine["error"].fillna("") != "").sum()),
            }
        )
    return sorted(rows, key=lambda row: np.nan_to_num(row["rank downstream"], nan=np.inf))


def by_noise(table, measure):
    """Mean of each method under each noise, best first."""
    values = table.pivot_table(measure, "method", "noise", aggfunc="mean", sort=False)
    order = values.drop(columns="none", errors="ignore").mean(axis=1).sort_values(ascending=False)
    return values.loc[order.index].reset_index().to_dict("records")


def best_of_each(table):
    """The best detector downstream for each noise and model, and what is left to win."""
    gains = wide(table, "balanced").groupby(["noise", "model"], sort=False).mean()
    rows = []
    for (noise, model), means in gains.iterrows():
        found = means.drop(list(BASELINES), errors="ignore")
        rows.append(
            {
                "noise": noise,
                "model": model,
                **{name: 100 * means[name] for name in BASELINES},
                "best": found.idxmax(),
                "its": 100 * found.max(),
                "median detector": 100 * found.median(),
                "share that gain": (found > means["noisy"]).mean(),
            }
        )
    return rows


def show(table, out):
    for measure, name in (("ap", "average precision"), ("f1", "F1"), ("balanced", "downstream")):
        show_and_save(by_noise(table, measure), title=f"Mean {name}, by noise")
    if (table["noise"] != "none").any():
        show_and_save(best_of_each(table), title="Downstream: balanced accuracy, in points")
    for measure, name in MEASURES.items():
        ranks, critical, p_value = mean_ranks(table, measure)
        if np.isnan(critical):
            continue  # too few detectors or cells to compare
        print(
            f"\nMean ranks, {name}: critical difference {critical:.2f}, Friedman p={p_value:.2g}; "
            "as good as the best at the 5 % level: "
            + ", ".join(ranks[ranks <= ranks.min() + critical].sort_values().index)
        )
    errors = table[table["error"].fillna("") != ""]
    for (method, error), part in errors.groupby(["method", "error"]):
        print(f"failed in {len(part)} cells: {method}: {error}")
    show_and_save(summary(table), out, "All detectors (gain and harm in points)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of CSV files with a column target")
    parser.add_argument("--datasets", nargs="+", default=None)
    parser.add_argument("--noises", nargs="+", default=list(NOISES), choices=list(NOISES))
    parser.add_argument("--models", nargs="+", default=None, choices=list(MODELS))
    parser.add_argument("--detectors", nargs="+", default=None, help="default: all")
    parser.add_argument("--rate", type=float, default=0.2, help="share of wrong labels")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_500, help="training rows at most")
    parser.add_argument("--out", default="design_space.csv", help="CSV file of all cells")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the summary")
    parser.add_argument("--quick", action="store_true", help="few detectors, cells of 200 rows")
    options = parser.parse_args()
    folder = data_folder(options.data, "classification")
    if options.quick:
        folder = folder if options.data else None
        options.rows, options.seeds = min(options.rows, 200), 1
        if options.noises == list(NOISES):
            options.noises = ["none", "uniform", "class-dependent"]
        options.models = options.models or ["logistic"]
        options.detectors = options.detectors or QUICK
    options.models = options.models or list(MODELS)
    names = list(tables_in(folder)) if folder else list(BUNDLED) if options.quick else OPENML
    kinds = detector_classes("classification")
    unknown = set(options.detectors or ()) - set(kinds)
    if unknown:
        parser.error(f"no detector {sorted(unknown)}; there are {list(kinds)}")
    kinds = {n: k for n, k in kinds.items() if not options.detectors or n in options.detectors}
    warnings.simplefilter("ignore")
    show(run_grid(options, options.datasets or names, folder, kinds), options.summary)


if __name__ == "__main__":
    main()
