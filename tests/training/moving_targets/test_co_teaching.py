"""Co-teaching with truncated features: the papers' claims, and what holds for any model."""

import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sknoisy._evidence import Evidence
from sknoisy.datasets import symmetric_noise
from sknoisy.training.moving_targets import CoTeachingClassifier, CoTeachingRegressor
from sknoisy.training.moving_targets._co_teaching import small_losses
from sknoisy.training.moving_targets._truncation import Truncation, draw_shares

from ...helpers import fits, noisy_labels, noisy_numbers, recording, row_numbers

SEEDS = range(3)
QUICK = {"n_draws": 1, "n_rounds": 2, "cv": 2, "random_state": 0}


def flipped(seed, n_features, rate=0.4, n=300):
    """Four classes in eight features, the others say nothing; 40 % of the labels are wrong."""
    X, y = make_classification(
        n + 1000,
        n_features,
        n_informative=8,
        n_redundant=0,
        n_classes=4,
        n_clusters_per_class=1,
        class_sep=1.5,
        flip_y=0,
        random_state=seed,
    )
    return X[:n], symmetric_noise(y[:n], rate, random_state=seed)[0], y[:n], X[n:], y[n:]


# ------------------------------------------------------------------ the papers' claims


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("plain", "gain"),
    [(KNeighborsClassifier(), 0.1), (DecisionTreeClassifier(min_samples_leaf=3), 0.1)],
    ids=["neighbours", "tree"],
)
def test_peers_that_choose_each_others_rows_gain(plain, gain, seed):
    X, noisy, y, X_new, y_new = flipped(seed, 10)
    plain = clone(plain)
    if "random_state" in plain.get_params():
        plain.set_params(random_state=0)
    model = CoTeachingClassifier(plain, n_draws=0, random_state=0).fit(X, noisy)
    assert model.score(X_new, y_new) > plain.fit(X, noisy).score(X_new, y_new) + gain
    assert 0.2 < model.noise_rate_ <= 0.5
    assert (noisy != y)[model.noise_mask_].mean() > 0.7


def test_fewer_features_gain_where_most_say_nothing():
    gains = []
    for seed in SEEDS:
        X, noisy, _, X_new, y_new = flipped(seed, 80)
        scores = [
            CoTeachingClassifier(KNeighborsClassifier(), compress=compress, random_state=0)
            .fit(X, noisy)
            .score(X_new, y_new)
            for compress in ("importance", None)
        ]
        gains.append(scores[0] - scores[1])
    assert min(gains) > -0.01 and np.mean(gains) > 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_wrong_numbers_cost_less(seed):
    rng = np.random.RandomState(seed)
    X = rng.randn(700, 5)
    law = 3 * np.sin(X[:, 0]) + 2 * X[:, 1]
    y, wrong = law + 0.5 * rng.randn(700), rng.rand(700) < 0.3
    y[wrong] += 20
    X, y, X_new, law = X[:300], y[:300], X[300:], law[300:]
    for plain in (KNeighborsRegressor(), DecisionTreeRegressor(min_samples_leaf=5)):
        model = CoTeachingRegressor(plain, noise_rate=0.3, n_draws=1, random_state=0).fit(X, y)
        errors = [np.mean((m.predict(X_new) - law) ** 2) for m in (model, plain.fit(X, y))]
        assert errors[0] < 0.5 * errors[1]


def test_little_is_lost_where_nothing_is_wrong():
    lost = []
    for seed in SEEDS:
        X, _, y, X_new, y_new = flipped(seed, 10)
        for plain in (LogisticRegression(), KNeighborsClassifier()):
            model = CoTeachingClassifier(plain, n_draws=1, random_state=0).fit(X, y)
            lost.append(plain.fit(X, y).score(X_new, y_new) - model.score(X_new, y_new))
    assert np.mean(lost) < 0.02 and max(lost) < 0.05


# ------------------------------------------------------------------ the loop


def test_each_is_fitted_to_the_rows_that_the_other_has_chosen():
    X, y = noisy_labels()
    base, calls = recording(LogisticRegression())
    model = CoTeachingClassifier(base, noise_rate=0.2, compress=None, cv=3, random_state=0)
    model.fit(X, y)
    assert len(fits(calls)) == 2 * 3 * (1 + 4) + 2 and model.n_iter_ == 5
    for call, kept in zip(fits(calls)[-2:], model.kept_.T, strict=True):
        np.testing.assert_array_equal(row_numbers(call.X, 90), np.flatnonzero(kept))
        assert kept.sum() == pytest.approx(0.8 * 90, abs=3)
    np.testing.assert_array_equal(model.noise_mask_, ~model.kept_.any(axis=1))
    one, two = (m.predict_proba(X) for m in model.estimators_)
    np.testing.assert_allclose(model.predict_proba(X), (one + two) / 2)
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X).argmax(axis=1))


