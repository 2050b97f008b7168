"""The histogram shows what the estimator found."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from sknoisy import FilterClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.inspection import NoiseScoreDisplay

pyplot = pytest.importorskip("matplotlib.pyplot")


def heights(bars):
    return np.array([bar.get_height() for bar in bars])


def test_bars_hold_every_judged_row_once():
    X, y = load_iris(return_X_y=True)
    y, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    model = FilterClassifier(LogisticRegression(max_iter=1000), random_state=0).fit(X, y)
    display = NoiseScoreDisplay.from_estimator(model, mask_true=wrong, bins=10)
    kept, flagged = display.bars_
    assert heights(flagged).sum() == model.noise_mask_.sum()
    assert heights(kept).sum() == (~model.noise_mask_).sum()
    assert display.line_.get_data().values.sum() == wrong.sum()
    assert f"flagged ({model.noise_mask_.sum()})" in str(
        [text.get_text() for text in display.ax_.get_legend().get_texts()]
    )


def test_draws_on_given_axes_and_leaves_out_rows_not_judged():
    figure, axes = pyplot.subplots(1, 2)
    display = NoiseScoreDisplay.from_predictions(
        [0.1, 0.2, np.nan], [False, True, False], ax=axes[1]
    )
    assert display.ax_ is axes[1] and display.figure_ is figure
    assert sum(heights(bars).sum() for bars in display.bars_) == 2
    assert display.line_ is None


def test_refuses_what_it_cannot_draw():
    with pytest.raises(NotFittedError):
        NoiseScoreDisplay.from_estimator(FilterClassifier(LogisticRegression()))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        NoiseScoreDisplay.from_predictions([0.1, 0.2], [True])


def test_the_cut_is_a_line_where_the_score_alone_decides():
    display = NoiseScoreDisplay.from_predictions([0.1, 0.3, 0.5, 0.9], [0, 0, 1, 1], log=True)
    assert display.cut_.get_xdata() == [0.4, 0.4]
    assert display.ax_.get_yscale() == "log"
    # elsewhere the span in which rows of both kinds lie
    display = NoiseScoreDisplay.from_predictions([0.1, 0.5, 0.3, 0.9], [0, 0, 1, 1])
    low, high = display.cut_.get_extents().transformed(display.ax_.transData.inverted()).intervalx
    np.testing.assert_allclose([low, high], [0.3, 0.5])
    assert "flagged and not, 0.3 to 0.5" in display.cut_.get_label()
    assert NoiseScoreDisplay.from_predictions([0.1, 0.5], [0, 0]).cut_ is None
    assert NoiseScoreDisplay.from_predictions([0.1, 0.5], [1, 1]).cut_ is None
