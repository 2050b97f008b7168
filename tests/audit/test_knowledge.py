"""Above the verdicts stands what they are worth: nothing, where the features know nothing."""

import numpy as np
import pandas as pd
import pytest

from .helpers import told, written


@pytest.mark.parametrize("kind", ["labels", "numbers"])
def test_a_random_target_has_no_wrong_rows(kind, capsys):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"])
    table["target"] = (
        rng.choice(["ash", "birch"], 300) if kind == "labels" else rng.normal(size=300)
    )
    table.to_csv("data.csv", index=False)
    out = told(capsys, "data.csv", "--target", "target", "--model", "linear", "--out", "out.csv")
    what = "shares of its classes" if kind == "labels" else "mean"
    assert f"know no more of the target than its {what}" in out
    assert out.index("Before you read on") < out.index("know no more")
    found = written()
    assert not found["flagged"].any()
    assert found["probability"].max() < 0.01


def test_a_class_that_cannot_be_foretold_is_named(capsys):
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    table = pd.DataFrame(rng.normal(size=(400, 3)) + 3.0 * y[:, None], columns=["a", "b", "c"])
    table["target"] = np.array(["ash", "birch"])[y]
    table.loc[rng.random(400) < 0.1, "target"] = "odd"
    table.to_csv("data.csv", index=False)
    out = told(capsys, "data.csv", "--target", "target", "--model", "linear", "--out", "out.csv")
    assert "the features know nothing of odd, and no row given such a label" in out
    assert not written().query("given == 'odd'")["flagged"].any()
