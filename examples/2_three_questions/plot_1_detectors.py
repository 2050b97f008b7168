"""
Choosing a detector
===================

Detectors rank the rows, each by what it takes for a sign of a mistake. Which one ranks well, and
which ones say the same?
"""

# %%
# In handwritten digits every seventh label becomes the next digit.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from sknoisy import detection
from sknoisy.datasets import pair_noise

X, y = load_digits(return_X_y=True)
X, y = X[:500] / 16, y[:500]
y_noisy, wrong = pair_noise(y, rate=0.15, random_state=0)

# %%
# All detectors are used alike. Those which ask a model are given the same one.

model = LogisticRegression(max_iter=200)
detectors = {
    "ConfidentLearning": detection.ConfidentLearning(model, random_state=0),
    "AreaUnderMargin": detection.AreaUnderMargin(model, random_state=0),
    "SelfInfluence": detection.SelfInfluence(model),
    "ClassMahalanobis": detection.ClassMahalanobis(model),
    "KNNShapley": detection.KNNShapley(),
    "NeighborDisagreement": detection.NeighborDisagreement(),
    "Outlier": detection.Outlier(),
}
scores = {name: d.fit(X, y_noisy).noise_score_ for name, d in detectors.items()}

# %%
# Average precision is one where all wrong rows come first, and the share of wrong rows where the
# order is by chance.

import pandas as pd

from sknoisy.metrics import average_precision

quality = pd.Series({name: average_precision(wrong, s) for name, s in scores.items()})
print(quality.sort_values(ascending=False).round(2))

# %%
# An outlier detector sees the features only, and a mislabelled digit is an ordinary digit: it is
# hardly better than chance, and agrees with nobody. Of detectors which agree, one will
# do; good ones that differ are what :class:`~sknoisy.detection.CombinedDetector` lives on.

import matplotlib.pyplot as plt

order = quality.sort_values(ascending=False).index
ranks = pd.DataFrame(scores)[order].corr("spearman")
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
names = [f"{name} ({i})" for i, name in enumerate(order, 1)]
left.barh(names[::-1], quality[order[::-1]])
left.axvline(wrong.mean(), color="gray", ls="--")
left.set(xlabel="average precision (dashed: chance)", xlim=(0, 1))
image = right.imshow(ranks, vmin=-1, vmax=1, cmap="RdBu")
for axis in (right.xaxis, right.yaxis):
    axis.set_ticks(np.arange(len(order)), np.arange(1, len(order) + 1))
right.set_title("rank correlation, in this order")
figure.colorbar(image)
plt.show()

# %%
# On other mistakes the order is another one; :doc:`/which_detector` has measurements.
