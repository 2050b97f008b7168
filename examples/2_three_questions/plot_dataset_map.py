"""
A map of the training set
=========================

Watch a model while it trains. Rows it soon gets right are easy, rows it wavers about are
ambiguous, and rows it never gets right are hard, or wrong.
"""

# %%
# :class:`~sknoisy.detection.DatasetMap` trains the model bit by bit, and looks at it on the way.

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from sknoisy.datasets import symmetric_noise
from sknoisy.detection import DatasetMap
from sknoisy.inspection import DatasetMapDisplay
from sknoisy.metrics import detection_report

X, y = load_digits(return_X_y=True)
X, y = X[:600] / 16, y[:600]
y_noisy, wrong = symmetric_noise(y, rate=0.1, random_state=0)
detector = DatasetMap(LogisticRegression(max_iter=200), random_state=0).fit(X, y_noisy)
print(detection_report(wrong, detector.noise_score_, detector.noise_mask_))

# %%
# The bottom is where wrong labels gather: low confidence all the way. The ranking is nearly
# perfect here. The number of rows it flags is cautious: more than four in ten wrong rows are left.

import matplotlib.pyplot as plt

display = DatasetMapDisplay.from_estimator(detector)
display.ax_.plot(
    detector.variability_[wrong], detector.confidence_[wrong], "kx", ms=5, label="really wrong"
)
display.ax_.legend()
plt.show()
