"""What is done to labels that are right: unpredictable is not wrong.

    python benchmarks/honesty.py [--data DIR] [--out FILE] [--quick] [--datasets NAME ...]
        [--models NAME ...] [--methods NAME ...] [--seeds N] [--rows N]
    python benchmarks/honesty.py --draws 200

Nothing is put in. The sets of `--data` (clean by convention) are as they are, and to them come made
ones whose labels are right by construction: "risk" (an outcome with probabilities between .1 and
.9), "risk, 3 classes", "fraud" (1.4 % positives, foretold in part), "random, 2 classes" and
"random, 5 classes" (labels that no feature knows anything of). Whatever a method drops, weighs down
or relabels here is right.

Log loss, Brier score and AUC are those on new rows. "ratio" is log loss over the plain model's,
which is 1 for who does nothing. "rare flagged" is the share of the rows of classes under 5 % that
are flagged, "rare mean" the mean probability of such a class over its frequency.

`--draws` asks how often a method acts on random labels: a row flagged, or a treatment chosen.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from _runs import Runs, data_folder, probability_scores, tables_in, timed
from _table import show_and_save
from recovery import BUNDLED, MODELS, OPENML, load, methods
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from sknoisy import FilterClassifier, RelabelClassifier, ReweightClassifier
from sknoisy.robust import RobustClassifier

KEYS = ["dataset", "seed", "model"]
RARE = 0.05  # share of the rows below which a class is rare


def _chance(logit):
    return 1 / (1 + np.exp(-logit))


def risk(X, rng):
    return rng.random(len(X)) < _chance(1.2 * X[:, 0] - 0.8 * X[:, 1] * X[:, 2])


def risk_of_three(X, rng):
    odds = np.exp(np.column_stack([X[:, 0], 0.8 * X[:, 1], X[:, 2] * X[:, 3]]))
    shares = (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)
    return (rng.random((len(X), 1)) > shares[:, :2]).sum(axis=1)


def fraud(X, rng):
    return rng.random(len(X)) < _chance(1.3 * X[:, 0] + 0.8 * X[:, 1] - 5.2)


MADE = {
    "risk": risk,
    "risk, 3 classes": risk_of_three,
    "fraud": fraud,
    "random, 2 classes": lambda X, rng: rng.integers(0, 2, len(X)),
    "random, 5 classes": lambda X, rng: rng.integers(0, 5, len(X)),
}


def made(name, n_rows, seed):
    """X, y, X_test, y_test; of fraud four times the rows, for it is rare."""
    n = 4 * n_rows if name == "fraud" else n_rows
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n + 5_000, 6))
    y = MADE[name](X, rng).astype(int)
    return X[:n], y[:n], X[n:], y[n:]


# --------------------------------------------------------------------------- the methods


def _by(kind):
    def job(model, X, y):
        fitted = kind(clone(model), random_state=0).fit(X, y)
        return fitted, fitted.noise_mask_

    return job


def _peer(job):
    """A method of `recovery` whose suspects are not asked for."""
    return lambda model, X, y: (job(model, X, y)[0], None)


def cleanlab(model, X, y):
    from cleanlab.classification import CleanLearning

    fitted = CleanLearning(clone(model), seed=0).fit(X, y)
    return fitted.clf, fitted.get_label_issues()["is_label_issue"].to_numpy()


def all_methods():
    ours = [RobustClassifier, FilterClassifier, ReweightClassifier, RelabelClassifier]
    found = {kind.__name__: _by(kind) for kind in ours}
    peers = {name: _peer(job) for name, job in methods().items() if name not in found}
    if "cleanlab" in peers:
        peers["cleanlab"] = cleanlab
    return found | peers


def run_cell(model, X, y, X_test, y_test, jobs):
    """One row of results for each method."""
    frequency = np.bincount(y) / len(y)
    rare = np.flatnonzero((frequency > 0) & (frequency < RARE))

    def row(method, fitted, seconds, flagged=None):
        of_rare = np.nan
        if len(rare) and hasattr(fitted, "predict_proba"):
            at = np.searchsorted(fitted.classes_, rare)
            means = fitted.predict_proba(X_test)[:, at].mean(axis=0)
            of_rare = (means / np.array([np.mean(y_test == k) for k in rare])).min()
        return {
            "method": method,
            "accuracy": np.mean(fitted.predict(X_test) == y_test),
            **probability_scores(fitted, X_test, y_test),
            "flagged": np.nan if flagged is None else flagged.mean(),
            "rare_flagged": flagged[np.isin(y, rare)].mean()
            if flagged is not None and len(rare)
            else np.nan,
            "rare_mean": of_rare,
            "acts": getattr(fitted, "treatment_", "") != "nothing",
            "seconds": seconds,
            "error": "",
        }

    rows = [row("plain", *timed(clone(model).fit, X, y))]
    for name, job in jobs.items():
        try:
            (fitted, flagged), seconds = timed(job, model, X, y)
            rows.append(row(name, fitted, seconds, flagged))
        except ValueError as error:  # a peer that cannot do it is no reason to stop
            failed = dict.fromkeys(rows[0], np.nan)
            rows.append(failed | {"method": name, "error": repr(error)[:200]})
    return rows


def summary(table):
    """One row per method."""
    wide = table.set_index([*KEYS, "method"]).unstack("method")
    rows = []
    for method in wide["log_loss"].columns.drop("plain"):
        ratio = wide["log_loss"][method] / wide["log_loss"]["plain"]
        auc = wide["auc"][method] - wide["auc"]["plain"]
        lost = 100 * (wide["accuracy"]["plain"] - wide["accuracy"][method])
        rows.append(
            {
                "method": method,
                "ratio": ratio.mean(),
                "worst set": ratio.groupby("dataset").mean().max(),
                "worst": ratio.max(),
                "AUC, worst set": auc.groupby("dataset").mean().min(),
                "brier": (wide["brier"][method] - wide["brier"]["plain"]).mean(),
                "points lost": lost.mean(),
                "flagged": wide["flagged"][method].mean(),
                "rare flagged, worst": wide["rare_flagged"][method].max(),
                "rare mean, least": wide["rare_mean"][method].min(),
                "acts": wide["acts"][method].astype(float).mean(),
                "time": (wide["seconds"][method] / wide["seconds"]["plain"]).median(),
                "failed": int(wide["log_loss"][method].isna().sum()),
            }
        )
    return rows


def ratio_by_set(table):
    wide = table.set_index([*KEYS, "method"])["log_loss"].unstack("method")
    ratio = wide.div(wide["plain"], axis=0).groupby("dataset").mean()
    return ratio.drop(columns="plain").reset_index().to_dict("records")


# --------------------------------------------------------------------------- random labels


def acts_on_random_labels(n_draws):
    """How often each method acts on 150 random labels, and how many rows it flags."""
    rows = []
    for n_classes in (2, 5):
        for name, job, model in (
            ("FilterClassifier", _by(FilterClassifier), GaussianNB()),
            ("FilterClassifier", _by(FilterClassifier), LogisticRegression()),
            ("RobustClassifier", _by(RobustClassifier), GaussianNB()),
        ):
            flagged = []
            for seed in range(n_draws):
                rng = np.random.default_rng(seed)
                X, y = rng.normal(size=(150, 5)), rng.integers(0, n_classes, 150)
                flagged.append(job(model, X, y)[1].mean())
            rows.append(
                {
                    "method": f"{name}({type(model).__name__})",
                    "classes": n_classes,
                    "draws": n_draws,
                    "acts": np.mean(np.array(flagged) > 0),
                    "flagged": np.mean(flagged),
                }
            )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of CSV files with a column target")
    parser.add_argument("--datasets", nargs="+", default=None, help="also of the made ones")
    parser.add_argument("--models", nargs="+", default=["logistic", "boosting", "forest"])
    parser.add_argument("--methods", nargs="+", default=None, help="default: all installed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_500, help="training rows at most")
    parser.add_argument("--draws", type=int, default=0, help="draws of random labels, and no more")
    parser.add_argument("--out", default="honesty.csv", help="CSV file of all cells")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the summary")
    parser.add_argument("--quick", action="store_true", help="minutes: few cells of 600 rows")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.draws:
        rows = acts_on_random_labels(options.draws)
        show_and_save(rows, options.summary, "Random labels: share of draws acted on")
        return
    folder = data_folder(options.data, "classification")
    if options.quick:
        folder = None if options.data is None else folder
        options.rows, options.seeds, options.models = min(options.rows, 600), 1, ["logistic"]
    names = list(tables_in(folder)) if folder else list(BUNDLED) if options.quick else OPENML
    names = options.datasets or [*names, *MADE]
    jobs = all_methods()
    if options.methods:
        jobs = {name: jobs[name] for name in options.methods}
    runs = Runs(options.out, KEYS, len(names) * options.seeds * len(options.models))
    for name in names:
        for seed in range(options.seeds):
            cells = [
                (name, seed, model)
                for model in options.models
                if not runs.is_done(name, seed, model)
            ]
            if not cells:
                continue
            if name in MADE:
                data = made(name, options.rows, seed)
            else:
                data = load(name, folder, options.rows, seed)
            for cell in cells:
                runs.add(cell, run_cell(MODELS[cell[-1]], *data, jobs))
    table = runs.table()
    show_and_save(ratio_by_set(table), None, "Log loss over the plain model's, by set")
    show_and_save(summary(table), options.summary, "All (nothing is wrong in any of these labels)")


if __name__ == "__main__":
    main()
