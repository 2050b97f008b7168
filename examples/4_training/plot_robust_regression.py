"""
Losses that forgive, for numbers
================================

Squares pull the curve towards whatever is far off. Huber's loss pulls less, and Tukey's not at all
from some distance on, and both work with any regressor.
"""

# %%
# A quarter of the numbers, on one side only, comes from a broken gauge.

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from sknoisy.training.losses import HuberLoss, RobustLossRegressor, TukeyLoss

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(0, 6, 400))
truth = np.sin(x) * 2
y = truth + 0.3 * rng.normal(size=400)
broken = rng.random(400) < 0.25
y[broken] += rng.uniform(3, 8, broken.sum())
X = x[:, None]

# %%
# Boosting has no Tukey loss of its own. The wrapper gives it one, by weights.

boosting = HistGradientBoostingRegressor(max_iter=40, min_samples_leaf=20, random_state=0)
curves = {"squares": boosting.fit(X, y).predict(X)}
for name, loss in {"Huber": HuberLoss(), "Tukey": TukeyLoss()}.items():
    model = RobustLossRegressor(boosting, loss=loss, random_state=0).fit(X, y)
    curves[name] = model.predict(X)
for name, curve in curves.items():
    print(f"{name:8} mean error {np.abs(curve - truth).mean():.2f}")

# %%
# Losses only help as long as wrong numbers are the smaller part everywhere. Were more than half of
# them shifted, the shifted ones would be the rule.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
ax.plot(x, y, ".", color="lightgray")
ax.plot(x, truth, color="black", lw=1, label="truth")
for name, curve in curves.items():
    ax.plot(x, curve, label=name)
ax.legend()
plt.show()
