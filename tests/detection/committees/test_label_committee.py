"""LabelCommittee: does it rank, calibrate and explain, on any container?"""

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sknoisy.datasets import one_way_noise, pair_noise, symmetric_noise
from sknoisy.detection import ConfidentLearning
from sknoisy.detection.committees._label_committee import LabelCommittee
from sknoisy.detection.committees._label_mixture import (
    anchor_matrix,
    fit_pool,
    log_opinions,
    pool,
    unmix,
)
from sknoisy.exceptions import RareClassWarning
from sknoisy.metrics import average_precision, calibration_error


def made(n=500, n_classes=3, seed=0):
    return make_classification(
        n,
        8,
        n_informative=5,
        n_classes=n_classes,
        class_sep=1.5,
        flip_y=0,
        random_state=seed,
    )


def few(**params):
    return LabelCommittee(**{"members": "few", "cv": 3, "random_state": 0, **params})


@pytest.mark.parametrize("noise", [symmetric_noise, pair_noise])
def test_ranks_wrong_labels_better_than_one_linear_model_and_is_calibrated(noise):
    X, y = made(500)
    z, wrong = noise(y, rate=0.25, random_state=0)
    found = LabelCommittee(random_state=0).fit(X, z)
    other = ConfidentLearning(LogisticRegression(), random_state=0).fit(X, z)
    better = average_precision(wrong, found.noise_proba_)
    assert better > 0.85
    assert better > average_precision(wrong, other.noise_proba_) + 0.02
    assert calibration_error(wrong, found.noise_proba_) < 0.1
    assert found.noise_rate_ == pytest.approx(wrong.mean(), abs=0.08)


@pytest.mark.slow
def test_a_second_round_knows_the_true_classes_better():
    """Reed et al.: models that learn from corrected labels are nearer to the truth."""
    gain = []
    for seed in range(2):
        X, y = make_classification(
            400, 8, n_informative=5, n_classes=3, class_sep=1.0, flip_y=0, random_state=seed
        )
        z, _ = symmetric_noise(y, rate=0.4, random_state=seed)
        one = LabelCommittee(cv=3, random_state=0).fit(X, z)
        two = LabelCommittee(cv=3, n_rounds=2, random_state=0).fit(X, z)
        gain.append(
            (two.clean_proba_.argmax(axis=1) == y).mean()
            - (one.clean_proba_.argmax(axis=1) == y).mean()
        )
    assert np.mean(gain) > 0.02
    assert set(two.committee_) == {*one.committee_, "forest, corrected", "boosting, corrected"}
    assert sum(two.committee_.values()) == pytest.approx(1)
    np.testing.assert_allclose(two.label_proba_.sum(axis=1), 1)
    np.testing.assert_allclose(two.noise_proba_, 1 - two.label_proba_[np.arange(400), z])


def test_a_second_round_copes_with_classes_that_vanish_and_with_any_members():
    X, y = made(200, n_classes=2)
    z = y.copy()
    z[:3] = 2  # no row is like these: corrected, they are gone
    found = LabelCommittee(members="few", cv=3, n_rounds=2, random_state=0).fit(X, z)
    assert found.label_proba_.shape == (200, 3)
    assert np.isfinite(found.noise_score_).all()
    own = LabelCommittee(members=[("line", LogisticRegression())], cv=3, n_rounds=2)
    assert set(own.fit(X, z).committee_) == {"line", "line, corrected"}
    one, two = (few(n_rounds=r).fit(csr_matrix(X), z) for r in (1, 2))
    np.testing.assert_array_equal(one.noise_proba_, two.noise_proba_)


def test_transition_matrix_sees_one_way_noise():
    X, y = made(700)
    z, _ = one_way_noise(y, rate=0.1, source=0, target=1, random_state=0)  # 0.3 of class 0
    found = few().fit(X, z)
    others = found.transition_matrix_[~np.eye(3, dtype=bool)]
    assert found.transition_matrix_[0, 1] > 0.15
    assert sorted(others)[-2] < 0.1
    np.testing.assert_allclose(found.transition_matrix_.sum(axis=1), 1)


