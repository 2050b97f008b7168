"""What models say of the rows while they are trained."""

import gc
import weakref

import numpy as np
import pytest
import sklearn
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_regression
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.model_selection import GroupKFold, KFold
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from sknoisy._evidence import Evidence
from sknoisy.detection import training_stages
from sknoisy.exceptions import RareClassWarning

from ..helpers import noisy_labels, noisy_numbers, row_numbers

X, CODES = noisy_labels(120)
LABELS = np.array(["ant", "bee", "cow"])[CODES]
XR, YR = noisy_numbers(120)


def seeded(model):
    return model.set_params(random_state=0) if "random_state" in model.get_params() else model


def by_labels(model, *, X=X, y=LABELS, **how):
    inputs = {name: how.pop(name) for name in list(how) if name in INPUTS}
    return Evidence(X, y, task="classification", **inputs).stages(seeded(model), **how)


def by_numbers(model, *, X=XR, y=YR, **how):
    inputs = {name: how.pop(name) for name in list(how) if name in INPUTS}
    return Evidence(X, y, task="regression", **inputs).stages(seeded(model), **how)


INPUTS = ("sample_weight", "groups", "fit_params", "weight_strategy")

# The end of their training is the plainly fitted model.
CLASSIFIERS = [
    GradientBoostingClassifier(n_estimators=12),
    AdaBoostClassifier(n_estimators=12),
    HistGradientBoostingClassifier(max_iter=12),
    RandomForestClassifier(12),
    ExtraTreesClassifier(12),
    BaggingClassifier(n_estimators=12),
    BaggingClassifier(GaussianNB(), n_estimators=5, max_features=3),
    DecisionTreeClassifier(),
    ExtraTreeClassifier(),
    LogisticRegression(max_iter=300),
    LogisticRegression(C=np.inf, max_iter=1000),
    LinearSVC(),
    SVC(),
    SVC(kernel="linear"),
    RidgeClassifier(),
    GaussianNB(),
    BernoulliNB(),
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(StandardScaler(), make_pipeline("passthrough", GaussianNB())),
]
REGRESSORS = [
    GradientBoostingRegressor(n_estimators=12),
    AdaBoostRegressor(n_estimators=5),
    HistGradientBoostingRegressor(max_iter=12),
    RandomForestRegressor(12),
    ExtraTreesRegressor(12),
    BaggingRegressor(n_estimators=5),
    DecisionTreeRegressor(),
    LinearRegression(),
    Ridge(),
    Ridge(alpha=0.0),
    Lasso(),
    ElasticNet(),
    HuberRegressor(max_iter=300),
    LinearSVR(),
    SVR(kernel="linear"),
    make_pipeline(StandardScaler(), Ridge()),
    TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
    TransformedTargetRegressor(func=np.arcsinh, inverse_func=np.sinh),
]
# Their `fit` stops by what `partial_fit` does not tell, or shuffles in another way.
OTHER_CLASSIFIERS = [
    SGDClassifier(),
    SGDClassifier(loss="log_loss", class_weight="balanced"),
    Perceptron(),
    MLPClassifier(20, max_iter=60, learning_rate_init=0.02),
    MLPClassifier(20, max_iter=60, learning_rate_init=0.02, early_stopping=True),
    MLPClassifier(6, solver="lbfgs", max_iter=12),
]
OTHER_REGRESSORS = [SGDRegressor(), MLPRegressor(max_iter=12)]


def name_of(model):
    return f"{type(model).__name__}-{len(repr(model))}"


# --------------------------------------------------------------------------- every way of training


