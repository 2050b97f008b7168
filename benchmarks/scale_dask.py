"""DaskFilterClassifier on data several times the memory of the workers.

    python benchmarks/scale_dask.py [--rows 10000000] [--workers 2] [--memory 400MiB]

20 numeric columns in partitions of 100000 rows, made by the workers when they are asked for; two
classes, 15 % of the labels changed. The model is naive Bayes, fed partition by partition. Prints
the time, the most memory that a worker and this process held, and how well the wrong rows were
found.
"""

from __future__ import annotations

import argparse
import resource
import time

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster
from sklearn.naive_bayes import GaussianNB

from sknoisy.dask import DaskFilterClassifier

SIZE, COLUMNS, RATE = 100_000, 20, 0.15


def made_rows(block_info=None):
    """X with the given and the true label as its last two columns."""
    rng = np.random.default_rng(block_info[None]["chunk-location"][0])
    true = rng.integers(0, 2, SIZE)
    X = rng.normal(size=(SIZE, COLUMNS)) + 0.6 * true[:, None]
    given = np.where(rng.random(SIZE) < RATE, 1 - true, true)
    return np.column_stack([X, given, true])


def peak():
    """Most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="400MiB", help="limit of each worker")
    options = parser.parse_args()
    n_parts = -(-options.rows // SIZE)
    chunks = ((SIZE,) * n_parts, (COLUMNS + 2,))
    rows = da.map_blocks(made_rows, chunks=chunks, dtype=float, meta=np.empty((0, 0)))
    X, given, true = rows[:, :COLUMNS], rows[:, -2].astype(int), rows[:, -1].astype(int)
    how = {
        "n_workers": options.workers,
        "threads_per_worker": 1,
        "memory_limit": options.memory,
        "dashboard_address": None,
    }
    with LocalCluster(**how) as cluster, Client(cluster) as client:
        at_first, start = peak(), time.perf_counter()
        model = DaskFilterClassifier(GaussianNB(), calibrate=False, random_state=0).fit(X, given)
        took = time.perf_counter() - start
        wrong, flagged = given != true, model.noise_mask_
        hits, n_wrong, right = da.compute(
            (wrong & flagged).sum(), wrong.sum(), (model.predict(X) == true).mean()
        )
        peaks = client.run(peak)
        print(f"rows {n_parts * SIZE}, X {X.nbytes / 2**20:.0f} MB")
        print(f"workers {options.workers} of {options.memory}, seconds {took:.0f}")
        print(
            f"most memory of a worker {max(peaks.values()):.0f} MB, here {peak():.0f} MB ", end=""
        )
        print(f"({at_first:.0f} MB before the fit)")
        print(
            f"precision {hits / model.n_rows_flagged_:.3f}, recall {hits / n_wrong:.3f}, ", end=""
        )
        print(f"accuracy by the true labels {right:.4f}")


if __name__ == "__main__":
    main()
