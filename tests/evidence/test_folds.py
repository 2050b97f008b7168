"""Which rows judge which, how often a model is fitted, and with which seeds."""

import functools
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.cross_decomposition import PLSSVD, PLSRegression
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler, TargetEncoder
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    RelabelRegressor,
    ReweightClassifier,
    ReweightRegressor,
)
from sknoisy._evidence import Evidence
from sknoisy.detection import ConfidentLearning, Residual
from sknoisy.exceptions import RareClassWarning

from ..helpers import asks, fits, noisy_labels, noisy_numbers, recording, row_numbers

N = 90
X, CODES = noisy_labels(N)
X_NUMBERS, NUMBERS = noisy_numbers(N)
# wrong ones are large, and none is wild: only then are folds fitted a second time
NUMBERS = np.clip(
    NUMBERS,
    *np.median(NUMBERS) + np.array([-1, 1]) * 3 * np.median(np.abs(NUMBERS - np.median(NUMBERS))),
)
CLASSIFIERS = [FilterClassifier, ReweightClassifier, RelabelClassifier]
REGRESSORS = [FilterRegressor, ReweightRegressor, RelabelRegressor]


def trained_and_judged(calls):
    """(rows fitted on, rows judged) of each fold."""
    return [
        (row_numbers(fit.X, N), row_numbers(ask.X, N))
        for fit, ask in zip(fits(calls), asks(calls), strict=True)
    ]


def assert_unjudged(detector, rows):
    """These rows and no others have no score; they are kept as they are."""
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(detector.noise_score_)), np.sort(rows))
    assert not detector.noise_mask_[rows].any()
    assert not detector.noise_proba_[rows].any()
    assert np.isin(rows, detector.sample_indices_).all()


# --------------------------------------------------------------------------- rare classes


def rare_labels():
    """Three usual classes, and three with 1, 2 and 3 members."""
    y = np.array(["blue", "green", "red"], dtype=object)[CODES]
    y[[10, 20, 30, 40, 50, 60]] = ["one", "two", "two", "three", "three", "three"]
    return y


RARE_ROW = 10


def rare_warnings(fit):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit()
    return [str(w.message) for w in caught if w.category is RareClassWarning]


@pytest.mark.parametrize("contamination", ["auto", 0.4])
def test_rare_classes_are_named_once_and_judged_if_they_can_be(contamination):
    inner, calls = recording(LogisticRegression())
    y = rare_labels()
    detector = ConfidentLearning(inner, contamination=contamination, random_state=0)
    [message] = rare_warnings(lambda: detector.fit(X, y))
    assert "one (1), three (3), two (2)" in message
    assert "3 classes have fewer members than the 5 folds" in message
    assert not any(usual in message for usual in ("blue", "green", "red"))
    assert_unjudged(detector, [RARE_ROW])
    assert detector.y_suggested_[RARE_ROW] == "one"
    assert detector.label_proba_[RARE_ROW].tolist() == (detector.classes_ == "one").tolist()
    assert len(fits(calls)) == 5
    for call in fits(calls):
        assert set(call.y) == set(y)  # a model that does not know a class cannot judge the others


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("model", [LogisticRegression(), RandomForestClassifier(10)])
def test_treatments_keep_rare_classes(kind, model):
    y = rare_labels()
    treated = kind(model, contamination=0.5, random_state=0)
    assert len(rare_warnings(lambda: treated.fit(X, y))) == 1
    assert treated.classes_.tolist() == sorted(set(y))
    assert treated.predict_proba(X).shape == (N, 6)
    np.testing.assert_allclose(treated.predict_proba(X).sum(axis=1), 1.0)
    np.testing.assert_array_equal(treated.estimator_.classes_, treated.classes_)
    assert not treated.noise_mask_[RARE_ROW]
    assert np.isnan(treated.detector_.noise_score_[RARE_ROW])


