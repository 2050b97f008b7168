"""Scores on noisy targets: no bias over draws of the noise."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score

from sknoisy.datasets import transition_noise
from sknoisy.metrics import (
    corrected_accuracy,
    corrected_balanced_accuracy,
    corrected_confusion,
    corrected_log_loss,
    corrected_roc_auc,
    replicate_mean_squared_error,
    replicate_r2,
)

LABELS = np.array(["a", "b", "c"])
T = np.array([[0.8, 0.15, 0.05], [0.1, 0.9, 0.0], [0.2, 0.2, 0.6]])


@pytest.fixture(scope="module")
def rows():
    """True labels, probabilities and predictions of a model that is right in seven of ten."""
    rng = np.random.default_rng(0)
    codes = rng.choice(3, 600, p=[0.5, 0.3, 0.2])
    proba = rng.dirichlet([1, 1, 1], 600)
    proba[np.arange(600), codes] += 0.5
    proba /= proba.sum(axis=1, keepdims=True)
    return LABELS[codes], proba, LABELS[proba.argmax(axis=1)]


def draws(y, matrix, labels, n=300):
    frame = pd.DataFrame(matrix, index=labels, columns=labels)
    return [transition_noise(y, frame, random_state=seed)[0] for seed in range(n)]


def noisy(y, seed):
    return transition_noise(y, pd.DataFrame(T, index=LABELS, columns=LABELS), random_state=seed)[0]


def without_bias(values, truth, plain):
    """The mean over draws is the truth, within three standard errors; the plain one is not."""
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - truth) < 3 * error
    assert abs(plain - truth) > 10 * error


def test_accuracy(rows):
    y, _, predicted = rows
    noisy = draws(y, T, LABELS)
    values = [corrected_accuracy(z, predicted, transition=T, labels=LABELS) for z in noisy]
    without_bias(values, np.mean(predicted == y), np.mean([np.mean(z == predicted) for z in noisy]))


def test_balanced_accuracy(rows):
    y, _, predicted = rows
    noisy = draws(y, T, LABELS)
    values = [corrected_balanced_accuracy(z, predicted, transition=T, labels=LABELS) for z in noisy]
    truth = balanced_accuracy_score(y, predicted)
    assert abs(np.mean(values) - truth) < 0.005  # a ratio: nearly without bias
    assert np.mean([balanced_accuracy_score(z, predicted) for z in noisy]) < truth - 0.05


def test_balanced_accuracy_of_few_rows():
    """A class of a dozen rows makes the ratio anything, which would outvote all other folds."""
    rng = np.random.default_rng(0)
    off = {"corrected": [], "ratio": []}
    for seed in range(200):
        y = LABELS[rng.choice(3, 120, p=[0.6, 0.3, 0.1])]
        predicted = np.where(rng.random(120) < 0.6, y, rng.choice(LABELS, 120))
        z = noisy(y, seed)
        how = {"transition": T, "labels": LABELS}
        joint = corrected_confusion(z, predicted, **how)
        value = corrected_balanced_accuracy(z, predicted, **how)
        assert -0.25 <= value <= 1.25
        truth = balanced_accuracy_score(y, predicted)
        off["corrected"].append(value - truth)
        off["ratio"].append(np.mean(np.diagonal(joint) / joint.sum(axis=1)) - truth)
    rmse = {name: np.sqrt(np.mean(np.square(errors))) for name, errors in off.items()}
    assert abs(np.mean(off["corrected"])) < 0.03 and rmse["corrected"] < 0.12 < rmse["ratio"]


def test_balanced_accuracy_without_a_class():
    """Noise makes some rows of a class that is not there, whatever the number of rows."""
    rng = np.random.default_rng(0)
    off = []
    for _ in range(100):
        codes = rng.choice(2, 400, p=[0.6, 0.4])
        z = LABELS[(rng.random((400, 1)) > T[codes].cumsum(axis=1)).sum(axis=1)]
        assert "c" in z
        value = corrected_balanced_accuracy(z, LABELS[codes], transition=T, labels=LABELS)
        off.append(value - 1)
    assert abs(np.mean(off)) < 0.05  # 0.1 to 0.2 if the class always counted


@pytest.mark.parametrize("weighted", [False, True])
def test_no_noise_no_difference(weighted):
    """Not even in classes of one row."""
    rng = np.random.default_rng(0)
    y, predicted = LABELS[np.array([0] * 30 + [1] * 5 + [2])], rng.choice(LABELS, 36)
    how = {"sample_weight": rng.random(36) if weighted else None}
    value = corrected_balanced_accuracy(y, predicted, transition=np.eye(3), labels=LABELS, **how)
    assert value == pytest.approx(balanced_accuracy_score(y, predicted, **how))


def test_log_loss(rows):
    y, proba, _ = rows
    noisy = draws(y, T, LABELS)
    values = [corrected_log_loss(z, proba, transition=T, labels=LABELS) for z in noisy]
    without_bias(values, log_loss(y, proba), np.mean([log_loss(z, proba) for z in noisy]))


def test_roc_auc():
    rng = np.random.default_rng(0)
    y = (rng.random(800) < 0.3).astype(int)
    score = y + rng.normal(size=800)
    matrix = np.array([[0.85, 0.15], [0.3, 0.7]])
    noisy = draws(y, matrix, [0, 1])
    values = [corrected_roc_auc(z, score, transition=matrix) for z in noisy]
    truth = roc_auc_score(y, score)
    assert abs(np.mean(values) - truth) < 0.005  # the shares of the classes are estimated
    assert np.mean([roc_auc_score(z, score) for z in noisy]) < truth - 0.05


def test_roc_auc_of_one_class():
    matrix, score = np.array([[0.85, 0.15], [0.3, 0.7]]), np.linspace(0, 1, 20)
    how = {"transition": matrix, "labels": ["no", "yes"]}
    with pytest.warns(UndefinedMetricWarning, match="no row is given the class no"):
        assert np.isnan(corrected_roc_auc(["yes"] * 20, score, **how))
    z = np.array(["yes"] + ["no"] * 19)  # fewer than are given "yes" by mistake
    with pytest.warns(UndefinedMetricWarning, match="by estimate of the class yes: take more rows"):
        assert np.isnan(corrected_roc_auc(z, score, **how))


def test_no_noise_is_no_correction(rows):
    y, proba, predicted = rows
    how = {"transition": np.eye(3), "labels": LABELS}
    assert corrected_accuracy(y, predicted, **how) == pytest.approx(np.mean(y == predicted))
    assert corrected_log_loss(y, proba, **how) == pytest.approx(log_loss(y, proba))
    expected = balanced_accuracy_score(y, predicted)
    assert corrected_balanced_accuracy(y, predicted, **how) == pytest.approx(expected)
    assert corrected_confusion(y, predicted, **how).sum() == pytest.approx(1)


def test_weights_are_repeats(rows):
    y, proba, predicted = rows
    weight = np.random.default_rng(1).integers(0, 3, len(y))
    again = np.repeat(np.arange(len(y)), weight)
    how = {"transition": T, "labels": LABELS}
    for metric, said in ((corrected_accuracy, predicted), (corrected_log_loss, proba)):
        expected = metric(y[again], said[again], **how)
        assert metric(y, said, sample_weight=weight, **how) == pytest.approx(expected)


def test_a_frame_names_its_classes(rows):
    y, _, predicted = rows
    frame = pd.DataFrame(T, index=LABELS, columns=LABELS)
    shuffled = frame.loc[["c", "a", "b"], ["b", "c", "a"]]
    expected = corrected_accuracy(y, predicted, transition=T, labels=LABELS)
    assert corrected_accuracy(y, predicted, transition=shuffled) == pytest.approx(expected)
    by_labels = corrected_accuracy(y, predicted, transition=frame, labels=["b", "c", "a"])
    assert by_labels == pytest.approx(expected)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"transition": np.eye(2)}, "say by labels which classes"),
        ({"transition": 2 * np.eye(3)}, "row of a: .* no probabilities that sum to one"),
        ({"transition": np.full((3, 3), 1 / 3)}, "cannot be told"),
        ({"transition": np.full((3, 3), np.nan)}, "row of a: .* no probabilities"),
        ({"transition": np.eye(3), "labels": ["a", "b", "d"]}, "'c' in row .* is no label"),
        ({"transition": np.eye(3), "labels": ["a", "b", "b"]}, "labels has a class twice"),
        ({"transition": pd.DataFrame(T, LABELS, list("abd"))}, "no column named 'c'"),
        ({"transition": pd.DataFrame(T, list("aab"), LABELS)}, "two rows of one name|no row named"),
        ({"transition": np.eye(3), "sample_weight": np.zeros(600)}, "sample_weight"),
        ({"transition": np.eye(3), "sample_weight": -np.ones(600)}, "Negative values in sample_w"),
    ],
)
def test_what_is_wrong_is_said(how, message, rows):
    y, _, predicted = rows
    with pytest.raises(ValueError, match=message):
        corrected_accuracy(y, predicted, **how)


@pytest.mark.parametrize(
    ("cell", "message"), [(np.nan, "y_proba is NaN, first in row 7"), (3.0, "3 in column 1, row 7")]
)
def test_log_loss_of_what_is_no_probability(cell, message, rows):
    y, proba, _ = rows
    proba = proba.copy()
    proba[7, 1] = cell
    with pytest.raises(ValueError, match=message):
        corrected_log_loss(y, proba, transition=T, labels=LABELS)


def test_replicates():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=500)
    predicted = 0.8 * truth + 0.3 * rng.normal(size=500)
    mse, r2, plain = [], [], []
    for _ in range(300):
        first, second = truth + rng.normal(size=(2, 500)) * [[0.7], [1.0]]
        second[:50] = np.nan
        mse.append(replicate_mean_squared_error(first, predicted, replicate=second))
        r2.append(replicate_r2(first, predicted, replicate=second))
        plain.append(np.mean((first - predicted) ** 2))
    known = slice(50, None)
    error = np.mean((truth - predicted)[known] ** 2)
    without_bias(mse, error, np.mean(plain))
    assert np.mean(r2) == pytest.approx(1 - error / truth[known].var(), abs=0.02)
    with pytest.raises(ValueError, match="missing in all rows"):
        replicate_mean_squared_error(truth, predicted, replicate=np.full(500, np.nan))
    with pytest.raises(ValueError, match="do not agree at all"):
        replicate_r2(truth, predicted, replicate=-truth)
