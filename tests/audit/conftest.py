"""A folder and a table for each test."""

import numpy as np
import pandas as pd
import pytest

from .helpers import WRONG


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def table():
    """120 rows; `label` and `price` follow from `x`, save in the rows `WRONG`."""
    rng = np.random.default_rng(0)
    n = 120
    x = np.arange(n) % 20 - 9.5
    x += 5 * np.sign(x)  # no row is near the border
    label = np.where(x > 0, "yes", "no").astype(object)
    label[WRONG] = ["yes" if old == "no" else "no" for old in label[WRONG]]
    price = 10 * x + rng.normal(size=n)
    price[WRONG] += [500.0, -500.0, 700.0]
    return pd.DataFrame(
        {"x": x, "color": rng.choice(["red", "blue"], n), "label": label, "price": price}
    )
