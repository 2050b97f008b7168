"""Answers are held back where they would be wrong, or where nothing alike was seen."""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sknoisy.exceptions import NothingJudgedWarning
from sknoisy.metrics import accuracy_reject_auc
from sknoisy.reject import RejectClassifier

from ..helpers import fits, noisy_labels, recording, row_numbers

TREE = DecisionTreeClassifier(max_depth=3, min_samples_leaf=5, random_state=0)


def noise_that_a_linear_model_does_not_see(n, rng):
    """(X, y, whether the first feature alone tells the label, the rate of wrong labels)."""
    X = rng.normal(size=(n, 4))
    rate = np.where(X[:, 1] ** 2 > 1, 0.4, 0.03)
    label = X[:, 0] > 0
    return X, (label ^ (rng.random(n) < rate)).astype(int), label, rate


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(
        600, 6, n_classes=3, n_informative=4, n_clusters_per_class=1, class_sep=0.7, random_state=0
    )
    return X[:300], y[:300], X[300:], y[300:]


# ----------------------------------------------------------------------------- claims


def test_risk_falls_with_coverage(data):
    """From 100 % of the rows over 80 % to 40 %, each time by 2 points or more."""
    X, y, X_new, y_new = data
    risks = []
    for coverage in (1.0, 0.8, 0.4):
        model = RejectClassifier(LogisticRegression(), coverage=coverage, random_state=0).fit(X, y)
        answers, rejected = model.predict_or_reject(X_new)
        assert abs((~rejected).mean() - coverage) < 0.12
        assert abs(model.coverage_ - coverage) < 0.02
        risks.append((answers != y_new)[~rejected].mean())
    assert np.all(np.diff(risks) < -0.02), risks


@pytest.mark.slow
@pytest.mark.parametrize("is_frozen", [True, False])
def test_learned_rejector_comes_within_a_point_of_the_best_rule(is_frozen):
    """Chow's rule with the true probabilities, at the same coverage; mean of three samples.

    The model's own probabilities do not know where the noise is: they are worse.
    """
    above_chow, below_own = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, y, _, _ = noise_that_a_linear_model_does_not_see(2000, rng)
        X_new, y_new, label, rate = noise_that_a_linear_model_does_not_see(10_000, rng)
        model = LogisticRegression()
        if is_frozen:
            model = FrozenEstimator(
                model.fit(*noise_that_a_linear_model_does_not_see(500, rng)[:2])
            )
        model = RejectClassifier(model, rejector="forest", cost=0.2, cv=2, random_state=0).fit(X, y)
        answers, rejected = model.predict_or_reject(X_new)
        wrong, n_answered = answers != y_new, (~rejected).sum()
        truth = np.argsort(np.where(answers == label, rate, 1 - rate), kind="stable")
        own = np.argsort(1 - model.predict_proba(X_new).max(axis=1), kind="stable")
        risk = wrong[~rejected].mean()
        above_chow.append(risk - wrong[truth[:n_answered]].mean())
        below_own.append(wrong[own[:n_answered]].mean() - risk)
    assert np.mean(above_chow) <= 0.01, above_chow
    assert np.mean(below_own) >= 0.01, below_own


def test_default_rejector_learns_what_the_model_does_not_know():
    rng = np.random.default_rng(0)
    X, y, _, _ = noise_that_a_linear_model_does_not_see(600, rng)
    X_new, y_new, _, _ = noise_that_a_linear_model_does_not_see(2000, rng)
    areas = []
    for rejector in (None, "forest"):
        model = RejectClassifier(LogisticRegression(), rejector=rejector, cv=3, random_state=0)
        model.fit(X, y)
        areas.append(accuracy_reject_auc(y_new, model.predict(X_new), model.rejection_score(X_new)))
    assert areas[1] > areas[0] + 0.03


