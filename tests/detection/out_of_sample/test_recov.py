import warnings

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_blobs
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier, RelabelRegressor
from sknoisy.detection.out_of_sample._recov import ReCoV
from sknoisy.exceptions import RareClassWarning


def noisy_labels(n=100, n_wrong=6, seed=0):
    X, y = make_blobs(n, centers=[[-3, -3], [3, 3]], random_state=seed)
    y = np.array(["no", "yes"])[y]
    given = y.copy()
    given[:n_wrong] = np.where(y[:n_wrong] == "no", "yes", "no")
    return X, given, y, np.arange(n) < n_wrong


def noisy_numbers(n=100, n_wrong=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    truth = X @ [1, 2, 3]
    y = truth + 0.3 * rng.normal(size=n)
    y[:n_wrong] += 8 * rng.choice([-1, 1], n_wrong)
    return X, y, truth, np.arange(n) < n_wrong


def chance_score(estimator, X, y):
    """A score that has nothing to do with any row."""
    return np.sin(1e7 * X.sum())


class Recorder(ClassifierMixin, BaseEstimator):
    """Naive Bayes; notes which rows, known by their first feature, meet in a fit."""

    log: list = []

    def fit(self, X, y, sample_weight=None, tag=None):
        self.model_ = GaussianNB().fit(X[:, 1:], y, sample_weight)
        self.classes_ = self.model_.classes_
        Recorder.log.append({"train": X[:, 0].astype(int), "weight": sample_weight, "tag": tag})
        self.entry_ = Recorder.log[-1]
        return self

    def predict_proba(self, X):
        self.entry_["test"] = X[:, 0].astype(int)
        return self.model_.predict_proba(X[:, 1:])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class OnlyPredicts(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.model_ = GaussianNB().fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)


@pytest.fixture
def recorded():
    Recorder.log.clear()
    return Recorder.log


# --------------------------------------------------------------------------- the method


def test_counts_are_binomial_when_no_row_is_worse():
    X, y, _, _ = noisy_labels(n=250, n_wrong=0)
    detector = ReCoV(
        DummyClassifier(), scoring=chance_score, n_repeats=100, random_state=0, contamination="own"
    ).fit(X, y)
    counts = detector.worst_counts_
    assert (detector.test_counts_ == 100).all()
    assert counts.sum() == 100 * 250 / 5
    assert 0.7 < counts.var() / (100 * 0.2 * 0.8) < 1.3
    assert (detector.p_values_ < 0.05).mean() < 0.09
    assert detector.noise_mask_.mean() < 0.06
    np.testing.assert_allclose(detector.p_values_, binom.sf(counts - 1, 100, 0.2))
    np.testing.assert_allclose(detector.noise_score_, (counts - 20) / 4, atol=1e-9)
    np.testing.assert_array_equal(detector.noise_mask_, counts > 28)
    strict = ReCoV(
        DummyClassifier(),
        scoring=chance_score,
        n_repeats=100,
        rule="fdr_bh",
        random_state=0,
        contamination="own",
    ).fit(X, y)
    np.testing.assert_array_equal(strict.worst_counts_, counts)
    assert not strict.noise_mask_.any()
    assert not strict.noise_proba_.any()


@pytest.mark.parametrize(
    "model, scoring, rule",
    [
        (GaussianNB(), None, "2sigma"),
        (GaussianNB(), "accuracy", "fdr_bh"),
        (RidgeClassifier(), None, "fdr_bh"),
        (OnlyPredicts(), None, "2sigma"),
    ],
)
def test_finds_wrong_labels(model, scoring, rule):
    X, given, y, wrong = noisy_labels()
    detector = ReCoV(
        model, scoring=scoring, rule=rule, n_repeats=40, random_state=0, contamination="own"
    )
    detector.fit(X, given)
    assert average_precision_score(wrong, detector.noise_score_) > 0.8
    assert detector.noise_mask_[wrong].mean() >= 0.5
    assert wrong[detector.noise_mask_].mean() > (0.6 if rule == "2sigma" else 0.8)
    flagged = detector.noise_mask_ & wrong
    np.testing.assert_array_equal(detector.y_suggested_[flagged], y[flagged])
    assert detector.noise_proba_[wrong].mean() > 5 * detector.noise_proba_[~wrong].mean()
    np.testing.assert_allclose(detector.label_proba_.sum(axis=1), 1)


@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
def test_finds_wrong_numbers(scoring):
    X, y, truth, wrong = noisy_numbers()
    detector = ReCoV(LinearRegression(), scoring=scoring, n_repeats=100, random_state=0).fit(X, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.8
    assert np.abs(detector.y_suggested_ - truth)[wrong].max() < 2


def test_suggestions_serve_relabelling():
    X, y, truth, _ = noisy_numbers()
    model = RelabelRegressor(LinearRegression(), ReCoV(n_repeats=40), random_state=0).fit(X, y)
    plain = LinearRegression().fit(X, y)
    assert np.abs(model.predict(X) - truth).mean() < np.abs(plain.predict(X) - truth).mean()


def test_a_stricter_rate_flags_fewer():
    X, given, _, _ = noisy_labels()
    flagged = [
        ReCoV(
            GaussianNB(),
            rule="fdr_bh",
            alpha=alpha,
            n_repeats=40,
            random_state=0,
            contamination="own",
        )
        .fit(X, given)
        .noise_mask_
        for alpha in (1e-12, 0.05, 0.5)
    ]
    assert flagged[0].sum() < flagged[1].sum() <= flagged[2].sum()
    assert (flagged[1] <= flagged[2]).all()


def test_equally_bad_folds_are_chosen_between_by_the_seed():
    X, y, _, _ = noisy_labels(n=50, n_wrong=0)
    first = StratifiedKFold(5, shuffle=True)
    counts = [
        ReCoV(
            DummyClassifier(),
            scoring=lambda estimator, X, y: 1.0,
            cv=first,
            n_repeats=30,
            random_state=seed,
        )
        .fit(X, y)
        .worst_counts_
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(counts[0], counts[1])
    assert (counts[0] != counts[2]).any()
    assert counts[0].max() < 30  # no fold is the worst each time
    assert first.random_state is None  # the user's splitter stays as it was


# --------------------------------------------------------------------------- folds


def with_row_numbers(X):
    return np.column_stack([np.arange(len(X)), X])


def test_number_of_fits_weights_and_fit_parameters(recorded):
    X, given, _, _ = noisy_labels(n=40)
    weight = np.random.default_rng(0).uniform(1, 2, size=40)
    detector = ReCoV(n_repeats=12, cv=4)
    FilterClassifier(Recorder(), detector, calibrate=False, random_state=0).fit(
        with_row_numbers(X), given, sample_weight=weight, tag="seen"
    )
    assert len(recorded) == 12 * 4 + 1
    for entry in recorded:
        np.testing.assert_array_equal(entry["weight"], weight[entry["train"]])
        assert entry["tag"] == "seen"


def test_each_repeat_has_its_own_folds_and_keeps_groups_together(recorded):
    X, given, _, _ = noisy_labels(n=60)
    groups = np.repeat(np.arange(30), 2)
    ReCoV(Recorder(), n_repeats=12, cv=3, random_state=0).fit(
        with_row_numbers(X), given, groups=groups
    )
    for entry in recorded:
        assert not np.intersect1d(groups[entry["train"]], groups[entry["test"]]).size
    assert len({tuple(sorted(entry["test"])) for entry in recorded}) > 30


def test_groups_of_numbers_too():
    X, y, _, wrong = noisy_numbers(n=90)
    groups = np.random.default_rng(0).permutation(np.arange(90) // 2)
    detector = ReCoV(LinearRegression(), n_repeats=60, random_state=0).fit(X, y, groups=groups)
    assert len(np.unique(detector.worst_counts_)) > 5
    assert average_precision_score(wrong, detector.noise_score_) > 0.4


@pytest.mark.parametrize(
    "cv, message",
    [
        (KFold(5), "new folds in each repeat"),
        (ShuffleSplit(1, random_state=0), "at least 2 folds in each repeat"),
        (list(KFold(5).split(np.zeros((60, 1)))), "The 'cv' parameter"),
    ],
)
def test_folds_that_cannot_be_repeated_are_refused(cv, message):
    X, given, _, _ = noisy_labels(n=60)
    with pytest.raises(ValueError, match=message):
        ReCoV(GaussianNB(), cv=cv, n_repeats=3).fit(X, given)


@pytest.mark.parametrize(
    "cv", [KFold(4, shuffle=True, random_state=0), RepeatedKFold(n_splits=4, n_repeats=2)]
)
def test_shuffling_splitters(cv):
    X, given, _, wrong = noisy_labels(n=60)
    fitted = [
        ReCoV(GaussianNB(), cv=cv, n_repeats=25, random_state=0).fit(X, given) for _ in range(2)
    ]
    np.testing.assert_array_equal(fitted[0].worst_counts_, fitted[1].worst_counts_)
    assert (fitted[0].test_counts_ == 25).all()
    assert average_precision_score(wrong, fitted[0].noise_score_) > 0.6


def test_rows_tested_in_some_repeats_or_none():
    X, given, _, wrong = noisy_labels(n=60)

    class Part(ShuffleSplit):
        """Random folds of the first 50 rows."""

        def split(self, X, y=None, groups=None):
            yield from super().split(X[:50])

    detector = ReCoV(GaussianNB(), cv=Part(3, test_size=0.2), n_repeats=30, random_state=0).fit(
        X, given
    )
    assert np.isnan(detector.noise_score_[50:]).all()
    assert np.isnan(detector.p_values_[50:]).all()
    assert not detector.noise_mask_[50:].any()
    np.testing.assert_array_equal(detector.y_suggested_[50:], given[50:])
    assert 0 < detector.test_counts_[:50].min() < 30
    assert (detector.worst_counts_ <= detector.test_counts_).all()
    assert average_precision_score(wrong[:50], detector.noise_score_[:50]) > 0.5


def test_sole_member_of_a_class_is_not_judged_and_named_once():
    X, given, _, _ = noisy_labels(n=60)
    given = given.astype(object)
    given[59] = "rare"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        detector = ReCoV(GaussianNB(), n_repeats=25, random_state=0).fit(X, given)
    assert sum(issubclass(w.category, RareClassWarning) for w in caught) == 1
    assert np.isnan(detector.noise_score_[59])
    assert not np.isnan(detector.noise_score_[:59]).any()
    assert not detector.noise_mask_[59]
    shuffled = KFold(5, shuffle=True)
    model = DecisionTreeClassifier(max_depth=1)
    detector = ReCoV(model, cv=shuffled, n_repeats=25, random_state=0).fit(X, given)
    assert np.isnan(detector.noise_score_[59])
    # its fold is not held to be bad on its account
    assert detector.worst_counts_[59] < 15


def test_a_single_class():
    X, _, _, _ = noisy_labels(n=30)
    detector = ReCoV(DecisionTreeClassifier(), n_repeats=5, random_state=0).fit(X, ["a"] * 30)
    assert np.isnan(detector.noise_score_).all()
    assert not detector.noise_mask_.any()


# --------------------------------------------------------------------------- the contract


def test_same_result_for_any_n_jobs():
    X, given, _, _ = noisy_labels(n=40)
    model = DecisionTreeClassifier(max_features=1, splitter="random")
    fitted = [
        ReCoV(model, n_repeats=12, n_jobs=n_jobs, random_state=0).fit(X, given)
        for n_jobs in (None, 2)
    ]
    np.testing.assert_array_equal(fitted[0].worst_counts_, fitted[1].worst_counts_)
    np.testing.assert_array_equal(fitted[0].label_proba_, fitted[1].label_proba_)


def test_contamination_changes_the_flags_only():
    X, given, _, _ = noisy_labels(n=60)
    fitted = [
        ReCoV(GaussianNB(), contamination=c, n_repeats=20, random_state=0).fit(X, given)
        for c in ("auto", 0.1, 0)
    ]
    assert 0 < fitted[1].noise_mask_.sum() <= 9
    assert not fitted[2].noise_mask_.any() and not fitted[2].noise_proba_.any()
    np.testing.assert_array_equal(fitted[2].y_suggested_, given)
    for detector in fitted[1:]:
        np.testing.assert_array_equal(detector.noise_score_, fitted[0].noise_score_)


def test_trusted_rows_are_not_flagged():
    X, given, _, wrong = noisy_labels(n=80)
    trusted = np.arange(80) < 3
    detector = ReCoV(GaussianNB(), n_repeats=40, random_state=0)
    detector.fit(X, given, trusted=trusted)
    assert not detector.noise_mask_[trusted].any()
    assert not detector.noise_proba_[trusted].any()
    assert detector.noise_mask_[wrong & ~trusted].any()


def test_report_says_how_often():
    X, given, _, wrong = noisy_labels(n=60)
    detector = ReCoV(GaussianNB(), n_repeats=40, random_state=0).fit(X, given)
    report = detector.noise_report(X, given)
    assert wrong[report.row.iloc[0]]
    assert report.reason.iloc[0].startswith("in the worst fold ")
    assert "of 40 times" in report.reason.iloc[0]


def test_score_without_a_value_is_an_error():
    X, given, _, _ = noisy_labels(n=40)
    with pytest.raises(ValueError, match="scoring gave NaN"):
        ReCoV(GaussianNB(), scoring=lambda estimator, X, y: np.nan, n_repeats=2).fit(X, given)