@pytest.mark.parametrize("model", CLASSIFIERS + OTHER_CLASSIFIERS, ids=name_of)
def test_stages_of_classifiers(model):
    stages = by_labels(model, n_stages=4, random_state=0)
    n_stages, n = len(stages.steps), len(CODES)
    assert 1 < n_stages <= 4
    assert (np.diff(stages.progress) > 0).all() and stages.progress[-1] == 1.0
    assert stages.steps.dtype.kind == "i" and (np.diff(stages.steps) > 0).all()
    assert stages.given.shape == stages.other.shape == stages.error_norm.shape == (n_stages, n)
    assert stages.prediction is None and stages.n_fits == 1
    rows = np.arange(n)
    np.testing.assert_allclose(stages.last.sum(axis=1), 1.0)
    np.testing.assert_allclose(stages.mean.sum(axis=1), 1.0)
    np.testing.assert_allclose(stages.given[-1], stages.last[rows, CODES])
    np.testing.assert_allclose(stages.given.mean(axis=0), stages.mean[rows, CODES])
    others = stages.last.copy()
    others[rows, CODES] = 0.0
    np.testing.assert_allclose(stages.other[-1], others.max(axis=1))
    error = np.linalg.norm(stages.last - np.eye(3)[CODES], axis=1)
    np.testing.assert_allclose(stages.error_norm[-1], error, atol=1e-6)
    np.testing.assert_array_equal(stages.predicted[-1], stages.last.argmax(axis=1))
    assert (stages.predicted[-1] == CODES).mean() > 0.6  # something has been learnt


@pytest.mark.parametrize("model", REGRESSORS + OTHER_REGRESSORS, ids=name_of)
def test_stages_of_regressors(model):
    stages = by_numbers(model, n_stages=4, random_state=0)
    n_stages, n = len(stages.steps), len(YR)
    assert 1 < n_stages <= 4 and stages.progress[-1] == 1.0
    assert stages.prediction.shape == (n_stages, n)
    np.testing.assert_allclose(stages.prediction[-1], stages.last)
    np.testing.assert_allclose(stages.prediction.mean(axis=0), stages.mean)
    assert stages.given is None and stages.predicted is None and stages.error_norm is None


@pytest.mark.parametrize("model", CLASSIFIERS, ids=name_of)
def test_a_classifier_ends_as_if_plainly_fitted(model):
    stages = by_labels(model, n_stages=4)
    plain = clone(seeded(model)).fit(X, LABELS)
    if hasattr(plain, "predict_proba"):
        np.testing.assert_allclose(stages.last, plain.predict_proba(X), atol=1e-6)
    else:
        np.testing.assert_array_equal(plain.classes_[stages.predicted[-1]], plain.predict(X))


@pytest.mark.parametrize("model", REGRESSORS, ids=name_of)
def test_a_regressor_ends_as_if_plainly_fitted(model):
    stages = by_numbers(model, n_stages=4)
    plain = clone(seeded(model)).fit(XR, YR)
    np.testing.assert_allclose(stages.last, plain.predict(XR), rtol=1e-9, atol=1e-7)


def test_counts_of_categories_in_parts_make_the_plain_model():
    rng = np.random.RandomState(0)
    categories, y = rng.randint(4, size=(60, 3)), rng.randint(2, size=60)
    stages = by_labels(CategoricalNB(), X=categories, y=y, n_stages=6)
    plain = CategoricalNB().fit(categories, y)
    np.testing.assert_allclose(stages.last, plain.predict_proba(categories))


# --------------------------------------------------------------------------- loops by hand


