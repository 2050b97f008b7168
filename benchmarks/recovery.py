"""How much of what label noise costs is won back, and what that costs where there is no noise.

    python benchmarks/recovery.py [--data DIR] [--out FILE] [--quick]
        [--datasets NAME ...] [--noises NAME ...] [--models NAME ...] [--methods NAME ...]
        [--seeds N] [--rows N]

`--data` is a folder of CSV files with a column `target` (clean by convention); without one, a few
sets of OpenML are fetched, and with `--quick` those that come with scikit-learn are used. A run
that was stopped goes on where it was: cells that the CSV file has are not run again.

Every method gets the same noisy training rows and is scored on the same clean test rows. "clean"
has been trained on the clean labels, "oracle" without exactly the wrong rows. "share" is the sum
over all cells of (method - plain), divided by that of (clean - plain). Probabilities are no less
than 1e-6 in the log loss, for all methods; the AUC of several classes is the mean of one against
the rest. "log loss, clean" is that without noise, over the plain model's.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings

import numpy as np
import pandas as pd
from _runs import (
    Runs,
    data_folder,
    probability_scores,
    table_to_numbers,
    tables_in,
    timed,
    train_test_rows,
)
from _table import show_and_save
from sklearn.base import clone
from sklearn.datasets import fetch_openml, load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier
from sknoisy.datasets import boundary_noise, one_way_noise, pair_noise, symmetric_noise
from sknoisy.metrics import average_precision, calibration_error
from sknoisy.robust import RobustClassifier

BUNDLED = {"breast_cancer": load_breast_cancer, "digits": load_digits, "wine": load_wine}
OPENML = ["phoneme", "spambase", "vehicle", "segment", "credit-g", "car", "MagicTelescope"]
MODELS = {
    "logistic": LogisticRegression(max_iter=1000),
    "boosting": HistGradientBoostingClassifier(random_state=0),
    "forest": RandomForestClassifier(random_state=0),
    "tree": DecisionTreeClassifier(random_state=0),
    "knn": KNeighborsClassifier(),
}
NOISES = {
    "none": lambda X, y, seed: (y, np.zeros(len(y), dtype=bool)),
    "symmetric 0.2": lambda X, y, seed: symmetric_noise(y, 0.2, random_state=seed),
    "symmetric 0.4": lambda X, y, seed: symmetric_noise(y, 0.4, random_state=seed),
    "pair 0.3": lambda X, y, seed: pair_noise(y, 0.3, random_state=seed),
    "one-way 0.3": lambda X, y, seed: one_way(y, 0.3, seed),
    "boundary 0.3": lambda X, y, seed: boundary_noise(X, y, 0.3, random_state=seed),
}
KEYS = ["dataset", "seed", "noise", "model"]
LOSSES = ("log_loss", "brier")  # lower is better


def one_way(y, rate, seed):
    """`rate` of the rows of one of the two most frequent classes get the label of the other."""
    classes, counts = np.unique(y, return_counts=True)
    pair = np.argsort(counts)[-2:]
    source, target = pair if seed % 2 else pair[::-1]
    share = rate * counts[source] / len(y)
    return one_way_noise(
        y, share, source=classes[source], target=classes[target], random_state=seed
    )


# --------------------------------------------------------------------------- the methods


def robust(model, X, z):
    fitted = RobustClassifier(clone(model), random_state=0).fit(X, z)
    return fitted, fitted.noise_proba_


def filtered(model, X, z):
    fitted = FilterClassifier(clone(model), random_state=0).fit(X, z)
    return fitted, fitted.noise_proba_


def cleanlab(model, X, z):
    from cleanlab.classification import CleanLearning

    fitted = CleanLearning(clone(model), seed=0).fit(X, z)
    return fitted.clf, 1.0 - fitted.get_label_issues()["label_quality"].to_numpy()


def edited_neighbors(model, X, z):
    from imblearn.under_sampling import EditedNearestNeighbours

    X_kept, z_kept = EditedNearestNeighbours(sampling_strategy="all").fit_resample(X, z)
    return clone(model).fit(X_kept, z_kept), None


def methods():
    """Those that are installed, by name."""
    found = {"RobustClassifier": robust, "FilterClassifier": filtered}
    for name, module, job in (
        ("cleanlab", "cleanlab", cleanlab),
        ("imbalanced-learn ENN", "imblearn", edited_neighbors),
    ):
        if importlib.util.find_spec(module):
            found[name] = job
        else:
            print(f"{module} is not installed: measured without it (pip install 'sknoisy[bench]')")
    return found


def run_cell(model, X, y, z, wrong, X_test, y_test, jobs):
    """One row of results for each method."""

    def row(method, fitted, seconds, proba=None):
        predicted = fitted.predict(X_test)
        known = proba is not None and wrong.any()
        is_proba = proba is not None and method in ("RobustClassifier", "FilterClassifier")
        return {
            "method": method,
            "accuracy": accuracy_score(y_test, predicted),
            "balanced": balanced_accuracy_score(y_test, predicted),
            **probability_scores(fitted, X_test, y_test),
            "ap": average_precision(wrong, proba) if known else np.nan,
            "ece": calibration_error(wrong, proba) if is_proba else np.nan,
            "seconds": seconds,
            "treatment": getattr(fitted, "treatment_", ""),
            "error": "",
        }

    def failed(method, error):
        names = ["accuracy", "balanced", "log_loss", "brier", "auc", "ap", "ece", "seconds"]
        empty = dict.fromkeys(names, np.nan)
        return {"method": method, **empty, "treatment": "", "error": repr(error)[:200]}

    rows = [
        row("clean", *timed(clone(model).fit, X, y)),
        row("plain", *timed(clone(model).fit, X, z)),
    ]
    if len(np.unique(z[~wrong])) > 1:
        rows.append(row("oracle", *timed(clone(model).fit, X[~wrong], z[~wrong])))
    for name, job in jobs.items():
        try:
            (fitted, proba), seconds = timed(job, model, X, z)
            rows.append(row(name, fitted, seconds, proba))
        except ValueError as error:  # a peer that cannot do it is no reason to stop
            rows.append(failed(name, error))
    return rows


# --------------------------------------------------------------------------- data


def load(name, folder, n_rows, seed):
    """X, y, X_test, y_test as arrays; labels as numbers 0..K-1."""
    if folder is not None:
        table = pd.read_csv(tables_in(folder)[name])
        X, y = table.drop(columns="target"), table["target"]
    elif name in BUNDLED:
        X, y = BUNDLED[name](return_X_y=True, as_frame=True)
    else:
        X, y = fetch_openml(name, version=1, return_X_y=True, as_frame=True)
    y = pd.factorize(y, sort=True)[0]
    train, test = train_test_rows(len(y), n_rows, 3_000, seed)
    X_train, X_test = table_to_numbers(X.iloc[train], X.iloc[test])
    return X_train, y[train], X_test, y[test]


# --------------------------------------------------------------------------- the summary


def summary(table):
    """One row per method: share won back, harm without noise, detection, time."""
    index = [*KEYS, "method"]
    table = table.drop_duplicates(index, keep="last").set_index(index)
    wide = table.unstack("method")
    rows = []
    for method in wide["accuracy"].columns.drop(["clean", "plain"]):
        row = {"method": method}
        none = wide.index.get_level_values("noise") == "none"
        for metric in ("accuracy", "balanced", "log_loss", "brier"):
            values, sign = wide[metric], -1 if metric in LOSSES else 1
            known = values[method].notna() & ~none
            lost = sign * (values["clean"] - values["plain"])[known].sum()
            won = sign * (values[method] - values["plain"])[known].sum()
            row[f"{metric} share"] = won / lost if lost > 0 else np.nan
        loss = (wide["log_loss"][method] / wide["log_loss"]["plain"])[none]
        row["log loss, clean"] = loss.mean()
        row["worst set"] = loss.groupby("dataset").mean().max() if len(loss) else np.nan
        auc = (wide["auc"][method] - wide["auc"]["plain"])[none]
        row["AUC, clean, worst set"] = auc.groupby("dataset").mean().min() if len(auc) else np.nan
        values = wide["accuracy"]
        harm = 100 * (values["plain"] - values[method])[none]
        row["harm mean"] = harm.mean()
        row["harm worst set"] = harm.groupby("dataset").mean().max() if len(harm) else np.nan
        row["ap"] = wide["ap"][method].mean()
        row["ece"] = wide["ece"][method].mean()
        row["time"] = (wide["seconds"][method] / wide["seconds"]["plain"]).median()
        row["failed"] = int(values[method].isna().sum())
        rows.append(row)
    return rows


def share_by(table, key, metric):
    """Share won back by method and `key`."""
    index = [*KEYS, "method"]
    wide = table.drop_duplicates(index, keep="last").set_index(index)[metric].unstack("method")
    wide = wide[wide.index.get_level_values("noise") != "none"]
    sign = -1 if metric in LOSSES else 1
    sums = sign * wide.sub(wide["plain"], axis=0).groupby(level=key).sum()
    share = sums.div(sums["clean"].where(sums["clean"] > 0), axis=0)
    return share.drop(columns=["clean", "plain"]).reset_index().to_dict("records")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of CSV files with a column target")
    parser.add_argument("--datasets", nargs="+", default=None)
    parser.add_argument("--noises", nargs="+", default=list(NOISES), choices=list(NOISES))
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--methods", nargs="+", default=None, help="default: all installed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_500, help="training rows at most")
    parser.add_argument("--out", default="recovery.csv", help="CSV file of all cells")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the summary")
    parser.add_argument("--quick", action="store_true", help="minutes: few cells of 600 rows")
    options = parser.parse_args()
    folder = data_folder(options.data, "classification")
    if options.quick:
        if options.data is None:
            folder = None
        options.rows, options.seeds = min(options.rows, 600), 1
        if options.noises == list(NOISES):
            options.noises = ["none", "symmetric 0.2", "pair 0.3"]
        if options.models == list(MODELS):
            options.models = ["logistic", "tree"]
    names = list(tables_in(folder)) if folder else list(BUNDLED) if options.quick else OPENML
    names = options.datasets or names
    jobs = methods()
    if options.methods:
        unknown = set(options.methods) - set(jobs)
        if unknown:
            parser.error(f"unknown or not installed: {sorted(unknown)}; there are {list(jobs)}")
        jobs = {name: jobs[name] for name in options.methods}
    n_cells = len(names) * options.seeds * len(options.noises) * len(options.models)
    runs = Runs(options.out, KEYS, n_cells)
    warnings.simplefilter("ignore")
    for name in names:
        for seed in range(options.seeds):
            data = None
            for noise in options.noises:
                cells = [
                    (name, seed, noise, model)
                    for model in options.models
                    if not runs.is_done(name, seed, noise, model)
                ]
                if not cells:
                    continue
                data = load(name, folder, options.rows, seed) if data is None else data
                X, y, X_test, y_test = data
                z, wrong = NOISES[noise](X, y, seed)
                for cell in cells:
                    runs.add(cell, run_cell(MODELS[cell[-1]], X, y, z, wrong, X_test, y_test, jobs))
    table = runs.table()
    for metric in ("accuracy", "balanced", "log_loss"):
        for key in ("noise", "model"):
            show_and_save(share_by(table, key, metric), title=f"Share of lost {metric}, by {key}")
    show_and_save(summary(table), options.summary, "All (harm in points of accuracy)")


if __name__ == "__main__":
    main()
