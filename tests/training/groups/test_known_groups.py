"""Groups that are known: what the worst one gains, and what holds for all methods."""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, LinearSVC

from sknoisy.datasets import make_spurious
from sknoisy.exceptions import RareClassWarning
from sknoisy.metrics import WorstGroupScorer, worst_group_accuracy
from sknoisy.training import groups as room
from sknoisy.training.groups import (
    GroupDROClassifier,
    GroupDRORegressor,
    LastStepRefitClassifier,
    LastStepRefitRegressor,
    MissingGroupReweightingClassifier,
    MissingGroupReweightingRegressor,
    ProgressiveExpansionClassifier,
    ProgressiveExpansionRegressor,
)
from sknoisy.training.groups._draws import expansion_stages, held_out_rows
from sknoisy.training.groups._group_dro import raised

from ...helpers import fits, recording

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
rare = pytest.mark.filterwarnings("ignore::sknoisy.exceptions.RareClassWarning")
LOGISTIC = LogisticRegression()
CLASSIFIERS = {
    "dro": GroupDROClassifier(LOGISTIC, max_iter=3, cv=3, random_state=0),
    "expansion": ProgressiveExpansionClassifier(LOGISTIC, expansion=1.0, cv=3, random_state=0),
    "last": LastStepRefitClassifier(LOGISTIC, n_draws=3, random_state=0),
    "missing": MissingGroupReweightingClassifier(LOGISTIC, cv=3, random_state=0),
}
REGRESSORS = {
    "dro": GroupDRORegressor(Ridge(), max_iter=3, cv=3, random_state=0),
    "expansion": ProgressiveExpansionRegressor(Ridge(), expansion=1.0, cv=3, random_state=0),
    "last": LastStepRefitRegressor(Ridge(), n_draws=3, random_state=0),
    "missing": MissingGroupReweightingRegressor(Ridge(), cv=3, random_state=0),
}
all_classifiers = pytest.mark.parametrize("model", CLASSIFIERS.values(), ids=CLASSIFIERS)
all_models = pytest.mark.parametrize(
    "model", [*CLASSIFIERS.values(), *REGRESSORS.values()], ids=lambda m: type(m).__name__
)


def data_for(model, n=300, seed=0, minority=0.15):
    task = "regression" if type(model).__name__.endswith("Regressor") else "classification"
    return make_spurious(n, task=task, minority=minority, random_state=seed)


def gains(model, base, seeds, n=3000, **how):
    """(gain of the worst group, change of the mean) for each seed; groups of 2,000 new rows."""
    out = []
    for seed in seeds:
        X, y, groups = make_spurious(n, random_state=seed, **how)
        usual = make_spurious(10_000, random_state=100 + seed, **how)
        even = make_spurious(8_000, random_state=200 + seed, **(how | {"minority": 0.5}))
        plain, fitted = clone(base).fit(X, y), clone(model).fit(X, y, groups=groups)
        scores = [
            (min(m.score(even[0][k], even[1][k]) for k in parts(even[2])), m.score(*usual[:2]))
            for m in (plain, fitted)
        ]
        out.append(np.subtract(scores[1], scores[0]))
    return np.array(out)


def parts(groups):
    return [groups == name for name in np.unique(groups)]


# ------------------------------------------------------------------ the papers' claims


@pytest.mark.parametrize(
    "model",
    [
        GroupDROClassifier(LOGISTIC, random_state=0),
        ProgressiveExpansionClassifier(LOGISTIC, random_state=0),
        LastStepRefitClassifier(LOGISTIC, random_state=0),
        LastStepRefitClassifier(make_pipeline(StandardScaler(), LOGISTIC), random_state=0),
    ],
    ids=["dro", "expansion", "last step", "last step of a pipeline"],
)
def test_the_worst_group_gains_ten_points_where_the_mean_loses_two_at_most(model):
    gain = gains(model, LOGISTIC, range(3), minority=0.015, core_noise=0.45)
    assert gain[:, 0].min() > 0.10
    assert gain[:, 1].mean() > -0.02