def test_the_only_row_of_a_class_cannot_be_judged_out_of_bag():
    y = rare_labels()
    detector = ConfidentLearning(RandomForestClassifier(30), random_state=0)
    [message] = rare_warnings(lambda: detector.fit(X, y))
    assert "one (1)" in message
    assert "two" not in message
    assert_unjudged(detector, [RARE_ROW])


def test_folds_shrink_to_the_largest_class():
    inner, calls = recording(LogisticRegression())
    y = np.repeat([0, 1, 2], [3, 3, 2])
    message = r"3 classes have fewer members than the 5 folds: 0 \(3\), 1 \(3\), 2 \(2\)\."
    with pytest.warns(RareClassWarning, match=message):
        detector = ConfidentLearning(inner).fit(X[:8], y)
    assert len(fits(calls)) == 3
    assert_unjudged(detector, [])


def test_many_rare_classes_make_a_short_warning():
    with pytest.warns(RareClassWarning, match=r"c09 \(2\) and 35 more\.") as caught:
        y = [f"c{i // 2:02d}" for i in range(N)]
        ConfidentLearning(KNeighborsClassifier(1)).fit(X, y)
    assert len([w for w in caught if w.category is RareClassWarning]) == 1


@pytest.mark.parametrize(
    "y", [np.zeros(N, dtype=int), np.arange(N)], ids=["one class", "N classes"]
)
@pytest.mark.filterwarnings("ignore:The number of unique classes", "ignore::UserWarning")
def test_where_no_row_can_be_judged_nothing_is_done(y):
    model = FilterClassifier(KNeighborsClassifier(1), contamination=0.3).fit(X, y)
    assert_unjudged(model.detector_, np.arange(N))
    assert len(model.sample_indices_) == N
    np.testing.assert_array_equal(model.predict(X), y)


# --------------------------------------------------------------------------- splitters


def test_answers_are_those_of_cross_val_predict():
    cv = StratifiedKFold(4, shuffle=True, random_state=3)
    detector = ConfidentLearning(LogisticRegression(), cv=cv).fit(X, CODES)
    expected = cross_val_predict(LogisticRegression(), X, CODES, cv=cv, method="predict_proba")
    np.testing.assert_array_equal(detector.class_proba_, expected)

    cv = KFold(4, shuffle=True, random_state=3)
    detector = Residual(Ridge(), cv=cv).fit(X_NUMBERS, NUMBERS)
    expected = cross_val_predict(Ridge(), X_NUMBERS, NUMBERS, cv=cv)
    np.testing.assert_allclose(detector.residual_, NUMBERS - expected)


def test_repeats_are_averaged():
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    inner, calls = recording(LogisticRegression())
    detector = ConfidentLearning(inner, cv=cv).fit(X, CODES)
    splits = list(cv.split(X, CODES))
    each = [
        cross_val_predict(LogisticRegression(), X, CODES, cv=part, method="predict_proba")
        for part in (splits[:3], splits[3:])
    ]
    np.testing.assert_allclose(detector.class_proba_, np.mean(each, axis=0))
    assert len(fits(calls)) == 6


@pytest.mark.parametrize(
    ("cv", "untested"),
    [
        (TimeSeriesSplit(4), np.arange(18)),
        ([(np.arange(45, N), np.arange(45)), (np.arange(30), np.arange(60, N))], np.arange(45, 60)),
        (((range(30, N), range(30)),), np.arange(30, N)),
        (PredefinedSplit(np.r_[[-1] * 5, np.arange(85) % 3]), np.arange(5)),
    ],
    ids=["TimeSeriesSplit", "list", "tuple of ranges", "PredefinedSplit"],
)
@pytest.mark.parametrize("contamination", ["auto", 0.3])
def test_rows_that_no_fold_tests_are_kept(cv, untested, contamination):
    how = {"cv": cv, "contamination": contamination}
    detector = ConfidentLearning(KNeighborsClassifier(), **how).fit(X, CODES)
    assert_unjudged(detector, untested)
    np.testing.assert_array_equal(detector.y_suggested_[untested], CODES[untested])
    assert detector.noise_mask_.any()
    model = FilterClassifier(KNeighborsClassifier(), ConfidentLearning(**how)).fit(X, CODES)
    assert np.isin(untested, model.sample_indices_).all()

    detector = Residual(Ridge(), **how).fit(X_NUMBERS, NUMBERS)
    assert_unjudged(detector, untested)
    np.testing.assert_array_equal(detector.y_suggested_[untested], NUMBERS[untested])
    model = FilterRegressor(Ridge(), Residual(**how)).fit(X_NUMBERS, NUMBERS)
    assert np.isin(untested, model.sample_indices_).all()


