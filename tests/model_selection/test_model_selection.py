"""Splitters and scorers for searches over noisy rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from sknoisy import FilterClassifier
from sknoisy.datasets import one_way_noise, shuffle_noise, symmetric_noise, transition_noise
from sknoisy.detection import ConfidentLearning, Residual
from sknoisy.model_selection import (
    ReusableHoldoutScorer,
    TrustedKFold,
    TrustWeightedScorer,
    corrected_scorer,
)
from sknoisy.model_selection._scorers import METRICS
from sknoisy.noise_model import AnchorTransition

from ..helpers import fits, recording

T = np.array([[0.95, 0.05], [0.4, 0.6]])


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(3000, 6, n_informative=4, class_sep=1.5, flip_y=0, random_state=0)
    z, _ = transition_noise(y, T, random_state=0)
    return X, y, z


class TestCorrectedScorer:
    @pytest.mark.parametrize("scoring", METRICS)
    def test_is_near_the_truth(self, scoring, data):
        X, y, z = data
        model = LogisticRegression().fit(X[:1000], y[:1000])
        scorer = corrected_scorer(scoring, T, labels=[0, 1])
        truth = get_scorer(scoring)(model, X[1000:], y[1000:])
        corrected = scorer(model, X[1000:], z[1000:])
        noisy = get_scorer(scoring)(model, X[1000:], z[1000:])
        assert abs(corrected - truth) < 0.04 < abs(noisy - truth)

    def test_picks_the_right_model(self, data):
        """One-way noise makes the model seem best that predicts too little of a class."""
        X, y, _ = data
        choices = {"corrected": 0, "plain": 0}
        for seed in range(6):
            z, _ = one_way_noise(y, 0.2, source=1, target=0, random_state=seed)
            share = (z != y)[y == 1].mean()
            matrix = [[1.0, 0.0], [share, 1 - share]]
            search = GridSearchCV(
                LogisticRegression(),
                {"class_weight": [{0: 1, 1: w} for w in (1.0, 1 / (1 - share))]},
                scoring={
                    "plain": "accuracy",
                    "corrected": corrected_scorer("accuracy", matrix, labels=[0, 1]),
                },
                refit=False,
            ).fit(X, z)
            truth = [
                cross_val_score(LogisticRegression(**p), X, z, scoring=_true(y, X)).mean()
                for p in search.cv_results_["params"]
            ]
            for name in choices:
                best = search.cv_results_[f"mean_test_{name}"].argmax()
                choices[name] += truth[best] >= max(truth) - 1e-3
        assert choices["corrected"] >= 5 > choices["plain"]

    def test_takes_a_fitted_noise_model_and_frames(self, data):
        X, _, z = data
        model = LogisticRegression().fit(X, z)
        frame = pd.DataFrame(T, index=[0, 1], columns=[0, 1])
        expected = corrected_scorer("accuracy", T, labels=[0, 1])(model, X, z)
        assert corrected_scorer("accuracy", frame)(model, X, z) == pytest.approx(expected)
        known = AnchorTransition(LogisticRegression(), random_state=0).fit(X, z)
        by_model = corrected_scorer("accuracy", known)(model, X, z)
        assert by_model == corrected_scorer("accuracy", known.transition_, labels=[0, 1])(
            model, X, z
        )

    @pytest.mark.parametrize("scoring", METRICS)
    @pytest.mark.parametrize("as_frame", [False, True])
    def test_labels_in_another_order_than_the_classes(self, scoring, as_frame, data):
        X, _, z = data
        expected = corrected_scorer(scoring, T, labels=[0, 1])(LogisticRegression().fit(X, z), X, z)
        names = np.array(["yes", "no"])  # sorted, the second class comes first
        matrix = pd.DataFrame(T, index=names, columns=names) if as_frame else T
        score = corrected_scorer(scoring, matrix, labels=None if as_frame else names)
        model = LogisticRegression().fit(X, names[z])
        assert score(model, X, names[z]) == pytest.approx(expected, rel=1e-3)

    def test_errors(self):
        with pytest.raises(ValueError, match="scoring must be one of accuracy"):
            corrected_scorer("f1", T, labels=[0, 1])
        with pytest.raises(ValueError, match="shape \\(2, 2\\) for 3 labels"):
            corrected_scorer("accuracy", T, labels=[0, 1, 2])
        with pytest.raises(ValueError, match="labels say which classes"):
            corrected_scorer("accuracy", T)
        # at once, and not in each fold of a search, which would go on without scores
        with pytest.raises(ValueError, match="row of 1: .* no probabilities"):
            corrected_scorer("accuracy", [[1.0, 0.0], [0.5, 0.6]], labels=[0, 1])
        with pytest.raises(ValueError, match="for two classes, and there are 3"):
            corrected_scorer("roc_auc", np.eye(3), labels=["a", "b", "c"])


def _true(y, X):
    """Accuracy on true labels of the rows of X."""
    row = {x.tobytes(): label for x, label in zip(X, y, strict=True)}
    return lambda model, X, _: np.mean(model.predict(X) == [row[x.tobytes()] for x in X])


class TestTrustedKFold:
    def test_all_trusted_rows_are_tested_once(self):
        rng = np.random.default_rng(0)
        trusted, y = rng.random(200) < 0.3, rng.integers(0, 2, 200)
        tests = []
        for train, test in TrustedKFold(trusted, 4, random_state=0).split(np.zeros((200, 1)), y):
            assert not set(train) & set(test) and len(train) + len(test) == 200
            tests += test.tolist()
        assert sorted(tests) == np.flatnonzero(trusted).tolist()

    def test_in_a_search(self, data):
        X, y, _ = data
        z, _ = symmetric_noise(y, 0.3, random_state=0)
        trusted = np.arange(len(y)) < 300
        cv = TrustedKFold(trusted, 3, random_state=0)
        mixed = np.where(trusted, y, z)
        search = GridSearchCV(LogisticRegression(), {"C": [1e-4, 1.0]}, cv=cv).fit(X, mixed)
        assert search.n_splits_ == 3
        by_all = cross_val_score(LogisticRegression(), X, mixed, cv=3).mean()
        assert search.best_score_ > by_all
        assert clone(cv).get_n_splits() == 3

    def test_numbers(self):
        X, y = make_regression(100, random_state=0)
        folds = TrustedKFold(np.arange(100) < 50, 5, shuffle=False).split(X, y)
        assert [len(test) for _, test in folds] == [10] * 5
        for counts in (np.arange(100), np.arange(100) // 2):  # of which no value fills the folds
            folds = TrustedKFold(np.arange(100) < 50, 5, random_state=0).split(X, counts)
            assert [len(test) for _, test in folds] == [10] * 5
        mask = TrustedKFold(np.arange(100) < 50, 5, shuffle=False).split(X, y)
        coded = TrustedKFold([1] * 50 + [0] * 50, 5, shuffle=False).split(X, y)
        for (_, a), (_, b) in zip(mask, coded, strict=True):
            np.testing.assert_array_equal(a, b)

    @pytest.mark.parametrize(
        ("trusted", "message"),
        [
            (np.ones(99, dtype=bool), "one boolean for each of the 100 rows"),
            (np.arange(100.0), "trusted must be boolean; row 2 has"),
            (np.arange(100) < 3, "3 trusted rows cannot be dealt to 5 folds"),
        ],
    )
    def test_errors(self, trusted, message):
        with pytest.raises(ValueError, match=message):
            list(TrustedKFold(trusted).split(np.zeros((100, 2)), np.tile([0, 1], 50)))


class TestReusableHoldout:
    def test_many_questions_do_not_fit_it(self):
        """Random labels: who asks 300 times keeps what does best on the trusted rows."""
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(2000, 60)), rng.integers(0, 2, 2000)
        kept_plain, kept = [], []
        holdout, rest = slice(0, 200), slice(200, 2000)
        scorer = ReusableHoldoutScorer(X[holdout], y[holdout], random_state=0, budget=50)
        for j in range(60):
            for sign in (1, -1):
                model = _Sign({j: sign})
                if np.mean(model.predict(X[holdout]) == y[holdout]) > 0.52:
                    kept_plain.append((j, sign))
                if scorer(model, X[rest], y[rest]) > 0.52:
                    kept.append((j, sign))
        seen = np.mean(_Sign(dict(kept_plain)).predict(X[holdout]) == y[holdout])
        assert seen > 0.6  # what is chosen on 200 rows looks good on them, and is worth nothing
        chosen = _Sign(dict(kept))
        assert abs(np.mean(chosen.predict(X[holdout]) == y[holdout]) - 0.5) < 0.5 * (seen - 0.5)
        assert scorer.answers_used_ <= 50

    def test_it_notices_that_noisy_rows_are_wrong(self, data):
        X, y, _ = data
        wrong = 1 - y
        scorer = ReusableHoldoutScorer(X[:500], y[:500], random_state=0)
        model = LogisticRegression().fit(X[500:], y[500:])
        score = scorer(model, X[500:], wrong[500:])
        assert score == pytest.approx(model.score(X[:500], y[:500]), abs=0.1)
        assert scorer.answers_used_ == 1

    def test_some_answers_are_spent_where_nothing_differs(self, data):
        """A fifth, by the noise of the cut: as its documentation says."""
        X, y, _ = data
        model = LogisticRegression().fit(X[500:], y[500:])
        scorer = ReusableHoldoutScorer(X[:200], y[:200], budget=300, random_state=0)
        for _ in range(300):
            scorer(model, X[:200], y[:200])
        assert 0.15 < scorer.answers_used_ / 300 < 0.3

    def test_the_budget_ends(self, data):
        X, y, _ = data
        scorer = ReusableHoldoutScorer(X[:100], y[:100], budget=2, random_state=0)
        model = LogisticRegression().fit(X, y)
        for _ in range(2):
            scorer(model, X, 1 - y)
        with pytest.warns(UserWarning, match="All 2 answers"):
            assert scorer(model, X, 1 - y) < 0.5

    def test_with_a_corrected_score_it_asks_less(self, data):
        X, y, _ = data
        z, _ = symmetric_noise(y, 0.3, random_state=0)
        noisy = corrected_scorer("accuracy", [[0.7, 0.3], [0.3, 0.7]], labels=[0, 1])
        used = []
        for scoring in (None, noisy):
            scorer = ReusableHoldoutScorer(X[:500], y[:500], noisy_scoring=scoring, random_state=0)
            for C in np.logspace(-3, 3, 10):
                scorer(LogisticRegression(C=C).fit(X[500:], y[500:]), X[500:], z[500:])
            used.append(scorer.answers_used_)
        assert used[1] <= 3 < 6 <= used[0]


class _Sign(DummyClassifier):
    """Predicts by the sign of a sum of columns."""

    def __init__(self, signs):
        self.signs = signs

    classes_ = np.array([0, 1])
    _estimator_type = "classifier"

    def predict(self, X):
        return (X[:, list(self.signs)] @ np.array(list(self.signs.values()))[:, None] > 0).ravel()

    def __sklearn_is_fitted__(self):
        return True


class TestTrustWeighted:
    def test_is_nearer_to_the_truth(self, data):
        X, y, _ = data
        z, _ = symmetric_noise(y, 0.3, random_state=0)
        model = KNeighborsClassifier(15).fit(X[:1500], z[:1500])
        scorer = TrustWeightedScorer("accuracy", ConfidentLearning(LogisticRegression()))
        truth = model.score(X[1500:], y[1500:])
        by_noisy = model.score(X[1500:], z[1500:])
        assert abs(scorer(model, X[1500:], z[1500:]) - truth) < 0.8 * abs(by_noisy - truth)

    def test_numbers(self):
        X, y = make_regression(600, 5, noise=5, random_state=0)
        z, _ = shuffle_noise(y, 0.2, random_state=0)
        model = Ridge().fit(X, y)
        scorer = TrustWeightedScorer(None, Residual(Ridge()))
        assert scorer(model, X, z) > 0.95 > 0.8 > model.score(X, z)

    def test_another_detector_judges_anew(self, data):
        X, y, z = data
        model = LogisticRegression().fit(X, y)
        scorer = TrustWeightedScorer("accuracy", ConfidentLearning(cv=2, random_state=0))
        before = scorer(model, X[:300], z[:300])
        scorer.set_params(detector__contamination=0)
        assert scorer(model, X[:300], z[:300]) != before
        assert scorer.set_params(detector__contamination="auto")(model, X[:300], z[:300]) == before

    def test_one_detection_for_each_split(self, data):
        X, _, z = data
        model, calls = recording(LogisticRegression())
        scorer = TrustWeightedScorer("accuracy", ConfidentLearning(model, cv=2))
        search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1, 10, 100]}, scoring=scorer, cv=3)
        search.fit(X[:300], z[:300])
        assert len(fits(calls)) == 3 * 2
        pickle.loads(pickle.dumps(scorer))

    def test_a_scorer_without_weights(self, data):
        X, _, z = data
        model = LogisticRegression().fit(X, z)
        with pytest.raises(TypeError, match="takes no sample_weight"):
            TrustWeightedScorer(lambda estimator, X, y: 0.0)(model, X[:50], z[:50])
        with pytest.raises(TypeError, match="LogisticRegression does not: take one of"):
            TrustWeightedScorer(detector=LogisticRegression())(model, X[:50], z[:50])


def test_nothing_may_win(data):
    """The recipe of the documentation: clean data, and cleaning nothing is a candidate."""
    X, y, _ = data
    model = FilterClassifier(LogisticRegression(), random_state=0, calibrate=False)
    grid = {"contamination": [0.0, 0.3]}
    search = GridSearchCV(model, grid, cv=3, scoring="neg_log_loss").fit(X[:500], y[:500])
    assert search.best_params_ == {"contamination": 0.0}


def test_evidence_is_made_once_for_each_split(data, tmp_path):
    X, _, z = data
    inner, calls = recording(LogisticRegression())
    model = FilterClassifier(
        LogisticRegression(), ConfidentLearning(inner, cv=2), memory=str(tmp_path), calibrate=False
    )
    grid = {"contamination": [0.0, 0.05, 0.1, "auto"]}
    GridSearchCV(model, grid, cv=3, refit=False).fit(X[:300], z[:300])
    assert len(fits(calls)) == 3 * 2
