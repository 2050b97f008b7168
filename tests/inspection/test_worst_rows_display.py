"""The most suspect rows, as a table or as images."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LinearRegression, LogisticRegression

from sknoisy import FilterRegressor
from sknoisy.detection import ConfidentLearning
from sknoisy.inspection import WorstRowsDisplay

from ..helpers import noisy_labels, noisy_numbers

pyplot = pytest.importorskip("matplotlib.pyplot")


def fitted(n=120):
    X, codes = noisy_labels(n=n)
    X = pd.DataFrame(X, index=[f"r{i}" for i in range(n)]).add_prefix("c")
    y = np.array(["a", "b", "c"])[codes]
    return ConfidentLearning(LogisticRegression(), random_state=0).fit(X, y), X, y


def texts(display):
    cells = display.table_.get_celld()
    n_lines, n_columns = (max(at[i] for at in cells) + 1 for i in (0, 1))
    return [[cells[i, j].get_text().get_text() for j in range(n_columns)] for i in range(n_lines)]


def test_a_table():
    detector, X, y = fitted()
    display = WorstRowsDisplay.from_estimator(detector, X, y, n_rows=4, columns=["c3", "c1"])
    report = detector.noise_report(X, y)
    head, *lines = texts(display)
    assert head == ["row", "given", "suggested", "probability", "c3", "c1"]
    assert [line[0] for line in lines] == report.index[:4].tolist()
    name, given, suggested, proba, c3, _ = lines[0]
    assert [given, suggested] == report.iloc[0][["given", "suggested"]].tolist()
    assert float(proba) == pytest.approx(report["probability"].iloc[0], abs=0.01)
    assert float(c3) == pytest.approx(X.loc[name, "c3"], rel=1e-4)
    display = WorstRowsDisplay.from_predictions(report.tail(3), X)
    assert len(texts(display)[0]) == 4 + 6  # the first columns
    assert texts(display)[1][2] == "as given"


@pytest.mark.parametrize("kind", [csr_matrix, list, np.asarray])
def test_other_containers(kind):
    detector, X, y = fitted()
    rows = [f"text {i}" for i in range(len(y))] if kind is list else kind(X.to_numpy())
    display = WorstRowsDisplay.from_predictions(detector.noise_report(X, y), rows, n_rows=3)
    assert len(texts(display)) == 1 + 3
    if kind is list:
        assert texts(display)[1][4] == f"text {int(texts(display)[1][0][1:])}"


def test_images():
    detector, X, y = fitted()
    flat = X.to_numpy()
    for given, shape in ((flat, (2, 3)), (flat.reshape(-1, 2, 3), None)):
        display = WorstRowsDisplay.from_predictions(
            detector.noise_report(X, y), given, n_rows=7, image_shape=shape
        )
        assert len(display.axes_) == len(display.images_) == 7 and display.table_ is None
        row = detector.noise_report(X, y)["row"].iloc[0]
        np.testing.assert_array_equal(display.images_[0].get_array(), flat[row].reshape(2, 3))
        assert f"row r{row}\n{y[row]} → " in display.axes_[0].get_title()


def test_images_take_the_place_of_given_axes():
    detector, X, y = fitted()
    table, flat = detector.noise_report(X, y), X.to_numpy()
    how = {"n_rows": 3, "image_shape": (2, 3)}
    figure, axes = pyplot.subplots(1, 2)
    display = WorstRowsDisplay.from_predictions(table, flat, ax=axes[1], **how)
    assert display.figure_ is figure and len(figure.axes) == 2 + 3
    with pytest.raises(ValueError, match="place of a subplot"):
        ax = figure.add_axes([0, 0, 0.2, 0.2])
        WorstRowsDisplay.from_predictions(table, flat, ax=ax, **how)


def test_numbers_no_rows_and_errors():
    X, y = noisy_numbers(n=120)
    model = FilterRegressor(LinearRegression(), random_state=0).fit(X, y)
    display = WorstRowsDisplay.from_estimator(model, X, y)
    assert len(texts(display)) == 1 + 10
    table = model.noise_report(X, y)
    empty = WorstRowsDisplay.from_predictions(table.head(0), X)
    assert empty.table_ is None and empty.axes_ is None
    with pytest.raises(ValueError, match="X has no column nowhere"):
        WorstRowsDisplay.from_estimator(model, X, y, columns=["nowhere"])
    with pytest.raises(ValueError, match="table has no column suggested"):
        WorstRowsDisplay.from_predictions(table.drop(columns="suggested"), X)
