"""Learning from labelled positives and unlabelled rows, against pulearn in the same run.

    python benchmarks/positive_unlabelled.py [--data DIR] [--out FILE] [--quick] [--sets NAME ...]
        [--models NAME ...] [--methods NAME ...] [--seeds N] [--rows N]
    python benchmarks/positive_unlabelled.py --priors [--seeds N] [--summary FILE]

Sets: "nhanes" (nhanes_diabetes.csv of `--data`: positives are people who have been told that they
have diabetes and have it; unlabelled are all others, of whom 3 % have it and have not been told),
and made ones in which positives are labelled at random ("scar", "scar, overlap", "scar, rare") or
more often where two features are large ("sar").

F1 and AUC are against the truth, on new rows. "tuned" is the threshold chosen by `pu_f1_scorer`,
or by F1 with the class prior that was estimated, on the positive-unlabelled labels alone. "plain"
takes unlabelled rows for negatives, "truth" is fitted to the true labels. pulearn's nnPU is linear,
whatever the model, and is told the true class prior, which it needs; its naive Bayes has no model.

`--priors` measures the estimates of the class prior on made data of several priors and overlaps.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from _runs import Runs, data_folder, table_to_numbers, timed, train_test_rows
from _table import show_and_save
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import TunedThresholdClassifierCV

from sknoisy.weak_labels.positive_unlabelled import (
    BaggingPUClassifier,
    ClassPrior,
    ElkanNotoClassifier,
    PropensityPUClassifier,
    TaylorPUClassifier,
    WeightedPUClassifier,
    make_pu_scorer,
    pu_f1_scorer,
)

KEYS = ["set", "seed", "model"]
MODELS = {
    "logistic": LogisticRegression(max_iter=1000),
    "boosting": HistGradientBoostingClassifier(max_iter=60, random_state=0),
    "forest": RandomForestClassifier(100, min_samples_leaf=3, random_state=0),
}
NHANES = "nhanes_diabetes.csv"


def _chance(logit):
    return 1 / (1 + np.exp(-logit))


MADE = {  # intercept, steepness, label frequency at random (None: by two features)
    "scar": (-1.0, 5.0, 0.4),
    "scar, overlap": (-1.0, 2.0, 0.4),
    "scar, rare": (-3.2, 4.0, 0.4),
    "sar": (-1.0, 5.0, None),
}


def made(name, n_rows, seed):
    """X, who is labelled, X_test, y_test, the share of positives."""
    start, steep, frequency = MADE[name]
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows + 5_000, 6))
    y = rng.random(len(X)) < _chance(
        steep * (X[:, 0] + 0.7 * X[:, 1] * X[:, 2] - 0.4 * X[:, 3] + 0.5 * start)
    )
    if frequency is None:
        frequency = 0.05 + 0.9 * _chance(1.5 * (X[:, 0] - 1.0) + 1.5 * X[:, 4])
    labelled = y & (rng.random(len(X)) < frequency)
    return X[:n_rows], labelled[:n_rows].astype(int), y[:n_rows].astype(int), X[n_rows:], y[n_rows:]


def nhanes(path, n_rows, seed):
    table = pd.read_csv(path)
    X = table.drop(columns=["target_pu", "target", "target_true"])
    rows, new = train_test_rows(len(X), n_rows, len(X), seed)
    X, X_test = table_to_numbers(X.iloc[rows], X.iloc[new])
    truth = table["target_true"].to_numpy()
    return X, table["target_pu"].to_numpy()[rows], truth[rows], X_test, truth[new]


# --------------------------------------------------------------------------- the methods


def _tuned(kind, score="lee_liu", **how):
    def job(model, X, labelled, truth):
        inner = kind(clone(model), random_state=0, **how)
        scorer = pu_f1_scorer
        if score != "lee_liu":
            prior = ClassPrior(clone(model), random_state=0).fit(X, labelled).class_prior_
            scorer = make_pu_scorer(score, class_prior=prior)
        tuned = TunedThresholdClassifierCV(inner, scoring=scorer, cv=3, random_state=0)
        return tuned.fit(X, labelled)

    return job


def _ours(kind, **how):
    return lambda model, X, labelled, truth: kind(clone(model), random_state=0, **how).fit(
        X, labelled
    )


def _pulearn(name, prior=False, bare=False, **how):
    def job(model, X, labelled, truth):
        import pulearn

        given = dict(how)
        if name == "WeightedElkanotoPuClassifier":
            given |= {"labeled": labelled.sum(), "unlabeled": (labelled == 0).sum()}
        if prior:  # of the unlabelled rows
            given["prior"] = truth[labelled == 0].mean()
        if not bare:
            given["estimator"] = clone(model)
        if "Bayes" not in name and "TAN" not in name:
            given["random_state"] = 0
        if given.get("max_samples") == "labelled":
            given["max_samples"] = int(labelled.sum())
        return getattr(pulearn, name)(**given).fit(X, labelled)

    return job


def all_methods():
    found = {
        "truth": lambda model, X, labelled, truth: clone(model).fit(X, truth),
        "plain": lambda model, X, labelled, truth: clone(model).fit(X, labelled),
        "ElkanNoto": _ours(ElkanNotoClassifier),
        "ElkanNoto, rescaled": _ours(ElkanNotoClassifier, mode="rescaled"),
        "ElkanNoto, tuned": _tuned(ElkanNotoClassifier),
        "ElkanNoto, tuned F1": _tuned(ElkanNotoClassifier, "f1"),
        "WeightedPU": _ours(WeightedPUClassifier),
        "BaggingPU": _ours(BaggingPUClassifier),
        "BaggingPU, tuned": _tuned(BaggingPUClassifier),
        "PropensityPU": _ours(PropensityPUClassifier),
        "PropensityPU, known columns": _ours(PropensityPUClassifier, propensity_features=[0, 4]),
        "TaylorPU": _ours(TaylorPUClassifier),
        "TaylorPU, f": _ours(TaylorPUClassifier, calibrate=False),
    }
    try:
        import pulearn  # noqa: F401
    except ImportError:
        return found
    return found | {
        "pulearn Elkanoto": _pulearn("ElkanotoPuClassifier"),
        "pulearn WeightedElkanoto": _pulearn("WeightedElkanotoPuClassifier"),
        "pulearn Bagging": _pulearn("BaggingPuClassifier"),
        "pulearn Bagging, balanced": _pulearn("BaggingPuClassifier", max_samples="labelled"),
        "pulearn NNPU": _pulearn("NNPUClassifier", prior=True, bare=True),
        "pulearn naive Bayes": _pulearn("PositiveNaiveBayesClassifier", bare=True),
        "pulearn weighted naive Bayes": _pulearn("WeightedNaiveBayesClassifier", bare=True),
        "pulearn TAN": _pulearn("PositiveTANClassifier", bare=True),
    }


def run_cell(name, model, data, jobs):
    """One row of results for each method."""
    X, labelled, truth, X_test, y_test = data
    rows = []
    for method, job in jobs.items():
        if method.endswith("known columns") and name == "nhanes":
            continue
        row = {"method": method, "f1": np.nan, "auc": np.nan, "prior": np.nan, "seconds": np.nan}
        row |= {"true_prior": truth.mean(), "error": ""}
        try:
            fitted, row["seconds"] = timed(job, model, X, labelled, truth)
            row["f1"] = f1_score(y_test, np.asarray(fitted.predict(X_test)) == 1)
            row["auc"] = roc_auc_score(y_test, np.nan_to_num(fitted.predict_proba(X_test)[:, 1]))
            row["prior"] = getattr(fitted, "class_prior_", np.nan)
        except (ValueError, TypeError) as error:  # a peer that cannot do it is no reason to stop
            row["error"] = repr(error)[:200]
        rows.append(row)
    return rows


def by_set(table, column):
    wide = table.pivot_table(column, "method", ["set", "model"], sort=False)
    wide.columns = [f"{name}, {model}" for name, model in wide.columns]
    return wide.reset_index().to_dict("records")


def best_of(table):
    """The best of ours, at its defaults or tuned by positive-unlabelled labels, and pulearn's."""
    mean = table.groupby(["set", "model", "method"])[["f1", "auc", "seconds"]].mean()
    rows = []
    for (name, model), part in mean.groupby(level=[0, 1]):
        part = part.droplevel([0, 1])
        is_peer = part.index.str.startswith("pulearn")
        ours = part[~is_peer].drop(index=["truth", "plain"], errors="ignore")
        row = {"set": name, "model": model, "plain": part["f1"].get("plain")}
        for whose, some in (("ours", ours), ("pulearn", part[is_peer])):
            if len(some.dropna(subset="f1")):
                best = some["f1"].idxmax()
                row |= {whose: best, f"F1 of {whose}": some["f1"][best]}
                row[f"s of {whose}"] = some["seconds"][best]
        rows.append(row | {"truth": part["f1"].get("truth")})
    return rows


