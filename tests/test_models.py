"""Models that take rows, columns, labels or losses in another sense than most."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, PoissonRegressor, QuantileRegressor, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    RelabelRegressor,
    RobustClassifier,
    RobustRegressor,
)
from sknoisy.detection import ConfidentLearning, LabelCommittee, NeighborDisagreement, Residual

X, Y = make_classification(
    160, 5, n_informative=4, n_redundant=0, class_sep=1.5, flip_y=0.1, random_state=0
)


@pytest.mark.parametrize(
    "model",
    [
        SVC(kernel="precomputed"),
        GridSearchCV(SVC(kernel="precomputed"), {"C": [1, 10]}),
        KNeighborsClassifier(metric="precomputed"),
        make_pipeline("passthrough", FunctionTransformer(), SVC(kernel="precomputed")),
        CalibratedClassifierCV(SVC(kernel="precomputed")),
        VotingClassifier([("svc", SVC(kernel="precomputed"))]),
        BaggingClassifier(SVC(kernel="precomputed")),
    ],
    ids=["kernel", "search", "distances", "pipeline", "calibrated", "voting", "bagging"],
)
def test_precomputed_kernels_are_refused_by_name(model):
    for wrapped in (FilterClassifier(model), RobustClassifier(model), ConfidentLearning(model)):
        with pytest.raises(ValueError, match="precomputed distances or kernels: sknoisy.*columns"):
            wrapped.fit(X @ X.T, Y)


class Kernel(TransformerMixin, BaseEstimator):
    """Products with the rows that it was fitted to."""

    def fit(self, X, y=None):
        self.rows_ = X
        return self

    def transform(self, X):
        return X @ self.rows_.T


def test_a_pipeline_may_make_its_kernel():
    made = make_pipeline(Kernel(), SVC(kernel="precomputed"))
    a, b = (
        FilterClassifier(model, random_state=0).fit(X, Y) for model in (made, SVC(kernel="linear"))
    )
    np.testing.assert_array_equal(a.noise_mask_, b.noise_mask_)


@pytest.mark.parametrize("kind", [FilterClassifier, RelabelClassifier, RobustClassifier])
@pytest.mark.parametrize(
    "model",
    [
        SelfTrainingClassifier(LogisticRegression()),
        make_pipeline(StandardScaler(), LabelSpreading()),
    ],
    ids=["self-training", "spreading"],
)
def test_rows_without_a_label_are_no_class(kind, model):
    y = np.where(np.arange(len(Y)) % 2, -1, Y)
    with pytest.raises(ValueError, match="-1 means that a row has none .80 rows, first row 1"):
        kind(model).fit(X, y)
    with pytest.raises(ValueError, match="-1 means"):
        ConfidentLearning(model).fit(X, y)
    assert set(kind(model).fit(X, Y).classes_) == {0, 1}
    # no value of y is special to other models
    assert set(FilterClassifier(LogisticRegression()).fit(X, 2 * Y - 1).classes_) == {-1, 1}


class Watched(HistGradientBoostingClassifier):
    """Writes down how many rows the validation set of each fit has."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None, *, X_val=None, eval_set=None, costs=None):
        Watched.seen.append((len(X_val), len(eval_set), len(X) - len(costs)))
        return super().fit(X, y, sample_weight)


def test_a_validation_set_is_not_cut_with_the_rows():
    Watched.seen.clear()
    n = len(X)
    model = FilterClassifier(Watched(max_iter=3))
    model.fit(X, Y, X_val=X[::-1], eval_set=[(X, Y)] * n, costs=np.ones(n))
    assert set(Watched.seen) == {(n, n, 0)}


@pytest.mark.parametrize("name", ["init_score", "base_margin", "baseline"])
def test_first_guesses_are_refused(name):
    class Guesses(LogisticRegression):
        def fit(self, X, y, sample_weight=None, **guess):
            return super().fit(X, y, sample_weight)

    with pytest.raises(ValueError, match=f"{name} is a first guess that Guesses"):
        FilterClassifier(Guesses()).fit(X, Y, **{name: np.ones(len(X))})
    with pytest.raises(ValueError, match=f"guesses__{name}"):
        piped = make_pipeline(StandardScaler(), Guesses())
        FilterClassifier(piped).fit(X, Y, **{f"guesses__{name}": np.ones(len(X))})


