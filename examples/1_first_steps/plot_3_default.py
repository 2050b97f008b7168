"""
The default, and when it does nothing
=====================================

:class:`~sknoisy.RobustClassifier` chooses detector, threshold and treatment itself. Doing nothing
is one of its answers, and often the right one.
"""

# %%
# The same tree, on the same rows, with more and more wrong labels. At the end the labels are
# shuffled: nothing can be known about them.

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from sknoisy import RobustClassifier
from sknoisy.datasets import symmetric_noise

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
sets = {f"{rate:.0%}": symmetric_noise(y_train, rate, random_state=0)[0] for rate in (0, 0.1, 0.3)}
sets["shuffled"] = np.random.default_rng(0).permutation(y_train)

# %%
# `treatment_` says what it did, and `reason_` why.

tree = DecisionTreeClassifier(random_state=0)
scores = {}
for name, labels in sets.items():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where the features know nothing of the labels
        model = RobustClassifier(tree, effort="fast", random_state=0).fit(X_train, labels)
    plain = tree.fit(X_train, labels).score(X_test, y_test)
    scores[name] = plain, model.score(X_test, y_test), model.treatment_
    print(f"wrong labels: {name:8} -> {model.treatment_}\n  {model.reason_}")

# %%
# Where nothing is wrong, or nothing known, the model is the plain one exactly.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
at = np.arange(len(scores))
ax.bar(at - 0.2, [s[0] for s in scores.values()], 0.38, label="plain tree")
ax.bar(at + 0.2, [s[1] for s in scores.values()], 0.38, label="in RobustClassifier")
for x, (_, score, treatment) in zip(at, scores.values(), strict=True):
    ax.annotate(treatment, (x + 0.2, score + 0.01), ha="center")
ax.set_xticks(at, scores)
ax.set(xlabel="wrong training labels", ylabel="accuracy on right labels", ylim=(0.3, 1.15))
ax.legend(loc="upper center", ncols=2)
plt.show()
