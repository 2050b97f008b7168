"""Early learning: the paper's claim, its formula, and what holds for any training."""

import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sknoisy.datasets import symmetric_noise
from sknoisy.training.moving_targets import EarlyLearningClassifier, EarlyLearningRegressor
from sknoisy.training.moving_targets._early_learning_classifier import (
    early_learning_loss,
    early_learning_weights,
)

from ...helpers import fits, noisy_labels, noisy_numbers, recording

SEEDS = range(3)


def flipped(seed, n=400, rate=0.4):
    """(X, noisy y, y, new X, new y): four classes, 40 % of the labels are another one."""
    X, y = make_classification(
        n + 1000,
        20,
        n_informative=8,
        n_redundant=0,
        n_classes=4,
        n_clusters_per_class=1,
        class_sep=1.5,
        flip_y=0,
        random_state=seed,
    )
    return X[:n], symmetric_noise(y[:n], rate, random_state=seed)[0], y[:n], X[n:], y[n:]


def curved(seed, n=400):
    """(X, y with errors, new X, the law there)."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n + 1000, 8)
    law = 3 * np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 2 * X[:, 3]
    return X[:n], (law + 2.5 * rng.randn(n + 1000))[:n], X[n:], law[n:]


def network(kind=MLPClassifier, **how):
    """Trained by small steps, so that few epochs suffice to know all rows by heart."""
    how = {"batch_size": 32, "learning_rate_init": 0.005, "random_state": 0, **how}
    return kind(hidden_layer_sizes=(64,), **how)


# ------------------------------------------------------------------ the paper's claims


@pytest.mark.parametrize("seed", SEEDS)
def test_accuracy_stays_over_epochs_where_that_of_the_plain_training_falls(seed):
    X, noisy, y, X_new, y_new = flipped(seed)

    def scores(strength):
        model = EarlyLearningClassifier(
            network(), strength=strength, weight_strategy="resample", random_state=0
        )
        models = [clone(model).set_params(n_rounds=k).fit(X, noisy) for k in (3, 60)]
        return [m.score(X_new, y_new) for m in models], models[1]

    (early, late), plain = scores(0.0)
    assert late < early - 0.05
    (held_early, held), model = scores(3.0)
    assert held > held_early - 0.02 and held > late + 0.15 and held > early + 0.02
    # the plain training ends by knowing the wrong labels by heart
    assert plain.agreement_curve_[-1] > 0.75 > 0.7 > model.agreement_curve_[-1]
    assert (model.noise_mask_ == (noisy != y)).mean() > 0.85
    assert (model.targets_.argmax(axis=1) == y).mean() > 0.85


@pytest.mark.parametrize("seed", SEEDS)
def test_refits_of_a_flexible_model_gain_as_well(seed):
    X, noisy, y, X_new, y_new = flipped(seed)
    tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
    model = EarlyLearningClassifier(tree, random_state=0).fit(X, noisy)
    assert model.score(X_new, y_new) > tree.fit(X, noisy).score(X_new, y_new) + 0.07
    assert (model.noise_mask_ == (noisy != y)).mean() > 0.7
    # a linear model, which learns little by heart, loses nothing
    line = EarlyLearningClassifier(LogisticRegression(), random_state=0).fit(X, noisy)
    assert line.score(X_new, y_new) > LogisticRegression().fit(X, noisy).score(X_new, y_new) - 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_errors_of_numbers_are_not_learnt_by_heart(seed):
    X, y, X_new, law = curved(seed)

    def error(model):
        return np.mean((model.fit(X, y).predict(X_new) - law) ** 2)

    plain = network(MLPRegressor, learning_rate_init=0.01)
    without, held = (
        error(EarlyLearningRegressor(plain, strength=strength, random_state=0))
        for strength in (0.0, 9.0)
    )
    assert held < 0.8 * without
    tree = DecisionTreeRegressor(random_state=0)
    assert error(EarlyLearningRegressor(tree, random_state=0)) < 0.5 * error(tree)


@pytest.mark.parametrize(
    ("plain", "most"),
    [(LogisticRegression(C=0.1), 0.01), (DecisionTreeClassifier(min_samples_leaf=5), 0.08)],
    ids=["logistic", "tree"],
)
def test_little_is_lost_where_nothing_is_wrong(plain, most):
    """Of a model that is seldom right, what it says early is worse than right labels."""
    lost = []
    for seed in SEEDS:
        X, _, y, X_new, y_new = flipped(seed, n=300)
        model = EarlyLearningClassifier(plain, random_state=0).fit(X, y)
        lost.append(clone(plain).fit(X, y).score(X_new, y_new) - model.score(X_new, y_new))
    assert np.mean(lost) < most


# ------------------------------------------------------------------ formulas


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_weights_have_the_slope_of_the_loss(n_classes):
    rng = np.random.RandomState(n_classes)
    scores = rng.randn(20, n_classes)
    running = 0.7 * softmax(2 * rng.randn(20, n_classes), axis=1)
    codes = rng.randint(n_classes, size=20)
    proba, given = softmax(scores, axis=1), np.eye(n_classes)[codes]
    weights = given + early_learning_weights(proba, running, 3.0)
    assert (weights >= 0).all()
    slope = weights.sum(axis=1, keepdims=True) * proba - weights
    step = 1e-6
    for k in range(n_classes):
        moved = [
            early_learning_loss(
                softmax(scores + sign * step * np.eye(n_classes)[k], axis=1), running, codes, 3.0
            )
            for sign in (1, -1)
        ]
        np.testing.assert_allclose(slope[:, k], (moved[0] - moved[1]) / (2 * step), atol=1e-6)


def test_a_wrong_label_loses_its_slope_and_a_right_one_does_not():
    proba, running = np.array([[0.9, 0.1]]), np.array([[0.9, 0.1]])
    weights = early_learning_weights(proba, running, 3.0)
    for code, left in ((1, 0.35), (0, 2.0)):
        total = np.eye(2)[[code]] + weights
        slope = total.sum() * proba - total
        own = proba - np.eye(2)[[code]]
        ratio = slope[0, code] / own[0, code]
        assert ratio < left if code else ratio > left


@pytest.mark.parametrize("training", ["epochs", "refits"])
def test_no_strength_is_the_plain_model(training):
    X, y = noisy_labels()
    plain = network() if training == "epochs" else LogisticRegression()
    model = EarlyLearningClassifier(
        plain, strength=0.0, n_rounds=3, weight_strategy="resample", random_state=0
    ).fit(X, y)
    assert not model.noise_mask_.any() and (model.sample_weight_ == 1).all()
    if training == "refits":
        np.testing.assert_allclose(model.predict_proba(X), plain.fit(X, y).predict_proba(X))
    X, y = noisy_numbers()
    model = EarlyLearningRegressor(Ridge(), strength=0.0, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), Ridge().fit(X, y).predict(X))
    np.testing.assert_array_equal(model.y_relabeled_, y)


def test_running_means_of_numbers():
    X, y = noisy_numbers()
    model = EarlyLearningRegressor(Ridge(), n_rounds=1, random_state=0).fit(X, y)
    share = 3.0 * (1 - 0.7)
    np.testing.assert_allclose(model.y_relabeled_, (y + share * model.targets_) / (1 + share))


# ------------------------------------------------------------------ what holds for any training


def test_number_of_fits_and_the_trace():
    X, y = noisy_labels()
    base, calls = recording(LogisticRegression())
    model = EarlyLearningClassifier(base, n_rounds=3, cv=4, random_state=0).fit(X, y)
    assert len(fits(calls)) == 3 * 4 + 1 and model.n_iter_ == 3
    assert model.loss_curve_.shape == model.agreement_curve_.shape == (3,)
    np.testing.assert_allclose(model.label_proba_.sum(axis=1), 1)
    np.testing.assert_allclose(model.targets_.sum(axis=1), 1)
    np.testing.assert_allclose(fits(calls)[-1].sample_weight.sum(), model.sample_weight_.sum())


def test_epochs_are_those_of_the_model():
    X, y = noisy_labels()
    model = EarlyLearningClassifier(
        SGDClassifier(loss="log_loss", max_iter=7), training="epochs", random_state=0
    ).fit(X, y)
    assert model.n_iter_ == 7 and model.estimator_.t_ > 7 * len(y)
    assert EarlyLearningClassifier(SGDClassifier(), random_state=0).fit(X, y).n_iter_ == 10
    numbers = EarlyLearningRegressor(
        make_pipeline(StandardScaler(), SGDRegressor(max_iter=5)), training="epochs"
    ).fit(*noisy_numbers())
    assert numbers.n_iter_ == 5 and numbers.n_features_in_ == 6


def test_a_pipeline_is_trained_by_epochs_behind_its_steps():
    X, y = noisy_labels()
    names = np.array(["z", "a", "m"], dtype=object)[y]
    table = pd.DataFrame({"c": np.where(X[:, 1] > 0, "up", None), "d": X[:, 2], "e": X[:, 3]})
    steps = make_column_transformer(
        (OneHotEncoder(), ["c"]), remainder=StandardScaler(), sparse_threshold=0
    )
    pipe = make_pipeline(steps, SGDClassifier(loss="log_loss", max_iter=5))
    model = EarlyLearningClassifier(pipe, training="epochs", random_state=0).fit(table, names)
    assert set(model.predict(table)) <= {"z", "a", "m"} and model.n_iter_ == 5
    assert list(model.classes_) == ["a", "m", "z"]
    assert model.predict_proba(table).shape == (90, 3)


def test_what_cannot_be_trained_by_epochs_is_told():
    X, y = noisy_labels()
    for plain in (LogisticRegression(), GaussianNB()):
        with pytest.raises(ValueError, match='set training="refits"'):
            EarlyLearningClassifier(plain, training="epochs").fit(X, y)
    with pytest.raises(ValueError, match="targets that move are labels with weights"):
        EarlyLearningClassifier(KNeighborsClassifier()).fit(X, y)
    model = EarlyLearningClassifier(
        KNeighborsClassifier(), weight_strategy="resample", n_rounds=2, random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.7
    model = EarlyLearningClassifier(GaussianNB(), n_rounds=2, random_state=0).fit(X, y)
    assert model.n_iter_ == 2


def test_weights_come_on_top_and_count_as_repeats():
    X, y = noisy_labels()
    given = np.random.RandomState(0).randint(1, 4, len(y))
    base, calls = recording(LogisticRegression())
    model = EarlyLearningClassifier(base, n_rounds=2, random_state=0)
    model.fit(X, y, sample_weight=given)
    assert fits(calls)[-1].sample_weight.sum() == pytest.approx(given @ model.sample_weight_)
    folds = [(np.flatnonzero(np.arange(90) % 3 != k), np.arange(k, 90, 3)) for k in range(3)]
    weighted = EarlyLearningClassifier(LogisticRegression(tol=1e-8), cv=folds, n_rounds=3)
    weighted.fit(X, y, sample_weight=given)
    rows = np.repeat(np.arange(90), given)
    longer = [tuple(np.flatnonzero(np.isin(rows, part)) for part in fold) for fold in folds]
    repeated = EarlyLearningClassifier(LogisticRegression(tol=1e-8), cv=longer, n_rounds=3)
    repeated.fit(X[rows], y[rows])
    np.testing.assert_allclose(repeated.targets_, weighted.targets_[rows], atol=1e-3)
    np.testing.assert_allclose(repeated.loss_curve_, weighted.loss_curve_, atol=1e-3)


def test_trusted_rows_keep_their_target():
    X, noisy, _, _, _ = flipped(0, n=200)
    trusted = np.arange(200) < 50
    model = EarlyLearningClassifier(LogisticRegression(), n_rounds=3, random_state=0)
    model.fit(X, noisy, trusted=trusted)
    codes = np.searchsorted(model.classes_, noisy)
    assert (model.label_proba_[trusted, codes[trusted]] == 1).all()
    assert not model.noise_mask_[trusted].any() and model.noise_mask_.any()
    X, y = noisy_numbers()
    model = EarlyLearningRegressor(Ridge(), n_rounds=3, random_state=0).fit(
        X, y, trusted=np.arange(90) < 40
    )
    np.testing.assert_array_equal(model.y_relabeled_[:40], y[:40])
    assert not model.noise_mask_[:40].any() and model.noise_mask_[y > 300].any()


@pytest.mark.parametrize("strategy", ["native", "resample"])
def test_the_same_seed_gives_the_same_result(strategy):
    X, y = noisy_labels()
    model = EarlyLearningClassifier(
        SGDClassifier(loss="log_loss"),
        training="epochs",
        n_rounds=3,
        weight_strategy=strategy,
        random_state=0,
    )
    given = np.linspace(0.5, 2, 90)
    one, two = (clone(model).fit(X, y, sample_weight=given) for _ in range(2))
    np.testing.assert_array_equal(one.targets_, two.targets_)


def test_jobs_do_not_change_the_result():
    X, y = noisy_labels()
    weights = []
    for jobs in (1, 2):
        model = EarlyLearningClassifier(LogisticRegression(), n_rounds=2, cv=2, random_state=0)
        with parallel_config("threading"):
            weights.append(model.set_params(n_jobs=jobs).fit(X, y).sample_weight_)
    np.testing.assert_array_equal(*weights)


def test_order_of_rows_and_names_of_classes_do_not_matter():
    X, y = noisy_labels()
    order = np.random.RandomState(0).permutation(90)
    at = np.argsort(order)
    folds = [(np.flatnonzero(np.arange(90) % 3 != k), np.arange(k, 90, 3)) for k in range(3)]
    moved = [(at[train], at[test]) for train, test in folds]
    one = EarlyLearningClassifier(LogisticRegression(tol=1e-8), n_rounds=3, cv=folds).fit(X, y)
    two = EarlyLearningClassifier(LogisticRegression(tol=1e-8), n_rounds=3, cv=moved)
    two.fit(X[order], np.array(["p", "q", "r"])[y[order]])
    np.testing.assert_allclose(two.targets_, one.targets_[order], atol=1e-3)


def test_sparse_rows_and_texts():
    X, y = noisy_labels()
    dense = EarlyLearningClassifier(LogisticRegression(), n_rounds=2, random_state=0).fit(X, y)
    sparse = EarlyLearningClassifier(LogisticRegression(), n_rounds=2, random_state=0)
    sparse.fit(csr_matrix(X), y)
    np.testing.assert_allclose(sparse.targets_, dense.targets_, atol=0.02)
    words = np.array([f"word{c} and" for c in y], dtype=object)
    for training in ("epochs", "refits"):
        pipe = make_pipeline(CountVectorizer(), SGDClassifier(loss="log_loss"))
        model = EarlyLearningClassifier(pipe, training=training, n_rounds=3, random_state=0)
        assert model.fit(words, y).score(words, y) == 1


def test_routing():
    X, y = noisy_labels()
    given = np.random.RandomState(0).uniform(0.5, 2, len(y))
    for plain, training in (
        (LogisticRegression(), "refits"),
        (SGDClassifier(loss="log_loss", random_state=0), "epochs"),
        (make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss")), "epochs"),
    ):
        how = {"training": training, "n_rounds": 2, "random_state": 0}
        usual = EarlyLearningClassifier(plain, **how).fit(X, y, sample_weight=given)
        with config_context(enable_metadata_routing=True):
            asks = clone(plain)
            last = asks.steps[-1][1] if hasattr(asks, "steps") else asks
            last.set_fit_request(sample_weight=True)
            if hasattr(asks, "steps"):
                asks.steps[0][1].set_fit_request(sample_weight=False)
            routed = EarlyLearningClassifier(asks, **how).fit(X, y, sample_weight=given)
        np.testing.assert_array_equal(routed.targets_, usual.targets_)


def test_few_rows_and_rare_classes():
    X = np.arange(12.0).reshape(-1, 1)
    y = np.array([0, 1] * 5 + [2, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = EarlyLearningClassifier(LogisticRegression(), n_rounds=2).fit(X, y)
    assert len(model.estimator_.classes_) == 3 and model.label_proba_[10, 2] == 1
    one = EarlyLearningClassifier(network(), weight_strategy="resample").fit(X, y * 0)
    assert one.n_iter_ == 0 and (one.predict(X) == 0).all()
    for rows in (1, 2, 3):
        few = EarlyLearningRegressor(Ridge(), n_rounds=2, cv=2).fit(X[:rows], X[:rows, 0])
        assert few.targets_.shape == (rows,)


def test_no_class_vanishes():
    X, y = noisy_labels()
    y = np.where(X[:, 1] > np.median(X[:, 1]), "high", "low")
    y[:6] = "odd"  # nothing tells these
    for strength in (3.0, 30.0):
        model = EarlyLearningClassifier(
            LogisticRegression(), strength=strength, random_state=0
        ).fit(X[:, 1:], y)
        assert list(model.estimator_.classes_) == ["high", "low", "odd"]


def test_a_failed_fit_leaves_nothing():
    X, y = noisy_labels()
    model = EarlyLearningClassifier(LogisticRegression(), n_rounds=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="'momentum' parameter"):
        model.set_params(momentum=1.0).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        assert model.predict(X).shape == (90,)
