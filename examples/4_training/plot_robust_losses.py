"""
Losses that forgive, for labels
===============================

Cross-entropy punishes a row the more, the surer the model is that its label is wrong. A robust
loss gives up on such rows.
"""

# %%
# A wrapper brings the loss to any model that takes weights: a row's weight is what the loss says at
# the probability which models of other folds give its label. Weights of trees never settle quite,
# so that `tol` is wide.

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from sknoisy.datasets import symmetric_noise
from sknoisy.training.losses import (
    GeneralizedCrossEntropy,
    RobustLossClassifier,
    SymmetricCrossEntropy,
    TrimmedLoss,
)

X, y = load_breast_cancer(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
z, wrong = symmetric_noise(y, rate=0.3, random_state=0)

tree = DecisionTreeClassifier(min_samples_leaf=10, random_state=0)
losses = {
    "generalized CE": GeneralizedCrossEntropy(q=0.7),
    "symmetric CE": SymmetricCrossEntropy(),
    "trimmed, 30 %": TrimmedLoss(share=0.3),
}
scores = {"plain": tree.fit(X, z).score(X_test, y_test)}
weights = {}
for name, loss in losses.items():
    model = RobustLossClassifier(tree, loss=loss, tol=0.1, random_state=0).fit(X, z)
    scores[name] = model.score(X_test, y_test)
    weights[name] = model.sample_weight_
scores["true labels"] = tree.fit(X, y).score(X_test, y_test)
print({name: round(score, 3) for name, score in scores.items()})

# %%
# All three take more than half of their weight from the wrong rows; the trimmed loss does so by
# leaving rows out altogether. Its `share` was chosen knowing the truth, though: too small it keeps
# mistakes, too large it drops what is hard and right. Half of what was lost stays lost, or more.

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
left.barh(list(scores), list(scores.values()), color=["gray", "C0", "C1", "C2", "lightgray"])
left.invert_yaxis()
left.set(xlim=(0.5, 1), xlabel="accuracy on right labels")
at = np.arange(len(weights))
for shift, kind, rows in [(-0.2, "right rows", ~wrong), (0.2, "wrong rows", wrong)]:
    mean = [w[rows].mean() / w.mean() for w in weights.values()]
    right.barh(at + shift, mean, 0.38, label=kind)
right.set_yticks(at, weights)
right.invert_yaxis()
right.set(xlabel="mean weight (1: that of all rows)")
right.legend()
plt.show()
