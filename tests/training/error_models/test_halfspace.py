"""Certificates of halfspaces, the ramp loss, and the classifier that uses both."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import check_grad
from scipy.sparse import csr_matrix
from scipy.stats import norm
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier
from sknoisy.training.error_models import (
    CertifiedHalfspaceClassifier,
    RampHalfspaceClassifier,
    certify_halfspace,
)
from sknoisy.training.error_models._halfspace_certificate import (
    largest_angle,
    least_slope,
    moments_off,
)
from sknoisy.training.error_models._ramp_halfspace import ramp_loss


def massart(seed, eta, n=2000, d=5):
    """Normal rows; labels of one half of the space are flipped with probability `eta`."""
    rng = np.random.default_rng(seed)
    X, normal, worse = rng.normal(size=(n, d)), rng.normal(size=d), rng.normal(size=d)
    right = X @ normal > 0
    return X, right, right ^ (rng.random(n) < eta * (X @ worse > 0)), normal, worse


def strange(kind, seed, n=2000):
    """Rows that are not normal; the labels of the outermost fifth follow another column."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    if kind == "clusters":
        X[:, 1] = 0.5 * X[:, 1] + 1.5 * rng.choice([-1, 1], n)
    elif kind == "clusters across":
        X[:, 0] = 0.5 * X[:, 0] + 1.5 * rng.choice([-1, 1], n)
    elif kind == "heavy tails":
        X = rng.standard_t(3, size=(n, 5))
    else:
        X = rng.exponential(size=(n, 5)) - 1.0
    y = X[:, 0] > 0
    far = np.argsort(-np.abs(X[:, 1]))[: n // 5]
    y[far] = X[far, 1] > 0
    return X, y


@pytest.mark.parametrize("eta", [0.2, 0.3])
def test_normal_rows_are_certified_and_the_ramp_is_nearly_the_best(eta):
    certified, lost = 0, []
    for seed in range(10):
        X, _, y, normal, worse = massart(seed, eta)
        X_new = np.random.default_rng(seed + 50).normal(size=(20_000, 5))
        model = RampHalfspaceClassifier().fit(X, y)
        certificate = certify_halfspace(model, X, y, eta=eta)
        certified += certificate.certified
        apart = model.predict(X_new) != (X_new @ normal > 0)
        lost.append(np.mean(apart * (1 - 2 * eta * (X_new @ worse > 0))))
        assert lost[-1] < certificate.excess
        assert certificate.error == pytest.approx((model.predict(X) != y).mean())
    assert certified >= 9
    assert np.mean(lost) < 0.01
    assert np.max(lost) < 0.02


@pytest.mark.parametrize("kind", ["clusters", "clusters across", "heavy tails", "lopsided"])
def test_rows_that_are_not_normal_are_rejected(kind):
    for seed in range(5):
        X, y = strange(kind, seed)
        for model in (LogisticRegression(), RampHalfspaceClassifier()):
            certificate = certify_halfspace(model.fit(X, y), X, y)
            assert not certificate.certified
            assert "allowed" in certificate.reason


def test_a_halfspace_that_can_be_turned_is_rejected():
    X, _, y, normal, _ = massart(0, 0.2)
    model = LogisticRegression().fit(X, y)
    model.coef_ = model.coef_ + np.array([[0.0, 0.0, 0.0, 0.0, 2.0]])
    certificate = certify_halfspace(model, X, y, eta=0.2)
    assert not certificate.certified
    assert certificate.reason.startswith(("excess", "error"))


def test_few_rows_and_far_boundaries_are_said():
    X, _, y, _, _ = massart(0, 0.1, n=200)
    certificate = certify_halfspace(LogisticRegression().fit(X, y), X, y)
    assert "number of rows in the band" in certificate.reason
    X, _, y, normal, _ = massart(0, 0.0)
    far = X @ normal > 2 * np.linalg.norm(normal)
    certificate = certify_halfspace(LogisticRegression().fit(X, far), X, far)
    assert "distance of the boundary" in certificate.reason


def test_the_certificate_does_not_depend_on_units_and_names():
    X, _, y, _, _ = massart(1, 0.2)
    a = certify_halfspace(RampHalfspaceClassifier().fit(X, y), X, y)
    mixed = X @ np.random.default_rng(0).normal(size=(5, 5)) * 10 + 3
    names = np.array(["yes", "no"])[y.astype(int)]
    pipe = make_pipeline(StandardScaler(), RampHalfspaceClassifier())
    b = certify_halfspace(pipe.fit(mixed, names), mixed, names)
    assert a.certified == b.certified
    assert a.error == pytest.approx(b.error, abs=2e-3)
    assert a.excess == pytest.approx(b.excess, abs=5e-3)
    none = np.arange(len(X)) % 2 == 0
    weighted = certify_halfspace(pipe, mixed, names, sample_weight=none)
    half = certify_halfspace(pipe, mixed[none], names[none])
    assert weighted.reason == half.reason


def test_formulas():
    # without noise, the slope of the ramp loss at an angle, by simulation
    rng = np.random.default_rng(0)
    u, z = rng.normal(size=(2, 2_000_000))
    for angle in (0.3, 1.0):
        sign = np.sign(np.cos(angle) * u + np.sin(angle) * z)
        slope = np.mean((np.abs(u) < 0.5) * sign * z)
        assert least_slope(angle, 0.0, 0.0, 0.5) == pytest.approx(slope, abs=2e-3)
    # the steeper the slope may be, and the more labels are flipped, the larger is the angle
    angles = [largest_angle(s, 4, 0.0, eta, 0.5) for s, eta in [(0.02, 0), (0.1, 0), (0.1, 0.3)]]
    assert angles[0] < angles[1] < angles[2]
    assert np.isnan(largest_angle(0.3, 4, 0.0, 0.3, 0.5))
    rows = norm.ppf((np.arange(2000) + 0.5) / 2000)[:, None]
    np.testing.assert_allclose(moments_off(rows, np.full(2000, 1 / 2000)), 0.0, atol=0.03)
    two = np.sign(rows)
    assert moments_off(two, np.full(2000, 1 / 2000))[3] == pytest.approx(2.0)


def test_ramp_loss_has_its_gradient_and_no_row_counts_more_than_once():
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=(50, 3)), np.ones(50)])
    sign, weight = rng.choice([-1.0, 1.0], 50), np.full(50, 0.02)
    at = rng.normal(size=4)
    args = (rows, sign, weight, 0.3)
    assert check_grad(lambda p: ramp_loss(p, *args)[0], lambda p: ramp_loss(p, *args)[1], at) < 1e-5
    X, right, y, _, _ = massart(0, 0.2)
    X[:100] *= 50.0
    y[:100] = ~right[:100]
    far = RampHalfspaceClassifier().fit(X, y)
    assert (far.predict(X)[100:] == right[100:]).mean() > 0.9