def test_boosting_by_hand():
    model = GradientBoostingClassifier(n_estimators=10, random_state=0)
    stages = by_labels(model, n_stages=5)
    assert stages.steps.tolist() == [2, 4, 6, 8, 10]
    fitted = model.fit(X, LABELS)
    for step, proba in enumerate(fitted.staged_predict_proba(X), start=1):
        if step % 2 == 0:
            own = proba[np.arange(len(X)), CODES]
            np.testing.assert_allclose(stages.given[step // 2 - 1], own)


def test_a_forest_by_hand():
    model = RandomForestClassifier(10, random_state=0)
    stages = by_labels(model, n_stages=5)
    trees = [tree.predict_proba(X) for tree in model.fit(X, LABELS).estimators_]
    for stage, step in enumerate(stages.steps):
        by_hand = np.mean(trees[:step], axis=0)[np.arange(len(X)), CODES]
        np.testing.assert_allclose(stages.given[stage], by_hand)


def test_a_tree_cut_at_a_level_is_a_tree_of_that_depth():
    numbers, labels = by_numbers(DecisionTreeRegressor()), by_labels(DecisionTreeClassifier())
    for stage, depth in enumerate(numbers.steps):
        shallow = DecisionTreeRegressor(max_depth=depth, random_state=0).fit(XR, YR)
        np.testing.assert_allclose(numbers.prediction[stage], shallow.predict(XR))
    for stage, depth in enumerate(labels.steps):
        shallow = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, LABELS)
        own = shallow.predict_proba(X)[np.arange(len(X)), CODES]
        # of equally good splits, which there are near the leaves, chance takes one
        assert np.isclose(labels.given[stage], own).mean() > 0.95


def test_epochs_by_hand():
    model = SGDClassifier(loss="log_loss", random_state=3)
    stages = Evidence(X, LABELS, task="classification").stages(model, n_stages=20)
    by_hand, rng = clone(model), np.random.RandomState(3)
    for epoch in range(20):
        rows = rng.permutation(len(X))
        by_hand.partial_fit(X[rows], LABELS[rows], classes=["ant", "bee", "cow"])
        own = by_hand.predict_proba(X)[np.arange(len(X)), CODES]
        np.testing.assert_allclose(stages.given[epoch], own)


def test_a_path_by_hand_goes_from_nothing_to_the_model():
    stages = by_numbers(Ridge(alpha=2.0), n_stages=6)
    spread = np.abs(stages.prediction - YR.mean()).mean(axis=1)
    assert (np.diff(spread) > 0).all() and spread[0] < 0.2 * spread[-1]
    alphas = np.geomspace(10 * len(XR) * XR.var(axis=0).mean(), 2.0, 6)
    for stage, alpha in enumerate(alphas):
        by_hand = Ridge(alpha=alpha).fit(XR, YR).predict(XR)
        np.testing.assert_allclose(stages.prediction[stage], by_hand)


def test_the_l1_path_begins_where_all_coefficients_are_zero():
    first = by_numbers(Lasso(), n_stages=5).prediction[0]
    np.testing.assert_allclose(first, YR.mean())


def test_linear_regression_is_the_end_of_a_path_of_ridges():
    stages = by_numbers(LinearRegression(), n_stages=6)
    errors = ((stages.prediction - YR[None]) ** 2).mean(axis=1)
    assert (np.diff(errors) < 1e-9).all()  # no model fits better than least squares


def test_naive_bayes_by_hand():
    stages = by_labels(GaussianNB(), n_stages=4)
    assert stages.steps.tolist() == [30, 60, 90, 120]
    assert not np.allclose(stages.given[0], stages.given[-1])


def test_margins_become_probabilities_by_the_logistic_function():
    two = CODES < 2
    stages = by_labels(LinearSVC(C=1e-3), X=X[two], y=LABELS[two], n_stages=3)
    plain = LinearSVC(C=1e-3, random_state=0).fit(X[two], LABELS[two])
    margin = plain.decision_function(X[two])
    assert np.sqrt(np.mean(margin**2) / 4) <= 1  # none is scaled
    np.testing.assert_allclose(stages.last[:, 1], expit(margin))


def test_huge_margins_are_brought_to_unit_size_in_the_same_order():
    two = CODES < 2
    values = [
        proba
        for _, _, proba in training_stages(
            Perceptron(random_state=0), 1000 * X[two], LABELS[two], X[two] * 1000
        )
    ]
    margin = np.log(values[-1][:, 1] / values[-1][:, 0])
    assert 0.5 < np.sqrt(np.mean(margin**2)) <= 2.01


def test_lightgbm_by_hand():
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=9, verbose=-1, random_state=0)
    stages = by_labels(model, n_stages=3)
    fitted = clone(model).fit(X, LABELS)
    for stage, step in enumerate([3, 6, 9]):
        proba = fitted.predict_proba(X, num_iteration=step)
        np.testing.assert_allclose(stages.given[stage], proba[np.arange(len(X)), CODES])
    numbers = lightgbm.LGBMRegressor(n_estimators=9, verbose=-1, random_state=0)
    plain = clone(numbers).fit(XR, YR).predict(XR)
    np.testing.assert_allclose(by_numbers(numbers, n_stages=3).last, plain)


