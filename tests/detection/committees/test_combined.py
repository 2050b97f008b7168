"""CombinedDetector through its public behaviour."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier, FilterRegressor
from sknoisy.detection import (
    BaseDetector,
    CombinedDetector,
    ConfidentLearning,
    Consensus,
    NeighborDisagreement,
    Outlier,
    Residual,
)
from sknoisy.detection._base import Finding
from sknoisy.metrics import average_precision, calibration_error
from sknoisy.threshold import FixedRate

from ...helpers import fits, noisy_labels, noisy_numbers, recording

METHODS = ["rank", "vote", "posterior", "product", "max"]


class Says(BaseDetector):
    """Says what it is told to, whatever the data; suggests the other of two labels."""

    def __init__(self, score, proba=None, suggest=None, contamination="auto"):
        self.score = score
        self.proba = proba
        self.suggest = suggest
        self.contamination = contamination

    _parameter_constraints: dict = {}  # noqa: RUF012
    _task = "both"

    def _find(self, evidence):
        score = np.asarray(self.score, dtype=float)
        proba = score if self.proba is None else np.asarray(self.proba, dtype=float)
        proba = np.nan_to_num(proba)
        suggest = None if self.suggest is None else np.asarray(self.suggest, dtype=float)
        return Finding(score, suggest, noise_proba=proba, mask=proba > 0.5)

    def _reason(self, row):
        return f"told so: {self.noise_score_[row]:.2f}"


def told(*scores, **params):
    members = [(f"m{j}", Says(list(score))) for j, score in enumerate(scores)]
    n = len(scores[0])
    return CombinedDetector(members, **params).fit(np.zeros((n, 1)), np.arange(n) % 2)


# ------------------------------------------------------------------ the fits


def ten_detectors():
    filters = ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning"]
    qualities = ["self_confidence", "normalized_margin"]
    return [
        *(
            (f"{f}_{q}", ConfidentLearning(filter_by=f, quality=q))
            for f in filters
            for q in qualities
        ),
        ("neq", ConfidentLearning(filter_by="predicted_neq_given")),
        ("vote", Consensus([("same", None)])),
    ]


@pytest.mark.parametrize("seed", [0, None, np.random.RandomState(0)])
def test_ten_detectors_on_the_same_evidence_cost_five_fits(seed):
    X, y = noisy_labels()
    model, calls = recording(GaussianNB())
    members = ten_detectors()
    assert len(members) == 10
    detector = CombinedDetector(members, model, cv=5, random_state=seed).fit(X, y)
    assert len(fits(calls)) == 5
    assert len(detector.detectors_) == 10


def test_alone_they_cost_five_fits_each():
    X, y = noisy_labels()
    model, calls = recording(GaussianNB())
    for _, member in ten_detectors():
        member._with_estimator(model).set_params(cv=5, random_state=0).fit(X, y)
    assert len(fits(calls)) == 50


def test_the_wrapped_model_of_a_treatment_is_shared_too():
    X, y = noisy_labels()
    model, calls = recording(GaussianNB())
    detector = CombinedDetector(ten_detectors())
    FilterClassifier(model, detector, calibrate=False, random_state=0).fit(X, y)
    assert len(fits(calls)) == 5 + 1


def test_members_with_a_model_of_their_own_are_spared_the_wrapped_models_parameters():
    class Picky(GaussianNB):
        def fit(self, X, y, *, note=None):
            if note is None:
                raise ValueError("no note")
            return super().fit(X, y)

    X, y = noisy_labels()
    members = [("wrapped", ConfidentLearning()), ("own", ConfidentLearning(GaussianNB()))]
    model = FilterClassifier(Picky(), CombinedDetector(members), random_state=0)
    assert len(model.fit(X, y, note="x").detector_.detectors_) == 2


def test_members_keep_what_they_have_set_themselves():
    members = [
        ("open", ConfidentLearning()),
        ("set", ConfidentLearning(LogisticRegression(), cv=3, random_state=7)),
    ]
    X, y = noisy_labels()
    combined = CombinedDetector(members, GaussianNB(), cv=4, n_jobs=1, random_state=1).fit(X, y)
    first, second = combined.detectors_
    assert (first.cv, first.random_state, first.n_jobs) == (4, 1, 1)
    assert isinstance(first.estimator, GaussianNB)
    assert (second.cv, second.random_state, second.n_jobs) == (3, 7, 1)
    assert isinstance(second.estimator, LogisticRegression)
    assert members[0][1].cv is None  # the given ones are not touched


def test_each_member_says_what_it_says_alone():
    X, y = noisy_labels()
    members = [("a", ConfidentLearning(GaussianNB())), ("b", Outlier(per_class=True))]
    combined = CombinedDetector(members, random_state=3).fit(X, y)
    for name, member in members:
        alone = clone(member).set_params(random_state=3).fit(X, y)
        there = combined.named_detectors_[name]
        np.testing.assert_array_equal(there.noise_score_, alone.noise_score_)
        np.testing.assert_array_equal(there.noise_mask_, alone.noise_mask_)


# ------------------------------------------------------------------ the methods


def random_scores(n=40, m=3, seed=0, missing=0.2):
    rng = np.random.default_rng(seed)
    scores = rng.random((m, n)).round(2)
    scores[rng.random((m, n)) < missing] = np.nan
    return scores


def test_mean_rank_by_hand():
    scores = random_scores()
    scores[:, 5] = np.nan
    expected = []
    for row in range(scores.shape[1]):
        ranks = []
        for score in scores:
            known = score[~np.isnan(score)]
            if not np.isnan(score[row]):
                below, same = (known < score[row]).sum(), (known == score[row]).sum()
                ranks.append((below + same / 2) / len(known))
        expected.append(np.mean(ranks) if ranks else np.nan)
    detector = told(*scores)
    np.testing.assert_allclose(detector.noise_score_, expected)
    assert detector.noise_proba_[5] == 0 and not detector.noise_mask_[5]


def test_ranks_do_not_depend_on_the_scale_of_scores():
    a, b = random_scores(m=2)
    n = len(a)
    X, y = np.zeros((n, 1)), np.arange(n) % 2
    plain = CombinedDetector([("a", Says(list(a))), ("b", Says(list(b)))]).fit(X, y)
    odd = [("a", Says(list(np.exp(9 * a)), list(a))), ("b", Says(list(b - 100), list(b)))]
    np.testing.assert_array_equal(CombinedDetector(odd).fit(X, y).noise_score_, plain.noise_score_)


def test_rank_flags_as_many_as_the_posterior_in_its_own_order():
    scores = random_scores(n=200)
    rank, posterior = told(*scores), told(*scores, method="posterior")
    assert abs(int(rank.noise_mask_.sum()) - int(posterior.noise_mask_.sum())) <= 1
    order = np.argsort(rank.noise_score_)[: -np.isnan(rank.noise_score_).sum() or None]
    assert (np.diff(rank.noise_proba_[order]) >= -1e-12).all()
    assert rank.noise_proba_.sum() == pytest.approx(posterior.noise_proba_.sum())


def test_weights_and_dropped_members():
    a, b, c = random_scores(missing=0)
    X, y = np.zeros((len(a), 1)), np.arange(len(a)) % 2
    members = [("a", Says(list(a))), ("b", "drop"), ("c", Says(list(c)))]
    ranks = [(rankdata(s) - 0.5) / len(s) for s in (a, c)]
    detector = CombinedDetector(members, weights=[3, 5, 1]).fit(X, y)
    np.testing.assert_allclose(detector.noise_score_, 0.75 * ranks[0] + 0.25 * ranks[1])
    alone = CombinedDetector(members, weights=[0, 1, 2]).fit(X, y)
    np.testing.assert_allclose(alone.noise_score_, ranks[1])
    assert list(alone.named_detectors_) == ["c"]


def test_majority_vote():
    nan = np.nan
    scores = np.array(
        [
            [0.9, 0.9, 0.9, 0.1, nan, nan],
            [0.9, 0.9, 0.1, 0.1, 0.9, nan],
            [0.9, 0.1, 0.1, 0.1, 0.1, nan],
        ]
    )
    detector = told(*scores, method="vote")
    assert detector.noise_mask_.tolist() == [True, True, False, False, False, False]
    score = detector.noise_score_
    assert score[0] > score[1] > score[2] > score[3] and np.isnan(score[5])
    np.testing.assert_allclose(detector.noise_proba_[:5], np.nanmean(scores[:, :5], axis=0))


def test_any_member_is_enough_for_max():
    scores = [[0.9, 0.1, 0.2, 0.3], [0.1, 0.9, 0.2, 0.3]]
    detector = told(*scores, method="max")
    assert detector.noise_mask_.tolist() == [True, True, False, False]
    np.testing.assert_allclose(detector.noise_proba_, np.max(scores, axis=0))


@pytest.mark.parametrize("method, strength", [("posterior", 1), ("product", 3)])
def test_pooled_odds_by_the_formula(method, strength):
    proba = random_scores(missing=0).clip(0.01, 0.99)
    priors = proba.mean(axis=1)
    gain = (logit(proba) - logit(priors)[:, None]).mean(axis=0)
    expected = expit(logit(priors.mean()) + strength * gain)
    detector = told(*proba, method=method)
    np.testing.assert_allclose(detector.noise_proba_, expected)
    assert detector.prior_ == pytest.approx(priors.mean())


def test_members_that_say_the_same_have_the_say_of_one():
    proba = random_scores(m=1, missing=0)[0].clip(0.01, 0.99)
    np.testing.assert_allclose(told(*[proba] * 4, method="posterior").noise_proba_, proba)
    assert not np.allclose(told(*[proba] * 4, method="product").noise_proba_, proba)


def test_a_member_that_says_nothing_changes_no_product():
    proba = random_scores(m=2, missing=0).clip(0.01, 0.99)
    silent = np.full(proba.shape[1], proba.mean())
    two, three = told(*proba, method="product"), told(*proba, silent, method="product")
    np.testing.assert_allclose(two.noise_proba_, three.noise_proba_)


@pytest.mark.parametrize("seed", range(3))
def test_the_product_is_calibrated_for_independent_members_and_no_others(seed):
    rng = np.random.default_rng(seed)
    rate, n = 0.2, 4000
    wrong = rng.random(n) < rate

    def opinion():
        signal = rng.normal(size=n) + 1.5 * wrong
        return expit(logit(rate) + 1.5 * signal - 1.5**2 / 2)  # Bayes' rule for two normals

    unlike = [opinion() for _ in range(3)]
    product = told(*unlike, method="product")
    assert calibration_error(wrong, product.noise_proba_) < 0.03
    best_alone = max(average_precision(wrong, one) for one in unlike)
    assert average_precision(wrong, product.noise_score_) > best_alone + 0.1
    alike = [unlike[0]] * 3
    posterior = told(*alike, method="posterior")
    assert calibration_error(wrong, posterior.noise_proba_) < 0.04
    assert calibration_error(wrong, told(*alike, method="product").noise_proba_) > 0.06


@pytest.mark.parametrize("method", METHODS)
def test_nobody_suspects_anything(method):
    detector = told([0.0] * 6, [0.0] * 6, method=method)
    assert not detector.noise_mask_.any() and not detector.noise_proba_.any()


@pytest.mark.parametrize("method", METHODS)
def test_nobody_can_judge(method):
    detector = told([np.nan] * 6, [np.nan] * 6, method=method)
    assert np.isnan(detector.noise_score_).all() and not detector.noise_mask_.any()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("method", ["rank", "vote", "posterior", "product"])
def test_unlike_members_together_rank_better_than_the_best(method, seed):
    rng = np.random.default_rng(seed)
    wrong = rng.random(2000) < 0.2
    scores = [expit(2 * (rng.normal(size=2000) + 1.5 * wrong - 1.5)) for _ in range(5)]
    alone = max(average_precision(wrong, score) for score in scores)
    assert average_precision(wrong, told(*scores, method=method).noise_score_) > alone + 0.1


# ------------------------------------------------------------------ what else comes out


def test_labels_are_suggested_by_those_who_suggest():
    X, y = noisy_labels()
    members = [("model", ConfidentLearning(GaussianNB())), ("odd", Outlier(per_class=True))]
    detector = CombinedDetector(members, random_state=0).fit(X, y)
    proba = detector.label_proba_
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    rows = np.arange(len(y))
    np.testing.assert_allclose(1 - proba[rows, y], detector.noise_proba_)
    changed = detector.noise_mask_
    assert changed.any() and (detector.y_suggested_[changed] != y[changed]).all()
    right = noisy_labels(rate=0)[1]
    assert (detector.y_suggested_ == right).mean() > (y == right).mean()


def test_numbers_are_suggested_by_the_mean():
    n = 12
    y = np.arange(n) / 7
    members = [
        ("a", Says([0.1] * n, suggest=[1.0] * (n - 1) + [np.nan])),
        ("b", Says([0.1] * n, suggest=[4.0] * (n - 2) + [np.nan] * 2)),
        ("c", Says([0.1] * n)),
    ]
    found = CombinedDetector(members, weights=[1, 2, 5]).fit(np.zeros((n, 1)), y).y_suggested_
    np.testing.assert_allclose(found[:-2], 3.0)
    np.testing.assert_allclose(found[-2:], [1.0, y[-1]])


def test_who_suggests_nothing_leaves_the_given_target():
    X, y = noisy_labels()
    members = [("all", Outlier()), ("class", Outlier(per_class=True))]
    detector = CombinedDetector(members).fit(X, y)
    np.testing.assert_array_equal(detector.y_suggested_, y)


def test_the_reason_names_those_that_agree():
    scores = [[0.9, 0.9, 0.1, np.nan, np.nan], [0.8, 0.1, 0.1, 0.1, np.nan]]
    detector = told(*scores)
    report = detector.noise_report(np.zeros((5, 1)), np.arange(5) % 2).set_index("row")["reason"]
    assert report[0] == "2 of 2 detectors flag it: m0, m1; told so: 0.90"
    assert report[1] == "1 of 2 detectors flag it: m0; told so: 0.90"
    assert report[2].startswith("0 of 2 detectors flag it; told so")
    assert report[3].startswith("0 of 1 detectors")
    assert report[4] == "not judged"


@pytest.mark.parametrize("method", METHODS)
def test_trusted_rows_are_never_flagged(method):
    X, y = noisy_labels()
    members = [("model", ConfidentLearning(GaussianNB())), ("near", NeighborDisagreement())]
    detector = CombinedDetector(members, method=method, random_state=0)
    trusted = clone(detector).fit(X, y).noise_mask_
    assert trusted.any()
    again = detector.fit(X, y, trusted=trusted)
    assert not again.noise_mask_[trusted].any() and not again.noise_proba_[trusted].any()


def test_contamination_is_of_the_combined_score():
    X, y = noisy_labels(n=100)
    members = [("model", ConfidentLearning(GaussianNB())), ("near", NeighborDisagreement())]
    for contamination in (0.2, FixedRate(0.2)):
        detector = CombinedDetector(members, contamination=contamination, random_state=0).fit(X, y)
        flagged = detector.noise_mask_
        assert flagged.sum() == 20
        assert detector.noise_score_[flagged].min() >= detector.noise_score_[~flagged].max()


@pytest.mark.parametrize("method", METHODS)
def test_names_of_classes_and_jobs_do_not_matter(method):
    X, y = noisy_labels()
    members = [("model", ConfidentLearning(GaussianNB())), ("near", NeighborDisagreement())]
    detector = CombinedDetector(members, method=method, random_state=0)
    one = clone(detector).fit(X, y)
    names = np.array(["pear", "apple", "fig"])
    other = clone(detector).set_params(n_jobs=2).fit(X, names[y])
    np.testing.assert_allclose(one.noise_score_, other.noise_score_, atol=1e-9)
    np.testing.assert_array_equal(one.noise_mask_, other.noise_mask_)
    np.testing.assert_array_equal(names[one.y_suggested_], other.y_suggested_)


# ------------------------------------------------------------------ tasks and parameters


@pytest.mark.parametrize("method", METHODS)
def test_numbers(method):
    X, y = noisy_numbers(n=120)
    wrong = y != noisy_numbers(n=120, rate=0)[1]
    members = [("ridge", Residual(Ridge())), ("tree", Residual()), ("x", Outlier())]
    model = FilterRegressor(Ridge(), CombinedDetector(members[:2], method=method), random_state=0)
    assert average_precision(wrong, model.fit(X, y).detector_.noise_score_) > 0.9
    assert len(CombinedDetector(members).fit(X, y).detectors_) == 3


def test_defaults_for_both_tasks():
    X, y = noisy_labels()
    names = CombinedDetector(random_state=0).fit(pd.DataFrame(X), y).named_detectors_
    assert list(names) == ["confidence", "neighbors"]
    X, y = noisy_numbers()
    assert list(CombinedDetector(random_state=0).fit(X, y).named_detectors_) == ["local", "global"]


def test_the_task_is_that_of_the_members():
    X, codes = noisy_labels()
    found = CombinedDetector([("r", Residual(Ridge()))]).fit(X, codes)
    assert not hasattr(found, "classes_")  # whole numbers, not labels
    of_both = CombinedDetector([("o", Outlier(estimator=Ridge()))]).fit(X, codes)
    assert not hasattr(of_both, "classes_")


def test_parameters_are_reached_by_name():
    X, y = noisy_labels()
    members = [("model", ConfidentLearning(GaussianNB())), ("near", NeighborDisagreement())]
    detector = CombinedDetector(members)
    assert detector.get_params()["near__n_neighbors"] == 10
    detector.set_params(near__n_neighbors=4, model__estimator=DecisionTreeClassifier())
    assert detector.detectors[1][1].n_neighbors == 4
    detector.set_params(model="drop")
    assert list(detector.fit(X, y).named_detectors_) == ["near"]
    model = FilterClassifier(KNeighborsClassifier(), CombinedDetector(members), random_state=0)
    grid = {"detector__method": ["rank", "vote"], "detector__near__n_neighbors": [3, 9]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 4


CLASSIFY = ("a", NeighborDisagreement())


@pytest.mark.parametrize(
    "params, error, words",
    [
        ({"detectors": [CLASSIFY, CLASSIFY]}, ValueError, "unique"),
        ({"detectors": [("a", "drop")]}, ValueError, "not dropped"),
        ({"detectors": []}, ValueError, "at least one"),
        ({"detectors": ["a"]}, TypeError, "list of .name, detector."),
        ({"detectors": [("a", GaussianNB())]}, TypeError, "'a' of detectors is no detector"),
        ({"detectors": [CLASSIFY, ("b", Residual())]}, TypeError, "Residual .regression."),
        ({"detectors": [("a", NeighborDisagreement(n_neighbors=0))]}, ValueError, "n_neighbors"),
        ({"weights": [1, 2, 3]}, ValueError, "each of the 2 detectors"),
        ({"weights": [1, -2]}, ValueError, "'neighbors'"),
        ({"weights": [0, 0]}, ValueError, "All weights are zero"),
        ({"weights": [1, 1], "method": "max"}, ValueError, "weights have no meaning"),
        ({"method": "mean"}, ValueError, "method"),
    ],
)
def test_errors_say_what_is_wrong(params, error, words):
    X, y = noisy_labels(n=30)
    with pytest.raises(error, match=words):
        CombinedDetector(**params).fit(X, y)


def test_a_member_for_the_other_task_is_refused_by_name():
    X, y = noisy_labels(n=30)
    model = FilterClassifier(GaussianNB(), CombinedDetector([("size", Residual())]))
    with pytest.raises(TypeError, match="'size', Residual, is for regression"):
        model.fit(X, y)
