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
