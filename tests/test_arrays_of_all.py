"""Every public estimator reads arrays of other libraries as NumPy's, or refuses them by name.

The result is that of the array of NumPy, or the error says of which parameter, of which library,
and what to give instead. Dask's estimators take collections of Dask alone.
"""

from contextlib import contextmanager
from functools import cache
from inspect import signature

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from sknoisy._evidence._arrays import is_foreign
from sknoisy.detection import ConfidentLearning
from sknoisy.noise_model import NeighborTransition

from .everyone import N, case_of, that_fit
from .foreign import KINDS, Cupy, as_plain, with_doubles

EVERYONE = {kind.__name__: kind for kind in that_fit() if ".dask." not in kind.__module__}
ROWS = np.arange(N)
METADATA = {
    "sample_weight": 1.0 + ROWS % 3,
    "groups": ROWS // 3,
    "trusted": ROWS % 4 == 0,
    "flagged": ROWS % 4 == 1,
}
ANSWERS = (
    "predict",
    "predict_proba",
    "decision_function",
    "predict_all",
    "predict_or_reject",
    "predict_propensity",
    "predict_scale",
    "predict_unstamped",
    "rejection_score",
)
pytestmark = pytest.mark.usefixtures("small_forests")


@pytest.fixture(params=EVERYONE)
def name(request):
    return request.param


# the last fit of all is quick, the forests that judge are not
QUICK = {
    "MultiLabelDetector": {"detector": ConfidentLearning(LogisticRegression(), cv=2)},
    "RegionTransition": {"transition": NeighborTransition()},
    **dict.fromkeys(
        ("Consensus", "INFFC"), {"estimators": [("a", GaussianNB()), ("b", LogisticRegression())]}
    ),
}


def case(name, estimator=None):
    """(estimator, what `fit` gets by name: all rows, targets and metadata that it asks for)."""
    kind = EVERYONE[name]
    made = case_of(kind, estimator)
    asked = list(signature(made.estimator.fit).parameters)
    given = {asked[0]: made.X} | ({} if made.y is None else {"y": made.y}) | made.fit_params
    known = {**METADATA, "y_true": made.y}
    if asked[0] == "score":
        known["X"] = np.column_stack([ROWS, made.X])
    elif name == "TargetShiftRegressor":
        known["X_target"] = made.X[: N // 2] + 0.1
    given |= {k: v for k, v in known.items() if k in asked and k not in given}
    made.estimator.set_params(**QUICK.get(name, {}))
    return made.estimator, {k: np.asarray(v) for k, v in given.items()}


@cache
def expected(name):
    """The estimator as fitted to arrays of NumPy, and what it answers."""
    estimator, given = case(name)
    fitted = clone(estimator).fit(**given)
    return fitted, dict(answers(fitted, given))


def answers(model, given):
    """Pairs of a method and what it says of the rows that were given to `fit`."""
    rows = next(iter(given.values()))
    for method in ANSWERS:
        if hasattr(model, method):
            yield method, told(getattr(model, method)(rows))
    if hasattr(model, "score") and "y" in given:
        yield "score", model.score(rows, given["y"])


def told(said):
    return [as_plain(part) for part in said] if isinstance(said, tuple | list) else as_plain(said)


def learnt(model):
    """Fitted attributes that are arrays or numbers."""
    found = {k: v for k, v in vars(model).items() if k.endswith("_") and not k.startswith("_")}
    assert not [k for k, v in found.items() if is_foreign(v)]
    kinds = (np.ndarray, float, int, str)
    return {k: v for k, v in found.items() if isinstance(v, kinds) and np.size(v)}


def assert_same(found, right):
    assert found.keys() == right.keys()
    for what, value in right.items():
        assert_equal(found[what], value, what)


def assert_equal(found, right, what):
    if isinstance(right, list):
        for one, other in zip(found, right, strict=True):
            assert_equal(one, other, what)
    elif np.asarray(right).dtype.kind == "f":
        np.testing.assert_allclose(found, right, 1e-5, 1e-8, err_msg=what)
    else:
        np.testing.assert_array_equal(found, right, what)


@contextmanager
def or_refused(library):
    """Whatever fails inside says what X is, and what to give."""
    try:
        yield
    except Exception as error:
        said = " ".join([str(error), *getattr(error, "__notes__", [])])
        assert f"is a {library}." in said, said
        assert "give " in said, said


@pytest.mark.parametrize("library", ["dlpack", "jax", "torch"])
def test_all_that_is_given_may_be_of_another_library(name, library):
    made = KINDS[library]
    estimator, given = case(name)
    fitted, said = expected(name)
    with with_doubles(library):
        given = {k: made(v) for k, v in given.items()}
        found = clone(estimator).fit(**given)
        assert_same(dict(answers(found, given)), said)
    assert_same(learnt(found), learnt(fitted))


def test_all_but_the_rows_may_be_on_another_device(name):
    estimator, given = case(name)
    others = [k for k in list(given)[1:] if k not in ("X", "X_target")]
    found = clone(estimator).fit(**given | {k: Cupy(given[k]) for k in others})
    assert_same(learnt(found), learnt(expected(name)[0]))


def test_rows_on_another_device_are_read_or_refused(name):
    estimator, given = case(name)
    fitted, said = expected(name)
    rows = next(iter(given))
    given = given | {rows: Cupy(given[rows])}
    with or_refused("cupy"):
        assert_same(learnt(clone(estimator).fit(**given)), learnt(fitted))
    for method in said:
        with or_refused("cupy"):
            said_now = dict(answers(_Only(fitted, method), given))
            assert_equal(said_now[method], said[method], method)


class _Only:
    """A model that has one method."""

    def __init__(self, model, method):
        setattr(self, method, getattr(model, method))