# --------------------------------------------------------------------------- priors


def measure_priors(n_seeds, n_rows, models):
    rows = []
    for model in models:
        for prior in (0.1, 0.3, 0.6):
            for apart in (1.5, 2.5, 4.0):
                for frequency in (0.2, 0.6):
                    for seed in range(n_seeds):
                        rng = np.random.default_rng(seed)
                        y = rng.random(n_rows) < prior
                        X = rng.normal(size=(n_rows, 4))
                        X[:, 0] += apart * y
                        labelled = y & (rng.random(n_rows) < frequency)
                        rows += [
                            {
                                "model": model,
                                "prior": prior,
                                "apart": apart,
                                "labelled": frequency,
                                "method": method,
                                "error": found - y.mean(),
                                "z": (found - y.mean()) / error if error else np.nan,
                                "seconds": seconds,
                            }
                            for method, found, error, seconds in _priors(MODELS[model], X, labelled)
                        ]
    return pd.DataFrame(rows)


def _priors(model, X, labelled):
    for method in ("plateau", "best-bin", "elkan-noto"):
        found, seconds = timed(
            ClassPrior(clone(model), method=method, random_state=0).fit, X, labelled.astype(int)
        )
        yield method, found.class_prior_, found.standard_error_, seconds
    try:
        from pulearn.priors import HistogramMatchPriorEstimator, ScarEMPriorEstimator
    except ImportError:
        return
    for kind in (HistogramMatchPriorEstimator, ScarEMPriorEstimator):
        found, seconds = timed(kind(clone(model)).fit, X, labelled.astype(int))
        yield f"pulearn {kind.__name__}", found.pi_, np.nan, seconds


