"""Probabilities that were made elsewhere: time and memory from them to verdicts, next to cleanlab.

    python benchmarks/own_evidence.py [--rows N] [--classes K] [--repeats N] [--out FILE]

A tenth of the labels is made wrong. Each run has a process of its own, with one thread; on a
machine that others use, "CPU seconds" are the ones to compare. "flagged" is to be the same number:
given the same probabilities, all flag the same rows. What cleanlab gives is that mask, and so does
`find_suspects`; `ConfidentLearning` also gives a score, a posterior, a suggestion and the test of
what is known. The posterior is 19 products of the probabilities with a matrix of classes by
classes, which for a hundred classes are most of the time.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from _table import show_and_save


def data(n_rows, n_classes):
    """Probabilities and labels."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, n_classes, n_rows)
    proba = rng.normal(size=(n_rows, n_classes))
    proba[np.arange(n_rows), true] += 4
    np.exp(proba, out=proba)
    proba /= proba.sum(axis=1, keepdims=True)
    wrong = rng.random(n_rows) < 0.1
    y = np.where(wrong, rng.integers(0, n_classes, n_rows), true)
    return proba, y


def sknoisy(proba, y):
    from sknoisy.detection import ConfidentLearning

    return ConfidentLearning().fit(None, y, predicted=proba).noise_mask_


def flags_only(proba, y):
    from sknoisy.detection import find_suspects

    return find_suspects(proba, y)


def cleanlab(proba, y):
    from cleanlab.filter import find_label_issues

    return find_label_issues(y, proba, n_jobs=1)


JOBS = {"sknoisy": sknoisy, "sknoisy, flags only": flags_only, "cleanlab": cleanlab}


def run(name, options):
    """What one process measures; the imports are not timed."""
    command = [sys.executable, __file__, "--run", name]
    command += ["--rows", str(options.rows), "--classes", str(options.classes)]
    env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    return json.loads(out.splitlines()[-1])


def measure(name, options):
    proba, y = data(options.rows, options.classes)
    job = JOBS[name]
    job(*data(1000, 10))  # imports and first calls
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, start_cpu = time.perf_counter(), time.process_time()
    mask = job(proba, y)
    taken = {
        "seconds": time.perf_counter() - start,
        "CPU seconds": time.process_time() - start_cpu,
        "MB more": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }
    print(json.dumps({"who": name} | taken | {"flagged": int(mask.sum())}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", default=None, help="CSV or JSON file")
    parser.add_argument("--run", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        measure(options.run, options)
        return
    names = list(JOBS)
    if not importlib.util.find_spec("cleanlab"):
        names.remove("cleanlab")
        print("cleanlab is not installed: measured without it (pip install 'sknoisy[bench]')")
    runs = pd.DataFrame([run(name, options) for _ in range(options.repeats) for name in names])
    rows = runs.groupby("who", sort=False).median().reset_index().to_dict("records")
    size = f"{options.rows:,} rows, {options.classes} classes"
    show_and_save(rows, options.out, f"{size}, medians of {options.repeats} runs")


if __name__ == "__main__":
    main()
