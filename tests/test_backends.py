"""joblib's backends that reach beyond one machine: the same results as in one process."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.linear_model import LogisticRegression, Ridge

from sknoisy import FilterClassifier, FilterRegressor, RobustClassifier
from sknoisy.detection import AreaUnderMargin, DataOOB

from .helpers import noisy_labels, noisy_numbers


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    how = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**how) as cluster, distributed.Client(cluster):
        yield cluster


MODELS = {
    "filter": FilterClassifier(LogisticRegression(), random_state=0),
    "stages": FilterClassifier(LogisticRegression(), AreaUnderMargin(), random_state=0),
    "bags": FilterClassifier(LogisticRegression(), DataOOB(), random_state=0),
    "default": RobustClassifier(LogisticRegression(), random_state=0),
    "numbers": FilterRegressor(Ridge(), random_state=0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_dask_gives_what_one_process_gives(cluster, name):
    X, y = noisy_numbers(300) if name == "numbers" else noisy_labels(300)
    model = MODELS[name]
    here = model.fit(X, y)
    expected = here.noise_proba_, here.predict(X)
    with parallel_config(backend="dask"):
        model.set_params(n_jobs=-1).fit(X, y)
    np.testing.assert_array_equal(model.noise_proba_, expected[0])
    np.testing.assert_array_equal(model.predict(X), expected[1])


@pytest.mark.slow
def test_ray_gives_what_one_process_gives():
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    X, y = noisy_labels(300)
    model = FilterClassifier(LogisticRegression(), calibrate=False, random_state=0)
    expected = model.fit(X, y).noise_proba_
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20)
    try:
        register_ray()
        with parallel_config(backend="ray"):
            model.set_params(n_jobs=-1).fit(X, y)  # one pool of workers, which are slow to start
    finally:
        ray.shutdown()
    np.testing.assert_array_equal(model.noise_proba_, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # without such a device, xgboost says so and goes on
def test_a_device_passes_through():
    xgboost = pytest.importorskip("xgboost")
    X, y = noisy_labels(300)
    model = FilterClassifier(xgboost.XGBClassifier(n_estimators=5, device="cuda"), random_state=0)
    assert model.fit(X, y).estimator_.get_params()["device"] == "cuda"
    assert model.detector_.estimator.get_params()["device"] == "cuda"
    assert model.predict(X).shape == (300,)
