"""Every public estimator reads arrays of other libraries as NumPy's, or refuses them by name.

The result is that of the array of NumPy, or the error says of which parameter, of which library,
and what to give instead. Dask's estimators take collections of Dask alone.
"""

from contextlib import contextmanager
from functools import cache
from inspect import signature

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.linear_model import LogisticRegression, SGDRegressor
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from sknoisy._evidence._arrays import is_foreign
from sknoisy.detection import ConfidentLearning
from sknoisy.noise_model import NeighborTransition

from .everyone import N, case_of, that_fit
from .foreign import Cupy, Elsewhere, OnlyDLPack, as_plain, jax_array, jax_doubles

EVERYONE = {kind.__name__: kind for kind in that_fit() if ".dask." not in kind.__module__}
ONE_OF_EACH_ROOM = {  # the first one
    kind.__module__.rpartition(".")[0]: name for name, kind in reversed(EVERYONE.items())
}
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
# instead of forests, and of many draws
MEMBERS = {"estimators": [("bayes", GaussianNB()), ("logistic", LogisticRegression())]}
QUICK = {
    "Consensus": MEMBERS,
    "ContaminationPosterior": {"n_components": 4, "n_samples": 100},
    "CorrectiveUnlearningClassifier": {"judge": GaussianNB()},
    "CorrectiveUnlearningRegressor": {"judge": GaussianNB()},
    "INFFC": MEMBERS,
    "InstanceHardness": MEMBERS,
    "MultiLabelDetector": {"detector": ConfidentLearning(LogisticRegression(), cv=2)},
    "RegionTransition": {"transition": NeighborTransition()},
    "RejectRegressor": {"by": "novelty", "novelty_detector": GaussianMixture()},
}
pytestmark = pytest.mark.usefixtures("small_forests")


