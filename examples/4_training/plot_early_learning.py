"""
Learnt early, learnt late
=========================

A flexible model learns the rule first, and single wrong labels later. What it said early can be
held against what it would learn late.
"""

# %%
# Digits, with more and more labels drawn from other classes.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.training.moving_targets import EarlyLearningClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = X[:900], X[900:], y[:900], y[900:]
tree = DecisionTreeClassifier(random_state=0)
rates = [0, 0.2, 0.4]
curves = {"plain tree": [], "FilterClassifier": [], "EarlyLearningClassifier": []}
for rate in rates:
    z, _ = symmetric_noise(y, rate, random_state=0)
    curves["plain tree"].append(tree.fit(X, z).score(X_test, y_test))
    for name, wrapper in [
        ("FilterClassifier", FilterClassifier(tree, random_state=0)),
        ("EarlyLearningClassifier", EarlyLearningClassifier(tree, random_state=0)),
    ]:
        curves[name].append(wrapper.fit(X, z).score(X_test, y_test))
for name, scores in curves.items():
    print(f"{name:24}", np.round(scores, 3))

# %%
# The more labels are wrong, the more is won; a filter with a tree for a judge comes second, and
# warns at 40 % that it would rather drop more than half of the rows. Both cost accuracy where all
# labels are right: a tree's early word is worse than its last one.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name, scores in curves.items():
    ax.plot(rates, scores, "o-", label=name)
ax.set(xlabel="share of wrong labels", ylabel="accuracy on right labels")
ax.legend()
plt.show()
