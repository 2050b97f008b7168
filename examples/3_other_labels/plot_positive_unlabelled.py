"""
Positives, and nobody labelled negative
=======================================

Some patients are known to be ill. The others have not been examined: they are unlabelled, and not
healthy. To take them for negatives is a mistake that can be avoided.
"""

# %%
# Three in ten of the malignant tumours are known.

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknoisy.weak_labels import ElkanNotoClassifier

X, y = load_breast_cancer(return_X_y=True)
ill = 1 - y  # 1: malignant
X = StandardScaler().fit_transform(X)
X, X_test, ill, ill_test = train_test_split(X, ill, test_size=0.4, random_state=0)
known = (ill == 1) & (np.random.default_rng(0).random(len(ill)) < 0.3)
labels = known.astype(int)
print(f"{ill.sum()} of {len(ill)} are ill, {known.sum()} are known to be")

# %%
# :class:`~sknoisy.weak_labels.ElkanNotoClassifier` estimates how many of the rows are positive, and
# counts unlabelled rows as partly positive.

base = LogisticRegression(C=0.1)
naive = LogisticRegression(C=0.1).fit(X, labels)
model = ElkanNotoClassifier(base, random_state=0).fit(X, labels)
print(f"share of positives: estimated {model.class_prior_:.2f}, true {ill.mean():.2f}")

# %%
# The order of the rows is much the same. What is wrong with the naive model is its scale: most ill
# people get a probability below one half.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, (name, fitted) in zip(
    axes, {"unlabelled taken for healthy": naive, "Elkan-Noto": model}.items(), strict=True
):
    proba = fitted.predict_proba(X_test)[:, 1]
    f1 = f1_score(ill_test, proba > 0.5)
    print(f"{name}: F1 {f1:.2f}")
    ax.hist([proba[ill_test == 0], proba[ill_test == 1]], bins=20, range=(0, 1), stacked=True,
            color=["lightgray", "tab:red"], label=["healthy", "ill"])  # fmt: skip
    ax.axvline(0.5, color="black", ls="--")
    ax.set(title=f"{name}: F1 {f1:.2f}", xlabel="predicted probability of being ill")
axes[0].legend()
plt.show()