def test_ramp_takes_weights_and_sparse_rows():
    X, _, y, _, _ = massart(0, 0.2, n=300)
    weight = np.random.default_rng(0).integers(0, 4, 300)
    a = RampHalfspaceClassifier().fit(X, y, sample_weight=weight)
    b = RampHalfspaceClassifier().fit(np.repeat(X, weight, 0), np.repeat(y, weight))
    np.testing.assert_allclose(a.decision_function(X), b.decision_function(X), atol=1e-3)
    sparse = RampHalfspaceClassifier().fit(csr_matrix(X), y)
    np.testing.assert_array_equal(
        sparse.predict(csr_matrix(X)), RampHalfspaceClassifier().fit(X, y).predict(X)
    )
    constant = np.column_stack([X, np.ones(300), X[:, 0]])
    assert np.isfinite(RampHalfspaceClassifier().fit(constant, y).coef_).all()
    proba = sparse.predict_proba(csr_matrix(X))
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)


# --------------------------------------------------------------------------- the classifier


@pytest.mark.parametrize("inner", [LogisticRegression(), LinearSVC()], ids=str)
def test_a_certified_classifier_is_kept(inner):
    X, right, y, _, _ = massart(0, 0.1, n=4000)
    model = CertifiedHalfspaceClassifier(inner, eta=0.1, max_excess=0.15, random_state=0)
    model.fit(X, y)
    assert model.source_ == "estimator"
    assert model.certified_
    assert type(model.estimator_) is type(inner)
    assert model.score(X, right) > 0.92


def test_the_fallback_takes_the_place_of_a_rejected_one():
    X, y = strange("heavy tails", 0)
    ramp = CertifiedHalfspaceClassifier(LogisticRegression()).fit(X, y)
    assert ramp.source_ == "fallback"
    assert isinstance(ramp.estimator_, RampHalfspaceClassifier)
    assert list(ramp.certificates_) == ["estimator", "fallback"]
    assert not ramp.certified_
    stays = CertifiedHalfspaceClassifier(LogisticRegression(), fallback=None).fit(X, y)
    assert (stays.source_, stays.certified_) == ("estimator", False)
    plain = LogisticRegression().fit(X, y)
    np.testing.assert_allclose(stays.predict_proba(X), plain.predict_proba(X))
    treated = FilterClassifier(LogisticRegression(), random_state=0)
    filtered = CertifiedHalfspaceClassifier(LogisticRegression(), fallback=treated).fit(X, y)
    assert isinstance(filtered.estimator_, FilterClassifier)
    assert "fallback" in filtered.certificates_  # a filtered linear model is linear
    tree = CertifiedHalfspaceClassifier(
        LogisticRegression(), fallback=DecisionTreeClassifier(max_depth=2)
    ).fit(X, y)
    assert list(tree.certificates_) == ["estimator"]
    assert tree.certificate_ is tree.certificates_["estimator"]
    assert not tree.certified_


