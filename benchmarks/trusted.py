"""What few rows that are known to be right are worth, by each method that can make use of them.

    python benchmarks/trusted.py --data DIR [--out FILE] [--summary FILE] [--quick] [--share 0.05]
        [--datasets NAME ...] [--models NAME ...] [--methods NAME ...] [--seeds N] [--rows N]

`--data` is a folder of real label errors as in `real_noise.py`, and to its sets come made ones:
"made, symmetric" and "made, pair" have 5 classes and 40 % wrong labels, evenly among the classes or
each for the next one; "made, numbers" has a third of its numbers read from another scale. The true
targets of a random `--share` of the training rows are put in, and these rows are `trusted`.

"plain" is trained on that without being told which rows they are, "true" on true targets alone.
"gain" is the score (accuracy or R2 on true targets of new rows) over that of "plain", and "won
back" the gain over that of "true". Sets in which noise costs the model less than a point have no
such share. "cost" is the time of a method in fits of the model.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from _runs import Runs, data_folder, tables_in, timed
from _table import show_and_save
from real_noise import columns_of, features_of, load
from sklearn.base import clone
from sklearn.datasets import make_classification, make_friedman1
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier
from sknoisy.datasets import pair_noise, symmetric_noise
from sknoisy.noise_model import TrustedTransition
from sknoisy.robust import RobustClassifier, RobustRegressor
from sknoisy.training.correction import TransitionClassifier
from sknoisy.training.trusted import (
    PrototypeTriageClassifier,
    TrustedWeightClassifier,
    TrustedWeightRegressor,
)

KEYS = ["dataset", "seed", "model"]
N_TEST = 4_000
COSTS = 0.01  # what noise must cost before a share of it means anything
MODELS = {
    "classification": {
        "logistic": LogisticRegression(max_iter=1000),
        "boosting": HistGradientBoostingClassifier(max_iter=50, max_features=0.3, random_state=0),
    },
    "regression": {
        "logistic": Ridge(),  # the linear one of numbers
        "boosting": HistGradientBoostingRegressor(max_iter=50, random_state=0),
    },
}
MADE = ("made, symmetric", "made, pair", "made, numbers")


def made(name, n, seed):
    """task, X, z (given), y (true), X_test, y_test."""
    if name == "made, numbers":
        X, y = make_friedman1(n + N_TEST, n_features=8, noise=1.0, random_state=seed)
        wrong = np.random.default_rng(seed).random(n) < 1 / 3
        return "regression", X[:n], np.where(wrong, 2.2 * y[:n], y[:n]), y[:n], X[n:], y[n:]
    X, y = make_classification(
        n + N_TEST,
        12,
        n_informative=8,
        n_redundant=2,
        n_classes=5,
        n_clusters_per_class=1,
        class_sep=1.2,
        flip_y=0.0,
        random_state=seed,
    )
    X = StandardScaler().fit_transform(X)
    noise = symmetric_noise if name == "made, symmetric" else pair_noise
    z = noise(y[:n], rate=0.4, random_state=seed)[0]
    return "classification", X[:n], z, y[:n], X[n:], y[n:]


# --------------------------------------------------------------------------- the methods

CLASSIFIERS = {
    "RobustClassifier": lambda m: RobustClassifier(m, random_state=0),
    "FilterClassifier": lambda m: FilterClassifier(m, random_state=0),
    "TransitionClassifier, auto": lambda m: TransitionClassifier(m, random_state=0),
    "TransitionClassifier, trusted": lambda m: TransitionClassifier(
        m, TrustedTransition(), random_state=0
    ),
    "PrototypeTriage": lambda m: PrototypeTriageClassifier(m, random_state=0),
    "TrustedWeight, density": lambda m: TrustedWeightClassifier(m, random_state=0),
    "TrustedWeight, bilevel": lambda m: TrustedWeightClassifier(
        m, method="bilevel", random_state=0
    ),
}
REGRESSORS = {
    "RobustRegressor": lambda m: RobustRegressor(m, random_state=0),
    "TrustedWeightRegressor": lambda m: TrustedWeightRegressor(m, random_state=0),
}


def run_cell(task, model, X, z, y, X_test, y_test, trusted, methods):
    """One row of results for each method."""
    put = np.where(trusted, y, z)
    jobs = {
        "plain": lambda: clone(model).fit(X, put),
        "true": lambda: clone(model).fit(X, y),
        "trusted only": lambda: clone(model).fit(X[trusted], y[trusted]),
    }
    for name, make in (CLASSIFIERS if task == "classification" else REGRESSORS).items():
        jobs[name] = lambda make=make: make(clone(model)).fit(X, put, trusted=trusted)
    rows = []
    for method, job in jobs.items():
        if methods and method not in (*methods, "plain", "true"):
            continue
        score = seconds = np.nan
        error = ""
        try:
            fitted, seconds = timed(job)
            score = fitted.score(X_test, y_test)
        except (ValueError, TypeError) as caught:  # one that cannot do it is no reason to stop
            error = repr(caught)[:200]
        kind = {"task": task, "method": method}
        rows.append(kind | {"score": score, "seconds": seconds, "error": error})
    return rows


# --------------------------------------------------------------------------- what is shown


def _cases(table):
    """Scores, a case (a data set with a model) in each row and a method in each column."""
    index = ["task", "dataset", "model"]
    means = table.groupby([*index, "method"], sort=False)["score"].mean()
    return means.unstack("method").sort_index()


def by_set(table):
    """Gains in points over plain; first what true labels would gain."""
    cases = _cases(table)
    gains = 100 * cases.sub(cases["plain"], axis=0).drop(columns="plain")
    gains.insert(0, "plain", 100 * cases["plain"])
    return gains.reset_index().to_dict("records")


def summary(table):
    """One row for each task, model and method."""
    cases, rows = _cases(table), []
    time = table.groupby(["task", "dataset", "model", "method"])["seconds"].mean().unstack("method")
    for (task, model), part in cases.groupby(level=["task", "model"]):
        for method in part.columns.drop(["plain", "true"]):
            gain = (part[method] - part["plain"]).dropna()
            if not len(gain):
                continue
            lost = (part["true"] - part["plain"])[gain.index]
            share = (gain / lost)[lost >= COSTS]
            real = ~gain.index.get_level_values("dataset").isin(MADE)
            worst = gain.idxmin()
            rows.append(
                {
                    "task": task,
                    "model": model,
                    "method": method,
                    "sets": len(gain),
                    "won back": share.mean(),
                    "won back, real": share[share.index.isin(gain.index[real])].mean(),
                    "of all that is lost": gain.sum() / lost.sum(),
                    "sets worse": int((gain < -COSTS / 2).sum()),
                    "worst, points": 100 * gain.min(),
                    "worst set": worst[1],
                    "cost": (time[method] / time["plain"])[gain.index].median(),
                }
            )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of CSV files")
    parser.add_argument("--datasets", nargs="+", default=None, help="also of the made ones")
    parser.add_argument("--models", nargs="+", default=["logistic", "boosting"])
    parser.add_argument("--methods", nargs="+", default=None, help="default: all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_500, help="training rows at most")
    parser.add_argument("--share", type=float, default=0.05, help="of the rows, that are trusted")
    parser.add_argument("--out", default="trusted.csv", help="CSV file of all cells")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the summary")
    parser.add_argument("--quick", action="store_true", help="one seed, linear models, 600 rows")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.models = 1, ["logistic"]
        options.rows = min(options.rows, 600)
    folder = data_folder(options.data, "real_noise")
    names = list(MADE)
    if folder is None:
        print("no --data: made sets only")
    else:
        tables = tables_in(folder)
        real = [
            name
            for name, path in tables.items()
            if {"target", "target_true"} <= (columns := columns_of(path)) and features_of(columns)
        ]
        names = [*real, *MADE]
    names = options.datasets or names
    runs = Runs(options.out, KEYS, len(names) * options.seeds * len(options.models))
    warnings.simplefilter("ignore")
    for name in names:
        for seed in range(options.seeds):
            todo = [m for m in options.models if not runs.is_done(name, seed, m)]
            if not todo:
                continue
            how = (name, options.rows, seed)
            task, *data = made(*how) if name in MADE else load(name, folder, *how[1:])
            n = len(data[1])
            chosen = np.random.default_rng(seed).permutation(n)[: round(options.share * n)]
            trusted = np.isin(np.arange(n), chosen)
            for model_name in todo:
                if model_name == "boosting" and not isinstance(data[0], np.ndarray):
                    continue  # takes no sparse features
                model = MODELS[task][model_name]
                rows = run_cell(task, model, *data, trusted, options.methods)
                runs.add((name, seed, model_name), rows)
    table = runs.table()
    for task, part in table.groupby("task"):
        show_and_save(by_set(part), None, f"{task}: points over plain")
    show_and_save(summary(table), options.summary, "Over plain")


if __name__ == "__main__":
    main()
