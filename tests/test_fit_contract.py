"""What scikit-learn's users may rely on: parameters, copies, caches, limits, reports, errors."""

import copy
import pickle
from inspect import signature

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    RelabelRegressor,
    ReweightClassifier,
    ReweightRegressor,
)
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import BaseDetector, ConfidentLearning, Residual
from sknoisy.exceptions import CleaningLimitWarning
from sknoisy.threshold import ConfidentJointCount, FixedRate, MixturePosterior

from .helpers import fits, noisy_labels, noisy_numbers, recording

N = 90
X, CODES = noisy_labels(N)
Y = np.array(["a", "b", "c"])[CODES]
X_NUMBERS, NUMBERS = noisy_numbers(N)


def classifiers(estimator, *args, **params):
    soft = RelabelClassifier(estimator, *args, mode="soft", **params)
    return [
        FilterClassifier(estimator, *args, **params),
        ReweightClassifier(estimator, *args, **params),
        RelabelClassifier(estimator, *args, confidence=0.0, **params),
        soft,
    ]


def regressors(estimator, *args, **params):
    hard = RelabelRegressor(estimator, *args, mode="hard", confidence=0.0, **params)
    return [
        FilterRegressor(estimator, *args, **params),
        ReweightRegressor(estimator, *args, **params),
        RelabelRegressor(estimator, *args, **params),
        hard,
    ]


TREATMENTS = [
    *((model, X, Y) for model in classifiers(LogisticRegression(), random_state=0)),
    *((model, X_NUMBERS, NUMBERS) for model in regressors(Ridge(), random_state=0)),
]
DETECTORS = [
    (ConfidentLearning(LogisticRegression(), random_state=0), X, Y),
    (Residual(Ridge(), random_state=0), X_NUMBERS, NUMBERS),
]


@pytest.fixture(params=TREATMENTS, ids=lambda case: str(case[0]))
def treatment(request):
    """(a treatment that is not fitted, X, y)."""
    model, X, y = request.param
    return clone(model), X, y


@pytest.fixture(params=TREATMENTS + DETECTORS, ids=lambda case: str(case[0]))
def case(request):
    """(a treatment or detector that is not fitted, X, y)."""
    model, X, y = request.param
    return clone(model), X, y


def learned(model):
    """All that fit has set, in a comparable form."""
    return {
        name: pickle.dumps(value)
        for name, value in vars(model).items()
        if name.endswith("_") or name.startswith("_")
    }


# --------------------------------------------------------------------------- failed fits


class Limited(ClassifierMixin, BaseEstimator):
    """Can be fitted `n_fits` times in all, by its copies too."""

    left = 0

    def fit(self, X, y, sample_weight=None):
        Limited.left -= 1
        if Limited.left < 0:
            raise RuntimeError("worn out")
        self.model_ = LogisticRegression().fit(X, y, sample_weight)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)

    def predict(self, X):
        return self.model_.predict(X)


@pytest.mark.parametrize("n_fits", [0, 2, 5])  # the first fold fails, the third, the last fit
@pytest.mark.parametrize("model", classifiers(Limited(), random_state=0), ids=str)
def test_a_failed_fit_changes_nothing(model, n_fits):
    model = clone(model)
    Limited.left = n_fits
    with pytest.raises(RuntimeError, match="worn out"):
        model.fit(X, Y)
    assert learned(model) == {}

    Limited.left = 6
    before = learned(model.fit(X, Y))
    Limited.left = n_fits
    with pytest.raises(RuntimeError, match="worn out"):
        model.fit(pd.DataFrame(X[:80, :3], columns=list("abc")), Y[:80])
    assert learned(model) == before


class NoVerdict(BaseEstimator):
    """A threshold that fails after the detector has found its scores."""

    def fit(self, score, y=None):
        raise RuntimeError("no verdict")


def bad_attempts(X, y):
    """Ways to make fit fail: parameters, input, threshold."""
    few = X[:50, :3]
    gaps = y[:50].astype(object)
    gaps[3] = None
    yield {}, (few, gaps)
    yield {}, (few, y[:40])
    yield {"contamination": 0.9}, (few, y[:50])
    yield {"contamination": NoVerdict()}, (few, y[:50])
    yield {"random_state": "x"}, (few, y[:50])


@pytest.mark.parametrize("attempt", range(5))
def test_bad_input_leaves_the_object_as_before(case, attempt):
    model, X, y = case
    params, data = list(bad_attempts(X, y))[attempt]
    fresh = clone(model).set_params(**params)
    with pytest.raises((ValueError, RuntimeError)):
        fresh.fit(*data)
    assert learned(fresh) == {}
    with pytest.raises(NotFittedError):
        fresh.noise_report(X, y)

    before = learned(model.fit(X, y))
    model.set_params(**params)
    with pytest.raises((ValueError, RuntimeError)):
        model.fit(*data)
    assert learned(model) == before


def test_a_second_fit_forgets_the_first(case):
    model, X, y = case
    model.fit(pd.DataFrame(X, columns=list("abcdef")), y)
    assert list(model.feature_names_in_) == list("abcdef")
    model.fit(X[:60, :4], y[:60])
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 4
    assert len(model.noise_mask_) == 60
    assert learned(model) == learned(clone(model).fit(X[:60, :4], y[:60]))


