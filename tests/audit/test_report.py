"""Pages, JSON and comparisons of the audit."""

import json

import pandas as pd
import pytest

from .helpers import WRONG, audit, fails, told


@pytest.fixture
def data(table):
    table.to_csv("data.csv", index=False)
    return table


def test_page(data, capsys):
    text = told(capsys, "data.csv", "--target", "label", "--report", "page.html")
    assert "The report for people is in page.html" in text
    with open("page.html", encoding="utf-8") as file:
        page = file.read()
    assert "data.csv: which rows are wrong?" in page
    assert any(f"row {row}<" in page for row in WRONG)


def test_rows_have_their_numbers_in_the_file(data, capsys):
    data.loc[[0, 1], "label"] = None
    data.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "label", "--json", "--seed", 1) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["summary"]["rows"] == len(data) - 2
    names = {row["name"] for row in found["worst"]}
    assert names & set(map(str, WRONG))


def test_bundled_data(capsys):
    assert audit("--json") == 0
    assert json.loads(capsys.readouterr().out)["summary"]["flagged"] > 0


def test_compare(data, capsys):
    told(capsys, "data.csv", "--target", "label", "--out", "a.csv")
    told(capsys, "data.csv", "--target", "label", "--model", "knn", "--out", "b.parquet")
    text = told(capsys, "--compare", "a.csv", "b.parquet")
    assert "flagged in a.csv" in text and "in both" in text and "agreement of ranks" in text
    verdicts = pd.read_csv("a.csv")
    flagged = verdicts["flagged"].to_numpy().copy()
    verdicts.loc[flagged, "flagged"] = False
    verdicts.to_csv("none.csv", index=False)
    text = told(capsys, "--compare", "a.csv", "none.csv")
    assert f"only in the first {flagged.sum()}" in text and "Flagged only in the first" in text


def test_what_is_wrong_is_said(data, capsys):
    command = ("data.csv", "--target", "label")
    assert "must end in .html" in fails(capsys, *command, "--report", "page.pdf", code=2)
    assert "cannot be written" in fails(capsys, *command, "--report", "no/page.html")
    told(capsys, *command, "--out", "a.csv")
    pd.read_csv("a.csv").iloc[:-1].to_csv("b.csv", index=False)
    assert "only verdicts on the same rows" in fails(capsys, "--compare", "a.csv", "b.csv")
    assert "has no column 'row'" in fails(capsys, "--compare", "data.csv", "a.csv")
    assert "no such file" in fails(capsys, "--compare", "a.csv", "c.csv")
    assert "takes no other file" in fails(capsys, "data.csv", "--compare", "a.csv", "b.csv", code=2)
    assert "has no --json" in fails(capsys, "--compare", "a.csv", "a.csv", "--json", code=2)


def test_json_in_a_file(data, capsys):
    command = ("data.csv", "--target", "label")
    text = told(capsys, *command, "--report", "page.html", "--json", "found.json")
    assert "The same for programs is in found.json" in text and "Flagged rows" in text
    with open("found.json", encoding="utf-8") as file:
        found = json.load(file)
    assert audit(*command, "--json") == 0
    assert json.loads(capsys.readouterr().out) == found
    assert audit("--target", "label", "--json", "data.csv") == 0  # not a file to be written
    assert json.loads(capsys.readouterr().out) == found
    assert len(found["worst"]) == 20
    assert audit(*command, "--json", "--worst", 30) == 0
    assert len(json.loads(capsys.readouterr().out)["worst"]) == 30
    assert "must end in .json" in fails(capsys, *command, "--json", "found.txt", code=2)
    assert "cannot be written" in fails(capsys, *command, "--json", "no/found.json")
    assert "no --json" in fails(capsys, "--compare", "a.csv", "b.csv", "--json", "x.json", code=2)


def test_label_is_a_target(data, capsys):
    assert told(capsys, "data.csv", "--label", "label") == told(
        capsys, "data.csv", "--target", "label"
    )


def test_the_page_has_the_notes(data, capsys):
    """Who only opens the page must know what the verdict leaves out, and what may spoil it."""
    data.loc[0, "label"] = None
    data["empty"] = None
    data["<b>label_2"] = data["label"]
    data.to_csv("data.csv", index=False)
    told(capsys, "data.csv", "--target", "label", "--report", "page.html", "--json", "found.json")
    with open("found.json", encoding="utf-8") as file:
        notes = json.load(file)["summary"]["notes"]
    assert "give" in notes[0] and "--drop" in notes[0] and notes[0].endswith(".")
    assert notes[1].startswith("Not judged: 1 row without a target")
    assert notes[2] == "Left out: empty (no values)."
    with open("page.html", encoding="utf-8") as file:
        page = file.read()
    assert "&lt;b&gt;label_2" in page and "Left out: empty (no values).</li>" in page


def test_rows_without_a_target(data, capsys):
    """They are the same in two files of verdicts, and are no rows to train on."""
    data.loc[[0, 1], "label"] = None
    data.to_csv("data.csv", index=False)
    text = told(capsys, "data.csv", "--target", "label", "--out", "a.csv")
    verdicts = pd.read_csv("a.csv")
    (line,) = (part for part in text.split(" clean =")[0].split("keep = ")[1:])
    keep = eval(line, {"verdicts": verdicts})
    assert keep.sum() == len(data) - 2 - verdicts["flagged"].sum() and not keep[:2].any()
    told(capsys, "data.csv", "--target", "label", "--out", "b.csv")
    assert "another target" not in told(capsys, "--compare", "a.csv", "b.csv")
    verdicts.assign(given="other").to_csv("c.csv", index=False)
    assert "verdicts on different columns" in fails(capsys, "--compare", "a.csv", "c.csv")


def test_the_page_shows_what_the_file_has(data, capsys):
    n = len(data)
    data["since"] = (pd.Timestamp("2020-02-03") + pd.to_timedelta(range(n), "D")).strftime(
        "%d.%m.%Y"
    )
    data["member"] = [i % 3 == 0 for i in range(n)]
    data.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "label", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    for row in found["worst"]:
        days = pd.Timestamp(row["values"]["since"]) - pd.Timestamp("2020-02-03")
        assert days.days == int(row["name"]) and len(row["values"]["since"]) == 10
        assert row["values"]["member"] == str(int(row["name"]) % 3 == 0)


@pytest.mark.slow
def test_what_next_can_be_typed(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["bin/sknoisy"])
    assert " bin/sknoisy audit FILE.csv --target COLUMN --report" in told(capsys)
    monkeypatch.setattr("sys.argv", ["__main__.py"])
    assert " -m sknoisy audit FILE.csv --target COLUMN --report" in told(capsys)
