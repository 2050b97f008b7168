"""What a report says in a few words and numbers."""

from __future__ import annotations

import numpy as np

from sknoisy._report import detector_of
from sknoisy.report._look_alikes import count_copies, share_of_near_copies
from sknoisy.report._words import as_sentence, what_is_not_known

Z = 1.96  # of an interval of 95 %


def summary_of(estimator, table, X, y, features, *, title, notes, seed):
    """The `summary` of a `NoiseReport`."""
    detector, name = detector_of(estimator)
    is_labels = hasattr(detector, "label_proba_")
    n_copies, n_conflicts = count_copies(X, y)
    return {
        "title": title or type(estimator).__name__,
        "rows": len(table),
        "task": "classification" if is_labels else "regression",
        "detector": name,
        **what_is_known(detector, is_labels),
        **how_many(table),
        "noise_rate_by_detector": getattr(detector, "noise_rate_", None),
        "copies": n_copies,
        "conflicting_copies": n_conflicts,
        "near_copies": share_of_near_copies(features, X, seed),
        **what_was_done(estimator, table),
        "notes": [str(note) for note in notes],
    }


def what_is_known(detector, is_labels):
    """The test of the evidence, in numbers and in a sentence."""
    p_value = getattr(detector, "evidence_p_value_", None)
    if p_value is None:
        says = (
            "This detector does not judge by predictions, so there is no test of what they know. "
            "A flagged row is unusual; whether its target is wrong is for you to say."
        )
    elif not_known := what_is_not_known(detector, is_labels):
        says = as_sentence(not_known)
    else:
        what = "labels" if is_labels else "numbers"
        says = (
            f"The features know something of the {what}: predictions of rows that a model has not "
            "seen agree with them more often than chance would have it."
        )
    return {
        "evidence_p_value": p_value,
        "unknown_classes": [str(name) for name in getattr(detector, "unknown_classes_", ())],
        "known": says,
        "decided": getattr(detector, "reason_", ""),
    }


def how_many(table):
    """Flagged rows, and the estimated share of wrong ones."""
    judged = table["score"].notna()
    proba, n = table.loc[judged, "probability"].to_numpy(dtype=float), int(judged.sum())
    return {
        "judged": n,
        "flagged": int(table["flagged"].sum()),
        **share_of_wrong(float(proba.sum()), float((proba * (1 - proba)).sum()), n),
    }


def share_of_wrong(expected, variance, n):
    """Of n judged rows, with a 95 % interval, by the sums of p and p (1 - p) over them.

    There is no interval where every probability is 0 or 1: then nothing is said of how sure it is.
    """
    # the sum of independent events with these probabilities; it is no wiser than they are
    rate, spread = expected / max(n, 1), Z * float(np.sqrt(variance)) / max(n, 1) or np.nan
    return {
        "noise_rate": rate,
        "noise_rate_low": float(np.maximum(rate - spread, 0.0)),
        "noise_rate_high": float(np.minimum(rate + spread, 1.0)),
    }


# --------------------------------------------------------------------------- the treatment


def what_was_done(estimator, table):
    """By a treatment: its name and why, and how many rows, flagged or not, fared how."""
    if not hasattr(estimator, "estimator_"):
        return {"treatment": None, "done": {}, "done_to_flagged": {}, "treated": None, "why": ""}
    name = getattr(estimator, "treatment_", None)
    fates = fates_of(table)
    done, to_flagged = {}, {}
    if fates is not None:
        done = fates.value_counts().to_dict()
        to_flagged = fates[table["flagged"]].value_counts().to_dict()
    return {
        "treatment": type(estimator).__name__ if name is None else name,
        "done": {str(fate): int(n) for fate, n in done.items()},
        "done_to_flagged": {str(fate): int(to_flagged.get(fate, 0)) for fate in done},
        "treated": int(np.sum(estimator.noise_mask_)),
        "why": getattr(estimator, "reason_", "") if name is not None else "",
    }


def fates_of(table):
    """What a treatment did with each row, in a few words; None if it does not say."""
    if "treatment" in table:
        return table["treatment"]
    if "weight" in table:
        light = table["weight"] < 0.5
        return light.map({True: "weight below one half", False: "weight of one half or more"})
    if "relabeled" in table:
        changed = table["relabeled"] != table["given"]
        return changed.map({True: "changed", False: "kept"})
    return None
