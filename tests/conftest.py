"""Settings that hold for all tests."""

import os

# Before numpy is loaded: on small data, threads of BLAS and OpenMP cost more than they bring, and
# on a busy machine many times more. A test about threads raises the limit with threadpoolctl.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest  # noqa: E402
import sklearn  # noqa: E402
from hypothesis import settings  # noqa: E402

# The same examples in every run, and no deadline: a slow machine is not a failure.
settings.register_profile("sknoisy", deadline=None, derandomize=True)
settings.load_profile("sknoisy")


def pytest_make_parametrize_id(config, val, argname):
    """Names of tests that are the same in every process, as running them in parallel needs."""
    if isinstance(val, set):
        return "-".join(sorted(map(str, val)))
    return getattr(val, "__name__", None)


@pytest.fixture(autouse=True)
def _restore_sklearn_config():
    """A test may change scikit-learn's global configuration (metadata routing)."""
    with sklearn.config_context():
        yield


@pytest.fixture
def small_forests(monkeypatch):
    """Forests inside of methods have few trees: for tests of all but how well they judge."""
    for trees in (
        "detection.committees._number_members.N_TREES",
        "detection.committees._number_members.N_TREES_OF_SCALE",
        "detection.committees._number_members.N_BOOSTED",
        "training.poisoned._stamp_defense.N_WITNESSES",
    ):
        monkeypatch.setattr(f"sknoisy.{trees}", 14)  # the least that bags need
    monkeypatch.setattr(
        "sknoisy.detection.committees._label_members._trees",
        lambda kind, *_: kind(14, min_samples_leaf=3, bootstrap=True),
    )