@pytest.mark.parametrize(
    "model", [LogisticRegression(), DecisionTreeClassifier(random_state=0), RidgeClassifier()]
)
def test_a_class_that_a_fold_has_never_seen(model):
    """Rows of class 2 are tested only by models without it, half of them by any model at all."""
    fold = np.where(CODES == 2, 0, np.arange(N) % 2)
    detector = ConfidentLearning(model, cv=PredefinedSplit(fold), contamination=0.3).fit(X, CODES)
    assert_unjudged(detector, np.flatnonzero(CODES == 2))
    known = detector.class_proba_[CODES != 2]
    assert known.shape[1] == 3
    np.testing.assert_allclose(known.sum(axis=1), 1.0)
    if hasattr(model, "predict_proba"):  # the first fold's model has no column for class 2
        assert (detector.class_proba_[(fold == 0) & (CODES != 2), 2] == 0).all()
    treated = FilterClassifier(
        model, ConfidentLearning(cv=PredefinedSplit(fold)), contamination=0.3
    ).fit(X, CODES)
    assert treated.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(np.unique(treated.predict(X)), [0, 1, 2])


@pytest.mark.parametrize("cv", [1, 0, 2.5, -3])
def test_an_impossible_number_of_folds(cv):
    with pytest.raises(ValueError, match="'cv' parameter of ConfidentLearning"):
        FilterClassifier(LogisticRegression(), ConfidentLearning(cv=cv)).fit(X, CODES)


# --------------------------------------------------------------------------- groups


GROUPS = np.array([f"g{i % 11}" for i in range(N)], dtype=object)


GROUP_SPLITS = [
    (None, 5),
    (3, 3),
    (200, 11),
    (GroupKFold(4), 4),
    (LeaveOneGroupOut(), 11),
    (StratifiedGroupKFold(3), 3),  # for classes only
]


def check_groups(calls, n_folds):
    folds = trained_and_judged(calls)
    assert len(folds) == n_folds
    for trained, judged in folds:
        assert not set(GROUPS[trained]) & set(GROUPS[judged])
    np.testing.assert_array_equal(np.sort(np.concatenate([b for _, b in folds])), np.arange(N))


@pytest.mark.parametrize(("cv", "n_folds"), GROUP_SPLITS, ids=str)
@pytest.mark.filterwarnings("ignore::sknoisy.exceptions.RareClassWarning")
def test_no_group_of_labels_is_on_both_sides(cv, n_folds):
    inner, calls = recording(LogisticRegression())
    ConfidentLearning(inner, cv=cv).fit(X, CODES, groups=GROUPS)
    check_groups(calls, n_folds)


@pytest.mark.parametrize(("cv", "n_folds"), GROUP_SPLITS[:-1], ids=str)
def test_no_group_of_numbers_is_on_both_sides(cv, n_folds):
    inner, calls = recording(Ridge())
    Residual(inner, cv=cv).fit(X_NUMBERS, NUMBERS, groups=list(GROUPS))
    check_groups(calls, n_folds)


@pytest.mark.filterwarnings("ignore::sknoisy.exceptions.RareClassWarning")
def test_the_sole_member_of_a_class_stays_with_its_group():
    inner, calls = recording(LogisticRegression())
    FilterClassifier(inner).fit(X, rare_labels(), groups=GROUPS)
    calls.pop()  # the last fit
    for trained, judged in trained_and_judged(calls):
        assert not set(GROUPS[trained]) & set(GROUPS[judged])
        assert (RARE_ROW in trained) == (GROUPS[RARE_ROW] not in GROUPS[judged])