def test_xgboost_by_hand():
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=9, random_state=0)
    stages = by_labels(model, y=CODES, n_stages=3)
    fitted = clone(model).fit(X, CODES)
    for stage, step in enumerate([3, 6, 9]):
        proba = fitted.predict_proba(X, iteration_range=(0, step))
        np.testing.assert_allclose(stages.given[stage], proba[np.arange(len(X)), CODES], atol=1e-6)
    numbers = xgboost.XGBRegressor(n_estimators=9, random_state=0)
    plain = clone(numbers).fit(XR, YR).predict(XR)
    np.testing.assert_allclose(by_numbers(numbers, n_stages=3).last, plain, rtol=1e-5)


# --------------------------------------------------------------------------- how many stages


@pytest.mark.parametrize("n_stages", [1, 2, np.int64(7), 10, 50])
def test_stages_are_at_most_the_iterations(n_stages):
    model = GradientBoostingClassifier(n_estimators=10)
    stages = by_labels(model, n_stages=n_stages)
    assert len(stages.steps) == min(n_stages, 10)
    assert stages.steps[-1] == 10
    np.testing.assert_allclose(stages.progress, stages.steps / 10)


@pytest.mark.parametrize("model", [*CLASSIFIERS, *OTHER_CLASSIFIERS], ids=name_of)
def test_one_stage_is_the_end(model):
    stages = by_labels(model, n_stages=1)
    assert stages.progress.tolist() == [1.0]
    np.testing.assert_allclose(stages.last, stages.mean)


def test_a_budget_trains_only_its_share():
    model = GradientBoostingClassifier(n_estimators=20)
    part = by_labels(model, n_stages=4, budget=0.2)
    assert part.steps.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(part.progress, [0.05, 0.1, 0.15, 0.2])
    whole = by_labels(model, n_stages=20)
    np.testing.assert_allclose(part.given, whole.given[:4])


@pytest.mark.parametrize(
    ("model", "last"),
    [
        (RandomForestClassifier(20), 5),
        (SGDClassifier(), 5),
        (MLPClassifier(5, max_iter=40, tol=0, n_iter_no_change=40), 10),
        (LogisticRegression(), 5),
        (GaussianNB(), 30),
    ],
    ids=name_of,
)
def test_a_budget_of_each_way_of_training(model, last):
    stages = by_labels(model, n_stages=20, budget=0.25)
    assert stages.steps[-1] == last
    assert stages.progress[-1] == pytest.approx(0.25)


def test_a_fold_that_ends_early_repeats_its_last_stage():
    class StopsAt(HistGradientBoostingClassifier):
        """Ends its training sooner when it knows fewer rows."""

    @training_stages.register(StopsAt)
    def _(estimator, X, y, X_asked, *, n_stages=20, **others):
        for step in range(1, 4 if len(X) < 70 else 6):
            yield step, step / 5, np.full((len(X_asked), 3), [0.1 * step, 0.5, 0.5 - 0.1 * step])

    splits = [(np.arange(40, 120), np.arange(40)), (np.arange(40), np.arange(40, 120))]
    stages = by_labels(StopsAt(), cv=splits)
    assert stages.steps.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(stages.last[[0, 119], 0], [0.5, 0.3])
    np.testing.assert_allclose(stages.mean[[0, 119], 0], [0.3, (0.1 + 0.2 + 3 * 0.3) / 5])
    ant = np.flatnonzero(CODES == 0)
    ant = ant[ant >= 40][0]
    np.testing.assert_allclose(stages.given[:, ant], [0.1, 0.2, 0.3, 0.3, 0.3])


def test_early_stopping_ends_the_stages():
    model = GradientBoostingClassifier(n_estimators=200, n_iter_no_change=2, random_state=0)
    n_trained = clone(model).fit(X, LABELS).n_estimators_
    assert n_trained < 200
    stages = by_labels(model, n_stages=20)
    assert stages.steps[-1] == n_trained
    plain = clone(model).fit(X, LABELS).predict_proba(X)
    np.testing.assert_allclose(stages.last, plain)


def test_a_network_stops_by_its_own_rule():
    model = MLPClassifier(4, max_iter=500, tol=0.1, n_iter_no_change=3, random_state=0)
    n_epochs = clone(model).fit(X, LABELS).n_iter_
    stages = by_labels(model, n_stages=500)
    assert stages.progress[-1] < 1
    assert abs(stages.steps[-1] - n_epochs) <= 10  # other shuffles


