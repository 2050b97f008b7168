"""The table that shows a person what was found."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import _num_samples


def detector_of(estimator):
    """(detector, name of its class): of a treatment its own, frozen or not; else the estimator."""
    detector = getattr(estimator, "detector_", None)
    detector = estimator if detector is None else detector
    kind = type(detector.estimator if isinstance(detector, FrozenEstimator) else detector)
    return detector, kind.__name__


def flagged_rows(estimator):
    """(n,) of bool: what the detector says of the rows, none of them trusted.

    `noise_mask_` of a treatment says which rows it acted on, which may be fewer, or others.
    """
    return getattr(estimator, "_flagged_rows", estimator.noise_mask_)


def noise_report(detector, X, y, *, noise_proba=None, noise_mask=None, **columns):
    """Training rows, worst first; see `BaseDetector.noise_report`.

    A treatment gives its own `noise_proba` and `noise_mask`: its trusted rows may be unknown to a
    detector that was fitted before.
    """
    noise_proba = detector.noise_proba_ if noise_proba is None else noise_proba
    noise_mask = detector.noise_mask_ if noise_mask is None else noise_mask
    score = np.asarray(detector.noise_score_)
    n = len(score)
    for name, value in (("X", X), ("y", y)):
        if _num_samples(value) != n:
            raise ValueError(
                f"{name} has {_num_samples(value)} rows, fit got {n}: noise_report explains the "
                "training rows, so give it the X and y that fit got."
            )
    given = _as_in_fit(np.asarray(y).reshape(-1), detector)
    index = next((v.index for v in (X, y) if isinstance(v, (pd.DataFrame, pd.Series))), None)
    reason = getattr(detector, "_reason", lambda row: f"score {score[row]:.3g}")
    table = pd.DataFrame(
        {
            "row": np.arange(n),
            "given": given,
            "suggested": np.asarray(getattr(detector, "y_suggested_", given)),
            "probability": np.asarray(noise_proba),
            "score": score,
            "flagged": np.asarray(noise_mask, dtype=bool),
            "reason": ["not judged" if np.isnan(score[i]) else reason(i) for i in range(n)],
            **columns,
        },
        index=index,
    )
    table = table.sort_values(
        ["flagged", "probability", "score"], ascending=False, kind="stable", na_position="last"
    )
    # how many are flagged and how that was decided, or why none is
    table.attrs["reason"] = getattr(detector, "reason_", "")
    return table


def _as_in_fit(given, detector):
    """The targets, which must be those that the detector has seen."""
    target = getattr(detector, "_target", None)
    if target is None:
        return given
    if _is_otherwise_written(given, target.y):  # as Decimal, nullable numbers, texts
        given = given.astype(target.y.dtype)
    differs = np.flatnonzero(given != target.y)
    if len(differs):
        now, then = (values[differs[:1]].tolist()[0] for values in (given, target.y))
        raise ValueError(
            f"y is not the y that fit got: row {differs[0]} is {now!r}, in fit it was {then!r}."
        )
    return given


def _is_otherwise_written(given, y):
    """Whether `fit` has made numbers of what came, or texts of NumPy's own kind of text."""
    if y.dtype.kind not in "fiub":
        return given.dtype.kind == "T"
    return given.dtype.kind in "OUT" or given.dtype.itemsize > 8
