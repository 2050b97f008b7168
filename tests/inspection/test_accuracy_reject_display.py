"""The curve shows what is won by holding back answers."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from sknoisy.inspection import AccuracyRejectDisplay
from sknoisy.metrics import accuracy_reject_auc
from sknoisy.reject import RejectClassifier, RejectRegressor

pyplot = pytest.importorskip("matplotlib.pyplot")


def test_draws_a_fitted_estimator_and_where_it_rejects():
    X, y = load_iris(return_X_y=True)
    model = RejectClassifier(LogisticRegression(max_iter=1000), coverage=0.8, random_state=0)
    model.fit(X[::2, :2], y[::2])
    X, y = X[1::2, :2], y[1::2]
    display = AccuracyRejectDisplay.from_estimator(model, X, y, color="red")
    assert display.line_.get_xdata()[-1] == 0
    assert display.line_.get_ydata()[-1] == pytest.approx(model.score(X, y))
    answers, rejected = model.predict_or_reject(X)
    share, accuracy = display.point
    assert share == pytest.approx(rejected.mean())
    assert accuracy == pytest.approx((answers == y)[~rejected].mean())
    assert display.area == accuracy_reject_auc(y, answers, model.rejection_score(X))
    [text] = display.ax_.get_legend().get_texts()
    assert text.get_text() == f"RejectClassifier (area {display.area:.3f})"
    assert display.line_.get_color() == "red"


def test_numbers_have_an_error():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    model = RejectRegressor(Ridge(), rejector=tree, cv=2).fit(X, X[:, 0] + X[:, 1] ** 2)
    display = AccuracyRejectDisplay.from_estimator(model, X, X[:, 0], name="mine")
    assert display.is_error
    assert "mean absolute error" in display.ax_.get_ylabel()


def test_draws_given_answers_on_given_axes():
    figure, axes = pyplot.subplots(1, 2)
    display = AccuracyRejectDisplay.from_predictions(
        ["a", "b", "a"], ["a", "b", "b"], [0.1, 0.2, 0.9], ax=axes[1]
    )
    assert display.ax_ is axes[1] and display.figure_ is figure
    assert display.point_ is None
    np.testing.assert_allclose(display.line_.get_ydata(), [1, 1, 2 / 3])


def test_refuses_what_is_not_fitted():
    with pytest.raises(NotFittedError):
        AccuracyRejectDisplay.from_estimator(RejectClassifier(LogisticRegression()), [[0]], [0])
