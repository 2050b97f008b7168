"""Rows that were spoilt with method: what is won back by those who know some of them, or none.

    python benchmarks/poisoned.py [--seeds N] [--rows N] [--models NAME ...] [--out FOLDER]
        [--tables unlearning stamps] [--quick]

"unlearning": bad rows have one kind of corruption, a part of them is flagged, and accuracy is that
on new rows which the corruption would have struck ("affected") and on all others. Next to plain
training, it is that without the flagged rows alone, without what `CorrectiveUnlearningClassifier`
takes for bad, and without all bad rows. "region": in a corner of the features half of all labels
are one class; "pair": half of one class is given as another; "source": a column says who labelled,
and one source in five labels at random; "random": one in seven labels is wrong at random, which
have nothing in common.

"stamps": a share of the rows carries a stamp (extreme values in two columns) and the attacker's
class; of 13 columns ("made"), of which few tell little of the class, or of 64 ("digits"). Accuracy
is that on clean rows, and "attacked" that on stamped rows of other classes (whose true class is
right), plain and with `StampDefenseClassifier`; a share of 0 is no attack at all.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from _table import show_and_save
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sknoisy.datasets import symmetric_noise
from sknoisy.training.poisoned import CorrectiveUnlearningClassifier, StampDefenseClassifier

N_TEST = 5_000
MODELS = {
    "logistic": LogisticRegression(max_iter=500),
    "boosting": HistGradientBoostingClassifier(max_iter=50, random_state=0),
    "forest": RandomForestClassifier(100, min_samples_leaf=2, random_state=0),
}
KINDS = ("region", "pair", "source", "random")


def data(n, seed):
    """(X, y) of all rows, the training rows first; the last column is a source of 0 to 4."""
    X, y = make_classification(
        n + N_TEST,
        12,
        n_informative=8,
        n_redundant=2,
        n_classes=4,
        n_clusters_per_class=1,
        class_sep=1.2,
        flip_y=0.0,
        random_state=seed,
    )
    source = np.random.default_rng(seed).integers(0, 5, len(y))
    return np.column_stack([StandardScaler().fit_transform(X), source]), y


def corrupted(kind, X, y, rng):
    """(given labels, bad rows, rows that are of the kind that is struck)."""
    half = rng.random(len(y)) < 0.5
    z = y.copy()
    if kind == "region":
        affected = (X[:, 0] > 0.3) & (X[:, 1] > 0)
        z[affected & half] = 0
    elif kind == "pair":
        affected = y == 3
        z[affected & half] = 1
    elif kind == "source":
        affected = X[:, -1] == 4
        z[affected] = rng.integers(0, 4, affected.sum())
    else:
        affected = np.ones(len(y), dtype=bool)
        z = symmetric_noise(y, 1 / 7, random_state=int(rng.integers(2**31 - 1)))[0]
    return z, z != y, affected


def unlearning(n, seeds, models):
    table = []
    for kind in KINDS:
        for flag_rate in (0.1, 0.3, 0.6):
            for name in models:
                found = [_unlearn(kind, flag_rate, MODELS[name], n, seed) for seed in range(seeds)]
                mean = {k: np.mean([one[k] for one in found]) for k in found[0]}
                table.append({"kind": kind, "flagged": flag_rate, "model": name} | mean)
    return table


def _unlearn(kind, flag_rate, model, n, seed):
    X, y = data(n, seed)
    rng = np.random.default_rng(seed)
    z, bad, affected = corrupted(kind, X, y, rng)
    flagged = bad & (rng.random(len(y)) < flag_rate)
    train, test = slice(n), slice(n, None)

    def without(rows):
        return clone(model).fit(X[train][~rows], z[train][~rows])

    unlearnt = CorrectiveUnlearningClassifier(clone(model), random_state=0)
    unlearnt.fit(X[train], z[train], flagged=flagged[train])
    fitted = {
        "plain": clone(model).fit(X[train], z[train]),
        "flagged out": without(flagged[train]),
        "unlearnt": unlearnt,
        "all bad out": without(bad[train]),
    }
    row = {}
    for part, rows in (("affected", affected[test]), ("others", ~affected[test])):
        for method, one in fitted.items():
            right = one.predict(X[test]) == y[test]
            row[f"{part}: {method}"] = right[rows].mean() if rows.any() else np.nan
    return row


def stamps(n, seeds, models):
    table = []
    for name in ("made", "digits"):
        for share in (0.0, 0.02, 0.05, 0.1):
            for model in models:
                found = [_stamp(name, share, MODELS[model], n, seed) for seed in range(seeds)]
                mean = {k: np.mean([one[k] for one in found]) for k in found[0]}
                table.append({"data": name, "poisoned": share, "model": model} | mean)
    return table


def _stamp(name, share, model, n, seed):
    if name == "made":
        (X, y), columns, value = data(n, seed), [10, 11], 4.0
    else:
        X, y = load_digits(return_X_y=True)
        order = np.random.default_rng(seed).permutation(len(y))
        X, y, columns, value, n = X[order], y[order], [0, 7], 16.0, 1_000

    def stamped(X, rows):
        X = X.copy()
        X[np.ix_(rows, columns)] = value
        return X

    X, X_test, y, y_test = X[:n], X[n:], y[:n], y[n:]
    poisoned = np.random.default_rng(seed).random(n) < share
    X, z = stamped(X, poisoned), np.where(poisoned, 0, y)
    target = y_test != 0
    attacked = stamped(X_test[target], np.ones(target.sum(), dtype=bool))
    row = {}
    for method, one in (
        ("plain", clone(model)),
        ("defence", StampDefenseClassifier(clone(model), random_state=0)),
    ):
        one.fit(X, z)
        row[f"clean: {method}"] = one.score(X_test, y_test)
        row[f"attacked: {method}"] = one.score(attacked, y_test[target])
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = ["unlearning", "stamps"]
    parser.add_argument("--tables", nargs="+", default=every, choices=every)
    parser.add_argument("--models", nargs="+", default=None, choices=MODELS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--out", default=None, help="folder for the tables as CSV files")
    parser.add_argument("--quick", action="store_true", help="one seed, few rows, logistic models")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.quick:
        options.seeds, options.rows, options.models = 1, min(options.rows, 600), ["logistic"]
    made_by = {"unlearning": unlearning, "stamps": stamps}
    titles = {
        "unlearning": "Accuracy on new rows, by the share of the bad rows that is flagged",
        "stamps": "Accuracy on new rows, by the share of stamped training rows",
    }
    for name in options.tables:
        out = None if options.out is None else f"{options.out}/poisoned_{name}.csv"
        models = options.models or ["logistic", "boosting" if name == "unlearning" else "forest"]
        rows = made_by[name](options.rows, options.seeds, models)
        show_and_save(rows, out, titles[name])


if __name__ == "__main__":
    main()
