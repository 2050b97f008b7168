"""
A few rows that somebody has checked
====================================

Where most labels of a class are wrong, features and labels cannot tell which is which. Some checked
rows can. But compare with the model of the checked rows alone.
"""

# %%
# Of the digits 1, 3, 5 and 7, seven in ten are written down as two more: to anyone who sees
# pictures and labels only, a 3 *is* a 5.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sknoisy import FilterClassifier
from sknoisy.training.trusted import TrustedWeightClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(
    X / 16, y, train_size=900, test_size=800, random_state=0, stratify=y
)
wrong = (np.random.default_rng(0).random(len(y)) < 0.7) & np.isin(y, [1, 3, 5, 7])
z = np.where(wrong, (y + 2) % 10, y)

# %%
# More and more rows are checked, and their labels put right. `trusted` says which these are.
# :class:`~sknoisy.training.trusted.TrustedWeightClassifier` weighs all other rows by how much they
# are like trusted ones.

plain = LogisticRegression(max_iter=150)
order = np.random.default_rng(1).permutation(len(y))
counts = [30, 60, 120, 240]
curves = {name: [] for name in ("plain", "filtered", "checked rows alone", "weighed by trust")}
for count in counts:
    trusted = np.zeros(len(y), dtype=bool)
    trusted[order[:count]] = True
    labels = np.where(trusted, y, z)
    filtered = FilterClassifier(plain, random_state=0).fit(X, labels, trusted=trusted)
    weighed = TrustedWeightClassifier(plain, random_state=0).fit(X, labels, trusted=trusted)
    curves["filtered"].append(filtered.score(X_test, y_test))
    curves["weighed by trust"].append(weighed.score(X_test, y_test))
    curves["plain"].append(plain.fit(X, labels).score(X_test, y_test))
    curves["checked rows alone"].append(plain.fit(X[trusted], y[trusted]).score(X_test, y_test))
for name, scores in curves.items():
    print(f"{name:19}", np.round(scores, 3))

# %%
# A filter that looks for disagreement hardly helps, since the wrong labels agree with each other.
# Weights from trusted rows win most with few of them; with 240, the checked rows alone do as well.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name, scores in curves.items():
    ax.plot(counts, scores, "o-", label=name)
ax.set(xlabel="rows checked, of 900", ylabel="accuracy on right labels")
ax.legend()
plt.show()
