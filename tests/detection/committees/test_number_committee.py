"""NumberCommittee finds wrong numbers, knows how sure it is, and keeps still on clean data."""

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy.datasets import decimal_noise, one_sided_noise, outlier_noise, shuffle_noise
from sknoisy.detection.committees._number_committee import NumberCommittee
from sknoisy.metrics import average_precision, calibration_error

N = 250


def made(noise=None, rate=0.2, seed=0, n=N):
    X, y = make_friedman1(n, n_features=6, noise=1.0, random_state=seed)
    if noise is None:
        return X, y, np.zeros(n, dtype=bool)
    return X, *noise(y, rate=rate, random_state=seed)


@pytest.fixture(scope="module")
def shuffled():
    X, y, wrong = made(shuffle_noise)
    return X, y, wrong, NumberCommittee(random_state=0).fit(X, y)


@pytest.mark.parametrize(
    ("noise", "least"), [(outlier_noise, 0.97), (decimal_noise, 0.93), (one_sided_noise, 0.55)]
)
def test_finds_wrong_numbers(noise, least):
    X, y, wrong = made(noise)
    detector = NumberCommittee(random_state=0).fit(X, y)
    assert average_precision(wrong, detector.noise_score_) > least


def test_probabilities_are_calibrated(shuffled):
    _, _, wrong, detector = shuffled
    assert detector.gain_ > detector.price_
    assert average_precision(wrong, detector.noise_score_) > 0.7
    assert calibration_error(wrong, detector.noise_proba_) < 0.1
    assert abs(detector.noise_rate_ - wrong.mean()) < 0.1


@pytest.mark.parametrize("seed", [1, 2])
def test_clean_data_is_left_alone(seed):
    X, y, _ = made(seed=seed)
    detector = NumberCommittee(random_state=0).fit(X, y)
    assert not detector.noise_mask_.any()
    assert detector.noise_rate_ < 0.01
    assert detector.gain_ < detector.price_


def test_heavy_but_ordinary_tails_are_left_alone():
    X, y = load_diabetes(return_X_y=True)
    y = y + 30 * np.random.default_rng(0).standard_t(4, size=len(y))
    assert not NumberCommittee(random_state=0).fit(X, y).noise_mask_.any()


def test_members_have_weights_and_suggestions_are_good(shuffled):
    X, y, wrong, detector = shuffled
    assert sum(detector.committee_.values()) == pytest.approx(1)
    assert min(detector.committee_.values()) >= 0
    _, truth, _ = made()
    suggested = detector.y_suggested_
    assert np.abs(suggested - truth)[wrong].mean() < 0.5 * np.abs(y - truth)[wrong].mean()
    assert (detector.scale_ > 0).all()


def test_reason_names_the_way_of_being_wrong(small_forests):
    X, y, _ = made()
    y[3] *= 10
    y[40:80:4] *= 10
    report = NumberCommittee(random_state=0).fit(X, y).noise_report(X, y)
    reason = report.set_index("row").loc[3, "reason"]
    assert "ten times too large" in reason
    assert "predicted" in reason


def test_trusted_rows_are_never_suspect_and_are_learned_from(shuffled):
    X, y, wrong, _ = shuffled
    trusted = np.zeros(N, dtype=bool)
    trusted[np.flatnonzero(wrong)[:10]] = True
    detector = NumberCommittee(random_state=0).fit(X, y, trusted=trusted)
    assert (detector.noise_proba_[trusted] == 0).all()
    assert (detector.conditional_proba_[trusted] == 0).all()
    assert not detector.noise_mask_[trusted].any()
    assert detector.noise_mask_[~trusted].any()


def test_all_rows_trusted(small_forests):
    X, y, _ = made(decimal_noise)
    detector = NumberCommittee(random_state=0).fit(X, y, trusted=np.ones(N, dtype=bool))
    assert not detector.noise_mask_.any()
    assert detector.noise_rate_ == 0


@pytest.mark.slow
def test_weights_reach_the_members(small_forests):
    X, y, _ = made()
    contrary = np.arange(N) % 2 == 0
    y[contrary] = 30 - y[contrary]
    believed = {}
    for name, side in (("contrary", contrary), ("others", ~contrary)):
        weight = np.where(side, 1.0, 1e-3)
        detector = NumberCommittee(n_rounds=1, random_state=0).fit(X, y, sample_weight=weight)
        believed[name] = detector.y_suggested_
        assert np.corrcoef(detector.y_suggested_[side], y[side])[0, 1] > 0.5
    assert np.corrcoef(believed["contrary"], believed["others"])[0, 1] < 0


@pytest.mark.slow
def test_groups_are_kept_together(small_forests):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 3)
    # rows of a group are nearly the same (copies would be kept together in any case)
    X = rng.normal(size=(40, 3))[groups] + 1e-3 * rng.normal(size=(120, 3))
    y = (3 * rng.normal(size=40))[groups] + 0.01 * rng.normal(size=120)
    apart = NumberCommittee(n_rounds=1, random_state=0).fit(X, y, groups=groups)
    mixed = NumberCommittee(n_rounds=1, random_state=0).fit(X, y)
    leaked, honest = (np.corrcoef(d.y_suggested_, y)[0, 1] for d in (mixed, apart))
    assert leaked > honest + 0.3


