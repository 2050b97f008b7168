import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, make_classification, make_friedman1
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import average_precision_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier, FilterRegressor
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import AreaUnderMargin


def labels(seed=0, n=400, rate=0.2, n_classes=3):
    X, y = make_classification(
        n,
        8,
        n_informative=5,
        n_classes=n_classes,
        class_sep=1.5,
        flip_y=0.0,
        random_state=seed,
    )
    return X, *symmetric_noise(y, rate=rate, random_state=seed)


def numbers(seed=0, n=300, rate=0.1, shift=2.0):
    X, y = make_friedman1(n, noise=1.0, random_state=seed)
    rng = np.random.RandomState(seed)
    wrong = np.zeros(n, dtype=bool)
    wrong[rng.choice(n, int(rate * n), replace=False)] = True
    return X, y + wrong * rng.choice([-1, 1], n) * shift * y.std(), wrong


def test_the_mean_margin_of_the_logits():
    X, y, _ = labels(n=100)
    model = GradientBoostingClassifier(n_estimators=12, random_state=0)
    detector = AreaUnderMargin(model, n_stages=12).fit(X, y)
    margins, rows = [], np.arange(len(y))
    for logits in model.fit(X, y).staged_decision_function(X):
        others = logits.copy()
        others[rows, y] = -np.inf
        margins.append(logits[rows, y] - others.max(axis=1))
    np.testing.assert_allclose(detector.aum_, np.mean(margins, axis=0))
    np.testing.assert_allclose(detector.noise_score_, -detector.aum_)


def test_two_classes_and_a_cap_on_the_margin():
    X = np.r_[np.full((20, 1), -50.0), np.full((20, 1), 50.0)] + np.arange(40)[:, None] % 3
    y = np.repeat([0, 1], 20)
    y[0] = 1
    detector = AreaUnderMargin(GaussianNB(), n_stages=5).fit(X, y)
    assert np.abs(detector.aum_).max() <= np.log(1e6) + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_over_training_wrong_labels_stand_out_that_are_known_by_heart_in_the_end(seed):
    """Claim of the paper: the area ranks better than what the model says at the end."""
    X, y, wrong = labels(seed, rate=0.3)
    model = GradientBoostingClassifier(n_estimators=150, max_depth=4, random_state=0)
    detector = AreaUnderMargin(model).fit(X, y)
    end = model.fit(X, y).predict_proba(X)[np.arange(len(y)), y]
    assert end[wrong].mean() > 0.8
    area = average_precision_score(wrong, detector.noise_score_)
    assert area > average_precision_score(wrong, -end) + 0.05
    assert area > 0.65


@pytest.mark.parametrize("seed", range(2))
def test_numbers_that_are_known_by_heart_in_the_end(seed):
    X, y, wrong = numbers(seed)
    model = GradientBoostingRegressor(max_depth=4, random_state=0)
    detector = AreaUnderMargin(model).fit(X, y)
    end = np.abs(model.fit(X, y).predict(X) - y)
    area = average_precision_score(wrong, detector.noise_score_)
    assert area > average_precision_score(wrong, end) + 0.05
    assert detector.y_suggested_.dtype == y.dtype


@pytest.mark.parametrize("model", [LinearRegression(), None])
def test_auto_flags_numbers_that_are_far_off_and_none_of_a_clean_set(model):
    X, y, wrong = numbers(shift=4.0)
    flagged = AreaUnderMargin(model, random_state=0).fit(X, y).noise_mask_
    assert flagged[wrong].mean() > 0.8 and flagged[~wrong].mean() < 0.05
    X, y, _ = numbers(shift=0.0)
    assert not AreaUnderMargin(model, random_state=0).fit(X, y).noise_mask_.any()


def test_the_margin_of_numbers():
    X, y, _ = numbers(n=80)
    model = GradientBoostingRegressor(n_estimators=6, random_state=0)
    detector = AreaUnderMargin(model, n_stages=6).fit(X, y)
    sizes = [np.abs(y - p) for p in model.fit(X, y).staged_predict(X)]
    margin = 1 - np.mean([size / np.median(size) for size in sizes], axis=0)
    np.testing.assert_allclose(detector.aum_, margin)
    assert "times the usual" in detector.noise_report(X, y)["reason"].iloc[0]


@pytest.mark.parametrize("model", [LogisticRegression(), SGDClassifier(loss="log_loss"), None])
def test_auto_flags_wrong_labels_and_few_of_a_clean_set(model):
    X, y, wrong = labels(rate=0.1, n_classes=2)
    X = StandardScaler().fit_transform(X)
    detector = AreaUnderMargin(model, random_state=0, contamination="own").fit(X, y)
    flagged = detector.noise_mask_
    assert wrong[flagged].mean() > 0.7
    if model is not None:  # boosting soon knows these few rows by heart
        assert flagged[wrong].mean() > 0.4
    assert average_precision_score(wrong, detector.noise_score_) > 0.7
    assert (detector.noise_proba_[flagged] > 0.5).all()
    X, y, _ = labels(rate=0.0, n_classes=2)
    assert (
        AreaUnderMargin(model, random_state=0, contamination="own").fit(X, y).noise_mask_.mean()
        < 0.08
    )