def test_attributes_of_another_setting_are_gone():
    detector = ConfidentLearning(LogisticRegression(), contamination=0.1, random_state=0).fit(X, Y)
    assert isinstance(detector.threshold_, FixedRate)
    assert not hasattr(detector.set_params(contamination="auto").fit(X, Y), "threshold_")


# --------------------------------------------------------------------------- copies, parameters


def test_copies_say_the_same(case, tmp_path):
    model, X, y = case
    model.fit(X, y)
    joblib.dump(model, tmp_path / "model")
    copies = [
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        joblib.load(tmp_path / "model"),
    ]
    for twin in copies:
        assert learned(twin).keys() == learned(model).keys()
        np.testing.assert_array_equal(twin.noise_proba_, model.noise_proba_)
        pd.testing.assert_frame_equal(twin.noise_report(X, y), model.noise_report(X, y))
        if hasattr(model, "predict"):
            np.testing.assert_array_equal(twin.predict(X), model.predict(X))
        else:
            np.testing.assert_array_equal(twin.sample_indices_, model.sample_indices_)


def test_clone_and_repr(case):
    model, X, y = case
    twin = clone(model.fit(X, y))
    assert learned(twin) == {}
    assert repr(twin) == repr(model)
    assert type(model).__name__ in repr(model)
    assert model._repr_html_()
    assert set(model.get_params(deep=False)) == set(signature(type(model)).parameters)


def test_parameters_are_not_touched_by_fit(case):
    model, X, y = case
    before = joblib.hash(model.get_params())
    model.fit(X, y)
    assert joblib.hash(model.get_params()) == before
    assert not hasattr(model.estimator, "coef_")
    assert not hasattr(model, "predict") or model.estimator_ is not model.estimator


def test_nested_parameters():
    detector = ConfidentLearning(LogisticRegression())
    model = FilterClassifier(make_pipeline(StandardScaler(), SVC()), detector)
    model.set_params(
        estimator__svc__C=3.0,
        detector__contamination=FixedRate(),
        detector__contamination__rate=0.25,
        detector__cv=3,
        detector__estimator__C=0.5,
    )
    params = model.get_params()
    assert params["estimator__svc__C"] == 3.0
    assert params["detector__contamination__rate"] == 0.25
    assert params["detector__estimator__C"] == 0.5
    model.fit(X, Y)
    assert model.estimator_[-1].C == 3.0
    assert model.detector_.estimator.C == 0.5
    assert model.detector_.threshold_.rate == 0.25
    assert model.detector_.noise_mask_.sum() == round(0.25 * N)
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
        model.set_params(detector__nonsense=1)


def test_parameters_of_a_part_that_is_not_there():
    model = FilterClassifier(LogisticRegression())
    for search in (model, GridSearchCV(model, {"detector__cv": [2]}, cv=2, error_score="raise")):
        with pytest.raises(
            ValueError, match="detector__cv cannot be set, since detector of Filter"
        ):
            search.set_params(detector__cv=2) if search is model else search.fit(X, CODES)
    model.set_params(detector__cv=2, detector=ConfidentLearning())
    assert model.detector.cv == 2
    with pytest.raises(ValueError, match="Invalid parameter"):
        model.set_params(detektor__cv=2)


def test_contamination_of_the_treatment_comes_first():
    detector = ConfidentLearning(contamination=0.4)
    model = FilterClassifier(LogisticRegression(), detector, contamination=0.1).fit(X, Y)
    assert model.detector_.noise_mask_.sum() == 9
    assert detector.contamination == 0.4
    model.set_params(contamination=None).fit(X, Y)
    assert model.detector_.noise_mask_.sum() == 36


def test_a_grid_search_reaches_every_level():
    model = FilterClassifier(LogisticRegression(), ConfidentLearning(KNeighborsClassifier()))
    grid = {
        "detector__contamination": ["auto", 0, FixedRate(0.2)],
        "detector__estimator__n_neighbors": [3, 7],
        "estimator__C": [0.1, 1.0],
    }
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 12
    assert search.best_estimator_.detector_.estimator.n_neighbors in (3, 7)


def test_not_fitted(case):
    model, X, y = case
    assert getattr(model, "__sklearn_is_fitted__", lambda: False)() is False
    with pytest.raises(NotFittedError):
        model.noise_report(X, y)
    assert not hasattr(model, "sample_indices_")
    for method in ("predict", "predict_proba", "decision_function", "predict_log_proba"):
        if hasattr(model, method):
            with pytest.raises(NotFittedError, match=type(model).__name__):
                getattr(model, method)(X)
    model.fit(X, y)
    assert getattr(model, "__sklearn_is_fitted__", lambda: True)() is True


@pytest.mark.parametrize(
    ("estimator", "offered"),
    [
        (LogisticRegression(), {"predict_proba", "predict_log_proba", "decision_function"}),
        (LinearSVC(), {"decision_function"}),
        (KNeighborsClassifier(), {"predict_proba"}),
        (RandomForestClassifier(3), {"predict_proba", "predict_log_proba"}),
        (make_pipeline(StandardScaler(), SVC()), {"decision_function"}),
    ],
)
def test_methods_are_those_of_the_wrapped_model(estimator, offered):
    model = FilterClassifier(estimator, contamination=0.1, random_state=0)
    for fitted in (False, True):
        if fitted:
            model.fit(X, Y)
        for method in ("predict_proba", "predict_log_proba", "decision_function"):
            assert hasattr(model, method) == (method in offered)
    for method in offered:
        expected = getattr(model.estimator_, method)(X)
        np.testing.assert_array_equal(getattr(model, method)(X), expected)
    for kind in (FilterRegressor, ReweightRegressor, RelabelRegressor):
        assert not hasattr(kind(Ridge()).fit(X, CODES), "predict_proba")


