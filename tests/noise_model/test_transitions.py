"""Estimators of transition matrices: they find them, and their errors are what they say."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.datasets import transition_noise
from sknoisy.exceptions import NothingKnownWarning
from sknoisy.noise_model import (
    AnchorTransition,
    AnnotatorTransition,
    ConfidentJointTransition,
    NeighborTransition,
    TrustedTransition,
    check_identifiability,
    correction_outlook,
    expected_transition_error,
    n_trusted_for,
    relative_signal_strength,
)
from sknoisy.noise_model._neighbor_transition import transition_of_triplets

MATRIX = np.array([[0.7, 0.3, 0.0], [0.0, 0.9, 0.1], [0.2, 0.1, 0.7]])
FROM_LABELS = [
    ConfidentJointTransition(LogisticRegression(), random_state=0),
    AnchorTransition(LogisticRegression(), random_state=0),
    AnchorTransition(LogisticRegression(), read="proba", random_state=0),
    NeighborTransition(random_state=0),
]


def drawn(n=3000, seed=0, centers=((0, 0), (5, 0), (0, 5)), matrix=MATRIX):
    """(X, true labels, given labels)."""
    X, y = make_blobs(n, centers=np.array(centers), random_state=seed)
    return X, y, transition_noise(y, matrix, random_state=seed)[0]


# ---------------------------------------------------------------------- the matrix is found


@pytest.mark.parametrize("model", FROM_LABELS, ids=str)
def test_the_matrix_is_found_from_the_given_labels(model):
    X, y, given = drawn()
    model = clone(model).fit(X, given)
    at_most = 0.25 if getattr(model, "read", "") == "proba" else 0.08
    assert np.abs(model.transition_ - MATRIX).max() < at_most
    assert np.allclose(model.transition_.sum(axis=1), 1)
    if at_most < 0.1:
        assert np.abs(model.class_prior_ - np.bincount(y) / len(y)).max() < 0.05
        assert model.noise_rate_ == pytest.approx((y != given).mean(), abs=0.04)


@pytest.mark.parametrize("model", [FROM_LABELS[0], FROM_LABELS[1], FROM_LABELS[3]], ids=str)
def test_labels_that_are_right_stay_right(model):
    X, y, _ = drawn(600)
    assert clone(model).fit(X, y).noise_rate_ < 0.03


@pytest.mark.parametrize("model", FROM_LABELS, ids=str)
def test_names_of_classes_and_containers_do_not_matter(model):
    X, _, given = drawn(600)
    plain = clone(model).fit(X, given)
    names = np.array(["ant", "bee", "cat"])
    named = clone(model).fit(pd.DataFrame(X, columns=["u", "v"]), pd.Series(names[given]))
    assert named.classes_.tolist() == ["ant", "bee", "cat"]
    assert named.feature_names_in_.tolist() == ["u", "v"]
    assert np.allclose(named.transition_, plain.transition_, atol=1e-6)
    assert np.allclose(named.transition_error_, plain.transition_error_, atol=1e-5)


@pytest.mark.parametrize("model", FROM_LABELS, ids=str)
def test_the_same_seed_gives_the_same_result(model):
    X, _, given = drawn(400)
    one, two = (clone(model).fit(X, given) for _ in range(2))
    assert np.array_equal(one.transition_, two.transition_)
    assert np.array_equal(one.transition_error_, two.transition_error_)


@pytest.mark.parametrize("model", FROM_LABELS, ids=str)
def test_trusted_rows_are_left_out(model):
    X, y, given = drawn(1500)
    trusted = np.arange(len(y)) < 500
    mixed = np.where(trusted, y, given)
    plain, told = clone(model).fit(X, mixed), clone(model).fit(X, mixed, trusted=trusted)
    # rows that are right by construction make the noise look smaller
    assert told.noise_rate_ > plain.noise_rate_ + 0.03
    assert told.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("model", FROM_LABELS, ids=str)
def test_rows_of_no_weight_do_not_count(model):
    X, _, given = drawn(900)
    other = np.random.RandomState(0).randint(0, 3, 300)
    whole, labels = np.vstack([X, X[:300] + 0.01]), np.append(given, other)
    weight = np.append(np.ones(900), np.zeros(300))
    weighted = clone(model).fit(whole, labels, sample_weight=weight)
    plain = clone(model).fit(X, given)
    assert np.abs(weighted.transition_ - plain.transition_).max() < 0.06


def test_neighbours_come_from_the_steps_of_a_pipeline_and_from_sparse_rows():
    X, _, given = drawn(800)
    wide = X * [1.0, 1000.0]
    scaled = NeighborTransition(make_pipeline(StandardScaler(), LogisticRegression()))
    assert np.abs(scaled.fit(wide, given).transition_ - MATRIX).max() < 0.15
    sparse = NeighborTransition().fit(csr_matrix(np.abs(X)), given)
    assert sparse.transition_.shape == (3, 3)


def test_a_rare_class_that_no_feature_is_sure_of_is_not_called_wrong():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(4000, 3))
    y = (rng.random_sample(4000) < 1 / (1 + np.exp(4.5 - 1.5 * X[:, 0]))).astype(int)
    model = AnchorTransition(LogisticRegression(), random_state=0).fit(X, y)
    assert np.array_equal(model.transition_[1], [0, 1])
    assert model.n_anchors_[1] == 0
    assert model.noise_rate_ < 0.02


def test_where_nothing_is_known_no_label_is_called_wrong():
    rng = np.random.RandomState(0)
    X, given = rng.normal(size=(300, 3)), rng.randint(0, 2, 300)
    for kind in (ConfidentJointTransition, AnchorTransition):
        with pytest.warns(NothingKnownWarning, match="taken to be right"):
            model = kind(LogisticRegression()).fit(X, given)
        assert np.array_equal(model.transition_, np.eye(2))
        assert np.isnan(model.transition_error_).all()


def test_neighbours_that_say_nothing_are_named():
    rng = np.random.RandomState(0)
    X, given = rng.normal(size=(2000, 3)), rng.randint(0, 3, 2000)
    with pytest.warns(NothingKnownWarning, match="nearly dependent"):
        NeighborTransition(n_resamples=0).fit(X, given)


# ---------------------------------------------------------------------- standard errors


@pytest.mark.parametrize(
    "model",
    [
        ConfidentJointTransition(LogisticRegression(), random_state=0),
        AnchorTransition(LogisticRegression(), random_state=0),
        NeighborTransition(random_state=0),
    ],
    ids=str,
)
def test_standard_errors_are_those_of_other_draws(model):
    found = [clone(model).fit(*drawn(600, seed)[::2]) for seed in range(20)]
    spread = np.std([one.transition_ for one in found], axis=0, ddof=1)
    said = np.mean([one.transition_error_ for one in found], axis=0)
    open_cells = MATRIX > 0
    ratio = said[open_cells].mean() / spread[open_cells].mean()
    assert 0.6 < ratio < 1.6


def test_no_resamples_no_standard_errors():
    X, _, given = drawn(200)
    model = ConfidentJointTransition(LogisticRegression(), n_resamples=0).fit(X, given)
    assert np.isnan(model.transition_error_).all()


# ---------------------------------------------------------------------- trusted rows


def paired(n, prior, rng):
    y = rng.choice(3, n, p=prior)
    return y, (rng.random((n, 1)) > MATRIX.cumsum(axis=1)[y]).sum(axis=1)


@pytest.mark.parametrize("n", [15, 60, 600])
@pytest.mark.parametrize("prior", [(1 / 3, 1 / 3, 1 / 3), (0.8, 0.15, 0.05)])
def test_the_error_of_paired_labels_is_the_one_foretold(n, prior):
    rng, errors = np.random.default_rng(0), []
    model = TrustedTransition(smoothing=0)
    for _ in range(1500):
        counts = np.zeros((3, 3))
        np.add.at(counts, paired(n, prior, rng), 1)
        errors.append(((model._from_counts(counts).transition - MATRIX) ** 2).sum())
    said = expected_transition_error(MATRIX, n=n, class_prior=prior)
    assert np.mean(errors) == pytest.approx(said, rel=0.12)


def test_the_error_with_given_numbers_of_rows_is_the_sum_of_variances():
    n = np.array([10, 40, 20])
    by_hand = sum(MATRIX[i, j] * (1 - MATRIX[i, j]) / n[i] for i in range(3) for j in range(3))
    assert expected_transition_error(MATRIX, n) == pytest.approx(by_hand)


@pytest.mark.parametrize("prior", [None, (0.8, 0.15, 0.05)])
def test_the_planner_gives_the_least_number_that_is_enough(prior):
    n = n_trusted_for(MATRIX, 0.01, prior)

    def error(n):
        if prior is None:
            return expected_transition_error(MATRIX, np.full(3, n // 3))
        return expected_transition_error(MATRIX, n=n, class_prior=prior)

    assert error(n) <= 0.01 < error(n - (3 if prior is None else 1))


def test_as_many_rows_of_each_class_need_fewer_rows_where_one_is_rare():
    X, y, given = drawn(600)
    model = TrustedTransition().fit(None, given, y_true=y)
    assert n_trusted_for(MATRIX, 0.01) < n_trusted_for(MATRIX, 0.01, [0.9, 0.05, 0.05])
    assert model.n_trusted_for(0.001) > model.n_trusted_for(0.01)
    assert model.n_trusted_for(0.01, sampling="balanced") > 100


def test_paired_labels_may_be_missing_and_name_a_class_that_is_never_given():
    given = np.array(["a", "b", "a", "b", "a", "b"])
    true = pd.Series(["a", "b", None, "c", np.nan, "c"])
    model = TrustedTransition(smoothing=0).fit(None, given, y_true=true)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.n_trusted_.tolist() == [1, 1, 2]
    assert model.transition_.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_smoothing_brings_few_rows_nearer():
    rng, errors = np.random.default_rng(0), {0.0: [], 2.0: []}
    for _ in range(200):
        y, given = paired(12, (1 / 3, 1 / 3, 1 / 3), rng)
        for smoothing, found in errors.items():
            model = TrustedTransition(smoothing=smoothing)
            model.fit(None, [*given, 0, 1, 2], y_true=[*y, None, None, None])
            found.append(((model.transition_ - MATRIX) ** 2).sum())
    assert np.mean(errors[2.0]) < 0.8 * np.mean(errors[0.0])


def test_trusted_rows_alone_tell_the_matrix_by_what_they_would_have_been_given():
    X, y, given = drawn(2000)
    trusted = np.zeros(2000, dtype=bool)
    trusted[np.random.RandomState(0).choice(2000, 100, replace=False)] = True
    mixed = np.where(trusted, y, given)
    model = TrustedTransition(LogisticRegression(), random_state=0)
    model.fit(X, mixed, trusted=trusted)
    assert np.abs(model.transition_ - MATRIX).max() < 0.1
    assert model.n_trusted_.sum() == pytest.approx(100)


def test_what_models_are_unsure_of_is_no_noise():
    rates = {True: [], False: []}
    errors = {True: [], False: []}
    for seed in range(3):
        X, y, given = drawn(2000, seed, centers=((0, 0), (2, 0), (0, 2)))
        trusted = np.random.default_rng(seed).random(2000) < 0.1
        for deblurred in (True, False):
            model = TrustedTransition(
                LogisticRegression(), deblurred=deblurred, random_state=0
            ).fit(X, y, trusted=trusted)
            rates[deblurred].append(model.noise_rate_)
            model.fit(X, np.where(trusted, y, given), trusted=trusted)
            errors[deblurred].append(np.abs(model.transition_ - MATRIX).mean())
    assert max(rates[True]) < 0.05 < 0.2 < min(rates[False])
    assert np.mean(errors[True]) < np.mean(errors[False])


def test_errors_of_trusted_rows():
    X, y, given = drawn(60)
    with pytest.raises(ValueError, match="fit got none"):
        TrustedTransition().fit(X, given)
    with pytest.raises(ValueError, match="All rows are trusted"):
        TrustedTransition().fit(X, given, trusted=np.ones(60, dtype=bool))
    with pytest.raises(ValueError, match="Row 3 is trusted, and its y_true is missing"):
        true = [None if i == 3 else label for i, label in enumerate(y)]
        TrustedTransition().fit(X, given, y_true=true, trusted=np.arange(60) < 10)
    with pytest.raises(ValueError, match="missing in all"):
        TrustedTransition().fit(X, given, y_true=[None] * 60)
    with pytest.raises(ValueError, match="Row 1 of transition"):
        n_trusted_for([[1, 0], [0.5, 0.4]], 0.1)
    with pytest.raises(ValueError, match="n_per_class, or n and class_prior"):
        expected_transition_error(MATRIX, n=10)


# ---------------------------------------------------------------------- neighbours, annotators


def test_triplets_of_independent_answers_give_the_matrix_exactly():
    rng, prior = np.random.default_rng(0), np.array([0.5, 0.3, 0.2])
    y = rng.choice(3, 100_000, p=prior)
    triplets = (rng.random((100_000, 3, 1)) > MATRIX.cumsum(axis=1)[y][:, None]).sum(axis=2)
    start = 0.6 * np.eye(3) + 0.4 / 3
    found, frequency, _ = transition_of_triplets(triplets, np.ones(100_000), start)
    assert np.abs(found - MATRIX).max() < 0.02
    assert np.abs(frequency - prior).max() < 0.02


def answers(n=2000, seed=0, blanks=0.3, n_annotators=4):
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 3, n)
    skills = [(1 - w) * np.eye(3) + w * MATRIX for w in np.linspace(0.4, 1.2, n_annotators)]
    given = [transition_noise(y, m, random_state=seed + i)[0] for i, m in enumerate(skills)]
    table = np.column_stack(given).astype(float)
    table[rng.random_sample(table.shape) < blanks] = np.nan
    return y, table, np.array(skills)


def test_each_annotator_has_his_matrix():
    y, table, skills = answers()
    model = AnnotatorTransition(random_state=0).fit(None, table)
    assert np.abs(model.annotator_transition_ - skills).max() < 0.1
    assert np.abs(model.transition_ - skills.mean(axis=0)).max() < 0.05
    assert 0 < model.transition_error_.max() < 0.05
    likeliest = model.label_proba_.argmax(axis=1)
    shares = np.stack([(table == k).sum(axis=1) for k in range(3)], axis=1)
    assert (likeliest == y).mean() > (shares.argmax(axis=1) == y).mean()


def test_annotators_in_a_table_of_names():
    _, table, _ = answers(300)
    names = np.array(["ant", "bee", "cat"], dtype=object)
    cells = pd.DataFrame(table, columns=list("abcd")).map(
        lambda v: None if np.isnan(v) else names[int(v)]
    )
    named = AnnotatorTransition(n_resamples=0).fit(None, cells)
    plain = AnnotatorTransition(n_resamples=0).fit(None, table)
    assert named.classes_.tolist() == ["ant", "bee", "cat"]
    assert np.allclose(named.transition_, plain.transition_)


def test_trusted_rows_fix_what_annotators_agree_on():
    y, table, _ = answers(400, n_annotators=3)
    table[:, 2] = np.where(np.isnan(table[:, 2]), np.nan, y)
    trusted = np.arange(400) < 50
    model = AnnotatorTransition(n_resamples=0).fit(None, table, trusted=trusted)
    assert np.isin(model.label_proba_[:50], (0, 1)).all()


def test_many_answers_are_read_within_seconds():
    y, table, _ = answers(20_000, blanks=0.7, n_annotators=10)
    model = AnnotatorTransition(n_resamples=2).fit(None, table)
    assert model.annotator_transition_.shape == (10, 3, 3)


def test_what_answers_cannot_tell_is_refused():
    _, table, _ = answers(100)
    with pytest.raises(ValueError, match="2 annotators cannot tell"):
        AnnotatorTransition().fit(None, table[:, :2])
    apart = np.full((100, 4), np.nan)
    apart[np.arange(100), np.arange(100) % 4] = np.arange(100) % 3
    with pytest.raises(ValueError, match="No row has more than 1"):
        AnnotatorTransition().fit(None, apart)
    silent = table.copy()
    silent[:, 2] = np.nan
    with pytest.raises(ValueError, match="No answer from annotator 2: leave the column out.$"):
        AnnotatorTransition().fit(None, silent)
    with pytest.raises(ValueError, match="one column per annotator"):
        AnnotatorTransition().fit(None, table[:, 0])
    with pytest.raises(ValueError, match="y has no answer: all 5 rows are blank"):
        AnnotatorTransition().fit(None, np.full((5, 3), np.nan))


def test_the_identifiability_guard_is_kruskals():
    check_identifiability(3, 2)
    check_identifiability(3, 10)
    check_identifiability(3, 4, ranks=[4, 4, 2])
    with pytest.raises(ValueError, match="sum to 9, and 10"):
        check_identifiability(3, 4, ranks=[4, 4, 1])
    with pytest.raises(ValueError, match="at least 3"):
        check_identifiability(1, 2)


def test_annotators_who_tell_classes_apart_too_little_are_named():
    rng = np.random.RandomState(0)
    table = rng.randint(0, 3, size=(400, 3)).astype(float)
    with pytest.warns(NothingKnownWarning, match="Kruskal ranks"):
        AnnotatorTransition(smoothing=1e6, n_resamples=0).fit(None, table)


# ---------------------------------------------------------------------- can correction help?


def test_signal_strength_is_one_without_noise_and_falls_with_it():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(3), 50)
    assert np.allclose(relative_signal_strength(proba, transition=np.eye(3)), 1)
    even = np.full((3, 3), 0.1) + 0.7 * np.eye(3)
    assert np.allclose(relative_signal_strength(proba, transition=even), 0.7)


def test_signal_is_gone_where_another_class_is_the_likeliest():
    proba, matrix = np.array([[0.9, 0.1], [0.7, 0.3]]), [[0.6, 0.4], [0.0, 1.0]]
    strength = relative_signal_strength(proba, transition=matrix)
    assert strength[0] > 0
    assert strength[1] == 0


def test_the_outlook_is_what_the_best_noisy_classifier_loses():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(3), 5000)
    even = np.full((3, 3), 0.1) + 0.7 * np.eye(3)
    assert not correction_outlook(proba, transition=even).can_help
    outlook = correction_outlook(proba, transition=MATRIX)
    noisy = proba @ MATRIX
    lost = proba.max(axis=1).mean() - proba[np.arange(5000), noisy.argmax(axis=1)].mean()
    assert outlook.at_stake == pytest.approx(lost)
    assert outlook.can_help
    assert outlook.kept == pytest.approx((proba.argmax(axis=1) == noisy.argmax(axis=1)).mean())
    with pytest.raises(ValueError, match="one of them"):
        correction_outlook(proba)


# ---------------------------------------------------------------------- scikit-learn's own checks


class AllTrusted(TrustedTransition):
    """With the labels as their own true ones, for checks that know X and y alone."""

    def fit(self, X, y, *, sample_weight=None, groups=None):
        return super().fit(X, y, y_true=y, sample_weight=sample_weight, groups=groups)


@pytest.mark.filterwarnings("ignore::sknoisy.exceptions.NothingKnownWarning")
@pytest.mark.filterwarnings("ignore::sknoisy.exceptions.RareClassWarning")
@parametrize_with_checks([clone(FROM_LABELS[k]).set_params(n_resamples=2) for k in (0, 1, 3)])
def test_sklearn_checks(estimator, check):
    # AnnotatorTransition reads several columns of y, and TrustedTransition needs true labels
    check(estimator)
