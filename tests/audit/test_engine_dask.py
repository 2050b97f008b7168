"""`--engine dask`: Parquet files, judged in pieces of rows."""

import os
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from sknoisy.detection import ConfidentLearning, Residual

from .helpers import COLUMNS, fails, told

pytest.importorskip("dask")
pytest.importorskip("dask.dataframe")
pytest.importorskip("pyarrow")

N = 1200
LABELS = np.array(["ant", "bee", "cat"], dtype=object)
AUDIT = ("data/*.parquet", "--target", "label", "--engine", "dask")


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, N)
    X = rng.normal(size=(N, 4)) + 3 * np.eye(3, 4)[true]
    label, wrong = LABELS[true].copy(), rng.random(N) < 0.1
    label[wrong] = LABELS[(true[wrong] + 1) % 3]
    frame = pd.DataFrame(X, columns=list("abcd")).assign(label=label)
    frame.attrs["wrong"] = wrong.tolist()
    return frame


def wrong_rows(frame):
    return np.array(frame.attrs["wrong"])


def write(frame, n_files=4, folder="data"):
    os.makedirs(folder, exist_ok=True)
    for i, rows in enumerate(np.array_split(np.arange(len(frame)), n_files)):
        frame.iloc[rows].to_parquet(f"{folder}/p{i}.parquet", index=False)


def verdicts(folder="out"):
    return pd.read_parquet(folder)


def test_the_same_as_in_memory_for_the_same_folds(frame, capsys):
    write(frame)
    text = told(capsys, *AUDIT, "--model", "GaussianNB", "--seed", "3", "--out", "out")
    assert "4 files, 1200 rows, 5 columns" in text and "4 columns: 4 numbers" in text
    found = verdicts()
    assert list(found.columns) == COLUMNS
    assert found["row"].tolist() == list(range(N))
    pieces = [len(pd.read_parquet(f"out/part-{i:05d}.parquet")) for i in range(12)]
    fold = np.repeat(check_random_state(3).permutation(np.arange(12) % 5), pieces)
    cv = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]
    detector = ConfidentLearning(GaussianNB(), bounded=True, cv=cv)
    here = detector.fit(frame[list("abcd")], frame["label"].to_numpy(object))
    np.testing.assert_array_equal(found["flagged"], here.noise_mask_)
    np.testing.assert_allclose(found["probability"], here.noise_proba_, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found["score"], here.noise_score_, rtol=1e-5, atol=1e-8)
    np.testing.assert_array_equal(found["suggested"], here.y_suggested_)
    rows = np.flatnonzero(here.noise_mask_)
    reasons = here.noise_report(frame[list("abcd")], frame["label"].to_numpy(object))["reason"]
    assert found["reason"][rows].tolist() == reasons.sort_index()[rows].tolist()
    assert f"Flagged rows: {len(rows)} of 1200" in text
    assert text.count("wrong:") == 10


def test_missing_numbers_are_the_median_as_in_memory(frame, capsys):
    frame["a"] = np.exp(2 * frame["a"]).mask(frame.index % 4 == 0)
    write(frame)
    told(capsys, *AUDIT, "--model", "GaussianNB", "--seed", "3", "--out", "out")
    found = verdicts()
    pieces = [len(pd.read_parquet(f"out/part-{i:05d}.parquet")) for i in range(12)]
    fold = np.repeat(check_random_state(3).permutation(np.arange(12) % 5), pieces)
    cv = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]
    filled = SimpleImputer(strategy="median", add_indicator=True).fit_transform(frame[list("abcd")])
    filled = StandardScaler().fit_transform(filled)
    here = ConfidentLearning(GaussianNB(), bounded=True, cv=cv)
    here.fit(filled, frame["label"].to_numpy(object))
    np.testing.assert_array_equal(found["flagged"], here.noise_mask_)
    np.testing.assert_allclose(found["score"], here.noise_score_, atol=1e-4)


