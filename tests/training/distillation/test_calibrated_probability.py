"""Probabilities that hold: the paper's claim, and what holds for any classifier."""

import warnings
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from scipy.special import expit, softmax
from sklearn import config_context
from sklearn.ensemble import RandomForestClassifier
from sklearn.ensemble._forest import _generate_sample_indices
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sknoisy.training.distillation import CalibratedProbabilityClassifier

from ...helpers import fits, noisy_labels, recording

SEEDS = range(3)
TREE = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
FOREST = RandomForestClassifier(25, random_state=0)
# Forests of older versions draw rows whatever their weight, so that many trees see one label alone
# of a row that has two: soft labels are lost on them, and the plain model stays.
DRAWS_BY_WEIGHT = "sample_weight" in signature(_generate_sample_indices).parameters


def drawn(seed, n):
    """(X, chance of each row, one draw of it)."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, (n, 4))
    chance = expit(1.5 * X[:, 0] + 1.5 * np.sin(3 * X[:, 1]) + X[:, 2] * X[:, 0])
    return X, chance, (rng.uniform(size=n) < chance).astype(int)


def calibration_error(said, chance, n_bins=15):
    """Mean difference between what is said and the true chances, in bins of what is said."""
    order = np.argsort(said, kind="stable")
    gaps = [np.mean(said[rows] - chance[rows]) for rows in np.array_split(order, n_bins)]
    return np.mean(np.abs(gaps))


@pytest.mark.slow
@pytest.mark.parametrize("neighborhood", ["bins", "kernel"])
@pytest.mark.parametrize(("base", "n"), [(TREE, 500), (FOREST, 1000)], ids=["tree", "forest"])
def test_calibration_error_falls_by_a_third(neighborhood, base, n):
    """In the mean of three draws (mostly by half or more); a single one may stay as it is."""
    errors = []
    for seed in SEEDS:
        X, _, y = drawn(seed, n)
        X_new, chance, _ = drawn(1000 + seed, 3000)
        model = CalibratedProbabilityClassifier(
            base, neighborhood=neighborhood, n_rounds=2, cv=3, random_state=0
        )
        said = [m.fit(X, y).predict_proba(X_new)[:, 1] for m in (model, base)]
        errors.append([calibration_error(proba, chance) for proba in said])
        squares = [np.mean((proba - chance) ** 2) for proba in said]
        assert errors[-1][0] <= errors[-1][1] and squares[0] <= squares[1]
        assert (np.diff(model.loss_curve_) < 0).all()
        assert model.n_iter_ == len(model.loss_curve_) - 1
    error, plain = np.mean(errors, axis=0)
    assert error < 2 / 3 * plain or (base is FOREST and not DRAWS_BY_WEIGHT and error <= plain)


@pytest.mark.parametrize("seed", SEEDS)
def test_several_classes_are_counted_each_on_its_own(seed):
    rng = np.random.RandomState(seed)
    X, X_new = rng.uniform(-1, 1, (2, 1000, 3))
    chance = softmax(2 * X, axis=1)
    y = np.array([rng.choice(["u", "v", "w"], p=p) for p in chance])
    model = CalibratedProbabilityClassifier(TREE, n_rounds=1, cv=3, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.label_proba_.sum(axis=1), 1)
    truth = softmax(2 * X_new, axis=1)
    for k in range(3):
        errors = [
            calibration_error(m.predict_proba(X_new)[:, k], truth[:, k])
            for m in (model, TREE.fit(X, y))
        ]
        assert errors[0] < 2 / 3 * errors[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_model_whose_probabilities_hold_keeps_them(seed):
    rng = np.random.RandomState(seed)
    X, X_new = rng.randn(2, 600, 3)
    y = rng.uniform(size=600) < expit(X[:, 0])
    truth = expit(X_new[:, 0])
    plain = LogisticRegression()
    model = CalibratedProbabilityClassifier(plain, random_state=0).fit(X, y)
    off = [np.mean((m.predict_proba(X_new)[:, 1] - truth) ** 2) for m in (model, plain.fit(X, y))]
    assert off[0] < off[1] + 1e-3


def test_where_no_round_gains_it_is_the_plain_model():
    X, _, y = drawn(0, 100)
    base, calls = recording(GaussianNB(var_smoothing=1e9))  # knows nothing but the classes
    model = CalibratedProbabilityClassifier(base, cv=2, random_state=0).fit(X, y)
    assert model.n_iter_ == 0 and len(model.loss_curve_) == 1
    assert fits(calls)[-1].sample_weight is None
    np.testing.assert_array_equal(model.label_proba_, np.eye(2)[y])
    assert not model.noise_mask_.any()


def test_number_of_fits_and_rows_held_out():
    X, y = noisy_labels(n=120, n_classes=2)
    base, calls = recording(TREE)
    model = CalibratedProbabilityClassifier(base, n_rounds=1, cv=3, random_state=0).fit(X, y)
    assert len(fits(calls)) == 4 * 3 + 3 + 3 + 1
    assert model.n_iter_ <= 1
    seen = [np.rint(c.X[:, 0] * 120).astype(int) for c in fits(calls)]
    asked = [np.rint(c.X[:, 0] * 120).astype(int) for c in calls if c.method == "predict_proba"]
    for rows, judged in zip(seen, asked, strict=False):
        assert not set(rows) & set(judged)


def test_soft_labels_are_the_frequencies_with_weights():
    X, _, y = drawn(1, 300)
    weight = np.random.RandomState(0).uniform(0.2, 2, 300)
    base, calls = recording(TREE)
    model = CalibratedProbabilityClassifier(base, cv=3, n_bins=5, n_rounds=1, random_state=0)
    model.fit(X, y, sample_weight=weight)
    soft = model.label_proba_[:, 1]
    assert model.n_iter_ == 1 and len(np.unique(soft)) <= 5
    for value in np.unique(soft):  # a fifth of the weight, and its weighted frequency
        rows = soft == value
        assert np.average(y[rows], weights=weight[rows]) == pytest.approx(value)
    last = fits(calls)[-1].sample_weight
    assert last.sum() == pytest.approx(weight.sum())


def test_labels_of_any_name_and_tables_of_any_kind():
    X, codes = noisy_labels()
    names = np.array(["z", "a", "m"], dtype=object)[codes]
    how = {"cv": 2, "n_rounds": 1, "random_state": 0}
    model = CalibratedProbabilityClassifier(LogisticRegression(), **how)
    one, two = model.fit(X, codes).predict(X), model.fit(X, names).predict(X)
    assert np.mean(np.array(["z", "a", "m"], dtype=object)[one] == two) > 0.95
    model.fit(csr_matrix(X), names)

    table = pd.DataFrame(
        {"c": np.where(X[:, 1] > 0, "up", None), "d": np.round(X[:, 2]).astype(str)}
    )
    pipe = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    model = CalibratedProbabilityClassifier(pipe, **how).fit(table, pd.Series(names))
    assert model.predict_proba(table).shape == (90, 3)

    words = np.array([f"word{c} and" for c in codes], dtype=object)
    pipe = make_pipeline(CountVectorizer(), LogisticRegression())
    CalibratedProbabilityClassifier(pipe, **how).fit(words, names)
    margins = CalibratedProbabilityClassifier(LinearSVC(), **how).fit(X, names)
    assert np.isfinite(margins.label_proba_).all()


def test_jobs_and_routing_do_not_change_the_result():
    X, y = noisy_labels()
    weight = np.random.RandomState(0).uniform(0.5, 2, 90)
    soft = []
    for jobs in (1, 2):
        tree = DecisionTreeClassifier(max_features=2, min_samples_leaf=5)
        model = CalibratedProbabilityClassifier(tree, cv=2, n_jobs=jobs, random_state=0)
        with parallel_config("threading"):
            soft.append(model.fit(X, y, sample_weight=weight).label_proba_)
    with config_context(enable_metadata_routing=True):
        tree.set_fit_request(sample_weight=True)
        model = CalibratedProbabilityClassifier(tree, cv=2, random_state=0)
        soft.append(model.fit(X, y, sample_weight=weight).label_proba_)
    np.testing.assert_array_equal(soft[0], soft[1])
    np.testing.assert_array_equal(soft[0], soft[2])


def test_models_without_weights():
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="soft labels are weights of rows"):
        CalibratedProbabilityClassifier(KNeighborsClassifier()).fit(X, y)
    model = CalibratedProbabilityClassifier(
        KNeighborsClassifier(), weight_strategy="resample", n_rounds=1, random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.6


def test_few_rows_and_rare_classes():
    X = np.arange(12.0).reshape(-1, 1)
    y = np.array([0, 1] * 5 + [2, 0])
    for weight in (None, np.where(np.arange(12) % 4 == 3, 0.0, 1.0)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = CalibratedProbabilityClassifier(LogisticRegression(), random_state=0)
            model.fit(X, y, sample_weight=weight)
        assert len(model.estimator_.classes_) == 3
        np.testing.assert_allclose(model.label_proba_.sum(axis=1), 1)
    for n in (2, 3, 4):  # where nothing may be judged
        few = CalibratedProbabilityClassifier(LogisticRegression(), random_state=0)
        np.testing.assert_array_equal(few.fit(X[:n], y[:n]).label_proba_, np.eye(2)[y[:n]])
    one = CalibratedProbabilityClassifier(GaussianNB(), random_state=0).fit(X, np.zeros(12))
    assert (one.predict(X) == 0).all() and one.n_iter_ == 0


def test_groups_stay_together():
    X, y = noisy_labels()
    groups = np.arange(90) // 3
    base, calls = recording(TREE)
    CalibratedProbabilityClassifier(base, cv=3, random_state=0).fit(X, y, groups=groups)
    for call in fits(calls)[:-1]:
        seen = np.unique(np.rint(call.X[:, 0] * 90).astype(int))
        whole = np.bincount(groups[seen], minlength=30)
        assert set(whole) <= {0, 3}
