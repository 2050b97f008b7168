"""`python -m sknoisy audit`: every kind of file in, a readable verdict or one clear line out."""

import gzip
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sknoisy.__main__ import main

COLUMNS = ["row", "given", "suggested", "probability", "score", "flagged", "reason"]
WRONG = [3, 20, 55]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def table():
    """120 rows; `label` and `price` follow from `x`, save in the rows `WRONG`."""
    rng = np.random.default_rng(0)
    n = 120
    x = np.arange(n) % 20 - 9.5
    x += 5 * np.sign(x)  # no row is near the border
    label = np.where(x > 0, "yes", "no").astype(object)
    label[WRONG] = ["yes" if old == "no" else "no" for old in label[WRONG]]
    price = 10 * x + rng.normal(size=n)
    price[WRONG] += [500.0, -500.0, 700.0]
    return pd.DataFrame(
        {"x": x, "color": rng.choice(["red", "blue"], n), "label": label, "price": price}
    )


def audit(*argv):
    return main(["audit", *map(str, argv)])


def written(path="out.csv", **how):
    return pd.read_csv(path, **how)


def fails(capsys, *argv, code=1):
    """The one line on stderr of a run that fails."""
    assert audit(*argv) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("sknoisy: ") and captured.err.count("\n") == 1
    return captured.err


# --------------------------------------------------------------------------- what it finds


def test_labels(table, capsys):
    table.drop(columns="price").to_csv("data.csv", index=False)
    before = open("data.csv", "rb").read()
    assert audit("data.csv", "--target", "label", "--model", "linear", "--out", "out.csv") == 0
    text = capsys.readouterr().out
    assert "120 rows, 3 columns" in text
    assert "labels, 2 classes (text values): yes 61, no 59" in text
    assert "LogisticRegression" in text and "ConfidentLearning, 5 fits" in text
    assert re.search(r"Flagged rows: +3 of 120 \(2\.5%\)", text)
    assert "Estimated noise rate" in text
    assert re.search(r"^  no +\. +1 +1  59", text, re.M)  # given no, suggested yes
    assert re.search(r"row +55 .*no -> yes: looks like yes", text)
    verdict = written()
    assert list(verdict.columns) == COLUMNS and verdict["row"].tolist() == list(range(120))
    assert verdict["given"].tolist() == table["label"].tolist()
    assert np.flatnonzero(verdict["flagged"]).tolist() == WRONG
    right = ["yes" if old == "no" else "no" for old in table["label"][WRONG]]
    assert verdict["suggested"][WRONG].tolist() == right
    assert open("data.csv", "rb").read() == before
    assert sorted(os.listdir()) == ["data.csv", "out.csv"]  # nothing temporary is left


def test_numbers(table, capsys):
    table.drop(columns="label").to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "price", "--model", "linear", "--out", "out.csv") == 0
    text = capsys.readouterr().out
    assert "numbers from" in text and "Ridge" in text
    assert re.search(r"given too high +2 ", text) and re.search(r"given too low +1 ", text)
    assert np.flatnonzero(written()["flagged"]).tolist() == WRONG
    assert np.allclose(written()["given"], table["price"])


def test_same_seed_same_result(table):
    table.to_csv("data.csv", index=False)
    for out, jobs in (("a.csv", 1), ("b.csv", 2)):
        audit("data.csv", "--target", "label", "--model", "tree", "--out", out, "--jobs", jobs)
    assert open("a.csv").read() == open("b.csv").read()


def test_out_of_bag_is_one_fit_and_folds_are_told(table, capsys):
    table.to_csv("data.csv", index=False)
    audit("data.csv", "--target", "label", "--model", "forest")
    assert "ConfidentLearning, 1 fit of" in capsys.readouterr().out
    audit("data.csv", "--target", "label", "--model", "tree", "--cv", "3")
    assert "ConfidentLearning, 3 fits of" in capsys.readouterr().out


@pytest.mark.parametrize("share, n_flagged", [("0", 0), ("0.1", 12)])
def test_contamination(table, capsys, share, n_flagged):
    table.to_csv("data.csv", index=False)
    audit("data.csv", "--target", "label", "--model", "linear", "--contamination", share)
    assert f"{n_flagged} of 120" in capsys.readouterr().out


@pytest.mark.parametrize(
    "model", ["boosting", "logistic", "ridge", "knn", "LinearSVC", "gaussiannb"]
)
def test_models_for_labels(table, capsys, model):
    table.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "label", "--model", model, "--cv", "2") == 0
    assert f"model      {'RidgeClassifier' if model == 'ridge' else ''}" in capsys.readouterr().out


