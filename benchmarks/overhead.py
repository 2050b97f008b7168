"""What sknoisy adds to the fits that cannot be avoided, in time and memory.

    python benchmarks/overhead.py [--rows 20000 100000] [--repeats 3] [--out FILE]

For k-fold detection the ideal is k fits on (k-1)/k of the rows, one fit on all of them, and the
fold predictions, written as plain loops. A model may need longer for its last fit because the
suspect rows are gone (a logistic regression has more to learn from clean labels), so there is a
second ratio, to the same loops with the last fit on the rows that `FilterClassifier` keeps. For a
forest, judged out of bag, the ideal is one plain fit.
Whole fits of `FilterClassifier` (and of cleanlab's `CleanLearning`, when installed) are divided by
that, the three taken in turn, and the median over repeats is reported. Peak memory (Linux) is that
of a process of its own, above what it held before the fit, next to the same of a plain fit.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from _table import show_and_save
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from sknoisy import FilterClassifier
from sknoisy.detection import ConfidentLearning

MODELS = {
    "linear": LogisticRegression(max_iter=1000),
    "boosting": HistGradientBoostingClassifier(random_state=0),
    "forest": RandomForestClassifier(n_estimators=100, random_state=0),
}
FOLDS = 5


def made_data(n_rows):
    return make_classification(
        n_rows, 20, n_informative=10, n_classes=4, flip_y=0.1, random_state=0
    )


def plain(model, X, y):
    clone(model).fit(X, y)


def ideal(model, X, y, kept=slice(None)):
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(X, y):
        clone(model).fit(X[train], y[train]).predict_proba(X[test])
    clone(model).fit(X[kept], y[kept])


def filtered(model, X, y):
    detector = ConfidentLearning(cv=FOLDS)
    return FilterClassifier(model, detector, calibrate=False, random_state=0).fit(X, y)


def filtered_out_of_bag(model, X, y):
    return FilterClassifier(model, calibrate=False, random_state=0).fit(X, y)


def cleanlab(model, X, y):
    from cleanlab.classification import CleanLearning

    CleanLearning(clone(model), seed=0, cv_n_folds=FOLDS).fit(X, y)


JOBS = {
    "plain": plain,
    "ideal": ideal,
    "sknoisy": filtered,
    "sknoisy, out of bag": filtered_out_of_bag,
    "cleanlab": cleanlab,
}


def seconds(job, *args):
    start = time.perf_counter()
    job(*args)
    return time.perf_counter() - start


def peak_megabytes(label, model_name, n_rows):
    """Peak memory of one fit above what its process held before, measured in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        X, y = made_data(n_rows)
        np.save(f"{folder}/X.npy", X)
        np.save(f"{folder}/y.npy", y)
        command = [sys.executable, __file__, "--measure-peak", label, model_name, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def measure_peak(label, model_name, folder):
    X, y = np.load(f"{folder}/X.npy"), np.load(f"{folder}/y.npy")
    model = MODELS[model_name]
    clone(model).fit(X[:500], y[:500])  # libraries and their threads are not what is measured
    with open("/proc/self/clear_refs", "w") as reset:  # Linux: forget the peak so far
        reset.write("5")
    before = _memory("VmRSS")
    JOBS[label](model, X, y)
    print(_memory("VmHWM") - before)


def _memory(field):
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(field))
    return int(line.split()[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", default=None, help="CSV or JSON file")
    parser.add_argument("--measure-peak", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure_peak:
        measure_peak(*options.measure_peak)
        return
    peers = ["cleanlab"] if importlib.util.find_spec("cleanlab") else []
    if not peers:
        print("cleanlab is not installed: measured without it (pip install 'sknoisy[bench]')")
    rows = []
    for n_rows in options.rows:
        X, y = made_data(n_rows)
        for name in options.models:
            model = MODELS[name]
            base, ours = "ideal", "sknoisy"
            if name == "forest":
                base, ours = "plain", "sknoisy, out of bag"
            labels = [ours, *peers]
            kept = JOBS[ours](model, X, y).sample_indices_
            times = {label: [] for label in [base, "kept", *labels]}
            for _ in range(options.repeats):
                for label in [base, *labels]:
                    times[label].append(seconds(JOBS[label], model, X, y))
                times["kept"].append(
                    times[base][-1] if base == "plain" else seconds(ideal, model, X, y, kept)
                )
            plain_peak = peak_megabytes("plain", name, n_rows)
            for label in labels:
                ratios = [a / b for a, b in zip(times[label], times[base], strict=True)]
                same_fit = [a / b for a, b in zip(times[label], times["kept"], strict=True)]
                rows.append(
                    {
                        "rows": n_rows,
                        "model": name,
                        "who": label,
                        "seconds": round(statistics.median(times[label]), 3),
                        "over": base,
                        "ratio": round(statistics.median(ratios), 3),
                        "lowest": round(min(ratios), 3),
                        "highest": round(max(ratios), 3),
                        "same_last_fit": round(statistics.median(same_fit), 3),
                        "peak_MB": round(peak_megabytes(label, name, n_rows), 1),
                        "plain_peak_MB": round(plain_peak, 1),
                    }
                )
                print(rows[-1], flush=True)
    show_and_save(rows, options.out, "Whole fit over the unavoidable fits")


if __name__ == "__main__":
    main()
