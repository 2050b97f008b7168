"""What holds for every display: given axes, late import, texts that stay texts, its own errors."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from sknoisy import inspection
from sknoisy.detection import ConfidentLearning

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