@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_a_single_group_cannot_be_split(task):
    detector = ConfidentLearning if task == "classes" else Residual
    model = LogisticRegression() if task == "classes" else Ridge()
    with pytest.raises(ValueError, match="at least 2 groups"):
        detector(model).fit(X, CODES, groups=np.zeros(N))


def test_groups_must_have_one_entry_per_row():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ConfidentLearning(LogisticRegression()).fit(X, CODES, groups=np.zeros(N - 1))


# --------------------------------------------------------------------------- jobs and seeds


@pytest.mark.parametrize(
    "detector",
    [
        ConfidentLearning(LogisticRegression()),
        ConfidentLearning(HistGradientBoostingClassifier(max_iter=10)),
        ConfidentLearning(RandomForestClassifier(10), cv=3),
        Residual(HistGradientBoostingRegressor(max_iter=10, max_features=0.5)),
        Residual(RandomForestRegressor(10), cv=3),
    ],
    ids=str,
)
def test_the_number_of_jobs_changes_nothing(detector):
    y = CODES if isinstance(detector, ConfidentLearning) else NUMBERS
    detector.set_params(random_state=0)
    scores = [detector.set_params(n_jobs=k).fit(X, y).noise_score_ for k in (None, 1, 2)]
    np.testing.assert_array_equal(scores[0], scores[1])
    np.testing.assert_array_equal(scores[0], scores[2])


class Seeded(ClassifierMixin, BaseEstimator):
    """Answers at random, by a seed that it shows to `seen`."""

    seen: list = []  # noqa: RUF012

    def __init__(self, random_state=None, other=None):
        self.random_state = random_state
        self.other = other

    def fit(self, X, y):
        self.seen.append(self.random_state)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        rng = np.random.RandomState(self.random_state)
        return rng.dirichlet(np.ones(len(self.classes_)), len(X))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def seeds_seen(model):
    Seeded.seen.clear()
    model.fit(X, CODES)
    return list(Seeded.seen)


def test_seeds_that_are_set_are_kept():
    for random_state in (None, 3):
        model = FilterClassifier(Seeded(random_state=7), random_state=random_state)
        assert seeds_seen(model) == [7] * 6
        assert model.estimator_.random_state == 7


def test_seeds_left_open_are_drawn_from_random_state():
    seeds = seeds_seen(FilterClassifier(Seeded(), random_state=3))
    assert len(set(seeds)) == 6
    assert all(isinstance(seed, int) for seed in seeds)
    assert seeds == seeds_seen(FilterClassifier(Seeded(), random_state=3))
    assert not set(seeds) & set(seeds_seen(FilterClassifier(Seeded(), random_state=4)))
    assert seeds_seen(FilterClassifier(Seeded())) == [None] * 6


def test_seeds_deep_inside_are_drawn_too():
    model = FilterClassifier(
        make_pipeline(StandardScaler(), Seeded(other=Seeded())), random_state=3
    )
    assert len(set(seeds_seen(model))) == 6
    inner = model.estimator_[-1]
    assert isinstance(inner.other.random_state, int)
    assert inner.other.random_state != inner.random_state


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("seed", [5, np.random.RandomState(5)], ids=["int", "RandomState"])
def test_the_same_seed_gives_the_same_result(kind, seed):
    forest = RandomForestClassifier(5)
    before = np.random.get_state()[1].copy()
    first = kind(forest, random_state=seed).fit(X, CODES)
    second = kind(forest, random_state=5).fit(X, CODES)
    np.testing.assert_array_equal(first.noise_proba_, second.noise_proba_)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # no global seed is drawn
    other = kind(forest, random_state=6).fit(X, CODES)
    assert (other.noise_proba_ != first.noise_proba_).any()


