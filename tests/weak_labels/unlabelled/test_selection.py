"""Which rows to label next, or to learn from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from sknoisy.weak_labels import (
    RobustActiveDistillation,
    SurrogateSelector,
    robust_sampling_proba,
    selection_proba,
)
from sknoisy.weak_labels.unlabelled._selection import draw, inclusion_proba

MODEL = LogisticRegression(C=1000.0, max_iter=300)

# ------------------------------------------------------------------ drawing


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=40),
    st.integers(1, 40),
    st.integers(0, 1000),
)
def test_rows_are_drawn_by_their_probabilities(score, n_select, seed):
    proba = inclusion_proba(score, n_select)
    n_select = min(n_select, len(score))
    assert ((proba >= 0) & (proba <= 1 + 1e-9)).all()
    assert np.isclose(proba.sum(), n_select)
    order = np.argsort(score, kind="stable")
    assert (np.diff(proba[order]) > -1e-9).all()
    rows = draw(proba, seed)
    assert len(np.unique(rows)) == len(rows) == n_select


def test_the_draw_keeps_to_the_probabilities():
    proba = inclusion_proba([10.0, 3.0, 2.0, 1.0, 0.5, 0.5], 3)
    assert np.allclose(proba, [1.0, 6 / 7, 4 / 7, 2 / 7, 1 / 7, 1 / 7])
    often = np.bincount(np.concatenate([draw(proba, s) for s in range(4000)])) / 4000
    assert np.abs(often - proba).max() < 0.03


# ------------------------------------------------------------------ by a surrogate


def logistic_rows(seed, n=4000, n_test=4000, n_features=40):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n_features) * 6 / np.sqrt(n_features)
    X = rng.normal(size=(n + n_test, n_features))
    y = (rng.random(len(X)) < 1 / (1 + np.exp(-X @ w))).astype(int)
    return X[:n], y[:n], X[n:], y[n:]


def test_rows_in_doubt_without_weights_beat_random_rows_and_weighted_ones():
    over_random, over_weighted = [], []
    for seed in range(4):
        X, y, X_test, y_test = logistic_rows(seed)
        random, doubt = (
            SurrogateSelector(MODEL, n_select=400, alpha=alpha, random_state=seed).fit(X, y)
            for alpha in (0.0, 1.0)
        )
        rows = doubt.sample_indices_
        weighted = MODEL.fit(X[rows], y[rows], 1 / doubt.selection_proba_[rows])
        score = doubt.score(X_test, y_test)
        over_random.append(score - random.score(X_test, y_test))
        over_weighted.append(score - weighted.score(X_test, y_test))
    assert min(over_random) > 0.0
    assert np.mean(over_random) > 0.01
    assert np.mean(over_weighted) > 0.001


def test_selection_proba_is_the_formula():
    p = np.linspace(0.05, 0.95, 50)
    proba = selection_proba(np.column_stack([1 - p, p]), 5, alpha=0.5)
    expected = np.sqrt(p * (1 - p))
    assert np.allclose(proba, 5 * expected / expected.sum())
    sure = selection_proba(np.column_stack([1 - p, p]), 5, alpha=-1.0)
    assert sure[0] > sure[25]
    assert np.allclose(selection_proba(np.eye(3)[[0, 1, 2, 0]], 2), 0.5)
    assert selection_proba([[np.nan, np.nan], [0.5, 0.5]], 1).tolist() == [0.5, 0.5]


def test_rows_to_label_next_are_rows_without_a_label():
    X, y, _, _ = logistic_rows(0, n=500)
    y_few = np.where(np.arange(500) % 10 == 0, y, -1)
    selector = SurrogateSelector(MODEL, n_select=0.2, alpha=2.0, random_state=0).fit(X, y_few)
    rows = selector.sample_indices_
    assert len(rows) == 90
    assert (y_few[rows] == -1).all()
    assert np.isclose(selector.selection_proba_.sum(), 90)
    assert not selector.selection_proba_[y_few >= 0].any()
    known = y_few >= 0
    assert np.allclose(selector.predict_proba(X), MODEL.fit(X[known], y[known]).predict_proba(X))


def test_a_surrogate_of_ones_own():
    X, y, _, _ = logistic_rows(0, n=500)
    strong = FrozenEstimator(LogisticRegression().fit(X, y))
    selector = SurrogateSelector(
        DecisionTreeClassifier(random_state=0), n_select=50, alpha=4.0, surrogate=strong
    )
    rows = selector.set_params(random_state=0).fit(X, y).sample_indices_
    doubt = np.abs(strong.predict_proba(X)[:, 1] - 0.5)
    assert doubt[rows].mean() < 0.7 * doubt.mean()
    assert isinstance(selector.estimator_, DecisionTreeClassifier)


def test_no_class_is_lost():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = np.array(["common"] * 150 + ["other"] * 148 + ["rare"] * 2)
    model = SurrogateSelector(LogisticRegression(), n_select=2, alpha=-3.0, random_state=0)
    model.fit(X, y)
    assert model.estimator_.classes_.tolist() == ["common", "other", "rare"]


def test_alpha_can_be_searched_for():
    X, y, _, _ = logistic_rows(0, n=1500)
    grid = {"alpha": [-4.0, 1.0], "n_select": [0.3]}
    search = GridSearchCV(SurrogateSelector(MODEL, random_state=0), grid, cv=3).fit(X, y)
    assert search.best_params_["alpha"] == 1.0


# ------------------------------------------------------------------ for a teacher


class Teacher(ClassifierMixin, BaseEstimator):
    """Knows which side of the origin a row is on, but for rows near it."""

    def __init__(self, w, band):
        self.w = w
        self.band = band

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        z = X @ self.w
        wrong = (np.abs(z) < self.band) & (np.sin(37 * X[:, 0] + 11 * X[:, 1]) > -0.6)
        says = (z > 0) ^ wrong
        return np.column_stack([~says, says]).astype(float)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def taught(seed, n=3000, n_test=3000, n_labelled=60):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=20)
    w /= np.linalg.norm(w)
    X = rng.normal(size=(n + n_test, 20))
    y = (X @ w > 0).astype(int)
    teacher = Teacher(w, 0.5).fit(X, y)
    y_few = np.where(np.arange(n) < n_labelled, y[:n], -1)
    return X[:n], y_few, X[n:], y[n:], teacher


def test_robust_draws_beat_the_smallest_margins_where_the_teacher_errs():
    student, gains, over_alone = LogisticRegression(C=10.0, max_iter=300), [], []
    for seed in range(4):
        X, y, X_test, y_test, teacher = taught(seed)
        model = RobustActiveDistillation(
            student, FrozenEstimator(teacher), n_select=300, random_state=seed
        ).fit(X, y)
        assert (model.sample_indices_ >= 60).all()
        assert len(model.sample_indices_) == 300
        said = teacher.predict(X[60:])
        alone = student.fit(X[:60], y[:60])
        nearest = 60 + np.argsort(np.abs(alone.predict_proba(X[60:])[:, 1] - 0.5))[:300]
        over_alone.append(model.score(X_test, y_test) - alone.score(X_test, y_test))
        student.fit(np.r_[X[:60], X[nearest]], np.r_[y[:60], said[nearest - 60]])
        gains.append(model.score(X_test, y_test) - student.score(X_test, y_test))
    assert np.mean(gains) > 0.01
    assert np.mean(over_alone) > 0.01


def test_the_closed_form_is_the_best_of_all_draws():
    rng = np.random.default_rng(0)
    gain = rng.random(12)

    def worst(proba, n_wrong):
        return np.sort(proba * gain)[: len(gain) - n_wrong].sum()

    for n_wrong in (0, 2, 5):
        proba = robust_sampling_proba(gain, n_wrong)
        assert np.isclose(proba.sum(), 1.0)
        best = worst(proba, n_wrong)
        assert all(worst(rng.dirichlet(np.ones(12)), n_wrong) <= best for _ in range(2000))
        near = np.maximum(proba + 0.02 * rng.normal(size=(2000, 12)), 0)
        near /= near.sum(axis=1, keepdims=True)
        assert all(worst(other, n_wrong) <= best + 1e-12 for other in near)


def test_more_errors_more_rows():
    gain = np.linspace(1.0, 0.01, 100)
    support = [(robust_sampling_proba(gain, m) > 0).sum() for m in (0, 5, 20, 50)]
    assert support[0] == 1
    assert support == sorted(set(support))
    proba = robust_sampling_proba(gain, 5, n_select=30)
    assert np.isclose(proba.sum(), 30) and proba.max() <= 1


def test_the_teachers_errors_are_counted_on_rows_it_has_not_seen():
    X, y, _, _, teacher = taught(0)
    frozen = RobustActiveDistillation(MODEL, FrozenEstimator(teacher), random_state=0).fit(X, y)
    wrong = (teacher.predict(X[:60]) != y[:60]).mean()
    assert frozen.n_wrong_ == round(wrong * 2940)
    tree = RobustActiveDistillation(MODEL, DecisionTreeClassifier(random_state=0), random_state=0)
    assert tree.fit(X, y).n_wrong_ > 0.2 * 2940
    told = tree.set_params(teacher_error=0.1).fit(X, y)
    assert told.n_wrong_ == 294
    assert told.n_support_ >= len(told.sample_indices_) == 294


@pytest.mark.parametrize("soft", [False, True])
def test_the_student_learns_what_the_teacher_says(soft):
    X, y, _, _, teacher = taught(0, n=300)
    names = np.where(y < 0, None, np.array(["a", "b", None], dtype=object)[y])
    model = RobustActiveDistillation(
        MODEL, LogisticRegression(), n_select=40, soft=soft, random_state=0
    ).fit(X, names)
    rows = model.sample_indices_
    assert np.array_equal(model.y_suggested_[rows], model.teacher_.predict(X[rows]))
    assert model.y_suggested_[:60].tolist() == names[:60].tolist()
