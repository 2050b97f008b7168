"""Callbacks are told how far a fit has come."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    ReweightClassifier,
    RobustClassifier,
    RobustRegressor,
)
from sknoisy.detection import ConfidentLearning, IterativePartitioning, LabelCommittee
from sknoisy.exceptions import NothingJudgedWarning
from sknoisy.training.mixing import MixupClassifier

from .helpers import noisy_labels, noisy_numbers

try:
    import sklearn.callback  # noqa: F401

    HAS_CALLBACKS = True
except ImportError:  # below scikit-learn 1.9
    HAS_CALLBACKS = False
needs_callbacks = pytest.mark.skipif(not HAS_CALLBACKS, reason="scikit-learn below 1.9")


class Log:
    """A callback that notes what it is told; `handed_on` makes it one that models get as well."""

    def __init__(self):
        self.begun, self.ended, self.down = [], [], 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        self.down += 1

    def on_fit_task_begin(self, estimator, context):
        self.begun.append((context.estimator_name, context.task_name))

    def on_fit_task_end(self, estimator, context):
        self.ended.append((context.estimator_name, context.task_name))

    def names(self):
        return [name for _, name in self.begun]


class HandedOn(Log):
    max_propagation_depth = 1


@needs_callbacks
@pytest.mark.parametrize(
    ("model", "data"),
    [
        (FilterClassifier(LogisticRegression(), random_state=0), noisy_labels),
        (ReweightClassifier(LogisticRegression(), random_state=0), noisy_labels),
        (RelabelClassifier(DecisionTreeClassifier(), random_state=0), noisy_labels),
        (RobustClassifier(LogisticRegression(), effort="fast", random_state=0), noisy_labels),
        (FilterRegressor(LinearRegression(), random_state=0), noisy_numbers),
        (RobustRegressor(LinearRegression(), effort="fast", random_state=0), noisy_numbers),
        (IterativePartitioning(DecisionTreeClassifier(), random_state=0), noisy_labels),
        (LabelCommittee(LogisticRegression(), n_rounds=1, random_state=0), noisy_labels),
        (MixupClassifier(LogisticRegression(), random_state=0), noisy_labels),
    ],
)
def test_every_task_that_begins_ends_and_the_result_is_the_same(model, data, small_forests):
    X, y = data(n=150)
    told = Log()
    with_callback = model.set_callbacks(told).fit(X, y)
    mask = with_callback.noise_mask_
    assert told.begun[0] == told.ended[-1] == (type(model).__name__, "fit")
    assert sorted(told.begun) == sorted(told.ended)
    assert told.down == 1
    assert not any("callback" in name for name in vars(model) if name != "_skl_callbacks")
    model.set_callbacks()
    np.testing.assert_array_equal(model.fit(X, y).noise_mask_, mask)
    assert told.down == 1


@needs_callbacks
def test_folds_are_counted_and_the_last_fit_goes_on_telling():
    X, y = noisy_labels(n=240)
    told = HandedOn()
    model = FilterClassifier(LogisticRegression(), ConfidentLearning(cv=4), random_state=0)
    model.set_callbacks(told).fit(X, y)
    names = told.names()
    detection = names[names.index("detection") : names.index("treatment")]
    assert detection == ["detection", "fits", *["single fit"] * 4]
    assert ("LogisticRegression", "fit") in told.begun  # the last fit, and no other
    assert told.begun.count(("LogisticRegression", "fit")) == 1


@pytest.mark.slow
@needs_callbacks
def test_in_other_processes_and_in_a_search():
    from sklearn.model_selection import GridSearchCV

    X, y = noisy_labels(n=120)
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    for estimator in (None, LogisticRegression()):  # a default model lies at the same place
        model = RobustClassifier(estimator, effort="fast", random_state=0)
        told = HandedOn()
        GridSearchCV(model, {"min_per_class": [5]}, cv=2).set_callbacks(told).fit(X, y)
        assert told.down == 1 and sorted(told.begun) == sorted(told.ended)
        assert told.begun.count(("RobustClassifier", "fit")) == 3
    model = FilterClassifier(LogisticRegression(), n_jobs=2, random_state=0)
    plain = model.fit(X, y).noise_proba_
    np.testing.assert_array_equal(model.set_callbacks(ProgressBar()).fit(X, y).noise_proba_, plain)


@needs_callbacks
def test_one_inside_another_keeps_its_tasks_to_itself():
    X, y = noisy_labels(n=120)
    told = Log()
    inner = FilterClassifier(LogisticRegression(), random_state=0)
    FilterClassifier(inner, random_state=0).set_callbacks(told).fit(X, y)
    assert told.names().count("detection") == 1


def test_warnings_still_name_the_line_of_the_user():
    X, _ = noisy_labels()
    for callbacks in [(), (Log(),)] if HAS_CALLBACKS else [()]:
        detector = ConfidentLearning(random_state=0)
        if callbacks:
            detector.set_callbacks(*callbacks)
        with pytest.warns(NothingJudgedWarning) as caught:
            detector.fit(X, np.zeros(len(X)))
        assert caught[0].filename == __file__


def test_nothing_is_told_where_scikit_learn_has_no_callbacks():
    code = """
import sys
import sklearn.linear_model, sklearn.model_selection, sklearn.pipeline, sklearn.ensemble
there = sys.modules.get("sklearn.callback")
sys.modules["sklearn.callback"] = None  # as below 1.9
import numpy as np
from sknoisy import FilterClassifier
sys.modules["sklearn.callback"] = there
model = FilterClassifier(sklearn.linear_model.LogisticRegression(), random_state=0)
X = np.random.RandomState(0).normal(size=(60, 2))
print(hasattr(model, "set_callbacks"), model.fit(X, X[:, 0] > 0).noise_mask_.shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False (60,)\n"
