"""Benchmarks that others rerun: each goes through once, on little data, and can be resumed."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
QUICK = {
    "design_space": (
        ["--datasets", "wine", "--noises", "none", "uniform", "dissenting label"]
        + ["--detectors", "ConfidentLearning", "KNNShapley", "NeighborDisagreement"],
        ["Mean F1, by noise", "Mean ranks, downstream", "All detectors"],
        18,
    ),
    "dilution": (
        ["--kinds", "uniform", "--methods", "FilterClassifier"],
        ["Clean rows needed", "Does accuracy hold", "Rule of thumb"],
        8,
    ),
    "fairness": (
        ["--noises", "overlooked", "feature", "--methods", "plain"],
        ["Plain, highest level less none", "All (gaps in points)"],
        12,
    ),
}


def run(name, out, *options):
    script = ROOT / "benchmarks" / f"{name}.py"
    command = [sys.executable, script, "--quick", "--out", out, *options]
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": paths}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_quick_run(name, tmp_path):
    options, titles, n_lines = QUICK[name]
    out, summary = tmp_path / "cells.csv", tmp_path / "summary.json"
    printed = run(name, out, *options, "--summary", summary)
    for title in titles:
        assert title in printed
    table = pd.read_csv(out)
    assert len(table) == n_lines
    if "error" in table:
        assert table["error"].isna().all(), table["error"].dropna().tolist()
    assert table["accuracy"].between(0, 1).all()
    assert len(pd.read_json(summary)) > 0
    if name == "dilution":  # one of them is enough
        run(name, out, *options)
        assert len(pd.read_csv(out)) == n_lines
