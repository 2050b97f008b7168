"""
Uncertain is not wrong
======================

A label is not wrong because nobody could have foretold it. Three sets of labels look alike to a
method that counts disagreements, and are not alike at all.
"""

# %%
# The first labels are right and follow the features with some luck, as outcomes of loans do. The
# second ones are sure, but every fifth was mistyped. The third ones are thrown dice.

import numpy as np

rng = np.random.default_rng(0)
n = 3000
X = rng.normal(size=(n, 3))
uncertain = (rng.random(n) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(int)
sure = (X[:, 0] > 0).astype(int)
mistyped = np.where(rng.random(n) < 0.2, 1 - sure, sure)
dice = rng.integers(0, 2, n)

# %%
# Models that have not seen a row say how sure they are of it. Order the rows by that, surest
# first, and count how often the given label agrees.

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict


def agreement(labels):
    proba = cross_val_predict(LogisticRegression(), X, labels, method="predict_proba")
    surest = np.argsort(-proba.max(axis=1))
    agrees = (proba.argmax(axis=1) == labels)[surest]
    return agrees.cumsum() / np.arange(1, n + 1)


# %%
# Uncertain labels climb to one where the features decide. Mistyped labels stay below, by about
# the share of mistakes, since a clerk mistypes easy cases as well. Dice are near one half.
#
# :class:`~sknoisy.FilterClassifier` reads this line, and flags no more than it allows.

import warnings

import matplotlib.pyplot as plt

from sknoisy import FilterClassifier

figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
share = np.arange(1, n + 1) / n
for name, labels in [("uncertain", uncertain), ("mistyped", mistyped), ("dice", dice)]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that nothing is known of dice
        model = FilterClassifier(LogisticRegression(), random_state=0).fit(X, labels)
    flagged = model.noise_mask_.mean()
    print(f"{name:10} {flagged:6.1%} of the rows flagged")
    ax.plot(share[50:], agreement(labels)[50:], label=f"{name}: {flagged:.0%} flagged")
ax.set(
    xlabel="share of the rows, surest first", ylabel="agreement with the labels", ylim=(0.4, 1.02)
)
ax.legend(loc="lower right")
plt.show()

# %%
# In the first and third set not one label is wrong, and that is what is found, or nearly.
# :doc:`/label_errors` has the rules behind this.