def test_numbers_as_in_memory_for_the_same_folds(frame, capsys):
    rng = np.random.default_rng(0)
    X = StandardScaler().fit_transform(frame[list("abcd")])
    price = X @ [1.0, 2.0, 3.0, 4.0] + 0.5 * rng.normal(size=N)
    wrong = rng.random(N) < 0.05
    price[wrong] += 20 * rng.choice([-1, 1], wrong.sum())
    write(frame.drop(columns="label").assign(price=price))
    audit = ("data", "--target", "price", "--engine", "dask", "--seed", "3", "--out", "out")
    text = told(capsys, *audit)
    found = verdicts()
    pieces = [len(pd.read_parquet(f"out/part-{i:05d}.parquet")) for i in range(12)]
    fold = np.repeat(check_random_state(3).permutation(np.arange(12) % 5), pieces)
    cv = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]
    here = Residual(Ridge(), cv=cv).fit(X, price)
    np.testing.assert_array_equal(found["flagged"], here.noise_mask_)
    np.testing.assert_allclose(found["probability"], here.noise_proba_, atol=1e-3)
    np.testing.assert_allclose(found["score"], here.noise_score_, rtol=1e-6)
    np.testing.assert_allclose(found["suggested"], here.y_suggested_, rtol=1e-6)
    report = here.noise_report(X, price)
    assert found["reason"][report.index[0]] == report["reason"].iloc[0]
    assert f"Flagged rows: {here.noise_mask_.sum()} of 1200" in text
    assert "Sizes of the suspected errors" in text
    high = (here.residual_ > 0) & here.noise_mask_
    assert f"given too high {high.sum()} {np.median(here.residual_[high]):+.4g}" in text