# --------------------------------------------------------------------------- contamination=0


ZERO_CLASSIFIERS = [
    LogisticRegression(),
    RandomForestClassifier(5, random_state=0),
    HistGradientBoostingClassifier(max_iter=5, random_state=0),
    make_pipeline(StandardScaler(), LogisticRegression()),
    KNeighborsClassifier(),
    LinearSVC(random_state=0),
]
ZERO_REGRESSORS = [
    Ridge(),
    RandomForestRegressor(5, random_state=0),
    HistGradientBoostingRegressor(max_iter=5, random_state=0),
    make_pipeline(StandardScaler(), Ridge()),
    KNeighborsRegressor(),
]


def resample_if_needed(model):
    """Treatments that weigh need a way to do it, even if they end up with nothing to weigh."""
    return "resample" if "KNeighbors" in str(model) else "native"


@pytest.mark.parametrize("estimator", ZERO_CLASSIFIERS, ids=str)
@pytest.mark.parametrize("contamination", [0, 0.0, FixedRate(0)], ids=str)
def test_no_contamination_is_the_plain_classifier(estimator, contamination):
    plain = clone(estimator).fit(X, Y)
    how = {"contamination": contamination, "weight_strategy": resample_if_needed(estimator)}
    for model in classifiers(estimator, ConfidentLearning(cv=2), random_state=1, **how):
        model.fit(X, Y)
        np.testing.assert_array_equal(model.predict(X), plain.predict(X))
        method = "predict_proba" if hasattr(plain, "predict_proba") else "decision_function"
        np.testing.assert_array_equal(getattr(model, method)(X), getattr(plain, method)(X))
        assert not model.noise_mask_.any()
        assert not model.noise_proba_.any()
        assert not model.noise_report(X, Y)["flagged"].any()


@pytest.mark.parametrize("estimator", ZERO_REGRESSORS, ids=str)
def test_no_contamination_is_the_plain_regressor(estimator):
    plain = clone(estimator).fit(X_NUMBERS, NUMBERS)
    how = {"contamination": 0, "weight_strategy": resample_if_needed(estimator)}
    for model in regressors(estimator, Residual(cv=2), random_state=1, **how):
        model.fit(X_NUMBERS, NUMBERS)
        np.testing.assert_array_equal(model.predict(X_NUMBERS), plain.predict(X_NUMBERS))
        assert not model.noise_mask_.any()
        assert not model.noise_proba_.any()


@pytest.mark.parametrize("weight", [None, np.arange(1.0, N + 1)], ids=["unweighted", "weighted"])
def test_no_contamination_gives_the_last_fit_what_was_given(weight):
    for make, inner_kind, X_given, y in (
        (classifiers, LogisticRegression, X, Y),
        (regressors, Ridge, X_NUMBERS, NUMBERS),
    ):
        inner, calls = recording(inner_kind())
        for model in make(inner, contamination=0):
            model.fit(X_given, y, sample_weight=weight)
            assert calls[-1].X is X_given
            np.testing.assert_array_equal(calls[-1].y, y)
            assert calls[-1].y.dtype == y.dtype
            if weight is None:  # not even weights that are all one
                assert calls[-1].sample_weight is None
            else:
                np.testing.assert_array_equal(calls[-1].sample_weight, weight)


# --------------------------------------------------------------------------- memory


def grid_fits(model, grid, calls, judge_calls=None):
    """Fits in a search on two folds, without the last fits; without refit."""
    calls.clear()
    search = GridSearchCV(model, grid, cv=StratifiedKFold(2), refit=False, error_score="raise")
    search.fit(X, Y)
    return len(fits(calls if judge_calls is None else judge_calls))


def test_memory_does_not_detect_twice(tmp_path):
    grid = {"contamination": [0, 0.1, "auto", FixedRate(0.2), MixturePosterior(cut=0.7)]}
    inner, calls = recording(LogisticRegression())
    model = FilterClassifier(inner, ConfidentLearning(cv=3), random_state=0)
    assert grid_fits(model, grid, calls) == 2 * 5 * (3 + 1)
    model.set_params(memory=str(tmp_path))
    assert grid_fits(model, grid, calls) == 2 * (3 + 5 * 1)
    assert grid_fits(model, grid, calls) == 2 * (0 + 5 * 1)  # it was kept


def test_memory_serves_final_models_when_the_detector_has_its_own(tmp_path):
    judge, judge_calls = recording(KNeighborsClassifier())
    inner, calls = recording(LogisticRegression())
    model = FilterClassifier(
        inner, ConfidentLearning(judge, cv=3), random_state=0, memory=joblib.Memory(tmp_path)
    )
    grid = {
        "estimator__inner__C": [0.1, 1.0, 10.0],
        "detector__contamination": [0.1, ConfidentJointCount(), FixedRate(0.3)],
    }
    assert grid_fits(model, grid, calls, judge_calls) == 2 * 3
    assert len(fits(calls)) == 2 * 9


