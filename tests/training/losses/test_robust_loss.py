"""Losses around models: the papers' claims, and what holds for any of them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import HuberRegressor, LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from sknoisy.training.losses import (
    ALDRKLLoss,
    BootstrappedLoss,
    FeasibleLearning,
    GeneralizedCrossEntropy,
    HolisticRobustLoss,
    HuberLoss,
    LabelLoss,
    LDRKLLoss,
    NumberLoss,
    QGaussianLoss,
    RobustLossClassifier,
    RobustLossRegressor,
    SymmetricCrossEntropy,
    TaiLrLoss,
    TrimmedLoss,
    TukeyLoss,
    WelschLoss,
)

from ...helpers import fits, noisy_labels, noisy_numbers, recording

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SEEDS = range(3)


def one_way(seed, n_classes):
    """(X, y, noisy y) of 300 rows and 600 new ones; 40 % of class 0 are taken for class 1."""
    X, y = make_classification(
        900,
        10,
        n_informative=6,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=1.5,
        flip_y=0,
        random_state=seed,
    )
    rng = np.random.RandomState(seed)
    noisy, first = y[:300].copy(), y[:300] == 0
    noisy[first & (rng.rand(300) < 0.4)] = 1
    other = ~first & (rng.rand(300) < 0.1)
    noisy[other] = (y[:300][other] + 1) % n_classes
    return X[:300], noisy, y[:300], X[300:], y[300:]


def subgroup(seed, n):
    """Two classes; in a tenth of the rows the first feature counts the other way."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n, 4)
    slope = np.where(rng.rand(n) < 0.1, -0.5, 2.0)
    return X, (slope * X[:, 0] + 2 * X[:, 1] + 0.3 * rng.randn(n) > 0).astype(int)


