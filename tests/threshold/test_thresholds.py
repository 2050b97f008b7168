"""From scores to probabilities and masks: what must hold for any score, and what is found."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ConfidentLearning, Residual
from sknoisy.threshold import ConfidentJointCount, FixedRate, MixturePosterior

THRESHOLDS = [
    FixedRate(0.0),
    FixedRate(0.1),
    FixedRate(0.5),
    FixedRate(0.3, per_class=True),
    MixturePosterior(),
    MixturePosterior(0.2),
    MixturePosterior(scale="identity"),
    MixturePosterior(per_class=True),
]
WITH_COUNTS = [*THRESHOLDS, ConfidentJointCount(), ConfidentJointCount(per_class=False)]
NOT_JOINT = pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
ALL = pytest.mark.parametrize("threshold", WITH_COUNTS, ids=str)

FEW = settings(max_examples=15)  # a mixture takes tens of milliseconds

finite = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: round(value, 6))
unit = st.floats(0, 1).map(lambda value: round(value, 6))
score_arrays = st.one_of(
    arrays(float, st.integers(1, 40), elements=finite),
    arrays(float, st.integers(1, 40), elements=unit),
    arrays(float, st.integers(1, 40), elements=st.sampled_from([0.0, 0.1, 0.9, 1.0])),
    # two heaps, one of them small
    st.tuples(st.integers(5, 60), st.integers(1, 5), st.floats(3, 50)).map(
        lambda t: np.r_[np.linspace(-1, 1, t[0]), t[2] + np.linspace(-1, 1, t[1])]
    ),
)


def decide(threshold, score, seed=0):
    """Fit to the score, with labels and class probabilities made up for it."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, len(score))
    proba = rng.random(len(score))
    threshold = clone(threshold)
    threshold.fit(score, y, label_proba=np.column_stack([1 - proba, proba]))
    return threshold.noise_proba_, threshold.noise_mask_, y


# --------------------------------------------------------------------------- for any score


@ALL
@FEW
@given(score=score_arrays, seed=st.integers(0, 5))
def test_probabilities_are_in_the_unit_interval_and_rise_with_the_score(threshold, score, seed):
    proba, mask, y = decide(threshold, score, seed)
    assert proba.shape == mask.shape == score.shape
    assert mask.dtype == bool
    assert ((proba >= 0) & (proba <= 1)).all()
    parts = [y == 0, y == 1] if threshold.per_class else [np.ones(len(y), dtype=bool)]
    for part in parts:
        order = np.argsort(score[part], kind="stable")
        assert (np.diff(proba[part][order]) >= 0).all()
        assert (np.diff(mask[part][order].astype(int)) >= 0).all()
        equal = np.diff(score[part][order]) == 0
        assert not np.diff(mask[part][order].astype(int))[equal].any()


@ALL
@FEW
@given(score=score_arrays, seed=st.integers(0, 5))
def test_the_order_of_rows_does_not_matter(threshold, score, seed):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 2, len(score)), rng.random(len(score))
    proba = np.column_stack([1 - p, p])
    order = rng.permutation(len(score))
    one = clone(threshold).fit(score, y, label_proba=proba)
    two = clone(threshold).fit(score[order], y[order], label_proba=proba[order])
    np.testing.assert_array_equal(one.noise_mask_[order], two.noise_mask_)
    np.testing.assert_allclose(one.noise_proba_[order], two.noise_proba_, atol=1e-3)


@pytest.mark.parametrize("threshold", [FixedRate(0.2), MixturePosterior(scale="identity")], ids=str)
@FEW
@given(
    score=score_arrays,
    scale=st.sampled_from([0.25, 2.0, 1024.0]),
    shift=st.sampled_from([0.0, -8.0, 64.0]),
)
def test_units_of_the_score_do_not_matter(threshold, score, scale, shift):
    assume(len(np.unique(score)) == len(np.unique(score * scale + shift)))
    one, two = decide(threshold, score)[1], decide(threshold, score * scale + shift)[1]
    np.testing.assert_array_equal(one, two)


