"""The share of a lost score that was won back."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning

from sknoisy.metrics import recovered_share

finite = st.floats(-100, 100)


@given(clean=finite, noisy=finite, share=st.floats(-3, 3))
def test_share_is_found_again(clean, noisy, share):
    assume(clean - noisy > 1e-3)
    treated = noisy + share * (clean - noisy)
    assert recovered_share(clean, noisy, treated) == pytest.approx(share, abs=1e-9)
    losses = recovered_share(-clean, -noisy, -treated, greater_is_better=False)
    assert losses == pytest.approx(share, abs=1e-9)


def test_anchors():
    assert recovered_share(0.9, 0.7, 0.7) == 0
    assert recovered_share(0.9, 0.7, 0.9) == 1
    assert recovered_share(0.9, 0.7, 0.6) < 0
    assert recovered_share(0.9, 0.7, 0.95) > 1
    assert isinstance(recovered_share(np.float32(1), 0, np.int64(1)), float)


@pytest.mark.parametrize("clean, noisy", [(0.7, 0.7), (0.7, 0.8)])
def test_nothing_was_lost(clean, noisy):
    with pytest.warns(UndefinedMetricWarning, match="no worse than that on clean data"):
        assert np.isnan(recovered_share(clean, noisy, 0.9))
    with pytest.warns(UndefinedMetricWarning, match="recovered_share is undefined"):
        assert np.isnan(recovered_share(-clean, -noisy, 0.9, greater_is_better=False))


def test_missing_score_stays_missing():
    assert np.isnan(recovered_share(0.9, 0.7, np.nan))


def test_bad_score():
    with pytest.raises(ValueError, match="'score_clean' parameter of recovered_share"):
        recovered_share("0.9", 0.7, 0.8)
