"""Files as programs export them."""

import codecs
import gzip
import os
import sys

import numpy as np
import pandas as pd
import pytest

from .helpers import WRONG, audit, fails, told, written


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


def test_two_columns_of_one_name(table, capsys):
    table.columns = ["x", "x", "label", "price"]
    table.to_csv("data.csv", index=False)
    assert audit("data.csv", "--target", "label", "--model", "tree") == 0
    assert "2 columns are named 'x': read as x, x.1" in capsys.readouterr().out


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
        "open.csv": (b'x,label\n1,"a\n2,b\n', "a quotation mark that opens in row 0 is never"),
        "packed.csv": (b"\x28\xb5\x2f\xfd\x04", "packed by zstd"),
        "binary.csv": (bytes(range(256)), "null byte in line 1"),
        "table.xlsx": (b"PK", "save it as one of these"),
        "twice.csv": (b"label,label\n" + b"1,2\n" * 20, "2 columns are named 'label'"),
    }
    for name, (content, message) in files.items():
        open(name, "wb").write(content)
        assert message in fails(capsys, name, "--target", "label")
    assert "no such file" in fails(capsys, "nothing.csv", "--target", "label")
    assert "directory" in fails(capsys, "folder", "--target", "label")
    assert "standard input is not read" in fails(capsys, "-", "--target", "label")
    open("colons.csv", "wb").write(good.replace(b",", b":"))
    message = fails(capsys, "colons.csv", "--target", "label", code=2)
    assert "read as one column, 'x:color:label:price': --sep CHAR" in message


def test_bad_parquet(capsys):
    pytest.importorskip("pyarrow", exc_type=ImportError)
    open("bad.parquet", "wb").write(b"PAR1 and no more")
    assert "cannot be read as Parquet" in fails(capsys, "bad.parquet", "--target", "y")


def test_columns_that_only_parquet_has(table, capsys):
    pa = pytest.importorskip("pyarrow", exc_type=ImportError)
    table = table[["x", "label"]].assign(
        month=pd.period_range("2000-01", periods=120, freq="M"),
        code=[b"\xff", b"y"] * 60,
        number=pd.arrays.IntervalArray.from_breaks(np.arange(121.0)),
        far=np.array(["0001-01-01", "9999-12-31"] * 60, dtype="datetime64[s]"),
    )
    table.set_index("label").to_parquet("data.parquet")  # the index is a column, too
    command = ["data.parquet", "--target", "label", "--model", "linear", "--out", "out.csv"]
    assert audit(*command, "--report", "page.html") == 0
    text = capsys.readouterr().out
    assert "5 columns: 2 numbers, 2 dates, 1 category" in text
    assert pd.read_csv("out.csv")["given"].tolist() == table["label"].tolist()
    page = open("page.html", encoding="utf-8").read()
    assert "9999-12-31" in page and "\\xff" in page
    twice = pa.Table.from_arrays([pa.array([1, 2])] * 3, names=["a", "a", "label"])
    pa.parquet.write_table(twice, "twice.parquet")
    message = fails(capsys, "twice.parquet", "--target", "label")
    assert "2 columns are named 'a': rename all but one" in message


