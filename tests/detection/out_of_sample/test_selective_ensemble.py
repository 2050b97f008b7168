"""SelectiveEnsemble through its public behaviour."""

import numpy as np
import pytest
from joblib import parallel_config
from scipy.stats import binomtest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sknoisy.detection import SelectiveEnsemble

from ...helpers import fits, noisy_labels, recording, row_numbers


def blobs(seed, n=300, spread=1.6, rate=0.15):
    centers = [[0, 0], [5, 0], [0, 5]]
    X, codes = make_blobs(n, centers=centers, cluster_std=spread, random_state=seed)
    wrong = np.random.default_rng(seed).random(n) < rate
    return X, codes, np.where(wrong, (codes + 1) % 3, codes), wrong


def tree(**params):
    return DecisionTreeClassifier(max_depth=4, random_state=0, **params)


def test_p_values_are_those_of_scipy():
    X, _, y, _ = blobs(0, n=90)
    detector = SelectiveEnsemble(tree(), n_estimators=9, random_state=0).fit(X, y)
    for row in range(90):
        votes, given = detector.votes_[row], y[row]
        first, second = np.sort(votes)[::-1][:2]
        rival = np.delete(votes, given).max()
        mode = binomtest(first, first + second, 0.5).pvalue
        label = binomtest(votes[given], votes[given] + rival, 0.5).pvalue
        assert detector.mode_pvalue_[row] == pytest.approx(mode)
        assert detector.label_pvalue_[row] == pytest.approx(label)
        lead = np.sign(rival - votes[given]) * -np.log10(label)
        doubt = 1 - detector.class_proba_[row, given]
        assert detector.noise_score_[row] == pytest.approx(lead + doubt)
    assert (detector.votes_.sum(axis=1) == 9).all()


@pytest.mark.parametrize("flag", ["contradicted", "not_learned"])
def test_flags_follow_the_test(flag):
    X, _, y, _ = blobs(1)
    detector = SelectiveEnsemble(tree(), flag=flag, random_state=0, contamination="own").fit(X, y)
    given = detector.votes_[np.arange(300), y]
    sure = detector.label_pvalue_ <= 0.05
    leads = given > detector.votes_.sum(axis=1) - given  # at this level never by a plurality only
    expected = sure & ~leads if flag == "contradicted" else ~(sure & leads)
    np.testing.assert_array_equal(detector.noise_mask_, expected)


def test_disagreement_of_two_ensembles_is_bounded():
    """The paper's claim: where neither abstains, two ensembles differ on at most alpha of rows."""
    X, _, y, _ = blobs(2, spread=2.5, rate=0.25)
    pairs = []
    for seed in range(8):
        model = SelectiveEnsemble(
            DecisionTreeClassifier(), n_estimators=8, test="mode", cv=3, contamination="own"
        )
        model.set_params(random_state=seed).fit(X, y)
        pairs.append((np.argmax(model.votes_, axis=1), ~model.noise_mask_))
    differ, differ_without_test = [], []
    for (one, says), (other, also) in zip(pairs[::2], pairs[1::2], strict=True):
        differ.append(np.mean((one != other) & says & also))
        differ_without_test.append(np.mean(one != other))
    assert max(differ) <= 0.05
    assert np.mean(differ_without_test) > 2 * np.mean(differ) + 0.02


@pytest.mark.parametrize("seed", range(3))
def test_label_is_for_wrong_labels_and_mode_for_unstable_rows(seed):
    X, codes, y, wrong = blobs(seed)
    label = SelectiveEnsemble(tree(), random_state=0, contamination="own").fit(X, y)
    mode = SelectiveEnsemble(tree(), test="mode", random_state=0, contamination="own").fit(X, y)
    ranked = average_precision_score(wrong, label.noise_score_)
    assert ranked > 0.6
    assert ranked > average_precision_score(wrong, mode.noise_score_) + 0.3
    strict = SelectiveEnsemble(
        tree(), flag="contradicted", random_state=0, contamination="own"
    ).fit(X, y)
    assert wrong[strict.noise_mask_].mean() > wrong[label.noise_mask_].mean()
    # rows near a border are less stable than those far from it
    centers = np.array([[0, 0], [5, 0], [0, 5]])
    far = np.sort(np.linalg.norm(X[:, None] - centers, axis=2), axis=1)
    border = far[:, 1] - far[:, 0] < 1
    assert mode.noise_score_[border].mean() > 2 * mode.noise_score_[~border].mean()


