"""Weights and corrected targets: what exactly the last fit is given, and that it helps."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris, make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    RelabelRegressor,
    ReweightClassifier,
    ReweightRegressor,
)
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning
from sknoisy.exceptions import CleaningLimitWarning

N = 40


class Verdict(BaseEstimator):
    """A detector that has made up its mind: 40 rows, alternately of class 0 and 1 (or numbers)."""

    def __init__(self, noise_proba=None, label_proba=None, y_suggested=None):
        self.noise_proba = noise_proba
        self.label_proba = label_proba
        self.y_suggested = y_suggested

    def fit(self, X, y):
        self.noise_proba_ = np.asarray(self.noise_proba, dtype=float)
        self.noise_score_ = self.noise_proba_
        self.noise_mask_ = self.noise_proba_ > 0.5
        self.label_proba_ = self.label_proba
        self.y_suggested_ = y if self.y_suggested is None else np.asarray(self.y_suggested)
        return self


class Seen(LogisticRegression):
    """Keeps what its fit was given."""

    def fit(self, X, y, sample_weight=None):
        self.seen_ = np.asarray(X)[:, 0].astype(int), np.asarray(y), sample_weight
        return super().fit(X, y, sample_weight)


class SeenNumbers(LinearRegression):
    def fit(self, X, y, sample_weight=None):
        self.seen_ = np.asarray(X)[:, 0].astype(int), np.asarray(y), sample_weight
        return super().fit(X, y, sample_weight)


X = np.column_stack([np.arange(N), np.tile([-1.0, 1.0], N // 2)])
Y = np.tile([0, 1], N // 2)


def proba(**rows):
    """Noise probabilities: 0.02 except for the rows given as r7=0.9."""
    out = np.full(N, 0.02)
    for name, value in rows.items():
        out[int(name[1:])] = value
    return out


def verdict(noise_proba, y=Y, n_classes=2):
    """What a detector of two classes would say with these probabilities."""
    label_proba = np.zeros((N, n_classes))
    label_proba[np.arange(N), y] = 1 - noise_proba
    label_proba[np.arange(N), 1 - y] = noise_proba
    return Verdict(noise_proba, label_proba, np.where(noise_proba > 0.5, 1 - y, y))


# --------------------------------------------------------------------------- reweighting


@pytest.mark.parametrize(
    "kind, model", [(ReweightClassifier, Seen()), (ReweightRegressor, SeenNumbers())]
)
@pytest.mark.parametrize(
    "temper, floor", [(1.0, 0.0), (2.0, 0.0), (0.5, 0.0), (1.0, 0.3), (3.0, 1.0)]
)
def test_weight_is_the_tempered_and_floored_probability_of_being_right(kind, model, temper, floor):
    p = proba(r3=0.9, r8=0.5, r9=0.6, r20=1.0)
    extra = {"min_per_class": 1} if kind is ReweightClassifier else {}
    y = Y if kind is ReweightClassifier else Y + 0.5
    fitted = kind(model, verdict(p), temper=temper, floor=floor, **extra).fit(X, y)
    expected = np.maximum((1 - p) ** temper, floor)
    free = np.ones(N, dtype=bool)
    if kind is ReweightClassifier:
        free[[0, 1]] = False  # the least suspect of each class, ties to the earlier row
        expected[~free] = 1.0
    np.testing.assert_allclose(fitted.sample_weight_, expected)
    rows, targets, weight = fitted.estimator_.seen_
    np.testing.assert_array_equal(rows, np.arange(N))
    np.testing.assert_array_equal(targets, y)
    if floor < 1:
        np.testing.assert_allclose(weight, expected)
    else:  # weights that are all one are no weights
        assert weight is None
    np.testing.assert_array_equal(np.flatnonzero(fitted.noise_mask_), [3, 9, 20])
    np.testing.assert_allclose(fitted.noise_proba_, p)


def test_class_floor_keeps_the_least_suspect_of_each_class_whole():
    p = np.where(Y == 1, 0.9, 0.01) + np.arange(N) / 1000
    fitted = ReweightClassifier(Seen(), verdict(p), min_per_class=3).fit(X, Y)
    whole = np.flatnonzero(fitted.sample_weight_ == 1.0)
    np.testing.assert_array_equal(whole, [0, 1, 2, 3, 4, 5])
    assert not fitted.noise_mask_[whole].any()


def test_class_floor_counts_only_rows_with_weight():
    p = np.where(Y == 1, 0.9, 0.01) + np.arange(N) / 1000
    given = np.ones(N)
    given[:6] = 0.0
    fitted = ReweightClassifier(Seen(), verdict(p), min_per_class=2).fit(X, Y, sample_weight=given)
    np.testing.assert_array_equal(np.flatnonzero(fitted.sample_weight_ == 1.0), [6, 7, 8, 9])
    np.testing.assert_allclose(fitted.estimator_.seen_[2], given * fitted.sample_weight_)


def test_all_weight_gone_is_an_error_that_names_the_floor():
    p = np.ones(N)
    with pytest.raises(ValueError, match="floor > 0"):
        ReweightRegressor(SeenNumbers(), Verdict(p)).fit(X, Y + 0.5)
    ReweightRegressor(SeenNumbers(), Verdict(p), floor=0.1).fit(X, Y + 0.5)


@pytest.mark.parametrize(
    "name, value", [("temper", 0), ("temper", -1), ("floor", -0.1), ("floor", 2)]
)
@pytest.mark.parametrize("kind", [ReweightClassifier, ReweightRegressor])
def test_parameters_of_reweighting_are_checked(kind, name, value):
    model = Seen() if kind is ReweightClassifier else SeenNumbers()
    with pytest.raises(ValueError, match=name):
        kind(model, **{name: value}).fit(X, Y)


# --------------------------------------------------------------------------- relabelling classes


def test_hard_relabelling_has_a_bar():
    p = proba(r7=0.85, r11=0.75, r12=0.95)
    fitted = RelabelClassifier(Seen(), verdict(p)).fit(X, Y)
    np.testing.assert_array_equal(np.flatnonzero(fitted.noise_mask_), [7, 12])
    expected = Y.copy()
    expected[[7, 12]] = 1 - Y[[7, 12]]
    np.testing.assert_array_equal(fitted.y_relabeled_, expected)
    np.testing.assert_array_equal(fitted.label_proba_, np.eye(2)[expected])
    rows, targets, weight = fitted.estimator_.seen_
    np.testing.assert_array_equal(rows, np.arange(N))
    np.testing.assert_array_equal(targets, expected)
    assert weight is None
    for confidence, changed in ((0.0, [7, 11, 12]), (0.9, [12]), (1.0, [])):
        fitted = RelabelClassifier(Seen(), verdict(p), confidence=confidence).fit(X, Y)
        assert np.flatnonzero(fitted.noise_mask_).tolist() == changed


def test_soft_relabelling_gives_one_weighted_row_per_plausible_label():
    p = proba(r7=0.85, r12=0.3, r13=0.97)
    fitted = RelabelClassifier(Seen(), verdict(p), mode="soft", min_proba=0.05).fit(X, Y)
    rows, targets, weight = fitted.estimator_.seen_
    np.testing.assert_allclose(np.bincount(rows, weight), np.ones(N))
    np.testing.assert_array_equal(np.flatnonzero(np.bincount(rows) == 2), [7, 12])
    # 0.03 for the given label is below min_proba, and so is 0.02 for the other of all the rest
    assert targets[rows == 13].tolist() == [1 - Y[13]]
    assert targets[rows == 0].tolist() == [Y[0]]
    shares = dict(zip(targets[rows == 7], weight[rows == 7], strict=True))
    assert shares == {Y[7]: pytest.approx(0.15), 1 - Y[7]: pytest.approx(0.85)}
    np.testing.assert_allclose(fitted.label_proba_.sum(axis=1), 1)
    np.testing.assert_allclose(fitted.label_proba_[rows, targets], weight)
    assert np.flatnonzero(fitted.y_relabeled_ != Y).tolist() == [7, 13]


def test_soft_relabelling_without_min_proba_keeps_every_share():
    p = proba(r7=0.85)
    model = RelabelClassifier(Seen(), verdict(p), mode="soft", min_proba=0, min_per_class=1)
    fitted = model.set_params(max_share=0.99).fit(X, Y)
    rows, _, weight = fitted.estimator_.seen_
    assert len(rows) == 2 * N - 2  # the least suspect row of each class is untouched
    np.testing.assert_allclose(np.bincount(rows, weight), np.ones(N))


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_max_share_relabels_the_most_suspect_only(mode):
    p = proba(**{f"r{row}": 0.85 + row / 1000 for row in range(10, 30)})
    model = RelabelClassifier(Seen(), verdict(p), mode=mode, max_share=0.25)
    with pytest.warns(CleaningLimitWarning, match="max_share=0.25"):
        fitted = model.fit(X, Y)
    np.testing.assert_array_equal(np.flatnonzero(fitted.y_relabeled_ != Y), np.arange(20, 30))


def test_relabelling_never_empties_a_class():
    p = np.where(Y == 1, 0.99, 0.01)
    for mode in ("hard", "soft"):
        model = RelabelClassifier(Seen(), verdict(p), mode=mode, min_per_class=4, max_share=0.9)
        fitted = model.fit(X, Y)
        assert (fitted.y_relabeled_ == 1).sum() == 4
        assert fitted.classes_.tolist() == [0, 1]


def test_labels_keep_their_kind():
    iris_X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    noisy = symmetric_noise(names, 0.2, random_state=0)[0]
    for mode in ("hard", "soft"):
        model = RelabelClassifier(LogisticRegression(max_iter=1000), mode=mode, random_state=0)
        better = model.fit(iris_X, noisy).y_relabeled_
        assert better.dtype.kind == names.dtype.kind
        assert (better == names).mean() > (noisy == names).mean() + 0.02


# --------------------------------------------------------------------------- relabelling numbers


def test_soft_relabelling_blends_numbers():
    y = np.arange(N) / 10
    p = proba(r7=0.8, r12=0.3)
    suggested = y + 100.0
    fitted = RelabelRegressor(SeenNumbers(), Verdict(p, y_suggested=suggested)).fit(X, y)
    np.testing.assert_allclose(fitted.y_relabeled_, (1 - p) * y + p * suggested)
    np.testing.assert_array_equal(fitted.estimator_.seen_[1], fitted.y_relabeled_)
    assert np.flatnonzero(fitted.noise_mask_).tolist() == [7]
    assert fitted.estimator_.seen_[2] is None


def test_hard_relabelling_replaces_numbers():
    y = np.arange(N) / 10
    p = proba(r7=0.85, r12=0.7)
    suggested = y + 100.0
    for confidence, changed in ((0.8, [7]), (0.5, [7, 12]), (1.0, [])):
        model = RelabelRegressor(
            SeenNumbers(), Verdict(p, y_suggested=suggested), mode="hard", confidence=confidence
        ).fit(X, y)
        assert np.flatnonzero(model.noise_mask_).tolist() == changed
        expected = y.copy()
        expected[changed] += 100
        np.testing.assert_array_equal(model.y_relabeled_, expected)


def test_integers_become_fractions_rather_than_being_cut_off():
    y = np.arange(N)
    p = proba(r7=0.5)
    fitted = RelabelRegressor(SeenNumbers(), Verdict(p, y_suggested=y + 1.0)).fit(X, y)
    assert fitted.y_relabeled_[7] == 7.5


def test_a_frozen_detector_is_used_as_it_is():
    y = np.arange(N) / 10
    detector = Verdict(proba(r7=0.9), y_suggested=y).fit(X, y)
    fitted = ReweightRegressor(SeenNumbers(), FrozenEstimator(detector)).fit(X, y)
    assert fitted.sample_weight_.argmin() == 7


@pytest.mark.parametrize(
    "kind, name, value",
    [
        (RelabelClassifier, "mode", "medium"),
        (RelabelClassifier, "confidence", 1.1),
        (RelabelClassifier, "min_proba", 0.6),
        (RelabelRegressor, "mode", None),
        (RelabelRegressor, "confidence", -1),
    ],
)
def test_parameters_of_relabelling_are_checked(kind, name, value):
    model = Seen() if kind is RelabelClassifier else SeenNumbers()
    with pytest.raises(ValueError, match=name):
        kind(model, **{name: value}).fit(X, Y)


# --------------------------------------------------------------------------- that it helps


def noisy_blobs(seed):
    points, truth = make_blobs(
        700, centers=4, cluster_std=1.5, random_state=seed, center_box=(-8, 8)
    )
    noisy, _ = symmetric_noise(truth[:400], 0.25, random_state=seed)
    return points[:400], noisy, points[400:], truth[400:]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "kind, extra",
    [
        (FilterClassifier, {}),
        (ReweightClassifier, {}),
        (RelabelClassifier, {"confidence": 0.5}),
        (RelabelClassifier, {"mode": "soft", "min_proba": 0.3}),
    ],
)
def test_treated_tree_beats_the_plain_one_on_a_quarter_of_wrong_labels(kind, extra, seed):
    train, noisy, test, truth = noisy_blobs(seed)
    # A tree that isolates each row does so whatever its weight; leaves of 1/200 of the weight
    # are still as small as two rows.
    plain = DecisionTreeClassifier(min_weight_fraction_leaf=0.005, random_state=0)
    judge = RandomForestClassifier(60, min_samples_leaf=5, random_state=0)
    treated = kind(plain, ConfidentLearning(judge), random_state=0, **extra).fit(train, noisy)
    won = treated.score(test, truth) - plain.fit(train, noisy).score(test, truth)
    assert won > 0.05


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "kind, extra",
    [(FilterClassifier, {}), (RelabelClassifier, {"confidence": 0.5})],
)
def test_treated_nearest_neighbour_beats_the_plain_one(kind, extra, seed):
    train, noisy, test, truth = noisy_blobs(seed)
    plain = KNeighborsClassifier(1)
    judge = ConfidentLearning(KNeighborsClassifier(15))
    treated = kind(plain, judge, random_state=0, **extra).fit(train, noisy)
    won = treated.score(test, truth) - plain.fit(train, noisy).score(test, truth)
    assert won > 0.1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "kind, extra",
    [
        (FilterRegressor, {}),
        (ReweightRegressor, {}),
        (RelabelRegressor, {}),
        (RelabelRegressor, {"mode": "hard"}),
    ],
)
def test_treated_line_beats_the_plain_one_on_gross_outliers(kind, extra, seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(300, 3))
    truth = points @ [1.0, 2.0, 3.0]
    y = truth + 0.1 * rng.normal(size=300)
    y[:75] += rng.uniform(50, 100, 75)  # a quarter, all too high
    treated = kind(LinearRegression(), random_state=0, **extra).fit(points, y)
    plain = LinearRegression().fit(points, y)
    error = [np.abs(model.predict(points) - truth).mean() for model in (treated, plain)]
    assert error[0] < 0.5 * error[1]