@pytest.mark.filterwarnings("ignore:All rows will be rejected")
@pytest.mark.parametrize("how", ["holdout", "frozen"])
def test_bounded_risk_holds_in_at_least_the_promised_share_of_samples(how):
    """A risk of 10 % with confidence 0.8, in 60 samples; 0.2 and two standard errors may fail."""
    broken, answered = 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(400, 2))
        rows = rng.normal(size=(4000, 2))
        y, y_new = ((Z[:, 0] + 0.6 * rng.normal(size=len(Z)) > 0).astype(int) for Z in (X, rows))
        model = LogisticRegression()
        if how == "frozen":
            model, X, y = FrozenEstimator(model.fit(X[:200], y[:200])), X[200:], y[200:]
        share = 0.5 if how == "holdout" else None
        model = RejectClassifier(
            model, max_risk=0.1, confidence=0.8, holdout=share, random_state=seed
        ).fit(X, y)
        answers, rejected = model.predict_or_reject(rows)
        answered += (~rejected).mean() / 60
        broken += not rejected.all() and (answers != y_new)[~rejected].mean() > 0.1
    assert broken / 60 <= 0.2 + 2 * np.sqrt(0.16 / 60)
    assert answered > 0.5


def test_cost_that_is_higher_answers_more(data):
    X, y, X_new, _ = data
    shares = []
    for cost in (0.05, 0.3, 2.0):
        model = RejectClassifier(LogisticRegression(), cost=cost, random_state=0).fit(X, y)
        shares.append((~model.predict_or_reject(X_new)[1]).mean())
    assert shares[0] + 0.1 < shares[1] < shares[2] == 1.0


@pytest.mark.parametrize("by", ["novelty", "both"])
@pytest.mark.parametrize("detector", [None, LocalOutlierFactor(novelty=True)])
def test_novel_rows_are_rejected_however_sure_the_model_is(data, by, detector):
    X, y, X_new, _ = data
    model = RejectClassifier(
        LogisticRegression(), by=by, novelty_detector=detector, coverage=0.9, random_state=0
    ).fit(X, y)
    assert model.predict_or_reject(X_new[:50] + 30)[1].all()
    assert abs((~model.predict_or_reject(X_new)[1]).mean() - 0.9) < 0.07
    assert model.predict_proba(X_new[:50] + 30).max(axis=1).mean() > 0.9
    ambiguous = RejectClassifier(LogisticRegression(), coverage=0.9, random_state=0).fit(X, y)
    assert not ambiguous.predict_or_reject(X_new[:50] + 30)[1].any()


# ----------------------------------------------------------------------------- answers


def test_predict_rejects_only_where_a_label_is_given_for_it(data):
    X, y, X_new, _ = data
    model = RejectClassifier(LogisticRegression(), random_state=0).fit(X, y)
    answers, rejected = model.predict_or_reject(X_new)
    np.testing.assert_array_equal(model.predict(X_new), answers)
    assert 0 < rejected.sum() < len(rejected)
    for label, dtype in ((-1, y.dtype), ("ask", object), (None, y.dtype)):
        said = model.set_params(reject_label=label).predict(X_new)
        assert said.dtype == dtype
        np.testing.assert_array_equal(said[~rejected], answers[~rejected])
        assert label is None or all(said[rejected] == label)
    assert model.set_params(reject_label=-1).score(X_new, answers) == 1.0


def test_reject_label_may_be_longer_than_the_classes():
    X, codes = noisy_labels()
    names = np.array(["a", "bb", "c"])[codes]
    model = RejectClassifier(LogisticRegression(), coverage=0.5, reject_label="nobody knows")
    said = model.fit(X, names).predict(X)
    assert set(said) == {"a", "bb", "c", "nobody knows"}
    assert model.classes_.tolist() == ["a", "bb", "c"]


def test_names_of_classes_do_not_matter(data):
    X, y, X_new, _ = data
    model = RejectClassifier(LogisticRegression(), random_state=0)
    score = model.fit(X, y).rejection_score(X_new)
    names = np.array(["x", "y", "z"])[y]
    np.testing.assert_allclose(model.fit(X, names).rejection_score(X_new), score)


# ----------------------------------------------------------------------------- models and rows


def test_frozen_model_is_not_fitted_again_and_may_know_more_classes(data):
    X, y, X_new, _ = data
    inner, calls = recording(LogisticRegression())
    inner.fit(X, y)
    model = RejectClassifier(FrozenEstimator(inner), coverage=0.8)
    few = y != 2
    model.fit(X[few], y[few])
    assert len(fits(calls)) == 1
    assert model.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(model.predict(X_new), inner.predict(X_new))
    with pytest.raises(NotFittedError):
        RejectClassifier(FrozenEstimator(LogisticRegression())).fit(X, y)


