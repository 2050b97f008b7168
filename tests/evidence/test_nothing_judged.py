"""What leaves every row unjudged, and groups in any form: an error or a warning that says why."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier, FilterRegressor, RobustClassifier
from sknoisy.detection import ConfidentLearning, DataOOB, DatasetMap, Residual
from sknoisy.exceptions import NothingJudgedWarning, RareClassWarning
from sknoisy.threshold import FixedRate

from ..helpers import noisy_labels, noisy_numbers

X, CODES = noisy_labels()
N = len(CODES)
X_NUMBERS, NUMBERS = noisy_numbers()


@pytest.mark.parametrize("contamination", ["auto", 0.2])
@pytest.mark.parametrize(
    ("y", "groups", "why"),
    [
        (CODES, CODES, "all rows of a class are in one group"),
        (CODES, CODES.astype(str), "all rows of a class are in one group"),
        (np.zeros(N, dtype=int), None, "y has only one class, 0"),
        (np.arange(N), None, "no class has two rows"),
    ],
    ids=["groups are classes", "their names", "one class", "all alone"],
)
@pytest.mark.filterwarnings("ignore::sknoisy.exceptions.RareClassWarning", "ignore:The number of")
def test_when_nobody_is_judged_a_warning_says_why(y, groups, why, contamination):
    model = FilterClassifier(DecisionTreeClassifier(), contamination=contamination)
    with pytest.warns(NothingJudgedWarning, match=f"ConfidentLearning could judge no row.*{why}"):
        model.fit(X, y, groups=groups)
    assert not model.noise_mask_.any()
    assert np.isnan(model.detector_.noise_score_).all()


def test_bags_and_stages_say_so_too():
    for detector in (DataOOB(DecisionTreeClassifier()), DatasetMap(DecisionTreeClassifier(), cv=3)):
        with pytest.warns(NothingJudgedWarning, match="one class"):
            detector.fit(X, np.zeros(N, dtype=int))


def test_a_splitter_that_never_trains_on_the_class_it_tests():
    cv = [(np.flatnonzero(CODES != c), np.flatnonzero(CODES == c)) for c in range(3)]
    with pytest.warns(NothingJudgedWarning, match="no model, fitted on other rows"):
        ConfidentLearning(LogisticRegression(), cv=cv).fit(X, CODES)


def test_no_warning_where_one_row_is_judged(recwarn):
    cv = [(np.arange(1, N), [0])]
    detector = ConfidentLearning(LogisticRegression(), cv=cv, contamination=FixedRate(0.1))
    assert np.isfinite(detector.fit(X, CODES).noise_score_[0])
    assert not [w for w in recwarn if issubclass(w.category, NothingJudgedWarning)]


# --------------------------------------------------------------------------- near the limits


@pytest.mark.parametrize("weight", [1e308, 1e200, 5e-324, 1e-200])
@pytest.mark.parametrize("n", [1, N])
def test_weights_that_overflow_or_vanish(weight, n):
    sample_weight = np.where(np.arange(N) < n, weight, 0.0)
    with pytest.raises(ValueError, match=r"largest sample_weight is .* \(row 0\).*divide"):
        FilterClassifier(DecisionTreeClassifier()).fit(X, CODES, sample_weight=sample_weight)


def test_weights_of_any_usual_size_say_the_same():
    weight = 1.0 + np.arange(N) % 3
    scores = [
        ConfidentLearning(DecisionTreeClassifier(max_depth=3, random_state=0), random_state=0)
        .fit(X, CODES, sample_weight=weight * scale)
        .noise_score_
        for scale in (2.0**-60, 1.0, 2.0**60)
    ]
    np.testing.assert_allclose(scores[0], scores[1])
    np.testing.assert_allclose(scores[2], scores[1])


@pytest.mark.parametrize("kind", [Residual, FilterRegressor])
def test_numbers_that_overflow_or_vanish(kind):
    y = NUMBERS.copy()
    y[5] = 1e300
    with pytest.raises(ValueError, match=r"y is 1e\+300 in row 5.*overflow"):
        kind(Ridge()).fit(X_NUMBERS, y)
    with pytest.raises(ValueError, match="differ by .* zero in floating point"):
        kind(Ridge()).fit(X_NUMBERS, NUMBERS * 1e-200)
    kind(Ridge()).fit(X_NUMBERS, np.full(N, 1e139) * (1 + NUMBERS / 1e4))
    with pytest.raises(ValueError, match=r"[Cc]omplex"):
        kind(Ridge()).fit(X_NUMBERS, NUMBERS + 1j)


# --------------------------------------------------------------------------- groups


IDS = np.arange(N) // 3 % 11


@pytest.mark.parametrize(
    "groups",
    [
        IDS.astype(float),
        [int(i) for i in IDS],
        [f"g{i:02d}" for i in IDS],
        np.array([f"g{i:02d}" for i in IDS], dtype=object),
        IDS[:, None],
        pd.Series(IDS, index=np.arange(N) + 5),
        pd.DataFrame({"group": IDS}),
        pd.array(IDS, dtype="Int64"),
        pd.Series(pd.array([f"g{i:02d}" for i in IDS], dtype="string")),
        pd.Categorical([f"g{i:02d}" for i in IDS]),
        pd.to_datetime(IDS, unit="D"),
    ],
    ids=lambda g: type(g).__name__,
)
def test_the_same_groups_in_another_form_give_the_same_result(groups):
    detector = ConfidentLearning(LogisticRegression(), random_state=0)
    expected = detector.fit(X, CODES, groups=IDS).noise_score_
    np.testing.assert_array_equal(detector.fit(X, CODES, groups=groups).noise_score_, expected)
    detector.set_params(cv=GroupKFold(3)).fit(X, CODES, groups=groups)


@pytest.mark.parametrize(
    "groups",
    [
        np.array([int(i) if i % 2 else f"g{i}" for i in IDS], dtype=object),
        [(int(i), 1) for i in IDS],
        [(int(i),) * (1 + i % 3) for i in IDS],
        np.array([(float(i) if i % 2 else True) if i else "no" for i in IDS], dtype=object),
        [frozenset({int(i), 50}) for i in IDS],
    ],
    ids=["mixed", "tuples", "ragged tuples", "three types", "sets"],
)
@pytest.mark.parametrize("cv", [None, 3, GroupKFold(3)], ids=str)
def test_groups_of_any_type_stay_together(groups, cv):
    keys = [repr(group) for group in groups]
    seen = []

    class Noting(LogisticRegression):
        def predict_proba(self, X):
            seen.append({keys[i] for i in np.rint(X[:, 0] * N).astype(int)})
            return super().predict_proba(X)

    ConfidentLearning(Noting(), cv=cv, random_state=0).fit(X, CODES, groups=groups)
    assert len(seen) in (3, 5)
    assert sum(map(len, seen)) == len(set(keys))
    FilterClassifier(Noting()).fit(X, CODES, groups=groups)
    FilterClassifier(LogisticRegression(), contamination=FixedRate(0.1, per_group=True)).fit(
        X, CODES, groups=groups
    )


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.column_stack([IDS, IDS]), r"groups must have one entry per row .*shape \(90, 2\)"),
        (pd.DataFrame({"a": IDS, "b": IDS}), "groups must have one entry per row"),
        (IDS[:-1], "groups has 89 entries for 90 rows"),
        ("abc", "groups must have one entry per row"),
        (3, "groups must have one entry per row"),
        ([None, *IDS[1:]], "groups is missing in 1 rows, first in row 0"),
        (["a", np.nan] * 45, "groups is missing in 45 rows, first in row 1"),
        (pd.array([1, pd.NA] * 45, dtype="Int64"), "groups is missing in 45 rows"),
        (pd.array(["a", None] * 45, dtype="string"), "groups is missing in 45 rows"),
        ([[1], [2]] * 45, None),
        ([{1}, {2}] * 45, "groups must be names or numbers"),
    ],
    ids=str,
)
def test_groups_that_cannot_be_are_named(groups, message):
    detector = ConfidentLearning(LogisticRegression())
    if message is None:  # a column
        detector.fit(X, CODES, groups=groups)
        return
    with pytest.raises(ValueError, match=message):
        detector.fit(X, CODES, groups=groups)


def test_the_default_takes_groups_of_any_type():
    groups = np.array([int(i) if i % 2 else f"g{i}" for i in IDS], dtype=object)
    model = RobustClassifier(LogisticRegression(), effort="fast", random_state=0)
    assert np.isfinite(model.fit(X, CODES, groups=groups).detector_.noise_score_).all()


def test_rare_classes_and_nothing_judged_are_two_things():
    assert not issubclass(NothingJudgedWarning, RareClassWarning)
