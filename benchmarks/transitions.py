"""Transition matrices: how far from the truth they are, and what a known one wins back.

    python benchmarks/transitions.py [--seeds N] [--rows N ...] [--train N] [--out FOLDER] [--quick]
        [--tables error paired accuracy honest]

"error": mean absolute error of a row of the matrix (its L1 distance from the true row) for each
estimator, over the number of rows, on made data whose classes overlap a little. TrustedTransition
gets 5 % of the rows with both labels ("paired") or with the true one alone; AnnotatorTransition
three answers to each row.

"paired": the expected squared error of a matrix of paired labels as the formula has it, and as it
is over 2 000 draws.

"accuracy": share of the accuracy that noise has cost which is won back ("1": as good as clean
labels), with the true matrix and with estimated ones, next to the plain model, RobustClassifier and
NoiseIgnorantClassifier. "even" noise leaves the likeliest class the likeliest: what is lost there
is what a row with a wrong label cannot tell any more.

"honest": log loss over that of the plain model where no label is wrong, and classes overlap.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from _table import show_and_save
from honesty import made
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from sknoisy import RobustClassifier
from sknoisy.datasets import transition_noise
from sknoisy.noise_model import (
    AnchorTransition,
    AnnotatorTransition,
    ConfidentJointTransition,
    NeighborTransition,
    TrustedTransition,
    expected_transition_error,
)
from sknoisy.training.correction import NoiseIgnorantClassifier, TransitionClassifier

N_TEST = 5_000
MODELS = {
    "logistic": LogisticRegression(max_iter=500),
    "boosting": HistGradientBoostingClassifier(max_iter=100, random_state=0),
    "forest": RandomForestClassifier(100, min_samples_leaf=3, random_state=0),
}


def matrix(kind, n_classes):
    """A transition matrix of 30 % wrong labels: even among the classes, or each for the next one.

    "one way": only the last class is taken for another, 45 times in 100.
    """
    if kind == "even":
        T = np.full((n_classes, n_classes), 0.3 / (n_classes - 1))
        np.fill_diagonal(T, 0.7)
    elif kind == "next":
        T = 0.7 * np.eye(n_classes) + 0.3 * np.roll(np.eye(n_classes), 1, axis=1)
        T[0] = 0.9 * np.eye(n_classes)[0] + 0.1 * np.eye(n_classes)[1]
    else:
        T = np.eye(n_classes)
        T[-1, [0, -1]] = 0.45, 0.55
    return T


def data(n, n_classes, seed, n_clusters=1):
    """(X, y, X_test, y_test)."""
    X, y = make_classification(
        n + N_TEST,
        12,
        n_informative=8,
        n_redundant=2,
        n_classes=n_classes,
        n_clusters_per_class=n_clusters,
        class_sep=1.2,
        flip_y=0.0,
        random_state=seed,
    )
    X = StandardScaler().fit_transform(X)
    return X[:n], y[:n], X[n:], y[n:]


# --------------------------------------------------------------------------- the matrix


def estimates(X, y, given, T, seed):
    """dict of name to the matrix that is found."""
    forest = MODELS["forest"]
    quick = {"n_resamples": 0, "random_state": 0}
    found = {
        "confident joint": ConfidentJointTransition(forest, **quick).fit(X, given),
        "confident joint, unbounded": ConfidentJointTransition(forest, bounded=False, **quick).fit(
            X, given
        ),
        "anchors, labels": AnchorTransition(forest, **quick).fit(X, given),
        "anchors, proba": AnchorTransition(forest, read="proba", **quick).fit(X, given),
        "neighbours": NeighborTransition(**quick).fit(X, given),
    }
    trusted = np.zeros(len(y), dtype=bool)
    trusted[np.random.RandomState(seed).choice(len(y), len(y) // 20, replace=False)] = True
    found["trusted, paired"] = TrustedTransition().fit(X, given, y_true=y, trusted=trusted)
    told = np.where(trusted, y, given)
    found["trusted"] = TrustedTransition(forest, random_state=0).fit(X, told, trusted=trusted)
    others = [transition_noise(y, T, random_state=1000 * (seed + 1) + i)[0] for i in range(2)]
    answers = np.column_stack([given, *others])
    found["three annotators"] = AnnotatorTransition(**quick).fit(None, answers)
    return {name: model.transition_ for name, model in found.items()}


def matrix_errors(rows, seeds):
    table = []
    for n_classes in (3, 10):
        for kind in ("even", "next"):
            T = matrix(kind, n_classes)
            for n in rows:
                errors = []
                for seed in range(seeds):
                    X, y, _, _ = data(n, n_classes, seed)
                    given, _ = transition_noise(y, T, random_state=seed)
                    found = estimates(X, y, given, T, seed)
                    errors.append({k: np.abs(v - T).sum(axis=1).mean() for k, v in found.items()})
                mean = {k: np.mean([e[k] for e in errors]) for k in errors[0]}
                table.append({"classes": n_classes, "noise": kind, "rows": n} | mean)
                print(table[-1], flush=True)
    return table


def paired_errors(n_draws=2_000):
    rng, table = np.random.default_rng(0), []
    T = np.array([[0.7, 0.3, 0.0], [0.0, 0.9, 0.1], [0.2, 0.1, 0.7]])
    for prior in ((1 / 3, 1 / 3, 1 / 3), (0.8, 0.15, 0.05)):
        for n in (20, 100, 500):
            for smoothing in (0.0, 1.0):
                model, errors = TrustedTransition(smoothing=smoothing), []
                for _ in range(n_draws):
                    y = rng.choice(3, n, p=prior)
                    given = (rng.random((n, 1)) > T.cumsum(axis=1)[y]).sum(axis=1)
                    counts = np.zeros((3, 3))
                    np.add.at(counts, (y, given), 1)
                    errors.append(((model._from_counts(counts).transition - T) ** 2).sum())
                said = expected_transition_error(T, n=n, class_prior=prior, smoothing=smoothing)
                plain = sum(
                    T[i, j] * (1 - T[i, j]) / (n * prior[i]) for i in range(3) for j in range(3)
                )
                table.append(
                    {
                        "rarest class": prior[-1],
                        "rows": n,
                        "smoothing": smoothing,
                        "simulated": np.mean(errors),
                        "formula": said,
                        "n_i as expected": plain,
                    }
                )
    return table


# --------------------------------------------------------------------------- what is won back


def candidates(model, T):
    def corrected(transition, **how):
        return TransitionClassifier(clone(model), transition, random_state=0, **how)

    more = {}
    if isinstance(model, LogisticRegression):  # models of many parameters gain nothing by it
        more["forward, 8 rounds"] = corrected(T, n_rounds=8)
    return more | {
        "forward": corrected(T),
        "forward, 0 rounds": corrected(T, n_rounds=0),
        "backward": corrected(T, method="backward"),
        "importance": corrected(T, method="importance"),
        "forward, anchors": corrected("auto"),
        "forward, joint": corrected(ConfidentJointTransition(n_resamples=0)),
        "forward, neighbours": corrected(NeighborTransition(n_resamples=0)),
        "RobustClassifier": RobustClassifier(clone(model), random_state=0),
        "ignorant": NoiseIgnorantClassifier(random_state=0),
    }


def won_back(n, seeds, models, methods=None):
    table = []
    for kind, n_classes in (("one way", 2), ("next", 3), ("even", 3)):
        for name in models:
            model, rows = MODELS[name], []
            for seed in range(seeds):
                X, y, X_test, y_test = data(n, n_classes, seed, 1 if name == "logistic" else 2)
                T = matrix(kind, n_classes)
                given, _ = transition_noise(y, T, random_state=seed)
                score = {
                    "clean": clone(model).fit(X, y).score(X_test, y_test),
                    "plain": clone(model).fit(X, given).score(X_test, y_test),
                }
                for method, one in candidates(model, T).items():
                    if methods is None or method in methods:
                        score[method] = one.fit(X, given).score(X_test, y_test)
                rows.append(score)
            mean = {k: np.mean([row[k] for row in rows]) for k in rows[0]}
            lost = mean["clean"] - mean["plain"]
            shares = {
                k: (v - mean["plain"]) / lost
                for k, v in mean.items()
                if k not in ("clean", "plain")
            }
            first = {"noise": kind, "classes": n_classes, "model": name}
            table.append(first | {"clean": mean["clean"], "plain": mean["plain"]} | shares)
            print(table[-1], flush=True)
    return table


def honest(n, seeds, models):
    table = []
    for name in ("risk", "risk, 3 classes", "fraud"):
        for which in models:
            rows = []
            for seed in range(seeds):
                X, y, X_test, y_test = made(name, n, seed)
                model = MODELS[which]

                def loss(one, X=X, y=y, X_test=X_test, y_test=y_test):
                    return log_loss(y_test, one.fit(X, y).predict_proba(X_test))

                plain = loss(clone(model))
                rows.append(
                    {
                        what: loss(TransitionClassifier(clone(model), T, random_state=0)) / plain
                        for what, T in (
                            ("anchors", "auto"),
                            ("joint", ConfidentJointTransition(n_resamples=0)),
                            ("neighbours", NeighborTransition(n_resamples=0)),
                        )
                    }
                )
            mean = {k: np.mean([row[k] for row in rows]) for k in rows[0]}
            table.append({"dataset": name, "model": which} | mean)
            print(table[-1], flush=True)
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = ["error", "paired", "accuracy", "honest"]
    parser.add_argument("--tables", nargs="+", default=every, choices=every)
    parser.add_argument("--rows", nargs="+", type=int, default=[500, 2_000, 10_000])
    parser.add_argument("--train", type=int, default=10_000, help="rows of accuracy")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--methods", nargs="+", default=None, help="of accuracy; default: all")
    parser.add_argument("--out", default=None, help="folder for the tables as CSV files")
    parser.add_argument("--quick", action="store_true", help="a minute: few rows, one seed")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.quick:
        options.rows, options.train, options.seeds = [500, 2_000], 2_000, 1
        options.models = ["logistic"]
    made_by = {
        "error": lambda: matrix_errors(options.rows, options.seeds),
        "paired": paired_errors,
        "accuracy": lambda: won_back(options.train, options.seeds, options.models, options.methods),
        "honest": lambda: honest(1_500, options.seeds, options.models),
    }
    titles = {
        "error": "L1 distance of a row of the matrix from the true one",
        "paired": "Squared error of the matrix of paired labels",
        "accuracy": f"Share of the lost accuracy won back, {options.train} rows",
        "honest": "Log loss over the plain model's, where no label is wrong",
    }
    for name in options.tables:
        out = None if options.out is None else f"{options.out}/transitions_{name}.csv"
        show_and_save(made_by[name](), out, titles[name])


if __name__ == "__main__":
    main()
