"""Models whose answers are in another order or shape, or are none at all."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    ReweightClassifier,
    RobustClassifier,
    RobustRegressor,
)
from sknoisy.detection import (
    AuxiliaryQuality,
    ConfidentLearning,
    Consensus,
    DataOOB,
    DatasetMap,
    ExcessLoss,
    IterativePartitioning,
    LabelCommittee,
    Memorization,
    ReCoV,
    Residual,
    SelectiveEnsemble,
    Tabasco,
    training_stages,
)
from sknoisy.exceptions import NothingKnownWarning

from ..helpers import noisy_labels, noisy_numbers

X, CODES = noisy_labels()
LABELS = np.array(["ant", "bee", "cat"])[CODES]
X_NUMBERS, NUMBERS = noisy_numbers()


class Shuffled(ClassifierMixin, BaseEstimator):
    """As `inner`, with classes and columns in another order; consistent in itself."""

    def __init__(self, inner=None, order=(2, 0, 1)):
        self.inner = inner
        self.order = order

    def fit(self, X, y, sample_weight=None):
        inner = GaussianNB() if self.inner is None else self.inner
        self.inner_ = clone(inner).fit(X, y, sample_weight)
        n = len(self.inner_.classes_)
        self.order_ = [i for i in self.order if i < n]
        self.classes_ = self.inner_.classes_[self.order_]
        return self

    def predict(self, X):
        return self.inner_.predict(X)


class ShuffledProba(Shuffled):
    def predict_proba(self, X):
        return self.inner_.predict_proba(X)[:, self.order_]

    def predict_log_proba(self, X):
        return np.log(self.predict_proba(X))


class ShuffledMargins(Shuffled):
    def decision_function(self, X):
        margin = self.inner_.decision_function(X)
        if margin.ndim == 1:
            return margin if self.order_ == [0, 1] else -margin
        return margin[:, self.order_]


DETECTORS = [
    ConfidentLearning,
    Memorization,
    DataOOB,
    SelectiveEnsemble,
    ReCoV,
    Tabasco,
    IterativePartitioning,
    ExcessLoss,
]


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize(
    ("plain", "shuffled"),
    [
        (GaussianNB(), ShuffledProba()),
        (RidgeClassifier(), ShuffledMargins(RidgeClassifier())),
    ],
    ids=["proba", "margins"],
)
def test_columns_are_read_by_name(detector, plain, shuffled):
    few = {"n_bags": 8} if detector in (Memorization, DataOOB) else {}
    few |= {"n_estimators": 6} if detector is SelectiveEnsemble else {}
    few |= {"n_repeats": 3} if detector in (ReCoV, ExcessLoss) else {}
    a = detector(plain, random_state=0, **few).fit(X, LABELS)
    b = detector(shuffled, random_state=0, **few).fit(X, LABELS)
    np.testing.assert_allclose(b.noise_score_, a.noise_score_)
    np.testing.assert_array_equal(b.y_suggested_, a.y_suggested_)


def test_columns_of_voters_members_and_raters_are_read_by_name():
    trusted = np.arange(len(X)) % 3 == 0
    for make in (
        lambda m: Consensus([("m", m)], random_state=0),
        lambda m: LabelCommittee(members=[("m", m), ("n", GaussianNB())], random_state=0),
        lambda m: AuxiliaryQuality(m, random_state=0),
    ):
        scores = []
        for model in (GaussianNB(), ShuffledProba()):
            scores.append(make(model).fit(X, LABELS, trusted=trusted).noise_score_)
        np.testing.assert_allclose(scores[0], scores[1])


@pytest.mark.parametrize(
    "wrap",
    [
        lambda m: make_pipeline(StandardScaler(), m),
        lambda m: GridSearchCV(m, {}, cv=2),
        lambda m: CalibratedClassifierCV(m, cv=2),
    ],
    ids=["pipeline", "search", "calibrated"],
)
def test_columns_of_wrapped_models_are_read_by_name(wrap):
    a = ConfidentLearning(wrap(GaussianNB()), random_state=0).fit(X, LABELS)
    b = ConfidentLearning(wrap(ShuffledProba()), random_state=0).fit(X, LABELS)
    np.testing.assert_allclose(b.noise_score_, a.noise_score_, atol=1e-6)


@pytest.mark.parametrize("kind", [FilterClassifier, ReweightClassifier, RelabelClassifier])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_columns_of_treatments_are_in_the_order_of_their_classes(kind, n_classes):
    rows = np.flatnonzero(CODES < n_classes)
    order = (1, 0) if n_classes == 2 else (2, 0, 1)
    a = kind(GaussianNB(), random_state=0).fit(X[rows], LABELS[rows])
    b = kind(ShuffledProba(order=order), random_state=0).fit(X[rows], LABELS[rows])
    assert b.classes_.tolist() == ["ant", "bee", "cat"][:n_classes]
    np.testing.assert_allclose(b.predict_proba(X), a.predict_proba(X))
    np.testing.assert_allclose(b.predict_log_proba(X), a.predict_log_proba(X), atol=1e-6)
    np.testing.assert_array_equal(b.classes_[b.predict_proba(X).argmax(axis=1)], b.predict(X))
    a = kind(LogisticRegression(), random_state=0).fit(X[rows], LABELS[rows])
    inner = ShuffledMargins(LogisticRegression(), order)
    b = kind(inner, ConfidentLearning(LogisticRegression(), bounded=True), random_state=0)
    b.fit(X[rows], LABELS[rows])
    np.testing.assert_allclose(b.decision_function(X), a.decision_function(X))


def test_stages_are_read_by_name():
    @training_stages.register(ShuffledProba)
    def _(estimator, X, y, X_asked, **others):
        model = estimator.fit(X, y)
        yield 1, 1.0, model.predict_proba(X_asked)[:, np.argsort(model.classes_)]

    class Boosted(Shuffled):
        """Stages that are in the order of its own classes."""

        n_estimators = 2

        def set_params(self, **params):
            return self

        def staged_predict(self, X):
            yield from [self.predict(X)] * 2

        def staged_predict_proba(self, X):
            yield from [self.inner_.predict_proba(X)[:, self.order_]] * 2

    a = DatasetMap(ShuffledProba()).fit(X, LABELS)
    b = DatasetMap(Boosted()).fit(X, LABELS)
    np.testing.assert_allclose(a.confidence_, b.confidence_)


# --------------------------------------------------------------------------- columns


class Column:
    def predict(self, X):
        return np.asarray(super().predict(X))[:, None]


class ColumnForest(Column, RandomForestClassifier):
    pass


class ColumnOnly(Column, DecisionTreeClassifier):
    """Only predicts, in a column."""

    predict_proba = property()


class ColumnRidge(Column, Ridge):
    pass


@pytest.mark.parametrize(
    "kind", [FilterClassifier, ReweightClassifier, RelabelClassifier, RobustClassifier]
)
def test_a_column_of_labels_is_a_list_of_labels(kind):
    model = kind(ColumnForest(20, random_state=0), random_state=0).fit(X, LABELS)
    said = model.predict(X)
    assert said.shape == (len(X),)
    assert model.score(X, LABELS) == pytest.approx((said == LABELS).mean())


@pytest.mark.parametrize("kind", [FilterRegressor, RobustRegressor])
def test_a_column_of_numbers_is_a_list_of_numbers(kind):
    how = {"random_state": 0} | ({"effort": "fast"} if kind is RobustRegressor else {})
    model = kind(ColumnRidge(), **how).fit(X_NUMBERS, NUMBERS)
    plain = kind(Ridge(), **how).fit(X_NUMBERS, NUMBERS)
    np.testing.assert_allclose(model.predict(X_NUMBERS), plain.predict(X_NUMBERS))
    np.testing.assert_allclose(model.noise_proba_, plain.noise_proba_)
    assert model.score(X_NUMBERS, NUMBERS) == plain.score(X_NUMBERS, NUMBERS)


def test_evidence_of_a_model_that_only_predicts_a_column():
    plain = DecisionTreeClassifier(max_depth=3, random_state=0)
    expected = ConfidentLearning(plain, random_state=0).fit(X, LABELS)
    only = ConfidentLearning(ColumnOnly(max_depth=3, random_state=0), random_state=0)
    only.fit(X, LABELS)
    assert (only.class_proba_.argmax(1) == expected.class_proba_.argmax(1)).mean() > 0.9


# --------------------------------------------------------------------------- answers that are none


class Answers(ClassifierMixin, BaseEstimator):
    """Fitted as it should be; what it says is made by `how`."""

    def __init__(self, how=None):
        self.how = how

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


class SaysProba(Answers):
    def predict_proba(self, X):
        return self.how(np.full((len(X), len(self.classes_)), 1 / len(self.classes_)))


class SaysMargin(Answers):
    def decision_function(self, X):
        return self.how(np.ones((len(X), len(self.classes_))))


class SaysLabel(Answers):
    def predict(self, X):
        return self.how(np.repeat(self.classes_[:1].astype(object), len(X)))


def put(value, at=0):
    def change(values):
        values = np.array(values)
        values[at] = value
        return values

    return change


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (SaysProba(put(np.nan, slice(None))), "predict_proba of SaysProba gives NaN for all of"),
        (SaysProba(put(np.inf)), "predict_proba of SaysProba gives infinity, first for row 0"),
        (
            SaysProba(put([-0.2, 0.6, 0.6])),
            "no probabilities of the classes, but -0.2 in column 0, row 0",
        ),
        (SaysProba(lambda p: 2 * p), "no probabilities of the classes, but a sum of 2 in row 0"),
        (SaysProba(lambda p: 0 * p), "a sum of 0"),
        (SaysProba(lambda p: p[:-1]), r"array of shape \(.*, 3\) for .* rows"),
        (SaysProba(lambda p: p[:, :2] * 1.5), "gives 2 columns for 3 classes"),
        (SaysProba(lambda p: p[:, 0]), "array of shape"),
        (
            SaysProba(lambda p: p.astype(str)[:, :1].repeat(3, 1).astype(object) + "x"),
            "values of dtype object",
        ),
        (SaysMargin(put(np.nan, slice(None))), "decision_function of SaysMargin gives NaN"),
        (SaysMargin(put(-np.inf)), "decision_function of SaysMargin gives infinity"),
        (SaysMargin(lambda m: m[1:]), "decision_function of SaysMargin gives an array of shape"),
        (SaysLabel(put("aardvark")), "'aardvark' for 1 of .* no class of y .'ant', 'bee', 'cat'"),
        (SaysLabel(put("zebra", slice(None))), "'zebra'"),
        (SaysLabel(put(7)), "7 for 1 of"),
        (SaysLabel(put(np.nan)), "nan"),
        (SaysLabel(lambda y: y[1:]), "predict of SaysLabel gives an array of shape"),
        (SaysLabel(lambda y: np.column_stack([y, y])), "predict of SaysLabel gives an array of"),
    ],
)
@pytest.mark.parametrize("detector", [ConfidentLearning, DataOOB, Consensus])
def test_answers_that_are_none_are_errors_with_the_fold(model, message, detector):
    model = [("m", model)] if detector is Consensus else model
    with pytest.raises(ValueError, match=message) as caught:
        detector(model, random_state=0).fit(X, LABELS)
    where = "bag 1 of" if detector is DataOOB else "fold 1 of"
    assert where in caught.value.__notes__[0]
    assert "rare classes" not in caught.value.__notes__[0]  # it is not for want of rows


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_default_refuses_labels_that_y_does_not_have(n_classes):
    X, codes = noisy_labels(150, n_classes, rate=0.25)
    with pytest.raises(ValueError, match="'zebra' for .* no class of y"):
        RobustClassifier(SaysLabel(put("zebra")), effort="fast", random_state=0).fit(
            X, np.array(["ant", "bee", "cat"])[codes]
        )


def test_an_unknown_class_of_the_model_is_named():
    class Renames(GaussianNB):
        def fit(self, X, y):
            super().fit(X, y)
            self.classes_ = np.array(["ant", "bee", "dog"])
            return self

    with pytest.raises(ValueError, match="classes_ of Renames: 'dog' is no class of y"):
        ConfidentLearning(Renames()).fit(X, LABELS)


def test_labels_of_another_type_go_by_their_text():
    """CatBoost, for one, makes texts of booleans."""

    class Texts(GaussianNB):
        def fit(self, X, y):
            super().fit(X, y.astype(str))
            return self

    flags = CODES > 0
    a = ConfidentLearning(GaussianNB(), random_state=0).fit(X, flags)
    b = ConfidentLearning(Texts(), random_state=0).fit(X, flags)
    np.testing.assert_allclose(a.noise_score_, b.noise_score_)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda y: y * np.nan, "predict of Numbers gives NaN for all"),
        (put(np.inf), "predict of Numbers gives infinity"),
        (lambda y: y[1:], "array of shape"),
        (lambda y: np.column_stack([y, y]), "array of shape"),
        (lambda y: np.array(["much"] * len(y)), "gives no numbers"),
    ],
)
def test_numbers_that_are_none(how, message):
    class Numbers(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            self.n_ = len(y)
            return self

        def predict(self, X):
            return how(np.zeros(len(X)))

    with pytest.raises(ValueError, match=message):
        Residual(Numbers()).fit(X_NUMBERS, NUMBERS)


def test_a_row_that_the_model_says_nothing_of_is_not_judged():
    def how(values):
        values = np.array(values)
        values[3] = np.nan
        return values

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", NothingKnownWarning)  # nor does it know of the others
        scores = [
            ConfidentLearning(SaysProba(how)).fit(X, LABELS).noise_score_,
            DataOOB(SaysProba(how), n_bags=15, random_state=0).fit(X, LABELS).noise_score_,
        ]
    assert np.isnan(scores[0]).sum() == 5  # one in each fold
    assert np.flatnonzero(np.isnan(scores[1])).tolist() == [3]


@pytest.mark.parametrize("kind", [FilterClassifier, RelabelClassifier, RobustClassifier])
def test_a_fit_that_returns_nothing(kind):
    class Quiet(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            super().fit(X, y, sample_weight)

    a = kind(GaussianNB(), random_state=0).fit(X, LABELS)
    b = kind(Quiet(), random_state=0).fit(X, LABELS)
    np.testing.assert_array_equal(a.noise_mask_, b.noise_mask_)
    np.testing.assert_array_equal(a.predict(X), b.predict(X))