def test_memory_serves_all_treatments_and_any_number_of_jobs(tmp_path):
    inner, calls = recording(LogisticRegression())
    for i, model in enumerate(classifiers(inner, random_state=0, memory=str(tmp_path))):
        calls.clear()
        with joblib.parallel_config(backend="threading"):
            model.set_params(n_jobs=i % 2 + 1).fit(X, Y)
        assert len(fits(calls)) == (6 if i == 0 else 1)


@pytest.mark.parametrize(
    "change",
    [
        {"X": X + 1},
        {"y": Y[::-1]},
        {"sample_weight": np.arange(1, N + 1)},
        {"groups": np.arange(N) % 10},
        {"random_state": 4},
        {"detector__cv": 4},
        {"estimator__inner__C": 9.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_memory_forgets_nothing_that_matters(change, tmp_path):
    inner, calls = recording(LogisticRegression())
    model = FilterClassifier(inner, ConfidentLearning(cv=3), random_state=0, memory=str(tmp_path))
    data = {"X": X, "y": Y}
    model.fit(**data)
    calls.clear()
    for name, value in change.items():
        if name in model.get_params():
            model.set_params(**{name: value})
        else:
            data[name] = value
    remembered = model.fit(**data)
    assert len(fits(calls)) == remembered.detector_.cv + 1
    forgetful = clone(model).set_params(memory=None).fit(**data)
    np.testing.assert_array_equal(remembered.noise_proba_, forgetful.noise_proba_)


@pytest.mark.parametrize("contamination", ["auto", 0.15, FixedRate(0.2, per_class=True)], ids=str)
def test_memory_does_not_change_the_result(treatment, contamination, tmp_path):
    model, X, y = treatment
    model.set_params(contamination=contamination if "Classifier" in str(model) else 0.15)
    plain = clone(model).fit(X, y)
    for _ in range(2):  # once to fill it, once to use it
        cached = clone(model).set_params(memory=str(tmp_path)).fit(X, y)
        assert learned(cached.detector_).keys() == learned(plain.detector_).keys()
        np.testing.assert_array_equal(cached.noise_proba_, plain.noise_proba_)
        np.testing.assert_array_equal(cached.noise_mask_, plain.noise_mask_)
        np.testing.assert_array_equal(cached.predict(X), plain.predict(X))


def test_any_object_that_caches_is_a_memory():
    class Shelf:
        def cache(self, function, ignore=None):
            return function

    model = FilterClassifier(LogisticRegression(), memory=Shelf(), random_state=0)
    plain = FilterClassifier(LogisticRegression(), random_state=0)
    np.testing.assert_array_equal(model.fit(X, Y).noise_proba_, plain.fit(X, Y).noise_proba_)


# --------------------------------------------------------------------------- limits


class Given(BaseEstimator):
    """Somebody's detector, of no sknoisy class: it has `fit` and the documented attributes."""

    def __init__(self, proba=None, suggestion=None):
        self.proba = proba
        self.suggestion = suggestion

    def fit(self, X, y):
        proba = np.asarray(self.proba, dtype=float)
        self.noise_proba_ = proba
        self.noise_score_ = proba
        self.noise_mask_ = proba > 0.5
        self.y_suggested_ = self.suggestion
        if np.asarray(y).dtype.kind != "f":
            self.classes_, codes = np.unique(y, return_inverse=True)
            n, k = len(codes), len(self.classes_)
            target = np.searchsorted(self.classes_, self.suggestion)
            self.label_proba_ = np.zeros((n, k))
            self.label_proba_[np.arange(n), target] += proba
            self.label_proba_[np.arange(n), codes] += 1 - proba
        return self


def given_labels(proba, y=Y):
    """The next class is suggested, with these probabilities of being wrong."""
    classes, codes = np.unique(y, return_inverse=True)
    return Given(proba, classes[(codes + 1) % len(classes)])


PROBA = np.random.RandomState(0).permutation(np.linspace(0, 0.999, N))


def acted_on(model, y):
    """Rows that were treated, from what the treatment did."""
    if hasattr(model, "sample_indices_"):
        return np.setdiff1d(np.arange(len(y)), model.sample_indices_)
    if hasattr(model, "sample_weight_"):
        return np.flatnonzero(model.sample_weight_ < 0.5)
    return np.flatnonzero(model.y_relabeled_ != y)


def consistent_count(model, X, y):
    """Number of treated rows, which must be the same wherever it is said."""
    rows = acted_on(model, y)
    np.testing.assert_array_equal(rows, np.flatnonzero(model.noise_mask_))
    report = model.noise_report(X, y)
    if "treatment" in report:
        assert report["row"][report["treatment"] == "dropped"].sort_values().tolist() == list(rows)
    elif "relabeled" in report:
        changed = report["relabeled"] != report["given"]
        assert report["row"][changed].sort_values().tolist() == list(rows)
    else:
        assert report["row"][report["weight"] < 0.5].sort_values().tolist() == list(rows)
    return len(rows)


@pytest.mark.parametrize("n_suspect", [0, 5, 30])
def test_one_count_everywhere(n_suspect):
    proba = np.zeros(N)
    proba[np.random.RandomState(1).choice(N, n_suspect, replace=False)] = 0.9
    for model in classifiers(LogisticRegression(), given_labels(proba)):
        assert consistent_count(model.fit(X, Y), X, Y) == n_suspect
    for model in regressors(Ridge(), Given(proba, np.zeros(N))):
        model.fit(X_NUMBERS, NUMBERS)
        assert consistent_count(model, X_NUMBERS, NUMBERS) == n_suspect


@pytest.mark.parametrize("max_share", [0.0, 0.1, 0.25])
def test_no_more_than_max_share_is_treated(max_share):
    allowed = int(max_share * N)
    worst = np.argsort(-PROBA)[:allowed]
    n_suspect = (PROBA > 0.5).sum()
    of_labels = classifiers(LogisticRegression(), given_labels(PROBA))
    of_numbers = regressors(Ridge(), Given(PROBA, np.zeros(N)))
    message = f"{n_suspect - allowed} of {n_suspect} suspect rows .*max_share={max_share}"
    for models, X_given, y in ((of_labels, X, Y), (of_numbers, X_NUMBERS, NUMBERS)):
        for model in models:
            if isinstance(model, ReweightClassifier | ReweightRegressor):
                continue  # no row is lost, so there is no cap
            model.set_params(max_share=max_share)
            with pytest.warns(CleaningLimitWarning, match=message):
                model.fit(X_given, y)
            np.testing.assert_array_equal(np.flatnonzero(model.noise_mask_), np.sort(worst))
            if models is of_labels or model.get_params().get("mode") != "soft":
                assert consistent_count(model, X_given, y) == allowed


def test_a_soft_mixture_within_the_limit_is_left_as_it_is():
    """Only what exceeds the cap is given back; small doubts stay in the mixture."""
    with pytest.warns(CleaningLimitWarning):
        model = RelabelRegressor(Ridge(), Given(PROBA, np.zeros(N)), max_share=0.1)
        model.fit(X_NUMBERS, NUMBERS)
    mildly = PROBA <= 0.5
    expected = (1 - PROBA[mildly]) * NUMBERS[mildly]
    np.testing.assert_allclose(model.y_relabeled_[mildly], expected)


@pytest.mark.parametrize("min_per_class", [1, 4, 12])
def test_every_class_keeps_its_least_suspect_rows(min_per_class):
    proba = np.where(Y == "b", 0.6 + 0.3 * PROBA, 0.0)  # a whole class is suspect
    rows = np.flatnonzero(Y == "b")
    spared = rows[np.argsort(proba[rows])[:min_per_class]]
    for model in classifiers(
        LogisticRegression(), given_labels(proba), min_per_class=min_per_class
    ):
        if isinstance(model, ReweightClassifier):
            model.fit(X, Y)
            np.testing.assert_array_equal(model.sample_weight_[spared], 1.0)
        else:
            with pytest.warns(CleaningLimitWarning, match=rf"{min_per_class} of .*floor: b\)"):
                model.fit(X, Y)
        assert consistent_count(model, X, Y) == len(rows) - min_per_class
        assert not model.noise_mask_[spared].any()
        assert model.classes_.tolist() == ["a", "b", "c"]
        assert model.predict_proba(X).shape == (N, 3)


def test_no_limit_no_warning(recwarn):
    for model in classifiers(LogisticRegression(), given_labels(0.6 * PROBA)):
        model.fit(X, Y)
    assert not [w for w in recwarn if w.category is CleaningLimitWarning]


def test_trusted_rows_are_no_limit(recwarn):
    """A detector of someone else may flag them: they are kept, and nothing was held back."""
    trusted = PROBA > 0.8
    for model in classifiers(LogisticRegression(), given_labels(np.where(trusted, 0.9, 0.0))):
        model.fit(X, Y, trusted=trusted)
        assert not model.noise_mask_.any()
        assert not model.noise_proba_.any()
    assert not [w for w in recwarn if w.category is CleaningLimitWarning]


def test_a_detector_alone_keeps_one_row_of_each_class():
    class AllOfOne(BaseDetector):
        def __init__(self, contamination="auto"):
            self.contamination = contamination

        def _find(self, evidence):
            from sknoisy.detection._base import Finding

            mask = evidence.target.codes == 1
            return Finding(PROBA, np.full((N, 3), 1 / 3), np.where(mask, 0.9, 0.0), mask)

    detector = AllOfOne()
    _, y_kept = detector.fit_resample(X, Y)
    assert (y_kept == "b").sum() == 1
    assert set(y_kept) == {"a", "b", "c"}
    rows = np.flatnonzero(Y == "b")
    assert rows[np.argmin(PROBA[rows])] in detector.sample_indices_
    assert FilterClassifier(LogisticRegression(), AllOfOne()).fit(X, Y).min_per_class == 5


# --------------------------------------------------------------------------- report


COLUMNS = ["row", "given", "suggested", "probability", "score", "flagged", "reason"]
EXTRA = {"Filter": ["treatment"], "Reweight": ["weight"], "Relabel": ["relabeled"]}


def test_the_report(case):
    model, X, y = case
    report = model.fit(X, y).noise_report(X, y)
    detector = getattr(model, "detector_", model)
    extra = next((c for kind, c in EXTRA.items() if type(model).__name__.startswith(kind)), [])
    assert list(report.columns) == COLUMNS + extra
    assert sorted(report["row"]) == list(range(N))
    rows = report["row"].to_numpy()
    np.testing.assert_array_equal(report.index, rows)  # arrays have no index of their own
    np.testing.assert_array_equal(report["given"], y[rows])
    np.testing.assert_array_equal(report["suggested"], detector.y_suggested_[rows])
    np.testing.assert_array_equal(report["probability"], detector.noise_proba_[rows])
    np.testing.assert_array_equal(report["score"], detector.noise_score_[rows])
    np.testing.assert_array_equal(report["flagged"], detector.noise_mask_[rows])
    n_flagged = detector.noise_mask_.sum()
    assert n_flagged > 0
    assert report["flagged"][:n_flagged].all()
    for part in (report[:n_flagged], report[n_flagged:]):
        assert part["probability"].is_monotonic_decreasing
    assert report["reason"].str.len().gt(5).all()


@pytest.mark.parametrize(
    "index",
    [
        [f"id{i}" for i in range(N)],
        np.arange(N) % 3,
        pd.date_range("2024", periods=N)[::-1],
        pd.MultiIndex.from_arrays([np.arange(N) // 10, np.arange(N) % 10], names=["a", "b"]),
    ],
    ids=["texts", "doubled", "dates", "two levels"],
)
def test_the_report_has_the_users_index(case, index):
    model, X, y = case
    table, target = pd.DataFrame(X, index=index), pd.Series(y, index=index)
    table.columns = list("abcdef")
    model.fit(table, target)
    of_x, of_y = model.noise_report(table, y), model.noise_report(X, target)
    pd.testing.assert_frame_equal(of_x, of_y)
    assert list(of_x.index) == list(table.index[of_x["row"]])
    np.testing.assert_array_equal(of_x["given"], y[of_x["row"]])


def test_rows_that_were_not_judged_say_so():
    y = Y.astype(object)
    y[4] = "only one"
    with pytest.warns(UserWarning, match="only one"):
        report = FilterClassifier(LogisticRegression()).fit(X, y).noise_report(X, y)
    row = report[report["row"] == 4].iloc[0]
    assert row["reason"] == "not judged"
    assert np.isnan(row["score"])
    assert row["probability"] == 0
    assert row["treatment"] == "kept"


def test_the_report_refuses_other_data(case):
    model, X, y = case
    model.fit(X, y)
    with pytest.raises(ValueError, match=r"X has 80 rows, fit got 90.*training rows"):
        model.noise_report(X[:80], y[:80])
    with pytest.raises(ValueError, match=r"y has 80 rows, fit got 90"):
        model.noise_report(X, y[:80])
    other = y.copy()
    other[6] = y[y != y[6]][0]
    with pytest.raises(ValueError, match=r"not the y that fit got: row 6 is"):
        model.noise_report(X, other)


def test_the_report_notices_labels_corrected_in_place():
    y = Y.copy()
    model = FilterClassifier(LogisticRegression(), contamination=0.1).fit(X, y)
    y[model.noise_mask_] = model.detector_.y_suggested_[model.noise_mask_]
    with pytest.raises(ValueError, match="not the y that fit got"):
        model.noise_report(X, y)


# --------------------------------------------------------------------------- foreign detectors


def test_a_frozen_detector_is_used_as_it_is(treatment):
    model, X, y = treatment
    kind, inner = (
        (ConfidentLearning, KNeighborsClassifier)
        if model._task == "classification"
        else (Residual, KNeighborsRegressor)
    )
    judge, calls = recording(inner())
    detector = kind(judge, contamination=0.2, random_state=0).fit(X, y)
    calls.clear()
    frozen = clone(model).set_params(detector=FrozenEstimator(detector)).fit(X, y)
    assert calls == []
    np.testing.assert_array_equal(frozen.noise_proba_, detector.noise_proba_)
    thawed = clone(model).set_params(detector=detector).fit(X, y)
    np.testing.assert_array_equal(frozen.predict(X), thawed.predict(X))
    pd.testing.assert_frame_equal(frozen.noise_report(X, y), thawed.noise_report(X, y))
    assert pickle.loads(pickle.dumps(frozen)).predict(X).tolist() == frozen.predict(X).tolist()


def frozen(detector, X, y):
    return FrozenEstimator(detector.fit(X, y))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: frozen(ConfidentLearning(LogisticRegression()), X[:80], Y[:80]),
            ValueError,
            "knows 80 rows, fit got 90",
        ),
        (
            lambda: frozen(ConfidentLearning(LogisticRegression()), X[::-1], Y[::-1]),
            ValueError,
            "fitted on another y",
        ),
        (
            lambda: frozen(Residual(Ridge()), X, CODES),
            TypeError,
            "Residual is a detector for regression, FilterClassifier is for classification",
        ),
        (lambda: FrozenEstimator(ConfidentLearning()), NotFittedError, "ConfidentLearning"),
    ],
    ids=["other rows", "other order", "other task", "not fitted"],
)
def test_frozen_detectors_that_do_not_fit(make, error, message):
    with pytest.raises(error, match=message):
        FilterClassifier(LogisticRegression(), make()).fit(X, Y)


def test_contamination_cannot_change_a_detector_that_decides_for_itself():
    for detector, name in (
        (given_labels(PROBA), "Given"),
        (frozen(ConfidentLearning(LogisticRegression()), X, Y), "ConfidentLearning"),
    ):
        with pytest.raises(ValueError, match=f"{name} decides for itself.*contamination at None"):
            FilterClassifier(LogisticRegression(), detector, contamination=0.1).fit(X, Y)


def as_series(values):
    """Lists and Series are arrays too; their index means nothing."""
    return pd.Series(values, index=np.arange(len(values))[::-1])


@pytest.mark.parametrize("form", [list, as_series], ids=["list", "Series"])
def test_attributes_may_be_any_array_like(form):
    class Formed(Given):
        def fit(self, X, y):
            super().fit(X, y)
            for name in ("noise_proba_", "noise_score_", "noise_mask_", "y_suggested_"):
                setattr(self, name, form(list(getattr(self, name))))
            return self

    plain = given_labels(PROBA)
    formed = Formed(plain.proba, plain.suggestion)
    for a, b in zip(
        classifiers(LogisticRegression(), plain),
        classifiers(LogisticRegression(), formed),
        strict=True,
    ):
        np.testing.assert_array_equal(a.fit(X, Y).predict(X), b.fit(X, Y).predict(X))
        pd.testing.assert_frame_equal(a.noise_report(X, Y), b.noise_report(X, Y))


def test_probabilities_that_are_missing_are_no_reason_to_act():
    proba = np.where(np.arange(N) < 10, np.nan, 0.0)
    for model in classifiers(LogisticRegression(), given_labels(proba)):
        model.fit(X, Y)
        assert not model.noise_mask_.any()
        assert not model.noise_proba_.any()
        assert len(acted_on(model, Y)) == 0


def test_metadata_reach_only_detectors_that_take_them():
    class Weighted(Given):
        def fit(self, X, y, sample_weight=None, trusted=None):
            super().fit(X, y)
            self.got_ = (sample_weight, trusted)
            return self

    weight, trusted = np.arange(1.0, N + 1), np.arange(N) < 4
    plain = given_labels(PROBA)
    model = FilterClassifier(LogisticRegression(), Weighted(plain.proba, plain.suggestion))
    model.fit(X, Y, sample_weight=weight, trusted=trusted, groups=np.arange(N))
    np.testing.assert_array_equal(model.detector_.got_[0], weight)
    np.testing.assert_array_equal(model.detector_.got_[1], trusted)
    FilterClassifier(LogisticRegression(), plain).fit(X, Y, sample_weight=weight, trusted=trusted)


class Nothing(BaseEstimator):
    """Has `fit` and sets nothing."""

    def fit(self, X, y):
        return self


class NoPosterior(Given):
    """Knows which rows, but not how probable each class is."""

    def fit(self, X, y):
        super().fit(X, y)
        del self.label_proba_
        return self


class OwnWords(Given):
    """Suggests a label that y does not have."""

    def fit(self, X, y):
        super().fit(X, y)
        self.y_suggested_ = np.array(["a", "b", "zebra"])[CODES]
        return self


class OneColumn(Given):
    """Has a posterior of the wrong shape."""

    def fit(self, X, y):
        super().fit(X, y)
        self.label_proba_ = self.label_proba_[:, :1]
        return self


def derived(kind):
    plain = given_labels(PROBA)
    return kind(plain.proba, plain.suggestion)


def test_detectors_that_lack_something():
    with pytest.raises(TypeError, match="FilterClassifier needs noise_proba_.*Nothing does not"):
        FilterClassifier(LogisticRegression(), Nothing()).fit(X, Y)
    detector = derived(NoPosterior)
    assert FilterClassifier(LogisticRegression(), detector).fit(X, Y).noise_mask_.any()
    assert ReweightClassifier(LogisticRegression(), detector).fit(X, Y).noise_mask_.any()
    with pytest.raises(TypeError, match="RelabelClassifier needs label_proba_ .*NoPosterior"):
        RelabelClassifier(LogisticRegression(), detector).fit(X, Y)
    with pytest.raises(ValueError, match="y_suggested_.*'zebra' in row .* no class of y"):
        RelabelClassifier(LogisticRegression(), derived(OwnWords)).fit(X, Y)
    with pytest.raises(ValueError, match=r"label_proba_ .* shape \(90, 1\).* 90 rows of 3"):
        RelabelClassifier(LogisticRegression(), derived(OneColumn), mode="soft").fit(X, Y)


# --------------------------------------------------------------------------- foreign thresholds


class Top(BaseEstimator):
    """Somebody's threshold: `fit(score, y)` and two attributes. It flags also what is NaN."""

    def __init__(self, n=10):
        self.n = n

    def fit(self, score, y):
        self.noise_mask_ = (np.argsort(np.argsort(-score)) < self.n) | np.isnan(score)
        self.noise_proba_ = self.noise_mask_.astype(float).tolist()
        return self


def test_a_threshold_needs_only_score_and_y():
    trusted = np.arange(N) < 20
    model = FilterClassifier(LogisticRegression(), contamination=Top(7), random_state=0)
    model.fit(X, Y, trusted=trusted)
    assert model.detector_.noise_mask_.sum() == 7
    assert not model.detector_.noise_mask_[trusted].any()
    assert not model.detector_.noise_proba_[trusted].any()
    model.set_params(contamination__n=3)
    assert model.fit(X, Y).detector_.noise_mask_.sum() == 3
    regressor = FilterRegressor(Ridge(), contamination=Top(7)).fit(X_NUMBERS, NUMBERS)
    assert regressor.noise_mask_.sum() == 7


# --------------------------------------------------------------------------- wrong kinds of parts


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (
            FilterClassifier(Ridge()),
            TypeError,
            r"FilterClassifier needs a classifier, got Ridge \(regressor\): use FilterRegressor",
        ),
        (
            ReweightRegressor(LogisticRegression()),
            TypeError,
            "ReweightRegressor needs a regressor.*use ReweightClassifier",
        ),
        (
            RelabelClassifier(make_pipeline(StandardScaler(), Ridge())),
            TypeError,
            "needs a classifier, got Pipeline",
        ),
        (FilterClassifier(KMeans()), TypeError, r"KMeans \(clusterer\)"),
        (FilterRegressor(IsolationForest()), TypeError, r"IsolationForest \(outlier_detector\)"),
        (
            FilterClassifier(LogisticRegression),
            TypeError,
            r"got the class LogisticRegression: write LogisticRegression\(\)",
        ),
        (FilterClassifier("logistic"), ValueError, "'estimator' parameter of FilterClassifier"),
        (FilterClassifier(None), ValueError, "'estimator' parameter of FilterClassifier"),
        (
            FilterClassifier(LogisticRegression(), ConfidentLearning),
            TypeError,
            r"got the class ConfidentLearning: write ConfidentLearning\(\)",
        ),
        (
            FilterClassifier(LogisticRegression(), "confident"),
            ValueError,
            "'detector' parameter of FilterClassifier",
        ),
        (
            FilterClassifier(LogisticRegression(), Residual()),
            TypeError,
            "Residual is a detector for regression, FilterClassifier is for classification",
        ),
        (
            FilterRegressor(Ridge(), ConfidentLearning()),
            TypeError,
            "ConfidentLearning is a detector for classification, FilterRegressor is for regression",
        ),
        (
            FilterClassifier(LogisticRegression(), KNeighborsClassifier()),
            TypeError,
            "needs noise_proba_, noise_mask_, noise_score_ of its detector, and KNeighbors",
        ),
        (
            FilterClassifier(LogisticRegression(), ConfidentLearning(Ridge())),
            TypeError,
            r"ConfidentLearning needs a classifier, got Ridge \(regressor\)",
        ),
        (ConfidentLearning(Ridge()), TypeError, "needs a classifier, got Ridge"),
        (ConfidentLearning(LogisticRegression), TypeError, "got the class LogisticRegression"),
        (Residual(LogisticRegression()), TypeError, "needs a regressor, got LogisticRegression"),
        (
            FilterClassifier(MultiOutputClassifier(LogisticRegression())),
            TypeError,
            "FilterClassifier judges one target, and MultiOutputClassifier predicts several: wrap",
        ),
        (
            FilterClassifier(
                LogisticRegression(), ConfidentLearning(ClassifierChain(GaussianNB()))
            ),
            TypeError,
            "ConfidentLearning judges one target, and ClassifierChain predicts several",
        ),
        (
            FilterClassifier(LogisticRegression(), contamination=0.6),
            ValueError,
            "'contamination' parameter of FilterClassifier",
        ),
        (
            ConfidentLearning(contamination="most"),
            ValueError,
            "'contamination' parameter of ConfidentLearning",
        ),
        (
            FilterClassifier(LogisticRegression(), ConfidentLearning(contamination=-1)),
            ValueError,
            "'contamination' parameter of ConfidentLearning",
        ),
        (
            FilterClassifier(LogisticRegression(), min_per_class=0),
            ValueError,
            "'min_per_class' parameter",
        ),
        (
            FilterClassifier(LogisticRegression(), max_share=1.0),
            ValueError,
            "'max_share' parameter",
        ),
        (
            ReweightClassifier(KNeighborsClassifier()),
            ValueError,
            'KNeighborsClassifier takes no sample_weight.*weight_strategy="resample"',
        ),
        (
            RelabelClassifier(make_pipeline(StandardScaler(), KNeighborsClassifier()), mode="soft"),
            ValueError,
            "KNeighborsClassifier, the last step of the Pipeline, takes no sample_weight",
        ),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, BaseEstimator) else "",
)
def test_wrong_parts_are_named(model, error, message):
    with pytest.raises(error, match=message):
        model.fit(X, CODES)
    assert not [name for name in vars(model) if name.endswith("_")]


