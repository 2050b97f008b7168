"""DataOOB, and the bags it shares, through their public behaviour."""

import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sknoisy import FilterClassifier
from sknoisy.detection import DataOOB
from sknoisy.exceptions import RareClassWarning

from ...helpers import fits, noisy_labels, noisy_numbers, recording, row_numbers


def wrong_labels(seed, n=300, rate=0.2):
    X, y = make_classification(
        n, 6, n_informative=4, n_redundant=0, class_sep=1.5, flip_y=0.0, random_state=seed
    )
    wrong = np.random.RandomState(seed).rand(n) < rate
    return X, np.where(wrong, 1 - y, y), wrong


def values(models, bags, X, y, right):
    """The definition, row by row: mean of `right` over the models whose bag has not the row."""
    out = np.full(len(y), np.nan)
    for i in range(len(y)):
        judges = [m for m, bag in zip(models, bags, strict=True) if i not in set(bag)]
        if judges:
            out[i] = np.mean([right(m.predict(X[i : i + 1])[0], y[i]) for m in judges])
    return out


def minus_square(predicted, given):
    return -((predicted - given) ** 2)


# ------------------------------------------------------------------ the formula


def test_value_of_labels_is_the_share_of_right_out_of_bag_models():
    X, y = noisy_labels()
    model, calls = recording(DecisionTreeClassifier(max_depth=3, random_state=0))
    detector = DataOOB(model, n_bags=12, random_state=0).fit(X, y)
    bags = [row_numbers(call.X, len(y)) for call in fits(calls)]
    assert len(bags) == 12
    for call, bag in zip(fits(calls), bags, strict=True):
        np.testing.assert_array_equal(call.y, y[bag])
        assert len(bag) == len(y) > len(set(bag))  # drawn with replacement
    trees = [DecisionTreeClassifier(max_depth=3, random_state=0).fit(X[b], y[b]) for b in bags]
    expected = values(trees, bags, X, y, np.equal)
    np.testing.assert_allclose(detector.data_oob_, expected)
    np.testing.assert_allclose(detector.noise_score_, 1 - expected)
    np.testing.assert_array_equal(
        detector.n_judges_, [sum(i not in set(bag) for bag in bags) for i in range(len(y))]
    )


def test_value_of_numbers_is_minus_the_mean_squared_error():
    X, y = noisy_numbers()
    model, calls = recording(Ridge())
    detector = DataOOB(model, n_bags=20, random_state=0).fit(X, y)
    bags = [row_numbers(call.X, len(y)) for call in fits(calls)]
    models = [Ridge().fit(X[bag], y[bag]) for bag in bags]
    expected = values(models, bags, X, y, minus_square)
    np.testing.assert_allclose(detector.data_oob_, expected)
    size = np.sqrt(-expected)
    np.testing.assert_allclose(detector.noise_score_, size / np.nanmedian(size))
    wrong = np.random.RandomState(0).choice(len(y), 9, replace=False)  # as in noisy_numbers
    assert detector.noise_mask_[wrong].all()
    assert (detector.y_suggested_[wrong] < y[wrong] - 100).all()


@pytest.mark.parametrize(
    "ensemble",
    [
        RandomForestClassifier(15, random_state=0),
        BaggingClassifier(DecisionTreeClassifier(), 15, max_features=3, random_state=0),
        BaggingClassifier(LogisticRegression(), 15, max_samples=0.5, random_state=0),
        RandomForestRegressor(15, max_depth=3, random_state=0),
        BaggingRegressor(Ridge(), 15, max_features=3, random_state=0),
    ],
)
def test_an_ensemble_with_bags_of_its_own_is_fitted_once(ensemble):
    is_labels = hasattr(ensemble, "predict_proba")
    X, y = noisy_labels() if is_labels else noisy_numbers()
    names = np.array(["b", "a", "c"])[y] if is_labels else y
    detector = DataOOB(ensemble).fit(X, names)
    ensemble.fit(X, names)
    codes = np.searchsorted(np.unique(names), names) if is_labels else y

    class Member:
        def __init__(self, member, columns):
            self.member, self.columns = member, columns

        def predict(self, X):
            return self.member.predict(X[:, self.columns])

    columns = getattr(ensemble, "estimators_features_", [range(X.shape[1])] * 15)
    members = [Member(m, list(c)) for m, c in zip(ensemble.estimators_, columns, strict=True)]
    right = np.equal if is_labels else minus_square
    expected = values(members, ensemble.estimators_samples_, X, codes, right)
    np.testing.assert_allclose(detector.data_oob_, expected, atol=1e-9)