@pytest.mark.parametrize("kind", REGRESSORS)
def test_the_same_seed_gives_the_same_numbers(kind):
    first, second, other = (
        kind(RandomForestRegressor(5), random_state=s).fit(X_NUMBERS, NUMBERS) for s in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.noise_proba_, second.noise_proba_)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    assert (other.predict(X) != first.predict(X)).any()


def test_the_detectors_own_seed_and_jobs_come_first():
    detector = ConfidentLearning(random_state=1, n_jobs=1)
    model = FilterClassifier(LogisticRegression(), detector, random_state=2, n_jobs=2)
    fitted = model.fit(X, CODES).detector_
    assert (fitted.random_state, fitted.n_jobs) == (1, 1)
    alone = ConfidentLearning(LogisticRegression(), random_state=1).fit(X, CODES)
    np.testing.assert_array_equal(fitted.noise_score_, alone.noise_score_)
    model.set_params(detector=ConfidentLearning())
    assert model.fit(X, CODES).detector_.n_jobs == 2
    assert isinstance(model.detector_.random_state, int)


# --------------------------------------------------------------------------- failing fits


class OutOfPaper(Exception):
    """An error that only its maker knows."""


class Fails(ClassifierMixin, BaseEstimator):
    """Cannot be fitted on row 7."""

    def fit(self, X, y):
        if 7 in row_numbers(X, N):
            raise OutOfPaper("no more paper", 7)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    "model", [ConfidentLearning(Fails(), cv=3), FilterClassifier(Fails(), ConfidentLearning(cv=3))]
)
def test_an_error_in_a_fold_is_the_models_own(model, n_jobs):
    model.set_params(n_jobs=n_jobs)
    with parallel_config(backend="threading"), pytest.raises(OutOfPaper) as caught:
        model.fit(X, CODES)
    assert caught.value.args == ("no more paper", 7)
    [note] = caught.value.__notes__
    assert "fitting Fails for detection, fold" in note
    assert "of 3 (60 rows to fit, 30 to judge)" in note


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_failing_fold_is_named_also_by_other_processes(n_jobs):
    one_class = np.flatnonzero(CODES == 0)
    cv = [(np.arange(45, N), np.arange(45)), (one_class[5:], one_class[:5])]
    detector = ConfidentLearning(LogisticRegression(), cv=cv, n_jobs=n_jobs)
    with pytest.raises(ValueError, match="at least 2 classes") as caught:
        detector.fit(X, CODES)
    size = f"{len(one_class) - 5} rows to fit, 5 to judge"
    assert f"fold 2 of 2 ({size})" in caught.value.__notes__[0]


def test_an_error_of_the_out_of_bag_fit_says_so():
    with pytest.raises(ValueError, match="max_depth") as caught:
        ConfidentLearning(RandomForestClassifier(max_depth=-1)).fit(X, CODES)
    assert "RandomForestClassifier for detection, out of bag" in caught.value.__notes__[0]


# --------------------------------------------------------------------------- number of fits


@pytest.mark.parametrize("cv", [None, 2, 4])
@pytest.mark.parametrize("contamination", [None, 0, 0.2])
def test_treatments_fit_once_more_than_there_are_folds(cv, contamination):
    for kinds, inner_kind, detector, y in (
        (CLASSIFIERS, LogisticRegression, ConfidentLearning(cv=cv), CODES),
        (REGRESSORS, Ridge, Residual(cv=cv), NUMBERS),
    ):
        for kind in kinds:
            inner, calls = recording(inner_kind())
            kind(inner, detector, contamination=contamination).set_params(
                **({"calibrate": False} if kind in CLASSIFIERS else {})
            ).fit(X, y)
            assert len(fits(calls)) == (cv or 5) + 1
            assert len(asks(calls)) == (cv or 5)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_calibrating_is_a_fit_for_each_part_held_out(kind):
    for n_times, n_more in ((1, 0), (2, 3), (8, 1)):  # of 90 rows, of 180, and of 720
        inner, calls = recording(LogisticRegression())
        rng = np.random.default_rng(0)
        many = np.vstack([X + 0.01 * rng.normal(size=X.shape) for _ in range(n_times)])
        kind(inner, contamination=0.2).fit(many, np.tile(CODES, n_times))
        assert len(fits(calls)) == 5 + 1 + n_more
        inner, calls = recording(LogisticRegression())
        kind(inner, contamination=0).fit(many, np.tile(CODES, n_times))
        assert len(fits(calls)) == 5 + 1