# --------------------------------------------------------------------------- rows not seen


class Learner(ClassifierMixin, BaseEstimator):
    """Predicts the shares of the classes; remembers which rows it was trained on."""

    living = weakref.WeakSet()
    log: list = []
    most_alive = 0

    def __init__(self, random_state=None):
        self.random_state = random_state

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if not hasattr(self, "classes_"):
            self.classes_ = np.unique(classes)
            Learner.living.add(self)
        Learner.log.append((row_numbers(X, 120), sample_weight))
        Learner.most_alive = max(Learner.most_alive, len(Learner.living))
        self.share_ = (np.asarray(y)[:, None] == self.classes_).mean(axis=0)
        return self

    fit = partial_fit

    def predict_proba(self, X):
        return np.tile(self.share_, (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.fixture
def learner():
    Learner.log, Learner.most_alive = [], 0
    return Learner()


def test_in_sample_all_rows_are_trained_on_in_another_order_each_epoch(learner):
    stages = by_labels(learner, n_stages=3)
    assert stages.n_fits == 1
    assert len(Learner.log) == 20  # epochs
    orders = {tuple(rows) for rows, _ in Learner.log}
    assert len(orders) == 20
    assert {tuple(sorted(order)) for order in orders} == {tuple(range(120))}


def test_out_of_fold_no_row_is_judged_by_a_model_that_saw_it(learner):
    stages = by_labels(learner, n_stages=2, cv=4, random_state=0)
    assert stages.n_fits == 4
    trained = [set(rows) for rows, _ in Learner.log[::20]]
    assert [len(rows) for rows in trained] == [90] * 4
    assert not np.isnan(stages.given).any()
    left_out = [set(range(120)) - rows for rows in trained]
    assert sorted(row for rows in left_out for row in rows) == list(range(120))
    for rows in trained:  # what is said of a row is the share among the rows it does not know
        out = sorted(set(range(120)) - rows)
        share = (CODES[sorted(rows)][:, None] == np.arange(3)).mean(axis=0)
        np.testing.assert_allclose(stages.last[out], np.tile(share, (30, 1)))


def test_groups_stay_together(learner):
    groups = np.arange(120) // 10
    by_labels(learner, n_stages=2, cv=3, groups=groups, random_state=0)
    for rows, _ in Learner.log:
        out = np.setdiff1d(np.arange(120), rows)
        assert not set(groups[rows]) & set(groups[out])
    Learner.log = []
    by_labels(learner, n_stages=2, cv=GroupKFold(3), groups=groups)
    assert len(Learner.log) == 60


def test_no_model_is_kept(learner):
    stages = by_labels(learner, n_stages=5, cv=6, random_state=0)
    gc.collect()
    assert len(Learner.living) == 0
    assert Learner.most_alive <= 2  # one, and perhaps the last one that is not yet collected
    arrays = [value for value in vars(stages).values() if isinstance(value, np.ndarray)]
    assert sum(a.size for a in arrays) <= 120 * (4 * 5 + 2 * 3) + 10


def test_the_same_question_is_answered_once(learner):
    evidence = Evidence(X, LABELS, task="classification")
    first = evidence.stages(learner, n_stages=2, random_state=0)
    n_calls = len(Learner.log)
    same = {"n_stages": 2, "random_state": 0, "n_jobs": 2, "cv": None, "budget": 1.0}
    assert evidence.stages(clone(learner), **same) is first
    assert len(Learner.log) == n_calls
    assert evidence.stages(learner, n_stages=2, random_state=0, cv=3) is not first


def test_a_class_that_a_fold_never_saw():
    codes = CODES.copy()
    codes[codes == 2] = 0
    codes[[3, 100]] = 2
    splits = [(np.arange(60, 120), np.arange(60)), (np.arange(60), np.arange(60, 120))]
    without = [(np.arange(60, 99), np.arange(60)), splits[1]]
    with_class = by_labels(GaussianNB(), y=codes, cv=splits)
    stages = by_labels(GaussianNB(), y=codes, cv=without)
    assert not np.isnan(with_class.given).any()
    assert np.isnan(stages.given[:, 3]).all() and np.isnan(stages.error_norm[:, 3]).all()
    assert (stages.predicted[:, 3] == -1).all()
    assert np.isnan(stages.last[3]).all() and np.isnan(stages.mean[3]).all()
    others = np.setdiff1d(np.arange(60), [3])
    assert (stages.last[others, 2] == 0).all()
    assert not np.isnan(stages.given[:, others]).any()


def test_rows_that_no_fold_tests_and_rows_tested_twice():
    rows = np.arange(120)
    splits = [(rows[60:], rows[:40]), (rows[40:], rows[:30])]
    stages = by_numbers(Ridge(), cv=splits, n_stages=3)
    one, two = by_numbers(Ridge(), cv=splits[:1], n_stages=3), None
    two = by_numbers(Ridge(), cv=splits[1:], n_stages=3)
    both = (one.prediction[:, :30] + two.prediction[:, :30]) / 2
    np.testing.assert_allclose(stages.prediction[:, :30], both)
    np.testing.assert_allclose(stages.prediction[:, 30:40], one.prediction[:, 30:40])
    assert np.isnan(stages.prediction[:, 40:]).all() and np.isnan(stages.mean[40:]).all()


def test_sole_members_and_single_classes():
    codes = np.where(np.arange(120) == 7, 9, CODES)
    with pytest.warns(RareClassWarning):
        stages = by_labels(GaussianNB(), y=codes, cv=3, random_state=0)
    assert np.isnan(stages.given[:, 7]).all()
    assert not np.isnan(np.delete(stages.given, 7, axis=1)).any()
    for cv in (None, 3):
        stages = by_labels(LogisticRegression(), y=np.zeros(120), cv=cv)
        assert np.isnan(stages.given).all() and stages.n_fits == 0
        assert stages.given.shape == (1, 120) and stages.last.shape == (120, 1)


# --------------------------------------------------------------------------- weights and parameters


@pytest.mark.parametrize(
    "model",
    [
        GradientBoostingClassifier(n_estimators=5),
        HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5),
        RandomForestClassifier(5, bootstrap=False, max_features=None),
        DecisionTreeClassifier(),
        LogisticRegression(),
        GaussianNB(),
        SGDClassifier(loss="log_loss", average=True),
        make_pipeline(StandardScaler(with_mean=False, with_std=False), LogisticRegression()),
    ],
    ids=name_of,
)
def test_rows_of_zero_weight_teach_nothing(model):
    rng = np.random.RandomState(0)
    weight = rng.randint(0, 3, 120).astype(float)
    other = np.where(weight == 0, np.roll(LABELS, 1), LABELS)
    heavy = by_labels(model, n_stages=3, sample_weight=weight)
    same = Evidence(X, other, task="classification", sample_weight=weight).stages(
        seeded(model), n_stages=3
    )
    np.testing.assert_allclose(heavy.last, same.last, atol=1e-8)
    plain = by_labels(model, n_stages=3)
    assert not np.allclose(heavy.last, plain.last)


def test_weights_reach_partial_fit_with_their_rows(learner):
    weight = np.arange(120) + 1.0
    by_labels(learner, n_stages=2, cv=3, sample_weight=weight, random_state=0)
    for rows, given in Learner.log:
        np.testing.assert_array_equal(given, rows + 1.0)


def test_weights_by_resampling(learner):
    weight = np.where(np.arange(120) % 2, 2.0, 0.0)
    by_labels(learner, sample_weight=weight, weight_strategy="resample", random_state=0)
    for rows, given in Learner.log:
        assert given is None
        assert np.bincount(rows, minlength=120).tolist() == [0, 2] * 60


def test_a_model_without_weights_says_so():
    weight = np.ones(120)
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        by_labels(KNeighborsClassifier(), sample_weight=weight)

    class NoWeights(SGDClassifier):
        def partial_fit(self, X, y, classes=None):
            return super().partial_fit(X, y, classes)

    with pytest.raises(ValueError, match="partial_fit of NoWeights takes no sample_weight"):
        by_labels(NoWeights(), sample_weight=weight)


def test_fit_parameters_are_sliced_and_reach_the_step_they_name():
    class Needy(LogisticRegression):
        def fit(self, X, y, sample_weight=None, cost=None):
            np.testing.assert_array_equal(cost, row_numbers(X, 120))
            return super().fit(X, y, sample_weight)

    params = {"cost": np.arange(120)}
    by_labels(Needy(max_iter=300), cv=3, n_stages=2, fit_params=params, random_state=0)
    model = make_pipeline("passthrough", Needy(max_iter=300))
    params = {"needy__cost": np.arange(120)}
    by_labels(model, cv=3, n_stages=2, fit_params=params, random_state=0)
    with pytest.raises(ValueError, match="does not accept the cost parameter"):
        by_labels(model, n_stages=2, fit_params={"cost": np.arange(120)})


def test_fit_parameters_of_partial_fit_follow_their_rows():
    class Needy(SGDClassifier):
        def partial_fit(self, X, y, classes=None, cost=None):
            np.testing.assert_array_equal(cost, row_numbers(X, 120))
            return super().partial_fit(X, y, classes)

    by_labels(Needy(), cv=3, n_stages=2, fit_params={"cost": np.arange(120)}, random_state=0)


def test_weights_with_metadata_routing():
    weight = np.random.RandomState(0).randint(1, 4, 120)
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    expected = by_labels(
        LogisticRegression(), X=StandardScaler().fit_transform(X), sample_weight=weight, n_stages=3
    )
    off = by_labels(plain, sample_weight=weight, n_stages=3)
    np.testing.assert_allclose(off.last, expected.last, atol=1e-6)
    sklearn.set_config(enable_metadata_routing=True)
    with pytest.raises(ValueError, match="set_fit_request"):
        by_labels(plain, sample_weight=weight, n_stages=3)
    asks = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False),
        LogisticRegression().set_fit_request(sample_weight=True),
    )
    on = by_labels(asks, sample_weight=weight, n_stages=3)
    np.testing.assert_allclose(on.last, expected.last, atol=1e-6)
    single = by_labels(LogisticRegression(), sample_weight=weight, n_stages=3)
    without = by_labels(LogisticRegression(), n_stages=3)
    assert not np.allclose(single.last, without.last)


