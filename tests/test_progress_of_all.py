"""Every public estimator that fits models tells scikit-learn's callbacks, in a well-formed tree."""

import pickle
import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier
from sknoisy._evidence import _fitting
from sknoisy.multilabel import MultiLabelClassifier
from sknoisy.reject import RejectClassifier
from sknoisy.threshold import OneStandardError
from sknoisy.training.correction import TransitionClassifier
from sknoisy.weak_labels import PartialLabelClassifier

from .everyone import case_of, that_fit
from .helpers import noisy_labels

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn below 1.9")
from sklearn.callback._callback_context import get_context_path  # noqa: E402


class Tree:
    """A callback that holds what it is told against what a tree of tasks is, at every level."""

    max_propagation_depth = None

    def __init__(self):
        self.open, self.done, self.names, self.faults = set(), set(), {}, []
        self.n_setups = self.n_teardowns = 0

    def _check(self, holds, what, context):
        if not holds:
            self.faults.append((what, self._path(context), context.estimator_name))

    @staticmethod
    def _path(context):
        return tuple(each.task_id for each in get_context_path(context))

    def setup(self, estimator, context):
        self.n_setups += 1

    def teardown(self, estimator, context):
        self.n_teardowns += 1

    def on_fit_task_begin(self, estimator, context):
        path, parent = self._path(context), context.parent
        self._check(path not in self.open | self.done, "begun twice", context)
        self._check(self.n_setups == 1 and not self.n_teardowns, "begun outside", context)
        if parent is not None:
            self._check(path[:-1] in self.open, "begun before its parent, or after it", context)
            begun = sum(p[:-1] == path[:-1] for p in self.open | self.done)
            most = parent.max_subtasks
            self._check(most is None or begun < most, f"more than {most} tasks", context)
        self.open.add(path)
        self.names[path] = (context.estimator_name, context.task_name)

    def on_fit_task_end(self, estimator, context):
        path = self._path(context)
        self._check(path in self.open, "ended before it was begun", context)
        self._check(not any(p[:-1] == path for p in self.open), "ended before a part", context)
        self.open.discard(path)
        self.done.add(path)

    def check(self):
        assert not self.faults
        assert not self.open
        assert self.n_setups == self.n_teardowns == 1


def quietly(fit, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(*args)


def assert_same(one, other):
    """Whether two fitted things are alike, down to the arrays within."""
    assert type(one) is type(other)
    if isinstance(one, (pd.DataFrame, pd.Series)):
        assert one.equals(other)
    elif isinstance(one, np.ndarray) and one.dtype != object:
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, (list, tuple, np.ndarray)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name])
    elif hasattr(one, "compute"):  # a Dask collection
        np.testing.assert_array_equal(one.compute(), other.compute())
    elif hasattr(one, "get_params") and not isinstance(one, type):
        assert_same(fitted_part(one), fitted_part(other))
    elif isinstance(one, (int, float, str)):
        assert one == other or one != one


def fitted_part(model):
    return {k: v for k, v in vars(model).items() if k.endswith("_") and not k.startswith("_")}


@contextmanager
def fits_counted(monkeypatch):
    """List that gets an entry for each model that is fitted by the way that all fits go."""
    fits, as_it_is = [], _fitting.fit_of

    def fit_of(model, *args, **how):
        fits.append(model)
        return as_it_is(model, *args, **how)

    with monkeypatch.context() as patch:
        patch.setattr(_fitting, "fit_of", fit_of)
        yield fits


