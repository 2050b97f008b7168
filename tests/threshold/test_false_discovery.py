"""False discovery rates: conformal p-values from trusted rows, and counts against chance."""

import numpy as np
import pytest
from scipy.stats import binom, norm
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from sknoisy import FilterClassifier
from sknoisy.detection import ConfidentLearning, ReCoV, Residual
from sknoisy.threshold import BenjaminiHochberg, ConformalFDR

DRAWS = 200


def share_of_right(mask, wrong):
    return (mask & ~wrong).sum() / max(mask.sum(), 1)


def below(realised, level):
    """Whether the mean is under its level, up to two standard errors of the mean."""
    realised = np.asarray(realised)
    return realised.mean() <= level + 2 * realised.std() / np.sqrt(len(realised))


# --------------------------------------------------------------------------- conformal


@pytest.mark.parametrize("procedure", ["bh", "storey"])
@pytest.mark.parametrize("alpha, share", [(0.1, 0.2), (0.2, 0.1), (0.2, 0.0)])
def test_the_false_discovery_rate_stays_under_its_level(procedure, alpha, share):
    """The claim of Bates et al.: for any distribution, ties included; and rows are found."""
    rates, found = [], []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        wrong = rng.random(400) < share
        trusted = np.r_[np.ones(200, dtype=bool), np.zeros(400, dtype=bool)]
        wrong = np.r_[np.zeros(200, dtype=bool), wrong]
        score = np.round(rng.standard_t(4, 600) + 5 * wrong, 1)  # heavy tails, with ties
        mask = ConformalFDR(alpha, procedure=procedure).fit(score, trusted=trusted).noise_mask_
        rates.append(share_of_right(mask, wrong))
        found.append(mask[wrong].mean() if wrong.any() else 0.0)
    assert below(rates, alpha)
    if share == 0.2:
        assert np.mean(found) > 0.4  # not for flagging nothing
        assert np.mean(rates) > alpha / 4


def test_the_level_holds_in_each_class():
    """One class is harder than the other; with all trusted rows in one pot it loses right rows."""
    rates = {True: [], False: []}
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        y = rng.choice(2, 900, p=[0.8, 0.2])
        wrong = rng.random(900) < 0.1
        trusted = ~wrong & (rng.random(900) < 0.4)
        score = rng.normal(size=900) + 1.5 * (y == 1) + 5 * wrong
        for per_class in rates:
            fitted = ConformalFDR(0.2, per_class=per_class).fit(score, y, trusted=trusted)
            rates[per_class].append(share_of_right(fitted.noise_mask_[y == 1], wrong[y == 1]))
    assert below(rates[True], 0.2)
    assert np.mean(rates[False]) > np.mean(rates[True]) + 0.03


