"""Classifiers and regressors that are fitted to the answers of a crowd."""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification, make_regression
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sknoisy.weak_labels import (
    GLAD,
    MACE,
    BiasVariance,
    CrowdClassifier,
    CrowdRegressor,
    MajorityVote,
    OneCoin,
    crowd_accuracy_score,
    crowd_accuracy_scorer,
)

from ...helpers import fits, recording

NAMES = np.array(["ant", "bee", "cat"])


def crowd_data(n=400, accuracy=(0.85, 0.7, 0.5, 0.4, 0.35), share=0.5, seed=0):
    """(X, true codes, votes with NaN); few answers per row."""
    X, y = make_classification(
        n, 8, n_informative=5, n_classes=3, n_clusters_per_class=1, class_sep=1.5, random_state=seed
    )
    rng = np.random.default_rng(seed)
    shape = n, len(accuracy)
    wrong = (y[:, None] + rng.integers(1, 3, shape)) % 3
    votes = np.where(rng.random(shape) < accuracy, y[:, None], wrong).astype(float)
    votes[rng.random(shape) > share] = np.nan
    empty = np.isnan(votes).all(axis=1)
    votes[empty, 1] = y[empty]
    return X, y, votes


def logistic():
    return LogisticRegression(max_iter=1000)


# --------------------------------------------------------------------------- labels


@pytest.mark.parametrize("seed", range(3))
def test_it_beats_the_majority_vote_and_the_answers_alone(seed):
    X, y, votes = crowd_data(n=900, seed=seed)
    train, test = np.arange(500), np.arange(500, 900)
    majority = logistic().fit(X[train], MajorityVote().fit(votes[train]).labels_)
    model = CrowdClassifier(logistic(), random_state=0).fit(X[train], votes[train])
    assert model.score(X[test], y[test]) > majority.score(X[test], y[test]) + 0.02
    alone = CrowdClassifier(logistic(), n_rounds=0).fit(X[train], votes[train])
    assert np.mean(model.labels_ == y[train]) > np.mean(alone.labels_ == y[train]) + 0.03
    assert (np.diff(model.annotator_skill_[[0, 1, 4]]) < 0).all()


def test_a_classifier_that_knows_nothing_does_no_harm():
    rng = np.random.default_rng(0)
    _, y, votes = crowd_data()
    X = rng.normal(size=(len(y), 5))
    for combine in ("bayes", "agreement"):
        model = CrowdClassifier(logistic(), combine=combine, random_state=0).fit(X, votes)
        alone = CrowdClassifier(logistic(), n_rounds=0).fit(X, votes)
        assert np.mean(model.labels_ == y) > np.mean(alone.labels_ == y) - 0.03


@pytest.mark.parametrize(
    "aggregator", [MajorityVote(), OneCoin(), GLAD(), MACE()], ids=lambda a: type(a).__name__
)
def test_features_help_every_aggregator(aggregator):
    X, y, votes = crowd_data()
    model = CrowdClassifier(logistic(), aggregator, random_state=0).fit(X, votes)
    alone = clone(aggregator).fit(votes)
    assert np.mean(model.labels_ == y) > np.mean(alone.labels_ == y) + 0.03
    assert model.annotator_skill_.argmax() == 0
    assert model.prior_temperature_ >= 1


def test_agreement_weighs_model_and_annotators():
    X, y, votes = crowd_data()
    model = CrowdClassifier(logistic(), combine="agreement", random_state=0).fit(X, votes)
    assert model.annotator_weight_.argmax() == 0
    assert model.model_weight_ > 0
    np.testing.assert_allclose(model.label_proba_.sum(axis=1), 1)
    assert np.mean(model.labels_ == y) > np.mean(MajorityVote().fit(votes).labels_ == y)
    poor = CrowdClassifier(DummyClassifier(), combine="agreement", random_state=0).fit(X, votes)
    assert poor.model_weight_ < 0.2 * model.model_weight_


