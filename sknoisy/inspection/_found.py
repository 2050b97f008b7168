"""What a fitted estimator has to draw."""

from __future__ import annotations

from sklearn.utils.validation import check_is_fitted

from sknoisy._report import detector_of


def check_has(display, estimator, *needed):
    """(detector, name of its class) of a fitted estimator, or an error that says what is missing.

    `needed` are names of attributes of the detector, or methods of the estimator.
    """
    check_is_fitted(estimator)
    detector, name = detector_of(estimator)
    for attribute in needed:
        if not hasattr(detector, attribute) and not hasattr(estimator, attribute):
            what = "the step" if hasattr(estimator, "steps") else "an estimator"
            raise TypeError(
                f"{display.__name__} needs {attribute}, and {name} has none: give {what} that has."
            )
    return detector, name