def test_columns_of_all_kinds(frame, capsys):
    rng = np.random.default_rng(1)
    wrong, n = wrong_rows(frame), len(frame)
    frame["kind"] = pd.Categorical(rng.choice(["x", "y"], n))
    frame["when"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    frame["on"] = pd.array(rng.random(n) < 0.5, dtype="boolean")
    frame["many"] = [f"m{i}" for i in rng.integers(0, 400, n)]
    frame["key"] = [f"k{i}" for i in range(n)]
    frame["words"] = [f"a text of some words {i}" for i in range(n)]
    frame["id"], frame["same"], frame["list"] = np.arange(n), 1.0, [[1, 2]] * n
    frame.loc[frame.index % 7 == 0, "a"] = np.nan
    frame.loc[[3, 4], "b"] = [np.inf, 1e300]
    frame.loc[[10, 500], "label"] = [None, " "]
    write(frame)
    text = told(capsys, *AUDIT, "--out", "out")
    assert "2 rows without a target" in text
    assert "8 columns: 5 numbers, 2 categories, 1 date" in text
    for reason in (
        "key (nearly all values differ)",
        "words (text, which this engine does not read)",
        "id (row number)",
        "same (constant (1))",
        "column 'b': 2 infinite values count as missing",
        "column 'many' has more than 250 values",
        "duplicates not looked for",
    ):
        assert reason in text
    assert "list (holds list" in text
    found = verdicts()
    assert found["reason"][10] == found["reason"][500] == "target missing"
    assert found["given"].isna().sum() == 2 and not found["flagged"][10]
    flagged = found["flagged"].to_numpy()
    assert wrong[flagged].mean() > 0.8 and flagged[wrong].mean() > 0.6


def test_labels_of_other_types(frame, capsys):
    for values, kind in (
        (frame["label"].map({"ant": 3, "bee": 5, "cat": 9}), "int64"),
        (frame["label"] == "ant", "bool"),
    ):
        write(frame.assign(label=values), folder=f"{kind}_data")
        told(capsys, f"{kind}_data", *AUDIT[1:], "--out", kind, "--worst", "0")
        found = verdicts(kind)
        assert found["given"].dtype == kind
        np.testing.assert_array_equal(found["given"], values)
        assert wrong_rows(frame)[found["flagged"]].mean() > 0.6


def test_weights_trusted_rows_and_groups(frame, capsys):
    rng = np.random.default_rng(0)
    frame["w"] = rng.random(N)
    frame["t"] = rng.choice(["yes", "no", None], N)
    frame["g"] = np.arange(N) // 10
    frame.loc[5, "g"] = np.nan
    write(frame, n_files=6)
    roles = ("--weight", "w", "--trusted", "t", "--groups", "g")
    text = told(capsys, *AUDIT, *roles, "--cv", "3", "--out", "out")
    assert "w (--weight)" in text and "4 columns: 4 numbers" in text
    assert "1 rows have no group" in text
    found = verdicts()
    trusted = (frame["t"] == "yes").to_numpy()
    assert not found["flagged"][trusted].any() and not found["probability"][trusted].any()
    assert (found["suggested"] == found["given"])[trusted].all()
    plain = told(capsys, *AUDIT, "--drop", "w,t,g", "--cv", "3")
    assert plain != text

    frame["g"] = rng.integers(0, 5, N)
    frame.loc[7, "w"] = -1.0
    write(frame, n_files=6)
    assert "--weight: row 7 of column 'w' is -1.0" in fails(capsys, *AUDIT, "--weight", "w")
    assert "--groups: every piece" in fails(capsys, *AUDIT, "--groups", "g", "--drop", "w")
    frame.loc[1100, "t"] = "perhaps"
    write(frame, n_files=6)
    assert "--trusted: row 1100 of column 't'" in fails(capsys, *AUDIT, "--trusted", "t")


def test_missing_says_what_means_no_value(frame, capsys):
    frame.loc[:4, "label"] = "none given"
    write(frame)
    text = told(capsys, *AUDIT, "--missing", "none given", "--out", "out")
    assert "5 rows without a target" in text and "3 classes" in text
    assert verdicts()["given"].isna().sum() == 5


def test_rows_sorted_by_label(frame, capsys):
    write(frame.sort_values("label"))
    assert "labels go with the place in the files" in told(capsys, *AUDIT)


def test_nothing_can_be_known(frame, capsys):
    frame[list("abcd")] = np.random.default_rng(0).normal(size=(N, 4))
    write(frame)
    text = told(capsys, *AUDIT, "--model", "GaussianNB")
    assert "the features know no more of the target than its shares" in text
    assert "Flagged rows: 0 of 1200" in text


def test_folders_of_verdicts_can_be_compared(frame, capsys):
    write(frame)
    told(capsys, *AUDIT, "--model", "GaussianNB", "--out", "one")
    told(capsys, *AUDIT, "--out", "two")
    assert "1200 rows:" in told(capsys, "--compare", "one", "two")


@pytest.mark.parametrize(
    "option, said",
    {
        ("--proba", "p.parquet"): "--proba reads the predictions of all rows",
        ("--report", "r.txt"): "--report r.txt: the name must end in .html",
        ("--json",): "--json is made of all rows in memory",
        ("--sep", ";"): "--sep is for CSV",
        ("--decimal", ","): "--decimal is for CSV",
        ("--encoding", "latin-1"): "--encoding is for CSV",
        ("--contamination", "0.1"): "--contamination: with --engine dask",
        ("--detector", "AreaUnderMargin"): "--detector AreaUnderMargin: --engine dask has",
        ("--detector", "Residual"): "--detector Residual is not for classification",
        ("--task", "regression", "--detector", "ConfidentLearning"): "is not for regression",
        ("--model", "forest"): "--model forest does not learn by partition",
        ("--model", "LinearDiscriminantAnalysis"): "has no partial_fit: with --engine dask take",
        ("--model", "Perceptron"): "--model Perceptron has no predict_proba",
        ("--out", "data"): "--out data exists",
        ("--out", "no/such"): "there is no directory no",
        ("--drop", "zebra"): "--drop: no column is called 'zebra'",
        ("--target", "lable"): "did you mean 'label'",
    }.items(),
)
def test_what_it_cannot_do_is_said(frame, capsys, option, said):
    write(frame)
    assert said in fails(capsys, *AUDIT, *option, code=2)


def test_files_that_do_not_fit(frame, capsys):
    open("data.xlsx", "w").close()
    rest = AUDIT[1:]
    assert "no such Parquet or CSV files" in fails(capsys, "none/*.parquet", *rest)
    assert "data.xlsx must end in .parquet, .pq, .csv" in fails(capsys, "data.xlsx", *rest)
    assert "is for files" in fails(capsys, "--engine", "dask", code=2)
    write(frame)
    frame.drop(columns="a").to_parquet("data/p9.parquet")
    assert "do not have the same columns: 'a' differs" in fails(capsys, *AUDIT)
    frame.assign(a="text").to_parquet("data/p9.parquet")
    assert "column 'a' is number in data/p0.parquet and category in" in fails(capsys, *AUDIT)
    open("data/p9.parquet", "w").write("nothing")
    assert "cannot be read as Parquet" in fails(capsys, *AUDIT)


def test_what_must_be_installed_is_said(frame, capsys, monkeypatch):
    write(frame)
    monkeypatch.setitem(sys.modules, "dask", None)
    assert 'needs Dask: pip install "sknoisy[dask]"' in fails(capsys, *AUDIT)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert "--engine dask needs pyarrow" in fails(capsys, *AUDIT)


def test_a_failure_leaves_no_folder(frame, capsys, here, monkeypatch):
    from sknoisy._audit.by_partition import _verdicts

    def fail(*args):
        raise OSError("disk full")

    write(frame)
    monkeypatch.setattr(_verdicts, "_write", fail)
    assert "disk full" in fails(capsys, *AUDIT, "--out", "out")
    assert sorted(path.name for path in here.iterdir()) == ["data"]


@pytest.mark.slow
def test_boosting_on_two_workers(frame, capsys):
    pytest.importorskip("distributed")
    pytest.importorskip("xgboost")
    frame["kind"] = np.random.default_rng(0).choice(["x", "y", None], N)
    frame.loc[::9, "a"] = np.nan
    write(frame.drop(columns="d"))
    how = ("--model", "boosting", "--jobs", "2", "--cv", "2", "--out", "out")
    text = told(capsys, *AUDIT, *how)
    assert "4 columns: 3 numbers, 1 category" in text
    assert "in 2 workers" in text and "2 fits of DaskXGBClassifier" in text
    assert wrong_rows(frame)[verdicts()["flagged"]].mean() > 0.7


# ---------------------------------------------------------------------- CSV

OF_CSV = (*AUDIT[1:], "--model", "GaussianNB")
CSV = ("data/*.csv", *OF_CSV)


def write_csv(frame, n_files=4, folder="data", ending="csv", **how):
    os.makedirs(folder, exist_ok=True)
    for i, rows in enumerate(np.array_split(np.arange(len(frame)), n_files)):
        frame.iloc[rows].to_csv(f"{folder}/p{i}.{ending}", index=False, **how)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv"])
def test_csv_as_parquet(frame, capsys, ending):
    frame.loc[::9, "a"] = np.nan
    frame["when"] = (pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(N) % 90, unit="D")).date
    frame["code"] = [f"{i:03d}" for i in np.arange(N) % 20]
    write(frame.assign(when=pd.to_datetime(frame["when"])), folder="parquet")
    expected = told(capsys, "parquet", *OF_CSV, "--out", "one")
    write_csv(frame, ending=ending, sep="\t" if ending == "tsv" else ",")
    text = told(capsys, f"data/*.{ending}", *OF_CSV, "--out", "two")
    assert "4 files, 1200 rows, 7 columns" in text
    assert "6 columns: 4 numbers, 1 date, 1 category" in expected and "6 columns: 4 " in text
    pd.testing.assert_frame_equal(verdicts("one"), verdicts("two"))
    assert told(capsys, "data", *OF_CSV) != ""  # the folder


