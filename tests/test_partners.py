"""Models of other libraries: they work, or the error says where and what to do."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    ReweightClassifier,
    RobustClassifier,
)
from sknoisy.detection import (
    AreaUnderMargin,
    ConfidentLearning,
    DataOOB,
    LabelCommittee,
    NeighborDisagreement,
    SelfInfluence,
    training_stages,
)

from .helpers import noisy_labels

pytestmark = pytest.mark.filterwarnings("ignore::sknoisy.exceptions.RareClassWarning")


def rare(n_rare=6, n=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:n_rare] += 3
    return X, np.where(np.arange(n) < n_rare, "rare", "usual")


def failure(fit):
    """What somebody reads whose `fit` fails."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        fit()
    return " ".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


# --------------------------------------------------------------------------- classes of a fold


class InOrder(ClassifierMixin, BaseEstimator):
    """Takes no classes but 0, 1, ..., as XGBoost does."""

    def __init__(self, inner=None, class_weight=None):
        self.inner = inner
        self.class_weight = class_weight

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        if self.classes_.tolist() != list(range(len(self.classes_))):
            raise ValueError(f"Invalid classes: {self.classes_}")
        self.inner_ = LogisticRegression().fit(X, y, sample_weight=sample_weight)
        return self

    def predict(self, X):
        return self.inner_.predict(X)

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)


def one_group_has_the_class(n=90):
    X, codes = noisy_labels(n, n_classes=2)
    y = np.where(codes == 1, 2, 0)
    y[:9] = 1
    return X[:, 1:], y, np.arange(n) // 9


@pytest.mark.parametrize("detector", [ConfidentLearning, DataOOB])
def test_a_fold_without_a_class_is_judged_as_by_a_model_that_takes_any(detector):
    X, y, groups = one_group_has_the_class()
    how = {"n_bags": 6} if detector is DataOOB else {}
    weight = np.linspace(0.5, 1.5, len(y))
    scores = [
        detector(model, random_state=0, **how)
        .fit(X, y, groups=groups, sample_weight=weight)
        .noise_score_
        for model in (InOrder(), LogisticRegression())
    ]
    np.testing.assert_array_equal(*scores)


def test_a_class_that_comes_later():
    X, y, _ = one_group_has_the_class()
    y = np.roll(y, 60)
    detector = ConfidentLearning(cv=TimeSeriesSplit(4))
    model = RelabelClassifier(InOrder(), detector).fit(X, y)
    plain = RelabelClassifier(LogisticRegression(), detector).fit(X, y)
    np.testing.assert_array_equal(model.noise_proba_, plain.noise_proba_)
    np.testing.assert_array_equal(model.y_relabeled_, plain.y_relabeled_)


@pytest.mark.parametrize("kind", ["weights", "whole"])
def test_other_codes_are_not_given_where_classes_are_named_elsewhere(kind):
    X, y, groups = one_group_has_the_class()
    if kind == "weights":
        model = InOrder(class_weight={0: 1.0, 1: 5.0, 2: 1.0})
    else:  # the plain model would not fit, and the last fit would not either
        model, y = InOrder(), np.where(y == 1, 0, y)
    text = failure(lambda: FilterClassifier(model).fit(X, y, groups=groups))
    assert "Invalid classes: [0 2]" in text
    assert ("none of class 1 (9 in all)" in text) == (kind == "weights")


def test_a_class_in_one_group_is_named():
    X, y, groups = one_group_has_the_class()
    text = failure(lambda: FilterClassifier(InOrder(class_weight={0: 1})).fit(X, y, groups=groups))
    for part in ("fold", "class 1", "choose groups", "(cv)", "estimator of its own"):
        assert part in text


def test_xgboost_where_a_fold_lacks_a_class():
    xgboost = pytest.importorskip("xgboost")
    X, y, groups = one_group_has_the_class()
    for detector in (None, DataOOB(n_bags=4), AreaUnderMargin(cv=3)):
        model = xgboost.XGBClassifier(n_estimators=3, n_jobs=1)
        treated = FilterClassifier(model, detector, random_state=0).fit(X, y, groups=groups)
        assert treated.classes_.tolist() == [0, 1, 2]
        assert not treated.noise_mask_[:9].any()


# --------------------------------------------------------------------------- what else fails there


@given(n_rare=st.integers(2, 5), cv=st.integers(2, 5))
@settings(max_examples=8)
def test_the_advice_on_rare_classes_is_true(n_rare, cv):
    X, y = rare(n_rare)
    detector = ConfidentLearning(CalibratedClassifierCV(LinearSVC(), cv=n_rare), cv=cv)
    text = failure(lambda: detector.fit(X, y))
    least = int(text.split("rare (")[1].split(" of")[0])
    assert f"rare ({least} of {n_rare})" in text
    assert "of 5" in text or "fold 1 of" in text
    if least < 2:
        return
    assert f"(cv) to {least} at most" in text
    detector.set_params(estimator__cv=least).fit(X, y)


