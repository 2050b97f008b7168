"""docs/which_training.rst is what the measurements say."""

import subprocess
import sys
from pathlib import Path

from sknoisy import training

ROOT = Path(__file__).parents[1]


def test_the_committed_page_is_up_to_date(tmp_path):
    out, script = tmp_path / "page.rst", ROOT / "benchmarks" / "training.py"
    measured = ROOT / "benchmarks" / "results" / "training.csv"
    command = [sys.executable, script, "--page", measured, "--page-out", out]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    written = out.read_text(encoding="utf-8")
    committed = (ROOT / "docs" / "which_training.rst").read_text(encoding="utf-8")
    assert written == committed, "run: python benchmarks/training.py --page ..."


def test_every_room_is_on_the_page():
    page = (ROOT / "docs" / "which_training.rst").read_text(encoding="utf-8")
    folder = Path(training.__file__).parent
    rooms = {path.name for path in folder.iterdir() if (path / "__init__.py").exists()}
    absent = {room for room in rooms if f"sknoisy.training.{room}." not in page}
    # those have benchmarks of their own: few trusted rows, rows known to be bad
    assert absent == {"trusted", "poisoned"}
