"""Draws label_errors.svg: agreement with the given labels, the surest rows first.

python docs/images/draw_label_errors.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from sknoisy.datasets import symmetric_noise
from sknoisy.detection import LabelCommittee

CASES = {
    "uncertain, nothing wrong": 0.0,
    "uncertain, a tenth flipped": 0.1,
    "uncertain, three tenths flipped": 0.3,
    "random labels": None,
}


def labels(rate, n=4_000, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    if rate is None:
        return X, rng.integers(0, 2, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-2.5 * X[:, 0] - X[:, 1]))).astype(int)
    return X, symmetric_noise(y, rate, random_state=seed)[0] if rate else y


def main():
    plt.rcParams["svg.hashsalt"] = "sknoisy"  # the same file each time
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for name, rate in CASES.items():
        X, y = labels(rate)
        found = LabelCommittee(LogisticRegression(), members="few", random_state=0).fit(X, y)
        order = np.argsort(-found.class_proba_.max(axis=1))
        agrees = (found.class_proba_.argmax(axis=1) == y)[order]
        shares = np.linspace(0.05, 1.0, 39)
        axes.plot(shares, [agrees[: int(s * len(y))].mean() for s in shares], label=name)
    axes.set(xlabel="share of the rows, the surest first", ylabel="agree with the given label")
    axes.set_ylim(0.4, 1.02)
    axes.legend(frameon=False, loc="lower left", ncols=2)
    figure.savefig(Path(__file__).with_name("label_errors.svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
