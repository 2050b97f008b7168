"""The target: labels or numbers, and which of them are one."""

import numpy as np
import pandas as pd
import pytest

from .helpers import WRONG, audit, fails, told, written


def test_missing_targets_are_left_out_and_told(table, capsys):
    table.loc[[0, 119], "label"] = None
    table.drop(columns="price").to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "label", "--model", "linear", "--out", "out.csv") == 0
    assert "2 rows without a target" in capsys.readouterr().out
    verdict = written()
    assert len(verdict) == 120 and verdict["flagged"].dtype == bool
    assert verdict["reason"][[0, 119]].tolist() == ["target missing"] * 2
    assert (
        verdict.loc[[0, 119], ["given", "suggested", "probability", "score"]]
        .isna()
        .to_numpy()
        .all()
    )
    assert np.flatnonzero(verdict["flagged"]).tolist() == WRONG


def test_number_target_with_text_in_it(table, capsys):
    table["price"] = table["price"].astype(object)
    table.loc[7, "price"] = "on request"
    table.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "price", "--model", "tree", "--out", "out.csv") == 0
    assert "'on request' in row 7" in capsys.readouterr().out
    assert written()["reason"][7] == "target is no number: on request"


@pytest.mark.parametrize(
    "values, expected",
    [
        ([1, 2, 3], "labels, 3 classes (3 distinct whole numbers)"),
        (["01", "02", "03"], "labels, 3 classes (codes"),
        (["1", "2", "a"], "labels, 3 classes (3 distinct values)"),
        ([True, False], "labels, 2 classes (text values)"),
        ([1.0, 2.0, np.nan], "labels, 2 classes (2 distinct whole numbers)"),
        (list(range(60)), "numbers from 0 to 59"),
        ([0.5, 1.25, 7.0], "numbers from 0.5 to 7"),
    ],
)
def test_task_is_guessed(values, expected, capsys):
    data = pd.DataFrame({"x": range(60), "y": (values * 60)[:60]})
    data.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "y", "--model", "tree") == 0
    assert expected in " ".join(capsys.readouterr().out.split())


def test_task_is_told(table, capsys):
    table["grade"] = np.arange(120) % 4
    table.to_csv("data.csv", index=False)
    audit("data.csv", "--target", "grade", "--task", "regression", "--model", "tree")
    assert "(as --task says)" in capsys.readouterr().out


def test_labels_stay_as_they_are_written(table):
    table["label"] = table["label"].map({"yes": "007", "no": "7"})
    table.to_csv("data.csv", index=False)
    audit("data.csv", "--target", "label", "--model", "tree", "--out", "out.csv")
    assert written(dtype=str)["given"].tolist() == table["label"].tolist()


def test_bad_targets(table, capsys):
    columns = {
        "same": ["a"] * 120,
        "nothing": [None] * 120,
        "few": ["a", "b"] + [None] * 118,
        "names": [f"n{i}" for i in range(120)],
    }
    table.assign(**columns).to_csv("data.csv", index=False)
    expected = {
        "same": "constant",
        "nothing": "has no values",
        "few": "too few rows: 2 of 120",
        "names": "too many to be labels",
    }
    for name, message in expected.items():
        assert message in fails(capsys, "data.csv", "--target", name)
    message = fails(capsys, "data.csv", "--target", "label", "--task", "regression")
    assert "not numeric: row 0 is 'no'" in message
    message = fails(
        capsys, "data.csv", "--target", "label", "--drop", "*e*,x,few,nothing,color", code=2
    )
    assert "'label' is the target" in message
    table[["label"]].to_csv("alone.csv", index=False)
    assert "no column is left" in fails(capsys, "alone.csv", "--target", "label")


def told_of(capsys, labels, *argv):
    pd.DataFrame({"x": np.arange(len(labels)) % 7, "y": labels}).to_csv("data.csv", index=False)
    return told(capsys, "data.csv", "--target", "y", "--model", "tree", *argv)


@pytest.mark.parametrize("name", ["None", "NA", "nan", "null", "n/a", "?"])
def test_a_class_called_like_a_missing_value(capsys, name):
    text = told_of(capsys, ["dent", "scratch", name] * 30)
    assert "3 classes" in text and f"{name} 30" in text
    assert f"read as a class: {name!r} (30 rows)" in text and f"add --missing {name!r}" in text
    text = told_of(capsys, ["dent", "scratch", name] * 30, "--missing", name)
    assert "2 classes" in text and "30 rows without a target" in text


@pytest.mark.parametrize(
    "one, other",
    [
        ("yes", "yes "),
        ("new york", "new\u00a0york"),
        ("new york", "new  york"),
        ("caf\u00e9", "cafe\u0301"),
        ("yes", "yes\u200b"),
    ],
)
def test_labels_that_look_the_same_are_one(capsys, one, other):
    text = told_of(capsys, [one, "no", other] * 20, "--out", "out.csv")
    assert "2 classes" in text and f"20 rows of {one!r} were written otherwise" in text
    assert "differ only in blanks or Unicode normal form are one" in text
    assert written()["given"].tolist() == [one, "no", one] * 20


def test_labels_that_differ_in_case_stand_first(capsys):
    text = told_of(capsys, ["Yes", "no", "yes", "no"] * 20)
    found = text.index(
        "labels that differ only in case, or in letters that look the same, are judged"
    )
    assert found < text.index("Flagged rows")
    assert "'Yes' (20 rows) / 'yes' (20 rows)" in text and "write them alike in the file" in text
    assert "in case" not in told_of(capsys, ["yes", "no"] * 40)


@pytest.mark.parametrize(
    ("one", "other"), [("spam", "sp\u0430m"), ("ham", "\uff48am"), ("XO", "x\u03bf")]
)
def test_letters_of_other_alphabets_that_look_the_same(capsys, one, other):
    text = told_of(capsys, [one, "no", other, "no"] * 20)
    assert "letters that look the same" in text and "3 classes" in text
    assert f"{ascii(other)} (20 rows)" in text
    assert "look the same" not in told_of(capsys, ["\u0434\u0430", "\u043d\u0435\u0442"] * 40)


def test_a_label_of_one_spelling_stays_as_it_is(capsys):
    told_of(capsys, ["a  b", "cafe\u0301"] * 20, "--out", "out.csv")
    assert set(written()["given"]) == {"a  b", "cafe\u0301"}


def test_dates_as_a_target(capsys):
    days = pd.date_range("2020-01-01", periods=60).strftime("%d/%m/%Y")
    pd.DataFrame({"x": range(60), "y": days}).to_csv("data.csv", index=False)
    assert "too many to be labels, being dates" in fails(capsys, "data.csv", "--target", "y")
    table = pd.DataFrame({"x": range(300), "y": [*days] * 5})  # each of them five times
    table.to_csv("data.csv", index=False)
    assert "60 different values" in fails(capsys, "data.csv", "--target", "y")
    table.assign(y=[f"kind {i % 60}" for i in range(300)]).to_csv("data.csv", index=False)
    told(capsys, "data.csv", "--target", "y")