@pytest.mark.parametrize("model", ["boosting", "linear", "ridge", "forest", "knn", "Lasso"])
def test_models_for_numbers(table, capsys, model):
    table.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "price", "--model", model, "--cv", "2") == 0
    assert "Residual" in capsys.readouterr().out


def test_worst_rows_fit_the_width(table, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    table.assign(note="a " * 200 + table["color"]).to_csv("data.csv", index=False)
    audit("data.csv", "--target", "label", "--model", "tree", "--worst", "4")
    worst = capsys.readouterr().out.split("The 4 most suspect")[1].split("What next")[0]
    assert len(worst.strip().splitlines()) == 9
    assert max(map(len, worst.splitlines()[1:])) <= 60
    audit("data.csv", "--target", "label", "--model", "tree", "--worst", "0")
    assert "most suspect" not in capsys.readouterr().out


def test_many_classes_are_listed_as_pairs(capsys):
    rng = np.random.default_rng(0)
    label = np.repeat(np.arange(150), 4)
    data = pd.DataFrame({"a": label + 0.1 * rng.normal(size=600), "label": label * 7 % 150})
    data.loc[[100, 300], "label"] = [1, 2]
    data["label"] = "c" + data["label"].astype(str)
    data.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "label", "--contamination", "0.1") == 0
    text = capsys.readouterr().out
    assert "150 classes" in text and "and 138 more" in text
    assert "RandomForestClassifier (more than 20 classes)" in text
    assert " pairs)" in text and text.count("  ->  ") == 12


# --------------------------------------------------------------------------- what it reads


@pytest.mark.parametrize(
    "name, how",
    [
        ("data.csv.gz", {}),
        ("data.tsv", {"sep": "\t"}),
        ("semicolon.csv", {"sep": ";"}),
        ("data.csv.bz2", {}),
        ("bom.csv", {"encoding": "utf-8-sig"}),
    ],
)
def test_kinds_of_files(table, name, how):
    table.to_csv(name, index=False, **how)
    table.to_csv("plain.csv", index=False)
    for source, out in ((name, "a.csv"), ("plain.csv", "b.csv")):
        assert audit(source, "--target", "label", "--model", "tree", "--out", out) == 0
    assert open("a.csv").read() == open("b.csv").read()


def test_encoding_and_names(table):
    table.columns = ["größe in cm", "given", "é label", "flagged"]
    table["é label"] = table["é label"].map({"yes": "ja é", "no": "nein"})
    table.to_csv("data.csv", index=False, encoding="latin-1")
    command = ["data.csv", "--target", "é label", "--model", "tree", "--out", "out.csv"]
    assert audit(*command, "--encoding", "latin-1") == 0
    assert written()["given"].tolist() == table["é label"].tolist()


def test_parquet(table):
    pytest.importorskip("pyarrow", exc_type=ImportError)
    table["when"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(table["x"], unit="D")
    table["nested"] = [[1, 2]] * 120
    table["label"] = table.pop("label") == "yes"
    del table["price"]
    table.to_parquet("data.parquet")
    command = ["data.parquet", "--target", "label", "--model", "linear", "--out", "out.parquet"]
    assert audit(*command) == 0
    verdict = pd.read_parquet("out.parquet")
    assert verdict["given"].dtype == bool and verdict["given"].tolist() == table["label"].tolist()
    assert np.flatnonzero(verdict["flagged"]).tolist() == WRONG


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


def test_columns_of_all_kinds(table, capsys):
    n = len(table)
    table["constant"] = 1
    table["empty"] = np.nan
    table["id"] = range(n)
    table["code"] = [f"k{i}" for i in range(n)]
    table["day"] = [f"{1 + i % 28}/0{1 + i % 9}/2020" for i in range(n)]
    table["amount"] = [str(i / 3) for i in range(n - 1)] + ["?"]
    table["text"] = [f"some words about thing {i} and {c}" for i, c in enumerate(table["color"])]
    table.loc[5, "color"] = None
    table.loc[6, "x"] = np.inf
    table.to_csv("data.csv", index=False)
    for model in ("boosting", "linear", "tree"):
        assert audit("data.csv", "--target", "label", "--model", model) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert "3 numbers, 1 date, 1 category, 1 text" in text
        assert "constant (constant (1))" in text and "empty (no values)" in text
        assert "id (row number)" in text and "code (nearly all values differ)" in text
        assert "read as amount ('?' is missing)" in text


def test_dates_are_read_day_first_where_that_fits():
    from sknoisy._audit._columns import read_features

    days = pd.date_range("2021-01-01", periods=40).strftime("%d.%m.%Y")
    mixed = pd.date_range("2021-01-01", periods=40).strftime("%Y-%m-%dT%H:%M:%SZ")
    features = read_features(pd.DataFrame({"a": days, "b": mixed, "c": ["1.2.3", "4.5.6"] * 20}))
    assert features.kinds == {"a": "date", "b": "date", "c": "category"}
    assert np.diff(features.X["a"]).tolist() == [1.0] * 39
    assert features.X["a"].tolist() == features.X["b"].tolist()


def test_more_categories_than_boosting_takes(capsys):
    values = [f"c{i}" for i in range(400)]
    data = pd.DataFrame({"c": values * 2, "y": [int(v[-1]) % 2 for v in values] * 2})
    data.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "y", "--model", "boosting", "--cv", "2") == 0
    assert "column 'c' has 400 different values" in " ".join(capsys.readouterr().out.split())