def test_the_ramp_is_certified_where_the_likelihood_misleads():
    n_likelihood = n_ramp = 0
    for seed in range(5):
        X, _, y, _, _ = massart(seed, 0.3)
        model = CertifiedHalfspaceClassifier(LogisticRegression(), eta=0.3).fit(X, y)
        n_likelihood += model.source_ == "estimator"
        n_ramp += model.certified_
    assert n_likelihood <= 3
    assert n_ramp >= 4


def test_pipelines_tables_and_searches():
    X, _, y, _, _ = massart(0, 0.2)
    names = np.array(["no", "yes"])[y.astype(int)]
    table = pd.DataFrame(X, columns=list("abcde")).assign(kind=np.where(X[:, 0] > 1, "u", "v"))
    steps = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    pipe = make_pipeline(steps, LogisticRegression())
    model = CertifiedHalfspaceClassifier(pipe).fit(table, names)
    assert not model.certified_  # a column of zeros and ones is not normal
    assert isinstance(model.estimator_[-1], RampHalfspaceClassifier)
    assert set(model.predict(table)) == {"no", "yes"}
    numbers = CertifiedHalfspaceClassifier(make_pipeline(StandardScaler(), LogisticRegression()))
    assert numbers.fit(table[list("abcde")], names, logisticregression__sample_weight=None)
    sparse = CertifiedHalfspaceClassifier(LogisticRegression()).fit(csr_matrix(X), y)
    assert sparse.predict(csr_matrix(X)).shape == y.shape
    GridSearchCV(
        CertifiedHalfspaceClassifier(LogisticRegression()), {"estimator__C": [0.1, 1]}
    ).fit(X, y)


def test_weights_reach_all():
    X, _, y, _, _ = massart(0, 0.2)
    keep = np.arange(len(X)) % 2 == 0
    a = CertifiedHalfspaceClassifier(LogisticRegression()).fit(X, y, sample_weight=keep)
    b = CertifiedHalfspaceClassifier(LogisticRegression()).fit(X[keep], y[keep])
    assert a.source_ == b.source_
    np.testing.assert_allclose(a.decision_function(X), b.decision_function(X), atol=1e-2)


@pytest.mark.parametrize("d", [1, 3])
def test_other_linear_models(d):
    X, _, y, _, _ = massart(0, 0.2, n=1000)
    X = X[:, :d]
    expected = certify_halfspace(LogisticRegression(C=10).fit(X, y), X, y)
    sparse = LogisticRegression(C=10).fit(X, y).sparsify()
    search = GridSearchCV(LogisticRegression(), {"C": [10]}).fit(X, y)
    for model in (sparse, search):
        assert certify_halfspace(model, X, y).error == expected.error
    ridge = RidgeClassifier().fit(X, y)
    assert certify_halfspace(ridge, X, y).error == pytest.approx(1 - ridge.score(X, y))


def test_errors():
    X, _, y, _, _ = massart(0, 0.2, n=300)
    with pytest.raises(TypeError, match="needs a linear classifier, and DecisionTreeClassifier"):
        CertifiedHalfspaceClassifier(DecisionTreeClassifier()).fit(X, y)
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        CertifiedHalfspaceClassifier(LogisticRegression()).fit(X, np.arange(300) % 3)
    with pytest.raises(TypeError, match="no fitted linear classifier of two classes"):
        certify_halfspace(LogisticRegression(), X, y)
    model = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match=r"y has 'no' in row 0, and the model's classes are \["):
        certify_halfspace(model, X, np.full(300, "no"))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        certify_halfspace(model, X, y[:5])
    with pytest.raises(ValueError, match="sample_weight"):
        certify_halfspace(model, X, y, sample_weight=np.zeros(300))
    with pytest.raises(ValueError, match="eta must be in"):
        certify_halfspace(model, X, y, eta=0.5)
    weighted = CertifiedHalfspaceClassifier(LogisticRegression(), fallback=KNeighborsClassifier())
    with pytest.raises(ValueError, match="fallback learns from the same rows"):
        weighted.fit(X, y, sample_weight=np.ones(300))
    assert clone(weighted).fit(X, y).source_ == "fallback"
