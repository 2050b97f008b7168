"""
A sensor that only ever misses
==============================

It writes down too little at times, never too much. Least squares lie too low then. Knowing the side
is enough to put that right.
"""

# %%
# A third of the numbers is too low, by 30 to 80 of about 150.

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import HuberRegressor, Ridge
from sklearn.model_selection import train_test_split

from sknoisy.training.error_models import OneSidedRegressor

X, _ = load_diabetes(return_X_y=True)
rng = np.random.default_rng(0)
truth = 150 + 600 * X[:, 2] + 400 * X[:, 8]
right = truth + 8 * rng.normal(size=len(X))
missed = rng.random(len(X)) < 0.35
y = np.where(missed, right - rng.uniform(30, 80, len(X)), right)
X, X_test, y, _, truth, truth_test = train_test_split(X, y, truth, random_state=0)

# %%
# The features are real. The numbers are made, since nobody knows what a sensor has missed.

models = {
    "least squares": Ridge(alpha=0.01),
    "Huber": HuberRegressor(alpha=0.01, max_iter=1000),
    "one-sided": OneSidedRegressor(Ridge(alpha=0.01), random_state=0),
}
errors = {}
for name, model in models.items():
    errors[name] = model.fit(X, y).predict(X_test) - truth_test
    print(f"{name:14} off by {errors[name].mean():6.1f} on average")

# %%
# Huber's loss forgives errors on both sides alike, and so two thirds of the way are left. The
# one-sided loss takes what lies above for right. With errors on both sides that would mislead it.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, error in errors.items():
    ax.hist(error, bins=30, range=(-40, 20), alpha=0.6, label=name)
ax.axvline(0, color="black", lw=1)
ax.set(xlabel="prediction minus truth, on new rows", ylabel="rows")
ax.legend()
plt.show()
