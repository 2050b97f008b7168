"""
Numbers with the decimal point in the wrong place
=================================================

A typist's slip makes 152 out of 15.2. In a target column, a few of them bend a whole regression.
"""

# %%
# The progression of diabetes, with one number in ten a digit too long or too short.

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

from sknoisy import FilterRegressor, RobustRegressor
from sknoisy.datasets import decimal_noise
from sknoisy.detection import Residual

X, y = load_diabetes(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, random_state=0)
y_noisy, wrong = decimal_noise(y, rate=0.1, random_state=0)

# %%
# :class:`~sknoisy.detection.Residual` asks how far a number is from what models say that have not
# seen it. :class:`~sknoisy.RobustRegressor` asks several models, and knows what a misplaced point
# looks like.

ridge = Ridge(alpha=0.1)
models = {
    "plain": Ridge(alpha=0.1),
    "FilterRegressor": FilterRegressor(ridge, Residual(ridge), random_state=0),
    "RobustRegressor": RobustRegressor(ridge, random_state=0),
    "true numbers": Ridge(alpha=0.1),
}
for name, model in models.items():
    model.fit(X, y if name == "true numbers" else y_noisy)
    print(f"{name:16} R2 on right numbers {model.score(X_test, y_test):6.2f}")

# %%
# Both find all of them. A filter by distance alone pays for it with a tenth of the right numbers,
# since 15 in place of 150 is hardly further from the prediction than many a right number is. The
# committee knows what a shifted point looks like, and takes one. Here that is easy, for nobody has
# a true number below 25.

import matplotlib.pyplot as plt

large = y_noisy > y
for model in ("FilterRegressor", "RobustRegressor"):
    found = models[model].noise_mask_
    for name, kind in [("too large", wrong & large), ("too small", wrong & ~large)]:
        print(f"{model}: {found[kind].sum()} of {kind.sum()} {name} found")
    print(f"{model}: {found[~wrong].sum()} of {(~wrong).sum()} right numbers flagged")

figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
predicted = models["RobustRegressor"].predict(X)
ax.plot(predicted[~wrong], y_noisy[~wrong], ".", color="lightgray", label="right")
ax.plot(predicted[wrong], y_noisy[wrong], "x", color="tab:red", label="wrong")
ax.plot(predicted[found], y_noisy[found], "o", mfc="none", ms=9, color="black", label="flagged")
line = np.linspace(50, 300)
ax.plot(line, line, color="tab:blue", lw=1)
ax.set(xlabel="prediction of the cleaned model", ylabel="given number (log)", yscale="log")
ax.legend()
plt.show()
