"""Labelling functions: their votes, what is made of them, and a classifier on top."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sknoisy.weak_labels import (
    CrowdClassifier,
    DawidSkene,
    LabelModel,
    MajorityVote,
    TripletLabelModel,
    WeaklySupervisedClassifier,
    apply_functions,
    lf_summary,
)

ACCURACY = np.array([0.95, 0.9, 0.6, 0.6, 0.6, 0.55])


def rules(n=3000, n_classes=2, share=0.5, seed=0):
    """(true codes, votes with -1) of functions of `ACCURACY`."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n)
    shape = n, len(ACCURACY)
    wrong = (y[:, None] + rng.integers(1, n_classes, shape)) % n_classes
    votes = np.where(rng.random(shape) < ACCURACY, y[:, None], wrong)
    votes[rng.random(shape) > share] = -1
    return y, votes


def has_offer(text):
    return "spam" if re.search("free|win", text) else None


def greets(text):
    return "ham" if "hello" in text else None


def is_long(text):
    return "ham" if len(text.split()) > 6 else None


TEXTS = [
    "win a free phone now",
    "free phone calls now",
    "hello see you at home",
    "hello are you at home",
    "win money now",
    "are you at home or shall we meet in town",
    "phone",
]


# --------------------------------------------------------------------------- functions


def test_functions_are_applied_to_rows_of_any_kind():
    expected = [["spam", None], ["spam", None], [None, "ham"]]
    votes = apply_functions([has_offer, greets], TEXTS[:3])
    assert votes.to_numpy().tolist() == expected
    series = pd.Series(TEXTS[:3], index=[7, 8, 9])
    votes = apply_functions({"offer": has_offer, "hello": greets}, series)
    assert votes.index.tolist() == [7, 8, 9] and list(votes) == ["offer", "hello"]
    table = pd.DataFrame({"text": TEXTS[:3], "size": [1, 2, 3]})
    by_row = {"offer": lambda row: has_offer(row.text), "big": lambda row: row["size"] > 2 or None}
    assert apply_functions(by_row, table)["big"].tolist() == [None, None, True]
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert apply_functions([lambda row: int(row[0] > 2)], array).iloc[:, 0].tolist() == [0, 1]


def test_errors_of_functions_name_function_and_row():
    def broken(text):
        return 1 / (len(text) - len(TEXTS[2]))

    with pytest.raises(ZeroDivisionError) as caught:
        apply_functions([has_offer, broken], TEXTS)
    assert "'broken', in row 2 of 7" in caught.value.__notes__[0]
    with pytest.raises(TypeError, match=r"'<lambda>' must return one label.*row 0"):
        apply_functions([lambda text: [1, 2]], TEXTS)
    with pytest.raises(ValueError, match="Several labelling functions are called 'greets'"):
        apply_functions([greets, greets], TEXTS)
    with pytest.raises(TypeError, match="cannot be called"):
        apply_functions({"x": "spam"}, TEXTS)
    with pytest.raises(ValueError, match="no labelling function"):
        apply_functions([], TEXTS)


def test_summary_counts():
    votes = pd.DataFrame(
        {"a": [0, 0, None, 1], "b": [0, 1, None, None], "c": [None] * 4}, dtype=object
    )
    table = lf_summary(votes, [0, 0, 1, 1])
    assert table["classes"].tolist() == [[0, 1], [0, 1], []]
    assert table["coverage"].tolist() == [0.75, 0.5, 0.0]
    assert table["overlap"].tolist() == [0.5, 0.5, 0.0]
    assert table["conflict"].tolist() == [0.25, 0.25, 0.0]
    assert table["correct"].tolist() == [3, 1, 0]
    assert table.loc["a", "accuracy"] == 1.0 and np.isnan(table.loc["c", "accuracy"])
    assert list(lf_summary(votes)) == ["classes", "coverage", "overlap", "conflict"]
    # a true class that nobody votes for is nobody's success
    assert lf_summary(votes, [5, 5, 5, 5])["correct"].sum() == 0


# --------------------------------------------------------------------------- label models


