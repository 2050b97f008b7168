"""
Broken rows, dropped in `fit` alone
===================================

A sensor fails, and some rows are nonsense. They should not be learnt from, and `predict` must still
answer every row. A scikit-learn transformer cannot do that, and the last step of a pipeline can.
"""

# %%
# In two columns, the body mass index and a blood value, one number in twenty is far off.

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterRegressor
from sknoisy.datasets import gross_noise
from sknoisy.detection import Outlier

X, y = load_diabetes(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, random_state=0)
X_broken, cells = gross_noise(X, rate=0.05, strength=10, columns=[2, 8], random_state=0)
broken = cells.any(axis=1)
print(f"{broken.mean():.0%} of the rows have a broken cell")

# %%
# Validation folds have broken rows, too, and keep them: a score on them judges what cannot be
# judged. So the share to be dropped is tried out on test rows that are whole.

shares = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.4])
scores, of_broken = [], []
for share in shares:
    last = FilterRegressor(LinearRegression(), Outlier(), contamination=share, random_state=0)
    model = make_pipeline(StandardScaler(), last).fit(X_broken, y)
    scores.append(model.score(X_test, y_test))
    of_broken.append(model[-1].noise_mask_[broken].mean())
    assert len(model.predict(X_broken)) == len(X_broken)  # no row is dropped here
whole = LinearRegression().fit(X, y).score(X_test, y_test)
print(dict(zip(shares.tolist(), np.round(scores, 3).tolist(), strict=True)), round(whole, 3))
noisy_cv = cross_val_score(model, X_broken, y).mean()
print(f"cross-validated on broken rows, last share: {noisy_cv:.2f}")

# %%
# Dropping about as many rows as are broken wins back two thirds of what was lost, which is little.
# Dropping many more costs more than it wins: rows that are odd and right are missed.

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6), layout="constrained")
left.plot(shares, scores, "o-")
left.axhline(whole, color="gray", ls="--", label="without broken rows")
left.set(xlabel="share of the rows dropped", ylabel="R2 on whole test rows")
left.legend()
right.plot(shares, of_broken, "s-", color="tab:orange")
right.set(xlabel="share of the rows dropped", ylabel="share of the broken rows that went")
plt.show()