def test_number_of_fits_is_as_stated_and_rows_are_judged_unseen():
    X, _, votes = crowd_data(n=120)
    model, calls = recording(logistic())
    fitted = CrowdClassifier(model, n_rounds=2, cv=3, random_state=0).fit(X, votes)
    assert fitted.n_fits_ == 7 == len(fits(calls))
    assert fitted.model_proba_.shape == (120, 3)
    model, calls = recording(logistic())
    assert CrowdClassifier(model, n_rounds=0).fit(X, votes).n_fits_ == 1 == len(fits(calls))


def test_text_labels_tables_and_pickle():
    X, y, votes = crowd_data()
    table = pd.DataFrame(X).rename(columns=str).assign(city=np.where(y > 1, "oslo", "rome"))
    table.loc[3, "city"] = None
    named = pd.DataFrame(votes, columns=[f"worker {i}" for i in range(5)]).map(
        lambda v: None if np.isnan(v) else NAMES[int(v)]
    )
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]), remainder=StandardScaler()
    )
    model = CrowdClassifier(make_pipeline(encoder, logistic()), random_state=0)
    model.fit(table, named)
    assert model.classes_.tolist() == NAMES.tolist()
    assert set(model.predict(table)) <= set(NAMES)
    assert model.score(table, NAMES[y]) > 0.8
    report = model.skill_report()
    assert report.index[-1] == "worker 0" and report["skill"].is_monotonic_increasing
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(table), model.predict_proba(table))
    # texts in, and the index of the table does not matter
    shuffled = (
        table.set_axis(np.arange(len(table))[::-1]),
        named.set_axis(np.arange(len(table)) + 5),
    )
    np.testing.assert_array_equal(clone(model).fit(*shuffled).label_proba_, model.label_proba_)


def test_lists_of_texts():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 80)
    texts = [f"{'good' if k else 'bad'} film no {rng.integers(9)}" for k in y]
    votes = np.where(rng.random((80, 3)) < 0.8, y[:, None], 1 - y[:, None])
    model = CrowdClassifier(make_pipeline(CountVectorizer(), logistic()), random_state=0)
    assert model.fit(texts, votes).score(texts, y) > 0.95


def test_same_seed_same_result_for_any_jobs():
    X, _, votes = crowd_data(n=150)
    one = CrowdClassifier(logistic(), random_state=3).fit(X, votes)
    with parallel_config("threading"):
        two = CrowdClassifier(logistic(), random_state=3, n_jobs=2).fit(X, votes)
    np.testing.assert_array_equal(one.label_proba_, two.label_proba_)


def test_rows_without_an_answer_are_judged_and_teach_nothing():
    X, y, votes = crowd_data()
    votes[:40] = np.nan
    with pytest.raises(ValueError, match="40 rows have no answer"):
        CrowdClassifier(logistic()).fit(X, votes)
    recorder, calls = recording(logistic())
    model = CrowdClassifier(recorder, allow_empty=True, random_state=0).fit(X, votes)
    assert np.mean(model.labels_[:40] == y[:40]) > 0.7
    assert not any(row in fits(calls)[-1].X for row in X[:40])


def test_models_without_weights():
    X, y, votes = crowd_data()
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        CrowdClassifier(KNeighborsClassifier(), random_state=0).fit(X, votes)
    model = CrowdClassifier(KNeighborsClassifier(), weight_strategy="resample", random_state=0)
    assert model.fit(X, votes).score(X, y) > 0.8


def test_weights_reach_model_and_aggregator():
    X, _, votes = crowd_data()
    weight = np.r_[np.ones(200), np.full(200, 1e-9)]
    model = CrowdClassifier(logistic(), n_rounds=0).fit(X, votes, sample_weight=weight)
    part = CrowdClassifier(logistic(), n_rounds=0).fit(X[:200], votes[:200])
    np.testing.assert_allclose(model.annotator_skill_, part.annotator_skill_, atol=1e-3)
    np.testing.assert_allclose(model.estimator_.coef_, part.estimator_.coef_, atol=1e-2)