# --------------------------------------------------------------------------- containers, seeds


def test_sparse_and_frames():
    pd = pytest.importorskip("pandas")
    expected = by_labels(SGDClassifier(), n_stages=3)
    frame = by_labels(SGDClassifier(), X=pd.DataFrame(X).add_prefix("c"), n_stages=3)
    np.testing.assert_allclose(frame.given, expected.given)
    for model in (LogisticRegression(), LinearSVC(), GradientBoostingClassifier(n_estimators=3)):
        np.testing.assert_allclose(
            by_labels(model, X=csr_matrix(X), n_stages=3).given,
            by_labels(model, n_stages=3).given,
            atol=1e-3,
        )
    np.testing.assert_allclose(
        by_numbers(Lasso(), X=csr_matrix(XR), n_stages=3).prediction,
        by_numbers(Lasso(), n_stages=3).prediction,
        atol=0.1,
    )


def test_the_number_of_jobs_does_not_matter_and_the_seed_does():
    def stages(n_jobs, seed):
        evidence = Evidence(X, LABELS, task="classification")
        model = RandomForestClassifier(5)
        return evidence.stages(model, n_stages=3, cv=3, random_state=seed, n_jobs=n_jobs)

    one, two, other = stages(1, 0), stages(2, 0), stages(1, 1)
    np.testing.assert_array_equal(one.given, two.given)
    assert not np.array_equal(one.given, other.given)