def test_threshold_samples_with_many_classes():
    """The paper's rule: most wrong labels are below, and few right ones."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    y, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    model = RandomForestClassifier(40, min_samples_leaf=3)
    detector = AreaUnderMargin(model, rule="threshold_samples", random_state=0).fit(X, y)
    flagged = detector.noise_mask_
    assert flagged[wrong].mean() > 0.9
    assert flagged[~wrong].mean() < 0.12
    assert detector.threshold_aum_.shape == (2,)
    low, high = np.sort(detector.threshold_aum_)
    assert (detector.aum_[flagged] <= high).all() and (detector.aum_[~flagged] >= low).all()
    np.testing.assert_array_equal(flagged, detector.noise_score_ >= 0)
    assert average_precision_score(wrong, detector.noise_score_) > 0.95
    again = AreaUnderMargin(model, rule="threshold_samples", random_state=0).fit(X, y)
    np.testing.assert_array_equal(again.noise_score_, detector.noise_score_)


class Remembers(ClassifierMixin, BaseEstimator):
    """Knows its labels by heart; notes them."""

    log: list = []

    def partial_fit(self, X, y, classes=None):
        self.classes_ = np.unique(classes)
        self.known_ = dict(zip(np.asarray(X)[:, 0], y, strict=True))
        if len(Remembers.log) == 0 or Remembers.log[-1] != self.known_:
            Remembers.log.append(self.known_)
        return self

    fit = partial_fit

    def predict_proba(self, X):
        labels = np.array([self.known_[x] for x in np.asarray(X)[:, 0]], dtype=object)
        return 0.4 * (labels[:, None] == self.classes_) + 0.6 / len(self.classes_)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.mark.parametrize(
    "names", [np.array(["a", "b", "c"]), np.array([3, 7, 9]), np.array([1.0, 4.0, 5.0])]
)
def test_which_rows_are_threshold_samples(names):
    Remembers.log = []
    y = names[np.arange(40) % 3]
    X = np.arange(40.0)[:, None]
    detector = AreaUnderMargin(Remembers(), rule="threshold_samples", random_state=0).fit(X, y)
    assert len(Remembers.log) == 2
    replaced = []
    for known in Remembers.log:
        labels = [known[float(row)] for row in range(40)]
        assert set(labels) - set(names.tolist()) == {max(labels)}
        replaced.append({row for row in range(40) if labels[row] == max(labels)})
        assert all(labels[row] == y[row] for row in range(40) if row not in replaced[-1])
    assert [len(rows) for rows in replaced] == [10, 10]
    assert not replaced[0] & replaced[1]
    margin = np.log((0.4 + 0.6 / 4) / (0.6 / 4))
    np.testing.assert_allclose(detector.aum_, margin)
    np.testing.assert_allclose(detector.threshold_aum_, margin)
    assert detector.classes_.tolist() == names.tolist()
    assert detector.label_proba_.shape == (40, 3)


def test_threshold_samples_of_booleans_and_with_folds():
    X, y, _ = labels(n=120, n_classes=2)
    model = LogisticRegression()
    detector = AreaUnderMargin(model, rule="threshold_samples", cv=3, random_state=0)
    detector.fit(X, y == 1)
    assert detector.classes_.tolist() == [False, True]
    assert not np.isnan(detector.noise_score_).any()


def test_threshold_samples_are_only_drawn_when_asked_for():
    X, y, _ = labels(n=90)
    model = GaussianNB()
    by_share = AreaUnderMargin(model, rule="threshold_samples", contamination=0.1).fit(X, y)
    np.testing.assert_allclose(by_share.noise_score_, AreaUnderMargin(model).fit(X, y).noise_score_)
    assert not hasattr(by_share, "threshold_aum_")
    assert by_share.noise_mask_.sum() == 9


def test_where_threshold_samples_cannot_be():
    X, y, _ = numbers(n=30)
    with pytest.raises(ValueError, match="for class labels"):
        AreaUnderMargin(Ridge(), rule="threshold_samples").fit(X, y)
    with pytest.raises(ValueError, match="less than 2 of 5 rows in 2 classes"):
        AreaUnderMargin(GaussianNB(), rule="threshold_samples").fit(X[:5], [0, 1, 0, 1, 0])


def test_out_of_fold():
    X, y, wrong = labels(rate=0.2)
    model = RandomForestClassifier(30, min_samples_leaf=3)
    detector = AreaUnderMargin(model, cv=3, random_state=0).fit(X, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.7
    assert detector.noise_mask_[wrong].mean() > 0.3


def test_in_a_treatment_and_with_weights_and_trusted_rows():
    X, y, wrong = labels(rate=0.2)
    weight = np.random.RandomState(0).uniform(0.5, 1.5, len(y))
    model = FilterClassifier(LogisticRegression(), AreaUnderMargin(), random_state=0)
    model.fit(X, y, sample_weight=weight, trusted=wrong)
    assert not model.noise_mask_[wrong].any()
    X, y, wrong = numbers(shift=4.0)
    model = FilterRegressor(LinearRegression(), AreaUnderMargin()).fit(X, y)
    assert wrong[model.noise_mask_].mean() > 0.7


def test_reasons_and_errors():
    X, y, _ = labels(rate=0.2)
    names = np.array(["ant", "bee", "cow"])[y]
    detector = AreaUnderMargin(LogisticRegression()).fit(X, names)
    reason = detector.noise_report(X, names)["reason"].iloc[0]
    assert "over training" in reason and "is likelier" in reason
    with pytest.raises(TypeError, match="KNeighborsClassifier does not train in stages"):
        AreaUnderMargin(KNeighborsClassifier()).fit(X, y)