def test_metadata_routing():
    X, _, votes = crowd_data(n=100)
    weight = np.r_[np.full(50, 2.0), np.ones(50)]
    plain = CrowdClassifier(logistic(), n_rounds=1, random_state=0)
    plain.fit(X, votes, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        asking = logistic().set_fit_request(sample_weight=True)
        routed = CrowdClassifier(asking, n_rounds=1, random_state=0)
        routed.fit(X, votes, sample_weight=weight, groups=np.arange(100))
        np.testing.assert_allclose(routed.annotator_skill_, plain.annotator_skill_, atol=0.1)
        again = CrowdClassifier(asking, n_rounds=1, random_state=0)
        again.fit(X, votes, sample_weight=weight)
        np.testing.assert_array_equal(again.label_proba_, plain.label_proba_)


def test_score_takes_answers_in_place_of_the_truth():
    X, y, votes = crowd_data(n=800)
    train, test = np.arange(400), np.arange(400, 800)
    good = CrowdClassifier(logistic(), random_state=0).fit(X[train], votes[train])
    poor = CrowdClassifier(DummyClassifier(), random_state=0).fit(X[train], votes[train])
    assert good.score(X[test], votes[test]) > poor.score(X[test], votes[test]) + 0.2
    empty = votes[test].copy()
    empty[:10] = np.nan
    with pytest.raises(ValueError, match="10 rows have no answer"):
        good.score(X[test], empty)


def test_grid_search_without_a_true_label():
    X, y, votes = crowd_data()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), CrowdClassifier(logistic(), n_rounds=1, random_state=0)),
        {"crowdclassifier__estimator__C": [1e-5, 1.0]},
        cv=KFold(3, shuffle=True, random_state=0),
    )
    table = pd.DataFrame(votes)
    assert search.fit(X, table).best_params_["crowdclassifier__estimator__C"] == 1.0
    coded = np.where(np.isnan(votes), -1, votes).astype(int)  # then folds may be a number
    model = CrowdClassifier(logistic(), missing=-1, n_rounds=1, random_state=0)
    poor = CrowdClassifier(DummyClassifier(), missing=-1, n_rounds=1, random_state=0)
    score = cross_val_score(model, X, coded, cv=3).mean()
    assert score > cross_val_score(poor, X, coded, cv=3).mean() + 0.15
    search = GridSearchCV(
        model,
        {"aggregator": [MajorityVote(), OneCoin()], "estimator__C": [1e-5, 1.0]},
        scoring=crowd_accuracy_scorer,
        cv=3,
    ).fit(X, coded)
    assert search.best_params_["estimator__C"] == 1.0
    assert search.best_estimator_.score(X, y) > 0.85


def test_crowd_accuracy_score_orders_as_accuracy_does():
    _, y, votes = crowd_data(n=1000, accuracy=(0.9, 0.8, 0.8, 0.7), share=0.8)
    draw = np.random.default_rng(0).random(1000)
    scores = [
        crowd_accuracy_score(votes, np.where(draw < rate, (y + 1) % 3, y))
        for rate in (0, 0.1, 0.2, 0.4)
    ]
    assert (np.diff(scores) < -0.04).all()
    assert scores[0] > 0.85
    weight = (draw >= 0.4).astype(float)
    predicted = np.where(draw < 0.4, (y + 1) % 3, y)
    assert crowd_accuracy_score(votes, predicted, sample_weight=weight) > scores[3] + 0.2


def test_errors_of_the_classifier():
    X, y, votes = crowd_data(n=60)
    with pytest.raises(ValueError, match=r"one column per annotator.*reshape"):
        CrowdClassifier(logistic()).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CrowdClassifier(logistic()).fit(X[:50], votes)
    with pytest.raises((TypeError, ValueError), match="classifier"):
        CrowdClassifier(Ridge()).fit(X, votes)
    with pytest.raises(ValueError, match="aggregator"):
        CrowdClassifier(logistic(), BiasVariance()).fit(X, votes)


