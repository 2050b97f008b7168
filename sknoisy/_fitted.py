"""What a fit leaves on an object."""

from __future__ import annotations


def replace_fitted(estimator, fitted):
    """Set the outcome of a fit, after the attributes that an earlier fit has left are gone."""
    for name in [a for a in vars(estimator) if a.endswith("_") and not a.startswith("_")]:
        delattr(estimator, name)
    estimator.__dict__.update(fitted)