def one_sided(seed, n=200, rate=0.2):
    """A line, and a share of numbers that are far too large where x is."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n, 3)
    coef = np.array([1.0, -2.0, 3.0])
    y = X @ coef + 0.5 * rng.randn(n)
    wrong = rng.rand(n) < rate
    y[wrong] += 15 + 5 * X[wrong, 0]
    return X, y, coef, wrong


def log_loss(model, X, y):
    return -np.log(np.maximum(model.predict_proba(X)[np.arange(len(y)), y], 1e-3))


# ------------------------------------------------------------------ the papers' claims


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("loss", "gain"),
    [
        (GeneralizedCrossEntropy(0.7), 0.03),
        (GeneralizedCrossEntropy(1.0), 0.05),
        (SymmetricCrossEntropy(), 0.04),
        (TaiLrLoss(), 0.03),
        (LDRKLLoss(20.0), 0.01),
        (ALDRKLLoss(10.0), 0.01),
        (TrimmedLoss(0.3), 0.03),
    ],
    ids=repr,
)
def test_wrong_labels_cost_less(loss, gain, seed):
    X, noisy, y, X_new, y_new = one_way(seed, 4)
    plain = LogisticRegression().fit(X, noisy).score(X_new, y_new)
    model = RobustLossClassifier(LogisticRegression(), loss=loss, random_state=0).fit(X, noisy)
    assert model.score(X_new, y_new) >= plain + gain
    assert roc_auc_score(noisy != y, -model.sample_weight_) > 0.85


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_targets_of_the_model_itself_cost_less(kind):
    gains = []
    for seed in SEEDS:
        X, noisy, _, X_new, y_new = one_way(seed, 2)
        plain = LogisticRegression().fit(X, noisy).score(X_new, y_new)
        loss = BootstrappedLoss(0.5, kind=kind)
        model = RobustLossClassifier(LogisticRegression(), loss=loss, random_state=0).fit(X, noisy)
        gains.append(model.score(X_new, y_new) - plain)
        np.testing.assert_allclose(model.label_proba_.sum(axis=1), 1)
    assert min(gains) >= (0.0 if kind == "hard" else -0.01)
    assert kind == "soft" or np.mean(gains) >= 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_a_large_lam_tolerates_what_cross_entropy_does_not(seed):
    """Label-distributional losses: from cross-entropy (lam 1) to a symmetric loss."""
    X, noisy, _, X_new, y_new = one_way(seed, 4)
    scores = []
    for lam in (1.0, 20.0):
        model = RobustLossClassifier(LogisticRegression(), loss=LDRKLLoss(lam), random_state=0)
        scores.append(model.fit(X, noisy).score(X_new, y_new))
    assert scores[1] >= scores[0] + 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_lam_of_a_row_is_larger_where_labels_are_noisy(seed):
    rng = np.random.RandomState(seed)
    X = rng.randn(600, 2)
    y = (X[:, 0] > 0).astype(int)
    region = X[:, 1] > 0.5
    z = np.where(region & (rng.rand(600) < 0.4), 1 - y, y)
    features = np.column_stack([X[:, 0] * region, X[:, 0] * ~region, X])
    proba = LogisticRegression().fit(features, z).predict_proba(features)
    lam = ALDRKLLoss(1.0).lam(proba)
    assert lam[region].mean() > lam[~region].mean() + 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_feasible_learning_has_no_heavy_tail_of_losses(seed):
    """Nearly the accuracy, and the worst loss is less than half of it."""
    X, y = subgroup(seed, 500)
    X_new, y_new = subgroup(100 + seed, 2000)
    plain = LogisticRegression().fit(X, y)
    model = RobustLossClassifier(
        LogisticRegression(), loss=FeasibleLearning(), max_iter=20, random_state=0
    ).fit(X, y)
    tails = [np.sort(log_loss(m, X_new, y_new))[-20:].mean() for m in (model, plain)]
    assert tails[0] < 0.5 * tails[1]
    assert model.score(X_new, y_new) > plain.score(X_new, y_new) - 0.07
    assert not model.noise_mask_.any()


@pytest.mark.parametrize("seed", SEEDS)
def test_resilient_prices_minimise_the_squares_of_the_slacks(seed):
    rng = np.random.RandomState(seed)
    X = rng.randn(600, 2)
    y = np.where(rng.rand(600) < 0.1, X @ [0.2, 1.5], X @ [1.0, 1.0]) + 0.1 * rng.randn(600)
    model = RobustLossRegressor(
        LinearRegression(), loss=FeasibleLearning(0.05), scale=1.0, max_iter=40, random_state=0
    ).fit(X, y)

    def slacks(predicted):
        return (np.maximum((y - predicted) ** 2 / 2 - 0.05, 0) ** 2).sum()

    plain = slacks(LinearRegression().fit(X, y).predict(X))
    best = minimize(lambda b: slacks(X @ b[:2] + b[2]), np.zeros(3)).fun
    assert slacks(model.predict(X)) - best < 0.15 * (plain - best)


def test_prices_tell_wrong_labels():
    for seed in range(2):
        X, noisy, y, _, _ = one_way(seed, 4)
        model = RobustLossClassifier(
            LogisticRegression(), loss=FeasibleLearning(), random_state=0
        ).fit(X, noisy)
        assert roc_auc_score(noisy != y, model.sample_weight_) > 0.7


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_holistic_loss_bounds_that_on_clean_new_rows(alpha):
    """In nine draws of ten, also where the hardest rows were replaced by easy ones."""
    bounds, plain = [], []
    for seed in range(10):
        X, y = subgroup(seed, 60)
        X_new, y_new = subgroup(1000 + seed, 1000)
        order = np.argsort(log_loss(LogisticRegression().fit(X, y), X, y))
        k = int(alpha * len(y))
        X[order[60 - k :]], y[order[60 - k :]] = X[order[:k]] + 1e-3, y[order[:k]]
        for loss, held in (
            (HolisticRobustLoss(alpha, radius=0.05), bounds),
            (HolisticRobustLoss(0.0, radius=0.0), plain),
        ):
            model = RobustLossClassifier(LogisticRegression(), loss=loss, max_iter=5, cv=3)
            model.set_params(random_state=0).fit(X, y)
            held.append(log_loss(model, X_new, y_new).mean() <= model.loss_curve_[-1])
    assert np.mean(bounds) >= 0.9 and np.mean(plain) <= 0.75


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("loss", "left"),
    [
        (HuberLoss(), 0.5),
        (TukeyLoss(), 0.15),
        (WelschLoss(), 0.15),
        (QGaussianLoss(2.0), 0.3),
        (TrimmedLoss(0.3), 0.2),
    ],
    ids=repr,
)
def test_one_sided_errors_cost_less(loss, left, seed):
    X, y, coef, wrong = one_sided(seed)
    truth = np.append(coef, 0.0)

    def off(model):
        return np.linalg.norm(np.append(model.coef_, model.intercept_) - truth)

    model = RobustLossRegressor(LinearRegression(), loss=loss, random_state=0).fit(X, y)
    assert off(model.estimator_) < left * off(LinearRegression().fit(X, y))
    assert roc_auc_score(wrong, -model.sample_weight_) > 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flexible_model_is_cured_as_well(seed):
    X, y, coef, _ = one_sided(seed, n=400)
    X_new = np.random.RandomState(99).randn(500, 3)
    tree = DecisionTreeRegressor(min_samples_leaf=5, random_state=0)
    model = RobustLossRegressor(tree, loss=TukeyLoss(), random_state=0).fit(X, y)
    errors = [np.mean((m.predict(X_new) - X_new @ coef) ** 2) for m in (model, tree.fit(X, y))]
    assert errors[0] < 0.5 * errors[1]


def test_little_is_lost_where_nothing_is_wrong():
    for loss in (HuberLoss(), TukeyLoss(), WelschLoss()):
        lost = []
        for seed in range(10):
            X, y, coef, _ = one_sided(seed, rate=0.0)
            model = RobustLossRegressor(LinearRegression(), loss=loss, random_state=0).fit(X, y)
            plain = LinearRegression().fit(X, y)
            lost.append(
                [np.sum((m.coef_ - coef) ** 2) for m in (model.estimator_, plain)],
            )
        robust, usual = np.mean(lost, axis=0)
        assert robust < 1.2 * usual


def test_huber_agrees_with_scikit_learn():
    X, y, _, _ = one_sided(0, n=2000)
    peer = HuberRegressor(epsilon=1.345, alpha=0.0).fit(X, y)
    loss = HuberLoss(1.345)
    model = RobustLossRegressor(
        LinearRegression(), loss=loss, scale=peer.scale_, tol=1e-4, max_iter=50, random_state=0
    ).fit(X, y)
    np.testing.assert_allclose(model.estimator_.coef_, peer.coef_, atol=0.01)


def test_the_mean_becomes_a_robust_location():
    y = np.append(np.random.RandomState(0).randn(300), np.full(30, 50.0))
    model = RobustLossRegressor(DummyRegressor(), random_state=0).fit(np.zeros((330, 1)), y)
    assert abs(model.predict([[0.0]])[0]) < 0.2
    assert abs(model.scale_ - 1) < 0.25


# ------------------------------------------------------------------ limits


@pytest.mark.parametrize(
    "loss",
    [
        GeneralizedCrossEntropy(0.0),
        SymmetricCrossEntropy(1.0, 0.0),
        TaiLrLoss(0.0),
        BootstrappedLoss(1.0),
        LDRKLLoss(1.0),
        TrimmedLoss(0.0),
        HolisticRobustLoss(0.0, radius=0.0),
    ],
    ids=repr,
)
def test_at_its_limit_a_loss_is_the_plain_model(loss):
    X, y = noisy_labels()
    base, calls = recording(LogisticRegression())
    model = RobustLossClassifier(base, loss=loss, random_state=0).fit(X, y)
    last = fits(calls)[-1]
    assert last.sample_weight is None and model.n_iter_ == 1
    np.testing.assert_array_equal(last.y, y)
    np.testing.assert_array_equal(
        model.predict_proba(X), LogisticRegression().fit(X, y).predict_proba(X)
    )


@pytest.mark.parametrize(
    "loss", [HuberLoss(1e9), TrimmedLoss(0.0), HolisticRobustLoss(0.0, radius=0.0)], ids=repr
)
def test_at_its_limit_a_loss_of_numbers_is_the_plain_model(loss):
    X, y = noisy_numbers()
    model = RobustLossRegressor(Ridge(), loss=loss, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), Ridge().fit(X, y).predict(X), rtol=1e-12)


# ------------------------------------------------------------------ what holds for any loss


def test_weights_are_those_of_the_user_times_the_computed():
    X, y = noisy_labels()
    given = np.random.RandomState(0).uniform(0.5, 2, len(y))
    base, calls = recording(LogisticRegression())
    model = RobustLossClassifier(base, random_state=0).fit(X, y, sample_weight=given)
    np.testing.assert_allclose(fits(calls)[-1].sample_weight, given * model.sample_weight_)
    assert np.average(model.sample_weight_, weights=given) == pytest.approx(1)

    X, y = noisy_numbers()
    base, calls = recording(Ridge())
    loss = WelschLoss()
    model = RobustLossRegressor(base, loss=loss, random_state=0).fit(X, y, sample_weight=given)
    kept = model.sample_weight_ > 0
    np.testing.assert_allclose(fits(calls)[-1].sample_weight, (given * model.sample_weight_)[kept])


def test_number_of_fits():
    X, y = noisy_labels()
    base, calls = recording(LogisticRegression())
    model = RobustLossClassifier(base, cv=3, random_state=0).fit(X, y)
    assert len(fits(calls)) == 3 * model.n_iter_ + 1
    assert model.loss_curve_.shape == (model.n_iter_,)


def test_wrong_rows_are_told_and_trusted_ones_are_not():
    X, y = noisy_numbers()
    wrong = np.flatnonzero(y > y.mean() + 300)
    trusted = np.zeros(len(y), dtype=bool)
    trusted[wrong[0]] = True
    model = RobustLossRegressor(Ridge(), random_state=0).fit(X, y, trusted=trusted)
    assert model.noise_mask_[wrong[1:]].all() and not model.noise_mask_[wrong[0]]
    assert model.sample_weight_[wrong[0]] >= 1

    X, noisy, y, _, _ = one_way(0, 4)
    trusted = np.arange(300) < 100
    loss = BootstrappedLoss(0.2)
    model = RobustLossClassifier(LogisticRegression(), loss=loss, random_state=0)
    model.fit(X, noisy, trusted=trusted)
    codes = np.searchsorted(model.classes_, noisy)
    assert (model.label_proba_[trusted, codes[trusted]] == 1).all()


def test_no_class_vanishes():
    rng = np.random.RandomState(0)
    X = rng.randn(200, 2)
    y = np.where(np.arange(200) < 8, "rare", np.where(X[:, 0] > 0, "a", "b"))
    loss = GeneralizedCrossEntropy(1.0, truncation=0.5)
    model = RobustLossClassifier(LogisticRegression(), loss=loss, random_state=0).fit(X, y)
    assert list(model.estimator_.classes_) == ["a", "b", "rare"]


def test_labels_of_any_name_and_tables_of_any_kind():
    X, codes = noisy_labels()
    names = np.array(["z", "a", "m"], dtype=object)[codes]
    one = RobustLossClassifier(LogisticRegression(), random_state=0).fit(X, codes)
    two = RobustLossClassifier(LogisticRegression(), random_state=0).fit(X, names)
    np.testing.assert_allclose(one.sample_weight_, two.sample_weight_, rtol=1e-3)
    assert set(two.predict(X)) <= {"z", "a", "m"}

    table = pd.DataFrame(
        {"c": np.where(X[:, 1] > 0, "up", None), "d": np.round(X[:, 2]).astype(str)}
    )
    pipe = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    model = RobustLossClassifier(pipe, random_state=0).fit(table, pd.Series(names))
    assert model.predict(table).shape == (90,)

    words = np.array([f"word{c} and" for c in codes], dtype=object)
    pipe = make_pipeline(CountVectorizer(), LogisticRegression())
    assert RobustLossClassifier(pipe, random_state=0).fit(words, names).score(words, names) == 1

    sparse = RobustLossClassifier(LogisticRegression(), random_state=0).fit(csr_matrix(X), codes)
    np.testing.assert_allclose(sparse.sample_weight_, one.sample_weight_, atol=1e-2)


def test_a_search_finds_the_parameters_of_a_loss():
    X, noisy, _, _, _ = one_way(0, 4)
    model = RobustLossClassifier(
        LogisticRegression(), loss=GeneralizedCrossEntropy(), max_iter=2, cv=2, random_state=0
    )
    search = GridSearchCV(model, {"loss__q": [0.0, 0.7], "estimator__C": [1.0]}, cv=2)
    assert search.fit(X, noisy).best_params_["loss__q"] in (0.0, 0.7)


def test_jobs_do_not_change_the_result():
    X, y = noisy_labels()
    weights = []
    for jobs in (1, 2):
        model = RobustLossClassifier(LogisticRegression(), cv=2, max_iter=2, random_state=0)
        with parallel_config("threading"):
            weights.append(model.set_params(n_jobs=jobs).fit(X, y).sample_weight_)
    np.testing.assert_array_equal(*weights)


def test_models_without_weights():
    X, y = noisy_labels()
    with pytest.raises(ValueError, match="GeneralizedCrossEntropy is realised by weights"):
        RobustLossClassifier(KNeighborsClassifier()).fit(X, y)
    model = RobustLossClassifier(KNeighborsClassifier(), weight_strategy="resample", random_state=0)
    assert model.fit(X, y).score(X, y) > 0.7
    # what only leaves rows out needs no weights
    loss = TrimmedLoss(0.15)
    model = RobustLossClassifier(KNeighborsClassifier(), loss=loss, random_state=0).fit(X, y)
    assert model.noise_mask_.sum() == pytest.approx(0.15 * 90, abs=5)
    X, y = noisy_numbers()
    trusted = model.noise_mask_
    RobustLossClassifier(KNeighborsClassifier(), loss=loss).fit(
        X, noisy_labels()[1], trusted=trusted
    )
    model = RobustLossRegressor(KNeighborsRegressor(), loss=loss, random_state=0).fit(X, y)
    assert set(model.sample_weight_) == {0.0, 1.0}
    assert model.noise_mask_.sum() == 13  # of 90, and 76.5 are to be kept


@pytest.mark.parametrize("loss", [TrimmedLoss(0.2), GeneralizedCrossEntropy()], ids=repr)
def test_margins_will_do(loss):
    X, noisy, y, X_new, y_new = one_way(1, 4)
    model = RobustLossClassifier(LinearSVC(), loss=loss, random_state=0).fit(X, noisy)
    assert model.score(X_new, y_new) > LinearSVC().fit(X, noisy).score(X_new, y_new)


def test_rounds_that_do_not_suffice_are_told():
    X, y = noisy_labels()
    with pytest.warns(ConvergenceWarning, match="raise max_iter, or tol") as caught:
        RobustLossClassifier(LogisticRegression(), max_iter=1, tol=0, random_state=0).fit(X, y)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RobustLossClassifier(LogisticRegression(), random_state=0).fit(X, y)


def test_a_loss_is_refused_by_name():
    class Wide(LabelLoss):
        def targets(self, proba, codes, state):
            return np.ones(len(codes))

    class Negative(NumberLoss):
        def weight(self, residual):
            return np.full(len(residual), -1.0)

    X, y = noisy_labels()
    with pytest.raises(ValueError, match="Wide gives an array of shape"):
        RobustLossClassifier(LogisticRegression(), loss=Wide()).fit(X, y)
    with pytest.raises(ValueError, match="'q' parameter of GeneralizedCrossEntropy"):
        RobustLossClassifier(LogisticRegression(), loss=GeneralizedCrossEntropy(2.0)).fit(X, y)
    with pytest.raises(ValueError, match="'loss' parameter of RobustLossClassifier"):
        RobustLossClassifier(LogisticRegression(), loss=TukeyLoss()).fit(X, y)
    X, y = noisy_numbers()
    with pytest.raises(ValueError, match="Negative gives -1.0 as weight"):
        RobustLossRegressor(Ridge(), loss=Negative()).fit(X, y)


def test_a_loss_is_cloned_and_not_changed():
    X, y = noisy_labels()
    loss = FeasibleLearning()
    model = RobustLossClassifier(LogisticRegression(), loss=loss, max_iter=3, random_state=0)
    first = model.fit(X, y).sample_weight_
    assert vars(loss) == {"tolerance": 0.5, "resilient": True, "step": 0.3}
    np.testing.assert_array_equal(clone(model).fit(X, y).sample_weight_, first)


@pytest.mark.parametrize("given", [False, True])
def test_few_rows_and_rare_classes(given):
    X = np.arange(12.0).reshape(-1, 1)
    y = np.array([0, 1] * 5 + [2, 0])
    weight = np.where(np.arange(12) % 4 == 3, 0.0, 1.0) if given else None
    model = RobustLossClassifier(LogisticRegression(), loss=TaiLrLoss(1.0), random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y, sample_weight=weight)
    assert model.sample_weight_[10] == 1  # nobody else knows this class
    assert np.isfinite(model.sample_weight_).all() and len(model.estimator_.classes_) == 3
    for rows in (1, 2, 3):
        loss = TrimmedLoss(0.5)
        few = RobustLossRegressor(Ridge(), loss=loss, cv=2).fit(X[:rows], X[:rows, 0])
        assert few.sample_weight_.shape == (rows,)


def test_routing():
    X, y = noisy_labels()
    given = np.random.RandomState(0).uniform(0.5, 2, len(y))
    with config_context(enable_metadata_routing=True):
        base = LogisticRegression().set_fit_request(sample_weight=True)
        model = RobustLossClassifier(base, random_state=0).fit(X, y, sample_weight=given)
    plain = RobustLossClassifier(LogisticRegression(), random_state=0)
    plain.fit(X, y, sample_weight=given)
    np.testing.assert_array_equal(model.sample_weight_, plain.sample_weight_)


def test_groups_stay_together():
    X, y = noisy_labels()
    groups = np.arange(90) // 3
    base, calls = recording(LogisticRegression())
    RobustLossClassifier(base, random_state=0).fit(X, y, groups=groups)
    for call in fits(calls)[:-1]:
        seen = np.unique(np.rint(call.X[:, 0] * 90).astype(int))
        assert (np.bincount(groups[seen], minlength=30) % 3 == 0).all()


def test_order_of_rows_does_not_matter():
    X, y = noisy_labels()
    order = np.random.RandomState(0).permutation(90)
    folds = [(np.flatnonzero(np.arange(90) % 3 != k), np.arange(k, 90, 3)) for k in range(3)]
    at = np.argsort(order)
    moved = [(at[train], at[test]) for train, test in folds]
    for loss in (SymmetricCrossEntropy(), HolisticRobustLoss(), TrimmedLoss(0.2)):
        one = RobustLossClassifier(LogisticRegression(), loss=loss, cv=folds).fit(X, y)
        two = RobustLossClassifier(LogisticRegression(), loss=loss, cv=moved)
        two.fit(X[order], y[order])
        np.testing.assert_allclose(two.sample_weight_, one.sample_weight_[order], atol=0.02)


def test_where_every_row_is_feasible_nothing_is_left_to_ask_for():
    X, y = noisy_labels()
    loss = FeasibleLearning(tolerance=10.0)
    model = RobustLossClassifier(LogisticRegression(), loss=loss, random_state=0).fit(X, y)
    assert model.n_iter_ == 1
    np.testing.assert_array_equal(
        model.predict_proba(X), LogisticRegression().fit(X, y).predict_proba(X)
    )
