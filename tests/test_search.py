"""Treatments as ordinary scikit-learn estimators: searched over, scored, and inside others."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    BaggingClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    RelabelRegressor,
    ReweightClassifier,
    ReweightRegressor,
)
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning, NeighborDisagreement, Residual
from sknoisy.threshold import ConfidentJointCount, FixedRate, MixturePosterior

CLASSIFIERS = [FilterClassifier, ReweightClassifier, RelabelClassifier]
REGRESSORS = [FilterRegressor, ReweightRegressor, RelabelRegressor]


def labels(n=160, n_classes=2, rate=0.2):
    X, y = make_classification(
        n, 6, n_informative=4, n_redundant=0, n_classes=n_classes, class_sep=2.0, random_state=0
    )
    return X, symmetric_noise(y, rate, random_state=0)[0]


def numbers(n=120):
    X, y = make_regression(n, 4, noise=1.0, random_state=0)
    y[::10] += 1000
    return X, y


def clean(kind=FilterClassifier, **params):
    return kind(LogisticRegression(), random_state=0, **params)


# --------------------------------------------------------------------------- searches


@pytest.mark.parametrize(
    "grid",
    [
        {"clean__contamination": [0, 0.1, 0.3, "auto", None]},
        {"clean__contamination": [FixedRate(0.2), MixturePosterior(), ConfidentJointCount()]},
        {"clean__detector": [None, ConfidentLearning(), NeighborDisagreement()]},
        {"clean__estimator__C": [0.1, 1.0], "clean__max_share": [0.1, 0.5]},
        {"clean__detector__filter_by": ["both", "prune_by_class"]},
        {"clean__detector__estimator": [DecisionTreeClassifier(max_depth=2), LinearSVC()]},
        {"clean__detector__estimator__C": [0.1, 10]},
        {"clean__detector__contamination": [0.1, FixedRate(0.2, per_class=True)]},
        {"clean__detector__contamination__rate": [0.1, 0.2]},
        {"clean": [clean(kind) for kind in CLASSIFIERS]},
        {"clean__min_per_class": [1, 20], "clean__weight_strategy": ["native", "resample"]},
    ],
    ids=lambda grid: "+".join(grid),
)
def test_grid_search_reaches_every_parameter(grid):
    X, y = labels()
    detector = ConfidentLearning(LogisticRegression(), contamination=FixedRate(0.1))
    pipe = Pipeline([("scale", StandardScaler()), ("clean", clean(detector=detector))])
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(X, y)
    assert search.predict(X).shape == (160,)
    assert search.best_score_ > 0.5
    for name, value in search.best_params_.items():
        chosen = search.best_estimator_.get_params()[name]
        assert chosen == value or type(chosen) is type(value)


def test_search_changes_what_is_flagged():
    X, y = labels()
    flagged = {}
    for contamination in (0, 0.1, FixedRate(0.3)):
        search = GridSearchCV(clean(), {"contamination": [contamination]}, cv=2).fit(X, y)
        flagged[str(contamination)] = search.best_estimator_.noise_mask_.sum()
    assert list(flagged.values()) == [0, 16, 48]


@pytest.mark.parametrize(
    "kind, grid",
    [
        (ReweightClassifier, {"temper": [0.5, 2.0], "floor": [0.0, 0.2]}),
        (RelabelClassifier, {"mode": ["hard", "soft"], "confidence": [0.5, 0.9]}),
        (RelabelClassifier, {"mode": ["soft"], "min_proba": [0.0, 0.5]}),
    ],
)
def test_parameters_of_the_treatments(kind, grid):
    X, y = labels()
    search = GridSearchCV(clean(kind), grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("kind", REGRESSORS)
def test_random_search_over_a_regressor(kind):
    X, y = numbers()
    grid = {
        "contamination": [0, 0.1, "auto", MixturePosterior()],
        "detector__scale": ["global", "local"],
        "estimator__alpha": [0.1, 1.0],
    }
    search = RandomizedSearchCV(
        kind(Ridge(), Residual()), grid, n_iter=5, cv=2, random_state=0, error_score="raise"
    )
    assert search.fit(X, y).predict(X).shape == (120,)


def test_the_grid_may_choose_to_do_nothing():
    X, y = labels(rate=0)
    search = GridSearchCV(clean(), {"contamination": [0, 0.5]}, cv=3).fit(X, y)
    assert search.best_params_ == {"contamination": 0}
    np.testing.assert_array_equal(
        search.best_estimator_.estimator_.coef_, LogisticRegression().fit(X, y).coef_
    )


def test_a_wrong_parameter_in_a_grid_fails_with_its_name():
    X, y = labels()
    with pytest.raises(ValueError, match="contamination"):
        GridSearchCV(clean(), {"contamination": [2.0]}, cv=2, error_score="raise").fit(X, y)
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
        clean().set_params(nonsense=1)


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize(
    "scoring", ["accuracy", "roc_auc", "neg_log_loss", "average_precision", "neg_brier_score"]
)
def test_scorers_get_what_they_need(kind, scoring):
    X, y = labels()
    pipe = make_pipeline(StandardScaler(), clean(kind))
    scores = cross_val_score(pipe, X, np.array(["no", "yes"])[y] == "yes", scoring=scoring, cv=2)
    assert np.isfinite(scores).all()


def test_a_model_without_probabilities_is_scored_by_its_margins():
    X, y = labels()
    model = FilterClassifier(LinearSVC(), random_state=0)
    assert not hasattr(model, "predict_proba")
    assert cross_val_score(model, X, y, scoring="roc_auc", cv=2).min() > 0.5


# --------------------------------------------------------------------------- no row is ever dropped


@pytest.mark.parametrize("kind", CLASSIFIERS + REGRESSORS)
def test_prediction_keeps_every_row(kind):
    X, y = labels() if kind in CLASSIFIERS else numbers()
    inner = LogisticRegression() if kind in CLASSIFIERS else Ridge()
    pipe = make_pipeline(StandardScaler(), kind(inner, contamination=0.3)).fit(X, y)
    assert pipe[-1].noise_mask_.any()
    for n in (1, 7, len(X)):
        assert pipe.predict(X[:n]).shape == (n,)
    assert cross_val_predict(pipe, X, y, cv=3).shape == y.shape
    if kind in CLASSIFIERS:
        assert pipe.predict_proba(X).shape == (len(X), 2)
        assert pipe.decision_function(X).shape == (len(X),)
    np.testing.assert_array_equal(
        pipe.predict(X), pipe[-1].estimator_.predict(pipe[:-1].transform(X))
    )


@pytest.mark.parametrize("kind", CLASSIFIERS + REGRESSORS)
def test_pandas_output_is_harmless(kind):
    X, y = labels() if kind in CLASSIFIERS else numbers()
    inner = LogisticRegression() if kind in CLASSIFIERS else Ridge()
    frame = pd.DataFrame(
        X, columns=[f"f{i}" for i in range(X.shape[1])], index=range(5, 5 + len(X))
    )
    pipe = make_pipeline(StandardScaler(), kind(inner, random_state=0))
    plain = clone(pipe).fit(X, y).predict(X)
    with sklearn.config_context(transform_output="pandas"):
        fitted = clone(pipe).fit(frame, pd.Series(y, index=frame.index))
        predicted = fitted.predict(frame)
    # last digits differ by the memory order of frames
    assert (predicted == plain).all() if kind in CLASSIFIERS else np.allclose(predicted, plain)
    assert isinstance(predicted, np.ndarray)
    assert list(fitted[-1].feature_names_in_) == list(frame.columns)


# --------------------------------------------------------------------------- inside others


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: VotingClassifier([("a", model), ("b", model)], voting="soft"),
        lambda model: VotingClassifier([("a", model), ("b", model)], voting="hard"),
        lambda model: StackingClassifier([("a", model)], cv=2),
        lambda model: CalibratedClassifierCV(model, cv=2),
        lambda model: CalibratedClassifierCV(model, cv=2, ensemble=False),
        lambda model: BaggingClassifier(model, n_estimators=2, random_state=0),
        lambda model: BaggingClassifier(model, n_estimators=2, max_features=0.5, random_state=0),
        lambda model: OneVsRestClassifier(model),
        lambda model: OneVsOneClassifier(model),
        lambda model: FilterClassifier(model, contamination=0.1),
        lambda model: FilterClassifier(make_pipeline(StandardScaler(), model)),
        lambda model: GridSearchCV(model, {"contamination": [0, 0.1]}, cv=2),
    ],
    ids=[
        "soft voting", "hard voting", "stacking", "calibrated", "calibrated once", "bagging",
        "feature bagging", "one vs rest", "one vs one", "filter", "pipeline in filter", "search",
    ],
)  # fmt: skip
def test_inside_other_classifiers(kind, wrap):
    X, y = labels(n_classes=3)
    y = np.array(["a", "b", "c"])[y]
    model = wrap(clean(kind)).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == (160,)
    assert set(predicted) <= {"a", "b", "c"}
    assert (predicted == y).mean() > 0.5


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_several_targets(kind):
    X, y = labels()
    Y = np.column_stack([y, 1 - y, y])
    model = MultiOutputClassifier(clean(kind)).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    np.testing.assert_array_equal(model.predict(X)[:, 0], model.predict(X)[:, 2])
    with pytest.raises(ValueError, match="MultiOutputClassifier"):
        clean(kind).fit(X, Y)


@pytest.mark.parametrize("kind", REGRESSORS)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: TransformedTargetRegressor(model, func=np.cbrt, inverse_func=lambda t: t**3),
        lambda model: VotingRegressor([("a", model), ("b", model)]),
        lambda model: StackingRegressor([("a", model)], cv=2),
        lambda model: FilterRegressor(model),
        lambda model: FilterRegressor(TransformedTargetRegressor(make_pipeline(model))),
    ],
    ids=["transformed target", "voting", "stacking", "filter", "filter over transformed"],
)
def test_inside_other_regressors(kind, wrap):
    X, y = numbers()
    predicted = wrap(kind(LinearRegression(), random_state=0)).fit(X, y).predict(X)
    assert predicted.shape == (120,)
    assert np.isfinite(predicted).all()


@pytest.mark.parametrize("kind", REGRESSORS)
def test_several_numbers(kind):
    X, y = numbers()
    Y = np.column_stack([y, -y])
    model = MultiOutputRegressor(kind(Ridge(), random_state=0)).fit(X, Y)
    np.testing.assert_allclose(model.predict(X)[:, 0], -model.predict(X)[:, 1])


@pytest.mark.parametrize("kind", CLASSIFIERS + REGRESSORS)
def test_every_parameter_survives_clone_and_set_params(kind):
    inner = LogisticRegression() if kind in CLASSIFIERS else Ridge()
    model = kind(inner, contamination=FixedRate(0.2), random_state=3)
    params = model.get_params()
    assert repr(clone(model)) == repr(model)
    assert repr(model.set_params(**params)) == repr(model)
    model.set_params(contamination__rate=0.3)
    assert model.contamination.rate == 0.3