@ALL
@FEW
@given(score=score_arrays, seed=st.integers(0, 5))
def test_rows_that_were_not_judged_have_no_say(threshold, score, seed):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 2, len(score)), rng.random(len(score))
    y[:2] = [0, 1][: len(y)]
    missing = rng.random(len(score)) < 0.3
    score = np.where(missing, np.nan, score)
    if isinstance(threshold, ConfidentJointCount):  # the joint counts by its own probabilities
        p = np.where(missing, np.nan, p)
    proba = np.column_stack([1 - p, p])
    fitted = clone(threshold).fit(score, y, label_proba=proba)
    assert not fitted.noise_mask_[missing].any()
    assert (fitted.noise_proba_[missing] == 0).all()
    if (~missing).any() and len(np.unique(y[~missing])) == 2:
        alone = clone(threshold).fit(score[~missing], y[~missing], label_proba=proba[~missing])
        np.testing.assert_array_equal(alone.noise_mask_, fitted.noise_mask_[~missing])


@ALL
@pytest.mark.parametrize(
    "score",
    [np.zeros(20), np.ones(20), np.full(20, -3.5), np.full(20, np.nan), np.full(20, np.inf)],
    ids=["zeros", "ones", "negative", "NaN", "infinite"],
)
def test_scores_without_any_difference_flag_nothing(threshold, score):
    proba, mask, _ = decide(threshold, score)
    assert not mask.any()
    assert len(np.unique(proba[~np.isnan(score)])) <= 2  # a class each, at most


@ALL
@pytest.mark.parametrize("score", [[0.5], [np.nan], [0.1, 0.9], [1e150, -1e150, 0.0]], ids=str)
def test_a_few_rows(threshold, score):
    proba, mask, _ = decide(threshold, np.array(score))
    assert ((proba >= 0) & (proba <= 1)).all()
    assert mask.sum() <= np.ceil(len(score) / 2)


@NOT_JOINT
def test_no_rows(threshold):
    fitted = clone(threshold).fit(np.empty(0), np.empty(0, dtype=int))
    assert fitted.noise_proba_.shape == fitted.noise_mask_.shape == (0,)


@NOT_JOINT
def test_infinite_scores_are_the_extremes(threshold):
    score = np.r_[np.linspace(0, 1, 50), np.inf, np.inf, -np.inf]
    proba, mask, _ = decide(threshold, score)
    assert np.isfinite(proba).all()
    if not threshold.per_class:
        assert proba[50] == proba[51]
        assert proba[50] == proba.max()
        assert proba[52] == proba.min()
        assert mask[50] >= mask[:50].max()
        assert not mask[52]


def test_two_distinct_scores():
    score = np.r_[np.zeros(90), np.ones(10)]
    assert FixedRate(0.1).fit(score).noise_mask_.tolist() == [False] * 90 + [True] * 10
    assert MixturePosterior().fit(score).noise_mask_.sum() in (0, 10)
    assert MixturePosterior().fit(score * 0.5 + 0.2).noise_mask_.sum() in (0, 10)


def test_a_long_score_is_no_trouble():
    rng = np.random.default_rng(0)
    score = np.r_[rng.normal(size=95_000), rng.normal(8, 1, 5_000)]
    assert MixturePosterior().fit(score).noise_mask_.sum() == pytest.approx(5_000, abs=25)
    assert FixedRate(0.05).fit(score).noise_mask_.sum() == 5_000


# --------------------------------------------------------------------------- a fixed share


@FEW
@given(
    score=arrays(float, st.integers(1, 80), elements=finite, unique=True),
    rate=st.floats(0, 0.5),
)
def test_without_ties_the_share_is_hit(score, rate):
    mask = FixedRate(rate).fit(score).noise_mask_
    assert mask.sum() == round(rate * len(score))