def test_posteriors_are_distributions_and_agree_with_noise_proba():
    X, y = made()
    z, _ = symmetric_noise(y, rate=0.2, random_state=0)
    found = few().fit(X, z)
    for name in ("label_proba_", "class_proba_", "clean_proba_"):
        values = getattr(found, name)
        assert values.min() >= 0
        np.testing.assert_allclose(values.sum(axis=1), 1)
    np.testing.assert_allclose(found.noise_proba_, 1 - found.label_proba_[np.arange(len(z)), z])
    assert set(found.committee_) == {"forest", "linear", "neighbors"}
    assert sum(found.committee_.values()) == pytest.approx(1)
    report = found.noise_report(X, z)
    assert report.iloc[0]["reason"].startswith("the committee says")


def test_clean_labels_are_left_alone():
    X, y = made()
    found = few().fit(X, y)
    assert found.noise_rate_ < 0.02
    assert found.noise_mask_.mean() < 0.03


def test_trusted_rows_are_never_flagged_and_show_noise_that_features_predict():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 4))
    y = (X[:, 0] > 0).astype(int)
    z = np.where(X[:, 1] > 0.7, 0, y)  # a quarter of the rows: nothing else can be learnt there
    trusted = rng.random(600) < 0.2
    z[trusted] = y[trusted]
    blind = few().fit(X, z)
    found = few().fit(X, z, trusted=trusted)
    assert not found.noise_mask_[trusted].any()
    assert (found.noise_proba_[trusted] == 0).all()
    rest, wrong = ~trusted, z != y
    assert found.noise_rate_ > blind.noise_rate_
    assert found.noise_proba_[rest & wrong].mean() > blind.noise_proba_[rest & wrong].mean()


def test_rows_of_zero_weight_say_nothing():
    X, y = made(300, n_classes=2)
    garbage = np.r_[np.zeros(300, bool), np.ones(300, bool)]
    X2, y2 = np.vstack([X, X]), np.r_[y, 1 - y]  # each row again, with the other label
    found = few().fit(X2, y2, sample_weight=np.where(garbage, 0.0, 1.0))
    assert found.noise_proba_[~garbage].mean() < 0.1
    assert found.noise_proba_[garbage].mean() > 0.2
    assert found.noise_rate_ < 0.1


def test_groups_are_held_out_together():
    X, y = made(100, n_classes=2)
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 100)  # nothing to learn but rows that are nearly the same
    X5, z5, groups = np.repeat(X, 5, axis=0), np.repeat(z, 5), np.repeat(np.arange(100), 5)
    X5 = X5 + rng.normal(scale=1e-6, size=X5.shape)
    alone = few().fit(X5, z5)
    together = few().fit(X5, z5, groups=groups)
    own = np.arange(len(z5)), z5
    assert alone.class_proba_[own].mean() > 0.9
    assert together.class_proba_[own].mean() < 0.65


def test_frame_with_texts_and_missing_values_alone_and_through_a_pipeline():
    X, y = made(400)
    z, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    frame = pd.DataFrame(X, columns=list("abcdefgh"))
    frame["h"] = np.where(y == 0, "red", "blue")
    frame.loc[::7, "a"] = np.nan
    frame.loc[::9, "h"] = None
    model = make_pipeline(
        OneHotEncoder(max_categories=5, handle_unknown="ignore"), LogisticRegression()
    )
    assert average_precision(wrong, few().fit(frame, z).noise_proba_) > 0.7
    assert average_precision(wrong, few(estimator=model).fit(frame[["h"]], z).noise_proba_) > 0.2


def test_missing_values_in_an_array():
    X, y = made()
    z, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    X = X.copy()
    X[::5, 0] = np.nan
    imputed = make_pipeline(SimpleImputer(), LogisticRegression())
    for estimator in (None, imputed):
        assert average_precision(wrong, few(estimator=estimator).fit(X, z).noise_proba_) > 0.7


def test_texts_and_sparse():
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(30)])
    y = np.repeat(["ham", "spam", "eggs"], 100)
    start = np.repeat([0, 10, 20], 100)
    texts = [" ".join(words[s + rng.integers(0, 14, 8) % 30 - 30]) for s in start]
    z, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression())
    for found in (
        LabelCommittee(random_state=0).fit(texts, z),
        LabelCommittee(model, random_state=0).fit(np.array(texts, dtype=object), z),
        few().fit(csr_matrix(TfidfVectorizer().fit_transform(texts)), z),
    ):
        assert {"linear", "neighbors", "naive Bayes"} <= set(found.committee_)
        assert average_precision(wrong, found.noise_proba_) > 0.8
        assert found.y_suggested_.dtype.kind in "UOT"


