"""What holds for every display: given axes, late import, texts that stay texts, its own errors."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sknoisy import FilterClassifier, inspection
from sknoisy.detection import ConfidentLearning, DatasetMap
from sknoisy.exceptions import CleaningLimitWarning

from ..helpers import noisy_labels

pyplot = pytest.importorskip("matplotlib.pyplot")
HOSTILE = np.array(["$\\frac$ and $x_", "<script>alert(1)</script>", "\u202eb\x00\n" + "c" * 99])


def drawn(ax=None):
    """Each display, drawn with hostile labels and names."""
    X, codes = noisy_labels(n=120)
    y = HOSTILE[codes]
    detector = ConfidentLearning(LogisticRegression(), random_state=0).fit(X, y)
    score, mask, hostile = detector.noise_score_, detector.noise_mask_, HOSTILE[0]
    proba, how = detector.noise_proba_, {"ax": ax}
    losses, shares = np.random.default_rng(0).random((120, 4)), [0.0, 0.1]
    table = detector.noise_report(X, y)
    named = {**how, "name": hostile}
    return {
        "AccuracyRejectDisplay": inspection.AccuracyRejectDisplay.from_predictions(
            y, detector.y_suggested_, score, **named
        ),
        "DatasetMapDisplay": inspection.DatasetMapDisplay.from_values(
            proba, proba, proba, mask, **how
        ),
        "DetectorAgreementDisplay": inspection.DetectorAgreementDisplay.from_predictions(
            {hostile: score, HOSTILE[1]: proba}, **how
        ),
        "NoiseReliabilityDisplay": inspection.NoiseReliabilityDisplay.from_predictions(
            mask, proba, **named
        ),
        "NoiseScoreDisplay": inspection.NoiseScoreDisplay.from_estimator(detector, **how),
        "RemovalCurveDisplay": inspection.RemovalCurveDisplay.from_predictions(
            shares, [0.8, 0.9], **named
        ),
        "TrajectoryDisplay": inspection.TrajectoryDisplay.from_predictions(losses, mask, **how),
        "TransitionMatrixDisplay": inspection.TransitionMatrixDisplay.from_estimator(
            detector, **how
        ),
        "WorstRowsDisplay": inspection.WorstRowsDisplay.from_predictions(table, X, **how),
    }


def test_hostile_texts_are_drawn_as_they_are():
    displays = drawn()
    assert displays.keys() == set(inspection.__all__)
    for display in displays.values():
        display.figure_.canvas.draw()  # a formula that is none would fail here
    ticks = displays["TransitionMatrixDisplay"].ax_.get_yticklabels()
    texts = [text.get_text() for text in ticks]
    assert HOSTILE[0] in texts and all(text.isprintable() and len(text) < 30 for text in texts)


def test_each_draws_on_given_axes():
    figure, ax = pyplot.subplots()
    for display in drawn(ax).values():
        assert display.ax_ is ax and display.figure_ is figure


def test_what_is_not_fitted_is_refused():
    X, y = noisy_labels()
    for name in inspection.__all__:
        display = getattr(inspection, name)
        with pytest.raises(NotFittedError):
            if name == "DetectorAgreementDisplay":
                display.from_estimators([ConfidentLearning(), ConfidentLearning()])
            elif name == "NoiseReliabilityDisplay":
                display.from_estimator(ConfidentLearning(), y == 0)
            elif name in ("DatasetMapDisplay", "NoiseScoreDisplay", "TransitionMatrixDisplay"):
                display.from_estimator(ConfidentLearning())
            else:
                display.from_estimator(ConfidentLearning(), X, y)


def test_matplotlib_is_imported_when_something_is_drawn():
    code = """
import sys
sys.modules["matplotlib"] = None
from sknoisy.inspection import NoiseScoreDisplay
try:
    NoiseScoreDisplay.from_predictions([0.1], [True])
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "NoiseScoreDisplay needs matplotlib: pip install 'sknoisy[plot]'.\n"


@pytest.mark.parametrize("name", sorted(set(inspection.__all__) - {"TransitionMatrixDisplay"}))
def test_what_has_found_nothing_is_refused_by_name(name):
    X, y = noisy_labels(n=120)
    model = make_pipeline(FilterClassifier(LogisticRegression(), random_state=0)).fit(X, y)
    display = getattr(inspection, name)
    given = {
        "DetectorAgreementDisplay": ([model, model],),
        "DatasetMapDisplay": (model,),
        "NoiseScoreDisplay": (model,),
        "NoiseReliabilityDisplay": (model, y == 0),
    }.get(name, (model, X, y))
    draw = getattr(display, "from_estimators", None) or display.from_estimator
    with pytest.raises(TypeError, match=f"{name} (draws|needs) .*Pipeline"):
        draw(*given)


def test_flagged_is_what_the_detector_says():
    """Also where the treatment left flagged rows as they are, and with a frozen detector."""
    X, y = noisy_labels(n=240)
    frozen = FrozenEstimator(DatasetMap(LogisticRegression(), random_state=0).fit(X, y))
    with pytest.warns(CleaningLimitWarning):
        model = FilterClassifier(LogisticRegression(), frozen, max_share=0.02).fit(X, y)
    n_flagged = model.noise_report(X, y)["flagged"].sum()
    assert n_flagged > model.noise_mask_.sum()
    legends = [
        display.ax_.get_legend().get_texts()
        for display in (
            inspection.NoiseScoreDisplay.from_estimator(model),
            inspection.DatasetMapDisplay.from_estimator(model),
            inspection.TrajectoryDisplay.from_estimator(model, X, y),
        )
    ]
    for texts in legends:
        assert f"flagged ({n_flagged})" in [text.get_text() for text in texts]
    curve = inspection.RemovalCurveDisplay.from_estimator(
        model, X, y, X_clean=X, y_clean=y, shares=[0.0]
    )
    assert curve.flagged == n_flagged / 240 and curve.name == "DatasetMap"
    pyplot.close("all")


def test_scores_that_are_infinite_are_left_out():
    score, flagged = np.array([0.0, 0.5, 1.0, np.inf]), np.arange(4) > 1
    display = inspection.NoiseScoreDisplay.from_predictions(score, flagged)
    assert sum(bar.get_height() for bar in display.bars_[1]) == 1