def test_numbers_in_one_file_and_texts_in_another(frame, capsys):
    frame["size"] = (np.arange(N) % 7).astype(str)
    frame["weight"] = frame["a"].round(3).astype(str)
    frame.loc[900, "weight"], frame.loc[901, "weight"] = "heavy", "?"
    frame.loc[600:, "size"] = "large"
    write_csv(frame)
    text = told(capsys, "data/*.csv", *AUDIT[1:], "--out", "out")
    assert (
        "column 'size' is read as text: 600 of 1200 values are numbers, others not ('large' in "
        "data/p2.csv)"
    ) in text
    assert (
        "column 'weight': 1 values that are no numbers ('heavy' in data/p3.csv) count as missing"
    ) in text
    assert "5 numbers, 1 category" in text
    assert wrong_rows(frame)[verdicts()["flagged"]].mean() > 0.8


def test_labels_and_roles_of_csv_are_as_written(frame, capsys):
    codes = frame["label"].map({"ant": "1", "bee": "2", "cat": "3"})
    write_csv(frame.assign(label=codes), folder="whole")
    told(capsys, "whole", *OF_CSV, "--out", "a")
    assert verdicts("a")["given"].dtype == "int64"
    frame["label"] = codes.str.zfill(3)
    frame["trust"] = np.where(np.arange(N) % 4 == 0, "1", "0")
    write_csv(frame)
    told(capsys, *CSV, "--trusted", "trust", "--out", "b")
    assert verdicts("b")["given"].tolist() == frame["label"].tolist()
    assert not verdicts("b")["flagged"][::4].any()
    codes[1000] = "other"
    write_csv(frame.assign(label=codes))
    text = told(capsys, *CSV, "--drop", "trust")
    assert "labels, 4 classes" in text and "1199 of 1200 values are numbers, others not" in text


def test_marks_are_labels_but_no_numbers(frame, capsys):
    frame["label"] = frame["label"].map({"ant": "1", "bee": "2", "cat": "3"})
    frame.loc[:29, "label"] = "?"
    frame["size"] = frame["a"].round(3).astype(str)
    frame.loc[40, "size"] = "n/a"
    write_csv(frame)
    text = told(capsys, *CSV)
    assert "labels, 4 classes" in text and "read as a class: '?' (30 rows)" in text
    assert "5 columns: 5 numbers" in text
    assert "30 rows without a target" in told(capsys, *CSV, "--missing", "?")
    text = told(capsys, "data", "--target", "size", "--engine", "dask", "--drop", "label")
    assert "numbers from" in text and "1 row without a target" in text


