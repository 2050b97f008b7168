"""Targets that people and instruments really got wrong: is treating them better than nothing?

    python benchmarks/real_noise.py --data DIR [--out FILE] [--quick] [--trusted 0.1]
        [--datasets NAME ...] [--seeds N] [--rows N]

`--data` is a folder of CSV files with the columns `target` (as given) and `target_true`; a file
NAME_test.csv has clean test rows, else 0.4 of the rows are the test part. Columns `annotator_*`,
`lf_*` and `target_*` are no features. A target of more than 20 different numbers means regression.

Methods: "clean" has been trained on the true targets, "plain" on the given ones, and so have
sknoisy's default and cleanlab. For those whose name ends in "trusted", the true targets of a
random tenth of the training rows are put in; "plain, trusted" is trained on that, and sknoisy is
told which rows they are. Scores are accuracy and R2 on true targets.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings

import numpy as np
import pandas as pd
from _runs import Runs, data_folder, table_to_numbers, tables_in, timed, train_test_rows
from _table import show_and_save
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from sknoisy.metrics import average_precision
from sknoisy.robust import RobustClassifier, RobustRegressor

KEYS = ["dataset", "seed", "model"]
NO_FEATURES = ("annotator_", "lf_", "target")
ALSO_NONE = ("split", "crowd_score", "expert_birads", "item", "id")
MODELS = {
    "classification": {
        "linear": LogisticRegression(max_iter=1000),
        "boosting": HistGradientBoostingClassifier(random_state=0),
    },
    "regression": {
        "linear": Ridge(),
        "boosting": HistGradientBoostingRegressor(random_state=0),
    },
}
WORSE = 0.005  # a case counts as worse or better than plain beyond this


def read(path):
    """Features, given and true targets; the given ones of a clean test part are missing."""
    table = pd.read_csv(path)
    table = table[table["target_true"].notna()]
    if "target" in table:
        table = table[table["target"].notna()]
    features = features_of(table)
    given = table["target"] if "target" in table else table["target_true"]
    return table[features].reset_index(drop=True), given.to_numpy(), table["target_true"].to_numpy()


def features_of(columns):
    return [c for c in columns if not c.startswith(NO_FEATURES) and c not in ALSO_NONE]


def load(name, folder, n_rows, seed):
    """task, X, z (given), y (true), X_test, y_test; features as numbers."""
    paths = {path.name.split(".csv")[0]: path for path in folder.glob("*.csv*")}
    X, z, y = read(paths[name])
    if f"{name}_test" in paths:
        train = train_test_rows(len(y), n_rows, 0, seed)[0]
        if len(y) < n_rows / 0.6:  # nothing has to be held back
            train = np.random.default_rng(seed).permutation(len(y))[:n_rows]
        X_test, _, y_test = read(paths[f"{name}_test"])
        X_test = X_test[X.columns]
    else:
        train, test = train_test_rows(len(y), n_rows, 4_000, seed)
        X_test, y_test = X.iloc[test], y[test]
    X, z, y = X.iloc[train], z[train], y[train]
    is_number = z.dtype.kind in "iuf" and len(np.unique(np.r_[z, y])) > 20
    if is_number:
        z, y, y_test = z.astype(float), y.astype(float), y_test.astype(float)
    else:
        classes = sorted(set(z) | set(y) | set(y_test), key=str)
        z, y, y_test = (np.array([classes.index(v) for v in values]) for values in (z, y, y_test))
    X, X_test = as_numbers(X, X_test)
    return "regression" if is_number else "classification", X, z, y, X_test, y_test


def as_numbers(X, X_test):
    """TF-IDF of texts where there is little else, else the table without them."""
    texts = [
        c for c in X if not pd.api.types.is_numeric_dtype(X[c]) and X[c].nunique() > 0.5 * len(X)
    ]
    if not texts or X.shape[1] - len(texts) >= 5:
        return table_to_numbers(X.drop(columns=texts), X_test.drop(columns=texts))
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=5_000)

    def joined(part):
        return part[texts].fillna("").astype(str).agg(" ".join, axis=1)

    return vectorizer.fit_transform(joined(X)), vectorizer.transform(joined(X_test))


def cleanlab(task, model, X, z):
    if task == "classification":
        from cleanlab.classification import CleanLearning
    else:
        from cleanlab.regression.learn import CleanLearning
    return CleanLearning(clone(model), seed=0).fit(X, z)


def run_cell(task, model, X, z, y, X_test, y_test, trusted, with_cleanlab):
    kind = RobustClassifier if task == "classification" else RobustRegressor
    put = np.where(trusted, y, z)

    def plain(target):
        return clone(model).fit(X, target)

    def robust(target, mask=None):
        return kind(clone(model), random_state=0).fit(X, target, trusted=mask)

    jobs = {
        "clean": lambda: plain(y),
        "plain": lambda: plain(z),
        "sknoisy": lambda: robust(z),
        "plain, trusted": lambda: plain(put),
        "sknoisy, trusted": lambda: robust(put, trusted),
    }
    if with_cleanlab:
        jobs["cleanlab"] = lambda: cleanlab(task, model, X, z)
    rows = []
    for method, job in jobs.items():
        score = seconds = ap = np.nan
        treatment = error = ""
        try:
            fitted, seconds = timed(job)
            score = fitted.score(X_test, y_test)
            treatment = getattr(fitted, "treatment_", "")
            if hasattr(fitted, "noise_proba_") and task == "classification":
                rest = ~trusted if "trusted" in method else slice(None)
                if (z != y)[rest].any():
                    ap = average_precision((z != y)[rest], fitted.noise_proba_[rest])
        except (ValueError, TypeError) as caught:  # a peer that cannot do it is no reason to stop
            error = repr(caught)[:200]
        rows.append(
            {
                "task": task,
                "method": method,
                "score": score,
                "ap": ap,
                "seconds": seconds,
                "treatment": treatment,
                "error": error,
            }
        )
    return rows


def summary(table):
    """One row per task and method: gain over plain, cases better and worse, share won back."""
    index = ["task", *KEYS, "method"]
    wide = table.drop_duplicates(index, keep="last").set_index(index).unstack("method")
    rows = []
    for task, part in wide.groupby(level="task"):
        # a case is a data set with a model: seeds are no cases of their own
        scores = part["score"].groupby(level=["dataset", "model"]).mean()
        for method in scores.columns.drop(["clean", "plain"]):
            gain = (scores[method] - scores["plain"]).dropna()
            lost = (scores["clean"] - scores["plain"])[gain.index].sum()
            rows.append(
                {
                    "task": task,
                    "method": method,
                    "cases": len(gain),
                    "mean gain": gain.mean(),
                    "better": int((gain > WORSE).sum()),
                    "worse": int((gain < -WORSE).sum()),
                    "worst": gain.min(),
                    "share": gain.sum() / lost if lost > 0 else np.nan,
                    "ap": part["ap"][method].mean(),
                    "time": (part["seconds"][method] / part["seconds"]["plain"]).median(),
                }
            )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of CSV files")
    parser.add_argument("--datasets", nargs="+", default=None)
    parser.add_argument("--models", nargs="+", default=["linear", "boosting"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=3_000, help="training rows at most")
    parser.add_argument("--trusted", type=float, default=0.1, help="share of rows trusted")
    parser.add_argument("--out", default="real_noise.csv", help="CSV file of all cells")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the summary")
    parser.add_argument("--quick", action="store_true", help="one seed, linear models, 600 rows")
    options = parser.parse_args()
    folder = data_folder(options.data, "real_noise")
    if folder is None:
        parser.error("--data is needed: a folder of CSV files with target and target_true")
    if options.quick:
        options.seeds, options.models, options.rows = 1, ["linear"], min(options.rows, 600)
    tables = tables_in(folder)
    names = options.datasets or [
        name
        for name, path in tables.items()
        if {"target", "target_true"} <= (columns := columns_of(path)) and features_of(columns)
    ]
    with_cleanlab = importlib.util.find_spec("cleanlab") is not None
    if not with_cleanlab:
        print("cleanlab is not installed: measured without it (pip install 'sknoisy[bench]')")
    runs = Runs(options.out, KEYS, len(names) * options.seeds * len(options.models))
    warnings.simplefilter("ignore")
    for name in names:
        for seed in range(options.seeds):
            todo = [m for m in options.models if not runs.is_done(name, seed, m)]
            if not todo:
                continue
            task, X, z, y, X_test, y_test = load(name, folder, options.rows, seed)
            trusted = np.random.default_rng(seed).random(len(z)) < options.trusted
            for model_name in todo:
                model = MODELS[task][model_name]
                if model_name == "boosting" and not isinstance(X, np.ndarray):
                    continue  # takes no sparse features
                rows = run_cell(task, model, X, z, y, X_test, y_test, trusted, with_cleanlab)
                runs.add((name, seed, model_name), rows)
    table = runs.table()
    cases = table.groupby(["task", "dataset", "model", "method"])["score"].mean().unstack()
    show_and_save(cases.reset_index().to_dict("records"), title="Scores on true targets")
    show_and_save(summary(table), options.summary, "Over plain")


def columns_of(path):
    return set(pd.read_csv(path, nrows=0).columns)


if __name__ == "__main__":
    main()