def case(name):
    """(estimator, what `fit` gets by name: all rows, targets and metadata that it asks for)."""
    made = case_of(EVERYONE[name])
    made.estimator.set_params(**QUICK.get(name, {}))
    asked = list(signature(made.estimator.fit).parameters)
    given = {asked[0]: made.X} | ({} if made.y is None else {"y": made.y}) | made.fit_params
    known = {**METADATA, "y_true": made.y}
    if asked[0] == "score":
        known["X"] = np.column_stack([ROWS, made.X])
    elif name == "TargetShiftRegressor":
        known["X_target"] = made.X[: N // 2] + 0.1
    given |= {k: v for k, v in known.items() if k in asked and k not in given}
    return made.estimator, {k: np.asarray(v) for k, v in given.items()}


@cache
def expected(name):
    """The estimator as fitted to arrays of NumPy, and what it answers."""
    estimator, given = case(name)
    fitted = clone(estimator).fit(**given)
    return fitted, {method: answer(fitted, method, given) for method in methods(fitted, given)}


def methods(model, given):
    of_targets = ["score", "noise_report"] * ("y" in given)
    return [name for name in (*ANSWERS, *of_targets) if hasattr(model, name)]


def answer(model, method, given):
    """What a model says of the rows that were given to `fit`, as arrays of NumPy."""
    rows = next(iter(given.values()))
    if method == "score":
        return model.score(rows, given["y"])
    if method == "noise_report":
        return model.noise_report(rows, given["y"]).select_dtypes("number").to_numpy(float)
    said = getattr(model, method)(rows)
    return [as_plain(part) for part in said] if isinstance(said, tuple | list) else as_plain(said)


def learnt(model):
    """Fitted attributes that are arrays, numbers or texts; none is of another library."""
    found = {k: v for k, v in vars(model).items() if k.endswith("_")}
    assert not [k for k, v in found.items() if is_foreign(v)]
    return {k: v for k, v in found.items() if isinstance(v, np.ndarray | float | int | str)}


def assert_learnt(model, right):
    found, right = learnt(model), learnt(right)
    assert found.keys() == right.keys()
    for what, value in right.items():
        assert_same(found[what], value, what)


def assert_same(found, right, what):
    if isinstance(right, list):
        for one, other in zip(found, right, strict=True):
            assert_same(one, other, what)
    elif np.asarray(right).dtype.kind == "f":
        np.testing.assert_allclose(found, right, 1e-5, 1e-8, err_msg=what)
    else:
        np.testing.assert_array_equal(found, right, what)


@contextmanager
def or_refused(library, what="X"):
    """Whatever fails inside says what it is, and what to give."""
    try:
        yield
    except Exception as error:
        said = " ".join([str(error), *getattr(error, "__notes__", [])])
        assert f"{what} is a {library}." in said, said
        assert "give " in said, said


def check_same(name, made):
    """All that `fit` and what comes after it get may be of another library."""
    estimator, given = case(name)
    fitted, said = expected(name)
    given = {k: made(v) for k, v in given.items()}
    found = clone(estimator).fit(**given)
    assert_learnt(found, fitted)
    for method in methods(found, given):
        assert_same(answer(found, method, given), said[method], method)


def check_same_or_refused(name, made, library):
    """Rows may be what a model cannot read: then the error says so."""
    estimator, given = case(name)
    fitted, said = expected(name)
    rows = next(iter(given))
    given = given | {rows: made(given[rows])}
    what = rows if rows in ("score", "votes") else "X"
    with or_refused(library, what):
        assert_learnt(clone(estimator).fit(**given), fitted)
    for method in said:
        with or_refused(library, what):
            assert_same(answer(fitted, method, given), said[method], method)


@pytest.mark.parametrize("name", EVERYONE)
def test_what_only_has_dlpack_is_read(name):
    check_same(name, OnlyDLPack)


@pytest.mark.parametrize("name", EVERYONE)
def test_rows_of_cupy_are_read_or_refused(name):
    check_same_or_refused(name, Cupy, "cupy")


# it is slow with shapes that are new to it; each detector and treatment is in test_arrays.py
SOME = {room.split(".")[1]: name for room, name in reversed(ONE_OF_EACH_ROOM.items())}


@pytest.mark.parametrize("name", SOME.values())
def test_jax(name):
    with jax_doubles():
        check_same(name, jax_array)


# --------------------------------------------------------------------------- PyTorch itself


@pytest.fixture
def torch():
    return pytest.importorskip("torch", exc_type=ImportError)


@pytest.mark.parametrize("name", EVERYONE)
def test_tensors(name, torch):
    check_same(name, torch.as_tensor)


@pytest.mark.parametrize("name", EVERYONE)
def test_tensors_with_a_gradient_are_read_or_refused(name, torch):
    check_same_or_refused(name, lambda v: _with_gradient(torch.as_tensor(v)), "torch")


def _with_gradient(tensor):
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


@pytest.mark.parametrize("name", EVERYONE)
def test_tensors_without_numbers_are_refused(name, torch):
    estimator, given = case(name)
    for what, values in given.items():
        given_now = given | {what: torch.as_tensor(values).to("meta")}
        with or_refused("torch", what):
            assert_learnt(clone(estimator).fit(**given_now), expected(name)[0])


@pytest.mark.parametrize("name", ONE_OF_EACH_ROOM.values())
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_tensors_of_half_precision(name, kind, torch):
    estimator, given = case(name)

    def half(values):
        tensor = torch.as_tensor(values)
        return tensor.to(getattr(torch, kind)) if tensor.is_floating_point() else tensor

    halves = {k: half(v) for k, v in given.items()}
    wide = {k: v.float().numpy() if v.is_floating_point() else v.numpy() for k, v in halves.items()}
    with or_refused("torch", ""):  # whichever comes first
        found = clone(estimator).fit(**halves)
        if kind == "bfloat16":
            assert_learnt(found, clone(estimator).fit(**wide))


def test_sparse_tensors_are_refused(torch):
    estimator, given = case("FilterClassifier")
    with pytest.raises(TypeError, match=r"give X.to_dense\(\).detach\(\).cpu\(\).numpy\(\)"):
        estimator.fit(**given | {"X": torch.as_tensor(given["X"]).to_sparse()})


# --------------------------------------------------------------------------- what is given beside


@pytest.mark.parametrize("name", EVERYONE)
def test_what_cannot_be_read_is_refused_by_its_name(name):
    estimator, given = case(name)
    for what, values in given.items():
        said = None
        try:
            clone(estimator).fit(**given | {what: Elsewhere(values)})
        except TypeError as error:
            said = str(error)
        assert said is None or f"{what} is a tests.Elsewhere, and cannot be read" in said


@pytest.mark.parametrize("name", ["FilterClassifier", "GroupDROClassifier", "DawidSkene"])
def test_lists_of_arrays(name):
    """As `list(tensor)` makes them; by themselves, no two of them are the same group."""
    estimator, given = case(name)
    first, *others = given
    given_now = given | {k: [Cupy(v) for v in given[k]] for k in others}
    if first == "votes":
        given_now["votes"] = [Cupy(row) for row in given["votes"]]
    assert_learnt(clone(estimator).fit(**given_now), expected(name)[0])


def evidence_for(name):
    """Estimator, its targets, and all that it takes in place of fits."""
    estimator, given = case(name)
    X, y = given["X"], given["y"]
    rng = np.random.default_rng(0)
    own = {"predicted": y + rng.normal(size=N), "features": X}
    if estimator._task != "regression":
        right = 0.5 + 0.4 * rng.random(N)
        proba = np.column_stack([1.0 - right, right])
        own["predicted"] = np.where(y[:, None] == 1, proba, proba[:, ::-1])
        own["stages"] = np.stack([0.5 * own["predicted"] + 0.25, own["predicted"]], axis=1)
    return estimator, y, {k: v for k, v in own.items() if k in estimator._takes}


@pytest.mark.parametrize("name", [n for n, kind in EVERYONE.items() if getattr(kind, "_takes", ())])
@pytest.mark.parametrize("made", [OnlyDLPack, Cupy], ids=["dlpack", "cupy"])
def test_own_evidence(name, made):
    estimator, y, own = evidence_for(name)
    right = clone(estimator).fit(None, y, **own)
    assert_learnt(
        clone(estimator).fit(None, made(y), **{k: made(v) for k, v in own.items()}), right
    )


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("TransitionClassifier", "transition", [[0.9, 0.1], [0.2, 0.8]]),
        ("DawidSkene", "class_prior", [0.4, 0.6]),
        ("SoftPseudoLabelClassifier", "class_prior", [0.4, 0.6]),
    ],
)
def test_parameters_of_the_estimator(name, parameter, value):
    estimator, given = case(name)
    right = clone(estimator).set_params(**{parameter: np.array(value)}).fit(**given)
    found = clone(estimator).set_params(**{parameter: Cupy(np.array(value))}).fit(**given)
    assert_learnt(found, right)


