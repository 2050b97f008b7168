"""What the recovery benchmarks share: tables from a folder, resumable results, progress."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

ROOT = Path(__file__).resolve().parents[1]


class Runs:
    """Rows of results in a CSV file; cells that are there already are not run again.

    Parameters
    ----------
    path : str or Path
    keys : list of str
        Columns that name a cell.
    n_cells : int
        How many there will be, for the progress shown.
    """

    def __init__(self, path, keys, n_cells):
        self.path, self.keys, self.n_cells = Path(path), keys, n_cells
        self.path.parent.mkdir(parents=True, exist_ok=True)
        known = (
            pd.read_csv(self.path, dtype=dict.fromkeys(keys, str)) if self.path.exists() else None
        )
        self.done = set() if known is None else set(known[keys].itertuples(index=False, name=None))
        self.n_seen, self.start = 0, time.perf_counter()

    def is_done(self, *cell):
        self.n_seen += 1
        return tuple(map(str, cell)) in self.done

    def add(self, cell, rows):
        """Append the results of one cell, dicts of the same columns in every call."""
        cell = dict(zip(self.keys, map(str, cell), strict=True))
        table = pd.DataFrame([cell | row for row in rows])
        table.to_csv(self.path, mode="a", header=not self.path.exists(), index=False)
        minutes = (time.perf_counter() - self.start) / 60
        print(f"{self.n_seen} of {self.n_cells}, {minutes:.1f} min: {cell}", flush=True)

    def table(self):
        return pd.read_csv(self.path)


def data_folder(given, kind):
    """The folder with the CSV files of a kind: `given`, or the one of that name in it.

    By default a folder next to the project; None if there is none.
    """
    folder = ROOT.parent / "shared" / "data" if given is None else Path(given)
    if (folder / kind).is_dir():
        return folder / kind
    if given is None:
        return None
    if not tables_in(folder):
        raise SystemExit(f"--data {given}: there are no CSV files in it, nor in {folder / kind}")
    return folder


def tables_in(folder):
    """dict of name to path of the CSV files of a folder, their test parts left out."""
    paths = sorted([*folder.glob("*.csv"), *folder.glob("*.csv.gz")])
    named = {path.name.split(".csv")[0]: path for path in paths}
    return {name: path for name, path in named.items() if not name.endswith("_test")}


def table_to_numbers(train, test):
    """Two DataFrames as dense arrays: medians for missing numbers, one-hot for everything else."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    others = OneHotEncoder(
        max_categories=30, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    encoder = make_column_transformer(
        (numbers, make_column_selector(dtype_include=["number", "bool"])),
        (others, make_column_selector(dtype_exclude=["number", "bool"])),
    )
    return encoder.fit_transform(train), encoder.transform(test)


def train_test_rows(n, n_train, n_test, seed):
    """Row numbers of two random parts that do not overlap; the first has at most 0.6 of all."""
    order = np.random.default_rng(seed).permutation(n)
    n_train = min(n_train, int(0.6 * n))
    return order[:n_train], order[n_train : n_train + n_test]


def probability_scores(fitted, X, y):
    """Log loss, Brier score and AUC of a classifier; NaN where it has no probabilities."""
    scores = {"log_loss": np.nan, "brier": np.nan, "auc": np.nan}
    if not hasattr(fitted, "predict_proba"):
        return scores
    known = np.asarray(fitted.classes_).astype(int)
    proba = np.zeros((len(y), max(known.max(), y.max()) + 1))
    proba[:, known] = fitted.predict_proba(X)
    right = np.eye(proba.shape[1])[y]
    scores["log_loss"] = -np.log(np.clip(proba[right == 1], 1e-6, 1)).mean()
    scores["brier"] = ((proba - right) ** 2).sum(axis=1).mean()
    there = np.flatnonzero((right.sum(axis=0) > 0) & (right.sum(axis=0) < len(y)))
    if len(there):
        scores["auc"] = np.mean([roc_auc_score(right[:, k], proba[:, k]) for k in there])
    return scores


def timed(job, *args, **how):
    """(result, seconds)."""
    start = time.perf_counter()
    result = job(*args, **how)
    return result, time.perf_counter() - start
