"""What the columns hold: numbers, dates, categories, running numbers, copies."""

import numpy as np
import pandas as pd
import pytest

from .helpers import WRONG, audit, told, written


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


def test_whole_numbers_that_floats_cannot_tell_apart(capsys):
    ids = [2**63 + i % 40 for i in range(120)]
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=120), "key of it": ids, "y": ["a", "b"] * 60})
    table.to_csv("data.csv", index=False)
    text = told(capsys, "data.csv", "--target", "y", "--model", "tree")
    assert "key of it (constant (9.22337e+18, to the 16 digits of a number))" in text


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


def told_of(capsys, cells, n=120):
    table = pd.DataFrame({"plain": np.arange(n) % 7, "c": cells, "y": ["p", "q"] * (n // 2)})
    table.to_csv("data.csv", index=False)
    return told(capsys, "data.csv", "--target", "y", "--model", "tree", "--worst", "0")


@pytest.mark.parametrize(
    "form, said",
    [
        ("%d/%m/%y", "'01/01/15' is 2015-01-01"),
        ("%m/%d/%y", "is 2015-01-01"),
        ("%d.%m.%y", "is 2015-01-01"),
        ("%-d.%-m.%y", "'1.1.15' is 2015-01-01"),
        ("%y-%m-%d", "'15-01-01' is 2015-01-01"),
        ("%d/%m/%Y", ""),
        ("%d/%m/%y %H:%M", "is 2015-01-01"),
        ("%Y-%m", ""),
        ("%d %b %Y", ""),
    ],
)
def test_dates(capsys, form, said):
    cells = pd.date_range("2015-01-01", periods=120, freq="17D").strftime(form).tolist()
    assert "1 number, 1 date" in told_of(capsys, cells)
    cells[5] = cells[50] = "unknown"
    text = told_of(capsys, cells)
    assert "1 number, 1 date" in text and said in text
    assert ("years of two digits are 1969 to 2068" in text) == ("%y" in form)


def test_dates_that_can_be_read_in_two_ways(capsys):
    text = told_of(capsys, [f"{1 + i % 12}/{1 + i % 11}/2020" for i in range(120)])
    assert "'2/2/2020'" not in text and "the month first, as nothing tells" in text
    text = told_of(capsys, [f"{1 + i % 12}.{1 + i % 11}.2020" for i in range(120)])
    assert "1 date" in text and "the month first" not in text


@pytest.mark.parametrize(
    "form, said",
    [("%H:%M", "'08:03' is 8.05"), ("%H:%M:%S", "is 8.05"), ("%I:%M %p", "'08:03 AM' is 8.05")],
)
def test_times_of_day(capsys, form, said):
    times = pd.Timestamp("2020-01-01 08:03") + pd.to_timedelta(np.arange(120) * 11, unit="min")
    text = told_of(capsys, times.strftime(form))
    assert "2 numbers" in text and said in text


def test_versions_and_scores_are_no_dates_or_times(capsys):
    for cells in (["1.2.10", "2.0.11", "1.12.3"], ["2:1", "0:3", "16:9"], ["2019/20", "2020/21"]):
        assert "1 number, 1 category" in told_of(capsys, (cells * 60)[:120])


@pytest.mark.parametrize(
    "name, numbers",
    [
        ("Unnamed: 0", np.arange(120) * 2),
        ("id", np.arange(120) * 2),
        ("PassengerId", np.arange(120) * 7),
        ("rownames", np.arange(120)[::-1]),
        ("lfd. Nr.", np.arange(120) * 2),
        ("index", np.arange(120) % 60),
        ("patient", np.arange(120) * 2),
        ("row", np.where(np.arange(120) % 50 == 7, np.nan, np.arange(120.0) * 2)),
    ],
)
def test_running_numbers_of_a_sorted_table(table, capsys, name, numbers):
    """They would give the wrong labels away to the model, as rows were sorted by these."""
    table = table.drop(columns="price").sort_values("label", kind="stable")
    wrong = table.index.isin(WRONG)
    table[name] = numbers + numbers // 30
    table.to_csv("data.csv", index=False)
    command = ["data.csv", "--target", "label", "--model", "linear", "--out", "out.csv"]
    said = told(capsys, *command)
    assert "2 columns: 1 number, 1 category" in said and f"left out {name} (" in said
    assert written()["flagged"][wrong].all()


def test_numbers_that_only_look_running(table, capsys):
    table["id"] = np.random.default_rng(0).permutation(120)
    table["hour index"] = np.arange(120) % 24
    table["when"] = np.arange(120)
    table.to_csv("data.csv", index=False)
    said = told(capsys, "data.csv", "--target", "label", "--model", "tree")
    assert "5 numbers" in said and "left out" not in said
    pd.DataFrame({"x": range(60), "y": ["p"] * 30 + ["q"] * 30}).to_csv("one.csv", index=False)
    assert "1 number" in told(capsys, "one.csv", "--target", "y", "--model", "tree")


def test_what_goes_one_way_in_a_sorted_table_is_noted(table, capsys):
    table = table.drop(columns="price").sort_values("label", kind="stable")
    table["when"] = pd.date_range("2020-01-01", periods=120).strftime("%Y-%m-%d")
    table["seconds"] = np.arange(120) ** 1.5
    table["household"] = np.arange(120) // 2  # two rows each
    table["gaps"] = table["seconds"].where(np.arange(120) % 9 > 0)
    table.to_csv("data.csv", index=False)
    said = told(capsys, "data.csv", "--target", "label", "--model", "tree")
    assert all(f"(--drop '{name}')" in said for name in ("when", "seconds", "household", "gaps"))
    assert "left out" not in said


def test_copies_are_counted(table, capsys):
    table = table[["x", "color", "label"]].assign(x=np.arange(120) ** 1.5)
    command = ["data.csv", "--target", "label", "--model", "tree"]
    table.to_csv("data.csv", index=False)
    assert "duplicates" not in told(capsys, *command)
    pd.concat([table, table.iloc[:10]]).to_csv("data.csv", index=False)
    said = told(capsys, *command)
    assert "20 of 130 rows have exactly the features of another row, all with its target" in said
    other = table.iloc[:3].assign(label=table["label"].map({"yes": "no", "no": "yes"}))
    pd.concat([table, table.iloc[:10], other]).to_csv("data.csv", index=False)
    said = told(capsys, *command)
    assert "23 of 133 rows" in said and "9 of these are in groups whose targets differ" in said


def test_categories_that_look_the_same_are_one(capsys):
    cells = ["New\u00a0York", "New York", "New York ", "Rome", "NA", "None"]
    text = told_of(capsys, cells * 20)
    assert "read as c (values that differ only in blanks or normal form are one)" in text
    assert "constant (Rome)" in told_of(capsys, ["Rome", "Rome "] * 60)


def test_truth_values_are_numbers(capsys):
    assert "2 numbers" in told_of(capsys, [True, False, None] * 40)


@pytest.mark.parametrize("mark", ["x", 1, True])
def test_one_value_or_none(table, capsys, mark):
    """A box that is ticked or not tells something; a stray value does not."""
    table["ticked"] = pd.Series(
        [mark if i % 4 == 0 else None for i in range(len(table))], dtype=object
    )
    table["stray"] = pd.Series([mark, *[None] * (len(table) - 1)], dtype=object)
    table.to_csv("data.csv", index=False)
    text = told(capsys, "data.csv", "--target", "label")
    assert "ticked (one value or none)" in text and "stray (constant" in text


def test_a_value_that_gives_one_class_away(table, capsys):
    """It follows the label as given, so it is said before any verdict is read."""
    rng = np.random.default_rng(0)
    label = table["label"].to_numpy()
    name = label[0]
    late = (label == name) & (rng.random(len(label)) < 0.8)
    table["reason"] = np.where(late, "moved", None)
    table["honest"] = np.where(late ^ (rng.random(len(label)) < 0.05), "yes", None)
    table.to_csv("data.csv", index=False)
    text = told(capsys, "data.csv", "--target", "label")
    said = text.split("Before you read on")[1].split("Flagged rows")[0]
    assert f"'reason' nearly gives '{name}' away" in said and "--drop 'reason'" in said
    assert "'honest'" not in said
