"""Labels of other kinds: crowds and labelling functions, next to the well-kept libraries for each.

    python benchmarks/weak_labels.py --data DIR [--out FILE] [--parts NAME ...]
        [--datasets NAME ...] [--seeds N] [--quick]

`--data` is a folder of CSV files with true labels in the column `target_true`. Columns
`annotator_*` are the answers of a crowd, `lf_*` the votes of labelling functions, blank where there
is none; a file NAME_test.csv has clean test rows.

- "crowds": aggregated labels against the true ones, accuracy and seconds; crowd-kit if installed.
- "features": the accuracy, on rows with true labels, of one classifier fitted to one answer per
  row (the column `target`), to the majority vote, by `CrowdClassifier`, and to the true labels.
  "won" is the share of the way from one answer to the true labels.
- "functions": the accuracy of one classifier of texts, fitted to what label models make of the
  votes; Snorkel's if installed. Rows in which all functions abstain are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _runs import data_folder, tables_in, timed
from _table import show_and_save
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy._soft_fit import fit_soft
from sknoisy.weak_labels import (
    GLAD,
    MACE,
    CrowdClassifier,
    DawidSkene,
    LabelModel,
    MajorityVote,
    OneCoin,
    TripletLabelModel,
    WeaklySupervisedClassifier,
)

NO_FEATURES = ("annotator_", "lf_", "target", "name_", "split")
LONG = 2_500  # rows beyond which crowd-kit's slow methods take minutes


def read(path):
    table = pd.read_csv(path)
    return table[table["target_true"].notna()].reset_index(drop=True)


def columns(table, prefix):
    names = [c for c in table if c.startswith(prefix)]
    return table[names].dropna(axis=1, how="all")


def failed(error):
    return {"accuracy": np.nan, "seconds": np.nan, "error": repr(error)[:120]}


# --------------------------------------------------------------------------- crowds


def aggregators():
    ours = [MajorityVote(), OneCoin(), DawidSkene(), GLAD(), MACE()]
    return {type(model).__name__: model for model in ours}


def crowd_kit(n_classes, n_rows):
    """Its methods that can be asked about so many classes and rows."""
    from crowdkit import aggregation as kit

    found = {
        "MajorityVote": kit.MajorityVote(),
        "Wawa": kit.Wawa(),
        "ZeroBasedSkill": kit.ZeroBasedSkill(),
        "OneCoinDawidSkene": kit.OneCoinDawidSkene(n_iter=100),
        "DawidSkene": kit.DawidSkene(n_iter=100),
    }
    if n_rows <= LONG:
        found |= {"GLAD": kit.GLAD(), "MACE": kit.MACE(), "MMSR": kit.MMSR()}
    if n_classes == 2:
        found["KOS"] = kit.KOS(random_state=0)
    return found


def crowds(folder, options):
    """One row of results for each set and method."""
    for name, path in chosen(folder, options, "annotator_"):
        table = read(path)
        if table["target_true"].nunique() > 20:  # numbers
            continue
        votes, truth = columns(table, "annotator_"), table["target_true"].to_numpy()

        def row(library, method, job, name=name, truth=truth):
            cell = {"dataset": name, "library": library, "method": method}
            try:
                labels, seconds = timed(job)
            except Exception as error:  # a peer that cannot do it is no reason to stop
                return cell | failed(error)
            return cell | {
                "accuracy": np.mean(labels == truth),
                "seconds": seconds,
                "error": "",
            }

        for method, model in aggregators().items():
            yield row("sknoisy", method, lambda model=model, v=votes: model.fit(v).labels_)
        if importlib.util.find_spec("crowdkit") is None:
            continue
        answers = votes.stack().dropna().reset_index()
        answers.columns = ["task", "worker", "label"]
        peers = crowd_kit(len(np.unique(truth)), len(truth))
        for method, model in peers.items():

            def job(model=model, answers=answers, table=table):
                return model.fit_predict(answers).reindex(table.index).to_numpy()

            yield row("crowd-kit", method, job)


def best_of_each(table):
    """By set: our default, our best and crowd-kit's best method."""
    rows = []
    for name, part in table.groupby("dataset", sort=False):
        row = {"dataset": name}
        ours = part[part["library"] == "sknoisy"].set_index("method")
        row["default"] = ours.loc["DawidSkene", "accuracy"]
        for library, of in part.groupby("library"):
            if of["accuracy"].notna().any():
                best = of.loc[of["accuracy"].idxmax()]
                row[f"{library}, best"] = best["accuracy"]
                row[f"{library}, which"] = best["method"]
                row[f"{library}, s"] = best["seconds"]
        rows.append(row)
    return rows


