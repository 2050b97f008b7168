"""The command, and what came out of it."""

import pandas as pd

from sknoisy.__main__ import main

COLUMNS = ["row", "given", "suggested", "probability", "score", "flagged", "reason"]
WRONG = [3, 20, 55]  # rows of the fixture `table`


def audit(*argv):
    return main(["audit", *map(str, argv)])


def told(capsys, *argv):
    """What a run that goes well prints, with single blanks."""
    code = audit(*argv)
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return " ".join(captured.out.split())


def written(path="out.csv", **how):
    return pd.read_csv(path, **how)


def fails(capsys, *argv, code=1):
    """The one line on stderr of a run that fails."""
    assert audit(*argv) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("sknoisy: ") and captured.err.count("\n") == 1
    return captured.err
