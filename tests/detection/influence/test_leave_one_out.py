"""LeaveOneOutInfluence, CookDistance and SelfInfluence through their public behaviour."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeCV
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sknoisy import FilterClassifier, FilterRegressor
from sknoisy.detection import CookDistance, LeaveOneOutInfluence, SelfInfluence

ALL = [LeaveOneOutInfluence, CookDistance, SelfInfluence]


def numbers(n=40, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) * [1, 10, 0.1, 1] + [0, 100, 0, 5]
    return X, X @ [1.0, 2.0, 3.0, 4.0] + rng.normal(size=n), rng.uniform(0.2, 2.0, size=n)


def labels(n=120, n_classes=2, seed=0, flip=0.1):
    X, y = make_classification(
        n, 4, n_informative=4, n_redundant=0, n_classes=n_classes, flip_y=flip, random_state=seed
    )
    return X, y


def without_each(model, X, y, weight=None, ask="predict"):
    """Brute force: what the model fitted to all other rows says of each row."""
    answers = []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        w = None if weight is None else weight[rest]
        answers.append(getattr(clone(model).fit(X[rest], y[rest], w), ask)(X[[i]])[0])
    return np.array(answers)


# ------------------------------------------------------------------ leave one out


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "model", [LinearRegression(), Ridge(3.0), Ridge(50.0, fit_intercept=False)]
)
def test_least_squares_equals_brute_force(model, weighted):
    X, y, weight = numbers()
    weight = weight if weighted else None
    detector = LeaveOneOutInfluence(model).fit(X, y, sample_weight=weight)
    expected = without_each(model, X, y, weight)
    np.testing.assert_allclose(detector.y_suggested_, expected, rtol=0, atol=1e-8)
    np.testing.assert_allclose(detector.noise_score_, (y - expected) ** 2, rtol=1e-8, atol=1e-8)
    assert not detector.is_surrogate_


def test_far_from_zero_features_lose_no_digits():
    X, y, _ = numbers()
    X[:, 0] += 1e6
    detector = LeaveOneOutInfluence(Ridge(1.0)).fit(X, y)
    np.testing.assert_allclose(detector.y_suggested_, without_each(Ridge(1.0), X, y), atol=1e-6)


@pytest.mark.parametrize("penalty", [0.05, 1.0, np.inf])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_is_near_brute_force(n_classes, penalty):
    X, y = labels(400, n_classes)
    model = LogisticRegression(C=penalty, tol=1e-8, max_iter=1000)
    detector = LeaveOneOutInfluence(model, contamination=0).fit(X, y)
    # brute force for every 8th row, the most influential ones among them
    rows = np.union1d(np.arange(0, 400, 10), np.argsort(detector.leverage_)[-10:])
    for i in rows:
        rest = np.arange(400) != i
        proba = clone(model).fit(X[rest], y[rest]).predict_proba(X[[i]])[0]
        assert np.exp(-detector.noise_score_[i]) == pytest.approx(proba[y[i]], abs=1e-3)


def test_class_and_row_weights_are_the_models_own():
    X, y = labels(300)
    names = np.array(["no", "yes"])[y]
    weight = np.random.default_rng(0).uniform(0.5, 2.0, size=300)
    model = LogisticRegression(class_weight={"no": 1.0, "yes": 3.0}, tol=1e-8)
    detector = LeaveOneOutInfluence(model).fit(X, names, sample_weight=weight)
    for i in range(0, 300, 30):
        rest = np.arange(300) != i
        fitted = clone(model).fit(X[rest], names[rest], weight[rest])
        proba = fitted.predict_proba(X[[i]])[0]
        assert np.exp(-detector.noise_score_[i]) == pytest.approx(proba[y[i]], abs=2e-3)


@pytest.mark.parametrize("weight", ["balanced", {0: 1.0, 1: 4.0}])
def test_class_weights_matter(weight):
    X, y = labels(200)
    y[(y == 1) & (np.arange(200) % 3 > 0)] = 0
    plain = LeaveOneOutInfluence(LogisticRegression()).fit(X, y).noise_score_
    weighed = LeaveOneOutInfluence(LogisticRegression(class_weight=weight)).fit(X, y).noise_score_
    assert weighed[y == 1].mean() < plain[y == 1].mean() - 0.05


def test_a_pipeline_is_judged_behind_its_steps():
    X, y, _ = numbers()
    pipeline = make_pipeline(PolynomialFeatures(2, include_bias=False), StandardScaler(), Ridge(2))
    Z = pipeline[:-1].fit_transform(X)
    piped = LeaveOneOutInfluence(pipeline).fit(X, y)
    np.testing.assert_allclose(
        piped.noise_score_, LeaveOneOutInfluence(Ridge(2)).fit(Z, y).noise_score_
    )
    table = pd.DataFrame(X, columns=list("abcd"))
    np.testing.assert_allclose(
        LeaveOneOutInfluence(pipeline).fit(table, y).noise_score_, piped.noise_score_
    )


def test_a_chosen_penalty_is_used():
    X, y, _ = numbers()
    model = RidgeCV([0.1, 10.0, 1000.0])
    fixed = Ridge(model.fit(X, y).alpha_)
    np.testing.assert_allclose(
        LeaveOneOutInfluence(model).fit(X, y).noise_score_,
        LeaveOneOutInfluence(fixed).fit(X, y).noise_score_,
    )


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(),
        LogisticRegression(solver="liblinear"),
        LogisticRegression(l1_ratio=0.5, solver="saga", penalty="elasticnet"),
    ],
)
def test_other_models_have_a_documented_surrogate(model):
    X, y = labels()
    detector = LeaveOneOutInfluence(model).fit(X, y)
    assert detector.is_surrogate_
    Z = StandardScaler().fit_transform(X)
    expected = (
        LeaveOneOutInfluence(LogisticRegression(tol=1e-6, max_iter=1000)).fit(Z, y).noise_score_
    )
    np.testing.assert_allclose(detector.noise_score_, expected)
    np.testing.assert_allclose(LeaveOneOutInfluence().fit(X, y).noise_score_, expected)


def test_a_model_of_very_many_coefficients_has_a_surrogate_of_few():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1200))
    y = (X[:, :40].sum(axis=1) > 0).astype(int)
    detector = LeaveOneOutInfluence(LogisticRegression()).fit(X, y)
    assert detector.is_surrogate_
    assert np.isfinite(detector.noise_score_).all()


def test_a_row_that_alone_determines_a_coefficient_is_not_judged():
    X, y, _ = numbers()
    only = np.zeros((40, 1))
    only[7] = 1.0
    for kind in (LeaveOneOutInfluence, CookDistance):
        detector = kind(LinearRegression()).fit(np.hstack([X, only]), y)
        assert np.flatnonzero(np.isnan(detector.noise_score_)).tolist() == [7]
        assert detector.y_suggested_[7] == y[7]


@pytest.mark.parametrize("kind", ALL)
def test_redundant_and_constant_features_change_nothing(kind):
    X, y, _ = numbers()
    more = np.column_stack([X, np.ones(40), X[:, 0] - X[:, 3]])
    a, b = kind(LinearRegression()).fit(X, y), kind(LinearRegression()).fit(more, y)
    np.testing.assert_allclose(a.noise_score_, b.noise_score_, rtol=1e-6, atol=1e-9)


# ------------------------------------------------------------------ influence


def test_cook_distance_is_its_definition():
    X, y, _ = numbers()
    model = LinearRegression().fit(X, y)
    fitted = model.predict(X)
    variance = ((y - fitted) ** 2).sum() / (40 - 5)
    expected = []
    for i in range(40):
        rest = np.arange(40) != i
        moved = LinearRegression().fit(X[rest], y[rest]).predict(X)
        expected.append(((fitted - moved) ** 2).sum() / (5 * variance))
    detector = CookDistance(LinearRegression()).fit(X, y)
    np.testing.assert_allclose(detector.noise_score_, expected, rtol=1e-8)
    assert detector.leverage_.sum() == pytest.approx(5)


def test_cook_distance_of_a_logistic_model_is_pregibons():
    X, y = labels(300)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X, y)
    p = model.predict_proba(X)[:, 1]
    Z = np.column_stack([X, np.ones(300)])
    v = p * (1 - p)
    h = v * ((Z @ np.linalg.inv((Z.T * v) @ Z)) * Z).sum(axis=1)
    expected = (y - p) ** 2 / v * h / (1 - h) ** 2 / 5
    detector = CookDistance(clone(model)).fit(X, y)
    np.testing.assert_allclose(detector.leverage_, h, rtol=1e-4)
    np.testing.assert_allclose(detector.noise_score_, expected, rtol=1e-4)


def test_cook_distance_of_several_classes_is_the_move_of_the_coefficients():
    X, y = labels(400, 3)
    model = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000)
    whole = clone(model).fit(X, y)
    P = whole.predict_proba(X)
    Z = np.column_stack([X, np.ones(400)])
    hessian = np.zeros((15, 15))
    for z, p in zip(Z, P, strict=True):
        hessian += np.kron(np.diag(p) - np.outer(p, p), np.outer(z, z))
    hessian += np.kron(np.eye(3), np.diag([1, 1, 1, 1, 0]))
    detector = CookDistance(model).fit(X, y)
    for i in np.argsort(detector.noise_score_)[::-40]:
        rest = np.arange(400) != i
        left = clone(model).fit(X[rest], y[rest])
        move = np.hstack([left.coef_ - whole.coef_, (left.intercept_ - whole.intercept_)[:, None]])
        expected = move.ravel() @ hessian @ move.ravel() / detector.leverage_.sum()
        assert detector.noise_score_[i] == pytest.approx(expected, rel=0.1, abs=1e-7)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_self_influence_is_its_definition(n_classes):
    X, y = labels(150, n_classes)
    model = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000, fit_intercept=False).fit(X, y)
    P = model.predict_proba(X)
    off = P - np.eye(n_classes)[y]
    if n_classes == 2:
        curvature, off = [[[p * (1 - p)]] for p in P[:, 1]], off[:, 1:]
    else:
        curvature = [np.diag(p) - np.outer(p, p) for p in P]
    hessian = sum(np.kron(s, np.outer(x, x)) for s, x in zip(curvature, X, strict=True))
    hessian = hessian + 2.0 * np.eye(len(hessian))
    gradients = np.array([np.kron(g, x) for g, x in zip(off, X, strict=True)])
    expected = ((gradients @ np.linalg.inv(hessian)) * gradients).sum(axis=1)
    detector = SelfInfluence(clone(model)).fit(X, y)
    np.testing.assert_allclose(detector.noise_score_, expected, rtol=1e-6)


def test_self_influence_foretells_the_rise_of_the_loss():
    # Koh and Liang: the first-order change of the loss is close to that of a fit without the row
    X, y = labels(400)
    model = LogisticRegression(tol=1e-10)
    loss = -np.log(clone(model).fit(X, y).predict_proba(X)[np.arange(400), y])
    exact = LeaveOneOutInfluence(model).fit(X, y).noise_score_ - loss
    np.testing.assert_allclose(SelfInfluence(model).fit(X, y).noise_score_, exact, rtol=0.35)


# ------------------------------------------------------------------ finding noise


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ALL)
def test_flipped_labels_have_high_scores(kind, seed):
    X, y = make_classification(
        600, 8, n_informative=6, n_classes=3, class_sep=2, flip_y=0, random_state=seed,
        n_clusters_per_class=1,
    )  # fmt: skip
    wrong = np.random.default_rng(seed).random(600) < 0.1
    noisy = np.where(wrong, (y + 1) % 3, y)
    detector = kind(LogisticRegression()).fit(X, noisy)
    least = 0.85 if kind is LeaveOneOutInfluence else 0.6
    assert average_precision_score(wrong, detector.noise_score_) > least


@pytest.mark.parametrize("model", [None, RandomForestRegressor(), LinearRegression()])
@pytest.mark.parametrize("kind", ALL)
def test_wrong_numbers_have_high_scores(kind, model):
    X, y = make_regression(300, 5, noise=5.0, random_state=0)
    wrong = np.random.default_rng(0).random(300) < 0.1
    y[wrong] += 1000.0
    detector = kind(model).fit(X, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.9
    assert detector.is_surrogate_ == (not isinstance(model, LinearRegression))


def test_cook_distance_finds_a_broken_feature_that_residuals_hide():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 1))
    y = X[:, 0] + rng.normal(size=100)
    X[3], y[3] = 30.0, 15.0  # far out, it draws the line to itself
    residual = np.abs(y - LinearRegression().fit(X, y).predict(X))
    assert residual[3] < np.sort(residual)[-5]
    assert CookDistance(LinearRegression()).fit(X, y).noise_score_.argmax() == 3


def test_the_clear_case_is_flagged_and_treated():
    X, y = labels(400, flip=0.0)
    X = X * 3
    y = (X.sum(axis=1) > 0).astype(int)
    wrong = np.arange(0, 400, 10)
    y[wrong] = 1 - y[wrong]
    filtered = FilterClassifier(LogisticRegression(), LeaveOneOutInfluence(contamination=0.1)).fit(
        X, y
    )
    assert np.isin(wrong, np.flatnonzero(filtered.noise_mask_)).mean() > 0.9
    assert not filtered.detector_.is_surrogate_
    X, y, _ = numbers(200)
    y[::20] += 100
    filtered = FilterRegressor(Ridge(), LeaveOneOutInfluence(contamination=0.05)).fit(X, y)
    assert np.flatnonzero(filtered.noise_mask_).tolist() == list(range(0, 200, 20))


# ------------------------------------------------------------------ the contract


@pytest.mark.parametrize("kind", ALL)
def test_renaming_the_labels_renames_the_answer(kind):
    X, codes = labels(150, 3)
    names = np.array(["z", "m", "a"])
    model = LogisticRegression(tol=1e-10, max_iter=1000)
    old, new = kind(model).fit(X, codes), kind(model).fit(X, names[codes])
    np.testing.assert_allclose(new.noise_score_, old.noise_score_, rtol=1e-5)
    np.testing.assert_array_equal(new.y_suggested_, names[old.y_suggested_])


@pytest.mark.parametrize("kind", ALL)
def test_sole_members_and_single_classes_are_not_judged(kind):
    X, y = labels(60)
    y[5] = 2
    detector = kind().fit(X, y)
    assert np.flatnonzero(np.isnan(detector.noise_score_)).tolist() == [5]
    assert not detector.noise_mask_[5]
    assert detector.y_suggested_[5] == 2
    alone = kind().fit(X, np.ones(60))
    assert np.isnan(alone.noise_score_).all()
    assert not alone.noise_mask_.any()


@pytest.mark.parametrize("kind", ALL)
def test_trusted_rows_and_reports(kind):
    X, y, _ = numbers(100)
    y[[4, 8]] += 300
    trusted = np.arange(100) == 4
    detector = kind(Ridge(), contamination=0.02).fit(X, y, trusted=trusted)
    assert detector.noise_mask_[8]
    assert not detector.noise_mask_[4]
    assert "without this row a linear model predicts" in detector.noise_report(X, y)["reason"][8]


def test_a_wrong_kind_of_model_is_refused():
    X, y, _ = numbers()
    with pytest.raises(TypeError, match="Ridge"):
        LeaveOneOutInfluence(Ridge).fit(X, y)
    with pytest.raises(ValueError, match="contamination"):
        LeaveOneOutInfluence(contamination=2).fit(X, y)