def test_smote_with_few_rows():
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, y = rare()
    model = pipeline.make_pipeline(over_sampling.SMOTE(random_state=0), LogisticRegression())
    text = failure(lambda: FilterClassifier(model).fit(X, y))
    assert "Pipeline (SMOTE, LogisticRegression) for detection, fold 1 of 5" in text
    assert "rare (4 of 6)" in text
    assert "k_neighbors or n_neighbors of the model to 3 at most" in text
    model.set_params(smote__k_neighbors=3)
    FilterClassifier(model).fit(X, y)


def test_the_last_fit_says_what_the_treatment_left():
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, y = rare(8)
    X[:8] -= 3
    model = pipeline.make_pipeline(over_sampling.SMOTE(random_state=0), LogisticRegression())
    detector = ConfidentLearning(LogisticRegression(), contamination=0.5)
    treated = FilterClassifier(model, detector, max_share=0.9)
    text = failure(lambda: treated.fit(X, y))
    assert "what its treatment leaves" in text
    assert "rare (5 of 8)" in text
    assert "min_per_class" in text
    treated.set_params(min_per_class=6).fit(X, y)


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()])
@pytest.mark.parametrize("numbers", [False, True])
def test_a_category_of_one_row(encoder, numbers):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"income": rng.normal(size=100), "near": rng.choice(["BAY", "SEA"], 100)})
    table.loc[7, "near"] = "ISLAND"
    last = Ridge() if numbers else LogisticRegression()
    steps = make_column_transformer((encoder, ["near"]), remainder="passthrough")
    kind, y = (FilterRegressor, table.income) if numbers else (FilterClassifier, table.income > 0)
    text = failure(lambda: kind(make_pipeline(steps, last)).fit(table, y))
    assert 'OneHotEncoder(handle_unknown="ignore")' in text
    assert "fold" in text


def test_more_neighbors_than_rows():
    X, _ = rare()
    text = failure(lambda: FilterRegressor(KNeighborsRegressor(110)).fit(X, X[:, 0]))
    assert "set n_neighbors to 96 at most" in text


# --------------------------------------------------------------------------- weights and samplers


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("search", [False, True])
def test_weights_do_not_go_through_a_sampler(routing, search):
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, y = rare(40)
    with sklearn.config_context(enable_metadata_routing=routing):
        last = LogisticRegression()
        if routing:
            last.set_fit_request(sample_weight=True)
        model = pipeline.make_pipeline(over_sampling.SMOTE(random_state=0), last)
        if search:
            model = GridSearchCV(model, {"logisticregression__C": [1.0, 2.0]}, cv=2)
        for treated, weight in (
            (ReweightClassifier(model), None),
            (FilterClassifier(model), np.ones(120)),
        ):
            with pytest.raises(ValueError, match=r"rows that SMOTE makes.*\"resample\""):
                treated.fit(X, y, sample_weight=weight)
    if not routing:
        ReweightClassifier(model, weight_strategy="resample", random_state=0).fit(X, y)


def test_samplers_are_no_part_of_the_features():
    under_sampling = pytest.importorskip("imblearn.under_sampling")
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, y = rare(40)
    sampler = under_sampling.RandomUnderSampler(random_state=0)
    squeeze = FunctionTransformer(np.tanh)
    for steps in ([], [squeeze]):
        sampled = pipeline.make_pipeline(*steps, sampler, LogisticRegression())
        plain = make_pipeline(*steps or ["passthrough"], LogisticRegression())
        for kind in (NeighborDisagreement, SelfInfluence):
            np.testing.assert_array_equal(
                kind(estimator=sampled).fit(X, y).noise_score_,
                kind(estimator=plain).fit(X, y).noise_score_,
            )


@pytest.mark.parametrize("first", [[], [StandardScaler()], [SelectKBest(k=2)]])
def test_the_default_takes_a_pipeline_with_a_sampler(first):
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, y = rare(30)
    steps = [*first, over_sampling.SMOTE(random_state=0), LogisticRegression()]
    model = RobustClassifier(pipeline.make_pipeline(*steps), effort="fast", random_state=0)
    assert model.fit(X, y).score(X, y) > 0.9
    plain = LabelCommittee(make_pipeline(*first or ["passthrough"], LogisticRegression()))
    sampled = LabelCommittee(pipeline.make_pipeline(*steps))
    a, b = (d.set_params(members="few", random_state=0).fit(X, y) for d in (plain, sampled))
    np.testing.assert_array_equal(a.noise_proba_, b.noise_proba_)


# --------------------------------------------------------------------------- what models give


class Raw(LogisticRegression):
    """Its probabilities are none, as those of LightGBM with an objective of one's own."""

    def __init__(self, shape="column"):
        super().__init__()
        self.shape = shape

    def predict_proba(self, X):
        raw = self.decision_function(X)
        return raw if self.shape == "column" else np.column_stack([-raw, raw])


