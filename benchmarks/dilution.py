"""How many clean rows it takes when each is diluted by noisy ones, and whether filtering pays.

    python benchmarks/dilution.py [--data DIR] [--out FILE] [--summary FILE] [--quick]
        [--datasets NAME ...] [--kinds NAME ...] [--models NAME ...] [--methods NAME ...]
        [--alphas A ...] [--clean N ...] [--seeds N]

After D. Rolnick, A. Veit, S. Belongie, N. Shavit, "Deep Learning is Robust to Massive Label Noise",
arXiv:1705.10694, 2017: for networks, accuracy holds however much noise there is, if only the clean
rows pass a number that grows with alpha, the noisy rows for each clean one. Here it is any model.

The learning curves are accuracies on clean rows, by the number of clean rows and alpha, of the
plain model and of the treatments, which are told by `groups` which rows are copies of one another.

- "needs": the clean rows at which accuracy comes within `--within` points of that with all clean
  rows and no noise (between two sizes: on a line over their logarithms).
- "grows": the power b of the law ``needs ~ (1 + alpha) ** b``. With 0, noise costs nothing; with 1
  it takes as many times the clean rows as there are rows in all for each.
- The rule of thumb: where the treatment's accuracy is more than `--worth` points over plain.

`--data` is a folder of CSV files with a column `target`; "made" is a made set of 6 classes. A run
that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import warnings
from itertools import pairwise, product

import numpy as np
import recovery
from _runs import Runs, data_folder, tables_in, timed
from _table import show_and_save
from sklearn.base import clone
from sklearn.datasets import make_classification

from sknoisy import FilterClassifier
from sknoisy.datasets import dilute
from sknoisy.robust import RobustClassifier

KEYS = ["dataset", "seed", "kind", "model", "n_clean", "alpha"]
CURVE = ["dataset", "kind", "model", "method"]
KINDS = ("uniform", "structured", "foreign")
N_TEST = 2_000
METHODS = {
    "plain": lambda model: clone(model),
    "FilterClassifier": lambda model: FilterClassifier(clone(model), random_state=0),
    "RobustClassifier": lambda model: RobustClassifier(clone(model), random_state=0),
}


def made(n_rows, seed):
    X, y = make_classification(
        n_rows + N_TEST,
        12,
        n_informative=8,
        n_redundant=2,
        n_classes=6,
        n_clusters_per_class=1,
        class_sep=1.5,
        flip_y=0.0,
        random_state=seed,
    )
    return X[:n_rows], y[:n_rows], X[n_rows:], y[n_rows:]


def run_cell(model, X, y, X_test, y_test, kind, alpha, seed, methods):
    """One row of results for each method."""
    X, z, wrong, source = dilute(X, y, alpha, kind=kind, random_state=seed)
    # foreign rows are copies of nothing
    copies = np.where(source < 0, np.arange(len(source)) + len(y), source)
    rows = []
    for method in methods:
        how = {} if method == "plain" else {"groups": copies}
        line = {"method": method, "rows": len(z), "wrong": wrong.mean()}
        try:
            fitted, seconds = timed(lambda m=method, h=how: METHODS[m](model).fit(X, z, **h))
            flagged = getattr(fitted, "noise_mask_", np.zeros(len(z), dtype=bool))
            line |= {
                "accuracy": fitted.score(X_test, y_test),
                "flagged": flagged.mean(),
                "seconds": seconds,
                "error": "",
            }
        except ValueError as error:  # one that cannot do it is no reason to stop
            empty = dict.fromkeys(("accuracy", "flagged", "seconds"), np.nan)
            line |= {**empty, "error": repr(error)[:200]}
        rows.append(line)
    return rows


def run_grid(options, names, folder):
    grid = list(product(names, range(options.seeds), options.kinds, options.models))
    sizes = list(product(options.clean, options.alphas))
    runs = Runs(options.out, KEYS, len(grid) * len(sizes))
    most = max(options.clean)
    for name, seed, kind, model in grid:
        data = None
        for n_clean, alpha in sizes:
            cell = (name, seed, kind, model, n_clean, alpha)
            if runs.is_done(*cell):
                continue
            if data is None:
                data = made(most, seed) if name == "made" else recovery.load(
                    name, folder, most, seed
                )  # fmt: skip
            X, y, X_test, y_test = data
            if n_clean > len(y) or len(np.unique(y[:n_clean])) < 2:
                continue  # the set has fewer
            rows = run_cell(
                recovery.MODELS[model], X[:n_clean], y[:n_clean], X_test, y_test,
                kind, alpha, seed, options.methods,
            )  # fmt: skip
            runs.add(cell, rows)
    return runs.table()


# --------------------------------------------------------------------------- what is shown


def curves(table):
    """Mean accuracy in points: a curve and an alpha in each row, a number of clean rows across."""
    means = 100 * table.groupby([*CURVE, "alpha", "n_clean"])["accuracy"].mean()
    return means.unstack("n_clean")


def needed(sizes, accuracy, goal):
    """The first size at which the curve reaches the goal, between two sizes by their logarithms."""
    known = ~np.isnan(accuracy)
    sizes, accuracy = np.asarray(sizes, dtype=float)[known], accuracy[known]
    reached = np.flatnonzero(accuracy >= goal)
    if not len(reached):
        return np.inf
    first = reached[0]
    if first == 0:
        return sizes[0]
    low, high = accuracy[first - 1], accuracy[first]
    share = (goal - low) / (high - low)
    return float(np.exp(np.interp(share, [0, 1], np.log(sizes[first - 1 : first + 1]))))


def thresholds(wide, within):
    """Clean rows that each curve needs, and how that grows with alpha."""
    rows = []
    # what all clean rows are worth to the plain model without noise
    best = wide.xs("plain", level="method").xs(0.0, level="alpha").ffill(axis=1).iloc[:, -1]
    for curve, part in wide.groupby(level=CURVE):
        goal = best.loc[curve[:3]] - within
        needs = {
            alpha: needed(part.columns, part.xs(alpha, level="alpha").to_numpy()[0], goal)
            for alpha in part.index.get_level_values("alpha")
        }
        found = {alpha: n for alpha, n in needs.items() if np.isfinite(n)}
        power = np.nan
        if len(found) > 1:
            power = np.polyfit(np.log1p(list(found)), np.log(list(found.values())), 1)[0]
        rows.append(
            {
                **dict(zip(CURVE, curve, strict=True)),
                "goal": goal,
                **{f"needs, alpha {alpha:g}": n for alpha, n in needs.items()},
                "grows": power,
            }
        )
    return rows


def verdict(rows):
    """Whether the curves say what the paper says."""
    lines = []
    for row in rows:
        if row["method"] != "plain":
            continue
        needs = {
            key.removeprefix("needs, "): n for key, n in row.items() if key.startswith("needs")
        }
        counts, reached = list(needs.values()), [a for a, n in needs.items() if np.isfinite(n)]
        where = f"{row['dataset']}, {row['kind']}, {row['model']}"
        grows = all(a <= b * 1.05 for a, b in pairwise(counts))
        if not grows:
            what = "no: the number does not grow with alpha"
        elif len(reached) == len(needs):
            what = "yes"
        elif len(reached) > 1:
            what = f"yes, up to {reached[-1]}; no size tried is enough for more noise"
        else:
            what = "no: no size tried makes up for any noise"
        lines.append(
            {"curve": where, "needs": ", ".join(f"{n:.0f}" for n in counts), "holds": what}
        )
    return lines


def rule_of_thumb(wide, worth):
    """In words, from the measured gains: when a treatment is not worth it."""
    plain = wide.xs("plain", level="method")
    lines = []
    for method in wide.index.unique("method").drop("plain"):
        gains = (wide.xs(method, level="method") - plain).stack().rename("gain").reset_index()
        for (model, kind), part in gains.groupby(["model", "kind"], sort=False):
            means = part.groupby(["alpha", "n_clean"])["gain"].mean()
            lines.append(
                f"{method}, {model}, {kind}: mean gain {means.mean():+.1f} points, best "
                f"{means.max():+.1f} at {_place(means.idxmax())}, worst {means.min():+.1f} at "
                f"{_place(means.idxmin())}."
            )
            for alpha, by_size in means.groupby(level="alpha"):
                pays = by_size.droplevel("alpha") > worth
                sizes = ", ".join(str(size) for size in pays.index[pays])
                where = f"with {sizes} clean rows" if not pays.all() else "at every size"
                what = f"worth it {where}" if pays.any() else "not worth it at any size"
                lines.append(f"  alpha {alpha:g}: {what}.")
    return lines


def _place(index):
    return f"alpha {index[0]:g} with {index[1]}"


def show(options, table):
    wide = curves(table)
    show_and_save(wide.reset_index().to_dict("records"), title="Accuracy in points, by clean rows")
    rows = thresholds(wide, options.within)
    show_and_save(rows, options.summary, f"Clean rows needed, within {options.within:g} points")
    show_and_save(verdict(rows), title="Does accuracy hold past a number that grows with alpha?")
    if len(wide.index.unique("method")) > 1:
        print("\nRule of thumb")
        for line in rule_of_thumb(wide, options.worth):
            print(line)
    errors = table[table["error"].fillna("") != ""]
    for (method, error), part in errors.groupby(["method", "error"]):
        print(f"failed in {len(part)} cells: {method}: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of CSV files with a column target")
    parser.add_argument("--datasets", nargs="+", default=None, help='also "made"')
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--models", nargs="+", default=None, choices=list(recovery.MODELS))
    parser.add_argument("--methods", nargs="+", default=None, choices=list(METHODS))
    parser.add_argument("--alphas", nargs="+", type=float, default=[0, 1, 2, 5, 10, 20])
    parser.add_argument("--clean", nargs="+", type=int, default=[50, 100, 200, 400, 800, 1600])
    parser.add_argument("--within", type=float, default=5, help="points below all clean rows")
    parser.add_argument("--worth", type=float, default=0.5, help="points that a treatment must win")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", default="dilution.csv", help="CSV file of all cells")
    parser.add_argument("--summary", default=None, help="CSV or JSON file of the thresholds")
    parser.add_argument("--quick", action="store_true", help="made data, few and small cells")
    options = parser.parse_args()
    folder = data_folder(options.data, "classification")
    names = ["made", *(tables_in(folder) if folder else recovery.BUNDLED)]
    if options.quick:
        names, options.seeds = ["made"], 1
        options.clean, options.alphas = [60, 120], [0.0, 3.0]
        options.models = options.models or ["logistic"]
        options.methods = options.methods or ["FilterClassifier"]
    options.models = options.models or ["logistic", "tree", "forest"]
    options.methods = options.methods or list(METHODS)
    options.alphas = sorted({0.0, *options.alphas})
    options.methods = [m for m in METHODS if m in {"plain", *options.methods}]
    options.clean.sort()
    warnings.simplefilter("ignore")
    table = run_grid(options, options.datasets or names, folder)
    show(options, table.astype({"alpha": float}))


if __name__ == "__main__":
    main()
