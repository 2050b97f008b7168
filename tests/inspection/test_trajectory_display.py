"""Losses over the training, of flagged rows and of the others."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from sknoisy import FilterClassifier, FilterRegressor
from sknoisy.detection import ConfidentLearning, Consensus, DatasetMap
from sknoisy.inspection import TrajectoryDisplay

from ..helpers import noisy_labels, noisy_numbers

pytest.importorskip("matplotlib")


def test_flagged_rows_are_learnt_late():
    X, y = noisy_labels(n=240)
    boosting = GradientBoostingClassifier(n_estimators=20, random_state=0)
    model = FilterClassifier(boosting, DatasetMap(n_stages=5), random_state=0).fit(X, y)
    display = TrajectoryDisplay.from_estimator(model, X, y)
    assert display.losses.shape == (240, 5)
    kept, flagged = (line.get_ydata() for line in display.lines_)
    assert (kept < flagged).all()
    np.testing.assert_allclose(display.lines_[0].get_xdata(), [0.2, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(kept, np.median(display.losses[~model.noise_mask_], axis=0))
    # the mean over the stages is what the detector has seen: it was trained in the same way
    sure = np.exp(-display.losses).mean(axis=1)
    np.testing.assert_allclose(sure, model.detector_.confidence_, atol=1e-3)


def test_detectors_of_other_kinds_and_numbers():
    X, y = noisy_labels(n=120)
    detector = ConfidentLearning(LogisticRegression(), random_state=0).fit(X, y)
    assert TrajectoryDisplay.from_estimator(detector, X, y, n_stages=3).losses.shape == (120, 3)
    X, y = noisy_numbers(n=120)
    boosting = GradientBoostingRegressor(n_estimators=10, random_state=0)
    model = FilterRegressor(boosting, random_state=0).fit(X, y)
    display = TrajectoryDisplay.from_estimator(model, X, y)
    assert display.ax_.get_ylabel() == "absolute error of the given number"
    assert display.losses[model.noise_mask_].mean() > display.losses[~model.noise_mask_].mean()


def test_own_losses():
    losses = np.array([[3.0, 1.0], [1.0, 1.0], [2.0, 4.0], [np.nan, np.nan]])
    display = TrajectoryDisplay.from_predictions(losses, [0, 0, 1, 1], color="red")
    assert [line.get_ydata().tolist() for line in display.lines_] == [[2, 1], [2, 4]]
    assert display.lines_[0].get_xdata().tolist() == [1, 2]
    assert display.lines_[1].get_label() == "flagged (1)"
    assert display.ax_.get_ylim()[0] == 0
    display = TrajectoryDisplay.from_predictions(-losses[:2], [0, 0], progress=[0.5, 1.0])
    assert len(display.lines_) == len(display.bands_) == 1 and display.ax_.get_ylim()[0] < -2


def test_what_cannot_be_drawn():
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="got .4, 2. and .3,."):
        TrajectoryDisplay.from_predictions(np.ones((4, 2)), [0, 1, 0])
    with pytest.raises(ValueError, match="one number for each of the 2 stages"):
        TrajectoryDisplay.from_predictions(np.ones((4, 2)), [0, 1, 0, 1], progress=[1])
    detector = Consensus([("lr", LogisticRegression())], random_state=0).fit(X, y)
    with pytest.raises(TypeError, match="Consensus has none"):
        TrajectoryDisplay.from_estimator(detector, X, y)
    with pytest.raises(ValueError, match="45 rows, fit got 90"):
        TrajectoryDisplay.from_estimator(detector_of(X, y), X[::2], y[::2])
    detector = ConfidentLearning(KNeighborsClassifier(), random_state=0).fit(X, y)
    with pytest.raises(TypeError, match="does not train in stages"):
        TrajectoryDisplay.from_estimator(detector, X, y)


def detector_of(X, y):
    return ConfidentLearning(LogisticRegression(), random_state=0).fit(X, y)
