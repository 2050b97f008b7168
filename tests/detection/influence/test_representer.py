"""RepresenterPoints through its public behaviour."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier
from sknoisy.detection import RepresenterPoints
from sknoisy.threshold import MixturePosterior

HALVES = [(np.arange(0, 80), np.arange(80, 120)), (np.arange(80, 120), np.arange(0, 80))]


def flipped(n=400, n_classes=3, rate=0.15, seed=0):
    X, y = make_classification(
        n, 8, n_informative=6, n_redundant=0, n_classes=n_classes, n_clusters_per_class=1,
        class_sep=2.0, flip_y=0, random_state=seed,
    )  # fmt: skip
    wrong = np.random.default_rng(seed).random(n) < rate
    return X, np.where(wrong, (y + 1) % n_classes, y), wrong


def decompose(detector, X, train, y, new):
    """Predictions for `new` rows, but for the intercept, as a sum over the rows `train`."""
    Z = StandardScaler().fit_transform(X)
    n, strength = len(train), detector.alpha * len(train)
    linear = detector._linear_model(detector_is_labels(y), strength).fit(Z[train], y[train])
    return Z, n, linear, Z[new] @ np.atleast_2d(linear.coef_).T


def detector_is_labels(y):
    return y.dtype.kind == "i"


@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("task", ["two", "three", "numbers"])
def test_predictions_are_sums_of_representer_values_times_kernel(task, penalty):
    # the theorem: f(x) = b + sum_i a_i k(x_i, x); seen through the values of a single fold
    alpha = 0.1 if penalty == "l2" else 0.02
    if task == "numbers":
        X, y = make_regression(120, 5, noise=20.0, random_state=0)
        y = (y - y.mean()) / y.std()
    else:
        X, y, _ = flipped(120, 2 if task == "two" else 3)
    train, test = HALVES[0]
    detector = RepresenterPoints(penalty=penalty, alpha=alpha, cv=[(train, test)], contamination=0)
    detector.fit(X, y)
    Z, n, linear, expected = decompose(detector, X, train, y, test)
    if task == "numbers":
        values = (y[train] - linear.predict(Z[train]))[:, None] / (n * alpha)
        own = values[:, 0]
    else:
        proba = linear.predict_proba(Z[train])
        values = (np.eye(proba.shape[1])[y[train]] - proba) / (n * alpha)
        own = values[np.arange(n), y[train]]
        values = values[:, 1:] if task == "two" else values
    np.testing.assert_allclose(detector.representer_value_[train], own, rtol=1e-6, atol=1e-12)
    assert np.isnan(detector.representer_value_[test]).all()
    for k, coef in enumerate(np.atleast_2d(linear.coef_)):
        scale = np.abs(coef) if penalty == "l1" else np.ones(len(coef))
        kernel = (Z[test] * scale) @ Z[train].T
        np.testing.assert_allclose(kernel @ values[:, k], expected[:, k], atol=5e-3)


@pytest.mark.parametrize("task", ["labels", "numbers"])
def test_harm_is_the_first_order_rise_of_the_left_out_losses(task):
    if task == "numbers":
        X, y = make_regression(120, 5, noise=20.0, random_state=0)
        y = (y - y.mean()) / y.std()
    else:
        X, y, _ = flipped(120, 3)
    train, test = HALVES[0]
    detector = RepresenterPoints(cv=[(train, test)]).fit(X, y)
    Z, n, linear, _ = decompose(detector, X, train, y, test)
    if task == "numbers":
        off = (linear.predict(Z) - y)[:, None]
    else:
        off = linear.predict_proba(Z) - np.eye(3)[y]
    pull = -off / (n * 0.1)
    expected = [np.mean([(off[j] * pull[i]).sum() * (Z[i] @ Z[j]) for j in test]) for i in train]
    np.testing.assert_allclose(detector.noise_score_[train], expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_classes", [2, 4])
def test_wrong_labels_are_harmful(n_classes, seed):
    X, y, wrong = flipped(600, n_classes, seed=seed)
    detector = RepresenterPoints(random_state=0).fit(X, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.75
    assert detector.noise_score_[wrong].mean() > 0 > detector.noise_score_[~wrong].mean()
    # representer values, which the paper has people look at, are large for wrong labels
    assert average_precision_score(wrong, detector.representer_value_) > 0.75


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_wrong_numbers_are_harmful(penalty):
    X, y = make_regression(400, 5, noise=5.0, random_state=0)
    wrong = np.random.default_rng(0).random(400) < 0.1
    y[wrong] = np.random.default_rng(1).permutation(-2 * y[wrong])
    detector = RepresenterPoints(penalty=penalty, random_state=0).fit(X, y)
    right = detector.noise_score_[~wrong]
    assert detector.noise_score_[wrong].mean() > right.mean() + right.std()


@pytest.mark.parametrize("seed", range(3))
def test_the_l1_kernel_ignores_features_without_a_part(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 40))
    truth = X[:, 0] > 0
    wrong = rng.random(300) < 0.15
    y = np.where(wrong, ~truth, truth)
    found = {
        penalty: average_precision_score(
            wrong,
            RepresenterPoints(penalty=penalty, alpha=0.05, random_state=0).fit(X, y).noise_score_,
        )
        for penalty in ("l1", "l2")
    }
    assert found["l1"] > found["l2"] + 0.1


def test_trusted_rows_are_the_ones_that_are_asked():
    X, y, wrong = flipped(400, 2, rate=0.4)
    trusted = ~wrong & (np.arange(400) % 3 == 0)
    rest = ~trusted
    with_trust = RepresenterPoints(random_state=0).fit(X, y, trusted=trusted)
    without = RepresenterPoints(random_state=0).fit(X, y)
    scores = [
        average_precision_score(wrong[rest], d.noise_score_[rest]) for d in (with_trust, without)
    ]
    assert scores[0] > scores[1]
    assert not with_trust.noise_mask_[trusted].any()


def test_no_coefficient_means_no_harm():
    X, y, _ = flipped(100)
    detector = RepresenterPoints(penalty="l1", alpha=100.0, random_state=0).fit(X, y)
    np.testing.assert_allclose(detector.noise_score_, 0.0, atol=1e-12)
    assert not detector.noise_mask_.any()


def test_the_model_is_not_fitted_and_its_features_are_used():
    class Untouchable(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("the detection fitted the model")

    X, y, _ = flipped(100)
    pipe = make_pipeline(StandardScaler(), Untouchable())
    piped = RepresenterPoints(pipe, random_state=0, contamination=MixturePosterior()).fit(X, y)
    plain = RepresenterPoints(random_state=0, contamination=MixturePosterior()).fit(X, y)
    np.testing.assert_allclose(piped.noise_score_, plain.noise_score_)


def test_renaming_the_labels_renames_the_answer():
    X, y, _ = flipped(120)
    names = np.array(["z", "m", "a"])
    old = RepresenterPoints(cv=HALVES).fit(X, y)
    new = RepresenterPoints(cv=HALVES).fit(X, names[y])
    np.testing.assert_allclose(new.noise_score_, old.noise_score_, rtol=1e-3, atol=1e-6)


def test_doubling_all_weights_changes_nothing_and_zero_ones_do_not_harm():
    X, y, _ = flipped(120)
    one = RepresenterPoints(cv=HALVES).fit(X, y)
    two = RepresenterPoints(cv=HALVES).fit(X, y, sample_weight=np.full(120, 2.0))
    np.testing.assert_allclose(two.noise_score_, one.noise_score_, rtol=1e-3, atol=1e-6)
    weight = np.ones(120)
    weight[[3, 90]] = 0.0
    detector = RepresenterPoints(cv=HALVES).fit(X, y, sample_weight=weight)
    assert np.flatnonzero(np.isnan(detector.noise_score_)).tolist() == [3, 90]


def test_rare_classes_and_single_classes():
    X, y, _ = flipped(90)
    y[:3] = [7, 8, 8]
    with pytest.warns(UserWarning):
        detector = RepresenterPoints(random_state=0).fit(X, y)
    assert np.isnan(detector.noise_score_[0])
    assert np.isfinite(detector.noise_score_[3:]).all()
    alone = RepresenterPoints(random_state=0).fit(X, np.ones(90))
    assert np.isnan(alone.noise_score_).all()


def test_treatment_and_report():
    X, y, wrong = flipped(300)
    detector = RepresenterPoints(contamination=0.1, random_state=0)
    filtered = FilterClassifier(LogisticRegression(), detector).fit(X, y)
    assert wrong[filtered.noise_mask_].mean() > 0.7
    report = filtered.detector_.noise_report(X, y)
    assert "raises the losses" in report["reason"].iloc[0]
    assert "lowers the losses" in report["reason"].iloc[-1]


@pytest.mark.parametrize("bad", [{"penalty": "none"}, {"alpha": 0}])
def test_bad_parameters_are_refused(bad):
    X, y, _ = flipped(50)
    with pytest.raises(ValueError, match=next(iter(bad))):
        RepresenterPoints(**bad).fit(X, y)