def test_a_detector_with_a_model_of_its_own_leaves_the_wrapped_one_alone():
    inner, calls = recording(LogisticRegression())
    judge, judge_calls = recording(KNeighborsClassifier())
    FilterClassifier(inner, ConfidentLearning(judge), calibrate=False).fit(X, CODES)
    assert [call.method for call in calls] == ["fit"]
    assert len(fits(judge_calls)) == 5


def test_models_that_cannot_be_hashed_are_told_apart():
    """A lambda makes a model unknown but by identity, and Python uses identities again."""
    evidence = Evidence(X, CODES, task="classification")

    def answer(j):
        model = KNeighborsClassifier(metric=lambda a, b: abs(a[j] - b[j]))
        return evidence.responses(model, cv=2, random_state=0).values.tobytes()

    assert len({answer(1 + j % 5) for j in range(20)}) == 5
    assert len({answer(1) for _ in range(5)}) == 1


# --------------------------------------------------------------------------- out of bag


@pytest.fixture
def forest_fits(monkeypatch):
    """Sizes of the training sets of all ensembles fitted in a test."""
    sizes = []

    def watch(kind):
        plain = kind.fit

        @functools.wraps(plain)
        def fit(self, X, y, *args, **kwargs):
            sizes.append(len(y))
            return plain(self, X, y, *args, **kwargs)

        monkeypatch.setattr(kind, "fit", fit)

    kinds = [RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier]
    for kind in [*kinds, BaggingClassifier, BaggingRegressor]:
        watch(kind)
    return sizes


FOREST = RandomForestClassifier(5, random_state=0)
WHOLE, FOLDS = [N], [72] * 5


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (FOREST, WHOLE),
        (ExtraTreesClassifier(5, bootstrap=True), WHOLE),
        (ExtraTreesClassifier(5), FOLDS),
        (RandomForestClassifier(5, bootstrap=False), FOLDS),
        (RandomForestClassifier(5, warm_start=True), FOLDS),
        (BaggingClassifier(DecisionTreeClassifier(), 5), WHOLE),
        (BaggingClassifier(KNeighborsClassifier(), 5, bootstrap=False), FOLDS),
        (make_pipeline(FOREST), WHOLE),
        (make_pipeline("passthrough", StandardScaler(), PCA(3), FOREST), WHOLE),
        (make_pipeline(VarianceThreshold(), make_pipeline(StandardScaler(), FOREST)), WHOLE),
        (make_pipeline(ColumnTransformer([("a", StandardScaler(), [1, 2])]), FOREST), WHOLE),
        (make_pipeline(make_union(PCA(2), StandardScaler()), FOREST), WHOLE),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Warm-start fitting")
def test_which_models_answer_out_of_bag(model, expected, forest_fits):
    ConfidentLearning(model).fit(X, CODES)
    assert forest_fits == expected


class SeesLabels(TransformerMixin, BaseEstimator):
    """Somebody's transformer: nobody knows what it does with y."""

    def fit(self, X, y=None):
        self.n_classes_ = len(np.unique(y))
        return self

    def transform(self, X):
        return X


