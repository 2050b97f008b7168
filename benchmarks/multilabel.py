"""Wrong cells of a matrix of labels: are they found?

    python benchmarks/multilabel.py [--seeds N] [--rows N] [--out FILE] [--quick]

Made data of 5 columns of labels, in which the columns are independent given the features
("independent") or share a hidden cause that the features do not show ("correlated"). 5 % of the
cells are flipped ("even"), or 20 % of the ones are missing ("missed"). "ap" is the average
precision of the scores of all cells, "flagged" the share of them that is flagged, "right" how many
of these are wrong, "found" how many of the wrong ones are flagged.

"cleanlab" gets out-of-sample probabilities of each column from `cross_val_predict` of the same
model, and scores a cell by its self-confidence; its issues are those of each class by default
settings, its time includes the probabilities. `MultiLabelDetector` has the same model in its
`ConfidentLearning`, with the other columns as features or without ("others=False").
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings

import numpy as np
from _runs import timed
from _table import show_and_save
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from sknoisy.detection import ConfidentLearning
from sknoisy.metrics import average_precision
from sknoisy.multilabel import MultiLabelDetector

N_COLUMNS = 5
MODELS = {
    "logistic": LogisticRegression(max_iter=500),
    "boosting": HistGradientBoostingClassifier(max_iter=50, random_state=0),
}


def made(kind, noise, n, seed):
    """(X, true labels (n, L), given labels)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10))
    logits = 2.0 * X @ rng.normal(size=(10, N_COLUMNS)) / np.sqrt(5) - 0.7
    if kind == "correlated":
        logits += 3.0 * rng.normal(size=(n, 1))
    Y = (logits + rng.logistic(scale=0.3, size=logits.shape) > 0).astype(int)
    chosen = rng.random(Y.shape)
    wrong = chosen < 0.05 if noise == "even" else (Y == 1) & (chosen < 0.2)
    return X, Y, np.where(wrong, 1 - Y, Y)


def ours(X, Z, model, others):
    detector = ConfidentLearning(model, bounded=True)
    found = MultiLabelDetector(detector, others=others, random_state=0).fit(X, Z)
    return found.noise_score_, found.noise_mask_


def cleanlab(X, Z, model):
    from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class

    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    how = {"cv": folds, "method": "predict_proba"}
    proba = np.column_stack(
        [cross_val_predict(model, X, Z[:, k], **how)[:, 1] for k in range(Z.shape[1])]
    )
    # the self-confidence of a cell: the probability of its own label
    score = 1.0 - np.where(Z == 1, proba, 1.0 - proba)
    labels = [np.flatnonzero(row).tolist() for row in Z]
    issues = find_multilabel_issues_per_class(labels, proba, n_jobs=1)
    return score, np.asarray(issues)


def run_cell(kind, noise, name, n, seed):
    """dict of method to its figures."""
    X, Y, Z = made(kind, noise, n, seed)
    wrong, model = Y != Z, MODELS[name]
    jobs = {
        "MultiLabelDetector": lambda: ours(X, Z, model, True),
        "MultiLabelDetector, others=False": lambda: ours(X, Z, model, False),
    }
    if importlib.util.find_spec("cleanlab") is not None:
        jobs["cleanlab"] = lambda: cleanlab(X, Z, model)
    figures = {}
    for method, job in jobs.items():
        (score, mask), seconds = timed(job)
        figures[method] = {
            "ap": average_precision(wrong.ravel(), np.nan_to_num(score).ravel()),
            "flagged": mask.mean(),
            "right": wrong[mask].mean() if mask.any() else np.nan,
            "found": mask[wrong].mean(),
            "seconds": seconds,
        }
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--out", default=None, help="CSV or JSON file of the table")
    parser.add_argument("--quick", action="store_true", help="one seed, 600 rows, logistic")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.quick:
        options.seeds, options.rows, options.models = 1, min(options.rows, 600), ["logistic"]
    if importlib.util.find_spec("cleanlab") is None:
        print("cleanlab is not installed: measured without it (pip install 'sknoisy[bench]')")
    table = []
    for kind in ("independent", "correlated"):
        for noise in ("even", "missed"):
            for name in options.models:
                runs = [
                    run_cell(kind, noise, name, options.rows, seed) for seed in range(options.seeds)
                ]
                for method in runs[0]:
                    means = {k: np.mean([r[method][k] for r in runs]) for k in runs[0][method]}
                    first = {"labels": kind, "noise": noise, "model": name, "method": method}
                    table.append(first | means)
    show_and_save(table, options.out, "Wrong cells found")


if __name__ == "__main__":
    main()
