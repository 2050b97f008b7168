"""The formulas, each against what it is said to be."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, issparse
from scipy.special import log_softmax, logsumexp, softmax
from sklearn.linear_model import LogisticRegression

from sknoisy._evidence import Evidence
from sknoisy.training.hidden_groups import ProductOfExpertsClassifier
from sknoisy.training.hidden_groups._columns import read_concepts, swapped, values_of, with_columns
from sknoisy.training.hidden_groups._discover_cure import balanced
from sknoisy.training.hidden_groups._environments import (
    are_unstable,
    candidates,
    exceptions,
    far_end,
    parted,
    sensitivities,
)
from sknoisy.training.hidden_groups._expert import calibrated, pulled_labels
from sknoisy.training.hidden_groups._just_train_twice import error_weight
from sknoisy.training.hidden_groups._shifted import log_expert, shifted_targets

from .made import spurious


def drawn(n_classes, n=60, seed=0):
    rng = np.random.RandomState(seed)
    shift = log_softmax(2 * rng.randn(n, n_classes), axis=1)
    return 2 * rng.randn(n, n_classes), shift, rng.randint(n_classes, size=n)


# ---------------------------------------------------------------------- shifted logits


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_the_targets_have_the_slope_of_cross_entropy_with_shifted_logits(n_classes):
    f, shift, codes = drawn(n_classes)
    step, rows = 1e-6, np.arange(len(f))

    def loss(scores):
        return -log_softmax(scores + shift, axis=1)[rows, codes]

    slope = np.empty_like(f)
    for k in range(n_classes):
        e = step * np.eye(n_classes)[k]
        slope[:, k] = (loss(f + e) - loss(f - e)) / (2 * step)
    p = softmax(f, axis=1)
    soft = shifted_targets(p, shift, codes)
    assert (soft >= 0).all()
    np.testing.assert_allclose(soft.sum(axis=1, keepdims=True) * p - soft, slope, atol=1e-6)


def test_of_two_classes_the_target_is_the_given_label_with_a_weight():
    f, shift, codes = drawn(2)
    p, q = softmax(f, axis=1), softmax(f + shift, axis=1)
    soft, rows = shifted_targets(p, shift, codes), np.arange(len(f))
    np.testing.assert_allclose(soft[rows, 1 - codes], 0, atol=1e-12)
    weight = (1 - q[rows, codes]) / (1 - p[rows, codes])
    np.testing.assert_allclose(soft[rows, codes], weight)
    # up to the odds against the label where the model is sure, one where it is wrong
    odds = np.exp(shift[rows, 1 - codes] - shift[rows, codes])
    sure = shifted_targets(np.eye(2)[codes], shift, codes).sum(axis=1)
    np.testing.assert_allclose(sure, odds)
    np.testing.assert_allclose(shifted_targets(np.eye(2)[1 - codes], shift, codes).sum(axis=1), 1)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_without_a_shift_the_targets_are_the_labels(n_classes):
    f, _, codes = drawn(n_classes)
    soft = shifted_targets(softmax(f, axis=1), np.full_like(f, -0.7), codes)
    np.testing.assert_allclose(soft, np.eye(n_classes)[codes], atol=1e-12)


def test_the_fixed_point_minimises_the_loss_of_the_product():
    X, y, _ = spurious(4000, core_noise=1.2)
    plain = LogisticRegression(C=1e6, tol=1e-8)
    model = ProductOfExpertsClassifier(plain, plain_share=0, tol=1e-3, max_iter=40, random_state=0)
    model.fit(X, y)
    shift = log_expert(model.expert_proba_, 100.0)
    margin = shift[:, 1] - shift[:, 0]

    def loss(coef):
        scores = X @ coef[1:] + coef[0] + margin
        return np.mean(logsumexp([np.zeros(len(y)), scores], axis=0) - y * scores)

    best = minimize(loss, np.zeros(X.shape[1] + 1), method="BFGS").x
    found = np.concatenate([model.estimator_.intercept_, model.estimator_.coef_[0]])
    # the weights are taken out of sample, which makes a small difference
    np.testing.assert_allclose(found, best, atol=0.05)
    assert loss(found) - loss(best) < 1e-4


def test_a_row_that_nobody_judged_has_no_shift_and_none_is_beyond_the_limit():
    proba = np.array([[0.0, 1.0], [np.nan, np.nan], [0.4, 0.6]])
    found = np.exp(log_expert(proba, 20.0))
    np.testing.assert_allclose(found, [[0.05, 1.0], [1.0, 1.0], [0.4, 0.6]])


# ---------------------------------------------------------------------- twins and errors


def test_labels_move_in_expectation_of_the_flip():
    held = np.array([[0.5, 0.5], [0.9, 0.1], [0.0, 1.0], [np.nan, np.nan]])
    soft = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    wanted = [[0.0, 1.0], [0.8, 0.2], [0.0, 1.0], [1.0, 0.0]]
    np.testing.assert_allclose(pulled_labels(soft, held), wanted)
    third = np.full((1, 3), 1 / 3)
    np.testing.assert_allclose(pulled_labels(np.eye(3)[[2]], third), np.eye(3)[[2]])


def test_calibration_gives_the_share_of_labels_among_equal_predictions():
    held = np.array([[0.9, 0.1]] * 10 + [[0.3, 0.7]] * 5)
    codes = np.array([0] * 8 + [1] * 2 + [1] * 4 + [0])
    found = calibrated(held, codes, temperature=1e-3)
    np.testing.assert_allclose(found[:10], [[0.8, 0.2]] * 10)
    np.testing.assert_allclose(found[10:], [[0.2, 0.8]] * 5)
    weighted = calibrated(held, codes, np.where(codes == 1, 2.0, 1.0), 1e-3)
    np.testing.assert_allclose(weighted[0], [8 / 12, 4 / 12])
    np.testing.assert_allclose(calibrated(held, codes, temperature=1.0).sum(axis=1), 1)


def test_balanced_errors_weigh_as_much_together_as_the_others():
    missed = np.arange(20) < 4
    weight = error_weight(missed, "balanced")
    assert weight.mean() == pytest.approx(1)
    assert weight[missed].sum() == pytest.approx(weight[~missed].sum())
    given = np.where(missed, 3.0, 1.0)
    weight = error_weight(missed, "balanced", given)
    assert weight[missed] @ given[missed] == pytest.approx(weight[~missed] @ given[~missed])
    np.testing.assert_allclose(error_weight(~missed, "balanced"), 1)  # never less than others
    np.testing.assert_allclose(error_weight(missed, 5)[[0, 10]] * 36 / 20, [5, 1])


# ---------------------------------------------------------------------- environments and columns


def test_only_parts_that_stand_apart_are_exceptions():
    rng = np.random.RandomState(0)
    one, apart = np.ones(400), np.where(np.arange(400) < 20, 8.0, 0.0)
    assert not parted(rng.randn(400, 1), one, 0).any()
    assert not parted(rng.rand(400, 1), one, 0).any()
    np.testing.assert_array_equal(parted((rng.randn(400) + apart)[:, None], one, 0), apart > 0)
    assert not parted((np.arange(400) < 4)[:, None].astype(float), one, 0).any()  # outliers
    assert not parted((np.arange(400) % 2)[:, None].astype(float), one, 0).any()  # no exception
    assert not parted(np.zeros((400, 1)), one, 0).any()
    assert not parted(np.empty((400, 0)), one, 0).any()


def test_exceptions_look_like_another_class():
    codes = np.arange(400) % 2
    odd = np.arange(400) < 40
    shortcut = np.where(odd, 1 - codes, codes)
    X = np.column_stack([shortcut, odd, codes, np.where(odd, 5, codes)]).astype(float)
    concepts = [np.array([j]) for j in range(4)]
    found = exceptions(X, concepts, codes)
    np.testing.assert_array_equal(found[:, 0], odd)
    assert not found[:, 1:].any()
    np.testing.assert_array_equal(exceptions(csr_matrix(X), concepts, codes), found)


def test_the_end_that_stands_furthest_apart():
    rng = np.random.RandomState(0)
    values, weight = np.concatenate([rng.randn(50), 4 + rng.randn(9)]).round(1), rng.rand(59) + 0.1
    best = 0.0
    for cut in np.unique(values)[:-1]:
        above = values > cut
        minor = above if weight[above].sum() < weight[~above].sum() else ~above
        if minor.sum() < 5 or weight[minor].sum() > 0.3 * weight.sum():
            continue
        means = [np.average(values[part], weights=weight[part]) for part in (minor, ~minor)]
        spread = np.average((values - np.where(minor, *means)) ** 2, weights=weight) ** 0.5
        if abs(means[0] - means[1]) / spread > best:
            best, wanted = abs(means[0] - means[1]) / spread, minor
    separation, found = far_end(values, weight)
    assert separation == pytest.approx(best)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(far_end(-values, weight)[1], wanted)


def test_a_column_is_unstable_if_it_misleads_exceptions_in_two_classes():
    codes = np.repeat([0, 1], 30)
    odd = np.arange(60) % 30 < 6
    exception = np.column_stack([odd, odd, odd, odd & (codes == 0), odd])
    said = np.ones((60, 5))
    said[exception[:, 0], 0] = -1.0  # misleads
    said[exception[:, 2], 2] = -0.2  # hardly
    said[exception[:, 3], 3] = -1.0  # one class
    said[exception[:, 4], 4] = -3.0  # and the rest bears out no label
    said[7, 0] = np.nan
    log_odds = np.where(odd, -3.0, 3.0)
    found = sensitivities(log_odds + np.where(odd, 5.0, 0.0), said, exception, codes)
    np.testing.assert_allclose(found[:, :, 0], [[1, 1], [-1, -1]])
    np.testing.assert_array_equal(candidates(exception, codes), [True, True, True, False, True])
    np.testing.assert_array_equal(are_unstable(found, 0.5), [True, False, False, False, True])
    np.testing.assert_array_equal(are_unstable(found, 0.1), [True, False, True, False, True])
    found = sensitivities(log_odds, said, exception, codes)
    assert np.isnan(found[1]).all() and not are_unstable(found, 0.1).any()


def test_swapped_columns_keep_their_kind():
    X = np.arange(12.0).reshape(4, 3)
    rows, donors, columns = np.array([0, 2, 2]), np.array([1, 2, 3]), np.array([0, 2])
    wanted = [[3, 1, 5], [6, 7, 8], [9, 7, 11]]
    np.testing.assert_array_equal(swapped(X, rows, columns, donors), wanted)
    sparse = swapped(csr_matrix(X), rows, columns, donors)
    assert issparse(sparse) and sparse.format == "csr"
    np.testing.assert_array_equal(sparse.toarray(), wanted)
    table = pd.DataFrame(
        {"kind": pd.Categorical(list("abca")), "n": [1, 2, 3, 4], "text": ["p", "q", None, "r"]}
    )
    out = swapped(table, rows, columns, donors)
    assert out.dtypes.equals(table.dtypes)
    assert list(out["kind"]) == ["b", "c", "a"] and list(out["n"]) == [1, 3, 3]
    assert out["text"].iloc[0] == "q"
    assert table["kind"].iloc[0] == "a"  # the user's own is as it was


@pytest.mark.parametrize("n_classes", [2, 3])
def test_after_the_cure_a_column_is_alike_in_all_classes(n_classes):
    y = np.repeat(np.arange(n_classes), 300)
    X = np.column_stack([y, np.arange(len(y))]).astype(float)
    evidence = Evidence(X, y, task="classification")
    out, rows = balanced(X, evidence, np.array([0]), 2, np.random.RandomState(0))
    np.testing.assert_array_equal(out[:, 1], rows)  # other columns stay
    shares = pd.crosstab(y[rows], out[:, 0], normalize="index").to_numpy()
    np.testing.assert_allclose(shares, 1 / n_classes)


def test_values_of_any_kind_of_column():
    table = pd.DataFrame({"a": ["x", "y"] * 6, "id": [f"name{i}" for i in range(12)]})
    table["id"] = [f"{i}-{i * i}-key" for i in range(12)]
    assert values_of(table, [0]).shape == (12, 2)
    with_missing = np.array([[1.0], [np.nan], [3.0]] * 4)
    assert np.isfinite(values_of(with_missing, [0])).all()
    found = exceptions(csr_matrix(np.eye(30)[:, :2]), [np.array([0])], np.arange(30) % 2)
    assert found.shape == (30, 1) and not found.any()


def test_concepts_are_named_or_numbered():
    table = pd.DataFrame(np.zeros((2, 3)), columns=["a", "b", "c"])
    found = read_concepts(["b", ["a", 2]], table)
    assert [list(c) for c in found] == [[1], [0, 2]]
    with pytest.raises(ValueError, match="no column 'd'"):
        read_concepts([["d"]], table)
    with pytest.raises(ValueError, match="no column 3"):
        read_concepts([3], np.zeros((2, 3)))
    with pytest.raises(ValueError, match="one of them is empty"):
        read_concepts([[]], table)
    with pytest.raises(TypeError, match="list of texts, which has none"):
        with_columns(["one text", "another"], "DiscoverCureClassifier")
    with pytest.raises(TypeError, match="swaps columns between rows"):
        with_columns([{"a": 1}], "DiscoverCureClassifier")
