"""What y may look like: one value for labelled positives, another one or blanks for the rest."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from sknoisy.weak_labels.positive_unlabelled import ElkanNotoClassifier, PUMultiOutputClassifier

RNG = np.random.default_rng(0)
TRUE = RNG.random(300) < 0.4
X = RNG.normal(size=(300, 2)) + 2.5 * TRUE[:, None]
LABELLED = TRUE & (RNG.random(300) < 0.5)


def fit(y, **how):
    return ElkanNotoClassifier(LogisticRegression(), random_state=0, **how).fit(X, y)


EXPECTED = fit(LABELLED.astype(int)).predict(X) == 1


@pytest.mark.parametrize(
    ("positive", "unlabelled", "classes"),
    [
        (1, 0, [0, 1]),
        (1, -1, [-1, 1]),
        (1.0, np.nan, [0.0, 1.0]),
        (True, False, [False, True]),
        (True, None, [False, True]),
        ("yes", None, ["not yes", "yes"]),
        ("spam", "ham?", ["ham?", "spam"]),
        ("ill", "unlabelled", ["ill", "unlabelled"]),
        ("ill", None, ["ill", "not ill"]),
        ("churned", "not churned", ["churned", "not churned"]),
        ("Yes", "no", ["Yes", "no"]),
    ],
)
def test_values_of_y(positive, unlabelled, classes):
    y = [positive if given else unlabelled for given in LABELLED]
    for container in (list, lambda y: pd.Series(y, index=range(5, 305))):
        model = fit(container(y))
        assert model.classes_.tolist() == classes
        np.testing.assert_array_equal(model.predict(X) == positive, EXPECTED)


def test_nullable_and_categorical_columns():
    y = pd.Series(np.where(LABELLED, 1, 0))
    for kind in ("Int64", "boolean", "category"):
        np.testing.assert_array_equal(fit(y.astype(kind)).predict(X) == 1, EXPECTED)
    blanks = y.astype("Int64").where(y == 1)
    np.testing.assert_array_equal(fit(blanks).predict(X) == 1, EXPECTED)


def test_positive_names_the_value():
    y = np.where(LABELLED, "a", "b")
    model = fit(y, positive="a")
    assert model.classes_.tolist() == ["a", "b"]
    np.testing.assert_array_equal(model.predict(X) == "a", EXPECTED)
    proba = model.predict_proba(X)
    np.testing.assert_array_equal(proba[:, 0] > 0.5, EXPECTED)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)


def test_two_names_that_say_nothing_are_taken_by_the_alphabet_with_a_warning():
    with pytest.warns(UserWarning, match="'control' is taken for the positive class.*positive='ca"):
        fit(np.where(LABELLED, "case", "control"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(np.where(LABELLED, "case", "control"), positive="case")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(300), "only one class, 0.0"),
        (np.ones(300), "only one class, 1.0"),
        (np.arange(300) % 3, r"3 classes \(0, 1, 2\)"),
        (np.full(300, np.nan), "blanks in all 300 rows"),
        (np.where(np.arange(300) == 7, np.nan, LABELLED), "1 rows, first in row 7, beside"),
        (np.where(LABELLED, 0.0, np.nan), "The only label in y is 0.0"),
    ],
)
def test_errors_say_what_is_wrong(y, message):
    with pytest.raises(ValueError, match=message):
        fit(y)


def test_a_positive_value_that_is_not_there():
    with pytest.raises(ValueError, match="positive='c' is no value of y"):
        fit(np.where(LABELLED, "a", "b"), positive="c")


def test_a_failed_fit_leaves_nothing():
    model = ElkanNotoClassifier(LogisticRegression())
    with pytest.raises(ValueError, match="one class"):
        model.fit(X, np.zeros(300))
    assert not [name for name in vars(model) if name.endswith("_")]


def test_weights_that_leave_one_class():
    with pytest.raises(ValueError, match="labelled positive have sample_weight zero"):
        ElkanNotoClassifier(LogisticRegression()).fit(
            X, LABELLED.astype(int), sample_weight=(~LABELLED).astype(float)
        )


def test_a_matrix_of_labels_names_the_column_at_fault():
    y = pd.DataFrame({"good": LABELLED.astype(int), "empty": 0})
    with pytest.raises(ValueError, match="only one class") as caught:
        PUMultiOutputClassifier(LogisticRegression()).fit(X, y)
    assert "'empty'" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match=r"got shape \(300,\)"):
        PUMultiOutputClassifier(LogisticRegression()).fit(X, y["good"])
