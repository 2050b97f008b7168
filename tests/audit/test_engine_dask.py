"""`--engine dask`: Parquet files, judged in pieces of rows."""

import os
import sys

import numpy as np
import pandas as pd
import pytest
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
        ("--report", "r.html"): "--report is made of all rows in memory",
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
    frame.to_csv("data.csv")
    rest = AUDIT[1:]
    assert "no such Parquet files" in fails(capsys, "none/*.parquet", *rest)
    assert "data.csv is no Parquet file" in fails(capsys, "data.csv", *rest)
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
    assert "reading Parquet needs pyarrow" in fails(capsys, *AUDIT)


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
