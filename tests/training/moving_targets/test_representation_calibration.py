"""Calibrated representations: the paper's claim, its laws, and rows of any kind."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from sknoisy.training.moving_targets import RepresentationCalibrationClassifier
from sknoisy.training.moving_targets._representation_calibration import (
    borrowed_laws,
    class_laws,
    draw_normal,
)

from ...helpers import fits, noisy_labels, recording

SEEDS = range(4)
MODELS = [
    LogisticRegression(max_iter=500),
    DecisionTreeClassifier(min_samples_leaf=3, random_state=0),
    KNeighborsClassifier(),
]
NAMES = ["logistic", "tree", "neighbours"]


def long_tail(seed, imbalance=50, rate=0.3, n_classes=6):
    """(X, noisy y, new X, new y of equal classes); wrong labels are as frequent as classes are."""
    rng = np.random.RandomState(seed)
    sizes = np.round(300.0 * imbalance ** (-np.arange(n_classes) / (n_classes - 1))).astype(int)
    centres, axes = 1.4 * rng.randn(n_classes, 10), np.eye(10) + 0.3 * rng.randn(10, 10)

    def rows(y):
        return centres[y] + rng.randn(len(y), 10) @ axes

    y = np.repeat(np.arange(n_classes), sizes)
    share = np.where(np.eye(n_classes) == 1, 0.0, sizes)
    share /= share.sum(axis=1, keepdims=True)
    other = np.array([rng.choice(n_classes, p=share[k]) for k in y])
    noisy = np.where(rng.rand(len(y)) < rate, other, y)
    y_new = np.repeat(np.arange(n_classes), 200)
    return rows(y), noisy, rows(y_new), y_new


def scores(plain, X, y, X_new, y_new):
    model = RepresentationCalibrationClassifier(plain, random_state=0).fit(X, y)
    return [balanced_accuracy_score(y_new, m.predict(X_new)) for m in (model, plain.fit(X, y))]


# ------------------------------------------------------------------ the paper's claim


@pytest.mark.parametrize(
    ("plain", "least", "mean"),
    [(MODELS[0], 0.0, 0.05), (MODELS[1], 0.05, 0.09), (MODELS[2], 0.05, 0.09)],
    ids=NAMES,
)
def test_rare_classes_are_found_in_spite_of_wrong_labels(plain, least, mean):
    gains = []
    for seed in SEEDS:
        with_it, without = scores(plain, *long_tail(seed))
        gains.append(with_it - without)
    assert min(gains) > least and np.mean(gains) > mean


@pytest.mark.parametrize("plain", MODELS, ids=NAMES)
def test_little_is_lost_where_all_classes_are_equal_and_right(plain):
    for seed in SEEDS:
        with_it, without = scores(plain, *long_tail(seed, imbalance=1, rate=0.0))
        assert with_it > without - 0.03


# ------------------------------------------------------------------ the laws


def test_laws_are_those_of_the_classes():
    rng = np.random.RandomState(0)
    codes = np.repeat([0, 1], [20_000, 20_000])
    X = rng.randn(40_000, 2) * np.where(codes[:, None], [1.0, 2.0], [3.0, 1.0]) + codes[:, None]
    means, covariances, sizes = class_laws(X, codes, np.ones(40_000), 2)
    np.testing.assert_allclose(means, [[0, 0], [1, 1]], atol=0.1)
    np.testing.assert_allclose(covariances[0], [[9, 0], [0, 1]], atol=0.3)
    np.testing.assert_array_equal(sizes, 20_000)
    # weights count as repeats
    weight = rng.randint(1, 4, 60)
    part = slice(19_970, 20_030)
    one = class_laws(X[part], codes[part], weight, 2)
    rows = np.repeat(np.arange(40_000)[part], weight)
    for a, b in zip(one, class_laws(X[rows], codes[rows], np.ones(len(rows)), 2), strict=True):
        np.testing.assert_allclose(a, b)


def test_a_rare_class_borrows_from_the_most_similar_large_ones():
    means = np.array([[0.0], [1.0], [50.0], [2.0]])
    covariances = np.array([1.0, 4.0, 9.0, 100.0]).reshape(4, 1, 1)
    sizes = np.array([300.0, 100.0, 200.0, 5.0])
    new, wide = borrowed_laws(means, covariances, sizes, np.ones(1), 0.1, 2, 0.5)
    np.testing.assert_array_equal(new[:3], means[:3])
    assert new[3, 0] == pytest.approx(0.5 * 2 + 0.5 * 0.25)
    assert wide[3, 0, 0] == pytest.approx(0.75 * 1 + 0.25 * 4)


def test_draws_follow_their_law():
    covariance = np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    X = draw_normal(np.array([1.0, 2.0, 3.0]), covariance, 20_000, np.random.RandomState(0))
    np.testing.assert_allclose(X.mean(axis=0), [1, 2, 3], atol=0.05)
    np.testing.assert_allclose(np.cov(X.T), covariance, atol=0.1)


# ------------------------------------------------------------------ what the model sees


def test_classes_are_made_equal_and_outliers_are_left_out():
    X, y, _, _ = long_tail(0)
    X[0] += 100.0
    base, calls = recording(LogisticRegression(max_iter=500))
    model = RepresentationCalibrationClassifier(base, random_state=0).fit(X, y)
    last = fits(calls)[-1]
    assert model.noise_mask_[0] and model.outlier_factor_[0] > 10
    np.testing.assert_array_equal(np.flatnonzero(~model.noise_mask_), model.sample_indices_)
    assert np.ptp(np.bincount(last.y)) <= 1
    n_real = len(model.sample_indices_)
    np.testing.assert_array_equal(last.X[:n_real], X[model.sample_indices_])
    assert len(last.X) == n_real + model.n_drawn_.sum() and last.sample_weight is None
    trusted = np.arange(len(y)) == 0
    kept = RepresentationCalibrationClassifier(LogisticRegression(max_iter=500), random_state=0)
    assert not kept.fit(X, y, trusted=trusted).noise_mask_[0]


def test_without_outliers_and_draws_it_is_the_plain_model():
    rng = np.random.RandomState(0)
    X, y = rng.rand(60, 2), np.arange(60) % 3
    base, calls = recording(LogisticRegression())
    model = RepresentationCalibrationClassifier(base, balance=0.0).fit(X, y)
    if not model.noise_mask_.any():
        assert fits(calls)[-1].X is X
    assert model.n_drawn_.sum() == 0


def test_columns_beside_numbers_are_those_of_a_similar_row():
    X, y, _, _ = long_tail(1)
    rng = np.random.RandomState(0)
    table = pd.DataFrame(X[:, :3], columns=["a", "b", "c"], index=rng.permutation(len(y)))
    table["count"] = rng.poisson(20, len(y))
    table["kind"] = pd.Categorical(np.array(list("uvwxyz"))[y])
    table["flag"] = y > 2
    table["when"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(y, unit="D")
    table["maybe"] = pd.array(np.where(rng.rand(len(y)) < 0.2, None, y), dtype="Int64")
    table.iloc[::4, 1] = np.nan
    base, calls = recording(HistGradientBoostingClassifier(max_iter=3))
    model = RepresentationCalibrationClassifier(base, random_state=0)
    with pytest.raises(Exception):  # noqa: B017, PT011 dates are nothing for boosting itself
        model.fit(table, y)
    seen, labels = fits(calls)[-1].X, fits(calls)[-1].y
    assert (seen.dtypes == table.dtypes).all() and list(seen.columns) == list(table.columns)
    assert (seen["kind"].to_numpy() == np.array(list("uvwxyz"))[labels]).all()
    assert (seen["flag"] == (labels > 2)).all()
    n_new = len(seen) - len(table)
    assert n_new > 500 and seen["b"].tail(n_new).isna().any() and not seen["a"].isna().any()
    model = RepresentationCalibrationClassifier(
        HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype"),
        random_state=0,
    ).fit(table.drop(columns="when"), np.array(list("uvwxyz"))[y])
    assert set(model.predict(table.drop(columns="when"))) <= set("uvwxyz")


def test_whole_numbers_stay_whole_and_missing_ones_missing():
    X, y, _, _ = long_tail(1)
    base, calls = recording(DecisionTreeClassifier())
    RepresentationCalibrationClassifier(base, random_state=0).fit(np.round(5 * X).astype(int), y)
    assert fits(calls)[-1].X.dtype.kind == "i"
    X[:, 2] = np.where(np.random.RandomState(0).rand(len(y)) < 0.3, np.nan, X[:, 2])
    base, calls = recording(HistGradientBoostingClassifier(max_iter=3))
    RepresentationCalibrationClassifier(base, random_state=0).fit(X, y)
    assert 0.1 < np.isnan(fits(calls)[-1].X[len(y) :, 2]).mean() < 0.6


def test_what_no_row_can_be_drawn_of_is_told():
    X, y = noisy_labels()
    model = RepresentationCalibrationClassifier(LogisticRegression())
    with pytest.raises(TypeError, match="would not be sparse.*TruncatedSVD"):
        model.fit(csr_matrix(X), y)
    words = np.array([f"word{c} and" for c in y], dtype=object)
    pipe = make_pipeline(CountVectorizer(), LogisticRegression())
    with pytest.raises(ValueError, match="X has texts"):
        RepresentationCalibrationClassifier(pipe).fit(words, y)
    with pytest.raises(ValueError, match="X has others"):
        model.fit(np.column_stack([X.astype(object), words]), y)
    with pytest.raises(ValueError, match="no column of them"):
        model.fit(pd.DataFrame({"a": words}), y)
    with pytest.raises(ValueError, match="infinity, first in row 3"):
        model.fit(np.where(np.arange(90)[:, None] == 3, np.inf, X), y)


def test_weights_and_fit_parameters():
    X, y, _, _ = long_tail(2)
    given = np.random.RandomState(0).uniform(0.5, 2, len(y))
    base, calls = recording(LogisticRegression(max_iter=500))
    model = RepresentationCalibrationClassifier(base, random_state=0)
    model.fit(X, y, sample_weight=given)
    last, real = fits(calls)[-1], model.sample_indices_
    np.testing.assert_array_equal(last.sample_weight[: len(real)], given[real])
    total = np.bincount(last.y, last.sample_weight)
    np.testing.assert_allclose(total, total.max(), rtol=0.02)
    with config_context(enable_metadata_routing=True):
        asks = LogisticRegression(max_iter=500).set_fit_request(sample_weight=True)
        routed = RepresentationCalibrationClassifier(asks, random_state=0)
        routed.fit(X, y, sample_weight=given)
    np.testing.assert_array_equal(routed.predict_proba(X), model.predict_proba(X))
    with pytest.raises(ValueError, match="takes no sample_weight"):
        RepresentationCalibrationClassifier(KNeighborsClassifier()).fit(X, y, sample_weight=given)


def test_the_same_seed_gives_the_same_rows_for_any_jobs_and_order():
    X, y = noisy_labels()
    y[y == 2] = np.where(np.arange((y == 2).sum()) < 4, 2, 0)
    model = RepresentationCalibrationClassifier(LogisticRegression(), random_state=0)
    one = model.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(model.set_params(n_jobs=2).fit(X, y).predict_proba(X), one)
    order = np.random.RandomState(0).permutation(90)
    moved = model.set_params(n_jobs=None).fit(X[order], np.array(["p", "q", "r"])[y[order]])
    np.testing.assert_allclose(moved.predict_proba(X), one, atol=0.02)


def test_classes_of_one_row():
    X = np.arange(24.0).reshape(12, 2)
    y = np.array(["a"] * 6 + ["b"] * 5 + ["c"])
    model = RepresentationCalibrationClassifier(LogisticRegression(), random_state=0).fit(X, y)
    assert list(model.classes_) == ["a", "b", "c"] and model.n_drawn_[2] == 5
