"""What is read as a label matrix, and what is refused, through the estimators that read it."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from sknoisy.weak_labels import BiasVariance, DawidSkene, LabelModel, MajorityVote

CODES = np.array([[0, 0, 1], [1, 1, 1], [0, -1, 0], [1, 1, -1]])
NAMES = np.array(["cat", "dog"])


def as_numbers(blank):
    return np.where(CODES < 0, blank, CODES).astype(float)


def as_texts(blank):
    table = np.where(CODES < 0, "", NAMES[CODES]).astype(object)
    table[CODES < 0] = blank
    return table


FORMS = {
    "floats with NaN": (as_numbers(np.nan), None),
    "whole numbers with -1": (CODES, -1),
    "a list of lists": (as_numbers(np.nan).tolist(), None),
    "texts with None": (as_texts(None), None),
    "texts with empty ones": (as_texts("").astype(str), None),
    "texts with a word": (as_texts("?"), "?"),
    "lists of texts": (as_texts(None).tolist(), None),
    "a DataFrame": (pd.DataFrame(as_numbers(np.nan), columns=list("xyz")), None),
    "a nullable one": (pd.DataFrame(as_numbers(np.nan)).astype("Int64"), None),
    "one of texts": (pd.DataFrame(as_texts(pd.NA), columns=list("xyz")), None),
    "a categorical one": (pd.DataFrame(as_texts(None)).astype("category"), None),
    "one of texts of their own type": (pd.DataFrame(as_texts(None)).astype("string"), None),
    "one of booleans": (pd.DataFrame(as_numbers(np.nan)).astype("boolean"), None),
    "a masked one": (np.ma.array(np.where(CODES < 0, 7, CODES), mask=CODES < 0), None),
    "a polars one": (pl.DataFrame(as_texts(None).tolist(), schema=list("xyz"), orient="row"), None),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_label_matrix_say_the_same(form):
    votes, missing = FORMS[form]
    model = MajorityVote(missing=missing).fit(votes)
    np.testing.assert_array_equal(model.n_answers_, [4, 3, 3])
    np.testing.assert_allclose(model.label_proba_[:, 0], [2 / 3, 0, 1, 0])
    names = ["False", "True"] if "booleans" in form else ["cat", "dog"]
    expected = names if model.classes_.dtype.kind in "bOUT" else [0, 1]
    assert [str(c) for c in model.classes_] == [str(c) for c in expected]
    np.testing.assert_array_equal(model.labels_, model.classes_[[0, 1, 0, 1]])
    np.testing.assert_array_equal(model.predict(votes), model.labels_)


def test_blanks_do_not_make_decimals_of_whole_numbers():
    assert MajorityVote().fit(as_numbers(np.nan)).classes_.dtype.kind == "i"


def test_columns_are_found_by_name():
    votes = pd.DataFrame(as_texts(None), columns=list("xyz"))
    model = DawidSkene().fit(votes)
    assert model.annotators_.tolist() == ["x", "y", "z"]
    np.testing.assert_allclose(
        model.predict_proba(votes[["z", "x", "y"]]), model.predict_proba(votes)
    )
    with pytest.raises(ValueError, match="no column 'x'"):
        model.predict(votes.rename(columns={"x": "w"}))
    with pytest.raises(ValueError, match="2 columns, and there were 3 annotators"):
        model.predict(votes[["x", "y"]])


def test_a_row_without_answers():
    votes = np.vstack([as_numbers(np.nan), [[np.nan] * 3]])
    with pytest.raises(ValueError, match=r"1 row has no answer.*first row 4.*allow_empty"):
        DawidSkene().fit(votes)
    model = DawidSkene(allow_empty=True).fit(votes)
    np.testing.assert_allclose(model.label_proba_[4], model.class_prior_, atol=1e-3)
    majority = MajorityVote(allow_empty=True).fit(votes)
    np.testing.assert_allclose(majority.label_proba_[4], majority.class_prior_)
    np.testing.assert_allclose(majority.predict_proba(votes)[4], majority.class_prior_)


def test_an_annotator_without_answers():
    votes = pd.DataFrame(as_numbers(np.nan), columns=["ann", "bob", "cyd"]).assign(dan=np.nan)
    with pytest.raises(ValueError, match=r"No answer from annotator dan.*leave the column out"):
        DawidSkene().fit(votes)
    with pytest.raises(ValueError, match=r"No vote from labelling function dan"):
        LabelModel().fit(votes)
    model = DawidSkene(allow_empty=True).fit(votes)
    assert np.isfinite(model.annotator_skill_).all()
    assert model.skill_report().loc["dan", "n_answers"] == 0


def test_an_annotator_with_one_answer_is_much_like_the_others():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    votes = np.where(rng.random((100, 6)) < 0.8, y[:, None], 1 - y[:, None]).astype(float)
    votes[1:, 5] = np.nan
    skill = DawidSkene().fit(votes).annotator_skill_
    assert abs(skill[5] - skill[:5].mean()) < 0.2


@pytest.mark.parametrize(
    ("votes", "error", "match"),
    [
        (["a", "b", "a"], ValueError, r"one column per annotator.*y.reshape\(-1, 1\)"),
        ([["a", "a"], ["a", None]], ValueError, "one class"),
        ([[None, None], [None, None]], ValueError, "all 2 rows are blank"),
        (np.empty((0, 3)), ValueError, "0 sample"),
        (np.empty((3, 0)), ValueError, "no column"),
        (csr_matrix(np.eye(3)), TypeError, "a blank cannot be told from a zero"),
        ([["a", 1], ["b", 2]], TypeError, "mixes labels"),
        ([[0.5, 1.5], [1.2, 0.1]], ValueError, "continuous"),
        ([[0, np.inf], [1, 0]], ValueError, "infinity, first in row 0 from annotator 1"),
        (None, ValueError, "requires y to be passed"),
        (pd.DataFrame([[0, 1]], columns=["x", "x"]), ValueError, "two columns of the name 'x'"),
    ],
)
def test_what_is_refused(votes, error, match):
    with pytest.raises(error, match=match):
        DawidSkene().fit(votes)


def test_an_unknown_class_is_named():
    model = DawidSkene().fit(as_texts(None))
    with pytest.raises(ValueError, match="annotator 1 says 'cow' in row 0"):
        model.predict([["cat", "cow", "dog"]])


def test_numbers_must_be_numbers():
    with pytest.raises(ValueError, match="numeric"):
        BiasVariance().fit([["a", "b"], ["b", "a"]])


def test_a_failed_fit_changes_nothing():
    model = DawidSkene().fit(as_texts(None))
    with pytest.raises(ValueError):
        model.fit(["a", "b"])
    assert model.labels_.tolist() == ["cat", "dog", "cat", "dog"]


def test_what_looks_like_a_blank_is_named():
    for votes, mark in (
        (np.array([["a", "nan"], ["b", "a"]]), "'nan'"),
        (np.array([[0, -1], [1, 0]]), "-1"),
    ):
        with pytest.warns(UserWarning, match=f"{mark} is read as a class.*missing={mark}"):
            MajorityVote().fit(votes)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            MajorityVote(missing=votes[0, 1].item()).fit(votes)


def test_a_long_table_is_refused_with_the_remedy():
    task, worker = np.repeat(["t1", "t2"], 2), ["w1", "w2"] * 2
    table = pd.DataFrame({"task": task, "worker": worker, "label": list("abab")})
    with pytest.raises(ValueError, match=r"long table.*table\.pivot\(index=row"):
        MajorityVote().fit(table)
    with pytest.raises(TypeError, match="long table"):
        MajorityVote().fit(pd.DataFrame({"row": [0, 1], "who": ["w1", "w2"], "said": ["a", "b"]}))