def test_frozen_pipeline_of_texts():
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2 == 0
    texts = [" ".join([*rng.choice(["sun", "rain"], 3), "even" if even else "odd"]) for even in y]
    unclear = rng.random(120) < 0.2
    texts = ["fog" if u else text for u, text in zip(unclear, texts, strict=True)]
    pipe = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts[:60], y[:60])
    model = RejectClassifier(
        FrozenEstimator(pipe), rejector="forest", cost=0.2, cv=2, reject_label="?", random_state=0
    ).fit(texts[60:], y[60:])
    assert model.predict(["fog", "sun sun rain even", "sun sun rain odd"]).tolist() == [
        "?",
        True,
        False,
    ]


def test_number_of_fits_and_what_they_see():
    X, y = noisy_labels()
    X[1] = X[0]
    y[1] = y[0]
    groups = np.arange(90) // 3
    model, calls = recording(LogisticRegression())
    RejectClassifier(model, cv=4, random_state=0).fit(X, y, groups=groups)
    assert len(fits(calls)) == 5
    for call in fits(calls):
        rows = row_numbers(call.X, 90)
        assert all(np.isin(rows, np.flatnonzero(np.isin(groups, groups[rows]))))
        counts = np.bincount(groups[rows], minlength=30)
        assert set(counts[1:]) <= {0, 3}
    model, calls = recording(LogisticRegression())
    fitted = RejectClassifier(model, holdout=0.5, random_state=0).fit(X, y)
    assert len(fits(calls)) == 1
    held = ~np.isnan(fitted.held_out_score_)
    assert not np.isin(row_numbers(fits(calls)[0].X, 90), np.flatnonzero(held)).any()


def test_weights_reach_the_fits_and_the_threshold(data):
    X, y, X_new, _ = data
    weight = np.where(np.arange(300) < 150, 0.0, 2.0)
    model, calls = recording(LogisticRegression())
    fitted = RejectClassifier(model, rejector=TREE, random_state=0).fit(X, y, sample_weight=weight)
    assert all(set(call.sample_weight) <= {0.0, 2.0} for call in fits(calls))
    assert fitted.coverage_ >= 0.9
    judged = fitted.held_out_score_[150:]
    assert np.mean(judged <= fitted.threshold_) == pytest.approx(fitted.coverage_)
    knn = KNeighborsClassifier()
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        RejectClassifier(knn).fit(X, y, sample_weight=weight)
    RejectClassifier(knn, weight_strategy="resample").fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("by", ["ambiguity", "both"])
@pytest.mark.parametrize("rejector", [None, "forest"])
def test_tables_texts_and_sparse_rows(by, rejector):
    rng = np.random.default_rng(0)
    y = np.repeat(["no", "yes"], 40)
    shade = rng.normal(size=80) + (y == "yes") * 2
    table = pd.DataFrame({"shade": shade, "kind": rng.choice(["p", "q"], 80)}, index=range(5, 85))
    table.loc[7, "shade"] = np.nan
    encoded = make_column_transformer((SimpleImputer(), ["shade"]), (OneHotEncoder(), ["kind"]))
    words = [" ".join(rng.choice(["sun", "rain", name], 4)) for name in y]
    cases = [
        (make_pipeline(encoded, LogisticRegression()), table),
        (make_pipeline(TfidfVectorizer(), LogisticRegression()), words),
        (LogisticRegression(), csr_matrix(np.column_stack([shade, shade > 1]))),
    ]
    for model, X in cases:
        model = RejectClassifier(model, by=by, rejector=rejector, cv=2, coverage=0.7)
        model.set_params(random_state=0, reject_label="?").fit(X, y)
        said = model.predict(X)
        assert 0.5 < np.mean(said != "?") < 0.95


