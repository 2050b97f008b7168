"""Numbers as people and other programs write them."""

import numpy as np
import pandas as pd
import pytest

from .helpers import audit, fails, told, written

N = 60
VALUES = np.random.default_rng(0).normal(size=N) * 9000


def german(value):
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def told_of(capsys, cells, *argv, sep=",", target="y", **others):
    """What the audit says of a column `c`, beside a plain one and labels."""
    table = pd.DataFrame({"plain": np.arange(N) % 7 + 0.5, "c": cells, **others})
    table["y"] = ["p", "q"] * (N // 2)
    table.to_csv("data.csv", index=False, sep=sep)
    command = ["data.csv", "--target", target, "--model", "tree", "--worst", "0", *argv]
    return told(capsys, *command)


@pytest.mark.parametrize(
    "write, said, close",
    [
        (lambda v: f"{v:,.2f}", "',' between thousands", 0.01),
        (lambda v: f"{v:.3f}".replace(".", ","), "decimal commas", 0.01),
        (german, "decimal commas, '.' between thousands", 0.01),
        (lambda v: f"{v:,.2f}".replace(",", "'"), "between thousands", 0.01),
        (lambda v: german(v).replace(".", "\u00a0"), "decimal commas, ' ' between", 0.01),
        (lambda v: german(v).replace(".", "\u202f"), "decimal commas, ' ' between", 0.01),
        (lambda v: f"{v:.1f} %", "'%' left off", 0.1),
        (lambda v: f"{'-' * (v < 0)}${abs(v):,.2f}", "'$' left off", 0.01),
        (lambda v: f"{german(v)} €", "'€' left off", 0.01),
        (lambda v: f"EUR {v:.2f}", "'EUR' left off", 0.01),
        (lambda v: f"({-v:.2f})" if v < 0 else f"{v:.2f}", "is -", 0.01),
        (lambda v: f"(${-v:,.2f})" if v < 0 else f"${v:,.2f}", "is -", 0.01),
        (lambda v: f"$ ({-v:,.2f})" if v < 0 else f"$ {v:,.2f}", "is -", 0.01),
        (lambda v: f"{v:.1f} Mio. €".replace(".", ",", 1), "'Mio. €' left off", 0.1),
        (lambda v: f"{-v:.2f}-" if v < 0 else f"{v:.2f}", "is -", 0.01),
        (lambda v: f"{v:.2f}".replace("-", "−"), "", 0.01),
        (lambda v: f"{v:.1f} cm", "'cm' left off", 0.1),
        (lambda v: f"{v:.1f}kg", "'kg' left off", 0.1),
        (lambda v: f"{v:.0f} m²", "'m²' left off", 1),
        (lambda v: f"{v:.0f} day{'s' * (v < 0)}", "left off", 1),
        (lambda v: f"{v:.4e}".replace(".", ","), "decimal commas", 2),
        (lambda v: "".join(chr(ord(c) + 0xFEE0) for c in f"{v:.1f}"), "", 0.1),
        (lambda v: "-" * (v < 0) + "".join(chr(0x660 + int(c)) for c in f"{abs(v):.0f}"), "", 1),
    ],
)
def test_ways_to_write(capsys, write, said, close):
    cells = [write(v) for v in VALUES.tolist()]
    assert said in told_of(capsys, cells, "--out", "out.csv", target="c")
    assert np.allclose(written()["given"], VALUES, rtol=0, atol=close)


def test_columns_are_read_like_the_target(capsys):
    cells = {"b": [german(v) for v in VALUES], "d": [f"{v:.2f} %" for v in VALUES]}
    text = told_of(capsys, [f"${v:.2f}" for v in VALUES], sep=";", **cells)
    assert "4 columns: 4 numbers" in text
    assert "c ('$' left off); b (decimal commas, '.' between thousands); d ('%' left" in text


@pytest.mark.parametrize("mark", ["?", "n/a", "NA", "unknown", "-", ".", "None", "#N/A", "nan"])
def test_marks_of_missing_numbers(capsys, mark):
    cells = [mark if i % 4 == 0 else f"{v:.2f}" for i, v in enumerate(VALUES)]
    text = told_of(capsys, cells)
    assert "2 columns: 2 numbers" in text and f"read as c ({mark!r} is missing)" in text
    text = told_of(capsys, cells, target="c")
    assert "numbers from" in text and "15 rows without a target" in text


@pytest.mark.parametrize(
    "cells",
    [
        ["01067", "10115", "80331"],
        ["1.2.3", "1.10.0", "2.0.11"],
        ["555 123 456", "555 765 432", "555 998 001"],
        ["+49 170 123", "+49 171 345", "+49 172 999"],
        ["(030) 1234", "(089) 4321", "(040) 9999"],
        ["192.168.100.101", "192.168.100.102", "192.168.101.100"],
        ["5 kg", "6 lb", "7 kg"],
        ["5 kg", "6", "7 kg"],
        ["3k", "450", "1k"],
        ["$5", "€6", "$7"],
        ["1,234.5", "1.234,5", "7,5"],
        ["1.234", "1,234", "5"],
        ["3-5", "1-2", "6-9"],
        ["1²", "2²", "3²"],
    ],
)
def test_what_is_no_number(capsys, cells):
    assert "1 number, 1 category" in told_of(capsys, cells * (N // 3))


def test_why_a_column_is_no_number(capsys):
    for cells, why in {
        ("01067", "10115"): "codes, since some begin with 0",
        ("5 kg", "6 lb"): "numbers with several units: kg, lb",
        ("5 kg", "6"): "numbers with and without 'kg'",
        ("1.5", "2", "<0.1"): "67% numbers, but others such as '<0.1'",
        ("1.5", "1,5"): "numbers with decimal points and with decimal commas",
    }.items():
        assert f"read as c ({why})" in told_of(capsys, (list(cells) * N)[:N])


COMMAS = {"other": ["0,5", "1,25"] * (N // 2), "another": ["2,5", "3"] * (N // 2)}
WHOLE = {"plain": np.arange(N)}


def test_a_comma_before_three_digits(capsys):
    """The file tells by its other columns, else by its separator; else the comma is no decimal."""
    cells = ["1,234", "12,345", "999"] * (N // 3)
    no, yes = "the ',' in '1,234' is no decimal, as", "the ',' in '1,234' is decimal, as"
    assert f"{no} other columns have decimal points: --decimal ," in told_of(capsys, cells)
    assert f"{no} nothing in the file tells" in told_of(capsys, cells, **WHOLE)
    text = told_of(capsys, cells, sep=";", **WHOLE)
    assert f"{yes} columns are separated by ';': --decimal . reads it otherwise" in text
    assert f"{yes} other columns have decimal commas" in told_of(capsys, cells, **COMMAS)
    assert f"{no} --decimal says" in told_of(capsys, cells, "--decimal", ".", **COMMAS)
    cells[1] = "5678"
    assert f"{yes} '5678' has no mark between thousands" in told_of(capsys, cells)
    assert "decimal commas" in told_of(capsys, ["1,234E5", "2,345E6"] * (N // 2))
    cells = ["1,234", "12,345"] * (N // 2)
    for decimal, largest in ((".", 12345), (",", 12.345)):
        argv = ["--decimal", decimal, "--task", "regression", "--out", "out.csv"]
        told_of(capsys, cells, *argv, target="c")
        assert written()["given"].max() == largest


def test_a_point_before_three_digits(capsys):
    cells = ["1.234", "12.345", "999"] * (N // 3)
    assert "the '.' in '1.234' is no decimal, as other columns" in told_of(capsys, cells, **COMMAS)
    text = told_of(capsys, ["1.5", *cells[1:]], **COMMAS)
    assert "4 numbers" in text and "no decimal" not in text


def test_odd_and_infinite_values_are_missing_and_told(capsys):
    cells = ["about 5", *(f"{v:.2f}" for v in VALUES[1:])]
    text = told_of(capsys, cells, d=["inf", *VALUES[1:]])
    assert "column 'c': 1 values that are no numbers (such as 'about 5') count as missing" in text
    assert "column 'd': 1 infinite values count as missing" in text


def test_a_target_with_units(capsys):
    cells = [f"{v:.2f} kg" for v in VALUES]
    assert "'kg' left off" in told_of(capsys, cells, target="c")
    units = ["kg", "lb"] * (N // 2)
    cells = [f"{v:.2f} {unit}" for v, unit in zip(VALUES, units, strict=True)]
    pd.DataFrame({"x": VALUES, "y": cells}).to_csv("data.csv", index=False)
    assert "numbers with several units: kg, lb" in fails(capsys, "data.csv", "--target", "y")


def test_weights_are_read_the_same_way(capsys):
    assert "c (--weight)" in told_of(capsys, ["2,5", "1"] * (N // 2), "--weight", "c")
    told_of(capsys, ["1", "?"] * (N // 2))
    message = fails(capsys, "data.csv", "--target", "y", "--weight", "c")
    assert "row 1 of column 'c' is ?; weights must be numbers" in message


def test_texts_of_spreadsheets(capsys):
    text = told_of(capsys, ['="007"', '="7"', '="012"'] * (N // 3))
    assert 'cells such as ="007" are unwrapped' in text and "codes" in text
    assert audit("data.csv", "--target", "c", "--model", "tree", "--out", "out.csv") == 0
    assert set(written(dtype=str)["given"]) == {"007", "7", "012"}
