"""
Evidence of your own: a network, its probabilities, and the cleaned fit
=======================================================================

Whoever trains elsewhere has evidence already: what a network said of rows that it had not seen,
what it said epoch by epoch, embeddings. Give them to a detector, and no model is fitted.
"""

# %%
# A small network stands for yours. sknoisy never sees it: the two functions below are all that
# another framework would have to replace.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier

from sknoisy.datasets import symmetric_noise

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = X[:1000] / 16, X[1000:] / 16, y[:1000], y[1000:]
y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
EPOCHS = 30


def train(X, y):
    """The network after each epoch."""
    network = MLPClassifier((64,), learning_rate_init=0.005, batch_size=32, random_state=0)
    for _ in range(EPOCHS):
        yield network.partial_fit(X, y, classes=np.arange(10))


def embedding(network, X):
    """What comes out of the hidden layer."""
    return np.maximum(X @ network.coefs_[0] + network.intercepts_[0], 0)


# %%
# Out-of-sample probabilities: each row is judged by a network that has not seen it. The loop over
# folds is the part to copy; probabilities of rows that a network was trained on would agree with
# their labels, right or wrong.

proba = np.empty((len(y), 10))
for fit, judged in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y_noisy):
    *_, network = train(X[fit], y_noisy[fit])
    proba[judged] = network.predict_proba(X[judged])

from sknoisy.detection import ConfidentLearning

detector = ConfidentLearning().fit(None, y_noisy, predicted=proba)

# %%
# One training on all rows gives two more kinds of evidence: the loss of each given label, epoch by
# epoch, and at its end an embedding of the rows.

rows, losses = np.arange(len(y)), np.empty((len(y), EPOCHS))
for epoch, network in enumerate(train(X, y_noisy)):
    losses[:, epoch] = -np.log(network.predict_proba(X)[rows, y_noisy] + 1e-12)

from sknoisy.detection import DatasetMap, NeighborDisagreement

by_evidence = {
    "probabilities": detector,
    "losses by epoch": DatasetMap().fit(None, y_noisy, stages=losses, predicted=proba),
    "embedding": NeighborDisagreement().fit(None, y_noisy, features=embedding(network, X)),
}
for name, found in by_evidence.items():
    mask = found.noise_mask_
    print(
        f"{name:15}  flagged {mask.sum():3}, of which {wrong[mask].mean():.0%} are wrong; "
        f"found {mask[wrong].mean():.0%} of the {wrong.sum()} wrong rows"
    )

# %%
# The cleaned fit is one more training, on the rows that are left. No label of these test rows is
# wrong, so that the score is what it seems to be; on noisy ones, see
# :doc:`what a validation score can tell </tuning>`.

kept = detector.sample_indices_
*_, plain = train(X, y_noisy)
*_, cleaned = train(X[kept], y_noisy[kept])
print(f"accuracy on test rows: {plain.score(X_test, y_test):.1%} as it was, "
      f"{cleaned.score(X_test, y_test):.1%} on the rows that are left")  # fmt: skip

# %%
# Around a scikit-learn model a treatment does the same in one call, and takes the same evidence:

from sklearn.linear_model import LogisticRegression

from sknoisy import FilterClassifier

model = FilterClassifier(LogisticRegression(max_iter=500), random_state=0)
model.fit(X, y_noisy, predicted=proba)
unaware = LogisticRegression(max_iter=500).fit(X, y_noisy)
print(f"logistic regression: {unaware.score(X_test, y_test):.1%} as it was, "
      f"{model.score(X_test, y_test):.1%} filtered")  # fmt: skip

# %%
# With pictures one can see for oneself. Above, the most suspect rows, with the label as given and
# as suggested; below, the losses of right and of wrong rows while the network is trained: the wrong
# ones are learnt late.

import matplotlib.pyplot as plt

figure = plt.figure(figsize=(9, 5.5), layout="constrained")
above, below = figure.subfigures(2, height_ratios=[1, 1.1])
worst = detector.noise_report(X, y_noisy)["row"].to_numpy()[:16].astype(int)
for ax, row in zip(above.subplots(2, 8).flat, worst, strict=True):
    ax.imshow(X[row].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{y_noisy[row]} → {detector.y_suggested_[row]}", fontsize=10)
    ax.axis("off")

ax, epochs = below.subplots(), np.arange(1, EPOCHS + 1)
for name, which, color in (("right rows", ~wrong, "C0"), ("wrong rows", wrong, "C3")):
    low, middle, high = np.quantile(losses[which], [0.25, 0.5, 0.75], axis=0)
    ax.plot(epochs, middle, color=color, label=name)
    ax.fill_between(epochs, low, high, color=color, alpha=0.2)
ax.set(xlabel="epoch", ylabel="loss of the given label")
ax.legend(loc="center right", ncols=2)
plt.show()
