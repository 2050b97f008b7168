"""Treatments of rows that come in chunks."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier

from sknoisy import FilterClassifier, FilterRegressor, ReweightClassifier, ReweightRegressor
from sknoisy.detection import ConfidentLearning, PersonalLoss, TracIn

from ..helpers import noisy_labels

NAMES = np.array(["bad", "good"])


def labels(seed, n=4000):
    """(X, y with 4 in 10 of the class "good" called bad, which are wrong), and clean test rows."""
    X, y = make_classification(
        2 * n,
        10,
        n_informative=6,
        n_redundant=0,
        n_clusters_per_class=1,
        class_sep=1.5,
        flip_y=0,
        random_state=seed,
    )
    wrong = np.random.default_rng(seed).random(n) < np.where(y[:n] == 1, 0.4, 0)
    return (X[:n], NAMES[np.where(wrong, 0, y[:n])], wrong), (X[n:], NAMES[y[n:]])


def numbers(seed, n=4000):
    """(X, y of which one in five is far off, which), and clean test rows."""
    X, y = make_regression(2 * n, 10, noise=5, random_state=seed)
    rng, y = np.random.default_rng(seed), y / 100
    wrong = rng.random(n) < 0.2
    given = y[:n] + wrong * rng.normal(5, 5, n)
    return (X[:n], given, wrong), (X[n:], y[n:])


def learn(model, X, y, size=200, **first):
    flagged = []
    for start in range(0, len(y), size):
        rows = slice(start, start + size)
        model.partial_fit(X[rows], y[rows], **(first if start == 0 else {}))
        flagged.append(getattr(model, "noise_mask_", []))
    return model, np.concatenate(flagged)


@pytest.mark.parametrize("treatment", [FilterClassifier, ReweightClassifier])
def test_a_stream_of_wrong_labels_is_learnt_better(treatment):
    plain, treated, precision = [], [], []
    for seed in range(3):
        (X, y, wrong), test = labels(seed)
        plain.append(learn(GaussianNB(), X, y, classes=NAMES)[0].score(*test))
        model, flagged = learn(treatment(GaussianNB(), random_state=0), X, y, classes=NAMES)
        treated.append(model.score(*test))
        precision.append(wrong[flagged].mean())
        assert model.n_rows_seen_ == 4000
        assert model.n_rows_flagged_ == flagged.sum()
    assert np.mean(treated) > np.mean(plain) + 0.03  # measured: 0.05 to 0.06
    assert np.mean(precision) > 0.7


@pytest.mark.parametrize("treatment", [FilterRegressor, ReweightRegressor])
def test_a_stream_of_wrong_numbers_is_learnt_better(treatment):
    for seed in range(3):
        (X, y, wrong), test = numbers(seed)
        plain = learn(SGDRegressor(random_state=0), X, y)[0].score(*test)
        model, flagged = learn(treatment(SGDRegressor(random_state=0), random_state=0), X, y)
        assert model.score(*test) > 0.99 > 0.85 > plain  # measured: 0.999 and 0.6 to 0.74
        assert wrong[flagged].mean() > 0.95


@pytest.mark.parametrize("model", [SGDClassifier(random_state=0), GaussianNB()])
def test_where_nothing_is_flagged_it_is_the_model_itself(model):
    (X, y, _), (X_test, _) = labels(0, 600)
    plain, _ = learn(clone(model), X, y, classes=NAMES)
    treated, _ = learn(FilterClassifier(model, contamination=0), X, y, classes=NAMES)
    np.testing.assert_array_equal(plain.predict(X_test), treated.predict(X_test))
    assert treated.sample_indices_.tolist() == list(range(200))


@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
def test_margins_and_probabilities(loss):
    (X, y, wrong), _ = labels(1, 2000)
    model = FilterClassifier(SGDClassifier(loss=loss, random_state=0), random_state=0)
    _, flagged = learn(model, X, y, classes=NAMES)
    assert wrong[flagged].mean() > 1.5 * wrong.mean()


def test_it_goes_on_from_fit_and_from_a_pickle():
    (X, y, _), (X_test, _) = labels(0, 1000)
    model = FilterClassifier(GaussianNB(), random_state=0).fit(X[:400], y[:400])
    model.partial_fit(X[400:600], y[400:600])
    assert model.n_rows_seen_ == 200
    assert model.estimator_.class_count_.sum() > 500
    other = pickle.loads(pickle.dumps(model))
    for one in (model, other):
        one.partial_fit(X[600:], y[600:])
    np.testing.assert_array_equal(model.predict_proba(X_test), other.predict_proba(X_test))
    np.testing.assert_array_equal(model.noise_proba_, other.noise_proba_)
    assert model.noise_proba_.shape == (400,)
    assert model.temperature_ == 1.0


def test_what_is_kept_does_not_grow():
    (X, y, _), _ = labels(0, 4000)
    model, _ = learn(FilterClassifier(GaussianNB()), X[:2000], y[:2000], classes=NAMES)
    size = len(pickle.dumps(model))
    learn(model, X[2000:], y[2000:])
    assert len(pickle.dumps(model)) < 1.05 * size


def test_a_first_chunk_of_one_row_and_chunks_of_one_class():
    (X, y, _), _ = labels(0, 600)
    model = FilterClassifier(SGDClassifier(loss="log_loss", random_state=0))
    model.partial_fit(X[:1], y[:1], classes=NAMES)
    assert not model.noise_mask_.any()
    one = np.flatnonzero(y == "bad")[:50]
    model.partial_fit(X[one], y[one])
    model.partial_fit(X[200:], y[200:])
    assert model.classes_.tolist() == ["bad", "good"]
    assert model.n_rows_seen_ == 451


def test_weights_reach_the_model_and_trusted_rows_are_never_flagged():
    (X, y, wrong), _ = labels(0, 600)
    weight = np.linspace(0.5, 2.0, 600)
    model = FilterClassifier(GaussianNB(), random_state=0)
    model.partial_fit(X, y, NAMES, sample_weight=weight, trusted=~wrong)
    kept = weight[model.sample_indices_].sum()
    assert model.estimator_.class_count_.sum() == pytest.approx(kept)
    assert 0 < model.noise_mask_.sum() == model.noise_mask_[wrong].sum()
    with_weights = ReweightClassifier(GaussianNB(), random_state=0)
    with_weights.partial_fit(X, y, NAMES, sample_weight=weight)
    total = (weight * with_weights.sample_weight_).sum()
    assert with_weights.estimator_.class_count_.sum() == pytest.approx(total)


def test_weights_that_the_model_does_not_take():
    (X, y, _), _ = labels(0, 400)

    class Unweighted(MLPClassifier):
        def partial_fit(self, X, y, classes=None):
            return super().partial_fit(X, y, classes=classes)

    model = Unweighted((5,), random_state=0)
    with pytest.raises(ValueError, match="Unweighted takes no sample_weight"):
        FilterClassifier(model).partial_fit(X, y, NAMES, sample_weight=np.ones(400))
    resampled = FilterClassifier(model, weight_strategy="resample", random_state=0)
    resampled.partial_fit(X, y, NAMES, sample_weight=np.ones(400))


def test_only_with_a_model_that_has_it():
    assert not hasattr(FilterClassifier(LogisticRegression()), "partial_fit")
    assert hasattr(FilterClassifier(SGDClassifier()), "partial_fit")


def test_errors():
    X, y = noisy_labels(90)
    model = FilterClassifier(GaussianNB())
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, y)
    with pytest.raises(ValueError, match="y has .*2.* in row"):
        model.partial_fit(X, y, [0, 1])
    assert not hasattr(model, "estimator_")
    model.partial_fit(X, y, [0, 1, 2])
    with pytest.raises(ValueError, match="not those of the calls before"):
        model.partial_fit(X, y, [0, 1, 2, 3])
    with pytest.raises(ValueError, match="asks what a model said while it was"):
        FilterClassifier(GaussianNB(), TracIn()).partial_fit(X, y, [0, 1, 2])
    frozen = FrozenEstimator(ConfidentLearning(GaussianNB()).fit(X, y))
    with pytest.raises(TypeError, match="cannot judge what comes in chunks"):
        FilterClassifier(GaussianNB(), frozen).partial_fit(X, y, [0, 1, 2])


def test_other_detectors_that_judge_by_predictions():
    (X, y, wrong), _ = labels(0, 1000)
    model = FilterClassifier(GaussianNB(), PersonalLoss(missing_groups="one"), random_state=0)
    _, flagged = learn(model, X, y, classes=NAMES)
    assert flagged.any()
