"""Open data with the kind of noise that an idea is made for, and the same data without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from _runs import table_to_numbers, tables_in
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import balanced_accuracy_score

from sknoisy.datasets import (
    heavy_tail_noise,
    one_sided_noise,
    pair_noise,
    shuffle_noise,
    spread_noise,
    symmetric_noise,
)

N_TEST = 3_000
ALIGNED = 0.95  # rows in which a spurious column agrees with the label
BATCH = 20  # rows of a batch
BUNDLED = {
    "classification": {"breast_cancer": load_breast_cancer, "digits": load_digits},
    "regression": {"diabetes": load_diabetes},
}


@dataclass
class Case:
    """What a method is given, and what it is scored on.

    Attributes
    ----------
    X, z : ndarray
        Training rows and their given targets.
    X_clean, y_clean : ndarray
        What the best that can be hoped for is trained on.
    X_test, y_test : ndarray
    known : dict
        What else may be told to `fit`, by its meaning: groups, batches, X_target.
    test_groups : ndarray or None
    """

    X: np.ndarray
    z: np.ndarray
    X_clean: np.ndarray
    y_clean: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    known: dict = field(default_factory=dict)
    test_groups: np.ndarray | None = None


@dataclass(frozen=True)
class Scenario:
    """One kind of noise on several sets.

    Attributes
    ----------
    task : {"classification", "regression"}
    says : str
        What is wrong with the rows, in the table.
    score : callable(predictor, case) -> float, in points, higher is better
    make : callable(X, y, X_test, y_test, noisy, rng) -> Case
    datasets : tuple of str
    """

    task: str
    says: str
    score: Callable
    make: Callable
    datasets: tuple


# --------------------------------------------------------------------------- scores, in points


def accuracy(fitted, case):
    return 100 * np.mean(fitted.predict(case.X_test) == case.y_test)


def balanced(fitted, case):
    return 100 * balanced_accuracy_score(case.y_test, fitted.predict(case.X_test))


def worst_group(fitted, case):
    right = fitted.predict(case.X_test) == case.y_test
    return 100 * min(right[case.test_groups == g].mean() for g in np.unique(case.test_groups))


def less_brier(fitted, case):
    if not hasattr(fitted, "predict_proba"):
        return np.nan
    proba = np.zeros((len(case.y_test), case.y_test.max() + 1))
    proba[:, np.asarray(fitted.classes_).astype(int)] = fitted.predict_proba(case.X_test)
    return -100 * np.mean(((proba - np.eye(proba.shape[1])[case.y_test]) ** 2).sum(axis=1))


def less_rmse(fitted, case):
    error = np.asarray(fitted.predict(case.X_test), dtype=float) - case.y_test
    return -100 * np.sqrt(np.mean(error**2)) / case.y_test.std()


# --------------------------------------------------------------------------- what is done to rows


def relabelled(noise):
    """A scenario of wrong targets alone: `noise(X, y, rng)` gives new ones."""

    def make(X, y, X_test, y_test, noisy, rng):
        return Case(X, noise(X, y, rng) if noisy else y, X, y, X_test, y_test)

    return make


def long_tail(X, y, X_test, y_test, noisy, rng):
    """Classes thinned out to a twentieth, in random order; then flips."""
    classes, counts = np.unique(y, return_counts=True)
    order = rng.permutation(len(classes))
    share = 20.0 ** (-order / max(len(classes) - 1, 1))
    left = np.maximum((share * counts.min()).astype(int), 12)
    kept = np.concatenate(
        [rng.permutation(np.flatnonzero(y == k))[:n] for k, n in zip(classes, left, strict=True)]
    )
    kept.sort()
    X, y = X[kept], y[kept]
    z = symmetric_noise(y, 0.3, random_state=rng.integers(1 << 31))[0] if noisy else y
    return Case(X, z, X, y, X_test, y_test)


def spurious(X, y, X_test, y_test, noisy, rng):
    """A further column that agrees with the label, in the training rows alone.

    A tenth of the labels is wrong, so that the column is the better teacher.
    """

    def with_column(X, y, share):
        sign = np.where(rng.random(len(y)) < share, y, 1 - y)
        return np.column_stack([X, 2.0 * sign - 1 + 0.3 * rng.normal(size=len(y))]), sign

    z = symmetric_noise(y, 0.1, random_state=rng.integers(1 << 31))[0]
    new, sign = with_column(X, z, ALIGNED if noisy else 0.5)
    test, test_sign = with_column(X_test, y_test, 0.5)
    clean = np.column_stack([X, rng.permutation(new[:, -1])])
    # the attribute alone, and only in half of the rows
    attribute = np.where(rng.random(len(z)) < 0.5, sign, np.nan)
    known = {"groups": 2 * z + sign, "attribute": attribute}
    return Case(new, z, clean, z, test, y_test, known, 2 * y_test + test_sign)


def conflicting(X, y, X_test, y_test, noisy, rng):
    """A third of the batches answers the other way round."""
    batch = rng.permutation(len(y)) // BATCH
    odd = rng.random(batch.max() + 1) < (0.35 if noisy else 0.0)
    z = np.where(odd[batch], 2 * y.mean() - y, y)
    return Case(X, z, X, y, X_test, y_test, {"batches": batch})


def shifted(X, y, X_test, y_test, noisy, rng):
    """Training rows have low numbers mostly, rows to be predicted have high ones."""
    if not noisy:
        return Case(X, y, X, y, X_test, y_test, {"X_target": X_test[:1000]})

    def drawn(y, sign):
        rank = np.argsort(np.argsort(y, kind="stable"), kind="stable") / len(y)
        return np.flatnonzero(rng.random(len(y)) < 1 / (1 + np.exp(-sign * 8 * (rank - 0.5))))

    low, high, test = drawn(y, -1), drawn(y, 1), drawn(y_test, 1)
    known = {"X_target": X_test[test][:1000]}
    return Case(X[low], y[low], X[high], y[high], X_test[test], y_test[test], known)


def _seed(rng):
    return int(rng.integers(1 << 31))


# fmt: off
SCENARIOS = {
    "labels at random": Scenario(
        "classification", "30 % of the labels are any other", accuracy,
        relabelled(lambda X, y, rng: symmetric_noise(y, 0.3, random_state=_seed(rng))[0]),
        ("segment", "phoneme", "spambase"),
    ),
    "labels of the next class": Scenario(
        "classification", "35 % of the labels are those of the next class", accuracy,
        relabelled(lambda X, y, rng: pair_noise(y, 0.35, random_state=_seed(rng))[0]),
        ("segment", "vehicle", "phoneme"),
    ),
    "rare classes": Scenario(
        "classification", "classes have 1 to 20 parts of the rows, 30 % of the labels are wrong; "
        "balanced accuracy", balanced, long_tail, ("segment", "pendigits", "waveform"),
    ),
    "a spurious column": Scenario(
        "classification", "a column agrees with 95 % of the labels, a tenth of which is wrong, and "
        "with half of those to be predicted; accuracy in the worst of four groups",
        worst_group, spurious, ("phoneme", "spambase", "magic"),
    ),
    "uncertain labels": Scenario(
        "classification", "nothing is wrong, and nobody can be sure; 100 x Brier score", less_brier,
        relabelled(lambda X, y, rng: y), ("german_credit", "credit_default", "law_school"),
    ),
    "shuffled numbers": Scenario(
        "regression", "20 % of the numbers belong to other rows; RMSE in % of the deviation",
        less_rmse,
        relabelled(lambda X, y, rng: shuffle_noise(y, 0.2, random_state=_seed(rng))[0]),
        ("airfoil", "concrete", "kin8nm"),
    ),
    "heavy tails": Scenario(
        "regression", "40 % of the numbers have an error of Student's t, df=1.5", less_rmse,
        relabelled(
            lambda X, y, rng: heavy_tail_noise(y, 0.4, df=1.5, random_state=_seed(rng))[0]
        ),
        ("airfoil", "concrete", "kin8nm"),
    ),
    "numbers too low": Scenario(
        "regression", "40 % of the numbers are too low by about one deviation", less_rmse,
        relabelled(lambda X, y, rng: one_sided_noise(y, 0.4, random_state=_seed(rng))[0]),
        ("airfoil", "concrete", "kin8nm"),
    ),
    "unequal spread": Scenario(
        "regression", "all numbers have an error, nine times as large at one end of a direction",
        less_rmse,
        relabelled(lambda X, y, rng: spread_noise(X, y, 1.0, random_state=_seed(rng))[0]),
        ("airfoil", "concrete", "kin8nm"),
    ),
    "sources that conflict": Scenario(
        "regression", "35 % of the batches of 20 rows answer the other way round", less_rmse,
        conflicting, ("airfoil", "concrete", "kin8nm"),
    ),
    "other numbers to predict": Scenario(
        "regression", "mostly low numbers to learn from, mostly high ones to predict", less_rmse,
        shifted, ("airfoil", "concrete", "kin8nm"),
    ),
}
# fmt: on


def load(name, task, folder, n_rows, seed):
    """X, y, X_test, y_test as arrays; labels as numbers 0..K-1."""
    if folder is None:
        X, y = BUNDLED[task][name](return_X_y=True, as_frame=True)
    else:
        table = pd.read_csv(tables_in(folder / task)[name])
        X, y = table.drop(columns="target"), table["target"]
    order = np.random.default_rng(seed).permutation(len(y))
    n = min(n_rows, int(0.6 * len(y)))
    train, test = order[:n], order[n : n + N_TEST]
    y = pd.factorize(y, sort=True)[0] if task == "classification" else y.to_numpy(dtype=float)
    X_train, X_test = table_to_numbers(X.iloc[train], X.iloc[test])
    return X_train, y[train], X_test, y[test]


def make_case(scenario, name, folder, n_rows, seed, *, noisy):
    """The `Case` of a scenario on a set."""
    data = load(name, scenario.task, folder, n_rows, seed)
    return scenario.make(*data, noisy, np.random.default_rng(seed + 1))


def datasets_of(scenario, folder):
    """Its own sets, or those of scikit-learn that it can have."""
    if folder is not None:
        return scenario.datasets
    names = tuple(BUNDLED[scenario.task])
    return ("breast_cancer",) if scenario.make is spurious else names