def test_one_annotator_is_believed():
    X, y, _ = crowd_data(n=200)
    with pytest.warns(UserWarning, match="nobody can be compared"):
        model = CrowdClassifier(GaussianNB(), n_rounds=0).fit(X, y.reshape(-1, 1))
    np.testing.assert_array_equal(model.labels_, y)


# --------------------------------------------------------------------------- numbers


def number_data(n=400, seed=0):
    X, y = make_regression(n, 5, noise=10.0, random_state=seed)
    rng = np.random.default_rng(seed)
    spread = np.std(y)
    votes = y[:, None] + spread * (
        np.array([0, 0.5, -0.5]) + rng.normal(size=(n, 3)) * [0.1, 0.5, 2]
    )
    votes[rng.random(votes.shape) > 0.6] = np.nan
    empty = np.isnan(votes).all(axis=1)
    votes[empty, 2] = y[empty]
    return X, y, votes


@pytest.mark.parametrize("seed", range(3))
def test_regressor_beats_the_mean_of_the_answers(seed):
    X, y, votes = number_data(seed=seed)
    mean = np.nanmean(votes, axis=1)
    model = CrowdRegressor(Ridge(), random_state=0).fit(X, votes)
    plain = Ridge().fit(X, mean)
    assert np.mean((model.predict(X) - y) ** 2) < 0.8 * np.mean((plain.predict(X) - y) ** 2)
    alone = BiasVariance().fit(votes)
    off, off_alone = np.mean((model.values_ - y) ** 2), np.mean((alone.values_ - y) ** 2)
    assert off < 0.7 * off_alone < 0.7 * np.mean((mean - y) ** 2)
    assert model.n_fits_ == 11
    assert model.annotator_variance_.argmax() == 2


def test_regressor_in_a_search_with_weights_and_forests():
    X, y, votes = number_data(n=150)
    search = GridSearchCV(
        CrowdRegressor(Ridge(), n_rounds=1, allow_empty=True, random_state=0),
        {"estimator__alpha": [1e-3, 1e6]},
        cv=KFold(3),
    ).fit(X, pd.DataFrame(votes))
    assert search.best_params_["estimator__alpha"] == 1e-3
    weight = np.r_[np.ones(75), np.zeros(75)]
    model = CrowdRegressor(Ridge(), n_rounds=0).fit(X, votes, sample_weight=weight)
    part = CrowdRegressor(Ridge(), n_rounds=0).fit(X[:75], votes[:75])
    np.testing.assert_allclose(model.predict(X), part.predict(X), rtol=1e-2)
    forest = RandomForestRegressor(20, bootstrap=True, random_state=0)
    assert CrowdRegressor(forest, random_state=0).fit(X, votes).n_fits_ == 3


def test_regressor_with_rows_without_numbers():
    X, y, votes = number_data()
    votes[:30] = np.nan
    with pytest.raises(ValueError, match="30 rows have no answer"):
        CrowdRegressor(Ridge()).fit(X, votes)
    model = CrowdRegressor(Ridge(), allow_empty=True, random_state=0).fit(X, votes)
    assert np.corrcoef(model.values_[:30], y[:30])[0, 1] > 0.9
    with pytest.raises((TypeError, ValueError), match="regressor"):
        CrowdRegressor(logistic()).fit(X, votes)


def test_regressor_with_metadata_routing():
    X, _, votes = number_data(n=100)
    weight = np.r_[np.full(50, 3.0), np.ones(50)]
    plain = CrowdRegressor(Ridge(), random_state=0).fit(X, votes, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        asking = Ridge().set_fit_request(sample_weight=True)
        routed = CrowdRegressor(asking, random_state=0).fit(X, votes, sample_weight=weight)
        np.testing.assert_array_equal(routed.estimator_.coef_, plain.estimator_.coef_)
        grouped = CrowdRegressor(asking, random_state=0)
        grouped.fit(X, votes, sample_weight=weight, groups=np.arange(100) // 4)
        assert grouped.n_fits_ == 11
