"""Arrays of JAX, CuPy and others pass, or are refused by name with what to give instead."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict

import sknoisy
from sknoisy import FilterClassifier, FilterRegressor, RobustClassifier
from sknoisy.detection import (
    ConfidentLearning,
    DatasetMap,
    KNNShapley,
    NeighborDisagreement,
    Residual,
    SelfInfluence,
)
from sknoisy.training.losses import RobustLossClassifier
from sknoisy.training.mixing import MixupClassifier

from .foreign import KINDS, Cupy, Elsewhere, Flow, Tensor, jax_array
from .helpers import asks, fits, noisy_labels, noisy_numbers, recording
from .test_estimator_checks import detectors

X, Y = noisy_labels(90)
X_NUMBERS, NUMBERS = noisy_numbers(90)
X, X_NUMBERS, NUMBERS = (a.astype(np.float32) for a in (X, X_NUMBERS, NUMBERS))
PROBA = cross_val_predict(LogisticRegression(), X, Y, method="predict_proba").astype(np.float32)


@pytest.fixture(params=KINDS)
def made(request):
    return KINDS[request.param]


def same(found, expected):
    np.testing.assert_array_equal(found.noise_mask_, expected.noise_mask_)
    np.testing.assert_allclose(found.noise_proba_, expected.noise_proba_, atol=1e-6)


# --------------------------------------------------------------------------- what sknoisy reads


@pytest.mark.parametrize(
    ("detector", "own"),
    [
        (ConfidentLearning(), {"predicted": PROBA}),
        (DatasetMap(contamination=0.1), {"stages": np.stack([(PROBA + 1 / 3) / 2, PROBA], 1)}),
        (DatasetMap(contamination=0.1), {"stages": -np.log(PROBA[:, :2])}),
        (NeighborDisagreement(), {"features": X}),
        (KNNShapley(), {"features": X}),
    ],
)
def test_own_evidence_and_labels(made, detector, own):
    expected = clone(detector).fit(None, Y, **own)
    given = {name: made(values) for name, values in own.items()}
    found = clone(detector).fit(None, made(Y), **given)
    same(found, expected)
    np.testing.assert_array_equal(found.y_suggested_, expected.y_suggested_)
    assert len(found.noise_report(made(X), made(Y))) == len(Y)


def test_numbers(made):
    predicted = cross_val_predict(Ridge(), X_NUMBERS, NUMBERS)
    expected = Residual().fit(None, NUMBERS, predicted=predicted)
    same(Residual().fit(None, made(NUMBERS), predicted=made(predicted)), expected)


def test_weights_groups_and_trust(made):
    rows = np.arange(len(Y))
    given = {"sample_weight": 1.0 + rows % 3, "groups": rows // 3, "trusted": rows % 9 == 0}
    model = FilterClassifier(LogisticRegression(), random_state=0)
    found = clone(model).fit(X, Y, **{name: made(values) for name, values in given.items()})
    same(found, clone(model).fit(X, Y, **given))


def test_half_precision():
    bfloat16 = pytest.importorskip("jax.numpy", exc_type=ImportError).bfloat16
    proba = jax_array(PROBA).astype(bfloat16)
    found = ConfidentLearning().fit(None, Y, predicted=proba)
    assert found.class_proba_.dtype == np.float32
    expected = ConfidentLearning().fit(None, Y, predicted=np.asarray(proba, dtype=np.float32))
    same(found, expected)
    with pytest.raises(ValueError, match="numpy.asarray.X., of float32 .NumPy has no bfloat16"):
        FilterClassifier(LogisticRegression()).fit(jax_array(X).astype(bfloat16), Y)


@pytest.mark.parametrize("name", ["predicted", "stages", "features", "y", "trusted", "groups"])
def test_what_cannot_be_read_is_refused_by_name(name):
    given = {"X": None if name in ("predicted", "stages") else X, "y": Y}
    given[name] = Elsewhere(X)
    with pytest.raises(TypeError, match=rf"^{name} is .*Elsewhere, .*numpy.from_dlpack\({name}\)"):
        ConfidentLearning(LogisticRegression()).fit(**given)
    with pytest.raises(TypeError, match=r"^X is .*numpy.from_dlpack\(X\)"):
        FilterClassifier(LogisticRegression()).fit(Elsewhere(X), Y)


def test_rows_that_cannot_be_taken_are_refused_by_name():
    with pytest.raises(TypeError, match=r"^X is a tensorflow.Flow of float32, .*give X.numpy\(\)"):
        FilterClassifier(LogisticRegression()).fit(Flow(X), Y)


class WithHints(LogisticRegression):
    def fit(self, X, y, hints=None):
        assert len(hints) == len(X)
        return super().fit(X, y)


def test_parameters_of_fit_are_sliced_with_the_rows(made):
    model = FilterClassifier(WithHints(), random_state=0)
    hints = np.arange(len(Y))
    same(clone(model).fit(X, Y, hints=made(hints)), clone(model).fit(X, Y, hints=hints))


# --------------------------------------------------------------------------- what models are given


class OnlyCupy(ClassifierMixin, BaseEstimator):
    """Takes and gives arrays of CuPy, as cuML's models do."""

    def fit(self, X, y):
        assert type(X) is Cupy
        self.model_ = LogisticRegression().fit(X.get(), y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        assert type(X) is Cupy
        return Cupy(self.model_.predict_proba(X.get()))

    def predict(self, X):
        assert type(X) is Cupy
        return Cupy(self.model_.predict(X.get()))


def test_a_model_of_cupy_gets_and_gives_cupy():
    expected = FilterClassifier(LogisticRegression(), random_state=0).fit(X, Y)
    model = FilterClassifier(OnlyCupy(), random_state=0).fit(Cupy(X), Cupy(Y))
    same(model, expected)
    assert type(model.predict(Cupy(X))) is Cupy
    np.testing.assert_array_equal(model.predict(Cupy(X)).get(), expected.predict(X))
    kept, labels = ConfidentLearning(OnlyCupy(), random_state=0).fit_resample(Cupy(X), Cupy(Y))
    assert type(kept) is Cupy
    assert len(kept) == len(labels) < len(Y)


@pytest.mark.parametrize(
    "estimator",
    [
        FilterClassifier(LogisticRegression()),
        RobustClassifier(LogisticRegression(), effort="fast"),
        RobustLossClassifier(LogisticRegression()),
        MixupClassifier(LogisticRegression()),
        ConfidentLearning(LogisticRegression()),
        SelfInfluence(LogisticRegression()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_another_model_says_what_to_give(estimator):
    with pytest.raises(TypeError, match="X is a cupy.Cupy of float32.*give cupy.asnumpy.X."):
        clone(estimator).fit(Cupy(X), Y)
    if hasattr(estimator, "predict"):
        fitted = clone(estimator).fit(X, Y)
        with pytest.raises(TypeError, match="give cupy.asnumpy.X."):
            fitted.predict(Cupy(X))
        with pytest.raises(TypeError, match=r"give X.detach\(\).cpu\(\).numpy\(\)"):
            fitted.predict(Tensor(X))


def test_an_error_of_numpy_rows_is_left_alone():
    with pytest.raises(ValueError, match="NaN") as info:
        FilterClassifier(LogisticRegression()).fit(np.where(X > 0, X, np.nan), Y)
    assert "asnumpy" not in " ".join(info.value.__notes__)


@pytest.mark.parametrize("kind", ["jax", "torch", "strict"])
def test_rows_reach_the_model_in_the_type_that_came(kind):
    given = KINDS[kind](X)
    inner, calls = recording(ThroughNumPy())
    FilterClassifier(inner, random_state=0).fit(given, Y)
    assert fits(calls)
    assert {type(call.X) for call in [*fits(calls), *asks(calls)]} == {type(given)}


class ThroughNumPy(LogisticRegression):
    """Reads what it is given, a tensor with a gradient too."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(plain(X), y, sample_weight)

    def predict_proba(self, X):
        return super().predict_proba(plain(X))

    def predict(self, X):
        return super().predict(plain(X))


def plain(X):
    return np.asarray(X.detach() if hasattr(X, "detach") else X)


TREATMENTS = [
    *(
        getattr(sknoisy, f"{what}Classifier")(LogisticRegression(), random_state=0)
        for what in ("Filter", "Reweight", "Relabel")
    ),
    FilterRegressor(Ridge(), random_state=0),
]


@pytest.mark.parametrize(
    ("estimator", "kind"),
    [
        *((estimator, "jax") for estimator in [*detectors(), *TREATMENTS]),
        *((estimator, "strict") for estimator in TREATMENTS),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
def test_every_detector_and_treatment_takes_them_as_X(estimator, kind, small_forests):
    numbers = getattr(estimator, "_task", None) == "regression" or is_regressor(estimator)
    rows, y = (X_NUMBERS, NUMBERS) if numbers else (X, Y)
    expected = clone(estimator).fit(rows, y)
    found = clone(estimator).fit(KINDS[kind](rows), KINDS[kind](y))
    np.testing.assert_array_equal(found.noise_mask_, expected.noise_mask_)
    np.testing.assert_allclose(found.noise_proba_, expected.noise_proba_, atol=1e-5)
    if hasattr(found, "predict"):
        np.testing.assert_allclose(found.predict(KINDS[kind](rows)), expected.predict(rows), 1e-5)


# --------------------------------------------------------------------------- array API dispatch

DISPATCH = """
import warnings
import jax.numpy as jnp
import numpy as np
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sknoisy import FilterClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning, NeighborDisagreement

rng = np.random.RandomState(0)
y = np.tile([0, 1, 2], 40)
X = (rng.normal(size=(120, 3)) + 3 * np.eye(3)[y]).astype(np.float32)
y, _ = symmetric_noise(y, 0.2, random_state=0)
proba = cross_val_predict(LogisticRegression(), X, y, method="predict_proba").astype(np.float32)
model = FilterClassifier(LogisticRegression(), random_state=0)
ways = [
    lambda X, y, proba: ConfidentLearning().fit(None, y, predicted=proba),
    lambda X, y, proba: NeighborDisagreement().fit(X, y),
    lambda X, y, proba: model.fit(X, y),
]
plain = [way(X, y, proba).noise_mask_.copy() for way in ways]
with config_context(array_api_dispatch=True):
    for way, mask in zip(ways, plain):
        assert (way(X, y, proba).noise_mask_ == mask).all()
        try:
            found = way(*map(jnp.asarray, (X, y, proba)))
        except TypeError as error:  # scikit-learn itself cannot do this with JAX
            assert way is ways[2] and "give numpy.asarray(X)" in error.__notes__[0], error
        else:
            assert (found.noise_mask_ == mask).all()
print("ok")
"""


def test_array_api_dispatch():
    """The same flags, or an error that says what to give; scipy has to know before it is loaded."""
    pytest.importorskip("jax", exc_type=ImportError)
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(DISPATCH)],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "array_api_compat" in run.stderr:
        pytest.skip("scikit-learn below 1.7 needs array_api_compat")
    assert run.stdout.strip() == "ok", run.stderr
