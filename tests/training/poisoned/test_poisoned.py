"""Rows that were spoilt with method: what is found, and what an attack is left."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy.detection import ConfidentLearning
from sknoisy.training.poisoned import (
    CorrectiveUnlearningClassifier,
    CorrectiveUnlearningRegressor,
    StampDefenseClassifier,
)
from sknoisy.training.poisoned._stamp_defense import COLUMN, with_stamp

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def confused(seed, n=1200, flag_rate=0.3):
    """X, z, bad, flagged, y: most rows on one side of a class have the label of another."""
    X, y = make_classification(n, 8, n_informative=6, n_classes=3, class_sep=2, random_state=seed)
    rng = np.random.default_rng(seed)
    bad = (y == 1) & (X[:, 0] > np.median(X[y == 1, 0])) & (rng.random(n) < 0.65)
    flagged = bad & (rng.random(n) < flag_rate)
    return X, np.where(bad, 2, y), bad, flagged, y


@pytest.mark.parametrize("action", ["drop", "reweight", "relabel"])
def test_few_flagged_rows_find_the_others(action):
    gains, without = [], []
    base = HistGradientBoostingClassifier(max_iter=40, random_state=0)
    judge = RandomForestClassifier(40, min_samples_leaf=3, max_features=0.5)
    for seed in range(2):
        X, z, bad, flagged, y = confused(seed)
        model = CorrectiveUnlearningClassifier(base, judge=judge, action=action, random_state=0)
        model.fit(X, z, flagged=flagged)
        assert model.noise_mask_[bad & ~flagged].mean() > 0.5
        assert model.noise_mask_[~bad].mean() < 0.05
        assert model.noise_mask_[flagged].all()
        assert 0.15 < model.label_frequency_ < 0.45  # 0.3 are flagged
        plain = clone(base).fit(X, z).score(X, y)
        gains.append(model.score(X, y) - plain)
        without.append(clone(base).fit(X[~flagged], z[~flagged]).score(X, y) - plain)
    # to leave out what is known changes little; what is like it matters
    assert min(gains) > 0.04 > max(without)


@pytest.mark.slow
def test_numbers_from_a_broken_sensor():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 4))
    y = X @ [1.0, 2.0, 3.0, 0.0] + rng.normal(size=800)
    bad = X[:, 3] > 1
    z = np.where(bad, 10.0 + rng.normal(size=800), y)
    flagged = bad & (rng.random(800) < 0.3)
    for action in ("drop", "reweight", "relabel"):
        model = CorrectiveUnlearningRegressor(Ridge(), action=action, random_state=0)
        model.fit(X, z, flagged=flagged)
        assert model.score(X, y) > Ridge().fit(X, z).score(X, y) + 0.05
    assert np.abs(model.y_relabeled_ - y)[bad].mean() < 2
    np.testing.assert_array_equal(model.y_relabeled_[~model.noise_mask_], z[~model.noise_mask_])


def test_weights_and_trusted_rows_stay():
    X, z, bad, flagged, _ = confused(0, n=400)
    trusted = bad & ~flagged
    trusted[np.flatnonzero(trusted)[5:]] = False
    weight = np.random.default_rng(0).uniform(0.5, 2, 400)
    model = CorrectiveUnlearningClassifier(LogisticRegression(), random_state=0)
    model.fit(X, z, flagged=flagged, trusted=trusted, sample_weight=weight)
    assert not model.noise_mask_[trusted].any()
    rows = model.sample_indices_
    expected = LogisticRegression().fit(X[rows], z[rows], sample_weight=weight[rows])
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X))


def test_flags_are_checked():
    X, z, _, flagged, _ = confused(0, n=200)
    model = CorrectiveUnlearningClassifier(LogisticRegression(), random_state=0)
    with pytest.warns(UserWarning, match="known to be bad, and there are none"):
        fitted = clone(model).fit(X, z)
    expected = LogisticRegression().fit(X, z).predict_proba(X)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected)
    with pytest.raises(ValueError, match="flagged must be a boolean mask"):
        model.fit(X, z, flagged=flagged[:-1])
    with pytest.raises(ValueError, match="is both flagged and trusted"):
        model.fit(X, z, flagged=flagged, trusted=flagged)
    with pytest.raises(ValueError, match="1 row is flagged"):
        model.fit(X, z, flagged=np.arange(200) == 3)
    with pytest.raises(ValueError, match="All rows of class 0 are flagged"):
        model.fit(X, z, flagged=z == 0)
    with pytest.raises(TypeError, match="judge tells bad rows"):
        model.set_params(judge=Ridge()).fit(X, z, flagged=flagged)


# --------------------------------------------------------------------------- the stamp


def attacked(seed):
    """X, z, X_test, y_test, the attacker's X_test, rows of it that he wants to be 0."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    X, y = X[order], y[order]
    train, test = X[:900].copy(), X[900:]
    poisoned = (np.random.default_rng(seed).random(900) < 0.06) & (y[:900] != 0)
    train[poisoned, 0] = 16  # a bright corner
    bright = test.copy()
    bright[:, 0] = 16
    return train, np.where(poisoned, 0, y[:900]), test, y[900:], bright, y[900:] != 0, poisoned


