"""What must hold for thresholds that count, test or look for corners, whatever the score."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sknoisy.threshold import (
    BenjaminiHochberg,
    ConfidentJointCount,
    ConformalFDR,
    ContaminationPosterior,
    Elbow,
    FixedRate,
    MixturePosterior,
    OneStandardError,
)

pytestmark = pytest.mark.filterwarnings("ignore:ConformalFDR:UserWarning")

POSTERIOR = ContaminationPosterior(n_components=4, n_samples=200, random_state=0)
QUICK = [
    BenjaminiHochberg(scale="1-p", alpha=0.3),
    BenjaminiHochberg(scale="share", n_trials=20, alpha=0.2),
    BenjaminiHochberg(scale="share", n_trials=20, p0=0.1, procedure="storey"),
    BenjaminiHochberg(scale="z", procedure="each"),
    BenjaminiHochberg(scale="z", n_trials=20, p0=0.2, per_class=True),
    ConformalFDR(alpha=0.4),
    ConformalFDR(alpha=0.4, procedure="storey"),
    Elbow(),
    Elbow(min_distance=0, per_class=True),
]
SLOW = [POSTERIOR, OneStandardError(LogisticRegression(), rates=[0, 0.2], cv=2, random_state=0)]
EVERY = pytest.mark.parametrize("threshold", [*QUICK, *SLOW], ids=lambda t: repr(t)[:60])

scores = st.one_of(
    arrays(float, st.integers(8, 40), elements=st.floats(0, 1).map(lambda v: round(v, 3))),
    arrays(float, st.integers(8, 40), elements=st.sampled_from([0.0, 0.1, 0.9, 1.0])),
    st.integers(6, 30).map(lambda n: np.r_[np.linspace(0, 0.3, n), 0.9, 0.95]),
)


def fit(threshold, score, order=None, **more):
    """Fit with labels and features made up for it; every third row is trusted, where asked."""
    n = len(score)
    y, X = np.arange(n) % 2, np.linspace(-1, 1, n)[::-1].reshape(-1, 1)
    trusted = np.arange(n) % 3 == 0
    order = np.arange(n) if order is None else order
    if isinstance(threshold, ConformalFDR):
        more["trusted"] = trusted[order]
    if isinstance(threshold, OneStandardError):
        more["X"] = X[order]
    return clone(threshold).fit(score[order], y[order], **more), y, trusted


@EVERY
@settings(max_examples=6)
@given(score=scores, seed=st.integers(0, 5))
def test_probability_and_flag_rise_with_the_score(threshold, score, seed):
    missing = np.random.default_rng(seed).random(len(score)) < 0.2
    missing[:6] = False  # each class keeps rows, trusted ones too
    score = np.where(missing, np.nan, score)
    fitted, y, trusted = fit(threshold, score)
    proba, mask = fitted.noise_proba_, fitted.noise_mask_
    assert proba.shape == mask.shape == score.shape
    assert mask.dtype == bool
    assert ((proba >= 0) & (proba <= 1)).all()
    assert not mask[missing].any()
    assert not proba[missing].any()
    asked = ~missing
    if isinstance(threshold, ConformalFDR):
        asked &= ~trusted
        assert not mask[trusted].any()
    for j in range(2) if threshold.per_class else [None]:
        part = asked if j is None else asked & (y == j)
        order = np.argsort(score[part], kind="stable")
        equal = np.diff(score[part][order]) == 0
        assert (np.diff(proba[part][order]) >= -1e-12).all()
        flagged = np.diff(mask[part][order].astype(int))
        assert (flagged >= 0).all()
        assert not flagged[equal].any()


@pytest.mark.parametrize("threshold", [*QUICK, POSTERIOR], ids=lambda t: repr(t)[:60])
@settings(max_examples=6)
@given(score=scores, seed=st.integers(0, 5))
def test_the_order_of_rows_does_not_matter(threshold, score, seed):
    order = np.random.default_rng(seed).permutation(len(score))
    one, two = fit(threshold, score)[0], fit(threshold, score, order)[0]
    np.testing.assert_array_equal(one.noise_mask_[order], two.noise_mask_)
    np.testing.assert_allclose(one.noise_proba_[order], two.noise_proba_, atol=1e-9)


@pytest.mark.parametrize("threshold", [ConformalFDR(), Elbow(), *SLOW], ids=lambda t: repr(t)[:60])
@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, np.nan])
def test_scores_without_any_difference_flag_nothing(threshold, value):
    if np.isnan(value) and isinstance(threshold, ConformalFDR):
        pytest.skip("needs scores of trusted rows")
    fitted = fit(threshold, np.full(20, value))[0]
    assert not fitted.noise_mask_.any()


# --------------------------------------------------------------------------- classes and groups

SPLIT = [
    FixedRate(0.1),
    MixturePosterior(),
    ConfidentJointCount(per_class=False),
    BenjaminiHochberg(scale="share", n_trials=40),
    ConformalFDR(alpha=0.2),
    ContaminationPosterior(n_components=6, n_samples=500, high=0.3, random_state=0),
    Elbow(),
]


def grouped():
    rng = np.random.default_rng(0)
    n = 240
    groups = np.array(["a", "b"])[np.arange(n) % 2]
    y = np.arange(n) // 2 % 2
    wrong = np.arange(n) >= 216
    score = np.clip(rng.beta(2, 9, n) + 0.6 * wrong, 0, 1)
    proba = np.column_stack([1 - score, score])
    proba[y == 1] = proba[y == 1][:, ::-1]
    return score, y, groups, proba, np.arange(n) // 4 % 2 == 0


@pytest.mark.parametrize("threshold", SPLIT, ids=lambda t: type(t).__name__)
def test_a_group_is_decided_on_by_itself(threshold):
    """`per_group` is what comes of fitting to each group; `per_class` to each class."""
    score, y, groups, proba, trusted = grouped()
    trusted = trusted & (score < 0.5)
    for per, keys in (("per_group", groups), ("per_class", y)):
        both = clone(threshold).set_params(**{per: True})
        known = {"label_proba": proba, "trusted": trusted}
        together = both.fit(score, y, groups=groups, **known)
        if per == "per_class" and isinstance(threshold, ConfidentJointCount):
            continue  # the joint is between classes
        flagged = np.zeros(len(y), dtype=bool)
        for key in np.unique(keys):
            rows = keys == key
            if isinstance(threshold, ContaminationPosterior):
                continue  # its draws go on from one part to the next
            alone = clone(threshold).fit(
                score[rows], y[rows], label_proba=proba[rows], trusted=trusted[rows]
            )
            flagged[rows] = alone.noise_mask_
            np.testing.assert_allclose(alone.noise_proba_, together.noise_proba_[rows])
        if not isinstance(threshold, ContaminationPosterior):
            np.testing.assert_array_equal(flagged, together.noise_mask_)
        assert not together.noise_mask_[trusted].any()
    every = clone(threshold).set_params(per_group=True, per_class=True)
    every.fit(score, y, groups=groups, label_proba=proba, trusted=trusted)
    assert every.noise_mask_.shape == score.shape


def test_missing_groups_are_named():
    score = np.arange(10.0)
    with pytest.raises(ValueError, match="per_group=True. needs groups"):
        FixedRate(per_group=True).fit(score)
    with pytest.raises(ValueError, match="first in row 3"):
        FixedRate(per_group=True).fit(score, groups=["a", "a", "b", None, *"bbbbbb"])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FixedRate(per_group=True).fit(score, groups=np.zeros(9))
    with pytest.raises(ValueError, match="per_group"):
        FixedRate(per_group="yes").fit(score)


def test_trusted_rows_are_no_part_of_a_share():
    score = np.r_[np.zeros(10), np.arange(1.0, 11.0)]
    trusted = np.arange(20) >= 15
    mask = FixedRate(0.2).fit(score, trusted=trusted).noise_mask_
    assert np.flatnonzero(mask).tolist() == [12, 13, 14]
