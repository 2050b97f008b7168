"""
How many rows? Choosing a threshold
===================================

A score says which row is worse than which. It does not say where to stop. Rules that do differ
most where nothing is wrong.
"""

# %%
# The same scores, cut by six rules: on labels as they are, and with 15 % of them made wrong.

import warnings

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning
from sknoisy.threshold import (
    ConfidentJointCount,
    ContaminationPosterior,
    Elbow,
    FixedRate,
    MixturePosterior,
    NoiseCount,
)

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
rules = {
    "FixedRate(0.15)": FixedRate(0.15),
    "NoiseCount": NoiseCount(),
    "MixturePosterior": MixturePosterior(),
    "ConfidentJointCount": ConfidentJointCount(),
    "ContaminationPosterior": ContaminationPosterior(random_state=0),
    "Elbow": Elbow(),
}
rows = []
for rate in (0.0, 0.15):
    labels, wrong = symmetric_noise(y, rate, random_state=0)
    for name, rule in rules.items():
        detector = ConfidentLearning(LogisticRegression(), contamination=rule, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            flagged = detector.fit(X, labels).noise_mask_
        rows.append((name, rate, (flagged & wrong).sum(), (flagged & ~wrong).sum()))
counts = pd.DataFrame(rows, columns=["rule", "rate", "wrong", "right"]).set_index("rule")
print(counts)

# %%
# A fixed rate is right if you know it, and flags as many rows if nothing is wrong at all. Rules
# that count by predictions, `NoiseCount` and `ConfidentJointCount`, are near the truth both times.
# Rules that look at the scores alone are not: `MixturePosterior` sees no second group and flags
# nothing, the other two expect one and find it in right labels as well.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
for ax, (rate, part) in zip(axes, counts.groupby("rate"), strict=True):
    ax.barh(part.index, part["wrong"], color="tab:orange", label="flagged and wrong")
    ax.barh(
        part.index, part["right"], left=part["wrong"], color="lightgray", label="flagged, right"
    )
    ax.axvline(round(rate * len(y)), color="black", ls="--", label="wrong rows")
    ax.set(title=f"{rate:.0%} made wrong", xlabel="rows")
axes[0].invert_yaxis()
figure.legend(*axes[1].get_legend_handles_labels(), loc="outside upper center", ncols=3)
plt.show()