@pytest.mark.parametrize("shape", ["column", "two"])
@pytest.mark.parametrize("detector", [ConfidentLearning(), DataOOB(n_bags=3)])
def test_raw_scores_are_no_probabilities(shape, detector):
    X, y = rare(40)
    text = failure(lambda: FilterClassifier(Raw(shape), detector).fit(X, y))
    assert "predict_proba of Raw gives no probabilities" in text
    assert "estimator of its own" in text


@pytest.mark.parametrize("n_classes", [2, 3])
def test_lightgbm_with_an_objective_of_ones_own(n_classes):
    lightgbm = pytest.importorskip("lightgbm")

    def logistic(y, score):
        p = 1 / (1 + np.exp(-score))
        truth = y if score.ndim == 1 else np.eye(n_classes)[y.astype(int)]
        return p - truth, np.maximum(p * (1 - p), 1e-6)

    X, y = noisy_labels(90, n_classes=n_classes)
    model = lightgbm.LGBMClassifier(objective=logistic, n_estimators=5, verbose=-1, n_jobs=1)
    for detector in (ConfidentLearning(), AreaUnderMargin()):
        text = failure(lambda d=detector: FilterClassifier(model, d).fit(X, y))
        assert "predict_proba of LGBMClassifier gives no probabilities" in text


def test_a_stack_predicts_once_it_is_fitted():
    X, y = rare(40)
    stack = StackingClassifier([("a", LogisticRegression())], cv=3)
    assert FilterClassifier(stack).fit(X, y).score(X, y) > 0.9
    assert ConfidentLearning(stack).fit(X, y).noise_mask_.mean() < 0.2
    FilterRegressor(StackingRegressor([("a", Ridge())], cv=3)).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="implementing 'fit' and 'predict'"):
        FilterClassifier(OneHotEncoder()).fit(X, y)


def test_catboost_in_stages():
    catboost = pytest.importorskip("catboost")
    X, y = noisy_labels(90)
    how = {"verbose": 0, "thread_count": 1, "allow_writing_files": False, "random_seed": 0}
    for name in ("iterations", "n_estimators"):
        model = catboost.CatBoostClassifier(**{name: 6}, **how)
        stages = list(training_stages(sklearn.clone(model), X, y, X, n_stages=3))
        assert [step for step, _, _ in stages] == [2, 4, 6]
        model.fit(X, y)
        for step, _, proba in stages:
            np.testing.assert_allclose(proba, model.predict_proba(X, ntree_end=step), atol=1e-9)
    numbers = catboost.CatBoostRegressor(iterations=6, **how)
    *_, (_, share, last) = training_stages(numbers, X, X[:, 1], X, n_stages=3)
    assert share == 1
    np.testing.assert_allclose(last, numbers.predict(X))
    text = failure(
        lambda: ConfidentLearning(catboost.CatBoostClassifier(cat_features=[0], **how)).fit(X, y)
    )
    assert "tuple" in text


# --------------------------------------------------------------------------- memory


def test_memory_says_what_it_cannot_know_again(tmp_path):
    X, y = rare(40)
    unnamed = make_pipeline(FunctionTransformer(lambda A: 2 * A), LogisticRegression())
    where = "estimator__functiontransformer__func of"
    for treated, name in (
        (FilterClassifier(unnamed, memory=str(tmp_path)), f"{where} ConfidentLearning"),
        (
            FilterClassifier(Ridge(), ConfidentLearning(unnamed), memory=str(tmp_path)),
            f"{where} ConfidentLearning",
        ),
        (RobustClassifier(unnamed, memory=str(tmp_path)), f"{where} "),
    ):
        if isinstance(treated.estimator, Ridge):
            treated.set_params(estimator=LogisticRegression())
        with pytest.raises(TypeError, match=f"memory cannot keep what was found.*{name}"):
            treated.fit(X, y)
    FilterClassifier(unnamed).fit(X, y)


def test_an_error_within_what_is_kept_stays_that_error(tmp_path):
    X, y = rare(5)
    model = CalibratedClassifierCV(LinearSVC(), cv=5)
    text = failure(lambda: FilterClassifier(model, memory=str(tmp_path)).fit(X, y))
    assert "memory" not in text
    assert "fold 1 of 5" in text


class Choosy(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        if np.bincount(y).min() < 31:
            raise ValueError("k_neighbors is too high for a class")
        return super().fit(X, y, sample_weight=sample_weight)


def test_the_default_tells_why_the_model_could_not_be_fitted():
    X, y = noisy_labels(150, rate=0.25)
    with pytest.warns(UserWarning, match=r"Choosy could not be fitted.*fold 1 of 3.*k_neighbors"):
        RobustClassifier(Choosy(), random_state=0).fit(X, y)
