"""The map shows where the detector put each row."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from sknoisy import FilterClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning, DatasetMap
from sknoisy.inspection import DatasetMapDisplay

pyplot = pytest.importorskip("matplotlib.pyplot")


def noisy():
    X, y = load_iris(return_X_y=True)
    return X, symmetric_noise(y, rate=0.2, random_state=0)[0]


def test_points_and_circles():
    X, y = noisy()
    model = FilterClassifier(LogisticRegression(max_iter=1000), DatasetMap(), random_state=0)
    model.fit(X, y)
    display = DatasetMapDisplay.from_estimator(model)
    detector = model.detector_
    expected = np.column_stack([detector.variability_, detector.confidence_])
    np.testing.assert_allclose(display.points_.get_offsets(), expected)
    np.testing.assert_allclose(display.points_.get_array(), detector.correctness_)
    assert model.noise_mask_.any()
    np.testing.assert_allclose(display.circles_.get_offsets(), expected[model.noise_mask_])
    assert display.ax_.get_xlabel() == "variability"
    assert display.figure_ is display.ax_.figure


def test_given_values_on_given_axes_without_rows_not_judged():
    _, ax = pyplot.subplots()
    display = DatasetMapDisplay.from_values(
        [0.9, np.nan, 0.1], [0.1, np.nan, 0.05], [1.0, np.nan, 0.0], [False, True, True], ax=ax
    )
    assert display.ax_ is ax
    assert len(display.points_.get_offsets()) == 2
    np.testing.assert_allclose(display.circles_.get_offsets(), [[0.05, 0.1]])


def test_what_cannot_be_drawn():
    X, y = noisy()
    with pytest.raises(NotFittedError):
        DatasetMapDisplay.from_estimator(DatasetMap())
    with pytest.raises(TypeError, match="got ConfidentLearning"):
        DatasetMapDisplay.from_estimator(ConfidentLearning(random_state=0).fit(X, y))
    with pytest.raises(ValueError, match="inconsistent"):
        DatasetMapDisplay.from_values([0.1], [0.1], [0.1], [True, False])
