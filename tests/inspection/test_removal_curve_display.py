"""Scores on right rows, as suspect rows are dropped."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier, FilterRegressor
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning
from sknoisy.inspection import RemovalCurveDisplay

from ..helpers import fits, noisy_labels, noisy_numbers, recording

pytest.importorskip("matplotlib")


def data(n=600, rate=0.3):
    X, y = noisy_labels(n=n, rate=0.0)
    given, wrong = symmetric_noise(y[: n // 2], rate, random_state=0)
    return X[: n // 2], given, X[n // 2 :], y[n // 2 :]


def test_dropping_wrong_rows_helps_a_tree():
    X, y, X_clean, y_clean = data()
    detector = ConfidentLearning(LogisticRegression(), random_state=0)
    model = FilterClassifier(DecisionTreeClassifier(), detector, random_state=0).fit(X, y)
    display = RemovalCurveDisplay.from_estimator(model, X, y, X_clean=X_clean, y_clean=y_clean)
    assert display.scores.shape == (11, 1) and display.band_ is None
    plain, at_30_percent = display.line_.get_ydata()[[0, 6]]
    assert at_30_percent > plain + 0.1
    assert display.flagged == pytest.approx(model.noise_mask_.mean())
    assert display.flagged_line_.get_xdata()[0] == display.flagged
    assert display.ax_.get_ylabel() == "accuracy"
    assert display.plain_line_.get_ydata()[0] == plain


def test_trusted_rows_are_scored_in_folds_and_never_dropped():
    X, y, X_clean, y_clean = data(300)
    X, y = np.vstack([X_clean, X]), np.concatenate([y_clean, y])
    trusted = np.arange(len(y)) < len(y_clean)
    inner, calls = recording(LogisticRegression())
    detector = ConfidentLearning(LogisticRegression(), random_state=0).fit(X, y, trusted=trusted)
    display = RemovalCurveDisplay.from_estimator(
        detector, X, y, trusted=trusted, model=inner, shares=[0, 0.2], cv=3
    )
    assert display.scores.shape == (2, 3) and display.band_ is not None
    n_fitted = [len(call.y) for call in fits(calls)]
    n_tested = len(y_clean) // 3
    assert n_fitted == [len(y) - n_tested] * 3 + [round(0.8 * len(y)) - n_tested] * 3
    trusted_rows = {tuple(row) for row in X[trusted]}
    for call in fits(calls):
        assert len(trusted_rows & {tuple(row) for row in call.X}) == len(y_clean) - n_tested


def test_no_class_disappears_and_a_row_not_judged_stays():
    X, y, X_clean, y_clean = data(300)
    detector = ConfidentLearning(LogisticRegression(), random_state=0).fit(X, y)
    inner, calls = recording(LogisticRegression())
    detector.noise_score_ = np.where(y == 0, 1.0, 0.0)  # all of a class are the most suspect
    detector.noise_score_[:40] = np.nan
    display = RemovalCurveDisplay.from_estimator(
        detector, X, y, X_clean=X_clean, y_clean=y_clean, model=inner, shares=[0.9]
    )
    [call] = fits(calls)
    assert {tuple(row) for row in X[:40]} <= {tuple(row) for row in call.X}
    assert set(call.y) == {0, 1, 2}
    assert display.scores.shape == (1, 1)


def test_weights_scoring_and_numbers():
    X, y = noisy_numbers(n=200)
    model = FilterRegressor(LinearRegression(), random_state=0).fit(X[:120], y[:120])
    inner, calls = recording(LinearRegression())
    weight = np.arange(120.0) + 1
    how = {"X_clean": X[120:], "y_clean": y[120:], "sample_weight": weight, "model": inner}
    display = RemovalCurveDisplay.from_estimator(
        model, X[:120], y[:120], shares=[0, 0.25], scoring="neg_mean_absolute_error", **how
    )
    assert [len(call.sample_weight) for call in fits(calls)] == [120, 90]
    assert (display.scores < 0).all()
    assert display.ax_.get_ylabel() == "neg mean absolute error"


def test_own_scores():
    display = RemovalCurveDisplay.from_predictions([0, 0.1], [[0.5, 0.7], [0.7, 0.9]], name="a")
    np.testing.assert_allclose(display.line_.get_ydata(), [0.6, 0.8])
    assert display.flagged_line_ is None
    # both folds gain the same, so that nothing is in doubt
    assert np.ptp(display.band_.get_paths()[0].vertices[:, 1]) == pytest.approx(0.2)


def test_what_cannot_be_drawn():
    X, y, X_clean, y_clean = data(200)
    detector = ConfidentLearning(random_state=0).fit(X, y)
    draw = RemovalCurveDisplay.from_estimator
    clean = {"X_clean": X_clean, "y_clean": y_clean}
    with pytest.raises(ValueError, match="wraps no model"):
        draw(detector, X, y, **clean)
    model = {"model": LogisticRegression()}
    with pytest.raises(ValueError, match="Give the rows to score on"):
        draw(detector, X, y, **model)
    with pytest.raises(ValueError, match="Give the rows to score on"):
        draw(detector, X, y, X_clean=X_clean, **model)
    with pytest.raises(ValueError, match=r"shares must lie in \[0, 1\)"):
        draw(detector, X, y, shares=[0, 1], **clean, **model)
    with pytest.raises(ValueError, match="50 rows, fit got 100"):
        draw(detector, X[::2], y[::2], **clean, **model)
    with pytest.raises(ValueError, match="scores must have one entry"):
        RemovalCurveDisplay.from_predictions([0, 0.1], [1.0])
