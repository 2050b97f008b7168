"""
A report to be believed, or not
===============================

Nobody drops rows because a program says so. :class:`~sknoisy.report.NoiseReport` gathers what a
person needs to decide, also *where* the wrong rows are.
"""

# %%
# Three laboratories sent the samples, and one of them swaps labels. The laboratory is our
# invention, the measurements are real.

import numpy as np
from sklearn.datasets import load_breast_cancer

data = load_breast_cancer(as_frame=True)
rng = np.random.default_rng(0)
X = data.data[["mean radius", "mean texture", "mean concavity", "worst area"]].copy()
X["laboratory"] = rng.choice(["north", "south", "west"], len(X))
truth = data.target_names[data.target]
wrong = rng.random(len(X)) < np.where(X["laboratory"] == "west", 0.35, 0.01)
y = np.where(wrong, np.where(truth == "benign", "malignant", "benign"), truth)

# %%
# The wrapped model takes the table as it is, text and all. The detector is given by name: the
# default allows no more noise than the surest rows show, and those are from the careful
# laboratories (with it, a quarter of the wrong rows are flagged).

from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sknoisy import FilterClassifier
from sknoisy.detection import ConfidentLearning
from sknoisy.report import NoiseReport

columns = make_column_transformer((OneHotEncoder(), ["laboratory"]), remainder=StandardScaler())
model = FilterClassifier(
    make_pipeline(columns, LogisticRegression()), ConfidentLearning(), random_state=0
).fit(X, y)
report = NoiseReport.from_estimator(model, X, y, title="Tumours")
print(report.summary["known"])
print(report.pairs)

# %%
# Slices are parts of the table in which more rows are flagged than chance would have. Here the
# careless laboratory is found by name.

print(report.slices.head().to_string())

# %%
# `report.to_html("report.html")` writes all of this as one page without scripts or network, to be
# sent by mail or printed. The picture shows the share of flagged rows in each laboratory.

import matplotlib.pyplot as plt

flagged = X.assign(flagged=model.noise_mask_, wrong=wrong).groupby("laboratory")
shares = flagged[["flagged", "wrong"]].mean()
ax = shares.plot.barh(figsize=(7, 3.2), color=["tab:orange", "tab:gray"])
ax.set(xlabel="share of the rows", title="One laboratory stands out")
plt.tight_layout()
plt.show()
