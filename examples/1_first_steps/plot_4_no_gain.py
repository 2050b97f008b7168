"""
When cleaning wins nothing
==========================

Some models hardly suffer from wrong labels, and some data have none. Before you clean, look at
what there is to win.
"""

# %%
# Four data sets, three models, with no label made wrong and with every fifth. What counts is the
# difference that a filter makes, on test rows with right labels.

import warnings

import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier
from sknoisy.datasets import symmetric_noise

loaders = {
    "cancer": load_breast_cancer,
    "digits": load_digits,
    "iris": load_iris,
    "wine": load_wine,
}
models = {
    "forest": RandomForestClassifier(50, random_state=0),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    "tree": DecisionTreeClassifier(random_state=0),
}
rows = []
for data, load in loaders.items():
    X, y = load(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X[:600], y[:600], random_state=0, stratify=y[:600])
    for rate in (0.0, 0.2):
        labels, _ = symmetric_noise(y, rate, random_state=1)
        for name, model in models.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                filtered = FilterClassifier(clone(model), random_state=0).fit(X, labels)
                plain = clone(model).fit(X, labels)
            gain = filtered.score(X_test, y_test) - plain.score(X_test, y_test)
            rows.append((data, rate, name, gain))
gains = pd.DataFrame(rows, columns=["data", "rate", "model", "gain"])
print(gains.pivot_table(index="model", columns="rate", values="gain").round(3))

# %%
# A tree learns every wrong label by heart, and so has much to win. A forest averages most of them
# away. With right labels there is nothing to win for anyone, and a little to lose.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, sharex=True, layout="constrained")
for ax, rate in zip(axes, (0.0, 0.2), strict=True):
    part = gains[gains["rate"] == rate]
    for data, of_data in part.groupby("data"):
        ax.plot(of_data["gain"] * 100, of_data["model"], "o", label=data, alpha=0.8)
    ax.axvline(0, color="gray", lw=1)
    ax.set(title=f"{rate:.0%} of the labels wrong", xlabel="points of accuracy won by the filter")
axes[1].legend(loc="center right")
plt.show()