def test_selection_by_the_labels_does_not_leak():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 400)), rng.integers(0, 2, 120)
    model = make_pipeline(SelectKBest(k=10), LogisticRegression())
    found = few(estimator=model).fit(X, y)
    assert found.class_proba_[np.arange(120), y].mean() < 0.6


def test_the_estimator_alone_where_nothing_else_understands_X():
    class FirstLetter(RandomForestClassifier):
        def fit(self, X, y, sample_weight=None):
            return super().fit(self._encode(X), y, sample_weight)

        def predict_proba(self, X):
            return super().predict_proba(
                self._encode(X) if isinstance(X[0], SimpleNamespace) else X
            )

        def _encode(self, X):
            return np.array([[row.value] for row in X])

    X, y = made(200, n_classes=2)
    rows = [SimpleNamespace(value=a) for a in X[:, 0] + 3 * y]
    model = FirstLetter(10, bootstrap=False, random_state=0)
    with pytest.warns(UserWarning, match="FirstLetter alone"):
        found = LabelCommittee(model, random_state=0).fit(rows, y)
    assert found.committee_ == {"estimator": 1.0}


def test_own_members():
    X, y = made(300)
    members = [("lr", LogisticRegression()), ("rf", RandomForestClassifier(20))]
    found = few(members=members).fit(X, y)
    assert list(found.committee_) == ["lr", "rf"]


def test_sole_members_and_single_classes_are_not_judged():
    X, y = made(200, n_classes=2)
    y = y.copy()
    y[3] = 7
    with pytest.warns(RareClassWarning):
        found = few().fit(X, y)
    assert np.isnan(found.noise_score_[3])
    assert found.noise_proba_[3] == 0
    assert found.label_proba_[3].tolist() == [0, 0, 1]
    assert not np.isnan(np.delete(found.noise_score_, 3)).any()
    for labels in (np.zeros(200), np.arange(200)):
        lone = few().fit(X, labels)
        assert np.isnan(lone.noise_score_).all()
        assert not lone.noise_mask_.any()
        assert lone.noise_rate_ == 0


def test_same_result_with_more_jobs_after_pickling_and_cloning():
    X, y = made(200)
    z, _ = symmetric_noise(y, rate=0.2, random_state=0)
    one = few().fit(X, z)
    two = clone(one).set_params(n_jobs=2).fit(X, z)
    np.testing.assert_array_equal(one.noise_proba_, two.noise_proba_)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(one)).noise_proba_, one.noise_proba_)


# --------------------------------------------------------------------------- the arrays


def test_pool_listens_to_the_member_that_knows():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 400)
    good = 0.7 * np.eye(3)[codes] + 0.1
    logs = log_opinions([good, rng.dirichlet(np.ones(3), 400)])
    skill, bias = fit_pool(logs, np.eye(3)[codes], weight=np.ones(400))
    assert skill[0] > 5 * skill[1]
    assert (pool(logs, skill, bias).argmax(axis=1) == codes).all()


def test_a_member_without_opinion_changes_nothing():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(3), 50)
    logs = log_opinions([proba, np.full((50, 3), np.nan)])
    mixed = pool(logs, np.array([1.0, 1.0]), np.zeros(3))
    np.testing.assert_allclose(mixed, proba, atol=0.01)


def test_anchors_find_the_matrix_and_unmixing_inverts_it():
    rng = np.random.default_rng(0)
    clean = rng.dirichlet(np.full(3, 0.1), 2000)
    transition = np.array([[0.7, 0.3, 0.0], [0.0, 0.9, 0.1], [0.1, 0.1, 0.8]])
    noisy = clean @ transition
    np.testing.assert_allclose(anchor_matrix(noisy, np.ones(2000)), transition, atol=0.05)
    np.testing.assert_allclose(unmix(noisy, transition, n_iter=2000), clean, atol=0.03)
