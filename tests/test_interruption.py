"""Ctrl-C in a fit, here, in a worker or from the terminal, leaves nothing half-made."""

import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge

from sknoisy import FilterClassifier
from sknoisy.reject import RejectClassifier
from sknoisy.training.error_models import LocationScaleRegressor

from .everyone import case_of, that_fit

FITS = {"n": 0, "stop_at": None}


def count_and_stop():
    """Somebody presses Ctrl-C in one of the fits."""
    FITS["n"] += 1
    if FITS["n"] == FITS["stop_at"]:
        raise KeyboardInterrupt


class StoppedLogistic(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        count_and_stop()
        return super().fit(X, y, sample_weight)


class StoppedRidge(Ridge):
    def fit(self, X, y, sample_weight=None):
        count_and_stop()
        return super().fit(X, y, sample_weight)


def stopped_elsewhere(kind):
    """A model that is stopped in every process but the one whose number it has.

    Its class is made here, so that workers are sent it: they cannot import a test.
    """

    class StoppedElsewhere(kind):
        def __init__(self, pid=None):
            super().__init__()
            self.pid = pid

        def fit(self, X, y, sample_weight=None):
            if self.pid not in (None, os.getpid()):
                raise KeyboardInterrupt
            return super().fit(X, y, sample_weight)

    return StoppedElsewhere()


class Down:
    """A callback that is handed on, and counts what was set up and not torn down, and tasks."""

    max_propagation_depth = None

    def __init__(self):
        self.n, self.tasks = 0, []

    def setup(self, estimator, context):
        self.n += 1

    def teardown(self, estimator, context):
        self.n -= 1

    def on_fit_task_begin(self, estimator, context):
        self.tasks.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        self.tasks.remove(context.task_name)


def quietly(case, model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return case.fit(model)


def break_off(case, model):
    """A fit that is stopped; nobody is left who waits for its end."""
    down = Down()
    if hasattr(model, "set_callbacks"):
        model.set_callbacks(down)
    with pytest.raises(KeyboardInterrupt):
        quietly(case, model)
    if hasattr(model, "set_callbacks"):
        model.set_callbacks()
    assert down.n == 0
    return down


def wraps_a_model(kind):
    has = kind.__init__.__code__.co_varnames
    return "dask" not in kind.__module__ and {"estimator", "treatment"} & set(has)


def said(model, case):
    return model.predict(case.X) if hasattr(model, "predict") else None


WRAPPERS = [kind for kind in that_fit() if wraps_a_model(kind)]


@pytest.mark.parametrize("kind", WRAPPERS, ids=lambda kind: kind.__name__)
def test_an_interrupted_fit_changes_nothing(kind, small_forests):
    FITS.update(n=0, stop_at=None)
    numbers = isinstance(getattr(case_of(kind).estimator, "estimator", None), Ridge)
    case = case_of(kind, StoppedRidge() if numbers else StoppedLogistic())
    model = quietly(case, clone(case.estimator))
    n_fits, before, answers = FITS["n"], dict(vars(model)), said(model, case)
    if n_fits == 0:
        pytest.skip("of the model it only asks how it sees the features")
    for stop_at in sorted({1, n_fits}):
        FITS.update(n=0, stop_at=stop_at)
        break_off(case, model)
        assert vars(model).keys() == before.keys()
        assert all(vars(model)[name] is before[name] for name in before)
        np.testing.assert_array_equal(said(model, case), answers)
        fresh = clone(case.estimator)
        blank = dict(vars(fresh))
        FITS.update(n=0)
        break_off(case, fresh)
        assert vars(fresh) == blank
    FITS.update(n=0, stop_at=None)


def test_the_next_fit_tells_from_the_start():
    case = case_of(FilterClassifier, StoppedLogistic())
    if not hasattr(case.estimator, "set_callbacks"):
        pytest.skip("scikit-learn below 1.9")
    FITS.update(n=0, stop_at=2)
    assert break_off(case, case.estimator).tasks == ["fit", "detection", "fits", "single fit"]
    FITS.update(n=0, stop_at=None)
    down = Down()
    quietly(case, case.estimator.set_callbacks(down))
    assert down.tasks == [] and down.n == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", [FilterClassifier, RejectClassifier, LocationScaleRegressor])
def test_an_interrupted_worker_changes_nothing(kind):
    inner = Ridge if kind.__name__.endswith("Regressor") else LogisticRegression
    case = case_of(kind, stopped_elsewhere(inner))
    model = quietly(case, clone(case.estimator))
    model.set_params(n_jobs=2, estimator__pid=os.getpid())
    before, answers = dict(vars(model)), said(model, case)
    break_off(case, model)
    assert all(vars(model)[name] is before[name] for name in before)
    np.testing.assert_array_equal(said(model, case), answers)
    model.set_params(n_jobs=None)  # and it can go on
    np.testing.assert_array_equal(said(quietly(case, model), case), answers)


SCRIPT = """
import os, sys, time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from sknoisy import FilterClassifier

HERE, folder = os.getpid(), Path(sys.argv[1])


class Slow(LogisticRegression):
    def __init__(self, slow=False):
        super().__init__()
        self.slow = slow

    def fit(self, X, y, sample_weight=None):
        if self.slow and os.getpid() != HERE:
            (folder / "started").touch()
            time.sleep(300)
        return super().fit(X, y, sample_weight)


class Down:
    max_propagation_depth = None
    n = 0

    def setup(self, estimator, context):
        Down.n += 1

    def teardown(self, estimator, context):
        Down.n -= 1

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        pass


X = np.random.default_rng(0).normal(size=(50_000, 3))  # large enough for joblib to make a file of
y = X[:, 0] > 0
model = FilterClassifier(Slow(), random_state=0, n_jobs=2)
if hasattr(model, "set_callbacks"):
    model.set_callbacks(Down())
model.set_params(n_jobs=None).fit(X, y)
before, answers = dict(vars(model)), model.predict(X)
model.set_params(n_jobs=2, estimator__slow=True)
try:
    model.fit(X, y)
    print("not interrupted")
except KeyboardInterrupt:
    fitted = [name for name in before if name.endswith("_")]
    assert all(vars(model)[name] is before[name] for name in fitted)
    assert vars(model).keys() == before.keys()
    assert (model.predict(X) == answers).all() and Down.n == 0
    print("as before")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="process groups are of POSIX")
def test_ctrl_c_of_a_terminal(tmp_path):
    """SIGINT to all processes of the group, as a terminal sends it."""
    script, temporary = tmp_path / "script.py", tmp_path / "temporary"
    script.write_text(SCRIPT, encoding="utf-8")
    temporary.mkdir()
    places = {"TMPDIR": str(temporary), "JOBLIB_TEMP_FOLDER": str(temporary)}
    child = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **places},
        start_new_session=True,
    )
    try:
        assert wait_until(lambda: (tmp_path / "started").exists() or child.poll() is not None)
        os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        gone = wait_until(lambda: not group_lives(child.pid), 20)
        if not gone:
            os.killpg(child.pid, signal.SIGKILL)
    assert out == "as before\n", err
    assert gone, "processes are left"
    assert wait_until(lambda: not list(temporary.iterdir()), 10), list(temporary.iterdir())


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