@pytest.mark.parametrize("kind", ["dro", "expansion", "last"])
def test_numbers_of_the_group_in_which_a_feature_misleads(kind):
    model = REGRESSORS[kind]
    gain = gains(model, Ridge(), range(3), n=1500, minority=0.05, task="regression")
    assert gain[:, 0].min() > 0.4
    assert gain[:, 1].min() > -0.12


@pytest.mark.parametrize("seed", range(3))
def test_the_average_of_rounds_nears_the_least_loss_of_the_worst_group(seed):
    """Two laws in two groups, one of them noisier: the least maximum is known by optimisation."""
    rng = np.random.RandomState(seed)
    group = (rng.rand(2000) < 0.2).astype(int)
    X = rng.randn(2000, 2)
    slope = np.where(group[:, None], [1.0, -1.0], [1.0, 1.0])
    y = (slope * X).sum(axis=1) + np.where(group, 0.3, 1.0) * rng.randn(2000)

    def worst(coef):
        return max(np.mean((y - X @ coef)[k] ** 2) for k in parts(group))

    best = minimize(worst, [1.0, 0.0], method="Nelder-Mead").fun
    line = LinearRegression(fit_intercept=False)
    found = {}
    for eta in (0.0, 1.0):
        model = GroupDRORegressor(line, eta=eta, max_iter=30, tol=0.0, random_state=0)
        found[eta] = worst(model.fit(X, y, groups=group).estimator_.coef_)
    assert found[1.0] < 1.05 * best
    assert found[1.0] < found[0.0]
    assert worst(line.fit(X, y).coef_) > 1.3 * best


def test_an_adjustment_favours_the_small_group():
    X, y, groups = make_spurious(1000, minority=0.05, random_state=0)
    weight = [
        GroupDROClassifier(LOGISTIC, adjustment=c, random_state=0)
        .fit(X, y, groups=groups)
        .group_weight_[[1, 2]]
        .sum()
        for c in (0.0, 5.0)
    ]
    assert weight[1] > weight[0] + 0.05


