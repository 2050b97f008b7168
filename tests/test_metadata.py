"""sample_weight, groups, trusted and further fit parameters: who gets which rows of them."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score, cross_validate
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    RelabelRegressor,
    ReweightClassifier,
    ReweightRegressor,
)
from sknoisy.detection import ConfidentLearning, Residual
from sknoisy.threshold import ConfidentJointCount, FixedRate, MixturePosterior

CALLS = []  # (row numbers, targets, metadata) of every fit, in order
CLASSIFIERS = [FilterClassifier, ReweightClassifier, RelabelClassifier]
REGRESSORS = [FilterRegressor, ReweightRegressor, RelabelRegressor]


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


class _Recorder(BaseEstimator):
    """Its first feature is the row number, so a call says which rows it had."""

    def _record(self, X, y, **metadata):
        X = np.asarray(X, dtype=float)
        metadata = {name: value for name, value in metadata.items() if value is not None}
        CALLS.append((X[:, 0].astype(int), np.asarray(y), metadata))
        self.n_features_in_ = X.shape[1]
        return X


class Labeler(ClassifierMixin, _Recorder):
    """Says class 1 where the second feature is positive; takes weights."""

    def fit(self, X, y, sample_weight=None, per_row=None, whole=None):
        self._record(X, y, sample_weight=sample_weight, per_row=per_row, whole=whole)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        right = np.where(np.asarray(X, dtype=float)[:, 1] > 0, 0.9, 0.1)
        return np.column_stack([1 - right, right])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class LabelerWithoutWeights(Labeler):
    def fit(self, X, y):
        return super().fit(X, y)


class Number(RegressorMixin, _Recorder):
    """Predicts the second feature; takes weights."""

    def fit(self, X, y, sample_weight=None):
        self._record(X, y, sample_weight=sample_weight)
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.asarray(X, dtype=float)[:, 1]


def labels(n=60, wrong=(3, 17, 41)):
    """Row number and sign as features; labels 0/1 with some wrong."""
    sign = np.where(np.arange(n) % 2, 1.0, -1.0)
    y = (sign > 0).astype(int)
    y[list(wrong)] = 1 - y[list(wrong)]
    return np.column_stack([np.arange(n), sign]), y


def numbers(n=60, wrong=(3, 17, 41)):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    y = x + 0.01 * rng.normal(size=n)
    y[list(wrong)] += 3
    return np.column_stack([np.arange(n), x]), y


def weights(n=60):
    """Different in each row, so that a wrong slice shows."""
    return 1.0 + np.arange(n) / 100


def with_numbered_rows(n=80, seed=0):
    X, y = make_classification(n, 4, random_state=seed, class_sep=2.0, flip_y=0.1)
    X[:, 0] = np.arange(n)
    return X, y


# --------------------------------------------------------------------------- slices of weights


@pytest.mark.parametrize("kind", CLASSIFIERS + REGRESSORS)
def test_weights_are_sliced_with_the_rows_of_every_fold(kind):
    is_labels = kind in CLASSIFIERS
    (X, y), model = (labels(), Labeler()) if is_labels else (numbers(), Number())
    kind(model, random_state=0).fit(X, y, sample_weight=weights())
    assert len(CALLS) == 6
    for rows, _, metadata in CALLS[:-1]:
        assert len(rows) == 48
        np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])


@pytest.mark.parametrize(
    "kind, model", [(FilterClassifier, Labeler()), (FilterRegressor, Number())]
)
def test_filter_passes_the_weights_of_the_kept_rows(kind, model):
    X, y = labels() if kind is FilterClassifier else numbers()
    filtered = kind(model, random_state=0).fit(X, y, sample_weight=weights())
    rows, targets, metadata = CALLS[-1]
    assert not np.isin([3, 17, 41], rows).any()
    np.testing.assert_array_equal(rows, filtered.sample_indices_)
    np.testing.assert_array_equal(targets, y[rows])
    np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])


@pytest.mark.parametrize(
    "kind, model", [(ReweightClassifier, Labeler()), (ReweightRegressor, Number())]
)
def test_reweight_multiplies_the_users_weight(kind, model):
    X, y = labels() if kind is ReweightClassifier else numbers()
    reweighted = kind(model, random_state=0).fit(X, y, sample_weight=weights())
    rows, _, metadata = CALLS[-1]
    np.testing.assert_array_equal(rows, np.arange(60))
    assert reweighted.sample_weight_[[3, 17, 41]].max() < 0.9 < reweighted.sample_weight_[0]
    np.testing.assert_allclose(metadata["sample_weight"], weights() * reweighted.sample_weight_)


def test_soft_relabelling_gives_each_copy_weight_times_share():
    X, y = labels()
    model = RelabelClassifier(Labeler(), mode="soft", random_state=0)
    model.fit(X, y, sample_weight=weights())
    rows, targets, metadata = CALLS[-1]
    np.testing.assert_allclose(
        metadata["sample_weight"], weights()[rows] * model.label_proba_[rows, targets]
    )
    total = np.bincount(rows, metadata["sample_weight"], minlength=60)
    np.testing.assert_allclose(total, weights())


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_detection_that_flags_nothing_passes_the_users_weights_unchanged(kind):
    X, y = labels()
    kind(Labeler(), contamination=0).fit(X, y, sample_weight=weights())
    np.testing.assert_array_equal(CALLS[-1][2]["sample_weight"], weights())
    kind(Labeler(), contamination=0).fit(X, y)
    assert CALLS[-1][2] == {}


def test_weights_as_list_series_and_integers_are_the_same():
    X, y = with_numbered_rows()
    w = np.arange(80) % 3 + 1
    forms = [w, w.tolist(), pd.Series(w, index=range(100, 180)), w.astype(float), w.reshape(-1)]
    fits = [
        FilterClassifier(LogisticRegression(), random_state=0).fit(X, y, sample_weight=form)
        for form in forms
    ]
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit.estimator_.coef_, fits[0].estimator_.coef_)


def test_integer_weights_are_repeated_rows_when_nothing_is_flagged():
    X, y = with_numbered_rows()
    w = np.arange(80) % 3
    weighted = FilterClassifier(LogisticRegression(tol=1e-10), contamination=0).fit(
        X, y, sample_weight=w
    )
    repeated = FilterClassifier(LogisticRegression(tol=1e-10), contamination=0).fit(
        np.repeat(X, w, axis=0), np.repeat(y, w)
    )
    np.testing.assert_allclose(
        weighted.estimator_.coef_, repeated.estimator_.coef_, rtol=1e-3, atol=1e-4
    )


# --------------------------------------------------------------------------- wrong weights


@pytest.mark.parametrize(
    "weight, message",
    [
        (np.zeros(60), "zero"),
        (-np.ones(60), "Negative"),
        (np.where(np.arange(60) == 7, -1.0, 1.0), "row 7"),
        (np.where(np.arange(60) == 7, np.nan, 1.0), r"nan in row 7 \(1 of 60 rows\).*NaN"),
        (np.where(np.arange(60) == 7, np.inf, 1.0), "inf in row 7.*infinity"),
        ([1.0] * 7 + [None] * 53, r"None in row 7 \(53 of 60 rows\)"),
        (pd.array([1] * 7 + [None] * 53, dtype="Int64"), "<NA> in row 7"),
        (np.ma.array(np.ones(60), mask=np.arange(60) == 7), "masked.*row 7"),
        (np.ones(59), "sample_weight"),
        (np.ones((60, 2)), "1D|1d|1-D"),
        (["a"] * 60, "could not convert|convert"),
    ],
)
@pytest.mark.parametrize("kind", [*CLASSIFIERS, ConfidentLearning])
def test_wrong_weights_are_refused_before_any_fit(kind, weight, message):
    X, y = labels()
    with pytest.raises(ValueError, match=message):
        kind(Labeler()).fit(X, y, sample_weight=weight)
    assert CALLS == []


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"groups": "site"}, r"groups must have one entry per row \(60\), got 'site'.*X\['name'\]"),
        ({"groups": np.ma.array(np.arange(60), mask=np.arange(60) == 3)}, "groups.*masked.*row 3"),
        ({"trusted": ["yes"] * 60}, "trusted must be boolean; row 0 has 'yes'"),
        ({"trusted": [True] * 3 + [None] * 57}, "trusted must be boolean; row 3 has None"),
        ({"trusted": ["1"] * 60}, "trusted must be boolean; row 0 has '1'"),
        ({"trusted": pd.array([True] * 3 + [None] * 57)}, "row 3 has <NA>"),
    ],
    ids=["name", "masked", "texts", "gaps", "digits", "nullable"],
)
def test_wrong_groups_and_trusted_rows_are_named(other, message):
    X, y = labels()
    with pytest.raises(ValueError, match=message):
        FilterClassifier(Labeler()).fit(X, y, **other)


def test_scalar_weight_is_the_same_for_all():
    X, y = labels()
    FilterClassifier(Labeler(), random_state=0).fit(X, y, sample_weight=2.0)
    assert all((metadata["sample_weight"] == 2.0).all() for _, _, metadata in CALLS)


@pytest.mark.parametrize("strategy", ["native", "resample"])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_class_of_only_zero_weights_is_still_a_class(kind, strategy):
    X, y = with_numbered_rows()
    y = np.where(np.arange(80) % 8 == 0, 2, y)
    weight = np.where(y == 2, 0.0, 1.0)
    model = kind(LogisticRegression(), random_state=0, weight_strategy=strategy)
    model.fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    assert set(model.predict(X)) <= {0, 1}


@pytest.mark.parametrize("strategy", ["native", "resample"])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_many_zero_weights(kind, strategy):
    X, y = with_numbered_rows(200)
    weight = np.zeros(200)
    weight[np.flatnonzero(y == 0)[:10]] = 1.0
    weight[np.flatnonzero(y == 1)[:10]] = 1.0
    model = kind(LogisticRegression(), random_state=0, weight_strategy=strategy)
    model.fit(X, y, sample_weight=weight)
    assert set(model.predict(X)) == {0, 1}


@pytest.mark.parametrize("kind", CLASSIFIERS + REGRESSORS)
def test_a_fold_without_weight_is_a_clear_error(kind):

    X, y = labels() if kind in CLASSIFIERS else numbers()
    weight = np.zeros(60)
    weight[5] = 1.0
    model = KNeighborsClassifier() if kind in CLASSIFIERS else KNeighborsRegressor()
    with pytest.raises(ValueError, match="All sample_weight of the 48 rows to fit here are zero"):
        kind(model, weight_strategy="resample", random_state=0).fit(X, y, sample_weight=weight)


# --------------------------------------------------------------------------- models without weights


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: make_pipeline(make_pipeline(StandardScaler(), model)),
        lambda model: GridSearchCV(make_pipeline(StandardScaler(), model), {}),
    ],
    ids=["alone", "pipeline", "nested", "search"],
)
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_model_without_weights_is_named_before_any_fit(kind, wrap):
    X, y = labels()
    with pytest.raises(ValueError, match="LabelerWithoutWeights.*weight_strategy"):
        kind(wrap(LabelerWithoutWeights())).fit(X, y, sample_weight=weights())
    assert CALLS == []


@pytest.mark.parametrize(
    "kind, extra", [(ReweightClassifier, {}), (RelabelClassifier, {"mode": "soft"})]
)
def test_a_treatment_by_weights_refuses_a_model_without_weights_before_any_fit(kind, extra):
    X, y = labels()
    with pytest.raises(ValueError, match="LabelerWithoutWeights takes no sample_weight"):
        kind(LabelerWithoutWeights(), **extra).fit(X, y)
    assert CALLS == []


def test_a_detectors_own_model_without_weights_is_named_too():
    X, y = labels()
    model = FilterClassifier(LogisticRegression(), ConfidentLearning(KNeighborsClassifier()))
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        model.fit(X, y, sample_weight=weights())
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        ConfidentLearning(KNeighborsClassifier()).fit(X, y, sample_weight=weights())


def test_calibration_over_a_pipeline_is_refused_rather_than_unweighted():
    X, y = labels()
    inner = CalibratedClassifierCV(make_pipeline(StandardScaler(), Labeler()), ensemble=False)
    with pytest.raises(ValueError, match="CalibratedClassifierCV takes no sample_weight"):
        FilterClassifier(inner).fit(X, y, sample_weight=weights())
    assert CALLS == []


@pytest.mark.parametrize("kind", CLASSIFIERS + REGRESSORS)
def test_resampling_by_equal_weights_is_the_plain_model(kind):
    X, y = with_numbered_rows()
    plain = KNeighborsClassifier(3) if kind in CLASSIFIERS else KNeighborsRegressor(3)
    X = StandardScaler().fit_transform(X)
    model = kind(plain, contamination=0, weight_strategy="resample", random_state=0)
    model.fit(X, y, sample_weight=np.full(80, 0.3))
    np.testing.assert_array_equal(model.predict(X), clone(plain).fit(X, y).predict(X))


def test_resampling_repeats_and_leaves_out_rows_by_weight():
    X, y = labels()
    weight = np.where(np.arange(60) < 20, 3.0, 0.0)
    ReweightClassifier(
        LabelerWithoutWeights(), contamination=0, weight_strategy="resample", random_state=0
    ).fit(X, y, sample_weight=weight)
    rows, targets, metadata = CALLS[-1]
    assert metadata == {}
    np.testing.assert_array_equal(np.bincount(rows, minlength=60), weight)
    np.testing.assert_array_equal(targets, y[rows])


# --------------------------------------------------------------------------- inner compositions


def weights_that_arrived():
    return [metadata.get("sample_weight") for _, _, metadata in CALLS]


PIPELINES = {
    "pipeline": lambda model: make_pipeline("passthrough", model),
    "pipeline in pipeline": lambda model: make_pipeline("passthrough", Pipeline([("m", model)])),
    "search": lambda model: GridSearchCV(model, {}, cv=2),
    "search over pipeline": lambda model: GridSearchCV(Pipeline([("m", model)]), {}, cv=2),
    "filter": lambda model: FilterClassifier(model, contamination=0),
    "filter over pipeline": lambda model: FilterClassifier(Pipeline([("m", model)])),
}


@pytest.mark.parametrize("wrap", PIPELINES.values(), ids=PIPELINES.keys())
@pytest.mark.parametrize("kind", [FilterClassifier, ReweightClassifier])
def test_weights_reach_the_innermost_model(kind, wrap):
    X, y = labels()
    kind(wrap(Labeler()), contamination=0).fit(X, y, sample_weight=weights())
    assert len(CALLS) >= 6
    for rows, _, metadata in CALLS:
        np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])


def test_weights_reach_the_members_of_ensembles():
    X, y = labels()
    for ensemble in (
        VotingClassifier([("a", Labeler()), ("b", Labeler())]),
        StackingClassifier([("a", Labeler())], final_estimator=LogisticRegression(), cv=2),
        BaggingClassifier(Labeler(), n_estimators=2, bootstrap=False),
    ):
        CALLS.clear()
        FilterClassifier(ensemble, ConfidentLearning(cv=2), contamination=0).fit(
            X, y, sample_weight=weights()
        )
        assert all(weight is not None for weight in weights_that_arrived())


def test_an_ensemble_with_a_member_without_weights_is_refused():
    X, y = labels()
    for ensemble in (
        VotingClassifier([("a", Labeler()), ("b", LabelerWithoutWeights())]),
        StackingClassifier([("a", Labeler())], final_estimator=LabelerWithoutWeights(), cv=2),
        VotingClassifier([("a", make_pipeline("passthrough", Labeler()))]),
    ):
        with pytest.raises(ValueError, match="Classifier takes no sample_weight"):
            FilterClassifier(ensemble).fit(X, y, sample_weight=weights())
    assert CALLS == []


def test_per_class_thresholds_are_for_classes():
    X, y = numbers()
    with pytest.raises(ValueError, match="per_class=False"):
        FilterRegressor(Number(), contamination=FixedRate(per_class=True)).fit(X, y)
    for threshold in (ConfidentJointCount(), ConfidentJointCount(per_class=False)):
        with pytest.raises(ValueError, match="use another threshold"):
            FilterRegressor(Number(), contamination=threshold).fit(X, y)


def test_weights_reach_a_transformed_target_regressor():
    X, y = numbers()
    inner = TransformedTargetRegressor(Number(), func=lambda t: 2 * t, inverse_func=lambda t: t / 2)
    FilterRegressor(inner, contamination=0).fit(X, y, sample_weight=weights())
    for rows, targets, metadata in CALLS:
        np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])
        np.testing.assert_allclose(targets, 2 * y[rows])
    CALLS.clear()
    FilterRegressor(TransformedTargetRegressor(Pipeline([("m", Number())])), contamination=0).fit(
        X, y, sample_weight=weights()
    )
    assert all(weight is not None for weight in weights_that_arrived())


def test_weights_reach_a_calibrated_model():
    X, y = labels()
    FilterClassifier(CalibratedClassifierCV(Labeler(), cv=2), contamination=0).fit(
        X, y, sample_weight=weights()
    )
    assert all(weight is not None for weight in weights_that_arrived())


def test_weights_through_an_outer_pipeline_and_cross_validate():
    X, y = labels()
    pipe = Pipeline([("scale", "passthrough"), ("clean", FilterClassifier(Labeler()))])
    pipe.fit(X, y, clean__sample_weight=weights())
    assert all(weight is not None for weight in weights_that_arrived())
    CALLS.clear()
    cross_validate(
        pipe, X, y, params={"clean__sample_weight": weights()}, cv=3, error_score="raise"
    )
    assert len(CALLS) == 18
    for rows, _, metadata in CALLS:
        np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])


# --------------------------------------------------------------------------- further fit parameters


def test_further_fit_parameters_are_sliced_per_row_or_passed_whole():
    X, y = labels()
    held_out = [(X[:5], y[:5])]
    per_row = np.array([f"row {i}" for i in range(60)])
    model = FilterClassifier(Labeler(), random_state=0).fit(X, y, per_row=per_row, whole=held_out)
    assert len(model.sample_indices_) == 57
    for rows, _, metadata in CALLS:
        np.testing.assert_array_equal(metadata["per_row"], per_row[rows])
        assert metadata["whole"] is held_out


def test_further_fit_parameters_follow_the_copies_of_soft_relabelling():
    X, y = labels()
    RelabelClassifier(Labeler(), mode="soft", random_state=0).fit(X, y, per_row=np.arange(60))
    rows, _, metadata = CALLS[-1]
    assert len(rows) > 60
    np.testing.assert_array_equal(metadata["per_row"], rows)


# --------------------------------------------------------------------------- groups


@pytest.mark.parametrize("as_given", [np.asarray, list, pd.Series])
def test_groups_stay_together_in_detection(as_given):
    X, y = labels()
    groups = np.array(["a", "b", "c", "d", "e", "f"]).repeat(10)
    FilterClassifier(Labeler(), random_state=0).fit(X, y, groups=as_given(groups))
    for rows, _, metadata in CALLS[:-1]:
        assert metadata == {}  # for the folds, not for the model
        tested = np.setdiff1d(np.arange(60), rows)
        assert not set(groups[rows]) & set(groups[tested])


def test_groups_of_wrong_length_or_number():
    X, y = labels()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FilterClassifier(Labeler()).fit(X, y, groups=np.zeros(59))
    with pytest.raises(ValueError, match="group"):
        FilterClassifier(Labeler()).fit(X, y, groups=np.zeros(60))


# --------------------------------------------------------------------------- trusted


CONTAMINATIONS = ["auto", 0.3, FixedRate(0.5), MixturePosterior()]
WRONG = [3, 17, 41]


def trust(rows=(3, 41), n=60):
    return np.isin(np.arange(n), rows)


@pytest.mark.parametrize(
    "contamination",
    [*CONTAMINATIONS, FixedRate(0.5, per_class=True), ConfidentJointCount()],
    ids=str,
)
def test_trusted_labels_are_never_flagged(contamination):
    X, y = labels()
    detector = ConfidentLearning(Labeler(), contamination=contamination, random_state=0)
    detector.fit(X, y, trusted=trust())
    assert not detector.noise_mask_[trust()].any()
    assert (detector.noise_proba_[trust()] == 0).all()
    np.testing.assert_array_equal(detector.y_suggested_[trust()], y[trust()])
    np.testing.assert_array_equal(detector.label_proba_[trust(), y[trust()]], 1.0)
    assert np.isin([3, 41], detector.sample_indices_).all()


@pytest.mark.parametrize("contamination", CONTAMINATIONS, ids=str)
def test_trusted_numbers_are_never_flagged(contamination):
    X, y = numbers()
    detector = Residual(Number(), contamination=contamination, random_state=0)
    detector.fit(X, y, trusted=trust())
    assert not detector.noise_mask_[trust()].any()
    assert (detector.noise_proba_[trust()] == 0).all()


@pytest.mark.parametrize("contamination", CONTAMINATIONS, ids=str)
@pytest.mark.parametrize("kind", CLASSIFIERS + REGRESSORS)
@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_trusted_rows_are_treated_by_nobody(kind, contamination, mode):
    is_labels = kind in CLASSIFIERS
    (X, y), model = (labels(), Labeler()) if is_labels else (numbers(), Number())
    extra = {"mode": mode, "confidence": 0.0} if kind.__name__.startswith("Relabel") else {}
    treated = kind(model, contamination=contamination, random_state=0, **extra)
    treated.fit(X, y, sample_weight=weights(), trusted=trust())
    assert not treated.noise_mask_[trust()].any()
    assert (treated.noise_proba_[trust()] == 0).all()
    rows, targets, metadata = CALLS[-1]
    for row in (3, 41):
        at = np.flatnonzero(rows == row)
        assert len(at) == 1
        assert targets[at] == y[row]
        np.testing.assert_allclose(metadata["sample_weight"][at], weights()[row])


def test_untrusted_wrong_rows_are_still_found():
    X, y = labels()
    model = FilterClassifier(Labeler(), random_state=0).fit(X, y, trusted=trust())
    assert np.flatnonzero(model.noise_mask_).tolist() == [17]


@pytest.mark.parametrize(
    "form",
    [
        trust(),
        trust().tolist(),
        trust().astype(int),
        trust().astype(float),
        pd.Series(trust(), index=range(60, 0, -1)),
        pd.Series(trust(), dtype="boolean"),
        pd.Series(trust(), dtype="Int64"),
        pd.Series(trust(), dtype=object),
    ],
    ids=["array", "list", "0/1", "0.0/1.0", "Series", "boolean", "Int64", "object"],
)
def test_trusted_in_any_boolean_form(form):
    X, y = labels()
    model = FilterClassifier(Labeler(), random_state=0).fit(X, y, trusted=form)
    assert np.flatnonzero(model.noise_mask_).tolist() == [17]


@pytest.mark.parametrize(
    "form, message",
    [
        (np.ones(59, dtype=bool), r"\(60\), got shape \(59,\)"),
        ([3, 41], r"\(60\)"),
        (True, r"\(60\)"),
        (np.ones((60, 1), dtype=bool), r"\(60, 1\)"),
        (np.arange(60), "row 2"),
        (np.full(60, np.nan), "row 0"),
        (np.where(trust(), "yes", "no"), "boolean"),
        (pd.Series([True, None] * 30, dtype="boolean"), "missing"),
        ([True, None] * 30, "missing|row 1"),
    ],
)
@pytest.mark.parametrize("kind", [FilterClassifier, ConfidentLearning])
def test_trusted_of_wrong_form_is_refused(kind, form, message):
    X, y = labels()
    with pytest.raises(ValueError, match=message):
        kind(Labeler()).fit(X, y, trusted=form)
    assert CALLS == []


def test_all_rows_trusted_is_the_plain_model():
    X, y = labels()
    for kind in CLASSIFIERS:
        model = kind(Labeler()).fit(X, y, trusted=np.ones(60, dtype=bool))
        assert not model.noise_mask_.any()
        rows, targets, metadata = CALLS[-1]
        np.testing.assert_array_equal(rows, np.arange(60))
        np.testing.assert_array_equal(targets, y)
        assert metadata == {}


# --------------------------------------------------------------------------- metadata routing


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
class TestRouting:
    @pytest.mark.parametrize("wrap", [lambda m: m, lambda m: make_pipeline("passthrough", m)])
    def test_weight_under_another_name(self, wrap):
        X, y = labels()
        model = FilterClassifier(wrap(Labeler().set_fit_request(sample_weight="cost")))
        model.set_params(contamination=0).fit(X, y, cost=weights())
        assert len(CALLS) == 6
        for rows, _, metadata in CALLS:
            np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])

    def test_weight_without_a_request_is_an_error_that_says_so(self):
        X, y = labels()
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            FilterClassifier(Labeler()).fit(X, y, sample_weight=weights())
        assert CALLS == []

    @pytest.mark.parametrize("kind", CLASSIFIERS)
    def test_weight_with_a_request(self, kind):
        X, y = labels()
        model = Labeler().set_fit_request(sample_weight=True)
        kind(model, contamination=0).fit(X, y, sample_weight=weights())
        for rows, _, metadata in CALLS:
            np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])

    def test_weight_that_the_model_refuses_is_not_passed_on(self):
        X, y = labels()
        model = Labeler().set_fit_request(sample_weight=False)
        FilterClassifier(model, contamination=0).fit(X, y, sample_weight=weights())
        assert all(weight is None for weight in weights_that_arrived())

    def test_weight_in_an_inner_pipeline(self):
        X, y = labels()
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        inner = make_pipeline(
            "passthrough", make_pipeline(Labeler().set_fit_request(sample_weight=True))
        )
        FilterClassifier(inner, contamination=0).fit(X, y, sample_weight=weights())
        assert len(CALLS) == 6
        for rows, _, metadata in CALLS:
            np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])
        both = make_pipeline(scaler, LogisticRegression().set_fit_request(sample_weight=True))
        FilterClassifier(both, contamination=0).fit(X, y, sample_weight=weights())

    def test_weight_that_no_step_of_a_pipeline_asks_for_is_an_error(self):
        X, y = labels()
        with pytest.raises(ValueError, match="Labeler, the last.*set_fit_request"):
            FilterClassifier(make_pipeline("passthrough", Labeler())).fit(
                X, y, sample_weight=weights()
            )

    @pytest.mark.parametrize("kind", [ReweightClassifier, ReweightRegressor])
    def test_reweighting_needs_no_weights_from_the_user(self, kind):
        (X, y), model = (
            (labels(), Labeler()) if kind is ReweightClassifier else (numbers(), Number())
        )
        treated = kind(model, random_state=0).fit(X, y)
        np.testing.assert_allclose(CALLS[-1][2]["sample_weight"], treated.sample_weight_)

    def test_reweighting_a_pipeline_whose_steps_ask_for_weights(self):
        X, y = labels()
        inner = make_pipeline("passthrough", Labeler().set_fit_request(sample_weight=True))
        treated = ReweightClassifier(inner, random_state=0).fit(X, y)
        np.testing.assert_allclose(CALLS[-1][2]["sample_weight"], treated.sample_weight_)

    def test_groups_and_trusted_need_no_request(self):
        X, y = labels()
        groups = np.arange(60) // 10
        model = make_pipeline("passthrough", FilterClassifier(Labeler(), random_state=0))
        model.fit(X, y, groups=groups, trusted=trust())
        for rows, _, _ in CALLS[:-1]:
            assert not set(groups[rows]) & set(groups[np.setdiff1d(np.arange(60), rows)])
        assert np.flatnonzero(model[-1].noise_mask_).tolist() == [17]

    def test_weight_through_an_outer_pipeline(self):
        X, y = labels()
        inner = Labeler().set_fit_request(sample_weight=True)
        model = FilterClassifier(inner, contamination=0)
        with pytest.raises(UnsetMetadataPassedError, match="FilterClassifier"):
            make_pipeline("passthrough", model).fit(X, y, sample_weight=weights())
        assert CALLS == []
        model.set_fit_request(sample_weight=True)
        make_pipeline("passthrough", model).fit(X, y, sample_weight=weights())
        for rows, _, metadata in CALLS:
            np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])

    def test_groups_weights_and_trusted_through_a_search(self):
        X, y = labels()
        groups = np.arange(60) // 10
        inner = Labeler().set_fit_request(sample_weight=True)
        model = FilterClassifier(inner, random_state=0)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        search = GridSearchCV(
            model, {"contamination": [0, None]}, cv=GroupKFold(3), error_score="raise"
        )
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            search.set_params(estimator=clone(model).set_fit_request(sample_weight=None)).fit(
                X, y, groups=groups, sample_weight=weights()
            )
        assert CALLS == []
        search.set_params(estimator=model)
        search.fit(X, y, groups=groups, sample_weight=weights(), trusted=trust())
        assert len(CALLS) == 6 * (4 + 1) + 6
        for rows, _, metadata in CALLS:
            np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])
        # all group numbers are whole in every fit, the outer folds' and the inner ones'
        for rows, _, _ in CALLS[:-1]:
            assert set(np.bincount(groups[rows], minlength=6)) <= {0, 9, 10}  # row 17 is dropped

    def test_groups_through_cross_validate(self):
        X, y = labels()
        groups = np.arange(60) // 10
        cross_validate(
            FilterClassifier(Labeler(), contamination=0),
            X,
            y,
            params={"groups": groups},
            cv=GroupKFold(3),
            error_score="raise",
        )
        assert len(CALLS) == 3 * (4 + 1)  # four groups in each outer fold
        for rows, _, _ in CALLS:
            assert set(np.bincount(groups[rows], minlength=6)) <= {0, 10}

    def test_resampling_needs_no_request_from_the_model(self):
        X, y = labels()
        model = FilterClassifier(
            LabelerWithoutWeights(), weight_strategy="resample", random_state=0, contamination=0
        )
        weight = np.where(np.arange(60) < 30, 2.0, 0.0)
        model.fit(X, y, sample_weight=weight)
        np.testing.assert_array_equal(np.bincount(CALLS[-1][0], minlength=60), weight)

    def test_a_model_without_weights_is_refused(self):
        X, y = labels()
        with pytest.raises((ValueError, TypeError), match="sample_weight"):
            FilterClassifier(LabelerWithoutWeights()).fit(X, y, sample_weight=weights())
        for model in (LabelerWithoutWeights(), Labeler()):  # the second takes, but does not ask
            with pytest.raises(ValueError, match=f"{type(model).__name__}, the last.*set_fit_req"):
                ReweightClassifier(make_pipeline(StandardScaler(), model)).fit(X, y)
        assert CALLS == []

    def test_detector_alone(self):
        X, y = labels()
        model = Labeler().set_fit_request(sample_weight=True)
        groups = np.arange(60) // 10
        detector = ConfidentLearning(model, random_state=0).set_fit_request(
            sample_weight=True, groups=True, trusted=True
        )
        detector.fit(X, y, sample_weight=weights(), groups=groups, trusted=trust())
        assert np.flatnonzero(detector.noise_mask_).tolist() == [17]
        for rows, _, metadata in CALLS:
            np.testing.assert_array_equal(metadata["sample_weight"], weights()[rows])


@pytest.mark.parametrize("on", [False, True])
def test_plain_use_does_not_depend_on_routing(on):
    X, y = with_numbered_rows()
    with config_context(enable_metadata_routing=on):
        for kind in CLASSIFIERS:
            pipe = make_pipeline(StandardScaler(), kind(LogisticRegression(), random_state=0))
            search = GridSearchCV(
                pipe, {f"{kind.__name__.lower()}__contamination": [0, None]}, cv=2
            )
            assert search.fit(X, y).best_score_ > 0.7
        # scikit-learn 1.6.0 does not take params=None with routing on
        for model in [kind(Ridge()) for kind in REGRESSORS] + [FilterRegressor(LinearRegression())]:
            assert np.isfinite(cross_val_score(model, X, y, cv=2, params={})).all()
