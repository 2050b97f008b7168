"""Outlier through its public behaviour."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, RobustScaler, StandardScaler
from sklearn.svm import OneClassSVM

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    RelabelRegressor,
    ReweightClassifier,
)
from sknoisy.detection.features._outlier import Outlier
from sknoisy.exceptions import RareClassWarning

BROKEN = [3, 50, 77]
DETECTORS = {
    "default": None,
    "forest": IsolationForest(n_estimators=50, contamination=0.03),
    "svm": OneClassSVM(nu=0.05, gamma=0.1),
    "ellipse": EllipticEnvelope(contamination=0.03),
    "lof": LocalOutlierFactor(contamination=0.03),
    "novelty": LocalOutlierFactor(contamination=0.03, novelty=True),
    "pipeline": make_pipeline(RobustScaler(), IsolationForest(n_estimators=50, contamination=0.03)),
    "lof pipeline": make_pipeline(RobustScaler(), LocalOutlierFactor(contamination=0.03)),
}


def table(n=150, seed=0):
    """Two classes side by side, and three rows with a cell that is far off."""
    rng = np.random.default_rng(seed)
    y = np.repeat(["left", "right"], [n // 2, n - n // 2])
    X = rng.uniform(-1, 1, size=(n, 3))
    X[:, 0] += np.where(y == "left", -2, 2)
    X[BROKEN, [0, 1, 2]] = [40.0, -30.0, 25.0]
    return X, y


def worst(score, count):
    return sorted(np.argsort(-score)[:count].tolist())


# ------------------------------------------------------------------ any outlier detector


@pytest.mark.parametrize("per_class", [False, True])
@pytest.mark.parametrize("name", DETECTORS)
def test_broken_rows_have_the_highest_scores(name, per_class):
    X, y = table()
    detector = Outlier(DETECTORS[name], per_class=per_class, random_state=0).fit(X, y)
    assert worst(detector.noise_score_, 3) == BROKEN
    assert detector.noise_mask_[BROKEN].all()
    assert detector.noise_mask_.mean() < 0.1
    np.testing.assert_array_equal(detector.noise_mask_, detector.noise_score_ > 0)
    np.testing.assert_array_equal(detector.noise_mask_, detector.noise_proba_ > 0.5)


@pytest.mark.parametrize("name", ["forest", "svm", "ellipse", "lof"])
def test_auto_is_what_the_outlier_detector_itself_predicts(name):
    X, y = table()
    model = clone(DETECTORS[name])
    if "random_state" in model.get_params():
        model.set_params(random_state=0)
    expected = model.fit_predict(StandardScaler().fit_transform(X)) == -1
    np.testing.assert_array_equal(Outlier(model).fit(X, y).noise_mask_, expected)


def test_novelty_does_not_make_a_row_its_own_neighbour():
    X, y = table()
    one = Outlier(LocalOutlierFactor(n_neighbors=5, novelty=True)).fit(X, y)
    other = Outlier(LocalOutlierFactor(n_neighbors=5)).fit(X, y)
    np.testing.assert_array_equal(one.noise_score_, other.noise_score_)


def test_only_outlier_detectors_are_taken():
    X, y = table()
    with pytest.raises(TypeError, match="outlier_detector must be"):
        Outlier(KMeans(2)).fit(X, y)
    with pytest.raises(ValueError, match="outlier_detector"):
        Outlier("forest").fit(X, y)


class Distance(OutlierMixin, BaseEstimator):
    """How far from the middle; what it says of the far rows, and in which sign, is up to it."""

    def __init__(self, far=-1, near=1, sign=-1):
        self.far = far
        self.near = near
        self.sign = sign

    def fit(self, X, y=None):
        self.border_ = np.quantile(np.linalg.norm(X, axis=1), 0.97)
        return self

    def decision_function(self, X):
        return self.sign * (np.linalg.norm(X, axis=1) - self.border_)

    def predict(self, X):
        return np.where(np.linalg.norm(X, axis=1) > self.border_, self.far, self.near)


@pytest.mark.parametrize("steps", [[], [RobustScaler()]])
def test_any_detector_of_scikit_learns_kind(steps):
    X, y = table()
    detector = Outlier(make_pipeline(*steps, Distance()), contamination=3 / 150).fit(X, y)
    assert np.flatnonzero(detector.noise_mask_).tolist() == BROKEN


@pytest.mark.parametrize("steps", [[], [RobustScaler()]])
@pytest.mark.parametrize(
    "far, near, sign", [(1, 0, 1), (1, 0, -1), (-1, 1, 1), (1, -1, -1), (2, 1, 1)]
)
def test_detectors_whose_sign_may_be_another_are_refused(far, near, sign, steps):
    X, y = table()
    model = make_pipeline(*steps, Distance(far, near, sign))
    for contamination in ("auto", 0.02):
        with pytest.raises(ValueError, match="Distance, the outlier_detector,.*which rows are out"):
            FilterClassifier(LogisticRegression(), Outlier(model, contamination=contamination)).fit(
                X, y
            )


def test_pyod_is_refused():
    knn = pytest.importorskip("pyod.models.knn")
    X, y = table()
    with pytest.raises(ValueError, match="KNN, the outlier_detector, predicts 0, 1"):
        Outlier(knn.KNN()).fit(X, y)


def test_an_outlier_detectors_own_error_names_the_class():
    X, y = table()
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Outlier(OneClassSVM(kernel="none of these"), per_class=True).fit(X, y)
    assert (
        "OneClassSVM, the outlier_detector, to the 75 rows of class left"
        in caught.value.__notes__[0]
    )


# ------------------------------------------------------------------ overall and per class


def test_per_class_finds_rows_in_the_place_of_another_class():
    X, y = table()
    X[10, 0] = 2.0  # in the midst of the other class: no outlier overall
    overall = Outlier().fit(X, y)
    by_class = Outlier(per_class=True).fit(X, y)
    assert not overall.noise_mask_[10]
    assert by_class.noise_mask_[10]
    assert worst(by_class.noise_score_, 4) == [3, 10, 50, 77]


def test_per_class_is_each_class_on_its_own():
    X, y = table()
    left = y == "left"
    whole = Outlier(per_class=True).fit(X, y)
    features = StandardScaler().fit_transform(X)
    alone = LocalOutlierFactor().fit(features[left])
    np.testing.assert_allclose(whole.noise_score_[left], -1.5 - alone.negative_outlier_factor_)


def test_a_rare_class_is_named_and_not_judged():
    X, y = table()
    y = y.astype(object)
    y[20:23] = "few"
    with pytest.warns(RareClassWarning, match=r"few \(3\)"):
        detector = Outlier(per_class=True).fit(X, y)
    assert np.isnan(detector.noise_score_[20:23]).all()
    assert not detector.noise_mask_[20:23].any()
    assert not np.isnan(np.delete(detector.noise_score_, [20, 21, 22])).any()


def test_per_class_needs_classes():
    X, _ = table()
    with pytest.raises(ValueError, match="per_class=True"):
        Outlier(per_class=True).fit(X, np.linspace(0, 1, len(X)))


def test_wrong_labels_are_no_outliers():
    X, y = table()
    y_wrong = y.copy()
    y_wrong[::5] = np.where(y[::5] == "left", "right", "left")
    a, b = Outlier().fit(X, y), Outlier().fit(X, y_wrong)
    np.testing.assert_array_equal(a.noise_score_, b.noise_score_)


# ------------------------------------------------------------------ the target is left alone


@pytest.mark.parametrize("contamination", ["auto", 0.05])
@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_relabelling_changes_no_label(mode, contamination):
    X, y = table()
    detector = Outlier(contamination=contamination)
    model = RelabelClassifier(LogisticRegression(), detector, mode=mode, confidence=0).fit(X, y)
    assert model.detector_.noise_mask_.sum() >= 3
    np.testing.assert_array_equal(model.y_relabeled_, y)
    np.testing.assert_array_equal(model.label_proba_.argmax(axis=1), (y == "right").astype(int))
    plain = LogisticRegression().fit(X, y)
    np.testing.assert_array_equal(model.estimator_.coef_, plain.coef_)


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_relabelling_changes_no_number(mode):
    X, _ = table()
    y = X[:, 1] * 3 + 1
    model = RelabelRegressor(Ridge(), Outlier(), mode=mode).fit(X, y)
    np.testing.assert_allclose(model.y_relabeled_, y, rtol=1e-12)


def test_the_given_target_is_the_suggestion():
    X, y = table()
    detector = Outlier().fit(X, y)
    np.testing.assert_array_equal(detector.y_suggested_, y)
    np.testing.assert_array_equal(detector.label_proba_.max(axis=1), 1.0)
    assert detector.y_suggested_.dtype == y.dtype
    numbers = np.arange(len(y), dtype=np.float32) / 7
    detector = Outlier().fit(X, numbers)
    np.testing.assert_array_equal(detector.y_suggested_, numbers)
    assert not hasattr(detector, "label_proba_")


def test_filtering_drops_broken_rows():
    X, y = table()
    model = FilterClassifier(LogisticRegression(), Outlier()).fit(X, y)
    assert model.noise_mask_[BROKEN].all()
    numbers = X @ [1.0, 2.0, 3.0]
    model = FilterRegressor(Ridge(), Outlier()).fit(X, numbers)
    assert model.noise_mask_[BROKEN].all()
    weighed = ReweightClassifier(LogisticRegression(), Outlier()).fit(X, y)
    assert weighed.sample_weight_[BROKEN].max() < 0.2
    assert np.median(weighed.sample_weight_) > 0.9


# ------------------------------------------------------------------ features


def test_the_wrapped_pipeline_makes_the_features():
    rng = np.random.default_rng(0)
    X, y = table()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame["unused"] = 0.0
    frame.loc[99, "unused"] = 1e9
    frame["town"] = rng.choice(["Rome", "Oslo"], size=len(y))
    encoder = make_column_transformer((StandardScaler(), ["a", "b", "c"]))
    model = FilterClassifier(make_pipeline(encoder, LogisticRegression()), Outlier()).fit(frame, y)
    assert worst(model.detector_.noise_score_, 3) == BROKEN
    alone = Outlier().fit(frame.drop(columns="town"), y)
    assert 99 in worst(alone.noise_score_, 4)


def test_a_table_with_strings_and_holes():
    rng = np.random.default_rng(0)
    X, y = table()
    frame = pd.DataFrame(X, columns=["a", "b", "c"], index=[f"r{i}" for i in range(150)])
    frame["town"] = rng.choice(["Rome", "Oslo"], size=150)
    frame.loc["r5", "b"] = np.nan
    detector = Outlier().fit(frame, y)
    report = detector.noise_report(frame, y)
    assert set(report.index[:3]) <= {"r3", "r50", "r77", "r5"}  # a hole is unusual, too
    assert {3, 50, 77} <= set(worst(detector.noise_score_, 4))


@pytest.mark.parametrize("model", [None, IsolationForest(n_estimators=30), OneClassSVM()])
def test_sparse(model):
    rng = np.random.default_rng(0)
    X = sparse.random(200, 30, density=0.1, random_state=0, format="lil")
    X[7] = rng.uniform(0.5, 1, size=30)  # all words at once
    X = X.tocsr()
    y = np.repeat([0, 1], 100)
    detector = Outlier(model, random_state=0).fit(X, y)
    assert np.argmax(detector.noise_score_) == 7
    steps = make_pipeline(MaxAbsScaler(), LogisticRegression())
    behind = Outlier(model, estimator=steps, random_state=0).fit(X, y)
    np.testing.assert_allclose(behind.noise_score_, detector.noise_score_)


# ------------------------------------------------------------------ the contract


def test_weights_reach_a_detector_that_takes_them():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(100, 2)), rng.normal(6, 0.3, size=(100, 2))])
    y = np.repeat([0, 1], 100)
    weight = np.repeat([1.0, 1e-6], 100)  # the second half hardly exists
    model = OneClassSVM(nu=0.1, gamma=0.5)
    plain = Outlier(model).fit(X, y).noise_mask_
    weighted = Outlier(model).fit(X, y, sample_weight=weight).noise_mask_
    assert plain[100:].mean() < 0.3
    assert weighted[100:].mean() > 0.9
    piped = Outlier(make_pipeline(StandardScaler(), model)).fit(X, y, sample_weight=weight)
    assert piped.noise_mask_[100:].mean() > 0.9
    neighbours = Outlier().fit(X, y, sample_weight=weight).noise_score_
    np.testing.assert_array_equal(neighbours, Outlier().fit(X, y).noise_score_)


def test_seeds_and_jobs():
    X, y = table()
    model = IsolationForest(n_estimators=20)
    runs = [
        Outlier(model, per_class=True, random_state=0, n_jobs=n_jobs).fit(X, y).noise_score_
        for n_jobs in (None, 1, 2)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])
    other = Outlier(model, per_class=True, random_state=1).fit(X, y).noise_score_
    assert (other != runs[0]).any()
    kept = IsolationForest(n_estimators=20, random_state=5)
    a, b = (Outlier(kept, random_state=s).fit(X, y).noise_score_ for s in (0, 1))
    np.testing.assert_array_equal(a, b)  # a seed that is set is kept


def test_contamination():
    X, y = table()
    assert not Outlier(contamination=0).fit(X, y).noise_mask_.any()
    detector = Outlier(contamination=0.02).fit(X, y)
    assert np.flatnonzero(detector.noise_mask_).tolist() == BROKEN
    plain = LogisticRegression().fit(X, y)
    model = FilterClassifier(LogisticRegression(), Outlier(), contamination=0).fit(X, y)
    np.testing.assert_array_equal(model.estimator_.coef_, plain.coef_)


def test_trusted_rows_are_never_flagged():
    X, y = table()
    trusted = np.arange(150) == 50
    detector = Outlier().fit(X, y, trusted=trusted)
    assert not detector.noise_mask_[50]
    assert detector.noise_proba_[50] == 0
    assert detector.noise_mask_[[3, 77]].all()


def test_the_report_says_why():
    X, y = table()
    report = Outlier(per_class=True).fit(X, y).noise_report(X, y)
    assert report["row"].tolist()[0] in BROKEN
    assert report["reason"].iloc[0].startswith("features unlike those of the other rows of ")
    assert report["reason"].iloc[-1].startswith("features like those of the other rows of ")
    assert (report["suggested"] == report["given"]).all()


@given(seed=st.integers(0, 2**16))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(60, 2)), rng.integers(0, 2, size=60)
    order = rng.permutation(60)
    a = Outlier(per_class=True).fit(X, y)
    b = Outlier(per_class=True).fit(X[order], y[order])
    np.testing.assert_allclose(b.noise_score_, a.noise_score_[order])


@given(shift=st.floats(-100, 100), scale=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_units_do_not_matter(shift, scale):
    X, y = table()
    a, b = Outlier().fit(X, y), Outlier().fit(X * scale + shift, y)
    np.testing.assert_allclose(b.noise_score_, a.noise_score_, rtol=1e-6, atol=1e-9)


def test_rows_that_cannot_be_told_apart():
    detector = Outlier(IsolationForest(random_state=0)).fit(np.ones((40, 2)), [0, 1] * 20)
    assert len(set(detector.noise_score_)) == 1
    assert not Outlier(contamination=0.1).fit(np.ones((40, 2)), [0, 1] * 20).noise_mask_.any()
