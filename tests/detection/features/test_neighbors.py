"""NeighborDisagreement through its public behaviour."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier, RelabelClassifier, ReweightClassifier
from sknoisy.detection.features._neighbors import NeighborDisagreement

NAMES = np.array(["ant", "bee", "cat"])
RULES = ["posterior", "majority", "unanimous"]


def blobs(n=150, spread=1.0, seed=0):
    X, y = make_blobs(n, centers=[[0, 0], [8, 0], [0, 8]], cluster_std=spread, random_state=seed)
    return X, NAMES[y]


def flip(y, rows):
    """Every listed row gets the next label."""
    y = y.copy()
    y[rows] = NAMES[(np.searchsorted(NAMES, y[rows]) + 1) % 3]
    return y


def brute_force(X, codes, k, metric="euclidean"):
    """The definition, row by row, in an n x n array."""
    Z = StandardScaler().fit_transform(X)
    order = 1 if metric == "manhattan" else 2
    far = np.linalg.norm(Z[:, None] - Z[None], axis=2, ord=order)
    np.fill_diagonal(far, np.inf)
    near = np.argsort(far, axis=1, kind="stable")[:, :k]
    return near, (codes[near] != codes[:, None]).mean(axis=1)


class Index(BaseEstimator):
    """A foreign neighbour index: only the interface, nothing inherited from NearestNeighbors."""

    n_rows_fitted = []  # noqa: RUF012  (shared by clones on purpose)

    def fit(self, X, y=None):
        self.index_ = NearestNeighbors().fit(X)
        self.n_rows_fitted.append(len(X))
        return self

    def kneighbors(self, X, n_neighbors):
        return self.index_.kneighbors(X, n_neighbors)


class Untouchable(LogisticRegression):
    """A model that must not be fitted."""

    def fit(self, X, y, sample_weight=None):
        raise AssertionError("the detection fitted the model")


# ------------------------------------------------------------------ the score


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_score_is_the_share_of_disagreeing_neighbours(k, metric):
    X, y = blobs(spread=3.0)
    detector = NeighborDisagreement(n_neighbors=k, neighbors=NearestNeighbors(metric=metric))
    detector.fit(X, y)
    near, expected = brute_force(X, np.searchsorted(NAMES, y), k, metric)
    np.testing.assert_array_equal(detector.neighbor_indices_, near)
    np.testing.assert_allclose(detector.noise_score_, expected)
    np.testing.assert_allclose(detector.neighbor_proba_.sum(axis=1), 1.0)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_copies_have_no_say_about_one_another_and_are_one_neighbour(weights):
    X, y = blobs(60)
    once = NeighborDisagreement(n_neighbors=3, weights=weights).fit(X, y)
    order = np.random.default_rng(0).permutation(240)
    X, y = np.repeat(X, 4, axis=0), np.repeat(y, 4)
    y[::4] = flip(y[::4], np.arange(len(y) // 4))  # one of each four
    four = NeighborDisagreement(n_neighbors=3, weights=weights).fit(X[order], y[order])
    score = np.empty(240)
    score[order] = four.noise_score_
    for j in (1, 2, 3):
        np.testing.assert_allclose(score[j::4], once.noise_score_)
    far = score[::4][once.noise_score_ == 0]
    np.testing.assert_allclose(far, 1.0)


@pytest.mark.parametrize("rule", RULES)
def test_finds_flipped_labels_and_says_what_they_were(rule):
    X, y = blobs()
    rows = [3, 50, 77, 120]
    detector = NeighborDisagreement(rule=rule).fit(X, flip(y, rows))
    assert np.flatnonzero(detector.noise_mask_).tolist() == rows
    np.testing.assert_array_equal(detector.y_suggested_, y)
    assert (detector.noise_proba_[rows] > 0.5).all()
    assert np.delete(detector.noise_proba_, rows).max() < 0.5
    np.testing.assert_allclose(detector.label_proba_.sum(axis=1), 1.0)
    np.testing.assert_array_equal(detector.classes_, NAMES)


def test_border_rows_are_harder_than_inner_ones():
    # Smith, Martinez and Giraud-Carrier: kDN tells hard instances, those where classes overlap
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=600)
    y = (x + 0.2 * rng.normal(size=600) > 0).astype(int)
    score = NeighborDisagreement(n_neighbors=15).fit(x[:, None], y).noise_score_
    assert score[np.abs(x) < 0.1].mean() > 0.3
    assert score[np.abs(x) > 0.6].mean() < 0.02


def test_editing_makes_the_nearest_neighbour_rule_better():
    # Wilson: 1-NN on the edited set errs less than 1-NN on the whole
    rng = np.random.default_rng(0)
    X, X_new = rng.normal(size=(2, 1500, 2))
    truth, truth_new = X[:, 0] > 0, X_new[:, 0] > 0
    y = truth ^ (rng.random(1500) < 0.2)
    plain = KNeighborsClassifier(1).fit(X, y).score(X_new, truth_new)
    wilson = NeighborDisagreement(rule="majority", n_neighbors=3)
    edited = FilterClassifier(KNeighborsClassifier(1), wilson).fit(X, y).score(X_new, truth_new)
    assert plain < 0.85
    assert edited > plain + 0.07


def test_the_default_rule_spares_a_clean_but_overlapping_set():
    X, y = blobs(600, spread=3.5)
    flagged = {rule: NeighborDisagreement(rule=rule).fit(X, y).noise_mask_ for rule in RULES}
    assert flagged["majority"].mean() > 0.08
    assert flagged["posterior"].sum() < 0.5 * flagged["majority"].sum()
    assert not (flagged["posterior"] & ~flagged["majority"]).any()
    assert not (flagged["unanimous"] & ~flagged["majority"]).any()


# ------------------------------------------------------------------ weights and priors


def test_by_distance_a_twin_outvotes_all_others():
    X, y = blobs(60)
    X, y = np.vstack([X, X[:1] + 1e-9]), np.append(y, flip(y, [0])[0])
    detector = NeighborDisagreement(weights="distance").fit(X, y)
    np.testing.assert_allclose(detector.noise_score_[[0, 60]], 1.0, atol=1e-6)  # twins
    assert NeighborDisagreement().fit(X, y).noise_score_[0] == pytest.approx(0.1)


def test_by_distance_votes_fall_off_with_distance():
    X = np.array([[0.0], [1.0], [3.0], [100.0]])
    y = np.array([0, 0, 1, 1])
    detector = NeighborDisagreement(n_neighbors=2, weights="distance").fit(X, y)
    # row 0: distance 1 to label 0, 3 to label 1
    np.testing.assert_allclose(detector.noise_score_[0], (1 / 3) / (1 + 1 / 3))


def test_balanced_takes_the_class_frequencies_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2))
    rare = rng.random(4000) < 0.1  # labels have nothing to do with X
    plain = NeighborDisagreement(n_neighbors=50).fit(X, rare).noise_score_
    even = NeighborDisagreement(n_neighbors=50, balanced=True).fit(X, rare).noise_score_
    assert plain[rare].mean() == pytest.approx(0.9, abs=0.02)
    assert plain[~rare].mean() == pytest.approx(0.1, abs=0.02)
    assert even[rare].mean() == pytest.approx(0.5, abs=0.05)
    assert even[~rare].mean() == pytest.approx(0.5, abs=0.05)


def test_balanced_spares_a_rare_class_at_the_border():
    rng = np.random.default_rng(1)
    X = np.vstack([rng.normal(0, 1, size=(900, 2)), rng.normal(1.5, 1, size=(60, 2))])
    y = np.repeat([0, 1], [900, 60])
    lost = {
        balanced: NeighborDisagreement(rule="majority", balanced=balanced)
        .fit(X, y)
        .noise_mask_[y == 1]
        .mean()
        for balanced in (False, True)
    }
    assert lost[False] > 0.5
    assert lost[True] < lost[False] - 0.2


def test_with_equal_classes_balanced_changes_little():
    X, y = blobs(spread=2.5)
    a = NeighborDisagreement().fit(X, y).noise_score_
    b = NeighborDisagreement(balanced=True).fit(X, y).noise_score_
    np.testing.assert_allclose(a, b, atol=0.02)


def test_a_neighbour_of_weight_zero_has_no_say():
    X, y = blobs()
    wrong = np.arange(0, 150, 3)
    y_noisy = flip(y, wrong)
    weight = np.ones(150)
    weight[wrong] = 0.0
    detector = NeighborDisagreement().fit(X, y_noisy, sample_weight=weight)
    right = np.setdiff1d(np.arange(150), wrong)
    assert NeighborDisagreement().fit(X, y_noisy).noise_score_[right].mean() > 0.2
    np.testing.assert_allclose(detector.noise_score_[right], 0.0)
    np.testing.assert_allclose(detector.noise_score_[wrong], 1.0)


def test_a_row_among_neighbours_of_weight_zero_is_not_judged():
    X, y = blobs()
    weight = np.where(y == "ant", 0.0, 1.0)
    detector = NeighborDisagreement(n_neighbors=5).fit(X, y, sample_weight=weight)
    assert np.isnan(detector.noise_score_[y == "ant"]).all()
    assert not detector.noise_mask_[y == "ant"].any()
    np.testing.assert_array_equal(detector.y_suggested_[y == "ant"], "ant")


# ------------------------------------------------------------------ what is near


def test_a_foreign_index_can_be_plugged_in():
    X, y = blobs()
    y = flip(y, [7])
    Index.n_rows_fitted.clear()
    detector = NeighborDisagreement(neighbors=Index()).fit(X, y)
    assert Index.n_rows_fitted == [150]
    expected = NeighborDisagreement().fit(X, y)
    np.testing.assert_array_equal(detector.noise_score_, expected.noise_score_)
    assert clone(detector).set_params(neighbors=None).neighbors is None


def test_distances_are_taken_behind_the_steps_of_the_wrapped_pipeline():
    rng = np.random.default_rng(0)
    X, y = blobs()
    X = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "noise": 1e4 * rng.normal(size=150)})
    X["city"] = rng.choice(["Rome", "Oslo", "Lima"], size=150)
    selector = make_column_transformer((StandardScaler(), ["a", "b"]))
    model = make_pipeline(selector, LogisticRegression())
    y_noisy = flip(y, [5, 50])
    filtered = FilterClassifier(model, NeighborDisagreement()).fit(X, y_noisy)
    near, _ = brute_force(X[["a", "b"]].to_numpy(), np.searchsorted(NAMES, y_noisy), 10)
    np.testing.assert_array_equal(filtered.detector_.neighbor_indices_, near)
    assert np.flatnonzero(filtered.noise_mask_).tolist() == [5, 50]


def test_a_table_with_strings_and_holes_is_encoded():
    rng = np.random.default_rng(0)
    y = np.repeat(NAMES, 60)
    X = pd.DataFrame(
        {
            "colour": pd.Categorical(np.repeat(["red", "green", "blue"], 60)),
            "food": np.repeat(["seed", "nectar", "fish"], 60).astype(object),
            "size": rng.normal(size=180),
        },
        index=[f"row {i}" for i in range(180)],
    )
    X.loc["row 3", "size"] = np.nan
    X.loc["row 4", "food"] = None
    y_noisy = flip(y, [10, 100])
    detector = NeighborDisagreement(n_neighbors=20).fit(X, y_noisy)
    assert np.flatnonzero(detector.noise_mask_).tolist() == [10, 100]
    report = detector.noise_report(X, y_noisy)
    assert set(report.index[:2]) == {"row 10", "row 100"}


def test_sparse_and_text():
    rng = np.random.default_rng(0)
    words = {"ant": "soil nest leaf", "bee": "hive honey wax", "cat": "purr milk claw"}
    y = np.repeat(NAMES, 40)
    texts = [" ".join(rng.choice(words[label].split(), size=4)) for label in y]
    y_noisy = flip(y, [10, 60])
    by_text = NeighborDisagreement(rule="unanimous").fit(texts, y_noisy)
    assert np.flatnonzero(by_text.noise_mask_).tolist() == [10, 60]
    counts = [[text.count(w) for v in words.values() for w in v.split()] for text in texts]
    for make in (sparse.csr_matrix, sparse.csr_array, sparse.coo_array):
        by_count = NeighborDisagreement(rule="unanimous").fit(make(counts), y_noisy)
        assert np.flatnonzero(by_count.noise_mask_).tolist() == [10, 60]


def test_memory_stays_far_below_n_times_n():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 2))
    tracemalloc.start()
    NeighborDisagreement().fit(X, X[:, 0] > 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6000 * 6000 * 8 / 5


def test_no_model_is_fitted():
    X, y = blobs()
    detector = NeighborDisagreement(make_pipeline(StandardScaler(), Untouchable()))
    assert detector.fit(X, flip(y, [3])).noise_mask_.sum() == 1


# ------------------------------------------------------------------ properties


@given(seed=st.integers(0, 2**16), balanced=st.booleans(), rule=st.sampled_from(RULES))
@settings(max_examples=25, deadline=None)
def test_renaming_the_labels_renames_the_answer(seed, balanced, rule):
    rng = np.random.default_rng(seed)
    X, codes = rng.normal(size=(60, 2)), rng.integers(0, 3, size=60)
    new_names = np.array(["z", "m", "a"])  # another order, too
    old = NeighborDisagreement(n_neighbors=7, balanced=balanced, rule=rule).fit(X, codes)
    new = clone(old).fit(X, new_names[codes])
    np.testing.assert_allclose(new.noise_score_, old.noise_score_)
    np.testing.assert_allclose(new.neighbor_proba_, old.neighbor_proba_[:, ::-1])
    if rule != "posterior":  # the joint's counts are rounded, which can depend on the order
        np.testing.assert_array_equal(new.noise_mask_, old.noise_mask_)


@given(
    seed=st.integers(0, 2**16),
    weights=st.sampled_from(["uniform", "distance"]),
    rule=st.sampled_from(["majority", "unanimous"]),
)
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_does_not_matter(seed, weights, rule):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(50, 3)), rng.choice(NAMES, size=50)
    order = rng.permutation(50)
    a = NeighborDisagreement(n_neighbors=5, weights=weights, rule=rule).fit(X, y)
    b = clone(a).fit(X[order], y[order])
    np.testing.assert_allclose(b.noise_score_, a.noise_score_[order])
    np.testing.assert_array_equal(b.noise_mask_, a.noise_mask_[order])


@given(seed=st.integers(0, 2**16), n=st.integers(2, 12), k=st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_small_sets_are_judged_within_bounds(seed, n, k):
    rng = np.random.default_rng(seed)
    X, y = rng.uniform(0, 3, size=(n, 2)), rng.choice(NAMES, size=n)
    detector = NeighborDisagreement(n_neighbors=k).fit(X, y)
    alone = np.array([(y == label).sum() == 1 for label in y])
    np.testing.assert_array_equal(np.isnan(detector.noise_score_), alone)
    assert ((detector.noise_score_[~alone] >= 0) & (detector.noise_score_[~alone] <= 1)).all()
    assert not detector.noise_mask_[alone].any()
    np.testing.assert_allclose(detector.label_proba_.sum(axis=1), 1.0)
    assert detector.neighbor_indices_.shape == (n, min(k, n - 1))


# ------------------------------------------------------------------ the contract


def test_contamination_zero_is_the_plain_model():
    X, y = blobs(spread=3.0)
    y = flip(y, np.arange(0, 150, 10))
    detector = NeighborDisagreement(contamination=0)
    assert not detector.fit(X, y).noise_mask_.any()
    plain = LogisticRegression().fit(X, y)
    filtered = FilterClassifier(LogisticRegression(), detector).fit(X, y)
    np.testing.assert_array_equal(filtered.estimator_.coef_, plain.coef_)


def test_a_rate_flags_that_share_of_the_worst():
    X, y = blobs(300)
    y_noisy = flip(y, np.arange(0, 300, 10))
    detector = NeighborDisagreement(contamination=0.1).fit(X, y_noisy)
    assert np.flatnonzero(detector.noise_mask_).tolist() == list(range(0, 300, 10))


def test_jobs_do_not_change_the_result():
    X, y = blobs(400, spread=3.0)
    one = NeighborDisagreement(n_jobs=1, weights="distance").fit(X, y)
    two = NeighborDisagreement(n_jobs=2, weights="distance").fit(X, y)
    np.testing.assert_array_equal(one.noise_score_, two.noise_score_)
    np.testing.assert_array_equal(one.noise_proba_, two.noise_proba_)


def test_trusted_rows_are_never_flagged():
    X, y = blobs()
    trusted = np.zeros(150, dtype=bool)
    trusted[3] = True
    detector = NeighborDisagreement().fit(X, flip(y, [3, 50]), trusted=trusted)
    assert np.flatnonzero(detector.noise_mask_).tolist() == [50]
    assert detector.noise_proba_[3] == 0


def test_in_each_treatment():
    X, y = blobs(300)
    rows = np.arange(0, 300, 9)
    y_noisy = flip(y, rows)
    near = NeighborDisagreement(n_neighbors=20)
    relabelled = RelabelClassifier(LogisticRegression(), near, confidence=0.5).fit(X, y_noisy)
    assert (relabelled.y_relabeled_ == y).mean() > 0.98
    weighed = ReweightClassifier(LogisticRegression(), near).fit(X, y_noisy)
    assert average_precision_score(np.isin(np.arange(300), rows), weighed.noise_proba_) == 1.0
    assert weighed.sample_weight_[rows].mean() < 0.3
    assert np.delete(weighed.sample_weight_, rows).min() > 0.9


def test_resampling_returns_the_others():
    X, y = blobs()
    X_kept, y_kept = NeighborDisagreement().fit_resample(X, flip(y, [3, 50]))
    np.testing.assert_array_equal(X_kept, np.delete(X, [3, 50], axis=0))
    np.testing.assert_array_equal(y_kept, np.delete(y, [3, 50]))


def test_the_report_says_why():
    X, y = blobs()
    y_noisy = flip(y, [3])
    report = NeighborDisagreement().fit(X, y_noisy).noise_report(X, y_noisy)
    worst = report.iloc[0]
    assert worst["row"] == 3
    assert worst["suggested"] == y[3]
    assert worst["reason"] == f"100% of the 10 nearest rows are {y[3]}, 0% {y_noisy[3]}"
    assert report.iloc[-1]["reason"].endswith("as given")


def test_one_class_is_agreement():
    X, y = blobs()
    detector = NeighborDisagreement().fit(X, np.full(150, "ant"))
    assert (detector.noise_score_ == 0).all()
    assert not detector.noise_mask_.any()


@pytest.mark.parametrize("bad", [{"n_neighbors": 0}, {"weights": "far"}, {"rule": "any"}])
def test_bad_parameters_are_refused(bad):
    X, y = blobs()
    with pytest.raises(ValueError, match=next(iter(bad))):
        NeighborDisagreement(**bad).fit(X, y)


def test_holes_in_an_array_are_an_error_that_names_the_row():
    X, y = blobs()
    X[17, 1] = np.nan
    with pytest.raises(ValueError, match="row 17, column 1"):
        NeighborDisagreement().fit(X, y)
