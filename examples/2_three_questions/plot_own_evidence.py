"""
Evidence of your own: a network's probabilities
===============================================

Whoever trains elsewhere has probabilities already. Give them to a detector, and no model is fitted.
"""

# %%
# A small network stands for yours. What matters is that each row is judged by a network that has
# not seen it: the loop over folds is the part to copy.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier

from sknoisy.datasets import symmetric_noise

X, y = load_digits(return_X_y=True)
X, y = X[:1000] / 16, y[:1000]
y_noisy, wrong = symmetric_noise(y, rate=0.15, random_state=0)

proba = np.empty((len(y), 10))
for train, test in StratifiedKFold(4, shuffle=True, random_state=0).split(X, y_noisy):
    net = MLPClassifier((32,), max_iter=40, early_stopping=True, n_iter_no_change=5, random_state=0)
    net.set_params(learning_rate_init=0.01)
    proba[test] = net.fit(X[train], y_noisy[train]).predict_proba(X[test])

# %%
# The detector takes them in place of its own fits.

from sknoisy.detection import ConfidentLearning

detector = ConfidentLearning().fit(None, y_noisy, predicted=proba)
found = detector.noise_mask_
print(f"flagged {found.sum()}, of which {wrong[found].mean():.0%} are wrong")
print(f"found {found[wrong].mean():.0%} of the {wrong.sum()} wrong rows")

# %%
# With pictures one can see for oneself. These are the most suspect rows, with the label as given
# and as suggested.

import matplotlib.pyplot as plt

worst = detector.noise_report(X, y_noisy)["row"].to_numpy()[:16].astype(int)
figure, axes = plt.subplots(2, 8, figsize=(9, 2.9), layout="constrained")
for ax, row in zip(axes.flat, worst, strict=True):
    ax.imshow(X[row].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{y_noisy[row]} → {detector.y_suggested_[row]}", fontsize=10)
    ax.axis("off")
plt.show()