@pytest.mark.parametrize(
    "base",
    [
        make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)),
        MLPClassifier((8,), learning_rate_init=0.01, max_iter=50, random_state=0),
        GradientBoostingClassifier(n_estimators=40, random_state=0),
        RandomForestClassifier(40, min_samples_leaf=3, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_models_that_go_on_gain_as_well(base):
    model = ProgressiveExpansionClassifier(base, cv=3, random_state=0)
    gain = gains(model, base, range(2), n=1500, minority=0.02)
    assert gain[:, 0].min() > 0.03
    assert gain[:, 0].mean() > 0.08
    assert gain[:, 1].mean() > -0.05


@pytest.mark.parametrize(
    ("base", "least"),
    [
        (make_pipeline(StandardScaler(), PolynomialFeatures(2), LOGISTIC), 0.08),
        (RandomForestClassifier(30, min_samples_leaf=3, random_state=0), 0.05),
        (GradientBoostingClassifier(n_estimators=30, random_state=0), 0.05),
        (MLPClassifier((16,), max_iter=100, random_state=0), 0.05),
    ],
    ids=["steps", "leaves", "leaves of boosting", "hidden"],
)
def test_what_is_kept_of_a_model_suffices(base, least):
    model = LastStepRefitClassifier(base, random_state=0)
    gain = gains(model, base, range(2), minority=0.02)
    assert gain[:, 0].min() > least
    assert gain[:, 1].mean() > -0.04


# ------------------------------------------------------------------ parts


def test_exponentiated_gradient():
    q = raised(np.array([0.5, 0.5]), np.array([1.0, 0.0]), 1.0)
    np.testing.assert_allclose(q, [np.e / (np.e + 1), 1 / (np.e + 1)])
    np.testing.assert_allclose(raised(q, np.array([3.0, 3.0]), 2.0), q)


def test_stages_begin_balanced_and_draw_evenly():
    groups = np.repeat([0, 1, 2], [100, 30, 10])
    labels = np.arange(140) % 2
    stage = expansion_stages(groups, 6, np.random.RandomState(0), labels)
    counts = [np.bincount(groups[stage <= s], minlength=3) for s in range(stage.max() + 1)]
    assert counts[0].tolist() == [10, 10, 10]
    assert np.bincount(labels[stage == 0]).tolist() == [15, 15]
    assert counts[1].tolist() == [13, 13, 10]
    assert counts[-1].tolist() == [100, 30, 10]
    assert (np.diff(np.sum(counts, axis=1)) <= 6).all()
    grown = expansion_stages(groups, 0.5, np.random.RandomState(0), labels)
    sizes = np.cumsum(np.bincount(grown))
    assert sizes[0] == 30 and (sizes[1:] <= 1.5 * sizes[:-1] + 3).all()


def test_rows_of_no_weight_come_last():
    groups, weight = np.repeat([0, 1], [50, 20]), np.ones(70)
    weight[::2] = 0
    stage = expansion_stages(groups, 10, np.random.RandomState(0), weight=weight)
    first = stage == 0
    assert weight[first & (groups == 0)].all()
    assert first[groups == 1].all()


def test_each_group_has_its_share_held_out():
    groups = np.repeat([0, 1, -1], [40, 10, 30])
    labels = np.arange(80) % 2
    mask = held_out_rows(groups, 0.5, np.random.RandomState(0), labels)
    assert [mask[groups == g].sum() for g in (0, 1, -1)] == [20, 5, 0]
    assert np.bincount(labels[mask & (groups == 0)]).tolist() == [10, 10]


def test_weights_give_each_group_its_share():
    X, y, groups = make_spurious(400, minority=0.1, random_state=0)
    given = np.random.RandomState(0).uniform(0.5, 2, 400)
    base, calls = recording(LogisticRegression())
    model = GroupDROClassifier(base, max_iter=3, cv=3, random_state=0)
    model.fit(X, y, groups=groups, sample_weight=given)
    last = fits(calls)[-1].sample_weight
    np.testing.assert_allclose(last, given * model.sample_weight_)
    np.testing.assert_allclose(np.bincount(groups, last) / last.sum(), model.group_weight_)
    assert model.loss_curve_.shape == (model.n_iter_,)
    np.testing.assert_array_equal(model.loss_curve_, model.group_loss_curve_.max(axis=1))
    np.testing.assert_allclose(model.group_weight_curve_.mean(axis=0), model.group_weight_)


def test_without_a_step_groups_weigh_the_same():
    X, y, groups = make_spurious(400, minority=0.1, random_state=0)
    model = GroupDROClassifier(LOGISTIC, eta=0.0, random_state=0).fit(X, y, groups=groups)
    np.testing.assert_allclose(model.group_weight_, 0.25)
    assert model.n_iter_ == 1
    weight = 1.0 / np.bincount(groups)[groups]
    peer = LogisticRegression().fit(X, y, sample_weight=weight * 400 / weight.sum())
    np.testing.assert_allclose(model.estimator_.coef_, peer.coef_, rtol=1e-6)


def test_the_last_step_is_a_mean_over_balanced_draws():
    X, y, groups = make_spurious(600, minority=0.1, random_state=0)
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    model = LastStepRefitClassifier(pipe, n_draws=4, random_state=0).fit(X, y, groups=groups)
    for rows in model.draws_:
        assert model.held_out_[rows].all()
        assert len(set(np.bincount(groups[rows]))) == 1
    scaler, last = model.estimator_[0], model.estimator_[-1]
    np.testing.assert_allclose(scaler.mean_, X[~model.held_out_].mean(axis=0))
    Z = scaler.transform(X)
    coefs = [LogisticRegression().fit(Z[rows], y[rows]).coef_ for rows in model.draws_]
    np.testing.assert_allclose(last.coef_, np.mean(coefs, axis=0), rtol=1e-6)


@pytest.mark.parametrize(
    ("last", "answer"),
    [
        (RandomForestClassifier(10, random_state=0), "predict_proba"),
        (KNeighborsClassifier(), "predict_proba"),
        (LinearSVC(), "decision_function"),
        (SVC(kernel="linear"), "decision_function"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_last_steps_of_any_kind_are_averaged(last, answer):
    X, y, groups = make_spurious(400, minority=0.2, random_state=0)
    names = np.array(["no", "yes"])[y]
    pipe = make_pipeline(StandardScaler(), last)
    model = LastStepRefitClassifier(pipe, n_draws=3, random_state=0).fit(X, names, groups=groups)
    assert model.score(X, names) > 0.85
    assert len(getattr(model, answer)(X)) == 400
    assert hasattr(model, "predict_proba") == (answer == "predict_proba")


def test_a_model_of_which_nothing_can_be_kept_learns_from_the_balanced_draws():
    base = HistGradientBoostingClassifier(max_iter=20, random_state=0)
    model = LastStepRefitClassifier(base, n_draws=5, random_state=0)
    gain = gains(model, base, range(2), minority=0.02)
    assert gain[:, 0].min() > 0.03
    X, y, groups = make_spurious(500, minority=0.1, random_state=0)
    assert model.fit(X, y, groups=groups).held_out_.all()
    model.set_params(representation="response").fit(X, y, groups=groups)
    assert model.estimator_[0].transform(X).shape == (500, 1)


def test_means_of_forests_for_numbers():
    X, y, groups = make_spurious(400, task="regression", minority=0.2, random_state=0)
    forest = RandomForestRegressor(10, random_state=0)
    pipe = make_pipeline(StandardScaler(), forest)
    model = LastStepRefitRegressor(pipe, n_draws=2, random_state=0).fit(X, y, groups=groups)
    assert model.score(X, y) > 0.6
    assert LastStepRefitRegressor(forest, random_state=0).fit(X, y, groups=groups).score(X, y) > 0


def test_groups_of_some_rows_are_enough_for_the_last_step():
    X, y, groups = make_spurious(2000, minority=0.05, random_state=0)
    names = np.array([f"group {g}" for g in groups], dtype=object)
    names[:1000] = None
    pipe = make_pipeline(StandardScaler(), PolynomialFeatures(2), LOGISTIC)
    model = LastStepRefitClassifier(pipe, random_state=0).fit(X, y, groups=names)
    assert not model.held_out_[:1000].any()
    X_new, y_new, g_new = make_spurious(8000, minority=0.5, random_state=1)
    worst = [
        worst_group_accuracy(y_new, m.predict(X_new), groups=g_new) for m in (pipe.fit(X, y), model)
    ]
    assert worst[1] > worst[0] + 0.02


# ------------------------------------------------------------------ how groups are told


@all_models
def test_groups_by_column_callable_or_argument_are_the_same(model):
    X, y, groups = data_for(model)
    table = pd.DataFrame(X, columns=list("abcde")).assign(side=groups)
    told = clone(model).fit(table, y, groups=groups)
    for by in ("side", _side):
        same = clone(model).set_params(by=by).fit(table, y)
        np.testing.assert_array_equal(same.predict(table), told.predict(table))
    with_both = clone(model).set_params(by=_none).fit(table, y, groups=groups)
    np.testing.assert_array_equal(with_both.predict(table), told.predict(table))


def _side(X):
    return X["side"]


def _none(X):
    raise AssertionError("groups were given")


@all_models
def test_nobody_says_the_groups(model):
    X, y, _ = data_for(model, n=60)
    with pytest.raises(ValueError, match="needs to know the groups: call fit"):
        clone(model).fit(X, y)
    with pytest.raises(ValueError, match="by names the column 'side'"):
        clone(model).set_params(by="side").fit(X, y)
    with pytest.raises(ValueError, match=r"no table with one: \['a', 'b'\]"):
        clone(model).set_params(by="side").fit(pd.DataFrame(X[:, :2], columns=["a", "b"]), y)
    with pytest.raises(ValueError, match=r"groups gives an array of shape \(60, 2\)"):
        clone(model).fit(X, y, groups=np.zeros((60, 2)))
    with pytest.raises(ValueError, match="groups gives 59 labels, and X has 60 rows"):
        clone(model).fit(X, y, groups=np.zeros(59))
    with pytest.raises(ValueError, match="groups must have one name for each row"):
        clone(model).fit(X, y, groups="side")
    assert not hasattr(model, "estimator_")


@pytest.mark.parametrize("kind", ["dro", "expansion"])
def test_a_row_without_a_group_is_named(kind):
    X, y, groups = make_spurious(100, minority=0.3, random_state=0)
    names = groups.astype(float)
    names[[7, 9]] = np.nan
    with pytest.raises(ValueError, match="groups is missing in 2 rows, first in row 7"):
        CLASSIFIERS[kind].fit(X, y, groups=names)


@pytest.mark.parametrize("kind", ["last", "missing"])
def test_no_group_is_known(kind):
    X, y, _ = make_spurious(50, random_state=0)
    with pytest.raises(ValueError, match="groups tells the group of no row"):
        CLASSIFIERS[kind].fit(X, y, groups=[None] * 50)


@pytest.mark.parametrize("kind", ["dro", "expansion", "last"])
def test_classes_of_a_group_count_as_groups(kind):
    X, y, groups = make_spurious(400, minority=0.1, random_state=0)
    model = clone(CLASSIFIERS[kind])
    crossed = model.fit(X, y, groups=groups).predict_proba(X)
    by_label = clone(model).set_params(by_label=True).fit(X, y, groups=groups % 2)
    assert list(by_label.groups_) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert np.abs(by_label.predict_proba(X) - crossed).mean() < 0.05


@all_models
def test_one_group_is_enough(model):
    X, y, _ = data_for(model)
    fitted = clone(model).fit(X, y, groups=np.zeros(len(y)))
    plain = clone(model.estimator).fit(X, y)
    np.testing.assert_allclose(fitted.predict(X), plain.predict(X), atol=0.2)


def test_folds_have_their_share_of_each_group_and_class():
    X, y, groups = make_spurious(400, minority=0.1, random_state=0)
    base, calls = recording(LogisticRegression())
    GroupDROClassifier(base, max_iter=1, cv=4, random_state=0).fit(X, y, groups=groups)
    of_row = {tuple(row): g for row, g in zip(X, groups, strict=True)}
    for call in fits(calls)[:4]:
        counts = np.bincount([of_row[tuple(row)] for row in call.X])
        assert np.abs(counts - 0.75 * np.bincount(groups)).max() <= 1


def test_few_rows_of_a_group_are_said_so():
    X, y, groups = make_spurious(100, minority=0.3, random_state=0)
    groups = np.where(np.arange(100) < 2, 9, groups)
    with pytest.warns(RareClassWarning, match="9, label"):
        GroupDROClassifier(LOGISTIC, random_state=0).fit(X, y, groups=groups)


# ------------------------------------------------------------------ what holds for all


@all_models
def test_same_seed_same_result_for_any_number_of_jobs(model):
    X, y, groups = data_for(model)
    with parallel_config("threading"):
        one, two = (clone(model).set_params(n_jobs=n).fit(X, y, groups=groups) for n in (1, 2))
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(again.predict(X), one.predict(X))


@pytest.mark.parametrize("kind", ["dro", "missing"])
def test_names_and_order_do_not_matter(kind):
    X, y, groups = make_spurious(400, minority=0.2, random_state=0)
    folds = [(np.flatnonzero(np.arange(400) % 3 != k), np.arange(k, 400, 3)) for k in range(3)]
    model = clone(CLASSIFIERS[kind]).set_params(cv=folds)
    one = model.fit(X, y, groups=groups).predict_proba(X)
    order = np.random.RandomState(1).permutation(400)
    place = np.argsort(order)
    moved = [(np.sort(place[a]), np.sort(place[b])) for a, b in folds]
    names = np.array(["d", "b", "a", "c"])[groups]
    labels = np.array(["b", "a"])[y]
    other = clone(model).set_params(cv=moved).fit(X[order], labels[order], groups=names[order])
    np.testing.assert_allclose(other.predict_proba(X)[:, ::-1], one, atol=1e-3)


@all_classifiers
def test_tables_texts_and_sparse_rows_go_through(model):
    X, y, groups = make_spurious(200, minority=0.3, random_state=0)
    labels = np.array(["no", "yes"])[y]
    table = pd.DataFrame({"color": np.where(X[:, 0] > 0, "red", "blue"), "spot": X[:, 1]})
    table.loc[::9, "color"] = None
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["color"]), remainder="passthrough"
    )
    texts = [f"{'good' if a > 0 else 'bad'} {'left' if b > 0 else 'right'}" for a, b in X[:, :2]]
    for rows, first in ((table, encode), (texts, CountVectorizer()), (csr_matrix(X), None)):
        base = LogisticRegression() if first is None else make_pipeline(first, LogisticRegression())
        fitted = clone(model).set_params(estimator=base).fit(rows, labels, groups=groups)
        assert fitted.score(rows, labels) > 0.8
        assert list(fitted.classes_) == ["no", "yes"]


@pytest.mark.parametrize("kind", ["dro", "missing"])
def test_models_without_weights(kind):
    X, y, groups = make_spurious(300, minority=0.2, random_state=0)
    model = clone(CLASSIFIERS[kind]).set_params(estimator=KNeighborsClassifier())
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        model.fit(X, y, groups=groups)
    if kind == "missing":  # its own models take weights
        model.set_params(group_model=LogisticRegression(), missing_model=LogisticRegression())
    model.set_params(weight_strategy="resample").fit(X, y, groups=groups)
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("kind", ["expansion", "last"])
@pytest.mark.parametrize(
    "base", [KNeighborsClassifier(), MLPClassifier((4,), max_iter=20, random_state=0)]
)
def test_weights_of_the_user_are_not_lost(kind, base):
    X, y, groups = make_spurious(300, minority=0.2, random_state=0)
    given = np.random.RandomState(0).randint(1, 3, 300)
    model = clone(CLASSIFIERS[kind]).set_params(estimator=base)
    model.fit(X, y, groups=groups)
    if isinstance(base, KNeighborsClassifier):
        with pytest.raises(ValueError, match="takes no sample_weight, but sample_weight was given"):
            clone(model).fit(X, y, groups=groups, sample_weight=given)
        model.set_params(weight_strategy="resample").fit(X, y, groups=groups, sample_weight=given)
    assert model.score(X, y) > 0.5


def test_weights_reach_each_stage_and_each_last_step():
    X, y, groups = make_spurious(300, minority=0.2, random_state=0)
    given = np.random.RandomState(0).uniform(1, 2, 300)
    of_row = {tuple(row): w for row, w in zip(X, given, strict=True)}
    for kind in ("expansion", "last"):
        base, calls = recording(LogisticRegression())
        model = clone(CLASSIFIERS[kind]).set_params(estimator=base)
        model.fit(X, y, groups=groups, sample_weight=given)
        for call in fits(calls):
            np.testing.assert_array_equal(call.sample_weight, [of_row[tuple(r)] for r in call.X])


@rare
def test_all_stages_of_a_model_that_goes_on_know_all_classes():
    rng = np.random.RandomState(0)
    X = rng.randn(300, 3)
    y = np.where(np.arange(300) % 60 == 0, "rare", np.where(X[:, 0] > 0, "a", "b"))
    groups = np.where(np.arange(300) < 6, "small", "large")
    for base in (LOGISTIC, SGDClassifier(loss="log_loss"), HistGradientBoostingClassifier()):
        model = ProgressiveExpansionClassifier(base, cv=2, random_state=0)
        model.fit(X, y, groups=groups)
        assert list(model.classes_) == ["a", "b", "rare"]
        assert model.predict_proba(X).shape == (300, 3)


def test_all_rows_come_where_no_stage_can_be_judged():
    X, y, _ = make_spurious(60, random_state=0)
    groups = np.where(np.arange(60) == 0, "alone", "others")
    with pytest.warns(RareClassWarning):
        model = ProgressiveExpansionClassifier(LOGISTIC, random_state=0).fit(X, y, groups=groups)
    assert len(model.sample_indices_) == 60


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LastStepRefitClassifier(LOGISTIC, representation="steps", by=_side), "is no Pipeline"),
        (LastStepRefitClassifier(LOGISTIC, representation="leaves", by=_side), "models with `appl"),
        (GroupDROClassifier(LOGISTIC, eta=-1.0, by=_side), "'eta' parameter"),
        (GroupDROClassifier(Ridge(), by=_side), "needs a classifier, got Ridge"),
        (ProgressiveExpansionClassifier(LOGISTIC, expansion=0, by=_side), "'expansion' parameter"),
        (LastStepRefitClassifier(LOGISTIC, held_out=1.0, by=_side), "'held_out' parameter"),
        (MissingGroupReweightingClassifier(LOGISTIC, min_propensity=0.0, by=_side), "'min_prop"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_refused(model, message):
    X, y, _ = make_spurious(40, random_state=0)
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(pd.DataFrame(X).assign(side=y), y)


# ------------------------------------------------------------------ routing and searches


@all_models
def test_groups_are_routed(model):
    X, y, groups = data_for(model)
    with config_context(enable_metadata_routing=True):
        base = clone(model.estimator).set_fit_request(sample_weight=True)
        routed = clone(model).set_params(estimator=base).set_fit_request(sample_weight=True)
        pipe = make_pipeline(PolynomialFeatures(1), routed)
        pipe.fit(X, y, groups=groups, sample_weight=np.ones(len(y)))
        search = GridSearchCV(routed, {"random_state": [0, 1]}, cv=2)
        search.fit(X, y, groups=groups)
    assert pipe.score(X, y) > 0.5 and search.score(X, y) > 0.5


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")
def test_a_search_by_the_worst_group():
    X, y, groups = make_spurious(800, minority=0.05, random_state=0)
    table = pd.DataFrame(X, columns=list("abcde")).assign(side=groups % 2)
    search = GridSearchCV(
        GroupDROClassifier(LOGISTIC, by="side", by_label=True, max_iter=2, random_state=0),
        {"estimator__C": [1e-4, 1.0], "eta": [0.0, 1.0]},
        scoring=WorstGroupScorer("accuracy", by="side", by_label=True),
        cv=3,
    )
    search.fit(table, y)
    assert search.best_params_["estimator__C"] == 1.0
    with pytest.raises(ValueError, match="GridSearchCV without metadata routing"):
        GridSearchCV(GroupDROClassifier(LOGISTIC), {"eta": [0.0, 1.0]}, error_score="raise").fit(
            X, y, groups=groups
        )


def test_a_search_that_hands_groups_to_fit_and_score():
    X, y, groups = make_spurious(600, minority=0.1, random_state=0)
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(worst_group_accuracy).set_score_request(groups=True)
        model = GroupDROClassifier(
            LogisticRegression().set_fit_request(sample_weight=True), max_iter=2, random_state=0
        )
        search = GridSearchCV(model, {"eta": [0.0, 1.0]}, scoring=scorer, cv=3)
        search.fit(X, y, groups=groups)
    assert 0.5 < search.best_score_ <= 1.0


def test_every_class_of_the_room_is_tested_here():
    tested = {type(m).__name__ for m in [*CLASSIFIERS.values(), *REGRESSORS.values()]}
    assert tested == set(room.__all__)
