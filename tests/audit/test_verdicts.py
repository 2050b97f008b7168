"""The written file, and what reaches terminals and spreadsheets."""

import csv
import gzip
import os
import re
import sys

import pandas as pd
import pytest

from .helpers import COLUMNS, audit, fails, written


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


ESCAPES = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202e"


@pytest.mark.parametrize("where", ["constant", "name", "label", "value", "odd", "unit", "file"])
def test_nothing_in_a_file_commands_the_terminal(table, capsys, where):
    table = table[["x", "color", "label"]].copy()
    name = f"{ESCAPES}.csv" if where == "file" else "data.csv"
    if where == "constant":
        table["c"] = ESCAPES
    elif where == "name":
        table = table.rename(columns={"color": ESCAPES})
    elif where == "label":
        table["label"] += ESCAPES
    elif where == "value":
        table["color"] += ESCAPES
    elif where in ("odd", "unit"):
        table["c"] = [f"{v:.1f} k{ESCAPES[:5] * (where == 'unit')}" for v in table["x"]]
        table.loc[3, "c"] = ESCAPES
    table.to_csv(name, index=False)
    for argv in ((), ("--drop", "*red*", "--debug"), ("--groups", f"q{ESCAPES}")):
        audit(name, "--target", "label", "--model", "tree", "--out", "out.csv", *argv)
        captured = capsys.readouterr()
        shown = captured.out + captured.err
        assert all(c.isprintable() or c == "\n" for c in shown)
        assert "red" in shown or where in ("odd", "unit")


def test_errors_do_not_command_the_terminal(table, capsys):
    table.assign(w=ESCAPES).to_csv("data.csv", index=False)
    for argv in (
        ("data.csv", "--target", ESCAPES),
        ("data.csv", "--target", "label", "--weight", "w", "--debug"),
        ("data.csv", "--target", "w"),
        ("data.csv", "--target", "label", "--model", ESCAPES),
        ("data.csv", "--target", "label", "--out", f"{ESCAPES}/x.csv"),
        ("data.csv", "--target", "label", f"--{ESCAPES}"),
        (f"{ESCAPES}.csv", "--target", "label"),
    ):
        assert audit(*argv) > 0
        assert all(c.isprintable() or c == "\n" for c in capsys.readouterr().err)


@pytest.mark.parametrize("label", ["x\ry", "x\r\ny", "x\ny", 'say "x"', "a;b", "a,b", "a\tb", "'x"])
@pytest.mark.parametrize("out", ["out.csv", "out.tsv"])
def test_labels_come_back_from_the_written_file(table, label, out):
    table["label"] = table["label"].replace("yes", label)
    table[["x", "label"]].to_csv("data.csv", index=False, quoting=csv.QUOTE_ALL)
    audit("data.csv", "--target", "label", "--model", "tree", "--out", out)
    verdict = written(out, sep="\t" if out.endswith("tsv") else ",")
    assert verdict["given"].tolist() == table["label"].tolist()
    assert verdict["row"].tolist() == list(range(120)) and verdict["flagged"].dtype == bool


@pytest.mark.parametrize(
    "label",
    [
        "=1",
        "a;=1+1",
        "x\r=cmd()",
        "x\n@f",
        "a\t+x",
        'a";=1',
        " =1+1",
        "＝1+1",
        "a,-b",
        "a|=1",
        ";\t=1",
    ],
)
def test_no_program_sees_a_formula(table, label):
    """However it parts columns and lines, and with quotes or without."""
    table["label"] = table["label"].replace("yes", label)
    table[["x", "label"]].to_csv("data.csv", index=False, quoting=csv.QUOTE_ALL)
    audit("data.csv", "--target", "label", "--model", "tree", "--out", "out.csv")
    text = open("out.csv", newline="").read()
    for cell in re.split(r"[\r\n,;|\t]", text):
        cell = cell.strip(' "')
        assert cell[:1] not in tuple("=@＝＋－＠") and not re.match(r"[+-][^\d.]", cell)
    assert len(written()) == 120


def test_the_file_is_written_though_nobody_reads_on(table, monkeypatch):
    class Closed:
        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

        def fileno(self):
            return os.open("nowhere", os.O_CREAT | os.O_WRONLY)

    table.to_csv("data.csv", index=False)
    monkeypatch.setattr(sys, "stdout", Closed())
    assert audit("data.csv", "--target", "label", "--model", "tree", "--out", "out.csv") == 0
    assert len(written()) == 120
