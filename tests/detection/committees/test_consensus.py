"""Consensus through its public behaviour."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier, RelabelClassifier
from sknoisy.detection.committees._consensus import Consensus
from sknoisy.exceptions import RareClassWarning

NAMES = np.array(["ant", "bee", "cat"])
VOTES = ["unanimous", "majority", "average"]


def blobs(n=150, spread=1.0, seed=0):
    X, y = make_blobs(n, centers=[[0, 0], [8, 0], [0, 8]], cluster_std=spread, random_state=seed)
    return X, NAMES[y]


def flip(y, rows):
    """Every listed row gets the next label."""
    y = y.copy()
    y[rows] = NAMES[(np.searchsorted(NAMES, y[rows]) + 1) % 3]
    return y


def wrong_rows(n, rate, seed=0):
    return np.random.default_rng(seed).random(n) < rate


def voters():
    return [
        ("tree", DecisionTreeClassifier(min_samples_leaf=3)),
        ("near", KNeighborsClassifier(5)),
        ("linear", LogisticRegression(max_iter=200)),
    ]


class Says(ClassifierMixin, BaseEstimator):
    """Knows nothing but to say what column `column` of X says, as surely as `sure`."""

    def __init__(self, column=0, sure=1.0):
        self.column = column
        self.sure = sure

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        said = np.asarray(X)[:, self.column].astype(int)
        k = len(self.classes_)
        return np.where(np.eye(k, dtype=bool)[said], self.sure, (1 - self.sure) / (k - 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Diary(DecisionTreeClassifier):
    """A tree that notes the row numbers, in the last column of X, that it is fitted on."""

    pages = []  # noqa: RUF012  (shared by clones on purpose)

    def fit(self, X, y, sample_weight=None):
        self.pages.append(np.sort(np.asarray(X)[:, -1].astype(int)))
        return super().fit(X, y, sample_weight)


@pytest.fixture
def pages():
    Diary.pages.clear()
    return Diary.pages


def with_row_numbers(X):
    return np.column_stack([X, np.arange(len(X))])


# ------------------------------------------------------------------ the vote


def opinions():
    """Four rows given class 0; three voters say what is in the columns."""
    said = np.zeros((40, 3))
    said[20:] = 1
    said[0] = [1, 1, 1]
    said[1] = [1, 1, 0]
    said[2] = [1, 0, 0]
    y = np.repeat(["a", "b"], 20)
    return said, y, [(f"v{j}", Says(j, sure)) for j, sure in enumerate((0.9, 0.8, 0.7))]


@pytest.mark.parametrize(
    "vote, flagged", [("unanimous", [0]), ("majority", [0, 1]), ("average", [0, 1])]
)
def test_each_way_to_vote(vote, flagged):
    X, y, models = opinions()
    detector = Consensus(models, vote=vote).fit(X, y)
    assert np.flatnonzero(detector.noise_mask_).tolist() == flagged
    assert detector.n_against_[:4].tolist() == [3, 2, 1, 0]
    assert set(detector.n_votes_) == {3}
    np.testing.assert_allclose(detector.class_proba_[0], [(0.1 + 0.2 + 0.3) / 3, 0.8])
    np.testing.assert_array_equal(detector.y_suggested_[flagged], "b")


def test_one_sure_voter_outweighs_two_in_the_average_only():
    X, y, models = opinions()
    models = [("v0", Says(0, 0.99)), ("v1", Says(1, 0.6)), ("v2", Says(2, 0.6))]
    assert Consensus(models, vote="average").fit(X, y).noise_mask_[2]
    assert not Consensus(models, vote="majority").fit(X, y).noise_mask_[2]


def test_the_score_orders_by_votes_and_then_by_doubt():
    X, y, models = opinions()
    X[3] = [0, 0, 1]  # one vote against, of the least sure voter
    score = Consensus(models).fit(X, y).noise_score_
    assert score[0] > score[1] > score[2] > score[3] > score[4]
    doubt = (0.1 + 0.2 + 0.7) / 3
    assert score[3] == pytest.approx((1 + doubt) / 4)
    by_average = Consensus(models, vote="average").fit(X, y).noise_score_
    assert by_average[3] == pytest.approx(doubt)


def test_a_draw_speaks_for_the_given_label():
    X, y, _ = opinions()
    models = [("unsure", Says(0, 0.5))]
    detector = Consensus(models).fit(X, y)
    assert not detector.noise_mask_.any()
    assert (detector.n_against_ == 0).all()
    two = Consensus([("v0", Says(0)), ("v2", Says(2))], vote="majority").fit(X, y)
    assert not two.noise_mask_[1]  # one of two is not more than half


def test_brodley_and_friedl():
    # the consensus filter keeps more of the right rows, the majority filter finds more wrong ones,
    # and a tree fitted on what either keeps is better than one fitted on everything
    X, y = blobs(900, spread=2.5)
    X_new, y_new = blobs(900, spread=2.5, seed=1)
    wrong = wrong_rows(900, 0.3)
    y_noisy = flip(y, wrong)
    plain = DecisionTreeClassifier(random_state=0).fit(X, y_noisy).score(X_new, y_new)
    found = {}
    for vote in ("unanimous", "majority"):
        detector = Consensus(voters(), vote=vote, cv=10)
        model = FilterClassifier(DecisionTreeClassifier(), detector, random_state=0)
        model.fit(X, y_noisy)
        assert model.score(X_new, y_new) > plain + 0.1
        found[vote] = model.noise_mask_
    assert plain < 0.75
    assert found["majority"][wrong].mean() > found["unanimous"][wrong].mean() + 0.05
    assert found["unanimous"][~wrong].mean() < found["majority"][~wrong].mean()


@pytest.mark.parametrize("vote", VOTES)
def test_finds_flipped_labels_and_says_what_they_were(vote):
    X, y = blobs(300)
    rows = np.arange(0, 300, 15)
    detector = Consensus(vote=vote, random_state=0).fit(X, flip(y, rows))
    assert np.flatnonzero(detector.noise_mask_).tolist() == rows.tolist()
    np.testing.assert_array_equal(detector.y_suggested_, y)
    np.testing.assert_allclose(detector.label_proba_.sum(axis=1), 1.0)
    np.testing.assert_array_equal(detector.classes_, NAMES)


# ------------------------------------------------------------------ who is fitted on what


@pytest.mark.parametrize(
    "n_models, how, n_fits",
    [
        (1, {"cv": 4}, 4),
        (3, {"cv": 4}, 12),
        (2, {"cv": 3, "n_repeats": 5}, 30),
        (1, {}, 5),
        (2, {"cv": 4, "train_on": "part"}, 8),
        (2, {"cv": 3, "max_iter": 2, "tol": 0}, 12),
        (1, {"cv": 3, "n_repeats": 2, "max_iter": 2, "tol": 0, "train_on": "part"}, 12),
    ],
)
def test_number_of_fits(pages, n_models, how, n_fits):
    X, y = blobs(120, spread=3.0)
    X = with_row_numbers(X)
    models = [(f"m{j}", Diary(max_depth=2 + j)) for j in range(n_models)]
    detector = Consensus(models, random_state=0, **how).fit(X, flip(y, np.arange(0, 120, 6)))
    assert detector.n_iter_ == how.get("max_iter", 1)
    assert len(pages) == n_fits


def test_a_forest_is_judged_out_of_bag_in_one_fit(monkeypatch):
    fits, plain_fit = [], RandomForestClassifier.fit

    def counted(self, X, y, sample_weight=None):
        fits.append(len(y))
        return plain_fit(self, X, y, sample_weight)

    monkeypatch.setattr(RandomForestClassifier, "fit", counted)
    X, y = blobs()
    forest = [("forest", RandomForestClassifier(50, random_state=0))]
    Consensus(forest).fit(X, y)
    assert fits == [150]
    Consensus(forest, cv=5).fit(X, y)
    assert fits[1:] == [120] * 5


def test_a_model_is_fitted_on_the_rest_or_on_a_part(pages):
    X, y = blobs()
    X = with_row_numbers(X)
    rest = Consensus([("tree", Diary())], cv=5, random_state=0).fit(X, y)
    assert [len(rows) for rows in pages] == [120] * 5
    assert set(rest.n_votes_) == {1}
    pages.clear()
    part = Consensus([("tree", Diary())], cv=5, random_state=0, train_on="part").fit(X, y)
    assert [len(rows) for rows in pages] == [30] * 5
    np.testing.assert_array_equal(np.sort(np.concatenate(pages)), np.arange(150))
    assert set(part.n_votes_) == {4}


def test_later_rounds_are_fitted_without_flagged_rows(pages):
    X, y = blobs(spread=2.0)
    y = flip(y, np.arange(0, 150, 8))
    X = with_row_numbers(X)
    model = [("tree", Diary(max_depth=3))]
    first = Consensus(model, cv=3, random_state=0).fit(X, y)
    pages.clear()
    detector = Consensus(model, cv=3, random_state=0, max_iter=2, tol=0).fit(X, y)
    seen = np.unique(np.concatenate(pages[3:]))
    assert first.noise_mask_.sum() >= 15
    np.testing.assert_array_equal(seen, np.flatnonzero(~first.noise_mask_))
    assert detector.n_flagged_[0] == first.noise_mask_.sum()
    assert (detector.n_votes_ == 1).all()  # those left out are judged all the same


def test_no_class_is_left_out_altogether(pages):
    X, y, _ = opinions()
    X = with_row_numbers(np.ones_like(X))  # two of three say that all rows are "b"
    models = [("v0", Says(0)), ("v1", Says(1)), ("tree", Diary(max_depth=1))]
    detector = Consensus(models, vote="majority", cv=4, max_iter=2, tol=0).fit(X, y)
    assert detector.n_flagged_.tolist() == [20, 20]
    assert len(pages) == 8
    for rows in pages[4:]:
        assert (rows < 20).sum() == 5  # of 15 that are flagged
        assert (rows >= 20).sum() == 15


def test_rounds_end_when_little_changes():
    X, y = blobs(300)
    y = flip(y, np.arange(0, 300, 10))
    detector = Consensus(voters(), max_iter=10, random_state=0).fit(X, y)
    assert detector.n_iter_ == len(detector.n_flagged_) == 2
    assert detector.n_flagged_[-1] == 30
    to_the_end = Consensus(voters(), max_iter=10, tol=0, random_state=0).fit(X, y)
    assert to_the_end.n_flagged_[-2:].tolist() == [30, 30]
    assert to_the_end.n_iter_ < 10
    assert Consensus(voters(), max_iter=3, tol=1, random_state=0).fit(X, y).n_iter_ == 1


def test_the_iterative_partitioning_filter_finds_more_than_one_round():
    X, y = blobs(600)
    wrong = wrong_rows(600, 0.3)
    y_noisy = flip(y, wrong)
    trees = [("tree", DecisionTreeClassifier(min_samples_leaf=2))]
    how = {"train_on": "part", "vote": "majority", "random_state": 0}
    one = Consensus(trees, **how).fit(X, y_noisy)
    ipf = Consensus(trees, max_iter=10, **how).fit(X, y_noisy)
    assert 1 < ipf.n_iter_ <= 10
    assert (ipf.noise_mask_ == wrong).mean() > (one.noise_mask_ == wrong).mean() + 0.02
    assert (ipf.noise_mask_ == wrong).mean() > 0.95


def test_repeats_draw_other_folds_and_each_has_its_vote(pages):
    X, y = blobs(spread=3.0)
    X = with_row_numbers(X)
    model = [("tree", Diary(max_depth=4))]
    detector = Consensus(model, cv=2, n_repeats=7, random_state=0).fit(X, y)
    assert set(detector.n_votes_) == {7}
    assert len({tuple(rows) for rows in pages}) == 14
    assert ((detector.n_against_ > 0) & (detector.n_against_ < 7)).any()


def test_any_splitter_will_do():
    X, y = blobs()
    splitter = StratifiedKFold(4, shuffle=True, random_state=0)
    model = [("near", KNeighborsClassifier()), ("nb", GaussianNB())]
    given_splitter = Consensus(model, cv=splitter).fit(X, y).noise_score_
    given_pairs = Consensus(model, cv=list(splitter.split(X, y))).fit(X, y).noise_score_
    np.testing.assert_array_equal(given_splitter, given_pairs)
    repeated = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    assert set(Consensus(model, cv=repeated).fit(X, y).n_votes_) == {2}


def test_rows_that_no_fold_tests_are_not_judged():
    X, y = blobs()
    pairs = [(np.arange(50, 150), np.arange(50))]
    detector = Consensus(voters(), cv=pairs).fit(X, y)
    assert np.isnan(detector.noise_score_[50:]).all()
    assert not np.isnan(detector.noise_score_[:50]).any()
    assert not detector.noise_mask_[50:].any()
    np.testing.assert_array_equal(detector.y_suggested_[50:], y[50:])


def test_groups_stay_together(pages):
    X, y = blobs()
    groups = np.arange(150) // 10
    Consensus([("tree", Diary())], cv=3, random_state=0).fit(with_row_numbers(X), y, groups=groups)
    for rows in pages:
        assert not set(groups[rows]) & set(groups[np.setdiff1d(np.arange(150), rows)])


# ------------------------------------------------------------------ names and parameters


def test_voters_are_reached_by_name():
    X, y = blobs()
    detector = Consensus(voters(), cv=3, random_state=0)
    detector.set_params(tree__max_depth=1, near="drop", linear=GaussianNB())
    assert detector.get_params()["tree__max_depth"] == 1
    assert isinstance(detector.get_params()["linear"], GaussianNB)
    assert set(detector.fit(X, y).n_votes_) == {2}
    twin = clone(detector)
    assert twin.get_params()["near"] == "drop"
    assert twin.get_params()["tree"] is not detector.get_params()["tree"]
    np.testing.assert_array_equal(twin.fit(X, y).noise_score_, detector.noise_score_)


def test_a_grid_search_reaches_vote_and_voters():
    X, y = blobs(120)
    model = FilterClassifier(
        LogisticRegression(), Consensus([("tree", DecisionTreeClassifier())], cv=2), random_state=0
    )
    grid = {"detector__vote": ["majority", "average"], "detector__tree__max_depth": [2, 4]}
    search = GridSearchCV(model, grid, cv=2).fit(X, flip(y, np.arange(0, 120, 12)))
    assert len(search.cv_results_["params"]) == 4
    assert search.best_estimator_.detector_.get_params()["tree__max_depth"] in (2, 4)


def test_a_voter_left_at_none_is_the_wrapped_model(pages):
    X, y = blobs()
    X = with_row_numbers(X)
    detector = Consensus([("own", None), ("nb", GaussianNB())], cv=3)
    model = FilterClassifier(Diary(max_depth=2), detector, random_state=0).fit(X, y)
    assert len(pages) == 3 + 1
    assert isinstance(model.detector_.get_params()["own"], Diary)
    assert detector.estimators[0][1] is None
    assert set(Consensus([("own", None)], random_state=0).fit(X, y).n_votes_) == {1}


@pytest.mark.parametrize(
    "estimators, error, message",
    [
        ([DecisionTreeClassifier()], TypeError, "list of .name, estimator."),
        ([("tree", "oak")], TypeError, "'tree' has no fit"),
        ([("tree", DecisionTreeClassifier)], TypeError, "write DecisionTreeClassifier()"),
        ([("line", Ridge())], TypeError, "member 'line', needs a classifier, got Ridge"),
        ([("scale", StandardScaler())], TypeError, "member 'scale', needs a classifier"),
        ([("pipe", Pipeline([]))], TypeError, "member 'pipe', needs a classifier"),
        ([("a", GaussianNB()), ("a", GaussianNB())], ValueError, "not unique"),
        ([("vote", GaussianNB())], ValueError, "conflict"),
        ([("a__b", GaussianNB())], ValueError, "__"),
        ([("a", "drop")], ValueError, "at least one"),
        ([], ValueError, "at least one"),
        ("trees", ValueError, "estimators"),
    ],
)
def test_bad_voters_are_refused(estimators, error, message):
    X, y = blobs()
    with pytest.raises(error, match=message):
        Consensus(estimators).fit(X, y)
    with pytest.raises(error, match=message):
        FilterClassifier(GaussianNB(), Consensus(estimators)).fit(X, y)


# ------------------------------------------------------------------ what X may be


def zoo(n=180, seed=0):
    """A table that no model takes as it is."""
    rng = np.random.default_rng(seed)
    y = np.repeat(NAMES, n // 3)
    X = pd.DataFrame(
        {
            "food": np.repeat(["seed", "nectar", "fish"], n // 3).astype(object),
            "legs": np.repeat([6.0, 6.0, 4.0], n // 3) + 0.1 * rng.normal(size=n),
            "code": rng.choice(["x", "y", "z"], size=n),
        },
        index=[f"row {i}" for i in range(n)],
    )
    X.loc["row 3", "legs"] = np.nan
    return X, y


def test_a_table_is_encoded_for_the_default_voters():
    X, y = zoo()
    y_noisy = flip(y, [10, 100])
    detector = Consensus(random_state=0).fit(X, y_noisy)
    assert np.flatnonzero(detector.noise_mask_).tolist() == [10, 100]
    assert set(detector.noise_report(X, y_noisy).index[:2]) == {"row 10", "row 100"}


def test_the_default_voters_stand_behind_the_steps_of_the_wrapped_pipeline():
    X, y = zoo()
    encoder = make_column_transformer((OneHotEncoder(), ["code"]))  # hides all but nonsense
    model = FilterClassifier(
        make_pipeline(encoder, LogisticRegression()), Consensus(), random_state=0
    ).fit(X, flip(y, [10, 100]))
    names = [name for name, _ in model.detector_.estimators]
    assert names == ["linear", "forest", "kernel"]
    assert model.detector_.class_proba_.max() < 0.7
    encoder = make_column_transformer((OneHotEncoder(), ["food"]))
    model = clone(model).set_params(estimator__columntransformer=encoder).fit(X, flip(y, [10, 100]))
    assert np.flatnonzero(model.noise_mask_).tolist() == [10, 100]


def test_sparse_and_text():
    rng = np.random.default_rng(0)
    words = {"ant": "soil nest leaf", "bee": "hive honey wax", "cat": "purr milk claw"}
    y = np.repeat(NAMES, 40)
    texts = [" ".join(rng.choice(words[label].split(), size=4)) for label in y]
    y_noisy = flip(y, [10, 60])
    by_text = Consensus(random_state=0).fit(texts, y_noisy)
    assert np.flatnonzero(by_text.noise_mask_).tolist() == [10, 60]
    counts = [[text.count(w) for v in words.values() for w in v.split()] for text in texts]
    for X in (sparse.csr_matrix(counts), sparse.csr_array(counts)):
        by_count = Consensus(random_state=0).fit(X, y_noisy)
        assert np.flatnonzero(by_count.noise_mask_).tolist() == [10, 60]


def test_models_without_probabilities_vote_too():
    X, y = blobs(300)
    rows = np.arange(0, 300, 30)
    for vote in VOTES:
        for how in ({}, {"train_on": "part"}):
            models = [("svc", LinearSVC(random_state=0)), ("near", KNeighborsClassifier())]
            detector = Consensus(models, vote=vote, random_state=0, **how).fit(X, flip(y, rows))
            assert np.flatnonzero(detector.noise_mask_).tolist() == rows.tolist()


# ------------------------------------------------------------------ weights


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("piped", [False, True])
def test_weights_reach_the_default_voters(routing, piped):
    X, y = blobs(240)
    half = np.arange(240) % 2 == 0
    y_noisy = flip(y, half)  # as many wrong as right: only the weights can tell
    weight = np.where(half, 1e-3, 1.0)
    with sklearn.config_context(enable_metadata_routing=routing):
        model = LogisticRegression()
        if routing:
            model.set_fit_request(sample_weight=True)
        if piped:
            scaler = StandardScaler()
            if routing:
                scaler.set_fit_request(sample_weight=False)
            model = make_pipeline(scaler, model)
        fitted = FilterClassifier(model, Consensus(cv=3), random_state=0)
        fitted.fit(X, y_noisy, sample_weight=weight)
    flagged = fitted.detector_.noise_mask_  # without weights a quarter of either half
    assert flagged[half].mean() > 0.9
    assert not flagged[~half].any()


def test_a_voter_that_takes_no_weights_is_named():
    X, y = blobs()
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        Consensus(voters()).fit(X, y, sample_weight=np.ones(150))
    model = FilterClassifier(LogisticRegression(), Consensus(voters()), weight_strategy="resample")
    assert not model.fit(X, y, sample_weight=np.ones(150)).noise_mask_.any()


# ------------------------------------------------------------------ the contract


def test_contamination():
    X, y = blobs(spread=3.0)
    y = flip(y, np.arange(0, 150, 10))
    detector = Consensus(voters(), cv=3, random_state=0, max_iter=2)
    assert not clone(detector).set_params(contamination=0).fit(X, y).noise_mask_.any()
    plain = LogisticRegression().fit(X, y)
    model = FilterClassifier(LogisticRegression(), detector, contamination=0).fit(X, y)
    np.testing.assert_array_equal(model.estimator_.coef_, plain.coef_)
    tenth = clone(detector).set_params(contamination=0.1).fit(X, y)
    assert tenth.noise_mask_.sum() == 15
    # how many are flagged in the end has no influence on the rounds
    np.testing.assert_array_equal(tenth.noise_score_, detector.fit(X, y).noise_score_)


@pytest.mark.parametrize("how", [{"max_iter": 2, "n_repeats": 2}, {"train_on": "part"}])
def test_jobs_do_not_change_the_result(how):
    X, y = blobs(120, spread=3.0)
    model = [("tree", DecisionTreeClassifier(max_features=1)), ("nb", GaussianNB())]
    one = Consensus(model, cv=2, random_state=3, n_jobs=1, **how).fit(X, y)
    with parallel_config("threading"):  # processes take seconds to start
        two = Consensus(model, cv=2, random_state=3, n_jobs=2, **how).fit(X, y)
    np.testing.assert_array_equal(one.noise_score_, two.noise_score_)
    np.testing.assert_array_equal(one.noise_proba_, two.noise_proba_)
    other = Consensus(model, cv=2, random_state=4, **how).fit(X, y)
    assert (other.noise_score_ != one.noise_score_).any()


def test_trusted_rows_are_never_flagged_nor_left_out(pages):
    X, y = blobs()
    y = flip(y, [3, 50])
    X = with_row_numbers(X)
    trusted = np.arange(150) == 3
    model = [("tree", Diary(max_depth=3))]
    detector = Consensus(model, cv=3, max_iter=2, tol=0, random_state=0)
    detector.fit(X, y, trusted=trusted)
    assert detector.noise_mask_[50]
    assert not detector.noise_mask_[3]
    later = np.concatenate(pages[3:])
    assert (later == 3).sum() == 2
    assert (later == 50).sum() == 0


def test_rare_classes_are_named_once_and_a_sole_member_is_kept():
    X, y = blobs()
    y = y.astype(object)
    y[0], y[1:3] = "lone", "pair"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        detector = Consensus(voters(), n_repeats=2, random_state=0).fit(X, y)
    named = [w for w in caught if issubclass(w.category, RareClassWarning)]
    assert len(named) == 1
    assert "lone (1)" in str(named[0].message)
    assert "pair (2)" in str(named[0].message)
    assert np.isnan(detector.noise_score_[0])
    assert detector.n_votes_[0] == 0
    assert not detector.noise_mask_[0]
    assert detector.n_votes_[3:].min() == 6


def test_one_class_cannot_be_judged():
    X, y = blobs()
    detector = Consensus(voters(), max_iter=3).fit(X, np.full(150, "ant"))
    assert np.isnan(detector.noise_score_).all()
    assert not detector.noise_mask_.any()


def test_relabelling_and_the_report():
    X, y = blobs(300)
    rows = np.arange(0, 300, 15)
    y_noisy = flip(y, rows)
    model = RelabelClassifier(LogisticRegression(), Consensus(), confidence=0.3, random_state=0)
    assert (model.fit(X, y_noisy).y_relabeled_ == y).mean() > 0.98
    report = model.noise_report(X, y_noisy)
    assert sorted(report["row"][:20]) == rows.tolist()
    first = report.iloc[0]
    assert first["reason"].startswith(f"3 of 3 votes against; together {y[first['row']]} (p=")
    assert first["reason"].endswith(")")
    assert f"not {first['given']} " in first["reason"]
    assert report.iloc[-1]["reason"].endswith("as given")


def test_pickle_and_a_failed_fit_leaves_the_old_one():
    X, y = blobs()
    detector = pickle.loads(pickle.dumps(Consensus(voters(), random_state=0).fit(X, y)))
    score = detector.noise_score_.copy()
    detector.set_params(tree=Ridge())
    with pytest.raises(TypeError, match="member 'tree', needs a classifier, got Ridge"):
        detector.fit(X, y)
    np.testing.assert_array_equal(detector.noise_score_, score)


# ------------------------------------------------------------------ properties


@given(seed=st.integers(0, 2**16), vote=st.sampled_from(VOTES))
@settings(max_examples=10, deadline=None)
def test_renaming_the_labels_renames_the_answer(seed, vote):
    rng = np.random.default_rng(seed)
    X, codes = rng.normal(size=(60, 2)), rng.integers(0, 3, size=60)
    codes[:3] = [0, 1, 2]
    new_names = np.array(["z", "m", "a"])  # another order, too
    folds = [(np.flatnonzero(rest), np.flatnonzero(~rest)) for rest in rng.random((3, 60)) > 0.4]
    models = [
        ("k3", KNeighborsClassifier(3)),
        ("k7", KNeighborsClassifier(7)),
        ("nb", GaussianNB()),
    ]
    old = Consensus(models, vote=vote, cv=folds).fit(X, codes)
    new = clone(old).fit(X, new_names[codes])
    np.testing.assert_allclose(new.noise_score_, old.noise_score_)
    np.testing.assert_array_equal(new.noise_mask_, old.noise_mask_)
    np.testing.assert_array_equal(new.n_against_, old.n_against_)


@given(seed=st.integers(0, 2**16), n=st.integers(6, 30), train_on=st.sampled_from(["rest", "part"]))
@settings(max_examples=10, deadline=None)
@pytest.mark.filterwarnings("ignore::sknoisy.exceptions.RareClassWarning")
def test_small_sets_are_judged_within_bounds(seed, n, train_on):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, 2)), rng.choice(NAMES, size=n)
    models = [("tree", DecisionTreeClassifier()), ("nb", DecisionTreeClassifier(max_depth=1))]
    found = {}
    for vote in VOTES:
        detector = Consensus(
            models, vote=vote, train_on=train_on, cv=3, max_iter=2, random_state=0
        ).fit(X, y)
        judged = detector.n_votes_ > 0
        np.testing.assert_array_equal(np.isnan(detector.noise_score_), ~judged)
        assert ((detector.noise_score_[judged] >= 0) & (detector.noise_score_[judged] <= 1)).all()
        assert (detector.n_against_ <= detector.n_votes_).all()
        assert not detector.noise_mask_[~judged].any()
        np.testing.assert_allclose(detector.label_proba_.sum(axis=1), 1.0)
        found[vote] = detector.n_flagged_[0]
    assert found["unanimous"] <= found["majority"]


@given(order=st.permutations(range(3)))
@settings(max_examples=6, deadline=None)
def test_the_order_of_voters_does_not_matter(order):
    X, y = blobs(90, spread=3.0)
    models = voters()
    a = Consensus(models, cv=3, random_state=0).fit(X, y)
    b = Consensus([models[i] for i in order], cv=3, random_state=0).fit(X, y)
    np.testing.assert_allclose(a.noise_score_, b.noise_score_)
    assert average_precision_score(a.noise_mask_, b.noise_score_) == 1.0
