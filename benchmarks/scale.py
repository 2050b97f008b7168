"""How time and memory grow with the number of rows.

    python benchmarks/scale.py [--rows 10000 30000 100000] [--out FILE]
    python benchmarks/scale.py --rows 10000 100000 1000000 --jobs filter default

Each fit has a process of its own. `seconds` is its time on the processor, which others on the same
machine do not lengthen much; `plain_fits` is that over the time of the model fitted alone, in the
same process. `peak_MB` is the most memory held, above what was held before the fit (Linux), X not
counted. The growth exponent is the slope of log(seconds) over log(rows): 1 is proportional.

Jobs: "detect" is the detection of an audit, `ConfidentLearning` around the model; "filter" is
`FilterClassifier`; "part" is the same with `max_samples=10000`; "default" is `RobustClassifier`.
Data have 20 numeric columns and 4 classes, 15 % of the labels changed.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import time

import numpy as np
from _table import show_and_save
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from sknoisy import FilterClassifier, RobustClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning

MODELS = {
    "linear": LogisticRegression(max_iter=1000),
    "boosting": HistGradientBoostingClassifier(random_state=0),
}
JOBS = {
    "detect": lambda model: ConfidentLearning(model, bounded=True, random_state=0),
    "filter": lambda model: FilterClassifier(model, random_state=0),
    "part": lambda model: FilterClassifier(model, max_samples=10_000, random_state=0),
    "default": lambda model: RobustClassifier(model, random_state=0),
}


def made_data(n_rows):
    X, y = make_classification(
        n_rows, 20, n_informative=10, n_classes=4, flip_y=0.0, random_state=0
    )
    return X, symmetric_noise(y, rate=0.15, random_state=0)[0]


def measure(job, model, n_rows):
    """Figures of one fit, in this process."""
    X, y = made_data(n_rows)
    estimator = JOBS[job](MODELS[model])
    clone(estimator).fit(X[:2000], y[:2000])  # libraries and threads are not what is measured
    ctypes.CDLL(None).malloc_trim(0)  # nor what making the data has left behind
    with open("/proc/self/clear_refs", "w") as reset:  # Linux: forget the peak so far
        reset.write("5")
    before = memory("VmRSS")
    total, peak = seconds(estimator, X, y), memory("VmHWM") - before
    plain = seconds(clone(MODELS[model]), X, y)
    return {
        "seconds": round(total, 3),
        "plain_fits": round(total / plain, 2),
        "peak_MB": round(peak, 1),
        "X_MB": round(X.nbytes / 2**20, 1),
    }


def seconds(estimator, X, y):
    start = time.process_time()
    estimator.fit(X, y)
    return time.process_time() - start


def memory(field):
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(field))
    return int(line.split()[1]) / 1024


def in_own_process(job, model, n_rows):
    command = [sys.executable, "-W", "ignore", __file__, "--measure", job, model, str(n_rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def exponent(rows):
    """Slope of log(seconds) over log(rows)."""
    if len(rows) < 2:
        return np.nan
    n, took = (np.log([row[name] for row in rows]) for name in ("rows", "seconds"))
    return round(float(np.polyfit(n, took, 1)[0]), 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--jobs", nargs="+", default=list(JOBS), choices=list(JOBS))
    parser.add_argument("--out", default=None, help="CSV or JSON file")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        job, model, n_rows = options.measure
        print(json.dumps(measure(job, model, int(n_rows))))
        return
    table = []
    for model in options.models:
        for job in options.jobs:
            rows = []
            for n_rows in options.rows:
                figures = in_own_process(job, model, n_rows)
                rows.append({"model": model, "job": job, "rows": n_rows, **figures})
                rows[-1]["exponent"] = exponent(rows)
                print(rows[-1], flush=True)
            table += rows
    show_and_save(table, options.out, "Time and memory by number of rows")


if __name__ == "__main__":
    main()