def test_conformal_p_values_by_hand():
    score = np.array([0.1, 0.2, 0.3, 0.3, 0.25, 0.05, np.nan, 9.0])
    trusted = np.array([1, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    fitted = ConformalFDR(0.5).fit(score, trusted=trusted)
    expected = [np.nan] * 3 + [2 / 4, 2 / 4, 1.0, np.nan, 1 / 4]
    np.testing.assert_allclose(fitted.p_values_, expected)
    assert fitted.n_trusted_ == 3


def test_without_trusted_rows_it_says_so():
    score = np.arange(20.0)
    for trusted in (None, np.zeros(20, dtype=bool)):
        with pytest.raises(ValueError, match="pass trusted to fit"):
            ConformalFDR().fit(score, trusted=trusted)
    with pytest.raises(ValueError, match="none of them was judged"):
        ConformalFDR().fit(np.where(score < 5, np.nan, score), trusted=score < 5)
    with pytest.raises(ValueError, match="no row of class b is trusted"):
        y = np.array(["a", "b"])[(score >= 10).astype(int)]
        ConformalFDR(0.3, per_class=True).fit(score, y, trusted=score < 5)
    with pytest.warns(UserWarning, match="5 trusted rows are too few.* at least 9 are needed"):
        ConformalFDR().fit(score, trusted=score < 5)
    with pytest.raises(ValueError, match="alpha"):
        ConformalFDR(alpha=0).fit(score)


def test_through_a_detector_the_trusted_scores_arrive():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(-2, 1, (300, 2)), rng.normal(2, 1, (300, 2))]
    truth = np.repeat([0, 1], 300)
    wrong = rng.random(600) < 0.15
    trusted = ~wrong & (rng.random(600) < 0.4)
    y = np.where(wrong, 1 - truth, truth)
    detector = ConfidentLearning(
        LogisticRegression(), contamination=ConformalFDR(0.1), random_state=0
    )
    fitted = detector.fit(X, y, trusted=trusted)
    assert fitted.threshold_.n_trusted_ == trusted.sum()
    assert not fitted.noise_mask_[trusted].any()
    assert share_of_right(fitted.noise_mask_, wrong) < 0.2
    assert fitted.noise_mask_[wrong].mean() > 0.7
    with pytest.raises(ValueError, match="pass trusted to fit"):
        detector.fit(X, y)
    model = FilterClassifier(LogisticRegression(), contamination=ConformalFDR(0.1), random_state=0)
    assert model.fit(X, y, trusted=trusted).detector_.noise_mask_[wrong].mean() > 0.5
    numbers = X[:, 0] + rng.normal(0, 0.1, 600) + 5 * wrong
    fitted = Residual(contamination=ConformalFDR(0.1), random_state=0)
    assert fitted.fit(X, numbers, trusted=trusted).noise_mask_[wrong].mean() > 0.7


# --------------------------------------------------------------------------- counts


@pytest.mark.parametrize("procedure", ["bh", "storey"])
@pytest.mark.parametrize("scale", ["count", "share", "z", "1-p"])
def test_counts_keep_the_level_too(procedure, scale):
    alpha, n_trials, rates, found = 0.1, 60, [], []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        wrong = rng.random(300) < 0.2
        count = rng.binomial(n_trials, np.where(wrong, 0.45, 0.2))
        score = {
            "count": count,
            "share": count / n_trials,
            "z": (count - 0.2 * n_trials) / np.sqrt(0.16 * n_trials),
            "1-p": binom.cdf(count - 1, n_trials, 0.2),
        }[scale]
        known = {} if scale == "1-p" else {"n_trials": n_trials, "p0": 0.2}
        threshold = BenjaminiHochberg(alpha, scale=scale, procedure=procedure, **known)
        mask = threshold.fit(score).noise_mask_
        rates.append(share_of_right(mask, wrong))
        found.append(mask[wrong].mean())
    assert below(rates, alpha)
    assert np.mean(found) > 0.7


def test_scales_say_the_same():
    count = np.array([18.0, 25, 41, 15, 22, 28, 0, 100])
    z = (count - 20) / 4
    fitted = [
        BenjaminiHochberg(n_trials=100, p0=0.2).fit(count),
        BenjaminiHochberg(n_trials=np.full(8, 100), p0=0.2).fit(count),
        BenjaminiHochberg(n_trials=100, p0=0.2, scale="share").fit(count / 100),
        BenjaminiHochberg(n_trials=100, p0=0.2, scale="z").fit(z),
    ]
    for one in fitted:
        np.testing.assert_allclose(one.p_values_, binom.sf(count - 1, 100, 0.2))
    normal = BenjaminiHochberg(scale="z").fit(z)
    np.testing.assert_allclose(normal.p_values_, norm.sf(z))


def test_each_row_for_itself_flags_about_alpha_of_the_right_rows():
    count = np.random.default_rng(0).binomial(1000, 0.2, 5000)
    each = BenjaminiHochberg(0.05, n_trials=1000, p0=0.2, procedure="each").fit(count)
    assert each.noise_mask_.mean() == pytest.approx(0.05, abs=0.012)
    assert not BenjaminiHochberg(0.05, n_trials=1000, p0=0.2).fit(count).noise_mask_.any()


def test_an_unknown_p0_is_the_mean_share():
    count = np.r_[np.full(95, 10), np.full(5, 60)]
    fitted = BenjaminiHochberg(n_trials=100).fit(count)
    np.testing.assert_allclose(fitted.p_values_, binom.sf(count - 1, 100, count.mean() / 100))
    assert fitted.noise_mask_.nonzero()[0].tolist() == [95, 96, 97, 98, 99]
    assert not BenjaminiHochberg(n_trials=100).fit(np.zeros(10)).noise_mask_.any()
    assert not BenjaminiHochberg(n_trials=100).fit(np.full(10, 100)).noise_mask_.any()


def test_it_repeats_the_rule_of_recov():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(-2, 1, (50, 2)), rng.normal(2, 1, (50, 2))]
    y = np.repeat([0, 1], 50)
    y[:8] = 1
    rule = BenjaminiHochberg(0.05, scale="z", n_trials=40, p0=0.2)
    known = {"n_repeats": 40, "random_state": 0}
    own = ReCoV(GaussianNB(), rule="fdr_bh", contamination="own", **known).fit(X, y)
    other = ReCoV(GaussianNB(), contamination=rule, **known).fit(X, y)
    np.testing.assert_allclose(other.threshold_.p_values_, own.p_values_)
    np.testing.assert_array_equal(other.noise_mask_, own.noise_mask_)
    assert own.noise_mask_.any()


@pytest.mark.parametrize("procedure", ["bh", "each"])
def test_probabilities_are_calibrated(procedure):
    rng = np.random.default_rng(0)
    wrong = rng.random(20_000) < 0.2
    z = rng.normal(size=20_000) + 2.5 * wrong
    proba = BenjaminiHochberg(scale="z", procedure=procedure).fit(z).noise_proba_
    assert proba.mean() == pytest.approx(0.2, abs=0.03)
    sure, unsure = proba > 0.8, (proba > 0.3) & (proba < 0.7)
    assert wrong[sure].mean() == pytest.approx(proba[sure].mean(), abs=0.05)
    assert wrong[unsure].mean() == pytest.approx(proba[unsure].mean(), abs=0.12)


@pytest.mark.parametrize(
    "threshold, score, message",
    [
        (BenjaminiHochberg(), [1.0, 2], 'needs n_trials.* set scale="z"'),
        (BenjaminiHochberg(scale="z", n_trials=5), [1.0, 2], "needs p0"),
        (BenjaminiHochberg(n_trials=5), [1.0, 7], "score 7 of row 1 is not between 0 and 5"),
        (BenjaminiHochberg(scale="1-p"), [-0.5, 0.2], "score -0.5 of row 0"),
        (BenjaminiHochberg(n_trials=[5, 5, 5]), [1.0, 2], "one for each of the 2 rows"),
        (BenjaminiHochberg(n_trials=0), [1.0, 2], "n_trials"),
        (BenjaminiHochberg(p0=1.5, n_trials=5), [1.0, 2], "p0"),
        (BenjaminiHochberg(procedure="by", n_trials=5), [1.0, 2], "procedure"),
    ],
)
def test_what_is_missing_or_odd_is_named(threshold, score, message):
    with pytest.raises(ValueError, match=message):
        threshold.fit(score)
