"""
Good on average, useless for a few
==================================

A feature goes with the label in nearly all rows, by accident. A model that is good on average
trusts it, and fails the rows in which it misleads.
"""

# %%
# In two rows of a hundred the easy feature points the wrong way. In new data it does so in a
# quarter. No label is wrong here.

import numpy as np
from sklearn.linear_model import LogisticRegression

from sknoisy.datasets import make_spurious
from sknoisy.metrics import worst_group_accuracy
from sknoisy.training.groups import GroupDROClassifier
from sknoisy.training.hidden_groups import DiscoverCureClassifier

X, y, groups = make_spurious(3000, minority=0.02, core_noise=0.45, random_state=0)
X_new, y_new, groups_new = make_spurious(4000, minority=0.25, core_noise=0.45, random_state=1)

# %%
# :class:`~sknoisy.training.groups.GroupDROClassifier` is told the groups, and weighs the one that
# is worst. :class:`~sknoisy.training.hidden_groups.DiscoverCureClassifier` is told nothing, and
# looks for the column that misleads.

models = {
    "plain": LogisticRegression().fit(X, y),
    "groups known": GroupDROClassifier(LogisticRegression(), random_state=0).fit(
        X, y, groups=groups
    ),
    "groups hidden": DiscoverCureClassifier(LogisticRegression(), random_state=0).fit(X, y),
}
table = {}
for name, model in models.items():
    predicted = model.predict(X_new)
    of_groups = [np.mean((predicted == y_new)[groups_new == g]) for g in range(4)]
    before = model.predict(X) == y
    table[name] = of_groups
    worst = worst_group_accuracy(y_new, predicted, groups=groups_new)
    print(f"{name:14} rows as in training {before.mean():.3f}, worst group {worst:.3f}")

# %%
# What the worst groups win, the usual rows pay for. Where the labels themselves are wrong, methods
# that look for hidden groups take wrong rows for one, and make things worse: see :doc:`/training`.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7.5, 4), layout="constrained")
at = np.arange(4)
for shift, (name, scores) in zip((-0.27, 0, 0.27), table.items(), strict=True):
    ax.bar(at + shift, scores, 0.25, label=name)
ax.set_xticks(at, ["0, usual", "0, misled", "1, misled", "1, usual"])
ax.set(ylim=(0.4, 1.1), ylabel="accuracy", xlabel="label, and what the easy feature does")
ax.legend(ncols=3, loc="upper center")
plt.show()
