"""
Tuning where validation labels are wrong, too
=============================================

A search prefers what scores best. If the labels to score by lean to one side, it prefers models
that lean with them.
"""

# %%
# A third of the positives are written down as negative, in training and validation alike. The
# candidates weigh the positive class more or less.

import numpy as np
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score

from sknoisy.datasets import transition_noise
from sknoisy.model_selection import TrustedKFold, corrected_scorer

X, y = make_classification(4000, 8, weights=[0.65], class_sep=0.6, flip_y=0, random_state=3)
X, X_new, y, y_new = X[:2000], X[2000:], y[:2000], y[2000:]
matrix = np.array([[1.0, 0.0], [0.35, 0.65]])
z, _ = transition_noise(y, matrix, random_state=0)
weights = np.array([0.5, 1, 1.5, 2, 3, 4, 6])
candidates = [LogisticRegression(class_weight={0: 1, 1: w}) for w in weights]

# %%
# Three ways to score them: by the labels as they are; corrected by the matrix, if it is known; on
# 200 rows that were checked.

folds = StratifiedKFold(5, shuffle=True, random_state=0)
corrected = corrected_scorer("accuracy", matrix, labels=[0, 1])
trusted = np.random.default_rng(0).random(len(y)) < 0.1
checked = np.where(trusted, y, z)
on_trusted = TrustedKFold(trusted, 5, random_state=0)
curves = {
    "labels as they are": [cross_val_score(m, X, z, cv=folds).mean() for m in candidates],
    "corrected": [cross_val_score(m, X, z, cv=folds, scoring=corrected).mean() for m in candidates],
    "200 checked rows": [cross_val_score(m, X, checked, cv=on_trusted).mean() for m in candidates],
    "truth": [m.fit(X, z).score(X_new, y_new) for m in candidates],
}
for name, curve in curves.items():
    best = int(np.argmax(curve))
    print(f"{name:19} picks weight {weights[best]:g}, true accuracy {curves['truth'][best]:.3f}")

# %%
# Noisy labels draw the choice to models that overlook positives, and cost 14 points. The corrected
# score has the right shape, if the matrix is right. Checked rows are right on average, and jump
# about.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
for name, curve in curves.items():
    style = {"color": "black", "lw": 2.5} if name == "truth" else {}
    ax.plot(weights, curve, "o-", label=name, **style)
    best = int(np.argmax(curve))
    ax.plot(weights[best], curve[best], "*", ms=16, color=ax.lines[-1].get_color())
ax.set(xlabel="weight of the positive class (star: picked)", ylabel="accuracy", xscale="log")
ax.set_xticks(weights, [f"{w:g}" for w in weights])
ax.minorticks_off()
ax.legend()
plt.show()