def test_parquet_without_pyarrow(table, capsys, monkeypatch):
    table.to_csv("data.csv", index=False)
    open("data.parquet", "wb").write(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    for command in (["data.parquet"], ["data.csv", "--out", "out.parquet"]):
        assert "pip install pyarrow" in fails(capsys, *command, "--target", "label")


def spelled(text, *, name="data.csv", encoding="utf-8"):
    data = text if isinstance(text, bytes) else text.encode(encoding)
    open(name, "wb").write(gzip.compress(data) if name.endswith(".gz") else data)
    return name, "--model", "tree", "--worst", "0", "--target"


@pytest.fixture
def text(table):
    return table[["x", "price", "label"]].to_csv(index=False)


READ = "judged by 2 columns: 2 numbers"


@pytest.mark.parametrize(
    "encoding, mark",
    [
        ("utf-8-sig", b""),
        ("utf-16", b""),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32", b""),
    ],
)
def test_byte_order_marks(text, capsys, encoding, mark):
    for name in ("data.csv", "data.csv.gz"):
        command = spelled(mark + text.encode(encoding), name=name)
        assert READ in told(capsys, *command, "label")
        assert READ in told(capsys, *command, "label", "--encoding", "utf-8")  # the mark knows


def test_other_encodings(text, capsys):
    command = spelled(text.replace("yes", "größer"), encoding="cp1252")
    said = told(capsys, *command, "label")
    assert "größer 61" in said and "not UTF-8, so read as cp1252" in said
    assert "größer 61" in told(capsys, *command, "label", "--encoding", "cp1252")
    command = spelled(text, encoding="utf-16-le")
    assert "add --encoding utf-16-le" in fails(capsys, *command, "label")
    assert READ in told(capsys, *command, "label", "--encoding", "utf-16-le")


@pytest.mark.parametrize(
    "above",
    [
        "# exported by a tool\n# in 2020\n",
        "# x, price, label\n",
        "Prices of cars\n\nin 2020\n",
        "Prices, of cars\n",
        "% a comment of another kind\n",
        "\n\n",
    ],
)
def test_lines_above_the_header(text, capsys, above):
    said = told(capsys, *spelled(above + text), "label")
    assert READ in said and "120 rows" in said
    assert ("above the header left out" in said) == bool(above.strip())


def test_header_in_a_comment(text, capsys):
    first, rest = text.split("\n", 1)
    for header in ("#" + first, "# " + first):
        assert READ in told(capsys, *spelled(f"{header}\n{rest}"), "label")
    assert "3 distinct" not in told(capsys, *spelled(f"#{first}\n{rest}"), "price", "--drop", "x")


@pytest.mark.parametrize("sep", [";", ",", "\t", "|"])
def test_first_line_that_tells_the_separator(table, capsys, sep):
    text = table.to_csv(index=False, sep=sep).replace("\n", "\r\n")
    for first in (f"sep={sep}", f'"SEP={sep}"', f"sep={sep * 4}"):
        said = told(capsys, *spelled(f"{first}\r\n{text}"), "label")
        assert "3 columns: 2 numbers, 1 category" in said and "as the first line says" in said


@pytest.mark.parametrize("sep", [";", "\t", "|", " "])
def test_separators_are_found(table, capsys, sep):
    header = {"price": "price, in EUR"} if sep != " " else {}
    text = table.rename(columns=header).to_csv(index=False, sep=sep)
    assert "3 columns: 2 numbers, 1 category" in told(capsys, *spelled(text), "label")


def test_layouts_by_hand(text, capsys):
    lines = text.strip().split("\n")
    for layout in (
        "\n".join(f"{line}," for line in lines),  # separators at the end
        "\n".join([lines[0], *(f"{line}," for line in lines[1:])]),
        text.replace("\n", "\n\n"),
        text.replace("\n", "\r\n", 50),
        text.replace("\n", "\r"),
        text.strip(),
    ):
        assert READ in told(capsys, *spelled(layout), "label")
    said = told(capsys, *spelled(text + ",,\n,,\n"), "label")
    assert READ in said and "2 rows without a target" in said


def test_errors_name_the_line_of_the_file(text, capsys):
    command = spelled("# a comment\n" + text + "1,2,yes,4\n")
    assert "Expected 3 fields in line 123, saw 4" in fails(capsys, *command, "label")
    command = spelled(text + "1,2,y\0es\n")
    assert "null byte in line 122" in fails(capsys, *command, "label")
    command = spelled("x,price,label\n" + "1,5,2,5,yes\n" * 20)
    assert "quotes around numbers with a comma" in fails(capsys, *command, "label")


@pytest.mark.parametrize(
    "name, other", [("label", "l\u0430bel"), ("a-b", "a\u2013b"), ("label", "\uff4cabel")]
)
def test_a_target_in_other_characters_is_pointed_out(text, capsys, name, other):
    command = spelled(text.replace("label", other))
    message = fails(capsys, *command, name, code=2)
    assert f"{other!a} looks like {name!a}, but is written in other characters" in message


def test_names_that_look_the_same(text, capsys):
    composed, decomposed = "Gr\u00f6\u00dfe", "Gro\u0308\u00dfe"
    for name, given in (
        (" my label ", " my label "),
        (" my label ", "my label"),
        ("my\u00a0label", "my label"),
        ("my\nlabel", "my label"),
        (decomposed, composed),
        (composed, decomposed),
        ("\u200blabel", "label"),
    ):
        command = spelled(text.replace("price,label", f'price,"{name}"', 1))
        assert READ in told(capsys, *command, given)
    command = spelled(text.replace("x,price", f"{decomposed},price", 1))
    assert "left out" in told(capsys, *command, "label", "--drop", composed)
    both = spelled(text.replace("x,price,label", f"{decomposed},{composed},label", 1))
    assert "differ in name only by blanks or Unicode normal form" in told(capsys, *both, "label")
    either = fails(capsys, *both, "Gro\u0308\u00dfe ")
    assert "differ from" in either and "rename all but one" in either


def test_missing_texts(table, capsys):
    table["label"] = table["label"].where(table["x"].abs() < 12, "NA")
    n = int((table["label"] == "NA").sum())
    assert f"NA {n}" in told(capsys, *spelled(table.to_csv(index=False)), "label")
    said = told(capsys, *spelled(table.to_csv(index=False)), "label", "--missing", "NA")
    assert f"{n} rows without a target" in said and "NA " not in said
