"""Options that are wrong, and work that fails: one clear line, before the work if possible."""

import numpy as np
import pandas as pd
import pytest

from .helpers import audit, fails


def test_bad_options(table, capsys):
    table["minus"] = -1.0
    table.to_csv("data.csv", index=False)
    for argv, message in {
        (): "Give --target COLUMN; the columns are: x, color, label, price",
        ("--target", "lable"): "did you mean 'label'?",
        ("--target", "label", "--drop", "colour"): "did you mean 'color'?",
        ("--target", "label", "--groups", "xx"): "no column is called 'xx'",
        ("--target", "label", "--weight", "label"): "is the target",
        ("--target", "label", "--contamination", "0.7"): "0 to 0.5",
        ("--target", "label", "--cv", "1"): "2 or more",
        ("--target", "label", "--jobs", "-1"): "1 or more",
        ("--target", "label", "--worst", "many"): "whole number",
        ("--target", "label", "--seed", "9876543210"): "from 0 to 2147483648",
        ("--target", "label", "--sep", ";"): "all of a line is read as one column, 'x,color",
        ("--target", "label", "--sep", "ab"): "not one character",
        ("--target", "label", "--encoding", "utf-9"): "unknown encoding",
        ("--target", "label", "--model", "forrest"): "did you mean 'forest'",
        ("--target", "label", "--model", "Lasso"): "is a regressor, and the task is classif",
        ("--target", "price", "--model", "logistic"): "is no regressor",
        ("--target", "label", "--model", "VotingClassifier"): "parameters of its own",
        ("--target", "label", "--detector", "ConfidentLerning"): "'ConfidentLearning'",
        ("--target", "label", "--detector", "residual"): "is for regression",
        ("--target", "label", "--weight", "x", "--bogus"): "--bogus",
    }.items():
        assert message in fails(capsys, "data.csv", *argv, code=2)
    assert "weights must be" in fails(capsys, "data.csv", "--target", "label", "--weight", "minus")
    command = ("--target", "label", "--weight", "price", "--drop", "minus", "--model", "knn")
    table.assign(price=1.0).to_csv("data.csv", index=False)
    assert "takes no weights" in fails(capsys, "data.csv", *command, code=2)
    assert "only one group" in fails(capsys, "data.csv", "--target", "label", "--groups", "minus")
    assert "use yes/no" in fails(capsys, "data.csv", "--target", "label", "--trusted", "color")
    assert "is for a file" in fails(capsys, "--target", "label", code=2)


def test_a_model_that_fails(table, capsys):
    table.to_csv("data.csv", index=False)
    message = fails(capsys, "data.csv", "--target", "label", "--model", "MultinomialNB")
    assert "with MultinomialNB failed: Negative values" in message


def test_what_is_unforeseen_is_one_line_too(table, capsys, monkeypatch):
    import sknoisy._audit._run as run

    def fail(*args, **kwargs):
        raise RuntimeError("never\nseen")

    table.to_csv("data.csv", index=False)
    monkeypatch.setattr(run, "read_features", fail)
    assert "RuntimeError: never seen" in fails(capsys, "data.csv", "--target", "label")


@pytest.mark.parametrize(
    "argv, message",
    [
        (("--out", "x" * 300 + ".csv"), "cannot be written"),
        (("--out", ""), "no name of a file"),
        (("--weight", "one"), "1 rows of 'one' have a weight above 0"),
        (("--trusted", "all"), "trusts all rows"),
        (("--groups", "side"), "each label is in a single group of column 'side'"),
        (("--groups", "same"), "only one group"),
    ],
)
def test_what_can_be_known_is_said_before_the_work(table, capsys, monkeypatch, argv, message):
    from sknoisy._audit import _run

    monkeypatch.setattr(_run, "_judge", lambda *args: pytest.fail("it worked first"))
    table["one"] = [1.0] + [0.0] * 119
    table["all"], table["same"], table["side"] = "yes", "a", table["label"].map(str.upper)
    table.to_csv("data.csv", index=False)
    code = 2 if argv == ("--out", "") else 1
    assert message in fails(capsys, "data.csv", "--target", "label", *argv, code=code)


@pytest.mark.parametrize(
    "argv",
    [
        ("--target", "lable"),
        ("--target", "label", "--groups", "g"),
        ("--target", "label", "--weight", "label"),
        ("--target", "label", "--drop", "nothing"),
        ("--target", "label", "--model", "forrest"),
        ("--target", "label", "--detector", "ConfidentLerning"),
        ("--target", "label", "--task", "regression", "--model", "logistic"),
    ],
)
def test_names_are_checked_before_the_rows_are_read(table, capsys, argv):
    """A line that is none of the table further down would be an error of reading."""
    open("data.csv", "w").write(table.to_csv(index=False) + "1,2,3,4,5,6\n")
    assert "line" not in fails(capsys, "data.csv", *argv, code=2)


def test_debug_shows_where(table, capsys):
    table.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "lable", "--debug") == 2
    assert "Traceback" in (err := capsys.readouterr().err) and "find_column" in err


def test_categories_that_are_all_different_end_no_work(capsys):
    """Few rows and a number for each: nothing to count for the order of the columns shown."""
    table = pd.DataFrame({"x": range(12), "c": list("abcdefghijkl"), "y": np.arange(12) ** 1.5})
    table.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "y", "--model", "tree") == 0
    assert "c=" in capsys.readouterr().out
