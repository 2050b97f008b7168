"""
When most of the sources are wrong
==================================

Rows come in batches, and fewer than half of the batches are genuine. No method can know which. A
short list of candidates can be made, and a handful of trusted rows choose from it.
"""

# %%
# Sixty laboratories measured the same thing, three kinds of them in three ways.

import numpy as np
from sklearn.linear_model import HuberRegressor, LinearRegression

from sknoisy.training.sources import ListDecodableRegressor

rng = np.random.default_rng(0)
batch = np.arange(900) % 60
x = rng.uniform(-2, 2, 900)
slopes = np.array([1.5, -1.0, 0.0])
heights = np.array([0.0, 1.0, -3.0])
kind = batch % 3
y = slopes[kind] * x + heights[kind] + 0.4 * rng.normal(size=900)
X = x[:, None]

# %%
# Robust regression looks for the majority, and there is none. Four trusted rows say which of the
# candidates is the one that is wanted.

trusted = np.isin(np.arange(900), [0, 3, 6, 9])
model = ListDecodableRegressor(LinearRegression(), random_state=0)
model.fit(X, y, groups=batch, trusted=trusted)
huber = HuberRegressor().fit(X, y)
print(f"candidates: {len(model.estimators_)}, shares of the batches {model.support_.round(2)}")
print(f"slope wanted 1.5, found {model.estimator_.coef_[0]:.2f}, by Huber {huber.coef_[0]:.2f}")

# %%
# A line for each candidate; the chosen one is thick.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
ax.scatter(x, y, c=kind, s=6, cmap="Set2")
ax.plot(x[trusted], y[trusted], "k*", ms=12, label="trusted rows")
line = np.array([[-2.0], [2.0]])
for number, candidate in enumerate(model.estimators_):
    ax.plot(line, candidate.predict(line), "k-", lw=3 if number == model.chosen_ else 1)
ax.plot(line, huber.predict(line), "r--", label="Huber regression of all rows")
ax.legend()
plt.show()
