"""Self-distillation: the papers' claims, and what holds for any estimator."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sknoisy.datasets import symmetric_noise
from sknoisy.training.distillation import (
    SelfDistillationClassifier,
    SelfDistillationRegressor,
    distilled_alpha,
    distilled_kernel_ridge,
    estimated_ridge_mixing,
    optimal_ridge_mixing,
)

from ...helpers import fits, noisy_labels, noisy_numbers, recording

SEEDS = range(3)
RIDGE = Ridge(alpha=10.0, fit_intercept=False)


def wide(seed, noise, n=150, d=60):
    """(X, y with normal errors, X of 2000 new rows, their true y, coefficients)."""
    rng = np.random.RandomState(seed)
    coef = rng.randn(d) / np.sqrt(d)
    scale = 3 * np.logspace(0, -1, d)
    X, X_new = rng.randn(n, d) * scale, rng.randn(2000, d) * scale
    return X, X @ coef + noise * rng.randn(n), X_new, X_new @ coef, coef


def flipped(seed, rate, n=600, d=150):
    """(X, y of -1 and 1 of which `rate` are flipped, X of new rows, their true y)."""
    X, y, X_new, y_new, _ = wide(seed, 0.0, n, d)
    flip = np.random.RandomState(seed).uniform(size=n) < rate
    return X, np.where(flip, -np.sign(y), np.sign(y)), X_new, np.sign(y_new)


def fixed(mixing, base=RIDGE, **how):
    return SelfDistillationRegressor(base, mixing=mixing, teacher="in_sample", **how)


def off(model, X, y):
    return np.mean((model.predict(X) - y) ** 2)


# ------------------------------------------------------------------ what the papers claim


@pytest.mark.parametrize("seed", SEEDS)
def test_above_one_is_best_where_the_noise_is_large(seed):
    X, y, X_new, y_new, coef = wide(seed, 4.0, n=300, d=150)
    found = SelfDistillationRegressor(RIDGE, random_state=0).fit(X, y)
    assert found.mixing_[0] > 1
    plain, one = clone(RIDGE).fit(X, y), fixed(1.0).fit(X, y)
    assert off(found, X_new, y_new) < 0.9 * off(one, X_new, y_new)
    assert off(one, X_new, y_new) < 0.9 * off(plain, X_new, y_new)
    for share in (optimal_ridge_mixing(X, coef, 16.0, 10.0), estimated_ridge_mixing(X, y, 10.0)):
        assert share > 1
        assert off(fixed(share).fit(X, y), X_new, y_new) < 0.9 * off(one, X_new, y_new)


def test_above_one_is_best_where_four_of_ten_labels_are_flipped():
    """Ridge on -1 and 1; in the mean of several draws, for accuracy is a coarse measure."""
    shares, right = [], []
    for seed in range(8):
        X, y, X_new, y_new = flipped(seed, 0.4)
        models = [
            SelfDistillationRegressor(RIDGE, random_state=0).fit(X, y),
            fixed(1.0).fit(X, y),
            clone(RIDGE).fit(X, y),
        ]
        shares.append(models[0].mixing_[0])
        right.append([np.mean(np.sign(model.predict(X_new)) == y_new) for model in models])
    best, one, plain = np.mean(right, axis=0)
    assert min(shares) > 1
    assert best > one + 0.01 > plain + 0.01


@pytest.mark.parametrize("seed", range(2))
def test_wrong_labels_cost_a_classifier_less(seed):
    """And least where the labels are unlearnt, with a share of the teacher above one."""
    X, y = load_digits(return_X_y=True)
    order = np.random.RandomState(seed).permutation(len(y))
    X, y = X[order] / 16, y[order]
    noisy, _ = symmetric_noise(y[:400], rate=0.4, random_state=seed)
    plain = LogisticRegression(C=10.0, max_iter=500)
    how = {"cv": 3, "random_state": 0}
    cut = SelfDistillationClassifier(plain, **how).fit(X[:400], noisy)
    unlearnt = SelfDistillationClassifier(plain, negative="weight", **how).fit(X[:400], noisy)
    right = [m.score(X[400:], y[400:]) for m in (unlearnt, cut, plain.fit(X[:400], noisy))]
    assert cut.mixing_[0] >= 1 and unlearnt.mixing_[0] > 1
    assert right[0] > right[1] + 0.02 > right[2] + 0.06
    clean = SelfDistillationClassifier(plain, **how).fit(X[:400], y[:400])
    assert (
        clean.score(X[400:], y[400:]) >= plain.fit(X[:400], y[:400]).score(X[400:], y[400:]) - 0.01
    )


def test_little_is_lost_where_nothing_is_wrong():
    for seed in SEEDS:
        X, y, X_new, y_new, _ = wide(seed, 0.1)
        model = SelfDistillationRegressor(RIDGE, random_state=0).fit(X, y)
        assert off(model, X_new, y_new) < 1.05 * off(clone(RIDGE).fit(X, y), X_new, y_new)


@pytest.mark.parametrize("seed", SEEDS)
def test_more_steps_gain_on_rows_held_out_until_none_does(seed):
    X, y, X_new, y_new, _ = wide(seed, 3.0)
    model = SelfDistillationRegressor(RIDGE, n_steps=6, random_state=0).fit(X, y)
    assert 1 <= model.n_iter_ <= 6 and model.mixing_.shape == (model.n_iter_,)
    assert model.loss_curve_.shape == (model.n_iter_ + 1,)
    assert (np.diff(model.loss_curve_) < 0).all()
    assert off(model, X_new, y_new) < 0.75 * off(clone(RIDGE).fit(X, y), X_new, y_new)


@pytest.mark.parametrize("n_steps", [1, 3])
def test_the_share_in_closed_form_is_that_of_a_grid(n_steps):
    X, y, _, _, _ = wide(0, 2.0)
    found = SelfDistillationRegressor(RIDGE, n_steps=n_steps, random_state=0).fit(X, y)
    for step, share in enumerate(found.mixing_):
        grid = np.append(share + np.arange(-20, 21) * 1e-3, share - 0.5)
        tried = SelfDistillationRegressor(RIDGE, mixing=list(grid), random_state=0)
        if step == 0:
            assert tried.fit(X, y).mixing_[0] == pytest.approx(share, abs=1e-9)
            assert tried.loss_curve_[1] == pytest.approx(found.loss_curve_[1])


@pytest.mark.parametrize("mixing", [0.5, 1.0, 1.7])
def test_steps_of_kernel_ridge_need_no_refit(mixing):
    rng = np.random.RandomState(0)
    X, y = rng.uniform(size=(40, 2)), rng.randn(40)
    base = KernelRidge(alpha=0.2, kernel="rbf", gamma=3.0)
    model = fixed(mixing, base, n_steps=4).fit(X, y)
    K = base._get_kernel(X)
    dual = distilled_kernel_ridge(K, y, 0.2, [mixing] * 4)
    np.testing.assert_allclose(model.estimator_.dual_coef_, dual, atol=1e-8)
    if mixing < 1:
        long = fixed(mixing, base, n_steps=60).fit(X, y).predict(X)
        limit = clone(base).set_params(alpha=distilled_alpha(0.2, mixing)).fit(X, y)
        np.testing.assert_allclose(long, limit.predict(X), atol=1e-8)


def test_a_teacher_that_has_the_rows_by_heart_is_replaced():
    X, y, _, _, _ = wide(0, 1.0)
    tree = DecisionTreeRegressor(random_state=0)
    model = SelfDistillationRegressor(tree, random_state=0).fit(X, y)
    assert model.teacher_ == "out_of_sample" and model.n_iter_ == 1
    assert not np.allclose(model.target_, y)
    own = SelfDistillationRegressor(tree, teacher="in_sample", random_state=0).fit(X, y)
    assert own.teacher_ == "in_sample" and own.n_iter_ == 0  # it teaches what it was given
    np.testing.assert_array_equal(own.target_, y)
    assert SelfDistillationRegressor(RIDGE, random_state=0).fit(X, y).teacher_ == "in_sample"
    classes = np.digitize(y, np.quantile(y, [0.3, 0.6]))
    tree = DecisionTreeClassifier(random_state=0)
    model = SelfDistillationClassifier(tree, mixing=0.5, random_state=0).fit(X, classes)
    assert model.teacher_ == "out_of_sample"


# ------------------------------------------------------------------ what holds for any of them


def test_no_share_of_the_teacher_is_the_plain_model():
    X, y = noisy_labels()
    base, calls = recording(LogisticRegression())
    model = SelfDistillationClassifier(base, mixing=0.0, teacher="in_sample").fit(X, y)
    assert fits(calls)[-1].sample_weight is None
    np.testing.assert_array_equal(fits(calls)[-1].y, y)
    plain = LogisticRegression().fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))
    X, y = noisy_numbers()
    np.testing.assert_array_equal(
        fixed(0.0, Ridge()).fit(X, y).predict(X), Ridge().fit(X, y).predict(X)
    )


def test_what_learns_nothing_new_of_its_own_numbers_stays_as_it_is():
    X, y = noisy_numbers()
    for base in (LinearRegression(), DummyRegressor()):
        model = SelfDistillationRegressor(base, random_state=0).fit(X, y)
        np.testing.assert_allclose(model.predict(X), base.fit(X, y).predict(X))
        assert model.n_iter_ == 0 and len(model.loss_curve_) == 1


def test_weights_are_repeats_of_rows():
    X, y, _, _, _ = wide(0, 3.0, n=90)
    times = np.random.RandomState(0).randint(0, 4, 90)
    rows = np.repeat(np.arange(90), times)
    fold = np.arange(90) % 3
    folds, of_repeated = (
        [(np.flatnonzero(f != k), np.flatnonzero(f == k)) for k in range(3)]
        for f in (fold, fold[rows])
    )
    for n_steps in (1, 3):
        how = {"n_steps": n_steps, "teacher": "in_sample"}
        one = SelfDistillationRegressor(RIDGE, cv=folds, **how).fit(X, y, sample_weight=times)
        two = SelfDistillationRegressor(RIDGE, cv=of_repeated, **how).fit(X[rows], y[rows])
        np.testing.assert_allclose(one.mixing_, two.mixing_, rtol=1e-5)
        np.testing.assert_allclose(one.loss_curve_, two.loss_curve_)
        np.testing.assert_allclose(one.predict(X), two.predict(X), rtol=1e-4)
    labels = np.sign(y)
    base = LogisticRegression(tol=1e-8, max_iter=1000)
    how = {"mixing": [0.5, 1.0], "teacher": "in_sample"}
    one = SelfDistillationClassifier(base, cv=folds, **how).fit(X, labels, sample_weight=times)
    two = SelfDistillationClassifier(base, cv=of_repeated, **how).fit(X[rows], labels[rows])
    np.testing.assert_allclose(one.loss_curve_, two.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize(
    ("how", "n_fits"),
    [
        ({"mixing": "auto"}, 3 * 3 + 2),
        ({"mixing": [0.5, 1.0, 2.0]}, 3 + 2 + 3 * 3),
        ({"mixing": 1.0, "teacher": "in_sample", "n_steps": 2}, 3),
        ({"mixing": 1.0, "teacher": "out_of_sample", "n_steps": 2}, 7),
        ({"mixing": 1.0}, 4 + 2),
    ],
)
def test_number_of_fits(how, n_fits):
    X, y, _, _, _ = wide(0, 3.0)
    base, calls = recording(RIDGE)
    SelfDistillationRegressor(base, cv=3, random_state=0, **how).fit(X, y)
    assert len(fits(calls)) == n_fits
    base, calls = recording(LogisticRegression(C=0.1))
    SelfDistillationClassifier(base, cv=3, random_state=0, **how).fit(X, y > 0)
    assert len(fits(calls)) <= n_fits


def test_rows_held_out_are_seen_by_no_teacher():
    X, y = noisy_numbers()
    base, calls = recording(Ridge())
    SelfDistillationRegressor(base, cv=3, teacher="out_of_sample", random_state=0).fit(X, y)
    judged = [np.rint(c.X[:, 0] * 90).astype(int) for c in calls if c.method == "predict"]
    seen = [np.rint(c.X[:, 0] * 90).astype(int) for c in fits(calls)]
    for rows, asked in zip(seen, judged, strict=False):
        assert not set(rows) & set(asked)


def test_trusted_rows_keep_what_they_were_given():
    X, y = noisy_labels()
    trusted = np.arange(90) < 20
    model = SelfDistillationClassifier(LogisticRegression(C=0.1), mixing=3.0, random_state=0)
    model.fit(X, y, trusted=trusted)
    assert (model.label_proba_[trusted, y[trusted]] == 1).all()
    assert model.noise_mask_.any() and not model.noise_mask_[trusted].any()
    X, y = noisy_numbers()
    model = SelfDistillationRegressor(Ridge(100.0), mixing=1.0, random_state=0)
    target = model.fit(X, y, trusted=trusted).target_
    np.testing.assert_array_equal(target[trusted], y[trusted])
    assert not np.isclose(target[~trusted], y[~trusted]).any()
    assert not model.noise_mask_.any()


def test_negative_shares_are_cut_and_a_label_the_teacher_doubts_is_replaced():
    X, y = noisy_labels()
    base = LogisticRegression(C=0.1)
    model = SelfDistillationClassifier(base, mixing=2.0, teacher="in_sample").fit(X, y)
    np.testing.assert_allclose(model.label_proba_.sum(axis=1), 1)
    assert (model.label_proba_ >= 0).all()
    own = base.fit(X, y).predict_proba(X)[np.arange(90), y]
    np.testing.assert_array_equal(model.label_proba_[np.arange(90), y] == 0, own <= 0.5)


def test_negative_shares_are_weights_of_a_convex_loss():
    X, y = noisy_labels()
    base, calls = recording(LogisticRegression())
    how = {"mixing": 3.0, "negative": "weight"}
    model = SelfDistillationClassifier(base, **how, teacher="in_sample").fit(X, y)
    given = fits(calls)[-1]
    assert (given.sample_weight < 0).any() and given.sample_weight.sum() == pytest.approx(90)
    np.testing.assert_allclose(
        model.label_proba_, -2 * np.eye(3)[y] + 3 * LogisticRegression().fit(X, y).predict_proba(X)
    )
    # stationary: the probabilities add up to the soft labels, as of any logistic regression
    fitted = model.predict_proba(X)
    np.testing.assert_allclose(fitted.mean(axis=0), model.label_proba_.mean(axis=0), atol=1e-2)
    with pytest.raises(ValueError, match="rows cannot be drawn by them"):
        SelfDistillationClassifier(base, weight_strategy="resample", **how).fit(X, y)


def test_no_class_vanishes():
    rng = np.random.RandomState(0)
    X = rng.randn(200, 2)
    y = np.where(np.arange(200) < 8, "rare", np.where(X[:, 0] > 0, "a", "b"))
    blind = LogisticRegression(class_weight={"a": 1.0, "b": 1.0, "rare": 1e-6})
    model = SelfDistillationClassifier(blind, mixing=1.0, random_state=0).fit(X, y)
    assert list(model.estimator_.classes_) == ["a", "b", "rare"]
    assert (model.label_proba_[:, 2] == 1).sum() == 5


def test_labels_of_any_name_and_tables_of_any_kind():
    X, codes = noisy_labels()
    names = np.array(["z", "a", "m"], dtype=object)[codes]
    one = SelfDistillationClassifier(LogisticRegression(), random_state=0).fit(X, codes)
    two = SelfDistillationClassifier(LogisticRegression(), random_state=0).fit(X, names)
    np.testing.assert_allclose(one.loss_curve_, two.loss_curve_, rtol=1e-3)
    assert set(two.predict(X)) <= {"z", "a", "m"}

    table = pd.DataFrame(
        {"c": np.where(X[:, 1] > 0, "up", None), "d": np.round(X[:, 2]).astype(str)}
    )
    pipe = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    model = SelfDistillationClassifier(pipe, random_state=0).fit(table, pd.Series(names))
    assert model.predict(table).shape == (90,)
    pipe = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge())
    assert SelfDistillationRegressor(pipe).fit(table, codes).predict(table).shape == (90,)

    words = np.array([f"word{c} and" for c in codes], dtype=object)
    pipe = make_pipeline(CountVectorizer(), LogisticRegression())
    assert SelfDistillationClassifier(pipe, random_state=0).fit(words, names).score(words, names)

    sparse = SelfDistillationClassifier(LogisticRegression(), random_state=0)
    sparse.fit(csr_matrix(X), codes)
    np.testing.assert_allclose(sparse.loss_curve_, one.loss_curve_, atol=1e-2)


def test_a_search_finds_the_parameters():
    X, y, _, _, _ = wide(0, 3.0)
    grid = {"mixing": [0.0, 2.0], "estimator__alpha": [10.0]}
    search = GridSearchCV(fixed(1.0, cv=2), grid, cv=2).fit(X, y)
    assert search.best_params_["mixing"] == 2.0
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


def test_jobs_do_not_change_the_result():
    X, y, _, _, _ = wide(0, 3.0)
    targets = []
    for jobs in (1, 2):
        model = SelfDistillationRegressor(
            DecisionTreeRegressor(max_features=5), cv=2, n_jobs=jobs, random_state=0
        )
        with parallel_config("threading"):
            targets.append(model.fit(X, y).target_)
    np.testing.assert_array_equal(*targets)


def test_models_without_weights():
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="soft labels are weights of rows"):
        SelfDistillationClassifier(KNeighborsClassifier()).fit(X, y)
    model = SelfDistillationClassifier(
        KNeighborsClassifier(), weight_strategy="resample", random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.7
    X, y = noisy_numbers()  # numbers need none
    assert SelfDistillationRegressor(KNeighborsRegressor(), random_state=0).fit(X, y).n_iter_ <= 1
    with pytest.raises(ValueError, match="takes no sample_weight"):
        SelfDistillationRegressor(KNeighborsRegressor()).fit(X, y, sample_weight=np.ones(90))


@pytest.mark.parametrize("mixing", ["auto", 1.0])
def test_margins_will_do(mixing):
    X, y = noisy_labels()
    model = SelfDistillationClassifier(LinearSVC(), mixing=mixing, random_state=0).fit(X, y)
    assert np.isfinite(model.label_proba_).all() and model.score(X, y) > 0.7


@pytest.mark.parametrize(("mixing", "error"), [([], "list"), ([1.0, -1.0], "none below zero")])
def test_shares_are_refused_by_name(mixing, error):
    X, y = noisy_numbers()
    with pytest.raises(ValueError, match=f"mixing must be .*{error}"):
        SelfDistillationRegressor(Ridge(), mixing=mixing).fit(X, y)
    with pytest.raises(ValueError, match="'mixing' parameter"):
        SelfDistillationRegressor(Ridge(), mixing=-1.0).fit(X, y)


@pytest.mark.parametrize("teacher", ["in_sample", "out_of_sample"])
@pytest.mark.parametrize("mixing", ["auto", 1.5])
def test_few_rows_and_rare_classes(teacher, mixing):
    X = np.arange(12.0).reshape(-1, 1)
    y = np.array([0, 1] * 5 + [2, 0])
    how = {"mixing": mixing, "teacher": teacher, "random_state": 0}
    for weight in (None, np.where(np.arange(12) % 4 == 3, 0.0, 1.0)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = SelfDistillationClassifier(LogisticRegression(), **how)
            model.fit(X, y, sample_weight=weight)
        assert len(model.estimator_.classes_) == 3 and np.isfinite(model.label_proba_).all()
    for rows in (1, 2, 3):
        few = SelfDistillationRegressor(Ridge(), cv=2, **how).fit(X[:rows], X[:rows, 0])
        assert few.target_.shape == (rows,)
    one = SelfDistillationClassifier(DummyClassifier(), **how).fit(X, np.zeros(12))
    assert (one.predict(X) == 0).all()


def test_routing():
    X, y = noisy_labels()
    given = np.random.RandomState(0).uniform(0.5, 2, len(y))
    with config_context(enable_metadata_routing=True):
        base = LogisticRegression().set_fit_request(sample_weight=True)
        model = SelfDistillationClassifier(base, random_state=0).fit(X, y, sample_weight=given)
    plain = SelfDistillationClassifier(LogisticRegression(), random_state=0)
    plain.fit(X, y, sample_weight=given)
    np.testing.assert_array_equal(model.label_proba_, plain.label_proba_)
    np.testing.assert_array_equal(model.loss_curve_, plain.loss_curve_)


@pytest.mark.parametrize("teacher", ["in_sample", "out_of_sample"])
def test_groups_stay_together(teacher):
    X, y = noisy_numbers()
    groups = np.arange(90) // 3
    base, calls = recording(Ridge())
    model = SelfDistillationRegressor(base, teacher=teacher, random_state=0)
    model.fit(X, y, groups=groups)
    for call in fits(calls)[:-1]:
        seen = np.unique(np.rint(call.X[:, 0] * 90).astype(int))
        assert (np.bincount(groups[seen], minlength=30) % 3 == 0).all()


def test_order_of_rows_does_not_matter():
    X, y, _, _, _ = wide(0, 3.0, n=90)
    order = np.random.RandomState(0).permutation(90)
    folds = [(np.flatnonzero(np.arange(90) % 3 != k), np.arange(k, 90, 3)) for k in range(3)]
    at = np.argsort(order)
    moved = [(at[train], at[test]) for train, test in folds]
    one = SelfDistillationRegressor(RIDGE, cv=folds, n_steps=2).fit(X, y)
    two = SelfDistillationRegressor(RIDGE, cv=moved, n_steps=2).fit(X[order], y[order])
    np.testing.assert_allclose(two.target_, one.target_[order], rtol=1e-6)


def test_a_failed_fit_leaves_the_object_as_it_was():
    X, y = noisy_numbers()
    model = SelfDistillationRegressor(Ridge(), random_state=0).fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError):
        model.fit(X, np.full(90, np.nan))
    np.testing.assert_array_equal(model.predict(X), before)
