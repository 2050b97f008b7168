import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from sknoisy import FilterRegressor
from sknoisy._evidence import _splits
from sknoisy.detection.out_of_sample._veracity import Veracity


def noisy_numbers(n=200, rate=0.1, low=5, high=10, seed=0):
    """Linear data, errors of standard deviation 0.5, some rows off by `low` to `high` of them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    y = X @ [1, 2, 3, 0] + 0.5 * rng.normal(size=n)
    wrong = rng.random(n) < rate
    y[wrong] += 0.5 * rng.choice([-1, 1], wrong.sum()) * rng.uniform(low, high, wrong.sum())
    return X, y, wrong


class Recorder(RegressorMixin, BaseEstimator):
    """Least squares; notes which rows, known by their first feature, meet in a fit."""

    log: list = []

    def fit(self, X, y, sample_weight=None, tag=None):
        self.rows_ = X[:, 0].astype(int)
        self.model_ = LinearRegression().fit(X[:, 1:], y, sample_weight)
        Recorder.log.append({"train": self.rows_, "weight": sample_weight, "tag": tag})
        self.entry_ = Recorder.log[-1]
        return self

    def predict(self, X):
        self.entry_["test"] = X[:, 0].astype(int)
        return self.model_.predict(X[:, 1:])


@pytest.fixture
def recorded():
    Recorder.log.clear()
    return Recorder.log


# --------------------------------------------------------------------------- the method


@pytest.mark.parametrize(
    "model", [LinearRegression(), DecisionTreeRegressor(min_samples_leaf=8, random_state=0)]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_same_as_cleanlab_on_the_same_folds(monkeypatch, model, seed):
    # Over other folds cleanlab differs from itself by more than the 0.01 asked for, so the seeds
    # of the folds are noted here and given to cleanlab, which asks for folds in the same order.
    cleanlab = pytest.importorskip("cleanlab.regression.learn")
    X, y, wrong = noisy_numbers(n=397, rate=0.08, low=1, high=8, seed=seed)
    seeds = []

    class Noting(KFold):
        def __init__(self, n_splits=5, *, shuffle=False, random_state=None):
            seeds.append(random_state)
            super().__init__(n_splits, shuffle=shuffle, random_state=random_state)

    class Repeating(KFold):
        def __init__(self, n_splits=5, *, shuffle=False, random_state=None):
            super().__init__(n_splits, shuffle=shuffle, random_state=seeds.pop(0))

    with monkeypatch.context() as patch:
        patch.setattr(_splits, "KFold", Noting)
        detector = Veracity(model, random_state=seed, contamination="own").fit(X, y)
    with monkeypatch.context() as patch:
        patch.setattr(cleanlab, "KFold", Repeating)
        twin = cleanlab.CleanLearning(model)
        issues = twin.find_label_issues(X, y)

    assert not seeds
    ours = average_precision_score(wrong, detector.noise_score_)
    theirs = average_precision_score(wrong, -issues["label_quality"])
    assert abs(ours - theirs) < 0.01
    assert detector.noise_rate_ == twin.k
    np.testing.assert_allclose(detector.veracity_, issues["label_quality"], atol=1e-6)
    np.testing.assert_array_equal(detector.noise_mask_, issues["is_label_issue"])
    np.testing.assert_allclose(detector.y_suggested_, issues["predicted_label"])


@pytest.mark.parametrize("uncertainty", ["sum", "geometric", None])
@pytest.mark.parametrize("aleatoric", ["constant", "local", None])
def test_finds_wrong_numbers(uncertainty, aleatoric):
    X, y, wrong = noisy_numbers()
    detector = Veracity(
        LinearRegression(), uncertainty=uncertainty, aleatoric=aleatoric, random_state=0
    ).fit(X, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.9
    assert detector.noise_rate_ > 0
    assert detector.noise_mask_[wrong].mean() > 0.9
    # by the Brier score, the probability is better than certainty about the flagged rows
    proba = detector.noise_proba_
    assert np.mean((proba - wrong) ** 2) < np.mean(detector.noise_mask_ ^ wrong)
    assert (np.diff(proba[np.argsort(detector.noise_score_)]) >= -1e-12).all()
    np.testing.assert_allclose(detector.veracity_, np.exp(-detector.noise_score_))
    np.testing.assert_allclose(np.median(detector.noise_score_), 1)
    np.testing.assert_allclose(detector.residual_, y - detector.y_suggested_)


def test_rows_left_out_do_not_spoil_the_suggestion():
    X, y, wrong = noisy_numbers(n=150, rate=0.1, low=20, high=40)
    y[wrong] = np.abs(y[wrong]) + 20  # all too high
    truth = X @ [1, 2, 3, 0]
    off = {}
    for rates in ((), (0.05, 0.1, 0.2)):
        detector = Veracity(LinearRegression(), rates=rates, random_state=0).fit(X, y)
        off[rates] = np.abs(detector.y_suggested_ - truth)[wrong].mean()
    assert off[(0.05, 0.1, 0.2)] < off[()] / 2


def test_local_aleatoric_part_follows_the_spread():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(400, 1))
    spread = np.where(X[:, 0] < 0.5, 0.1, 2.0)
    y = spread * rng.normal(size=400)
    model = DecisionTreeRegressor(min_samples_leaf=30, random_state=0)
    local = Veracity(model, aleatoric="local", rates=(0.05,), random_state=0).fit(X, y)
    assert np.median(local.aleatoric_[spread > 1]) > 5 * np.median(local.aleatoric_[spread < 1])
    constant = Veracity(model, rates=(0.05,), random_state=0).fit(X, y)
    assert np.ptp(constant.aleatoric_) == 0 < constant.aleatoric_[0]


def test_nothing_to_find_in_exact_data():
    X, _, _ = noisy_numbers()
    detector = Veracity(LinearRegression(), random_state=0).fit(X, X @ [1, 2, 3, 0])
    assert detector.noise_rate_ == 0
    assert not detector.noise_mask_.any()
    assert not detector.noise_proba_.any()
    assert np.isfinite(detector.noise_score_).all()


def test_search_takes_the_share_with_the_best_r2():
    X, y, _ = noisy_numbers(n=300)
    detector = Veracity(KNeighborsRegressor(), random_state=0, contamination="own").fit(X, y)
    assert detector.noise_rate_ > 0
    assert detector.r2_[detector.noise_rate_] == max(detector.r2_.values())
    tried = list(detector.r2_)
    assert tried[:6] == [0.0, 0.01, 0.05, 0.10, 0.15, 0.20]
    assert len(tried) in (9, 12)
    assert detector.noise_mask_.sum() == np.ceil(round(300 * detector.noise_rate_, 9))


# --------------------------------------------------------------------------- fits


def with_row_numbers(X):
    return np.column_stack([np.arange(len(X)), X])


@pytest.mark.parametrize(
    "params, runs, halves",
    [
        ({}, None, 5),
        ({"rates": ()}, 3, 5),
        ({"rates": (0.1,), "n_boot": 0}, 4, 0),
        ({"rates": (0.1,), "aleatoric": None, "n_boot": 2}, 3, 2),
        ({"rates": (0.1, 0.2), "n_fine": 1, "uncertainty": None}, 5, 0),
        ({"rates": (0.05, 0.1), "n_fine": 0}, 5, 5),
    ],
)
def test_number_of_fits(recorded, params, runs, halves):
    X, y, _ = noisy_numbers(n=80)
    detector = Veracity(Recorder(), cv=4, random_state=0, **params).fit(with_row_numbers(X), y)
    if runs is None:
        runs = len(detector.r2_) - 1 + 3
    assert len(recorded) == 4 * runs + 2 * halves


@pytest.mark.parametrize("aleatoric", ["constant", "local"])
def test_weights_and_fit_parameters_reach_every_fit(recorded, aleatoric):
    X, y, _ = noisy_numbers(n=60)
    weight = np.random.default_rng(0).uniform(1, 2, size=60)
    FilterRegressor(Recorder(), Veracity(aleatoric=aleatoric), random_state=0).fit(
        with_row_numbers(X), y, sample_weight=weight, tag="seen"
    )
    assert len(recorded) > 60
    for entry in recorded:
        np.testing.assert_array_equal(entry["weight"], weight[entry["train"]])
        assert entry["tag"] == "seen"


def test_no_row_is_judged_by_a_model_that_saw_it_and_trusted_rows_stay(recorded):
    X, y, _ = noisy_numbers(n=100)
    y[:2] += 50
    trusted = np.arange(100) == 0
    detector = Veracity(Recorder(), random_state=0, contamination="own").fit(
        with_row_numbers(X), y, trusted=trusted
    )
    assert all(not np.intersect1d(entry["train"], entry["test"]).size for entry in recorded)
    runs = (len(recorded) - 2 * 5) // 5
    times = np.bincount(np.concatenate([entry["train"] for entry in recorded]), minlength=100)
    assert times[0] == 4 * runs + 5  # in every run, out of one of five folds, or of two
    assert times[1] < times[0]
    assert not detector.noise_mask_[0] and detector.noise_mask_[1]
    assert detector.noise_proba_[0] == 0


def test_groups_stay_together_in_every_fit(recorded):
    X, y, _ = noisy_numbers(n=90)
    groups = np.repeat(np.arange(30), 3)
    detector = Veracity(Recorder(), random_state=0).fit(with_row_numbers(X), y, groups=groups)
    for entry in recorded:
        assert not np.intersect1d(groups[entry["train"]], groups[entry["test"]]).size
    # the halves differ from repeat to repeat, or there would be no epistemic part
    halves = {tuple(entry["train"]) for entry in recorded if len(entry["train"]) <= 60}
    assert len(halves) > 5
    assert (detector.epistemic_ > 0).all()


def test_splitters_and_rows_that_no_fold_tests(recorded):
    X, y, wrong = noisy_numbers(n=100)
    folds = [(np.setdiff1d(np.arange(100), test), test) for test in np.split(np.arange(90), 3)]
    detector = Veracity(Recorder(), cv=folds, random_state=0).fit(with_row_numbers(X), y)
    assert np.isnan(detector.noise_score_[90:]).all()
    assert not detector.noise_mask_[90:].any()
    assert not detector.noise_proba_[90:].any()
    np.testing.assert_array_equal(detector.y_suggested_[90:], y[90:])
    assert average_precision_score(wrong[:90], detector.noise_score_[:90]) > 0.9
    assert all(not np.intersect1d(entry["train"], entry["test"]).size for entry in recorded)
    report = detector.noise_report(with_row_numbers(X), y)
    assert (report.reason == "not judged").sum() == 10
    shuffled = Veracity(LinearRegression(), cv=KFold(4), random_state=0).fit(X, y)
    assert average_precision_score(wrong, shuffled.noise_score_) > 0.9


# --------------------------------------------------------------------------- the contract


def test_same_result_for_any_n_jobs():
    X, y, _ = noisy_numbers(n=60)
    model = DecisionTreeRegressor(max_features=2)
    fitted = [
        Veracity(model, rates=(0.1, 0.2), n_jobs=n_jobs, random_state=3).fit(X, y)
        for n_jobs in (None, 2)
    ]
    np.testing.assert_array_equal(fitted[0].noise_score_, fitted[1].noise_score_)
    np.testing.assert_array_equal(fitted[0].noise_proba_, fitted[1].noise_proba_)


def test_contamination_changes_the_flags_only():
    X, y, _ = noisy_numbers(n=100)
    auto = Veracity(LinearRegression(), random_state=0).fit(X, y)
    tenth = Veracity(LinearRegression(), contamination=0.1, random_state=0).fit(X, y)
    none = Veracity(LinearRegression(), contamination=0, random_state=0).fit(X, y)
    assert tenth.noise_mask_.sum() == 10
    assert not none.noise_mask_.any() and not none.noise_proba_.any()
    for detector in (tenth, none):
        np.testing.assert_array_equal(detector.noise_score_, auto.noise_score_)


def test_in_a_treatment_with_a_table():
    X, y, wrong = noisy_numbers(n=120, low=20, high=30)
    table = pd.DataFrame(X, columns=list("abcd"), index=np.arange(120)[::-1])
    model = FilterRegressor(LinearRegression(), Veracity(), contamination=0.1, random_state=0)
    model.fit(table, pd.Series(y, index=table.index))
    plain = LinearRegression().fit(table, y)
    truth = [1, 2, 3, 0]
    assert np.abs(model.estimator_.coef_ - truth).max() < np.abs(plain.coef_ - truth).max()
    report = model.noise_report(table, pd.Series(y, index=table.index))
    assert wrong[report.row.iloc[:5]].all()
    assert "times the usual" in report.reason.iloc[0]


def test_all_rows_trusted():
    X, y, _ = noisy_numbers(n=50)
    detector = Veracity(LinearRegression(), random_state=0).fit(X, y, trusted=np.ones(50, bool))
    assert detector.noise_rate_ == 0
    assert not detector.noise_mask_.any()


def test_few_rows():
    X, y, _ = noisy_numbers(n=4)
    detector = Veracity(LinearRegression(), random_state=0).fit(X, y)
    assert np.isfinite(detector.noise_score_).all()


@pytest.mark.parametrize("rates", [(0.1, 0.7), (0.0,), (np.nan,)])
def test_impossible_rates_are_refused(rates):
    X, y, _ = noisy_numbers(n=30)
    with pytest.raises(ValueError, match=r"rates must be shares in \(0, 0.5\]"):
        Veracity(LinearRegression(), rates=rates).fit(X, y)


@pytest.mark.filterwarnings("ignore:invalid value encountered in log")
def test_a_model_of_positive_targets_is_told_what_to_do():
    X, y, wrong = noisy_numbers(n=100)
    y = np.exp(y / 3)
    model = TransformedTargetRegressor(
        LinearRegression(), func=np.log, inverse_func=np.exp, check_inverse=False
    )
    with pytest.raises(ValueError) as caught:
        Veracity(model, random_state=0).fit(X, y)
    assert "set aleatoric='local'" in "".join(caught.value.__notes__)
    for aleatoric in ("local", None):
        detector = Veracity(model, aleatoric=aleatoric, random_state=0).fit(X, y)
        assert np.isfinite(detector.noise_score_).all()