@FEW
@given(
    score=arrays(float, st.integers(1, 80), elements=st.sampled_from([0.0, 1.0, 2.0, 3.0])),
    rate=st.floats(0, 0.5),
)
def test_with_ties_the_share_is_hit_as_nearly_as_they_allow(score, rate):
    n_flagged = FixedRate(rate).fit(score).noise_mask_.sum()
    possible = {int((score > level).sum()) for level in [-1.0, 0.0, 1.0, 2.0, 3.0]}
    possible = [count for count in possible if count <= len(score) / 2]
    wanted = round(rate * len(score))
    assert n_flagged in possible
    assert abs(n_flagged - wanted) == min(abs(count - wanted) for count in possible)


def test_share_per_class():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b"], [100, 50])
    score = rng.random(150) + 10 * (y == "b")
    mask = FixedRate(0.2, per_class=True).fit(score, y).noise_mask_
    assert mask[y == "a"].sum() == 20
    assert mask[y == "b"].sum() == 10
    assert FixedRate(0.2).fit(score, y).noise_mask_[y == "a"].sum() == 0


def test_rate_zero_flags_nothing_and_knows_no_probability():
    fitted = FixedRate(0).fit(np.arange(100.0))
    assert not fitted.noise_mask_.any()
    assert not fitted.noise_proba_.any()


# --------------------------------------------------------------------------- mixtures


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_mixture_finds_a_planted_share(share, seed):
    rng = np.random.default_rng(seed)
    n_wrong = int(2000 * share)
    score = np.r_[rng.normal(size=2000 - n_wrong), rng.normal(7, 1, n_wrong)]
    wrong = np.arange(2000) >= 2000 - n_wrong
    for values in (score, np.exp(score), expit(score / 2 - 2)):  # each scale of "auto"
        fitted = MixturePosterior().fit(values)
        assert (fitted.noise_mask_ != wrong).mean() < 0.005
        assert fitted.noise_proba_.mean() == pytest.approx(share, abs=0.01)


def test_mixture_per_class():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 500)
    score = np.r_[rng.normal(0, 1, 450), rng.normal(8, 1, 50), rng.normal(100, 1, 500)]
    mask = MixturePosterior(per_class=True).fit(score, y).noise_mask_
    assert mask[450:500].sum() >= 48
    assert mask.sum() <= 51


def test_a_higher_cut_flags_no_more():
    rng = np.random.default_rng(0)
    score = np.r_[rng.normal(size=700), rng.normal(5, 1, 300)]
    counts = [MixturePosterior(cut).fit(score).noise_mask_.sum() for cut in (0.01, 0.5, 0.99)]
    assert counts[0] > counts[1] > counts[2] > 0


UNIMODAL = {
    "normal": lambda rng, n: rng.normal(size=n),
    "half-normal": lambda rng, n: np.abs(rng.normal(size=n)),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "logit-normal": lambda rng, n: expit(rng.normal(-2, 2, n)),
    "beta(1, 5)": lambda rng, n: rng.beta(1, 5, n),
    "beta(1/2, 5)": lambda rng, n: rng.beta(0.5, 5, n),
    "gamma(1/2)": lambda rng, n: rng.gamma(0.5, size=n),
    "Student t(3)": lambda rng, n: rng.standard_t(3, n),
    "|t(3)|": lambda rng, n: np.abs(rng.standard_t(3, n)),
    "reversed exponential": lambda rng, n: -rng.exponential(size=n),
}


@pytest.mark.parametrize("draw", UNIMODAL.values(), ids=UNIMODAL.keys())
def test_one_heap_of_scores_of_any_shape_is_left_alone(draw):
    """Fitted by a mixture of normals, many of these would lose most of their rows."""
    for n in (100, 1000):
        alarms = [
            MixturePosterior().fit(draw(np.random.default_rng(seed), n)).noise_mask_.mean()
            for seed in range(10)
        ]
        assert np.count_nonzero(alarms) <= 1
        assert max(alarms) < 0.15