def test_twin_of_the_target_is_pointed_out(table, capsys):
    table["label_true"] = np.where(table["x"] > 0, "yes", "no")
    table.to_csv("data.csv", index=False)
    audit("data.csv", "--target", "label", "--model", "tree")
    assert "(--drop 'label_true')" in " ".join(capsys.readouterr().out.split())
    audit("data.csv", "--target", "label", "--model", "tree", "--drop", "label_*,price")
    text = " ".join(capsys.readouterr().out.split())
    assert "left out label_true, price (--drop)" in text and "note" not in text


def test_two_columns_of_one_name(table, capsys):
    table.columns = ["x", "x", "label", "price"]
    table.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "label", "--model", "tree") == 0
    assert "2 columns are named 'x': read as x, x.1" in capsys.readouterr().out


def test_trusted_groups_and_weight(table, capsys):
    table["ok"] = ["yes" if i == WRONG[0] else "" for i in range(120)]
    table["group"] = np.arange(120) // 3
    del table["price"]
    table["weight"] = np.where(np.arange(120) == 1, 0.0, 2.0)
    table.to_csv("data.csv", index=False)
    command = ["data.csv", "--target", "label", "--model", "linear", "--out", "out.csv"]
    assert audit(*command, "--trusted", "ok", "--groups", "group", "--weight", "weight") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "group (--groups); weight (--weight); ok (--trusted)" in text
    assert np.flatnonzero(written()["flagged"]).tolist() == WRONG[1:]


# --------------------------------------------------------------------------- what it writes


def test_formulas_are_neutralised(table):
    table["label"] = table["label"].map({"yes": "=1+1", "no": "-5"})
    table.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "label", "--model", "tree", "--out", "out.csv") == 0
    verdict = written(dtype=str)
    assert set(verdict["given"]) == set(verdict["suggested"]) == {"'=1+1", "-5"}


def test_which_texts_are_formulas():
    from sknoisy._audit._write import neutralise

    cells = [
        "=a",
        "+b",
        "-c",
        "@d",
        "\te",
        "\rf",
        "-",
        "-1",
        "+2.5",
        "-1e5",
        "-.5",
        "x=1",
        "",
        None,
    ]
    got = neutralise(pd.Series(cells, dtype=object)).tolist()
    assert got[:7] == ["'" + cell for cell in cells[:7]]
    assert got[7:13] == cells[7:13] and pd.isna(got[13])