@pytest.mark.parametrize("model", [LabelModel(missing=-1), TripletLabelModel(missing=-1)])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_accuracies_are_found_and_beat_the_majority(model, n_classes):
    for seed in range(3):
        y, votes = rules(n_classes=n_classes, seed=seed)
        covered = (votes >= 0).any(axis=1)
        fitted = model.fit(votes)
        assert np.abs(fitted.annotator_skill_ - ACCURACY).max() < 0.1
        majority = MajorityVote(missing=-1, allow_empty=True).fit(votes)
        right, usual = fitted.labels_ == y, majority.labels_ == y
        assert right[covered].mean() > usual[covered].mean() + 0.03
        np.testing.assert_allclose(fitted.label_proba_[~covered], 1 / n_classes)


def test_functions_that_vote_for_one_class_only():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    votes = np.full((4000, 6), -1)
    for j, (label, hit, false) in enumerate(
        [
            (1, 0.5, 0.02),
            (1, 0.5, 0.3),
            (1, 0.4, 0.05),
            (0, 0.5, 0.02),
            (0, 0.5, 0.3),
            (0, 0.4, 0.05),
        ]
    ):
        votes[rng.random(4000) < np.where(y == label, hit, false), j] = label
    covered = (votes >= 0).any(axis=1)
    fitted = LabelModel(missing=-1).fit(votes)
    majority = MajorityVote(missing=-1, allow_empty=True).fit(votes)
    right = np.mean(fitted.labels_[covered] == y[covered])
    assert right > np.mean(majority.labels_[covered] == y[covered]) + 0.02
    assert fitted.annotator_skill_[[0, 3]].min() > fitted.annotator_skill_[[1, 4]].max() + 0.1
    np.testing.assert_allclose(fitted.propensity_, (votes >= 0).mean(axis=0), atol=0.03)


def test_class_prior_is_what_is_given():
    _, votes = rules()
    fitted = LabelModel(class_prior=[0.8, 0.2], missing=-1).fit(votes)
    empty = (votes < 0).all(axis=1)
    np.testing.assert_allclose(fitted.label_proba_[empty], [[0.8, 0.2]] * empty.sum())


def test_one_function_and_functions_that_never_meet():
    votes = np.array([[0], [1], [-1], [1]])
    fitted = LabelModel(missing=-1).fit(votes)
    assert fitted.labels_[[0, 1, 3]].tolist() == [0, 1, 1]
    assert 0.6 < fitted.annotator_skill_[0] < 1
    with pytest.warns(UserWarning, match="No three labelling functions can be compared"):
        fitted = TripletLabelModel(missing=-1).fit(votes)
    assert fitted.annotator_skill_.tolist() == [0.7]


