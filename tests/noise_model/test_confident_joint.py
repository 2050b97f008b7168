"""Confident learning on arrays: by hand, by its symmetries, and against cleanlab."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sknoisy.detection import (
    class_thresholds,
    confident_joint,
    find_suspects,
    joint_posterior,
    label_quality,
)

PRUNE = ["prune_by_noise_rate", "prune_by_class", "both"]
FILTERS = [*PRUNE, "confident_learning", "predicted_neq_given", "highest_score"]
SCORES = ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]


def made(seed, *, n=200, n_classes=3, noise=0.2, prior=None, spread=1.0):
    """Probabilities of a decent model, and labels of which a share is wrong."""
    rng = np.random.default_rng(seed)
    true = rng.choice(n_classes, n, p=prior)
    codes = true.copy()
    wrong = rng.random(n) < noise
    codes[wrong] = rng.integers(0, n_classes, wrong.sum())
    logits = rng.normal(scale=spread, size=(n, n_classes))
    logits[np.arange(n), true] += 2 * spread
    proba = np.exp(logits)
    return proba / proba.sum(axis=1, keepdims=True), codes


# ---------------------------------------------------------------------- by hand

HAND = np.array(
    [
        [0.9, 0.1, 0.0],
        [0.7, 0.2, 0.1],
        [0.2, 0.6, 0.2],  # given 0, looks like 1
        [0.1, 0.8, 0.1],
        [0.3, 0.4, 0.3],  # confidently of no class
        [0.0, 0.1, 0.9],
        [0.8, 0.1, 0.1],  # given 2, looks like 0
    ]
)
HAND_CODES = np.array([0, 0, 0, 1, 1, 2, 2])


def test_thresholds_are_the_mean_self_confidence():
    assert_allclose(class_thresholds(HAND, HAND_CODES), [0.6, 0.6, 0.5])


def test_joint_counts_confident_rows():
    raw = confident_joint(HAND, HAND_CODES, calibrate=False)
    assert_array_equal(raw, [[2, 1, 0], [0, 1, 0], [1, 0, 1]])


def test_row_unsure_between_unlikely_classes_counts_for_the_most_probable_of_all():
    # as in cleanlab, though class 0 is not above its threshold; the paper would take class 1
    raw = confident_joint([[0.5, 0.3, 0.2]], [2], thresholds=[0.9, 0.1, 0.1], calibrate=False)
    assert_array_equal(raw, [[1, 0, 0], [0, 1, 0], [1, 0, 1]])


def test_calibration_restores_the_class_counts():
    assert_array_equal(confident_joint(HAND, HAND_CODES), [[2, 1, 0], [0, 2, 0], [1, 0, 1]])


def test_given_thresholds_are_used():
    raw = confident_joint(HAND, HAND_CODES, thresholds=[0.95, 0.95, 0.95], calibrate=False)
    assert_array_equal(raw, np.eye(3))  # none is sure; one row of each class is taken to be right


def test_row_above_several_thresholds_counts_once_for_the_most_probable_class():
    raw = confident_joint(HAND, HAND_CODES, thresholds=[0, 0, 0], calibrate=False)
    assert_array_equal(raw, [[2, 1, 0], [0, 2, 0], [1, 0, 1]])


@pytest.mark.parametrize("filter_by", FILTERS)
def test_each_filter_finds_the_two_wrong_rows(filter_by):
    assert_array_equal(np.flatnonzero(find_suspects(HAND, HAND_CODES, filter_by=filter_by)), [2, 6])


def test_filters_differ_in_the_rows_they_take():
    # ten rows are given 0; the joint says that one of them is of class 1 and one of class 2
    unsure = [[0.1, 0.6, 0.3], [0.25, 0.7, 0.05], [0.28, 0.2, 0.52]]
    proba = np.array([[0.8, 0.1, 0.1]] * 7 + unsure + [[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    codes = np.array([0] * 10 + [1, 2])
    joint = np.array([[8, 1, 1], [0, 1, 0], [0, 0, 1]])
    expected = {
        "prune_by_class": [7, 8],  # least P(0 | x): 0.1 and 0.25
        "prune_by_noise_rate": [7, 9],  # largest margin to class 1 (0.5) and to class 2 (0.24)
        "both": [7],
    }
    for filter_by, rows in expected.items():
        found = find_suspects(proba, codes, filter_by=filter_by, joint=joint)
        assert_array_equal(np.flatnonzero(found), rows)


def test_scores_by_hand():
    proba = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0], [0.0, 1.0]])
    codes = np.zeros(4, dtype=int)
    assert_allclose(label_quality(proba, codes), [0.5, 0.75, 0, 1])
    assert_allclose(label_quality(proba, codes, "normalized_margin"), [0.5, 0.75, 0, 1])
    # entropy of (1/2, 1/2) is its maximum: 1 / 0.5 = 2, and log(1 + 2) / 2
    entropy = 0.25 * 2 + 0.75 * np.log2(4 / 3)
    expected = [1 - np.log(3) / 2, 1 - np.log1p(entropy * 4) / (entropy * 4), 0, 1]
    assert_allclose(label_quality(proba, codes, "confidence_weighted_entropy"), expected)


@pytest.mark.parametrize("score", SCORES)
def test_less_probable_labels_are_more_suspect_down_to_zero(score):
    given_proba = np.array([1, 0.9, 0.6, 0.4, 1e-2, 1e-5, 1e-7, 1e-12, 0])
    proba = np.column_stack([given_proba, 1 - given_proba])
    noise = label_quality(proba, np.zeros(len(proba), dtype=int), score)
    assert (np.diff(noise) >= 0).all() and noise[0] == 0 and noise[-1] == 1


@pytest.mark.parametrize("filter_by", sorted(set(FILTERS) - set(PRUNE)))
def test_only_the_prune_filters_use_the_joint(filter_by):
    joint = [[5, 5, 5]] * 3
    found = find_suspects(HAND, HAND_CODES, filter_by=filter_by, joint=joint)
    assert_array_equal(found, find_suspects(HAND, HAND_CODES, filter_by=filter_by))


def test_highest_score_ranks_all_classes_together():
    proba, codes = made(0)
    found = find_suspects(proba, codes, filter_by="highest_score", score="normalized_margin")
    noise = label_quality(proba, codes, "normalized_margin")
    assert found.sum() == find_suspects(proba, codes, filter_by="confident_learning").sum() > 0
    assert noise[found].min() >= noise[~found].max()


def test_prune_by_class_ranks_by_the_score():
    # of the two rows one is less like class 0, the other has the clearer rival
    proba = [[0.30, 0.35, 0.35], [0.35, 0.65, 0.0], [0.9, 0.05, 0.05], [0.05, 0.9, 0.05]]
    proba, codes = np.array([*proba, [0.05, 0.05, 0.9]]), np.array([0, 0, 0, 1, 2])
    joint = [[2, 1, 0], [0, 1, 0], [0, 0, 1]]
    for score, row in [("self_confidence", 0), ("normalized_margin", 1)]:
        found = find_suspects(proba, codes, filter_by="prune_by_class", score=score, joint=joint)
        assert_array_equal(np.flatnonzero(found), [row])


def test_min_examples_per_class_protects_small_classes():
    proba = np.array([[0.9, 0.1]] * 6 + [[0.9, 0.1]] * 4 + [[0.1, 0.9]])
    codes = np.array([0] * 6 + [1] * 5)  # of five rows given 1, four look like 0
    for filter_by in PRUNE:
        found = [
            find_suspects(proba, codes, filter_by=filter_by, min_examples_per_class=m).sum()
            for m in (0, 1, 3, 5)
        ]
        assert found == [4, 4, 2, 0]


def test_frac_noise_flags_a_part_of_the_prunable():
    proba, codes = made(1, n=600)
    n_found = [find_suspects(proba, codes, frac_noise=f).sum() for f in (0, 0.3, 0.6, 1)]
    assert n_found[0] == 0 and np.all(np.diff(n_found) > 0)


# ---------------------------------------------------------------------- posterior


def test_one_step_is_the_mean_over_the_given_labels():
    joint = np.array([[6, 2], [1, 11]])
    proba = np.array([[0.7, 0.3]])
    true_0 = 0.7 * 6 / 8 + 0.3 * 1 / 12
    weight = np.array([true_0 * 6 / 7, (1 - true_0) * 2 / 13])  # by P(given 0 | true)
    posterior = joint_posterior(proba, [0], joint, max_iter=1)
    assert_allclose(posterior, [weight / weight.sum()])


def test_posterior_undoes_the_noise_in_the_model():
    # all there is to know: a model that is sure predicts the columns of the noise matrix
    joint = np.array([[40, 10, 0], [5, 20, 5], [5, 0, 15]])
    given_of_true = joint / joint.sum(axis=0)
    proba = np.repeat(given_of_true.T, 3, axis=0)
    posterior = joint_posterior(proba, np.tile([0, 1, 2], 3), joint, max_iter=3000)
    possible = given_of_true.T.ravel() > 0
    true = np.repeat([0, 1, 2], 3)
    assert (posterior[np.arange(9), true][possible] > 0.98).all()


def test_posterior_is_near_that_of_the_one_who_knows():
    rng = np.random.default_rng(0)
    given_of_true = np.array([[0.8, 0.1, 0.05], [0.1, 0.8, 0.15], [0.1, 0.1, 0.8]])
    true_proba = rng.dirichlet([0.3, 0.3, 0.3], 4000)
    true = (rng.random((4000, 1)) > true_proba.cumsum(axis=1)[:, :2]).sum(axis=1)
    codes = (rng.random((4000, 1)) > given_of_true.T[true].cumsum(axis=1)[:, :2]).sum(axis=1)
    joint = given_of_true * true_proba.mean(axis=0)
    best = true_proba * given_of_true[codes]  # with P(true | x) known
    best /= best.sum(axis=1, keepdims=True)

    def distance(max_iter):
        proba = true_proba @ given_of_true.T  # what a perfect model of the given labels says
        posterior = joint_posterior(proba, codes, joint, max_iter=max_iter)
        return np.abs(posterior - best).mean()

    assert distance(1) > 4 * distance(10) > 8 * distance(300)


def test_no_noise_means_the_given_label():
    proba, codes = made(0, n_classes=4)
    joint = np.diag([10, 20, 30, 40])
    assert_allclose(joint_posterior(proba, codes, joint), np.eye(4)[codes])


def test_true_class_that_is_never_counted_gets_nothing():
    proba, codes = made(0)
    posterior = joint_posterior(proba, codes, [[8, 0, 2], [4, 0, 2], [1, 0, 9]])
    assert_array_equal(posterior[:, 1], 0)
    assert_allclose(posterior.sum(axis=1), 1)


def test_label_that_nothing_explains_is_kept():
    # class 2 is never given, by the joint; and class 1 is never called 0
    posterior = joint_posterior([[0, 0, 1], [0, 1, 0]], [2, 0], [[5, 0, 0], [0, 5, 0], [0, 0, 0]])
    assert_array_equal(posterior, [[0, 0, 1], [1, 0, 0]])


def step_by_step(proba, codes, joint, max_iter=10):
    """The posterior as the docstring has it."""
    given_of_true = joint / np.maximum(joint.sum(axis=0), 1e-300)
    true = np.tile(joint.sum(axis=0) / joint.sum(), (len(proba), 1))
    for _ in range(max_iter):
        true *= (proba / np.maximum(true @ given_of_true.T, 1e-300)) @ given_of_true
    posterior = true * given_of_true[codes]
    total = posterior.sum(axis=1)
    kept = ~(total > 0)
    posterior /= np.where(kept, 1.0, total)[:, None]
    posterior[kept] = np.eye(len(joint))[codes[kept]]
    return posterior


@pytest.mark.parametrize("share", [1.0, 0.03])
@pytest.mark.parametrize("spread", [1, 6])
def test_posterior_of_many_classes(share, spread):
    """Most pairs of many classes are never taken for one another, or all of them are."""
    rng = np.random.default_rng(0)
    proba, codes = made(0, n=900, n_classes=60, spread=spread)
    proba[proba < 1e-4] = 0.0  # so that no label of some rows is explained
    joint = rng.integers(1, 4, (60, 60)) * (rng.random((60, 60)) < share) + np.diag([50] * 60)
    joint[:, 7] = 0
    posterior = joint_posterior(proba, codes, joint)
    assert_allclose(posterior, step_by_step(proba, codes, joint), atol=1e-12)
    assert_array_equal(posterior[codes != 7, 7], 0)
    holed = proba.copy()
    holed[::2, 3] = np.nan
    posterior[::2] = np.nan
    assert_allclose(joint_posterior(holed, codes, joint), posterior, atol=1e-12)


# ---------------------------------------------------------------------- rows and classes left out


def test_posterior_of_many_rows_is_that_of_each():
    """Rows are taken in parts, and a label that nothing explains spoils no other row."""
    proba, codes = made(0, n=40_000, n_classes=4)
    proba[100:110] = np.eye(4)[3]
    joint = np.array([[8, 1, 0, 0], [1, 9, 0, 0], [0, 2, 5, 0], [0, 0, 0, 0]])
    kept = (codes == 3) | (proba @ (joint.sum(axis=1) > 0) == 0)
    assert kept.sum() > 1000
    posterior = joint_posterior(proba, codes, joint)
    assert_array_equal(posterior[kept], np.eye(4)[codes[kept]])
    assert_allclose(posterior, step_by_step(proba, codes, joint), atol=1e-12)


def test_rows_that_were_not_judged_are_as_if_absent():
    proba, codes = made(3, n=120)
    joint = confident_joint(proba[::2], codes[::2])
    holed = proba.copy()
    holed[1::2, 0] = np.nan
    assert_allclose(class_thresholds(holed, codes), class_thresholds(proba[::2], codes[::2]))
    assert_array_equal(confident_joint(holed, codes), joint)
    for filter_by in FILTERS:
        found = find_suspects(holed, codes, filter_by=filter_by)
        assert not found[1::2].any()
        assert_array_equal(found[::2], find_suspects(proba[::2], codes[::2], filter_by=filter_by))
    for score in SCORES:
        noise = label_quality(holed, codes, score)
        assert np.isnan(noise[1::2]).all()
        assert_array_equal(noise[::2], label_quality(proba[::2], codes[::2], score))
    posterior = joint_posterior(holed, codes, joint)
    assert np.isnan(posterior[1::2]).all()
    assert_array_equal(posterior[::2], joint_posterior(proba[::2], codes[::2], joint))


def test_nothing_judged_means_nothing_found():
    proba, codes = np.full((4, 2), np.nan), np.array([0, 1, 1, 0])
    assert_array_equal(class_thresholds(proba, codes), [np.inf, np.inf])
    assert_array_equal(confident_joint(proba, codes), np.zeros((2, 2)))
    assert not any(find_suspects(proba, codes, filter_by=f).any() for f in FILTERS)
    assert np.isnan(joint_posterior(proba, codes, np.eye(2))).all()


def test_class_without_rows_is_never_counted_into():
    proba, codes = made(0, n_classes=4)
    codes = codes % 3  # none is given class 3, though the model predicts it
    assert class_thresholds(proba, codes)[3] == np.inf
    joint = confident_joint(proba, codes)
    assert joint[3].sum() == 0 and joint[:, 3].sum() == 0
    assert_array_equal(joint.sum(axis=1), np.bincount(codes, minlength=4))


def test_class_the_model_never_predicts_takes_no_rows():
    proba = np.array([[0.8, 0.2, 0.0], [0.3, 0.7, 0.0], [0.9, 0.1, 0.0]])
    codes = np.array([0, 1, 2])
    assert class_thresholds(proba, codes)[2] == 2e-6
    assert confident_joint(proba, codes)[:2, 2].sum() == 0


def test_single_class():
    proba, codes = np.ones((3, 1)), np.zeros(3, dtype=int)
    assert_array_equal(confident_joint(proba, codes), [[3]])
    assert not any(find_suspects(proba, codes, filter_by=f).any() for f in FILTERS)
    assert_array_equal([label_quality(proba, codes, s) for s in SCORES], np.zeros((3, 3)))
    assert_array_equal(joint_posterior(proba, codes, [[3]]), proba)


def test_sole_member_of_a_class_is_not_pruned():
    proba = np.array([[0.9, 0.1]] * 5 + [[0.95, 0.05]])
    codes = np.array([0] * 5 + [1])
    for filter_by in PRUNE:
        joint = [[5, 0], [1, 0]]
        found = find_suspects(
            proba, codes, filter_by=filter_by, min_examples_per_class=0, joint=joint
        )
        assert not found.any()


def test_inputs_are_left_alone():
    proba, codes = made(0)
    before = proba.copy(), codes.copy()
    joint = confident_joint(proba, codes)
    for filter_by in FILTERS:
        find_suspects(proba, codes, filter_by=filter_by)
    for score in SCORES:
        label_quality(proba, codes, score)
    joint_posterior(proba, codes, joint)
    assert_array_equal(proba, before[0])
    assert_array_equal(codes, before[1])


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("proba", "codes", "message"),
    [
        ([0.5, 0.5], [0, 1], "one row per example"),
        ([[0.5, 0.5]], [0, 1], "each of the 1 rows"),
        ([[0.5, 0.5], [0.5, 0.5]], [0, 2], "row 1 has 2"),
        ([[0.5, 0.5], [0.5, 0.5]], [-1, 0], "row 0 has -1"),
        ([[0.5, 0.5]], [0.0], "whole numbers"),
        ([[0.5, 0.5]], ["a"], "LabelEncoder"),
        ([[0.5, 0.5], [-3.0, 4.0]], [0, 1], "row 1"),
        ([[0.5, 0.5], [0.5, np.inf]], [0, 1], "row 1"),
    ],
)
def test_bad_arrays_are_named(proba, codes, message):
    for function in (class_thresholds, confident_joint, label_quality, find_suspects):
        with pytest.raises(ValueError, match=message):
            function(proba, codes)
    with pytest.raises(ValueError, match=message):
        joint_posterior(proba, codes, np.eye(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filter_by": "all"}, "filter_by must be one of .*'both'"),
        ({"score": "margin"}, "score must be one of .*'normalized_margin'"),
        ({"frac_noise": 1.5}, "frac_noise"),
        ({"min_examples_per_class": -1}, "min_examples_per_class"),
        ({"min_examples_per_class": 0.5}, "min_examples_per_class"),
        ({"joint": np.eye(2)}, "one row and one column per class"),
        ({"joint": -np.eye(3)}, "not negative"),
        ({"joint": np.eye(3) * np.nan}, "finite"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        find_suspects(HAND, HAND_CODES, **options)


def test_other_bad_options_are_named():
    with pytest.raises(ValueError, match="one number per class"):
        confident_joint(HAND, HAND_CODES, thresholds=[0.5, 0.5])
    with pytest.raises(ValueError, match="score must be one of"):
        label_quality(HAND, HAND_CODES, score="entropy")
    with pytest.raises(ValueError, match="no counts"):
        joint_posterior(HAND, HAND_CODES, np.zeros((3, 3)))
    with pytest.raises(ValueError, match="max_iter"):
        joint_posterior(HAND, HAND_CODES, np.eye(3), max_iter=0)


# ---------------------------------------------------------------------- symmetries

SETTINGS = settings(max_examples=40, deadline=None, derandomize=True)
CASES = {
    "seed": st.integers(0, 10**6),
    "n": st.integers(2, 80),
    "n_classes": st.integers(2, 6),
    "noise": st.sampled_from([0.0, 0.1, 0.5]),
}


@SETTINGS
@given(**CASES)
def test_joint_sums_to_the_class_counts(seed, n, n_classes, noise):
    proba, codes = made(seed, n=n, n_classes=n_classes, noise=noise)
    joint = confident_joint(proba, codes)
    assert joint.dtype.kind == "i" and (joint >= 0).all()
    assert_array_equal(joint.sum(axis=1), np.bincount(codes, minlength=n_classes))


@SETTINGS
@given(**CASES)
def test_order_of_rows_does_not_matter(seed, n, n_classes, noise):
    proba, codes = made(seed, n=n, n_classes=n_classes, noise=noise)
    shuffle = np.random.default_rng(seed).permutation(n)
    joint = confident_joint(proba, codes)
    assert_array_equal(confident_joint(proba[shuffle], codes[shuffle]), joint)
    for filter_by in FILTERS:
        found = find_suspects(proba, codes, filter_by=filter_by)
        again = find_suspects(proba[shuffle], codes[shuffle], filter_by=filter_by)
        assert_array_equal(again, found[shuffle])
    for score in SCORES:
        noise_score = label_quality(proba, codes, score)
        again = label_quality(proba[shuffle], codes[shuffle], score)
        assert_allclose(again, noise_score[shuffle])
    posterior = joint_posterior(proba, codes, joint)
    again = joint_posterior(proba[shuffle], codes[shuffle], joint)
    assert_allclose(again, posterior[shuffle], atol=1e-12)


@SETTINGS
@given(**CASES)
def test_names_of_classes_do_not_matter(seed, n, n_classes, noise):
    proba, codes = made(seed, n=n, n_classes=n_classes, noise=noise)
    old = np.random.default_rng(seed).permutation(n_classes)  # new class c is the old old[c]
    renamed = np.argsort(old)[codes]
    # uncalibrated: rounding to whole rows may break a tie between classes either way
    joint = confident_joint(proba, codes, calibrate=False)
    again = confident_joint(proba[:, old], renamed, calibrate=False)
    assert_array_equal(again, joint[np.ix_(old, old)])
    for filter_by in FILTERS:
        given_joint = {"joint": joint} if filter_by in PRUNE else {}
        found = find_suspects(proba, codes, filter_by=filter_by, **given_joint)
        given_joint = {"joint": again} if filter_by in PRUNE else {}
        assert_array_equal(
            find_suspects(proba[:, old], renamed, filter_by=filter_by, **given_joint), found
        )
    for score in SCORES:
        assert_allclose(
            label_quality(proba[:, old], renamed, score), label_quality(proba, codes, score)
        )
    posterior = joint_posterior(proba, codes, joint)
    assert_allclose(
        joint_posterior(proba[:, old], renamed, again), posterior[:, old], rtol=1e-6, atol=1e-9
    )


@SETTINGS
@given(**CASES)
def test_posterior_is_a_distribution(seed, n, n_classes, noise):
    proba, codes = made(seed, n=n, n_classes=n_classes, noise=noise, spread=3)
    posterior = joint_posterior(proba, codes, confident_joint(proba, codes))
    assert (posterior >= 0).all()
    assert_allclose(posterior.sum(axis=1), 1)


@SETTINGS
@given(**CASES)
def test_scores_lie_between_zero_and_one(seed, n, n_classes, noise):
    proba, codes = made(seed, n=n, n_classes=n_classes, noise=noise, spread=30)
    for score in SCORES:
        noise_score = label_quality(proba, codes, score)
        assert (noise_score >= 0).all() and (noise_score <= 1).all()


# ---------------------------------------------------------------------- cleanlab


def cleanlab_cases():
    """Many classes or few, rare classes, classes never given, ties, single precision."""
    rng = np.random.default_rng(0)
    for seed in range(60):
        n_classes = 2 + seed % 9
        prior = rng.dirichlet(np.full(n_classes, rng.choice([0.3, 1.0, 20.0])))
        n = int(rng.choice([15, 60, 300, 1500]))
        noise, spread = rng.choice([0, 0.05, 0.2, 0.4]), rng.choice([0.5, 1, 2])
        proba, codes = made(seed, n=n, n_classes=n_classes, noise=noise, prior=prior, spread=spread)
        if len(np.unique(codes)) == 1:
            continue
        kind = ("as it is", "ties", "single precision")[seed % 3]
        if kind == "ties":  # as of a forest of ten trees
            proba = np.round(proba * 10) / 10
        elif kind == "single precision":
            proba = proba.astype(np.float32)
        yield proba, codes


@pytest.mark.filterwarnings("ignore:May not flag all label issues")
def test_flags_what_cleanlab_flags():
    cleanlab = pytest.importorskip("cleanlab")
    from cleanlab.filter import find_label_issues

    assert cleanlab.__version__
    same = {
        "confident_learning": {"filter_by": "confident_learning"},
        "predicted_neq_given": {"filter_by": "predicted_neq_given"},
        "low_self_confidence": {"filter_by": "highest_score"},
        "low_normalized_margin": {"filter_by": "highest_score", "score": "normalized_margin"},
    }
    n_cases = n_flagged = 0
    for proba, codes in cleanlab_cases():
        for theirs, ours in same.items():
            expected = find_label_issues(codes, proba, filter_by=theirs, n_jobs=1)
            assert_array_equal(find_suspects(proba, codes, **ours), expected)
        for filter_by in PRUNE:
            for options in (
                {},
                {"min_examples_per_class": 0},
                {"min_examples_per_class": 10},
                {"frac_noise": 0.5},
                {"frac_noise": 0.3, "min_examples_per_class": 3},
            ):
                expected = find_label_issues(codes, proba, filter_by=filter_by, n_jobs=1, **options)
                found = find_suspects(proba, codes, filter_by=filter_by, **options)
                assert_array_equal(found, expected, err_msg=f"{filter_by}, {options}")
                n_cases, n_flagged = n_cases + 1, n_flagged + expected.sum()
    assert n_cases > 800 and n_flagged > 20_000


@pytest.mark.filterwarnings("ignore:May not flag all label issues")
def test_flags_what_cleanlab_flags_of_many_classes():
    pytest.importorskip("cleanlab")
    from cleanlab.filter import find_label_issues

    for spread in (0.5, 2):  # classes that overlap, so that margins are not enough, or do not
        proba, codes = made(0, n=3000, n_classes=50, spread=spread)
        for filter_by in PRUNE:
            expected = find_label_issues(codes, proba, filter_by=filter_by, n_jobs=1)
            assert_array_equal(find_suspects(proba, codes, filter_by=filter_by), expected)


@pytest.mark.filterwarnings("ignore:May not flag all label issues")
def test_takes_a_joint_as_cleanlab_does():
    pytest.importorskip("cleanlab")
    from cleanlab.filter import find_label_issues

    rng = np.random.default_rng(0)
    for proba, codes in cleanlab_cases():
        joint = rng.integers(0, len(codes), (proba.shape[1], proba.shape[1]))
        for filter_by in PRUNE:
            expected = find_label_issues(
                codes, proba, filter_by=filter_by, confident_joint=joint, n_jobs=1
            )
            found = find_suspects(proba, codes, filter_by=filter_by, joint=joint)
            assert_array_equal(found, expected)


def test_counts_and_scores_as_cleanlab():
    pytest.importorskip("cleanlab")
    from cleanlab.count import compute_confident_joint, get_confident_thresholds
    from cleanlab.rank import get_label_quality_scores

    for proba, codes in cleanlab_cases():
        thresholds = class_thresholds(proba, codes)
        given_classes = np.isfinite(thresholds)
        expected = get_confident_thresholds(codes, proba)
        assert_allclose(thresholds[given_classes], expected[given_classes], rtol=1e-5)
        for calibrate in (True, False):
            expected = compute_confident_joint(codes, proba, calibrate=calibrate)
            assert_array_equal(confident_joint(proba, codes, calibrate=calibrate), expected)
        for score in SCORES:
            expected = 1 - get_label_quality_scores(codes, proba, method=score)
            # at the ends of the entropy score we differ on purpose: see the comment in the code
            inner = (proba[np.arange(len(codes)), codes] > 1e-6) & (proba.max(axis=1) < 0.999)
            noise = label_quality(proba, codes, score)
            assert_allclose(noise[inner], expected[inner], atol=1e-5)
