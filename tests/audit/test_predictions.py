"""`--proba`: predictions from a file, in place of a model."""

import numpy as np
import pandas as pd
import pytest

from .helpers import fails, told, written


@pytest.fixture
def own(table):
    """The table in a file, and probabilities that know which of its labels are right."""
    table.to_csv("data.csv", index=False)
    label = table["label"].astype(str)
    names = sorted(label.unique())
    right = label.copy()
    wrong = [3, 20, 55]
    right.iloc[wrong] = [next(n for n in names if n != label[i]) for i in wrong]
    proba = pd.DataFrame({n: np.where(right == n, 0.9, 0.1 / (len(names) - 1)) for n in names})
    return table, proba, wrong


def test_labels(own, capsys):
    _, proba, wrong = own
    proba[proba.columns[::-1]].to_parquet("proba.parquet")
    text = told(
        capsys, "data.csv", "--target", "label", "--proba", "proba.parquet", "--out", "out.csv"
    )
    assert "the predictions in proba.parquet" in text and "no fit of a model" in text
    found = written()
    assert set(wrong) == set(np.flatnonzero(found["flagged"]))


def test_numbers(own, capsys):
    table, _, _ = own
    pd.DataFrame({"said": table["price"].astype(float) + 0.1}).to_csv("said.csv", index=False)
    assert "no fit" in told(capsys, "data.csv", "--target", "price", "--proba", "said.csv")
    pd.DataFrame({"a": [1.0], "b": [2.0]}).to_csv("two.csv", index=False)
    error = fails(capsys, "data.csv", "--target", "price", "--proba", "two.csv")
    assert "two.csv has 1 rows, and the data" in error


def test_what_would_have_no_say_is_refused(own, capsys):
    own[1].to_csv("proba.csv", index=False)
    command = ("data.csv", "--target", "label", "--proba", "proba.csv")
    assert "--model has no say" in fails(capsys, *command, "--model", "tree", code=2)
    assert "--cv has no say" in fails(capsys, *command, "--cv", "3", code=2)


def test_what_is_wrong_is_said(own, capsys):
    _, proba, _ = own
    command = ("data.csv", "--target", "label", "--proba")
    assert "no such file" in fails(capsys, *command, "none.csv")
    proba.iloc[:-1].to_csv("short.csv", index=False)
    assert "one for each row of the data" in fails(capsys, *command, "short.csv")
    proba.assign(row=np.arange(len(proba))).to_csv("more.csv", index=False)
    assert "called like the classes" in fails(capsys, *command, "more.csv")
    proba.assign(note="x").to_csv("text.csv", index=False)
    assert "column note holds no numbers" in fails(capsys, *command, "text.csv")
    proba.iloc[:, 1:].to_csv("few.csv", index=False)
    assert "few.csv has no column no, which is a class of the target" in fails(
        capsys, *command, "few.csv"
    )
    proba.to_csv("proba.csv", index=False)
    assert "is for a file" in fails(capsys, "--proba", "proba.csv", code=2)