def test_equally_likely_labels_share_the_vote():
    X = np.zeros((40, 1))
    y = np.arange(40) % 2
    detector = DataOOB(KNeighborsClassifier(2), n_bags=30, random_state=0).fit(X, y)
    # all rows are the same: whoever the two neighbours are, both labels are equally hard
    named = DataOOB(KNeighborsClassifier(2), n_bags=30, random_state=0).fit(X, 1 - y)
    np.testing.assert_allclose(detector.noise_score_, named.noise_score_)


# ------------------------------------------------------------------ the paper's claim


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("model", [None, DecisionTreeClassifier(), LinearSVC()])
def test_wrong_labels_have_low_values(seed, model):
    X, y, wrong = wrong_labels(seed)
    detector = DataOOB(model, n_bags=30, random_state=0).fit(X, y)
    assert detector.data_oob_[wrong].mean() < 0.4 < 0.6 < detector.data_oob_[~wrong].mean()
    assert average_precision_score(wrong, detector.noise_score_) > 2.5 * wrong.mean()


def test_default_rule_finds_about_as_many_as_are_wrong():
    found = []
    for seed in range(4):
        X, y, wrong = wrong_labels(seed)
        mask = DataOOB(random_state=0).fit(X, y).noise_mask_
        found.append([mask.sum() / wrong.sum(), wrong[mask].mean()])
    share, precision = np.mean(found, axis=0)
    assert 0.6 < share < 1.4
    assert precision > 0.75


# ------------------------------------------------------------------ what must not matter


@pytest.mark.parametrize("model", [None, DecisionTreeClassifier(), LinearSVC()])
def test_names_of_classes_do_not_matter(model):
    X, y = noisy_labels()
    first = DataOOB(model, n_bags=20, random_state=0).fit(X, y)
    renamed = DataOOB(model, n_bags=20, random_state=0).fit(X, np.array([7, 9, 8])[y])
    np.testing.assert_allclose(first.noise_score_, renamed.noise_score_, atol=1e-12)


def test_jobs_do_not_matter():
    X, y = noisy_labels()
    with parallel_config(backend="threading"):
        one, two = (
            DataOOB(DecisionTreeClassifier(), n_bags=20, random_state=0, n_jobs=jobs).fit(X, y)
            for jobs in (1, 2)
        )
    np.testing.assert_array_equal(one.noise_score_, two.noise_score_)


def test_same_seed_same_result_other_seed_other_bags():
    X, y = noisy_labels()
    a, b, c = (DataOOB(LogisticRegression(), random_state=s).fit(X, y) for s in (0, 0, 1))
    np.testing.assert_array_equal(a.noise_score_, b.noise_score_)
    assert (a.n_judges_ != c.n_judges_).any()


# ------------------------------------------------------------------ groups, weights, rare classes


