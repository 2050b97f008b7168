"""Pictures are drawn into memory, and forgotten."""

import pytest


@pytest.fixture(autouse=True)
def _no_window():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")
