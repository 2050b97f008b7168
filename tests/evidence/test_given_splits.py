"""`cv` in the forms that users give it: understood, or refused by name."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold

from sknoisy import FilterClassifier, FilterRegressor
from sknoisy.detection import ConfidentLearning, Consensus, DatasetMap, LabelCommittee, Residual
from sknoisy.threshold import OneStandardError

from ..helpers import noisy_labels, noisy_numbers

X, CODES = noisy_labels()
N = len(CODES)
FOLDS = list(KFold(3, shuffle=True, random_state=0).split(X))


def fit(cv, detector=ConfidentLearning):
    return detector(LogisticRegression(), cv=cv, random_state=0).fit(X, CODES)


@pytest.mark.parametrize(
    "make",
    [
        lambda: KFold(3).split(X),
        lambda: iter(FOLDS),
        lambda: zip([FOLDS[0][0]], [FOLDS[0][1]], strict=True),
        lambda: map(tuple, FOLDS),
    ],
    ids=["generator", "iterator", "zip", "map"],
)
def test_what_can_be_used_only_once_is_refused_with_the_remedy(make):
    for act in (
        fit,
        lambda cv: fit(cv, LabelCommittee),
        lambda cv: clone(ConfidentLearning(cv=cv)),
        lambda cv: FilterClassifier(LogisticRegression(), ConfidentLearning(cv=cv)).fit(X, CODES),
        lambda cv: FilterRegressor(Ridge(), Residual(cv=cv)).fit(*noisy_numbers()),
        lambda cv: Consensus(cv=cv).fit(X, CODES),
        lambda cv: DatasetMap(LogisticRegression(), cv=cv).fit(X, CODES),
        lambda cv: GridSearchCV(
            FilterClassifier(LogisticRegression(), ConfidentLearning(cv=cv)), {}
        ).fit(X, CODES),
        lambda cv: FilterClassifier(
            LogisticRegression(), contamination=OneStandardError(cv=cv)
        ).fit(X, CODES),
    ):
        with pytest.raises(TypeError, match=r"cv of .* only once.*give list\(cv\)"):
            act(make())


def test_a_list_of_what_a_splitter_gives_is_the_splitter():
    expected = fit(KFold(3, shuffle=True, random_state=0)).noise_score_
    np.testing.assert_array_equal(fit(FOLDS).noise_score_, expected)
    np.testing.assert_array_equal(fit(tuple(FOLDS)).noise_score_, expected)


def masks(rows):
    mask = np.zeros(N, dtype=bool)
    mask[rows] = True
    return mask


@pytest.mark.parametrize(
    "form", [masks, lambda rows: masks(rows).tolist(), np.ndarray.tolist, np.uint8]
)
def test_masks_lists_and_other_whole_numbers_are_understood(form):
    cv = [(form(train), form(test)) for train, test in FOLDS]
    np.testing.assert_array_equal(fit(cv).noise_score_, fit(FOLDS).noise_score_)


def test_a_row_named_twice_in_a_test_part_is_judged_once():
    cv = [(train, np.r_[test[-1], test]) for train, test in FOLDS]
    np.testing.assert_array_equal(fit(cv).noise_score_, fit(FOLDS).noise_score_)


A, B = np.arange(45), np.arange(45, N)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        ([], "cv gives no split"),
        ({}, "cv gives no split"),
        (np.empty((0, 2)), "cv gives no split"),
        ([(A, [])], "no test row"),
        ([(A, B), ([], A)], "split 2 of cv has 45 rows to judge and none to fit"),
        ([(A, np.r_[B, 7])], "split 1 of cv has 1 rows both to fit on and to judge, first row 7"),
        ([(np.arange(N), np.arange(N))], "90 rows both to fit on and to judge"),
        ([(A, B.astype(float))], r"test rows in split 1 of cv must be row numbers.*float64"),
        ([(A, B), (B, A + 0.5)], "test rows in split 2 of cv"),
        (
            [(A, B), (B - 100, A)],
            "train rows in split 2 of cv name row -55, and the rows are 0 to 89",
        ),
        ([(A, B + 1)], "name row 90"),
        ([(masks(A)[:50], B)], "mask of 50 entries, and there are 90 rows"),
        ([(A[:, None], B)], r"shape \(45, 1\)"),
        ([A, B], "must be .train rows, test rows."),
        ([(A, B, A)], "must be .train rows, test rows."),
        ([0, 1], "must be .train rows, test rows."),
        ([("ab", "cd")], "list of row numbers"),
        ([(["a"], ["b"])], "must be row numbers"),
        (KFold, r"got the class KFold: write KFold\(\)"),
    ],
)
def test_splits_that_make_no_sense_are_named(cv, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fit(cv)
    with pytest.raises((ValueError, TypeError), match=message):
        Residual(Ridge(), cv=cv).fit(*noisy_numbers())
    with pytest.raises((ValueError, TypeError), match=message):
        FilterClassifier(LogisticRegression(), DatasetMap(cv=cv)).fit(X, CODES)


class Odd:
    """A splitter that gives what it was given."""

    def __init__(self, splits):
        self.splits = splits

    def split(self, X, y=None, groups=None):
        yield from self.splits

    def get_n_splits(self, X=None, y=None, groups=None):
        return len(self.splits)


def test_splitters_are_checked_as_lists_are():
    np.testing.assert_array_equal(fit(Odd(FOLDS)).noise_score_, fit(FOLDS).noise_score_)
    for splits, message in (
        ([], "no split"),
        ([(A, A)], "both to fit on"),
        ([(A, -B)], "name row"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(Odd(splits))