# --------------------------------------------------------------------------- with features


def features_of(table):
    return [c for c in table if not c.startswith(NO_FEATURES)]


def features_and_test(path, seed):
    """X, table of the training rows, X_test, y_test, model."""
    table, name = read(path), path.name.split(".csv")[0]
    tests = list(path.parent.glob(f"{name}_test.csv*"))
    if tests:
        test = read(tests[0])
    else:
        order = np.random.default_rng(seed).permutation(len(table))
        n_train = int(0.6 * len(table))
        table, test = table.iloc[order[:n_train]], table.iloc[order[n_train:]]
    names = [c for c in features_of(table) if c in test]
    if names == ["text"]:
        X, X_test = table["text"].to_numpy(), test["text"].to_numpy()
        model = make_pipeline(
            TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(max_iter=1000)
        )
    else:
        X, X_test = table[names].fillna(0).to_numpy(), test[names].fillna(0).to_numpy()
        strength = 0.1 if len(names) > 100 else 1.0
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
    return X, table, X_test, test["target_true"].to_numpy(), model


def with_features(folder, options):
    for name, path in chosen(folder, options, "annotator_"):
        if not features_of(read(path)) or read(path)["target_true"].nunique() > 20:
            continue
        for seed in range(options.seeds):
            X, table, X_test, y_test, model = features_and_test(path, seed)
            votes = columns(table, "annotator_")
            answers, truth = table["target"].to_numpy(), table["target_true"].to_numpy()

            def plain(y, X=X, model=model):
                return clone(model).fit(X, y)

            def crowd(X=X, votes=votes, model=model, seed=seed, **how):
                return CrowdClassifier(model, random_state=seed, **how).fit(X, votes)

            jobs = {
                "one answer": lambda plain=plain, y=answers: plain(y),
                "majority vote": lambda plain=plain, v=votes: plain(MajorityVote().fit(v).labels_),
                "Dawid-Skene labels": lambda plain=plain, v=votes: plain(
                    DawidSkene().fit(v).labels_
                ),
                "CrowdClassifier(n_rounds=0)": lambda crowd=crowd: crowd(n_rounds=0),
                "CrowdClassifier": crowd,
                'CrowdClassifier(combine="agreement")': lambda crowd=crowd: crowd(
                    combine="agreement"
                ),
                "true labels": lambda plain=plain, y=truth: plain(y),
            }
            for method, job in jobs.items():
                fitted, seconds = timed(job)
                labels = getattr(fitted, "labels_", None)
                yield {
                    "dataset": name,
                    "seed": seed,
                    "method": method,
                    "accuracy": np.mean(fitted.predict(X_test) == y_test),
                    "aggregated": np.nan if labels is None else np.mean(labels == truth),
                    "seconds": seconds,
                    "error": "",
                }


def share_won(table):
    """By set and method: mean accuracy, and the share of the way from one answer to the truth."""
    mean = table.groupby(["dataset", "method"], sort=False)["accuracy"].mean().unstack("method")
    mean = mean[list(dict.fromkeys(table["method"]))]
    way = mean["true labels"] - mean["one answer"]
    rows = mean.reset_index()
    rows["won"] = ((mean["CrowdClassifier"] - mean["one answer"]) / way).to_numpy()
    return rows.to_dict("records")


# --------------------------------------------------------------------------- functions


def snorkel(votes, seed):
    """(labels, probabilities) by Snorkel's label model, as it is by default."""
    from snorkel.labeling.model import LabelModel as Snorkel

    given = votes.stack().dropna()
    classes = np.unique(given.to_numpy())
    codes = votes.apply(lambda column: column.map({c: k for k, c in enumerate(classes)}))
    matrix = codes.astype(float).fillna(-1).to_numpy().astype(int)
    model = Snorkel(cardinality=len(classes), verbose=False)
    model.fit(matrix, seed=seed, progress_bar=False)
    return classes, model.predict_proba(matrix)


