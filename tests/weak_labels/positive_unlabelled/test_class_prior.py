"""The share of positives is found where some rows are surely positive."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from sknoisy.weak_labels.positive_unlabelled import ClassPrior, estimate_class_prior


def made(prior, apart, frequency, n=4000, seed=0):
    """(X, truth, labelled) of normal classes, labelled at random."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < prior
    X = rng.normal(size=(n, 3))
    X[:, 0] += apart * y
    return X, y, y & (rng.random(n) < frequency)


@pytest.mark.parametrize("prior", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("apart", [2.5, 3.5, 4.5])
@pytest.mark.parametrize("frequency", [0.3, 0.7])
def test_prior_is_found_within_five_points(prior, apart, frequency):
    X, y, labelled = made(prior, apart, frequency)
    found = ClassPrior(LogisticRegression(), random_state=0).fit(X, labelled.astype(int))
    assert abs(found.class_prior_ - y.mean()) < 0.05
    assert abs(found.label_frequency_ - labelled.sum() / y.sum()) < 0.12
    hidden = y[~labelled].mean()
    assert abs(found.unlabelled_prior_ - hidden) < 0.08


def test_a_forest_finds_it_too():
    X, y, labelled = made(0.3, 4.0, 0.5, n=2000)
    model = RandomForestClassifier(25, min_samples_leaf=5, random_state=0)
    for method in ("plateau", "best-bin"):
        found = ClassPrior(model, method=method, random_state=0).fit(X, labelled.astype(int))
        assert abs(found.class_prior_ - y.mean()) < 0.05


def test_overlap_misleads_the_mean_and_not_the_plateau():
    X, y, labelled = made(0.4, 2.0, 0.4)
    found = {
        method: ClassPrior(LogisticRegression(), method=method, random_state=0)
        .fit(X, labelled.astype(int))
        .class_prior_
        for method in ("plateau", "elkan-noto")
    }
    assert abs(found["plateau"] - y.mean()) < 0.05
    assert found["elkan-noto"] > y.mean() + 0.1


def test_standard_error_is_that_of_new_samples():
    found = []
    for seed in range(12):
        X, _, labelled = made(0.4, 2.5, 0.4, n=1500, seed=seed)
        score = X[:, 0] + 0.1 * X[:, 1]
        found.append(estimate_class_prior(score, labelled))
    spread = np.std([one.class_prior for one in found])
    said = np.mean([one.standard_error for one in found])
    assert 0.5 < said / spread < 2.0


def test_scale_of_scores_order_of_rows_and_whole_weights_do_not_matter():
    X, _, labelled = made(0.3, 3.0, 0.5, n=1000)
    score = X[:, 0]
    plain = estimate_class_prior(score, labelled)
    other = estimate_class_prior(np.exp(score), labelled)
    assert plain == other
    order = np.random.default_rng(1).permutation(1000)
    shuffled = estimate_class_prior(score[order], labelled[order])
    assert shuffled.class_prior == pytest.approx(plain.class_prior, abs=1e-6)
    for method in ("plateau", "best-bin"):
        given = estimate_class_prior(score, labelled, method=method).class_prior
        doubled = estimate_class_prior(
            score, labelled, method=method, sample_weight=np.full(1000, 2.0)
        ).class_prior
        assert doubled == pytest.approx(given, abs=1e-6)


def test_all_positives_labelled():
    X, y, labelled = made(0.3, 5.0, 1.0)
    found = estimate_class_prior(X[:, 0], labelled)
    assert found.label_frequency > 0.97
    assert found.class_prior == pytest.approx(y.mean(), abs=0.01)


def test_errors():
    with pytest.raises(ValueError, match="must be one of plateau, best-bin, elkan-noto"):
        estimate_class_prior([0.1, 0.2], [True, False], method="guess")
    with pytest.raises(ValueError, match="There must be rows"):
        estimate_class_prior([0.1, 0.2], [True, True])
    with pytest.raises(ValueError, match="needs probabilities"):
        estimate_class_prior([3.0, 0.2], [True, False], method="elkan-noto")
