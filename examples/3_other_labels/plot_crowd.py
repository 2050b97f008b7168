"""
A crowd of annotators
=====================

Six people label each wine, some well, one hardly better than by dice. Nobody tells us who is who.
"""

# %%
# Each person answers seven rows of ten, and is right as often as `skill` says.

import numpy as np
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

X, y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
rng = np.random.default_rng(0)
skill = np.array([0.9, 0.75, 0.6, 0.5, 0.45, 0.4])
other = (y[:, None] + rng.integers(1, 3, (len(y), 6))) % 3
votes = np.where(rng.random((len(y), 6)) < skill, y[:, None], other).astype(float)
votes[rng.random(votes.shape) < 0.3] = np.nan
votes[np.isnan(votes).all(axis=1), 0] = 0

# %%
# A majority believes all alike. :class:`~sknoisy.weak_labels.DawidSkene` finds out who agrees with
# the others. :class:`~sknoisy.weak_labels.CrowdClassifier` has one more opinion: that of a
# classifier which sees the features.

from sknoisy.weak_labels import CrowdClassifier, DawidSkene, MajorityVote

majority = MajorityVote().fit(votes)
crowd = DawidSkene().fit(votes)
model = CrowdClassifier(LogisticRegression(), random_state=0).fit(X, votes)
right = {
    "majority": np.mean(majority.labels_ == y),
    "Dawid-Skene": np.mean(crowd.labels_ == y),
    "with features": np.mean(model.labels_ == y),
}
print({name: round(float(share), 3) for name, share in right.items()})

# %%
# How well were the annotators judged? Without one true label, about right.

import matplotlib.pyplot as plt

report = crowd.skill_report().sort_index()
print(report.round(2))
figure, (left, middle) = plt.subplots(1, 2, figsize=(8.5, 3.6), layout="constrained")
left.bar(list(right), list(right.values()), color=["gray", "C0", "C1"])
left.set(ylim=(0.5, 1), title="labels that are right")
middle.plot([0.3, 1], [0.3, 1], color="lightgray")
middle.plot(skill, report["skill"], "o")
middle.set(xlabel="true skill", ylabel="estimated", title="the six annotators")
plt.show()