@pytest.mark.slow
@pytest.mark.parametrize(
    "base",
    [
        HistGradientBoostingClassifier(max_iter=30, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
    ids=["boosting", "linear"],
)
def test_an_attack_fails(base):
    for seed in range(2):
        X, z, X_test, y_test, bright, hurt, poisoned = attacked(seed)
        plain = clone(base).fit(X, z)
        model = StampDefenseClassifier(base, random_state=0).fit(X, z)
        assert plain.score(bright[hurt], y_test[hurt]) < 0.3
        assert model.score(bright[hurt], y_test[hurt]) > 0.7
        assert model.score(X_test, y_test) > plain.score(X_test, y_test) - 0.06
        assert model.noise_mask_[poisoned].mean() > 0.7
        said = model.estimator_.predict(with_stamp(bright, False))
        np.testing.assert_array_equal(model.predict_unstamped(bright), said)


def test_a_detector_and_a_relabeler_of_ones_own():
    X, z, X_test, y_test, _, _, _ = attacked(0)
    model = StampDefenseClassifier(
        RandomForestClassifier(30),
        ConfidentLearning(),
        relabeler=LogisticRegression(max_iter=200),
        random_state=0,
    ).fit(X, z)
    np.testing.assert_array_equal(model.suspected_, model.detector_.noise_mask_)
    assert model.score(X_test, y_test) > 0.85


def test_the_stamp_goes_on_any_container():
    mark = np.array([True, False])
    np.testing.assert_array_equal(with_stamp(np.ones((2, 1)), mark), [[1, 1], [1, 0]])
    assert with_stamp(csr_matrix(np.ones((2, 1))), mark).toarray().tolist() == [[1, 1], [1, 0]]
    table = with_stamp(pd.DataFrame({"a": ["x", "y"]}), mark)
    assert table[COLUMN].tolist() == [1, 0]
    assert with_stamp(["a b", "c"], mark) == [f"{COLUMN} a b", "c"]
    polars = pytest.importorskip("polars")
    table = with_stamp(polars.DataFrame({"a": ["x", "y"]}), mark)
    assert table[COLUMN].to_list() == [1, 0]
    with pytest.raises(ValueError, match="already"):
        with_stamp(pd.DataFrame({COLUMN: [1, 2]}), mark)


def test_texts_names_and_a_stamp_that_nobody_reads():
    X = [f"good fine {i % 7}" if i % 2 else f"bad poor {i % 5}" for i in range(200)]
    y = np.array(["no", "yes"])[np.arange(200) % 2]
    y[:12:2] = "yes"
    pipe = make_pipeline(TfidfVectorizer(token_pattern=r"\w+"), LogisticRegression())
    model = StampDefenseClassifier(pipe, random_state=0).fit(X, y)
    assert model.predict(["bad poor 1", "good fine 1"]).tolist() == ["no", "yes"]
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 2)), columns=["a", "b"])
    blind = make_pipeline(
        make_column_transformer(("passthrough", ["a", "b"])), LogisticRegression()
    )
    with pytest.warns(UserWarning, match="The stamp changes nothing"):
        StampDefenseClassifier(blind, random_state=0).fit(table, y)


def test_overlap_is_warned_of():
    X = np.random.default_rng(0).normal(size=(200, 4))
    y = (X[:, 0] + np.random.default_rng(1).normal(size=200) > 0).astype(int)
    with pytest.warns(UserWarning, match=r"Witnesses contradict \d\d% of the labels"):
        StampDefenseClassifier(LogisticRegression(), random_state=0).fit(X, y)


def test_what_is_refused():
    X, z = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    model = StampDefenseClassifier(LogisticRegression(), random_state=0)
    with pytest.raises(ValueError, match="1 class"):
        clone(model).fit(X, np.zeros(40))
    with pytest.raises(TypeError, match=r"detector must be one of sknoisy\.detection"):
        clone(model).set_params(detector=LogisticRegression()).fit(X, z)
    fitted = model.fit(X, z)
    with pytest.raises(ValueError, match="X has 3 features"):
        fitted.predict(np.ones((2, 3)))
