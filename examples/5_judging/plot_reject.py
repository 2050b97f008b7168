"""
Answers held back
=================

Where a wrong answer is worse than none, hold back those that would often be wrong.
"""

# %%
# A small model reads digits, and was taught with some wrong labels.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

from sknoisy.datasets import symmetric_noise
from sknoisy.reject import RejectClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.5, random_state=0, stratify=y)
z, _ = symmetric_noise(y, rate=0.1, random_state=0)

# %%
# Its own probabilities say which answers to hold back. A forest that learns from its errors on
# held-out rows (`rejector="forest"`) may know better.

nb = GaussianNB(var_smoothing=1e-2)
own = RejectClassifier(nb, coverage=0.8, random_state=0).fit(X, z)
forest = RejectClassifier(nb, rejector="forest", coverage=0.8, random_state=0).fit(X, z)
for name, model in [("its own probabilities", own), ("a forest", forest)]:
    answers, rejected = model.predict_or_reject(X_test)
    right = answers == y_test
    print(
        f"{name}: all answers {right.mean():.3f}, "
        f"the {np.mean(~rejected):.0%} given {right[~rejected].mean():.3f}"
    )

# %%
# The curve shows the accuracy of the answers for every share that is held back. Both get
# rid of more than half of the errors for a fifth of the answers. The forest is hardly worth its
# fits here.

import matplotlib.pyplot as plt

from sknoisy.inspection import AccuracyRejectDisplay

figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for name, model in [("own probabilities", own), ("a forest", forest)]:
    AccuracyRejectDisplay.from_estimator(model, X_test, y_test, ax=ax, name=name)
ax.set_title("Silence costs answers and saves errors")
plt.show()