def functions(folder, options):
    for name, path in chosen(folder, options, "lf_"):
        table = read(path)
        train, test = table[table["split"] == "train"], table[table["split"] != "train"]
        X, y, votes = (
            train["text"].to_numpy(),
            train["target_true"].to_numpy(),
            columns(train, "lf_"),
        )
        covered = votes.notna().any(axis=1).to_numpy()
        model = make_pipeline(
            TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(C=10, max_iter=1000)
        )

        def weak(label_model, X=X, votes=votes, model=model):
            return WeaklySupervisedClassifier(model, label_model, random_state=0).fit(X, votes)

        def by_snorkel(seed, X=X, votes=votes, model=model, covered=covered):
            classes, proba = snorkel(votes, seed)
            fitted = fit_soft(model, X, proba * covered[:, None], classes)
            fitted.labels_ = classes[proba.argmax(axis=1)]
            return fitted

        jobs = {
            "MajorityVote": lambda weak=weak: weak(MajorityVote()),
            "LabelModel": lambda weak=weak: weak(LabelModel()),
            "TripletLabelModel": lambda weak=weak: weak(TripletLabelModel()),
            "CrowdClassifier(LabelModel)": lambda X=X, votes=votes, model=model: CrowdClassifier(
                model, LabelModel(), allow_empty=True, random_state=0
            ).fit(X, votes),
            "true labels, covered rows": lambda X=X, y=y, model=model, c=covered: clone(model).fit(
                X[c], y[c]
            ),
            "true labels, all rows": lambda X=X, y=y, model=model: clone(model).fit(X, y),
        }
        if importlib.util.find_spec("snorkel") is not None:
            for seed in range(options.seeds):
                jobs[f"Snorkel, seed {seed}"] = lambda seed=seed, job=by_snorkel: job(seed)
        for method, job in jobs.items():
            cell = {"dataset": name, "method": method}
            try:
                fitted, seconds = timed(job)
            except ValueError as error:
                yield cell | failed(error)
                continue
            right = np.nan
            if hasattr(fitted, "labels_"):
                right = np.mean(np.asarray(fitted.labels_)[covered] == y[covered])
            yield cell | {
                "accuracy": np.mean(fitted.predict(test["text"].to_numpy()) == test["target_true"]),
                "labels": right,
                "seconds": seconds,
                "error": "",
            }


# --------------------------------------------------------------------------- all of it


def chosen(folder, options, prefix):
    """(name, path) of the sets that have such columns."""
    for name, path in tables_in(folder).items():
        if options.datasets and name not in options.datasets:
            continue
        if any(c.startswith(prefix) for c in pd.read_csv(path, nrows=1)):
            yield name, path


# A part gives one row for each result; its summary may be None.
PARTS = {
    "crowds": (crowds, best_of_each),
    "features": (with_features, share_won),
    "functions": (functions, None),
}


def save(results, out):
    """All results as JSON or CSV, by the suffix."""
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".json":
        out.write_text(json.dumps(results, indent=1, default=float))
    else:
        pd.DataFrame(results).to_csv(out, index=False)
    print(f"written: {out}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of CSV files, see above")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--datasets", nargs="+", default=None)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", default="weak_labels.csv", help="CSV or JSON file of all results")
    parser.add_argument("--quick", action="store_true", help="one seed")
    options = parser.parse_args()
    folder = data_folder(options.data, "real_noise")
    if folder is None:
        parser.error("--data DIR is needed: a folder of CSV files")
    if options.quick:
        options.seeds = 1
    warnings.simplefilter("ignore")
    results = []
    for part in options.parts:
        run, summary = PARTS[part]
        rows = []
        for row in run(folder, options):
            rows.append({"part": part} | row)
            print(
                {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}, flush=True
            )
        if not rows:
            continue
        if summary is None:
            table = pd.DataFrame(rows).drop(columns=["part", "error"]).to_dict("records")
        else:
            table = summary(pd.DataFrame(rows))
        show_and_save(table, None, part)
        results += rows
    save(results, options.out)


if __name__ == "__main__":
    main()