@pytest.mark.parametrize("n", [100, 1000])
def test_even_scores_are_mostly_left_alone(n):
    """The hardest case: flat, so that chance makes gaps."""
    for low in (0, -1):
        alarms = [
            MixturePosterior().fit(np.random.default_rng(seed).uniform(low, 1, n)).noise_mask_.any()
            for seed in range(15)
        ]
        assert np.mean(alarms) <= 0.2


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits, load_wine])
def test_clean_real_data_raises_no_alarm(load):
    X, y = load(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    proba = cross_val_predict(model, X, y, cv=5, method="predict_proba")
    fitted = MixturePosterior().fit(1 - proba[np.arange(len(y)), y])
    assert fitted.noise_mask_.mean() < 0.02


def test_wrong_labels_in_real_data_are_found():
    X, y = load_digits(return_X_y=True)
    y_noisy, wrong = symmetric_noise(y, 0.2, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    proba = cross_val_predict(model, X, y_noisy, cv=5, method="predict_proba")
    mask = MixturePosterior().fit(1 - proba[np.arange(len(y)), y_noisy]).noise_mask_
    assert wrong[mask].mean() > 0.85
    assert mask[wrong].mean() > 0.5


# --------------------------------------------------------------------------- counts of the joint


def joint_case():
    """A binary case with 12 of 100 zeros and 3 of 100 ones given wrongly."""
    truth = np.repeat([0, 1], 100)
    y = truth.copy()
    y[:3], y[100:112] = 1, 0
    p = np.where(truth == 1, 0.9, 0.1)
    proba = np.column_stack([1 - p, p])
    rng = np.random.default_rng(0)
    score = 1 - proba[np.arange(200), y] + 0.01 * rng.random(200)
    return score, y, proba, y != truth


@pytest.mark.parametrize("per_class", [True, False])
def test_as_many_are_flagged_as_the_joint_counts(per_class):
    score, y, proba, wrong = joint_case()
    fitted = ConfidentJointCount(per_class=per_class).fit(score, y, label_proba=proba)
    np.testing.assert_array_equal(fitted.noise_mask_, wrong)
    off_diagonal = fitted.confident_joint_.sum() - np.trace(fitted.confident_joint_)
    assert off_diagonal == pytest.approx(15)


def test_never_more_than_half_of_a_class():
    y = np.repeat([0, 1], [10, 90])
    proba = np.column_stack([np.full(100, 0.05), np.full(100, 0.95)])
    proba[:2] = [0.9, 0.1]
    fitted = ConfidentJointCount().fit(np.linspace(1, 0, 100), y, label_proba=proba)
    assert fitted.noise_mask_[:10].sum() <= 5


# --------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "threshold",
    [
        FixedRate(-0.1),
        FixedRate(0.6),
        FixedRate("a"),
        FixedRate(np.nan),
        FixedRate(0.1, per_class="yes"),
        MixturePosterior(0),
        MixturePosterior(1),
        MixturePosterior(scale="sqrt"),
        ConfidentJointCount(per_class=None),
    ],
    ids=str,
)
def test_parameters_are_checked(threshold):
    name = "rate|cut|scale|per_class"
    with pytest.raises(ValueError, match=name):
        threshold.fit(np.arange(10.0), np.arange(10) % 2)


@pytest.mark.parametrize(
    "scale, score, where", [("logit", [0.1, 1.2], "1.2"), ("log", [-0.5, 1.0], "-0.5")]
)
def test_a_scale_that_does_not_fit_the_scores_is_an_error(scale, score, where):
    with pytest.raises(ValueError, match=f"{scale}.*{where}.*identity"):
        MixturePosterior(scale=scale).fit(score)


def test_missing_labels_or_probabilities_are_named():
    score = np.arange(10.0)
    with pytest.raises(ValueError, match="per_class=True"):
        FixedRate(per_class=True).fit(score)
    with pytest.raises(ValueError, match="class probabilities"):
        ConfidentJointCount().fit(score, np.arange(10) % 2)
    with pytest.raises(ValueError, match="given labels"):
        ConfidentJointCount().fit(score, label_proba=np.full((10, 2), 0.5))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FixedRate(per_class=True).fit(score, np.zeros(9))
    with pytest.raises(ValueError):
        FixedRate().fit(np.zeros((10, 2)))


# --------------------------------------------------------------------------- through detectors


class TopThree:
    """A threshold of one's own: `fit(score, y)` and two attributes are all it takes."""

    def get_params(self, deep=True):
        return {}

    def fit(self, score, y, label_proba=None):
        self.noise_mask_ = score >= np.sort(score)[-3]
        self.noise_proba_ = self.noise_mask_ * 0.9
        return self


@pytest.mark.parametrize(
    "contamination, count",
    [(0, 0), (0.0, 0), (0.1, 20), (0.5, 100), (FixedRate(0.1), 20), (TopThree(), 3)],
    ids=["0", "0.0", "0.1", "0.5", "FixedRate", "own"],
)
def test_contamination_of_detectors(contamination, count):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    labels = (X[:, 0] > 0).astype(int)
    numbers = X[:, 0] + 0.1 * rng.normal(size=200)
    for detector, y in (
        (ConfidentLearning(LogisticRegression(), random_state=0), labels),
        (Residual(random_state=0), numbers),
    ):
        fitted = detector.set_params(contamination=contamination).fit(X, y)
        assert fitted.noise_mask_.sum() == count
        assert count > 0 or not fitted.noise_proba_.any()
    treated = FilterClassifier(LogisticRegression(), contamination=contamination, max_share=0.5)
    assert treated.fit(X, labels).detector_.noise_mask_.sum() == count


@pytest.mark.parametrize("contamination", [-0.1, 0.6, "half", True, [0.1], np.nan], ids=str)
def test_wrong_contamination_is_an_error(contamination):
    X, y = np.arange(40.0).reshape(-1, 1), np.arange(40) % 2
    for model in (
        ConfidentLearning(LogisticRegression(), contamination=contamination),
        FilterClassifier(LogisticRegression(), contamination=contamination),
    ):
        with pytest.raises(ValueError, match="contamination"):
            model.fit(X, y)


@pytest.mark.parametrize("scale", ["heavy tails", "shares", "two heaps"])
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.4])
def test_probabilities_of_a_fixed_rate_average_to_it(scale, rate):
    rng = np.random.default_rng(0)
    score = {
        "heavy tails": np.abs(rng.standard_t(3, 1000)),
        "shares": rng.beta(1, 9, 1000),
        "two heaps": np.r_[rng.normal(0, 1, 900), rng.normal(8, 1, 100)],
    }[scale]
    threshold = FixedRate(rate).fit(score)
    assert threshold.noise_proba_.mean() == pytest.approx(rate, abs=1e-6)
    assert threshold.noise_proba_[threshold.noise_mask_].mean() > 0.5


def test_trusted_rows_do_not_raise_the_count_for_others():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(-3, 1, (300, 2)), rng.normal(3, 1, (300, 2))]
    y = np.repeat([0, 1], 300)
    trusted = np.arange(600) % 2 == 0
    y[trusted & (rng.random(600) < 0.3)] ^= 1  # known to be right, however odd
    detector = ConfidentLearning(
        LogisticRegression(), contamination=ConfidentJointCount(), random_state=0
    ).fit(X, y, trusted=trusted)
    assert detector.noise_mask_.sum() <= 3


@pytest.mark.parametrize("per_class", [True, False])
def test_the_confident_joint_of_numbers_is_refused(per_class):
    X, y = np.arange(40.0).reshape(-1, 1), np.linspace(0, 1, 40)
    with pytest.raises(ValueError, match="ConfidentJointCount is for class labels.*FixedRate"):
        Residual(Ridge(), contamination=ConfidentJointCount(per_class=per_class)).fit(X, y)
