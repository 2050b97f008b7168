"""docs/methods.rst is what the code says."""

import subprocess
import sys
from pathlib import Path

import pytest

from .fuzzer import trials

ROOT = Path(__file__).parents[1]
DETECTORS = list(trials.detector_classes().values())


@pytest.mark.parametrize("kind", DETECTORS)
def test_every_detector_says_what_it_assumes(kind):
    assumes = kind._assumes
    assert assumes, f"{kind.__name__} needs _assumes: what must hold for the method to work"
    assert assumes[0].islower() or assumes[:2].isupper(), "no sentence, but a cell of a table"
    assert not assumes.endswith(".") and len(assumes) <= 90


@pytest.mark.slow
def test_the_committed_table_is_up_to_date(tmp_path):
    out = tmp_path / "methods.rst"
    script = ROOT / "benchmarks" / "method_table.py"
    run = subprocess.run(
        [sys.executable, script, "--out", out], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    written = out.read_text(encoding="utf-8").splitlines()
    committed = (ROOT / "docs" / "methods.rst").read_text(encoding="utf-8").splitlines()
    assert written == committed, "run: python benchmarks/method_table.py"
    for kind in DETECTORS:
        assert f"   * - :class:`~sknoisy.detection.{kind.__name__}`" in written
