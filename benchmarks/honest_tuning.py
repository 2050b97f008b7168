"""What a noisy validation score can tell: bias, spread and choices of plain and corrected scores.

    python benchmarks/honest_tuning.py [--seeds N] [--rows N] [--out FILE] [--quick]

Made data of two classes (30 % are of the second), of which a part is set aside to know the truth.
Labels of the rest are wrong by four kinds of noise of about a fifth: evenly ("symmetric"), of the
rare class alone ("one-way"), near the boundary, in one region. Candidates are eight models, from
too stiff to too flexible and with several class weights. Each score is the mean over 5 folds; those
that need to know the matrix get the true one ("known") or the one of `ConfidentJointTransition`
("estimated"), which assumes that noise depends on the class alone, as only the first two kinds do.

"bias" and "sd" are those of the accuracy (balanced accuracy) of a candidate, in points, over
candidates and seeds; "picked" is how often the best candidate by the score is one within half a
point of the best by the truth, and "lost" what the choice costs on average, in points.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from _table import show_and_save
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from sknoisy.datasets import boundary_noise, one_way_noise, region_noise, symmetric_noise
from sknoisy.detection import ConfidentLearning
from sknoisy.model_selection import (
    ReusableHoldoutScorer,
    TrustedKFold,
    TrustWeightedScorer,
    corrected_scorer,
)
from sknoisy.noise_model import ConfidentJointTransition

N_TRUE = 5_000
LOSS = 0.5  # points within which a choice counts as right
CANDIDATES = {
    **{f"logistic, {w:g}": LogisticRegression(class_weight={0: 1, 1: w}) for w in (1, 1.5, 2.5)},
    "logistic, stiff": LogisticRegression(C=1e-4),
    **{f"tree, {d}": DecisionTreeClassifier(max_depth=d, random_state=0) for d in (2, 4, 7, None)},
}
NOISES = {
    "symmetric": lambda X, y, seed: symmetric_noise(y, 0.2, random_state=seed)[0],
    "one-way": lambda X, y, seed: one_way_noise(y, 0.12, source=1, target=0, random_state=seed)[0],
    "boundary": lambda X, y, seed: boundary_noise(X, y, 0.2, random_state=seed)[0],
    "region": lambda X, y, seed: region_noise(X, y, 0.2, random_state=seed)[0],
}


def scorers(metric, X, y, z, trusted, seed):
    """Scorer and splitter by name."""
    usual = StratifiedKFold(5, shuffle=True, random_state=seed)
    counts = pd.crosstab(y, z).reindex(index=[0, 1], columns=[0, 1], fill_value=0)
    known = (counts.T / counts.sum(axis=1)).T
    model = LogisticRegression()
    estimated = ConfidentJointTransition(model, random_state=0).fit(X, z)
    found = {
        "plain": (metric, usual),
        "corrected, known": (corrected_scorer(metric, known), usual),
        "trust-weighted": (TrustWeightedScorer(metric, ConfidentLearning(model)), usual),
        "trusted rows (150)": (metric, TrustedKFold(trusted, 5, random_state=seed)),
    }
    try:
        found["corrected, estimated"] = (corrected_scorer(metric, estimated), usual)
    except ValueError:  # the matrix cannot be turned round
        found["corrected, estimated"] = (metric, usual)
    holdout = ReusableHoldoutScorer(X[trusted], y[trusted], scoring=metric, random_state=seed)
    found["reusable holdout (150)"] = (holdout, usual)
    return found


def run_seed(noise, seed, n_rows):
    """One row for each metric, score and candidate."""
    X, y = make_classification(
        n_rows + N_TRUE, 10, n_informative=5, weights=[0.7], class_sep=1.0, flip_y=0,
        random_state=seed,
    )  # fmt: skip
    X, X_true, y, y_true = X[:n_rows], X[n_rows:], y[:n_rows], y[n_rows:]
    z = NOISES[noise](X, y, seed)
    trusted = np.arange(n_rows) < 150
    z_told = np.where(trusted, y, z)
    rows = []
    for metric in ("accuracy", "balanced_accuracy"):
        for name, (scorer, folds) in scorers(metric, X, y, z, trusted, seed).items():
            in_use = z_told if "trusted" in name else z
            for candidate, model in CANDIDATES.items():
                scores, truths = [], []
                for train, test in folds.split(X, in_use):
                    if "holdout" in name:
                        train, test = train[~trusted[train]], test[~trusted[test]]
                    fitted = clone(model).fit(X[train], in_use[train])
                    score = get_scorer(scorer) if isinstance(scorer, str) else scorer
                    scores.append(score(fitted, X[test], in_use[test]))
                    truths.append(get_scorer(metric)(fitted, X_true, y_true))
                kind = {"noise": noise, "metric": metric, "score": name, "seed": seed}
                said, truth = 100 * np.mean(scores), 100 * np.mean(truths)
                rows.append(kind | {"candidate": candidate, "said": said, "truth": truth})
    return rows


def summary(table):
    """One row for each noise, metric and score."""
    rows = []
    for (noise, metric, name), part in table.groupby(["noise", "metric", "score"], sort=False):
        error = part["said"] - part["truth"]
        lost = []
        for _, cell in part.groupby("seed"):
            lost.append(cell["truth"].max() - cell.loc[cell["said"].idxmax(), "truth"])
        rows.append(
            {
                "noise": noise,
                "metric": metric,
                "score": name,
                "bias": error.mean(),
                "sd": error.groupby(part["candidate"]).std().mean(),
                "picked": np.mean(np.array(lost) <= LOSS),
                "lost": np.mean(lost),
            }
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--out", default=None, help="CSV or JSON file of the summary")
    parser.add_argument("--quick", action="store_true", help="3 seeds, 400 rows")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.rows = 3, 400
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for noise in NOISES:
            for seed in range(options.seeds):
                rows += run_seed(noise, seed, options.rows)
    show_and_save(summary(pd.DataFrame(rows)), options.out, "Scores on noisy rows, in points")


if __name__ == "__main__":
    main()
