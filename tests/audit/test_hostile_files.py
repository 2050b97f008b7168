"""Files made at random of what people and programs write: never broken, never silently wrong."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .helpers import COLUMNS, audit, written

CELLS = st.sampled_from(
    (
        "1,234|1.234|12,5|5 kg|5 lb|$3|€4,00|(4)|-|?|n/a|NA|None|nan|inf|1e400|007|"
        "01/02/03|31.12.99|2020-13-45|12:30|25:61|9999-12-31|0001-01-01|TRUE|false||  |"
        "\u00a0|\u200b|\u00e9|e\u0301|=1+1|@x|\x1b[31m|\"|'|a\nb|a\rb|a;b|a\tb|#|# c|1 234|"
        "1'234|1_000|--5|5-|+|-0|½|١٢|１２|12%|1,2,3|1.2.3|99999999999999999999|∞|−3|1,5E5|"
        "sep=;|\\N|\ufeff|\u202e|3 days|$ (4.20)|EUR|1/2|24:00"
    ).split("|")
)
COLUMN = st.one_of(
    st.lists(st.sampled_from("pq"), min_size=24, max_size=24),
    st.lists(CELLS, min_size=1, max_size=4).flatmap(
        lambda some: st.lists(st.sampled_from(some), min_size=24, max_size=24)
    ),
    st.lists(st.floats(-1e6, 1e6).map("{:,.2f}".format), min_size=24, max_size=24),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    columns=st.lists(COLUMN, min_size=2, max_size=4),
    sep=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    above=st.sampled_from(["", "# c\n", "Title\n\n"]),
    damage=st.integers(-500, 100),
)
def test_any_file(capsys, columns, sep, encoding, above, damage):
    table = pd.DataFrame(dict(zip(["y", "a", "id", "\x1b[1m"], columns, strict=False)))
    data = (above + table.to_csv(index=False, sep=sep, quoting=1)).encode(encoding)
    if damage > 0:
        data = data[:damage] + b"\xff" + data[damage:]
    open("data.csv", "wb").write(data)
    code = audit("data.csv", "--target", "y", "--model", "tree", "--out", "out.csv")
    captured = capsys.readouterr()
    assert all(c.isprintable() or c == "\n" for c in captured.out + captured.err)
    if code:
        assert captured.err.count("\n") == 1 and not captured.out
        assert "--debug" not in captured.err and " failed: " not in captured.err
    elif damage <= 0:
        verdict = written(keep_default_na=False)
        assert list(verdict) == COLUMNS and verdict["row"].tolist() == list(range(24))


@pytest.mark.parametrize(
    "how, write, above, encoding",
    [
        ({"sep": ";", "decimal": ","}, str, "sep=;\n", "utf-16"),
        ({"sep": ";"}, lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")), "", "utf-8"),
        ({"sep": "\t"}, lambda v: f"{v:.2f} %", "# exported\n", "utf-8-sig"),
        ({"sep": "|"}, lambda v: f"({-v:.2f})" if v < 0 else f"{v:.2f}", "\n\n", "cp1252"),
        ({"quoting": 1}, lambda v: f"EUR {v:,.2f}", "Prices\n\n", "utf-16-le"),
    ],
)
def test_verdicts_do_not_hang_on_how_a_table_is_written(table, how, write, above, encoding):
    table["price"] = table["price"].round(2)
    table["x"] += 0.25
    table.to_csv("data.csv", index=False)
    changed = table.assign(price=table["price"].map(write) if write is not str else table["price"])
    text = above + changed.to_csv(index=False, **how)
    open("other.csv", "wb").write(text.encode(encoding))
    for target, model in (("label", "boosting"), ("price", "linear")):
        command = ["--target", target, "--model", model, "--cv", "2", "--out"]
        assert audit("data.csv", *command, "plain.csv") == 0
        argv = ["--encoding", encoding] if encoding == "utf-16-le" else []
        assert audit("other.csv", *command, "out.csv", *argv) == 0
        assert open("plain.csv").read() == open("out.csv").read()


def test_the_same_from_a_data_frame_file(table):
    """Texts of a Parquet file are read as those of a CSV file."""
    pytest.importorskip("pyarrow", exc_type=ImportError)
    table["price"] = table["price"].map("{:,.2f} €".format)
    table["label"] = np.where(np.arange(120) % 2, table["label"] + " ", table["label"])
    table.to_csv("data.csv", index=False)
    table.to_parquet("data.parquet")
    for name in ("data.csv", "data.parquet"):
        assert audit(name, "--target", "label", "--model", "tree", "--out", f"{name[5:]}.csv") == 0
    assert open("csv.csv").read() == open("parquet.csv").read()