@pytest.mark.parametrize(
    "step",
    [
        SelectKBest(k=3),
        SelectFromModel(LogisticRegression()),
        TargetEncoder(cv=2),
        LinearDiscriminantAnalysis(),
        PLSRegression(1),
        PLSSVD(1),
        SeesLabels(),
        make_pipeline(SelectKBest(k=3), StandardScaler()),
        make_union(PCA(2), SelectKBest(k=3)),
        ColumnTransformer([("a", TargetEncoder(cv=2), [1]), ("b", StandardScaler(), [2])]),
    ],
    ids=lambda step: type(step).__name__,
)
def test_steps_that_may_look_at_labels_mean_folds(step, forest_fits):
    y = CODES == 1 if isinstance(step, TargetEncoder | ColumnTransformer) else CODES
    if isinstance(step, PLSRegression | PLSSVD):
        with pytest.MonkeyPatch.context() as patch:  # these give out a pair where y is given
            patch.setattr(
                type(step), "fit_transform", lambda self, X, y: self.fit(X, y).transform(X)
            )
            ConfidentLearning(make_pipeline(step, FOREST)).fit(X, y)
    else:
        ConfidentLearning(make_pipeline(step, FOREST)).fit(X, y)
    assert forest_fits == FOLDS


def test_labels_that_mean_nothing_are_not_believed():
    """Selecting the best of many useless columns on all rows would make the labels look right."""
    rng = np.random.RandomState(0)
    useless, y = rng.normal(size=(80, 2000)), rng.permutation(np.repeat([0, 1], 40))
    for step in (SelectKBest(k=5), make_union(SelectKBest(k=5))):
        model = make_pipeline(step, RandomForestClassifier(30, random_state=0))
        score = ConfidentLearning(model, random_state=0).fit(useless, y).noise_score_
        assert score.mean() > 0.42


@pytest.mark.parametrize("cv", [2, 5, StratifiedKFold(3)], ids=str)
def test_any_given_cv_means_folds(cv, forest_fits):
    ConfidentLearning(FOREST, cv=cv).fit(X, CODES)
    assert len(forest_fits) == (cv if isinstance(cv, int) else 3)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_groups_mean_folds(kind, forest_fits):
    kind(FOREST, calibrate=False).fit(X, CODES, groups=GROUPS)
    assert len(forest_fits) == 6
    forest_fits.clear()
    kind(FOREST, calibrate=False).fit(X, CODES)
    assert forest_fits[0] == N
    assert len(forest_fits) == 2


def test_weights_by_resampling_mean_folds(forest_fits):
    """A row that is drawn twice may be in the bag and out of it."""
    model = FilterClassifier(FOREST, weight_strategy="resample", calibrate=False, random_state=0)
    model.fit(X, CODES, sample_weight=np.arange(1, N + 1))
    assert len(forest_fits) == 6


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(30, random_state=0, oob_score=True),
        RandomForestClassifier(30, random_state=0, oob_score=True, max_samples=0.5),
        BaggingClassifier(KNeighborsClassifier(), 30, random_state=0, oob_score=True),
        BaggingClassifier(LinearSVC(random_state=0), 30, random_state=0, oob_score=True),
    ],
    ids=str,
)
def test_out_of_bag_is_that_of_sklearn(model):
    y = np.array(["a", "b", "c"])[CODES]
    expected = model.fit(X, y).oob_decision_function_
    model.set_params(oob_score=False)
    np.testing.assert_allclose(ConfidentLearning(model).fit(X, y).class_proba_, expected)
    pipe = make_pipeline(StandardScaler(with_mean=False, with_std=False), model)
    np.testing.assert_allclose(ConfidentLearning(pipe).fit(X, y).class_proba_, expected)
    assert model.oob_score is False


@pytest.mark.parametrize(
    "model",
    [
        RandomForestRegressor(30, random_state=0, oob_score=True),
        BaggingRegressor(LinearRegression(), 30, random_state=0, oob_score=True),
    ],
    ids=str,
)
def test_out_of_bag_numbers_are_those_of_sklearn(model):
    expected = model.fit(X_NUMBERS, NUMBERS).oob_prediction_
    detector = Residual(model).fit(X_NUMBERS, NUMBERS)
    np.testing.assert_allclose(detector.residual_, NUMBERS - expected)


