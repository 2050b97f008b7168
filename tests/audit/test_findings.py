"""What the audit finds in a file, and how it tells."""

import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from .helpers import COLUMNS, WRONG, audit, written


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