def test_names_of_classes_do_not_matter():
    swapped = np.array(["z", "b", "a"])[CODES]
    one = by_labels(GradientBoostingClassifier(n_estimators=5), n_stages=3)
    other = by_labels(GradientBoostingClassifier(n_estimators=5), y=swapped, n_stages=3)
    np.testing.assert_allclose(one.given, other.given, atol=1e-9)
    np.testing.assert_allclose(one.last, other.last[:, ::-1], atol=1e-9)


def test_the_estimator_given_is_not_changed():
    for model in (RandomForestClassifier(5), SGDClassifier(), LogisticRegression()):
        before = model.get_params()
        by_labels(model, n_stages=2, budget=0.5)
        assert model.get_params() == {**before, "random_state": 0}
        assert not hasattr(model, "classes_")


# --------------------------------------------------------------------------- others


def test_an_unknown_estimator_is_named_with_what_to_do():
    for model in (KNeighborsClassifier(), make_pipeline(StandardScaler(), KNeighborsClassifier())):
        with pytest.raises(TypeError, match=r"KNeighborsClassifier.*register\(KNeighbors"):
            by_labels(model)
    with pytest.raises(TypeError, match="use LogisticRegression with the C"):
        by_labels(LogisticRegressionCV())
    with pytest.raises(TypeError, match="without a model"):
        by_labels(make_pipeline(StandardScaler(), "passthrough"))