@pytest.mark.parametrize("kind", that_fit(), ids=lambda kind: kind.__name__)
def test_each_that_fits_models_tells_a_tree(kind, monkeypatch, small_forests):
    if "dask" in kind.__module__:
        pytest.importorskip("dask")
    case = case_of(kind)
    with fits_counted(monkeypatch) as fits:
        plain = quietly(case.fit, clone(case.estimator))
    if not hasattr(plain, "set_callbacks"):
        assert not fits, f"{kind.__name__} fits models, and has no callbacks"
        return
    tree = Tree()
    model = clone(case.estimator).set_callbacks(tree)
    quietly(case.fit, model)
    tree.check()
    assert tree.names[(0,)] == (kind.__name__, "fit")
    assert not fits or len(tree.names) > 1, "nothing is told of the fits"
    assert_same(fitted_part(model), fitted_part(plain))
    # nothing is left behind, and copies are as good
    assert vars(model).keys() - vars(plain).keys() == {"_skl_callbacks"}
    assert vars(clone(model)).keys() >= vars(clone(plain)).keys()
    model.set_callbacks()
    assert b"callback" not in pickle.dumps(model)
    assert_same(fitted_part(pickle.loads(pickle.dumps(model))), fitted_part(plain))


INNER = make_pipeline(StandardScaler(), LogisticRegression())


@pytest.mark.parametrize(
    "kind",
    [FilterClassifier, RejectClassifier, TransitionClassifier, PartialLabelClassifier],
)
def test_between_a_pipeline_and_a_search(kind):
    case = case_of(kind, INNER)
    tree = Tree()
    search = GridSearchCV(
        case.estimator, {"estimator__logisticregression__C": [0.1, 1.0]}, cv=2, scoring="accuracy"
    )
    quietly(case.fit, search.set_callbacks(tree))
    tree.check()
    fits_of_ours = [p for p, name in tree.names.items() if name == (kind.__name__, "fit")]
    assert len(fits_of_ours) == 2 * 2 + 1
    # the last fit goes on telling, through the Pipeline
    of_last = [names for names in tree.names.values() if names[0] == "Pipeline"]
    assert len(of_last) >= len(fits_of_ours)
    plain = quietly(case.fit, clone(search).set_callbacks())
    assert plain.best_params_ == search.best_params_


def test_columns_and_a_threshold_go_on_telling():
    X, y = noisy_labels(90, n_classes=2)
    tree = Tree()
    model = MultiLabelClassifier(
        FilterClassifier(
            LogisticRegression(), contamination=OneStandardError(rates=[0, 0.2], cv=2)
        ),
        random_state=0,
    )
    quietly(model.set_callbacks(tree).fit, X, np.column_stack([y, 1 - y]))
    tree.check()
    names = list(tree.names.values())
    assert names.count(("FilterClassifier", "fit")) == 2
    assert names.count(("OneStandardError", "fit")) == 2
    assert names.count(("LogisticRegression", "fit")) == 2


class Failing(LogisticRegression):
    """Fails at one of its fits."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        Failing.n_fits += 1
        if Failing.n_fits == 6:  # after the folds of the detection: the calibration
            raise ValueError("not this time")
        return super().fit(X, y, sample_weight)


def test_a_part_that_fails_has_an_end():
    X, y = noisy_labels(150, n_classes=2)
    tree, Failing.n_fits = Tree(), 0
    with pytest.warns(UserWarning, match="its probabilities are not calibrated"):
        FilterClassifier(Failing(), random_state=0).set_callbacks(tree).fit(X, y)
    tree.check()
    assert ("FilterClassifier", "last fit") in tree.names.values()


def test_the_result_with_several_jobs_is_the_same():
    X, y = noisy_labels(90, n_classes=2)
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    model = RejectClassifier(LogisticRegression(), n_jobs=2, random_state=0)
    plain = clone(model).fit(X, y)
    assert_same(fitted_part(model.set_callbacks(ProgressBar()).fit(X, y)), fitted_part(plain))


def test_a_regressor_of_many_stages_shows_no_bar_for_each():
    from sknoisy.training.error_models import OneSidedRegressor

    case = case_of(OneSidedRegressor, Ridge())
    tree = Tree()
    case.fit(case.estimator.set_callbacks(tree))
    tree.check()
    assert ("OneSidedRegressor", "single fit") in tree.names.values()
    assert ("Ridge", "fit") not in tree.names.values()
