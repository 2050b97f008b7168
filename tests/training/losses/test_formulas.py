"""Each loss against what its paper defines it to be."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.special import softmax

from sknoisy.training.losses import (
    ALDRKLLoss,
    BootstrappedLoss,
    FeasibleLearning,
    GeneralizedCrossEntropy,
    HolisticRobustLoss,
    HuberLoss,
    LabelLoss,
    LDRKLLoss,
    QGaussianLoss,
    Round,
    SymmetricCrossEntropy,
    TaiLrLoss,
    TrimmedLoss,
    TukeyLoss,
    WelschLoss,
)

LABELS = [
    GeneralizedCrossEntropy(0.3),
    GeneralizedCrossEntropy(1.0),
    SymmetricCrossEntropy(0.5, 2.0),
    TaiLrLoss(0.2),
    TaiLrLoss(1.0),
    LDRKLLoss(1.0),
    LDRKLLoss(0.3, margin=1.0),
    LDRKLLoss(10.0),
    ALDRKLLoss(2.0, alpha=1.5),
]
NUMBERS = [HuberLoss(), TukeyLoss(), WelschLoss(), QGaussianLoss(), QGaussianLoss(2.5)]


def scores(n=40, n_classes=3, seed=0):
    rng = np.random.RandomState(seed)
    return rng.randn(n, n_classes), rng.randint(n_classes, size=n)


def slope(loss, f, codes, step=1e-6):
    """Of a loss in the score of the given label."""
    up, down = f.copy(), f.copy()
    up[np.arange(len(f)), codes] += step
    down[np.arange(len(f)), codes] -= step
    values = [loss.loss(softmax(s, axis=1), codes) for s in (up, down)]
    return (values[0] - values[1]) / (2 * step)


@pytest.mark.parametrize("loss", LABELS, ids=repr)
def test_a_weight_is_the_slope_over_that_of_cross_entropy(loss):
    f, codes = scores()
    ratio = slope(loss, f, codes) / slope(LabelLoss(), f, codes)
    np.testing.assert_allclose(loss.weight(softmax(f, axis=1), codes), ratio, rtol=1e-5)


def test_soft_targets_have_the_slope_of_their_loss():
    f, codes = scores()
    p = softmax(f, axis=1)
    loss = BootstrappedLoss(0.7)
    own = np.arange(len(f)), codes
    np.testing.assert_allclose(
        slope(loss, f, codes), p[own] - loss.targets(p, codes, None)[own], atol=1e-6
    )


@pytest.mark.parametrize("loss", NUMBERS, ids=repr)
def test_a_weight_times_the_residual_is_the_slope(loss):
    u = np.linspace(-8, 8, 50)
    step = 1e-6
    numeric = (loss.loss(u + step) - loss.loss(u - step)) / (2 * step)
    np.testing.assert_allclose(loss.weight(u) * u, numeric, atol=1e-5)


@pytest.mark.parametrize(
    "loss",
    [
        GeneralizedCrossEntropy(0.0),
        SymmetricCrossEntropy(1.0, 0.0),
        TaiLrLoss(0.0),
        LDRKLLoss(1.0),
    ],
    ids=repr,
)
def test_at_the_limit_all_rows_weigh_the_same(loss):
    f, codes = scores()
    np.testing.assert_allclose(loss.weight(softmax(f, axis=1), codes), 1.0)
    assert (
        np.ptp(loss.loss(softmax(f, axis=1), codes) - LabelLoss().loss(softmax(f, axis=1), codes))
        < 1e-9
    )


def test_label_distributional_loss_is_the_worst_of_the_ball():
    f, codes = scores(1, 4)
    gaps = f[0] - f[0, codes[0]] + 0.5 * (np.arange(4) != codes[0])

    def negative(z):
        q = softmax(z)
        return -(q @ gaps - 2.0 * q @ np.log(4 * q))

    best = -min(minimize(negative, z).fun for z in np.eye(4))
    p = softmax(f, axis=1)
    np.testing.assert_allclose(LDRKLLoss(2.0, margin=0.5).loss(p, codes), best, rtol=1e-6)
    # near 0 the largest gap, far away their mean
    np.testing.assert_allclose(LDRKLLoss(1e-3, margin=0.5).loss(p, codes), gaps.max(), atol=2e-3)
    np.testing.assert_allclose(LDRKLLoss(1e4, margin=0.5).loss(p, codes), gaps.mean(), atol=1e-3)


def test_adaptive_temperature_is_the_best_one_and_falls_with_sureness():
    proba = np.array([[0.34, 0.33, 0.33], [0.6, 0.3, 0.1], [0.97, 0.02, 0.01]])
    loss = ALDRKLLoss(2.0, alpha=1.5)
    lam = loss.lam(proba)
    assert (np.diff(lam) < 0).all() and lam[0] <= 2.0 and lam[-1] >= 2.0 / 3
    codes = np.zeros(3, dtype=int)
    for change in (-0.05, 0.05):
        other = lam + change
        penalty = 1.5 * np.log(3) / 4 * (other - 2.0) ** 2
        for i in range(3):
            value = LDRKLLoss(other[i]).loss(proba[[i]], codes[[i]]) - penalty[i]
            assert value < loss.loss(proba[[i]], codes[[i]])


def test_truncation_leaves_unlikely_labels_out():
    proba = np.array([[0.4, 0.6], [0.9, 0.1]])
    weight = GeneralizedCrossEntropy(0.5, truncation=0.45).weight(proba, np.array([0, 0]))
    np.testing.assert_allclose(weight, [0.0, 0.9**0.5])


def test_trimming_keeps_the_smallest_losses_by_weight():
    losses = np.array([3.0, 1.0, 2.0, 0.0])
    state = Round(0, np.ones(4), np.ones(4))
    np.testing.assert_array_equal(TrimmedLoss(0.5).row_weight(losses, state), [0, 1, 0, 1])
    heavy = state._replace(sample_weight=np.array([1.0, 1, 1, 9]))
    np.testing.assert_array_equal(TrimmedLoss(0.25).row_weight(losses, heavy), [0, 0, 0, 1])


@pytest.mark.parametrize("alpha", [0.0, 0.15, 0.5])
@pytest.mark.parametrize("radius", [0.02, 0.3])
def test_worst_case_is_the_optimum_of_the_program(alpha, radius):
    """Of sum p loss over q = (1 / n - s, sum s), sum s <= alpha, KL(q, p) <= radius.

    For a given q the dual is min over eta of eta - exp(-radius + sum q log(eta - loss)), which no
    p exceeds.
    """
    losses = np.array([0.1, 0.2, 0.9, 0.5, 2.0])
    n = len(losses)
    padded = np.append(losses, losses.max())

    def dual(s):
        q = np.append(1 / n - s, s.sum())

        def value(log_gap):
            eta = padded.max() + np.exp(log_gap)
            return eta - np.exp(-radius + q @ np.log(eta - padded))

        return minimize_scalar(value, bounds=(-20, 8), method="bounded").fun

    rng = np.random.RandomState(0)
    tried = np.minimum(alpha * rng.dirichlet(np.full(n, 0.5), size=300), 1 / n)
    easiest = np.clip(alpha - np.array([0, 1, 3, 2, 4]) / n, 0, 1 / n)
    best = HolisticRobustLoss(alpha, radius=radius).objective(losses, np.ones(n))
    assert best == pytest.approx(dual(easiest), abs=1e-5)
    assert best >= max(dual(s) for s in tried) - 1e-5


def test_worst_case_of_a_repeated_row_is_that_of_a_heavy_one():
    losses = np.array([0.1, 0.4, 0.4, 2.0])
    loss = HolisticRobustLoss(0.1, radius=0.1)
    single = loss.worst_case(losses[[0, 1, 3]], np.array([1.0, 2.0, 1.0]))
    each = loss.worst_case(losses, np.ones(4))
    np.testing.assert_allclose(single, [each[0], each[1] + each[2], each[3]])


@pytest.mark.parametrize("radius", [0.0, 1e-12, 1e-3, 50.0])
def test_worst_case_at_the_limits(radius):
    loss = HolisticRobustLoss(0.0, radius=radius)
    np.testing.assert_allclose(loss.worst_case(np.ones(5), np.ones(5)), 1.0)
    worst = loss.worst_case(np.arange(5.0), np.ones(5))
    assert np.isfinite(worst).all() and (np.diff(worst) >= 0).all()
    if radius < 1e-6:
        np.testing.assert_allclose(worst, 1.0, atol=1e-4)


def test_prices_follow_the_dual_step():
    losses, price = np.array([0.0, 0.5, 3.0]), np.array([1.0, 0.0, 2.0])
    state = Round(3, price, np.ones(3))
    hard = FeasibleLearning(1.0, resilient=False, step=0.5).row_weight(losses, state)
    np.testing.assert_allclose(hard, [0.5, 0.0, 3.0])
    soft = FeasibleLearning(1.0).row_weight(losses, state)
    np.testing.assert_allclose(soft, [0.6, 0.0, 2.0])