def prior_summary(table):
    rows = []
    for (model, method), part in table.groupby(["model", "method"]):
        error = part["error"].abs()
        cells = part.groupby(["prior", "apart", "labelled"])["error"].mean().abs()
        rows.append(
            {
                "model": model,
                "method": method,
                **{f"apart {a}": error[part["apart"] == a].mean() for a in (1.5, 2.5, 4.0)},
                "within 0.05, of cells": np.mean(cells < 0.05),
                "worst cell": cells.max(),
                "seconds": part["seconds"].mean(),
            }
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help=f"folder of {NHANES}")
    parser.add_argument("--sets", nargs="+", default=None)
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--methods", nargs="+", default=None, help="default: all installed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=3_000, help="training rows at most")
    parser.add_argument("--priors", action="store_true", help="estimates of the class prior alone")
    parser.add_argument("--out", default="positive_unlabelled.csv", help="CSV file of all cells")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the summary")
    parser.add_argument("--quick", action="store_true", help="minutes: few cells of 1000 rows")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.quick:
        options.rows, options.seeds, options.models = min(options.rows, 1_000), 1, ["logistic"]
    if options.priors:
        table = measure_priors(options.seeds, options.rows, options.models)
        show_and_save(prior_summary(table), options.summary, "Error of the class prior")
        return
    folder = data_folder(options.data, "real_noise")
    there = folder is not None and (folder / NHANES).exists()
    names = options.sets or [*(["nhanes"] if there else []), *MADE]
    jobs = all_methods()
    if options.methods:
        jobs = {name: jobs[name] for name in options.methods}
    runs = Runs(options.out, KEYS, len(names) * options.seeds * len(options.models))
    for name in names:
        for seed in range(options.seeds):
            for model in options.models:
                if runs.is_done(name, seed, model):
                    continue
                if name == "nhanes":
                    data = nhanes(folder / NHANES, options.rows, seed)
                else:
                    data = made(name, options.rows, seed)
                runs.add((name, seed, model), run_cell(name, MODELS[model], data, jobs))
    table = runs.table()
    for column, title in (("f1", "F1"), ("auc", "AUC"), ("prior", "Class prior")):
        show_and_save(by_set(table, column), None, f"{title}, on new rows")
    show_and_save(by_set(table, "seconds"), None, "Seconds of fit")
    show_and_save(best_of(table), options.summary, "Best of each")


if __name__ == "__main__":
    main()
