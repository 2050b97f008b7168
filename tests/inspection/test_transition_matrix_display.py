"""The heat map shows a noise model's matrix, or what a detector believes."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from sknoisy import FilterClassifier, FilterRegressor
from sknoisy.datasets import pair_noise
from sknoisy.detection import ConfidentLearning, LabelCommittee
from sknoisy.inspection import TransitionMatrixDisplay
from sknoisy.noise_model import ConfidentJointTransition

from ..helpers import noisy_labels, noisy_numbers

pytest.importorskip("matplotlib")


def pairwise():
    X, y = noisy_labels(n=600, rate=0.0)
    return X, y, pair_noise(y, 0.2, random_state=0)[0]


def test_a_noise_model_and_a_detector_with_a_matrix_of_its_own():
    X, _, given = pairwise()
    model = ConfidentJointTransition(LogisticRegression(), random_state=0).fit(X, given)
    display = TransitionMatrixDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.image_.get_array(), model.transition_)
    detector = LabelCommittee(
        LogisticRegression(), members=[("lr", LogisticRegression())], n_rounds=1, random_state=0
    )
    display = TransitionMatrixDisplay.from_estimator(detector.fit(X, given))
    np.testing.assert_array_equal(display.transition, detector.transition_matrix_)


@pytest.mark.parametrize("treated", [False, True])
def test_what_a_detector_believes(treated):
    X, true, given = pairwise()
    names = np.array(["c", "a", "b"])
    estimator = ConfidentLearning(LogisticRegression(), random_state=0)
    if treated:
        estimator = FilterClassifier(LogisticRegression(), estimator, random_state=0)
    display = TransitionMatrixDisplay.from_estimator(estimator.fit(X, names[given]))
    real = TransitionMatrixDisplay.from_predictions(names[true], names[given])
    assert display.labels == real.labels == ["a", "b", "c"]
    np.testing.assert_allclose(display.transition.sum(axis=1), 1)
    np.testing.assert_allclose(display.transition, real.transition, atol=0.08)
    assert [[t.get_text() for t in row] for row in real.texts_] == [
        [f"{v:.2f}" for v in row] for row in real.transition
    ]


def test_given_labels_in_a_given_order():
    display = TransitionMatrixDisplay.from_predictions(
        ["x", "x", "y", "z"], ["x", "y", "y", "z"], labels=["y", "x", "w"]
    )
    np.testing.assert_array_equal(display.transition, [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]])
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["y", "x", "w"]


def test_many_classes_have_no_numbers():
    display = TransitionMatrixDisplay.from_predictions(np.arange(30), np.arange(30))
    assert display.texts_ is None and len(display.ax_.get_xticks()) == 30


def test_what_has_no_labels_is_refused():
    X, y = noisy_numbers()
    model = FilterRegressor(LinearRegression(), random_state=0).fit(X, y)
    with pytest.raises(TypeError, match="Residual has neither"):
        TransitionMatrixDisplay.from_estimator(model)