@pytest.mark.parametrize("name", ["FilterClassifier", "ReweightRegressor"])
@pytest.mark.parametrize("made", [OnlyDLPack, Cupy], ids=["dlpack", "cupy"])
def test_chunks(name, made):
    estimator, given = case(name)
    estimator.set_params(estimator=ReadsAll(GaussianNB() if "Class" in name else SGDRegressor()))
    given = {k: given[k] for k in ("X", "y", "sample_weight", "trusted")}
    if "Class" in name:
        given["classes"] = np.unique(given["y"])
    right, found = (clone(estimator).set_params(random_state=0) for _ in range(2))
    for _ in range(2):
        right.partial_fit(**given)
        found.partial_fit(**{k: made(v) for k, v in given.items()})
    assert_learnt(found, right)


# --------------------------------------------------------------------------- models of CuPy


class ReadsAll(BaseEstimator):
    """A model that reads arrays of any kind; `made` is what its answers are made."""

    def __init__(self, model, made=None):
        self.model = model
        self.made = made

    def fit(self, X, y, sample_weight=None):
        self.model_ = clone(self.model).fit(as_plain(X), y, sample_weight=sample_weight)
        return self

    @available_if(lambda self: hasattr(self.model, "partial_fit"))
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.model_ = getattr(self, "model_", None) or clone(self.model)
        params = {} if classes is None else {"classes": classes}
        self.model_.partial_fit(as_plain(X), y, sample_weight=sample_weight, **params)
        return self

    def _said(self, method, X):
        said = getattr(self.model_, method)(as_plain(X))
        return said if self.made is None else self.made(said)

    def predict(self, X):
        return self._said("predict", X)

    @available_if(lambda self: is_classifier(self.model))
    def predict_proba(self, X):
        return self._said("predict_proba", X)

    @property
    def classes_(self):
        return self.model_.classes_

    def __sklearn_tags__(self):
        return get_tags(self.model)


@pytest.mark.parametrize(
    "name",
    [
        "CrowdClassifier",
        "CrowdRegressor",
        "FilterClassifier",
        "ListDecodableRegressor",
        "LocationScaleRegressor",
        "MultiLabelClassifier",
        "OneSidedRegressor",
        "PartialLabelClassifier",
        "PUMultiOutputClassifier",
        "RejectClassifier",
        "RejectRegressor",
        "RobustSelfTraining",
        "StampDefenseClassifier",
        "SubjectiveLearningClassifier",
        "TargetShiftRegressor",
        "WeaklySupervisedClassifier",
    ],
)
def test_a_model_that_reads_and_answers_in_cupy(name):
    estimator, given = case(name)
    inner = "treatment__estimator" if name == "MultiLabelClassifier" else "estimator"
    model = estimator.get_params()[inner]
    right = clone(estimator).set_params(**{inner: ReadsAll(model)}).fit(**given)
    found = clone(estimator).set_params(**{inner: ReadsAll(model, Cupy)})
    on_device = {k: Cupy(v) for k, v in given.items()}
    found.fit(**on_device)
    assert_learnt(found, right)
    for method in methods(found, given):
        assert_same(answer(found, method, on_device), answer(right, method, given), method)
