"""Folds over rows whose labels are not all known."""

from __future__ import annotations

import warnings

from sknoisy.exceptions import RareClassWarning


def quiet_folds(rows, strata, cv):
    """Folds of `SoftRows`, stratified by what is known; no word of rare strata, which are usual."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RareClassWarning)
        return rows.folds(strata, cv)