@pytest.mark.parametrize("kind", [RandomForestClassifier, BaggingClassifier])
def test_rows_in_every_bag_are_not_judged(kind):
    model = kind(n_estimators=3, random_state=0)
    detector = ConfidentLearning(model, contamination=0.3).fit(X, CODES)
    bags = model.fit(X, CODES).estimators_samples_
    always = np.flatnonzero(np.all([np.isin(np.arange(N), bag) for bag in bags], axis=0))
    assert 0 < len(always) < N / 2
    assert_unjudged(detector, always)


@pytest.mark.parametrize("kind", [RandomForestRegressor, BaggingRegressor])
def test_numbers_in_every_bag_are_not_judged(kind):
    model = kind(n_estimators=3, random_state=0)
    detector = Residual(model, contamination=0.3).fit(X_NUMBERS, NUMBERS)
    bags = model.fit(X_NUMBERS, NUMBERS).estimators_samples_
    always = np.flatnonzero(np.all([np.isin(np.arange(N), bag) for bag in bags], axis=0))
    assert 0 < len(always) < N / 2
    assert_unjudged(detector, always)
    np.testing.assert_array_equal(detector.y_suggested_[always], NUMBERS[always])


# --------------------------------------------------------------------------- kinds of responses


CV = StratifiedKFold(5, shuffle=True, random_state=0)
MARGINS = [
    LinearSVC(random_state=0),
    SVC(),
    SVC(decision_function_shape="ovo"),
    RidgeClassifier(),
]


@pytest.mark.parametrize("model", MARGINS, ids=str)
@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_margins_become_probabilities(model, n_classes):
    X, y = noisy_labels(120, n_classes=n_classes)
    detector = ConfidentLearning(model, cv=CV).fit(X, y)
    proba = detector.class_proba_
    assert proba.shape == (120, n_classes)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    predicted = cross_val_predict(model, X, y, cv=CV)
    assert (proba.argmax(axis=1) == predicted).mean() > 0.9
    if n_classes == 2:  # one margin: its order is that of the probabilities
        margin = cross_val_predict(model, X, y, cv=CV, method="decision_function")
        assert (np.diff(proba[np.argsort(margin), 1]) >= 0).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_model_that_only_predicts(n_classes):
    class PredictOnly(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.model_ = LogisticRegression().fit(X, y)
            return self

        def predict(self, X):
            return self.model_.predict(X)

    X, codes = noisy_labels(N, n_classes=n_classes)
    y = np.array(["a", "b", "c"])[codes]
    detector = ConfidentLearning(PredictOnly(), cv=CV).fit(X, y)
    predicted = cross_val_predict(LogisticRegression(), X, y, cv=CV)
    np.testing.assert_array_equal(detector.class_proba_, predicted[:, None] == detector.classes_)
    model = FilterClassifier(PredictOnly(), random_state=0).fit(X, y)
    assert set(model.predict(X)) == set(y)
    assert not hasattr(model, "predict_proba")


def test_probabilities_come_first_then_margins_then_predictions():
    for model, method in (
        (LogisticRegression(), "predict_proba"),
        (LinearSVC(), "decision_function"),
        (Ridge(), "predict"),
    ):
        inner, calls = recording(model)
        detector = Residual(inner) if method == "predict" else ConfidentLearning(inner)
        detector.fit(X, CODES)
        assert {call.method for call in asks(calls)} == {method}


def test_probabilities_of_another_width_are_refused():
    class Odd(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

        def predict(self, X):
            return np.zeros(len(X), dtype=int)

    with pytest.raises(ValueError, match="2 columns for 3 classes"):
        ConfidentLearning(Odd()).fit(X, CODES)


def test_numbers_in_a_column_are_numbers():
    class InAColumn(LinearRegression):
        def predict(self, X):
            return super().predict(X)[:, None]

    plain = Residual(LinearRegression(), random_state=0).fit(X_NUMBERS, NUMBERS)
    column = Residual(InAColumn(), random_state=0).fit(X_NUMBERS, NUMBERS)
    np.testing.assert_array_equal(column.noise_score_, plain.noise_score_)