def test_selection_by_the_labels_is_made_anew_where_rows_are_judged():
    by_committee, by_pipeline = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        wide = rng.normal(size=(160, 1200))
        truth = (wide[:, 0] + wide[:, 1] > 0).astype(int)
        wrong = rng.random(160) < 0.2
        y = np.where(wrong, 1 - truth, truth)
        pipe = make_pipeline(SelectKBest(k=15), LogisticRegression())
        found = LabelCommittee(pipe, members="few", random_state=0).fit(wide, y)
        by_committee.append(roc_auc_score(wrong, found.noise_proba_))
        alone = ConfidentLearning(pipe, random_state=0).fit(wide, y)
        by_pipeline.append(roc_auc_score(wrong, alone.noise_score_))
        # and neighbours are sought without it
        near = NeighborDisagreement(pipe).fit(wide, y).neighbor_indices_
        np.testing.assert_array_equal(near, NeighborDisagreement().fit(wide, y).neighbor_indices_)
    assert np.mean(by_committee) > np.mean(by_pipeline) - 0.05


@pytest.mark.parametrize(
    "step",
    [
        make_pipeline("passthrough", SelectKBest(k=15)),
        FeatureUnion([("best", SelectKBest(k=15))]),
        make_column_transformer((SelectKBest(k=15), slice(0, 300)), remainder="passthrough"),
        make_column_transformer((make_pipeline(SelectKBest(k=15)), slice(0, 300))),
    ],
    ids=["pipeline", "union", "columns", "pipeline of columns"],
)
def test_selection_by_the_labels_within_a_step_is_left_out_of_distances(step):
    wide = np.random.default_rng(0).normal(size=(160, 300))
    found = NeighborDisagreement(make_pipeline(step, LogisticRegression())).fit(wide, Y)
    plain = NeighborDisagreement().fit(wide, Y)
    np.testing.assert_array_equal(found.neighbor_indices_, plain.neighbor_indices_)


def spread(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 10, (n, 2))
    return X, X[:, 0] + (0.5 + 0.3 * X[:, 0]) * rng.normal(size=n)


@pytest.mark.parametrize("effort", ["fast", "balanced"])
@pytest.mark.parametrize(
    "model",
    [
        QuantileRegressor(quantile=0.9, alpha=0),
        make_pipeline(
            StandardScaler(),
            HistGradientBoostingRegressor(loss="quantile", quantile=0.9, max_iter=60),
        ),
    ],
    ids=["linear", "boosting"],
)
def test_a_quantile_stays_a_quantile(model, effort, small_forests):
    (X, y), (X_test, y_test) = spread(600, 0), spread(3000, 1)
    wrong = np.random.default_rng(2).random(600) < 0.08
    fitted = RobustRegressor(model, effort=effort, random_state=0)
    fitted.fit(X, np.where(wrong, 10 * y, y))
    best = (y_test <= model.fit(X[~wrong], y[~wrong]).predict(X_test)).mean()
    assert fitted.treatment_ in ("filter", "nothing")
    assert abs((y_test <= fitted.predict(X_test)).mean() - best) < 0.04


def test_a_quantile_is_not_relabelled():
    X, y = spread(100, 0)
    model = QuantileRegressor(quantile=0.9, alpha=0)
    with pytest.raises(ValueError, match=r"pinball loss at 0\.9.*Use FilterRegressor"):
        RelabelRegressor(model).fit(X, y)
    RelabelRegressor(QuantileRegressor(alpha=0)).fit(X, y)  # the median is a guess of the target


def test_a_corrected_count_is_no_less_than_the_least_given():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = rng.poisson(np.exp(1.0 + X[:, 0])).astype(float) + 1
    y[::10] = 400.0
    detector = Residual(Ridge(), contamination=0.1)  # which predicts less than nothing
    fitted = RelabelRegressor(PoissonRegressor(), detector, random_state=0).fit(X, y)
    assert fitted.detector_.y_suggested_[fitted.noise_mask_].min() < 1
    assert fitted.y_relabeled_.min() == 1


@pytest.mark.slow
def test_the_choice_is_made_by_the_loss_of_the_model(small_forests):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = rng.poisson(np.exp(1.5 + 0.5 * X[:, 0])).astype(float)
    y[::8] += 60
    said = {
        type(model).__name__: RobustRegressor(model, random_state=0).fit(X, y).reason_
        for model in (PoissonRegressor(), Ridge())
    }
    assert "Poisson deviance" in said["PoissonRegressor"]
    assert "squared error" in said["Ridge"]
    FilterRegressor(PoissonRegressor()).fit(X, y)
