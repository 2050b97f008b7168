"""
Drop, weigh down or correct
===========================

The same suspects, three treatments. Which one is best depends on the model more than on the data.
"""

# %%
# Digits, of which a quarter of the labels is taken from another class. `contamination=0` is the
# plain model.

import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier, RelabelClassifier, ReweightClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(
    X / 16, y, train_size=700, test_size=700, random_state=0, stratify=y
)
y_noisy, wrong = symmetric_noise(y, rate=0.25, random_state=0)

# %%
# One detector finds the suspects. Nearest neighbours take no weights, so that
# `weight_strategy="resample"` draws rows in their place.

detector = ConfidentLearning(LogisticRegression(max_iter=200), bounded=True)
models = {
    "tree": DecisionTreeClassifier(random_state=0),
    "1 neighbour": KNeighborsClassifier(1),
    "logistic": LogisticRegression(max_iter=200),
}
rows = {}
for name, model in models.items():
    strategy = "resample" if name == "1 neighbour" else "native"
    parts = {"detector": detector, "random_state": 0}
    rows[name] = {
        "plain": clone(model).fit(X, y_noisy).score(X_test, y_test),
        "drop": FilterClassifier(model, **parts).fit(X, y_noisy).score(X_test, y_test),
        "weigh": ReweightClassifier(model, **parts, weight_strategy=strategy)
        .fit(X, y_noisy)
        .score(X_test, y_test),
        "correct": RelabelClassifier(model, **parts).fit(X, y_noisy).score(X_test, y_test),
        "true labels": clone(model).fit(X, y).score(X_test, y_test),
    }
table = pd.DataFrame(rows).T
print(table.round(3))

# %%
# Models that learn by heart have much to win, and most of it by dropping: a wrong suggestion, or a
# small weight on a wrong row, is learnt by heart as well. The logistic regression wins little, by
# any treatment alike, since its penalty has kept it from learning most of the mistakes.

import matplotlib.pyplot as plt

ax = table.plot.bar(figsize=(8, 4), rot=0, width=0.8, color=["gray", "C0", "C1", "C2", "lightgray"])
ax.set(ylim=(0.4, 1), ylabel="accuracy on right labels")
ax.legend(ncols=5, loc="upper center", fontsize="small")
plt.tight_layout()
plt.show()