def test_csv_of_other_forms(frame, capsys):
    frame["w"] = 0.5
    write_csv(frame, sep=";", decimal=",", encoding="latin-1")
    with open("data/p0.csv", "a", encoding="latin-1") as file:
        file.write("1,0;2,0;3,0;4,0;Käfer;1,5\n")
    text = told(capsys, *CSV, "--decimal", ",", "--weight", "w")
    assert "4 numbers" in text and "4 classes" in text
    odd = fails(capsys, *CSV, "--drop", "w")
    assert "no column is left" in odd and "'a' is read as text: its numbers are no plain" in odd
    assert text.count("columns are separated by ';'") == 1 and "read as cp1252" in text
    text = fails(capsys, *CSV, "--encoding", "utf-8")
    assert "data/p0.csv is not utf-8 text" in text


def test_csv_that_cannot_be_read(frame, capsys, monkeypatch):
    write_csv(frame)
    assert "did you mean 'label'" in fails(capsys, *CSV, "--target", "lable", code=2)
    frame.drop(columns="a").to_csv("data/p9.csv")
    assert "data/p9.csv and data/p0.csv do not have the same columns" in fails(capsys, *CSV)
    open("data/p9.csv", "w").write("a,b,c,d,label\n1,2,3,4,ant\n1,2,3,4,5,6,bee\n")
    assert "data/p9.csv is not a regular table" in fails(capsys, *CSV)
    open("data/p9.csv", "w").close()
    assert "data/p9.csv is empty" in fails(capsys, *CSV)
    write(frame)
    assert "has Parquet and CSV files" in fails(capsys, "data/*", *OF_CSV)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://nowhere")
    assert "where workers at DASK_SCHEDULER_ADDRESS do not see it" in fails(capsys, *CSV)


# ---------------------------------------------------------------------- the page


def page_of(capsys, *argv):
    pytest.importorskip("jinja2")
    text = told(capsys, *argv, "--report", "page.html")
    assert "The report for people is in page.html" in text
    with open("page.html", encoding="utf-8") as file:
        return " ".join(file.read().split()), text


def test_a_page_of_labels(frame, capsys):
    frame.loc[4, "label"] = None
    write(frame)
    page, text = page_of(capsys, *AUDIT, "--model", "GaussianNB", "--out", "out", "--worst", "3")
    found = verdicts().dropna(subset="score")
    flagged = found[found["flagged"]]
    assert f"<dd>{len(flagged)}<small>" in page and "<dd>1,199" in page
    assert f"The lowest score of a flagged row is {flagged['score'].min():.4g}" in page
    pairs = pd.crosstab(flagged["given"], flagged["suggested"])
    for i in pairs.index:
        row = page.split(f'<th scope="row">{i}</th>')[1].split("</tr>")[0]
        counts = [int(cell.split("<")[0]) for cell in row.split(">")[1::2]]
        assert counts == pairs.reindex(columns=pairs.index, fill_value=0).loc[i].tolist()
    bins = page.split("Rows by score</caption>")[1].split("</table>")[0].split("<tr>")[2:]
    bins = [[cell.split("<")[0] for cell in row.split('<td class="n">')[1:]] for row in bins]
    counts = np.array([row[2:] for row in bins], dtype=int)
    assert counts.sum(axis=0).tolist() == [len(found) - len(flagged), len(flagged)]
    assert page.count("<details") == 1 + 20 and text.count("wrong:") == 3
    worst = flagged.sort_values(["probability", "score"], ascending=False).iloc[0]
    assert f"<strong>row {worst['row']}</strong>: {worst['given']}" in page
    assert frame["a"].map("{:.6g}".format)[worst["row"]] in page
    for absent in ("no row is a copy", "Nowhere more than chance", "nearest row", "#copies"):
        assert absent not in page
    assert "are not looked for by this engine" in page


def test_a_page_of_numbers_and_of_nothing_known(frame, capsys):
    rng = np.random.default_rng(0)
    frame["price"] = frame["a"] * 3 + 0.1 * rng.normal(size=N)
    frame.loc[::40, "price"] += 9.0
    write(frame.drop(columns="label"))
    audit = ("data", "--target", "price", "--engine", "dask")
    page, text = page_of(capsys, *audit)
    assert "given too high 30" in text and "given too high" in page and "<td" in page
    frame["price"] = rng.normal(size=N)
    write(frame)
    page, _ = page_of(capsys, *audit, "--drop", "label")
    assert "The features know no more of the target than its mean" in page