@pytest.mark.slow
def test_same_result_for_any_number_of_jobs(shuffled):
    X, y, _, detector = shuffled
    two = NumberCommittee(random_state=0, n_jobs=2).fit(X, y)
    np.testing.assert_allclose(two.noise_proba_, detector.noise_proba_, atol=1e-8)
    assert two.committee_ == pytest.approx(detector.committee_)


def test_pickle_and_clone(shuffled):
    X, y, _, detector = shuffled
    again = pickle.loads(pickle.dumps(detector))
    pd.testing.assert_frame_equal(again.noise_report(X, y), detector.noise_report(X, y))
    assert not hasattr(clone(detector), "noise_score_")


@pytest.mark.parametrize("y", [np.full(50, 3.0), np.arange(20.0)])
def test_nothing_to_judge_by(y):
    X = np.random.default_rng(0).normal(size=(len(y), 2))
    detector = NumberCommittee(random_state=0).fit(X, y)
    assert np.isnan(detector.noise_score_).all()
    assert not detector.noise_mask_.any()
    assert detector.committee_ == {}
    np.testing.assert_array_equal(detector.y_suggested_, y)
    assert (detector.noise_report(X, y)["reason"] == "not judged").all()


def test_contamination_decides_how_many(shuffled, small_forests):
    X, y, _, _ = shuffled
    detector = NumberCommittee(n_rounds=1, contamination=0.1, random_state=0).fit(X, y)
    assert detector.noise_mask_.sum() == 25


@pytest.mark.slow
def test_missing_values_where_the_model_takes_them(small_forests):
    X, y, _ = made(decimal_noise)
    X[::7, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        NumberCommittee(Ridge()).fit(X, y)
    model = HistGradientBoostingRegressor()
    detector = NumberCommittee(model, n_rounds=1, random_state=0).fit(X, y)
    assert detector.noise_mask_.any()
    piped = make_pipeline(StandardScaler(), model)
    assert NumberCommittee(piped, n_rounds=1, random_state=0).fit(X, y).noise_mask_.any()


@pytest.mark.slow
def test_table_texts_and_sparse(small_forests):
    X, y, wrong = made(decimal_noise)
    kind = np.array(["a", "b", None], dtype=object)[np.arange(N) % 3]
    y = y + 40 * (np.arange(N) % 3 == 1) * ~wrong
    table = pd.DataFrame(X).assign(kind=kind)
    table.columns = table.columns.astype(str)
    table.iloc[::9, 1] = np.nan
    detector = NumberCommittee(n_rounds=1, random_state=0).fit(table, y)
    assert average_precision(wrong, detector.noise_score_) > 0.7

    words = [" ".join(f"w{j}" for j in np.flatnonzero(row > 0.5)) for row in X]
    texts = NumberCommittee(n_rounds=1, random_state=0).fit(np.array(words), y)
    assert np.isfinite(texts.noise_score_).all()

    wide = csr_matrix(np.hstack([X, np.eye(N)]))
    sparse = NumberCommittee(n_rounds=1, random_state=0).fit(wide, y)
    assert "boosting" not in sparse.committee_
    assert np.isfinite(sparse.noise_score_).all()


class _MeanOfItems(Ridge):
    """Takes rows that nothing else here understands: objects."""

    def fit(self, X, y, sample_weight=None):
        return super().fit([[row.a, row.b] for row in X], y, sample_weight)

    def predict(self, X):
        return super().predict([[row.a, row.b] for row in X])


def test_rows_that_only_the_model_understands():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, N))
    y = 100 + 3 * a + b + 0.3 * rng.normal(size=N)
    y[::10] *= 10
    rows = [SimpleNamespace(a=s, b=t) for s, t in zip(a, b, strict=True)]
    with pytest.warns(UserWarning, match="_MeanOfItems alone"):
        detector = NumberCommittee(_MeanOfItems(), random_state=0).fit(rows, y)
    assert detector.committee_ == {"estimator": 1.0}
    assert detector.noise_mask_[::10].mean() > 0.9


def test_large_values_of_y_do_not_matter(small_forests):
    X, y, _ = made(decimal_noise, n=150)
    scale = 2.0**20  # exact: only an absolute tolerance can make a difference
    large = NumberCommittee(n_rounds=1, random_state=0).fit(X, scale * y)
    plain = NumberCommittee(n_rounds=1, random_state=0).fit(X, y)
    np.testing.assert_allclose(large.y_suggested_, scale * plain.y_suggested_, rtol=0.1)
    assert (large.noise_mask_ == plain.noise_mask_).mean() > 0.97


@pytest.mark.parametrize("kind", ["lognormal", "mostly zero"])
def test_skewed_clean_targets_are_left_alone(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4))
    y = np.exp(X[:, 0] + rng.normal(size=N))
    if kind == "mostly zero":
        y[rng.random(N) < 0.7] = 0.0
    detector = NumberCommittee(random_state=0).fit(X, y)
    assert not detector.noise_mask_.any()
    assert np.isfinite(detector.noise_score_).all()


@pytest.mark.parametrize("bad", [{"n_rounds": 0}, {"contamination": 0.7}])
def test_bad_parameters(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        NumberCommittee(**bad).fit(np.eye(40), np.arange(40.0))


def test_one_dimensional_numbers_are_refused():
    with pytest.raises(ValueError, match="2D"):
        NumberCommittee().fit(np.arange(40.0), np.arange(40.0))