def test_report_knows_the_trusted_rows_of_a_frozen_detector():
    X, y = load_iris(return_X_y=True)
    y, _ = symmetric_noise(y, rate=0.2, random_state=0)
    detector = ConfidentLearning(LogisticRegression(max_iter=500), random_state=0).fit(X, y)
    trusted = detector.noise_mask_
    model = FilterClassifier(LogisticRegression(max_iter=500), FrozenEstimator(detector))
    report = model.fit(X, y, trusted=trusted).noise_report(X, y)
    assert trusted.any() and not report["flagged"].any()
    assert (report["treatment"] == "kept").all()
    assert (report.set_index("row").loc[np.flatnonzero(trusted), "probability"] == 0).all()


def test_integer_suggestions_do_not_round_the_targets():
    class Sevens(BaseEstimator):
        def fit(self, X, y):
            n = len(y)
            self.noise_score_ = self.noise_proba_ = np.full(n, 0.3)
            self.noise_mask_ = np.zeros(n, dtype=bool)
            self.y_suggested_ = np.full(n, 7)
            return self

    y = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    model = RelabelRegressor(Ridge(), Sevens()).fit(np.arange(5.0).reshape(-1, 1), y)
    assert_allclose(model.y_relabeled_, 0.7 * y + 0.3 * 7)


@pytest.mark.parametrize("contamination", [FixedRate, LogisticRegression()])
def test_contamination_of_the_wrong_kind_is_named(contamination):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(TypeError, match="contamination of ConfidentLearning must be"):
        FilterClassifier(LogisticRegression(), contamination=contamination).fit(X, y)
