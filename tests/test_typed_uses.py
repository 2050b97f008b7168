"""What a type checker says of uses of sknoisy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sknoisy

ROOT = Path(sknoisy.__file__).parents[1]
AS_A_USER = ["--strict", "--ignore-missing-imports", "--follow-imports=silent", "--config-file="]


@pytest.mark.slow
def test_right_uses_pass_and_wrong_ones_do_not(tmp_path):
    pytest.importorskip("mypy")
    uses = Path(__file__).with_name("typing") / "uses.py"
    environment = dict(os.environ)
    if ROOT.name != "site-packages":  # where mypy looks anyway
        environment["MYPYPATH"] = str(ROOT)
    command = [sys.executable, "-m", "mypy", *AS_A_USER, f"--cache-dir={tmp_path}", str(uses)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