def test_pipeline_grid_search_and_pickle(data):
    X, y, X_new, y_new = data
    pipe = make_pipeline(StandardScaler(), RejectClassifier(LogisticRegression(), cv=3))
    grid = {"rejectclassifier__estimator__C": [0.1, 1.0]}
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(X, y)
    model = search.best_estimator_
    rows = model[:-1].transform(X_new)
    again = pickle.loads(pickle.dumps(model[-1]))
    np.testing.assert_array_equal(again.rejection_score(rows), model[-1].rejection_score(rows))

    def area(estimator, X, y):
        rows, last = estimator[:-1].transform(X), estimator[-1]
        return accuracy_reject_auc(y, last.predict(rows), last.rejection_score(rows))

    assert GridSearchCV(pipe, grid, cv=2, scoring=area).fit(X, y).best_score_ > search.best_score_


def test_routing(data):
    X, y, X_new, _ = data
    weight, groups = np.ones(300), np.arange(300) // 2
    with config_context(enable_metadata_routing=True):
        model, calls = recording(LogisticRegression())
        model.set_fit_request(sample_weight=True)
        RejectClassifier(model, cv=2).fit(X, y, sample_weight=weight, groups=groups)
        assert all(call.sample_weight is not None for call in fits(calls))
        pipe = make_pipeline(StandardScaler(), RejectClassifier(LogisticRegression(), cv=2))
        pipe.fit(X, y, groups=groups)


def test_jobs_and_refits_change_nothing(data):
    X, y, X_new, _ = data
    model = RejectClassifier(LogisticRegression(), by="both", rejector=TREE, random_state=3)
    first = model.fit(X, y).rejection_score(X_new)
    model.fit(X[:100], y[:100])
    with parallel_config(backend="threading"):
        again = clone(model).set_params(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(again.rejection_score(X_new), first)
    model.set_params(by="ambiguity", rejector=None).fit(X, y)
    assert not hasattr(model, "rejector_") and not hasattr(model, "novelty_detector_")
    assert np.isfinite(model.rejection_score(X_new + 30)).all()


# ----------------------------------------------------------------------------- errors


class OnlyAnswers(ClassifierMixin, BaseEstimator):
    """A model that says labels and no more."""

    def fit(self, X, y):
        self.model_ = LogisticRegression().fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)


def test_errors_say_what_to_do(data):
    X, y, _, _ = data
    plain = LogisticRegression()
    with pytest.raises(ValueError, match="cost and max_risk are given"):
        RejectClassifier(plain, cost=0.1, max_risk=0.1).fit(X, y)
    with pytest.raises(ValueError, match="reject_label=2 is a class of y"):
        RejectClassifier(plain, reject_label=2).fit(X, y)
    with pytest.raises(ValueError, match="novelty_detector"):
        RejectClassifier(plain, novelty_detector=LocalOutlierFactor()).fit(X, y)

    with pytest.raises(ValueError, match='set rejector="forest"'):
        RejectClassifier(OnlyAnswers()).fit(X, y)
    RejectClassifier(OnlyAnswers(), rejector=TREE, random_state=0).fit(X, y)


def test_a_failed_fit_leaves_what_was(data):
    X, y, X_new, _ = data
    model = RejectClassifier(LogisticRegression(), random_state=0).fit(X, y)
    before = model.rejection_score(X_new)
    with pytest.raises(ValueError):
        model.fit(X, y[:5])
    np.testing.assert_array_equal(model.rejection_score(X_new), before)


def test_where_nothing_can_be_judged_nothing_is_rejected():
    X = np.arange(10.0).reshape(-1, 1)
    with pytest.warns(NothingJudgedWarning, match="rejects nothing.*y has only one class, a"):
        model = RejectClassifier(TREE).fit(X, ["a"] * 10)
    assert not model.predict_or_reject(X)[1].any()
    with pytest.raises(ValueError, match="no row could be judged: y has only one class"):
        RejectClassifier(TREE, rejector=TREE).fit(X, ["a"] * 10)


def test_too_few_rows_for_a_bound_are_told():
    X, y = noisy_labels(40)
    with pytest.warns(UserWarning, match="All rows will be rejected: 40 held-out rows"):
        model = RejectClassifier(LogisticRegression(), max_risk=0.01, random_state=0).fit(X, y)
    assert model.predict_or_reject(X)[1].all()
    assert model.coverage_ == 0 and np.isnan(model.risk_)
