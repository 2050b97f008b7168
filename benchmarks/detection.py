"""How well each detector finds noise of known place, and what that costs.

    python benchmarks/detection.py [--data DIR] [--out FILE] [--summary FILE] [--short]
        [--tasks NAME ...] [--datasets NAME ...] [--noises NAME ...] [--models NAME ...]
        [--detectors NAME ...] [--seeds N] [--rows N] [--jobs N]
    python benchmarks/detection.py --size 20000 [--models NAME] [--jobs 2]

Every public detector of sknoisy, with default settings around each base model, and those peers
that are installed: cleanlab, and imbalanced-learn's edited nearest neighbours and instance
hardness threshold. These two say yes or no; their score is the share of several settings that take
the row out, and their time that of one setting.

Scored are average precision and AUROC of the wrong rows; rows that are not judged come last. Cost
is the time in plain fits (of the base model on the same rows, in the same run: the median of
three), and the number of fits, counted (of all models, also the detector's own).

`--data` is a folder with the folders `classification` and `regression` of CSV files with a column
`target`; by default one next to the project, else a few sets of OpenML, and with `--short` those
that come with scikit-learn. A run that was stopped goes on where it was, and one with new
detectors adds them: lines that the CSV file has are not run again.

`--size N` times every detector once on N made rows of 20 columns, and sums up.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import recovery
import recovery_regression
from _detectors import detector_classes, effort_of, make_detector
from _runs import ROOT, Runs, table_to_numbers, tables_in, timed, train_test_rows
from _table import show_and_save
from sklearn.base import clone
from sklearn.datasets import (
    fetch_openml,
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_classification,
    make_friedman1,
)

from sknoisy.datasets import gross_noise, region_noise, symmetric_noise
from sknoisy.metrics import auroc, average_precision

TASKS = ("classification", "regression")
KEYS = ["task", "dataset", "seed", "noise", "model", "detector"]
BUNDLED = {
    "classification": {
        "breast_cancer": load_breast_cancer,
        "digits": load_digits,
        "wine": load_wine,
    },
    "regression": {"diabetes": load_diabetes},
}
OPENML = {
    "classification": dict.fromkeys(recovery.OPENML),
    "regression": recovery_regression.OPENML,
}
MODELS = {"classification": recovery.MODELS, "regression": recovery_regression.MODELS}
RATE = 0.2  # of wrong numbers
SHORT = {
    "noises": {
        "classification": ["symmetric 0.2", "boundary 0.3"],
        "regression": ["shuffle", "decimal"],
    },
    "models": {"classification": ["logistic", "tree"], "regression": ["ridge", "tree"]},
}
LIMIT = 15  # minutes, for all detectors with --size 20000


# --------------------------------------------------------------------------- the noise


def of_target(make):
    """Noise in y as a function of (X, y, seed) that returns X, y and what is wrong."""
    return lambda X, y, seed: (X, *make(X, y, seed))


def gross(X, y, seed):
    """A tenth of the rows have a broken cell; the targets are right."""
    of_cells = 1 - 0.9 ** (1 / X.shape[1])
    X, wrong = gross_noise(X, rate=of_cells, random_state=seed)
    return X, y, wrong if wrong.ndim == 1 else wrong.any(axis=1)


NOISES = {
    "classification": {
        **{name: of_target(make) for name, make in recovery.NOISES.items() if name != "none"},
        "region 0.2": of_target(lambda X, y, seed: region_noise(X, y, 0.2, random_state=seed)),
        "gross 0.1": gross,
    },
    "regression": {
        **{
            name: of_target(lambda X, y, seed, make=make: make(y, rate=RATE, random_state=seed))
            for name, make in recovery_regression.NOISES.items()
            if make is not None
        },
        "gross 0.1": gross,
    },
}


# --------------------------------------------------------------------------- peers


def cleanlab_labels(model, X, y, seed):
    from cleanlab.rank import get_label_quality_scores
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    proba = cross_val_predict(clone(model), X, y, cv=folds, method="predict_proba")
    return 1.0 - get_label_quality_scores(y, proba), 1


def cleanlab_numbers(model, X, y, seed):
    from cleanlab.regression.learn import CleanLearning

    found = CleanLearning(clone(model), seed=seed, verbose=False)
    return 1.0 - found.find_label_issues(X, y)["label_quality"].to_numpy(), 1


def edited_neighbors(model, X, y, seed):
    from imblearn.under_sampling import EditedNearestNeighbours

    settings = [(k, how) for k in (3, 5, 9) for how in ("mode", "all")]
    taken_out = np.zeros(len(y))
    for k, how in settings:
        sampler = EditedNearestNeighbours(sampling_strategy="all", n_neighbors=k, kind_sel=how)
        sampler.fit_resample(X, y)
        taken_out += ~np.isin(np.arange(len(y)), sampler.sample_indices_)
    return taken_out / len(settings), len(settings)


def hardness_threshold(model, X, y, seed):
    from imblearn.under_sampling import InstanceHardnessThreshold

    classes, counts = np.unique(y, return_counts=True)
    shares = (0.5, 0.7, 0.8, 0.9, 0.95)
    taken_out = np.zeros(len(y))
    for share in shares:
        kept = {c: max(1, int(share * n)) for c, n in zip(classes, counts, strict=True)}
        sampler = InstanceHardnessThreshold(
            estimator=clone(model), sampling_strategy=kept, random_state=seed, cv=5
        )
        sampler.fit_resample(X, y)
        taken_out += ~np.isin(np.arange(len(y)), sampler.sample_indices_)
    return taken_out / len(shares), len(shares)


PEERS = {
    "classification": {
        "cleanlab": ("cleanlab", cleanlab_labels),
        "imbalanced-learn ENN": ("imblearn", edited_neighbors),
        "imbalanced-learn IHT": ("imblearn", hardness_threshold),
    },
    "regression": {"cleanlab": ("cleanlab", cleanlab_numbers)},
}


# --------------------------------------------------------------------------- contenders


def ours(kind, jobs):
    def run(model, X, y, seed):
        detector = make_detector(kind, model, random_state=seed, n_jobs=jobs)
        return detector.fit(X, y).noise_score_, 1

    return run


def contenders(task, chosen, jobs, peers=True):
    """dict of name to function of (model, X, y, seed): scores, and how many runs they took."""
    found = {name: ours(kind, jobs) for name, kind in detector_classes(task).items()}
    for name, (module, job) in PEERS[task].items() if peers else ():
        if importlib.util.find_spec(module):
            found[name] = job
        elif not chosen or name in chosen:
            print(f"{name} is not installed: measured without it (pip install 'sknoisy[bench]')")
    return {name: job for name, job in found.items() if not chosen or name in chosen}


def run_detector(job, model, X, y, wrong, seed, plain):
    """One line of results; a contender that cannot do it is no reason to stop."""
    line = dict.fromkeys(["ap", "auroc", "judged", "seconds", "plain_fits", "fits"], np.nan)
    try:
        with effort_of(model) as effort:
            (score, n_runs), seconds = timed(job, model, X, y, seed)
    except Exception as error:
        return line | {"error": f"{type(error).__name__}: {error}"[:200].replace("\n", " ")}
    line |= {
        "ap": average_precision(wrong, score),
        "auroc": auroc(wrong, score),
        "judged": float(np.mean(~np.isnan(score))),
        "seconds": seconds / n_runs,
        "plain_fits": seconds / n_runs / plain,
        "fits": effort.n_fits / n_runs,
    }
    return {name: round(float(value), 4) for name, value in line.items()} | {"error": ""}


def plain_fit(model, X, y):
    """Seconds of a plain fit: the median of three, after one that warms up."""
    clone(model).fit(X, y)
    return float(np.median([timed(clone(model).fit, X, y)[1] for _ in range(3)]))


# --------------------------------------------------------------------------- data


def data_sets(task, data, short):
    """dict of name to function that loads (table, target)."""
    folder = Path(data) if data else ROOT.parent / "shared" / "data"
    folder = folder / task if (folder / task).is_dir() else folder
    if folder.is_dir() and (data or not short):
        return {
            name: lambda path=path: split_target(pd.read_csv(path))
            for name, path in tables_in(folder).items()
        }
    if short:
        return {
            name: lambda load=load: load(return_X_y=True, as_frame=True)
            for name, load in BUNDLED[task].items()
        }
    return {
        name: lambda name=name, number=number: from_openml(name, number)
        for name, number in OPENML[task].items()
    }


def split_target(table):
    return table.drop(columns="target"), table["target"]


def from_openml(name, number):
    which = {"data_id": number} if number else {"name": name, "version": 1}
    return fetch_openml(**which, return_X_y=True, as_frame=True)


def training_rows(load, task, n_rows, seed):
    X, y = load()
    y = pd.factorize(y, sort=True)[0] if task == "classification" else np.asarray(y, dtype=float)
    rows, _ = train_test_rows(len(y), n_rows, 0, seed)
    X, _ = table_to_numbers(X.iloc[rows], X.iloc[rows[:1]])
    return X, y[rows]


# --------------------------------------------------------------------------- the grid


def run_grid(options, task, runs):
    sets = data_sets(task, options.data, options.short)
    unknown = set(options.datasets or ()) - set(sets)
    sets = {name: sets[name] for name in sets if not options.datasets or name in options.datasets}
    if unknown:
        print(f"{task}: no data set {', '.join(sorted(unknown))}")
    jobs = contenders(task, options.detectors, options.jobs)
    noises, models = chosen(options, "noises", task), chosen(options, "models", task)
    runs.n_cells += len(sets) * options.seeds * len(noises) * len(models) * len(jobs)
    data_of, data = None, None
    for dataset, seed, noise, model_name in product(sets, range(options.seeds), noises, models):
        cells = [(task, dataset, seed, noise, model_name, name) for name in jobs]
        cells = [cell for cell in cells if not runs.is_done(*cell)]
        if not cells:
            continue
        runs.n_seen -= len(cells)  # each is counted when it is run
        if data_of != (dataset, seed):
            data_of = dataset, seed
            data = training_rows(sets[dataset], task, options.rows, seed)
        X, y, wrong = NOISES[task][noise](*data, seed)
        model = MODELS[task][model_name]
        plain = plain_fit(model, X, y)
        for cell in cells:
            runs.n_seen += 1
            runs.add(cell, [run_detector(jobs[cell[-1]], model, X, y, wrong, seed, plain)])


def chosen(options, what, task):
    """Names of noises or models: those asked for, else all or, with --short, a few."""
    known = {"noises": NOISES, "models": MODELS}[what][task]
    asked = getattr(options, what)
    if asked is not None:
        return [name for name in known if name in asked]
    return SHORT[what][task] if options.short else list(known)


def summary(table):
    """One line per task and detector, best first: medians over all cells, and the worst."""
    lines = []
    for (task, detector), part in table.groupby(["task", "detector"]):
        by_noise = part.groupby("noise")["ap"].median()
        by_cell = part.groupby(["noise", "model"])["ap"].median()
        known = by_noise.notna().any()
        lines.append(
            {
                "task": task,
                "detector": detector,
                "ap": part["ap"].median(),
                "auroc": part["auroc"].median(),
                "best noise": by_noise.idxmax() if known else "",
                "best ap": by_noise.max(),
                "worst noise": by_noise.idxmin() if known else "",
                "worst ap": by_noise.min(),
                "worst noise and model": " / ".join(by_cell.idxmin()) if known else "",
                "its ap": by_cell.min(),
                "plain fits": part["plain_fits"].median(),
                "fits": part["fits"].median(),
                "failed": int(part["ap"].isna().sum()),
            }
        )
    return sorted(lines, key=lambda line: (line["task"], -np.nan_to_num(line["ap"])))


def by_columns(table, task, column):
    """Median average precision of each detector, one column for each noise or model."""
    part = table[table["task"] == task]
    wide = part.pivot_table("ap", "detector", column, aggfunc="median")
    order = part.groupby("detector")["ap"].median().sort_values(ascending=False).index
    return wide.reindex([name for name in order if name in wide.index]).reset_index()


def show(options, table):
    for task in table["task"].unique():
        for column in ("noise", "model"):
            rows = by_columns(table, task, column).to_dict("records")
            if rows:
                show_and_save(rows, title=f"Median average precision by {column}: {task}")
    errors = table[table["error"].notna() & (table["error"] != "")]
    for (detector, error), part in errors.groupby(["detector", "error"]):
        print(f"failed in {len(part)} cells: {detector}: {error}")
    show_and_save(
        summary(table), options.summary, "All, medians over data, noise, models and seeds"
    )


# --------------------------------------------------------------------------- how long it takes


def run_size(options):
    """Times of all detectors, once each, on one large made set per task."""
    lines = []
    for task in options.tasks:
        X, y, wrong = large_data(task, options.size)
        jobs = contenders(task, options.detectors, options.jobs, peers=False)
        models = options.models or [SHORT["models"][task][0]]
        for name in [name for name in models if name in MODELS[task]]:
            model = MODELS[task][name]
            plain = plain_fit(model, X, y)
            print(f"{task}, {name}: a plain fit of {len(y)} rows takes {plain:.2f} s", flush=True)
            for detector, job in jobs.items():
                line = run_detector(job, model, X, y, wrong, 0, plain)
                if options.jobs not in (None, 1):
                    line["fits"] = np.nan  # other processes do not count
                lines.append({"task": task, "model": name, "detector": detector, **line})
                print(f"  {detector}: {line['seconds']:.1f} s {line['error']}", flush=True)
    lines.sort(key=lambda line: (line["task"], line["model"], -np.nan_to_num(line["seconds"])))
    show_and_save(lines, options.summary, f"{options.size} rows, 20 columns")
    table = pd.DataFrame(lines)
    for (task, model), part in table.groupby(["task", "model"]):
        minutes = part["seconds"].sum() / 60
        verdict = f"limit {LIMIT}" if options.size == 20_000 else "no limit set for this size"
        print(f"{task}, {model}: all detectors {minutes:.1f} min ({verdict})")


def large_data(task, n):
    if task == "classification":
        X, y = make_classification(
            n, 20, n_informative=10, n_classes=3, class_sep=1.5, flip_y=0.0, random_state=0
        )
        return X, *symmetric_noise(y, 0.2, random_state=0)
    X, y = make_friedman1(n, 20, noise=0.5, random_state=0)
    return X, *recovery_regression.NOISES["shuffle"](y, rate=RATE, random_state=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of classification/ and regression/")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=TASKS)
    parser.add_argument("--datasets", nargs="+", default=None)
    parser.add_argument("--noises", nargs="+", default=None)
    parser.add_argument("--models", nargs="+", default=None)
    parser.add_argument("--detectors", nargs="+", default=None, help="peers by name, too")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_500, help="rows at most")
    parser.add_argument("--jobs", type=int, default=None, help="n_jobs of detectors")
    parser.add_argument("--out", default="detection.csv", help="CSV file of all lines, resumed")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the summary")
    parser.add_argument("--short", action="store_true", help="few cells of 300 rows, one seed")
    parser.add_argument("--size", type=int, default=None, help="time each detector on so many rows")
    parser.add_argument(
        "--table-only", action="store_true", help="show what --out has, run nothing"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.size is not None:
        run_size(options)
        return
    if options.short:
        options.rows, options.seeds = min(options.rows, 300), 1
    if not options.table_only:
        start = time.perf_counter()
        runs = Runs(options.out, KEYS, 0)
        for task in options.tasks:
            run_grid(options, task, runs)
        print(f"{(time.perf_counter() - start) / 60:.1f} min")
    show(options, pd.read_csv(options.out))


if __name__ == "__main__":
    main()