def test_groups_are_in_a_bag_as_a_whole_even_of_a_forest():
    X, y = noisy_labels()
    groups = np.arange(len(y)) // 5
    model, calls = recording(RandomForestClassifier(3, random_state=0))
    DataOOB(model, n_bags=6, random_state=0).fit(X, y, groups=groups)
    for call in fits(calls):
        rows, counts = np.unique(row_numbers(call.X, len(y)), return_counts=True)
        drawn = np.zeros(len(y), dtype=int)
        drawn[rows] = counts
        assert all(len(set(drawn[groups == g])) == 1 for g in np.unique(groups))
    plain = DataOOB(RandomForestClassifier(3, random_state=0), n_bags=6, random_state=0)
    judges = plain.fit(X, y, groups=groups).n_judges_
    assert all(len(set(judges[groups == g])) == 1 for g in np.unique(groups))


def test_weights_follow_their_rows_into_the_bags():
    X, y = noisy_labels()
    weight = 1.0 + np.arange(len(y))
    model, calls = recording(LogisticRegression())
    DataOOB(model, n_bags=3, random_state=0).fit(X, y, sample_weight=weight)
    for call in fits(calls):
        np.testing.assert_array_equal(call.sample_weight, weight[row_numbers(call.X, len(y))])


@pytest.mark.parametrize("model", [None, DecisionTreeClassifier()])
def test_a_sole_member_of_a_class_is_not_judged(model):
    X, y = noisy_labels()
    y = y.copy()
    y[7] = 3
    with pytest.warns(RareClassWarning, match=r"3 \(1\)"):
        detector = DataOOB(model, random_state=0).fit(X, y)
    assert np.isnan(detector.noise_score_[7])
    assert not detector.noise_mask_[7]
    assert np.isfinite(np.delete(detector.noise_score_, 7)).all()


def test_a_bag_has_two_classes():
    X = np.arange(12.0)[:, None]
    y = np.r_[np.zeros(10), 1, 1].astype(int)
    model, calls = recording(LogisticRegression())
    DataOOB(model, n_bags=40, max_samples=0.2, random_state=0).fit(X, y)
    assert all(len(set(call.y)) == 2 for call in fits(calls))


def test_one_class_gives_no_evidence():
    detector = DataOOB(LogisticRegression()).fit(np.arange(10.0)[:, None], np.zeros(10, dtype=int))
    assert not detector.noise_mask_.any()
    assert np.isnan(detector.noise_score_).all()


def test_one_row_is_an_error():
    with pytest.raises(ValueError, match="at least 2 rows, got n_samples=1"):
        DataOOB(DecisionTreeRegressor()).fit([[1.0]], [0.5])


def test_bad_parameters_are_named():
    X, y = noisy_labels()
    for bad in ({"n_bags": 1}, {"max_samples": 0.0}, {"max_samples": 1.5}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            DataOOB(**bad).fit(X, y)


# ------------------------------------------------------------------ containers and treatments


def test_a_table_behind_the_default_and_a_pipelines_forest():
    X, y = noisy_labels()
    table = pd.DataFrame(X, columns=list("abcdef")).assign(kind=np.where(X[:, 1] > 0, "u", "v"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert DataOOB(random_state=0).fit(table, y).noise_mask_.any()
    scaled = make_pipeline(StandardScaler(), RandomForestClassifier(20, random_state=0))
    piped = DataOOB(scaled).fit(X, y)
    by_hand = DataOOB(scaled[-1]).fit(StandardScaler().fit_transform(X), y)
    np.testing.assert_allclose(piped.noise_score_, by_hand.noise_score_)


def test_in_a_treatment():
    X, y, wrong = wrong_labels(0)
    clean = FilterClassifier(
        DecisionTreeClassifier(max_depth=4), detector=DataOOB(n_bags=20), random_state=0
    ).fit(X, y)
    truth = np.where(wrong, 1 - y, y)
    plain = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, y)
    assert clean.score(X, truth) > plain.score(X, truth)


def test_report_says_how_many_models_are_against():
    X, y = noisy_labels()
    report = DataOOB(DecisionTreeClassifier(), random_state=0).fit(X, y).noise_report(X, y)
    assert report.reason.str.contains("models that have not seen it predict").all()