def test_others_can_be_registered():
    class FewNeighbors(KNeighborsClassifier):
        pass

    @training_stages.register(FewNeighbors)
    def _(estimator, X, y, X_asked, *, n_stages=20, **others):
        for step in range(1, n_stages + 1):
            estimator.set_params(n_neighbors=2 * n_stages - 2 * step + 1).fit(X, y)
            yield step, step / n_stages, estimator.predict_proba(X_asked)

    stages = by_labels(FewNeighbors(), n_stages=4, cv=3, random_state=0)
    assert stages.steps.tolist() == [1, 2, 3, 4]
    in_sample = by_labels(make_pipeline(StandardScaler(), FewNeighbors()), n_stages=4)
    np.testing.assert_allclose(in_sample.given[-1], 1.0)  # one neighbour: the row itself


def test_an_estimator_that_starts_warm():
    """Anything with `warm_start` and `max_iter`, such as an MLP with a solver without epochs."""
    stages = by_numbers(MLPRegressor(hidden_layer_sizes=5, solver="lbfgs", max_iter=40), n_stages=4)
    assert stages.steps.tolist() == [10, 20, 30, 40]
    errors = ((stages.prediction - YR) ** 2).mean(axis=1)
    assert errors[-1] < errors[0]


def test_counts_have_a_path_too():
    rng = np.random.RandomState(0)
    counts = rng.poisson(np.exp(XR[:, 1] / 3))
    stages = by_numbers(PoissonRegressor(), y=counts, n_stages=4)
    np.testing.assert_allclose(stages.last, PoissonRegressor().fit(XR, counts).predict(XR))


@pytest.mark.parametrize(
    ("how", "message"),
    [({"n_stages": 0}, "n_stages"), ({"budget": 0.0}, "budget"), ({"budget": 1.5}, "budget")],
)
def test_wrong_parameters(how, message):
    with pytest.raises(ValueError, match=message):
        by_labels(SGDClassifier(), **how)


def test_errors_name_the_model_and_the_fold():
    with pytest.raises(ValueError) as caught:
        by_labels(GradientBoostingClassifier(learning_rate=-1), cv=KFold(2))
    assert any("GradientBoostingClassifier" in note for note in caught.value.__notes__)
    assert any("fold 1 of 2" in note for note in caught.value.__notes__)


def test_steps_that_change_the_rows():
    under_sampling = pytest.importorskip("imblearn.under_sampling")
    pipeline = pytest.importorskip("imblearn.pipeline")
    sampler = under_sampling.RandomUnderSampler(random_state=0)
    model = pipeline.make_pipeline(sampler, GaussianNB())
    stages = by_labels(model, n_stages=2)
    plain = pipeline.make_pipeline(sampler, GaussianNB()).fit(X, LABELS)
    np.testing.assert_allclose(stages.last, plain.predict_proba(X), atol=1e-6)
    with pytest.raises(ValueError, match="RandomUnderSampler makes have no sample_weight"):
        by_labels(model, n_stages=2, sample_weight=np.ones(120))


def test_weights_behind_a_transformed_target():
    X, y = make_regression(60, 3, noise=5.0, random_state=0)
    weight = np.random.RandomState(0).randint(1, 4, 60).astype(float)
    model = TransformedTargetRegressor(Ridge(), transformer=StandardScaler())
    stages = by_numbers(model, X=X, y=y, sample_weight=weight, n_stages=3)
    np.testing.assert_allclose(stages.last, model.fit(X, y, sample_weight=weight).predict(X))