def test_without_noise_both_are_the_plain_model():
    X, y = noisy_labels()
    model = CoTeachingClassifier(
        LogisticRegression(), noise_rate=0.0, compress=None, random_state=0
    ).fit(X, y)
    assert model.kept_.all() and model.n_iter_ == 1 and not model.noise_mask_.any()
    np.testing.assert_array_equal(
        model.predict_proba(X), LogisticRegression().fit(X, y).predict_proba(X)
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_small_losses(weighted):
    X, y = noisy_labels()
    y[:4] = 3  # a rare class, with the largest losses
    weight = np.where(np.arange(90) % 2, 1.0, 3.0) if weighted else None
    trusted = np.arange(90) == 50
    evidence = Evidence(X, y, task="classification", sample_weight=weight, trusted=trusted)
    loss = np.arange(90.0)[::-1]
    loss[20] = np.nan
    kept = small_losses(loss, 0.4, evidence)
    assert kept[:4].all() and kept[20] and kept[50]
    size = np.ones(90) if weight is None else weight
    small = np.setdiff1d(np.flatnonzero(kept), [0, 1, 2, 3, 20, 50])  # and not kept for a reason
    assert size[small].sum() == pytest.approx(0.4 * size[np.isfinite(loss)].sum(), abs=9)
    assert kept[70:].all()


def test_draws_prefer_few_features():
    shares = draw_shares(200, np.random.RandomState(0))
    assert shares[0] == 1 and len(shares) == 201 and 0 < min(shares) and max(shares) == 1
    assert np.median(shares) < 0.45


# ------------------------------------------------------------------ features of any kind


def test_the_columns_that_say_most_are_kept():
    X, codes = noisy_labels(rate=0.0)
    rng = np.random.RandomState(0)
    table = pd.DataFrame(
        {
            "noise": rng.randn(90),
            "word": np.array(["x", "y", None], dtype=object)[codes],
            "hole": np.where(rng.rand(90) < 0.3, np.nan, codes + 0.1 * rng.randn(90)),
            "junk": rng.choice(["p", "q"], 90),
        },
        index=np.arange(90) * 7,
    )
    cut = Truncation(0.5, "importance", "classification").fit(table, codes)
    assert list(cut.transform(table[:5]).columns) == ["word", "hole"]
    numbers = np.column_stack([rng.randn(90), codes, rng.randn(90)])
    for X in (numbers, csr_matrix(numbers)):
        cut = Truncation(0.2, "importance", "regression").fit(X, codes.astype(float))
        assert cut.transform(X).shape == (90, 1) and cut.columns_ == [1]
    for order in ("pca", TruncatedSVD()):
        for X in (numbers, csr_matrix(numbers)):
            if order == "pca" or X is numbers:
                cut = Truncation(0.5, order, "classification").fit(X, codes)
                assert cut.transform(X).shape == (90, 2)


def test_tables_texts_and_sparse_rows():
    X, y = noisy_labels()
    names = np.array(["z", "a", "m"], dtype=object)[y]
    table = pd.DataFrame(X[:, 1:], columns=list("abcde"))
    table["f"] = pd.Categorical(np.where(X[:, 1] > 0, "up", "down"))
    boosting = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    model = CoTeachingClassifier(boosting, **QUICK).fit(table, names)
    assert set(model.predict(table)) <= {"z", "a", "m"} and list(model.classes_) == ["a", "m", "z"]
    assert list(model.feature_names_in_) == list("abcdef")

    words = np.array([f"word{c} and filler{i % 7}" for i, c in enumerate(y)], dtype=object)
    pipe = make_pipeline(CountVectorizer(), LogisticRegression())
    for compress in ("importance", "pca", None):
        model = CoTeachingClassifier(pipe, compress=compress, **QUICK).fit(words, names)
        assert model.score(words, names) > 0.95
    for compress in ("importance", "pca"):
        model = CoTeachingClassifier(LogisticRegression(), compress=compress, **QUICK)
        assert model.fit(csr_matrix(X), y).score(csr_matrix(X), y) > 0.6


def test_what_has_no_columns_is_told():
    cut = Truncation(0.5, "importance", "classification")
    for X in (["a text", "another"], np.zeros((2, 3, 4))):
        with pytest.raises(ValueError, match="set compress=None"):
            cut.fit(X, [0, 1])
    with pytest.raises(ValueError, match="could not convert") as caught:
        Truncation(0.5, "pca", "classification").fit(np.array([["a", "b"], ["c", "d"]]), [0, 1])
    assert "compress=None" in caught.value.__notes__[0]


# ------------------------------------------------------------------ what holds for any model


def test_margins_and_labels_will_do():
    X, y = noisy_labels()
    model = CoTeachingClassifier(LinearSVC(), noise_rate=0.15, **QUICK).fit(X, y)
    assert model.score(X, y) > 0.7 and not hasattr(model, "predict_proba")
    assert model.decision_function(X).shape == (90, 3)
    two = CoTeachingClassifier(LinearSVC(), noise_rate=0.1, **QUICK).fit(X, y > 0)
    np.testing.assert_array_equal(two.predict(X), two.decision_function(X) > 0)


def test_weights_reach_both_and_models_without_weights_will_do():
    X, y = noisy_labels()
    given = np.random.RandomState(0).uniform(0.5, 2, 90)
    base, calls = recording(LogisticRegression())
    model = CoTeachingClassifier(base, compress=None, random_state=0)
    model.fit(X, y, sample_weight=given)
    for call, kept in zip(fits(calls)[-2:], model.kept_.T, strict=True):
        np.testing.assert_array_equal(call.sample_weight, given[kept])
    with pytest.raises(ValueError, match="takes no sample_weight"):
        CoTeachingClassifier(KNeighborsClassifier()).fit(X, y, sample_weight=given)
    model = CoTeachingClassifier(KNeighborsClassifier(), weight_strategy="resample", **QUICK)
    assert model.fit(X, y, sample_weight=given).score(X, y) > 0.6


def test_trusted_rows_stay():
    X, y = noisy_numbers()
    wrong = np.flatnonzero(y > 300)
    trusted = np.zeros(90, dtype=bool)
    trusted[wrong[0]] = True
    model = CoTeachingRegressor(Ridge(), noise_rate=0.2, **QUICK).fit(X, y, trusted=trusted)
    assert model.kept_[wrong[0]].all() and model.noise_mask_[wrong[1:]].mean() > 0.7


def test_jobs_do_not_change_the_result():
    X, y = noisy_labels()
    answers = []
    for jobs in (1, 2):
        model = CoTeachingClassifier(LogisticRegression(), n_jobs=jobs, **QUICK)
        with parallel_config("threading"):
            answers.append(model.fit(X, y).label_proba_)
    np.testing.assert_array_equal(*answers)


def test_routing():
    X, y = noisy_labels()
    given = np.random.RandomState(0).uniform(0.5, 2, 90)
    how = {"compress": "importance", "n_draws": 3, "noise_rate": 0.2, "cv": 3}
    how |= {"n_rounds": 2, "random_state": 1}
    X = np.column_stack([X, np.random.RandomState(1).randn(90, 80)])
    line = LogisticRegression(C=100.0)
    for plain in (line, make_pipeline(StandardScaler(), line)):
        usual = CoTeachingClassifier(plain, **how).fit(X, y, sample_weight=given)
        with config_context(enable_metadata_routing=True):
            asks = clone(plain)
            if hasattr(asks, "steps"):
                asks.steps[0][1].set_fit_request(sample_weight=False)
            last = asks.steps[-1][1] if hasattr(asks, "steps") else asks
            last.set_fit_request(sample_weight=True)
            routed = CoTeachingClassifier(asks, **how).fit(X, y, sample_weight=given)
        np.testing.assert_array_equal(routed.label_proba_, usual.label_proba_)
        assert usual.feature_shares_.min() < 1


def test_groups_stay_together():
    X, y = noisy_labels()
    groups = np.arange(90) // 3
    base, calls = recording(LogisticRegression())
    CoTeachingClassifier(base, noise_rate=0.0, compress=None, random_state=0).fit(
        X, y, groups=groups
    )
    for call in fits(calls)[:-2]:
        assert (np.bincount(groups[row_numbers(call.X, 90)], minlength=30) % 3 == 0).all()


def test_few_rows_and_rare_classes():
    X = np.arange(12.0).reshape(-1, 1)
    y = np.array([0, 1] * 5 + [2, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = CoTeachingClassifier(LogisticRegression(), noise_rate=0.4, **QUICK).fit(X, y)
        few = CoTeachingRegressor(Ridge(), **QUICK).fit(X[:2], X[:2, 0])
    assert model.predict_proba(X).shape == (12, 3) and model.kept_[10].all()
    assert few.kept_.all()