def test_an_existing_file_is_replaced_whole(table, monkeypatch):
    from sknoisy._audit import _write

    table.to_csv("data.csv", index=False)
    command = ["data.csv", "--target", "label", "--model", "tree", "--out", "out.csv.gz"]
    open("out.csv.gz", "w").write("old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_write.os, "replace", fail)
    assert audit(*command) == 1
    assert open("out.csv.gz").read() == "old"
    assert sorted(os.listdir()) == ["data.csv", "out.csv.gz"]


def test_compressed_output(table):
    table.to_csv("data.csv", index=False)
    audit("data.csv", "--target", "label", "--model", "tree", "--out", "out.csv.gz")
    assert gzip.open("out.csv.gz", "rt").readline().strip() == ",".join(COLUMNS)


# --------------------------------------------------------------------------- bad input


def test_bad_files(table, capsys):
    os.mkdir("folder")
    table.to_csv("ok.csv", index=False)
    good = open("ok.csv", "rb").read()
    files = {
        "empty.csv": (b"", "is empty"),
        "header.csv": (b"x,label\n", "has a header but no rows"),
        "blank.csv": (b"\n\n\n", "is empty"),
        "damaged.csv": ("x,label\n1,\xe9t\xe9\n2,".encode() + b"th\xe9\n", "first in line 3"),
        "cut.csv.gz": (gzip.compress(good)[:200], "damaged or cut short"),
        "not.csv.gz": (good, "damaged or cut short"),
        "ragged.csv": (b"x,label\n1,a\n1,2,3,4,5\n", "not a regular table"),
        "short.csv": (b"x,label\n" + b"1,a,7\n" * 20, "more fields than the header"),
        "open.csv": (b'x,label\n1,"a\n2,b\n', "not a regular table"),
        "binary.csv": (bytes(range(256)), "null byte in line 1"),
        "table.xlsx": (b"PK", "save it as one of these"),
        "twice.csv": (b"label,label\n" + b"1,2\n" * 20, "2 columns are named 'label'"),
    }
    for name, (content, message) in files.items():
        open(name, "wb").write(content)
        assert message in fails(capsys, name, "--target", "label")
    assert "no such file" in fails(capsys, "nothing.csv", "--target", "label")
    assert "directory" in fails(capsys, "folder", "--target", "label")


def test_bad_parquet(capsys):
    pytest.importorskip("pyarrow", exc_type=ImportError)
    open("bad.parquet", "wb").write(b"PAR1 and no more")
    assert "cannot be read as Parquet" in fails(capsys, "bad.parquet", "--target", "y")


def test_parquet_without_pyarrow(table, capsys, monkeypatch):
    table.to_csv("data.csv", index=False)
    open("data.parquet", "wb").write(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    for command in (["data.parquet"], ["data.csv", "--out", "out.parquet"]):
        assert "pip install pyarrow" in fails(capsys, *command, "--target", "label")


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


def test_bad_out(table, capsys):
    table.to_csv("data.csv", index=False)
    os.mkdir("folder.csv")
    os.symlink("data.csv", "link.csv")
    os.link("data.csv", "hard.csv")
    before = open("data.csv", "rb").read()
    for out, message in {
        "data.csv": "is the input file",
        "./folder.csv/../data.csv": "is the input file",
        os.path.abspath("data.csv"): "is the input file",
        "link.csv": "is the input file",
        "hard.csv": "is the input file",
        "missing/out.csv": "there is no directory missing",
        "folder.csv": "is a directory",
        "out.xlsx": "must end in .csv",
    }.items():
        command = ["data.csv", "--target", "label", "--model", "tree", "--out", out]
        assert message in fails(capsys, *command, code=2)
    assert open("data.csv", "rb").read() == before


def test_what_is_unforeseen_is_one_line_too(table, capsys, monkeypatch):
    import sknoisy._audit._run as run

    def fail(*args, **kwargs):
        raise RuntimeError("never\nseen")

    table.to_csv("data.csv", index=False)
    monkeypatch.setattr(run, "read_features", fail)
    assert "RuntimeError: never seen" in fails(capsys, "data.csv", "--target", "label")


# --------------------------------------------------------------------------- without a file


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_bundled_data(capsys, task):
    assert audit("--task", task, "--model", "linear", "--out", "out.csv", "--worst", "1") == 0
    text = capsys.readouterr().out
    found = {
        name: float(re.search(rf"{name} +(\d\.\d+)", text)[1])
        for name in ("precision", "recall", "average precision")
    }
    assert min(found.values()) > 0.6
    plain, treated, clean = (
        float(value) for value in re.findall(r"^ +(-?\d\.\d{3})   trained", text, re.M)
    )
    assert plain < treated and plain < clean
    assert re.search(r"won back: \d+%", text)
    assert written()["flagged"].sum() == int(re.search(r"of (\d+) flagged rows", text)[1])


def test_as_a_command(table, here):
    """A process of its own: nothing on stderr where that is no terminal, no traceback."""
    table.to_csv("data.csv", index=False)
    command = [sys.executable, "-m", "sknoisy", "audit", "data.csv", "--model", "tree", "--target"]
    good = subprocess.run([*command, "label"], capture_output=True, text=True, cwd=here)
    assert good.returncode == 0 and good.stderr == "" and "Flagged rows" in good.stdout
    bad = subprocess.run([*command, "lable"], capture_output=True, text=True, cwd=here)
    assert bad.returncode == 2 and bad.stdout == "" and bad.stderr.count("\n") == 1


def test_progress_on_a_terminal(table, monkeypatch, capsys):
    class Terminal:
        def __init__(self):
            self.text = ""

        def isatty(self):
            return True

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    table.to_csv("data.csv", index=False)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert audit("data.csv", "--target", "label", "--model", "tree") == 0
    assert "reading data.csv" in terminal.text and "of 5 fits" in terminal.text
    assert terminal.text.endswith("\r\033[K")  # the line is wiped at the end
