"""Metrics of groups: the worst one, what is left of them, what a treatment did to each."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
)
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    ReweightClassifier,
    RobustClassifier,
)
from sknoisy.datasets import make_spurious, symmetric_noise
from sknoisy.detection import ConfidentLearning
from sknoisy.exceptions import UnevenRemovalWarning
from sknoisy.metrics import (
    WorstGroupScorer,
    group_mmd,
    group_report,
    worst_group_accuracy,
    worst_group_r2,
    worst_group_score,
)
from sknoisy.metrics._group_report import uneven_shares
from sknoisy.training.groups import GroupDROClassifier

# ------------------------------------------------------------------ the worst group


def test_the_worst_is_the_least_over_groups():
    rng = np.random.RandomState(0)
    y, said, groups = rng.randint(2, size=(3, 200))
    names = np.array(["a", "b"], dtype=object)[groups]
    each = [accuracy_score(y[groups == g], said[groups == g]) for g in (0, 1)]
    assert worst_group_accuracy(y, said, groups=names) == min(each)
    cells = [(groups == g) & (y == k) for g in (0, 1) for k in (0, 1)]
    by_label = [accuracy_score(y[c], said[c]) for c in cells]
    assert worst_group_accuracy(y, said, groups=names, by_label=True) == min(by_label)
    u, v = rng.normal(size=(2, 200))
    each = [r2_score(u[groups == g], v[groups == g]) for g in (0, 1)]
    assert worst_group_r2(u, v, groups=names) == pytest.approx(min(each))
    each = [mean_absolute_error(u[groups == g], v[groups == g]) for g in (0, 1)]
    how = {"metric": mean_absolute_error, "greater_is_better": False}
    assert worst_group_score(u, v, groups=names, **how) == pytest.approx(max(each))


def test_probabilities_and_weights_go_to_the_metric():
    rng = np.random.RandomState(0)
    y, groups = np.arange(100) % 2, np.arange(100) // 50
    proba = rng.dirichlet([1, 1], 100)
    weight = rng.randint(1, 3, 100)
    found = worst_group_score(
        y, proba, groups=groups, metric=log_loss, sample_weight=weight, greater_is_better=False
    )
    rows = [groups == g for g in (0, 1)]
    each = [log_loss(y[r], proba[r], sample_weight=weight[r]) for r in rows]
    assert found == pytest.approx(max(each))


def test_missing_names_are_a_group():
    groups = pd.Series(["a", None, "a", None])
    assert worst_group_accuracy([0, 1, 0, 1], [0, 0, 0, 0], groups=groups) == 0.0


def test_groups_without_a_score_are_left_out():
    with pytest.warns(UndefinedMetricWarning, match=r"1 of 2 groups, first for 'b' \(1 rows\)"):
        score = worst_group_r2([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], groups=["a", "a", "b"])
    assert score == 1.0
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(worst_group_r2([1.0, 2.0], [1.0, 2.0], groups=["a", "b"]))


def test_weights_are_checked_and_groups_of_none_left_out():
    y, predicted, groups = [0, 1, 1, 0], [0, 1, 1, 1], ["a", "a", "b", "b"]
    how = {"groups": groups, "sample_weight": [1, 1, 0, 0]}
    with pytest.warns(UndefinedMetricWarning, match="first for 'b' .2 rows.: they are left out"):
        assert worst_group_accuracy(y, predicted, **how) == 1.0
    with pytest.raises(ValueError, match="Negative values in sample_weight, first in row 1"):
        worst_group_accuracy(y, predicted, groups=groups, sample_weight=[1, -1, 1, 1])
    with pytest.raises(ValueError, match="shape"):
        worst_group_accuracy(y, predicted, groups=groups, sample_weight=[1, 1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        worst_group_accuracy(y, [*predicted, 1], groups=groups)


@pytest.mark.parametrize("groups", [[0, 1], [0, 1, 0, 1]])
def test_as_many_groups_as_rows(groups):
    with pytest.raises(ValueError, match="X has 3 rows"):
        worst_group_accuracy([0, 1, 1], [0, 1, 1], groups=groups)


def first(X):
    return np.asarray(X)[:, 0] > 0


@pytest.mark.parametrize("metric", ["accuracy", accuracy_score, make_scorer(accuracy_score)])
def test_a_scorer_that_reads_groups_from_X(metric):
    X, y, groups = make_spurious(400, minority=0.2, random_state=0)
    table = pd.DataFrame(X, columns=list("abcde")).assign(side=groups)
    model = LogisticRegression().fit(table, y)
    wanted = worst_group_accuracy(y, model.predict(table), groups=groups)
    scorer = pickle.loads(pickle.dumps(WorstGroupScorer(metric, by="side")))
    assert scorer(model, table, y) == wanted
    assert scorer(model, table, pd.Series(y, index=np.arange(400) + 7)) == wanted
    by_label = WorstGroupScorer(metric, by=first, by_label=True)
    wanted = worst_group_accuracy(y, model.predict(table), groups=first(table), by_label=True)
    assert by_label(model, table, y) == wanted
    search = clone(GridSearchCV(model, {"C": [0.1, 1.0]}, scoring=scorer)).fit(table, y)
    assert 0 < search.best_score_ <= 1


def test_scorers_of_losses_and_numbers():
    X, y, groups = make_spurious(400, task="regression", minority=0.2, random_state=0)
    model = Ridge().fit(X, y)
    scorer = WorstGroupScorer("neg_mean_squared_error", by=_by_the_features)
    rows = [_by_the_features(X) == g for g in (0, 1)]
    each = [-mean_squared_error(y[r], model.predict(X[r])) for r in rows]
    assert scorer(model, X, y) == pytest.approx(min(each))
    scores = cross_validate(model, X, y, scoring={"worst": scorer, "r2": "r2"}, cv=3)
    assert (scores["test_worst"] < 0).all()


def _by_the_features(X):
    return (X[:, 0] * X[:, 1] > 0).astype(int)


def test_probabilities_of_groups_that_lack_a_class():
    """With `by_label` each does, and the columns of the probabilities are all the same."""
    X, y, groups = make_spurious(300, random_state=0)
    model = LogisticRegression().fit(X, y)
    scorer = WorstGroupScorer("neg_log_loss", by=lambda _: groups, by_label=True)
    loss = -np.log(model.predict_proba(X)[np.arange(300), y])
    worst = pd.Series(loss).groupby([groups, y]).mean().max()
    assert scorer(model, X, y) == pytest.approx(-worst)


def test_a_scorer_that_cannot_know():
    with pytest.raises(ValueError, match="needs by"):
        WorstGroupScorer("accuracy")
    with pytest.raises(ValueError, match="acuracy"):
        WorstGroupScorer("acuracy", by="side")
    X, y, _ = make_spurious(40, random_state=0)
    with pytest.raises(ValueError, match="names the column 'side'"):
        WorstGroupScorer(by="side")(LogisticRegression().fit(X, y), X, y)


# ------------------------------------------------------------------ what is left of a group


def test_discrepancy_by_its_definition():
    rng = np.random.RandomState(0)
    a, b = rng.normal(size=30), rng.normal(1.0, size=20)
    score, names = np.append(a, b), np.repeat(["a", "b"], [30, 20])

    def kernel(u, v):
        return np.exp(-((u[:, None] - v) ** 2) / 2)

    own = [(k.sum() - len(k)) / (len(k) * (len(k) - 1)) for k in (kernel(a, a), kernel(b, b))]
    wanted = sum(own) - 2 * kernel(a, b).mean()
    assert group_mmd(score, names, bandwidth=1.0) == pytest.approx(wanted)
    member = np.column_stack([names == "a", names == "b"]).astype(float)
    assert group_mmd(score, member, bandwidth=1.0) == pytest.approx(wanted)
    twice = group_mmd(score, names, sample_weight=np.full(50, 2.0), bandwidth=1.0)
    assert twice == pytest.approx(wanted)


def test_discrepancy_has_no_bias_where_nothing_is_left():
    rng = np.random.RandomState(0)
    found = [group_mmd(rng.normal(size=60), np.arange(60) % 3) for _ in range(200)]
    pairs = [group_mmd(rng.normal(size=60), np.arange(60) % 2) for _ in range(200)]
    assert abs(np.mean(pairs)) < 0.005
    assert np.mean(found) > np.mean(pairs)  # the largest of three


def test_many_rows_are_drawn_from_and_unknown_ones_left_out():
    rng = np.random.RandomState(0)
    group = rng.randint(2, size=20_000).astype(float)
    score = np.column_stack([group + rng.normal(size=20_000), rng.normal(size=20_000)])
    some = [group_mmd(score, group, max_rows=n, random_state=0) for n in (2000, 4000)]
    assert some[0] == pytest.approx(some[1], rel=0.2)
    group[:10_000] = np.nan
    rest = group_mmd(score[10_000:], group[10_000:], max_rows=2000, random_state=0)
    assert group_mmd(score, group, max_rows=2000, random_state=0) == pytest.approx(rest, rel=0.2)
    assert np.isnan(group_mmd(score[:50], np.zeros(50)))
    with pytest.raises(ValueError, match="membership has 3 rows, and y_score has 50"):
        group_mmd(score[:50], [0, 1, 1])


# ------------------------------------------------------------------ what was done to each


def misled(seed=0):
    return make_spurious(2000, minority=0.04, core_noise=0.7, random_state=seed)


@pytest.mark.parametrize(
    "model",
    [
        FilterClassifier(LogisticRegression(), contamination=0.05, random_state=0),
        ReweightClassifier(LogisticRegression(), contamination=0.05, random_state=0),
        RelabelClassifier(LogisticRegression(), contamination=0.05, random_state=0),
        ConfidentLearning(LogisticRegression(), contamination=0.05, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_treatment_that_takes_the_minority_for_noise_says_so(model):
    X, y, groups = misled()
    fitted = model.fit(X, y)
    with pytest.warns(UnevenRemovalWarning, match=rf"{type(model).__name__} removes \d\d.*group"):
        report = group_report(fitted, groups)
    assert report["uneven"].to_dict() == {0: False, 1: True, 2: True, 3: False}
    assert report.index[0] in (1, 2)
    assert report["removed"].sum() == fitted.noise_mask_.sum()
    assert report["rows"].sum() == 2000
    assert (report["times_others"] >= 3).equals(report["uneven"])


def test_even_noise_gives_no_warning():
    X, y, groups = make_spurious(2000, minority=0.5, random_state=0)
    noisy, _ = symmetric_noise(y, 0.2, random_state=0)
    model = RobustClassifier(LogisticRegression(), random_state=0).fit(X, noisy)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnevenRemovalWarning)
        report = group_report(model, groups)
    assert not report["uneven"].any()


def test_chance_is_allowed_for():
    """Even shares of small groups: a warning in a twentieth of the draws at most."""
    rng = np.random.RandomState(0)
    rows = np.array([8, 20, 40, 400])
    draws = [uneven_shares(rng.binomial(rows, 0.1), rows, 3.0, 0.05)[1].any() for _ in range(500)]
    assert np.mean(draws) <= 0.05
    _, uneven = uneven_shares(np.array([1, 0]), np.array([2, 5]), 3.0, 0.05)
    assert not uneven.any()
    _, uneven = uneven_shares(np.array([30, 10, 10]), np.array([100, 100, 100]), 3.0, 0.05)
    assert uneven.tolist() == [True, False, False]
    _, uneven = uneven_shares(np.array([290, 100]), np.array([1000, 1000]), 3.0, 0.05)
    assert not uneven.any()  # clear, but not three times as often
    _, uneven = uneven_shares(np.array([290, 100]), np.array([1000, 1000]), 2.0, 0.05)
    assert uneven.tolist() == [True, False]


def test_losses_and_weights_of_groups():
    X, y, groups = make_spurious(600, minority=0.1, random_state=0)
    model = GroupDROClassifier(LogisticRegression(), random_state=0).fit(X, y, groups=groups)
    report = group_report(model, groups).sort_index()
    np.testing.assert_allclose(report["loss"], model.group_loss_)
    total = report["weight"] * report["rows"]
    np.testing.assert_allclose(total / total.sum(), model.group_weight_)
    fitted = group_report(model, groups, X, y).sort_index()
    proba = model.predict_proba(X)
    mine = groups == 1
    assert fitted["loss"][1] == pytest.approx(log_loss(y[mine], proba[mine], labels=[0, 1]))
    assert not fitted["uneven"].any() and (fitted["removed"] == 0).all()


def test_numbers_pipelines_and_groups_told_by_X():
    X, y, groups = make_spurious(400, task="regression", minority=0.2, random_state=0)
    table = pd.DataFrame(X, columns=list("abcde")).assign(side=np.where(groups, "b", "a"))
    pipe = make_pipeline(StandardScaler(), FilterRegressor(Ridge(), contamination=0.1))
    pipe.fit(table.drop(columns="side"), y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnevenRemovalWarning)
        report = group_report(pipe, "side", table)
        same = group_report(pipe, table["side"])
        called = group_report(pipe, _side, table)
    pd.testing.assert_frame_equal(report, same)
    pd.testing.assert_frame_equal(report, called)
    kept = 1 - pipe[-1].noise_mask_
    assert report["weight"]["a"] == pytest.approx(kept[groups == 0].mean())


def _side(X):
    return X["side"]


def test_reports_that_cannot_be():
    X, y, groups = make_spurious(100, random_state=0)
    model = FilterClassifier(LogisticRegression(), random_state=0).fit(X, y)
    with pytest.raises(TypeError, match="LogisticRegression has neither noise_mask_"):
        group_report(LogisticRegression().fit(X, y), groups)
    with pytest.raises(ValueError, match="groups has 99 rows, and fit got 100"):
        group_report(model, groups[:99])
    with pytest.raises(ValueError, match="groups is told by X"):
        group_report(model, "side")
    with pytest.raises(ValueError, match="y has 99 rows, and fit got 100"):
        group_report(model, groups, X, y[:99])
    with pytest.raises(ValueError, match="'times' parameter of group_report"):
        group_report(model, groups, times=0.5)


def test_names_of_any_kind():
    X, y, _ = make_spurious(100, random_state=0)
    model = FilterClassifier(LogisticRegression(), random_state=0).fit(X, y)
    names = np.empty(100, dtype=object)
    names[:] = [("a", 1) if i % 2 else None for i in range(100)]
    report = group_report(model, names)
    assert report["rows"].tolist() == [50, 50]
