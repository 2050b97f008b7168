"""NonIIDOrder through its public behaviour."""

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import ks_2samp
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from sknoisy.detection import NonIIDOrder
from sknoisy.detection.features._non_iid_order import order_scores, order_statistic


def table(kind, n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    if kind == "shift":
        X[100:150] += 2.5
    elif kind == "drift":
        X[:, 0] += np.linspace(0, 3, n)
    elif kind == "walk":
        X = np.cumsum(X, axis=0)
    elif kind == "sorted":
        X = X[np.argsort(X[:, 0])]
    return X, rng.normal(size=n)


def area_by_steps(i, positions, n):
    """The score of a row at position i from its definition, by counting."""
    others = np.abs(np.delete(np.arange(n), i) - i)
    bounds = [0, *np.sort(np.abs(np.asarray(positions) - i)), n - 1]
    total = 0.0
    for j, (low, high) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
        grid = np.linspace(low, high, 2001)
        # between whole numbers the background rises in a straight line
        at = np.array([(others <= g).mean() for g in range(n)])
        background = trapezoid(np.interp(grid, np.arange(n), at), grid) if high > low else 0.0
        total += abs(j / len(positions) * (high - low) - background)
    return total / others.max()


def test_statistic_is_that_of_kolmogorov_and_smirnov():
    rng = np.random.default_rng(0)
    position = rng.permutation(40)
    near = np.stack([rng.choice(np.delete(np.arange(40), i), 4, replace=False) for i in range(40)])
    distances = np.abs(position[:, None] - position[near]).ravel()
    everyone = np.abs(np.subtract.outer(np.arange(40), np.arange(40)))[np.triu_indices(40, 1)]
    expected = ks_2samp(distances, everyone).statistic
    assert order_statistic(position, near) == pytest.approx(expected)


def test_scores_are_areas_between_the_curves():
    rng = np.random.default_rng(0)
    n = 25
    near = np.stack([rng.choice(np.delete(np.arange(n), i), 3, replace=False) for i in range(n)])
    expected = [area_by_steps(i, near[i], n) for i in range(n)]
    scores = order_scores(np.arange(n), near)
    np.testing.assert_allclose(scores, expected, atol=1e-3)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_score_and_statistic_of_a_data_set():
    X, y = table("shift")
    detector = NonIIDOrder(random_state=0).fit(X, y)
    Z = StandardScaler().fit_transform(X)
    near = NearestNeighbors(n_neighbors=10).fit(Z).kneighbors(return_distance=False)
    np.testing.assert_allclose(detector.noise_score_, order_scores(np.arange(300), near))
    assert detector.statistic_ == pytest.approx(order_statistic(np.arange(300), near))
    assert detector.permuted_.shape == (25,)


@pytest.mark.parametrize("kind", ["shift", "drift", "walk", "sorted"])
@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_order_is_detected(kind, seed):
    # the claim of the paper
    X, y = table(kind, seed=seed)
    assert NonIIDOrder(random_state=seed).fit(X, y).p_value_ < 0.01
    mixed = np.random.default_rng(seed).permutation(len(X))
    assert NonIIDOrder(random_state=seed).fit(X[mixed], y).p_value_ > 0.001


def test_p_values_in_random_order_are_nearly_uniform():
    p = np.array(
        [NonIIDOrder(random_state=s).fit(*table("none", 80, s)).p_value_ for s in range(60)]
    )
    assert 0.3 < p.mean() < 0.7
    assert (p < 0.05).mean() < 0.15


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_a_foreign_stretch_stand_out(seed):
    X, y = table("shift", seed=seed)
    detector = NonIIDOrder(random_state=0).fit(X, y)
    score, mask = detector.noise_score_, detector.noise_mask_
    inside = np.zeros(300, dtype=bool)
    inside[100:150] = True
    assert score[inside].mean() > 2 * score[~inside].mean()
    assert mask[inside].mean() > 0.5 > 10 * mask[~inside].mean()
    assert (detector.noise_proba_[mask] > 0.95).all()
    assert "p = " in detector.noise_report(X, y)["reason"].iloc[0]


def test_nothing_is_flagged_in_random_order():
    X, y = table("none")
    detector = NonIIDOrder(random_state=0).fit(X, y)
    assert detector.p_value_ > 0.05
    assert not detector.noise_mask_.any() and not detector.noise_proba_.any()
    np.testing.assert_array_equal(detector.y_suggested_, y)


def test_labels_seeds_trusted_rows_and_thresholds():
    X, _ = table("shift")
    y = np.array(["a", "b"])[np.arange(300) % 2]
    one, two = (NonIIDOrder(random_state=3).fit(X, y) for _ in range(2))
    assert one.p_value_ == two.p_value_
    np.testing.assert_array_equal(one.noise_proba_, two.noise_proba_)
    np.testing.assert_array_equal(one.y_suggested_, y)
    trusted = np.arange(300) < 125
    assert not NonIIDOrder(random_state=3).fit(X, y, trusted=trusted).noise_mask_[:125].any()
    assert NonIIDOrder(contamination=0.1, random_state=3).fit(X, y).noise_mask_.sum() == 30


def test_small_and_constant_data():
    few = NonIIDOrder(random_state=0).fit([[0.0], [1.0], [2.0]], [0.5, 1.0, 2.0])
    assert 0 <= few.p_value_ <= 1
    pair = NonIIDOrder(random_state=0).fit([[0.0], [1.0]], [0, 1])
    assert pair.p_value_ == 1.0 and not pair.noise_mask_.any()
    same = NonIIDOrder(random_state=0).fit(np.ones((30, 2)), np.arange(30) % 2)
    assert np.isfinite(same.noise_score_).all()
    with pytest.raises(ValueError, match="at least 2 rows"):
        NonIIDOrder().fit([[0.0]], [1])