def test_errors_of_label_models():
    _, votes = rules(n=50)
    votes[:, 2] = -1
    for model in (LabelModel(missing=-1), TripletLabelModel(missing=-1)):
        with pytest.raises(ValueError, match="No vote from labelling function 2: leave"):
            model.fit(votes)
        assert model.set_params(allow_empty=True).fit(votes).n_answers_[2] == 0
        model.set_params(allow_empty=False)
    with pytest.raises(ValueError, match="no better than chance"):
        LabelModel(accuracy_prior=0.5).fit([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="votes are 'a'.*one class"):
        LabelModel().fit([["a", None], ["a", "a"]])


# --------------------------------------------------------------------------- classifier


def text_model():
    return make_pipeline(CountVectorizer(), LogisticRegression())


def test_classifier_learns_from_functions_and_goes_beyond_them():
    model = WeaklySupervisedClassifier(text_model(), functions=[has_offer, greets, is_long])
    model.fit(TEXTS)
    assert model.covered_.tolist() == [True] * 6 + [False]
    assert model.classes_.tolist() == ["ham", "spam"]
    assert model.predict(["phone now", "at home"]).tolist() == ["spam", "ham"]
    votes = apply_functions([has_offer, greets, is_long], TEXTS)
    by_votes = WeaklySupervisedClassifier(text_model()).fit(TEXTS, votes)
    np.testing.assert_array_equal(by_votes.predict_proba(TEXTS), model.predict_proba(TEXTS))


def feature_data(seed=0):
    y, votes = rules(n=1500, share=0.3, seed=seed)
    X = np.random.default_rng(seed + 1).normal(size=(1500, 4)) + 2.0 * y[:, None]
    return X, y, votes


@pytest.mark.parametrize("label_model", [None, TripletLabelModel(), DawidSkene()])
def test_classifier_beats_its_labels(label_model):
    X, y, votes = feature_data()
    model = WeaklySupervisedClassifier(LogisticRegression(), label_model, missing=-1)
    model.fit(X, votes)
    assert model.score(X, y) > np.mean(model.labels_ == y) + 0.1
    assert model.score(X, y) > (0.9 if isinstance(label_model, DawidSkene) else 0.95)


def test_abstained_rows_are_left_out_or_given_the_prior():
    X, _, votes = feature_data()
    covered = (votes >= 0).any(axis=1)
    model = WeaklySupervisedClassifier(LogisticRegression(), missing=-1)
    out = model.fit(X, votes).estimator_.coef_
    X_other = np.where(covered[:, None], X, 99.0)
    np.testing.assert_array_equal(model.fit(X_other, votes).estimator_.coef_, out)
    prior = model.set_params(abstained="prior").fit(X, votes)
    assert np.abs(prior.estimator_.coef_).sum() < np.abs(out).sum()
    np.testing.assert_allclose(prior.label_proba_[~covered], 0.5)


@pytest.mark.parametrize("label_model", [None, MajorityVote()])
def test_a_search_needs_no_true_label(label_model):
    X, y, votes = feature_data()
    texts = pd.DataFrame(np.array(["ham", "spam", None], dtype=object)[votes])
    model = WeaklySupervisedClassifier(LogisticRegression(), label_model)
    folds = KFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(model, {"estimator__C": [1e-6, 1.0]}, cv=folds, error_score="raise")
    assert search.fit(X, texts).best_params_ == {"estimator__C": 1.0}
    assert search.score(X, np.array(["ham", "spam"])[y]) > 0.9


def test_functions_score_by_themselves():
    model = WeaklySupervisedClassifier(text_model(), functions=[has_offer, greets]).fit(TEXTS)
    votes = apply_functions([has_offer, greets], TEXTS)
    assert model.score(TEXTS) == model.score(TEXTS, votes) > 0.5
    with pytest.raises(ValueError, match="there are no functions to ask"):
        WeaklySupervisedClassifier(text_model()).fit(TEXTS, votes).score(TEXTS)


def test_functions_and_classifier_judge_one_another():
    X, y, votes = feature_data()
    model = CrowdClassifier(
        LogisticRegression(), LabelModel(), missing=-1, allow_empty=True, random_state=0
    ).fit(X, votes)
    alone = LabelModel(missing=-1).fit(votes)
    assert np.mean(model.labels_ == y) > np.mean(alone.labels_ == y) + 0.1


def test_errors_of_the_classifier():
    X, y, votes = feature_data()
    with pytest.raises(ValueError, match="one column per labelling function"):
        WeaklySupervisedClassifier(LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError, match="requires y"):
        WeaklySupervisedClassifier(LogisticRegression()).fit(X)
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        WeaklySupervisedClassifier(KNeighborsClassifier(), missing=-1).fit(X, votes)
    votes[:, 0] = -1
    with pytest.raises(ValueError, match="No vote from labelling function 0"):
        WeaklySupervisedClassifier(LogisticRegression(), missing=-1).fit(X, votes)
    with pytest.raises(ValueError, match="allow_empty"):
        WeaklySupervisedClassifier(
            LogisticRegression(), functions=[has_offer, greets, lambda text: None]
        ).fit(TEXTS)


def test_weights_reach_label_model_and_classifier_with_and_without_routing():
    X, _, votes = feature_data()
    weight = np.r_[np.ones(1000), np.zeros(500)]
    model = WeaklySupervisedClassifier(LogisticRegression(), missing=-1)
    plain = model.fit(X, votes, sample_weight=weight).estimator_.coef_
    np.testing.assert_allclose(plain, model.fit(X[:1000], votes[:1000]).estimator_.coef_, atol=1e-3)
    with config_context(enable_metadata_routing=True):
        asking = LogisticRegression().set_fit_request(sample_weight=True)
        routed = WeaklySupervisedClassifier(asking, missing=-1)
        routed.fit(X, votes, sample_weight=weight)
        np.testing.assert_array_equal(routed.estimator_.coef_, plain)
