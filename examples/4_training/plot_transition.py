"""
One class taken for another: the transition matrix
==================================================

Often one class is taken for another, and not the other way round. A matrix of how often turns a
model of given labels into one of true labels.
"""

# %%
# Four in ten of the malignant tumours are written down as benign, never the reverse.

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknoisy.datasets import transition_noise
from sknoisy.training.correction import TransitionClassifier

data = load_breast_cancer()
X, y = StandardScaler().fit_transform(data.data), data.target_names[data.target]
X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
matrix = np.array([[1.0, 0.0], [0.4, 0.6]])  # rows: true benign, malignant
given, wrong = transition_noise(y, matrix, random_state=0)

# %%
# The matrix may be known, or be found from the labels as they are.

base = LogisticRegression(C=0.1)
models = {
    "plain": LogisticRegression(C=0.1),
    "matrix found": TransitionClassifier(base, random_state=0),
    "matrix known": TransitionClassifier(base, matrix, random_state=0),
    "true labels": LogisticRegression(C=0.1),
}
scores = {}
for name, model in models.items():
    model.fit(X, y if name == "true labels" else given)
    predicted = model.predict(X_test)
    recall = recall_score(y_test, predicted, pos_label="malignant")
    scores[name] = np.mean(predicted == y_test), recall
    print(f"{name:13} accuracy {scores[name][0]:.3f}, malignant found {recall:.3f}")
found = np.asarray(models["matrix found"].transition_)
print(found.round(2))

# %%
# The plain model has learnt to overlook tumours. Corrected ones find them again.

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.6), width_ratios=[2, 1], layout="constrained"
)
at = np.arange(len(scores))
left.bar(at - 0.2, [s[0] for s in scores.values()], 0.38, label="accuracy")
left.bar(at + 0.2, [s[1] for s in scores.values()], 0.38, label="malignant ones found")
left.set_xticks(at, scores)
left.set_ylim(0.3, 1.12)
left.legend(ncols=2, loc="upper center")
right.imshow(found, vmin=0, vmax=1, cmap="Blues")
for (i, j), value in np.ndenumerate(found):
    color = "white" if value > 0.5 else "black"
    right.text(j, i, f"{value:.2f}", ha="center", va="center", color=color, fontsize=13)
right.set_xticks([0, 1], ["benign", "malignant"])
right.set_yticks([0, 1], ["benign", "malignant"])
right.set(xlabel="given", ylabel="true", title="matrix found")
plt.show()