def test_number_of_fits_and_what_they_see():
    X, y = noisy_labels(90)
    model, calls = recording(tree())
    SelectiveEnsemble(model, n_estimators=6, cv=3, random_state=0).fit(X, y)
    assert len(fits(calls)) == 18
    asked = [call for call in calls if call.method != "fit"]
    for fit, ask in zip(fits(calls), asked, strict=True):
        seen, judged = row_numbers(fit.X, 90), row_numbers(ask.X, 90)
        assert len(seen) == 60
        assert len(np.unique(seen)) < 50
        assert not np.isin(judged, seen).any()


def test_without_bootstrap_rows_are_fitted_once():
    X, y = noisy_labels(90)
    model, calls = recording(tree())
    SelectiveEnsemble(model, n_estimators=6, cv=3, bootstrap=False, random_state=0).fit(X, y)
    assert all(len(np.unique(row_numbers(call.X, 90))) == 60 for call in fits(calls))


def test_renaming_the_labels_renames_the_answer():
    X, _, y, _ = blobs(0, n=120)
    detector = SelectiveEnsemble(KNeighborsClassifier(4), n_estimators=6, cv=3, bootstrap=False)
    detector.set_params(random_state=0)
    old = detector.fit(X, y).noise_score_
    folds = [(np.flatnonzero(np.arange(120) % 3 != k), np.arange(120)[k::3]) for k in range(3)]
    detector.set_params(cv=folds)
    old, votes = detector.fit(X, y).noise_score_, detector.votes_
    new = detector.fit(X, np.array(["z", "m", "a"])[y]).noise_score_
    np.testing.assert_allclose(new, old)
    np.testing.assert_array_equal(detector.votes_.sum(axis=0), votes.sum(axis=0)[::-1])


def test_the_draws_do_not_hang_on_the_names_of_the_labels():
    X, _, y, _ = blobs(0, n=150)
    detector = SelectiveEnsemble(tree(), n_estimators=8, random_state=0).fit(X, y)
    votes, flagged = detector.votes_, detector.noise_mask_
    assert flagged.any()
    for names in (["b", "c", "a"], ["c", "b", "a"]):
        renamed = detector.fit(X, np.array(names)[y])
        np.testing.assert_array_equal(renamed.votes_[:, np.argsort(np.argsort(names))], votes)
        np.testing.assert_array_equal(renamed.noise_mask_, flagged)


def test_jobs_do_not_change_the_result():
    X, _, y, _ = blobs(0, n=90)
    model = SelectiveEnsemble(tree(), n_estimators=6, random_state=0)
    one = clone(model).fit(X, y)
    with parallel_config(backend="threading"):
        two = clone(model).set_params(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(one.noise_score_, two.noise_score_)


def test_one_class_and_sole_members():
    X, _, y, _ = blobs(0, n=60)
    assert np.isnan(SelectiveEnsemble(tree()).fit(X, np.zeros(60, dtype=int)).noise_score_).all()
    y[5] = 9
    with pytest.warns(UserWarning, match="9"):
        detector = SelectiveEnsemble(tree(), n_estimators=6, random_state=0).fit(X, y)
    assert np.isnan(detector.noise_score_[5])
    assert not detector.noise_mask_[5]


def test_reason_and_suggestion():
    X, codes, y, wrong = blobs(0)
    detector = SelectiveEnsemble(LogisticRegression(), random_state=0).fit(X, y)
    worst = detector.noise_report(X, y).iloc[0]
    assert "models say" in worst["reason"]
    assert worst["suggested"] == codes[worst["row"]]


def test_too_few_models_is_an_error_that_says_how_many_are_needed():
    X, _, y, _ = blobs(0, n=60)
    for alpha, least in ((0.05, 6), (0.01, 8)):
        with pytest.raises(ValueError, match=f"n_estimators={least - 1} .*Take {least}"):
            SelectiveEnsemble(tree(), n_estimators=least - 1, alpha=alpha).fit(X, y)
        SelectiveEnsemble(tree(), n_estimators=least, alpha=alpha, cv=2).fit(X, y)
