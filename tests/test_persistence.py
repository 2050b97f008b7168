"""Whatever is fitted can be written and read, by several writers."""

import copy
import inspect
import io
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB

import sknoisy
from sknoisy import FilterClassifier, RobustClassifier, RobustRegressor, detection, threshold
from sknoisy.detection import CombinedDetector, InstanceHardness, NeighborDisagreement

from .fuzzer import trials
from .helpers import noisy_labels, noisy_numbers

X, CODES = noisy_labels(40, n_classes=2)
LABELS = np.array(["no", "yes"])[CODES]
X_NUMBERS, NUMBERS = noisy_numbers(40)
DETECTORS = list(trials.detector_classes().values())
CHEAP = {"n_bags": 4, "n_repeats": 2, "n_rounds": 1, "n_stages": 3, "max_iter": 2}
THRESHOLDS = [
    threshold.FixedRate(0.1),
    threshold.MixturePosterior(per_class=True),
    threshold.ContaminationPosterior(),
    threshold.Elbow(),
]


def by_skops(model):
    sio = pytest.importorskip("skops.io")
    data = sio.dumps(model)
    return sio.loads(data, trusted=sio.get_untrusted_types(data=data))


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def by_pickle(model):
    return pickle.loads(pickle.dumps(model))


WRAPPERS = [name for name in sknoisy.__all__ if inspect.isclass(getattr(sknoisy, name))]
WRITERS = [by_skops, by_joblib, by_pickle, copy.deepcopy]


def assert_same(one, other):
    """The same type, and the same attributes, in value and dtype."""
    assert type(one) is type(other)
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    elif isinstance(one, detection.BaseDetector) or hasattr(one, "noise_mask_"):
        assert set(vars(one)) == set(vars(other))
        for name in vars(one):
            assert_same(getattr(one, name), getattr(other, name))


def quietly(fit, *data, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(*data, **how)


@pytest.mark.parametrize("kind", DETECTORS)
def test_detectors(kind):
    parameters = inspect.signature(kind).parameters
    how = {name: value for name, value in CHEAP.items() if name in parameters}
    numbers = kind._task == "regression"
    if "estimator" in parameters:
        how["estimator"] = Ridge() if numbers else LogisticRegression()
    elif "estimators" in parameters:
        how["estimators"] = [("bayes", GaussianNB()), ("linear", LogisticRegression())]
    if "random_state" in parameters:
        how["random_state"] = np.random.RandomState(0)
    if kind is CombinedDetector:
        how = {"detectors": [("near", NeighborDisagreement())]}
    data = (X_NUMBERS, NUMBERS) if numbers else (X, LABELS)
    detector = quietly(kind(**how).fit, *data, groups=np.arange(40) // 4)
    for written in (copy.deepcopy, by_skops):  # the others go the ways of these
        again = written(detector)
        assert_same(detector, again)
        pd.testing.assert_frame_equal(detector.noise_report(*data), again.noise_report(*data))


@pytest.mark.parametrize(
    "name", [n for n in sknoisy.__all__ if inspect.isclass(getattr(sknoisy, n))]
)
@pytest.mark.parametrize("written", WRITERS)
def test_treatments(name, written):
    numbers = name.endswith("Regressor")
    y = NUMBERS if numbers else LABELS
    table = pd.DataFrame(X_NUMBERS if numbers else X, index=[f"r{i}" for i in range(40)])
    table.columns = [f"c{i}" for i in range(table.shape[1])]
    model = getattr(sknoisy, name)(Ridge() if numbers else LogisticRegression(), random_state=0)
    quietly(model.fit, table, y)
    again = written(model)
    assert_same(model, again)
    np.testing.assert_array_equal(model.predict(table), again.predict(table))
    pd.testing.assert_frame_equal(model.noise_report(table, y), again.noise_report(table, y))


@pytest.mark.parametrize("rule", THRESHOLDS)
def test_thresholds(rule):
    model = quietly(FilterClassifier(LogisticRegression(), contamination=rule).fit, X, LABELS)
    assert_same(model, by_skops(model))


@pytest.mark.parametrize("written", WRITERS)
def test_tables_come_back_as_they_were(written):
    chosen = RobustClassifier(LogisticRegression(), random_state=0)
    chosen = quietly(chosen.fit, *noisy_labels(120, n_classes=2, rate=0.25))
    assert len(chosen.selection_) >= 3
    hard = quietly(InstanceHardness(measures=["learners", "kdn"]).fit, X, LABELS)
    plain = quietly(RobustRegressor(Ridge(), random_state=0).fit, X_NUMBERS[:20], NUMBERS[:20])
    assert len(plain.selection_) == 0
    for model, name in ((chosen, "selection_"), (hard, "measures_"), (plain, "selection_")):
        again = written(model)
        pd.testing.assert_frame_equal(getattr(model, name), getattr(again, name))
        assert not any(isinstance(value, pd.DataFrame) for value in model.__getstate__().values())
    assert_same(hard, written(written(hard)))
