"""Evidence that was made elsewhere: nothing is fitted, and what is odd about it is said."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    RobustClassifier,
    detection,
)
from sknoisy.datasets import decimal_noise, symmetric_noise
from sknoisy.detection import (
    AreaUnderMargin,
    CombinedDetector,
    ConfidentLearning,
    DatasetMap,
    KNNShapley,
    LabelCommittee,
    NeighborDisagreement,
    Residual,
)
from sknoisy.exceptions import OwnEvidenceWarning

NAMES = np.array(["ant", "bee", "cat"])


class NeverFitted(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        raise AssertionError("a model was fitted")


class NeverFittedRegressor(Ridge):
    def fit(self, X, y, sample_weight=None):
        raise AssertionError("a model was fitted")


@pytest.fixture(scope="module")
def labels():
    X, y = make_classification(
        600, 6, n_informative=4, n_classes=3, class_sep=1.5, flip_y=0, random_state=0
    )
    z, wrong = symmetric_noise(y, 0.15, random_state=0)
    proba = cross_val_predict(LogisticRegression(), X, z, method="predict_proba")
    return X, NAMES[z], wrong, proba


@pytest.fixture(scope="module")
def numbers():
    X, y = load_diabetes(return_X_y=True)
    z, wrong = decimal_noise(y, 0.05, random_state=0)
    return X, z, wrong, cross_val_predict(Ridge(0.1), X, z)


TAKERS = [
    kind
    for kind in map(vars(detection).get, detection.__all__)
    if inspect.isclass(kind) and getattr(kind, "_takes", ())
]


def own_of(kind, X, proba):
    everything = {
        "predicted": proba,
        "stages": np.stack([(proba + 1 / 3) / 2, proba], axis=1),
        "features": X,
    }
    return {name: everything[name] for name in kind._takes}


@pytest.mark.parametrize("kind", TAKERS)
def test_nothing_is_fitted(kind, labels, numbers):
    detector = kind()
    if kind._task == "regression":
        X, z, _, predicted = numbers
        detector.set_params(estimator=NeverFittedRegressor())
        detector.fit(None, z, predicted=predicted)
    else:
        X, z, _, proba = labels
        if "estimator" in detector.get_params():
            detector.set_params(estimator=NeverFitted())
        groups = {"groups": np.arange(600) // 30} if kind is detection.PersonalLoss else {}
        detector.fit(None, z, **own_of(kind, X, proba), **groups)
    assert detector.noise_mask_.shape == z.shape
    assert len(detector.noise_report(z, z)) == len(z)


def test_it_is_the_same_as_with_a_model_that_says_so(labels):
    X, z, _, proba = labels
    own = ConfidentLearning().fit(None, z, predicted=proba)
    made = ConfidentLearning(LogisticRegression(), cv=5).fit(X, z)
    # other folds, nearly the same probabilities
    assert np.mean(own.noise_mask_ == made.noise_mask_) > 0.95
    again = ConfidentLearning().fit(X, z, predicted=made.class_proba_)
    np.testing.assert_array_equal(again.noise_mask_, made.noise_mask_)
    np.testing.assert_allclose(again.noise_proba_, made.noise_proba_)


@pytest.mark.parametrize("dtype", ["Float64", object])
def test_predictions_of_nullable_columns(labels, dtype):
    _, y, _, proba = labels
    gaps = np.where(np.arange(len(y))[:, None] % 9 == 0, np.nan, proba)
    table = pd.DataFrame(gaps, columns=NAMES).astype(dtype)
    got, expected = (ConfidentLearning().fit(None, y, predicted=own) for own in (table, gaps))
    np.testing.assert_array_equal(got.noise_proba_, expected.noise_proba_)
    with pytest.raises(ValueError, match="predicted labels do not say how sure"):
        ConfidentLearning().fit(None, y, predicted=np.asarray(y, dtype=object))


def test_treatments_pass_it_on(labels, numbers):
    X, z, wrong, proba = labels
    for treatment in (FilterClassifier, RelabelClassifier):
        model = treatment(LogisticRegression(), random_state=0).fit(X, z, predicted=proba)
        assert wrong[model.noise_mask_].mean() > 0.6
        detector = ConfidentLearning(NeverFitted())
        model = treatment(LogisticRegression(), detector, calibrate=False, random_state=0)
        model.fit(X, z, predicted=proba)
        assert model.noise_mask_.any()
    X, z, wrong, predicted = numbers
    model = FilterRegressor(Ridge(0.1), Residual(NeverFittedRegressor())).fit(
        X, z, predicted=predicted
    )
    assert wrong[model.noise_mask_].mean() > 5 * wrong.mean()


def test_the_default_fits_models_and_says_so(labels):
    X, z, _, proba = labels
    with pytest.raises(ValueError, match="LabelCommittee makes no use of predicted"):
        RobustClassifier(LogisticRegression()).fit(X, z, predicted=proba)
    with pytest.raises(ValueError, match="makes no use of stages: it takes predicted"):
        ConfidentLearning().fit(X, z, predicted=proba, stages=proba[:, None])
    with pytest.raises(ValueError, match="LabelCommittee makes no use of features"):
        LabelCommittee().fit(X, z, features=X)


def test_a_search_slices_it_with_the_rows(labels):
    X, z, _, proba = labels
    model = FilterClassifier(
        LogisticRegression(), ConfidentLearning(NeverFitted()), calibrate=False
    )
    search = GridSearchCV(model, {"contamination": [0.0, 0.15, None]}, cv=3, error_score="raise")
    search.fit(X, z, predicted=proba)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_memory_knows_it_again(labels, tmp_path):
    X, z, _, proba = labels
    model = FilterClassifier(LogisticRegression(), memory=str(tmp_path), random_state=0)
    first = clone(model).fit(X, z, predicted=proba).noise_proba_
    np.testing.assert_array_equal(clone(model).fit(X, z, predicted=proba).noise_proba_, first)
    other = clone(model).fit(X, z, predicted=np.sqrt(proba) / np.sqrt(proba).sum(1, keepdims=True))
    assert not np.array_equal(other.noise_proba_, first)


class TestPredicted:
    def test_a_frame_has_columns_in_any_order(self, labels):
        _, z, _, proba = labels
        frame = pd.DataFrame(proba, columns=NAMES)[["cat", "ant", "bee"]]
        expected = ConfidentLearning().fit(None, z, predicted=proba)
        found = ConfidentLearning().fit(None, z, predicted=frame)
        np.testing.assert_array_equal(found.noise_proba_, expected.noise_proba_)
        with pytest.raises(ValueError, match="'dog' is no class of y"):
            ConfidentLearning().fit(None, z, predicted=frame.rename(columns={"cat": "dog"}))
        with pytest.raises(ValueError, match="2 columns, and y has 3 classes"):
            ConfidentLearning().fit(None, z, predicted=frame[["ant", "bee"]] + 1 / 6)

    def test_columns_of_polars_have_names_too(self, labels):
        polars = pytest.importorskip("polars")
        X, y, _, proba = labels
        expected = ConfidentLearning(random_state=0).fit(X, y, predicted=proba)
        frame = pd.DataFrame(proba, columns=np.unique(y)).iloc[:, ::-1]
        frame = polars.DataFrame({name: frame[name].to_numpy() for name in frame})
        found = ConfidentLearning(random_state=0).fit(X, y, predicted=frame)
        np.testing.assert_array_equal(found.noise_proba_, expected.noise_proba_)

    def test_labels_are_no_probabilities(self, labels):
        X, y, _, _ = labels
        with pytest.raises(ValueError, match="predicted labels do not say how sure"):
            ConfidentLearning(random_state=0).fit(X, y, predicted=y)

    def test_names_that_a_file_made_texts_of(self):
        y = np.tile([0, 1], 50)
        proba = np.column_stack([0.9 - 0.8 * y, 0.1 + 0.8 * y])
        frame = pd.DataFrame(proba[:, ::-1], columns=["1", "0"])
        y[:5] = 1 - y[:5]
        found = ConfidentLearning().fit(None, y, predicted=frame)
        assert found.noise_mask_[:5].all()

    def test_one_column_for_two_classes(self):
        rng = np.random.default_rng(0)
        p = rng.random(400)
        y = (rng.random(400) < p).astype(int)
        both = ConfidentLearning().fit(None, y, predicted=np.column_stack([1 - p, p]))
        one = ConfidentLearning().fit(None, y, predicted=p)
        np.testing.assert_allclose(one.noise_proba_, both.noise_proba_)

    def test_rows_of_nan_are_not_judged(self, labels):
        _, z, _, proba = labels
        proba = proba.copy()
        proba[7] = np.nan
        found = ConfidentLearning().fit(None, z, predicted=proba)
        assert np.isnan(found.noise_score_[7])
        assert not found.noise_mask_[7]

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda p: p[:-1], r"shape \(599, 3\) for 600 rows"),
            (lambda p: p * 2, "predicted gives no probabilities"),
            (lambda p: np.where(np.arange(600)[:, None] == 5, -p, p), "row 5 of 600"),
            (lambda p: np.where(np.arange(600)[:, None] == 5, p / 2, p), "a sum of 0.5 in row 5"),
            (lambda p: np.full_like(p, np.nan), "NaN for all of 600 rows"),
            (lambda p: p.astype(str), "dtype"),
        ],
    )
    def test_what_is_wrong_with_it_is_said(self, spoil, message, labels):
        _, z, _, proba = labels
        with pytest.raises(ValueError, match=message):
            ConfidentLearning().fit(None, z, predicted=spoil(proba))

    def test_another_order_is_noticed(self, labels):
        _, z, _, proba = labels
        with pytest.warns(
            OwnEvidenceWarning, match="would in .* if its columns were .* bee, cat, ant"
        ):
            ConfidentLearning().fit(None, z, predicted=proba[:, [1, 2, 0]])

    def test_predictions_that_have_seen_the_rows_are_noticed(self, labels, numbers):
        _, z, _, _ = labels
        seen = 0.8 * (z[:, None] == NAMES) + 0.2 / 3
        with pytest.warns(
            OwnEvidenceWarning, match="the likeliest one in every row.*cross_val_pre"
        ):
            ConfidentLearning().fit(None, z, predicted=seen)
        _, z, _, _ = numbers
        with pytest.warns(OwnEvidenceWarning, match="is y itself in nine rows of ten"):
            Residual().fit(None, z, predicted=z)

    def test_of_many_rows_a_part_tells(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 3, 30_000)
        proba = np.full((len(y), 3), 0.1)
        proba[np.arange(len(y)), y] = 0.8
        with pytest.warns(OwnEvidenceWarning, match="the likeliest one in every row"):
            ConfidentLearning().fit(None, y, predicted=proba)
        with pytest.warns(OwnEvidenceWarning, match="if its columns were those of 1, 2, 0"):
            ConfidentLearning().fit(None, y, predicted=proba[:, [1, 2, 0]])
        y[17] = (y[17] + 1) % 3
        with warnings.catch_warnings():
            warnings.simplefilter("error", OwnEvidenceWarning)
            assert ConfidentLearning().fit(None, y, predicted=proba).noise_mask_[17]

    def test_no_warning_where_all_is_well(self, labels, numbers):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ConfidentLearning().fit(None, labels[1], predicted=labels[3])
            Residual().fit(None, numbers[1], predicted=numbers[3])

    def test_tensors(self, labels):
        torch = pytest.importorskip("torch")
        _, z, _, proba = labels
        expected = ConfidentLearning().fit(None, z, predicted=proba)
        given = torch.tensor(proba, requires_grad=True)
        found = ConfidentLearning().fit(None, z, predicted=given)
        np.testing.assert_array_equal(found.noise_proba_, expected.noise_proba_)


class TestStages:
    def epochs(self, labels):
        """Probabilities of an own training: right rows are learnt, wrong ones late."""
        _, z, wrong, proba = labels
        given = (z[:, None] == NAMES).astype(float)
        late = np.where(wrong[:, None, None], 0.3, 0.9) * np.linspace(0, 1, 8)[None, :, None]
        return (1 - late) * proba[:, None] + late * given[:, None]

    def test_probabilities_by_epoch(self, labels):
        _, z, wrong, proba = labels
        stages = self.epochs(labels)
        found = DatasetMap().fit(None, z, stages=stages, predicted=proba)
        assert wrong[found.noise_mask_].mean() > 0.6
        own = AreaUnderMargin(contamination="own").fit(None, z, stages=stages)
        assert wrong[np.argsort(-own.noise_score_)[:60]].mean() > 0.7

    def test_counting_needs_predictions(self, labels):
        with pytest.raises(ValueError, match="give predicted as well"):
            DatasetMap().fit(None, labels[1], stages=self.epochs(labels))
        with pytest.raises(ValueError, match="give stages as well"):
            DatasetMap().fit(None, labels[1], predicted=labels[3])

    def test_losses_of_the_given_label_suggest_none(self, labels):
        _, z, _, _ = labels
        stages = self.epochs(labels)
        codes = np.searchsorted(NAMES, z)
        losses = -np.log(stages[np.arange(600), :, codes])
        by_losses = DatasetMap(contamination=0.15).fit(None, z, stages=losses)
        by_proba = DatasetMap(contamination=0.15).fit(None, z, stages=stages)
        np.testing.assert_allclose(by_losses.noise_score_, by_proba.noise_score_)
        np.testing.assert_array_equal(by_losses.y_suggested_, z)
        assert (by_proba.y_suggested_ != z).any()

    def test_losses_of_two_classes_say_all(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 200)
        given = rng.beta(5, 2, size=(200, 6))
        proba = np.stack([np.where(y[:, None] == k, given, 1 - given) for k in (0, 1)], axis=2)
        by_proba = DatasetMap(contamination=0.1).fit(None, y, stages=proba)
        by_losses = DatasetMap(contamination=0.1).fit(None, y, stages=-np.log(given))
        np.testing.assert_allclose(by_losses.noise_score_, by_proba.noise_score_)
        np.testing.assert_array_equal(by_losses.y_suggested_, by_proba.y_suggested_)

    def test_numbers_by_epoch(self, numbers):
        _, z, wrong, predicted = numbers
        steps = z.mean() + (predicted - z.mean())[:, None] * np.linspace(0.2, 1, 5)
        found = DatasetMap(NeverFittedRegressor(), contamination=0.05).fit(None, z, stages=steps)
        assert wrong[found.noise_mask_].mean() > 0.5

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda s: s[:, :, :2], "y has 3 classes"),
            (lambda s: s[:-1], "for 600 rows"),
            (lambda s: s[:, :0], "shape"),
            (lambda s: s * 2, r"stages\[:, 0\] gives no probabilities"),
            (lambda s: -s[:, :, 0], "losses are not negative"),
        ],
    )
    def test_what_is_wrong_with_them_is_said(self, spoil, message, labels):
        with pytest.raises(ValueError, match=message):
            DatasetMap(contamination=0.1).fit(None, labels[1], stages=spoil(self.epochs(labels)))


class TestFeatures:
    def test_embeddings_stand_for_the_rows(self, labels):
        X, z, _, _ = labels
        texts = [f"row {i}" for i in range(600)]
        expected = NeighborDisagreement(contamination=0.1).fit(X, z)
        found = NeighborDisagreement(contamination=0.1).fit(texts, z, features=X)
        np.testing.assert_array_equal(found.noise_score_, expected.noise_score_)
        model = FilterClassifier(
            LogisticRegression(), KNNShapley(contamination=0.1), calibrate=False
        )
        np.testing.assert_array_equal(
            model.fit(X, z, features=X).noise_mask_,
            KNNShapley(contamination=0.1).fit(X, z).noise_mask_,
        )

    def test_none_are_there(self, labels):
        with pytest.raises(TypeError, match="got X=None: only with predicted"):
            ConfidentLearning().fit(None, labels[1])
        with pytest.raises(ValueError, match="X is None, and this compares rows"):
            NeighborDisagreement().fit(None, labels[1], predicted=labels[3])
        with pytest.raises(ValueError, match="features has 599 rows"):
            NeighborDisagreement().fit(None, labels[1], features=labels[0][1:])

    def test_several_detectors_take_what_they_can(self, labels):
        X, z, wrong, proba = labels
        found = CombinedDetector(random_state=0).fit(None, z, predicted=proba, features=X)
        assert wrong[found.noise_mask_].mean() > 0.6
        with pytest.raises(ValueError, match="LabelCommittee makes no use of predicted"):
            CombinedDetector([("a", LabelCommittee())]).fit(None, z, predicted=proba)
